//! What is dropped when something panics: while it unwinds, and whatever the panic carries.

use runtime::task::{self, JoinHandle, LocalSet};
use runtime_tests::{Flavor, Place, catch, for_each_flavor, panics, planned_panic, watchdog};
use std::future::{Future, poll_fn};
use std::panic::panic_any;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

const PLACES: [Place; 4] = [Place::MultiThread, Place::CurrentThread, Place::LocalSet, Place::LocalRuntime];

/// Counts the drops that knew of a panic, in the units, and the others, in the hundreds.
#[derive(Clone, Default)]
struct Asks(Arc<AtomicUsize>);

struct Asking(Asks);

impl Drop for Asking {
    fn drop(&mut self) {
        self.0.0.fetch_add(if std::thread::panicking() { 1 } else { 100 }, Ordering::SeqCst);
    }
}

/// Panics in its `n`th poll. A hand-written future, which keeps what it holds when its poll unwinds.
struct PanicsInPoll {
    n: usize,
    _asking: Asking,
}

impl Future for PanicsInPoll {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.n -= 1;
        if self.n == 0 {
            planned_panic();
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

#[test]
fn d19_the_future_of_a_task_is_dropped_while_it_unwinds() {
    let _watch = watchdog();
    panics::install_hook();
    for place in PLACES {
        let (world, asks) = (place.build(), Asks::default());
        for n in [1, 2] {
            let future = || PanicsInPoll { n, _asking: Asking(asks.clone()) };
            assert!(world.block_on(world.spawn(future())).unwrap_err().is_panic());
            assert!(world.block_on(world.spawn(Box::pin(future()))).unwrap_err().is_panic());
        }
        assert_eq!(asks.0.load(Ordering::SeqCst), 4, "{place:?}");
    }
}

#[test]
fn d19_so_are_those_of_block_on_and_blocking_closures() {
    let _watch = watchdog();
    for flavor in [Flavor::MultiThread(2), Flavor::CurrentThread] {
        let (runtime, asks) = (flavor.build(), Asks::default());
        let future = || PanicsInPoll { n: 2, _asking: Asking(asks.clone()) };
        assert!(catch(|| runtime.block_on(future())).is_err());
        assert!(catch(|| runtime.handle().block_on(future())).is_err());
        assert!(catch(|| LocalSet::new().block_on(&runtime, future())).is_err());
        let held = Asking(asks.clone());
        let closure: JoinHandle<()> = runtime.spawn_blocking(move || {
            let _held = held;
            planned_panic()
        });
        assert!(runtime.block_on(closure).unwrap_err().is_panic());
        assert_eq!(asks.0.load(Ordering::SeqCst), 4, "{flavor:?}");
    }
}

/// A cancelled future, and one that is done, are dropped as usual.
#[test]
fn d19_others_are_not() {
    let _watch = watchdog();
    for place in PLACES {
        let (world, asks) = (place.build(), Asks::default());
        let held = Asking(asks.clone());
        world.block_on(world.spawn(async move { drop(held) })).unwrap();
        let mut held = Some(Asking(asks.clone()));
        let cancelled =
            world.spawn(poll_fn(move |_| if held.is_some() { Poll::Pending } else { Poll::Ready(held.take()) }));
        world.block_on(task::yield_now());
        cancelled.abort();
        assert!(world.block_on(cancelled).is_err());
        assert_eq!(asks.0.load(Ordering::SeqCst), 200, "{place:?}");
    }
}

/// A panic's payload whose drop panics, with another such payload.
struct Bomb(usize);

impl Drop for Bomb {
    fn drop(&mut self) {
        if self.0 > 0 {
            panic_any(Bomb(self.0 - 1));
        }
    }
}

fn explode() -> ! {
    // Not by the hook, which would print each.
    std::panic::resume_unwind(Box::new(Bomb(2)))
}

struct ExplodesInDrop;

impl Drop for ExplodesInDrop {
    fn drop(&mut self) {
        explode();
    }
}

struct ExplodesWhenWoken;

impl Wake for ExplodesWhenWoken {
    fn wake(self: Arc<Self>) {
        explode();
    }
}

/// Everything of a task that may panic does, with a payload whose drop panics. The runtime goes on, and ends.
fn d28_payloads_that_explode(flavor: Flavor) {
    panics::install_hook();
    let runtime = flavor.build();
    // The future, after it has given its output; and while it unwinds.
    let mut held = Some(ExplodesInDrop);
    let done =
        runtime.spawn(poll_fn(
            move |_| if held.is_some() { Poll::Ready(5) } else { Poll::Ready(held.take().map_or(0, |_| 1)) },
        ));
    assert_eq!(runtime.block_on(done).unwrap(), 5);
    let mut held = Some(ExplodesInDrop);
    let unwinds = runtime
        .spawn(poll_fn(move |_| if held.is_some() { planned_panic() } else { Poll::Ready(held.take().is_some()) }));
    assert!(runtime.block_on(unwinds).unwrap_err().is_panic());
    // The payload of a panic and an output, which nobody takes.
    drop(runtime.spawn(poll_fn(|_| -> Poll<()> { explode() })));
    drop(runtime.spawn(async { ExplodesInDrop }));
    drop(runtime.spawn_blocking(|| ExplodesInDrop));
    // The joiner's waker.
    let (release, released) = runtime::sync::oneshot::channel();
    let mut joined = runtime.spawn(async { drop(released.await) });
    let waker = Waker::from(Arc::new(ExplodesWhenWoken));
    assert!(Pin::new(&mut joined).poll(&mut Context::from_waker(&waker)).is_pending());
    release.send(()).unwrap();
    for _ in 0..20 {
        assert_eq!(
            runtime
                .block_on(runtime.spawn(async {
                    task::yield_now().await;
                    1
                }))
                .unwrap(),
            1
        );
    }
    drop(runtime);
}

for_each_flavor!(d28_payloads_that_explode);
