//! D3, D28: wakers that others wrote, over everything that waits.

mod leaves;

use runtime::net::TcpListener;
use runtime::time::{Duration, sleep, timeout};
use runtime_tests::hostile::{Script, Wakes, hostile, moving, poll_with};
use runtime_tests::{Flavor, catch, watchdog};
use std::future::Future;
use std::panic::panic_any;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Waker};
use std::time::Instant;

const FLAVORS: [Flavor; 2] = [Flavor::CurrentThread, Flavor::MultiThread(2)];
const MILLI: Duration = Duration::from_millis(1);

/// Something that waits, and has not come to its end yet.
type Leaf = Pin<Box<dyn Future<Output = ()>>>;

/// Polls `leaf` with one waker and then with another one in the place of the first; then lets `happen` what it waits for.
async fn the_last_to_poll_is_woken(name: &str, mut leaf: Leaf, happen: impl FnOnce()) {
    let (first, last) = (Wakes::new(), Wakes::new());
    let waker = moving(&first);
    let address = waker.data();
    assert!(poll_with(leaf.as_mut(), &waker).is_pending(), "{name}: it does not wait");
    drop(waker);
    let waker = moving(&last);
    assert_eq!(waker.data(), address);
    assert!(poll_with(leaf.as_mut(), &waker).is_pending(), "{name}: it does not wait for long");
    happen();
    let limit = Instant::now() + Duration::from_secs(5);
    while last.count() == 0 {
        assert!(
            Instant::now() < limit,
            "{name}: who polled first is woken {} times, who polled last never",
            first.count()
        );
        sleep(MILLI).await;
    }
    while poll_with(leaf.as_mut(), &waker).is_pending() {
        assert!(Instant::now() < limit, "{name}: it was woken and does not end");
        sleep(MILLI).await;
    }
}

/// A timer compared the address of a waker that it did not have: one whose clone has another address was never woken.
#[test]
fn d3_a_waker_whose_clone_has_another_address_is_woken() {
    let _watch = watchdog();
    for flavor in FLAVORS {
        flavor.build().block_on(leaves::each());
    }
}

/// A runtime after something has happened to it: its tasks run, their timers fire.
fn is_well(runtime: &runtime::runtime::Runtime) {
    runtime.block_on(async {
        for _ in 0..20 {
            let task = runtime::spawn(sleep(MILLI));
            timeout(Duration::from_secs(5), task).await.expect("a task is stuck").unwrap();
        }
    });
}

/// The driver cloned the waker of whoever waits for a socket, with its lock held and nobody to catch a panic: it cost a worker, or
/// came out of `block_on`.
#[test]
#[cfg_attr(feature = "oracle", ignore = "how often tokio clones is its own affair")]
fn d28_a_sockets_waker_is_cloned_by_who_waits() {
    let _watch = watchdog();
    for flavor in FLAVORS {
        let runtime = flavor.build();
        let clones = Arc::new(AtomicUsize::new(0));
        for _ in 0..6 {
            let (clones, woken) = (clones.clone(), Wakes::new());
            let (counted, wakes) = (clones.clone(), woken.waker());
            let waker = hostile(Script {
                on_clone: Some(Box::new(move || {
                    let before = counted.fetch_add(1, Ordering::SeqCst);
                    assert_eq!(before, 0, "a second clone");
                })),
                on_wake: Some(Box::new(move || wakes.wake_by_ref())),
                on_drop: None,
            });
            runtime.block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                assert!(listener.poll_accept(&mut Context::from_waker(&waker)).is_pending());
                let _client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
                let limit = Instant::now() + Duration::from_secs(5);
                while woken.count() == 0 {
                    assert!(Instant::now() < limit, "the connection wakes nobody");
                    sleep(MILLI).await;
                }
            });
            assert_eq!(clones.swap(0, Ordering::SeqCst), 1);
        }
        is_well(&runtime);
    }
}

/// Wakers of timers that were given up on another thread were dropped by the worker, some time later, with nobody to catch a
/// panic: it came out of a stranger's `block_on`.
#[test]
fn d28_a_timers_waker_is_dropped_by_who_drops_the_timer() {
    let _watch = watchdog();
    for flavor in FLAVORS {
        let runtime = flavor.build();
        let dropped = Arc::new(AtomicUsize::new(0));
        let counted = dropped.clone();
        let waker = hostile(Script {
            // The first is the one in the wheel.
            on_drop: Some(Box::new(move || {
                assert!(counted.fetch_add(1, Ordering::SeqCst) > 0, "a waker's drop");
            })),
            ..Script::default()
        });
        runtime.block_on(async {
            let mut nap = Box::pin(sleep(Duration::from_secs(60)));
            assert!(poll_with(nap.as_mut(), &waker).is_pending());
            let dropper = std::thread::spawn(move || catch(|| drop(nap)));
            let caught = dropper.join().unwrap().expect_err("it is dropped here");
            assert_eq!(caught.message, "a waker's drop");
            assert_eq!(dropped.load(Ordering::SeqCst), 1);
            sleep(5 * MILLI).await;
        });
        is_well(&runtime);
    }
}

/// A panic's payload whose drop panics.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("a payload's drop");
    }
}

/// A timer's waker panics, and so does what it threw when that is dropped. The worker died of it.
#[test]
#[cfg_attr(feature = "oracle", ignore = "tokio lets a waker's panic out")]
fn d28_a_waker_that_throws_a_bomb_costs_nothing() {
    let _watch = watchdog();
    for flavor in FLAVORS {
        let runtime = flavor.build();
        for _ in 0..4 {
            let waker: Waker = hostile(Script { on_wake: Some(Box::new(|| panic_any(Bomb))), ..Script::default() });
            runtime.block_on(async {
                let mut nap = Box::pin(sleep(MILLI));
                assert!(poll_with(nap.as_mut(), &waker).is_pending());
                sleep(10 * MILLI).await;
            });
        }
        is_well(&runtime);
    }
}
