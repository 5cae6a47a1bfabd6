//! Who holds a mutex, for people who look at a program that stands still.
//!
//! Two relaxed stores each time a mutex is locked, and nothing when it is unlocked: whether it is locked says the permit.
//! Nobody decides anything by them, so they may be a moment behind, and the two may be of two holders.
//!
//! std's atomics, not the engine's: a model would explore the orders of stores that no protocol reads.

use crate::engine::{Id, current};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::panic::Location;
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

/// Outside of a task.
const NO_TASK: u64 = 0;

pub(super) struct HolderNote {
    task: AtomicU64,
    /// Null, or from a `&'static Location`.
    place: AtomicPtr<Location<'static>>,
}

/// Who holds a [`Mutex`](super::Mutex), and where it was locked. From [`Mutex::holder`](super::Mutex::holder).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Holder {
    task: u64,
    place: &'static Location<'static>,
}

impl HolderNote {
    pub(super) const fn new() -> Self {
        HolderNote { task: AtomicU64::new(NO_TASK), place: AtomicPtr::new(ptr::null_mut()) }
    }

    /// The caller has just locked.
    #[inline]
    pub(super) fn note(&self, place: &'static Location<'static>) {
        self.task.store(current::id().map_or(NO_TASK, number), Ordering::Relaxed);
        self.place.store(ptr::from_ref(place).cast_mut(), Ordering::Relaxed);
    }

    pub(super) fn read(&self) -> Option<Holder> {
        // SAFETY: `note` is the only one who stores, and stores references that are valid for ever.
        let place: &'static Location<'static> = unsafe { self.place.load(Ordering::Relaxed).as_ref() }?;
        Some(Holder { task: self.task.load(Ordering::Relaxed), place })
    }
}

impl Holder {
    /// The line that locked.
    pub fn place(&self) -> &'static Location<'static> {
        self.place
    }

    /// Is it the task with this id?
    pub fn is_task(&self, id: Id) -> bool {
        self.task == number(id)
    }
}

/// The number of an id, which its hash is made of.
#[inline]
fn number(id: Id) -> u64 {
    struct Number(u64);
    impl Hasher for Number {
        fn finish(&self) -> u64 {
            self.0
        }

        fn write(&mut self, _: &[u8]) {
            unreachable!("BUG: the id of a task is a number");
        }

        fn write_u64(&mut self, number: u64) {
            self.0 = number;
        }
    }
    let mut hasher = Number(NO_TASK);
    id.hash(&mut hasher);
    hasher.finish()
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.task {
            NO_TASK => write!(f, "no task of ours, at {}", self.place),
            task => write!(f, "task {task}, at {}", self.place),
        }
    }
}

impl fmt::Debug for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Holder({self})")
    }
}
