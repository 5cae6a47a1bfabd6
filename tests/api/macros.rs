//! `select!`, `join!`, `try_join!`, `pin!`, without a runtime: whatever polls a future may use them.
//!
//! `museum_f1_*`: branch counts from 0 to 64, fairness of the random start, exact order of `biased`.

use std::cell::{Cell, RefCell};
use std::future::{Future, IntoFuture, pending, poll_fn, ready};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

/// Polls once, without a waker.
fn poll_once<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Runs a future that becomes ready within 10,000 polls.
#[track_caller]
fn run<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    for _ in 0..10_000 {
        if let Poll::Ready(output) = poll_once(future.as_mut()) {
            return output;
        }
    }
    panic!("still pending after 10,000 polls");
}

/// Pending `n` times, then `value`.
async fn after<T>(n: u32, value: T) -> T {
    let mut left = n;
    poll_fn(|_| {
        if left == 0 {
            return Poll::Ready(());
        }
        left -= 1;
        Poll::Pending
    })
    .await;
    value
}

/// Writes its name into the log when dropped.
struct Logged<'a>(&'a RefCell<Vec<String>>, &'static str);

impl Drop for Logged<'_> {
    fn drop(&mut self) {
        self.0.borrow_mut().push(format!("drop {}", self.1));
    }
}

// ---- select! ----

#[test]
fn select_gives_the_first_that_is_ready() {
    let got = run(async {
        runtime::select! {
            n = after(3, 1) => n,
            n = after(1, 2) => n,
            _ = pending::<()>() => 3,
        }
    });
    assert_eq!(got, 2);
}

#[test]
fn select_waits_while_nothing_is_ready() {
    let mut waiting = pin!(async {
        runtime::select! {
            _ = pending::<()>() => {}
            _ = pending::<u8>() => {}
        }
    });
    assert!((0..100).all(|_| poll_once(waiting.as_mut()).is_pending()));
}

#[test]
fn select_takes_what_tokio_documents_as_branches() {
    // Handlers in braces with and without comma, expressions, a trailing comma, or-patterns, `IntoFuture`.
    struct Made;
    impl IntoFuture for Made {
        type Output = Result<u8, u8>;
        type IntoFuture = std::future::Ready<Result<u8, u8>>;
        fn into_future(self) -> Self::IntoFuture {
            ready(Err(7))
        }
    }
    let got = run(async {
        runtime::select! {
            _ = pending::<()>() => { 1 }
            _ = pending::<()>() => { 2 },
            _ = pending::<()>(), if true => { 3 }
            _ = pending::<()>() => if got_nothing() { 4 } else { 5 },
            Ok(n) | Err(n) = Made => n,
            else => 6,
        }
    });
    assert_eq!(got, 7);

    fn got_nothing() -> bool {
        true
    }
}

#[test]
fn museum_f1_random_start_is_fair() {
    const ROUNDS: u32 = 30_000;
    let mut counts = [0u32; 5];
    run(async {
        for _ in 0..ROUNDS {
            runtime::select! {
                _ = ready(()) => counts[0] += 1,
                _ = ready(()) => counts[1] += 1,
                _ = ready(()) => counts[2] += 1,
                _ = ready(()) => counts[3] += 1,
                _ = ready(()) => counts[4] += 1,
            }
        }
    });
    // Chi-square with 4 degrees of freedom: above 30 in one of 200,000 runs.
    let expected = f64::from(ROUNDS) / 5.0;
    let chi_square: f64 = counts.iter().map(|n| (f64::from(*n) - expected).powi(2) / expected).sum();
    assert!(chi_square < 30.0, "{counts:?}: {chi_square}");
}

#[test]
fn each_poll_starts_elsewhere_and_polls_all_in_a_circle() {
    let log = RefCell::new(Vec::new());
    let polled = |n: u32| {
        let log = &log;
        poll_fn(move |_| {
            log.borrow_mut().push(n);
            Poll::<()>::Pending
        })
    };
    let mut starts = [0; 3];
    {
        let mut waiting = pin!(async {
            runtime::select! { _ = polled(0) => {}, _ = polled(1) => {}, _ = polled(2) => {} }
        });
        for _ in 0..300 {
            assert!(poll_once(waiting.as_mut()).is_pending());
            let order = log.take();
            let first = order[0];
            assert_eq!(order, [first, (first + 1) % 3, (first + 2) % 3]);
            starts[first as usize] += 1;
        }
    }
    assert!(starts.iter().all(|n| (50..150).contains(n)), "{starts:?}");
}

#[test]
fn museum_f1_biased_polls_in_the_written_order() {
    let log = RefCell::new(Vec::new());
    let polled = |n: u32| {
        let log = &log;
        poll_fn(move |_| {
            log.borrow_mut().push(n);
            if n == 3 { Poll::Ready(n) } else { Poll::Pending }
        })
    };
    for _ in 0..100 {
        let got = run(async {
            runtime::select! {
                biased;
                n = polled(1) => n,
                n = polled(2) => n,
                n = polled(3) => n,
                n = polled(4) => n,
            }
        });
        assert_eq!((got, log.take()), (3, vec![1, 2, 3]));
    }
}

#[test]
fn museum_f1_one_branch_and_only_else() {
    run(async {
        assert_eq!(runtime::select! { n = ready(1) => n }, 1);
        assert_eq!(runtime::select! { biased; n = ready(1) => n, }, 1);
        assert_eq!(runtime::select! { else => 2 }, 2);
        assert_eq!(runtime::select! { biased; else => 2, }, 2);
        assert_eq!(runtime::select! { n = ready(1), if false => n, else => 2 }, 2);
    });
}

#[test]
fn museum_f1_sixty_four_branches() {
    macro_rules! all {
        ($chosen:ident: $($n:literal)+) => {
            runtime::select! { $(n = ready($n), if $chosen == $n => n,)+ else => 64 }
        };
    }
    for chosen in 0..65u32 {
        let got = run(async {
            all!(chosen: 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31
                         32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63)
        });
        assert_eq!(got, chosen);
    }
}

#[test]
fn patterns_that_do_not_match_disable_their_branch() {
    let polls = Cell::new(0);
    let got = run(async {
        runtime::select! {
            Some(n) = async { polls.set(polls.get() + 1); None::<u32> } => n,
            n = after(5, 9) => n,
        }
    });
    assert_eq!((got, polls.get()), (9, 1), "a branch that has finished is not polled again");
}

#[test]
fn all_patterns_failing_leads_to_else() {
    let got = run(async {
        runtime::select! {
            Some(n) = ready(None::<u32>) => n,
            Ok(n) = after(2, Err::<u32, ()>(())) => n,
            else => 4,
        }
    });
    assert_eq!(got, 4);
}

#[test]
fn patterns_may_move_borrow_and_mutate() {
    #[derive(Debug, PartialEq)]
    struct Owned(String);
    run(async {
        let a = runtime::select! { Some(Owned(text)) = ready(Some(Owned("moved".into()))) => text };
        assert_eq!(a, "moved");
        let b = runtime::select! { mut n = ready(1) => { n += 1; n } };
        assert_eq!(b, 2);
        let c = runtime::select! {
            Some(ref mut text) = ready(Some("a".to_owned())) => { text.push('b'); text.clone() }
        };
        assert_eq!(c, "ab");
        let d = runtime::select! { whole @ Some(_) = ready(Some(Owned("x".into()))) => whole };
        assert_eq!(d, Some(Owned("x".into())));
        let e = runtime::select! {
            (ref left, right) = ready(("l".to_owned(), "r".to_owned())) => format!("{left}{right}")
        };
        assert_eq!(e, "lr");
        let f = runtime::select! { "yes" = ready("no") => 1, 2..=3 = ready(3) => 2 };
        assert_eq!(f, 2);
        let g = runtime::select! { [first, .., last] = ready(["a".to_owned(), "b".to_owned(), "c".to_owned()]) => first + &last };
        assert_eq!(g, "ac");
    });
}

#[test]
#[should_panic(expected = "all branches are disabled and there is no else branch")]
fn no_branch_and_no_else_panics() {
    run(async {
        runtime::select! { Some(_) = ready(None::<u32>) => {}, _ = ready(()), if false => {} }
    });
}

#[test]
fn preconditions_come_first_then_all_futures_are_made() {
    let log = RefCell::new(Vec::new());
    let note = |what: &'static str| log.borrow_mut().push(what);
    let got = run(async {
        runtime::select! {
            biased;
            n = { note("make a"); async { note("poll a"); 1 } }, if { note("ask a"); false } => n,
            n = { note("make b"); async { note("poll b"); 2 } }, if { note("ask b"); true } => n,
            n = { note("make c"); async { note("poll c"); 3 } } => n,
        }
    });
    assert_eq!(got, 2);
    assert_eq!(log.take(), ["ask a", "ask b", "make a", "make b", "make c", "poll b"]);
}

#[test]
fn all_futures_are_dropped_in_order_before_the_handler_runs() {
    let log = RefCell::new(Vec::new());
    let holding = |name| {
        let held = Logged(&log, name);
        async move {
            pending::<()>().await;
            drop(held);
        }
    };
    run(async {
        runtime::select! {
            _ = holding("a") => {}
            _ = after(1, ()) => log.borrow_mut().push("handler".to_owned()),
            _ = holding("c") => {}
            _ = holding("d"), if false => {}
        }
    });
    assert_eq!(log.take(), ["drop a", "drop c", "drop d", "handler"]);
}

#[test]
fn more_than_eight_futures_are_dropped_in_order() {
    let log = RefCell::new(Vec::new());
    let holding = |name| {
        let held = Logged(&log, name);
        async move {
            pending::<()>().await;
            drop(held);
        }
    };
    macro_rules! each {
        ($($name:literal)+) => {
            assert!(poll_once(pin!(async { runtime::join!($(holding($name)),+) })).is_pending());
            let joined = log.take();
            run(async { runtime::select! { biased; $(_ = holding($name) => {})+ _ = ready(()) => {} } });
            assert_eq!((joined, log.take()), (vec![$(concat!("drop ", $name).to_owned()),+], vec![$(concat!("drop ", $name).to_owned()),+]));
        };
    }
    each!("a" "b" "c" "d" "e" "f" "g" "h");
    each!("a" "b" "c" "d" "e" "f" "g" "h" "i");
    each!("a" "b" "c" "d" "e" "f" "g" "h" "i" "j" "k" "l" "m" "n" "o" "p" "q" "r");
}

#[test]
fn dropping_a_select_drops_its_futures_once() {
    let log = RefCell::new(Vec::new());
    {
        let held = (Logged(&log, "a"), Logged(&log, "b"));
        let mut waiting = pin!(async {
            let (a, b) = held;
            runtime::select! {
                _ = async move { pending::<()>().await; drop(a) } => {}
                _ = async move { pending::<()>().await; drop(b) } => {}
            }
        });
        assert!(poll_once(waiting.as_mut()).is_pending());
        assert!(log.borrow().is_empty());
    }
    assert_eq!(log.take(), ["drop a", "drop b"]);
}

#[test]
fn handlers_may_return_break_continue_await_and_use_question_mark() {
    async fn with_question_mark(input: Result<u8, String>) -> Result<u8, String> {
        let n = runtime::select! {
            n = ready(input) => n?,
            _ = pending::<()>() => return Err("never".to_owned()),
        };
        Ok(n + 1)
    }
    assert_eq!(run(with_question_mark(Ok(1))), Ok(2));
    assert_eq!(run(with_question_mark(Err("no".into()))), Err("no".to_owned()));

    let (mut rounds, mut skipped) = (0, 0);
    let found = run(async {
        'outer: loop {
            rounds += 1;
            for _ in 0..rounds {
                runtime::select! {
                    _ = ready(()), if rounds < 3 => { skipped += 1; continue 'outer }
                    _ = ready(()), if rounds < 5 => {}
                    n = after(2, 5) => break 'outer after(1, n).await,
                }
            }
        }
    });
    assert!(found == 5 && skipped <= 2 && (1..=5).contains(&rounds));

    async fn returning() -> u8 {
        runtime::select! { _ = ready(()) => return 3, _ = pending::<()>() => {} }
        4
    }
    assert_eq!(run(returning()), 3);
}

#[test]
fn future_expressions_are_part_of_the_surrounding_function() {
    async fn fails(input: Result<u8, String>) -> Result<u8, String> {
        Ok(runtime::select! { n = ready(input?) => n, n = ready(after(1, 9).await) => n })
    }
    assert_eq!(run(fails(Err("no".into()))), Err("no".to_owned()));
    assert!(run(fails(Ok(1))).is_ok());
}

#[test]
fn branches_borrow_locals_and_handlers_share_mutable_ones() {
    let mut list = vec![1, 2, 3];
    let text = "borrowed".to_owned();
    run(async {
        for round in 0..20 {
            runtime::select! {
                n = async { text.len() } => list.push(n),
                first = async { list[0] } => list.push(first + round),
            }
        }
    });
    assert_eq!(list.len(), 23);
    // A temporary lives as long as the futures that borrow it.
    let n = run(async {
        runtime::select! {
            n = &mut Box::pin(async { text.len() }) => n,
            n = &mut ready(8) => n,
        }
    });
    assert_eq!(n, 8);
}

#[test]
fn a_pinned_future_survives_the_rounds() {
    let mut rounds = 0;
    let got = run(async {
        let slow = after(50, "slow");
        runtime::pin!(slow);
        loop {
            runtime::select! {
                text = &mut slow => break text,
                _ = after(1, ()) => rounds += 1,
            }
        }
    });
    assert!(got == "slow" && rounds > 0 && rounds <= 50, "{rounds}");
}

#[test]
fn a_select_may_stand_in_a_handler_and_in_a_future() {
    let got = run(async {
        runtime::select! {
            inner = async { runtime::select! { n = after(1, 1) => n, _ = pending::<()>() => 0 } } => {
                runtime::select! { biased; n = after(1, inner + 1) => n, _ = pending::<()>() => 0 }
            }
            _ = pending::<()>() => 0,
        }
    });
    assert_eq!(got, 2);
}

#[test]
fn names_of_the_user_and_of_the_macro_do_not_meet() {
    // The names the expansion uses, as the user's own.
    struct B0;
    #[derive(Debug)]
    enum Poll {
        Ready,
    }
    let (disabled, next, count, waiting, output, start) = (1, 2, 3, 4, 5, 6);
    let got = run(async {
        runtime::select! {
            B0 = ready(B0), if false => 0,
            cx = ready(disabled + next + count) => cx + waiting + output + start,
        }
    });
    assert_eq!(got, 21);
    assert!(matches!(
        run(async {
            runtime::select! { ready @ Poll::Ready = ready(Poll::Ready) => ready }
        }),
        Poll::Ready
    ));
    let future = 1;
    assert_eq!(run(async { runtime::join!(ready(future), ready(future + 1)) }), (1, 2));
}

#[test]
fn futures_with_these_macros_are_send_when_their_parts_are() {
    fn send<F: Future + Send>(future: F) -> F {
        future
    }
    run(send(async {
        runtime::select! { _ = after(1, ()) => {}, _ = pending::<()>() => {} }
        runtime::join!(after(1, ()), after(2, ()));
        runtime::try_join!(after(1, Ok::<(), ()>(())), after(2, Ok(()))).unwrap();
    }));
}

#[test]
fn a_future_that_never_returns_is_a_branch_like_any_other() {
    async fn forever() -> std::convert::Infallible {
        pending().await
    }
    let got = run(async {
        runtime::select! { never = forever() => match never {}, n = after(2, 1) => n }
    });
    assert_eq!(got, 1);
}

// ---- join! and try_join! ----

#[test]
fn join_gives_all_outputs_in_order() {
    run(async {
        assert_eq!(runtime::join!(after(3, 1), after(0, "two"), after(1, 3.0)), (1, "two", 3.0));
        assert_eq!(runtime::join!(ready(1)), (1,));
        assert_eq!(runtime::join!(biased; ready(1), ready(2),), (1, 2));
        runtime::join!();
        runtime::join!(biased;);
    });
}

#[test]
fn join_polls_each_future_until_it_is_ready_and_drops_it_then() {
    let log = RefCell::new(Vec::new());
    let counted = |name: &'static str, n: u32| {
        let held = Logged(&log, name);
        async move {
            after(n, ()).await;
            drop(held);
        }
    };
    let mut joined = pin!(async { runtime::join!(counted("slow", 2), counted("fast", 0)) });
    assert!(poll_once(joined.as_mut()).is_pending());
    assert_eq!(log.take(), ["drop fast"]);
    assert!(poll_once(joined.as_mut()).is_pending());
    assert!(poll_once(joined.as_mut()).is_ready());
    assert_eq!(log.take(), ["drop slow"]);
}

/// The order in which each of six polls of `join!` polls its three futures.
fn join_orders(biased: bool) -> Vec<Vec<u32>> {
    let log = RefCell::new(Vec::new());
    let polled = |n: u32| {
        let log = &log;
        poll_fn(move |_| {
            log.borrow_mut().push(n);
            Poll::<()>::Pending
        })
    };
    let mut joined: Pin<Box<dyn Future<Output = ((), (), ())> + '_>> = if biased {
        Box::pin(async { runtime::join!(biased; polled(0), polled(1), polled(2)) })
    } else {
        Box::pin(async { runtime::join!(polled(0), polled(1), polled(2)) })
    };
    let poll = |_| {
        assert!(poll_once(joined.as_mut()).is_pending());
        log.take()
    };
    (0..6).map(poll).collect()
}

#[test]
fn museum_f2_join_starts_with_another_future_each_time() {
    let turn = [vec![0, 1, 2], vec![1, 2, 0], vec![2, 0, 1]];
    assert_eq!(join_orders(false), [turn.clone(), turn].concat());
    assert_eq!(join_orders(true), vec![vec![0, 1, 2]; 6]);
}

#[test]
fn join_takes_more_futures_than_select() {
    macro_rules! all {
        ($($n:literal)+) => {
            runtime::join!($(after($n % 3, $n)),+)
        };
    }
    let all = run(async {
        all!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37
             38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63 64 65 66 67 68 69 70 71 72)
    });
    assert_eq!((all.0, all.40, all.72), (0, 40, 72));
}

#[test]
fn join_may_borrow_and_its_expressions_belong_to_the_function() {
    async fn both(input: Result<u8, ()>) -> Result<(u8, usize), ()> {
        let text = "text".to_owned();
        Ok(runtime::join!(ready(input?), async { text.len() }))
    }
    assert_eq!(run(both(Ok(1))), Ok((1, 4)));
    assert_eq!(run(both(Err(()))), Err(()));
}

#[test]
fn try_join_gives_all_values_or_the_first_error() {
    run(async {
        assert_eq!(runtime::try_join!(after(2, Ok::<_, ()>(1)), ready(Ok("two"))), Ok((1, "two")));
        assert_eq!(runtime::try_join!(biased; ready(Ok::<_, ()>(1)),), Ok((1,)));
        let failed = runtime::try_join!(after(2, Err::<u8, _>("late")), after(1, Err::<u8, _>("early")), ready(Ok(1)));
        assert_eq!(failed, Err("early"));
        assert_eq!(runtime::try_join!() as Result<(), u8>, Ok(()));
        assert_eq!(runtime::try_join!(biased;) as Result<(), u8>, Ok(()));
    });
}

#[test]
fn try_join_stops_at_the_error_and_drops_the_rest() {
    let log = RefCell::new(Vec::new());
    let polled = Cell::new(false);
    let held = Logged(&log, "other");
    let got = run(async {
        runtime::try_join!(
            biased;
            async { let _held = held; pending::<Result<(), u8>>().await },
            ready(Err::<(), u8>(5)),
            async { polled.set(true); Ok(()) },
        )
    });
    assert_eq!((got, log.take(), polled.get()), (Err(5), vec!["drop other".to_owned()], false));
}

#[test]
fn try_join_works_with_question_mark() {
    async fn sum() -> Result<u32, std::num::ParseIntError> {
        let (a, b) = runtime::try_join!(async { "1".parse::<u32>() }, after(1, "2".parse::<u32>()))?;
        Ok(a + b)
    }
    assert_eq!(run(sum()), Ok(3));
}

#[test]
fn waiting_for_futures_takes_little_more_memory_than_they_do() {
    async fn large() -> u8 {
        let buffer = [1u8; 1000];
        pending::<()>().await;
        buffer[999]
    }
    let two = 2 * size_of_val(&large());
    let select = size_of_val(&async {
        runtime::select! { n = large() => n, n = large() => n }
    });
    let join = size_of_val(&async { runtime::join!(large(), large()) });
    let try_join =
        size_of_val(&async { runtime::try_join!(async { Ok::<_, ()>(large().await) }, async { Ok(large().await) }) });
    for (name, size) in [("select", select), ("join", join), ("try_join", try_join)] {
        assert!(size <= two + 200, "{name}! takes {size} bytes for futures of {two}");
    }
}

// ---- pin! ----

#[test]
fn pin_keeps_the_names() {
    run(async {
        let (a, b) = (after(1, 1), after(2, 2));
        runtime::pin!(a, b,);
        let _: (Pin<&mut _>, Pin<&mut _>) = (a.as_mut(), b.as_mut());
        runtime::pin! {
            let c = after(0, 3);
            let d = async { 4 };
        }
        runtime::pin!();
        assert_eq!((a.await, b.await, c.await, d.await), (1, 2, 3, 4));
    });
}

// ---- what other crates call by hand ----

#[test]
fn hidden_support_functions_exist() {
    let n: u32 = runtime::macros::support::thread_rng_n(10);
    assert!(n < 10);
    let mut cx = Context::from_waker(Waker::noop());
    let poll: Poll<()> = runtime::macros::support::poll_budget_available(&mut cx);
    assert_eq!(poll, Poll::Ready(()));
}
