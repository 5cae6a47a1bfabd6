//! What servers do most (a wake, an echo, a closure that blocks), beside others who compute: busy
//! processes, or busy threads of one's own process, as many as there are CPUs.
//!
//! There are more of those who want a CPU than CPUs here. A runtime that looks for work by giving its CPU away and asking
//! again gets it back a time slice later; one that sleeps is put before those who compute. That is what these rows show.

use std::thread;
use std::time::{Duration, Instant};

use runtime_benches::{
    Company, Curve, Load, Meter, Metric, Peer, Reading, SocketLoad, Sockets, Spawn, Workload, Wrong, check, echo,
    exchange, percentile, tcp_pairs,
};

use crate::workloads::wake::Wake;

const PERCENTILES: [Metric; 2] = [Metric::named("/p50", "ns", 0.0), Metric::named("/p99", "ns", 0.0)];
/// Between two questions: workers have gone to sleep, or look for work, when the next one comes.
const PAUSE: Duration = Duration::from_micros(200);

pub(crate) fn workloads() -> Vec<Workload> {
    let wake = Wake { pause: Some(PAUSE) };
    let (waking, echoing, blocking) = (
        "from `wake` to the poll every 200 us, beside two (as many as CPUs) who compute without end",
        "TCP echo of 64 B every 200 us, beside two (as many as CPUs) who compute without end",
        "spawn_blocking and back every 200 us, beside two (as many as CPUs) who compute without end",
    );
    vec![
        Workload::of("wake-beside-processes", waking, processes(wake)),
        Workload::of("wake-beside-threads", waking, threads(wake)),
        Workload::with_sockets("echo-beside-processes", echoing, processes(Echo)),
        Workload::with_sockets("echo-beside-threads", echoing, threads(Echo)),
        Workload::of("blocking-beside-processes", blocking, processes(Closure)).in_fresh_process(),
        Workload::of("blocking-beside-threads", blocking, threads(Closure)).in_fresh_process(),
    ]
    .into_iter()
    .map(|workload| workload.reads(&PERCENTILES).in_few_rounds())
    .collect()
}

/// On two CPUs, two: none is free.
fn as_many_as_cpus() -> usize {
    thread::available_parallelism().map_or(2, usize::from).max(2)
}

fn processes<L>(load: L) -> Beside<L> {
    Beside { company: || Company::processes(as_many_as_cpus()), load }
}

fn threads<L>(load: L) -> Beside<L> {
    Beside { company: || Ok(Company::threads(as_many_as_cpus())), load }
}

/// A load with company.
#[derive(Clone, Copy)]
struct Beside<L> {
    company: fn() -> Result<Company, Wrong>,
    load: L,
}

impl<L: Load> Load for Beside<L> {
    fn run<P: Peer>(&self, peer: &P, meter: Meter) -> Result<Reading, Wrong> {
        let _company = (self.company)()?;
        let reading = self.load.run(peer, meter)?;
        // The CPU time of the process is mostly that of the busy threads.
        Ok(Reading { cpu_ns: None, ..reading })
    }
}

impl<L: SocketLoad> SocketLoad for Beside<L> {
    fn run<P: Sockets>(self, peer: &P, meter: Meter) -> Result<Reading, Wrong> {
        let _company = (self.company)()?;
        self.load.run(peer, meter)
    }
}

/// Asks again and again; returns how long each answer took.
fn paced(meter: Meter, mut ask: impl FnMut(u64) -> Result<(), Wrong>) -> Result<Reading, Wrong> {
    let mut asked = 0;
    let mut warm_up = meter.warm_up();
    while warm_up.goes_on() {
        thread::sleep(PAUSE);
        ask(asked)?;
        asked += 1;
        warm_up.add(1);
    }
    let mut times = Vec::with_capacity(1 << 12);
    let mut span = meter.start();
    while span.goes_on() {
        thread::sleep(PAUSE);
        let since = Instant::now();
        ask(asked)?;
        times.push(since.elapsed().as_nanos() as f64);
        asked += 1;
        span.add(1);
    }
    let reading = Reading::of(vec![percentile(&mut times, 0.5), percentile(&mut times, 0.99)]);
    Ok(reading.with_curve(Curve::of(&mut times)))
}

#[derive(Clone, Copy)]
struct Echo;

impl SocketLoad for Echo {
    fn run<P: Sockets>(self, peer: &P, meter: Meter) -> Result<Reading, Wrong> {
        let (near, far) = tcp_pairs(1)?.remove(0);
        let served = peer.handle().spawn(echo::<P>(far));
        let mut asked = 0;
        let reading = paced(meter, |number| {
            asked += 1;
            exchange(&near, number)
        })?;
        drop(near);
        check("the count of echoes", futures_lite::future::block_on(served)?, asked)?;
        Ok(reading)
    }
}

#[derive(Clone, Copy)]
struct Closure;

impl Load for Closure {
    fn run<P: Peer>(&self, peer: &P, meter: Meter) -> Result<Reading, Wrong> {
        let handle = peer.handle();
        paced(meter, |number| {
            let answer = futures_lite::future::block_on(handle.spawn_blocking(move || number + 1));
            check("the closure's answer", answer, number + 1)
        })
    }
}
