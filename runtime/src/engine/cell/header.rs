//! The half of a cell that has no type: what queues, wakers and lists see.
//!
//! Owns: the header, the counted [`TaskRef`], the right to poll [`Runnable`], the [`Owner`] trait.
//! Not here: the future (`slot`), the lists (`owned`, the scheduler's queues).
//!
//! Why a header may hold its owner uncounted. Whoever calls the owner holds the task's runnable, or is its poller.
//! Both mean that the task is not complete, and an owner stays alive until every task it counted is complete
//! (`sched/shutdown.rs`). A thread that is not the owner's own takes a count of it *before* it publishes the runnable,
//! since the task may be run and the owner freed before its `schedule` returns (museum M1).

use super::context::Context;
use super::word::{AfterWake, TaskWord};
use crate::engine::base::atomics::RaceCell;
use crate::engine::base::id::Id;
use std::panic::Location;
use std::ptr::NonNull;
use std::sync::Arc;
use std::task::Waker;

/// What a cell asks of its scheduler.
pub(crate) trait Owner: Send + Sync {
    /// A task has been woken: queue it. Called from any thread.
    fn schedule(&self, task: Runnable);
    /// A task was woken while it ran (it yielded): queue it behind the others. Called by its poller.
    fn requeue(&self, task: Runnable);
    /// A task is pending for the first time: remember it for shutdown and inspection. `None`: shutting down, cancel it
    /// instead. Otherwise the number of the list, for `finished`. Called by its poller.
    fn link(&self, task: &Header) -> Option<u32>;
    /// A task is about to be complete: forget it. Called by its poller.
    fn finished(&self, task: &Header);
    /// Where a panic of this task is reported if nobody joins it.
    fn panic_sink(&self) -> Option<std::sync::Arc<dyn super::PanicSink>>;
}

/// The typed half's entry points.
pub(crate) struct CellTable {
    /// Polls, or drops the future if the task is cancelled. Uses up the runnable.
    pub(super) run: unsafe fn(NonNull<Header>),
    /// Moves the output to an `Option<Result<T, JoinError>>`. The caller owns it (W3).
    pub(super) take_output: unsafe fn(NonNull<Header>, *mut ()),
    /// Drops the output where it is (W3).
    pub(super) drop_output: unsafe fn(NonNull<Header>),
    /// Frees the cell. The last reference is gone.
    pub(super) free: unsafe fn(NonNull<Header>),
    /// Queues a woken task; the owner's `schedule`.
    pub(super) schedule: unsafe fn(NonNull<()>, Runnable),
    /// The name that the cell keeps, if it does.
    pub(super) name: unsafe fn(NonNull<Header>) -> Option<NonNull<str>>,
    /// Was it spawned as a child of a group?
    pub(super) is_child: bool,
    /// Where the context stands in a cell that has room for one: behind everything else, so many bytes from its start.
    pub(super) context_at: usize,
}

/// What the task inherited; the spawner's, then the poller's (W1), and gone before the task is complete.
pub(super) type ContextPlace = RaceCell<Option<Arc<Context>>>;

/// Links of the list of owned tasks; only its lock gives access.
#[derive(Default)]
pub(super) struct Links {
    pub(super) previous: Option<NonNull<Header>>,
    pub(super) next: Option<NonNull<Header>>,
}

/// What is in a cell's slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Stage {
    Future,
    Output,
    /// Why there is no output.
    Failure,
    Empty,
}

/// Not linked into any list yet.
pub(super) const NO_LIST: u32 = u32::MAX;

/// The first part of each cell.
pub(crate) struct Header {
    pub(super) word: TaskWord,
    pub(super) table: &'static CellTable,
    /// Thin: the table knows its type.
    pub(super) owner: NonNull<()>,
    /// The next one in an intrusive queue; belongs to the queue that the runnable is in.
    queue_next: RaceCell<Option<NonNull<Header>>>,
    pub(super) links: RaceCell<Links>,
    /// Which list the task is linked into; the poller's (W1).
    pub(super) list: RaceCell<u32>,
    /// What is in the slot; whoever has the slot has this (W1, W3).
    stage: RaceCell<Stage>,
    /// W4.
    pub(super) join_waker: RaceCell<Option<Waker>>,
    /// Has the cell room for a context? Only if one was in force where the task was spawned.
    pub(super) may_inherit: bool,
    pub(super) id: Id,
    pub(super) spawned_at: &'static Location<'static>,
}

/// What a spawn gives a task besides its future.
pub(crate) struct TaskInfo<N = ()> {
    pub(crate) id: Id,
    pub(crate) spawned_at: &'static Location<'static>,
    /// `()`: none. A type, so that cells without a name have no room for one.
    pub(crate) name: N,
}

/// A task's name, or none.
pub(crate) trait Name {
    /// Is the task a child of a group? In the type, so that it is in the table of the cell and costs no task anything.
    const IS_CHILD: bool = false;

    fn as_name(&self) -> Option<&str>;
}

/// No name, but that of a child of a group.
pub(crate) struct ChildOfGroup;

impl Name for ChildOfGroup {
    const IS_CHILD: bool = true;

    fn as_name(&self) -> Option<&str> {
        None
    }
}

impl Name for () {
    fn as_name(&self) -> Option<&str> {
        None
    }
}

impl Name for Box<str> {
    fn as_name(&self) -> Option<&str> {
        (!self.is_empty()).then_some(self)
    }
}

/// The place of the task's context, if its cell has one.
///
/// # Safety
/// `task` points at a live cell, all of it, for as long as the reference is used.
#[inline]
unsafe fn context_place<'a>(task: NonNull<Header>) -> Option<&'a ContextPlace> {
    // SAFETY: by contract.
    let header = unsafe { task.as_ref() };
    if !header.may_inherit {
        return None;
    }
    // SAFETY: a cell whose task may inherit is so much larger.
    let place = unsafe { task.byte_add(header.table.context_at) };
    // SAFETY: `allocate` has made one there.
    Some(unsafe { place.cast().as_ref() })
}

/// What the task inherited.
///
/// # Safety
/// As [`context_place`]; the caller is the spawner, the poller, or the task is complete.
#[inline]
pub(super) unsafe fn context<'a>(task: NonNull<Header>) -> Option<&'a Arc<Context>> {
    // SAFETY: by contract.
    let place = unsafe { context_place(task) }?;
    place.with(|context| {
        // SAFETY: the spawner and the poller are alone with the place (W1); when the task is complete nobody writes.
        unsafe { (*context).as_ref() }
    })
}

/// Nothing happens where the cell has no room.
///
/// # Safety
/// As [`context_place`]; the caller is the spawner or the poller, and has no reference from `context`.
pub(super) unsafe fn set_context(task: NonNull<Header>, new: Option<Arc<Context>>) -> Option<Arc<Context>> {
    // SAFETY: by contract.
    let place = unsafe { context_place(task) }?;
    place.with_mut(|context| {
        // SAFETY: the spawner and the poller are alone with the place (W1).
        std::mem::replace(unsafe { &mut *context }, new)
    })
}

impl Header {
    pub(super) fn new(
        table: &'static CellTable,
        owner: NonNull<()>,
        id: Id,
        spawned_at: &'static Location<'static>,
        may_inherit: bool,
    ) -> Self {
        Header {
            word: TaskWord::new(),
            table,
            owner,
            queue_next: RaceCell::new(None),
            links: RaceCell::new(Links::default()),
            list: RaceCell::new(NO_LIST),
            stage: RaceCell::new(Stage::Future),
            join_waker: RaceCell::new(None),
            may_inherit,
            id,
            spawned_at,
        }
    }

    pub(crate) fn id(&self) -> Id {
        self.id
    }

    pub(crate) fn name(&self) -> Option<&str> {
        let name = self.table.name;
        // SAFETY: the header is that of the cell that the table is for.
        let name = unsafe { name(NonNull::from(self)) };
        // SAFETY: the name stays where it is as long as the cell does.
        name.map(|name| unsafe { name.as_ref() })
    }

    pub(crate) fn spawned_at(&self) -> &'static Location<'static> {
        self.spawned_at
    }

    /// Was the task spawned as a child of a group?
    pub(crate) fn is_child(&self) -> bool {
        self.table.is_child
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.word.load().is_complete()
    }

    /// Asked by the thread that runs the task: is it being polled, and not dropped?
    pub(crate) fn is_polled(&self) -> bool {
        // Until the task is complete the slot is its poller's (W1).
        !self.is_complete() && self.stage() == Stage::Future
    }

    /// The number that `Owner::link` gave this task. Only its poller may ask (W1).
    pub(crate) fn list(&self) -> Option<u32> {
        let list = self.list.with(|list| {
            // SAFETY: the caller is the poller, and nobody else touches the field (W1).
            unsafe { *list }
        });
        (list != NO_LIST).then_some(list)
    }

    /// The caller has the slot.
    pub(super) fn stage(&self) -> Stage {
        self.stage.with(|stage| {
            // SAFETY: the field goes with the slot.
            unsafe { *stage }
        })
    }

    /// The caller has the slot.
    pub(super) fn set_stage(&self, new: Stage) {
        self.stage.with_mut(|stage| {
            // SAFETY: the field goes with the slot.
            unsafe { *stage = new }
        });
    }

    /// Wakes the task as its waker does.
    pub(crate) fn wake(this: NonNull<Header>) {
        // SAFETY: the caller has a reference to the cell.
        let header = unsafe { this.as_ref() };
        if header.word.wake() == AfterWake::Schedule {
            Runnable(this).schedule();
        }
    }

    /// Asks the task to stop: its future is dropped by its scheduler as soon as nobody polls it.
    pub(crate) fn cancel(this: NonNull<Header>) {
        // SAFETY: the caller has a reference to the cell.
        let header = unsafe { this.as_ref() };
        if header.word.cancel() == AfterWake::Schedule {
            Runnable(this).schedule();
        }
    }
}

/// The right to poll a task, once. At most one exists for a task (W2). Not counted: the runtime's reference is there
/// until the task is complete, and completing needs this.
///
/// Dropping one without running it would leave its task asleep for ever, hence the `must_use`; queues are drained
/// before they go.
#[must_use = "a runnable that is not run leaves its task asleep for ever"]
pub(crate) struct Runnable(pub(super) NonNull<Header>);

// SAFETY: a spawned future is `Send`, or its owner sees to it that runnables are run on one thread only (`LocalSet`).
// Everything else in the header is meant for any thread.
unsafe impl Send for Runnable {}

impl Runnable {
    pub(crate) fn header(&self) -> &Header {
        // SAFETY: the runtime's reference keeps the cell while its runnable exists.
        unsafe { self.0.as_ref() }
    }

    /// Polls the task (or drops its future, if it was cancelled).
    #[inline]
    pub(crate) fn run(self) {
        let run = self.header().table.run;
        // SAFETY: we hold the runnable and give it up.
        unsafe { run(self.0) }
    }

    /// Drops the task's future and completes it as cancelled.
    pub(crate) fn cancel(self) {
        // The answer is "nothing": the task is notified, as a runnable exists.
        let _ = self.header().word.cancel();
        self.run();
    }

    #[inline]
    pub(super) fn schedule(self) {
        let header = self.header();
        let (schedule, owner) = (header.table.schedule, header.owner);
        // SAFETY: we hold the runnable until `schedule` has published it; the owner is alive until then, and
        // `schedule` takes a count of it first where it must.
        unsafe { schedule(owner, self) };
    }

    pub(crate) fn into_raw(self) -> NonNull<Header> {
        self.0
    }

    /// # Safety
    /// `header` came from `into_raw`, and this is the only call for it.
    pub(crate) unsafe fn from_raw(header: NonNull<Header>) -> Runnable {
        Runnable(header)
    }

    /// The link of the queue that holds this runnable.
    pub(crate) fn set_next(&self, next: Option<Runnable>) {
        let next = next.map(Runnable::into_raw);
        self.header().queue_next.with_mut(|link| {
            // SAFETY: whoever holds the runnable has the link; nobody else reads it.
            unsafe { *link = next }
        });
    }

    /// Takes the link out again.
    pub(crate) fn take_next(&self) -> Option<Runnable> {
        self.header().queue_next.with_mut(|link| {
            // SAFETY: as in `set_next`; it stored a runnable that it gave up.
            let link = unsafe { &mut *link };
            link.take().map(Runnable)
        })
    }
}

/// A counted reference to a cell, for handles that only ask and abort.
pub(crate) struct TaskRef(pub(super) NonNull<Header>);

// SAFETY: a reference reads the word, the id and the table, and all of these are meant for any thread.
unsafe impl Send for TaskRef {}
// SAFETY: as for `Send`; every method takes `&self` already.
unsafe impl Sync for TaskRef {}

impl TaskRef {
    pub(crate) fn header(&self) -> &Header {
        // SAFETY: we have a counted reference.
        unsafe { self.0.as_ref() }
    }

    pub(crate) fn abort(&self) {
        Header::cancel(self.0);
    }
}

impl Clone for TaskRef {
    fn clone(&self) -> Self {
        self.header().word.add_ref();
        TaskRef(self.0)
    }
}

impl Drop for TaskRef {
    fn drop(&mut self) {
        // SAFETY: we give up our reference.
        unsafe { release(self.0) }
    }
}

/// Gives up a reference, and frees the cell with the last one.
///
/// # Safety
/// The caller has a reference and does not use it afterwards.
#[inline]
pub(super) unsafe fn release(this: NonNull<Header>) {
    // SAFETY: the caller's reference keeps the cell until here.
    let header = unsafe { this.as_ref() };
    if header.word.drop_ref() {
        let free = header.table.free;
        // SAFETY: that was the last reference.
        unsafe { free(this) };
    }
}
