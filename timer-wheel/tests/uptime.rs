//! A hundred years of uptime, in ticks of a millisecond, with few timers and with many.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use timer_wheel::TimerWheel;

const SECOND: u64 = 1000;
const DAY: u64 = 24 * 60 * 60 * SECOND;
const CENTURY: u64 = 36_525 * DAY;

struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) % n
    }
}

/// A certificate's renewal, a daily job, an hourly one and a yearly one: each sets itself anew when it fires. The
/// driver wakes once for each tick at which something is due, in a hundred years not once more.
#[test]
fn a_century_of_few_timers() {
    let periods = [60 * 60 * SECOND, DAY, 30 * DAY + 17, 365 * DAY + 1, 10 * 365 * DAY];
    let mut wheel = TimerWheel::new(0);
    let mut fired = [0u64; 5];
    for (which, period) in periods.iter().enumerate() {
        wheel.insert(*period, which);
    }
    while let Some(next) = wheel.next_deadline().filter(|&next| next <= CENTURY) {
        wheel.advance(next);
        let mut woken_for = 0;
        while let Some(which) = wheel.pop_due() {
            fired[which] += 1;
            assert_eq!(next, fired[which] * periods[which], "timer {which} is off its beat");
            wheel.insert(next + periods[which], which);
            woken_for += 1;
        }
        assert!(woken_for > 0, "woken for nothing at {next}");
    }
    assert_eq!(fired, periods.map(|period| CENTURY / period));
}

/// A server's load for ten seconds, in each of a hundred years and just before the rollovers of the levels; between
/// them the clock leaps with timers pending. Each timer that fires is compared with a heap, to the tick.
#[test]
fn a_century_with_many_timers() {
    let mut random = Random(100);
    let mut starts: Vec<u64> = (0..100).map(|year| year * 365 * DAY + random.below(DAY)).collect();
    starts.extend([1u64 << 24, 1 << 30, 1 << 36, 2 << 36, 45 << 36].map(|rollover| rollover - 5 * SECOND));
    starts.sort_unstable();

    let mut wheel = TimerWheel::new(0);
    let mut expected = BinaryHeap::new();
    let (mut id, mut fired, mut cancelled) = (0u64, 0u64, 0u64);
    let mut keys = Vec::new();
    for start in starts {
        for now in (start..start + 10 * SECOND).step_by(5) {
            wheel.advance(now);
            while let Some((deadline, value)) = wheel.pop_due() {
                assert!(deadline <= now);
                assert_eq!(expected.pop(), Some(Reverse((deadline, value))), "at {now}");
                fired += 1;
            }
            assert!(expected.peek().is_none_or(|Reverse((deadline, _))| *deadline > now), "late at {now}");
            for _ in 0..8 {
                let deadline = now + 1 + random.below([10, 100, SECOND, 30 * SECOND, DAY, 700 * DAY][id as usize % 6]);
                expected.push(Reverse((deadline, id)));
                wheel.insert(deadline, (deadline, id));
                // Timeouts that do not fire: set now, cancelled a second later.
                keys.push((now, wheel.insert(now + 30 * SECOND, (0, u64::MAX))));
                id += 1;
            }
            let old = keys.partition_point(|(set, _)| set + SECOND < now);
            for (_, key) in keys.drain(..old) {
                assert!(wheel.cancel(key).is_some());
                cancelled += 1;
            }
        }
        for (_, key) in keys.drain(..) {
            assert!(wheel.cancel(key).is_some());
        }
    }
    assert!(wheel.now() > 99 * 365 * DAY);
    assert!(fired > 1_000_000 && cancelled > 1_000_000, "{fired} {cancelled}");
    wheel.advance(u64::MAX);
    while let Some((deadline, value)) = wheel.pop_due() {
        assert_eq!(expected.pop(), Some(Reverse((deadline, value))));
    }
    assert!(expected.is_empty() && wheel.is_empty());
}
