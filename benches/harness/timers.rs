//! What a runtime must offer so that its timers can be measured: sleeping, timeouts, ticks. Tokio's names and ours are the
//! same, so `tokio_shaped` implements it for both; smol's stand here.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use async_io::Timer;
use futures_lite::{StreamExt, future};

use crate::smol::SmolCurrent;
use crate::{Peer, Smol};

/// A runtime with timers.
pub trait Timers: Peer {
    /// The future of `sleep`.
    type Sleep: Future<Output = ()> + Send + 'static;

    /// Waits for a while.
    fn sleep(duration: Duration) -> Self::Sleep;
    /// Lets a sleep end at another time: so long after now.
    fn reset(sleep: Pin<&mut Self::Sleep>, after: Duration);
    /// The future's output, or `None` when it took too long.
    fn timeout<F>(duration: Duration, future: F) -> impl Future<Output = Option<F::Output>> + Send
    where
        F: Future + Send,
        F::Output: Send;
    /// Waits for so many ticks of an interval whose first tick is due after one period.
    fn ticks(period: Duration, count: u64) -> impl Future<Output = ()> + Send;
}

/// async-io's timer, without its output.
#[derive(Debug)]
pub struct SmolSleep(Timer);

impl Future for SmolSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.0).poll(cx).map(drop)
    }
}

macro_rules! smol_timers {
    ($peer:ident) => {
        impl Timers for $peer {
            type Sleep = SmolSleep;

            fn sleep(duration: Duration) -> SmolSleep {
                SmolSleep(Timer::after(duration))
            }

            fn reset(mut sleep: Pin<&mut SmolSleep>, after: Duration) {
                sleep.0.set_at(Instant::now() + after);
            }

            // async-io has no timeout of its own; its users race the future with a timer, as here.
            async fn timeout<F>(duration: Duration, future: F) -> Option<F::Output>
            where
                F: Future + Send,
                F::Output: Send,
            {
                let elapsed = async move {
                    Timer::after(duration).await;
                    None
                };
                future::or(async move { Some(future.await) }, elapsed).await
            }

            async fn ticks(period: Duration, count: u64) {
                let mut ticks = Timer::interval(period);
                for _ in 0..count {
                    ticks.next().await;
                }
            }
        }
    };
}

smol_timers!(Smol);
smol_timers!(SmolCurrent);
