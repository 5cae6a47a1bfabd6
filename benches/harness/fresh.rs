//! One measurement in a process of its own: this program starts itself with a hidden argument, and reads one line.

use std::env;
use std::process::{Command, ExitCode, Stdio};

use crate::args::FreshProcess;
use crate::workload::Workload;
use crate::{Curve, Meter, Reading, Wrong};

/// Behind it: WORKLOAD PEER MICROSECONDS.
pub(crate) const FLAG: &str = "--fresh-process";
const MARK: &str = "reading";
const CURVE: &str = "curve";

/// Parent's side: starts the process and waits for its reading.
pub(crate) fn measure(workload: &str, peer: &str, meter: Meter) -> Result<Reading, Wrong> {
    let failed = |why: String| Wrong(format!("the process for it failed: {why}"));
    let program = env::current_exe().map_err(|error| failed(error.to_string()))?;
    let output = Command::new(program)
        .args([FLAG, workload, peer, &meter.target().as_micros().to_string()])
        .args(["--workers", &meter.workers().to_string()])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        return Err(failed(format!("{}; its reason stands above", output.status)));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().find_map(parse).ok_or_else(|| failed(format!("it printed no reading but {text:?}")))
}

/// Child's side: measures once and prints the reading.
pub(crate) fn serve(ask: &FreshProcess, workloads: &[Workload], workers: usize) -> ExitCode {
    let entry = workloads
        .iter()
        .filter(|workload| workload.name == ask.workload)
        .flat_map(|workload| &workload.entries)
        .find(|entry| entry.peer == ask.peer);
    let Some(entry) = entry else {
        eprintln!("error: no workload `{}` with a peer `{}`.", ask.workload, ask.peer);
        return ExitCode::from(2);
    };
    match (entry.measure)(Meter::new(ask.target, workers)) {
        Ok(reading) => {
            println!("{}", print(&reading));
            ExitCode::SUCCESS
        }
        Err(wrong) => {
            eprintln!("error: {} on {}: {wrong}", ask.workload, ask.peer);
            ExitCode::FAILURE
        }
    }
}

fn print(reading: &Reading) -> String {
    let cpu = reading.cpu_ns.map_or("-".to_owned(), |cpu| cpu.to_string());
    let values: Vec<String> = reading.values.iter().map(f64::to_string).collect();
    let mut line = format!("{MARK}\t{cpu}\t{}", values.join("\t"));
    if let Some(curve) = &reading.curve {
        line.push('\t');
        line.push_str(CURVE);
        line.extend(curve.values().iter().map(|value| format!("\t{value}")));
    }
    line
}

fn parse(line: &str) -> Option<Reading> {
    let mut fields = line.strip_prefix(MARK)?.strip_prefix('\t')?.split('\t');
    let cpu = fields.next()?;
    let cpu_ns = if cpu == "-" { None } else { Some(cpu.parse().ok()?) };
    let numbers = |fields: &[&str]| fields.iter().map(|field| field.parse().ok()).collect::<Option<Vec<f64>>>();
    let fields: Vec<&str> = fields.collect();
    let (values, curve) = match fields.iter().position(|field| *field == CURVE) {
        Some(at) => (&fields[..at], Some(Curve::from_values(numbers(&fields[at + 1..])?)?)),
        None => (&fields[..], None),
    };
    Some(Reading { values: numbers(values)?, cpu_ns, curve })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_survives_the_pipe() {
        let curve = Curve::of(&mut [3.0, 1.0, 2.5]);
        for reading in [
            Reading::of(vec![1.5, 1e-9]),
            Reading::of(vec![3.25]).with_cpu(7.125),
            Reading::of(vec![2.0]).with_curve(curve),
        ] {
            assert_eq!(parse(&print(&reading)), Some(reading));
        }
        assert_eq!(parse("warning: something"), None);
        assert_eq!(parse("reading\t-\tmany"), None);
    }
}
