//! How many workers to start when nobody says.
//!
//! Owns: the default, and the two environment variables that replace it.
//! Not here: where the numbers come from (`sys`); the builder's own `worker_threads`, which beats both.
//!
//! The danger: a container that may use 2 CPUs of a 64-core host. With 64 workers the quota of a period is burnt in its
//! first milliseconds, and then *all* of them stand still until the next period, whoever holds whichever lock. So the
//! default is the smallest of
//!
//!   - the CPU quota, the smallest of this group's and of all groups above it, rounded up;
//!   - the CPUs that this thread may be scheduled on.
//!
//! Rounded up, because the workers' fraction of a CPU that stays unused costs throughput, and because any quota above
//! one CPU then gives two workers: with a single one, a future that forgets to yield holds up everything else.
//!
//! Rejected: `std::thread::available_parallelism`, which rounds down (1.9 CPUs, one worker), and `num_cpus` alone, which
//! looks at the innermost group only (an orchestrator may set the quota on its parent) and remembers the answer for
//! ever. It serves where the platform gives us nothing better. Nothing is remembered here: an engine that wants to
//! follow a quota that changes can ask again.

use crate::engine::sched::sys;
use std::env;
use std::ffi::OsString;

/// Ours first: who sets both means us by the one, and every other runtime in the process by the other.
const VARIABLES: [&str; 2] = ["RUNTIME_WORKER_THREADS", "TOKIO_WORKER_THREADS"];

/// The default number of workers; at least 1.
pub(crate) fn worker_count() -> usize {
    let cpus = sys::affinity().unwrap_or_else(num_cpus::get);
    within(cpus, sys::cpu_quota())
}

/// The number of workers that the environment asks for, if it does. The error is a text for the builder to panic with.
pub(crate) fn from_environment() -> Result<Option<usize>, String> {
    asked_for(env::var_os)
}

fn within(cpus: usize, quota: Option<usize>) -> usize {
    quota.map_or(cpus, |quota| quota.min(cpus)).max(1)
}

/// The first variable that is set decides, and must make sense: a typing error in it must not quietly become the other
/// variable's number, or the machine's.
fn asked_for(read: impl Fn(&'static str) -> Option<OsString>) -> Result<Option<usize>, String> {
    let Some((variable, value)) = VARIABLES.iter().find_map(|name| Some((*name, read(name)?))) else {
        return Ok(None);
    };
    match value.to_str().and_then(|value| value.parse().ok()) {
        Some(0) => Err(complaint(variable, &value, "a runtime cannot run on no worker at all")),
        Some(workers) => Ok(Some(workers)),
        None => Err(complaint(variable, &value, "this is not a whole number")),
    }
}

fn complaint(variable: &str, value: &OsString, why: &str) -> String {
    format!(
        "the environment variable `{variable}` is set to {value:?}: {why}.\n  \
         Set it to the number of worker threads to start (1 or more), unset it to get as many as there are CPUs for \
         this process, or call `Builder::worker_threads`, which takes precedence."
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(pairs: &[(&'static str, &str)]) -> Result<Option<usize>, String> {
        asked_for(|variable| pairs.iter().find(|(name, _)| *name == variable).map(|(_, value)| value.into()))
    }

    #[test]
    fn the_smaller_of_cpus_and_quota() {
        assert_eq!(within(8, None), 8);
        assert_eq!(within(8, Some(2)), 2);
        assert_eq!(within(1, Some(2)), 1);
    }

    #[test]
    fn never_no_worker() {
        assert_eq!(within(0, None), 1);
        assert_eq!(within(4, Some(0)), 1);
    }

    #[test]
    fn this_machine_has_a_sensible_count() {
        let cpus = sys::affinity().unwrap_or_else(num_cpus::get);
        assert!((1..=cpus).contains(&worker_count()), "{} workers on {cpus} CPUs", worker_count());
    }

    #[test]
    fn an_empty_environment_asks_for_nothing() {
        assert_eq!(set(&[]), Ok(None));
        assert_eq!(set(&[("WORKER_THREADS", "3")]), Ok(None));
    }

    #[test]
    fn either_variable_asks_and_ours_wins() {
        assert_eq!(set(&[("RUNTIME_WORKER_THREADS", "3")]), Ok(Some(3)));
        assert_eq!(set(&[("TOKIO_WORKER_THREADS", "5")]), Ok(Some(5)));
        assert_eq!(set(&[("TOKIO_WORKER_THREADS", "5"), ("RUNTIME_WORKER_THREADS", "3")]), Ok(Some(3)));
    }

    #[test]
    fn nonsense_names_the_variable_and_its_value() {
        let huge = "99999999999999999999999999";
        for variable in VARIABLES {
            for value in ["", "zero", "-1", "1.5", "4 ", huge] {
                let text = set(&[(variable, value)]).expect_err(value);
                assert!(
                    text.contains(&format!("`{variable}` is set to {value:?}: this is not a whole number")),
                    "{text}"
                );
            }
            let text = set(&[(variable, "0")]).expect_err("0");
            assert!(text.contains(&format!("`{variable}` is set to \"0\": a runtime cannot run on no")), "{text}");
        }
    }

    #[test]
    fn nonsense_in_ours_does_not_fall_through_to_the_other() {
        let text = set(&[("RUNTIME_WORKER_THREADS", "x"), ("TOKIO_WORKER_THREADS", "5")]).expect_err("x");
        assert!(text.contains("`RUNTIME_WORKER_THREADS`"), "{text}");
    }
}
