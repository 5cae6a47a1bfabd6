//! Where the system gives no more threads. Each test runs itself again in a process of its own, which then leaves itself
//! too little address space for another stack.

use runtime::runtime::{Builder, Runtime};
use runtime::task;
use runtime::time::{sleep, timeout};
use runtime_tests::{Drops, Event, Flavor, catch, poll_once, process, wait_until, watchdog};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::cell::Cell;
use std::future::pending;
use std::process::Command;
use std::sync::{Arc, Barrier};
use std::task::Poll;
use std::time::Duration;

/// Of each thread's stack, which is reserved and not used.
const STACK: usize = 1 << 30;

/// Runs `test`, which has this name, in a process of its own.
fn in_a_process_of_its_own(name: &str, test: impl FnOnce()) {
    let _watch = watchdog();
    if std::env::var_os("NO_MORE_THREADS").is_some() {
        return test();
    }
    let mut child = Command::new(std::env::current_exe().expect("this binary's path"));
    child.args(["--exact", &format!("refused_threads::{name}"), "--test-threads=1"]).env("NO_MORE_THREADS", "1");
    // A backtrace maps the debug information, for which a sanitizer leaves no room.
    child.env("RUST_BACKTRACE", "0");
    let output = child.output().expect("this binary does not start");
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && told.contains("1 passed"),
        "{told}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// How much address space there may be.
fn limit_to(bytes: Option<u64>) {
    let maximum = getrlimit(Resource::As).maximum;
    setrlimit(Resource::As, Rlimit { current: bytes.or(maximum), maximum }).expect("a process may limit itself");
}

/// No more threads for this process.
fn refuse_threads() {
    leave_room_for(0);
}

/// So many more, and no other.
fn leave_room_for(threads: u64) {
    let status = std::fs::read_to_string("/proc/self/status").expect("readable");
    let size = status.lines().find_map(|line| line.strip_prefix("VmSize:")).expect("it has a size");
    let kilobytes: u64 = size.trim().trim_end_matches(" kB").parse().expect("a number");
    limit_to(Some(kilobytes * 1024 + STACK as u64 * threads + STACK as u64 / 2));
}

fn builder(builder: &mut Builder) -> Runtime {
    builder.thread_stack_size(STACK).enable_all().build().expect("no runtime")
}

fn spawn_ten(spawn: impl Fn(std::pin::Pin<Box<dyn Future<Output = ()> + Send>>)) -> Drops {
    let drops = Drops::new();
    for _ in 0..10 {
        let held = drops.probe();
        spawn(Box::pin(async move {
            let _held = held;
            pending::<()>().await;
        }));
    }
    drops
}

/// A runtime that has got its first thread, and no worker.
fn without_workers() -> Runtime {
    leave_room_for(1);
    builder(&mut Flavor::MultiThread(2).builder())
}

/// Tasks that never ran, tasks that are suspended, and a handle that somebody waits for.
#[test]
#[cfg_attr(feature = "oracle", ignore = "it panics where a worker is refused")]
fn d17_tasks_are_dropped_without_a_worker() {
    in_a_process_of_its_own("d17_tasks_are_dropped_without_a_worker", || {
        for ends_in_background in [false, true] {
            for has_run in [false, true] {
                // One after the other: the first thread of one takes the room that was left for the other's.
                let runtime = without_workers();
                let mut handle = runtime.spawn(pending::<()>());
                let drops = if has_run {
                    runtime.block_on(async {
                        let drops = spawn_ten(|task| drop(runtime::spawn(task)));
                        sleep(Duration::from_millis(1)).await;
                        drops
                    })
                } else {
                    spawn_ten(|task| drop(runtime.spawn(task)))
                };
                if ends_in_background {
                    runtime.shutdown_background();
                    wait_until("the drops", || drops.count() == 10);
                } else {
                    drop(runtime);
                }
                assert_eq!(drops.count(), 10);
                let mut told = Poll::Pending;
                wait_until("the handle's answer", || {
                    told = poll_once(&mut handle);
                    told.is_ready()
                });
                assert!(matches!(told, Poll::Ready(Err(error)) if error.is_cancelled()));
                limit_to(None);
            }
        }
    });
}

/// Workers that were refused are tried again.
#[test]
#[cfg_attr(feature = "oracle", ignore = "it panics where a worker is refused")]
fn workers_start_when_the_system_gives_threads_again() {
    in_a_process_of_its_own("workers_start_when_the_system_gives_threads_again", || {
        let runtime = without_workers();
        let metrics = runtime.metrics();
        wait_until("a refusal", || metrics.threads_refused() > 0);
        limit_to(None);
        runtime.block_on(async {
            // Both must be there at once.
            let all = std::sync::Arc::new(std::sync::Barrier::new(2));
            let meets = || {
                let all = all.clone();
                runtime::spawn(async move { all.wait().is_leader() })
            };
            let both = [meets(), meets()];
            for one in both {
                timeout(Duration::from_secs(10), one).await.expect("a worker is missing").unwrap();
            }
        });
    });
}

/// A machine that gives one thread gets a runtime with one, hooks and all.
#[test]
#[cfg_attr(feature = "oracle", ignore = "it panics where a worker is refused")]
fn without_any_worker_the_runtimes_own_thread_is_one() {
    in_a_process_of_its_own("without_any_worker_the_runtimes_own_thread_is_one", || {
        thread_local!(static PREPARED: Cell<bool> = const { Cell::new(false) });
        leave_room_for(1);
        let runtime = builder(Flavor::MultiThread(2).builder().on_thread_start(|| PREPARED.set(true)));
        let drops = spawn_ten(|task| drop(runtime.spawn(task)));
        let prepared = runtime.block_on(async {
            sleep(Duration::from_millis(5)).await;
            runtime::spawn(async { PREPARED.get() }).await.unwrap()
        });
        assert!(prepared);
        drop(runtime);
        assert_eq!(drops.count(), 10);
        limit_to(None);
    });
}

/// That one asks again and again whether there are more, be it idle now and then or always busy.
///
/// Fault: `recall_guarantor` does nothing; it is not asked at the stops of a worker that is always busy.
#[test]
#[cfg(not(feature = "oracle"))]
fn the_only_worker_gets_company_when_the_system_gives_threads_again() {
    in_a_process_of_its_own("the_only_worker_gets_company_when_the_system_gives_threads_again", || {
        for (workers, busy) in [(1, false), (3, false), (3, true)] {
            leave_room_for(1);
            let runtime = builder(&mut Flavor::MultiThread(workers).builder());
            let name = runtime.block_on(async {
                runtime::spawn(async { std::thread::current().name().map(str::to_owned) }).await.unwrap()
            });
            assert_eq!(name.as_deref(), Some("rt-guarantor"));
            limit_to(None);
            // The only worker keeps its name, and the new guarantor has it, too.
            let all_are_there = move || {
                let count = |name| process::thread_names().iter().filter(|other| *other == name).count();
                count("rt-guarantor") == 2 && count("runtime-worker") == workers - 1
            };
            if busy {
                let yields = runtime.spawn(async move {
                    while !all_are_there() {
                        task::yield_now().await;
                    }
                });
                runtime.block_on(yields).unwrap();
            } else {
                wait_until("all workers", || {
                    runtime.block_on(runtime.spawn(async {})).unwrap();
                    all_are_there()
                });
            }
            somebody_guards(&runtime, workers);
        }
    });
}

/// Tasks that block all workers wait for one that no worker is left for.
#[cfg(not(feature = "oracle"))]
fn somebody_guards(runtime: &Runtime, workers: usize) {
    let (all, over) = (Arc::new(Barrier::new(workers + 1)), Event::new());
    for _ in 0..workers {
        let (all, waits) = (all.clone(), over.clone());
        drop(runtime.spawn(async move {
            all.wait();
            waits.wait_blocking();
        }));
    }
    all.wait();
    let sets = over.clone();
    drop(runtime.spawn(async move { sets.set() }));
    over.wait_blocking();
}

/// The first thread is refused: the call panics, in its caller's name, and the closure runs when there is a thread.
#[test]
fn d29_a_closure_for_which_no_thread_can_be_had() {
    in_a_process_of_its_own("d29_a_closure_for_which_no_thread_can_be_had", || {
        let runtime = builder(&mut Flavor::CurrentThread.builder());
        let drops = Drops::new();
        refuse_threads();
        let held = drops.probe();
        let panic = catch(|| drop(runtime.spawn_blocking(move || drop(held)))).expect_err("there was a thread");
        assert!(panic.file.ends_with("refused_threads.rs"), "{panic:?}");
        assert_eq!(drops.count(), 0);
        limit_to(None);
        assert_eq!(runtime.block_on(runtime.spawn_blocking(|| 7)).unwrap(), 7);
        wait_until("the closure that was left behind", || drops.count() == 1);
    });
}

/// Workers exist, and many of them ask at once: each is told.
#[test]
#[cfg_attr(feature = "oracle", ignore = "its workers count as threads for closures: it hangs")]
fn d29_workers_that_ask_at_once_are_told() {
    in_a_process_of_its_own("d29_workers_that_ask_at_once_are_told", || {
        let runtime = builder(&mut Flavor::MultiThread(4).builder());
        runtime.block_on(async {
            let all = std::sync::Arc::new(std::sync::Barrier::new(4));
            let tasks: Vec<_> = (0..4)
                .map(|_| {
                    let all = all.clone();
                    runtime::spawn(async move {
                        all.wait();
                    })
                })
                .collect();
            for task in tasks {
                task.await.unwrap();
            }
            refuse_threads();
            let tasks: Vec<_> =
                (0..200).map(|_| runtime::spawn(async { task::spawn_blocking(|| ()).await.is_ok() })).collect();
            for task in tasks {
                let told = timeout(Duration::from_secs(5), task).await.expect("a closure waits for ever");
                assert!(told.expect_err("there was a thread").is_panic());
            }
        });
        limit_to(None);
    });
}

/// A thread of the user's class exists, and the system gives no other: it helps out, for what the runtime does itself and for
/// what computes.
///
/// Fault: `finds_none` that asks nobody to help, or leaves what it was asked for in the queue.
#[test]
#[cfg(not(feature = "oracle"))]
fn museum_b2_threads_of_users_help_out_where_the_system_gives_no_others() {
    in_a_process_of_its_own("museum_b2_threads_of_users_help_out_where_the_system_gives_no_others", || {
        let runtime = builder(&mut Flavor::CurrentThread.builder());
        runtime.block_on(async {
            task::spawn_blocking(|| ()).await.unwrap();
            refuse_threads();
            for _ in 0..3 {
                assert!(runtime::net::lookup_host("localhost:0").await.is_ok());
                assert_eq!(task::BlockingPool::compute().spawn(|| 42).await.unwrap(), 42);
            }
        });
        limit_to(None);
    });
}

/// Where there is none to help either, the caller is told.
#[test]
#[cfg(not(feature = "oracle"))]
fn who_computes_is_told_that_there_is_no_thread() {
    in_a_process_of_its_own("who_computes_is_told_that_there_is_no_thread", || {
        let runtime = builder(&mut Flavor::CurrentThread.builder());
        refuse_threads();
        runtime.block_on(async {
            let compute = catch(|| drop(task::BlockingPool::compute().spawn(|| ()))).expect_err("there was a thread");
            assert!(compute.file.ends_with("refused_threads.rs"), "{compute:?}");
            assert!(compute.message.contains("refused to start one"), "{compute:?}");
        });
        limit_to(None);
        assert_eq!(runtime.block_on(runtime.spawn_blocking(|| 7)).unwrap(), 7);
    });
}

/// The same of a pool of one's own, whose end does not wait for a thread that never was.
#[test]
#[cfg(not(feature = "oracle"))]
fn a_pool_of_ones_own_without_a_thread() {
    in_a_process_of_its_own("a_pool_of_ones_own_without_a_thread", || {
        let runtime = builder(&mut Flavor::CurrentThread.builder());
        let build = || task::BlockingPool::builder().threads(2).thread_stack_size(STACK).build();
        let (pool, other) = (build(), build());
        let drops = Drops::new();
        refuse_threads();
        for pool in [&pool, &other] {
            let held = drops.probe();
            let panic = catch(|| drop(pool.spawn(move || drop(held)))).expect_err("there was a thread");
            assert!(panic.file.ends_with("refused_threads.rs"), "{panic:?}");
            assert_eq!(pool.num_threads(), 0);
        }
        runtime.block_on(other.shutdown());
        assert_eq!(drops.count(), 1, "nobody will ever run it");
        limit_to(None);
        assert_eq!(runtime.block_on(pool.spawn(|| 7)).unwrap(), 7);
        runtime.block_on(pool.shutdown());
        assert_eq!(drops.count(), 2);
    });
}
