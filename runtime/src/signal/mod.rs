//! Signals: Ctrl-C, "please end", "read your configuration again".
//!
//! A server that ends cleanly waits for [`shutdown`]:
//!
//! ```no_run
//! # async fn serve() {}
//! #[runtime::main]
//! async fn main() -> std::io::Result<()> {
//!     runtime::select! {
//!         () = serve() => {}
//!         asked = runtime::signal::shutdown() => println!("ending, because of {:?}", asked?),
//!     }
//!     Ok(())
//! }
//! ```
//!
//! * [`shutdown`]: the first Ctrl-C or `SIGTERM`; the second one ends the process at once.
//! * [`ctrl_c`]: each Ctrl-C.
//! * [`unix::signal`]: each signal of any kind.
//!
//! # What goes wrong with signals
//!
//! A handler, once installed, stays: after the first [`ctrl_c`] or [`unix::signal`] the default action of that kind is gone for
//! the life of the process. So a program that has listened to Ctrl-C once, and no longer does, cannot be ended by it. And signals are
//! no messages: two of a kind that come close together are one.

mod board;
#[allow(unsafe_code)] // the handlers
mod catch;
mod outside;
mod reader;
#[allow(unsafe_code)] // a signal's default action
mod stop;
mod sys;
pub mod unix;

pub(crate) use self::outside::OutsideOfRuntimes;
use self::unix::{SignalKind, signal};
use crate::io::expect_runtime;
use std::future::poll_fn;
use std::io;
use std::task::Poll;

/// Waits for a Ctrl-C, or any other `SIGINT`.
///
/// From the first poll on Ctrl-C no longer ends the process, ever; see [`unix::signal`]. To wait for the next one, call it
/// again; what comes between two calls is missed, so who wants each one keeps a [`Signal`](unix::Signal).
///
/// # Cancel safety
///
/// Cancelling it loses a Ctrl-C only that comes before the next call.
///
/// # Errors
///
/// Where the handler cannot be installed.
///
/// # Panics
///
/// Polled outside of a runtime.
///
/// ```no_run
/// # #[runtime::main]
/// # async fn main() -> std::io::Result<()> {
/// runtime::signal::ctrl_c().await?;
/// println!("Ctrl-C");
/// # Ok(())
/// # }
/// ```
pub async fn ctrl_c() -> io::Result<()> {
    expect_runtime("signal::ctrl_c");
    signal(SignalKind::interrupt())?.recv().await;
    Ok(())
}

/// Waits until the process is asked to end, by `SIGTERM` or Ctrl-C, and says by which.
///
/// The first one is told, and **the second one ends the process at once**, as if nobody handled it: a server that hangs while
/// it ends can be ended by a second Ctrl-C. Both from the first poll on, for the life of the process.
///
/// Any number of tasks may wait. When the process was asked already it is ready at once.
///
/// Beyond tokio.
///
/// # Cancel safety
///
/// Cancelling it loses nothing.
///
/// # Errors
///
/// Where the handlers cannot be installed.
///
/// # Panics
///
/// Polled outside of a runtime.
pub async fn shutdown() -> io::Result<SignalKind> {
    expect_runtime("signal::shutdown");
    // Before the handlers are there: what they are called for is counted from the first time on.
    stop::ask();
    let [terminate, interrupt] = stop::KINDS.map(|number| signal(SignalKind::from_raw(number)));
    let (mut terminate, mut interrupt) = (terminate?, interrupt?);
    let mut either = async || {
        poll_fn(|cx| {
            let heard = [terminate.poll_recv(cx), interrupt.poll_recv(cx)];
            if heard.iter().any(Poll::is_ready) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    };
    loop {
        if let Some(first) = stop::first() {
            return Ok(SignalKind::from_raw(first));
        }
        either().await;
    }
}
