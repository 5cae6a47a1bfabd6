//! The futures of `block_on` whose threads run nothing else: all of them on the multi-thread flavor, on a current-thread
//! runtime those of the threads that do not drive it.
//!
//! Owns: who they are, what each is woken by, and who is told of a free place.
//! Not here: the polling (`worker/block_on`), the places (`place`).
//!
//! Such a thread sleeps on its parker alone, never in the driver. Its *bell* says how it stands:
//!
//! | word   | meaning                                            |
//! |--------|----------------------------------------------------|
//! | ASLEEP | it has been polled, and nobody has woken it since  |
//! | WOKEN  | a poll is due                                      |
//! | POLLED | it is being polled, and nobody has woken it so far |
//!
//! Whoever asks whether anything is left to happen (a paused clock) walks along the bells: one that is not ASLEEP is busy.
//! A wake says so before it unparks, and a poll that is over says so after what it has queued is in its queue.
//!
//! On a current-thread runtime a thread may wait for the one place. The danger: a place that is free, and a thread that
//! waits for it. Nearly always nobody waits, so whoever gives a place back looks at a count first:
//!
//! ```text
//! waits:  enter, count + 1;  lock, any place free?, unlock;  no: park
//! gives:  lock, put the place back, unlock;  count > 0?  unpark the first of them
//! ```
//!
//! The lock is that of the free places. If the one who waits has it first, his count is seen by the one who gives; if the
//! other, the place is. So the count needs no order of its own. One is enough: whoever leaves, with a place or without,
//! tells the next if a place is free then.

use crate::engine::base::atomics::{AtomicU8, AtomicUsize, Mutex, Ordering};
use crate::engine::base::parker::Parker;
use std::sync::Arc;
use std::task::Wake;

const ASLEEP: u8 = 0;
const WOKEN: u8 = 1;
const POLLED: u8 = 2;

/// What a future of `block_on` is woken by. One outlives many futures of its thread: a wake that comes late is a poll for
/// nothing at most.
pub(crate) struct Bell {
    word: AtomicU8,
    pub(crate) parker: Arc<Parker>,
}

impl Bell {
    pub(crate) fn new(parker: Arc<Parker>) -> Self {
        Bell { word: AtomicU8::new(WOKEN), parker }
    }

    /// For the next future, which has not been polled yet.
    pub(crate) fn begin(&self) {
        self.word.store(WOKEN, Ordering::SeqCst);
    }

    pub(crate) fn is_woken(&self) -> bool {
        self.word.load(Ordering::Acquire) == WOKEN
    }

    /// Acquire: what was written before the wake is seen by the poll. A wake during the poll is one for the next.
    pub(crate) fn begin_poll(&self) {
        self.word.swap(POLLED, Ordering::SeqCst);
    }

    pub(crate) fn end_poll(&self) {
        // It fails where it was woken meanwhile.
        let _ = self.word.compare_exchange(POLLED, ASLEEP, Ordering::SeqCst, Ordering::Relaxed);
    }

    /// `true`: its thread does not know yet.
    #[must_use]
    pub(crate) fn ring(&self) -> bool {
        self.word.swap(WOKEN, Ordering::SeqCst) != WOKEN
    }

    fn is_busy(&self) -> bool {
        self.word.load(Ordering::SeqCst) != ASLEEP
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.ring() {
            self.rouse();
        }
    }
}

impl Bell {
    /// Its thread looks around.
    fn rouse(&self) {
        // It sleeps on its parker, never in the driver.
        let _ = self.parker.unpark();
    }
}

/// All who are inside.
pub(crate) struct Roots {
    inside: Mutex<Inside>,
    /// How many of them wait for a place.
    waiting: AtomicUsize,
}

struct Inside {
    /// A slot for each; a free one names the next free one.
    slots: Vec<Slot>,
    free: Option<usize>,
}

enum Slot {
    Taken(Root),
    Free(Option<usize>),
}

struct Root {
    bell: Arc<Bell>,
    waits_for_a_place: bool,
}

impl Roots {
    pub(crate) fn new() -> Self {
        Roots { inside: Mutex::new(Inside { slots: Vec::new(), free: None }), waiting: AtomicUsize::new(0) }
    }

    /// Gives the number to leave with. Who waits for a place looks for one once more before it parks.
    pub(crate) fn enter(&self, bell: &Arc<Bell>, waits_for_a_place: bool) -> usize {
        let root = Slot::Taken(Root { bell: bell.clone(), waits_for_a_place });
        let number = self.inside.lock().put(root);
        if waits_for_a_place {
            self.waiting.fetch_add(1, Ordering::Relaxed);
        }
        number
    }

    pub(crate) fn leave(&self, number: usize) {
        let left = self.inside.lock().take(number);
        if left.waits_for_a_place {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// The caller has given a place back, or left without it: the next one may have it.
    #[inline]
    pub(crate) fn a_place_is_free(&self) {
        if self.waiting.load(Ordering::Relaxed) > 0 {
            self.tell_one();
        }
    }

    #[cold]
    fn tell_one(&self) {
        let inside = self.inside.lock();
        if let Some(first) = inside.iter().find(|root| root.waits_for_a_place) {
            first.bell.rouse();
        }
    }

    /// The engine closes.
    pub(crate) fn rouse_all(&self) {
        self.inside.lock().iter().for_each(|root| root.bell.rouse());
    }

    /// Is none of them polled, or about to be?
    pub(crate) fn all_asleep(&self) -> bool {
        self.inside.lock().iter().all(|root| !root.bell.is_busy())
    }

    /// Is there any?
    pub(crate) fn any_inside(&self) -> bool {
        self.inside.lock().iter().next().is_some()
    }
}

impl Inside {
    fn iter(&self) -> impl Iterator<Item = &Root> {
        self.slots.iter().filter_map(|slot| match slot {
            Slot::Taken(root) => Some(root),
            Slot::Free(_) => None,
        })
    }

    fn put(&mut self, root: Slot) -> usize {
        match self.free {
            None => {
                self.slots.push(root);
                self.slots.len() - 1
            }
            Some(number) => {
                if let Slot::Free(next) = std::mem::replace(&mut self.slots[number], root) {
                    self.free = next;
                }
                number
            }
        }
    }

    fn take(&mut self, number: usize) -> Root {
        match std::mem::replace(&mut self.slots[number], Slot::Free(self.free.replace(number))) {
            Slot::Taken(root) => root,
            Slot::Free(_) => unreachable!("BUG: a future of `block_on` has left twice"),
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn bell() -> Arc<Bell> {
        Arc::new(Bell::new(Arc::new(Parker::new())))
    }

    #[test]
    fn a_bell_is_busy_from_the_wake_to_the_end_of_the_poll() {
        let bell = bell();
        assert!(bell.is_woken() && bell.is_busy(), "the first poll is due");
        bell.begin_poll();
        assert!(!bell.is_woken() && bell.is_busy());
        bell.end_poll();
        assert!(!bell.is_woken() && !bell.is_busy());
        assert!(bell.ring());
        assert!(!bell.ring(), "its thread knows");
        bell.begin_poll();
        assert!(bell.ring());
        bell.end_poll();
        assert!(bell.is_woken() && bell.is_busy(), "it was woken during the poll");
    }

    #[test]
    fn numbers_are_used_again_and_the_others_stay() {
        let roots = Roots::new();
        let bells: Vec<_> = (0..4).map(|_| bell()).collect();
        let numbers: Vec<_> = bells.iter().map(|bell| roots.enter(bell, false)).collect();
        roots.leave(numbers[1]);
        roots.leave(numbers[2]);
        bells.iter().for_each(|bell| {
            bell.begin_poll();
            bell.end_poll();
        });
        assert!(roots.all_asleep());
        assert!(bells[1].ring());
        assert!(roots.all_asleep(), "that one has left");
        assert!(bells[3].ring());
        assert!(!roots.all_asleep());
        assert_eq!([roots.enter(&bells[0], false), roots.enter(&bells[1], false)], [numbers[2], numbers[1]]);
        assert_eq!(roots.enter(&bells[2], false), 4);
    }
}
