//! Files under random use, against std on a file of the same contents: the same results, the same bytes, the same place.
//!
//! Some handles of ours share one descriptor's offset with their clones, as std's do; each operation goes to any of them.
//! Before another handle has its turn, what is on its way is flushed, as std needs no flush.

use runtime::fs::{File, OpenOptions};
use runtime::io::{AsyncBufReadExt, AsyncReadExt, AsyncSeekExt, AsyncWriteExt, BufReader, BufStream, BufWriter};
use runtime_tests::{Flavor, Folder, Rng, for_each_flavor, numbered};
use std::fs as std_fs;
use std::io::{self, BufRead, ErrorKind, IoSlice, Read, Seek, SeekFrom, Write};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

for_each_flavor!(in_a_folder, in_memory);

pub(crate) fn in_a_folder(flavor: Flavor) {
    many_rounds(flavor, Folder::new);
}

pub(crate) fn in_memory(flavor: Flavor) {
    many_rounds(flavor, Folder::in_memory);
}

fn many_rounds(flavor: Flavor, folder: fn() -> Folder) {
    let mut dice = Rng::from_env("fs_random");
    let folder = folder();
    let runtime = flavor.build();
    let since = Instant::now();
    for round in 0.. {
        // Each step may be slow where every read takes another thread.
        if round >= 4 && since.elapsed() > duration() {
            break;
        }
        let contents = numbered([0, 100, 5000, 70_000, 300_000][dice.below(5)]);
        let (ours, std) = (folder.file("ours", &contents), folder.file("std", &contents));
        let is_append = dice.one_in(4);
        runtime.block_on(async {
            let file = OpenOptions::new().read(true).write(true).append(is_append).open(&ours).await.unwrap();
            let std = std_fs::OpenOptions::new().read(true).write(true).append(is_append).open(&std).unwrap();
            let mut pair = Pair { ours: vec![file], std: vec![std], turn: 0 };
            for step in 0..80 {
                let what = pair.step(&mut dice).await;
                pair.compare(&format!("round {round}, step {step}, append {is_append}: {what}")).await;
            }
        });
        assert!(std_fs::read(&ours).unwrap() == std_fs::read(&std).unwrap(), "round {round}");
    }
}

/// `STRESS_SECONDS` asks for more.
fn duration() -> Duration {
    let asked = std::env::var("STRESS_SECONDS").ok().and_then(|seconds| seconds.parse().ok());
    asked.map_or(Duration::from_millis(700), Duration::from_secs)
}

/// The same handles twice.
struct Pair {
    ours: Vec<File>,
    std: Vec<std_fs::File>,
    turn: usize,
}

/// Up to this many handles of one file.
const HANDLES: usize = 4;

fn kind<T>(result: io::Result<T>) -> Result<T, ErrorKind> {
    result.map_err(|error| error.kind())
}

fn len(dice: &mut Rng) -> usize {
    match dice.below(6) {
        0 => dice.below(3),
        1 => 4094 + dice.below(5),
        2 => dice.below(100_000),
        _ => dice.below(3000),
    }
}

fn place(dice: &mut Rng) -> SeekFrom {
    match dice.below(4) {
        0 => SeekFrom::Start(dice.below(310_000) as u64),
        1 => SeekFrom::End(100 - dice.below(70_000) as i64),
        // Often in front of the start, which fails.
        _ => SeekFrom::Current(dice.below(4000) as i64 - 2000),
    }
}

/// Until the room is full, or the end.
async fn fill(file: &mut (impl AsyncReadExt + Unpin), room: &mut [u8]) -> io::Result<usize> {
    let mut at = 0;
    while at < room.len() {
        match file.read(&mut room[at..]).await? {
            0 => break,
            n => at += n,
        }
    }
    Ok(at)
}

fn fill_std(file: &mut impl Read, room: &mut [u8]) -> io::Result<usize> {
    let mut at = 0;
    while at < room.len() {
        match file.read(&mut room[at..])? {
            0 => break,
            n => at += n,
        }
    }
    Ok(at)
}

impl Pair {
    /// The same operation on both. Its results are compared here, its consequences in `compare`.
    async fn step(&mut self, dice: &mut Rng) -> &'static str {
        if dice.one_in(3) {
            self.ours[self.turn].flush().await.unwrap();
            self.turn = dice.below(self.ours.len());
        }
        match dice.below(16) {
            0..4 => self.reads(dice).await,
            4..7 => self.writes(dice).await,
            7..9 => self.seeks(dice).await,
            9 => self.resizes(dice).await,
            10 => self.clones(dice).await,
            11 => self.converts(dice).await,
            12 => self.reads_through_a_buffer(dice).await,
            13 => self.writes_through_a_buffer(dice).await,
            14 => self.uses_a_stream(dice).await,
            _ => self.changes_the_buffer(dice),
        }
    }

    async fn reads(&mut self, dice: &mut Rng) -> &'static str {
        let (ours, std) = (&mut self.ours[self.turn], &mut self.std[self.turn]);
        if dice.one_in(10) {
            let (mut one, mut two) = (Vec::new(), Vec::new());
            assert_eq!(kind(ours.read_to_end(&mut one).await), kind(std.read_to_end(&mut two)));
            assert!(one == two, "all the rest");
            return "read_to_end";
        }
        let len = len(dice);
        let (mut one, mut two) = (vec![0; len], vec![0; len]);
        let got = kind(fill(ours, &mut one).await);
        assert_eq!(got, kind(fill_std(std, &mut two)), "a read of {len}");
        assert!(one == two, "a read of {len}");
        "read"
    }

    async fn writes(&mut self, dice: &mut Rng) -> &'static str {
        let (ours, std) = (&mut self.ours[self.turn], &mut self.std[self.turn]);
        let bytes: Vec<u8> = (0..len(dice)).map(|_| dice.bits() as u8).collect();
        if dice.one_in(4) {
            let half = bytes.len() / 2;
            let n = ours.write_vectored(&[IoSlice::new(&bytes[..half]), IoSlice::new(&bytes[half..])]).await.unwrap();
            std.write_all(&bytes[..n]).unwrap();
            return "write_vectored";
        }
        ours.write_all(&bytes).await.unwrap();
        std.write_all(&bytes).unwrap();
        "write"
    }

    async fn seeks(&mut self, dice: &mut Rng) -> &'static str {
        let (ours, std) = (&mut self.ours[self.turn], &mut self.std[self.turn]);
        let to = place(dice);
        assert_eq!(kind(ours.seek(to).await), kind(std.seek(to)), "{to:?}");
        "seek"
    }

    async fn resizes(&mut self, dice: &mut Rng) -> &'static str {
        let len = dice.below(100_000) as u64;
        self.ours[self.turn].set_len(len).await.unwrap();
        self.std[self.turn].set_len(len).unwrap();
        "set_len"
    }

    async fn clones(&mut self, dice: &mut Rng) -> &'static str {
        if self.ours.len() == HANDLES || (self.ours.len() > 1 && dice.one_in(2)) {
            // The dropped one may have writes on their way.
            self.ours[self.turn].flush().await.unwrap();
            self.ours.remove(self.turn);
            self.std.remove(self.turn);
            self.turn = 0;
            return "drop";
        }
        let clone = self.ours[self.turn].try_clone().await.unwrap();
        self.ours.push(clone);
        let clone = self.std[self.turn].try_clone().unwrap();
        self.std.push(clone);
        "try_clone"
    }

    async fn converts(&mut self, dice: &mut Rng) -> &'static str {
        let ours = self.ours.remove(self.turn);
        let mut std = match dice.one_in(2) {
            true => ours.into_std().await,
            false => match ours.try_into_std() {
                Ok(std) => std,
                Err(ours) => ours.into_std().await,
            },
        };
        // It is one of std's meanwhile, at the same place.
        let twin = &mut self.std[self.turn];
        assert_eq!(std.stream_position().unwrap(), twin.stream_position().unwrap());
        let (mut one, mut two) = ([0; 10], [0; 10]);
        assert_eq!(fill_std(&mut std, &mut one).unwrap(), fill_std(twin, &mut two).unwrap());
        assert_eq!(one, two);
        self.ours.insert(self.turn, File::from_std(std));
        "into_std"
    }

    async fn reads_through_a_buffer(&mut self, dice: &mut Rng) -> &'static str {
        let capacity = 1 + dice.below(10_000);
        self.ours[self.turn].flush().await.unwrap();
        let mut ours = BufReader::with_capacity(capacity, &mut self.ours[self.turn]);
        let mut std = io::BufReader::with_capacity(capacity, &mut self.std[self.turn]);
        for _ in 0..1 + dice.below(8) {
            match dice.below(4) {
                0 => {
                    let (mut one, mut two, end) = (Vec::new(), Vec::new(), dice.bits() as u8);
                    assert_eq!(ours.read_until(end, &mut one).await.unwrap(), std.read_until(end, &mut two).unwrap());
                    assert!(one == two, "read_until {end}");
                }
                1 => {
                    let to = place(dice);
                    assert_eq!(kind(ours.seek(to).await), kind(std.seek(to)), "a BufReader's {to:?}");
                }
                2 => {
                    let (one, two) = (ours.fill_buf().await.unwrap(), std.fill_buf().unwrap());
                    let common = one.len().min(two.len());
                    assert!(one[..common] == two[..common] && one.is_empty() == two.is_empty(), "fill_buf");
                    let used = dice.below(common + 1);
                    ours.consume(used);
                    std.consume(used);
                }
                _ => {
                    let len = len(dice);
                    let (mut one, mut two) = (vec![0; len], vec![0; len]);
                    assert_eq!(fill(&mut ours, &mut one).await.unwrap(), fill_std(&mut std, &mut two).unwrap());
                    assert!(one == two, "a BufReader's read of {len}");
                }
            }
        }
        // Gives back what is in the buffer.
        let here = SeekFrom::Current(0);
        assert_eq!(ours.seek(here).await.unwrap(), std.seek(here).unwrap());
        "BufReader"
    }

    async fn writes_through_a_buffer(&mut self, dice: &mut Rng) -> &'static str {
        let mut ours = BufWriter::with_capacity(1 + dice.below(5000), &mut self.ours[self.turn]);
        let std = &mut self.std[self.turn];
        for _ in 0..1 + dice.below(8) {
            if dice.one_in(4) {
                let to = place(dice);
                assert_eq!(kind(ours.seek(to).await), kind(std.seek(to)), "a BufWriter's {to:?}");
            } else {
                let bytes = vec![dice.bits() as u8; len(dice)];
                ours.write_all(&bytes).await.unwrap();
                std.write_all(&bytes).unwrap();
            }
        }
        ours.flush().await.unwrap();
        "BufWriter"
    }

    /// Both buffers at once. Between reads and writes it is told where to go on, since what it has read ahead is not given back
    /// by a write.
    async fn uses_a_stream(&mut self, dice: &mut Rng) -> &'static str {
        let mut ours = BufStream::with_capacity(1 + dice.below(5000), 1 + dice.below(5000), &mut self.ours[self.turn]);
        let std = &mut self.std[self.turn];
        for _ in 0..1 + dice.below(8) {
            if dice.one_in(2) {
                let len = len(dice);
                let (mut one, mut two) = (vec![0; len], vec![0; len]);
                assert_eq!(fill(&mut ours, &mut one).await.unwrap(), fill_std(std, &mut two).unwrap());
                assert!(one == two, "a BufStream's read of {len}");
            } else {
                let bytes = vec![dice.bits() as u8; len(dice)];
                ours.write_all(&bytes).await.unwrap();
                ours.flush().await.unwrap();
                std.write_all(&bytes).unwrap();
            }
            let to = SeekFrom::Start(std.stream_position().unwrap());
            assert_eq!(kind(ours.seek(to).await), kind(std.seek(to)), "a BufStream's {to:?}");
        }
        "BufStream"
    }

    fn changes_the_buffer(&mut self, dice: &mut Rng) -> &'static str {
        let size = [1 + dice.below(10), 4096, 10_000 + dice.below(100_000), 2 * 1024 * 1024][dice.below(4)];
        // A byte at a time is slow on some runtimes.
        self.ours[self.turn].set_max_buf_size(size.max(500));
        "set_max_buf_size"
    }

    /// Flushed, both files and both descriptors are the same.
    async fn compare(&mut self, what: &str) {
        let (ours, std) = (&mut self.ours[self.turn], &mut self.std[self.turn]);
        ours.flush().await.unwrap_or_else(|error| panic!("{what}: {error}"));
        let place = rustix::fs::tell(ours.as_fd()).unwrap();
        assert_eq!(place, std.stream_position().unwrap(), "{what}: the descriptor's place");
        let len = ours.metadata().await.unwrap().len();
        assert_eq!(len, std.metadata().unwrap().len(), "{what}: the length");
    }
}
