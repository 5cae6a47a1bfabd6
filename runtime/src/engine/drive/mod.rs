//! Floor 2: sockets and time, and who waits for them.
//!
//! Nothing is registered here yet, so nobody leads and every worker sleeps on its parker.

pub(crate) struct Drive {}

/// The right to wait for sockets and timers; one thread has it at a time.
pub(crate) struct Lead<'d>(std::marker::PhantomData<&'d Drive>);

impl Drive {
    pub(crate) fn new() -> std::io::Result<Self> {
        Ok(Drive {})
    }
    pub(crate) fn try_lead(&self) -> Option<Lead<'_>> {
        None
    }
    pub(crate) fn notify(&self) {}
    pub(crate) fn dispatch(&self) {}
}

impl Lead<'_> {
    pub(crate) fn wait(&mut self, _timeout: Option<std::time::Duration>) {}
    pub(crate) fn look(&mut self) {}
}
