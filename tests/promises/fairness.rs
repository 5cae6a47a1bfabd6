//! P3: a task that is ready runs before long. Counted in polls, not in time.

use runtime::task::{self, coop};
use runtime_tests::{Event, Place, for_each_place};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Spawns tasks that keep every queue busy and count their steps; another task must run before they make so many more.
fn another_runs_within(
    steps: usize,
    place: Place,
    mut busy: impl FnMut(&Arc<AtomicUsize>, &Arc<AtomicBool>, &dyn Fn(Busy)),
) {
    let world = place.build();
    let (polls, stop) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let handles = std::cell::RefCell::new(Vec::new());
    busy(&polls, &stop, &|task| handles.borrow_mut().push(world.spawn(task)));
    world.run_until("the busy tasks to be busy", || polls.load(Ordering::SeqCst) > 100);
    let ran = Event::new();
    let (sets, seen, before) = (ran.clone(), polls.clone(), polls.load(Ordering::SeqCst));
    let other = world.spawn(async move {
        sets.set();
        seen.load(Ordering::SeqCst) - before
    });
    let waited = world.block_on(other).unwrap();
    stop.store(true, Ordering::SeqCst);
    world.block_on(async {
        for handle in handles.into_inner() {
            handle.await.unwrap();
        }
    });
    // With threads of its own the runtime runs on while this one is not even scheduled: there it must only end.
    if place.is_single_threaded() {
        assert!(waited < steps, "{waited} steps of busy tasks before another task ran");
    }
}

type Busy = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

fn beside_tasks_that_yield(place: Place) {
    another_runs_within(5_000, place, |polls, stop, spawn| {
        for _ in 0..20 {
            let (polls, stop) = (polls.clone(), stop.clone());
            spawn(Box::pin(async move {
                while !stop.load(Ordering::SeqCst) {
                    polls.fetch_add(1, Ordering::SeqCst);
                    task::yield_now().await;
                }
            }));
        }
    });
}

fn beside_tasks_that_are_always_ready(place: Place) {
    // A poll has a budget of 128 steps.
    another_runs_within(200 * 128, place, |polls, stop, spawn| {
        for _ in 0..3 {
            let (polls, stop) = (polls.clone(), stop.clone());
            spawn(Box::pin(async move {
                while !stop.load(Ordering::SeqCst) {
                    polls.fetch_add(1, Ordering::SeqCst);
                    coop::consume_budget().await;
                }
            }));
        }
    });
}

for_each_place!(beside_tasks_that_yield, beside_tasks_that_are_always_ready);
