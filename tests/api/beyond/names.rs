//! Tasks may have names: `task::Builder`, stable here.

use runtime::runtime::Handle;
use runtime::task::{self, JoinSet, LocalSet};
use runtime_tests::{Flavor, for_each_flavor};
use std::rc::Rc;

fn a_builder_spawns_in_every_way(flavor: Flavor) {
    let runtime = flavor.build();
    let door: Handle = runtime.handle().clone();
    let set = LocalSet::new();
    let later = task::Builder::new().name("later").spawn_local_on(async { *Rc::new(16) }, &set).unwrap();
    let sum = set.block_on(&runtime, async move {
        let here = task::Builder::new().name("here").spawn(async { 1 }).unwrap();
        let there = task::Builder::new().name("there").spawn_on(async { 2 }, &door).unwrap();
        let local = task::Builder::new().name("local").spawn_local(async { *Rc::new(4) }).unwrap();
        let closure = task::Builder::new().name("closure").spawn_blocking(|| 8).unwrap();
        let far = task::Builder::new().spawn_blocking_on(|| 32, &door).unwrap();
        let joined = [here.await, there.await, local.await, closure.await, later.await, far.await];
        joined.into_iter().map(Result::unwrap).sum::<u32>()
    });
    assert_eq!(sum, 63);
}

fn a_join_set_builds_named_tasks(flavor: Flavor) {
    let runtime = flavor.build();
    runtime.block_on(async {
        let mut set = JoinSet::new();
        set.build_task().name("one").spawn(async { 1 }).unwrap();
        set.build_task().name("two").spawn_blocking(|| 2).unwrap();
        assert_eq!(set.join_all().await.into_iter().sum::<u32>(), 3);
    });
}

for_each_flavor!(a_builder_spawns_in_every_way, a_join_set_builds_named_tasks);

/// beyond tokio: hooks see the name.
#[cfg(not(feature = "oracle"))]
mod seen_by_hooks {
    use parking_lot::Mutex;
    use runtime::task;
    use runtime_tests::{Flavor, watchdog};
    use std::sync::Arc;

    #[test]
    fn on_spawn() {
        let _watch = watchdog();
        let names = Arc::new(Mutex::new(Vec::new()));
        let seen = names.clone();
        let runtime = Flavor::MultiThread(1)
            .builder()
            .on_task_spawn(move |meta| seen.lock().push(meta.name().map(str::to_owned)))
            .build()
            .unwrap();
        drop(task::Builder::new().name("clerk").spawn_on(async {}, runtime.handle()).unwrap());
        drop(runtime.spawn(async {}));
        assert_eq!(*names.lock(), [Some("clerk".to_owned()), None]);
    }
}
