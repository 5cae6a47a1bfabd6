//! Programs in bad company: tasks that block while others wait for them, threads with odd attributes, a system that lacks
//! something. What is slow or late then stands in `promises`; here it is what never comes.

use runtime::runtime::{Builder, Handle, Runtime};
use runtime::scope::scope_blocking;
use runtime::task;
use runtime::time::{sleep, timeout};
use runtime_tests::sandbox::block_signal;
use runtime_tests::{Event, Flavor, wait_until, watchdog, watchdog_secs};
use rustix::process::{getpriority_process, setpriority_process};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use std::collections::HashSet;
use std::process::{Child, Command};
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::thread::{self, ThreadId};
use std::time::Duration;

const MS: Duration = Duration::from_millis(1);

/// Builds without rescues, too: they would replace a worker that did not say that it blocks.
fn with_and_without_rescue(workers: usize) -> [Runtime; 2] {
    let mut without = Flavor::MultiThread(workers).builder();
    [Flavor::MultiThread(workers).build(), without.without_rescue().enable_all().build().unwrap()]
}

/// Through a runtime and through a handle.
fn drive<T>(runtime: &Runtime, by_handle: bool, future: impl Future<Output = T>) -> T {
    if by_handle { runtime.handle().block_on(future) } else { runtime.block_on(future) }
}

/// A task blocks in place, in either way, until the future of `block_on` has gone on. `naps`: that waits for time as well.
async fn waits_in_place_for_main(naps: bool) -> u8 {
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
        if naps {
            sleep(2 * MS).await;
        }
        tells.send(1).unwrap();
        sum += task.await.unwrap();
    }
    sum
}

/// Fault: the thread inside `block_on` runs a task that waits, as it once did; a worker that blocks in place keeps its seat.
#[test]
fn s1_a_task_in_place_waits_for_the_future_of_block_on() {
    let _watch = watchdog();
    for workers in [1, 2, 4] {
        // In a scope with one worker the child blocks the thread that stands in, and only a rescue looks at timers then.
        for (runtime, naps) in with_and_without_rescue(workers).iter().zip([true, false]) {
            for by_handle in [false, true].repeat(5) {
                assert_eq!(drive(runtime, by_handle, waits_in_place_for_main(naps)), 2, "{workers} workers");
            }
        }
    }
}

/// The limit fires although the task holds its thread until then, in either way. (How soon, `promises` says.)
///
/// Fault: the thread inside `block_on` runs a task that waits.
#[test]
fn s1_a_limit_around_a_task_in_place_fires() {
    let _watch = watchdog();
    for workers in [1, 2, 4] {
        for runtime in with_and_without_rescue(workers) {
            for (by_handle, in_scope) in [(false, false), (false, true), (true, false), (true, true)] {
                let over = Event::new();
                let waits = over.clone();
                let result = drive(&runtime, by_handle, async {
                    let task = task::spawn(async move {
                        if in_scope {
                            scope_blocking(|_| waits.wait_blocking());
                        } else {
                            task::block_in_place(|| waits.wait_blocking());
                        }
                    });
                    timeout(5 * MS, task).await.map(drop)
                });
                assert!(result.is_err());
                over.set();
            }
        }
    }
}

/// E7: every worker is inside a poll that ends when main has gone on.
///
/// Fault: the thread inside `block_on` runs a task that waits.
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
///
/// Fault: a worker that blocks in place keeps its seat.
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
///
/// Fault: a worker that is back leaves the seat vacant, and goes.
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
    /// The signals that it blocks.
    blocked: u64,
}

impl Inherited {
    fn of_this_thread() -> Self {
        Inherited {
            cpus: sched_getaffinity(None).expect("a thread may ask").count(),
            niceness: getpriority_process(None).expect("a thread may ask"),
            blocked: {
                let status = std::fs::read_to_string("/proc/thread-self/status").expect("readable");
                let mask = status.lines().find_map(|line| line.strip_prefix("SigBlk:")).expect("a mask");
                u64::from_str_radix(mask.trim(), 16).expect("a number")
            },
        }
    }
}

/// E10: whoever happens to spawn first.
///
/// Fault: workers start with the first push from outside.
#[test]
fn e10_workers_are_like_the_thread_that_built_the_runtime() {
    let _watch = watchdog();
    // A signal that only the builder's thread blocks, and one that only the spawner's does.
    block_signal(libc::SIGUSR2, true);
    let (runtime, builders) = (Flavor::MultiThread(2).build(), Inherited::of_this_thread());
    let found = thread::scope(|scope| {
        let odd = scope.spawn(|| {
            block_signal(libc::SIGUSR2, false);
            block_signal(libc::SIGUSR1, true);
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
///
/// Fault: `want_thread` starts one.
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
///
/// Fault: workers start with the first push from outside.
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
///
/// Fault: the judge is told no clock of a thread.
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
///
/// Fault: a worker that has nothing to do looks on without an end.
#[test]
fn four_workers_on_one_cpu() {
    let _watch = watchdog_secs(60);
    let mut taskset = Command::new("taskset");
    taskset.args(["-c", "0"]);
    inside(taskset, "works_politely");
}

/// Everybody else goes first, and is always there: the runtime gets little, and goes on.
///
/// Fault: as above.
#[test]
fn at_nice_19_beside_busy_processes() {
    let _watch = watchdog_secs(120);
    struct Busy(Child);
    impl Drop for Busy {
        fn drop(&mut self) {
            self.0.kill().expect("it is ours");
            self.0.wait().expect("it is ours");
        }
    }
    let loops = |_| Busy(Command::new("sh").args(["-c", "while :; do :; done"]).spawn().expect("no shell"));
    let _busy: Vec<_> = (0..thread::available_parallelism().map_or(2, |cpus| cpus.get())).map(loops).collect();
    let mut nice = Command::new("nice");
    nice.args(["-n", "19"]);
    inside(nice, "works_politely");
}

/// CPU time of this process: what others do on this machine changes little in it.
fn cpu_time() -> Duration {
    rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime).try_into().expect("not before the start")
}

#[test]
#[ignore = "run by the tests above, on one CPU, and as the nicest of all"]
fn works_politely() {
    // Beside others the CPU's caches are cold at each turn, and a turn costs several times what it costs alone.
    let turn = cpu_of_a_turn();
    let runtime = Flavor::MultiThread(4).build();
    works_with_all_it_has(&runtime);
    let (trips, before) = (100, cpu_time());
    // Each lets a worker and a thread of the pool wait for the other.
    for _ in 0..trips {
        runtime.block_on(runtime.spawn(async { task::spawn_blocking(|| ()).await.unwrap() })).unwrap();
    }
    let each = (cpu_time() - before) / trips;
    assert!(each < MS / 2 + 10 * turn, "{each:?} of CPU for each closure, and {turn:?} for a turn: somebody spins");
}

/// What it costs here and now to let another thread run and to get the answer: plain threads, which hardly spin.
fn cpu_of_a_turn() -> Duration {
    let (trips, before) = (100, cpu_time());
    let (ask, asked) = mpsc::channel();
    let (answer, answered) = mpsc::channel();
    let other = thread::spawn(move || asked.into_iter().all(|()| answer.send(()).is_ok()));
    for _ in 0..trips {
        ask.send(()).unwrap();
        answered.recv().unwrap();
    }
    drop(ask);
    assert!(other.join().unwrap());
    (cpu_time() - before) / trips
}

fn works_with_all_it_has(runtime: &Runtime) {
    runtime.block_on(async {
        for _ in 0..5 {
            let tasks: Vec<_> = (0..50)
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
