//! Programs of others, where they are installed.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Makes a command of the program `name`; `None`, loudly, if there is none.
pub(crate) fn program(name: &str) -> Option<impl Fn() -> Command> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file());
    if found.is_none() {
        skip(name);
    }
    found.map(|file| move || Command::new(&file))
}

/// Makes a command of a Python that has `module`. The first on the path may be another than the system's, for which
/// packages install modules.
pub(crate) fn python(module: &str) -> Option<impl Fn() -> Command> {
    let candidates = [Path::new("python3"), Path::new("/usr/bin/python3")].map(PathBuf::from);
    let found = candidates.into_iter().find(|file| {
        let mut command = Command::new(file);
        command.args(["-c", &format!("import {module}")]).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    });
    if found.is_none() {
        skip(&format!("python3 with {module}"));
    }
    found.map(|file| move || Command::new(&file))
}

/// Runs it with this on its standard input; it must succeed. Returns what it wrote.
#[track_caller]
pub(crate) fn with_input(command: &mut Command, input: &str) -> String {
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("the tool does not start");
    child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("the tool does not read");
    let output = child.wait_with_output().expect("the tool was waited for before");
    assert!(output.status.success(), "{command:?}: {}", output.status);
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn skip(tool: &str) {
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    let said = format!("SKIPPED: {test} needs {tool}, which is not installed (tests/run needs installs it)\n");
    assert!(std::env::var_os("INTEROP_REQUIRED").is_none(), "{said}");
    // Not `eprintln`, which libtest keeps to itself when the test passes.
    let _ = std::io::stderr().write_all(said.as_bytes());
}
