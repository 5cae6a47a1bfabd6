//! Bugs of files. Those that need system calls to fail stand in `injected`; bytes that are lost at random points are looked for
//! in `api/fs_conserve` and `api/fs_limits`.

#[cfg(target_os = "linux")]
mod injected;

use runtime::fs::File;
use runtime::io::{AsyncReadExt, AsyncSeek, AsyncSeekExt, AsyncWriteExt, BufReader, BufWriter, SeekFrom};
use runtime_tests::again::in_own_process;
use runtime_tests::{Flavor, Folder, numbered, poll_once, watchdog};
use std::fs as std_fs;
use std::io::ErrorKind;
use std::pin::{Pin, pin};
use std::sync::{Arc, Barrier};
use std::time::Duration;

const FLAVORS: [Flavor; 2] = [Flavor::CurrentThread, Flavor::MultiThread(2)];

/// The runtime of these tests has one thread for closures that block, which is busy until the barrier is met: whatever is sent
/// to it waits.
fn with_a_busy_pool(flavor: Flavor) -> (runtime::runtime::Runtime, Arc<Barrier>) {
    let runtime = flavor.builder().max_blocking_threads(1).enable_all().build().unwrap();
    let (begun, released) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
    let (one, two) = (begun.clone(), released.clone());
    drop(runtime.spawn_blocking(move || {
        one.wait();
        two.wait();
    }));
    begun.wait();
    (runtime, released)
}

async fn rw(path: std::path::PathBuf) -> File {
    File::options().read(true).write(true).open(path).await.unwrap()
}

/// The last bytes of a log were lost when the program ended: the write stood in the pool's queue, which was thrown away.
#[test]
fn museum_s11_a_write_in_the_queue_is_done_at_the_end() {
    let _watch = watchdog();
    for flavor in FLAVORS {
        for keeps_file in [false, true] {
            let folder = Folder::new();
            let std = std_fs::File::create(folder.at("log")).unwrap();
            let (runtime, released) = with_a_busy_pool(flavor);
            let mut file = File::from_std(std);
            runtime.block_on(file.write_all(b"the last words\n")).unwrap();
            let kept = keeps_file.then_some(file);
            let end = std::thread::spawn(move || drop(runtime));
            // The end has begun, or has not: both must do.
            std::thread::sleep(Duration::from_millis(if keeps_file { 0 } else { 20 }));
            released.wait();
            end.join().unwrap();
            assert_eq!(std_fs::read(folder.at("log")).unwrap(), b"the last words\n", "{flavor:?}");
            drop(kept);
        }
    }
}

/// A disk was full; the write said so, and the `flush` after it said that all was well.
///
/// Fault: the bytes of a write that fails are forgotten.
#[cfg(target_os = "linux")]
#[test]
#[cfg_attr(feature = "oracle", ignore = "tokio's flush is Ok")]
fn museum_b6_flush_is_not_ok_while_bytes_are_missing() {
    let _watch = watchdog();
    in_own_process("fs::flushes_on_a_full_disk");
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "sets a limit to the whole process; run by the test above"]
fn flushes_on_a_full_disk() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let _watch = watchdog();
    // An error then, and no signal, on all threads to come.
    runtime_tests::sandbox::block_signal(libc::SIGXFSZ, true);
    setrlimit(Resource::Fsize, Rlimit { current: Some(1000), ..getrlimit(Resource::Fsize) }).unwrap();
    let folder = Folder::new();
    for flavor in FLAVORS {
        flavor.build().block_on(async {
            let mut file = File::create(folder.at("a")).await.unwrap();
            // The write itself may be told already.
            let _ = file.write_all(&numbered(1100)).await;
            for _ in 0..3 {
                assert_eq!(file.flush().await.unwrap_err().kind(), ErrorKind::FileTooLarge);
            }
            assert_eq!(file.sync_all().await.unwrap_err().kind(), ErrorKind::FileTooLarge);
            assert_eq!(file.shutdown().await.unwrap_err().kind(), ErrorKind::FileTooLarge);
            // A buffer gives its bytes away; their error came out of the write after, so that `flush` had nothing to say.
            let mut writer = BufWriter::with_capacity(100, File::create(folder.at("a")).await.unwrap());
            let mut told = 0;
            for _ in 0..30 {
                told += u32::from(writer.write_all(&[1; 60]).await.is_err());
            }
            for _ in 0..3 {
                assert!(writer.flush().await.is_err(), "after {told} errors");
            }
        });
    }
}

/// The runtime went while an operation was under way: every later one failed, or panicked.
#[test]
fn museum_b6_a_file_outlives_the_runtime_of_its_operation() {
    let _watch = watchdog();
    let folder = Folder::new();
    let bytes = numbered(10_000);
    for flavor in FLAVORS {
        for which in 0..3 {
            let path = folder.file("a", &bytes);
            let (runtime, released) = with_a_busy_pool(flavor);
            let mut file = File::from_std(std_fs::File::options().read(true).write(true).open(&path).unwrap());
            runtime.block_on(async {
                match which {
                    0 => drop(poll_once(&mut pin!(file.read(&mut [0; 10])))),
                    1 => drop(poll_once(&mut pin!(file.seek(SeekFrom::End(-5))))),
                    _ => drop(poll_once(&mut pin!(file.write(b"x")))),
                }
            });
            released.wait();
            runtime.shutdown_background();
            flavor.build().block_on(async {
                // One operation may be told that the one before it never happened.
                let _ = file.seek(SeekFrom::Start(0)).await;
                let _ = file.flush().await;
                file.seek(SeekFrom::Start(100)).await.unwrap();
                let mut ten = [0; 10];
                file.read_exact(&mut ten).await.unwrap();
                assert_eq!(ten, bytes[100..110], "{flavor:?}, {which}");
                file.write_all(b"there").await.unwrap();
                file.flush().await.unwrap();
                assert_eq!(&std_fs::read(&path).unwrap()[110..115], b"there", "{flavor:?}, {which}");
            });
        }
    }
}

/// A clone was made while a write was on its way, and wrote to the same place.
///
/// Fault: `try_clone` waits for nothing.
#[test]
fn museum_b6_a_clone_waits_for_the_write_before() {
    let _watch = watchdog();
    let folder = Folder::new();
    for flavor in FLAVORS {
        flavor.build().block_on(async {
            for round in 0..200 {
                let path = folder.at("a");
                let mut file = File::create(&path).await.unwrap();
                file.write_all(&numbered(round * 100 + 1)).await.unwrap();
                let mut clone = file.try_clone().await.unwrap();
                clone.write_all(b"END").await.unwrap();
                clone.flush().await.unwrap();
                let found = std_fs::read(&path).unwrap();
                assert_eq!(found.len(), round * 100 + 4, "{flavor:?}");
                assert_eq!(&found[round * 100 + 1..], b"END", "{flavor:?}");
            }
        });
    }
}

/// A seek was begun while a read that had been given up was under way: it was refused, or the read moved the place later.
#[test]
fn museum_i17_a_move_waits_for_a_read_under_way() {
    let _watch = watchdog();
    let folder = Folder::new();
    let bytes = numbered(10_000);
    let path = folder.file("a", &bytes);
    for flavor in FLAVORS {
        flavor.build().block_on(async {
            let mut file = rw(path.clone()).await;
            for round in 0..300_u64 {
                drop(poll_once(&mut pin!(file.read(&mut [0; 50]))));
                assert_eq!(file.seek(SeekFrom::Start(round)).await.unwrap(), round);
                assert_eq!(file.read_u8().await.unwrap(), bytes[round as usize], "{flavor:?}, {round}");
                // From where the task is, not from where the read under way will be.
                drop(poll_once(&mut pin!(file.read(&mut []))));
                assert_eq!(file.seek(SeekFrom::Current(10)).await.unwrap(), round + 11);
                assert_eq!(file.stream_position().await.unwrap(), round + 11);
            }
        });
    }
}

/// Bytes that nobody had seen were counted into a move from here, and the sum overflowed.
#[test]
fn museum_i17_a_move_from_here_does_not_overflow() {
    let _watch = watchdog();
    let folder = Folder::new();
    let bytes = numbered(10_000);
    let path = folder.file("a", &bytes);
    for flavor in FLAVORS {
        flavor.build().block_on(async {
            for to in [i64::MIN, i64::MIN + 1, i64::MAX, i64::MAX - 1] {
                let mut file = rw(path.clone()).await;
                file.read_u8().await.unwrap();
                // What was read for nobody is in the file's own buffer now, where it has one.
                drop(poll_once(&mut pin!(file.read(&mut [0; 50]))));
                file.flush().await.unwrap();
                assert!(file.seek(SeekFrom::Current(to)).await.is_err(), "{flavor:?}, {to}");
                let mut reader = BufReader::new(rw(path.clone()).await);
                reader.read_u8().await.unwrap();
                assert!(reader.seek(SeekFrom::Current(to)).await.is_err() || to > 0, "{flavor:?}, {to}");
            }
        });
    }
}

/// Two moves at once: the answer to the first was taken for the second's.
#[test]
fn museum_i17_the_answer_is_that_of_the_last_move() {
    let _watch = watchdog();
    let folder = Folder::new();
    let path = folder.file("a", numbered(10_000));
    for flavor in FLAVORS {
        flavor.build().block_on(async {
            let mut file = rw(path.clone()).await;
            for round in 0..200 {
                drop(poll_once(&mut pin!(file.seek(SeekFrom::End(-1 - round)))));
                assert_eq!(file.seek(SeekFrom::Start(7)).await.unwrap(), 7, "{flavor:?}, {round}");
                assert_eq!(file.seek(SeekFrom::Current(3)).await.unwrap(), 10, "{flavor:?}, {round}");
            }
            // By hand.
            Pin::new(&mut file).start_seek(SeekFrom::Start(50)).unwrap();
            assert_eq!(std::future::poll_fn(|cx| Pin::new(&mut file).poll_complete(cx)).await.unwrap(), 50);
        });
    }
}

/// A read of no length was taken for the end.
#[test]
fn museum_i17_a_read_of_no_length_is_not_the_end() {
    let _watch = watchdog();
    let folder = Folder::new();
    let path = folder.file("a", "abc");
    for flavor in FLAVORS {
        flavor.build().block_on(async {
            let mut reader = BufReader::new(rw(path.clone()).await);
            let mut text = String::new();
            for _ in 0..3 {
                assert_eq!(reader.read(&mut []).await.unwrap(), 0);
                text.push(reader.read_u8().await.unwrap().into());
            }
            assert_eq!(text, "abc");
        });
    }
}
