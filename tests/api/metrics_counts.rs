//! Each counter of `RuntimeMetrics`: one event is counted once. Beyond what tokio promises of its numbers.

use runtime::net::{TcpListener, UdpSocket};
use runtime::runtime::{Runtime, RuntimeMetrics, worker_index};
use runtime::task::{self, consume_budget, yield_now};
use runtime::time::sleep;
use runtime_tests::{Event, Flavor, assert_panics_here, wait_until, watchdog};
use std::future::{pending, ready};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

const FLAVORS: [Flavor; 3] = [Flavor::MultiThread(1), Flavor::MultiThread(3), Flavor::CurrentThread];

fn one_thread() -> (Runtime, RuntimeMetrics) {
    let runtime = Flavor::CurrentThread.build();
    let metrics = runtime.metrics();
    (runtime, metrics)
}

fn is_parked(metrics: &RuntimeMetrics, worker: usize) -> bool {
    metrics.worker_park_unpark_count(worker) % 2 == 1
}

#[test]
fn d23_an_odd_count_says_that_the_worker_sleeps() {
    let _watch = watchdog();
    for flavor in FLAVORS {
        let runtime = flavor.build();
        let metrics = runtime.metrics();
        let workers = metrics.num_workers();
        let all_parked = || (0..workers).all(|worker| is_parked(&metrics, worker));
        wait_until("all workers to sleep for the first time", all_parked);
        for _ in 0..20 {
            let inside = metrics.clone();
            let awake = async move { worker_index().is_none_or(|worker| !is_parked(&inside, worker)) };
            assert!(runtime.block_on(async { task::spawn(awake).await.unwrap() }), "{flavor:?}: it runs a task");
            wait_until("all workers to sleep", all_parked);
        }
        // Asleep while somebody is inside `block_on`.
        let gate = Event::new();
        let (opens, sleeper) = (gate.clone(), metrics.clone());
        let before: u64 = (0..workers).map(|worker| metrics.worker_park_count(worker)).sum();
        let thread = thread::spawn(move || {
            let parks = || (0..workers).map(|worker| sleeper.worker_park_count(worker)).sum::<u64>();
            wait_until("a worker that goes to sleep", || parks() > before);
            wait_until("all workers to sleep", || (0..workers).all(|worker| is_parked(&sleeper, worker)));
            opens.set();
        });
        runtime.block_on(async {
            task::spawn(async {}).await.unwrap();
            gate.wait().await;
        });
        thread.join().unwrap();
    }
}

#[test]
fn d23_a_worker_has_a_number_below_that_of_workers() {
    let _watch = watchdog();
    let runtime = Flavor::MultiThread(1).build();
    let (tells, told) = mpsc::channel();
    drop(runtime.spawn(async move { tells.send(worker_index()).unwrap() }));
    assert_eq!(told.recv().unwrap(), Some(0));
    let metrics = runtime.metrics();
    wait_until("the worker to sleep", || is_parked(&metrics, 0));
    let polls = metrics.worker_poll_count(0);
    for round in 1..=10 {
        assert_eq!(runtime.block_on(async { worker_index() }), None, "this thread is no worker");
        assert_eq!(runtime.block_on(async { task::spawn(async { worker_index() }).await.unwrap() }), Some(0));
        assert_eq!(metrics.worker_poll_count(0), polls + round);
    }
    // A worker that gives its seat away keeps a number below theirs, and so does whoever takes the seat.
    let seen = runtime.block_on(async {
        task::spawn(async {
            let (tells, told) = mpsc::channel();
            let before = worker_index();
            task::block_in_place(|| {
                drop(task::spawn(async move { tells.send(worker_index()).unwrap() }));
                [before, told.recv().unwrap(), worker_index()]
            })
        })
        .await
        .unwrap()
    });
    assert_eq!(seen, [Some(0); 3]);
}

#[test]
fn d23_busy_time_moves_during_a_poll_and_never_back() {
    let _watch = watchdog();
    let (runtime, metrics) = one_thread();
    runtime.block_on(async {
        let before = metrics.worker_total_busy_duration(0);
        thread::sleep(Duration::from_millis(5));
        assert!(metrics.worker_total_busy_duration(0) >= before + Duration::from_millis(5));
    });
    let after = metrics.worker_total_busy_duration(0);
    assert!(after >= Duration::from_millis(5));
    thread::sleep(Duration::from_millis(5));
    assert_eq!(metrics.worker_total_busy_duration(0), after, "nobody is inside");
}

#[test]
fn d23_polls_are_counted_over_all_who_hold_the_place() {
    let _watch = watchdog();
    let (runtime, metrics) = one_thread();
    for round in 1..=3 {
        runtime.block_on(async {
            task::spawn(async { yield_now().await }).await.unwrap();
            task::spawn(async {}).await.unwrap();
        });
        assert_eq!(metrics.worker_poll_count(0), 3 * round);
    }
}

#[test]
fn d33_forced_yields() {
    let _watch = watchdog();
    let (runtime, metrics) = one_thread();
    runtime.block_on(async {
        task::spawn(async {
            for _ in 0..128 {
                consume_budget().await;
            }
        })
        .await
        .unwrap();
    });
    assert_eq!(metrics.budget_forced_yield_count(), 0);
    runtime.block_on(async {
        task::spawn(async {
            for _ in 0..129 {
                consume_budget().await;
            }
        })
        .await
        .unwrap();
    });
    assert_eq!(metrics.budget_forced_yield_count(), 1);
    runtime.block_on(async {
        task::spawn(async {
            for _ in 0..128 {
                consume_budget().await;
            }
            runtime::select! { _ = ready(()) => {} }
        })
        .await
        .unwrap();
    });
    assert_eq!(metrics.budget_forced_yield_count(), 2, "a `select!` that is sent back");
}

#[test]
fn d33_schedules_from_inside_and_outside() {
    let _watch = watchdog();
    let (runtime, metrics) = one_thread();
    let counts = || (metrics.worker_local_schedule_count(0), metrics.remote_schedule_count());
    assert_eq!(counts(), (0, 0));
    let outside = runtime.spawn(async {});
    assert_eq!(counts(), (0, 1));
    runtime.block_on(outside).unwrap();
    runtime.block_on(async { task::spawn(async {}).await.unwrap() });
    assert_eq!(counts(), (1, 1), "a spawn");
    runtime.block_on(async { task::spawn(yield_now()).await.unwrap() });
    assert_eq!(counts(), (3, 1), "a spawn and a yield");
    let gate = Event::new();
    let (waits, opens) = (gate.clone(), gate.clone());
    runtime.block_on(async {
        let waiter = task::spawn(async move { waits.wait().await });
        yield_now().await;
        opens.set();
        waiter.await.unwrap();
    });
    assert_eq!(counts(), (5, 1), "a spawn and a wake");
    assert_eq!((metrics.worker_steal_count(0), metrics.worker_overflow_count(0)), (0, 0));
    runtime.block_on(async {
        let many: Vec<_> = (0..10_000).map(|_| task::spawn(async {})).collect();
        for task in many {
            task.await.unwrap();
        }
    });
    assert_eq!((metrics.worker_local_schedule_count(0), metrics.worker_overflow_count(0)), (10_005, 0));
}

/// How often the worker has slept, more than so often, and how often it was woken for nothing: while it sleeps.
fn counts_asleep(metrics: &RuntimeMetrics, more_than: u64) -> (u64, u64) {
    let counts = || (metrics.worker_park_count(0), metrics.worker_noop_count(0));
    let mut found = counts();
    wait_until("a sleep", || {
        found = counts();
        found.0 > more_than && is_parked(metrics, 0) && found == counts()
    });
    found
}

#[test]
fn d33_wakes_for_nothing() {
    let _watch = watchdog();
    let (runtime, metrics) = one_thread();
    let gate = Event::new();
    let opens = gate.clone();
    let other = metrics.clone();
    let (address, addresses) = mpsc::channel();
    let thread = thread::spawn(move || {
        let address: std::net::SocketAddr = addresses.recv().unwrap();
        let (parks, noops) = counts_asleep(&other, 0);
        // Nobody waits for it, but the driver hears of it.
        std::net::UdpSocket::bind("127.0.0.1:0").unwrap().send_to(b"x", address).unwrap();
        let (parks_then, noops_then) = counts_asleep(&other, parks);
        // One, unless this thread comes late and the driver has woken it once more.
        assert_eq!(noops_then - noops, parks_then - parks);
        opens.set();
        noops_then
    });
    runtime.block_on(async {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        socket.writable().await.unwrap();
        address.send(socket.local_addr().unwrap()).unwrap();
        gate.wait().await;
    });
    assert!(thread.join().unwrap() >= 1);
    // To be woken for the future of `block_on` is no such thing, nor for a task.
    // (The driver wakes a worker for nothing now and then.)
    let (runtime, metrics) = one_thread();
    let naps = || async {
        for _ in 0..20 {
            sleep(Duration::from_millis(1)).await;
        }
    };
    runtime.block_on(async { naps().await });
    runtime.block_on(async { task::spawn(naps()).await.unwrap() });
    let (parks, noops) = (metrics.worker_park_count(0), metrics.worker_noop_count(0));
    assert!(parks > 10 && noops < parks / 2, "{noops} of {parks}");
}

#[test]
fn d33_descriptors_and_their_events() {
    let _watch = watchdog();
    let (runtime, metrics) = one_thread();
    let counts = || (metrics.io_driver_fd_registered_count(), metrics.io_driver_fd_deregistered_count());
    runtime.block_on(async {
        let before = metrics.io_driver_ready_count();
        assert_eq!(counts(), (0, 0));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        assert_eq!(counts(), (1, 0));
        let _client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        while metrics.io_driver_ready_count() == before {
            sleep(Duration::from_millis(1)).await;
        }
        sleep(Duration::from_millis(5)).await;
        assert_eq!(metrics.io_driver_ready_count(), before + 1);
        drop(listener);
        assert_eq!(counts(), (1, 1));
    });
}

#[test]
fn d33_the_mean_time_of_a_poll() {
    let _watch = watchdog();
    let (runtime, metrics) = one_thread();
    assert_eq!(metrics.worker_mean_poll_time(0), Duration::ZERO);
    runtime.block_on(async { task::spawn(async { thread::sleep(Duration::from_millis(20)) }).await.unwrap() });
    assert!(metrics.worker_mean_poll_time(0) >= Duration::from_millis(20));
    for _ in 0..100 {
        runtime.block_on(async {
            task::spawn(async {
                for _ in 0..100 {
                    yield_now().await
                }
            })
            .await
            .unwrap()
        });
    }
    assert!(metrics.worker_mean_poll_time(0) < Duration::from_millis(20), "the newest polls count most");
}

#[test]
#[allow(deprecated)]
fn d33_older_names() {
    use runtime::runtime::{Builder, HistogramConfiguration, HistogramScale};
    let us = Duration::from_micros;
    let runtime = Builder::new_current_thread()
        .enable_metrics_poll_count_histogram()
        .metrics_poll_count_histogram_scale(HistogramScale::Log)
        .metrics_poll_count_histogram_resolution(us(50))
        .metrics_poll_count_histogram_buckets(4)
        .build()
        .unwrap();
    let metrics = runtime.metrics();
    drop(runtime.spawn(pending::<()>()));
    assert_eq!((metrics.active_tasks_count(), metrics.injection_queue_depth()), (1, 1));
    assert!(metrics.poll_count_histogram_enabled());
    assert_eq!(metrics.poll_count_histogram_num_buckets(), 4);
    let ns = Duration::from_nanos;
    let ranges: Vec<_> = (0..4).map(|bucket| metrics.poll_count_histogram_bucket_range(bucket)).collect();
    let at = [0, 1 << 16, 1 << 17, 1 << 18, u64::MAX];
    assert!(ranges.iter().zip(at.windows(2)).all(|(range, at)| *range == (ns(at[0])..ns(at[1]))), "{ranges:?}");
    runtime.block_on(async {});
    runtime.block_on(yield_now());
    assert_eq!((0..4).map(|bucket| metrics.poll_count_histogram_bucket_count(0, bucket)).sum::<u64>(), 1);
    assert_panics_here!(metrics.poll_time_histogram_bucket_count(0, 4), "with 4 buckets");
    assert_panics_here!(metrics.poll_time_histogram_bucket_count(1, 0), "metrics of worker 1");
    let linear = Builder::new_current_thread()
        .enable_metrics_poll_time_histogram()
        .metrics_poll_count_histogram_buckets(3)
        .build()
        .unwrap();
    assert_eq!(linear.metrics().poll_time_histogram_bucket_range(1), us(100)..us(200));
    let newer = Builder::new_current_thread()
        .enable_metrics_poll_time_histogram()
        .metrics_poll_count_histogram_buckets(3)
        .metrics_poll_time_histogram_configuration(HistogramConfiguration::linear(us(5), 7))
        .build()
        .unwrap();
    assert_eq!(newer.metrics().poll_time_histogram_num_buckets(), 7);
}

#[test]
fn d33_log_histograms() {
    use runtime::runtime::{Builder, HistogramConfiguration, InvalidHistogramConfiguration, LogHistogram};
    let histogram = LogHistogram::default();
    let again = histogram;
    assert_eq!(histogram, again);
    assert!(histogram.max_value() > 60_000_000_000);
    let InvalidHistogramConfiguration::TooManyBuckets { required_bucket_count } =
        LogHistogram::builder().max_buckets(5).unwrap_err();
    let mut enough = LogHistogram::builder();
    assert_eq!(enough.max_buckets(required_bucket_count).unwrap(), histogram);
    let runtime = Builder::new_current_thread()
        .enable_metrics_poll_time_histogram()
        .metrics_poll_time_histogram_configuration(HistogramConfiguration::log(histogram))
        .build()
        .unwrap();
    let metrics = runtime.metrics();
    assert_eq!(metrics.poll_time_histogram_num_buckets(), required_bucket_count);
    let last = metrics.poll_time_histogram_bucket_range(required_bucket_count - 1);
    assert_eq!(last.start, Duration::from_nanos(histogram.max_value()));
}

#[test]
fn d33_without_the_next_task_slot_tasks_run_in_order() {
    let _watch = watchdog();
    let order = |slot: bool| {
        let mut builder = Flavor::MultiThread(1).builder();
        builder.without_rescue().enable_alt_timer().enable_eager_driver_handoff().enable_sharded_blocking_queue();
        if !slot {
            builder.disable_lifo_slot();
        }
        let runtime = builder.build().unwrap();
        let (tells, told) = mpsc::channel();
        runtime.block_on(async {
            task::spawn(async move {
                let tasks: Vec<_> = (0..4)
                    .map(|n| {
                        let tells = tells.clone();
                        task::spawn(async move { tells.send(n).unwrap() })
                    })
                    .collect();
                for task in tasks {
                    task.await.unwrap();
                }
            })
            .await
            .unwrap();
        });
        told.into_iter().collect::<Vec<_>>()
    };
    assert_eq!(order(false), [0, 1, 2, 3]);
    assert_eq!(order(true), [3, 0, 1, 2]);
}
