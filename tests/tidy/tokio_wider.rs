//! When may an item stand for tokio's: the same signature, or one that asks for less.
//!
//! Owns: reading signatures as `tests/tokio-items/render.py` writes them.
//! Not here: the lists, the law (`tokio`).
//!
//! Ours may be `const`, ask for fewer bounds, take unsized types, and have more auto traits. Whatever compiles with
//! tokio's compiles with it. All else is a difference that needs a reason.

use super::tokio::Item;
use std::collections::{BTreeMap, BTreeSet};

/// The same but for `const`, which takes nothing away.
pub(crate) fn is_same(tokio: &Item, ours: &Item) -> bool {
    tokio.kind == ours.kind && (tokio.signature == ours.signature || tokio.signature == not_const(&ours.signature))
}

fn not_const(signature: &str) -> String {
    signature.replacen("const fn", "fn", 1)
}

pub(crate) fn is_wider(tokio: &Item, ours: &Item) -> bool {
    if tokio.kind != ours.kind {
        return false;
    }
    if tokio.kind == "auto" {
        let ours: BTreeMap<&str, Bounds<'_>> = ours.signature.split("; ").map(head_and_bounds).collect();
        let mut wanted = tokio.signature.split("; ").filter(|text| !text.is_empty()).map(head_and_bounds);
        return wanted.all(|(name, bounds)| ours.get(name).is_some_and(|ours| asks_for_less(&bounds, ours)));
    }
    let bare = not_const(&ours.signature);
    let ((tokio, body), (ours, our_body)) = (without_body(&not_const(&tokio.signature)), without_body(&bare));
    let ((tokio, bounds), (ours, fewer)) = (head_and_bounds(&tokio), head_and_bounds(&ours));
    tokio == ours && body == our_body && asks_for_less(&bounds, &fewer)
}

/// ` { … }` marks a provided method of a trait.
fn without_body(signature: &str) -> (String, bool) {
    let bare = signature.strip_suffix(" { … }");
    (bare.unwrap_or(signature).to_owned(), bare.is_some())
}

/// What each type is bound to.
type Bounds<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

fn head_and_bounds(signature: &str) -> (&str, Bounds<'_>) {
    let (head, rest) = signature.split_once(" where ").unwrap_or((signature, ""));
    let bounds = split(rest, ", ").into_iter().filter_map(|bound| bound.split_once(": "));
    (head, bounds.map(|(about, bounds)| (about, split(bounds, " + ").into_iter().collect())).collect())
}

fn asks_for_less(tokio: &Bounds<'_>, ours: &Bounds<'_>) -> bool {
    let nothing = BTreeSet::new();
    let abouts = tokio.keys().chain(ours.keys());
    abouts.into_iter().all(|about| {
        let (wanted, asked) = (tokio.get(about).unwrap_or(&nothing), ours.get(about).unwrap_or(&nothing));
        let more = asked.iter().any(|bound| *bound != "?Sized" && !wanted.contains(bound));
        // Where ours does not name a type at all, it does not ask that it is sized either.
        let sized = wanted.contains("?Sized") && !asked.contains("?Sized") && ours.contains_key(about);
        !more && !sized
    })
}

/// At separators outside of brackets.
fn split<'a>(text: &'a str, separator: &str) -> Vec<&'a str> {
    let (mut parts, mut start, mut depth, mut last) = (Vec::new(), 0, 0, ' ');
    for (at, c) in text.char_indices() {
        match c {
            '<' | '(' | '[' => depth += 1,
            '>' if last == '-' => {}
            '>' | ')' | ']' => depth -= 1,
            _ if depth == 0 && at >= start && text[at..].starts_with(separator) => {
                parts.push(&text[start..at]);
                start = at + separator.len();
            }
            _ => {}
        }
        last = c;
    }
    parts.push(&text[start..]);
    parts.retain(|part| !part.is_empty());
    parts
}

#[cfg(test)]
mod self_tests {
    use super::*;

    fn item(kind: &str, signature: &str) -> Item {
        Item { name: "a::B".into(), kind: kind.into(), signature: signature.into(), systems: String::new() }
    }

    fn wider(kind: &str, tokio: &str, ours: &str) -> bool {
        is_wider(&item(kind, tokio), &item(kind, ours))
    }

    #[test]
    fn fewer_bounds_are_wider_and_more_are_not() {
        let fewer = [
            ("fn(T) where T: Read + Send, U: Sync", "fn(T) where T: Send"),
            ("fn(T) -> T where T: Fn(u8, u8) -> Vec<U> + Send { … }", "fn(T) -> T where T: Send { … }"),
            ("fn(T) where T: Buf", "fn(T) where T: ?Sized + Buf"),
            ("fn(T) where T: Buf", "const fn(T)"),
        ];
        for (tokio, ours) in fewer {
            assert!(wider("method", tokio, ours), "{ours}");
            assert!(!wider("method", ours, tokio), "{tokio}");
        }
        assert!(!wider("method", "fn(T) where T: ?Sized + Buf", "fn(T) where T: Buf"));
        assert!(!wider("method", "fn(T)", "fn(U)"));
        assert!(!wider("method", "fn(T) where T: Buf { … }", "fn(T)"), "no longer provided");
    }

    #[test]
    fn more_auto_traits_are_wider() {
        assert!(wider("auto", "Send where T: Send + Sync; Unpin", "Send where T: Send; Sync; Unpin"));
        assert!(wider("auto", "", "Send"));
        assert!(!wider("auto", "Send; Sync", "Send"));
        assert!(!wider("auto", "Send", "Send where T: Send"));
    }
}
