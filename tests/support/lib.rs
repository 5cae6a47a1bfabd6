//! What the black-box tests share: worlds to run in, events, probes that count their drops, a watchdog.
//!
//! Rules that every test here follows: it waits for a condition ([`wait_until`], [`Event`]), never for time; it holds a
//! [`watchdog`], so that a hang is a failure that names the test; it uses no part of the runtime that it does not
//! test (hence the tests' own [`Event`] instead of the channels in `sync`).

/// A test once more, in a process of its own, or with strace around it.
pub mod again;
pub mod auto_traits;
pub mod counting_waker;
pub mod event;
pub mod evil;
pub mod flavor;
pub mod folder;
pub mod forgotten;
pub mod panics;
pub mod probe;
pub mod rng;
pub mod still;
pub mod watch;

// `GlobalAlloc` is an unsafe trait; the file does nothing but count and forward to the system's allocator.
#[allow(unsafe_code)]
pub mod counting_alloc;

// A `RawWaker` of its own, because `Wake` has no hook for clone and drop.
#[allow(unsafe_code)]
pub mod hostile;

// Code between `fork` and `exec` is as unsafe as can be.
#[cfg(target_os = "linux")]
#[allow(unsafe_code)]
pub mod fork;

// To debug has no safe face.
#[cfg(target_os = "linux")]
#[allow(unsafe_code)]
pub mod debugger;

// Filters of system calls and masks of signals have no safe face.
#[cfg(target_os = "linux")]
#[allow(unsafe_code)]
pub mod sandbox;

// To register a handler is unsafe.
#[allow(unsafe_code)]
pub mod signal;

/// Threads, descriptors and memory of this process, as the kernel sees them.
pub mod process;

pub use counting_waker::{WakeCount, poll_once};
pub use event::Event;
pub use flavor::{Flavor, Place, World};
pub use folder::{Folder, numbered};
pub use forgotten::{forget_waker, leak, leak_bytes};
pub use panics::{CaughtPanic, catch, planned_panic};
pub use probe::{Drops, Probe};
pub use rng::Rng;
pub use signal::handle_signal;
pub use still::{in_still_time, still};
pub use watch::{wait_until, watchdog, watchdog_secs};
