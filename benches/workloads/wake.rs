//! From a plain thread into a task: how long after `wake` is the task polled? And what do many wakes in a row cost?
//!
//! The way back (the task unparks the thread) paces the measurement and is not in it: it is the kernel's, the same for
//! every peer.

use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use runtime_benches::{Load, Meter, Metric, Peer, Reading, Spawn, Workload, Wrong, check, percentile};
use tokio::sync::Notify;

const PERCENTILES: [Metric; 2] =
    [Metric { suffix: "/p50", unit: "ns", floor: 0.0 }, Metric { suffix: "/p99", unit: "ns", floor: 0.0 }];

pub(crate) fn workloads() -> Vec<Workload> {
    vec![
        Workload::of("wake-hot", "from `wake` on a std thread to the poll of the task, one after the other", Wake { pause: None })
            .reads(&PERCENTILES),
        Workload::of(
            "wake-cold",
            "the same with 500 us of silence before each: the worker sleeps",
            Wake { pause: Some(Duration::from_micros(500)) },
        )
        .reads(&PERCENTILES),
        Workload::of("wake-back-to-back", "a std thread wakes 100 tasks without a pause, until all were polled; per wake", BackToBack),
    ]
}

#[derive(Clone, Copy)]
pub(crate) struct Wake {
    pub(crate) pause: Option<Duration>,
}

/// Both ends of the round trip. `asked` and `answered` count round trips.
struct Mailbox {
    asked: AtomicU64,
    answered: AtomicU64,
    /// When the task saw the question, in nanoseconds since `epoch`.
    seen_at: AtomicU64,
    epoch: Instant,
    closed: AtomicBool,
    waker: Mutex<Option<Waker>>,
    thread: Thread,
}

impl Mailbox {
    /// The task's side: answers every question until the thread closes; returns how many it answered.
    async fn answer_all(self: Arc<Self>) -> u64 {
        let mut answered = 0;
        poll_fn(|cx| {
            // The waker stands before the flags are read: a question after this look finds it.
            let mut slot = self.waker.lock().unwrap_or_else(PoisonError::into_inner);
            match &mut *slot {
                Some(waker) => waker.clone_from(cx.waker()),
                None => *slot = Some(cx.waker().clone()),
            }
            drop(slot);
            if self.asked.load(Ordering::Acquire) > answered {
                answered += 1;
                self.seen_at.store(self.now(), Ordering::Relaxed);
                self.answered.store(answered, Ordering::Release);
                self.thread.unpark();
            }
            if self.closed.load(Ordering::Acquire) { Poll::Ready(answered) } else { Poll::Pending }
        })
        .await
    }

    fn now(&self) -> u64 {
        self.epoch.elapsed().as_nanos() as u64
    }

    /// The thread's side: one round trip. Returns how long the question was on its way.
    fn ask(&self, number: u64) -> u64 {
        let asked_at = self.now();
        self.asked.store(number, Ordering::Release);
        self.wake();
        while self.answered.load(Ordering::Acquire) < number {
            thread::park();
        }
        self.seen_at.load(Ordering::Relaxed) - asked_at
    }

    fn wake(&self) {
        let waker = self.waker.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Load for Wake {
    fn run<P: Peer>(&self, peer: &P, meter: Meter) -> Result<Reading, Wrong> {
        let mailbox = Arc::new(Mailbox {
            asked: AtomicU64::new(0),
            answered: AtomicU64::new(0),
            seen_at: AtomicU64::new(0),
            epoch: Instant::now(),
            closed: AtomicBool::new(false),
            waker: Mutex::new(None),
            thread: thread::current(),
        });
        let task = peer.handle().spawn(mailbox.clone().answer_all());
        let mut asked = 0;
        let mut warm_up = meter.warm_up();
        while warm_up.goes_on() {
            asked += 1;
            mailbox.ask(asked);
            warm_up.add(1);
        }
        let mut times = Vec::with_capacity(1 << 16);
        let mut span = meter.start();
        while span.goes_on() {
            if let Some(pause) = self.pause {
                thread::sleep(pause);
            }
            asked += 1;
            times.push(mailbox.ask(asked) as f64);
            span.add(1);
        }
        let cpu_ns = span.stop().cpu_ns;
        mailbox.closed.store(true, Ordering::Release);
        mailbox.wake();
        check("the count of answers", futures_lite::future::block_on(task), asked)?;
        let reading = Reading::of(vec![percentile(&mut times, 0.5), percentile(&mut times, 0.99)]);
        Ok(Reading { cpu_ns, ..reading })
    }
}

/// The thread does not wait for a poll before it wakes the next task, as one that drains a device or a foreign queue does.
#[derive(Clone, Copy)]
struct BackToBack;

impl Load for BackToBack {
    fn run<P: Peer>(&self, peer: &P, meter: Meter) -> Result<Reading, Wrong> {
        const TASKS: u64 = 100;
        const TURNS: u64 = 10;
        let (polled, thread) = (Arc::new(AtomicU64::new(0)), thread::current());
        let handle = peer.handle();
        let one = |_| {
            let (notify, polled, thread) = (Arc::new(Notify::new()), polled.clone(), thread.clone());
            let woken = notify.clone();
            handle.detach(async move {
                loop {
                    woken.notified().await;
                    if (polled.fetch_add(1, Ordering::AcqRel) + 1).is_multiple_of(TASKS) {
                        thread.unpark();
                    }
                }
            });
            notify
        };
        let tasks: Vec<_> = (0..TASKS).map(one).collect();
        let mut wanted = 0;
        meter.repeat(|| {
            for _ in 0..TURNS {
                wanted += TASKS;
                tasks.iter().for_each(|task| task.notify_one());
                while polled.load(Ordering::Acquire) < wanted {
                    thread::park();
                }
            }
            check("the count of polls", polled.load(Ordering::Acquire), wanted)?;
            Ok(TASKS * TURNS)
        })
    }
}
