//! What only the inside shows: the position at each step, with and without reading ahead, and what stays on the desk.

use super::*;
use crate::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};
use crate::runtime::{Builder, Runtime};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use std::future::Future;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

fn runtime() -> Runtime {
    Builder::new_current_thread().build().unwrap()
}

/// A name for a file, which goes with it.
struct Path(PathBuf);

impl Path {
    fn with(content: &[u8]) -> Path {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("runtime-fs-{}-{number}", std::process::id()));
        fs::write(&path, content).unwrap();
        Path(path)
    }

    fn open(&self) -> fs::File {
        fs::OpenOptions::new().read(true).write(true).open(&self.0).unwrap()
    }
}

impl Drop for Path {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[derive(Clone, Debug)]
enum Act {
    Read(usize),
    /// A read whose future is dropped after one poll.
    Begin(usize),
    Write(u8, usize),
    Seek(SeekFrom),
    SetLen(u64),
    WriteAt(u8, u64),
    ShowDescriptor,
    Clone,
    /// The rest is done by the other clone.
    Switch,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        8 => (0..3000_usize).prop_map(Act::Read),
        3 => (1..3000_usize).prop_map(Act::Begin),
        3 => (any::<u8>(), 0..2000_usize).prop_map(|(byte, n)| Act::Write(byte, n)),
        1 => (0..9000_u64).prop_map(|to| Act::Seek(SeekFrom::Start(to))),
        1 => (-4000..4000_i64).prop_map(|by| Act::Seek(SeekFrom::Current(by))),
        1 => (-9000..1000_i64).prop_map(|by| Act::Seek(SeekFrom::End(by))),
        1 => (0..9000_u64).prop_map(Act::SetLen),
        2 => (any::<u8>(), 0..9000_u64).prop_map(|(byte, at)| Act::WriteAt(byte, at)),
        1 => Just(Act::ShowDescriptor),
        3 => Just(Act::Clone),
        8 => Just(Act::Switch),
    ]
}

/// Ours and std's, on files of the same content.
struct Pair {
    ours: Vec<File>,
    stds: Vec<fs::File>,
    used: usize,
}

impl Pair {
    async fn act(&mut self, act: Act) -> TestCaseResult {
        let is_alone = self.ours.len() == 1;
        let (ours, std) = (&mut self.ours[self.used], &mut self.stds[self.used]);
        let mut is_begun = false;
        match act {
            Act::Read(n) => {
                let (mut one, mut two) = (vec![0; n], vec![0; n]);
                let mut read = ours.read(&mut one).await.unwrap();
                // One that was begun with less room answers with less.
                let asked = std.read(&mut two).unwrap();
                prop_assert!(read > 0 || asked == 0, "an end that is none");
                while read < asked {
                    match ours.read(&mut one[read..]).await.unwrap() {
                        0 => break,
                        more => read += more,
                    }
                }
                prop_assert_eq!(&one[..read], &two[..asked]);
            }
            // What it moved cannot be told from outside, and a second handle would see it.
            Act::Begin(_) if !is_alone => {}
            Act::Begin(n) => {
                let mut room = vec![0; n];
                let mut read = pin!(ours.read(&mut room));
                // Whatever was read at once was read, and std's does the same.
                if let Poll::Ready(read) = read.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                    std.read_exact(&mut vec![0; read.unwrap()]).unwrap();
                } else {
                    is_begun = true;
                }
            }
            Act::Write(byte, n) => {
                ours.write_all(&vec![byte; n]).await.unwrap();
                ours.flush().await.unwrap();
                std.write_all(&vec![byte; n]).unwrap();
            }
            Act::Seek(to) => {
                prop_assert_eq!(ours.seek(to).await.map_err(|e| e.kind()), std.seek(to).map_err(|e| e.kind()));
            }
            Act::SetLen(len) => {
                ours.set_len(len).await.unwrap();
                std.set_len(len).unwrap();
            }
            Act::WriteAt(byte, at) => {
                ours.write_all_at(vec![byte; 100], at).await.unwrap();
                std::os::unix::fs::FileExt::write_all_at(std, &[byte; 100], at).unwrap();
            }
            Act::ShowDescriptor => drop(ours.as_fd()),
            Act::Clone if is_alone => {
                let mut second = ours.try_clone().await.unwrap();
                second.is_cached = ours.is_cached;
                let third = std.try_clone().unwrap();
                self.ours.push(second);
                self.stds.push(third);
            }
            Act::Clone => {}
            Act::Switch => self.used = (self.used + 1) % self.ours.len(),
        }
        // While a read that was begun has not ended, only the next operation knows where it is.
        let idle = |file: &File| file.front.lock().under_way.is_none() && file.front.lock().inbox.is_empty();
        if !is_begun && self.ours.iter().all(idle) {
            let position = (&*self.ours[0].std).stream_position().unwrap();
            prop_assert_eq!(position, self.stds[0].stream_position().unwrap());
        }
        Ok(())
    }
}

fn same_as_std(acts: Vec<Act>, is_cached: bool, is_private: bool) -> TestCaseResult {
    let content: Vec<u8> = (0..8000_u32).map(|n| (n % 251) as u8).collect();
    let (one, two) = (Path::with(&content), Path::with(&content));
    let mut ours = File::from_std(one.open());
    ours.is_cached &= is_cached;
    ours.front.lock().is_private = is_private;
    let mut pair = Pair { ours: vec![ours], stds: vec![two.open()], used: 0 };
    runtime().block_on(async {
        for act in acts {
            pair.act(act).await?;
        }
        let used = pair.used;
        let position = pair.ours.swap_remove(used).into_std().await.stream_position().unwrap();
        prop_assert_eq!(position, pair.stds[used].stream_position().unwrap());
        Ok(())
    })?;
    prop_assert_eq!(fs::read(&one.0).unwrap(), fs::read(&two.0).unwrap());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    /// Fault: `give_back` clears an inbox that was not read ahead, without moving the position.
    #[test]
    fn bytes_and_position_are_those_of_std_read_by_threads(acts in vec(act(), 1..40)) {
        same_as_std(acts, false, false)?;
    }

    /// Fault: `try_clone` leaves the file private.
    #[test]
    fn bytes_and_position_are_those_of_std_read_ahead(acts in vec(act(), 1..40)) {
        same_as_std(acts, false, true)?;
    }

    /// Fault: the cache is read at offset 0.
    #[test]
    fn bytes_and_position_are_those_of_std_read_from_the_cache(acts in vec(act(), 1..40)) {
        same_as_std(acts, true, true)?;
    }
}

#[test]
fn reading_ahead_takes_one_trip_and_leaves_the_position_to_reads() {
    let path = Path::with(&vec![7; job::AHEAD]);
    let mut file = File::of_our_own(path.open());
    file.is_cached = false;
    runtime().block_on(async {
        let mut room = [0; 4096];
        for n in 1..=job::AHEAD as u64 / 4096 {
            file.read_exact(&mut room).await.unwrap();
            assert_eq!((&*file.std).stream_position().unwrap(), n * 4096);
            assert_eq!(file.front.lock().inbox.unread.len(), job::AHEAD - n as usize * 4096);
        }
        assert_eq!(file.read(&mut room).await.unwrap(), 0);
    });
}

/// Fault: bytes that could not be written are dropped with the first report.
#[test]
fn bytes_that_could_not_be_written_are_tried_by_each_flush_until_they_are_given_up() {
    let memory = memfd_create("full", MemfdFlags::ALLOW_SEALING).unwrap();
    let mut file = File::from(memory);
    runtime().block_on(async {
        file.write_all(b"ab").await.unwrap();
        file.flush().await.unwrap();
        fcntl_add_seals(&*file.std, SealFlags::GROW).unwrap();
        file.write_all(b"cd").await.unwrap();
        for _ in 0..3 {
            file.flush().await.unwrap_err();
            file.sync_all().await.unwrap_err();
        }
        assert_eq!(file.front.lock().outbox, b"cd");
        file.write_all(b"ef").await.unwrap();
        file.shutdown().await.unwrap_err();
        assert_eq!(file.front.lock().outbox, b"cdef");
        file.rewind().await.unwrap();
        assert_eq!(file.front.lock().outbox, b"");
        file.flush().await.unwrap();
        let mut all = Vec::new();
        file.read_to_end(&mut all).await.unwrap();
        assert_eq!(all, b"ab");
    });
}

/// Fault: a write waits until nothing is under way.
#[test]
fn what_is_accepted_while_a_thread_writes_goes_with_the_next_write() {
    let path = Path::with(b"");
    let file = path.open();
    let mut file = File::from_std(file);
    runtime().block_on(async {
        file.write_all(b"a").await.unwrap();
        file.flush().await.unwrap();
        // As if a thread were at it.
        file.front.lock().begin(Doing::Write);
        file.set_max_buf_size(4);
        for (line, is_accepted) in [(b"b\n", true), (b"c\n", true), (b"d\n", false)] {
            let polled = pin!(file.write(line)).poll(&mut Context::from_waker(Waker::noop()));
            assert_eq!(polled.is_ready(), is_accepted, "four bytes may wait, and no more");
        }
        assert_eq!(file.front.lock().outbox, b"b\nc\n");
        file.send(job::Work::Write);
        file.flush().await.unwrap();
    });
    assert_eq!(fs::read(&path.0).unwrap(), b"ab\nc\n");
}

#[test]
fn a_file_can_be_sent_shared_and_carried_through_a_panic() {
    fn check<T: Send + Sync + Unpin + std::panic::UnwindSafe>() {}
    check::<File>();
    fn is_send<T: Send>(_: T) {}
    let path = Path::with(b"");
    let mut file = File::from_std(path.open());
    is_send(file.sync_all());
    is_send(file.try_clone());
    is_send(file.read_at(1, 1));
    is_send(file.seek(SeekFrom::End(0)));
    is_send(File::open("x"));
    is_send(file.into_std());
}
