//! Models of the queues: what they add to the permits under them.

use super::Queue;
use crate::sync::model::kit::{block_on, check};
use loom::sync::Arc;
use loom::thread;

// Planted fault: in `Exchange::shelve`, release no item: deadlock.
#[test]
fn model_queue_hands_items_over() {
    check(|| {
        let queue = Arc::new(Queue::new(1));
        let other = Arc::clone(&queue);
        let producer = thread::spawn(move || {
            block_on(other.put(1)).unwrap();
            block_on(other.put(2)).unwrap();
        });
        assert_eq!(block_on(queue.get()), Ok(1));
        assert_eq!(block_on(queue.get()), Ok(2));
        producer.join().unwrap();
    });
}

// Planted fault: in `Exchange::shelve`, read `closed` before the lock is taken: an item that was accepted is lost.
#[test]
fn model_queue_close_against_put_and_get() {
    check(|| {
        let queue = Arc::new(Queue::unbounded());
        let other = Arc::clone(&queue);
        let producer = thread::spawn(move || other.try_put(1).is_ok());
        let other = Arc::clone(&queue);
        let closer = thread::spawn(move || other.close());
        let got = block_on(queue.get()).is_ok();
        let accepted = producer.join().unwrap();
        closer.join().unwrap();
        assert_eq!(got, accepted);
    });
}

// Planted fault: in `Exchange::join`, look at the count outside of the line's lock: deadlock.
#[test]
fn model_queue_join_against_task_done() {
    check(|| {
        let queue = Arc::new(Queue::unbounded());
        queue.try_put(()).unwrap();
        let other = Arc::clone(&queue);
        let worker = thread::spawn(move || {
            other.try_get().unwrap();
            other.task_done();
        });
        block_on(queue.join());
        assert_eq!(queue.statistics().unfinished, 0);
        worker.join().unwrap();
    });
}
