//! Law: `unsafe` stands in small files on a list.
//!
//! The compiler denies it everywhere; a file that needs it is allowed by name, by the narrowest attribute that will
//! do: on its `mod` line, at its head, or on one item. An attribute must not reach the files below it, or "by name"
//! would mean nothing. And each such file has a paragraph under its own heading in `docs/design/unsafe.md`.

use super::Finding;
use super::lexer;
use super::repo::{Repo, Source};

const LIST: &str = "docs/design/unsafe.md";

/// Less than this is no paragraph: it must say what is unsafe, who upholds it, and what would break.
const PARAGRAPH_CHARS_MIN: usize = 120;

fn check(repo: &Repo) -> Vec<Finding> {
    let listed = repo.get(LIST).map(paragraphs).unwrap_or_default();
    let declared = repo.declared();
    let mut findings = Vec::new();
    for file in repo.rust() {
        let tokens = file.tokens();
        let code = lexer::joined(&tokens);
        let line = tokens.iter().find(|token| token.text == "unsafe").map(|token| token.line);
        let at_head = code.contains("# ! [ allow ( unsafe_code");
        let on_item = code.contains("# [ allow ( unsafe_code");
        let on_mod_line = declared.get(&file.path).is_some_and(|by| allows(&by.module.attributes));
        let row = listed.iter().find(|row| row.path == file.path);
        match line {
            Some(line) if !(at_head || on_item || on_mod_line) => findings.push(Finding::new(
                &file.path,
                line,
                "`unsafe` in a file that is not allowed it by name",
                "Do it in safe code, or move it into a small file whose `mod` line reads `#[allow(unsafe_code)] // why`.",
            )),
            Some(line) if row.is_none() => findings.push(Finding::new(
                &file.path,
                line,
                format!("`unsafe` in a file without a paragraph in {LIST}"),
                format!("Add the heading \"### `{}`\" there, and say what is unsafe and who upholds it.", file.path),
            )),
            None if on_mod_line || at_head => findings.push(Finding::new(
                &file.path,
                1,
                "the file is allowed `unsafe` and has none",
                "Take the attribute away, so that the next `unsafe` in this file is a decision again.",
            )),
            _ => {}
        }
        let children = lexer::mod_lines(&tokens).into_iter().filter(|module| !module.inline).count();
        if (at_head || on_mod_line) && children > 0 {
            findings.push(Finding::new(
                &file.path,
                1,
                "an allow of `unsafe_code` that reaches the files of child modules",
                "Put it on the `mod` line of each child that needs it.",
            ));
        }
    }
    findings.extend(listed.iter().flat_map(|row| judge_row(repo, row)));
    findings
}

/// A heading of the list, its line, and how much text stands under it.
struct Row {
    path: String,
    line: usize,
    chars: usize,
}

fn judge_row(repo: &Repo, row: &Row) -> Option<Finding> {
    let has_unsafe = |file: &Source| file.tokens().iter().any(|token| token.text == "unsafe");
    let (what, remedy) = if !repo.get(&row.path).is_some_and(has_unsafe) {
        (format!("`{}` has no `unsafe` (any more)", row.path), "Take the row away, or correct its path.")
    } else if row.chars < PARAGRAPH_CHARS_MIN {
        (
            format!("the paragraph about `{}` has {} characters", row.path, row.chars),
            "Say what is unsafe there, which invariant upholds it, who keeps that, and what would break.",
        )
    } else {
        return None;
    };
    Some(Finding::new(LIST, row.line, what, remedy))
}

/// Headings of the form "### `path`".
fn paragraphs(list: &Source) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let mut inside = false;
    for (number, line) in list.text.lines().enumerate() {
        if line.starts_with('#') {
            let path = line.trim_start_matches('#').trim();
            let path = path.strip_prefix('`').and_then(|rest| rest.split_once('`')).map(|(path, _)| path);
            inside = path.is_some();
            rows.extend(path.map(|path| Row { path: path.to_owned(), line: number + 1, chars: 0 }));
        } else if let (true, Some(row)) = (inside, rows.last_mut()) {
            row.chars += line.trim().len();
        }
    }
    rows
}

fn allows(attributes: &[String]) -> bool {
    attributes.iter().any(|attribute| attribute.starts_with("allow ( unsafe_code"))
}

#[test]
fn unsafe_stands_in_listed_files_only() {
    super::keep("unsafe stands in listed files only", check);
}

#[cfg(test)]
mod self_tests {
    use super::super::expect_findings;
    use super::{LIST, check};

    const SLOT: &str = "runtime/src/engine/cell/slot.rs";
    const PARENT: &str = "runtime/src/engine/cell/mod.rs";
    const CODE: &str = "fn f(p: *const u8) -> u8 { unsafe { *p } }";
    const PROSE: &str = "### `runtime/src/engine/cell/slot.rs`\n\nReads through a pointer that the caller vouches for: the \
                         slot's owner holds RUNNING, so nobody else looks. Without it two threads would poll at once.\n";

    #[test]
    fn unsafe_must_be_allowed_and_listed() {
        let found = expect_findings(check, &[(PARENT, "mod slot;"), (SLOT, CODE), (LIST, PROSE)], 1);
        assert!(found[0].what.contains("not allowed"), "{}", found[0]);
        let found = expect_findings(check, &[(PARENT, "#[allow(unsafe_code)] mod slot;"), (SLOT, CODE)], 1);
        assert!(found[0].what.contains("without a paragraph"), "{}", found[0]);
        expect_findings(check, &[(PARENT, "#[allow(unsafe_code)] mod slot;"), (SLOT, CODE), (LIST, PROSE)], 0);
        expect_findings(check, &[(SLOT, &format!("#![allow(unsafe_code)]\n{CODE}")), (LIST, PROSE)], 0);
        expect_findings(check, &[(SLOT, &format!("#[allow(unsafe_code)]\n{CODE}")), (LIST, PROSE)], 0);
    }

    #[test]
    fn stale_rows_and_stale_allows_are_found() {
        expect_findings(check, &[(SLOT, "fn f() {} // unsafe"), (LIST, PROSE)], 1);
        expect_findings(check, &[(LIST, PROSE)], 1);
        expect_findings(check, &[(PARENT, "#[allow(unsafe_code)] mod slot;"), (SLOT, "fn f() {}")], 1);
    }

    #[test]
    fn a_row_is_a_paragraph() {
        let short = format!("### `{SLOT}`\nIt is fine.\n");
        let found = expect_findings(check, &[(SLOT, &format!("#![allow(unsafe_code)]\n{CODE}")), (LIST, &short)], 1);
        assert_eq!((found[0].file.as_str(), found[0].line), (LIST, 1));
    }

    #[test]
    fn an_allow_reaches_one_file() {
        let parent = format!("#![allow(unsafe_code)] mod slot; {CODE}");
        let list = format!("{PROSE}\n{}", PROSE.replace("slot.rs", "mod.rs"));
        let found = expect_findings(check, &[(PARENT, &parent), (SLOT, CODE), (LIST, &list)], 2);
        assert!(found.iter().any(|finding| finding.what.contains("child modules")));
    }
}
