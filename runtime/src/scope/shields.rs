//! Shields inside the children of groups.
//!
//! Owns: how many run inside of each child, and who is to be stopped when the last is over.
//! Not here: which places a shield holds, one inside the other (`place`); the shields that hold up a scope (`cancel/runner`).
//!
//! A child that opens no scope has nothing but its id, and that is what its group stops it by. So a shield that begins is
//! counted under the id of its child, and of the children whose groups that stands in. The group asks here before it
//! aborts, and leaves the abort with the shield if there is one:
//!
//! | | under the lock of the child's entry | afterwards |
//! |---|---|---|
//! | begin | count one more | |
//! | stop | an entry: leave word. None: nothing | none: abort |
//! | end | count one less; the last takes the entry out, with the word | a word: abort |
//!
//! So of a stop and the end of the last shield one aborts. A stop that comes between the first poll of a shield's `run` and
//! its entry here comes before that: nothing in the shield has run.
//!
//! Dropping a group does not ask (promise P13), nor does [`AbortHandle::abort`](crate::task::AbortHandle::abort). A forgotten shield
//! is forgotten here when its child is over.

use super::Abort;
use super::by_task::ByTask;
use super::wakes::Wakes;
use crate::engine::atomics::Static;
use crate::task::Id;

pub(super) struct Shields(ByTask<Held>);

/// A child with shields inside.
#[derive(Default)]
struct Held {
    shields: usize,
    /// To be aborted when the last is over.
    stopped: Option<Box<dyn Abort>>,
}

static SHIELDS: Static<Shields> = Static::new(|| Shields(ByTask::new()));

/// Those of this process.
pub(super) fn shields() -> &'static Shields {
    SHIELDS.get()
}

impl Shields {
    /// One begins, or ends, inside of `child`.
    pub(super) fn change(&self, child: Id, begins: bool, wakes: &mut Wakes) {
        let over = self.0.with(child, |held| {
            if begins {
                held.get_or_insert_default().shields += 1;
                return None;
            }
            // None: the child is over, and this shield has been taken elsewhere.
            let left = held.as_mut()?;
            left.shields -= 1;
            if left.shields == 0 { held.take() } else { None }
        });
        if let Some(child) = over.and_then(|over| over.stopped) {
            wakes.call(|| child.abort());
        }
    }

    /// Aborts the child, now or when there is no shield inside any more.
    pub(super) fn stop(&self, id: Id, child: &(impl Abort + Clone + 'static)) {
        let held = !self.0.is_empty()
            && self.0.with(id, |held| match held {
                Some(held) => {
                    held.stopped.get_or_insert_with(|| Box::new(child.clone()));
                    true
                }
                None => false,
            });
        if !held {
            child.abort();
        }
    }

    /// The child is over.
    pub(super) fn forget(&self, child: Id) {
        drop(self.0.take(child));
    }
}
