//! The wheel against a `BTreeMap` and a `BinaryHeap`: nanoseconds per operation, with few and with many live timers.
//!
//!     cargo bench -p timer-wheel [-- [--quick] [NAME]...]
//!
//! NAME keeps the rows whose name contains one of the names given; names that fit no row print nothing.
//! Each cell is the best of several rounds, and the three contenders take turns within a round, so that whatever else
//! the machine does hits all of them.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::hint::black_box;
use std::time::{Duration, Instant};

use timer_wheel::{Key, TimerWheel};

/// What a timer's value is in a runtime: a pointer and a little more.
type Value = [usize; 2];

/// The operations a runtime needs of its timers.
trait Timers {
    type Key: Copy;
    fn new() -> Self;
    fn insert(&mut self, deadline: u64, value: Value) -> Self::Key;
    fn cancel(&mut self, key: Self::Key) -> Option<Value>;
    fn reset(&mut self, key: Self::Key, deadline: u64) -> Self::Key;
    fn next_deadline(&mut self) -> Option<u64>;
    fn expire(&mut self, now: u64) -> usize;
}

impl Timers for TimerWheel<Value> {
    type Key = Key;

    fn new() -> Self {
        TimerWheel::new(0)
    }

    fn insert(&mut self, deadline: u64, value: Value) -> Key {
        TimerWheel::insert(self, deadline, value)
    }

    fn cancel(&mut self, key: Key) -> Option<Value> {
        TimerWheel::cancel(self, key)
    }

    fn reset(&mut self, key: Key, deadline: u64) -> Key {
        assert!(TimerWheel::reset(self, key, deadline));
        key
    }

    fn next_deadline(&mut self) -> Option<u64> {
        TimerWheel::next_deadline(self)
    }

    fn expire(&mut self, now: u64) -> usize {
        self.advance(now);
        std::iter::from_fn(|| self.pop_due()).map(black_box).count()
    }
}

/// Ordered by deadline and number, which together are the key.
struct Tree {
    map: BTreeMap<(u64, u64), Value>,
    numbers: u64,
}

impl Timers for Tree {
    type Key = (u64, u64);

    fn new() -> Self {
        Tree { map: BTreeMap::new(), numbers: 0 }
    }

    fn insert(&mut self, deadline: u64, value: Value) -> (u64, u64) {
        self.numbers += 1;
        self.map.insert((deadline, self.numbers), value);
        (deadline, self.numbers)
    }

    fn cancel(&mut self, key: (u64, u64)) -> Option<Value> {
        self.map.remove(&key)
    }

    fn reset(&mut self, key: (u64, u64), deadline: u64) -> (u64, u64) {
        let value = self.map.remove(&key).expect("live");
        self.insert(deadline, value)
    }

    fn next_deadline(&mut self) -> Option<u64> {
        self.map.first_key_value().map(|(key, _)| key.0)
    }

    fn expire(&mut self, now: u64) -> usize {
        let mut count = 0;
        while let Some(first) = self.map.first_entry().filter(|first| first.key().0 <= now) {
            black_box(first.remove());
            count += 1;
        }
        count
    }
}

/// Values in a slab, (deadline, number, place) in a heap. A cancelled timer's entry stays in the heap until it comes
/// up, or until more than half of the entries are such, when the heap is built anew.
struct Heap {
    heap: BinaryHeap<Reverse<(u64, u64, usize)>>,
    places: Vec<(u64, Option<Value>)>,
    free: Vec<usize>,
    numbers: u64,
}

impl Heap {
    fn is_live(&self, number: u64, place: usize) -> bool {
        self.places[place].0 == number && self.places[place].1.is_some()
    }

    fn drop_dead_ones(&mut self) {
        let live = self.places.len() - self.free.len();
        if self.heap.len() > 64 + 2 * live {
            let mut heap = std::mem::take(&mut self.heap);
            heap.retain(|&Reverse((_, number, place))| self.is_live(number, place));
            self.heap = heap;
        }
    }
}

impl Timers for Heap {
    type Key = (u64, usize);

    fn new() -> Self {
        Heap { heap: BinaryHeap::new(), places: Vec::new(), free: Vec::new(), numbers: 0 }
    }

    fn insert(&mut self, deadline: u64, value: Value) -> (u64, usize) {
        self.numbers += 1;
        let place = self.free.pop().unwrap_or_else(|| {
            self.places.push((0, None));
            self.places.len() - 1
        });
        self.places[place] = (self.numbers, Some(value));
        self.heap.push(Reverse((deadline, self.numbers, place)));
        (self.numbers, place)
    }

    fn cancel(&mut self, (number, place): (u64, usize)) -> Option<Value> {
        if self.places[place].0 != number {
            return None;
        }
        let value = self.places[place].1.take()?;
        self.free.push(place);
        self.drop_dead_ones();
        Some(value)
    }

    fn reset(&mut self, key: (u64, usize), deadline: u64) -> (u64, usize) {
        let value = self.cancel(key).expect("live");
        self.insert(deadline, value)
    }

    fn next_deadline(&mut self) -> Option<u64> {
        while let Some(&Reverse((deadline, number, place))) = self.heap.peek() {
            if self.is_live(number, place) {
                return Some(deadline);
            }
            self.heap.pop();
        }
        None
    }

    fn expire(&mut self, now: u64) -> usize {
        let mut count = 0;
        while self.next_deadline().is_some_and(|deadline| deadline <= now) {
            if let Some(Reverse((_, _, place))) = self.heap.pop() {
                black_box(self.places[place].1.take());
                self.free.push(place);
                count += 1;
            }
        }
        count
    }
}

/// The same numbers for each contender.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        ((u128::from(self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)) * u128::from(n)) >> 64) as u64
    }
}

/// `live` timers, up to a minute away.
fn filled<S: Timers>(live: usize, random: &mut Random) -> (S, Vec<S::Key>) {
    let mut timers = S::new();
    let keys = (0..live).map(|n| timers.insert(1000 + random.below(60_000), [n; 2])).collect();
    (timers, keys)
}

/// Sets a timeout of 30 s and cancels it at once: a request that is answered.
fn insert_cancel<S: Timers>(live: usize, ops: usize) -> Duration {
    let (mut timers, keys) = filled::<S>(live, &mut Random(1));
    let start = Instant::now();
    for n in 0..ops {
        let key = timers.insert(black_box(30_000 + n as u64 / 64), [n; 2]);
        black_box(timers.cancel(black_box(key)));
    }
    let elapsed = start.elapsed();
    black_box(keys.len());
    elapsed
}

/// Cancels any timer of those there are, and sets another one.
fn replace<S: Timers>(live: usize, ops: usize) -> Duration {
    let random = &mut Random(2);
    let (mut timers, mut keys) = filled::<S>(live, random);
    let start = Instant::now();
    for n in 0..ops {
        let at = random.below(live as u64) as usize;
        black_box(timers.cancel(keys[at]));
        keys[at] = timers.insert(1000 + random.below(60_000), [n; 2]);
    }
    start.elapsed()
}

/// Puts off any timer of those there are: an idle timeout after each message.
fn reset<S: Timers>(live: usize, ops: usize) -> Duration {
    let random = &mut Random(3);
    let (mut timers, mut keys) = filled::<S>(live, random);
    let start = Instant::now();
    for _ in 0..ops {
        let at = random.below(live as u64) as usize;
        keys[at] = timers.reset(keys[at], 1000 + random.below(60_000));
    }
    start.elapsed()
}

/// Time goes on from deadline to deadline; each timer that fires sets another one.
fn fire<S: Timers>(live: usize, ops: usize) -> Duration {
    let random = &mut Random(4);
    let mut timers = filled::<S>(live, random).0;
    let (mut fired, mut now) = (0, 0);
    let start = Instant::now();
    while fired < ops {
        now = timers.next_deadline().map_or(now, |next| next.max(now + 1));
        let count = timers.expire(now);
        for n in 0..count {
            timers.insert(now + 1 + random.below(60_000), [n; 2]);
        }
        fired += count;
    }
    // Whole ticks fire, so there may be a few more than asked for.
    start.elapsed().mul_f64(ops as f64 / fired as f64)
}

type Run = fn(usize, usize) -> Duration;

fn contenders(name: &str) -> [Run; 3] {
    match name {
        "insert_cancel" => [insert_cancel::<TimerWheel<Value>>, insert_cancel::<Tree>, insert_cancel::<Heap>],
        "replace" => [replace::<TimerWheel<Value>>, replace::<Tree>, replace::<Heap>],
        "reset" => [reset::<TimerWheel<Value>>, reset::<Tree>, reset::<Heap>],
        _ => [fire::<TimerWheel<Value>>, fire::<Tree>, fire::<Heap>],
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let quick = arguments.iter().any(|argument| argument == "--quick");
    // Cargo adds `--bench`; other flags are for other benches.
    let names: Vec<&String> = arguments.iter().filter(|argument| !argument.starts_with('-')).collect();
    let (rounds, ops) = if quick { (2, 20_000) } else { (7, 500_000) };

    let mut is_first = true;
    for name in ["insert_cancel", "replace", "reset", "fire"] {
        for live in [100, 10_000, 1_000_000] {
            let row = format!("wheel/{name}/{live}");
            if !names.is_empty() && !names.iter().any(|name| row.contains(name.as_str())) || quick && live > 10_000 {
                continue;
            }
            if std::mem::take(&mut is_first) {
                println!("{:<32}{:>10}{:>12}{:>12}   ns per operation", "timers", "wheel", "BTreeMap", "BinaryHeap");
            }
            let mut best = [Duration::MAX; 3];
            for _ in 0..rounds {
                for (best, run) in best.iter_mut().zip(contenders(name)) {
                    *best = run(live, ops).min(*best);
                }
            }
            let [wheel, tree, heap] = best.map(|best| best.as_secs_f64() * 1e9 / ops as f64);
            println!("{row:<32}{wheel:>10.1}{tree:>12.1}{heap:>12.1}");
        }
    }
}
