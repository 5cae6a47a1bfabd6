//! The future of `Source::ready`.
//!
//! Owns: one place on the source's bench, from the first pending poll to its end.
//!
//! Rejected: a list node inside the pinned future. It saves the bench's vector and needs unsafe code; the bench
//! allocates once per source, and only if a second style of waiting is used at all.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use crate::error;
use crate::readiness::Look;
use crate::ready::{Interest, Ready, ReadyEvent};
use crate::source::Source;
use crate::waiters::Answer;

/// Waits for a source; made by [`Source::ready`].
///
/// # Cancel safety
///
/// Dropping it loses nothing.
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct Wait<'a> {
    source: &'a Source,
    interest: Interest,
    place: Option<u32>,
}

impl<'a> Wait<'a> {
    pub(crate) fn new(source: &'a Source, interest: Interest) -> Wait<'a> {
        Wait { source, interest, place: None }
    }

    /// First pending poll: takes a place, unless an event came meanwhile.
    fn sit(&mut self, waker: &Waker) -> Poll<io::Result<ReadyEvent>> {
        let (cell, mask) = (&self.source.cell, self.interest.mask());
        let waker = waker.clone();
        let mut waiters = cell.waiters.lock();
        // The second look of `source`'s protocol. It must be under the lock.
        let seen = cell.readiness.look(mask);
        if let Look::Nothing(_) = seen {
            self.place = Some(waiters.sit(mask, waker));
            return Poll::Pending;
        }
        drop(waiters);
        drop(waker);
        self.answer(seen, Ready::EMPTY)
    }

    /// Asks the place; a call ends the wait, another task's waker replaces the old one.
    fn ask(&mut self, place: u32, waker: &Waker) -> Poll<io::Result<ReadyEvent>> {
        let cell = &self.source.cell;
        let mut waiters = cell.waiters.lock();
        let mut answer = waiters.ask(place, waker);
        if let Answer::OtherWaker = answer {
            drop(waiters);
            let waker = waker.clone();
            waiters = cell.waiters.lock();
            let replaced = waiters.change_waker(place, waker);
            answer = waiters.ask(place, &replaced);
            drop(waiters);
            drop(replaced);
        } else {
            drop(waiters);
        }
        let Answer::Called(told) = answer else { return Poll::Pending };
        self.leave();
        self.answer(self.source.cell.readiness.look(self.interest.mask()), told)
    }

    fn answer(&self, seen: Look, told: Ready) -> Poll<io::Result<ReadyEvent>> {
        Poll::Ready(match seen {
            Look::Shut => Err(error::shut_down()),
            // The ticks are current: clearing flags that another task has cleared already changes nothing.
            Look::Event(event) | Look::Nothing(event) => Ok(ReadyEvent { ready: event.ready | told, ..event }),
        })
    }

    fn leave(&mut self) {
        if let Some(place) = self.place.take() {
            let left = self.source.cell.waiters.lock().leave(place);
            drop(left);
        }
    }
}

impl Future for Wait<'_> {
    type Output = io::Result<ReadyEvent>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(place) = self.place {
            return self.ask(place, cx.waker());
        }
        if let Some(beyond) = self.interest.beyond(self.source.interest) {
            return Poll::Ready(Err(error::not_registered_for(beyond, self.source.interest)));
        }
        match self.source.cell.readiness.look(self.interest.mask()) {
            Look::Nothing(_) => self.sit(cx.waker()),
            seen => self.answer(seen, Ready::EMPTY),
        }
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        self.leave();
    }
}
