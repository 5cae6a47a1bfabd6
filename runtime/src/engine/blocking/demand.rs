//! How many threads of a crew want a CPU?
//!
//! Owns: which threads belong to a crew.   Imports: `base`.
//! Not here: what follows (`pace`), how the system is asked about a thread (`sched/sys`).
//!
//! To ask about one thread costs some 5 us; so of a large crew a few stand for all.

use crate::engine::base::atomics::Mutex;
use crate::engine::base::rng::random_below;

/// So many are asked about at a look: 40 us.
const ASKED: usize = 8;

/// The system's numbers of the threads that work.
#[derive(Default)]
pub(crate) struct Members(Mutex<Vec<u32>>);

/// A thread is a member until this is dropped.
pub(crate) struct Membership<'a> {
    members: &'a Members,
    thread: u32,
}

impl Members {
    pub(crate) fn enter(&self, thread: u32) -> Membership<'_> {
        self.0.lock().push(thread);
        Membership { members: self, thread }
    }

    /// `wants` is asked about some of the threads, without a lock of ours.
    pub(crate) fn wanting(&self, wants: impl Fn(u32) -> bool) -> usize {
        let (asked, all) = self.some();
        let found = asked.iter().filter(|&&thread| wants(thread)).count();
        (found * all).div_ceil(asked.len().max(1))
    }

    /// A few neighbours in the order of their coming, from anywhere; and how many there are.
    fn some(&self) -> (Vec<u32>, usize) {
        let members = self.0.lock();
        let first = random_below(members.len() as u32) as usize;
        (members.iter().cycle().skip(first).take(ASKED.min(members.len())).copied().collect(), members.len())
    }
}

impl Drop for Membership<'_> {
    fn drop(&mut self) {
        let mut members = self.members.0.lock();
        let place = members.iter().position(|&thread| thread == self.thread).expect("BUG: a thread leaves twice");
        members.swap_remove(place);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::cell::RefCell;

    #[test]
    fn of_a_small_crew_each_one_is_asked_about() {
        let members = Members::default();
        assert_eq!(members.wanting(|_| true), 0);
        let _three = [7, 8, 9].map(|thread| members.enter(thread));
        let asked = RefCell::new(Vec::new());
        let wanting = members.wanting(|thread| {
            asked.borrow_mut().push(thread);
            thread != 8
        });
        asked.borrow_mut().sort_unstable();
        assert_eq!((wanting, asked.into_inner()), (2, vec![7, 8, 9]));
    }

    #[test]
    fn of_a_large_crew_a_few_stand_for_all_and_each_one_for_once() {
        let members = Members::default();
        let all: Vec<_> = (0..64).map(|thread| members.enter(thread)).collect();
        assert_eq!(members.wanting(|_| true), 64);
        assert_eq!(members.wanting(|_| false), 0);
        let asked = RefCell::new([0; 64]);
        for _ in 0..2_000 {
            members.wanting(|thread| {
                asked.borrow_mut()[thread as usize] += 1;
                true
            });
        }
        let asked = asked.into_inner();
        assert_eq!(asked.iter().sum::<i32>(), 2_000 * 8);
        assert!(asked.iter().all(|&times| times > 0), "{asked:?}");
        drop(all);
        assert_eq!(members.wanting(|_| true), 0);
    }

    #[test]
    fn who_leaves_is_asked_about_no_more() {
        let members = Members::default();
        let (first, _second) = (members.enter(1), members.enter(2));
        drop(first);
        assert_eq!(members.wanting(|thread| thread == 1), 0);
        assert_eq!(members.wanting(|thread| thread == 2), 1);
    }
}
