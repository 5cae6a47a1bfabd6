//! What a process counts, and what it holds when nothing is under way.

use runtime_tests::counting_alloc::live;
use runtime_tests::process;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counted while it runs.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// Bytes that came, each at its place.
    pub(crate) verified: AtomicU64,
    /// Connections that ended as both sides meant them to.
    pub(crate) clean: AtomicU64,
    /// Connections that ended by a reset.
    pub(crate) resets: AtomicU64,
    /// Connections that could not be had for want of descriptors.
    pub(crate) refused: AtomicU64,
    /// Connections that were half closed with bytes on their way back.
    pub(crate) half_closes: AtomicU64,
    /// Connections that sent on while nobody read.
    pub(crate) stalls: AtomicU64,
    /// Workers that were stuck, to the end of it.
    pub(crate) stuck: AtomicU64,
    /// Everything that must not be; each is also written to the standard error.
    pub(crate) wrong: AtomicU64,
}

impl Counts {
    pub(crate) fn add(counter: &AtomicU64, n: u64) {
        counter.fetch_add(n, Ordering::Relaxed);
    }

    /// Something that must not be.
    pub(crate) fn wrong(&self, what: fmt::Arguments<'_>) {
        Counts::add(&self.wrong, 1);
        eprintln!("soak: WRONG: {what}");
    }

    /// The counts, and what this process holds now.
    pub(crate) fn report(&self) -> Report {
        let read = |counter: &AtomicU64| counter.load(Ordering::SeqCst);
        Report {
            verified: read(&self.verified),
            clean: read(&self.clean),
            resets: read(&self.resets),
            refused: read(&self.refused),
            half_closes: read(&self.half_closes),
            stalls: read(&self.stalls),
            stuck: read(&self.stuck),
            wrong: read(&self.wrong),
            fds: process::fds() as u64,
            threads: process::threads() as u64,
            heap: live().bytes.unsigned_abs() as u64,
        }
    }
}

/// [`Counts`] at one moment, with the descriptors, threads and bytes of heap that the process holds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Report {
    pub(crate) verified: u64,
    pub(crate) clean: u64,
    pub(crate) resets: u64,
    pub(crate) refused: u64,
    pub(crate) half_closes: u64,
    pub(crate) stalls: u64,
    pub(crate) stuck: u64,
    pub(crate) wrong: u64,
    pub(crate) fds: u64,
    pub(crate) threads: u64,
    pub(crate) heap: u64,
}

impl Report {
    /// The line that [`Report::parse`] reads.
    pub(crate) fn line(&self) -> String {
        let Report { verified, clean, resets, refused, half_closes, stalls, stuck, wrong, fds, threads, heap } = self;
        format!("{verified} {clean} {resets} {refused} {half_closes} {stalls} {stuck} {wrong} {fds} {threads} {heap}")
    }

    pub(crate) fn parse(line: &str) -> Report {
        let numbers: Vec<u64> = line.split(' ').map(|word| word.parse().expect("a number")).collect();
        let [verified, clean, resets, refused, half_closes, stalls, stuck, wrong, fds, threads, heap] = numbers[..]
        else {
            panic!("{line:?} is no report");
        };
        Report { verified, clean, resets, refused, half_closes, stalls, stuck, wrong, fds, threads, heap }
    }

    pub(crate) fn assert_right(&self, name: &str) {
        assert_eq!(self.wrong, 0, "the {name} saw what must not be; it is written above: {self:?}");
    }

    /// Descriptors and threads: no more than before. Heap: an allocator's luck more, since which worker keeps how
    /// many cells of finished tasks depends on who ran them.
    pub(crate) fn is_flat_since(&self, before: &Report) -> bool {
        let heap_max = before.heap + before.heap / 4 + (512 << 10);
        self.fds <= before.fds && self.threads <= before.threads && self.heap <= heap_max
    }

    /// Something that may go late went meanwhile.
    pub(crate) fn holds_less_than(&self, before: &Report) -> bool {
        self.fds < before.fds || self.threads < before.threads
    }

    pub(crate) fn assert_flat_since(&self, before: &Report, name: &str) {
        assert!(self.is_flat_since(before), "the {name} keeps descriptors, threads or memory:\n{before:?}\n{self:?}");
    }
}

#[test]
fn a_report_is_read_as_it_was_written() {
    let counts = Counts::default();
    Counts::add(&counts.clean, 7);
    let report = counts.report();
    assert_eq!(Report::parse(&report.line()), report);
    report.assert_right("test");
    report.assert_flat_since(&report, "test");
}

#[test]
fn a_report_of_what_is_wrong_or_kept_fails() {
    let good = Counts::default().report();
    let fails = |bad: Report| {
        let caught = runtime_tests::catch(|| {
            bad.assert_right("test");
            bad.assert_flat_since(&good, "test");
        });
        caught.expect_err("it passed");
    };
    fails(Report { wrong: 1, ..good.clone() });
    fails(Report { fds: good.fds + 1, ..good.clone() });
    fails(Report { threads: good.threads + 1, ..good.clone() });
    fails(Report { heap: good.heap * 2 + (1 << 20), ..good.clone() });
}
