//! `Builder`: every option takes effect.

use parking_lot::Mutex;
use runtime::runtime::{Builder, Handle, RngSeed, Runtime, RuntimeFlavor};
use runtime::task;
use runtime_tests::{Event, Flavor, for_each_flavor, wait_until, watchdog};
use std::future::ready;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

fn builds_more_than_one_runtime(flavor: Flavor) {
    let mut builder = flavor.builder();
    let (one, two) = (builder.build().unwrap(), builder.build().unwrap());
    assert_ne!(one.handle().id(), two.handle().id());
    assert_eq!(one.block_on(async { 1 }) + two.block_on(async { 2 }), 3);
}

fn enables_nothing_unless_told_and_still_runs_tasks(flavor: Flavor) {
    let runtime = flavor.builder().build().unwrap();
    let handle = runtime.spawn(async { 4 });
    assert_eq!(runtime.block_on(handle).unwrap(), 4);
    for enabled in [flavor.builder().enable_io().build(), flavor.builder().enable_time().build()] {
        enabled.unwrap().block_on(async { task::yield_now().await });
    }
}

fn threads_of_closures_have_the_given_name(flavor: Flavor) {
    let runtime = flavor.builder().thread_name("carpenter").build().unwrap();
    let name = runtime.block_on(runtime.spawn_blocking(|| std::thread::current().name().map(str::to_owned)));
    let name = name.unwrap().expect("unnamed");
    assert!(name.starts_with("carpenter"), "{name}");
}

fn thread_name_fn_is_asked_for_each_thread(flavor: Flavor) {
    let asked = Arc::new(AtomicUsize::new(0));
    let counts = asked.clone();
    let runtime = flavor
        .builder()
        .thread_name_fn(move || format!("own-{}", counts.fetch_add(1, Ordering::SeqCst)))
        .build()
        .unwrap();
    let name = runtime.block_on(runtime.spawn_blocking(|| std::thread::current().name().map(str::to_owned)));
    assert!(name.unwrap().expect("unnamed").starts_with("own-"));
    assert!(asked.load(Ordering::SeqCst) >= 1);
}

fn every_started_thread_stops_once(flavor: Flavor) {
    let (started, stopped) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (starts, stops) = (started.clone(), stopped.clone());
    let runtime = flavor
        .builder()
        .on_thread_start(move || {
            starts.fetch_add(1, Ordering::SeqCst);
        })
        .on_thread_stop(move || {
            stops.fetch_add(1, Ordering::SeqCst);
        })
        .build()
        .unwrap();
    runtime.block_on(async {
        let closures: Vec<_> = (0..3).map(|_| task::spawn_blocking(|| ())).collect();
        for closure in closures {
            closure.await.unwrap();
        }
        runtime::spawn(async {}).await.unwrap();
    });
    assert!(started.load(Ordering::SeqCst) >= 1);
    drop(runtime);
    wait_until("all threads to stop", || started.load(Ordering::SeqCst) == stopped.load(Ordering::SeqCst));
}

fn on_thread_start_runs_inside_the_runtime_thread(flavor: Flavor) {
    let names = Arc::new(Mutex::new(Vec::new()));
    let seen = names.clone();
    let runtime = flavor
        .builder()
        .thread_name("mason")
        .on_thread_start(move || seen.lock().push(std::thread::current().name().map(str::to_owned)))
        .build()
        .unwrap();
    runtime.block_on(runtime.spawn_blocking(|| ())).unwrap();
    let names = names.lock().clone();
    assert!(!names.is_empty());
    assert!(names.iter().all(|name| name.as_ref().is_some_and(|name| name.starts_with("mason"))), "{names:?}");
}

fn idle_closure_threads_leave_after_keep_alive(flavor: Flavor) {
    let stopped = Arc::new(AtomicUsize::new(0));
    let stops = stopped.clone();
    let runtime = flavor
        .builder()
        .thread_keep_alive(Duration::from_millis(5))
        .on_thread_stop(move || {
            stops.fetch_add(1, Ordering::SeqCst);
        })
        .build()
        .unwrap();
    runtime.block_on(runtime.spawn_blocking(|| ())).unwrap();
    wait_until("the idle thread to leave", || stopped.load(Ordering::SeqCst) >= 1);
    runtime.block_on(runtime.spawn_blocking(|| ())).unwrap();
}

fn stack_size_applies_to_closure_threads(flavor: Flavor) {
    #[inline(never)]
    fn deep(bytes: usize) -> usize {
        let frame = std::hint::black_box([1_u8; 16 * 1024]);
        if bytes <= frame.len() { usize::from(frame[0]) } else { deep(bytes - frame.len()) + usize::from(frame[1]) }
    }
    let runtime = flavor.builder().thread_stack_size(64 << 20).build().unwrap();
    let depth = runtime.block_on(runtime.spawn_blocking(|| deep(8 << 20)));
    assert_eq!(depth.unwrap(), 512);
}

fn intervals_are_taken(flavor: Flavor) {
    for interval in [1, 2, 61, u32::MAX] {
        let runtime = flavor.builder().global_queue_interval(interval).event_interval(interval).build().unwrap();
        let handle = runtime.spawn(async {
            for _ in 0..300 {
                task::yield_now().await;
            }
        });
        runtime.block_on(handle).unwrap();
    }
}

fn park_hooks_run(flavor: Flavor) {
    let (parks, unparks) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (parked, unparked) = (parks.clone(), unparks.clone());
    let runtime = flavor
        .builder()
        .on_thread_park(move || {
            parked.fetch_add(1, Ordering::SeqCst);
        })
        .on_thread_unpark(move || {
            unparked.fetch_add(1, Ordering::SeqCst);
        })
        .build()
        .unwrap();
    // Each round finds the runtime idle, wakes it, and lets it be idle again.
    for round in 1..=3 {
        let event = Event::new();
        let waits = event.clone();
        let handle = runtime.spawn(async move { waits.wait().await });
        let waker = std::thread::spawn({
            let parks = parks.clone();
            move || {
                wait_until("a park", || parks.load(Ordering::SeqCst) >= round);
                event.set();
            }
        });
        runtime.block_on(handle).unwrap();
        waker.join().unwrap();
    }
    wait_until("an unpark", || unparks.load(Ordering::SeqCst) >= 1);
    let (parks, unparks) = (parks.load(Ordering::SeqCst), unparks.load(Ordering::SeqCst));
    assert!(parks >= 1 && unparks >= 1, "{parks} parks, {unparks} unparks");
}

for_each_flavor!(
    builds_more_than_one_runtime,
    enables_nothing_unless_told_and_still_runs_tasks,
    threads_of_closures_have_the_given_name,
    thread_name_fn_is_asked_for_each_thread,
    every_started_thread_stops_once,
    on_thread_start_runs_inside_the_runtime_thread,
    idle_closure_threads_leave_after_keep_alive,
    stack_size_applies_to_closure_threads,
    intervals_are_taken,
    park_hooks_run
);

#[test]
fn worker_threads_sets_how_many_tasks_run_at_once() {
    let _watch = watchdog();
    for workers in [1, 2, 3, 8] {
        let runtime = Builder::new_multi_thread().worker_threads(workers).build().unwrap();
        assert_eq!(runtime.metrics().num_workers(), workers);
        let meet = Arc::new(std::sync::Barrier::new(workers));
        let handles: Vec<_> = (0..workers)
            .map(|_| {
                let meet = meet.clone();
                runtime.spawn(async move { meet.wait().is_leader() })
            })
            .collect();
        runtime.block_on(async {
            for handle in handles {
                handle.await.unwrap();
            }
        });
    }
}

#[test]
fn workers_have_the_given_name() {
    let _watch = watchdog();
    let runtime = Builder::new_multi_thread().worker_threads(1).thread_name("weaver").build().unwrap();
    let (name, done) = (Arc::new(Mutex::new(None)), Event::new());
    let (slot, ends) = (name.clone(), done.clone());
    // Nobody is inside block_on, so that only the worker can run it.
    drop(runtime.spawn(async move {
        *slot.lock() = std::thread::current().name().map(str::to_owned);
        ends.set();
    }));
    done.wait_blocking();
    let name = name.lock().take().expect("unnamed");
    assert!(name.starts_with("weaver"), "{name}");
}

#[test]
fn current_thread_runs_tasks_on_the_thread_inside_block_on() {
    let _watch = watchdog();
    let runtime = Builder::new_current_thread().build().unwrap();
    let here = std::thread::current().id();
    let there = runtime.block_on(async { runtime::spawn(async { std::thread::current().id() }).await.unwrap() });
    assert_eq!(here, there);
}

#[test]
fn defaults() {
    let _watch = watchdog();
    let runtime = Runtime::new().unwrap();
    assert_eq!(runtime.handle().runtime_flavor(), RuntimeFlavor::MultiThread);
    assert!(runtime.metrics().num_workers() >= 1);
    let _inside = runtime.enter();
    assert_eq!(Handle::current().runtime_flavor(), RuntimeFlavor::MultiThread);
}

#[test]
fn debug_is_not_empty() {
    let _watch = watchdog();
    assert!(format!("{:?}", Builder::new_multi_thread()).contains("Builder"));
    assert!(format!("{:?}", Builder::new_current_thread()).contains("Builder"));
}

#[test]
fn max_blocking_threads_limits_and_queues() {
    let _watch = watchdog();
    let runtime = Builder::new_current_thread().max_blocking_threads(2).build().unwrap();
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let closures: Vec<_> = (0..50)
        .map(|_| {
            let (now, most) = (now.clone(), most.clone());
            runtime.spawn_blocking(move || {
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                std::thread::yield_now();
                now.fetch_sub(1, Ordering::SeqCst);
            })
        })
        .collect();
    runtime.block_on(async {
        for closure in closures {
            closure.await.unwrap();
        }
    });
    let most = most.load(Ordering::SeqCst);
    assert!((1..=2).contains(&most), "{most} at once");
}

/// beyond tokio: it adds them up and overflows.
#[test]
#[cfg_attr(feature = "oracle", ignore = "beyond tokio")]
fn any_number_of_threads_may_be_asked_for() {
    let _watch = watchdog();
    let runtime = Builder::new_multi_thread().worker_threads(2).max_blocking_threads(usize::MAX).build().unwrap();
    assert_eq!(runtime.block_on(runtime.spawn_blocking(|| 1)).unwrap(), 1);
    let runtime = Builder::new_multi_thread().worker_threads(usize::MAX).build().unwrap();
    assert_eq!(runtime.metrics().num_workers(), 16_384);
    assert_eq!(runtime.block_on(runtime.spawn(async { 2 })).unwrap(), 2);
}

/// beyond tokio: its thread overflows the stack.
#[test]
#[cfg_attr(feature = "oracle", ignore = "beyond tokio")]
fn a_stack_is_never_too_small_for_the_runtime_itself() {
    let _watch = watchdog();
    for flavor in [Flavor::MultiThread(2), Flavor::CurrentThread] {
        let runtime = flavor.builder().thread_stack_size(0).build().unwrap();
        assert_eq!(runtime.block_on(runtime.spawn_blocking(|| 1)).unwrap(), 1);
        let tasks: Vec<_> = (0..100).map(|n| runtime.spawn(async move { n })).collect();
        let sum = runtime.block_on(async {
            let mut sum = 0;
            for task in tasks {
                sum += task.await.unwrap();
            }
            sum
        });
        assert_eq!(sum, 4950);
    }
}

#[test]
fn a_runtime_may_have_a_name() {
    let _watch = watchdog();
    let runtime = Builder::new_current_thread().name("ledger").build().unwrap();
    assert_eq!(runtime.handle().name(), Some("ledger"));
    assert_eq!(Builder::new_current_thread().build().unwrap().handle().name(), None);
}

/// The start of each `select!` among four ready branches.
fn choices(seed: &[u8]) -> Vec<u32> {
    let runtime = Builder::new_current_thread().rng_seed(RngSeed::from_bytes(seed)).build().unwrap();
    runtime.block_on(async {
        let mut choices = Vec::new();
        for _ in 0..64 {
            choices.push(runtime::select! {
                () = ready(()) => 0,
                () = ready(()) => 1,
                () = ready(()) => 2,
                () = ready(()) => 3,
            });
        }
        choices
    })
}

#[test]
fn a_seed_makes_the_same_choices_again() {
    assert_eq!(choices(b"one"), choices(b"one"));
    assert_ne!(choices(b"one"), choices(b"two"));
}
