//! A copy of the working tree, in which bugs are planted.
//!
//! Owns: the folders below `target/mutate`, and that every text in the copy is the tree's own again after a bug.
//! Not here: building it (`trial`).
//!
//! The danger: a copy that is not the tree. So each start writes every file that differs, and removes what the tree does not
//! have; a run that was killed with a bug in the copy leaves nothing behind. Files that are equal keep their time, so that
//! cargo builds what a bug has touched and nothing else.

use crate::table::Edit;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

pub(crate) struct Copy {
    from: PathBuf,
    pub(crate) tree: PathBuf,
}

impl Copy {
    /// Brings the copy up to date with the tree in `root`.
    pub(crate) fn make(root: &Path, target: &Path) -> Result<Copy, String> {
        let copy = Copy { from: root.to_owned(), tree: target.join("tree") };
        let files = files_of(root);
        for file in &files {
            copy.restore(file)?;
        }
        // What the tree had once, and has no more, would still be compiled.
        for file in listed(&copy.tree, &copy.tree) {
            if !files.contains(&file) || !root.join(&file).exists() {
                let _ = fs::remove_file(copy.tree.join(&file));
            }
        }
        Ok(copy)
    }

    /// Writes the tree's own text of a file, if another one is there.
    fn restore(&self, file: &str) -> Result<(), String> {
        // A file that git still lists may be gone.
        let Ok(text) = fs::read(self.from.join(file)) else { return Ok(()) };
        self.write(file, &lightened(file, text))
    }

    fn write(&self, file: &str, text: &[u8]) -> Result<(), String> {
        let path = self.tree.join(file);
        if fs::read(&path).is_ok_and(|old| old == text) {
            return Ok(());
        }
        let folder = path.parent().expect("a file in the copy lies in a folder");
        fs::create_dir_all(folder)
            .and_then(|()| fs::write(&path, text))
            .map_err(|error| format!("cannot write {}: {error}", path.display()))
    }

    /// Changes the copy. All texts of the edits are looked for before the first is changed.
    pub(crate) fn plant(&self, edits: &[Edit]) -> Result<(), String> {
        let mut changed: Vec<(&str, String)> = Vec::new();
        for edit in edits {
            let before = match changed.iter().find(|(file, _)| *file == edit.file) {
                Some((_, text)) => text.clone(),
                None => fs::read_to_string(self.from.join(&edit.file))
                    .map_err(|error| format!("cannot read {}: {error}", edit.file))?,
            };
            let text = edit.planted(&before)?;
            changed.retain(|(file, _)| *file != edit.file);
            changed.push((&edit.file, text));
        }
        changed.iter().try_for_each(|(file, text)| self.write(file, text.as_bytes()))
    }

    /// Leaves in a test binary of `runtime-tests` only the modules in which these tests are, and what those use: a bug costs a
    /// build of every module that is left. Without tests it is whole again.
    pub(crate) fn narrow(&self, binary: &str, tests: &[&str]) -> Result<(), String> {
        let file = format!("tests/{binary}/main.rs");
        let Ok(text) = fs::read_to_string(self.from.join(&file)) else { return Ok(()) };
        let modules: Vec<&str> = text.lines().filter_map(declared).collect();
        let mut needed: Vec<&str> = tests.iter().filter_map(|test| test.split("::").next()).collect();
        let mut at = 0;
        while let Some(module) = needed.get(at) {
            at += 1;
            let path = self.from.join(format!("tests/{binary}/{module}.rs"));
            let code = fs::read_to_string(path).unwrap_or_default();
            let uses =
                |other: &&str| ["crate", "super"].iter().any(|from| code.contains(&format!("{from}::{other}::")));
            let more: Vec<&str> = modules.iter().copied().filter(uses).collect();
            needed.extend(more.into_iter().filter(|other| !needed.contains(other)).collect::<Vec<_>>());
        }
        let narrowed = if tests.is_empty() { text } else { only(&text, &needed) };
        self.write(&file, narrowed.as_bytes())
    }

    pub(crate) fn mend(&self, edits: &[Edit]) -> Result<(), String> {
        edits.iter().try_for_each(|edit| self.restore(&edit.file))
    }
}

/// The test package without its programs: cargo would link them anew for every test binary, and no catcher runs them.
fn lightened(file: &str, text: Vec<u8>) -> Vec<u8> {
    if file != "tests/Cargo.toml" {
        return text;
    }
    let mut kept = String::new();
    let mut inside = false;
    for line in String::from_utf8_lossy(&text).lines() {
        if line.starts_with('[') {
            inside = line == "[[bin]]";
        }
        if !inside {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept.into_bytes()
}

/// The module that a line declares.
fn declared(line: &str) -> Option<&str> {
    line.strip_prefix("mod ")?.strip_suffix(';')
}

/// The text without the other modules, and without the attributes of those.
fn only(text: &str, needed: &[&str]) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for line in text.lines() {
        if declared(line).is_none_or(|module| needed.contains(&module)) {
            kept.push(line);
            continue;
        }
        while kept.last().is_some_and(|above| above.starts_with("#[")) {
            kept.pop();
        }
    }
    kept.join("\n") + "\n"
}

/// What git tracks, or would track; without git, all that is no folder of cargo's and not hidden.
fn files_of(root: &Path) -> Vec<String> {
    let list = ["ls-files", "--cached", "--others", "--exclude-standard", "-z"];
    let output = Command::new("git").arg("-C").arg(root).args(list).output();
    let names = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let files: Vec<String> = names.split('\0').filter(|name| !name.is_empty()).map(str::to_owned).collect();
    if files.iter().any(|file| file == "Cargo.toml") {
        return files;
    }
    let is_ours = |file: &String| !file.starts_with('.') && !file.split('/').any(|part| part == "target");
    listed(root, root).into_iter().filter(is_ours).collect()
}

/// Every file below a folder, from `root`.
fn listed(root: &Path, folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .flat_map(|entry| match entry.file_type() {
            Ok(kind) if kind.is_dir() => listed(root, &entry.path()),
            _ => entry.path().strip_prefix(root).map(|path| path.to_string_lossy().into_owned()).into_iter().collect(),
        })
        .collect()
}
