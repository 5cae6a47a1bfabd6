//! Every way a task can end, times every way its handle can, times every place it can run in: what the handle says,
//! and that future, output and wakers are dropped exactly once.

use runtime::task::JoinHandle;
use runtime_tests::{Drops, Event, Place, Probe, WakeCount, World, for_each_place, planned_panic, wait_until};
use std::future::{Future, poll_fn};
use std::task::Poll;

/// How the task ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Ready,
    Panic,
    AbortBeforeFirstPoll,
    AbortIdle,
    AbortRunning,
    AbortAfterCompletion,
    RuntimeDropped,
}

/// What becomes of its handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Handle {
    /// Awaited until it resolves.
    Joined,
    /// Dropped once the task has ended.
    Detached,
    /// Dropped right after the spawn.
    DroppedFirst,
}

const HANDLES: [Handle; 3] = [Handle::Joined, Handle::Detached, Handle::DroppedFirst];

/// What is watched in one case.
struct Watch {
    futures: Drops,
    outputs: Drops,
    first_poll: Event,
    release: Event,
    /// Hands its waker out and never wakes: what an idle task waits for.
    waker: WakeCount,
}

impl Watch {
    fn new() -> Watch {
        Watch {
            futures: Drops::new(),
            outputs: Drops::new(),
            first_poll: Event::new(),
            release: Event::new(),
            waker: WakeCount::new(),
        }
    }

    fn task(&self, end: End) -> impl Future<Output = Probe> + Send + 'static {
        let held = self.futures.probe();
        let output = self.outputs.clone();
        let (first_poll, release) = (self.first_poll.clone(), self.release.clone());
        async move {
            let _held = held;
            first_poll.set();
            match end {
                End::Ready | End::AbortAfterCompletion => {
                    runtime::task::yield_now().await;
                    output.probe()
                }
                End::Panic => {
                    runtime::task::yield_now().await;
                    planned_panic()
                }
                End::AbortIdle | End::AbortBeforeFirstPoll | End::RuntimeDropped => {
                    release.wait().await;
                    output.probe()
                }
                // Inside one poll until the abort has happened, then pending: the abort takes effect there.
                End::AbortRunning => {
                    let mut waited = false;
                    poll_fn(|_| {
                        if !waited {
                            waited = true;
                            release.wait_blocking();
                        }
                        Poll::<()>::Pending
                    })
                    .await;
                    output.probe()
                }
            }
        }
    }
}

/// Brings the task to its end, without touching the handle except through `abort`.
fn bring_about(end: End, world: &World, watch: &Watch, abort: &runtime::task::AbortHandle) {
    match end {
        End::Ready | End::Panic => world.run_until("the task to end", || abort.is_finished()),
        End::AbortBeforeFirstPoll => {
            abort.abort();
            world.run_until("the aborted task to end", || abort.is_finished());
        }
        End::AbortIdle => {
            world.run_until("the task to wait", || watch.release.waiting() == 1);
            abort.abort();
            world.run_until("the aborted task to end", || abort.is_finished());
        }
        End::AbortRunning => {
            let abort_seen = abort;
            let (abort, release, running) = (abort.clone(), watch.release.clone(), watch.first_poll.clone());
            let aborter = std::thread::spawn(move || {
                running.wait_blocking();
                abort.abort();
                release.set();
            });
            world.run_until("the aborted task to end", || abort_seen.is_finished());
            aborter.join().expect("the aborter");
        }
        End::AbortAfterCompletion => {
            world.run_until("the task to end", || abort.is_finished());
            abort.abort();
        }
        End::RuntimeDropped => world.run_until("the task to wait", || watch.release.waiting() == 1),
    }
}

fn check_output(end: End, joined: Result<Probe, runtime::task::JoinError>, case: &str) {
    match end {
        End::Ready | End::AbortAfterCompletion => drop(joined.expect(case)),
        End::Panic => {
            let error = joined.expect_err(case);
            assert!(error.is_panic() && !error.is_cancelled(), "{case}: {error:?}");
            let payload = error.into_panic();
            let message = payload.downcast_ref::<&str>().copied().map(str::to_owned);
            let message = message.or_else(|| payload.downcast_ref::<String>().cloned());
            assert_eq!(message.as_deref(), Some("planned panic"), "{case}");
        }
        _ => {
            let error = joined.expect_err(case);
            assert!(error.is_cancelled() && !error.is_panic(), "{case}: {error:?}");
        }
    }
}

/// Resolves a handle whose runtime is gone.
fn join_without_runtime(handle: JoinHandle<Probe>) -> Result<Probe, runtime::task::JoinError> {
    let other = Place::CurrentThread.build();
    other.block_on(handle)
}

/// Runs one case; `false` if the task was polled before an abort that should have come first.
fn run_case(place: Place, end: End, handle_fate: Handle) -> bool {
    let case = format!("{place:?}, {end:?}, {handle_fate:?}");
    let watch = Watch::new();
    let world = place.build();
    // The worker of a multi-thread runtime must not poll the task before it is aborted: one task keeps each busy.
    let busy = (end == End::AbortBeforeFirstPoll && !place.is_single_threaded()).then(|| occupy(&world));
    let mut handle = Some(world.spawn(watch.task(end)));
    let abort = handle.as_ref().expect(&case).abort_handle();
    if handle_fate == Handle::DroppedFirst {
        handle = None;
    }
    // A joiner's waker that is replaced by a later poll, or dropped with the task.
    if let Some(handle) = &mut handle
        && !matches!(end, End::Ready | End::Panic | End::AbortAfterCompletion)
    {
        let _ = watch.waker.poll(handle).map(|joined| panic!("{case}: ended before its time: {joined:?}"));
    }
    if end == End::AbortBeforeFirstPoll {
        abort.abort();
        drop(busy);
    }
    bring_about(end, &world, &watch, &abort);
    let in_time = watch.first_poll.is_set() == (end != End::AbortBeforeFirstPoll);
    assert!(in_time || !place.is_single_threaded(), "{case}: polled?");

    if end == End::RuntimeDropped {
        drop(world);
        assert_eq!(watch.futures.alive(), 0, "{case}: the runtime is dropped, its task is not");
        if let Some(handle) = handle.take().filter(|_| handle_fate == Handle::Joined) {
            check_output(end, join_without_runtime(handle), &case);
        }
    } else {
        if let Some(handle) = handle.take().filter(|_| handle_fate == Handle::Joined) {
            check_output(end, world.block_on(handle), &case);
        }
        wait_until(&format!("{case}: the future's drop"), || watch.futures.alive() == 0);
        drop(world);
    }
    drop(abort);
    let completes = matches!(end, End::Ready | End::AbortAfterCompletion);
    assert_eq!(watch.futures.count(), 1, "{case}: drops of the future");
    assert_eq!(watch.outputs.made(), usize::from(completes), "{case}: outputs");
    assert_eq!(watch.outputs.alive(), 0, "{case}: the output lives on");
    assert_eq!(watch.waker.alive(), 0, "{case}: the joiner's waker lives on");
    in_time
}

/// Keeps both workers of a multi-thread world inside a poll until the guard is dropped.
fn occupy(world: &World) -> impl Drop + use<> {
    let (ready, gate) = (std::sync::Arc::new(std::sync::Barrier::new(3)), Event::new());
    for _ in 0..2 {
        let (ready, gate) = (ready.clone(), gate.clone());
        drop(world.spawn(async move {
            ready.wait();
            gate.wait_blocking();
        }));
    }
    ready.wait();
    runtime_tests::probe::OnDrop(move || gate.set())
}

fn fates(place: Place, end: End) {
    for handle in HANDLES {
        // Another thread may poll the task before it is aborted, even though both workers are kept busy.
        let in_time = (0..100).any(|_| run_case(place, end, handle));
        assert!(in_time, "{place:?}, {end:?}: a hundred times polled before the abort");
    }
}

fn ready(place: Place) {
    fates(place, End::Ready);
}

fn panics(place: Place) {
    fates(place, End::Panic);
}

fn abort_before_first_poll(place: Place) {
    fates(place, End::AbortBeforeFirstPoll);
}

fn abort_while_idle(place: Place) {
    fates(place, End::AbortIdle);
}

fn abort_while_running(place: Place) {
    fates(place, End::AbortRunning);
}

fn abort_after_completion(place: Place) {
    fates(place, End::AbortAfterCompletion);
}

fn runtime_dropped(place: Place) {
    fates(place, End::RuntimeDropped);
}

for_each_place!(
    ready,
    panics,
    abort_before_first_poll,
    abort_while_idle,
    abort_while_running,
    abort_after_completion,
    runtime_dropped
);
