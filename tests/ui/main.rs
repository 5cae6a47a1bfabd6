//! What the compiler says about wrong uses of the macros, and that right ones compile without a warning.
//!
//! `fail/` has a `.stderr` beside each file: `TRYBUILD=overwrite cargo test -p runtime-tests --test ui` writes them anew;
//! read the difference before you commit it. The messages of rustc itself change with its version, so the files are
//! compared on the version that made them, the one named below, and elsewhere only checked to fail.
//! `renamed/` is a package that knows this crate as `tokio` only.

mod manifests;

use std::path::Path;
use std::process::Command;

/// The compiler whose wording the `.stderr` files have.
const RECORDED_WITH: &str = "1.95.";

#[test]
fn wrong_uses_are_explained_and_right_ones_compile_quietly() {
    let cases = trybuild::TestCases::new();
    cases.pass("ui/pass/*.rs");
    if rustc_version().contains(RECORDED_WITH) {
        cases.compile_fail("ui/fail/*.rs");
    } else {
        eprintln!("the messages in ui/fail were recorded with rustc {RECORDED_WITH}x and are not compared");
    }
}

#[test]
fn attributes_find_the_crate_under_another_name() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("ui/renamed");
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("renamed");
    let output = Command::new(env!("CARGO"))
        .args(["test", "--quiet", "--manifest-path"])
        .arg(package.join("Cargo.toml"))
        .arg("--target-dir")
        .arg(target)
        .output()
        .expect("cargo starts");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "the renamed package failed:\n{out}\n{err}");
    assert!(out.contains("9 passed"), "not all of its tests ran:\n{out}\n{err}");
}

fn rustc_version() -> String {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("--version").output().expect("rustc starts");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
