//! Which runtime this thread has entered, and whether it may block.
//!
//! Owns: the thread-local cells that say so, and the guards that set them.
//!
//! The pointer is not counted: every guard borrows or holds a count of its engine for as long as it lives. Cells
//! without a destructor, so that they answer in other thread-locals' destructors too (museum W6).

use super::sched::engine::Engine;
use std::cell::Cell;
use std::marker::PhantomData;
use std::panic::Location;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::AtomicPtr;

/// What this thread is to a runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// A thread like any other; at most it has entered a runtime's context.
    Outside,
    /// It polls futures: inside `block_on`, since that line of the caller's, or as a thread of the runtime's own.
    Polls(Option<&'static Location<'static>>),
    /// It polls inside `block_on`, since that line, and nobody else polls the tasks of that runtime.
    PollsAlone(&'static Location<'static>),
    /// It polls tasks that stay on this thread (a `LocalSet`'s).
    PollsLocal,
    /// It polls, and has said that it blocks now (`block_in_place`).
    Blocks,
}

thread_local! {
    static ENGINE: Cell<*const Engine> = const { Cell::new(ptr::null()) };
    /// Whose own thread this is.
    static OWNER: Cell<*const Engine> = const { Cell::new(ptr::null()) };
    static ROLE: Cell<Role> = const { Cell::new(Role::Outside) };
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

/// Runs `f` with the engine that this thread has entered.
#[inline]
pub(crate) fn with_engine<R>(f: impl FnOnce(Option<&Engine>) -> R) -> R {
    // SAFETY: a guard that holds a count of the engine lives while the pointer stands here.
    f(unsafe { ENGINE.get().as_ref() })
}

pub(crate) fn role() -> Role {
    ROLE.get()
}

/// Is this thread polling futures, so that it must not wait for one of them?
pub(crate) fn in_async_context() -> bool {
    matches!(role(), Role::Polls(_) | Role::PollsAlone(_) | Role::PollsLocal)
}

/// Puts back what was there before. Holds a count of the engine.
pub(crate) struct Entered {
    _engine: Arc<Engine>,
    /// Atomic only to be `Sync`.
    before: AtomicPtr<Engine>,
    depth: usize,
    _this_thread: PhantomData<std::sync::MutexGuard<'static, ()>>,
}

/// Enters `engine`'s context.
pub(crate) fn enter(engine: Arc<Engine>) -> Entered {
    let before = ENGINE.replace(Arc::as_ptr(&engine));
    let depth = DEPTH.get() + 1;
    DEPTH.set(depth);
    Entered { _engine: engine, before: AtomicPtr::new(before.cast_mut()), depth, _this_thread: PhantomData }
}

impl Drop for Entered {
    #[track_caller]
    fn drop(&mut self) {
        let inner_lives = DEPTH.get() != self.depth;
        if inner_lives {
            // The inner guard would put this engine's pointer back: keep it alive rather than dangling.
            std::mem::forget(self._engine.clone());
            if !std::thread::panicking() {
                panic!(
                    "guards of `enter` dropped out of order: an `EnterGuard` goes while one made after it is still \
                     there.\n  Drop them in the reverse order of their making; a scope for each does it by itself."
                );
            }
            return;
        }
        DEPTH.set(self.depth - 1);
        ENGINE.set(*self.before.get_mut());
    }
}

/// Is this one of the engine's own threads, whatever it has entered since?
pub(crate) fn is_thread_of(engine: &Engine) -> bool {
    ptr::eq(OWNER.get(), engine)
}

/// Enters for the whole life of one of the engine's own threads.
pub(crate) fn enter_thread(engine: &Arc<Engine>) -> Entered {
    OWNER.set(Arc::as_ptr(engine));
    enter(engine.clone())
}

/// Puts the role back.
pub(crate) struct InRole(Role);

pub(crate) fn set_role(role: Role) -> InRole {
    InRole(ROLE.replace(role))
}

impl Drop for InRole {
    fn drop(&mut self) {
        ROLE.set(self.0);
    }
}
