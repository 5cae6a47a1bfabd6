//! A queue of jobs and the threads that wait for it.
//!
//! Owns: the queue, the counts of threads by what they do.
//! Not here: starting threads (`sched/life/lane`), the life of the thread that paces (`pacing`), for how long a thread
//! without work is kept (`patience`).
//!
//! Growth. The first few threads, the *eager* ones, start at once, one for each job that finds nobody idle. Beyond them a
//! *pacer* decides: a thread that looks at the queue again and again while it stands, and asks for as many threads as
//! `pace` says. So 5,000 short closures are done by a handful of threads (tokio starts one for each, up to 512), and
//! closures that wait, for a device or for each other, get a thread each within a few milliseconds. The pacer runs no
//! jobs: it rests while no queue stands, and works like the others only where nobody else could run them, or where no
//! thread more may start.
//!
//! The danger: a job is queued while a thread gives up waiting for one. Every count changes under the one lock, and a
//! thread that stops spinning or sleeping looks at the queue under that lock before it goes; so a submitter that
//! sees a spinning or sleeping thread may rely on it. Only a look from outside the lock (`queued`) is unlocked. In the
//! same way a submitter that finds nobody relies on the pacer: one that rests is called, one that looks finds the queue
//! before it rests. It leaves only from its rest, and only if it was not called.
//!
//! Shrinking. Sleepers stand in two rows: as many as are kept for long in the first, who is more than that in the second. A
//! job wakes the first row first, so that those of the second go although a few jobs come all the time. (With one row, in
//! which everybody's turn comes, a job per second and thread keeps them all.)
//!
//! The end. A job that waits although one more thread could be had is run after the close; one that waits because the
//! limit is reached comes back. So of the queue as many stay as the limit leaves threads that are not inside a job, and
//! threads leave when nothing is left. (A crew whose owner says `close_to_new` gives nothing back.) Rejected: to start the missing threads at the close. The pacer does that.
//!
//! Refusals. A thread is counted before the system is asked for it, without the lock. So who finds threads counted knows
//! nothing yet if all of them are *starting*: it waits for an answer, and is told when none of them came to be. Once one
//! thread is known to exist nobody waits; if that is a pacer at rest, a refusal calls it. A job that no thread exists for
//! stays in the queue for one that comes later.

mod pacing;

use super::patience::Patience;
use crate::engine::base::atomics::{AtomicUsize, Condvar, Mutex, MutexGuard, Ordering, now, spin_pause};
use crate::engine::base::spin::Spin;
use std::collections::VecDeque;
use std::time::Instant;

/// The queue keeps room for so many jobs.
const ROOM_KEPT: usize = 1024;

pub(crate) struct Crew<T> {
    state: Mutex<State<T>>,
    /// For those who look without the lock.
    queued: AtomicUsize,
    /// For each row of sleepers.
    job: [Condvar; 2],
    pace: Condvar,
    gone: Condvar,
    eager: usize,
    most: usize,
}

struct State<T> {
    queue: VecDeque<T>,
    threads: usize,
    /// How many of them the system has been asked for by `submit`, and has not answered yet.
    starting: usize,
    /// Threads inside a job.
    busy: usize,
    /// Threads that look at the queue without the lock, and will look at it with the lock before they sleep.
    spinning: usize,
    rows: [Row; 2],
    pacer: Pacer,
    closed: bool,
    /// Jobs taken so far: the pacer's sign of progress.
    taken: u64,
}

/// Threads that sleep until a job comes.
#[derive(Clone, Copy, Default)]
struct Row {
    sleeping: usize,
    /// How many of them have been notified and not yet woken up.
    chosen: usize,
}

/// What the thread does that paces; it is counted among the threads.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pacer {
    /// There is none.
    None,
    /// It looks at the queue, or will.
    Looks,
    /// It sleeps, and looks no more until somebody says `Looks` and notifies it.
    Rests,
}

/// What the submitter does next.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum AfterSubmit<T> {
    Nothing,
    /// Somebody else starts the first thread: ask `has_a_thread`.
    Ask,
    /// Start a thread that calls `next`; it is counted already.
    StartThread,
    /// Start a thread that calls `pace`; it is counted already.
    StartPacer,
    /// The crew is closed: the job comes back.
    Closed(T),
}

/// Why a job is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// As many wait as may.
    Full,
    Closed,
}

/// What a thread of the crew does next.
pub(crate) enum Next<T> {
    Run(T),
    /// It is not counted any more.
    Leave,
}

/// What a thread of the crew keeps between its calls of `next`.
#[derive(Default)]
pub(crate) struct Hand {
    busy: bool,
    spin: Spin,
}

impl<T> Crew<T> {
    /// `eager` threads start without asking whether they are needed, `most` is the limit.
    pub(crate) fn new(eager: usize, most: usize) -> Self {
        Crew {
            state: Mutex::new(State {
                queue: VecDeque::new(),
                threads: 0,
                starting: 0,
                busy: 0,
                spinning: 0,
                rows: Default::default(),
                pacer: Pacer::None,
                closed: false,
                taken: 0,
            }),
            queued: AtomicUsize::new(0),
            job: [Condvar::new(), Condvar::new()],
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
        self.accept(&mut state, job)
    }

    /// The same for a job that need not be taken: `waiting_most` may wait besides those that a thread could be had for.
    /// `make` is called if it is taken, with the lock held.
    pub(crate) fn try_submit(&self, waiting_most: usize, make: impl FnOnce() -> T) -> Result<AfterSubmit<T>, Refused> {
        let mut state = self.state.lock();
        if state.closed {
            return Err(Refused::Closed);
        }
        if state.queue.len() >= waiting_most.saturating_add(self.most - state.busy) {
            return Err(Refused::Full);
        }
        Ok(self.accept(&mut state, make()))
    }

    fn accept(&self, state: &mut State<T>, job: T) -> AfterSubmit<T> {
        state.queue.push_back(job);
        self.queued.store(state.queue.len(), Ordering::Release);
        if state.queue.len() <= state.spinning + state.chosen() {
            return AfterSubmit::Nothing;
        }
        if let Some(row) = state.rows.iter().position(|row| row.sleeping > row.chosen) {
            state.rows[row].chosen += 1;
            self.job[row].notify_one();
            return AfterSubmit::Nothing;
        }
        if state.workers() < self.eager {
            state.count_start();
            return AfterSubmit::StartThread;
        }
        if state.threads < self.most && state.pacer == Pacer::None {
            state.pacer = Pacer::Looks;
            state.count_start();
            return AfterSubmit::StartPacer;
        }
        self.call_pacer(state);
        if state.is_known_to_have_threads() { AfterSubmit::Nothing } else { AfterSubmit::Ask }
    }

    /// The next job for a thread of the crew, or the end of its patience. `waits` is called when it counts as waiting, without
    /// the lock.
    pub(crate) fn next(&self, hand: &mut Hand, patience: &Patience, waits: impl Fn()) -> Next<T> {
        let mut state = self.state.lock();
        state.busy -= usize::from(std::mem::take(&mut hand.busy));
        let mut slept = false;
        loop {
            if let Some(job) = self.take(&mut state) {
                state.busy += 1;
                hand.busy = true;
                if slept {
                    hand.spin.slept(now(), true);
                }
                return Next::Run(job);
            }
            if state.closed {
                return self.leave(&mut state);
            }
            let begun = now();
            if !slept {
                hand.spin.failed(begun);
            }
            let threads = state.threads;
            state.spinning += 1;
            drop(state);
            waits();
            hand.spin.look_on(begun, now, || self.queued() != 0, spin_pause);
            let kept = patience.kept_of(threads);
            state = self.state.lock();
            state.spinning -= 1;
            if !state.queue.is_empty() || state.closed {
                continue;
            }
            slept = true;
            if !self.sleep(&mut state, patience, kept) {
                return self.leave(&mut state);
            }
        }
    }

    /// Until something has happened. `false`: nothing has, and more threads than `kept` are there, or it has been long.
    fn sleep(&self, state: &mut MutexGuard<'_, State<T>>, patience: &Patience, kept: usize) -> bool {
        let mut left = patience.keep_alive();
        loop {
            let is_surplus = state.threads > kept;
            let row = usize::from(is_surplus && state.rows[0].sleeping >= kept);
            let time = if is_surplus { left.min(patience.surplus()) } else { left };
            state.rows[row].sleeping += 1;
            let timed_out = self.job[row].wait_for(state, time).timed_out();
            let row = &mut state.rows[row];
            row.sleeping -= 1;
            // A notification may have been meant for another sleeper; whoever wakes up first takes it, since every one
            // looks at the queue next.
            let chosen = row.chosen > 0;
            row.chosen = row.chosen.saturating_sub(1);
            if !timed_out || chosen || !state.queue.is_empty() || state.closed {
                return true;
            }
            left -= time;
            if left.is_zero() || state.threads > kept {
                return false;
            }
        }
    }

    /// Where nobody else can be relied on.
    fn call_pacer(&self, state: &mut State<T>) {
        if state.pacer == Pacer::Rests {
            state.pacer = Pacer::Looks;
            self.pace.notify_one();
        }
    }

    /// A thread that `submit` asked for was started.
    pub(crate) fn did_start(&self) {
        let mut state = self.state.lock();
        state.starting -= 1;
        self.gone.notify_all();
    }

    /// A thread that `submit` asked for was refused. What comes back was left for it by `close`.
    pub(crate) fn did_not_start(&self, was_pacer: bool) -> VecDeque<T> {
        let mut state = self.state.lock();
        if was_pacer {
            state.pacer = Pacer::None;
        }
        state.starting -= 1;
        self.uncount(&mut state);
        self.call_pacer(&mut state);
        if state.closed && state.threads == 0 { self.give_back(&mut state, 0) } else { VecDeque::new() }
    }

    /// Is there a thread for what is queued? Waits for the system's answer to those who ask it now.
    pub(crate) fn has_a_thread(&self) -> bool {
        let mut state = self.state.lock();
        // A thread that has been here and left has seen the queue empty.
        while !state.queue.is_empty() && !state.is_known_to_have_threads() {
            if state.threads == 0 {
                return false;
            }
            self.gone.wait(&mut state);
        }
        true
    }

    /// No more jobs. Those for which no thread could be had come back; threads leave when the others are done.
    pub(crate) fn close(&self) -> VecDeque<T> {
        let mut state = self.closed();
        let stay = if state.threads == 0 { 0 } else { self.most - state.busy };
        self.give_back(&mut state, stay)
    }

    /// No more jobs, and all that wait are run. They come back only if there is no thread at all.
    pub(crate) fn close_to_new(&self) -> VecDeque<T> {
        let mut state = self.closed();
        let stay = if state.threads == 0 { 0 } else { state.queue.len() };
        self.give_back(&mut state, stay)
    }

    /// Whatever has not begun.
    pub(crate) fn take_back(&self) -> VecDeque<T> {
        self.give_back(&mut self.state.lock(), 0)
    }

    fn closed(&self) -> MutexGuard<'_, State<T>> {
        let mut state = self.state.lock();
        state.closed = true;
        for job in &self.job {
            job.notify_all();
        }
        self.pace.notify_all();
        state
    }

    /// Leaves the first `stay` jobs in the queue.
    fn give_back(&self, state: &mut State<T>, stay: usize) -> VecDeque<T> {
        let stay = stay.min(state.queue.len());
        let back = state.queue.split_off(stay);
        self.queued.store(stay, Ordering::Release);
        back
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
        state.rows.iter().map(|row| row.sleeping).sum::<usize>()
            + state.spinning
            + usize::from(state.pacer == Pacer::Rests)
    }

    /// Is it closed, and has every thread left?
    pub(crate) fn is_over(&self) -> bool {
        let state = self.state.lock();
        state.closed && state.threads == 0
    }

    /// Does no job run or wait?
    pub(crate) fn is_quiet(&self) -> bool {
        let state = self.state.lock();
        state.queue.is_empty() && state.busy == 0
    }

    pub(crate) fn queued(&self) -> usize {
        self.queued.load(Ordering::Acquire)
    }

    fn uncount(&self, state: &mut State<T>) {
        state.threads -= 1;
        self.gone.notify_all();
    }

    fn take(&self, state: &mut State<T>) -> Option<T> {
        let job = state.queue.pop_front()?;
        // What a backlog has needed goes when the backlog has gone; its halves are moved so seldom that it costs nothing.
        let room = state.queue.capacity();
        if room > ROOM_KEPT && state.queue.len() < room / 8 {
            state.queue.shrink_to(room / 2);
        }
        state.taken = state.taken.wrapping_add(1);
        self.queued.store(state.queue.len(), Ordering::Release);
        Some(job)
    }

    fn leave(&self, state: &mut State<T>) -> Next<T> {
        self.uncount(state);
        Next::Leave
    }
}

impl<T> State<T> {
    /// All but the pacer.
    fn workers(&self) -> usize {
        self.threads - usize::from(self.pacer != Pacer::None)
    }

    fn chosen(&self) -> usize {
        self.rows.iter().map(|row| row.chosen).sum()
    }

    fn count_start(&mut self) {
        self.threads += 1;
        self.starting += 1;
    }

    /// One that has come and gone before its start was reported makes the difference too small, never too large.
    fn is_known_to_have_threads(&self) -> bool {
        self.threads > self.starting
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::time::Duration;

    const SOON: Duration = Duration::from_millis(1);

    fn soon() -> Patience {
        Patience::even(SOON)
    }

    /// The pacer of a machine with two CPUs, whose crew waits for something else.
    fn pace<T>(crew: &Crew<T>, start: impl Fn() -> bool) -> bool {
        crew.pace(2, SOON, || Some(0), start)
    }

    /// Where every thread that is asked for is started.
    fn submit<T>(crew: &Crew<T>, job: T) -> AfterSubmit<T> {
        let after = crew.submit(job);
        if matches!(after, AfterSubmit::StartThread | AfterSubmit::StartPacer) {
            crew.did_start();
        }
        after
    }

    #[test]
    fn the_first_threads_start_at_once_then_the_pacer() {
        let crew = Crew::new(2, 4);
        assert_eq!(submit(&crew, 1), AfterSubmit::StartThread);
        assert_eq!(submit(&crew, 2), AfterSubmit::StartThread);
        assert_eq!(submit(&crew, 3), AfterSubmit::StartPacer);
        assert_eq!(submit(&crew, 4), AfterSubmit::Nothing);
        assert_eq!(crew.threads(), 3);
    }

    /// Fault: `submit` that does not count whom it has chosen: the second job waits for as long as the first one takes.
    #[test]
    fn two_jobs_do_not_rely_on_one_sleeper() {
        let crew = Crew::new(2, 4);
        assert_eq!(submit(&crew, 1), AfterSubmit::StartThread);
        assert!(matches!(crew.next(&mut Hand::default(), &soon(), || ()), Next::Run(1)));
        crew.state.lock().rows[0].sleeping = 1;
        assert_eq!(submit(&crew, 2), AfterSubmit::Nothing, "the one that sleeps is woken");
        assert_eq!(submit(&crew, 3), AfterSubmit::StartThread);
    }

    #[test]
    fn the_limit_holds_and_no_pacer_starts_at_it() {
        let crew = Crew::new(2, 1);
        assert_eq!(submit(&crew, 1), AfterSubmit::StartThread);
        assert_eq!(submit(&crew, 2), AfterSubmit::Nothing);
        let mut hand = Hand::default();
        assert!(matches!(crew.next(&mut hand, &soon(), || ()), Next::Run(1)));
        assert!(!crew.is_quiet());
        assert!(matches!(crew.next(&mut hand, &soon(), || ()), Next::Run(2)));
        assert!(matches!(crew.next(&mut hand, &soon(), || ()), Next::Leave));
        assert_eq!((crew.threads(), crew.idle_threads()), (0, 0));
        assert!(crew.is_quiet());
    }

    #[test]
    fn the_pacer_asks_for_threads_while_nothing_moves() {
        let crew = Crew::new(1, 5);
        for job in 0..10 {
            let _ = submit(&crew, job);
        }
        assert_eq!(crew.threads(), 2, "one eager thread and the pacer");
        assert!(pace(&crew, || true));
        assert_eq!(crew.threads(), 5);
        assert_eq!(submit(&crew, 11), AfterSubmit::Nothing, "at the limit nobody is started");
    }

    #[test]
    fn a_pacer_that_gets_no_thread_gives_its_count_back() {
        let crew = Crew::new(1, 3);
        for job in 0..4 {
            let _ = submit(&crew, job);
        }
        let asked = std::cell::Cell::new(0);
        let stays = pace(&crew, || {
            asked.set(asked.get() + 1);
            if asked.get() == 100 {
                // The other thread comes back from a long job.
                let mut hand = Hand::default();
                while let Next::Run(_) = crew.next(&mut hand, &soon(), || ()) {}
            }
            false
        });
        assert!(stays, "nobody else is left");
        assert_eq!((crew.threads(), asked.get()), (1, 100));
    }

    #[test]
    fn a_pacer_that_rests_is_called_and_comes_back() {
        let crew = Crew::new(1, 4);
        for job in 0..2 {
            let _ = submit(&crew, job);
        }
        let mut hand = Hand::default();
        let starts = std::cell::Cell::new(0);
        std::thread::scope(|scope| {
            let pacer = scope.spawn(|| crew.pace(1, Duration::MAX, || Some(1), || false));
            for job in 0..5 {
                while !crew.state.lock().queue.is_empty() {
                    assert!(matches!(crew.next(&mut hand, &soon(), || ()), Next::Run(_)));
                }
                while crew.state.lock().pacer != Pacer::Rests {
                    std::thread::yield_now();
                }
                assert_eq!((crew.threads(), crew.idle_threads()), (2, 1));
                assert_eq!(submit(&crew, job), AfterSubmit::Nothing, "the pacer is there");
                assert!(crew.state.lock().pacer == Pacer::Looks);
            }
            while let Next::Run(_) = crew.next(&mut hand, &soon(), || ()) {}
            starts.set(crew.close().len());
            assert!(pacer.join().unwrap(), "it leaves as the others do");
        });
        assert!(matches!(crew.next(&mut hand, &soon(), || ()), Next::Leave));
        assert_eq!((crew.threads(), starts.get()), (0, 0));
    }

    #[test]
    fn d29_a_pacer_that_is_alone_and_refused_works() {
        let crew = Crew::new(1, 3);
        let _ = submit(&crew, 0);
        let _ = submit(&crew, 1);
        let mut hand = Hand::default();
        while let Next::Run(_) = crew.next(&mut hand, &soon(), || ()) {}
        crew.state.lock().pacer = Pacer::Rests;
        assert_eq!(crew.submit(2), AfterSubmit::StartThread, "the pacer runs no jobs");
        // It is refused, and the pacer called.
        assert!(crew.did_not_start(false).is_empty());
        assert!(crew.has_a_thread());
        assert!(crew.state.lock().pacer == Pacer::Looks);
        assert!(pace(&crew, || false));
        assert!(matches!(crew.next(&mut hand, &soon(), || ()), Next::Run(2)));
    }

    #[test]
    fn d15_closing_keeps_what_a_thread_could_be_had_for() {
        let crew = Crew::new(1, 3);
        for job in 0..5 {
            let _ = submit(&crew, job);
        }
        assert_eq!(crew.close(), [3, 4], "three may run at once");
        assert_eq!(submit(&crew, 5), AfterSubmit::Closed(5));
        assert!(!crew.wait(Some(Instant::now())));
        // The pacer finds them although the crew is closed.
        assert!(pace(&crew, || true));
        assert_eq!(crew.threads(), 3);
        let mut hands = [Hand::default(), Hand::default(), Hand::default()];
        for (job, hand) in hands.iter_mut().enumerate() {
            assert!(matches!(crew.next(hand, &soon(), || ()), Next::Run(found) if found == job));
        }
        for hand in &mut hands {
            assert!(matches!(crew.next(hand, &soon(), || ()), Next::Leave));
        }
        assert!(crew.wait(None));
    }

    #[test]
    fn d15_closing_cancels_what_waits_because_the_crew_is_full() {
        let crew = Crew::new(1, 1);
        let mut hand = Hand::default();
        let _ = submit(&crew, 1);
        assert!(matches!(crew.next(&mut hand, &soon(), || ()), Next::Run(1)));
        let _ = submit(&crew, 2);
        assert_eq!(crew.close(), [2]);
        assert!(matches!(crew.next(&mut hand, &soon(), || ()), Next::Leave));
    }

    #[test]
    fn d29_who_relies_on_a_thread_that_is_refused_is_told() {
        let crew = Crew::new(1, 1);
        assert_eq!(crew.submit(1), AfterSubmit::StartThread);
        assert_eq!(crew.submit(2), AfterSubmit::Ask);
        assert!(crew.did_not_start(false).is_empty());
        assert!(!crew.has_a_thread());
        // A later one runs what was left behind.
        assert_eq!(crew.submit(3), AfterSubmit::StartThread);
        crew.did_start();
        assert!(crew.has_a_thread());
        assert_eq!(crew.submit(4), AfterSubmit::Nothing);
        let mut hand = Hand::default();
        for job in 1..=4 {
            assert!(matches!(crew.next(&mut hand, &soon(), || ()), Next::Run(found) if found == job));
        }
        // Refused after the close: nobody else would give them back.
        let crew = Crew::new(1, 1);
        let _ = crew.submit(1);
        assert!(crew.close().is_empty());
        assert_eq!(crew.did_not_start(false), [1]);
        assert!(crew.has_a_thread(), "nothing waits for one");
    }

    /// Runs all that waits, and stops: inside of a job, or because time was up.
    fn stop_after(crew: &Crew<usize>, hand: &mut Hand, jobs: usize) -> Vec<usize> {
        let next = |_| match crew.next(hand, &soon(), || ()) {
            Next::Run(job) => job,
            Next::Leave => panic!("there is no job"),
        };
        (0..jobs).map(next).collect()
    }

    /// Fault: room for `waiting_most` alone, or for a thread more.
    #[test]
    fn as_many_wait_as_may_besides_those_that_run() {
        for waiting_most in [0, 1, 3] {
            for most in [1, 2] {
                let crew = Crew::new(1, most);
                let fits = |job| {
                    let after = crew.try_submit(waiting_most, || job);
                    if matches!(after, Ok(AfterSubmit::StartThread | AfterSubmit::StartPacer)) {
                        crew.did_start();
                    }
                    after.map(drop)
                };
                for job in 0..most + waiting_most {
                    assert_eq!(fits(job), Ok(()), "job {job} of {waiting_most} behind {most}");
                }
                assert_eq!(fits(99), Err(Refused::Full));
                // One is taken, and none is over: one runs and all others wait.
                let mut hand = Hand::default();
                assert_eq!(stop_after(&crew, &mut hand, 1), [0]);
                assert_eq!(fits(99), Err(Refused::Full));
                // That one is over: the next is inside, or nobody.
                assert!(matches!(crew.next(&mut hand, &soon(), || ()), Next::Run(1) | Next::Leave));
                assert_eq!(fits(99), Ok(()));
            }
        }
    }

    #[test]
    fn nothing_is_made_for_a_crew_that_is_full_or_closed() {
        let crew = Crew::new(1, 1);
        let _ = crew.try_submit(0, || 1);
        crew.did_start();
        assert_eq!(crew.try_submit(0, || unreachable!()), Err(Refused::Full));
        assert_eq!(crew.try_submit(usize::MAX, || 2), Ok(AfterSubmit::Nothing), "no limit");
        let _ = crew.close();
        assert_eq!(crew.try_submit(usize::MAX, || unreachable!()), Err(Refused::Closed));
    }

    /// Fault: `close_to_new` that gives back what waits because the limit is reached.
    #[test]
    fn a_crew_that_closes_to_new_jobs_runs_all_others() {
        let crew = Crew::new(1, 1);
        for job in 0..5 {
            let _ = submit(&crew, job);
        }
        let mut hand = Hand::default();
        assert_eq!(stop_after(&crew, &mut hand, 1), [0]);
        assert!(crew.close_to_new().is_empty());
        assert_eq!(submit(&crew, 9), AfterSubmit::Closed(9));
        assert_eq!(stop_after(&crew, &mut hand, 2), [1, 2]);
        assert_eq!(crew.take_back(), [3, 4]);
        assert!(!crew.is_over());
        assert!(matches!(crew.next(&mut hand, &soon(), || ()), Next::Leave));
        assert!(crew.is_over());
    }

    /// A job for one thread after the other, for longer than a surplus one stays: those that are kept do them all.
    ///
    /// Fault: one row for all sleepers; nobody is too many (both end after 10 s).
    #[test]
    fn a_few_jobs_do_not_keep_a_large_crew() {
        const KEPT: usize = 2;
        let crew = Crew::new(6, 6);
        let patience = Patience::with_surplus(Duration::from_secs(3600), Duration::from_millis(300), KEPT, || KEPT);
        std::thread::scope(|scope| {
            for job in 0..6 {
                assert_eq!(submit(&crew, job), AfterSubmit::StartThread);
            }
            for _ in 0..6 {
                scope.spawn(|| {
                    let mut hand = Hand::default();
                    while let Next::Run(_) = crew.next(&mut hand, &patience, || ()) {}
                });
            }
            let begun = now();
            while crew.threads() > KEPT && begun.elapsed() < Duration::from_secs(10) {
                let _ = submit(&crew, 9);
                std::thread::sleep(Duration::from_millis(1));
            }
            let stayed = crew.threads();
            assert!(crew.close().is_empty());
            assert_eq!(stayed, KEPT);
        });
        assert!(crew.is_over());
    }
}
