//! Law: the repository names no machine it was built on.
//!
//! A path of one's own disk in a script, a page or a snapshot works for one person. Found are home folders, and the
//! folders that *this* checkout lies in: whoever writes such a path down meets the law on the machine that has it.

use super::Finding;
use super::lexer::is_word;
use super::repo::{Repo, Source};
use std::path::Path;

/// Folders every system has; a checkout below one of them says nothing about the machine.
const EVERYWHERE: [&str; 18] = [
    "/", "/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/media", "/mnt", "/opt", "/proc", "/run", "/sbin", "/srv",
    "/sys", "/tmp", "/usr", "/var",
];

fn check(repo: &Repo) -> Vec<Finding> {
    let mut folders = vec![concat!("/ho", "me/").to_owned(), concat!("/ro", "ot/").to_owned()];
    folders.push(concat!("/Us", "ers/").to_owned());
    folders.extend(own_folders(&repo.root));
    repo.files.iter().flat_map(|file| in_file(file, &folders)).collect()
}

/// The root and every folder above it that is not on every system, each with a closing slash.
fn own_folders(root: &Path) -> Vec<String> {
    let shown = root.ancestors().map(|folder| folder.to_string_lossy().replace('\\', "/"));
    let own = shown.filter(|folder| !EVERYWHERE.contains(&folder.as_str()) && folder.len() > 3);
    own.map(|folder| format!("{folder}/")).collect()
}

fn in_file(file: &Source, folders: &[String]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, line) in file.text.lines().enumerate() {
        if let Some(folder) = folders.iter().find(|folder| names_folder(line, folder)) {
            let what = format!("the line names a folder below `{folder}`, which other machines do not have");
            let remedy = "Write it relative to the repository's root, or take it from the environment.";
            findings.push(Finding::new(&file.path, number + 1, what, remedy));
        }
    }
    findings
}

/// As an absolute path: nothing path-like in front (`target/home/` is fine), a name behind.
fn names_folder(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + folder.len()..].chars().next();
        !before.is_some_and(|c| is_word(c) || "./-}~".contains(c)) && after.is_some_and(|c| is_word(c) || c == '.')
    })
}

#[test]
fn no_machine_is_named() {
    super::keep("the repository names no machine it was built on", check);
}

#[test]
fn the_law_finds_homes_and_this_checkout() {
    let planted = |text: &str, count| drop(super::expect_findings(check, &[("docs/a.md", text)], count));
    planted(concat!("see /ho", "me/ann/code"), 1);
    planted(concat!("cd \"/ro", "ot/.cargo\""), 1);
    planted("log in /srv/builds/planted/target/log", 1);
    planted("log in /srv/builds/other", 1);
    planted("in target/home/x, https://example.com/home/page, /usr/lib/x, GET /home", 0);
    assert!(own_folders(Path::new("/srv")).is_empty());
}
