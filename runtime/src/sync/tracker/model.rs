//! Models of `TaskTracker`.

use crate::sync::TaskTracker;
use crate::sync::model::kit::{block_on, check};
use loom::thread;

// Planted fault: in `TaskTracker::close`, call nobody: deadlock. In the drop of a token, compare with TOKEN alone: the wait
// ends before the close.
#[test]
fn model_tracker_last_token_against_close() {
    check(|| {
        let tracker = TaskTracker::new();
        let token = tracker.token();
        let dropper = thread::spawn(move || drop(token));
        let other = tracker.clone();
        let closer = thread::spawn(move || other.close());
        block_on(tracker.wait());
        assert!(tracker.is_empty() && tracker.is_closed());
        dropper.join().unwrap();
        assert!(closer.join().unwrap());
    });
}
