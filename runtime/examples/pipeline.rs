//! The words of some files, the most frequent first: `cargo run --example pipeline -- README.md`.
//!
//! A pipeline of children, as a shell would run it. What goes from one to the next does not pass through this process; the
//! last one's lines do, as they come.

use runtime::io::{AsyncBufReadExt, BufReader};
use runtime::process::{Child, Command};
use std::io;
use std::process::{ExitCode, Stdio};

const STAGES: [[&str; 2]; 5] =
    [["tr", "-cs [:alpha:] \\n"], ["sort", ""], ["uniq", "-c"], ["sort", "-rn"], ["sed", "-n 1,10p"]];

#[runtime::main]
async fn main() -> ExitCode {
    let files: Vec<String> = std::env::args().skip(1).collect();
    if files.is_empty() || files.iter().any(|file| file.starts_with('-')) {
        eprintln!("usage: pipeline FILE...");
        return ExitCode::FAILURE;
    }
    match run(&files).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("pipeline: {error}");
            ExitCode::FAILURE
        }
    }
}

/// `false`: a stage has failed, and has said why.
async fn run(files: &[String]) -> io::Result<bool> {
    let mut cat = Command::new("cat");
    let mut stages = vec![start(cat.arg("--").args(files), Stdio::null())?];
    for [program, arguments] in STAGES {
        let before = stages.last_mut().and_then(|stage| stage.stdout.take()).expect("every stage is piped");
        stages.push(start(Command::new(program).args(arguments.split_whitespace()), before.try_into()?)?);
    }
    let last = stages.last_mut().and_then(|stage| stage.stdout.take()).expect("every stage is piped");
    let mut lines = BufReader::new(last).lines();
    while let Some(line) = lines.next_line().await? {
        println!("{line}");
    }
    let mut all_well = true;
    for mut stage in stages {
        all_well &= stage.wait().await?.success();
    }
    Ok(all_well)
}

/// If a later stage cannot be started, those that run are killed.
fn start(command: &mut Command, input: Stdio) -> io::Result<Child> {
    let program = command.as_std().get_program().to_owned();
    let child = command.stdin(input).stdout(Stdio::piped()).kill_on_drop(true).spawn();
    child.map_err(|error| io::Error::new(error.kind(), format!("cannot run {}: {error}", program.display())))
}
