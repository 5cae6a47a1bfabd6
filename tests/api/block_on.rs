//! `block_on`, of runtimes and handles.

use runtime::net::UdpSocket;
use runtime::task;
use runtime_tests::probe::OnDrop;
use runtime_tests::{
    Drops, Event, Flavor, Place, World, for_each_flavor, for_each_place, planned_panic, process, wait_until, watchdog,
};
use std::cell::Cell;
use std::future::{pending, poll_fn};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Poll, Waker};

fn gives_the_output(place: Place) {
    assert_eq!(place.build().block_on(async { 3 }), 3);
}

fn takes_a_future_that_borrows_and_is_not_send(place: Place) {
    let local = Rc::new(Cell::new(1));
    let borrowed = &local;
    place.build().block_on(async {
        task::yield_now().await;
        borrowed.set(2);
    });
    assert_eq!(local.get(), 2);
}

fn is_woken_from_another_thread(place: Place) {
    is_woken_from_another_thread_in(&place.build(), 200, |_| {});
}

/// Then the thread of a current-thread runtime sleeps in the driver. Fault: the future's waker does not ring that.
fn is_woken_from_another_thread_beside_a_socket(place: Place) {
    let world = place.build();
    let socket = world.block_on(UdpSocket::bind("127.0.0.1:0")).unwrap();
    let blocked = rustix::thread::gettid();
    is_woken_from_another_thread_in(&world, 10, |event| {
        wait_until("the future to wait", || event.waiting() > 0 && process::sleeps(blocked));
    });
    world.block_on(async move { drop(socket) });
}

fn is_woken_from_another_thread_in(world: &World, rounds: usize, before: impl Fn(&Event) + Sync) {
    for _ in 0..rounds {
        let event = Event::new();
        let sets = event.clone();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                before(&sets);
                sets.set();
            });
            world.block_on(event.wait());
        });
    }
}

fn drops_its_future_before_it_returns(place: Place) {
    let world = place.build();
    let drops = Drops::new();
    let held = drops.probe();
    world.block_on(async move {
        let _held = held;
        task::yield_now().await;
    });
    assert_eq!(drops.count(), 1);
}

fn lets_a_panic_through_and_works_again(place: Place) {
    let world = place.build();
    let caught = runtime_tests::catch(|| world.block_on(async { planned_panic() }));
    assert_eq!(caught.expect_err("no panic").message, "planned panic");
    assert_eq!(world.block_on(world.spawn(async { 5 })).unwrap(), 5);
}

fn polls_its_future_only_when_it_is_woken(flavor: Flavor) {
    let world = flavor.build();
    let (waker, polls) = (Arc::new(parking_lot::Mutex::new(None::<Waker>)), Arc::new(AtomicUsize::new(0)));
    let (slot, other) = (waker.clone(), polls.clone());
    let busy = Event::new();
    let done = busy.clone();
    // Much goes on in the runtime, none of which concerns the main future.
    drop(world.spawn(async move {
        for _ in 0..500 {
            task::yield_now().await;
        }
        done.set();
        let waker = slot.lock().take();
        waker.expect("the main future was not polled").wake();
    }));
    world.block_on(poll_fn(|cx| {
        polls.fetch_add(1, Ordering::SeqCst);
        if busy.is_set() {
            return Poll::Ready(());
        }
        *waker.lock() = Some(cx.waker().clone());
        if busy.is_set() { Poll::Ready(()) } else { Poll::Pending }
    }));
    let polls = other.load(Ordering::SeqCst);
    assert!(polls <= 3, "{polls} polls for one wake");
}

fn tasks_that_are_left_go_on_in_the_next_one(place: Place) {
    let world = place.build();
    let gate = Event::new();
    let waits = gate.clone();
    let handle = world.spawn(async move {
        waits.wait().await;
        8
    });
    world.block_on(async { task::yield_now().await });
    gate.set();
    assert_eq!(world.block_on(handle).unwrap(), 8);
}

fn is_ready_while_a_task_never_stops_yielding(place: Place) {
    let world = place.build();
    drop(world.spawn(async {
        loop {
            task::yield_now().await;
        }
    }));
    world.block_on(async {
        for _ in 0..100 {
            task::yield_now().await;
        }
    });
}

for_each_place!(
    gives_the_output,
    takes_a_future_that_borrows_and_is_not_send,
    is_woken_from_another_thread,
    is_woken_from_another_thread_beside_a_socket,
    drops_its_future_before_it_returns,
    lets_a_panic_through_and_works_again,
    tasks_that_are_left_go_on_in_the_next_one,
    is_ready_while_a_task_never_stops_yielding
);

fn several_threads_at_once(flavor: Flavor) {
    let runtime = flavor.build();
    let sum = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (runtime, sum) = (&runtime, &sum);
            scope.spawn(move || {
                for _ in 0..50 {
                    let got = runtime.block_on(async move { runtime::spawn(async move { thread }).await.unwrap() });
                    sum.fetch_add(got, Ordering::SeqCst);
                }
            });
        }
    });
    assert_eq!(sum.load(Ordering::SeqCst), 50 * 6);
}

fn one_thread_hands_the_driving_to_the_other(flavor: Flavor) {
    let runtime = flavor.build();
    let (first, second) = (Event::new(), Event::new());
    std::thread::scope(|scope| {
        let inner = &runtime;
        let (one, two) = (first.clone(), second.clone());
        scope.spawn(move || inner.block_on(one.wait()));
        let late = scope.spawn(move || {
            inner.block_on(async {
                let handle = runtime::spawn(async move { two.wait().await });
                handle.await.unwrap();
            })
        });
        first.set();
        second.set();
        late.join().unwrap();
    });
}

fn a_panic_in_the_drop_of_its_future_does_no_lasting_harm(flavor: Flavor) {
    let runtime = flavor.build();
    let caught = runtime_tests::catch(|| {
        runtime.block_on(async {
            let _bomb = OnDrop(|| planned_panic());
            task::yield_now().await;
        })
    });
    assert!(caught.is_err());
    assert_eq!(runtime.block_on(runtime.spawn(async { 5 })).unwrap(), 5);
}

fn a_dropped_main_future_leaves_its_waker_harmless(flavor: Flavor) {
    let runtime = flavor.build();
    let waker = runtime.block_on(poll_fn(|cx| Poll::Ready(cx.waker().clone())));
    waker.wake_by_ref();
    drop(runtime);
    waker.wake_by_ref();
    waker.wake();
}

fn an_unfinished_task_does_not_keep_it(flavor: Flavor) {
    let runtime = flavor.build();
    runtime.block_on(async { drop(runtime::spawn(pending::<()>())) });
}

for_each_flavor!(
    polls_its_future_only_when_it_is_woken,
    several_threads_at_once,
    one_thread_hands_the_driving_to_the_other,
    a_panic_in_the_drop_of_its_future_does_no_lasting_harm,
    a_dropped_main_future_leaves_its_waker_harmless,
    an_unfinished_task_does_not_keep_it
);

/// What `on_thread_start` sets up for a thread is there for every task.
#[test]
fn d18_every_task_runs_on_a_thread_that_on_thread_start_has_prepared() {
    thread_local!(static PREPARED: Cell<bool> = const { Cell::new(false) });
    let _watch = watchdog();
    for workers in [1, 2] {
        let mut builder = Flavor::MultiThread(workers).builder();
        let runtime = builder.on_thread_start(|| PREPARED.set(true)).enable_all().build().unwrap();
        let prepared = runtime.block_on(async {
            let mut prepared = 0;
            for _ in 0..10 {
                let tasks: Vec<_> = (0..100).map(|_| runtime::spawn(async { PREPARED.get() })).collect();
                for task in tasks {
                    prepared += usize::from(task.await.unwrap());
                }
            }
            prepared
        });
        assert_eq!(prepared, 1000, "{workers} workers");
    }
}

/// A task has the stack that `thread_stack_size` promises. An overflow ends the process, so it happens in another one.
#[test]
fn d18_every_task_has_a_stack_of_the_size_that_was_asked_for() {
    const CHILD: &str = "D18_CHILD";
    const MIB: usize = 1 << 20;
    const FRAME: usize = 4096;
    fn deep(left: usize) -> u8 {
        let frame = std::hint::black_box([1_u8; FRAME]);
        if left < FRAME { frame[0] } else { deep(left - FRAME).wrapping_add(frame[left % FRAME]) }
    }
    if std::env::var_os(CHILD).is_some() {
        // A debug build's frames are several times as large.
        let runtime = Flavor::MultiThread(1).builder().thread_stack_size(512 * MIB).build().unwrap();
        runtime.block_on(async { runtime::spawn(async { std::hint::black_box(deep(32 * MIB)) }).await.unwrap() });
        return;
    }
    let _watch = watchdog();
    let name = "block_on::d18_every_task_has_a_stack_of_the_size_that_was_asked_for";
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    let output = child.args([name, "--exact", "--include-ignored"]).env(CHILD, "yes").output().unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("running 1 test"), "{output:?}");
    assert!(output.status.success(), "{output:?}");
}
