//! Models of `CancellationToken`.

use crate::sync::CancellationToken;
use crate::sync::model::kit::{block_on, check};
use loom::thread;

// Planted fault: in `Member::cancel`, wake before the flags are set: the assertion.
#[test]
fn model_token_cancel_against_wait() {
    check(|| {
        let token = CancellationToken::new();
        let other = token.clone();
        let canceller = thread::spawn(move || other.cancel());
        block_on(token.cancelled());
        assert!(token.is_cancelled());
        canceller.join().unwrap();
    });
}

// Planted fault: in `Member::join`, do not ask whether the parent still has its place: a link that leads nowhere.
#[test]
fn model_token_cancel_against_a_new_child() {
    check(|| {
        let token = CancellationToken::new();
        let other = token.clone();
        let canceller = thread::spawn(move || other.cancel());
        let child = token.child_token();
        canceller.join().unwrap();
        assert!(child.is_cancelled());
    });
}

// Planted fault: in `Tree::cut`, pass over places whose member is gone without looking at their children: the child is
// never cancelled. In `replace_by_child`, do not mend the links: one that leads nowhere.
#[test]
fn model_token_cancel_against_the_end_of_a_parent() {
    check(|| {
        let root = CancellationToken::new();
        let parent = root.child_token();
        let child = parent.child_token();
        let canceller = thread::spawn(move || root.cancel());
        // On this thread: loom begins with it, and stops it between the last count and the family's lock.
        drop(parent);
        canceller.join().unwrap();
        assert!(child.is_cancelled());
    });
}
