//! A multi-threaded work-stealing async runtime for servers, with tokio's API.
//!
//! ```
//! #[runtime::main]
//! async fn main() {
//!     let answers: Vec<_> = (1..=4).map(|n| runtime::spawn(async move { n * n })).collect();
//!     let mut sum = 0;
//!     for answer in answers {
//!         sum += answer.await.unwrap();
//!     }
//!     assert_eq!(sum, 30);
//! }
//! ```
//!
//! # A tour
//!
//! * [`runtime`](mod@crate::runtime): build one ([`Builder`](crate::runtime::Builder)), run a future on it
//!   ([`Runtime::block_on`](crate::runtime::Runtime::block_on)), reach it from anywhere
//!   ([`Handle`](crate::runtime::Handle)), count what it does ([`RuntimeMetrics`](crate::runtime::RuntimeMetrics)).
//! * [`task`]: [`spawn`] a future, join or abort it, [`spawn_blocking`](task::spawn_blocking) a closure, keep tasks
//!   together in a [`JoinSet`](task::JoinSet), run what is not `Send` in a [`LocalSet`](task::LocalSet), give a task
//!   values of its own with [`task_local!`].
//! * [`select!`], [`join!`], [`try_join!`], [`pin!`]: several futures in one task.
//! * [`io`]: the traits [`AsyncRead`](io::AsyncRead) and [`AsyncWrite`](io::AsyncWrite), their many methods, buffers,
//!   copying, in-memory pipes.
//! * [`fs`]: files and folders.
//! * [`net`]: TCP, UDP and unix sockets, pipes, names to addresses.
//! * [`process`]: children, what they say, and how they end.
//! * [`signal`]: Ctrl-C, and all others.
//! * [`sync`]: channels ([`mpsc`](sync::mpsc), [`oneshot`](sync::oneshot), [`broadcast`](sync::broadcast),
//!   [`watch`](sync::watch)), locks for data across an `.await`, [`Semaphore`](sync::Semaphore), [`Notify`](sync::Notify),
//!   [`Barrier`](sync::Barrier), [`Event`](sync::Event), [`Condvar`](sync::Condvar), values made once;
//!   [`CancellationToken`](sync::CancellationToken) and [`TaskTracker`](sync::TaskTracker), [`queue`](sync::queue)s.
//! * [`time`]: [`sleep`](time::sleep()), [`timeout`](time::timeout()), [`interval`](time::interval()), queues of delays, and
//!   time that stands still for tests, on every flavor.
//! * [`scope`]: tasks that end together ([`TaskGroup`](scope::TaskGroup)), futures that borrow
//!   ([`scope_local`](scope::scope_local), [`scope_blocking`](scope::scope_blocking)), deadlines that everything inside
//!   inherits ([`CancelScope`](scope::CancelScope)), values that tasks inherit ([`context_local!`]).
//!
//! # Names
//!
//! Names are tokio's, so that `tokio = { package = "runtime" }` in a manifest runs a program written for it, as far as
//! the modules above go. A crate that is called like one of its modules makes `use runtime::*` ambiguous: write
//! `use runtime::prelude::*`, or `use ::runtime::…`.
//!
//! # Spans
//!
//! With the feature `tracing` each task has a span of [`tracing`](https://docs.rs/tracing): named `runtime.spawn`, of level
//! TRACE, with target `tokio::task`, or `tokio::task::blocking` for closures that block. It is entered while the task is
//! polled or dropped, and ends with it. Its fields are `kind` (`task`, `local`, `blocking`, `block_on`), `task.name`, `task.id`,
//! `size.bytes`, `original_size.bytes`, `loc.file`, `loc.line` and `loc.col`. These are tokio's, so that what was written for them
//! (tokio-console, say) finds them; tokio wants `--cfg tokio_unstable` besides. tokio's spans of resources and its events
//! of wakers are not made: what tokio-console says about those is to be left aside.
//!
//! A panic that nobody joins (see [`UnhandledPanic`](crate::runtime::UnhandledPanic)) is an event of level ERROR with target
//! `runtime::task` and the fields `task.id` and `panic`.
//!
//! # Promises
//!
//! What a program may rely on is numbered, explained and tested: `docs/promises.md` in the repository.

#[cfg(feature = "macros")]
mod attributes;
// What `net`, `process` and `signal` alone use stays without them, unused.
#[cfg_attr(not(all(feature = "net", feature = "signal")), allow(dead_code, unused_imports))]
mod engine;
#[cfg(feature = "fs")]
pub mod fs;
#[cfg_attr(not(feature = "net"), allow(dead_code, unused_imports, unused_macros))]
pub mod io;
#[doc(hidden)]
pub mod macros;
#[cfg(feature = "net")]
pub mod net;
#[cfg(not(feature = "tracing"))]
// Callers fill in what nobody reads, and say of which types.
#[allow(dead_code, clippy::extra_unused_type_parameters)]
mod no_span;
pub mod prelude;
#[cfg(feature = "process")]
pub mod process;
pub mod runtime;
pub mod scope;
#[cfg(feature = "signal")]
// What `process` alone uses.
#[cfg_attr(not(feature = "process"), allow(dead_code, unused_imports))]
pub mod signal;
#[cfg(feature = "tracing")]
mod span;
pub mod sync;
#[cfg_attr(not(any(feature = "fs", feature = "net")), allow(dead_code))]
pub mod task;
pub mod time;

#[cfg(feature = "macros")]
pub use attributes::{main, test};
#[cfg(not(feature = "tracing"))]
use no_span as span;
pub use task::spawn;
