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

/// So that all of a burst are alive at once: workers of their own would run the first ones meanwhile.
async fn hold_workers(flavor: Flavor) -> Event {
    let release = Event::new();
    let Flavor::MultiThread(workers) = flavor else { return release };
    for _ in 0..workers {
        let (held, waits) = (Event::new(), release.clone());
        let sets = held.clone();
        drop(runtime::spawn(async move {
            sets.set();
            waits.wait_blocking();
        }));
        held.wait().await;
    }
    release
}

/// Sets its event when it is dropped, also by a panic.
struct EndsWith(Event);

impl Drop for EndsWith {
    fn drop(&mut self) {
        self.0.set();
    }
}

/// A burst of tasks, and then nothing: nobody wakes the workers for it.
#[test]
fn d36_workers_give_their_stores_back() {
    let _watch = watchdog_secs(60);
    let _alone = process::alone();
    for flavor in [Flavor::MultiThread(2), Flavor::CurrentThread] {
        // No spares: they would run what the workers are held up for.
        let runtime = flavor.build_without_rescue();
        runtime.block_on(async { runtime::spawn(async {}).await.unwrap() });
        let before = live().bytes;
        let (end, over, peak) = (Event::new(), Event::new(), AtomicU64::new(0));
        std::thread::scope(|scope| {
            let ended = end.wait();
            scope.spawn(|| {
                runtime.block_on(async {
                    for _ in 0..5 {
                        let release = hold_workers(flavor).await;
                        let burst: Vec<_> = (0..12_000).map(|_| runtime::spawn(task::yield_now())).collect();
                        peak.fetch_max((live().bytes - before).max(0) as u64, Ordering::Relaxed);
                        release.set();
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
            // Before anything can fail: the scope waits for that thread.
            let lets_go = EndsWith(end);
            // Full, each of them is a megabyte.
            assert!(peak.load(Ordering::Relaxed) > 1 << 20, "{peak:?} bytes were all there was");
            wait_until("the stores to be given back", || live().bytes - before < 256 << 10);
            drop(lets_go);
        });
    }
}
