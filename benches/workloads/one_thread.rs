//! What a runtime on one thread costs where nothing is to do: simulations and tests do these things all the time.
//!
//! Peers with more than one kind of runtime take the one for a single thread here.

use runtime_benches::{Meter, Reading, Workload, Wrong, check};
use std::time::Duration;

const PER_PASS: u64 = 500;
const STEP: Duration = Duration::from_millis(1);

pub(crate) fn workloads() -> Vec<Workload> {
    vec![
        Workload::new("paused-step", "current-thread, paused clock: from one sleep of 1 ms to the next")
            .runtime("ours", ours::paused_step)
            .runtime("tokio", tokio_shaped::paused_step),
        Workload::new("block-on-empty", "current-thread: `block_on` of a future that is ready")
            .runtime("ours", ours::block_on_empty)
            .runtime("tokio", tokio_shaped::block_on_empty)
            .runtime("smol", smol_shaped::block_on_empty),
        Workload::new("local-set-empty", "current-thread: a new `LocalSet` runs a future that is ready")
            .runtime("ours", ours::local_set_empty)
            .runtime("tokio", tokio_shaped::local_set_empty)
            .runtime("smol", smol_shaped::local_set_empty),
    ]
}

/// The same lines for both crates with tokio's names.
macro_rules! tokio_shaped {
    ($name:ident, $krate:ident) => {
        mod $name {
            use super::*;
            use ::$krate::runtime::{Builder, Runtime};
            use ::$krate::task::LocalSet;
            use ::$krate::time::{Instant, sleep};

            fn build(paused: bool) -> Runtime {
                let built = Builder::new_current_thread().enable_all().start_paused(paused).build();
                built.unwrap_or_else(|error| panic!("no runtime: {error}"))
            }

            pub(super) fn paused_step(meter: Meter) -> Result<Reading, Wrong> {
                let runtime = build(true);
                meter.repeat(|| {
                    let steps = runtime.block_on(async {
                        let begun = Instant::now();
                        for _ in 0..PER_PASS {
                            sleep(STEP).await;
                        }
                        begun.elapsed().div_duration_f64(STEP)
                    });
                    check("the steps of the clock", steps, PER_PASS as f64)?;
                    Ok(PER_PASS)
                })
            }

            pub(super) fn block_on_empty(meter: Meter) -> Result<Reading, Wrong> {
                let runtime = build(false);
                meter.repeat(|| {
                    let sum = (0..PER_PASS).map(|number| runtime.block_on(async move { number })).sum::<u64>();
                    check("the sum", sum, PER_PASS * (PER_PASS - 1) / 2)?;
                    Ok(PER_PASS)
                })
            }

            pub(super) fn local_set_empty(meter: Meter) -> Result<Reading, Wrong> {
                let runtime = build(false);
                meter.repeat(|| {
                    let sum = runtime.block_on(async {
                        let mut sum = 0;
                        for number in 0..PER_PASS {
                            sum += LocalSet::new().run_until(async move { number }).await;
                        }
                        sum
                    });
                    check("the sum", sum, PER_PASS * (PER_PASS - 1) / 2)?;
                    Ok(PER_PASS)
                })
            }
        }
    };
}

tokio_shaped!(ours, runtime);
tokio_shaped!(tokio_shaped, tokio);

mod smol_shaped {
    use super::*;
    use async_executor::LocalExecutor;

    pub(super) fn block_on_empty(meter: Meter) -> Result<Reading, Wrong> {
        meter.repeat(|| {
            let sum = (0..PER_PASS).map(|number| async_io::block_on(async move { number })).sum::<u64>();
            check("the sum", sum, PER_PASS * (PER_PASS - 1) / 2)?;
            Ok(PER_PASS)
        })
    }

    pub(super) fn local_set_empty(meter: Meter) -> Result<Reading, Wrong> {
        meter.repeat(|| {
            let sum = async_io::block_on(async {
                let mut sum = 0;
                for number in 0..PER_PASS {
                    sum += LocalExecutor::new().run(async move { number }).await;
                }
                sum
            });
            check("the sum", sum, PER_PASS * (PER_PASS - 1) / 2)?;
            Ok(PER_PASS)
        })
    }
}
