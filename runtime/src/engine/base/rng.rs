//! A small fast generator for decisions that must be fair, not secret: steal victims, `select!` starts.

use std::cell::Cell;

/// xorshift64*: one word of state, three shifts and a multiplication per number.
#[derive(Debug)]
pub(crate) struct Rng(Cell<u64>);

impl Rng {
    /// A generator that will be seeded by its first use.
    pub(crate) const fn unseeded() -> Self {
        Rng(Cell::new(0))
    }

    /// The state to put back later with [`Rng::restore`].
    pub(crate) fn state(&self) -> u64 {
        self.0.get()
    }

    pub(crate) fn restore(&self, state: u64) {
        self.0.set(state);
    }

    /// The next 32 random bits.
    #[inline]
    pub(crate) fn next_u32(&self) -> u32 {
        let mut x = self.0.get();
        if x == 0 {
            x = fresh_seed();
        }
        x ^= x >> 12;
        x ^= x << 25;
        x ^= x >> 27;
        self.0.set(x);
        (x.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 32) as u32
    }

    /// A number in `0..n`, or 0 where `n` is 0.
    #[inline]
    pub(crate) fn below(&self, n: u32) -> u32 {
        // The high half of a product instead of a division; its bias is below 2^-32 * n.
        ((u64::from(self.next_u32()) * u64::from(n)) >> 32) as u32
    }
}

thread_local! {
    static THREAD: Rng = const { Rng::unseeded() };
}

/// A number in `0..n` from this thread's generator.
#[inline]
pub(crate) fn random_below(n: u32) -> u32 {
    THREAD.with(|rng| rng.below(n))
}

/// Puts this thread's generator back to where it was.
pub(crate) struct Seeded(u64);

/// Seeds this thread's generator until the guard is dropped.
pub(crate) fn seed_thread(seed: u64) -> Seeded {
    THREAD.with(|rng| {
        let before = rng.state();
        rng.restore(mix(seed));
        Seeded(before)
    })
}

impl Drop for Seeded {
    fn drop(&mut self) {
        THREAD.with(|rng| rng.restore(self.0));
    }
}

/// Different for each thread and each process: the address and hash keys of std's `RandomState`.
#[cold]
fn fresh_seed() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    std::collections::hash_map::RandomState::new().build_hasher().finish() | 1
}

/// Spreads the bits of `seed` (splitmix64); never 0, which means "unseeded" here.
pub(crate) fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    (z ^ (z >> 31)) | 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn below_reaches_every_value_and_nothing_else() {
        let rng = Rng::unseeded();
        rng.restore(mix(7));
        let mut seen = [0u32; 5];
        for _ in 0..5_000 {
            seen[rng.below(5) as usize] += 1;
        }
        assert!(seen.iter().all(|n| (800..1200).contains(n)), "not uniform: {seen:?}");
        assert_eq!(rng.below(0), 0);
    }

    #[test]
    fn the_same_seed_gives_the_same_numbers() {
        let (a, b) = (Rng::unseeded(), Rng::unseeded());
        a.restore(mix(1));
        b.restore(mix(1));
        assert!((0..100).all(|_| a.next_u32() == b.next_u32()));
    }
}
