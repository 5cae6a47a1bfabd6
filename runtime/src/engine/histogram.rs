//! How long polls take: counts in buckets, one row for each worker.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Which duration falls into which bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Buckets of equal width.
    Linear { width: Duration, buckets: usize },
    /// Each power of two from `first` on is cut into 2^`precision` buckets: a bounded relative error.
    Log { first: Duration, precision: u32, buckets: usize },
}

impl Shape {
    /// As many buckets as keep `last` out of the one without an end.
    pub(crate) fn log_up_to(first: Duration, last: Duration, precision: u32) -> Shape {
        let open = Shape::Log { first, precision, buckets: usize::MAX };
        Shape::Log { first, precision, buckets: open.log_bucket(nanos(last.max(first))) + 2 }
    }

    pub(crate) fn buckets(&self) -> usize {
        match *self {
            Shape::Linear { buckets, .. } | Shape::Log { buckets, .. } => buckets,
        }
    }

    fn bucket(&self, duration: Duration) -> usize {
        let index = match *self {
            Shape::Linear { width, .. } => (nanos(duration) / nanos(width).max(1)) as usize,
            Shape::Log { .. } => self.log_bucket(nanos(duration)),
        };
        index.min(self.buckets() - 1)
    }

    /// What falls into a bucket: from its start to the next one's.
    pub(crate) fn range(&self, bucket: usize) -> std::ops::Range<Duration> {
        let end = if bucket + 1 >= self.buckets() { Duration::from_nanos(u64::MAX) } else { self.start(bucket + 1) };
        self.start(bucket)..end
    }

    fn start(&self, bucket: usize) -> Duration {
        match *self {
            Shape::Linear { width, .. } => Duration::from_nanos(nanos(width).saturating_mul(bucket as u64)),
            Shape::Log { first, precision, .. } => {
                if bucket == 0 {
                    return Duration::ZERO;
                }
                let (octave, part) = ((bucket - 1) >> precision, (bucket - 1) & ((1 << precision) - 1));
                let base = nanos(first).saturating_mul(1u64.checked_shl(octave as u32).unwrap_or(u64::MAX));
                Duration::from_nanos(base.saturating_add((base >> precision).saturating_mul(part as u64)))
            }
        }
    }

    fn log_bucket(&self, value: u64) -> usize {
        let Shape::Log { first, precision, .. } = *self else { return 0 };
        let first = nanos(first).max(1);
        if value < first {
            return 0;
        }
        let octave = (value / first).ilog2();
        let base = first.saturating_mul(1 << octave);
        let part = ((value - base) / (base >> precision).max(1)).min((1 << precision) - 1);
        1 + ((octave as usize) << precision) + part as usize
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

pub(crate) struct Histogram {
    pub(crate) shape: Shape,
    /// A row is made when its worker records for the first time.
    rows: parking_lot::RwLock<Vec<Box<[AtomicU64]>>>,
}

impl Histogram {
    pub(crate) fn new(shape: Shape) -> Self {
        Histogram { shape, rows: parking_lot::RwLock::new(Vec::new()) }
    }

    pub(crate) fn record(&self, worker: usize, duration: Duration) {
        let bucket = self.shape.bucket(duration);
        if let Some(row) = self.rows.read().get(worker) {
            row[bucket].fetch_add(1, Ordering::Relaxed);
            return;
        }
        let mut rows = self.rows.write();
        while rows.len() <= worker {
            rows.push((0..self.shape.buckets()).map(|_| AtomicU64::new(0)).collect());
        }
        rows[worker][bucket].fetch_add(1, Ordering::Relaxed);
    }

    /// Rows made so far: no worker from this one on has recorded anything.
    pub(crate) fn rows(&self) -> usize {
        self.rows.read().len()
    }

    pub(crate) fn count(&self, worker: usize, bucket: usize) -> u64 {
        self.rows.read().get(worker).and_then(|row| row.get(bucket)).map_or(0, |n| n.load(Ordering::Relaxed))
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn every_duration_falls_into_the_bucket_whose_range_has_it() {
        let shapes = [
            Shape::Linear { width: Duration::from_micros(50), buckets: 10 },
            Shape::log_up_to(Duration::from_nanos(100), Duration::from_secs(60), 2),
            Shape::log_up_to(Duration::from_micros(16), Duration::from_millis(100), 0),
            Shape::Log { first: Duration::from_micros(16), precision: 0, buckets: 1 },
        ];
        for shape in shapes {
            let mut ns = 0u64;
            while ns < 200_000_000_000 {
                let duration = Duration::from_nanos(ns);
                let range = shape.range(shape.bucket(duration));
                assert!(range.contains(&duration), "{shape:?}: {duration:?} is not in {range:?}");
                ns = ns * 9 / 8 + 1;
            }
            for bucket in 1..shape.buckets() {
                assert_eq!(shape.range(bucket - 1).end, shape.range(bucket).start, "{shape:?}: a gap at {bucket}");
            }
        }
    }

    #[test]
    fn counts_are_kept_by_worker() {
        let histogram = Histogram::new(Shape::Linear { width: Duration::from_micros(1), buckets: 3 });
        histogram.record(2, Duration::from_nanos(1500));
        histogram.record(2, Duration::from_secs(1));
        assert_eq!([0, 1, 2].map(|bucket| histogram.count(2, bucket)), [0, 1, 1]);
        assert_eq!(histogram.count(0, 1), 0);
    }
}
