//! A look that finds 500 ready sockets: how they are spread over time, and over the workers.
//!
//! A task writes one message to each of 500 connections without letting go of its worker. With one worker all of them are
//! ready at that worker's next look; with several, the others may see them as they come.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use runtime_benches::net::descriptors;
use runtime_benches::{
    Curve, MESSAGE, Meter, Metric, Reading, SocketLoad, Sockets, Spawn, Workload, Wrong, check, percentile, tcp_pairs,
};
use tokio::sync::Semaphore;

const SOCKETS: usize = 500;
/// Below this the reader was faster than the clocks' two looks.
const PERCENTILES: [Metric; 2] = [Metric::named("/p50", "ns", 1000.0), Metric::named("/p99", "ns", 1000.0)];
const GONE: &str = "the semaphore is never closed";

pub(crate) fn workloads() -> Vec<Workload> {
    let about = "500 sockets become ready while the worker writes to them: from the end of that to the read of each";
    let spread = "the same with all workers: from the write to the read of each";
    vec![
        Workload::with_sockets("look-500", spread, Look { alone: false }),
        Workload::with_sockets_on_one_thread("look-500/current", about, Look { alone: true }),
    ]
    .into_iter()
    .map(|workload| workload.reads(&PERCENTILES).in_few_rounds())
    .collect()
}

#[derive(Clone, Copy)]
struct Look {
    /// Nobody else can read while the messages are written.
    alone: bool,
}

impl SocketLoad for Look {
    fn run<P: Sockets>(self, peer: &P, meter: Meter) -> Result<Reading, Wrong> {
        check("room for 1000 sockets", descriptors() as usize > 2 * SOCKETS + 50, true)?;
        let (mut near, far): (Vec<_>, Vec<_>) = tcp_pairs(SOCKETS)?.into_iter().unzip();
        let here = peer.here();
        let work = async move {
            let (epoch, read) = (Instant::now(), Arc::new(Semaphore::new(0)));
            let reads: Arc<Vec<AtomicU64>> = Arc::new((0..SOCKETS).map(|_| AtomicU64::new(0)).collect());
            for (index, stream) in far.into_iter().enumerate() {
                let (reads, read) = (reads.clone(), read.clone());
                here.detach(async move {
                    let Ok(mut stream) = P::tcp(stream) else { return };
                    let mut bytes = [0; MESSAGE];
                    // The end of the stream is the end of the measurement.
                    while P::read(&mut stream, &mut bytes).await.is_ok() {
                        reads[index].store(epoch.elapsed().as_nanos() as u64, Ordering::Relaxed);
                        read.add_permits(1);
                    }
                });
            }
            let mut times = Vec::new();
            let mut span = meter.start();
            for pass in 0.. {
                let mut written = Vec::with_capacity(SOCKETS);
                for stream in &mut near {
                    written.push(epoch.elapsed().as_nanos() as u64);
                    stream.write_all(&[pass as u8; MESSAGE]).map_err(|error| Wrong(error.to_string()))?;
                }
                let end = epoch.elapsed().as_nanos() as u64;
                read.acquire_many(SOCKETS as u32).await.expect(GONE).forget();
                // The first pass meets tasks that have not polled yet.
                if pass > 0 {
                    let since = |index: usize| if self.alone { end } else { written[index] };
                    let late = |index: usize| reads[index].load(Ordering::Relaxed).saturating_sub(since(index)) as f64;
                    times.extend((0..SOCKETS).map(late));
                    span.add(1);
                }
                if pass > 0 && !span.goes_on() {
                    break;
                }
            }
            Ok(times)
        };
        let spawner = peer.here();
        let mut times = peer.block_on(async move { spawner.spawn(work).await })?;
        let reading = Reading::of(vec![percentile(&mut times, 0.5), percentile(&mut times, 0.99)]);
        Ok(reading.with_curve(Curve::of(&mut times)))
    }
}
