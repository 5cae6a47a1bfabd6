//! Tasks that wake tasks. The channel is tokio's for every peer, so that only the scheduler differs.

use runtime_benches::{InTask, Passes, Peer, Spawn, Workload, Wrong, check};
use tokio::sync::oneshot;

const COUNT: u64 = 1000;

pub(crate) fn workloads() -> Vec<Workload> {
    vec![
        Workload::of("ping-pong-1000", "1000 pairs of tasks send each other one message at once", InTask(PingPong)),
        Workload::of("chain-1000", "each task spawns the next; the 1000th reports", InTask(Chain)),
    ]
}

/// What only a channel whose other side is gone can say.
const GONE: &str = "the other side sends before it ends";

#[derive(Clone, Copy)]
pub(crate) struct PingPong;

impl Passes for PingPong {
    async fn pass<P: Peer>(self, here: P::Here) -> Result<u64, Wrong> {
        let joins: Vec<_> = (0..COUNT)
            .map(|number| {
                let spawner = here.clone();
                here.spawn(async move {
                    let (ping, pinged) = oneshot::channel();
                    let (pong, ponged) = oneshot::channel();
                    spawner.detach(async move {
                        let number: u64 = pinged.await.expect(GONE);
                        pong.send(number + 1).expect(GONE);
                    });
                    ping.send(number).expect(GONE);
                    ponged.await.expect(GONE)
                })
            })
            .collect();
        let mut sum = 0;
        for join in joins {
            sum += join.await;
        }
        check("the sum of the answers", sum, COUNT * (COUNT + 1) / 2)?;
        Ok(COUNT)
    }
}

#[derive(Clone, Copy)]
struct Chain;

fn next_link<S: Spawn>(spawner: S, link: u64, done: oneshot::Sender<u64>) {
    if link == COUNT {
        done.send(link).expect("the chain's start waits for its end");
        return;
    }
    let spawns = spawner.clone();
    spawner.detach(async move { next_link(spawns, link + 1, done) });
}

impl Passes for Chain {
    async fn pass<P: Peer>(self, here: P::Here) -> Result<u64, Wrong> {
        let (done, end) = oneshot::channel();
        next_link(here, 0, done);
        check("the last link", end.await, Ok(COUNT))?;
        Ok(COUNT)
    }
}
