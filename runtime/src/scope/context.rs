//! What code has inherited: the scope that it runs in, and the values of `context_local!` keys.
//!
//! Owns: [`Scoped`], the content of a context; [`ContextKey`], its futures, the macro.   Not here: how a context gets
//! into a task (`engine/cell/current`).
//!
//! A context never changes. Whoever adds to it makes a new one from the one in force and puts that into force while he
//! polls what he contains. So tasks share one map, and reading it takes no lock.
//!
//! The danger: user code that runs while the map is borrowed from the thread-local. A value is counted out of the map
//! before a closure sees it.

use super::Abort;
use super::cancel::runner::{Child, Runner};
use super::place::{Place, fill_seat, take_seat};
use crate::engine::{Context as Inheritance, Inherited, TaskRef, current};
use pin_project_lite::pin_project;
use std::any::{Any, type_name};
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::marker::{PhantomData, PhantomPinned};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

/// The content of a context.
pub(super) struct Scoped {
    /// What the code runs in, if it is in a scope.
    pub(super) runner: Option<Arc<Runner>>,
    /// Outside of scopes, in a child of a group that stands somewhere: where.
    pub(super) above: Option<Arc<Place>>,
    values: Values,
    /// The values that new tasks get, in a context of their own if those are not all.
    heritage: OnceLock<Heritage>,
}

/// `None` stands for no values, without memory of its own.
type Values = Option<Arc<[Entry]>>;

#[derive(Clone)]
struct Entry {
    /// The key's address.
    key: usize,
    inherited: bool,
    value: Arc<dyn Any + Send + Sync>,
}

enum Heritage {
    Nothing,
    Everything,
    Some(Arc<Inheritance>),
}

impl Scoped {
    fn new(runner: Option<Arc<Runner>>, values: Values) -> Self {
        Scoped { runner, above: None, values, heritage: OnceLock::new() }
    }

    /// No values: what is in force where a child is spawned of a group that stands at `place`, and then in that child.
    pub(super) fn at(place: &Arc<Place>) -> Self {
        let above = if place.runner.is_some() { None } else { Some(place.clone()) };
        Scoped { above, ..Scoped::new(place.runner.clone(), None) }
    }

    fn values(&self) -> &[Entry] {
        self.values.as_deref().unwrap_or(&[])
    }

    /// The same values, in another runner.
    pub(super) fn inside(outer: Option<&Scoped>, runner: Arc<Runner>) -> Self {
        Scoped::new(Some(runner), outer.and_then(|outer| outer.values.clone()))
    }

    /// The same runner, with one value more.
    fn with_value(outer: Option<&Scoped>, entry: Entry) -> Self {
        let others = outer.into_iter().flat_map(Scoped::values).filter(|other| other.key != entry.key);
        let values = others.cloned().chain([entry.clone()]).collect();
        let above = outer.and_then(|outer| outer.above.clone());
        Scoped { above, ..Scoped::new(outer.and_then(|outer| outer.runner.clone()), Some(values)) }
    }

    fn inherited_values(&self) -> Values {
        if self.values().iter().all(|entry| entry.inherited) {
            self.values.clone()
        } else {
            Some(self.values().iter().filter(|entry| entry.inherited).cloned().collect())
        }
    }

    fn heritage(&self) -> &Heritage {
        self.heritage.get_or_init(|| match self.values().iter().filter(|entry| entry.inherited).count() {
            0 => Heritage::Nothing,
            all if all == self.values().len() && self.above.is_none() => Heritage::Everything,
            _ => Heritage::Some(Inheritance::new(Scoped::new(None, self.inherited_values()))),
        })
    }
}

impl Inherited for Scoped {
    fn for_task(&self, this: &Arc<Inheritance>, task: &TaskRef) -> Option<Arc<Inheritance>> {
        let seat = take_seat();
        let place = seat.as_deref().and_then(|group| group.runner.as_ref());
        // Whom somebody outside of scopes spawns into a group stands in the scope where that stands.
        if let Some(runner) = self.runner.as_ref().or(place) {
            let header = task.header();
            let child = header.is_child().then(|| Child { id: header.id(), group: seat.clone() });
            let runner = runner.for_task(Box::new(task.clone()), child);
            if seat.is_some() {
                fill_seat(&runner);
            }
            return Some(Inheritance::new(Scoped::new(Some(runner), self.inherited_values())));
        }
        if let Some(group) = seat {
            let same = self.above.as_ref().is_some_and(|above| Arc::ptr_eq(above, &group)) && self.values.is_none();
            return Some(if same {
                this.clone()
            } else {
                Inheritance::new(Scoped { above: Some(group), ..Scoped::new(None, self.inherited_values()) })
            });
        }
        match self.heritage() {
            Heritage::Nothing => None,
            Heritage::Everything => Some(this.clone()),
            Heritage::Some(context) => Some(context.clone()),
        }
    }

    fn is_cancelled(&self) -> bool {
        self.runner.as_ref().is_some_and(|runner| runner.scope().is_signalled())
    }
}

impl Abort for TaskRef {
    fn abort(&self) {
        TaskRef::abort(self);
    }
}

/// Declares keys for values that code finds in its context: statics of type [`ContextKey`].
///
/// They are [`task_local!`](crate::task_local)'s keys, with a difference: one that is declared as `inherited` has its
/// value in tasks, too, that are spawned inside of its scope, and inside of those. For what a whole request has in common:
/// its id, its tenant, whom to charge.
///
/// ```
/// runtime::context_local! {
///     /// Which request this code works for.
///     pub inherited static REQUEST: u64;
///
///     /// Which attempt this is; a task that is spawned has none.
///     static ATTEMPT: u32;
/// }
///
/// #[runtime::main]
/// async fn main() {
///     let work = async {
///         assert_eq!((REQUEST.get(), ATTEMPT.get()), (17, 1));
///         let task = runtime::spawn(async { (REQUEST.get(), ATTEMPT.try_get().is_ok()) });
///         assert_eq!(task.await.unwrap(), (17, false));
///     };
///     REQUEST.scope(17, ATTEMPT.scope(1, work)).await;
/// }
/// ```
///
/// Values are shared between tasks, hence [`Send`] and [`Sync`], and are dropped with the last of them.
///
/// A spawn where no key has a value pays nothing for this; where one has, it counts one reference more.
#[macro_export]
macro_rules! context_local {
    () => {};
    ($(#[$attribute:meta])* $visibility:vis inherited static $name:ident: $type:ty $(; $($rest:tt)*)?) => {
        $(#[$attribute])*
        $visibility static $name: $crate::scope::ContextKey<$type> = $crate::scope::ContextKey::__new(true);
        $($crate::context_local! { $($rest)* })?
    };
    ($(#[$attribute:meta])* $visibility:vis static $name:ident: $type:ty $(; $($rest:tt)*)?) => {
        $(#[$attribute])*
        $visibility static $name: $crate::scope::ContextKey<$type> = $crate::scope::ContextKey::__new(false);
        $($crate::context_local! { $($rest)* })?
    };
    ($($other:tt)*) => {
        ::core::compile_error!(
            "`context_local!` takes declarations without a value, `static NAME: Type;` or `inherited static NAME: Type;`, \
             with attributes and visibility. The value is given where it is used: `NAME.scope(value, future)`"
        );
    };
}

/// A key for a value in the context of the code that asks, declared with [`context_local!`](crate::context_local).
pub struct ContextKey<T: 'static> {
    inherited: bool,
    _value: PhantomData<fn() -> T>,
}

impl<T: Send + Sync + 'static> ContextKey<T> {
    /// What `context_local!` expands to.
    #[doc(hidden)]
    pub const fn __new(inherited: bool) -> Self {
        ContextKey { inherited, _value: PhantomData }
    }

    fn address(&'static self) -> usize {
        std::ptr::from_ref(self) as usize
    }

    fn context_with(&'static self, value: T) -> Arc<Inheritance> {
        let entry = Entry { key: self.address(), inherited: self.inherited, value: Arc::new(value) };
        let outer = current::context();
        Inheritance::new(Scoped::with_value(outer.as_deref().and_then(Inheritance::content_as::<Scoped>), entry))
    }

    fn value(&'static self) -> Option<Arc<dyn Any + Send + Sync>> {
        let key = self.address();
        let find =
            |scoped: &Scoped| scoped.values().iter().find(|entry| entry.key == key).map(|entry| entry.value.clone());
        current::with_context(|context| context.content_as::<Scoped>().and_then(find)).flatten()
    }

    /// A future that runs `future` with `value` as the key's value.
    ///
    /// `future` sees the value, and what else was in the context of the first poll, whenever it is polled, and when it is
    /// dropped.
    ///
    /// # Cancel safety
    /// Dropping it drops `future`, which sees the value meanwhile.
    pub fn scope<F: Future>(&'static self, value: T, future: F) -> ContextFuture<T, F> {
        ContextFuture { key: self, value: Some(value), context: None, future: Some(future), _pinned: PhantomPinned }
    }

    /// Calls `closure` with `value` as the key's value.
    ///
    /// ```
    /// runtime::context_local! { static UNIT: &'static str; }
    ///
    /// let text = UNIT.sync_scope("ms", || format!("17 {}", UNIT.get()));
    /// assert_eq!(text, "17 ms");
    /// ```
    pub fn sync_scope<C: FnOnce() -> R, R>(&'static self, value: T, closure: C) -> R {
        let context = self.context_with(value);
        let _inside = current::enter_context(Some(&context));
        closure()
    }

    /// Calls `closure` with the value, if there is one.
    ///
    /// # Errors
    /// Where the key has no value; `closure` has not been called then.
    pub fn try_with<C: FnOnce(&T) -> R, R>(&'static self, closure: C) -> Result<R, NoValue> {
        let value = self.value().ok_or(NoValue(()))?;
        match value.downcast_ref::<T>() {
            Some(value) => Ok(closure(value)),
            None => unreachable!("BUG: a context key's value is not of its type"),
        }
    }

    /// Calls `closure` with the value.
    ///
    /// # Panics
    /// Where the key has no value; if `closure` panics.
    #[track_caller]
    pub fn with<C: FnOnce(&T) -> R, R>(&'static self, closure: C) -> R {
        match self.try_with(closure) {
            Ok(result) => result,
            Err(_) => no_value_here::<T>(self.inherited),
        }
    }

    /// A clone of the value.
    ///
    /// # Panics
    /// Where the key has no value.
    #[track_caller]
    pub fn get(&'static self) -> T
    where
        T: Clone,
    {
        match self.try_get() {
            Ok(value) => value,
            Err(_) => no_value_here::<T>(self.inherited),
        }
    }

    /// A clone of the value, if there is one.
    ///
    /// # Errors
    /// Where the key has no value.
    pub fn try_get(&'static self) -> Result<T, NoValue>
    where
        T: Clone,
    {
        self.try_with(T::clone)
    }
}

impl<T: 'static> fmt::Debug for ContextKey<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContextKey").field("inherited", &self.inherited).finish_non_exhaustive()
    }
}

#[cold]
#[track_caller]
fn no_value_here<T>(inherited: bool) -> ! {
    let tasks = if inherited {
        "tasks that are spawned inside inherit it"
    } else {
        "a task that is spawned inside does not have it, unless the key is declared `inherited`"
    };
    panic!(
        "no value here: a context-local of type `{}` was read outside of its scope.\n  Wrap the future in \
         `KEY.scope(value, future)`; {tasks}. Where a value may be missing use `try_with` or `try_get`.",
        type_name::<T>()
    )
}

/// The key has no value here: the caller is outside of its scopes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoValue(());

impl fmt::Display for NoValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the context-local has no value outside of its scope; wrap the future in `scope`")
    }
}

impl Error for NoValue {}

pin_project! {
    /// The future of [`ContextKey::scope`].
    #[must_use = "futures do nothing unless they are awaited or polled"]
    pub struct ContextFuture<T, F>
    where
        T: Send,
        T: Sync,
        T: 'static,
    {
        key: &'static ContextKey<T>,
        // Until the first poll.
        value: Option<T>,
        // From then on.
        context: Option<Arc<Inheritance>>,
        // `None`: it is over.
        #[pin]
        future: Option<F>,
        // Never `Unpin`, whatever the inner future is, so that it can change without breaking anyone.
        #[pin]
        _pinned: PhantomPinned,
    }

    impl<T, F> PinnedDrop for ContextFuture<T, F>
    where
        T: Send,
        T: Sync,
        T: 'static,
    {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if this.future.is_some() {
                if let Some(value) = this.value.take() {
                    *this.context = Some(this.key.context_with(value));
                }
                let _inside = current::enter_context(this.context.as_ref());
                this.future.set(None);
            }
        }
    }
}

impl<T: Send + Sync + 'static, F: Future> Future for ContextFuture<T, F> {
    type Output = F::Output;

    #[track_caller]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        if let Some(value) = this.value.take() {
            *this.context = Some(this.key.context_with(value));
        }
        let _inside = current::enter_context(this.context.as_ref());
        let Some(future) = this.future.as_mut().as_pin_mut() else {
            panic!(
                "a `ContextFuture` was polled again after it had given its output.\n  Keep the result, or use `fuse()` \
                 where a loop polls finished futures."
            );
        };
        let poll = future.poll(cx);
        if poll.is_ready() {
            // It is dropped inside, too.
            this.future.set(None);
        }
        poll
    }
}

impl<T: Send + Sync + 'static, F> fmt::Debug for ContextFuture<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContextFuture").finish_non_exhaustive()
    }
}
