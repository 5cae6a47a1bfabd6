//! `BlockingPool`: threads of one's own.

use runtime::runtime::Handle;
use runtime::task::{BlockingPool, TrySpawnError};
use runtime_tests::{Drops, Event, Flavor, WakeCount, for_each_flavor, planned_panic, wait_until, watchdog};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

fn pool(threads: usize) -> BlockingPool {
    BlockingPool::builder().threads(threads).build()
}

/// Keeps a thread of the pool until the event happens. Returns when it has begun.
fn occupy(pool: &BlockingPool, gate: &Event) {
    let (begun, gate) = (Event::new(), gate.clone());
    let begins = begun.clone();
    drop(pool.spawn(move || {
        begins.set();
        gate.wait_blocking();
    }));
    begun.wait_blocking();
}

/// Each item waits until its successor is done.
///
/// Fault: `next` that takes whichever handle is ready.
fn map_gives_results_in_the_order_of_the_items(flavor: Flavor) {
    const ITEMS: usize = 8;
    let runtime = flavor.build();
    let pool = pool(ITEMS);
    let done: Arc<[Event]> = (0..=ITEMS).map(|_| Event::new()).collect();
    done[ITEMS].set();
    let mut results = pool.map(0..ITEMS, move |item| {
        done[item + 1].wait_blocking();
        done[item].set();
        item * item
    });
    assert_eq!(results.len(), ITEMS);
    runtime.block_on(async {
        for item in 0..ITEMS {
            assert_eq!(results.next().await.unwrap().unwrap(), item * item);
        }
        assert!(results.is_empty());
        assert!(results.next().await.is_none());
        assert!(results.next().await.is_none(), "once more");
        assert_eq!(pool.map(Vec::<u8>::new(), |item| item).collect().await.unwrap(), []);
    });
}

/// Fault: threads that stop at a panic.
fn a_panic_is_the_result_of_its_item(flavor: Flavor) {
    let runtime = flavor.build();
    let pool = pool(2);
    let odd = |item: usize| if item % 2 == 1 { item } else { planned_panic() };
    let mut results = pool.map(0..10, odd);
    runtime.block_on(async {
        for item in 0..10 {
            let result = results.next().await.unwrap();
            if item % 2 == 1 { assert_eq!(result.unwrap(), item) } else { assert!(result.unwrap_err().is_panic()) }
        }
        assert!(pool.map(0..10, odd).collect().await.unwrap_err().is_panic());
        assert!(pool.spawn(|| planned_panic()).await.unwrap_err().is_panic());
        assert_eq!(pool.spawn(|| 42).await.unwrap(), 42);
    });
    assert!(pool.num_threads() <= 2);
}

/// Fault: a limit that counts threads that have started only.
fn no_more_closures_run_than_there_are_threads(flavor: Flavor) {
    let runtime = flavor.build();
    let pool = pool(3);
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (theirs, peak) = (running.clone(), most.clone());
    let results = pool.map(0..200, move |_| {
        peak.fetch_max(theirs.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        std::thread::sleep(Duration::from_micros(50));
        theirs.fetch_sub(1, Ordering::SeqCst);
    });
    runtime.block_on(results.collect()).unwrap();
    assert!((1..=3).contains(&most.load(Ordering::SeqCst)));
    assert!(pool.num_threads() <= 3);
}

/// Whose pool it is does not matter: each closure finds the runtime of its spawner, or none.
///
/// Fault: `spawn` that enters nothing; that enters the runtime of whoever started the thread.
#[test]
fn several_runtimes_and_none_use_one_pool() {
    let _watch = watchdog();
    let pool = pool(1);
    let here = || Handle::try_current().ok().map(|handle| handle.id());
    let (first, second) = (Flavor::MultiThread(2).build(), Flavor::CurrentThread.build());
    for runtime in [&first, &second, &first] {
        let theirs = pool.clone();
        let seen = runtime.block_on(async move { theirs.spawn(here).await.unwrap() });
        assert_eq!(seen, Some(runtime.handle().id()));
        let theirs = pool.clone();
        let tried = runtime.block_on(async move { theirs.try_spawn(here).unwrap().await.unwrap() });
        assert_eq!(tried, Some(runtime.handle().id()));
        let outside = pool.spawn(here);
        assert_eq!(second.block_on(outside).unwrap(), None);
    }
    // A closure whose runtime ends before it begins runs all the same.
    let gate = Event::new();
    occupy(&pool, &gate);
    let entered = first.enter();
    let waits = pool.spawn(|| 42);
    drop(entered);
    first.shutdown_background();
    gate.set();
    assert_eq!(second.block_on(waits).unwrap(), 42);
}

/// Fault: the drop of the last handle that cancels what waits, or closes nothing (then the threads stay).
fn what_waits_when_the_last_handle_goes_is_run(flavor: Flavor) {
    let runtime = flavor.build();
    let (gate, drops) = (Event::new(), Drops::new());
    let pool = pool(1);
    occupy(&pool, &gate);
    let handles: Vec<_> = (0..10)
        .map(|number| {
            let probe = drops.probe();
            pool.spawn(move || {
                let _probe = probe;
                number
            })
        })
        .collect();
    let clone = pool.clone();
    drop(pool);
    assert_eq!(clone.queue_depth(), 10);
    drop(clone);
    assert_eq!(drops.count(), 0);
    gate.set();
    runtime.block_on(async {
        for (number, handle) in handles.into_iter().enumerate() {
            assert_eq!(handle.await.unwrap(), number);
        }
    });
    assert_eq!(drops.count(), 10);
}

/// The last handle is inside of a closure: the thread that drops it does not wait for itself.
#[test]
fn the_last_handle_may_go_on_a_thread_of_the_pool() {
    let _watch = watchdog();
    let runtime = Flavor::CurrentThread.build();
    let pool = pool(1);
    let (theirs, gate) = (pool.clone(), Event::new());
    let waits = gate.clone();
    let last = pool.spawn(move || {
        waits.wait_blocking();
        drop(theirs);
        42
    });
    drop(pool);
    gate.set();
    assert_eq!(runtime.block_on(last).unwrap(), 42);
}

/// Fault: `shutdown` that does not wait; that is not woken by the last thread; `close` that lets closures in.
fn shutdown_waits_for_what_was_accepted(flavor: Flavor) {
    let runtime = flavor.build();
    let (pool, gate) = (pool(2), Event::new());
    occupy(&pool, &gate);
    occupy(&pool, &gate);
    let waits = pool.spawn(|| 42);
    let ended = WakeCount::new();
    let mut shutdown = Box::pin(pool.shutdown());
    assert!(ended.poll(&mut shutdown).is_pending());
    assert!(ended.poll(&mut shutdown).is_pending(), "and again");
    match pool.try_spawn(|| 43) {
        Err(TrySpawnError::Closed(closure)) => assert_eq!(closure(), 43),
        other => panic!("{other:?}"),
    }
    assert!(runtime.block_on(pool.spawn(|| ())).unwrap_err().is_cancelled());
    assert!(!pool.shutdown_timeout(Duration::from_millis(1)));
    assert_eq!(ended.wakes(), 0);
    gate.set();
    assert_eq!(runtime.block_on(waits).unwrap(), 42);
    wait_until("the waker of who waits", || ended.wakes() == 1);
    assert_eq!(ended.poll(&mut shutdown), Poll::Ready(()));
    runtime.block_on(pool.shutdown());
    assert!(pool.shutdown_timeout(Duration::ZERO));
    assert_eq!((pool.num_threads(), ended.alive()), (0, 0));
    // One that was never used ends at once.
    runtime.block_on(super::blocking_pool::pool(3).shutdown());
}

/// Fault: `cancel_queued` that drops what runs, or closes the pool.
fn what_has_not_begun_can_be_given_up(flavor: Flavor) {
    let runtime = flavor.build();
    let (pool, gate, drops) = (pool(1), Event::new(), Drops::new());
    occupy(&pool, &gate);
    let probe = drops.probe();
    let (first, second) = (pool.spawn(move || drop(probe)), pool.spawn(|| ()));
    second.abort();
    pool.cancel_queued();
    assert_eq!((drops.count(), pool.queue_depth()), (1, 0));
    assert!(runtime.block_on(first).unwrap_err().is_cancelled());
    assert!(runtime.block_on(second).unwrap_err().is_cancelled());
    // The same for results that nobody wants any more.
    let ran = Arc::new(AtomicUsize::new(0));
    let runs = ran.clone();
    drop(pool.map(0..10, move |_| runs.fetch_add(1, Ordering::SeqCst)));
    let last = pool.spawn(|| 42);
    gate.set();
    assert_eq!(runtime.block_on(last).unwrap(), 42);
    assert_eq!(ran.load(Ordering::SeqCst), 0);
}

fn a_closure_comes_back_from_a_pool_that_is_full(flavor: Flavor) {
    let runtime = flavor.build();
    for waiting in [0, 1, 5] {
        let (pool, gate) = (BlockingPool::builder().threads(1).max_queue(waiting).build(), Event::new());
        occupy(&pool, &gate);
        let accepted: Vec<_> = (0..waiting).map(|number| pool.try_spawn(move || number).unwrap()).collect();
        match pool.try_spawn(|| 42) {
            Err(TrySpawnError::Full(closure)) => assert_eq!(closure(), 42),
            other => panic!("{waiting} wait already: {other:?}"),
        }
        // Nobody asks here.
        let more = pool.map(0..3, |number| number);
        gate.set();
        runtime.block_on(async {
            for (number, handle) in accepted.into_iter().enumerate() {
                assert_eq!(handle.await.unwrap(), number);
            }
            assert_eq!(more.collect().await.unwrap(), [0, 1, 2]);
        });
    }
}

#[test]
fn idle_threads_leave_and_come_again() {
    let _watch = watchdog();
    let runtime = Flavor::CurrentThread.build();
    let pool = BlockingPool::builder().threads(4).keep_alive(Duration::from_millis(1)).thread_name("own").build();
    assert_eq!(pool.num_threads(), 0, "none before the first closure");
    for _ in 0..3 {
        let name = || std::thread::current().name().map(str::to_owned);
        assert_eq!(runtime.block_on(pool.spawn(name)).unwrap().as_deref(), Some("own"));
        wait_until("idle threads to leave", || pool.num_threads() == 0);
    }
}

#[test]
fn it_says_what_it_cannot_do() {
    let _watch = watchdog();
    let said = |panic: Result<(), runtime_tests::CaughtPanic>, words: &[&str]| {
        let panic = panic.expect_err("it did not panic");
        assert!(panic.file.ends_with("blocking_pool.rs"), "{panic:?}");
        for word in words {
            assert!(panic.message.contains(word), "{panic:?}");
        }
    };
    let catch = |f: &dyn Fn()| runtime_tests::catch(f);
    said(catch(&|| drop(BlockingPool::compute())), &["no runtime here", "BlockingPool::compute", "Handle::enter"]);
    said(catch(&|| drop(BlockingPool::builder().threads(0))), &["zero threads", "1 or more"]);
    said(catch(&|| drop(BlockingPool::builder().thread_name("a\0b"))), &["NUL"]);
    let runtime = Flavor::CurrentThread.build();
    let shut_down = || {
        runtime.block_on(async { pool(1).shutdown_timeout(Duration::ZERO) });
    };
    said(catch(&shut_down), &["shutdown_timeout", "pool.shutdown()"]);
}

for_each_flavor!(
    map_gives_results_in_the_order_of_the_items,
    a_panic_is_the_result_of_its_item,
    no_more_closures_run_than_there_are_threads,
    what_waits_when_the_last_handle_goes_is_run,
    shutdown_waits_for_what_was_accepted,
    what_has_not_begun_can_be_given_up,
    a_closure_comes_back_from_a_pool_that_is_full,
);
