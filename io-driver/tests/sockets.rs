//! The driver against the real kernel. Each test runs with the direct and the portable way of waiting.
#![cfg(not(loom))]

use std::future::Future;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use io_driver::{Direction, Driver, Events, Interest, Ready, ShutDown, Source};

#[path = "sockets/injected.rs"]
mod injected;

const BOTH: Interest = Interest::READABLE.add(Interest::WRITABLE);
/// A test that waits longer hangs.
const HANG: Duration = Duration::from_secs(20);

fn drivers() -> [(&'static str, Driver); 2] {
    [("direct", Driver::new().unwrap()), ("portable", Driver::portable().unwrap())]
}

fn pair() -> (UnixStream, UnixStream) {
    let (near, far) = UnixStream::pair().unwrap();
    near.set_nonblocking(true).unwrap();
    far.set_nonblocking(true).unwrap();
    (near, far)
}

fn tcp_pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (far, _) = listener.accept().unwrap();
    near.set_nonblocking(true).unwrap();
    (near, far)
}

fn pipe() -> (OwnedFd, OwnedFd) {
    rustix::pipe::pipe_with(rustix::pipe::PipeFlags::NONBLOCK | rustix::pipe::PipeFlags::CLOEXEC).unwrap()
}

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn counter() -> (Arc<Count>, Waker) {
    let count = Arc::new(Count::default());
    (count.clone(), Waker::from(count))
}

/// Turns until `done`, and panics where it would hang.
fn turn_until<T>(driver: &Driver, mut done: impl FnMut() -> Option<T>) -> T {
    let mut events = Events::with_capacity(32);
    let start = Instant::now();
    loop {
        if let Some(value) = done() {
            return value;
        }
        assert!(start.elapsed() < HANG, "no event came");
        driver.turn(&mut events, Some(HANG), |waker| waker.wake_by_ref()).unwrap();
    }
}

/// Turns until nothing more comes.
fn settle(driver: &Driver) -> usize {
    let mut events = Events::with_capacity(32);
    let mut all = 0;
    loop {
        let turn = driver.turn(&mut events, Some(Duration::ZERO), |waker| waker.wake_by_ref()).unwrap();
        all += turn.events;
        if turn.events == 0 {
            return all;
        }
    }
}

fn flags(source: &Source) -> Ready {
    source.look(BOTH | Interest::ERROR | Interest::PRIORITY).unwrap().ready()
}

/// Clears everything that was seen so far, as if both directions had met `WouldBlock`.
fn use_up(source: &Source) {
    source.clear(source.look(BOTH | Interest::ERROR).unwrap());
}

#[test]
fn museum_i6_every_way_to_close_wakes_who_must_know() {
    for (kind, driver) in drivers() {
        let direct = kind == "direct" && matches!(std::env::consts::OS, "linux" | "android");

        // A pipe's writer learns that the reader is gone, although the kernel says nothing but "error".
        let (reader, writer) = pipe();
        while rustix::io::write(&writer, &[0; 4096]).is_ok() {}
        let source = driver.register(writer.as_fd(), Interest::WRITABLE).unwrap();
        settle(&driver);
        let (count, waker) = counter();
        assert!(source.poll_ready(Direction::Write, &mut Context::from_waker(&waker)).is_pending());
        drop(reader);
        turn_until(&driver, || (count.0.load(Ordering::SeqCst) > 0).then_some(()));
        assert_eq!(rustix::io::write(&writer, b"x"), Err(rustix::io::Errno::PIPE), "{kind}");
        driver.deregister(source, writer.as_fd()).unwrap();

        // A pipe's reader learns that the writer is gone: only "hang-up".
        let (reader, writer) = pipe();
        let source = driver.register(reader.as_fd(), Interest::READABLE).unwrap();
        settle(&driver);
        assert!(source.poll_ready(Direction::Read, &mut Context::from_waker(&waker)).is_pending());
        drop(writer);
        turn_until(&driver, || flags(&source).is_readable().then_some(()));
        assert_eq!(rustix::io::read(&reader, &mut [0; 1]), Ok(0), "{kind}");
        driver.deregister(source, reader.as_fd()).unwrap();

        // A stream's half-close: readable and closed for reading, and writing goes on.
        let (near, far) = tcp_pair();
        let source = driver.register(near.as_fd(), BOTH).unwrap();
        settle(&driver);
        use_up(&source);
        far.shutdown(std::net::Shutdown::Write).unwrap();
        turn_until(&driver, || flags(&source).is_readable().then_some(()));
        assert_eq!(flags(&source).is_read_closed(), direct, "{kind}");
        assert!(!flags(&source).is_write_closed());
        use_up(&source);
        assert_eq!(flags(&source).is_read_closed(), direct, "{kind}: no clear takes a closed flag back");
        (&near).write_all(b"still open").unwrap();

        // A reset (the peer closes with our bytes unread): both directions end.
        use_up(&source);
        drop(far);
        turn_until(&driver, || flags(&source).is_writable().then_some(()));
        assert!(flags(&source).is_readable() && (&near).write(b"x").is_err(), "{kind}");
        assert_eq!(flags(&source).is_write_closed(), direct, "{kind}");
        driver.deregister(source, near.as_fd()).unwrap();

        // A datagram socket's error is worth a receive, though nothing was received.
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_nonblocking(true).unwrap();
        let nobody = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        socket.connect(nobody).unwrap();
        let source = driver.register(socket.as_fd(), BOTH).unwrap();
        settle(&driver);
        assert!(source.poll_ready(Direction::Read, &mut Context::from_waker(&waker)).is_pending());
        socket.send(b"anybody?").unwrap();
        turn_until(&driver, || flags(&source).is_readable().then_some(()));
        assert_eq!(socket.recv(&mut [0; 8]).unwrap_err().kind(), ErrorKind::ConnectionRefused, "{kind}");
        driver.deregister(source, socket.as_fd()).unwrap();
    }
}

/// Data and the end in one event: whoever takes the data must learn that more is to come, or that nobody tells it.
#[test]
fn museum_i7_an_end_behind_data_is_told_or_not_promised() {
    for (kind, driver) in drivers() {
        let (near, mut far) = tcp_pair();
        let source = driver.register(near.as_fd(), Interest::READABLE).unwrap();
        far.write_all(b"data").unwrap();
        drop(far);
        // Both have arrived before the first turn.
        rustix::event::poll(&mut [rustix::event::PollFd::new(&near, rustix::event::PollFlags::RDHUP)], None).unwrap();
        turn_until(&driver, || flags(&source).is_readable().then_some(()));
        assert_eq!(flags(&source).is_read_closed(), driver.reports_ends(), "{kind}");
        let seen = source.look(Interest::READABLE).unwrap();
        assert_eq!((&near).read(&mut [0; 64]).unwrap(), 4);
        source.clear(seen);
        let told = source.poll_ready(Direction::Read, &mut Context::from_waker(Waker::noop())).is_ready();
        assert_eq!(told, driver.reports_ends(), "{kind}: a short read would be the last one");
        driver.deregister(source, near.as_fd()).unwrap();
    }
}

/// Linux says "hang-up" of a socket that is not connected yet. It must not count as closed: that would never end.
#[test]
fn museum_i6_a_fresh_socket_is_not_closed() {
    use rustix::net::{AddressFamily, SocketFlags, SocketType, connect, socket_with};
    for (kind, driver) in drivers() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let flags_of = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let socket = socket_with(AddressFamily::INET, SocketType::STREAM, flags_of, None).unwrap();
        let source = driver.register(socket.as_fd(), BOTH).unwrap();
        settle(&driver);
        assert!(!flags(&source).is_read_closed() && !flags(&source).is_write_closed(), "{kind}: {:?}", flags(&source));
        use_up(&source);
        assert!(flags(&source).is_empty());
        let _ = connect(&socket, &listener.local_addr().unwrap());
        turn_until(&driver, || flags(&source).is_writable().then_some(()));
        assert_eq!(flags(&source), Ready::WRITABLE, "{kind}");
        driver.deregister(source, socket.as_fd()).unwrap();
    }
}

#[test]
fn museum_i4_deregister_before_close_quiets_a_duplicated_descriptor() {
    for (kind, driver) in drivers() {
        let (near, mut far) = pair();
        let duplicate = near.try_clone().unwrap();
        let source = driver.register(near.as_fd(), BOTH).unwrap();
        settle(&driver);
        driver.deregister(source, near.as_fd()).unwrap();
        drop(near);
        far.write_all(b"x").unwrap();
        assert_eq!((settle(&driver), driver.stale_events()), (0, 0), "{kind}: the kernel still reports it");
        drop(duplicate);
    }
}

/// Descriptor numbers and slots are reused as fast as the system allows, while another thread turns. No event of one
/// owner ever reaches the next.
#[test]
fn museum_i3_reused_numbers_never_get_their_predecessors_events() {
    for (_, driver) in drivers() {
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut events = Events::with_capacity(4);
                while !stop.load(Ordering::Relaxed) {
                    driver.turn(&mut events, Some(Duration::from_millis(5)), |waker| waker.wake_by_ref()).unwrap();
                }
            });
            for round in 0..3_000 {
                let (near, mut far) = pair();
                let source = driver.register(near.as_fd(), Interest::READABLE).unwrap();
                if round % 2 == 0 {
                    far.write_all(b"x").unwrap();
                } else {
                    // Nothing was written to this one, and nobody closed it.
                    std::thread::yield_now();
                    assert!(flags(&source).is_empty(), "round {round}: {:?}", flags(&source));
                }
                driver.deregister(source, near.as_fd()).unwrap();
            }
            stop.store(true, Ordering::Relaxed);
            driver.notify().unwrap();
        });
        assert_eq!(driver.sources(), 0);
    }
}

/// Two futures and one `poll_*` caller wait for reads, one future for writes: each event wakes all it concerns.
#[test]
fn an_event_wakes_every_waiter_of_its_direction() {
    for (_, driver) in drivers() {
        let (near, mut far) = pair();
        while (&near).write(&[0; 4096]).is_ok() {}
        let source = driver.register(near.as_fd(), BOTH).unwrap();
        settle(&driver);
        use_up(&source);
        let counts: Vec<_> = (0..4).map(|_| counter()).collect();
        let mut first = Box::pin(source.ready(Interest::READABLE));
        let mut second = Box::pin(source.ready(Interest::READABLE));
        let mut writer = Box::pin(source.ready(Interest::WRITABLE));
        assert!(first.as_mut().poll(&mut Context::from_waker(&counts[0].1)).is_pending());
        assert!(second.as_mut().poll(&mut Context::from_waker(&counts[1].1)).is_pending());
        assert!(writer.as_mut().poll(&mut Context::from_waker(&counts[2].1)).is_pending());
        assert!(source.poll_ready(Direction::Read, &mut Context::from_waker(&counts[3].1)).is_pending());
        let woken = || counts.iter().map(|(count, _)| count.0.load(Ordering::SeqCst)).collect::<Vec<_>>();

        far.write_all(b"x").unwrap();
        turn_until(&driver, || (woken() == [1, 1, 0, 1]).then_some(()));
        let Poll::Ready(Ok(event)) = first.as_mut().poll(&mut Context::from_waker(&counts[0].1)) else {
            panic!("it was woken")
        };
        assert_eq!(event.ready(), Ready::READABLE);
        // The first has used it up. The second was called for it, and says so.
        source.clear(event);
        let Poll::Ready(Ok(event)) = second.as_mut().poll(&mut Context::from_waker(&counts[1].1)) else {
            panic!("it was woken")
        };
        assert_eq!(event.ready(), Ready::READABLE);

        while far.read(&mut [0; 65536]).is_ok() {}
        turn_until(&driver, || (woken()[2] == 1).then_some(()));
        assert!(writer.as_mut().poll(&mut Context::from_waker(&counts[2].1)).is_ready());
        drop((first, second, writer));
        driver.deregister(source, near.as_fd()).unwrap();
    }
}

/// D28 (E16): the driver clones no waker, which is user code. Who waits puts a clone into the seat, and the event's turn gives
/// that away.
#[test]
fn d28_a_turn_gives_away_the_seats_own_waker() {
    for (_, driver) in drivers() {
        let (near, mut far) = pair();
        let source = driver.register(near.as_fd(), Interest::READABLE).unwrap();
        let (count, waker) = counter();
        let mut cx = Context::from_waker(&waker);
        for round in 1..=100 {
            for _ in 0..2 {
                assert!(source.poll_ready(Direction::Read, &mut cx).is_pending());
                assert_eq!(Arc::strong_count(&count), 3, "ours, the waker's, the seat's");
            }
            far.write_all(b"x").unwrap();
            let mut events = Events::with_capacity(1);
            let mut given = Vec::new();
            driver.turn(&mut events, Some(HANG), |waker| given.push(waker)).unwrap();
            assert_eq!(given.len(), 1, "round {round}");
            assert!(given[0].will_wake(&waker));
            assert_eq!(Arc::strong_count(&count), 3, "ours, the waker's, and the one that was given away");
            drop(given);
            let Poll::Ready(Ok(event)) = source.poll_ready(Direction::Read, &mut cx) else { panic!("no event") };
            assert_eq!((&near).read(&mut [0; 8]).unwrap(), 1);
            assert_eq!(Arc::strong_count(&count), 2, "an idle seat keeps nobody alive");
            source.clear(event);
        }
        driver.deregister(source, near.as_fd()).unwrap();
    }
}

/// Full duplex, both directions waiting all the time, tiny and large pieces: every byte arrives once, in order.
#[test]
fn museum_i12_full_duplex_loses_nothing() {
    for (kind, driver) in drivers() {
        let (near, far) = tcp_pair();
        far.set_nonblocking(false).unwrap();
        let total = 4_000_000;
        let byte_at = |n: usize| (n.wrapping_mul(2_654_435_761) >> 7) as u8;
        let source = driver.register(near.as_fd(), BOTH).unwrap();
        std::thread::scope(|scope| {
            let (mut far_in, mut far_out) = (far.try_clone().unwrap(), far);
            scope.spawn(move || {
                let mut sent = 0;
                while sent < total {
                    let piece: Vec<u8> = (sent..total.min(sent + 1 + sent % 9_973)).map(byte_at).collect();
                    far_out.write_all(&piece).unwrap();
                    sent += piece.len();
                }
            });
            let echo = scope.spawn(move || {
                let mut got = vec![0; total];
                far_in.read_exact(&mut got).unwrap();
                got.iter().enumerate().position(|(n, byte)| *byte != byte_at(n))
            });
            let (_, waker) = counter();
            let mut cx = Context::from_waker(&waker);
            let (mut read, mut written) = (0, 0);
            let mut buffer = [0; 8_000];
            turn_until(&driver, || {
                while let Poll::Ready(event) = source.poll_ready(Direction::Read, &mut cx) {
                    let limit = 1 + read % buffer.len();
                    match (&near).read(&mut buffer[..limit]) {
                        Ok(count) => {
                            assert!(count > 0, "{kind}: ended at {read}");
                            assert!(buffer[..count].iter().enumerate().all(|(n, byte)| *byte == byte_at(read + n)));
                            read += count;
                        }
                        Err(error) if error.kind() == ErrorKind::WouldBlock => source.clear(event.unwrap()),
                        Err(error) => panic!("{error}"),
                    }
                    if read == total {
                        break;
                    }
                }
                while written < total {
                    let Poll::Ready(event) = source.poll_ready(Direction::Write, &mut cx) else { break };
                    let piece: Vec<u8> = (written..total.min(written + 1 + written % 7_919)).map(byte_at).collect();
                    match (&near).write(&piece) {
                        Ok(count) => written += count,
                        Err(error) if error.kind() == ErrorKind::WouldBlock => source.clear(event.unwrap()),
                        Err(error) => panic!("{error}"),
                    }
                }
                (read == total && written == total).then_some(())
            });
            assert_eq!(echo.join().unwrap(), None, "{kind}: the first wrong byte");
        });
        driver.deregister(source, near.as_fd()).unwrap();
    }
}

#[test]
fn museum_s8_after_a_shutdown_everything_says_so() {
    for (kind, driver) in drivers() {
        let (near, mut far) = pair();
        let source = driver.register(near.as_fd(), BOTH).unwrap();
        settle(&driver);
        let event = source.look(BOTH).unwrap();
        let (seat, seat_waker) = counter();
        let (bench, bench_waker) = counter();
        let mut wait = Box::pin(source.ready(Interest::READABLE));
        assert!(source.poll_ready(Direction::Read, &mut Context::from_waker(&seat_waker)).is_pending());
        assert!(wait.as_mut().poll(&mut Context::from_waker(&bench_waker)).is_pending());

        driver.shutdown(Waker::wake);
        assert!(driver.is_shut_down());
        assert_eq!((seat.0.load(Ordering::SeqCst), bench.0.load(Ordering::SeqCst)), (1, 1), "{kind}");
        let said = |error: &io::Error| error.get_ref().is_some_and(|inner| inner.is::<ShutDown>());
        let Poll::Ready(Err(error)) = wait.as_mut().poll(&mut Context::from_waker(&bench_waker)) else {
            panic!("it must end")
        };
        assert!(said(&error), "{error}");
        for direction in [Direction::Read, Direction::Write] {
            let polled = source.poll_ready(direction, &mut Context::from_waker(&seat_waker));
            assert!(matches!(&polled, Poll::Ready(Err(error)) if said(error)), "{kind}: {polled:?}");
        }
        let mut begun_after = Box::pin(source.ready(BOTH));
        assert!(matches!(begun_after.as_mut().poll(&mut Context::from_waker(&seat_waker)), Poll::Ready(Err(_))));
        assert!(said(&driver.register(far.as_fd(), BOTH).unwrap_err()));
        // Harmless, all of it.
        source.clear(event);
        far.write_all(b"x").unwrap();
        settle(&driver);
        driver.shutdown(|_| panic!("everybody has been told"));
        drop((wait, begun_after));
        driver.deregister(source, near.as_fd()).unwrap();
        assert_eq!(driver.sources(), 0);
    }
}

/// A waker that owns the source that it waits for, as the task of another executor does, armed or not.
struct OwnsItsSource(std::sync::Mutex<Option<Source>>);

impl Wake for OwnsItsSource {
    fn wake(self: Arc<Self>) {}
}

/// Fault: a shutdown that wakes who waits, and leaves the waker in the seat.
#[test]
fn d27_a_shutdown_drops_wakers_that_own_their_source() {
    for (kind, driver) in drivers() {
        let ends: Vec<_> = [false, true]
            .into_iter()
            .map(|is_told_before| {
                let (near, mut far) = pair();
                let source = driver.register(near.as_fd(), Interest::READABLE).unwrap();
                let owner = Arc::new(OwnsItsSource(None.into()));
                let waker = Waker::from(owner.clone());
                assert!(source.poll_ready(Direction::Read, &mut Context::from_waker(&waker)).is_pending());
                if is_told_before {
                    far.write_all(b"x").unwrap();
                    let event = || source.look(Interest::READABLE).unwrap().ready().is_readable().then_some(());
                    turn_until(&driver, event);
                }
                *owner.0.lock().unwrap() = Some(source);
                // The other end stays open: its end would be an event for the one that is not to be told before.
                (Arc::downgrade(&owner), near, far)
            })
            .collect();
        driver.shutdown(Waker::wake);
        for (owner, ..) in &ends {
            assert_eq!(owner.strong_count(), 0, "{kind}: the waker and its source keep each other alive");
        }
        assert_eq!(driver.sources(), 0);
    }
}

#[test]
fn a_shutdown_ends_a_wait() {
    for (_, driver) in drivers() {
        std::thread::scope(|scope| {
            let turning = scope.spawn(|| driver.turn(&mut Events::with_capacity(4), None, |_| ()).unwrap().notified);
            driver.shutdown(|_| ());
            assert!(turning.join().unwrap());
        });
    }
}

/// A waiting turn, a notifier, and threads that look at the kernel without waiting all the time: no ring is lost.
#[test]
fn museum_lw22_quick_turns_never_swallow_a_ring() {
    for (kind, driver) in drivers() {
        let stop = AtomicBool::new(false);
        let rung = AtomicUsize::new(0);
        let seen = AtomicUsize::new(0);
        let rounds = 3_000;
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut events = Events::with_capacity(4);
                while !stop.load(Ordering::Relaxed) {
                    driver.turn(&mut events, Some(Duration::ZERO), |_| ()).unwrap();
                    std::thread::yield_now();
                }
            });
            scope.spawn(|| {
                for round in 1..=rounds {
                    rung.store(round, Ordering::SeqCst);
                    driver.notify().unwrap();
                    let start = Instant::now();
                    while seen.load(Ordering::SeqCst) < round {
                        assert!(start.elapsed() < HANG, "{kind}: ring {round} was lost");
                        std::thread::yield_now();
                    }
                }
                stop.store(true, Ordering::SeqCst);
                driver.notify().unwrap();
            });
            let mut events = Events::with_capacity(4);
            while !stop.load(Ordering::SeqCst) {
                driver.turn(&mut events, Some(HANG), |_| ()).unwrap();
                seen.store(rung.load(Ordering::SeqCst), Ordering::SeqCst);
            }
        });
    }
}

#[test]
fn a_ring_before_the_turn_counts_once() {
    for (kind, driver) in drivers() {
        let mut events = Events::with_capacity(4);
        for _ in 0..1_000 {
            driver.notify().unwrap();
        }
        let quick = driver.turn(&mut events, Some(Duration::ZERO), |_| ()).unwrap();
        assert!(!quick.notified, "{kind}: it is for a turn that may wait");
        assert!(driver.turn(&mut events, None, |_| ()).unwrap().notified, "{kind}");
        let next = driver.turn(&mut events, Some(Duration::from_millis(20)), |_| ()).unwrap();
        assert!(!next.notified, "{kind}: a thousand rings are one");
    }
}

/// Never early, and a wait that ends by its timeout takes at most two turns.
#[test]
fn museum_t12_a_timeout_is_not_cut_short() {
    for (kind, driver) in drivers() {
        let mut events = Events::with_capacity(4);
        for micros in [1, 50, 400, 999, 1_000, 1_001, 2_500, 15_999, 16_001, 20_300] {
            let timeout = Duration::from_micros(micros);
            let start = Instant::now();
            let mut turns = 0;
            while let Some(left) = timeout.checked_sub(start.elapsed()).filter(|left| !left.is_zero()) {
                driver.turn(&mut events, Some(left), |_| ()).unwrap();
                turns += 1;
            }
            assert!(turns <= 2, "{kind}: {turns} turns for {timeout:?}");
        }
    }
}

#[test]
fn museum_t5_huge_timeouts_wait() {
    for (kind, driver) in drivers() {
        for timeout in
            [Some(Duration::from_secs(86_400 * 25)), Some(Duration::from_millis(u64::MAX)), Some(Duration::MAX), None]
        {
            std::thread::scope(|scope| {
                let turning = scope.spawn(|| driver.turn(&mut Events::with_capacity(4), timeout, |_| ()));
                driver.notify().unwrap();
                assert!(turning.join().unwrap().unwrap().notified, "{kind}: {timeout:?}");
            });
        }
    }
}

/// A waker that uses the driver in every way: nothing of ours is locked while it runs.
#[test]
fn a_waker_may_use_the_driver() {
    struct Busy(Arc<Driver>, AtomicUsize);

    impl Wake for Busy {
        fn wake(self: Arc<Self>) {
            let (near, _far) = pair();
            let source = self.0.register(near.as_fd(), BOTH).unwrap();
            self.0.notify().unwrap();
            self.0.turn(&mut Events::with_capacity(4), Some(Duration::ZERO), |_| ()).unwrap();
            self.0.deregister(source, near.as_fd()).unwrap();
            self.1.fetch_add(1, Ordering::SeqCst);
        }
    }

    for (_, driver) in drivers() {
        let driver = Arc::new(driver);
        let (near, mut far) = pair();
        let source = driver.register(near.as_fd(), Interest::READABLE).unwrap();
        let busy = Arc::new(Busy(driver.clone(), AtomicUsize::new(0)));
        let waker = Waker::from(busy.clone());
        let mut wait = Box::pin(source.ready(Interest::READABLE));
        assert!(wait.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        assert!(source.poll_ready(Direction::Read, &mut Context::from_waker(&waker)).is_pending());
        far.write_all(b"x").unwrap();
        turn_until(&driver, || (busy.1.load(Ordering::SeqCst) == 2).then_some(()));
        driver.shutdown(Waker::wake);
    }
}

#[test]
fn waiting_for_what_is_not_registered_is_an_error() {
    for (_, driver) in drivers() {
        let (near, _far) = pair();
        let source = driver.register(near.as_fd(), Interest::READABLE).unwrap();
        let mut cx = Context::from_waker(Waker::noop());
        let Poll::Ready(Err(error)) = source.poll_ready(Direction::Write, &mut cx) else { panic!("it would hang") };
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        let Poll::Ready(Err(error)) = Box::pin(source.ready(BOTH)).as_mut().poll(&mut cx) else {
            panic!("it would hang")
        };
        assert!(error.to_string().contains("WRITABLE"), "{error}");
        assert!(
            Box::pin(source.ready(Interest::ERROR)).as_mut().poll(&mut cx).is_pending(),
            "errors are always reported"
        );
        driver.deregister(source, near.as_fd()).unwrap();
    }
}

/// More events than the buffer holds come with the next turns.
#[test]
fn a_small_buffer_delivers_everything() {
    for (_, driver) in drivers() {
        let pairs: Vec<_> = (0..40).map(|_| pair()).collect();
        let sources: Vec<_> =
            pairs.iter().map(|(near, _)| driver.register(near.as_fd(), Interest::READABLE).unwrap()).collect();
        pairs.iter().for_each(|(_, far)| assert_eq!({ far }.write(b"x").unwrap(), 1));
        let mut events = Events::with_capacity(3);
        let mut all = 0;
        while all < 40 {
            let turn = driver.turn(&mut events, Some(HANG), |_| ()).unwrap();
            assert!((1..=3).contains(&turn.events), "{turn:?} with 40 events waiting");
            all += turn.events;
        }
        assert!(sources.iter().all(|source| flags(source) == Ready::READABLE));
        for (source, (near, _)) in sources.into_iter().zip(&pairs) {
            driver.deregister(source, near.as_fd()).unwrap();
        }
    }
}

/// The layer above may say that a source is ready.
#[test]
fn set_wakes_like_the_kernel() {
    let (_, driver) = drivers().into_iter().next().unwrap();
    let (near, _far) = pair();
    let source = driver.register(near.as_fd(), Interest::READABLE).unwrap();
    let (count, waker) = counter();
    assert!(source.poll_ready(Direction::Read, &mut Context::from_waker(&waker)).is_pending());
    source.set(Ready::READABLE, |waker| waker.wake_by_ref());
    assert_eq!(count.0.load(Ordering::SeqCst), 1);
    assert!(source.poll_ready(Direction::Read, &mut Context::from_waker(&waker)).is_ready());
    driver.deregister(source, near.as_fd()).unwrap();
}

/// Idle means idle: after the first events, a registered and writable socket causes no further turn.
#[test]
fn museum_t12_an_idle_driver_has_nothing_to_report() {
    for (kind, driver) in drivers() {
        let pairs: Vec<_> = (0..16).map(|_| pair()).collect();
        let sources: Vec<_> = pairs.iter().map(|(near, _)| driver.register(near.as_fd(), BOTH).unwrap()).collect();
        settle(&driver);
        let turn = driver.turn(&mut Events::with_capacity(32), Some(Duration::from_millis(50)), |_| ()).unwrap();
        assert_eq!((turn.events, turn.notified), (0, false), "{kind}");
        for (source, (near, _)) in sources.into_iter().zip(&pairs) {
            driver.deregister(source, near.as_fd()).unwrap();
        }
    }
}

/// The README's example is the one that compiles.
#[test]
fn the_readme_shows_the_echo_example() {
    let code = include_str!("../examples/bare-echo.rs");
    assert!(include_str!("../README.md").contains(code), "README.md and examples/bare-echo.rs differ");
}
