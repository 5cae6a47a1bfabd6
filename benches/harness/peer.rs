//! What a runtime must offer to be measured.
//!
//! Everything is static dispatch: a workload is compiled once per peer, exactly as a program written for that peer would
//! be. A new family that needs more (timers, sockets) adds a trait of its own beside these two and implements it in
//! the peers' files.

use std::future::Future;

/// A runtime under measurement. Dropping it stops its threads.
pub trait Peer: Send + Sync + Sized + 'static {
    /// Name in tables and on the command line.
    const NAME: &'static str;
    /// Spawns from code that runs on this runtime, in the way its users write it there.
    type Here: Spawn;
    /// Spawns from any thread.
    type Handle: Spawn;

    /// Builds a runtime with this many workers and with I/O and time enabled, as servers have them.
    fn build(workers: usize) -> Self;
    /// For code that runs on this runtime.
    fn here(&self) -> Self::Here;
    /// For code on foreign threads.
    fn handle(&self) -> Self::Handle;
    /// Runs a future on the calling thread until it is done.
    fn block_on<F: Future>(&self, future: F) -> F::Output;
    /// Lets other tasks run.
    fn yield_now() -> impl Future<Output = ()> + Send;
}

/// The right to spawn.
pub trait Spawn: Clone + Send + Sync + Unpin + 'static {
    /// Waits for a task. It panics when the task panicked.
    type Join<T: Send + 'static>: Future<Output = T> + Send + Unpin + 'static;
    /// Waits for a closure that blocks. It panics when the closure panicked.
    type BlockingJoin<T: Send + 'static>: Future<Output = T> + Send + Unpin + 'static;

    /// Spawns a task.
    fn spawn<F>(&self, future: F) -> Self::Join<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static;

    /// Spawns a task nobody waits for.
    fn detach<F>(&self, future: F)
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static;

    /// Runs a closure that blocks, on a thread made for it.
    fn spawn_blocking<T, F>(&self, work: F) -> Self::BlockingJoin<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static;
}

/// A runtime whose tasks may block without barring the others of their worker.
pub trait InPlace: Peer {
    /// Runs what blocks, in a task.
    fn block_in_place<T>(work: impl FnOnce() -> T) -> T;
}
