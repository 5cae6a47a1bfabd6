//! A span of `tracing` for each task: the feature `tracing`.
//!
//! Owns: the spans and their fields, the one event, and all that this crate says to a subscriber.
//! Not here: when a span is entered, and when it ends (`engine/cell/slot`). Without the feature `no_span` is in this place,
//! with the same names and nothing in them: so callers have no condition.
//!
//! Names, targets and fields are tokio's, which tokio-console and layers for it look for:
//!
//! | span `runtime.spawn`, level TRACE | `kind`     | parent                           |
//! |-----------------------------------|------------|----------------------------------|
//! | target `tokio::task`              | `task`     | none                             |
//! |                                   | `local`    | none: a task of a `LocalSet`     |
//! |                                   | `block_on` | none: the future of a `block_on` |
//! | target `tokio::task::blocking`    | `blocking` | the span around the spawn        |
//!
//! Fields: `kind`, `task.name` (empty without one), `task.id`, `size.bytes`, `original_size.bytes` (where the future was
//! boxed), `loc.file`, `loc.line`, `loc.col`; those of closures also `fn`, their type.
//!
//! A subscriber is code of users. It is called where the future itself might be (in the poll, in the drop), or by whoever
//! spawns, and never under a lock.

use std::future::Future;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};
use tracing::Span;

/// Of the one event; tokio has none like it.
const OURS: &str = "runtime::task";

/// The span of one task, until it ends.
pub(crate) struct TaskSpan(Span);

/// How large the future was before it was boxed.
#[derive(Clone, Copy)]
pub(crate) struct BoxedFrom(Option<usize>);

/// What is known of a task when it is spawned.
pub(crate) struct Told<'a> {
    pub(crate) id: u64,
    pub(crate) name: Option<&'a str>,
    pub(crate) boxed_from: BoxedFrom,
    pub(crate) spawned_at: &'static Location<'static>,
}

impl BoxedFrom {
    pub(crate) const NOTHING: BoxedFrom = BoxedFrom(None);

    pub(crate) const fn a<F>() -> BoxedFrom {
        BoxedFrom(Some(size_of::<F>()))
    }
}

impl TaskSpan {
    /// Of a task whose future is an `F`.
    pub(crate) fn of_future<F>(kind: &'static str, told: &Told<'_>) -> TaskSpan {
        TaskSpan::of_bytes(kind, size_of::<F>(), told)
    }

    fn of_bytes(kind: &'static str, bytes: usize, told: &Told<'_>) -> TaskSpan {
        TaskSpan(tracing::trace_span!(
            target: "tokio::task",
            parent: None,
            "runtime.spawn",
            %kind,
            task.name = %told.name.unwrap_or_default(),
            task.id = told.id,
            original_size.bytes = told.boxed_from.0,
            size.bytes = bytes,
            loc.file = told.spawned_at.file(),
            loc.line = told.spawned_at.line(),
            loc.col = told.spawned_at.column(),
        ))
    }

    /// Of a closure that may block, an `F`.
    pub(crate) fn of_closure<F>(told: &Told<'_>) -> TaskSpan {
        TaskSpan(tracing::trace_span!(
            target: "tokio::task::blocking",
            "runtime.spawn",
            kind = %"blocking",
            task.name = %told.name.unwrap_or_default(),
            task.id = told.id,
            "fn" = %std::any::type_name::<F>(),
            original_size.bytes = told.boxed_from.0,
            size.bytes = size_of::<F>(),
            loc.file = told.spawned_at.file(),
            loc.line = told.spawned_at.line(),
            loc.col = told.spawned_at.column(),
        ))
    }

    /// Calls `f` inside of the span.
    #[inline]
    pub(crate) fn within<R>(&self, f: impl FnOnce() -> R) -> R {
        let _inside = self.0.enter();
        f()
    }

    /// The same for what must happen also if the subscriber panics, whose hook has printed it.
    #[inline]
    pub(crate) fn within_or_without<R>(&self, f: impl FnOnce() -> R) -> R {
        let _inside = catch_unwind(AssertUnwindSafe(|| self.0.enter())).map_err(std::mem::forget);
        f()
    }

    /// The task has ended. A subscriber's panic ends here: its hook has printed it, and the task has its outcome.
    pub(crate) fn close(&mut self) {
        let span = std::mem::replace(&mut self.0, Span::none());
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(span))) {
            // Its drop is one more chance to panic.
            std::mem::forget(payload);
        }
    }
}

/// The future of a `block_on`, inside of a span of its own. `id` is asked for a number.
pub(crate) fn root<'f, F: Future>(
    future: Pin<&'f mut F>,
    id: impl FnOnce() -> u64,
    called_at: &'static Location<'static>,
) -> impl Future<Output = F::Output> + Unpin + 'f {
    let told = Told { id: id(), name: None, boxed_from: BoxedFrom::NOTHING, spawned_at: called_at };
    Rooted { span: TaskSpan::of_future::<F>("block_on", &told), future }
}

struct Rooted<'f, F> {
    span: TaskSpan,
    future: Pin<&'f mut F>,
}

impl<F: Future> Future for Rooted<'_, F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let Rooted { span, future } = self.get_mut();
        span.within(|| future.as_mut().poll(cx))
    }
}

/// A task has panicked, and nobody has joined it.
pub(crate) fn unhandled_panic(id: u64, text: &str) {
    tracing::error!(target: OURS, { task.id = id, panic = text }, "a task panicked and nobody joined it");
}
