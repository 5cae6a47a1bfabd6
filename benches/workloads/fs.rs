//! Files: read in small pieces from the cache, many small ones whole, what is known of them, many places of one at once; logs
//! line by line, and large ones in large pieces. Beside: plain calls of std on one thread, for how much is possible.
//!
//! Each reading is a fresh process: smol's pool is global. Its files lie in the system's folder for temporary ones, so that
//! what the rows say of disks is that disk's.

mod folder;
mod peers;

use folder::{Folder, numbered, told};
use peers::Files;
use runtime_benches::{Meter, Ours, Peer, Reading, Smol, Spawn, Tokio, Workload, Wrong, check};
use std::fs;
use std::io::{Read, Write};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

pub(crate) fn workloads() -> Vec<Workload> {
    vec![
        of("fs-read-4k-cached-80m", "80 MiB of the page cache in reads of 4 KiB; per read", Cached::new)
            .beside("std", |meter| Cached::new(meter)?.read_by_std(meter)),
        of("fs-read-to-string-10k", "read_to_string of 10,000 small files, one after the other; per file", Small::new)
            .beside("std", |meter| Small::new(meter)?.read_by_std(meter)),
        of("fs-metadata-idle", "metadata of a file, one after the other", |_| Known::new())
            .beside("std", |meter| Known::new()?.ask_std(meter)),
        Workload::new("fs-metadata-beside-full-pool", "metadata of a file while 512 closures of spawn_blocking sleep")
            .runtime(Ours::NAME, beside_full_pool::<Ours>)
            .runtime(Tokio::NAME, beside_full_pool::<Tokio>)
            .runtime(Smol::NAME, beside_full_pool::<Smol>)
            .in_few_rounds(),
        of("fs-read-at-64", "64 reads of 64 KiB at once of a file that is not in the cache; per read", |_| {
            Places::new()
        }),
        of("fs-log-lines", "a log of lines of 80 bytes, each written as it comes; per line", |_| Log::new(false)),
        of("fs-log-lines-bufwriter", "the same through a BufWriter", |_| Log::new(true)),
        of("fs-write-1g-64k", "1 GiB in pieces of 64 KiB, flushed; per piece", Large::new).in_few_rounds(),
    ]
    .into_iter()
    .map(Workload::in_fresh_process)
    .collect()
}

/// Something to do with files, again and again.
trait Passes: Send + Sync + 'static {
    /// One pass: checks its result and says how many operations it was.
    fn pass<P: Files>(&self, here: P::Here) -> impl Future<Output = Result<u64, Wrong>> + Send;
}

/// Ours, tokio and smol, in a task each.
fn of<L: Passes>(
    name: &'static str,
    about: &'static str,
    prepare: impl Fn(Meter) -> Result<L, Wrong> + Copy + 'static,
) -> Workload {
    Workload::new(name, about)
        .runtime(Ours::NAME, move |meter| repeat::<Ours, L>(prepare(meter)?, meter))
        .runtime(Tokio::NAME, move |meter| repeat::<Tokio, L>(prepare(meter)?, meter))
        .runtime(Smol::NAME, move |meter| repeat::<Smol, L>(prepare(meter)?, meter))
}

fn repeat<P: Files, L: Passes>(load: L, meter: Meter) -> Result<Reading, Wrong> {
    let peer = P::build(meter.workers());
    let here = peer.here();
    let task = async move {
        let mut warm_up = meter.warm_up();
        while warm_up.goes_on() {
            warm_up.add(load.pass::<P>(here.clone()).await?);
        }
        let mut span = meter.start();
        while span.goes_on() {
            span.add(load.pass::<P>(here.clone()).await?);
        }
        Ok(span.stop())
    };
    let here = peer.here();
    peer.block_on(async move { here.spawn(task).await })
}

const MIB: usize = 1024 * 1024;
const PAGE: usize = 4096;

/// A file in the cache, since it has just been written.
struct Cached {
    folder: Folder,
    len: usize,
}

impl Cached {
    fn new(meter: Meter) -> Result<Cached, Wrong> {
        let (folder, len) = (Folder::new()?, meter.part_of(80) as usize * MIB);
        told(&folder.0, fs::write(folder.at("a"), numbered(len)))?;
        Ok(Cached { folder, len })
    }

    /// Of one piece.
    fn sum(piece: &[u8]) -> u64 {
        u64::from(piece[0]) + u64::from(piece[piece.len() - 1])
    }

    fn check(&self, read: usize, sum: u64) -> Result<u64, Wrong> {
        check("how much was read", read, self.len)?;
        let edges = (0..self.len).step_by(PAGE).flat_map(|at| [at, at + PAGE - 1]);
        check("the sum of the edges", sum, edges.map(|at| u64::from((at ^ (at >> 8)) as u8)).sum())?;
        Ok((self.len / PAGE) as u64)
    }

    fn read_by_std(self, meter: Meter) -> Result<Reading, Wrong> {
        let path = self.folder.at("a");
        meter.repeat(|| {
            let mut file = told(&path, fs::File::open(&path))?;
            let (mut room, mut read, mut sum) = ([0; PAGE], 0, 0);
            loop {
                match told(&path, file.read(&mut room))? {
                    0 => return self.check(read, sum),
                    n => {
                        read += n;
                        sum += Self::sum(&room[..n]);
                    }
                }
            }
        })
    }
}

impl Passes for Cached {
    async fn pass<P: Files>(&self, _: P::Here) -> Result<u64, Wrong> {
        let path = self.folder.at("a");
        let mut file = told(&path, P::open(path.clone()).await)?;
        let (mut room, mut read, mut sum) = (vec![0; PAGE], 0, 0);
        loop {
            // smol reads less at times, across the edge of its buffer.
            let mut filled = 0;
            while filled < PAGE {
                match told(&path, P::read(&mut file, &mut room[filled..]).await)? {
                    0 => break,
                    n => filled += n,
                }
            }
            if filled == 0 {
                return self.check(read, sum);
            }
            read += filled;
            sum += Self::sum(&room[..filled]);
        }
    }
}

/// Files of some hundred bytes.
struct Small {
    folder: Folder,
    count: u64,
}

impl Small {
    fn new(meter: Meter) -> Result<Small, Wrong> {
        let (folder, count) = (Folder::new()?, meter.part_of(10_000));
        for number in 0..count {
            told(&folder.0, fs::write(folder.at(number.to_string()), "x".repeat(Self::len(number))))?;
        }
        Ok(Small { folder, count })
    }

    fn len(number: u64) -> usize {
        100 + (number % 900) as usize
    }

    fn read_by_std(self, meter: Meter) -> Result<Reading, Wrong> {
        meter.repeat(|| {
            for number in 0..self.count {
                let path = self.folder.at(number.to_string());
                check("a file's length", told(&path, fs::read_to_string(&path))?.len(), Self::len(number))?;
            }
            Ok(self.count)
        })
    }
}

impl Passes for Small {
    async fn pass<P: Files>(&self, _: P::Here) -> Result<u64, Wrong> {
        for number in 0..self.count {
            let path = self.folder.at(number.to_string());
            let text = told(&self.folder.0, P::read_to_string(path).await)?;
            check("a file's length", text.len(), Self::len(number))?;
        }
        Ok(self.count)
    }
}

/// One file that is asked about.
struct Known(Folder);

impl Known {
    const LEN: u64 = 777;
    const TIMES: u64 = 200;

    fn new() -> Result<Known, Wrong> {
        let folder = Folder::new()?;
        told(&folder.0, fs::write(folder.at("a"), numbered(Self::LEN as usize)))?;
        Ok(Known(folder))
    }

    fn ask_std(self, meter: Meter) -> Result<Reading, Wrong> {
        let path = self.0.at("a");
        meter.repeat(|| {
            for _ in 0..Self::TIMES {
                check("the length", told(&path, fs::metadata(&path))?.len(), Self::LEN)?;
            }
            Ok(Self::TIMES)
        })
    }
}

impl Passes for Known {
    async fn pass<P: Files>(&self, _: P::Here) -> Result<u64, Wrong> {
        let path = self.0.at("a");
        for _ in 0..Self::TIMES {
            check("the length", told(&path, P::len(path.clone()).await)?, Self::LEN)?;
        }
        Ok(Self::TIMES)
    }
}

/// How many closures have begun.
#[derive(Default)]
struct Begun(Mutex<usize>, Condvar);

impl Begun {
    fn add(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.1.notify_one();
    }

    /// Waits for `all` of them, or until no more come: smol has fewer threads.
    fn wait_for(&self, all: usize) {
        const NO_MORE: Duration = Duration::from_millis(100);
        let mut begun = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while *begun < all {
            let (now, waited) = self.1.wait_timeout(begun, NO_MORE).unwrap_or_else(PoisonError::into_inner);
            begun = now;
            if waited.timed_out() {
                return;
            }
        }
    }
}

/// The sleep of a closure; a call that waits for one to end takes nearly as long.
const SLEEP: Duration = Duration::from_millis(500);

fn beside_full_pool<P: Files>(meter: Meter) -> Result<Reading, Wrong> {
    const CLOSURES: usize = 512;
    let known = Known::new()?;
    let peer = P::build(meter.workers());
    let here = peer.here();
    peer.block_on(async {
        let begun = Arc::new(Begun::default());
        let sleep = |_| {
            let begun = begun.clone();
            here.spawn_blocking(move || {
                begun.add();
                thread::sleep(SLEEP);
            })
        };
        let sleeping: Vec<_> = (0..CLOSURES).map(sleep).collect();
        begun.wait_for(CLOSURES);
        let since = Instant::now();
        let len = told(&known.0.0, P::len(known.0.at("a")).await)?;
        let took = since.elapsed();
        check("the length", len, Known::LEN)?;
        for join in sleeping {
            join.await;
        }
        Ok(Reading::of(vec![took.as_nanos() as f64]))
    })
}

/// A file whose places are read at once.
struct Places {
    folder: Folder,
    bytes: Vec<u8>,
}

impl Places {
    const READS: usize = 64;
    const LEN: usize = 64 * 1024;

    fn new() -> Result<Places, Wrong> {
        let (folder, bytes) = (Folder::new()?, numbered(Self::READS * Self::LEN));
        let mut file = told(&folder.0, fs::File::create(folder.at("a")))?;
        told(&folder.0, file.write_all(&bytes).and_then(|()| file.sync_all()))?;
        Ok(Places { folder, bytes })
    }

    /// What lies on the disk goes from the cache.
    fn forget(&self, file: &fs::File) -> Result<(), Wrong> {
        rustix::fs::fadvise(file, 0, None, rustix::fs::Advice::DontNeed).map_err(|error| Wrong(error.to_string()))
    }
}

impl Passes for Places {
    async fn pass<P: Files>(&self, here: P::Here) -> Result<u64, Wrong> {
        let path = self.folder.at("a");
        let file = told(&path, fs::File::open(&path))?;
        self.forget(&file)?;
        let file = P::shared(file);
        // In no order that a disk would like.
        let offset = |number: usize| number * 37 % Self::READS * Self::LEN;
        let read = |number| here.spawn(P::read_at(file.clone(), Self::LEN, offset(number) as u64));
        let reads: Vec<_> = (0..Self::READS).map(read).collect();
        for (number, read) in reads.into_iter().enumerate() {
            let found = told(&path, read.await)?;
            check("a place's bytes", found == self.bytes[offset(number)..][..Self::LEN], true)?;
        }
        Ok(Self::READS as u64)
    }
}

/// A log.
struct Log {
    folder: Folder,
    is_buffered: bool,
}

impl Log {
    const LINES: u64 = 2000;
    const LINE: [u8; 80] = {
        let mut line = [b'.'; 80];
        line[79] = b'\n';
        line
    };

    fn new(is_buffered: bool) -> Result<Log, Wrong> {
        Ok(Log { folder: Folder::new()?, is_buffered })
    }
}

impl Passes for Log {
    async fn pass<P: Files>(&self, _: P::Here) -> Result<u64, Wrong> {
        let path = self.folder.at("log");
        let mut file = told(&path, P::create(path.clone()).await)?;
        if self.is_buffered {
            let mut file = P::buffered(file);
            for _ in 0..Self::LINES {
                told(&path, P::write_buffered(&mut file, &Self::LINE).await)?;
            }
            told(&path, P::flush_buffered(&mut file).await)?;
        } else {
            for _ in 0..Self::LINES {
                told(&path, P::write(&mut file, &Self::LINE).await)?;
            }
            told(&path, P::flush(&mut file).await)?;
        }
        check("the log", told(&path, fs::metadata(&path))?.len(), Self::LINES * Self::LINE.len() as u64)?;
        Ok(Self::LINES)
    }
}

/// Much in large pieces.
struct Large {
    folder: Folder,
    pieces: u64,
}

impl Large {
    const PIECE: usize = 64 * 1024;

    fn new(meter: Meter) -> Result<Large, Wrong> {
        Ok(Large { folder: Folder::new()?, pieces: meter.part_of(16_384) })
    }
}

impl Passes for Large {
    async fn pass<P: Files>(&self, _: P::Here) -> Result<u64, Wrong> {
        let path = self.folder.at("a");
        let piece = numbered(Self::PIECE);
        let mut file = told(&path, P::create(path.clone()).await)?;
        for _ in 0..self.pieces {
            told(&path, P::write(&mut file, &piece).await)?;
        }
        told(&path, P::flush(&mut file).await)?;
        check("the length", told(&path, fs::metadata(&path))?.len(), self.pieces * Self::PIECE as u64)?;
        Ok(self.pieces)
    }
}
