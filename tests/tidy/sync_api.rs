//! Law: the page that compares `sync` with tokio's lists what a test uses, and all of it.

use super::Finding;
use super::repo::Repo;
use std::collections::{BTreeMap, BTreeSet};

const PAGE: &str = "docs/design/sync-api.md";
const TEST: &str = "tests/api/sync_names.rs";

type Table = BTreeMap<String, BTreeSet<String>>;

fn check(repo: &Repo) -> Vec<Finding> {
    let (Some(page), Some(test)) = (repo.get(PAGE), repo.get(TEST)) else { return Vec::new() };
    let (listed, used) = (rows_of_page(&page.text), rows_of_test(&test.code));
    let mut findings = Vec::new();
    for (name, methods) in &used {
        let on_page = listed.get(name).cloned().unwrap_or_default();
        for method in methods.difference(&on_page) {
            findings.push(Finding::new(PAGE, 1, format!("`{name}::{method}` is not listed"), "Add it to its row."));
        }
    }
    for (name, methods) in &listed {
        let in_test = used.get(name).cloned().unwrap_or_default();
        for method in methods.difference(&in_test) {
            let remedy = "Use it in the rows of `methods_of_types`, or take it off the page.";
            findings.push(Finding::new(TEST, 1, format!("`{name}::{method}` is listed and not used"), remedy));
        }
    }
    findings
}

/// The first table: a type and its methods, in backticks.
fn rows_of_page(text: &str) -> Table {
    let mut rows = text.lines().skip_while(|line| !line.starts_with("|---")).skip(1);
    let mut table = Table::new();
    for row in rows.by_ref().take_while(|line| line.starts_with('|')) {
        let mut cells = row.split('|').skip(1).map(ticked);
        if let (Some(names), Some(methods)) = (cells.next(), cells.next()) {
            // With closures of a type that has no name: used apart, by a call.
            let methods = methods.into_iter().filter(|method| method != "wait_for");
            table.entry(names.concat()).or_default().extend(methods);
        }
    }
    table
}

fn ticked(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// `Type<…>: method, method::<…>;` inside of `names! { … }`.
fn rows_of_test(code: &str) -> Table {
    let inside = code.split("names! {").nth(1).and_then(|rest| rest.split('}').next()).unwrap_or_default();
    let plain = without_brackets(inside);
    plain
        .split(';')
        .filter_map(|row| row.split_once(": "))
        .map(|(name, methods)| {
            let methods = methods.split(',').map(|method| method.trim().trim_end_matches(':').to_owned()).collect();
            (name.trim().to_owned(), methods)
        })
        .collect()
}

fn without_brackets(text: &str) -> String {
    let (mut depth, mut last) = (0, ' ');
    text.chars()
        .filter(|&c| {
            let closes_an_arrow = c == '>' && last == '-';
            last = c;
            match c {
                '<' => depth += 1,
                '>' if !closes_an_arrow => {
                    depth -= 1;
                    return false;
                }
                _ => {}
            }
            depth == 0
        })
        .collect()
}

#[test]
fn the_page_on_sync_lists_what_is_tested() {
    super::keep("the page on sync lists what is tested", check);
    let repo = Repo::open();
    let rows = repo.get(TEST).map(|test| rows_of_test(&test.code)).unwrap_or_default();
    assert!(rows.len() > 30 && rows["mpsc::Sender"].contains("reserve_many"), "the test is not where it was: {rows:?}");
}

#[test]
fn the_law_finds_what_is_missing_on_either_side() {
    let page = "| a | b |\n|---|---|\n| `Mutex` | `lock` `map` |\n| `Gone` | |\n";
    let test = |rows: &str| format!("fn f() {{ names! {{\n{rows}\n}} }}");
    let files = |rows: &str| [(PAGE, page.to_owned()), (TEST, test(rows))];
    for (rows, count) in [
        ("Mutex<u8>: lock, map::<u8, fn(&u8) -> Option<&u8>>;", 0),
        ("Mutex<u8>: lock;", 1),
        ("Mutex<u8>: lock, map, new; Notify: one;", 2),
    ] {
        let files = files(rows);
        let files: Vec<_> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
        super::expect_findings(check, &files, count);
    }
}
