//! Before and after: runs kept in a file, and which rows lost since.
//!
//! Owns: the file of kept runs, the rule.
//! Not here: the ratios themselves (`row`).
//!
//! A file keeps any number of runs; each gives a row its median ratio to tokio. A row *lost* when the median of its runs
//! after is below that of its runs before by more than 3 %, *and* by more than the runs before differ among themselves.
//! The danger: noise that looks like a loss, or hides one. Hence ratios and never times, the spread of the runs
//! before as the measure of noise, and a warning below three runs on either side, from which no spread can be told.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use crate::row::Row;
use crate::stats::{Spread, geometric_mean};
use crate::table::times;

/// The part of its ratio that a row may lose to chance, however alike the runs before were.
const TOLERANCE: f64 = 0.03;

/// So many runs tell how much they differ among themselves.
const ENOUGH_RUNS: usize = 3;

const HEAD: &str = "run\tworkload\tratio_to_tokio\n";

/// Each row's ratio to tokio in each of some runs.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Runs {
    count: usize,
    ratios: BTreeMap<String, Vec<f64>>,
}

impl Runs {
    /// Reads a file that [`Runs::keep`] wrote.
    pub(crate) fn read(path: &Path) -> Result<Runs, String> {
        let text = fs::read_to_string(path).map_err(|error| {
            format!("cannot read the runs in {}: {error}. `--keep FILE` writes such a file.", path.display())
        })?;
        Runs::parse(&text).map_err(|error| format!("{}: {error}", path.display()))
    }

    fn parse(text: &str) -> Result<Runs, String> {
        let Some(lines) = text.strip_prefix(HEAD) else {
            return Err(format!("its first line is not `{}`, so `--keep` did not write it.", HEAD.trim_end()));
        };
        let mut runs = Runs::default();
        for (index, line) in lines.lines().enumerate() {
            let parts: Vec<&str> = line.split('\t').collect();
            let read = match parts[..] {
                [run, row, ratio] => {
                    run.parse::<usize>().ok().zip(ratio.parse::<f64>().ok()).map(|(run, ratio)| (run, row, ratio))
                }
                _ => None,
            };
            let Some((run, row, ratio)) = read.filter(|(run, _, ratio)| *run > 0 && *ratio > 0.0 && ratio.is_finite())
            else {
                return Err(format!("line {} is not RUN, WORKLOAD, RATIO: `{line}`.", index + 2));
            };
            runs.count = runs.count.max(run);
            runs.ratios.entry(row.to_owned()).or_default().push(ratio);
        }
        Ok(runs)
    }

    /// One run alone.
    pub(crate) fn of(rows: &[Row]) -> Runs {
        let ratio = |row: &Row| Some((row.name.clone(), vec![row.ratio(row.tokio()?)?.median]));
        Runs { count: 1, ratios: rows.iter().filter_map(ratio).collect() }
    }

    /// Adds this run to the file, which is made if it is not there, and returns all runs in it.
    pub(crate) fn keep(self, path: &Path) -> Result<Runs, String> {
        let mut runs = if path.exists() { Runs::read(path)? } else { Runs::default() };
        let mut text = if runs.count == 0 { HEAD.to_owned() } else { String::new() };
        runs.count += 1;
        for (row, ratios) in self.ratios {
            for ratio in ratios {
                writeln!(text, "{}\t{row}\t{ratio:.7}", runs.count).expect("a String takes all");
                runs.ratios.entry(row.clone()).or_default().push(ratio);
            }
        }
        let file = fs::OpenOptions::new().create(true).append(true).open(path);
        file.and_then(|mut file| std::io::Write::write_all(&mut file, text.as_bytes()))
            .map_err(|error| format!("cannot keep this run in {}: {error}", path.display()))?;
        Ok(runs)
    }
}

/// A row that lost.
#[derive(Debug, PartialEq)]
struct Loss<'a> {
    row: &'a str,
    before: Spread,
    after: f64,
}

fn losses<'a>(before: &'a Runs, after: &Runs) -> Vec<Loss<'a>> {
    let lost = |(row, ratios): (&'a String, &'a Vec<f64>)| {
        let (before, after) = (Spread::of(ratios), Spread::of(after.ratios.get(row)?).median);
        let lost = before.median - after;
        (lost > before.median * TOLERANCE && lost > before.max - before.min).then_some(Loss {
            row: row.as_str(),
            before,
            after,
        })
    };
    before.ratios.iter().filter_map(lost).collect()
}

/// What changed, for people.
pub(crate) fn report(before: &Runs, after: &Runs) -> String {
    let mut text = format!("\nsince the baseline ({} runs before, {} after)\n", before.count, after.count);
    let changes: Vec<f64> = before
        .ratios
        .iter()
        .filter_map(|(row, ratios)| Some(Spread::of(after.ratios.get(row)?).median / Spread::of(ratios).median))
        .collect();
    let Some(mean) = geometric_mean(&changes) else {
        text.push_str("  no row is in both\n");
        return text;
    };
    let mut put = |line: String| {
        text.push_str(&line);
        text.push('\n');
    };
    put(format!("  ratios to tokio, geometric mean of {} rows: {:+.1} %", changes.len(), (mean - 1.0) * 100.0));
    let losses = losses(before, after);
    if losses.is_empty() {
        put("  no row lost".to_owned());
    }
    for Loss { row, before, after } in losses {
        let (low, high) = (times(before.min), times(before.max));
        let percent = (after / before.median - 1.0) * 100.0;
        put(format!(
            "  LOST {row}: {} before ({low}-{high}), {} after, {percent:+.1} %",
            times(before.median),
            times(after)
        ));
    }
    let missing: Vec<&str> =
        before.ratios.keys().filter(|row| !after.ratios.contains_key(*row)).map(String::as_str).collect();
    if !missing.is_empty() {
        put(format!("  not measured after: {}", missing.join(", ")));
    }
    if before.count.min(after.count) < ENOUGH_RUNS {
        put(format!("  fewer than {ENOUGH_RUNS} runs on a side do not tell a loss from noise: `--keep` more of them"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::tests::row;

    fn runs(rows: &[(&str, &[f64])]) -> Runs {
        let count = rows.iter().map(|(_, ratios)| ratios.len()).max().unwrap_or(0);
        Runs { count, ratios: rows.iter().map(|(row, ratios)| ((*row).to_owned(), ratios.to_vec())).collect() }
    }

    fn lost(before: &[f64], after: &[f64]) -> bool {
        !losses(&runs(&[("a", before)]), &runs(&[("a", after)])).is_empty()
    }

    #[test]
    fn a_loss_is_more_than_three_percent_and_more_than_the_noise() {
        assert!(lost(&[2.0, 2.0, 2.0], &[1.9, 1.9, 1.9]));
        assert!(!lost(&[2.0, 2.0, 2.0], &[1.95, 1.95, 1.95]), "two and a half percent");
        assert!(!lost(&[1.9, 2.0, 2.1], &[1.85, 1.85, 1.85]), "the runs before differ by more");
        assert!(lost(&[1.9, 2.0, 2.1], &[1.75, 1.75, 1.75]));
        assert!(!lost(&[2.0, 2.0, 2.0], &[1.5, 2.0, 2.0]), "one bad run of three");
        assert!(!lost(&[2.0, 2.0, 2.0], &[3.0, 3.0, 3.0]));
    }

    #[test]
    fn the_report_names_what_lost_and_what_is_missing() {
        let before = runs(&[("a", &[2.0; 3]), ("b", &[1.0; 3]), ("gone", &[1.0; 3])]);
        let after = runs(&[("a", &[1.0; 3]), ("b", &[2.0; 3]), ("new", &[1.0; 3])]);
        let text = report(&before, &after);
        assert!(text.contains("geometric mean of 2 rows: +0.0 %"), "{text}");
        assert!(text.contains("LOST a: 2.00x before (2.00x-2.00x), 1.00x after, -50.0 %"), "{text}");
        assert!(text.contains("not measured after: gone"), "{text}");
        assert!(!text.contains("LOST b") && !text.contains("fewer than"), "{text}");
        assert!(report(&runs(&[("a", &[1.0])]), &after).contains("fewer than 3 runs"));
        assert!(report(&runs(&[("x", &[1.0])]), &after).contains("no row is in both"));
    }

    #[test]
    fn runs_add_up_in_a_file() {
        let path = std::env::temp_dir().join(format!("runtime-benches-baseline-{}", std::process::id()));
        let run = |ours| {
            Runs::of(&[row("a", 0.0, &[("ours", &[ours]), ("tokio", &[6.0])]), row("alone", 0.0, &[("ours", &[1.0])])])
        };
        let _ = fs::remove_file(&path);
        run(1.0).keep(&path).expect("the folder is there");
        let kept = run(2.0).keep(&path).expect("the file is ours");
        let read = Runs::read(&path);
        fs::remove_file(&path).expect("it was written");
        assert_eq!(kept, runs(&[("a", &[6.0, 3.0])]));
        assert_eq!(read, Ok(kept));
    }

    #[test]
    fn a_row_that_is_far_behind_is_kept() {
        let path = std::env::temp_dir().join(format!("runtime-benches-far-behind-{}", std::process::id()));
        let _ = fs::remove_file(&path);
        let run = Runs::of(&[row("a", 0.0, &[("ours", &[1e6]), ("tokio", &[5.0])])]);
        run.keep(&path).expect("the folder is there");
        let read = Runs::read(&path);
        fs::remove_file(&path).expect("it was written");
        assert_eq!(read, Ok(runs(&[("a", &[5e-6])])));
    }

    #[test]
    fn files_of_others_are_refused() {
        for (text, part) in [
            ("workload\tunit\n", "`--keep` did not write it"),
            ("run\tworkload\tratio_to_tokio\n1\ta\n", "line 2 is not RUN, WORKLOAD, RATIO: `1\ta`"),
            ("run\tworkload\tratio_to_tokio\n1\ta\t1.0\n2\ta\t-1\n", "line 3"),
            ("run\tworkload\tratio_to_tokio\n0\ta\t1.0\n", "line 2"),
        ] {
            let error = Runs::parse(text).expect_err(text);
            assert!(error.contains(part), "{text}: {error}");
        }
        let error = Runs::read(Path::new("/nowhere/at/all")).expect_err("not there");
        assert!(error.contains("/nowhere/at/all") && error.contains("--keep FILE"), "{error}");
    }
}
