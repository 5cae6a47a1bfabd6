//! What the guarantor does, again and again.
//!
//! Owns: its loop, the threads that are missing, how soon the next round is.
//! Not here: how it sleeps and is woken (`guarantor`), what to make of what it sees (`judge`), how a thread is started
//! (`life/threads`).
//!
//! In a round it
//! * starts the threads that are missing: all N at first, later those for seats that were given away;
//! * looks at sockets and timers if nobody does, and queues what is due with one wake-up;
//! * looks at the workers, empties the slots of those that stand still, and fires their timers;
//! * sees to work that waits although nobody searches.
//!
//! A thread that the system refuses is tried again after a pause, here and nowhere else. If not even one worker can be had
//! the guarantor becomes the worker: then a program runs as on one thread, and nobody guards it. That worker moves the beat
//! itself, as on a current-thread flavor, and at those stops it tries to start another guarantor, with the same pauses. It
//! does so on the thread that was the guarantor, so whatever is started inherits what it should. The danger: a worker
//! that is stuck tries nothing, nor does one that sleeps; nobody else may start a thread for it.

use super::judge::{Hold, Judge, Relief, Scene, Sight, Thread};
use super::missing::Missing;
use super::{CALM, WATCH};
use crate::engine::base::cpu_time;
use crate::engine::drive::Sleeper;
use crate::engine::sched::engine::Engine;
use crate::engine::sched::places::inject::Chain;
use crate::engine::sched::places::place::{Doing, Place};
use crate::engine::sched::sys::{self, ExactSleeps, fd_table};
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Waker;
use std::time::{Duration, Instant};

/// Workers that have slept or woken up no more often than this since the last round cost less with their alarm than with
/// rounds.
const FEW_PARKS: u64 = 8;

/// What the guarantor remembers from round to round.
struct Rounds {
    judge: Judge,
    /// For each place: since when its worker is watched more closely, and how long that had been on a CPU by then.
    watched: Vec<Option<Watched>>,
    due: Vec<Waker>,
    missing: Missing,
    /// A worker has been awake since the last round.
    watches: bool,
    /// How often workers have slept or woken up since then.
    parks: u64,
}

#[derive(Clone, Copy)]
struct Watched {
    since: Instant,
    on_cpu: Duration,
}

impl Watched {
    fn begin(place: &Place, now: Instant) -> Option<Watched> {
        Some(Watched { since: now, on_cpu: cpu_time(place.os_thread())? })
    }
}

impl Engine {
    /// The thread is there from the start: its refusal is the builder's error.
    pub(in crate::engine::sched) fn start_guarantor(self: &Arc<Self>) -> io::Result<()> {
        let seats = self.yard.config.workers;
        self.yard.guarantor.prepare();
        self.start_guarantor_thread(move |engine| engine.guarantee(seats))
    }

    /// So many seats have nobody yet.
    fn guarantee(self: &Arc<Self>, seats: usize) {
        let _exact = self.yard.config.precise_timers.then(ExactSleeps::begin);
        let mut rounds = Rounds {
            judge: Judge::default(),
            watched: Vec::new(),
            due: Vec::new(),
            missing: Missing { seats, refused: None },
            watches: false,
            parks: 0,
        };
        loop {
            self.start_missing(&mut rounds.missing);
            if rounds.missing.is_hopeless() && !self.yard.places.any_taken() && !self.yard.is_closing() {
                return self.work_as_the_only_one(rounds.missing);
            }
            self.rest_a_while(&mut rounds);
            if self.yard.is_closing() {
                return self.drain_for_refused_workers();
            }
            self.yard.beat.fetch_add(1, Ordering::Relaxed);
            self.yard.guarantor.in_flight.begin();
            if self.yard.config.guarantor_acts {
                self.look_at_events(&mut rounds.due);
                self.look_at_workers(&mut rounds);
            }
            self.yard.wake_as_batch(&mut rounds.due);
            if self.yard.guarantor.in_flight.end() {
                self.yard.reconsider_the_clock();
            }
        }
    }

    /// A worker whose thread was refused just as the engine closed had a place for a moment. Whoever ends the engine has seen
    /// it there, perhaps, and left the tasks to it: then there is nobody but this thread.
    fn drain_for_refused_workers(&self) {
        if !self.yard.places.any_taken() {
            self.yard.drain_if_it_ends();
        }
    }

    fn start_missing(&self, missing: &mut Missing) {
        missing.seats += self.yard.guarantor.take_wanted();
        while missing.is_due(Instant::now()) && !self.yard.is_closing() {
            match self.start_worker(true) {
                Ok(()) => missing.was_started(),
                Err(error) => {
                    missing.was_refused(Instant::now());
                    self.refused_a_thread(&error);
                }
            }
        }
    }

    /// Until the next round is due.
    fn rest_a_while(&self, rounds: &mut Rounds) {
        // Whoever has a place and does not count as active yet is a thread that starts: it is the one to lead.
        let starts = |place: &Place| place.doing() == Doing::Running;
        let nothing_to_do = || {
            self.yard.idle.active() == 0
                && !self.yard.places.iter().any(starts)
                && self.yard.inject.is_empty()
                && !self.yard.guarantor.is_wanted()
                && !self.yard.is_closing()
        };
        if rounds.missing.seats == 0 && rounds.parks <= FEW_PARKS && nothing_to_do() {
            match self.yard.drive.try_lead() {
                // Nobody waits for sockets and timers.
                Some(mut lead) => self.yard.guarantor.sleep_as_leader(nothing_to_do, || {
                    let parker = &self.yard.guarantor.parker;
                    lead.wait(
                        &Sleeper { parker, limit: None, idle: &|| self.yard.nobody_else_is_busy() },
                        &mut rounds.due,
                    );
                    self.yard.guarantor.in_flight.begin();
                }),
                // Asked again: that one may leave, and looks before that whether we sleep.
                None => self.yard.guarantor.sleep_on_alarm(|| nothing_to_do() && self.yard.drive.is_led()),
            }
        } else {
            self.yard.guarantor.parker.park(Some(if rounds.watches { WATCH } else { CALM }));
        }
    }

    /// Sockets and timers that no worker has looked at.
    fn look_at_events(&self, due: &mut Vec<Waker>) {
        fd_table::grow_for(|| self.yard.drive.sockets());
        if self.yard.drive.is_used()
            && let Some(mut lead) = self.yard.drive.try_lead()
        {
            lead.look_for_workers(due);
        }
    }

    fn look_at_workers(&self, rounds: &mut Rounds) {
        let Rounds { judge, watched, due, watches, parks, .. } = rounds;
        (*watches, *parks) = (false, 0);
        let now = Instant::now();
        let mut rescued = Chain::new();
        watched.resize(self.yard.places.made(), None);
        for (index, (place, watched)) in self.yard.places.iter().zip(watched.iter_mut()).enumerate() {
            let sight = see(place);
            *watches |= judge.stayed_awake(index, sight);
            *parks += judge.parks_since(index, sight);
            if judge.see(index, sight, now, || *watched = Watched::begin(place, now)) {
                if let Some(task) = place.next.take() {
                    rescued.push(task);
                }
                self.yard.drive.fire_overdue(index as u32, due);
            }
        }
        if !rescued.is_empty() {
            self.yard.stats.rescued.add_shared(rescued.len() as u64);
            self.yard.push_batch(rescued);
        }
        self.relieve(judge, watched, now);
    }

    fn relieve(&self, judge: &mut Judge, watched: &mut [Option<Watched>], now: Instant) {
        let backlog = || !self.yard.inject.is_empty() || self.yard.any_backlog();
        let spares = || self.yard.places.iter().filter(|place| is_spare(place));
        let scene = Scene {
            workers: self.yard.config.workers,
            active: self.yard.idle.active(),
            spares: spares().count(),
            needs_relief: self.yard.idle.searching() == 0 && backlog(),
        };
        match judge.relief(&scene, now) {
            Relief::No => {}
            Relief::Dismiss => {
                if let Some(spare) = spares().filter(|place| place.doing() == Doing::Running).last() {
                    spare.dismiss();
                }
            }
            Relief::WakeAnother => match self.yard.idle.wake_another() {
                Some(wake) => self.yard.wake(Some(wake)),
                None => {
                    if judge
                        .spare(&scene, now, |place| self.hold(self.yard.places.get(place), &mut watched[place], now))
                    {
                        self.start_spare();
                    }
                }
            },
        }
    }

    /// What holds up the worker of a place.
    fn hold(&self, place: &Place, watched: &mut Option<Watched>, now: Instant) -> Hold {
        let number = place.os_thread();
        let on_cpu = watched.and_then(|from| {
            Some((cpu_time(number)?.saturating_sub(from.on_cpu), now.saturating_duration_since(from.since)))
        });
        Thread { number, on_cpu, is_ready: sys::is_running }.hold().unwrap_or_else(|| {
            *watched = Watched::begin(place, now);
            Hold::OffCpu
        })
    }

    /// Runs tasks on this thread until the end.
    #[cold]
    fn work_as_the_only_one(self: &Arc<Self>, mut missing: Missing) {
        if let Some((index, deque)) = self.yard.places.take() {
            missing.seats -= 1;
            *self.yard.guarantor.leave.missing.lock() = Some(missing);
            self.yard.guarantor.leave.taken.store(true, Ordering::Relaxed);
            self.work_here(index, deque);
        }
    }

    /// The only worker asks whether there are threads again.
    #[cold]
    pub(in crate::engine::sched) fn try_to_recall(&self) {
        let mut left = self.yard.guarantor.leave.missing.lock();
        let Some(missing) = left.as_mut().filter(|missing| missing.may_try(Instant::now())) else { return };
        let seats = missing.seats;
        match self.start_guarantor_thread(move |engine| engine.guarantee(seats)) {
            Ok(()) => {
                *left = None;
                self.yard.guarantor.leave.taken.store(false, Ordering::Relaxed);
            }
            Err(error) => {
                missing.was_refused(Instant::now());
                drop(left);
                self.refused_a_thread(&error);
            }
        }
    }
}

fn see(place: &Place) -> Sight {
    Sight {
        runs: place.doing() == Doing::Running,
        polls: place.polls.load(Ordering::Relaxed),
        parks: place.stats.parks_and_unparks.get(),
    }
}

fn is_spare(place: &Place) -> bool {
    matches!(place.doing(), Doing::Running | Doing::Sleeping) && !place.seated.load(Ordering::Relaxed)
}
