//! Random operations against models so simple that they are obviously right.

use runtime::sync::mpsc::error::{TryRecvError, TrySendError};
use runtime::sync::{AcquireError, Notify, Semaphore, SemaphorePermit, broadcast, mpsc, watch};
use runtime_tests::hostile::{Dice, poll};
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;

/// What a future in the model of `Notify` waits for.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Waiter {
    Made {
        round: usize,
    },
    Queued,
    /// Served; by which end, if it was one of the ends.
    Served(Option<bool>),
}

/// `Notify`, in the plainest way: a permit, a round, a queue of names.
#[derive(Default)]
struct NotifyModel {
    permit: bool,
    round: usize,
    waiters: [Option<Waiter>; 3],
    queue: VecDeque<usize>,
}

impl NotifyModel {
    fn one(&mut self, last: bool) {
        match if last { self.queue.pop_back() } else { self.queue.pop_front() } {
            Some(waiter) => self.waiters[waiter] = Some(Waiter::Served(Some(last))),
            None => self.permit = true,
        }
    }

    fn all(&mut self) {
        self.round += 1;
        for waiter in self.queue.drain(..) {
            self.waiters[waiter] = Some(Waiter::Served(None));
        }
    }

    /// `true`: ready. The future is used up then.
    fn poll(&mut self, name: usize) -> bool {
        let ready = match self.waiters[name].unwrap() {
            Waiter::Made { round } if round != self.round => true,
            Waiter::Made { .. } if self.permit => {
                self.permit = false;
                true
            }
            Waiter::Made { .. } => {
                self.waiters[name] = Some(Waiter::Queued);
                self.queue.push_back(name);
                false
            }
            Waiter::Queued => false,
            Waiter::Served(_) => true,
        };
        if ready {
            self.waiters[name] = None;
        }
        ready
    }

    fn cancel(&mut self, name: usize) {
        match self.waiters[name].take().unwrap() {
            Waiter::Served(Some(last)) => self.one(last),
            Waiter::Queued => self.queue.retain(|other| *other != name),
            _ => {}
        }
    }
}

/// Every sequence of seven operations on three futures (museum LW12).
#[test]
fn museum_lw12_notify_against_its_model() {
    const OPERATIONS: usize = 3 + 3 * 3;
    fn go(sequence: &mut Vec<usize>, depth: usize) {
        run(sequence);
        if depth > 0 {
            for operation in 0..OPERATIONS {
                sequence.push(operation);
                go(sequence, depth - 1);
                sequence.pop();
            }
        }
    }
    fn run(sequence: &[usize]) {
        let notify = Notify::new();
        let mut futures: [Option<Pin<Box<runtime::sync::futures::Notified<'_>>>>; 3] = [None, None, None];
        let mut model = NotifyModel::default();
        for operation in sequence {
            match *operation {
                0 => (notify.notify_one(), model.one(false)).1,
                1 => (notify.notify_last(), model.one(true)).1,
                2 => (notify.notify_waiters(), model.all()).1,
                other => {
                    let name = (other - 3) % 3;
                    match (other / 3, futures[name].is_some()) {
                        (1, false) => {
                            futures[name] = Some(Box::pin(notify.notified()));
                            model.waiters[name] = Some(Waiter::Made { round: model.round });
                        }
                        (2, true) => {
                            let ready = poll(futures[name].as_mut().unwrap().as_mut()).is_ready();
                            assert_eq!(ready, model.poll(name), "poll of {name} in {sequence:?}");
                            if ready {
                                futures[name] = None;
                            }
                        }
                        (3, true) => {
                            futures[name] = None;
                            model.cancel(name);
                        }
                        _ => return, // not possible here: the shorter sequences cover it
                    }
                }
            }
        }
    }
    // Every sequence of six, and random ones of twenty.
    go(&mut Vec::new(), 6);
    let mut dice = Dice(99);
    for _ in 0..200_000 {
        let sequence: Vec<_> = (0..20).map(|_| dice.below(OPERATIONS)).collect();
        run(&sequence);
    }
}

type Acquiring<'a> = Pin<Box<dyn Future<Output = Result<SemaphorePermit<'a>, AcquireError>> + 'a>>;

#[test]
fn museum_y1_semaphore_against_its_model() {
    for seed in 1..200 {
        let mut dice = Dice(seed);
        let mut free = dice.below(5);
        let semaphore = Semaphore::new(free);
        // In order of arrival: how many, and how many it has collected.
        let mut queue: VecDeque<(usize, usize, usize)> = VecDeque::new();
        let mut futures: Vec<(usize, usize, Acquiring<'_>)> = Vec::new();
        let mut held = Vec::new();
        let mut names = 0;
        let serve = |queue: &mut VecDeque<(usize, usize, usize)>, free: &mut usize| {
            let mut index = 0;
            while *free > 0 && index < queue.len() {
                let (_, wanted, got) = &mut queue[index];
                let given = (*free).min(*wanted - *got);
                *got += given;
                *free -= given;
                index += 1;
            }
        };
        for step in 0..500 {
            match dice.below(6) {
                0 => {
                    let n = dice.below(4);
                    let waits = queue.iter().any(|(_, wanted, got)| got < wanted);
                    let mut future = Box::pin(semaphore.acquire_many(n as u32));
                    names += 1;
                    match poll(future.as_mut()) {
                        std::task::Poll::Ready(permit) => {
                            assert!(n == 0 || (!waits && free >= n), "seed {seed} step {step}");
                            free -= n;
                            held.push((n, permit.unwrap()));
                        }
                        std::task::Poll::Pending => {
                            assert!(n > 0 && (waits || free < n), "seed {seed} step {step}");
                            queue.push_back((names, n, 0));
                            futures.push((names, n, future));
                        }
                    }
                }
                1 if !futures.is_empty() => {
                    let index = dice.below(futures.len());
                    let name = futures[index].0;
                    let place = queue.iter().position(|waiter| waiter.0 == name).unwrap();
                    let done = queue[place].1 == queue[place].2;
                    let polled = poll(futures[index].2.as_mut());
                    assert_eq!(polled.is_ready(), done, "seed {seed} step {step}");
                    if let std::task::Poll::Ready(permit) = polled {
                        queue.remove(place);
                        held.push((futures.swap_remove(index).1, permit.unwrap()));
                    }
                }
                2 if !futures.is_empty() => {
                    let name = futures.swap_remove(dice.below(futures.len())).0;
                    let place = queue.iter().position(|waiter| waiter.0 == name).unwrap();
                    free += queue.remove(place).unwrap().2;
                }
                3 if !held.is_empty() => {
                    let (n, permit) = held.swap_remove(dice.below(held.len()));
                    drop(permit);
                    free += n;
                }
                4 => {
                    let n = dice.below(3);
                    semaphore.add_permits(n);
                    free += n;
                }
                5 => {
                    let n = dice.below(3);
                    let taken = n.min(if queue.iter().all(|(_, wanted, got)| got == wanted) { free } else { 0 });
                    assert_eq!(semaphore.forget_permits(n), taken);
                    free -= taken;
                }
                _ => {}
            }
            serve(&mut queue, &mut free);
            assert_eq!(semaphore.available_permits(), free, "seed {seed} step {step}");
        }
    }
}

#[test]
fn museum_y6_mpsc_against_its_model() {
    for seed in 1..300 {
        let mut dice = Dice(seed);
        let capacity = 1 + dice.below(70);
        let (tx, mut rx) = mpsc::channel(capacity);
        let mut tx = Some(tx);
        let mut model = VecDeque::new();
        let mut closed = false;
        let burst = 1 + dice.below(40);
        for step in 0..400 {
            match dice.below(5) {
                0 | 1 => {
                    for _ in 0..dice.below(burst) {
                        let Some(tx) = &tx else { break };
                        let expected = match (closed, model.len() == capacity) {
                            (true, _) => Err(TrySendError::Closed(step)),
                            (_, true) => Err(TrySendError::Full(step)),
                            _ => Ok(()),
                        };
                        assert_eq!(tx.try_send(step), expected, "seed {seed}");
                        if expected.is_ok() {
                            model.push_back(step);
                        }
                    }
                }
                2 | 3 => {
                    for _ in 0..dice.below(burst) {
                        let expected = model.pop_front().ok_or(if closed || tx.is_none() {
                            TryRecvError::Disconnected
                        } else {
                            TryRecvError::Empty
                        });
                        assert_eq!(rx.try_recv(), expected, "seed {seed} step {step}");
                    }
                }
                _ => match dice.below(100) {
                    0 => tx = None,
                    1 => (rx.close(), closed = true).1,
                    _ => {
                        let mut buffer = vec![7];
                        let limit = dice.below(burst);
                        let polled = poll(Box::pin(rx.recv_many(&mut buffer, limit)).as_mut());
                        let taken: Vec<_> = model.drain(..limit.min(model.len())).collect();
                        let over = closed || tx.is_none();
                        assert_eq!(polled.is_pending(), limit > 0 && taken.is_empty() && !over, "seed {seed}");
                        assert_eq!(buffer[1..], taken);
                    }
                },
            }
            assert_eq!((rx.len(), rx.is_empty()), (model.len(), model.is_empty()), "seed {seed} step {step}");
            assert_eq!(rx.capacity(), capacity - model.len());
            assert_eq!(rx.is_closed(), closed || tx.is_none());
        }
    }
}

#[test]
fn broadcast_against_its_model() {
    use broadcast::error::TryRecvError;
    for seed in 1..300 {
        let mut dice = Dice(seed);
        let capacity = 1 + dice.below(9);
        let kept = capacity.next_power_of_two();
        let tx = broadcast::Sender::new(capacity);
        let mut log = Vec::new();
        let mut receivers = Vec::new();
        for step in 0..400 {
            match dice.below(6) {
                0 if receivers.len() < 5 => receivers.push((tx.subscribe(), log.len())),
                1 if !receivers.is_empty() && dice.below(3) == 0 => {
                    let index = dice.below(receivers.len());
                    drop(receivers.swap_remove(index));
                }
                2 | 3 => match tx.send(step) {
                    Ok(count) => (assert_eq!(count, receivers.len()), log.push(step)).1,
                    Err(_) => assert!(receivers.is_empty()),
                },
                _ if !receivers.is_empty() => {
                    let index = dice.below(receivers.len());
                    let (rx, at) = &mut receivers[index];
                    let oldest = log.len().saturating_sub(kept);
                    let expected = if *at < oldest {
                        Err(TryRecvError::Lagged((oldest - std::mem::replace(at, oldest)) as u64))
                    } else if *at == log.len() {
                        Err(TryRecvError::Empty)
                    } else {
                        *at += 1;
                        Ok(log[*at - 1])
                    };
                    assert_eq!(rx.try_recv(), expected, "seed {seed} step {step}");
                }
                _ => {}
            }
            let wanted = receivers.iter().map(|(_, at)| log.len() - at).max().unwrap_or(0).min(kept);
            assert_eq!((tx.len(), tx.receiver_count()), (wanted, receivers.len()), "seed {seed} step {step}");
        }
    }
}

#[test]
fn watch_against_its_model() {
    for seed in 1..200 {
        let mut dice = Dice(seed);
        let (tx, rx) = watch::channel(0);
        let mut receivers = vec![(rx, 0)];
        let mut version = 0;
        for step in 1..400 {
            let index = dice.below(receivers.len());
            match dice.below(6) {
                0 => (tx.send(step).unwrap(), version = step).1,
                1 if receivers.len() < 5 => receivers.push(receivers[index].clone()),
                1 => receivers.push((tx.subscribe(), version)),
                2 if receivers.len() > 1 => drop(receivers.swap_remove(index)),
                3 => {
                    let (rx, seen) = &mut receivers[index];
                    let ready = poll(Box::pin(rx.changed()).as_mut()).is_ready();
                    assert_eq!(ready, *seen != version, "seed {seed} step {step}");
                    *seen = version;
                }
                4 => {
                    let (rx, seen) = &mut receivers[index];
                    assert_eq!(*rx.borrow_and_update(), version);
                    *seen = version;
                }
                _ => {
                    let (rx, seen) = &receivers[index];
                    assert_eq!(rx.has_changed().unwrap(), *seen != version, "seed {seed} step {step}");
                }
            }
        }
    }
}
