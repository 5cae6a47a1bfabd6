//! Asking for memory before it is used.
//!
//! Owns: the hint.   Not here: what is worth asking for (`source`), and when (`registry`, `events`).
//!
//! A batch of events touches the memory of many sources and tasks, which has left the caches since their last. Touched one
//! after the other, each is waited for; asked for beforehand, all of it comes at once. Nothing depends on it: where there
//! is no instruction for this, nothing happens.

const LINE: usize = 64;

/// Asks for `bytes` of memory from `start` on, which may be anything.
#[inline]
pub(crate) fn ask_for(start: *const u8, bytes: usize) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        for offset in (0..bytes).step_by(LINE) {
            // SAFETY: a hint. It never faults, whatever the address, and changes nothing but the caches.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(start.wrapping_add(offset).cast()) };
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (start, bytes, LINE);
}
