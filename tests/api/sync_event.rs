//! `Event` and `Condvar`.

use runtime::sync::{Condvar, Event, Mutex, MutexGuard};
use runtime_tests::hostile::{Dice, Wakes, block_on, no_deadlock, now, poll, poll_with};
use runtime_tests::{Flavor, for_each_flavor};
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;

static READY: Event = Event::const_new();
static CALLED: Condvar = Condvar::const_new();

#[test]
fn an_event_stays_set_until_it_is_cleared() {
    let event = Event::default();
    let wakes = [Wakes::new(), Wakes::new()];
    let mut waiting: Vec<_> = (0..2).map(|_| Box::pin(event.wait())).collect();
    for (waiting, wakes) in waiting.iter_mut().zip(&wakes) {
        assert!(poll_with(waiting.as_mut(), &wakes.waker()).is_pending());
    }
    assert!(!event.is_set() && !event.clear());
    assert!(event.set() && !event.set() && event.is_set());
    assert_eq!(wakes.each_ref().map(|wakes| wakes.count()), [1, 1]);
    now(event.wait());
    assert_eq!(format!("{event:?}"), "Event { set: true, .. }");
    assert!(event.clear() && !event.clear());
    // Called before the flag was cleared: they go on.
    assert!(waiting.iter_mut().all(|waiting| poll(waiting.as_mut()).is_ready()));
    assert!(poll(pin!(event.wait())).is_pending());
    drop(waiting);
    READY.set();
    READY.blocking_wait();
}

#[test]
fn events_against_their_model() {
    for seed in 1..200 {
        let mut dice = Dice(seed);
        let event = Event::new();
        let mut set = false;
        type Waiter<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;
        // And: has it been polled, has it been called?
        let mut waiting: Vec<(Waiter<'_>, bool, bool)> = Vec::new();
        for step in 0..300 {
            match dice.below(5) {
                0 => waiting.push((Box::pin(event.wait()), false, false)),
                1 if !waiting.is_empty() => {
                    let at = dice.below(waiting.len());
                    let (future, polled, called) = &mut waiting[at];
                    let due = *called || (!*polled && set);
                    assert_eq!(poll(future.as_mut()).is_ready(), due, "seed {seed} step {step}");
                    *polled = true;
                    if due {
                        drop(waiting.swap_remove(at));
                    }
                }
                2 if !waiting.is_empty() => drop(waiting.swap_remove(dice.below(waiting.len()))),
                3 => {
                    assert_eq!(event.set(), !set);
                    if !set {
                        waiting.iter_mut().for_each(|(_, polled, called)| *called |= *polled);
                    }
                    set = true;
                }
                _ => {
                    assert_eq!(event.clear(), set);
                    set = false;
                }
            }
        }
    }
}

#[test]
fn a_condvar_unlocks_waits_and_locks_again() {
    let (mutex, condvar) = (Mutex::new(0), Condvar::default());
    assert!(!condvar.notify_one(), "forgotten: nobody waits");
    let wakes = Wakes::new();
    let mut waiting = pin!(condvar.wait(mutex.try_lock().unwrap()));
    assert!(poll_with(waiting.as_mut(), &wakes.waker()).is_pending());
    let mut guard = mutex.try_lock().expect("unlocked while it waits");
    *guard = 1;
    assert!(condvar.notify_one());
    assert_eq!(wakes.count(), 1);
    assert!(poll_with(waiting.as_mut(), &wakes.waker()).is_pending(), "called, but the lock is held");
    drop(guard);
    let Poll::Ready(guard) = poll(waiting) else { panic!("called and unlocked") };
    assert_eq!(*guard, 1);
    assert!(mutex.try_lock().is_err());
    drop(guard);

    let mutex = Arc::new(Mutex::new(0));
    let mut waiting = Box::pin(CALLED.wait_owned(mutex.clone().try_lock_owned().unwrap()));
    assert!(poll(waiting.as_mut()).is_pending());
    CALLED.notify_all();
    assert!(poll(waiting.as_mut()).is_ready());
}

#[test]
fn wait_while_looks_first() {
    let (mutex, condvar) = (Mutex::new(3), Condvar::new());
    drop(now(condvar.wait_while(mutex.try_lock().unwrap(), |n| *n != 3)));
    let mut waiting = pin!(condvar.wait_while(mutex.try_lock().unwrap(), |n| *n > 1));
    assert!(poll(waiting.as_mut()).is_pending());
    for (n, expected) in [(2, false), (1, true)] {
        *now(mutex.lock()) = n;
        assert!(condvar.notify_one());
        assert_eq!(poll(waiting.as_mut()).is_ready(), expected, "{n}");
    }
}

/// Cancelled in line after the call, and cancelled while it locks again: the next in line gets the call.
#[test]
fn museum_lw13_a_condvar_passes_a_call_on() {
    for locks_again in [false, true] {
        let (mutex, condvar) = (Mutex::new(()), Condvar::new());
        let wakes = Wakes::new();
        let mut first = Box::pin(condvar.wait(mutex.try_lock().unwrap()));
        assert!(poll(first.as_mut()).is_pending());
        let mut second = Box::pin(condvar.wait(mutex.try_lock().unwrap()));
        assert!(poll_with(second.as_mut(), &wakes.waker()).is_pending());
        let held = mutex.try_lock().unwrap();
        assert!(condvar.notify_one());
        if locks_again {
            assert!(poll(first.as_mut()).is_pending());
        }
        drop(first);
        assert_eq!(wakes.count(), 1);
        drop(held);
        assert!(poll(second.as_mut()).is_ready());
    }
}

/// As many calls as items, random cancels in between: nobody sleeps on an item.
#[test]
fn d10_a_call_for_all_is_not_passed_on_to_one_who_comes_later() {
    for (calls, woken) in [(1, true), (2, false)] {
        let (mutex, condvar) = (Arc::new(Mutex::new(0)), Condvar::new());
        let mut first: [Pin<Box<dyn Future<Output = ()>>>; 2] = [
            Box::pin(async { drop(condvar.wait(mutex.lock().await).await) }),
            Box::pin(async { drop(condvar.wait_owned(mutex.clone().lock_owned().await).await) }),
        ];
        for waits in &mut first[..calls] {
            assert!(poll(waits.as_mut()).is_pending());
        }
        if calls == 1 {
            assert!(condvar.notify_one())
        } else {
            condvar.notify_all()
        }
        let later = mutex.try_lock().unwrap();
        for waits in &mut first[..calls] {
            assert!(poll(waits.as_mut()).is_pending(), "called, and waits for the lock");
        }
        let (mut later, wakes) = (Box::pin(condvar.wait(later)), Wakes::new());
        assert!(poll_with(later.as_mut(), &wakes.waker()).is_pending());
        drop(first);
        assert_eq!(wakes.count() == 1, woken, "{calls} were called");
    }
}

#[test]
fn condvar_calls_are_conserved() {
    no_deadlock(|| {
        let (mutex, condvar) = (Mutex::new(0usize), Condvar::new());
        let mut dice = Dice(7);
        let mut waiting: Vec<Pin<Box<dyn Future<Output = MutexGuard<'_, usize>> + '_>>> = Vec::new();
        let mut taken = 0;
        for n in 0..70_000 {
            while waiting.len() < 6 {
                let mut next: Pin<Box<dyn Future<Output = _>>> =
                    Box::pin(async { condvar.wait_while(mutex.lock().await, |items| *items == 0).await });
                match poll(next.as_mut()) {
                    Poll::Ready(mut guard) => {
                        *guard -= 1;
                        taken += 1;
                    }
                    Poll::Pending => waiting.push(next),
                }
            }
            *now(mutex.lock()) += 1;
            condvar.notify_one();
            drop(waiting.swap_remove(dice.below(waiting.len())));
            if n % 2 == 0 {
                drop(waiting.swap_remove(dice.below(waiting.len())));
            }
            waiting.retain_mut(|waiting| match poll(waiting.as_mut()) {
                Poll::Ready(mut guard) => {
                    *guard -= 1;
                    taken += 1;
                    false
                }
                Poll::Pending => true,
            });
            assert_eq!(*now(mutex.lock()), 0, "{n}: an item, and somebody waits");
        }
        assert_eq!(taken, 70_000);
    });
}

for_each_flavor!(a_bounded_buffer_over_a_condvar, an_event_starts_a_race);

fn a_bounded_buffer_over_a_condvar(flavor: Flavor) {
    struct Buffer {
        items: Mutex<Vec<u32>>,
        filled: Condvar,
        emptied: Condvar,
    }
    let buffer = Arc::new(Buffer { items: Mutex::new(Vec::new()), filled: Condvar::new(), emptied: Condvar::new() });
    flavor.build().block_on(async {
        let consumers: Vec<_> = (0..4)
            .map(|_| {
                let buffer = buffer.clone();
                runtime::spawn(async move {
                    let mut sum = 0;
                    for _ in 0..500 {
                        let items = buffer.items.lock().await;
                        let mut items = buffer.filled.wait_while(items, |items| items.is_empty()).await;
                        sum += items.pop().unwrap();
                        buffer.emptied.notify_one();
                    }
                    sum
                })
            })
            .collect();
        for n in 0..2000 {
            let items = buffer.items.lock().await;
            let mut items = buffer.emptied.wait_while(items, |items| items.len() >= 3).await;
            items.push(n);
            buffer.filled.notify_one();
        }
        let mut sum = 0;
        for consumer in consumers {
            sum += consumer.await.unwrap();
        }
        assert_eq!(sum, 2000 * 1999 / 2);
    });
}

fn an_event_starts_a_race(flavor: Flavor) {
    flavor.build().block_on(async {
        let event = Arc::new(Event::new());
        let tasks: Vec<_> = (0..50)
            .map(|_| {
                let event = event.clone();
                runtime::spawn(async move { event.wait().await })
            })
            .collect();
        let thread = {
            let event = event.clone();
            std::thread::spawn(move || block_on(event.wait()))
        };
        runtime::task::yield_now().await;
        event.set();
        for task in tasks {
            task.await.unwrap();
        }
        runtime::task::spawn_blocking(move || thread.join().unwrap()).await.unwrap();
    });
}
