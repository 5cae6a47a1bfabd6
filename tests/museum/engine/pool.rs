//! Blocking pool and fairness (B, F).

use runtime::runtime::Handle;
use runtime::task::{self};
use runtime_tests::{Event, Flavor, Rng, for_each_flavor};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

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

/// What a closure that is refused has captured comes to the pool once more while it is dropped.
///
/// Fault: `close` that cancels with the lock held.
fn museum_b3_a_closure_that_is_refused_uses_the_pool_while_it_is_dropped(flavor: Flavor) {
    struct SpawnsOnceMore(Handle, Arc<AtomicUsize>);
    impl Drop for SpawnsOnceMore {
        fn drop(&mut self) {
            self.1.fetch_add(1, Ordering::SeqCst);
            drop(self.0.spawn_blocking(|| ()));
        }
    }
    let runtime = flavor.builder().max_blocking_threads(1).build().unwrap();
    let (handle, dropped) = (runtime.handle().clone(), Arc::new(AtomicUsize::new(0)));
    let spawn = || {
        let held = SpawnsOnceMore(handle.clone(), dropped.clone());
        drop(handle.spawn_blocking(move || drop(held)));
    };
    let (begun, gate) = (Event::new(), Event::new());
    let (begins, waits) = (begun.clone(), gate.clone());
    drop(runtime.spawn_blocking(move || {
        begins.set();
        waits.wait_blocking();
    }));
    begun.wait_blocking();
    // They wait because the pool is full, and are cancelled at the end;
    (0..3).for_each(|_| spawn());
    runtime.shutdown_background();
    assert_eq!(dropped.load(Ordering::SeqCst), 3);
    // this one comes afterwards.
    spawn();
    assert_eq!(dropped.load(Ordering::SeqCst), 4);
    gate.set();
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
    museum_b1_jobs_race_with_threads_that_leave,
    museum_b3_pools_of_every_small_size,
    museum_b3_a_closure_that_is_refused_uses_the_pool_while_it_is_dropped,
    museum_f3_tasks_from_outside_run_beside_busy_local_ones,
    museum_f6_detached_tasks_are_kept,
);
