//! P2: a `JoinHandle` always resolves.

use runtime_tests::{Flavor, Rng, for_each_flavor, planned_panic};
use std::future::pending;

fn whatever_happens(flavor: Flavor) {
    let mut rng = Rng::from_env("join_resolves");
    for _ in 0..30 {
        let runtime = flavor.build();
        let door = runtime.handle().clone();
        let seed = rng.bits();
        // Spawns before, during and after the end of the runtime.
        let spawner = std::thread::spawn(move || {
            let mut rng = Rng::new(seed);
            let spawn = |_| {
                let fate = rng.below(4);
                let handle = door.spawn(async move {
                    match fate {
                        0 => {}
                        1 => runtime::task::yield_now().await,
                        2 => planned_panic(),
                        _ => pending().await,
                    }
                });
                if rng.one_in(4) {
                    handle.abort();
                }
                handle
            };
            (0..100).map(spawn).collect::<Vec<_>>()
        });
        for _ in 0..rng.below(2_000) {
            std::hint::spin_loop();
        }
        drop(runtime);
        let handles = spawner.join().unwrap();
        Flavor::CurrentThread.build().block_on(async {
            for handle in handles {
                drop(handle.await);
            }
        });
    }
}

for_each_flavor!(whatever_happens);
