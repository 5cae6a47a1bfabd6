//! `spawn`, from everywhere.

use runtime::runtime::Handle;
use runtime::task;
use runtime_tests::{Drops, Event, Flavor, Place, for_each_flavor, for_each_place, watchdog};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

fn many_tasks_all_run_once(place: Place) {
    let world = place.build();
    let ran = Arc::new(AtomicUsize::new(0));
    let handles: Vec<_> = (0..1_000)
        .map(|number| {
            let ran = ran.clone();
            world.spawn(async move {
                ran.fetch_add(1, Ordering::SeqCst);
                task::yield_now().await;
                number
            })
        })
        .collect();
    world.block_on(async {
        for (number, handle) in handles.into_iter().enumerate() {
            assert_eq!(handle.await.unwrap(), number);
        }
    });
    assert_eq!(ran.load(Ordering::SeqCst), 1_000);
}

fn a_big_future_and_a_big_output(place: Place) {
    let world = place.build();
    let bytes = [7_u8; 32 * 1024];
    let handle = world.spawn(async move {
        task::yield_now().await;
        bytes
    });
    let output = world.block_on(handle).unwrap();
    assert!(output.iter().all(|byte| *byte == 7));
}

fn aligned_futures_and_outputs_stay_aligned(place: Place) {
    #[repr(align(256))]
    struct Aligned(u8);
    fn is_aligned(value: &Aligned) -> bool {
        std::ptr::from_ref(value).addr().is_multiple_of(256)
    }
    let world = place.build();
    let held = Aligned(1);
    let handle = world.spawn(async move {
        assert!(is_aligned(&held));
        task::yield_now().await;
        assert!(is_aligned(&held));
        Aligned(held.0 + 1)
    });
    assert_eq!(world.block_on(handle).unwrap().0, 2);
}

fn zero_sized_futures_and_outputs(place: Place) {
    let world = place.build();
    let handle = world.spawn(std::future::ready(()));
    world.block_on(handle).unwrap();
}

fn tasks_spawn_tasks(place: Place) {
    let world = place.build();
    let drops = Drops::new();
    let probes = drops.clone();
    fn tree(place: Place, depth: usize, probes: Drops) -> std::pin::Pin<Box<dyn Future<Output = usize> + Send>> {
        Box::pin(async move {
            let _held = probes.probe();
            if depth == 0 {
                return 1;
            }
            let spawn = || match place {
                Place::LocalSet | Place::LocalRuntime => task::spawn_local(tree(place, depth - 1, probes.clone())),
                _ => runtime::spawn(tree(place, depth - 1, probes.clone())),
            };
            let (left, right) = (spawn(), spawn());
            1 + left.await.unwrap() + right.await.unwrap()
        })
    }
    let handle = world.spawn(tree(place, 8, probes));
    assert_eq!(world.block_on(handle).unwrap(), 511);
    drop(world);
    assert_eq!((drops.made(), drops.alive()), (511, 0));
}

fn the_closure_of_a_task_sees_its_runtime(place: Place) {
    let world = place.build();
    let seen = world.block_on(world.spawn(async { Handle::try_current().is_ok() }));
    assert!(seen.unwrap());
}

for_each_place!(
    many_tasks_all_run_once,
    a_big_future_and_a_big_output,
    aligned_futures_and_outputs_stay_aligned,
    zero_sized_futures_and_outputs,
    tasks_spawn_tasks,
    the_closure_of_a_task_sees_its_runtime
);

fn from_the_free_function_the_handle_and_the_runtime(flavor: Flavor) {
    let runtime = flavor.build();
    let sum = runtime.block_on(async {
        let free = runtime::spawn(async { 1 });
        let in_task = task::spawn(async { 2 });
        let by_handle = Handle::current().spawn(async { 4 });
        free.await.unwrap() + in_task.await.unwrap() + by_handle.await.unwrap()
    });
    assert_eq!(sum, 7);
    let _inside = runtime.enter();
    let handle = runtime::spawn(async { 8 });
    drop(_inside);
    assert_eq!(runtime.block_on(handle).unwrap(), 8);
}

fn from_a_plain_thread(flavor: Flavor) {
    let runtime = flavor.build();
    let handle = runtime.handle().clone();
    let joined: Vec<_> =
        std::thread::spawn(move || (0..100).map(|n| handle.spawn(async move { n })).collect::<Vec<_>>())
            .join()
            .unwrap();
    let sum = runtime.block_on(async {
        let mut sum = 0;
        for handle in joined {
            sum += handle.await.unwrap();
        }
        sum
    });
    assert_eq!(sum, 4950);
}

fn from_the_drop_of_a_task(flavor: Flavor) {
    let runtime = flavor.build();
    let done = Event::new();
    let ends = done.clone();
    let guard = runtime_tests::probe::OnDrop(move || {
        let ends = ends.clone();
        drop(runtime::spawn(async move { ends.set() }));
    });
    let handle = runtime.spawn(async move {
        let _guard = guard;
        std::future::pending::<()>().await;
    });
    runtime.block_on(task::yield_now());
    handle.abort();
    runtime.block_on(done.wait());
}

fn after_the_runtime_is_gone_gives_a_cancelled_task(flavor: Flavor) {
    let runtime = flavor.build();
    let handle = runtime.handle().clone();
    drop(runtime);
    let drops = Drops::new();
    let held = drops.probe();
    let task = handle.spawn(async move {
        let _held = held;
    });
    assert_eq!(drops.count(), 1, "the future is dropped at once");
    assert!(task.is_finished());
    let other = flavor.build();
    assert!(other.block_on(task).unwrap_err().is_cancelled());
}

for_each_flavor!(
    from_the_free_function_the_handle_and_the_runtime,
    from_a_plain_thread,
    from_the_drop_of_a_task,
    after_the_runtime_is_gone_gives_a_cancelled_task
);

#[test]
fn tasks_of_a_multi_thread_runtime_run_without_block_on() {
    let _watch = watchdog();
    let runtime = Flavor::MultiThread(1).build();
    let done = Event::new();
    let ends = done.clone();
    drop(runtime.spawn(async move { ends.set() }));
    done.wait_blocking();
}

#[test]
fn tasks_of_a_current_thread_runtime_wait_for_block_on() {
    let _watch = watchdog();
    let runtime = Flavor::CurrentThread.build();
    let done = Event::new();
    let ends = done.clone();
    drop(runtime.spawn(async move { ends.set() }));
    assert!(!done.wait_blocking_for(std::time::Duration::from_millis(20)));
    runtime.block_on(done.wait());
}
