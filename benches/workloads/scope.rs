//! Structured concurrency: groups, deadlines, and what both cost who uses neither.
//!
//! Where tokio has something for the job, it runs beside under tokio's runtime; where only the price of ours is asked for,
//! our own plainer tool stands beside.

use std::convert::Infallible;
use std::future::{Future, pending, poll_fn, ready};
use std::hint::black_box;
use std::pin::pin;
use std::time::Duration;

use runtime_benches::{InTask, Load, Meter, Ours, Passes, Peer, Reading, Spawn, Tokio, Workload, Wrong, check};

/// Children of a group, and tasks spawned in a scope.
const CHILDREN: u64 = 1000;
/// Timeouts in a pass.
const TIMEOUTS: u64 = 1000;
const FAR: Duration = Duration::from_secs(30);

runtime::context_local! {
    inherited static REQUEST: u64;
}

pub(crate) fn workloads() -> Vec<Workload> {
    vec![
        Workload::new("scope-group-1000", "a TaskGroup of 1000 tasks, joined; a JoinSet where there is no group")
            .on::<Ours, _>(InTask(Group))
            .on::<Tokio, _>(InTask(TheirJoinSet))
            .beside("join-set", beside(InTask(OurJoinSet))),
        Workload::new("scope-group-next-1000", "the same, results taken one by one as they come")
            .on::<Ours, _>(InTask(GroupNext))
            .on::<Tokio, _>(InTask(TheirJoinSet))
            .beside("join-set", beside(InTask(OurJoinSet))),
        Workload::new("scope-move-on-ready", "move_on_after, or a timeout, around a future that is ready")
            .on::<Ours, _>(InTask(MoveOn { ready: true }))
            .on::<Tokio, _>(InTask(TheirTimeout { ready: true }))
            .beside("timeout", beside(InTask(OurTimeout { ready: true }))),
        Workload::new("scope-move-on-pending", "the same around one that is polled once, pending, and dropped")
            .on::<Ours, _>(InTask(MoveOn { ready: false }))
            .on::<Tokio, _>(InTask(TheirTimeout { ready: false }))
            .beside("timeout", beside(InTask(OurTimeout { ready: false }))),
        Workload::new("scope-spawn-none", "1000 tasks spawned and joined where no scope is open")
            .on::<Ours, _>(InTask(SpawnIn::Nothing))
            .on::<Tokio, _>(InTask(SpawnIn::Nothing)),
        Workload::new("scope-spawn-context", "the same inside of a context_local that they inherit")
            .on::<Ours, _>(InTask(SpawnIn::Context))
            .beside("no-scope", beside(InTask(SpawnIn::Nothing))),
        Workload::new("scope-spawn-cancel", "the same inside of a CancelScope")
            .on::<Ours, _>(InTask(SpawnIn::CancelScope))
            .beside("no-scope", beside(InTask(SpawnIn::Nothing))),
    ]
}

/// A tool of our own, on our runtime.
fn beside<L: Load>(load: L) -> impl Fn(Meter) -> Result<Reading, Wrong> {
    move |meter| load.run(&Ours::build(meter.workers()), meter)
}

fn check_children(sum: u64) -> Result<u64, Wrong> {
    check("the sum of the children's numbers", sum, CHILDREN * (CHILDREN - 1) / 2)?;
    Ok(CHILDREN)
}

#[derive(Clone, Copy)]
struct Group;

impl Passes for Group {
    async fn pass<P: Peer>(self, _: P::Here) -> Result<u64, Wrong> {
        let group = runtime::scope::TaskGroup::<u64, Infallible>::new();
        for number in 0..CHILDREN {
            group.spawn(async move { Ok(number) });
        }
        match group.join().await {
            Ok(outputs) => check_children(outputs.into_iter().sum()),
            Err(error) => Err(Wrong(format!("a child failed: {error}"))),
        }
    }
}

#[derive(Clone, Copy)]
struct GroupNext;

impl Passes for GroupNext {
    async fn pass<P: Peer>(self, _: P::Here) -> Result<u64, Wrong> {
        let mut group = runtime::scope::TaskGroup::<u64, Infallible>::new();
        for number in 0..CHILDREN {
            group.spawn(async move { Ok(number) });
        }
        let mut sum = 0;
        while let Some(output) = group.next().await {
            sum += output.map_err(|error| Wrong(format!("a child failed: {error}")))?;
        }
        check_children(sum)
    }
}

macro_rules! join_sets {
    ($($name:ident over $krate:ident;)*) => {$(
        #[derive(Clone, Copy)]
        struct $name;

        impl Passes for $name {
            async fn pass<P: Peer>(self, _: P::Here) -> Result<u64, Wrong> {
                let mut set = ::$krate::task::JoinSet::new();
                for number in 0..CHILDREN {
                    set.spawn(async move { number });
                }
                let mut sum = 0;
                while let Some(output) = set.join_next().await {
                    sum += output.map_err(|error| Wrong(format!("a task failed: {error}")))?;
                }
                check_children(sum)
            }
        }
    )*};
}

join_sets! {
    OurJoinSet over runtime;
    TheirJoinSet over tokio;
}

/// Polls once, with the task's own waker.
async fn is_ready<F: Future>(future: F) -> bool {
    let mut future = pin!(future);
    poll_fn(|cx| std::task::Poll::Ready(future.as_mut().poll(cx).is_ready())).await
}

macro_rules! deadlines {
    ($($name:ident: $with:path;)*) => {$(
        #[derive(Clone, Copy)]
        struct $name {
            ready: bool,
        }

        impl Passes for $name {
            async fn pass<P: Peer>(self, _: P::Here) -> Result<u64, Wrong> {
                let mut ended = 0;
                for number in 0..TIMEOUTS {
                    let is_over = if self.ready {
                        is_ready($with(black_box(FAR), ready(number))).await
                    } else {
                        is_ready($with(black_box(FAR), pending::<()>())).await
                    };
                    ended += u64::from(is_over);
                }
                check("the count of bodies that ended", ended, if self.ready { TIMEOUTS } else { 0 })?;
                // Runtimes do their own work between polls; a task that never lets go would hide it.
                P::yield_now().await;
                Ok(TIMEOUTS)
            }
        }
    )*};
}

deadlines! {
    MoveOn: runtime::scope::move_on_after;
    OurTimeout: runtime::time::timeout;
    TheirTimeout: tokio::time::timeout;
}

#[derive(Clone, Copy)]
enum SpawnIn {
    Nothing,
    Context,
    CancelScope,
}

impl Passes for SpawnIn {
    async fn pass<P: Peer>(self, here: P::Here) -> Result<u64, Wrong> {
        let spawn_and_join = async move {
            let joins: Vec<_> = (0..CHILDREN).map(|number| here.spawn(async move { number })).collect();
            let mut sum = 0;
            for join in joins {
                sum += join.await;
            }
            sum
        };
        let sum = match self {
            SpawnIn::Nothing => spawn_and_join.await,
            SpawnIn::Context => REQUEST.scope(17, spawn_and_join).await,
            SpawnIn::CancelScope => {
                let scope = runtime::scope::CancelScope::new();
                scope.run(spawn_and_join).await.map_err(|_| Wrong("nobody cancelled the scope".to_owned()))?
            }
        };
        check_children(sum)
    }
}
