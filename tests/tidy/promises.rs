//! Law: a promise has a test of its name.
//!
//! `docs/promises.md` numbers what users may rely on: headings of the form "## P3 `name`: …", without a gap. Each has
//! `tests/promises/name.rs`, and each file there is a promise. (The second half rests until the binary exists.)

use super::Finding;
use super::repo::Repo;

const PAGE: &str = "docs/promises.md";
const TESTS: &str = "tests/promises/";

fn check(repo: &Repo) -> Vec<Finding> {
    let page = repo.get(PAGE).map_or("", |page| page.text.as_str());
    let headings = page.lines().enumerate().filter(|(_, line)| line.starts_with("## P"));
    let mut findings = Vec::new();
    let mut names = Vec::new();
    for (place, (number, line)) in headings.enumerate() {
        let expected = format!("## P{} `", place + 1);
        let name = line.strip_prefix(&expected).and_then(|rest| rest.split_once("`: ")).map(|(name, _)| name);
        match name {
            Some(name) => names.push((number + 1, name)),
            None => findings.push(Finding::new(
                PAGE,
                number + 1,
                format!("`{line}` is not promise number {}", place + 1),
                format!("Write \"{expected}name`: what is promised\"; numbers have no gaps and are never used again."),
            )),
        }
    }
    if repo.get("tests/promises/main.rs").is_some() {
        findings.extend(against_tests(repo, &names));
    }
    findings
}

fn against_tests(repo: &Repo, names: &[(usize, &str)]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (line, name) in names {
        let has_test = repo.get(&format!("{TESTS}{name}.rs")).is_some_and(|file| file.code.contains("fn "));
        if !has_test {
            let remedy = "A promise without a test is a wish: write the test, or take the promise back.";
            findings.push(Finding::new(PAGE, *line, format!("no test in {TESTS}{name}.rs"), remedy));
        }
    }
    for file in repo.rust().filter(|file| file.path.starts_with(TESTS)) {
        let name = file.path.trim_start_matches(TESTS).trim_end_matches(".rs");
        if name != "main" && !name.contains('/') && !names.iter().any(|(_, promised)| *promised == name) {
            let remedy = "Add the promise, with the next number; or move the test to tests/api.";
            findings.push(Finding::new(&file.path, 1, format!("{PAGE} does not promise `{name}`"), remedy));
        }
    }
    findings
}

#[test]
fn promises_have_tests() {
    super::keep("a promise has a test of its name", check);
}

#[test]
fn the_law_compares_numbers_and_names() {
    let page = |text| (PAGE, text);
    let main = ("tests/promises/main.rs", "mod once;");
    let once = ("tests/promises/once.rs", "#[test] fn once() {}");
    let good = "## P1 `once`: a task is dropped once\n";
    super::expect_findings(check, &[page(good), main, once], 0);
    super::expect_findings(check, &[page(good), main], 1);
    super::expect_findings(check, &[page(""), main, once], 1);
    super::expect_findings(check, &[page("## P2 `once`: a gap\n")], 1);
    super::expect_findings(check, &[page("## P1 once\n")], 1);
}
