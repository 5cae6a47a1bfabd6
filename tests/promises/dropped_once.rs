//! P1: a task is dropped exactly once, whatever becomes of it. (`api/task_fates` goes through all cases one by one.)

use runtime::task;
use runtime_tests::{Drops, Place, Rng, for_each_place, planned_panic};
use std::future::pending;

fn a_random_crowd(place: Place) {
    let mut rng = Rng::from_env("dropped_once");
    let (futures, outputs) = (Drops::new(), Drops::new());
    let world = place.build();
    let mut kept = Vec::new();
    for _ in 0..300 {
        let (held, output, fate) = (futures.probe(), outputs.clone(), rng.below(5));
        let handle = world.spawn(async move {
            let _held = held;
            match fate {
                0 => {}
                1 => task::yield_now().await,
                2 => planned_panic(),
                _ => pending().await,
            }
            output.probe()
        });
        match rng.below(4) {
            0 => handle.abort(),
            1 => drop(handle),
            _ => kept.push(handle),
        }
        if rng.one_in(10) {
            world.block_on(task::yield_now());
        }
    }
    drop(world);
    assert_eq!((futures.made(), futures.alive()), (300, 0));
    drop(kept);
    assert_eq!(outputs.alive(), 0);
}

for_each_place!(a_random_crowd);
