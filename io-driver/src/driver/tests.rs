//! What needs a look inside: fork without forking, keys that the kernel kept, panics in the middle of a batch.

use super::*;
use crate::ready::{Direction, Interest, Ready};
use crate::slots::Key;
use std::io::Write;
use std::net::UdpSocket;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

mod writes;

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: std::sync::Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn counter() -> (std::sync::Arc<Count>, Waker) {
    let count = std::sync::Arc::new(Count::default());
    (count.clone(), Waker::from(count))
}

fn pair() -> (UnixStream, UnixStream) {
    let (near, far) = UnixStream::pair().unwrap();
    near.set_nonblocking(true).unwrap();
    (near, far)
}

fn both_kinds() -> [Driver; 2] {
    [Driver::new().unwrap(), Driver::portable().unwrap()]
}

/// Turns without waiting until nothing comes.
fn drain(driver: &Driver, events: &mut Events) -> usize {
    let mut all = 0;
    loop {
        let turn = driver.turn(events, Some(Duration::ZERO), |waker| waker.wake_by_ref()).unwrap();
        all += turn.events;
        if turn.events == 0 {
            return all;
        }
    }
}

/// What another process with the same epoll instance sees: a second descriptor of it.
fn parents_view(driver: &Driver) -> OwnedFd {
    rustix::io::fcntl_dupfd_cloexec(driver.kernel.raw_poller(), 0).unwrap()
}

fn waits_of(epoll: &OwnedFd) -> Vec<u64> {
    let mut list = Vec::with_capacity(16);
    let now = rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 };
    rustix::event::epoll::wait(epoll, rustix::buffer::spare_capacity(&mut list), Some(&now)).unwrap();
    list.iter().map(|event: &rustix::event::epoll::Event| event.data.u64()).collect()
}

#[test]
fn museum_s12_a_forked_child_leaves_the_parents_registrations_alone() {
    for driver in both_kinds() {
        let (near, mut far) = pair();
        let source = driver.register(near.as_fd(), Interest::READABLE).unwrap();
        let parked = driver.register(far.as_fd(), Interest::READABLE).unwrap();
        let key = source.key.to_bits();
        let parent = parents_view(&driver);
        driver.kernel.play_forked();

        let error = driver.register(pair().0.as_fd(), Interest::READABLE).unwrap_err();
        assert!(error.to_string().contains("new driver in the child"), "{error}");
        driver.deregister(source, near.as_fd()).unwrap();
        drop(driver);
        drop(parked);
        far.write_all(b"x").unwrap();
        assert!(waits_of(&parent).contains(&key), "the child took the parent's registration away");
    }
}

/// `Poller`'s own drop removes its notifier from the shared instance, unless it is kept from dropping.
#[test]
fn museum_s12_a_forked_childs_exit_keeps_the_parents_notifier() {
    let driver = Driver::portable().unwrap();
    let parent = parents_view(&driver);
    driver.kernel.play_forked();
    driver.kernel.ring().unwrap();
    drop(driver);
    assert_eq!(waits_of(&parent).len(), 1, "the parent can no longer be notified");
}

#[test]
fn museum_s12_every_descriptor_is_close_on_exec() {
    let drivers = both_kinds();
    let mut seen = 0;
    for entry in std::fs::read_dir("/proc/self/fd").unwrap() {
        let entry = entry.unwrap();
        let Ok(target) = std::fs::read_link(entry.path()) else { continue };
        if !target.to_string_lossy().starts_with("anon_inode:[event") && !target.ends_with("anon_inode:[timerfd]") {
            continue;
        }
        let number = entry.file_name().into_string().unwrap();
        let Ok(info) = std::fs::read_to_string(format!("/proc/self/fdinfo/{number}")) else { continue };
        let flags = info.lines().find_map(|line| line.strip_prefix("flags:")).unwrap().trim();
        let flags = u32::from_str_radix(flags, 8).unwrap();
        assert!(flags & 0o2_000_000 != 0, "{target:?} would survive an exec");
        seen += 1;
    }
    assert!(seen >= 6, "two epolls, eventfds and timerfds at least, found {seen}");
    drop(drivers);
}

#[test]
fn museum_i3_events_of_a_source_that_left_hit_nobody() {
    let driver = Driver::new().unwrap();
    let mut events = Events::with_capacity(16);
    let (near, mut far) = pair();
    // The source goes, its registration stays: what a descriptor closed too early leaves behind.
    let source = driver.register(near.as_fd(), Interest::READABLE).unwrap();
    let old = source.key;
    drop(source);
    let (other, _other_far) = pair();
    let next = driver.register(other.as_fd(), Interest::READABLE).unwrap();
    assert_eq!(next.key.index, old.index, "the next source has the same slot");
    assert_ne!(next.key, old);
    far.write_all(b"x").unwrap();
    let turn = driver.turn(&mut events, None, |_| panic!("nobody waits")).unwrap();
    assert_eq!((turn.events, driver.stale_events()), (1, 1));
    assert!(next.look(Interest::READABLE).unwrap().ready().is_empty(), "a stale event hit the slot's next owner");
    driver.deregister(next, other.as_fd()).unwrap();
}

#[test]
fn museum_i3_forged_keys_are_counted_and_ignored() {
    let driver = Driver::new().unwrap();
    let (near, mut far) = pair();
    far.write_all(b"x").unwrap();
    let wild = [0, 12_345, Key { index: 1 << 20, generation: 0 }.to_bits(), u64::MAX - 3, 1 << 63];
    for (count, key) in wild.into_iter().enumerate() {
        let flags = rustix::event::epoll::EventFlags::IN;
        let data = rustix::event::epoll::EventData::new_u64(key);
        rustix::event::epoll::add(driver.kernel.raw_poller(), &near, data, flags).unwrap();
        let mut events = Events::with_capacity(4);
        let turn = driver.turn(&mut events, None, |_| panic!("nobody waits")).unwrap();
        assert_eq!((turn.events, driver.stale_events()), (1, count as u64 + 1), "key {key:#x}");
        rustix::event::epoll::delete(driver.kernel.raw_poller(), &near).unwrap();
    }
}

#[test]
fn museum_i5_a_failed_registration_leaves_nothing_behind() {
    for driver in both_kinds() {
        let file = std::fs::File::open("/proc/self/exe").unwrap();
        for _ in 0..10 {
            let error = driver.register(file.as_fd(), Interest::READABLE).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
        }
        assert_eq!(driver.sources(), 0);
        let (near, _far) = pair();
        let source = driver.register(near.as_fd(), Interest::READABLE).unwrap();
        let twice = driver.register(near.as_fd(), Interest::READABLE).unwrap_err();
        assert_eq!(twice.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(driver.sources(), 1);
        // Never registered, so the kernel does not know it; the memory goes all the same.
        let error = driver.deregister(source, pair().0.as_fd()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert_eq!(driver.sources(), 0);
    }
}

/// One way to wait emptied the caller's list of events, another did not, and one of them took the same descriptor twice.
#[test]
fn museum_i24_both_ways_to_wait_keep_one_contract() {
    for driver in both_kinds() {
        let pairs: Vec<_> = (0..7).map(|_| pair()).collect();
        let register = |near: &UnixStream| driver.register(near.as_fd(), Interest::READABLE);
        let sources: Vec<_> = pairs.iter().map(|(near, _)| register(near).unwrap()).collect();
        let (count, waker) = counter();
        for source in &sources {
            assert!(source.poll_ready(Direction::Read, &mut Context::from_waker(&waker)).is_pending());
        }
        for (near, far) in &pairs {
            assert_eq!(register(near).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
            assert_eq!({ far }.write(b"x").unwrap(), 1);
        }
        assert_eq!(driver.sources(), pairs.len(), "who is refused has no slot");
        // Each event once, though the buffer is used again and again, and another turn finds it full of old ones.
        let mut events = Events::with_capacity(3);
        assert_eq!((drain(&driver, &mut events), count.0.load(Ordering::Relaxed)), (7, 7));
        let turn =
            driver.turn(&mut events, Some(std::time::Duration::from_millis(1)), |_| panic!("an old event")).unwrap();
        assert_eq!((turn.events, driver.stale_events()), (0, 0));
        for (source, (near, _)) in sources.into_iter().zip(&pairs) {
            driver.deregister(source, near.as_fd()).unwrap();
            // Given back, it can be taken again, once.
            let again = register(near).unwrap();
            assert_eq!(register(near).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
            driver.deregister(again, near.as_fd()).unwrap();
        }
    }
}

#[test]
fn a_source_goes_back_to_its_own_driver_only() {
    let [one, other] = both_kinds();
    let (near, _far) = pair();
    let source = one.register(near.as_fd(), Interest::READABLE).unwrap();
    assert_eq!(other.deregister(source, near.as_fd()).unwrap_err().kind(), io::ErrorKind::InvalidInput);
}

/// A waker that panics costs its own wake-up and nobody else's, in this turn or the next.
#[test]
fn a_panicking_waker_loses_no_event_of_the_batch() {
    let driver = Driver::new().unwrap();
    let mut events = Events::with_capacity(16);
    let pairs: Vec<_> = (0..4).map(|_| pair()).collect();
    let interest = Interest::READABLE | Interest::WRITABLE;
    let sources: Vec<_> = pairs.iter().map(|(near, _)| driver.register(near.as_fd(), interest).unwrap()).collect();
    let wakers: Vec<_> = (0..8).map(|_| counter()).collect();
    for (n, source) in sources.iter().enumerate() {
        for (direction, (_, waker)) in [Direction::Read, Direction::Write].into_iter().zip(&wakers[2 * n..]) {
            assert!(source.poll_ready(direction, &mut Context::from_waker(waker)).is_pending());
        }
        (&pairs[n].1).write_all(b"x").unwrap();
    }
    let mut calls = 0;
    while calls < 100 {
        let turned = catch_unwind(AssertUnwindSafe(|| {
            driver.turn(&mut events, Some(Duration::ZERO), |waker| {
                waker.wake_by_ref();
                panic!("a waker's panic");
            })
        }));
        calls += 1;
        if turned.is_ok() {
            break;
        }
    }
    assert_eq!(calls, 9, "eight panics, then a quiet turn");
    for (n, (count, _)) in wakers.iter().enumerate() {
        assert_eq!(count.0.load(Ordering::Relaxed), 1, "waker {n}");
    }
    for source in &sources {
        assert_eq!(source.look(interest).unwrap().ready(), Ready::READABLE | Ready::WRITABLE);
    }
    for (source, (near, _)) in sources.into_iter().zip(&pairs) {
        driver.deregister(source, near.as_fd()).unwrap();
    }
}

/// Waits that are begun and dropped, two at a time, leave two places.
#[test]
fn museum_i13_dropped_waits_leave_no_memory() {
    let driver = Driver::new().unwrap();
    let (near, _far) = pair();
    let source = driver.register(near.as_fd(), Interest::READABLE).unwrap();
    let (count, waker) = counter();
    let mut cx = Context::from_waker(&waker);
    for _ in 0..100_000 {
        let mut two = [source.ready(Interest::READABLE), source.ready(Interest::READABLE)];
        for wait in &mut two {
            assert!(std::pin::Pin::new(wait).poll(&mut cx).is_pending());
        }
    }
    assert_eq!(source.cell.waiters.lock().places(), 2);
    assert_eq!(std::sync::Arc::strong_count(&count), 2, "a dropped wait keeps its waker");
    driver.deregister(source, near.as_fd()).unwrap();
}

#[test]
fn one_buffer_serves_two_drivers() {
    let drivers = both_kinds();
    let mut events = Events::with_capacity(8);
    let (near, mut far) = pair();
    for driver in drivers.iter().chain(&drivers) {
        let source = driver.register(near.as_fd(), Interest::READABLE).unwrap();
        far.write_all(b"x").unwrap();
        assert_eq!(driver.turn(&mut events, None, |_| ()).unwrap().events, 1);
        driver.deregister(source, near.as_fd()).unwrap();
        assert_eq!((drain(driver, &mut events), driver.stale_events()), (0, 0));
    }
}
