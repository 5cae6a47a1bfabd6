//! The shape of the poll-time histogram.

use crate::engine::histogram::Shape;
use std::time::Duration;

/// The buckets of the poll-time histogram, for
/// [`Builder::metrics_poll_time_histogram_configuration`](super::Builder::metrics_poll_time_histogram_configuration).
///
/// ```
/// use runtime::runtime::{Builder, HistogramConfiguration, LogHistogram};
/// use std::time::Duration;
/// let rt = Builder::new_multi_thread()
///     .enable_metrics_poll_time_histogram()
///     .metrics_poll_time_histogram_configuration(HistogramConfiguration::linear(Duration::from_micros(50), 20))
///     .build()
///     .unwrap();
/// assert_eq!(rt.metrics().poll_time_histogram_num_buckets(), 20);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistogramConfiguration(pub(super) Shape);

impl HistogramConfiguration {
    /// Buckets of equal width; the last one also takes everything longer.
    ///
    /// # Panics
    /// If `buckets` is 0 or `width` is zero.
    #[track_caller]
    pub fn linear(width: Duration, buckets: usize) -> Self {
        assert!(buckets > 0, "a histogram needs at least one bucket.\n  Ask for 1 or more in `linear`.");
        assert!(!width.is_zero(), "a histogram's buckets need a width.\n  Give `linear` at least a nanosecond.");
        HistogramConfiguration(Shape::Linear { width, buckets })
    }

    /// Buckets that grow with the duration: a bounded relative error over a wide range.
    pub fn log(configuration: impl Into<LogHistogram>) -> Self {
        HistogramConfiguration(configuration.into().0)
    }
}

impl Default for HistogramConfiguration {
    fn default() -> Self {
        HistogramConfiguration::linear(Duration::from_micros(100), 10)
    }
}

/// Each power of two of the duration is cut into the same number of buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogHistogram(Shape);

impl Default for LogHistogram {
    fn default() -> Self {
        LogHistogramBuilder::default().build()
    }
}

impl LogHistogram {
    /// Starts from 100 ns to 60 s with an error of 25 % at most.
    pub fn builder() -> LogHistogramBuilder {
        LogHistogramBuilder::default()
    }

    /// Where its last bucket begins, in nanoseconds: longer durations are not told apart.
    pub fn max_value(&self) -> u64 {
        let last = self.0.range(self.0.buckets() - 1).start;
        u64::try_from(last.as_nanos()).unwrap_or(u64::MAX)
    }
}

/// Builds a [`LogHistogram`].
#[derive(Clone, Copy, Debug)]
pub struct LogHistogramBuilder {
    first: Duration,
    last: Duration,
    precision: u32,
}

impl Default for LogHistogramBuilder {
    fn default() -> Self {
        LogHistogramBuilder { first: Duration::from_nanos(100), last: Duration::from_secs(60), precision: 2 }
    }
}

/// Why a histogram was not made.
#[derive(Debug)]
pub enum InvalidHistogramConfiguration {
    /// It would need more buckets than allowed.
    TooManyBuckets {
        /// How many it would need.
        required_bucket_count: usize,
    },
}

impl std::fmt::Display for InvalidHistogramConfiguration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let InvalidHistogramConfiguration::TooManyBuckets { required_bucket_count } = self;
        write!(
            f,
            "the histogram needs {required_bucket_count} buckets, more than are allowed; narrow its range or allow a \
             larger error"
        )
    }
}

impl std::error::Error for InvalidHistogramConfiguration {}

impl LogHistogramBuilder {
    /// The largest relative error of a duration that is read from the histogram; between 0 and 1.
    ///
    /// # Panics
    /// If `error` is not in that range.
    #[track_caller]
    pub fn max_error(mut self, error: f64) -> Self {
        assert!(
            error > 0.0 && error < 1.0,
            "a relative error of {error} makes no histogram.\n  Give one between 0 and 1."
        );
        let mut precision = 0;
        while 1.0 / f64::from(1u32 << precision) > error && precision < 10 {
            precision += 1;
        }
        self.precision = precision;
        self
    }

    /// Each power of two is cut into 2^`precision` buckets.
    ///
    /// # Panics
    /// If `precision` is above 10.
    #[track_caller]
    pub fn precision_exact(mut self, precision: u32) -> Self {
        assert!(precision <= 10, "a precision of {precision} makes too many buckets.\n  10 is the most.");
        self.precision = precision;
        self
    }

    /// The end of the first bucket.
    ///
    /// # Panics
    /// If `duration` is zero.
    #[track_caller]
    pub fn min_value(mut self, duration: Duration) -> Self {
        assert!(!duration.is_zero(), "a histogram's first bucket needs a width.\n  Give at least a nanosecond.");
        self.first = duration;
        self
    }

    /// The start of the last bucket, which also takes everything longer.
    ///
    /// # Panics
    /// If `duration` is zero.
    #[track_caller]
    pub fn max_value(mut self, duration: Duration) -> Self {
        assert!(!duration.is_zero(), "a histogram needs a range.\n  Give at least a nanosecond.");
        self.last = duration;
        self
    }

    /// The histogram, if it has no more than `allowed` buckets.
    pub fn max_buckets(&mut self, allowed: usize) -> Result<LogHistogram, InvalidHistogramConfiguration> {
        let histogram = self.build();
        match histogram.0.buckets() {
            required_bucket_count if required_bucket_count > allowed => {
                Err(InvalidHistogramConfiguration::TooManyBuckets { required_bucket_count })
            }
            _ => Ok(histogram),
        }
    }

    /// The histogram.
    pub fn build(&self) -> LogHistogram {
        LogHistogram(Shape::log_up_to(self.first, self.last, self.precision))
    }
}

impl From<LogHistogramBuilder> for LogHistogram {
    fn from(builder: LogHistogramBuilder) -> Self {
        builder.build()
    }
}

/// How a histogram's buckets grow; tokio's older way to say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HistogramScale {
    /// Buckets of equal width.
    Linear,
    /// Each bucket is twice as wide as the one before.
    Log,
}
