//! `io::unix::AsyncFd`: readiness of any descriptor, guards, registration.

use runtime::io::unix::AsyncFd;
use runtime::io::{Interest, Ready};
use runtime_tests::{Flavor, WakeCount, for_each_flavor, poll_once};
use std::fs::File;
use std::future::poll_fn;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::task::Context;

for_each_flavor!(
    waits_and_takes_back,
    a_guard_takes_back_what_it_saw_and_no_more,
    a_part_of_the_readiness,
    retained_readiness_stays,
    both_directions,
    many_tasks,
    by_polling,
    a_waker_per_direction,
    async_io_and_try_io,
    mutable,
    one_interest,
    into_inner_registers_again,
    dropping_deregisters,
    what_cannot_be_waited_for,
    after_the_runtime,
    priority,
    d6_an_object_without_its_descriptor_is_dropped_and_given_back,
    d6_a_number_that_is_a_strangers_by_now_stays_registered,
    d20_what_is_not_open_is_an_error,
);

// `new` is `register` without the word `unsafe`.
#[expect(deprecated, reason = "tests contain no unsafe code")]
fn register<T: AsRawFd>(object: T) -> AsyncFd<T> {
    AsyncFd::try_new(object).unwrap()
}

#[expect(deprecated, reason = "as above")]
fn register_for<T: AsRawFd>(object: T, interest: Interest) -> AsyncFd<T> {
    AsyncFd::with_interest(object, interest).unwrap()
}

fn pair() -> (AsyncFd<UnixStream>, UnixStream) {
    let (near, far) = UnixStream::pair().unwrap();
    near.set_nonblocking(true).unwrap();
    far.set_nonblocking(true).unwrap();
    (register(near), far)
}

fn is_pending(fd: &AsyncFd<UnixStream>, interest: Interest) -> bool {
    poll_once(&mut pin!(fd.ready(interest))).is_pending()
}

fn waits_and_takes_back(flavor: Flavor) {
    flavor.build().block_on(async {
        let (fd, mut far) = pair();
        assert!(is_pending(&fd, Interest::READABLE));
        far.write_all(b"abc").unwrap();
        let mut guard = fd.readable().await.unwrap();
        assert!(guard.ready().is_readable());
        let mut buf = [0; 8];
        assert_eq!(guard.try_io(|fd| fd.get_ref().read(&mut buf)).unwrap().unwrap(), 3);
        // Read, and not found empty: it stays ready.
        drop(guard);
        let mut guard = fd.readable().await.unwrap();
        let error = guard.try_io(|fd| fd.get_ref().read(&mut buf)).unwrap_err();
        assert!(format!("{error:?}").contains("TryIoError"));
        drop(guard);
        assert!(is_pending(&fd, Interest::READABLE));
        // Other errors are results.
        far.write_all(b"x").unwrap();
        let mut guard = fd.readable().await.unwrap();
        let result: io::Result<()> = guard.try_io(|_| Err(ErrorKind::NotFound.into())).unwrap();
        assert_eq!(result.unwrap_err().kind(), ErrorKind::NotFound);
        assert!(!is_pending(&fd, Interest::READABLE));
    });
}

fn a_guard_takes_back_what_it_saw_and_no_more(flavor: Flavor) {
    flavor.build().block_on(async {
        let (fd, mut far) = pair();
        far.write_all(b"a").unwrap();
        let mut old = fd.readable().await.unwrap();
        let mut buf = [0; 8];
        assert_eq!(fd.get_ref().read(&mut buf).unwrap(), 1);
        far.write_all(b"b").unwrap();
        // Until the driver has seen the second event: it must have come when a later one of the same thread has.
        let (other, mut other_far) = pair();
        other_far.write_all(b"x").unwrap();
        drop(other.readable().await.unwrap());
        runtime::task::yield_now().await;
        old.clear_ready();
        assert_eq!(old.ready(), Ready::EMPTY);
        drop(old);
        // Whether the second event came before or after: it is not lost.
        let mut guard = fd.readable().await.unwrap();
        assert_eq!(guard.try_io(|fd| fd.get_ref().read(&mut buf)).unwrap().unwrap(), 1);
    });
}

fn a_part_of_the_readiness(flavor: Flavor) {
    flavor.build().block_on(async {
        let (fd, mut far) = pair();
        far.write_all(b"a").unwrap();
        drop(fd.readable().await.unwrap());
        drop(fd.writable().await.unwrap());
        let mut guard = fd.ready(Interest::READABLE | Interest::WRITABLE).await.unwrap();
        assert!(guard.ready().is_readable() && guard.ready().is_writable());
        guard.clear_ready_matching(Ready::READABLE);
        assert!(!guard.ready().is_readable() && guard.ready().is_writable());
        drop(guard);
        assert!(is_pending(&fd, Interest::READABLE));
        let guard = fd.ready(Interest::READABLE | Interest::WRITABLE).await.unwrap();
        assert!(!guard.ready().is_readable() && guard.ready().is_writable());
    });
}

fn retained_readiness_stays(flavor: Flavor) {
    flavor.build().block_on(async {
        let (fd, mut far) = pair();
        far.write_all(b"a").unwrap();
        for _ in 0..3 {
            fd.readable().await.unwrap().retain_ready();
        }
        fd.readable().await.unwrap().clear_ready();
        assert!(is_pending(&fd, Interest::READABLE));
        // The end of a stream is not taken back.
        drop(far);
        let mut guard = fd.readable().await.unwrap();
        assert!(guard.ready().is_read_closed());
        guard.clear_ready();
        drop(guard);
        assert!(fd.readable().await.unwrap().ready().is_read_closed());
    });
}

fn both_directions(flavor: Flavor) {
    flavor.build().block_on(async {
        let (fd, mut far) = pair();
        loop {
            let mut guard = fd.writable().await.unwrap();
            if guard.try_io(|fd| fd.get_ref().write(&[0; 65536])).is_err() {
                break;
            }
        }
        assert!(is_pending(&fd, Interest::WRITABLE) && is_pending(&fd, Interest::READABLE));
        far.write_all(b"x").unwrap();
        drop(fd.readable().await.unwrap());
        assert!(is_pending(&fd, Interest::WRITABLE), "a byte to read makes no room to write");
        let mut buf = vec![0; 1 << 20];
        while far.read(&mut buf).is_ok() {}
        drop(fd.writable().await.unwrap());
        drop(far);
        // It was ready before, too.
        while !fd.writable().await.unwrap().ready().is_write_closed() {
            runtime::task::yield_now().await;
        }
    });
}

fn many_tasks(flavor: Flavor) {
    flavor.build().block_on(async {
        let (fd, mut far) = pair();
        let fd = Arc::new(fd);
        let tasks: Vec<_> = (0..8)
            .map(|task| {
                let fd = fd.clone();
                runtime::spawn(async move {
                    let interest =
                        if task % 2 == 0 { Interest::READABLE } else { Interest::READABLE | Interest::ERROR };
                    drop(fd.ready(interest).await.unwrap());
                })
            })
            .collect();
        runtime::task::yield_now().await;
        far.write_all(b"x").unwrap();
        for task in tasks {
            task.await.unwrap();
        }
    });
}

fn by_polling(flavor: Flavor) {
    flavor.build().block_on(async {
        let (mut fd, mut far) = pair();
        let mut cx = Context::from_waker(std::task::Waker::noop());
        assert!(fd.poll_read_ready(&mut cx).is_pending());
        assert!(fd.poll_read_ready_mut(&mut cx).is_pending());
        far.write_all(b"ab").unwrap();
        let mut buf = [0; 1];
        let mut guard = poll_fn(|cx| fd.poll_read_ready(cx)).await.unwrap();
        assert_eq!(guard.try_io(|fd| fd.get_ref().read(&mut buf)).unwrap().unwrap(), 1);
        assert_eq!(guard.get_inner().as_raw_fd(), guard.get_ref().as_raw_fd());
        drop(poll_fn(|cx| fd.poll_write_ready(cx).map_ok(drop)).await);
        poll_fn(|cx| fd.poll_write_ready_mut(cx).map_ok(drop)).await.unwrap();
        poll_fn(|cx| fd.poll_read_ready_mut(cx).map_ok(|mut guard| guard.clear_ready())).await.unwrap();
        assert!(fd.poll_read_ready(&mut cx).is_pending());
    });
}

/// The last task that asked for a direction is woken, once, and asking for the other direction takes nothing from it.
fn a_waker_per_direction(flavor: Flavor) {
    flavor.build().block_on(async {
        let (fd, mut far) = pair();
        drop(fd.writable().await.unwrap());
        let [first, last, writer] = [(); 3].map(|()| WakeCount::new());
        for count in [&first, &last] {
            let waker = count.waker();
            assert!(fd.poll_read_ready(&mut Context::from_waker(&waker)).is_pending());
        }
        let waker = writer.waker();
        assert!(fd.poll_write_ready(&mut Context::from_waker(&waker)).is_ready());
        far.write_all(b"x").unwrap();
        drop(fd.readable().await.unwrap());
        runtime_tests::wait_until("the waker", || last.wakes() == 1);
        assert_eq!((first.wakes(), writer.wakes()), (0, 0));
    });
}

fn async_io_and_try_io(flavor: Flavor) {
    flavor.build().block_on(async {
        let (fd, mut far) = pair();
        let mut buf = [0; 4];
        assert_eq!(
            fd.try_io(Interest::READABLE, |mut fd| fd.read(&mut buf)).unwrap_err().kind(),
            ErrorKind::WouldBlock
        );
        let writer = std::thread::spawn(move || {
            far.write_all(b"abc").unwrap();
            far
        });
        assert_eq!(fd.async_io(Interest::READABLE, |mut fd| fd.read(&mut buf)).await.unwrap(), 3);
        let mut far = writer.join().unwrap();
        assert_eq!(fd.async_io(Interest::WRITABLE, |mut fd| fd.write(b"def")).await.unwrap(), 3);
        assert_eq!(far.read(&mut buf).unwrap(), 3);
        far.write_all(b"x").unwrap();
        drop(fd.readable().await.unwrap());
        assert_eq!(fd.try_io(Interest::READABLE, |mut fd| fd.read(&mut buf)).unwrap(), 1);
    });
}

fn mutable(flavor: Flavor) {
    flavor.build().block_on(async {
        let (mut fd, mut far) = pair();
        far.write_all(b"abc").unwrap();
        let mut buf = [0; 1];
        let mut guard = fd.readable_mut().await.unwrap();
        assert_eq!(guard.try_io(|fd| fd.get_mut().read(&mut buf)).unwrap().unwrap(), 1);
        assert_eq!(guard.get_inner_mut().read(&mut buf).unwrap(), 1);
        assert!(guard.get_inner().as_raw_fd() == guard.get_ref().as_raw_fd());
        assert_eq!(guard.get_mut().get_mut().read(&mut buf).unwrap(), 1);
        assert!(guard.try_io(|fd| fd.get_mut().read(&mut buf)).is_err());
        assert_eq!(guard.ready(), Ready::EMPTY);
        drop(guard);
        fd.writable_mut().await.unwrap().retain_ready();
        fd.ready_mut(Interest::WRITABLE).await.unwrap().clear_ready_matching(Ready::READABLE);
        assert_eq!(fd.async_io_mut(Interest::WRITABLE, |fd| fd.write(b"x")).await.unwrap(), 1);
        assert_eq!(fd.try_io_mut(Interest::WRITABLE, |fd| fd.write(b"y")).unwrap(), 1);
        let empty = fd.try_io_mut(Interest::READABLE, |fd| fd.read(&mut buf)).unwrap_err();
        assert_eq!(empty.kind(), ErrorKind::WouldBlock);
    });
}

fn one_interest(flavor: Flavor) {
    flavor.build().block_on(async {
        let (reads, mut writes) = io::pipe().unwrap();
        let fd = register_for(File::from(OwnedFd::from(reads)), Interest::READABLE);
        writes.write_all(b"x").unwrap();
        drop(fd.readable().await.unwrap());
        // Where tokio waits for ever.
        #[cfg(not(feature = "oracle"))]
        assert_eq!(fd.writable().await.unwrap_err().kind(), ErrorKind::InvalidInput);
        assert!(format!("{fd:?}").starts_with("AsyncFd"));
    });
}

fn into_inner_registers_again(flavor: Flavor) {
    flavor.build().block_on(async {
        let (mut fd, mut far) = pair();
        for _ in 0..10 {
            far.write_all(b"x").unwrap();
            let mut guard = fd.readable().await.unwrap();
            assert_eq!(guard.try_io(|fd| fd.get_ref().read(&mut [0])).unwrap().unwrap(), 1);
            let near = fd.into_inner();
            assert!(near.as_fd().as_raw_fd() >= 0);
            fd = register(near);
        }
    });
}

fn dropping_deregisters(flavor: Flavor) {
    flavor.build().block_on(async {
        // A borrowed object: its descriptor stays open.
        let (near, mut far) = UnixStream::pair().unwrap();
        near.set_nonblocking(true).unwrap();
        for _ in 0..10 {
            let fd = register(near.as_fd());
            drop(fd.writable().await.unwrap());
            #[expect(deprecated, reason = "as above")]
            let twice = AsyncFd::try_with_interest(near.as_fd(), Interest::READABLE).unwrap_err();
            let (same, error) = twice.into_parts();
            assert_eq!((same.as_raw_fd(), error.kind()), (near.as_raw_fd(), ErrorKind::AlreadyExists));
        }
        far.write_all(b"x").unwrap();
        assert_eq!((&near).read(&mut [0]).unwrap(), 1);
    });
}

fn what_cannot_be_waited_for(flavor: Flavor) {
    flavor.build().block_on(async {
        let file = File::open("/proc/self/exe").unwrap();
        #[expect(deprecated, reason = "as above")]
        let error = AsyncFd::try_new(file).unwrap_err();
        assert!(!error.to_string().is_empty() && std::error::Error::source(&error).is_some());
        let error: io::Error = error.into();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    });
}

fn after_the_runtime(flavor: Flavor) {
    let ends = Flavor::MultiThread(1).build();
    let (fd, _far) = ends.block_on(async { pair() });
    flavor.build().block_on(async {
        let fd = Arc::new(fd);
        let waits = fd.clone();
        let waits = runtime::spawn(async move { waits.readable().await.map(drop) });
        runtime::task::yield_now().await;
        ends.shutdown_background();
        assert!(waits.await.unwrap().is_err());
        assert!(fd.readable().await.is_err());
        assert!(fd.writable().await.is_err());
        assert!(poll_fn(|cx| fd.poll_read_ready(cx).map_ok(drop)).await.is_err());
        let again: io::Result<()> = fd.async_io(Interest::READABLE, |_| Ok(())).await;
        assert!(again.is_err());
    });
}

/// Urgent data of TCP.
fn priority(flavor: Flavor) {
    use std::net::{TcpListener, TcpStream};
    flavor.build().block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (far, _) = listener.accept().unwrap();
        near.set_nonblocking(true).unwrap();
        let fd = register_for(near, Interest::PRIORITY | Interest::READABLE);
        assert!(poll_once(&mut pin!(fd.ready(Interest::PRIORITY))).is_pending());
        rustix::net::send(&far, b"!", rustix::net::SendFlags::OOB).unwrap();
        assert!(fd.ready(Interest::PRIORITY).await.unwrap().ready().is_priority());
    });
}

/// Says -1 once its descriptor was taken out, as wrappers around an `Option` do.
#[derive(Debug)]
struct Losing(Option<OwnedFd>);

impl AsRawFd for Losing {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_ref().map_or(-1, AsRawFd::as_raw_fd)
    }
}

fn losing() -> (AsyncFd<Losing>, UnixStream) {
    let (near, far) = UnixStream::pair().unwrap();
    near.set_nonblocking(true).unwrap();
    (register(Losing(Some(near.into()))), far)
}

/// `drop` and `into_inner` panicked.
fn d6_an_object_without_its_descriptor_is_dropped_and_given_back(flavor: Flavor) {
    flavor.build().block_on(async {
        let (mut fd, _far) = losing();
        drop(fd.get_mut().0.take());
        drop(fd);
        let (mut fd, _far) = losing();
        let taken = fd.get_mut().0.take();
        assert!(fd.into_inner().0.is_none());
        drop(taken);
    });
}

/// The number is given out anew when a descriptor is closed. Forgetting the one must not forget the other.
fn d6_a_number_that_is_a_strangers_by_now_stays_registered(flavor: Flavor) {
    flavor.build().block_on(async {
        // A number that nobody else in this process gets to.
        static NEXT: AtomicI32 = AtomicI32::new(700);
        let number = NEXT.fetch_add(10, Ordering::Relaxed);
        let placed = |fd: UnixStream| {
            let placed = rustix::io::fcntl_dupfd_cloexec(&fd, number).unwrap();
            rustix::io::ioctl_fionbio(&placed, true).unwrap();
            placed
        };
        let (near, _far) = UnixStream::pair().unwrap();
        let mut fd = register(Losing(Some(placed(near))));
        drop(fd.get_mut().0.take());
        let (near, mut far) = UnixStream::pair().unwrap();
        let other = register(placed(near));
        assert_eq!(other.as_raw_fd(), number);
        drop(fd);
        far.write_all(b"x").unwrap();
        let soon = runtime::time::timeout(std::time::Duration::from_secs(10), other.readable());
        assert!(soon.await.expect("it is not registered any more").is_ok());
    });
}

#[expect(deprecated, reason = "tests contain no unsafe code")]
fn d20_what_is_not_open_is_an_error(flavor: Flavor) {
    /// Has no descriptor, and says so with any of the numbers that are none.
    #[derive(Debug)]
    struct NotOpen(RawFd);
    impl AsRawFd for NotOpen {
        fn as_raw_fd(&self) -> RawFd {
            self.0
        }
    }
    flavor.build().block_on(async {
        for number in [-1, -7, RawFd::MIN, RawFd::MAX, 1_000_000] {
            let bad = |error: io::Error| assert_eq!(error.raw_os_error(), Some(9), "{number}: {error:?}");
            bad(AsyncFd::new(NotOpen(number)).unwrap_err());
            bad(AsyncFd::with_interest(NotOpen(number), Interest::READABLE).unwrap_err());
            let (object, error) = AsyncFd::try_new(NotOpen(number)).unwrap_err().into_parts();
            assert_eq!(object.0, number);
            bad(error);
            let error = AsyncFd::try_with_interest(NotOpen(number), Interest::WRITABLE).unwrap_err();
            bad(error.into());
        }
    });
}

/// Only their types matter: none is polled.
#[test]
fn d6_what_borrows_alone_is_send_for_what_is_not_sync() {
    /// `Send`, and not `Sync`.
    struct Counting(UnixStream, std::cell::Cell<u8>);
    impl AsRawFd for Counting {
        fn as_raw_fd(&self) -> RawFd {
            self.1.set(self.1.get() + 1);
            self.0.as_raw_fd()
        }
    }
    fn is_send<T: Send>(_: T) {}

    #[expect(dead_code, reason = "its body is what is checked")]
    fn check(fd: &mut AsyncFd<Counting>) {
        is_send(fd.readable_mut());
        is_send(fd.writable_mut());
        is_send(fd.ready_mut(Interest::READABLE));
        is_send(fd.async_io_mut(Interest::READABLE, |_| Ok(())));
        is_send(async {
            let mut guard = fd.readable_mut().await?;
            guard.clear_ready();
            fd.async_io_mut(Interest::READABLE, |_| Ok(())).await
        });
    }
}
