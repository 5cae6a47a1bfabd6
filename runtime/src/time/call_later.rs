//! Functions that are called later, without a task that waits.
//!
//! Owns: [`call_later`], [`call_at`], [`call_soon`], [`TimerGuard`].
//!
//! The timer's waker is the call: what waits is an entry in the wheel and one allocation. When it fires, a task is spawned
//! that calls the function, so that it runs on a worker, whoever fires the wheel, and its panic is treated as a task's.
//! Rejected: calling it right there. The thread that fires may be the guarantor, which runs no user code.
//!
//! Whoever takes the function out of its lock has it: the firing, or the guard that gives it up. It is called and dropped
//! outside.

use super::{Instant, cannot_wait};
use crate::engine::atomics::Mutex;
use crate::engine::{Context as Inheritance, Engine, NoTimer, Timer, current, entered};
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

/// Calls `function` on a worker when the time is up, unless the guard is dropped before.
///
/// ```
/// use runtime::time::{Duration, call_later};
///
/// # runtime::runtime::Runtime::new().unwrap().block_on(async {
/// let (tx, rx) = runtime::sync::oneshot::channel();
/// let guard = call_later(Duration::from_millis(5), move || tx.send("now").unwrap());
/// assert_eq!(rx.await, Ok("now"));
/// assert!(!guard.is_pending());
///
/// let unwanted = call_later(Duration::from_millis(5), || unreachable!());
/// drop(unwanted);
/// call_later(Duration::from_millis(5), || println!("whatever becomes of the caller")).detach();
/// # })
/// ```
///
/// No task waits for it. A function that awaits something spawns a task for that. If the runtime shuts down before, the
/// function is dropped.
///
/// # Panics
/// Outside of a runtime.
#[track_caller]
pub fn call_later<F: FnOnce() + Send + 'static>(time: Duration, function: F) -> TimerGuard {
    call_at(Instant::now().later(time), function)
}

/// As [`call_later`], at a moment; soon, if it has passed.
///
/// ```
/// use runtime::time::{Duration, Instant, call_at};
///
/// # runtime::runtime::Runtime::new().unwrap().block_on(async {
/// let at = Instant::now() + Duration::from_secs(60);
/// let guard = call_at(at, || unreachable!());
/// assert!(guard.deadline() == at && guard.cancel());
/// # })
/// ```
///
/// # Panics
/// Outside of a runtime.
#[track_caller]
pub fn call_at<F: FnOnce() + Send + 'static>(deadline: Instant, function: F) -> TimerGuard {
    match Timer::new(deadline.into_std()) {
        Ok(timer) => TimerGuard::new(Some(timer), deadline, Box::new(function), Location::caller()),
        Err(why) => cannot_wait("time::call_at", why),
    }
}

/// Calls `function` on a worker as soon as one is free, unless the guard is dropped before that.
///
/// ```
/// use runtime::time::call_soon;
///
/// # runtime::runtime::Runtime::new().unwrap().block_on(async {
/// let (tx, rx) = runtime::sync::oneshot::channel();
/// call_soon(move || tx.send(7).unwrap()).detach();
/// assert_eq!(rx.await, Ok(7));
/// # })
/// ```
///
/// # Panics
/// Outside of a runtime.
#[track_caller]
pub fn call_soon<F: FnOnce() + Send + 'static>(function: F) -> TimerGuard {
    if !entered::with_engine(|engine| engine.is_some()) {
        cannot_wait("time::call_soon", NoTimer::NoRuntime);
    }
    TimerGuard::new(None, Instant::now(), Box::new(function), Location::caller())
}

type Function = Box<dyn FnOnce() + Send>;

struct Call {
    function: Mutex<Option<Function>>,
    engine: Weak<Engine>,
    /// The caller's, which the function inherits.
    context: Option<Arc<Inheritance>>,
    caller: &'static Location<'static>,
}

/// A function that will be called; from [`call_later`] and its like. Dropping it before that gives the call up.
#[must_use = "dropping the guard gives the call up; `detach` lets it happen"]
pub struct TimerGuard {
    call: Option<Arc<Call>>,
    /// Gives its place in the wheel up when it goes.
    timer: Option<Timer>,
    deadline: Instant,
}

impl TimerGuard {
    fn new(timer: Option<Timer>, deadline: Instant, function: Function, caller: &'static Location<'static>) -> Self {
        let engine =
            entered::with_engine(|engine| engine.map_or_else(Weak::new, |engine| Arc::downgrade(&engine.count())));
        let context = current::context();
        let call = Arc::new(Call { function: Mutex::new(Some(function)), engine, context, caller });
        let mut guard = TimerGuard { call: Some(call.clone()), timer, deadline };
        let waker = Waker::from(call.clone());
        let due = match &mut guard.timer {
            None => true,
            // Shut down: nobody fires it any more, and a spawn is refused.
            Some(timer) => !matches!(timer.poll(&mut Context::from_waker(&waker)), Poll::Pending),
        };
        if due {
            call.spawn();
        }
        guard
    }

    /// When it is called.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Is it yet to be called?
    pub fn is_pending(&self) -> bool {
        self.call.as_ref().is_some_and(|call| call.function.lock().is_some())
    }

    /// Gives the call up. `false`: it has begun already.
    pub fn cancel(mut self) -> bool {
        self.give_up()
    }

    /// Lets the call happen without the guard.
    pub fn detach(mut self) {
        self.call = None;
        // The entry stays in the wheel, and keeps the call; the timer itself has no memory of its own.
        std::mem::forget(self.timer.take());
    }

    fn give_up(&mut self) -> bool {
        let Some(call) = self.call.take() else { return false };
        let function = call.function.lock().take();
        function.is_some()
    }
}

impl Drop for TimerGuard {
    fn drop(&mut self) {
        self.give_up();
    }
}

impl fmt::Debug for TimerGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimerGuard")
            .field("deadline", &self.deadline)
            .field("is_pending", &self.is_pending())
            .finish_non_exhaustive()
    }
}

impl Call {
    /// The time has come.
    fn spawn(self: Arc<Self>) {
        let Some(engine) = self.engine.upgrade() else { return };
        let info = Engine::info(self.caller);
        let context = self.context.clone();
        let _inside = current::enter_context(context.as_ref());
        drop(engine.spawn(CallNow(self), info));
    }
}

impl Wake for Call {
    fn wake(self: Arc<Self>) {
        self.spawn();
    }
}

/// Ready in its first poll.
struct CallNow(Arc<Call>);

impl Future for CallNow {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<()> {
        let function = self.0.function.lock().take();
        if let Some(function) = function {
            function();
        }
        Poll::Ready(())
    }
}
