//! OS readiness to wakers, over [`polling`].
//!
//! A [`Driver`] owns the kernel's queue of readiness events. A descriptor is registered once, in edge mode, and gives a
//! [`Source`]: tasks wait on it, operations that meet `WouldBlock` clear it. Some thread turns the driver: one
//! [`Driver::turn`] waits, reads a batch of events, marks the sources and hands out the wakers. This crate knows no
//! tasks, no timers and no runtime; who turns when is the caller's affair.
//!
//! ```
//! # fn main() -> std::io::Result<()> {
//! use std::io::{Read, Write};
//! use std::os::fd::AsFd;
//! use std::os::unix::net::UnixStream;
//! use std::task::{Context, Poll, Waker};
//! use io_driver::{Direction, Driver, Events, Interest};
//!
//! let driver = Driver::new()?;
//! let (mut near, mut far) = UnixStream::pair()?;
//! near.set_nonblocking(true)?;
//! let source = driver.register(near.as_fd(), Interest::READABLE | Interest::WRITABLE)?;
//!
//! let mut cx = Context::from_waker(Waker::noop());
//! assert!(source.poll_ready(Direction::Read, &mut cx).is_pending());
//! far.write_all(b"hello")?;
//! let mut events = Events::with_capacity(64);
//! driver.turn(&mut events, None, Waker::wake)?;
//!
//! let Poll::Ready(event) = source.poll_ready(Direction::Read, &mut cx) else { panic!("no event") };
//! let mut buffer = [0; 16];
//! assert_eq!(near.read(&mut buffer)?, 5);
//! assert_eq!(near.read(&mut buffer).unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
//! source.clear(event?);
//! driver.deregister(source, near.as_fd())?;
//! # Ok(())
//! # }
//! ```
//!
//! # Contract
//!
//! - **Descriptors are non-blocking.** The driver does not look, and a blocking one blocks whoever reads it.
//! - **One thread waits at a time.** A turn without waiting (`Some(Duration::ZERO)`) may run beside it on any thread; it
//!   never swallows a [`notify`](Driver::notify). Two waiting turns are harmless and useless: an event goes to one.
//! - **Deregister before close.** A duplicate of a closed descriptor keeps its registration in the kernel, out of reach.
//!   Events of such leftovers are ignored and counted ([`Driver::stale_events`]).
//! - **Clear only after `WouldBlock`**, with the event that was current before the operation.
//! - **No user code under a lock.** Wakers are cloned, called and dropped outside every lock of this crate, so a waker
//!   may register, deregister, notify and even turn.
//!
//! # Fork
//!
//! Every descriptor of the driver is close-on-exec. A child made by `fork` without `exec` shares the parent's kernel
//! queue. There, [`register`](Driver::register) fails, [`deregister`](Driver::deregister) and dropping the driver leave
//! the kernel's side alone, and [`turn`](Driver::turn) must not be called: it would take events from the parent. (The
//! two processes are told apart by their process ids.)
//!
//! # Systems
//!
//! Linux and Android, directly on the poller's epoll descriptor: one system call for a turn, two for a short timeout
//! that is no whole number of milliseconds. macOS and the BSDs through [`polling::Poller::wait`]; there the closed flags
//! are not reported, only readiness. Elsewhere [`Driver::new`] fails with `Unsupported`.

// Alone: without descriptors everything else would add an error of its own.
#[cfg(not(unix))]
compile_error!(
    "io-driver needs a Unix with epoll or kqueue: Linux, Android, macOS, the BSDs. It is not there for Windows and \
     WebAssembly, so neither is `runtime`; `timer-wheel` is, everywhere."
);

#[cfg(unix)]
mod base;
#[cfg(unix)]
mod bell;
#[cfg(unix)]
mod driver;
#[cfg(unix)]
mod error;
#[cfg(unix)]
mod events;
#[cfg(unix)]
mod kernel;
#[cfg(unix)]
mod model;
#[cfg(unix)]
#[allow(unsafe_code)] // the hint to fetch memory
mod prefetch;
#[cfg(unix)]
mod readiness;
#[cfg(unix)]
mod ready;
#[cfg(unix)]
#[allow(unsafe_code)] // `Poller::add_with_mode` is unsafe; nothing else is in there.
mod register;
#[cfg(unix)]
mod registry;
#[cfg(unix)]
mod slots;
#[cfg(unix)]
mod source;
#[cfg(unix)]
mod sys;
#[cfg(unix)]
mod wait;
#[cfg(unix)]
mod waiters;

#[cfg(unix)]
pub use driver::{Driver, Turn};
#[cfg(unix)]
pub use error::ShutDown;
#[cfg(unix)]
pub use events::Events;
#[cfg(unix)]
pub use ready::{Direction, Interest, Ready, ReadyEvent};
#[cfg(unix)]
pub use source::Source;
#[cfg(unix)]
pub use wait::Wait;
