//! What is printed: a block per row as soon as it is measured, an overview of all rows, and the verdict.

use std::fmt::Write;

use crate::args::{Args, Mode};
use crate::rounds::rounds_text;
use crate::row::{Row, Verdict};
use crate::stats::Spread;
use crate::workload::{Kind, RATE_UNIT};
use crate::{Ours, Peer, Smol, Tokio, process};

const NAME: usize = 28;
const CELL: usize = 11;
const RATIO: usize = 15;

/// Says what is measured and where.
pub(crate) fn head(args: &Args) -> String {
    match args.mode {
        Mode::Smoke => "Does every workload work? (`cargo bench` measures.)\n".to_owned(),
        Mode::Full | Mode::Quick => format!(
            "{} workers each, {} ms a measurement. Ratio = peer / ours in the same round: above 1, ours is better.\n\
             median (min-max) of the rounds; cpu = user and system time of the process per operation\n\n",
            args.workers,
            args.mode.target().as_millis()
        ),
    }
}

/// Where the numbers come from, for reports.
pub(crate) fn machine() -> String {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let processor = process::processor().unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    format!("{processors} x {processor}, {}", process::kernel())
}

/// A row with a line per peer.
pub(crate) fn block(row: &Row) -> String {
    let mut text = format!("{}   ({})\n", row.name, rounds_text(row));
    for column in &row.columns {
        let spread = Spread::of(&column.values);
        let mut line =
            format!("  {:<10}{:>CELL$}  {:<22}", column.peer, value(spread.median, row.unit), range(&spread, row));
        match column.cpu_ns.is_empty() {
            true => write!(line, "{:<16}", ""),
            false => write!(line, "cpu {:<12}", value(Spread::of(&column.cpu_ns).median, "ns")),
        }
        .expect("a String takes all");
        if column.peer != Ours::NAME {
            let ratio = row.ratio(column).map_or("-".to_owned(), |ratio| {
                format!("{} ({}-{})", times(ratio.median), times(ratio.min), times(ratio.max))
            });
            let cpu = row.cpu_ratio(column).map_or(String::new(), |ratio| format!("  cpu {}", times(ratio.median)));
            write!(line, "{ratio:<26}{cpu}").expect("a String takes all");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text.push('\n');
    text
}

/// All rows, a line each.
pub(crate) fn overview(rows: &[Row]) -> String {
    let mut text = format!(
        "{:<NAME$}{:>CELL$}{:>CELL$}{:>CELL$}  {:<RATIO$}{:<RATIO$}{}\n",
        "median", "ours", "tokio", "smol", "vs tokio", "vs best peer", "vs beside"
    );
    for row in rows {
        let cell = |peer: &str| {
            row.column(peer).map_or("-".to_owned(), |column| value(Spread::of(&column.values).median, row.unit))
        };
        let named = |kind: Kind| {
            let best = row.best(kind);
            best.map_or(String::new(), |best| {
                row.ratio(best).map_or("-".to_owned(), |ratio| format!("{} {}", times(ratio.median), best.peer))
            })
        };
        let tokio = row.tokio().and_then(|tokio| row.ratio(tokio)).map_or("-".to_owned(), |r| times(r.median));
        let line = format!(
            "{:<NAME$}{:>CELL$}{:>CELL$}{:>CELL$}  {tokio:<RATIO$}{:<RATIO$}{}",
            row.name,
            cell(Ours::NAME),
            cell(Tokio::NAME),
            cell(Smol::NAME),
            named(Kind::Runtime),
            named(Kind::Beside)
        );
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// The geometric means and the worst ratios.
pub(crate) fn verdict(rows: &[Row]) -> String {
    let mut text = String::from("\n");
    for (label, verdict) in verdicts(rows) {
        let (worst, peer, ratio) = &verdict.worst;
        let below: Vec<&str> = verdict.below.iter().map(|(name, ..)| name.as_str()).collect();
        let below = if below.is_empty() { "none".to_owned() } else { below.join(", ") };
        writeln!(
            text,
            "{label:<16}geometric mean {} of {}; worst {} ({worst}, {peer}, {}-{}); below 1: {below}",
            times(verdict.mean),
            verdict.count,
            times(ratio.median),
            times(ratio.min),
            times(ratio.max),
        )
        .expect("a String takes all");
    }
    text
}

/// Each comparison with its name.
pub(crate) fn verdicts(rows: &[Row]) -> Vec<(&'static str, Verdict)> {
    [
        ("vs tokio", Verdict::of(rows, Row::tokio)),
        ("vs best peer", Verdict::of(rows, |row| row.best(Kind::Runtime))),
        ("vs beside", Verdict::of(rows, |row| row.best(Kind::Beside))),
    ]
    .into_iter()
    .filter_map(|(label, verdict)| Some((label, verdict?)))
    .collect()
}

fn range(spread: &Spread, row: &Row) -> String {
    // The longest time is the lowest rate.
    let (low, high) = if row.unit == RATE_UNIT { (spread.max, spread.min) } else { (spread.min, spread.max) };
    format!("({}-{})", value(low, row.unit), value(high, row.unit))
}

/// A ratio for people.
pub(crate) fn times(ratio: f64) -> String {
    match ratio {
        100.0.. => format!("{ratio:.0}x"),
        0.1.. => format!("{ratio:.2}x"),
        _ => format!("{ratio:.4}x"),
    }
}

/// A value for people: three digits and a unit.
pub(crate) fn value(value: f64, unit: &str) -> String {
    let rate = 1e9 / value;
    let (scaled, unit) = match unit {
        RATE_UNIT if rate >= 1e6 => (rate / 1e6, "M/s"),
        RATE_UNIT if rate >= 1e3 => (rate / 1e3, "k/s"),
        RATE_UNIT => (rate, "/s"),
        "ns" if value >= 1e9 => (value / 1e9, "s"),
        "ns" if value >= 1e6 => (value / 1e6, "ms"),
        "ns" if value >= 1e3 => (value / 1e3, "us"),
        "B" if value >= 1e6 => (value / 1e6, "MB"),
        _ => (value, unit),
    };
    let digits = if scaled >= 100.0 {
        0
    } else if scaled >= 10.0 {
        1
    } else {
        2
    };
    format!("{scaled:.digits$} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::tests::row;

    #[test]
    fn values_have_three_digits() {
        assert_eq!(value(1.234, "ns"), "1.23 ns");
        assert_eq!(value(26_671.0, "ns"), "26.7 us");
        assert_eq!(value(123_456_789.0, "ns"), "123 ms");
        assert_eq!(value(2.5e9, "ns"), "2.50 s");
        assert_eq!(value(272.0, "B"), "272 B");
        assert_eq!(value(4_000.0, RATE_UNIT), "250 k/s");
        assert_eq!(value(2e6, RATE_UNIT), "500 /s");
        assert_eq!(times(43.217), "43.22x");
        assert_eq!(times(143.6), "144x");
        assert_eq!(times(0.00251), "0.0025x");
    }

    #[test]
    fn a_block_has_a_line_per_peer_with_its_ratio() {
        let text = block(&row("chain", 0.0, &[("ours", &[10.0, 20.0]), ("tokio", &[20.0, 60.0])]));
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "chain   (2 rounds)");
        assert!(lines[1].contains("ours") && lines[1].contains("15.0 ns") && !lines[1].contains("2.50x"), "{text}");
        assert!(lines[2].contains("40.0 ns") && lines[2].contains("2.50x (2.00x-3.00x)"), "{text}");
    }

    #[test]
    fn the_end_names_mean_and_worst() {
        let rows = [
            row("good", 0.0, &[("ours", &[1.0]), ("tokio", &[8.0]), ("smol", &[4.0])]),
            row("bad", 0.0, &[("ours", &[2.0]), ("tokio", &[1.0]), ("smol", &[4.0])]),
            row("quiet", 10.0, &[("ours", &[2.0]), ("tokio", &[1.0])]),
        ];
        let text = verdict(&rows);
        assert!(text.contains("vs tokio        geometric mean 2.00x of 2; worst 0.50x (bad, tokio"), "{text}");
        assert!(text.contains("below 1: bad"), "{text}");
        assert!(!text.contains("vs beside"), "{text}");
        let lines = overview(&rows);
        assert_eq!(lines.lines().count(), 4, "{lines}");
        assert!(lines.lines().nth(1).expect("good").contains("4.00x smol"), "{lines}");
    }
}
