//! What all models share: how one is run, and what must hold at the end of each execution.

use super::heap;
use std::cell::Cell;
use std::sync::Once;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

pub(crate) use loom::thread::{spawn, yield_now};

thread_local! {
    static PANICS: Cell<usize> = const { Cell::new(0) };
}

/// Explores `model` under every interleaving with at most `LOOM_MAX_PREEMPTIONS` preemptions (3 where it is not set).
///
/// Afterwards no cell may be left, and no panic may have happened: a cell catches what its future throws, and with it
/// what loom has to say about an access inside.
pub(crate) fn check(model: impl Fn() + Send + Sync + 'static) {
    explore(3, model);
}

/// A model that is too large for every day: one preemption less, unless `LONG_MODELS` is set.
pub(crate) fn check_large(model: impl Fn() + Send + Sync + 'static) {
    let long = std::env::var_os("LONG_MODELS").is_some_and(|value| value != "0");
    explore(if long { 3 } else { 2 }, model);
}

fn explore(preemptions: usize, model: impl Fn() + Send + Sync + 'static) {
    count_panics();
    let mut builder = loom::model::Builder::new();
    let asked = builder.preemption_bound.unwrap_or(3);
    builder.preemption_bound = Some(asked.min(preemptions));
    builder.max_branches = builder.max_branches.max(5_000);
    let executions = std::sync::Arc::new(AtomicUsize::new(0));
    let (begun, counter) = (Instant::now(), executions.clone());
    builder.check(move || {
        counter.fetch_add(1, Ordering::Relaxed);
        PANICS.set(0);
        heap::end();
        model();
        assert_eq!(PANICS.get(), 0, "a panic was caught and forgotten; its message is above");
        assert_eq!(heap::end(), 0, "cells have leaked");
    });
    eprintln!("{} executions in {:.1?}", executions.load(Ordering::Relaxed), begun.elapsed());
}

fn count_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            PANICS.set(PANICS.get() + 1);
            before(info);
        }));
    });
}
