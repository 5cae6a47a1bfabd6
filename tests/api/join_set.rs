//! `JoinSet`.

use runtime::task::{self, JoinSet, LocalSet};
use runtime_tests::{Drops, Event, Flavor, WakeCount, for_each_flavor, planned_panic, watchdog};
use std::collections::HashSet;
use std::future::{pending, poll_fn};
use std::rc::Rc;
use std::task::{Context, Poll};

fn gives_all_outputs_then_none(flavor: Flavor) {
    flavor.build().block_on(async {
        let mut set = JoinSet::new();
        for number in 0..100 {
            set.spawn(async move {
                if number % 2 == 0 {
                    task::yield_now().await;
                }
                number
            });
        }
        assert_eq!(set.len(), 100);
        let mut seen = HashSet::new();
        while let Some(output) = set.join_next().await {
            assert!(seen.insert(output.unwrap()));
        }
        assert_eq!(seen.len(), 100);
        assert!(set.is_empty());
        assert!(set.join_next().await.is_none());
    });
}

fn gives_them_in_the_order_of_completion(flavor: Flavor) {
    flavor.build().block_on(async {
        let gates: Vec<_> = (0..5).map(|_| Event::new()).collect();
        let mut set = JoinSet::new();
        for (number, gate) in gates.iter().enumerate() {
            let gate = gate.clone();
            set.spawn(async move {
                gate.wait().await;
                number
            });
        }
        for number in [3, 0, 4, 1, 2] {
            gates[number].set();
            assert_eq!(set.join_next().await.unwrap().unwrap(), number);
        }
    });
}

fn knows_ids(flavor: Flavor) {
    flavor.build().block_on(async {
        let mut set = JoinSet::new();
        let good = set.spawn(async { 1 }).id();
        let bad = set.spawn(async { planned_panic() }).id();
        for _ in 0..2 {
            match set.join_next_with_id().await.unwrap() {
                Ok((id, output)) => assert_eq!((id, output), (good, 1)),
                Err(error) => assert_eq!(error.id(), bad),
            }
        }
        assert!(set.join_next_with_id().await.is_none());
        assert!(set.try_join_next_with_id().is_none());
    });
}

fn try_join_next_does_not_wait(flavor: Flavor) {
    flavor.build().block_on(async {
        let gate = Event::new();
        let waits = gate.clone();
        let mut set = JoinSet::new();
        set.spawn(async move { waits.wait().await });
        assert!(set.try_join_next().is_none());
        assert_eq!(set.len(), 1);
        gate.set();
        let result = loop {
            match set.try_join_next() {
                Some(result) => break result,
                None => task::yield_now().await,
            }
        };
        result.unwrap();
        assert!(set.try_join_next().is_none() && set.is_empty());
    });
}

fn dropping_it_aborts_its_tasks(flavor: Flavor) {
    let runtime = flavor.build();
    let drops = Drops::new();
    runtime.block_on(async {
        let mut set = JoinSet::new();
        for _ in 0..20 {
            let held = drops.probe();
            set.spawn(async move {
                let _held = held;
                pending::<()>().await;
            });
        }
        task::yield_now().await;
        drop(set);
        while drops.count() < 20 {
            task::yield_now().await;
        }
    });
}

fn detach_all_lets_them_live(flavor: Flavor) {
    flavor.build().block_on(async {
        let (gate, done) = (Event::new(), Event::new());
        let (waits, ends) = (gate.clone(), done.clone());
        let mut set = JoinSet::new();
        set.spawn(async move {
            waits.wait().await;
            ends.set();
        });
        set.detach_all();
        assert!(set.is_empty());
        drop(set);
        gate.set();
        done.wait().await;
    });
}

fn abort_all_leaves_errors_to_join(flavor: Flavor) {
    flavor.build().block_on(async {
        let mut set = JoinSet::new();
        for _ in 0..10 {
            set.spawn(pending::<()>());
        }
        set.abort_all();
        assert_eq!(set.len(), 10);
        let mut cancelled = 0;
        while let Some(result) = set.join_next().await {
            assert!(result.unwrap_err().is_cancelled());
            cancelled += 1;
        }
        assert_eq!(cancelled, 10);
    });
}

fn shutdown_waits_for_the_drops(flavor: Flavor) {
    flavor.build().block_on(async {
        let drops = Drops::new();
        let mut set = JoinSet::new();
        for _ in 0..10 {
            let held = drops.probe();
            set.spawn(async move {
                let _held = held;
                pending::<()>().await;
            });
        }
        set.spawn(async { planned_panic() });
        set.shutdown().await;
        assert_eq!(drops.count(), 10);
        assert!(set.is_empty());
    });
}

fn join_all_gives_all(flavor: Flavor) {
    flavor.build().block_on(async {
        let set: JoinSet<_> = (0..10).map(|number| async move { number }).collect();
        let mut all = set.join_all().await;
        all.sort_unstable();
        assert_eq!(all, (0..10).collect::<Vec<_>>());
    });
}

fn join_all_panics_with_the_task_and_aborts_the_rest(flavor: Flavor) {
    let runtime = flavor.build();
    let drops = Drops::new();
    let held = drops.probe();
    let outer = runtime.spawn(async move {
        let mut set = JoinSet::new();
        set.spawn(async move {
            let _held = held;
            pending::<()>().await;
        });
        set.spawn(async { planned_panic() });
        set.join_all().await
    });
    let error = runtime.block_on(outer).unwrap_err();
    let payload = error.into_panic();
    assert_eq!(payload.downcast_ref::<&str>().copied().unwrap_or("planned panic"), "planned panic");
    runtime.block_on(async {
        while drops.count() == 0 {
            task::yield_now().await;
        }
    });
}

fn extends_and_collects(flavor: Flavor) {
    flavor.build().block_on(async {
        let mut set: JoinSet<usize> = [std::future::ready(1)].into_iter().collect();
        set.extend((2..4).map(std::future::ready));
        let mut sum = 0;
        while let Some(output) = set.join_next().await {
            sum += output.unwrap();
        }
        assert_eq!(sum, 6);
        assert!(JoinSet::<()>::default().is_empty());
        assert!(format!("{set:?}").contains("JoinSet"));
    });
}

fn blocking_closures_join_too(flavor: Flavor) {
    let runtime = flavor.build();
    let handle = runtime.handle().clone();
    runtime.block_on(async {
        let mut set = JoinSet::new();
        set.spawn_blocking(|| 1);
        set.spawn_blocking_on(|| 2, &handle);
        set.spawn_on(async { 4 }, &handle);
        let mut sum = 0;
        while let Some(output) = set.join_next().await {
            sum += output.unwrap();
        }
        assert_eq!(sum, 7);
    });
}

fn join_next_may_be_cancelled_without_loss(flavor: Flavor) {
    flavor.build().block_on(async {
        let mut set = JoinSet::new();
        for number in 0..50 {
            set.spawn(async move {
                task::yield_now().await;
                number
            });
        }
        let mut seen = 0;
        while seen < 50 {
            let polled = poll_fn(|cx| {
                let mut next = std::pin::pin!(set.join_next());
                Poll::Ready(next.as_mut().poll(cx))
            });
            match polled.await {
                Poll::Ready(Some(output)) => {
                    output.unwrap();
                    seen += 1;
                }
                Poll::Ready(None) => panic!("{} outputs are lost", 50 - seen),
                Poll::Pending => task::yield_now().await,
            }
        }
        assert!(set.join_next().await.is_none());
    });
}

fn poll_join_next_wakes_its_last_waker(flavor: Flavor) {
    let runtime = flavor.build();
    let gate = Event::new();
    let waits = gate.clone();
    let mut set = JoinSet::new();
    set.spawn_on(async move { waits.wait().await }, runtime.handle());
    let (first, second) = (WakeCount::new(), WakeCount::new());
    assert!(set.poll_join_next(&mut Context::from_waker(&first.waker())).is_pending());
    assert!(set.poll_join_next(&mut Context::from_waker(&second.waker())).is_pending());
    gate.set();
    runtime.block_on(async {
        while second.wakes() == 0 {
            task::yield_now().await;
        }
    });
    assert_eq!(first.wakes(), 0);
    assert!(matches!(set.poll_join_next(&mut Context::from_waker(&second.waker())), Poll::Ready(Some(Ok(())))));
    let none = set.poll_join_next(&mut Context::from_waker(&second.waker()));
    assert!(matches!(none, Poll::Ready(None)));
    drop(set);
    assert_eq!((first.alive(), second.alive()), (0, 0));
}

fn outlives_its_runtime(flavor: Flavor) {
    let runtime = flavor.build();
    let mut set = JoinSet::new();
    for _ in 0..5 {
        set.spawn_on(pending::<()>(), runtime.handle());
    }
    drop(runtime);
    flavor.build().block_on(async {
        while let Some(result) = set.join_next().await {
            assert!(result.unwrap_err().is_cancelled());
        }
    });
}

fn a_task_that_fills_the_set_while_it_is_joined(flavor: Flavor) {
    flavor.build().block_on(async {
        let mut set = JoinSet::new();
        set.spawn(async { 300_u32 });
        let mut joined = 0;
        while let Some(left) = set.join_next().await {
            joined += 1;
            if let Some(next) = left.unwrap().checked_sub(1) {
                set.spawn(async move { next });
            }
        }
        assert_eq!(joined, 301);
    });
}

for_each_flavor!(
    gives_all_outputs_then_none,
    gives_them_in_the_order_of_completion,
    knows_ids,
    try_join_next_does_not_wait,
    dropping_it_aborts_its_tasks,
    detach_all_lets_them_live,
    abort_all_leaves_errors_to_join,
    shutdown_waits_for_the_drops,
    join_all_gives_all,
    join_all_panics_with_the_task_and_aborts_the_rest,
    extends_and_collects,
    blocking_closures_join_too,
    join_next_may_be_cancelled_without_loss,
    poll_join_next_wakes_its_last_waker,
    outlives_its_runtime,
    a_task_that_fills_the_set_while_it_is_joined
);

#[test]
fn local_tasks_join_too() {
    let _watch = watchdog();
    let runtime = Flavor::CurrentThread.build();
    let local = LocalSet::new();
    let mut set = JoinSet::new();
    set.spawn_local_on(async { Rc::new(1) }, &local);
    let sum = local.block_on(&runtime, async {
        set.spawn_local(async { Rc::new(2) });
        let mut sum = 0;
        while let Some(output) = set.join_next().await {
            sum += *output.unwrap();
        }
        sum
    });
    assert_eq!(sum, 3);
}

#[test]
fn aborting_one_leaves_the_others() {
    let _watch = watchdog();
    Flavor::MultiThread(2).build().block_on(async {
        let mut set = JoinSet::new();
        let abort = set.spawn(pending::<u32>());
        set.spawn(async { 1 });
        abort.abort();
        let (mut cancelled, mut sum) = (0, 0);
        while let Some(result) = set.join_next().await {
            match result {
                Ok(output) => sum += output,
                Err(error) => cancelled += usize::from(error.is_cancelled()),
            }
        }
        assert_eq!((cancelled, sum), (1, 1));
    });
}
