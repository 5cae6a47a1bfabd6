//! `yield_now`.

use runtime::task;
use runtime_tests::{Event, Place, WakeCount, for_each_place};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

fn lets_the_others_run(place: Place) {
    let world = place.build();
    let turns = Arc::new(AtomicUsize::new(0));
    let handles: Vec<_> = (0..3)
        .map(|_| {
            let turns = turns.clone();
            world.spawn(async move {
                for _ in 0..100 {
                    turns.fetch_add(1, Ordering::SeqCst);
                    task::yield_now().await;
                }
            })
        })
        .collect();
    world.block_on(async {
        for handle in handles {
            handle.await.unwrap();
        }
    });
    assert_eq!(turns.load(Ordering::SeqCst), 300);
}

fn a_loop_that_yields_does_not_starve_a_woken_task(place: Place) {
    let world = place.build();
    let (woken, seen) = (Event::new(), Event::new());
    let (waits, sees) = (woken.clone(), seen.clone());
    drop(world.spawn(async move {
        waits.wait().await;
        sees.set();
    }));
    let spinner = world.spawn(async move {
        woken.set();
        while !seen.is_set() {
            task::yield_now().await;
        }
    });
    world.block_on(spinner).unwrap();
}

fn is_pending_once_and_wakes_itself_elsewhere(place: Place) {
    // Also under a waker that is not the runtime's.
    let world = place.build();
    world.block_on(async {
        let count = WakeCount::new();
        let mut future = Box::pin(task::yield_now());
        assert!(count.poll(&mut future).is_pending());
        task::yield_now().await;
        runtime_tests::wait_until("the wake", || count.wakes() == 1 || count.alive() > 0);
        for _ in 0..1000 {
            if count.wakes() == 1 {
                break;
            }
            task::yield_now().await;
        }
        assert_eq!(count.wakes(), 1);
        assert!(count.poll(&mut future).is_ready());
    });
}

for_each_place!(
    lets_the_others_run,
    a_loop_that_yields_does_not_starve_a_woken_task,
    is_pending_once_and_wakes_itself_elsewhere
);

#[test]
fn works_without_a_runtime() {
    let count = WakeCount::new();
    let mut future = Box::pin(task::yield_now());
    assert!(count.poll(&mut future).is_pending());
    assert_eq!(count.wakes(), 1);
    assert!(count.poll(&mut future).is_ready());
}
