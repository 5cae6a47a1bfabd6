//! The end of a node, and of whatever it alone has kept above it: one after the other instead of one inside the other.
//!
//! Owns: the destructors of both kinds of node.   Imports: both.   A chain of 100,000 parents needs no stack (museum W9).

use super::runner::Runner;
use super::tree::ScopeNode;
use std::sync::Arc;

impl Drop for Runner {
    fn drop(&mut self) {
        dismantle(self.take_scope());
    }
}

impl Drop for ScopeNode {
    fn drop(&mut self) {
        let Some(parent) = self.take_parent() else { return };
        if let Some(mut runner) = Arc::into_inner(parent) {
            dismantle(runner.take_scope());
        }
    }
}

impl Runner {
    /// Takes itself off its scope's list.
    fn take_scope(&mut self) -> Option<Arc<ScopeNode>> {
        let scope = self.scope.take()?;
        let entry = scope.state().runners.remove(self.key);
        drop(entry);
        Some(scope)
    }
}

impl ScopeNode {
    /// Takes itself off its parent's list.
    fn take_parent(&mut self) -> Option<Arc<Runner>> {
        let (parent, key) = self.state_mut().parent.take()?;
        if let Some(key) = key {
            let entry = parent.state().scopes.remove(key);
            drop(entry);
        }
        Some(parent)
    }
}

/// Drops a scope, and whatever it alone has kept above it, one after the other instead of one inside the other.
fn dismantle(mut scope: Option<Arc<ScopeNode>>) {
    while let Some(mut node) = scope.take().and_then(Arc::into_inner) {
        if let Some(mut runner) = node.take_parent().and_then(Arc::into_inner) {
            scope = runner.take_scope();
        }
    }
}
