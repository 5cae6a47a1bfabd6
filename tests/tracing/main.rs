//! The feature `tracing`: a span for each task, under the names and with the fields that tokio's have, and an event for each
//! panic that nobody joined.
//!
//! tokio makes the same spans with `--cfg tokio_unstable`; no documentation tells their names, but tokio-console and other
//! layers are written for them.

mod recorder;

use recorder::{PANICS_IN_CLOSE, PANICS_IN_ENTER, Seen, recorder};
use runtime::runtime::{Builder, Runtime};
use runtime::task::{self, JoinHandle, LocalSet, try_spawn_blocking, yield_now};
use runtime_tests::{Drops, Event, Flavor, Place, planned_panic, wait_until, watchdog};
use std::future::{Future, pending, ready};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use tracing::Level;

const FLAVORS: [Flavor; 2] = [Flavor::MultiThread(2), Flavor::CurrentThread];

/// What all spans of ours have.
#[track_caller]
fn check(span: &Seen, target: &str, kind: &str, name: &str, line: u32) {
    assert_eq!((span.name, span.target.as_str(), span.level), ("runtime.spawn", target, Level::TRACE));
    assert_eq!((span.field("kind"), span.field("task.name")), (kind, name));
    assert_eq!((span.field("loc.file"), span.field("loc.line")), (file!(), line.to_string().as_str()));
    assert!(span.field("loc.col").parse::<u32>().unwrap() > 0);
    assert!(span.is_closed(), "the task has ended: {span:?}");
}

fn spans_of_tasks(flavor: Flavor) {
    let runtime = flavor.build();
    let future = async { [0u8; 100].len() };
    let bytes = size_of_val(&future).to_string();
    let (line, task) = (line!(), runtime.spawn(future));
    let plain = task.id();
    runtime.block_on(task).unwrap();
    let span = recorder().task(plain);
    check(&span, "tokio::task", "task", "", line);
    assert_eq!((span.field("size.bytes"), span.parent), (bytes.as_str(), None));
    assert!(!span.has("original_size.bytes") && !span.has("fn"), "{span:?}");

    let (line, task) = (line!(), task::Builder::new().name("Ada").spawn_on(ready(()), runtime.handle()).unwrap());
    let named = task.id();
    runtime.block_on(task).unwrap();
    check(&recorder().task(named), "tokio::task", "task", "Ada", line);
}

/// Fault: a span whose location is that of the engine's code.
#[test]
fn a_task_has_a_span_with_tokios_names() {
    let _watch = watchdog();
    recorder();
    for flavor in FLAVORS {
        spans_of_tasks(flavor);
    }
}

/// Fault: `Runtime::spawn` without `boxed`.
#[test]
fn a_large_future_is_boxed_and_the_span_has_both_sizes() {
    let _watch = watchdog();
    recorder();
    let runtime = Flavor::CurrentThread.build();
    let set = LocalSet::new();
    let large = || async {
        let page = [1u8; 50_000];
        yield_now().await;
        page.len()
    };
    let bytes = size_of_val(&large()).to_string();
    let handle = runtime.handle();
    let tasks = {
        let (_entered, _inside) = (runtime.enter(), set.enter());
        let [here, local] = [runtime::spawn(large()), task::spawn_local(large())];
        [runtime.spawn(large()), handle.spawn(large()), set.spawn_local(large()), here, local]
    };
    for task in tasks {
        let id = task.id();
        set.block_on(&runtime, task).unwrap();
        let span = recorder().task(id);
        assert_eq!(span.field("original_size.bytes"), bytes);
        assert_eq!(span.field("size.bytes"), size_of::<usize>().to_string());
    }
}

/// Fault: `spawn_on` of the set says `task`.
#[test]
fn tasks_of_a_local_set_are_local() {
    let _watch = watchdog();
    recorder();
    let (runtime, set) = (Flavor::CurrentThread.build(), LocalSet::new());
    let (line, task) = (line!(), set.spawn_local(async {}));
    let id = task.id();
    set.block_on(&runtime, task).unwrap();
    check(&recorder().task(id), "tokio::task", "local", "", line);
}

/// A closure that blocks: its type, and the span it was spawned in.
///
/// Fault: `parent: None` as for tasks.
#[test]
fn a_closure_that_blocks_has_a_span_inside_of_its_spawners() {
    let _watch = watchdog();
    recorder();
    for flavor in FLAVORS {
        let runtime = flavor.build();
        let spawner = runtime.spawn(async {
            let (line, closure) = (line!(), task::spawn_blocking(|| recorder().task(task::id()).inside));
            let id = closure.id();
            assert_eq!(closure.await.unwrap(), 1, "the closure runs inside of its span");
            (line, id)
        });
        let spawners = spawner.id();
        let (line, id) = runtime.block_on(spawner).unwrap();
        let span = recorder().task(id);
        check(&span, "tokio::task::blocking", "blocking", "", line);
        assert!(span.field("fn").contains("a_closure_that_blocks"), "{span:?}");
        assert_eq!((span.field("size.bytes"), span.entered), ("0", 2));
        assert_eq!(span.parent, Some(recorder().task(spawners).number));
    }
}

/// Looks for the span of the `block_on` on this line, which has been made after so many others; `inside` was made in it.
#[track_caller]
fn check_root(before: usize, line: u32, inside: &tracing::Span) {
    let at = line.to_string();
    let span = recorder().the(|seen| {
        let is_new = seen.number > before as u64 && seen.fields.0.get("loc.line") == Some(&at);
        is_new && seen.fields.0.get("kind").is_some_and(|kind| kind == "block_on")
    });
    check(&span, "tokio::task", "block_on", "", line);
    assert_eq!((span.parent, span.entered), (None, 1));
    let inside = inside.id().unwrap().into_u64();
    assert_eq!(recorder().the(|seen| seen.number == inside).parent, Some(span.number));
}

/// Fault: `block_on_apart` makes none.
#[test]
fn each_block_on_has_a_span_around_its_polls() {
    let _watch = watchdog();
    let look = async || tracing::trace_span!("inside");
    for runtime in FLAVORS.map(Flavor::build) {
        let before = recorder().count();
        let (line, inside) = (line!(), runtime.block_on(look()));
        check_root(before, line, &inside);
        let (line, inside) = (line!(), runtime.handle().block_on(look()));
        check_root(before, line, &inside);
    }
    let before = recorder().count();
    let local = Builder::new_current_thread().build_local(Default::default()).unwrap();
    let (line, inside) = (line!(), local.block_on(look()));
    check_root(before, line, &inside);
}

/// Fault: `poll` without `within`; `drop_future` without it.
#[test]
fn a_span_is_entered_while_its_task_is_polled_and_not_otherwise() {
    let _watch = watchdog();
    recorder();
    for place in [Place::MultiThread, Place::CurrentThread, Place::LocalSet, Place::LocalRuntime] {
        let world = place.build();
        let (go, polled) = (Event::new(), Event::new());
        let (goes, tells) = (go.clone(), polled.clone());
        let task = world.spawn(async move {
            for _ in 0..3 {
                assert_eq!(recorder().task(task::id()).inside, 1);
                yield_now().await;
            }
            tells.set();
            goes.wait().await;
            recorder().task(task::id()).inside
        });
        world.run_until("the task to wait", || polled.is_set());
        wait_until("its poll to be over", || recorder().task(task.id()).inside == 0);
        let span = recorder().task(task.id());
        assert_eq!((span.entered, span.is_closed()), (4, false), "three yields, and the wait");
        go.set();
        let id = task.id();
        assert_eq!(world.block_on(task).unwrap(), 1);
        let span = recorder().task(id);
        assert_eq!((span.entered, span.inside, span.is_closed()), (6, 0, true), "one more poll, and the drop");
    }
}

/// What the future drops it drops inside of the span. Counted: whoever panics in the drop of a task is not heard.
struct InsideOf(task::Id);

static DROPPED_OUTSIDE: AtomicUsize = AtomicUsize::new(0);

impl Drop for InsideOf {
    fn drop(&mut self) {
        DROPPED_OUTSIDE.fetch_add(1 - recorder().task(self.0).inside, Relaxed);
    }
}

/// However a task ends; and while its handle is still there.
///
/// Fault: `drop_future` without `close`, or without `within`.
#[test]
fn a_span_ends_with_its_task() {
    let _watch = watchdog();
    recorder();
    for flavor in FLAVORS {
        let runtime = flavor.build();
        let finished = runtime.spawn(async { drop(InsideOf(task::id())) });
        let panics: JoinHandle<()> = runtime.spawn(async {
            let _inside = InsideOf(task::id());
            planned_panic()
        });
        let waits = || {
            runtime.spawn(async {
                let _inside = InsideOf(task::id());
                pending::<()>().await
            })
        };
        let (aborted, shut_down) = (waits(), waits());
        runtime.block_on(async {
            while !(finished.is_finished() && panics.is_finished()) || recorder().task(shut_down.id()).entered == 0 {
                yield_now().await;
            }
            aborted.abort();
            while !aborted.is_finished() {
                yield_now().await;
            }
        });
        for ended in [&finished, &panics, &aborted] {
            assert!(recorder().task(ended.id()).is_closed());
        }
        assert!(!recorder().task(shut_down.id()).is_closed());
        drop(runtime);
        assert!(recorder().task(shut_down.id()).is_closed());
        assert_eq!(DROPPED_OUTSIDE.load(Relaxed), 0);
    }
}

/// Nobody polls it: the drop alone is inside.
///
/// Fault: `try_spawn` of a lane forgets the span of a closure that is refused.
#[test]
fn what_never_runs_has_a_span_all_the_same() {
    let _watch = watchdog();
    recorder();
    let runtime = Builder::new_current_thread().max_blocking_threads(1).max_blocking_queue(0).build().unwrap();
    let never = runtime.spawn(async {});
    let (go, goes) = std::sync::mpsc::channel::<()>();
    let occupied = runtime.spawn_blocking(move || goes.recv());
    let before = recorder().count();
    let refused = runtime.block_on(async { try_spawn_blocking(|| "refused") });
    assert!(refused.is_err(), "there is one thread, and no queue");
    let span = recorder().the(|seen| {
        seen.number > before as u64 && seen.fields.0.get("fn").is_some_and(|name| name.contains("what_never_runs"))
    });
    assert_eq!((span.entered, span.is_closed()), (0, true));
    drop(go);
    runtime.block_on(occupied).unwrap().unwrap_err();
    let (id, late) = (never.id(), runtime.handle().clone());
    runtime.block_on(never).unwrap();
    assert_eq!(recorder().task(id).entered, 2);
    drop(runtime);
    let late = late.spawn(async {});
    let span = recorder().task(late.id());
    assert_eq!((span.entered, span.is_closed()), (1, true));
}

/// Fault: a task's span has the one around it for its parent.
#[test]
fn spans_inside_of_a_task_are_its_children_and_tasks_are_nobodys() {
    let _watch = watchdog();
    recorder();
    for flavor in FLAVORS {
        let runtime = flavor.build();
        let task = runtime.spawn(async {
            let first = tracing::info_span!("first").id().unwrap();
            yield_now().await;
            let second = tracing::info_span!("second").id().unwrap();
            let spawned = runtime::spawn(async {});
            let id = spawned.id();
            spawned.await.unwrap();
            ([first, second].map(|span| span.into_u64()), id)
        });
        let id = task.id();
        let (spans, spawned) = runtime.block_on(task).unwrap();
        for span in spans {
            assert_eq!(recorder().the(|seen| seen.number == span).parent, Some(recorder().task(id).number));
        }
        assert_eq!(recorder().task(spawned).parent, None);
    }
}

/// Fault: `Policy::unhandled` without the event; a `LocalSet` that nobody's runtime polls without one.
#[test]
fn a_panic_that_nobody_joined_is_an_error() {
    let _watch = watchdog();
    recorder();
    let panics = || async { planned_panic() };
    let check = |id: task::Id| {
        wait_until("the event", || !recorder().events(id).is_empty());
        let events = recorder().events(id);
        let [event] = &events[..] else { panic!("one event, and not {events:#?}") };
        let said = ["panic", "message"].map(|name| event.fields.0[name].as_str());
        assert_eq!((event.level, event.target.as_str()), (Level::ERROR, "runtime::task"));
        assert_eq!(said, ["planned panic", "a task panicked and nobody joined it"]);
    };
    for runtime in FLAVORS.map(Flavor::build) {
        let detached: JoinHandle<()> = runtime.spawn(panics());
        let joined: JoinHandle<()> = runtime.spawn(panics());
        let (id, joined_id) = (detached.id(), joined.id());
        drop(detached);
        assert!(runtime.block_on(joined).unwrap_err().is_panic());
        runtime.block_on(yield_now());
        check(id);
        assert!(recorder().events(joined_id).is_empty(), "somebody has seen it");
        let blocks: JoinHandle<()> = runtime.spawn_blocking(|| planned_panic());
        let id = blocks.id();
        drop(blocks);
        check(id);
        let set = LocalSet::new();
        let local: JoinHandle<()> = set.spawn_local(panics());
        let id = local.id();
        drop(local);
        set.block_on(&runtime, yield_now());
        check(id);
    }
    let mut set = LocalSet::new();
    let local: JoinHandle<()> = set.spawn_local(panics());
    let id = local.id();
    drop(local);
    assert!(runtime_tests::poll_once(&mut set).is_ready());
    check(id);
}

fn named<F: Future<Output: Send> + Send + 'static>(runtime: &Runtime, name: &str, future: F) -> JoinHandle<F::Output> {
    task::Builder::new().name(name).spawn_on(future, runtime.handle()).unwrap()
}

/// What a subscriber does is done to its task alone.
///
/// Fault: `close` without `catch_unwind`; `drop_future` that does not drop when it cannot enter the span.
#[test]
fn a_subscriber_that_panics_costs_a_poll_at_the_most() {
    let _watch = watchdog();
    recorder();
    runtime_tests::panics::install_hook();
    for runtime in FLAVORS.map(Flavor::build) {
        let drops = Drops::new();
        let probe = drops.probe();
        let in_enter = named(&runtime, PANICS_IN_ENTER, async { drop(probe) });
        let in_close = named(&runtime, PANICS_IN_CLOSE, async { 7 });
        assert!(runtime.block_on(in_enter).unwrap_err().is_panic());
        assert_eq!(drops.count(), 1);
        assert_eq!(runtime.block_on(in_close).unwrap(), 7);
        assert_eq!(runtime.block_on(runtime.spawn(async { 1 })).unwrap(), 1);
    }
}
