//! D34: what the README tells people to write into their manifests works, beside a clone of this repository.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Every feature that tokio 1.54 names.
const FEATURES: [&str; 18] = [
    "default",
    "fs",
    "full",
    "io-std",
    "io-uring",
    "io-util",
    "macros",
    "net",
    "parking_lot",
    "process",
    "rt",
    "rt-multi-thread",
    "schedule-latency",
    "signal",
    "sync",
    "taskdump",
    "test-util",
    "time",
];

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ is in the repository").to_owned()
}

/// The manifests' lines in a page: its blocks of TOML.
fn blocks<'a>(page: &'a str, language: &str) -> Vec<&'a str> {
    let fence = format!("```{language}\n");
    page.split(fence.as_str()).skip(1).map(|rest| rest.split("```").next().expect("split gives one")).collect()
}

/// Checks a program with these lines in its manifest, beside a folder `runtime` that is this repository.
fn check(name: &str, lines: &str, program: &str) {
    let beside = Path::new(env!("CARGO_TARGET_TMPDIR")).join("manifests");
    let folder = beside.join(name);
    fs::create_dir_all(folder.join("src")).expect("the folder can be made");
    // Others may make the same link at the same time; if it is missing after all, cargo says so.
    let _ = std::os::unix::fs::symlink(repository(), beside.join("runtime"));
    let manifest =
        format!("[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n{lines}\n[workspace]\n");
    fs::write(folder.join("Cargo.toml"), manifest).expect("the manifest can be written");
    fs::write(folder.join("src/main.rs"), program).expect("the program can be written");
    fs::copy(repository().join("Cargo.lock"), folder.join("Cargo.lock")).expect("the versions we test with");
    let output = Command::new(env!("CARGO"))
        .args(["check", "--quiet", "--manifest-path"])
        .arg(folder.join("Cargo.toml"))
        .arg("--target-dir")
        .arg(beside.join("target"))
        .output()
        .expect("cargo starts");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name} does not build:\n{lines}\n{error}");
}

#[test]
fn d34_the_readme_builds_as_it_stands() {
    let readme = fs::read_to_string(repository().join("README.md")).expect("README.md is there");
    let manifests = blocks(&readme, "toml");
    // The last one is for programs of other people's crates: tests/ecosystem/run moves one by it.
    let [ours, as_tokio, _patch] = manifests[..] else { panic!("README.md shows these manifests: {manifests:#?}") };
    let programs = blocks(&readme, "rust,no_run");
    check("readme-program", ours, programs.first().expect("README.md begins with a program"));
    // The same program in tokio's name.
    check("readme-tokio", as_tokio, &programs[0].replace("runtime::", "tokio::"));
}

#[test]
fn d34_every_feature_name_of_tokio_is_there() {
    let names = FEATURES.map(|name| format!("\"{name}\"")).join(", ");
    let lines = format!(
        "[dependencies]\ntokio = {{ package = \"runtime\", path = \"../runtime/runtime\", default-features = false, features = [{names}, \"tracing\"] }}\n"
    );
    check("all-features", &lines, "#[tokio::main]\nasync fn main() { tokio::task::yield_now().await }\n");
}
