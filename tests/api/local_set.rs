//! `LocalSet`, `spawn_local`.

use runtime::task::{self, LocalSet};
use runtime_tests::{Drops, Event, Flavor, for_each_flavor, planned_panic};
use std::cell::{Cell, RefCell};
use std::future::pending;
use std::rc::Rc;

fn runs_tasks_that_are_not_send(flavor: Flavor) {
    let runtime = flavor.build();
    let set = LocalSet::new();
    let value = Rc::new(Cell::new(1));
    let other = value.clone();
    let handle = set.spawn_local(async move {
        task::yield_now().await;
        other.set(2);
        other
    });
    let back = set.block_on(&runtime, handle).unwrap();
    assert!(Rc::ptr_eq(&back, &value));
    assert_eq!(value.get(), 2);
}

fn runs_them_on_the_thread_that_drives_it(flavor: Flavor) {
    let runtime = flavor.build();
    let here = std::thread::current().id();
    let set = LocalSet::new();
    set.block_on(&runtime, async {
        let handles: Vec<_> = (0..10)
            .map(|_| {
                task::spawn_local(async {
                    task::yield_now().await;
                    std::thread::current().id()
                })
            })
            .collect();
        for handle in handles {
            assert_eq!(handle.await.unwrap(), here);
        }
    });
}

fn run_until_leaves_the_rest_for_later(flavor: Flavor) {
    let runtime = flavor.build();
    let set = LocalSet::new();
    let gate = Event::new();
    let waits = gate.clone();
    let task = async move {
        waits.wait().await;
        Rc::new(6)
    };
    let handle = runtime.block_on(set.run_until(async { Some(task::spawn_local(task)) }));
    let handle = handle.expect("the handle");
    assert!(!handle.is_finished());
    gate.set();
    assert_eq!(*runtime.block_on(set.run_until(handle)).unwrap(), 6);
}

fn awaiting_the_set_runs_all_of_it(flavor: Flavor) {
    let runtime = flavor.build();
    let ran = Rc::new(Cell::new(0));
    let set = LocalSet::new();
    for _ in 0..200 {
        let ran = ran.clone();
        set.spawn_local(async move {
            for _ in 0..10 {
                task::yield_now().await;
            }
            ran.set(ran.get() + 1);
        });
    }
    runtime.block_on(set);
    assert_eq!(ran.get(), 200);
}

fn tasks_spawn_more_tasks(flavor: Flavor) {
    let runtime = flavor.build();
    let order = Rc::new(RefCell::new(Vec::new()));
    let set = LocalSet::new();
    let outer = order.clone();
    set.spawn_local(async move {
        outer.borrow_mut().push(1);
        let inner = outer.clone();
        task::spawn_local(async move { inner.borrow_mut().push(2) }).await.unwrap();
        outer.borrow_mut().push(3);
    });
    runtime.block_on(set);
    assert_eq!(*order.borrow(), [1, 2, 3]);
}

fn enter_makes_spawn_local_work(flavor: Flavor) {
    let runtime = flavor.build();
    let set = LocalSet::new();
    let handle = {
        let _inside = set.enter();
        task::spawn_local(async { Rc::new(4) })
    };
    assert!(runtime_tests::catch(|| drop(task::spawn_local(async {}))).is_err(), "the guard is gone");
    assert_eq!(*set.block_on(&runtime, handle).unwrap(), 4);
}

fn local_and_send_tasks_mix(flavor: Flavor) {
    let runtime = flavor.build();
    let set = LocalSet::new();
    let sum = set.block_on(&runtime, async {
        let local = task::spawn_local(async { runtime::spawn(async { 1 }).await.unwrap() });
        let blocking = task::spawn_local(async { task::spawn_blocking(|| 2).await.unwrap() });
        local.await.unwrap() + blocking.await.unwrap()
    });
    assert_eq!(sum, 3);
}

fn is_woken_from_other_threads(flavor: Flavor) {
    let runtime = flavor.build();
    let set = LocalSet::new();
    for _ in 0..100 {
        let gate = Event::new();
        let waits = gate.clone();
        let handle = set.spawn_local(async move { waits.wait().await });
        let thread = std::thread::spawn(move || gate.set());
        set.block_on(&runtime, handle).unwrap();
        thread.join().unwrap();
    }
}

fn dropping_it_drops_its_tasks(flavor: Flavor) {
    let runtime = flavor.build();
    let drops = Drops::new();
    let set = LocalSet::new();
    let handles: Vec<_> = (0..10)
        .map(|number| {
            let held = drops.probe();
            set.spawn_local(async move {
                let _held = held;
                for _ in 0..number {
                    task::yield_now().await;
                }
                pending::<()>().await;
            })
        })
        .collect();
    set.block_on(&runtime, task::yield_now());
    drop(set);
    assert_eq!(drops.count(), 10);
    for handle in handles {
        assert!(runtime.block_on(handle).unwrap_err().is_cancelled());
    }
}

fn a_task_whose_drop_spawns_into_the_set_that_is_dropped(flavor: Flavor) {
    let runtime = flavor.build();
    let drops = Drops::new();
    let set = LocalSet::new();
    let probes = drops.clone();
    let guard = runtime_tests::probe::OnDrop(move || {
        let held = probes.probe();
        let _ = runtime_tests::catch(|| {
            drop(task::spawn_local(async move {
                let _held = held;
            }))
        });
    });
    set.spawn_local(async move {
        let _guard = guard;
        pending::<()>().await;
    });
    set.block_on(&runtime, task::yield_now());
    drop(set);
    assert_eq!((drops.made(), drops.alive()), (1, 0));
}

fn a_panic_is_the_tasks_own(flavor: Flavor) {
    let runtime = flavor.build();
    let set = LocalSet::new();
    let bad = set.spawn_local(async { planned_panic() });
    let good = set.spawn_local(async { 1 });
    set.block_on(&runtime, async {
        let bad: task::JoinHandle<()> = bad;
        assert!(bad.await.unwrap_err().is_panic());
        assert_eq!(good.await.unwrap(), 1);
    });
}

fn a_set_inside_a_set(flavor: Flavor) {
    let runtime = flavor.build();
    let outer = LocalSet::new();
    let sum = outer.block_on(&runtime, async {
        let one = task::spawn_local(async { 1 });
        let inner = LocalSet::new();
        let two = inner.run_until(async { task::spawn_local(async { 2 }).await.unwrap() }).await;
        one.await.unwrap() + two
    });
    assert_eq!(sum, 3);
}

fn its_tasks_do_not_starve_the_main_future(flavor: Flavor) {
    let runtime = flavor.build();
    let set = LocalSet::new();
    set.spawn_local(async {
        loop {
            task::yield_now().await;
        }
    });
    set.block_on(&runtime, async {
        for _ in 0..50 {
            task::yield_now().await;
        }
    });
}

#[test]
fn each_set_has_an_id_of_its_own() {
    let runtime = Flavor::CurrentThread.build();
    let (one, two) = (LocalSet::new(), LocalSet::new());
    assert!(one.id() == one.id() && one.id() != two.id());
    assert!(runtime.handle().id() != one.id() && runtime.handle().id() != two.id());
    assert_eq!(one.id().to_string().parse::<u64>().unwrap().to_string(), one.id().to_string());
}

for_each_flavor!(
    runs_tasks_that_are_not_send,
    runs_them_on_the_thread_that_drives_it,
    run_until_leaves_the_rest_for_later,
    awaiting_the_set_runs_all_of_it,
    tasks_spawn_more_tasks,
    enter_makes_spawn_local_work,
    local_and_send_tasks_mix,
    is_woken_from_other_threads,
    dropping_it_drops_its_tasks,
    a_task_whose_drop_spawns_into_the_set_that_is_dropped,
    a_panic_is_the_tasks_own,
    a_set_inside_a_set,
    its_tasks_do_not_starve_the_main_future
);

/// A policy that tokio keeps unstable.
mod unhandled_panics {
    use super::*;
    use runtime::runtime::UnhandledPanic;
    use runtime_tests::catch;

    fn d33_a_panic_shuts_the_set_down(flavor: Flavor) {
        let runtime = flavor.build();
        let mut set = LocalSet::new();
        set.unhandled_panic(UnhandledPanic::ShutdownRuntime);
        let drops = Drops::new();
        let bystanders: Vec<_> = (0..3)
            .map(|_| {
                let probe = drops.probe();
                set.spawn_local(async move {
                    let _probe = probe;
                    pending::<()>().await
                })
            })
            .collect();
        // The handle is there, which does not matter.
        let panics: task::JoinHandle<()> = set.spawn_local(async {
            task::yield_now().await;
            planned_panic()
        });
        let caught = catch(|| set.block_on(&runtime, pending::<()>())).expect_err("it goes on");
        assert!(caught.message.contains("LocalSet"), "{}", caught.message);
        assert_eq!(drops.alive(), 0);
        let late = set.spawn_local(async {});
        assert!(catch(|| set.block_on(&runtime, async {})).is_err(), "it is over for good");
        runtime.block_on(async {
            assert!(panics.await.unwrap_err().is_panic());
            for bystander in bystanders {
                assert!(bystander.await.unwrap_err().is_cancelled());
            }
            assert!(late.await.unwrap_err().is_cancelled());
        });
        // The runtime itself is none the worse.
        assert_eq!(runtime.block_on(runtime.spawn(async { 1 })).unwrap(), 1);
    }

    fn d33_by_default_the_others_go_on(flavor: Flavor) {
        let runtime = flavor.build();
        let mut set = LocalSet::new();
        set.unhandled_panic(UnhandledPanic::Ignore);
        let panics: task::JoinHandle<()> = set.spawn_local(async { planned_panic() });
        set.block_on(&runtime, async move { assert!(panics.await.unwrap_err().is_panic()) });
        assert_eq!(set.block_on(&runtime, set.spawn_local(async { 1 })).unwrap(), 1);
    }

    for_each_flavor!(d33_a_panic_shuts_the_set_down, d33_by_default_the_others_go_on);

    #[test]
    fn d33_a_set_in_use_keeps_its_policy() {
        let mut set = LocalSet::new();
        drop(set.spawn_local(pending::<()>()));
        assert!(catch(|| set.unhandled_panic(UnhandledPanic::Ignore).id()).is_err());
    }
}
