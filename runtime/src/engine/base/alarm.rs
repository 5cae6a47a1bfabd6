//! Wakes one thread after a while, unless somebody takes it back before.
//!
//! Owns: nothing; the alarm is the system's (`sys`).   Not here: who sets it, and who may (`sched/guarantor`).
//!
//! A parker's thread chooses its own time out, when it goes to sleep. An alarm is chosen by others while the thread
//! sleeps, and that thread does not wake up for the choice: on Linux both are cheap calls, and nobody runs.

pub(crate) use super::sys::Alarm;

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    #[test]
    fn it_goes_off_when_it_was_set_before_the_wait_and_during_it() {
        let alarm = Arc::new(Alarm::new());
        alarm.set(Duration::ZERO);
        alarm.wait();
        alarm.clear();
        let other = alarm.clone();
        let sets = std::thread::spawn(move || other.set(Duration::from_millis(2)));
        alarm.wait();
        sets.join().unwrap();
    }

    #[test]
    fn one_that_was_taken_back_does_not_go_off() {
        let alarm = Arc::new(Alarm::new());
        let set_again = Arc::new(AtomicBool::new(false));
        alarm.set(Duration::from_millis(20));
        alarm.clear();
        let (other, says) = (alarm.clone(), set_again.clone());
        let sets = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(100));
            says.store(true, Ordering::SeqCst);
            other.set(Duration::ZERO);
        });
        alarm.wait();
        assert!(set_again.load(Ordering::SeqCst), "it went off although it was taken back");
        sets.join().unwrap();
    }
}
