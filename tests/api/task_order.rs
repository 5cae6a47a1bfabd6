//! In which order tasks run, and when the future of `block_on` has its turn (issue "What is wrong today", D12).
//!
//! On one thread tasks run first in, first out, and `block_on`'s future comes when nothing is ready, or after
//! `event_interval` polls. On several workers no order is promised, so those tests have one.

use parking_lot::Mutex;
use runtime::runtime::Builder;
use runtime::task::{self, JoinHandle};
use runtime_tests::{Event, Flavor, Place, World, for_each_place, watchdog};
use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

/// As many polls as a default builder's `event_interval`.
const ROUND: usize = 61;

/// Who ran, one after the other.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<usize>>>);

impl Log {
    fn add(&self, who: usize) {
        self.0.lock().push(who);
    }

    fn read(&self) -> Vec<usize> {
        self.0.lock().clone()
    }
}

/// Spawns from inside of a place, as its users do.
fn spawn_in<F>(place: Place, future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    match place {
        Place::MultiThread | Place::CurrentThread => runtime::spawn(future),
        Place::LocalSet | Place::LocalRuntime => task::spawn_local(future),
    }
}

/// A world whose tasks all run on one thread.
fn one_thread(place: Place) -> World {
    match place {
        Place::MultiThread => {
            let mut builder = Flavor::MultiThread(1).builder();
            // A spare for the worker that `occupy` holds would be a second pair of hands.
            #[cfg(not(feature = "oracle"))]
            builder.without_rescue();
            World::Runtime(builder.enable_all().build().expect("no runtime"))
        }
        _ => place.build(),
    }
}

/// Holds the one worker until the answer is called: what comes from other threads meanwhile waits in the order of its coming.
/// (Later it is mixed with what the worker has, now and then.) Nothing where this thread is the one that runs tasks.
async fn occupy(place: Place) -> impl FnOnce() {
    let free = Event::new();
    if place == Place::MultiThread {
        let (held, waits) = (Event::new(), free.clone());
        let sets = held.clone();
        drop(runtime::spawn(async move {
            sets.set();
            waits.wait_blocking();
        }));
        held.wait().await;
    }
    move || free.set()
}

async fn all(handles: Vec<JoinHandle<()>>) {
    for handle in handles {
        handle.await.unwrap();
    }
}

fn d12_tasks_spawned_from_block_on_run_in_order(place: Place) {
    for tasks in [1, 2, 3, 4, 5, 50, 500] {
        if place == Place::MultiThread && tasks > 50 {
            // They are more than the share that a worker takes at once.
            continue;
        }
        let log = Log::default();
        one_thread(place).block_on(async {
            let one = |n| {
                let log = log.clone();
                spawn_in(place, async move { log.add(n) })
            };
            let release = occupy(place).await;
            let tasks = (0..tasks).map(one).collect();
            release();
            all(tasks).await;
        });
        assert_eq!(log.read(), Vec::from_iter(0..tasks));
    }
}

/// Again and again: what the rounds before have left behind must not matter.
fn d12_tasks_woken_from_block_on_run_in_order(place: Place) {
    let world = one_thread(place);
    world.block_on(async {
        for tasks in [1, 2, 3, 4, 5, 6, 50, 4, 5] {
            let (log, asleep) = (Log::default(), Arc::new(AtomicUsize::new(0)));
            let events: Vec<_> = (0..tasks).map(|_| Event::new()).collect();
            let one = |(n, event): (usize, &Event)| {
                let (log, event, asleep) = (log.clone(), event.clone(), asleep.clone());
                spawn_in(place, async move {
                    asleep.fetch_add(1, Ordering::SeqCst);
                    event.wait().await;
                    log.add(n);
                })
            };
            let handles = events.iter().enumerate().map(one).collect();
            while asleep.load(Ordering::SeqCst) < tasks || events.iter().any(|event| event.waiting() == 0) {
                task::yield_now().await;
            }
            // The last to be spawned is the first to be woken: it is the wakes that count.
            let release = occupy(place).await;
            events.iter().rev().for_each(Event::set);
            release();
            all(handles).await;
            assert_eq!(log.read(), Vec::from_iter((0..tasks).rev()));
        }
    });
}

fn d12_tasks_spawned_before_block_on_run_in_order(place: Place) {
    let (world, log) = (one_thread(place), Log::default());
    let one = |n| {
        let log = log.clone();
        world.spawn(async move { log.add(n) })
    };
    let handles: Vec<_> = (0..5).map(one).collect();
    world.block_on(all(handles));
    assert_eq!(log.read(), [0, 1, 2, 3, 4]);
}

/// What a task spawns or wakes has no precedence either, on one thread.
fn d12_what_a_task_spawns_and_wakes_comes_behind_what_is_ready(place: Place) {
    let (world, log) = (one_thread(place), Log::default());
    world.block_on(async {
        let gate = Event::new();
        let waits = {
            let (log, gate) = (log.clone(), gate.clone());
            spawn_in(place, async move {
                gate.wait().await;
                log.add(9);
            })
        };
        while gate.waiting() == 0 {
            task::yield_now().await;
        }
        let spawner = {
            let (log, gate) = (log.clone(), gate.clone());
            spawn_in(place, async move {
                log.add(0);
                let children = (3..6)
                    .map(|n| {
                        let log = log.clone();
                        spawn_in(place, async move { log.add(n) })
                    })
                    .collect();
                gate.set();
                all(children).await;
            })
        };
        let others = [1, 2].map(|n| {
            let log = log.clone();
            spawn_in(place, async move { log.add(n) })
        });
        all([waits, spawner].into_iter().chain(others).collect()).await;
    });
    assert_eq!(log.read(), [0, 1, 2, 3, 4, 5, 9]);
}

/// A pair that passes a message to and fro gives everybody else a turn in each of its own.
fn d12_a_pair_that_wakes_each_other_takes_turns_with_the_rest(place: Place) {
    let (world, turns) = (one_thread(place), Arc::new(AtomicUsize::new(0)));
    world.block_on(async {
        let counter = {
            let turns = turns.clone();
            // Not `yield_now`, for which tokio's tasks wait longer than others.
            spawn_in(
                place,
                poll_fn(move |cx| {
                    turns.fetch_add(1, Ordering::SeqCst);
                    cx.waker().wake_by_ref();
                    Poll::<()>::Pending
                }),
            )
        };
        let (to, mut at) = runtime::sync::mpsc::channel::<()>(1);
        let (back, mut home) = runtime::sync::mpsc::channel::<()>(1);
        let echo = spawn_in(place, async move {
            while let Some(()) = at.recv().await {
                back.send(()).await.unwrap();
            }
        });
        let caller = spawn_in(place, async move {
            for _ in 0..100 {
                to.send(()).await.unwrap();
                home.recv().await.unwrap();
            }
        });
        all(vec![caller, echo]).await;
        counter.abort();
    });
    let turns = turns.load(Ordering::SeqCst);
    assert!(turns >= 100, "{turns} turns while a pair had 200");
}

fn d12_one_yield_of_block_on_lets_all_that_is_ready_run(place: Place) {
    let (world, ran) = (one_thread(place), Arc::new(AtomicUsize::new(0)));
    world.block_on(async {
        for tasks in [1, 2, 17, ROUND - 1, ROUND] {
            ran.store(0, Ordering::SeqCst);
            for _ in 0..tasks {
                let ran = ran.clone();
                drop(spawn_in(place, async move {
                    ran.fetch_add(1, Ordering::SeqCst);
                }));
            }
            task::yield_now().await;
            assert_eq!(ran.load(Ordering::SeqCst), tasks);
        }
    });
}

/// Also before one whose wake came first, and so does what that task spawns.
fn d12_a_task_that_is_ready_goes_before_a_future_of_block_on_that_was_woken(place: Place) {
    let world = one_thread(place);
    world.block_on(async {
        for _ in 0..100 {
            let (done, small) = (Event::new(), Event::new());
            // Wakes the main future, and then has something small done, as a pool does with a connection that comes back.
            let (sets, ends) = (done.clone(), small.clone());
            drop(spawn_in(place, async move {
                sets.set();
                drop(spawn_in(place, async move {
                    drop(spawn_in(place, async move { ends.set() }));
                }));
            }));
            done.wait().await;
            assert!(small.is_set(), "the main future came before a task that was ready");
        }
    });
}

for_each_place!(
    d12_tasks_spawned_from_block_on_run_in_order,
    d12_tasks_woken_from_block_on_run_in_order,
    d12_tasks_spawned_before_block_on_run_in_order,
);

/// Where the one thread is that inside `block_on`.
macro_rules! for_each_single_threaded_place {
    ($($test:ident),+ $(,)?) => {$(
        mod $test {
            use super::*;

            #[test]
            fn current_thread() {
                let _watch = watchdog();
                super::$test(Place::CurrentThread);
            }

            #[test]
            fn local_set() {
                let _watch = watchdog();
                super::$test(Place::LocalSet);
            }

            #[test]
            fn local_runtime() {
                let _watch = watchdog();
                super::$test(Place::LocalRuntime);
            }
        }
    )+};
}

for_each_single_threaded_place!(
    d12_what_a_task_spawns_and_wakes_comes_behind_what_is_ready,
    d12_a_pair_that_wakes_each_other_takes_turns_with_the_rest,
    d12_one_yield_of_block_on_lets_all_that_is_ready_run,
    d12_a_task_that_is_ready_goes_before_a_future_of_block_on_that_was_woken,
);

/// `tasks` yield for ever; how often do they run between two polls of `block_on`'s future, which is woken all the time?
fn polls_between(interval: Option<u32>, tasks: usize) -> Vec<usize> {
    let mut builder = Builder::new_current_thread();
    if let Some(interval) = interval {
        builder.event_interval(interval);
    }
    let (runtime, polls) = (builder.enable_all().build().unwrap(), Arc::new(AtomicUsize::new(0)));
    for _ in 0..tasks {
        let polls = polls.clone();
        drop(runtime.spawn(poll_fn(move |cx| {
            polls.fetch_add(1, Ordering::SeqCst);
            cx.waker().wake_by_ref();
            Poll::<()>::Pending
        })));
    }
    let mut seen = Vec::new();
    runtime.block_on(poll_fn(|cx| {
        seen.push(polls.swap(0, Ordering::SeqCst));
        cx.waker().wake_by_ref();
        if seen.len() > 20 { Poll::Ready(()) } else { Poll::Pending }
    }));
    assert_eq!(seen.remove(0), 0, "the main future goes first");
    seen
}

#[test]
fn d12_the_future_of_block_on_waits_for_event_interval_polls_at_most() {
    let _watch = watchdog();
    assert_eq!(polls_between(None, 1000), [ROUND; 20]);
    assert_eq!(polls_between(Some(5), 100), [5; 20]);
    assert_eq!(polls_between(Some(1), 100), [1; 20]);
    // Those that are woken while they run count again.
    assert_eq!(polls_between(Some(7), 1), [7; 20]);
}

/// Sockets and timers have their turns while the main future and tasks take theirs.
#[test]
fn d12_a_main_future_that_is_always_woken_starves_no_timer() {
    let _watch = watchdog();
    for tasks in [0, 1, 100] {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        for _ in 0..tasks {
            drop(runtime.spawn(async {
                loop {
                    task::yield_now().await;
                }
            }));
        }
        let fired = Event::new();
        let sets = fired.clone();
        drop(runtime.spawn(async move {
            runtime::time::sleep(std::time::Duration::from_millis(2)).await;
            sets.set();
        }));
        runtime.block_on(async {
            while !fired.is_set() {
                task::yield_now().await;
            }
        });
    }
}
