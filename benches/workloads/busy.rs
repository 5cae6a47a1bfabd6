//! Tasks that compute and then yield, two for each worker, and beside them, on the same runtime, what must not wait:
//! sleeps, echoes, tasks that come from outside.
//!
//! The work of a poll is a fixed number of steps, not a time: work that watches the clock would take the same time on half
//! a CPU. The tasks that compute (the *hogs*) end by themselves when the measurement should long be over: a runtime that
//! looks at nothing else while they yield would never end, and is late by that much instead.

use std::future::Future;
use std::hint::black_box;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use runtime_benches::{
    Curve, Meter, Metric, Peer, Reading, SocketLoad, Sockets, Spawn, Workload, Wrong, check, echo, exchange,
    percentile, tcp_pairs,
};
use tokio::sync::oneshot;

use crate::workloads::fan_out::{steps_per_micro, work};
use crate::workloads::timers::late;

const PERCENTILES: [Metric; 2] = [Metric::named("/p50", "ns", 0.0), Metric::named("/p99", "ns", 0.0)];
const HOGS_PER_WORKER: usize = 2;
const SLEEPERS: u64 = 4;
const CLIENTS: usize = 4;
/// Tasks that come from outside at a time.
const BURST: u64 = 50;
const PAUSE: Duration = Duration::from_millis(1);

pub(crate) fn workloads() -> Vec<Workload> {
    macro_rules! table {
        ($($length:literal $micros:literal;)*) => {
            vec![$(
                on_many(concat!("busy-sleep-", $length), SLEEP, $micros, Sleeps),
                on_one(concat!("busy-sleep-", $length, "/current"), SLEEP, $micros, Sleeps),
                on_many(concat!("busy-echo-", $length), ECHO, $micros, Echoes),
                on_one(concat!("busy-echo-", $length, "/current"), ECHO, $micros, Echoes),
                on_many(concat!("busy-inject-", $length), INJECT, $micros, Injected),
                on_one(concat!("busy-inject-", $length, "/current"), INJECT, $micros, Injected),
            )*]
        };
    }
    table! {
        "20us" 20;
        "200us" 200;
        "1ms" 1000;
        "5ms" 5000;
    }
}

const SLEEP: &str = "how late sleeps are beside tasks that compute so long and yield, two a worker";
const ECHO: &str = "TCP echo of 64 B beside such tasks";
const INJECT: &str = "50 tasks spawned at once by a foreign thread beside such tasks: from spawn to poll";

fn on_many<B: Beside>(name: &'static str, about: &'static str, micros: u64, beside: B) -> Workload {
    Workload::with_sockets(name, about, Busy { micros, one_thread: false, beside }).reads(&PERCENTILES).in_few_rounds()
}

fn on_one<B: Beside>(name: &'static str, about: &'static str, micros: u64, beside: B) -> Workload {
    Workload::with_sockets_on_one_thread(name, about, Busy { micros, one_thread: true, beside })
        .reads(&PERCENTILES)
        .in_few_rounds()
}

/// The hogs, and whom they are beside.
#[derive(Clone, Copy)]
struct Busy<B> {
    micros: u64,
    one_thread: bool,
    beside: B,
}

/// What happens beside the hogs.
trait Beside: Copy + Send + Sync + 'static {
    /// What the thread in `block_on` hands to the task inside: for instance sockets.
    type Inside: Send + 'static;
    /// What a foreign thread keeps.
    type Outside: Send;

    fn begin(self) -> Result<(Self::Inside, Self::Outside), Wrong>;
    /// Inside the runtime, while the hogs run. It ends at `until`, or when what is outside has ended.
    fn inside<P: Sockets>(
        self,
        here: P::Here,
        inside: Self::Inside,
        until: Instant,
    ) -> impl Future<Output = Result<Vec<f64>, Wrong>> + Send;
    /// On a foreign thread, until `until`.
    fn outside<P: Sockets>(self, handle: P::Handle, outside: Self::Outside, until: Instant) -> Result<Vec<f64>, Wrong>;
}

/// The hogs that run.
struct Hogs {
    over: Arc<AtomicBool>,
    polls: Arc<AtomicU64>,
}

impl Hogs {
    /// Starts so many; they end when told, or at `last`.
    fn start<S: Spawn, P: Peer<Here = S>>(
        here: &S,
        count: usize,
        micros: u64,
        last: Instant,
    ) -> (Self, Vec<S::Join<()>>) {
        let hogs = Self { over: Arc::default(), polls: Arc::default() };
        let steps = steps_per_micro() * micros;
        let one = |seed| {
            let (over, polls) = (hogs.over.clone(), hogs.polls.clone());
            here.spawn(async move {
                loop {
                    black_box(work(seed, steps));
                    polls.fetch_add(1, Ordering::Relaxed);
                    if over.load(Ordering::Relaxed) || Instant::now() > last {
                        break;
                    }
                    P::yield_now().await;
                }
            })
        };
        let joins = (0..count as u64).map(one).collect();
        (hogs, joins)
    }
}

impl<B: Beside> SocketLoad for Busy<B> {
    fn run<P: Sockets>(self, peer: &P, meter: Meter) -> Result<Reading, Wrong> {
        // Counted before the clock starts.
        steps_per_micro();
        let period = meter.target() * 2;
        let count = HOGS_PER_WORKER * if self.one_thread { 1 } else { meter.workers() };
        let (inside, outside) = self.beside.begin()?;
        let (here, handle) = (peer.here(), peer.handle());
        let (begun, begins) = mpsc::channel();
        let work = async move {
            let until = Instant::now() + period;
            let (hogs, joins) = Hogs::start::<P::Here, P>(&here, count, self.micros, until + period / 2);
            // The foreign thread waits for it.
            let _ = begun.send(until);
            let lates = self.beside.inside::<P>(here, inside, until).await;
            hogs.over.store(true, Ordering::Relaxed);
            for join in joins {
                join.await;
            }
            check("whether all hogs were polled", hogs.polls.load(Ordering::Relaxed) >= count as u64, true)?;
            lates
        };
        let spawner = peer.here();
        let mut lates = thread::scope(|scope| {
            let outside = scope.spawn(move || {
                let until = begins.recv().map_err(|_| Wrong("no hog runs".to_owned()))?;
                self.beside.outside::<P>(handle, outside, until)
            });
            let mut lates = peer.block_on(async move { spawner.spawn(work).await })?;
            lates.extend(outside.join().map_err(|_| Wrong("a foreign thread panicked".to_owned()))??);
            Ok(lates)
        })?;
        let reading = Reading::of(vec![percentile(&mut lates, 0.5), percentile(&mut lates, 0.99)]);
        Ok(reading.with_curve(Curve::of(&mut lates)))
    }
}

#[derive(Clone, Copy)]
struct Sleeps;

impl Beside for Sleeps {
    type Inside = ();
    type Outside = ();

    fn begin(self) -> Result<((), ()), Wrong> {
        Ok(((), ()))
    }

    async fn inside<P: Sockets>(self, here: P::Here, (): (), until: Instant) -> Result<Vec<f64>, Wrong> {
        let sleeper = |number: u64| async move {
            let mut lates = Vec::new();
            // Different lengths, so that they do not fire together.
            let each = Duration::from_micros(1000 + 700 * number);
            while lates.is_empty() || Instant::now() < until {
                lates.push(late::<P>(each).await?);
            }
            Ok::<_, Wrong>(lates)
        };
        let joins: Vec<_> = (0..SLEEPERS).map(|number| here.spawn(sleeper(number))).collect();
        let mut lates = Vec::new();
        for join in joins {
            lates.extend(join.await?);
        }
        Ok(lates)
    }

    fn outside<P: Sockets>(self, _: P::Handle, (): (), _: Instant) -> Result<Vec<f64>, Wrong> {
        Ok(Vec::new())
    }
}

#[derive(Clone, Copy)]
struct Echoes;

impl Beside for Echoes {
    type Inside = Vec<TcpStream>;
    type Outside = Vec<TcpStream>;

    fn begin(self) -> Result<(Vec<TcpStream>, Vec<TcpStream>), Wrong> {
        let (near, far) = tcp_pairs(CLIENTS)?.into_iter().unzip();
        Ok((far, near))
    }

    async fn inside<P: Sockets>(self, here: P::Here, far: Vec<TcpStream>, _: Instant) -> Result<Vec<f64>, Wrong> {
        let joins: Vec<_> = far.into_iter().map(|stream| here.spawn(echo::<P>(stream))).collect();
        for join in joins {
            check("whether a connection was served", join.await? > 0, true)?;
        }
        Ok(Vec::new())
    }

    fn outside<P: Sockets>(self, _: P::Handle, near: Vec<TcpStream>, until: Instant) -> Result<Vec<f64>, Wrong> {
        let client = |stream: TcpStream| {
            let mut times = Vec::new();
            while times.is_empty() || Instant::now() < until {
                thread::sleep(PAUSE);
                let since = Instant::now();
                exchange(&stream, times.len() as u64)?;
                times.push(since.elapsed().as_nanos() as f64);
            }
            Ok::<_, Wrong>(times)
        };
        thread::scope(|scope| {
            let clients: Vec<_> = near.into_iter().map(|stream| scope.spawn(move || client(stream))).collect();
            let mut times = Vec::new();
            for client in clients {
                times.extend(client.join().map_err(|_| Wrong("a client panicked".to_owned()))??);
            }
            Ok(times)
        })
    }
}

#[derive(Clone, Copy)]
struct Injected;

impl Beside for Injected {
    type Inside = oneshot::Receiver<()>;
    type Outside = oneshot::Sender<()>;

    fn begin(self) -> Result<(oneshot::Receiver<()>, oneshot::Sender<()>), Wrong> {
        let (over, ended) = oneshot::channel();
        Ok((ended, over))
    }

    async fn inside<P: Sockets>(self, _: P::Here, ended: oneshot::Receiver<()>, _: Instant) -> Result<Vec<f64>, Wrong> {
        // The sender's drop means the same.
        let _ = ended.await;
        Ok(Vec::new())
    }

    fn outside<P: Sockets>(
        self,
        handle: P::Handle,
        over: oneshot::Sender<()>,
        until: Instant,
    ) -> Result<Vec<f64>, Wrong> {
        let mut lates = Vec::new();
        while lates.is_empty() || Instant::now() < until {
            thread::sleep(PAUSE);
            let one = |_| {
                let since = Instant::now();
                handle.spawn(async move { since.elapsed().as_nanos() as f64 })
            };
            let joins: Vec<_> = (0..BURST).map(one).collect();
            for join in joins {
                lates.push(futures_lite::future::block_on(join));
            }
        }
        let _ = over.send(());
        Ok(lates)
    }
}
