//! What scopes and groups cost when there are many: nothing grows faster than their number, and nothing needs a stack.
//! Beyond tokio.

use runtime::scope::{CancelScope, TaskGroup};
use runtime::sync::CancellationToken;
use runtime::task::{self, yield_now};
use runtime_tests::{Flavor, for_each_flavor, watchdog_secs};
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

/// What walks or drops by calling itself has no chance there.
fn on_a_small_stack(walk: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(128 * 1024).spawn(walk).unwrap().join().unwrap();
}

/// The best of several, which others on this machine disturb least.
fn best_of(times: usize, mut run: impl FnMut() -> Duration) -> Duration {
    (0..times).map(|_| run()).min().unwrap_or_default()
}

/// Eight times as many take eight times as long if each costs the same, and 64 times if each looks at all. Others disturb a
/// measurement by making it longer, hence several attempts, of which one must be good.
#[track_caller]
fn assert_linear(few: usize, mut run: impl FnMut(usize) -> Duration) {
    let mut seen = Vec::new();
    for _ in 0..6 {
        let small = best_of(3, || run(few));
        let large = best_of(2, || run(few * 8));
        if large < small * 24 {
            return;
        }
        seen.push((small, large));
    }
    panic!("{few} and eight times as many: {seen:?}");
}

/// Scopes, each of which is cancelled with the one before.
fn linked_scopes(length: usize) -> Vec<CancelScope> {
    let mut scopes = vec![CancelScope::new()];
    for last in 1..length {
        scopes.push(CancelScope::new().cancel_with(&scopes[last - 1].token()));
    }
    scopes
}

#[test]
fn d10_a_chain_of_linked_scopes_is_cancelled_without_a_stack() {
    let _watch = watchdog_secs(120);
    on_a_small_stack(|| {
        let scopes = linked_scopes(20_000);
        let told = scopes[19_999].token();
        scopes[0].cancel();
        // When the call is over everybody has heard.
        assert!(scopes.iter().all(CancelScope::is_cancelled) && told.is_cancelled());
        // From the first to the last, and the other way.
        drop(scopes);
        linked_scopes(20_000).into_iter().rev().for_each(drop);
        // From a token, and into a fan.
        let token = CancellationToken::new();
        let first = CancelScope::new().cancel_with(&token);
        let fan: Vec<_> = (0..1000).map(|_| CancelScope::new().cancel_with(&first.token())).collect();
        let ends: Vec<_> = fan.iter().map(|scope| CancelScope::new().cancel_with(&scope.token())).collect();
        token.cancel();
        assert!(fan.iter().chain(&ends).all(CancelScope::is_cancelled));
    });
}

#[test]
fn d10_linked_scopes_cost_their_number() {
    let _watch = watchdog_secs(120);
    assert_linear(2_000, |length| {
        let scopes = linked_scopes(length);
        let start = Instant::now();
        scopes[0].cancel();
        drop(scopes);
        start.elapsed()
    });
}

#[test]
fn d10_chains_of_tokens_need_no_stack() {
    let _watch = watchdog_secs(120);
    on_a_small_stack(|| {
        // Each a child of the one before; cancelled, dropped from either end, and from within.
        let chain = || {
            let mut tokens = vec![CancellationToken::new()];
            for last in 0..10_000 {
                tokens.push(tokens[last].child_token());
            }
            tokens
        };
        let tokens = chain();
        tokens[0].cancel();
        assert!(tokens.iter().all(CancellationToken::is_cancelled));
        drop(tokens);
        drop(chain());
        chain().into_iter().rev().for_each(drop);
        let mut kept = chain();
        kept.drain(1..10_000);
        kept[0].cancel();
        assert!(kept[1].is_cancelled());
        // Independent ones, linked by what waits for them.
        let (first, mut last) = (CancellationToken::new(), CancellationToken::new());
        let top = first.clone();
        let scope = CancelScope::new().cancel_with(&first);
        let mut links = vec![scope];
        for _ in 0..10_000 {
            let next = CancelScope::new().cancel_with(&links[links.len() - 1].token());
            last = next.token();
            links.push(next);
        }
        top.cancel();
        assert!(last.is_cancelled());
    });
}

fn d10_a_run_dropped_at_the_head_of_a_chain_cancels_it(flavor: Flavor) {
    flavor.build().block_on(async {
        let scopes = linked_scopes(1000);
        let last = scopes[999].clone();
        let waits = task::spawn(async move { last.run(pending::<()>()).await });
        yield_now().await;
        let mut run = Box::pin(scopes[0].run(pending::<()>()));
        assert!(runtime_tests::WakeCount::new().poll(&mut run).is_pending());
        drop(run);
        assert!(waits.await.unwrap().is_err());
    });
}

#[test]
fn d26_reschedule_costs_the_same_with_many_tasks() {
    let _watch = watchdog_secs(120);
    let per_call = |tasks: usize| {
        Flavor::CurrentThread.build().block_on(async move {
            let scope = CancelScope::new();
            let inside = scope.clone();
            let best = scope.run(async move {
                for _ in 0..tasks {
                    drop(task::spawn(pending::<()>()));
                }
                let far = runtime::time::Instant::now() + Duration::from_secs(3600);
                best_of(20, || {
                    let start = Instant::now();
                    (0..10).for_each(|_| inside.reschedule(Some(far)));
                    start.elapsed()
                })
            });
            let best = best.await.unwrap();
            scope.cancel();
            best
        })
    };
    // (It walked over them: 3,000 times as long.)
    let mut seen = Vec::new();
    for _ in 0..5 {
        let (none, many) = (per_call(0), per_call(20_000));
        if many < none * 20 + Duration::from_micros(20) {
            return;
        }
        seen.push((none, many));
    }
    panic!("without tasks, and with 20,000: {seen:?}");
}

#[test]
fn d26_groups_dropped_by_one_task_cost_their_number() {
    let _watch = watchdog_secs(120);
    assert_linear(2_000, |groups| {
        Flavor::CurrentThread.build().block_on(async move {
            let drops_them = task::spawn(async move {
                let all: Vec<_> = (0..groups)
                    .map(|_| {
                        let group = TaskGroup::<(), ()>::new();
                        group.spawn(pending());
                        group
                    })
                    .collect();
                yield_now().await;
                let start = Instant::now();
                drop(all);
                // Their children go, and each is struck off the list of those that this task has left.
                let metrics = runtime::runtime::Handle::current().metrics();
                while metrics.num_alive_tasks() > 1 {
                    yield_now().await;
                }
                start.elapsed()
            });
            drops_them.await.unwrap()
        })
    });
}

fn d26_next_takes_part_in_the_budget(flavor: Flavor) {
    let runtime = flavor.build();
    runtime.block_on(async {
        let given = Arc::new(AtomicUsize::new(0));
        let metrics = runtime::runtime::Handle::current().metrics();
        let group = TaskGroup::<usize, ()>::new();
        let children = 10_000;
        for n in 0..children {
            group.spawn(async move { Ok(n) });
        }
        while metrics.num_alive_tasks() > 0 {
            yield_now().await;
        }
        // All have finished: nothing but the budget makes this loop yield.
        let counts = given.clone();
        let takes = async move {
            let (mut polls_before_a_yield, mut since) = (0, 0);
            let mut group = group;
            loop {
                let mut next = std::pin::pin!(group.next());
                let mut yielded = false;
                let result = std::future::poll_fn(|cx| {
                    let poll = next.as_mut().poll(cx);
                    yielded |= poll.is_pending();
                    poll
                });
                if result.await.is_none() {
                    return polls_before_a_yield;
                }
                counts.fetch_add(1, SeqCst);
                since = if yielded { 0 } else { since + 1 };
                polls_before_a_yield = polls_before_a_yield.max(since);
            }
        };
        let longest = task::spawn(takes).await.unwrap();
        assert_eq!(given.load(SeqCst), children);
        assert!(longest <= 256, "{longest} results in one poll");
    });
}

for_each_flavor! {
    d10_a_run_dropped_at_the_head_of_a_chain_cancels_it,
    d26_next_takes_part_in_the_budget,
}
