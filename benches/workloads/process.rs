//! Children: 200 tasks run `true` and wait for it. Most of it is the kernel's work, so what shows is what a runtime adds:
//! how long a spawn holds up its worker, and how the end is heard of.
//!
//! smol has a crate of its own for processes, with a thread that reaps; it is not a peer here.

use runtime_benches::{Meter, Ours, Peer, Reading, Spawn, Tokio, Workload, Wrong, check};

const CHILDREN: u64 = 200;

pub(crate) fn workloads() -> Vec<Workload> {
    vec![
        Workload::new("process-200-true", "200 tasks that run `true` each, until all have its status")
            .runtime(Ours::NAME, ours::many_true)
            .runtime(Tokio::NAME, tokio::many_true),
    ]
}

macro_rules! on {
    ($module:ident, $krate:ident, $peer:ident) => {
        mod $module {
            use super::*;
            use ::$krate::process::Command;

            pub(super) fn many_true(meter: Meter) -> Result<Reading, Wrong> {
                let peer = $peer::build(meter.workers());
                let here = peer.here();
                meter.repeat(|| {
                    let task = here.clone();
                    peer.block_on(async move {
                        let run = || async {
                            let status = Command::new("true").status().await;
                            status.map_err(|error| Wrong(format!("`true` cannot be run: {error}")))
                        };
                        let children: Vec<_> = (0..CHILDREN).map(|_| task.spawn(run())).collect();
                        for child in children {
                            check("whether `true` succeeds", child.await?.success(), true)?;
                        }
                        Ok(CHILDREN)
                    })
                })
            }
        }
    };
}

on!(ours, runtime, Ours);
on!(tokio, tokio, Tokio);
