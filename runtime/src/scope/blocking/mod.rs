//! Tasks that borrow from a caller who waits.
//!
//! Owns: [`scope_blocking`], [`BlockingScope`], [`ScopedTask`].   Imports: the group (it knows when every child is gone),
//! `task::block_in_place`, `sync::oneshot`.   Not here: the one unsafe step, forgetting a lifetime (`erase`).
//!
//! The children are those of a `TaskGroup` that nobody stops. What makes the borrow sound: [`scope_blocking`] does not
//! return, by any way, before the group says that all of them are gone, and gone means that the future has been dropped. So
//! from the first spawn on nothing may unwind through it: the closure's panic is caught, and so is whatever happens
//! while it waits; the last wait, on a parked thread, can do neither.
//!
//! What a child gives or throws stays inside its future until it is handed over: the channel's halves are the
//! child's, dropped with it, and the caller's, which cannot leave the closure.

#[allow(unsafe_code)] // makes a future that borrows one that does not say so
mod erase;

use super::group::TaskGroup;
use crate::engine::atomics::Mutex;
use crate::engine::config::Flavor;
use crate::engine::entered::{self, Role};
use crate::engine::{Engine, in_async_context};
use crate::sync::oneshot;
use crate::task::{AbortHandle, Id, JoinError, block_in_place};
use erase::erase;
use std::any::Any;
use std::convert::Infallible;
use std::fmt;
use std::future::{Future, poll_fn};
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

type Payload = Box<dyn Any + Send>;

/// Calls `body`, and waits until every task that it has spawned in the scope is gone. The tasks may borrow whatever outlives
/// the call, and run in parallel.
///
/// The thread waits meanwhile. On a worker this is [`block_in_place`]: others take over its tasks.
///
/// ```
/// use runtime::scope::scope_blocking;
///
/// # let rt = runtime::runtime::Runtime::new().unwrap();
/// # let _inside = rt.enter();
/// let numbers: Vec<u64> = (1..=1000).collect();
/// let (low, high) = numbers.split_at(500);
/// let sum = scope_blocking(|scope| {
///     let low = scope.spawn(async { low.iter().sum::<u64>() });
///     let high = scope.spawn(async { high.iter().sum::<u64>() });
///     low.join().unwrap() + high.join().unwrap()
/// });
/// assert_eq!(sum, 500_500);
/// ```
///
/// What does not outlive the call cannot be borrowed:
///
/// ```compile_fail,E0373
/// # let rt = runtime::runtime::Runtime::new().unwrap();
/// # let _inside = rt.enter();
/// runtime::scope::scope_blocking(|scope| {
///     let word = String::from("short-lived");
///     scope.spawn(async { println!("{word}") });
/// });
/// ```
///
/// # Panics
/// - Outside of a runtime's context.
/// - In async code of a current-thread runtime or of a `LocalSet`: nobody would run the tasks.
/// - When all tasks are gone: if `body` panics (the tasks are aborted then), or if a task does whose panic nobody joined.
#[track_caller]
pub fn scope_blocking<'env, F, R>(body: F) -> R
where
    F: for<'scope> FnOnce(&'scope BlockingScope<'scope, 'env>) -> R,
{
    let Some(engine) = entered::with_engine(|engine| engine.map(Engine::count)) else { no_runtime_here() };
    block_in_place(|| {
        let scope = BlockingScope {
            group: TaskGroup::settling(),
            engine,
            unjoined: Arc::new(Mutex::new(Vec::new())),
            _scope: PhantomData,
            _env: PhantomData,
        };
        let result = catch_unwind(AssertUnwindSafe(|| body(&scope)));
        if result.is_err() {
            scope.group.cancel();
        }
        scope.wait();
        let unjoined = std::mem::take(&mut *scope.unjoined.lock());
        match (result, unjoined.into_iter().next()) {
            (Err(panic), _) | (Ok(_), Some(panic)) => resume_unwind(panic),
            (Ok(result), None) => result,
        }
    })
}

/// Spawns tasks that borrow; lent to the closure of [`scope_blocking`].
pub struct BlockingScope<'scope, 'env: 'scope> {
    group: TaskGroup<(), Infallible>,
    engine: Arc<Engine>,
    /// Panics of tasks that nobody has joined.
    unjoined: Arc<Mutex<Vec<Payload>>>,
    // Neither lifetime may be shortened: tasks hold what lives for `'scope`.
    _scope: PhantomData<&'scope mut &'scope ()>,
    _env: PhantomData<&'env mut &'env ()>,
}

impl<'scope> BlockingScope<'scope, '_> {
    /// Spawns a task on the current runtime. It may borrow what lives for `'scope`, the scope itself included.
    ///
    /// # Panics
    /// If the body has left the runtime's context.
    #[track_caller]
    pub fn spawn<F>(&'scope self, future: F) -> ScopedTask<'scope, F::Output>
    where
        F: Future + Send + 'scope,
        F::Output: Send + 'scope,
    {
        let (sender, receiver) = oneshot::channel();
        let unjoined = self.unjoined.clone();
        let task = async move {
            let output = Caught(future).await;
            if let Err(Err(panic)) = sender.send(output) {
                unjoined.lock().push(panic);
            }
        };
        // `wait` is called before `'scope` ends; see the module's head.
        let task = erase(Box::pin(task));
        let abort = self.group.spawn(async move {
            task.await;
            Ok(())
        });
        let (engine, unjoined) = (self.engine.clone(), self.unjoined.clone());
        ScopedTask { abort, receiver: Some(receiver), engine, unjoined, _scope: PhantomData }
    }

    /// Blocks until all tasks are gone. Does not unwind.
    fn wait(&self) {
        drive_until(&self.engine, |cx| self.group.poll_empty(cx));
        block_parked(poll_fn(|cx| self.group.poll_empty(cx)));
    }
}

impl fmt::Debug for BlockingScope<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlockingScope").field("tasks", &self.group.len()).finish_non_exhaustive()
    }
}

/// A task of [`scope_blocking`]. Dropping it changes nothing: the scope waits for the task.
pub struct ScopedTask<'scope, T> {
    abort: AbortHandle,
    receiver: Option<oneshot::Receiver<Result<T, Payload>>>,
    engine: Arc<Engine>,
    unjoined: Arc<Mutex<Vec<Payload>>>,
    _scope: PhantomData<&'scope mut &'scope ()>,
}

impl<T> ScopedTask<'_, T> {
    /// Blocks until the task is over, and gives its output.
    ///
    /// # Errors
    /// If the task panicked, or was aborted, or its runtime shut down.
    ///
    /// # Panics
    /// In async code, where it would block a worker.
    #[track_caller]
    pub fn join(mut self) -> Result<T, JoinError> {
        assert!(
            !in_async_context(),
            "cannot block here: `ScopedTask::join` was called inside async code.\n  Call it in the closure of \
             `scope_blocking`, which is none."
        );
        let mut receiver = self.receiver.take().expect("BUG: a scoped task is joined twice");
        let driven = drive_until(&self.engine, |cx| Pin::new(&mut receiver).poll(cx));
        match driven.unwrap_or_else(|| block_parked(receiver)) {
            Ok(Ok(output)) => Ok(output),
            Ok(Err(panic)) => Err(JoinError::panicked(self.id(), panic)),
            Err(_) => Err(JoinError::cancelled(self.id())),
        }
    }

    /// Asks the task to stop, as [`JoinHandle::abort`](crate::task::JoinHandle::abort) does.
    pub fn abort(&self) {
        self.abort.abort();
    }

    /// Is the task over?
    pub fn is_finished(&self) -> bool {
        self.abort.is_finished()
    }

    /// The id of the task.
    pub fn id(&self) -> Id {
        self.abort.id()
    }
}

impl<T> Drop for ScopedTask<'_, T> {
    fn drop(&mut self) {
        let Some(mut receiver) = self.receiver.take() else { return };
        // Closed first: what is not sent by now goes to `unjoined` by itself.
        receiver.close();
        if let Ok(Err(panic)) = receiver.try_recv() {
            self.unjoined.lock().push(panic);
        }
    }
}

impl<T> fmt::Debug for ScopedTask<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopedTask").field("id", &self.id()).finish()
    }
}

pin_project_lite::pin_project! {
    /// A future whose panics are outputs.
    struct Caught<F> {
        #[pin]
        future: F,
    }
}

#[allow(non_snake_case)]
fn Caught<F>(future: F) -> Caught<F> {
    Caught { future }
}

impl<F: Future> Future for Caught<F> {
    type Output = Result<F::Output, Payload>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let future = self.project().future;
        match catch_unwind(AssertUnwindSafe(|| future.poll(cx))) {
            Ok(poll) => poll.map(Ok),
            Err(panic) => Poll::Ready(Err(panic)),
        }
    }
}

/// A current-thread runtime moves only while somebody is inside of `block_on`; why not this thread. `None`: it is none, or
/// others drive it, or it ends. Does not unwind.
fn drive_until<R>(engine: &Arc<Engine>, poll: impl FnMut(&mut Context<'_>) -> Poll<R>) -> Option<R> {
    if engine.config.flavor == Flavor::MultiThread || entered::role() != Role::Outside {
        return None;
    }
    let driving = AssertUnwindSafe(|| {
        let _role = entered::set_role(Role::PollsAlone(Location::caller()));
        let _entered = entered::enter(engine.clone());
        engine.block_on_as_worker(poll_fn(poll))
    });
    // It panics if the runtime shuts down because of a panic. Its tasks are cancelled then, which ends any wait for them.
    catch_unwind(driving).ok()
}

/// Runs a future of ours on this thread, which sleeps in between.
fn block_parked<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        thread::park();
    }
}

#[cold]
#[track_caller]
fn no_runtime_here() -> ! {
    let thread = thread::current();
    panic!(
        "no runtime here: `scope_blocking` was called on thread {:?}, which has entered no runtime.\n  Call it inside \
         `Runtime::block_on`, in a task or a blocking closure, or hold the guard of `Handle::enter`.",
        thread.name().unwrap_or("unnamed")
    )
}
