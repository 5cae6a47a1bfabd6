//! Runtimes: building, entering, running, inspecting and ending them.
//!
//! ```
//! use runtime::runtime::Builder;
//!
//! let rt = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
//! let sum = rt.block_on(async {
//!     let tasks: Vec<_> = (0..10).map(|n| runtime::spawn(async move { n * n })).collect();
//!     let mut sum = 0;
//!     for task in tasks {
//!         sum += task.await.unwrap();
//!     }
//!     sum
//! });
//! assert_eq!(sum, 285);
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! There are three flavors. A *multi-thread* runtime has N workers that steal tasks from each other, and a guarantor
//! thread that notices stuck ones. A *current-thread* runtime runs everything on the thread inside
//! [`block_on`](Runtime::block_on). A [`LocalRuntime`] is a current-thread runtime whose tasks need not be `Send`.

mod builder;
mod callbacks;
mod handle;
mod histogram;
mod hooks;
mod local;
mod metrics;
mod policy;
#[allow(clippy::module_inception)] // tokio's users look for `runtime::Runtime`; the file is named after its type
mod runtime;
mod seed;

pub use builder::Builder;
pub use handle::{EnterGuard, Handle, Id, RuntimeFlavor, TryCurrentError};
pub use histogram::{
    HistogramConfiguration, HistogramScale, InvalidHistogramConfiguration, LogHistogram, LogHistogramBuilder,
};
pub use hooks::TaskMeta;
pub use local::{LocalOptions, LocalRuntime};
pub use metrics::{RuntimeMetrics, worker_index};
pub(crate) use policy::tell_subscriber;
pub use policy::{PanicInfo, UnhandledPanic};
pub use runtime::{Runtime, is_rt_shutdown_err};
pub use seed::RngSeed;
