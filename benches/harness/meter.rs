//! The stopwatch a workload is handed, and what it reads.
//!
//! A measurement repeats whole passes until its target time is over, and divides by the operations they did. Wall time
//! is the monotonic clock's; CPU time is what all threads of the process used, user and system.

use std::fmt;
use std::time::{Duration, Instant};

use crate::Curve;
use crate::process::cpu_time;

/// Passes before the measurement take this part of its time: enough to fill free lists and start all threads.
const WARM_UP_PART: u32 = 6;
/// How long a measurement of a full run takes.
pub(crate) const FULL: Duration = Duration::from_millis(100);

/// A workload's result was not what it must be. It fails the run: a wrong answer has no speed.
#[derive(Debug)]
pub struct Wrong(pub String);

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `Wrong` unless both are equal.
pub fn check<T: PartialEq + fmt::Debug>(what: &str, got: T, expected: T) -> Result<(), Wrong> {
    if got == expected { Ok(()) } else { Err(Wrong(format!("{what} is {got:?}, must be {expected:?}"))) }
}

/// What one measurement read: a value for each metric of its workload.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// In the order of the workload's metrics.
    pub values: Vec<f64>,
    /// CPU time per operation in ns, where it means something.
    pub cpu_ns: Option<f64>,
    /// How one quantity was distributed, for the report's picture.
    pub curve: Option<Curve>,
}

impl Reading {
    /// A reading of values other than time per operation.
    pub fn of(values: Vec<f64>) -> Self {
        Self { values, cpu_ns: None, curve: None }
    }

    /// Adds CPU time per operation, in ns.
    pub fn with_cpu(self, cpu_ns: f64) -> Self {
        Self { cpu_ns: Some(cpu_ns), ..self }
    }

    /// Adds a distribution.
    pub fn with_curve(self, curve: Curve) -> Self {
        Self { curve: Some(curve), ..self }
    }
}

/// Says how long to measure.
#[derive(Clone, Copy, Debug)]
pub struct Meter {
    target: Duration,
    workers: usize,
}

impl Meter {
    /// A meter for measurements of about `target`.
    pub fn new(target: Duration, workers: usize) -> Self {
        Self { target, workers }
    }

    /// How long a measurement should take.
    pub fn target(&self) -> Duration {
        self.target
    }

    /// How many workers (or plain threads) each peer has.
    pub fn workers(&self) -> usize {
        self.workers
    }

    /// This part of what a full measurement does: for workloads whose size, not their time, is given.
    pub fn part_of(&self, full: u64) -> u64 {
        let part = self.target.as_micros() as u64 * full / FULL.as_micros() as u64;
        part.clamp(1, full)
    }

    /// Starts the passes before the measurement; their reading is thrown away.
    pub fn warm_up(&self) -> Span {
        Span::start(self.target / WARM_UP_PART)
    }

    /// Starts the measurement.
    pub fn start(&self) -> Span {
        Span::start(self.target)
    }

    /// Warms up and measures a pass that does not await. It returns how many operations it did.
    pub fn repeat(&self, mut pass: impl FnMut() -> Result<u64, Wrong>) -> Result<Reading, Wrong> {
        let mut warm_up = self.warm_up();
        while warm_up.goes_on() {
            warm_up.add(pass()?);
        }
        let mut span = self.start();
        while span.goes_on() {
            span.add(pass()?);
        }
        Ok(span.stop())
    }
}

/// A running measurement.
#[derive(Debug)]
pub struct Span {
    target: Duration,
    since: Instant,
    cpu_before: Duration,
    operations: u64,
}

impl Span {
    fn start(target: Duration) -> Self {
        Self { target, since: Instant::now(), cpu_before: cpu_time(), operations: 0 }
    }

    /// True until at least one pass was made and the target time is over.
    pub fn goes_on(&self) -> bool {
        self.operations == 0 || self.since.elapsed() < self.target
    }

    /// Counts what a pass did.
    pub fn add(&mut self, operations: u64) {
        assert!(operations > 0, "a pass that does nothing would repeat forever");
        self.operations += operations;
    }

    /// Wall ns per operation, with the CPU time beside.
    pub fn stop(self) -> Reading {
        let wall_ns = self.since.elapsed().as_nanos() as f64;
        let cpu_ns = cpu_time().saturating_sub(self.cpu_before).as_nanos() as f64;
        let operations = self.operations as f64;
        Reading::of(vec![wall_ns / operations]).with_cpu(cpu_ns / operations)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_makes_one_pass_even_without_time() {
        let mut passes = 0;
        let meter = Meter::new(Duration::ZERO, 1);
        let reading = meter.repeat(|| {
            passes += 1;
            Ok(10)
        });
        assert_eq!(passes, 2, "one to warm up, one measured");
        let reading = reading.expect("no pass was wrong");
        assert!(reading.values[0] > 0.0 && reading.cpu_ns.is_some());
    }

    #[test]
    fn a_part_is_never_nothing_and_never_more_than_all() {
        let part = |millis| Meter::new(Duration::from_millis(millis), 1).part_of(1000);
        assert_eq!([part(0), part(50), part(100), part(500)], [1, 500, 1000, 1000]);
    }

    #[test]
    fn a_wrong_pass_ends_the_measurement() {
        let meter = Meter::new(Duration::from_secs(3600), 1);
        let wrong = meter.repeat(|| check("the sum", 1, 2).map(|()| 1)).expect_err("1 is not 2");
        assert_eq!(wrong.to_string(), "the sum is 1, must be 2");
    }
}
