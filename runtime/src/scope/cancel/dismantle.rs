//! The end of a node, and of whatever it alone has kept above it: one after the other instead of one inside the other.
//!
//! Owns: the destructors of both kinds of node, and of places. A chain of 100,000 parents needs no
//! stack (museum W9), nor do as many groups, each in a child of the next.

use super::super::place::Place;
use super::runner::Runner;
use super::tree::ScopeNode;
use std::sync::Arc;

/// What something has kept.
enum Kept {
    Scope(Arc<ScopeNode>),
    Runner(Arc<Runner>),
    Place(Arc<Place>),
}

/// What is to be let go. (Nearly always it is one thing at a time, which needs no memory.)
#[derive(Default)]
struct Chain {
    next: Option<Kept>,
    others: Vec<Kept>,
}

impl Drop for Runner {
    fn drop(&mut self) {
        let mut chain = Chain::default();
        self.let_go(&mut chain);
        chain.dismantle();
    }
}

impl Drop for ScopeNode {
    fn drop(&mut self) {
        let mut chain = Chain::default();
        self.let_go(&mut chain);
        chain.dismantle();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.runner.is_some() || self.above.is_some() {
            let mut chain = Chain::default();
            self.let_go(&mut chain);
            chain.dismantle();
        }
    }
}

impl Runner {
    /// Takes itself off its scope's list.
    fn let_go(&mut self, chain: &mut Chain) {
        let group = self.child.as_mut().and_then(|child| child.group.take());
        chain.add(group.map(Kept::Place));
        let Some(scope) = self.scope.take() else { return };
        let entry = scope.state().runners.remove(self.key);
        drop(entry);
        chain.add(Some(Kept::Scope(scope)));
    }
}

impl ScopeNode {
    /// Takes itself off its parent's list.
    fn let_go(&mut self, chain: &mut Chain) {
        let Some((mut place, key)) = self.state_mut().parent.take() else { return };
        if let (Some(parent), Some(key)) = (&place.runner, key) {
            let entry = parent.state().scopes.remove(key);
            drop(entry);
        }
        place.let_go(chain);
    }
}

impl Place {
    fn let_go(&mut self, chain: &mut Chain) {
        chain.add(self.runner.take().map(Kept::Runner));
        chain.add(self.above.take().map(Kept::Place));
    }
}

impl Chain {
    fn add(&mut self, kept: Option<Kept>) {
        match kept {
            Some(kept) if self.next.is_some() => self.others.push(kept),
            Some(kept) => self.next = Some(kept),
            None => {}
        }
    }

    /// Lets go of all, and of what each was the last to keep.
    fn dismantle(mut self) {
        while let Some(kept) = self.next.take().or_else(|| self.others.pop()) {
            match kept {
                Kept::Scope(scope) => {
                    if let Some(mut scope) = Arc::into_inner(scope) {
                        scope.let_go(&mut self);
                    }
                }
                Kept::Runner(runner) => {
                    if let Some(mut runner) = Arc::into_inner(runner) {
                        runner.let_go(&mut self);
                    }
                }
                Kept::Place(place) => {
                    if let Some(mut place) = Arc::into_inner(place) {
                        place.let_go(&mut self);
                    }
                }
            }
        }
    }
}
