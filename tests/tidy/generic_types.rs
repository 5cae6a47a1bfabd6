//! Law: what may be sent and shared of a generic type is written down.
//!
//! `Send` and `Sync` follow from fields that nobody reads with that question in mind, and a wrong answer is a race in safe
//! code. So each public type with a type parameter has a row in the table that is compared with tokio's.

use super::Finding;
use super::repo::{Repo, Source};

const TABLE: &str = "tests/api/generic_auto_traits.rs";

const MODULES: [&str; 6] = ["sync", "task", "io", "net", "time", "scope"];

/// Types that nobody can name: the table has what the methods give that return them.
const NAMELESS: &str = "runtime/src/io/ops/";

fn check(repo: &Repo) -> Vec<Finding> {
    let table: Vec<&str> =
        repo.get(TABLE).map(|table| table.tokens()).unwrap_or_default().iter().map(|token| token.text).collect();
    let is_looked_at = |file: &&Source| {
        MODULES.iter().any(|module| file.path.starts_with(&format!("runtime/src/{module}/")))
            || MODULES.iter().any(|module| file.path == format!("runtime/src/{module}.rs"))
    };
    let files = repo.rust().filter(is_looked_at).filter(|file| !file.path.starts_with(NAMELESS));
    files.flat_map(|file| in_file(file, &table)).collect()
}

fn in_file(file: &Source, table: &[&str]) -> Vec<Finding> {
    let tokens = file.tokens();
    let mut findings = Vec::new();
    for (at, window) in tokens.windows(4).enumerate() {
        let [public, kind, name, open] = window else { continue };
        let is_generic_type =
            public.text == "pub" && ["struct", "enum", "union"].contains(&kind.text) && open.text == "<";
        let parameters = tokens[at + 4..].iter().take_while(|token| token.text != "{" && token.text != "(");
        // A lifetime is a tick and a word that begins with a small letter.
        let has_contents = |text: &str| text.len() == 1 && text.starts_with(char::is_uppercase);
        if is_generic_type
            && parameters.into_iter().any(|token| has_contents(token.text))
            && !table.contains(&name.text)
        {
            let what = format!("`{}` has no row in {TABLE}", name.text);
            let remedy = "Give it one: what may be done with it for contents of each kind, and what tokio says.";
            findings.push(Finding::new(&file.path, name.line, what, remedy));
        }
    }
    findings
}

#[test]
fn auto_traits_of_generic_types_are_written_down() {
    super::keep("auto traits of generic types are written down", check);
    let table = Repo::open().get(TABLE).map(|table| table.tokens().len());
    assert!(table.is_some_and(|tokens| tokens > 1_000), "the table is not where it was");
}

#[test]
fn the_law_finds_types_without_a_row() {
    let table = (TABLE, "fn f() { auto_traits! { types { Known<T> => both both none none unpin; } } }");
    let path = "runtime/src/sync/mutex.rs";
    for (code, count) in [
        ("pub struct New<T: ?Sized> { t: T }", 1),
        ("pub enum New<'a, T>(&'a T)", 1),
        ("pub struct Known<T> { t: T }", 0),
        ("pub struct New<'a> { t: &'a u8 }", 0),
        ("pub(crate) struct New<T> { t: T }", 0),
        ("pub struct New { t: Vec<T> }", 0),
    ] {
        super::expect_findings(check, &[table, (path, code)], count);
    }
    super::expect_findings(check, &[table, ("runtime/src/engine/x.rs", "pub struct New<T>(T);")], 0);
}
