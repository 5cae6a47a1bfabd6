//! A yard without an engine, for models and unit tests.

use crate::engine::drive::Drive;
use crate::engine::sched::config::{Config, Flavor};
use crate::engine::sched::places::queues::Queues;
use crate::engine::sched::yard::{Keeper, Yard};
use std::sync::{Arc, Weak};
use std::time::Duration;

/// What keeps it in memory.
pub(super) struct TestYard(pub(super) Yard);

impl Keeper for TestYard {
    fn yard(&self) -> &Yard {
        &self.0
    }

    fn recall_guarantor(&self) {}
}

impl std::ops::Deref for TestYard {
    type Target = Yard;

    fn deref(&self) -> &Yard {
        &self.0
    }
}

/// As little as there can be, and a clock that stands still.
fn config(workers: usize) -> Config {
    Config {
        flavor: Flavor::MultiThread,
        workers,
        name: None,
        blocking_max: 1,
        blocking_queue_most: usize::MAX,
        blocking_keep_alive: Duration::from_secs(10),
        blocking_surplus_leaves: true,
        thread_name: Arc::new(|| "test".to_owned()),
        stack_bytes: None,
        on_thread_start: None,
        on_thread_stop: None,
        on_park: None,
        on_unpark: None,
        on_task_spawn: None,
        on_task_terminate: None,
        before_poll: None,
        after_poll: None,
        poll_histogram: None,
        next_task_slot: true,
        inject_interval: 61,
        event_interval: 61,
        events_per_look: 1,
        events_per_busy_look: 1,
        panic_sink: None,
        seed: None,
        start_paused: true,
        precise_timers: false,
        guarantor_acts: true,
    }
}

/// A yard with so many places, in which so many workers are awake, and the queues of the places.
pub(super) fn yard_and_queues(places: usize, awake: usize) -> (Arc<TestYard>, Vec<Queues>) {
    let config = config(places);
    let drive = Drive::new(&config.drive(places)).expect("the system has a driver for it");
    let make = |this: &Weak<TestYard>| TestYard(Yard::new(1, config, places, drive, this.clone()));
    let yard = Arc::new_cyclic(make);
    let mut all_queues = Vec::new();
    for place in 0..places {
        let (index, queues) = yard.places.take().expect("it is free");
        assert_eq!(index, place);
        all_queues.push(queues);
        // Here, and not by its worker: what makes it is not loom's.
        let _wheel = yard.drive.wheels.get(place as u32);
        if place < awake {
            yard.places.get(place).seated.store(true, std::sync::atomic::Ordering::Relaxed);
            yard.idle.arrive();
            let _ = yard.idle.stop_searching();
        }
    }
    (yard, all_queues)
}
