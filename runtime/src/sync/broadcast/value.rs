//! A value on its way to several receivers.
//!
//! Owns: [`Value`].   Imports: nothing of ours.
//! Not here: who gets it (`ring`).
//!
//! A lock, so that a `T` that is not `Sync` is cloned by one thread at a time. Only receivers of the same value ever wait
//! for it: a sender does not, nor does anybody at another value. It lets its own thread in again, since a `T::clone` may
//! receive the same value through another receiver. No protocol that a model must see, so it is not the door's.

use parking_lot::ReentrantMutex;
use std::sync::Arc;

#[derive(Debug)]
pub(super) struct Value<T>(Arc<ReentrantMutex<T>>);

impl<T> Clone for Value<T> {
    fn clone(&self) -> Self {
        Value(Arc::clone(&self.0))
    }
}

impl<T> Value<T> {
    pub(super) fn new(value: T) -> Self {
        Value(Arc::new(ReentrantMutex::new(value)))
    }

    /// The value itself, if nobody else has it in hand.
    pub(super) fn into_inner(self) -> Option<T> {
        Arc::into_inner(self.0).map(ReentrantMutex::into_inner)
    }
}

impl<T: Clone> Value<T> {
    /// The value itself, or a clone if others have yet to receive it, or still clone it.
    pub(super) fn take(self) -> T {
        match Arc::try_unwrap(self.0) {
            Ok(value) => value.into_inner(),
            Err(shared) => T::clone(&shared.lock()),
        }
    }
}
