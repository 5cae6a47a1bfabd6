//! What belongs to TCP beside the sockets themselves: the halves of a stream.

mod connect;
pub(super) mod happy;
pub(super) mod listener;
pub(super) mod socket;
pub(super) mod stream;

pub use stream::{OwnedReadHalf, OwnedWriteHalf, ReadHalf, ReuniteError, WriteHalf};
