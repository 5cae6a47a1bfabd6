//! The names that the package being compiled gives to us in its manifest.
//!
//! Owns: just enough of TOML to read dependency tables.
//!
//! Reads line by line: table headers, `name = "1"`, `name = { … }`, `name.key = …`, and `workspace = true` with the
//! workspace's own table. What it does not understand it skips: a wrong guess is worse than none, and the caller has
//! `::runtime` and `crate = "…"` left.

use super::Package;
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

const RUNTIME: &str = "runtime";
/// The package beside ours that offers us under this name.
const TOKIO: &str = "tokio";

/// What this package calls us.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Names {
    pub(super) runtime: Option<String>,
    pub(super) tokio: Option<String>,
}

impl Names {
    pub(super) fn contains(&self, name: &str) -> bool {
        [&self.runtime, &self.tokio].into_iter().any(|known| known.as_deref() == Some(name))
    }

    /// The name of this package; for us the other one will do, since it has everything that ours has.
    pub(super) fn of(&self, package: Package) -> Option<&str> {
        match package {
            Package::Runtime => self.runtime.as_deref().or(self.tokio.as_deref()),
            Package::Tokio => self.tokio.as_deref(),
        }
    }
}

/// Asks the manifest of the package that cargo is compiling. Without cargo nobody knows.
pub(super) fn names_of_this_package() -> Names {
    let Some(folder) = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from) else {
        return Names::default();
    };
    match fs::read_to_string(folder.join("Cargo.toml")) {
        Ok(manifest) => names(&manifest, || workspace_above(&folder)),
        Err(_) => Names::default(),
    }
}

fn workspace_above(folder: &Path) -> Option<String> {
    folder
        .ancestors()
        .filter_map(|folder| fs::read_to_string(folder.join("Cargo.toml")).ok())
        .find(|manifest| manifest.lines().any(|line| line.trim_start().starts_with("[workspace")))
}

fn names(manifest: &str, workspace: impl FnOnce() -> Option<String>) -> Names {
    let dependencies = read(manifest);
    let shared = if dependencies.own.values().any(|entry| entry.from_workspace) {
        workspace().map(|manifest| read(&manifest).workspace).unwrap_or_default()
    } else {
        HashMap::new()
    };
    let mut found = Names::default();
    for (name, entry) in &dependencies.own {
        let entry = if entry.from_workspace { shared.get(name).unwrap_or(entry) } else { entry };
        let slot = match entry.package.as_deref().unwrap_or(name) {
            RUNTIME => &mut found.runtime,
            TOKIO => &mut found.tokio,
            _ => continue,
        };
        let name = name.replace('-', "_");
        // One package under two names: any will do, but always the same.
        if slot.as_ref().is_none_or(|known| name < *known) {
            *slot = Some(name);
        }
    }
    found
}

#[derive(Default)]
struct Entry {
    package: Option<String>,
    from_workspace: bool,
}

#[derive(Default)]
struct Dependencies {
    own: HashMap<String, Entry>,
    workspace: HashMap<String, Entry>,
}

/// Where the lines that follow belong.
enum Table {
    Other,
    Dependencies { of_workspace: bool },
    Dependency { of_workspace: bool, name: String },
}

impl Table {
    fn of_header(header: &str) -> Self {
        let keys = split_keys(header);
        let is_table =
            |key: &String| matches!(key.as_str(), "dependencies" | "dev-dependencies" | "build-dependencies");
        // `[target.'cfg(unix)'.dependencies]` as well; but not `[package.metadata.x.dependencies]`.
        let of_workspace = keys.first().is_some_and(|key| key == "workspace");
        let from = match keys.first().map(String::as_str) {
            Some("target") => 2,
            Some("workspace") => 1,
            _ => 0,
        };
        match keys.get(from..) {
            Some([table]) if is_table(table) => Table::Dependencies { of_workspace },
            Some([table, name]) if is_table(table) => Table::Dependency { of_workspace, name: name.clone() },
            _ => Table::Other,
        }
    }
}

fn read(manifest: &str) -> Dependencies {
    let mut found = Dependencies::default();
    let mut table = Table::Other;
    for line in manifest.lines() {
        let line = without_comment(line).trim();
        if let Some(header) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            table = Table::of_header(header);
            if let Table::Dependency { of_workspace, name } = &table {
                found.entry(*of_workspace, name);
            }
            continue;
        }
        let Some((key, value)) = split_outside_quotes(line, '=').map(|at| (&line[..at], line[at + 1..].trim())) else {
            continue;
        };
        let keys = split_keys(key);
        match (&table, &keys[..]) {
            (Table::Dependency { of_workspace, name }, [key]) => found.entry(*of_workspace, name).set(key, value),
            (Table::Dependencies { of_workspace }, [name, key]) => found.entry(*of_workspace, name).set(key, value),
            (Table::Dependencies { of_workspace }, [name]) => found.entry(*of_workspace, name).set_all(value),
            _ => {}
        }
    }
    found
}

impl Dependencies {
    fn entry(&mut self, of_workspace: bool, name: &str) -> &mut Entry {
        let entries = if of_workspace { &mut self.workspace } else { &mut self.own };
        entries.entry(name.to_owned()).or_default()
    }
}

impl Entry {
    fn set(&mut self, key: &str, value: &str) {
        match key {
            "package" => self.package = Some(unquoted(value).to_owned()),
            "workspace" => self.from_workspace = value == "true",
            _ => {}
        }
    }

    /// `{ version = "1", package = "runtime" }`; a plain version sets nothing.
    fn set_all(&mut self, value: &str) {
        let Some(mut rest) = value.strip_prefix('{').map(|rest| rest.trim_end_matches('}')) else {
            return;
        };
        while !rest.is_empty() {
            let end = split_outside_quotes(rest, ',').unwrap_or(rest.len());
            let pair = &rest[..end];
            rest = rest.get(end + 1..).unwrap_or("");
            if let Some(at) = split_outside_quotes(pair, '=') {
                self.set(unquoted(pair[..at].trim()), pair[at + 1..].trim());
            }
        }
    }
}

fn without_comment(line: &str) -> &str {
    split_outside_quotes(line, '#').map_or(line, |at| &line[..at])
}

/// `a."b.c".d` as its keys.
fn split_keys(mut dotted: &str) -> Vec<String> {
    let mut keys = Vec::new();
    loop {
        let end = split_outside_quotes(dotted, '.').unwrap_or(dotted.len());
        keys.push(unquoted(dotted[..end].trim()).to_owned());
        match dotted.get(end + 1..) {
            Some(rest) => dotted = rest,
            None => return keys,
        }
    }
}

fn unquoted(text: &str) -> &str {
    let text = text.trim();
    ['"', '\''].iter().find_map(|quote| text.strip_prefix(*quote)?.strip_suffix(*quote)).unwrap_or(text)
}

/// The byte position of the first `wanted` that does not stand in a string.
fn split_outside_quotes(text: &str, wanted: char) -> Option<usize> {
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match quote {
            _ if escaped => escaped = false,
            Some('"') if c == '\\' => escaped = true,
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if c == wanted => return Some(at),
            None if c == '"' || c == '\'' => quote = Some(c),
            None => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runtime_name(manifest: &str) -> Option<String> {
        names(manifest, || None).runtime
    }

    #[test]
    fn every_way_to_write_a_renamed_dependency_is_read() {
        for manifest in [
            "[dependencies]\nrt = { package = \"runtime\", version = \"0.1\" }",
            "[dependencies]\nrt = { version = \"0.1\", features = [\"a\", \"b\"], package = 'runtime' } # \"x\"",
            "[dev-dependencies]\n\"rt\".package = \"runtime\"\nrt.version = \"1\"",
            "[dependencies.rt]\nversion = \"1\"\npackage = \"runtime\"",
            "[target.'cfg(any(unix, target_os = \"wasi\"))'.dependencies]\nrt = { package = \"runtime\" }",
            "[target.x86_64-unknown-linux-gnu.dependencies.rt]\npackage = \"runtime\"",
            "[package]\nname = \"a#b\" # [dependencies]\n[ dependencies ]\nrt = {package=\"runtime\"}",
        ] {
            assert_eq!(runtime_name(manifest).as_deref(), Some("rt"), "{manifest}");
        }
    }

    #[test]
    fn plain_names_and_dashes() {
        assert_eq!(runtime_name("[dependencies]\nruntime = \"0.1\"").as_deref(), Some("runtime"));
        assert_eq!(runtime_name("[dependencies]\nour-rt = { package = \"runtime\" }").as_deref(), Some("our_rt"));
        assert_eq!(names("[dependencies]\ntokio = \"1\"", || None).tokio.as_deref(), Some("tokio"));
        assert_eq!(runtime_name("[dependencies]\ntokio = { package = \"runtime\" }").as_deref(), Some("tokio"));
    }

    #[test]
    fn other_tables_are_no_dependencies() {
        for manifest in [
            "[features]\nruntime = []",
            "[package.metadata.dependencies]\nruntime = \"1\"",
            "[dependencies]\n# runtime = \"1\"\nserde = { version = \"1\", features = [\"runtime\"] }",
            "[workspace.dependencies]\nruntime = \"1\"",
            "",
        ] {
            assert_eq!(runtime_name(manifest), None, "{manifest}");
        }
    }

    #[test]
    fn the_workspace_tells_what_an_inherited_name_stands_for() {
        let workspace = || Some("[workspace.dependencies]\nrt = { package = \"runtime\", path = \"r\" }".to_owned());
        for manifest in
            ["[dependencies]\nrt.workspace = true", "[dependencies]\nrt = { workspace = true, features = [\"x\"] }"]
        {
            assert_eq!(names(manifest, workspace).runtime.as_deref(), Some("rt"), "{manifest}");
        }
    }

    #[test]
    fn of_two_names_it_is_always_the_same_one() {
        let manifest = "[dependencies]\nb = { package = \"runtime\" }\na = { package = \"runtime\" }";
        assert_eq!(runtime_name(manifest).as_deref(), Some("a"));
    }
}
