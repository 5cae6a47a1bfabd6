//! Far more workers than CPUs: what a runtime does that was configured for another machine, or sees all CPUs of the host from
//! inside of a container.

use runtime_benches::net::{Load as NetLoad, Service};
use runtime_benches::{
    Curve, InTask, Load, Meter, Metric, Ours, Passes, Peer, Reading, Smol, Spawn, Tokio, Workload, Wrong, check,
    percentile,
};
use tokio::sync::mpsc;

use crate::workloads::messages::PingPong;
use crate::workloads::spawn::{Batch, SOME};

const SENDERS: u64 = 4;
const MESSAGES: u64 = 4000;
const ROOM: usize = 100;
const ECHO: [Metric; 3] = [Metric::RATE, Metric::named("/p50", "ns", 0.0), Metric::named("/p99", "ns", 0.0)];

pub(crate) fn workloads() -> Vec<Workload> {
    macro_rules! table {
        ($($workers:literal)*) => {
            vec![$(
                on(concat!("oversubscribed-", $workers, "-spawn"), "so many workers: a task spawns 1000 tasks, then joins them", $workers, InTask(Batch(SOME))),
                on(concat!("oversubscribed-", $workers, "-ping-pong"), "so many workers: 1000 pairs of tasks, a message each way", $workers, InTask(PingPong)),
                on(concat!("oversubscribed-", $workers, "-mpsc"), "so many workers: four tasks send 4000 messages to another, 100 fit", $workers, InTask(Mpsc)),
                echo(concat!("oversubscribed-", $workers, "-echo"), "so many workers: TCP echo of 64 B, 50 connections", $workers),
            )*]
        };
    }
    table! { 16 64 }.into_iter().map(Workload::in_few_rounds).collect()
}

fn on<L: Load + Copy>(name: &'static str, about: &'static str, workers: usize, load: L) -> Workload {
    fn measure<P: Peer, L: Load>(load: L, workers: usize) -> impl Fn(Meter) -> Result<Reading, Wrong> {
        move |meter| load.run(&P::build(workers), Meter::new(meter.target(), workers))
    }
    Workload::new(name, about)
        .runtime(Ours::NAME, measure::<Ours, L>(load, workers))
        .runtime(Tokio::NAME, measure::<Tokio, L>(load, workers))
        .runtime(Smol::NAME, measure::<Smol, L>(load, workers))
}

/// The channel is tokio's for every peer, so that only the scheduler differs.
#[derive(Clone, Copy)]
struct Mpsc;

impl Passes for Mpsc {
    async fn pass<P: Peer>(self, here: P::Here) -> Result<u64, Wrong> {
        let (tx, mut rx) = mpsc::channel(ROOM);
        for _ in 0..SENDERS {
            let tx = tx.clone();
            here.detach(async move {
                for number in 0..MESSAGES / SENDERS {
                    if tx.send(number).await.is_err() {
                        return;
                    }
                }
            });
        }
        drop(tx);
        let (mut sum, each) = (0, MESSAGES / SENDERS);
        while let Some(number) = rx.recv().await {
            sum += number;
        }
        check("the sum", sum, SENDERS * (each * (each - 1) / 2))?;
        Ok(MESSAGES)
    }
}

fn echo(name: &'static str, about: &'static str, workers: usize) -> Workload {
    let measure = move |peer: &'static str| {
        move |meter: Meter| {
            let load = NetLoad { service: Service::TcpEcho(16 * 1024), clients: 50, size: 64 };
            let mut seen = load.press(peer, Meter::new(meter.target(), workers), meter.target() * 2)?;
            let count = seen.latencies.len() as f64;
            let [p50, p99] = [0.5, 0.99].map(|part| percentile(&mut seen.latencies, part));
            let reading = Reading::of(vec![seen.wall.as_nanos() as f64 / count, p50, p99]);
            Ok(reading.with_cpu(seen.usage.cpu_ns / count).with_curve(Curve::of(&mut seen.latencies)))
        }
    };
    [Ours::NAME, Tokio::NAME, Smol::NAME]
        .into_iter()
        .fold(Workload::new(name, about), |workload, peer| workload.runtime(peer, measure(peer)))
        .reads(&ECHO)
}
