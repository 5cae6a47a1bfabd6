//! Two processes talk through sockets while everything around them goes wrong, and every byte is checked.
//!
//! Owns: the conductor (this file), which starts both processes and orders a fault every second; `server`, `client`, the
//! bytes they exchange (`stream`), and what they report (`report`).
//! Not here: throughput and latency (`benches`); faults of single system calls (`museum`).
//!
//! | environment | connections | for | a fault every | a worker is stuck for |
//! |---|---|---|---|---|
//! | (nothing) | 200 | 5 s | 0.35 s | 1 s |
//! | `SOAK=1` | 2,000 | 60 s | 1 s | 5 s |
//! | `SOAK=long` | 9,500 | 10 min | 1 s | 5 s |
//!
//! In each form every kind of fault (`Fault::ALL`) comes at least once in each half, and what it did is counted.
//!
//! Each connection carries two streams of bytes, one per direction, whose byte at offset n is a function of the
//! connection's number and n. So whatever is lost, doubled or out of order is seen where it happens, and no sum has to be
//! exchanged afterwards. A connection on which nothing moves for long has lost a wake.
//!
//! The time is cut into two halves with the same faults, and between them all connections end: what the second half leaves
//! behind beyond the first one (descriptors, threads, heap) is a leak.

mod client;
mod conductor;
mod report;
mod server;
mod stream;

use conductor::{Fault, Process};
use runtime_tests::counting_alloc::CountingAlloc;
use runtime_tests::{Rng, watchdog_secs};
use std::time::{Duration, Instant};

#[global_allocator]
static COUNTING: CountingAlloc = CountingAlloc;

/// How much, for how long.
#[derive(Clone, Copy, Debug)]
struct Plan {
    connections: usize,
    half: Duration,
    fault_every: Duration,
    /// How long a worker is stuck.
    stuck: Duration,
}

impl Plan {
    fn from_env() -> Plan {
        let second = Duration::from_secs(1);
        match std::env::var("SOAK").as_deref() {
            Err(_) | Ok("" | "0") => Plan {
                connections: 200,
                half: Duration::from_millis(2500),
                // All faults fit into each half.
                fault_every: Duration::from_millis(350),
                stuck: second,
            },
            Ok("1") => Plan { connections: 2_000, half: 30 * second, fault_every: second, stuck: 5 * second },
            Ok("long") => Plan { connections: 9_500, half: 300 * second, fault_every: second, stuck: 5 * second },
            Ok(other) => panic!("SOAK={other} is no plan: leave it away, or say 1 or long"),
        }
    }

    fn limit_secs(self) -> u64 {
        2 * self.half.as_secs() + 90
    }
}

#[test]
fn soak() {
    match std::env::var("SOAK_ROLE").as_deref() {
        Ok("server") => return server::run(),
        Ok("client") => return client::run(),
        _ => {}
    }
    let plan = Plan::from_env();
    let _watch = watchdog_secs(plan.limit_secs());
    let mut dice = Rng::from_env("soak");
    let mut server = Process::start("server", &[]);
    let address = server.hears("listening");
    let seed = dice.bits().to_string();
    let mut client = Process::start(
        "client",
        &[("SOAK_ADDRESS", &address), ("SOAK_CONNECTIONS", &plan.connections.to_string()), ("SOAK_SEED", &seed)],
    );
    half(plan, &mut dice, &mut server, &mut client);
    let before = [client.rests(None), server.rests(None)];
    half(plan, &mut dice, &mut server, &mut client);
    let after = [client.rests(Some(&before[0])), server.rests(Some(&before[1]))];
    for (name, before, after) in [("client", &before[0], &after[0]), ("server", &before[1], &after[1])] {
        eprintln!("{name}: {before:?}\n   then {after:?}");
        after.assert_right(name);
        after.assert_flat_since(before, name);
    }
    let [clients, servers] = after;
    assert!(servers.verified > 0 && clients.verified > 0, "nothing was exchanged");
    assert!(clients.clean > plan.connections as u64, "hardly a connection ended in order");
    assert!(clients.resets > 0, "no connection was reset");
    assert!(servers.refused > 0, "the server never ran out of descriptors");
    assert!(clients.half_closes > 0, "no connection was half closed with bytes on their way");
    assert!(clients.stalls > 0, "no client stalled");
    assert!(servers.stuck >= 2, "a worker was stuck {} times, not in each half", servers.stuck);
    assert_eq!(servers.clean, clients.clean, "the ends do not agree on how many connections ended in order");
    server.ends();
    client.ends();
}

/// Load with every kind of fault, at least once each, until the half is over.
fn half(plan: Plan, dice: &mut Rng, server: &mut Process, client: &mut Process) {
    client.say("go");
    let end = Instant::now() + plan.half;
    let mut due = Instant::now();
    for round in 0.. {
        due += plan.fault_every;
        if due >= end {
            break;
        }
        // The rhythm of the faults; what is tested waits for no time.
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        match Fault::ALL.get(round).copied().unwrap_or_else(|| Fault::ALL[dice.below(Fault::ALL.len())]) {
            Fault::Reset => client.say("reset"),
            Fault::HalfClose => client.say("half-close"),
            Fault::Stall => client.say("stall"),
            Fault::NoDescriptors => server.say(&format!("no-descriptors {}", plan.fault_every.as_millis())),
            Fault::StuckWorker => server.say(&format!("stuck {}", plan.stuck.as_millis())),
            Fault::Stopped => client.stop_for(plan.fault_every / 2),
        }
    }
    std::thread::sleep(end.saturating_duration_since(Instant::now()));
}
