//! A task that waits for itself, while others come and go. The other models of permits stand in `sync::model`.

use crate::sync::Semaphore;
use crate::sync::model::kit::{block_on, check};
use loom::sync::Arc;
use loom::thread;
use std::future::poll_fn;
use std::task::Poll;

// Planted fault: in `Permits::look_for_own`, find nobody, or in `Acquire::poll_queued`, do not wake after a note: deadlock. In
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

// D10. Planted fault: in `Permits::look_for_own`, note nothing where another keeps the task awake, whatever its waker: deadlock,
// since that other one is put aside as well.
#[test]
fn model_semaphore_two_idle_futures_do_not_bar_a_third() {
    check(|| {
        let semaphore = Arc::new(Semaphore::new(0));
        let other = Arc::clone(&semaphore);
        let releaser = thread::spawn(move || other.add_permits(1));
        block_on(async {
            let mut idle = [Box::pin(semaphore.acquire()), Box::pin(semaphore.acquire())];
            for future in &mut idle {
                // Ready: the permit was there, and is free again.
                poll_fn(|cx| Poll::Ready(drop(future.as_mut().poll(cx)))).await;
            }
            drop(semaphore.acquire().await.unwrap());
            drop(idle);
        });
        releaser.join().unwrap();
        assert_eq!(semaphore.available_permits(), 1);
    });
}
