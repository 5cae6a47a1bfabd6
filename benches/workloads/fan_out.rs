//! CPU work split among tasks, with rayon beside.
//!
//! The work is a fixed number of dependent steps, counted once per run so that it takes the wanted time on this machine:
//! work that looks at the clock would take the same time whether it runs alone or shares its core.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Instant;

use rayon::prelude::*;
use runtime_benches::{InTask, Passes, Peer, Spawn, Workload, Wrong, check};

use crate::workloads::fork_join::pool;

pub(crate) fn workloads() -> Vec<Workload> {
    [
        ("fan-out-16x50us", "16 tasks of 50 us CPU work, joined", FanOut { parts: 16, micros: 50 }),
        ("fan-out-200x5us", "200 tasks of 5 us CPU work, joined", FanOut { parts: 200, micros: 5 }),
    ]
    .into_iter()
    .map(|(name, about, load)| {
        Workload::of(name, about, InTask(load)).beside("rayon", move |meter| {
            pool(meter)?.install(|| meter.repeat(|| load.check(load.on_rayon())))
        })
    })
    .collect()
}

#[derive(Clone, Copy)]
struct FanOut {
    parts: u64,
    micros: u64,
}

/// A chain in which every step needs the one before.
pub(crate) fn work(seed: u64, steps: u64) -> u64 {
    let mut x = seed;
    for step in 0..steps {
        x = black_box((x ^ step).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(23));
    }
    x
}

/// Steps that take a microsecond.
pub(crate) fn steps_per_micro() -> u64 {
    const TRIED: u64 = 200_000;
    static STEPS: OnceLock<u64> = OnceLock::new();
    *STEPS.get_or_init(|| {
        let shortest = (0..10).map(|seed| {
            let since = Instant::now();
            black_box(work(seed, TRIED));
            since.elapsed()
        });
        let shortest = shortest.min().map_or(1, |time| time.as_nanos().max(1));
        (u128::from(TRIED) * 1000 / shortest).max(1) as u64
    })
}

impl FanOut {
    fn steps(self) -> u64 {
        steps_per_micro() * self.micros
    }

    /// What the parts must give, worked out once per pair of numbers by one thread.
    fn check(self, got: u64) -> Result<u64, Wrong> {
        static EXPECTED: Mutex<BTreeMap<(u64, u64), u64>> = Mutex::new(BTreeMap::new());
        let (parts, steps) = (self.parts, self.steps());
        let alone = || (0..parts).map(|part| work(part, steps)).fold(0, u64::wrapping_add);
        let mut known = EXPECTED.lock().unwrap_or_else(PoisonError::into_inner);
        let expected = *known.entry((parts, steps)).or_insert_with(alone);
        drop(known);
        check("the sum of the parts", got, expected)?;
        Ok(self.parts)
    }

    fn on_rayon(self) -> u64 {
        let steps = self.steps();
        // One job per part, as the runtimes have one task per part.
        (0..self.parts as u32)
            .into_par_iter()
            .with_max_len(1)
            .map(|part| work(part.into(), steps))
            .reduce(|| 0, u64::wrapping_add)
    }
}

impl Passes for FanOut {
    async fn pass<P: Peer>(self, here: P::Here) -> Result<u64, Wrong> {
        let steps = self.steps();
        let joins: Vec<_> = (0..self.parts).map(|part| here.spawn(async move { work(part, steps) })).collect();
        let mut sum = 0u64;
        for join in joins {
            sum = sum.wrapping_add(join.await);
        }
        self.check(sum)
    }
}

