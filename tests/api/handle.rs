//! `Handle`, `EnterGuard`, `TryCurrentError`.

use runtime::runtime::{Handle, RuntimeFlavor};
use runtime::task;
use runtime_tests::{Event, Flavor, for_each_flavor, watchdog};

fn current_is_the_runtime_that_was_entered(flavor: Flavor) {
    let (one, two) = (flavor.build(), flavor.build());
    {
        let _one = one.enter();
        assert_eq!(Handle::current().id(), one.handle().id());
        {
            let _two = two.enter();
            assert_eq!(Handle::current().id(), two.handle().id());
        }
        assert_eq!(Handle::current().id(), one.handle().id());
    }
    assert!(Handle::try_current().is_err());
}

fn current_inside_tasks_closures_and_block_on(flavor: Flavor) {
    let runtime = flavor.build();
    let id = runtime.handle().id();
    runtime.block_on(async {
        assert_eq!(Handle::current().id(), id);
        assert_eq!(runtime::spawn(async { Handle::current().id() }).await.unwrap(), id);
        assert_eq!(task::spawn_blocking(|| Handle::current().id()).await.unwrap(), id);
    });
}

fn flavor_is_told(flavor: Flavor) {
    let runtime = flavor.build();
    let expected = match flavor {
        Flavor::MultiThread(_) => RuntimeFlavor::MultiThread,
        Flavor::CurrentThread => RuntimeFlavor::CurrentThread,
    };
    assert_eq!(runtime.handle().runtime_flavor(), expected);
}

fn block_on_from_a_closure(flavor: Flavor) {
    let runtime = flavor.build();
    let result = runtime.block_on(async {
        task::spawn_blocking(|| Handle::current().block_on(async { runtime::spawn(async { 6 }).await.unwrap() })).await
    });
    assert_eq!(result.unwrap(), 6);
}

fn block_on_from_a_plain_thread(flavor: Flavor) {
    let runtime = flavor.build();
    let handle = runtime.handle().clone();
    let done = Event::new();
    let ends = done.clone();
    let thread = std::thread::spawn(move || {
        let result = handle.block_on(async { runtime::spawn(async { 6 }).await.unwrap() });
        ends.set();
        result
    });
    // Tasks of a current-thread runtime need its own block_on.
    runtime.block_on(done.wait());
    assert_eq!(thread.join().unwrap(), 6);
}

fn clones_are_the_same_runtime(flavor: Flavor) {
    let runtime = flavor.build();
    let handle = runtime.handle().clone();
    assert_eq!(handle.id(), handle.clone().id());
    assert!(!handle.id().to_string().is_empty());
    let spawned = handle.spawn(async { 1 });
    assert_eq!(runtime.block_on(spawned).unwrap(), 1);
    assert_eq!(runtime.block_on(handle.spawn_blocking(|| 2)).unwrap(), 2);
}

fn a_handle_does_not_keep_the_runtime_alive(flavor: Flavor) {
    let runtime = flavor.build();
    let handle = runtime.handle().clone();
    let drops = runtime_tests::Drops::new();
    let held = drops.probe();
    drop(runtime.spawn(async move {
        let _held = held;
        std::future::pending::<()>().await;
    }));
    drop(runtime);
    assert_eq!(drops.count(), 1);
    drop(handle);
}

fn block_on_when_the_runtime_is_gone(flavor: Flavor) {
    let runtime = flavor.build();
    let handle = runtime.handle().clone();
    drop(runtime);
    let cancelled = handle.block_on(async {
        runtime::task::yield_now().await;
        let spawned = runtime::spawn(async {}).await;
        let closure = runtime::task::spawn_blocking(|| ()).await;
        spawned.unwrap_err().is_cancelled() && closure.unwrap_err().is_cancelled()
    });
    assert!(cancelled);
}

fn enter_guards_may_be_held_across_a_block_on(flavor: Flavor) {
    let (one, two) = (flavor.build(), flavor.build());
    let _one = one.enter();
    two.block_on(async { assert_eq!(Handle::current().id(), two.handle().id()) });
    assert_eq!(Handle::current().id(), one.handle().id());
}

for_each_flavor!(
    current_is_the_runtime_that_was_entered,
    current_inside_tasks_closures_and_block_on,
    flavor_is_told,
    block_on_from_a_closure,
    block_on_from_a_plain_thread,
    clones_are_the_same_runtime,
    a_handle_does_not_keep_the_runtime_alive,
    block_on_when_the_runtime_is_gone,
    enter_guards_may_be_held_across_a_block_on
);

#[test]
fn try_current_says_what_is_missing() {
    let _watch = watchdog();
    let error = Handle::try_current().unwrap_err();
    assert!(error.is_missing_context());
    assert!(!error.is_thread_local_destroyed());
    assert!(!error.to_string().is_empty());
    let _: &dyn std::error::Error = &error;
}

#[test]
fn a_thread_that_entered_no_runtime_is_outside_also_while_others_are_inside() {
    let _watch = watchdog();
    let runtime = Flavor::MultiThread(2).build();
    let _inside = runtime.enter();
    assert!(std::thread::spawn(|| Handle::try_current().is_err()).join().unwrap());
}
