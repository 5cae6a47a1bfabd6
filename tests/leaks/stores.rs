//! The memory that is kept for new tasks and closures: bounded, and given back.

use runtime::task;
use runtime_tests::counting_alloc::live;
use runtime_tests::{Event, Flavor, process, wait_until, watchdog_secs};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};

const THREADS: usize = 200;
/// How many closures. 4 million with `LONG=1`.
const CLOSURES: usize = 100_000;

/// Frees are spread over all threads of the pool, and none of them spawns.
#[test]
fn d36_threads_of_the_pool_keep_no_closures() {
    let _watch = watchdog_secs(120);
    let _alone = process::alone();
    let runtime = Flavor::MultiThread(2).builder().max_blocking_threads(THREADS).build().unwrap();
    let meet = Arc::new(Barrier::new(THREADS + 1));
    for _ in 0..THREADS {
        let meet = meet.clone();
        drop(runtime.spawn_blocking(move || {
            meet.wait();
        }));
    }
    meet.wait();
    let run = |closures: usize| {
        let done = Arc::new(AtomicUsize::new(0));
        for _ in 0..closures {
            let (done, bytes) = (done.clone(), [0_u8; 64]);
            drop(runtime.spawn_blocking(move || {
                std::hint::black_box(&bytes);
                done.fetch_add(1, Ordering::Relaxed);
            }));
        }
        wait_until("the closures", || done.load(Ordering::Relaxed) == closures);
    };
    run(1_000);
    let before = live().bytes;
    run(if std::env::var_os("LONG").is_some() { 4_000_000 } else { CLOSURES });
    let grown = live().bytes - before;
    assert!(grown < 256 << 10, "{grown} bytes more are kept after the closures");
}

/// A burst of tasks, and then nothing: nobody wakes the workers for it.
#[test]
fn d36_workers_give_their_stores_back() {
    let _watch = watchdog_secs(60);
    let _alone = process::alone();
    for flavor in [Flavor::MultiThread(2), Flavor::CurrentThread] {
        let runtime = flavor.build();
        runtime.block_on(async { runtime::spawn(async {}).await.unwrap() });
        let before = live().bytes;
        let (end, over, peak) = (Event::new(), Event::new(), AtomicU64::new(0));
        std::thread::scope(|scope| {
            let ended = end.wait();
            scope.spawn(|| {
                runtime.block_on(async {
                    for _ in 0..5 {
                        let burst: Vec<_> = (0..10_000).map(|_| runtime::spawn(task::yield_now())).collect();
                        peak.fetch_max((live().bytes - before).max(0) as u64, Ordering::Relaxed);
                        for task in burst {
                            task.await.unwrap();
                        }
                    }
                    over.set();
                    // Like every worker, this thread has nothing to do from now on.
                    ended.await;
                });
            });
            wait_until("the bursts", || over.is_set());
            // Full, each of them is a megabyte.
            assert!(cfg!(no_task_cache) || peak.load(Ordering::Relaxed) > 1 << 19, "{peak:?} bytes were all there was");
            wait_until("the stores to be given back", || live().bytes - before < 256 << 10);
            end.set();
        });
    }
}
