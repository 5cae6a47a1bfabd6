//! The end of a driver under every interleaving that loom finds: against who registers, who waits, and an event.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use loom::sync::Arc;
use loom::thread;

use super::Registry;
use crate::model::{enter, event, flag, woken};
use crate::ready::{Direction, Interest, Ready};
use crate::slots::Refused;

/// Whoever registers while the driver shuts down is refused, told at once, or woken and then told.
///
/// Planted: `Slots::insert` without looking at `shut`; `Registry::shut` that marks after it has woken;
/// `Waiters::take_all` that leaves the seats.
#[test]
fn museum_s8_registering_against_shutdown() {
    loom::model(|| {
        let registry = Arc::new(Registry::new());
        let stopper = {
            let registry = Arc::clone(&registry);
            thread::spawn(move || registry.shut(Waker::wake))
        };
        let source = match enter(&registry) {
            Ok(source) => source,
            Err(refused) => {
                assert_eq!(refused, Refused::ShutDown);
                stopper.join().unwrap();
                return;
            }
        };
        let (seat, seat_waker) = flag();
        let (bench, bench_waker) = flag();
        let mut seat_cx = Context::from_waker(&seat_waker);
        let mut wait = pin!(source.ready(Interest::WRITABLE));
        let at_seat = source.poll_ready(Direction::Read, &mut seat_cx);
        let on_bench = wait.as_mut().poll(&mut Context::from_waker(&bench_waker));
        stopper.join().unwrap();
        assert!(matches!(at_seat, Poll::Ready(Err(_))) || woken(&seat));
        assert!(matches!(on_bench, Poll::Ready(Err(_))) || woken(&bench));
        assert!(matches!(source.poll_ready(Direction::Read, &mut seat_cx), Poll::Ready(Err(_))));
    });
}

/// However a shutdown meets a waiter and an event: afterwards no source keeps a waker, so that one that owns its source
/// does not keep both alive.
///
/// Planted: `poll_seat` that leaves its waker in the seat of a source that is shut.
#[test]
fn d27_after_a_shutdown_no_source_keeps_a_waker() {
    loom::model(|| {
        let registry = Arc::new(Registry::new());
        let source = enter(&registry).unwrap();
        let key = source.key.to_bits();
        let kernel = {
            let registry = Arc::clone(&registry);
            thread::spawn(move || event(&registry, key, Ready::READABLE))
        };
        let stopper = {
            let registry = Arc::clone(&registry);
            thread::spawn(move || registry.shut(Waker::wake))
        };
        let (flag, waker) = flag();
        let polled = source.poll_ready(Direction::Read, &mut Context::from_waker(&waker));
        drop(waker);
        kernel.join().unwrap();
        stopper.join().unwrap();
        assert!(polled.is_ready() || woken(&flag));
        assert_eq!(std::sync::Arc::strong_count(&flag), 1, "a seat keeps its waker");
    });
}
