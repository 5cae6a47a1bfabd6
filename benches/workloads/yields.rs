//! Tasks that yield.

use runtime_benches::{InTask, OursCurrent, Passes, Peer, SmolCurrent, Spawn, TokioCurrent, Workload, Wrong, check};

pub(crate) fn workloads() -> Vec<Workload> {
    let alone = InTask(Yields { tasks: 1, each: 5000 });
    vec![
        Workload::of("yield-200", "200 tasks yield 200 times each", InTask(Yields { tasks: 200, each: 200 })),
        Workload::of("yield-1", "one task yields while nothing else is to do", alone),
        Workload::new("yield-1/current", "the same on a runtime with one thread, the one in `block_on`")
            .on::<OursCurrent, _>(alone)
            .on::<TokioCurrent, _>(alone)
            .on::<SmolCurrent, _>(alone),
    ]
}

#[derive(Clone, Copy)]
struct Yields {
    tasks: u64,
    each: u64,
}

impl Passes for Yields {
    async fn pass<P: Peer>(self, here: P::Here) -> Result<u64, Wrong> {
        let one = |each: u64| async move {
            let mut made = 0;
            for _ in 0..each {
                P::yield_now().await;
                made += 1;
            }
            made
        };
        let joins: Vec<_> = (0..self.tasks).map(|_| here.spawn(one(self.each))).collect();
        let mut made = 0;
        for join in joins {
            made += join.await;
        }
        check("the number of yields", made, self.tasks * self.each)?;
        Ok(made)
    }
}
