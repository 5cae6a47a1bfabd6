//! Connecting to whichever of a host's addresses answers first ("happy eyeballs", RFC 8305).
//!
//! Owns: the race of attempts and its clock.   Not here: looking names up (`addr`).
//!
//! The danger: a host has an IPv6 address that this network does not reach. Trying one address after the other then
//! waits for the system to give up, two minutes, before it tries the IPv4 address that would have answered at once.

use super::connect::connect_one;
use super::stream::TcpStream;
use crate::engine::{Caller, Timer};
use crate::net::addr::{ToSocketAddrs, no_address, resolve};
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// RFC 8305's "connection attempt delay": how long an attempt is alone before the next begins.
const HEAD_START: Duration = Duration::from_millis(250);

/// Connects to the address of a host that answers first, without waiting long for those that do not.
///
/// The attempts begin 250 ms apart, or as soon as one has failed; IPv6 and IPv4 take turns, beginning with the first
/// address of the system's list. The first one that succeeds is returned, and the others are given up (RFC 8305).
///
/// [`TcpStream::connect`] tries one address after the other instead, each as long as the system does.
///
/// # Errors
/// The last one's to fail, if all fail; `InvalidInput` if the host has no address.
///
/// # Panics
/// Outside of a runtime, when polled.
///
/// # Cancel safety
/// Cancelling it gives all attempts up and closes their sockets.
///
/// # Examples
/// ```no_run
/// # async fn example() -> std::io::Result<()> {
/// let stream = runtime::net::connect_happy("example.com:443").await?;
/// # Ok(())
/// # }
/// ```
#[track_caller]
pub fn connect_happy<A: ToSocketAddrs>(addr: A) -> impl Future<Output = io::Result<TcpStream>> {
    let caller = Caller::of("net::connect_happy");
    async move {
        caller.needs_runtime();
        let to_come = take_turns(resolve(addr, caller).await?);
        let mut race = Race { caller, to_come, attempts: Vec::new(), next: None, failure: None };
        poll_fn(move |cx| race.poll(cx)).await
    }
}

/// The addresses in the order of RFC 8305, section 4: the families alternate, each in the order given.
fn take_turns(addresses: impl Iterator<Item = SocketAddr>) -> VecDeque<SocketAddr> {
    let addresses: Vec<_> = addresses.collect();
    let Some(first_is_v4) = addresses.first().map(SocketAddr::is_ipv4) else { return VecDeque::new() };
    let (mut one, mut other): (VecDeque<_>, VecDeque<_>) =
        addresses.into_iter().partition(|address| address.is_ipv4() == first_is_v4);
    let mut turns = VecDeque::new();
    while let Some(address) = one.pop_front() {
        turns.push_back(address);
        turns.extend(other.pop_front());
    }
    turns.extend(other);
    turns
}

type Attempt = Pin<Box<dyn Future<Output = io::Result<TcpStream>> + Send + Sync>>;

struct Race {
    caller: Caller,
    to_come: VecDeque<SocketAddr>,
    attempts: Vec<Attempt>,
    /// When the next one begins.
    next: Option<Timer>,
    failure: Option<io::Error>,
}

impl Race {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<TcpStream>> {
        loop {
            if let Some(stream) = self.poll_attempts(cx) {
                return Poll::Ready(Ok(stream));
            }
            // No clock runs: none has begun, or one has just failed.
            if self.next.is_none() && self.begin_next() {
                continue;
            }
            if self.attempts.is_empty() {
                let failure = self.failure.take().unwrap_or_else(|| no_address(self.caller));
                return Poll::Ready(Err(failure));
            }
            match &mut self.next {
                Some(timer) if !self.to_come.is_empty() => match timer.poll(cx) {
                    // An error means that the runtime shuts down, which the attempts will say better.
                    Poll::Ready(_) => self.next = None,
                    Poll::Pending => return Poll::Pending,
                },
                _ => return Poll::Pending,
            }
        }
    }

    fn poll_attempts(&mut self, cx: &mut Context<'_>) -> Option<TcpStream> {
        let mut at = 0;
        while let Some(attempt) = self.attempts.get_mut(at) {
            match attempt.as_mut().poll(cx) {
                Poll::Ready(Ok(stream)) => return Some(stream),
                Poll::Ready(Err(error)) => {
                    self.failure = Some(error);
                    self.next = None;
                    drop(self.attempts.remove(at));
                }
                Poll::Pending => at += 1,
            }
        }
        None
    }

    fn begin_next(&mut self) -> bool {
        let Some(address) = self.to_come.pop_front() else { return false };
        self.attempts.push(Box::pin(connect_one(address)));
        self.next = Timer::after(HEAD_START).ok();
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_take_turns() {
        let turns = |addresses: &[&str]| -> Vec<String> {
            take_turns(addresses.iter().map(|text| text.parse().unwrap())).iter().map(ToString::to_string).collect()
        };
        assert_eq!(turns(&[]), [""; 0]);
        assert_eq!(
            turns(&["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1", "1.1.1.2:1"]),
            ["[::1]:1", "1.1.1.1:1", "[::2]:1", "1.1.1.2:1", "[::3]:1"]
        );
        assert_eq!(turns(&["1.1.1.1:1", "[::1]:1", "[::2]:1"]), ["1.1.1.1:1", "[::1]:1", "[::2]:1"]);
    }
}
