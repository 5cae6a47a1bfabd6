//! What happens to a panic that nobody looks at.

use crate::engine::entered::with_engine;
use crate::engine::{Engine, PanicSink, contain, panic_text};
use crate::span;
use crate::task::Id;
use std::any::Any;
use std::io::Write;
use std::sync::{Arc, OnceLock, Weak};

/// What a runtime does about a task's panic that nobody handles.
///
/// A panic counts as handled when a [`JoinHandle`](crate::task::JoinHandle) gives it out. It is unhandled when the task
/// panics without a handle, or when its handle is dropped without having given it out. Each is counted in
/// [`RuntimeMetrics::unhandled_panics`](super::RuntimeMetrics::unhandled_panics), whatever the policy.
///
/// Works on every flavor. The tasks of a [`LocalSet`](crate::task::LocalSet) are reported by the runtime that polls the
/// set; a set may have [a policy of its own](crate::task::LocalSet::unhandled_panic) besides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UnhandledPanic {
    /// Nothing more than the panic hook has printed already.
    #[default]
    Ignore,
    /// Prints one line to standard error that names the task.
    Log,
    /// Shuts the runtime down: every task is cancelled, and `block_on` panics. As in tokio, *every* panic of a task
    /// counts here, joined or not; those of a `LocalSet` do not.
    ShutdownRuntime,
    /// Ends the process.
    Abort,
}

/// A panic that nobody handled, as [`Builder::on_unhandled_panic`](super::Builder::on_unhandled_panic) is told of it.
pub struct PanicInfo<'a> {
    id: Id,
    payload: &'a (dyn Any + Send),
}

impl PanicInfo<'_> {
    /// The task that panicked.
    pub fn id(&self) -> Id {
        self.id
    }

    /// What it panicked with.
    pub fn payload(&self) -> &(dyn Any + Send) {
        self.payload
    }

    /// The text of the panic, if it has one.
    pub fn message(&self) -> Option<&str> {
        panic_text(self.payload)
    }
}

impl std::fmt::Debug for PanicInfo<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PanicInfo").field("id", &self.id).field("message", &self.message()).finish()
    }
}

pub(super) type PanicHook = Arc<dyn Fn(&PanicInfo<'_>) + Send + Sync>;

/// A runtime's policy, as its cells know it. They hold it counted, so it must not count the engine.
pub(super) struct Policy {
    pub(super) action: UnhandledPanic,
    pub(super) hook: Option<PanicHook>,
    pub(super) engine: OnceLock<Weak<Engine>>,
}

impl PanicSink for Policy {
    fn panicked(&self, _id: Id) {
        if self.action == UnhandledPanic::ShutdownRuntime {
            with_engine(|engine| {
                if let Some(engine) = engine {
                    engine.close_after_panic();
                }
            });
        }
    }

    fn unhandled(&self, id: Id, payload: &(dyn Any + Send)) {
        if let Some(engine) = self.engine.get().and_then(Weak::upgrade) {
            engine.count_unhandled_panic();
        }
        if let Some(hook) = &self.hook {
            // We may be in somebody's drop.
            contain(|| hook(&PanicInfo { id, payload }));
        }
        tell_subscriber(id, payload);
        self.action.report(id, payload);
    }
}

/// An event for whoever listens to `tracing`, where that feature is on.
pub(crate) fn tell_subscriber(id: Id, payload: &(dyn Any + Send)) {
    contain(|| span::unhandled_panic(id.number(), panic_text(payload).unwrap_or("(no text)")));
}

impl UnhandledPanic {
    /// What it does about a panic that nobody handled. (`ShutdownRuntime` has acted before.)
    pub(crate) fn report(self, id: Id, payload: &(dyn Any + Send)) {
        let text = panic_text(payload).unwrap_or("(no text)");
        match self {
            UnhandledPanic::Ignore | UnhandledPanic::ShutdownRuntime => {}
            UnhandledPanic::Log => {
                say(&format!("runtime: task {id} panicked and nobody joined it: {text:?}"));
            }
            UnhandledPanic::Abort => {
                say(&format!(
                    "runtime: task {id} panicked and nobody joined it: {text:?}\n  The process ends, as \
                     `UnhandledPanic::Abort` asks."
                ));
                std::process::abort();
            }
        }
    }
}

/// `eprintln!` would panic where nobody reads what we write.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
