//! `process::Child`: its end is told once it has come, as often as somebody asks.

use runtime::io::{AsyncReadExt, AsyncWriteExt};
use runtime::process::{Child, Command};
use runtime_tests::{Flavor, WakeCount, for_each_flavor, process::is_reaped, wait_until, watchdog};
use std::os::unix::process::ExitStatusExt;
use std::pin::pin;
use std::process::Stdio;

fn sh(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped());
    command
}

/// Lives until its input ends.
fn cat() -> Child {
    sh("exec cat").spawn().unwrap()
}

fn sleeper() -> Child {
    Command::new("sleep").arg("100").spawn().unwrap()
}

/// Fault: `Fate::reaped` does nothing.
fn every_end_is_told_again_and_again(flavor: Flavor) {
    flavor.build().block_on(async {
        for (script, code, signal) in
            [("exit 0", Some(0), None), ("exit 3", Some(3), None), ("kill -TERM $$", None, Some(15))]
        {
            let mut child = sh(script).spawn().unwrap();
            assert!(child.id().is_some());
            let status = child.wait().await.unwrap();
            assert_eq!((status.code(), status.signal()), (code, signal), "{script}");
            assert_eq!(child.wait().await.unwrap(), status);
            assert_eq!(child.try_wait().unwrap(), Some(status));
            assert_eq!(child.id(), None, "the number may be another's");
            assert_eq!(child.wait_with_output().await.unwrap().status, status);
        }
    });
}

fn try_wait_does_not_wait(flavor: Flavor) {
    flavor.build().block_on(async {
        let mut child = cat();
        assert_eq!(child.try_wait().unwrap(), None);
        assert!(child.stdin.is_some(), "it leaves the input open");
        drop(child.stdin.take());
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            runtime::task::yield_now().await;
        };
        // Whoever asks the other way afterwards is told the same, and waits for nothing.
        assert_eq!(child.wait().await.unwrap(), status);
        assert_eq!(child.id(), None);
    });
}

fn wait_closes_the_input(flavor: Flavor) {
    flavor.build().block_on(async {
        let mut child = cat();
        assert!(child.wait().await.unwrap().success());
        assert!(child.stdin.is_none());
        assert!(cat().wait_with_output().await.unwrap().status.success());
        assert!(sh("exec cat").status().await.unwrap().success());
        assert!(sh("exec cat").output().await.unwrap().status.success());
    });
}

fn a_cancelled_wait_loses_nothing(flavor: Flavor) {
    flavor.build().block_on(async {
        let mut child = cat();
        let input = child.stdin.take();
        for _ in 0..3 {
            let count = WakeCount::new();
            assert!(count.poll(&mut pin!(child.wait())).is_pending());
        }
        let count = WakeCount::new();
        {
            let mut wait = pin!(child.wait());
            assert!(count.poll(&mut wait).is_pending());
            drop(input);
            while count.wakes() == 0 {
                runtime::task::yield_now().await;
            }
            // Woken, and dropped without another look.
        }
        assert!(child.wait().await.unwrap().success());
    });
}

fn kill(flavor: Flavor) {
    flavor.build().block_on(async {
        let mut child = sleeper();
        child.kill().await.unwrap();
        assert_eq!(child.wait().await.unwrap().signal(), Some(9));
        // One that is gone is left in peace, reaped or not.
        child.start_kill().unwrap();
        child.kill().await.unwrap();
        let mut child = sleeper();
        child.start_kill().unwrap();
        child.start_kill().unwrap();
        assert_eq!(child.wait().await.unwrap().signal(), Some(9));
        let mut child = sh("exit 5").spawn().unwrap();
        let mut output = child.stdout.take().unwrap();
        output.read_to_end(&mut Vec::new()).await.unwrap();
        child.kill().await.unwrap();
        assert!(matches!(
            child.try_wait().unwrap().map(|s| (s.code(), s.signal())),
            Some((Some(5), None) | (None, Some(9)))
        ));
    });
}

/// Fault: `Unreaped::drop` does not kill.
fn dropped_it_is_killed_or_goes_on(flavor: Flavor) {
    flavor.build().block_on(async {
        let child = Command::new("sleep").arg("100").kill_on_drop(true).spawn().unwrap();
        let id = child.id().unwrap();
        drop(child);
        while !is_reaped(id) {
            runtime::time::sleep(runtime::time::Duration::from_millis(1)).await;
        }
        let mut child = cat();
        let id = child.id().unwrap();
        let (mut input, mut output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        drop(child);
        input.write_all(b"it goes on").await.unwrap();
        let mut back = [0; 10];
        output.read_exact(&mut back).await.unwrap();
        assert_eq!(back, *b"it goes on");
        drop(input);
        assert_eq!(output.read(&mut back).await.unwrap(), 0);
        while !is_reaped(id) {
            runtime::time::sleep(runtime::time::Duration::from_millis(1)).await;
        }
    });
}

/// One that has ended by itself is reaped, and nobody is killed.
fn killed_on_drop_after_its_end(flavor: Flavor) {
    flavor.build().block_on(async {
        for waits in [false, true] {
            let mut child = sh("exit 0").kill_on_drop(true).spawn().unwrap();
            let id = child.id().unwrap();
            child.stdout.take().unwrap().read_to_end(&mut Vec::new()).await.unwrap();
            if waits {
                assert!(child.wait().await.unwrap().success());
                assert!(is_reaped(id));
            }
            drop(child);
            while !is_reaped(id) {
                runtime::time::sleep(runtime::time::Duration::from_millis(1)).await;
            }
        }
    });
}

fn a_mebibyte_on_both_pipes(flavor: Flavor) {
    flavor.build().block_on(async {
        let script = "head -c 1048576 /dev/zero; head -c 1048576 /dev/zero >&2; head -c 1048576 /dev/zero";
        let output = sh(script).output().await.unwrap();
        assert!(output.status.success());
        assert_eq!((output.stdout.len(), output.stderr.len()), (2 << 20, 1 << 20));
        assert!(output.stdout.iter().chain(&output.stderr).all(|byte| *byte == 0));
        let script = "(head -c 1048576 /dev/zero >&2) & head -c 1048576 /dev/zero; wait; exit 4";
        let output = sh(script).output().await.unwrap();
        assert_eq!((output.status.code(), output.stdout.len(), output.stderr.len()), (Some(4), 1 << 20, 1 << 20));
    });
}

/// Pipes that were taken out, or never made, give nothing.
fn the_rest_of_the_output(flavor: Flavor) {
    flavor.build().block_on(async {
        let mut child = sh("echo one; read x; echo two; echo err >&2").stderr(Stdio::piped()).spawn().unwrap();
        let mut line = [0; 4];
        child.stdout.as_mut().unwrap().read_exact(&mut line).await.unwrap();
        let errors = child.stderr.take();
        let output = child.wait_with_output().await.unwrap();
        assert_eq!((line.as_slice(), output.stdout.as_slice()), (b"one\n".as_slice(), b"two\n".as_slice()));
        assert!(output.stderr.is_empty());
        let mut said = String::new();
        errors.unwrap().read_to_string(&mut said).await.unwrap();
        assert_eq!(said, "err\n");
    });
}

/// Nobody's output holds up a child: `status` reads none of it.
fn status_of_one_that_says_much(flavor: Flavor) {
    flavor.build().block_on(async {
        let status = sh("exec head -c 1048576 /dev/zero").status().await.unwrap();
        assert_eq!(status.signal(), Some(13), "its pipe is closed");
    });
}

fn the_fields_can_be_moved_out(flavor: Flavor) {
    flavor.build().block_on(async {
        let child = sh("echo moved").spawn().unwrap();
        let mut said = String::new();
        child.stdout.unwrap().read_to_string(&mut said).await.unwrap();
        assert_eq!(said, "moved\n");
        drop(child.stdin);
    });
}

fn many_at_once(flavor: Flavor) {
    flavor.build().block_on(async {
        let tasks: Vec<_> = (0..30)
            .map(|code| {
                runtime::spawn(async move {
                    let status = sh(&format!("exit {code}")).status().await.unwrap();
                    assert_eq!(status.code(), Some(code));
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
}

for_each_flavor!(
    every_end_is_told_again_and_again,
    try_wait_does_not_wait,
    wait_closes_the_input,
    a_cancelled_wait_loses_nothing,
    kill,
    dropped_it_is_killed_or_goes_on,
    killed_on_drop_after_its_end,
    a_mebibyte_on_both_pipes,
    the_rest_of_the_output,
    status_of_one_that_says_much,
    the_fields_can_be_moved_out,
    many_at_once,
    in_another_runtime_after_the_end_of_its_own,
    in_tasks_that_are_dropped,
);

/// Fault: `Ear::poll` hands the end of the runtime on.
fn in_another_runtime_after_the_end_of_its_own(flavor: Flavor) {
    let runtime = flavor.build();
    let mut children: Vec<Child> = runtime.block_on(async {
        let mut children: Vec<Child> = (0..3).map(|_| sleeper()).collect();
        // Waited for once, or never.
        assert!(WakeCount::new().poll(&mut pin!(children[0].wait())).is_pending());
        children[2].start_kill().unwrap();
        children
    });
    drop(runtime);
    Flavor::CurrentThread.build().block_on(async {
        for child in &mut children {
            if child.id().is_some() {
                child.start_kill().unwrap();
            }
            assert_eq!(child.wait().await.unwrap().signal(), Some(9));
        }
    });
}

/// The runtime ends while tasks wait for children.
fn in_tasks_that_are_dropped(flavor: Flavor) {
    let runtime = flavor.build();
    let (tell, told) = std::sync::mpsc::channel();
    for kills in [true, false] {
        let tell = tell.clone();
        runtime.spawn(async move {
            let mut child = sh("exec cat").kill_on_drop(kills).spawn().unwrap();
            let _input = child.stdin.take();
            tell.send(child.id().unwrap()).unwrap();
            child.wait().await.unwrap();
        });
    }
    let ids: Vec<u32> = runtime.block_on(async {
        let mut ids = Vec::new();
        while ids.len() < 2 {
            ids.extend(told.try_iter());
            runtime::task::yield_now().await;
        }
        ids
    });
    drop(runtime);
    // tokio's orphans need a runtime.
    #[cfg(feature = "oracle")]
    let _ = ids;
    #[cfg(not(feature = "oracle"))]
    for id in ids {
        wait_until("it was reaped", || is_reaped(id));
    }
}

#[test]
fn outside_of_a_runtime_what_is_known_is_told() {
    let _watch = watchdog();
    let runtime = Flavor::MultiThread(1).build();
    let mut child = runtime.block_on(async { sleeper() });
    child.start_kill().unwrap();
    wait_until("it has ended", || child.try_wait().unwrap().is_some());
    assert!(WakeCount::new().poll(&mut pin!(child.wait())).is_ready());
    assert!(format!("{child:?}").contains("Child"));
}
