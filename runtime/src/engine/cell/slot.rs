//! The typed half of a cell: the future, and after it its output, in one place.
//!
//! Owns: the slot, polling, completing, freeing.
//!
//! The danger: user code runs at six places here (poll, drop of the future, drop of the output, drop of what the task
//! inherited, the join waker, the hooks in `finished`), each may panic, and the word must still reach COMPLETE. So each
//! is caught on its own, and what it carried is dropped with the same care.
//! A panic in poll, or in the drop of a cancelled future, becomes the task's result. A panic in the drop of a future
//! that has given its output is reported by the panic hook alone: the output exists, so the join handle gets it.
//! A future that panics is dropped while its panic unwinds, as a value on the stack would be: its drop may ask
//! `thread::panicking()`, as the guards of locks do.

use super::header::{CellTable, ContextPlace, Header, Name, Owner, Runnable, Stage, TaskInfo, release};
use super::join::JoinCell;
use super::join_error::{Failure, JoinError};
use super::word::{AfterComplete, AfterPending, AfterStart};
use super::{current, memory, raw_waker};
use crate::engine::base::atomics::{RaceCell, init_cell};
use crate::engine::base::contain::{contain, discard};
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
    let slot_place = unsafe { &raw mut (*cell.as_ptr()).slot };
    // SAFETY: the place is ours and uninitialised.
    unsafe { header_place.write(header) };
    // SAFETY: as above.
    unsafe { name_place.write(info.name) };
    // SAFETY: as above; the union has the layout of the future at its start.
    unsafe { init_cell(slot_place, future, |future| Slot { future: ManuallyDrop::new(future) }) };
    if may_inherit {
        // SAFETY: the layout has room for it there.
        let place = unsafe { cell.byte_add(TableOf::<F, O, N>::WITH_CONTEXT.1) }.cast::<ContextPlace>();
        // SAFETY: as above.
        unsafe { place.write(RaceCell::new(None)) };
    }
    let header = cell.cast::<Header>();
    // SAFETY: the word starts with NOTIFIED and two references: the runtime's, and this handle's.
    let join = unsafe { JoinCell::from_raw(header) };
    if may_inherit {
        current::pass_on(join.task());
    }
    (Runnable(header), join)
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

impl<F: Future, O: Owner, N> Cell<F, O, N> {
    /// # Safety
    /// The caller holds the task's runnable or is its poller: the task is not complete and cannot become so before the
    /// caller lets it, so its owner is alive (see the head of `header.rs`).
    unsafe fn owner(&self) -> &O {
        // SAFETY: `allocate` stored a pointer to an `O`; it is alive by contract.
        unsafe { self.header.owner.cast::<O>().as_ref() }
    }
}

/// # Safety
/// `header` is the header of a live `Cell<F, O, N>`.
unsafe fn cell_of<'a, F: Future, O, N>(header: NonNull<Header>) -> &'a Cell<F, O, N> {
    // SAFETY: the header is the first field (`repr(C)`), and the pointer came from the whole cell.
    unsafe { header.cast::<Cell<F, O, N>>().as_ref() }
}

/// # Safety
/// As [`cell_of`]; the caller holds the runnable and gives it up.
unsafe fn run<F: Future, O: Owner, N: Name>(this: NonNull<Header>) {
    // SAFETY: by contract.
    let cell = unsafe { cell_of::<F, O, N>(this) };
    let start = cell.header.word.start();
    let _current = current::enter(this);
    if start == AfterStart::Cancel {
        return cancel(cell);
    }
    match catch_unwind(AssertUnwindSafe(|| poll_future(cell))) {
        Ok(Poll::Pending) => suspend(cell),
        Ok(Poll::Ready(output)) => {
            // The output is there, so it is delivered.
            drop_future_quietly(cell);
            complete(cell, Ok(output));
        }
        // The unwinding has dropped the future.
        Err(payload) => complete(cell, Err(panicked(cell, payload))),
    }
}

/// Drops the future when its poll unwinds.
struct Unwinding<'c, F: Future, O: Owner, N: Name>(&'c Cell<F, O, N>);

impl<F: Future, O: Owner, N: Name> Drop for Unwinding<'_, F, O, N> {
    #[cold]
    fn drop(&mut self) {
        drop_future_quietly(self.0);
    }
}

fn poll_future<F: Future, O: Owner, N: Name>(cell: &Cell<F, O, N>) -> Poll<F::Output> {
    let waker = raw_waker::borrowed(&cell.header);
    let mut cx = Context::from_waker(&waker);
    let unwinding = Unwinding(cell);
    let polled = cell.slot.with_mut(|slot| {
        // SAFETY: RUNNING is ours (W1), so no other reference into the slot exists; ours ends with this closure.
        let slot = unsafe { &mut *slot };
        // SAFETY: a task that is not complete has its future in the slot.
        let future = unsafe { &mut *slot.future };
        // SAFETY: the future stays in its cell until it is dropped there.
        unsafe { Pin::new_unchecked(future) }.poll(&mut cx)
    });
    mem::forget(unwinding);
    polled
}

fn suspend<F: Future, O: Owner, N: Name>(cell: &Cell<F, O, N>) {
    let header = &cell.header;
    if header.list().is_none() {
        // SAFETY: we are the poller.
        match unsafe { cell.owner() }.link(header) {
            Some(list) => header.list.with_mut(|place| {
                // SAFETY: the field is the poller's (W1).
                unsafe { *place = list }
            }),
            None => return cancel(cell),
        }
    }
    match header.word.pending() {
        AfterPending::Leave => {}
        AfterPending::Requeue => {
            let task = Runnable(NonNull::from(cell).cast());
            // SAFETY: the runnable is ours again.
            unsafe { cell.owner() }.requeue(task);
        }
    }
}

fn cancel<F: Future, O: Owner, N: Name>(cell: &Cell<F, O, N>) {
    let failure = match drop_future(cell) {
        Ok(()) => Failure::Cancelled,
        Err(payload) => panicked(cell, payload),
    };
    complete(cell, Err(failure));
}

fn panicked<F: Future, O: Owner, N: Name>(cell: &Cell<F, O, N>, payload: Payload) -> Failure {
    // SAFETY: we are the poller.
    let sink = unsafe { cell.owner() }.panic_sink();
    if let Some(sink) = &sink {
        sink.panicked(cell.header.id);
    }
    Failure::panic(cell.header.id, payload, sink)
}

/// Drops the future where it is. The caller is the poller.
#[inline]
fn drop_future<F: Future, O: Owner, N: Name>(cell: &Cell<F, O, N>) -> Result<(), Payload> {
    cell.header.set_stage(Stage::Empty);
    cell.slot.with_mut(|slot| {
        // SAFETY: RUNNING is ours (W1).
        let slot = unsafe { &mut *slot };
        // SAFETY: the future is there until this call, which is its poller's last for it: the stage says so already.
        catch_unwind(AssertUnwindSafe(|| unsafe { ManuallyDrop::drop(&mut slot.future) }))
    })
}

/// The same where nobody is told of a panic: its hook has printed it.
#[inline]
fn drop_future_quietly<F: Future, O: Owner, N: Name>(cell: &Cell<F, O, N>) {
    if let Err(payload) = drop_future(cell) {
        discard(payload);
    }
}

/// The future is gone, and the caller is still the poller.
fn store<F: Future, O: Owner, N: Name>(cell: &Cell<F, O, N>, outcome: Outcome<F>) {
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
    cell.header.set_stage(stage);
}

/// What is stored, if it is still there. The caller owns it (W3).
fn take_stored<F: Future, O: Owner, N: Name>(cell: &Cell<F, O, N>) -> Option<Outcome<F>> {
    let stage = cell.header.stage();
    if !matches!(stage, Stage::Output | Stage::Failure) {
        return None;
    }
    cell.header.set_stage(Stage::Empty);
    Some(cell.slot.with_mut(|slot| {
        // SAFETY: the slot is the caller's.
        let slot = unsafe { &mut *slot };
        if stage == Stage::Output {
            // SAFETY: the stage said that it is there, and says from now on that it is not.
            Ok(unsafe { ManuallyDrop::take(&mut slot.output) })
        } else {
            // SAFETY: as above.
            Err(unsafe { ManuallyDrop::take(&mut slot.failure) })
        }
    }))
}

fn complete<F: Future, O: Owner, N: Name>(cell: &Cell<F, O, N>, outcome: Outcome<F>) {
    let header = &cell.header;
    store(cell, outcome);
    if header.may_inherit {
        // It is in force: this is inside of `run`.
        current::give_up_context();
    }
    // SAFETY: we are the poller until `complete` below.
    contain(|| unsafe { cell.owner() }.finished(header));
    match header.word.complete() {
        AfterComplete::Released => return,
        AfterComplete::Release => {}
        AfterComplete::DropOutput => drop_output_caught(cell),
        AfterComplete::WakeJoin => wake_join(header),
    }
    // SAFETY: the runtime's reference is ours to release (W5), and it is the last thing we do.
    unsafe { release(NonNull::from(cell).cast()) };
}

fn wake_join(header: &Header) {
    header.join_waker.with(|waker| {
        // SAFETY: JOIN_WAKER and COMPLETE are set, so nobody writes the slot until `join_waker_done` (W4).
        if let Some(waker) = unsafe { &*waker } {
            contain(|| waker.wake_by_ref());
        }
    });
    if header.word.join_waker_done() {
        drop_join_waker(header);
    }
}

/// The caller has the slot of the join waker (W4).
pub(super) fn drop_join_waker(header: &Header) {
    let waker = header.join_waker.with_mut(|waker| {
        // SAFETY: the slot is the caller's.
        unsafe { (*waker).take() }
    });
    if waker.is_some() {
        contain(|| drop(waker));
    }
}

fn drop_output_caught<F: Future, O: Owner, N: Name>(cell: &Cell<F, O, N>) {
    contain(|| drop(take_stored(cell)));
}

/// # Safety
/// `header` is of a live `Cell<F, O, N>`; the caller owns the output (W3).
unsafe fn drop_output<F: Future, O: Owner, N: Name>(header: NonNull<Header>) {
    let _current = current::enter(header);
    // SAFETY: by contract.
    drop_output_caught(unsafe { cell_of::<F, O, N>(header) });
}

/// # Safety
/// As [`drop_output`], and `to` points at an `Option<Result<F::Output, JoinError>>`.
unsafe fn take_output<F: Future, O: Owner, N: Name>(header: NonNull<Header>, to: *mut ()) {
    // SAFETY: by contract.
    let cell = unsafe { cell_of::<F, O, N>(header) };
    if let Some(outcome) = take_stored(cell) {
        let result = outcome.map_err(|failure| JoinError::handed_over(cell.header.id, failure));
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
    unsafe { cell.as_mut() }.header.word.end();
    // SAFETY: as above.
    let may_inherit = unsafe { cell.as_ref() }.header.may_inherit;
    // The output is gone (its owner dropped or took it) and so is the future; what is left is a join waker, at most.
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
            assert!(size_of::<Cell<std::future::Ready<usize>, (), ()>>() <= 104);
        }
    }
}
