//! What `select!`, `join!` and `try_join!` find out about types by themselves (D22). Each compiles on tokio, too.

use runtime::task::yield_now;
use std::convert::Infallible;
use std::future::{Future, pending, ready};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

#[track_caller]
fn run<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("not ready at once"),
    }
}

async fn forever() -> Infallible {
    pending().await
}

#[test]
fn d22_select_takes_an_output_of_which_nothing_says_what_it_is() {
    let first = run(async {
        runtime::select! {
            _ = pending() => 1,
            _ = ready(()) => 2,
        }
    });
    let biased = run(async {
        runtime::select! {
            biased;
            _ = pending() => 1,
            _ = pending(), if first == 1 => 3,
            _ = ready(()) => 2,
        }
    });
    let pinned = run(async {
        let mut waits = pin!(pending());
        runtime::select! {
            _ = &mut waits => 1,
            _ = ready(()) => 2,
        }
    });
    let block = run(async {
        runtime::select! {
            _ = async { pending().await } => 1,
            _ = ready(()) => 2,
        }
    });
    // What the handler gives belongs to the whole, not to the future.
    let question: Result<i32, u8> = run(async {
        Ok(runtime::select! {
            _ = pending() => Err(1)?,
            _ = ready(()) => 2,
        })
    });
    let broken = run(async {
        loop {
            runtime::select! {
                _ = pending() => continue,
                _ = ready(()) => break 2,
            }
        }
    });
    assert_eq!((first, biased, pinned, block, question, broken), (2, 2, 2, 2, Ok(2), 2));
}

#[test]
fn d22_select_takes_outputs_that_handlers_and_patterns_determine() {
    let by_handler: u8 = run(async {
        runtime::select! {
            found = pending() => found,
            _ = ready(()) => 2,
        }
    });
    let by_pattern = run(async {
        runtime::select! {
            Ok::<u8, u8>(_) | Err(_) = pending() => 1,
            Some(n) = ready(Some(2)) => n,
            else => 3,
        }
    });
    let by_assignment = run(async {
        runtime::select! {
            mut text = pending() => { if text == "one" { text = "two" }; text }
            _ = ready(()) => "two",
        }
    });
    assert_eq!((by_handler, by_pattern, by_assignment), (2, 2, "two"));
}

#[test]
fn d22_select_takes_branches_that_never_come() {
    let first = run(async {
        runtime::select! {
            never = forever() => match never {},
            _ = async { loop { pending::<()>().await } } => 1,
            _ = async { pending::<()>().await; panic!("it came") } => 1,
            _ = ready(()) => 2,
        }
    });
    let only = pin!(async {
        runtime::select! {
            _ = async { loop { yield_now().await } } => {}
        }
    });
    assert!(first == 2 && only.poll(&mut Context::from_waker(Waker::noop())).is_pending());
}

#[test]
fn d22_join_takes_what_its_result_determines() {
    let (never, ()): (Option<u8>, ()) = run(async { runtime::join!(ready(None), ready(())) });
    let both = run(async { runtime::try_join!(async { Err::<(), _>(1) }, async { Ok::<_, u8>(()) }) });
    let question: Result<((), ()), String> = run(async {
        runtime::try_join!(
            async {
                Err("failed")?;
                Ok(())
            },
            async { Ok(()) }
        )
    });
    assert_eq!((never, both, question), (None, Err(1), Err("failed".to_owned())));
    // Beyond tokio: the result says what never comes.
    let waits = pin!(async {
        let _: Result<((), ()), u8> = runtime::try_join!(pending(), async { Ok(()) });
    });
    assert!(waits.poll(&mut Context::from_waker(Waker::noop())).is_pending());
}
