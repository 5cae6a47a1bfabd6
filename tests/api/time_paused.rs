//! `time::{pause, resume, advance}` and the clock that moves by itself, on every flavor.
//!
//! That a clock does *not* move cannot be waited for. Where a test says so it gives the runtime [`A_WHILE`] of the
//! system's time to make the mistake; a slow machine hides a mistake, and makes none up.

use runtime::task;
use runtime::time::{Duration, Instant, advance, pause, resume, sleep, timeout};
use runtime_tests::{Event, Flavor, Place, WakeCount, for_each_flavor, for_each_place, in_still_time, still};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const MILLI: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_secs(3600);

/// Of the system's time.
const A_WHILE: Duration = Duration::from_millis(20);

fn time_stands_still(flavor: Flavor) {
    in_still_time(flavor, || async {
        let (before, system) = (Instant::now(), std::time::Instant::now());
        for _ in 0..100 {
            task::yield_now().await;
        }
        while system.elapsed() < MILLI {
            std::hint::spin_loop();
        }
        assert_eq!(Instant::now(), before);
        assert_eq!(task::spawn_blocking(Instant::now).await.unwrap(), before, "on every thread of the runtime");
    });
}

fn sleeping_costs_no_time_and_is_exact(flavor: Flavor) {
    in_still_time(flavor, || async {
        let (start, system) = (Instant::now(), std::time::Instant::now());
        for millis in [1, 10, 60_000, 86_400_000, 31_536_000_000] {
            let before = Instant::now();
            sleep(Duration::from_millis(millis)).await;
            assert_eq!(before.elapsed(), Duration::from_millis(millis));
        }
        assert!(timeout(HOUR, std::future::pending::<()>()).await.is_err());
        assert!(start.elapsed() > HOUR * 24 * 365 && system.elapsed() < Duration::from_secs(20));
    });
}

fn steps_are_what_was_asked_for(flavor: Flavor) {
    in_still_time(flavor, || async {
        let start = Instant::now();
        let (mut one, mut two) = (Box::pin(sleep(MILLI * 10)), Box::pin(sleep(MILLI * 20)));
        let count = WakeCount::new();
        assert!(count.poll(&mut one).is_pending() && count.poll(&mut two).is_pending());
        advance(MILLI * 9).await;
        assert_eq!(start.elapsed(), MILLI * 9);
        assert!(count.poll(&mut one).is_pending());
        advance(MILLI).await;
        assert!(count.poll(&mut one).is_ready() && count.poll(&mut two).is_pending());
        advance(HOUR).await;
        assert!(count.poll(&mut two).is_ready());
        assert_eq!(start.elapsed(), HOUR + MILLI * 10);
        advance(Duration::ZERO).await;
        assert_eq!(start.elapsed(), HOUR + MILLI * 10);
        // What begins now counts from now.
        let mut third = Box::pin(sleep(MILLI));
        assert!(count.poll(&mut third).is_pending());
        advance(MILLI).await;
        assert!(count.poll(&mut third).is_ready());
    });
}

fn it_flows_on_from_where_it_stood(flavor: Flavor) {
    in_still_time(flavor, || async {
        let start = Instant::now();
        advance(HOUR).await;
        resume();
        let resumed = Instant::now();
        assert!(resumed >= start + HOUR && resumed < start + HOUR * 2);
        sleep(MILLI * 3).await;
        assert!(resumed.elapsed() >= MILLI * 3, "time flows");
        pause();
        let paused = Instant::now();
        assert!(paused >= resumed + MILLI * 3);
        sleep(HOUR).await;
        assert!(paused.elapsed() >= HOUR && paused.elapsed() < HOUR + MILLI * 2);
        resume();
    });
}

/// A timer that was set while time flowed, and one that was set while it stood.
fn timers_outlive_pauses(flavor: Flavor) {
    if cfg!(feature = "oracle") && flavor.is_multi_thread() {
        return;
    }
    flavor.build().block_on(async {
        let count = WakeCount::new();
        let mut first = Box::pin(sleep(HOUR));
        assert!(count.poll(&mut first).is_pending());
        pause();
        first.as_mut().await;
        let mut second = Box::pin(sleep(MILLI * 2));
        assert!(count.poll(&mut second).is_pending());
        resume();
        second.await;
    });
}

fn it_does_not_move_while_a_task_is_ready(flavor: Flavor) {
    let Some(runtime) = still(flavor) else { return };
    runtime.block_on(async {
        let sleeper = runtime::spawn(sleep(MILLI));
        let busy: Vec<_> = (0..4)
            .map(|_| {
                runtime::spawn(async {
                    let before = Instant::now();
                    for _ in 0..2_000 {
                        task::yield_now().await;
                    }
                    assert_eq!(Instant::now(), before);
                })
            })
            .collect();
        for busy in busy {
            busy.await.unwrap();
        }
        sleeper.await.unwrap();
    });
}

fn it_does_not_move_while_a_task_is_polled(flavor: Flavor) {
    let Some(runtime) = still(flavor) else { return };
    runtime.block_on(async {
        let sleeper = runtime::spawn(sleep(MILLI));
        let busy = runtime::spawn(async {
            let before = Instant::now();
            std::thread::sleep(A_WHILE);
            assert_eq!(Instant::now(), before);
        });
        busy.await.unwrap();
        sleeper.await.unwrap();
    });
}

/// Nothing is due then, and what comes later from outside would come hours too late.
fn d30_it_does_not_move_to_a_timer_that_was_given_up(flavor: Flavor) {
    in_still_time(flavor, || async {
        let before = Instant::now();
        let count = WakeCount::new();
        for hours in [1, 2] {
            assert!(count.poll(&mut Box::pin(sleep(HOUR * hours))).is_pending());
        }
        let event = Event::new();
        let sets = event.clone();
        let outside = std::thread::spawn(move || {
            std::thread::sleep(A_WHILE);
            sets.set();
        });
        event.wait().await;
        assert_eq!(before.elapsed(), Duration::ZERO);
        outside.join().unwrap();
    });
}

fn it_does_not_move_while_a_closure_blocks(flavor: Flavor) {
    let Some(runtime) = still(flavor) else { return };
    runtime.block_on(async {
        let start = Instant::now();
        let ran = runtime::spawn(async move {
            sleep(MILLI).await;
            Instant::now()
        });
        let closure = task::spawn_blocking(|| {
            let before = Instant::now();
            std::thread::sleep(A_WHILE);
            assert_eq!(Instant::now(), before);
        });
        closure.await.unwrap();
        assert_eq!(ran.await.unwrap(), start + MILLI, "afterwards it does");
    });
}

/// One closure after the other, each woken by the one before: between two of them it must not move either.
fn it_does_not_move_between_closures(flavor: Flavor) {
    let Some(runtime) = still(flavor) else { return };
    runtime.block_on(async {
        let start = Instant::now();
        let sleeper = runtime::spawn(sleep(MILLI));
        for _ in 0..500 {
            task::spawn_blocking(|| ()).await.unwrap();
            assert_eq!(Instant::now(), start);
        }
        sleeper.await.unwrap();
    });
}

/// And between a wake from outside and the poll that follows it.
fn it_does_not_move_while_a_wake_is_on_its_way(flavor: Flavor) {
    let Some(runtime) = still(flavor) else { return };
    runtime.block_on(async {
        let start = Instant::now();
        let sleeper = runtime::spawn(sleep(MILLI));
        let rings: Arc<Vec<_>> = Arc::new((0..200).map(|_| (Event::new(), Event::new())).collect());
        let bell = rings.clone();
        // The closure keeps time still while nothing is ready; each of its wakes makes something ready.
        let waker = task::spawn_blocking(move || {
            for (ring, heard) in bell.iter() {
                ring.set();
                heard.wait_blocking();
            }
        });
        for (ring, heard) in rings.iter() {
            ring.wait().await;
            assert_eq!(Instant::now(), start);
            heard.set();
        }
        waker.await.unwrap();
        sleeper.await.unwrap();
    });
}

fn it_does_not_move_while_another_block_on_polls(flavor: Flavor) {
    // tokio moves it then.
    if cfg!(feature = "oracle") {
        return;
    }
    let Some(runtime) = still(flavor) else { return };
    let (polling, polled) = (Event::new(), Event::new());
    let (entered, left, door) = (polling.clone(), polled.clone(), runtime.handle().clone());
    let foreign = std::thread::spawn(move || {
        door.block_on(async {
            let before = Instant::now();
            entered.set();
            std::thread::sleep(A_WHILE);
            assert_eq!(Instant::now(), before);
            left.set();
        });
    });
    runtime.block_on(async {
        polling.wait().await;
        let start = Instant::now();
        sleep(MILLI).await;
        assert!(polled.is_set(), "the clock moved while a future was polled");
        assert_eq!(start.elapsed(), MILLI);
    });
    foreign.join().unwrap();
}

/// A thousand sleepers on all workers, and one hand that moves the clock.
fn one_hand_wakes_sleepers_everywhere(flavor: Flavor) {
    in_still_time(flavor, || async {
        let (asleep, awake) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let sleepers: Vec<_> = (0..1_000)
            .map(|n| {
                let (asleep, awake) = (asleep.clone(), awake.clone());
                runtime::spawn(async move {
                    let nap = sleep(MILLI * (n % 10 + 1));
                    asleep.fetch_add(1, Ordering::SeqCst);
                    nap.await;
                    awake.fetch_add(1, Ordering::SeqCst);
                })
            })
            .collect();
        while asleep.load(Ordering::SeqCst) < 1_000 {
            task::yield_now().await;
        }
        for step in 1..=10 {
            advance(MILLI).await;
            while awake.load(Ordering::SeqCst) < step * 100 {
                task::yield_now().await;
            }
            assert_eq!(awake.load(Ordering::SeqCst), step * 100, "somebody woke early");
        }
        for sleeper in sleepers {
            sleeper.await.unwrap();
        }
    });
}

fn other_runtimes_flow_on(flavor: Flavor) {
    let Some(stands) = still(flavor) else { return };
    let flows = flavor.build();
    let stood = stands.block_on(async { Instant::now() });
    let before = flows.block_on(async { Instant::now() });
    flows.block_on(async { sleep(MILLI * 3).await });
    assert!(flows.block_on(async { Instant::now() }) >= before + MILLI * 3);
    assert_eq!(stands.block_on(async { Instant::now() }), stood);
    stands.block_on(async { advance(HOUR).await });
    assert!(flows.block_on(async { Instant::now() }) < before + HOUR);
    drop(stands);
    flows.block_on(async { sleep(MILLI).await });
}

for_each_flavor!(
    time_stands_still,
    sleeping_costs_no_time_and_is_exact,
    steps_are_what_was_asked_for,
    it_flows_on_from_where_it_stood,
    timers_outlive_pauses,
    it_does_not_move_while_a_task_is_ready,
    it_does_not_move_while_a_task_is_polled,
    d30_it_does_not_move_to_a_timer_that_was_given_up,
    it_does_not_move_while_a_closure_blocks,
    it_does_not_move_between_closures,
    it_does_not_move_while_a_wake_is_on_its_way,
    it_does_not_move_while_another_block_on_polls,
    one_hand_wakes_sleepers_everywhere,
    other_runtimes_flow_on,
);

fn every_place_has_it(place: Place) {
    if cfg!(feature = "oracle") && !place.is_single_threaded() {
        return;
    }
    let world = place.build();
    let task = world.spawn(async {
        pause();
        let before = Instant::now();
        sleep(HOUR).await;
        before.elapsed()
    });
    // tokio's clock may stop in the middle of a millisecond.
    let grain = if cfg!(feature = "oracle") { MILLI } else { Duration::ZERO };
    assert!((HOUR..=HOUR + grain).contains(&world.block_on(task).unwrap()));
}

for_each_place!(every_place_has_it);

// beyond tokio
#[cfg(not(feature = "oracle"))]
mod beyond {
    use super::*;
    use runtime::time::set_auto_advance;

    // (The attribute finds its crate in the manifest, which the oracle's does not name so.)
    #[runtime::test(start_paused = true)]
    async fn the_attribute_on_one_thread() {
        let before = Instant::now();
        sleep(HOUR).await;
        assert_eq!(before.elapsed(), HOUR);
    }

    #[runtime::test(flavor = "multi_thread", worker_threads = 2, start_paused = true)]
    async fn the_attribute_on_many() {
        let before = Instant::now();
        runtime::spawn(sleep(HOUR)).await.unwrap();
        assert_eq!(before.elapsed(), HOUR);
    }

    #[runtime::test(flavor = "local", start_paused = true)]
    async fn the_attribute_on_a_local_runtime() {
        let before = Instant::now();
        task::spawn_local(sleep(HOUR)).await.unwrap();
        assert_eq!(before.elapsed(), HOUR);
    }

    fn switched_off_it_moves_by_hand_only(flavor: Flavor) {
        let runtime = still(flavor).expect("ours");
        let door = runtime.handle().clone();
        let sleeping = Event::new();
        let asleep = sleeping.clone();
        let hand = std::thread::spawn(move || {
            asleep.wait_blocking();
            std::thread::sleep(A_WHILE);
            door.block_on(async {
                advance(MILLI * 9).await;
                advance(MILLI).await;
            });
        });
        runtime.block_on(async {
            set_auto_advance(false);
            let start = Instant::now();
            let nap = sleep(MILLI * 10);
            sleeping.set();
            nap.await;
            assert_eq!(start.elapsed(), MILLI * 10);
            set_auto_advance(true);
            sleep(HOUR).await;
        });
        hand.join().unwrap();
    }

    fn switched_on_while_all_sleep_it_moves(flavor: Flavor) {
        let runtime = still(flavor).expect("ours");
        let door = runtime.handle().clone();
        let switch = std::thread::spawn(move || {
            let _inside = door.enter();
            std::thread::sleep(A_WHILE);
            set_auto_advance(true);
        });
        runtime.block_on(async {
            set_auto_advance(false);
            sleep(HOUR).await;
        });
        switch.join().unwrap();
    }

    fn paused_or_resumed_by_another_thread_while_all_sleep(flavor: Flavor) {
        let runtime = flavor.build();
        let door = runtime.handle().clone();
        let hand = std::thread::spawn(move || {
            let _inside = door.enter();
            std::thread::sleep(A_WHILE);
            pause();
        });
        runtime.block_on(async { sleep(HOUR).await });
        hand.join().unwrap();
        let door = runtime.handle().clone();
        let hand = std::thread::spawn(move || {
            let _inside = door.enter();
            std::thread::sleep(A_WHILE);
            resume();
        });
        runtime.block_on(async {
            set_auto_advance(false);
            sleep(MILLI * 2).await;
        });
        hand.join().unwrap();
    }

    for_each_flavor!(
        switched_off_it_moves_by_hand_only,
        switched_on_while_all_sleep_it_moves,
        paused_or_resumed_by_another_thread_while_all_sleep,
    );

    #[test]
    fn it_does_not_move_inside_block_in_place() {
        let _watch = runtime_tests::watchdog();
        for workers in [1, 2] {
            let runtime = still(Flavor::MultiThread(workers)).expect("ours");
            runtime.block_on(async {
                let start = Instant::now();
                let sleeper = runtime::spawn(sleep(MILLI));
                let blocks = runtime::spawn(async {
                    task::block_in_place(|| {
                        let before = Instant::now();
                        std::thread::sleep(A_WHILE);
                        assert_eq!(Instant::now(), before);
                    });
                });
                blocks.await.unwrap();
                sleeper.await.unwrap();
                assert_eq!(start.elapsed(), MILLI);
            });
        }
    }

    /// With finer timers it moves by finer steps.
    #[test]
    fn precise_timers_stand_still_as_well() {
        let _watch = runtime_tests::watchdog();
        let micros = Duration::from_micros;
        let mut builder = runtime::runtime::Builder::new_current_thread();
        let runtime = builder.precise_timers(true).start_paused(true).build().unwrap();
        runtime.block_on(async {
            let start = Instant::now();
            sleep(micros(40)).await;
            assert_eq!(start.elapsed(), micros(40));
            sleep(micros(101)).await;
            assert_eq!(start.elapsed(), micros(160), "a step is 20 us");
        });
    }
}
