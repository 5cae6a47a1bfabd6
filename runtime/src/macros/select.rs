//! `select!`: waits for the first of several futures, in one task.
//!
//! The public macro hands over to `__select!`, which takes one branch per step (so that 64 branches stay below the
//! compiler's recursion limit), gives it a slot (index, variant and type parameter, variable), and expands to:
//!
//! ```text
//! enum __SelectOutput<B0, B1> { B0(B0), B1(B1), AllDisabled }
//! preconditions -> bits of `disabled`
//! let output = { futures, evaluated in order, bundled, pinned; poll_fn(…).await };   // the futures end here
//! match output { B0(pattern) => handler, …, AllDisabled => else }
//! ```
//!
//! The danger: a pattern is needed twice, once to learn whether the output fits, once to take it apart, and the first
//! time must move nothing out of it. A guard that is never true does that: bindings move after the guard only.
//! Rejected: matching on `&output`, which needs a proc macro to strip `mut` and `ref` from the pattern.

/// Waits on several futures at the same time, in the same task, until the first one is ready, and runs its handler.
///
/// The other futures are dropped, which cancels them. It can only be used inside async code.
///
/// ```
/// #[runtime::main]
/// async fn main() {
///     let first = runtime::spawn(async { "one" });
///     let second = std::future::pending::<u32>();
///
///     let text = runtime::select! {
///         word = first => format!("a word: {}", word.unwrap()),
///         number = second => format!("a number: {}", number),
///     };
///     assert_eq!(text, "a word: one");
/// }
/// ```
///
/// # Branches
///
/// ```text
/// pattern = future, if precondition => handler,
/// else => handler,
/// ```
///
/// There may be up to 64 branches. `, if precondition` and the `else` branch, which stands last, can be left out, and
/// so can the comma after a handler in braces. All handlers have the type of the whole. This is what happens:
///
/// 1. The preconditions are evaluated. Where one is `false`, its branch is disabled.
/// 2. The future expressions are evaluated, those of disabled branches as well; these are just never polled. Anything
///    that is [`IntoFuture`] will do, and it may borrow local variables.
/// 3. The futures of all branches that are not disabled are waited for together.
/// 4. When one is ready and its output matches the branch's pattern, all futures are dropped, and the handler is
///    evaluated with what the pattern bound. Handlers may use `?`, `return`, `break`, `continue` and `.await`, and may
///    all borrow the same variable mutably, because only one of them runs.
/// 5. If the output does not match, the branch is disabled and the others are waited for.
/// 6. When all branches are disabled, the `else` handler is evaluated.
///
/// ```
/// use runtime::task::JoinSet;
///
/// #[runtime::main]
/// async fn main() {
///     let (mut words, mut numbers) = (JoinSet::new(), JoinSet::new());
///     words.spawn(async { "one" });
///     numbers.spawn(async { 1 });
///
///     let mut seen = 0;
///     loop {
///         runtime::select! {
///             Some(word) = words.join_next() => { assert_eq!(word.unwrap(), "one"); seen += 1 }
///             Some(number) = numbers.join_next() => { assert_eq!(number.unwrap(), 1); seen += 1 }
///             else => break, // both sets are empty
///         }
///     }
///     assert_eq!(seen, 2);
/// }
/// ```
///
/// # Fairness
///
/// Each time it is polled, it starts with another branch, chosen at random: in a loop, no branch that is always ready
/// can keep the others from their turn. When the task's [budget](crate::task::coop) is used up it yields.
///
/// With `biased;` in front the branches are polled in the order in which they are written. That saves the random
/// number and makes the order predictable; seeing to it that a busy branch does not starve those behind it is then
/// up to you. Shutdown signals go first, busy streams last.
///
/// ```
/// #[runtime::main]
/// async fn main() {
///     let mut first = 0;
///     for _ in 0..10 {
///         runtime::select! {
///             biased;
///             _ = async {} => first += 1,
///             _ = async {} => unreachable!("the branch above is always ready"),
///         }
///     }
///     assert_eq!(first, 10);
/// }
/// ```
///
/// # Loops
///
/// A future that should survive the other branches' rounds is made outside of the loop, [pinned](crate::pin), and
/// given as `&mut future`. Once it is ready it must not be polled again: a precondition says so.
///
/// ```
/// #[runtime::main]
/// async fn main() {
///     let slow = async {
///         runtime::task::yield_now().await;
///         5
///     };
///     runtime::pin!(slow);
///     let (mut result, mut rounds) = (None, 0);
///     while rounds < 10 {
///         runtime::select! {
///             n = &mut slow, if result.is_none() => result = Some(n),
///             _ = runtime::task::yield_now() => rounds += 1,
///         }
///     }
///     assert_eq!(result, Some(5));
/// }
/// ```
///
/// # Cancel safety
///
/// The futures of all branches but one are dropped whenever a handler runs. A future that has already done part of
/// its work loses that part, unless it is *cancel safe*: its documentation has a section of this name. `recv` on a
/// channel is cancel safe, for instance: what has not been returned stays in the channel. `read_exact` is not: the
/// bytes read so far are gone.
///
/// # Panics
///
/// When all branches are disabled and there is no `else`. The location is that of the `select!`.
#[macro_export]
macro_rules! select {
    ($(biased;)?) => {
        ::core::compile_error!(
            "`select!` needs at least one branch: `pattern = future => handler` or `else => handler`"
        )
    };
    (biased; $($branches:tt)+) => {
        $crate::__select!(@start biased $($branches)+)
    };
    ($($branches:tt)+) => {
        $crate::__select!(@start random $($branches)+)
    };
}

/// `@start`, then `@branch` once for each branch, then `@expand`. The state of `@branch`: who goes first, slots that are
/// left, branches that are done; then what has not been read yet.
#[doc(hidden)]
#[macro_export]
macro_rules! __select {
    (@start $first:ident $($branches:tt)+) => {
        $crate::__select!(
            @branch $first
            {
                (0 B0 __future_0) (1 B1 __future_1) (2 B2 __future_2) (3 B3 __future_3) (4 B4 __future_4)
                (5 B5 __future_5) (6 B6 __future_6) (7 B7 __future_7) (8 B8 __future_8) (9 B9 __future_9)
                (10 B10 __future_10) (11 B11 __future_11) (12 B12 __future_12) (13 B13 __future_13)
                (14 B14 __future_14) (15 B15 __future_15) (16 B16 __future_16) (17 B17 __future_17)
                (18 B18 __future_18) (19 B19 __future_19) (20 B20 __future_20) (21 B21 __future_21)
                (22 B22 __future_22) (23 B23 __future_23) (24 B24 __future_24) (25 B25 __future_25)
                (26 B26 __future_26) (27 B27 __future_27) (28 B28 __future_28) (29 B29 __future_29)
                (30 B30 __future_30) (31 B31 __future_31) (32 B32 __future_32) (33 B33 __future_33)
                (34 B34 __future_34) (35 B35 __future_35) (36 B36 __future_36) (37 B37 __future_37)
                (38 B38 __future_38) (39 B39 __future_39) (40 B40 __future_40) (41 B41 __future_41)
                (42 B42 __future_42) (43 B43 __future_43) (44 B44 __future_44) (45 B45 __future_45)
                (46 B46 __future_46) (47 B47 __future_47) (48 B48 __future_48) (49 B49 __future_49)
                (50 B50 __future_50) (51 B51 __future_51) (52 B52 __future_52) (53 B53 __future_53)
                (54 B54 __future_54) (55 B55 __future_55) (56 B56 __future_56) (57 B57 __future_57)
                (58 B58 __future_58) (59 B59 __future_59) (60 B60 __future_60) (61 B61 __future_61)
                (62 B62 __future_62) (63 B63 __future_63)
            }
            {} $($branches)+
        )
    };

    // The end, without and with `else`.
    (@branch $first:ident $slots:tt $done:tt) => {
        $crate::__select!(@expand $first $done ($crate::macros::support::all_branches_disabled()))
    };
    (@branch $first:ident $slots:tt $done:tt else => $handler:expr $(,)?) => {
        $crate::__select!(@expand $first $done ($handler))
    };

    // Mistakes that must not reach the rules below.
    (@branch $first:ident $slots:tt $done:tt else => $handler:expr, $($rest:tt)+) => {
        ::core::compile_error!(::core::concat!(
            "`select!`: the `else` branch stands last, but there is more behind it: `",
            ::core::stringify!($($rest)+), "`"
        ))
    };
    (@branch $first:ident $slots:tt $done:tt else $($rest:tt)*) => {
        ::core::compile_error!("`select!`: the last branch is written `else => handler`, with a comma at most behind it")
    };
    (@branch $first:ident {} $done:tt $($rest:tt)+) => {
        ::core::compile_error!(
            "`select!` takes at most 64 branches. Put some of them into a `select!` of their own, or wait for many \
             futures of one kind with `runtime::task::JoinSet`"
        )
    };

    // A branch: handler in braces with and without a comma, other handlers in the middle and at the end.
    (
        @branch $first:ident {$slot:tt $($slots:tt)*} {$($done:tt)*}
        $pattern:pat = $value:expr $(, if $condition:expr)? => $handler:block, $($rest:tt)*
    ) => {
        $crate::__select!(
            @branch $first {$($slots)*}
            {$($done)* [$slot ($pattern) ($value) ($($condition)?) ($handler)]} $($rest)*
        )
    };
    (
        @branch $first:ident {$slot:tt $($slots:tt)*} {$($done:tt)*}
        $pattern:pat = $value:expr $(, if $condition:expr)? => $handler:block $($rest:tt)*
    ) => {
        $crate::__select!(
            @branch $first {$($slots)*}
            {$($done)* [$slot ($pattern) ($value) ($($condition)?) ($handler)]} $($rest)*
        )
    };
    (
        @branch $first:ident {$slot:tt $($slots:tt)*} {$($done:tt)*}
        $pattern:pat = $value:expr $(, if $condition:expr)? => $handler:expr
    ) => {
        $crate::__select!(
            @branch $first {$($slots)*}
            {$($done)* [$slot ($pattern) ($value) ($($condition)?) ($handler)]}
        )
    };
    (
        @branch $first:ident {$slot:tt $($slots:tt)*} {$($done:tt)*}
        $pattern:pat = $value:expr $(, if $condition:expr)? => $handler:expr, $($rest:tt)*
    ) => {
        $crate::__select!(
            @branch $first {$($slots)*}
            {$($done)* [$slot ($pattern) ($value) ($($condition)?) ($handler)]} $($rest)*
        )
    };

    // Branches that are not whole.
    (@branch $first:ident $slots:tt $done:tt $pattern:pat = $value:expr $(, if $condition:expr)? $(,)?) => {
        ::core::compile_error!(::core::concat!(
            "`select!`: the branch `", ::core::stringify!($pattern = $value), "` has no handler; it is written \
             `pattern = future => handler`"
        ))
    };
    (@branch $first:ident $slots:tt $done:tt $pattern:pat = $value:expr, $($rest:tt)+) => {
        ::core::compile_error!(::core::concat!(
            "`select!`: after the branch `", ::core::stringify!($pattern = $value), "` comes `=> handler` or \
             `, if precondition => handler`, not `, ", ::core::stringify!($($rest)+), "`"
        ))
    };
    (@branch $first:ident $slots:tt $done:tt $pattern:pat => $($rest:tt)*) => {
        ::core::compile_error!(::core::concat!(
            "`select!`: the branch `", ::core::stringify!($pattern => $($rest)*), "` has no future; it is written \
             `pattern = future => handler`"
        ))
    };
    (@branch $first:ident $slots:tt $done:tt biased; $($rest:tt)*) => {
        ::core::compile_error!("`select!`: `biased;` stands before the first branch")
    };

    // Nothing but `else`.
    (@expand $first:ident {} ($else:expr)) => {
        $else
    };
    (
        @expand $first:ident
        {$([($index:tt $variant:ident $future:ident) ($pattern:pat) ($value:expr) ($($condition:expr)?) ($handler:expr)])+}
        ($else:expr)
    ) => {{
        enum __SelectOutput<$($variant),+> {
            $($variant($variant),)+
            AllDisabled,
        }

        let mut disabled = $crate::macros::support::Disabled::<{ [$($index as u8),+].len().div_ceil(8) }>::none();
        $($(
            let enabled: bool = $condition;
            if !enabled {
                disabled.add($index);
            }
        )?)+

        #[allow(unused_mut)]
        let mut output = {
            // In braces: a `let` keeps the `temporary()` of `Branch { future: &mut temporary() }` alive, but not that
            // of an argument.
            $( let $future = $crate::macros::support::Branch { future: $value }; )+
            let mut bundle = $crate::macros::support::pin!($crate::__bundle!(@make $($future)+));
            $crate::macros::support::poll_fn(move |cx| {
                $crate::macros::support::ready!($crate::macros::support::poll_budget_available(cx));
                let lent = bundle.as_mut();
                $crate::__bundle!(@lend lent $($future)+);
                let mut waiting = false;
                // Counted in here: what is made outside is kept while the futures wait.
                let count = [$($index as u32),+].len() as u32;
                let mut next = $crate::__select!(@first $first count);
                for _ in 0..count {
                    let branch = next;
                    next = if branch + 1 < count { branch + 1 } else { 0 };
                    match branch {
                        $(
                            #[allow(unreachable_code, unreachable_patterns, unused_mut, unused_variables, clippy::all)]
                            $index => {
                                if disabled.has($index) {
                                    continue;
                                }
                                let polled = $crate::macros::support::Future::poll($future.as_mut(), cx);
                                // A `match` and no `let … else`: with an arm that goes elsewhere, an output of
                                // which nothing says what it is (`pending()`) is taken as one that never comes.
                                let mut found = match polled {
                                    $crate::macros::support::Poll::Ready(found) => found,
                                    $crate::macros::support::Poll::Pending => {
                                        waiting = true;
                                        continue;
                                    }
                                };
                                // Ready: whether it fits or not, it must not be polled again.
                                disabled.add($index);
                                let mut fits = false;
                                match found {
                                    $pattern if { fits = true; false } => ::core::unreachable!(),
                                    _ => {}
                                }
                                if fits {
                                    return $crate::macros::support::Poll::Ready(__SelectOutput::$variant(found));
                                }
                            }
                        )+
                        _ => ::core::unreachable!("BUG: `select!` counts its branches"),
                    }
                }
                if waiting {
                    $crate::macros::support::Poll::Pending
                } else {
                    $crate::macros::support::Poll::Ready(__SelectOutput::AllDisabled)
                }
            })
            .await
        };

        match output {
            $(
                __SelectOutput::$variant($pattern) => $handler,
            )+
            __SelectOutput::AllDisabled => $else,
            #[allow(unreachable_patterns)]
            _ => ::core::unreachable!("BUG: an output that fitted its pattern no longer does"),
        }
    }};

    (@first biased $count:ident) => {
        0u32
    };
    (@first random $count:ident) => {
        $crate::macros::support::thread_rng_n($count)
    };
}
