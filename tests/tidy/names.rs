//! Law: a type's name says what it is.
//!
//! `Inner`, `Shared`, `Core`, `Manager`, `Util` and `Data` say only that something else was named first.

use super::Finding;
use super::repo::{Repo, Source};

const EMPTY_NAMES: [&str; 6] = ["Inner", "Shared", "Core", "Manager", "Util", "Data"];

fn check(repo: &Repo) -> Vec<Finding> {
    repo.rust().flat_map(in_file).collect()
}

fn in_file(file: &Source) -> Vec<Finding> {
    let tokens = file.tokens();
    let lines: Vec<&str> = file.code.lines().collect();
    let mut findings = Vec::new();
    for pair in tokens.windows(2) {
        let declares = match pair[0].text {
            "struct" | "enum" | "union" | "trait" => true,
            // An indented `type` without `pub` is an associated type, whose name another crate's trait may have chosen.
            "type" => lines[pair[0].line - 1].starts_with("type ") || lines[pair[0].line - 1].contains("pub"),
            _ => false,
        };
        if declares && EMPTY_NAMES.contains(&pair[1].text) {
            let remedy =
                "Name it after the thing it is: what would you call it to someone who has not seen the other type?";
            let what = format!("a type called `{}`", pair[1].text);
            findings.push(Finding::new(&file.path, pair[1].line, what, remedy));
        }
    }
    findings
}

#[test]
fn types_are_named_after_what_they_are() {
    super::keep("types are named after what they are", check);
}

#[test]
fn the_law_finds_empty_names_and_no_others() {
    let path = "runtime/src/sync/mutex.rs";
    for bad in ["struct Inner { x: u8 }", "pub(crate) enum Shared {}", "trait Core {}", "pub type Data = u8;"] {
        super::expect_findings(check, &[(path, bad)], 1);
    }
    let good = "struct InnerLoop; struct CoreCount; fn f(d: Data) {} // struct Data\nimpl Body for X {\n    type Data = u8;\n}";
    super::expect_findings(check, &[(path, good)], 0);
}
