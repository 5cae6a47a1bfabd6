//! Ends the run when a measurement hangs, and says which. A hung benchmark says nothing and blocks whoever waits for it.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// The longest any single measurement may take.
const LIMIT: Duration = Duration::from_secs(120);
/// Rare enough that no measurement notices it.
const LOOK_EVERY: Duration = Duration::from_secs(10);

type Watched = Arc<Mutex<Option<(String, Instant)>>>;

/// A thread that looks every ten seconds.
pub(crate) struct Watchdog {
    watched: Watched,
}

impl Watchdog {
    /// Starts the thread; it ends with the process.
    pub(crate) fn start() -> Self {
        let watched = Watched::default();
        let seen = watched.clone();
        let look = move || {
            loop {
                thread::sleep(LOOK_EVERY);
                let entry = seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
                if let Some((what, since)) = entry
                    && since.elapsed() > LIMIT
                {
                    eprintln!("\nerror: {what} has not ended for {} s: it hangs. The run ends here.", LIMIT.as_secs());
                    std::process::exit(1);
                }
            }
        };
        if let Err(error) = thread::Builder::new().name("bench-watchdog".into()).spawn(look) {
            eprintln!("warning: no watchdog ({error}); a measurement that hangs will hang the run.");
        }
        Self { watched }
    }

    /// Runs `measure` under the limit.
    pub(crate) fn guard<T>(&self, what: &str, measure: impl FnOnce() -> T) -> T {
        self.watch(Some((what.to_owned(), Instant::now())));
        let result = measure();
        self.watch(None);
        result
    }

    fn watch(&self, entry: Option<(String, Instant)>) {
        *self.watched.lock().unwrap_or_else(PoisonError::into_inner) = entry;
    }
}
