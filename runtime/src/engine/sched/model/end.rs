//! The end of an engine, and whoever waits for a place of one that goes on.

use super::*;

loom::thread_local! {
    /// The place that this thread of a model holds.
    pub(super) static PLACE: Cell<Option<usize>> = Cell::new(None);
}

/// An engine as far as its end is concerned. It counts its holders itself and stays in memory after the last one, so
/// that a model can say who came too late.
pub(super) struct Small {
    pub(super) places: Places,
    inject: Inject,
    shared: SharedStats,
    pub(super) closing: AtomicBool,
    holders: AtomicUsize,
    pub(super) freed: AtomicBool,
    dropped: StdArc<Count>,
}

impl Small {
    /// With one holder, this thread, which is the worker at place 0.
    pub(super) fn new() -> StdArc<Small> {
        let small = Small {
            places: Places::new(3),
            inject: Inject::new(),
            shared: SharedStats::default(),
            closing: AtomicBool::new(false),
            holders: AtomicUsize::new(1),
            freed: AtomicBool::new(false),
            dropped: StdArc::default(),
        };
        for _ in 0..2 {
            let _deque = small.places.take().expect("there are two places");
        }
        PLACE.with(|place| place.set(Some(0)));
        StdArc::new(small)
    }

    /// Every access. Without an order between it and the last holder's end, loom tries both answers.
    pub(super) fn touch(&self) {
        assert!(!self.freed.load(Relaxed), "the engine is used after it was freed");
    }

    /// `Yard::keep`.
    pub(super) fn count(&self) {
        self.touch();
        let before = self.holders.fetch_add(1, Relaxed);
        assert_ne!(before, 0, "the engine is counted after its last count is gone");
    }

    /// The end of a count.
    pub(super) fn uncount(&self) {
        if self.holders.fetch_sub(1, AcqRel) == 1 {
            assert!(self.inject.is_empty(), "a task was left in the queue");
            self.freed.store(true, Relaxed);
        }
    }

    /// `Yard::spawn`.
    pub(super) fn spawn<F: Future>(&self, future: F) -> JoinCell<F::Output> {
        self.touch();
        let owner: NonNull<Small> = NonNull::from(self);
        let info = info();
        let span = info.span_of_future::<F>("task");
        let (task, join) = allocate(future, owner, info, span);
        match PLACE.with(Cell::get) {
            Some(index) => {
                let place = self.places.get(index);
                place.stats.spawned.add(1);
                if self.closing.load(Relaxed) {
                    task.cancel();
                } else if let Some(displaced) = place.next.put(task) {
                    self.inject.push(displaced);
                }
            }
            None => self.spawn_from_outside(task),
        }
        join
    }

    /// `Yard::spawn_from_outside`.
    fn spawn_from_outside(&self, task: Runnable) {
        self.shared.spawned.add_shared(1);
        fence(SeqCst);
        if self.closing.load(Relaxed) {
            return task.cancel();
        }
        self.push_from_outside(task);
    }

    /// `Yard::push_from_outside`: after the push it still wakes somebody up.
    fn push_from_outside(&self, task: Runnable) {
        self.inject.push(task);
        self.touch();
    }

    /// `Yard::close`, `Yard::drain`.
    pub(super) fn close_and_drain(&self) {
        self.closing.store(true, SeqCst);
        fence(SeqCst);
        self.drain();
    }

    pub(super) fn drain(&self) {
        assert!(Drain { places: &self.places, inject: &self.inject, shared: &self.shared }.until(None));
        self.touch();
    }

    /// A future whose drop is counted.
    pub(super) fn future(
        &self,
        mut poll: impl FnMut(&mut Context<'_>) -> Poll<()> + Send,
    ) -> impl Future<Output = ()> + Send {
        let inside = CountsDrop(self.dropped.clone());
        poll_fn(move |cx| {
            let _inside = &inside;
            poll(cx)
        })
    }

    #[track_caller]
    pub(super) fn assert_dropped(&self, futures: usize) {
        assert_eq!(self.dropped.load(Relaxed), futures, "each future is dropped once, before the drain is over");
    }
}

struct CountsDrop(StdArc<Count>);

impl Drop for CountsDrop {
    fn drop(&mut self) {
        self.0.fetch_add(1, Relaxed);
    }
}

impl Owner for Small {
    /// As `Yard::schedule`.
    fn schedule(&self, task: Runnable) {
        match PLACE.with(Cell::get) {
            Some(index) => {
                if let Some(displaced) = self.places.get(index).next.put(task) {
                    self.inject.push(displaced);
                }
            }
            None => {
                self.count();
                self.push_from_outside(task);
                self.uncount();
            }
        }
    }
    fn requeue(&self, task: Runnable) {
        self.touch();
        self.inject.push(task);
    }
    /// As `Yard::link`.
    fn link(&self, task: &Running) -> Option<u32> {
        let index = PLACE.with(Cell::get).expect("a task is polled on a worker");
        self.places.get(index).owned.link(task).then_some(index as u32)
    }
    /// As `Yard::finished`.
    fn finished(&self, task: &Running) {
        self.touch();
        if let Some(list) = task.list() {
            self.places.get(list as usize).owned.unlink(task);
        }
        match PLACE.with(Cell::get) {
            Some(index) => self.places.get(index).stats.finished.add(1),
            None => self.shared.finished.add_shared(1),
        }
    }
    fn panic_sink(&self) -> Option<StdArc<dyn PanicSink>> {
        panic!("the task of a model panicked")
    }
}

/// One place, and two other threads that wait for it, of which one is done before it gets it.
/// Fault: `enter` after the first look for a place; `a_place_is_free` before the place is given back; who leaves without
/// the place tells nobody.
/// A wake that is on its way when a drain gives up at its deadline.
/// Fault: no fence G1; the drainer does not look once more; the pusher does not look at all.
#[test]
fn what_is_pushed_when_a_drain_gives_up_is_dropped() {
    check(|| {
        let yard = yard(1, 1);
        let info = TaskInfo::new(Id::fresh(), Location::caller());
        drop(yard.spawn(async {}, info));
        let task = yard.inject.pop().expect("it was spawned by a thread that is no worker");
        yard.closing.store(true, SeqCst);
        let theirs = yard.clone();
        let pusher = spawn(move || theirs.push_from_outside(task));
        // Its deadline has come.
        yard.give_up_draining();
        pusher.join().unwrap();
        assert_eq!(yard.alive(), 0, "a task that nobody drops");
    });
}

#[test]
fn nobody_waits_for_a_place_that_is_free() {
    check(|| {
        let shared = StdArc::new((Places::new(1), Roots::new()));
        let (index, deque) = shared.0.take().expect("the place is free");
        let waits = [false, true].map(|is_done_early| {
            let shared = shared.clone();
            spawn(move || {
                let (places, roots) = &*shared;
                let bell = StdArc::new(Bell::new(StdArc::new(Parker::new())));
                let number = roots.enter(&bell, true);
                let mut any_free = places.any_free();
                while !any_free {
                    bell.parker.park(None);
                    any_free = places.any_free();
                    if is_done_early {
                        break;
                    }
                }
                // `Engine::run_apart`, `Engine::run_alone`
                roots.leave(number);
                if is_done_early {
                    if places.any_free() {
                        roots.a_place_is_free();
                    }
                } else if let Some((index, deque)) = places.take() {
                    places.give_back(index, deque);
                    roots.a_place_is_free();
                }
            })
        });
        shared.0.give_back(index, deque);
        shared.1.a_place_is_free();
        waits.into_iter().for_each(|thread| thread.join().unwrap());
    });
}

/// A future of `block_on` is woken while it is polled, by one who has queued something: whoever asks whether all is quiet
/// finds the bell busy or what was queued.
/// Fault: `end_poll` as a store; `ring` after the push is seen to be over.
#[test]
fn a_bell_is_busy_until_its_poll_is_over() {
    check(|| {
        let shared = StdArc::new((Roots::new(), Inject::new(), AtomicBool::new(false)));
        let bell = StdArc::new(Bell::new(StdArc::new(Parker::new())));
        let number = shared.0.enter(&bell, false);
        let (theirs, rings) = (shared.clone(), bell.clone());
        let asks = spawn(move || {
            let (roots, inject, _) = &*theirs;
            // `Yard::nobody_else_is_busy`
            !(roots.all_asleep() && inject.is_empty())
        });
        let wakes = spawn(move || rings.ring());
        bell.begin_poll();
        shared.1.push(ready_task(|| ()));
        bell.end_poll();
        assert!(asks.join().unwrap(), "a task was queued, or about to be, all the time");
        let woken = wakes.join().unwrap();
        assert!(!woken || bell.is_woken(), "its wake is for the next poll");
        shared.0.leave(number);
        shared.1.pop().map(Runnable::run);
    });
}

/// A foreign thread wakes a suspended task while its engine ends and is freed (museum M1).
/// Fault: `schedule` that takes its count after the push, or none; `drain` that does not wait for `alive`.
#[test]
fn the_engine_outlives_a_foreign_wake() {
    check(|| {
        let small = Small::new();
        let kept = StdArc::new(std::sync::Mutex::new(None::<Waker>));
        let keep = kept.clone();
        let join = small.spawn(small.future(move |cx| {
            let waker = cx.waker().clone();
            *keep.lock().unwrap() = Some(waker);
            Poll::Pending
        }));
        small.places.get(0).next.take().expect("the task is in the slot").run();
        let waker = kept.lock().unwrap().take().expect("the task has been polled");
        let foreign = spawn(move || waker.wake());
        small.close_and_drain();
        small.assert_dropped(1);
        small.uncount();
        foreign.join().unwrap();
        assert!(join.task().header().is_complete() && small.freed.load(Relaxed));
    });
}

/// A foreign thread spawns through a handle while the engine closes: the closer finds the task, or the spawner sees
/// that it closes.
/// Fault: no fence in `spawn_from_outside`, or none in `close`; the count after the look at `closing`.
#[test]
fn no_task_is_left_behind_by_a_foreign_spawn() {
    check(|| {
        let small = Small::new();
        small.count();
        let handle = small.clone();
        let foreign = spawn(move || {
            drop(handle.spawn(handle.future(|_| Poll::Pending)));
            handle.uncount();
        });
        small.close_and_drain();
        small.uncount();
        foreign.join().unwrap();
        small.assert_dropped(1);
        assert!(small.freed.load(Relaxed));
    });
}

/// A worker finishes a task that spawns another one, while the closer counts who is alive.
/// Fault: `alive` that reads `spawned` first; `Counter::add` with Relaxed.
#[test]
fn the_drain_counts_no_task_too_few() {
    check(|| {
        let small = Small::new();
        let child = small.clone();
        let spawner = StdArc::new(std::sync::Mutex::new(Some(child)));
        drop(small.spawn(small.future(move |_| {
            let small = spawner.lock().unwrap().take().expect("polled once");
            drop(small.spawn(small.future(|_| Poll::Pending)));
            Poll::Ready(())
        })));
        let task = small.places.get(0).next.take().expect("the task is in the slot");
        small.count();
        let theirs = small.clone();
        let worker = spawn(move || {
            PLACE.with(|place| place.set(Some(1)));
            task.run();
            if theirs.closing.load(Relaxed) {
                theirs.drain();
            }
            theirs.uncount();
        });
        small.close_and_drain();
        // The worker has begun, or the drain would still wait: so both tasks are over.
        small.assert_dropped(2);
        small.uncount();
        worker.join().unwrap();
        assert!(small.freed.load(Relaxed));
    });
}
