//! Law: no circle of more than two files in the engine.
//!
//! Files that import each other in a circle are one thing to whoever reads, tests or changes one of them. A pair is let
//! pass: a type and the file that goes on with it. More than two need a row in [`KNOWN`] with the reason.
//!
//! The graph is that of paths: an arrow stands for a file that names a module or an item of another one, outside of tests
//! and models. A method that is called on a value without naming its type is no arrow. `tests/run graph` prints it.

use super::Finding;
use super::layers::{all_imports, module_path};
use super::lexer::{self, is_test_only};
use super::repo::Repo;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// Where the law holds.
const UNDER: &str = "runtime/src/engine/";

/// But not here: a task, what it inherits and its wakers know each other, and none of them makes sense without the others.
const EXEMPT: &str = "cell";

/// Circles that stay: their files below [`UNDER`] in the order of the alphabet, and why.
const KNOWN: &[(&[&str], &str)] = &[];

/// Each file and the files that it imports, by their paths.
type Graph<'r> = BTreeMap<&'r str, BTreeSet<&'r str>>;

fn graph(repo: &Repo) -> Graph<'_> {
    let declared = repo.declared();
    let ships = |path: &str| {
        let mut path = path;
        while let Some(line) = declared.get(path) {
            if line.module.attributes.iter().any(|attribute| is_test_only(attribute)) {
                return false;
            }
            path = &line.by;
        }
        true
    };
    let files: Vec<_> = repo.rust().filter(|file| file.path.starts_with(UNDER) && ships(&file.path)).collect();
    let by_module: HashMap<Vec<String>, &str> =
        files.iter().map(|file| (module_path(&file.path), file.path.as_str())).collect();
    let mut graph = Graph::new();
    for file in files {
        let modules = module_path(&file.path);
        let children: HashSet<_> = lexer::mod_lines(&file.tokens()).into_iter().map(|module| module.name).collect();
        let imports = all_imports(file, &modules).into_iter().map(|import| import.path);
        let named = imports.chain(paths_into(&children, &file.tokens(), &modules));
        let to = named.filter_map(|path| (1..=path.len()).rev().find_map(|len| by_module.get(&path[..len]).copied()));
        graph.insert(file.path.as_str(), to.filter(|to| *to != file.path).collect());
    }
    graph
}

/// Paths that begin with a child module, without `self`.
fn paths_into(children: &HashSet<String>, tokens: &[lexer::Token<'_>], modules: &[String]) -> Vec<Vec<String>> {
    let free = lexer::test_regions(tokens);
    let begins = |at: usize| {
        children.contains(tokens[at].text)
            && tokens.get(at + 1).is_some_and(|next| next.text == "::")
            && (at == 0 || !matches!(tokens[at - 1].text, "::" | "mod"))
            && !free.iter().any(|region| region.contains(&tokens[at].line))
    };
    let child = |at: usize| modules.iter().cloned().chain([tokens[at].text.to_owned()]).collect();
    (0..tokens.len()).filter(|at| begins(*at)).map(child).collect()
}

/// All files that can be reached from each.
fn reached<'r>(graph: &Graph<'r>) -> Graph<'r> {
    let from = |start: &&'r str| {
        let mut seen = BTreeSet::new();
        let mut next: Vec<&str> = graph[*start].iter().copied().collect();
        while let Some(file) = next.pop() {
            if seen.insert(file) {
                next.extend(graph.get(file).into_iter().flatten());
            }
        }
        (*start, seen)
    };
    graph.keys().map(from).collect()
}

/// Files of which each reaches all the others; those on no circle stand for themselves and are left out.
fn circles<'r>(graph: &Graph<'r>) -> BTreeSet<Vec<&'r str>> {
    let reached = reached(graph);
    let with = |file: &&'r str| {
        let others = reached[*file].iter().filter(|other| reached[**other].contains(*file));
        others.copied().collect::<Vec<_>>()
    };
    graph.keys().map(with).filter(|circle| circle.len() > 1).collect()
}

fn short(path: &str) -> &str {
    let inside = path.trim_start_matches(UNDER).trim_end_matches(".rs");
    inside.strip_suffix("/mod").unwrap_or(inside)
}

fn check(repo: &Repo) -> Vec<Finding> {
    judge(repo, KNOWN)
}

fn judge(repo: &Repo, known: &[(&[&str], &str)]) -> Vec<Finding> {
    let graph = graph(repo);
    let circles = circles(&graph);
    let names = |circle: &[&str]| circle.iter().map(|path| short(path).to_owned()).collect::<Vec<_>>();
    let mut findings = Vec::new();
    for circle in circles.iter().filter(|circle| circle.len() > 2 && !short(circle[0]).starts_with(EXEMPT)) {
        if !known.iter().any(|row| row.0 == names(circle)) {
            let what = format!("{} files import each other in a circle: {}", circle.len(), names(circle).join(", "));
            let remedy = "Move what two of them share to a file below both, or hand it in as an argument. \
                          `tests/run graph` shows the arrows.";
            findings.push(Finding::new(circle[0], 1, what, remedy));
        }
    }
    for (row, _) in known {
        if !circles.iter().any(|circle| names(circle) == *row) {
            let what = format!("KNOWN lists the circle of {}, which is none", row.join(", "));
            findings.push(Finding::new("tests/tidy/circles.rs", 1, what, "Take the row away."));
        }
    }
    findings
}

#[test]
fn files_of_the_engine_import_each_other_in_no_circle() {
    super::keep("no circle of more than two files in the engine", check);
    assert!(KNOWN.iter().all(|row| row.1.len() > 40), "each row of KNOWN gives its reason");
}

/// For `tests/run graph`: what the law sees of the scheduler, or of what `GRAPH` names below the engine.
#[test]
fn the_graph_is_printed() {
    let repo = Repo::open();
    let graph = graph(&repo);
    let under = std::env::var("GRAPH").unwrap_or_else(|_| "sched".to_owned());
    let is_shown = |path: &str| short(path) == under || short(path).starts_with(&format!("{under}/"));
    for (file, imports) in graph.iter().filter(|(file, _)| is_shown(file)) {
        let shown: Vec<_> = imports.iter().filter(|path| is_shown(path)).map(|path| short(path)).collect();
        println!("{:28} -> {}", short(file), shown.join(" "));
    }
    println!("\ncircles, in all of the engine:");
    for circle in circles(&graph) {
        println!("{:4} files: {}", circle.len(), circle.iter().map(|path| short(path)).collect::<Vec<_>>().join(" "));
    }
}

#[test]
fn a_circle_of_three_is_found_and_a_pair_passes() {
    let file = |name: &str| format!("{UNDER}sched/{name}.rs");
    let [parent, a, b, c] = ["mod", "a", "b", "c"].map(file);
    let children = (parent.as_str(), "mod a; mod b; mod c; #[cfg(test)] mod tests;");
    let uses = |what: &str| format!("use crate::engine::sched::{what};");
    let (to_a, to_b, to_c) = (uses("a::A"), uses("b::{self, B}"), uses("c::C"));
    let circle = [children, (&a, &to_b), (&b, &to_c), (&c, &to_a)];
    let findings = super::expect_findings(check, &circle, 1);
    assert!(findings[0].what.contains("3 files") && findings[0].what.contains("sched/a, sched/b, sched/c"));
    super::expect_findings(check, &[children, (&a, &to_b), (&b, &to_a), (&c, &to_a)], 0);
    // What only tests compile, and what stands in a comment, imports nothing.
    let in_tests = format!("#[cfg(test)] mod tests {{ {to_a} }} // {to_a}");
    super::expect_findings(check, &[children, (&a, &to_b), (&b, &to_c), (&c, &in_tests)], 0);
    let tests = file("tests");
    super::expect_findings(check, &[children, (&a, &to_b), (&b, &to_c), (&tests, &to_a)], 0);
    // A module that names its child without `self`.
    let parents = format!("{} fn f() {{ a::g() }}", children.1);
    let through = [(parent.as_str(), parents.as_str()), (&a, &to_b), (&b, "use super::{Parent, c};"), (&c, "")];
    super::expect_findings(check, &through, 1);
}

#[test]
fn a_row_that_is_no_circle_is_found() {
    let repo = Repo::planted(&[("runtime/src/engine/a.rs", "")]);
    assert_eq!(judge(&repo, &[(&["a", "b", "c"], "because")]).len(), 1);
}
