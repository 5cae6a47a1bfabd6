//! Many senders, one receiver, in order.
//!
//! [`channel`] holds at most as many values as it has capacity, and makes senders wait: backpressure. It is the right
//! one unless you know why not. [`unbounded_channel`] never makes a sender wait, and grows with what is not received.
//!
//! A sender can take its place before it has the value: a [`Permit`] is room for one value. The channel ends when the
//! last sender is dropped, or when the receiver closes it; either way what is in it can still be received.
//!
//! | file | holds |
//! |---|---|
//! | `queue` | the list of blocks: indexes, slots, the receiver's sleep |
//! | `chan` | what both kinds share |
//! | `bounded`, `permit`, `unbounded` | the public types |
//! | `send_timeout` | a time limit, by the engine's timer |
//!
//! # Examples
//!
//! ```
//! use runtime::sync::mpsc;
//!
//! let (tx, mut rx) = mpsc::channel(2);
//! let worker = std::thread::spawn(move || {
//!     for n in 0..5 {
//!         tx.blocking_send(n).unwrap();
//!     }
//! });
//! let mut received = Vec::new();
//! while let Some(n) = rx.blocking_recv() {
//!     received.push(n);
//! }
//! assert_eq!(received, [0, 1, 2, 3, 4]);
//! worker.join().unwrap();
//! ```

mod bounded;
#[allow(unsafe_code)] // says that a reader's outlet is of its own queue
mod chan;
pub mod error;
#[cfg(all(test, loom))]
#[allow(unsafe_code)] // drives the queue without a channel around it
mod model;
mod permit;
#[allow(unsafe_code)] // slots that writers fill and the reader empties, blocks that serve again
mod queue;
mod send_timeout;
mod unbounded;

pub use self::bounded::{Receiver, Sender, WeakSender, channel};
pub use self::permit::{OwnedPermit, Permit, PermitIterator};
pub use self::unbounded::{UnboundedReceiver, UnboundedSender, WeakUnboundedSender, unbounded_channel};
