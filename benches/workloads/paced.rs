//! What a server costs that has little to do: CPU time per event, when events come at a steady rate.
//!
//! The events are a sleep that ends, a timeout that fires, an echo over TCP or UDP, a closure of `spawn_blocking`. Sleeps and
//! timeouts are set for absolute times, so that a late one does not make the next one later: every peer has the same events.
//! The others are asked for by a plain thread whose own CPU time is left out. Above 1,000 a second several tasks sleep
//! 1 ms each, since that is the grain of most timers.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use runtime_benches::{
    Meter, Metric, Ours, Peer, Reading, Smol, Sockets, Spawn, Tokio, Workload, Wrong, check, cpu_time, echo,
    echo_datagrams, exchange, exchange_datagram, tcp_pairs, thread_cpu_time, udp_pair,
};

/// As many runtimes as a process has whose libraries each bring one.
const RUNTIMES: u64 = 20;
/// Each of these has an event every 5 ms.
const RATE_OF_RUNTIMES: u64 = 200 * RUNTIMES;
/// The grain of timers.
const GRAIN: u64 = 1000;
/// Each runtime has at least so many events in a measurement.
const EVENTS: u64 = 4;

/// Without any event for so long, something is broken.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Clone, Copy)]
enum Kind {
    Timer,
    Timeout,
    Tcp,
    Udp,
    Blocking,
}

/// Events of this kind at this rate over all runtimes.
#[derive(Clone, Copy)]
struct Paced {
    kind: Kind,
    rate: u64,
    runtimes: u64,
}

pub(crate) fn workloads() -> Vec<Workload> {
    macro_rules! table {
        ($($name:literal $kind:ident $about:literal;)*) => {
            vec![$(
                paced(concat!("paced-cpu-", $name, "-20"), $about, Kind::$kind, 20),
                paced(concat!("paced-cpu-", $name, "-100"), $about, Kind::$kind, 100).only_in_full(),
                paced(concat!("paced-cpu-", $name, "-1000"), $about, Kind::$kind, 1000),
                paced(concat!("paced-cpu-", $name, "-10000"), $about, Kind::$kind, 10_000),
                on_all(concat!("paced-cpu-", $name, "-20-runtimes"), $about, Paced { kind: Kind::$kind, rate: RATE_OF_RUNTIMES, runtimes: RUNTIMES }),
            )*]
        };
    }
    table! {
        "timer" Timer "CPU time per sleep that ends, so many a second (20 runtimes: 200 a second each)";
        "timeout" Timeout "CPU time per timeout that fires, so many a second (20 runtimes: 200 a second each)";
        "tcp" Tcp "CPU time per TCP echo of 64 B, so many a second (20 runtimes: 200 a second each)";
        "udp" Udp "CPU time per UDP echo of 64 B, so many a second (20 runtimes: 200 a second each)";
        "blocking" Blocking "CPU time per spawn_blocking, so many a second (20 runtimes: 200 a second each)";
    }
}

fn paced(name: &'static str, about: &'static str, kind: Kind, rate: u64) -> Workload {
    on_all(name, about, Paced { kind, rate, runtimes: 1 })
}

/// Each reading is a fresh process: CPU time is the whole process's, and smol's blocking threads are global.
fn on_all(name: &'static str, about: &'static str, load: Paced) -> Workload {
    Workload::new(name, about)
        .runtime(Ours::NAME, move |meter| load.measure::<Ours>(meter))
        .runtime(Tokio::NAME, move |meter| load.measure::<Tokio>(meter))
        .runtime(Smol::NAME, move |meter| load.measure::<Smol>(meter))
        .reads(&[Metric::named("", "ns", 0.0)])
        .in_fresh_process()
        .in_few_rounds()
}

/// One event, asked for from outside.
type Ask<'a> = Box<dyn FnMut(u64) -> Result<(), Wrong> + 'a>;

impl Paced {
    fn measure<P: Sockets>(self, meter: Meter) -> Result<Reading, Wrong> {
        let peers: Vec<P> = (0..self.runtimes).map(|_| P::build(meter.workers())).collect();
        let time = meter.target().max(self.between() * (EVENTS * self.runtimes) as u32);
        let events = Arc::new(AtomicU64::new(0));
        let mut outside = self.outside(&peers)?;
        if outside.is_none() {
            peers.iter().for_each(|peer| self.inside(peer, &events));
        }
        // What happens while a runtime starts, and while it falls asleep, is not pace.
        self.go_on(time / 3, &mut outside, &events)?;
        let cpu = || cpu_time().saturating_sub(thread_cpu_time());
        let since = Instant::now();
        let (before, asked_before) = (cpu(), events.load(Ordering::Relaxed));
        let happened = || events.load(Ordering::Relaxed) > asked_before;
        self.go_on(time, &mut outside, &events)?;
        // In the few milliseconds of `cargo test`, on a busy machine, there may be none yet.
        while !happened() && since.elapsed() < PATIENCE {
            self.go_on(time, &mut outside, &events)?;
        }
        let (used, count) = (cpu().saturating_sub(before), events.load(Ordering::Relaxed) - asked_before);
        check("whether anything happened", count > 0, true)?;
        Ok(Reading::of(vec![used.as_nanos() as f64 / count as f64]))
    }

    /// From one event to the next, over all runtimes.
    fn between(self) -> Duration {
        Duration::from_secs(1) / self.rate as u32
    }

    /// Lets time pass, and asks for what must be asked for.
    fn go_on(self, time: Duration, outside: &mut Option<Ask<'_>>, events: &AtomicU64) -> Result<(), Wrong> {
        let Some(ask) = outside else {
            thread::sleep(time);
            return Ok(());
        };
        let since = Instant::now();
        let mut due = Duration::ZERO;
        while due < time {
            thread::sleep(due.saturating_sub(since.elapsed()));
            ask(events.fetch_add(1, Ordering::Relaxed))?;
            due += self.between();
        }
        Ok(())
    }

    /// Timers need nobody outside: this starts the tasks that sleep, for as long as the runtime lives.
    fn inside<P: Sockets>(self, peer: &P, events: &Arc<AtomicU64>) {
        let rate = self.rate / self.runtimes;
        let tasks = (rate / GRAIN).max(1);
        let period = Duration::from_secs(1) * tasks as u32 / rate as u32;
        let begun = Instant::now();
        for task in 0..tasks {
            let events = events.clone();
            peer.handle().detach(async move {
                let mut due = begun + period * task as u32 / tasks as u32;
                loop {
                    due += period;
                    let left = due.saturating_duration_since(Instant::now());
                    match self.kind {
                        Kind::Timeout => drop(P::timeout(left, pending::<()>()).await),
                        _ => P::sleep(left).await,
                    }
                    events.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    }

    /// How to ask for an event; `None` for timers.
    fn outside<P: Sockets>(self, peers: &[P]) -> Result<Option<Ask<'_>>, Wrong> {
        let turn = move |number: u64| (number % self.runtimes) as usize;
        Ok(match self.kind {
            Kind::Timer | Kind::Timeout => None,
            Kind::Tcp => {
                let (near, far): (Vec<_>, Vec<_>) = tcp_pairs(peers.len())?.into_iter().unzip();
                peers.iter().zip(far).for_each(|(peer, far)| peer.handle().detach(report(echo::<P>(far))));
                Some(Box::new(move |number| exchange(&near[turn(number)], number)))
            }
            Kind::Udp => {
                let mut sockets = Vec::new();
                for peer in peers {
                    let (near, far) = udp_pair()?;
                    peer.handle().detach(report(echo_datagrams::<P>(far)));
                    sockets.push(near);
                }
                Some(Box::new(move |number| exchange_datagram(&sockets[turn(number)], number)))
            }
            Kind::Blocking => {
                let handles: Vec<_> = peers.iter().map(Peer::handle).collect();
                Some(Box::new(move |number| {
                    let answer = handles[turn(number)].spawn_blocking(move || number + 1);
                    check("the closure's answer", futures_lite::future::block_on(answer), number + 1)
                }))
            }
        })
    }
}

/// A server that fails says so; the client then waits in vain, and the run ends there.
async fn report<T>(served: impl Future<Output = Result<T, Wrong>>) {
    if let Err(wrong) = served.await {
        panic!("a paced server failed: {wrong}");
    }
}
