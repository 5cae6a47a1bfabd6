//! Time: sleeping, deadlines, ticking, and a clock that tests can hold still.
//!
//! | to | use |
//! |---|---|
//! | wait | [`sleep`](sleep()), [`sleep_until`] |
//! | give up on something | [`timeout`](timeout()), [`timeout_at`] |
//! | do something again and again | [`interval`](interval()), [`interval_at`] |
//! | know how long something took | [`Instant`] |
//! | keep many values for a while each | [`DelayQueue`] |
//! | call a function later, without a task | [`call_later()`], [`call_at`], [`call_soon`] |
//! | test all of that without waiting | [`pause`], [`advance`], [`resume`], [`set_auto_advance`] |
//!
//! ```
//! use runtime::time::{Duration, sleep, timeout};
//!
//! # runtime::runtime::Runtime::new().unwrap().block_on(async {
//! let slow = async {
//!     sleep(Duration::from_secs(3600)).await;
//!     "an answer"
//! };
//! assert!(timeout(Duration::from_millis(10), slow).await.is_err());
//! # })
//! ```
//!
//! # How exact
//!
//! A timer never fires early. By default it fires at the first whole millisecond (of its runtime's clock) at or after its
//! deadline, so up to a millisecond late, plus what the system and the load add;
//! [`Builder::precise_timers`](crate::runtime::Builder::precise_timers) makes the grain finer. A deadline may be as far away
//! as [`Instant`] reaches; a duration that leads beyond that means about thirty years.
//!
//! Time that the machine spends suspended does not count, as with [`std::time::Instant`] on Linux.
//!
//! # What it costs
//!
//! A timer that nobody has polled to `Pending` is in no list and costs nothing to drop, so a [`timeout`](timeout()) around something
//! that is ready costs one look at the clock.
//!
//! # Whose time
//!
//! A timer belongs to the runtime in whose context it was made, also when it is polled, reset or dropped elsewhere, and
//! counts by that runtime's clock. Polled after that runtime has shut down it panics: nobody would ever wake it.
//!
//! # Time that stands still
//!
//! [`pause`] stops the clock of one runtime, of any flavor. From then on it moves when told to ([`advance`]), and by itself
//! when nothing else would ever happen: no task is ready or being polled, no blocking closure runs, and timers are all that
//! is waited for. It then jumps to the earliest one. So a test of a one-hour timeout takes no time at all:
//!
//! ```
//! use runtime::time::{Duration, Instant, sleep};
//!
//! let runtime = runtime::runtime::Builder::new_multi_thread().start_paused(true).build().unwrap();
//! runtime.block_on(async {
//!     let before = Instant::now();
//!     sleep(Duration::from_secs(3600)).await;
//!     assert_eq!(before.elapsed(), Duration::from_secs(3600));
//! });
//! ```
//!
//! It does not wait for sockets: if a peer's answer is on its way and a timeout is set, the timeout comes first. Switch
//! that off with [`set_auto_advance`].

// Owns: the public types.
// Not here: when a timer fires and who fires it (`engine/drive`, `engine/sched`).

mod call_later;
mod clock;
pub mod delay_queue;
pub mod error;
mod instant;
mod interval;
mod missed;
mod sleep;
mod timeout;

pub use call_later::{TimerGuard, call_at, call_later, call_soon};
pub use clock::{advance, pause, resume, set_auto_advance};
#[doc(inline)]
pub use delay_queue::DelayQueue;
pub use instant::Instant;
pub use interval::{Interval, interval, interval_at};
pub use missed::MissedTickBehavior;
pub use sleep::{Sleep, sleep, sleep_until};
pub use std::time::Duration;
pub use timeout::{Timeout, timeout, timeout_at};

use crate::engine::{NoTimer, no_runtime_here};

/// The panic of a timer that cannot fire.
#[cold]
#[track_caller]
fn cannot_wait(what: &str, why: NoTimer) -> ! {
    match why {
        NoTimer::NoRuntime => no_runtime_here(what),
        NoTimer::ShutDown => panic!(
            "the runtime of this timer is shut down: `{what}` was polled after that and can never be woken.\n  Keep the \
             `Runtime` for as long as anything waits by its clock, or make the timer inside the runtime that polls it."
        ),
    }
}
