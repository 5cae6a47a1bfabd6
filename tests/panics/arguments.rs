//! Arguments that make no sense, and calls in the wrong place: whatever tokio documents to panic, and that the caller is blamed.

use runtime::io::{self, BufReader, BufStream, ReadBuf, SimplexStream, copy_bidirectional_with_sizes, duplex, simplex};
use runtime::runtime::LogHistogram;
use runtime::sync::mpsc;
use runtime::time::{self, Duration};
use runtime_tests::{Flavor, assert_panics_here, hostile, watchdog};

#[test]
fn d21_buffers_and_pipes_without_room() {
    let _watch = watchdog();
    assert_panics_here!(BufReader::with_capacity(0, &b""[..]), "BufReader", "0");
    assert_panics_here!(BufStream::with_capacity(0, 1, io::empty()), "0");
    assert_panics_here!(duplex(0), "max_buf_size");
    assert_panics_here!(simplex(0), "max_buf_size");
    assert_panics_here!(SimplexStream::new_unsplit(0), "max_buf_size");
    let (mut one, mut other) = (io::empty(), io::empty());
    assert_panics_here!(hostile::block_on(copy_bidirectional_with_sizes(&mut one, &mut other, 0, 1)), "size 0");
    assert_panics_here!(hostile::block_on(copy_bidirectional_with_sizes(&mut one, &mut other, 1, 0)), "size 0");
}

#[test]
fn d21_halves_that_do_not_belong_together() {
    let _watch = watchdog();
    let ((one, _writes), (_reads, other)) = (io::split(io::empty()), io::split(io::empty()));
    assert!(!one.is_pair_of(&other));
    assert_panics_here!(one.unsplit(other), "unsplit", "split");
}

#[test]
fn d21_more_than_a_read_buffer_holds() {
    let _watch = watchdog();
    let mut memory = [0; 4];
    let mut buf = ReadBuf::new(&mut memory);
    assert_panics_here!(buf.put_slice(b"12345"), "5", "4");
    assert_panics_here!(buf.initialize_unfilled_to(5).len(), "5", "4");
    assert_panics_here!(buf.set_filled(5), "5", "4");
    assert_panics_here!(buf.advance(5), "5", "4");
    buf.put_slice(b"1234");
    assert_panics_here!(buf.advance(usize::MAX), "filled", "4");
    assert_eq!(buf.filled(), b"1234");
}

#[test]
fn d21_workers_and_buckets_that_do_not_exist() {
    let _watch = watchdog();
    let mut builder = Flavor::MultiThread(1).builder();
    builder.enable_metrics_poll_time_histogram();
    let runtime = builder.build().unwrap();
    let metrics = runtime.metrics();
    let none = metrics.num_workers() + 1000;
    assert_panics_here!(metrics.worker_park_count(none), "worker");
    assert_panics_here!(metrics.worker_park_unpark_count(none), "worker");
    assert_panics_here!(metrics.worker_total_busy_duration(none), "worker");
    assert_panics_here!(metrics.worker_poll_count(none), "worker");
    assert_panics_here!(metrics.worker_steal_count(none), "worker");
    assert_panics_here!(metrics.worker_steal_operations(none), "worker");
    assert_panics_here!(metrics.worker_local_queue_depth(none), "worker");
    assert_panics_here!(metrics.worker_thread_id(none), "worker");
    assert_panics_here!(metrics.poll_time_histogram_bucket_count(none, 0), "worker");
    let buckets = metrics.poll_time_histogram_num_buckets();
    assert_panics_here!(metrics.poll_time_histogram_bucket_count(0, buckets), "bucket");
    // tokio's word, which it does not keep for buckets of one width.
    if cfg!(not(feature = "oracle")) {
        assert_panics_here!(metrics.poll_time_histogram_bucket_range(buckets), "bucket");
    }
}

#[test]
fn d21_histograms_that_make_no_sense() {
    let _watch = watchdog();
    let builder = LogHistogram::builder;
    for error in [0.0, 1.0, -1.0, f64::NAN] {
        assert_panics_here!(builder().max_error(error), "relative error", "between 0 and 1");
    }
    assert_panics_here!(builder().precision_exact(11), "precision");
    assert_panics_here!(builder().max_value(Duration::ZERO), "range", "nanosecond");
    // beyond tokio, which takes it for a nanosecond
    if cfg!(not(feature = "oracle")) {
        assert_panics_here!(builder().min_value(Duration::ZERO), "width", "nanosecond");
    }
}

#[test]
fn d21_channels_without_room_and_blocking_in_a_task() {
    let _watch = watchdog();
    assert_panics_here!(mpsc::channel::<()>(0), "0");
    assert_panics_here!(mpsc::channel::<()>(usize::MAX), "channel");
    Flavor::CurrentThread.build().block_on(async {
        let (tx, mut rx) = mpsc::channel(1);
        assert_panics_here!(tx.blocking_send(1), "blocking_send", "block");
        assert_panics_here!(rx.blocking_recv(), "blocking_recv", "block");
        let (_tx, mut rx) = mpsc::unbounded_channel::<()>();
        assert_panics_here!(rx.blocking_recv(), "blocking_recv", "block");
    });
}

/// No clock can be moved so far.
#[test]
fn d21_an_advance_beyond_the_end_of_time() {
    let _watch = watchdog();
    Flavor::CurrentThread.builder().enable_all().start_paused(true).build().unwrap().block_on(async {
        let before = time::Instant::now();
        let line = line!() + 1;
        let advance = time::advance(Duration::MAX);
        let caught = runtime_tests::catch(|| hostile::block_on(advance)).expect_err("it did not panic");
        if cfg!(not(feature = "oracle")) {
            let place = format!("{}:{line}:", file!());
            assert!(caught.message.contains("time::advance") && caught.message.contains(&place), "{}", caught.message);
            assert_eq!(time::Instant::now(), before);
        }
    });
}
