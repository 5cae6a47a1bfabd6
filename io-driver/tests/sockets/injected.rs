//! System calls that fail, and how many there are: strace around a test of this binary. Skipped where it cannot be had.

use super::{BOTH, flags, pair, turn_until};
use io_driver::{Driver, Events};
use std::io::Write;
use std::os::fd::AsFd;

/// Runs one test of this binary with a fault injected into its system calls. False: this machine has no usable strace.
fn under_strace(inject: &str, test: &str) -> bool {
    let strace = |command: &std::path::Path, arguments: &[&str]| {
        std::process::Command::new("strace")
            .args(["-f", "-o", "/dev/null", "-e", inject])
            .arg(command)
            .args(arguments)
            // A leak sanitizer, if this is built with one, does not work in a traced process.
            .env("ASAN_OPTIONS", "detect_leaks=0")
            .output()
    };
    if !strace("true".as_ref(), &[]).is_ok_and(|probe| probe.status.success()) {
        eprintln!("skipped: strace is missing or may not trace here");
        return false;
    }
    let myself = std::env::current_exe().unwrap();
    let output = strace(&myself, &["--exact", test, "--include-ignored"]).unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && told.contains("1 passed"), "{inject}: {told}");
    true
}

#[test]
fn museum_i10_interrupted_waits_lose_nothing() {
    under_strace("inject=epoll_pwait,epoll_wait:error=EINTR:when=1+3", "museum_i12_full_duplex_loses_nothing");
}

#[test]
fn museum_i5_the_kernels_refusal_is_an_error_and_frees_the_slot() {
    // The driver itself makes four calls: two of `polling`'s, the bell, the timer.
    for error in ["ENOSPC", "ENOMEM", "EBADF"] {
        under_strace(&format!("inject=epoll_ctl:error={error}:when=5"), "injected::the_first_registration_is_refused");
    }
}

/// Only for the test above.
#[test]
#[ignore = "needs a fault injected into epoll_ctl"]
fn the_first_registration_is_refused() {
    let driver = Driver::new().unwrap();
    let (near, mut far) = pair();
    let error = driver.register(near.as_fd(), BOTH).unwrap_err();
    assert!(error.raw_os_error().is_some(), "{error}");
    assert_eq!(driver.sources(), 0);
    let source = driver.register(near.as_fd(), BOTH).unwrap();
    far.write_all(b"x").unwrap();
    turn_until(&driver, || flags(&source).is_readable().then_some(()));
    driver.deregister(source, near.as_fd()).unwrap();
}

/// One system call for a turn on Linux; a notification while no turn waits costs none.
#[test]
fn museum_i23_a_turn_is_one_system_call() {
    let myself = std::env::current_exe().unwrap();
    let traced = std::process::Command::new("strace")
        .args(["-f", "-e", "trace=epoll_wait,epoll_pwait,epoll_pwait2,write,read,timerfd_settime,epoll_ctl", "-o"])
        .arg("/dev/stderr")
        .arg(myself)
        .args(["--exact", "injected::a_hundred_notified_turns", "--include-ignored"])
        .env("ASAN_OPTIONS", "detect_leaks=0")
        .output();
    let Ok(output) = traced.map(|output| String::from_utf8_lossy(&output.stderr).into_owned()) else {
        return eprintln!("skipped: strace is missing");
    };
    if !output.contains("exited with 0") {
        return eprintln!("skipped: strace may not trace here: {output}");
    }
    let calls = |name: &str| output.lines().filter(|line| line.contains(&format!(" {name}("))).count();
    let waits = calls("epoll_wait") + calls("epoll_pwait") + calls("epoll_pwait2");
    // Three more are the driver's own trial of its bell.
    assert!((100..=104).contains(&waits), "{waits} waits for a hundred turns");
    assert_eq!(calls("timerfd_settime"), 0);
    assert!(calls("epoll_ctl") <= 8, "{} changes of the kernel's list", calls("epoll_ctl"));
}

/// Only for the test above.
#[test]
#[ignore = "counted from outside"]
fn a_hundred_notified_turns() {
    let driver = Driver::new().unwrap();
    let mut events = Events::with_capacity(4);
    for _ in 0..100 {
        driver.notify().unwrap();
        assert!(driver.turn(&mut events, None, |_| ()).unwrap().notified);
    }
}
