//! For how long does it pay to look for work before going to sleep?
//!
//! Owns: what a thread has learned of its own idle times, and of those who want its CPU.
//! Not here: what is looked at, and the sleep: workers (`sched/worker`), threads inside `block_on` and those of the blocking
//! pool go by the same rules. Time is an argument everywhere.
//!
//! Waking a thread costs some microseconds, and some tens where its CPU has gone idle: more than a short wait costs
//! somebody who keeps looking. So a worker looks for as long as its last idle times say: twice as long after one that was
//! over so soon that it would have been seen, a quarter after each that was not. An idle time counts from the first
//! look in vain to the moment at which the worker runs again, slow waking included. Where idle times are long nothing is
//! left after four of them: the search looks once at the queues, and the sleep's own wait looks at the sockets. Then one
//! sleep in [`TRIAL`] comes after a single look more: where worker and client share the CPUs it is the look that lets the
//! client work, and finds what that has sent.
//!
//! Between two looks the CPU is given away, so that nobody waits for one that merely looks. On a machine that has one to
//! spare this is over at once. Where somebody computes, the kernel gives *him* a whole slice, some milliseconds, and a
//! worker that sleeps instead is woken within microseconds. So each time is measured. One that took [`TAKEN`] may have been a
//! client's burst; if one in three does, somebody computes: no more looks for a while, four times as long as long as
//! he stays.
//!
//! The danger: CPU time that nobody gets anything for. Where a short idle time follows each long one, a full spin after each
//! short one was ten times what the events cost; down faster than up, a few looks are left. And a slice lost to a neighbour: one for each trial, so one in ten seconds beside one who stays.
//!
//! Rejected: spinning in full every now and then, to ask whether times have changed; pauses instead of yields
//! (`docs/design/rejected.md`).

use std::cell::Cell;
use std::time::{Duration, Instant};

/// Looks before sleep while that pays; 30 to 40 us. One is all that a model needs to see.
const MOST: u32 = if cfg!(loom) { 1 } else { 64 };
/// After the first idle time that was short.
const FIRST: u32 = if cfg!(loom) { 1 } else { 4 };
/// One sleep in so many is put off for a trial, where looks have not paid.
const TRIAL: u32 = 16;
/// What `MOST` looks would have seen the end of, waking included.
const SHORT: Duration = Duration::from_micros(50);
/// A yield to somebody who computes takes a slice of the kernel's, 700 us to 4 ms; one to nobody, or to somebody who has little
/// to do, some microseconds.
const TAKEN: Duration = Duration::from_micros(650);
/// So many yields that are over soon make up for one that was taken. A client that shares the CPUs takes few, and is worth
/// waiting for; somebody who computes takes every second one at least.
const WEIGHT: u32 = 3;
/// With this score he is there, and stays.
const STAYS: u32 = 6;
/// When he stays, nothing is given away for so long at first, and at most.
const PAUSE_MIN: Duration = Duration::from_millis(10);
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// See the module's head. Each worker has one.
pub(crate) struct Spin {
    rounds: Cell<u32>,
    /// Sleeps without a look before them.
    sleeps: Cell<u32>,
    idle_since: Cell<Option<Instant>>,
    /// Somebody computes: no looks until then.
    paused_until: Cell<Option<Instant>>,
    /// For how long, the next time.
    pause: Cell<Duration>,
    /// Rises with each yield that was taken, falls with each other one.
    score: Cell<u32>,
}

impl Default for Spin {
    fn default() -> Self {
        Spin::new()
    }
}

impl Spin {
    pub(crate) fn new() -> Self {
        Spin {
            rounds: Cell::new(MOST),
            sleeps: Cell::new(0),
            idle_since: Cell::new(None),
            paused_until: Cell::new(None),
            pause: Cell::new(PAUSE_MIN),
            score: Cell::new(0),
        }
    }

    /// Does more than one look pay, as far as idle times say? If not, no clock needs to be read.
    pub(crate) fn pays(&self) -> bool {
        self.rounds.get() > 0
    }

    /// How often a search that begins now gives the CPU away and looks again.
    pub(crate) fn rounds(&self, now: Instant) -> u32 {
        match self.paused_until.get() {
            Some(until) if now < until => 0,
            _ => self.rounds.get(),
        }
    }

    /// The CPU was given away between these two moments. `false`: to somebody who computes, so that was the last time.
    pub(crate) fn gave_way(&self, from: Instant, to: Instant) -> bool {
        let taken = to.saturating_duration_since(from) >= TAKEN;
        let score = if taken { self.score.get() + WEIGHT } else { self.score.get().saturating_sub(1) };
        if score == 0 {
            self.pause.set(PAUSE_MIN);
        }
        if !taken || score < STAYS {
            self.score.set(score);
            return true;
        }
        // The next trial ends with the first one that is taken.
        self.score.set(STAYS - 1);
        let pause = self.pause.get();
        self.paused_until.set(Some(to + pause));
        self.pause.set((pause * 4).min(PAUSE_MAX));
        false
    }

    /// Looks for as long as it pays and nobody who computes wants the CPU, which `pause` gives away. `true`: it is found.
    pub(crate) fn look_on(
        &self,
        begun: Instant,
        clock: impl Fn() -> Instant,
        found: impl Fn() -> bool,
        pause: impl Fn(),
    ) -> bool {
        let mut now = begun;
        for round in 1..=self.rounds(begun) {
            pause();
            let before = std::mem::replace(&mut now, clock());
            let nobody_computes = self.gave_way(before, now);
            if found() {
                self.paid(round);
                return true;
            }
            if !nobody_computes {
                return false;
            }
            if self.takes_long(round, begun, now) {
                break;
            }
        }
        self.went_through(false);
        false
    }

    /// So many looks since `begun` in vain are enough: that was longer than a wake-up takes. A few are tried in any case,
    /// since the time may have been a client's who shares the CPU.
    pub(crate) fn takes_long(&self, round: u32, begun: Instant, now: Instant) -> bool {
        round >= FIRST && now.saturating_duration_since(begun) > SHORT
    }

    /// Something was found, after the CPU had been given away so often.
    pub(crate) fn paid(&self, round: u32) {
        if round > 0 {
            self.more();
        }
    }

    fn more(&self) {
        self.rounds.set((self.rounds.get() * 2).clamp(FIRST, MOST));
    }

    fn less(&self) {
        let rounds = self.rounds.get() / 4;
        self.rounds.set(rounds);
        if rounds == 0 {
            let sleeps = self.sleeps.get() + 1;
            self.sleeps.set(sleeps % TRIAL);
            self.rounds.set(sleeps / TRIAL);
        }
    }

    /// All rounds are over, and none met anybody who computes.
    pub(crate) fn went_through(&self, found: bool) {
        if found {
            self.more();
        }
    }

    /// Nothing was found since then; now the worker sleeps.
    pub(crate) fn failed(&self, since: Instant) {
        self.idle_since.set(Some(since));
    }

    /// The worker has slept, and there is work now, or not.
    pub(crate) fn slept(&self, now: Instant, work: bool) {
        let Some(since) = self.idle_since.take() else { return };
        // After a full spin it would not have.
        let would_have_paid = self.rounds.get() < MOST && now.saturating_duration_since(since) <= SHORT;
        if work && would_have_paid { self.more() } else { self.less() }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn idles_until(work: bool, spin: &Spin, time: Duration) -> u32 {
        let since = Instant::now();
        spin.failed(since);
        spin.slept(since + time, work);
        spin.rounds(since)
    }

    fn idles(spin: &Spin, time: Duration) -> u32 {
        idles_until(true, spin, time)
    }

    #[test]
    fn long_idle_times_end_the_spinning() {
        let spin = Spin::new();
        let rounds: Vec<_> = (0..5).map(|_| idles(&spin, SHORT * 2)).collect();
        assert_eq!(rounds, [16, 4, 1, 0, 0]);
        assert!(!spin.pays());
    }

    #[test]
    fn where_nothing_pays_one_look_is_tried_now_and_then() {
        let spin = Spin::new();
        for _ in 0..3 {
            idles(&spin, SHORT * 2);
        }
        let rounds: Vec<_> = (0..4 * TRIAL).map(|_| idles(&spin, SHORT * 2)).collect();
        assert_eq!(rounds.iter().sum::<u32>(), 4, "a look for each trial: {rounds:?}");
        while spin.rounds(Instant::now()) == 0 {
            idles(&spin, SHORT * 2);
        }
        spin.paid(1);
        assert_eq!(spin.rounds(Instant::now()), FIRST, "it has paid");
    }

    #[test]
    fn short_idle_times_begin_it_anew() {
        let spin = Spin::new();
        for _ in 0..10 {
            idles(&spin, SHORT * 2);
        }
        let rounds: Vec<_> = (0..5).map(|_| idles(&spin, SHORT)).collect();
        assert_eq!(rounds, [FIRST, 8, 16, 32, MOST]);
    }

    /// Paced events come in pairs: it span in full before every second one.
    #[test]
    fn a_short_idle_time_after_each_long_one_is_no_reason_to_spin() {
        let spin = Spin::new();
        for _ in 0..10 {
            idles(&spin, SHORT * 2);
            idles(&spin, SHORT / 2);
        }
        let (after_long, after_short) = (idles(&spin, SHORT * 2), idles(&spin, SHORT / 2));
        assert!(after_long <= 1 && after_short <= FIRST, "{after_long}, {after_short}");
    }

    #[test]
    fn to_be_woken_for_nothing_is_no_reason_to_spin() {
        let spin = Spin::new();
        idles(&spin, SHORT * 2);
        assert_eq!(idles_until(false, &spin, SHORT), MOST / 16);
    }

    /// Else a worker whose idle times are a little longer than a spin would spin for nothing each time.
    #[test]
    fn a_full_spin_in_vain_is_not_repeated_at_once() {
        let spin = Spin::new();
        assert_eq!(idles(&spin, SHORT), MOST / 4);
    }

    /// Where a system call takes 20 us (a sandbox, a tracer) 64 looks would bridge idle times of milliseconds, and seem to pay.
    #[test]
    fn slow_looks_end_by_time() {
        let (spin, begun, looks) = (Spin::new(), Instant::now(), Cell::new(0));
        let clock = || begun + Duration::from_micros(40) * looks.get();
        assert!(!spin.look_on(begun, clock, || false, || looks.set(looks.get() + 1)));
        assert_eq!(looks.get(), FIRST);
    }

    #[test]
    fn what_is_found_by_a_second_look_pays() {
        let (spin, now) = (Spin::new(), Instant::now());
        idles(&spin, SHORT * 2);
        spin.paid(0);
        assert_eq!(spin.rounds(now), MOST / 4, "that was no spin");
        spin.paid(1);
        assert_eq!(spin.rounds(now), MOST / 2);
    }

    #[test]
    fn a_sleep_without_a_search_says_nothing() {
        let (spin, now) = (Spin::new(), Instant::now());
        spin.slept(now, true);
        assert_eq!(spin.rounds(now), MOST);
    }

    /// A world in which every yield at these milliseconds takes a slice. Gives back the milliseconds of those that were tried.
    fn slices_lost(spin: &Spin, busy: std::ops::Range<u64>) -> Vec<u64> {
        let (begun, slice) = (Instant::now(), Duration::from_millis(3));
        let (mut lost, mut ms) = (Vec::new(), busy.start);
        while ms < busy.end {
            let now = begun + Duration::from_millis(ms);
            if spin.rounds(now) > 0 {
                lost.push(ms);
                spin.gave_way(now, now + slice);
                ms += 3;
            }
            ms += 1;
        }
        lost
    }

    #[test]
    fn e1_who_meets_somebody_who_computes_gives_nothing_away_for_a_while() {
        let spin = Spin::new();
        let lost = slices_lost(&spin, 0..60_000);
        assert_eq!(lost[..5], [0, 4, 17, 60, 223], "the second shows that he stays; then four times as long each time");
        assert!(lost.len() < 13, "{} slices in a minute", lost.len());
        let gaps: Vec<_> = lost.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert_eq!(gaps.last(), Some(&10_003), "ten seconds at the most");
    }

    /// As beside hogs: whoever has lost a slice gets the CPU for a moment.
    #[test]
    fn e1_every_second_yield_that_is_taken_is_somebody_who_computes() {
        let (spin, now) = (Spin::new(), Instant::now());
        let ends = (0..20).position(|round| {
            let time = if round % 2 == 0 { TAKEN } else { TAKEN / 100 };
            !spin.gave_way(now, now + time)
        });
        assert_eq!(ends, Some(4), "at the third");
    }

    /// A client that shares the CPUs with its server takes long now and then; to sleep instead of waiting for it cost a tenth
    /// of the messages.
    #[test]
    fn e1_a_few_that_are_taken_are_accidents() {
        let (spin, now) = (Spin::new(), Instant::now());
        for round in 0..1000 {
            let time = if round % 4 == 0 { TAKEN } else { TAKEN / 2 };
            assert!(spin.gave_way(now, now + time), "round {round}");
        }
    }

    #[test]
    fn e1_when_he_is_gone_he_is_forgotten() {
        let spin = Spin::new();
        slices_lost(&spin, 0..5_000);
        let later = Instant::now() + Duration::from_secs(60);
        assert_eq!(spin.rounds(later), MOST, "it tries again");
        (0..STAYS).for_each(|_| assert!(spin.gave_way(later, later + TAKEN / 2), "nobody is there any more"));
        assert!(spin.gave_way(later, later + TAKEN));
        assert!(!spin.gave_way(later, later + TAKEN));
        assert_eq!(spin.rounds(later + TAKEN + PAUSE_MIN / 2), 0);
        assert_eq!(spin.rounds(later + TAKEN + PAUSE_MIN), MOST, "the shortest pause again");
    }
}
