//! The crew under every interleaving: `crew.rs` as it is, with numbers for jobs.
//!
//! A timed wait of a model gives up the lock and takes it back, and says that time is up unless it was notified
//! meanwhile (`base/atomics.rs`): so a thread's patience may end at any moment.
//! "Fault" lines name a change to the code that makes the model below fail; each was planted and seen to fail.

use super::crew::{AfterSubmit, Crew, Next};
use crate::engine::base::atomics::Arc;
use crate::engine::base::model::{check, check_large, spawn};
use std::sync::Arc as StdArc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// A crew, and how often each job was run or came back.
struct Model {
    crew: Crew<usize>,
    ends: [AtomicUsize; 3],
    threads_at_once: AtomicUsize,
    most: usize,
}

impl Model {
    fn new(eager: usize, most: usize) -> StdArcModel {
        let ends = Default::default();
        Arc::new(Model { crew: Crew::new(eager, most), ends, threads_at_once: AtomicUsize::new(0), most })
    }
}

type StdArcModel = Arc<Model>;

fn ended(model: &Model, job: usize) {
    model.ends[job].fetch_add(1, Relaxed);
}

/// What `Pool::spawn_blocking` does with a job.
fn submit(model: &Arc<Model>, job: usize) {
    match model.crew.submit(job) {
        AfterSubmit::Nothing => {}
        AfterSubmit::Closed(job) => ended(model, job),
        AfterSubmit::StartThread => start(model, false),
        AfterSubmit::StartPacer => start(model, true),
    }
}

fn start(model: &Arc<Model>, pacer: bool) {
    let model = model.clone();
    drop(spawn(move || work(&model, pacer)));
}

/// What `Pool::work` does.
fn work(model: &Arc<Model>, pacer: bool) {
    let now = model.threads_at_once.fetch_add(1, Relaxed) + 1;
    assert!(now <= model.most, "more threads than the limit");
    if pacer {
        model.crew.pace(|| {
            start(model, false);
            true
        });
    }
    loop {
        // The count of threads falls inside `next`, so ours must fall before.
        match model.crew.next(Duration::ZERO) {
            Next::Run(job) => ended(model, job),
            Next::Leave => break,
        }
    }
}
