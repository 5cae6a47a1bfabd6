//! `task::coop`: the budget.

use runtime::task::{self, coop};
use runtime_tests::{Place, WakeCount, for_each_place, watchdog};
use std::future::{poll_fn, ready};
use std::task::{Context, Poll, ready};

/// Units of budget until `poll_proceed` refuses, in one poll; stops at 10,000.
async fn units() -> usize {
    let mut taken = 0;
    poll_fn(|cx| {
        while taken < 10_000 {
            match coop::poll_proceed(cx) {
                Poll::Ready(unit) => unit.made_progress(),
                Poll::Pending => return Poll::Ready(()),
            }
            taken += 1;
        }
        Poll::Ready(())
    })
    .await;
    taken
}

fn a_poll_has_a_budget(place: Place) {
    let world = place.build();
    let handle = world.spawn(units());
    let taken = world.block_on(handle).unwrap();
    assert!((2..10_000).contains(&taken), "{taken} units");
}

fn the_main_future_has_a_budget(place: Place) {
    let taken = place.build().block_on(units());
    assert!((2..10_000).contains(&taken), "{taken} units");
}

fn each_poll_has_a_new_one(place: Place) {
    let world = place.build();
    let handle = world.spawn(async {
        let first = units().await;
        assert!(!coop::has_budget_remaining());
        task::yield_now().await;
        assert!(coop::has_budget_remaining());
        (first, units().await)
    });
    let (first, second) = world.block_on(handle).unwrap();
    assert_eq!(first, second);
}

fn consume_budget_yields_when_it_is_used_up(place: Place) {
    let world = place.build();
    let spinner = world.spawn(async {
        loop {
            coop::consume_budget().await;
        }
    });
    let others: Vec<_> = (0..10).map(|_| world.spawn(async { task::yield_now().await })).collect();
    world.block_on(async {
        for other in others {
            other.await.unwrap();
        }
    });
    spinner.abort();
    assert!(world.block_on(spinner).unwrap_err().is_cancelled());
}

fn a_unit_without_progress_is_given_back(place: Place) {
    let world = place.build();
    let handle = world.spawn(async {
        for _ in 0..10_000 {
            poll_fn(|cx| {
                drop(ready!(coop::poll_proceed(cx)));
                Poll::Ready(())
            })
            .await;
        }
        units().await
    });
    assert!(world.block_on(handle).unwrap() > 1);
}

fn unconstrained_has_no_limit(place: Place) {
    let world = place.build();
    let handle = world.spawn(async {
        let inside = without_a_limit(units()).await;
        (inside, units().await)
    });
    let (inside, outside) = world.block_on(handle).unwrap();
    assert_eq!(inside, 10_000);
    assert!(outside < 10_000, "the limit is back afterwards");
}

fn cooperative_takes_a_unit_for_each_ready(place: Place) {
    let world = place.build();
    let spinner = world.spawn(async {
        loop {
            coop::cooperative(ready(())).await;
        }
    });
    world.block_on(async {
        for _ in 0..10 {
            task::yield_now().await;
        }
    });
    spinner.abort();
    assert!(world.block_on(spinner).unwrap_err().is_cancelled());
}

fn joining_takes_part_in_the_budget(place: Place) {
    // A task that only ever joins finished tasks yields now and then.
    let world = place.build();
    let handles: Vec<_> = (0..2_000).map(|_| world.spawn(async {})).collect();
    world.run_until("all to end", || handles.iter().all(task::JoinHandle::is_finished));
    let polls = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counts = polls.clone();
    let mut joins = Box::pin(async move {
        for handle in handles {
            handle.await.unwrap();
        }
    });
    let joiner = world.spawn(poll_fn(move |cx| {
        counts.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        joins.as_mut().poll(cx)
    }));
    world.block_on(joiner).unwrap();
    let polls = polls.load(std::sync::atomic::Ordering::SeqCst);
    assert!(polls > 1, "2,000 joins in one poll");
}

fn the_old_paths_work(place: Place) {
    #[allow(deprecated)]
    place.build().block_on(async {
        task::consume_budget().await;
        task::unconstrained(async {}).await;
    });
}

for_each_place!(
    a_poll_has_a_budget,
    the_main_future_has_a_budget,
    each_poll_has_a_new_one,
    consume_budget_yields_when_it_is_used_up,
    a_unit_without_progress_is_given_back,
    unconstrained_has_no_limit,
    cooperative_takes_a_unit_for_each_ready,
    joining_takes_part_in_the_budget,
    the_old_paths_work
);

/// What wraps a future it knows nothing of compiles, as with tokio.
fn without_a_limit<F>(future: F) -> coop::Unconstrained<F> {
    coop::unconstrained(future)
}

#[test]
fn outside_of_a_runtime_there_is_no_limit() {
    let _watch = watchdog();
    let count = WakeCount::new();
    let waker = count.waker();
    let mut cx = Context::from_waker(&waker);
    for _ in 0..10_000 {
        match coop::poll_proceed(&mut cx) {
            Poll::Ready(unit) => unit.made_progress(),
            Poll::Pending => panic!("a limit outside of any task"),
        }
        assert!(coop::has_budget_remaining());
    }
    assert_eq!(count.wakes(), 0);
}

#[test]
fn block_in_place_has_no_limit_and_gives_the_budget_back() {
    let _watch = watchdog();
    let runtime = runtime_tests::Flavor::MultiThread(2).build();
    let handle = runtime.spawn(async {
        task::block_in_place(|| {
            let mut cx = Context::from_waker(std::task::Waker::noop());
            for _ in 0..10_000 {
                match coop::poll_proceed(&mut cx) {
                    Poll::Ready(unit) => unit.made_progress(),
                    Poll::Pending => panic!("a limit inside block_in_place"),
                }
            }
        });
        units().await
    });
    assert!(runtime.block_on(handle).unwrap() < 10_000);
}
