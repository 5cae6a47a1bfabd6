//! Under which path the caller reaches the runtime.
//!
//! Owns: that question.   Not here: `crate = "…"`, which answers it before we are asked.
//!
//! The danger: an attribute macro has no `$crate`. Under `tokio = { package = "runtime" }` there is no `::runtime`, and
//! a fixed path breaks its user. Two sources tell, in this order:
//!
//! 1. The user's manifest (`manifest`). Where the attribute as it was written, `#[tokio::main]`, which the compiler hands out
//!    as source text, begins with a name that the manifest has for us, it is that one of two names.
//! 2. The path of the attribute, where its last name is ours: `#[web::tokio::main]`. It is not taken from just any name: in
//!    `#[crate::fixtures::test]` somebody exports the attribute again and nothing else, and in
//!    `#[test_log::test(runtime::test)]` another crate's attribute wrote ours, and the text is that crate's.
//!
//! Where neither knows, it is the package's own name, `::runtime` or `::tokio`.
//! Rejected: the `proc-macro-crate` package, which brings a whole TOML parser into every build for the rarer case.

mod manifest;

use crate::entry::Kind;
use manifest::Names;
use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;

/// Which package an attribute comes from: ours, or the one called `tokio` that offers ours under that name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Package {
    Runtime,
    Tokio,
}

impl Package {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Package::Runtime => "runtime",
            Package::Tokio => "tokio",
        }
    }
}

/// The path to the runtime's crate for this attribute at `call_site`.
pub(crate) fn root(kind: Kind, call_site: Span) -> TokenStream {
    let written = call_site.source_text().and_then(|text| WrittenPath::before(kind.name(), &text));
    decide(written, kind.package(), &manifest::names_of_this_package()).tokens(call_site)
}

fn decide(written: Option<WrittenPath>, package: Package, names: &Names) -> WrittenPath {
    match written {
        Some(path) if path.single_name().is_some_and(|name| names.contains(name)) => path,
        written => match names.of(package) {
            Some(name) => WrittenPath::of_crate(name),
            None => written.filter(WrittenPath::is_telling).unwrap_or_else(|| WrittenPath::of_crate(package.name())),
        },
    }
}

/// The path in front of the attribute's own name.
#[derive(Clone, Debug, PartialEq, Eq)]
struct WrittenPath {
    absolute: bool,
    segments: Vec<String>,
}

impl WrittenPath {
    fn of_crate(name: &str) -> Self {
        WrittenPath { absolute: true, segments: vec![name.to_owned()] }
    }

    /// Reads `#[a::b::main]`, `#[a::b::main(…)]`, or the same without `#[`, as it stands in `cfg_attr`. Anything else,
    /// a bare `main` included, says nothing.
    fn before(attribute: &str, text: &str) -> Option<Self> {
        let text = text.trim();
        let text = match text.strip_prefix('#') {
            Some(rest) => rest.trim_start().strip_prefix('[')?.trim_start(),
            None => text,
        };
        let is_path = |c: char| c.is_alphanumeric() || c.is_whitespace() || matches!(c, '_' | ':' | '#');
        let end = text.find(|c| !is_path(c)).unwrap_or(text.len());
        let (path, rest) = text.split_at(end);
        if !(rest.is_empty() || rest.starts_with(['(', ']'])) {
            return None;
        }
        let path = path.trim();
        let (absolute, path) = match path.strip_prefix("::") {
            Some(path) => (true, path),
            None => (false, path),
        };
        let mut segments: Vec<String> = path.split("::").map(|segment| segment.trim().to_owned()).collect();
        let last = segments.pop()?;
        let valid = last == attribute && !segments.is_empty() && segments.iter().all(|segment| is_identifier(segment));
        valid.then_some(WrittenPath { absolute, segments })
    }

    /// Does the path alone say that it leads to us?
    fn is_telling(&self) -> bool {
        self.segments.last().is_some_and(|last| matches!(last.as_str(), "runtime" | "tokio"))
    }

    fn single_name(&self) -> Option<&str> {
        match &self.segments[..] {
            [name] => Some(name),
            _ => None,
        }
    }

    fn tokens(&self, span: Span) -> TokenStream {
        let leading = self.absolute.then(|| quote!(::));
        let segments = self.segments.iter().map(|segment| match segment.strip_prefix("r#") {
            Some(raw) => Ident::new_raw(raw, span),
            None => Ident::new(segment, span),
        });
        quote!(#leading #(#segments)::*)
    }
}

fn is_identifier(text: &str) -> bool {
    let text = text.strip_prefix("r#").unwrap_or(text);
    !text.is_empty()
        && text != "_"
        && !text.starts_with(|c: char| c.is_numeric())
        && text.chars().all(|c| c.is_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> Option<String> {
        let path = WrittenPath::before("main", text)?;
        Some(format!("{}{}", if path.absolute { "::" } else { "" }, path.segments.join("::")))
    }

    #[test]
    fn the_path_is_read_off_every_way_to_write_the_attribute() {
        for (text, path) in [
            ("#[tokio::main]", "tokio"),
            ("#[::runtime::main]", "::runtime"),
            ("#[ tokio :: main ]", "tokio"),
            ("# [tokio::main(flavor = \"current_thread\")]", "tokio"),
            ("tokio::main", "tokio"),
            ("tokio::main(worker_threads = 2)", "tokio"),
            ("#[crate::rt::main]", "crate::rt"),
            ("#[r#gen::main]", "r#gen"),
        ] {
            assert_eq!(written(text).as_deref(), Some(path), "{text}");
        }
    }

    #[test]
    fn what_is_not_our_attribute_says_nothing() {
        for text in
            ["#[main]", "main", "#[$crate::tokio::main]", "#[$p]", "#[tokio::test]", "#[derive(X)] struct main", ""]
        {
            assert_eq!(written(text), None, "{text}");
        }
        for text in ["fn main() {}", "tokio::main!()", "#[a b::main]", "#[1::main]", "#[a::::main]", "::main"] {
            assert_eq!(written(text), None, "{text}");
        }
    }

    fn decided_for(package: Package, text: &str, runtime: Option<&str>, tokio: Option<&str>) -> String {
        let names = Names { runtime: runtime.map(str::to_owned), tokio: tokio.map(str::to_owned) };
        let written = WrittenPath::before("main", text);
        decide(written, package, &names).tokens(Span::call_site()).to_string().replace(' ', "")
    }

    fn decided(text: &str, runtime: Option<&str>, tokio: Option<&str>) -> String {
        decided_for(Package::Runtime, text, runtime, tokio)
    }

    #[test]
    fn the_written_path_chooses_where_it_leads_to_us() {
        assert_eq!(decided("#[tokio::main]", Some("tokio"), None), "tokio");
        assert_eq!(decided("#[tokio::main]", Some("runtime"), Some("tokio")), "tokio");
        assert_eq!(decided("#[rt::main]", Some("rt"), None), "rt");
        assert_eq!(decided("#[web::tokio::main]", None, None), "web::tokio");
        assert_eq!(decided("#[crate::runtime::main]", None, None), "crate::runtime");
    }

    /// Exported again under another path, the attribute says nothing of where the rest is.
    ///
    /// Fault: a path that begins with `crate` is believed.
    #[test]
    fn the_manifest_answers_for_bare_and_foreign_attributes() {
        assert_eq!(decided("#[main]", Some("tokio"), None), "::tokio");
        assert_eq!(decided("#[main]", Some("rt"), Some("tokio")), "::rt");
        assert_eq!(decided("#[main]", None, Some("tokio")), "::tokio");
        assert_eq!(decided("#[main]", None, None), "::runtime");
        assert_eq!(decided("#[crate::rt::main]", Some("runtime"), None), "::runtime");
        assert_eq!(decided("#[crate::fixtures::main]", Some("rt"), None), "::rt");
        assert_eq!(decided("#[web::main]", None, None), "::runtime");
        assert_eq!(decided("#[test_log::main(runtime::main)]", Some("rt"), None), "::rt");
    }

    #[test]
    fn the_attribute_of_the_package_tokio_leads_to_tokio() {
        let decided = |text, runtime, tokio| decided_for(Package::Tokio, text, runtime, tokio);
        assert_eq!(decided("#[tokio::main]", None, Some("tokio")), "tokio");
        assert_eq!(decided("#[crate::fixtures::main]", Some("runtime"), Some("tokio")), "::tokio");
        assert_eq!(decided("#[main]", None, Some("tk")), "::tk");
        assert_eq!(decided("#[crate::fixtures::main]", None, None), "::tokio");
        assert_eq!(decided("#[web::main]", None, None), "::tokio");
        assert_eq!(decided("#[web::tokio::main]", None, None), "web::tokio");
    }
}
