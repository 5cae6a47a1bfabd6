//! How a quantity is distributed: its value at fixed parts of all samples. Small enough for a pipe and for a picture,
//! and rounds can be put together part by part.

use crate::percentile;
use crate::stats::Spread;

/// The parts. Towards the end they lie closer and closer: what is rare is what is looked for.
pub(crate) const PARTS: [f64; 13] = [0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999, 0.9995, 0.9999, 1.0];

/// A value for each of the parts.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve(Vec<f64>);

impl Curve {
    /// The distribution of at least one sample. Sorts them.
    pub fn of(samples: &mut [f64]) -> Self {
        Self(PARTS.iter().map(|part| percentile(samples, *part)).collect())
    }

    pub(crate) fn from_values(values: Vec<f64>) -> Option<Self> {
        (values.len() == PARTS.len()).then_some(Self(values))
    }

    pub(crate) fn values(&self) -> &[f64] {
        &self.0
    }

    /// The median of many curves, part by part; `None` of nothing.
    pub(crate) fn median(curves: &[Curve]) -> Option<Self> {
        if curves.is_empty() {
            return None;
        }
        let part = |index: usize| Spread::of(&curves.iter().map(|curve| curve.0[index]).collect::<Vec<_>>()).median;
        Some(Self((0..PARTS.len()).map(part).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_rises_from_the_least_to_the_most() {
        let mut samples: Vec<f64> = (1..=1000).rev().map(f64::from).collect();
        let curve = Curve::of(&mut samples);
        assert_eq!((curve.0[0], curve.0[3], curve.0[12]), (1.0, 500.0, 1000.0));
        assert!(curve.0.is_sorted());
        assert_eq!(Curve::from_values(curve.0.clone()), Some(curve));
        assert_eq!(Curve::from_values(vec![1.0]), None);
    }

    #[test]
    fn rounds_are_put_together_part_by_part() {
        let of = |value: f64| Curve(vec![value; PARTS.len()]);
        assert_eq!(Curve::median(&[of(1.0), of(9.0), of(2.0)]), Some(of(2.0)));
        assert_eq!(Curve::median(&[]), None);
    }
}
