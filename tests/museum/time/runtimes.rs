//! T8: a timer belongs to the runtime that it was made in.

use super::{HOUR, MILLI, nap_of};
use runtime::time::{Duration, Instant, advance, interval, sleep, timeout};
use runtime_tests::hostile::block_on;
use runtime_tests::{Event, Flavor, WakeCount, catch, for_each_flavor, still};
use std::future::pending;

fn museum_t8_reset_inside_of_another_runtime(flavor: Flavor) {
    let (one, two) = (flavor.build(), Flavor::CurrentThread.build());
    let count = WakeCount::new();
    let mut nap = nap_of(&one, HOUR);
    one.block_on(async { assert!(count.poll(&mut nap).is_pending()) });
    two.block_on(async { nap.as_mut().reset(Instant::now() + MILLI) });
    drop(two);
    one.block_on(nap.as_mut());
    assert!(nap.is_elapsed());
}

/// A timeout whose runtime is gone before its first poll panics with a reason, and can still be printed.
fn museum_t8_first_polled_after_its_runtime(flavor: Flavor) {
    if cfg!(feature = "oracle") {
        return;
    }
    let gone = flavor.build();
    let mut late = Box::pin({
        let _inside = gone.enter();
        timeout(HOUR, pending::<()>())
    });
    drop(gone);
    let panic = catch(|| WakeCount::new().poll(&mut late)).expect_err("nobody can wake it");
    assert!(panic.message.contains("shut"), "{}", panic.message);
    assert!(format!("{late:?}").contains("deadline"));
}

/// Polled inside of another runtime, by an executor that is none of ours, and dropped outside of all.
fn museum_t8_polled_and_dropped_elsewhere(flavor: Flavor) {
    let (one, two) = (flavor.build(), flavor.build());
    let (here, there) = one.block_on(async { (sleep(MILLI), timeout(MILLI, pending::<()>())) });
    let mut unfinished = nap_of(&one, HOUR);
    let count = WakeCount::new();
    assert!(count.poll(&mut unfinished).is_pending());
    drop(unfinished);
    let stop = Event::new();
    let stopped = stop.clone();
    // Somebody must be inside of a current-thread runtime for its timers to fire.
    let inside = std::thread::spawn(move || one.block_on(stopped.wait()));
    two.block_on(here);
    assert!(block_on(there).is_err());
    stop.set();
    inside.join().unwrap();
    assert_eq!(count.alive(), 0);
}

/// Time of the runtime that it was made in stands still; the other's flows.
fn museum_t8_counts_by_its_own_clock(flavor: Flavor) {
    let Some(stands) = still(flavor) else { return };
    let flows = flavor.build();
    let (mut nap, count) = (nap_of(&stands, HOUR), WakeCount::new());
    flows.block_on(async {
        assert!(count.poll(&mut nap).is_pending());
        sleep(MILLI * 2).await;
        assert!(!nap.is_elapsed());
    });
    stands.block_on(async { advance(HOUR).await });
    flows.block_on(async { nap.as_mut().await });
    assert!(nap.is_elapsed());
}

/// Nobody will ever wake it: it says so when it is polled, and everything else works.
fn museum_t8_outlives_its_runtime(flavor: Flavor) {
    let runtime = flavor.build();
    let (mut fresh, mut waits, mut over, mut every, timed) = runtime.block_on(async {
        (
            Box::pin(sleep(HOUR)),
            Box::pin(sleep(HOUR)),
            Box::pin(sleep(Duration::ZERO)),
            interval(HOUR),
            Box::pin(timeout(HOUR, pending::<()>())),
        )
    });
    let count = WakeCount::new();
    runtime.block_on(async {
        assert!(count.poll(&mut waits).is_pending());
        over.as_mut().await;
        every.tick().await;
    });
    drop(runtime);
    assert!(count.wakes() >= 1, "whoever waits is told");
    assert_eq!(count.alive(), 0);
    for nap in [&mut fresh, &mut waits] {
        let said = catch(|| block_on(nap.as_mut())).expect_err("it would wait for ever");
        assert!(cfg!(feature = "oracle") || said.message.contains("shut down"), "{}", said.message);
        nap.as_mut().reset(Instant::now() + MILLI);
        assert!(!nap.is_elapsed() && nap.deadline() > Instant::now() - HOUR);
        assert!(catch(|| block_on(nap.as_mut())).is_err());
    }
    assert!(catch(|| block_on(timed)).is_err());
    assert!(catch(|| block_on(every.tick())).is_err());
    // Another runtime does not revive it.
    let other = flavor.build();
    assert!(catch(|| other.block_on(fresh.as_mut())).is_err());
    other.block_on(async { sleep(MILLI).await });
}

/// A runtime goes while its timers are dropped, reset and polled on another thread.
fn museum_t8_races_with_the_end_of_its_runtime(flavor: Flavor) {
    for _ in 0..50 {
        let runtime = flavor.build();
        let mut naps: Vec<_> = runtime.block_on(async { (0..20).map(|_| Box::pin(sleep(HOUR))).collect() });
        let count = WakeCount::new();
        runtime.block_on(async { assert!(naps.iter_mut().all(|nap| count.poll(nap).is_pending())) });
        let other = std::thread::spawn(move || {
            for (n, mut nap) in naps.into_iter().enumerate() {
                match n % 3 {
                    0 => nap.as_mut().reset(Instant::now() + HOUR * 2),
                    1 => drop(catch(|| count.poll(&mut nap))),
                    _ => {}
                }
            }
            count
        });
        drop(runtime);
        assert_eq!(other.join().unwrap().alive(), 0);
    }
}

for_each_flavor!(
    museum_t8_reset_inside_of_another_runtime,
    museum_t8_first_polled_after_its_runtime,
    museum_t8_polled_and_dropped_elsewhere,
    museum_t8_counts_by_its_own_clock,
    museum_t8_outlives_its_runtime,
    museum_t8_races_with_the_end_of_its_runtime,
);
