use std::path::Path;
use std::process::{Command, Output};

/// Runs one test of this binary in a process of its own, by its whole name, whether it is ignored otherwise or not.
#[track_caller]
pub fn in_own_process(test: &str) {
    let itself = std::env::current_exe().expect("a test has a path");
    let output = Command::new(itself).args(["--exact", test, "--include-ignored"]).output();
    check(test, &output.expect("the test does not start"));
}

/// The same for a test that takes its process the right to start threads: a leak sanitizer needs one at the end.
#[track_caller]
pub fn in_own_process_without_threads(test: &str) {
    let itself = std::env::current_exe().expect("a test has a path");
    let mut again = Command::new(itself);
    let output = again.args(["--exact", test, "--include-ignored"]).env("ASAN_OPTIONS", "detect_leaks=0").output();
    check(test, &output.expect("the test does not start"));
}

/// The same with strace around it. `None`: it cannot be had here, and says so.
#[track_caller]
pub fn under_strace(options: &[&str], test: &str) -> Option<Output> {
    let traced = |program: &Path, arguments: &[&str]| {
        let mut strace = Command::new("strace");
        strace.arg("-f").args(options).arg(program).args(arguments);
        // A leak sanitizer, if this is built with one, does not work in a traced process.
        strace.env("ASAN_OPTIONS", "detect_leaks=0").output()
    };
    let probe = Command::new("strace").args(["-o", "/dev/null", "true"]).output();
    if !probe.is_ok_and(|probe| probe.status.success()) {
        eprintln!("skipped: strace is missing or may not trace here");
        return None;
    }
    let itself = std::env::current_exe().expect("a test has a path");
    let output = traced(&itself, &["--exact", test, "--include-ignored"]).expect("strace does not start");
    check(&format!("{test} under {options:?}"), &output);
    Some(output)
}

#[track_caller]
fn check(test: &str, output: &Output) {
    let told = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && told.contains("1 passed"), "{test}: {told}\n{errors}");
}
