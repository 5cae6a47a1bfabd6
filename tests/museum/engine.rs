//! Scheduler, task cells, wakers, shutdown, blocking pool.

use parking_lot::Mutex;
use runtime::runtime::{Handle, Runtime};
use runtime::task::{self, JoinHandle, JoinSet, LocalSet};
use runtime_tests::probe::OnDrop;
use runtime_tests::{
    Drops, Event, Flavor, Place, Rng, WakeCount, for_each_flavor, for_each_place, planned_panic, wait_until, watchdog,
    watchdog_secs,
};
use std::cell::{Cell, RefCell};
use std::future::{pending, poll_fn};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Poll, Waker};
use std::time::Duration;

/// A task that hands out its waker and counts its polls; it ends when told to.
#[derive(Clone, Default)]
struct Sleeper {
    waker: Arc<Mutex<Option<Waker>>>,
    polls: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
}

impl Sleeper {
    fn spawn(&self, runtime: &Runtime) -> JoinHandle<()> {
        runtime.spawn(self.clone().run())
    }

    async fn run(self) {
        poll_fn(|cx| {
            *self.waker.lock() = Some(cx.waker().clone());
            self.polls.fetch_add(1, Ordering::SeqCst);
            if self.stop.load(Ordering::SeqCst) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    fn waker(&self) -> Waker {
        wait_until("the sleeper's first poll", || self.waker.lock().is_some());
        self.waker.lock().clone().expect("a waker")
    }
}

// --- lost wake-ups, parking, scheduling ---

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

#[test]
fn museum_lw6_ping_pong_does_not_starve_a_third() {
    let _watch = watchdog();
    for flavor in [Flavor::MultiThread(1), Flavor::CurrentThread] {
        let runtime = flavor.build();
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
            let third = runtime::spawn(async move { counts.load(Ordering::SeqCst) - before });
            let waited = third.await.unwrap();
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

// --- task state machine and memory ---

#[test]
fn museum_m1_wakes_race_with_the_end_of_the_runtime() {
    let _watch = watchdog();
    for round in 0..60 {
        let flavor = if round % 2 == 0 { Flavor::MultiThread(2) } else { Flavor::CurrentThread };
        let runtime = flavor.build();
        let sleepers: Vec<_> = (0..4).map(|_| Sleeper::default()).collect();
        for sleeper in &sleepers {
            drop(sleeper.spawn(&runtime));
        }
        let all = || sleepers.iter().all(|sleeper| sleeper.waker.lock().is_some());
        runtime.block_on(async {
            while !all() {
                task::yield_now().await;
            }
        });
        let start = Arc::new(std::sync::Barrier::new(5));
        let threads: Vec<_> = sleepers
            .iter()
            .map(|sleeper| {
                let (waker, start) = (sleeper.waker(), start.clone());
                std::thread::spawn(move || {
                    start.wait();
                    for _ in 0..50 {
                        waker.wake_by_ref();
                        let clone = waker.clone();
                        clone.wake();
                    }
                })
            })
            .collect();
        start.wait();
        drop(runtime);
        for thread in threads {
            thread.join().unwrap();
        }
    }
}

fn museum_m2_last_reference_dropped_while_scheduling(flavor: Flavor) {
    let runtime = flavor.build();
    let drops = Drops::new();
    for _ in 0..200 {
        let slot = Arc::new(Mutex::new(None::<Waker>));
        let (own, held) = (slot.clone(), drops.probe());
        let mut polled = false;
        drop(runtime.spawn(async move {
            let _held = held;
            poll_fn(|cx| {
                if std::mem::replace(&mut polled, true) {
                    return Poll::Ready(());
                }
                *own.lock() = Some(cx.waker().clone());
                Poll::Pending
            })
            .await;
        }));
        // `wake` consumes the only waker there is, from outside of the runtime.
        runtime.block_on(async {
            while slot.lock().is_none() {
                task::yield_now().await;
            }
        });
        let waker = slot.lock().take().expect("a waker");
        std::thread::spawn(move || waker.wake()).join().unwrap();
    }
    runtime.block_on(async {
        while drops.alive() > 0 {
            task::yield_now().await;
        }
    });
}

#[test]
fn museum_m3_completion_against_the_drop_of_handle_and_waker() {
    let _watch = watchdog();
    let runtime = Flavor::MultiThread(2).build();
    let drops = Drops::new();
    for _ in 0..2_000 {
        let slot = Arc::new(Mutex::new(None::<Waker>));
        let (own, output) = (slot.clone(), drops.probe());
        let handle = runtime.spawn(async move {
            poll_fn(|cx| {
                *own.lock() = Some(cx.waker().clone());
                Poll::Ready(())
            })
            .await;
            output
        });
        while slot.lock().is_none() {
            std::hint::spin_loop();
        }
        drop(handle);
        drop(slot.lock().take());
    }
    wait_until("every output's drop", || drops.alive() == 0);
    assert_eq!(drops.made(), 2_000);
}

/// A future that only the thread that made it may touch, `Drop` included.
struct Homebound(std::thread::ThreadId);

impl Drop for Homebound {
    fn drop(&mut self) {
        assert_eq!(self.0, std::thread::current().id(), "a local future is dropped on a foreign thread");
    }
}

#[test]
fn museum_m4_abort_from_afar_drops_a_local_future_at_home() {
    let _watch = watchdog();
    for place in [Place::LocalSet, Place::LocalRuntime] {
        for polls_first in [false, true] {
            let world = place.build();
            let home = std::thread::current().id();
            let held = Homebound(home);
            let handle = world.spawn(async move {
                let _held = held;
                pending::<()>().await;
            });
            if polls_first {
                world.block_on(task::yield_now());
            }
            let abort = handle.abort_handle();
            std::thread::spawn(move || abort.abort()).join().expect("dropped over there");
            assert!(world.block_on(handle).unwrap_err().is_cancelled());
        }
    }
}

fn museum_m5_abort_outside_of_the_runtime(place: Place) {
    let world = place.build();
    let unpolled = world.spawn(pending::<()>());
    unpolled.abort();
    let idle = world.spawn(pending::<()>());
    let done = world.spawn(async {});
    world.run_until("the end of one", || done.is_finished());
    let aborts = [unpolled.abort_handle(), idle.abort_handle(), done.abort_handle()];
    std::thread::spawn(move || aborts.iter().for_each(task::AbortHandle::abort)).join().unwrap();
    assert!(world.block_on(unpolled).is_err() && world.block_on(idle).is_err());
    let left = world.spawn(pending::<()>());
    drop(world);
    left.abort();
    left.abort_handle().abort();
}

fn museum_m6_drops_that_panic(place: Place) {
    #[derive(Clone)]
    struct Bomb(Drops);
    impl Drop for Bomb {
        fn drop(&mut self) {
            drop(self.0.probe());
            planned_panic()
        }
    }
    let world = place.build();
    let fuse = Drops::new();
    // The output, unjoined.
    let bomb = Bomb(fuse.clone());
    let output = world.spawn(async move { bomb });
    world.run_until("the end", || output.is_finished());
    let _ = runtime_tests::catch(move || drop(output));
    assert_eq!(fuse.count(), 1);
    // The future, dropped by a panic of its own, would abort the process; dropped by completion it's the task's panic.
    let bomb = Bomb(fuse.clone());
    let future = world.spawn(async move {
        let _bomb = bomb;
        task::yield_now().await;
    });
    assert!(world.block_on(future).unwrap_err().is_panic());
    // The future, dropped by abort, unjoined.
    let bomb = Bomb(fuse.clone());
    let future = world.spawn(async move {
        let _bomb = bomb;
        pending::<()>().await;
    });
    world.block_on(task::yield_now());
    future.abort();
    drop(future);
    world.run_until("the drop", || fuse.count() == 3);
    assert_eq!(world.block_on(world.spawn(async { 1 })).unwrap(), 1);
    // The future, dropped by the end of the runtime.
    let bomb = Bomb(fuse.clone());
    drop(world.spawn(async move {
        let _bomb = bomb;
        pending::<()>().await;
    }));
    let _ = runtime_tests::catch(move || drop(world));
    assert_eq!(fuse.count(), 4);
}

#[test]
fn museum_m14_a_queue_that_overflows_and_is_stolen_from_loses_and_doubles_nothing() {
    let _watch = watchdog();
    let runtime = Flavor::MultiThread(3).build();
    let seen: Arc<Vec<AtomicUsize>> = Arc::new((0..20_000).map(|_| AtomicUsize::new(0)).collect());
    let marks = seen.clone();
    let spawner = runtime.spawn(async move {
        let handles: Vec<_> = (0..marks.len())
            .map(|index| {
                let marks = marks.clone();
                runtime::spawn(async move {
                    marks[index].fetch_add(1, Ordering::SeqCst);
                })
            })
            .collect();
        for handle in handles {
            handle.await.unwrap();
        }
    });
    runtime.block_on(spawner).unwrap();
    assert!(seen.iter().all(|mark| mark.load(Ordering::SeqCst) == 1));
}

fn museum_m15_wakers_cloned_dropped_forgotten_at_random(flavor: Flavor) {
    let mut rng = Rng::from_env("m15");
    let runtime = flavor.build();
    let drops = Drops::new();
    for _ in 0..100 {
        let sleeper = Sleeper::default();
        let (held, run) = (drops.probe(), sleeper.clone().run());
        let handle = runtime.spawn(async move {
            let _held = held;
            run.await;
        });
        runtime.block_on(async {
            while sleeper.waker.lock().is_none() {
                task::yield_now().await;
            }
        });
        let mut wakers = vec![sleeper.waker()];
        for _ in 0..50 {
            let index = rng.below(wakers.len());
            match rng.below(5) {
                0 | 1 => wakers.push(wakers[index].clone()),
                2 => wakers[index].wake_by_ref(),
                3 if wakers.len() > 1 => wakers.swap_remove(index).wake(),
                _ => std::mem::forget(wakers[index].clone()),
            }
        }
        sleeper.stop.store(true, Ordering::SeqCst);
        wakers[0].wake_by_ref();
        runtime.block_on(handle).unwrap();
        // The task is over: its future is gone although wakers live on.
        assert_eq!(drops.alive(), 0);
        wakers.into_iter().for_each(Waker::wake);
    }
}

fn museum_m18_outputs_that_are_send_but_not_sync(flavor: Flavor) {
    let runtime = flavor.build();
    let closure = runtime.spawn_blocking(|| Cell::new(1));
    let spawned = runtime.spawn(async { Cell::new(2) });
    let sum = runtime.block_on(async { closure.await.unwrap().get() + spawned.await.unwrap().get() });
    assert_eq!(sum, 3);
}

fn museum_m20_a_joiners_waker_that_panics(flavor: Flavor) {
    struct Explosive;
    impl std::task::Wake for Explosive {
        fn wake(self: Arc<Self>) {
            planned_panic()
        }
    }
    let runtime = flavor.build();
    let gate = Event::new();
    let waits = gate.clone();
    let mut handle = runtime.spawn(async move {
        waits.wait().await;
        7
    });
    let waker = Waker::from(Arc::new(Explosive));
    let polled = std::pin::Pin::new(&mut handle).poll(&mut std::task::Context::from_waker(&waker));
    assert!(polled.is_pending());
    gate.set();
    let _ = runtime_tests::catch(|| {
        runtime.block_on(async {
            while !handle.is_finished() {
                task::yield_now().await;
            }
        })
    });
    assert_eq!(runtime.block_on(handle).unwrap(), 7, "the output is lost");
    assert_eq!(runtime.block_on(runtime.spawn(async { 1 })).unwrap(), 1);
}

fn museum_m21_a_waker_that_outlives_the_runtime(flavor: Flavor) {
    static OUTLIVES: Mutex<Vec<Waker>> = Mutex::new(Vec::new());
    let drops = Drops::new();
    let runtime = flavor.build();
    for _ in 0..10 {
        let held = drops.probe();
        drop(runtime.spawn(async move {
            let _held = held;
            poll_fn(|cx| {
                OUTLIVES.lock().push(cx.waker().clone());
                Poll::<()>::Pending
            })
            .await;
        }));
    }
    runtime.block_on(async {
        for _ in 0..20 {
            task::yield_now().await;
        }
    });
    drop(runtime);
    assert_eq!((drops.made(), drops.count()), (10, 10));
    let wakers = std::mem::take(&mut *OUTLIVES.lock());
    wakers.iter().for_each(Waker::wake_by_ref);
    wakers.into_iter().for_each(Waker::wake);
    assert_eq!(drops.count(), 10);
}

fn museum_m24_panics_in_user_callbacks(flavor: Flavor) {
    let runtime = flavor.build();
    runtime.block_on(async {
        let mut set = JoinSet::new();
        let spawns = (0..10).map(|number| {
            if number == 5 {
                planned_panic();
            }
            async move { number }
        });
        assert!(runtime_tests::catch(|| set.extend(spawns)).is_err());
        assert_eq!(set.len(), 5);
        let mut sum = 0;
        while let Some(output) = set.join_next().await {
            sum += output.unwrap();
        }
        assert_eq!(sum, 10);
    });
}

// --- wakers, panics, re-entrancy, thread-locals ---

fn museum_w3_wake_under_a_lock_that_the_task_takes(flavor: Flavor) {
    let runtime = flavor.build();
    let lock = Arc::new(Mutex::new(None::<Waker>));
    let (own, depth) = (lock.clone(), Arc::new(AtomicUsize::new(0)));
    let deepest = depth.clone();
    let stop = Arc::new(AtomicBool::new(false));
    let stops = stop.clone();
    let handle = runtime.spawn(poll_fn(move |cx| {
        let now = deepest.fetch_add(1, Ordering::SeqCst);
        assert_eq!(now, 0, "polled inside its own wake");
        *own.lock() = Some(cx.waker().clone());
        cx.waker().wake_by_ref();
        deepest.fetch_sub(1, Ordering::SeqCst);
        if stops.load(Ordering::SeqCst) { Poll::Ready(()) } else { Poll::Pending }
    }));
    runtime.block_on(async {
        for _ in 0..200 {
            task::yield_now().await;
            let held = lock.lock();
            held.iter().for_each(Waker::wake_by_ref);
        }
        stop.store(true, Ordering::SeqCst);
        handle.await.unwrap();
    });
}

#[test]
fn museum_w4_wake_at_shutdown_drops_no_task_inside() {
    let _watch = watchdog();
    thread_local!(static BORROWED: RefCell<u8> = const { RefCell::new(0) });
    let runtime = Flavor::CurrentThread.build();
    let sleepers: Vec<_> = (0..5).map(|_| Sleeper::default()).collect();
    for sleeper in &sleepers {
        let run = sleeper.clone().run();
        let wakers: Vec<_> = sleepers.iter().map(|sleeper| sleeper.waker.clone()).collect();
        let guard = OnDrop(move || {
            BORROWED.with(|cell| {
                // Waking must not drop another task, whose guard would borrow again.
                let _held = cell.try_borrow_mut().expect("a task was dropped inside a wake");
                for waker in &wakers {
                    let waker = waker.lock().clone();
                    waker.into_iter().for_each(Waker::wake);
                }
            })
        });
        drop(runtime.spawn(async move {
            let _guard = guard;
            run.await;
        }));
    }
    runtime.block_on(task::yield_now());
    drop(runtime);
}

#[test]
fn museum_w6_public_types_in_thread_locals() {
    let _watch = watchdog();
    #[derive(Default)]
    struct Kept {
        handle: Option<JoinHandle<()>>,
        set: Option<JoinSet<()>>,
        local: Option<LocalSet>,
        door: Option<Handle>,
        runtime: Option<Runtime>,
    }
    thread_local!(static KEPT: RefCell<Kept> = RefCell::default());
    thread_local!(static EARLY: RefCell<Option<Waker>> = const { RefCell::new(None) });
    for uses_first in [false, true] {
        for flavor in [Flavor::MultiThread(2), Flavor::CurrentThread] {
            let thread = std::thread::spawn(move || {
                // Both orders of thread-local destructors: ours first, the runtime's first.
                if uses_first {
                    flavor.build().block_on(async {});
                    EARLY.with(|early| *early.borrow_mut() = Some(Waker::noop().clone()));
                } else {
                    KEPT.with(|_| ());
                }
                let runtime = flavor.build();
                let mut set = JoinSet::new();
                set.spawn_on(pending::<()>(), runtime.handle());
                let local = LocalSet::new();
                local.spawn_local(pending::<()>());
                local.block_on(&runtime, task::yield_now());
                let kept = Kept {
                    handle: Some(runtime.spawn(pending::<()>())),
                    set: Some(set),
                    local: Some(local),
                    door: Some(runtime.handle().clone()),
                    runtime: Some(runtime),
                };
                KEPT.with(|slot| *slot.borrow_mut() = kept);
                KEPT.with(|slot| {
                    let slot = slot.borrow();
                    let all = slot.handle.is_some() && slot.set.is_some() && slot.local.is_some();
                    assert!(all && slot.door.is_some() && slot.runtime.is_some());
                });
            });
            thread.join().expect("a thread-local destructor panicked");
        }
    }
}

/// Runs some allowed nesting of entering, blocking and spawning; returns how many levels it went.
fn nest(rng: &mut Rng, depth: usize, runtimes: &Arc<[Runtime; 2]>, may_block: bool) -> usize {
    if depth == 0 {
        return 1;
    }
    let which = rng.below(2);
    match rng.below(4) {
        0 => {
            let _inside = runtimes[which].enter();
            1 + nest(rng, depth - 1, runtimes, may_block)
        }
        1 if may_block => 1 + runtimes[which].block_on(async { nest(rng, depth - 1, runtimes, false) }),
        2 => 1 + task::block_in_place(|| nest(rng, depth - 1, runtimes, true)),
        _ => {
            let (mut own, shared) = (rng.clone(), runtimes.clone());
            let closure = runtimes[which].spawn_blocking(move || nest(&mut own, depth - 1, &shared, true));
            rng.bits();
            drop(closure);
            1
        }
    }
}

#[test]
fn museum_w7_random_nesting_of_entering_and_blocking() {
    let _watch = watchdog();
    let mut rng = Rng::from_env("w7");
    let runtimes = Arc::new([Flavor::MultiThread(2).build(), Flavor::MultiThread(1).build()]);
    for _ in 0..300 {
        assert!(nest(&mut rng, 5, &runtimes, true) >= 1);
        assert!(Handle::try_current().is_err(), "still inside after the nesting");
    }
    for runtime in runtimes.iter() {
        assert_eq!(runtime.block_on(runtime.spawn(async { 3 })).unwrap(), 3);
    }
}

#[test]
fn museum_w7_misuse_panics_and_leaves_the_runtime_working() {
    let _watch = watchdog();
    let runtime = Flavor::MultiThread(2).build();
    let handle = runtime.handle().clone();
    let misuse = runtime.spawn(async move { handle.block_on(async {}) });
    assert!(runtime.block_on(misuse).unwrap_err().is_panic());
    assert_eq!(runtime.block_on(runtime.spawn(async { 3 })).unwrap(), 3);
}

#[test]
fn museum_w8_big_futures_on_small_stacks() {
    let _watch = watchdog();
    for flavor in [Flavor::MultiThread(2), Flavor::CurrentThread] {
        // A runtime is built on a thread with a small stack.
        let small = std::thread::Builder::new().stack_size(192 << 10);
        let built = small.spawn(move || flavor.build()).unwrap().join().expect("build overflowed the stack");
        let big = [1_u8; 128 << 10];
        let handle = built.spawn(async move {
            task::yield_now().await;
            big.iter().map(|byte| usize::from(*byte)).sum::<usize>()
        });
        assert_eq!(built.block_on(handle).unwrap(), 128 << 10);
    }
}

fn museum_w10_will_wake_of_wakers_of_one_task(place: Place) {
    let world = place.build();
    let slot = Arc::new(Mutex::new(Vec::<Waker>::new()));
    let spawn = || {
        let own = slot.clone();
        world.spawn(async move {
            for _ in 0..3 {
                poll_fn(|cx| {
                    own.lock().push(cx.waker().clone());
                    Poll::Ready(())
                })
                .await;
                task::yield_now().await;
            }
        })
    };
    for _ in 0..2 {
        let handle = spawn();
        world.block_on(handle).unwrap();
    }
    let wakers = slot.lock();
    let (one, other) = wakers.split_at(3);
    for waker in one {
        assert!(waker.will_wake(&waker.clone()));
        assert!(one.iter().all(|same| waker.will_wake(same)), "two wakers of one task differ");
        assert!(!other.iter().any(|foreign| waker.will_wake(foreign)), "wakers of two tasks are taken for one");
    }
}

// --- shutdown, leaks ---

fn museum_s1_drops_that_use_the_runtime(flavor: Flavor) {
    let runtime = flavor.build();
    let drops = Drops::new();
    let sleepers: Vec<_> = (0..20).map(|_| Sleeper::default()).collect();
    let aborts: Arc<Mutex<Vec<task::AbortHandle>>> = Arc::default();
    for (number, sleeper) in sleepers.iter().enumerate() {
        let other = sleepers[(number + 7) % sleepers.len()].waker.clone();
        let (run, held, probes) = (sleeper.clone().run(), drops.probe(), drops.clone());
        let (door, others) = (runtime.handle().clone(), aborts.clone());
        let guard = OnDrop(move || {
            let waker = other.lock().clone();
            waker.into_iter().for_each(Waker::wake);
            let late = probes.probe();
            drop(door.spawn(async move { drop(late) }));
            let others = others.lock().clone();
            others.iter().for_each(task::AbortHandle::abort);
        });
        let handle = runtime.spawn(async move {
            let _held = (held, guard);
            run.await;
        });
        aborts.lock().push(handle.abort_handle());
    }
    runtime.block_on(async {
        for _ in 0..5 {
            task::yield_now().await;
        }
    });
    drop(runtime);
    assert_eq!((drops.made(), drops.alive()), (40, 0));
}

fn museum_s2_spawns_and_wakes_race_with_the_end(flavor: Flavor) {
    for _ in 0..100 {
        let runtime = flavor.build();
        let door = runtime.handle().clone();
        let drops = Drops::new();
        let probes = drops.clone();
        let started = Event::new();
        let starts = started.clone();
        let spawner = std::thread::spawn(move || {
            let spawn = |number: usize| {
                let held = probes.probe();
                door.spawn(async move {
                    let _held = held;
                    if number.is_multiple_of(3) {
                        pending::<()>().await;
                    }
                    task::yield_now().await;
                })
            };
            let mut handles = vec![spawn(1)];
            starts.set();
            handles.extend((0..100).map(spawn));
            handles
        });
        started.wait_blocking();
        drop(runtime);
        let handles = spawner.join().unwrap();
        // Every one of them resolves, with a value or as cancelled.
        Flavor::CurrentThread.build().block_on(async {
            for handle in handles {
                if let Err(error) = handle.await {
                    assert!(error.is_cancelled());
                }
            }
        });
        assert_eq!((drops.made(), drops.alive()), (101, 0));
    }
}

#[test]
fn museum_s3_a_blocked_task_waits_for_the_drop_of_another_at_shutdown() {
    let _watch = watchdog();
    for workers in [2, 3, 4, 8] {
        let runtime = Flavor::MultiThread(workers).build();
        for _ in 0..workers - 1 {
            let (dropped, blocked) = (Event::new(), Event::new());
            let (sets, waits) = (dropped.clone(), blocked.clone());
            let guard = OnDrop(move || sets.set());
            drop(runtime.spawn(async move {
                let _guard = guard;
                pending::<()>().await;
            }));
            drop(runtime.spawn(async move {
                task::block_in_place(|| {
                    waits.set();
                    dropped.wait_blocking();
                })
            }));
            blocked.wait_blocking();
        }
        drop(runtime);
    }
}

// beyond tokio: it panics, ours hands the join to a background thread.
#[cfg_attr(feature = "oracle", allow(dead_code))]
fn museum_s4_the_last_handle_on_the_runtime_is_dropped_by_its_own_task(flavor: Flavor) {
    let runtime = Arc::new(flavor.build());
    let drops = Drops::new();
    let (own, held, gate) = (runtime.clone(), drops.probe(), Event::new());
    let go = gate.clone();
    drop(runtime.spawn(async move {
        let _held = held;
        go.wait().await;
        drop(own);
    }));
    // A current-thread runtime is driven by the thread that holds the other end.
    runtime.block_on(async {
        task::yield_now().await;
        gate.set();
    });
    drop(runtime);
    wait_until("the task's drop", || drops.alive() == 0);
}

fn museum_s5_local_set_dropped_with_notified_tasks(flavor: Flavor) {
    let runtime = flavor.build();
    let drops = Drops::new();
    let set = LocalSet::new();
    let sleepers: Vec<_> = (0..20).map(|_| Sleeper::default()).collect();
    for sleeper in &sleepers {
        let (run, held) = (sleeper.clone().run(), drops.probe());
        set.spawn_local(async move {
            let _held = held;
            run.await;
        });
    }
    set.block_on(&runtime, async {
        while sleepers.iter().any(|sleeper| sleeper.waker.lock().is_none()) {
            task::yield_now().await;
        }
    });
    let wakers: Vec<_> = sleepers.iter().map(Sleeper::waker).collect();
    std::thread::spawn(move || wakers.into_iter().for_each(Waker::wake)).join().unwrap();
    drop(set);
    assert_eq!(drops.alive(), 0);
}

fn museum_s6_stuck_closures_and_the_end(flavor: Flavor) {
    let runtime = flavor.builder().max_blocking_threads(2).build().unwrap();
    let (gate, running) = (Event::new(), Arc::new(AtomicUsize::new(0)));
    let drops = Drops::new();
    for _ in 0..8 {
        let (waits, held, runs) = (gate.clone(), drops.probe(), running.clone());
        drop(runtime.spawn_blocking(move || {
            runs.fetch_add(1, Ordering::SeqCst);
            waits.wait_blocking();
            drop(held);
        }));
    }
    wait_until("two running closures", || running.load(Ordering::SeqCst) == 2);
    let (door, before) = (runtime.handle().clone(), std::time::Instant::now());
    runtime.shutdown_timeout(Duration::from_millis(20));
    assert!(before.elapsed() < Duration::from_secs(2));
    let late = door.spawn_blocking(|| ());
    assert!(Flavor::CurrentThread.build().block_on(late).unwrap_err().is_cancelled());
    gate.set();
    wait_until("every closure's drop", || drops.alive() == 0);
    if cfg!(not(feature = "oracle")) {
        // beyond tokio: its busy threads run what is queued, although its documentation says that it is aborted.
        assert_eq!(running.load(Ordering::SeqCst), 2, "a queued closure ran after the shutdown");
    }
}

fn museum_s7_shutdown_with_extreme_limits(flavor: Flavor) {
    for limit in [Duration::ZERO, Duration::from_nanos(1), Duration::MAX, Duration::from_secs(u64::MAX)] {
        let runtime = flavor.build();
        drop(runtime.spawn(pending::<()>()));
        runtime.block_on(runtime.spawn_blocking(|| ())).unwrap();
        runtime.shutdown_timeout(limit);
    }
}

fn museum_s14_idle_closure_threads_leave_while_the_runtime_ends(flavor: Flavor) {
    for round in 0..200 {
        let runtime = flavor.builder().thread_keep_alive(Duration::from_micros(1)).build().unwrap();
        let closure = runtime.spawn_blocking(move || round);
        assert_eq!(runtime.block_on(closure).unwrap(), round);
        drop(runtime.spawn_blocking(|| ()));
        drop(runtime);
    }
}

// --- blocking pool, fairness ---

fn museum_b1_jobs_race_with_threads_that_leave(flavor: Flavor) {
    let runtime = flavor.builder().thread_keep_alive(Duration::from_micros(1)).build().unwrap();
    let mut rng = Rng::from_env("b1");
    runtime.block_on(async {
        for number in 0..3_000 {
            assert_eq!(task::spawn_blocking(move || number).await.unwrap(), number);
            for _ in 0..rng.below(200) {
                std::hint::spin_loop();
            }
        }
    });
}

fn museum_b3_pools_of_every_small_size(flavor: Flavor) {
    for most in 1..=5 {
        let runtime = flavor.builder().max_blocking_threads(most).build().unwrap();
        let ran = Arc::new(AtomicUsize::new(0));
        let outer: Vec<_> = (0..20)
            .map(|_| {
                let ran = ran.clone();
                runtime.spawn_blocking(move || {
                    // Nested, and not waited for: with one thread that would be a deadlock of the user's own making.
                    let inner = ran.clone();
                    ran.fetch_add(1, Ordering::SeqCst);
                    task::spawn_blocking(move || inner.fetch_add(1, Ordering::SeqCst))
                })
            })
            .collect();
        runtime.block_on(async {
            for outer in outer {
                outer.await.unwrap().await.unwrap();
            }
        });
        assert_eq!(ran.load(Ordering::SeqCst), 40);
    }
}

fn museum_f3_tasks_from_outside_run_beside_busy_local_ones(flavor: Flavor) {
    let runtime = flavor.build();
    let stop = Arc::new(AtomicBool::new(false));
    let spinner = || {
        let stop = stop.clone();
        async move {
            while !stop.load(Ordering::SeqCst) {
                task::yield_now().await;
            }
        }
    };
    // Spawned from inside, hence in the workers' own queues.
    let start = spinner();
    let many: Vec<_> = (0..8).map(|_| spinner()).collect();
    let busy = runtime.spawn(async move {
        let handles: Vec<_> = many.into_iter().map(runtime::spawn).collect();
        start.await;
        for handle in handles {
            handle.await.unwrap();
        }
    });
    let door = runtime.handle().clone();
    let done = Event::new();
    let ends = done.clone();
    let outsider = std::thread::spawn(move || {
        for _ in 0..20 {
            let ran = Event::new();
            let sets = ran.clone();
            drop(door.spawn(async move { sets.set() }));
            ran.wait_blocking();
        }
        ends.set();
    });
    runtime.block_on(async {
        done.wait().await;
        stop.store(true, Ordering::SeqCst);
        busy.await.unwrap();
    });
    outsider.join().unwrap();
}

fn museum_f6_detached_tasks_are_kept(flavor: Flavor) {
    let runtime = flavor.build();
    let (gate, ran) = (Event::new(), Arc::new(AtomicUsize::new(0)));
    runtime.block_on(async {
        for _ in 0..500 {
            let (gate, ran) = (gate.clone(), ran.clone());
            drop(runtime::spawn(async move {
                gate.wait().await;
                ran.fetch_add(1, Ordering::SeqCst);
            }));
        }
        // Memory is churned through the same allocations meanwhile.
        for _ in 0..500 {
            runtime::spawn(async { task::yield_now().await }).await.unwrap();
        }
        gate.set();
        while ran.load(Ordering::SeqCst) < 500 {
            task::yield_now().await;
        }
    });
}

for_each_flavor!(
    museum_lw10_park_hook_that_wakes_a_task,
    museum_lw11_local_tasks_beyond_the_tick_and_foreign_wakes,
    museum_lw21_block_on_is_polled_for_each_wake_and_only_then,
    museum_lw23_wakes_without_context,
    museum_m2_last_reference_dropped_while_scheduling,
    museum_m15_wakers_cloned_dropped_forgotten_at_random,
    museum_m18_outputs_that_are_send_but_not_sync,
    museum_m20_a_joiners_waker_that_panics,
    museum_m21_a_waker_that_outlives_the_runtime,
    museum_m24_panics_in_user_callbacks,
    museum_w3_wake_under_a_lock_that_the_task_takes,
    museum_s1_drops_that_use_the_runtime,
    museum_s2_spawns_and_wakes_race_with_the_end,
    museum_s5_local_set_dropped_with_notified_tasks,
    museum_s6_stuck_closures_and_the_end,
    museum_s7_shutdown_with_extreme_limits,
    museum_s14_idle_closure_threads_leave_while_the_runtime_ends,
    museum_b1_jobs_race_with_threads_that_leave,
    museum_b3_pools_of_every_small_size,
    museum_f3_tasks_from_outside_run_beside_busy_local_ones,
    museum_f6_detached_tasks_are_kept,
);

#[cfg(not(feature = "oracle"))]
for_each_flavor!(museum_s4_the_last_handle_on_the_runtime_is_dropped_by_its_own_task);

for_each_place!(
    museum_m5_abort_outside_of_the_runtime,
    museum_m6_drops_that_panic,
    museum_w10_will_wake_of_wakers_of_one_task,
);

#[test]
fn museum_m16_joins_wakes_and_aborts_race_on_one_word() {
    let _watch = watchdog_secs(60);
    let runtime = Flavor::MultiThread(2).build();
    let drops = Drops::new();
    for round in 0..1_500 {
        let sleeper = Sleeper::default();
        let (run, held) = (sleeper.clone().run(), drops.probe());
        let mut handle = runtime.spawn(async move {
            let _held = held;
            run.await;
        });
        let waker = sleeper.waker();
        let abort = handle.abort_handle();
        let count = WakeCount::new();
        std::thread::scope(|scope| {
            let stop = &sleeper.stop;
            scope.spawn(move || {
                stop.store(true, Ordering::SeqCst);
                waker.wake();
            });
            scope.spawn(move || {
                if round % 2 == 0 {
                    abort.abort();
                }
            });
            let _ = count.poll(&mut handle);
        });
        if let Err(error) = runtime.block_on(async { if handle.is_finished() { Ok(()) } else { handle.await } }) {
            assert!(error.is_cancelled());
        }
    }
    wait_until("every future's drop", || drops.alive() == 0);
}
