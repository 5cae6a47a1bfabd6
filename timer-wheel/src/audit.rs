//! For tests: reads the whole wheel and checks every statement that the other files make about it.

use crate::arena::LIST;
use crate::level::List;
use crate::tick::{LEVELS, SLOTS, digit, level_of};
use crate::wheel::{OPEN, TimerWheel};

impl<T> TimerWheel<T> {
    /// Panics if an invariant does not hold.
    pub(crate) fn audit(&self) {
        self.arena.audit();
        assert!(self.position <= self.now);
        let mut count = self.audit_list(&self.open, OPEN, |_| ());
        for level in 0..LEVELS {
            let occupied = self.levels[level].occupied();
            assert_eq!(self.used_levels >> level & 1 != 0, occupied != 0, "level {level}");
            assert!(occupied == 0 || self.levels[level].has_memory());
            for slot in 0..SLOTS {
                let Some(list) = self.levels[level].list(slot) else { continue };
                assert_eq!(occupied >> slot & 1 != 0, !list.is_empty(), "level {level} slot {slot}");
                count += self.audit_list(list, (level * SLOTS + slot) as u32, |deadline| {
                    assert!(deadline > self.position);
                    let belongs = level_of(self.position, deadline);
                    assert_eq!((level, slot), (belongs, digit(deadline, belongs)), "at {}: {deadline}", self.position);
                    assert!(level > 0 || list.earliest == deadline, "the lowest level is exact");
                });
            }
        }
        assert_eq!(count, self.len());
        if let (Some(next), true) = (self.next_deadline(), self.open.is_empty()) {
            assert!(next > self.position);
        }
        assert_eq!(self.next_deadline().is_none(), self.is_empty());
    }

    /// Follows a list in both directions; returns how long it is.
    fn audit_list(&self, list: &List, number: u32, check: impl Fn(u64)) -> usize {
        let (mut prev, mut at, mut count) = (LIST | number, list.head, 0);
        while at & LIST == 0 {
            let entry = self.arena.entry(at);
            assert_eq!(entry.prev, prev);
            assert!(list.earliest <= entry.deadline);
            assert!(self.arena.find(self.arena.key(at)).is_some(), "a free entry in a list");
            check(entry.deadline);
            (prev, at, count) = (at, entry.next, count + 1);
            assert!(count <= self.len(), "a circle");
        }
        assert_eq!((at, list.tail), (LIST | number, prev));
        count
    }
}
