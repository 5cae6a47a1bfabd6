//! Two fences that pair with each other, of which one costs nothing.
//!
//! Owns: how the pair is made on this system.   Imports: `sys`.
//!
//! A thread that does something often and a thread that seldom wants to know of it both need a full fence between a
//! store and a load. Where the kernel can put a fence into every thread of a process (`membarrier`), the frequent side
//! needs only to keep the compiler from reordering, and the seldom one pays a microsecond:
//!
//! ```text
//! often:   store mine   - light -  load theirs
//! seldom:  store theirs - heavy -  load mine
//! ```
//!
//! One of the two loads sees the other's store, as with two full fences; and those are what both are where the kernel
//! cannot, and in models.
//!
//! The danger: one side believes in `membarrier` and the other does not. It is asked for once, by [`prepare`], before
//! anything exists that the fences guard; without that call both are full.

pub(crate) use super::sys::fences::{heavy, light, prepare};

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::sync::{Arc, Barrier};

    /// Store buffering: without the fences both threads read the old value now and then.
    #[test]
    fn one_of_two_always_sees_the_other() {
        const ROUNDS: u32 = 2_000;
        prepare();
        let words = Arc::new([AtomicU32::new(0), AtomicU32::new(0)]);
        let barrier = Arc::new(Barrier::new(2));
        let side = |mine: usize, fence: fn()| {
            let (words, barrier) = (words.clone(), barrier.clone());
            std::thread::spawn(move || {
                (1..=ROUNDS)
                    .map(|round| {
                        barrier.wait();
                        words[mine].store(round, Ordering::Relaxed);
                        fence();
                        words[1 - mine].load(Ordering::Relaxed) >= round
                    })
                    .collect::<Vec<_>>()
            })
        };
        let (often, seldom) = (side(0, light), side(1, heavy));
        let (often, seldom) = (often.join().unwrap(), seldom.join().unwrap());
        assert!(often.iter().zip(&seldom).all(|(often, seldom)| *often || *seldom));
    }
}
