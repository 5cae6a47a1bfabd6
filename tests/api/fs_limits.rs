//! Disks that are full, in processes of their own: a limit to the size of files, and a file system in memory that is tiny.
//! Both take a part of a write, and refuse the rest.
//!
//! Every byte that was accepted is in the file, or an error says that it is not.

use runtime::fs::{self, File};
use runtime::io::{AsyncSeekExt, AsyncWriteExt, BufWriter, SeekFrom};
use runtime_tests::again::in_own_process;
use runtime_tests::sandbox::block_signal;
use runtime_tests::{Flavor, Folder, Rng, numbered, watchdog_secs};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::fs as std_fs;
use std::io::ErrorKind;
use std::path::Path;
use std::process::Command;

const FLAVORS: [Flavor; 3] = [Flavor::CurrentThread, Flavor::MultiThread(1), Flavor::MultiThread(2)];

/// How much fits.
const ROOM: usize = 64 * 1024;

/// Where the process's folder is, if it was made for it.
const FOLDER: &str = "FS_LIMITS_FOLDER";

const ON_A_FULL_DISK: [&str; 4] = ["--exact", "fs_limits::on_a_full_disk", "--include-ignored", "--nocapture"];

#[test]
fn files_may_not_grow() {
    let _watch = watchdog_secs(180);
    in_own_process("fs_limits::with_a_limit");
}

/// Mounts in a space of names of its own, which goes with the process.
#[test]
fn the_disk_is_full() {
    let _watch = watchdog_secs(180);
    let folder = Folder::new();
    let mount = "mount -t tmpfs -o size=64k none \"$0\" && exec \"$@\"";
    let inside = |command: &Path, arguments: &[&str]| {
        let mut child = Command::new("unshare");
        child.args(["--mount", "sh", "-c", mount]).arg(folder.path()).arg(command).args(arguments);
        child.env(FOLDER, folder.path()).env("ASAN_OPTIONS", "detect_leaks=0").output()
    };
    if !inside("true".as_ref(), &[]).is_ok_and(|probe| probe.status.success()) {
        return eprintln!("SKIPPED: nothing may be mounted here, so nothing was tested");
    }
    let output = inside(&std::env::current_exe().unwrap(), &ON_A_FULL_DISK).unwrap();
    let (told, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && told.contains("1 passed"), "{told}\n{errors}");
}

#[test]
#[ignore = "sets limits to the whole process; run by the test above"]
fn with_a_limit() {
    let _watch = watchdog_secs(180);
    // The threads of runtimes inherit it: a write that goes too far is an error then, and no signal.
    block_signal(libc::SIGXFSZ, true);
    let limit = Rlimit { current: Some(ROOM as u64), ..getrlimit(Resource::Fsize) };
    setrlimit(Resource::Fsize, limit).unwrap();
    let folder = Folder::new();
    every_way(folder.path(), ErrorKind::FileTooLarge);
    #[cfg(not(feature = "oracle"))]
    beyond_tokio::with_room_again(folder.path(), ROOM + 5000, |is_free| {
        let current = if is_free { limit.maximum } else { limit.current };
        setrlimit(Resource::Fsize, Rlimit { current, ..limit }).unwrap();
    });
}

#[test]
#[ignore = "needs a tiny file system; run by the test above"]
fn on_a_full_disk() {
    let _watch = watchdog_secs(180);
    let folder = std::env::var_os(FOLDER).expect("the test above says where");
    every_way(folder.as_ref(), ErrorKind::StorageFull);
    #[cfg(not(feature = "oracle"))]
    beyond_tokio::with_room_again(folder.as_ref(), ROOM / 2 + 5000, |is_free| {
        let other = Path::new(&folder).join("other");
        if is_free { std_fs::remove_file(other).unwrap() } else { std_fs::write(other, [0; ROOM / 2]).unwrap() }
    });
}

fn every_way(folder: &Path, kind: ErrorKind) {
    let mut dice = Rng::from_env("fs_limits");
    for flavor in FLAVORS {
        let runtime = flavor.build();
        for round in 0..6 {
            let path = folder.join("a");
            runtime.block_on(pieces(&path, &mut dice, kind));
            runtime.block_on(through_a_buffer(&path, &mut dice, kind));
            runtime.block_on(whole_files(folder, kind));
            runtime.block_on(gone_with_an_error(&path, round));
            std_fs::remove_file(&path).unwrap();
        }
    }
}

/// In pieces of any size, until one fails; the file holds what fits, and goes on as if nothing was.
async fn pieces(path: &Path, dice: &mut Rng, kind: ErrorKind) {
    let bytes = numbered(2 * ROOM);
    let mut file = File::create(path).await.unwrap();
    let largest = [100, 5000, ROOM, 2 * ROOM][dice.below(4)];
    let mut accepted = 0;
    let error = loop {
        assert!(accepted < bytes.len(), "nothing was told");
        let until = (accepted + 1 + dice.below(largest)).min(bytes.len());
        let written = match file.write(&bytes[accepted..until]).await {
            Ok(n) => {
                accepted += n;
                if dice.one_in(10) || accepted == bytes.len() { file.flush().await } else { Ok(()) }
            }
            Err(error) => Err(error),
        };
        if let Err(error) = written {
            break error;
        }
    };
    assert_eq!(error.kind(), kind, "{error}");
    assert!(accepted > ROOM, "an error before the room was full");
    let found = std_fs::read(path).unwrap();
    assert!(found == bytes[..ROOM], "{} bytes are there", found.len());
    // Elsewhere there is room.
    assert_eq!(file.seek(SeekFrom::Start(10)).await.unwrap(), 10);
    file.write_all(b"there").await.unwrap();
    file.flush().await.unwrap();
    let found = std_fs::read(path).unwrap();
    assert!(found == [&bytes[..10], b"there", &bytes[15..ROOM]].concat());
}

async fn through_a_buffer(path: &Path, dice: &mut Rng, kind: ErrorKind) {
    let bytes = numbered(2 * ROOM);
    let mut writer = BufWriter::with_capacity(1 + dice.below(10_000), File::create(path).await.unwrap());
    let mut told = Ok(());
    for piece in bytes.chunks(1 + dice.below(5000)) {
        told = writer.write_all(piece).await;
        if told.is_err() {
            break;
        }
    }
    let told = match told {
        Ok(()) => writer.flush().await,
        failed => failed,
    };
    assert_eq!(told.unwrap_err().kind(), kind);
    assert!(std_fs::read(path).unwrap() == bytes[..ROOM]);
}

async fn whole_files(folder: &Path, kind: ErrorKind) {
    let (a, b) = (folder.join("a"), folder.join("b"));
    let bytes = numbered(2 * ROOM);
    assert_eq!(fs::write(&a, &bytes).await.unwrap_err().kind(), kind);
    assert!(std_fs::read(&a).unwrap() == bytes[..ROOM]);
    assert_eq!(fs::copy("/proc/self/exe", &a).await.unwrap_err().kind(), kind);
    std_fs::write(&a, "").unwrap();
    fs::write(&b, &bytes[..ROOM]).await.unwrap();
    assert!(std_fs::read(&b).unwrap() == bytes[..ROOM]);
    std_fs::remove_file(b).unwrap();
}

/// Dropped with an error that nobody has asked for: what fits is there, and nothing hangs.
async fn gone_with_an_error(path: &Path, round: usize) {
    let bytes = numbered(2 * ROOM);
    let mut file = File::create(path).await.unwrap();
    let _ = file.write_all(&bytes).await;
    if round.is_multiple_of(2) {
        drop(file.into_std().await);
    } else {
        drop(file);
        runtime_tests::wait_until("what fits is there", || std_fs::metadata(path).unwrap().len() == ROOM as u64);
    }
    assert!(std_fs::read(path).unwrap() == bytes[..ROOM]);
}

#[cfg(not(feature = "oracle"))]
mod beyond_tokio {
    use super::*;

    /// What could not be written is kept, and written once there is room: the error says that it has not been yet.
    pub(super) fn with_room_again(folder: &Path, len: usize, room: impl Fn(bool)) {
        let path = folder.join("a");
        let bytes = numbered(len);
        for flavor in FLAVORS {
            let runtime = flavor.build();
            let _ = std_fs::remove_file(&path);
            room(false);
            let mut file = runtime.block_on(File::create(&path)).unwrap();
            let told = runtime.block_on(async {
                file.write_all(&bytes).await?;
                file.flush().await
            });
            assert!(told.is_err(), "there was room");
            room(true);
            runtime.block_on(file.flush()).unwrap();
            let found = std_fs::read(&path).unwrap();
            assert!(found == bytes, "{} of {}", found.len(), bytes.len());
        }
    }
}
