//! The wheel against a `BTreeMap`, all operations mixed, at every place in time where a wheel could go wrong.
//!
//! More cases than the default: `PROPTEST_CASES=100000 cargo test -p timer-wheel --test oracle`.

mod interpreter;

use interpreter::{Op, Tick, decode, run};
use proptest::prelude::*;

/// Distances of every magnitude, each as likely as the others.
fn distance() -> impl Strategy<Value = u64> {
    (any::<u64>(), 0u32..64).prop_map(|(bits, shift)| bits >> shift)
}

fn tick() -> impl Strategy<Value = Tick> {
    prop_oneof![
        4 => (0u64..200).prop_map(Tick::In),
        4 => distance().prop_map(Tick::In),
        2 => distance().prop_map(Tick::Ago),
        4 => (0u8..11, -2i8..=2).prop_map(|(power, offset)| Tick::Boundary { power, offset }),
        1 => (0u64..3).prop_map(|n| Tick::At(u64::MAX - n)),
        1 => distance().prop_map(Tick::At),
    ]
}

/// Ticks to move to: mostly small steps and boundaries, so that a run does not end at the end of time at once.
fn step() -> impl Strategy<Value = Tick> {
    prop_oneof![
        4 => (0u64..200).prop_map(Tick::In),
        4 => (any::<u64>(), 24u32..64).prop_map(|(bits, shift)| Tick::In(bits >> shift)),
        1 => distance().prop_map(Tick::Ago),
        4 => (0u8..8, -2i8..=2).prop_map(|(power, offset)| Tick::Boundary { power, offset }),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        10 => tick().prop_map(Op::Insert),
        3 => any::<u16>().prop_map(|pick| Op::Cancel { pick }),
        3 => (any::<u16>(), tick()).prop_map(|(pick, to)| Op::Reset { pick, to }),
        1 => any::<u16>().prop_map(|pick| Op::Stale { pick }),
        4 => step().prop_map(Op::Advance),
        2 => Just(Op::AdvanceToNext),
        1 => Just(Op::SleepToFirst),
        2 => (0u8..8).prop_map(|count| Op::PopDue { count }),
        3 => (0u8..16).prop_map(|limit| Op::Expire { limit }),
        1 => Just(Op::Settle),
        1 => step().prop_map(|to| Op::HandOver { to }),
        1 => (0u8..20).prop_map(|count| Op::DrainSome { count }),
        1 => Just(Op::Shrink),
    ]
}

/// Within two ticks of a multiple of a power of 64.
fn near_a_boundary() -> impl Strategy<Value = u64> {
    (0u32..11, 1u64..64, -2i64..=2).prop_map(|(power, times, offset)| {
        let boundary = 1u64.checked_shl(6 * power).unwrap_or(0).wrapping_mul(times);
        boundary.wrapping_add_signed(offset)
    })
}

fn config() -> ProptestConfig {
    // `default` reads the environment, and a number given here would win over it.
    let given = std::env::var_os("PROPTEST_CASES").is_some();
    let default = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    ProptestConfig { cases: if given { default.cases } else { 1500 }, ..default }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn agrees_when_started_near_a_boundary(start in near_a_boundary(), ops in prop::collection::vec(op(), 1..120)) {
        run(start, &ops);
    }

    #[test]
    fn agrees_when_started_anywhere(start in 0u64..1 << 60, ops in prop::collection::vec(op(), 1..120)) {
        run(start, &ops);
    }

    #[test]
    fn agrees_at_the_end_of_time(before in distance(), ops in prop::collection::vec(op(), 1..120)) {
        run(u64::MAX - before, &ops);
    }

    /// What the fuzz target does, so that it cannot rot unseen.
    #[test]
    fn agrees_on_operations_from_bytes(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let (start, ops) = decode(&bytes);
        run(start, &ops);
    }
}

/// Each power of 64, each offset, before, on and after: exhaustively rather than at random.
#[test]
fn agrees_around_every_power_of_64() {
    for power in 0..11u8 {
        for from in -2i64..=2 {
            let start = (1u64 << (6 * u32::from(power))).wrapping_add_signed(from).min(u64::MAX - 2);
            for first in 0..=5 {
                for second in [0, 1, 2, 63, 64, 65, 1 << 36] {
                    for advance in 0..=5 {
                        let ops = [
                            Op::Insert(Tick::In(first)),
                            Op::Insert(Tick::In(second)),
                            Op::Insert(Tick::Boundary { power, offset: 0 }),
                            Op::Insert(Tick::In(first)),
                            Op::Advance(Tick::In(advance)),
                            Op::Expire { limit: 1 },
                            Op::Insert(Tick::In(second)),
                            Op::Reset { pick: 1, to: Tick::In(second) },
                            Op::SleepToFirst,
                            Op::SleepToFirst,
                        ];
                        run(start, &ops);
                    }
                }
            }
        }
    }
}
