//! Bugs that other timers have had, as far as a wheel without a clock can have them.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use timer_wheel::TimerWheel;

/// What is due once the wheel is told that it is `now`.
fn due<T>(wheel: &mut TimerWheel<T>, now: u64) -> Vec<T> {
    wheel.advance(now);
    std::iter::from_fn(|| wheel.pop_due()).collect()
}

/// Ticks around all powers of 64 and their multiples.
fn boundaries() -> impl Iterator<Item = u64> {
    (0..11u32).flat_map(|power| {
        let size = 1u64 << (6 * power);
        [1, 2, 31, 62, 63].into_iter().flat_map(move |times| {
            (0..5u64).map(move |offset| size.wrapping_mul(times).wrapping_add(offset).saturating_sub(2))
        })
    })
}

/// After 12 days of uptime a short sleep landed in a slot of the top level that was a round behind.
#[test]
fn museum_t1_a_short_sleep_after_any_uptime() {
    for start in boundaries() {
        for delay in [1, 2, 3, 63, 64, 65, 4095, 4096, 4097] {
            let Some(deadline) = start.checked_add(delay) else { continue };
            let mut wheel = TimerWheel::new(start);
            let far = wheel.insert(deadline.saturating_add(1 << 30), "far");
            wheel.insert(deadline, "short");
            assert_eq!(wheel.next_deadline(), Some(deadline));
            assert_eq!(due(&mut wheel, deadline - 1), [""; 0], "start {start} delay {delay}");
            assert_eq!(due(&mut wheel, deadline), ["short"], "start {start} delay {delay}");
            assert_eq!(wheel.cancel(far), Some("far"));
        }
    }
}

/// Now and deadline that differ in bit 36 named a seventh of six levels.
#[test]
fn museum_t2_now_and_deadline_differ_in_any_bit() {
    for bit in 0..64 {
        for start in [0, 1, (1u64 << bit) - 1, (1 << bit) >> 1, 0x5555_5555_5555_5555] {
            let deadline = start ^ (1 << bit);
            if deadline > start {
                let mut wheel = TimerWheel::new(start);
                wheel.insert(deadline, bit);
                assert_eq!(due(&mut wheel, deadline - 1), []);
                assert_eq!(due(&mut wheel, deadline), [bit]);
            }
        }
    }
}

/// `elapsed == when` asserted; so did a clock that stepped back.
#[test]
fn museum_t4_the_clock_stands_still_steps_back_and_leaps() {
    let mut wheel = TimerWheel::new(1000);
    wheel.insert(1000, "equal");
    assert_eq!(due(&mut wheel, 1000), ["equal"], "no tick has to pass");
    wheel.insert(1010, "soon");
    assert_eq!(due(&mut wheel, 1000), [""; 0]);
    assert_eq!(due(&mut wheel, 0), [""; 0], "backward is ignored");
    assert_eq!(wheel.now(), 1000);
    wheel.insert(500, "set while the clock was back");
    assert_eq!(due(&mut wheel, 999), ["set while the clock was back"]);
    wheel.insert(1 << 50, "far");
    assert_eq!(due(&mut wheel, u64::MAX), ["soon", "far"], "a leap to the end");
    wheel.insert(u64::MAX, "at the end");
    assert_eq!(due(&mut wheel, u64::MAX), ["at the end"]);
    assert_eq!(due(&mut wheel, 3), [""; 0]);
}

/// Durations near the maximum panicked, wrapped, or collided with a value that meant something else.
#[test]
fn museum_t5_the_largest_ticks_are_ticks_like_others() {
    const DAYS_24_9: u64 = 2_147_483_648;
    for start in [0, 1, DAYS_24_9, 1 << 36, 1 << 60, u64::MAX - 1, u64::MAX] {
        for delay in [0, 1, DAYS_24_9 - 1, DAYS_24_9, 1 << 32, 1 << 36, 1 << 63, u64::MAX - 1, u64::MAX] {
            let deadline = start.saturating_add(delay);
            let mut wheel = TimerWheel::new(start);
            let key = wheel.insert(deadline, ());
            assert_eq!((wheel.deadline(key), wheel.next_deadline()), (Some(deadline), Some(deadline)));
            if deadline > start {
                assert_eq!(due(&mut wheel, deadline - 1), []);
                assert!(wheel.reset(key, u64::MAX) && wheel.reset(key, deadline));
            }
            assert_eq!(due(&mut wheel, deadline), [()]);
        }
    }
}

/// Cancelled or reset in the very tick in which it fires: due already, not yet given out.
#[test]
fn museum_t6_cancel_and_reset_in_the_tick_it_fires() {
    // Deadlines on a fine and on a coarse level; stopped at every place of the way.
    for deadline in [5, 5000] {
        for stop in 0..=12 {
            let mut wheel = TimerWheel::new(0);
            let keys: Vec<_> = (0..6).map(|n| wheel.insert(deadline, n)).collect();
            wheel.insert(deadline + 1, 6);
            wheel.advance(deadline);
            let mut out = Vec::new();
            wheel.expire(stop, |n| out.push(n));
            let fired = out.len();
            assert_eq!(fired, stop.min(6));
            for (n, &key) in keys.iter().enumerate() {
                let live = n >= fired;
                match n % 3 {
                    0 => assert_eq!(wheel.cancel(key), live.then_some(n)),
                    1 => assert_eq!(wheel.reset(key, deadline + 100), live),
                    _ => assert_eq!(wheel.deadline(key), live.then_some(deadline)),
                }
            }
            let later = |n: &usize| *n >= fired && n % 3 == 1;
            let now: Vec<_> = (fired..6).filter(|n| n % 3 == 2).collect();
            assert_eq!(due(&mut wheel, deadline), now);
            assert_eq!(due(&mut wheel, deadline + 99), [6]);
            assert_eq!(due(&mut wheel, deadline + 100), (0..6).filter(later).collect::<Vec<_>>());
            assert!(wheel.is_empty());
        }
    }
}

/// Reset to a past or an earlier deadline was not noticed; the next deadline was wrong after a removal.
#[test]
fn museum_t7_the_next_deadline_follows_every_change() {
    let mut wheel = TimerWheel::new(100);
    let first = wheel.insert(10_000, "first");
    let second = wheel.insert(20_000, "second");
    assert_eq!(wheel.next_deadline(), Some(10_000));
    assert!(wheel.reset(second, 150));
    assert_eq!(wheel.next_deadline(), Some(150), "earlier than all others");
    assert!(wheel.reset(first, 7));
    assert_eq!(wheel.next_deadline(), Some(100), "the past is now, without another advance");
    assert_eq!(wheel.pop_due(), Some("first"));
    assert_eq!(wheel.next_deadline(), Some(150));
    assert!(wheel.reset(second, 1 << 40));
    assert_eq!(wheel.next_deadline(), Some(1 << 40), "it was alone in its slot");
    assert_eq!(wheel.cancel(second), Some("second"));
    assert_eq!(wheel.next_deadline(), None);
}

/// A deadline rounded down made the driver spin, or loop once more for each timer.
#[test]
fn museum_t12_a_driver_wakes_once_for_a_deadline() {
    for start in boundaries() {
        let mut wheel = TimerWheel::new(start);
        let mut deadlines: Vec<u64> =
            boundaries().chain(1..=40).filter_map(|delay| start.checked_add(delay)).filter(|&d| d > start).collect();
        for &deadline in &deadlines {
            wheel.insert(deadline, deadline);
        }
        deadlines.sort_unstable();
        deadlines.dedup();
        // No timer was cancelled: exactly one turn of the driver for each deadline there is.
        let mut turns = Vec::new();
        while let Some(next) = wheel.next_deadline() {
            assert!(due(&mut wheel, next).iter().all(|&deadline| deadline == next));
            turns.push(next);
        }
        assert_eq!(turns, deadlines);
    }
}

/// The same where most timers are cancelled: turns for nothing are bounded by the levels, and none is in the past.
#[test]
fn museum_t12_a_driver_does_not_spin_when_timers_are_cancelled() {
    let mut wheel = TimerWheel::new(0);
    let (mut turns, mut fired) = (0, 0);
    for round in 0..200u64 {
        let keys: Vec<_> = (0..50).map(|n| wheel.insert(wheel.now() + 30_000 + n * 7, ())).collect();
        wheel.insert(wheel.now() + 45_000 + round, ());
        assert!(keys.into_iter().all(|key| wheel.cancel(key).is_some()));
        let end = wheel.now() + 1000;
        while let Some(next) = wheel.next_deadline().filter(|&next| next <= end) {
            assert!(next > wheel.now(), "a turn without progress");
            fired += due(&mut wheel, next).len();
            turns += 1;
        }
        wheel.advance(end);
        assert_eq!(wheel.pop_due(), None);
    }
    // A second of rounds, timers 45 s away: three levels. At most two turns for nothing on the way of each.
    assert!(fired > 150, "{fired}");
    assert!(turns <= 3 * fired, "{turns} turns for {fired} timers");
}

/// A million timers in one tick kept the lock until the last had fired.
#[test]
fn museum_t20_a_million_equal_deadlines_let_others_in() {
    const TIMERS: usize = 1_000_000;
    const PORTION: usize = 128;
    // One deadline that is reached tick by tick, one that is reached by a leap from a coarse level, and a coarse slot
    // full of timers that are not due at all: none may hold the lock for more than a portion.
    for (deadline, now) in [(40, 40), (5_000_000, 5_000_000), (5_000_000, 4_999_000)] {
        let wheel = Mutex::new(TimerWheel::new(0));
        let mut first = None;
        for n in 0..TIMERS {
            first = first.or(Some(wheel.lock().unwrap().insert(deadline, n)));
        }
        wheel.lock().unwrap().advance(now);
        let (mut next, mut portions, mut others) = (0, 0, 0);
        loop {
            let mut handled = 0;
            let more = wheel.lock().unwrap().expire(PORTION, |n| {
                assert_eq!(n, next);
                next += 1;
                handled += 1;
            });
            assert!(handled <= PORTION);
            portions += 1;
            // Somebody else between two portions.
            let mut guard = wheel.try_lock().expect("nobody holds it here");
            let key = guard.insert(deadline, usize::MAX);
            others += usize::from(guard.cancel(key).is_some());
            drop(guard);
            if !more {
                break;
            }
        }
        assert_eq!((next, others), (if now < deadline { 0 } else { TIMERS }, portions));
        assert!(portions >= TIMERS / PORTION, "{portions}");
        let first = first.expect("a million timers");
        assert_eq!(wheel.lock().unwrap().cancel(first).is_some(), now < deadline);
    }
}

/// The same with threads: one that fires, one that sets and cancels meanwhile.
#[test]
fn museum_t20_another_thread_sets_timers_meanwhile() {
    let wheel = Mutex::new(TimerWheel::new(0));
    for n in 0..200_000u64 {
        wheel.lock().unwrap().insert(70, n);
    }
    let (fired, before_the_end) = (AtomicU64::new(0), AtomicU64::new(0));
    wheel.lock().unwrap().advance(70);
    let start = std::sync::Barrier::new(2);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            start.wait();
            while wheel.lock().unwrap().expire(64, |_| _ = fired.fetch_add(1, Ordering::Relaxed)) {
                // The other thread's turn must come before the end: wait for it once, half-way.
                while fired.load(Ordering::Relaxed) >= 100_000 && before_the_end.load(Ordering::Acquire) == 0 {
                    std::thread::yield_now();
                }
            }
        });
        start.wait();
        for n in 0..1000 {
            let key = wheel.lock().unwrap().insert(1000 + n, u64::MAX);
            if fired.load(Ordering::Relaxed) < 200_000 {
                before_the_end.fetch_add(1, Ordering::Release);
            }
            assert_eq!(wheel.lock().unwrap().cancel(key), Some(u64::MAX));
        }
    });
    assert_eq!(fired.into_inner(), 200_000);
    assert!(before_the_end.into_inner() > 0);
    assert!(wheel.lock().unwrap().is_empty());
}
