use super::*;

/// xorshift64*: the tests need many numbers, not good ones.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
}

fn due<T>(wheel: &mut TimerWheel<T>, now: u64) -> Vec<T> {
    wheel.advance(now);
    let values = std::iter::from_fn(|| wheel.pop_due()).collect();
    wheel.audit();
    values
}

#[test]
fn an_unused_wheel_is_small_and_owns_no_memory() {
    assert!(size_of::<TimerWheel<u64>>() <= 320, "{}", size_of::<TimerWheel<u64>>());
    let wheel = TimerWheel::<[u8; 4096]>::new(7);
    assert_eq!((wheel.capacity(), wheel.len(), wheel.now()), (0, 0, 7));
    assert!(wheel.levels.iter().all(|level| !level.has_memory()));
    assert_eq!(wheel.next_deadline(), None);
    assert_eq!(TimerWheel::<()>::default().now(), 0);
}

#[test]
fn comes_out_at_the_deadline_and_not_before() {
    for delay in [1, 2, 63, 64, 65, 4095, 4096, 1 << 30, (1 << 36) - 1, 1 << 36, u64::MAX] {
        let mut wheel = TimerWheel::new(0);
        let key = wheel.insert(delay, 'x');
        assert_eq!(wheel.deadline(key), Some(delay));
        assert_eq!(wheel.next_deadline(), Some(delay));
        assert_eq!(due(&mut wheel, delay - 1), []);
        assert_eq!(wheel.next_deadline(), Some(delay));
        assert_eq!(due(&mut wheel, delay), ['x']);
        assert_eq!(wheel.next_deadline(), None);
        assert_eq!(wheel.deadline(key), None);
    }
}

#[test]
fn a_lonely_timer_comes_out_in_one_step_from_any_level() {
    for bit in 0..64 {
        let mut wheel = TimerWheel::new(0);
        wheel.insert(1 << bit | 1, ());
        wheel.advance(u64::MAX);
        let mut fired = 0;
        assert!(!wheel.expire(1, |()| fired += 1));
        assert_eq!(fired, 1);
    }
}

#[test]
fn a_jump_brings_all_in_order_of_deadline_and_of_setting() {
    let mut wheel = TimerWheel::new(5);
    let deadlines = [70, 6, 5000, 70, 1 << 40, 6, 70, 5000, 1 << 40, 64];
    for (n, deadline) in deadlines.into_iter().enumerate() {
        wheel.insert(deadline, (deadline, n));
    }
    let mut expected: Vec<_> = deadlines.into_iter().enumerate().map(|(n, deadline)| (deadline, n)).collect();
    expected.sort_unstable();
    assert_eq!(due(&mut wheel, u64::MAX), expected);
}

#[test]
fn equal_deadlines_set_at_different_distances_keep_their_order() {
    let mut wheel = TimerWheel::new(0);
    let target = (1 << 24) + 3;
    let mut n = 0;
    for now in [0, 1, 1 << 12, 1 << 18, (1 << 24) - 1, 1 << 24, target - 1] {
        assert_eq!(due(&mut wheel, now), []);
        wheel.insert(target, n);
        n += 1;
    }
    assert_eq!(due(&mut wheel, target), (0..n).collect::<Vec<_>>());
}

#[test]
fn a_deadline_in_the_past_counts_as_now() {
    let mut wheel = TimerWheel::new(100);
    wheel.insert(100, "first");
    let past = wheel.insert(3, "second");
    assert_eq!(wheel.deadline(past), Some(100));
    assert_eq!(wheel.next_deadline(), Some(100));
    assert_eq!(due(&mut wheel, 100), ["first", "second"]);

    // Behind what is due already, even though nobody has taken that out yet.
    wheel.insert(150, "third");
    wheel.insert(4000, "fourth");
    wheel.advance(4000);
    wheel.insert(0, "fifth");
    wheel.audit();
    assert_eq!(due(&mut wheel, 4000), ["third", "fourth", "fifth"]);
}

#[test]
fn reset_moves_a_timer_and_keeps_key_and_value() {
    let mut wheel = TimerWheel::new(0);
    let key = wheel.insert(10, 'a');
    wheel.insert(500, 'b');
    assert!(wheel.reset(key, 500));
    assert_eq!(due(&mut wheel, 499), []);
    assert!(wheel.reset(key, 500), "once more: still behind the other");
    *wheel.get_mut(key).expect("live") = 'c';
    assert_eq!(wheel.get(key), Some(&'c'));
    assert_eq!(due(&mut wheel, 500), ['b', 'c']);
    assert!(!wheel.reset(key, 600));
    assert_eq!(wheel.get(key), None);
    assert_eq!(wheel.get_mut(key), None);
}

/// Half of a coarse slot is sorted when new timers with the same deadlines come: they must not overtake the rest.
#[test]
fn setting_in_the_middle_of_a_slot_keeps_the_order() {
    for stop in 0..20 {
        let mut wheel = TimerWheel::new(0);
        for n in 0..10 {
            wheel.insert(4096 + n % 3 * 70, (n % 3, n));
        }
        wheel.advance(4100);
        let mut out = Vec::new();
        wheel.expire(stop, |value| out.push(value));
        wheel.audit();
        for n in 10..20 {
            wheel.insert(4096 + n % 3 * 70, (n % 3, n));
            wheel.audit();
        }
        out.extend(due(&mut wheel, 5000));
        // Those with deadline 4096 set at 4100 count as 4100: after the others of the first group, before the second.
        assert!(out.is_sorted(), "stopped after {stop}: {out:?}");
        assert_eq!(out.len(), 20);
    }
}

#[test]
fn expire_stops_where_it_is_told_and_says_whether_there_is_more() {
    let mut wheel = TimerWheel::new(0);
    for n in 0..10 {
        wheel.insert(5, n);
    }
    assert!(!wheel.expire(usize::MAX, |_| panic!("nothing is due")));
    wheel.advance(5);
    assert!(wheel.expire(0, |_| panic!("none were asked for")));
    let mut out = Vec::new();
    assert!(wheel.expire(4, |n| out.push(n)));
    assert_eq!((out.len(), wheel.len()), (4, 6));
    assert!(!wheel.expire(6, |n| out.push(n)), "exactly the rest: nothing more");
    assert_eq!(out, (0..10).collect::<Vec<_>>());
}

#[test]
fn a_panicking_callback_costs_one_value() {
    let mut wheel = TimerWheel::new(0);
    for n in 0..5 {
        wheel.insert(100, n);
    }
    wheel.advance(100);
    let run = std::panic::AssertUnwindSafe(|| wheel.expire(5, |n| assert_ne!(n, 2, "told to panic")));
    assert!(std::panic::catch_unwind(run).is_err());
    assert_eq!(due(&mut wheel, 100), [3, 4]);
}

#[test]
fn next_deadline_is_exact_until_the_earliest_goes_away() {
    let mut wheel = TimerWheel::new(0);
    let mut random = Random(1);
    let mut earliest = u64::MAX;
    for _ in 0..200 {
        let deadline = 1 + (random.next() >> random.below(64));
        earliest = earliest.min(deadline);
        wheel.insert(deadline, deadline);
        assert_eq!(wheel.next_deadline(), Some(earliest));
    }
    // Letting time pass without cancelling keeps it exact.
    while let Some(next) = wheel.next_deadline() {
        let out = due(&mut wheel, next);
        assert!(!out.is_empty() && out.iter().all(|&deadline| deadline == next));
    }
}

#[test]
fn after_a_cancel_the_bound_is_low_once() {
    let mut wheel = TimerWheel::new(0);
    let early = wheel.insert(5000, 0);
    wheel.insert(7000, 1);
    wheel.cancel(early);
    assert_eq!(wheel.next_deadline(), Some(5000), "the other is in the same slot");
    assert_eq!(due(&mut wheel, 5000), []);
    assert_eq!(wheel.next_deadline(), Some(7000));
}

#[test]
fn no_memory_is_allocated_below_the_peak() {
    let mut wheel = TimerWheel::new(0);
    let mut keys: Vec<_> = (0..1000).map(|n| wheel.insert(n, n)).collect();
    let capacity = wheel.capacity();
    let mut random = Random(2);
    for n in 1000..100_000 {
        let at = random.below(1000) as usize;
        if wheel.cancel(keys[at]).is_some() {
            keys[at] = wheel.insert(n + random.below(10_000), n);
        }
    }
    assert_eq!(wheel.capacity(), capacity);
}

#[test]
fn shrink_gives_back_what_the_peak_took() {
    let mut wheel = TimerWheel::new(0);
    let keys: Vec<_> = (1..=100_000u64).map(|n| wheel.insert(n * n, n)).collect();
    for &key in &keys[10..] {
        wheel.cancel(key);
    }
    wheel.shrink();
    wheel.audit();
    assert!(wheel.capacity() <= 16, "{}: two pages of a test build", wheel.capacity());
    assert_eq!(wheel.levels.iter().filter(|level| level.has_memory()).count(), 2, "1 to 100 are on two levels");
    assert_eq!(due(&mut wheel, 1000), (1..=10).collect::<Vec<_>>());
    for n in 0..100_000u64 {
        wheel.insert(n * n, n);
    }
    assert!(keys.iter().all(|&key| wheel.cancel(key).is_none()), "stale keys stay stale");
    wheel.drain();
    wheel.shrink();
    assert_eq!(wheel.capacity(), 0);
}

#[test]
fn a_wheel_can_be_shown_and_sent() {
    fn sendable<T: Send + Sync + Unpin>(_: &T) {}
    let mut wheel = TimerWheel::new(3);
    wheel.insert(9, ());
    sendable(&wheel);
    assert_eq!(format!("{wheel:?}"), "TimerWheel { now: 3, len: 1, next_deadline: Some(9), .. }");
}

/// All operations at random, with all invariants checked after each; what comes out is compared in `tests/oracle.rs`.
#[test]
fn every_statement_holds_after_every_operation() {
    for seed in 1..=60 {
        let mut random = Random(0x9E37_79B9_7F4A_7C15u64.wrapping_mul(seed));
        let mut wheel = TimerWheel::new(random.next() >> random.below(64));
        let mut keys = Vec::new();
        for step in 0..400u64 {
            let distance = random.next() >> random.below(64);
            let tick = wheel.now().saturating_add(distance);
            match random.below(12) {
                0..=4 => keys.push(wheel.insert(tick, step)),
                5 if !keys.is_empty() => drop(wheel.cancel(keys[random.below(keys.len() as u64) as usize])),
                6 if !keys.is_empty() => drop(wheel.reset(keys[random.below(keys.len() as u64) as usize], tick)),
                7 => wheel.advance(wheel.now().saturating_add(distance >> 20)),
                8 => wheel.advance(wheel.next_deadline().unwrap_or(0)),
                9 => drop(wheel.expire(random.below(6) as usize, drop)),
                10 => drop(wheel.pop_due()),
                _ if step % 16 == 0 => wheel.shrink(),
                _ if step % 61 == 0 => drop(wheel.drain().nth(2)),
                _ => drop(wheel.insert(tick & !63, step)),
            }
            wheel.audit();
        }
    }
}

#[test]
fn reserved_room_is_not_allocated_again() {
    let mut wheel = TimerWheel::new(0);
    wheel.reserve(100);
    let room = wheel.capacity();
    assert!(room >= 100);
    let keys: Vec<_> = (0..100).map(|n| wheel.insert(n, n)).collect();
    assert_eq!(wheel.capacity(), room);
    assert!(keys.into_iter().all(|key| wheel.cancel(key).is_some()));
    wheel.reserve(100);
    assert_eq!(wheel.capacity(), room, "places that are free again count");
}
