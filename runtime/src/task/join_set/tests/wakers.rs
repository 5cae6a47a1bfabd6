//! Whom the set wakes, how often, and what a hostile waker can do to it.

use super::*;

#[test]
fn many_tasks_that_finish_wake_the_waiter_once() {
    watched(|| {
        current_thread().block_on(async {
            let gate = Gate::default();
            let mut set: JoinSet<()> = (0..100).map(|_| gate.passed()).collect();
            let counter = Arc::new(Counter::default());
            let waker = Waker::from(counter.clone());
            let mut cx = Context::from_waker(&waker);
            assert!(set.poll_join_next(&mut cx).is_pending());
            gate.open();
            while set.slots.handles().any(|task| !task.is_finished()) {
                yield_now().await;
            }
            assert_eq!(counter.count(), 1);
            assert_eq!(std::iter::from_fn(|| set.try_join_next()).count(), 100);
            assert_eq!(counter.count(), 1);
        });
    });
}

#[test]
fn museum_lw18_join_set_wakes_whoever_polled_last() {
    watched(|| {
        current_thread().block_on(async {
            let gate = Gate::default();
            let mut set = JoinSet::new();
            let task = set.spawn(gate.passed());
            let counters: [Arc<Counter>; 3] = Default::default();
            for counter in &counters {
                let waker = Waker::from(counter.clone());
                assert!(set.poll_join_next(&mut Context::from_waker(&waker)).is_pending());
                assert!(set.poll_join_next(&mut Context::from_waker(&waker)).is_pending());
            }
            assert!(counters[..2].iter().all(|old| Arc::strong_count(old) == 1), "a stale waker is kept");
            gate.open();
            finished(&task).await;
            assert_eq!(counters.each_ref().map(|counter| counter.count()), [0, 0, 1]);
            assert_eq!(Arc::strong_count(&counters[2]), 1);
        });
    });
}

#[test]
fn a_set_that_is_dropped_forgets_its_waiter() {
    watched(|| {
        current_thread().block_on(async {
            let counter = Arc::new(Counter::default());
            let mut set: JoinSet<()> = [std::future::pending()].into_iter().collect();
            let waker = Waker::from(counter.clone());
            assert!(set.poll_join_next(&mut Context::from_waker(&waker)).is_pending());
            drop(waker);
            assert_eq!(Arc::strong_count(&counter), 2);
            drop(set);
            assert_eq!(Arc::strong_count(&counter), 1);
        });
    });
}

#[test]
fn a_task_that_is_taken_in_late_wakes_the_waiter() {
    watched(|| {
        current_thread().block_on(async {
            let mut set: JoinSet<()> = [std::future::pending()].into_iter().collect();
            let counter = Arc::new(Counter::default());
            let waker = Waker::from(counter.clone());
            assert!(set.poll_join_next(&mut Context::from_waker(&waker)).is_pending());
            let late = crate::task::spawn(async {});
            finished(&late.abort_handle()).await;
            set.insert(late);
            assert_eq!(counter.count(), 1);
            assert!(matches!(set.poll_join_next(&mut Context::from_waker(&waker)), Poll::Ready(Some(Ok(())))));
        });
    });
}

#[test]
fn museum_y13_join_set_survives_rings_for_slots_that_have_another_task() {
    watched(|| {
        current_thread().block_on(async {
            let mut set = JoinSet::new();
            let gate = Gate::default();
            let passed = gate.passed();
            let task = set.spawn(async move {
                passed.await;
                5
            });
            // Its own slot too early, one that is vacant, one that never was.
            set.spawn(async { 6 });
            assert_eq!(set.join_next().await.unwrap().unwrap(), 6);
            for slot in [0, 1, 99, 0, usize::MAX] {
                set.doorbell.ring(slot);
            }
            let counter = Arc::new(Counter::default());
            let waker = Waker::from(counter.clone());
            assert!(set.poll_join_next(&mut Context::from_waker(&waker)).is_pending());
            assert_eq!(set.len(), 1);
            gate.open();
            finished(&task).await;
            assert_eq!(counter.count(), 1);
            assert_eq!(set.try_join_next().unwrap().unwrap(), 5);
        });
    });
}

/// Looks at the doorbell from its wake and its drop: where they run under its lock, they could not come back to it.
struct ReEnters {
    doorbell: Arc<Doorbell>,
    entered: Arc<AtomicUsize>,
}

impl ReEnters {
    fn enter(&self) {
        if !self.doorbell.is_locked() {
            self.entered.fetch_add(1, Ordering::SeqCst);
        }
    }
}

impl Wake for ReEnters {
    fn wake(self: Arc<Self>) {
        self.enter();
    }
}

impl Drop for ReEnters {
    fn drop(&mut self) {
        self.enter();
    }
}

#[test]
fn museum_w1_join_set_wakes_and_drops_wakers_outside_of_its_lock() {
    watched(|| {
        current_thread().block_on(async {
            let mut set: JoinSet<()> = [std::future::pending()].into_iter().collect();
            let entered = Arc::new(AtomicUsize::new(0));
            let hostile = |set: &JoinSet<()>| {
                Waker::from(Arc::new(ReEnters { doorbell: set.doorbell.clone(), entered: entered.clone() }))
            };
            // Replaced by another one, and by a harmless one.
            for _ in 0..2 {
                let waker = hostile(&set);
                assert!(set.poll_join_next(&mut Context::from_waker(&waker)).is_pending());
            }
            assert_eq!(entered.load(Ordering::SeqCst), 1);
            assert!(set.poll_join_next(&mut Context::from_waker(Waker::noop())).is_pending());
            assert_eq!(entered.load(Ordering::SeqCst), 2);
            // Woken by a task that finishes, which drops it too.
            let waker = hostile(&set);
            assert!(set.poll_join_next(&mut Context::from_waker(&waker)).is_pending());
            drop(waker);
            set.spawn(async {});
            while set.try_join_next().is_none() {
                yield_now().await;
            }
            assert_eq!(entered.load(Ordering::SeqCst), 4);
            // Dropped with the set.
            let waker = hostile(&set);
            assert!(set.poll_join_next(&mut Context::from_waker(&waker)).is_pending());
            drop(waker);
            drop(set);
            assert_eq!(entered.load(Ordering::SeqCst), 5);
        });
    });
}

struct Panics;

impl Wake for Panics {
    fn wake(self: Arc<Self>) {
        panic::resume_unwind(Box::new("hostile"));
    }
}

#[test]
fn museum_w2_join_set_loses_nothing_to_a_waker_that_panics() {
    watched(|| {
        current_thread().block_on(async {
            let mut set = JoinSet::new();
            let gate = Gate::default();
            let passed = gate.passed();
            let task = set.spawn(async move {
                passed.await;
                1
            });
            let hostile = Waker::from(Arc::new(Panics));
            assert!(set.poll_join_next(&mut Context::from_waker(&hostile)).is_pending());
            // The panic reaches whoever takes in a task that has finished; the task is in the set.
            let late = crate::task::spawn(async { 2 });
            finished(&late.abort_handle()).await;
            let outcome = panic::catch_unwind(panic::AssertUnwindSafe(|| set.insert(late)));
            assert_eq!(*outcome.unwrap_err().downcast::<&str>().unwrap(), "hostile");
            assert_eq!(set.len(), 2);
            assert_eq!(set.join_next().await.unwrap().unwrap(), 2);
            // Or the worker on which a task finishes, which is not ours to judge here; the output is there.
            assert!(set.poll_join_next(&mut Context::from_waker(&hostile)).is_pending());
            let outcome = panic::catch_unwind(panic::AssertUnwindSafe(|| set.doorbell.ring(0)));
            assert!(outcome.is_err());
            gate.open();
            finished(&task).await;
            assert_eq!(set.join_next().await.unwrap().unwrap(), 1);
            assert!(set.join_next().await.is_none());
        });
    });
}
