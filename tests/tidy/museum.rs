//! Law: a museum test can be found by the bug it shows.
//!
//! `museum_<id>` with the exhibit's id (`museum_lw5`), more words after it where one exhibit has several tests
//! (`museum_lw5_from_a_timer`). No name twice: `cargo nextest run museum_lw5` must mean one bug.

use super::Finding;
use super::repo::Repo;
use std::collections::HashMap;

fn check(repo: &Repo) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut seen: HashMap<String, String> = HashMap::new();
    for file in repo.rust() {
        for pair in file.tokens().windows(2) {
            let (name, line) = (pair[1].text, pair[1].line);
            if pair[0].text != "fn" || !name.starts_with("museum") {
                continue;
            }
            if !has_id(name) {
                let remedy = "Call it `museum_<letters><number>`, with more words behind the id if needed.";
                findings.push(Finding::new(&file.path, line, format!("`{name}` names no exhibit"), remedy));
            }
            if let Some(first) = seen.insert(name.to_owned(), format!("{}:{line}", file.path)) {
                let remedy = "Add what differs to the name of one of them.";
                findings.push(Finding::new(&file.path, line, format!("`{name}` is also at {first}"), remedy));
            }
        }
    }
    findings
}

fn has_id(name: &str) -> bool {
    let id = name.strip_prefix("museum_").and_then(|rest| rest.split('_').next()).unwrap_or_default();
    let digits = id.trim_start_matches(|c: char| c.is_ascii_lowercase());
    digits.len() < id.len() && !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit())
}

#[test]
fn exhibits_are_found_by_their_id() {
    super::keep("museum tests are named after their exhibit, once", check);
}

#[test]
fn the_law_finds_doubles_and_nameless_exhibits() {
    let good = ("tests/museum/a.rs", "fn museum_lw5() {} fn museum_lw5_from_a_timer() {}");
    super::expect_findings(check, &[good], 0);
    super::expect_findings(check, &[good, ("tests/museum/b.rs", "fn museum_lw5() {}")], 1);
    super::expect_findings(check, &[("tests/museum/b.rs", "fn museum_lifo() {}")], 1);
    super::expect_findings(check, &[("tests/museum/b.rs", "fn museum_12() {}")], 1);
}
