//! Many futures, run as tasks, and their outputs in order.
//!
//! Owns: [`gather`], [`gather_settled`].

use super::{ChildError, TaskGroup};
use crate::task::JoinError;
use std::convert::Infallible;
use std::future::Future;

/// Runs each future as a task, waits for all of them, and gives their outputs in the order of the futures.
///
/// Nobody is stopped for another's sake. For futures that may fail, this gives a `Vec` of `Result`s; to stop the
/// others at the first error use a [`TaskGroup`].
///
/// ```
/// use runtime::scope::gather;
///
/// # runtime::runtime::Runtime::new().unwrap().block_on(async {
/// let squares = gather((1..=4).map(|n| async move { n * n })).await;
/// assert_eq!(squares, [1, 4, 9, 16]);
/// # })
/// ```
///
/// # Panics
/// If one of them panics, or is cancelled because its runtime shuts down: when all are gone. Outside of a runtime's
/// context.
///
/// # Cancel safety
/// Cancelling it aborts the tasks, and their outputs are lost.
pub fn gather<I>(futures: I) -> impl Future<Output = Vec<<I::Item as Future>::Output>> + Send
where
    I: IntoIterator,
    I::Item: Future + Send + 'static,
    <I::Item as Future>::Output: Send + 'static,
{
    let group = group_of(futures);
    async move {
        match group.join().await {
            Ok(outputs) => outputs,
            Err(error) => panic!(
                "cannot gather all outputs: {}, by a cancelled scope or because the runtime shut down.\n  Use \
                 `gather_settled` to handle that.",
                match error.into_first() {
                    ChildError::Cancelled(error) | ChildError::Panicked(error) => error,
                    ChildError::Failed(never) => match never {},
                }
            ),
        }
    }
}

/// As [`gather`], and a panic or an abort is a result like the others.
///
/// ```
/// use runtime::scope::gather_settled;
///
/// # runtime::runtime::Runtime::new().unwrap().block_on(async {
/// let results = gather_settled([1, 0].map(|n| async move { 10 / n })).await;
/// assert_eq!(*results[0].as_ref().unwrap(), 10);
/// assert!(results[1].as_ref().unwrap_err().is_panic());
/// # })
/// ```
///
/// # Panics
/// Outside of a runtime's context.
///
/// # Cancel safety
/// Cancelling it aborts the tasks, and their outputs are lost.
pub fn gather_settled<I>(futures: I) -> impl Future<Output = Vec<Result<<I::Item as Future>::Output, JoinError>>> + Send
where
    I: IntoIterator,
    I::Item: Future + Send + 'static,
    <I::Item as Future>::Output: Send + 'static,
{
    let group = group_of(futures);
    async move {
        let settled = group.join_settled().await.into_iter();
        settled
            .map(|result| {
                result.map_err(|error| match error {
                    ChildError::Panicked(error) | ChildError::Cancelled(error) => error,
                    ChildError::Failed(never) => match never {},
                })
            })
            .collect()
    }
}

fn group_of<I>(futures: I) -> TaskGroup<<I::Item as Future>::Output, Infallible>
where
    I: IntoIterator,
    I::Item: Future + Send + 'static,
    <I::Item as Future>::Output: Send + 'static,
{
    let group = TaskGroup::settling();
    for future in futures {
        group.spawn(async move { Ok(future.await) });
    }
    group
}
