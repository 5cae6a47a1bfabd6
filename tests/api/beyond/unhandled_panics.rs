//! A panic that nobody joins does not vanish: policies, on every flavor.

use runtime::runtime::UnhandledPanic;
use runtime_tests::{Flavor, catch, planned_panic, watchdog};
use std::future::pending;

const FLAVORS: [Flavor; 3] = [Flavor::MultiThread(2), Flavor::MultiThread(1), Flavor::CurrentThread];

#[test]
fn ignore_lets_the_others_run() {
    let _watch = watchdog();
    for flavor in FLAVORS {
        let runtime = flavor.builder().unhandled_panic(UnhandledPanic::Ignore).build().unwrap();
        let panics: runtime::task::JoinHandle<()> = runtime.spawn(async { planned_panic() });
        drop(panics);
        assert_eq!(runtime.block_on(runtime.spawn(async { 1 })).unwrap(), 1);
    }
}

fn shuts_down(flavor: Flavor) {
    let runtime = flavor.builder().unhandled_panic(UnhandledPanic::ShutdownRuntime).build().unwrap();
    let bystander = runtime.spawn(pending::<()>());
    let panics: runtime::task::JoinHandle<()> = runtime.spawn(async { planned_panic() });
    drop(panics);
    let caught = catch(|| runtime.block_on(pending::<()>())).expect_err("block_on goes on");
    assert!(caught.message.contains("panic"), "{}", caught.message);
    let late = runtime.spawn(async {});
    drop(runtime);
    let other = Flavor::CurrentThread.build();
    assert!(other.block_on(bystander).unwrap_err().is_cancelled());
    assert!(other.block_on(late).unwrap_err().is_cancelled());
}

#[test]
fn shutdown_on_a_current_thread_runtime() {
    let _watch = watchdog();
    shuts_down(Flavor::CurrentThread);
}

// beyond tokio: it refuses the policy there.
#[test]
#[cfg_attr(feature = "oracle", ignore = "beyond tokio")]
fn shutdown_on_a_multi_thread_runtime() {
    let _watch = watchdog();
    shuts_down(Flavor::MultiThread(2));
    shuts_down(Flavor::MultiThread(1));
}

/// Names that tokio does not have.
#[cfg(not(feature = "oracle"))]
mod beyond_tokio {
    use super::FLAVORS;
    use parking_lot::Mutex;
    use runtime::runtime::UnhandledPanic;
    use runtime::task::{JoinHandle, JoinSet, LocalSet};
    use runtime_tests::{planned_panic, wait_until, watchdog};
    use std::os::unix::process::ExitStatusExt;
    use std::process::{Command, Output};
    use std::sync::Arc;

    #[test]
    fn panics_that_nobody_joins_are_counted() {
        let _watch = watchdog();
        for flavor in FLAVORS {
            let runtime = flavor.build();
            let metrics = runtime.metrics();
            assert_eq!(metrics.unhandled_panics(), 0);
            let joined: JoinHandle<()> = runtime.spawn(async { planned_panic() });
            assert!(runtime.block_on(joined).unwrap_err().is_panic());
            let detached: JoinHandle<()> = runtime.spawn(async { planned_panic() });
            drop(detached);
            runtime.block_on(runtime::task::yield_now());
            wait_until("it to be counted", || metrics.unhandled_panics() == 1);
            // Panics first, loses its handle later.
            let late: JoinHandle<()> = runtime.spawn(async { planned_panic() });
            runtime.block_on(async {
                while !late.is_finished() {
                    runtime::task::yield_now().await;
                }
            });
            assert_eq!(metrics.unhandled_panics(), 1);
            drop(late);
            wait_until("the other to be counted", || metrics.unhandled_panics() == 2);
        }
    }

    /// A task that is over before its set has it: spawned on a runtime that is gone, it is cancelled at once, and its
    /// future panics in its drop.
    #[test]
    fn a_set_that_is_dropped_handles_no_panic() {
        struct PanicsInDrop;
        impl Drop for PanicsInDrop {
            fn drop(&mut self) {
                planned_panic()
            }
        }
        let _watch = watchdog();
        for flavor in FLAVORS {
            let runtime = flavor.build();
            let (handle, metrics) = (runtime.handle().clone(), runtime.metrics());
            drop(runtime);
            let mut set = JoinSet::new();
            let panics = PanicsInDrop;
            let task = set.spawn_on(async move { drop(panics) }, &handle);
            assert!(task.is_finished());
            assert_eq!(metrics.unhandled_panics(), 0, "the set could still be joined");
            drop(set);
            assert_eq!(metrics.unhandled_panics(), 1);
        }
    }

    /// They are not the runtime's tasks, but it is there that they panic.
    #[test]
    fn panics_in_a_local_set_are_reported_where_it_is_polled() {
        let _watch = watchdog();
        for flavor in FLAVORS {
            let runtime = flavor.builder().unhandled_panic(UnhandledPanic::ShutdownRuntime).build().unwrap();
            let set = LocalSet::new();
            let joined: JoinHandle<()> = set.spawn_local(async { planned_panic() });
            assert!(set.block_on(&runtime, joined).unwrap_err().is_panic());
            assert_eq!(runtime.metrics().unhandled_panics(), 0);
            drop::<JoinHandle<()>>(set.spawn_local(async { planned_panic() }));
            assert_eq!(set.block_on(&runtime, set.spawn_local(async { 1 })).unwrap(), 1);
            assert_eq!(runtime.metrics().unhandled_panics(), 1);
            // Only its own tasks shut a runtime down.
            assert_eq!(runtime.block_on(runtime.spawn(async { 2 })).unwrap(), 2);
        }
    }

    #[test]
    fn the_hook_gets_task_and_payload() {
        let _watch = watchdog();
        for flavor in FLAVORS {
            let seen = Arc::new(Mutex::new(Vec::new()));
            let notes = seen.clone();
            let runtime = flavor
                .builder()
                .on_unhandled_panic(move |info| notes.lock().push((info.id(), info.message().map(str::to_owned))))
                .build()
                .unwrap();
            let detached: JoinHandle<()> = runtime.spawn(async { planned_panic() });
            let id = detached.id();
            drop(detached);
            runtime.block_on(runtime::task::yield_now());
            wait_until("the hook", || seen.lock().len() == 1);
            assert_eq!(*seen.lock(), [(id, Some("planned panic".to_owned()))]);
        }
    }

    /// Runs the test of this name again, alone, in a process of its own.
    fn rerun(test: &str, policy: &str) -> Output {
        let this = std::env::current_exe().expect("this binary's path");
        let test = format!("beyond::unhandled_panics::beyond_tokio::{test}");
        let mut child = Command::new(this);
        child.args(["--exact", &test, "--nocapture", "--test-threads=1"]).env("UNHANDLED_PANIC", policy);
        child.output().expect("this binary does not start")
    }

    /// In the child: panics in a detached task under the policy.
    fn panic_under(policy: &str) {
        let policy = if policy == "abort" { UnhandledPanic::Abort } else { UnhandledPanic::Log };
        let runtime = FLAVORS[0].builder().unhandled_panic(policy).build().unwrap();
        let detached: JoinHandle<()> = runtime.spawn(async { planned_panic() });
        drop(detached);
        wait_until("the panic", || runtime.metrics().unhandled_panics() == 1);
    }

    #[test]
    fn log_writes_one_line_and_goes_on() {
        let _watch = watchdog();
        if let Ok(policy) = std::env::var("UNHANDLED_PANIC") {
            return panic_under(&policy);
        }
        let output = rerun("log_writes_one_line_and_goes_on", "log");
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{text}");
        // The hook that hushes planned panics is silent: the line is the runtime's own.
        assert!(text.contains("planned panic"), "no line about the panic in {text:?}");
    }

    #[test]
    fn abort_ends_the_process() {
        let _watch = watchdog();
        if let Ok(policy) = std::env::var("UNHANDLED_PANIC") {
            panic_under(&policy);
            // The policy strikes on a worker, perhaps a moment later.
            wait_until("the end of this process", || false);
        }
        let output = rerun("abort_ends_the_process", "abort");
        assert_eq!(output.status.signal(), Some(6), "{}", String::from_utf8_lossy(&output.stderr));
    }
}
