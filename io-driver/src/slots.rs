//! The table from kernel keys to sources.
//!
//! Owns: the slots, their generations, the list of free ones, "shut down".
//! Not here: what a source is (`source`); the kernel's side of a registration (`register`).
//!
//! A key is a slot's index and its generation. The kernel hands it back with each event, and what it hands back is
//! untrusted input: an event batch may have been read before its source was deregistered, and a duplicate of a closed
//! descriptor keeps a registration alive for ever. A key whose generation is not the slot's current one names nobody.
//!
//! G1. A slot's generation changes each time its source leaves, before the slot can be given out again.
//! G2. With 32-bit generations a slot that has used up its generations is retired (16 bytes lost after 2^32 sources),
//!     so no key ever names two sources. With the short ones of 32-bit targets, generations wrap after 4096 uses.
//!
//! An entry that a turn has resolved is held by a reference count, so its slot may be reused at once: the late event
//! marks the old source, which nobody polls any more.
//!
//! Rejected: the source's address as the key. It saves the lock (one per turn), and it needs unsafe code, sources that
//! are freed only when no turn can hold them, and a kernel that never errs. Rejected: slots in place, never freed,
//! found without a lock. It saves the reference count of each event (10 ns) and keeps the memory of the highest peak.

use crate::base::{AtomicUsize, Mutex, MutexGuard, Ordering};

/// How many bits of a key are the index: half of what `polling` lets through, which is a `usize`.
pub(crate) const INDEX_BITS: u32 = if usize::BITS >= 64 { 32 } else { 20 };
pub(crate) const GENERATION_BITS: u32 = if usize::BITS >= 64 { 32 } else { 12 };

/// Keys above belong to the driver itself (see `sys`), so no slot has such an index.
const SLOTS_MAX: u32 = ((1u64 << INDEX_BITS) - 16) as u32;
const GENERATION_MAX: u32 = ((1u64 << GENERATION_BITS) - 1) as u32;
const RETIRE_WORN_SLOTS: bool = GENERATION_BITS >= 32;

/// Test builds start near the end, so that every test that reuses a slot also meets its retirement.
const FIRST_GENERATION: u32 = if cfg!(test) { GENERATION_MAX - 2 } else { 0 };

const NO_SLOT: u32 = u32::MAX;

/// What the kernel gives back with an event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Key {
    pub(crate) index: u32,
    pub(crate) generation: u32,
}

impl Key {
    pub(crate) fn to_bits(self) -> u64 {
        u64::from(self.generation) << INDEX_BITS | u64::from(self.index)
    }

    /// Any number is a key; whether it names anybody is for the table to say.
    pub(crate) fn from_bits(bits: u64) -> Key {
        let index = (bits & ((1 << INDEX_BITS) - 1)) as u32;
        Key { index, generation: (bits >> INDEX_BITS) as u32 }
    }
}

/// Why no slot was given out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Refused {
    ShutDown,
    Full,
}

#[derive(Debug)]
struct Slot<T> {
    generation: u32,
    entry: Entry<T>,
}

#[derive(Debug)]
enum Entry<T> {
    Taken(T),
    Free { next: u32 },
    Retired,
}

#[derive(Debug)]
struct Table<T> {
    slots: Vec<Slot<T>>,
    free: u32,
    taken: usize,
    /// How many have entered so far.
    entered: u64,
    /// How many looked-up keys have named somebody.
    named: u64,
    shut: bool,
}

/// The table under its lock. No value is ever dropped under it: what leaves is handed to the caller.
#[derive(Debug)]
pub(crate) struct Slots<T> {
    table: Mutex<Table<T>>,
    /// As the table says, for those who look at it all the time: written with the lock held.
    taken: AtomicUsize,
}

impl<T: Clone> Slots<T> {
    pub(crate) fn new() -> Slots<T> {
        let table = Table { slots: Vec::new(), free: NO_SLOT, taken: 0, entered: 0, named: 0, shut: false };
        Slots { table: Mutex::new(table), taken: AtomicUsize::new(0) }
    }

    /// Gives `value` a slot; `Refused` drops nothing under the lock either.
    pub(crate) fn insert(&self, value: &T) -> Result<Key, Refused> {
        let value = value.clone();
        let mut table = self.table.lock();
        let refused = if table.shut {
            Refused::ShutDown
        } else if let Some(key) = table.take_free_slot() {
            table.slots[key.index as usize].entry = Entry::Taken(value);
            table.taken += 1;
            table.entered += 1;
            self.taken.store(table.taken, Ordering::Release);
            return Ok(key);
        } else {
            Refused::Full
        };
        drop(table);
        drop(value);
        Err(refused)
    }

    /// Takes the value out and makes its key stale. `None` for a key that is stale already.
    pub(crate) fn remove(&self, key: Key) -> Option<T> {
        let mut table = self.table.lock();
        let left = table.remove(key);
        self.taken.store(table.taken, Ordering::Release);
        left
    }

    /// To look up a batch of keys under one lock.
    pub(crate) fn look_up(&self) -> LookUp<'_, T> {
        LookUp(self.table.lock())
    }

    /// No more insertions; everyone who is in the table now. They stay in it until they are removed.
    pub(crate) fn shut(&self) -> Vec<T> {
        let mut table = self.table.lock();
        table.shut = true;
        let mut all = Vec::with_capacity(table.taken);
        all.extend(table.slots.iter().filter_map(|slot| match &slot.entry {
            Entry::Taken(value) => Some(value.clone()),
            Entry::Free { .. } | Entry::Retired => None,
        }));
        all
    }

    pub(crate) fn is_shut(&self) -> bool {
        self.table.lock().shut
    }

    pub(crate) fn taken(&self) -> usize {
        self.taken.load(Ordering::Acquire)
    }

    pub(crate) fn counts(&self) -> Counts {
        let table = self.table.lock();
        Counts { entered: table.entered, left: table.entered - table.taken as u64, named: table.named }
    }
}

/// What has happened so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) entered: u64,
    pub(crate) left: u64,
    pub(crate) named: u64,
}

/// The table, locked.
pub(crate) struct LookUp<'s, T>(MutexGuard<'s, Table<T>>);

impl<T> LookUp<'_, T> {
    #[inline]
    pub(crate) fn get(&self, key: Key) -> Option<&T> {
        self.0.get(key)
    }

    /// So many of the keys named somebody.
    pub(crate) fn count_named(&mut self, more: usize) {
        self.0.named += more as u64;
    }
}

impl<T> Table<T> {
    fn take_free_slot(&mut self) -> Option<Key> {
        if self.free == NO_SLOT {
            let index = u32::try_from(self.slots.len()).ok().filter(|index| *index < SLOTS_MAX)?;
            self.slots.push(Slot { generation: FIRST_GENERATION, entry: Entry::Retired });
            return Some(Key { index, generation: FIRST_GENERATION });
        }
        let index = self.free;
        let slot = &self.slots[index as usize];
        let Entry::Free { next } = slot.entry else {
            unreachable!("BUG: slot {index} is on the list of free slots and is not free");
        };
        self.free = next;
        Some(Key { index, generation: slot.generation })
    }

    fn get(&self, key: Key) -> Option<&T> {
        let slot = self.slots.get(key.index as usize)?;
        match &slot.entry {
            Entry::Taken(value) if slot.generation == key.generation => Some(value),
            _ => None,
        }
    }

    fn remove(&mut self, key: Key) -> Option<T> {
        self.get(key)?;
        let slot = &mut self.slots[key.index as usize];
        let worn = slot.generation == GENERATION_MAX;
        slot.generation = if worn { 0 } else { slot.generation + 1 };
        let next = self.free;
        let retire = worn && RETIRE_WORN_SLOTS;
        let left = std::mem::replace(&mut slot.entry, if retire { Entry::Retired } else { Entry::Free { next } });
        if !retire {
            self.free = key.index;
        }
        self.taken -= 1;
        match left {
            Entry::Taken(value) => Some(value),
            Entry::Free { .. } | Entry::Retired => unreachable!("BUG: `get` has just found slot {key:?} taken"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    fn get<T: Clone>(slots: &Slots<T>, key: Key) -> Option<T> {
        slots.look_up().get(key).cloned()
    }

    #[test]
    fn keys_survive_the_kernel() {
        for index in [0, 1, SLOTS_MAX - 1] {
            for generation in [0, 1, GENERATION_MAX] {
                let key = Key { index, generation };
                assert_eq!(Key::from_bits(key.to_bits()), key);
                assert!(key.to_bits() < usize::MAX as u64 - 2, "{key:?} is one of the driver's own keys");
            }
        }
    }

    /// A key read before the source left hits neither the empty slot nor its next owner.
    #[test]
    fn museum_i3_a_stale_key_never_names_the_next_owner() {
        let slots = Slots::new();
        let old = slots.insert(&1).unwrap();
        assert_eq!(slots.remove(old), Some(1));
        assert_eq!(get(&slots, old), None);
        let new = slots.insert(&2).unwrap();
        assert_eq!(new.index, old.index, "a free slot is used again");
        assert_eq!(get(&slots, old), None);
        assert_eq!(slots.remove(old), None, "nor can it remove the next owner");
        assert_eq!(get(&slots, new), Some(2));
    }

    #[test]
    fn a_worn_slot_retires() {
        let slots = Slots::new();
        let mut seen = std::collections::HashSet::new();
        for turn in 0..10 {
            let key = slots.insert(&turn).unwrap();
            assert!(seen.insert(key.to_bits()), "{key:?} was given out twice");
            assert_eq!(slots.remove(key), Some(turn));
        }
        assert!(seen.iter().any(|bits| Key::from_bits(*bits).index > 0), "the first slot was never retired");
    }

    #[test]
    fn forged_keys_name_nobody() {
        let slots = Slots::new();
        let key = slots.insert(&()).unwrap();
        for bits in [0, 1, u64::MAX, u64::MAX - 1, 1 << 63, key.to_bits() ^ (1 << INDEX_BITS), key.to_bits() + 1] {
            assert_eq!(get(&slots, Key::from_bits(bits)), None, "{bits:#x}");
        }
    }

    #[test]
    fn after_the_end_nothing_enters_and_all_can_leave() {
        let slots = Slots::new();
        let key = slots.insert(&7).unwrap();
        assert_eq!(slots.shut(), [7]);
        assert_eq!(slots.insert(&8), Err(Refused::ShutDown));
        assert_eq!(slots.remove(key), Some(7));
        assert_eq!(slots.taken(), 0);
        assert_eq!(slots.counts(), Counts { entered: 1, left: 1, named: 0 });
    }

    proptest! {
        #[test]
        fn the_table_agrees_with_a_map(ops in prop::collection::vec((any::<bool>(), any::<prop::sample::Index>()), 1..200)) {
            let slots = Slots::new();
            let mut map: HashMap<u64, usize> = HashMap::new();
            let mut given = Vec::new();
            for (step, (insert, which)) in ops.into_iter().enumerate() {
                if insert || given.is_empty() {
                    let key = slots.insert(&step).unwrap();
                    prop_assert!(!given.contains(&key), "a key was given out twice");
                    given.push(key);
                    map.insert(key.to_bits(), step);
                } else {
                    let key = given[which.index(given.len())];
                    prop_assert_eq!(slots.remove(key), map.remove(&key.to_bits()));
                }
                prop_assert_eq!(slots.taken(), map.len());
                for key in &given {
                    prop_assert_eq!(get(&slots, *key), map.get(&key.to_bits()).copied());
                }
            }
        }
    }
}
