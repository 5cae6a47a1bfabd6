//! What a task inherits from whoever spawns it.
//!
//! Owns: [`Context`], of which each cell has a count whose task was spawned where one was in force.
//! Not here: which context is in force (`current`), and what is in it (`scope`).
//!
//! The engine passes it on and asks nothing. A spawn where no context is in force looks at one thread-local, and its cell
//! has no room for a context: a flag in the header says so, and nobody looks further. And code that nobody inside of asks
//! for its context pays for none: one that is put into force *unmade* is made for the first who asks.

use super::header::TaskRef;
use std::any::Any;
use std::sync::Arc;

/// What is in a context.
pub(crate) trait Inherited: Any + Send + Sync {
    /// What a task gets that is spawned where `this` is in force. It has not been polled, and is not queued yet.
    fn for_task(&self, this: &Arc<Context>, task: &TaskRef) -> Option<Arc<Context>>;
    /// Has somebody asked the code that this is in force for to come to its end?
    fn is_cancelled(&self) -> bool;
}

/// See the module's head. Thin, so that a cell has room for one in a word. `None`: the mark of one that is not made; it
/// never gets out of `current`.
pub(crate) struct Context(Option<Box<dyn Inherited>>);

impl Context {
    pub(crate) fn new(content: impl Inherited) -> Arc<Context> {
        Arc::new(Context(Some(Box::new(content))))
    }

    pub(super) const fn mark() -> Context {
        Context(None)
    }

    pub(super) fn is_made(&self) -> bool {
        self.0.is_some()
    }

    pub(crate) fn content(&self) -> &dyn Inherited {
        self.0.as_deref().expect("BUG: a context was asked that is not made")
    }

    /// The content, if it is a `T`.
    pub(crate) fn content_as<T: Inherited>(&self) -> Option<&T> {
        let content: &dyn Any = self.content();
        content.downcast_ref()
    }
}
