//! Is it worth starting threads, while jobs wait in the queue?
//!
//! Owns: the judgement of one look at the crew: how many threads to start, when to look again.
//! Not here: the crew that acts on it (`crew`), how it is found out who wants a CPU (`demand`).
//!
//! A thread more is worth something while *fewer threads of the crew want a CPU than there are CPUs*: the others wait, in
//! their closures, for something else than us. Who wants a CPU is running or runnable. So closures that compute keep the
//! crew small also beside busy processes, which take their CPUs away but not the wish; and closures that wait get their
//! threads also while others, workers of ours among them, use all CPUs. Then the crew doubles at each look.
//!
//! One exception. Where nothing was taken from the queue for a while, all are inside long closures: if those compute, one
//! thread more starts now and then. Or else a short job would wait behind long ones for as long as they take, and closures
//! that spin until another one has run would do so for ever.
//!
//! Rejected: the process's CPU time against wall time, as the only question. Beside busy processes closures that compute
//! get half of the CPUs, as if they waited for the other half. Also rejected: the age of the oldest job. With 500 closures
//! of 1 ms it is 250 ms, whatever they do.

use std::time::Duration;

/// The time between looks at closures that wait; after each look in vain twice as long, up to [`PAUSE_MOST`].
const PAUSE: Duration = Duration::from_micros(200);
/// A look at a crew that computes costs 15 to 40 us: two percent of a CPU. Closures that begin to wait, wait for it.
const PAUSE_MOST: Duration = PAUSE.saturating_mul(8);
/// Nothing was taken for so long: longer than a slice of a busy neighbour.
const STUCK: Duration = Duration::from_millis(10);

/// What has happened between two looks, and how it is now.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub(super) time: Duration,
    pub(super) taken: u64,
    /// Those that work: without the pacer.
    pub(super) workers: usize,
    /// Not 0.
    pub(super) queued: usize,
}

/// From the moment at which a queue stands to the one at which it is gone.
pub(super) struct Pace {
    cpus: usize,
    pause: Duration,
    /// For how long nothing has been taken, or nobody been started for that reason.
    stuck: Duration,
}

impl Pace {
    pub(super) fn new(cpus: usize) -> Self {
        Pace { cpus, pause: PAUSE, stuck: Duration::ZERO }
    }

    /// How long to wait for the next look.
    pub(super) fn pause(&self) -> Duration {
        self.pause
    }

    /// How many threads to start now. `wanting`: how many of the crew want a CPU, if that is known; it costs something,
    /// and is asked where it matters.
    pub(super) fn look(&mut self, seen: Seen, wanting: impl FnOnce() -> Option<usize>) -> usize {
        self.stuck = if seen.taken > 0 { Duration::ZERO } else { self.stuck + seen.time };
        if self.they_wait(seen, wanting()) {
            self.pause = PAUSE;
            return seen.workers.max(1).min(seen.queued);
        }
        self.pause = (self.pause * 2).min(PAUSE_MOST);
        if self.stuck < STUCK {
            return 0;
        }
        self.stuck = Duration::ZERO;
        1
    }

    /// Where it is not known who wants a CPU, closures wait that do not come to an end.
    fn they_wait(&self, seen: Seen, wanting: Option<usize>) -> bool {
        wanting.map_or(seen.taken == 0, |wanting| wanting < self.cpus)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    const CPUS: usize = 2;
    const MOST: usize = 512;

    fn us(us: u64) -> Duration {
        Duration::from_micros(us)
    }

    /// What closures do. Where `share` stands: the part of a CPU that a CPU gives us, as others want it too.
    #[derive(Clone, Copy)]
    enum World {
        Wait(Duration),
        Compute {
            each: Duration,
            share: f64,
        },
        /// For each other, or for ever.
        Block,
        /// The same, with a CPU in use.
        Spin,
    }

    impl World {
        /// What is taken in that time, in jobs, and how many want a CPU.
        fn run(self, workers: usize, time: Duration) -> (f64, usize) {
            let jobs = |each: Duration| time.as_secs_f64() / each.as_secs_f64();
            match self {
                // 5 us of CPU each.
                World::Wait(each) => {
                    (jobs(each) * workers as f64, (workers as f64 * 5e-6 / each.as_secs_f64()) as usize)
                }
                World::Compute { each, share } => (jobs(each) * workers.min(CPUS) as f64 * share, workers),
                World::Block => (0.0, 0),
                World::Spin => (0.0, workers),
            }
        }
    }

    /// The crew's size after a queue that never ends has stood for that time. `knows`: who wants a CPU.
    fn crew_after(time: Duration, world: World, knows: bool) -> usize {
        let (mut pace, mut workers, mut now, mut jobs) = (Pace::new(CPUS), CPUS, Duration::ZERO, 0.0);
        while now < time {
            let pause = pace.pause();
            let (taken, wanting) = world.run(workers, pause);
            let before = jobs as u64;
            jobs += taken;
            let seen = Seen { time: pause, taken: jobs as u64 - before, workers, queued: 1_000_000 };
            workers = MOST.min(workers + pace.look(seen, || knows.then_some(wanting)));
            now += pause;
        }
        workers
    }

    #[test]
    fn closures_that_wait_get_threads_within_milliseconds() {
        for wait in [50, 100, 150, 400, 2_000, 100_000] {
            let crew = crew_after(us(1_000), World::Wait(us(wait)), true);
            // 5 us of CPU to 50 us of waiting: 20 threads use both CPUs up.
            assert!(crew >= if wait == 50 { 16 } else { 32 }, "{wait} us: {crew}");
        }
        assert_eq!(crew_after(us(2_000), World::Wait(us(100_000)), true), MOST);
    }

    #[test]
    fn closures_that_wait_get_no_more_threads_than_cpus_can_serve() {
        assert!(crew_after(us(1_000_000), World::Wait(us(100)), true) <= 64);
    }

    #[test]
    fn closures_that_compute_stay_with_a_thread_for_each_cpu() {
        for each in [1, 10, 19, 30, 150, 1_000, 5_000] {
            for share in [1.0, 0.5, 0.3] {
                let crew = crew_after(us(500_000), World::Compute { each: us(each), share }, true);
                assert_eq!(crew, CPUS, "{each} us at {share}");
            }
        }
    }

    #[test]
    fn long_computations_let_others_in_now_and_then() {
        for world in [World::Spin, World::Compute { each: us(10_000_000), share: 0.5 }] {
            let crew = crew_after(us(500_000), world, true);
            assert!((40..=60).contains(&crew), "{crew}");
        }
    }

    #[test]
    fn closures_that_block_for_ever_get_all_threads() {
        for knows in [true, false] {
            assert_eq!(crew_after(us(2_000), World::Block, knows), MOST);
        }
    }

    #[test]
    fn where_nobody_can_say_who_wants_a_cpu_progress_decides() {
        let short = World::Compute { each: us(50), share: 1.0 };
        assert_eq!(crew_after(us(100_000), short, false), CPUS);
    }

    #[test]
    fn no_more_threads_than_jobs() {
        let seen = Seen { time: us(200), taken: 0, workers: 64, queued: 3 };
        assert_eq!(Pace::new(CPUS).look(seen, || Some(0)), 3);
        // A crew that has no worker left gets one.
        assert_eq!(Pace::new(CPUS).look(Seen { workers: 0, ..seen }, || Some(0)), 1);
    }

    #[test]
    fn looks_in_vain_become_rare() {
        let mut pace = Pace::new(CPUS);
        let seen = Seen { time: us(200), taken: 4, workers: 2, queued: 9 };
        let pauses: Vec<_> = (0..5)
            .map(|_| {
                assert_eq!(pace.look(seen, || Some(2)), 0);
                pace.pause().as_micros()
            })
            .collect();
        assert_eq!(pauses, [400, 800, 1_600, 1_600, 1_600]);
        assert_eq!(pace.look(seen, || Some(1)), 2);
        assert_eq!(pace.pause(), PAUSE);
    }
}
