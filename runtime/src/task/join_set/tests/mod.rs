//! Tests of `JoinSet`: what it promises (here), what becomes of its tasks (`fates`), its wakers (`wakers`), and random
//! operations against a model (`random`).

mod fates;
mod random;
mod wakers;

use super::*;
use crate::runtime::{Builder as RuntimeBuilder, Runtime};
use crate::task::{LocalSet, yield_now};
use parking_lot::Mutex;
use std::cell::Cell;
use std::pin::pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::task::{Wake, Waker};
use std::time::Duration;

/// Runs a test on a thread of its own; one that hangs fails.
fn watched<R: Send + 'static>(test: impl FnOnce() -> R + Send + 'static) -> R {
    let (done, result) = mpsc::channel();
    std::thread::spawn(move || done.send(std::panic::catch_unwind(std::panic::AssertUnwindSafe(test))));
    match result.recv_timeout(Duration::from_secs(60)) {
        Ok(Ok(result)) => result,
        Ok(Err(payload)) => panic::resume_unwind(payload),
        Err(_) => panic!("the test hangs"),
    }
}

fn current_thread() -> Runtime {
    RuntimeBuilder::new_current_thread().build().unwrap()
}

fn multi_thread() -> Runtime {
    RuntimeBuilder::new_multi_thread().worker_threads(2).build().unwrap()
}

/// Runs a test on both flavors.
fn on_both(test: impl AsyncFn() + Send + Sync + 'static) {
    watched(move || {
        current_thread().block_on(test());
        multi_thread().block_on(test());
    });
}

async fn finished(task: &AbortHandle) {
    while !task.is_finished() {
        yield_now().await;
    }
}

/// Opens once; all who wait for it go on.
#[derive(Clone, Default)]
struct Gate(Arc<Mutex<(bool, Vec<Waker>)>>);

impl Gate {
    fn open(&self) {
        let wakers = {
            let mut state = self.0.lock();
            state.0 = true;
            std::mem::take(&mut state.1)
        };
        wakers.into_iter().for_each(Waker::wake);
    }

    fn passed(&self) -> impl Future<Output = ()> + Send + 'static {
        let gate = self.0.clone();
        poll_fn(move |cx| {
            let mut state = gate.lock();
            if state.0 {
                return Poll::Ready(());
            }
            state.1.push(cx.waker().clone());
            Poll::Pending
        })
    }
}

/// Counts its wakes.
#[derive(Default)]
struct Counter(AtomicUsize);

impl Counter {
    fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for Counter {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn ten_thousand_tasks_are_joined_once_each() {
    on_both(async || {
        let mut set = JoinSet::new();
        for round in 0..2 {
            set.extend((0..10_000u64).map(|n| async move {
                if n % 3 == 0 {
                    yield_now().await;
                }
                n
            }));
            assert_eq!(set.len(), 10_000);
            let mut seen = vec![false; 10_000];
            while let Some(n) = set.join_next().await {
                let n = usize::try_from(n.unwrap()).unwrap();
                assert!(!std::mem::replace(&mut seen[n], true), "task {n} was joined twice in round {round}");
            }
            assert!(seen.into_iter().all(|seen| seen));
            assert!(set.is_empty() && set.try_join_next().is_none());
        }
    });
}

#[test]
fn tasks_spawned_while_others_are_joined() {
    on_both(async || {
        let mut set = JoinSet::new();
        set.spawn(async { 1u32 });
        let (mut joined, mut left) = (0, 5000);
        while let Some(n) = set.join_next().await {
            joined += n.unwrap();
            for _ in 0..2u32.min(left) {
                left -= 1;
                set.spawn(async { 1 });
            }
        }
        assert_eq!(joined, 5001);
    });
}

#[test]
fn outputs_come_in_the_order_in_which_tasks_finish() {
    watched(|| {
        current_thread().block_on(async {
            let gates: Vec<Gate> = (0..5).map(|_| Gate::default()).collect();
            let mut set = JoinSet::new();
            let tasks: Vec<AbortHandle> = gates
                .iter()
                .enumerate()
                .map(|(n, gate)| {
                    let gate = gate.passed();
                    set.spawn(async move {
                        gate.await;
                        n
                    })
                })
                .collect();
            for n in [3, 0, 4, 1, 2] {
                gates[n].open();
                finished(&tasks[n]).await;
            }
            assert_eq!(set.join_all().await, [3, 0, 4, 1, 2]);
        });
    });
}

#[test]
fn a_task_that_has_finished_before_it_is_taken_in_keeps_its_place() {
    on_both(async || {
        let mut set = JoinSet::new();
        let gate = Gate::default();
        let passed = gate.passed();
        let first = set.spawn(async move {
            passed.await;
            1
        });
        gate.open();
        finished(&first).await;
        let early = crate::task::spawn(async { 2 });
        let id = early.id();
        finished(&early.abort_handle()).await;
        let handle = set.insert(early);
        assert_eq!((set.len(), handle.id(), handle.is_finished()), (2, id, true));
        set.abort_all();
        assert_eq!(set.join_next().await.unwrap().unwrap(), 1);
        assert_eq!(set.join_next_with_id().await.unwrap().unwrap(), (id, 2));
        assert!(set.join_next().await.is_none());
    });
}

#[test]
fn ids_and_errors_name_their_task() {
    on_both(async || {
        let mut set = JoinSet::new();
        assert!(set.try_join_next_with_id().is_none() && set.join_next_with_id().await.is_none());
        let good = set.spawn(async { 7 });
        assert_eq!(set.join_next_with_id().await.unwrap().unwrap(), (good.id(), 7));
        let bad = set.spawn(async { panic!("bad") });
        finished(&bad).await;
        let error = loop {
            if let Some(output) = set.try_join_next_with_id() {
                break output.unwrap_err();
            }
            yield_now().await;
        };
        assert!(error.is_panic() && error.id() == bad.id());
        let aborted = set.spawn(std::future::pending());
        aborted.abort();
        let error = set.join_next_with_id().await.unwrap().unwrap_err();
        assert!(error.is_cancelled() && error.id() == aborted.id());
        assert!(set.is_empty());
    });
}

#[test]
fn join_next_can_be_given_up_in_every_state() {
    on_both(async || {
        let mut set = JoinSet::new();
        let gate = Gate::default();
        let passed = gate.passed();
        let task = set.spawn(async move {
            passed.await;
            "output"
        });
        drop(set.join_next());
        {
            let mut waiting = pin!(set.join_next());
            assert!(waiting.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        }
        gate.open();
        finished(&task).await;
        drop(set.join_next());
        assert_eq!(set.len(), 1);
        assert_eq!(set.join_next().await.unwrap().unwrap(), "output");
        assert_eq!(set.len(), 0);
    });
}

#[test]
fn every_way_to_spawn() {
    watched(|| {
        let (here, elsewhere) = (multi_thread(), current_thread());
        let local_set = LocalSet::new();
        local_set.block_on(&here, async {
            let mut set = JoinSet::new();
            set.spawn(async { 1u32 });
            set.spawn_on(async { 2 }, here.handle());
            let rc = Rc::new(4);
            set.spawn_local(async move { *rc });
            let rc = Rc::new(8);
            set.spawn_local_on(async move { *rc }, &local_set);
            set.spawn_blocking(|| 16);
            set.spawn_blocking_on(|| 32, elsewhere.handle());
            let name = |value: u32| async move { crate::task::name().map_or(0, |_| value) };
            set.build_task().name("a").spawn(name(64)).unwrap();
            set.build_task().name("b").spawn_on(name(128), here.handle()).unwrap();
            set.build_task().name("c").spawn_local(name(256)).unwrap();
            set.build_task().name("d").spawn_local_on(name(512), &local_set).unwrap();
            set.build_task().name("e").spawn_blocking(|| 1024).unwrap();
            set.build_task().name("f").spawn_blocking_on(|| 2048, elsewhere.handle()).unwrap();
            assert_eq!(set.len(), 12);
            assert_eq!(set.join_all().await.into_iter().sum::<u32>(), 4095);
        });
    });
}

#[test]
fn a_set_can_hold_what_is_not_send() {
    watched(|| {
        let local_set = LocalSet::new();
        local_set.block_on(&current_thread(), async {
            let mut set = JoinSet::new();
            set.spawn_local(async { Rc::new(Cell::new(1)) });
            assert_eq!(set.join_next().await.unwrap().unwrap().get(), 1);
        });
    });
}

#[test]
fn spawning_outside_of_a_runtime_blames_the_caller_and_leaves_the_set_alone() {
    let mut set = JoinSet::<()>::new();
    let outside = panic::catch_unwind(panic::AssertUnwindSafe(|| set.spawn(async {})));
    let payload = outside.unwrap_err();
    assert!(payload.downcast_ref::<String>().unwrap().starts_with("no runtime here: `spawn` was called"));
    assert!(set.is_empty() && set.try_join_next().is_none());
    assert!(panic::catch_unwind(|| [async {}].into_iter().collect::<JoinSet<()>>().len()).is_err());
}

#[test]
fn a_waiter_pays_with_its_budget_and_a_poll_without_waiting_does_not() {
    use crate::engine::budget::{Budget, with_budget};
    watched(|| {
        current_thread().block_on(async {
            let mut set: JoinSet<usize> = (0..300).map(|n| async move { n }).collect();
            while set.slots.handles().any(|task| !task.is_finished()) {
                yield_now().await;
            }
            let counter = Arc::new(Counter::default());
            let waker = Waker::from(counter.clone());
            let mut cx = Context::from_waker(&waker);
            with_budget(Budget::PER_POLL, || {
                assert_eq!((0..300).take_while(|_| set.poll_join_next(&mut cx).is_ready()).count(), 128);
                assert_eq!((counter.count(), set.len()), (1, 172));
                assert_eq!(std::iter::from_fn(|| set.try_join_next()).count(), 172);
                assert!(matches!(set.poll_join_next(&mut cx), Poll::Ready(None)), "an empty set needs no budget");
            });
            // What was not ready has cost nothing.
            set.spawn(std::future::pending());
            with_budget(Budget::PER_POLL, || {
                for _ in 0..300 {
                    assert!(set.poll_join_next(&mut cx).is_pending());
                }
                assert!(coop::has_budget_remaining());
            });
        });
    });
}

#[test]
fn debug_shows_the_length() {
    current_thread().block_on(async {
        let mut set: JoinSet<i32> = [async { 1 }].into_iter().collect();
        assert_eq!(format!("{set:?}"), "JoinSet { len: 1 }");
        assert!(format!("{:?}", set.build_task().name("n")).contains("JoinSet { len: 1 }"));
        assert_eq!(JoinSet::<()>::default().len(), 0);
    });
}

/// What two impls of a trait are both for is named by neither: `NotIf…<_>` compiles for types without the auto trait.
trait NotIfSend<A> {
    fn holds() {}
}
impl<T> NotIfSend<()> for T {}
impl<T: Send> NotIfSend<u8> for T {}

trait NotIfSync<A> {
    fn holds() {}
}
impl<T> NotIfSync<()> for T {}
impl<T: Sync> NotIfSync<u8> for T {}

#[test]
fn auto_traits() {
    fn send_sync_unpin<T: Send + Sync + Unpin>() {}
    // Sync although its outputs are not: they are only given out through `&mut`.
    send_sync_unpin::<JoinSet<Cell<u8>>>();
    <JoinSet<Rc<u8>> as NotIfSend<_>>::holds();
    <JoinSet<Rc<u8>> as NotIfSync<_>>::holds();
}
