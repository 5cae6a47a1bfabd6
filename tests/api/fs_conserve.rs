//! No byte that a write has accepted is lost in silence: not when the file or the runtime goes right after, and not when a
//! future is given up. `fs_limits` has disks that are full.

use runtime::fs::{self, File};
use runtime::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt, SeekFrom};
use runtime::runtime::Runtime;
use runtime_tests::{Event, Flavor, Folder, numbered, wait_until, watchdog_secs};
use std::fs as std_fs;
use std::future::{Future, pending, poll_fn};
use std::io::ErrorKind;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

const ROUNDS: usize = 1000;

/// Makes a test of each `fn(Flavor)` for each flavor, with more time than usual.
macro_rules! for_each_flavor_slowly {
    ($($test:ident),+ $(,)?) => {$(
        mod $test {
            use super::{Flavor, watchdog_secs};

            #[test]
            fn multi_thread() {
                let _watch = watchdog_secs(180);
                super::$test(Flavor::MultiThread(2));
            }

            #[test]
            fn one_worker() {
                let _watch = watchdog_secs(180);
                super::$test(Flavor::MultiThread(1));
            }

            #[test]
            fn current_thread() {
                let _watch = watchdog_secs(180);
                super::$test(Flavor::CurrentThread);
            }
        }
    )+};
}

for_each_flavor_slowly!(
    the_file_goes_then_the_runtime,
    the_runtime_goes_then_the_file,
    the_runtime_goes_with_a_task_that_has_the_file,
    the_runtime_ends_at_a_deadline,
    the_file_goes_alone,
    a_whole_file_is_written_or_the_task_is_told,
    a_write_given_up,
    a_read_given_up,
    everything_else_given_up,
    a_conversion_given_up,
    whole_files_given_up,
);

/// Every round another number of bytes, in one to four pieces.
fn pieces(round: usize) -> Vec<Vec<u8>> {
    let bytes = numbered(1 + round * 37 % 9000);
    bytes.chunks(bytes.len().div_ceil(1 + round % 4)).map(<[u8]>::to_vec).collect()
}

async fn write(path: &Path, round: usize) -> File {
    let mut file = File::create(path).await.unwrap();
    for piece in pieces(round) {
        file.write_all(&piece).await.unwrap();
    }
    file
}

#[track_caller]
fn is_written(path: &Path, round: usize) {
    let (found, expected) = (std_fs::read(path).unwrap(), pieces(round).concat());
    assert!(found == expected, "round {round}: {} of {} bytes", found.len(), expected.len());
}

fn every_round(flavor: Flavor, test: impl Fn(Runtime, &Path, usize)) {
    let folder = Folder::in_memory();
    for round in 0..ROUNDS {
        let path = folder.at(round.to_string());
        test(flavor.build(), &path, round);
        is_written(&path, round);
        std_fs::remove_file(&path).unwrap();
    }
}

/// Fault: a write whose thread has not come yet is forgotten at the end.
fn the_file_goes_then_the_runtime(flavor: Flavor) {
    every_round(flavor, |runtime, path, round| {
        drop(runtime.block_on(write(path, round)));
        drop(runtime);
    });
}

fn the_runtime_goes_then_the_file(flavor: Flavor) {
    every_round(flavor, |runtime, path, round| {
        let file = runtime.block_on(write(path, round));
        drop(runtime);
        is_written(path, round);
        drop(file);
    });
}

fn the_runtime_goes_with_a_task_that_has_the_file(flavor: Flavor) {
    every_round(flavor, |runtime, path, round| {
        let accepted = Arc::new(Event::new());
        let (told, path) = (accepted.clone(), path.to_owned());
        drop(runtime.spawn(async move {
            let _file = write(&path, round).await;
            told.set();
            pending::<()>().await;
        }));
        runtime.block_on(accepted.wait());
        drop(runtime);
    });
}

fn the_runtime_ends_at_a_deadline(flavor: Flavor) {
    every_round(flavor, |runtime, path, round| {
        let file = runtime.block_on(write(path, round));
        if round % 2 == 0 {
            drop(file);
        }
        runtime.shutdown_timeout(Duration::from_secs(100));
    });
}

fn the_file_goes_alone(flavor: Flavor) {
    let folder = Folder::in_memory();
    let runtime = flavor.build();
    for round in 0..ROUNDS {
        let path = folder.at("a");
        let len = pieces(round).concat().len() as u64;
        drop(runtime.block_on(write(&path, round)));
        wait_until("the bytes come", || std_fs::metadata(&path).unwrap().len() == len);
        is_written(&path, round);
    }
}

fn a_whole_file_is_written_or_the_task_is_told(flavor: Flavor) {
    let folder = Folder::in_memory();
    for round in 0..ROUNDS / 4 {
        let runtime = flavor.build();
        let path = folder.at(round.to_string());
        let task = runtime.spawn(fs::write(path.clone(), pieces(round).concat()));
        // Sometimes long before it is done, sometimes long after.
        (0..round % 50).for_each(|_| std::thread::yield_now());
        if round % 3 == 0 {
            runtime.block_on(runtime::task::yield_now());
        }
        drop(runtime);
        let told = Flavor::CurrentThread.build().block_on(task);
        match told {
            Ok(Ok(())) => is_written(&path, round),
            Ok(Err(error)) => {
                assert_eq!(error.kind(), ErrorKind::Other, "{error}");
                assert!(!path.exists(), "round {round}: an error, though it was begun");
            }
            Err(error) => assert!(error.is_cancelled(), "{error}"),
        }
    }
}

/// Polls the future that often, each time that it is woken, and gives it up then.
async fn polled<T>(times: usize, future: impl Future<Output = T>) -> Option<T> {
    let (mut future, mut left) = (pin!(future), times);
    poll_fn(|cx| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        match future.as_mut().poll(cx) {
            Poll::Ready(value) => Poll::Ready(Some(value)),
            // The last poll is not waited for.
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// The test for every number of polls, until one comes to its end; it says whether it did.
async fn for_every_number_of_polls(mut test: impl AsyncFnMut(usize) -> bool) {
    for times in 0..10_000 {
        if test(times).await && times > 0 {
            return;
        }
    }
    panic!("it never comes to its end");
}

/// What was accepted is a beginning of the bytes, and what comes next stands behind it.
fn a_write_given_up(flavor: Flavor) {
    let folder = Folder::in_memory();
    let bytes = numbered(30_000);
    flavor.build().block_on(for_every_number_of_polls(async |times| {
        let path = folder.at("a");
        let mut file = File::create(&path).await.unwrap();
        file.set_max_buf_size(1000);
        let done = polled(times, file.write_all(&bytes)).await;
        file.write_all(b"END").await.unwrap();
        file.flush().await.unwrap();
        let mut found = std_fs::read(&path).unwrap();
        assert_eq!(found.split_off(found.len() - 3), b"END", "{times} polls");
        assert!(found == bytes[..found.len()], "{times} polls");
        if done.is_some() {
            assert_eq!(found.len(), bytes.len(), "{times} polls");
        }
        // One that is not ready has written nothing.
        let mut file = File::create(&path).await.unwrap();
        let mut accepted = 0;
        while accepted < 5000 {
            accepted += polled(1, file.write(&bytes[accepted..accepted + 100])).await.map_or(0, Result::unwrap);
            runtime::task::yield_now().await;
        }
        file.flush().await.unwrap();
        assert!(std_fs::read(&path).unwrap() == bytes[..accepted], "{accepted}");
        done.is_some()
    }));
}

/// Bytes that nobody has seen come with the next read.
pub(crate) fn a_read_given_up(flavor: Flavor) {
    let folder = Folder::in_memory();
    let bytes = numbered(30_000);
    let path = folder.file("a", &bytes);
    flavor.build().block_on(for_every_number_of_polls(async |times| {
        let mut file = File::open(&path).await.unwrap();
        let (mut all, mut buf, mut came_to_an_end) = (Vec::new(), [0; 777], false);
        loop {
            match polled(times, file.read(&mut buf)).await {
                None => {
                    // Fewer bytes are asked for than were given up, now and then.
                    let len = file.read(&mut buf[..100]).await.unwrap();
                    all.extend_from_slice(&buf[..len]);
                    runtime::task::yield_now().await;
                }
                Some(len) => {
                    came_to_an_end = true;
                    match len.unwrap() {
                        0 => break,
                        len => all.extend_from_slice(&buf[..len]),
                    }
                }
            }
            if all.len() >= bytes.len() {
                break;
            }
        }
        assert!(all == bytes, "{times} polls: {} of {}", all.len(), bytes.len());
        // Where std would be: what was given up and not seen does not count after a seek.
        file.seek(SeekFrom::Start(500)).await.unwrap();
        let _ = polled(times, file.read(&mut buf)).await;
        file.seek(SeekFrom::Start(1000)).await.unwrap();
        file.read_exact(&mut buf).await.unwrap();
        assert!(buf == bytes[1000..1777], "{times} polls");
        // Nor before a move from here, nor in a clone.
        if polled(times, file.read(&mut buf)).await.is_none() {
            assert_eq!(file.stream_position().await.unwrap(), 1777, "{times} polls");
        }
        file.seek(SeekFrom::Start(2000)).await.unwrap();
        if polled(times, file.read(&mut buf)).await.is_none() {
            let mut clone = file.try_clone().await.unwrap();
            // tokio's clones are made behind bytes that nobody has seen.
            if cfg!(not(feature = "oracle")) {
                assert_eq!(clone.stream_position().await.unwrap(), 2000, "{times} polls");
                assert_eq!(file.stream_position().await.unwrap(), 2000, "{times} polls");
            }
        }
        came_to_an_end
    }));
}

/// After any of these was given up, the file does what it is told.
pub(crate) fn everything_else_given_up(flavor: Flavor) {
    let folder = Folder::in_memory();
    let bytes = numbered(10_000);
    let runtime = flavor.build();
    for which in 0..10 {
        runtime.block_on(for_every_number_of_polls(async |times| {
            let path = folder.file("a", &bytes);
            let mut file = File::options().read(true).write(true).open(&path).await.unwrap();
            file.write_all(b"start").await.unwrap();
            let done = match which {
                0 => polled(times, file.flush()).await.is_some(),
                1 => polled(times, file.seek(SeekFrom::Start(50))).await.is_some(),
                2 => polled(times, file.seek(SeekFrom::End(-50))).await.is_some(),
                3 => polled(times, file.set_len(9000)).await.is_some(),
                4 => polled(times, file.sync_all()).await.is_some(),
                5 => polled(times, file.sync_data()).await.is_some(),
                6 => polled(times, file.try_clone()).await.is_some(),
                7 => polled(times, file.metadata()).await.is_some(),
                8 => polled(times, file.shutdown()).await.is_some(),
                _ => polled(times, file.rewind()).await.is_some(),
            };
            let mut ten = [0; 10];
            assert_eq!(file.seek(SeekFrom::Start(100)).await.unwrap(), 100, "{which}, {times} polls");
            file.read_exact(&mut ten).await.unwrap();
            assert_eq!(ten, bytes[100..110], "{which}, {times} polls");
            file.write_all(b"middle").await.unwrap();
            file.flush().await.unwrap();
            assert_eq!(file.stream_position().await.unwrap(), 116, "{which}, {times} polls");
            let found = std_fs::read(&path).unwrap();
            let len = if which == 3 && found.len() != bytes.len() { 9000 } else { bytes.len() };
            assert_eq!(found.len(), len, "{which}, {times} polls");
            let expected = [b"start", &bytes[5..110], b"middle", &bytes[116..len]].concat();
            assert!(found == expected, "{which}, {times} polls");
            done
        }));
    }
}

/// The file goes with the future.
fn a_conversion_given_up(flavor: Flavor) {
    let folder = Folder::in_memory();
    flavor.build().block_on(for_every_number_of_polls(async |times| {
        let path = folder.at("a");
        let mut file = File::create(&path).await.unwrap();
        file.write_all(&numbered(5000)).await.unwrap();
        let done = polled(times, file.into_std()).await.is_some();
        wait_until("the bytes come", || std_fs::metadata(&path).unwrap().len() == 5000);
        done
    }));
}

/// Nothing half done is seen as done, and the end of the runtime waits for whatever is still under way.
fn whole_files_given_up(flavor: Flavor) {
    let bytes = numbered(10_000);
    for which in 0..3 {
        let mut times = 0;
        loop {
            let folder = Folder::in_memory();
            let (from, to) = (folder.file("from", &bytes), folder.at("to"));
            let runtime = flavor.build();
            let done = runtime.block_on(async {
                match which {
                    0 => polled(times, fs::write(&to, &bytes)).await.map(Result::unwrap).is_some(),
                    1 => polled(times, fs::copy(&from, &to)).await.map(Result::unwrap).is_some(),
                    _ => polled(times, fs::rename(&from, &to)).await.map(Result::unwrap).is_some(),
                }
            });
            drop(runtime);
            let found = std_fs::read(&to).ok();
            let is_whole = found.as_ref().is_some_and(|found| *found == bytes);
            assert!(is_whole || !done, "{which}, {times} polls");
            assert!(is_whole || found.is_none_or(|found| found.is_empty()), "{which}, {times} polls: half of it");
            if done && times > 0 {
                break;
            }
            times += 1;
        }
    }
}
