//! Law: conditions stand where they are looked for.
//!
//! `cfg(feature)` in a crate's `lib.rs`, `cfg(loom)` in a `base` or a `model.rs` (and on the `mod` line of a
//! `model` or of `tests`), conditions on the operating system below a `sys`, and in `lib.rs` whether the
//! crate is there at all (`cfg(unix)`). Everywhere else code is the code: no reader has
//! to keep three variants of a function in mind, and deleting a feature's folder deletes the feature.

use super::Finding;
use super::lexer::{Token, after_closing};
use super::repo::{Repo, Source};

fn check(repo: &Repo) -> Vec<Finding> {
    repo.shipped().flat_map(conditions).collect()
}

fn conditions(file: &Source) -> Vec<Finding> {
    let tokens = file.tokens();
    let mut findings = Vec::new();
    for at in 0..tokens.len() {
        let Some(open) = opening(&tokens, at) else { continue };
        let end = after_closing(&tokens, open);
        for token in &tokens[open..end] {
            findings.extend(judge(file, token, is_on_test_module(&tokens, end)));
        }
    }
    findings
}

/// The bracket of the condition that starts at `at`, if one does.
fn opening(tokens: &[Token<'_>], at: usize) -> Option<usize> {
    let is = |offset: usize, text: &str| tokens.get(at + offset).is_some_and(|token| token.text == text);
    match tokens[at].text {
        "cfg" | "cfg_attr" if is(1, "(") => Some(at + 1),
        "cfg" if is(1, "!") && is(2, "(") => Some(at + 2),
        _ => None,
    }
}

/// Is the next item, after any further attributes, `mod model` or `mod tests`?
fn is_on_test_module(tokens: &[Token<'_>], after_condition: usize) -> bool {
    let mut at = after_condition + 1;
    while tokens.get(at).is_some_and(|token| token.text == "#") {
        at = after_closing(tokens, at + 1);
    }
    tokens.get(at).is_some_and(|token| token.text == "mod")
        && tokens.get(at + 1).is_some_and(|token| matches!(token.text, "model" | "tests"))
}

fn judge(file: &Source, token: &Token<'_>, on_test_module: bool) -> Option<Finding> {
    let path = file.path.as_str();
    let (legal, remedy) = match token.text {
        "feature" => (
            file.file_name() == "lib.rs",
            "Gate the whole module in lib.rs; a module does not know which features there are.",
        ),
        "loom" => (
            on_test_module || path.contains("/base/") || matches!(file.file_name(), "model.rs" | "base.rs"),
            "Take the type from engine/base, which is std in a build and loom in a model.",
        ),
        // A whole crate is there, or says why it is not.
        "unix" if path.ends_with("/src/lib.rs") => return None,
        "target_os" | "target_family" | "target_vendor" | "unix" | "windows" => (
            path.contains("/sys/") || file.file_name() == "sys.rs",
            "Move what differs between systems into a `sys` module with one interface.",
        ),
        _ => return None,
    };
    let what = format!("a condition on `{}` outside of its place", token.text);
    (!legal).then(|| Finding::new(path, token.line, what, remedy))
}

#[test]
fn conditions_stand_in_their_places() {
    super::keep("conditions stand in their places", check);
}

#[cfg(test)]
mod self_tests {
    use super::super::expect_findings;
    use super::check;

    fn one(path: &str, text: &str, count: usize) {
        let findings = expect_findings(check, &[(path, text)], count);
        assert!(findings.iter().all(|finding| finding.line == 1));
    }

    #[test]
    fn features_stand_in_lib_rs() {
        one("runtime/src/task/mod.rs", "#[cfg(feature = \"net\")] fn f() {}", 1);
        one("runtime/src/task/mod.rs", "fn f() -> bool { cfg!(feature = \"net\") }", 1);
        one("runtime/src/lib.rs", "#[cfg(feature = \"net\")] pub mod net;", 0);
        one("runtime/src/task/mod.rs", "fn f(feature: u8) -> bool { feature == 1 } // cfg(feature)", 0);
    }

    #[test]
    fn loom_stands_in_base_and_models() {
        one("runtime/src/engine/sched/idle.rs", "#[cfg(not(loom))] fn f() {}", 1);
        one("runtime/src/engine/base/atomics.rs", "#[cfg(loom)] mod imp {}", 0);
        one("runtime/src/engine/sched/mod.rs", "#[cfg(all(test, loom))] mod model;", 0);
        one("runtime/src/engine/sched/mod.rs", "#[cfg(all(test, not(loom)))] #[allow(dead_code)] mod tests {}", 0);
        one("runtime/src/engine/sched/mod.rs", "#[cfg(loom)] mod modelled;", 1);
    }

    #[test]
    fn systems_stand_below_sys() {
        one("runtime/src/net/tcp.rs", "#[cfg(target_os = \"linux\")] fn f() {}", 1);
        one("runtime/src/net/tcp.rs", "#[cfg(any(unix, windows))] fn f() {}", 2);
        one("runtime/src/net/sys/linux.rs", "#[cfg(target_os = \"linux\")] fn f() {}", 0);
        one("io-driver/src/lib.rs", "#[cfg(unix)] mod driver;", 0);
        one("io-driver/src/lib.rs", "#[cfg(windows)] mod driver;", 1);
        one("tests/api/net.rs", "#[cfg(target_os = \"linux\")] fn f() {}", 0);
    }
}
