//! Spawning tasks and waiting for them: many at once, one at a time, from a foreign thread.

use futures_lite::future;
use runtime_benches::{
    InBlockOn, InTask, Load, Meter, Passes, Peer, Reading, Spawn, Workload, Wrong, check,
};

const MANY: u64 = 100_000;
pub(crate) const SOME: u64 = 1000;

pub(crate) fn workloads() -> Vec<Workload> {
    vec![
        Workload::of("spawn-join-100k/in-task", "a task spawns 100,000 tasks, then joins them", InTask(Batch(MANY))),
        Workload::of("spawn-join-100k/block-on", "the same inside block_on", InBlockOn(Batch(MANY))),
        Workload::of("spawn-join-1000/in-task", "a task spawns 1000 tasks, then joins them", InTask(Batch(SOME))),
        Workload::of("spawn-join-1000/block-on", "the same inside block_on", InBlockOn(Batch(SOME))),
        Workload::of("spawn-await-one/in-task", "a task spawns one task and awaits it, again and again", InTask(OneByOne)),
        Workload::of("spawn-await-one/block-on", "the same inside block_on", InBlockOn(OneByOne)),
        Workload::of("spawn-foreign-100k", "a foreign thread spawns 100,000 tasks, then waits for them", Foreign),
    ]
}

fn sum_below(count: u64) -> u64 {
    count * (count - 1) / 2
}

#[derive(Clone, Copy)]
pub(crate) struct Batch(pub(crate) u64);

impl Passes for Batch {
    async fn pass<P: Peer>(self, here: P::Here) -> Result<u64, Wrong> {
        let joins: Vec<_> = (0..self.0).map(|number| here.spawn(async move { number })).collect();
        let mut sum = 0;
        for join in joins {
            sum += join.await;
        }
        check("the sum of the tasks' numbers", sum, sum_below(self.0))?;
        Ok(self.0)
    }
}

#[derive(Clone, Copy)]
struct OneByOne;

impl Passes for OneByOne {
    async fn pass<P: Peer>(self, here: P::Here) -> Result<u64, Wrong> {
        let mut sum = 0;
        for number in 0..SOME {
            sum += here.spawn(async move { number }).await;
        }
        check("the sum of the tasks' numbers", sum, sum_below(SOME))?;
        Ok(SOME)
    }
}

/// Nobody is inside `block_on`: the joins are awaited by the same plain executor for every peer.
#[derive(Clone, Copy)]
struct Foreign;

impl Load for Foreign {
    fn run<P: Peer>(&self, peer: &P, meter: Meter) -> Result<Reading, Wrong> {
        let handle = peer.handle();
        let foreign = move || {
            meter.repeat(|| {
                let joins: Vec<_> = (0..MANY).map(|number| handle.spawn(async move { number })).collect();
                let sum = future::block_on(async {
                    let mut sum = 0;
                    for join in joins {
                        sum += join.await;
                    }
                    sum
                });
                check("the sum of the tasks' numbers", sum, sum_below(MANY))?;
                Ok(MANY)
            })
        };
        std::thread::spawn(foreign).join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}
