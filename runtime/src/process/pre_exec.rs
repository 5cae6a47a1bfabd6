//! The one option of a command that is unsafe.

use super::Command;
use std::io;
use std::os::unix::process::CommandExt;

impl Command {
    /// Runs `f` in the child, after everything else is set up and before the program is.
    ///
    /// Several run in the order in which they were given. If one fails, so does the spawn, with its error.
    ///
    /// # Safety
    /// The child is a copy of this process with one thread in it, the one that spawns. `f` must need nothing that
    /// another thread may have been busy with: no lock, no allocation, no more than what may be called in a signal
    /// handler. What this process has unique access to (memory that is mapped, descriptors) the child has too.
    /// Descriptors of ours that are not close-on-exec are open there; `f` must not touch ours.
    pub unsafe fn pre_exec<F>(&mut self, f: F) -> &mut Command
    where
        F: FnMut() -> io::Result<()> + Send + Sync + 'static,
    {
        // SAFETY: std asks of us what we ask of our caller.
        unsafe { self.as_std_mut().pre_exec(f) };
        self
    }
}
