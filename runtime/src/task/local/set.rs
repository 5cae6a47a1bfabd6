//! `LocalSet` and `spawn_local`.

use super::super::JoinHandle;
use super::super::large::Large;
use super::queue::LocalQueue;
use crate::engine::budget::{self, Budget, with_budget};
use crate::engine::coarse;
use crate::engine::config::Flavor;
use crate::engine::entered::{self, Role};
use crate::engine::{Engine, Name, TaskInfo, allocate};
use crate::runtime::{Runtime, UnhandledPanic};
use pin_project_lite::pin_project;
use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::panic::Location;
use std::pin::Pin;
use std::ptr::NonNull;
use std::sync::Arc;
use std::task::{Context, Poll};

/// How many tasks a set runs in one poll before it gives way to the other tasks of its thread. Fewer, if they take long.
const TASKS_PER_POLL: usize = 61;

/// Milliseconds by the coarse clock after which a set gives way although fewer tasks have run. Its ticks are 4 apart at the most,
/// as a rule, and one may fall into any turn, however short.
const LONG_TURN: u32 = 4;

thread_local! {
    /// The sets entered on this thread, the innermost last.
    static ENTERED: RefCell<Vec<Arc<LocalQueue>>> = const { RefCell::new(Vec::new()) };
}

/// A set of tasks that need not be `Send`; all of them run on the thread that polls the set.
///
/// ```
/// use runtime::task::{LocalSet, spawn_local};
/// use std::rc::Rc;
///
/// let rt = runtime::runtime::Runtime::new().unwrap();
/// let set = LocalSet::new();
/// let length = set.block_on(&rt, async {
///     let text = Rc::new("not Send".to_owned());
///     spawn_local(async move { text.len() }).await.unwrap()
/// });
/// assert_eq!(length, 8);
/// ```
///
/// Dropping the set cancels its tasks.
pub struct LocalSet {
    queue: Arc<LocalQueue>,
    id: u64,
    _this_thread: PhantomData<*const ()>,
}

/// Holds a thread inside a [`LocalSet`]; made by [`LocalSet::enter`].
pub struct LocalEnterGuard {
    _this_thread: PhantomData<*const ()>,
}

impl Drop for LocalEnterGuard {
    fn drop(&mut self) {
        // The thread-local may be gone when the thread ends; then there is nothing to leave.
        let left = ENTERED.try_with(|entered| entered.borrow_mut().pop());
        drop(left);
    }
}

impl fmt::Debug for LocalEnterGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalEnterGuard").finish_non_exhaustive()
    }
}

/// Spawns a task that need not be `Send`, on the current [`LocalSet`], or on the current
/// [`LocalRuntime`](crate::runtime::LocalRuntime).
///
/// # Panics
/// Outside of both.
#[track_caller]
pub fn spawn_local<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + 'static,
    F::Output: 'static,
{
    let info = Engine::info(Location::caller());
    if Large::<F>::YES { spawn_local_with(Box::pin(future), info.boxed::<F>()) } else { spawn_local_with(future, info) }
}

#[track_caller]
pub(crate) fn spawn_local_with<F, N>(future: F, info: TaskInfo<N>) -> JoinHandle<F::Output>
where
    F: Future + 'static,
    F::Output: 'static,
    N: Name,
{
    let set = ENTERED.try_with(|entered| entered.borrow().last().cloned()).ok().flatten();
    if let Some(queue) = set {
        return spawn_on(&queue, future, info);
    }
    let local = |engine: &&Engine| engine.flavor() == Flavor::Local && engine.is_bound_here();
    match entered::with_engine(|engine| engine.filter(local).map(Engine::arc)) {
        Some(engine) => JoinHandle::new(engine.spawn(future, info)),
        None => panic!(
            "`spawn_local` called from outside of a `task::LocalSet` or `runtime::LocalRuntime`: there is no local set \
             here.\n  Call it inside `LocalSet::run_until` or `LocalRuntime::block_on`, or spawn a `Send` future with \
             `spawn`."
        ),
    }
}

fn spawn_on<F: Future, N: Name>(queue: &Arc<LocalQueue>, future: F, info: TaskInfo<N>) -> JoinHandle<F::Output> {
    let owner: NonNull<LocalQueue> = NonNull::from(&**queue);
    let span = info.span_of_future::<F>("local");
    let (task, join) = allocate(future, owner, info, span);
    queue.adopt(task);
    JoinHandle::new(join)
}

impl Default for LocalSet {
    fn default() -> Self {
        LocalSet::new()
    }
}

impl LocalSet {
    /// An empty set.
    pub fn new() -> LocalSet {
        LocalSet { queue: LocalQueue::new(), id: Engine::fresh_id(), _this_thread: PhantomData }
    }

    /// A number of this set that no other set and no runtime in the process has.
    pub fn id(&self) -> crate::runtime::Id {
        crate::runtime::Id::new(self.id)
    }

    /// What the set does when one of its tasks panics; nothing by default. The policy of the runtime that polls the set
    /// applies besides, but for shutting it down.
    ///
    /// With [`ShutdownRuntime`](UnhandledPanic::ShutdownRuntime) it is the *set* that shuts down, at the first panic of
    /// a task, joined or not: all its tasks are cancelled, and whoever polls the set, or is inside
    /// [`run_until`](LocalSet::run_until), panics, then and whenever he tries again.
    ///
    /// ```
    /// use runtime::runtime::{Runtime, UnhandledPanic};
    /// use runtime::task::LocalSet;
    ///
    /// let rt = Runtime::new().unwrap();
    /// let mut set = LocalSet::new();
    /// set.unhandled_panic(UnhandledPanic::Log);
    /// drop(set.spawn_local(async { panic!("a line on standard error") }));
    /// set.block_on(&rt, async {});
    /// ```
    ///
    /// # Panics
    /// If the set has been polled already, or a task was spawned on it.
    #[track_caller]
    pub fn unhandled_panic(&mut self, behavior: UnhandledPanic) -> &mut Self {
        assert!(
            self.queue.set_policy(behavior),
            "a `LocalSet` in use is told what to do about panics.\n  Call `unhandled_panic` once, before the first task is \
             spawned."
        );
        self
    }

    /// Enters the set: until the guard is dropped, [`spawn_local`] on this thread spawns here.
    pub fn enter(&self) -> LocalEnterGuard {
        ENTERED.with(|entered| entered.borrow_mut().push(self.queue.clone()));
        LocalEnterGuard { _this_thread: PhantomData }
    }

    /// Spawns a task. It runs when the set is polled: awaited, or inside [`run_until`](LocalSet::run_until).
    #[track_caller]
    pub fn spawn_local<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        let info = Engine::info(Location::caller());
        if Large::<F>::YES {
            self.spawn_with(Box::pin(future), info.boxed::<F>())
        } else {
            self.spawn_with(future, info)
        }
    }

    pub(crate) fn spawn_with<F, N>(&self, future: F, info: TaskInfo<N>) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
        N: Name,
    {
        spawn_on(&self.queue, future, info)
    }

    /// Runs `future` to its end on this thread, and the set's tasks meanwhile.
    ///
    /// # Panics
    /// As [`Runtime::block_on`].
    #[track_caller]
    pub fn block_on<F: Future>(&self, rt: &Runtime, future: F) -> F::Output {
        rt.block_on(self.run_until(future))
    }

    /// Runs `future`, and the set's tasks meanwhile.
    ///
    /// # Cancel safety
    /// The set keeps its tasks; they go on when it is polled again.
    pub async fn run_until<F: Future>(&self, future: F) -> F::Output {
        RunUntil { set: self, future }.await
    }

    /// Runs woken tasks. `true`: more are woken than one poll may run.
    #[track_caller]
    fn run_some(&self) -> bool {
        if self.queue.closed_by_panic() {
            shut_down_by_a_panic();
        }
        let begun = coarse::beat();
        for _ in 0..TASKS_PER_POLL {
            let Some(task) = self.queue.pop() else { return false };
            let _role = entered::set_role(Role::PollsLocal);
            with_budget(Budget::PER_POLL, || task.run());
            if self.queue.closed_by_panic() {
                self.queue.cancel_all();
                shut_down_by_a_panic();
            }
            if coarse::beat().wrapping_sub(begun) > LONG_TURN {
                break;
            }
        }
        self.queue.has_woken()
    }

    /// Runs tasks, inside the set, for the task of `cx`.
    #[track_caller]
    fn turn(&self, cx: &mut Context<'_>) {
        self.queue.set_waker(cx.waker());
        let more = self.run_some();
        let gave_way = self.queue.end_turn();
        if more {
            cx.waker().wake_by_ref();
        } else if gave_way {
            budget::give_way(cx);
        }
    }
}

/// Completes when the set has no task any more.
impl Future for LocalSet {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let _inside = self.enter();
        self.turn(cx);
        if self.queue.alive() == 0 { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Drop for LocalSet {
    fn drop(&mut self) {
        let _inside = ENTERED.try_with(|_| ()).is_ok().then(|| self.enter());
        self.queue.close();
    }
}

impl fmt::Debug for LocalSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalSet").field("tasks", &self.queue.alive()).finish()
    }
}

#[track_caller]
fn shut_down_by_a_panic() -> ! {
    panic!(
        "a task of a `LocalSet` has panicked, and the set shuts down on unhandled panics: it cannot go on.\n  See the \
         panic's own message above; `LocalSet::unhandled_panic` sets what happens."
    )
}

pin_project! {
    struct RunUntil<'a, F> {
        set: &'a LocalSet,
        #[pin]
        future: F,
    }
}

impl<F: Future> Future for RunUntil<'_, F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _inside = this.set.enter();
        this.set.queue.set_waker(cx.waker());
        if this.set.queue.closed_by_panic() {
            shut_down_by_a_panic();
        }
        if let Poll::Ready(output) = this.future.poll(cx) {
            return Poll::Ready(output);
        }
        this.set.turn(cx);
        Poll::Pending
    }
}
