//! Which task this thread polls (or drops) right now, and which context is in force.
//!
//! Owns: two thread-locals, and the guards that set them.
//!
//! A task's context is in force while the task is polled; whoever polls a part of a task in another context (`scope`)
//! puts that into force meanwhile. Cells without a destructor, so that they answer when the thread ends, too.

use super::context::Context;
use super::header::{Header, Output, Runnable, Running, Stage, TaskRef};
use crate::engine::base::contain::contain;
use crate::engine::base::id::Id;
use std::cell::Cell;
use std::marker::PhantomData;
use std::ptr::NonNull;
use std::sync::Arc;

thread_local! {
    static CURRENT: Cell<Option<NonNull<Header>>> = const { Cell::new(None) };
    /// From `Arc::as_ptr`; whoever put it here keeps a count until it is taken away.
    static CONTEXT: Cell<Option<NonNull<Context>>> = const { Cell::new(None) };
}

/// Puts the previous task back when it is dropped; tasks nest where one polls a `LocalSet`.
pub(crate) struct Current {
    task: Option<NonNull<Header>>,
    context: Option<NonNull<Context>>,
}

/// Puts a task that is polled, and its context, into force until the guard is dropped.
///
/// # Safety
/// The guard is dropped on this thread, before what was in force earlier goes. The cell lives as long as somebody here
/// asks for the current task: after the last step of `running` nobody does. Its context is given up by
/// [`give_up_context`] only.
#[inline]
pub(super) unsafe fn enter(running: &Running) -> Current {
    replace(running.pointer(), pointer(running.context()))
}

/// Calls `f` as the task whose output is about to go. A complete task has no context.
pub(super) fn inside<R>(output: Output<'_>, f: impl FnOnce(Output<'_>) -> R) -> R {
    let _current = replace(output.pointer(), None);
    f(output)
}

#[inline]
fn replace(task: NonNull<Header>, context: Option<NonNull<Context>>) -> Current {
    Current { task: CURRENT.replace(Some(task)), context: CONTEXT.replace(context) }
}

/// No task, for code that is not any task's (hooks, the future of `block_on`). The context stays.
pub(crate) fn leave() -> Current {
    Current { task: CURRENT.replace(None), context: CONTEXT.get() }
}

impl Drop for Current {
    #[inline]
    fn drop(&mut self) {
        CURRENT.set(self.task);
        CONTEXT.set(self.context);
    }
}

/// The id of the current task.
pub(crate) fn id() -> Option<Id> {
    with(Header::id)
}

/// Asks the current task's header.
pub(crate) fn with<R>(f: impl FnOnce(&Header) -> R) -> Option<R> {
    // SAFETY: whoever called `enter` or `inside` keeps the cell meanwhile, and the guard takes the pointer away.
    CURRENT.get().map(|task| f(unsafe { task.as_ref() }))
}

/// Is the current task being polled, and not dropped?
pub(crate) fn is_polled() -> bool {
    let is_polled = with(|task| {
        // SAFETY: until the task is complete the slot is its poller's (W1), and that is this thread.
        !task.is_complete() && unsafe { task.stage() } == Stage::Future
    });
    is_polled == Some(true)
}

#[inline]
fn pointer(context: Option<&Arc<Context>>) -> Option<NonNull<Context>> {
    context.and_then(|context| NonNull::new(Arc::as_ptr(context).cast_mut()))
}

/// The context in force. One that was not made is made now.
fn in_force() -> Option<NonNull<Context>> {
    CONTEXT.get().map(made)
}

fn made(context: NonNull<Context>) -> NonNull<Context> {
    // SAFETY: whoever put it into force keeps it until it is taken away.
    if unsafe { context.as_ref() }.is_made() {
        return context;
    }
    // SAFETY: only `enter_unmade` puts a mark there, by a pointer to all of an `Unmade`, which its guard borrows.
    let unmade = unsafe { context.cast::<Unmade<'_>>().as_ref() };
    // What was in force around it is in force while it is made.
    let _around = Around(CONTEXT.replace(unmade.before.get()));
    NonNull::from(&**(unmade.make)())
}

/// Puts a context back into force that was taken away.
struct Around(Option<NonNull<Context>>);

impl Drop for Around {
    fn drop(&mut self) {
        CONTEXT.set(self.0);
    }
}

/// The context in force.
pub(crate) fn context() -> Option<Arc<Context>> {
    in_force().map(|context| {
        // SAFETY: it came from `Arc::as_ptr`, and whoever put it into force keeps a count meanwhile.
        unsafe { Arc::increment_strong_count(context.as_ptr()) };
        // SAFETY: as above; the count is the one just added.
        unsafe { Arc::from_raw(context.as_ptr()) }
    })
}

/// Asks the context in force. `f` runs no user code: that could end what keeps the context.
#[inline]
pub(crate) fn with_context<R>(f: impl FnOnce(&Context) -> R) -> Option<R> {
    // SAFETY: whoever put it into force keeps a count until it is taken away, and `f` does not do that.
    in_force().map(|context| f(unsafe { context.as_ref() }))
}

/// A context that is made when somebody asks for it. Each who asks calls `make`, which gives the same one each time, and keeps it.
#[repr(C)] // the mark first, so that a pointer to it is one to all of this
pub(crate) struct Unmade<'m> {
    mark: Context,
    /// What was in force before it.
    before: Cell<Option<NonNull<Context>>>,
    make: &'m (dyn Fn() -> &'m Arc<Context> + 'm),
}

impl<'m> Unmade<'m> {
    /// `make` runs no user code.
    pub(crate) fn new(make: &'m (dyn Fn() -> &'m Arc<Context> + 'm)) -> Self {
        Unmade { mark: Context::mark(), before: Cell::new(None), make }
    }
}

/// Puts it into force until the guard is dropped.
#[inline]
pub(crate) fn enter_unmade<'c>(unmade: &'c Unmade<'_>) -> InContext<'c> {
    let before = CONTEXT.replace(Some(NonNull::from(unmade).cast()));
    unmade.before.set(before);
    InContext { before, _context: PhantomData }
}

/// A context in force.
pub(crate) struct InContext<'c> {
    before: Option<NonNull<Context>>,
    _context: PhantomData<&'c Arc<Context>>,
}

/// Puts `context` into force until the guard is dropped.
#[inline]
pub(crate) fn enter_context(context: Option<&Arc<Context>>) -> InContext<'_> {
    InContext { before: CONTEXT.replace(pointer(context)), _context: PhantomData }
}

impl Drop for InContext<'_> {
    #[inline]
    fn drop(&mut self) {
        CONTEXT.set(self.before);
    }
}

/// Is a context in force, so that a new task might inherit something?
#[inline]
pub(crate) fn has_context() -> bool {
    CONTEXT.get().is_some()
}

/// Gives a new task what it inherits.
#[cold]
pub(super) fn pass_on(runnable: &mut Runnable, task: &TaskRef) {
    let Some(context) = context() else { return };
    runnable.inherit(context.content().for_task(&context, task));
}

/// The task that this thread polls is about to be complete: nothing is in force for it any more.
#[cold]
pub(super) fn give_up_context(running: &mut Running) {
    CONTEXT.set(None);
    let context = running.take_context();
    // Values of `context_local!` may go with it, and their destructors may panic; the hook has said so then.
    contain(|| drop(context));
}
