//! The run: picks workloads, measures them round by round, shows and writes what came out.
//!
//! Rounds are adaptive: the fewest the mode allows, then more while the ratios are still uncertain and time is left.

use std::process::ExitCode;
use std::time::Instant;

use crate::args::{Args, HELP, Mode};
use crate::baseline::{self, Runs};
use crate::progress::Progress;
use crate::row::{Column, Row};
use crate::settle::Settle;
use crate::stats::Spread;
use crate::table;
use crate::watchdog::Watchdog;
use crate::workload::{Entry, Workload};
use crate::{Meter, Ours, Peer, Reading, Wrong, company, files, fresh, net, smol};

/// When the median ratio's relative standard error is below this, more rounds would not change the picture.
const CERTAIN: f64 = 0.015;

/// Runs the benchmarks as the command line says.
pub fn main(workloads: Vec<Workload>) -> ExitCode {
    let args = match Args::parse(std::env::args().skip(1)) {
        Ok(args) => args,
        Err(error) => return refuse(&error),
    };
    if let Some(ask) = &args.fresh_process {
        return fresh::serve(ask, &workloads, args.workers);
    }
    if let Some(ask) = &args.serve {
        return net::serve(ask, args.workers);
    }
    if args.spin {
        return company::spin();
    }
    if args.help {
        print!("{HELP}");
        return ExitCode::SUCCESS;
    }
    let has_time = |workload: &Workload| args.mode == Mode::Full || args.list || !workload.only_full;
    let picked: Vec<&Workload> =
        workloads.iter().filter(|workload| args.picks(workload.name) && has_time(workload)).collect();
    let unmatched = args.names.iter().find(|name| !workloads.iter().any(|workload| workload.name.contains(*name)));
    if let Some(name) = unmatched {
        return refuse(&format!("no workload's name contains `{name}`. `--list` names them."));
    }
    if args.list {
        for workload in picked {
            println!("{:<28}{}", workload.name, workload.about);
        }
        return ExitCode::SUCCESS;
    }
    match run(&args, &picked) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn refuse(error: &str) -> ExitCode {
    eprintln!("error: {error}");
    ExitCode::from(2)
}

fn run(args: &Args, picked: &[&Workload]) -> Result<(), String> {
    let since = Instant::now();
    // Before everything, so that a wrong name does not cost a whole run.
    let before = args.baseline.as_deref().map(Runs::read).transpose()?;
    print!("{}", table::head(args));
    let mut runner = Runner::new(args, picked.len());
    let mut rows = Vec::new();
    for (done, workload) in picked.iter().enumerate() {
        let measured = runner.workload(done, workload)?;
        runner.progress.clear();
        if args.mode != Mode::Smoke {
            for row in &measured {
                print!("{}", table::block(row));
            }
        }
        rows.extend(measured);
    }
    if args.mode == Mode::Smoke {
        println!("{} workloads ran on every peer and gave the right results.", picked.len());
        return Ok(());
    }
    print!("{}", table::overview(&rows));
    print!("{}", table::verdict(&rows));
    let mut after = Runs::of(&rows);
    if let Some(path) = &args.keep {
        after = after.keep(path)?;
    }
    if let Some(before) = &before {
        print!("{}", baseline::report(before, &after));
    }
    let written = files::write(&rows, args)?;
    println!("\n{} s. Report: {}", since.elapsed().as_secs(), written.display());
    Ok(())
}

struct Runner<'a> {
    args: &'a Args,
    meter: Meter,
    picked: usize,
    progress: Progress,
    watchdog: Watchdog,
    settle: Settle,
}

impl<'a> Runner<'a> {
    fn new(args: &'a Args, picked: usize) -> Self {
        let watchdog = Watchdog::start();
        smol::start_reactor();
        Self {
            args,
            meter: Meter::new(args.mode.target(), args.workers),
            picked,
            progress: Progress::new(picked),
            watchdog,
            settle: Settle::new(),
        }
    }

    fn workload(&mut self, done: usize, workload: &Workload) -> Result<Vec<Row>, String> {
        let since = Instant::now();
        let usual = if workload.few_rounds { self.args.mode.few_rounds() } else { self.args.mode.rounds() };
        let (fewest, most) = self.args.rounds.map_or(usual, |rounds| (rounds, rounds));
        let budget = self.args.mode.budget(self.picked);
        let mut rows = empty_rows(workload);
        if self.args.mode != Mode::Smoke && !workload.fresh_process {
            // Unrecorded: the heap grows and the calibrations are made here.
            self.round(done, workload, 0, Meter::new(self.args.mode.target() / 5, self.args.workers))?;
        }
        for round in 1..=most {
            let readings = self.round(done, workload, round, self.meter)?;
            record(&mut rows, &readings);
            let used = since.elapsed();
            let another_fits = used + used / round as u32 <= budget;
            let certain = rows.iter().map(Row::uncertainty).fold(0.0, f64::max) < CERTAIN;
            if round >= fewest && (certain || !another_fits) {
                break;
            }
        }
        Ok(rows)
    }

    /// Every entry once, in order.
    fn round(&mut self, done: usize, work: &Workload, round: usize, meter: Meter) -> Result<Vec<Reading>, String> {
        let mut readings = Vec::with_capacity(work.entries.len());
        for entry in &work.entries {
            let what = format!("{} on {}", work.name, entry.peer);
            self.progress.show(done, &what, round);
            let reading = self.watchdog.guard(&what, || measure(work, entry, meter));
            readings.push(reading.map_err(|wrong| format!("{what}: {wrong}"))?);
            if let Err(left) = self.settle.wait() {
                self.progress.clear();
                eprintln!("warning: {what} left {left} threads behind; they may disturb what follows.");
            }
        }
        Ok(readings)
    }
}

fn measure(workload: &Workload, entry: &Entry, meter: Meter) -> Result<Reading, Wrong> {
    let reading = if workload.fresh_process {
        fresh::measure(workload.name, entry.peer, meter)?
    } else {
        (entry.measure)(meter)?
    };
    let sound = reading.values.len() == workload.metrics.len() && reading.values.iter().all(|value| value.is_finite());
    if sound { Ok(reading) } else { Err(Wrong(format!("BUG: it read {:?}", reading.values))) }
}

fn empty_rows(workload: &Workload) -> Vec<Row> {
    let column = |entry: &Entry| Column {
        peer: entry.peer,
        kind: entry.kind,
        values: Vec::new(),
        cpu_ns: Vec::new(),
        curves: Vec::new(),
    };
    let row = |metric: &crate::Metric| Row {
        name: format!("{}{}", workload.name, metric.suffix),
        unit: metric.unit,
        floor: metric.floor,
        columns: workload.entries.iter().map(column).collect(),
    };
    debug_assert!(workload.entries.iter().any(|entry| entry.peer == Ours::NAME));
    workload.metrics.iter().map(row).collect()
}

fn record(rows: &mut [Row], readings: &[Reading]) {
    for (index, row) in rows.iter_mut().enumerate() {
        for (column, reading) in row.columns.iter_mut().zip(readings) {
            column.values.push(reading.values[index]);
            // CPU time per operation and the distribution belong to the workload; they are shown once.
            column.cpu_ns.extend(reading.cpu_ns.filter(|_| index == 0));
            column.curves.extend(reading.curve.clone().filter(|_| index == 0));
        }
    }
}

/// How sure the first ratio is, for a block's first line.
pub(crate) fn rounds_text(row: &Row) -> String {
    let slowest = row.columns.iter().map(|column| Spread::of(&column.values).median).fold(0.0, f64::max);
    format!("{} rounds{}", row.rounds(), if slowest <= row.floor { ", all below the floor" } else { "" })
}
