//! The children of a scope, and their turns.
//!
//! Owns: [`Board`], where children are put down; [`drive`], the future that takes them up and polls them.
//! Not here: who may spawn what (`mod`).
//!
//! `C` is `dyn Future`, with `Send` or without it. What a scope's future is, `Send` or not, follows from that by itself.

use super::bell::Bell;
use crate::engine::atomics::Mutex;
use std::future::{Future, poll_fn};
use std::mem;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

type Boxed<C> = Pin<Box<C>>;

/// The body's number.
const BODY: usize = usize::MAX;

/// Where children are put down until the scope's future takes them.
pub(super) struct Board<C: ?Sized> {
    spawned: Mutex<Spawned<C>>,
    bell: Arc<Bell>,
}

struct Spawned<C: ?Sized> {
    children: Vec<Boxed<C>>,
    /// The scope's future is being polled, and will look here before it is done with that.
    is_being_looked_at: bool,
    closed: bool,
}

impl<C: ?Sized> Board<C> {
    // `Arc`, also where `C` keeps it on one thread: handles and the scope's future share it, as those of the other kind do.
    #[allow(clippy::arc_with_non_send_sync)]
    fn new() -> Arc<Self> {
        let spawned = Spawned { children: Vec::new(), is_being_looked_at: false, closed: false };
        Arc::new(Board { spawned: Mutex::new(spawned), bell: Bell::new() })
    }

    /// Puts a child down. If the scope is over, the child is dropped.
    pub(super) fn put(&self, child: Boxed<C>) {
        let (refused, wake) = {
            let mut spawned = self.spawned.lock();
            if spawned.closed {
                (Some(child), false)
            } else {
                spawned.children.push(child);
                (None, !spawned.is_being_looked_at)
            }
        };
        drop(refused);
        if wake {
            self.bell.wake();
        }
    }
}

/// Makes the body, and runs it and the children that are put down until all of them are done.
pub(super) async fn drive<C, B>(body: impl FnOnce(Arc<Board<C>>) -> B) -> B::Output
where
    C: ?Sized + Future<Output = ()>,
    B: Future,
{
    // First: should `body` panic after a spawn, the board is closed all the same.
    let mut children = Children { board: Board::new(), all: Vec::new(), vacant: Vec::new(), running: 0 };
    let mut body = pin!(body(children.board.clone()));
    let body_waker = children.board.bell.waker(BODY);
    let mut output = None;
    body_waker.wake_by_ref();
    poll_fn(|cx| {
        children.board.spawned.lock().is_being_looked_at = true;
        for slot in children.board.bell.answer(cx.waker()) {
            // Before the poll: who is woken during it is woken for the next.
            slot.begin_turn();
            if slot.index != BODY {
                children.poll(slot.index);
            } else if output.is_none()
                && let Poll::Ready(ready) = body.as_mut().poll(&mut Context::from_waker(&body_waker))
            {
                output = Some(ready);
            }
        }
        children.begin();
        let all_begun = children.all_begun();
        if output.is_some() && all_begun && children.running == 0 {
            return Poll::Ready(());
        }
        if !all_begun {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    })
    .await;
    output.expect("BUG: a local scope has ended before its body")
}

/// The children that the scope's future has taken.
struct Children<C: ?Sized> {
    board: Arc<Board<C>>,
    all: Vec<Option<Child<C>>>,
    vacant: Vec<usize>,
    running: usize,
}

struct Child<C: ?Sized> {
    future: Boxed<C>,
    waker: Waker,
}

impl<C: ?Sized + Future<Output = ()>> Children<C> {
    /// Takes those in that were spawned by now, and polls each once.
    fn begin(&mut self) {
        // Not in the `for`: it would hold the lock for as long as the loop takes.
        let spawned = mem::take(&mut self.board.spawned.lock().children);
        for future in spawned {
            let index = self.vacant.pop().unwrap_or_else(|| {
                self.all.push(None);
                self.all.len() - 1
            });
            let waker = self.board.bell.waker(index);
            self.all[index] = Some(Child { future, waker });
            self.running += 1;
            self.poll(index);
        }
    }

    /// Polls a child; one that has gone meanwhile is no error (its waker was kept).
    fn poll(&mut self, index: usize) {
        let Some(Some(child)) = self.all.get_mut(index) else { return };
        if child.future.as_mut().poll(&mut Context::from_waker(&child.waker)).is_ready() {
            let done = self.all[index].take();
            self.vacant.push(index);
            self.running -= 1;
            drop(done);
        }
    }

    /// Whoever is spawned from now on wakes the scope.
    fn all_begun(&self) -> bool {
        let mut spawned = self.board.spawned.lock();
        spawned.is_being_looked_at = false;
        spawned.children.is_empty()
    }
}

impl<C: ?Sized> Drop for Children<C> {
    fn drop(&mut self) {
        let unbegun = {
            let mut spawned = self.board.spawned.lock();
            spawned.closed = true;
            mem::take(&mut spawned.children)
        };
        self.board.bell.close();
        drop(unbegun);
    }
}
