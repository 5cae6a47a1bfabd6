//! Beyond tokio: reads and writes at a place, many at once on one file. They move no offset and wait for nobody.

use runtime::fs::File;
use runtime::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt, SeekFrom};
use runtime_tests::{Event, Flavor, Folder, Rng, for_each_flavor, numbered, poll_once, process, wait_until, watchdog};
use std::fs as std_fs;
use std::io::ErrorKind;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;

for_each_flavor!(
    reads,
    reads_around_the_end,
    writes,
    the_offset_stays,
    accepted_writes_come_before,
    many_at_once,
    in_random_order,
    given_up,
    bad_input,
    append_mode,
    what_has_no_places,
    no_descriptor_is_closed_too_early,
);

async fn rw(path: &Path) -> File {
    File::options().read(true).write(true).create(true).truncate(false).open(path).await.unwrap()
}

fn reads(flavor: Flavor) {
    for folder in [Folder::new(), Folder::in_memory()] {
        let bytes = numbered(700_000);
        let path = folder.file("a", &bytes);
        flavor.build().block_on(async {
            let file = File::open(&path).await.unwrap();
            for (len, offset) in
                [(0, 0), (1, 0), (10, 5), (4096, 4095), (65_536, 3), (300_000, 1), (699_999, 1), (700_000, 0)]
            {
                let expected = &bytes[offset..offset + len];
                assert!(file.read_at(len, offset as u64).await.unwrap() == expected, "{len} at {offset}");
                assert!(file.read_exact_at(len, offset as u64).await.unwrap() == expected, "{len} at {offset}");
            }
        });
    }
}

/// Fault: a read that is cut short by the end is asked for again and again.
fn reads_around_the_end(flavor: Flavor) {
    let folder = Folder::new();
    let bytes = numbered(10_000);
    let path = folder.file("a", &bytes);
    let empty = folder.file("empty", "");
    flavor.build().block_on(async {
        let file = File::open(&path).await.unwrap();
        for (len, offset) in
            [(10, 9990), (11, 9990), (10, 9999), (10, 10_000), (10, 10_001), (5_000_000, 0), (5_000_000, 9999)]
        {
            let expected = bytes.get(offset..).unwrap_or_default();
            let expected = &expected[..expected.len().min(len)];
            assert!(file.read_at(len, offset as u64).await.unwrap() == expected, "{len} at {offset}");
            let exact = file.read_exact_at(len, offset as u64).await;
            match expected.len() == len {
                true => assert!(exact.unwrap() == expected),
                false => assert_eq!(exact.unwrap_err().kind(), ErrorKind::UnexpectedEof, "{len} at {offset}"),
            }
        }
        assert!(file.read_exact_at(0, 1 << 40).await.unwrap().is_empty());
        let file = File::open(&empty).await.unwrap();
        assert!(file.read_at(10, 0).await.unwrap().is_empty());
        // A file that says it is empty, and is not.
        if let Ok(file) = File::open("/proc/self/limits").await {
            let all = std_fs::read("/proc/self/limits").unwrap();
            assert_eq!(file.read_at(1_000_000, 0).await.unwrap(), all);
            assert_eq!(file.read_at(20, 10).await.unwrap(), &all[10..30]);
        }
    });
}

fn writes(flavor: Flavor) {
    let folder = Folder::new();
    flavor.build().block_on(async {
        let file = rw(&folder.at("a")).await;
        assert_eq!(file.write_at(&b"abc"[..], 5).await.unwrap(), 3);
        // No flush is needed.
        assert_eq!(std_fs::read(folder.at("a")).unwrap(), b"\0\0\0\0\0abc");
        file.write_all_at(vec![b'x'; 4], 2).await.unwrap();
        file.write_all_at(String::from("end"), 8).await.unwrap();
        file.write_all_at(bytes::Bytes::new(), 1 << 40).await.unwrap();
        assert_eq!(file.write_at("", 0).await.unwrap(), 0);
        assert_eq!(std_fs::read(folder.at("a")).unwrap(), b"\0\0xxxxbcend");
        let bytes = numbered(3_000_000);
        file.write_all_at(bytes.clone(), 0).await.unwrap();
        assert!(std_fs::read(folder.at("a")).unwrap() == bytes);
        assert!(file.read_at(3_000_000, 0).await.unwrap() == bytes);
    });
}

fn the_offset_stays(flavor: Flavor) {
    let folder = Folder::new();
    let bytes = numbered(10_000);
    let path = folder.file("a", &bytes);
    flavor.build().block_on(async {
        let mut file = rw(&path).await;
        let mut clone = file.try_clone().await.unwrap();
        file.read_exact(&mut [0; 100]).await.unwrap();
        for round in 0..20 {
            file.read_at(50, 7000 + round).await.unwrap();
            clone.write_at(vec![1; 10], 9000).await.unwrap();
            assert_eq!(rustix::fs::tell(&file).unwrap(), 100 + round);
            let half = if round % 2 == 0 { &mut file } else { &mut clone };
            assert_eq!(half.read_u8().await.unwrap(), bytes[100 + round as usize]);
        }
    });
}

/// What `write` has accepted before is there.
fn accepted_writes_come_before(flavor: Flavor) {
    let folder = Folder::new();
    flavor.build().block_on(async {
        let mut file = rw(&folder.at("a")).await;
        for round in 0..100_u64 {
            let byte = round as u8;
            file.seek(SeekFrom::Start(round)).await.unwrap();
            file.write_all(&[byte; 3000]).await.unwrap();
            assert_eq!(file.read_at(3000, round).await.unwrap(), vec![byte; 3000], "{round}");
            file.write_all(b"xyz").await.unwrap();
            file.write_all_at(&b"ABC"[..], round + 3000).await.unwrap();
            assert_eq!(file.read_at(3, round + 3000).await.unwrap(), b"ABC", "{round}");
        }
    });
}

fn many_at_once(flavor: Flavor) {
    const PIECES: usize = 256;
    let folder = Folder::new();
    let bytes = numbered(PIECES * 4096);
    flavor.build().block_on(async {
        let file = Arc::new(rw(&folder.at("a")).await);
        let piece = |number: usize| bytes[number * 4096..][..4096].to_vec();
        let write = |number: usize| {
            let (file, piece) = (file.clone(), piece(number));
            runtime::spawn(async move { file.write_all_at(piece, number as u64 * 4096).await })
        };
        // Backwards, so that the file grows in no order.
        for task in (0..PIECES).rev().map(write).collect::<Vec<_>>() {
            task.await.unwrap().unwrap();
        }
        assert!(std_fs::read(folder.at("a")).unwrap() == bytes);
        let read = |number: usize| {
            let file = file.clone();
            runtime::spawn(async move { file.read_exact_at(4096, number as u64 * 4096).await })
        };
        for (number, task) in (0..PIECES).map(read).collect::<Vec<_>>().into_iter().enumerate() {
            assert!(task.await.unwrap().unwrap() == piece(number), "{number}");
        }
        // By one task, through one borrow.
        let (a, b, c) = runtime::join!(file.read_at(10, 0), file.read_at(10, 4096), file.write_at(piece(3), 0));
        assert_eq!(b.unwrap(), piece(1)[..10]);
        assert_eq!((a.unwrap().len(), c.unwrap()), (10, 4096));
    });
}

/// Against std on a file of the same contents.
fn in_random_order(flavor: Flavor) {
    let mut dice = Rng::from_env("fs_positions");
    let folder = Folder::in_memory();
    let bytes = numbered(50_000);
    let (ours, twin) = (folder.file("a", &bytes), folder.file("b", &bytes));
    let std = std_fs::File::options().read(true).write(true).open(&twin).unwrap();
    flavor.build().block_on(async {
        let mut file = rw(&ours).await;
        for step in 0..500 {
            let (len, offset) = (dice.below(6000), dice.below(60_000) as u64);
            match dice.below(5) {
                0 => {
                    let bytes = vec![dice.bits() as u8; len];
                    file.write_all_at(bytes.clone(), offset).await.unwrap();
                    std.write_all_at(&bytes, offset).unwrap();
                }
                1 => {
                    // In between, at the offset.
                    file.seek(SeekFrom::Start(offset)).await.unwrap();
                    file.write_all(&[7; 10]).await.unwrap();
                    std.write_all_at(&[7; 10], offset).unwrap();
                }
                2 => {
                    let len = dice.below(60_000) as u64;
                    file.set_len(len).await.unwrap();
                    std.set_len(len).unwrap();
                }
                _ => {
                    let found = file.read_at(len, offset).await.unwrap();
                    let (mut expected, mut at) = (vec![0; len], 0);
                    while at < len {
                        match std.read_at(&mut expected[at..], offset + at as u64).unwrap() {
                            0 => break,
                            n => at += n,
                        }
                    }
                    assert!(found == expected[..at], "step {step}: {len} at {offset}: {} and {at}", found.len());
                }
            }
        }
        file.flush().await.unwrap();
    });
    assert!(std_fs::read(ours).unwrap() == std_fs::read(twin).unwrap());
}

/// Dropped after one poll, or none: a write happens or not, never a half, and the file goes on.
fn given_up(flavor: Flavor) {
    let folder = Folder::in_memory();
    let bytes = numbered(10_000);
    let path = folder.file("a", &bytes);
    let runtime = flavor.build();
    let mut file = runtime.block_on(rw(&path));
    runtime.block_on(async {
        drop(file.write_all_at(vec![9; 1000], 0));
        for _ in 0..200 {
            let mut write = pin!(file.write_all_at(vec![9; 1000], 5000));
            let _ = poll_once(&mut write);
            let mut read = pin!(file.read_at(1000, 2000));
            let _ = poll_once(&mut read);
            assert!(file.read_at(1000, 1000).await.unwrap() == bytes[1000..2000]);
        }
        file.rewind().await.unwrap();
        assert_eq!(file.read_u32().await.unwrap().to_be_bytes(), bytes[..4]);
    });
    drop(runtime);
    let found = std_fs::read(&path).unwrap();
    let expected = [&bytes[..5000], &[9; 1000], &bytes[6000..]].concat();
    assert!(found == expected);
}

fn bad_input(flavor: Flavor) {
    let folder = Folder::new();
    let path = folder.file("a", "abc");
    flavor.build().block_on(async {
        let (reader, writer) = (File::open(&path).await.unwrap(), File::create(folder.at("b")).await.unwrap());
        let (std, std_writer) = (std_fs::File::open(&path).unwrap(), std_fs::File::create(folder.at("c")).unwrap());
        let (ours, expected) = (reader.write_at("x", 0).await.unwrap_err(), std.write_at(b"x", 0).unwrap_err());
        assert_eq!(ours.raw_os_error(), expected.raw_os_error(), "{ours}");
        let (ours, expected) = (writer.read_at(1, 0).await.unwrap_err(), std_writer.read_at(&mut [0], 0).unwrap_err());
        assert_eq!(ours.raw_os_error(), expected.raw_os_error(), "{ours}");
        // No such places.
        for offset in [i64::MAX as u64, i64::MAX as u64 + 1, u64::MAX - 1, u64::MAX] {
            let ours = reader.read_at(1, offset).await.map_err(|error| error.kind());
            let expected = std.read_at(&mut [0], offset).map_err(|error| error.kind());
            assert_eq!(ours.map(|bytes| bytes.len()), expected, "a read at {offset}");
            let ours = writer.write_at("x", offset).await.map_err(|error| error.kind());
            let expected = std_writer.write_at(b"x", offset).map_err(|error| error.kind());
            assert_eq!(ours, expected, "a write at {offset}");
        }
        let opened = File::open(folder.path()).await.unwrap();
        assert_eq!(opened.read_at(1, 0).await.unwrap_err().kind(), ErrorKind::IsADirectory);
    });
}

/// Linux appends; others write where they are told.
fn append_mode(flavor: Flavor) {
    let folder = Folder::new();
    let (path, twin) = (folder.file("a", "abc"), folder.file("b", "abc"));
    flavor.build().block_on(async {
        let file = File::options().append(true).open(&path).await.unwrap();
        file.write_all_at("x", 0).await.unwrap();
        std_fs::File::options().append(true).open(&twin).unwrap().write_all_at(b"x", 0).unwrap();
        assert_eq!(std_fs::read(&path).unwrap(), std_fs::read(&twin).unwrap());
    });
}

fn what_has_no_places(flavor: Flavor) {
    flavor.build().block_on(async {
        let (read, write) = rustix::pipe::pipe().unwrap();
        let (read, write) = (File::from(read), File::from(write));
        assert_eq!(read.read_at(1, 0).await.unwrap_err().kind(), ErrorKind::NotSeekable);
        assert_eq!(write.write_at("x", 0).await.unwrap_err().kind(), ErrorKind::NotSeekable);
    });
}

/// The file is dropped while threads read it.
fn no_descriptor_is_closed_too_early(flavor: Flavor) {
    let folder = Folder::in_memory();
    let bytes = numbered(500_000);
    let path = folder.file("a", &bytes);
    let runtime = flavor.build();
    for _ in 0..50 {
        let file = Arc::new(runtime.block_on(File::open(&path)).unwrap());
        let tasks: Vec<_> = (0..4_u64)
            .map(|number| {
                let file = file.clone();
                runtime.spawn(async move { file.read_exact_at(400_000, number).await })
            })
            .collect();
        drop(file);
        for (number, task) in tasks.into_iter().enumerate() {
            assert!(runtime.block_on(task).unwrap().unwrap() == bytes[number..][..400_000]);
        }
    }
}

/// However many are given up, none keeps the file open.
#[test]
fn no_descriptor_stays_open() {
    let _watch = watchdog();
    let _alone = process::alone();
    let folder = Folder::in_memory();
    let path = folder.file("a", numbered(500_000));
    let runtime = Flavor::MultiThread(1).build();
    runtime.block_on(async {
        for _ in 0..100 {
            let file = File::open(&path).await.unwrap();
            let mut read = pin!(file.read_at(400_000, 0));
            let _ = poll_once(&mut read);
        }
    });
    let open = || {
        let fds = std_fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
        fds.filter(|fd| std_fs::read_link(fd.path()).is_ok_and(|target| target == path)).count()
    };
    wait_until("every file is closed", || open() == 0);
}

/// A read that hangs in the kernel holds up no other on the same file type, nor the runtime's tasks.
#[test]
fn a_read_that_hangs_holds_up_nobody() {
    let _watch = watchdog();
    let folder = Folder::new();
    let path = folder.file("a", "abc");
    let runtime = Flavor::CurrentThread.build();
    runtime.block_on(async {
        let (read, write) = rustix::pipe::pipe().unwrap();
        let mut hangs = File::from(read);
        let done = Event::new();
        let told = done.clone();
        let reader = runtime::spawn(async move {
            let got = hangs.read_u8().await.unwrap();
            told.set();
            got
        });
        let file = File::open(&path).await.unwrap();
        for _ in 0..100 {
            assert_eq!(file.read_at(3, 0).await.unwrap(), b"abc");
            file.metadata().await.unwrap();
        }
        assert!(!done.is_set());
        let mut writer = File::from(write);
        writer.write_all(b"x").await.unwrap();
        assert_eq!(reader.await.unwrap(), b'x');
    });
}
