//! The caller's buffer for a turn.
//!
//! Owns: the raw batch, the sources it was resolved to, the wakers on their way.
//!
//! It also is what makes a panicking waker harmless: edge mode reports an event once, so what a turn has read but not
//! delivered stays in here, and the next turn with the same buffer delivers it.

use std::collections::VecDeque;
use std::fmt;
use std::num::NonZeroUsize;
use std::task::Waker;

use crate::base::Arc;
use crate::ready::Ready;
use crate::source::{SourceCell, tell_all};
use crate::sys;

/// From so many events on it pays to look ahead.
const MANY: usize = 4;

/// A batch as the kernel wrote it.
#[derive(Debug)]
pub(crate) struct Batch {
    capacity: NonZeroUsize,
    direct: sys::DirectBatch,
    /// Made by the first wait that goes through `Poller::wait`.
    portable: Option<polling::Events>,
}

impl Batch {
    fn new(capacity: NonZeroUsize) -> Batch {
        Batch { capacity, direct: sys::DirectBatch::new(), portable: None }
    }

    /// The buffer for a direct wait, empty and with room for `capacity` events.
    pub(crate) fn direct(&mut self) -> &mut sys::DirectBatch {
        self.direct.prepare(self.capacity.get());
        &mut self.direct
    }

    pub(crate) fn portable(&mut self) -> &mut polling::Events {
        self.portable.get_or_insert_with(|| polling::Events::with_capacity(self.capacity))
    }

    /// Nothing was read.
    pub(crate) fn forget(&mut self) {
        self.direct.clear();
        if let Some(events) = &mut self.portable {
            events.clear();
        }
    }

    /// Calls `f` with each event of a source.
    pub(crate) fn for_each(&self, f: &mut dyn FnMut(u64, Ready)) {
        self.direct.for_each(f);
        for event in self.portable.iter().flat_map(polling::Events::iter) {
            f(event.key as u64, sys::portable_ready(&event));
        }
    }
}

/// The buffer that [`Driver::turn`](crate::Driver::turn) reads events into. Make one per thread that turns, and keep it.
pub struct Events {
    pub(crate) batch: Batch,
    pub(crate) due: VecDeque<(Arc<SourceCell>, Ready)>,
    pub(crate) called: Vec<Waker>,
}

impl Events {
    /// A buffer for at most `capacity` events in a turn (at least one). What does not fit comes with the next turn.
    ///
    /// A small buffer makes a short turn, a large one saves system calls; 256 to 1024 is usual.
    pub fn with_capacity(capacity: usize) -> Events {
        // The kernel counts in a C `int`, and a buffer that large would be a mistake anyway.
        let capacity = NonZeroUsize::new(capacity.min(1 << 20)).unwrap_or(NonZeroUsize::MIN);
        Events { batch: Batch::new(capacity), due: VecDeque::new(), called: Vec::new() }
    }

    /// How many events one turn reads at most.
    pub fn capacity(&self) -> usize {
        self.batch.capacity.get()
    }

    /// Whether an earlier turn was cut off by a panic, so that the next one with this buffer has something to deliver.
    pub fn is_cut_off(&self) -> bool {
        !self.due.is_empty() || !self.called.is_empty()
    }

    /// Marks what was read and gives `wake` everyone concerned. A panic in `wake` leaves the rest for next time.
    pub(crate) fn deliver(&mut self, wake: &mut impl FnMut(Waker)) {
        if self.due.len() >= MANY {
            self.due.iter().for_each(|(cell, _)| cell.ask_for_task());
        }
        tell_all(&mut self.called, wake);
        while let Some((cell, ready)) = self.due.front() {
            // It leaves only after its delivery; being marked twice after a panic is harmless.
            cell.deliver(*ready, &mut self.called, wake);
            self.due.pop_front();
        }
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events")
            .field("capacity", &self.capacity())
            .field("due", &self.due.len())
            .finish_non_exhaustive()
    }
}
