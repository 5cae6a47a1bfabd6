//! What belongs to unix sockets beside the sockets themselves: addresses, credentials, halves of a stream; and pipes.

mod addr;
pub(super) mod datagram;
pub(super) mod listener;
pub mod pipe;
pub(super) mod socket;
pub(super) mod stream;
mod ucred;

pub use addr::SocketAddr;
pub use stream::{OwnedReadHalf, OwnedWriteHalf, ReadHalf, ReuniteError, WriteHalf};
pub use ucred::UCred;

/// The number of a user.
#[expect(non_camel_case_types, reason = "the name is the system's, and tokio's")]
pub type uid_t = u32;

/// The number of a group.
#[expect(non_camel_case_types, reason = "the name is the system's, and tokio's")]
pub type gid_t = u32;

/// The number of a process.
#[expect(non_camel_case_types, reason = "the name is the system's, and tokio's")]
pub type pid_t = i32;
