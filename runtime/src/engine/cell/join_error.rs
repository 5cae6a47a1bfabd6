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
    /// `None`: cancelled. Boxed, since every cell has room for its error.
    panic: Option<Box<Panic>>,
}

struct Panic {
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

impl JoinError {
    pub(crate) fn cancelled(id: Id) -> Self {
        JoinError { id, panic: None }
    }

    /// `sink` hears of it unless the error is [disarmed](JoinError::disarm) before it is dropped.
    pub(crate) fn panicked(id: Id, payload: Payload, sink: Option<Arc<dyn PanicSink>>) -> Self {
        JoinError { id, panic: Some(Box::new(Panic { id, payload: Mutex::new(payload), sink })) }
    }

    /// The error reaches somebody: it is theirs to handle now.
    pub(crate) fn disarm(&mut self) {
        if let Some(panic) = &mut self.panic {
            panic.sink = None;
        }
    }

    /// Was the task cancelled, by [`abort`](crate::task::JoinHandle::abort) or because its runtime shut down?
    pub fn is_cancelled(&self) -> bool {
        self.panic.is_none()
    }

    /// Did the task panic?
    pub fn is_panic(&self) -> bool {
        self.panic.is_some()
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
    pub fn try_into_panic(mut self) -> Result<Payload, JoinError> {
        self.disarm();
        match self.panic.take() {
            Some(panic) => Ok(std::mem::replace(&mut *panic.payload(), Box::new(()))),
            None => Err(self),
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
        match &self.panic {
            None => write!(f, "task {} was cancelled", self.id),
            Some(panic) => match panic_text(&**panic.payload()) {
                Some(text) => write!(f, "task {} panicked with message {text:?}", self.id),
                None => write!(f, "task {} panicked", self.id),
            },
        }
    }
}

impl fmt::Debug for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.panic {
            None => write!(f, "JoinError::Cancelled({:?})", self.id),
            Some(panic) => match panic_text(&**panic.payload()) {
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
