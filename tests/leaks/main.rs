//! Nothing is left behind: memory, threads, descriptors.
//!
//! Each test repeats its scenario, lets caches and lazily freed garbage settle in a warm-up, and then asks that a
//! hundred more rounds add less than half a block each: a leak of one block per round cannot hide in that.

mod channels;
mod net;
mod stores;
// beyond tokio.
#[cfg(not(feature = "oracle"))]
mod scope;

use parking_lot::Mutex;
use runtime::task::{self, JoinSet, LocalSet};
use runtime::time::{interval, sleep, timeout};
use runtime_tests::counting_alloc::{CountingAlloc, Live, live};
use runtime_tests::{Drops, Event, Flavor, Place, Rng, planned_panic, process, wait_until, watchdog_secs};
use std::future::{pending, poll_fn};
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::Duration;

#[global_allocator]
static COUNTING: CountingAlloc = CountingAlloc;

const ROUNDS: isize = 100;

/// Runs the scenario until the allocator's counts stop growing with it; panics if they never do.
#[track_caller]
fn assert_flat(name: &str, scenario: impl FnMut()) {
    assert_flat_within(name, 5, scenario);
}

/// The same with so many times [`ROUNDS`]: for what may fill a bounded store first.
#[track_caller]
fn assert_flat_within(name: &str, times: usize, mut scenario: impl FnMut()) {
    let mut grown = Vec::new();
    for _ in 0..times {
        let before = live();
        (0..ROUNDS).for_each(|_| scenario());
        let after = live();
        let growth = Live { blocks: after.blocks - before.blocks, bytes: after.bytes - before.bytes };
        if growth.blocks < ROUNDS / 2 && growth.bytes < ROUNDS * 64 {
            return;
        }
        grown.push(growth);
    }
    panic!("{name}: every {ROUNDS} rounds leave more behind, in the end {:?}", grown.last());
}

/// Threads of runtimes, by name: the harness starts and ends threads of its own meanwhile.
fn threads() -> usize {
    process::thread_names().iter().filter(|name| name.starts_with("runtime-")).count()
}

const PLACES: [Place; 4] = [Place::MultiThread, Place::CurrentThread, Place::LocalSet, Place::LocalRuntime];

/// Runs a scenario with a fresh world each round, in all places.
fn in_every_place(scenario: impl Fn(Place)) {
    let _alone = process::alone();
    for place in PLACES {
        assert_flat(&format!("{place:?}"), || scenario(place));
    }
}

#[test]
fn tasks_that_complete() {
    let _watch = watchdog_secs(60);
    in_every_place(|place| {
        let world = place.build();
        for _ in 0..8 {
            let handle = world.spawn(async { vec![1; 100] });
            assert_eq!(world.block_on(handle).unwrap().len(), 100);
        }
        drop(world.spawn(async { vec![1; 100] }));
    });
}

#[test]
fn tasks_that_panic() {
    let _watch = watchdog_secs(60);
    in_every_place(|place| {
        let world = place.build();
        let handle = world.spawn(async { planned_panic() });
        let handle: task::JoinHandle<()> = handle;
        assert!(world.block_on(handle).unwrap_err().is_panic());
        let detached: task::JoinHandle<()> = world.spawn(async { planned_panic() });
        drop(detached);
        world.block_on(task::yield_now());
    });
}

#[test]
fn tasks_that_are_aborted() {
    let _watch = watchdog_secs(60);
    in_every_place(|place| {
        let world = place.build();
        let unpolled = world.spawn(pending::<()>());
        unpolled.abort();
        assert!(world.block_on(unpolled).is_err());
        let bytes = vec![1_u8; 100];
        let idle = world.spawn(async move {
            pending::<()>().await;
            drop(bytes);
        });
        world.block_on(task::yield_now());
        let abort = idle.abort_handle();
        drop(idle);
        abort.abort();
        world.block_on(task::yield_now());
    });
}

#[test]
fn tasks_that_the_end_finds_in_every_state() {
    let _watch = watchdog_secs(60);
    in_every_place(|place| {
        let world = place.build();
        let slot = Arc::new(Mutex::new(None::<Waker>));
        let own = slot.clone();
        let bytes = vec![1_u8; 100];
        drop(world.spawn(async move {
            poll_fn(|cx| {
                *own.lock() = Some(cx.waker().clone());
                Poll::<()>::Pending
            })
            .await;
            drop(bytes);
        }));
        let kept = world.spawn(async { vec![1; 100] });
        world.run_until("the sleeper", || slot.lock().is_some());
        drop(world.spawn(pending::<()>()));
        let waker = slot.lock().take();
        drop(world);
        waker.expect("a waker").wake();
        drop(kept);
    });
}

#[test]
fn joiners_wakers() {
    let _watch = watchdog_secs(60);
    in_every_place(|place| {
        let world = place.build();
        let mut handle = world.spawn(pending::<()>());
        for _ in 0..3 {
            let count = runtime_tests::WakeCount::new();
            assert!(count.poll(&mut handle).is_pending());
        }
        world.block_on(task::yield_now());
        drop(world);
        drop(handle);
    });
}

#[test]
fn a_long_lived_runtime() {
    let _watch = watchdog_secs(60);
    let _alone = process::alone();
    for place in PLACES {
        let world = place.build();
        // Workers keep the memory of finished tasks for new ones, up to a megabyte or so.
        assert_flat_within(&format!("{place:?}"), 400, || {
            let one = world.spawn(async { vec![1; 100] });
            let two = world.spawn(pending::<()>());
            two.abort();
            world.block_on(async {
                assert_eq!(one.await.unwrap().len(), 100);
                assert!(two.await.is_err());
                task::spawn_blocking(|| vec![1; 100]).await.unwrap();
            });
            drop(world.spawn(async { task::yield_now().await }));
        });
    }
}

#[test]
fn join_sets_and_local_sets() {
    let _watch = watchdog_secs(60);
    let _alone = process::alone();
    let runtime = Flavor::CurrentThread.build();
    assert_flat("join set", || {
        runtime.block_on(async {
            let mut set = JoinSet::new();
            for _ in 0..5 {
                set.spawn(async { vec![1; 10] });
            }
            set.spawn(pending());
            set.join_next().await.unwrap().unwrap();
            drop(set);
            // What was aborted is dropped by the runtime, when its turn comes.
            while runtime.metrics().num_alive_tasks() > 0 {
                task::yield_now().await;
            }
        });
    });
    assert_flat("local set", || {
        let set = LocalSet::new();
        set.spawn_local(pending::<()>());
        let handle = set.spawn_local(async { vec![1; 10] });
        set.block_on(&runtime, handle).unwrap();
    });
}

#[test]
fn closures() {
    let _watch = watchdog_secs(60);
    let _alone = process::alone();
    for flavor in [Flavor::MultiThread(2), Flavor::CurrentThread] {
        assert_flat(&format!("{flavor:?}"), || {
            let runtime = flavor.builder().max_blocking_threads(1).build().unwrap();
            runtime.block_on(runtime.spawn_blocking(|| vec![1; 100])).unwrap();
            let (started, gate) = (Event::new(), Event::new());
            let (starts, waits) = (started.clone(), gate.clone());
            let running = runtime.spawn_blocking(move || {
                starts.set();
                waits.wait_blocking();
            });
            started.wait_blocking();
            let bytes = vec![1_u8; 100];
            let queued = runtime.spawn_blocking(move || drop(bytes));
            queued.abort();
            gate.set();
            runtime.block_on(running).unwrap();
        });
    }
}

#[test]
fn museum_f5_memory_after_a_peak_comes_back() {
    let _watch = watchdog_secs(60);
    let _alone = process::alone();
    let runtime = Flavor::MultiThread(2).build();
    runtime.block_on(runtime.spawn(async {})).unwrap();
    let before = live().bytes;
    let gate = Event::new();
    let handles: Vec<_> = (0..50_000)
        .map(|_| {
            let gate = gate.clone();
            runtime.spawn(async move {
                while !gate.is_set() {
                    task::yield_now().await;
                }
                pending::<()>().await;
            })
        })
        .collect();
    handles.iter().for_each(task::JoinHandle::abort);
    gate.set();
    runtime.block_on(async {
        for handle in handles {
            assert!(handle.await.is_err());
        }
    });
    // Each of two workers may keep its cache of task memory, a queue of the peak's length and what waits to be freed.
    let kept = || live().bytes - before;
    wait_until("the memory of the peak to come back", || {
        // Freed lazily: a little work gives the runtime the occasion.
        runtime.block_on(runtime.spawn(async {})).unwrap();
        kept() < 4 << 20
    });
}

#[test]
fn museum_s9_two_thousand_runtimes_leave_nothing() {
    let _watch = watchdog_secs(120);
    let _alone = process::alone();
    let cycle = |number: usize| {
        let flavor = if number.is_multiple_of(2) { Flavor::MultiThread(1 + number % 3) } else { Flavor::CurrentThread };
        let runtime = flavor.build();
        runtime.block_on(async {
            runtime::spawn(async { task::yield_now().await }).await.unwrap();
            drop(runtime::spawn(pending::<()>()));
            if number.is_multiple_of(5) {
                task::spawn_blocking(|| ()).await.unwrap();
            }
        });
    };
    (0..100).for_each(cycle);
    let (ours, fds, before) = (threads(), process::fds(), live());
    (0..2_000).for_each(cycle);
    wait_until("all threads to end", || threads() <= ours);
    assert!(process::fds() <= fds, "{fds} descriptors became {}", process::fds());
    let after = live();
    let (blocks, bytes) = (after.blocks - before.blocks, after.bytes - before.bytes);
    assert!(blocks < 500 && bytes < 128 << 10, "2,000 runtimes left {blocks} blocks, {bytes} bytes");
}

#[test]
fn two_thousand_random_shutdowns() {
    let _watch = watchdog_secs(120);
    let _alone = process::alone();
    let mut rng = Rng::from_env("two_thousand_random_shutdowns");
    let (ours, fds) = (threads(), process::fds());
    let drops = Drops::new();
    for _ in 0..2_000 {
        random_shutdown(&mut rng, &drops);
    }
    wait_until("every probe's drop", || drops.alive() == 0);
    wait_until("all threads to end", || threads() <= ours);
    wait_until("all descriptors to be closed", || process::fds() <= fds);
}

// beyond tokio: there it panics.
#[test]
#[cfg_attr(feature = "oracle", ignore = "beyond tokio")]
fn museum_f8_a_build_that_fails_leaves_nothing() {
    let _watch = watchdog_secs(60);
    let _alone = process::alone();
    let (before, fds) = (threads(), process::fds());
    assert_flat("failed build", || {
        // More stack than any address space has: the system refuses the thread.
        let refused = Flavor::MultiThread(2).builder().thread_stack_size(1 << 46).enable_all().build();
        assert!(refused.is_err());
    });
    wait_until("all threads to end", || threads() <= before);
    wait_until("all descriptors to be closed", || process::fds() <= fds);
}

/// Builds a runtime, brings tasks into random states, ends it in a random way.
fn random_shutdown(rng: &mut Rng, drops: &Drops) {
    let flavor = match rng.below(4) {
        0 => Flavor::CurrentThread,
        workers => Flavor::MultiThread(workers),
    };
    let runtime = flavor.build();
    let mut kept = Vec::new();
    for _ in 0..rng.below(12) {
        let (held, slot) = (drops.probe(), Arc::new(Mutex::new(None::<Waker>)));
        let (kind, own) = (rng.below(6), slot.clone());
        let handle = runtime.spawn(async move {
            let _held = held;
            match kind {
                0 => {}
                1 => pending::<()>().await,
                2 => loop {
                    task::yield_now().await;
                },
                3 => drop(task::spawn_blocking(std::thread::yield_now).await),
                4 => drop(runtime::spawn(pending::<()>()).await),
                _ => {
                    poll_fn(|cx| {
                        *own.lock() = Some(cx.waker().clone());
                        Poll::<()>::Pending
                    })
                    .await
                }
            }
        });
        match rng.below(4) {
            0 => handle.abort(),
            1 => kept.push((handle, slot)),
            _ => {}
        }
    }
    if rng.one_in(2) {
        runtime.block_on(task::yield_now());
    }
    let wakers: Vec<Waker> = kept.iter().filter_map(|(_, slot)| slot.lock().take()).collect();
    let foreign = rng.one_in(3).then(|| std::thread::spawn(move || wakers.into_iter().for_each(Waker::wake)));
    match rng.below(4) {
        0 => runtime.shutdown_background(),
        1 => runtime.shutdown_timeout(Duration::from_millis(rng.below(3) as u64)),
        2 => runtime.shutdown_timeout(Duration::MAX),
        _ => drop(runtime),
    }
    if let Some(foreign) = foreign {
        foreign.join().expect("the waker");
    }
}

/// Met, given up, and left over at the end.
#[test]
fn timers() {
    let _watch = watchdog_secs(60);
    const HOUR: Duration = Duration::from_secs(3600);
    in_every_place(|place| {
        let world = place.build();
        let task = world.spawn(async {
            sleep(Duration::from_micros(100)).await;
            assert!(timeout(Duration::ZERO, pending::<()>()).await.is_err());
            assert!(timeout(HOUR, task::yield_now()).await.is_ok());
            let mut every = interval(Duration::from_micros(50));
            every.tick().await;
            every.tick().await;
        });
        world.block_on(task).unwrap();
        for _ in 0..8 {
            drop(world.spawn(async { sleep(HOUR).await }));
        }
        world.block_on(task::yield_now());
    });
}

#[test]
#[cfg(not(feature = "oracle"))]
fn queues_of_delays() {
    use runtime::time::DelayQueue;
    let _watch = watchdog_secs(60);
    let _alone = process::alone();
    let runtime = Flavor::CurrentThread.build();
    assert_flat("a queue of delays", || {
        runtime.block_on(async {
            let mut queue = DelayQueue::new();
            for n in 0..20 {
                queue.insert(vec![n; 10], Duration::from_micros(n));
            }
            queue.next().await.expect("an item");
        });
    });
}

/// D26: the memory of a large set goes with its tasks, not in one poll with the last.
#[test]
fn d26_no_join_next_frees_more_than_a_few_blocks() {
    let _watch = watchdog_secs(60);
    let _alone = process::alone();
    Flavor::CurrentThread.build().block_on(async {
        let mut set: JoinSet<()> = (0..50_000).map(|_| async {}).collect();
        let metrics = runtime::runtime::Handle::current().metrics();
        while metrics.num_alive_tasks() > 0 {
            task::yield_now().await;
        }
        let full = live();
        let mut most = Live { blocks: 0, bytes: 0 };
        loop {
            let before = live();
            if set.join_next().await.is_none() {
                break;
            }
            let after = live();
            most.blocks = most.blocks.max(before.blocks - after.blocks);
            most.bytes = most.bytes.max(before.bytes - after.bytes);
        }
        let left = live();
        assert!(most.blocks <= 1100 && most.bytes <= 128 * 1024, "{most:?} freed by one call");
        assert!(full.bytes - left.bytes > 50_000 * 100, "{full:?} before, {left:?} after");
        // The set is as good as new.
        set.spawn(async {});
        assert!(set.join_next().await.unwrap().is_ok());
    });
}
