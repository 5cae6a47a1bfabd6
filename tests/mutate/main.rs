//! Plants bugs, one at a time, in a copy of the working tree, and prints which test caught each.
//!
//! Owns: the order of a run, the sample, the report.
//! Not here: the bugs (`tests/mutate/bugs`), the law that their texts still occur (`tests/tidy/bugs.rs`).
//!
//! ```text
//! mutate                   every bug, with the test that the table names
//! mutate E1 sync ...       these bugs, or these files of the table
//! mutate --sample 3        so many, drawn by MUTATE_SEED, which is printed
//! mutate --wide ...        each with all tests of the usual binaries, too: who else would have seen it?
//! mutate --check           nothing is built: does every old text still occur once?
//! ```
//!
//! A bug is caught when its test fails, aborts or hangs. One that does not compile is an error of the table. The named tests
//! have to pass on the unchanged copy first: a test that always fails catches nothing.

mod copy;
mod table;
mod trial;

use copy::Copy;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Instant, SystemTime};
use table::{Bug, Catcher, Table};
use trial::{Bench, Outcome};

/// Where `--wide` looks: package and binary.
const USUAL: [(&str, &str); 6] = [
    ("timer-wheel", "lib"),
    ("io-driver", "lib"),
    ("runtime", "lib"),
    ("runtime-tests", "api"),
    ("runtime-tests", "museum"),
    ("runtime-tests", "promises"),
];

#[derive(Default)]
struct Wishes {
    check: bool,
    wide: bool,
    sample: Option<usize>,
    picked: Vec<String>,
}

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("mutate: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<bool, String> {
    let wishes = wishes()?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("`tests` lies in the root");
    let table = read_table(root)?;
    if wishes.check {
        return check(root, &table);
    }
    let mut bugs: Vec<&Bug> = table.bugs.iter().filter(|bug| is_picked(bug, &wishes.picked)).collect();
    if let Some(count) = wishes.sample {
        bugs = sample(bugs, count);
    }
    if bugs.is_empty() {
        return Err("no bug has this name, and no file of the table".to_owned());
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from).join("mutate");
    let copy = Copy::make(root, &target)?;
    let bench = Bench { tree: copy.tree.clone(), target };
    passes_unchanged(&bench, &copy, &bugs)?;
    let begun = Instant::now();
    let (mut missed, mut broken) = (Vec::new(), Vec::new());
    for bug in &bugs {
        match try_bug(&bench, &copy, bug, wishes.wide) {
            Ok(true) => {}
            Ok(false) => missed.push(bug.id.as_str()),
            Err(error) => {
                println!("{:<28} ERROR: {error}", bug.id);
                broken.push(bug.id.as_str());
            }
        }
    }
    if wishes.sample.is_none() && wishes.picked.is_empty() {
        table.argued.iter().for_each(|argued| println!("{:<28} not planted: {}", argued.id, argued.why));
    }
    for (what, ids) in [("SURVIVED", &missed), ("NOT TRIED", &broken)] {
        if !ids.is_empty() {
            println!("{what}: {}", ids.join(" "));
        }
    }
    let caught = bugs.len() - missed.len() - broken.len();
    println!("{} bugs, {caught} caught, in {} s", bugs.len(), begun.elapsed().as_secs());
    Ok(caught == bugs.len())
}

fn wishes() -> Result<Wishes, String> {
    let mut wishes = Wishes::default();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--check" => wishes.check = true,
            "--wide" => wishes.wide = true,
            "--sample" => {
                let count = arguments.next().and_then(|count| count.parse().ok());
                wishes.sample = Some(count.ok_or("--sample wants a number")?);
            }
            other if other.starts_with('-') => return Err(format!("there is no {other}; see tests/mutate/main.rs")),
            _ => wishes.picked.push(argument),
        }
    }
    Ok(wishes)
}

fn read_table(root: &Path) -> Result<Table, String> {
    let folder = root.join("tests/mutate/bugs");
    let entries = std::fs::read_dir(&folder).map_err(|error| format!("cannot list {}: {error}", folder.display()))?;
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    let mut table = Table::default();
    for path in paths {
        let text =
            std::fs::read_to_string(&path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        table.read(&format!("tests/mutate/bugs/{name}"), &text)?;
    }
    Ok(table)
}

fn is_picked(bug: &Bug, picked: &[String]) -> bool {
    let file = bug.at.0.rsplit('/').next().unwrap_or_default();
    picked.is_empty() || picked.iter().any(|name| *name == bug.id || name == file)
}

fn check(root: &Path, table: &Table) -> Result<bool, String> {
    let mut good = true;
    for bug in &table.bugs {
        for edit in &bug.edits {
            let text = std::fs::read_to_string(root.join(&edit.file)).unwrap_or_default();
            if let Err(what) = edit.planted(&text) {
                good = false;
                println!("{}:{}: {}: {what}", bug.at.0, bug.at.1, bug.id);
            }
        }
    }
    println!("{} bugs, each text {}", table.bugs.len(), if good { "occurs once" } else { "looked for" });
    Ok(good)
}

/// Drawn by a seed, which is printed. Models are left out: they build with flags of their own, which takes minutes. So are
/// bugs that threads race for: a sample must not fail by chance.
fn sample(bugs: Vec<&Bug>, count: usize) -> Vec<&Bug> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let given = std::env::var("MUTATE_SEED").ok().and_then(|seed| seed.parse().ok());
    let mut seed: u64 = given.unwrap_or(now.as_secs());
    println!("MUTATE_SEED={seed}");
    let mut rest: Vec<&Bug> = bugs.into_iter().filter(|bug| bug.test.binary != "loom" && bug.tries == 1).collect();
    let mut drawn = Vec::new();
    while drawn.len() < count && !rest.is_empty() {
        // SplitMix64.
        seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        drawn.push(rest.swap_remove(((mixed ^ (mixed >> 31)) % rest.len() as u64) as usize));
    }
    drawn
}

/// Every test that the bugs name runs, and passes, without a bug. The error names all that do not.
fn passes_unchanged(bench: &Bench, copy: &Copy, bugs: &[&Bug]) -> Result<(), String> {
    let mut left: Vec<&Catcher> = bugs.iter().map(|bug| &bug.test).collect();
    let mut wrong = Vec::new();
    while let Some(first) = left.first().copied() {
        let begun = Instant::now();
        let same = |test: &&Catcher| test.package == first.package && test.binary == first.binary;
        let mut names: Vec<&str> = left.iter().filter(|test| same(test)).map(|test| test.name.as_str()).collect();
        left.retain(|test| !same(test));
        names.sort_unstable();
        names.dedup();
        copy.narrow(&first.binary, &names)?;
        let binary = bench.build(first)?;
        // Alone, as they will run with a bug.
        for name in &names {
            match bench.run(&binary, first, &[name], false)? {
                (Outcome::Passed, _) => {}
                (outcome, said) => wrong.push(format!("{name}: {outcome:?}\n{}", last_lines(&said))),
            }
        }
        let seconds = begun.elapsed().as_secs();
        println!("{} {}: {} tests without a bug, {seconds} s", first.package, first.binary, names.len());
    }
    if wrong.is_empty() { Ok(()) } else { Err(format!("without any bug, these do not pass:\n{}", wrong.join("\n"))) }
}

fn try_bug(bench: &Bench, copy: &Copy, bug: &Bug, wide: bool) -> Result<bool, String> {
    let begun = Instant::now();
    let stale = |what: String| format!("{}:{}: the bug {}: {what}", bug.at.0, bug.at.1, bug.id);
    copy.plant(&bug.edits).map_err(stale)?;
    let tried = try_planted(bench, copy, bug, wide);
    copy.mend(&bug.edits)?;
    let (outcome, others) = tried.map_err(stale)?;
    let how = match outcome {
        Outcome::Failed => "caught  ",
        Outcome::Hung if bug.test.binary != "loom" => "caught, by its time limit,",
        Outcome::Hung | Outcome::Passed => "SURVIVED",
        Outcome::NotThere => return Err(stale(format!("there is no test {}", bug.test.name))),
    };
    let test = &bug.test;
    let seconds = begun.elapsed().as_secs();
    println!("{:<28} {how} {seconds:>3} s  {} {} {}: {}", bug.id, test.package, test.binary, test.name, bug.what);
    others.iter().for_each(|name| println!("{:<28}   also {name}", ""));
    Ok(how != "SURVIVED" || !others.is_empty())
}

/// What the named test says, and with `wide` the names of the others that fail.
fn try_planted(bench: &Bench, copy: &Copy, bug: &Bug, wide: bool) -> Result<(Outcome, Vec<String>), String> {
    copy.narrow(&bug.test.binary, &[&bug.test.name])?;
    let binary = bench.build(&bug.test)?;
    let mut outcome = Outcome::Passed;
    for _ in 0..bug.tries {
        outcome = bench.run(&binary, &bug.test, &[&bug.test.name], true)?.0;
        if outcome != Outcome::Passed {
            break;
        }
    }
    let mut others = Vec::new();
    for (package, binary) in USUAL.iter().filter(|_| wide) {
        let all = Catcher { package: (*package).to_owned(), binary: (*binary).to_owned(), name: String::new() };
        copy.narrow(binary, &[])?;
        let path = bench.build(&all)?;
        let (outcome, said) = bench.run(&path, &all, &[], true)?;
        let failed = said.lines().filter_map(|line| line.strip_prefix("test ")?.strip_suffix(" ... FAILED"));
        let failed: Vec<&str> = failed.filter(|name| *name != bug.test.name).collect();
        if failed.is_empty() && outcome == Outcome::Hung {
            others.push(format!("{package} {binary}, which hangs"));
        }
        others.extend(failed.iter().map(|name| format!("{package} {binary} {name}")));
    }
    Ok((outcome, others))
}

fn last_lines(said: &str) -> String {
    let lines: Vec<&str> = said.lines().collect();
    lines[lines.len().saturating_sub(30)..].join("\n")
}
