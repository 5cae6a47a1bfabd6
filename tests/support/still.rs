//! Runtimes whose time stands still.

use crate::Flavor;
use runtime::runtime::Runtime;
use std::future::Future;

/// A runtime of this flavor whose time stands still. `None`: tokio has that on one thread only, and this is tokio.
pub fn still(flavor: Flavor) -> Option<Runtime> {
    if cfg!(feature = "oracle") && flavor.is_multi_thread() {
        return None;
    }
    Some(flavor.builder().enable_all().start_paused(true).build().expect("no runtime"))
}

/// Runs what `make` makes in still time: as the future of `block_on`, and then as a task.
pub fn in_still_time<F>(flavor: Flavor, make: impl Fn() -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let (Some(one), Some(two)) = (still(flavor), still(flavor)) else { return };
    one.block_on(make());
    two.block_on(async { runtime::spawn(make()).await.expect("the task panicked") });
}
