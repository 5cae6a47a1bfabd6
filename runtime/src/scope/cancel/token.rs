//! Scopes and tokens that are cancelled with each other.
//!
//! Owns: [`Bonds`], what a scope keeps of tokens.
//! Not here: cancelling (`tree`).
//!
//! A token that cancels a scope has a waker in its list that is the cancellation itself: it happens in the canceller's call,
//! whether or not anybody polls the scope's `run`, as [`CancelScope::cancel`](super::CancelScope::cancel) does. The waker
//! knows the scope weakly; the scope keeps the wait, and takes it off the token's list when it goes.
//!
//! The danger: a circle. The scope keeps the token, and the token's list a waker that leads to the scope: hence weakly.
//! And depth: a scope that cancels its token that cancels the next scope, for a million links. So the waker does it in its
//! thread's turn (`turns`), and not inside of the cancellation that woke it.

use super::super::turns::in_turn;
use super::tree::ScopeNode;
use crate::sync::CancellationToken;
use crate::task::coop::unconstrained;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Wake, Waker};

/// What a scope keeps of tokens. (Boxed: few scopes have any.)
#[derive(Default)]
pub(super) struct Bonds {
    /// Cancelled with the scope; those that are given away descend from it.
    told: Option<CancellationToken>,
    /// The scope is cancelled with those.
    heard: Vec<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

struct CancelsScope(Weak<ScopeNode>);

impl Wake for CancelsScope {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if let Some(node) = self.0.upgrade() {
            in_turn(Box::new(move || node.cancel()));
        }
    }
}

impl Bonds {
    pub(super) fn told(&self) -> Option<CancellationToken> {
        self.told.clone()
    }
}

impl ScopeNode {
    /// From now on, who cancels the token cancels the scope.
    pub(super) fn cancel_with(self: &Arc<Self>, token: &CancellationToken) {
        let waker = Waker::from(Arc::new(CancelsScope(Arc::downgrade(self))));
        // A waker for lack of budget would be taken for a cancellation.
        let mut wait = Box::pin(unconstrained(token.clone().cancelled_owned()));
        if wait.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
            self.cancel();
            return;
        }
        // If it is cancelled by now the scope is, too: the waker was there before.
        self.state().bonds().heard.push(wait);
    }

    /// A token that is cancelled with the scope.
    pub(super) fn token(&self) -> CancellationToken {
        let known = self.state().bonds().told.clone();
        let mine = known.unwrap_or_default();
        let (first, signalled) = {
            let mut state = self.state();
            // Another thread may have been here meanwhile.
            let first = state.bonds().told.get_or_insert_with(|| mine.clone()).clone();
            (first, state.is_signalled())
        };
        // The signal's walk takes the token under the lock where it leaves its mark: one of the two finds the other.
        if signalled {
            first.cancel();
        }
        first.child_token()
    }
}
