//! Tasks that wait: the memory they take, and what a runtime does while all of them do. Each reading is a fresh process.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use runtime_benches::{
    Load, Meter, Metric, Peer, Reading, Spawn, Workload, Wrong, check, context_switches, cpu_time, resident_bytes,
};
use tokio::sync::oneshot;

const KEPT: u64 = 100_000;
/// Spawned and polled at a time, so that queues need not grow to hold them all.
const BATCH: u64 = 500;
const PARKED: u64 = 10_000;

/// Below a tenth of a percent of one CPU, the process that sleeps in the measurement is what is seen.
const CPU: Metric = Metric { suffix: "/cpu", unit: "us/s", floor: 1000.0 };
/// Ten a second are a timer at 5 Hz, or the measuring thread's own.
const SWITCHES: Metric = Metric { suffix: "/switches", unit: "/s", floor: 10.0 };
const BYTES: Metric = Metric { suffix: "", unit: "B", floor: 0.0 };

pub(crate) fn workloads() -> Vec<Workload> {
    let mut workloads = Vec::new();
    if resident_bytes().is_some() {
        let about = "resident bytes per task of 100,000 that wait, join handles kept";
        workloads.push(Workload::of("idle-memory", about, Memory).reads(&[BYTES]).in_fresh_process());
    }
    if context_switches().is_some() {
        let about = "CPU time and context switches while 10,000 tasks wait";
        workloads.push(Workload::of("idle-cpu", about, Idle).reads(&[CPU, SWITCHES]).in_fresh_process());
    }
    workloads
}

const NO_PROC: &str = "this system does not say what a process uses";

fn wait_until(polled: &AtomicU64, count: u64) {
    while polled.load(Ordering::Acquire) < count {
        thread::yield_now();
    }
}

#[derive(Clone, Copy)]
struct Memory;

impl Load for Memory {
    fn run<P: Peer>(&self, peer: &P, _: Meter) -> Result<Reading, Wrong> {
        let handle = peer.handle();
        let polled = Arc::new(AtomicU64::new(0));
        // All threads are up and have used their stacks before the first look.
        futures_lite::future::block_on(async {
            for join in (0..BATCH).map(|_| handle.spawn(async {})).collect::<Vec<_>>() {
                join.await;
            }
        });
        let bytes = || resident_bytes().ok_or_else(|| Wrong(NO_PROC.to_owned()));
        let before = bytes()?;
        let mut kept = Vec::with_capacity(KEPT as usize);
        for spawned in (0..KEPT).step_by(BATCH as usize) {
            for _ in 0..BATCH {
                let polled = polled.clone();
                kept.push(handle.spawn(async move {
                    polled.fetch_add(1, Ordering::Release);
                    drop(polled);
                    pending::<()>().await;
                }));
            }
            wait_until(&polled, spawned + BATCH);
        }
        let after = bytes()?;
        check("the count of tasks that were polled", polled.load(Ordering::Acquire), KEPT)?;
        check("the count of join handles", kept.len() as u64, KEPT)?;
        Ok(Reading::of(vec![after.saturating_sub(before) as f64 / KEPT as f64]))
    }
}

#[derive(Clone, Copy)]
struct Idle;

impl Load for Idle {
    fn run<P: Peer>(&self, peer: &P, meter: Meter) -> Result<Reading, Wrong> {
        let handle = peer.handle();
        let polled = Arc::new(AtomicU64::new(0));
        let parked = (0..PARKED).map(|number| {
            let (wake, woken) = oneshot::channel();
            let polled = polled.clone();
            let join = handle.spawn(async move {
                polled.fetch_add(1, Ordering::Release);
                woken.await.map_or(0, |()| number)
            });
            (wake, join)
        });
        let parked: Vec<_> = parked.collect();
        wait_until(&polled, PARKED);
        let period = meter.target() * 20;
        // What happens while the runtime falls asleep is not idleness.
        thread::sleep(period / 10);
        let switches = || context_switches().ok_or_else(|| Wrong(NO_PROC.to_owned()));
        let (cpu_before, switches_before) = (cpu_time(), switches()?);
        thread::sleep(period);
        let cpu = cpu_time().saturating_sub(cpu_before);
        let switched = switches()?.saturating_sub(switches_before);
        let sum = futures_lite::future::block_on(wake_all(parked));
        check("the sum of the woken tasks' numbers", sum, PARKED * (PARKED - 1) / 2)?;
        let per_second = |amount: f64| amount / period.as_secs_f64();
        let micros = cpu.as_nanos() as f64 / Duration::from_micros(1).as_nanos() as f64;
        Ok(Reading::of(vec![per_second(micros), per_second(switched as f64)]))
    }
}

async fn wake_all<J: Future<Output = u64>>(parked: Vec<(oneshot::Sender<()>, J)>) -> u64 {
    let (wakes, joins): (Vec<_>, Vec<_>) = parked.into_iter().unzip();
    for wake in wakes {
        wake.send(()).expect("the task waits for it");
    }
    let mut sum = 0;
    for join in joins {
        sum += join.await;
    }
    sum
}
