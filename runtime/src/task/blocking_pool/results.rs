//! Results of closures, in the order in which those were spawned.

use crate::task::{JoinError, JoinHandle};
use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::ready;

/// What comes of [`BlockingPool::map`](super::BlockingPool::map): results in the order of the items.
///
/// When it is dropped, what has not begun is cancelled.
pub struct BlockingMap<R> {
    /// In order. One leaves when its result is taken.
    handles: VecDeque<JoinHandle<R>>,
}

impl<R> BlockingMap<R> {
    pub(super) fn new() -> Self {
        BlockingMap { handles: VecDeque::new() }
    }

    pub(super) fn push(&mut self, handle: JoinHandle<R>) {
        self.handles.push_back(handle);
    }

    /// The result of the next item, when it is there; `None` after the last one. An error is a panic of `f` for that item,
    /// or says that it was cancelled; the others go on.
    ///
    /// # Cancel safety
    /// Nothing is lost: the result stays for the next call.
    pub async fn next(&mut self) -> Option<Result<R, JoinError>> {
        let result = poll_fn(|cx| {
            let Some(first) = self.handles.front_mut() else { return None.into() };
            Some(ready!(Pin::new(first).poll(cx))).into()
        })
        .await?;
        self.handles.pop_front();
        Some(result)
    }

    /// All results that were not taken yet, or the first error in the order of the items.
    ///
    /// # Cancel safety
    /// What has not begun is cancelled, and results are lost.
    pub async fn collect(mut self) -> Result<Vec<R>, JoinError> {
        let mut results = Vec::with_capacity(self.handles.len());
        while let Some(result) = self.next().await {
            results.push(result?);
        }
        Ok(results)
    }

    /// How many results were not taken yet.
    pub fn len(&self) -> usize {
        self.handles.len()
    }

    /// Were all results taken?
    pub fn is_empty(&self) -> bool {
        self.handles.is_empty()
    }
}

impl<R> Drop for BlockingMap<R> {
    fn drop(&mut self) {
        for handle in &self.handles {
            handle.abort();
        }
    }
}

impl<R> fmt::Debug for BlockingMap<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlockingMap").field("left", &self.handles.len()).finish()
    }
}
