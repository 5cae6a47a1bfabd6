//! What becomes of the tasks: drop, detach, abort, shutdown, panics.

use super::*;

/// Counts how many of its clones are alive.
#[derive(Clone, Debug, Default)]
struct Alive(Arc<()>);

impl Alive {
    /// Besides the one that the test holds.
    fn others(&self) -> usize {
        Arc::strong_count(&self.0) - 1
    }

    async fn none_left(&self) {
        while self.others() > 0 {
            yield_now().await;
        }
    }
}

/// One task in each state in which a set can be left: suspended, over, panicked, aborted, taken in late, just spawned.
async fn in_every_state(alive: &Alive) -> JoinSet<Alive> {
    let mut set = JoinSet::new();
    let started = Gate::default();
    let (held, open) = (alive.clone(), started.clone());
    set.spawn(async move {
        open.open();
        std::future::pending::<()>().await;
        held
    });
    started.passed().await;
    let output = alive.clone();
    let over = set.spawn(async move { output });
    let held = alive.clone();
    let panicked = set.spawn(async move {
        let _held = held;
        panic::resume_unwind(Box::new("on purpose"))
    });
    let held = alive.clone();
    let aborted = set.spawn(async move {
        std::future::pending::<()>().await;
        held
    });
    aborted.abort();
    for task in [over, panicked, aborted] {
        finished(&task).await;
    }
    let output = alive.clone();
    let late = crate::task::spawn(async move { output });
    finished(&late.abort_handle()).await;
    set.insert(late);
    let held = alive.clone();
    set.spawn(async move {
        std::future::pending::<()>().await;
        held
    });
    assert_eq!(set.len(), 6);
    set
}

#[test]
fn dropping_a_set_drops_each_future_and_output_once() {
    on_both(async || {
        let alive = Alive::default();
        drop(in_every_state(&alive).await);
        alive.none_left().await;
        // Also while somebody waits for it, and after some have been joined.
        let mut set = in_every_state(&alive).await;
        while set.len() > 2 {
            drop(set.join_next().await);
        }
        assert!(set.poll_join_next(&mut Context::from_waker(Waker::noop())).is_pending());
        drop(set);
        alive.none_left().await;
    });
}

#[test]
fn shutdown_waits_until_all_are_gone() {
    on_both(async || {
        let alive = Alive::default();
        let mut set = in_every_state(&alive).await;
        set.shutdown().await;
        assert!(set.is_empty());
        assert_eq!(alive.others(), 0, "shutdown has returned before a future or an output was dropped");
        set.shutdown().await;
        set.spawn(async { Alive::default() });
        assert!(set.join_next().await.unwrap().is_ok(), "the set is of no use after a shutdown");
    });
}

#[test]
fn a_shutdown_that_is_given_up_goes_on_later() {
    watched(|| {
        current_thread().block_on(async {
            let alive = Alive::default();
            let mut set = in_every_state(&alive).await;
            {
                let mut shutdown = pin!(set.shutdown());
                assert!(shutdown.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
            }
            assert!((1..=2).contains(&set.len()), "{} left", set.len());
            while let Some(output) = set.join_next().await {
                assert!(output.unwrap_err().is_cancelled());
            }
            assert_eq!(alive.others(), 0);
        });
    });
}

#[test]
fn aborted_tasks_stay_in_the_set_until_they_are_joined() {
    on_both(async || {
        let mut set = JoinSet::new();
        let over = set.spawn(async { 1 });
        finished(&over).await;
        let single = set.spawn(std::future::pending());
        let other = set.spawn(std::future::pending());
        single.abort();
        finished(&single).await;
        assert!(!other.is_finished() && set.len() == 3);
        set.abort_all();
        finished(&other).await;
        assert_eq!(set.len(), 3);
        let (mut good, mut cancelled) = (0, 0);
        while let Some(output) = set.join_next().await {
            match output {
                Ok(1) => good += 1,
                Ok(n) => panic!("{n}"),
                Err(error) => cancelled += usize::from(error.is_cancelled()),
            }
        }
        assert_eq!((good, cancelled), (1, 2));
    });
}

#[test]
fn detached_tasks_go_on_without_the_set() {
    on_both(async || {
        let mut set = JoinSet::new();
        let (gate, ran) = (Gate::default(), Arc::new(AtomicUsize::new(0)));
        let tasks: Vec<AbortHandle> = (0..10)
            .map(|n| {
                let (passed, ran) = (gate.passed(), ran.clone());
                set.spawn(async move {
                    if n > 0 {
                        passed.await;
                    }
                    ran.fetch_add(1, Ordering::SeqCst);
                    n
                })
            })
            .collect();
        finished(&tasks[0]).await;
        set.detach_all();
        assert!(set.is_empty() && set.join_next().await.is_none() && set.try_join_next().is_none());
        // Those who come after are not mistaken for those who went.
        set.spawn(async { 77 });
        drop(set.poll_join_next(&mut Context::from_waker(Waker::noop())));
        set.detach_all();
        let next = gate.passed();
        set.spawn(async move {
            next.await;
            78
        });
        assert!(set.try_join_next().is_none());
        gate.open();
        for task in &tasks {
            finished(task).await;
        }
        assert_eq!(ran.load(Ordering::SeqCst), 10);
        assert_eq!(set.join_all().await, [78]);
    });
}

#[test]
fn join_all_goes_on_with_a_panic_and_aborts_the_rest() {
    on_both(async || {
        let mut set = JoinSet::new();
        let alive = Alive::default();
        for _ in 0..3 {
            let held = alive.clone();
            set.spawn(async move {
                std::future::pending::<()>().await;
                drop(held);
            });
        }
        set.spawn(async { panic::resume_unwind(Box::new(17u8)) });
        let joining = crate::task::spawn(set.join_all());
        let payload = joining.await.unwrap_err().into_panic();
        assert_eq!(*payload.downcast::<u8>().unwrap(), 17);
        alive.none_left().await;
    });
}

/// A set that is dropped with a panic that nobody has joined does not count as having handled it, whether the task
/// panicked before it was taken in or after.
#[test]
fn a_panic_that_was_never_joined_is_unhandled() {
    on_both(async || {
        let metrics = crate::runtime::Handle::current().metrics();
        for (round, late) in [false, true].into_iter().enumerate() {
            let mut set = JoinSet::<()>::new();
            if late {
                let panics = crate::task::spawn(async { panic::resume_unwind(Box::new("on purpose")) });
                finished(&panics.abort_handle()).await;
                set.insert(panics);
            } else {
                let panics = set.spawn(async { panic::resume_unwind(Box::new("on purpose")) });
                finished(&panics).await;
            }
            assert_eq!(metrics.unhandled_panics(), round as u64);
            drop(set);
            assert_eq!(metrics.unhandled_panics(), round as u64 + 1);
        }
        // Joined ones are handled.
        let mut set = JoinSet::<()>::new();
        let panics = crate::task::spawn(async { panic::resume_unwind(Box::new("on purpose")) });
        finished(&panics.abort_handle()).await;
        set.insert(panics);
        assert!(set.join_next().await.unwrap().unwrap_err().is_panic());
        drop(set);
        assert_eq!(metrics.unhandled_panics(), 2);
    });
}

#[test]
fn join_all_says_that_a_task_was_cancelled() {
    on_both(async || {
        let mut set = JoinSet::<()>::new();
        let task = set.spawn(std::future::pending());
        set.spawn(std::future::pending());
        task.abort();
        let payload = crate::task::spawn(set.join_all()).await.unwrap_err().into_panic();
        let text = payload.downcast::<String>().unwrap();
        assert!(text.contains(&format!("task {} was cancelled", task.id())), "{text}");
    });
}

/// Its drop panics, once the others are to be dropped too.
struct PanicsInDrop(#[allow(dead_code)] Alive);

impl Drop for PanicsInDrop {
    fn drop(&mut self) {
        panic::resume_unwind(Box::new("in drop"));
    }
}

#[test]
fn an_output_that_panics_in_drop_leaves_no_other_behind() {
    on_both(async || {
        for detach in [false, true] {
            let alive = Alive::default();
            let mut set: JoinSet<Box<dyn std::any::Any + Send>> = JoinSet::new();
            let held = alive.clone();
            let task = set.spawn(async move { Box::new(PanicsInDrop(held)) as _ });
            finished(&task).await;
            for _ in 0..3 {
                let held = alive.clone();
                let task = set.spawn(async move { Box::new(held) as _ });
                finished(&task).await;
            }
            let held = alive.clone();
            let suspended = set.spawn(async move {
                std::future::pending::<()>().await;
                Box::new(held) as _
            });
            let mut keep = None;
            let outcome = panic::catch_unwind(panic::AssertUnwindSafe(|| {
                if detach {
                    set.detach_all();
                    keep = Some(set);
                } else {
                    drop(set);
                }
            }));
            // Whether the panic comes out is the join handle's business; that nothing stays is ours.
            drop(outcome);
            drop(keep);
            suspended.abort();
            alive.none_left().await;
        }
    });
}

#[test]
fn tasks_of_a_runtime_that_is_gone_are_cancelled() {
    watched(|| {
        let gone = multi_thread();
        let mut set = JoinSet::new();
        for _ in 0..100 {
            set.spawn_on(std::future::pending::<()>(), gone.handle());
        }
        drop(gone);
        current_thread().block_on(async {
            let mut cancelled = 0;
            while let Some(output) = set.join_next().await {
                cancelled += usize::from(output.unwrap_err().is_cancelled());
            }
            assert_eq!(cancelled, 100);
        });
    });
}

#[test]
fn a_set_may_outlive_its_runtime_and_be_dropped_anywhere() {
    watched(|| {
        let rt = multi_thread();
        let alive = Alive::default();
        let set = rt.block_on(in_every_state(&alive));
        drop(rt);
        drop(set);
        assert_eq!(alive.others(), 0);
    });
}

#[test]
fn what_a_large_set_needed_is_given_back_and_what_a_small_one_needs_is_kept() {
    watched(|| {
        current_thread().block_on(async {
            let mut set: JoinSet<()> = (0..3000).map(|_| async {}).collect();
            assert_eq!(set.slots.slots_and_wakers(), (3000, 3000));
            while set.len() > 1 {
                set.join_next().await.unwrap().unwrap();
            }
            let (slots, wakers) = set.slots.slots_and_wakers();
            // D26: chunks of 256 are freed on the way; four are kept, a spare one, and that of the last task.
            assert!(slots <= 6 * 256 && wakers <= 1025, "{slots} slots, {wakers} wakers");
            set.join_next().await;
            assert_eq!(set.slots.slots_and_wakers(), (0, 0));
            for _ in 0..3 {
                set.extend((0..100).map(|_| async {}));
                while set.join_next().await.is_some() {}
                assert_eq!(set.slots.slots_and_wakers(), (100, 100));
            }
        });
    });
}
