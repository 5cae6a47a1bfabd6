//! `File`: its methods, its traits, and what it is made from and into. Reads, writes and seeks in random order are in
//! `fs_random`, what becomes of bytes in `fs_conserve`, errors of writes in `fs_write_errors`.

use runtime::fs::{File, FileTimes};
use runtime::io::{AsyncReadExt, AsyncSeekExt, AsyncWrite, AsyncWriteExt, SeekFrom};
use runtime_tests::{Flavor, Folder, catch, for_each_flavor, numbered};
use std::fs as std_fs;
use std::io::{ErrorKind, IoSlice, Read, Seek, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

for_each_flavor!(
    reads,
    reads_of_files_that_grow_and_shrink,
    writes,
    vectored_writes,
    seeks,
    length,
    syncs,
    metadata_and_permissions,
    times,
    clones_share_an_offset,
    std_and_back,
    std_at_once_or_not_at_all,
    descriptors,
    largest_buffer,
    what_is_no_regular_file,
    a_fifo_holds_up_nobody_else,
    across_runtimes,
);

async fn rw(path: PathBuf) -> File {
    File::options().read(true).write(true).create(true).truncate(false).open(path).await.unwrap()
}

pub(crate) fn reads(flavor: Flavor) {
    let folder = Folder::new();
    let bytes = numbered(800_000);
    let path = folder.file("a", &bytes);
    flavor.build().block_on(async {
        for size in [1, 100, 4096, 5000, 70_000, 800_000, 1_000_000] {
            let (mut file, mut all, mut buf) = (File::open(&path).await.unwrap(), Vec::new(), vec![0; size]);
            // A byte at a time is slow on some runtimes.
            let enough = if size == 1 {
                3000
            } else if size == 100 {
                100_000
            } else {
                bytes.len()
            };
            while all.len() < enough {
                let len = file.read(&mut buf).await.unwrap();
                assert!(len > 0 && len <= size, "{len} of {size} at {}", all.len());
                all.extend_from_slice(&buf[..len]);
            }
            assert!(all == bytes[..enough], "in pieces of {size}");
            if enough == bytes.len() {
                assert_eq!(file.read(&mut buf).await.unwrap(), 0);
                assert_eq!(file.read(&mut buf).await.unwrap(), 0, "the end stays the end");
            }
            // Nothing asked for is nothing read, anywhere.
            file.rewind().await.unwrap();
            assert_eq!(file.read(&mut []).await.unwrap(), 0);
            assert_eq!(file.read(&mut buf[..1]).await.unwrap(), 1);
            assert_eq!(buf[0], bytes[0]);
        }
        let mut all = Vec::new();
        File::open(&path).await.unwrap().read_to_end(&mut all).await.unwrap();
        assert!(all == bytes);
        let mut file = File::open(&path).await.unwrap();
        assert_eq!(file.read_u32().await.unwrap(), u32::from_be_bytes(bytes[..4].try_into().unwrap()));
        assert_eq!(file.read_exact(&mut vec![0; 800_000]).await.unwrap_err().kind(), ErrorKind::UnexpectedEof);
    });
}

/// What was read ahead may not be given out where the file has changed before the read was asked for: another descriptor
/// writes, cuts, appends between two reads.
///
/// Fault: a chunk is read ahead and never looked at again.
fn reads_of_files_that_grow_and_shrink(flavor: Flavor) {
    let folder = Folder::new();
    flavor.build().block_on(async {
        let path = folder.file("a", "one");
        let mut file = File::open(&path).await.unwrap();
        let mut other = std_fs::OpenOptions::new().append(true).open(&path).unwrap();
        let mut buf = [0; 100];
        assert_eq!(file.read(&mut buf).await.unwrap(), 3);
        assert_eq!(file.read(&mut buf).await.unwrap(), 0);
        other.write_all(b"two").unwrap();
        assert_eq!(file.read(&mut buf).await.unwrap(), 3, "the end is not the end for good");
        assert_eq!(&buf[..3], b"two");
        other.set_len(2).unwrap();
        assert_eq!(file.read(&mut buf).await.unwrap(), 0, "behind the end");
        other.write_all(b"ABCDEF").unwrap();
        assert_eq!(file.read(&mut buf).await.unwrap(), 2);
        assert_eq!(&buf[..2], b"EF");
    });
}

fn writes(flavor: Flavor) {
    let folder = Folder::new();
    let bytes = numbered(2_500_000);
    flavor.build().block_on(async {
        for size in [1, 100, 4096, 70_000, 2_500_000] {
            let path = folder.at(size.to_string());
            let mut file = File::create(&path).await.unwrap();
            let expected = &bytes[..bytes.len().min(size * 3000)];
            for piece in expected.chunks(size) {
                file.write_all(piece).await.unwrap();
            }
            assert_eq!(file.write(&[]).await.unwrap(), 0);
            file.flush().await.unwrap();
            assert!(std_fs::read(&path).unwrap() == expected, "in pieces of {size}");
            file.shutdown().await.unwrap();
            // A file is never shut down for good.
            file.write_all(b"x").await.unwrap();
            file.flush().await.unwrap();
            assert_eq!(std_fs::metadata(&path).unwrap().len(), expected.len() as u64 + 1);
        }
    });
}

fn vectored_writes(flavor: Flavor) {
    let folder = Folder::new();
    let bytes = numbered(100_000);
    flavor.build().block_on(async {
        let path = folder.at("a");
        let mut file = File::create(&path).await.unwrap();
        assert!(file.is_write_vectored());
        let mut at = 0;
        while at < bytes.len() {
            let rest = &bytes[at..];
            let pieces: Vec<_> = rest.chunks(997).take(50).map(IoSlice::new).collect();
            let len = file.write_vectored(&pieces).await.unwrap();
            assert!(len > 0 && len <= pieces.iter().map(|piece| piece.len()).sum());
            at += len;
        }
        assert_eq!(file.write_vectored(&[]).await.unwrap(), 0);
        assert_eq!(file.write_vectored(&[IoSlice::new(&[]), IoSlice::new(b"x")]).await.unwrap(), 1);
        file.flush().await.unwrap();
        let all = std_fs::read(&path).unwrap();
        assert!(all[..100_000] == bytes && &all[100_000..] == b"x");
    });
}

pub(crate) fn seeks(flavor: Flavor) {
    let folder = Folder::new();
    let bytes = numbered(10_000);
    let path = folder.file("a", &bytes);
    flavor.build().block_on(async {
        let mut file = rw(path.clone()).await;
        assert_eq!(file.seek(SeekFrom::Start(5000)).await.unwrap(), 5000);
        assert_eq!(file.read_u8().await.unwrap(), bytes[5000]);
        assert_eq!(file.stream_position().await.unwrap(), 5001);
        assert_eq!(file.seek(SeekFrom::Current(-2)).await.unwrap(), 4999);
        assert_eq!(file.read_u8().await.unwrap(), bytes[4999]);
        assert_eq!(file.seek(SeekFrom::End(-1)).await.unwrap(), 9999);
        assert_eq!(file.read(&mut [0; 10]).await.unwrap(), 1);
        assert_eq!(file.seek(SeekFrom::End(10)).await.unwrap(), 10_010);
        assert_eq!(file.read(&mut [0; 10]).await.unwrap(), 0);
        file.write_all(b"x").await.unwrap();
        assert_eq!(file.stream_position().await.unwrap(), 10_011);
        file.rewind().await.unwrap();
        assert_eq!(file.read_u8().await.unwrap(), bytes[0]);
        // One that fails leaves things as they are.
        for wrong in [SeekFrom::Current(-2), SeekFrom::End(-20_000), SeekFrom::Current(i64::MIN)] {
            let error = file.seek(wrong).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{wrong:?}: {error}");
            assert_eq!(file.stream_position().await.unwrap(), 1, "{wrong:?}");
        }
        assert!(file.seek(SeekFrom::Current(i64::MAX)).await.is_err(), "past the largest offset");
        assert_eq!(file.read_u8().await.unwrap(), bytes[1]);
        file.flush().await.unwrap();
        let all = std_fs::read(&path).unwrap();
        assert!(all[..10_000] == bytes && all[10_000..] == *b"\0\0\0\0\0\0\0\0\0\0x");
    });
}

fn length(flavor: Flavor) {
    let folder = Folder::new();
    let bytes = numbered(10_000);
    let path = folder.file("a", &bytes);
    flavor.build().block_on(async {
        let mut file = rw(path.clone()).await;
        // What is on its way is written before.
        file.seek(SeekFrom::End(0)).await.unwrap();
        file.write_all(b"xyz").await.unwrap();
        file.set_len(5000).await.unwrap();
        assert!(std_fs::read(&path).unwrap() == bytes[..5000]);
        assert_eq!(file.stream_position().await.unwrap(), 10_003, "the place stays");
        file.set_len(20_000).await.unwrap();
        let all = std_fs::read(&path).unwrap();
        assert!(all[..5000] == bytes[..5000] && all[5000..].iter().all(|byte| *byte == 0) && all.len() == 20_000);
        let error = File::open(&path).await.unwrap().set_len(1).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "opened for reading");
        assert!(file.set_len(u64::MAX).await.is_err());
    });
}

fn syncs(flavor: Flavor) {
    let folder = Folder::new();
    flavor.build().block_on(async {
        let path = folder.at("a");
        let mut file = File::create(&path).await.unwrap();
        file.write_all(b"abc").await.unwrap();
        file.sync_all().await.unwrap();
        assert_eq!(std_fs::read(&path).unwrap(), b"abc", "what is on its way is written before");
        file.write_all(b"def").await.unwrap();
        file.sync_data().await.unwrap();
        assert_eq!(std_fs::read(&path).unwrap(), b"abcdef");
        // Nothing can be synced here.
        let null = File::options().write(true).open("/dev/null").await.unwrap();
        let std = std_fs::File::options().write(true).open("/dev/null").unwrap();
        let kind = |result: std::io::Result<()>| result.map_err(|error| error.kind());
        assert_eq!(kind(null.sync_all().await), kind(std.sync_all()));
    });
}

fn metadata_and_permissions(flavor: Flavor) {
    let folder = Folder::new();
    let path = folder.file("a", numbered(777));
    flavor.build().block_on(async {
        let file = File::open(&path).await.unwrap();
        let (ours, std) = (file.metadata().await.unwrap(), std_fs::metadata(&path).unwrap());
        assert_eq!((ours.len(), ours.ino(), ours.mode()), (777, std.ino(), std.mode()));
        file.set_permissions(std_fs::Permissions::from_mode(0o604)).await.unwrap();
        assert_eq!(std_fs::metadata(&path).unwrap().mode() & 0o777, 0o604);
        std_fs::remove_file(&path).unwrap();
        assert_eq!(file.metadata().await.unwrap().nlink(), 0, "of the file, not of its name");
    });
}

fn times(flavor: Flavor) {
    let folder = Folder::new();
    flavor.build().block_on(async {
        let path = folder.at("a");
        let mut file = File::create(&path).await.unwrap();
        let (accessed, modified) = (SystemTime::UNIX_EPOCH + Duration::new(1000, 500), SystemTime::UNIX_EPOCH);
        // A write on its way is not later than this.
        file.write_all(&numbered(1_000_000)).await.unwrap();
        file.set_times(FileTimes::new().set_accessed(accessed).set_modified(modified)).await.unwrap();
        let told = std_fs::metadata(&path).unwrap();
        assert_eq!((told.accessed().unwrap(), told.modified().unwrap()), (accessed, modified));
        let later = modified + Duration::from_secs(5000);
        file.set_modified(later).await.unwrap();
        file.set_times(FileTimes::default()).await.unwrap();
        let told = std_fs::metadata(&path).unwrap();
        assert_eq!((told.accessed().unwrap(), told.modified().unwrap()), (accessed, later));
        assert!(format!("{:?}", FileTimes::new().clone()).starts_with("FileTimes"));
    });
}

pub(crate) fn clones_share_an_offset(flavor: Flavor) {
    let folder = Folder::new();
    let bytes = numbered(1000);
    let path = folder.file("a", &bytes);
    flavor.build().block_on(async {
        let mut one = rw(path.clone()).await;
        assert_eq!(one.read(&mut [0; 10]).await.unwrap(), 10);
        let mut two = one.try_clone().await.unwrap();
        assert!(one.as_raw_fd() != two.as_raw_fd());
        for (at, byte) in bytes.iter().enumerate().take(210).skip(10) {
            let file = if at % 3 == 0 { &mut one } else { &mut two };
            assert_eq!(file.read_u8().await.unwrap(), *byte, "{at}");
        }
        one.seek(SeekFrom::Start(500)).await.unwrap();
        assert_eq!(two.stream_position().await.unwrap(), 500);
        two.write_all(b"x").await.unwrap();
        two.flush().await.unwrap();
        assert_eq!(one.stream_position().await.unwrap(), 501);
        // What is on its way is done before the clone is there.
        one.write_all(b"y").await.unwrap();
        let mut three = one.try_clone().await.unwrap();
        drop((one, two));
        assert_eq!(three.stream_position().await.unwrap(), 502);
        assert_eq!(&std_fs::read(&path).unwrap()[500..502], b"xy");
    });
}

/// A `std::fs::File` goes on where ours was.
pub(crate) fn std_and_back(flavor: Flavor) {
    let folder = Folder::new();
    let bytes = numbered(300_000);
    let path = folder.file("a", &bytes);
    flavor.build().block_on(async {
        let mut std = std_fs::File::options().read(true).write(true).open(&path).unwrap();
        let (mut at, mut buf) = (0, [0; 100]);
        for round in 0..20 {
            std.read_exact(&mut buf).unwrap();
            assert!(buf == bytes[at..at + 100], "std, {round}");
            let mut file = if round % 2 == 0 { File::from_std(std) } else { File::from(std) };
            file.read_exact(&mut buf[..10 + round]).await.unwrap();
            assert!(buf[..10 + round] == bytes[at + 100..at + 110 + round], "ours, {round}");
            at += 110 + round;
            std = file.into_std().await;
            assert_eq!(std.stream_position().unwrap(), at as u64);
        }
        let mut file = File::from_std(std);
        file.write_all(b"on its way").await.unwrap();
        let mut std = file.into_std().await;
        assert_eq!(std.stream_position().unwrap(), at as u64 + 10);
        assert_eq!(&std_fs::read(&path).unwrap()[at..at + 10], b"on its way");
    });
}

fn std_at_once_or_not_at_all(flavor: Flavor) {
    let folder = Folder::new();
    flavor.build().block_on(async {
        let mut at_once = 0;
        for round in 0..100 {
            let path = folder.at(round.to_string());
            let mut file = File::create(&path).await.unwrap();
            file.write_all(&numbered(10_000)).await.unwrap();
            let std = match file.try_into_std() {
                Ok(std) => {
                    at_once += 1;
                    std
                }
                Err(mut file) => {
                    file.flush().await.unwrap();
                    file.try_into_std().unwrap()
                }
            };
            assert_eq!((&std).stream_position().unwrap(), 10_000, "after {at_once} of {round}");
            assert!(std_fs::read(&path).unwrap() == numbered(10_000));
        }
        // One that was read has nothing on its way.
        let mut file = File::open(folder.at("0")).await.unwrap();
        file.read_exact(&mut [0; 10]).await.unwrap();
        assert_eq!(file.try_into_std().unwrap().stream_position().unwrap(), 10);
    });
}

fn descriptors(flavor: Flavor) {
    let folder = Folder::new();
    let path = folder.file("a", "abc");
    flavor.build().block_on(async {
        let fd: OwnedFd = std_fs::File::open(&path).unwrap().into();
        let number = fd.as_raw_fd();
        let mut file = File::from(fd);
        assert_eq!((file.as_raw_fd(), file.as_fd().as_raw_fd()), (number, number));
        assert_eq!(rustix::fs::fstat(&file).unwrap().st_size, 3);
        assert_eq!(file.read_u8().await.unwrap(), b'a');
        assert!(format!("{file:?}").contains("File"), "{file:?}");
        assert!(rustix::io::fcntl_getfd(&file).unwrap().contains(rustix::io::FdFlags::CLOEXEC));
    });
}

fn largest_buffer(flavor: Flavor) {
    let folder = Folder::new();
    let bytes = numbered(100_000);
    flavor.build().block_on(async {
        let mut file = rw(folder.at("a")).await;
        assert!(file.max_buf_size() >= 4096);
        file.set_max_buf_size(1000);
        assert_eq!(file.max_buf_size(), 1000);
        // No more at a time.
        assert!(file.write(&bytes).await.unwrap() <= 1000);
        file.rewind().await.unwrap();
        file.write_all(&bytes).await.unwrap();
        let mut clone = file.try_clone().await.unwrap();
        assert_eq!(clone.max_buf_size(), 1000);
        clone.rewind().await.unwrap();
        let mut buf = vec![0; 50_000];
        assert!((1..=1000).contains(&clone.read(&mut buf).await.unwrap()));
        clone.rewind().await.unwrap();
        clone.read_exact(&mut buf).await.unwrap();
        assert!(buf == bytes[..50_000]);
        let caught = catch(|| file.set_max_buf_size(0)).unwrap_err();
        assert!(caught.message.contains("max_buf_size") && caught.file.ends_with("fs_file.rs"), "{caught:?}");
        assert_eq!(file.max_buf_size(), 1000);
    });
}

pub(crate) fn what_is_no_regular_file(flavor: Flavor) {
    let folder = Folder::new();
    flavor.build().block_on(async {
        let mut zero = File::open("/dev/zero").await.unwrap();
        let mut buf = vec![1; 10_000];
        zero.read_exact(&mut buf).await.unwrap();
        assert!(buf.iter().all(|byte| *byte == 0));
        let mut limits = String::new();
        if let Ok(mut file) = File::open("/proc/self/limits").await {
            file.read_to_string(&mut limits).await.unwrap();
            assert_eq!(limits, std_fs::read_to_string("/proc/self/limits").unwrap());
        }
        let mut opened = File::open(folder.path()).await.unwrap();
        assert_eq!(opened.read(&mut buf).await.unwrap_err().kind(), ErrorKind::IsADirectory);
        let mut null = File::options().read(true).write(true).open("/dev/null").await.unwrap();
        null.write_all(&buf).await.unwrap();
        null.flush().await.unwrap();
        assert_eq!(null.read(&mut buf).await.unwrap(), 0);
    });
}

fn a_fifo_holds_up_nobody_else(flavor: Flavor) {
    let bytes = numbered(1_000_000);
    flavor.build().block_on(async {
        let (read, write) = rustix::pipe::pipe().unwrap();
        let (mut read, mut write) = (File::from(read), File::from(write));
        let reader = runtime::spawn(async move {
            let mut all = Vec::new();
            read.read_to_end(&mut all).await.unwrap();
            assert_eq!(read.seek(SeekFrom::Start(0)).await.unwrap_err().kind(), ErrorKind::NotSeekable);
            all
        });
        // The reader waits inside of the kernel.
        for _ in 0..100 {
            runtime::task::yield_now().await;
        }
        write.write_all(&bytes).await.unwrap();
        write.flush().await.unwrap();
        drop(write);
        assert!(reader.await.unwrap() == bytes);
    });
}

/// A file belongs to no runtime.
fn across_runtimes(flavor: Flavor) {
    let folder = Folder::new();
    let (one, two) = (flavor.build(), flavor.build());
    let mut file = one.block_on(rw(folder.at("a")));
    for (round, byte) in (0..20_u64).zip(b'a'..) {
        let runtime = if round % 2 == 0 { &two } else { &one };
        runtime.block_on(file.write_all(&[byte])).unwrap();
        assert_eq!(runtime.block_on(file.stream_position()).unwrap(), round + 1);
    }
    one.block_on(file.flush()).unwrap();
    drop(one);
    two.block_on(file.rewind()).unwrap();
    let mut text = String::new();
    two.block_on(file.read_to_string(&mut text)).unwrap();
    assert_eq!(text, "abcdefghijklmnopqrst");
}
