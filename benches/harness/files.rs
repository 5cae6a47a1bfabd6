//! The report's files: `rounds.tsv` (every value), `summary.tsv` (a line per row and peer), `index.html`, `ratios.svg`,
//! and a picture for every distribution.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use crate::args::Args;
use crate::chart;
use crate::curve_chart;
use crate::row::Row;
use crate::stats::Spread;

/// Writes all files and returns the page's path.
pub(crate) fn write(rows: &[Row], args: &Args) -> Result<PathBuf, String> {
    let folder = folder()?;
    let page = folder.join("index.html");
    fs::create_dir_all(&folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
    put(&folder.join("rounds.tsv"), &rounds(rows))?;
    put(&folder.join("summary.tsv"), &summary(rows))?;
    put(&folder.join("ratios.svg"), &chart::svg(rows))?;
    for (name, picture) in curve_chart::pictures(rows) {
        put(&folder.join(name), &picture)?;
    }
    put(&page, &chart::page(rows, args))?;
    Ok(page)
}

fn put(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|error| format!("cannot write {}: {error}", path.display()))
}

/// `target/bench-report`, seen from this program: `target/<profile>/deps/<program>`.
fn folder() -> Result<PathBuf, String> {
    let program = std::env::current_exe().map_err(|error| format!("cannot find this program's folder: {error}"))?;
    let target = program.ancestors().nth(3).unwrap_or(Path::new("."));
    Ok(target.join("bench-report"))
}

fn rounds(rows: &[Row]) -> String {
    let mut text = String::from("workload\tunit\tround\tpeer\tvalue\tcpu_ns\n");
    for row in rows {
        for round in 0..row.rounds() {
            for column in &row.columns {
                let cpu = column.cpu_ns.get(round).map_or(String::new(), |cpu| format!("{cpu:.3}"));
                let value = column.values[round];
                writeln!(text, "{}\t{}\t{}\t{}\t{value:.3}\t{cpu}", row.name, row.unit, round + 1, column.peer)
                    .expect("a String takes all");
            }
        }
    }
    text
}

fn summary(rows: &[Row]) -> String {
    let mut text = String::from(
        "workload\tunit\tpeer\trounds\tmedian\tmin\tmax\tcpu_ns\tratio_median\tratio_min\tratio_max\tcpu_ratio\n",
    );
    for row in rows {
        for column in &row.columns {
            let spread = Spread::of(&column.values);
            let cpu = (!column.cpu_ns.is_empty()).then(|| Spread::of(&column.cpu_ns).median);
            let ratio = row.ratio(column);
            let numbers = [
                Some(spread.median),
                Some(spread.min),
                Some(spread.max),
                cpu,
                ratio.map(|ratio| ratio.median),
                ratio.map(|ratio| ratio.min),
                ratio.map(|ratio| ratio.max),
                row.cpu_ratio(column).map(|ratio| ratio.median),
            ];
            let numbers = numbers.map(|number| number.map_or(String::new(), |number| format!("{number:.3}")));
            let numbers = numbers.join("\t");
            writeln!(text, "{}\t{}\t{}\t{}\t{numbers}", row.name, row.unit, column.peer, row.rounds())
                .expect("a String takes all");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::tests::row;

    #[test]
    fn every_value_has_its_line() {
        let rows = [row("a", 0.0, &[("ours", &[1.0, 2.0]), ("tokio", &[3.0, 5.0])])];
        let text = rounds(&rows);
        assert_eq!(text.lines().count(), 5);
        assert_eq!(text.lines().nth(4), Some("a\tns\t2\ttokio\t5.000\t10.000"));
        let text = summary(&rows);
        assert_eq!(
            text.lines().nth(2),
            Some("a\tns\ttokio\t2\t4.000\t3.000\t5.000\t8.000\t2.750\t2.500\t3.000\t2.750")
        );
        let columns = |line: &str| line.split('\t').count();
        assert!(text.lines().all(|line| columns(line) == 12), "{text}");
    }
}
