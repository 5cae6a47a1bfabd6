//! The crew under every interleaving: `crew.rs` as it is, with numbers for jobs.
//!
//! A timed wait of a model gives up the lock, takes it back, and says that time is up unless it was notified meanwhile
//! (`base/atomics.rs`): so a thread's patience may end at any moment. The pacer's wait between looks is always of that kind.
//! "Fault" lines name a change to the code that makes the model below fail; each was planted and seen to fail.

use super::crew::{AfterSubmit, Crew, Hand, Next, Refused};
use super::patience::Patience;
use crate::engine::base::atomics::Arc;
use crate::engine::base::model::{check, check_large, spawn, yield_now};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicIsize, AtomicUsize};
use std::time::Duration;

/// A crew, and how often each job was run or came back.
struct Model {
    crew: Crew<usize>,
    patience: Duration,
    /// Beyond one thread, time is up at any moment.
    keeps_one: bool,
    ends: [AtomicUsize; 3],
    /// How many were taken by `try_submit` and have not ended.
    held: AtomicIsize,
    started: AtomicUsize,
    /// How many threads the model's operating system gives (loom has five for us, and one or two are taken).
    threads_most: usize,
    /// Job 0 waits until job 1 has ended.
    first_waits: bool,
}

/// Time is up at any moment, or never.
const PATIENCES: [Duration; 2] = [Duration::ZERO, Duration::MAX];

impl Model {
    fn new(eager: usize, most: usize, patience: Duration) -> Arc<Model> {
        Arc::new(Model::of(eager, most, patience))
    }

    fn of(eager: usize, most: usize, patience: Duration) -> Model {
        let (ends, held, started) = Default::default();
        Model {
            crew: Crew::new(eager, most),
            patience,
            keeps_one: false,
            ends,
            held,
            started,
            threads_most: 3,
            first_waits: false,
        }
    }

    fn patience(&self) -> Patience {
        if self.keeps_one {
            Patience::with_surplus(self.patience, Duration::ZERO, 1, || 1)
        } else {
            Patience::even(self.patience)
        }
    }

    fn end(&self, job: usize) {
        self.held.fetch_sub(1, Relaxed);
        self.ends[job].fetch_add(1, Relaxed);
    }

    /// Closes and waits: afterwards no thread is left and each of the jobs has ended once.
    #[track_caller]
    fn close_and_wait(&self) {
        for job in self.crew.close() {
            self.end(job);
        }
        assert!(self.crew.wait(None));
        assert_eq!((self.crew.threads(), self.crew.idle_threads()), (0, 0));
    }

    #[track_caller]
    fn assert_ended(&self, jobs: usize) {
        let ends: Vec<usize> = self.ends.iter().map(|count| count.load(Relaxed)).collect();
        assert!(ends[..jobs].iter().all(|count| *count == 1), "each job runs or comes back, once: {ends:?}");
    }
}

/// What `Pool` does with a job. `false`: nobody is there to run it.
fn submit(model: &Arc<Model>, job: usize) -> bool {
    follow(model, model.crew.submit(job))
}

fn follow(model: &Arc<Model>, after: AfterSubmit<usize>) -> bool {
    let pacer = match after {
        AfterSubmit::Nothing => return true,
        AfterSubmit::Closed(job) => {
            model.end(job);
            return true;
        }
        AfterSubmit::Ask => None,
        AfterSubmit::StartThread => Some(false),
        AfterSubmit::StartPacer => Some(true),
    };
    if let Some(pacer) = pacer {
        if start(model, pacer) {
            model.crew.did_start();
            return true;
        }
        for job in model.crew.did_not_start(pacer) {
            model.end(job);
        }
    }
    model.crew.has_a_thread()
}

/// `false`: the model's operating system refuses.
fn start(model: &Arc<Model>, pacer: bool) -> bool {
    if model.started.fetch_add(1, Relaxed) >= model.threads_most {
        // A pacer asks again and again: the others go first.
        yield_now();
        return false;
    }
    let model = model.clone();
    drop(spawn(move || {
        if pacer && !model.crew.pace(2, model.patience, || Some(0), || start(&model, false)) {
            return;
        }
        let mut hand = Hand::default();
        while let Next::Run(job) = model.crew.next(&mut hand, &model.patience(), || ()) {
            if model.first_waits && job == 0 {
                await_job(&model, 1);
            }
            model.end(job);
        }
    }));
    true
}

/// Waits, as a joiner would, until a job has been run.
fn await_job(model: &Model, job: usize) {
    while model.ends[job].load(Relaxed) == 0 {
        yield_now();
    }
}

/// Fault: `next` that leaves when time is up without a look at the queue, or without giving its count back; `submit`
/// that relies on sleepers without waking one (it hangs); `next` that sleeps without a look at the queue after it spun.
#[test]
fn a_job_is_run_although_patience_ends() {
    for patience in PATIENCES {
        check(move || {
            let model = Model::new(1, 1, patience);
            let _ = submit(&model, 0);
            let _ = submit(&model, 1);
            await_job(&model, 0);
            let _ = submit(&model, 2);
            await_job(&model, 1);
            await_job(&model, 2);
            model.close_and_wait();
            model.assert_ended(3);
        });
    }
}

/// Fault: `submit` that does not look at `closed`; `close` that wakes nobody (it hangs).
#[test]
fn a_job_runs_or_comes_back_when_the_crew_closes() {
    for patience in PATIENCES {
        check(move || {
            let model = Model::new(2, 2, patience);
            let theirs = model.clone();
            let other = spawn(move || assert!(submit(&theirs, 0)));
            let _ = submit(&model, 1);
            model.close_and_wait();
            other.join().unwrap();
            model.assert_ended(2);
        });
    }
}

/// Two threads, two submitters: nobody takes the wake-up that another job relies on.
/// Fault: `submit` that relies on a sleeper and does not wake it. (One that forgets to count whom it has chosen makes a job
/// wait, here for the end of a short one: a unit test of `crew` sees that.)
#[test]
fn two_jobs_at_once_wake_two_threads() {
    for patience in PATIENCES {
        check(move || {
            let model = Model::new(1, 1, patience);
            let theirs = model.clone();
            let _ = submit(&model, 2);
            let other = spawn(move || assert!(submit(&theirs, 0)));
            let _ = submit(&model, 1);
            other.join().unwrap();
            for job in 0..3 {
                await_job(&model, job);
            }
            model.close_and_wait();
            model.assert_ended(3);
        });
    }
}

/// It is large: two preemptions, three with LONG_MODELS=1.
/// Fault: `pace` that counts a thread only after it has started it.
#[test]
fn the_pacer_against_the_end() {
    for patience in PATIENCES {
        check_large(move || {
            let model = Model::new(1, 3, patience);
            let _ = submit(&model, 0);
            let _ = submit(&model, 1);
            model.close_and_wait();
            model.assert_ended(2);
        });
    }
}

/// A pacer goes to rest, is called or leaves, while a job comes that relies on it. This thread plays the only worker, and
/// is inside of job 1 all the while. (That a thread that is refused calls the pacer, a test in `crew` shows.)
/// Fault: `rest` that leaves although it was called; `pace` that rests without a look at the queue; `submit` that does not
/// call it (all wait for ever).
#[test]
fn a_pacer_that_rests_is_relied_on() {
    for patience in PATIENCES {
        check(move || {
            let model = Model::new(1, 3, patience);
            let mut hand = Hand::default();
            assert_eq!(model.crew.submit(0), AfterSubmit::StartThread);
            model.crew.did_start();
            assert_eq!(model.crew.submit(1), AfterSubmit::StartPacer);
            start_pacer(&model);
            for job in 0..2 {
                assert!(matches!(model.crew.next(&mut hand, &model.patience(), || ()), Next::Run(next) if next == job));
            }
            model.started.store(0, Relaxed);
            if model.crew.submit(2) == AfterSubmit::StartPacer {
                start_pacer(&model);
            }
            while model.started.load(Relaxed) == 0 {
                yield_now();
            }
            assert!(matches!(model.crew.next(&mut hand, &model.patience(), || ()), Next::Run(2)));
            assert!(model.crew.close().is_empty());
            assert!(matches!(model.crew.next(&mut hand, &model.patience(), || ()), Next::Leave));
            model.close_and_wait();
        });
    }
}

/// It starts nobody, and counts its looks.
fn start_pacer(model: &Arc<Model>) {
    let theirs = model.clone();
    drop(spawn(move || {
        let wanting = || {
            theirs.started.fetch_add(1, Relaxed);
            yield_now();
            Some(1)
        };
        if theirs.crew.pace(1, theirs.patience, wanting, || unreachable!()) {
            assert!(matches!(theirs.crew.next(&mut Hand::default(), &theirs.patience(), || ()), Next::Leave));
        }
    }));
    model.crew.did_start();
}

/// Two jobs, a crew that may have a thread for each, closed at once: both are run, side by side. (That a pacer goes on
/// after the close takes a third thread, which is too much for a model; a test in `crew` has it.)
/// Fault: `close` that gives back what has not begun.
#[test]
fn d15_what_a_thread_could_be_had_for_is_run() {
    for patience in PATIENCES {
        check_large(move || {
            let model = Arc::new(Model { first_waits: true, ..Model::of(1, 2, patience) });
            let _ = submit(&model, 0);
            let _ = submit(&model, 1);
            assert!(model.crew.close().is_empty());
            assert!(model.crew.wait(None));
            model.assert_ended(2);
        });
    }
}

/// The system refuses every thread: each submitter is told, also the one that has relied on the thread of the other; and
/// the close gives both jobs back.
/// Fault: `submit` that answers `Nothing` where it answers `Ask`; `did_not_start` that wakes nobody (it hangs).
#[test]
fn d29_nobody_relies_on_a_thread_that_is_refused() {
    for (eager, most) in [(1, 1), (1, 2), (2, 2)] {
        check(move || {
            let model = Arc::new(Model { threads_most: 0, ..Model::of(eager, most, Duration::MAX) });
            let theirs = model.clone();
            let other = spawn(move || assert!(!submit(&theirs, 0)));
            assert!(!submit(&model, 1));
            other.join().unwrap();
            model.close_and_wait();
            model.assert_ended(2);
        });
    }
}

/// The same while the crew closes.
/// Fault: `did_not_start` that leaves in the queue what `close` has left for it.
#[test]
fn d29_a_refused_thread_and_the_end() {
    check(|| {
        let model = Arc::new(Model { threads_most: 0, ..Model::of(1, 1, Duration::MAX) });
        let theirs = model.clone();
        let other = spawn(move || drop(submit(&theirs, 0)));
        for job in model.crew.close() {
            model.end(job);
        }
        assert!(model.crew.wait(None));
        other.join().unwrap();
        model.assert_ended(1);
    });
}

/// Of two threads one may stay for ever; the other one leaves at any moment, while a job comes.
/// Fault: `sleep` that leaves whoever is kept (none stays), and that sleeps on although the crew has closed (it hangs).
#[test]
fn who_is_too_many_leaves_and_who_is_kept_stays() {
    check_large(|| {
        let model = Arc::new(Model { keeps_one: true, ..Model::of(2, 2, Duration::MAX) });
        for job in 0..2 {
            assert!(submit(&model, job));
        }
        await_job(&model, 0);
        await_job(&model, 1);
        assert!(submit(&model, 2));
        await_job(&model, 2);
        assert!(model.crew.threads() > 0);
        model.close_and_wait();
        model.assert_ended(3);
    });
}

/// Two submitters, and a crew that takes one job at a time, or lets one wait: never more, and each ends once.
/// Fault: `try_submit` that looks at the queue in a lock of its own. (One that leaves out who is inside of a job: a unit test
/// of `crew` sees that.)
#[test]
fn no_more_wait_than_may() {
    for waiting_most in [0, 1] {
        check_large(move || {
            let model = Model::new(1, 1, Duration::MAX);
            let theirs = model.clone();
            let other = spawn(move || try_submit(&theirs, waiting_most, 0));
            for job in [1, 2] {
                try_submit(&model, waiting_most, job);
            }
            other.join().unwrap();
            model.close_and_wait();
            model.assert_ended(3);
        });
    }
}

fn try_submit(model: &Arc<Model>, waiting_most: usize, job: usize) {
    let make = || {
        assert!(model.held.fetch_add(1, Relaxed) <= waiting_most as isize, "more wait than may");
        job
    };
    match model.crew.try_submit(waiting_most, make) {
        Ok(after) => assert!(follow(model, after)),
        Err(refused) => {
            assert_eq!(refused, Refused::Full);
            model.ends[job].fetch_add(1, Relaxed);
        }
    }
}
