//! Law: a head does not list what its file imports.
//!
//! The `use` lines say it, and cannot be out of date. Lists in heads were, in half of the files that had one. What a file
//! may import is the law of `layers`.

use super::Finding;
use super::repo::{Repo, Source};

/// Written in two parts so that this file does not break its own law.
const LIST: &str = concat!("Imports", ":");

fn check(repo: &Repo) -> Vec<Finding> {
    repo.rust().flat_map(in_file).collect()
}

/// In the comments before the first line of code.
fn in_file(file: &Source) -> Option<Finding> {
    let head = file.code.lines().take_while(|line| line.trim().is_empty()).count();
    let number = file.comments.lines().take(head).position(|line| line.contains(LIST))?;
    let remedy = "Take the list away. If it says why something is not imported, say that instead.";
    Some(Finding::new(&file.path, number + 1, "a head lists what its file imports", remedy))
}

#[test]
fn heads_do_not_list_imports() {
    super::keep("heads do not list imports", check);
}

#[test]
fn the_law_finds_lists_in_heads_only() {
    let path = "runtime/src/x.rs";
    let list = format!("//! X.\n//!\n//! Owns: x.   {LIST} `y`.\n\nfn f() {{}}");
    assert_eq!(super::expect_findings(check, &[(path, &list)], 1)[0].line, 3);
    let below = format!("//! X. It imports nothing.\n\nfn f() {{}} // {LIST} are none of its business");
    super::expect_findings(check, &[(path, &below)], 0);
}
