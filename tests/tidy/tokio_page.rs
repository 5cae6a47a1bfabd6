//! The text of `docs/tokio.md`.
//!
//! Owns: how items are grouped, and what a row looks like.
//! Not here: the items' states (`tokio`).
//!
//! A table for each module. What is the same stands together, a row for a type: methods, fields and variants by name,
//! traits after "impl", other types that have this trait after "for", the auto traits as one. A row for each difference.

use super::tokio::{Compared, Item, State};
use std::collections::BTreeMap;
use std::fmt::Write;

type Row = (Item, State, Option<String>);

pub(crate) fn page(compared: &Compared) -> String {
    let mut text = head(compared);
    let mut modules: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
    for row in &compared.items {
        let module = if row.0.module() == row.0.name && row.0.kind != "module" { "" } else { row.0.module() };
        modules.entry(module).or_default().push(row);
    }
    for (module, rows) in modules {
        let title = match module {
            "" => "The crate itself".to_owned(),
            "feature" => "Features".to_owned(),
            module => format!("`{module}`"),
        };
        let _ = write!(text, "\n## {title}\n\n| item | | |\n|---|---|---|\n");
        let mut rows = table(&rows);
        rows.sort();
        text.extend(rows.into_iter().map(|(_, _, row)| row));
    }
    text
}

fn head(compared: &Compared) -> String {
    let count = |wanted| compared.items.iter().filter(|(_, state, _)| *state == wanted).count();
    let [same, wider, different, missing, windows] =
        [State::Same, State::Wider, State::Different, State::Missing, State::Windows].map(count);
    format!(
        "# tokio, item by item\n\n\
         Every stable item of tokio {version} (features `full` and `test-util`), and whether it is here under the same path.\n\n\
         | {total} items | | |\n|---|---|---|\n\
         | same | {same} | the same signature, but for the crate's name |\n\
         | wider | {wider} | asks for less (fewer bounds, unsized types) or promises more (auto traits) |\n\
         | different | {different} | a row each: how, and why |\n\
         | missing | {missing} | |\n\
         | Windows | {windows} | tokio has it on Windows only, where we are not |\n\n\
         What documentation hides is not listed, nor what holds for every type. Signatures are compared as rustdoc sees them, whoever \
         names a parameter how; what a future of `io` is called inside, and whether a type of `pin_project_lite` is `Unpin`, is left to \
         the compiler and to `tests/api`. What is here besides stands in `tests/tidy/runtime.items`, with all the rest of our own API. \
         This page is made of lists: CONTRIBUTING says how.\n",
        version = compared.version,
        total = compared.items.len(),
    )
}

/// Owner, state and text of each row.
fn table(rows: &[&(Item, State, Option<String>)]) -> Vec<(String, State, String)> {
    let mut groups: BTreeMap<(&str, State), Group> = BTreeMap::new();
    let mut found = Vec::new();
    for (item, state, reason) in rows {
        let (owner, part) = place(item);
        if *state == State::Different {
            let reason = reason.as_deref().unwrap_or("**no reason is given**");
            found.push((owner.to_owned(), *state, format!("| `{}` | different | {reason} |\n", item.name)));
        } else {
            groups.entry((owner, *state)).or_default().add(part);
        }
    }
    for ((owner, state), group) in groups {
        let name = if owner.is_empty() { "tokio" } else { owner };
        let word = match state {
            State::Same => "same",
            State::Wider => "wider",
            State::Different => unreachable!("has a row of its own"),
            State::Missing => "missing",
            State::Windows => "Windows",
        };
        found.push((owner.to_owned(), state, format!("| `{name}` | {word} | {} |\n", group.text())));
    }
    found
}

/// What an item is to its owner.
enum Part<'a> {
    Itself(&'a str),
    Member(&'a str),
    Impl(&'a str),
    For(&'a str),
    Auto,
}

fn place(item: &Item) -> (&str, Part<'_>) {
    let name = item.name.as_str();
    if let Some(feature) = name.strip_prefix("feature ") {
        return ("feature", Part::Member(feature));
    }
    if let Some((owner, with)) = name.split_once(": ") {
        return (owner, if with == "auto" { Part::Auto } else { Part::Impl(with) });
    }
    if let Some((owner, with)) = name.split_once(" for ") {
        return (owner, Part::For(with));
    }
    match item.kind.as_str() {
        "module" | "struct" | "enum" | "trait" | "union" | "type_alias" => (name, Part::Itself(&item.kind)),
        _ => name.rsplit_once("::").map_or(("", Part::Member(name)), |(owner, part)| (owner, Part::Member(part))),
    }
}

#[derive(Default)]
struct Group {
    itself: String,
    members: String,
    impls: String,
    fors: String,
    auto: bool,
}

impl Group {
    fn add(&mut self, part: Part<'_>) {
        let (list, name) = match part {
            Part::Itself(kind) => return self.itself = kind.replace('_', " "),
            Part::Auto => return self.auto = true,
            Part::Member(name) => (&mut self.members, name),
            Part::Impl(name) => (&mut self.impls, name),
            Part::For(name) => (&mut self.fors, name),
        };
        let _ = write!(list, " `{name}`");
    }

    fn text(&self) -> String {
        let with = |word: &str, list: &str| if list.is_empty() { String::new() } else { format!("{word}{list}") };
        let auto = if self.auto { "auto traits".to_owned() } else { String::new() };
        let parts =
            [self.itself.clone(), self.members.trim().into(), with("impl", &self.impls), with("for", &self.fors), auto];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ")
    }
}

#[test]
fn every_item_stands_on_the_page_once() {
    let item = |name: &str, kind: &str| Item {
        name: name.into(),
        kind: kind.into(),
        signature: String::new(),
        systems: String::new(),
    };
    let rows = [
        (item("fs", "module"), State::Same, None),
        (item("fs::File", "struct"), State::Same, None),
        (item("fs::File::open", "function"), State::Same, None),
        (item("fs::File::close", "method"), State::Wider, None),
        (item("fs::File: From<std::fs::File>", "impl"), State::Same, None),
        (item("fs::File: auto", "auto"), State::Same, None),
        (item("fs::Trait for &mut T", "impl"), State::Missing, None),
        (item("fs::read", "function"), State::Different, Some("because".into())),
        (item("select", "macro"), State::Same, None),
        (item("feature rt", "feature"), State::Same, None),
    ];
    let text = page(&Compared { version: "1.0.0".into(), items: rows.to_vec() });
    for row in [
        "| 10 items |",
        "| same | 7 |",
        "## The crate itself\n\n| item | | |\n|---|---|---|\n| `tokio` | same | `select` |\n",
        "## Features\n\n| item | | |\n|---|---|---|\n| `feature` | same | `rt` |\n",
        "| `fs` | same | module |\n| `fs::read` | different | because |\n\
         | `fs::File` | same | struct; `open`; impl `From<std::fs::File>`; auto traits |\n\
         | `fs::File` | wider | `close` |\n| `fs::Trait` | missing | for `&mut T` |\n",
    ] {
        assert!(text.contains(row), "no {row:?} in:\n{text}");
    }
}
