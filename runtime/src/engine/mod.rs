//! The door to the engine: all that the public modules may name of it.
//!
//! | group        | what passes through                                                                       |
//! |--------------|-------------------------------------------------------------------------------------------|
//! | one runtime  | [`Engine`]: `new`, `spawn`, `spawn_blocking`, `block_on_*`, `close`, `drain`, its counters   |
//! | closures that block | [`BlockingClass`], [`Refused`]; [`OwnPool`], threads of no runtime                        |
//! | its settings | [`config`]                                                                                |
//! | this thread  | [`entered`] (which runtime, may it block; [`Caller`], who needs one), [`current`] (which task), [`budget`], [`contention`], random |
//! | its time     | [`Timer`], [`clockwork`]; [`TimerWheel`], to order deadlines with                         |
//! | its sockets  | [`register`], [`Registration`], [`Interest`], [`Ready`]; [`Trust`], [`Blocked`]             |
//! | to build on  | [`atomics`], [`const_fn!`], [`ValueLock`]: std's in a build, loom's in a model          |
//! | users' code  | [`contain`]: a panic in a hook or a waker ends there; [`wake_each`]                       |
//! | what a task inherits | [`Context`], [`Inherited`], and in [`current`] which is in force                      |
//! | one task     | [`JoinCell`], [`TaskRef`], [`JoinError`], [`Id`]; for other schedulers of cells (`LocalSet`) |
//! |              | [`Owner`], [`Runnable`], [`Running`], [`allocate`], [`OwnedTasks`], [`Chain`]             |
//!
//! Nothing outside names a submodule that does not stand here. What is behind: `docs/architecture.md`.

mod base;
mod blocking;
mod cell;
mod drive;
#[allow(unsafe_code)] // a pointer to the engine that this thread has entered
pub(crate) mod entered;
pub(crate) mod histogram;
mod sched;

pub(crate) use base::atomics;
pub(crate) use base::budget;
pub(crate) use base::coarse;
pub(crate) use base::const_fn::const_fn;
pub(crate) use base::contain::{contain, discard};
pub(crate) use base::contention;
pub use base::id::Id;
pub(crate) use base::rng::random_below;
pub(crate) use base::value_lock::{ValueLock, ValueRef};
pub(crate) use base::wake::wake_each;
pub(crate) use blocking::Refused;
pub use cell::JoinError;
pub(crate) use cell::owned::{Next, OwnedTasks};
pub(crate) use cell::{
    ChildOfGroup, Context, Header, Inherited, JoinCell, Name, Owner, PanicSink, Runnable, Running, TaskInfo, TaskRef,
    allocate, current, panic_text,
};
pub(crate) use drive::Key as WheelKey;
pub(crate) use drive::{Blocked, Direction, Interest, Ready, ReadyEvent, Registration, ShutDown, TimerWheel, Trust};
pub(crate) use entered::in_async_context;
pub(crate) use sched::caller::{Caller, is_entered, no_runtime_here};
pub(crate) use sched::config;
pub(crate) use sched::counters::{Counters, WorkerCounters};
pub(crate) use sched::engine::Engine;
pub(crate) use sched::life::own::{OwnPool, Settings as OwnPoolSettings};
pub(crate) use sched::life::pool::Class as BlockingClass;
pub(crate) use sched::places::inject::Chain;
pub(crate) use sched::sizing;
pub(crate) use sched::sockets::{NoDriver, ends_with_its_task, is_here, register, unless_it_ends_with_its_task};
pub(crate) use sched::time::clockwork;
pub(crate) use sched::time::timer::{NoTimer, Timer, far_from};
pub(crate) use sched::worker::here::with_worker;
