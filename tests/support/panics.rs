//! Panics on purpose: caught with their message and place, and silent when planned.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

const PLANNED: &str = "planned panic";

/// What a panic said and whom it blamed.
#[derive(Clone, Debug)]
pub struct CaughtPanic {
    /// The message.
    pub message: String,
    /// The file of the place that the panic blames.
    pub file: String,
    /// The line of that place.
    pub line: u32,
}

thread_local! {
    /// Innermost last. `None`: being caught, not yet seen.
    static CATCHING: RefCell<Vec<Option<CaughtPanic>>> = const { RefCell::new(Vec::new()) };
}

/// Installs, once per process, the hook that notes caught panics and hushes planned ones.
pub fn install_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let payload = info.payload();
            let literal = payload.downcast_ref::<&str>().copied();
            let message = literal.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
            let message = message.unwrap_or("(not a string)").to_owned();
            let place = info.location().map(|place| (place.file().to_owned(), place.line()));
            let (file, line) = place.unwrap_or_default();
            let caught = CaughtPanic { message, file, line };
            let noted = CATCHING.try_with(|catching| {
                let mut catching = catching.borrow_mut();
                let slot = catching.last_mut()?;
                *slot = Some(caught.clone());
                Some(())
            });
            if !matches!(noted, Ok(Some(()))) && !caught.message.starts_with(PLANNED) {
                usual(info);
            }
        }));
    });
}

/// Panics with a message that the hook does not print.
pub fn planned_panic() -> ! {
    panic!("{PLANNED}")
}

/// Runs `f`; what it panicked with on this thread, if it did.
pub fn catch<R>(f: impl FnOnce() -> R) -> Result<R, CaughtPanic> {
    install_hook();
    CATCHING.with(|catching| catching.borrow_mut().push(None));
    let result = catch_unwind(AssertUnwindSafe(f));
    let caught = CATCHING.with(|catching| catching.borrow_mut().pop()).flatten();
    result.map_err(|_| caught.expect("a panic that no hook saw"))
}

/// Runs the expression, which must panic, and checks that the panic blames this very line and says each of the words
/// (ASCII case does not matter).
#[macro_export]
macro_rules! assert_panics_here {
    ($run:expr, $($word:expr),+ $(,)?) => {{
        let line = line!();
        let caught = $crate::catch(|| { let _ = $run; }).expect_err("it did not panic");
        $crate::panics::check(&caught, file!(), line, &[$($word),+]);
    }};
}

/// The check of [`assert_panics_here`].
#[track_caller]
pub fn check(caught: &CaughtPanic, file: &str, line: u32, words: &[&str]) {
    let message = caught.message.to_ascii_lowercase();
    for word in words {
        // tokio words it otherwise, and here and there it blames itself.
        if cfg!(not(feature = "oracle")) {
            assert!(message.contains(&word.to_ascii_lowercase()), "no {word:?} in the panic {:?}", caught.message);
        }
    }
    if cfg!(feature = "oracle") && caught.file.contains("/tokio-") {
        return;
    }
    assert!(
        caught.file == file && (line..line + 8).contains(&caught.line),
        "the panic {:?} blames {}:{} instead of its caller at {file}:{line}",
        caught.message,
        caught.file,
        caught.line
    );
}
