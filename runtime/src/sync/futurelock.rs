//! Futurelocks: a task that waits for itself, found, resolved and reported.
//!
//! Owns: who waits and from where (`Asker`), the report.
//! Not here: how the permit is moved (`permits::own_task`); who holds a mutex (`mutex::holder`).
//!
//! A task polls a future that queues for a lock, puts it aside without dropping it, and awaits another future that needs
//! the same lock. The lock is handed to the future that was put aside, which nobody polls; the other waits for ever. Each
//! future is right by itself, and no compiler or lint sees it.
//!
//! ```text
//! let mut first = pin!(work(&lock));            // queues for the lock
//! select! {
//!     _ = &mut first => …
//!     _ = tick => work(&lock).await,             // needs it too: `first` is first, and is not polled
//! }
//! ```
//!
//! Resolving it costs nothing where it does not happen: a waiter knows its task, and looks only when it has to wait, and
//! only at permits that were given and not taken yet. `docs/design/sync.md` has the protocol.
//!
//! # Examples
//!
//! ```
//! use runtime::sync::futurelock;
//!
//! futurelock::set_hook(|report| eprintln!("please fix: {report}"));
//! ```

use crate::engine::{Id, contain, current};
use std::collections::BTreeSet;
use std::fmt;
use std::panic::Location;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

/// Whose poll it was, the last time.
#[derive(Debug)]
pub(super) enum Task {
    Ours(Id),
    /// Polled outside of our tasks: the waker stands for the task. It is a clone of our own, which is kept until the permits
    /// are taken. The waker in the queue is gone when they are granted, and the next one may lie at its address.
    Foreign(Kept),
    /// By a waker that stands for nobody, or by several.
    Unknown,
}

/// A clone that nobody will wake. Its drop concerns nobody, so a panic of it ends here: the futures that hold it drop another
/// clone of the same waker beside it, and two panics at once would be the end of the process.
#[derive(Debug)]
pub(super) struct Kept(Option<Waker>);

impl Kept {
    fn will_wake(&self, other: &Waker) -> bool {
        self.0.as_ref().is_some_and(|waker| waker.will_wake(other))
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        contain(|| drop(self.0.take()));
    }
}

/// Who asks for permits, and from which line. Dropped without a lock: the waker in it is the user's.
#[derive(Debug)]
pub(super) struct Asker {
    task: Task,
    place: &'static Location<'static>,
}

impl Asker {
    /// The task that polls now. `waker` is what it was polled with.
    pub(super) fn now(waker: &Waker, place: &'static Location<'static>) -> Self {
        let task = match current::id() {
            Some(id) => Task::Ours(id),
            None if waker.data().is_null() => Task::Unknown,
            None => Task::Foreign(Kept(Some(waker.clone()))),
        };
        Asker { task, place }
    }

    /// It is polled again: by `now`, if that is a task of ours, and with `waker`. A future may have moved to another task.
    /// Gives what is to be dropped after unlocking.
    pub(super) fn polled_again(&mut self, now: Option<Id>, waker: &Waker) -> Option<Task> {
        let is_same = match (&self.task, now) {
            (Task::Ours(before), Some(now)) => *before == now,
            (Task::Foreign(before), None) => before.will_wake(waker),
            (Task::Unknown, None) => true,
            _ => false,
        };
        // Not the new waker: it would have to be cloned, and who changes wakers changes them again.
        (!is_same).then(|| std::mem::replace(&mut self.task, now.map_or(Task::Unknown, Task::Ours)))
    }

    /// It has what it asked for. Gives what is to be dropped after unlocking.
    #[inline]
    pub(super) fn leaves(&mut self) -> Option<Task> {
        matches!(self.task, Task::Foreign(_)).then(|| std::mem::replace(&mut self.task, Task::Unknown))
    }

    #[inline]
    pub(super) fn is_same_task(&self, other: &Asker) -> bool {
        match (&self.task, &other.task) {
            (Task::Ours(some), Task::Ours(other)) => some == other,
            // Both exist, so the same address is the same waker.
            (Task::Foreign(some), Task::Foreign(Kept(Some(other)))) => some.will_wake(other),
            _ => false,
        }
    }
}

/// A task waited for itself; see the [module](self). The permit has been moved, and the task goes on.
#[derive(Clone, Debug)]
pub struct Futurelock {
    task: Option<Id>,
    idle: &'static Location<'static>,
    waiting: &'static Location<'static>,
}

impl Futurelock {
    pub(super) fn between(idle: &Asker, waiting: &Asker) -> Self {
        let task = match &waiting.task {
            Task::Ours(id) => Some(*id),
            Task::Foreign(_) | Task::Unknown => None,
        };
        Futurelock { task, idle: idle.place, waiting: waiting.place }
    }

    /// The task, if it is one of ours.
    pub fn task(&self) -> Option<Id> {
        self.task
    }

    /// Where the future asked that had been given the permit and was not polled.
    pub fn idle(&self) -> &'static Location<'static> {
        self.idle
    }

    /// Where the future asked that waited for it, and has it now.
    pub fn waiting(&self) -> &'static Location<'static> {
        self.waiting
    }
}

impl fmt::Display for Futurelock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.task {
            Some(id) => write!(f, "futurelock in task {id}: ")?,
            None => f.write_str("futurelock: ")?,
        }
        write!(
            f,
            "the future that asks for a lock at {} was given it but is not polled, while the same task waits for the same \
             lock at {}.\n  The lock was moved to the one that waits. Do not await while a future that may hold a place in \
             a queue is put aside: drop it first, poll both (`join!`), or run one in a task of its own.",
            self.idle, self.waiting
        )
    }
}

type Hook = Arc<dyn Fn(&Futurelock) + Send + Sync>;

struct Reports {
    hook: Option<Hook>,
    /// Pairs of places that were reported, by address.
    seen: BTreeSet<(usize, usize)>,
}

/// std's lock: no model is interested in it.
fn reports() -> MutexGuard<'static, Reports> {
    static REPORTS: Mutex<Reports> = Mutex::new(Reports { hook: None, seen: BTreeSet::new() });
    REPORTS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Calls `hook` for each futurelock, once per pair of places, instead of writing to the standard error stream.
///
/// It runs inside a poll of the task that was resolved, with no lock held.
pub fn set_hook(hook: impl Fn(&Futurelock) + Send + Sync + 'static) {
    let old = reports().hook.replace(Arc::new(hook));
    drop(old);
}

/// Tells the user, unless this pair of places was reported before. The caller holds no lock.
#[cold]
pub(super) fn report(found: &Futurelock) {
    let place = |place: &'static Location<'static>| std::ptr::from_ref(place).addr();
    let mut reports = reports();
    if !reports.seen.insert((place(found.idle), place(found.waiting))) {
        return;
    }
    let hook = reports.hook.clone();
    drop(reports);
    match hook {
        Some(hook) => hook(found),
        None => eprintln!("warning: {found}"),
    }
}
