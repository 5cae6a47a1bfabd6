//! Futures that borrow from their caller, side by side in the caller's task.
//!
//! Owns: [`scope_local`], [`LocalScope`], [`LocalChild`].   Imports: `sync::oneshot`, the door's lock.
//! Not here: parallelism. One task polls all of them, so they take turns.
//!
//! Sound without unsafe code: the children lie in the scope's future, and live no longer than it does. Forgetting the future
//! forgets them; nobody polls them then, so that what they borrowed may go. The body gets the scope by value, and a child
//! may take a clone of it along, to spawn siblings.
//!
//! Each child has a waker of its own, and a poll of the scope polls those children (and the body) that were woken: ten
//! thousand children that wait cost nothing (museum F2). One that wakes itself comes again in the next poll, so that the
//! scope gives way as its children do.
//!
//! The danger: a child in the list that it can itself reach is a circle that nobody drops. The scope's future empties the list
//! when it goes (`Children`).

use crate::engine::atomics::Mutex;
use crate::sync::oneshot;
use std::fmt;
use std::future::{Future, poll_fn};
use std::mem;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker, ready};

type Boxed<'env> = Pin<Box<dyn Future<Output = ()> + Send + 'env>>;

/// Runs `body`, and the futures that it spawns in the scope, until all of them are done, in the caller's task.
///
/// The children may borrow whatever outlives the call. They run concurrently, not in parallel: for that see
/// [`TaskGroup`](super::TaskGroup), whose children may not borrow, and [`scope_blocking`](super::scope_blocking).
///
/// ```
/// use runtime::scope::scope_local;
///
/// # runtime::runtime::Runtime::new().unwrap().block_on(async {
/// let words = vec!["structured", "concurrency"];
/// let lengths = scope_local(|scope| {
///     let words = &words;
///     async move {
///         let first = scope.spawn(async move { words[0].len() });
///         let second = scope.spawn(async move { words[1].len() });
///         (first.await, second.await)
///     }
/// });
/// assert_eq!(lengths.await, (10, 11));
/// # })
/// ```
///
/// What lives in the body does not outlive it, so a child cannot borrow that:
///
/// ```compile_fail,E0597
/// # runtime::runtime::Runtime::new().unwrap().block_on(async {
/// runtime::scope::scope_local(|scope| async move {
///     let word = String::from("short-lived");
///     scope.spawn(async { println!("{}", &word) });
/// })
/// .await;
/// # })
/// ```
///
/// # Panics
/// If the body or a child panics: the others are dropped.
///
/// # Cancel safety
/// Cancelling it drops the body and all children.
pub async fn scope_local<'env, F, B>(body: F) -> B::Output
where
    F: FnOnce(LocalScope<'env>) -> B,
    B: Future,
{
    let scope = LocalScope { board: Arc::new(Board::new()) };
    let mut children = Children { board: scope.board.clone(), all: Vec::new(), vacant: Vec::new(), running: 0 };
    let mut body = pin!(body(scope));
    let body_waker = children.board.bell.waker(BODY);
    let mut output = None;
    body_waker.wake_by_ref();
    poll_fn(|cx| {
        children.board.spawned.lock().is_being_looked_at = true;
        for slot in children.board.bell.answer(cx.waker()) {
            // Before the poll: who is woken during it is woken for the next.
            slot.rung.swap(false, Ordering::AcqRel);
            if slot.index != BODY {
                children.poll(slot.index);
            } else if output.is_none()
                && let Poll::Ready(ready) = body.as_mut().poll(&mut Context::from_waker(&body_waker))
            {
                output = Some(ready);
            }
        }
        children.begin();
        let all_begun = children.all_begun();
        if output.is_some() && all_begun && children.running == 0 {
            return Poll::Ready(());
        }
        if !all_begun {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    })
    .await;
    output.expect("BUG: a local scope has ended before its body")
}

/// Spawns children that borrow; given to the body of [`scope_local`]. Cheap to clone.
pub struct LocalScope<'env> {
    board: Arc<Board<'env>>,
}

/// Where children are put down until the scope's future takes them.
struct Board<'env> {
    spawned: Mutex<Spawned<'env>>,
    bell: Arc<Bell>,
}

impl Board<'_> {
    fn new() -> Self {
        Board { spawned: Mutex::new(Spawned::default()), bell: Arc::new(Bell(Mutex::new(Rung::default()))) }
    }
}

#[derive(Default)]
struct Spawned<'env> {
    children: Vec<Boxed<'env>>,
    /// The scope's future is being polled, and will look here before it is done with that.
    is_being_looked_at: bool,
    closed: bool,
}

/// The body's number.
const BODY: usize = usize::MAX;

impl<'env> LocalScope<'env> {
    /// Spawns a child. It begins when the scope's future is polled next.
    ///
    /// Dropping what this returns does not stop the child: the scope waits for it all the same. In a scope that is over
    /// the future is dropped.
    pub fn spawn<F>(&self, future: F) -> LocalChild<F::Output>
    where
        F: Future + Send + 'env,
        F::Output: Send + 'env,
    {
        let (sender, receiver) = oneshot::channel();
        let child = Box::pin(async move { drop(sender.send(future.await)) });
        let (refused, wake) = {
            let mut spawned = self.board.spawned.lock();
            if spawned.closed {
                (Some(child), false)
            } else {
                spawned.children.push(child);
                (None, !spawned.is_being_looked_at)
            }
        };
        drop(refused);
        if wake {
            self.board.bell.wake();
        }
        LocalChild { receiver }
    }
}

impl Clone for LocalScope<'_> {
    fn clone(&self) -> Self {
        LocalScope { board: self.board.clone() }
    }
}

impl fmt::Debug for LocalScope<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalScope").finish_non_exhaustive()
    }
}

/// Gives the output of a child of [`scope_local`].
///
/// # Panics
/// Awaiting it panics if the child was dropped with its scope before it was done.
///
/// # Cancel safety
/// Cancelling it loses the output, and does not stop the child.
#[must_use = "to wait for the child's output, await this; the scope waits for the child in any case"]
pub struct LocalChild<T> {
    receiver: oneshot::Receiver<T>,
}

impl<T> Future for LocalChild<T> {
    type Output = T;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        match ready!(Pin::new(&mut self.receiver).poll(cx)) {
            Ok(output) => Poll::Ready(output),
            Err(_) => panic!(
                "a child of `scope_local` has no output: it was dropped with its scope, or spawned after that was over.\n  \
                 Await children inside the scope."
            ),
        }
    }
}

impl<T> fmt::Debug for LocalChild<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalChild").finish_non_exhaustive()
    }
}

/// The children that the scope's future has taken.
struct Children<'env> {
    board: Arc<Board<'env>>,
    all: Vec<Option<Child<'env>>>,
    vacant: Vec<usize>,
    running: usize,
}

struct Child<'env> {
    future: Boxed<'env>,
    waker: Waker,
}

impl Children<'_> {
    /// Takes those in that were spawned by now, and polls each once.
    fn begin(&mut self) {
        // Not in the `for`: it would hold the lock for as long as the loop takes.
        let spawned = mem::take(&mut self.board.spawned.lock().children);
        for future in spawned {
            let index = self.vacant.pop().unwrap_or_else(|| {
                self.all.push(None);
                self.all.len() - 1
            });
            let waker = self.board.bell.waker(index);
            self.all[index] = Some(Child { future, waker });
            self.running += 1;
            self.poll(index);
        }
    }

    /// Polls a child; one that has gone meanwhile is no error (its waker was kept).
    fn poll(&mut self, index: usize) {
        let Some(Some(child)) = self.all.get_mut(index) else { return };
        if child.future.as_mut().poll(&mut Context::from_waker(&child.waker)).is_ready() {
            let done = self.all[index].take();
            self.vacant.push(index);
            self.running -= 1;
            drop(done);
        }
    }

    /// Whoever is spawned from now on wakes the scope.
    fn all_begun(&self) -> bool {
        let mut spawned = self.board.spawned.lock();
        spawned.is_being_looked_at = false;
        spawned.children.is_empty()
    }
}

impl Drop for Children<'_> {
    fn drop(&mut self) {
        let unbegun = {
            let mut spawned = self.board.spawned.lock();
            spawned.closed = true;
            mem::take(&mut spawned.children)
        };
        self.board.bell.forget_waker();
        drop(unbegun);
    }
}

/// Who has been woken, and whom to wake for it.
struct Bell(Mutex<Rung>);

#[derive(Default)]
struct Rung {
    woken: Vec<Arc<SlotWaker>>,
    waker: Option<Waker>,
}

/// What a child (or the body) finds as the waker of its task.
struct SlotWaker {
    index: usize,
    /// It stands in the list.
    rung: AtomicBool,
    bell: Arc<Bell>,
}

impl Bell {
    fn waker(self: &Arc<Self>, index: usize) -> Waker {
        Arc::new(SlotWaker { index, rung: AtomicBool::new(false), bell: self.clone() }).into()
    }

    /// Those who were woken, and from now on `waker` is woken for the next.
    fn answer(&self, waker: &Waker) -> Vec<Arc<SlotWaker>> {
        let same = self.0.lock().waker.as_ref().is_some_and(|old| old.will_wake(waker));
        let new = (!same).then(|| waker.clone());
        let (woken, old) = {
            let mut rung = self.0.lock();
            let old = new.and_then(|new| rung.waker.replace(new));
            (mem::take(&mut rung.woken), old)
        };
        drop(old);
        woken
    }

    fn wake(&self) {
        let waker = self.0.lock().waker.take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn forget_waker(&self) {
        let (woken, waker) = {
            let mut rung = self.0.lock();
            (mem::take(&mut rung.woken), rung.waker.take())
        };
        drop((woken, waker));
    }
}

impl Wake for SlotWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.rung.swap(true, Ordering::AcqRel) {
            return;
        }
        let waker = {
            let mut rung = self.bell.0.lock();
            rung.woken.push(self.clone());
            rung.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}
