//! Rust text to tokens: just enough of the language to tell code from comments and strings.
//!
//! Owns: `split` (code and comments as two texts with the lines of the original), `tokens`, and the three questions
//! that several laws ask of tokens: attributes, modules, test regions.
//! Not here: grammar. A law that needs more than neighbouring tokens is too clever.

use std::ops::RangeInclusive;

/// A word, a `::`, or one other visible character, and the line it stands on (from 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    pub(crate) text: &'a str,
    pub(crate) line: usize,
}

/// A `mod name;` (or `mod name {`) with the attributes in front of it, each as its words joined by spaces.
#[derive(Debug)]
pub(crate) struct ModLine {
    pub(crate) name: String,
    pub(crate) line: usize,
    pub(crate) attributes: Vec<String>,
    pub(crate) inline: bool,
}

enum Kind {
    Code,
    Comment,
    Quoted,
}

/// `(code, comments)`: the same text twice, with everything else blanked. Lines stay where they are. A string keeps
/// its quotes in the code, so that `ignore = "…"` can be told from `ignore`.
pub(crate) fn split(text: &str) -> (String, String) {
    let chars: Vec<char> = text.chars().collect();
    let mut code = String::with_capacity(text.len());
    let mut comments = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let (end, kind) = piece(&chars, at);
        for (place, &c) in chars[at..end].iter().enumerate() {
            let blank = if c == '\n' { '\n' } else { ' ' };
            let delimiter = place == 0 || at + place + 1 == end;
            let (in_code, in_comments) = match kind {
                Kind::Code => (c, blank),
                Kind::Comment => (blank, c),
                Kind::Quoted if delimiter => (if c == '\n' { '\n' } else { '"' }, blank),
                Kind::Quoted => (blank, blank),
            };
            code.push(in_code);
            comments.push(in_comments);
        }
        at = end;
    }
    (code, comments)
}

/// Where the comment, literal or single character at `at` ends, and what it is.
fn piece(chars: &[char], at: usize) -> (usize, Kind) {
    let next = chars.get(at + 1).copied();
    match chars[at] {
        '/' if next == Some('/') => (find(chars, at, '\n'), Kind::Comment),
        '/' if next == Some('*') => (block_comment_end(chars, at), Kind::Comment),
        '"' => (string_end(chars, at + 1), Kind::Quoted),
        'r' if !continues_a_word(chars, at) => match raw_string_end(chars, at + 1) {
            Some(end) => (end, Kind::Quoted),
            None => (at + 1, Kind::Code),
        },
        'b' | 'c' if !continues_a_word(chars, at) && next == Some('r') => match raw_string_end(chars, at + 2) {
            Some(end) => (end, Kind::Quoted),
            None => (at + 1, Kind::Code),
        },
        '\'' if next == Some('\\') => (quoted_char_end(chars, at), Kind::Quoted),
        '\'' if chars.get(at + 2) == Some(&'\'') => (at + 3, Kind::Quoted),
        _ => (at + 1, Kind::Code),
    }
}

fn continues_a_word(chars: &[char], at: usize) -> bool {
    // `br"` is handled at its `b`; an `r` inside a word starts nothing.
    at > 0 && (chars[at - 1].is_alphanumeric() || chars[at - 1] == '_')
}

fn find(chars: &[char], from: usize, wanted: char) -> usize {
    chars[from..].iter().position(|&c| c == wanted).map_or(chars.len(), |offset| from + offset)
}

fn block_comment_end(chars: &[char], at: usize) -> usize {
    let (mut depth, mut i) = (0, at);
    while i + 1 < chars.len() {
        match (chars[i], chars[i + 1]) {
            ('/', '*') => (depth, i) = (depth + 1, i + 2),
            ('*', '/') => (depth, i) = (depth - 1, i + 2),
            _ => i += 1,
        }
        if depth == 0 {
            return i;
        }
    }
    chars.len()
}

fn string_end(chars: &[char], from: usize) -> usize {
    let mut i = from;
    while i < chars.len() {
        match chars[i] {
            '\\' => i += 2,
            '"' => return i + 1,
            _ => i += 1,
        }
    }
    chars.len()
}

fn raw_string_end(chars: &[char], from: usize) -> Option<usize> {
    let hashes = chars[from..].iter().take_while(|&&c| c == '#').count();
    if chars.get(from + hashes) != Some(&'"') {
        return None;
    }
    let mut i = from + hashes + 1;
    while i < chars.len() {
        let closes = chars[i] == '"' && chars[i + 1..].iter().take(hashes).filter(|&&c| c == '#').count() == hashes;
        if closes {
            return Some(i + 1 + hashes);
        }
        i += 1;
    }
    Some(chars.len())
}

fn quoted_char_end(chars: &[char], at: usize) -> usize {
    // Past the backslash and the character it escapes, then to the closing quote (`'\''`, `'\u{1F980}'`).
    (find(chars, (at + 3).min(chars.len()), '\'') + 1).min(chars.len())
}

/// The tokens of a text that `split` has cleaned.
pub(crate) fn tokens(code: &str) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    for (number, line) in code.lines().enumerate() {
        let mut rest = line;
        while let Some(first) = rest.chars().next() {
            let length = if is_word(first) {
                rest.find(|c| !is_word(c)).unwrap_or(rest.len())
            } else if rest.starts_with("::") {
                2
            } else {
                first.len_utf8()
            };
            if !first.is_whitespace() {
                found.push(Token { text: &rest[..length], line: number + 1 });
            }
            rest = &rest[length..];
        }
    }
    found
}

pub(crate) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The place after the bracket that closes the one at `open`.
pub(crate) fn after_closing(tokens: &[Token<'_>], open: usize) -> usize {
    let mut depth = 0usize;
    for (place, token) in tokens.iter().enumerate().skip(open) {
        match token.text {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return place + 1;
        }
    }
    tokens.len()
}

/// The words of `tokens`, joined by single spaces.
pub(crate) fn joined(tokens: &[Token<'_>]) -> String {
    tokens.iter().map(|token| token.text).collect::<Vec<_>>().join(" ")
}

/// Every module declared in the text, whatever block it stands in.
pub(crate) fn mod_lines(tokens: &[Token<'_>]) -> Vec<ModLine> {
    let mut found = Vec::new();
    let mut attributes = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let text = tokens[at].text;
        if text == "#" && tokens.get(at + 1).is_some_and(|token| token.text == "[") {
            let end = after_closing(tokens, at + 1);
            attributes.push(joined(&tokens[at + 2..end - 1]));
            at = end;
            continue;
        }
        match text {
            "pub" => {
                let restricted = tokens.get(at + 1).is_some_and(|token| token.text == "(");
                at = if restricted { after_closing(tokens, at + 1) } else { at + 1 };
                continue;
            }
            "mod" => {
                if let (Some(name), Some(end)) = (tokens.get(at + 1), tokens.get(at + 2))
                    && (end.text == ";" || end.text == "{")
                {
                    found.push(ModLine {
                        name: name.text.to_owned(),
                        line: tokens[at].line,
                        attributes: std::mem::take(&mut attributes),
                        inline: end.text == "{",
                    });
                }
            }
            _ => {}
        }
        attributes.clear();
        at += 1;
    }
    found
}

/// Does this attribute compile its item into tests only?
pub(crate) fn is_test_only(attribute: &str) -> bool {
    attribute == "cfg ( test )" || attribute.starts_with("cfg ( all ( test ,") || attribute.ends_with(", test ) )")
}

/// The lines of inline modules that only tests compile.
pub(crate) fn test_regions(tokens: &[Token<'_>]) -> Vec<RangeInclusive<usize>> {
    let mut regions = Vec::new();
    let declared = mod_lines(tokens);
    for module in declared.iter().filter(|module| module.inline) {
        if module.attributes.iter().any(|attribute| is_test_only(attribute)) {
            let open = tokens
                .iter()
                .position(|token| token.line >= module.line && token.text == "{")
                .expect("an inline module has a brace");
            let close = after_closing(tokens, open) - 1;
            regions.push(module.line..=tokens[close].line);
        }
    }
    regions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_strings_are_blanked_and_lines_stay() {
        let text = "let a = \"unsafe \\\" x\"; // unsafe\n/* unsafe\n/* nested */ unsafe */ let b = 'x';\nlet c = r#\"un\"safe\"#;";
        let (code, comments) = split(text);
        assert!(!code.contains("unsafe") && !code.contains("un\"safe"), "{code}");
        assert_eq!(code.lines().count(), text.lines().count());
        assert_eq!(comments.matches("unsafe").count(), 3);
        assert!(code.contains("let b") && code.contains("let c"), "{code}");
    }

    #[test]
    fn lifetimes_are_no_quotes() {
        let (code, _) =
            split("fn f<'a>(x: &'a str, q: char) -> bool { q == '\\'' || q == '\"' || x == \"'\" } fn g() {}");
        assert!(code.contains("fn f<'a>(x: &'a str"), "{code}");
        assert!(code.contains("fn g"), "{code}");
        assert!(split("let r#unsafe_name = b\"x\"; let y = br\"fn\";").0.contains("r#unsafe_name"));
    }

    #[test]
    fn modules_carry_their_attributes() {
        let tokens = tokens("#[cfg(test)]\n#[allow(unsafe_code)]\npub(crate) mod one;\nmod two { fn f() {} }");
        let found = mod_lines(&tokens);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].attributes, ["cfg ( test )", "allow ( unsafe_code )"]);
        assert_eq!((found[0].line, found[0].inline), (3, false));
        assert!(found[1].attributes.is_empty() && found[1].inline);
    }

    #[test]
    fn a_test_region_spans_its_module() {
        let tokens = tokens("fn f() {}\n#[cfg(test)]\nmod tests {\n fn g() {}\n}\nfn h() {}");
        assert_eq!(test_regions(&tokens), [3..=5]);
    }
}
