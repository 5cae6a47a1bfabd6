//! Storms in trees of task groups: failures, panics, aborts, cancelled groups and groups that are dropped, at every depth.

use super::limit;
use runtime::scope::{CancelScope, TaskGroup};
use runtime::task::yield_now;
use runtime_tests::{Drops, Flavor, Rng, planned_panic, watchdog_secs};
use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Instant;

type Group = TaskGroup<u32, &'static str>;
type Node = Pin<Box<dyn Future<Output = Result<u32, &'static str>> + Send>>;

const GROUPS: usize = 10_000;

/// A tree of groups: how many there were, and for each group above the place here who is alive below it.
#[derive(Clone)]
struct Tree {
    made: Arc<AtomicUsize>,
    /// Joins after which somebody was left. (A panic there would be just one more child that panics.)
    wrong: Arc<AtomicUsize>,
    above: Vec<Drops>,
}

/// A task with a group of tasks with groups. Whoever joins sees that nobody below is left, however deep, and whatever
/// has stopped them.
fn node(mut rng: Rng, depth: usize, tree: Tree) -> Node {
    let probes: Vec<_> = tree.above.iter().map(Drops::probe).collect();
    Box::pin(async move {
        let _probes = probes;
        if depth == 0 {
            return leaf(&mut rng).await;
        }
        let (below, group) = grow(&mut rng, depth, &tree);
        match rng.below(10) {
            // The children are stopped in the drop of a future, or right here: the group above waits for them.
            0 => pending().await,
            1 => return Ok(0),
            2 => group.cancel(),
            3 => {
                let scope = CancelScope::new();
                scope.cancel();
                return scope.run(group.join()).await.map(|_| 0).map_err(|_| "cancelled by a scope");
            }
            _ => {}
        }
        if rng.one_in(4) {
            yield_now().await;
        }
        let result = group.join().await;
        tree.wrong.fetch_add(usize::from(below.alive() > 0), SeqCst);
        result.map(|outputs| outputs.iter().sum()).map_err(|_| "below")
    })
}

async fn leaf(rng: &mut Rng) -> Result<u32, &'static str> {
    match rng.below(40) {
        0 => planned_panic(),
        1..=3 => Err("a leaf"),
        4..=9 => pending().await,
        10..=20 => {
            yield_now().await;
            Ok(1)
        }
        _ => Ok(1),
    }
}

/// A group with one to three children, some of them aborted.
fn grow(rng: &mut Rng, depth: usize, tree: &Tree) -> (Drops, Group) {
    tree.made.fetch_add(1, SeqCst);
    let group = match rng.below(3) {
        0 => Group::settling(),
        1 => Group::any(),
        _ => Group::new(),
    };
    let group = if rng.one_in(4) { group.with_limit(2) } else { group };
    let below = Drops::new();
    let above = tree.above.iter().chain([&below]).cloned().collect();
    let inside = Tree { above, ..tree.clone() };
    for _ in 0..1 + rng.below(3) {
        let child = group.spawn(node(Rng::new(rng.bits()), depth - 1, inside.clone()));
        if rng.one_in(8) {
            child.abort();
        }
    }
    (below, group)
}

#[test]
fn no_child_of_ten_thousand_nested_groups_outlives_its_group() {
    let _watch = watchdog_secs(limit().as_secs() * 3 + 60);
    let mut rng = Rng::from_env("nested groups");
    for flavor in [Flavor::MultiThread(1), Flavor::MultiThread(3), Flavor::CurrentThread] {
        let runtime = flavor.build();
        let tree = Tree { made: Arc::default(), wrong: Arc::default(), above: Vec::new() };
        let end = Instant::now() + limit() / 3;
        while tree.made.load(SeqCst) < GROUPS || Instant::now() < end {
            // Not in a task, so that the census has to say: nobody.
            runtime.block_on(async {
                let (below, group) = grow(&mut rng, 7, &tree);
                for _ in 0..rng.below(100) {
                    yield_now().await;
                }
                // Some leaves never end by themselves.
                group.cancel();
                // Settled, so that a panic comes as a result.
                group.join_settled().await;
                let census = runtime.metrics().num_alive_tasks();
                assert_eq!((census, below.alive()), (0, 0), "join is ready, and somebody is left");
            });
        }
        assert_eq!(tree.wrong.load(SeqCst), 0, "a join inside the tree was ready, and somebody was left");
    }
}
