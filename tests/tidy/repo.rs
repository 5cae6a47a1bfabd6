//! The repository as a list of texts.
//!
//! Owns: which files count, and how a module's file is found from its `mod` line.
//! Not here: any law.

use super::lexer::{self, ModLine, Token};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// One file. `code` and `comments` are filled for Rust files only.
#[derive(Debug)]
pub(crate) struct Source {
    /// From the repository's root, with forward slashes.
    pub(crate) path: String,
    pub(crate) text: String,
    pub(crate) code: String,
    pub(crate) comments: String,
}

impl Source {
    fn new(path: &str, text: &str) -> Self {
        let is_rust = path.ends_with(".rs");
        let (code, comments) = if is_rust { lexer::split(text) } else { Default::default() };
        Source { path: path.to_owned(), text: text.to_owned(), code, comments }
    }

    pub(crate) fn tokens(&self) -> Vec<Token<'_>> {
        lexer::tokens(&self.code)
    }

    pub(crate) fn file_name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }
}

/// A `mod` line and the file it stands in.
#[derive(Debug)]
pub(crate) struct Declared {
    pub(crate) by: String,
    pub(crate) module: ModLine,
}

pub(crate) struct Repo {
    pub(crate) files: Vec<Source>,
    pub(crate) root: PathBuf,
}

impl Repo {
    /// This repository: what git tracks or would track; without git, every file outside `target` and hidden folders.
    pub(crate) fn open() -> Repo {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("`tests` lies in the root").to_owned();
        let mut paths = from_git(&root).unwrap_or_else(|| from_disk(&root));
        paths.sort();
        let read = |path: &String| std::fs::read_to_string(root.join(path)).ok();
        let files = paths.iter().filter_map(|path| Some(Source::new(path, &read(path)?))).collect();
        Repo { files, root }
    }

    /// An invented repository for a self-test.
    pub(crate) fn planted(files: &[(&str, &str)]) -> Repo {
        let files = files.iter().map(|(path, text)| Source::new(path, text)).collect();
        Repo { files, root: PathBuf::from("/srv/builds/planted") }
    }

    pub(crate) fn rust(&self) -> impl Iterator<Item = &Source> {
        self.files.iter().filter(|file| file.path.ends_with(".rs"))
    }

    /// Rust that users of the crates compile.
    pub(crate) fn shipped(&self) -> impl Iterator<Item = &Source> {
        self.rust().filter(|file| file.path.contains("/src/") && !file.path.starts_with("tests/"))
    }

    pub(crate) fn get(&self, path: &str) -> Option<&Source> {
        self.files.iter().find(|file| file.path == path)
    }

    /// For each module's file: the line that declares it.
    pub(crate) fn declared(&self) -> HashMap<String, Declared> {
        let mut found = HashMap::new();
        for file in self.rust() {
            for module in lexer::mod_lines(&file.tokens()) {
                if module.inline {
                    continue;
                }
                let folder = folder_of_children(&file.path);
                let candidates = [format!("{folder}/{}.rs", module.name), format!("{folder}/{}/mod.rs", module.name)];
                if let Some(child) = candidates.into_iter().find(|path| self.get(path).is_some()) {
                    found.insert(child, Declared { by: file.path.clone(), module });
                }
            }
        }
        found
    }
}

/// Where the modules declared in `path` have their files.
fn folder_of_children(path: &str) -> String {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    match name {
        "mod.rs" | "lib.rs" | "main.rs" => folder.to_owned(),
        _ => format!("{folder}/{}", name.trim_end_matches(".rs")),
    }
}

fn from_git(root: &Path) -> Option<Vec<String>> {
    let list = ["ls-files", "--cached", "--others", "--exclude-standard", "-z"];
    let output = Command::new("git").arg("-C").arg(root).args(list).output().ok()?;
    let names = String::from_utf8(output.stdout).ok()?;
    let paths: Vec<String> = names.split('\0').filter(|name| !name.is_empty()).map(str::to_owned).collect();
    // An unpacked archive may lie inside somebody else's repository, which then lists nothing of ours.
    (output.status.success() && paths.iter().any(|path| path == "Cargo.toml")).then_some(paths)
}

fn from_disk(root: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("cannot list {}: {e}", folder.display()));
        for entry in entries.flatten() {
            let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
            let hidden = name.starts_with('.') && name != ".ci";
            match entry.file_type() {
                Ok(kind) if kind.is_dir() && !hidden && name != "target" => folders.push(path),
                Ok(kind) if kind.is_file() => {
                    let inside = path.strip_prefix(root).expect("walked from the root");
                    found.push(inside.to_string_lossy().replace('\\', "/"));
                }
                _ => {}
            }
        }
    }
    found
}

#[test]
fn git_and_the_disk_agree_on_what_the_house_is() {
    let root = Repo::open().root;
    let disk = from_disk(&root);
    for must in ["Cargo.toml", "runtime/src/lib.rs", "tests/tidy/repo.rs", ".ci/run"] {
        assert!(disk.iter().any(|path| path == must), "the walk over the disk missed {must}");
        if let Some(tracked) = from_git(&root) {
            assert!(tracked.iter().any(|path| path == must), "git's list misses {must}");
        }
    }
    assert!(!disk.iter().any(|path| path.starts_with("target/")));
}

#[test]
fn modules_are_found_beside_and_below_their_parent() {
    let repo = Repo::planted(&[
        ("a/src/lib.rs", "mod one; mod two;"),
        ("a/src/one.rs", "mod below;"),
        ("a/src/one/below.rs", ""),
        ("a/src/two/mod.rs", ""),
    ]);
    let declared = repo.declared();
    assert_eq!(declared["a/src/one.rs"].by, "a/src/lib.rs");
    assert_eq!(declared["a/src/one/below.rs"].by, "a/src/one.rs");
    assert_eq!(declared["a/src/two/mod.rs"].module.name, "two");
}
