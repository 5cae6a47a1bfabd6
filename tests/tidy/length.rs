//! Law: a file fits into one head.
//!
//! Counted are lines with code on them: comments, blank lines, the insides of long strings and inline test modules are
//! free. The limit is where a file has usually become two nouns.

use super::Finding;
use super::lexer;
use super::repo::{Repo, Source};

/// About 300; the tenth above it is there so that a review may let a good file finish its thought.
const CODE_LINES_MAX: usize = 330;

/// Tests are read one at a time, and a file of them is a list; it may be longer.
const TEST_LINES_MAX: usize = 600;

/// Files that may be longer, how long, and why splitting them would make them worse.
const LONGER: &[(&str, usize, &str)] = &[(
    "runtime/src/engine/cell/model.rs",
    360,
    "compiled for models only; all of its models share one desk, one set of fates and one bound on the exploration",
)];

fn check(repo: &Repo) -> Vec<Finding> {
    judge(repo, LONGER)
}

fn judge(repo: &Repo, longer: &[(&str, usize, &str)]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in repo.rust() {
        let lines = code_lines(file);
        let allowed = longer.iter().find(|row| row.0 == file.path).map_or(limit(&file.path), |row| row.1);
        if lines > allowed {
            let what = format!("{lines} lines of code, {allowed} are the limit");
            let remedy = "Split it by noun. Where that would tear one thought apart, give it a row in LONGER of \
                          tests/tidy/length.rs with the reason.";
            findings.push(Finding::new(&file.path, 1, what, remedy));
        }
    }
    for (path, _, _) in longer {
        if repo.get(path).is_none_or(|file| code_lines(file) <= limit(path)) {
            let what = format!("LONGER lists `{path}`, which needs no row");
            findings.push(Finding::new("tests/tidy/length.rs", 1, what, "Take the row away."));
        }
    }
    findings
}

fn limit(path: &str) -> usize {
    if path.starts_with("tests/") || path.contains("/tests/") { TEST_LINES_MAX } else { CODE_LINES_MAX }
}

fn code_lines(file: &Source) -> usize {
    let tests = lexer::test_regions(&file.tokens());
    let is_code = |number: usize, line: &str| !line.trim().is_empty() && !tests.iter().any(|r| r.contains(&number));
    file.code.lines().enumerate().filter(|(number, line)| is_code(number + 1, line)).count()
}

#[test]
fn files_are_short() {
    super::keep("files are short", check);
    assert!(LONGER.iter().all(|row| row.2.len() > 40), "each row of LONGER gives its reason");
}

#[test]
fn the_law_counts_code_only() {
    let in_general: fn(&Repo) -> Vec<Finding> = |repo| judge(repo, &[]);
    let path = "runtime/src/sync/mutex.rs";
    let code = "let x = 1;\n";
    super::expect_findings(in_general, &[(path, &code.repeat(CODE_LINES_MAX + 1))], 1);
    let free = format!(
        "{}\n{}\n#[cfg(test)]\nmod tests {{\n{}}}\n",
        code.repeat(CODE_LINES_MAX - 2),
        "// prose\n\n".repeat(500),
        code.repeat(500)
    );
    super::expect_findings(in_general, &[(path, &free)], 0);
}

#[test]
fn a_row_that_is_not_needed_is_found() {
    let repo = Repo::planted(&[("a.rs", "fn f() {}")]);
    assert_eq!(judge(&repo, &[("a.rs", 900, "because")]).len(), 1);
    assert_eq!(judge(&repo, &[("gone.rs", 900, "because")]).len(), 1);
}
