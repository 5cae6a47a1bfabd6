//! Timers that almost never fire, and timers that all do.
//!
//! Every request of a server carries a timeout that is dropped unfired, so most of this family never waits. What does fire is
//! checked: a timer that fires early is a wrong result, not a fast one. Sizes are those of a full run; `--quick` does half.

use std::future::{Future, pending, poll_fn, ready};
use std::hint::black_box;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::thread;
use std::time::{Duration, Instant};

use runtime_benches::{
    Curve, Meter, Metric, Ours, Reading, Smol, Spawn, Timers, Tokio, Workload, Wrong, check, cpu_time, percentile,
    voluntary_switches_of_others,
};

const FAR: Duration = Duration::from_secs(30);
/// Operations between two looks at the clock.
const BATCH: u64 = 1000;
const LATE: [Metric; 4] = [
    Metric::named("/p50", "ns", 0.0),
    Metric::named("/p99", "ns", 0.0),
    Metric::named("/p99.9", "ns", 0.0),
    Metric::named("/max", "ns", 0.0),
];

pub(crate) fn workloads() -> Vec<Workload> {
    let million = [("/insert", "ns"), ("/reset", "ns"), ("/cancel", "ns")];
    let mut workloads = vec![
        on_all("sleep-create-drop", "make a sleep and drop it without polling it", InOneTask(CreateDrop)),
        on_all("timeout-pending-1", "a timeout polled once, then dropped: it never fires", InOneTask(NeverFires)),
        on_all("timeout-pending-2", "the same from two tasks on two workers at once", NeverFiresOnTwo),
        on_all("timeout-ready", "a timeout around a future that is ready at once", InOneTask(AroundReady)),
        on_all("timeout-met", "a timeout that is armed by one poll and met by the next", InOneTask(ArmedThenMet)),
        on_all("timers-1m", "1,000,000 live timers: inserted, reset, cancelled; per timer", Million)
            .reads(&million.map(|(suffix, unit)| Metric::named(suffix, unit, 0.0))),
        on_all("sleeps-100k", "100,000 tasks sleep 200-500 ms: CPU time per task, lateness", Sleeps)
            .reads(&[Metric::named("/cpu", "ns", 0.0), Metric::named("/late-p99", "ns", 0.0)]),
        on_all("interval-ticks", "200 intervals of 1 ms: CPU time per tick", Ticking)
            .reads(&[Metric::named("/cpu", "ns", 0.0)]),
        on_all("lateness", "150,000 sleeps of 1-29 ms (a million and more in all rounds): none early; how late", Lateness)
            .reads(&LATE),
    ];
    if voluntary_switches_of_others().is_some() {
        // Below two a second it is the measurement's own noise.
        let switches = Metric::named("/switches", "/s", 2.0);
        let about = "how often threads wake while 10,000 timers are far away";
        workloads.push(on_all("idle-timers", about, FarAway).reads(&[switches]).in_fresh_process());
    }
    workloads
}

/// A workload that needs timers.
trait TimerLoad: Copy + Send + Sync + 'static {
    fn run<P: Timers>(self, peer: &P, meter: Meter) -> Result<Reading, Wrong>;
}

fn on_all<L: TimerLoad>(name: &'static str, about: &'static str, load: L) -> Workload {
    fn on<P: Timers, L: TimerLoad>(load: L) -> impl Fn(Meter) -> Result<Reading, Wrong> {
        move |meter| load.run(&P::build(meter.workers()), meter)
    }
    Workload::new(name, about)
        .runtime("ours", on::<Ours, L>(load))
        .runtime("tokio", on::<Tokio, L>(load))
        .runtime("smol", on::<Smol, L>(load))
}

/// Something to do `BATCH` times in one task.
trait Batch: Copy + Send + Sync + 'static {
    fn batch<P: Timers>(self) -> impl Future<Output = Result<(), Wrong>> + Send;
}

#[derive(Clone, Copy)]
struct InOneTask<B>(B);

impl<B: Batch> TimerLoad for InOneTask<B> {
    fn run<P: Timers>(self, peer: &P, meter: Meter) -> Result<Reading, Wrong> {
        let here = peer.here();
        let work = async move {
            let mut warm_up = meter.warm_up();
            while warm_up.goes_on() {
                self.0.batch::<P>().await?;
                warm_up.add(BATCH);
            }
            let mut span = meter.start();
            while span.goes_on() {
                self.0.batch::<P>().await?;
                span.add(BATCH);
                // Runtimes do their own work between polls; a task that never lets go would hide it.
                P::yield_now().await;
            }
            Ok(span.stop())
        };
        peer.block_on(async move { here.spawn(work).await })
    }
}

/// Polls once with the task's own waker.
async fn poll_once<F: Future>(mut future: Pin<&mut F>) -> Poll<F::Output> {
    poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await
}

#[derive(Clone, Copy)]
struct CreateDrop;

impl Batch for CreateDrop {
    async fn batch<P: Timers>(self) -> Result<(), Wrong> {
        for _ in 0..BATCH {
            drop(black_box(P::sleep(black_box(FAR))));
        }
        Ok(())
    }
}

#[derive(Clone, Copy)]
struct NeverFires;

impl Batch for NeverFires {
    async fn batch<P: Timers>(self) -> Result<(), Wrong> {
        let mut ended = 0u64;
        for _ in 0..BATCH {
            let timeout = pin!(P::timeout(black_box(FAR), pending::<()>()));
            ended += u64::from(poll_once(timeout).await.is_ready());
        }
        check("the count of far timeouts that ended", ended, 0)
    }
}

/// Whether two tasks are here at the same time, which is on two threads. It waits for the other without letting go of its
/// worker, since two tasks that only yield to each other may take turns on one; and not for ever, in case both are its.
fn at_once(here: &AtomicU64) -> bool {
    const PATIENCE: Duration = Duration::from_micros(100);
    let since = Instant::now();
    here.fetch_add(1, Ordering::AcqRel);
    while since.elapsed() < PATIENCE {
        if here.load(Ordering::Acquire) >= 2 {
            return true;
        }
    }
    // Whoever has seen both goes on: so may leave only who is alone.
    here.compare_exchange(1, 0, Ordering::AcqRel, Ordering::Acquire).is_err()
}

#[derive(Clone, Copy)]
struct NeverFiresOnTwo;

impl TimerLoad for NeverFiresOnTwo {
    fn run<P: Timers>(self, peer: &P, meter: Meter) -> Result<Reading, Wrong> {
        const BATCHES: u64 = 20;
        let handle = peer.handle();
        meter.repeat(|| {
            let started = Arc::new(AtomicU64::new(0));
            let joins = [(); 2].map(|()| {
                let started = started.clone();
                handle.spawn(async move {
                    while !at_once(&started) {
                        P::yield_now().await;
                    }
                    for _ in 0..BATCHES {
                        NeverFires.batch::<P>().await?;
                    }
                    Ok::<u64, Wrong>(BATCHES * BATCH)
                })
            });
            let [first, second] = joins;
            futures_lite::future::block_on(async { Ok(first.await? + second.await?) })
        })
    }
}

#[derive(Clone, Copy)]
struct AroundReady;

impl Batch for AroundReady {
    async fn batch<P: Timers>(self) -> Result<(), Wrong> {
        let mut met = 0;
        for number in 0..BATCH {
            met += u64::from(P::timeout(black_box(FAR), ready(number)).await == Some(number));
        }
        check("the count of timeouts that were met", met, BATCH)
    }
}

#[derive(Clone, Copy)]
struct ArmedThenMet;

/// Ready at its second poll. It wakes nobody: the workload polls again by itself, so that no scheduler is measured.
struct Second {
    polled: bool,
}

impl Future for Second {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.polled, true) { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Batch for ArmedThenMet {
    async fn batch<P: Timers>(self) -> Result<(), Wrong> {
        let mut met = 0;
        for _ in 0..BATCH {
            let mut timeout = pin!(P::timeout(black_box(FAR), Second { polled: false }));
            let first = poll_once(timeout.as_mut()).await;
            let second = poll_once(timeout.as_mut()).await;
            met += u64::from(first.is_pending() && second == Poll::Ready(Some(())));
        }
        check("the count of timeouts that were armed, then met", met, BATCH)
    }
}

/// A different number for every `index`, spread evenly over `0..range`.
fn spread(index: u64, range: u64) -> u64 {
    let mixed = (index ^ 0x5bd1_e995).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (mixed >> 32) % range
}

#[derive(Clone, Copy)]
struct Million;

impl TimerLoad for Million {
    fn run<P: Timers>(self, peer: &P, meter: Meter) -> Result<Reading, Wrong> {
        let count = meter.part_of(1_000_000);
        let far = move |index: u64| Duration::from_millis(30_000 + spread(index, 3_600_000));
        let here = peer.here();
        let work = async move {
            let mut sleeps = Vec::with_capacity(count as usize);
            let mut fired = 0u64;
            let since = Instant::now();
            // Boxed meanwhile: some keep their timers in the future, others elsewhere, and what counts is the memory of both.
            for index in 0..count {
                let mut sleep = Box::pin(P::sleep(far(index)));
                fired += u64::from(poll_once(sleep.as_mut()).await.is_ready());
                sleeps.push(sleep);
            }
            let inserted = since.elapsed();
            for (sleep, index) in sleeps.iter_mut().zip(count..) {
                P::reset(sleep.as_mut(), far(index));
                fired += u64::from(poll_once(sleep.as_mut()).await.is_ready());
            }
            let reset = since.elapsed();
            drop(sleeps);
            let cancelled = since.elapsed();
            check("the count of far timers that fired", fired, 0)?;
            let each = |time: Duration| time.as_nanos() as f64 / count as f64;
            Ok(Reading::of(vec![each(inserted), each(reset - inserted), each(cancelled - reset)]))
        };
        peer.block_on(async move { here.spawn(work).await })
    }
}

/// Sleeps, and says how late it ended; early is wrong.
pub(crate) async fn late<P: Timers>(duration: Duration) -> Result<f64, Wrong> {
    let since = Instant::now();
    P::sleep(duration).await;
    let slept = since.elapsed();
    match slept.checked_sub(duration) {
        Some(late) => Ok(late.as_nanos() as f64),
        None => Err(Wrong(format!("a sleep of {duration:?} ended after {slept:?}: early"))),
    }
}

#[derive(Clone, Copy)]
struct Sleeps;

impl TimerLoad for Sleeps {
    fn run<P: Timers>(self, peer: &P, meter: Meter) -> Result<Reading, Wrong> {
        let count = meter.part_of(100_000);
        let here = peer.here();
        let cpu_before = cpu_time();
        let work = async move {
            let one = |index| here.spawn(late::<P>(Duration::from_millis(200 + spread(index, 301))));
            let joins: Vec<_> = (0..count).map(one).collect();
            let mut lates = Vec::with_capacity(joins.len());
            for join in joins {
                lates.push(join.await?);
            }
            Ok(lates)
        };
        let spawner = peer.here();
        let mut lates = peer.block_on(async move { spawner.spawn(work).await })?;
        let cpu = cpu_time().saturating_sub(cpu_before).as_nanos() as f64 / count as f64;
        let reading = Reading::of(vec![cpu, percentile(&mut lates, 0.99)]);
        Ok(reading.with_curve(Curve::of(&mut lates)))
    }
}

#[derive(Clone, Copy)]
struct Ticking;

impl TimerLoad for Ticking {
    fn run<P: Timers>(self, peer: &P, meter: Meter) -> Result<Reading, Wrong> {
        const INTERVALS: u64 = 200;
        const PERIOD: Duration = Duration::from_millis(1);
        let ticks = meter.target().as_millis().max(2) as u64;
        let here = peer.here();
        let (cpu_before, since) = (cpu_time(), Instant::now());
        let work = async move {
            let joins: Vec<_> = (0..INTERVALS).map(|_| here.spawn(P::ticks(PERIOD, ticks))).collect();
            for join in joins {
                join.await;
            }
        };
        let spawner = peer.here();
        peer.block_on(async move { spawner.spawn(work).await });
        let cpu = cpu_time().saturating_sub(cpu_before).as_nanos() as f64;
        check("the last tick came early", since.elapsed() < PERIOD * ticks as u32, false)?;
        Ok(Reading::of(vec![cpu / (INTERVALS * ticks) as f64]))
    }
}

#[derive(Clone, Copy)]
struct Lateness;

impl TimerLoad for Lateness {
    fn run<P: Timers>(self, peer: &P, meter: Meter) -> Result<Reading, Wrong> {
        const TASKS: u64 = 1500;
        let each = meter.part_of(100);
        let here = peer.here();
        let work = async move {
            let one = |task: u64| async move {
                let mut lates = Vec::with_capacity(each as usize);
                for turn in 0..each {
                    let micros = 1000 + spread(task * each + turn, 28_000);
                    lates.push(late::<P>(Duration::from_micros(micros)).await?);
                }
                Ok::<Vec<f64>, Wrong>(lates)
            };
            let joins: Vec<_> = (0..TASKS).map(|task| here.spawn(one(task))).collect();
            let mut lates = Vec::with_capacity((TASKS * each) as usize);
            for join in joins {
                lates.extend(join.await?);
            }
            Ok(lates)
        };
        let spawner = peer.here();
        let mut lates = peer.block_on(async move { spawner.spawn(work).await })?;
        check("the count of timers", lates.len() as u64, TASKS * each)?;
        let curve = Curve::of(&mut lates);
        Ok(Reading::of([0.5, 0.99, 0.999, 1.0].map(|part| percentile(&mut lates, part)).to_vec()).with_curve(curve))
    }
}

#[derive(Clone, Copy)]
struct FarAway;

impl TimerLoad for FarAway {
    fn run<P: Timers>(self, peer: &P, meter: Meter) -> Result<Reading, Wrong> {
        const TIMERS: u64 = 10_000;
        let handle = peer.handle();
        let polled = Arc::new(AtomicU64::new(0));
        for index in 0..TIMERS {
            let polled = polled.clone();
            handle.detach(async move {
                let mut sleep = pin!(P::sleep(Duration::from_secs(600 + spread(index, 3600))));
                let first = poll_once(sleep.as_mut()).await;
                polled.fetch_add(u64::from(first.is_pending()), Ordering::Release);
                sleep.await;
            });
        }
        while polled.load(Ordering::Acquire) < TIMERS {
            thread::yield_now();
        }
        let period = meter.target() * 10;
        // What happens while the runtime falls asleep is not idleness.
        thread::sleep(period / 5);
        let switches = || voluntary_switches_of_others().ok_or_else(|| Wrong("there is no /proc".to_owned()));
        let before = switches()?;
        thread::sleep(period);
        let switched = switches()?.saturating_sub(before) as f64;
        Ok(Reading::of(vec![switched / period.as_secs_f64()]))
    }
}
