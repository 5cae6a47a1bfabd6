//! Which children were woken.
//!
//! Owns: [`Bell`], [`SlotWaker`].   Not here: the children.
//!
//! Each child has a waker with its number. Whoever is woken first wakes the task; the others only put themselves on the list.
//! No waker is cloned, woken or dropped under the lock.
//!
//! The danger: a waker on the list is a circle, since it owns the bell. While the scope lives its future empties the list. A
//! waker may outlive the scope (a socket keeps the last one that polled it), so when that ends the bell is closed, under the
//! lock, and takes nobody any more.

use crate::engine::atomics::Mutex;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Wake, Waker};

/// Who has been woken, and whom to wake for it.
pub(super) struct Bell(Mutex<Rung>);

#[derive(Default)]
struct Rung {
    woken: Vec<Arc<SlotWaker>>,
    waker: Option<Waker>,
    /// The scope is over.
    closed: bool,
}

/// What a child (or the body) finds as the waker of its task.
pub(super) struct SlotWaker {
    pub(super) index: usize,
    /// It stands in the list.
    rung: AtomicBool,
    bell: Arc<Bell>,
}

impl Bell {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Bell(Mutex::new(Rung::default())))
    }

    pub(super) fn waker(self: &Arc<Self>, index: usize) -> Waker {
        Arc::new(SlotWaker { index, rung: AtomicBool::new(false), bell: self.clone() }).into()
    }

    /// Those who were woken, and from now on `waker` is woken for the next.
    pub(super) fn answer(&self, waker: &Waker) -> Vec<Arc<SlotWaker>> {
        let same = self.0.lock().waker.as_ref().is_some_and(|old| old.will_wake(waker));
        let new = (!same).then(|| waker.clone());
        let (woken, old) = {
            let mut rung = self.0.lock();
            let old = new.and_then(|new| rung.waker.replace(new));
            (mem::take(&mut rung.woken), old)
        };
        drop(old);
        woken
    }

    pub(super) fn wake(&self) {
        let waker = self.0.lock().waker.take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// The scope is over: whoever is woken from now on is not remembered.
    pub(super) fn close(&self) {
        let (woken, waker) = {
            let mut rung = self.0.lock();
            rung.closed = true;
            (mem::take(&mut rung.woken), rung.waker.take())
        };
        drop((woken, waker));
    }
}

impl SlotWaker {
    /// From now on, whoever wakes it puts it on the list again.
    pub(super) fn begin_turn(&self) {
        self.rung.swap(false, Ordering::AcqRel);
    }
}

impl Wake for SlotWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.rung.swap(true, Ordering::AcqRel) {
            return;
        }
        let waker = {
            let mut rung = self.bell.0.lock();
            if rung.closed {
                return;
            }
            rung.woken.push(self.clone());
            rung.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}
