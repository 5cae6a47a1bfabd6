//! `time::delay_queue`. (tokio has it in a crate of its own, so there is no oracle.)

use runtime::task;
use runtime::time::delay_queue::{DelayQueue, Key};
use runtime::time::{Duration, Instant, advance, sleep};
use runtime_tests::{Drops, Flavor, Rng, WakeCount, assert_panics_here, for_each_flavor, in_still_time, watchdog};
use std::collections::BTreeMap;
use std::task::{Context, Poll};

const MILLI: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_secs(3600);

fn what_goes_in_comes_out_when_its_time_is_up(flavor: Flavor) {
    in_still_time(flavor, || async {
        let start = Instant::now();
        let mut queue = DelayQueue::new();
        let late = queue.insert("late", MILLI * 30);
        queue.insert("soon", MILLI * 10);
        queue.insert_at("then", start + MILLI * 20);
        assert_eq!((queue.len(), queue.is_empty()), (3, false));
        assert_eq!(queue.deadline(&late), start + MILLI * 30);
        for (value, millis) in [("soon", 10), ("then", 20), ("late", 30)] {
            let mut item = queue.next().await.expect("an item");
            assert_eq!((*item.get_ref(), item.deadline()), (value, start + MILLI * millis));
            assert_eq!(start.elapsed(), MILLI * millis);
            *item.get_mut() = "changed";
            assert!(queue.try_remove(&item.key()).is_none(), "its key is stale");
            assert_eq!(item.into_inner(), "changed");
        }
        assert!(queue.next().await.is_none());
        assert!(queue.is_empty() && queue.peek().is_none());
    });
}

fn what_is_due_comes_out_at_once_and_in_order(flavor: Flavor) {
    flavor.build().block_on(async {
        let mut queue = DelayQueue::default();
        let now = Instant::now();
        for n in [5_u64, 1, 4, 2, 3] {
            queue.insert_at(n, now.checked_sub(MILLI * (6 - n as u32)).unwrap_or(now));
        }
        queue.insert(6, Duration::ZERO);
        let mut out = Vec::new();
        while let Some(item) = queue.next().await {
            out.push(item.into_inner());
        }
        assert_eq!(out.len(), 6);
        // Those before the queue's own beginning are all equally late.
        assert_eq!(out.last(), Some(&6));
    });
}

fn equal_deadlines_come_out_as_they_went_in(flavor: Flavor) {
    in_still_time(flavor, || async {
        let mut queue = DelayQueue::new();
        for n in 0..200 {
            queue.insert(n, HOUR);
        }
        for n in 0..200 {
            assert_eq!(queue.peek(), queue.peek());
            assert_eq!(queue.next().await.map(|item| item.into_inner()), Some(n));
        }
    });
}

fn real_time_is_never_early(flavor: Flavor) {
    flavor.build().block_on(async {
        let mut queue = DelayQueue::new();
        for micros in [3_000, 100, 1, 7_777, 1_500] {
            queue.insert((), Duration::from_micros(micros));
        }
        while let Some(item) = queue.next().await {
            assert!(Instant::now() >= item.deadline());
        }
    });
}

/// A poller waits; `change` must wake it in time for `millis`.
async fn wakes<R>(
    mut queue: DelayQueue<u8>,
    change: impl FnOnce(&mut DelayQueue<u8>) -> R,
    millis: u32,
    expected: Option<u8>,
) {
    let (start, count) = (Instant::now(), WakeCount::new());
    let waker = count.waker();
    let _ = queue.poll_expired(&mut Context::from_waker(&waker));
    change(&mut queue);
    sleep(MILLI * millis).await;
    while count.wakes() == 0 {
        task::yield_now().await;
    }
    assert_eq!(start.elapsed(), MILLI * millis);
    match queue.poll_expired(&mut Context::from_waker(&waker)) {
        Poll::Ready(item) => assert_eq!(item.map(|item| item.into_inner()), expected),
        Poll::Pending => panic!("woken for nothing"),
    }
}

fn every_change_wakes_who_waits(flavor: Flavor) {
    in_still_time(flavor, || async {
        let one = || {
            let mut queue = DelayQueue::new();
            let key = queue.insert(1, MILLI * 50);
            (queue, key)
        };
        wakes(one().0, |_| (), 50, Some(1)).await;
        wakes(DelayQueue::new(), |queue| queue.insert(2, MILLI * 5), 5, Some(2)).await;
        wakes(DelayQueue::new(), |queue| queue.insert(2, Duration::ZERO), 0, Some(2)).await;
        wakes(one().0, |queue| queue.insert(2, MILLI * 5), 5, Some(2)).await;
        wakes(one().0, |queue| queue.insert_at(2, Instant::now() - MILLI), 0, Some(2)).await;
        let (queue, key) = one();
        wakes(queue, |queue| queue.reset(&key, MILLI * 5), 5, Some(1)).await;
        let (queue, key) = one();
        wakes(queue, |queue| queue.reset_at(&key, Instant::now()), 0, Some(1)).await;
        let (queue, key) = one();
        wakes(queue, |queue| queue.reset(&key, MILLI * 80), 80, Some(1)).await;
        let (queue, key) = one();
        wakes(queue, |queue| assert_eq!(*queue.remove(&key).get_ref(), 1), 0, None).await;
        wakes(one().0, DelayQueue::clear, 0, None).await;
        let (mut queue, key) = one();
        queue.insert(2, MILLI * 70);
        wakes(queue, |queue| assert_eq!(*queue.remove(&key).get_ref(), 1), 70, Some(2)).await;
    });
}

fn it_takes_part_in_the_budget(flavor: Flavor) {
    let runtime = flavor.build();
    let spinner = runtime.spawn(async {
        let mut queue = DelayQueue::new();
        loop {
            queue.insert((), Duration::ZERO);
            queue.next().await.expect("an item");
        }
    });
    let others: Vec<_> = (0..10).map(|_| runtime.spawn(task::yield_now())).collect();
    runtime.block_on(async {
        for other in others {
            other.await.unwrap();
        }
        spinner.abort();
        assert!(spinner.await.unwrap_err().is_cancelled());
    });
}

fn extremes(flavor: Flavor) {
    in_still_time(flavor, || async {
        let times = [Duration::MAX, Duration::from_millis(u64::MAX), Duration::from_millis(1 << 36), Duration::ZERO];
        let mut queue = DelayQueue::new();
        let keys: Vec<_> = times.into_iter().map(|time| queue.insert(time, time)).collect();
        assert_eq!(queue.next().await.unwrap().into_inner(), Duration::ZERO);
        for (key, time) in keys.iter().zip(times).take(3) {
            queue.reset(key, time);
            assert!(queue.deadline(key) > Instant::now() + HOUR);
        }
        let start = Instant::now();
        assert_eq!(queue.next().await.unwrap().into_inner(), Duration::from_millis(1 << 36));
        assert!(start.elapsed() >= Duration::from_millis(1 << 36));
    });
}

/// Whole milliseconds: the grain of the timer that wakes. Random operations against a map by (deadline, order of setting).
fn museum_t7_agrees_with_a_map(flavor: Flavor) {
    let seed = Rng::from_env("museum_t7_agrees_with_a_map").bits();
    in_still_time(flavor, move || model(Rng::new(seed)));
}

async fn model(mut rng: Rng) {
    let mut queue = DelayQueue::with_capacity(16);
    let mut map: BTreeMap<(Instant, u64), (Key, u64)> = BTreeMap::new();
    let mut gone = Vec::new();
    let count = WakeCount::new();
    let waker = count.waker();
    let mut wakes_seen = None;
    let mut set = 0;
    for value in 0..4_000 {
        let spread = [3, 100, 100_000][rng.below(3)];
        let deadline = Instant::now() + MILLI * rng.below(spread) as u32;
        let picked = map.keys().nth(rng.below(map.len().max(1))).copied();
        set += 1;
        match (rng.below(8), picked) {
            (0..=2, _) => {
                let key = queue.insert_at(value, deadline);
                map.insert((deadline, set), (key, value));
            }
            (3, Some(picked)) => {
                let (key, value) = map.remove(&picked).expect("picked");
                let item = queue.remove(&key);
                assert_eq!((item.deadline(), item.key(), item.into_inner()), (picked.0, key, value));
                gone.push(key);
            }
            (4, Some(picked)) => {
                let entry = map.remove(&picked).expect("picked");
                queue.reset_at(&entry.0, deadline);
                map.insert((deadline, set), entry);
            }
            (5, _) => advance(MILLI * rng.below(spread) as u32).await,
            (6, _) if rng.one_in(20) => queue.shrink_to_fit(),
            _ => {}
        }
        if let Some(stale) = gone.last() {
            assert!(queue.try_remove(stale).is_none());
        }
        assert_eq!(queue.len(), map.len());
        let first = map.first_key_value().map(|(place, entry)| (*place, *entry));
        let is_due = first.is_none_or(|((deadline, _), _)| deadline <= Instant::now());
        if let (Some(before), true) = (wakes_seen, is_due) {
            // Whoever waits is woken by what has changed, or by the clock (on another thread, perhaps).
            let patience = std::time::Instant::now() + Duration::from_secs(10);
            while count.wakes() == before {
                assert!(std::time::Instant::now() < patience, "the waiter was forgotten");
                task::yield_now().await;
            }
        }
        wakes_seen = None;
        // A poll without budget left wakes at once.
        let before = count.wakes();
        let polled = queue.poll_expired(&mut Context::from_waker(&waker));
        match polled {
            Poll::Pending => {
                // Out of budget, or nothing is due.
                if is_due {
                    task::yield_now().await;
                } else {
                    wakes_seen = Some(before);
                }
            }
            Poll::Ready(None) => assert!(map.is_empty()),
            Poll::Ready(Some(item)) => {
                let (place, (key, value)) = map.pop_first().expect("an item from nowhere");
                assert!(item.deadline() <= Instant::now(), "early");
                // In order, but for those that were overdue when they were set.
                if item.key() != key {
                    let other = map.iter().find(|(_, entry)| entry.0 == item.key()).map(|(place, _)| *place);
                    let other = other.expect("an item that is not in the map");
                    map.insert(place, (key, value));
                    map.remove(&other);
                }
                gone.push(item.key());
            }
        }
    }
}

for_each_flavor!(
    what_goes_in_comes_out_when_its_time_is_up,
    what_is_due_comes_out_at_once_and_in_order,
    equal_deadlines_come_out_as_they_went_in,
    real_time_is_never_early,
    every_change_wakes_who_waits,
    it_takes_part_in_the_budget,
    extremes,
    museum_t7_agrees_with_a_map,
);

#[test]
fn room() {
    let _watch = watchdog();
    let mut queue = DelayQueue::with_capacity(10);
    let room = queue.capacity();
    assert!(room >= 10);
    let keys: Vec<_> = (0..10).map(|n| queue.insert(n, HOUR)).collect();
    assert_eq!(queue.capacity(), room);
    queue.reserve(1_000);
    assert!(queue.capacity() >= 1_010);
    assert!(keys[1..].iter().all(|key| queue.try_remove(key).is_some()));
    queue.shrink_to_fit();
    assert!(queue.capacity() < 1_000);
    assert_eq!(queue.remove(&keys[0]).into_inner(), 0, "keys outlive it");
    queue.compact();
    assert_eq!(queue.capacity(), 0);
    assert!(format!("{queue:?}").contains("DelayQueue"));
}

#[test]
fn it_drops_what_is_in_it() {
    let _watch = watchdog();
    let drops = Drops::new();
    let mut queue = DelayQueue::new();
    for n in 0..100 {
        queue.insert(drops.probe(), MILLI * n);
    }
    queue.clear();
    assert_eq!((drops.alive(), queue.len()), (0, 0));
    queue.insert(drops.probe(), HOUR);
    drop(queue);
    assert_eq!(drops.alive(), 0);
}

/// Only waiting needs a runtime.
#[test]
fn outside_of_a_runtime() {
    let _watch = watchdog();
    let mut queue = DelayQueue::new();
    queue.insert(1, Duration::ZERO);
    let mut cx = Context::from_waker(std::task::Waker::noop());
    assert!(matches!(queue.poll_expired(&mut cx), Poll::Ready(Some(_))));
    assert!(matches!(queue.poll_expired(&mut cx), Poll::Ready(None)));
    let key = queue.insert(2, HOUR);
    let caught = runtime_tests::catch(|| drop(queue.poll_expired(&mut cx))).expect_err("it did not panic");
    assert!(caught.message.contains("no runtime here"), "{}", caught.message);
    let runtime = Flavor::CurrentThread.build();
    queue.reset(&key, MILLI);
    assert_eq!(runtime.block_on(queue.next()).map(|item| item.into_inner()), Some(2));
}

#[test]
fn stale_keys() {
    let _watch = watchdog();
    let mut queue = DelayQueue::new();
    let key = queue.insert(1, HOUR);
    assert!(queue.try_remove(&key).is_some() && queue.try_remove(&key).is_none());
    queue.insert(2, HOUR);
    assert_panics_here!(queue.remove(&key), "stale key", "try_remove");
    assert_panics_here!(queue.deadline(&key), "stale key");
    assert_panics_here!(queue.reset(&key, MILLI), "stale key");
    assert_panics_here!(queue.reset_at(&key, Instant::now()), "stale key");
    assert_eq!(queue.len(), 1);
}
