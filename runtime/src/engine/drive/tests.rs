//! The clock, the wheels and the leader's step on one thread; what threads do to each other is in `model.rs`.

use super::clock::Clock;
use super::lead::Sleeper;
use super::ticks::NEVER;
use super::wheel::{Access, Set, Wheel};
use super::{Drive, DriveConfig, OUTSIDE};
use crate::engine::base::parker::Parker;
use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Wake, Waker};
use std::time::{Duration, Instant};

const MILLI: Duration = Duration::from_millis(1);

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn drive(start_paused: bool) -> Drive {
    Drive::new(&DriveConfig {
        places: 4,
        events_per_look: 16,
        events_per_busy_look: 1024,
        precise_timers: false,
        start_paused,
    })
    .unwrap()
}

fn set(access: Access<'_>, tick: u64, wakes: &Arc<Wakes>) -> super::Key {
    match access.set(tick, wakes.clone().into()) {
        Set::Waits { key, .. } => key,
        Set::Elapsed | Set::Closed => panic!("tick {tick} is ahead"),
    }
}

fn wait(drive: &Drive, limit: Option<Duration>, idle: bool) -> Vec<Waker> {
    let mut due = Vec::new();
    let parker = Arc::new(Parker::new());
    drive.try_lead().expect("nobody leads").wait(&Sleeper { parker: &parker, limit, idle: &|| idle }, &mut due);
    due
}

#[test]
fn a_paused_clock_says_what_it_was_told() {
    let clock = Clock::new(false, true);
    let start = clock.now();
    std::thread::sleep(2 * MILLI);
    assert_eq!(clock.now(), start);
    clock.advance(5 * MILLI).unwrap();
    assert_eq!((clock.now() - start, clock.tick()), (5 * MILLI, 5));
    clock.advance(Duration::MAX).unwrap();
    assert_eq!(clock.now() - start, 5 * MILLI, "beyond the end of time it stays where it is");
    assert!(clock.pause().is_err());
    clock.resume().unwrap();
    assert!(clock.resume().is_err() && clock.advance(MILLI).is_err());
    let later = clock.now();
    assert!(later >= start + 5 * MILLI);
    clock.pause().unwrap();
    assert!(clock.now() >= later, "time never goes back");
    assert_eq!(clock.since_start(clock.now()).subsec_nanos() % 1_000_000, 0, "and stops at a whole tick");
}

#[test]
fn deadlines_before_the_start_and_beyond_the_end_have_ticks() {
    let clock = Clock::new(false, true);
    let start = clock.now();
    let before = start.checked_sub(Duration::from_secs(1)).unwrap_or(start);
    assert_eq!((clock.tick_of(before), clock.tick_of(start)), (0, 0));
    assert_eq!(clock.tick_of(start + Duration::from_nanos(1)), 1);
    assert!(clock.tick_of(start + Duration::from_secs(1 << 40)) < NEVER);
    assert_eq!(clock.time_until(NEVER), None);
}

/// D2: it waits for no moment of the worker's, who may be long in coming.
#[test]
fn what_others_give_up_is_gone_at_once() {
    let (wheel, wakes) = (Wheel::new(), Arc::new(Wakes::default()));
    let seat = wheel.take_seat();
    let keys: Vec<_> = (0..3).map(|n| set(Access::Own(&seat), 5 + n, &wakes)).collect();
    for key in keys {
        Access::Other(&wheel).give_up(key);
    }
    assert_eq!(Arc::strong_count(&wakes), 1);
    set(Access::Own(&seat), 9, &wakes);
}

/// D28 (E24): timers that share a slot are sorted a few at a time, and all come out when they are due.
#[test]
fn d28_a_visit_is_short_when_many_share_a_slot() {
    const TIMERS: u64 = 100;
    let (wheel, wakes) = (Wheel::new(), Arc::new(Wakes::default()));
    let seat = wheel.take_seat();
    for n in 0..TIMERS {
        set(Access::Own(&seat), 4096 * 20 + n * 40, &wakes);
    }
    let (mut collected, mut most) = (Vec::new(), 0);
    while wheel.next() != NEVER {
        let (now, mut visits) = (wheel.next(), 0);
        while wheel.next() <= now {
            Access::Own(&seat).visit(now, usize::MAX, &mut collected);
            visits += 1;
        }
        most = most.max(visits);
        let due = 1 + (now.saturating_sub(4096 * 20) / 40).min(TIMERS - 1);
        assert!(collected.len() as u64 >= due, "at {now}: {} of {due}", collected.len());
    }
    assert_eq!(collected.len() as u64, TIMERS);
    // At the moment of the first one all are sorted, and a visit does eight of that in a test build.
    assert!(most >= TIMERS / 8, "{most} visits at one moment");
}

#[test]
fn a_wheel_at_rest_is_the_leaders_and_a_used_one_its_workers() {
    let (drive, wakes) = (drive(true), Arc::new(Wakes::default()));
    let seat = drive.wheels.get(0).take_seat();
    set(Access::Own(&seat), 3, &wakes);
    assert_eq!(drive.wheels.next_at_rest(), NEVER);
    assert!(wait(&drive, Some(Duration::ZERO), true).is_empty());
    seat.rest();
    assert_eq!(drive.wheels.next_at_rest(), 3);
    assert_eq!(wait(&drive, None, true).len(), 1, "nothing else can happen, so the clock moves on");
    assert_eq!((drive.clock.tick(), drive.wheels.get(0).elapsed()), (3, 3));
}

#[test]
fn a_paused_clock_moves_for_the_idle_only() {
    let (drive, wakes) = (drive(true), Arc::new(Wakes::default()));
    set(Access::Other(drive.wheels.get(OUTSIDE)), 7, &wakes);
    assert!(wait(&drive, Some(MILLI), false).is_empty(), "somebody is busy");
    drive.clock.set_advances_itself(false);
    assert!(wait(&drive, Some(MILLI), true).is_empty(), "it was told not to");
    drive.clock.set_advances_itself(true);
    assert_eq!((wait(&drive, None, true).len(), drive.clock.tick()), (1, 7));
}

#[test]
fn the_clock_does_not_move_when_the_second_look_finds_somebody_busy() {
    let (drive, wakes) = (drive(true), Arc::new(Wakes::default()));
    set(Access::Other(drive.wheels.get(OUTSIDE)), 7, &wakes);
    let (asked, parker, mut due) = (Cell::new(0), Arc::new(Parker::new()), Vec::new());
    let idle = || asked.replace(asked.get() + 1) == 0;
    drive.try_lead().unwrap().wait(&Sleeper { parker: &parker, limit: None, idle: &idle }, &mut due);
    assert_eq!((asked.get(), due.len(), drive.clock.tick()), (2, 0, 0));
}

#[test]
fn a_flowing_clock_is_slept_for_and_never_early() {
    let (drive, wakes) = (drive(false), Arc::new(Wakes::default()));
    let deadline = Instant::now() + 3 * MILLI;
    set(Access::Other(drive.wheels.get(OUTSIDE)), drive.clock.tick_of(deadline), &wakes);
    let mut turns = 0;
    while wait(&drive, None, true).is_empty() {
        turns += 1;
    }
    assert!(Instant::now() >= deadline);
    assert!(turns <= 2, "a deadline that is rounded down would be looked at again and again (museum T12): {turns}");
}

#[test]
fn a_closed_drive_wakes_everybody_and_takes_nothing_more() {
    let (drive, wakes) = (drive(false), Arc::new(Wakes::default()));
    set(Access::Other(drive.wheels.get(OUTSIDE)), 1_000, &wakes);
    set(Access::Other(drive.wheels.get(2)), u64::MAX - 1, &wakes);
    let mut due = Vec::new();
    drive.close(&mut due);
    assert_eq!(due.len(), 2);
    assert!(matches!(Access::Other(drive.wheels.get(2)).set(5, wakes.into()), Set::Closed));
}

/// Four sockets that are ready, and a drive whose looks in passing bring one event each.
fn with_four_ready(test: impl FnOnce(&Drive)) {
    use super::{Direction, Interest};
    use std::io::Write;
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;
    use std::task::Context;

    let settings = DriveConfig {
        places: 4,
        events_per_look: 16,
        events_per_busy_look: 1,
        precise_timers: false,
        start_paused: false,
    };
    let drive = Drive::new(&settings).unwrap();
    let wakes = Arc::new(Wakes::default());
    let waker = Waker::from(wakes);
    let sources: Vec<_> = (0..4)
        .map(|_| {
            let (near, mut far) = UnixStream::pair().unwrap();
            near.set_nonblocking(true).unwrap();
            let source = drive.register(near.as_fd(), Interest::READABLE, false).unwrap();
            assert!(source.poll_ready(Direction::Read, &mut Context::from_waker(&waker)).is_pending());
            far.write_all(b"x").unwrap();
            (near, far, source)
        })
        .collect();
    test(&drive);
    for (near, _far, source) in sources {
        source.end(near.as_fd()).unwrap();
    }
}

/// A look in passing brings as many events as it may, and leaves the rest to the kernel; a look that waits brings all.
#[test]
fn busy_looks_bring_fewer_events() {
    with_four_ready(|drive| {
        let mut due = Vec::new();
        for looks in 1..=2 {
            drive.try_lead().expect("nobody leads").look(&mut due);
            assert_eq!(due.len(), looks);
        }
        due.extend(wait(drive, Some(Duration::from_secs(60)), false));
        assert_eq!(due.len(), 4);
    });
}

/// The guarantor leaves to workers what they leave to each other, but not for longer than from one tick to the next.
#[test]
fn the_guarantor_takes_all_when_no_worker_looks() {
    with_four_ready(|drive| {
        let mut due = Vec::new();
        drive.try_lead().expect("nobody leads").look(&mut due);
        assert_eq!(due.len(), 1);
        drive.try_lead().expect("nobody leads").look_for_workers(&mut due);
        assert_eq!(due.len(), 2, "a worker has just looked");
        drive.try_lead().expect("nobody leads").look_for_workers(&mut due);
        assert_eq!(due.len(), 4, "no worker has");
    });
}
