//! How many threads of a crew want a CPU?
//!
//! Owns: which threads belong to a crew, and whether each is inside a job.
//! Not here: what follows (`pace`), how the system is asked about a thread (`sched/sys`).
//!
//! A thread that waits *inside* a job waits for something else than us. Outside it may wait for the crew's lock: with a
//! CPU more it would not, so it counts as one that wants a CPU, and the system is not asked.
//!
//! To ask about one thread costs 5 to 10 us; so of a large crew a few stand for all. And who wants a CPU is asked a second
//! time: whoever asks was woken by a timer, which often wakes threads of the crew as well. They are gone in a moment.

use crate::engine::base::atomics::Mutex;
use crate::engine::base::rng::random_below;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// So many are asked about at a look: 80 us if all of them wait. Fewer say too little about a large crew.
const ASKED: usize = 8;

pub(crate) struct Members(Mutex<Vec<Arc<Member>>>);

struct Member {
    /// The system's number.
    thread: u32,
    /// A hint for others: no memory hangs on it.
    is_inside: AtomicBool,
}

/// A thread is a member until this is dropped.
pub(crate) struct Membership<'a> {
    members: &'a Members,
    member: Arc<Member>,
}

impl Members {
    pub(crate) fn new() -> Self {
        Members(Mutex::new(Vec::new()))
    }

    pub(crate) fn enter(&self, thread: u32) -> Membership<'_> {
        let member = Arc::new(Member { thread, is_inside: AtomicBool::new(false) });
        self.0.lock().push(member.clone());
        Membership { members: self, member }
    }

    /// `wants` is asked about some of the threads, without a lock of ours.
    pub(crate) fn wanting(&self, wants: impl Fn(u32) -> bool) -> usize {
        let (mut some, all) = self.some();
        let asked = some.len().max(1);
        for _ in 0..2 {
            some.retain(|member| !member.is_inside.load(Ordering::Relaxed) || wants(member.thread));
        }
        (some.len() * all).div_ceil(asked)
    }

    /// A few neighbours in the order of their coming, from anywhere; and how many there are.
    fn some(&self) -> (Vec<Arc<Member>>, usize) {
        let members = self.0.lock();
        let first = random_below(members.len() as u32) as usize;
        (members.iter().cycle().skip(first).take(ASKED.min(members.len())).cloned().collect(), members.len())
    }
}

impl Membership<'_> {
    pub(crate) fn inside(&self, job: impl FnOnce()) {
        self.member.is_inside.store(true, Ordering::Relaxed);
        job();
        self.member.is_inside.store(false, Ordering::Relaxed);
    }
}

impl Drop for Membership<'_> {
    fn drop(&mut self) {
        self.members.0.lock().retain(|member| !Arc::ptr_eq(member, &self.member));
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::cell::RefCell;

    /// Threads 0 to `count` enter, and do `then` inside of a job.
    fn inside(members: &Members, count: u32, then: &mut dyn FnMut()) {
        match count.checked_sub(1) {
            None => then(),
            Some(thread) => members.enter(thread).inside(|| inside(members, thread, then)),
        }
    }

    #[test]
    fn of_a_small_crew_each_one_is_asked_about() {
        let members = Members::new();
        assert_eq!(members.wanting(|_| true), 0);
        let asked = RefCell::new(Vec::new());
        inside(&members, 3, &mut || {
            let wanting = members.wanting(|thread| {
                asked.borrow_mut().push(thread);
                thread == 1
            });
            assert_eq!(wanting, 1);
        });
        asked.borrow_mut().sort_unstable();
        assert_eq!(asked.into_inner(), [0, 1, 1, 2], "who wants a CPU, twice");
    }

    #[test]
    fn of_a_large_crew_a_few_stand_for_all_and_each_one_for_once() {
        let members = Members::new();
        let asked = RefCell::new([0; 64]);
        inside(&members, 64, &mut || {
            assert_eq!(members.wanting(|_| true), 64);
            for _ in 0..2_000 {
                let wanting = members.wanting(|thread| {
                    asked.borrow_mut()[thread as usize] += 1;
                    false
                });
                assert_eq!(wanting, 0);
            }
        });
        let asked = asked.into_inner();
        assert_eq!(asked.iter().sum::<usize>(), 2_000 * ASKED);
        assert!(asked.iter().all(|&times| times > 0), "{asked:?}");
    }

    #[test]
    fn who_was_woken_for_a_moment_wants_none() {
        let members = Members::new();
        let asked = RefCell::new([0; 8]);
        inside(&members, 8, &mut || {
            let first = |thread: u32| {
                let times = &mut asked.borrow_mut()[thread as usize];
                *times += 1;
                *times == 1
            };
            assert_eq!(members.wanting(first), 0);
        });
    }

    /// Such a thread is between two jobs, and waits for nobody but the crew.
    #[test]
    fn who_is_outside_of_a_job_wants_one_and_is_not_asked_about() {
        let members = Members::new();
        let member = members.enter(7);
        assert_eq!(members.wanting(|_| unreachable!()), 1);
        member.inside(|| assert_eq!(members.wanting(|_| false), 0));
        assert_eq!(members.wanting(|_| unreachable!()), 1);
    }

    #[test]
    fn who_leaves_is_asked_about_no_more() {
        let members = Members::new();
        let (first, _second) = (members.enter(1), members.enter(2));
        drop(first);
        assert_eq!(members.wanting(|_| unreachable!()), 1);
    }
}
