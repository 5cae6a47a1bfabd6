//! Every panicking function of `runtime` and `task`: what it says, and that it blames its caller's line.
//!
//! The words are what a reader needs to find: what happened, and what to do.

mod arguments;
mod outside;
mod places;
// With the real tokio twice it says nothing about us.
#[cfg(not(feature = "oracle"))]
mod two_runtimes;

use runtime::runtime::{Builder, Handle};
use runtime::task::{self, JoinSet, LocalSet};
use runtime::time::{self, Duration, Instant};
use runtime_tests::{Flavor, WakeCount, assert_panics_here, watchdog};
use std::future::{pending, ready};

runtime::task_local! {
    static NUMBER: u32;
}

#[test]
fn spawn_outside_of_a_runtime() {
    let _watch = watchdog();
    assert_panics_here!(runtime::spawn(ready(())), "no runtime here", "block_on", "enter");
    assert_panics_here!(task::spawn(ready(())), "no runtime here");
}

#[test]
fn spawn_blocking_outside_of_a_runtime() {
    let _watch = watchdog();
    assert_panics_here!(task::spawn_blocking(|| ()), "no runtime here", "enter");
}

#[test]
fn handle_current_outside_of_a_runtime() {
    let _watch = watchdog();
    assert_panics_here!(Handle::current(), "no runtime here", "enter");
    let runtime = Flavor::MultiThread(1).build();
    drop(runtime.enter());
    assert_panics_here!(Handle::current(), "no runtime here");
}

#[test]
fn join_set_spawns_outside_of_a_runtime() {
    let _watch = watchdog();
    let mut set = JoinSet::new();
    assert_panics_here!(set.spawn(ready(())), "no runtime here");
    assert_panics_here!(set.spawn_blocking(|| ()), "no runtime here");
    assert_panics_here!(set.spawn_local(ready(())), "spawn_local", "LocalSet");
    assert!(set.is_empty());
}

#[test]
fn sockets_outside_of_a_runtime() {
    use runtime::io::unix::AsyncFd;
    use runtime::net::unix::pipe;
    use runtime::net::{TcpListener, TcpSocket, TcpStream, UdpSocket, UnixDatagram, UnixListener, UnixStream};
    use std::os::unix::net as std_unix;

    let _watch = watchdog();
    assert_panics_here!(UnixStream::pair(), "no runtime here", "UnixStream::pair", "block_on", "enter");
    assert_panics_here!(UnixDatagram::pair(), "no runtime here");
    assert_panics_here!(UnixDatagram::unbound(), "no runtime here");
    assert_panics_here!(UnixListener::bind(format!("\0panics-{}", std::process::id())), "no runtime here");
    assert_panics_here!(pipe::pipe(), "no runtime here", "pipe");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let stream = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (one, two) = std_unix::UnixStream::pair().unwrap();
    let udp = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    for socket in [&one, &two] {
        socket.set_nonblocking(true).unwrap();
    }
    listener.set_nonblocking(true).unwrap();
    stream.set_nonblocking(true).unwrap();
    udp.set_nonblocking(true).unwrap();
    assert_panics_here!(TcpListener::from_std(listener), "no runtime here", "TcpListener::from_std");
    assert_panics_here!(TcpStream::from_std(stream), "no runtime here", "TcpStream::from_std");
    assert_panics_here!(UdpSocket::from_std(udp), "no runtime here", "UdpSocket::from_std");
    assert_panics_here!(UnixStream::from_std(one), "no runtime here", "UnixStream::from_std");
    #[expect(deprecated, reason = "tests contain no unsafe code")]
    {
        assert_panics_here!(AsyncFd::new(two), "no runtime here", "AsyncFd::register");
    }
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    assert_panics_here!(socket.listen(1), "no runtime here", "TcpSocket::listen");
}

#[test]
fn nested_block_on() {
    let _watch = watchdog();
    for flavor in [Flavor::MultiThread(1), Flavor::CurrentThread] {
        let (one, two) = (flavor.build(), flavor.build());
        one.block_on(async {
            assert_panics_here!(two.block_on(async {}), "block_on", "await");
            assert_panics_here!(one.block_on(async {}), "block_on", "await");
            assert_panics_here!(Handle::current().block_on(async {}), "block_on", "await");
            let set = LocalSet::new();
            assert_panics_here!(set.block_on(&two, async {}), "block_on", "await");
        });
        assert_eq!(two.block_on(async { 1 }), 1);
    }
}

#[test]
fn nested_block_on_of_a_local_runtime() {
    let _watch = watchdog();
    let outer = Flavor::CurrentThread.build();
    let local = Builder::new_current_thread().build_local(Default::default()).unwrap();
    outer.block_on(async {
        assert_panics_here!(local.block_on(async {}), "block_on", "await");
    });
}

#[test]
fn block_in_place_on_a_current_thread_runtime() {
    let _watch = watchdog();
    let runtime = Flavor::CurrentThread.build();
    runtime.block_on(async {
        assert_panics_here!(task::block_in_place(|| ()), "block in place", "multi");
    });
}

#[test]
fn block_in_place_inside_a_local_set() {
    let _watch = watchdog();
    let runtime = Flavor::MultiThread(1).build();
    LocalSet::new().block_on(&runtime, async {
        task::spawn_local(async {
            assert_panics_here!(task::block_in_place(|| ()), "block in place");
        })
        .await
        .unwrap();
    });
}

#[test]
fn builder_options_that_make_no_sense() {
    let _watch = watchdog();
    let mut builder = Builder::new_multi_thread();
    assert_panics_here!(builder.worker_threads(0), "worker_threads");
    assert_panics_here!(builder.max_blocking_threads(0), "max_blocking_threads");
    assert_panics_here!(builder.global_queue_interval(0), "global_queue_interval");
    assert_panics_here!(builder.event_interval(0), "event_interval");
    assert_panics_here!(builder.max_io_events_per_tick(0), "max_io_events_per_tick");
    assert_panics_here!(builder.max_io_events_per_busy_tick(0), "max_io_events_per_busy_tick");
    assert_panics_here!(builder.name("  "), "name");
    // tokio builds it, and std panics when the first thread starts.
    if cfg!(not(feature = "oracle")) {
        assert_panics_here!(builder.thread_name("a\0b"), "thread_name", "NUL");
    }
}

// beyond tokio: there it blames a line of tokio's own.
#[test]
#[cfg_attr(feature = "oracle", ignore = "tokio blames itself")]
fn build_local_of_a_multi_thread_builder() {
    let _watch = watchdog();
    let mut builder = Builder::new_multi_thread();
    assert_panics_here!(builder.build_local(Default::default()), "local runtime", "new_current_thread");
}

#[test]
fn spawn_local_outside_of_a_local_set() {
    let _watch = watchdog();
    assert_panics_here!(task::spawn_local(ready(())), "spawn_local", "LocalSet");
    let runtime = Flavor::MultiThread(1).build();
    runtime.block_on(async {
        assert_panics_here!(task::spawn_local(ready(())), "spawn_local", "LocalSet");
    });
}

#[test]
fn spawn_local_on_a_foreign_thread() {
    let _watch = watchdog();
    let local = Builder::new_current_thread().build_local(Default::default()).unwrap();
    let handle = local.handle().clone();
    let foreign = std::thread::spawn(move || {
        let _inside = handle.enter();
        assert_panics_here!(task::spawn_local(ready(())), "spawn_local");
    });
    foreign.join().unwrap();
}

#[test]
fn task_locals_that_are_not_set() {
    let _watch = watchdog();
    assert_panics_here!(NUMBER.with(|_| ()), "scope");
    assert_panics_here!(NUMBER.get(), "scope");
}

#[test]
fn a_scope_inside_with() {
    let _watch = watchdog();
    NUMBER.sync_scope(1, || {
        NUMBER.with(|_| {
            assert_panics_here!(NUMBER.sync_scope(2, || ()), "scope", "with");
        });
    });
}

#[test]
fn into_panic_of_a_cancelled_task() {
    let _watch = watchdog();
    let runtime = Flavor::CurrentThread.build();
    let handle = runtime.spawn(pending::<()>());
    handle.abort();
    let error = runtime.block_on(handle).unwrap_err();
    assert_panics_here!(error.into_panic(), "cancelled");
}

#[test]
fn id_outside_of_a_task() {
    let _watch = watchdog();
    assert_panics_here!(task::id(), "task", "try_id");
    let runtime = Flavor::MultiThread(1).build();
    runtime.block_on(async {
        assert_panics_here!(task::id(), "task", "try_id");
    });
}

#[test]
fn enter_guards_dropped_out_of_order() {
    let _watch = watchdog();
    let (one, two) = (Flavor::CurrentThread.build(), Flavor::CurrentThread.build());
    let first = one.enter();
    let second = two.enter();
    let caught = runtime_tests::catch(|| drop(first)).expect_err("it did not panic");
    assert!(caught.message.contains("order"), "{}", caught.message);
    drop(second);
}

#[test]
fn a_join_handle_polled_after_it_was_ready() {
    let _watch = watchdog();
    let runtime = Flavor::CurrentThread.build();
    let mut handle = runtime.spawn(async {});
    runtime.block_on(&mut handle).unwrap();
    let count = WakeCount::new();
    let caught = runtime_tests::catch(|| count.poll(&mut handle)).expect_err("it did not panic");
    assert!(caught.message.contains("JoinHandle"), "{}", caught.message);
}

#[test]
fn a_task_local_future_polled_after_it_was_ready() {
    let _watch = watchdog();
    let mut future = Box::pin(NUMBER.scope(1, ready(())));
    let count = WakeCount::new();
    assert!(count.poll(&mut future).is_ready());
    let caught = runtime_tests::catch(|| count.poll(&mut future)).expect_err("it did not panic");
    assert!(caught.message.contains("TaskLocalFuture"), "{}", caught.message);
}

#[test]
fn metrics_of_a_worker_that_does_not_exist() {
    let _watch = watchdog();
    let metrics = Flavor::MultiThread(1).build().metrics();
    assert!(runtime_tests::catch(|| metrics.worker_park_count(1_000)).is_err());
    assert!(runtime_tests::catch(|| metrics.worker_total_busy_duration(1_000)).is_err());
}

#[test]
fn a_panicking_main_future_keeps_its_own_place() {
    let _watch = watchdog();
    let runtime = Flavor::CurrentThread.build();
    assert_panics_here!(
        runtime.block_on(async { assert!(runtime_tests::poll_once(&mut pending::<()>()).is_ready()) }),
        "is_ready"
    );
}

#[test]
fn timers_outside_of_a_runtime() {
    let _watch = watchdog();
    let (second, now) = (Duration::from_secs(1), Instant::now());
    assert_panics_here!(time::sleep(second), "no runtime here", "time::sleep", "block_on", "enter");
    assert_panics_here!(time::sleep_until(now), "no runtime here", "time::sleep_until");
    assert_panics_here!(time::timeout(second, ready(())), "no runtime here", "time::timeout");
    assert_panics_here!(time::timeout_at(now, ready(())), "no runtime here", "time::timeout_at");
    assert_panics_here!(time::interval(second), "no runtime here", "time::interval");
    assert_panics_here!(time::interval_at(now, second), "no runtime here", "time::interval_at");
}

#[test]
fn intervals_of_zero() {
    let _watch = watchdog();
    let runtime = Flavor::CurrentThread.build();
    let _inside = runtime.enter();
    assert_panics_here!(time::interval(Duration::ZERO), "interval of zero", "period");
    assert_panics_here!(time::interval_at(Instant::now(), Duration::ZERO), "interval of zero");
}

#[test]
fn clocks_that_are_so_already() {
    let _watch = watchdog();
    assert_panics_here!(time::pause(), "no runtime here", "enter");
    assert_panics_here!(time::resume(), "no runtime here");
    let runtime = Flavor::CurrentThread.build();
    runtime.block_on(async {
        assert_panics_here!(time::resume(), "not held still", "time::pause");
        time::pause();
        assert_panics_here!(time::pause(), "stands still already", "time::resume");
        time::resume();
    });
    // A future is polled elsewhere: `outside` has whose line it names.
    let caught =
        runtime_tests::catch(|| runtime.block_on(time::advance(Duration::ZERO))).expect_err("it did not panic");
    assert!(cfg!(feature = "oracle") || caught.message.contains("not held still"), "{}", caught.message);
}

// beyond tokio
#[test]
#[cfg(not(feature = "oracle"))]
fn set_auto_advance_outside_of_a_runtime() {
    let _watch = watchdog();
    assert_panics_here!(time::set_auto_advance(false), "no runtime here", "set_auto_advance");
}

// std's, which tokio's passes on, blames a line of std.
#[test]
#[cfg_attr(feature = "oracle", ignore = "tokio blames std")]
fn instants_out_of_range() {
    let _watch = watchdog();
    let mut now = Instant::now();
    assert_panics_here!(now + Duration::MAX, "out of an `Instant`'s range", "checked_add");
    assert_panics_here!(now - Duration::MAX, "out of an `Instant`'s range", "checked_sub");
    assert_panics_here!(now += Duration::MAX, "checked_add");
    assert_panics_here!(now -= Duration::MAX, "checked_sub");
}

#[test]
fn send_timeout_outside_of_a_runtime() {
    let _watch = watchdog();
    let (tx, _rx) = runtime::sync::mpsc::channel(1);
    tx.try_send(1).unwrap();
    let send = tx.send_timeout(2, Duration::from_secs(1));
    let caught = runtime_tests::catch(|| runtime_tests::hostile::block_on(send)).expect_err("it did not panic");
    assert!(cfg!(feature = "oracle") || caught.message.contains("no runtime here"), "{}", caught.message);
}

/// Tests and programs match on tokio's words, so ours are found in the message, too.
#[test]
fn the_words_that_tokio_has_said_are_in_the_message() {
    let _watch = watchdog();
    let says = |what: &str, panics: &dyn Fn()| {
        let message = runtime_tests::catch(panics).expect_err("it did not panic").message;
        assert!(message.contains(what), "no {what:?} in the panic {message:?}");
    };
    let none = "there is no reactor running, must be called from the context of a Tokio 1.x runtime";
    says(none, &|| drop(runtime::spawn(ready(()))));
    says(none, &|| drop(Handle::current()));
    says(none, &|| drop(time::sleep(Duration::ZERO)));
    says("`spawn_local` called from outside of a `task::LocalSet`", &|| drop(task::spawn_local(ready(()))));
    let inside = |panics: fn()| move || Flavor::CurrentThread.build().block_on(async { panics() });
    says("Cannot start a runtime from within a runtime", &inside(|| Handle::current().block_on(ready(()))));
    says("can call blocking only when running on the multi-threaded runtime", &inside(|| task::block_in_place(|| ())));
    let blocks = || drop(runtime::sync::Mutex::new(()).blocking_lock());
    says("Cannot block the current thread from within a runtime", &inside(blocks));
}
