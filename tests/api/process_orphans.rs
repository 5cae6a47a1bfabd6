//! Children that are dropped before they were waited for leave no zombie, whatever becomes of their runtimes.
//!
//! Whatever counts all children of a process runs in a process of its own.

use runtime::process::{Child, Command};
use runtime::runtime::Runtime;
use runtime_tests::again::in_own_process;
use runtime_tests::{Flavor, Rng, WakeCount, process, wait_until, watchdog, watchdog_secs};
use rustix::io::Errno;
use std::os::unix::process::ExitStatusExt;
use std::pin::pin;
use std::process::Stdio;

/// Is there no child, not even a zombie?
fn all_are_reaped() -> bool {
    // Asks without reaping.
    let options = rustix::process::WaitIdOptions::EXITED
        | rustix::process::WaitIdOptions::NOHANG
        | rustix::process::WaitIdOptions::NOWAIT;
    matches!(rustix::process::waitid(rustix::process::WaitId::All, options), Err(Errno::CHILD))
}

#[test]
fn two_thousand_in_random_order() {
    let _watch = watchdog_secs(180);
    in_own_process("process_orphans::two_thousand");
}

/// Each is waited for, killed, dropped or forgotten by its task, in one of several runtimes that come and go.
#[test]
#[ignore = "counts the children of its process: `two_thousand_in_random_order` runs it"]
fn two_thousand() {
    const CHILDREN: usize = 2000;
    let _watch = watchdog_secs(150);
    let mut rng = Rng::from_env("two_thousand");
    let mut runtimes: Vec<Runtime> = [1, 2].map(|workers| Flavor::MultiThread(workers).build()).into();
    let (mut kept, mut tasks) = (Vec::new(), Vec::new());
    for number in 0..CHILDREN {
        let at = rng.below(2);
        let lives = rng.below(2) == 0;
        let runtime = &runtimes[at];
        let child = runtime.block_on(async { spawn(lives, number, rng.below(2) == 0) });
        match rng.below(5) {
            0 => drop(child),
            1 => tasks.push((lives, number, runtime.spawn(ends(child, lives)))),
            // Aborted or dropped with its runtime some time later.
            2 => drop(runtime.spawn(ends(child, false))),
            3 => runtime.spawn(ends(child, false)).abort(),
            _ => kept.push((lives, number, child)),
        }
        if rng.below(100) == 0 {
            for (lives, number, task) in tasks.drain(..) {
                check(lives, number, runtimes[at].block_on(task).unwrap());
            }
            runtimes[at] = Flavor::MultiThread(1 + rng.below(2)).build();
        }
        if kept.len() > 100 {
            let (lives, number, child) = kept.swap_remove(rng.below(kept.len()));
            check(lives, number, runtimes[rng.below(2)].block_on(ends(child, lives)));
        }
    }
    for (lives, number, task) in tasks {
        check(lives, number, runtimes[0].block_on(task).unwrap());
    }
    for (lives, number, child) in kept {
        check(lives, number, runtimes[0].block_on(ends(child, lives)));
    }
    drop(runtimes);
    wait_until("every child was reaped", all_are_reaped);
    wait_until("the keeper has gone", || !process::thread_names().contains(&"runtime-orphans".into()));
}

/// One that lives until its input ends, or one that ends by itself with a status of its own.
fn spawn(lives: bool, number: usize, kill_on_drop: bool) -> Child {
    let mut command = Command::new("sh");
    let script = if lives { "exec cat".into() } else { format!("exit {}", number % 100) };
    command.args(["-c", &script]).stdin(Stdio::piped()).kill_on_drop(kill_on_drop);
    command.spawn().unwrap()
}

async fn ends(mut child: Child, kills: bool) -> std::process::ExitStatus {
    if kills {
        child.start_kill().unwrap();
    }
    child.wait().await.unwrap()
}

fn check(lives: bool, number: usize, status: std::process::ExitStatus) {
    let expected = if lives { (None, Some(9)) } else { (Some((number % 100) as i32), None) };
    assert_eq!((status.code(), status.signal()), expected, "child {number}");
}

#[test]
fn dropped_futures_leave_nothing() {
    let _watch = watchdog_secs(60);
    in_own_process("process_orphans::a_cancelled_output_leaves_no_zombie_and_no_pipe");
}

/// The future is dropped after each number of polls.
#[test]
#[ignore = "counts the children and descriptors of its process: `dropped_futures_leave_nothing` runs it"]
fn a_cancelled_output_leaves_no_zombie_and_no_pipe() {
    let _watch = watchdog();
    for flavor in [Flavor::MultiThread(2), Flavor::CurrentThread] {
        let runtime = flavor.build();
        // Whatever is made once is there.
        runtime.block_on(async {
            drop(Command::new("true").output());
            Command::new("true").output().await.unwrap();
        });
        wait_until("every child was reaped", all_are_reaped);
        wait_until("the keeper has gone", || !process::thread_names().contains(&"runtime-orphans".into()));
        let before = process::fds();
        runtime.block_on(async {
            for (kills, script) in [(true, "exec sleep 100"), (false, "exec yes"), (true, "yes >&2"), (false, "exit 0")]
            {
                for polls in 0..4 {
                    let mut command = Command::new("sh");
                    let mut output = pin!(command.args(["-c", script]).kill_on_drop(kills).output());
                    for _ in 0..polls {
                        if WakeCount::new().poll(&mut output).is_ready() {
                            break;
                        }
                        runtime::task::yield_now().await;
                    }
                }
            }
        });
        wait_until("every child was reaped", all_are_reaped);
        wait_until("every pipe is closed", || process::fds() == before);
    }
}

#[test]
fn after_the_last_runtime() {
    let _watch = watchdog_secs(60);
    in_own_process("process_orphans::orphans_of_no_runtime");
}

/// They end when no runtime has been there for long.
#[test]
#[ignore = "counts the children of its process: `after_the_last_runtime` runs it"]
fn orphans_of_no_runtime() {
    let _watch = watchdog();
    for round in 0..20 {
        let runtime = Flavor::MultiThread(1).build();
        let mut command = Command::new("cat");
        let mut children: Vec<Child> =
            runtime.block_on(async { (0..3).map(|_| command.stdin(Stdio::piped()).spawn().unwrap()).collect() });
        let inputs: Vec<_> = runtime.block_on(async {
            children.iter_mut().map(|child| child.stdin.take().unwrap().into_owned_fd().unwrap()).collect()
        });
        if round % 2 == 0 {
            drop(children);
            drop(runtime);
        } else {
            drop(runtime);
            drop(children);
        }
        for input in inputs {
            assert!(!all_are_reaped());
            // Its end.
            drop(input);
        }
        wait_until("every child was reaped", all_are_reaped);
        // Sometimes the keeper is there when the next round begins, sometimes he has gone.
        if round % 3 == 0 {
            wait_until("the keeper has gone", || !process::thread_names().contains(&"runtime-orphans".into()));
        }
    }
}
