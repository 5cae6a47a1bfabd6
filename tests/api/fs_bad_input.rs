//! Every function that takes a path, on every path that may be wrong: it does to the files what std does, and its error has
//! std's kind.
//!
//! Each pair starts with two new folders of the same contents, one for std and one for us.

use runtime::fs;
use runtime_tests::{Flavor, Folder, watchdog_secs};
use std::ffi::{OsStr, OsString};
use std::fs as std_fs;
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What came of it, without what differs between two folders.
type Outcome = Result<String, ErrorKind>;

fn outcome<T: std::fmt::Debug>(result: io::Result<T>) -> Outcome {
    result.map(|value| format!("{value:?}")).map_err(|error| error.kind())
}

/// A function's name, std's outcome and ours.
type Case = (&'static str, fn(&Path, &Folder) -> Outcome, fn(PathBuf, PathBuf) -> BoxedOutcome);
type BoxedOutcome = std::pin::Pin<Box<dyn Future<Output = Outcome>>>;

/// `name: (path, other) => what std does, what we do`.
macro_rules! cases {
    ($($name:literal: |$path:ident, $other:ident| $std:expr, $ours:expr;)+) => {
        &[$(($name,
            |$path, folder| {
                let $other = folder.at("other");
                outcome($std)
            },
            |$path, $other| Box::pin(async move { outcome($ours.await) }),
        )),+]
    };
}

/// Where no value can be compared: that there is one.
fn forms<T>(_: T) {}

/// A name that is free.
fn new(other: &Path) -> PathBuf {
    other.with_file_name("new")
}

const CASES: &[Case] = cases! {
    "canonicalize": |path, _other| std_fs::canonicalize(path).map(forms), async { fs::canonicalize(path).await.map(forms) };
    "copy from": |path, other| std_fs::copy(path, other), fs::copy(path, other);
    "copy to": |path, other| std_fs::copy(other, path), fs::copy(other, path);
    "create_dir": |path, _other| std_fs::create_dir(path), fs::create_dir(path);
    "create_dir_all": |path, _other| std_fs::create_dir_all(path), fs::create_dir_all(path);
    "hard_link": |path, other| std_fs::hard_link(path, new(&other)), fs::hard_link(path, new(&other));
    "hard_link to": |path, other| std_fs::hard_link(other, path), fs::hard_link(other, path);
    "metadata": |path, _other| std_fs::metadata(path).map(forms), async { fs::metadata(path).await.map(forms) };
    "symlink_metadata": |path, _other| std_fs::symlink_metadata(path).map(forms),
        async { fs::symlink_metadata(path).await.map(forms) };
    "read": |path, _other| std_fs::read(path), fs::read(path);
    "read_to_string": |path, _other| std_fs::read_to_string(path), fs::read_to_string(path);
    "read_dir": |path, _other| std_fs::read_dir(path).map(Iterator::count), async {
        let (mut entries, mut count) = (fs::read_dir(path).await?, 0);
        while entries.next_entry().await?.is_some() {
            count += 1;
        }
        Ok(count)
    };
    "read_link": |path, _other| std_fs::read_link(path), fs::read_link(path);
    "remove_dir": |path, _other| std_fs::remove_dir(path), fs::remove_dir(path);
    "remove_dir_all": |path, _other| std_fs::remove_dir_all(path), fs::remove_dir_all(path);
    "remove_file": |path, _other| std_fs::remove_file(path), fs::remove_file(path);
    "rename": |path, other| std_fs::rename(path, new(&other)), fs::rename(path, new(&other));
    "rename to": |path, other| std_fs::rename(other, path), fs::rename(other, path);
    "set_permissions": |path, _other| std_fs::set_permissions(path, std_fs::Permissions::from_mode(0o751)),
        fs::set_permissions(path, std_fs::Permissions::from_mode(0o751));
    "symlink": |path, _other| symlink("where", path), fs::symlink("where", path);
    "symlink from": |path, other| symlink(path, new(&other)), fs::symlink(path, new(&other));
    "try_exists": |path, _other| std_fs::exists(path), fs::try_exists(path);
    "write": |path, _other| std_fs::write(path, b"abc"), fs::write(path, b"abc");
    "open": |path, _other| std_fs::File::open(path).map(forms), async { fs::File::open(path).await.map(forms) };
    "create": |path, _other| std_fs::File::create(path).map(forms), async { fs::File::create(path).await.map(forms) };
    "create_new": |path, _other| std_fs::File::create_new(path).map(forms),
        async { fs::File::create_new(path).await.map(forms) };
    "DirBuilder": |path, _other| std_fs::DirBuilder::new().create(path), async {
        fs::DirBuilder::new().create(path).await
    };
};

/// Names below a folder of [`stuffed`].
fn names() -> Vec<OsString> {
    let text = ["", ".", "missing", "missing/below", "file", "file/", "file/below", "folder", "folder/", "empty"];
    let more = ["link", "dangling", "loop", "loop/below", "up/file", "other", "with\0nul", "\0", "words"];
    let bytes = [&b"bytes\xff"[..], b"missing\xff/x", b"not text"].map(|bytes| OsStr::from_bytes(bytes).to_owned());
    let too_long = ["n".repeat(256), "n/".repeat(2100)].map(OsString::from);
    text.into_iter().chain(more).map(OsString::from).chain(too_long).chain(bytes).collect()
}

fn stuffed() -> Folder {
    let folder = Folder::in_memory();
    folder.file("file", "contents");
    folder.file("other", "other contents");
    folder.file("words", b"not text: \xff");
    folder.file(OsStr::from_bytes(b"bytes\xff"), "bytes");
    std_fs::create_dir(folder.at("folder")).unwrap();
    std_fs::create_dir(folder.at("empty")).unwrap();
    folder.file("folder/inside", "inside");
    symlink("file", folder.at("link")).unwrap();
    symlink("nowhere", folder.at("dangling")).unwrap();
    symlink("loop", folder.at("loop")).unwrap();
    symlink(".", folder.at("up")).unwrap();
    folder
}

/// All that is in a folder: paths, kinds, permissions, contents.
fn tree(folder: &Path, below: &Path, all: &mut Vec<String>) {
    let Ok(entries) = std_fs::read_dir(folder.join(below)) else { return all.push("gone".into()) };
    for entry in entries.map(Result::unwrap) {
        let (path, kind) = (below.join(entry.file_name()), entry.file_type().unwrap());
        let mode = entry.metadata().unwrap().mode();
        if kind.is_dir() {
            tree(folder, &path, all);
        }
        let contents = if kind.is_file() { std_fs::read(folder.join(&path)).unwrap() } else { Vec::new() };
        // A link to a place in this folder is one to the same place in the other.
        let link = std_fs::read_link(folder.join(&path)).unwrap_or_default();
        let link = link.strip_prefix(folder).map(Path::to_path_buf).unwrap_or(link);
        all.push(format!("{path:?} {mode:o} {contents:?} {link:?}"));
    }
}

fn all_of(folder: &Folder) -> Vec<String> {
    let mut all = Vec::new();
    tree(folder.path(), Path::new(""), &mut all);
    all.sort();
    all
}

fn compare(name: &OsStr, (function, std, ours): &Case, runtime: &runtime::runtime::Runtime) -> Option<String> {
    let (one, two) = (stuffed(), stuffed());
    let expected = std(&one.at(name), &one);
    let got = runtime.block_on(ours(two.at(name), two.at("other")));
    let expected_tree = all_of(&one);
    let tree = all_of(&two);
    let same = got == expected && tree == expected_tree;
    (!same).then(|| format!("{function} of {name:?}: {got:?}, std: {expected:?}; {tree:#?}, std: {expected_tree:#?}"))
}

/// Fault: `copy` asks for the length first, and says what that says.
#[test]
fn every_function_on_every_path() {
    let _watch = watchdog_secs(120);
    let runtime = Flavor::MultiThread(1).build();
    let names = names();
    let pairs = CASES.iter().flat_map(|case| names.iter().map(move |name| (name, case)));
    let wrong: Vec<String> = pairs.filter_map(|(name, case)| compare(name, case, &runtime)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The superuser may do everything, so a process of somebody else is asked.
#[test]
fn without_permission() {
    let _watch = watchdog_secs(120);
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "fs_bad_input::in_a_process_without_rights", "--include-ignored"]);
    child.env("ASAN_OPTIONS", "detect_leaks=0").current_dir("/");
    if rustix::process::geteuid().is_root() {
        child.uid(65_534).gid(65_534);
    }
    let output = match child.output() {
        // Or in a namespace that has no such user.
        Err(error) if matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::InvalidInput) => {
            return eprintln!("SKIPPED: nobody else may start this program here, so nothing was tested");
        }
        output => output.unwrap(),
    };
    let (told, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && told.contains("1 passed"), "{told}\n{errors}");
}

#[test]
#[ignore = "run by the test above, in a process that is not the superuser's"]
fn in_a_process_without_rights() {
    let _watch = watchdog_secs(120);
    assert!(!rustix::process::geteuid().is_root());
    let runtime = Flavor::CurrentThread.build();
    let forbid = |folder: &Folder, path: &str, mode| {
        std_fs::set_permissions(folder.at(path), std_fs::Permissions::from_mode(mode)).unwrap();
    };
    let mut wrong = Vec::new();
    for (forbidden, mode) in
        [("file", 0), ("file", 0o200), ("file", 0o400), ("folder", 0), ("folder", 0o500), ("folder", 0o600)]
    {
        for (function, std, ours) in CASES {
            for name in ["file", "folder", "folder/inside", "folder/missing"] {
                let (one, two) = (stuffed(), stuffed());
                forbid(&one, forbidden, mode);
                forbid(&two, forbidden, mode);
                let expected = std(&one.at(name), &one);
                let got = runtime.block_on(ours(two.at(name), two.at("other")));
                if got != expected {
                    wrong.push(format!("{function} of {name}, {forbidden} has {mode:o}: {got:?}, std: {expected:?}"));
                }
                for folder in [one, two] {
                    let _ = std_fs::set_permissions(folder.at("folder"), std_fs::Permissions::from_mode(0o700));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
