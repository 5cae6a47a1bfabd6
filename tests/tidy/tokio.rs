//! Law: `docs/tokio.md` says of each stable item of tokio whether we have it, as the committed lists have it.
//!
//! Owns: the lists, what state an item is in, what the law refuses.
//! Not here: when an item asks for less (`tokio_wider`), the page's text (`tokio_page`), who writes the lists
//! (`tests/tokio-items`).
//!
//! The lists are `tokio-VERSION.items` and `runtime.items` beside this file; `tokio.differences` gives the reason for each
//! item that is here and not the same. The page is made of the three. It is committed all the same, for those who read it
//! and for reviews of what changed; `TOKIO_PAGE=write` in the environment writes it.

use super::Finding;
use super::repo::{Repo, Source};
use super::tokio_page::page;
use super::tokio_wider::{is_same, is_wider};
use std::collections::{BTreeMap, BTreeSet};

const OURS: &str = "tests/tidy/runtime.items";
const REASONS: &str = "tests/tidy/tokio.differences";
const PAGE: &str = "docs/tokio.md";
const REMEDY: &str = "`tests/run tokio-diff` writes lists and page anew; `TOKIO_PAGE=write cargo test -p runtime-tests --test tidy tokio` the page.";

/// One line of a list.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) signature: String,
    /// Systems that have it; empty: every Unix.
    pub(crate) systems: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum State {
    Same,
    /// Whatever calls tokio's calls ours, which asks for less or promises more.
    Wider,
    Different,
    Missing,
    /// Of tokio's on Windows, where we are not.
    Windows,
}

/// Of which version, each item with its state, and the reason where it is different.
pub(crate) struct Compared {
    pub(crate) version: String,
    pub(crate) items: Vec<(Item, State, Option<String>)>,
}

fn list_of_tokio(repo: &Repo) -> Option<(&Source, &str)> {
    repo.files.iter().find_map(|file| {
        let version = file.path.strip_prefix("tests/tidy/tokio-")?.strip_suffix(".items")?;
        Some((file, version))
    })
}

fn items(text: &str) -> Vec<Item> {
    let cells = text.lines().map(|line| line.split('\t').map(str::to_owned));
    cells
        .map(|mut cells| {
            let mut next = || cells.next().unwrap_or_default();
            Item { name: next(), kind: next(), signature: next(), systems: next() }
        })
        .collect()
}

/// "name | reason", with the line's number.
fn reasons(text: &str) -> BTreeMap<&str, (usize, &str)> {
    let rows = text.lines().enumerate().filter(|(_, line)| !line.starts_with('#'));
    rows.filter_map(|(number, line)| line.split_once(" | ").map(|(name, reason)| (name, (number + 1, reason))))
        .collect()
}

fn compare(repo: &Repo) -> Option<Compared> {
    let (tokio, version) = list_of_tokio(repo)?;
    let ours: BTreeMap<String, Item> =
        items(&repo.get(OURS)?.text).into_iter().map(|item| (item.name.clone(), item)).collect();
    let reasons = repo.get(REASONS).map(|file| reasons(&file.text)).unwrap_or_default();
    let judged = items(&tokio.text).into_iter().map(|item| {
        let reason = reasons.get(item.name.as_str()).map(|(_, reason)| (*reason).to_owned());
        (state(&item, ours.get(&item.name), reason.is_some()), item, reason)
    });
    let items = judged.map(|(state, item, reason)| (item, state, reason)).collect();
    Some(Compared { version: version.to_owned(), items })
}

fn state(tokio: &Item, ours: Option<&Item>, has_reason: bool) -> State {
    let on_windows_only = tokio.systems == "windows";
    match ours {
        None if on_windows_only => State::Windows,
        None => State::Missing,
        Some(_) if has_reason => State::Different,
        Some(ours) if !ours.systems.is_empty() && ours.systems != tokio.systems => State::Different,
        Some(ours) if is_same(tokio, ours) => State::Same,
        Some(ours) if is_wider(tokio, ours) => State::Wider,
        Some(_) => State::Different,
    }
}

fn check(repo: &Repo) -> Vec<Finding> {
    let Some(compared) = compare(repo) else { return Vec::new() };
    let mut findings: Vec<Finding> = compared.items.iter().filter_map(|row| refused(&compared, row)).collect();
    findings.extend(idle_reasons(repo, &compared));
    let written = repo.get(PAGE).map(|page| page.text.as_str()).unwrap_or_default();
    let wanted = page(&compared);
    if written != wanted {
        let line = written.lines().zip(wanted.lines()).take_while(|(written, wanted)| written == wanted).count() + 1;
        findings.push(Finding::new(PAGE, line, "the page does not say what the lists say", REMEDY));
    }
    findings
}

fn refused(compared: &Compared, (item, state, reason): &(Item, State, Option<String>)) -> Option<Finding> {
    let list = format!("tests/tidy/tokio-{}.items", compared.version);
    let name = &item.name;
    match state {
        State::Different if reason.is_none() => {
            let remedy = format!("Give it tokio's signature, or put \"{name} | how, and why\" into {REASONS}.");
            Some(Finding::new(&list, 1, format!("`{name}` is not as tokio has it: {}", item.signature), remedy))
        }
        State::Missing => Some(Finding::new(&list, 1, format!("`{name}` is missing: {}", item.signature), REMEDY)),
        _ => None,
    }
}

/// Reasons for what tokio has not, or what we have not.
fn idle_reasons(repo: &Repo, compared: &Compared) -> Vec<Finding> {
    let Some(file) = repo.get(REASONS) else { return Vec::new() };
    let different: BTreeSet<&str> = (compared.items.iter())
        .filter(|(_, state, _)| *state == State::Different)
        .map(|(item, ..)| item.name.as_str())
        .collect();
    let idle = reasons(&file.text).into_iter().filter(|(name, _)| !different.contains(name));
    idle.map(|(name, (line, _))| {
        Finding::new(REASONS, line, format!("a reason for `{name}`, which is not in both lists"), "Take it out.")
    })
    .collect()
}

impl Item {
    /// `fs` of `fs::File: AsyncRead`.
    pub(crate) fn module(&self) -> &str {
        self.name.split([':', ' ']).next().unwrap_or_default()
    }
}

#[test]
fn the_page_says_what_the_lists_say() {
    let repo = Repo::open();
    let compared = compare(&repo).expect("the lists of items are in the repository");
    assert!(compared.items.len() > 2_000, "{} items of tokio", compared.items.len());
    if std::env::var_os("TOKIO_PAGE").is_some_and(|value| value == "write") {
        std::fs::write(repo.root.join(PAGE), page(&compared)).expect("the page is writable");
    }
    super::keep("the page on tokio says what the lists of items say", check);
}

#[cfg(test)]
mod self_tests {
    use super::super::repo::Repo;
    use super::{OURS, PAGE, REASONS, State, check, compare, page};

    fn findings(tokio: &str, ours: &str, reasons: &str) -> usize {
        let lists = [("tests/tidy/tokio-9.0.0.items", tokio), (OURS, ours), (REASONS, reasons)];
        let compared = compare(&Repo::planted(&lists)).unwrap();
        let page = page(&compared);
        check(&Repo::planted(&[lists[0], lists[1], lists[2], (PAGE, &page)])).len()
    }

    #[test]
    fn what_is_missing_or_not_the_same_needs_a_reason() {
        let one = "net::A::f\tmethod\tfn(&self) -> u8\t";
        assert_eq!(findings(one, one, ""), 0);
        assert_eq!(findings(one, "", ""), 1, "missing");
        assert_eq!(findings(one, "net::A::f\tmethod\tfn(self) -> u8\t", ""), 1, "another signature");
        assert_eq!(findings(one, "net::A::f\tmethod\tfn(self) -> u8\t", "net::A::f | because"), 0);
        assert_eq!(findings(one, "net::A::f\tmethod\tconst fn(&self) -> u8\t", ""), 0, "const besides");
        assert_eq!(findings(one, "net::A::f\tmethod\tfn(&self) -> u8\tlinux", ""), 1, "on fewer systems");
        assert_eq!(findings(&format!("{one}windows"), "", ""), 0, "on Windows only");
        assert_eq!(findings(one, one, "net::A::g | because"), 1, "a reason for nothing");
    }

    #[test]
    fn another_page_is_found_with_its_line() {
        let one = "net::A::f\tmethod\tfn(&self) -> u8\t\n";
        let lists = [("tests/tidy/tokio-9.0.0.items", one), (OURS, one)];
        let compared = compare(&Repo::planted(&lists)).unwrap();
        assert_eq!(compared.items.iter().filter(|(_, state, _)| *state == State::Same).count(), 1);
        let stale = page(&compared).replacen("same", "missing", 1);
        let found = super::super::expect_findings(check, &[lists[0], lists[1], (PAGE, &stale)], 1);
        assert!(found[0].line > 1 && found[0].file == PAGE);
    }
}
