#![cfg(all(loom, test))]
//! The protocols of this crate under every interleaving that loom finds.
//!
//! `RUSTFLAGS="--cfg loom" LOOM_MAX_PREEMPTIONS=3 cargo test -p io-driver --release --lib model`
//!
//! The code that runs is the real one; only the kernel is played: a driver thread calls `deliver` where an event would
//! come. Each model names a fault that was planted in the code once, and made it fail. The bell's models stand beside
//! it, those of the end beside the registry.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Wake, Waker};

use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;

use crate::readiness::Look;
use crate::ready::{Direction, Interest, Ready};
use crate::registry::Registry;
use crate::slots::Refused;
use crate::source::Source;

/// A waker that loom can see: a task that was woken, or not.
pub(crate) struct Flag(AtomicUsize);

impl Wake for Flag {
    fn wake(self: std::sync::Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

pub(crate) fn flag() -> (std::sync::Arc<Flag>, Waker) {
    let flag = std::sync::Arc::new(Flag(AtomicUsize::new(0)));
    (flag.clone(), Waker::from(flag))
}

pub(crate) fn woken(flag: &Flag) -> bool {
    flag.0.load(Ordering::SeqCst) > 0
}

pub(crate) fn enter(registry: &Arc<Registry>) -> Result<Source, Refused> {
    let (key, cell) = registry.enter()?;
    let interest = Interest::READABLE | Interest::WRITABLE;
    Ok(Source { cell, registry: Arc::clone(registry), key, interest })
}

/// What a turn does with one event.
pub(crate) fn event(registry: &Registry, key: u64, ready: Ready) -> usize {
    let mut found = Vec::new();
    registry.resolve(|each| each(key, ready), |cell, ready| found.push((cell, ready)));
    let hits = found.len();
    for (cell, ready) in found {
        cell.deliver(ready, &mut Vec::new(), &mut Waker::wake);
    }
    hits
}

/// The kernel has one byte after the other; the reader reads one, meets `WouldBlock`, clears, waits. It is never left
/// waiting, unwoken, while a byte lies there.
///
/// Planted: `Word::cleared` without the comparison of ticks; `Word::marked` that does not count while the flag is set.
#[test]
fn a_new_event_is_never_cleared_by_an_old_receipt() {
    loom::model(|| {
        let registry = Arc::new(Registry::new());
        let source = enter(&registry).unwrap();
        let key = source.key.to_bits();
        let bytes = Arc::new(AtomicUsize::new(0));
        let kernel = {
            let (registry, bytes) = (Arc::clone(&registry), Arc::clone(&bytes));
            thread::spawn(move || {
                for _ in 0..2 {
                    bytes.fetch_add(1, Ordering::SeqCst);
                    event(&registry, key, Ready::READABLE);
                }
            })
        };
        let (flag, waker) = flag();
        let mut cx = Context::from_waker(&waker);
        for _ in 0..2 {
            let Poll::Ready(seen) = source.poll_ready(Direction::Read, &mut cx) else { break };
            let seen = seen.unwrap();
            if bytes.load(Ordering::SeqCst) > 0 {
                bytes.fetch_sub(1, Ordering::SeqCst);
            } else {
                source.clear(seen);
            }
        }
        // Only a last poll that has to wait proves anything.
        let waiting = source.poll_ready(Direction::Read, &mut cx).is_pending();
        kernel.join().unwrap();
        if waiting && bytes.load(Ordering::SeqCst) > 0 {
            assert!(woken(&flag), "the reader sleeps on data");
        }
    });
}

/// The same race, from the other end: a reader that clears right after an event must still see the next one.
///
/// Planted: as above.
#[test]
fn a_clear_and_a_mark_leave_the_mark() {
    loom::model(|| {
        let registry = Arc::new(Registry::new());
        let source = enter(&registry).unwrap();
        let key = source.key.to_bits();
        event(&registry, key, Ready::READABLE | Ready::WRITABLE);
        let seen = source.look(Interest::READABLE).unwrap();
        let kernel = {
            let registry = Arc::clone(&registry);
            thread::spawn(move || event(&registry, key, Ready::READABLE))
        };
        source.clear(seen);
        kernel.join().unwrap();
        let both = source.look(Interest::READABLE | Interest::WRITABLE).unwrap().ready();
        assert_eq!(both, Ready::READABLE | Ready::WRITABLE);
    });
}

/// A stream that can be open again after its end (a named pipe), as the kernel keeps it: the change comes first, then the
/// event that reports it.
///
/// Its state is one word, because one read is one step: the number of bytes, and whether it has ended.
#[derive(Default)]
struct Pipe(AtomicUsize);

const ENDED: usize = 1 << 8;

impl Pipe {
    fn send_a_byte(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    fn end(&self) {
        self.0.fetch_or(ENDED, Ordering::SeqCst);
    }

    /// Is there something that a read would tell?
    fn has_news(&self) -> bool {
        self.0.load(Ordering::SeqCst) > 0
    }

    /// Waits for the pipe and tries it until it must wait. Where the pipe says neither bytes nor end, the receipt is
    /// disproved:
    ///
    /// ```text
    /// kernel:  change the pipe  -  mark: the tick counts          (again for the next change)
    /// reader:  look: a receipt with its tick  -  try the pipe: `WouldBlock`  -  disprove, if the tick is still that
    /// ```
    ///
    /// A change that comes before the try is found by it. One that comes after it is marked after the look, so its tick is
    /// another one and the receipt is void; or the mark comes after the disproof and stands, closed flags included.
    fn read_until_it_waits(&self, source: &Source, cx: &mut Context<'_>) -> Tried {
        while let Poll::Ready(seen) = source.poll_ready(Direction::Read, cx) {
            let seen = seen.unwrap();
            // Only the reader takes bytes out.
            match self.0.load(Ordering::SeqCst) {
                0 => source.disprove(seen),
                ENDED => return Tried::Ended,
                _ => drop(self.0.fetch_sub(1, Ordering::SeqCst)),
            }
        }
        Tried::Waits
    }
}

#[derive(PartialEq)]
enum Tried {
    Ended,
    Waits,
}

/// A named pipe whose last writer has left, and another one has come: "closed" stands there and is not so. While the
/// reader finds that out, the new writer sends a byte and leaves. The reader gets the byte and the end, or is woken.
///
/// Planted: `Word::disproved` without the comparison of ticks; `Word::marked` that does not count while the flag is set.
#[test]
fn a_disproof_never_takes_a_newer_event_back() {
    loom::model(|| {
        let registry = Arc::new(Registry::new());
        let source = enter(&registry).unwrap();
        let key = source.key.to_bits();
        let closed = Ready::READABLE | Ready::READ_CLOSED;
        event(&registry, key, closed);
        let pipe = Arc::new(Pipe::default());
        let kernel = {
            let (registry, pipe) = (Arc::clone(&registry), Arc::clone(&pipe));
            thread::spawn(move || {
                pipe.send_a_byte();
                event(&registry, key, Ready::READABLE);
                pipe.end();
                event(&registry, key, closed);
            })
        };
        let (flag, waker) = flag();
        let tried = pipe.read_until_it_waits(&source, &mut Context::from_waker(&waker));
        kernel.join().unwrap();
        if tried == Tried::Waits {
            assert!(woken(&flag), "the reader sleeps on a byte or the end");
            let tried = pipe.read_until_it_waits(&source, &mut Context::from_waker(&waker));
            assert!(tried == Tried::Ended, "the end was disproved although it is so");
        }
    });
}

/// Two tasks meet `WouldBlock` with the same receipt, and both disprove it, while the pipe ends for good: the second
/// disproof is as void as the first.
///
/// Planted: as above.
#[test]
fn two_disproofs_and_a_new_end() {
    loom::model(|| {
        let registry = Arc::new(Registry::new());
        let source = enter(&registry).unwrap();
        let key = source.key.to_bits();
        let closed = Ready::READABLE | Ready::READ_CLOSED;
        event(&registry, key, closed);
        let pipe = Arc::new(Pipe::default());
        let kernel = {
            let (registry, pipe) = (Arc::clone(&registry), Arc::clone(&pipe));
            thread::spawn(move || {
                pipe.end();
                event(&registry, key, closed);
            })
        };
        let source = Arc::new(source);
        let other = {
            let (source, pipe) = (Arc::clone(&source), Arc::clone(&pipe));
            thread::spawn(move || {
                let seen = source.look(Interest::READABLE).unwrap();
                if !pipe.has_news() {
                    source.disprove(seen);
                }
            })
        };
        let seen = source.look(Interest::READABLE).unwrap();
        if !pipe.has_news() {
            source.disprove(seen);
        }
        other.join().unwrap();
        kernel.join().unwrap();
        assert_eq!(source.look(Interest::READABLE).unwrap().ready(), closed, "the end of the pipe is reported once");
    });
}

/// A reader for whom a short read is the last one: it takes all that is there, and clears at once instead of meeting
/// `WouldBlock`. What comes after its read is an event of its own, and wakes it.
///
/// Planted: as above.
#[test]
fn a_short_read_never_clears_a_newer_event() {
    loom::model(|| {
        let registry = Arc::new(Registry::new());
        let source = enter(&registry).unwrap();
        let key = source.key.to_bits();
        let bytes = Arc::new(AtomicUsize::new(0));
        let kernel = {
            let (registry, bytes) = (Arc::clone(&registry), Arc::clone(&bytes));
            thread::spawn(move || {
                for _ in 0..2 {
                    bytes.fetch_add(1, Ordering::SeqCst);
                    event(&registry, key, Ready::READABLE);
                }
            })
        };
        let (flag, waker) = flag();
        let mut cx = Context::from_waker(&waker);
        while let Poll::Ready(seen) = source.poll_ready(Direction::Read, &mut cx) {
            let seen = seen.unwrap();
            // Zero of them is `WouldBlock`, and clears as well.
            bytes.swap(0, Ordering::SeqCst);
            source.clear(seen);
        }
        kernel.join().unwrap();
        assert!(bytes.load(Ordering::SeqCst) == 0 || woken(&flag), "the reader sleeps on data");
    });
}

/// An event while the seat's waker is being set or changed: the task that waits last is woken, or has seen the event.
///
/// Planted: `poll_seat` without its second look; the second look before the lock.
#[test]
fn an_event_and_a_change_of_waker() {
    loom::model(|| {
        let registry = Arc::new(Registry::new());
        let source = enter(&registry).unwrap();
        let key = source.key.to_bits();
        let (_, first) = flag();
        assert!(source.poll_ready(Direction::Read, &mut Context::from_waker(&first)).is_pending());
        let kernel = {
            let registry = Arc::clone(&registry);
            thread::spawn(move || event(&registry, key, Ready::READABLE))
        };
        let (second, waker) = flag();
        let mut cx = Context::from_waker(&waker);
        let mut polled = source.poll_ready(Direction::Read, &mut cx);
        if let Poll::Ready(Ok(seen)) = polled {
            // Used up: wait for a second event. The first one may take this waker, too, and wake it a little later.
            source.clear(seen);
            polled = source.poll_ready(Direction::Read, &mut cx);
            assert!(polled.is_pending(), "there was one event, and it was cleared");
            event(&registry, key, Ready::READABLE);
        }
        kernel.join().unwrap();
        assert!(woken(&second), "the task that waits last was not woken");
        assert!(source.poll_ready(Direction::Read, &mut cx).is_ready(), "what it was woken for is there");
    });
}

/// Two futures and a seat wait for one event: all are woken; a third that begins meanwhile sees it or is woken too.
///
/// Planted: `Wait::sit` without its second look; `Waiters::call` that stops after the first place.
#[test]
fn an_event_and_the_bench() {
    loom::model(|| {
        let registry = Arc::new(Registry::new());
        let source = enter(&registry).unwrap();
        let key = source.key.to_bits();
        let (one, one_waker) = flag();
        let (two, two_waker) = flag();
        let mut first = pin!(source.ready(Interest::READABLE));
        assert!(first.as_mut().poll(&mut Context::from_waker(&one_waker)).is_pending());
        let kernel = {
            let registry = Arc::clone(&registry);
            thread::spawn(move || event(&registry, key, Ready::READABLE))
        };
        let mut second = pin!(source.ready(Interest::READABLE));
        let polled = second.as_mut().poll(&mut Context::from_waker(&two_waker));
        kernel.join().unwrap();
        assert!(woken(&one));
        assert!(polled.is_ready() || woken(&two));
        assert!(first.as_mut().poll(&mut Context::from_waker(&one_waker)).is_ready());
    });
}

/// A future changes its waker, or is dropped, while its event comes.
///
/// Planted: `Wait::ask` that does not ask again after it has changed the waker.
#[test]
fn an_event_and_a_moving_future() {
    loom::model(|| {
        let registry = Arc::new(Registry::new());
        let source = enter(&registry).unwrap();
        let key = source.key.to_bits();
        let (_, old) = flag();
        let mut wait = pin!(source.ready(Interest::READABLE));
        assert!(wait.as_mut().poll(&mut Context::from_waker(&old)).is_pending());
        let mut doomed = Box::pin(source.ready(Interest::READABLE));
        assert!(doomed.as_mut().poll(&mut Context::from_waker(&old)).is_pending());
        let kernel = {
            let registry = Arc::clone(&registry);
            thread::spawn(move || event(&registry, key, Ready::READABLE))
        };
        drop(doomed);
        let (new, waker) = flag();
        let polled = wait.as_mut().poll(&mut Context::from_waker(&waker));
        kernel.join().unwrap();
        assert!(polled.is_ready() || woken(&new), "the waker that is current was not called");
    });
}

/// A source leaves and another takes its slot while the kernel still has an event with the old key.
///
/// Planted: `Table::get` without the comparison of generations; `Table::remove` that does not change the generation.
#[test]
fn museum_i3_reusing_a_slot_against_a_stale_event() {
    loom::model(|| {
        let registry = Arc::new(Registry::new());
        let old = enter(&registry).unwrap();
        let key = old.key.to_bits();
        let kernel = {
            let registry = Arc::clone(&registry);
            thread::spawn(move || event(&registry, key, Ready::READABLE))
        };
        drop(old);
        let new = enter(&registry).unwrap();
        let (flag, waker) = flag();
        assert!(new.poll_ready(Direction::Read, &mut Context::from_waker(&waker)).is_pending());
        let hits = kernel.join().unwrap();
        assert!(!woken(&flag), "a stale event woke the next owner's task");
        assert!(matches!(new.cell.readiness.look(Ready::ALL), Look::Nothing(_)));
        assert_eq!(hits as u64 + registry.stale(), 1, "found, or counted as stale");
    });
}
