//! `join!`: waits for several futures at once, in one task.

/// Waits on several futures at the same time, in the same task, and gives all their outputs as a tuple.
///
/// All futures make progress on the current task: they are concurrent, not parallel, and may borrow local variables.
/// Futures that should run on other threads are given to [`spawn`](crate::spawn) first; their handles can be joined.
///
/// ```
/// async fn name() -> &'static str { "Ada" }
/// async fn year() -> u32 { 1815 }
///
/// #[runtime::main]
/// async fn main() {
///     let (name, year) = runtime::join!(name(), year());
///     assert_eq!((name, year), ("Ada", 1815));
/// }
/// ```
///
/// It waits for all of them, failures included; [`try_join!`](crate::try_join) stops at the first `Err`. It can only
/// be used inside async code. Each future is dropped when it is ready.
///
/// # Order
///
/// Whenever the task is woken, all futures that are not ready are polled, each time starting with another one: if one
/// of them uses up the task's [budget](crate::task::coop), the others have their turn next time. With `biased;` in
/// front they are polled in the order in which they are written, which saves a little and lets you choose, for
/// instance to see to a shutdown signal first:
///
/// ```
/// # async fn control() {}
/// # async fn traffic() {}
/// #[runtime::main]
/// async fn main() {
///     runtime::join!(
///         biased;
///         control(),
///         traffic(),
///     );
/// }
/// ```
///
/// # Cancel safety
///
/// Dropping the async block that contains a `join!` drops all its futures, and the outputs of those that were ready.
#[macro_export]
macro_rules! join {
    ($(biased;)?) => {
        async {}.await
    };
    (biased; $($futures:tt)+) => {
        $crate::__join!(@collect [join AsWritten] {} $($futures)+)
    };
    ($($futures:tt)+) => {
        $crate::__join!(@collect [join Rotating] {} $($futures)+)
    };
}

/// Both join macros. `@collect` takes one expression per step: the variable `future` that a step writes down is
/// another one in each, because each step is an expansion of its own. Then one of the last rules writes the code.
#[doc(hidden)]
#[macro_export]
macro_rules! __join {
    (@collect $how:tt {$($done:tt)*} $value:expr $(,)?) => {
        $crate::__join!(@expand $how {$($done)* (future $value)})
    };
    (@collect $how:tt {$($done:tt)*} $value:expr, $($rest:tt)+) => {
        $crate::__join!(@collect $how {$($done)* (future $value)} $($rest)+)
    };
    (@collect [$macro:ident $order:ident] {} biased $($rest:tt)*) => {
        ::core::compile_error!(::core::concat!("`", ::core::stringify!($macro), "!`: `biased` is followed by `;`"))
    };
    (@collect [$macro:ident $order:ident] $done:tt $($rest:tt)*) => {
        ::core::compile_error!(::core::concat!(
            "`", ::core::stringify!($macro), "!` takes futures with commas between them; this is none: `",
            ::core::stringify!($($rest)*), "`"
        ))
    };

    (@expand [join $order:ident] {$(($future:ident $value:expr))+}) => {{
        $( let $future = $crate::macros::support::Member { future: $value }; )+
        let mut bundle = $crate::macros::support::pin!($crate::__bundle!(@make $($future)+));
        let mut order = $crate::macros::support::$order::default();
        $crate::macros::support::poll_fn(move |cx| {
            let lent = bundle.as_mut();
            $crate::__bundle!(@lend lent $($future)+);
            let mut waiting = false;
            // Counted in here: what is made outside is kept while the futures wait.
            for mut lap in order.laps($crate::__join!(@count $($future)+)) {
                $(
                    if lap.is_due() {
                        waiting |= $future.as_mut().poll_done(cx).is_pending();
                    }
                )+
            }
            if waiting {
                return $crate::macros::support::Poll::Pending;
            }
            $crate::macros::support::Poll::Ready(($($future.as_mut().take_output(),)+))
        })
        .await
    }};

    (@expand [try_join $order:ident] {$(($future:ident $value:expr))+}) => {{
        $( let $future = $crate::macros::support::Member { future: $value }; )+
        let mut bundle = $crate::macros::support::pin!($crate::__bundle!(@make $($future)+));
        let mut order = $crate::macros::support::$order::default();
        $crate::macros::support::poll_fn(move |cx| {
            let lent = bundle.as_mut();
            $crate::__bundle!(@lend lent $($future)+);
            let mut waiting = false;
            for mut lap in order.laps($crate::__join!(@count $($future)+)) {
                $(
                    if lap.is_due() {
                        match $future.as_mut().poll_ok(cx) {
                            $crate::macros::support::Poll::Pending => waiting = true,
                            $crate::macros::support::Poll::Ready(Ok(())) => {}
                            $crate::macros::support::Poll::Ready(Err(error)) => {
                                return $crate::macros::support::Poll::Ready(Err(error));
                            }
                        }
                    }
                )+
            }
            if waiting {
                return $crate::macros::support::Poll::Pending;
            }
            $crate::macros::support::Poll::Ready(Ok(($($future.as_mut().take_ok(),)+)))
        })
        .await
    }};

    (@count $($future:ident)+) => {
        0u32 $(+ $crate::__join!(@one $future))+
    };
    (@one $future:ident) => {
        1
    };
}
