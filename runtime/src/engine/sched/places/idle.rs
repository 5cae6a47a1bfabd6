//! Who sleeps, who searches, and how nobody sleeps while work waits.
//!
//! Owns: the idle word, the stack of sleeping workers, the places that have no thread yet.
//! Not here: queues (`deque`, `inject`), sleeping itself (`parker`), waiting for sockets or time (`drive`).
//!
//! The danger: a worker sees empty queues and goes to sleep while another thread submits, sees nobody asleep, and
//! wakes no one. Two fences forbid it:
//!
//! ```text
//! submit:  push task        - fence S1 -  read the word
//! sleep:   enter the stack  - fence S2 -  look at the queues once more
//! ```
//!
//! One fence comes first in the total order. If S2, the submitter's read finds the sleeper and wakes it. If S1, the
//! sleeper's last look finds the task. `model.rs` runs both orders, and fails without either fence.
//!
//! A submitter that sees a searching worker wakes nobody: the searcher will find the task, or look at everything once
//! more when it is the last one to stop searching. A searcher that finds work and was the last hands the search on
//! (`stop_searching` says so), so that a burst of tasks wakes one worker after another, each by the one before. A
//! searcher whose last look before sleep finds work is one still: others relied on it until then.
//!
//! A worker that pushes to its own queue has no fence: if its read misses a sleeper, the task is still the pusher's own
//! to run, and the guarantor looks once a millisecond for tasks that wait behind a long poll.
//!
//! There are N *seats*: so many workers run tasks. A worker that blocks in place gives its seat away, and the seat is
//! vacant: whoever submits and finds nobody asleep asks for a thread to fill it. When the worker is back it takes a
//! vacant seat, or goes on without one, as a spare that leaves when it has nothing to do. Giving a seat away is like
//! going to sleep: what was pushed before, by somebody who saw nobody to wake, is found by the look afterwards.
//!
//! A thread that was asked for counts as nothing until it is there: then it searches, and finds what it was asked for.
//!
//! The word is changed under the stack's lock where the stack changes too; the counts of searchers change without it.
//! Whoever was chosen finds that in its place's mark, and takes no lock to wake up.
//! Rejected: a bit mask of sleepers in the word, which ends at 32 workers.

use crate::engine::base::atomics::{AtomicBool, AtomicU64, Mutex, Ordering, fence};

/// Fields of 16 bits: workers that search; that sleep; seats that are vacant; workers that do not sleep.
const SEARCHING: u64 = 1;
const SLEEPING: u64 = 1 << 16;
const VACANT: u64 = 1 << 32;
const ACTIVE: u64 = 1 << 48;
const FIELD: u64 = 0xFFFF;

#[derive(Clone, Copy)]
struct Word(u64);

impl Word {
    fn searching(self) -> u64 {
        self.0 & FIELD
    }
    fn sleeping(self) -> u64 {
        (self.0 / SLEEPING) & FIELD
    }
    fn vacant(self) -> u64 {
        (self.0 / VACANT) & FIELD
    }
    fn active(self) -> u64 {
        (self.0 / ACTIVE) & FIELD
    }
    fn someone_to_wake(self) -> bool {
        self.searching() == 0 && (self.sleeping() != 0 || self.vacant() != 0)
    }
}

/// Whom to wake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Wake {
    /// The worker at this place sleeps: unpark it. It counts as searching from now on.
    Worker(usize),
    /// Nobody sleeps, but a seat is vacant: ask for a thread. The seat is its own from now on.
    Seat,
}

pub(crate) struct Idle {
    word: AtomicU64,
    sleepers: Mutex<Vec<usize>>,
    /// For each place: was its sleeping worker chosen, and has not seen it yet?
    chosen: Box<[AtomicBool]>,
}

impl Idle {
    /// `active`: how many workers there are from the beginning.
    pub(crate) fn new(active: usize, places: usize) -> Self {
        Idle {
            word: AtomicU64::new(active as u64 * ACTIVE),
            sleepers: Mutex::new(Vec::new()),
            chosen: (0..places).map(|_| AtomicBool::new(false)).collect(),
        }
    }

    fn word(&self, order: Ordering) -> Word {
        Word(self.word.load(order))
    }

    /// After a push that any thread may do: whom to wake for it?
    pub(crate) fn submitted(&self) -> Option<Wake> {
        fence(Ordering::SeqCst); // S1, pairs with S2 in `sleep`
        self.wake_one()
    }

    /// After a push to the worker's own queue.
    #[inline]
    pub(crate) fn submitted_locally(&self) -> Option<Wake> {
        if self.word(Ordering::Relaxed).someone_to_wake() { self.wake_one() } else { None }
    }

    /// Somebody to run a task that is known to wait, unless somebody searches already.
    fn wake_one(&self) -> Option<Wake> {
        if !self.word(Ordering::Relaxed).someone_to_wake() {
            return None;
        }
        let mut sleepers = self.sleepers.lock();
        let word = self.word(Ordering::Relaxed);
        if word.searching() != 0 {
            return None;
        }
        self.choose(&mut sleepers, word)
    }

    /// Somebody to run a task, even if another one searches.
    pub(crate) fn wake_another(&self) -> Option<Wake> {
        let mut sleepers = self.sleepers.lock();
        let word = self.word(Ordering::Relaxed);
        self.choose(&mut sleepers, word)
    }

    /// One of those who sleep, whoever searches.
    pub(crate) fn wake_sleeper(&self) -> Option<Wake> {
        if self.word(Ordering::Relaxed).sleeping() == 0 {
            return None;
        }
        let mut sleepers = self.sleepers.lock();
        if sleepers.is_empty() { None } else { self.choose(&mut sleepers, Word(0)) }
    }

    fn choose(&self, sleepers: &mut Vec<usize>, word: Word) -> Option<Wake> {
        if let Some(place) = sleepers.pop() {
            self.word.fetch_add(SEARCHING + ACTIVE - SLEEPING, Ordering::SeqCst);
            // After the word: whoever finds the mark takes itself out of that count next.
            self.chosen[place].store(true, Ordering::Release);
            return Some(Wake::Worker(place));
        }
        (word.vacant() != 0 && self.claim_seat()).then_some(Wake::Seat)
    }

    /// A thread is there and searches: as a worker in a seat, or as a spare. Afterwards it looks at the queues, before
    /// it sleeps at the latest: what was pushed before, by somebody who saw nobody to wake, is found then.
    pub(crate) fn arrive(&self) {
        self.word.fetch_add(SEARCHING + ACTIVE, Ordering::SeqCst);
    }

    /// A running worker leaves its place for good. After this the caller looks at the inject queue once more: while
    /// the place was taken, a submitter may have found nobody to wake.
    pub(crate) fn leave(&self, searching: bool) {
        self.word.fetch_sub(ACTIVE + if searching { SEARCHING } else { 0 }, Ordering::SeqCst);
        fence(Ordering::SeqCst); // as S2: who saw nobody to wake has pushed before our caller looks at the queue
    }

    /// A running worker blocks in user code that said so. `seated`: its seat is vacant from now on. After this the caller
    /// looks at the queues, its own and the inject queue.
    pub(crate) fn give_seat(&self, seated: bool) {
        let more = if seated { VACANT } else { 0 };
        self.word.fetch_add(more.wrapping_sub(ACTIVE), Ordering::SeqCst);
        fence(Ordering::SeqCst); // as S2
    }

    /// It is back. `false`: without a seat, since others have them all.
    #[must_use]
    pub(crate) fn come_back(&self) -> bool {
        self.word.fetch_add(ACTIVE, Ordering::SeqCst);
        self.claim_seat()
    }

    /// A worker without a seat takes a vacant one, if there is any.
    #[must_use]
    pub(crate) fn claim_seat(&self) -> bool {
        let mut word = self.word(Ordering::Relaxed);
        while word.vacant() != 0 {
            match self.word.compare_exchange(word.0, word.0 - VACANT, Ordering::SeqCst, Ordering::Relaxed) {
                Ok(_) => return true,
                Err(now) => word = Word(now),
            }
        }
        false
    }

    /// May one more worker search? At most half of the active ones do: more would only fight for the same tasks.
    pub(crate) fn start_searching(&self) -> bool {
        let word = self.word(Ordering::Relaxed);
        if word.searching() >= (word.active() / 2).max(1) {
            return false;
        }
        self.word.fetch_add(SEARCHING, Ordering::SeqCst);
        true
    }

    /// The searcher has found something. `true`: it was the last one, so if there is more, somebody must be woken.
    #[must_use]
    pub(crate) fn stop_searching(&self) -> bool {
        let last = Word(self.word.fetch_sub(SEARCHING, Ordering::SeqCst)).searching() == 1;
        fence(Ordering::SeqCst); // pairs with S1: who saw us searching has pushed before our look at the queues
        last
    }

    /// Goes to sleep. After this the caller looks at the queues once more; `true`: at those of the others too.
    #[must_use]
    fn sleep(&self, place: usize, searching: bool) -> bool {
        let mut sleepers = self.sleepers.lock();
        sleepers.push(place);
        let less = ACTIVE + if searching { SEARCHING } else { 0 };
        let before = Word(self.word.fetch_add(SLEEPING.wrapping_sub(less), Ordering::SeqCst));
        drop(sleepers);
        fence(Ordering::SeqCst); // S2, pairs with S1 in `submitted`
        searching && before.searching() == 1
    }

    /// Awake again, whatever the reason. `true`: it counts as searching, because another thread chose it or because it
    /// goes on with its search.
    #[must_use]
    fn awake(&self, place: usize, searches_on: bool) -> bool {
        if self.is_chosen(place) {
            return true;
        }
        let mut sleepers = self.sleepers.lock();
        let Some(at) = sleepers.iter().rposition(|sleeper| *sleeper == place) else {
            // Between the two looks.
            return self.is_chosen(place);
        };
        sleepers.remove(at);
        let more = ACTIVE + if searches_on { SEARCHING } else { 0 };
        self.word.fetch_add(more.wrapping_sub(SLEEPING), Ordering::SeqCst);
        searches_on
    }

    fn is_chosen(&self, place: usize) -> bool {
        let chosen = &self.chosen[place];
        chosen.load(Ordering::Acquire) && {
            // Nobody else writes it before this worker sleeps again.
            chosen.store(false, Ordering::Relaxed);
            true
        }
    }

    /// A whole sleep, in the order that the head of this file proves. `work_waits` is the last look at the queues (its
    /// argument: at those of the others too), `wait` the sleep itself. Gives back what `wait` said (`true` where it was
    /// not called), and whether this worker counts as searching now.
    #[inline]
    pub(crate) fn sleep_through(
        &self,
        place: usize,
        searching: bool,
        work_waits: impl FnOnce(bool) -> bool,
        wait: impl FnOnce() -> bool,
    ) -> (bool, bool) {
        let look_everywhere = self.sleep(place, searching);
        let stays_awake = work_waits(look_everywhere);
        let woken = stays_awake || wait();
        (woken, self.awake(place, stays_awake && searching))
    }

    /// Is there anybody to wake, and nobody who searches?
    pub(crate) fn someone_to_wake(&self) -> bool {
        self.word(Ordering::Relaxed).someone_to_wake()
    }

    /// How many workers are awake. SeqCst: the guarantor decides on it whether to sleep deeply.
    pub(crate) fn active(&self) -> usize {
        self.word(Ordering::SeqCst).active() as usize
    }

    pub(crate) fn searching(&self) -> usize {
        self.word(Ordering::Relaxed).searching() as usize
    }
}
