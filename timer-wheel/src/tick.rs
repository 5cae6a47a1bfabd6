//! The arithmetic of ticks: which level and which slot a deadline belongs to, and where a slot begins.
//!
//! Owns: the numbers of the wheel.   Not here: memory of any kind.
//!
//! A tick is read as a number with eleven digits of six bits, lowest digit first. Level `n` looks at digit `n`. A
//! deadline belongs to the level of the *highest digit in which it differs from the wheel's position*, and there to
//! the slot that its own digit names. Three things follow, and the whole crate rests on them:
//!
//! - The digit in question is larger than the position's own, so no slot is ever used for two rounds at once: there
//!   is no wrap-around, and no question of which round an entry belongs to.
//! - Everything on a level comes before everything on a higher level, and on one level slots come in the order of
//!   their numbers. The earliest entry is in the first used slot of the lowest used level.
//! - Where an entry belongs depends on position and deadline alone, never on when it was set. Equal deadlines are
//!   therefore always in the same list, and a list keeps its order: first set, first out.
//!
//! The danger is a shift by 64 or more, and a level number out of range: wheels with "levels for the delay" instead
//! of digits of the absolute tick have died of both after 12 days and after 2.18 years of uptime. Here the eleven
//! levels cover all 64 bits, so that no difference of two ticks can name a level that does not exist.

/// Bits of one digit.
pub(crate) const DIGIT_BITS: u32 = 6;

/// Slots of a level: the values of one digit. 64, so that one word says which slots are used.
pub(crate) const SLOTS: usize = 1 << DIGIT_BITS;

/// Levels that together tell all ticks apart: 64 bits in digits of six. The first six reach 2^36 ticks (2.2 years of
/// milliseconds); the other five cost nothing until somebody sets a timer farther away than that.
pub(crate) const LEVELS: usize = u64::BITS.div_ceil(DIGIT_BITS) as usize;

/// The level of `deadline` for a wheel at `position`. The two must differ.
#[inline]
pub(crate) fn level_of(position: u64, deadline: u64) -> usize {
    debug_assert_ne!(position, deadline);
    // `| 1` keeps the subtraction in range without a branch; it changes nothing where the two differ.
    let highest_bit = u64::BITS - 1 - ((position ^ deadline) | 1).leading_zeros();
    (highest_bit / DIGIT_BITS) as usize
}

/// The digit of `tick` that `level` looks at.
#[inline]
pub(crate) fn digit(tick: u64, level: usize) -> usize {
    debug_assert!(level < LEVELS);
    (tick >> (DIGIT_BITS * level as u32)) as usize % SLOTS
}

/// The first tick that belongs to `slot` of `level` while the wheel is at `position`.
#[inline]
pub(crate) fn slot_start(position: u64, level: usize, slot: usize) -> u64 {
    debug_assert!(level < LEVELS && slot < SLOTS);
    let low = DIGIT_BITS * level as u32;
    // The top level has no digits above it: a shift by 66 bits must clear the word, not be undefined.
    let above = u64::MAX.checked_shl(low + DIGIT_BITS).unwrap_or(0);
    (position & above) | ((slot as u64) << low)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ticks around every power of 64, around the end of the range, and a few between.
    fn interesting() -> Vec<u64> {
        let mut ticks = vec![0, 1, 2, 62, 63, 12345, 0x0123_4567_89ab_cdef, u64::MAX - 1, u64::MAX];
        for level in 1..LEVELS as u32 {
            let power = 1u64 << (DIGIT_BITS * level);
            for near in [power - 2, power - 1, power, power + 1, power + 2, power.wrapping_mul(63)] {
                ticks.push(near);
            }
        }
        ticks
    }

    #[test]
    fn eleven_levels_cover_the_word() {
        assert_eq!(LEVELS, 11);
        assert_eq!(level_of(0, u64::MAX), LEVELS - 1);
        assert_eq!(level_of(u64::MAX, 0), LEVELS - 1);
        assert_eq!(level_of(0, 1), 0);
        assert_eq!(level_of(0, 63), 0);
        assert_eq!(level_of(0, 64), 1);
        assert_eq!(level_of(63, 64), 1);
        assert_eq!(level_of((1 << 36) - 1, 1 << 36), 6);
    }

    #[test]
    fn digits_put_together_are_the_tick() {
        for tick in interesting() {
            let sum = (0..LEVELS).map(|level| (digit(tick, level) as u64) << (DIGIT_BITS * level as u32)).sum::<u64>();
            assert_eq!(sum, tick);
        }
    }

    #[test]
    fn a_later_deadline_lies_in_a_slot_after_the_position() {
        for position in interesting() {
            for deadline in interesting().into_iter().filter(|&deadline| deadline > position) {
                let level = level_of(position, deadline);
                let slot = digit(deadline, level);
                assert!(slot > digit(position, level), "{position} {deadline}");
                let start = slot_start(position, level, slot);
                assert!(position < start && start <= deadline, "{position} {deadline} {start}");
                // The slot's last tick; u64::MAX where the slot ends with the range.
                let last = start + ((1u64 << (DIGIT_BITS * level as u32)) - 1);
                assert!(deadline <= last, "{position} {deadline} {last}");
            }
        }
    }

    #[test]
    fn levels_are_ordered_by_deadline() {
        for position in interesting() {
            let mut later: Vec<u64> = interesting().into_iter().filter(|&tick| tick > position).collect();
            later.sort_unstable();
            let places: Vec<_> =
                later.iter().map(|&d| (level_of(position, d), digit(d, level_of(position, d)))).collect();
            assert!(places.is_sorted(), "from {position}: {places:?}");
        }
    }
}
