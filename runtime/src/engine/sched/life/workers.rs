//! The engine's own threads: how one is started, and the life of a worker's.
//!
//! Not here: who starts workers, and when (`guarantor/round`).

use crate::engine::base::contain::contain;
use crate::engine::entered::{self, Role};
use crate::engine::sched::engine::Engine;
use crate::engine::sched::places::queues::Queues;
use crate::engine::sched::worker::Worker;
use crate::engine::sched::worker::root::NoRoot;
use crate::engine::sched::worker::run::End;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, JoinHandle};

/// Counts a thread out, also when it panics.
struct Counted(Arc<Engine>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.threads.count_out();
    }
}

impl Engine {
    /// Starts a worker's thread: shutdown waits for it.
    fn start_thread(&self, body: impl FnOnce(&Arc<Engine>) + Send + 'static) -> io::Result<()> {
        let counted = self.count_thread();
        self.threads.keep(self.spawn_thread(self.thread_name(), move |engine| {
            let _counted = counted;
            with_hooks(engine, body);
        })?);
        Ok(())
    }

    /// The guarantor's: no hooks, it runs no user code.
    pub(in crate::engine::sched) fn start_guarantor_thread(
        &self,
        body: impl FnOnce(&Arc<Engine>) + Send + 'static,
    ) -> io::Result<()> {
        let counted = self.count_thread();
        self.threads.keep(self.spawn_thread("rt-guarantor".to_owned(), move |engine| {
            let _counted = counted;
            body(engine);
        })?);
        Ok(())
    }

    /// A thread of the blocking pool, which counts its own.
    pub(super) fn start_uncounted_thread(&self, body: impl FnOnce(&Arc<Engine>) + Send + 'static) -> io::Result<()> {
        self.spawn_thread(self.thread_name(), move |engine| with_hooks(engine, body)).map(drop)
    }

    /// A user's function makes it. If that panics, which the panic hook has told, the thread is needed all the same.
    fn thread_name(&self) -> String {
        contain(|| (self.yard.config.thread_name)()).unwrap_or_else(|| "runtime-worker".to_owned())
    }

    fn spawn_thread(
        &self,
        name: String,
        body: impl FnOnce(&Arc<Engine>) + Send + 'static,
    ) -> io::Result<JoinHandle<()>> {
        let mut builder = thread::Builder::new().name(name);
        if let Some(bytes) = self.yard.config.stack_bytes {
            builder = builder.stack_size(bytes);
        }
        let engine = self.arc();
        builder.spawn(move || {
            let _entered = entered::enter_thread(&engine);
            body(&engine);
        })
    }

    fn count_thread(&self) -> Counted {
        self.threads.count();
        Counted(self.arc())
    }

    /// Starts a worker, with a seat or as a spare.
    pub(in crate::engine::sched) fn start_worker(&self, seated: bool) -> io::Result<()> {
        let (index, deque) =
            self.yard.places.take().ok_or_else(|| io::Error::other("every place for a worker is in use"))?;
        let place = self.yard.places.get(index);
        place.seated.store(seated, Ordering::Relaxed);
        place.put_home(deque);
        self.start_thread(move |engine| {
            let deque = engine.yard.places.get(index).take_home();
            engine.work(index, deque.expect("BUG: a new worker finds no deque in its place"));
        })
        .inspect_err(|_| self.give_back_place(index))
    }

    /// As a worker with a seat, on a thread that was started for something else.
    pub(in crate::engine::sched) fn work_here(self: &Arc<Self>, index: usize, queues: Queues) {
        self.yard.places.get(index).seated.store(true, Ordering::Relaxed);
        with_hooks(self, |engine| engine.work(index, queues));
    }

    /// The life of a worker.
    fn work(self: &Arc<Self>, index: usize, queues: Queues) {
        self.yard.idle.arrive();
        let worker = Worker::new(&self.yard, index, queues, true);
        let _role = entered::set_role(Role::Polls(None));
        let (end, queues, searching) = worker.run(&mut NoRoot);
        debug_assert_ne!(end, End::RootComplete, "BUG: a worker without a root has completed it");
        self.yard.retire(index, queues, searching);
    }

    fn give_back_place(&self, index: usize) {
        let deque =
            self.yard.places.get(index).take_home().expect("BUG: a thread that did not start has taken its deque");
        self.yard.places.give_back(index, deque);
    }

    /// The workers that exist go on alone, and the guarantor tries again; once is enough to say so.
    #[cold]
    pub(in crate::engine::sched) fn refused_a_thread(&self, error: &io::Error) {
        self.yard.stats.threads_refused.add_shared(1);
        if self.yard.stats.threads_refused.get() == 1 {
            // Where stderr is closed there is nobody to tell.
            let _ = writeln!(
                io::stderr(),
                "runtime: the operating system refused a worker thread: {error}.\n  The other workers go on. Raise \
                 the limits on threads and memory, or ask for fewer with `Builder::worker_threads`."
            );
        }
    }

    /// One more worker than N, while a worker blocks.
    pub(in crate::engine::sched) fn start_spare(&self) {
        self.yard.stats.spares_started.add_shared(1);
        if let Err(error) = self.start_worker(false) {
            self.refused_a_thread(&error);
        }
    }
}

fn with_hooks(engine: &Arc<Engine>, body: impl FnOnce(&Arc<Engine>)) {
    if let Some(hook) = &engine.yard.config.on_thread_start {
        hook();
    }
    body(engine);
    if let Some(hook) = &engine.yard.config.on_thread_stop {
        hook();
    }
}
