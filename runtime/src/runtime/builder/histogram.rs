//! What a builder says of the poll-time histogram.
//!
//! Owns: its methods for that, and tokio's older way to say the same.   Not here: shapes (`runtime/histogram`).

use super::Builder;
use crate::engine::histogram::Shape;
use crate::runtime::{HistogramConfiguration, HistogramScale};
use std::time::Duration;

/// tokio's older way to shape a histogram, as far as it was said.
#[derive(Clone, Copy)]
pub(super) struct Older {
    pub(super) scale: HistogramScale,
    pub(super) resolution: Duration,
    pub(super) buckets: usize,
}

impl Default for Older {
    fn default() -> Self {
        Older { scale: HistogramScale::Linear, resolution: Duration::from_micros(100), buckets: 10 }
    }
}

impl Older {
    pub(super) fn shape(&self) -> Shape {
        match self.scale {
            HistogramScale::Linear => Shape::Linear { width: self.resolution, buckets: self.buckets },
            HistogramScale::Log => {
                let nanos = u64::try_from(self.resolution.as_nanos()).unwrap_or(u64::MAX).clamp(1, 1 << 62);
                let first = Duration::from_nanos(nanos.next_power_of_two());
                Shape::Log { first, precision: 0, buckets: self.buckets }
            }
        }
    }
}

impl Builder {
    /// Measures how long each poll takes; two clock reads for each.
    pub fn enable_metrics_poll_time_histogram(&mut self) -> &mut Self {
        self.histogram = true;
        self
    }

    /// The buckets of the poll-time histogram.
    pub fn metrics_poll_time_histogram_configuration(&mut self, configuration: HistogramConfiguration) -> &mut Self {
        self.histogram_shape = configuration;
        self.older_histogram_shape = None;
        self
    }

    /// tokio's older name for [`enable_metrics_poll_time_histogram`](Builder::enable_metrics_poll_time_histogram).
    #[deprecated = "renamed to `enable_metrics_poll_time_histogram`"]
    pub fn enable_metrics_poll_count_histogram(&mut self) -> &mut Self {
        self.enable_metrics_poll_time_histogram()
    }

    fn older(&mut self) -> &mut Older {
        self.older_histogram_shape.get_or_insert_default()
    }

    /// tokio's older way to shape the histogram, with the two that follow: how its buckets grow, linear by default.
    #[deprecated = "use `metrics_poll_time_histogram_configuration`"]
    pub fn metrics_poll_count_histogram_scale(&mut self, scale: HistogramScale) -> &mut Self {
        self.older().scale = scale;
        self
    }

    /// tokio's older way to shape the histogram: the width of its first bucket, 100 us by default. On the logarithmic scale
    /// it is taken as the next power of two in nanoseconds.
    ///
    /// # Panics
    /// If `resolution` is zero.
    #[deprecated = "use `metrics_poll_time_histogram_configuration`"]
    #[track_caller]
    pub fn metrics_poll_count_histogram_resolution(&mut self, resolution: Duration) -> &mut Self {
        assert!(!resolution.is_zero(), "a histogram's buckets need a width.\n  Give at least a nanosecond.");
        self.older().resolution = resolution;
        self
    }

    /// tokio's older way to shape the histogram: how many buckets it has, 10 by default.
    ///
    /// # Panics
    /// If `buckets` is 0.
    #[deprecated = "use `metrics_poll_time_histogram_configuration`"]
    #[track_caller]
    pub fn metrics_poll_count_histogram_buckets(&mut self, buckets: usize) -> &mut Self {
        assert!(buckets > 0, "a histogram needs at least one bucket.\n  Ask for 1 or more.");
        self.older().buckets = buckets;
        self
    }

    pub(super) fn poll_histogram(&self) -> Option<Shape> {
        self.histogram.then(|| match self.older_histogram_shape {
            Some(older) => older.shape(),
            None => self.histogram_shape.0,
        })
    }
}
