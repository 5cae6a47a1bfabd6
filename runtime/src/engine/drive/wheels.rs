//! All wheels of a runtime: one for each place that ever had a timer, and one for all other threads.
//!
//! Owns: the table.   Not here: who fires which (`lead`, and `sched` for workers that are stuck).

use super::ticks::NEVER;
use super::wheel::{Reach, Wheel};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Waker;

/// The index of the wheel of threads that are no workers.
pub(crate) const OUTSIDE: u32 = u32::MAX;

pub(crate) struct Wheels {
    outside: Wheel,
    of_places: Box<[OnceLock<Box<Wheel>>]>,
    /// Places up to here may have one.
    made: AtomicUsize,
}

impl Wheels {
    pub(super) fn new(places: usize) -> Self {
        Wheels {
            outside: Wheel::new(),
            of_places: (0..places).map(|_| OnceLock::new()).collect(),
            made: AtomicUsize::new(0),
        }
    }

    /// The wheel of a place, made when it is first asked for; or of `OUTSIDE`.
    #[inline]
    pub(crate) fn get(&self, index: u32) -> &Wheel {
        if index == OUTSIDE {
            return &self.outside;
        }
        match self.of_places[index as usize].get() {
            Some(wheel) => wheel,
            None => self.make(index as usize),
        }
    }

    #[cold]
    fn make(&self, index: usize) -> &Wheel {
        let wheel = self.of_places[index].get_or_init(|| Box::new(Wheel::new()));
        self.made.fetch_max(index + 1, Ordering::AcqRel);
        wheel
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Wheel> {
        let made = self.made.load(Ordering::Acquire);
        let of_places = self.of_places[..made].iter().filter_map(|wheel| wheel.get().map(|wheel| &**wheel));
        std::iter::once(&self.outside).chain(of_places)
    }

    /// The earliest deadline among the wheels that are at rest: those whose worker runs look after themselves.
    pub(super) fn next_at_rest(&self) -> u64 {
        self.iter().filter(|wheel| wheel.is_at_rest()).map(Wheel::next).min().unwrap_or(NEVER)
    }

    /// The same, and no timer that was given up counts. Takes time in proportion to the timers that are due about then.
    pub(super) fn exact_next_at_rest(&self) -> u64 {
        let wheels = self.iter().filter(|wheel| wheel.is_at_rest() && wheel.next() != NEVER);
        wheels.map(Wheel::exact_next).min().unwrap_or(NEVER)
    }

    /// Fires what is due in the wheels at rest, and stops when `woken` has `most` wakers: the rest stays due.
    pub(super) fn fire_at_rest(&self, now: u64, most: usize, woken: &mut Vec<Waker>) {
        for wheel in self.iter() {
            if wheel.next() <= now && wheel.is_at_rest() {
                Reach::Other(wheel).visit(now, most, woken);
            }
        }
    }
}
