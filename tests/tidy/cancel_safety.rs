//! Law: whoever may drop a future is told what that does.
//!
//! A public function that is `async`, or returns an `impl Future`, has a `# Cancel safety` section: `select!`, timeouts
//! and aborted tasks drop futures at any `.await`, and only the author knows what is lost then.

use super::Finding;
use super::lexer::Token;
use super::repo::{Repo, Source};

/// Modules whose functions tasks await. (`runtime`'s futures are run by `block_on`, which drops nothing.)
const MODULES: [&str; 7] = ["sync", "time", "net", "fs", "io", "scope", "task"];

const SECTION: &str = "# Cancel safety";

fn check(repo: &Repo) -> Vec<Finding> {
    repo.shipped().filter(|file| is_awaited(&file.path)).flat_map(in_file).collect()
}

fn is_awaited(path: &str) -> bool {
    MODULES.iter().any(|module| path.starts_with(&format!("runtime/src/{module}/"))) && !path.contains("/tests/")
}

fn in_file(file: &Source) -> Vec<Finding> {
    let tokens = file.tokens();
    let lines: Vec<&str> = file.text.lines().collect();
    let mut findings = Vec::new();
    for at in 0..tokens.len() {
        let Some(function) = public_future(&tokens[at..]) else { continue };
        if !docs_above(&lines, tokens[at].line).any(|line| line.contains(SECTION)) {
            let what = format!("`{}` returns a future and does not say what dropping it does", function.text);
            let remedy = "Give its documentation a `# Cancel safety` section: what is lost, kept or given back.";
            findings.push(Finding::new(&file.path, function.line, what, remedy));
        }
    }
    findings
}

/// The name of the function that begins at the first token, if it is public and one waits for what it returns.
fn public_future<'t, 'a>(tokens: &'t [Token<'a>]) -> Option<&'t Token<'a>> {
    if tokens[0].text != "pub" || tokens.get(1)?.text == "(" {
        return None;
    }
    let at = tokens.iter().take(5).position(|token| token.text == "fn")?;
    let qualifiers = &tokens[1..at];
    if !qualifiers.iter().all(|token| matches!(token.text, "async" | "const" | "unsafe")) {
        return None;
    }
    let end = tokens.iter().position(|token| matches!(token.text, "{" | ";"))?;
    let is_async = qualifiers.iter().any(|token| token.text == "async");
    (is_async || returns_future(&tokens[at..end])).then(|| &tokens[at + 1])
}

/// `-> impl Future`, with or without other traits and a path before it.
fn returns_future(signature: &[Token<'_>]) -> bool {
    let arrow =
        signature.windows(3).rposition(|three| [three[0].text, three[1].text, three[2].text] == ["-", ">", "impl"]);
    arrow.is_some_and(|arrow| {
        let bounds = signature[arrow + 3..].iter().take_while(|token| token.text != "where");
        bounds.take(8).any(|token| token.text == "Future")
    })
}

/// The doc comment and the attributes that end above `line` (from 1), from the last line to the first.
fn docs_above<'t>(lines: &'t [&'t str], line: usize) -> impl Iterator<Item = &'t str> {
    lines[..line - 1].iter().rev().map(|line| line.trim()).take_while(|line| {
        let ends_an_item = line.is_empty() || line.ends_with(['{', '}', ';']) && !line.starts_with("///");
        !ends_an_item
    })
}

#[test]
fn futures_say_what_dropping_them_does() {
    super::keep("futures say what dropping them does", check);
}

#[test]
fn the_law_finds_silent_futures_and_no_others() {
    let path = "runtime/src/sync/mutex.rs";
    let silent = [
        "/// Locks.\npub async fn lock(&self) {}",
        "pub fn lock(&self) -> impl Future<Output = ()> + use<'_, T> {}",
        "/// # Cancel safety\n/// Of another.\npub fn one() {}\n\n/// Waits.\n#[inline]\npub async fn two() {}",
        "pub fn lock() -> impl std::future::Future<Output = ()>\nwhere T: Send {}",
    ];
    for text in silent {
        super::expect_findings(check, &[(path, text)], 1);
    }
    let good = "/// Waits.\n///\n/// # Cancel safety\n/// Yes.\n#[must_use = \"x\"]\npub async fn a() {}\n\
                pub(crate) async fn b() {}\nasync fn c() {}\npub fn d(f: impl Future<Output = ()>) -> u8 {}\n\
                pub fn e() -> impl Iterator<Item = u8> { async {} }\n";
    super::expect_findings(check, &[(path, good)], 0);
    super::expect_findings(check, &[("runtime/src/runtime/handle.rs", silent[0])], 0);
}
