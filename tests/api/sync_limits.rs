//! Conservation near the limits of the integers that count: what is taken comes back, whatever the numbers (D14).

use proptest::collection::vec;
use proptest::prelude::*;
use runtime::scope::{fail_after, move_on_after};
use runtime::sync::{
    Borrower, CapacityLimiter, OwnedSemaphorePermit, Semaphore, SemaphorePermit, TryAcquireError, broadcast,
};
use runtime::time::{DelayQueue, Duration, Instant, interval, timeout};
use runtime_tests::hostile::poll;
use runtime_tests::{Flavor, catch, still};
use std::sync::Arc;

const MAX: usize = Semaphore::MAX_PERMITS;

#[test]
fn d14_six_billion_permits_come_back() {
    let semaphore = Arc::new(Semaphore::new(6_000_000_000));
    let mut half = semaphore.try_acquire_many(3_000_000_000).unwrap();
    half.merge(semaphore.try_acquire_many(3_000_000_000).unwrap());
    assert_eq!((half.num_permits(), semaphore.available_permits()), (6_000_000_000, 0));
    let most = half.split(5_000_000_000).unwrap();
    assert_eq!((half.num_permits(), most.num_permits()), (1_000_000_000, 5_000_000_000));
    assert!(half.split(5_000_000_000).is_none());
    drop((half, most));
    assert_eq!(semaphore.available_permits(), 6_000_000_000);

    let mut owned = semaphore.clone().try_acquire_many_owned(u32::MAX).unwrap();
    owned.merge(semaphore.clone().try_acquire_many_owned(1_000_000_000).unwrap());
    let part = owned.split(4_500_000_000).unwrap();
    assert_eq!((owned.num_permits(), part.num_permits()), (794_967_295, 4_500_000_000));
    owned.forget();
    drop(part);
    assert_eq!(semaphore.available_permits(), 6_000_000_000 - 794_967_295);
}

/// Too many come back to a semaphore that was filled meanwhile: it says so, has as many as it can have, and goes on.
#[test]
fn d14_what_is_beyond_the_limit_is_refused_each_time() {
    let semaphore = Semaphore::new(MAX);
    let held: Vec<_> = (0..3).map(|_| semaphore.try_acquire_many(u32::MAX).unwrap()).collect();
    semaphore.add_permits(MAX - semaphore.available_permits());
    for permit in held {
        says_too_many(|| drop(permit));
        assert_eq!(semaphore.available_permits(), MAX);
    }
    drop(semaphore.try_acquire_many(u32::MAX).unwrap());
    assert_eq!(semaphore.available_permits(), MAX);
}

#[test]
fn d14_nor_does_a_waiter_that_goes_give_back_more() {
    let semaphore = Semaphore::new(3);
    let mut waits = Box::pin(semaphore.acquire_many(5));
    assert!(poll(waits.as_mut()).is_pending(), "it has three");
    semaphore.add_permits(MAX);
    assert_eq!(semaphore.available_permits(), MAX - 2);
    says_too_many(|| drop(waits));
    assert_eq!(semaphore.available_permits(), MAX);
}

fn says_too_many(give_back: impl FnOnce()) {
    let panic = catch(give_back).expect_err("more than a semaphore can have");
    assert!(panic.message.contains("more than `Semaphore::MAX_PERMITS`"), "{}", panic.message);
}

#[derive(Clone, Debug)]
enum Step {
    Take(u32),
    GiveBack(usize),
    Merge(usize, usize),
    Split(usize, usize),
    Forget(usize),
    Add(usize),
    ForgetFree(usize),
}

/// Numbers near the limits of `u32`, of permits and of `usize`, and small ones.
fn number() -> impl Strategy<Value = usize> {
    let limits = [1, u32::MAX as usize, (u32::MAX as usize + 1) * 2, MAX / 2, MAX, usize::MAX];
    (proptest::sample::select(limits.to_vec()), 0_usize..4, any::<bool>())
        .prop_map(|(limit, by, above)| if above { limit.saturating_add(by) } else { limit.saturating_sub(by) })
}

fn step() -> impl Strategy<Value = Step> {
    let taken = number().prop_map(|n| Step::Take(u32::try_from(n).unwrap_or(u32::MAX)));
    prop_oneof![
        4 => taken,
        1 => any::<usize>().prop_map(Step::GiveBack),
        2 => any::<(usize, usize)>().prop_map(|(to, from)| Step::Merge(to, from)),
        2 => (any::<usize>(), number()).prop_map(|(of, n)| Step::Split(of, n)),
        1 => any::<usize>().prop_map(Step::Forget),
        1 => number().prop_map(Step::Add),
        1 => number().prop_map(Step::ForgetFree),
    ]
}

/// What both kinds of permits can.
trait Permit<'a>: Sized {
    fn take(semaphore: &'a Arc<Semaphore>, n: u32) -> Result<Self, TryAcquireError>;
    fn held(&self) -> usize;
    fn join(&mut self, other: Self);
    fn part(&mut self, n: usize) -> Option<Self>;
    fn lose(self);
}

macro_rules! permits {
    ($($permit:ty: $take:expr;)+) => {$(
        impl<'a> Permit<'a> for $permit {
            fn take(semaphore: &'a Arc<Semaphore>, n: u32) -> Result<Self, TryAcquireError> {
                $take(semaphore, n)
            }

            fn held(&self) -> usize {
                self.num_permits()
            }

            fn join(&mut self, other: Self) {
                self.merge(other);
            }

            fn part(&mut self, n: usize) -> Option<Self> {
                self.split(n)
            }

            fn lose(self) {
                self.forget();
            }
        }
    )+};
}

permits! {
    OwnedSemaphorePermit: |semaphore: &Arc<Semaphore>, n| semaphore.clone().try_acquire_many_owned(n);
    SemaphorePermit<'a>: |semaphore: &'a Arc<Semaphore>, n| semaphore.try_acquire_many(n);
}

/// Permits are free, in a hand, or gone on purpose: nowhere else.
fn is_conserved<'a, P: Permit<'a>>(semaphore: &'a Arc<Semaphore>, steps: &[Step]) {
    let mut free = semaphore.available_permits();
    let mut hands: Vec<P> = Vec::new();
    for step in steps {
        let count = hands.len();
        match *step {
            Step::Take(n) => match P::take(semaphore, n) {
                Ok(permit) => {
                    assert_eq!(permit.held(), n as usize);
                    free -= n as usize;
                    hands.push(permit);
                }
                Err(error) => assert!(error == TryAcquireError::NoPermits && free < n as usize),
            },
            Step::Merge(to, from) if count > 1 && to % count != from % count => {
                let (to, from) = (to % count, from % count);
                let sum = hands[to].held() + hands[from].held();
                let other = std::mem::replace(&mut hands[from], P::take(semaphore, 0).unwrap());
                hands[to].join(other);
                assert_eq!(hands[to].held(), sum);
            }
            Step::Split(of, n) if count > 0 => {
                let before = hands[of % count].held();
                match hands[of % count].part(n) {
                    Some(part) => {
                        assert_eq!((part.held(), hands[of % count].held()), (n, before - n));
                        hands.push(part);
                    }
                    None => assert!(n > before && hands[of % count].held() == before),
                }
            }
            Step::Forget(at) if count > 0 => hands.swap_remove(at % count).lose(),
            Step::GiveBack(at) if count > 0 => {
                let permit = hands.swap_remove(at % count);
                let n = permit.held();
                let outcome = catch(|| drop(permit));
                assert_eq!(outcome.is_err(), free + n > MAX);
                free = (free + n).min(MAX);
            }
            Step::Add(n) => {
                let outcome = catch(|| semaphore.add_permits(n));
                assert_eq!(outcome.is_err(), n > MAX - free);
                free += if outcome.is_ok() { n } else { 0 };
            }
            Step::ForgetFree(n) => {
                assert_eq!(semaphore.forget_permits(n), n.min(free));
                free -= n.min(free);
            }
            _ => {}
        }
        assert_eq!(semaphore.available_permits(), free, "after {step:?}");
    }
    for permit in hands {
        permit.lose();
    }
}

proptest! {
    #[test]
    fn d14_permits_are_conserved(permits in number(), steps in vec(step(), 1..60)) {
        let semaphore = Arc::new(Semaphore::new(permits.min(MAX)));
        is_conserved::<OwnedSemaphorePermit>(&semaphore, &steps);
        let semaphore = Arc::new(Semaphore::new(permits.min(MAX)));
        is_conserved::<SemaphorePermit<'_>>(&semaphore, &steps);
    }

    /// A limiter that is made larger and smaller, with any number of tokens.
    #[test]
    fn d14_tokens_are_lent_once(totals in vec(prop_oneof![0_usize..4, number()], 1..20)) {
        let limiter = CapacityLimiter::new(totals[0]);
        let mut tokens = Vec::new();
        for total in totals {
            limiter.set_total_tokens(total);
            prop_assert_eq!(limiter.available_tokens(), total.saturating_sub(tokens.len()));
            let borrowed = limiter.try_acquire_on_behalf_of(Borrower::new());
            prop_assert_eq!(borrowed.is_ok(), tokens.len() < total);
            tokens.extend(borrowed.ok());
            prop_assert_eq!(limiter.borrowed_tokens(), tokens.len());
        }
        drop(tokens);
        prop_assert_eq!(limiter.borrowed_tokens(), 0);
    }

    /// What a receiver missed and what it has yet to receive are all that was sent.
    #[test]
    fn d14_broadcast_counts_what_it_lost(capacity in 1_usize..9, sent in 0_u64..40, received in 0_u64..40) {
        let (tx, mut rx) = broadcast::channel(capacity);
        let kept = capacity.next_power_of_two() as u64;
        let mut seen = 0;
        for n in 0..sent {
            tx.send(n).unwrap();
            prop_assert_eq!(rx.len() as u64, n + 1);
        }
        while seen < received.min(sent) {
            match rx.try_recv() {
                Ok(n) => {
                    prop_assert_eq!(n, seen);
                    seen += 1;
                }
                Err(broadcast::error::TryRecvError::Lagged(missed)) => {
                    prop_assert_eq!((seen, missed), (0, sent - kept));
                    seen += missed;
                }
                Err(other) => prop_assert!(false, "{other}"),
            }
        }
        prop_assert_eq!(rx.len() as u64, sent - seen);
    }

    /// Moments and times: what can be added can be taken away again, and what is refused panics.
    #[test]
    fn d14_moments_and_times(first in time(), second in time()) {
        let now = Instant::now();
        for by in [first, second] {
            match now.checked_add(by) {
                Some(later) => {
                    prop_assert_eq!((later - now, later - by, now + by), (by, now, later));
                    prop_assert_eq!(now - later, Duration::ZERO);
                }
                None => prop_assert!(catch(|| now + by).is_err()),
            }
            match now.checked_sub(by) {
                Some(earlier) => prop_assert_eq!((earlier + by, now - by, now - earlier), (now, earlier, by)),
                None => prop_assert!(catch(|| now - by).is_err()),
            }
        }
    }
}

/// Around the powers of two of seconds, milliseconds and nanoseconds.
fn time() -> impl Strategy<Value = Duration> {
    (0_u32..64, 0_u64..3, 0_usize..3, 0_u32..1_000_000_000).prop_map(|(power, by, unit, nanos)| {
        let n = (1_u64 << power).wrapping_sub(1).saturating_add(by);
        [Duration::from_nanos(n), Duration::from_millis(n), Duration::new(n, nanos)][unit]
    })
}

/// Any time at every place that adds it to a moment, in every state of what waits.
#[test]
fn d14_no_time_is_too_long_to_wait_for() {
    let runtime = still(Flavor::CurrentThread).expect("it stands still on this flavor");
    runtime.block_on(async {
        proptest!(|(first in time(), second in time())| {
            let mut queue = DelayQueue::new();
            let key = queue.insert(1, first);
            queue.reset(&key, second);
            queue.insert(2, second);
            prop_assert_eq!(queue.len(), 2);
            prop_assert_eq!(queue.remove(&key).into_inner(), 1);

            let mut limit = Box::pin(timeout(first, timeout(second, std::future::pending::<()>())));
            prop_assert_eq!(poll(limit.as_mut()).is_ready(), first.min(second).is_zero());
            let mut limit = Box::pin(move_on_after(first, fail_after(second, std::future::pending::<()>())));
            prop_assert_eq!(poll(limit.as_mut()).is_ready(), first.min(second).is_zero());
            if !first.is_zero() {
                let mut every = interval(first);
                every.reset_after(second);
                every.reset();
                let tick = poll(Box::pin(every.tick()).as_mut());
                prop_assert!(tick.is_pending());
            }
        });
    });
}
