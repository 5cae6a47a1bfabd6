//! The scheduler at work: `cargo run --release --example scheduler`.
//!
//! Four small experiments, about two seconds in all. Each checks its own result, so the report is never of work that
//! was not done.

use runtime::runtime::{Builder, Runtime};
use runtime::task::{self, JoinSet};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

fn main() -> std::io::Result<()> {
    let workers = thread::available_parallelism().map_or(2, |n| n.get()).max(2);
    let runtime = Builder::new_multi_thread().worker_threads(workers).thread_name("worker").enable_all().build()?;
    println!("{workers} workers\n");
    spread(&runtime);
    switch(&runtime);
    stuck(&runtime);
    blocking(&runtime);
    Ok(())
}

/// CPU work finds every worker: one thread spawns 64 tasks, and whoever has nothing to do steals some.
fn spread(runtime: &Runtime) {
    const PIECES: u32 = 64;
    const LIMIT: u32 = 2_000_000;

    let started = Instant::now();
    let (total, shares) = runtime.block_on(async {
        let mut pieces = JoinSet::new();
        for piece in 0..PIECES {
            let size = LIMIT / PIECES;
            pieces.spawn(async move { (primes(piece * size, (piece + 1) * size), thread::current().id()) });
        }
        let (mut total, mut shares) = (0, BTreeMap::new());
        while let Some(piece) = pieces.join_next().await {
            let (count, thread) = piece.expect("counting primes does not panic");
            total += count;
            *shares.entry(format!("{thread:?}")).or_insert(0) += 1;
        }
        (total, shares)
    });
    assert_eq!(total, 148_933, "there are 148,933 primes below two million");
    println!("spread     {total} primes in {:.0} ms, {PIECES} tasks:", millis(started.elapsed()));
    for (thread, tasks) in shares {
        println!("           {:<13} {} {tasks}", thread, "#".repeat(tasks));
    }
}

/// How fast tasks come, go, and give way to each other.
fn switch(runtime: &Runtime) {
    const TASKS: u32 = 100_000;
    const YIELDING: u32 = 200;
    const YIELDS: u32 = 2_000;

    let started = Instant::now();
    let sum = runtime.block_on(async {
        let tasks: Vec<_> = (0..TASKS).map(|n| runtime.spawn(async move { u64::from(n) })).collect();
        let mut sum = 0;
        for task in tasks {
            sum += task.await.expect("returning a number does not panic");
        }
        sum
    });
    let spawned = started.elapsed();
    assert_eq!(sum, u64::from(TASKS) * u64::from(TASKS - 1) / 2);
    println!("\nswitch     {TASKS} tasks spawned and joined, {:.0} ns each", nanos_per(spawned, TASKS));

    let started = Instant::now();
    runtime.block_on(async {
        let mut tasks = JoinSet::new();
        for _ in 0..YIELDING {
            tasks.spawn(async {
                for _ in 0..YIELDS {
                    task::yield_now().await;
                }
            });
        }
        while let Some(task) = tasks.join_next().await {
            task.expect("yielding does not panic");
        }
    });
    println!(
        "           {YIELDING} tasks yield in turn, {:.0} ns each time",
        nanos_per(started.elapsed(), YIELDING * YIELDS)
    );
}

/// A task wakes its neighbour and then blocks its worker. The neighbour must not wait for it.
fn stuck(runtime: &Runtime) {
    const BLOCKED: Duration = Duration::from_millis(100);
    const ROUNDS: u32 = 5;

    let late = runtime.block_on(async {
        let mut late = Vec::new();
        for _ in 0..ROUNDS {
            #[allow(clippy::async_yields_async)] // awaiting the neighbour in here would unblock the thread
            let blocker = task::spawn(async {
                let spawned = Instant::now();
                let neighbour = task::spawn(async move { spawned.elapsed() });
                // What no async task should do, and some library always does.
                thread::sleep(BLOCKED);
                neighbour
            });
            let neighbour = blocker.await.expect("sleeping does not panic");
            late.push(neighbour.await.expect("reading a clock does not panic"));
        }
        late
    });
    let worst = late.iter().max().copied().unwrap_or_default();
    println!("\nstuck      a task blocks its worker for {} ms, {ROUNDS} times:", BLOCKED.as_millis());
    println!("           the task it had just spawned started at most {:.2} ms late", millis(worst));
}

/// Closures that block have threads of their own; tasks do not notice them.
fn blocking(runtime: &Runtime) {
    const CLOSURES: usize = 32;
    const SLEEP: Duration = Duration::from_millis(100);

    let (done, turns) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let started = Instant::now();
    runtime.block_on(async {
        let ticker = task::spawn({
            let (done, turns) = (done.clone(), turns.clone());
            async move {
                while !done.load(Ordering::Relaxed) {
                    turns.fetch_add(1, Ordering::Relaxed);
                    task::yield_now().await;
                }
            }
        });
        let closures: Vec<_> = (0..CLOSURES).map(|_| task::spawn_blocking(|| thread::sleep(SLEEP))).collect();
        for closure in closures {
            closure.await.expect("sleeping does not panic");
        }
        done.store(true, Ordering::Relaxed);
        ticker.await.expect("yielding does not panic");
    });
    let turns = turns.load(Ordering::Relaxed);
    assert!(turns > 0, "the ticker never ran");
    println!("\nblocking   {CLOSURES} closures of {} ms took {:.0} ms;", SLEEP.as_millis(), millis(started.elapsed()));
    println!("           a task beside them was polled {turns} times meanwhile");
}

/// How many primes lie in `from..to`, by trial division: slow on purpose.
fn primes(from: u32, to: u32) -> u32 {
    let is_prime = |n: u32| n >= 2 && (2..).take_while(|d| d * d <= n).all(|d| !n.is_multiple_of(d));
    (from..to).filter(|&n| is_prime(n)).count() as u32
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

fn nanos_per(duration: Duration, times: u32) -> f64 {
    duration.as_secs_f64() * 1e9 / f64::from(times)
}
