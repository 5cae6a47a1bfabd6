//! What the guarantor makes of what it sees.
//!
//! Owns: what it remembers of each worker, and the rules: samples come in, orders go out. It knows no engine.
//! Not here: taking the samples and carrying out the orders (`round`).
//!
//! A worker's count of polls that stands still is a long poll, or a block.
//!
//! * After a round of that, the task in its next-task slot moves to the inject queue and its due timers fire.
//! * After [`STUCK`], with work waiting and nobody who searches, a sleeper is woken, or a *spare* starts: a worker
//!   beyond the N, which takes the stuck one's queue. A worker that *waits* is replaced by one spare; beside workers that
//!   *compute* only half as many as they are start in all; for one that is ready but *kept off the CPUs* by other threads,
//!   none: there is no CPU for a spare either. One spare starts in a round, and no more than [`SPARES_MAX`] live.
//! * A spare is dismissed when more than N workers have been getting on with their work for [`OVERSTAFFED`]: more threads
//!   than CPUs only take turns, and move the tasks about.
//!
//! Which of the three it is costs system calls. So the judge asks about a few of the stuck workers in each round, in turn,
//! and remembers the answers.

use std::time::{Duration, Instant};

/// A loop that spawns 100,000 tasks takes longer: a spare then is harmless, since it finds work. With much more, what waits
/// behind a blocked worker waits longer than a client notices.
pub(super) const STUCK: Duration = Duration::from_millis(3);

/// A spare takes 30 us to start, so one that may be needed again at once is not sent away at once.
const OVERSTAFFED: Duration = Duration::from_millis(5);

/// For the case that every task blocks.
const SPARES_MAX: usize = 64;

/// So many stuck workers are asked about in a round; to ask about one takes 5 us, and there may be hundreds.
const ASKED_MOST: usize = 4;

/// A thread that has been on a CPU for less than one part in so many is out of its reach, and does not share it.
const OFF_CPU: u32 = 4;

/// So many threads run tasks at the most while workers compute for long: some more than N, so that the system shares the
/// CPUs out and a ready task is not behind all of them; not many, since there are no more CPUs.
fn computing_limit(workers: usize) -> usize {
    workers + (workers / 2).max(1)
}

/// What a worker is seen to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sight {
    /// It holds a place and polls or searches.
    pub(super) runs: bool,
    /// The polls that it has begun.
    pub(super) polls: u64,
    /// How often it has gone to sleep and woken up.
    pub(super) parks: u64,
}

/// What holds up a worker whose count of polls stands still.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hold {
    Waits,
    Computes,
    /// It could go on, but other threads have the CPUs.
    OffCpu,
}

/// Where the system does not tell whether a thread waits, one that has not been on a CPU for so long does. With less, every
/// thread that others keep off the CPUs for a slice would seem to wait.
const UNSEEN: Duration = Duration::from_millis(20);

/// What can be known of the thread of a stuck worker.
pub(super) struct Thread {
    pub(super) number: u32,
    /// How long it has been on a CPU, of how long. `None`: not known.
    pub(super) on_cpu: Option<(Duration, Duration)>,
    /// Is it on a CPU, or ready for one? Costly, and asked only if the clock leaves it open. `None`: not known.
    pub(super) is_ready: fn(u32) -> Option<bool>,
}

impl Thread {
    /// `None`: nothing is known before it has been watched from here on.
    pub(super) fn hold(&self) -> Option<Hold> {
        if let Some((used, of)) = self.on_cpu
            && used * OFF_CPU >= of
        {
            return Some(Hold::Computes);
        }
        match ((self.is_ready)(self.number), self.on_cpu) {
            (Some(false), _) | (None, None) => Some(Hold::Waits),
            (Some(true), Some(_)) => Some(Hold::OffCpu),
            (Some(true), None) => Some(Hold::Computes),
            (None, Some((used, _))) if !used.is_zero() => None,
            (None, Some((_, of))) if of < UNSEEN => Some(Hold::OffCpu),
            (None, Some(_)) => Some(Hold::Waits),
        }
    }
}

/// What the last rounds saw of one place.
#[derive(Clone, Copy)]
struct Memory {
    sight: Sight,
    /// When this count of polls was first seen.
    since: Instant,
    /// When it was first seen standing still.
    still: Option<Instant>,
    /// Why, as far as it was asked.
    hold: Option<Hold>,
}

/// Where all workers stand.
pub(super) struct Scene {
    /// The N.
    pub(super) workers: usize,
    /// Not asleep, not blocking in place.
    pub(super) active: usize,
    pub(super) spares: usize,
    /// Work waits, and nobody searches.
    pub(super) needs_relief: bool,
}

/// What is to be done about work that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relief {
    No,
    /// A sleeper is to be woken, or a vacant seat filled; if there is none, `Judge::spare` decides.
    WakeAnother,
    /// There are too many.
    Dismiss,
}

#[derive(Default)]
pub(super) struct Judge {
    places: Vec<Memory>,
    overstaffed: Option<Instant>,
    /// The place to ask about first.
    next_asked: usize,
}

impl Judge {
    /// A place is seen. `true`: it has stood still for a round at least. `first_still` is called when that is new.
    pub(super) fn see(&mut self, place: usize, sight: Sight, now: Instant, first_still: impl FnOnce()) -> bool {
        let fresh = Memory { sight, since: now, still: None, hold: None };
        if place >= self.places.len() {
            self.places.resize(place + 1, fresh);
            return false;
        }
        let memory = &mut self.places[place];
        if !sight.runs || !memory.sight.runs || memory.sight.polls != sight.polls {
            *memory = fresh;
            return false;
        }
        if memory.still.is_none() {
            memory.still = Some(now);
            first_still();
        }
        true
    }

    /// Has the worker of that place been awake from the last round to this one? Asked before `see`.
    pub(super) fn stayed_awake(&self, place: usize, sight: Sight) -> bool {
        self.places
            .get(place)
            .is_some_and(|memory| sight.runs && memory.sight.runs && memory.sight.parks == sight.parks)
    }

    /// How often the workers have gone to sleep or woken up since the last round. Asked before `see`.
    pub(super) fn parks_since(&self, place: usize, sight: Sight) -> u64 {
        self.places.get(place).map_or(0, |memory| sight.parks.wrapping_sub(memory.sight.parks))
    }

    /// Stuck, and for long enough that its clock can be compared.
    fn is_stuck(&self, place: usize, now: Instant) -> bool {
        let memory = &self.places[place];
        memory.still.is_some_and(|still| still < now) && now.saturating_duration_since(memory.since) >= STUCK
    }

    pub(super) fn relief(&mut self, scene: &Scene, now: Instant) -> Relief {
        let stuck = (0..self.places.len()).filter(|place| self.is_stuck(*place, now)).count();
        let running = self.places.iter().filter(|memory| memory.sight.runs).count();
        if running.saturating_sub(stuck) <= scene.workers {
            self.overstaffed = None;
        } else if now.saturating_duration_since(*self.overstaffed.get_or_insert(now)) >= OVERSTAFFED {
            // Also where work waits: those who are there get on with it.
            self.overstaffed = None;
            return Relief::Dismiss;
        }
        if scene.needs_relief { Relief::WakeAnother } else { Relief::No }
    }

    /// Work waits, and nobody sleeps: may a spare start? `hold` says what holds up the worker of a place.
    pub(super) fn spare(&mut self, scene: &Scene, now: Instant, mut hold: impl FnMut(usize) -> Hold) -> bool {
        let made = self.places.len();
        if made == 0 || scene.spares >= SPARES_MAX {
            return false;
        }
        let first = self.next_asked % made;
        let stuck: Vec<_> =
            (0..made).map(|step| (first + step) % made).filter(|place| self.is_stuck(*place, now)).collect();
        for &place in stuck.iter().take(ASKED_MOST) {
            self.places[place].hold = Some(hold(place));
            self.next_asked = place + 1;
        }
        let count = |what| stuck.iter().filter(|place| self.places[**place].hold == Some(what)).count();
        let (waiting, computing) = (count(Hold::Waits), count(Hold::Computes));
        let limit = if computing == 0 { scene.workers } else { computing_limit(scene.workers) };
        waiting + computing > 0 && scene.active.saturating_sub(waiting) < limit
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    const ROUND: Duration = Duration::from_millis(1);

    /// Workers that each do one thing for ever, and a judge that looks at them round after round.
    struct World {
        judge: Judge,
        now: Instant,
        workers: usize,
        /// What holds up the worker of each place; `None`: it goes on.
        holds: Vec<Option<Hold>>,
        polls: u64,
        asked: usize,
    }

    impl World {
        fn new(holds: &[Option<Hold>]) -> Self {
            World {
                judge: Judge::default(),
                now: Instant::now(),
                workers: holds.len(),
                holds: holds.to_vec(),
                polls: 0,
                asked: 0,
            }
        }

        /// Looks at everybody. Gives the places that stand still.
        fn look(&mut self) -> Vec<usize> {
            self.now += ROUND;
            self.polls += 1;
            let sight = |hold: &Option<Hold>| Sight {
                runs: true,
                polls: if hold.is_some() { 7 } else { self.polls },
                parks: 1,
            };
            let sights: Vec<_> = self.holds.iter().map(sight).collect();
            (0..sights.len()).filter(|place| self.judge.see(*place, sights[*place], self.now, || ())).collect()
        }

        fn scene(&self, needs_relief: bool) -> Scene {
            let spares = self.holds.len() - self.workers;
            Scene { workers: self.workers, active: self.holds.len(), spares, needs_relief }
        }

        /// A round while work waits and nobody sleeps: what starts is a spare that goes on as `becomes` says.
        fn round(&mut self, becomes: Option<Hold>) {
            self.look();
            let scene = self.scene(true);
            assert_eq!(self.judge.relief(&scene, self.now), Relief::WakeAnother);
            let (holds, asked) = (&self.holds, &mut self.asked);
            let starts = self.judge.spare(&scene, self.now, |place| {
                *asked += 1;
                holds[place].expect("only those that are stuck are asked about")
            });
            if starts {
                self.holds.push(becomes);
            }
        }

        fn spares_after(&mut self, rounds: usize, becomes: Option<Hold>) -> usize {
            (0..rounds).for_each(|_| self.round(becomes));
            self.holds.len() - self.workers
        }
    }

    const WAITS: Option<Hold> = Some(Hold::Waits);
    const COMPUTES: Option<Hold> = Some(Hold::Computes);
    const OFF_CPU: Option<Hold> = Some(Hold::OffCpu);

    #[test]
    fn who_goes_on_is_not_stuck() {
        assert_eq!(World::new(&[None; 4]).spares_after(100, None), 0);
    }

    #[test]
    fn one_that_waits_is_replaced_by_one() {
        assert_eq!(World::new(&[WAITS, None, None]).spares_after(100, None), 1);
        assert_eq!(World::new(&[WAITS, WAITS, None]).spares_after(100, None), 2);
    }

    #[test]
    fn no_spare_before_it_is_surely_stuck() {
        let mut world = World::new(&[WAITS]);
        let rounds = (STUCK.as_micros() / ROUND.as_micros()) as usize;
        assert_eq!(world.spares_after(rounds, None), 0);
        assert_eq!(world.spares_after(2, None), 1);
    }

    /// Also where all the spares block in turn, until enough is enough.
    #[test]
    fn where_all_wait_there_is_one_more_until_the_limit() {
        assert_eq!(World::new(&[WAITS; 2]).spares_after(2000, WAITS), SPARES_MAX);
    }

    #[test]
    fn beside_those_that_compute_half_as_many_start() {
        for workers in [1, 2, 4, 16] {
            let mut world = World::new(&vec![COMPUTES; workers]);
            assert_eq!(world.spares_after(1000, COMPUTES), (workers / 2).max(1), "{workers} workers");
        }
    }

    #[test]
    fn for_those_that_others_keep_off_the_cpus_none_starts() {
        assert_eq!(World::new(&[OFF_CPU; 4]).spares_after(100, None), 0);
    }

    /// E19: it cost 29 % of a CPU beside 64 blocked workers.
    #[test]
    fn few_are_asked_about_in_a_round_and_all_in_turn() {
        let mut world = World::new(&[OFF_CPU; 64]);
        let rounds = 100;
        world.spares_after(rounds, None);
        assert!(world.asked <= rounds * ASKED_MOST, "{} were asked", world.asked);
        // The one that waits is found, wherever it is, and replaced.
        world.holds[40] = WAITS;
        assert_eq!(world.spares_after(64 / ASKED_MOST + 1, None), 1);
    }

    #[test]
    fn a_slot_is_emptied_after_a_round() {
        let mut world = World::new(&[WAITS, None]);
        assert_eq!(world.look(), []);
        assert_eq!(world.look(), [0]);
    }

    #[test]
    fn a_worker_that_has_slept_is_seen_anew() {
        let mut judge = Judge::default();
        let now = Instant::now();
        let awake = Sight { runs: true, polls: 5, parks: 3 };
        let asleep = Sight { runs: false, ..awake };
        assert!(!judge.stayed_awake(0, awake), "it was never seen");
        for (sight, stayed) in [(awake, false), (awake, true), (asleep, false), (awake, false), (awake, true)] {
            assert_eq!(judge.stayed_awake(0, sight), stayed);
            judge.see(0, sight, now, || ());
        }
        assert!(!judge.stayed_awake(0, Sight { parks: 5, ..awake }), "it has slept in between");
    }

    #[test]
    fn one_too_many_for_some_time_is_dismissed_and_then_the_next() {
        let mut world = World::new(&[None; 2]);
        world.holds.extend([None; 2]);
        world.workers = 2;
        let mut dismissed = Vec::new();
        for round in 0..12 {
            world.look();
            // Work waits now and then, as always where there is some.
            if world.judge.relief(&world.scene(round % 2 == 0), world.now) == Relief::Dismiss {
                dismissed.push(round);
            }
        }
        assert_eq!(dismissed, [5, 11]);
        // While one of the others is stuck the spare has its place.
        let mut world = World::new(&[None, WAITS]);
        world.holds.push(None);
        for _ in 0..20 {
            world.look();
            let relief = world.judge.relief(&world.scene(false), world.now);
            if world.judge.is_stuck(1, world.now) {
                assert_eq!(relief, Relief::No);
            }
        }
    }

    #[test]
    fn the_threads_clock_goes_before_proc() {
        let ms = Duration::from_millis;
        let thread = |used: Option<u64>, of: u64, is_ready: fn(u32) -> Option<bool>| {
            Thread { number: 1, on_cpu: used.map(|used| (ms(used), ms(of))), is_ready }.hold()
        };
        let never: fn(u32) -> Option<bool> = |_| unreachable!("the clock has said it");
        assert_eq!(thread(Some(2), 8, never), Some(Hold::Computes));
        assert_eq!(thread(Some(1), 8, |_| Some(true)), Some(Hold::OffCpu));
        assert_eq!(thread(Some(1), 8, |_| Some(false)), Some(Hold::Waits));
        assert_eq!(
            thread(None, 8, |_| Some(true)),
            Some(Hold::Computes),
            "without its clock, what is ready has a share"
        );
        // E14: without `/proc` everybody who computed seemed to wait.
        assert_eq!(thread(Some(1), 8, |_| None), None, "it has computed, and may wait by now");
        assert_eq!(thread(Some(0), 8, |_| None), Some(Hold::OffCpu), "for a slice");
        assert_eq!(thread(Some(0), 20, |_| None), Some(Hold::Waits));
        assert_eq!(thread(None, 8, |_| None), Some(Hold::Waits), "where nothing is known a spare does less harm");
    }
}
