//! A descriptor of ours and its registration: what sockets, pipes and `AsyncFd` are made of.
//!
//! Owns: the object with the descriptor, and its registration with the runtime that it was made in.
//! Not here: system calls (`net`); what the public types promise.
//!
//! Every operation that turns out to be ready takes a unit of the task's budget, also one that waits for readiness only:
//! a loop of `readable` and `try_read` on a busy socket would otherwise never yield. `try_*` operations take none: who
//! calls them does not wait.
//!
//! Readiness is taken back when an operation has said `WouldBlock` (`Registration::settle`). A short read would save the next attempt, but in
//! general is no proof: urgent data, records with descriptors or credentials, and peeks end a read early too. Where it is
//! one (TCP on Linux, while no urgent data is reported) `poll_short_reads` makes use of it.
//!
//! When the runtime ends, its own tasks are told nothing: they wait, and are dropped there. Everybody else gets an error.
//!
//! The danger: a descriptor closed before it is deregistered stays in the kernel's queue as long as a duplicate lives.
//! So the two go together: registration first, on every way out.

use super::{Interest, Ready};
use crate::engine::{self, Blocked, Direction, NoDriver, ReadyEvent, Registration, Trust, budget, no_runtime_here};
use std::fmt;
use std::future::{pending, poll_fn};
use std::io;
use std::os::fd::AsFd;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

pub(crate) struct Watched<S: AsFd> {
    /// `None` only while it is taken apart.
    parts: Option<(Registration, S)>,
}

// What a panicking operation leaves behind is the kernel's, and readiness words that are whole at any time.
impl<S: AsFd> UnwindSafe for Watched<S> {}
impl<S: AsFd> RefUnwindSafe for Watched<S> {}

const APART: &str = "BUG: a watched descriptor is used after it was taken apart";

/// Both directions, and urgent data: what a socket is registered for.
const SOCKET: Interest = Interest::READABLE.add(Interest::WRITABLE).add(Interest::PRIORITY);

impl<S: AsFd> Watched<S> {
    /// Registers `object`, which must be non-blocking, with the runtime that this thread has entered. `what` is the
    /// public function that a panic names.
    #[track_caller]
    pub(crate) fn new(object: S, what: &str) -> io::Result<Self> {
        Watched::with_interest(object, SOCKET, what).map_err(|(_, error)| error)
    }

    /// The same for an object that can surely be written: the first write need not wait for the driver to say so, and the
    /// system is asked about writing only when a write has found no room.
    #[track_caller]
    pub(crate) fn new_writable(object: S, what: &str) -> io::Result<Self> {
        Watched::register(object, SOCKET, true, what).map_err(|(_, error)| error)
    }

    /// The same for a connection that was accepted: who connects mostly speaks first, so the first read tries, too, before
    /// the driver has said anything.
    #[track_caller]
    pub(crate) fn new_accepted(object: S, what: &str) -> io::Result<Self> {
        let accepted = Watched::new_writable(object, what)?;
        accepted.registration().set(Ready::READABLE.get());
        Ok(accepted)
    }

    /// Lets the next write try, whatever the system has said.
    pub(crate) fn set_writable(&self) {
        self.registration().set(Ready::WRITABLE.get());
    }

    #[track_caller]
    pub(crate) fn with_interest(object: S, interest: Interest, what: &str) -> Result<Self, (S, io::Error)> {
        Watched::register(object, interest, false, what)
    }

    #[track_caller]
    fn register(object: S, interest: Interest, writable: bool, what: &str) -> Result<Self, (S, io::Error)> {
        match engine::register(object.as_fd(), interest.get(), writable) {
            Ok(Ok(registration)) => Ok(Watched { parts: Some((registration, object)) }),
            Ok(Err(error)) => Err((object, error)),
            Err(NoDriver) => no_runtime_here(what),
        }
    }

    #[inline]
    fn parts(&self) -> &(Registration, S) {
        self.parts.as_ref().expect(APART)
    }

    #[inline]
    fn registration(&self) -> &Registration {
        &self.parts().0
    }

    fn parts_mut(&mut self) -> (&Registration, &mut S) {
        let (registration, object) = self.parts.as_mut().expect(APART);
        (registration, object)
    }

    #[inline]
    pub(crate) fn get(&self) -> &S {
        &self.parts().1
    }

    /// `None`: it was taken apart.
    pub(crate) fn get_if_whole(&self) -> Option<&S> {
        self.parts.as_ref().map(|(_, object)| object)
    }

    pub(crate) fn get_mut(&mut self) -> &mut S {
        self.parts_mut().1
    }

    /// Ends the registration and gives the object back. The descriptor stays non-blocking.
    pub(crate) fn into_inner(mut self) -> S {
        self.take_apart().expect("BUG: a watched descriptor was taken apart twice")
    }

    /// Gives the object back without a word to the kernel's list: its descriptor is somebody else's business now.
    pub(crate) fn abandon(&mut self) -> Option<S> {
        self.parts.take().map(|(_, object)| object)
    }

    /// Ends the registration and gives the object back, the first time.
    pub(crate) fn take_apart(&mut self) -> Option<S> {
        let (registration, object) = self.parts.take()?;
        // It fails if somebody else has closed the descriptor; then there is nothing left to end.
        let _ = registration.end(object.as_fd());
        Some(object)
    }

    pub(crate) fn event_now(&self, interest: Interest) -> io::Result<ReadyEvent> {
        or_would_block(self.registration(), self.registration().look(interest.get()))
    }

    pub(crate) fn clear(&self, event: ReadyEvent) {
        let (registration, object) = self.parts();
        registration.clear(event, object);
    }

    /// What a user's operation has said for which `event` was waited.
    pub(crate) fn users_settle<R>(
        &self,
        event: impl Into<Option<ReadyEvent>>,
        said: io::Result<R>,
    ) -> Result<io::Result<R>, Blocked> {
        let (registration, object) = self.parts();
        registration.settle(object, event, Trust::KeepsEnds, said)
    }

    /// One task per direction; costs a unit of budget when it is ready.
    #[inline]
    pub(crate) fn poll_event(&self, direction: Direction, cx: &mut Context<'_>) -> Poll<io::Result<ReadyEvent>> {
        let unit = ready!(budget::poll_proceed(cx));
        let event = ready!(unless_dropped(self.registration(), self.registration().poll_ready(direction, cx)));
        unit.made_progress();
        Poll::Ready(event)
    }

    #[inline]
    pub(crate) fn poll_ready(&self, direction: Direction, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_event(direction, cx).map_ok(|_| ())
    }

    /// Any number of tasks; costs a unit of budget when it is ready. Cancelling it loses nothing.
    pub(crate) fn event(&self, interest: Interest) -> impl Future<Output = io::Result<ReadyEvent>> {
        event(self.registration(), interest)
    }

    pub(crate) async fn ready(&self, interest: Interest) -> io::Result<Ready> {
        self.event(interest).await.map(|event| Ready::new(event.ready()))
    }

    /// Does `operation`, a system call of ours, until it does not say `WouldBlock`. One task per direction.
    #[inline]
    pub(crate) fn poll_io<R>(
        &self,
        direction: Direction,
        cx: &mut Context<'_>,
        operation: impl FnMut(&S) -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        let unit = ready!(budget::poll_proceed(cx));
        let (registration, object) = self.parts();
        let done = ready!(unless_dropped(registration, registration.poll_io(object, direction, cx, operation)));
        unit.made_progress();
        Poll::Ready(done)
    }

    /// As `poll_io`, where a short read means that nothing is left. `operation` says whether it was one.
    #[inline]
    pub(crate) fn poll_short_reads<R>(
        &self,
        cx: &mut Context<'_>,
        operation: impl FnMut(&S) -> io::Result<(R, bool)>,
    ) -> Poll<io::Result<R>> {
        let unit = ready!(budget::poll_proceed(cx));
        let (registration, object) = self.parts();
        let done = ready!(unless_dropped(registration, registration.poll_short_reads(object, cx, operation)));
        unit.made_progress();
        Poll::Ready(done)
    }

    /// Does `operation`, a system call of ours, until it does not say `WouldBlock`. Any number of tasks; cancelling it
    /// loses nothing.
    pub(crate) async fn async_io<R>(
        &self,
        interest: Interest,
        mut operation: impl FnMut(&S) -> io::Result<R>,
    ) -> io::Result<R> {
        let (registration, object) = self.parts();
        until_done(registration, object, interest, Trust::Full, |object| operation(object)).await
    }

    /// The same for what the user does: a `WouldBlock` from there takes no end of a stream back.
    pub(crate) async fn users_async_io<R>(
        &self,
        interest: Interest,
        mut operation: impl FnMut(&S) -> io::Result<R>,
    ) -> io::Result<R> {
        let (registration, object) = self.parts();
        until_done(registration, object, interest, Trust::KeepsEnds, |object| operation(object)).await
    }

    /// The same with an object that can be changed.
    pub(crate) async fn users_async_io_mut<R>(
        &mut self,
        interest: Interest,
        mut operation: impl FnMut(&mut S) -> io::Result<R>,
    ) -> io::Result<R> {
        let (registration, object) = self.parts_mut();
        until_done(registration, object, interest, Trust::KeepsEnds, |object| operation(object)).await
    }

    /// Does `operation`, a system call of ours, if the readiness says that it may succeed.
    #[inline]
    pub(crate) fn try_io<R>(&self, interest: Interest, operation: impl FnOnce(&S) -> io::Result<R>) -> io::Result<R> {
        let (registration, object) = self.parts();
        or_would_block(
            registration,
            registration.try_io(object, interest.get(), Trust::Full, |object| operation(object)),
        )
    }

    /// The same for what the user does: a `WouldBlock` from there takes no end of a stream back.
    pub(crate) fn users_try_io<R>(
        &self,
        interest: Interest,
        operation: impl FnOnce(&S) -> io::Result<R>,
    ) -> io::Result<R> {
        let (registration, object) = self.parts();
        or_would_block(
            registration,
            registration.try_io(object, interest.get(), Trust::KeepsEnds, |object| operation(object)),
        )
    }

    /// The same with an object that can be changed.
    pub(crate) fn users_try_io_mut<R>(
        &mut self,
        interest: Interest,
        operation: impl FnOnce(&mut S) -> io::Result<R>,
    ) -> io::Result<R> {
        let (registration, object) = self.parts_mut();
        or_would_block(
            registration,
            registration.try_io(object, interest.get(), Trust::KeepsEnds, |object| operation(object)),
        )
    }
}

/// Not an `async fn`: its future borrows the registration only, so it is `Send` whatever the object is.
fn event(registration: &Registration, interest: Interest) -> impl Future<Output = io::Result<ReadyEvent>> {
    let mut wait = registration.ready(interest.get());
    poll_fn(move |cx| {
        let unit = ready!(budget::poll_proceed(cx));
        let event = ready!(unless_dropped(registration, Pin::new(&mut wait).poll(cx)));
        unit.made_progress();
        Poll::Ready(event)
    })
}

async fn until_done<O: AsFd, R>(
    registration: &Registration,
    mut object: O,
    interest: Interest,
    trust: Trust,
    mut operation: impl FnMut(&mut O) -> io::Result<R>,
) -> io::Result<R> {
    loop {
        let event = event(registration, interest).await?;
        let said = operation(&mut object);
        match registration.settle(&object, event, trust, said) {
            Err(Blocked(_)) => {}
            // What it accepted could not be registered any more.
            Ok(Err(error)) if engine::ends_with_its_task(registration, &error) => pending().await,
            Ok(done) => return done,
        }
    }
}

/// For who does not wait: nothing is ready.
#[inline]
fn or_would_block<R>(registration: &Registration, result: io::Result<R>) -> io::Result<R> {
    match result {
        Err(error) if engine::ends_with_its_task(registration, &error) => Err(io::ErrorKind::WouldBlock.into()),
        result => result,
    }
}

/// A task that is about to be dropped, since its runtime ends, waits.
#[inline]
fn unless_dropped<R>(registration: &Registration, answer: Poll<io::Result<R>>) -> Poll<io::Result<R>> {
    match answer {
        Poll::Ready(Err(error)) if engine::ends_with_its_task(registration, &error) => Poll::Pending,
        answer => answer,
    }
}

impl<S: AsFd> Drop for Watched<S> {
    fn drop(&mut self) {
        drop(self.take_apart());
    }
}

impl<S: AsFd + fmt::Debug> fmt::Debug for Watched<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}

/// Panics if this thread has entered no runtime, for the public function `what`.
#[inline]
#[track_caller]
pub(crate) fn expect_runtime(what: &str) {
    if !engine::is_entered() {
        no_runtime_here(what);
    }
}
