//! A wheel and a `BTreeMap` side by side: operations as values, and a machine that runs them on both and compares.
//!
//! Shared by `tests/oracle.rs` (operations from proptest, which can make failing ones smaller) and by the fuzz
//! target in `fuzz/` (operations from bytes). Uses the public interface only.

use std::collections::BTreeMap;

use timer_wheel::{Key, TimerWheel};

/// A tick, said in relation to the machine's present one.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Tick {
    /// `now + n`, at most the last tick.
    In(u64),
    /// `now - n`, at least 0.
    Ago(u64),
    /// The next multiple of `64^power` (`power` up to 10), plus `offset` ticks of -2..=2.
    Boundary { power: u8, offset: i8 },
    /// This tick.
    At(u64),
}

/// One operation. `pick` chooses among the timers there are (or among the stale keys), modulo their number.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Op {
    Insert(Tick),
    Cancel {
        pick: u16,
    },
    Reset {
        pick: u16,
        to: Tick,
    },
    /// All operations that take a key, with one that is stale.
    Stale {
        pick: u16,
    },
    Advance(Tick),
    /// Advance to `next_deadline`, as a driver does.
    AdvanceToNext,
    /// Advance to `next_deadline` and take out what is due until something was: must end soon.
    SleepToFirst,
    PopDue {
        count: u8,
    },
    Expire {
        limit: u8,
    },
    /// Take out all that is due.
    Settle,
    /// Hand all timers over to a wheel at another tick, and go on with that one.
    HandOver {
        to: Tick,
    },
    /// Take some out of a drain and drop the rest with it.
    DrainSome {
        count: u8,
    },
    Shrink,
}

/// A timer of the oracle: deadline and order of setting, which together are its place in the map.
type Place = (u64, u64);

struct Machine {
    wheel: TimerWheel<u64>,
    now: u64,
    /// By order of coming out: key, and the value in the wheel.
    oracle: BTreeMap<Place, (Key, u64)>,
    stale: Vec<Key>,
    /// How many times something was set; orders equal deadlines.
    set: u64,
    values: u64,
}

/// Runs `ops` on a wheel that starts at `start` and on the oracle.
///
/// # Panics
/// When they differ.
pub(crate) fn run(start: u64, ops: &[Op]) {
    let mut machine = Machine {
        wheel: TimerWheel::new(start),
        now: start,
        oracle: BTreeMap::new(),
        stale: Vec::new(),
        set: 0,
        values: 0,
    };
    for &op in ops {
        machine.apply(op);
        machine.compare();
    }
    // At the end of time everything comes out, in order.
    machine.apply(Op::Advance(Tick::At(u64::MAX)));
    machine.apply(Op::Settle);
    assert!(machine.oracle.is_empty() && machine.wheel.is_empty());
}

impl Machine {
    fn tick(&self, tick: Tick) -> u64 {
        match tick {
            Tick::In(n) => self.now.saturating_add(n),
            Tick::Ago(n) => self.now.saturating_sub(n),
            Tick::At(n) => n,
            Tick::Boundary { power, offset } => {
                let size = 1u64 << (6 * u32::from(power % 11));
                let next = (self.now | (size - 1)).saturating_add(1);
                next.saturating_add_signed(i64::from(offset.clamp(-2, 2)))
            }
        }
    }

    /// Enters a timer into the oracle.
    fn note(&mut self, deadline: u64, key: Key, value: u64) {
        self.set += 1;
        self.oracle.insert((deadline.max(self.now), self.set), (key, value));
    }

    fn pick(&self, pick: u16) -> Option<(Place, Key, u64)> {
        let nth = usize::from(pick).checked_rem(self.oracle.len())?;
        self.oracle.iter().nth(nth).map(|(&place, &(key, value))| (place, key, value))
    }

    /// Takes the next timer that is due out of the oracle.
    fn oracle_pop(&mut self) -> Option<u64> {
        let first = self.oracle.first_entry()?;
        if first.key().0 > self.now {
            return None;
        }
        let (key, value) = first.remove();
        self.stale.push(key);
        Some(value)
    }

    fn apply(&mut self, op: Op) {
        match op {
            Op::Insert(tick) => {
                let deadline = self.tick(tick);
                let key = self.wheel.insert(deadline, self.values);
                self.note(deadline, key, self.values);
                self.values += 1;
            }
            Op::Cancel { pick } => {
                let Some((place, key, value)) = self.pick(pick) else { return };
                assert_eq!(self.wheel.cancel(key), Some(value));
                self.oracle.remove(&place);
                self.stale.push(key);
            }
            Op::Reset { pick, to } => {
                let Some((place, key, value)) = self.pick(pick) else { return };
                let deadline = self.tick(to);
                assert!(self.wheel.reset(key, deadline));
                self.oracle.remove(&place);
                self.note(deadline, key, value);
            }
            Op::Stale { pick } => self.use_stale_key(pick),
            Op::Advance(tick) => self.advance(self.tick(tick)),
            Op::AdvanceToNext => self.advance(self.wheel.next_deadline().unwrap_or(0)),
            Op::SleepToFirst => self.sleep_to_first(),
            Op::PopDue { count } => {
                for _ in 0..count {
                    let popped = self.wheel.pop_due();
                    assert_eq!(popped, self.oracle_pop());
                }
            }
            Op::Expire { limit } => self.expire(limit),
            Op::Settle => while self.settle_one() {},
            Op::HandOver { to } => self.hand_over(self.tick(to)),
            Op::DrainSome { count } => self.drain_some(count),
            Op::Shrink => self.wheel.shrink(),
        }
    }

    fn advance(&mut self, tick: u64) {
        self.wheel.advance(tick);
        self.now = self.now.max(tick);
    }

    fn settle_one(&mut self) -> bool {
        let popped = self.wheel.pop_due();
        assert_eq!(popped, self.oracle_pop());
        popped.is_some()
    }

    fn use_stale_key(&mut self, pick: u16) {
        let Some(nth) = usize::from(pick).checked_rem(self.stale.len()) else { return };
        let key = self.stale[nth];
        assert_eq!(self.wheel.cancel(key), None);
        assert!(!self.wheel.reset(key, self.now + u64::from(self.now < u64::MAX)));
        assert_eq!(self.wheel.deadline(key), None);
        assert_eq!(self.wheel.get(key), None);
        assert_eq!(self.wheel.get_mut(key), None);
    }

    /// A driver's loop. It may wake for nothing where the earliest timer was cancelled, but not more than once a
    /// level, and each time at a later tick.
    fn sleep_to_first(&mut self) {
        self.apply(Op::Settle);
        for _ in 0..=11 {
            let Some(next) = self.wheel.next_deadline() else { return assert!(self.oracle.is_empty()) };
            assert!(next > self.now, "all is done and it says that there is work: a driver spins");
            self.advance(next);
            if self.settle_one() {
                return self.apply(Op::Settle);
            }
        }
        panic!("woken for nothing once a level and once more");
    }

    fn expire(&mut self, limit: u8) {
        let mut out = Vec::new();
        let more = self.wheel.expire(usize::from(limit), |value| out.push(value));
        assert!(out.len() <= usize::from(limit));
        for value in out {
            assert_eq!(Some(value), self.oracle_pop());
        }
        if !more {
            let due = self.oracle.first_key_value().filter(|(place, _)| place.0 <= self.now);
            assert_eq!(due, None, "says that nothing is left");
        }
    }

    fn hand_over(&mut self, tick: u64) {
        let mut taker = TimerWheel::new(tick);
        let mut left = std::mem::take(&mut self.oracle);
        let mut by_key: BTreeMap<Key, Place> = left.iter().map(|(&place, &(key, _))| (key, place)).collect();
        let mut last_of_deadline = BTreeMap::new();
        // The taker sees another time and other keys.
        (self.now, self.stale) = (tick, Vec::new());
        for (key, deadline, value) in self.wheel.drain() {
            let place = by_key.remove(&key).expect("a timer that the oracle does not have");
            assert_eq!(left.remove(&place), Some((key, value)));
            assert_eq!(deadline, place.0);
            let before = last_of_deadline.insert(deadline, place.1);
            assert!(before < Some(place.1), "equal deadlines out of order");
            self.set += 1;
            self.oracle.insert((deadline.max(tick), self.set), (taker.insert(deadline, value), value));
        }
        assert!(left.is_empty(), "timers lost: {left:?}");
        assert!(self.wheel.is_empty() && self.wheel.next_deadline().is_none());
        self.wheel = taker;
    }

    fn drain_some(&mut self, count: u8) {
        let taken = self.wheel.drain().take(usize::from(count)).count();
        assert_eq!(taken, usize::from(count).min(self.oracle.len()));
        let gone = std::mem::take(&mut self.oracle);
        self.stale.extend(gone.into_values().map(|(key, _)| key));
    }

    /// What must be equal after each operation.
    fn compare(&mut self) {
        assert_eq!(self.wheel.now(), self.now);
        assert_eq!(self.wheel.len(), self.oracle.len());
        assert_eq!(self.wheel.is_empty(), self.oracle.is_empty());
        let first = self.oracle.first_key_value().map(|(place, _)| place.0);
        let bound = self.wheel.next_deadline();
        assert_eq!(bound.is_some(), first.is_some());
        assert!(bound <= first, "next_deadline {bound:?} is after the first, {first:?}");
        assert_eq!(self.wheel.peek(), self.oracle.first_key_value().map(|(_, entry)| entry.0), "the next to come out");
        // All of them now and then, one of them each time.
        let all = self.set.is_multiple_of(16);
        let one = self.pick(self.set as u16);
        let some = one.into_iter().map(|(place, key, value)| (place, (key, value)));
        let rest = self.oracle.iter().filter(|_| all).map(|(&place, &entry)| (place, entry));
        for (place, (key, value)) in some.chain(rest) {
            assert_eq!(self.wheel.deadline(key), Some(place.0));
            assert_eq!(self.wheel.get(key), Some(&value));
        }
    }
}

/// Operations from bytes, for a fuzzer: a start, then one operation after the other until the bytes end.
pub(crate) fn decode(bytes: &[u8]) -> (u64, Vec<Op>) {
    let mut bytes = bytes.iter().copied();
    let start = number(&mut bytes).unwrap_or(0);
    (start, std::iter::from_fn(|| operation(&mut bytes)).collect())
}

/// One byte of kind and shift, then as many bytes as the kind takes: short inputs reach far ticks.
fn number(bytes: &mut impl Iterator<Item = u8>) -> Option<u64> {
    let shape = bytes.next()?;
    let byte = u64::from(bytes.next()?);
    let power = 6 * u32::from(shape % 11);
    Some(match shape / 11 % 4 {
        0 => byte,
        1 => byte << power,
        // Around a power of 64.
        2 => (1u64 << power).wrapping_add(byte % 5).wrapping_sub(2),
        _ => bytes.by_ref().take(8).fold(byte, |sum, next| sum << 8 | u64::from(next)) >> (shape % 64),
    })
}

fn tick(bytes: &mut impl Iterator<Item = u8>) -> Option<Tick> {
    Some(match bytes.next()? % 8 {
        0..=3 => Tick::In(number(bytes)?),
        4 => Tick::Ago(number(bytes)?),
        5 | 6 => {
            let byte = bytes.next()?;
            Tick::Boundary { power: byte % 11, offset: (byte / 11 % 5) as i8 - 2 }
        }
        _ => Tick::At(number(bytes)?),
    })
}

fn operation(bytes: &mut impl Iterator<Item = u8>) -> Option<Op> {
    let kind = bytes.next()? % 32;
    Some(match kind {
        0..=9 => Op::Insert(tick(bytes)?),
        10..=12 => Op::Cancel { pick: u16::from(bytes.next()?) },
        13..=15 => Op::Reset { pick: u16::from(bytes.next()?), to: tick(bytes)? },
        16 => Op::Stale { pick: u16::from(bytes.next()?) },
        17..=20 => Op::Advance(tick(bytes)?),
        21 | 22 => Op::AdvanceToNext,
        23 => Op::SleepToFirst,
        24 | 25 => Op::PopDue { count: bytes.next()? % 8 },
        26 | 27 => Op::Expire { limit: bytes.next()? % 16 },
        28 => Op::Settle,
        29 => Op::HandOver { to: tick(bytes)? },
        30 => Op::DrainSome { count: bytes.next()? },
        _ => Op::Shrink,
    })
}
