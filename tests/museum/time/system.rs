//! T11, T12: timers and the system: a process that is stopped, and one that should be idle.

use super::{HOUR, MILLI};
use runtime::time::{Duration, sleep};
use runtime_tests::{Flavor, wait_until, watchdog};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Runs itself again in a process that is stopped while its timers come due.
#[test]
fn museum_t11_each_timer_fires_once_after_a_stop() {
    const NAME: &str = "time::system::museum_t11_each_timer_fires_once_after_a_stop";
    if std::env::var_os("STOPPED").is_some() {
        return sleepers();
    }
    let _watch = watchdog();
    let mut child = Command::new(std::env::current_exe().expect("this binary's path"));
    child.args(["--exact", NAME, "--nocapture"]).env("STOPPED", "1");
    let mut child = child.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("this binary does not start");
    let mut lines = BufReader::new(child.stdout.take().expect("piped"));
    let mut line = String::new();
    while !line.contains("asleep") {
        line.clear();
        assert!(lines.read_line(&mut line).expect("readable") > 0, "it ended before it slept");
    }
    let pid = child.id().to_string();
    let signal = |name: &str| {
        assert!(
            Command::new("sh")
                .args(["-c", &format!("kill {name} {pid}")])
                .status()
                .is_ok_and(|status| status.success())
        )
    };
    signal("-STOP");
    let state = || fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    wait_until("the stop", || state().rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('T')));
    // Longer than most of its timers.
    std::thread::sleep(MILLI * 200);
    signal("-CONT");
    child.stdin.take().expect("piped").write_all(b"\n").expect("it is gone");
    let mut rest = String::new();
    lines.read_to_string(&mut rest).expect("readable");
    assert!(child.wait().expect("a child").success() && rest.contains("fired 400"), "{rest}");
}

fn sleepers() {
    let runtime = Flavor::MultiThread(2).build();
    let fired = Arc::new(AtomicUsize::new(0));
    let sleepers: Vec<_> = (0..400)
        .map(|n| {
            let fired = fired.clone();
            runtime.spawn(async move {
                sleep(MILLI * n).await;
                fired.fetch_add(1, Ordering::SeqCst);
            })
        })
        .collect();
    println!("asleep");
    std::io::stdin().read_exact(&mut [0]).expect("the parent is gone");
    runtime.block_on(async {
        for sleeper in sleepers {
            sleeper.await.unwrap();
        }
    });
    println!("fired {}", fired.load(Ordering::SeqCst));
}

/// How often the threads of this name have gone to sleep.
fn switches(name: &str) -> u64 {
    let tasks = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let named = tasks
        .filter(|task| fs::read_to_string(task.path().join("comm")).is_ok_and(|comm| comm.trim().starts_with(name)));
    let count = |status: String| {
        let line = status.lines().find(|line| line.starts_with("voluntary_ctxt_switches"))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok()
    };
    named.filter_map(|task| fs::read_to_string(task.path().join("status")).ok()).filter_map(count).sum()
}

/// Ten thousand timers that are far away: at last nobody wakes up any more.
#[test]
fn museum_t12_an_idle_runtime_does_not_wake_up() {
    let _watch = watchdog();
    let runtime = Flavor::MultiThread(2).builder().enable_all().thread_name("t12-idle").build().unwrap();
    let polled = Arc::new(AtomicUsize::new(0));
    let sleepers: Vec<_> = (0..10_000)
        .map(|n| {
            let polled = polled.clone();
            runtime.spawn(async move {
                let nap = sleep(HOUR + MILLI * n);
                polled.fetch_add(1, Ordering::SeqCst);
                nap.await;
            })
        })
        .collect();
    wait_until("all to sleep", || polled.load(Ordering::SeqCst) == 10_000);
    wait_until("a fifth of a second without a wake-up", || {
        let before = switches("t12-idle");
        std::thread::sleep(Duration::from_millis(200));
        switches("t12-idle") == before
    });
    sleepers.iter().for_each(runtime::task::JoinHandle::abort);
}

/// A sleep is one sleep of the thread, or a few: no spinning until the deadline, no further look for each.
#[test]
fn museum_t12_a_sleep_is_one_sleep() {
    let _watch = watchdog();
    let runtime = Flavor::CurrentThread.build();
    let metrics = runtime.metrics();
    runtime.block_on(async {
        sleep(MILLI).await;
        let before = metrics.worker_park_count(0);
        for n in 0..100 {
            sleep(Duration::from_micros(900 + n * 7)).await;
        }
        let parks = metrics.worker_park_count(0) - before;
        assert!(parks <= 300, "{parks} parks for 100 sleeps");
    });
}
