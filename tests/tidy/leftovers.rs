//! Law: nothing is left for later in silence.
//!
//! No `todo!`, no `unimplemented!`, no note that something must be fixed; a test that is ignored says why.

use super::Finding;
use super::repo::{Repo, Source};

/// Written in two parts so that this file does not break its own law.
const NOTE: &str = concat!("FIX", "ME");

fn check(repo: &Repo) -> Vec<Finding> {
    repo.rust().flat_map(in_file).collect()
}

fn in_file(file: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, line) in file.comments.lines().enumerate() {
        if line.contains(NOTE) {
            let remedy = "Fix it, or open an issue and say in the comment what the limit is.";
            findings.push(Finding::new(&file.path, number + 1, format!("a comment says {NOTE}"), remedy));
        }
    }
    let tokens = file.tokens();
    for (at, token) in tokens.iter().enumerate() {
        let next = |offset: usize| tokens.get(at + offset).map_or("", |token| token.text);
        match token.text {
            "todo" | "unimplemented" if next(1) == "!" => {
                let remedy =
                    "Write it, or leave the function out: callers find a missing function sooner than a panic.";
                findings.push(Finding::new(&file.path, token.line, format!("`{}!` in the code", token.text), remedy));
            }
            "ignore" if at >= 2 && tokens[at - 1].text == "[" && tokens[at - 2].text == "#" && next(1) == "]" => {
                let remedy = "Write `#[ignore = \"why, and how to run it\"]`, or make it run.";
                findings.push(Finding::new(&file.path, token.line, "a test is ignored without a reason", remedy));
            }
            _ => {}
        }
    }
    findings
}

#[test]
fn nothing_is_left_for_later_in_silence() {
    super::keep("nothing is left for later in silence", check);
}

#[test]
fn the_law_finds_leftovers_and_leaves_prose_alone() {
    let path = "tests/api/task.rs";
    let note = format!("// {NOTE}: later");
    for bad in ["fn f() { todo!() }", "fn f() { unimplemented!(\"x\") }", "#[test] #[ignore] fn f() {}", &note] {
        let found = super::expect_findings(check, &[(path, &format!("\n\n{bad}"))], 1);
        assert_eq!(found[0].line, 3);
    }
    let good =
        "#[ignore = \"an hour long; STRESS_SECONDS=3600\"] fn f() { let todo = \"todo!()\"; } // a todo! is a macro";
    super::expect_findings(check, &[(path, good)], 0);
}
