//! Signals of this process to itself: one at a time, each heard before the next is sent; and as fast as a thread can send
//! them, where those that come together are one.
//!
//! smol has a crate of its own for signals, with another interface; it is not a peer here.

use runtime_benches::{Meter, Ours, Peer, Reading, Spawn, Tokio, Workload, Wrong, check};
use rustix::process::{Signal, getpid, kill_process};
use std::thread;

const MANY: u64 = 1000;

pub(crate) fn workloads() -> Vec<Workload> {
    vec![
        Workload::new("signals-one-by-one", "a signal to this process, until a task has heard it; 1000 in turn")
            .runtime(Ours::NAME, ours::one_by_one)
            .runtime(Tokio::NAME, tokio::one_by_one),
        Workload::new("signals-flood", "a thread sends 1000 signals as fast as it can, until a task has heard the last")
            .runtime(Ours::NAME, ours::flood)
            .runtime(Tokio::NAME, tokio::flood),
    ]
}

fn send(signal: Signal) -> Result<(), Wrong> {
    kill_process(getpid(), signal).map_err(|error| Wrong(format!("a signal cannot be sent: {error}")))
}

macro_rules! on {
    ($module:ident, $krate:ident, $peer:ident) => {
        mod $module {
            use super::*;
            use ::$krate::signal::unix::{SignalKind, signal};

            const NONE: &str = "the system lets a program listen to this signal";

            pub(super) fn one_by_one(meter: Meter) -> Result<Reading, Wrong> {
                let peer = $peer::build(meter.workers());
                let here = peer.here();
                meter.repeat(|| {
                    let task = here.clone();
                    peer.block_on(async move {
                        let heard = task.spawn(async {
                            let mut listener = signal(SignalKind::user_defined1()).expect(NONE);
                            for _ in 0..MANY {
                                send(Signal::USR1)?;
                                check("whether it was heard", listener.recv().await, Some(()))?;
                            }
                            Ok(MANY)
                        });
                        heard.await
                    })
                })
            }

            pub(super) fn flood(meter: Meter) -> Result<Reading, Wrong> {
                let peer = $peer::build(meter.workers());
                let here = peer.here();
                meter.repeat(|| {
                    let task = here.clone();
                    peer.block_on(async move {
                        let heard = task.spawn(async {
                            let mut listener = signal(SignalKind::user_defined1()).expect(NONE);
                            let mut last = signal(SignalKind::user_defined2()).expect(NONE);
                            let sender = thread::spawn(|| {
                                (0..MANY).try_for_each(|_| send(Signal::USR1))?;
                                send(Signal::USR2)
                            });
                            let mut heard = 0;
                            loop {
                                let is_over = ::$krate::select! {
                                    biased;
                                    _ = last.recv() => true,
                                    _ = listener.recv() => false,
                                };
                                if is_over {
                                    break;
                                }
                                heard += 1;
                            }
                            sender.join().map_err(|_| Wrong("the sender panicked".to_owned()))??;
                            check("whether too many were heard", heard <= MANY, true)?;
                            Ok(MANY)
                        });
                        heard.await
                    })
                })
            }
        }
    };
}

on!(ours, runtime, Ours);
on!(tokio, tokio, Tokio);
