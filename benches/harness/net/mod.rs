//! Sockets under load: a server in a process of its own, and clients in this one.
//!
//! The server process is this program again, started with a hidden argument: one peer, one service. This process is the load:
//! one thread on a bare epoll (`load`, `cycles`), without any runtime, so that the same clients with the same costs press
//! every peer. Beside the runtimes stands a server on bare epolls, one thread per worker (`epoll_server`): what the kernel
//! allows.
//!
//! Owns: what is served (`service`; `tokio_servers` for ours and tokio, `smol_server`; `tls` for all), the server's process and
//! its control line (`process`), clients (`socket`, `load`, `cycles`, `wrk`), the limit on descriptors (`limit`).
//! Not here: which loads there are; they stand in `workloads/net.rs`.
//!
//! The danger: measuring the client. Its work per message is one read, one write and one clock read, and it checks every
//! byte (with TLS it ciphers, too, as much as the server); CPU time and context switches are the server process's alone.
//! Rejected: clients on one of the runtimes. Their latency would be that runtime's.

mod cycles;
mod epoll_server;
mod limit;
mod load;
mod process;
pub(crate) mod service;
mod smol_server;
mod socket;
pub(crate) mod tls;
pub(crate) mod tokio_servers;
mod wrk;

pub use cycles::{Cycles, repeat_cycles, storm};
pub use limit::descriptors;
pub use load::{Load, Pressed};
pub(crate) use process::{FLAG, ServerAsk, serve};
pub use process::{STALLED_FROM, Server, Usage};
pub use service::{EPOLL, HTTP_REPLY, HTTP_REQUEST, Servers, Service};
pub use socket::{Client, Exchange};
pub use wrk::{Wrk, installed as wrk_installed, wrk};
