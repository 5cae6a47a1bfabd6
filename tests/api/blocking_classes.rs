//! The classes of blocking threads: what holds up one of them holds up no other; and who leaves when work is over.

use runtime::io::{self, AsyncWriteExt};
use runtime::net::lookup_host;
use runtime::runtime::{Builder, Runtime};
use runtime::task::{self, BlockingPool, JoinHandle, TrySpawnError};
use runtime::time::timeout;
use runtime_tests::{Drops, Event, Flavor, for_each_flavor, process, wait_until, watchdog};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Closures that have begun and wait for the gate.
struct Held {
    gate: Event,
    begun: Arc<AtomicUsize>,
    handles: Vec<JoinHandle<()>>,
}

impl Held {
    fn new() -> Held {
        Held { gate: Event::new(), begun: Arc::default(), handles: Vec::new() }
    }

    fn closure(&self) -> impl FnOnce() + Send + 'static + use<> {
        let (gate, begun) = (self.gate.clone(), self.begun.clone());
        move || {
            begun.fetch_add(1, Ordering::SeqCst);
            while !gate.wait_blocking_for(Duration::from_secs(1)) {}
        }
    }

    fn begun(&self) -> usize {
        self.begun.load(Ordering::SeqCst)
    }

    fn await_begun(&self, count: usize) {
        wait_until("closures that begin", || self.begun() == count);
    }

    fn end(mut self, runtime: &Runtime) {
        self.gate.set();
        runtime.block_on(async {
            for handle in std::mem::take(&mut self.handles) {
                handle.await.unwrap();
            }
        });
    }
}

/// So that a test that fails does not hang.
impl Drop for Held {
    fn drop(&mut self) {
        self.gate.set();
    }
}

fn hold(runtime: &Runtime, count: usize) -> Held {
    let mut held = Held::new();
    held.handles = (0..count).map(|_| runtime.spawn_blocking(held.closure())).collect();
    held
}

/// The number of CPUs that a runtime sees.
fn cpus() -> usize {
    Runtime::new().unwrap().metrics().num_workers()
}

/// Every thread that there may be sleeps in a closure of the user's, and more closures wait.
///
/// Fault: `spawn_internal_for`, or `Carrier::carry`, with the class of the user.
fn closures_that_sleep_hold_up_neither_names_nor_output(flavor: Flavor) {
    let runtime = flavor.build();
    let held = hold(&runtime, 520);
    held.await_begun(512);
    let all = async {
        assert!(lookup_host("localhost:0").await.unwrap().count() > 0);
        let mut stderr = io::stderr();
        stderr.write_all(b"\n").await.unwrap();
        stderr.flush().await.unwrap();
        let answer = BlockingPool::compute().spawn(|| 6 * 7).await;
        assert_eq!(answer.unwrap(), 42);
    };
    runtime.block_on(async { timeout(Duration::from_secs(10), all).await.expect("they are held up") });
    assert_eq!(held.begun(), 512, "they are still held");
    let metrics = runtime.metrics();
    assert_eq!((metrics.num_blocking_threads(), metrics.num_idle_blocking_threads()), (512, 0));
    assert_eq!(metrics.blocking_queue_depth(), 8);
    held.end(&runtime);
}

/// Fault: `Class::Compute` made with more threads than CPUs.
fn no_more_closures_compute_than_there_are_cpus(flavor: Flavor) {
    let (runtime, cpus) = (flavor.build(), cpus());
    let pool = runtime.block_on(async { BlockingPool::compute() });
    let mut held = Held::new();
    held.handles = (0..3 * cpus).map(|_| pool.spawn(held.closure())).collect();
    held.await_begun(cpus);
    // Other classes have their own, and one of a user's closures uses the compute class of where it runs.
    runtime.block_on(async {
        task::spawn_blocking(|| ()).await.unwrap();
        let same = task::spawn_blocking(BlockingPool::compute).await.unwrap();
        assert_eq!(same.queue_depth(), 2 * cpus);
    });
    assert_eq!((pool.num_threads(), pool.queue_depth(), held.begun()), (cpus, 2 * cpus, cpus));
    assert_eq!(runtime.metrics().blocking_queue_depth(), 0);
    // It belongs to the runtime: nobody closes it.
    pool.close();
    runtime.block_on(pool.shutdown());
    held.handles.push(pool.spawn(|| ()));
    held.end(&runtime);
    assert_eq!(pool.num_threads(), cpus);
    drop(runtime);
    assert_eq!(pool.num_threads(), 0, "they have been waited for");
    assert!(matches!(pool.try_spawn(|| ()), Err(TrySpawnError::Closed(_))));
}

/// The end of a runtime cancels what waits in the compute class, and waits for what runs.
fn the_compute_class_ends_as_the_users_does(flavor: Flavor) {
    let (runtime, cpus) = (flavor.build(), cpus());
    let pool = runtime.block_on(async { BlockingPool::compute() });
    let mut held = Held::new();
    held.handles = (0..cpus).map(|_| pool.spawn(held.closure())).collect();
    held.await_begun(cpus);
    let drops = Drops::new();
    let probe = drops.probe();
    let waits = pool.spawn(move || drop(probe));
    runtime.shutdown_timeout(Duration::from_millis(1));
    assert_eq!(drops.count(), 1);
    let other = flavor.build();
    assert!(other.block_on(waits).unwrap_err().is_cancelled());
    held.end(&other);
}

/// A runtime that has been asked for nothing has no thread for it; and a thread works for one class.
///
/// Fault: `lane` that gives one class for two.
#[test]
fn threads_come_with_their_class_first_closure() {
    let _watch = watchdog();
    const NAME: &str = "class-by-class";
    let count = || process::thread_names().iter().filter(|name| *name == NAME).count();
    let runtime = Flavor::CurrentThread.builder().thread_name(NAME).enable_all().build().unwrap();
    runtime.block_on(async {
        task::yield_now().await;
        assert_eq!(count(), 0);
        task::spawn_blocking(|| ()).await.unwrap();
        assert_eq!(count(), 1);
        drop(lookup_host("localhost:0").await.unwrap());
        assert_eq!(count(), 2);
        BlockingPool::compute().spawn(|| ()).await.unwrap();
        assert_eq!(count(), 3);
        // Idle ones are used again.
        task::spawn_blocking(|| ()).await.unwrap();
        BlockingPool::compute().spawn(|| ()).await.unwrap();
    });
    wait_until("no thread more than needed", || count() <= 3);
    drop(runtime);
    wait_until("the end of the threads", || count() == 0);
}

/// Beside: a runtime that was told how long, whose threads all stay.
///
/// Fault: `with_surplus` that keeps all, or none; a builder that lets the surplus leave all the same.
#[test]
fn threads_of_a_burst_leave_and_those_for_the_cpus_stay() {
    let _watch = watchdog();
    let kept = cpus() + 8;
    let burst = kept + 12;
    let build = |builder: &mut Builder| builder.build().unwrap();
    let told = build(Flavor::CurrentThread.builder().thread_keep_alive(Duration::from_secs(3600)));
    let runtime = build(&mut Flavor::CurrentThread.builder());
    for runtime in [&told, &runtime] {
        let held = hold(runtime, burst);
        held.await_begun(burst);
        held.end(runtime);
        assert!(runtime.metrics().num_blocking_threads() >= burst);
    }
    let (metrics, since) = (runtime.metrics(), Instant::now());
    wait_until("the surplus to leave", || metrics.num_blocking_threads() <= kept);
    assert_eq!(metrics.num_blocking_threads(), kept);
    assert!(since.elapsed() < Duration::from_secs(9), "after 10 s all of them leave");
    assert!(told.metrics().num_blocking_threads() >= burst);
    // Who stays is used.
    let held = hold(&runtime, kept - 1);
    held.await_begun(kept - 1);
    held.end(&runtime);
}

/// Two threads, and so many closures in the queue: one more comes back, whole, and what has not run can be run.
///
/// Fault: `max_blocking_queue` that is not given to the pool.
fn a_closure_comes_back_when_the_queue_is_full(flavor: Flavor) {
    for waiting in [0, 1, 7] {
        let mut builder = flavor.builder();
        let runtime = builder.max_blocking_threads(2).max_blocking_queue(waiting).build().unwrap();
        let mut held = Held::new();
        let spawn = || runtime.try_spawn_blocking(held.closure()).expect("there is room");
        held.handles = (0..2 + waiting).map(|_| spawn()).collect();
        held.await_begun(2);
        let drops = Drops::new();
        let probe = drops.probe();
        let refused = runtime.try_spawn_blocking(move || {
            let _probe = probe;
            42
        });
        let Err(error @ TrySpawnError::Full(_)) = refused else { panic!("{waiting} wait already: {refused:?}") };
        assert!(error.to_string().contains("the queue is full"), "{error}");
        assert_eq!(drops.count(), 0);
        assert_eq!(error.into_inner()(), 42);
        // Others ask for no limit, and the classes are counted apart.
        held.handles.push(runtime.spawn_blocking(|| ()));
        let compute = runtime.block_on(async { BlockingPool::compute().try_spawn(|| 43).unwrap().await });
        assert_eq!(compute.unwrap(), 43);
        held.end(&runtime);
        // A closure counts for a moment after its handle is ready.
        let mut accepted = None;
        wait_until("room", || {
            accepted = runtime.try_spawn_blocking(|| 44).ok();
            accepted.is_some()
        });
        assert_eq!(runtime.block_on(accepted.unwrap()).unwrap(), 44);
    }
}

fn without_a_limit_closures_come_back_from_a_runtime_that_is_gone(flavor: Flavor) {
    let runtime = flavor.builder().max_blocking_threads(1).build().unwrap();
    runtime.block_on(async {
        let many: Vec<_> = (0..1_000).map(|n| task::try_spawn_blocking(move || n).unwrap()).collect();
        for (n, one) in many.into_iter().enumerate() {
            assert_eq!(one.await.unwrap(), n);
        }
    });
    let handle = runtime.handle().clone();
    drop(runtime);
    match handle.try_spawn_blocking(|| 42) {
        Err(error @ TrySpawnError::Closed(_)) => assert_eq!(error.into_inner()(), 42),
        other => panic!("{other:?}"),
    }
}

for_each_flavor!(
    closures_that_sleep_hold_up_neither_names_nor_output,
    no_more_closures_compute_than_there_are_cpus,
    the_compute_class_ends_as_the_users_does,
    a_closure_comes_back_when_the_queue_is_full,
    without_a_limit_closures_come_back_from_a_runtime_that_is_gone,
);
