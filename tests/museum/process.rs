//! Children: zombies, waits that never end, pipes that fill.

#[cfg(target_os = "linux")]
mod injected;

use runtime::io::AsyncWriteExt;
use runtime::process::{Child, Command};
use runtime::time::{Duration, sleep, timeout};
use runtime_tests::again::in_own_process;
use runtime_tests::process::is_reaped;
use runtime_tests::{Flavor, WakeCount, wait_until, watchdog, watchdog_secs};
use std::io::BufRead;
use std::os::unix::process::ExitStatusExt;
use std::pin::pin;
use std::process::Stdio;

const FLAVORS: [Flavor; 3] = [Flavor::MultiThread(2), Flavor::MultiThread(1), Flavor::CurrentThread];

fn sh(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    command
}

/// A child that was dropped while it ran stayed a zombie until the next one ended, or for ever.
///
/// Fault: `Unreaped::drop` drops std's child and the ear.
#[test]
#[cfg_attr(feature = "oracle", ignore = "tokio's orphans wait for the next signal to a runtime")]
fn museum_b4_the_last_child_leaves_no_zombie() {
    let _watch = watchdog();
    for flavor in FLAVORS {
        let runtime = flavor.build();
        let ids = runtime.block_on(async {
            let kills = Command::new("sleep").arg("100").kill_on_drop(true).spawn().unwrap();
            let ends = Command::new("sleep").arg("0.05").spawn().unwrap();
            [kills.id().unwrap(), ends.id().unwrap()]
        });
        // Nobody drives a runtime from here on, and then there is none.
        for (id, what) in ids.into_iter().zip(["the killed one is reaped", "the one that ended is reaped"]) {
            wait_until(what, || is_reaped(id));
        }
        let id = runtime.block_on(async { Command::new("sleep").arg("0.05").spawn().unwrap().id().unwrap() });
        drop(runtime);
        wait_until("it is reaped without a runtime", || is_reaped(id));
    }
}

/// Waiting for a child that was killed never ended: the signal had come before the wait.
#[test]
fn museum_b4_wait_after_kill_ends() {
    let _watch = watchdog_secs(60);
    for flavor in FLAVORS {
        flavor.build().block_on(async {
            for round in 0..20 {
                let mut child = Command::new("sleep").arg("100").spawn().unwrap();
                if round % 2 == 0 {
                    assert!(WakeCount::new().poll(&mut pin!(child.wait())).is_pending());
                }
                child.start_kill().unwrap();
                if round % 3 == 0 {
                    // It is over before anybody waits.
                    let id = child.id().unwrap();
                    wait_until("it has ended", || state_of(id) == Some('Z'));
                }
                assert_eq!(child.wait().await.unwrap().signal(), Some(9));
            }
        });
    }
}

/// A wait that had begun never ended when the status was read in between by other means.
#[test]
fn museum_b4_a_status_that_is_read_in_between() {
    let _watch = watchdog();
    for flavor in FLAVORS {
        flavor.build().block_on(async {
            let mut child = sh("exec cat").stdin(Stdio::piped()).spawn().unwrap();
            let input = child.stdin.take();
            assert!(WakeCount::new().poll(&mut pin!(child.wait())).is_pending());
            drop(input);
            let status = loop {
                match child.try_wait().unwrap() {
                    Some(status) => break status,
                    None => runtime::task::yield_now().await,
                }
            };
            assert_eq!(child.wait().await.unwrap(), status);
        });
    }
}

/// A child's pidfd can be read, and yet its status cannot be had: somebody debugs it. Runtimes panicked, or spun.
///
/// Fault: `Ear::poll` takes it for an error; or the keeper waits for the pidfd all the same.
#[test]
#[cfg(target_os = "linux")]
#[cfg_attr(feature = "oracle", ignore = "tokio spins")]
fn museum_b4_a_child_that_a_debugger_holds() {
    let _watch = watchdog_secs(60);
    in_own_process("process::waited_for_while_it_is_held");
    in_own_process("process::dropped_while_it_is_held");
}

#[test]
#[ignore = "measures the CPU time of its process: `museum_b4_a_child_that_a_debugger_holds` runs it"]
fn waited_for_while_it_is_held() {
    while_it_is_held(async |mut child, let_go| {
        timeout(A_WHILE, child.wait()).await.expect_err("it is held");
        let_go();
        assert_eq!(child.wait().await.unwrap().signal(), Some(9));
    });
}

#[test]
#[ignore = "measures the CPU time of its process: `museum_b4_a_child_that_a_debugger_holds` runs it"]
fn dropped_while_it_is_held() {
    while_it_is_held(async |child, let_go| {
        let id = child.id().unwrap();
        drop(child);
        sleep(A_WHILE).await;
        assert!(!is_reaped(id));
        let_go();
    });
}

const A_WHILE: Duration = Duration::from_millis(400);

/// Of a child that is a zombie, and that its debugger has not seen to.
fn while_it_is_held(ends: impl AsyncFnOnce(Child, &dyn Fn())) {
    let _watch = watchdog();
    Flavor::CurrentThread.build().block_on(async {
        let mut child = Command::new("sleep").arg("100").kill_on_drop(true).spawn().unwrap();
        let id = child.id().unwrap();
        let Some(mut debugger) = debugger_of(id) else { return };
        child.start_kill().unwrap();
        wait_until("it is a zombie", || state_of(id) == Some('Z'));
        assert_eq!(child.try_wait().unwrap(), None);
        let used = cpu_time();
        let going = std::cell::RefCell::new(debugger.stdin.take());
        ends(child, &|| drop(going.take())).await;
        let used = cpu_time() - used;
        assert!(used < A_WHILE / 2, "{used:?} of CPU in {A_WHILE:?}: it spins");
        wait_until("it is reaped", || is_reaped(id));
        debugger.wait().unwrap();
    });
}

fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

const HELD: &str = "MUSEUM_HOLDS_THE_PROCESS";

/// Another process of this binary, which holds that one until its input ends. `None`: it may not.
fn debugger_of(id: u32) -> Option<std::process::Child> {
    let mut debugger = std::process::Command::new(std::env::current_exe().unwrap());
    debugger.args(["--exact", "process::the_debugger", "--include-ignored", "--nocapture"]).env(HELD, id.to_string());
    let mut debugger = debugger.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let said = std::io::BufReader::new(debugger.stdout.take().unwrap());
    if said.lines().map_while(Result::ok).any(|line| line == "held") {
        return Some(debugger);
    }
    eprintln!("skipped: nobody may debug here");
    debugger.wait().unwrap();
    None
}

#[test]
#[ignore = "holds another process: the tests above run it"]
fn the_debugger() {
    let Ok(id) = std::env::var(HELD) else { return };
    if runtime_tests::debugger::hold(id.parse().unwrap()).is_ok() {
        println!("\nheld");
        std::io::stdin().read_line(&mut String::new()).unwrap();
    }
}

/// What the kernel says of a process: `Z` for a zombie. `None`: it was reaped.
fn state_of(id: u32) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    stat.rsplit(") ").next()?.chars().next()
}

/// A mebibyte on both pipes, with an input that is closed, open and unread, or read.
#[test]
fn museum_b5_output_on_both_pipes() {
    let _watch = watchdog_secs(60);
    let much = "head -c 1048576 /dev/zero & head -c 1048576 /dev/zero >&2; wait";
    for flavor in FLAVORS {
        flavor.build().block_on(async {
            for (script, input) in [
                (much.to_owned(), Stdio::null()),
                (much.to_owned(), Stdio::piped()),
                (format!("cat >/dev/null; {much}"), Stdio::piped()),
            ] {
                let mut child = sh(&script);
                child.stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped());
                let output = child.spawn().unwrap().wait_with_output().await.unwrap();
                assert!(output.status.success());
                assert_eq!((output.stdout.len(), output.stderr.len()), (1 << 20, 1 << 20));
            }
            // With an input of its own, which somebody writes meanwhile.
            let mut child = sh("tee /dev/stderr");
            child.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
            let mut child = child.spawn().unwrap();
            let mut input = child.stdin.take().unwrap();
            let writes = async move { input.write_all(&[7; 1 << 20]).await };
            let (written, output) = runtime::join!(writes, child.wait_with_output());
            written.unwrap();
            let output = output.unwrap();
            assert_eq!((output.stdout.len(), output.stderr.len()), (1 << 20, 1 << 20));
        });
    }
}

/// A child that leaves a child of its own behind, with its output: the status is there, the output not yet.
#[test]
fn museum_b5_a_grandchild_keeps_the_pipe() {
    let _watch = watchdog();
    for flavor in FLAVORS {
        flavor.build().block_on(async {
            let mut child = sh("(sleep 0.3; echo late) & echo early").stdout(Stdio::piped()).spawn().unwrap();
            assert!(child.wait().await.unwrap().success());
            assert_eq!(child.wait_with_output().await.unwrap().stdout, b"early\nlate\n");
        });
    }
}
