//! Time limits: a hang becomes a failure that names its test.

use parking_lot::{Condvar, Mutex};
use std::panic::Location;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// What a test may take unless it says otherwise. The environment's `WATCHDOG_SECONDS` raises it (for sanitizers).
const TEST_LIMIT: Duration = Duration::from_secs(30);

struct Watched {
    key: u64,
    deadline: Instant,
    name: String,
}

#[derive(Default)]
struct Kennel {
    watched: Mutex<(u64, Vec<Watched>)>,
    changed: Condvar,
}

fn kennel() -> &'static Kennel {
    static KENNEL: OnceLock<&'static Kennel> = OnceLock::new();
    KENNEL.get_or_init(|| {
        let kennel: &'static Kennel = Box::leak(Box::default());
        std::thread::Builder::new().name("watchdog".into()).spawn(move || guard_forever(kennel)).expect("no thread");
        kennel
    })
}

fn guard_forever(kennel: &'static Kennel) {
    let mut watched = kennel.watched.lock();
    loop {
        let now = Instant::now();
        if let Some(hung) = watched.1.iter().find(|entry| entry.deadline <= now) {
            eprintln!("watchdog: HANG in {}: not done within its limit; aborting the process", hung.name);
            eprintln!("watchdog: threads: {}", crate::process::thread_names().join(", "));
            std::process::abort();
        }
        match watched.1.iter().map(|entry| entry.deadline).min() {
            Some(deadline) => drop(kennel.changed.wait_until(&mut watched, deadline)),
            None => kennel.changed.wait(&mut watched),
        }
    }
}

/// Ends the watch when it is dropped.
#[derive(Debug)]
#[must_use = "the watch ends when the guard is dropped"]
pub struct Watchdog(u64);

impl Drop for Watchdog {
    fn drop(&mut self) {
        kennel().watched.lock().1.retain(|entry| entry.key != self.0);
    }
}

/// Aborts the process, naming the caller, if the guard is still there after the usual limit.
#[track_caller]
pub fn watchdog() -> Watchdog {
    watchdog_secs(TEST_LIMIT.as_secs())
}

/// The limit that the environment asks for.
pub(crate) fn limit_from_env() -> Option<Duration> {
    let seconds = std::env::var("WATCHDOG_SECONDS").ok()?;
    seconds.parse().ok().map(Duration::from_secs)
}

/// [`watchdog`] with a limit in seconds, which the environment's may raise.
#[track_caller]
pub fn watchdog_secs(limit: u64) -> Watchdog {
    let limit = limit_from_env().map_or(limit, |asked| limit.max(asked.as_secs()));
    crate::panics::install_hook();
    let here = Location::caller();
    let test = std::thread::current().name().unwrap_or("unnamed thread").to_owned();
    let name = format!("test `{test}` ({}:{}, limit {limit} s)", here.file(), here.line());
    let kennel = kennel();
    let mut watched = kennel.watched.lock();
    watched.0 += 1;
    let key = watched.0;
    watched.1.push(Watched { key, deadline: Instant::now() + Duration::from_secs(limit), name });
    drop(watched);
    kennel.changed.notify_all();
    Watchdog(key)
}

/// Blocks this thread until `condition` holds; panics in the caller's name after ten seconds.
#[track_caller]
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    let mut rounds = 0u32;
    while !condition() {
        assert!(Instant::now() < deadline, "waited 10 s in vain for: {what}");
        rounds += 1;
        match rounds {
            0..200 => std::thread::yield_now(),
            _ => std::thread::sleep(Duration::from_micros(200)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::process::Command;

    /// Runs itself again in a process that hangs.
    #[test]
    fn a_hang_aborts_and_names_its_test() {
        if std::env::var_os("HANG").is_some() {
            let _watch = super::watchdog_secs(1);
            loop {
                std::thread::park();
            }
        }
        let mut child = Command::new(std::env::current_exe().expect("this binary's path"));
        child.args(["--exact", "watch::tests::a_hang_aborts_and_names_its_test", "--nocapture"]).env("HANG", "1");
        let output = child.output().expect("this binary does not start");
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.signal(), Some(6), "{text}");
        assert!(text.contains("HANG") && text.contains("watch.rs"), "{text}");
    }

    #[test]
    fn a_condition_that_never_holds_blames_who_waits_for_it() {
        let started = std::time::Instant::now();
        let caught = crate::catch(|| super::wait_until("never", || started.elapsed().as_secs() > 60));
        let caught = caught.expect_err("it waited on");
        assert!(caught.message.contains("never") && caught.file.ends_with("watch.rs"), "{caught:?}");
    }
}
