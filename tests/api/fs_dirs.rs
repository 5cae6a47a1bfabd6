//! Folders, read entry by entry.

use runtime::fs::{self, ReadDir};
use runtime_tests::{Flavor, Folder, for_each_flavor, process, wait_until, watchdog};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs as std_fs;
use std::future::poll_fn;
use std::os::unix::fs::{FileTypeExt, MetadataExt, symlink};
use std::pin::pin;

for_each_flavor!(
    every_entry_once,
    what_an_entry_knows,
    an_entry_outlives_its_folder,
    by_polling,
    the_end_stays_the_end,
    given_up_half_way,
    several_at_once,
);

async fn names(mut entries: ReadDir) -> Vec<OsString> {
    let mut names = Vec::new();
    while let Some(entry) = entries.next_entry().await.unwrap() {
        names.push(entry.file_name());
    }
    names
}

/// Fault: what is left of a batch at the end is not given out.
fn every_entry_once(flavor: Flavor) {
    // Around the size of a batch, and several.
    for count in [0, 1, 31, 32, 33, 63, 64, 65, 1000] {
        let folder = Folder::in_memory();
        let expected: BTreeSet<OsString> = (0..count).map(|number| format!("file {number}").into()).collect();
        expected.iter().for_each(|name| drop(folder.file(name, "")));
        flavor.build().block_on(async {
            let names = names(fs::read_dir(folder.path()).await.unwrap()).await;
            assert_eq!(names.len(), count);
            assert_eq!(names.into_iter().collect::<BTreeSet<_>>(), expected);
        });
    }
}

fn what_an_entry_knows(flavor: Flavor) {
    let folder = Folder::new();
    folder.file("file", "abc");
    std_fs::create_dir(folder.at("folder")).unwrap();
    symlink("nowhere", folder.at("link")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(folder.at("socket")).unwrap();
    flavor.build().block_on(async {
        let mut entries = fs::read_dir(folder.path()).await.unwrap();
        let mut seen = 0;
        while let Some(entry) = entries.next_entry().await.unwrap() {
            let path = folder.at(entry.file_name());
            assert_eq!(entry.path(), path);
            // Of a link itself, not of what it leads to.
            let expected = std_fs::symlink_metadata(&path).unwrap();
            assert_eq!(entry.ino(), expected.ino());
            let (metadata, kind) = (entry.metadata().await.unwrap(), entry.file_type().await.unwrap());
            assert_eq!((metadata.ino(), metadata.len()), (expected.ino(), expected.len()));
            assert_eq!(kind, expected.file_type());
            assert_eq!(kind.is_socket(), entry.file_name() == "socket");
            assert!(format!("{entry:?}").contains("DirEntry"), "{entry:?}");
            seen += 1;
        }
        assert_eq!(seen, 4);
        assert!(format!("{entries:?}").starts_with("ReadDir"), "{entries:?}");
        // As the path was given, not as it is.
        let roundabout = folder.at("folder/..");
        let entry = fs::read_dir(&roundabout).await.unwrap().next_entry().await.unwrap().unwrap();
        assert_eq!(entry.path(), roundabout.join(entry.file_name()));
    });
}

fn an_entry_outlives_its_folder(flavor: Flavor) {
    let folder = Folder::new();
    folder.file("file", "abc");
    let runtime = flavor.build();
    let entry = runtime.block_on(async {
        let mut entries = fs::read_dir(folder.path()).await.unwrap();
        entries.next_entry().await.unwrap().unwrap()
    });
    let task = runtime.spawn(async move {
        assert_eq!(entry.metadata().await.unwrap().len(), 3);
        entry
    });
    let entry = runtime.block_on(task).unwrap();
    std_fs::remove_file(folder.at("file")).unwrap();
    let error = runtime.block_on(entry.metadata()).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
    assert!(runtime.block_on(entry.file_type()).unwrap().is_file(), "it was told with the name");
}

fn by_polling(flavor: Flavor) {
    let folder = Folder::in_memory();
    (0..100).for_each(|number| drop(folder.file(number.to_string(), "")));
    flavor.build().block_on(async {
        let mut entries = fs::read_dir(folder.path()).await.unwrap();
        let mut seen = BTreeSet::new();
        while let Some(entry) = poll_fn(|cx| entries.poll_next_entry(cx)).await.unwrap() {
            assert!(seen.insert(entry.file_name()), "twice: {entry:?}");
        }
        assert_eq!(seen.len(), 100);
    });
}

fn the_end_stays_the_end(flavor: Flavor) {
    let folder = Folder::new();
    folder.file("file", "");
    flavor.build().block_on(async {
        let mut entries = fs::read_dir(folder.path()).await.unwrap();
        assert!(entries.next_entry().await.unwrap().is_some());
        for _ in 0..3 {
            assert!(entries.next_entry().await.unwrap().is_none());
        }
    });
}

/// Every wait is given up at its first poll, if it has to wait at all.
fn given_up_half_way(flavor: Flavor) {
    let folder = Folder::in_memory();
    (0..200).for_each(|number| drop(folder.file(number.to_string(), "")));
    flavor.build().block_on(async {
        let mut entries = fs::read_dir(folder.path()).await.unwrap();
        let mut seen = BTreeSet::new();
        loop {
            let mut next = pin!(entries.next_entry());
            let polled = poll_fn(|cx| std::task::Poll::Ready(next.as_mut().poll(cx))).await;
            match polled {
                std::task::Poll::Pending => runtime::task::yield_now().await,
                std::task::Poll::Ready(entry) => match entry.unwrap() {
                    Some(entry) => assert!(seen.insert(entry.file_name()), "twice: {entry:?}"),
                    None => break,
                },
            }
        }
        assert_eq!(seen.len(), 200);
    });
}

fn several_at_once(flavor: Flavor) {
    let folder = Folder::in_memory();
    (0..100).for_each(|number| drop(folder.file(number.to_string(), "")));
    let path = folder.path().to_owned();
    flavor.build().block_on(async {
        let read = |_| {
            let path = path.clone();
            runtime::spawn(async move { names(fs::read_dir(path).await.unwrap()).await.len() })
        };
        let tasks: Vec<_> = (0..20).map(read).collect();
        for task in tasks {
            assert_eq!(task.await.unwrap(), 100);
        }
    });
}

/// A `ReadDir` that is dropped, also while a batch is on its way, closes its descriptor.
#[test]
fn no_descriptor_stays() {
    let _watch = watchdog();
    let _alone = process::alone();
    let folder = Folder::in_memory();
    (0..200).for_each(|number| drop(folder.file(number.to_string(), "")));
    let runtime = Flavor::MultiThread(1).build();
    let of_this_folder = || {
        let open = std_fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
        open.filter(|fd| std_fs::read_link(fd.path()).is_ok_and(|path| path == folder.path())).count()
    };
    runtime.block_on(async {
        for polls in 0..80 {
            let mut entries = fs::read_dir(folder.path()).await.unwrap();
            for _ in 0..polls {
                let mut next = pin!(entries.next_entry());
                let _ = poll_fn(|cx| std::task::Poll::Ready(next.as_mut().poll(cx).map(drop))).await;
            }
        }
        drop(fs::read_dir(folder.path()).await.unwrap());
        let mut never_done = pin!(fs::read_dir(folder.path()));
        let _ = poll_fn(|cx| std::task::Poll::Ready(never_done.as_mut().poll(cx).map(drop))).await;
    });
    wait_until("every folder is closed", || of_this_folder() == 0);
}
