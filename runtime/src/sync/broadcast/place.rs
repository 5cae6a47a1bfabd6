//! The room for one value, in which those who receive it meet.
//!
//! Owns: [`Place`].
//! Not here: which position is where (`ring`).
//!
//! A receiver clones the value with the place locked, so that a `T` that is not `Sync` is cloned by one thread at a time.
//! The clone is the user's code and may take as long as it likes. So the lock lets its own thread in again (a clone may
//! receive the same value through another receiver), and only receivers of this very value wait for it. Whoever else wants
//! something of a place (a sender that overwrites it, a receiver that leaves) holds the lock of the tail, and only tries: if
//! somebody is in, it leaves a note, and whoever unlocks reads the notes.
//!
//! ```text
//! unlocking:  unlock            - fence U -  load the notes
//! noting:     add to the notes  - fence N -  try the lock
//! ```
//!
//! One fence comes first, so one of the two sees the other: the note is acted on by whoever was in, or by its writer. Notes are written
//! with the tail locked and taken with the place locked.

use crate::engine::atomics::{AtomicU32, AtomicU64, Ordering, ReentrantMutex, ReentrantMutexGuard, fence};
use crate::engine::contention;
use std::cell::RefCell;

/// The position of nothing.
const NONE: u64 = u64::MAX;

/// A note: the value was overwritten, in a spare place.
const OVERWRITTEN: u32 = 1;
/// A note: a receiver that wants the value has left. As many as there are.
const DEPARTED: u32 = 2;

/// As many receivers as the notes can count.
pub(super) const MAX_RECEIVERS: usize = (u32::MAX / DEPARTED) as usize;

/// Somebody is in, who reads the notes when going.
struct Busy;

/// See the module's head.
#[derive(Debug)]
pub(super) struct Place<T> {
    /// Borrowed while it is cloned. Nothing once all have it who want it.
    value: ReentrantMutex<RefCell<Option<T>>>,
    /// What the value was sent as. Changes with the place locked, as does the next.
    position: AtomicU64,
    /// Receivers that have yet to pass it.
    wanted_by: AtomicU32,
    notes: AtomicU32,
}

impl<T> Place<T> {
    pub(super) fn empty() -> Self {
        Place {
            value: ReentrantMutex::new(RefCell::new(None)),
            position: AtomicU64::new(NONE),
            wanted_by: AtomicU32::new(0),
            notes: AtomicU32::new(0),
        }
    }

    pub(super) fn filled(position: u64, value: T, wanted_by: usize) -> Self {
        Place {
            value: ReentrantMutex::new(RefCell::new(Some(value))),
            position: AtomicU64::new(position),
            wanted_by: AtomicU32::new(wanted_by as u32),
            notes: AtomicU32::new(0),
        }
    }

    /// Is the value of `position` here, or was it until all had it?
    pub(super) fn is_of(&self, position: u64) -> bool {
        self.position.load(Ordering::Relaxed) == position
    }

    /// Has somebody yet to pass it?
    pub(super) fn is_wanted(&self) -> bool {
        self.wanted_by.load(Ordering::Relaxed) > self.notes.load(Ordering::Relaxed) / DEPARTED
    }

    /// Puts a value in. Gives back the one that was there, or the new one if somebody is in. With the tail locked.
    pub(super) fn fill(&self, position: u64, value: T, wanted_by: usize) -> Result<Option<T>, T> {
        let Some(visit) = self.try_visit() else { return Err(value) };
        let Ok(mut old) = visit.value().try_borrow_mut() else { return Err(value) };
        // They are about the old value.
        self.notes.store(0, Ordering::Relaxed);
        self.position.store(position, Ordering::Relaxed);
        self.wanted_by.store(wanted_by as u32, Ordering::Relaxed);
        Ok(old.replace(value))
    }

    /// The value is in nobody's reach any more but of those who are in. With the tail locked.
    #[must_use = "drop it after unlocking"]
    pub(super) fn give_up(&self) -> Option<T> {
        // Perhaps not for the first time, if somebody stays in for rounds.
        self.notes.fetch_or(OVERWRITTEN, Ordering::Relaxed);
        self.after_note()
    }

    /// A receiver that wants the value leaves. Gives it if nobody else wants it. With the tail locked.
    #[must_use = "drop it after unlocking"]
    pub(super) fn depart(&self) -> Option<T> {
        self.notes.fetch_add(DEPARTED, Ordering::Relaxed);
        self.after_note()
    }

    fn after_note(&self) -> Option<T> {
        self.settle().unwrap_or_else(|_busy| {
            // Whoever is in may have looked for notes already.
            fence(Ordering::SeqCst); // N
            self.settle().unwrap_or(None)
        })
    }

    /// Acts on the notes, unless somebody is in, who will. Gives the value if nobody wants it any more.
    fn settle(&self) -> Result<Option<T>, Busy> {
        let guard = self.value.try_lock().ok_or(Busy)?;
        let mut value = guard.try_borrow_mut().map_err(|_| Busy)?;
        let notes = self.notes.swap(0, Ordering::Relaxed);
        let overwritten = notes & OVERWRITTEN != 0;
        if overwritten {
            self.position.store(NONE, Ordering::Relaxed);
        }
        let wanted_by = self.wanted_by.load(Ordering::Relaxed) - notes / DEPARTED;
        self.wanted_by.store(wanted_by, Ordering::Relaxed);
        Ok(if overwritten || wanted_by == 0 { value.take() } else { None })
    }

    /// For whoever has unlocked.
    #[cold]
    fn read_notes(&self) {
        while self.notes.load(Ordering::Relaxed) != 0 {
            let Ok(unwanted) = self.settle() else { return };
            drop(unwanted);
            fence(Ordering::SeqCst); // U
        }
    }

    #[inline(always)]
    fn visit(&self) -> Visit<'_, T> {
        self.try_visit().unwrap_or_else(|| {
            contention::meet();
            Visit { place: self, guard: Some(self.value.lock()) }
        })
    }

    #[inline(always)]
    fn try_visit(&self) -> Option<Visit<'_, T>> {
        let guard = self.value.try_lock()?;
        Some(Visit { place: self, guard: Some(guard) })
    }
}

impl<T: Clone> Place<T> {
    /// A receiver at `position` passes it, with the value: the last one gets the original, those before it a clone. Nothing
    /// if the place has another value, or none.
    #[inline(always)]
    pub(super) fn pass(&self, position: &mut u64) -> Option<T> {
        // Who is at another value must not wait for those who are in.
        let visit = if self.is_of(*position) { self.visit() } else { return None };
        if !self.is_of(*position) {
            return None;
        }
        *position += 1;
        let wanted_by = self.wanted_by.load(Ordering::Relaxed) - 1;
        self.wanted_by.store(wanted_by, Ordering::Relaxed);
        if wanted_by == 0
            && let Ok(mut value) = visit.value().try_borrow_mut()
        {
            return value.take();
        }
        let value = visit.value().borrow();
        Some(value.as_ref().expect("BUG: a value stays until all who want it have passed it").clone())
    }
}

/// A place that is locked. Unlocking looks for what is left to do.
struct Visit<'a, T> {
    place: &'a Place<T>,
    /// Always there, until the end.
    guard: Option<ReentrantMutexGuard<'a, RefCell<Option<T>>>>,
}

impl<T> Visit<'_, T> {
    #[inline]
    fn value(&self) -> &RefCell<Option<T>> {
        self.guard.as_ref().expect("BUG: a place is used after unlocking")
    }
}

impl<T> Drop for Visit<'_, T> {
    #[inline(always)]
    fn drop(&mut self) {
        // While this thread cloned the value, it may have been received by the last who wanted it.
        let done = self.place.wanted_by.load(Ordering::Relaxed) == 0;
        let unwanted = if done { self.value().try_borrow_mut().ok().and_then(|mut value| value.take()) } else { None };
        self.guard = None;
        fence(Ordering::SeqCst); // U
        if self.place.notes.load(Ordering::Relaxed) != 0 {
            self.place.read_notes();
        }
        // Last, since it may panic. With nothing locked, but in a clone within a clone what the outer one has locked.
        drop(unwanted);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    // Loom does not come here: to it, unlocking is no place to switch threads.
    #[test]
    fn notes_about_the_old_value_are_not_read_as_about_the_new_one() {
        let place = Place::filled(0, "old", 2);
        let visit = place.try_visit().expect("nobody is in");
        let cloning = visit.value().borrow();
        assert_eq!(place.fill(1, "refused", 2), Err("refused"));
        assert_eq!((place.depart(), place.give_up()), (None, None));
        assert!(place.is_wanted());
        drop(cloning);
        // Somebody comes between the end of the clone and the reading of the notes.
        assert_eq!(place.fill(2, "new", 1), Ok(Some("old")));
        drop(visit);
        assert_eq!(place.pass(&mut 2), Some("new"));
    }

    #[test]
    fn who_unlocks_acts_on_the_notes() {
        let place = Place::filled(0, "old", 2);
        let visit = place.try_visit().expect("nobody is in");
        let cloning = visit.value().borrow();
        assert_eq!((place.depart(), place.depart()), (None, None));
        assert!(!place.is_wanted());
        drop(cloning);
        drop(visit);
        assert_eq!(place.value.lock().borrow_mut().take(), None);
    }
}
