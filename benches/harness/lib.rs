//! The benchmark harness: the same workload on ours, tokio and smol, interleaved in one process run.
//!
//! A *workload* (one line in the table) has one *entry* per *peer*; a *round* measures every entry once, in order, each on
//! a runtime built for that measurement and dropped after it. Ratios are taken within a round, so that what disturbs the
//! machine for a second disturbs both sides of a ratio. `docs/design/measure.md` says how to run it and how to read it.
//!
//! Owns: peers (`peer`, `timers`, `sockets` and one file for each), servers and their clients (`net`), who computes beside a measurement (`company`), measuring (`meter`, `workload`), running (`rounds`, `fresh`, `settle`,
//! `watchdog`), reading (`stats`, `row`, `curve`, `baseline`) and showing (`table`, `files`, `chart`, `curve_chart`, `progress`).
//! Not here: the workloads; they stand in `workloads/`, one file per family, and know nothing of rounds or reports.
//!
//! The danger: a comparison that flatters. Hence every peer runs the same generic code (no boxed futures between it and
//! its scheduler), every pass checks its result and a wrong one fails the run, threads of one peer are gone before the
//! next is measured, and the ratio to the *best* peer is shown beside the ratio to tokio.
//! Rejected: criterion. It finishes one peer before it starts the next, and on a shared machine the minutes between them
//! move results by more than what is to be resolved.

mod args;
mod baseline;
mod chart;
mod company;
mod curve;
mod curve_chart;
mod files;
mod fresh;
mod meter;
pub mod net;
mod ours;
mod peer;
mod process;
mod progress;
mod rounds;
mod row;
mod settle;
mod smol;
mod sockets;
mod stats;
mod table;
mod timers;
mod tokio_peer;
mod tokio_shaped;
mod watchdog;
mod workload;

pub use company::Company;
pub use curve::Curve;
pub use meter::{Meter, Reading, Span, Wrong, check};
pub use ours::{Ours, OursCurrent};
pub use peer::{InPlace, Peer, Spawn};
pub use process::{context_switches, cpu_time, resident_bytes, thread_cpu_time, voluntary_switches_of_others};
pub use rounds::main;
pub use smol::{Smol, SmolCurrent};
pub use sockets::{MESSAGE, Sockets, echo, echo_datagrams, exchange, exchange_datagram, tcp_pairs, udp_pair};
pub use stats::percentile;
pub use timers::Timers;
pub use tokio_peer::{Tokio, TokioCurrent};
pub use workload::{InBlockOn, InTask, Load, Metric, Passes, SocketLoad, Workload};
