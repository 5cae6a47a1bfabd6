//! System calls of processes that fail, as in `net/injected`.
//!
//! The tests that run under strace are ignored otherwise: they count the children of their process, or would find nothing.

use runtime::io::AsyncReadExt;
use runtime::process::Command;
use runtime_tests::again::{in_own_process, under_strace};
use runtime_tests::process::{fds, is_reaped, thread_names};
use runtime_tests::{Flavor, WakeCount, wait_until, watchdog, watchdog_secs};
use rustix::io::Errno;
use rustix::process::{WaitId, WaitIdOptions, waitid};
use std::os::unix::process::ExitStatusExt;
use std::pin::pin;
use std::process::Stdio;

/// Is there no child, not even a zombie? Asks without reaping.
fn all_are_reaped() -> bool {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    matches!(waitid(WaitId::All, options), Err(Errno::CHILD))
}

fn keeper_has_gone() -> bool {
    !thread_names().contains(&"runtime-orphans".into())
}

fn inject(fault: &str, test: &str) {
    under_strace(&["-o", "/dev/null", "-e", &format!("inject={fault}")], &format!("process::injected::{test}"));
}

/// An old kernel, a sandbox, no descriptors left: the ends of children are heard of by SIGCHLD.
///
/// Fault: `Ear::of` gives up without a pidfd; or the keeper does not listen to SIGCHLD.
#[test]
#[cfg_attr(feature = "oracle", ignore = "tokio's orphans need a runtime")]
fn museum_b4_without_pidfds() {
    let _watch = watchdog_secs(240);
    for error in ["ENOSYS", "EPERM", "EMFILE"] {
        inject(&format!("pidfd_open:error={error}"), "every_way_to_end");
    }
    // Some have one and some have none.
    inject("pidfd_open:error=ENFILE:when=1+2", "every_way_to_end");
    for error in ["ENOSYS", "EPERM"] {
        inject(&format!("pidfd_send_signal:error={error}"), "every_way_to_end");
    }
}

/// An interrupted look at a child was an error, and its status lost.
///
/// Fault: `look` hands the error on.
#[test]
#[cfg_attr(feature = "oracle", ignore = "tokio lets it out")]
fn museum_i10_interrupted_looks_are_repeated() {
    let _watch = watchdog_secs(120);
    inject("wait4,waitid,poll,ppoll:error=EINTR:when=1+2", "every_way_to_end");
    inject("read,write,readv,writev:error=EINTR:when=7+3", "every_way_to_end");
}

/// The keeper's own means are refused: the bell, and `poll`.
#[test]
#[cfg_attr(feature = "oracle", ignore = "tokio has no keeper")]
fn museum_b4_the_keeper_without_means() {
    let _watch = watchdog_secs(120);
    inject("poll,ppoll:error=ENOMEM", "every_way_to_end");
    inject("pipe2:error=EMFILE:when=1+1", "orphans_without_pipes");
}

/// For the tests above, and on its own.
#[test]
#[cfg_attr(feature = "oracle", ignore = "tokio's orphans need a runtime")]
fn each_way_on_its_own() {
    let _watch = watchdog_secs(60);
    in_own_process("process::injected::every_way_to_end");
    in_own_process("process::injected::orphans_without_pipes");
}

#[test]
#[ignore = "counts the children of its process: `each_way_on_its_own` runs it"]
fn every_way_to_end() {
    let _watch = watchdog();
    for flavor in [Flavor::CurrentThread, Flavor::MultiThread(2)] {
        let runtime = flavor.build();
        let mut left = runtime.block_on(async {
            let sleeper = || Command::new("sleep").arg("100").spawn().unwrap();
            let sh = |script: &str| {
                let mut command = Command::new("sh");
                command.args(["-c", script]);
                command
            };
            assert_eq!(sh("exit 3").status().await.unwrap().code(), Some(3));
            let output = sh("echo out; echo err >&2").output().await.unwrap();
            assert_eq!(
                (output.stdout.as_slice(), output.stderr.as_slice()),
                (b"out\n".as_slice(), b"err\n".as_slice())
            );
            let mut killed = sleeper();
            assert!(WakeCount::new().poll(&mut pin!(killed.wait())).is_pending());
            killed.kill().await.unwrap();
            assert_eq!(killed.wait().await.unwrap().signal(), Some(9));
            // Two wait at once: the end of one is not taken for the other's.
            let (mut one, mut other) = (sh("exit 1").spawn().unwrap(), sh("sleep 0.1; exit 2").spawn().unwrap());
            let (one, other) = runtime::join!(one.wait(), other.wait());
            assert_eq!((one.unwrap().code(), other.unwrap().code()), (Some(1), Some(2)));
            for kills in [true, false] {
                let mut output = Box::pin(sh("exec yes").kill_on_drop(kills).output());
                let _ = WakeCount::new().poll(&mut output);
            }
            drop(Command::new("sleep").arg("100").kill_on_drop(true).spawn().unwrap());
            drop(sh("sleep 0.1").spawn().unwrap());
            let mut cat = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
            let (input, mut said) = (cat.stdin.take(), cat.stdout.take().unwrap());
            drop(cat);
            drop(input);
            assert_eq!(said.read_to_end(&mut Vec::new()).await.unwrap(), 0);
            sleeper()
        });
        drop(runtime);
        left.start_kill().unwrap();
        let id = left.id().unwrap();
        drop(left);
        wait_until("it is reaped without a runtime", || is_reaped(id));
        wait_until("every child is reaped", all_are_reaped);
        wait_until("the keeper goes", keeper_has_gone);
    }
}

#[test]
#[ignore = "counts the children of its process: `each_way_on_its_own` runs it"]
fn orphans_without_pipes() {
    let _watch = watchdog();
    Flavor::CurrentThread.build().block_on(async {
        for _ in 0..10 {
            drop(Command::new("sleep").arg("0.05").spawn().unwrap());
        }
    });
    wait_until("every child is reaped", all_are_reaped);
    wait_until("the keeper goes", keeper_has_gone);
}

/// No process, no thread, no descriptor to be had: an error, no child, nothing left open; and later it works.
///
/// Fault: `Child::of` lets the child go when a pipe cannot be registered; or nobody calls a refused keeper again.
#[test]
#[cfg_attr(feature = "oracle", ignore = "tokio's orphans need a runtime")]
fn museum_b2_refused_processes_leave_nothing() {
    let _watch = watchdog_secs(240);
    for fault in [
        "clone,clone3,vfork:error=EAGAIN:when=2+2",
        "pipe2:error=EMFILE:when=2+4",
        // The first ones are the driver's own.
        "epoll_ctl:error=ENOSPC:when=8+11",
        "ioctl:error=EBADF:when=5+5",
    ] {
        inject(fault, "some_are_refused");
    }
}

#[test]
#[ignore = "needs faults injected into whatever makes processes"]
fn some_are_refused() {
    let _watch = watchdog();
    Flavor::CurrentThread.build().block_on(async {
        let mut command = Command::new("sh");
        command.args(["-c", "exit 7"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut sleeper = Command::new("sleep");
        sleeper.arg("100").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let (mut refused, mut ended) = (0, 0);
        for round in 0..60 {
            let spawned = if round % 3 == 0 { sleeper.spawn() } else { command.spawn() };
            match spawned {
                // Dropped ones want a keeper.
                Ok(mut child) if round % 3 == 0 => child.start_kill().unwrap(),
                Ok(child) => {
                    assert_eq!(child.wait_with_output().await.unwrap().status.code(), Some(7));
                    ended += 1;
                }
                Err(error) => {
                    assert!(error.raw_os_error().is_some(), "{error:?}");
                    refused += 1;
                }
            }
        }
        assert!(refused > 0 && ended > 0, "{refused} were refused, {ended} ended");
        // A keeper who was refused is called again by the next spawn.
        while !all_are_reaped() {
            drop(command.status().await);
            runtime::task::yield_now().await;
        }
        wait_until("the keeper goes", keeper_has_gone);
        let before = fds();
        for _ in 0..20 {
            drop(command.output().await);
        }
        wait_until("nothing stays open", || fds() <= before);
    });
}
