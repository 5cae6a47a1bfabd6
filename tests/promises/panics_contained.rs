//! P7: a panic in a task stays there.

use runtime::task;
use runtime_tests::probe::OnDrop;
use runtime_tests::{Place, for_each_place, planned_panic};
use std::future::pending;

fn a_thousand_panics_of_every_kind(place: Place) {
    let world = place.build();
    let bystander = world.spawn(async {
        for _ in 0..100 {
            task::yield_now().await;
        }
        "unharmed"
    });
    let mut handles: Vec<task::JoinHandle<()>> = Vec::new();
    for kind in 0..1_000 {
        let handle = match kind % 4 {
            0 => world.spawn(async { planned_panic() }),
            1 => world.spawn(async {
                task::yield_now().await;
                planned_panic()
            }),
            2 => world.spawn(async {
                let _bomb = OnDrop(|| planned_panic());
                task::yield_now().await;
            }),
            _ => {
                let bomb = OnDrop(|| planned_panic());
                let handle = world.spawn(async move {
                    let _bomb = bomb;
                    pending::<()>().await;
                });
                handle.abort();
                handle
            }
        };
        handles.push(handle);
    }
    world.block_on(async {
        for handle in handles {
            assert!(handle.await.unwrap_err().is_panic());
        }
        assert_eq!(bystander.await.unwrap(), "unharmed");
    });
}

for_each_place!(a_thousand_panics_of_every_kind);
