//! Smol: async-executor on as many threads as the others have workers, async-io for timers and sockets, the `blocking` crate
//! for closures.
//!
//! `smol::spawn` keeps its executor in a static. Here it lives in an `Arc` instead, so that each round gets a fresh one
//! and its threads end with the round; a spawner is a clone of that `Arc`. The thread in `block_on` does not run tasks,
//! as with `smol::block_on`. Its threads wait in async-io's `block_on`, as smol's do: one that has nothing to do polls the
//! reactor. The pool of the `blocking` crate is global and outlives a round: a workload that uses it runs
//! `in_fresh_process`. The reactor's own thread outlives it too, but sleeps when nobody uses it; `start_reactor` lets it
//! start before threads are counted.

use std::future::Future;
use std::sync::Arc;
use std::thread;

use async_executor::Executor;
use futures_lite::future;
use tokio::sync::oneshot;

use crate::{Peer, Spawn};

/// An async-executor and its threads.
pub struct Smol {
    executor: Executors,
    threads: Vec<(oneshot::Sender<()>, thread::JoinHandle<()>)>,
}

/// Spawns on the executor, from anywhere.
#[derive(Clone)]
pub struct Executors(Arc<Executor<'static>>);

/// Starts the thread that the reactor keeps for as long as the process runs.
pub(crate) fn start_reactor() {
    async_io::block_on(async {});
}

impl Peer for Smol {
    const NAME: &'static str = "smol";
    type Here = Executors;
    type Handle = Executors;

    fn build(workers: usize) -> Self {
        let executor = Arc::new(Executor::new());
        let threads = (0..workers)
            .map(|number| {
                let (stop, stopped) = oneshot::channel::<()>();
                let executor = executor.clone();
                let run = move || {
                    // An error is the sender's drop, which means the same as a message.
                    let _ = async_io::block_on(executor.run(stopped));
                };
                let thread = thread::Builder::new().name(format!("smol-{number}")).spawn(run);
                (stop, thread.unwrap_or_else(|error| panic!("smol could not start a thread: {error}")))
            })
            .collect();
        Self { executor: Executors(executor), threads }
    }

    fn here(&self) -> Executors {
        self.executor.clone()
    }

    fn handle(&self) -> Executors {
        self.executor.clone()
    }

    fn block_on<F: Future>(&self, future: F) -> F::Output {
        async_io::block_on(future)
    }

    fn yield_now() -> impl Future<Output = ()> + Send {
        future::yield_now()
    }
}

impl Drop for Smol {
    fn drop(&mut self) {
        let (stops, threads): (Vec<_>, Vec<_>) = self.threads.drain(..).unzip();
        drop(stops);
        for thread in threads {
            if thread.join().is_err() && !thread::panicking() {
                panic!("a thread of smol panicked");
            }
        }
    }
}

/// An async-executor that only the thread in `block_on` runs.
pub struct SmolCurrent(Executors);

impl Peer for SmolCurrent {
    const NAME: &'static str = Smol::NAME;
    type Here = Executors;
    type Handle = Executors;

    fn build(_: usize) -> Self {
        Self(Executors(Arc::new(Executor::new())))
    }

    fn here(&self) -> Executors {
        self.0.clone()
    }

    fn handle(&self) -> Executors {
        self.0.clone()
    }

    fn block_on<F: Future>(&self, future: F) -> F::Output {
        async_io::block_on(self.0.0.run(future))
    }

    fn yield_now() -> impl Future<Output = ()> + Send {
        future::yield_now()
    }
}

impl Spawn for Executors {
    type Join<T: Send + 'static> = async_executor::Task<T>;
    type BlockingJoin<T: Send + 'static> = blocking::Task<T>;

    fn spawn<F>(&self, future: F) -> async_executor::Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.0.spawn(future)
    }

    fn detach<F>(&self, future: F)
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.0.spawn(future).detach();
    }

    fn spawn_blocking<T, F>(&self, work: F) -> blocking::Task<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        blocking::unblock(work)
    }
}
