//! Law: the table of planted bugs (`tests/mutate/bugs`) is true.
//!
//! Every old text stands in its file once, so that `tests/run mutate` still plants what it says; every test that is named
//! exists; no two bugs have one name; and a museum test that catches one says so in a `Fault:` line, as models do. Whoever
//! changes a line that an entry names changes the entry too, and sees with `tests/run mutate` that the bug is still caught.

#[path = "../mutate/table.rs"]
mod table;

use super::Finding;
use super::repo::Repo;
use std::collections::HashSet;
use table::{Bug, Table};

const FOLDER: &str = "tests/mutate/bugs/";

/// What is planted at least: in each part of the house, and in all.
const PARTS: [&str; 6] = ["engine", "sync", "time", "net", "io", "scope"];
const IN_A_PART: usize = 4;
const IN_ALL: usize = 64;

/// What `for_each_flavor!` and `for_each_place!` make of a function.
const VARIANTS: [&str; 5] = ["multi_thread", "one_worker", "current_thread", "local_set", "local_runtime"];

fn read(repo: &Repo) -> Result<Table, Finding> {
    let mut table = Table::default();
    for file in repo.files.iter().filter(|file| file.path.starts_with(FOLDER)) {
        let remedy = "The form is told at the head of tests/mutate/table.rs.";
        table.read(&file.path, &file.text).map_err(|what| Finding::new(&file.path, 1, what, remedy))?;
    }
    Ok(table)
}

fn check(repo: &Repo) -> Vec<Finding> {
    let table = match read(repo) {
        Ok(table) => table,
        Err(finding) => return vec![finding],
    };
    let mut seen = HashSet::new();
    let mut findings: Vec<Finding> = table.bugs.iter().flat_map(|bug| of_bug(repo, bug)).collect();
    let argued = table.argued.iter().map(|argued| (&argued.id, FOLDER, 1, argued.why.as_str()));
    let bugs = table.bugs.iter().map(|bug| (&bug.id, bug.at.0.as_str(), bug.at.1, bug.what.as_str()));
    for (id, file, line, text) in bugs.chain(argued) {
        if !seen.insert(id) {
            findings.push(Finding::new(
                file,
                line,
                format!("`{id}` is the name of another bug, too"),
                "Give it its own.",
            ));
        }
        if text.is_empty() {
            findings.push(Finding::new(file, line, format!("`{id}` says nothing"), "Say it in a line of plain words."));
        }
    }
    findings
}

fn of_bug(repo: &Repo, bug: &Bug) -> Vec<Finding> {
    let finding = |what: String, remedy: &str| Finding::new(&bug.at.0, bug.at.1, format!("{}: {what}", bug.id), remedy);
    let mut findings = Vec::new();
    for edit in &bug.edits {
        let text = repo.get(&edit.file).map_or("", |file| &file.text);
        if let Err(what) = edit.planted(text) {
            let remedy = "Plant the bug where it lives now, and see it caught: `MUTATE=ID tests/run mutate`. If it cannot be \
                          made any more, make the entry a `none` and say why.";
            findings.push(finding(what, remedy));
        }
    }
    let name = &bug.test.name;
    let Some((text, line)) = find(repo, name) else {
        let remedy = "Name the test as it is called now, with its modules.";
        findings.push(finding(format!("there is no test `{name}`"), remedy));
        return findings;
    };
    if bug.test.binary == "museum" && !has_fault_line(text, line) {
        let remedy = "Write `/// Fault: ` and what was changed above the test.";
        findings.push(finding(format!("`{name}` does not say on which fault it was seen to fail"), remedy));
    }
    findings
}

/// The text of the file in which a test is, and its line there. The modules of its name are folders and files.
fn find<'r>(repo: &'r Repo, test: &str) -> Option<(&'r str, usize)> {
    let mut names: Vec<&str> = test.split("::").filter(|name| *name != "tests" && !VARIANTS.contains(name)).collect();
    let name = names.pop()?;
    repo.rust().find_map(|file| {
        let parts: Vec<&str> = file.path.split(['/', '.']).collect();
        if !names.iter().all(|module| parts.contains(module)) {
            return None;
        }
        let tokens = file.tokens();
        let at = tokens.windows(2).find(|pair| pair[0].text == "fn" && pair[1].text == name)?;
        Some((file.text.as_str(), at[1].line))
    })
}

fn has_fault_line(text: &str, line: usize) -> bool {
    let above: Vec<&str> = text.lines().take(line - 1).collect();
    let head =
        above.iter().rev().map(|line| line.trim()).take_while(|line| line.starts_with("///") || line.starts_with("#["));
    head.into_iter().any(|line| line.contains("Fault:"))
}

fn is_large_enough(repo: &Repo) -> Vec<Finding> {
    let Ok(table) = read(repo) else { return Vec::new() };
    let count = |part: &str| table.bugs.iter().filter(|bug| bug.at.0.ends_with(&format!("/{part}"))).count();
    let parts = PARTS.iter().filter(|part| count(part) < IN_A_PART).map(|part| {
        let what = format!("{} bugs of {part} are planted, {IN_A_PART} are the least", count(part));
        Finding::new(&format!("{FOLDER}{part}"), 1, what, "Plant more.")
    });
    let all = (table.bugs.len() < IN_ALL).then(|| {
        let what = format!("{} bugs are planted, {IN_ALL} are the least", table.bugs.len());
        Finding::new(FOLDER, 1, what, "Plant more.")
    });
    parts.chain(all).collect()
}

#[test]
fn the_table_of_planted_bugs_is_true() {
    super::keep("the table of planted bugs is true", check);
}

#[test]
fn there_are_enough_planted_bugs() {
    super::keep("bugs are planted in every part of the house", is_large_enough);
}

const GOOD: &str = "bug  A\nwhat it breaks\ntest p lib a::tests::t::one_worker\nfile a.rs\n- old\n+ new\n";

#[test]
fn the_law_finds_what_is_not_true_any_more() {
    let code = ("a.rs", "old; fn t() {}");
    let table = |text: &'static str| ("tests/mutate/bugs/x", text);
    super::expect_findings(check, &[code, table(GOOD)], 0);
    super::expect_findings(check, &[("a.rs", "fn t() {}"), table(GOOD)], 1);
    super::expect_findings(check, &[("a.rs", "old; old; fn t() {}"), table(GOOD)], 1);
    super::expect_findings(check, &[("a.rs", "old"), table(GOOD)], 1);
    super::expect_findings(check, &[("a.rs", "old"), ("b.rs", "fn t() {}"), table(GOOD)], 1);
    super::expect_findings(check, &[code, table(GOOD), ("tests/mutate/bugs/y", GOOD)], 1);
    super::expect_findings(check, &[code, table(GOOD), ("tests/mutate/bugs/y", "none A\nwhy  it is gone\n")], 1);
    for broken in ["bug A\nwhat x\n", "bug A\nlost x\n", "strange\n", "none A\n"] {
        super::expect_findings(check, &[code, table(broken)], 1);
    }
    super::expect_findings(is_large_enough, &[code, table(GOOD)], PARTS.len() + 1);
}

#[test]
fn a_museum_test_that_catches_a_bug_says_so() {
    let table = ("tests/mutate/bugs/x", "bug A\nwhat x\ntest p museum a::t\nfile b.rs\n- old\n+ new\n");
    let told = ("a.rs", "/// Fault: new.\n#[test]\nfn t() {}");
    super::expect_findings(check, &[table, ("b.rs", "old"), told], 0);
    super::expect_findings(check, &[table, ("b.rs", "old"), ("a.rs", "/// Fault: x.\nfn u() {}\nfn t() {}")], 1);
}
