//! What a builder decides about an engine.

use crate::engine::base::id::Id;
use crate::engine::cell::PanicSink;
use crate::engine::drive::Settings;
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
    pub(crate) blocking_keep_alive: Duration,
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
    /// Rescue stuck workers. Off only in tests that want to see the engine without its safety net.
    pub(crate) rescues: bool,
}

impl Config {
    /// What concerns sockets and time.
    pub(super) fn drive(&self, places: usize) -> Settings {
        Settings {
            places,
            events_per_look: self.events_per_look,
            events_per_busy_look: self.events_per_busy_look,
            precise_timers: self.precise_timers,
            start_paused: self.start_paused,
        }
    }
}

/// As little as there can be, and a clock that stands still.
#[cfg(all(test, loom))]
impl Config {
    pub(super) fn for_models(workers: usize) -> Config {
        Config {
            flavor: Flavor::MultiThread,
            workers,
            name: None,
            blocking_max: 1,
            blocking_keep_alive: Duration::from_secs(10),
            thread_name: Arc::new(|| "model".to_owned()),
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
            rescues: true,
        }
    }
}
