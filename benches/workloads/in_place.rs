//! What the others get done while one task blocks in place: its worker's seat must go to somebody who works.
//!
//! The others hold their workers without computing: how many seats are taken shall be seen, not how many CPUs are free.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use runtime_benches::{InPlace, Meter, Ours, Peer, Reading, Spawn, Tokio, Workload, Wrong, check};

use crate::workloads::fan_out::{steps_per_micro, work};

const PIECE: Duration = Duration::from_micros(200);
/// Between waking another worker and blocking in place: the other one looks for more meanwhile.
const BEFORE: u64 = 50;
const TASKS_PER_WORKER: usize = 2;

pub(crate) fn workloads() -> Vec<Workload> {
    let about =
        "a task is in block_in_place, others hold their worker for 200 us and yield, two a worker: time per such piece";
    vec![
        Workload::new("block-in-place", about)
            .runtime(Ours::NAME, beside::<Ours>)
            .runtime(Tokio::NAME, beside::<Tokio>)
            .in_few_rounds(),
    ]
}

/// Nobody is inside `block_on`: the thread there might take the place of the one that blocks.
fn beside<P: InPlace>(meter: Meter) -> Result<Reading, Wrong> {
    let steps = steps_per_micro() * BEFORE;
    let peer = P::build(meter.workers());
    let (handle, here) = (peer.handle(), peer.here());
    // All workers are up, and have gone to sleep again.
    let up: Vec<_> =
        (0..meter.workers()).map(|_| handle.spawn(async { thread::sleep(Duration::from_millis(2)) })).collect();
    for join in up {
        futures_lite::future::block_on(join);
    }
    thread::sleep(Duration::from_millis(5));
    let (begun, begins) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let blocked = handle.spawn(async move {
        // Something short wakes another worker; when that one looks for more, this one is not yet in place.
        for _ in 0..3 {
            here.detach(async {});
        }
        black_box(work(1, steps));
        P::block_in_place(move || {
            // The other side waits for it.
            let _ = begun.send(());
            let _ = released.recv();
        });
        7
    });
    begins.recv().map_err(|_| Wrong("the task that blocks in place ended early".to_owned()))?;
    let (over, pieces) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let one = |_| {
        let (over, pieces) = (over.clone(), pieces.clone());
        handle.spawn(async move {
            while !over.load(Ordering::Relaxed) {
                thread::sleep(PIECE);
                pieces.fetch_add(1, Ordering::Relaxed);
                P::yield_now().await;
            }
        })
    };
    let joins: Vec<_> = (0..TASKS_PER_WORKER * meter.workers()).map(one).collect();
    thread::sleep(meter.target() / 6);
    let (since, before) = (Instant::now(), pieces.load(Ordering::Relaxed));
    thread::sleep(meter.target());
    let (taken, after) = (since.elapsed(), pieces.load(Ordering::Relaxed));
    over.store(true, Ordering::Relaxed);
    drop(release);
    for join in joins {
        futures_lite::future::block_on(join);
    }
    check("the output of the task that blocked", futures_lite::future::block_on(blocked), 7)?;
    // With none at all it is as slow as one piece in all of the time, at best.
    Ok(Reading::of(vec![taken.as_nanos() as f64 / (after - before).max(1) as f64]))
}
