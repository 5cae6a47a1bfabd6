//! The engine's own threads: how one is started, and that all are waited for at the end.
//!
//! Not here: who starts workers, and when (`guarantor/round`).

use crate::engine::base::contain::contain;
use crate::engine::entered::{self, Role};
use crate::engine::sched::config::Flavor;
use crate::engine::sched::engine::Engine;
use crate::engine::sched::places::place::Doing;
use crate::engine::sched::places::queues::Queues;
use crate::engine::sched::worker::root::NoRoot;
use crate::engine::sched::worker::{End, Worker};
use parking_lot::{Condvar, Mutex};
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, JoinHandle};
use std::time::Instant;

/// Which threads run, for whoever shuts down.
pub(crate) struct Threads {
    running: Mutex<Running>,
    one_less: Condvar,
}

struct Running {
    count: usize,
    handles: Vec<JoinHandle<()>>,
}

impl Threads {
    pub(crate) fn new() -> Self {
        Threads { running: Mutex::new(Running { count: 0, handles: Vec::new() }), one_less: Condvar::new() }
    }

    /// Waits until all are gone, until `deadline` at the most. `false`: some still run.
    pub(crate) fn wait(&self, deadline: Option<Instant>) -> bool {
        let mut running = self.running.lock();
        while running.count > 0 {
            match deadline {
                None => self.one_less.wait(&mut running),
                Some(deadline) => {
                    if self.one_less.wait_until(&mut running, deadline).timed_out() && running.count > 0 {
                        return false;
                    }
                }
            }
        }
        let handles = std::mem::take(&mut running.handles);
        drop(running);
        for handle in handles {
            // Each is past its last line of ours; joining returns its stack. A panic was printed by the hook.
            let _ = handle.join();
        }
        true
    }
}

/// Counts a thread out, also when it panics.
struct Counted(Arc<Engine>);

impl Drop for Counted {
    fn drop(&mut self) {
        let threads = &self.0.threads;
        threads.running.lock().count -= 1;
        threads.one_less.notify_all();
    }
}

impl Engine {
    /// Starts a worker's thread: shutdown waits for it.
    fn start_thread(&self, body: impl FnOnce(&Arc<Engine>) + Send + 'static) -> io::Result<()> {
        let counted = self.count_thread();
        self.keep(self.spawn_thread(self.thread_name(), move |engine| {
            let _counted = counted;
            with_hooks(engine, body);
        })?);
        Ok(())
    }

    /// The guarantor's: no hooks, it runs no user code.
    pub(in crate::engine::sched) fn start_driver_thread(
        &self,
        body: impl FnOnce(&Arc<Engine>) + Send + 'static,
    ) -> io::Result<()> {
        let counted = self.count_thread();
        self.keep(self.spawn_thread("runtime-driver".to_owned(), move |engine| {
            let _counted = counted;
            body(engine);
        })?);
        Ok(())
    }

    /// A thread of the blocking pool, which counts its own.
    pub(crate) fn start_uncounted_thread(&self, body: impl FnOnce(&Arc<Engine>) + Send + 'static) -> io::Result<()> {
        self.spawn_thread(self.thread_name(), move |engine| with_hooks(engine, body)).map(drop)
    }

    /// A user's function makes it. If that panics, which the panic hook has told, the thread is needed all the same.
    fn thread_name(&self) -> String {
        contain(|| (self.config.thread_name)()).unwrap_or_else(|| "runtime-worker".to_owned())
    }

    fn spawn_thread(
        &self,
        name: String,
        body: impl FnOnce(&Arc<Engine>) + Send + 'static,
    ) -> io::Result<JoinHandle<()>> {
        let mut builder = thread::Builder::new().name(name);
        if let Some(bytes) = self.config.stack_bytes {
            builder = builder.stack_size(bytes);
        }
        let engine = self.count();
        builder.spawn(move || {
            let _entered = entered::enter_thread(&engine);
            body(&engine);
        })
    }

    fn count_thread(&self) -> Counted {
        self.threads.running.lock().count += 1;
        Counted(self.count())
    }

    fn keep(&self, handle: JoinHandle<()>) {
        let mut running = self.threads.running.lock();
        running.handles.retain(|handle| !handle.is_finished());
        running.handles.push(handle);
    }

    /// Starts a worker, with a seat or as a spare.
    pub(in crate::engine::sched) fn start_worker(&self, seated: bool) -> io::Result<()> {
        let (index, deque) =
            self.places.take().ok_or_else(|| io::Error::other("every place for a worker is in use"))?;
        let place = self.places.get(index);
        place.seated.store(seated, Ordering::Relaxed);
        place.put_home(deque);
        self.start_thread(move |engine| {
            let deque = engine.places.get(index).take_home();
            engine.work(index, deque.expect("BUG: a new worker finds no deque in its place"));
        })
        .inspect_err(|_| self.give_back_place(index))
    }

    /// As a worker with a seat, on a thread that was started for something else.
    pub(in crate::engine::sched) fn work_here(self: &Arc<Self>, index: usize, queues: Queues) {
        self.places.get(index).seated.store(true, Ordering::Relaxed);
        with_hooks(self, |engine| engine.work(index, queues));
    }

    /// The life of a worker.
    fn work(self: &Arc<Self>, index: usize, queues: Queues) {
        self.idle.arrive();
        let worker = Worker::new(self, index, queues, true);
        let _role = entered::set_role(Role::Polls(None));
        let (end, queues, searching) = worker.run(&mut NoRoot);
        debug_assert_ne!(end, End::RootComplete, "BUG: a worker without a root has completed it");
        self.places.get(index).set_doing(Doing::Nothing);
        self.leave_place(index, queues, searching);
        self.drain_after_leaving();
    }

    fn give_back_place(&self, index: usize) {
        let deque = self.places.get(index).take_home().expect("BUG: a thread that did not start has taken its deque");
        self.places.give_back(index, deque);
    }

    /// The workers that exist go on alone, and the guarantor tries again; once is enough to say so.
    #[cold]
    pub(in crate::engine::sched) fn refused_a_thread(&self, error: &io::Error) {
        self.stats.threads_refused.add_shared(1);
        if self.stats.threads_refused.get() == 1 {
            // Where stderr is closed there is nobody to tell.
            let _ = writeln!(
                io::stderr(),
                "runtime: the operating system refused a worker thread: {error}.\n  The other workers go on. Raise \
                 the limits on threads and memory, or ask for fewer with `Builder::worker_threads`."
            );
        }
    }

    /// A worker leaves its place for good. What was pushed while nobody else could be woken needs somebody now.
    pub(in crate::engine::sched) fn leave_place(&self, index: usize, deque: Queues, searching: bool) {
        if self.config.flavor == Flavor::MultiThread {
            self.idle.leave(searching);
            // It may have waited for sockets and timers, and all others may be asleep elsewhere.
            self.rouse_guarantor();
        } else if searching {
            // Its one worker counts as there all the time. Nobody relies on this search: there is nobody to wake.
            let _ = self.idle.stop_searching();
        }
        self.places.give_back(index, deque);
        // Its timers are the leader's now.
        self.drive.settle(self.drive.wheels.get(index as u32).next());
        self.reconsider_the_clock();
        if !self.inject.is_empty() && !self.is_closing() {
            self.wake(self.idle.submitted());
        }
    }

    /// One more worker than N, while a worker blocks.
    pub(in crate::engine::sched) fn start_spare(&self) {
        self.stats.spares_started.add_shared(1);
        if let Err(error) = self.start_worker(false) {
            self.refused_a_thread(&error);
        }
    }
}

fn with_hooks(engine: &Arc<Engine>, body: impl FnOnce(&Arc<Engine>)) {
    if let Some(hook) = &engine.config.on_thread_start {
        hook();
    }
    body(engine);
    if let Some(hook) = &engine.config.on_thread_stop {
        hook();
    }
}
