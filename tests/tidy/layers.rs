//! Law: a module imports only what lies below it.
//!
//! The table is [`TABLE`]; `docs/architecture.md` explains it. Every `crate::`, `super::` and `self::` path of
//! `runtime/src` is resolved, in `use` trees and in plain code, and held against it. Modules that only tests compile
//! are free, models are not: a model that needs an upper floor models too much.
//!
//! The crates `io-driver` and `timer-wheel` stand below everything; that they know nothing of ours is the compiler's
//! business (a crate cannot name what its manifest does not), so their manifests are checked, and that only
//! `engine/drive` names them.

use super::Finding;
use super::lexer::{self, Token, after_closing, is_test_only, is_word};
use super::repo::{Repo, Source};

const ENGINE: &str = "engine";

/// Module, what it may import. A module may always import itself.
///
/// `engine/entered` is the thread-local that says which runtime a thread is inside of. It names the engine that `sched`
/// owns, and `sched` asks it whether a thread may block: they are one knot, the only one of the engine, and stand on one
/// floor. `runtime` and `task` are the other: names that users know refer to each other.
const TABLE: &[(&str, &[&str])] = &[
    // Floor 0
    ("engine/base", &[]),
    ("engine/histogram", &[]),
    // What a subscriber of `tracing` is told, or nothing: one of the two is there, under the name `span`.
    ("span", &[]),
    ("no_span", &[]),
    // Floor 1
    ("engine/cell", &["engine/base", "span"]),
    // Floor 2
    ("engine/blocking", &["engine/base", "engine/cell"]),
    ("engine/drive", &["engine/base"]),
    // Floor 3: `sched` puts the engine together.
    (
        "engine/sched",
        &[
            "engine/base",
            "engine/histogram",
            "engine/cell",
            "engine/blocking",
            "engine/drive",
            "engine/entered",
            "span",
        ],
    ),
    ("engine/entered", &["engine/base", "engine/cell", "engine/sched"]),
    // The top of the engine
    (
        "engine/census",
        &["engine/base", "engine/cell", "engine/entered", "engine/sched", "engine/blocking", "engine/drive"],
    ),
    (
        ENGINE,
        &[
            "engine/base",
            "engine/histogram",
            "engine/cell",
            "engine/blocking",
            "engine/drive",
            "engine/sched",
            "engine/entered",
            "engine/census",
        ],
    ),
    // Floor 4
    ("runtime", &[ENGINE, "task", "span"]),
    ("task", &[ENGINE, "runtime"]),
    ("time", &[ENGINE]),
    ("sync", &[ENGINE]),
    // The one thing of `sync` that spawns; the rest of it knows no tasks.
    ("sync/tracker", &[ENGINE, "sync", "task", "runtime"]),
    ("io", &[ENGINE]),
    ("macros", &[ENGINE]),
    ("attributes", &[]),
    // Floor 5
    ("net", &[ENGINE, "io", "task"]),
    ("fs", &[ENGINE, "io", "task"]),
    ("signal", &[ENGINE, "io"]),
    ("scope", &[ENGINE, "task", "time", "sync", "macros"]),
    ("inspect", &[ENGINE]),
    // Floor 6
    ("process", &[ENGINE, "io", "signal"]),
    ("sim", &[ENGINE, "net", "fs"]),
    // Above the floors: names for glob imports, of every public module.
    (
        "prelude",
        &[
            "runtime", "task", "time", "sync", "io", "macros", "net", "fs", "signal", "scope", "inspect", "process",
            "sim",
        ],
    ),
];

/// The two pairs that may import each other: the one inside the engine, and the one that the public names make.
/// `Handle::spawn` returns a `task::JoinHandle`, and `task` spawns through a `Handle`.
const KNOTS: [[&str; 2]; 2] = [["engine/entered", "engine/sched"], ["runtime", "task"]];

/// Submodules that the door offers whole: public modules may name them.
const OFFERED: [&str; 2] = ["engine/entered", "engine/histogram"];

/// Exported macros stand at the crate's root for the compiler, and in `macros` for this law.
const EXPORTED_MACROS: [&str; 4] = ["join", "pin", "select", "try_join"];

const SRC: &str = "runtime/src/";

fn check(repo: &Repo) -> Vec<Finding> {
    let declared = repo.declared();
    let mut findings = Vec::new();
    for file in repo.rust().filter(|file| file.path.starts_with(SRC) && file.path != "runtime/src/lib.rs") {
        let modules = module_path(&file.path);
        let unit = unit_of(&modules).unwrap_or_default();
        let Some((_, allowed)) = TABLE.iter().find(|row| row.0 == unit) else {
            let remedy = "Give it a row in TABLE of tests/tidy/layers.rs and in docs/architecture.md, or move the file \
                          into a module that has one.";
            let what = format!("the module `{}` stands on no floor", modules.join("::"));
            findings.push(Finding::new(&file.path, 1, what, remedy));
            continue;
        };
        let test_only = declared
            .get(&file.path)
            .is_some_and(|line| line.module.attributes.iter().any(|attribute| is_test_only(attribute)));
        if !test_only || file.file_name() == "model.rs" {
            findings.extend(imports(file, &modules).iter().filter_map(|import| judge(file, unit, allowed, import)));
            findings.extend(lower_crates(file, unit));
        }
    }
    findings.extend(repo.files.iter().flat_map(manifest));
    findings
}

/// `runtime/src/engine/cell/word.rs` is `["engine", "cell", "word"]`.
pub(super) fn module_path(path: &str) -> Vec<String> {
    let inside = path.trim_start_matches(SRC).trim_end_matches(".rs");
    let inside = inside.strip_suffix("/mod").unwrap_or(inside);
    inside.split('/').map(str::to_owned).collect()
}

/// The row a module path belongs to: the longest one that it starts with. A file of `engine` that is no row of its
/// own has no floor; an *item* of the door has the door's.
fn unit_of(modules: &[String]) -> Option<&'static str> {
    let first = modules.first()?;
    if first == ENGINE && modules.len() > 1 {
        let name = format!("engine/{}", modules[1]);
        return TABLE.iter().map(|row| row.0).find(|row| *row == name);
    }
    let whole = TABLE.iter().map(|row| row.0).find(|row| row == first);
    let part = modules.get(1).map(|second| format!("{first}/{second}"));
    TABLE.iter().map(|row| row.0).find(|row| part.as_deref() == Some(row)).or(whole)
}

/// A path that the file names, resolved to the crate's root.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Import {
    pub(super) path: Vec<String>,
    line: usize,
    is_macro: bool,
}

fn judge(file: &Source, unit: &str, allowed: &[&str], import: &Import) -> Option<Finding> {
    let shown = format!("crate::{}", import.path.join("::"));
    let exported = unit == "prelude" && EXPORTED_MACROS.contains(&import.path.join("::").as_str());
    let target = if exported || import.is_macro && import.path.len() == 1 {
        "macros"
    } else if import.path.first().is_some_and(|first| first == ENGINE) {
        unit_of(&import.path).unwrap_or(ENGINE)
    } else if let Some(target) = unit_of(&import.path) {
        target
    } else {
        let remedy = "Name the module that defines it: what the crate's root re-exports is for users, and hides the \
                      layer from this law.";
        return Some(Finding::new(&file.path, import.line, format!("`{shown}` names no module of the table"), remedy));
    };
    let through_the_door = allowed.contains(&ENGINE) && OFFERED.contains(&target);
    if target == unit || allowed.contains(&target) || through_the_door {
        return None;
    }
    let through = if target.starts_with("engine/") && !unit.starts_with(ENGINE) {
        "Ask the door (`crate::engine::…`); if it does not offer this, it needs a new entry.".to_owned()
    } else {
        format!(
            "`{unit}` may import {}. Move the code to the floor that needs it, hand it in as an argument, or, if the \
             table is wrong, change TABLE in tests/tidy/layers.rs and docs/architecture.md together.",
            if allowed.is_empty() { "nothing of ours".to_owned() } else { allowed.join(", ") }
        )
    };
    Some(Finding::new(&file.path, import.line, format!("`{unit}` imports `{shown}` of `{target}`"), through))
}

/// All modules that the file names, a module of the engine or the crate once for each line.
fn imports(file: &Source, modules: &[String]) -> Vec<Import> {
    let mut found = all_imports(file, modules);
    // `use super::sched::{self, Worker}` is one import of one module, not two.
    let module = |import: &Import| (import.line, import.path.iter().take(2).cloned().collect::<Vec<_>>());
    found.dedup_by_key(|import| module(import));
    found
}

/// All `crate::`, `super::` and `self::` paths outside of test-only modules.
pub(super) fn all_imports(file: &Source, modules: &[String]) -> Vec<Import> {
    let tokens = file.tokens();
    let free = lexer::test_regions(&tokens);
    let mut found = Vec::new();
    // Inline modules around the current token: where each ends, and its name.
    let mut inside: Vec<(usize, String)> = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        inside.retain(|(end, _)| *end > at);
        let token = tokens[at];
        if token.text == "mod" && tokens.get(at + 2).is_some_and(|open| open.text == "{") {
            inside.push((after_closing(&tokens, at + 2), tokens[at + 1].text.to_owned()));
        }
        let starts = matches!(token.text, "crate" | "super" | "self")
            && tokens.get(at + 1).is_some_and(|next| next.text == "::")
            && !(at > 0 && matches!(tokens[at - 1].text, "in" | "::"));
        if starts && !free.iter().any(|region| region.contains(&token.line)) {
            let here: Vec<String> =
                modules.iter().cloned().chain(inside.iter().map(|(_, name)| name.clone())).collect();
            at = read_tree(&tokens, at, &here, None, &mut found);
        } else {
            at += 1;
        }
    }
    found
}

/// Reads a path or a `use` tree from `at`; gives the place after it.
fn read_tree(
    tokens: &[Token<'_>],
    mut at: usize,
    here: &[String],
    prefix: Option<&[String]>,
    found: &mut Vec<Import>,
) -> usize {
    let mut path: Option<Vec<String>> = prefix.map(<[String]>::to_vec);
    let line = tokens[at].line;
    while let Some(token) = tokens.get(at) {
        match token.text {
            "crate" => path = Some(Vec::new()),
            "self" if path.is_none() => path = Some(here.to_vec()),
            "self" => {}
            "super" => {
                let mut up = path.take().unwrap_or_else(|| here.to_vec());
                up.pop();
                path = Some(up);
            }
            "::" => {}
            "*" => {
                at += 1;
                break;
            }
            "{" => {
                let end = after_closing(tokens, at);
                let base = path.unwrap_or_else(|| here.to_vec());
                let mut inner = at + 1;
                while inner < end - 1 {
                    let before = inner;
                    inner = if tokens[inner].text == "," {
                        inner + 1
                    } else {
                        read_tree(tokens, inner, here, Some(&base), found)
                    };
                    // `as name` and anything unknown: step over it.
                    inner = if inner == before { inner + 1 } else { inner };
                }
                return end;
            }
            word if word.starts_with(is_word) => path.get_or_insert_with(Vec::new).push(word.to_owned()),
            _ => break,
        }
        at += 1;
        // A path goes on only over `::`; two words in a row are two things (`self::a as b`).
        let ended_by_word = tokens[at - 1].text != "::" && tokens.get(at).is_none_or(|next| next.text != "::");
        if ended_by_word {
            break;
        }
    }
    let is_macro = tokens.get(at).is_some_and(|next| next.text == "!")
        && tokens.get(at + 1).is_some_and(|next| matches!(next.text, "(" | "[" | "{"));
    match path {
        Some(path) if !path.is_empty() => found.push(Import { path, line, is_macro }),
        _ => {}
    }
    at
}

/// Only the drive floor names the two crates below.
fn lower_crates(file: &Source, unit: &str) -> Vec<Finding> {
    if unit == "engine/drive" {
        return Vec::new();
    }
    let tokens = file.tokens();
    let named = tokens.iter().filter(|token| matches!(token.text, "io_driver" | "timer_wheel"));
    let remedy = "Only engine/drive turns the driver and the wheel; go through it, or through the door.";
    named.map(|t| Finding::new(&file.path, t.line, format!("`{unit}` names the crate `{}`", t.text), remedy)).collect()
}

/// The lowest crates depend on nothing of ours.
fn manifest(file: &Source) -> Vec<Finding> {
    if !matches!(file.path.as_str(), "io-driver/Cargo.toml" | "timer-wheel/Cargo.toml") {
        return Vec::new();
    }
    let ours = ["runtime", "runtime-macros", "io-driver", "timer-wheel"];
    let lines = file.text.lines().enumerate().filter(|(_, line)| {
        let name = line.split(['.', '=', ' ']).next().unwrap_or_default();
        ours.contains(&name) && line.contains('=')
    });
    let remedy = "These crates know sockets or ticks and nothing else; what they need of us is handed in.";
    lines.map(|(n, line)| Finding::new(&file.path, n + 1, format!("`{line}` imports upwards"), remedy)).collect()
}

#[test]
fn modules_import_only_what_lies_below() {
    super::keep("modules import only what lies below them", check);
}

#[test]
fn the_table_has_no_circle_but_its_two_knots() {
    // Take away, again and again, every row whose imports are all gone. What is left is on a circle.
    let mut left: Vec<&(&str, &[&str])> = TABLE.iter().collect();
    loop {
        let names: Vec<&str> = left.iter().map(|row| row.0).collect();
        let is_needed = |row: &(&str, &[&str]), name: &str| {
            names.contains(&name) && !KNOTS.iter().any(|knot| knot.contains(&row.0) && knot.contains(&name))
        };
        let before = left.len();
        left.retain(|row| row.1.iter().any(|name| is_needed(row, name)));
        if left.len() == before {
            break;
        }
    }
    assert!(left.is_empty(), "these rows import each other: {left:?}");
    for (module, imports) in TABLE {
        for import in *imports {
            assert!(TABLE.iter().any(|row| row.0 == *import), "`{module}` may import `{import}`, which has no row");
        }
    }
}

#[cfg(test)]
mod self_tests {
    use super::super::expect_findings;
    use super::check;

    fn one(path: &str, text: &str, count: usize) -> String {
        let findings = expect_findings(check, &[(path, text)], count);
        findings.first().map(ToString::to_string).unwrap_or_default()
    }

    #[test]
    fn an_upward_import_is_found_however_it_is_written() {
        let cell = "runtime/src/engine/cell/word.rs";
        let message = one(cell, "\nuse crate::engine::sched::Worker;", 1);
        assert!(message.contains("word.rs:2") && message.contains("`engine/sched`"), "{message}");
        one(cell, "use super::super::sched::Worker;", 1);
        one(cell, "use crate::{engine::{base::rng, sched}};", 1);
        one(cell, "fn f() { super::super::blocking::submit() }", 1);
        one(cell, "mod inner { use super::super::super::drive; }", 1);
        one(cell, "use crate::engine::spawn;", 1);
        one("runtime/src/engine/base/rng.rs", "use crate::engine::cell as c;", 1);
        one("runtime/src/engine/drive/mod.rs", "use super::sched::{self, Worker};", 1);
    }

    #[test]
    fn legal_imports_pass() {
        let cell = "runtime/src/engine/cell/word.rs";
        one(cell, "use super::header::Header; use super::super::base::{rng::Rng, atomics::*};", 0);
        one(cell, "pub(in crate::engine) fn f() {} // crate::engine::sched::x\n", 0);
        one(cell, "#[cfg(test)] mod tests { use super::*; use crate::task::spawn; }", 0);
        one("runtime/src/engine/sched/threads.rs", "use super::super::entered;", 0);
        one("runtime/src/engine/mod.rs", "pub(crate) use self::sched::budget; use crate::engine::drive;", 0);
        one("runtime/src/net/tcp.rs", "use crate::engine; use crate::io::{AsyncRead, ReadBuf as B};", 0);
        one("runtime/src/task/local.rs", "use std::task::Poll; fn f() { crate::pin!(x); self::g::<u8>() }", 1);
        one("runtime/src/prelude.rs", "pub use crate::{join, select, task::spawn};", 0);
        one("runtime/src/prelude.rs", "pub use crate::spawn;", 1);
        one("runtime/src/time/sleep.rs", "use crate::join;", 1);
        one("runtime/src/scope/group.rs", "fn f() { crate::task::spawn(async {}); }", 0);
    }

    #[test]
    fn public_modules_see_only_the_door_and_their_floor() {
        let message = one("runtime/src/task/mod.rs", "use crate::engine::cell::Header;", 1);
        assert!(message.contains("Ask the door"), "{message}");
        one("runtime/src/task/mod.rs", "use crate::engine::entered::Role;", 0);
        one("runtime/src/sync/mutex.rs", "use crate::time::sleep;", 1);
        one("runtime/src/fs/file.rs", "use crate::net::TcpStream;", 1);
        one("runtime/src/net/tcp.rs", "use crate::spawn;", 1);
    }

    #[test]
    fn models_obey_and_test_files_are_free() {
        let parent = ("runtime/src/engine/cell/mod.rs", "#[cfg(all(test, loom))] mod model; #[cfg(test)] mod fates;");
        let upward = "use crate::task::spawn;";
        let model = ("runtime/src/engine/cell/model.rs", upward);
        let fates = ("runtime/src/engine/cell/fates.rs", upward);
        let findings = expect_findings(check, &[parent, model, fates], 1);
        assert!(findings[0].file.ends_with("model.rs"));
    }

    #[test]
    fn new_modules_need_a_floor() {
        one("runtime/src/util/mod.rs", "", 1);
        one("runtime/src/engine/helpers.rs", "", 1);
    }

    #[test]
    fn the_lowest_crates_are_named_by_the_drive_floor_only() {
        one("runtime/src/time/sleep.rs", "use timer_wheel::Wheel;", 1);
        one("runtime/src/engine/drive/clock.rs", "use timer_wheel::Wheel;", 0);
        one("timer-wheel/Cargo.toml", "[dependencies]\nruntime.workspace = true\n", 1);
        one("io-driver/Cargo.toml", "[package]\nname = \"io-driver\"\n", 0);
    }
}
