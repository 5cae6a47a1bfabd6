//! Guards that cancel a token when they are dropped.

use super::CancellationToken;

/// Cancels its token when dropped, also by a panic. From [`CancellationToken::drop_guard`].
///
/// ```
/// use runtime::sync::CancellationToken;
///
/// let token = CancellationToken::new();
/// let guard = token.clone().drop_guard();
/// let kept = guard.disarm();
/// assert!(!token.is_cancelled() && kept == token);
/// drop(token.drop_guard_ref());
/// assert!(token.is_cancelled());
/// ```
#[must_use = "dropped at once, it cancels at once"]
#[derive(Debug)]
pub struct DropGuard {
    /// `None`: disarmed.
    token: Option<CancellationToken>,
}

/// Cancels a borrowed token when dropped. From [`CancellationToken::drop_guard_ref`].
#[must_use = "dropped at once, it cancels at once"]
#[derive(Debug)]
pub struct DropGuardRef<'a> {
    /// `None`: disarmed.
    token: Option<&'a CancellationToken>,
}

impl DropGuard {
    pub(super) fn new(token: CancellationToken) -> Self {
        DropGuard { token: Some(token) }
    }

    /// Gives the token back and cancels nothing.
    pub fn disarm(mut self) -> CancellationToken {
        self.token.take().expect("BUG: only `disarm` takes the token, and it takes the guard too")
    }
}

impl<'a> DropGuardRef<'a> {
    pub(super) fn new(token: &'a CancellationToken) -> Self {
        DropGuardRef { token: Some(token) }
    }

    /// Gives the token back and cancels nothing.
    pub fn disarm(mut self) -> &'a CancellationToken {
        self.token.take().expect("BUG: only `disarm` takes the token, and it takes the guard too")
    }
}

impl Drop for DropGuard {
    fn drop(&mut self) {
        if let Some(token) = &self.token {
            token.cancel();
        }
    }
}

impl Drop for DropGuardRef<'_> {
    fn drop(&mut self) {
        if let Some(token) = self.token {
            token.cancel();
        }
    }
}
