//! Programs in bad company: tasks that block while others wait for them, threads with odd attributes, a system that lacks
//! something. What is slow or late then stands in `promises`; here it is what never comes.

use runtime::runtime::{Builder, Handle};
use runtime::scope::scope_blocking;
use runtime::task;
use runtime::time::{sleep, timeout};
use runtime_tests::{Event, Flavor, wait_until, watchdog, watchdog_secs};
use rustix::process::{getpriority_process, setpriority_process};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use std::collections::HashSet;
use std::process::Command;
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::thread::{self, ThreadId};
use std::time::Duration;

const MS: Duration = Duration::from_millis(1);

/// A task blocks in place, in either way, until the future of `block_on` has gone on.
fn waits_in_place_for_main(workers: usize, drive: impl FnOnce(std::pin::Pin<Box<dyn Future<Output = u8> + '_>>) -> u8) {
    let main = async {
        let mut sum = 0;
        for in_scope in [false, true] {
            let (tells, told) = mpsc::channel();
            let begun = Event::new();
            let sets = begun.clone();
            let task = task::spawn(async move {
                sets.set();
                if in_scope {
                    scope_blocking(|scope| {
                        let child = scope.spawn(async move { told.recv().unwrap() });
                        child.join().unwrap()
                    })
                } else {
                    task::block_in_place(|| told.recv().unwrap())
                }
            });
            begun.wait().await;
            sleep(2 * MS).await;
            tells.send(1).unwrap();
            sum += task.await.unwrap();
        }
        sum
    };
    assert_eq!(drive(Box::pin(main)), 2, "{workers} workers");
}

#[test]
fn s1_a_task_in_place_waits_for_the_future_of_block_on() {
    let _watch = watchdog();
    for workers in [1, 2, 4] {
        let runtime = Flavor::MultiThread(workers).build();
        for _ in 0..5 {
            waits_in_place_for_main(workers, |main| runtime.block_on(main));
            waits_in_place_for_main(workers, |main| runtime.handle().block_on(main));
        }
    }
}

/// The limit fires although the task holds its thread until then.
#[test]
fn s1_a_limit_around_a_task_in_place_fires() {
    let _watch = watchdog();
    for workers in [1, 2, 4] {
        let runtime = Flavor::MultiThread(workers).build();
        let over = Event::new();
        let waits = over.clone();
        let result = runtime.block_on(async {
            let task = task::spawn(async move { task::block_in_place(|| waits.wait_blocking()) });
            timeout(5 * MS, task).await.map(drop)
        });
        assert!(result.is_err());
        over.set();
    }
}

/// E7: every worker is inside a poll that ends when main has gone on.
#[test]
fn e7_the_future_of_block_on_goes_on_while_tasks_block() {
    let _watch = watchdog();
    for workers in [1, 2, 4] {
        let runtime = Flavor::MultiThread(workers).build();
        let over = Event::new();
        runtime.block_on(async {
            let tasks: Vec<_> = (0..workers)
                .map(|_| {
                    let waits = over.clone();
                    task::spawn(async move { waits.wait_blocking() })
                })
                .collect();
            for _ in 0..5 {
                sleep(MS).await;
            }
            over.set();
            for task in tasks {
                task.await.unwrap();
            }
        });
    }
}

/// E2: while tasks block in place N others can be polled at once. Without rescues, which hide that a worker is missing.
#[test]
fn e2_a_seat_that_is_given_away_is_filled() {
    let _watch = watchdog();
    for workers in [1, 2, 4] {
        let mut builder = Flavor::MultiThread(workers).builder();
        let runtime = builder.without_rescue().enable_all().build().unwrap();
        runtime.block_on(async {
            for _ in 0..20 {
                let over = Event::new();
                let in_place: Vec<_> = (0..workers)
                    .map(|_| {
                        let (waits, begun) = (over.clone(), Event::new());
                        let sets = begun.clone();
                        let task = task::spawn(async move {
                            sets.set();
                            task::block_in_place(|| waits.wait_blocking());
                        });
                        (task, begun)
                    })
                    .collect();
                for (_, begun) in &in_place {
                    begun.wait().await;
                }
                let all = Arc::new(Barrier::new(workers));
                let meet: Vec<_> = (0..workers)
                    .map(|_| {
                        let all = all.clone();
                        task::spawn(async move { all.wait().is_leader() })
                    })
                    .collect();
                for task in meet {
                    task.await.unwrap();
                }
                over.set();
                for (task, _) in in_place {
                    task.await.unwrap();
                }
            }
        });
    }
}

/// A worker that is back takes a seat that is vacant, and no thread is started that is not needed.
#[test]
fn e2_blocking_in_place_again_and_again_needs_few_threads() {
    let _watch = watchdog_secs(60);
    let started = Arc::new(Mutex::new(0));
    let counts = started.clone();
    let mut builder = Flavor::MultiThread(2).builder();
    let runtime = builder.on_thread_start(move || *counts.lock().unwrap() += 1).enable_all().build().unwrap();
    runtime.block_on(async {
        for _ in 0..500 {
            let tasks: Vec<_> =
                (0..3).map(|_| task::spawn(async { task::block_in_place(thread::yield_now) })).collect();
            for task in tasks {
                task.await.unwrap();
            }
        }
    });
    let started = *started.lock().unwrap();
    assert!(started <= 2 + 3 + 2, "{started} threads for two workers and three tasks");
}

/// What a worker got from the thread that started it.
#[derive(Debug, PartialEq, Eq)]
struct Inherited {
    cpus: u32,
    niceness: i32,
}

impl Inherited {
    fn of_this_thread() -> Self {
        Inherited {
            cpus: sched_getaffinity(None).expect("a thread may ask").count(),
            niceness: getpriority_process(None).expect("a thread may ask"),
        }
    }
}

/// E10: whoever happens to spawn first.
#[test]
fn e10_workers_are_like_the_thread_that_built_the_runtime() {
    let _watch = watchdog();
    let (runtime, builders) = (Flavor::MultiThread(2).build(), Inherited::of_this_thread());
    let found = thread::scope(|scope| {
        let odd = scope.spawn(|| {
            let all = sched_getaffinity(None).unwrap();
            let mut one = CpuSet::new();
            one.set((0..CpuSet::MAX_CPU).find(|cpu| all.is_set(*cpu)).unwrap());
            sched_setaffinity(None, &one).expect("a thread may always narrow its own mask");
            setpriority_process(None, 19).expect("a thread may always be nicer");
            let all = Arc::new(Barrier::new(2));
            let tasks = [(); 2].map(|()| {
                let all = all.clone();
                runtime.spawn(async move {
                    all.wait();
                    Inherited::of_this_thread()
                })
            });
            tasks.map(|task| runtime.block_on(task).unwrap())
        });
        odd.join().unwrap()
    });
    for worker in found {
        assert_eq!(worker, builders);
    }
}

/// P8: a wake runs none of the user's code, whoever wakes.
#[test]
fn e10_no_thread_is_started_by_whoever_wakes() {
    let _watch = watchdog();
    let named = Arc::new(Mutex::new(HashSet::<ThreadId>::new()));
    let notes = named.clone();
    let mut builder = Flavor::MultiThread(2).builder();
    let runtime = builder
        .thread_name_fn(move || {
            notes.lock().unwrap().insert(thread::current().id());
            "worker".to_owned()
        })
        .build()
        .unwrap();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..50 {
                    runtime.block_on(async {
                        task::spawn(async { task::block_in_place(thread::yield_now) }).await.unwrap()
                    });
                }
                assert!(!named.lock().unwrap().contains(&thread::current().id()));
            });
        }
    });
    assert_eq!(named.lock().unwrap().len(), 1, "one thread starts them all");
}

/// A panic in the function that names threads leaves the runtime its threads.
#[test]
fn a_panic_in_the_name_of_a_thread_costs_no_thread() {
    let _watch = watchdog();
    let mut builder = Builder::new_multi_thread();
    let runtime = builder.worker_threads(2).thread_name_fn(|| runtime_tests::planned_panic()).build().unwrap();
    assert_eq!(runtime.block_on(runtime.spawn(async { 5 })).unwrap(), 5);
}

/// Programs count on it, as with tokio: nothing is spawned here.
#[test]
fn all_workers_start_by_themselves() {
    let _watch = watchdog();
    let started = Arc::new(Mutex::new(0));
    let counts = started.clone();
    let mut builder = Flavor::MultiThread(3).builder();
    let _runtime = builder.on_thread_start(move || *counts.lock().unwrap() += 1).build().unwrap();
    wait_until("all workers", || *started.lock().unwrap() == 3);
}

/// Runs one of the tests below in a process of its own.
fn inside(mut command: Command, name: &str) {
    let test = format!("company::{name}");
    command.arg(std::env::current_exe().unwrap()).args(["--exact", &test, "--include-ignored", "--test-threads=1"]);
    let output = command.output().expect("it does not start");
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && told.contains("1 passed"),
        "{told}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// E14: everybody who computed seemed to wait, and 24 spares started.
#[test]
fn e14_without_proc_those_who_compute_are_not_replaced() {
    let _watch = watchdog_secs(60);
    if std::env::var_os("LSAN_OPTIONS").is_some() {
        eprintln!("SKIPPED: LeakSanitizer cannot do without /proc");
        return;
    }
    // As root, or as the root of a user namespace of our own.
    let ways: [&[&str]; 2] = [&["-m"], &["-U", "-r", "-m"]];
    let hides = "mount -t tmpfs none /proc && exec \"$@\"";
    let unshare = |way: &[&str]| {
        let mut unshare = Command::new("unshare");
        unshare.args(way).args(["sh", "-c", hides, "sh"]);
        unshare
    };
    let works = |way: &&&[&str]| unshare(way).arg("true").output().is_ok_and(|output| output.status.success());
    match ways.iter().find(works) {
        Some(way) => inside(unshare(way), "computes_without_proc"),
        None => eprintln!("SKIPPED: no mount namespace can be had here, so nothing was tested"),
    }
}

#[test]
#[ignore = "run by the test above, where there is no /proc"]
fn computes_without_proc() {
    assert!(!std::path::Path::new("/proc/self/stat").exists());
    // Best of three: a thread that others keep off the CPUs for 20 ms cannot be told from one that waits.
    let spares: Vec<_> = (0..3).map(|_| spares_beside_those_who_compute()).collect();
    assert!(spares.iter().any(|spares| *spares <= 2), "{spares:?} spares");
}

fn spares_beside_those_who_compute() -> u64 {
    let runtime = Flavor::MultiThread(2).build();
    runtime.block_on(async {
        let tasks: Vec<_> = (0..40)
            .map(|_| {
                task::spawn(async {
                    let begun = std::time::Instant::now();
                    while begun.elapsed() < 20 * MS {
                        std::hint::spin_loop();
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
    #[cfg(feature = "oracle")]
    return 0;
    #[cfg(not(feature = "oracle"))]
    runtime.metrics().spares_started()
}

/// More workers than CPUs: nobody spins for somebody who cannot run.
#[test]
fn four_workers_on_one_cpu() {
    let _watch = watchdog_secs(60);
    let mut taskset = Command::new("taskset");
    taskset.args(["-c", "0"]);
    inside(taskset, "works_on_one_cpu");
}

#[test]
#[ignore = "run by the test above, on one CPU"]
fn works_on_one_cpu() {
    let runtime = Flavor::MultiThread(4).build();
    runtime.block_on(async {
        for _ in 0..20 {
            let tasks: Vec<_> = (0..100)
                .map(|i| {
                    task::spawn(async move {
                        if i % 10 == 0 {
                            task::spawn_blocking(|| ()).await.unwrap();
                        }
                        task::yield_now().await;
                        sleep(MS).await;
                    })
                })
                .collect();
            for task in tasks {
                task.await.unwrap();
            }
        }
        assert!(Handle::current().metrics().num_workers() == 4);
    });
}

/// A spare waits for sockets like any other worker, and leaves when it has had nothing to do for long: then somebody else must
/// wait for them.
#[test]
fn a_spare_that_leaves_while_all_others_sleep_is_relieved_at_the_sockets() {
    let _watch = watchdog_secs(60);
    let mut builder = Flavor::MultiThread(2).builder();
    let runtime = builder.thread_keep_alive(10 * MS).enable_all().build().unwrap();
    let clients: Vec<_> = (0..8)
        .map(|_| {
            let (address, addresses) = mpsc::channel();
            drop(runtime.spawn(async move {
                let socket = runtime::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
                address.send(socket.local_addr().unwrap()).unwrap();
                let mut byte = [0];
                loop {
                    let (_, from) = socket.recv_from(&mut byte).await.unwrap();
                    socket.send_to(&byte, from).await.unwrap();
                }
            }));
            let client = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
            client.connect(addresses.recv().unwrap()).unwrap();
            client.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
            client
        })
        .collect();
    let ask = |clients: &[std::net::UdpSocket]| {
        clients.iter().for_each(|client| assert_eq!(client.send(&[7]).unwrap(), 1));
        clients.iter().for_each(|client| assert_eq!(client.recv(&mut [0]).expect("nobody waits for sockets"), 1));
    };
    for round in 0..30 {
        // Seats are given away, so that there are spares afterwards, and one of them falls asleep last.
        let tasks: Vec<_> = (0..4_u64)
            .map(|n| {
                runtime.spawn(async move { task::block_in_place(|| thread::sleep((1 + (n + round) % 4) as u32 * MS)) })
            })
            .collect();
        tasks.into_iter().for_each(|task| runtime.block_on(task).unwrap());
        // Several wake up, and whoever is done first waits for the next.
        (0..5).for_each(|_| ask(&clients));
        thread::sleep(25 * MS);
        ask(&clients[..1]);
    }
}
