//! Closures that block: one after the other, a crowd at once, a crowd that waits. Beside: two threads that read closures
//! from a channel, which is all that closures need when none of them blocks for long.
//!
//! Each reading is a fresh process: smol's pool is global, and some versions of it never end an idle thread.

use std::io;
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use runtime_benches::{InTask, Meter, Ours, Passes, Peer, Reading, Spawn, Tokio, Workload, Wrong, check, percentile};

const ONE_BY_ONE: u64 = 200;
const CROWD: u64 = 5000;

pub(crate) fn workloads() -> Vec<Workload> {
    vec![
        Workload::of("blocking-one", "a task awaits one spawn_blocking after the other", InTask(OneByOne))
            .beside("channel", |meter| Bare::new(meter).measure(meter, Bare::one_by_one))
            .in_fresh_process(),
        Workload::of("blocking-5000", "5000 spawn_blocking at once, then all joined", InTask(Crowd))
            .beside("channel", |meter| Bare::new(meter).measure(meter, Bare::crowd))
            .in_fresh_process(),
        Workload::of("blocking-wait-1000x100us", "1000 spawn_blocking at once that wait 100 us each, all joined", InTask(Waiting))
            .in_fresh_process(),
        Workload::new("blocking-internal-beside-full", "512 spawn_blocking sleep 20 ms; a name that needs no network is looked up meanwhile")
            .runtime(Ours::NAME, beside_full::<Ours>)
            .runtime(Tokio::NAME, beside_full::<Tokio>)
            .in_few_rounds()
            .in_fresh_process(),
    ]
}

/// What each closure computes.
fn answer(number: u64) -> u64 {
    number ^ 1
}

/// The sum of all answers: with an even count, the same numbers in another order.
fn check_sum(sum: u64, count: u64) -> Result<u64, Wrong> {
    check("the sum of the answers", sum, count * (count - 1) / 2)?;
    Ok(count)
}

#[derive(Clone, Copy)]
struct OneByOne;

impl Passes for OneByOne {
    async fn pass<P: Peer>(self, here: P::Here) -> Result<u64, Wrong> {
        let mut sum = 0;
        for number in 0..ONE_BY_ONE {
            sum += here.spawn_blocking(move || answer(number)).await;
        }
        check_sum(sum, ONE_BY_ONE)
    }
}

#[derive(Clone, Copy)]
struct Crowd;

impl Passes for Crowd {
    async fn pass<P: Peer>(self, here: P::Here) -> Result<u64, Wrong> {
        let joins: Vec<_> = (0..CROWD).map(|number| here.spawn_blocking(move || answer(number))).collect();
        let mut sum = 0;
        for join in joins {
            sum += join.await;
        }
        check_sum(sum, CROWD)
    }
}

/// Closures that wait, as those that read files or ask a database do: a CPU is free meanwhile for another of them.
#[derive(Clone, Copy)]
struct Waiting;

impl Passes for Waiting {
    async fn pass<P: Peer>(self, here: P::Here) -> Result<u64, Wrong> {
        const COUNT: u64 = 1000;
        const WAIT: Duration = Duration::from_micros(100);
        let wait = |number| {
            move || {
                thread::sleep(WAIT);
                answer(number)
            }
        };
        let joins: Vec<_> = (0..COUNT).map(|number| here.spawn_blocking(wait(number))).collect();
        let mut sum = 0;
        for join in joins {
            sum += join.await;
        }
        check_sum(sum, COUNT)
    }
}

/// A runtime that looks names up.
trait Names: Peer {
    fn look_up() -> impl Future<Output = io::Result<usize>> + Send;
}

const NAME: &str = "localhost:0";

impl Names for Ours {
    async fn look_up() -> io::Result<usize> {
        Ok(runtime::net::lookup_host(NAME).await?.count())
    }
}

impl Names for Tokio {
    async fn look_up() -> io::Result<usize> {
        Ok(tokio::net::lookup_host(NAME).await?.count())
    }
}

/// The median of a few, each of which finds all threads for closures asleep.
fn beside_full<P: Names>(meter: Meter) -> Result<Reading, Wrong> {
    const SLEEPERS: usize = 512;
    const SLEEP: Duration = Duration::from_millis(20);
    const TIMES: usize = 5;
    let peer = P::build(meter.workers());
    let here = peer.here();
    let mut took = peer.block_on(async move {
        let mut took = Vec::new();
        for _ in 0..TIMES {
            let sleepers: Vec<_> = (0..SLEEPERS).map(|_| here.spawn_blocking(|| thread::sleep(SLEEP))).collect();
            let begun = Instant::now();
            let found = P::look_up().await.map_err(|error| Wrong(error.to_string()))?;
            took.push(begun.elapsed().as_nanos() as f64);
            check("a name has an address", found > 0, true)?;
            for sleeper in sleepers {
                sleeper.await;
            }
        }
        Ok::<_, Wrong>(took)
    })?;
    Ok(Reading::of(vec![percentile(&mut took, 0.5)]))
}

type Job = Box<dyn FnOnce() + Send>;

/// The channel and its threads.
struct Bare {
    jobs: Option<Sender<Job>>,
    threads: Vec<thread::JoinHandle<()>>,
}

impl Bare {
    fn new(meter: Meter) -> Self {
        let (jobs, waiting): (Sender<Job>, Receiver<Job>) = unbounded();
        let start = |_| {
            let waiting = waiting.clone();
            thread::spawn(move || waiting.into_iter().for_each(|job| job()))
        };
        Self { jobs: Some(jobs), threads: (0..meter.workers()).map(start).collect() }
    }

    fn measure(self, meter: Meter, pass: fn(&Self) -> Result<u64, Wrong>) -> Result<Reading, Wrong> {
        meter.repeat(|| pass(&self))
    }

    fn submit(&self, number: u64, done: &Sender<u64>) {
        let done = done.clone();
        let job = move || done.send(answer(number)).expect("the pass waits for all answers");
        self.jobs.as_ref().expect("it is open until the drop").send(Box::new(job)).expect("the threads read on");
    }

    fn one_by_one(&self) -> Result<u64, Wrong> {
        let mut sum = 0;
        for number in 0..ONE_BY_ONE {
            let (done, answers) = bounded(1);
            self.submit(number, &done);
            sum += answers.recv().map_err(|error| Wrong(error.to_string()))?;
        }
        check_sum(sum, ONE_BY_ONE)
    }

    fn crowd(&self) -> Result<u64, Wrong> {
        let (done, answers) = unbounded();
        for number in 0..CROWD {
            self.submit(number, &done);
        }
        check_sum(answers.iter().take(CROWD as usize).sum(), CROWD)
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        self.jobs = None;
        for thread in self.threads.drain(..) {
            if thread.join().is_err() && !thread::panicking() {
                panic!("a thread behind the bare channel panicked");
            }
        }
    }
}
