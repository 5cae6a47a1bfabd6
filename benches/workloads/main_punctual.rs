//! Whether the future inside `block_on` is punctual while tasks block: `main` accepts, ticks and watches for signals, and must
//! not wait for a task that its own thread happened to take.

use std::thread;
use std::time::{Duration, Instant};

use runtime_benches::{Meter, Metric, Ours, Peer, Reading, Smol, Spawn, Timers, Tokio, Workload, Wrong, percentile};

use crate::workloads::timers::late;

/// Beside one that blocks, enough workers are left for everything else.
const MORE_WORKERS: usize = 2;

pub(crate) fn workloads() -> Vec<Workload> {
    let often = "main sleeps 2 ms again and again; of three tasks each time one in ten blocks 20 ms";
    let once = "main spawns a task that blocks 300 ms and sleeps 100 ms: how late it is";
    vec![
        Workload::new("main-punctual-2ms", often)
            .runtime(Ours::NAME, repeated::<Ours>)
            .runtime(Tokio::NAME, repeated::<Tokio>)
            .runtime(Smol::NAME, repeated::<Smol>)
            .reads(&[Metric::named("/late-p50", "ns", 0.0), Metric::named("/late-p99", "ns", 0.0)])
            .in_few_rounds(),
        Workload::new("main-punctual-100ms", once)
            .runtime(Ours::NAME, single::<Ours>)
            .runtime(Tokio::NAME, single::<Tokio>)
            .runtime(Smol::NAME, single::<Smol>)
            .reads(&[Metric::named("/late", "ns", 0.0)])
            .in_few_rounds(),
    ]
}

fn repeated<P: Timers>(meter: Meter) -> Result<Reading, Wrong> {
    const TASKS: u64 = 3;
    const EVERY: u64 = 10;
    let peer = P::build(meter.workers() + MORE_WORKERS);
    let here = peer.here();
    let period = meter.target() * 2;
    let mut lates = peer.block_on(async move {
        let (mut lates, mut joins) = (Vec::new(), Vec::new());
        let since = Instant::now();
        for turn in 0.. {
            let one = |number| async move {
                P::sleep(Duration::from_millis(1)).await;
                if turn % EVERY == 1 && number == 0 {
                    thread::sleep(Duration::from_millis(20));
                }
            };
            joins.extend((0..TASKS).map(|number| here.spawn(one(number))));
            lates.push(late::<P>(Duration::from_millis(2)).await?);
            if since.elapsed() >= period && turn > EVERY {
                break;
            }
        }
        for join in joins {
            join.await;
        }
        Ok::<_, Wrong>(lates)
    })?;
    Ok(Reading::of(vec![percentile(&mut lates, 0.5), percentile(&mut lates, 0.99)]))
}

fn single<P: Timers>(meter: Meter) -> Result<Reading, Wrong> {
    let peer = P::build(meter.workers() + MORE_WORKERS);
    let here = peer.here();
    let late = peer.block_on(async move {
        let blocks = here.spawn(async { thread::sleep(Duration::from_millis(300)) });
        let late = late::<P>(Duration::from_millis(100)).await?;
        blocks.await;
        Ok::<_, Wrong>(late)
    })?;
    Ok(Reading::of(vec![late]))
}
