//! Where a test's tasks run: every test that can runs in all of them.

use runtime::runtime::{Builder, LocalRuntime, Runtime};
use runtime::task::{JoinHandle, LocalSet};
use std::future::Future;

/// A kind of runtime that runs `Send` tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavor {
    /// `Builder::new_multi_thread` with this many workers.
    MultiThread(usize),
    /// `Builder::new_current_thread`.
    CurrentThread,
}

impl Flavor {
    /// A builder of this flavor with nothing else set.
    pub fn builder(self) -> Builder {
        match self {
            Flavor::MultiThread(workers) => {
                let mut builder = Builder::new_multi_thread();
                builder.worker_threads(workers);
                // The engine without its safety net, to find what it hides; tests of the net itself fail then.
                #[cfg(not(feature = "oracle"))]
                if std::env::var_os("WITHOUT_RESCUE").is_some() {
                    builder.without_rescue();
                }
                builder
            }
            Flavor::CurrentThread => Builder::new_current_thread(),
        }
    }

    /// A runtime of this flavor with everything enabled.
    pub fn build(self) -> Runtime {
        self.builder().enable_all().build().expect("no runtime")
    }

    /// The same without the guarantor's rescues: what they would hide is late, or never comes.
    #[cfg(not(feature = "oracle"))]
    pub fn build_without_rescue(self) -> Runtime {
        self.builder().without_rescue().enable_all().build().expect("no runtime")
    }

    /// Does it have threads of its own?
    pub fn is_multi_thread(self) -> bool {
        matches!(self, Flavor::MultiThread(_))
    }
}

/// Who runs a task: a runtime's own scheduler, a `LocalSet` on a current-thread runtime, or a `LocalRuntime`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Spawned on a multi-thread runtime with two workers.
    MultiThread,
    /// Spawned on a current-thread runtime.
    CurrentThread,
    /// `spawn_local` in a `LocalSet`.
    LocalSet,
    /// `spawn_local` in a `LocalRuntime`.
    LocalRuntime,
}

impl Place {
    /// Builds it.
    pub fn build(self) -> World {
        match self {
            Place::MultiThread => World::Runtime(Flavor::MultiThread(2).build()),
            Place::CurrentThread => World::Runtime(Flavor::CurrentThread.build()),
            Place::LocalSet => World::LocalSet(LocalSet::new(), Flavor::CurrentThread.build()),
            Place::LocalRuntime => {
                let local = Builder::new_current_thread().enable_all().build_local(Default::default());
                World::LocalRuntime(local.expect("no runtime"))
            }
        }
    }

    /// Does it poll tasks only while someone is inside [`World::block_on`]?
    pub fn is_single_threaded(self) -> bool {
        self != Place::MultiThread
    }
}

/// A [`Place`] that stands. Dropping it drops its tasks.
pub enum World {
    /// Either flavor of `Runtime`.
    Runtime(Runtime),
    /// A set, and the runtime that drives it. The set is dropped first.
    LocalSet(LocalSet, Runtime),
    /// A runtime for `!Send` tasks.
    LocalRuntime(LocalRuntime),
}

impl World {
    /// Spawns a task, from outside of the world.
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        match self {
            World::Runtime(runtime) => runtime.spawn(future),
            World::LocalSet(set, _) => set.spawn_local(future),
            World::LocalRuntime(local) => local.spawn_local(future),
        }
    }

    /// Drives the world until `future` is ready.
    #[track_caller]
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        match self {
            World::Runtime(runtime) => runtime.block_on(future),
            World::LocalSet(set, runtime) => set.block_on(runtime, future),
            World::LocalRuntime(local) => local.block_on(future),
        }
    }

    /// Drives the world until `condition` holds.
    #[track_caller]
    pub fn run_until(&self, what: &str, mut condition: impl FnMut() -> bool) {
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
        self.block_on(async {
            while !condition() {
                assert!(std::time::Instant::now() < deadline, "waited 10 s in vain for: {what}");
                runtime::task::yield_now().await;
            }
        });
    }
}

/// Makes a test of each function `fn(Flavor)` for each flavor, under the usual watchdog.
#[macro_export]
macro_rules! for_each_flavor {
    ($($test:ident),+ $(,)?) => {$(
        mod $test {
            #[test]
            fn multi_thread() {
                let _watch = $crate::watchdog();
                super::$test($crate::Flavor::MultiThread(2));
            }

            #[test]
            fn one_worker() {
                let _watch = $crate::watchdog();
                super::$test($crate::Flavor::MultiThread(1));
            }

            #[test]
            fn current_thread() {
                let _watch = $crate::watchdog();
                super::$test($crate::Flavor::CurrentThread);
            }
        }
    )+};
}

/// Makes a test of each function `fn(Place)` for each place, under the usual watchdog.
#[macro_export]
macro_rules! for_each_place {
    ($($test:ident),+ $(,)?) => {$(
        mod $test {
            #[test]
            fn multi_thread() {
                let _watch = $crate::watchdog();
                super::$test($crate::Place::MultiThread);
            }

            #[test]
            fn current_thread() {
                let _watch = $crate::watchdog();
                super::$test($crate::Place::CurrentThread);
            }

            #[test]
            fn local_set() {
                let _watch = $crate::watchdog();
                super::$test($crate::Place::LocalSet);
            }

            #[test]
            fn local_runtime() {
                let _watch = $crate::watchdog();
                super::$test($crate::Place::LocalRuntime);
            }
        }
    )+};
}
