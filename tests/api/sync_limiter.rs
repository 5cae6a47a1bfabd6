//! `CapacityLimiter`.

use runtime::sync::{Borrower, CapacityLimiter, CapacityToken, TryBorrowError};
use runtime_tests::hostile::{Dice, Wakes, now, poll, poll_with};
use runtime_tests::{Flavor, for_each_flavor};
use std::collections::VecDeque;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;

#[test]
fn tokens_are_lent_in_order_and_come_back() {
    let limiter = CapacityLimiter::new(1);
    let borrowers: Vec<_> = (0..3).map(|_| Borrower::new()).collect();
    let held = limiter.try_acquire().unwrap();
    assert_eq!(held.borrower(), Borrower::current());
    assert!(std::ptr::eq(held.limiter(), &limiter) && held.borrower().task_id().is_none());
    let wakes: Vec<_> = borrowers.iter().map(|_| Wakes::new()).collect();
    let mut waiting: Vec<_> = borrowers.iter().map(|b| Box::pin(limiter.acquire_on_behalf_of(*b))).collect();
    for (waiting, wakes) in waiting.iter_mut().zip(&wakes) {
        assert!(poll_with(waiting.as_mut(), &wakes.waker()).is_pending());
    }
    let statistics = limiter.statistics();
    assert_eq!((statistics.total_tokens, statistics.borrowed_tokens, statistics.waiting), (1, 1, 3));
    assert_eq!(statistics.borrowers, [Borrower::current()]);
    drop(held);
    for n in 0..3 {
        assert_eq!(wakes.iter().map(|wakes| wakes.count()).sum::<usize>(), n + 1);
        assert_eq!(limiter.try_acquire().unwrap_err(), TryBorrowError::NoTokens, "promised to a waiter");
        let Poll::Ready(Ok(token)) = poll(waiting[n].as_mut()) else { panic!("{n}") };
        assert_eq!(token.borrower(), borrowers[n]);
        drop(token);
    }
    drop(waiting);
    assert_eq!((limiter.borrowed_tokens(), limiter.available_tokens()), (0, 1));
    drop(limiter.blocking_acquire().unwrap());
}

#[test]
fn nobody_borrows_twice() {
    let limiter = Arc::new(CapacityLimiter::new(2));
    let borrower = Borrower::new();
    let token = now(limiter.clone().acquire_owned_on_behalf_of(borrower)).unwrap();
    let error = now(limiter.acquire_on_behalf_of(borrower)).unwrap_err();
    assert_eq!(error.borrower(), borrower);
    assert!(error.to_string().contains("has a token of this limiter already"), "{error}");
    assert_eq!(limiter.try_acquire_on_behalf_of(borrower).unwrap_err(), TryBorrowError::AlreadyBorrowed(error));
    assert_eq!((token.borrower(), token.limiter().borrowed_tokens()), (borrower, 1));
    drop(token);
    limiter.set_total_tokens(0);
    let mut waiting = Box::pin(limiter.acquire_on_behalf_of(borrower));
    assert!(poll(waiting.as_mut()).is_pending());
    assert!(now(limiter.acquire_on_behalf_of(borrower)).is_err(), "it waits for one");
    drop(waiting);
    limiter.set_total_tokens(1);
    drop(now(limiter.acquire_on_behalf_of(borrower)).unwrap());
}

#[test]
fn the_size_changes_in_use() {
    let limiter = CapacityLimiter::new(3);
    let mut held: Vec<_> = (0..3).map(|_| limiter.try_acquire_on_behalf_of(Borrower::new()).unwrap()).collect();
    limiter.set_total_tokens(1);
    assert_eq!((limiter.total_tokens(), limiter.borrowed_tokens(), limiter.available_tokens()), (1, 3, 0));
    let wakes = Wakes::new();
    let mut waiting: Vec<_> = (0..4).map(|_| Box::pin(limiter.acquire_on_behalf_of(Borrower::new()))).collect();
    waiting.iter_mut().for_each(|w| assert!(poll_with(w.as_mut(), &wakes.waker()).is_pending()));
    held.pop();
    held.pop();
    assert_eq!(wakes.count(), 0, "still one too many");
    held.pop();
    assert_eq!(wakes.count(), 1);
    limiter.set_total_tokens(3);
    assert_eq!(wakes.count(), 3);
    // What was given to waiters that go is given on.
    drop(waiting.remove(0));
    assert_eq!(wakes.count(), 4);
    drop(waiting);
    assert_eq!((limiter.borrowed_tokens(), limiter.statistics().waiting), (0, 0));
}

#[test]
fn limiters_against_their_model() {
    type Waiting<'a> = Pin<Box<dyn Future<Output = Result<CapacityToken<'a>, runtime::sync::AlreadyBorrowed>> + 'a>>;
    for seed in 1..300 {
        let mut dice = Dice(seed);
        let limiter = CapacityLimiter::new(2);
        let mut total = 2;
        let mut held = Vec::new();
        // In the order of their coming; the first `given` have been given a token.
        let mut queue: VecDeque<(Borrower, bool, Waiting<'_>)> = VecDeque::new();
        for step in 0..300 {
            match dice.below(5) {
                0 => {
                    let borrower = Borrower::new();
                    let mut waiting: Waiting<'_> = Box::pin(limiter.acquire_on_behalf_of(borrower));
                    match poll(waiting.as_mut()) {
                        Poll::Ready(token) => held.push(token.unwrap()),
                        Poll::Pending => queue.push_back((borrower, false, waiting)),
                    }
                }
                1 if !held.is_empty() => drop(held.swap_remove(dice.below(held.len()))),
                2 if !queue.is_empty() => drop(queue.remove(dice.below(queue.len()))),
                3 if !queue.is_empty() => {
                    let at = dice.below(queue.len());
                    let polled = poll(queue[at].2.as_mut());
                    assert_eq!(polled.is_ready(), queue[at].1, "seed {seed} step {step}");
                    if let Poll::Ready(token) = polled {
                        held.push(token.unwrap());
                        queue.remove(at);
                    }
                }
                4 => {
                    total = dice.below(4);
                    limiter.set_total_tokens(total);
                }
                _ => {}
            }
            let mut borrowed = held.len() + queue.iter().filter(|waiter| waiter.1).count();
            for waiter in &mut queue {
                if !waiter.1 && borrowed < total {
                    waiter.1 = true;
                    borrowed += 1;
                }
            }
            assert_eq!(limiter.borrowed_tokens(), borrowed, "seed {seed} step {step}");
            assert_eq!(limiter.statistics().waiting, queue.iter().filter(|waiter| !waiter.1).count());
            assert_eq!(limiter.statistics().borrowers.len(), borrowed);
        }
    }
}

for_each_flavor!(tasks_are_borrowers);

fn tasks_are_borrowers(flavor: Flavor) {
    flavor.build().block_on(async {
        let limiter = Arc::new(CapacityLimiter::new(3));
        let tasks: Vec<_> = (0..20)
            .map(|_| {
                let limiter = limiter.clone();
                runtime::spawn(async move {
                    for _ in 0..50 {
                        let token = limiter.acquire().await.unwrap();
                        assert_eq!(token.borrower().task_id(), Some(runtime::task::id()));
                        assert!(limiter.borrowed_tokens() <= 3 && pin!(limiter.acquire()).await.is_err());
                        runtime::task::yield_now().await;
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(limiter.borrowed_tokens(), 0);
    });
}
