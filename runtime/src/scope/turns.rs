//! What is to be done while something of its kind is being done: afterwards, in a loop, instead of inside.
//!
//! Owns: one queue for each thread.
//!
//! The danger: depth. The end of one group may be the end of the one around it, a cancelled scope may cancel the next by a
//! token, and so on for a million links. Each would be done inside the one before, and need its stack. Whoever calls first
//! stays until the queue is empty, so that what he has asked for is done when his call returns.

use super::wakes::Wakes;
use std::cell::RefCell;
use std::collections::VecDeque;

pub(super) type Then = Box<dyn FnOnce() + Send>;

thread_local! {
    /// `None`: this thread is doing nothing of that kind.
    static TURNS: RefCell<Option<VecDeque<Then>>> = const { RefCell::new(None) };
}

/// Does it now, or when what this thread is doing of that kind is done.
pub(super) fn in_turn(then: Then) {
    let mut then = Some(then);
    let busy = TURNS.try_with(|turns| match &mut *turns.borrow_mut() {
        Some(queue) => queue.extend(then.take()),
        idle => *idle = Some(VecDeque::new()),
    });
    let mut wakes = Wakes::default();
    while let Some(next) = then {
        wakes.call(next);
        // Without the thread's queue (it ends): each calls the next.
        then = if busy.is_ok() { next_turn() } else { None };
    }
    wakes.done();
}

fn next_turn() -> Option<Then> {
    TURNS.with(|turns| {
        let mut turns = turns.borrow_mut();
        let next = turns.as_mut().and_then(VecDeque::pop_front);
        if next.is_none() {
            *turns = None;
        }
        next
    })
}
