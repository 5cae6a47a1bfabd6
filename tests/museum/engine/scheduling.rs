//! Lost wake-ups, parking, scheduling (LW).

use super::Sleeper;
use parking_lot::Mutex;
use runtime::task::{self, LocalSet};
use runtime_tests::{Event, Flavor, Rng, for_each_flavor, wait_until, watchdog};
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Poll, Waker};
use std::time::Duration;

#[test]
fn museum_lw1_last_searcher_and_a_pusher_miss_each_other() {
    let _watch = watchdog();
    for workers in [2, 3] {
        let runtime = Flavor::MultiThread(workers).build();
        for _ in 0..3_000 {
            // Two pushes from outside into an idle runtime, each of which must find a worker by itself.
            let (one, two) = (Event::new(), Event::new());
            let (first, second) = (one.clone(), two.clone());
            drop(runtime.spawn(async move { first.set() }));
            drop(runtime.spawn(async move { second.set() }));
            one.wait_blocking();
            two.wait_blocking();
        }
    }
}

#[test]
fn museum_lw2_wake_between_last_look_and_sleep() {
    let _watch = watchdog();
    let runtime = Flavor::MultiThread(2).build();
    let sleeper = Sleeper::default();
    let handle = sleeper.spawn(&runtime);
    let waker = sleeper.waker();
    let mut rng = Rng::from_env("lw2");
    for _ in 0..5_000 {
        let before = sleeper.polls.load(Ordering::SeqCst);
        waker.wake_by_ref();
        wait_until("the woken task's poll", || sleeper.polls.load(Ordering::SeqCst) > before);
        // A random pause, so that the next wake meets every step of going to sleep.
        for _ in 0..rng.below(400) {
            std::hint::spin_loop();
        }
    }
    sleeper.stop.store(true, Ordering::SeqCst);
    waker.wake();
    runtime.block_on(handle).unwrap();
}

#[test]
fn museum_lw4_wake_of_a_notified_task_publishes_data() {
    let _watch = watchdog();
    let runtime = Flavor::MultiThread(2).build();
    let data: Arc<Vec<AtomicUsize>> = Arc::new((0..2_000).map(|_| AtomicUsize::new(0)).collect());
    let next = Arc::new(AtomicUsize::new(0));
    let (reads, at) = (data.clone(), next.clone());
    let slot = Arc::new(Mutex::new(None::<Waker>));
    let own = slot.clone();
    // Reads with Relaxed: only the wake orders it. A cell that it misses is never looked at again unless a poll follows.
    let handle = runtime.spawn(poll_fn(move |cx| {
        if own.lock().is_none() {
            *own.lock() = Some(cx.waker().clone());
        }
        let mut index = at.load(Ordering::Relaxed);
        while index < reads.len() && reads[index].load(Ordering::Relaxed) != 0 {
            index += 1;
        }
        at.store(index, Ordering::Relaxed);
        if index == reads.len() { Poll::Ready(()) } else { Poll::Pending }
    }));
    wait_until("the first poll", || slot.lock().is_some());
    let waker = slot.lock().clone().expect("a waker");
    for cell in data.iter() {
        cell.store(1, Ordering::Relaxed);
        waker.wake_by_ref();
    }
    runtime.block_on(handle).unwrap();
}

/// A wakes B and then holds its thread until B has run.
fn blocks_behind_its_waker(workers: usize, wake: impl Fn(Event) + Send + 'static) {
    let runtime = Flavor::MultiThread(workers).build();
    let ran = Event::new();
    let seen = ran.clone();
    let outer = runtime.spawn(async move {
        wake(ran.clone());
        assert!(ran.wait_blocking_for(Duration::from_secs(5)), "the woken task waits for the task that woke it");
    });
    drop(seen);
    runtime.block_on(outer).unwrap();
}

#[test]
#[cfg_attr(feature = "oracle", ignore = "tokio's next-task slot cannot be stolen from")]
fn museum_lw5_spawned_task_not_stuck_behind_its_spawner() {
    let _watch = watchdog();
    blocks_behind_its_waker(4, |ran| drop(runtime::spawn(async move { ran.set() })));
}

#[test]
#[cfg_attr(feature = "oracle", ignore = "tokio's next-task slot cannot be stolen from")]
fn museum_lw5_woken_task_not_stuck_behind_its_waker() {
    let _watch = watchdog();
    for _ in 0..20 {
        let runtime = Flavor::MultiThread(4).build();
        let (woken, ran) = (Event::new(), Event::new());
        let (waits, sets) = (woken.clone(), ran.clone());
        let inner = runtime.spawn(async move {
            waits.wait().await;
            sets.set();
        });
        wait_until("the sleeper", || woken.waiting() == 1);
        let outer = runtime.spawn(async move {
            woken.set();
            ran.wait_blocking_for(Duration::from_secs(5))
        });
        assert!(runtime.block_on(outer).unwrap(), "the woken task waits for the task that woke it");
        runtime.block_on(inner).unwrap();
    }
}

/// Fault: the next-task slot goes before the queue without limit, and the third task never runs.
#[test]
fn museum_lw6_ping_pong_does_not_starve_a_third() {
    let _watch = watchdog();
    for flavor in [Flavor::MultiThread(1), Flavor::CurrentThread] {
        let mut builder = flavor.builder();
        // A worker that loses its CPU for a while seems stuck, and the guarantor would let the third one run elsewhere.
        #[cfg(not(feature = "oracle"))]
        builder.without_rescue();
        let runtime = builder.enable_all().build().unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let turns = Arc::new(AtomicUsize::new(0));
        let wakers: Arc<[Mutex<Option<Waker>>; 2]> = Arc::default();
        // Two tasks that do nothing but wake each other.
        let player = |me: usize| {
            let (stop, turns, wakers) = (stop.clone(), turns.clone(), wakers.clone());
            poll_fn(move |cx| {
                *wakers[me].lock() = Some(cx.waker().clone());
                turns.fetch_add(1, Ordering::SeqCst);
                let other = wakers[1 - me].lock().take();
                if stop.load(Ordering::SeqCst) {
                    other.into_iter().for_each(Waker::wake);
                    return Poll::Ready(());
                }
                match other {
                    Some(other) => other.wake(),
                    None => cx.waker().wake_by_ref(),
                }
                Poll::Pending
            })
        };
        let waited = runtime.block_on(async {
            let game = [runtime::spawn(player(0)), runtime::spawn(player(1))];
            for _ in 0..10 {
                task::yield_now().await;
            }
            let before = turns.load(Ordering::SeqCst);
            let counts = turns.clone();
            // Inside a task, so that they go to the worker's own queue, and the fourth one pushes the third out of the
            // next-task slot, behind the game.
            let spawner = runtime::spawn(async move {
                let third = runtime::spawn(async move { counts.load(Ordering::SeqCst) - before });
                let fourth = runtime::spawn(async {});
                let waited = third.await.unwrap();
                fourth.await.unwrap();
                waited
            });
            let waited = spawner.await.unwrap();
            stop.store(true, Ordering::SeqCst);
            for player in game {
                player.await.unwrap();
            }
            waited
        });
        // One worker polls the three in turn; other threads need time to be scheduled at all.
        if flavor == Flavor::CurrentThread {
            assert!(waited <= 200, "{waited} turns of the game before the third task ran");
        }
    }
}

#[test]
fn museum_lw7_one_blocked_worker_does_not_hold_up_the_rest() {
    let _watch = watchdog();
    let runtime = Flavor::MultiThread(2).build();
    let (running, gate) = (Event::new(), Event::new());
    let (runs, waits) = (running.clone(), gate.clone());
    let blocker = runtime.spawn(async move {
        runs.set();
        waits.wait_blocking();
    });
    running.wait_blocking();
    for _ in 0..500 {
        let done = Event::new();
        let ends = done.clone();
        drop(runtime.spawn(async move {
            task::yield_now().await;
            ends.set();
        }));
        done.wait_blocking();
    }
    gate.set();
    runtime.block_on(blocker).unwrap();
}

fn museum_lw10_park_hook_that_wakes_a_task(flavor: Flavor) {
    let sleeper = Sleeper::default();
    let waker = sleeper.waker.clone();
    let left = Arc::new(AtomicUsize::new(500));
    let lefts = left.clone();
    let runtime = flavor
        .builder()
        .on_thread_park(move || {
            let waker = waker.lock().clone();
            if let Some(waker) = waker
                && lefts.load(Ordering::SeqCst) > 0
            {
                lefts.fetch_sub(1, Ordering::SeqCst);
                waker.wake();
            }
        })
        .build()
        .unwrap();
    let handle = sleeper.spawn(&runtime);
    let (polls, stop) = (sleeper.polls.clone(), sleeper.stop.clone());
    let own = sleeper.waker.clone();
    let gate = Event::new();
    let sets = gate.clone();
    let watcher = std::thread::spawn(move || {
        wait_until("the wakes of the hook", || polls.load(Ordering::SeqCst) > 50);
        stop.store(true, Ordering::SeqCst);
        let waker = own.lock().clone();
        waker.expect("a waker").wake();
        sets.set();
    });
    runtime.block_on(async {
        gate.wait().await;
        handle.await.unwrap();
    });
    watcher.join().unwrap();
    left.store(0, Ordering::SeqCst);
}

fn museum_lw11_local_tasks_beyond_the_tick_and_foreign_wakes(flavor: Flavor) {
    let runtime = flavor.build();
    let set = LocalSet::new();
    let done = Rc::new(Cell::new(0));
    let gate = Event::new();
    for _ in 0..200 {
        let (done, gate) = (done.clone(), gate.clone());
        set.spawn_local(async move {
            task::yield_now().await;
            gate.wait().await;
            let done = done.clone();
            task::spawn_local(async move { done.set(done.get() + 1) }).await.unwrap();
        });
    }
    let opener = std::thread::spawn({
        let gate = gate.clone();
        move || {
            wait_until("all to wait", || gate.waiting() >= 200);
            gate.set();
        }
    });
    runtime.block_on(set);
    opener.join().unwrap();
    assert_eq!(done.get(), 200);
}

#[test]
fn museum_lw19_yielded_tasks_not_stranded_by_block_in_place() {
    let _watch = watchdog();
    for workers in [1, 2] {
        let runtime = Flavor::MultiThread(workers).build();
        for _ in 0..200 {
            let (yielded, done) = (Event::new(), Event::new());
            let (yields, ends) = (yielded.clone(), done.clone());
            drop(runtime.spawn(async move {
                yields.set();
                task::yield_now().await;
                ends.set();
            }));
            let blocker = runtime.spawn(async move {
                yielded.wait().await;
                task::block_in_place(|| done.wait_blocking());
            });
            runtime.block_on(blocker).unwrap();
        }
    }
}

#[test]
fn museum_lw20_tasks_survive_the_handover_of_their_queue() {
    let _watch = watchdog();
    let runtime = Flavor::MultiThread(2).build();
    let ran = Arc::new(AtomicUsize::new(0));
    for _ in 0..100 {
        let ran = ran.clone();
        let outer = runtime.spawn(async move {
            let inner: Vec<_> = (0..50)
                .map(|_| {
                    let ran = ran.clone();
                    runtime::spawn(async move {
                        task::yield_now().await;
                        ran.fetch_add(1, Ordering::SeqCst);
                    })
                })
                .collect();
            // Gives the worker away while its queue is full.
            task::block_in_place(std::thread::yield_now);
            for handle in inner {
                handle.await.unwrap();
            }
        });
        runtime.block_on(outer).unwrap();
    }
    assert_eq!(ran.load(Ordering::SeqCst), 5_000);
}

fn museum_lw21_block_on_is_polled_for_each_wake_and_only_then(flavor: Flavor) {
    let runtime = flavor.build();
    for _ in 0..1_000 {
        let slot = Arc::new(Mutex::new(None::<Waker>));
        let (own, ready) = (slot.clone(), Arc::new(AtomicBool::new(false)));
        let sets = ready.clone();
        let thread = std::thread::spawn(move || {
            wait_until("the first poll", || slot.lock().is_some());
            sets.store(true, Ordering::SeqCst);
            slot.lock().take().expect("a waker").wake();
        });
        let mut polls = 0;
        runtime.block_on(poll_fn(|cx| {
            polls += 1;
            if ready.load(Ordering::SeqCst) {
                return Poll::Ready(());
            }
            *own.lock() = Some(cx.waker().clone());
            Poll::Pending
        }));
        thread.join().unwrap();
        assert!(polls <= 2, "{polls} polls for one wake");
    }
}

fn museum_lw23_wakes_without_context(flavor: Flavor) {
    struct WakesAtExit(Waker);
    impl Drop for WakesAtExit {
        fn drop(&mut self) {
            self.0.wake_by_ref();
        }
    }
    thread_local!(static AT_EXIT: RefCell<Option<WakesAtExit>> = const { RefCell::new(None) });
    let runtime = flavor.build();
    let gate = Event::new();
    let waits = gate.clone();
    let sleeper = Sleeper::default();
    let handle = sleeper.spawn(&runtime);
    runtime.block_on(task::yield_now());
    let waker = sleeper.waker();
    let in_tls = waker.clone();
    sleeper.stop.store(true, Ordering::SeqCst);
    std::thread::spawn(move || AT_EXIT.with(|slot| *slot.borrow_mut() = Some(WakesAtExit(in_tls)))).join().unwrap();
    runtime.block_on(handle).unwrap();
    drop(waits);
    // And once more when the runtime is gone.
    let late = Sleeper::default();
    drop(late.spawn(&runtime));
    runtime.block_on(task::yield_now());
    let waker = late.waker();
    drop(runtime);
    let in_tls = waker.clone();
    std::thread::spawn(move || AT_EXIT.with(|slot| *slot.borrow_mut() = Some(WakesAtExit(in_tls)))).join().unwrap();
    waker.wake();
    gate.set();
}

for_each_flavor!(
    museum_lw10_park_hook_that_wakes_a_task,
    museum_lw11_local_tasks_beyond_the_tick_and_foreign_wakes,
    museum_lw21_block_on_is_polled_for_each_wake_and_only_then,
    museum_lw23_wakes_without_context,
);
