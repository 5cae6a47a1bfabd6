//! Builds the copy and runs tests of it, each with a limit of time.
//!
//! Owns: cargo's arguments for each kind of test, the limits, and what an exit means.
//! Not here: which bug is in the copy (`copy`).
//!
//! Everything is built without debug information and without optimization across crates: a bug costs a build.

use crate::table::Catcher;
use rustix::process::{Pid, Signal, kill_process_group};
use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// A test may take so long, then it hangs. Most have a watchdog that ends them sooner, and says where.
const TEST_LIMIT: Duration = Duration::from_secs(45);

/// So many times as long where nothing is planted: there a busy machine is the likelier reason.
const UNCHANGED: u32 = 4;

/// And all tests of a binary together.
const ALL: u32 = 20;

/// A model explores; one that is not done by then says nothing.
const MODEL_LIMIT: Duration = Duration::from_secs(900);

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Passed,
    Failed,
    Hung,
    /// The test was not among those that ran.
    NotThere,
}

pub(crate) struct Bench {
    pub(crate) tree: PathBuf,
    pub(crate) target: PathBuf,
}

impl Bench {
    /// Builds a test binary. The error is what the compiler says.
    pub(crate) fn build(&self, test: &Catcher) -> Result<PathBuf, String> {
        let mut cargo = Command::new("cargo");
        cargo.args(["test", "--locked", "--no-run", "--color", "never", "-p", &test.package]).current_dir(&self.tree);
        match test.binary.as_str() {
            "lib" => cargo.arg("--lib"),
            "loom" => cargo.args(["--lib", "--release"]),
            binary => cargo.args(["--test", binary]),
        };
        self.set_up(&mut cargo, test);
        let output = cargo.output().map_err(|error| format!("cannot run cargo: {error}"))?;
        let said = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() {
            return Err(said
                .lines()
                .filter(|line| !line.trim_start().starts_with("Compiling"))
                .collect::<Vec<_>>()
                .join("\n"));
        }
        let line = said.lines().rev().find(|line| line.trim_start().starts_with("Executable"));
        let path = line.and_then(|line| line.rsplit_once('(')).map(|(_, path)| path.trim_end_matches(')'));
        path.map(|path| self.tree.join(path)).ok_or_else(|| format!("cargo names no executable:\n{said}"))
    }

    fn set_up(&self, command: &mut Command, test: &Catcher) {
        let is_model = test.binary == "loom";
        for (name, value) in [
            ("CARGO_PROFILE_DEV_DEBUG", "0"),
            ("CARGO_PROFILE_RELEASE_DEBUG", "0"),
            ("CARGO_PROFILE_RELEASE_LTO", "off"),
            ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16"),
            ("CARGO_INCREMENTAL", "1"),
            ("LOOM_MAX_PREEMPTIONS", "3"),
            ("RUST_BACKTRACE", "0"),
            ("RUSTFLAGS", if is_model { "--cfg loom" } else { "" }),
        ] {
            command.env(name, value);
        }
        command.env("CARGO_TARGET_DIR", self.target.join(if is_model { "loom" } else { "build" }));
    }

    /// Runs tests of one binary, by their whole names; without names, all of them.
    pub(crate) fn run(
        &self,
        binary: &Path,
        test: &Catcher,
        names: &[&str],
        planted: bool,
    ) -> Result<(Outcome, String), String> {
        let log = self.target.join("log");
        let file = File::create(&log).map_err(|error| format!("cannot write {}: {error}", log.display()))?;
        let folder = if test.package == "runtime-tests" { "tests" } else { &test.package };
        let mut command = Command::new(binary);
        command.arg("--exact").args(names).current_dir(self.tree.join(folder)).stdin(Stdio::null());
        let twin = file.try_clone().map_err(|error| error.to_string())?;
        command.stdout(file).stderr(twin);
        self.set_up(&mut command, test);
        let limit = if test.binary == "loom" { MODEL_LIMIT } else { TEST_LIMIT };
        let limit = limit * if names.is_empty() { ALL } else { 1 } * if planted { 1 } else { UNCHANGED };
        let status =
            run_within(&mut command, limit).map_err(|error| format!("cannot run {}: {error}", binary.display()))?;
        let said = String::from_utf8_lossy(&fs::read(&log).unwrap_or_default()).into_owned();
        let ran_all = names.is_empty() || said.contains(&format!("running {} test", names.len()));
        let outcome = match status {
            None => Outcome::Hung,
            Some(_) if !ran_all => Outcome::NotThere,
            Some(status) if status.success() => Outcome::Passed,
            Some(_) => Outcome::Failed,
        };
        Ok((outcome, said))
    }
}

/// `None`: it was not done in time, and was ended with all its children.
fn run_within(command: &mut Command, limit: Duration) -> std::io::Result<Option<ExitStatus>> {
    let mut child = command.process_group(0).spawn()?;
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if begun.elapsed() > limit {
            let group = Pid::from_raw(child.id() as i32).expect("a child has a number");
            let _ = kill_process_group(group, Signal::KILL);
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
