//! Something that happens once, for tasks and threads to wait for.

use parking_lot::{Condvar, Mutex};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

#[derive(Default)]
struct Happening {
    happened: bool,
    wakers: Vec<Waker>,
}

/// A flag that starts unset, is set once and then stays set. Clones are the same event.
#[derive(Clone, Default)]
pub struct Event(Arc<(Mutex<Happening>, Condvar)>);

impl Event {
    /// An event that has not happened.
    pub fn new() -> Event {
        Event::default()
    }

    /// Lets it happen, and wakes everyone who waits. Wakers run with no lock held.
    pub fn set(&self) {
        let mut happening = self.0.0.lock();
        happening.happened = true;
        let wakers = std::mem::take(&mut happening.wakers);
        drop(happening);
        self.0.1.notify_all();
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Has it happened?
    pub fn is_set(&self) -> bool {
        self.0.0.lock().happened
    }

    /// The future that is ready once it has happened.
    pub fn wait(&self) -> EventWait {
        EventWait(self.clone())
    }

    /// Blocks this thread until it happens; panics in the caller's name after ten seconds.
    #[track_caller]
    pub fn wait_blocking(&self) {
        assert!(self.wait_blocking_for(Duration::from_secs(10)), "waited 10 s in vain for an event");
    }

    /// Blocks this thread until it happens, `limit` at most; says whether it happened.
    pub fn wait_blocking_for(&self, limit: Duration) -> bool {
        let mut happening = self.0.0.lock();
        self.0.1.wait_while_for(&mut happening, |happening| !happening.happened, limit);
        happening.happened
    }

    /// How many wakers the event holds.
    pub fn waiting(&self) -> usize {
        self.0.0.lock().wakers.len()
    }
}

/// See [`Event::wait`].
pub struct EventWait(Event);

impl Future for EventWait {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let waker = cx.waker().clone();
        let mut happening = self.0.0.0.lock();
        if happening.happened {
            return Poll::Ready(());
        }
        if !happening.wakers.iter().any(|known| known.will_wake(&waker)) {
            happening.wakers.push(waker);
        }
        Poll::Pending
    }
}
