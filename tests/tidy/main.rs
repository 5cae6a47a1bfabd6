//! The laws of the house, as tests.
//!
//! Owns: reading the repository, the laws, and how a breach is reported.
//! Not here: what the compiler, clippy or rustfmt already refuse.
//!
//! Each law is a function `check(&Repo) -> Vec<Finding>` in a file of its own, with
//!
//! - one test that runs it over this repository, and
//! - self-tests that plant a breach in an invented repository and see it found, and see the legal neighbour of that
//!   breach pass. A law that cannot fail keeps nothing.
//!
//! The laws read tokens, not syntax trees: comments and the insides of strings are blanked by `lexer`, so a law never
//! trips over prose, and a planted snippet in a string never trips the law itself.
//!
//! Rejected: a parser crate. The laws need paths, attributes and names; 150 lines of lexer find them, and the tests
//! build without a dependency that follows the language's grammar.

mod bugs;
mod cancel_safety;
mod cfgs;
mod circles;
mod dependencies;
mod generic_types;
mod heads;
mod layers;
mod leftovers;
mod length;
mod lexer;
mod links;
mod machine;
mod museum;
mod names;
mod promises;
mod repo;
mod tokio;
mod tokio_page;
mod tokio_wider;
mod unsafety;

use repo::Repo;
use std::fmt;

/// One breach of a law.
#[derive(Debug)]
struct Finding {
    file: String,
    line: usize,
    what: String,
    remedy: String,
}

impl Finding {
    fn new(file: &str, line: usize, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Finding { file: file.to_owned(), line, what: what.into(), remedy: remedy.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}\n    {}", self.file, self.line, self.what, self.remedy)
    }
}

/// Runs a law over this repository and fails with every breach at once.
#[track_caller]
fn keep(law: &str, check: fn(&Repo) -> Vec<Finding>) {
    let repo = Repo::open();
    let findings = check(&repo);
    let list: Vec<String> = findings.iter().map(Finding::to_string).collect();
    assert!(
        list.is_empty(),
        "the law \"{law}\" is broken in {} place{}:\n\n{}\n",
        list.len(),
        if list.len() == 1 { "" } else { "s" },
        list.join("\n"),
    );
}

/// For self-tests: the law finds `count` breaches in the planted files.
#[track_caller]
fn expect_findings(check: fn(&Repo) -> Vec<Finding>, files: &[(&str, &str)], count: usize) -> Vec<Finding> {
    let findings = check(&Repo::planted(files));
    let list: Vec<String> = findings.iter().map(Finding::to_string).collect();
    assert_eq!(list.len(), count, "the law found:\n{}", list.join("\n"));
    findings
}
