//! A sandbox that is switched on after the start: the kernel refuses what the runtime has used until then. Nothing may be
//! lost or hang for that. Each case runs in a process of its own.

use runtime::net::UdpSocket;
use runtime::runtime::{Builder, Runtime};
use runtime::task;
use runtime::time::{Instant, interval, sleep, timeout};
use runtime_tests::sandbox::{Call, refuse};
use runtime_tests::{Drops, Event, Flavor, watchdog_secs};
use rustix::io::Errno;
use std::future::pending;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

const MS: Duration = Duration::from_millis(1);

/// Long enough for every thread of an idle runtime to sleep without an end.
const IDLE: Duration = Duration::from_millis(40);

/// What a sandbox may refuse that was written without us in mind. Not: memory, futexes, `read`, `write`, `epoll`, without
/// which no program with threads and sockets goes on.
const CASES: &[(&str, &[Call])] = &[
    ("timers_of_the_kernel", &[Call::of(libc::SYS_timerfd_settime), Call::of(libc::SYS_timerfd_create)]),
    ("threads", THREADS),
    ("giving_way", &[Call::of(libc::SYS_sched_yield)]),
    ("clocks_of_threads", &[Call::if_negative(libc::SYS_clock_gettime), Call::of(libc::SYS_getrusage)]),
    ("files", &[Call::of(libc::SYS_openat), Call::of(libc::SYS_openat2)]),
    ("descriptors", &[Call::of(libc::SYS_eventfd2), Call::of(libc::SYS_fcntl), Call::of(libc::SYS_ppoll)]),
    ("new_calls", &[Call::of(libc::SYS_epoll_pwait2), Call::of(libc::SYS_membarrier), Call::of(libc::SYS_clone3)]),
    ("questions", &[AFFINITY, Call::of(libc::SYS_prlimit64), Call::of(libc::SYS_prctl), Call::of(libc::SYS_madvise)]),
];

fn all() -> Vec<Call> {
    CASES.iter().flat_map(|(_, calls)| calls.iter().copied()).collect()
}

const CASE: &str = "LATE_SANDBOX";

/// Both answers are usual.
///
/// Fault: an alarm whose timer cannot be set is not given up.
#[test]
fn nothing_hangs_where_calls_are_refused_after_the_start() {
    let _watch = watchdog_secs(300);
    for errno in [Errno::PERM, Errno::NOSYS] {
        for (case, _) in CASES.iter().copied().chain([("all", &[] as &[Call])]) {
            run("inside_the_sandbox", case, errno);
        }
    }
}

/// Runs a test below in a process of its own.
fn run(test: &str, case: &str, errno: Errno) {
    let mut child = Command::new(std::env::current_exe().expect("this binary's path"));
    child.args(["--exact", &format!("late_sandbox::{test}"), "--include-ignored", "--nocapture", "--test-threads=1"]);
    // AddressSanitizer's look for leaks needs threads and /proc.
    child.env(CASE, format!("{case} {}", errno.raw_os_error())).env("ASAN_OPTIONS", "detect_leaks=0");
    let output = child.output().expect("this binary does not start");
    let told = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && told.contains("1 passed"), "{case}, {errno}:\n{told}\n{errors}");
    eprint!("{}", errors.lines().filter(|line| line.contains("SKIPPED")).collect::<String>());
}

/// Its name and the error number.
fn case() -> (String, i32) {
    let case = std::env::var(CASE).expect("the test above names the case");
    let (name, errno) = case.split_once(' ').expect("a name and a number");
    (name.to_owned(), errno.parse().expect("a number"))
}

/// `false`: there are no such filters, or none for us.
fn refused(calls: &[Call], errno: i32) -> bool {
    let refused = refuse(calls, errno);
    if let Err(error) = &refused {
        eprintln!("SKIPPED: no filter of system calls can be had here, so nothing was tested: {error}");
    }
    refused.is_ok()
}

#[test]
#[ignore = "run by the test above, in a process of its own"]
fn inside_the_sandbox() {
    let _watch = watchdog_secs(60);
    let (name, errno) = case();
    let mut calls = CASES.iter().find(|(case, _)| *case == name).map_or_else(all, |(_, calls)| calls.to_vec());
    if std::env::var_os("LSAN_OPTIONS").is_some() {
        // AddressSanitizer asks for it at each start of a thread, and ends the process without an answer.
        calls.retain(|call| *call != AFFINITY);
    }
    let runtimes = [Flavor::MultiThread(1), Flavor::MultiThread(2), Flavor::CurrentThread].map(Company::new);
    thread::sleep(IDLE);
    if !refused(&calls, errno) {
        return;
    }
    for company in runtimes {
        company.goes_on();
    }
}

const AFFINITY: Call = Call::of(libc::SYS_sched_getaffinity);
const THREADS: &[Call] = &[Call::of(libc::SYS_clone), Call::of(libc::SYS_clone3)];

/// The first is the runtime's own, two workers follow, then those for closures and those that stand in for workers that block.
///
/// Fault: a guarantor that gets no worker does not become one; a refused thread for a closure is not told.
#[test]
fn threads_that_are_refused_from_the_nth_on() {
    let _watch = watchdog_secs(120);
    for nth in 1..=6 {
        run("gets_so_many_threads", &nth.to_string(), Errno::AGAIN);
    }
}

#[test]
#[ignore = "run by the test above, in a process of its own"]
fn gets_so_many_threads() {
    let _watch = watchdog_secs(60);
    let (nth, errno) = case();
    let nth: usize = nth.parse().expect("a number");
    let mut builder = Flavor::MultiThread(2).builder();
    if nth == 1 {
        if refused(THREADS, errno) {
            builder.build().expect_err("a runtime without a thread of its own");
        }
        return;
    }
    // Whoever is about to start a thread asks for its name; the runtime's own has one.
    let asked = Arc::new(AtomicUsize::new(1));
    let asks = asked.clone();
    builder.thread_name_fn(move || {
        if asks.fetch_add(1, Ordering::SeqCst) + 1 == nth {
            refused(THREADS, errno);
        }
        "named".to_owned()
    });
    let runtime = builder.enable_all().build().unwrap();
    runtime.block_on(async {
        for _ in 0..3 {
            let tasks: Vec<_> = (0..50)
                .map(|n| {
                    task::spawn(async move {
                        sleep(MS).await;
                        if n % 10 == 0 {
                            task::block_in_place(|| thread::sleep(MS));
                        }
                        task::yield_now().await;
                    })
                })
                .collect();
            for task in tasks {
                task.await.unwrap();
            }
            // A thread for it, or a panic of the call. Never silence.
            let closures = [(); 4].map(|()| task::spawn(async { task::spawn_blocking(|| ()).await.is_ok() }));
            for closure in closures {
                let told = timeout(Duration::from_secs(20), closure).await.expect("a closure waits for ever");
                assert!(told.is_ok() || told.is_err_and(|error| error.is_panic()));
            }
        }
    });
    assert!(asked.load(Ordering::SeqCst) >= nth, "no such thread was asked for");
    let drops = Drops::new();
    let held = drops.probe();
    drop(runtime.spawn(async move {
        let _held = held;
        pending::<()>().await;
    }));
    drop(runtime);
    assert_eq!(drops.count(), 1);
}

/// A runtime and what it has got before the sandbox.
struct Company {
    flavor: Flavor,
    runtime: Runtime,
    near: UdpSocket,
    far: std::net::UdpSocket,
}

impl Company {
    fn new(flavor: Flavor) -> Self {
        let builder: &mut Builder = &mut flavor.builder();
        // The thread for closures stays.
        let runtime = builder.thread_keep_alive(Duration::from_secs(60)).enable_all().build().unwrap();
        let near = runtime.block_on(UdpSocket::bind("127.0.0.1:0")).unwrap();
        let far = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        far.connect(near.local_addr().unwrap()).unwrap();
        let company = Company { flavor, runtime, near, far };
        // Everything has been used once.
        company.runs_tasks();
        company.waits_for_time();
        company.waits_for_sockets();
        company.runs_closures();
        company
    }

    fn goes_on(self) {
        for _ in 0..2 {
            self.runs_tasks();
            self.waits_for_time();
            self.waits_for_sockets();
            self.runs_closures();
            thread::sleep(IDLE);
            if let Flavor::MultiThread(workers) = self.flavor {
                self.runs_beside_one_that_blocks(workers);
                self.blocks_in_place();
            }
            thread::sleep(IDLE);
        }
        self.ends();
    }

    fn runs_tasks(&self) {
        let tasks: Vec<_> = (0..200)
            .map(|n| {
                self.runtime.spawn(async move {
                    task::yield_now().await;
                    task::spawn(async move { n }).await.unwrap()
                })
            })
            .collect();
        let sum: u32 = self.runtime.block_on(async {
            let mut sum = 0;
            for task in tasks {
                sum += task.await.unwrap();
            }
            sum
        });
        assert_eq!(sum, 199 * 200 / 2);
    }

    /// Whole milliseconds and fractions, alone and beside others.
    fn waits_for_time(&self) {
        let sleeps = || {
            [300, 1_000, 2_500, 7_800, 20_000].map(|micros| {
                self.runtime.spawn(async move {
                    let (time, begun) = (Duration::from_micros(micros), Instant::now());
                    sleep(time).await;
                    assert!(begun.elapsed() >= time);
                })
            })
        };
        self.runtime.block_on(async {
            for one in sleeps() {
                one.await.unwrap();
            }
            let together = sleeps();
            for one in together {
                one.await.unwrap();
            }
            assert!(timeout(MS * 3 / 2, pending::<()>()).await.is_err());
        });
    }

    /// Beside a timer that is always near.
    fn waits_for_sockets(&self) {
        self.runtime.block_on(async {
            let ticks = self.runtime.spawn(async {
                let mut ticks = interval(MS * 3 / 2);
                loop {
                    ticks.tick().await;
                }
            });
            for n in 0..10 {
                let later = thread::scope(|_| self.far.send(&[n]));
                assert_eq!(later.unwrap(), 1);
                let mut byte = [0];
                self.near.recv(&mut byte).await.unwrap();
                assert_eq!(byte, [n]);
                sleep(MS / 2).await;
            }
            ticks.abort();
            assert!(ticks.await.unwrap_err().is_cancelled());
        });
    }

    fn runs_closures(&self) {
        self.runtime.block_on(async {
            for n in 0..5 {
                assert_eq!(task::spawn_blocking(move || n).await.unwrap(), n);
            }
        });
    }

    /// What it has just woken is in the slot of the worker that blocks: nobody but the guarantor takes it from there. Where
    /// there is one worker a thread must be had, too.
    fn runs_beside_one_that_blocks(&self, workers: usize) {
        if workers == 1 {
            return;
        }
        let (woken, ran) = (Event::new(), Event::new());
        let (waits, sets) = (woken.clone(), ran.clone());
        let inner = self.runtime.spawn(async move {
            waits.wait().await;
            sets.set();
        });
        runtime_tests::wait_until("the sleeper", || woken.waiting() == 1);
        thread::sleep(IDLE);
        let outer = self.runtime.spawn(async move {
            woken.set();
            ran.wait_blocking();
        });
        self.runtime.block_on(async {
            outer.await.unwrap();
            inner.await.unwrap();
        });
    }

    fn blocks_in_place(&self) {
        self.runtime.block_on(async {
            let blocks = [(); 4].map(|()| task::spawn(async { task::block_in_place(|| thread::sleep(MS)) }));
            for one in blocks {
                one.await.unwrap();
            }
        });
    }

    /// From its deepest sleep, with tasks that wait for time, for a socket, and for nothing.
    fn ends(self) {
        let Company { runtime, near, .. } = self;
        let drops = Drops::new();
        let held = [(); 3].map(|()| drops.probe());
        let [sleeps, receives, waits] = held;
        drop(runtime.spawn(async move {
            let _held = sleeps;
            sleep(Duration::from_secs(3600)).await;
        }));
        drop(runtime.spawn(async move {
            let _held = receives;
            near.recv(&mut [0]).await
        }));
        drop(runtime.spawn(async move {
            let _held = waits;
            pending::<()>().await;
        }));
        runtime.block_on(async { sleep(MS).await });
        thread::sleep(IDLE);
        drop(runtime);
        assert_eq!(drops.count(), 3);
    }
}
