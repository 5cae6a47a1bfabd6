//! A process that is forked off this one and runs code of ours before it executes anything else.

use std::os::unix::process::CommandExt;
use std::process::Command;

/// Calls `end` in a forked process, and then drops it in this one. Returns when the forked one is over; it dies with this
/// process.
pub fn in_a_forked_process(end: impl FnOnce() + Send + Sync + 'static) {
    let mut end = Some(end);
    let mut child = Command::new("true");
    let in_the_child = move || {
        rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
        if let Some(end) = end.take() {
            end();
        }
        Ok(())
    };
    // SAFETY: between fork and exec only this thread exists. What a test runs here must not need a lock that another thread
    // of this process may have held; the allocator's is made whole by the C library.
    unsafe { child.pre_exec(in_the_child) };
    assert!(child.status().expect("no process").success());
}
