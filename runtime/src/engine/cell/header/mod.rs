//! The half of a cell that has no type: what queues, wakers and lists see.
//!
//! Owns: the header's layout, and the [`Owner`] trait.
//! Not here: who may touch which field. Each right is a value (`docs/design/cells.md`), and the fields are private to the
//! files that make them: `poller` (W1, W2), `joiner` (W3, W4), `reference` (W5). The future is in `slot`, the lists are in
//! `owned` and the scheduler's queues.
//!
//! Why a header may hold its owner uncounted. Whoever calls the owner holds the task's runnable, or is its poller.
//! Both mean that the task is not complete, and an owner stays alive until every task it counted is complete
//! (`sched/life/shutdown.rs`). A thread that is not the owner's own takes a count of it *before* it publishes the
//! runnable, since the task may be run and the owner freed before its `schedule` returns (museum M1).

#[allow(unsafe_code)] // the joiner's slot and the output
mod joiner;
#[allow(unsafe_code)] // the fields of whoever runs the task
mod poller;
#[allow(unsafe_code)] // counted pointers to cells
mod reference;
#[allow(unsafe_code)] // the entry points into the typed half
mod table;

pub(super) use joiner::{Joiner, Output};
pub(super) use poller::{Completed, ContextPlace};
pub(crate) use poller::{Runnable, Running};
pub(crate) use reference::TaskRef;
pub(super) use table::CellTable;

use super::word::TaskWord;
use crate::engine::base::atomics::RaceCell;
use crate::engine::base::id::Id;
use crate::span::{BoxedFrom, TaskSpan, Told};
use std::panic::Location;
use std::ptr::NonNull;
use std::task::Waker;

/// What a cell asks of its scheduler.
pub(crate) trait Owner: Send + Sync {
    /// A task has been woken: queue it. Called from any thread.
    fn schedule(&self, task: Runnable);
    /// A task was woken while it ran (it yielded): queue it behind the others. Called by whoever ran it.
    fn requeue(&self, task: Runnable);
    /// A task is pending for the first time: remember it for shutdown and inspection. `None`: shutting down, cancel it
    /// instead. Otherwise the number of the list, for `finished`.
    fn link(&self, task: &Running) -> Option<u32>;
    /// A task is about to be complete: forget it.
    fn finished(&self, task: &Running);
    /// Where a panic of this task is reported if nobody joins it.
    fn panic_sink(&self) -> Option<std::sync::Arc<dyn super::PanicSink>>;
}

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
const NO_LIST: u32 = u32::MAX;

/// The first part of each cell.
pub(crate) struct Header {
    word: TaskWord,
    table: &'static CellTable,
    /// Thin: the table knows its type.
    pub(super) owner: NonNull<()>,
    /// The next one in an intrusive queue; belongs to the queue that the runnable is in.
    queue_next: RaceCell<Option<NonNull<Header>>>,
    /// Of the list of owned tasks; its lock's.
    pub(super) links: RaceCell<Links>,
    /// Which list the task is linked into; `Running` has it.
    list: RaceCell<u32>,
    /// What is in the slot; whoever has the slot has this (W1, W3).
    stage: RaceCell<Stage>,
    /// W4.
    join_waker: RaceCell<Option<Waker>>,
    /// Has the cell room for a context? Only if one was in force where the task was spawned.
    pub(super) may_inherit: bool,
    pub(super) id: Id,
    spawned_at: &'static Location<'static>,
}

/// What a spawn gives a task besides its future.
pub(crate) struct TaskInfo<N = ()> {
    pub(crate) id: Id,
    pub(crate) spawned_at: &'static Location<'static>,
    /// `()`: none. A type, so that cells without a name have no room for one.
    pub(crate) name: N,
    boxed_from: BoxedFrom,
}

impl TaskInfo {
    /// Of a task without a name.
    pub(crate) fn new(id: Id, spawned_at: &'static Location<'static>) -> TaskInfo {
        TaskInfo { id, spawned_at, name: (), boxed_from: BoxedFrom::NOTHING }
    }

    pub(crate) fn named<N>(self, name: N) -> TaskInfo<N> {
        TaskInfo { id: self.id, spawned_at: self.spawned_at, name, boxed_from: self.boxed_from }
    }

    /// The future is a box, and an `F` is in it.
    pub(crate) fn boxed<F>(self) -> TaskInfo {
        TaskInfo { boxed_from: BoxedFrom::a::<F>(), ..self }
    }
}

impl<N: Name> TaskInfo<N> {
    /// The span of the task, whose future is an `F`. Calls code of users: not under a lock.
    #[inline]
    pub(crate) fn span_of_future<F>(&self, kind: &'static str) -> TaskSpan {
        TaskSpan::of_future::<F>(kind, &self.told())
    }

    /// The same for a closure that may block.
    #[inline]
    pub(crate) fn span_of_closure<F>(&self) -> TaskSpan {
        TaskSpan::of_closure::<F>(&self.told())
    }

    fn told(&self) -> Told<'_> {
        let name = self.name.as_name();
        Told { id: self.id.number(), name, boxed_from: self.boxed_from, spawned_at: self.spawned_at }
    }
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

    pub(crate) fn spawned_at(&self) -> &'static Location<'static> {
        self.spawned_at
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.word.load().is_complete()
    }

    /// The cell is about to be freed (models check that nobody is late).
    #[inline(always)]
    pub(super) fn end(&mut self) {
        self.word.end();
    }
}
