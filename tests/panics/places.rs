//! `spawn_local` and `block_in_place`: where they are allowed, and what they say where they are not.

use runtime::runtime::{Builder, LocalRuntime};
use runtime::task::{self, LocalSet, block_in_place, spawn_blocking, spawn_local};
use runtime_tests::{Flavor, assert_panics_here, watchdog};
use std::future::ready;

fn local_runtime() -> LocalRuntime {
    Builder::new_current_thread().enable_all().build_local(Default::default()).unwrap()
}

#[test]
fn d21_spawn_local_where_nothing_is_local() {
    let _watch = watchdog();
    for flavor in [Flavor::CurrentThread, Flavor::MultiThread(1)] {
        let runtime = flavor.build();
        assert_panics_here!(spawn_local(ready(())), "spawn_local", "LocalSet");
        {
            let _inside = runtime.enter();
            assert_panics_here!(spawn_local(ready(())), "spawn_local", "LocalSet");
        }
        let set = LocalSet::new();
        set.block_on(&runtime, async {
            // A task of the runtime's is not the set's, on whatever thread.
            let spawned = task::spawn(async { assert_panics_here!(spawn_local(ready(())), "spawn_local", "LocalSet") });
            spawned.await.unwrap();
            let blocking = spawn_blocking(|| assert_panics_here!(spawn_local(ready(())), "spawn_local", "LocalSet"));
            blocking.await.unwrap();
            assert_eq!(spawn_local(ready(1)).await.unwrap(), 1);
        });
        assert_panics_here!(spawn_local(ready(())), "spawn_local", "LocalSet");
    }
}

#[test]
fn d21_spawn_local_of_builder_and_set_of_tasks() {
    let _watch = watchdog();
    let runtime = Flavor::CurrentThread.build();
    runtime.block_on(async {
        let mut set = task::JoinSet::new();
        assert_panics_here!(set.spawn_local(ready(())), "spawn_local", "LocalSet");
        assert_panics_here!(set.build_task().name("x").spawn_local(ready(())), "spawn_local", "LocalSet");
        assert_panics_here!(task::Builder::new().spawn_local(ready(())), "spawn_local", "LocalSet");
    });
    assert_panics_here!(task::Builder::new().spawn(ready(())), "no runtime here");
    assert_panics_here!(task::Builder::new().spawn_blocking(|| ()), "no runtime here");
    let mut set = task::JoinSet::new();
    assert_panics_here!(set.build_task().spawn(ready(())), "no runtime here");
    assert_panics_here!(set.build_task().spawn_blocking(|| ()), "no runtime here");
}

#[test]
fn d21_spawn_local_beside_a_local_runtime() {
    let _watch = watchdog();
    let local = local_runtime();
    local.block_on(async {
        assert_eq!(spawn_local(ready(1)).await.unwrap(), 1);
        let blocking = spawn_blocking(|| assert_panics_here!(spawn_local(ready(())), "spawn_local"));
        blocking.await.unwrap();
    });
    assert_panics_here!(spawn_local(ready(())), "spawn_local");
}

#[test]
fn d21_block_in_place_on_one_thread() {
    let _watch = watchdog();
    // Nobody has to wait for whoever polls nothing.
    assert_eq!(block_in_place(|| 1), 1);
    let runtime = Flavor::CurrentThread.build();
    {
        let _inside = runtime.enter();
        assert_eq!(block_in_place(|| 1), 1);
    }
    runtime.block_on(async {
        assert_panics_here!(block_in_place(|| ()), "block in place", "multi");
        task::spawn(async { assert_panics_here!(block_in_place(|| ()), "block in place", "multi") }).await.unwrap();
        assert_eq!(spawn_blocking(|| block_in_place(|| 1)).await.unwrap(), 1);
    });
    let local = local_runtime();
    local.block_on(async {
        assert_panics_here!(block_in_place(|| ()), "block in place");
        spawn_local(async { assert_panics_here!(block_in_place(|| ()), "block in place") }).await.unwrap();
    });
    LocalSet::new().block_on(&runtime, async { assert_panics_here!(block_in_place(|| ()), "block in place") });
}

/// The one that polls decides, not the one that was entered inside: it blocked a runtime's only thread.
#[test]
fn d21_block_in_place_is_not_allowed_by_entering_another_runtime() {
    let _watch = watchdog();
    let (one, many) = (Flavor::CurrentThread.build(), Flavor::MultiThread(2).build());
    one.block_on(async {
        let _inside = many.enter();
        assert_panics_here!(block_in_place(|| ()), "block in place", "multi");
    });
    local_runtime().block_on(async {
        let _inside = many.enter();
        assert_panics_here!(block_in_place(|| ()), "block in place");
    });
    let handle = one.handle().clone();
    many.block_on(async {
        let _inside = handle.enter();
        assert_eq!(block_in_place(|| 1), 1);
    });
    let handle = one.handle().clone();
    let task = many.spawn(async move {
        let _inside = handle.enter();
        block_in_place(|| 1)
    });
    assert_eq!(many.block_on(task).unwrap(), 1);
}
