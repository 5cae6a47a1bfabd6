//! What a user may rely on: a file per promise of `docs/promises.md`.

mod blocking_apart;
// tokio counts otherwise.
#[cfg(not(feature = "oracle"))]
mod busy_time;
// tokio panics there.
#[cfg(not(feature = "oracle"))]
mod drop_anywhere;
mod dropped_once;
mod fairness;
mod join_resolves;
// beyond tokio.
#[cfg(not(feature = "oracle"))]
mod no_orphans;
mod no_wake_lost;
mod panics_contained;
mod shutdown_deadline;
mod sockets_served;
mod stuck_worker;
mod timers_on_time;
mod wake_from_anywhere;
