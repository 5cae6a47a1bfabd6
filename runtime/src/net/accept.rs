//! Taking connections from a listening socket, and what to do when there are no descriptors left.
//!
//! Owns: the listening socket and its rest.   Not here: the system calls (`sys`).
//!
//! The danger: `accept` fails with EMFILE, the connection stays in the queue, the socket stays ready, and a loop that
//! goes on after errors spins on it, in the way of the tasks that would close descriptors. So an error of that kind is
//! returned, and begins a rest: the calls that follow wait it out before they look at the socket again. It lasts 5 ms,
//! twice as long after each further failure up to 100 ms, and ends with the first connection: ten attempts a second
//! cost nothing, and a tenth of a second is how long a free descriptor may go unnoticed.
//!
//! The same danger where `accept` fails for good (a sandbox answers EPERM or ENOSYS, somebody has made a stream of the
//! socket): no list of errors is complete, so any error rests that is one too many in a row.
//!
//! Rejected: hiding the error and retrying. The program would never learn why nobody can connect.

use crate::engine::{Direction, Timer, clockwork};
use crate::io::{Interest, Watched};
use parking_lot::Mutex;
use rustix::io::Errno;
use std::future::poll_fn;
use std::io;
use std::os::fd::AsFd;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

/// So many errors in a row, whatever they are, begin a rest as well. One that is the connection's own (a firewall's, a
/// network's that went away) concerns few of them in a row, and waiting for 5 ms after eight costs nobody much.
const ERRORS_IN_A_ROW: u32 = 8;

const REST_FIRST: Duration = Duration::from_millis(5);
const REST_MAX: Duration = Duration::from_millis(100);

pub(super) struct Acceptor<S: AsFd> {
    io: Watched<S>,
    rest: Rest,
}

impl<S: AsFd> Acceptor<S> {
    pub(super) fn new(io: Watched<S>) -> Self {
        Acceptor { io, rest: Rest::default() }
    }

    pub(super) fn get(&self) -> &S {
        self.io.get()
    }

    pub(super) fn into_inner(self) -> S {
        self.io.into_inner()
    }

    /// Any number of tasks. Not an `async fn` further out, since its callers keep who has called them.
    pub(super) async fn accept<T>(&self, accept: impl Fn(&S) -> io::Result<T>) -> io::Result<T> {
        if let Some(until) = self.rest.until()
            && let Ok(mut timer) = Timer::new(until)
        {
            // An error means that the runtime shuts down, which the socket will say better.
            let _ = poll_fn(|cx| timer.poll(cx)).await;
        }
        let accepted = self.io.async_io(Interest::READABLE, |socket| skipping(|| accept(socket))).await;
        self.rest.after(&accepted);
        accepted
    }

    /// One task.
    pub(super) fn poll_accept<T>(
        &self,
        cx: &mut Context<'_>,
        accept: impl Fn(&S) -> io::Result<T>,
    ) -> Poll<io::Result<T>> {
        ready!(self.rest.poll(cx));
        let accepted = ready!(self.io.poll_io(Direction::Read, cx, |socket| skipping(|| accept(socket))));
        self.rest.after(&accepted);
        Poll::Ready(accepted)
    }
}

/// Connections that were given up while they waited are nobody's business.
fn skipping<T>(accept: impl Fn() -> io::Result<T>) -> io::Result<T> {
    loop {
        match accept() {
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            done => return done,
        }
    }
}

/// Nothing can be had for now, not only for this connection.
fn is_exhausted(error: &io::Error) -> bool {
    let exhausted = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM];
    Errno::from_io_error(error).is_some_and(|errno| exhausted.contains(&errno))
}

/// How long not to accept.
#[derive(Default)]
struct Rest {
    /// Is there one, or the beginning of one? Spares the lock on the way that is always taken.
    begun: AtomicBool,
    state: Mutex<Resting>,
}

#[derive(Default)]
struct Resting {
    errors: u32,
    until: Option<Instant>,
    length: Duration,
    /// Of `poll_accept`, which has no future to keep it in.
    timer: Option<Timer>,
}

// Each change of it is one assignment.
impl UnwindSafe for Rest {}
impl RefUnwindSafe for Rest {}

impl Rest {
    fn until(&self) -> Option<Instant> {
        if !self.begun.load(Ordering::Relaxed) {
            return None;
        }
        self.state.lock().until.filter(|until| clockwork::now() < *until)
    }

    fn poll(&self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(until) = self.until() else { return Poll::Ready(()) };
        // The timer clones and drops wakers, so it is taken out of the lock meanwhile.
        let kept = self.state.lock().timer.take();
        let timer = kept.filter(|timer| timer.deadline() == until).or_else(|| Timer::new(until).ok());
        let Some(mut timer) = timer else { return Poll::Ready(()) };
        if timer.poll(cx).is_ready() {
            return Poll::Ready(());
        }
        let replaced = self.state.lock().timer.replace(timer);
        drop(replaced);
        Poll::Pending
    }

    fn after<T>(&self, accepted: &io::Result<T>) {
        match accepted {
            Err(error) => {
                let mut state = self.state.lock();
                state.errors = state.errors.saturating_add(1);
                if is_exhausted(error) || state.errors >= ERRORS_IN_A_ROW {
                    state.length = (state.length * 2).clamp(REST_FIRST, REST_MAX);
                    state.until = Some(clockwork::now() + state.length);
                }
                drop(state);
                self.begun.store(true, Ordering::Relaxed);
            }
            Ok(_) if self.begun.load(Ordering::Relaxed) => {
                self.begun.store(false, Ordering::Relaxed);
                let mut state = self.state.lock();
                // The timer stays: nothing else wakes a task that waits for the end of the rest in `poll_accept`.
                (state.errors, state.until, state.length) = (0, None, Duration::ZERO);
            }
            Ok(_) => {}
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;
    use std::task::{Wake, Waker};

    struct Counts(AtomicUsize);

    impl Wake for Counts {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// D37. The first connection, accepted by another task, ended the rest, and with it the timer of a task that waits for it:
    /// nothing else would have woken that one.
    #[test]
    fn d37_a_rest_that_ends_early_still_wakes_who_waits_for_it() {
        let runtime = crate::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let rest = Rest::default();
            rest.after::<()>(&Err(Errno::MFILE.into()));
            let counts = Arc::new(Counts(AtomicUsize::new(0)));
            let waker = Waker::from(counts.clone());
            assert!(rest.poll(&mut Context::from_waker(&waker)).is_pending());
            rest.after(&Ok(()));
            crate::time::sleep(REST_MAX).await;
            assert_eq!(counts.0.load(Ordering::Relaxed), 1);
            assert!(rest.poll(&mut Context::from_waker(&waker)).is_ready());
        });
    }
}
