//! Law: every dependency has its reason, and one version.
//!
//! The root manifest's table gives the version; members say `workspace = true`; `docs/design/dependencies.md` has a
//! table row "| `name` | … |" for each that is not ours. Workspaces of their own (`tests/ecosystem`)
//! and packages that a test builds (`tests/ui`) are not concerned.

use super::Finding;
use super::repo::{Repo, Source};

const PAGE: &str = "docs/design/dependencies.md";

/// A line `name… = …` of a dependency table.
#[derive(Debug, PartialEq, Eq)]
struct Dependency {
    name: String,
    line: usize,
    rest: String,
}

fn check(repo: &Repo) -> Vec<Finding> {
    let Some(root) = repo.get("Cargo.toml") else { return Vec::new() };
    let versions = dependencies(root);
    let members = repo.files.iter().filter(|file| {
        let is_member = file.path.ends_with("/Cargo.toml") && !file.text.contains("[workspace]");
        is_member && !["tests/ecosystem/", "tests/ui/"].iter().any(|other| file.path.starts_with(other))
    });
    let mut findings = Vec::new();
    let mut used = Vec::new();
    for member in members {
        for dependency in dependencies(member) {
            if !dependency.rest.contains("workspace") {
                let what = format!("`{}` brings its own version", dependency.name);
                let remedy =
                    "Put the version into [workspace.dependencies] of the root and write `workspace = true` here.";
                findings.push(Finding::new(&member.path, dependency.line, what, remedy));
            }
            used.push(dependency.name);
        }
    }
    let rows = repo.get(PAGE).map(rows).unwrap_or_default();
    for version in &versions {
        let is_ours = version.rest.contains("path");
        if !is_ours && !rows.iter().any(|(name, _)| *name == version.name) {
            let remedy = format!("Add \"| `{}` | used by | reason |\" to {PAGE}, or do without it.", version.name);
            findings.push(Finding::new(&root.path, version.line, format!("`{}` has no reason", version.name), remedy));
        }
        if !is_ours && !used.contains(&version.name) {
            let what = format!("no member uses `{}`", version.name);
            findings.push(Finding::new(&root.path, version.line, what, "Take it out of the table."));
        }
    }
    for (name, line) in &rows {
        if !versions.iter().any(|version| version.name == *name) {
            let what = format!("`{name}` is no dependency (any more)");
            findings.push(Finding::new(PAGE, *line, what, "Take the row away."));
        }
    }
    findings
}

/// The entries of every `[…dependencies]` table. An entry that goes on over lines counts once.
fn dependencies(manifest: &Source) -> Vec<Dependency> {
    let mut found = Vec::new();
    let mut inside = false;
    for (number, line) in manifest.text.lines().enumerate() {
        if let Some(table) = line.strip_prefix('[') {
            let table = table.trim_end_matches(']');
            inside = table.ends_with("dependencies");
            if let Some((_, name)) = table.split_once("dependencies.") {
                found.push(Dependency { name: name.to_owned(), line: number + 1, rest: "workspace".to_owned() });
            }
            continue;
        }
        let starts_with_name = line.starts_with(|c: char| c.is_ascii_alphabetic());
        if let (true, true, Some((key, value))) = (inside, starts_with_name, line.split_once('=')) {
            let (name, dotted) = key.trim().split_once('.').unwrap_or((key.trim(), ""));
            let rest = format!("{dotted} {value}");
            found.push(Dependency { name: name.to_owned(), line: number + 1, rest });
        }
    }
    found
}

/// The first column of the page's tables.
fn rows(page: &Source) -> Vec<(String, usize)> {
    let lines = page.text.lines().enumerate();
    lines
        .filter_map(|(number, line)| {
            let (name, _) = line.strip_prefix("| `")?.split_once('`')?;
            Some((name.to_owned(), number + 1))
        })
        .collect()
}

#[test]
fn dependencies_have_reasons() {
    super::keep("every dependency has its reason, and one version", check);
}

#[test]
fn the_law_compares_manifests_and_page() {
    let root = ("Cargo.toml", "[workspace.dependencies]\nslab = \"0.4\"\nours = { path = \"ours\" }\n");
    let member = ("ours/Cargo.toml", "[dependencies]\nslab.workspace = true\n[lints]\nworkspace = true\n");
    let page = (PAGE, "| `slab` | ours | keys |\n");
    super::expect_findings(check, &[root, member, page], 0);
    super::expect_findings(check, &[root, member], 1);
    super::expect_findings(check, &[root, page], 1);
    super::expect_findings(check, &[root, member, (PAGE, "| `slab` | ours | keys |\n| `rand` | ours | dice |\n")], 1);
    let own = ("ours/Cargo.toml", "[dev-dependencies]\nslab = \"0.4\"\n");
    super::expect_findings(check, &[root, own, page], 1);
}
