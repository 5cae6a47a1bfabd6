//! Tasks that borrow from a caller who waits.
//!
//! Owns: [`scope_blocking`], [`BlockingScope`], [`ScopedTask`].   Not here: the one unsafe step, forgetting a lifetime
//! (`erase`).
//!
//! The children are those of a `TaskGroup` that nobody stops. What makes the borrow sound: [`scope_blocking`] does not
//! return, by any way, before the group says that all of them are gone, and gone means that the future has been dropped. So
//! from the first spawn on nothing may unwind through it: the closure's panic is caught, so is that of stopping the
//! children after it, and so is whatever happens while it waits; the last wait, on a parked thread, can do neither.
//!
//! What a child gives stays inside its future until it is handed over: the channel's halves are the child's, dropped
//! with it, and the caller's, which cannot leave the closure. What it throws is put down with the scope, by the
//! child's number, and a join takes it from there: so a panic is somebody's also when the child's handle was forgotten.

#[allow(unsafe_code)] // makes a future that borrows one that does not say so
mod erase;

use super::group::TaskGroup;
use crate::engine::atomics::Mutex;
use crate::engine::config::Flavor;
use crate::engine::entered::{self, Role};
use crate::engine::{Engine, in_async_context, no_runtime_here};
use crate::sync::oneshot;
use crate::task::{AbortHandle, Id, JoinError, block_in_place};
use erase::erase;
use std::any::Any;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::convert::Infallible;
use std::fmt;
use std::future::{Future, poll_fn};
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
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
/// - When all tasks are gone: if `body` panics (the tasks are aborted then), or if a task does whose panic nobody joined;
///   the drop of its future and of an output that nobody joined are part of a task. As in std's scopes, a handle that was
///   forgotten has joined nothing.
#[track_caller]
pub fn scope_blocking<'env, F, R>(body: F) -> R
where
    F: for<'scope> FnOnce(&'scope BlockingScope<'scope, 'env>) -> R,
{
    let Some(engine) = entered::with_engine(|engine| engine.map(Engine::arc)) else {
        no_runtime_here("scope_blocking")
    };
    block_in_place(|| {
        let scope = BlockingScope {
            group: TaskGroup::settling(),
            engine,
            spawned: AtomicU64::new(0),
            panics: Arc::new(Panics(Mutex::new(BTreeMap::new()))),
            _scope: PhantomData,
            _env: PhantomData,
        };
        let mut result = catch_unwind(AssertUnwindSafe(|| body(&scope)));
        if result.is_err() {
            // The body's panic is the one that goes on.
            if let Err(second) = catch_unwind(AssertUnwindSafe(|| scope.group.cancel())) {
                forget_payload(second);
            }
        }
        let thrown = scope.wait();
        let unjoined = scope.panics.first();
        if result.is_ok()
            && let Some(panic) = unjoined.or(thrown)
        {
            result = Err(panic);
        }
        result.unwrap_or_else(|panic| resume_unwind(panic))
    })
}

/// Spawns tasks that borrow; lent to the closure of [`scope_blocking`].
pub struct BlockingScope<'scope, 'env: 'scope> {
    group: TaskGroup<(), Infallible>,
    engine: Arc<Engine>,
    spawned: AtomicU64,
    panics: Arc<Panics>,
    // Neither lifetime may be shortened: tasks hold what lives for `'scope`.
    _scope: PhantomData<&'scope mut &'scope ()>,
    _env: PhantomData<&'env mut &'env ()>,
}

impl<'scope> BlockingScope<'scope, '_> {
    /// Spawns a task, on the runtime that was current when [`scope_blocking`] was called. It may borrow what lives for
    /// `'scope`, the scope itself included.
    pub fn spawn<F>(&'scope self, future: F) -> ScopedTask<'scope, F::Output>
    where
        F: Future + Send + 'scope,
        F::Output: Send + 'scope,
    {
        let (sender, receiver) = oneshot::channel();
        let number = self.spawned.fetch_add(1, Ordering::Relaxed);
        let panics = self.panics.clone();
        let task = async move {
            let sent = match Caught::new(future).await {
                Ok(output) => sender.send(Ok(output)),
                Err(panic) => {
                    // Before it is sent, which is when a join takes it.
                    panics.put(number, panic);
                    sender.send(Err(Panicked))
                }
            };
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(sent))) {
                panics.put(number, panic);
            }
        };
        // `wait` is called before `'scope` ends; see the module's head.
        let task = erase(Box::pin(task));
        // Whatever the body has entered meanwhile: the waits drive this engine and no other.
        let _entered = entered::enter(self.engine.clone());
        let abort = self.group.spawn(async move {
            task.await;
            Ok(())
        });
        let (engine, panics) = (self.engine.clone(), self.panics.clone());
        ScopedTask { abort, receiver, number, engine, panics, _scope: PhantomData }
    }

    /// Blocks until all tasks are gone; gives the first panic that came out of one past its own future (the drop of an
    /// aborted one). Does not unwind.
    fn wait(&self) -> Option<Payload> {
        let mut thrown = None;
        let mut poll = |cx: &mut Context<'_>| {
            self.group.poll_panics(cx).map(|mut panics| {
                thrown = thrown.take().or(panics.next());
                panics.for_each(forget_payload);
            })
        };
        drive_until(&self.engine, &mut poll);
        block_parked(poll_fn(poll));
        thrown
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
    receiver: oneshot::Receiver<Result<T, Panicked>>,
    /// Which of the scope's tasks it is.
    number: u64,
    engine: Arc<Engine>,
    panics: Arc<Panics>,
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
        let driven = drive_until(&self.engine, |cx| Pin::new(&mut self.receiver).poll(cx));
        let id = self.id();
        match driven.unwrap_or_else(|| block_parked(self.receiver)) {
            Ok(Ok(output)) => Ok(output),
            Ok(Err(Panicked)) => {
                let panic = self.panics.take(self.number).expect("BUG: a scoped task's panic is taken twice");
                Err(JoinError::panicked(id, panic))
            }
            Err(_) => Err(JoinError::cancelled(id)),
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

impl<T> fmt::Debug for ScopedTask<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopedTask").field("id", &self.id()).finish()
    }
}

/// The task's panic lies with the scope.
struct Panicked;

/// Panics of tasks that nobody has joined, by the task's number.
struct Panics(Mutex<BTreeMap<u64, Payload>>);

impl Panics {
    /// The first one that a task has is kept.
    fn put(&self, number: u64, panic: Payload) {
        let late = match self.0.lock().entry(number) {
            Entry::Vacant(place) => {
                place.insert(panic);
                None
            }
            Entry::Occupied(_) => Some(panic),
        };
        if let Some(late) = late {
            forget_payload(late);
        }
    }

    fn take(&self, number: u64) -> Option<Payload> {
        self.0.lock().remove(&number)
    }

    /// That of the task that was spawned first. Asked when all tasks are gone.
    fn first(&self) -> Option<Payload> {
        let mut all = std::mem::take(&mut *self.0.lock()).into_values();
        let first = all.next();
        all.for_each(forget_payload);
        first
    }
}

/// Its drop is user code, and may panic in its turn.
fn forget_payload(payload: Payload) {
    let _ = catch_unwind(AssertUnwindSafe(|| drop(payload))).map_err(std::mem::forget);
}

pin_project_lite::pin_project! {
    /// A future whose panics are outputs, those of its drop as well.
    struct Caught<F> {
        #[pin]
        future: Option<F>,
    }
}

impl<F> Caught<F> {
    fn new(future: F) -> Self {
        Caught { future: Some(future) }
    }
}

impl<F: Future> Future for Caught<F> {
    type Output = Result<F::Output, Payload>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut slot = self.project().future;
        let Some(future) = slot.as_mut().as_pin_mut() else { return Poll::Pending };
        let polled = match catch_unwind(AssertUnwindSafe(|| future.poll(cx))) {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(output)) => Ok(output),
            Err(panic) => Err(panic),
        };
        match (catch_unwind(AssertUnwindSafe(|| slot.set(None))), polled) {
            (Ok(()), polled) => Poll::Ready(polled),
            (Err(panic), Ok(output)) => {
                if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(output))) {
                    forget_payload(second);
                }
                Poll::Ready(Err(panic))
            }
            (Err(second), Err(first)) => {
                forget_payload(second);
                Poll::Ready(Err(first))
            }
        }
    }
}

/// A current-thread runtime moves only while somebody is inside of `block_on`; why not this thread. `None`: it is none, or
/// others drive it, or it ends. Does not unwind.
fn drive_until<R>(engine: &Arc<Engine>, poll: impl FnMut(&mut Context<'_>) -> Poll<R>) -> Option<R> {
    if engine.flavor() == Flavor::MultiThread || entered::role() != Role::Outside {
        return None;
    }
    let driving = AssertUnwindSafe(|| {
        let _role = entered::set_role(Role::PollsAlone(Location::caller()));
        let _entered = entered::enter(engine.clone());
        engine.block_on(pin!(poll_fn(poll)))
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
