//! D9: a shield in a child of a group holds against the scopes around the group, a failing sibling and `cancel`, as in
//! trio, where this is a nursery in a cancel scope with a shielded cleanup in a child. Beyond tokio.

use runtime::scope::{CancelScope, ChildError, TaskGroup, gather, gather_settled, is_cancelled, move_on_after};
use runtime::task::{self, AbortHandle, yield_now};
use runtime::time::{Duration, Instant, sleep};
use runtime_tests::{Drops, Event, Flavor, for_each_flavor, watchdog};
use std::future::pending;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

const MS: Duration = Duration::from_millis(1);
type Group = TaskGroup<u32, &'static str>;
type BoxFuture = std::pin::Pin<Box<dyn Future<Output = Result<u32, &'static str>> + Send>>;

/// Runs under a clock that moves only when nothing else can happen. Nobody is left behind.
fn paused<T>(flavor: Flavor, body: impl Future<Output = T>) -> T {
    let runtime = flavor.builder().start_paused(true).build().expect("no runtime");
    let metrics = runtime.metrics();
    let output = runtime.block_on(body);
    runtime.block_on(async {
        while metrics.num_alive_tasks() > 0 {
            sleep(MS).await;
        }
    });
    output
}

fn ms_since(start: Instant) -> u128 {
    start.elapsed().as_millis()
}

/// What must not stop half-way.
#[derive(Clone, Default)]
struct Commit {
    begun: Event,
    done: Arc<AtomicBool>,
}

impl Commit {
    fn is_done(&self) -> bool {
        self.done.load(SeqCst)
    }

    /// 30 ms in a shield.
    async fn shielded(&self) {
        let work = async {
            self.begun.set();
            sleep(30 * MS).await;
            assert!(!is_cancelled(), "it was told");
            self.done.store(true, SeqCst);
        };
        CancelScope::new().shield().run(work).await.unwrap();
    }

    /// A child that ends with its shield.
    fn child(&self) -> impl Future<Output = Result<u32, &'static str>> + Send + use<> {
        let commit = self.clone();
        async move {
            commit.shielded().await;
            Ok(1)
        }
    }

    /// A child that goes on after its shield.
    fn lasting_child(&self) -> impl Future<Output = Result<u32, &'static str>> + Send + use<> {
        let commit = self.clone();
        async move {
            commit.shielded().await;
            pending().await
        }
    }

    async fn fails_when_begun(&self) -> Result<u32, &'static str> {
        self.begun.wait().await;
        sleep(5 * MS).await;
        Err("a sibling")
    }
}

fn d9_a_scope_around_the_group_waits_for_the_shield(flavor: Flavor) {
    paused(flavor, async {
        let commit = Commit::default();
        let start = Instant::now();
        let joins = async {
            let group = Group::new();
            group.spawn(commit.lasting_child());
            // Its abort by the scope is no failure that anybody hears of: the body is dropped, not told.
            group.spawn(pending());
            group.join().await.map_err(|error| error.to_string())
        };
        assert_eq!(move_on_after(5 * MS, joins).await, None);
        assert!(commit.is_done());
        assert_eq!(ms_since(start), 30);
    });
    paused(flavor, async {
        let commit = Commit::default();
        let takes_one_by_one = async {
            let mut group = Group::settling();
            group.spawn(commit.lasting_child());
            group.spawn(pending());
            let mut results = Vec::new();
            while let Some(result) = group.next().await {
                results.push(result.is_ok());
            }
            results
        };
        assert_eq!(move_on_after(5 * MS, takes_one_by_one).await, None);
        assert!(commit.is_done());
    });
    paused(flavor, async {
        let (one, other) = (Commit::default(), Commit::default());
        let gathers = async { gather([one.lasting_child(), other.lasting_child()]).await.len() };
        assert_eq!(move_on_after(5 * MS, gathers).await, None);
        assert!(one.is_done() && other.is_done());
        let settles = async { gather_settled([Commit::default().lasting_child()]).await.len() };
        assert_eq!(move_on_after(5 * MS, settles).await, None);
    });
}

#[test]
fn d9_what_fails_on_its_own_account_is_still_told() {
    what_fails_on_its_own_account_is_still_told(Flavor::CurrentThread);
}

#[test]
fn d9_what_fails_on_its_own_account_is_still_told_on_several_workers() {
    for _ in 0..500 {
        what_fails_on_its_own_account_is_still_told(Flavor::MultiThread(4));
    }
}

fn what_fails_on_its_own_account_is_still_told(flavor: Flavor) {
    // One ends with its shield, the other is aborted there.
    let holds: [fn(&Commit) -> BoxFuture; 2] =
        [|commit| Box::pin(commit.child()), |commit| Box::pin(commit.lasting_child())];
    for held_by in holds {
        paused(flavor, async {
            let commit = Commit::default();
            let joins = async {
                let group = Group::new();
                group.spawn(held_by(&commit));
                let fails = commit.clone();
                group.spawn(async move {
                    let late = CancelScope::new().shield().run(fails.fails_when_begun());
                    late.await.unwrap()
                });
                group.spawn(pending());
                let error = group.join().await.unwrap_err();
                error.into_failures().into_iter().filter_map(ChildError::failed).collect::<Vec<_>>()
            };
            assert_eq!(move_on_after(2 * MS, joins).await, Some(vec!["a sibling"]));
            assert!(commit.is_done());
        });
    }
    // The shield's own child fails, in a scope within the one whose time is up.
    paused(flavor, async {
        let commit = Commit::default();
        let fails = commit.clone();
        let joins = async {
            let group = Group::new();
            group.spawn(async move {
                fails.shielded().await;
                Err("itself")
            });
            group.join().await.unwrap_err().into_first().failed()
        };
        assert_eq!(move_on_after(2 * MS, CancelScope::new().run(joins)).await, Some(Ok(Some("itself"))));
    });
    // It panics.
    paused(flavor, async {
        let commit = Commit::default();
        let panics = async {
            let child: BoxFuture = Box::pin(async move {
                commit.shielded().await;
                resume_unwind(Box::new("a panic"))
            });
            gather([child, Box::pin(Commit::default().lasting_child())]).await
        };
        let told = task::spawn(move_on_after(2 * MS, panics)).await.unwrap_err();
        assert_eq!(told.into_panic().downcast_ref(), Some(&"a panic"));
    });
}

fn d9_a_failing_sibling_and_cancel_wait_for_the_shield(flavor: Flavor) {
    paused(flavor, async {
        let commit = Commit::default();
        let start = Instant::now();
        let group = Group::new();
        group.spawn(commit.lasting_child());
        let fails = commit.clone();
        group.spawn(async move { fails.fails_when_begun().await });
        let error = group.join().await.unwrap_err();
        assert_eq!(error.failures().len(), 1, "{error:?}");
        assert!(matches!(error.into_first(), ChildError::Failed("a sibling")));
        assert!(commit.is_done());
        assert_eq!(ms_since(start), 30);
    });
    paused(flavor, async {
        let commit = Commit::default();
        let group = Group::new();
        group.spawn(commit.lasting_child());
        commit.begun.wait().await;
        group.cancel();
        group.cancel();
        // One that has not begun its shield is not spared: it comes to it only after the others' end, or never ran.
        let (late, never) = (Commit::default(), Commit::default());
        let comes_late = late.clone();
        group.spawn(async move {
            sleep(300 * MS).await;
            comes_late.shielded().await;
            Ok(1)
        });
        if !flavor.is_multi_thread() {
            // (Another worker could begin it before it is stopped.)
            group.spawn(never.child());
        }
        assert_eq!(group.join().await.unwrap(), []);
        assert!(commit.is_done() && !late.begun.is_set() && !never.begun.is_set());
    });
    // The one that decides is over first; the shield is waited for. Its output comes too late to count.
    paused(flavor, async {
        let commit = Commit::default();
        let group = Group::any();
        group.spawn(commit.child());
        let first = commit.clone();
        group.spawn(async move {
            first.begun.wait().await;
            Ok(7)
        });
        assert_eq!(group.join_first().await.unwrap(), Some(7));
        assert!(commit.is_done());
    });
    // A daemon, which `join` stops.
    paused(flavor, async {
        let commit = Commit::default();
        let group = Group::new();
        let daemon = commit.clone();
        group.spawn_daemon(async move {
            daemon.shielded().await;
            pending().await
        });
        commit.begun.wait().await;
        group.spawn(async { Ok(1) });
        assert_eq!(group.join().await.unwrap(), [1]);
        assert!(commit.is_done());
    });
}

/// A child that holds a group with a shield in it; nobody has opened a scope around either.
fn nested(commit: &Commit, probe: runtime_tests::Probe, levels: usize) -> BoxFuture {
    let commit = commit.clone();
    Box::pin(async move {
        let _probe = probe.clone();
        let group = Group::new();
        if levels == 0 {
            group.spawn(commit.lasting_child());
        } else {
            group.spawn(nested(&commit, probe, levels - 1));
        }
        match group.join().await {
            Ok(_) => Ok(0),
            Err(_) => Err("below"),
        }
    })
}

fn d9_a_shield_holds_through_groups_in_groups(flavor: Flavor) {
    for levels in [0, 1, 5] {
        paused(flavor, async {
            let (commit, drops) = (Commit::default(), Drops::new());
            let group = Group::new();
            group.spawn(nested(&commit, drops.probe(), levels));
            commit.begun.wait().await;
            group.cancel();
            // Neither the child nor what it holds is dropped before the shield is over.
            sleep(29 * MS).await;
            assert!(!commit.is_done() && drops.alive() > 0);
            assert_eq!(group.join().await.unwrap(), []);
            assert!(commit.is_done());
            assert_eq!(drops.alive(), 0);
        });
        // The same in a scope, whose deadline comes.
        paused(flavor, async {
            let (commit, drops) = (Commit::default(), Drops::new());
            let probe = drops.probe();
            let body = async {
                let group = Group::new();
                group.spawn(nested(&commit, probe, levels));
                group.join().await.is_ok()
            };
            assert_eq!(move_on_after(5 * MS, body).await, None);
            assert!(commit.is_done());
        });
        // A scope in a child, around the group inside, and values of the context in between.
        paused(flavor, async {
            runtime::context_local! { inherited static WHO: u32; }
            let (commit, drops) = (Commit::default(), Drops::new());
            let group = Group::new();
            let (inside, probe) = (commit.clone(), drops.probe());
            group.spawn(async move {
                let below = nested(&inside, probe, levels);
                let held = async {
                    let group = Group::new();
                    group.spawn(async move { WHO.scope(WHO.get() + 1, below).await });
                    group.join().await.is_ok()
                };
                WHO.scope(1, CancelScope::new().run(held)).await.ok();
                Ok(1)
            });
            commit.begun.wait().await;
            group.cancel();
            assert_eq!(group.join().await.unwrap(), []);
            assert!(commit.is_done());
            assert_eq!(drops.alive(), 0);
        });
    }
}

fn d9_a_shield_holds_wherever_its_child_was_spawned(flavor: Flavor) {
    // The group stands in a scope; its child is spawned by somebody outside of all scopes.
    paused(flavor, async {
        let commit = Commit::default();
        let (hands_over, spawns) = runtime::sync::oneshot::channel::<runtime::scope::Spawner<u32, &'static str>>();
        let child = commit.lasting_child();
        let outside = task::spawn(async move { spawns.await.unwrap().spawn(child).is_ok() });
        let body = async {
            let group = Group::new();
            hands_over.send(group.spawner()).ok().unwrap();
            assert!(outside.await.unwrap());
            group.join().await.is_ok()
        };
        assert_eq!(move_on_after(5 * MS, body).await, None);
        assert!(commit.is_done());
    });
    // The group stands outside; its child is spawned by somebody in a scope.
    paused(flavor, async {
        let commit = Commit::default();
        let group = Group::new();
        CancelScope::new().run(async { group.spawn(commit.lasting_child()) }).await.unwrap();
        commit.begun.wait().await;
        group.cancel();
        assert_eq!(group.join().await.unwrap(), []);
        assert!(commit.is_done());
    });
}

fn d9_dropping_a_group_aborts_at_once(flavor: Flavor) {
    // (P13.) Whatever was asked of it before.
    for cancelled_before in [false, true] {
        paused(flavor, async {
            let commit = Commit::default();
            let start = Instant::now();
            let group = Group::new();
            let child = group.spawn(commit.child());
            commit.begun.wait().await;
            if cancelled_before {
                group.cancel();
            }
            drop(group);
            while !child.is_finished() {
                yield_now().await;
            }
            assert_eq!((commit.is_done(), ms_since(start)), (false, 0));
        });
    }
    // So does the abort of a child by somebody else.
    paused(flavor, async {
        let commit = Commit::default();
        let group = Group::new();
        let child: AbortHandle = group.spawn(commit.child());
        commit.begun.wait().await;
        child.abort();
        assert!(matches!(group.join().await.unwrap_err().into_first(), ChildError::Cancelled(_)));
        assert!(!commit.is_done());
    });
}

fn d9_a_plain_spawn_stays_outside(flavor: Flavor) {
    paused(flavor, async {
        let commit = Commit::default();
        let start = Instant::now();
        let group = Group::new();
        let detached = commit.clone();
        group.spawn(async move {
            drop(task::spawn(async move { detached.shielded().await }));
            pending().await
        });
        commit.begun.wait().await;
        group.cancel();
        assert_eq!(group.join().await.unwrap(), []);
        assert_eq!((commit.is_done(), ms_since(start)), (false, 0));
    });
    // In a group within a child, too, where children have something to remember.
    paused(flavor, async {
        let commit = Commit::default();
        let group = Group::new();
        let detached = commit.clone();
        group.spawn(async move {
            let below = Group::new();
            below.spawn(async move {
                drop(task::spawn(async move { detached.shielded().await }));
                pending().await
            });
            below.join().await.map(|_| 1).map_err(|_| "below")
        });
        commit.begun.wait().await;
        group.cancel();
        assert_eq!(group.join().await.unwrap(), []);
        assert!(!commit.is_done());
    });
}

/// The first one decides. Fault: a group that takes the first one keeps what fails after it.
fn what_fails_after_the_first_fails_nobody(flavor: Flavor) {
    paused(flavor, async {
        let (group, commit) = (Group::any(), Commit::default());
        let (late, first) = (commit.clone(), commit.clone());
        group.spawn(async move {
            late.shielded().await;
            Err("late")
        });
        group.spawn(async move {
            first.begun.wait().await;
            Ok(1)
        });
        assert_eq!(group.join_first().await.unwrap(), Some(1));
        assert!(commit.is_done());
    });
}

for_each_flavor! {
    d9_a_scope_around_the_group_waits_for_the_shield,
    d9_a_failing_sibling_and_cancel_wait_for_the_shield,
    d9_a_shield_holds_through_groups_in_groups,
    d9_a_shield_holds_wherever_its_child_was_spawned,
    d9_dropping_a_group_aborts_at_once,
    d9_a_plain_spawn_stays_outside,
    what_fails_after_the_first_fails_nobody,
}

/// Chains of places are walked and dropped without a stack.
#[test]
fn d9_ten_thousand_groups_with_a_shield_at_the_bottom() {
    let _watch = watchdog();
    let walk = || {
        for in_scope in [false, true] {
            paused(Flavor::CurrentThread, async {
                let (commit, drops) = (Commit::default(), Drops::new());
                let group = Group::new();
                let top = nested(&commit, drops.probe(), 10_000);
                group.spawn(
                    async move { if in_scope { CancelScope::new().run(top).await.unwrap() } else { top.await } },
                );
                commit.begun.wait().await;
                group.cancel();
                assert_eq!(group.join().await.unwrap(), []);
                assert!(commit.is_done());
                assert_eq!(drops.alive(), 0);
            });
        }
    };
    std::thread::Builder::new().stack_size(256 * 1024).spawn(walk).unwrap().join().unwrap();
}
