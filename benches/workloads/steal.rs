//! Many who have work and cannot do it, and one who must take it from them.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use runtime_benches::{Meter, Metric, Ours, Peer, Reading, Smol, Spawn, Tokio, Workload, Wrong, percentile};

use crate::workloads::fan_out::{steps_per_micro, work};

const VICTIMS: u64 = 6;
const EACH: u64 = 1500;
/// A pass is cut off then: the victims do the rest themselves.
const CUT_OFF: Duration = Duration::from_millis(200);
/// How long a victim waits for the others: one that came to the same worker as another would wait for ever.
const TOGETHER: Duration = Duration::from_millis(50);

pub(crate) fn workloads() -> Vec<Workload> {
    let about =
        "6 workers spawn 1500 tasks of 1 us each and block until a seventh has done all of them; cut off at 200 ms";
    let last = "the same, where the task that each victim spawned last counts, too (tokio never takes it from there)";
    vec![
        Workload::new("steal-drain-6", about)
            .runtime(Ours::NAME, |meter| drain::<Ours>(meter, Last::Free))
            .runtime(Tokio::NAME, |meter| drain::<Tokio>(meter, Last::Free))
            .runtime(Smol::NAME, |meter| drain::<Smol>(meter, Last::Free))
            .reads(&[Metric::named("/p50", "ns", 0.0), Metric::named("/max", "ns", 0.0)])
            .in_few_rounds(),
        Workload::new("steal-drain-6-last", last)
            .runtime(Ours::NAME, |meter| drain::<Ours>(meter, Last::Counts))
            .runtime(Tokio::NAME, |meter| drain::<Tokio>(meter, Last::Counts))
            .runtime(Smol::NAME, |meter| drain::<Smol>(meter, Last::Counts))
            .reads(&[Metric::named("/p50", "ns", 0.0), Metric::named("/max", "ns", 0.0)])
            .in_few_rounds(),
    ]
}

/// The task that a victim spawned last. Some schedulers keep it apart, for that worker to run next; tokio's never gives it to
/// another one, so that its victims wait until they are cut off.
#[derive(Clone, Copy)]
enum Last {
    /// One more than those that are waited for.
    Free,
    /// One of those.
    Counts,
}

fn drain<P: Peer>(meter: Meter, last: Last) -> Result<Reading, Wrong> {
    let peer = P::build(VICTIMS as usize + 1);
    let mut times = Vec::new();
    let since = Instant::now();
    pass(&peer, last)?;
    while times.len() < 3 || since.elapsed() < meter.target() * 4 {
        // The workers go to sleep.
        thread::sleep(Duration::from_millis(2));
        times.push(pass(&peer, last)?.as_nanos() as f64);
    }
    Ok(Reading::of(vec![percentile(&mut times, 0.5), percentile(&mut times, 1.0)]))
}

/// From the moment when all victims hold a worker to the end of the last task.
fn pass<P: Peer>(peer: &P, last: Last) -> Result<Duration, Wrong> {
    let steps = steps_per_micro();
    let (arrived, left) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(VICTIMS * EACH)));
    let (ended, ends) = mpsc::channel();
    for _ in 0..VICTIMS {
        let (arrived, left, ended, here) = (arrived.clone(), left.clone(), ended.clone(), peer.here());
        peer.handle().detach(async move {
            arrived.fetch_add(1, Ordering::AcqRel);
            wait(TOGETHER, || arrived.load(Ordering::Acquire) == VICTIMS);
            let since = Instant::now();
            for number in 0..EACH {
                let left = left.clone();
                here.detach(async move {
                    black_box(work(number, steps));
                    left.fetch_sub(1, Ordering::AcqRel);
                });
            }
            if let Last::Free = last {
                here.detach(async {});
            }
            wait(CUT_OFF, || left.load(Ordering::Acquire) == 0);
            // The receiver waits for all.
            let _ = ended.send(since.elapsed());
        });
    }
    drop(ended);
    let worst = ends.iter().take(VICTIMS as usize).max();
    while left.load(Ordering::Acquire) > 0 {
        thread::sleep(Duration::from_millis(1));
    }
    worst.ok_or_else(|| Wrong("no victim ended".to_owned()))
}

/// Blocks the thread.
fn wait(at_most: Duration, until: impl Fn() -> bool) {
    let since = Instant::now();
    while !until() && since.elapsed() < at_most {
        thread::sleep(Duration::from_micros(100));
    }
}
