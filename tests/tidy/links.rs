//! Law: a link in the docs leads somewhere.
//!
//! Every relative link of every Markdown file names a file or folder of the repository, and its `#part` a heading of
//! that file. Links to other hosts are not followed: the tests need no network.

use super::Finding;
use super::repo::{Repo, Source};

fn check(repo: &Repo) -> Vec<Finding> {
    let pages = repo.files.iter().filter(|file| file.path.ends_with(".md"));
    pages.flat_map(|page| links(&page.text).into_iter().filter_map(|link| judge(repo, page, link))).collect()
}

/// `(line, target)` of every `](target)` outside of code.
fn links(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    for (number, line) in prose_lines(text) {
        for (at, _) in line.match_indices("](") {
            let in_code = line[..at].matches('`').count() % 2 == 1;
            if let (false, Some(end)) = (in_code, line[at..].find(')')) {
                found.push((number, line[at + 2..at + end].trim()));
            }
        }
    }
    found
}

/// The lines outside of fenced code, numbered from 1.
fn prose_lines(text: &str) -> Vec<(usize, &str)> {
    let mut fenced = false;
    let mut lines = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            lines.push((number + 1, line));
        }
    }
    lines
}

fn judge(repo: &Repo, page: &Source, (line, link): (usize, &str)) -> Option<Finding> {
    if link.contains("://") || link.starts_with("mailto:") {
        return None;
    }
    let (target, part) = link.split_once('#').unwrap_or((link, ""));
    let folder = page.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let path = if target.is_empty() { page.path.clone() } else { resolve(folder, target) };
    let is_folder = repo.files.iter().any(|file| file.path.starts_with(&format!("{path}/")));
    let (what, remedy) = match repo.get(&path) {
        None if is_folder || path.is_empty() => return None,
        None => (format!("the link `{link}` leads to `{path}`, which is not there"), "Correct it, or write that page."),
        Some(file) if part.is_empty() || headings(&file.text).iter().any(|heading| heading == part) => return None,
        Some(_) => (
            format!("`{path}` has no heading `#{part}`"),
            "A heading's anchor is its words in lower case, joined by `-`, without punctuation.",
        ),
    };
    Some(Finding::new(&page.path, line, what, remedy))
}

fn resolve(folder: &str, target: &str) -> String {
    let mut path: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(path.pop()),
            part => path.push(part),
        }
    }
    path.join("/")
}

/// The anchors that forges give to headings.
fn headings(text: &str) -> Vec<String> {
    let lines = prose_lines(text).into_iter().filter(|(_, line)| line.starts_with('#'));
    let kept = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    lines
        .map(|(_, line)| {
            let words = line.trim_start_matches('#').trim().to_lowercase();
            words.chars().filter(|&c| kept(c)).map(|c| if c == ' ' { '-' } else { c }).collect()
        })
        .collect()
}

#[test]
fn links_lead_somewhere() {
    super::keep("links in the docs lead somewhere", check);
}

#[test]
fn the_law_follows_files_folders_and_headings() {
    let there = ("docs/design/rejected.md", "# Rejected designs\n## A LIFO deque (2026)\n");
    let planted = |text: &str, count| drop(super::expect_findings(check, &[("docs/a.md", text), there], count));
    planted("[x](design/rejected.md) [y](design/) [z](../docs/a.md) [w](https://example.com/x)", 0);
    planted("[x](design/rejected.md#a-lifo-deque-2026) `[x](gone.md)`\n```\n[x](gone.md)\n```\n", 0);
    planted("[x](design/accepted.md)", 1);
    planted("[x](design/rejected.md#a-fifo-deque)", 1);
    planted("# Top\n[x](#top) [y](#bottom)", 1);
}
