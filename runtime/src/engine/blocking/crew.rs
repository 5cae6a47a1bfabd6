//! A queue of jobs and the threads that wait for it.
//!
//! Owns: the queue, the counts of threads by what they do.   Imports: `base`.   Not here: starting threads (`sched/pool`).
//!
//! Growth. The first few threads start at once, one for each job that finds nobody idle. Beyond them a *pacer* decides:
//! a thread that looks every 200 us whether any job was taken since its last look. If none was, everybody is inside a
//! long closure, and it asks for threads: one, then two, four… until jobs move again or the limit is reached. So 5,000
//! short closures are done by a handful of threads (tokio starts one for each, up to 512), and closures that block for
//! long, or wait for each other, still get a thread each within a few milliseconds.
//!
//! The danger: a job is queued while a thread gives up waiting for one. Every count changes under the one lock, and a
//! thread that stops spinning or sleeping looks at the queue under that lock before it goes; so a submitter that
//! sees a spinning or sleeping thread may rely on it. Only a look from outside the lock (`queued`) is unlocked.

use crate::engine::base::atomics::{AtomicUsize, Condvar, Mutex, Ordering, spin_pause};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How often the pacer looks.
const PACE: Duration = Duration::from_micros(200);

/// Looks at the queue before a thread sleeps, with a `sched_yield` in between: about 20 us. Closures that come one by
/// one then cost no futex call.
const SPINS: u32 = if cfg!(test) { 2 } else { 40 };

pub(crate) struct Crew<T> {
    state: Mutex<State<T>>,
    /// For those who look without the lock.
    queued: AtomicUsize,
    job: Condvar,
    pace: Condvar,
    gone: Condvar,
    eager: usize,
    most: usize,
}

struct State<T> {
    queue: VecDeque<T>,
    threads: usize,
    /// Threads that look at the queue without the lock, and will look at it with the lock before they sleep.
    spinning: usize,
    sleeping: usize,
    /// How many of the sleeping ones have been notified and not yet woken up.
    chosen: usize,
    paced: bool,
    closed: bool,
    /// Jobs taken so far: the pacer's sign of progress.
    taken: u64,
}

/// What the submitter does next.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum AfterSubmit<T> {
    Nothing,
    /// Start a thread that calls `next`; it is counted already.
    StartThread,
    /// Start a thread that calls `pace`; it is counted already.
    StartPacer,
    /// The crew is closed: the job comes back.
    Closed(T),
}

/// What a thread of the crew does next.
pub(crate) enum Next<T> {
    Run(T),
    /// It is not counted any more.
    Leave,
}

impl<T> Crew<T> {
    /// `eager` threads start without asking whether they are needed, `most` is the limit.
    pub(crate) fn new(eager: usize, most: usize) -> Self {
        Crew {
            state: Mutex::new(State {
                queue: VecDeque::new(),
                threads: 0,
                spinning: 0,
                sleeping: 0,
                chosen: 0,
                paced: false,
                closed: false,
                taken: 0,
            }),
            queued: AtomicUsize::new(0),
            job: Condvar::new(),
            pace: Condvar::new(),
            gone: Condvar::new(),
            eager: eager.min(most),
            most,
        }
    }

    pub(crate) fn submit(&self, job: T) -> AfterSubmit<T> {
        let mut state = self.state.lock();
        if state.closed {
            return AfterSubmit::Closed(job);
        }
        state.queue.push_back(job);
        self.queued.store(state.queue.len(), Ordering::Release);
        if state.queue.len() <= state.spinning + state.chosen {
            return AfterSubmit::Nothing;
        }
        if state.sleeping > state.chosen {
            state.chosen += 1;
            self.job.notify_one();
            return AfterSubmit::Nothing;
        }
        if state.threads < self.eager {
            state.threads += 1;
            return AfterSubmit::StartThread;
        }
        if state.threads < self.most && !state.paced {
            state.paced = true;
            state.threads += 1;
            return AfterSubmit::StartPacer;
        }
        AfterSubmit::Nothing
    }

    /// The next job for a thread of the crew, which waits for `keep_alive` at the most. `waits` is called when it counts as
    /// waiting, without the lock.
    pub(crate) fn next(&self, keep_alive: Duration, waits: impl Fn()) -> Next<T> {
        let mut state = self.state.lock();
        loop {
            if let Some(job) = self.take(&mut state) {
                return Next::Run(job);
            }
            if state.closed {
                return self.leave(&mut state);
            }
            state.spinning += 1;
            drop(state);
            waits();
            self.spin();
            state = self.state.lock();
            state.spinning -= 1;
            if !state.queue.is_empty() || state.closed {
                continue;
            }
            state.sleeping += 1;
            let timed_out = self.job.wait_for(&mut state, keep_alive).timed_out();
            state.sleeping -= 1;
            // A notification may have been meant for another sleeper; whoever wakes up first takes it, since every one
            // looks at the queue next.
            let chosen = state.chosen > 0;
            state.chosen = state.chosen.saturating_sub(1);
            if timed_out && !chosen && state.queue.is_empty() {
                return self.leave(&mut state);
            }
        }
    }

    /// The pacer's turn, until it is needed no more. `start` is called without the lock, for each further thread, with
    /// that thread counted; it says whether the thread was started. Afterwards the pacer works like the others.
    pub(crate) fn pace(&self, start: impl Fn() -> bool) {
        let mut state = self.state.lock();
        let (mut seen, mut burst) = (state.taken, 1);
        loop {
            self.pace.wait_for(&mut state, PACE);
            if state.queue.is_empty() || state.closed || state.threads >= self.most {
                state.paced = false;
                return;
            }
            if state.taken != seen {
                (seen, burst) = (state.taken, 1);
                continue;
            }
            for _ in 0..burst.min(self.most - state.threads).min(state.queue.len()) {
                state.threads += 1;
                drop(state);
                let started = start();
                state = self.state.lock();
                if !started {
                    self.uncount(&mut state);
                    break;
                }
            }
            burst *= 2;
        }
    }

    /// A thread that was counted did not start.
    pub(crate) fn did_not_start(&self, was_pacer: bool) -> usize {
        let mut state = self.state.lock();
        state.paced &= !was_pacer;
        self.uncount(&mut state);
        state.threads
    }

    /// No more jobs; the queued ones come back. Threads leave after their current job.
    pub(crate) fn close(&self) -> VecDeque<T> {
        let mut state = self.state.lock();
        state.closed = true;
        self.job.notify_all();
        self.pace.notify_all();
        self.queued.store(0, Ordering::Release);
        std::mem::take(&mut state.queue)
    }

    /// Waits until every thread has left, until `deadline` at the most. `false`: some have not.
    pub(crate) fn wait(&self, deadline: Option<Instant>) -> bool {
        let mut state = self.state.lock();
        while state.threads > 0 {
            match deadline {
                None => self.gone.wait(&mut state),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return false;
                    }
                    self.gone.wait_for(&mut state, left);
                }
            }
        }
        true
    }

    pub(crate) fn threads(&self) -> usize {
        self.state.lock().threads
    }

    pub(crate) fn idle_threads(&self) -> usize {
        let state = self.state.lock();
        state.sleeping + state.spinning
    }

    /// Does no job run or wait?
    pub(crate) fn is_quiet(&self) -> bool {
        let state = self.state.lock();
        state.queue.is_empty() && state.sleeping + state.spinning == state.threads
    }

    pub(crate) fn queued(&self) -> usize {
        self.queued.load(Ordering::Acquire)
    }

    fn uncount(&self, state: &mut State<T>) {
        state.threads -= 1;
        self.gone.notify_all();
    }

    fn spin(&self) {
        for _ in 0..SPINS {
            if self.queued.load(Ordering::Acquire) != 0 {
                return;
            }
            spin_pause();
        }
    }

    fn take(&self, state: &mut State<T>) -> Option<T> {
        let job = state.queue.pop_front()?;
        state.taken = state.taken.wrapping_add(1);
        self.queued.store(state.queue.len(), Ordering::Release);
        Some(job)
    }

    fn leave(&self, state: &mut State<T>) -> Next<T> {
        self.uncount(state);
        Next::Leave
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_millis(1);

    #[test]
    fn the_first_threads_start_at_once_then_the_pacer() {
        let crew = Crew::new(2, 4);
        assert_eq!(crew.submit(1), AfterSubmit::StartThread);
        assert_eq!(crew.submit(2), AfterSubmit::StartThread);
        assert_eq!(crew.submit(3), AfterSubmit::StartPacer);
        assert_eq!(crew.submit(4), AfterSubmit::Nothing);
        assert_eq!(crew.threads(), 3);
    }

    #[test]
    fn the_limit_holds_and_no_pacer_starts_at_it() {
        let crew = Crew::new(2, 1);
        assert_eq!(crew.submit(1), AfterSubmit::StartThread);
        assert_eq!(crew.submit(2), AfterSubmit::Nothing);
        assert!(matches!(crew.next(SOON, || ()), Next::Run(1)));
        assert!(matches!(crew.next(SOON, || ()), Next::Run(2)));
        assert!(matches!(crew.next(SOON, || ()), Next::Leave));
        assert_eq!((crew.threads(), crew.idle_threads()), (0, 0));
    }

    #[test]
    fn the_pacer_asks_for_threads_while_nothing_moves() {
        let crew = Crew::new(1, 5);
        for job in 0..10 {
            let _ = crew.submit(job);
        }
        assert_eq!(crew.threads(), 2, "one eager thread and the pacer");
        crew.pace(|| true);
        assert_eq!(crew.threads(), 5);
        assert_eq!(crew.submit(11), AfterSubmit::Nothing, "at the limit nobody is started");
    }

    #[test]
    fn a_pacer_that_gets_no_thread_gives_its_count_back() {
        let crew = Crew::new(1, 3);
        for job in 0..4 {
            let _ = crew.submit(job);
        }
        let asked = std::cell::Cell::new(0);
        crew.pace(|| {
            asked.set(asked.get() + 1);
            if asked.get() == 3 {
                drop(crew.close());
            }
            false
        });
        assert_eq!((crew.threads(), asked.get()), (2, 3));
    }

    #[test]
    fn closing_gives_the_queue_back_and_refuses() {
        let crew = Crew::new(1, 1);
        let _ = crew.submit(1);
        let _ = crew.submit(2);
        assert_eq!(crew.close(), [1, 2]);
        assert_eq!(crew.submit(3), AfterSubmit::Closed(3));
        assert!(!crew.wait(Some(Instant::now())));
        assert!(matches!(crew.next(SOON, || ()), Next::Leave));
        assert!(crew.wait(None));
    }
}
