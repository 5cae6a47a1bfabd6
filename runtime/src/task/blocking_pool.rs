//! Threads for closures, apart from those of `spawn_blocking`.
//!
//! Owns: [`BlockingPool`] and its builder.   Not here: the answers of `map` (`results`); the threads
//! (`engine/sched/life`).

mod builder;
mod results;

pub use builder::BlockingPoolBuilder;
pub use results::BlockingMap;

use super::{JoinHandle, TrySpawnError};
use crate::engine::{BlockingClass, Engine, OwnPool, in_async_context, no_runtime_here};
use crate::runtime::Handle;
use std::fmt;
use std::future::poll_fn;
use std::panic::{Location, RefUnwindSafe, UnwindSafe};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Threads that run closures: an executor of its own.
///
/// [`spawn_blocking`](super::spawn_blocking) has hundreds of threads for whatever blocks. A pool of its own limits one kind of
/// work, a database's connections for instance, or keeps what waits for one device away from all else. It belongs to no
/// runtime: tasks of several may use it, and threads outside of any. A handle from it can be awaited anywhere.
///
/// ```
/// use runtime::task::BlockingPool;
///
/// #[runtime::main]
/// async fn main() {
///     let files = BlockingPool::builder().threads(4).thread_name("files").build();
///     let size = files.spawn(|| std::fs::metadata("/").map(|data| data.len())).await.unwrap();
///     assert!(size.is_ok());
///     // Side by side, and in order.
///     let squares = files.map(1..=5, |n| n * n).collect().await.unwrap();
///     assert_eq!(squares, [1, 4, 9, 16, 25]);
///     files.shutdown().await;
/// }
/// ```
///
/// # Threads
/// They start with demand, one for each closure that finds nobody idle, up to the limit, and end after
/// [`keep_alive`](BlockingPoolBuilder::keep_alive) without work. A closure runs inside of the runtime that its spawner was
/// inside of, if any: `Handle::current` finds it. A paused clock of that runtime does not wait for it.
///
/// # Ending
/// What was accepted is run. When the last clone is dropped the pool takes no more, its threads do what waits, and leave;
/// nobody waits for them. [`shutdown`](BlockingPool::shutdown) waits, [`cancel_queued`](BlockingPool::cancel_queued) gives up
/// what has not begun.
///
/// # Closures that compute
/// [`BlockingPool::compute`] is a pool that is there already: the current runtime's, with as many threads as CPUs.
#[derive(Clone)]
pub struct BlockingPool(Threads);

#[derive(Clone)]
enum Threads {
    Own(Arc<Open>),
    /// The compute class of a runtime.
    OfRuntime(Handle),
}

/// Closes the pool when the last handle goes.
struct Open(Arc<OwnPool>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.close();
    }
}

// A panic of a closure is its handle's; the pool has no state that one could break.
impl UnwindSafe for BlockingPool {}
impl RefUnwindSafe for BlockingPool {}

impl BlockingPool {
    /// A pool with settings of your own.
    pub fn builder() -> BlockingPoolBuilder {
        BlockingPoolBuilder::new()
    }

    /// The threads of the current runtime for closures that compute: as many as there are CPUs for this process, so that more
    /// closures than that wait in line instead of getting in each other's way. They start with the first closure.
    ///
    /// They end with the runtime: its end waits for closures that run, and cancels those that wait. Until then
    /// [`close`](BlockingPool::close) and what goes with it do nothing to them.
    /// [`try_spawn`](BlockingPool::try_spawn) goes by
    /// [`Builder::max_blocking_queue`](crate::runtime::Builder::max_blocking_queue).
    ///
    /// ```
    /// # use runtime::task::BlockingPool;
    /// # #[runtime::main]
    /// # async fn main() {
    /// let sum = BlockingPool::compute().spawn(|| (1..=1_000_000u64).sum::<u64>()).await.unwrap();
    /// assert_eq!(sum, 500_000_500_000);
    /// # }
    /// ```
    ///
    /// # Panics
    /// Outside of a runtime.
    #[track_caller]
    pub fn compute() -> BlockingPool {
        match Handle::try_current() {
            Ok(handle) => BlockingPool(Threads::OfRuntime(handle)),
            Err(_) => no_runtime_here("BlockingPool::compute"),
        }
    }

    /// Runs a closure on a thread of the pool.
    ///
    /// It waits if all threads are busy. A closure that has begun cannot be aborted; one that waits can. If the pool was
    /// closed it is cancelled at once.
    ///
    /// # Panics
    /// If the pool has no thread, and the operating system refuses the first one. (If it gives one later, the closure runs
    /// then.)
    #[track_caller]
    pub fn spawn<F, R>(&self, closure: F) -> JoinHandle<R>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        let info = Engine::info(Location::caller());
        JoinHandle::new(match &self.0 {
            Threads::Own(pool) => pool.0.spawn(inside(Handle::try_current().ok(), closure), info),
            Threads::OfRuntime(handle) => handle.engine().spawn_blocking(BlockingClass::Compute, closure, info),
        })
    }

    /// The same, unless all threads are busy and as many closures wait as
    /// [`max_queue`](BlockingPoolBuilder::max_queue) allows, or the pool was closed.
    ///
    /// A closure counts until its thread has gone on from it, which is a moment after its handle is ready.
    ///
    /// # Errors
    /// Then the closure comes back, and has not run.
    ///
    /// # Panics
    /// As [`spawn`](BlockingPool::spawn).
    #[track_caller]
    pub fn try_spawn<F, R>(&self, closure: F) -> Result<JoinHandle<R>, TrySpawnError<F>>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        let info = Engine::info(Location::caller());
        let tried = match &self.0 {
            Threads::Own(pool) => {
                let handle = Handle::try_current().ok();
                pool.0.try_spawn(closure, |closure| inside(handle, closure), info)
            }
            Threads::OfRuntime(handle) => handle.engine().try_spawn_blocking(BlockingClass::Compute, closure, info),
        };
        tried.map(JoinHandle::new).map_err(TrySpawnError::new)
    }

    /// Runs `f` for each item, side by side, and gives the results in the order of the items.
    ///
    /// All are spawned at once, whether or not anybody waits for results: so `items` has an end.
    ///
    /// ```
    /// # use runtime::task::BlockingPool;
    /// # #[runtime::main]
    /// # async fn main() {
    /// let pool = BlockingPool::builder().threads(2).build();
    /// let mut lengths = pool.map(["one", "three"], str::len);
    /// assert_eq!(lengths.next().await.unwrap().unwrap(), 3);
    /// assert_eq!(lengths.next().await.unwrap().unwrap(), 5);
    /// assert!(lengths.next().await.is_none());
    /// # }
    /// ```
    ///
    /// # Panics
    /// As [`spawn`](BlockingPool::spawn).
    #[track_caller]
    pub fn map<I, F, R>(&self, items: I, f: F) -> BlockingMap<R>
    where
        I: IntoIterator,
        I::Item: Send + 'static,
        F: Fn(I::Item) -> R + Send + Sync + 'static,
        R: Send + 'static,
    {
        let f = Arc::new(f);
        let mut results = BlockingMap::new();
        for item in items {
            let f = f.clone();
            results.push(self.spawn(move || f(item)));
        }
        results
    }

    /// Takes no more closures. Those that were accepted are run; then the threads leave.
    pub fn close(&self) {
        if let Threads::Own(pool) = &self.0 {
            pool.0.close();
        }
    }

    /// Cancels closures that have not begun; their handles say so. Those that run go on, and the pool stays open.
    pub fn cancel_queued(&self) {
        if let Threads::Own(pool) = &self.0 {
            pool.0.cancel_queued();
        }
    }

    /// Closes the pool, and waits until all that was accepted has been run and the threads have left.
    ///
    /// A closure of the pool that waits for this waits for ever.
    ///
    /// # Cancel safety
    /// The pool is closed with the first poll, and stays so. Nothing else is lost: call it again to wait on.
    pub async fn shutdown(&self) {
        if let Threads::Own(pool) = &self.0 {
            pool.0.close();
            poll_fn(|cx| pool.0.poll_over(cx)).await;
        }
    }

    /// The same for a thread that may block, for that long at the most. `false`: something still runs.
    ///
    /// # Panics
    /// Inside async code, where it would block a worker.
    #[track_caller]
    pub fn shutdown_timeout(&self, timeout: Duration) -> bool {
        assert!(
            !in_async_context(),
            "`BlockingPool::shutdown_timeout` would block a thread that is polling async tasks.\n  Use \
             `timeout(…, pool.shutdown()).await`, or move the call to `task::spawn_blocking`."
        );
        match &self.0 {
            Threads::Own(pool) => {
                pool.0.close();
                pool.0.wait(Instant::now().checked_add(timeout))
            }
            Threads::OfRuntime(_) => true,
        }
    }

    /// How many threads it has at the moment.
    pub fn num_threads(&self) -> usize {
        match &self.0 {
            Threads::Own(pool) => pool.0.lane().threads(),
            Threads::OfRuntime(handle) => handle.engine().counters().compute_threads(),
        }
    }

    /// How many closures wait for a thread at the moment.
    pub fn queue_depth(&self) -> usize {
        match &self.0 {
            Threads::Own(pool) => pool.0.lane().queued(),
            Threads::OfRuntime(handle) => handle.engine().counters().compute_queued(),
        }
    }
}

/// The closure, run inside of a runtime, if there is one.
fn inside<F: FnOnce() -> R, R>(handle: Option<Handle>, closure: F) -> impl FnOnce() -> R {
    move || {
        let _entered = handle.as_ref().map(Handle::enter);
        closure()
    }
}

impl fmt::Debug for BlockingPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlockingPool")
            .field("threads", &self.num_threads())
            .field("queued", &self.queue_depth())
            .finish_non_exhaustive()
    }
}
