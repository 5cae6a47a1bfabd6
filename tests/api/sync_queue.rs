//! `Queue`, `LifoQueue`, `PriorityQueue`.

use runtime::sync::queue::error::{GetError, PutError, TryGetError, TryPutError};
use runtime::sync::queue::{LifoQueue, PriorityQueue, Queue};
use runtime_tests::hostile::{Dice, Wakes, no_deadlock, now, poll, poll_with};
use runtime_tests::{Drops, Flavor, for_each_flavor};
use std::cmp::Ordering;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::task::Poll;

#[test]
fn each_queue_has_its_order() {
    let (fifo, lifo, least) = (Queue::new(9), LifoQueue::new(9), PriorityQueue::new(9));
    for item in [3, 1, 2] {
        fifo.try_put(item).unwrap();
        lifo.try_put(item).unwrap();
        now(least.put(item)).unwrap();
    }
    assert_eq!([(); 3].map(|()| fifo.try_get().unwrap()), [3, 1, 2]);
    assert_eq!([(); 3].map(|()| now(lifo.get()).unwrap()), [2, 1, 3]);
    assert_eq!([(); 3].map(|()| least.blocking_get().unwrap()), [1, 2, 3]);
    assert_eq!(fifo.try_get(), Err(TryGetError::Empty));
    assert_eq!(format!("{least:?}"), "PriorityQueue { len: 0, maxsize: Some(9), closed: false, .. }");
}

#[derive(Debug)]
struct Job {
    priority: u8,
    name: usize,
}

impl Ord for Job {
    fn cmp(&self, other: &Self) -> Ordering {
        self.priority.cmp(&other.priority)
    }
}

impl PartialOrd for Job {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Job {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Job {}

#[test]
fn equal_priorities_keep_their_order() {
    let queue = PriorityQueue::unbounded();
    let mut dice = Dice(3);
    let mut expected = Vec::new();
    for name in 0..500 {
        let priority = dice.below(4) as u8;
        queue.try_put(Job { priority, name }).unwrap();
        expected.push((priority, name));
    }
    expected.sort();
    let got: Vec<_> = queue.close_now().into_iter().map(|job| (job.priority, job.name)).collect();
    assert_eq!(got, expected);
}

#[test]
fn producers_wait_for_room_and_consumers_for_items_in_order() {
    let queue = Queue::new(1);
    queue.blocking_put(0).unwrap();
    assert!(queue.is_full() && queue.maxsize() == Some(1));
    assert_eq!(queue.try_put(9), Err(TryPutError::Full(9)));
    let wakes: Vec<_> = (0..2).map(|_| Wakes::new()).collect();
    let mut putting: Vec<_> = (1..3).map(|n| Box::pin(queue.put(n))).collect();
    for (putting, wakes) in putting.iter_mut().zip(&wakes) {
        assert!(poll_with(putting.as_mut(), &wakes.waker()).is_pending());
    }
    assert_eq!(queue.statistics().waiting_to_put, 2);
    for n in 0..2 {
        assert_eq!(queue.try_get(), Ok(n));
        assert_eq!(wakes[n].count(), 1);
        assert_eq!(queue.try_put(9), Err(TryPutError::Full(9)), "the room is promised");
        assert!(poll(putting[n].as_mut()).is_ready());
    }
    assert_eq!(queue.try_get(), Ok(2));

    let mut getting: Vec<_> = (0..2).map(|_| Box::pin(queue.get())).collect();
    for (getting, wakes) in getting.iter_mut().zip(&wakes) {
        assert!(poll_with(getting.as_mut(), &wakes.waker()).is_pending());
    }
    assert_eq!(queue.statistics().waiting_to_get, 2);
    queue.try_put(5).unwrap();
    assert_eq!((wakes[0].count(), wakes[1].count()), (2, 1));
    assert_eq!(queue.try_get(), Err(TryGetError::Empty), "the item is promised");
    // It goes on to the next when the first leaves.
    drop(getting.remove(0));
    assert_eq!(wakes[1].count(), 2);
    assert_eq!(poll(getting[0].as_mut()), std::task::Poll::Ready(Ok(5)));
}

#[test]
fn join_waits_for_the_last_task_done() {
    let queue = LifoQueue::unbounded();
    now(queue.join());
    queue.try_put('a').unwrap();
    queue.try_put('b').unwrap();
    let wakes = Wakes::new();
    let mut join = pin!(queue.join());
    assert!(poll_with(join.as_mut(), &wakes.waker()).is_pending());
    assert_eq!(queue.statistics().waiting_to_join, 1);
    for _ in 0..2 {
        queue.try_get().unwrap();
    }
    queue.task_done();
    assert_eq!(wakes.count(), 0);
    queue.task_done();
    // One moment is enough.
    queue.try_put('c').unwrap();
    assert_eq!(wakes.count(), 1);
    assert!(poll(join).is_ready());
    assert!(poll(pin!(queue.join())).is_pending());
    queue.task_done();
    queue.blocking_join();
    let panic = catch_unwind(AssertUnwindSafe(|| queue.task_done())).unwrap_err();
    assert!(panic.downcast_ref::<&str>().is_some_and(|text| text.contains("more often than items were put")));
}

#[test]
fn a_closed_queue_gives_what_it_has_and_takes_nothing() {
    for bounded in [false, true] {
        let queue = if bounded { Queue::new(2) } else { Queue::unbounded() };
        queue.try_put(1).unwrap();
        queue.try_put(2).unwrap();
        let mut putting = Box::pin(queue.put(3));
        if bounded {
            assert!(poll(putting.as_mut()).is_pending());
        }
        assert!(queue.close() && !queue.close() && queue.is_closed());
        assert_eq!(now(putting), Err(PutError(3)));
        assert_eq!(queue.try_put(4), Err(TryPutError::Closed(4)));
        assert_eq!(now(queue.get()), Ok(1));
        assert_eq!(queue.blocking_get(), Ok(2));
        assert_eq!(
            (queue.try_get(), now(queue.get())),
            (Err(TryGetError::Closed), Err(GetError::clone(&now(queue.get()).unwrap_err())))
        );
    }
    let queue = Queue::<u8>::new(1);
    let wakes = Wakes::new();
    let mut getting = pin!(queue.get());
    assert!(poll_with(getting.as_mut(), &wakes.waker()).is_pending());
    queue.close();
    assert_eq!(wakes.count(), 1);
    assert!(now(getting).is_err());
}

#[test]
fn close_now_settles_the_join() {
    let (queue, drops) = (Queue::unbounded(), Drops::new());
    for _ in 0..5 {
        queue.try_put(drops.probe()).unwrap();
    }
    drop(queue.try_get().unwrap());
    let mut join = pin!(queue.join());
    assert!(poll(join.as_mut()).is_pending());
    assert_eq!(queue.close_now().len(), 4);
    assert_eq!(drops.alive(), 0);
    assert!(poll(join.as_mut()).is_pending(), "one is being worked on");
    queue.task_done();
    assert!(poll(join).is_ready());
    let statistics = queue.statistics();
    assert_eq!((statistics.put, statistics.got, statistics.unfinished, statistics.peak), (5, 1, 0, 5));
}

#[test]
fn no_room_at_all_is_refused() {
    let panic = catch_unwind(|| Queue::<u8>::new(0)).unwrap_err();
    let text = panic.downcast_ref::<String>().expect("a message");
    assert!(text.contains("room for 0 items") && text.contains("`unbounded`"), "{text}");
}

/// Compares its numbers, or panics if told so.
struct Touchy(u32, &'static AtomicBool, #[expect(dead_code)] Arc<()>);

impl Ord for Touchy {
    fn cmp(&self, other: &Self) -> Ordering {
        if self.1.load(SeqCst) {
            runtime_tests::planned_panic();
        }
        self.0.cmp(&other.0)
    }
}

impl PartialOrd for Touchy {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Touchy {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Touchy {}

/// A comparison that panics: counts stay right, and the queue goes on.
#[test]
fn a_comparison_that_panics_leaves_the_queue_usable() {
    static ARMED: AtomicBool = AtomicBool::new(false);
    let item = |n| Touchy(n, &ARMED, Arc::default());
    let queue = PriorityQueue::new(8);
    for n in 0..4 {
        queue.try_put(item(n)).unwrap();
    }
    ARMED.store(true, SeqCst);
    assert!(catch_unwind(AssertUnwindSafe(|| queue.try_put(item(9)))).is_err());
    assert!(catch_unwind(AssertUnwindSafe(|| queue.try_get())).is_err());
    ARMED.store(false, SeqCst);
    let mut rest = 0;
    while queue.try_get().is_ok() {
        rest += 1;
    }
    let statistics = queue.statistics();
    assert_eq!(statistics.put, statistics.got);
    assert_eq!((statistics.len, rest as u64), (0, statistics.got - 1));
    for n in 0..8 {
        assert!(queue.try_put(item(n)).is_ok(), "room {n} was lost");
    }
    assert!(queue.try_put(item(8)).is_err());
}

/// The items are dropped then, all of them, and nobody waits for them.
#[test]
fn d10_close_now_counts_also_if_a_comparison_panics() {
    static ARMED: AtomicBool = AtomicBool::new(false);
    let (queue, alive) = (PriorityQueue::unbounded(), Arc::new(()));
    for n in 0..8 {
        assert!(queue.try_put(Touchy(n, &ARMED, alive.clone())).is_ok());
    }
    let mut join = pin!(queue.join());
    assert!(poll(join.as_mut()).is_pending());
    ARMED.store(true, SeqCst);
    assert!(catch_unwind(AssertUnwindSafe(|| queue.close_now())).is_err());
    let statistics = queue.statistics();
    assert_eq!((statistics.len, statistics.unfinished, Arc::strong_count(&alive)), (0, 0, 1));
    assert!(poll(join).is_ready());
    assert!(queue.close_now().is_empty() && queue.try_get().is_err());
}

/// `task_done` does not ask whether the item was got. What is called too early must not cost the items.
#[test]
fn d10_close_now_gives_all_items_after_an_early_task_done() {
    let queue = Queue::new(4);
    for n in 0..3 {
        queue.try_put(n).unwrap();
    }
    queue.task_done();
    assert_eq!(queue.close_now(), [0, 1, 2]);
    assert_eq!(queue.statistics().unfinished, 0);
    assert!(poll(pin!(queue.join())).is_ready());
}

/// Items in, items out and items left, with puts and gets cancelled at random: 100,000 of them.
#[test]
fn items_are_conserved_under_cancellation() {
    no_deadlock(|| {
        let queue = Queue::new(3);
        let mut dice = Dice(11);
        let (mut put, mut got, mut cancels) = (0u64, 0u64, 0);
        let mut putting: Vec<Pin<Box<dyn Future<Output = bool> + '_>>> = Vec::new();
        let mut getting: Vec<Pin<Box<dyn Future<Output = bool> + '_>>> = Vec::new();
        while cancels < 100_000 {
            match dice.below(6) {
                0 => putting.push(Box::pin(async { queue.put(()).await.is_ok() })),
                1 => getting.push(Box::pin(async { queue.get().await.is_ok() })),
                n => {
                    let (set, count) = if n % 2 == 0 { (&mut putting, &mut put) } else { (&mut getting, &mut got) };
                    if set.is_empty() {
                        continue;
                    }
                    let at = dice.below(set.len());
                    if n < 4 {
                        if poll(set[at].as_mut()).is_ready() {
                            *count += 1;
                            drop(set.swap_remove(at));
                        }
                    } else {
                        drop(set.swap_remove(at));
                        cancels += 1;
                    }
                }
            }
            assert!(queue.len() <= 3);
        }
        drop((putting, getting));
        let mut left = 0;
        while queue.try_get().is_ok() {
            left += 1;
        }
        assert_eq!(put, got + left);
        for _ in 0..3 {
            queue.try_put(()).expect("room was lost");
        }
    });
}

/// A queue in the plainest way: what is in it, what is promised, who waits.
struct QueueModel {
    items: Vec<u32>,
    /// Which of the items comes next.
    next: fn(&[u32]) -> usize,
    /// Free and promised to nobody.
    room: usize,
    /// In it and promised to nobody.
    ready: usize,
    /// Names, in the order of their coming; `true`: has been promised what it waits for.
    putting: VecDeque<(usize, bool)>,
    getting: VecDeque<(usize, bool)>,
}

impl QueueModel {
    fn serve(&mut self) {
        for (queue, free) in [(&mut self.putting, &mut self.room), (&mut self.getting, &mut self.ready)] {
            for (_, promised) in queue.iter_mut().filter(|waiter| !waiter.1).take(*free) {
                *promised = true;
                *free -= 1;
            }
        }
    }

    fn put(&mut self, item: u32) {
        self.items.push(item);
        self.ready += 1;
        self.serve();
    }

    fn get(&mut self) -> u32 {
        let item = self.items.remove((self.next)(&self.items));
        self.room += 1;
        self.serve();
        item
    }

    /// The waiter leaves. `Some`: what it was promised is free again; or used, if it was `polled`.
    fn leave(queue: &mut VecDeque<(usize, bool)>, free: &mut usize, name: usize, polled: bool) -> bool {
        let place = queue.iter().position(|waiter| waiter.0 == name).unwrap();
        let promised = queue[place].1;
        if promised || !polled {
            queue.remove(place);
            *free += usize::from(promised && !polled);
        }
        promised
    }
}

macro_rules! queue_against_its_model {
    ($queue:ident, $seed:expr, $next:expr) => {{
        let mut dice = Dice($seed);
        let size = 1 + dice.below(4);
        let queue = $queue::new(size);
        let (mut model, mut names, mut unfinished) = (
            QueueModel {
                items: Vec::new(),
                next: $next,
                room: size,
                ready: 0,
                putting: VecDeque::new(),
                getting: VecDeque::new(),
            },
            0,
            0,
        );
        let mut putting: Vec<(usize, u32, Pin<Box<dyn Future<Output = _> + '_>>)> = Vec::new();
        let mut getting: Vec<(usize, Pin<Box<dyn Future<Output = _> + '_>>)> = Vec::new();
        for step in 0..400_u32 {
            let label = format!("{} seed {} step {step}", stringify!($queue), $seed);
            names += 1;
            match dice.below(9) {
                0 => {
                    let expected = if model.room > 0 { Ok(()) } else { Err(TryPutError::Full(step)) };
                    assert_eq!(queue.try_put(step), expected, "{label}");
                    if expected.is_ok() {
                        model.room -= 1;
                        unfinished += 1;
                        model.put(step);
                    }
                }
                1 => {
                    let expected = if model.ready > 0 {
                        model.ready -= 1;
                        Ok(model.get())
                    } else {
                        Err(TryGetError::Empty)
                    };
                    assert_eq!(queue.try_get(), expected, "{label}");
                }
                2 | 3 => {
                    let mut put = Box::pin(queue.put(step));
                    if poll(put.as_mut()).is_ready() {
                        assert!(model.room > 0, "{label}");
                        model.room -= 1;
                        unfinished += 1;
                        model.put(step);
                    } else {
                        assert_eq!(model.room, 0, "{label}");
                        model.putting.push_back((names, false));
                        putting.push((names, step, put));
                    }
                }
                4 | 5 => {
                    let mut get = Box::pin(queue.get());
                    if let Poll::Ready(item) = poll(get.as_mut()) {
                        assert!(model.ready > 0, "{label}");
                        model.ready -= 1;
                        assert_eq!(item, Ok(model.get()), "{label}");
                    } else {
                        assert_eq!(model.ready, 0, "{label}");
                        model.getting.push_back((names, false));
                        getting.push((names, get));
                    }
                }
                way @ (6 | 7) if !putting.is_empty() => {
                    let at = dice.below(putting.len());
                    let polled = way == 6 && poll(putting[at].2.as_mut()).is_ready();
                    let promised = QueueModel::leave(&mut model.putting, &mut model.room, putting[at].0, way == 6);
                    assert!(way == 7 || polled == promised, "{label}");
                    if polled {
                        unfinished += 1;
                        model.put(putting[at].1);
                    }
                    if polled || way == 7 {
                        drop(putting.swap_remove(at));
                        model.serve();
                    }
                }
                way if !getting.is_empty() => {
                    let at = dice.below(getting.len());
                    let polled = if way == 8 { poll(getting[at].1.as_mut()) } else { Poll::Pending };
                    let promised = QueueModel::leave(&mut model.getting, &mut model.ready, getting[at].0, way == 8);
                    assert!(way != 8 || polled.is_ready() == promised, "{label}");
                    if let Poll::Ready(item) = polled {
                        assert_eq!(item, Ok(model.get()), "{label}");
                    }
                    if way != 8 || promised {
                        drop(getting.swap_remove(at));
                        model.serve();
                    }
                }
                _ => {}
            }
            let statistics = queue.statistics();
            assert_eq!((queue.len(), statistics.unfinished), (model.items.len(), unfinished), "{label}");
            if unfinished > model.items.len() && dice.below(2) == 0 {
                queue.task_done();
                unfinished -= 1;
            }
        }
    }};
}

#[test]
fn queues_against_their_models() {
    no_deadlock(|| {
        for seed in 1..200 {
            queue_against_its_model!(Queue, seed, |_| 0);
            queue_against_its_model!(LifoQueue, seed, |items| items.len() - 1);
            queue_against_its_model!(PriorityQueue, seed, |items| {
                (0..items.len()).min_by_key(|at| items[*at]).expect("an item was promised")
            });
        }
    });
}

for_each_flavor!(many_producers_and_consumers);

fn many_producers_and_consumers(flavor: Flavor) {
    let queue = Arc::new(Queue::new(4));
    let runtime = flavor.build();
    let threads: Vec<_> = (0..2)
        .map(|_| {
            let queue = queue.clone();
            std::thread::spawn(move || (0..500).for_each(|n| queue.blocking_put(n).unwrap()))
        })
        .collect();
    let sum = runtime.block_on(async {
        let consumers: Vec<_> = (0..3)
            .map(|_| {
                let queue = queue.clone();
                runtime::spawn(async move {
                    let mut sum = 0u64;
                    while let Ok(n) = queue.get().await {
                        sum += n;
                        queue.task_done();
                    }
                    sum
                })
            })
            .collect();
        for _ in 0..2 {
            let queue = queue.clone();
            runtime::spawn(async move {
                for n in 0..500 {
                    queue.put(n).await.unwrap();
                }
            })
            .await
            .unwrap();
        }
        let joins = runtime::task::spawn_blocking(move || threads.into_iter().for_each(|t| t.join().unwrap()));
        joins.await.unwrap();
        queue.join().await;
        queue.close();
        let mut sum = 0;
        for consumer in consumers {
            sum += consumer.await.unwrap();
        }
        sum
    });
    assert_eq!(sum, 4 * 500 * 499 / 2);
    let statistics = queue.statistics();
    assert!(statistics.peak <= 4 && statistics.put == 2000 && statistics.got == 2000);
}
