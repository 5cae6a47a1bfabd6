//! No spans: what `span` is without the feature `tracing`. Its names, without size and without code.

use std::future::Future;
use std::panic::Location;
use std::pin::Pin;

pub(crate) struct TaskSpan;

#[derive(Clone, Copy)]
pub(crate) struct BoxedFrom;

pub(crate) struct Told<'a> {
    pub(crate) id: u64,
    pub(crate) name: Option<&'a str>,
    pub(crate) boxed_from: BoxedFrom,
    pub(crate) spawned_at: &'static Location<'static>,
}

impl BoxedFrom {
    pub(crate) const NOTHING: BoxedFrom = BoxedFrom;

    pub(crate) const fn a<F>() -> BoxedFrom {
        BoxedFrom
    }
}

impl TaskSpan {
    #[inline(always)]
    pub(crate) fn of_future<F>(_kind: &'static str, _told: &Told<'_>) -> TaskSpan {
        TaskSpan
    }

    #[inline(always)]
    pub(crate) fn of_closure<F>(_told: &Told<'_>) -> TaskSpan {
        TaskSpan
    }

    #[inline(always)]
    pub(crate) fn within<R>(&self, f: impl FnOnce() -> R) -> R {
        f()
    }

    #[inline(always)]
    pub(crate) fn within_or_without<R>(&self, f: impl FnOnce() -> R) -> R {
        f()
    }

    #[inline(always)]
    pub(crate) fn close(&mut self) {}
}

#[inline(always)]
pub(crate) fn root<'f, F: Future>(
    future: Pin<&'f mut F>,
    _id: impl FnOnce() -> u64,
    _called_at: &'static Location<'static>,
) -> Pin<&'f mut F> {
    future
}

#[inline(always)]
pub(crate) fn unhandled_panic(_id: u64, _text: &str) {}
