//! Which types and futures of `time` may cross threads, and which must stay pinned.

use runtime::time::*;
use std::cell::Cell;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::rc::Rc;

fn send_sync<T: Send + Sync + ?Sized>() {}
fn unpin<T: Unpin + ?Sized>() {}
fn unwind<T: UnwindSafe + RefUnwindSafe + ?Sized>() {}
fn is_send_sync<T: Send + Sync>(value: T) -> T {
    value
}

/// `true` if the type has the trait: an inherent constant wins over the trait's.
macro_rules! has {
    ($type:ty: $trait:ident) => {{
        #[allow(dead_code)]
        trait No {
            const HAS: bool = false;
        }
        impl<T: ?Sized> No for T {}
        struct Probe<T: ?Sized>(std::marker::PhantomData<T>);
        #[allow(dead_code)]
        impl<T: ?Sized + $trait> Probe<T> {
            const HAS: bool = true;
        }
        <Probe<$type>>::HAS
    }};
}

type Ready = std::future::Ready<u8>;
type Local = std::future::Ready<Rc<u8>>;
type NotShared = std::future::Ready<Cell<u8>>;

#[test]
fn what_crosses_threads() {
    send_sync::<Sleep>();
    send_sync::<Interval>();
    send_sync::<Timeout<Ready>>();
    send_sync::<Instant>();
    send_sync::<MissedTickBehavior>();
    send_sync::<error::Elapsed>();
    send_sync::<error::Error>();
    unpin::<Interval>();
    unpin::<Instant>();
    unwind::<Instant>();
    assert!(has!(Timeout<NotShared>: Send) && !has!(Timeout<NotShared>: Sync));
    assert!(!has!(Timeout<Local>: Send) && !has!(Timeout<Local>: Sync));
}

#[test]
fn what_must_stay_pinned() {
    assert!(has!(Interval: Unpin), "the probe works");
    assert!(!has!(Sleep: Unpin) && !has!(Timeout<Ready>: Unpin));
}

#[test]
fn futures_of_functions_cross_threads() {
    let runtime = runtime_tests::Flavor::CurrentThread.build();
    let _inside = runtime.enter();
    let mut interval = interval(Duration::from_secs(1));
    drop(is_send_sync(interval.tick()));
    drop(is_send_sync(sleep(Duration::ZERO)));
    drop(is_send_sync(timeout(Duration::ZERO, std::future::ready(1))));
    drop(is_send_sync(advance(Duration::ZERO)));
}

#[test]
#[cfg(not(feature = "oracle"))]
fn a_queue_of_delays_is_as_what_is_in_it() {
    send_sync::<delay_queue::Key>();
    send_sync::<delay_queue::Expired<u8>>();
    send_sync::<DelayQueue<u8>>();
    unpin::<DelayQueue<std::marker::PhantomPinned>>();
    assert!(has!(DelayQueue<Cell<u8>>: Send) && !has!(DelayQueue<Cell<u8>>: Sync));
    assert!(!has!(DelayQueue<Rc<u8>>: Send));
}
