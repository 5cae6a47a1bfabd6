//! A task that waits for itself, while others come and go. The other models of permits stand in `sync::model`.

use crate::sync::Semaphore;
use crate::sync::model::kit::{block_on, check};
use loom::sync::Arc;
use loom::thread;
use std::future::poll_fn;
use std::task::Poll;

// Planted fault: in `Permits::look_for_own`, find nobody, or in `Acquire::poll_queued`, do not wake after a mark: deadlock. In
// `change_places`, lose what the idle one had: deadlock.
#[test]
fn model_semaphore_futurelock_is_resolved_beside_a_stranger() {
    check(|| {
        let semaphore = Arc::new(Semaphore::new(1));
        let held = semaphore.try_acquire().unwrap();
        let other = Arc::clone(&semaphore);
        let stranger = thread::spawn(move || drop(block_on(other.acquire()).unwrap()));
        block_on(async {
            let mut idle = Box::pin(semaphore.acquire());
            assert!(poll_fn(|cx| Poll::Ready(idle.as_mut().poll(cx).is_pending())).await);
            drop(held);
            drop(semaphore.acquire().await.unwrap());
            drop(idle);
        });
        stranger.join().unwrap();
        assert_eq!(semaphore.available_permits(), 1);
    });
}
