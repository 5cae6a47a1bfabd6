//! Bugs of other runtimes' channels and locks. The exhaustive halves of some exhibits are loom models and stand beside
//! the code (`museum_*_model_*`); the random ones stand in `api/sync_models.rs` and `api/sync_conserve.rs`.

mod subjects;

use runtime::sync::{Barrier, Mutex, Notify, broadcast, mpsc, oneshot, watch};
use runtime_tests::hostile::{Act, Script, Wakes, hostile, no_deadlock, now, poll, poll_with};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Waker;
use subjects::{every_subject, lone_subjects, subjects};

/// Scripts with the act at each of the three events.
fn scripts(act: impl Fn() -> Act) -> Vec<(&'static str, Script)> {
    vec![
        ("clone", Script { on_clone: Some(act()), ..Script::default() }),
        ("wake", Script { on_wake: Some(act()), ..Script::default() }),
        ("drop", Script { on_drop: Some(act()), ..Script::default() }),
    ]
}

/// Wakers that call back into the object: while they are registered, replaced, cancelled, fired.
#[test]
#[cfg_attr(feature = "oracle", ignore = "tokio drops some wakers under its locks")]
fn museum_w1_wakers_that_call_back_do_not_deadlock() {
    no_deadlock(|| {
        for which in 0..every_subject().len() {
            for end in ["replace", "cancel", "fire"] {
                for event in 0..3 {
                    let subject = every_subject().swap_remove(which);
                    let calls = Arc::new(AtomicUsize::new(0));
                    let act = || -> Act {
                        let (touch, calls) = (subject.touch.clone(), calls.clone());
                        Box::new(move || {
                            calls.fetch_add(1, Ordering::SeqCst);
                            touch();
                        })
                    };
                    let (event, script) = scripts(act).swap_remove(event);
                    let waker = hostile(script);
                    let mut waiting = (subject.wait)();
                    assert!(poll_with(waiting.as_mut(), &waker).is_pending());
                    drop(waker);
                    match end {
                        "replace" => assert!(poll_with(waiting.as_mut(), Waker::noop()).is_pending()),
                        "cancel" => {}
                        _ => (subject.fire)(),
                    }
                    if end != "cancel" {
                        (subject.fire)();
                        assert!(poll(waiting.as_mut()).is_ready(), "{}, {end}, {event}", subject.name);
                    }
                    drop(waiting);
                    if event != "wake" || end == "fire" {
                        assert!(calls.load(Ordering::SeqCst) > 0, "{}, {end}, {event}: not called", subject.name);
                    }
                }
            }
        }
    });
}

/// Three wait, the middle one's waker panics: the other two are woken, and the object goes on.
#[test]
#[cfg_attr(feature = "oracle", ignore = "in tokio it takes others with it")]
fn museum_w2_a_waker_that_panics_takes_nobody_with_it() {
    no_deadlock(|| {
        for which in 0..subjects().len() {
            for event in 0..3 {
                let subject = subjects().swap_remove(which);
                let wakes = [Wakes::new(), Wakes::new()];
                let armed = Arc::new(AtomicUsize::new(0));
                let act = || -> Act {
                    let armed = armed.clone();
                    Box::new(move || assert!(armed.load(Ordering::SeqCst) == 0, "hostile waker"))
                };
                let (event, script) = scripts(act).swap_remove(event);
                let mut waiting: Vec<_> = (0..3).map(|_| Some((subject.wait)())).collect();
                let wakers = [wakes[0].waker(), hostile(script), wakes[1].waker()];
                for (waiting, waker) in waiting.iter_mut().zip(&wakers) {
                    assert!(poll_with(waiting.as_mut().unwrap().as_mut(), waker).is_pending());
                }
                armed.store(1, Ordering::SeqCst);
                let label = format!("{}, panic in {event}", subject.name);
                let fire = || drop(catch_unwind(AssertUnwindSafe(|| (subject.fire)())));
                fire();
                for n in 0..3 {
                    if n > 0 && !subject.fires_all {
                        fire();
                    }
                    if n != 1 {
                        assert_eq!(wakes[n / 2].count(), 1, "{label}: waiter {n}");
                    }
                    let mut served = waiting[n].take().unwrap();
                    let polled = catch_unwind(AssertUnwindSafe(|| poll(served.as_mut()).is_ready()));
                    assert!(polled.unwrap_or(true), "{label}: waiter {n} was not served");
                    let _ = catch_unwind(AssertUnwindSafe(|| drop(served)));
                }
                armed.store(0, Ordering::SeqCst);
                // What happens once has happened; everything else happens again.
                let mut after = (subject.wait)();
                if poll(after.as_mut()).is_pending() {
                    (subject.fire)();
                    assert!(poll(after.as_mut()).is_ready(), "{label}: not usable afterwards");
                }
            }
        }
    });
}

/// The only one that waits panics in its waker: what it waited for has happened all the same.
#[test]
#[cfg_attr(feature = "oracle", ignore = "in tokio some of it is lost")]
fn museum_w2_a_waker_that_panics_loses_nothing() {
    no_deadlock(|| {
        for which in 0..lone_subjects().len() {
            for event in 0..3 {
                let subject = lone_subjects().swap_remove(which);
                let armed = Arc::new(AtomicUsize::new(0));
                let act = || -> Act {
                    let armed = armed.clone();
                    Box::new(move || assert!(armed.load(Ordering::SeqCst) == 0, "hostile waker"))
                };
                let (event, script) = scripts(act).swap_remove(event);
                let waker = hostile(script);
                let mut waiting = (subject.wait)();
                assert!(poll_with(waiting.as_mut(), &waker).is_pending());
                armed.store(1, Ordering::SeqCst);
                let _ = catch_unwind(AssertUnwindSafe(|| (subject.fire)()));
                armed.store(0, Ordering::SeqCst);
                assert!(poll(waiting.as_mut()).is_ready(), "{}, panic in {event}", subject.name);
            }
        }
    });
}

/// Tasks that wait again as soon as they are woken belong to the next round: one `notify_waiters` ends. If each waiter
/// cost as much as there are others, this would take ten thousand million steps, and the watchdog would end it.
#[test]
fn museum_w5_waking_all_is_linear_and_ends() {
    const EACH: usize = 100_000;
    let _watch = runtime_tests::watchdog();
    let notify = Arc::new(Notify::new());
    let wakes = Wakes::new();
    let mut waiting: Vec<_> = (0..EACH).map(|_| Box::pin(notify.notified())).collect();
    waiting.iter_mut().for_each(|waiting| assert!(poll_with(waiting.as_mut(), &wakes.waker()).is_pending()));
    // Waits again from inside the wake.
    let again = Arc::new(std::sync::Mutex::new(Vec::new()));
    let (notify2, again2) = (notify.clone(), again.clone());
    let waker = hostile(Script {
        on_wake: Some(Box::new(move || {
            let mut next = Box::pin(notify2.clone().notified_owned());
            assert!(poll(next.as_mut()).is_pending(), "the next round has not come");
            again2.lock().unwrap().push(next);
        })),
        ..Script::default()
    });
    let mut looping: Vec<_> = (0..EACH).map(|_| Box::pin(notify.notified())).collect();
    looping.iter_mut().for_each(|waiting| assert!(poll_with(waiting.as_mut(), &waker).is_pending()));
    notify.notify_waiters();
    assert_eq!((wakes.count(), again.lock().unwrap().len()), (EACH, EACH));
}

/// What a waiter was given goes on when it is dropped unpolled.
#[test]
fn museum_lw13_a_wake_given_to_a_cancelled_waiter_is_passed_on() {
    for subject in subjects().into_iter().filter(|subject| !subject.fires_all) {
        let wakes = Wakes::new();
        let (mut first, mut second) = ((subject.wait)(), (subject.wait)());
        assert!(poll(first.as_mut()).is_pending());
        assert!(poll_with(second.as_mut(), &wakes.waker()).is_pending());
        (subject.fire)();
        drop(first);
        assert_eq!(wakes.count(), 1, "{}", subject.name);
        assert!(poll(second.as_mut()).is_ready(), "{}", subject.name);
    }
    // A barrier counts a cancelled visitor, and a cell's next in the queue makes the value.
    let barrier = Barrier::new(3);
    let (mut first, mut second) = (Box::pin(barrier.wait()), Box::pin(barrier.wait()));
    assert!(poll(first.as_mut()).is_pending() && poll(second.as_mut()).is_pending());
    drop(first);
    assert!(now(barrier.wait()).is_leader() && poll(second.as_mut()).is_ready());
}

/// A permit that comes back to a closed channel wakes its receiver, whichever way it comes back.
///
/// Fault: a reservation that is cancelled does not wake the receiver of a closed channel.
#[test]
fn museum_lw14_a_closed_channel_ends_with_its_last_permit() {
    for how in 0..5 {
        let (tx, mut rx) = mpsc::channel::<u8>(2);
        let keep = tx.clone();
        let back: Box<dyn FnOnce()> = match how {
            0 => {
                let permit = tx.try_reserve_owned().unwrap();
                Box::new(move || drop(permit))
            }
            1 => {
                let permit = tx.try_reserve_owned().unwrap();
                Box::new(move || drop(permit.release()))
            }
            2 => {
                let tx: &'static _ = runtime_tests::leak(tx);
                let permits = tx.try_reserve_many(2).unwrap();
                Box::new(move || drop(permits))
            }
            3 => {
                let tx: &'static _ = runtime_tests::leak(tx);
                let permit = tx.try_reserve().unwrap();
                Box::new(move || drop(permit))
            }
            // Granted while it waited, and cancelled before it ran.
            _ => {
                let held = tx.clone().try_reserve_owned().unwrap();
                let mut waiting = Box::pin(async move { drop(tx.reserve_many(2).await) });
                assert!(poll(waiting.as_mut()).is_pending());
                drop(held);
                Box::new(move || drop(waiting))
            }
        };
        rx.close();
        let wakes = Wakes::new();
        let mut recv = pin!(rx.recv());
        assert!(poll_with(recv.as_mut(), &wakes.waker()).is_pending(), "way {how}");
        back();
        assert_eq!(wakes.count(), 1, "way {how}");
        assert_eq!(poll(recv), std::task::Poll::Ready(None), "way {how}");
        drop(keep);
    }
}

#[test]
fn museum_lw15_a_receiver_made_after_the_end_sees_it() {
    let (tx, rx) = broadcast::channel::<u8>(1);
    drop(tx);
    assert_eq!(now(rx.resubscribe().recv()), Err(broadcast::error::RecvError::Closed));
}

/// Fired between the look and the wait: the waker's clone, which happens in between, fires.
#[test]
#[cfg_attr(feature = "oracle", ignore = "tokio clones some wakers under its locks, and never comes back")]
fn museum_lw16_an_event_between_look_and_wait_is_not_lost() {
    for which in 0..every_subject().len() {
        let subject = Arc::new(every_subject().swap_remove(which));
        if subject.name == "barrier" {
            continue; // who has not arrived yet waits for the next round
        }
        let fired = Arc::new(AtomicUsize::new(0));
        let (inside, once) = (subject.clone(), fired.clone());
        let waker = hostile(Script {
            on_clone: Some(Box::new(move || {
                if once.fetch_add(1, Ordering::SeqCst) == 0 {
                    (inside.fire)();
                }
            })),
            ..Script::default()
        });
        let mut waiting = (subject.wait)();
        let first = poll_with(waiting.as_mut(), &waker);
        assert!(first.is_ready() || poll(waiting.as_mut()).is_ready(), "{}", subject.name);
        assert!(fired.load(Ordering::SeqCst) > 0, "{}: the waker was never cloned", subject.name);
    }
}

/// Only the waker of the last poll is woken, and the one before is let go.
#[test]
fn museum_lw18_the_last_waker_counts() {
    for subject in every_subject() {
        let (old, new) = (Wakes::new(), Wakes::new());
        let mut waiting = (subject.wait)();
        assert!(poll_with(waiting.as_mut(), &old.waker()).is_pending());
        assert!(poll_with(waiting.as_mut(), &new.waker()).is_pending());
        assert_eq!(Arc::strong_count(&old), 1, "{}: the old waker is kept", subject.name);
        (subject.fire)();
        assert_eq!((old.count(), new.count()), (0, 1), "{}", subject.name);
    }
}

/// Two polls with equal wakers, as `FuturesUnordered` and `select` do with their own: each leaf wakes the waker it got.
#[test]
fn museum_lw17_each_leaf_wakes_the_waker_it_was_polled_with() {
    for subject in subjects() {
        let wakes: Vec<_> = (0..4).map(|_| Wakes::new()).collect();
        let mut waiting: Vec<_> = (0..4).map(|_| (subject.wait)()).collect();
        for (waiting, wakes) in waiting.iter_mut().zip(&wakes) {
            assert!(poll_with(waiting.as_mut(), &wakes.waker()).is_pending());
        }
        for n in 0..4 {
            if n == 0 || !subject.fires_all {
                (subject.fire)();
            }
            assert_eq!(wakes[n].count(), 1, "{}: {n}", subject.name);
            assert!(poll(waiting[n].as_mut()).is_ready());
        }
    }
}

/// Clones and drops of values that call back into the channel.
#[test]
#[cfg_attr(feature = "oracle", ignore = "tokio clones and drops some values under its locks")]
fn museum_w1_values_that_call_back_do_not_deadlock() {
    struct Touch(Arc<dyn Fn() + Send + Sync>);
    impl Clone for Touch {
        fn clone(&self) -> Self {
            (self.0)();
            Touch(self.0.clone())
        }
    }
    impl Drop for Touch {
        fn drop(&mut self) {
            (self.0)();
        }
    }
    no_deadlock(|| {
        let tx = Arc::new(broadcast::Sender::new(1));
        let weak = Arc::downgrade(&tx);
        let touch: Arc<dyn Fn() + Send + Sync> = Arc::new(move || {
            if let Some(tx) = weak.upgrade() {
                let mut rx: broadcast::Receiver<Touch> = tx.subscribe();
                let _ = (tx.len(), poll(pin!(rx.recv())).is_ready());
            }
        });
        let (mut first, second) = (tx.subscribe(), tx.subscribe());
        for _ in 0..3 {
            assert!(tx.send(Touch(touch.clone())).is_ok());
        }
        assert!(first.try_recv().is_err() && first.try_recv().is_ok());
        drop((second, first));

        let (tx, _rx) = watch::channel(None);
        let tx = Arc::new(tx);
        let weak = Arc::downgrade(&tx);
        let touch: Arc<dyn Fn() + Send + Sync> = Arc::new(move || {
            if let Some(tx) = weak.upgrade() {
                let _ = tx.borrow().is_some();
                let _ = tx.send_if_modified(|_: &mut Option<Touch>| false);
            }
        });
        assert!(tx.send(Some(Touch(touch))).is_ok() && tx.send(None).is_ok());

        let (tx, rx) = mpsc::channel(4);
        let other = tx.clone();
        let touch: Arc<dyn Fn() + Send + Sync> = Arc::new(move || _ = other.try_reserve().is_ok());
        for _ in 0..4 {
            assert!(tx.try_send(Touch(touch.clone())).is_ok());
        }
        drop(rx);
    });
}

#[test]
fn museum_y7_blocked_primitives_use_no_cpu() {
    // A waiter that is not fired is not woken either: nothing spins.
    for subject in every_subject() {
        let wakes = Wakes::new();
        let mut waiting = (subject.wait)();
        assert!(poll_with(waiting.as_mut(), &wakes.waker()).is_pending());
        assert!(poll_with(waiting.as_mut(), &wakes.waker()).is_pending());
        assert_eq!(wakes.count(), 0, "{}", subject.name);
    }
}

/// try_recv after the outcome, close after success, wakers kept: see also `api/sync_oneshot.rs`.
#[test]
fn museum_y8_oneshot_after_its_outcome() {
    let (tx, mut rx) = oneshot::channel();
    tx.send(1).unwrap();
    rx.close();
    assert_eq!(rx.try_recv(), Ok(1));
    rx.close();
    assert_eq!(rx.try_recv(), Err(oneshot::error::TryRecvError::Closed));
}

/// A future that is forgotten while it waits blocks nobody behind it for ever when it has not been given anything.
#[test]
fn museum_y9_dropped_at_each_poll_count() {
    for polls in 0..3 {
        let mutex = Mutex::new(());
        let held = mutex.try_lock().unwrap();
        let mut early = Box::pin(mutex.lock());
        for _ in 0..polls {
            assert!(poll(early.as_mut()).is_pending());
        }
        let mut next = pin!(mutex.lock());
        assert!(poll(next.as_mut()).is_pending());
        drop(early);
        drop(held);
        assert!(poll(next).is_ready(), "dropped after {polls} polls");
    }
}

/// Mutex futures by the hundred thousand. If each cost as much as there are others, this would take ten thousand million
/// steps and more, and the watchdog would end it.
#[test]
fn museum_f2_many_waiters_on_one_mutex_are_linear() {
    let _watch = runtime_tests::watchdog();
    let mutex = Mutex::new(0);
    let held = mutex.try_lock().unwrap();
    let mut waiting: Vec<_> = (0..300_000).map(|_| Box::pin(mutex.lock())).collect();
    waiting.iter_mut().for_each(|waiting| assert!(poll(waiting.as_mut()).is_pending()));
    drop(held);
    for mut waiting in waiting {
        assert!(poll(waiting.as_mut()).is_ready());
    }
}

/// Receives that lose a race in a `select!` are dropped after a poll, or before one: what was sent is received or still
/// there. `api/sync_conserve.rs` does the same a hundred thousand times for each primitive.
#[test]
fn museum_y10_a_receive_that_loses_a_race_loses_no_item() {
    let mut dice = runtime_tests::hostile::Dice(10);
    let (tx, mut rx) = mpsc::channel(4);
    let (unbounded, mut unbounded_rx) = mpsc::unbounded_channel();
    let everybody = broadcast::Sender::new(64);
    let mut listener = everybody.subscribe();
    let (mut sent, mut received) = ([0; 3], [0; 3]);
    for n in 0..3_000 {
        sent[0] += usize::from(tx.try_send(n).is_ok());
        // A send that loses its race has sent nothing.
        let mut waiting = Box::pin(tx.send(n));
        sent[0] += usize::from(dice.below(2) == 0 && poll(waiting.as_mut()).is_ready());
        drop(waiting);
        unbounded.send(n).unwrap();
        everybody.send(n).unwrap();
        (sent[1], sent[2]) = (sent[1] + 1, sent[2] + 1);
        for _ in 0..2 {
            if dice.below(3) > 0 {
                received[0] += usize::from(poll(pin!(rx.recv())).is_ready());
                received[1] += usize::from(poll(pin!(unbounded_rx.recv())).is_ready());
                received[2] += usize::from(poll(pin!(listener.recv())).is_ready());
            } else {
                drop((rx.recv(), unbounded_rx.recv(), listener.recv()));
            }
        }
    }
    let left = [rx.len(), unbounded_rx.len(), listener.len()];
    assert_eq!(sent, [0, 1, 2].map(|which| received[which] + left[which]));
}
