//! `try_join!`: waits for several futures, or for the first failure. Its code is `join.rs`'s `__join!`.

/// Waits on several futures at the same time, in the same task, until all are `Ok` or one is `Err`.
///
/// Gives `Ok` with a tuple of all values, or the first `Err`; the other futures are dropped then. All errors have one
/// type.
///
/// ```
/// async fn parse(text: &str) -> Result<u32, std::num::ParseIntError> {
///     text.parse()
/// }
///
/// #[runtime::main]
/// async fn main() {
///     let both = runtime::try_join!(parse("1"), parse("2"));
///     assert_eq!(both, Ok((1, 2)));
///
///     let failed = runtime::try_join!(parse("1"), parse("two"));
///     assert!(failed.is_err());
/// }
/// ```
///
/// Like [`join!`](crate::join) it can only be used inside async code, polls its futures on the current task in turns,
/// and in the order in which they are written after `biased;`.
///
/// # Cancel safety
///
/// Dropping the async block that contains a `try_join!`, and an `Err`, drops all its futures and the values of those
/// that were ready.
#[macro_export]
macro_rules! try_join {
    ($(biased;)?) => {
        async { $crate::macros::support::Result::Ok(()) }.await
    };
    (biased; $($futures:tt)+) => {
        $crate::__join!(@collect [try_join AsWritten] {} $($futures)+)
    };
    ($($futures:tt)+) => {
        $crate::__join!(@collect [try_join Rotating] {} $($futures)+)
    };
}
