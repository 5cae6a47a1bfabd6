//! Models of what waits in a line: `Event` and `Condvar`.

use crate::sync::model::kit::{block_on, check, poll_once};
use crate::sync::{Condvar, Event, Mutex};
use loom::sync::Arc;
use loom::thread;

// Planted fault: in `Event::wait`, look at the flag before standing in line instead of under its lock: deadlock.
#[test]
fn model_event_set_against_wait() {
    check(|| {
        let event = Arc::new(Event::new());
        let other = Arc::clone(&event);
        let setter = thread::spawn(move || other.set());
        block_on(event.wait());
        assert!(event.is_set() && setter.join().unwrap());
    });
}

// Planted fault: in `Event::set`, set the flag before the lock is taken and call after: the waiter of a cleared event is
// called by the set before it.
#[test]
fn model_event_waits_after_clear() {
    check(|| {
        let event = Arc::new(Event::new());
        let other = Arc::clone(&event);
        let setter = thread::spawn(move || other.set());
        if event.clear() {
            // The set has happened: whoever comes now waits for another.
            let mut waiting = Box::pin(event.wait());
            assert!(poll_once(waiting.as_mut()).is_pending());
            setter.join().unwrap();
            assert!(poll_once(waiting.as_mut()).is_pending());
        } else {
            setter.join().unwrap();
        }
    });
}

// Planted fault: in `Condvar::unlock_and_wait`, drop the guard before `enter`: deadlock.
#[test]
fn model_condvar_hears_a_call_after_the_unlock() {
    check(|| {
        let pair = Arc::new((Mutex::new(false), Condvar::new()));
        let other = Arc::clone(&pair);
        let caller = thread::spawn(move || {
            *block_on(other.0.lock()) = true;
            other.1.notify_one();
        });
        let guard = block_on(async { pair.1.wait_while(pair.0.lock().await, |ready| !*ready).await });
        assert!(*guard);
        drop(guard);
        caller.join().unwrap();
    });
}

// Planted fault: in `Line::leave`, call nobody: deadlock (museum LW13).
#[test]
fn museum_lw13_model_condvar_cancel_against_call() {
    check(|| {
        let pair = Arc::new((Mutex::new(false), Condvar::new()));
        let mut first = Box::pin(pair.1.wait(block_on(pair.0.lock())));
        assert!(poll_once(first.as_mut()).is_pending());
        let other = Arc::clone(&pair);
        let caller = thread::spawn(move || {
            *block_on(other.0.lock()) = true;
            other.1.notify_one();
        });
        let other = Arc::clone(&pair);
        let second = thread::spawn(move || {
            drop(block_on(async { other.1.wait_while(other.0.lock().await, |ready| !*ready).await }));
        });
        drop(first);
        caller.join().unwrap();
        second.join().unwrap();
    });
}
