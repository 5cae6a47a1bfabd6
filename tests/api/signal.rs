//! `signal`: listeners hear of what comes after them, wherever they wait.
//!
//! Signals are the process's. So tests of one process run one at a time, and those in which a process ends start one.

use parking_lot::{Mutex, MutexGuard};
use runtime::runtime::Runtime;
use runtime::signal::unix::{Signal, SignalKind, signal};
use runtime::signal::{ctrl_c, unix};
use runtime_tests::{Flavor, Rng, WakeCount, for_each_flavor, wait_until, watchdog, watchdog_secs};
use rustix::process::{Signal as Raw, getpid, kill_process};
use std::future::Future;
use std::io::ErrorKind;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

fn alone() -> MutexGuard<'static, ()> {
    static LOCK: Mutex<()> = Mutex::new(());
    LOCK.lock()
}

/// To this process, which must have a listener by now.
fn send(kind: SignalKind) {
    let raw = Raw::from_named_raw(kind.as_raw_value()).expect("a signal with a name");
    kill_process(getpid(), raw).expect("a process may signal itself");
}

fn all_kinds() -> [SignalKind; 11] {
    [
        SignalKind::alarm(),
        SignalKind::child(),
        SignalKind::hangup(),
        SignalKind::interrupt(),
        SignalKind::io(),
        SignalKind::pipe(),
        SignalKind::quit(),
        SignalKind::terminate(),
        SignalKind::user_defined1(),
        SignalKind::user_defined2(),
        SignalKind::window_change(),
    ]
}

/// Children of other tests of this process end at any time.
fn comes_by_itself(kind: SignalKind) -> bool {
    kind == SignalKind::child()
}

fn hears_now(listener: &mut Signal) -> bool {
    WakeCount::new().poll(&mut pin!(listener.recv())).is_ready()
}

fn each_kind_is_heard(flavor: Flavor) {
    let (_alone, _watch) = (alone(), watchdog());
    flavor.build().block_on(async {
        for kind in all_kinds() {
            let mut listener = signal(kind).unwrap();
            for _ in 0..3 {
                assert!(!hears_now(&mut listener) || comes_by_itself(kind), "{kind:?} has not come");
                send(kind);
                assert_eq!(listener.recv().await, Some(()), "{kind:?}");
            }
        }
    });
}

fn all_listeners_hear_and_later_ones_do_not(flavor: Flavor) {
    let (_alone, _watch) = (alone(), watchdog());
    let kind = SignalKind::user_defined1();
    let (runtime, other) = (flavor.build(), Flavor::CurrentThread.build());
    let mut there = other.block_on(async { signal(kind).unwrap() });
    runtime.block_on(async {
        let [mut first, mut second] = [signal(kind).unwrap(), signal(kind).unwrap()];
        let mut stranger = signal(SignalKind::user_defined2()).unwrap();
        send(kind);
        assert_eq!(first.recv().await, Some(()));
        let mut late = signal(kind).unwrap();
        assert_eq!(second.recv().await, Some(()));
        assert!(!hears_now(&mut late), "what came before it was there is nothing to it");
        assert!(!hears_now(&mut stranger), "another kind");
    });
    // In a runtime that nobody has driven meanwhile.
    assert_eq!(other.block_on(there.recv()), Some(()));
}

fn those_that_come_while_nobody_asks_are_one_at_least(flavor: Flavor) {
    let (_alone, _watch) = (alone(), watchdog());
    let kind = SignalKind::hangup();
    flavor.build().block_on(async {
        let mut listener = signal(kind).unwrap();
        (0..5).for_each(|_| send(kind));
        assert_eq!(listener.recv().await, Some(()));
        // The others may still be on their way. Each look is a `recv` given up: that loses nothing.
        while hears_now(&mut listener) {}
        send(kind);
        assert_eq!(listener.recv().await, Some(()));
    });
}

fn a_task_that_waits_is_woken(flavor: Flavor) {
    let (_alone, _watch) = (alone(), watchdog());
    let (runtime, kind) = (flavor.build(), SignalKind::user_defined2());
    runtime.block_on(async {
        let mut listener = signal(kind).unwrap();
        let heard = Arc::new(AtomicUsize::new(0));
        let counts = heard.clone();
        let task = runtime::spawn(async move {
            for _ in 0..100 {
                listener.recv().await;
                counts.fetch_add(1, Ordering::SeqCst);
            }
        });
        for n in 1..=100 {
            send(kind);
            while heard.load(Ordering::SeqCst) < n {
                runtime::task::yield_now().await;
            }
        }
        task.await.unwrap();
    });
}

fn ctrl_c_is_heard(flavor: Flavor) {
    let (_alone, _watch) = (alone(), watchdog());
    flavor.build().block_on(async {
        let mut both = pin!(async { runtime::join!(ctrl_c(), ctrl_c()) });
        assert!(WakeCount::new().poll(&mut both).is_pending());
        send(SignalKind::interrupt());
        let (first, second) = both.await;
        first.and(second).unwrap();
    });
}

/// The runtime that the listener was made in is gone; another one reads for it.
fn a_listener_outlives_its_runtime(flavor: Flavor) {
    let (_alone, _watch) = (alone(), watchdog());
    let (runtime, kind) = (flavor.build(), SignalKind::user_defined1());
    let mut listener = runtime.block_on(async { signal(kind).unwrap() });
    drop(runtime);
    let next = flavor.build();
    next.block_on(async {
        let mut heard = Box::pin(listener.recv());
        assert!(WakeCount::new().poll(&mut heard).is_pending());
        send(kind);
        assert_eq!(heard.await, Some(()));
    });
}

/// Signals are heard while every worker is stuck.
fn runtimes_come_and_go(flavor: Flavor) {
    let (_alone, _watch) = (alone(), watchdog());
    let kind = SignalKind::window_change();
    for _ in 0..30 {
        let runtime = flavor.build();
        runtime.block_on(async {
            let mut listener = signal(kind).unwrap();
            send(kind);
            listener.recv().await;
        });
        // With a listener that still waits.
        runtime.spawn(async move { signal(kind).unwrap().recv().await });
        drop(runtime);
        send(kind);
    }
}

for_each_flavor!(
    each_kind_is_heard,
    all_listeners_hear_and_later_ones_do_not,
    those_that_come_while_nobody_asks_are_one_at_least,
    a_task_that_waits_is_woken,
    ctrl_c_is_heard,
    a_listener_outlives_its_runtime,
    runtimes_come_and_go,
);

#[test]
fn the_task_that_asked_last_is_woken() {
    let (_alone, _watch) = (alone(), watchdog());
    let kind = SignalKind::user_defined1();
    let runtime = Flavor::MultiThread(1).build();
    runtime.block_on(async {
        let mut listener = signal(kind).unwrap();
        let (first, second) = (WakeCount::new(), WakeCount::new());
        for count in [&first, &second] {
            let waker = count.waker();
            assert!(listener.poll_recv(&mut std::task::Context::from_waker(&waker)).is_pending());
        }
        assert_eq!(first.alive(), 0, "the first waker is kept though nobody waits with it");
        send(kind);
        wait_until("the second one is woken", || second.wakes() == 1);
        assert_eq!(first.wakes(), 0);
        drop(listener);
    });
}

#[test]
fn one_that_is_dropped_wakes_nobody_and_the_default_stays_away() {
    let (_alone, _watch) = (alone(), watchdog());
    let kind = SignalKind::alarm();
    let runtime = Flavor::MultiThread(1).build();
    runtime.block_on(async {
        let mut listener = signal(kind).unwrap();
        let count = WakeCount::new();
        assert!(count.poll(&mut Box::pin(listener.recv())).is_pending());
        drop(listener);
        assert_eq!(count.alive(), 0, "its waker is kept");
        let mut other = signal(SignalKind::user_defined2()).unwrap();
        // It would end this process.
        send(kind);
        send(SignalKind::user_defined2());
        other.recv().await;
        assert_eq!(count.wakes(), 0);
    });
}

#[test]
fn realtime_signals_have_no_name_here() {
    let (_alone, _watch) = (alone(), watchdog());
    let kind = SignalKind::from_raw(40);
    assert_eq!((kind.as_raw_value(), i32::from(kind), SignalKind::from(40)), (40, 40, kind));
    Flavor::CurrentThread.build().block_on(async {
        let mut listener = signal(kind).unwrap();
        let pid = std::process::id().to_string();
        assert!(Command::new("sh").args(["-c", "kill -40 \"$0\"", &pid]).status().unwrap().success());
        assert_eq!(listener.recv().await, Some(()));
    });
}

#[test]
fn what_cannot_be_handled_is_refused() {
    let (_alone, _watch) = (alone(), watchdog());
    Flavor::CurrentThread.build().block_on(async {
        // SIGILL, SIGFPE, SIGKILL, SIGSEGV, SIGSTOP, and numbers that are none.
        for number in [4, 8, 9, 11, 19, 0, -1, 1000, i32::MAX, i32::MIN] {
            let error = signal(SignalKind::from_raw(number)).map(drop).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Other, "{number}: {error}");
            assert!(error.to_string().contains(&number.to_string()), "{error}");
        }
        // The C library's own.
        assert!(signal(SignalKind::from_raw(32)).is_err());
    });
}

#[test]
fn outside_of_a_runtime_it_panics_and_says_so() {
    let told = catch_unwind(|| drop(signal(SignalKind::hangup()))).unwrap_err();
    let told = told.downcast_ref::<String>().expect("a message");
    assert!(told.contains("signal::unix::signal") || cfg!(feature = "oracle"), "{told}");
    let polled = catch_unwind(AssertUnwindSafe(|| drop(WakeCount::new().poll(&mut Box::pin(ctrl_c())))));
    assert!(polled.is_err());
}

#[test]
fn kinds_are_values() {
    let mut kinds = all_kinds().to_vec();
    kinds.sort();
    kinds.dedup();
    assert_eq!(kinds.len(), 11);
    assert_eq!(format!("{:?}", SignalKind::from_raw(15)), "SignalKind(15)");
    fn is_send_and_sync<T: Send + Sync + Unpin>() {}
    is_send_and_sync::<unix::Signal>();
    fn is_send(_: impl Future + Send) {}
    is_send(ctrl_c());
}

/// No kind is lost, and none is told to another's listener. Fault: `Kind::tell` takes the mark back before the pipe is
/// emptied; or `catch::tell_all` leaves one kind out.
#[test]
fn of_many_mixed_signals_none_is_lost_and_none_goes_astray() {
    let (_alone, _watch) = (alone(), watchdog_secs(300));
    let kinds = all_kinds();
    let mut rng = Rng::from_env("of_many_mixed_signals_none_is_lost_and_none_goes_astray");
    let runtime = Flavor::MultiThread(2).build();
    let heard: Arc<Vec<AtomicUsize>> = Arc::new(kinds.iter().map(|_| AtomicUsize::new(0)).collect());
    for (index, kind) in kinds.into_iter().enumerate() {
        let mut listener = {
            let _inside = runtime.enter();
            signal(kind).unwrap()
        };
        let heard = heard.clone();
        runtime.spawn(async move {
            loop {
                listener.recv().await;
                heard[index].fetch_add(1, Ordering::SeqCst);
            }
        });
    }
    let counts = || heard.iter().map(|heard| heard.load(Ordering::SeqCst)).collect::<Vec<_>>();
    let mut sent = 0;
    // Everything takes ten times as long with a sanitizer.
    let wanted = if std::env::var_os("LSAN_OPTIONS").is_some() { 20_000 } else { 100_000 };
    while sent < wanted {
        let before = counts();
        let chosen: Vec<_> = (0..kinds.len()).map(|_| rng.one_in(3)).collect();
        for (kind, chosen) in kinds.iter().zip(&chosen) {
            if *chosen {
                send(*kind);
                sent += 1;
            }
        }
        wait_until("all that were sent are heard", || {
            counts().iter().zip(&before).zip(&chosen).all(|((now, before), chosen)| !chosen || now > before)
        });
        for (((kind, now), before), chosen) in kinds.iter().zip(counts()).zip(before).zip(chosen) {
            assert!(comes_by_itself(*kind) || now - before == usize::from(chosen), "{kind:?}: {now} {before}");
        }
    }
}

/// Another user of the same signal, before and after us.
#[test]
fn others_who_handle_the_signal_are_called_as_well() {
    let (_alone, _watch) = (alone(), watchdog());
    let kind = SignalKind::user_defined2();
    let theirs = Arc::new(AtomicUsize::new(0));
    let register = || {
        let theirs = theirs.clone();
        runtime_tests::handle_signal(kind.as_raw_value(), move || {
            theirs.fetch_add(1, Ordering::SeqCst);
        })
    };
    register();
    Flavor::CurrentThread.build().block_on(async {
        let mut listener = signal(kind).unwrap();
        register();
        send(kind);
        listener.recv().await;
    });
    assert_eq!(theirs.load(Ordering::SeqCst), 2);
}

/// Runs `test`, which has this name, in a process of its own, and says how that ended.
#[cfg(not(feature = "oracle"))]
mod ends {
    use super::*;
    use std::io::{BufRead, BufReader};
    use std::os::unix::process::ExitStatusExt;
    use std::process::{Child, Stdio};

    const CHILD: &str = "ENDS_BY_SIGNAL";

    fn runtime() -> Runtime {
        Flavor::MultiThread(2).build()
    }

    /// Starts the test once more, and waits until it has said "ready".
    fn start(name: &str) -> (Child, impl FnMut() -> String) {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", &format!("signal::ends::{name}"), "--test-threads=1", "--nocapture"])
            .env(CHILD, "1")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut next = move || lines.find_map(|line| line.unwrap().strip_prefix("told: ").map(str::to_owned)).unwrap();
        assert_eq!(next(), "ready");
        (child, next)
    }

    fn is_child() -> bool {
        std::env::var_os(CHILD).is_some()
    }

    fn say(text: impl std::fmt::Display) {
        // The harness's own text stands before it on the line.
        println!("\ntold: {text}");
    }

    fn to(child: &Child, raw: Raw) {
        kill_process(rustix::process::Pid::from_child(child), raw).unwrap();
    }

    #[test]
    fn the_first_signal_is_told_and_the_second_ends_the_process() {
        let _watch = watchdog();
        if is_child() {
            runtime().block_on(async {
                let mut waits = pin!(runtime::signal::shutdown());
                assert!(WakeCount::new().poll(&mut waits).is_pending());
                say("ready");
                let first = waits.await.unwrap();
                // Whoever asks later is told as well.
                assert_eq!(runtime::signal::shutdown().await.unwrap(), first);
                say(first.as_raw_value());
                runtime::time::sleep(Duration::from_secs(60)).await;
            });
        }
        for (first, second) in [(Raw::TERM, Raw::INT), (Raw::INT, Raw::TERM), (Raw::INT, Raw::INT)] {
            let (mut child, mut next) = start("the_first_signal_is_told_and_the_second_ends_the_process");
            to(&child, first);
            assert_eq!(next(), first.as_raw().to_string());
            to(&child, second);
            assert_eq!(child.wait().unwrap().signal(), Some(second.as_raw()));
        }
    }

    /// Nobody waits any more: it is told later, and is no reason to end at once.
    #[test]
    fn what_comes_while_nobody_waits_is_told_later() {
        let _watch = watchdog();
        if is_child() {
            runtime().block_on(async {
                assert!(WakeCount::new().poll(&mut Box::pin(runtime::signal::shutdown())).is_pending());
                let mut term = signal(SignalKind::terminate()).unwrap();
                say("ready");
                term.recv().await;
                let first = runtime::signal::shutdown().await.unwrap();
                say(first.as_raw_value());
            });
            std::process::exit(7);
        }
        let (mut child, mut next) = start("what_comes_while_nobody_waits_is_told_later");
        to(&child, Raw::TERM);
        assert_eq!(next(), Raw::TERM.as_raw().to_string());
        assert_eq!(child.wait().unwrap().code(), Some(7));
    }

    /// Who listens to Ctrl-C and not for the end is not ended by the second.
    #[test]
    fn without_it_any_number_is_told() {
        let _watch = watchdog();
        if is_child() {
            runtime().block_on(async {
                let mut listener = signal(SignalKind::interrupt()).unwrap();
                say("ready");
                for n in 1..=3 {
                    listener.recv().await;
                    say(n);
                }
            });
            std::process::exit(7);
        }
        let (mut child, mut next) = start("without_it_any_number_is_told");
        for n in 1..=3 {
            to(&child, Raw::INT);
            assert_eq!(next(), n.to_string());
        }
        assert_eq!(child.wait().unwrap().code(), Some(7));
    }
}
