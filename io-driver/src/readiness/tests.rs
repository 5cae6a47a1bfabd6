use super::*;
use proptest::prelude::*;

/// Every flag set, shut or not, at ticks around both ends.
fn all_words() -> impl Iterator<Item = Word> {
    let ticks = [0, 1, 2, 255, 256, 1 << 31, 1 << 32, TICK_MAX - 1, TICK_MAX];
    ticks.into_iter().flat_map(|tick| {
        (0..64).flat_map(move |bits| {
            let word = Word::new(tick, Ready::from_bits(bits));
            [word, word.shut()]
        })
    })
}

fn all_ready() -> impl Iterator<Item = Ready> {
    (0..64).map(Ready::from_bits)
}

#[test]
fn a_mark_adds_its_flags_and_counts_one() {
    for word in all_words() {
        for ready in all_ready() {
            let after = word.marked(ready);
            assert_eq!(after.ready(), word.ready() | ready);
            assert_eq!(after.tick(), if word.tick() == TICK_MAX { 0 } else { word.tick() + 1 });
            assert_eq!(after.is_shut(), word.is_shut());
        }
    }
}

#[test]
fn a_clear_with_the_current_tick_takes_what_it_names_but_closed() {
    for word in all_words() {
        for ready in all_ready() {
            let after = word.cleared(word.tick(), ready).unwrap_or(word);
            assert_eq!(after.ready(), word.ready() - (ready - Ready::STICKY));
            assert_eq!((after.tick(), after.is_shut()), (word.tick(), word.is_shut()));
        }
    }
}

#[test]
fn a_disproof_with_the_current_tick_takes_all_that_it_names() {
    for word in all_words() {
        for ready in all_ready() {
            let after = word.disproved(word.tick(), ready).unwrap_or(word);
            assert_eq!(after.ready(), word.ready() - ready);
            assert_eq!((after.tick(), after.is_shut()), (word.tick(), word.is_shut()));
            assert_eq!(word.disproved(word.tick() ^ 1, ready), None, "an event came since");
        }
    }
}

#[test]
fn shut_keeps_everything_else() {
    for word in all_words() {
        assert!(word.shut().is_shut());
        assert_eq!((word.shut().ready(), word.shut().tick()), (word.ready(), word.tick()));
    }
}

/// A receipt that is 2^k events old clears nothing, for every k that a shorter counter would wrap at.
#[test]
fn museum_i1_a_stale_clear_never_clears() {
    for word in all_words() {
        for k in 0..56 {
            let old = word.tick().wrapping_sub(1 << k) & TICK_MAX;
            assert_eq!(word.cleared(old, Ready::ALL), None, "2^{k} events old, yet taken for current");
        }
    }
}

/// Write events between a read attempt and its clear do not keep the read side ready.
#[test]
fn museum_i2_write_events_do_not_stop_the_read_side_from_clearing() {
    let readiness = Readiness::new();
    readiness.mark(Ready::READABLE | Ready::WRITABLE);
    let Look::Event(seen) = readiness.look(Ready::READABLE) else { panic!("it was marked readable") };
    for _ in 0..1_000 {
        readiness.mark(Ready::WRITABLE);
    }
    readiness.clear(&seen);
    assert!(matches!(readiness.look(Ready::READABLE), Look::Nothing(_)), "one clear must be enough");
    assert!(matches!(readiness.look(Ready::WRITABLE), Look::Event(_)));
}

#[test]
fn both_directions_see_the_shutdown() {
    let readiness = Readiness::new();
    readiness.mark(Ready::ALL);
    readiness.shut();
    for ready in all_ready().skip(1) {
        assert_eq!(readiness.look(ready), Look::Shut);
    }
}

/// What a direction is, told naively: for each flag, the number of the last event that set it.
#[derive(Default)]
struct Naive {
    events: [u128; 2],
    set_at: [Option<u128>; 6],
}

impl Naive {
    fn side_of(flag: usize) -> usize {
        usize::from(Ready::OF_WRITE.contains(Ready::from_bits(1 << flag)))
    }

    fn mark(&mut self, ready: Ready) {
        for (side, of_side) in [Ready::OF_READ, Ready::OF_WRITE].into_iter().enumerate() {
            self.events[side] += u128::from(ready.intersects(of_side));
        }
        for flag in (0..6).filter(|flag| ready.contains(Ready::from_bits(1 << flag))) {
            self.set_at[flag] = Some(self.events[Self::side_of(flag)]);
        }
    }

    fn clear(&mut self, seen: Ready, at: [u128; 2]) {
        for flag in (0..6).filter(|flag| (seen - Ready::STICKY).contains(Ready::from_bits(1 << flag))) {
            if self.events[Self::side_of(flag)] == at[Self::side_of(flag)] {
                self.set_at[flag] = None;
            }
        }
    }

    fn ready(&self) -> Ready {
        (0..6)
            .filter(|flag| self.set_at[*flag].is_some())
            .fold(Ready::EMPTY, |all, flag| all | Ready::from_bits(1 << flag))
    }
}

#[derive(Clone, Debug)]
enum Op {
    Mark(u8),
    Look(u8),
    /// Clears with one of the receipts held so far.
    Clear(prop::sample::Index),
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_words_agree_with_the_naive_telling(ops in prop::collection::vec(
        prop_oneof![
            (1u8..64).prop_map(Op::Mark),
            (1u8..64).prop_map(Op::Look),
            any::<prop::sample::Index>().prop_map(Op::Clear),
        ],
        1..60,
    )) {
        let (readiness, mut naive) = (Readiness::new(), Naive::default());
        let mut receipts = Vec::new();
        for op in ops {
            match op {
                Op::Mark(bits) => {
                    readiness.mark(Ready::from_bits(bits));
                    naive.mark(Ready::from_bits(bits));
                }
                Op::Look(bits) => {
                    let mask = Ready::from_bits(bits);
                    let Look::Event(event) = readiness.look(mask) else { continue };
                    receipts.push((event, naive.events));
                }
                Op::Clear(which) if !receipts.is_empty() => {
                    let (event, at) = receipts[which.index(receipts.len())];
                    readiness.clear(&event);
                    naive.clear(event.ready(), at);
                }
                Op::Clear(_) => {}
            }
            let now = match readiness.look(Ready::ALL) {
                Look::Event(event) | Look::Nothing(event) => event.ready(),
                Look::Shut => panic!("nobody shut it"),
            };
            prop_assert_eq!(now, naive.ready());
        }
    }
}
