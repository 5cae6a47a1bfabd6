//! What a builder decides about an engine.

use crate::engine::base::id::Id;
use crate::engine::cell::PanicSink;
use crate::engine::drive::DriveConfig;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

pub(crate) type Callback = Arc<dyn Fn() + Send + Sync>;
pub(crate) type TaskCallback = Arc<dyn Fn(&TaskFacts<'_>) + Send + Sync>;

/// What a hook is told of a task.
#[derive(Clone, Copy)]
pub(crate) struct TaskFacts<'a> {
    pub(crate) id: Id,
    pub(crate) spawned_at: &'static Location<'static>,
    pub(crate) name: Option<&'a str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flavor {
    MultiThread,
    CurrentThread,
    /// Current-thread, and bound to the thread that built it.
    Local,
}

#[derive(Clone)]
pub(crate) struct Config {
    pub(crate) flavor: Flavor,
    /// Workers; 1 for the current-thread flavors.
    pub(crate) workers: usize,
    pub(crate) name: Option<String>,
    pub(crate) blocking_max: usize,
    /// How many closures may wait besides those that run, of those that need not be taken.
    pub(crate) blocking_queue_most: usize,
    pub(crate) blocking_keep_alive: Duration,
    /// Threads beyond those that CPUs need are kept for a shorter time.
    pub(crate) blocking_surplus_leaves: bool,
    pub(crate) thread_name: Arc<dyn Fn() -> String + Send + Sync>,
    pub(crate) stack_bytes: Option<usize>,
    pub(crate) on_thread_start: Option<Callback>,
    pub(crate) on_thread_stop: Option<Callback>,
    pub(crate) on_park: Option<Callback>,
    pub(crate) on_unpark: Option<Callback>,
    pub(crate) on_task_spawn: Option<TaskCallback>,
    pub(crate) on_task_terminate: Option<TaskCallback>,
    pub(crate) before_poll: Option<TaskCallback>,
    pub(crate) after_poll: Option<TaskCallback>,
    pub(crate) poll_histogram: Option<crate::engine::histogram::Shape>,
    /// What a poll wakes runs next on a multi-thread flavor. (On the others the order is the queue's.)
    pub(crate) next_task_slot: bool,
    /// Look at the inject queue first every so many polls.
    pub(crate) inject_interval: u32,
    /// Look at sockets, timers and shutdown every so many polls.
    pub(crate) event_interval: u32,
    /// The most socket events that one look takes.
    pub(crate) events_per_look: usize,
    /// The same for looks of a worker that does not wait.
    pub(crate) events_per_busy_look: usize,
    pub(crate) panic_sink: Option<Arc<dyn PanicSink>>,
    pub(crate) seed: Option<u64>,
    pub(crate) start_paused: bool,
    /// Timers to 20 us instead of 1 ms.
    pub(crate) precise_timers: bool,
    /// The guarantor helps where workers are stuck. Off only in tests that want to see the engine without its safety net.
    pub(crate) guarantor_acts: bool,
}

impl Config {
    /// What concerns sockets and time.
    pub(super) fn drive(&self, places: usize) -> DriveConfig {
        DriveConfig {
            places,
            events_per_look: self.events_per_look,
            events_per_busy_look: self.events_per_busy_look,
            precise_timers: self.precise_timers,
            start_paused: self.start_paused,
        }
    }
}
