//! Puts one thread to sleep and wakes it, without a token ever getting lost.
//!
//! Owns: the parker's word.
//! Not here: who should sleep (`sched/idle`), waiting for sockets (`drive`); but the word knows that its thread may be
//! asleep *in the driver*, and tells the waking thread, which must then write to the driver's eventfd.
//!
//! | word     | meaning                              | left by                        |
//! |----------|--------------------------------------|--------------------------------|
//! | EMPTY    | runs, no token                       | park, enter_driver, unpark     |
//! | NOTIFIED | a token: the next sleep ends at once | its thread takes it            |
//! | PARKED   | sleeps on the futex                  | unpark; its thread (time out)  |
//! | POLLING  | sleeps in the driver                 | unpark; its thread             |
//!
//! `unpark` swaps NOTIFIED in with AcqRel and acts on what was there; the sleeper takes the token with a swap too. So
//! what the waking thread wrote before is seen by the thread that wakes.

use super::atomics::{AtomicU32, Ordering};
use super::sys::Sleep;
use std::time::Duration;

const EMPTY: u32 = 0;
const NOTIFIED: u32 = 1;
const PARKED: u32 = 2;
const POLLING: u32 = 3;

/// What `unpark` leaves to its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum AfterUnpark {
    Done,
    /// The thread waits inside the driver: notify that.
    NotifyDriver,
}

pub(crate) struct Parker {
    word: AtomicU32,
    sleep: Sleep,
}

impl Parker {
    pub(crate) fn new() -> Self {
        Parker { word: AtomicU32::new(EMPTY), sleep: Sleep::new() }
    }

    /// Sleeps until there is a token, or for `timeout`; takes the token. Only the parker's own thread may call it.
    pub(crate) fn park(&self, timeout: Option<Duration>) {
        if !self.begin(PARKED) {
            return;
        }
        self.sleep.wait_while(&self.word, PARKED, timeout);
        self.take_token();
    }

    /// Says that this thread goes to sleep in the driver. `false`: there is a token (now taken), do not sleep.
    pub(crate) fn enter_driver(&self) -> bool {
        self.begin(POLLING)
    }

    /// Back from the driver.
    pub(crate) fn leave_driver(&self) {
        self.take_token();
    }

    fn begin(&self, how: u32) -> bool {
        match self.word.compare_exchange(EMPTY, how, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => true,
            Err(_) => {
                self.take_token();
                false
            }
        }
    }

    fn take_token(&self) {
        self.word.swap(EMPTY, Ordering::AcqRel);
    }

    /// Leaves a token and wakes the thread if it sleeps. Never blocks.
    pub(crate) fn unpark(&self) -> AfterUnpark {
        match self.word.swap(NOTIFIED, Ordering::AcqRel) {
            PARKED => {
                self.sleep.wake(&self.word);
                AfterUnpark::Done
            }
            POLLING => AfterUnpark::NotifyDriver,
            _ => AfterUnpark::Done,
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn a_token_left_before_the_sleep_ends_it_at_once() {
        let parker = Parker::new();
        assert_eq!(parker.unpark(), AfterUnpark::Done);
        parker.park(None);
        assert_eq!(parker.unpark(), AfterUnpark::Done);
        assert!(!parker.enter_driver(), "the token counts for the driver too");
        assert!(parker.enter_driver());
        assert_eq!(parker.unpark(), AfterUnpark::NotifyDriver);
        parker.leave_driver();
        parker.park(Some(Duration::from_millis(1)));
    }

    #[test]
    fn ten_thousand_hand_overs() {
        let (a, b) = (Arc::new(Parker::new()), Arc::new(Parker::new()));
        let (a2, b2) = (a.clone(), b.clone());
        let other = std::thread::spawn(move || {
            for _ in 0..10_000 {
                a2.park(None);
                let _ = b2.unpark();
            }
        });
        for _ in 0..10_000 {
            let _ = a.unpark();
            b.park(None);
        }
        other.join().unwrap();
    }
}
