//! The command line. Cargo adds `--bench` under `cargo bench` and nothing under `cargo test --benches`; the latter wants to
//! know whether the workloads work, not how fast they are.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::net::{self, ServerAsk, Service};

pub(crate) const HELP: &str = "\
cargo bench -- [NAME…] [options]      measure ours against tokio, smol and others in interleaved rounds

  NAME          only workloads whose name contains one of these
  --list        name the workloads, measure nothing
  --quick       fewer and shorter rounds; everything within five minutes
  --rounds N    exactly N rounds instead of as many as the spread asks for
  --workers N   worker threads of each peer (2)
  --keep FILE   add this run's ratios to tokio to FILE
  --baseline FILE   say which rows lost since the runs in FILE, a file of --keep
  --bench       measure; cargo bench adds it. Without it every workload is run once to see whether it works

Reports go to target/bench-report/. docs/design/measure.md says how to read them.
";

/// How thorough to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// `cargo bench`.
    Full,
    /// `--quick`.
    Quick,
    /// Without `--bench`: does it work?
    Smoke,
}

impl Mode {
    /// The time of one measurement.
    pub(crate) fn target(self) -> Duration {
        match self {
            Mode::Full => crate::meter::FULL,
            Mode::Quick => Duration::from_millis(50),
            Mode::Smoke => Duration::from_millis(2),
        }
    }

    /// The fewest and the most rounds.
    pub(crate) fn rounds(self) -> (usize, usize) {
        match self {
            Mode::Full => (7, 15),
            Mode::Quick => (3, 5),
            Mode::Smoke => (1, 1),
        }
    }

    /// The same for workloads that repeating does not make certain.
    pub(crate) fn few_rounds(self) -> (usize, usize) {
        let few = self.rounds().0.min(5);
        (few, few)
    }

    /// After this long a workload gets no more rounds than the fewest.
    pub(crate) fn budget(self, workloads: usize) -> Duration {
        match self {
            Mode::Full => Duration::from_secs(45),
            Mode::Quick | Mode::Smoke => Duration::from_secs(120) / workloads.max(1) as u32,
        }
    }
}

/// One measurement for a parent process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FreshProcess {
    pub(crate) workload: String,
    pub(crate) peer: String,
    pub(crate) target: Duration,
}

/// What the command line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Args {
    pub(crate) names: Vec<String>,
    pub(crate) mode: Mode,
    pub(crate) list: bool,
    pub(crate) help: bool,
    pub(crate) rounds: Option<usize>,
    pub(crate) workers: usize,
    pub(crate) keep: Option<PathBuf>,
    pub(crate) baseline: Option<PathBuf>,
    pub(crate) fresh_process: Option<FreshProcess>,
    pub(crate) serve: Option<ServerAsk>,
    pub(crate) spin: bool,
}

impl Args {
    /// Reads the arguments behind the program's name.
    pub(crate) fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Args, String> {
        let mut args = Args {
            names: Vec::new(),
            mode: Mode::Smoke,
            list: false,
            help: false,
            rounds: None,
            workers: 2,
            keep: None,
            baseline: None,
            fresh_process: None,
            serve: None,
            spin: false,
        };
        let mut quick = false;
        let mut rest = arguments.into_iter();
        while let Some(argument) = rest.next() {
            let (flag, mut value) = match argument.split_once('=') {
                Some((flag, value)) if flag.starts_with("--") => (flag.to_owned(), Some(value.to_owned())),
                _ => (argument, None),
            };
            let mut next = || value.take().or_else(|| rest.next());
            match flag.as_str() {
                "--bench" => args.mode = Mode::Full,
                "--quick" => quick = true,
                "--list" => args.list = true,
                "--help" | "-h" => args.help = true,
                "--rounds" => args.rounds = Some(positive(&flag, next())?),
                "--workers" => args.workers = positive(&flag, next())?,
                "--keep" => args.keep = Some(file(&flag, next())?),
                "--baseline" => args.baseline = Some(file(&flag, next())?),
                spin if spin == crate::company::FLAG => args.spin = true,
                serve if serve == net::FLAG => args.serve = Some(server(next)?),
                fresh if fresh == crate::fresh::FLAG => args.fresh_process = Some(fresh_process(next)?),
                unknown if unknown.starts_with('-') => {
                    return Err(format!("unknown argument `{unknown}`. `--help` shows what there is."));
                }
                _ => args.names.push(flag.clone()),
            }
            if let Some(value) = value {
                return Err(format!("`{flag}` takes no value, but got `{value}`."));
            }
        }
        if quick {
            args.mode = Mode::Quick;
        }
        Ok(args)
    }

    /// Whether the command line picks this workload.
    pub(crate) fn picks(&self, name: &str) -> bool {
        self.names.is_empty() || self.names.iter().any(|part| name.contains(part.as_str()))
    }
}

/// Cargo runs us in the package's folder; a path is meant from where the user stands, which cargo does not tell. So a
/// relative one that is not there is looked for in the workspace's folder, too.
fn file(flag: &str, value: Option<String>) -> Result<PathBuf, String> {
    let path = PathBuf::from(
        value.filter(|path| !path.is_empty()).ok_or_else(|| format!("`{flag}` needs a file behind it."))?,
    );
    if path.is_absolute() {
        return Ok(path);
    }
    let package = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    Ok(package.as_deref().and_then(Path::parent).map_or(path.clone(), |workspace| workspace.join(path)))
}

fn positive(flag: &str, value: Option<String>) -> Result<usize, String> {
    let value = value.ok_or_else(|| format!("`{flag}` needs a number behind it."))?;
    match value.parse() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err(format!("`{flag} {value}`: must be a whole number above 0.")),
    }
}

fn fresh_process(mut next: impl FnMut() -> Option<String>) -> Result<FreshProcess, String> {
    let (Some(workload), Some(peer), Some(micros)) = (next(), next(), next()) else {
        return Err(format!("`{}` needs WORKLOAD PEER MICROSECONDS.", crate::fresh::FLAG));
    };
    let micros = micros.parse().map_err(|_| format!("`{micros}` is no number of microseconds."))?;
    Ok(FreshProcess { workload, peer, target: Duration::from_micros(micros) })
}

fn server(mut next: impl FnMut() -> Option<String>) -> Result<ServerAsk, String> {
    let (Some(service), Some(peer)) = (next(), next()) else {
        return Err(format!("`{}` needs SERVICE PEER.", net::FLAG));
    };
    let service = Service::from_name(&service).ok_or_else(|| format!("`{service}` is no service."))?;
    Ok(ServerAsk { service, peer })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Args, String> {
        Args::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn cargo_bench_measures_and_cargo_test_only_tries() {
        assert_eq!(parse("--bench").expect("valid").mode, Mode::Full);
        assert_eq!(parse("").expect("valid").mode, Mode::Smoke);
        assert_eq!(parse("--quick --bench").expect("valid").mode, Mode::Quick);
        assert_eq!(parse("--bench --quick").expect("valid").mode, Mode::Quick);
    }

    #[test]
    fn names_pick_by_substring() {
        let args = parse("spawn yield --rounds 5 --workers=4 --bench").expect("valid");
        assert!(args.picks("spawn-join-1000/in-task") && args.picks("yield-1") && !args.picks("chain-1000"));
        assert_eq!((args.rounds, args.workers), (Some(5), 4));
        assert!(parse("--bench").expect("valid").picks("anything"));
    }

    #[test]
    fn a_process_may_be_asked_to_serve() {
        let args = parse("--serve tcp-echo:512 tokio --workers 3").expect("valid");
        assert_eq!(args.serve, Some(ServerAsk { service: Service::TcpEcho(512), peer: "tokio".to_owned() }));
        assert_eq!(args.workers, 3);
    }

    #[test]
    fn runs_may_be_kept_and_compared() {
        let args = parse("--bench --keep /after --baseline=/before").expect("valid");
        assert_eq!((args.keep, args.baseline), (Some("/after".into()), Some("/before".into())));
    }

    #[test]
    fn a_process_may_be_asked_to_be_busy() {
        assert!(parse("--spin").expect("valid").spin && !parse("--bench").expect("valid").spin);
    }

    #[test]
    fn noisy_workloads_make_few_rounds() {
        let few = [Mode::Full, Mode::Quick, Mode::Smoke].map(Mode::few_rounds);
        assert_eq!(few, [(5, 5), (3, 3), (1, 1)]);
    }

    #[test]
    fn bad_arguments_are_named() {
        for (line, part) in [
            ("--fast", "unknown argument `--fast`"),
            ("-q", "unknown argument `-q`"),
            ("--rounds", "`--rounds` needs a number"),
            ("--rounds 0", "above 0"),
            ("--rounds many", "`--rounds many`"),
            ("--workers -1", "`--workers -1`"),
            ("--serve http", "needs SERVICE PEER"),
            ("--serve ftp tokio", "`ftp` is no service"),
            ("--keep", "`--keep` needs a file"),
            ("--baseline=", "`--baseline` needs a file"),
            ("--quick=yes", "`--quick` takes no value"),
        ] {
            let error = parse(line).expect_err(line);
            assert!(error.contains(part), "{line}: {error}");
        }
    }
}
