//! The end of a runtime, seen by tasks that use sockets: they are dropped, and told nothing.

use runtime::net::{TcpListener, UdpSocket};
use runtime::runtime::is_rt_shutdown_err;
use runtime_tests::{Drops, Event, Flavor, WakeCount, wait_until, watchdog, watchdog_secs};
use std::future::poll_fn;
use std::io::ErrorKind;
use std::net::TcpStream;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

/// Blocks this thread, which is none of its runtime's, until the socket's runtime has ended.
fn wait_for_the_end(socket: &UdpSocket) {
    let count = WakeCount::new();
    let mut buf = [0; 1];
    loop {
        let mut buf = runtime::io::ReadBuf::new(&mut buf);
        match socket.poll_recv(&mut Context::from_waker(&count.waker()), &mut buf) {
            Poll::Ready(Err(error)) if is_rt_shutdown_err(&error) => return,
            other => assert!(other.is_pending(), "{other:?}"),
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Runs `poll` in a task's poll that began before the end of its runtime, and after it. The task must be pending then.
fn in_a_poll_that_sees_the_end(poll: impl Fn(&TcpListener, &mut Context<'_>) -> Poll<()> + Send + 'static) {
    let runtime = Flavor::MultiThread(2).build();
    let (listener, witness) = runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        (listener, UdpSocket::bind("127.0.0.1:0").await.unwrap())
    });
    // Somebody waits in the queue: `accept` has something to give, which cannot be registered any more.
    let _client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (started, ended, drops, answered) =
        (Event::new(), Event::new(), Drops::new(), Arc::new(AtomicBool::new(false)));
    let (starts, ends, held, answers) = (started.clone(), ended.clone(), drops.probe(), answered.clone());
    drop(runtime.spawn(async move {
        let _held = held;
        poll_fn(move |cx| {
            starts.set();
            ends.wait_blocking();
            let polled = poll(&listener, cx);
            answers.store(polled.is_ready(), Ordering::SeqCst);
            polled
        })
        .await;
    }));
    started.wait_blocking();
    let opener = std::thread::spawn(move || {
        wait_for_the_end(&witness);
        ended.set();
    });
    drop(runtime);
    opener.join().unwrap();
    assert_eq!(drops.count(), 1);
    assert!(!answered.load(Ordering::SeqCst), "the task was told of the end");
}

#[test]
fn d16_a_poll_that_sees_the_end_is_told_nothing() {
    let _watch = watchdog();
    in_a_poll_that_sees_the_end(|listener, cx| listener.poll_accept(cx).map(drop));
    in_a_poll_that_sees_the_end(|listener, cx| {
        let mut accept = std::pin::pin!(listener.accept());
        accept.as_mut().poll(cx).map(drop)
    });
}

/// A destructor has nobody who would drop it before it is done: one that waits for its socket would wait for ever.
#[test]
fn d16_a_task_that_is_being_dropped_is_told() {
    struct Flushes {
        socket: UdpSocket,
        told: Arc<AtomicBool>,
    }
    impl Drop for Flushes {
        fn drop(&mut self) {
            let mut buf = [0; 1];
            let mut recv = std::pin::pin!(self.socket.recv(&mut buf));
            // The end may have come to this task before it has come to the sockets.
            wait_until("the end of the socket", || match runtime_tests::poll_once(&mut recv) {
                Poll::Pending => false,
                Poll::Ready(given) => {
                    let error = given.expect_err("nobody sends");
                    self.told.store(is_rt_shutdown_err(&error), Ordering::SeqCst);
                    true
                }
            });
        }
    }
    let _watch = watchdog();
    for flavor in [Flavor::MultiThread(1), Flavor::CurrentThread] {
        let runtime = flavor.build();
        let told = Arc::new(AtomicBool::new(false));
        let socket = runtime.block_on(UdpSocket::bind("127.0.0.1:0")).unwrap();
        let (flushes, started) = (Flushes { socket, told: told.clone() }, Event::new());
        let starts = started.clone();
        drop(runtime.spawn(async move {
            let _flushes = flushes;
            starts.set();
            std::future::pending::<()>().await;
        }));
        if flavor == Flavor::CurrentThread {
            runtime.block_on(started.wait());
        }
        started.wait_blocking();
        drop(runtime);
        assert!(told.load(Ordering::SeqCst), "{flavor:?}: the destructor would wait for ever");
    }
}

#[test]
fn d16_a_poll_that_sees_the_end_and_makes_a_socket_is_told_nothing() {
    let _watch = watchdog();
    in_a_poll_that_sees_the_end(|listener, cx| {
        let address = listener.local_addr().unwrap();
        std::pin::pin!(runtime::net::TcpStream::connect(address)).poll(cx).map(drop)
    });
    in_a_poll_that_sees_the_end(|_, cx| std::pin::pin!(TcpListener::bind("127.0.0.1:0")).poll(cx).map(drop));
    in_a_poll_that_sees_the_end(|_, cx| std::pin::pin!(UdpSocket::bind("127.0.0.1:0")).poll(cx).map(drop));
}

/// The task of another executor: its waker owns it, and it owns the listener that it waits for.
struct Elsewhere(parking_lot::Mutex<Option<TcpListener>>);

impl Wake for Elsewhere {
    fn wake(self: Arc<Self>) {}
}

#[test]
fn d27_a_waker_that_owns_its_listener_goes_with_the_runtime() {
    let _watch = watchdog();
    for flavor in [Flavor::MultiThread(2), Flavor::CurrentThread] {
        let runtime = flavor.build();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let task = Arc::new(Elsewhere(None.into()));
        let waker = Waker::from(task.clone());
        assert!(listener.poll_accept(&mut Context::from_waker(&waker)).is_pending());
        *task.0.lock() = Some(listener);
        let weak = Arc::downgrade(&task);
        drop((waker, task));
        drop(runtime);
        assert_eq!(weak.strong_count(), 0, "the waker and the listener keep each other alive");
    }
}

/// Who does not wait finds nothing ready.
#[test]
fn d16_try_operations_would_block() {
    let _watch = watchdog();
    let runtime = Flavor::MultiThread(2).build();
    let (socket, witness) = runtime.block_on(async {
        let bind = || UdpSocket::bind("127.0.0.1:0");
        (bind().await.unwrap(), bind().await.unwrap())
    });
    let (started, ended, kinds) = (Event::new(), Event::new(), Arc::new(parking_lot::Mutex::new(Vec::new())));
    let (starts, ends, seen) = (started.clone(), ended.clone(), kinds.clone());
    drop(runtime.spawn(async move {
        starts.set();
        ends.wait_blocking();
        seen.lock().push(socket.try_recv(&mut [0; 1]).unwrap_err().kind());
        seen.lock().push(socket.try_io(runtime::io::Interest::READABLE, || Ok(())).unwrap_err().kind());
    }));
    started.wait_blocking();
    let opener = std::thread::spawn(move || {
        wait_for_the_end(&witness);
        ended.set();
        // Outside of the runtime's tasks it is an error.
        assert!(is_rt_shutdown_err(&witness.try_recv(&mut [0; 1]).unwrap_err()));
    });
    drop(runtime);
    opener.join().unwrap();
    assert_eq!(*kinds.lock(), [ErrorKind::WouldBlock; 2]);
}

/// Who blocks in place for a socket would keep the runtime from ending: he is told.
#[test]
fn d16_who_blocks_in_place_is_told() {
    let _watch = watchdog();
    let runtime = Flavor::MultiThread(2).build();
    let socket = runtime.block_on(UdpSocket::bind("127.0.0.1:0")).unwrap();
    let started = Event::new();
    let starts = started.clone();
    let task = runtime.spawn(async move {
        runtime::task::block_in_place(|| {
            let woken = Event::new();
            let waker = Waker::from(Arc::new(Unblocks(woken.clone())));
            let mut recv = std::pin::pin!(socket.readable());
            assert!(recv.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
            starts.set();
            woken.wait_blocking();
            recv.as_mut().poll(&mut Context::from_waker(&waker)).is_ready()
        })
    });
    started.wait_blocking();
    drop(runtime);
    let mut task = task;
    let told = runtime_tests::poll_once(&mut task);
    assert!(matches!(told, Poll::Ready(Ok(true))), "{told:?}");
}

struct Unblocks(Event);

impl Wake for Unblocks {
    fn wake(self: Arc<Self>) {
        self.0.set();
    }
}

/// The waker of a task, and whether it was called.
struct Noticed {
    task: Waker,
    called: Arc<AtomicBool>,
}

impl Wake for Noticed {
    fn wake(self: Arc<Self>) {
        self.called.store(true, Ordering::SeqCst);
        self.task.wake_by_ref();
    }
}

/// Accepts, where nobody connects: whatever wakes it is the end. Counts the polls that follow.
struct Accepts {
    listener: TcpListener,
    waker: Option<Waker>,
    called: Arc<AtomicBool>,
    polled_after: Arc<AtomicUsize>,
}

impl Future for Accepts {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.called.load(Ordering::SeqCst) {
            self.polled_after.fetch_add(1, Ordering::SeqCst);
            return Poll::Pending;
        }
        let noticed = Noticed { task: cx.waker().clone(), called: self.called.clone() };
        let waker = Waker::from(Arc::new(noticed));
        assert!(self.listener.poll_accept(&mut Context::from_waker(&waker)).is_pending());
        self.waker = Some(waker);
        Poll::Pending
    }
}

/// Many exits: the workers are on their way to sleep, or back from it, when the end wakes the tasks.
#[test]
fn d16_tasks_that_the_end_wakes_are_not_polled() {
    let _watch = watchdog_secs(60);
    let polled_after = Arc::new(AtomicUsize::new(0));
    for round in 0..400_u64 {
        let runtime = Flavor::MultiThread(2).build();
        for _ in 0..8 {
            let polled_after = polled_after.clone();
            drop(runtime.spawn(async move {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                Accepts { listener, waker: None, called: Arc::default(), polled_after }.await;
            }));
        }
        let _ = runtime.block_on(runtime.spawn(async {}));
        std::thread::sleep(Duration::from_micros(round % 20 * 10));
        drop(runtime);
    }
    assert_eq!(polled_after.load(Ordering::SeqCst), 0);
}
