//! The typed half of a cell: the future, and after it its output, in one place.
//!
//! Owns: the slot, polling, completing, freeing. Between start and completion the future's state is in the type of the
//! value that has the right to it: [`Polling`] and [`Cancelling`] (it is there), [`Completing`] (it is gone).
//! Not here: the steps of the word (`header/poller`).
//!
//! The danger: user code runs at six places here (poll, drop of the future, drop of the output, drop of what the task
//! inherited, the join waker, the hooks in `finished`), each may panic, and the word must still reach COMPLETE. So each
//! is caught on its own, and what it carried is dropped with the same care.
//! A panic in poll, or in the drop of a cancelled future, becomes the task's result. A panic in the drop of a future
//! that has given its output is reported by the panic hook alone: the output exists, so the join handle gets it.
//! A future that panics is dropped while its panic unwinds, as a value on the stack would be: its drop may ask
//! `thread::panicking()`, as the guards of locks do.

use super::header::{
    CellTable, Completed, ContextPlace, Header, Joiner, Name, Output, Owner, Runnable, Running, Stage, TaskInfo,
    TaskRef,
};
use super::join::JoinCell;
use super::join_error::{Failure, JoinError};
use super::word::AfterStart;
use super::{current, memory, raw_waker};
use crate::engine::base::atomics::{RaceCell, init_cell};
use crate::engine::base::contain::{contain, discard};
use crate::span::TaskSpan;
use std::alloc::Layout;
use std::any::Any;
use std::future::Future;
use std::marker::PhantomData;
use std::mem::{self, ManuallyDrop};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::ptr::NonNull;
use std::task::{Context, Poll};

/// The future, or its output, or why there is none; `header.stage` says which. A union with its tag elsewhere, because
/// assigning an enum moves all of it over the stack in a debug build, and futures may be larger than stacks; and because
/// a whole `Result<_, JoinError>` would make every small task 8 bytes larger.
union Slot<F: Future> {
    future: ManuallyDrop<F>,
    output: ManuallyDrop<F::Output>,
    failure: ManuallyDrop<Failure>,
}

type Outcome<F> = Result<<F as Future>::Output, Failure>;

#[repr(C)] // the header first, so that a pointer to it is one to the cell
struct Cell<F: Future, O, N> {
    header: Header,
    name: N,
    /// The poller's (W1). Entered around all that the future does, and gone with it.
    span: RaceCell<TaskSpan>,
    slot: RaceCell<Slot<F>>,
    _owner: PhantomData<O>,
}

type Payload = Box<dyn Any + Send>;

struct TableOf<F, O, N>(PhantomData<(F, O, N)>);

impl<F: Future, O: Owner, N: Name> TableOf<F, O, N> {
    const TABLE: CellTable = CellTable {
        run: run::<F, O, N>,
        take_output: take_output::<F, O, N>,
        drop_output: drop_output::<F, O, N>,
        free: free::<F, O, N>,
        schedule: schedule::<O>,
        name: name::<F, O, N>,
        is_child: N::IS_CHILD,
        context_at: Self::WITH_CONTEXT.1,
    };

    const PLAIN: Layout = Layout::new::<Cell<F, O, N>>();
    /// Of a cell with a context behind it, and where that stands.
    const WITH_CONTEXT: (Layout, usize) = match Self::PLAIN.extend(Layout::new::<ContextPlace>()) {
        Ok(extended) => extended,
        Err(_) => panic!("BUG: a future that fits into memory does not with a word more"),
    };
}

/// Puts a future into a new cell. The runnable must be scheduled or cancelled.
#[inline]
pub(crate) fn allocate<F: Future, O: Owner, N: Name>(
    future: F,
    owner: NonNull<O>,
    info: TaskInfo<N>,
    span: TaskSpan,
) -> (Runnable, JoinCell<F::Output>) {
    let may_inherit = current::has_context();
    // The allocation's size class is known when this is compiled, either way.
    let cell = if may_inherit {
        memory::take(TableOf::<F, O, N>::WITH_CONTEXT.0)
    } else {
        memory::take(TableOf::<F, O, N>::PLAIN)
    };
    let cell = cell.cast::<Cell<F, O, N>>();
    let header = Header::new(&TableOf::<F, O, N>::TABLE, owner.cast(), info.id, info.spawned_at, may_inherit);
    // SAFETY: the block has the cell's layout; field by field, so that a large future is moved once.
    let header_place = unsafe { &raw mut (*cell.as_ptr()).header };
    // SAFETY: as above.
    let name_place = unsafe { &raw mut (*cell.as_ptr()).name };
    // SAFETY: as above.
    let span_place = unsafe { &raw mut (*cell.as_ptr()).span };
    // SAFETY: as above.
    let slot_place = unsafe { &raw mut (*cell.as_ptr()).slot };
    // SAFETY: the place is ours and uninitialised.
    unsafe { header_place.write(header) };
    // SAFETY: as above.
    unsafe { name_place.write(info.name) };
    // SAFETY: as above.
    unsafe { span_place.write(RaceCell::new(span)) };
    // SAFETY: as above; the union has the layout of the future at its start.
    unsafe { init_cell(slot_place, future, |future| Slot { future: ManuallyDrop::new(future) }) };
    if may_inherit {
        // SAFETY: the layout has room for it there.
        let place = unsafe { cell.byte_add(TableOf::<F, O, N>::WITH_CONTEXT.1) }.cast::<ContextPlace>();
        // SAFETY: as above.
        unsafe { place.write(RaceCell::new(None)) };
    }
    let header = cell.cast::<Header>();
    // SAFETY: the word starts with NOTIFIED: the right to poll is the caller's.
    let mut runnable = unsafe { Runnable::from_raw(header) };
    // SAFETY: it has two references, the runtime's, and this handle's.
    let task = unsafe { TaskRef::from_raw(header) };
    // SAFETY: and JOIN_INTEREST, for the one handle.
    let joiner = unsafe { Joiner::new(task) };
    // SAFETY: the cell's future is an `F`.
    let join = unsafe { JoinCell::new(joiner) };
    if may_inherit {
        current::pass_on(&mut runnable, join.task());
    }
    (runnable, join)
}

/// # Safety
/// `owner` points at a live `O`, whose cell the runnable's is.
unsafe fn schedule<O: Owner>(owner: NonNull<()>, task: Runnable) {
    // SAFETY: by contract.
    unsafe { owner.cast::<O>().as_ref() }.schedule(task);
}

/// # Safety
/// `header` is the header of a live `Cell<F, O, N>`.
unsafe fn name<F: Future, O, N: Name>(header: NonNull<Header>) -> Option<NonNull<str>> {
    // SAFETY: by contract.
    unsafe { cell_of::<F, O, N>(header) }.name.as_name().map(NonNull::from)
}

/// # Safety
/// `header` is the header of a live `Cell<F, O, N>`.
unsafe fn cell_of<'a, F: Future, O, N>(header: NonNull<Header>) -> &'a Cell<F, O, N> {
    // SAFETY: the header is the first field (`repr(C)`), and the pointer came from the whole cell.
    unsafe { header.cast::<Cell<F, O, N>>().as_ref() }
}

/// # Safety
/// The runnable is that of a `Cell<F, O, N>`.
unsafe fn run<F: Future, O: Owner, N: Name>(task: Runnable) {
    let (running, start) = task.start();
    // SAFETY: the guard goes at the end of this function. User code, which asks, runs before the last step only, but for
    // the drop of an unwanted output and the join waker: there the runtime's reference is still ours. `complete` gives
    // the context up as it should.
    let _current = unsafe { current::enter(&running) };
    // SAFETY: by contract. A task that can be started has its future in the slot.
    let running = unsafe { Typed::<F, O, N>::of(running) };
    match start {
        AfterStart::Poll => poll(Polling(running)),
        AfterStart::Cancel => Cancelling(running).cancel(),
    }
}

fn poll<F: Future, O: Owner, N: Name>(polling: Polling<F, O, N>) {
    match polling.poll() {
        Polled::Pending(polling) => polling.suspend(),
        Polled::Ready(completing, output) => completing.complete(Ok(output)),
        Polled::Panicked(completing, payload) => completing.fail(payload),
    }
}

/// The right of the poller (W1) to a cell of this type.
struct Typed<F: Future, O: Owner, N: Name> {
    running: Running,
    _cell: PhantomData<(F, O, N)>,
}

/// The future is in the slot, to be polled.
#[must_use]
struct Polling<F: Future, O: Owner, N: Name>(Typed<F, O, N>);

/// The future is in the slot, to be dropped.
#[must_use]
struct Cancelling<F: Future, O: Owner, N: Name>(Typed<F, O, N>);

/// The future is gone, and the task has an outcome.
#[must_use]
struct Completing<F: Future, O: Owner, N: Name>(Typed<F, O, N>);

/// What a poll leaves. Only a pending future is still there.
enum Polled<F: Future, O: Owner, N: Name> {
    Pending(Polling<F, O, N>),
    Ready(Completing<F, O, N>, F::Output),
    Panicked(Completing<F, O, N>, Payload),
}

impl<F: Future, O: Owner, N: Name> Typed<F, O, N> {
    /// # Safety
    /// The task's cell is a `Cell<F, O, N>`.
    #[inline]
    unsafe fn of(running: Running) -> Self {
        Typed { running, _cell: PhantomData }
    }

    #[inline]
    fn cell(&self) -> &Cell<F, O, N> {
        // SAFETY: `of` was told that the cell is one; it stays while RUNNING is ours.
        unsafe { cell_of(self.running.pointer()) }
    }

    #[inline]
    fn owner(&self) -> &O {
        // SAFETY: `allocate` stored a pointer to an `O`. The task is not complete and cannot become so before this value
        // goes, so its owner is alive (see the head of `header/mod.rs`).
        unsafe { self.cell().header.owner.cast::<O>().as_ref() }
    }

    /// Drops the future where it is.
    ///
    /// # Safety
    /// It is in the slot, and this is its poller's last call for it.
    #[inline]
    unsafe fn drop_future(&self) -> Result<(), Payload> {
        let cell = self.cell();
        // SAFETY: RUNNING is ours (W1). Said first, so that it is true also while the drop runs, and when it panics.
        unsafe { cell.header.set_stage(Stage::Empty) };
        let dropped = cell.slot.with_mut(|slot| {
            // SAFETY: RUNNING is ours (W1).
            let slot = unsafe { &mut *slot };
            // SAFETY: the future is there, by contract.
            let drop_it = || unsafe { ManuallyDrop::drop(&mut slot.future) };
            catch_unwind(AssertUnwindSafe(|| self.span().within_or_without(drop_it)))
        });
        cell.span.with_mut(|span| {
            // SAFETY: RUNNING is ours (W1), and nobody is inside of the span any more.
            unsafe { &mut *span }.close();
        });
        dropped
    }

    #[inline]
    fn span(&self) -> &TaskSpan {
        // SAFETY: RUNNING is ours (W1); only the end of the future changes it.
        self.cell().span.with(|span| unsafe { &*span })
    }

    /// The same where nobody is told of a panic: its hook has printed it.
    ///
    /// # Safety
    /// As [`drop_future`](Typed::drop_future).
    #[inline]
    unsafe fn drop_future_quietly(&self) {
        // SAFETY: by contract.
        if let Err(payload) = unsafe { self.drop_future() } {
            discard(payload);
        }
    }
}

impl<F: Future, O: Owner, N: Name> Polling<F, O, N> {
    #[inline]
    fn poll(self) -> Polled<F, O, N> {
        let waker = raw_waker::borrowed(&self.0.running);
        let mut cx = Context::from_waker(&waker);
        let polled = catch_unwind(AssertUnwindSafe(|| {
            let unwinding = Unwinding(&self.0);
            let polled = self.0.cell().slot.with_mut(|slot| {
                // SAFETY: RUNNING is ours (W1), so no other reference into the slot exists; ours ends with this closure.
                let slot = unsafe { &mut *slot };
                // SAFETY: the future is in the slot.
                let future = unsafe { &mut *slot.future };
                // SAFETY: it stays in its cell until it is dropped there.
                let future = unsafe { Pin::new_unchecked(future) };
                self.0.span().within(|| future.poll(&mut cx))
            });
            mem::forget(unwinding);
            polled
        }));
        match polled {
            Ok(Poll::Pending) => Polled::Pending(self),
            Ok(Poll::Ready(output)) => {
                // The output is there, so it is delivered.
                // SAFETY: the future is in the slot, and `Completing` does not touch it.
                unsafe { self.0.drop_future_quietly() };
                Polled::Ready(Completing(self.0), output)
            }
            // The unwinding has dropped the future.
            Err(payload) => Polled::Panicked(Completing(self.0), payload),
        }
    }

    /// The future is pending: the task is asleep, or in its queue if it was woken meanwhile.
    fn suspend(mut self) {
        if self.0.running.list().is_none() {
            match self.0.owner().link(&self.0.running) {
                Some(list) => self.0.running.set_list(list),
                None => return Cancelling(self.0).cancel(),
            }
        }
        // SAFETY: the future is in the slot.
        if let Some(task) = unsafe { self.0.running.pending() } {
            let owner = task.header().owner.cast::<O>();
            // SAFETY: the owner is an `O`, and alive as long as the runnable is ours (see the head of `header/mod.rs`).
            unsafe { owner.as_ref() }.requeue(task);
        }
    }
}

/// Drops the future when its poll unwinds.
struct Unwinding<'p, F: Future, O: Owner, N: Name>(&'p Typed<F, O, N>);

impl<F: Future, O: Owner, N: Name> Drop for Unwinding<'_, F, O, N> {
    #[cold]
    fn drop(&mut self) {
        // SAFETY: the poll that unwinds has left the future in the slot, and `Polling::poll` makes a `Completing` of it.
        unsafe { self.0.drop_future_quietly() };
    }
}

impl<F: Future, O: Owner, N: Name> Cancelling<F, O, N> {
    fn cancel(self) {
        let (completing, dropped) = self.drop_future();
        let failure = match dropped {
            Ok(()) => Failure::Cancelled,
            Err(payload) => return completing.fail(payload),
        };
        completing.complete(Err(failure));
    }

    #[inline]
    fn drop_future(self) -> (Completing<F, O, N>, Result<(), Payload>) {
        // SAFETY: the future is in the slot, and `Completing` does not touch it.
        let dropped = unsafe { self.0.drop_future() };
        (Completing(self.0), dropped)
    }
}

impl<F: Future, O: Owner, N: Name> Completing<F, O, N> {
    #[inline]
    fn store(&mut self, outcome: Outcome<F>) {
        let cell = self.0.cell();
        let stage = cell.slot.with_mut(|slot| {
            // SAFETY: RUNNING is ours (W1).
            let slot = unsafe { &mut *slot };
            // Nothing is dropped by the assignments: the fields are `ManuallyDrop`.
            match outcome {
                Ok(output) => {
                    slot.output = ManuallyDrop::new(output);
                    Stage::Output
                }
                Err(failure) => {
                    slot.failure = ManuallyDrop::new(failure);
                    Stage::Failure
                }
            }
        });
        // SAFETY: RUNNING is ours (W1), and that is what was stored.
        unsafe { cell.header.set_stage(stage) };
    }

    #[cold]
    fn fail(self, payload: Payload) {
        let (sink, id) = (self.0.owner().panic_sink(), self.0.cell().header.id);
        if let Some(sink) = &sink {
            sink.panicked(id);
        }
        self.complete(Err(Failure::panic(id, payload, sink)));
    }

    fn complete(mut self, outcome: Outcome<F>) {
        self.store(outcome);
        if self.0.cell().header.may_inherit {
            // It is in force: this is inside of `run`.
            current::give_up_context(&mut self.0.running);
        }
        contain(|| self.0.owner().finished(&self.0.running));
        // SAFETY: the future is gone, and the outcome is stored.
        match unsafe { self.0.running.complete() } {
            Completed::Released => {}
            Completed::Unawaited(task) => drop(task),
            Completed::Unwanted(task) => task.release_after(|task| {
                // SAFETY: nobody else wants it.
                let output = unsafe { Output::of(task) };
                // SAFETY: the cell is of this type.
                drop_contained(unsafe { Stored::<F, O, N>::of(output) });
            }),
            Completed::Awaited(joiner) => joiner.wake(),
        }
    }
}

/// What a complete task has stored, if it is still there; the holder's alone (W3).
struct Stored<'c, F: Future, O, N>(&'c Cell<F, O, N>);

impl<'c, F: Future, O: Owner, N: Name> Stored<'c, F, O, N> {
    /// # Safety
    /// The output is that of a `Cell<F, O, N>`.
    #[inline]
    unsafe fn of(output: Output<'c>) -> Self {
        // SAFETY: by contract; the reference that the output borrows keeps the cell.
        Stored(unsafe { cell_of(output.pointer()) })
    }

    #[inline]
    fn take(self) -> Option<Outcome<F>> {
        let header = &self.0.header;
        // SAFETY: the output is ours (W3), and the slot with it.
        let stage = unsafe { header.stage() };
        if !matches!(stage, Stage::Output | Stage::Failure) {
            return None;
        }
        // SAFETY: as above; it is taken out below.
        unsafe { header.set_stage(Stage::Empty) };
        Some(self.0.slot.with_mut(|slot| {
            // SAFETY: the slot is ours (W3).
            let slot = unsafe { &mut *slot };
            if stage == Stage::Output {
                // SAFETY: the stage said that it is there, and says from now on that it is not.
                Ok(unsafe { ManuallyDrop::take(&mut slot.output) })
            } else {
                // SAFETY: as for the output.
                Err(unsafe { ManuallyDrop::take(&mut slot.failure) })
            }
        }))
    }
}

fn drop_contained<F: Future, O: Owner, N: Name>(stored: Stored<'_, F, O, N>) {
    contain(|| drop(stored.take()));
}

/// # Safety
/// The output is that of a `Cell<F, O, N>`.
unsafe fn drop_output<F: Future, O: Owner, N: Name>(output: Output<'_>) {
    current::inside(output, |output| {
        // SAFETY: by contract.
        drop_contained(unsafe { Stored::<F, O, N>::of(output) });
    });
}

/// # Safety
/// As [`drop_output`], and `to` points at an `Option<Result<F::Output, JoinError>>`.
unsafe fn take_output<F: Future, O: Owner, N: Name>(output: Output<'_>, to: *mut ()) {
    // SAFETY: by contract.
    let stored = unsafe { Stored::<F, O, N>::of(output) };
    let header = &stored.0.header;
    if let Some(outcome) = stored.take() {
        let result = outcome.map_err(|failure| JoinError::handed_over(header.id, failure));
        let to = to.cast::<Option<Result<F::Output, JoinError>>>();
        // SAFETY: by contract.
        unsafe { *to = Some(result) };
    }
}

/// # Safety
/// `header` is of a `Cell<F, O, N>` whose last reference is gone.
unsafe fn free<F: Future, O: Owner, N: Name>(header: NonNull<Header>) {
    let mut cell = header.cast::<Cell<F, O, N>>();
    // SAFETY: nobody can reach the cell any more.
    unsafe { cell.as_mut() }.header.end();
    // SAFETY: as above.
    let may_inherit = unsafe { cell.as_ref() }.header.may_inherit;
    // The output is gone (its owner dropped or took it) and so are the future and its span; what is left is a join waker, at most.
    // SAFETY: as above.
    contain(|| unsafe { cell.drop_in_place() });
    if may_inherit {
        // SAFETY: `allocate` made one there.
        let place = unsafe { cell.byte_add(TableOf::<F, O, N>::WITH_CONTEXT.1) }.cast::<ContextPlace>();
        // SAFETY: as above; the context itself went before the task was complete, so no user code runs.
        unsafe { place.drop_in_place() };
    }
    if may_inherit {
        // SAFETY: `allocate` took the block with this layout.
        unsafe { memory::give_back(cell.cast(), TableOf::<F, O, N>::WITH_CONTEXT.0) };
    } else {
        // SAFETY: as above.
        unsafe { memory::give_back(cell.cast(), TableOf::<F, O, N>::PLAIN) };
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn an_idle_task_fits_into_a_small_block() {
        if size_of::<usize>() == 8 {
            // A size class of `memory`; a word more is 16 bytes more. Two words are a captured `Arc` and a state.
            assert!(size_of::<Cell<std::future::Ready<usize>, (), ()>>() - size_of::<TaskSpan>() <= 104);
        }
    }
}
