//! How files are opened: every combination of options against std's, and what Unix adds.

use runtime::fs::{File, OpenOptions};
use runtime::io::{AsyncReadExt, AsyncWriteExt};
use runtime_tests::{Flavor, Folder, for_each_flavor, watchdog_secs};
use rustix::fs::OFlags;
use std::fs as std_fs;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, symlink};
use std::path::Path;

for_each_flavor!(mode, custom_flags, from_std, shortcuts, options_are_used_again);

/// Which of the six are set.
#[derive(Clone, Copy, Debug)]
struct Flags([bool; 6]);

impl Flags {
    fn all() -> impl Iterator<Item = Flags> {
        (0..64_u32).map(|bits| Flags(std::array::from_fn(|at| bits >> at & 1 == 1)))
    }
}

/// What a file that was opened so does: the kinds of errors, what was read, what is in it afterwards.
type Doings =
    (Result<(), ErrorKind>, Option<Result<Vec<u8>, ErrorKind>>, Option<Result<(), ErrorKind>>, Option<Vec<u8>>);

fn kind<T>(result: io::Result<T>) -> Result<T, ErrorKind> {
    result.map_err(|error| error.kind())
}

fn std_does(path: &Path, Flags([read, write, append, truncate, create, create_new]): Flags) -> Doings {
    let mut options = std_fs::OpenOptions::new();
    options.read(read).write(write).append(append).truncate(truncate).create(create).create_new(create_new);
    match options.open(path) {
        Err(error) => (Err(error.kind()), None, None, std_fs::read(path).ok()),
        Ok(mut file) => {
            let mut start = vec![0; 3];
            let read = kind(file.read(&mut start)).map(|len| start[..len].to_vec());
            let written = kind(file.write_all(b"xy"));
            (Ok(()), Some(read), Some(written), std_fs::read(path).ok())
        }
    }
}

async fn ours_does(path: &Path, Flags([read, write, append, truncate, create, create_new]): Flags) -> Doings {
    let mut options = OpenOptions::new();
    options.read(read).write(write).append(append).truncate(truncate).create(create).create_new(create_new);
    match options.open(path).await {
        Err(error) => (Err(error.kind()), None, None, std_fs::read(path).ok()),
        Ok(mut file) => {
            let mut start = vec![0; 3];
            let read = kind(file.read(&mut start).await).map(|len| start[..len].to_vec());
            let mut written = kind(file.write_all(b"xy").await);
            written = written.and(kind(file.flush().await));
            (Ok(()), Some(read), Some(written), std_fs::read(path).ok())
        }
    }
}

#[test]
fn every_combination() {
    let _watch = watchdog_secs(60);
    let runtime = Flavor::MultiThread(1).build();
    let (one, two) = (Folder::in_memory(), Folder::in_memory());
    let mut opened = 0;
    for flags in Flags::all() {
        for name in ["missing", "file", "folder", "link", "dangling"] {
            for folder in [&one, &two] {
                let _ = std_fs::remove_dir_all(folder.path());
                std_fs::create_dir(folder.path()).unwrap();
                folder.file("file", "abcdef");
                std_fs::create_dir(folder.at("folder")).unwrap();
                symlink("file", folder.at("link")).unwrap();
                symlink("nowhere", folder.at("dangling")).unwrap();
            }
            let expected = std_does(&one.at(name), flags);
            opened += u32::from(expected.0.is_ok());
            let got = runtime.block_on(ours_does(&two.at(name), flags));
            assert_eq!(got, expected, "{flags:?} of {name}: read, write, append, truncate, create, create_new");
        }
    }
    assert!(opened > 50, "{opened}");
}

fn mode(flavor: Flavor) {
    let folder = Folder::new();
    flavor.build().block_on(async {
        for mode in [0o600, 0o640, 0o444, 0o777, 0o000] {
            let (ours, std) = (folder.at(format!("{mode}")), folder.at(format!("{mode}-std")));
            let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&ours).await.unwrap();
            drop(std_fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(&std).unwrap());
            let expected = std_fs::metadata(&std).unwrap().mode();
            assert_eq!(file.metadata().await.unwrap().mode(), expected, "{mode:o}");
        }
        // Not of what is there already.
        let path = folder.file("there", "");
        std_fs::set_permissions(&path, std_fs::Permissions::from_mode(0o640)).unwrap();
        drop(OpenOptions::new().write(true).create(true).mode(0o600).open(&path).await.unwrap());
        assert_eq!(std_fs::metadata(&path).unwrap().mode() & 0o777, 0o640);
    });
}

fn custom_flags(flavor: Flavor) {
    let folder = Folder::new();
    flavor.build().block_on(async {
        let path = folder.file("file", "abc");
        symlink("file", folder.at("link")).unwrap();
        let no_follow = OFlags::NOFOLLOW.bits() as i32;
        let error = OpenOptions::new().read(true).custom_flags(no_follow).open(folder.at("link")).await.unwrap_err();
        let std = std_fs::OpenOptions::new().read(true).custom_flags(no_follow).open(folder.at("link")).unwrap_err();
        assert_eq!(error.raw_os_error(), std.raw_os_error(), "{error}");
        let only_folders = OFlags::DIRECTORY.bits() as i32;
        let error = OpenOptions::new().read(true).custom_flags(only_folders).open(&path).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotADirectory);
        drop(OpenOptions::new().read(true).custom_flags(only_folders).open(folder.path()).await.unwrap());
        // The access mode among them does not count.
        let access = OFlags::RDWR.bits() as i32;
        let mut file = OpenOptions::new().read(true).custom_flags(access).open(&path).await.unwrap();
        let written = match file.write_all(b"x").await {
            Ok(()) => file.flush().await,
            failed => failed,
        };
        assert!(written.is_err());
        // Nobody's child inherits it.
        assert!(rustix::io::fcntl_getfd(file.as_fd()).unwrap().contains(rustix::io::FdFlags::CLOEXEC));
    });
}

fn from_std(flavor: Flavor) {
    let folder = Folder::new();
    flavor.build().block_on(async {
        let mut std = std_fs::OpenOptions::new();
        std.write(true).create_new(true).mode(0o600).custom_flags(OFlags::NOFOLLOW.bits() as i32);
        let options = OpenOptions::from(std);
        let mut file = options.open(folder.at("file")).await.unwrap();
        file.write_all(b"abc").await.unwrap();
        file.flush().await.unwrap();
        assert_eq!(std_fs::read(folder.at("file")).unwrap(), b"abc");
        assert_eq!(file.metadata().await.unwrap().mode() & 0o777, 0o600);
        assert_eq!(options.open(folder.at("file")).await.unwrap_err().kind(), ErrorKind::AlreadyExists);
    });
}

fn shortcuts(flavor: Flavor) {
    let folder = Folder::new();
    flavor.build().block_on(async {
        let path = folder.at("file");
        let mut file = File::create(&path).await.unwrap();
        file.write_all(b"abc").await.unwrap();
        file.flush().await.unwrap();
        assert_eq!(file.read(&mut [0]).await.unwrap_err().raw_os_error(), Some(9), "it is for writing");
        let mut file = File::open(&path).await.unwrap();
        let mut text = String::new();
        assert_eq!(file.read_to_string(&mut text).await.unwrap(), 3);
        assert_eq!(text, "abc");
        assert_eq!(File::create_new(&path).await.unwrap_err().kind(), ErrorKind::AlreadyExists);
        drop(File::create(&path).await.unwrap());
        assert_eq!(std_fs::read(&path).unwrap(), b"", "it truncates");
        let mut file = File::create_new(folder.at("new")).await.unwrap();
        assert_eq!(file.read(&mut [0]).await.unwrap(), 0, "it may be read as well");
        file.write_all(b"abc").await.unwrap();
        file.flush().await.unwrap();
        let mut file = File::options().append(true).open(folder.at("new")).await.unwrap();
        file.write_all(b"def").await.unwrap();
        file.flush().await.unwrap();
        assert_eq!(std_fs::read(folder.at("new")).unwrap(), b"abcdef");
    });
}

fn options_are_used_again(flavor: Flavor) {
    let folder = Folder::new();
    flavor.build().block_on(async {
        let mut options = OpenOptions::default();
        assert_eq!(options.open(folder.at("a")).await.unwrap_err().kind(), ErrorKind::InvalidInput);
        options.write(true).create(true);
        let before = options.clone();
        options.create(false);
        assert_eq!(options.open(folder.at("a")).await.unwrap_err().kind(), ErrorKind::NotFound);
        let (one, two) = (before.open(folder.at("a")).await.unwrap(), before.open(folder.at("b")).await.unwrap());
        assert!(one.metadata().await.unwrap().ino() != two.metadata().await.unwrap().ino());
        assert!(format!("{options:?}").starts_with("OpenOptions"), "{options:?}");
    });
}
