//! Why a task gave no output.

use crate::engine::base::id::Id;
use std::any::Any;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A task did not finish: it was cancelled, or it panicked.
///
/// ```
/// # runtime::runtime::Runtime::new().unwrap().block_on(async {
/// let error = runtime::spawn(async { panic!("lost") }).await.unwrap_err();
/// assert!(error.is_panic());
/// assert_eq!(*error.into_panic().downcast::<&str>().unwrap(), "lost");
/// # })
/// ```
pub struct JoinError {
    id: Id,
    failure: Failure,
}

/// A [`JoinError`] without the id. A pointer, since every cell has room for it.
pub(super) enum Failure {
    Cancelled,
    Panic(Box<Panic>),
}

pub(super) struct Panic {
    id: Id,
    // `Mutex` only to be `Sync`: the payload is `Send` alone, and nobody ever waits for this lock.
    payload: Mutex<Payload>,
    /// Whom to tell if nobody looks at this panic.
    sink: Option<Arc<dyn PanicSink>>,
}

/// What a task panicked with.
type Payload = Box<dyn Any + Send + 'static>;

/// Where unhandled panics are reported: the runtime's policy.
pub(crate) trait PanicSink: Send + Sync {
    /// A task panics; called by its poller.
    fn panicked(&self, id: Id);
    /// Nobody looked at it.
    fn unhandled(&self, id: Id, payload: &(dyn Any + Send));
}

impl Panic {
    fn payload(&self) -> MutexGuard<'_, Payload> {
        self.payload.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Panic {
    fn drop(&mut self) {
        if let Some(sink) = self.sink.take() {
            sink.unhandled(self.id, &**self.payload());
        }
    }
}

impl Failure {
    /// `sink` hears of it unless it is [handed over](JoinError::handed_over) before it is dropped.
    pub(super) fn panic(id: Id, payload: Payload, sink: Option<Arc<dyn PanicSink>>) -> Self {
        Failure::Panic(Box::new(Panic { id, payload: Mutex::new(payload), sink }))
    }
}

impl JoinError {
    pub(crate) fn cancelled(id: Id) -> Self {
        JoinError { id, failure: Failure::Cancelled }
    }

    /// Of what is not a cell's: nobody else hears of it.
    pub(crate) fn panicked(id: Id, payload: Payload) -> Self {
        JoinError { id, failure: Failure::panic(id, payload, None) }
    }

    /// The failure reaches somebody: it is theirs to handle now.
    pub(super) fn handed_over(id: Id, mut failure: Failure) -> Self {
        if let Failure::Panic(panic) = &mut failure {
            panic.sink = None;
        }
        JoinError { id, failure }
    }

    /// Was the task cancelled, by [`abort`](crate::task::JoinHandle::abort) or because its runtime shut down?
    pub fn is_cancelled(&self) -> bool {
        matches!(self.failure, Failure::Cancelled)
    }

    /// Did the task panic?
    pub fn is_panic(&self) -> bool {
        matches!(self.failure, Failure::Panic(_))
    }

    /// What the task panicked with, as for [`std::thread::JoinHandle::join`].
    ///
    /// # Panics
    /// If the task was cancelled; [`try_into_panic`](JoinError::try_into_panic) gives the error back instead.
    #[track_caller]
    pub fn into_panic(self) -> Payload {
        match self.try_into_panic() {
            Ok(payload) => payload,
            Err(error) => panic!(
                "no panic to take: task {} was cancelled.\n  Ask `is_panic()` first, or use `try_into_panic()`.",
                error.id
            ),
        }
    }

    /// What the task panicked with, or the error itself if it was cancelled.
    pub fn try_into_panic(self) -> Result<Payload, JoinError> {
        match self.failure {
            Failure::Panic(panic) => Ok(std::mem::replace(&mut *panic.payload(), Box::new(()))),
            Failure::Cancelled => Err(self),
        }
    }

    /// The id of the task.
    pub fn id(&self) -> Id {
        self.id
    }
}

/// The text of a panic, where its payload is one.
pub(crate) fn panic_text(payload: &(dyn Any + Send)) -> Option<&str> {
    payload.downcast_ref::<&'static str>().copied().or_else(|| payload.downcast_ref::<String>().map(String::as_str))
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.failure {
            Failure::Cancelled => write!(f, "task {} was cancelled", self.id),
            Failure::Panic(panic) => match panic_text(&**panic.payload()) {
                Some(text) => write!(f, "task {} panicked with message {text:?}", self.id),
                None => write!(f, "task {} panicked", self.id),
            },
        }
    }
}

impl fmt::Debug for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.failure {
            Failure::Cancelled => write!(f, "JoinError::Cancelled({:?})", self.id),
            Failure::Panic(panic) => match panic_text(&**panic.payload()) {
                Some(text) => write!(f, "JoinError::Panic({:?}, {text:?}, ...)", self.id),
                None => write!(f, "JoinError::Panic({:?}, ...)", self.id),
            },
        }
    }
}

impl std::error::Error for JoinError {}

impl From<JoinError> for std::io::Error {
    fn from(error: JoinError) -> std::io::Error {
        std::io::Error::other(if error.is_panic() { "task panicked" } else { "task was cancelled" })
    }
}
