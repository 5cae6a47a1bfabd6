//! What the macros' expansions call. Public because they stand in other crates; not meant to be called by hand, except
//! for [`thread_rng_n`] and [`poll_budget_available`], which crates in the wild do call.
//!
//! Owns: `MaybeDone` (a future or its output), the order in which `join!` polls, the branches that `select!` has disabled.
//! Not here: how the futures lie in memory (`bundle`).

use crate::engine::{self, budget};
pub use crate::macros::bundle::{Bundled, Part};
use pin_project_lite::pin_project;
pub use std::future::{Future, IntoFuture, poll_fn};
pub use std::pin::{Pin, pin};
pub use std::result::Result;
pub use std::task::{Context, Poll, ready};

/// A random number in `0..n` from this thread's generator, which is seeded with the runtime's seed.
#[inline]
pub fn thread_rng_n(n: u32) -> u32 {
    engine::random_below(n)
}

/// `Ready` while the current task has budget left; otherwise wakes the task and is `Pending`. Takes nothing.
#[inline]
pub fn poll_budget_available(cx: &mut Context<'_>) -> Poll<()> {
    budget::poll_remaining(cx)
}

/// A `select!` that nothing can complete any more.
#[cold]
#[inline(never)]
#[track_caller]
pub fn all_branches_disabled() -> ! {
    panic!(
        "all branches are disabled and there is no else branch in this `select!`: each precondition was false, or the \
         future's result did not match its pattern. Add `else => …`, or a branch whose pattern always matches"
    );
}

/// An expression that `select!` was given. Its bound makes the compiler point at an expression that is no future.
#[derive(Debug)]
pub struct Branch<F: IntoFuture> {
    /// The expression's value.
    pub future: F,
}

impl<F: IntoFuture> Part for Branch<F> {
    type Future = F::IntoFuture;

    #[inline]
    fn future(self) -> F::IntoFuture {
        self.future.into_future()
    }
}

/// Which branches of a `select!` are not polled any more. A bit for each, and no larger than that.
#[derive(Clone, Copy, Debug)]
pub struct Disabled<const BYTES: usize>([u8; BYTES]);

impl<const BYTES: usize> Disabled<BYTES> {
    /// All are polled.
    #[inline]
    pub fn none() -> Self {
        Disabled([0; BYTES])
    }

    /// This one is not, from now on.
    #[inline]
    pub fn add(&mut self, branch: usize) {
        self.0[branch / 8] |= 1 << (branch % 8);
    }

    /// Is it so already?
    #[inline]
    pub fn has(&self, branch: usize) -> bool {
        self.0[branch / 8] & 1 << (branch % 8) != 0
    }
}

/// An expression that `join!` or `try_join!` was given, bound in the same way.
#[derive(Debug)]
pub struct Member<F: IntoFuture> {
    /// The expression's value.
    pub future: F,
}

impl<F: IntoFuture> Part for Member<F> {
    type Future = MaybeDone<F::IntoFuture>;

    #[inline]
    fn future(self) -> MaybeDone<F::IntoFuture> {
        MaybeDone { stage: Stage::Running { future: self.future.into_future() } }
    }
}

pin_project! {
    /// A future, then its output, then nothing.
    pub struct MaybeDone<F: Future> {
        #[pin]
        stage: Stage<F>,
    }
}

pin_project! {
    #[project = Borrowed]
    #[project_replace = Owned]
    enum Stage<F: Future> {
        // Dropped as soon as it is ready.
        Running { #[pin] future: F },
        // Waits for the others.
        Done { output: F::Output },
        // The output has been handed on.
        Taken,
    }
}

impl<F: Future> MaybeDone<F> {
    /// Polls the future unless it has finished.
    #[inline]
    pub fn poll_done(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut stage = self.project().stage;
        if let Borrowed::Running { future } = stage.as_mut().project() {
            let output = ready!(future.poll(cx));
            stage.set(Stage::Done { output });
        }
        Poll::Ready(())
    }

    /// The output, once.
    #[inline]
    #[track_caller]
    pub fn take_output(self: Pin<&mut Self>) -> F::Output {
        match self.project().stage.project_replace(Stage::Taken) {
            Owned::Done { output } => output,
            Owned::Running { .. } | Owned::Taken => unreachable!("BUG: `join!` takes an output that is not there"),
        }
    }
}

impl<T, E, F: Future<Output = Result<T, E>>> MaybeDone<F> {
    /// Like [`poll_done`](Self::poll_done); a failure comes out at once.
    #[inline]
    pub fn poll_ok(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), E>> {
        let mut stage = self.project().stage;
        if let Borrowed::Running { future } = stage.as_mut().project() {
            match ready!(future.poll(cx)) {
                Ok(value) => stage.set(Stage::Done { output: Ok(value) }),
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        Poll::Ready(Ok(()))
    }

    /// The value, once.
    #[inline]
    #[track_caller]
    pub fn take_ok(self: Pin<&mut Self>) -> T {
        match self.take_output() {
            Ok(value) => value,
            Err(_) => unreachable!("BUG: `poll_ok` keeps no failure"),
        }
    }
}

/// The order of `join!`: each poll starts one future later than the one before, so that no future always finds the
/// task's budget spent by its neighbours.
#[derive(Debug, Default)]
pub struct Rotating {
    first: u32,
}

/// The order of `join!(biased; …)`: as written.
#[derive(Debug, Default)]
pub struct AsWritten;

/// One walk over the futures: some are skipped, then some are polled.
#[derive(Debug)]
pub struct Lap {
    skip: u32,
    take: u32,
}

impl Rotating {
    /// The two laps of one poll over `count` futures: from the first one to the end, then what was skipped.
    #[inline]
    pub fn laps(&mut self, count: u32) -> [Lap; 2] {
        let first = self.first;
        self.first = if first + 1 < count { first + 1 } else { 0 };
        [Lap { skip: first, take: u32::MAX }, Lap { skip: 0, take: first }]
    }
}

impl AsWritten {
    /// One lap with everything in it.
    #[inline]
    pub fn laps(&mut self, _count: u32) -> [Lap; 1] {
        [Lap { skip: 0, take: u32::MAX }]
    }
}

impl Lap {
    /// Is it the turn of the next future? Asked once for each, in the order in which they were written.
    #[inline]
    pub fn is_due(&mut self) -> bool {
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        let due = self.take > 0;
        self.take = self.take.saturating_sub(1);
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rotating_laps_visit_each_future_once_and_start_one_later_each_time() {
        let mut order = Rotating::default();
        for first in [0, 1, 2, 0] {
            let mut visited = Vec::new();
            for mut lap in order.laps(3) {
                visited.extend((0..3).filter(|_| lap.is_due()));
            }
            assert_eq!(visited, [first, (first + 1) % 3, (first + 2) % 3]);
        }
    }

    #[test]
    fn an_exhausted_budget_wakes_and_is_pending() {
        use std::sync::Arc;
        use std::sync::atomic::{AtomicU32, Ordering};
        struct Count(AtomicU32);
        impl std::task::Wake for Count {
            fn wake(self: Arc<Self>) {
                self.0.fetch_add(1, Ordering::Relaxed);
            }
        }
        let count = Arc::new(Count(AtomicU32::new(0)));
        let waker = count.clone().into();
        let mut cx = Context::from_waker(&waker);
        assert!(poll_budget_available(&mut cx).is_ready());
        budget::with_budget(budget::Budget::PER_POLL, || {
            for _ in 0..128 {
                assert!(poll_budget_available(&mut cx).is_ready());
                assert!(budget::poll_proceed(&mut cx).map(|unit| unit.made_progress()).is_ready());
            }
            assert_eq!(count.0.load(Ordering::Relaxed), 0);
            assert!(poll_budget_available(&mut cx).is_pending());
            assert_eq!(count.0.load(Ordering::Relaxed), 1);

            let mut select = pin!(async {
                crate::select! { biased; _ = async {} => () }
            });
            assert!(select.as_mut().poll(&mut cx).is_pending(), "a select! without budget yields");
            assert_eq!(count.0.load(Ordering::Relaxed), 2);
        });
    }
}
