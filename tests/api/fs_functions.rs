//! The functions that take a path: each does what std's does, in all flavors. What they answer to bad input is in `fs_bad_input`.

use runtime::fs;
use runtime_tests::{Flavor, Folder, for_each_flavor, numbered};
use std::fs as std_fs;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

for_each_flavor!(
    read_and_write,
    write_replaces_what_was_there,
    read_of_files_whose_length_lies,
    read_to_string,
    canonicalize,
    copy,
    folders,
    hard_link_and_rename,
    links,
    metadata,
    permissions,
    removals,
    try_exists,
    names_that_are_not_text,
    every_kind_of_path_and_contents,
    many_at_once,
    from_other_tasks,
);

fn with(flavor: Flavor, test: impl AsyncFnOnce(&Folder)) {
    let folder = Folder::new();
    flavor.build().block_on(test(&folder));
}

fn read_and_write(flavor: Flavor) {
    with(flavor, async |folder| {
        // Around what one read may take, around a page, and more than a buffer holds.
        for len in [0, 1, 31, 32, 33, 4095, 4096, 4097, 65_536, 2 * 1024 * 1024, 5_000_001] {
            let (path, bytes) = (folder.at(len.to_string()), numbered(len));
            fs::write(&path, &bytes).await.unwrap();
            assert!(std_fs::read(&path).unwrap() == bytes, "{len} bytes written");
            assert!(fs::read(&path).await.unwrap() == bytes, "{len} bytes read");
        }
    });
}

fn write_replaces_what_was_there(flavor: Flavor) {
    with(flavor, async |folder| {
        let path = folder.file("a", numbered(10_000));
        fs::write(&path, b"short").await.unwrap();
        assert_eq!(std_fs::read(&path).unwrap(), b"short");
        fs::write(&path, b"").await.unwrap();
        assert_eq!(std_fs::read(&path).unwrap(), b"");
    });
}

/// Files of the kernel say that they are empty, and devices never end.
fn read_of_files_whose_length_lies(flavor: Flavor) {
    with(flavor, async |_| {
        let ours = fs::read_to_string("/proc/self/limits").await;
        match std_fs::read_to_string("/proc/self/limits") {
            Ok(text) => assert_eq!(ours.unwrap(), text),
            Err(error) => assert_eq!(ours.unwrap_err().kind(), error.kind()),
        }
        assert_eq!(fs::read("/dev/null").await.unwrap(), b"");
        fs::write("/dev/null", numbered(10_000)).await.unwrap();
    });
}

fn read_to_string(flavor: Flavor) {
    with(flavor, async |folder| {
        let text = "grüße, 世界\n".repeat(1000);
        assert_eq!(fs::read_to_string(folder.file("a", &text)).await.unwrap(), text);
        assert_eq!(fs::read_to_string(folder.file("b", "")).await.unwrap(), "");
        let error = fs::read_to_string(folder.file("c", b"abc\xff")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData, "{error}");
    });
}

fn canonicalize(flavor: Flavor) {
    with(flavor, async |folder| {
        folder.file("a", "");
        std_fs::create_dir(folder.at("b")).unwrap();
        std::os::unix::fs::symlink("../a", folder.at("b/link")).unwrap();
        assert_eq!(fs::canonicalize(folder.at("b/../b/./link")).await.unwrap(), folder.at("a"));
        assert_eq!(fs::canonicalize(".").await.unwrap(), std::env::current_dir().unwrap().canonicalize().unwrap());
    });
}

fn copy(flavor: Flavor) {
    with(flavor, async |folder| {
        let bytes = numbered(1_234_567);
        let (from, to) = (folder.file("a", &bytes), folder.file("b", numbered(2_000_000)));
        std_fs::set_permissions(&from, std_fs::Permissions::from_mode(0o640)).unwrap();
        assert_eq!(fs::copy(&from, &to).await.unwrap(), 1_234_567);
        assert!(std_fs::read(&to).unwrap() == bytes);
        assert_eq!(std_fs::metadata(&to).unwrap().mode() & 0o777, 0o640);
        assert_eq!(fs::copy(folder.file("c", ""), folder.at("d")).await.unwrap(), 0);
        assert_eq!(std_fs::read(folder.at("d")).unwrap(), b"");
    });
}

fn folders(flavor: Flavor) {
    with(flavor, async |folder| {
        fs::create_dir(folder.at("a")).await.unwrap();
        assert!(folder.at("a").is_dir());
        assert_eq!(fs::create_dir(folder.at("a")).await.unwrap_err().kind(), ErrorKind::AlreadyExists);
        fs::create_dir_all(folder.at("b/c/d")).await.unwrap();
        fs::create_dir_all(folder.at("b/c/d")).await.unwrap();
        assert!(folder.at("b/c/d").is_dir());
        fs::DirBuilder::new().create(folder.at("e")).await.unwrap();
        fs::DirBuilder::default().recursive(true).create(folder.at("f/g")).await.unwrap();
        assert!(folder.at("e").is_dir() && folder.at("f/g").is_dir());
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true).recursive(false).mode(0o700);
        assert_eq!(builder.create(folder.at("h/i")).await.unwrap_err().kind(), ErrorKind::NotFound);
        builder.create(folder.at("h")).await.unwrap();
        assert_eq!(std_fs::metadata(folder.at("h")).unwrap().mode() & 0o777, 0o700);
        assert!(format!("{builder:?}").starts_with("DirBuilder"), "{builder:?}");
    });
}

fn hard_link_and_rename(flavor: Flavor) {
    with(flavor, async |folder| {
        let path = folder.file("a", "abc");
        fs::hard_link(&path, folder.at("b")).await.unwrap();
        assert_eq!(std_fs::metadata(&path).unwrap().ino(), std_fs::metadata(folder.at("b")).unwrap().ino());
        folder.file("c", "replaced");
        fs::rename(folder.at("b"), folder.at("c")).await.unwrap();
        assert_eq!(std_fs::read(folder.at("c")).unwrap(), b"abc");
        assert!(!folder.at("b").exists());
    });
}

fn links(flavor: Flavor) {
    with(flavor, async |folder| {
        folder.file("a", "abc");
        fs::symlink("a", folder.at("link")).await.unwrap();
        assert_eq!(std_fs::read(folder.at("link")).unwrap(), b"abc");
        assert_eq!(fs::read_link(folder.at("link")).await.unwrap(), Path::new("a"));
        assert!(fs::symlink_metadata(folder.at("link")).await.unwrap().is_symlink());
        assert!(fs::metadata(folder.at("link")).await.unwrap().is_file());
        fs::symlink("nowhere", folder.at("dangling")).await.unwrap();
        assert!(fs::symlink_metadata(folder.at("dangling")).await.is_ok());
        assert_eq!(fs::metadata(folder.at("dangling")).await.unwrap_err().kind(), ErrorKind::NotFound);
    });
}

fn metadata(flavor: Flavor) {
    with(flavor, async |folder| {
        let path = folder.file("a", numbered(777));
        let (ours, std) = (fs::metadata(&path).await.unwrap(), std_fs::metadata(&path).unwrap());
        assert_eq!((ours.len(), ours.ino(), ours.mode()), (777, std.ino(), std.mode()));
        assert_eq!(ours.modified().unwrap(), std.modified().unwrap());
        assert!(fs::metadata(folder.path()).await.unwrap().is_dir());
    });
}

fn permissions(flavor: Flavor) {
    with(flavor, async |folder| {
        let path = folder.file("a", "");
        fs::set_permissions(&path, std_fs::Permissions::from_mode(0o400)).await.unwrap();
        assert_eq!(std_fs::metadata(&path).unwrap().mode() & 0o777, 0o400);
        let mut permissions = fs::metadata(&path).await.unwrap().permissions();
        assert!(permissions.readonly());
        permissions.set_mode(0o604);
        fs::set_permissions(&path, permissions).await.unwrap();
        assert_eq!(std_fs::metadata(&path).unwrap().mode() & 0o777, 0o604);
    });
}

fn removals(flavor: Flavor) {
    with(flavor, async |folder| {
        let path = folder.file("a", "");
        fs::remove_file(&path).await.unwrap();
        assert!(!path.exists());
        std_fs::create_dir_all(folder.at("b/c")).unwrap();
        folder.file("b/d", "");
        assert_eq!(fs::remove_dir(folder.at("b")).await.unwrap_err().kind(), ErrorKind::DirectoryNotEmpty);
        fs::remove_dir(folder.at("b/c")).await.unwrap();
        assert!(!folder.at("b/c").exists());
        // A link is removed, not what it leads to.
        folder.file("kept", "");
        std::os::unix::fs::symlink(folder.path(), folder.at("b/up")).unwrap();
        fs::remove_dir_all(folder.at("b")).await.unwrap();
        assert!(!folder.at("b").exists() && folder.at("kept").exists());
    });
}

fn try_exists(flavor: Flavor) {
    with(flavor, async |folder| {
        let path = folder.file("a", "");
        std::os::unix::fs::symlink("nowhere", folder.at("dangling")).unwrap();
        assert!(fs::try_exists(&path).await.unwrap());
        assert!(fs::try_exists(folder.path()).await.unwrap());
        assert!(!fs::try_exists(folder.at("b")).await.unwrap());
        assert!(!fs::try_exists(folder.at("dangling")).await.unwrap());
        // Neither yes nor no.
        assert!(fs::try_exists(folder.at("a/b")).await.is_err());
    });
}

fn names_that_are_not_text(flavor: Flavor) {
    with(flavor, async |folder| {
        let name = std::ffi::OsStr::from_bytes(b"a\xff\xfe\nb");
        let path = folder.at(name);
        fs::write(&path, "abc").await.unwrap();
        assert_eq!(fs::read(&path).await.unwrap(), b"abc");
        let mut entries = fs::read_dir(folder.path()).await.unwrap();
        assert_eq!(entries.next_entry().await.unwrap().unwrap().file_name(), name);
        fs::symlink(name, folder.at("link")).await.unwrap();
        assert_eq!(fs::read_link(folder.at("link")).await.unwrap(), Path::new(name));
        assert_eq!(fs::canonicalize(folder.at("link")).await.unwrap(), path);
        let longest = "n".repeat(255);
        fs::write(folder.at(&longest), "abc").await.unwrap();
        assert_eq!(fs::read(folder.at(&longest)).await.unwrap(), b"abc");
    });
}

/// Whatever is `AsRef<Path>`, and `AsRef<[u8]>`; borrowed where the caller likes.
fn every_kind_of_path_and_contents(flavor: Flavor) {
    with(flavor, async |folder| {
        let path = folder.at("a");
        let text: String = path.to_str().unwrap().to_owned();
        fs::write(&path, "abc").await.unwrap();
        fs::write(path.as_os_str(), String::from("abc")).await.unwrap();
        fs::write(&text, vec![1, 2, 3]).await.unwrap();
        fs::write(&*text, &[1, 2, 3]).await.unwrap();
        fs::write(text.clone(), bytes::Bytes::from_static(b"abc")).await.unwrap();
        fs::write(std::borrow::Cow::from(&*path), Box::<[u8]>::from(*b"abc")).await.unwrap();
        // Not 'static, and not Send.
        let contents = std::rc::Rc::<[u8]>::from(*b"xyz");
        fs::write(path.clone(), contents).await.unwrap();
        assert_eq!(fs::read(std::rc::Rc::<Path>::from(&*path)).await.unwrap(), b"xyz");
    });
}

fn many_at_once(flavor: Flavor) {
    with(flavor, async |folder| {
        let tasks: Vec<_> = (0..300_usize)
            .map(|number| {
                let path = folder.at(number.to_string());
                runtime::spawn(async move {
                    fs::write(&path, numbered(number * 10)).await.unwrap();
                    let len = fs::metadata(&path).await.unwrap().len();
                    assert_eq!(len, number as u64 * 10);
                    assert!(fs::read(&path).await.unwrap() == numbered(number * 10));
                    fs::remove_file(&path).await.unwrap();
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(std_fs::read_dir(folder.path()).unwrap().count(), 0);
    });
}

/// Made here, polled there.
fn from_other_tasks(flavor: Flavor) {
    with(flavor, async |folder| {
        let path = folder.file("a", "abc");
        let read = fs::read(path.clone());
        let exists = fs::try_exists(path);
        assert_eq!(runtime::spawn(read).await.unwrap().unwrap(), b"abc");
        assert!(runtime::spawn(exists).await.unwrap().unwrap());
    });
}
