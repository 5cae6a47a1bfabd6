//! Values that belong to a task: `task_local!` and its keys.
//!
//! Owns: the macro, [`LocalKey`], [`AccessError`].
//! Not here: the future that carries a value from poll to poll (`futures`).
//!
//! A value lives in its scope: in the [`TaskLocalFuture`] while that is suspended, in a thread-local while it is polled
//! or dropped. Entering swaps the two, leaving swaps them back, so that scopes of one key nest, and the outer value
//! waits where the inner one came from.
//!
//! The danger: leaving a value behind on a thread that goes on to another task. So the way back is a guard's drop, which
//! a panic runs too. And user code inside of a borrow: a value is never dropped or replaced while the thread-local is
//! borrowed for writing, only moved; `with` lends it to user code, and scopes refuse to be entered from there.
//!
//! Rejected: a map of keys in the task's cell. Every task would pay for it, and `block_on`'s future, which is no task,
//! would have no values.

use super::futures::TaskLocalFuture;
use std::any::type_name;
use std::cell::RefCell;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::mem;
use std::thread;

/// Declares keys for values that belong to a task: statics of type [`LocalKey`].
///
/// Any number of declarations, each with its attributes and visibility. They have no initial value: a key has a value
/// inside of a [`scope`](crate::task::LocalKey::scope), and nowhere else.
///
/// ```
/// runtime::task_local! {
///     /// Who sent the request that this task works for.
///     pub static CALLER: String;
///
///     static ATTEMPT: u32;
/// }
///
/// async fn greet() -> String {
///     CALLER.with(|caller| format!("hello {caller}, attempt {}", ATTEMPT.get()))
/// }
///
/// #[runtime::main]
/// async fn main() {
///     let greeting = ATTEMPT.scope(2, CALLER.scope("Ada".to_owned(), greet())).await;
///     assert_eq!(greeting, "hello Ada, attempt 2");
///     assert!(CALLER.try_with(|_| ()).is_err());
/// }
/// ```
///
/// A task that is spawned inside of a scope does not inherit its values. To hand one on, give the new task a scope of
/// its own: `spawn(CALLER.scope(CALLER.get(), work()))`.
///
/// An initial value is refused:
///
/// ```compile_fail
/// runtime::task_local! { static ATTEMPT: u32 = 1; }
/// ```
#[macro_export]
macro_rules! task_local {
    ($($(#[$attribute:meta])* $visibility:vis static $name:ident: $type:ty);* $(;)?) => {
        $(
            $(#[$attribute])*
            $visibility static $name: $crate::task::LocalKey<$type> = {
                ::std::thread_local! {
                    static __RUNTIME_TASK_LOCAL: ::core::cell::RefCell<::core::option::Option<$type>> =
                        const { ::core::cell::RefCell::new(::core::option::Option::None) };
                }
                $crate::task::LocalKey::__new(&__RUNTIME_TASK_LOCAL)
            };
        )*
    };
    ($($other:tt)*) => {
        ::core::compile_error!(
            "`task_local!` takes declarations without a value, `static NAME: Type;`, with attributes and visibility. \
             The value is given where it is used: `NAME.scope(value, future)`"
        );
    };
}

/// A key for a value that belongs to a task, declared with [`task_local!`](crate::task_local).
///
/// Reading is cheap: it is the access of a thread-local, without a lock or a count.
///
/// Scopes nest, and the innermost counts:
///
/// ```
/// runtime::task_local! { static DEPTH: u32; }
///
/// # #[runtime::main(flavor = "current_thread")]
/// # async fn main() {
/// DEPTH
///     .scope(1, async {
///         DEPTH.scope(2, async { assert_eq!(DEPTH.get(), 2) }).await;
///         assert_eq!(DEPTH.get(), 1);
///     })
///     .await;
/// # }
/// ```
pub struct LocalKey<T: 'static> {
    place: &'static thread::LocalKey<RefCell<Option<T>>>,
}

impl<T: 'static> LocalKey<T> {
    /// What `task_local!` expands to.
    #[doc(hidden)]
    pub const fn __new(place: &'static thread::LocalKey<RefCell<Option<T>>>) -> Self {
        LocalKey { place }
    }

    /// A future that runs `future` with `value` as the key's value.
    ///
    /// `future` sees the value whenever it is polled, and when it is dropped. The value itself is dropped with the
    /// future that this returns, unless it is [taken back](TaskLocalFuture::take_value) before.
    ///
    /// # Panics
    /// Polling panics inside of a closure of [`with`](LocalKey::with) or [`try_with`](LocalKey::try_with) of the same
    /// key, which holds the value that would have to make room.
    pub fn scope<F: Future>(&'static self, value: T, future: F) -> TaskLocalFuture<T, F> {
        TaskLocalFuture::new(self, value, future)
    }

    /// Calls `closure` with `value` as the key's value, which is dropped afterwards.
    ///
    /// ```
    /// runtime::task_local! { static UNIT: &'static str; }
    ///
    /// let text = UNIT.sync_scope("ms", || format!("17 {}", UNIT.get()));
    /// assert_eq!(text, "17 ms");
    /// ```
    ///
    /// # Panics
    /// As [`scope`](LocalKey::scope), inside of a closure that holds the value; if `closure` panics.
    #[track_caller]
    pub fn sync_scope<F, R>(&'static self, value: T, closure: F) -> R
    where
        F: FnOnce() -> R,
    {
        let mut value = Some(value);
        let inside = match self.enter(&mut value) {
            Ok(inside) => inside,
            Err(refusal) => refusal.panic::<T>(),
        };
        let result = closure();
        drop(inside);
        result
    }

    /// Makes `slot`'s value the key's until the guard is dropped, and keeps the outer value in `slot` meanwhile.
    pub(super) fn enter<'a>(&'static self, slot: &'a mut Option<T>) -> Result<Inside<'a, T>, Refusal> {
        match self.place.try_with(|place| place.try_borrow_mut().map(|mut current| mem::swap(slot, &mut *current))) {
            Ok(Ok(())) => Ok(Inside { key: self, slot }),
            Ok(Err(_)) => Err(Refusal::Borrowed),
            Err(_) => Err(Refusal::ThreadEnds),
        }
    }

    /// Calls `closure` with the value.
    ///
    /// # Panics
    /// Outside of a scope of this key; if `closure` panics.
    #[track_caller]
    pub fn with<F, R>(&'static self, closure: F) -> R
    where
        F: FnOnce(&T) -> R,
    {
        match self.try_with(closure) {
            Ok(result) => result,
            Err(_) => no_value_here::<T>(),
        }
    }

    /// Calls `closure` with the value, if there is one.
    ///
    /// # Errors
    /// Outside of a scope of this key; `closure` has not been called then.
    pub fn try_with<F, R>(&'static self, closure: F) -> Result<R, AccessError>
    where
        F: FnOnce(&T) -> R,
    {
        // The borrow cannot fail: the thread-local is borrowed for writing only while values are swapped. When the
        // thread ends it is gone, and then we are outside of every scope.
        match self.place.try_with(|place| place.borrow().as_ref().map(closure)) {
            Ok(Some(result)) => Ok(result),
            Ok(None) | Err(_) => Err(AccessError(())),
        }
    }
}

impl<T: Clone + 'static> LocalKey<T> {
    /// A clone of the value.
    ///
    /// # Panics
    /// Outside of a scope of this key.
    #[track_caller]
    pub fn get(&'static self) -> T {
        match self.try_get() {
            Ok(value) => value,
            Err(_) => no_value_here::<T>(),
        }
    }

    /// A clone of the value, if there is one.
    ///
    /// # Errors
    /// Outside of a scope of this key.
    pub fn try_get(&'static self) -> Result<T, AccessError> {
        self.try_with(T::clone)
    }
}

impl<T: 'static> fmt::Debug for LocalKey<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalKey").finish_non_exhaustive()
    }
}

#[track_caller]
fn no_value_here<T>() -> ! {
    panic!(
        "no value here: a task-local of type `{}` was read outside of its scope.\n  Wrap the future in \
         `KEY.scope(value, future)`; a task that is spawned inside of a scope does not inherit the value and needs a \
         scope of its own. Where a value may be missing use `try_with` or `try_get`.",
        type_name::<T>()
    )
}

/// A value in force. Dropping it puts the outer value back into force, and the inner one back into its slot.
pub(super) struct Inside<'a, T: 'static> {
    key: &'static LocalKey<T>,
    slot: &'a mut Option<T>,
}

impl<T: 'static> Drop for Inside<'_, T> {
    fn drop(&mut self) {
        // Neither step can fail: what was borrowed inside was given back inside, and the thread-local was there when
        // this scope was entered, on this thread's stack.
        self.key.place.with(|place| mem::swap(self.slot, &mut *place.borrow_mut()));
    }
}

/// Why a scope cannot be entered.
pub(super) enum Refusal {
    Borrowed,
    ThreadEnds,
}

impl Refusal {
    #[track_caller]
    pub(super) fn panic<T>(self) -> ! {
        let (why, remedy) = match self {
            Refusal::Borrowed => (
                "a closure of `with` or `try_with` holds its value",
                "Enter the scope after the closure, or take a clone of the value with `get`.",
            ),
            Refusal::ThreadEnds => (
                "this thread ends, and its thread-locals are gone",
                "Run the future to its end before, or drop it; destructors of thread-locals come too late.",
            ),
        };
        panic!("cannot enter a scope of a task-local of type `{}`: {why}.\n  {remedy}", type_name::<T>())
    }
}

/// The key has no value here: the caller is outside of its scopes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct AccessError(());

impl fmt::Debug for AccessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessError").finish()
    }
}

impl fmt::Display for AccessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the task-local has no value outside of its scope; wrap the future in `scope`")
    }
}

impl Error for AccessError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::{Builder, Runtime};
    use crate::task::{LocalSet, yield_now};
    use std::future::{pending, poll_fn, ready};
    use std::panic::{self, AssertUnwindSafe};
    use std::pin::pin;
    use std::rc::Rc;
    use std::sync::{Arc, Mutex};
    use std::task::{Context, Poll, Waker};

    task_local! {
        static NUMBER: u32;

        /// Documented, and with an attribute.
        #[allow(dead_code)]
        pub(crate) static TEXT: String;
    }
    task_local!(static LAST_WITHOUT_SEMICOLON: Option<Vec<Box<dyn Fn() -> u8>>>);
    task_local! {}

    mod inner {
        task_local! { pub(super) static SEEN_OUTSIDE: [u8; 3]; }
    }

    /// In the order in which they were dropped.
    type Drops = Arc<Mutex<Vec<String>>>;

    /// Notes at its drop which value the key has.
    struct Looks(&'static str, Drops);

    impl Drop for Looks {
        fn drop(&mut self) {
            self.1.lock().unwrap().push(format!("{}: {:?}", self.0, NUMBER.try_get().ok()));
        }
    }

    fn block_on<R>(future: impl Future<Output = R>) -> R {
        Builder::new_current_thread().build().unwrap().block_on(future)
    }

    fn poll<F: Future + ?Sized>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
        future.poll(&mut Context::from_waker(Waker::noop()))
    }

    fn text(outcome: Result<impl Sized, Box<dyn std::any::Any + Send>>) -> String {
        let payload = outcome.err().expect("no panic");
        match payload.downcast::<String>() {
            Ok(text) => *text,
            Err(payload) => payload.downcast_ref::<&str>().expect("a panic with a text").to_string(),
        }
    }

    #[test]
    fn a_value_follows_its_task_and_no_other() {
        let rt = Runtime::new().unwrap();
        rt.block_on(async {
            let tasks: Vec<_> = (0..50u32)
                .map(|n| {
                    rt.spawn(NUMBER.scope(n, async move {
                        for _ in 0..20 {
                            assert_eq!(NUMBER.get(), n);
                            yield_now().await;
                        }
                        crate::task::spawn(async { NUMBER.try_get() }).await.unwrap()
                    }))
                })
                .collect();
            for task in tasks {
                assert!(task.await.unwrap().is_err(), "a spawned task has inherited the value");
            }
            assert!(NUMBER.try_get().is_err());
        });
    }

    #[test]
    fn scopes_nest_and_give_the_outer_value_back() {
        block_on(NUMBER.scope(1, async {
            NUMBER
                .scope(2, async {
                    yield_now().await;
                    assert_eq!(NUMBER.sync_scope(3, || NUMBER.get()), 3);
                    assert_eq!(NUMBER.get(), 2);
                })
                .await;
            assert_eq!(NUMBER.get(), 1);
            // Suspended inside of an inner scope: the outer one is in force here.
            let mut suspended = Box::pin(NUMBER.scope(4, pending::<()>()));
            assert!(poll(suspended.as_mut()).is_pending());
            assert_eq!(NUMBER.get(), 1);
            drop(suspended);
            assert_eq!(NUMBER.get(), 1);
        }));
    }

    #[test]
    fn the_future_sees_the_value_when_it_is_dropped() {
        let drops = Drops::default();
        let looking = |name, future: bool| {
            let looks = Looks(name, drops.clone());
            async move {
                let _looks = looks;
                if future {
                    pending::<()>().await;
                }
            }
        };
        drop(NUMBER.scope(1, looking("never polled", true)));
        {
            let mut suspended = pin!(NUMBER.scope(2, looking("suspended", true)));
            assert!(poll(suspended.as_mut()).is_pending());
        }
        {
            // Not an `async` block, which would drop it when it finishes: the future is dropped with its last poll.
            let looks = Looks("finished", drops.clone());
            let mut finished = pin!(NUMBER.scope(
                3,
                poll_fn(move |_| {
                    let _ = &looks;
                    Poll::Ready(())
                })
            ));
            assert!(poll(finished.as_mut()).is_ready());
            assert_eq!(drops.lock().unwrap().last().unwrap(), "finished: Some(3)");
        }
        NUMBER.sync_scope(9, || drop(NUMBER.scope(4, looking("inside of another", true))));
        {
            let mut taken = pin!(NUMBER.scope(5, looking("taken", true)));
            assert_eq!(taken.as_mut().take_value(), Some(5));
        }
        let seen = drops.lock().unwrap().join(", ");
        assert_eq!(
            seen,
            "never polled: Some(1), suspended: Some(2), finished: Some(3), inside of another: Some(4), taken: None"
        );
    }

    #[test]
    fn the_value_is_dropped_after_the_future_and_outside_of_its_scope() {
        task_local! { static LOOKS: Looks; }
        let drops = Drops::default();
        let future = Looks("future", drops.clone());
        drop(LOOKS.scope(Looks("value", drops.clone()), async move { drop(future) }));
        LOOKS.sync_scope(Looks("sync", drops.clone()), || LOOKS.with(|looks| assert_eq!(looks.0, "sync")));
        // A value that looks at its own key while it is dropped finds none, and does not meet a borrow.
        struct Own(Drops);
        impl Drop for Own {
            fn drop(&mut self) {
                let found = OWN.try_with(|_| ()).is_ok();
                self.0.lock().unwrap().push(format!("own: {found}"));
            }
        }
        task_local! { static OWN: Own; }
        drop(OWN.scope(Own(drops.clone()), ready(())));
        OWN.sync_scope(Own(drops.clone()), || ());
        assert_eq!(*drops.lock().unwrap(), ["future: None", "value: None", "sync: None", "own: false", "own: false"]);
    }

    #[test]
    fn a_panic_gives_the_outer_value_back() {
        NUMBER.sync_scope(1, || {
            let outcome = panic::catch_unwind(|| NUMBER.sync_scope(2, || panic::resume_unwind(Box::new(()))));
            assert!(outcome.is_err());
            assert_eq!(NUMBER.get(), 1);
            let mut bad = Box::pin(NUMBER.scope(3, async { panic::resume_unwind(Box::new(())) }));
            assert!(panic::catch_unwind(AssertUnwindSafe(|| poll::<TaskLocalFuture<_, _>>(bad.as_mut()))).is_err());
            assert_eq!(NUMBER.get(), 1);
            assert_eq!(bad.as_mut().take_value(), Some(3));
            // A panic in the drop of the future, too.
            struct Bad;
            impl Drop for Bad {
                fn drop(&mut self) {
                    assert_eq!(NUMBER.get(), 4);
                    panic::resume_unwind(Box::new(()));
                }
            }
            let held = Bad;
            let bad = NUMBER.scope(4, async move {
                let _held = held;
            });
            assert!(panic::catch_unwind(AssertUnwindSafe(|| drop(bad))).is_err());
            assert_eq!(NUMBER.get(), 1);
        });
        assert!(NUMBER.try_get().is_err());
    }

    #[test]
    fn reading_outside_of_a_scope_says_what_to_do_and_blames_the_caller() {
        fn line_of(read: impl FnOnce() + panic::UnwindSafe) -> (u32, String) {
            thread_local! { static LINE: std::cell::Cell<u32> = const { std::cell::Cell::new(0) }; }
            static HOOK: Mutex<()> = Mutex::new(());
            let _alone = HOOK.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            let before = Arc::new(panic::take_hook());
            let pass_on = before.clone();
            let here = std::thread::current().id();
            panic::set_hook(Box::new(move |info| {
                if std::thread::current().id() == here {
                    LINE.set(info.location().map_or(0, |location| location.line()));
                } else {
                    pass_on(info);
                }
            }));
            let message = text(panic::catch_unwind(read));
            drop(panic::take_hook());
            panic::set_hook(Box::new(move |info| before(info)));
            (LINE.get(), message)
        }
        let (line, message) = line_of(|| NUMBER.with(|_| ()));
        assert_eq!(line, line!() - 1);
        assert!(message.contains("`u32`") && message.contains("KEY.scope(value, future)"), "{message}");
        let (line, _) = line_of(|| assert_ne!(NUMBER.get(), 0));
        assert_eq!(line, line!() - 1);
        let (line, message) = line_of(|| NUMBER.sync_scope(1, || NUMBER.with(|_| NUMBER.sync_scope(2, || ()))));
        assert_eq!(line, line!() - 1);
        assert!(message.contains("a closure of `with` or `try_with` holds its value"), "{message}");
        assert!(NUMBER.try_get().is_err(), "the refused scope has left its value behind");
        let error = NUMBER.try_with(|_| ()).unwrap_err();
        assert!(error.to_string().contains("wrap the future in `scope`"));
        assert_eq!((error, format!("{error:?}")), (error, "AccessError".to_owned()));
    }

    #[test]
    fn a_scope_that_is_refused_keeps_its_future_and_value() {
        let mut scope = Box::pin(NUMBER.scope(2, async { NUMBER.get() }));
        NUMBER.sync_scope(1, || {
            let outcome = NUMBER.with(|_| panic::catch_unwind(AssertUnwindSafe(|| poll(scope.as_mut()))));
            assert!(text(outcome).starts_with("cannot enter a scope of a task-local of type `u32`"));
            assert_eq!(NUMBER.get(), 1);
            // Dropping is not refused, the future then finds the value that is in force.
            let drops = Drops::default();
            let looks = Looks("refused", drops.clone());
            let other = NUMBER.scope(3, async move { drop(looks) });
            NUMBER.with(|_| drop(other));
            assert_eq!(*drops.lock().unwrap(), ["refused: Some(1)"]);
        });
        assert_eq!(poll(scope.as_mut()), Poll::Ready(2));
        let again = panic::catch_unwind(AssertUnwindSafe(|| poll(scope.as_mut())));
        assert!(text(again).contains("polled again after it had given its output"));
        assert!(NUMBER.try_get().is_err());
        assert_eq!(scope.as_mut().take_value(), Some(2));
    }

    #[test]
    fn a_value_can_be_taken_between_polls() {
        let mut scope = Box::pin(NUMBER.scope(1, async {
            assert_eq!(NUMBER.get(), 1);
            yield_now().await;
            NUMBER.try_get().is_err()
        }));
        assert!(poll(scope.as_mut()).is_pending());
        assert_eq!(format!("{scope:?}"), "TaskLocalFuture { value: 1 }");
        assert_eq!(scope.as_mut().take_value(), Some(1));
        assert_eq!(format!("{scope:?}"), "TaskLocalFuture { value: <missing> }");
        assert_eq!(poll(scope.as_mut()), Poll::Ready(true));
    }

    #[test]
    fn values_need_be_neither_send_nor_clone() {
        task_local! { static LOCAL: Rc<std::cell::Cell<u8>>; }
        let rt = Builder::new_current_thread().build().unwrap();
        let value = Rc::new(std::cell::Cell::new(0));
        LocalSet::new().block_on(&rt, async {
            let scope = LOCAL.scope(value.clone(), async { LOCAL.with(|cell| cell.set(7)) });
            crate::task::spawn_local(scope).await.unwrap();
        });
        assert_eq!((value.get(), Rc::strong_count(&value)), (7, 1));
        LAST_WITHOUT_SEMICOLON.sync_scope(Some(vec![Box::new(|| 3)]), || {
            assert_eq!(LAST_WITHOUT_SEMICOLON.with(|made| made.as_ref().unwrap()[0]()), 3);
        });
        assert_eq!(inner::SEEN_OUTSIDE.sync_scope([1, 2, 3], || inner::SEEN_OUTSIDE.get()), [1, 2, 3]);
        assert_eq!(format!("{NUMBER:?}"), "LocalKey { .. }");
    }

    #[test]
    fn a_thread_that_ends_finds_no_value_and_enters_no_scope() {
        struct AtTheEnd(Arc<Mutex<Option<String>>>);
        impl Drop for AtTheEnd {
            fn drop(&mut self) {
                let read = TEXT.try_get().is_err();
                let entered = panic::catch_unwind(|| TEXT.sync_scope(String::new(), || ()));
                // Dropping a scope works nevertheless.
                drop(TEXT.scope(String::new(), async {}));
                *self.0.lock().unwrap() = Some(format!("{read} {}", text(entered)));
            }
        }
        thread_local! { static END: RefCell<Option<AtTheEnd>> = const { RefCell::new(None) }; }
        let seen = Arc::new(Mutex::new(None));
        let note = seen.clone();
        let thread = std::thread::spawn(move || {
            // Registered first, hence destroyed last (on the platforms that have an order).
            END.set(Some(AtTheEnd(note)));
            TEXT.sync_scope("some".to_owned(), || ());
        });
        thread.join().unwrap();
        let seen = seen.lock().unwrap().take().unwrap();
        assert!(seen.starts_with("true cannot enter a scope") && seen.contains("this thread ends"), "{seen}");
    }

    #[test]
    fn auto_traits() {
        fn send_sync<T: Send + Sync>(_: &T) {}
        send_sync(&NUMBER.scope(1, ready(())));
        task_local! { static RC: Rc<u8>; }
        send_sync::<LocalKey<Rc<u8>>>(&RC);
    }
}
