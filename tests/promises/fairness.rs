//! P3: a task that is ready runs before long, in time: whatever the polls of others take, and on every flavor.
//!
//! Bounds are for a loaded test machine, and the best of three tries counts. What they really are, the benchmarks
//! measure (`busy-*`).

use runtime::net::UdpSocket;
use runtime::task::{self, coop};
use runtime_tests::{Event, Flavor, Place, World, for_each_place, watchdog_secs};
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

/// How long a poll of a busy task takes.
const POLL: Duration = Duration::from_millis(2);

/// Busy tasks: more than workers.
const TASKS: u32 = 3;

/// A turn of all of them, and some for the machine. By count it would be 61 polls, or 31 where others spawn: 122 ms and 62.
const SOON: Duration = Duration::from_millis(30);

type Busy = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

fn compute() {
    let begun = Instant::now();
    while begun.elapsed() < POLL {
        std::hint::spin_loop();
    }
}

/// Tasks that compute and yield.
fn yields(stop: Arc<AtomicBool>) -> Busy {
    Box::pin(async move {
        while !stop.load(Ordering::SeqCst) {
            compute();
            task::yield_now().await;
        }
    })
}

/// Tasks that compute and wake themselves: to the scheduler they are ready, like any other.
fn is_always_ready(stop: Arc<AtomicBool>) -> Busy {
    Box::pin(poll_fn(move |cx| {
        compute();
        cx.waker().wake_by_ref();
        if stop.load(Ordering::SeqCst) { Poll::Ready(()) } else { Poll::Pending }
    }))
}

/// Runs `late`, which measures how late something is, ten times beside busy tasks; the median of the best of three worlds
/// must be soon. The world has been idle before, so nothing has been measured of it.
fn assert_soon<F>(place: Place, what: &str, busy: fn(Arc<AtomicBool>) -> Busy, late: impl Fn() -> F)
where
    F: Future<Output = Duration> + Send + 'static,
{
    assert_soon_in(|| place.build(), what, busy, late);
}

fn assert_soon_in<F>(build: impl Fn() -> World, what: &str, busy: fn(Arc<AtomicBool>) -> Busy, late: impl Fn() -> F)
where
    F: Future<Output = Duration> + Send + 'static,
{
    let mut took = Vec::new();
    while took.last().is_none_or(|last| *last >= SOON) {
        assert!(took.len() < 3, "{what} took {took:?} beside tasks that compute for {POLL:?}");
        took.push(median_beside(&build(), busy, &late));
    }
}

fn median_beside<F>(world: &World, busy: fn(Arc<AtomicBool>) -> Busy, late: &impl Fn() -> F) -> Duration
where
    F: Future<Output = Duration> + Send + 'static,
{
    let stop = Arc::new(AtomicBool::new(false));
    let tasks: Vec<_> = (0..TASKS).map(|_| world.spawn(busy(stop.clone()))).collect();
    let late = [(); 10].map(|()| late());
    let times = world.block_on(world.spawn(async {
        let mut times = Vec::new();
        for late in late {
            times.push(late.await);
        }
        times
    }));
    stop.store(true, Ordering::SeqCst);
    let mut times = times.unwrap();
    world.block_on(async {
        for task in tasks {
            task.await.unwrap();
        }
    });
    times.sort();
    times[times.len() / 2]
}

/// From the end of a sleep of 3 ms to the poll.
async fn timer() -> Duration {
    let due = Instant::now() + Duration::from_millis(3);
    runtime::time::sleep_until(due.into()).await;
    due.elapsed()
}

/// From a datagram to the poll of who receives it.
async fn socket() -> Duration {
    let receiver = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = receiver.local_addr().unwrap();
    let sender = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(3));
        let sent = Instant::now();
        std::net::UdpSocket::bind("127.0.0.1:0").unwrap().send_to(&[7; 8], address).unwrap();
        sent
    });
    receiver.recv(&mut [0; 8]).await.unwrap();
    let received = Instant::now();
    received.saturating_duration_since(sender.join().unwrap())
}

/// From a wake by another thread to the poll.
async fn wake() -> Duration {
    let event = Event::new();
    let sets = event.clone();
    let waker = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(3));
        let woken = Instant::now();
        sets.set();
        woken
    });
    event.wait().await;
    let ran = Instant::now();
    ran.saturating_duration_since(waker.join().unwrap())
}

fn a_timer_beside_tasks_that_yield(place: Place) {
    assert_soon(place, "a timer", yields, timer);
}

fn a_socket_beside_tasks_that_yield(place: Place) {
    assert_soon(place, "a socket", yields, socket);
}

fn a_wake_beside_tasks_that_yield(place: Place) {
    assert_soon(place, "a wake", yields, wake);
}

fn a_timer_beside_tasks_that_are_always_ready(place: Place) {
    assert_soon(place, "a timer", is_always_ready, timer);
}

fn a_socket_beside_tasks_that_are_always_ready(place: Place) {
    assert_soon(place, "a socket", is_always_ready, socket);
}

fn a_wake_beside_tasks_that_are_always_ready(place: Place) {
    assert_soon(place, "a wake", is_always_ready, wake);
}

/// Workers look by themselves, and share what waits: no rescue has a part in it. With one worker, too, where nobody steals.
///
/// Fault: looks by count only.
#[test]
#[cfg(not(feature = "oracle"))]
fn without_rescue() {
    let _watch = watchdog_secs(120);
    for workers in [1, 2] {
        let build = || World::Runtime(Flavor::MultiThread(workers).build_without_rescue());
        for busy in [yields, is_always_ready] {
            assert_soon_in(build, "a timer", busy, timer);
            assert_soon_in(build, "a socket", busy, socket);
            assert_soon_in(build, "a wake", busy, wake);
        }
    }
}

/// What is never pending is made to yield.
fn beside_tasks_with_a_budget(place: Place) {
    let (world, stop, steps) = (place.build(), Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let tasks: Vec<_> = (0..3)
        .map(|_| {
            let (steps, stop) = (steps.clone(), stop.clone());
            world.spawn(async move {
                while !stop.load(Ordering::SeqCst) {
                    steps.fetch_add(1, Ordering::SeqCst);
                    coop::consume_budget().await;
                }
            })
        })
        .collect();
    world.run_until("the busy tasks to be busy", || steps.load(Ordering::SeqCst) > 1_000);
    let before = steps.load(Ordering::SeqCst);
    let seen = steps.clone();
    let waited = world.block_on(world.spawn(async move { seen.load(Ordering::SeqCst) - before })).unwrap();
    stop.store(true, Ordering::SeqCst);
    world.block_on(async {
        for task in tasks {
            task.await.unwrap();
        }
    });
    // With threads of its own the runtime runs on while this one is not even scheduled: there it must only end.
    if place.is_single_threaded() {
        assert!(waited < 200 * 128, "{waited} steps of busy tasks before another task ran");
    }
}

for_each_place!(
    a_timer_beside_tasks_that_yield,
    a_socket_beside_tasks_that_yield,
    a_wake_beside_tasks_that_yield,
    a_timer_beside_tasks_that_are_always_ready,
    a_socket_beside_tasks_that_are_always_ready,
    a_wake_beside_tasks_that_are_always_ready,
    beside_tasks_with_a_budget,
);
