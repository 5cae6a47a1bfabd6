//! A task that waits for itself: found, resolved, reported.

use runtime::sync::futurelock::{self, Futurelock};
use runtime::sync::queue::Queue;
use runtime::sync::{Mutex, Notify, OnceCell, RwLock, Semaphore, mpsc};
use runtime_tests::hostile::{Dice, Wakes, no_deadlock, poll, poll_with};
use runtime_tests::{Flavor, for_each_flavor};
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex as StdMutex, Once};
use std::task::Poll;

static REPORTS: StdMutex<Vec<Futurelock>> = StdMutex::new(Vec::new());

/// Collects what is reported from now on. Reports are told apart by their lines: tests run beside each other.
fn collect() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| futurelock::set_hook(|report| REPORTS.lock().unwrap().push(report.clone())));
}

/// The reports between two lines of this file.
fn reports_between(first: u32, last: u32) -> Vec<Futurelock> {
    let reports = REPORTS.lock().unwrap();
    let is_here =
        |report: &&Futurelock| report.idle().file() == file!() && (first..last).contains(&report.idle().line());
    reports.iter().filter(is_here).cloned().collect()
}

for_each_flavor!(museum_y3_the_program_of_rfd_609_ends);

/// A task holds the lock for a moment; another selects between a future that waits for it and a signal, and needs the
/// lock in the signal's branch, with the first future put aside.
fn museum_y3_the_program_of_rfd_609_ends(flavor: Flavor) {
    collect();
    let (first_line, mut sites) = (line!(), Vec::new());
    flavor.build().block_on(async {
        for _ in 0..3 {
            let lock = Arc::new(Mutex::new(0));
            let (holds, tick) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
            let holder = runtime::spawn({
                let (lock, holds, tick) = (lock.clone(), holds.clone(), tick.clone());
                async move {
                    let mut guard = lock.lock().await;
                    holds.notify_one();
                    // Until the other has given up waiting for the first future.
                    tick.notified().await;
                    *guard += 1;
                }
            });
            let other = runtime::spawn(async move {
                holds.notified().await;
                let mut idle = pin!(lock.lock());
                assert!(std::future::poll_fn(|cx| Poll::Ready(idle.as_mut().poll(cx).is_pending())).await);
                tick.notify_one();
                *lock.lock().await += 1;
                // The one that was put aside still has its place.
                *idle.await += 1;
                *lock.lock().await
            });
            sites = vec![line!() - 8, line!() - 5];
            holder.await.unwrap();
            assert_eq!(other.await.unwrap(), 3);
        }
    });
    let reports = reports_between(first_line, line!());
    let [report] = &reports[..] else { panic!("reported once for these two places, not {}", reports.len()) };
    assert_eq!(vec![report.idle().line(), report.waiting().line()], sites);
    let text = report.to_string();
    for line in sites {
        assert!(text.contains(&format!("sync_futurelock.rs:{line}:")), "{text}");
    }
    assert!(report.task().is_some() && text.starts_with("futurelock in task "), "{text}");
}

/// Polls it once, for the task that runs this.
async fn waits<F: Future>(mut future: Pin<&mut F>) {
    let pending = poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx).is_pending())).await;
    assert!(pending);
}

/// Polls `idle` once and then `second` alone, as one task with one waker, until `second` is ready.
async fn aside<A: Future, B: Future>(mut idle: Pin<&mut A>, second: B) -> B::Output {
    let mut second = pin!(second);
    let mut started = false;
    std::future::poll_fn(|cx| {
        if !started {
            assert!(idle.as_mut().poll(cx).is_pending());
            started = true;
        }
        second.as_mut().poll(cx)
    })
    .await
}

#[test]
fn every_primitive_over_permits_resolves_it() {
    collect();
    no_deadlock(|| {
        let runtime = Flavor::CurrentThread.build();
        runtime.block_on(async {
            let lock = RwLock::new(0);
            let held = lock.try_write().unwrap();
            let mut reader = pin!(lock.read());
            let resolved = async { drop(aside(reader.as_mut(), lock.write()).await) };
            release_between(resolved, || drop(held)).await;
            assert_eq!(*reader.await, 0);

            let semaphore = Semaphore::new(2);
            let held = semaphore.try_acquire_many(2).unwrap();
            let mut many = pin!(semaphore.acquire_many(2));
            let resolved = async { drop(aside(many.as_mut(), semaphore.acquire()).await.unwrap()) };
            release_between(resolved, || drop(held)).await;
            assert_eq!(many.await.unwrap().num_permits(), 2);

            let (tx, mut rx) = mpsc::channel(1);
            tx.try_send(0).unwrap();
            let mut put_aside = pin!(tx.send(1));
            let resolved = async { aside(put_aside.as_mut(), tx.send(2)).await.unwrap() };
            release_between(resolved, || assert_eq!(rx.try_recv(), Ok(0))).await;
            assert_eq!(rx.recv().await, Some(2));
            put_aside.await.unwrap();
            assert_eq!(rx.recv().await, Some(1));
        });
    });
}

/// Runs both in one task; `release` happens once the first is pending.
async fn release_between(resolved: impl Future<Output = ()>, release: impl FnOnce()) {
    let mut resolved = pin!(resolved);
    let mut release = Some(release);
    std::future::poll_fn(|cx| {
        let polled = resolved.as_mut().poll(cx);
        if let Some(release) = release.take() {
            assert!(polled.is_pending());
            release();
        }
        polled
    })
    .await;
}

/// Reports name the lines of the caller, also of functions that ask for permits on the way.
#[test]
fn d21_reports_name_the_lines_of_callers() {
    collect();
    let first_line = line!();
    Flavor::CurrentThread.build().block_on(async {
        let queue = Queue::new(1);
        queue.try_put(0).unwrap();
        let mut idle = pin!(queue.put(1));
        let resolved = async { aside(idle.as_mut(), queue.put(2)).await.unwrap() };
        release_between(resolved, || assert_eq!(queue.try_get(), Ok(0))).await;
        assert_eq!(queue.try_get(), Ok(2));
        idle.await.unwrap();
        assert_eq!(queue.try_get(), Ok(1));

        let mut idle = pin!(queue.get());
        let resolved = async { assert_eq!(aside(idle.as_mut(), queue.get()).await, Ok(3)) };
        release_between(resolved, || queue.try_put(3).unwrap()).await;
        assert!(queue.close());
        assert!(idle.await.is_err());

        let cell = OnceCell::new();
        let mut maker = Box::pin(cell.get_or_init(std::future::pending::<u8>));
        waits(maker.as_mut()).await;
        let mut idle = pin!(cell.get_or_init(async || 4));
        let resolved = async {
            let made = aside(idle.as_mut(), cell.get_or_try_init(async || Ok::<u8, ()>(5))).await;
            assert_eq!(made, Ok(&5));
        };
        release_between(resolved, || drop(maker)).await;
    });
    let reports = reports_between(first_line, line!());
    let lines: Vec<_> = reports.iter().map(|report| (report.idle().line(), report.waiting().line())).collect();
    assert_eq!(lines.iter().map(|(idle, _)| idle - first_line).collect::<Vec<_>>(), [4, 11, 20]);
    assert_eq!(lines.iter().map(|(_, waiting)| waiting - first_line).collect::<Vec<_>>(), [5, 12, 22]);
    assert!(reports.iter().all(|report| report.waiting().file() == file!()));
}

/// Outside of any runtime the waker stands for the task; one that stands for nobody moves nothing.
#[test]
fn other_executors_are_helped_as_far_as_their_wakers_tell() {
    collect();
    let mutex = Mutex::new(());
    for known in [true, false] {
        let held = mutex.try_lock().unwrap();
        let wakes = Wakes::new();
        let waker = if known { wakes.waker() } else { std::task::Waker::noop().clone() };
        let (mut idle, mut second) = (Box::pin(mutex.lock()), Box::pin(mutex.lock()));
        assert!(poll_with(idle.as_mut(), &waker).is_pending());
        assert!(poll_with(second.as_mut(), &waker).is_pending());
        drop(held);
        for n in 0..4 {
            let expected = known && n == 2;
            let polled = poll_with(second.as_mut(), &waker);
            assert_eq!(polled.is_ready(), expected, "known {known}, poll {n}");
            if expected {
                break;
            }
        }
        drop(second);
        assert!(poll(idle.as_mut()).is_ready(), "it was put back at the head");
    }
}

#[test]
fn other_tasks_are_not_overtaken() {
    collect();
    let mutex = Mutex::new(());
    let (own, stranger) = (Wakes::new(), Wakes::new());
    let held = mutex.try_lock().unwrap();
    let mut idle = Box::pin(mutex.lock());
    let mut between = Box::pin(mutex.lock());
    let mut second = Box::pin(mutex.lock());
    let mut third = Box::pin(mutex.lock());
    assert!(poll_with(idle.as_mut(), &own.waker()).is_pending());
    assert!(poll_with(between.as_mut(), &stranger.waker()).is_pending());
    assert!(poll_with(second.as_mut(), &own.waker()).is_pending());
    assert!(poll_with(third.as_mut(), &own.waker()).is_pending());
    drop(held);
    assert_eq!((own.count(), stranger.count()), (1, 0));
    // The task is polled: both that wait look, and ask for another poll each time.
    for n in 1..3 {
        assert!(poll_with(second.as_mut(), &own.waker()).is_pending());
        assert!(poll_with(third.as_mut(), &own.waker()).is_pending());
        assert_eq!(own.count(), 1 + 2 * n);
        assert!(poll_with(between.as_mut(), &stranger.waker()).is_pending(), "it is not its turn");
    }
    let Poll::Ready(guard) = poll_with(second.as_mut(), &own.waker()) else { panic!("not resolved") };
    assert!(poll_with(third.as_mut(), &own.waker()).is_pending());
    drop(guard);
    // Back to the order of coming: idle, between, third.
    assert!(poll_with(between.as_mut(), &stranger.waker()).is_pending());
    let Poll::Ready(guard) = poll_with(idle.as_mut(), &own.waker()) else { panic!("the head of the queue") };
    drop(guard);
    assert_eq!(stranger.count(), 1);
    let Poll::Ready(guard) = poll_with(between.as_mut(), &stranger.waker()) else { panic!("next") };
    drop(guard);
    assert!(poll_with(third.as_mut(), &own.waker()).is_ready());
}

for_each_flavor!(d10_futures_put_aside_do_not_bar_another);

/// Any number of futures are put aside: the first with the lock, the others after they have seen that.
fn d10_futures_put_aside_do_not_bar_another(flavor: Flavor) {
    collect();
    no_deadlock(move || {
        let test = async {
            for idle in 1..5 {
                let mutex = Mutex::new(());
                let held = mutex.try_lock().unwrap();
                let mut aside: Vec<_> = (0..idle).map(|_| Box::pin(mutex.lock())).collect();
                for future in &mut aside {
                    waits(future.as_mut()).await;
                }
                drop(held);
                for others in &mut aside[1..] {
                    waits(others.as_mut()).await;
                    runtime::task::yield_now().await;
                }
                drop(mutex.lock().await);
                // And everybody has kept a place.
                for future in aside {
                    drop(future.await);
                }
            }
        };
        let runtime = flavor.build();
        runtime.block_on(test);
        drop(runtime);
    });
}

/// A task that polls everything, in another order each time: one future comes after the permit was given in one round, and
/// first in the next.
#[test]
fn d10_a_changed_order_of_polls_is_no_futurelock() {
    collect();
    let first_line = line!();
    let (mutex, task) = (Mutex::new(()), Wakes::new());
    let held = mutex.try_lock().unwrap();
    let (mut first, mut second) = (Box::pin(mutex.lock()), Box::pin(mutex.lock()));
    assert!(poll_with(first.as_mut(), &task.waker()).is_pending());
    drop(held);
    assert!(poll_with(second.as_mut(), &task.waker()).is_pending());
    // The next round begins with the other.
    assert!(poll_with(second.as_mut(), &task.waker()).is_pending(), "the first had no chance");
    assert!(poll_with(first.as_mut(), &task.waker()).is_ready());
    assert!(poll_with(second.as_mut(), &task.waker()).is_ready());
    assert!(reports_between(first_line, line!()).is_empty());
}

/// Outside of our tasks, a waker is gone when its future has been called, and the next one may lie where it was.
#[test]
fn d3_a_waker_at_the_address_of_another_is_another() {
    collect();
    let first_line = line!();
    for _ in 0..50 {
        let mutex = Mutex::new(());
        let held = mutex.try_lock().unwrap();
        let (mut first, mut second) = (Box::pin(mutex.lock()), Box::pin(mutex.lock()));
        let one = Wakes::new();
        assert!(poll_with(first.as_mut(), &one.waker()).is_pending());
        drop(one);
        drop(held);
        let other = Wakes::new();
        for _ in 0..5 {
            assert!(poll_with(second.as_mut(), &other.waker()).is_pending(), "it took the place of a stranger");
        }
        assert!(poll_with(first.as_mut(), &Wakes::new().waker()).is_ready());
        assert!(poll_with(second.as_mut(), &other.waker()).is_ready());
    }
    assert!(reports_between(first_line, line!()).is_empty());
}

/// A future that was polled by one task and then given to another belongs to that one.
#[test]
fn d3_a_future_that_moves_to_another_task_is_its_own_no_more() {
    collect();
    let first_line = line!();
    let runtime = Flavor::CurrentThread.build();
    let task = runtime.spawn(async {
        let mutex = Arc::new(Mutex::new(()));
        let held = mutex.try_lock().unwrap();
        let (take, taken) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let mut moved = Box::pin(mutex.clone().lock_owned());
        waits(moved.as_mut()).await;
        let other = runtime::spawn({
            let (take, taken) = (take.clone(), taken.clone());
            async move {
                waits(moved.as_mut()).await;
                taken.notify_one();
                take.notified().await;
                drop(moved.await);
            }
        });
        taken.notified().await;
        drop(held);
        let mut own = Box::pin(mutex.lock());
        for _ in 0..6 {
            // The other came first.
            waits(own.as_mut()).await;
            runtime::task::yield_now().await;
        }
        take.notify_one();
        drop(own.await);
        other.await.unwrap();
    });
    runtime.block_on(task).unwrap();
    assert!(reports_between(first_line, line!()).is_empty());
}

/// Tasks that poll all their futures are left alone: the order in which they asked is the order in which they get.
#[test]
fn joined_futures_keep_their_order_and_are_not_reported() {
    collect();
    let first_line = line!();
    Flavor::MultiThread(2).build().block_on(async {
        let mutex = Arc::new(Mutex::new(Vec::new()));
        let tasks: Vec<_> = (0..4)
            .map(|_| {
                let mutex = mutex.clone();
                runtime::spawn(async move {
                    for n in 0..200 {
                        let lock = async |name: usize| {
                            let mut order = mutex.lock().await;
                            order.push((runtime::task::id(), n, name));
                            runtime::task::yield_now().await;
                        };
                        runtime::join!(biased; lock(0), lock(1), lock(2));
                    }
                })
            })
            .collect();
        for task in tasks {
            let id = task.id();
            task.await.unwrap();
            let order = mutex.lock().await;
            let own: Vec<_> = order.iter().filter(|entry| entry.0 == id).map(|entry| (entry.1, entry.2)).collect();
            assert!(own.is_sorted(), "{own:?}");
            assert_eq!(own.len(), 600);
        }
    });
    assert!(reports_between(first_line, line!()).is_empty());
}

/// Random tasks with random futures put aside, dropped and taken up again: permits are conserved and everybody ends.
#[test]
fn permits_are_conserved_when_they_move() {
    collect();
    for seed in 1..200 {
        let mut dice = Dice(seed);
        let semaphore = Semaphore::new(3);
        let owners: Vec<_> = (0..3).map(|_| Wakes::new()).collect();
        let mut waiting = Vec::new();
        let mut held = Vec::new();
        for _ in 0..400 {
            match dice.below(5) {
                0 => {
                    let n = 1 + dice.below(3) as u32;
                    waiting.push((dice.below(3), Box::pin(semaphore.acquire_many(n))));
                }
                1 | 2 if !waiting.is_empty() => {
                    let at = dice.below(waiting.len());
                    let (owner, future) = &mut waiting[at];
                    if let Poll::Ready(permit) = poll_with(future.as_mut(), &owners[*owner].waker()) {
                        held.push(permit.unwrap());
                        drop(waiting.swap_remove(at));
                    }
                }
                3 if !waiting.is_empty() => drop(waiting.swap_remove(dice.below(waiting.len()))),
                _ if !held.is_empty() => drop(held.swap_remove(dice.below(held.len()))),
                _ => {}
            }
        }
        held.clear();
        // Nobody is left behind: whoever is polled in the order of the queue gets what it asked for.
        for _ in 0..=waiting.len() {
            waiting.retain_mut(|(owner, future)| poll_with(future.as_mut(), &owners[*owner].waker()).is_pending());
        }
        assert!(waiting.is_empty(), "seed {seed}: {} wait for ever", waiting.len());
        assert_eq!(semaphore.available_permits(), 3, "seed {seed}");
    }
}

#[test]
fn a_mutex_knows_its_holder() {
    let mutex = Arc::new(Mutex::new(()));
    assert!(mutex.holder().is_none());
    let guard = mutex.try_lock().unwrap();
    let holder = mutex.holder().expect("it is locked");
    assert_eq!((holder.place().file(), holder.place().line()), (file!(), line!() - 2));
    assert_eq!(holder.to_string(), format!("no task of ours, at {}", holder.place()));
    let mut waiting = Box::pin(mutex.lock());
    assert!(poll(waiting.as_mut()).is_pending());
    assert_eq!(mutex.waiting(), 1);
    drop((waiting, guard));
    Flavor::CurrentThread.build().block_on(async {
        let inner = mutex.clone();
        let task = runtime::spawn(async move {
            let _guard = inner.lock_owned().await;
            std::future::pending::<()>().await;
        });
        while mutex.holder().is_none() {
            runtime::task::yield_now().await;
        }
        let holder = mutex.holder().unwrap();
        assert!(holder.is_task(task.id()) && holder.to_string().starts_with(&format!("task {}, at ", task.id())));
        task.abort();
        assert!(task.await.is_err());
        assert!(mutex.holder().is_none());
    });
}
