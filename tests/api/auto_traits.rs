//! Send, Sync, Unpin, UnwindSafe of every public type of `runtime` and `task`, for payloads of every kind.
//!
//! A wrong table does not compile against the wrong type: what is expected to be missing is checked by an ambiguity,
//! what is expected to be there by a bound.

use runtime::runtime as rt;
use runtime::task;
use std::cell::Cell;
use std::future::{Pending, Ready};
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::rc::Rc;
use std::sync::MutexGuard;

/// Send but not Sync.
type SendOnly = Cell<u8>;
/// Neither.
type Neither = Rc<u8>;
/// Sync but not Send.
type SyncOnly = MutexGuard<'static, u8>;

/// `answers!(Type: Trait)` is whether the type has the trait.
macro_rules! answers {
    ($type:ty: $trait:path) => {{
        #[allow(dead_code)]
        trait Fallback {
            const ANSWER: bool = false;
        }
        impl<T: ?Sized> Fallback for T {}
        struct Asked<T: ?Sized>(std::marker::PhantomData<T>);
        #[allow(dead_code)]
        impl<T: ?Sized + $trait> Asked<T> {
            const ANSWER: bool = true;
        }
        <Asked<$type>>::ANSWER
    }};
}

/// A row: type, then Send Sync Unpin UnwindSafe RefUnwindSafe as `y` or `n` (`_`: not promised).
macro_rules! table {
    ($($type:ty: $send:tt $sync:tt $unpin:tt $unwind:tt $ref_unwind:tt;)+) => {
        let mut wrong = Vec::new();
        $(
            let answers = [
                answers!($type: Send),
                answers!($type: Sync),
                answers!($type: Unpin),
                answers!($type: UnwindSafe),
                answers!($type: RefUnwindSafe),
            ];
            let expected =
                [stringify!($send), stringify!($sync), stringify!($unpin), stringify!($unwind), stringify!($ref_unwind)];
            let names = ["Send", "Sync", "Unpin", "UnwindSafe", "RefUnwindSafe"];
            for ((name, answer), expected) in names.iter().zip(answers).zip(expected) {
                if expected != "_" && (expected == "y") != answer {
                    wrong.push(format!("{}: {name} is {answer}", stringify!($type)));
                }
            }
        )+
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    };
}

#[test]
fn of_the_module_runtime() {
    table! {
        rt::Builder: y y y _ _;
        rt::Runtime: y y y y y;
        rt::Handle: y y y y y;
        rt::EnterGuard<'static>: n y y _ _;
        rt::RuntimeMetrics: y y y y y;
        rt::RuntimeFlavor: y y y y y;
        rt::TryCurrentError: y y y y y;
        rt::Id: y y y y y;
        rt::LocalRuntime: n n y y y;
        rt::LocalOptions: n n y _ _;
    }
}

#[test]
fn of_the_module_task() {
    table! {
        task::JoinHandle<u8>: y y y y y;
        task::JoinHandle<SendOnly>: y y y y y;
        task::JoinHandle<Neither>: n n y y y;
        task::JoinHandle<SyncOnly>: n n y y y;
        task::JoinSet<u8>: y y y _ _;
        task::JoinSet<SendOnly>: y y y _ _;
        task::JoinSet<Neither>: n n y _ _;
        task::AbortHandle: y y y y y;
        task::JoinError: y y y _ _;
        task::Id: y y y y y;
        task::LocalSet: n n y _ _;
        task::LocalEnterGuard: n n _ _ _;
        task::LocalKey<u8>: y y y _ _;
        task::LocalKey<Neither>: _ _ y _ _;
        task::futures::TaskLocalFuture<u8, Ready<u8>>: y y n _ _;
        task::futures::TaskLocalFuture<Neither, Ready<u8>>: n n n _ _;
        task::futures::TaskLocalFuture<SendOnly, Ready<u8>>: y n n _ _;
        task::futures::TaskLocalFuture<u8, std::marker::PhantomPinned>: y y n _ _;
        task::coop::RestoreOnPending: n n y _ _;
        task::coop::Unconstrained<Pending<u8>>: y y y _ _;
        task::coop::Unconstrained<Ready<Neither>>: n n y _ _;
        task::coop::Coop<Ready<u8>>: y y y _ _;
        task::coop::Coop<Ready<Neither>>: n n y _ _;
    }
}

#[cfg(not(feature = "oracle"))]
#[test]
fn of_pools_for_closures() {
    table! {
        task::BlockingPool: y y y y y;
        task::BlockingPoolBuilder: y y y y y;
        task::BlockingMap<u8>: y y y y y;
        task::BlockingMap<SendOnly>: y y y y y;
        task::BlockingMap<Neither>: n n y y y;
        task::TrySpawnError<SendOnly>: y n y y n;
        task::TrySpawnError<SyncOnly>: n y y y y;
    }
}

/// Whether a value of a type that has no name has the traits.
fn check<T: Send + Sync>(_: &T) {}

#[test]
fn of_futures_without_names() {
    let mut set = task::JoinSet::<SendOnly>::new();
    check(&set.join_next());
    check(&set.join_next_with_id());
    check(&set.shutdown());
    check(&task::yield_now());
    check(&task::coop::consume_budget());
}

/// What may be spawned where is a matter of bounds.
#[test]
fn bounds_accept_what_they_should() {
    fn spawns<F: Future + Send + 'static>(runtime: &rt::Runtime, future: F) -> task::JoinHandle<F::Output>
    where
        F::Output: Send + 'static,
    {
        runtime.spawn(future)
    }
    let runtime = runtime_tests::Flavor::CurrentThread.build();
    let handle = spawns(&runtime, async { SendOnly::new(1) });
    assert_eq!(runtime.block_on(handle).unwrap().get(), 1);
}
