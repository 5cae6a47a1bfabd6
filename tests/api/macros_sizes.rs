//! How large the futures of `join!`, `try_join!` and `select!` are: no larger than tokio 1.54's. The numbers are what it has on
//! 64 bits, with each of the compilers that we support.

use std::future::{Future, pending, ready};

/// A kilobyte.
async fn large() -> u8 {
    let buffer = [1; 1000];
    pending::<()>().await;
    buffer[999]
}

/// Three bytes.
async fn small(flag: bool) -> bool {
    pending::<()>().await;
    flag
}

async fn fine<F: Future>(future: F) -> Result<F::Output, ()> {
    Ok(future.await)
}

/// Fails with all that are larger.
#[track_caller]
fn none_is_larger(sizes: &[(&str, usize, usize)]) {
    let larger: Vec<_> = sizes.iter().filter(|(_, size, tokios)| size > tokios).collect();
    assert!(larger.is_empty(), "(what, bytes, tokio's): {larger:?}");
}

/// Calls a macro with so many times the same, and tells the size of what comes out.
macro_rules! size {
    ($macro:ident $($biased:ident)? 2 $future:expr) => { size!(@join $macro [$($biased)?] $future, $future) };
    ($macro:ident $($biased:ident)? 3 $future:expr) => { size!(@join $macro [$($biased)?] $future, $future, $future) };
    ($macro:ident $($biased:ident)? 8 $future:expr) => {
        size!(@join $macro [$($biased)?] $future, $future, $future, $future, $future, $future, $future, $future)
    };
    ($macro:ident $($biased:ident)? 12 $one:expr, $other:expr) => {
        size!(
            @join $macro [$($biased)?]
            $one, $other, $one, $other, $one, $other, $one, $other, $one, $other, $one, $other
        )
    };
    (@join select [$($biased:ident)?] $($future:expr),+) => {
        size_of_val(&async { runtime::select! { $($biased;)? $(_ = $future => {})+ } })
    };
    (@join $macro:ident [$($biased:ident)?] $($future:expr),+) => {
        size_of_val(&async { runtime::$macro!($($biased;)? $($future),+) })
    };
}

/// Fault: a pinned variable for each future, as it was. `join!` of eight has 8,104 bytes then, and `select!` of eight 96.
#[test]
fn join_is_no_larger_than_tokios() {
    none_is_larger(&[
        ("2 empty", size!(join 2 ready(())), 40),
        ("3 empty", size!(join 3 ready(())), 48),
        ("8 empty", size!(join 8 ready(())), 88),
        ("2 empty, biased", size!(join biased 2 ready(())), 32),
        ("3 empty, biased", size!(join biased 3 ready(())), 40),
        ("8 empty, biased", size!(join biased 8 ready(())), 80),
        ("2 words", size!(join 2 ready(1u64)), 72),
        ("12 words and bytes", size!(join 12 ready(1u8), ready(1u64)), 216),
        ("2 large", size!(join 2 large()), 2040),
        ("3 large", size!(join 3 large()), 3048),
        ("8 large", size!(join 8 large()), 8088),
        ("2 large, biased", size!(join biased 2 large()), 2032),
        ("8 large, biased", size!(join biased 8 large()), 8080),
        ("2 that are waited for", size!(join 2 ready(large().await)), 1016),
    ]);
}

#[test]
fn try_join_is_no_larger_than_tokios() {
    none_is_larger(&[
        ("2 empty", size!(try_join 2 ready(Ok::<(), ()>(()))), 40),
        ("3 empty", size!(try_join 3 ready(Ok::<(), ()>(()))), 48),
        ("8 empty", size!(try_join 8 ready(Ok::<(), ()>(()))), 88),
        ("2 empty, biased", size!(try_join biased 2 ready(Ok::<(), ()>(()))), 32),
        ("2 words", size!(try_join 2 ready(Ok::<u64, ()>(1))), 72),
        ("2 large", size!(try_join 2 fine(large())), 4040),
        ("8 large", size!(try_join 8 fine(large())), 16_088),
    ]);
}

#[test]
fn select_is_no_larger_than_tokios() {
    none_is_larger(&[
        ("2 empty", size!(select 2 ready(())), 24),
        ("3 empty", size!(select 3 ready(())), 24),
        ("8 empty", size!(select 8 ready(())), 32),
        ("2 empty, biased", size!(select biased 2 ready(())), 24),
        ("3 empty, biased", size!(select biased 3 ready(())), 24),
        ("2 small", size!(select 2 small(true)), 24),
        ("2 words", size!(select 2 ready(1u64)), 56),
        ("12 words and bytes", size!(select 12 ready(1u8), ready(1u64)), 136),
        ("2 large", size!(select 2 large()), 2024),
        ("3 large", size!(select 3 large()), 3024),
        ("8 large", size!(select 8 large()), 8032),
        ("2 large, biased", size!(select biased 2 large()), 2024),
        ("2 that are waited for", size!(select 2 ready(large().await)), 1008),
    ]);
}
