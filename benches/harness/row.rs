//! One line of the table: one metric of one workload, with every peer's values of every round.

use crate::Curve;
use crate::Ours;
use crate::Peer;
use crate::Tokio;
use crate::stats::{Spread, relative_error};
use crate::workload::Kind;

/// One peer's values, a round each.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    pub(crate) peer: &'static str,
    pub(crate) kind: Kind,
    pub(crate) values: Vec<f64>,
    pub(crate) cpu_ns: Vec<f64>,
    pub(crate) curves: Vec<Curve>,
}

/// One metric of one workload. All columns have the same number of rounds.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) unit: &'static str,
    pub(crate) floor: f64,
    pub(crate) columns: Vec<Column>,
}

impl Row {
    /// How many rounds were made.
    pub(crate) fn rounds(&self) -> usize {
        self.columns.first().map_or(0, |column| column.values.len())
    }

    pub(crate) fn column(&self, peer: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.peer == peer)
    }

    /// A peer's value divided by ours, round by round: above 1, ours is better.
    pub(crate) fn ratios(&self, column: &Column) -> Vec<f64> {
        let Some(ours) = self.column(Ours::NAME) else { return Vec::new() };
        let raised = |value: &f64| value.max(self.floor).max(f64::MIN_POSITIVE);
        column.values.iter().zip(&ours.values).map(|(peer, ours)| raised(peer) / raised(ours)).collect()
    }

    /// A peer's CPU time divided by ours.
    pub(crate) fn cpu_ratio(&self, column: &Column) -> Option<Spread> {
        let ours = &self.column(Ours::NAME)?.cpu_ns;
        let ratios: Vec<f64> = column.cpu_ns.iter().zip(ours).map(|(peer, ours)| peer / ours.max(0.001)).collect();
        (!ratios.is_empty()).then(|| Spread::of(&ratios))
    }

    /// The ratio to a peer, unless neither side rises above the floor.
    pub(crate) fn ratio(&self, column: &Column) -> Option<Spread> {
        let ratios = self.ratios(column);
        let above = |column: &Column| Spread::of(&column.values).median > self.floor;
        if ratios.is_empty() || !(above(column) || above(self.column(Ours::NAME)?)) {
            return None;
        }
        Some(Spread::of(&ratios))
    }

    pub(crate) fn tokio(&self) -> Option<&Column> {
        self.column(Tokio::NAME)
    }

    /// The fastest of the peers of this kind, ours left out.
    pub(crate) fn best(&self, kind: Kind) -> Option<&Column> {
        self.columns
            .iter()
            .filter(|column| column.kind == kind && column.peer != Ours::NAME && !column.values.is_empty())
            .min_by(|a, b| Spread::of(&a.values).median.total_cmp(&Spread::of(&b.values).median))
    }

    /// How far the least certain ratio may be off.
    pub(crate) fn uncertainty(&self) -> f64 {
        let peers = self.columns.iter().filter(|column| column.peer != Ours::NAME && self.ratio(column).is_some());
        peers.map(|column| relative_error(&self.ratios(column))).fold(0.0, f64::max)
    }
}

/// The ratios of many rows to one kind of peer, in brief.
pub(crate) struct Verdict {
    /// Geometric mean of the ratios' medians.
    pub(crate) mean: f64,
    /// The lowest median: row, peer, ratio.
    pub(crate) worst: (String, &'static str, Spread),
    /// Rows below 1.
    pub(crate) below: Vec<(String, &'static str, Spread)>,
    pub(crate) count: usize,
}

impl Verdict {
    /// Sums up the ratios to the column that `pick` chooses in each row.
    pub(crate) fn of<'a>(rows: &'a [Row], pick: impl Fn(&'a Row) -> Option<&'a Column>) -> Option<Verdict> {
        let mut ratios = Vec::new();
        for row in rows {
            if let Some(column) = pick(row) {
                ratios.extend(row.ratio(column).map(|ratio| (row.name.clone(), column.peer, ratio)));
            }
        }
        let medians: Vec<f64> = ratios.iter().map(|(_, _, ratio)| ratio.median).collect();
        let mean = crate::stats::geometric_mean(&medians)?;
        let worst = ratios.iter().min_by(|a, b| a.2.median.total_cmp(&b.2.median))?.clone();
        let below = ratios.into_iter().filter(|(_, _, ratio)| ratio.median < 1.0).collect();
        Some(Verdict { mean, worst, below, count: medians.len() })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn row(name: &str, floor: f64, values: &[(&'static str, &[f64])]) -> Row {
        let column = |&(peer, values): &(&'static str, &[f64])| Column {
            peer,
            kind: if peer == "rayon" { Kind::Beside } else { Kind::Runtime },
            values: values.to_vec(),
            cpu_ns: values.iter().map(|value| value * 2.0).collect(),
            curves: Vec::new(),
        };
        Row { name: name.to_owned(), unit: "ns", floor, columns: values.iter().map(column).collect() }
    }

    #[test]
    fn ratios_are_taken_within_a_round() {
        // The machine was twice as slow in the second round: the medians would say 1.5, the pairs say 2.
        let row = row("a", 0.0, &[("ours", &[10.0, 20.0, 10.0]), ("tokio", &[20.0, 40.0, 20.0])]);
        let tokio = row.tokio().expect("tokio is there");
        assert_eq!(row.ratio(tokio), Some(Spread { median: 2.0, min: 2.0, max: 2.0 }));
        assert_eq!(row.cpu_ratio(tokio).map(|ratio| ratio.median), Some(2.0));
        assert_eq!(row.uncertainty(), 0.0);
    }

    #[test]
    fn the_best_peer_is_the_fastest_runtime() {
        let row = row("a", 0.0, &[("ours", &[1.0]), ("tokio", &[4.0]), ("smol", &[3.0]), ("rayon", &[2.0])]);
        assert_eq!(row.best(Kind::Runtime).map(|column| column.peer), Some("smol"));
        assert_eq!(row.best(Kind::Beside).map(|column| column.peer), Some("rayon"));
    }

    #[test]
    fn below_the_floor_nothing_is_better() {
        let quiet = row("a", 10.0, &[("ours", &[1.0]), ("tokio", &[5.0]), ("smol", &[40.0])]);
        assert_eq!(quiet.ratio(quiet.tokio().expect("there")), None);
        assert_eq!(quiet.ratio(quiet.column("smol").expect("there")).map(|ratio| ratio.median), Some(4.0));
    }

    #[test]
    fn the_verdict_names_the_worst() {
        let rows = [
            row("good", 0.0, &[("ours", &[1.0]), ("tokio", &[8.0])]),
            row("bad", 0.0, &[("ours", &[2.0]), ("tokio", &[1.0])]),
            row("alone", 0.0, &[("ours", &[2.0])]),
        ];
        let verdict = Verdict::of(&rows, Row::tokio).expect("two rows have tokio");
        assert!((verdict.mean - 2.0).abs() < 1e-12);
        assert_eq!((verdict.worst.0.as_str(), verdict.worst.2.median), ("bad", 0.5));
        assert_eq!((verdict.count, verdict.below.len()), (2, 1));
    }
}
