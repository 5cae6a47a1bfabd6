//! `scope::TaskGroup` at its edges: nobody in it, panics of who is stopped, two runtimes, joins that are given up.

use runtime::runtime::UnhandledPanic;
use runtime::scope::{ChildError, TaskGroup, gather_settled};
use runtime::task::yield_now;
use runtime_tests::{Drops, Event, Flavor, WakeCount, for_each_flavor, planned_panic};
use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

type Group<T = u32> = TaskGroup<T, &'static str>;

fn groups_without_children_are_over_at_once(flavor: Flavor) {
    flavor.build().block_on(async {
        assert_eq!(Group::<u32>::new().join().await.unwrap(), []);
        assert!(Group::<u32>::settling().join_settled().await.is_empty());
        assert!(Group::<u32>::new().next().await.is_none());
        assert_eq!(gather_settled(Vec::<std::future::Ready<u8>>::new()).await.len(), 0);
        // Daemons alone are nobody to wait for.
        let mut group = Group::<u32>::new();
        group.spawn_daemon(pending());
        assert!(group.next().await.is_none() && group.is_empty());
        assert_eq!(group.join().await.unwrap(), []);
        let group = Group::<u32>::new();
        group.cancel();
        assert_eq!(group.join().await.unwrap(), []);
    });
}

fn a_child_that_panics_while_it_is_cancelled_is_heard_of(flavor: Flavor) {
    let runtime = flavor.builder().unhandled_panic(UnhandledPanic::Ignore).build().unwrap();
    let drops = Drops::new();
    let fill = |group: &Group<u32>| {
        for _ in 0..2 {
            let probe = drops.probe();
            let panics = runtime_tests::probe::OnDrop(|| planned_panic());
            group.spawn(async move {
                let _probe = probe;
                let _panics = panics;
                pending().await
            });
        }
        let begun = Event::new();
        let tells = begun.clone();
        group.spawn(async move {
            tells.set();
            pending().await
        });
        begun
    };
    // Joined: it goes on with the panic, when all are gone.
    let caught = catch_unwind(AssertUnwindSafe(|| {
        runtime.block_on(async {
            let group = Group::<u32>::new();
            fill(&group).wait().await;
            group.cancel();
            group.join().await
        })
    }));
    assert!(caught.is_err());
    assert_eq!((drops.alive(), runtime.metrics().num_alive_tasks()), (0, 0));
    assert_eq!(runtime.metrics().unhandled_panics(), 1, "the second of two");
    // Settled: a result.
    runtime.block_on(async {
        let group = Group::<u32>::settling();
        fill(&group).wait().await;
        group.cancel();
        let told = group.join_settled().await;
        assert_eq!(told.iter().filter(|told| matches!(told, Err(ChildError::Panicked(_)))).count(), 2);
        // Dropped: nobody is told, so the policy for such panics is.
        let group = Group::<u32>::new();
        fill(&group).wait().await;
        drop(group);
        while runtime.metrics().unhandled_panics() < 3 || drops.alive() > 0 {
            yield_now().await;
        }
    });
}

fn a_group_may_be_used_from_another_runtime(flavor: Flavor) {
    let (one, other) = (flavor.build(), Flavor::MultiThread(1).build());
    let group = Group::<u32>::new();
    let begun = Event::new();
    let tells = begun.clone();
    {
        let _inside = other.enter();
        group.spawn(async { Ok(1) });
        group.spawn(async move {
            tells.set();
            pending().await
        });
    }
    one.block_on(async {
        begun.wait().await;
        group.spawn(async {
            yield_now().await;
            Ok(2)
        });
        // A failure in one runtime stops the children in the other.
        group.spawn(async { Err("here") });
        let error = group.join().await.unwrap_err();
        assert!(matches!(error.first(), ChildError::Failed("here")), "{error:?}");
    });
    assert_eq!((one.metrics().num_alive_tasks(), other.metrics().num_alive_tasks()), (0, 0));
}

fn a_join_that_is_given_up_half_way(flavor: Flavor) {
    flavor.build().block_on(async {
        let drops = Drops::new();
        let group = Group::<u32>::new();
        for n in 0..10 {
            let probe = drops.probe();
            group.spawn(async move {
                let _probe = probe;
                if n % 2 == 0 { Ok(n) } else { pending().await }
            });
        }
        let late = group.spawner();
        let joined = runtime::time::timeout(std::time::Duration::from_millis(2), group.join()).await;
        assert!(joined.is_err());
        assert!(late.spawn(async { Ok(1) }).is_err(), "a group that is gone took a child");
        while drops.alive() > 0 {
            yield_now().await;
        }
        // `next` given up loses nothing.
        let mut group = Group::<u32>::new();
        let go = Event::new();
        let waits = go.wait();
        group.spawn(async move {
            waits.await;
            Ok(7)
        });
        {
            let mut next = Box::pin(group.next());
            assert!(WakeCount::new().poll(&mut next).is_pending());
        }
        go.set();
        assert!(matches!(group.next().await, Some(Ok(7))));
        assert!(std::future::poll_fn(|cx| group.poll_next(cx)).await.is_none());
    });
}

fn a_limit_lets_those_go_that_wait_for_it(flavor: Flavor) {
    flavor.build().block_on(async {
        let drops = Drops::new();
        let group = Group::<u32>::new().with_limit(1);
        let children: Vec<_> = (0..5)
            .map(|_| {
                let probe = drops.probe();
                group.spawn(async move {
                    let _probe = probe;
                    pending().await
                })
            })
            .collect();
        yield_now().await;
        // The first to run, and one that waits: the failure is the abort, and all the others are stopped.
        children[3].abort();
        let error = group.join().await.unwrap_err();
        assert!(matches!(error.failures(), [ChildError::Cancelled(_)]), "{error:?}");
        assert_eq!(drops.alive(), 0);
        let all = Group::<u32>::new().with_limit(usize::MAX);
        all.spawn(async { Ok(1) });
        assert_eq!(all.join().await.unwrap(), [1]);
    });
}

fn who_drops_a_group_and_goes_on_is_waited_for_with_it(flavor: Flavor) {
    let runtime = flavor.build();
    runtime.block_on(async {
        let drops = Drops::new();
        let outer = Group::<u32>::new();
        let probes: Vec<_> = (0..3).map(|_| drops.probe()).collect();
        outer.spawn(async move {
            for probe in probes {
                let inner = Group::<u32>::new();
                inner.spawn(async move {
                    let _probe = probe;
                    pending().await
                });
                drop(inner);
                yield_now().await;
            }
            Ok(1)
        });
        // A child that keeps its own group, and is the last to: it does not wait for itself.
        let own = Arc::new(Group::<u32>::new());
        let kept = own.clone();
        let spawner = outer.spawner();
        own.spawn(async move {
            yield_now().await;
            drop(kept);
            Ok(2)
        });
        drop(own);
        drop(spawner);
        assert_eq!(outer.join().await.unwrap(), [1]);
        assert_eq!(drops.alive(), 0, "a task is left behind");
        while runtime.metrics().num_alive_tasks() > 0 {
            yield_now().await;
        }
    });
}

for_each_flavor!(
    groups_without_children_are_over_at_once,
    a_child_that_panics_while_it_is_cancelled_is_heard_of,
    a_group_may_be_used_from_another_runtime,
    a_join_that_is_given_up_half_way,
    a_limit_lets_those_go_that_wait_for_it,
    who_drops_a_group_and_goes_on_is_waited_for_with_it,
);
