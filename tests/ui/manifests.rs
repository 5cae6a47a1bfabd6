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

/// A program with these lines in its manifest compiles, beside a folder `runtime` that is this repository.
fn check(name: &str, lines: &str, program: &str) {
    if let Err(error) = compile(name, lines, program) {
        panic!("{name} does not build:\n{lines}\n{error}");
    }
}

/// What the compiler says if it does not.
fn compile(name: &str, lines: &str, program: &str) -> Result<(), String> {
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
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { Ok(()) } else { Err(error) }
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

/// Whoever uses what a feature gates is told by the compiler which it is: so it stands on the item itself, in the crate's root.
///
/// Fault: the module `fs` is private, whatever the features.
#[test]
fn a_feature_that_is_off_is_named_by_the_compiler() {
    if !super::rustc_version().contains(super::RECORDED_WITH) {
        return eprintln!("rustc {}x is asked what it says, and no other", super::RECORDED_WITH);
    }
    let lines = "[dependencies]\nruntime = { path = \"../runtime/runtime\", default-features = false }\n";
    let program = "use runtime::{fs::read, process::Command, signal::ctrl_c};\n\n#[runtime::main]\nasync fn main() {\n    \
                   runtime::net::TcpListener::bind(\"127.0.0.1:0\").await.unwrap();\n}\n";
    let error = compile("features-off", lines, program).expect_err("nothing of it is there");
    for feature in ["fs", "macros", "net", "process", "signal"] {
        let named = format!("the item is gated behind the `{feature}` feature");
        assert!(error.contains(&named), "no {named:?} in:\n{error}");
    }
}
