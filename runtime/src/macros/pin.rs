//! `pin!`: pins futures to the stack under their own names.

/// Pins values to the current stack frame, under the names they have.
///
/// A future must not move once it has been polled. Most of the time `.await` takes care of that; where a future is
/// polled through a reference, as in [`select!`](crate::select) inside a loop, it has to be pinned first. Afterwards
/// the name stands for a `Pin<&mut T>`.
///
/// ```
/// async fn count_to(n: u32) -> u32 {
///     for _ in 0..n {
///         runtime::task::yield_now().await;
///     }
///     n
/// }
///
/// #[runtime::main]
/// async fn main() {
///     let counting = count_to(3);
///     runtime::pin!(counting);
///     let mut ticks = 0;
///     let n = loop {
///         runtime::select! {
///             biased;
///             n = &mut counting => break n,
///             _ = runtime::task::yield_now() => ticks += 1,
///         }
///     };
///     assert!(n == 3 && ticks <= 3);
/// }
/// ```
///
/// Several names can be pinned at once, and the values can be made in place:
///
/// ```
/// # async fn one() {}
/// # async fn two() {}
/// #[runtime::main]
/// async fn main() {
///     let (first, second) = (one(), two());
///     runtime::pin!(first, second);
///
///     runtime::pin! {
///         let third = one();
///         let fourth = two();
///     }
///
///     runtime::join!(first, second, third, fourth);
/// }
/// ```
///
/// What is pinned must be a name, not an expression: `pin!(one())` would leave nothing to call it by. The standard
/// library's [`std::pin::pin!`] takes an expression and returns the `Pin`.
#[macro_export]
macro_rules! pin {
    ($(let $name:ident = $value:expr;)+) => {
        $(
            let $name = $value;
            $crate::pin!($name);
        )+
    };
    ($($name:ident),* $(,)?) => {
        $(
            #[allow(unused_mut)]
            let mut $name = $crate::macros::support::pin!($name);
        )*
    };
    ($($other:tt)*) => {
        ::core::compile_error!(
            "`pin!` takes names, `pin!(a, b)`, or declarations, `pin! { let a = …; }`. To pin the value of an \
             expression without a name of its own use `std::pin::pin!`"
        );
    };
}
