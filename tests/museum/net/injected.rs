//! System calls that fail: strace plays the kernel's refusals into one test of this binary, in a process of its own.
//!
//! Where strace is missing or may not trace, these tests say that they were skipped. It counts calls thread by thread and
//! name by name, so where the number matters, the calls are made by the test's own thread, on a current-thread runtime.
//! The tests that run under it are ignored otherwise: without the faults they would find nothing.

use super::{FLAVORS, pair};
use runtime::io::{AsyncReadExt, AsyncWriteExt};
use runtime::net::unix::pipe;
use runtime::net::{TcpListener, TcpSocket, TcpStream, UdpSocket, UnixDatagram, UnixListener, UnixStream};
use runtime::time::{sleep, timeout};
use runtime_tests::{Flavor, process, watchdog, watchdog_secs};
use rustix::io::Errno;
use std::future::poll_fn;
use std::io::{self, IoSlice, Read, Write};
use std::os::linux::net::SocketAddrExt;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

/// Runs one test of this module with strace around it. `None`: it cannot be had here.
fn strace(options: &[&str], test: &str) -> Option<Output> {
    let traced = |command: &std::path::Path, arguments: &[&str]| {
        let mut strace = Command::new("strace");
        strace.arg("-f").args(options).arg(command).args(arguments);
        // A leak sanitizer, if this is built with one, does not work in a traced process.
        strace.env("ASAN_OPTIONS", "detect_leaks=0").output()
    };
    if !traced("true".as_ref(), &[]).is_ok_and(|probe| probe.status.success()) {
        eprintln!("skipped: strace is missing or may not trace here");
        return None;
    }
    let test = format!("net::injected::{test}");
    let output = traced(&std::env::current_exe().unwrap(), &["--exact", &test, "--include-ignored"]).unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && told.contains("1 passed"), "{options:?}: {told}\n{errors}");
    Some(output)
}

/// Runs one test of this module with a fault injected into its system calls.
fn under_strace(inject: &str, test: &str) {
    strace(&["-o", "/dev/null", "-e", &format!("inject={inject}")], test);
}

fn is(error: &io::Error, errno: Errno) -> bool {
    error.raw_os_error() == Some(errno.raw_os_error())
}

const ALL_WAITS: &str = "epoll_wait,epoll_pwait,epoll_pwait2";

/// A signal during a system call came out as an error.
#[test]
#[cfg_attr(feature = "oracle", ignore = "tokio lets it out")]
fn museum_i10_interrupted_calls_are_repeated() {
    let _watch = watchdog_secs(60);
    let calls = "recvfrom,sendto,sendmsg,readv,writev,accept4,sendfile";
    under_strace(&format!("{calls}:error=EINTR:when=1+3"), "every_kind_of_call");
}

/// A wait that fails once, or a connection given up in the queue, loses nothing.
#[test]
#[cfg_attr(feature = "oracle", ignore = "tokio panics, or lets it out")]
fn museum_i5_a_failed_wait_loses_nothing() {
    let _watch = watchdog_secs(60);
    for error in ["EINTR", "EBADF", "ENOMEM"] {
        under_strace(&format!("{ALL_WAITS}:error={error}:when=3+3"), "every_kind_of_call");
    }
    under_strace("accept4:error=ECONNABORTED:when=1+2", "every_kind_of_call");
}

/// For the tests above, and on its own.
#[test]
fn every_kind_of_call() {
    let _watch = watchdog_secs(60);
    Flavor::MultiThread(2).build().block_on(async {
        for round in 0..20_u8 {
            let (mut client, mut server) = pair().await;
            client.write_all(&[round; 100]).await.unwrap();
            let half = [round; 50];
            let bufs = [IoSlice::new(&half), IoSlice::new(&half)];
            assert_eq!(client.write_vectored(&bufs).await.unwrap(), 100);
            let mut buf = [0; 200];
            server.read_exact(&mut buf).await.unwrap();
            assert_eq!(buf, [round; 200]);
            let (one, other) =
                (UdpSocket::bind("127.0.0.1:0").await.unwrap(), UdpSocket::bind("127.0.0.1:0").await.unwrap());
            one.send_to(b"abc", other.local_addr().unwrap()).await.unwrap();
            assert_eq!(other.peek(&mut buf).await.unwrap(), 3);
            assert_eq!(other.recv_from(&mut buf).await.unwrap().0, 3);
            let (mut sender, mut receiver) = pipe::pipe().unwrap();
            sender.write_vectored(&bufs).await.unwrap();
            receiver.read_exact(&mut buf[..100]).await.unwrap();
            let (mut one, mut other) = UnixStream::pair().unwrap();
            one.write_all(b"abc").await.unwrap();
            assert_eq!(other.read(&mut buf).await.unwrap(), 3);
        }
    });
}

/// A listener that could not accept spun, or lost the connection that waited.
#[test]
#[cfg_attr(feature = "oracle", ignore = "tokio spins")]
fn museum_i8_who_is_refused_waits_in_the_queue() {
    let _watch = watchdog_secs(60);
    for error in ["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"] {
        under_strace(&format!("accept4:error={error}:when=1..6"), "tcp_accepts_after_six_refusals");
    }
    under_strace("accept4:error=EMFILE:when=1..6", "unix_accepts_after_six_refusals");
}

const CLIENTS: u8 = 20;
const REFUSALS: usize = 6;

/// 5, 10, 20, 40, 80 and 100 ms.
const RESTS: Duration = Duration::from_millis(250);

/// Every client has sent its number, in the order in which they connected.
async fn all_are_accepted<S: AsyncReadExt + Unpin>(mut accept: impl AsyncFnMut() -> io::Result<S>) {
    let (mut refusals, mut numbers) = (0, Vec::new());
    let (since, used) = (Instant::now(), super::cpu_time());
    while numbers.len() < CLIENTS.into() {
        match accept().await {
            Ok(mut stream) => numbers.push(stream.read_u8().await.unwrap()),
            Err(error) => {
                assert!(error.raw_os_error().is_some(), "{error}");
                refusals += 1;
            }
        }
    }
    let (elapsed, used) = (since.elapsed(), super::cpu_time() - used);
    assert_eq!(numbers, (0..CLIENTS).collect::<Vec<_>>());
    assert_eq!(refusals, REFUSALS, "each is told once");
    assert!(elapsed >= RESTS, "{REFUSALS} refusals within {elapsed:?}: it does not rest");
    assert!(used < elapsed / 2, "{used:?} of CPU in {elapsed:?}: it spins");
}

#[test]
#[ignore = "needs a fault injected into accept4"]
fn tcp_accepts_after_six_refusals() {
    let _watch = watchdog();
    Flavor::CurrentThread.build().block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut clients: Vec<_> = (0..CLIENTS).map(|_| std::net::TcpStream::connect(address).unwrap()).collect();
        clients.iter_mut().zip(0..).for_each(|(client, number)| client.write_all(&[number]).unwrap());
        // Given up again and again: a rest that has begun goes on.
        all_are_accepted(async || {
            loop {
                if let Ok(accepted) = timeout(Duration::from_millis(3), listener.accept()).await {
                    return accepted.map(|(stream, _)| stream);
                }
            }
        })
        .await;
    });
}

#[test]
#[ignore = "needs a fault injected into accept4"]
fn unix_accepts_after_six_refusals() {
    let _watch = watchdog();
    Flavor::CurrentThread.build().block_on(async {
        let name = format!("museum-i8-{}", std::process::id());
        let listener = UnixListener::bind(format!("\0{name}")).unwrap();
        let address = std::os::unix::net::SocketAddr::from_abstract_name(name).unwrap();
        let connect = |_| std::os::unix::net::UnixStream::connect_addr(&address).unwrap();
        let mut clients: Vec<_> = (0..CLIENTS).map(connect).collect();
        clients.iter_mut().zip(0..).for_each(|(client, number)| client.write_all(&[number]).unwrap());
        all_are_accepted(async || Ok(poll_fn(|cx| listener.poll_accept(cx)).await?.0)).await;
    });
}

/// A listener that will never accept again spun: its log filled a disk.
#[test]
#[cfg_attr(feature = "oracle", ignore = "tokio spins")]
fn d37_an_accept_that_fails_for_good_rests() {
    let _watch = watchdog_secs(120);
    for error in ["EPERM", "ENOSYS", "EINVAL", "ENOTSOCK"] {
        under_strace(&format!("accept4:error={error}:when=1..{FAILURES}"), "tcp_accepts_after_failures_of_any_kind");
    }
    under_strace(&format!("accept4:error=EPERM:when=1..{FAILURES}"), "unix_accepts_after_failures_of_any_kind");
    // A few are another matter: each is somebody's own, and nobody waits for it.
    under_strace("accept4:error=EPERM:when=1..4", "tcp_accepts_at_once_after_four_failures");
}

const FAILURES: usize = 22;

/// Sixteen may go by before the first rest: then 5, 10, 20, 40, 80 and 100 ms.
const RESTS_AT_LEAST: Duration = Duration::from_millis(250);

async fn fails_until_it_accepts<R>(mut accept: impl AsyncFnMut() -> io::Result<R>) -> (usize, Duration) {
    let (mut failures, since) = (0, Instant::now());
    while accept().await.is_err() {
        failures += 1;
    }
    (failures, since.elapsed())
}

fn check_failures((failures, elapsed): (usize, Duration)) {
    assert_eq!(failures, FAILURES, "each is told once");
    assert!(elapsed >= RESTS_AT_LEAST, "{FAILURES} failures within {elapsed:?}: it does not rest");
}

#[test]
#[ignore = "needs a fault injected into accept4"]
fn tcp_accepts_after_failures_of_any_kind() {
    let _watch = watchdog();
    Flavor::CurrentThread.build().block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let _client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        check_failures(fails_until_it_accepts(async || listener.accept().await).await);
    });
}

#[test]
#[ignore = "needs a fault injected into accept4"]
fn unix_accepts_after_failures_of_any_kind() {
    let _watch = watchdog();
    Flavor::CurrentThread.build().block_on(async {
        let name = format!("d37-{}", std::process::id());
        let listener = UnixListener::bind(format!("\0{name}")).unwrap();
        let address = std::os::unix::net::SocketAddr::from_abstract_name(name).unwrap();
        let _client = std::os::unix::net::UnixStream::connect_addr(&address).unwrap();
        check_failures(fails_until_it_accepts(async || poll_fn(|cx| listener.poll_accept(cx)).await).await);
    });
}

#[test]
#[ignore = "needs a fault injected into accept4"]
fn tcp_accepts_at_once_after_four_failures() {
    let _watch = watchdog();
    Flavor::CurrentThread.builder().enable_all().start_paused(true).build().unwrap().block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let _client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        // Time goes on only where somebody waits for it.
        let since = runtime::time::Instant::now();
        assert_eq!(fails_until_it_accepts(async || listener.accept().await).await.0, 4);
        assert_eq!(since.elapsed(), Duration::ZERO);
    });
}

/// What a program says of a flow label came to the kernel with its bytes turned.
#[test]
fn d13_a_flow_label_goes_as_std_lets_it_go() {
    let _watch = watchdog_secs(60);
    let Some(output) = strace(&["-o", "/dev/stderr", "-e", "trace=sendto"], "flow_labels") else { return };
    let told = String::from_utf8_lossy(&output.stderr);
    let targets: Vec<&str> = told.lines().filter_map(|line| line.split("sin6_flowinfo=").nth(1)).collect();
    if targets.is_empty() {
        eprintln!("SKIPPED: no IPv6 here, so nothing was tested");
        return;
    }
    assert_eq!(targets.len(), 4, "{told}");
    assert!(targets.iter().all(|target| target == &targets[0]), "std's comes first: {targets:#?}");
}

/// For the test above, and on its own.
#[test]
fn flow_labels() {
    use std::net::SocketAddrV6;
    let _watch = watchdog();
    let Ok(std_socket) = std::net::UdpSocket::bind("[::1]:0") else { return };
    Flavor::CurrentThread.build().block_on(async {
        let receiver = std::net::UdpSocket::bind("[::1]:0").unwrap();
        let port = receiver.local_addr().unwrap().port();
        let target = SocketAddrV6::new(std::net::Ipv6Addr::LOCALHOST, port, 0x0001_2345, 0);
        std_socket.send_to(b"x", target).unwrap();
        let socket = UdpSocket::bind("[::1]:0").await.unwrap();
        socket.send_to(b"x", target).await.unwrap();
        socket.try_send_to(b"x", target.into()).unwrap();
        poll_fn(|cx| socket.poll_send_to(cx, b"x", target.into())).await.unwrap();
        for _ in 0..4 {
            assert_eq!(receiver.recv(&mut [0; 4]).unwrap(), 1);
        }
    });
}

/// Makes it twice: the first time is refused, and holds nothing; the second one is given out.
macro_rules! second_time {
    ($errno:expr, $make:expr) => {{
        let before = process::fds();
        let error = $make.map(drop).expect_err(concat!("not refused: ", stringify!($make)));
        assert!(is(&error, $errno), "{}: {error:?}", stringify!($make));
        assert_eq!(process::fds(), before, "{} keeps a descriptor", stringify!($make));
        $make.expect(concat!("refused twice: ", stringify!($make)))
    }};
}

/// No descriptor for a new socket, pipe or runtime: an error, and nothing else.
#[test]
#[cfg_attr(feature = "oracle", ignore = "counts our own calls")]
fn museum_i8_nothing_new_without_descriptors() {
    let _watch = watchdog_secs(60);
    let calls = "socket,socketpair,pipe2,epoll_create1";
    under_strace(&format!("{calls}:error=EMFILE:when=1+2"), "every_second_descriptor_is_refused");
}

#[test]
#[ignore = "needs faults injected into whatever makes descriptors"]
fn every_second_descriptor_is_refused() {
    let _watch = watchdog();
    let build = || Flavor::CurrentThread.builder().enable_all().build();
    let runtime = second_time!(Errno::MFILE, build());
    runtime.block_on(async {
        let name = format!("\0museum-i8-new-{}", std::process::id());
        let listener = second_time!(Errno::MFILE, TcpListener::bind("127.0.0.1:0").await);
        let address = listener.local_addr().unwrap();
        let mut client = second_time!(Errno::MFILE, TcpStream::connect(address).await);
        drop(second_time!(Errno::MFILE, TcpSocket::new_v4()));
        drop(second_time!(Errno::MFILE, UdpSocket::bind("127.0.0.1:0").await));
        drop(second_time!(Errno::MFILE, UnixListener::bind(&name)));
        drop(second_time!(Errno::MFILE, UnixDatagram::unbound()));
        drop(second_time!(Errno::MFILE, UnixStream::pair()));
        drop(second_time!(Errno::MFILE, pipe::pipe()));
        client.write_all(b"x").await.unwrap();
        assert_eq!(listener.accept().await.unwrap().0.read_u8().await.unwrap(), b'x');
    });
}

/// The kernel's list of descriptors refuses one, and to forget one: an error aborted the process, or leaked the registration.
#[test]
#[cfg_attr(feature = "oracle", ignore = "counts our own calls")]
fn museum_i5_the_kernels_list_refuses() {
    let _watch = watchdog_secs(60);
    // The driver itself makes four calls.
    for errno in [Errno::BADF, Errno::NOSPC, Errno::NOMEM] {
        let (name, test) = match errno {
            Errno::BADF => ("EBADF", "every_second_registration_is_refused_badf"),
            Errno::NOSPC => ("ENOSPC", "every_second_registration_is_refused_nospc"),
            _ => ("ENOMEM", "every_second_registration_is_refused_nomem"),
        };
        under_strace(&format!("epoll_ctl:error={name}:when=5+2"), test);
    }
}

#[test]
#[ignore = "needs a fault injected into epoll_ctl"]
fn every_second_registration_is_refused_badf() {
    every_second_registration_is_refused(Errno::BADF);
}

#[test]
#[ignore = "needs a fault injected into epoll_ctl"]
fn every_second_registration_is_refused_nospc() {
    every_second_registration_is_refused(Errno::NOSPC);
}

#[test]
#[ignore = "needs a fault injected into epoll_ctl"]
fn every_second_registration_is_refused_nomem() {
    every_second_registration_is_refused(Errno::NOMEM);
}

fn every_second_registration_is_refused(errno: Errno) {
    let _watch = watchdog();
    let runtime = Flavor::CurrentThread.build();
    let before = process::fds();
    runtime.block_on(async {
        let listener = second_time!(errno, TcpListener::bind("127.0.0.1:0").await);
        let address = listener.local_addr().unwrap();
        let mut client = second_time!(errno, TcpStream::connect(address).await);
        let udp = second_time!(errno, UdpSocket::bind("127.0.0.1:0").await);
        // The connection that could not be registered above is in the queue before the client's; this one, too, is
        // taken from it and refused: its peer sees the end.
        let error = listener.accept().await.map(drop).unwrap_err();
        assert!(is(&error, errno), "{error:?}");
        let mut server = listener.accept().await.unwrap().0;
        client.write_all(b"abc").await.unwrap();
        let mut buf = [0; 3];
        server.read_exact(&mut buf).await.unwrap();
        server.write_all(&buf).await.unwrap();
        client.read_exact(&mut buf).await.unwrap();
        assert_eq!(&buf, b"abc");
        // Some of these are not forgotten by the kernel's list, until the descriptor is closed, which is next.
        drop((listener, client, server, udp));
        assert_eq!(process::fds(), before);
    });
    drop(runtime);
}

/// The driver's descriptor is closed by somebody who had no business to: sockets say so, and all else goes on.
#[test]
#[cfg_attr(feature = "oracle", ignore = "tokio panics in a worker")]
fn museum_i5_waits_that_fail_for_good_end_the_sockets() {
    let _watch = watchdog_secs(60);
    // The driver tries two.
    under_strace(&format!("{ALL_WAITS}:error=EBADF:when=3+1"), "sockets_end_and_all_else_goes_on");
}

#[test]
#[ignore = "needs a fault injected into epoll_wait"]
fn sockets_end_and_all_else_goes_on() {
    let _watch = watchdog();
    for flavor in FLAVORS {
        // On a thread of its own, because of the two trials.
        let runtime = std::thread::spawn(move || flavor.build()).join().unwrap();
        runtime.block_on(async {
            let (mut one, _other) = UnixStream::pair().unwrap();
            let reads = runtime::spawn(async move { one.read(&mut [0]).await });
            // Whoever waits for sockets comes back to it again and again.
            while !reads.is_finished() {
                runtime::spawn(sleep(Duration::from_millis(1))).await.unwrap();
            }
            let error = reads.await.unwrap().expect_err("nothing was written");
            assert!(error.to_string().contains("shut"), "{error}");
            let error = UnixStream::pair().map(drop).unwrap_err();
            assert!(error.to_string().contains("shut"), "{error}");
            for _ in 0..3 {
                runtime::spawn(sleep(Duration::from_millis(5))).await.unwrap();
            }
            assert_eq!(runtime::task::spawn_blocking(|| 7).await.unwrap(), 7);
        });
    }
}

/// Without an eventfd the driver waits in a way that cannot tell an end from the data before it: a short read was taken
/// for the last one, and the end never seen.
#[test]
#[cfg_attr(feature = "oracle", ignore = "tokio has no other way")]
fn museum_i7_the_end_behind_a_short_read_without_closed_flags() {
    let _watch = watchdog_secs(60);
    under_strace("eventfd2:error=ENOSYS", "the_end_comes_with_the_data");
}

/// For the test above, and on its own.
#[test]
fn the_end_comes_with_the_data() {
    let _watch = watchdog();
    for flavor in FLAVORS {
        flavor.build().block_on(async {
            for (sent, room) in [(1, 64), (63, 64), (64, 64), (65, 64), (1000, 4096)] {
                let (mut client, server) = pair().await;
                let mut server = server.into_std().unwrap();
                server.write_all(&vec![7; sent]).unwrap();
                drop(server);
                let flags = rustix::event::PollFlags::RDHUP;
                rustix::event::poll(&mut [rustix::event::PollFd::new(&client, flags)], None).unwrap();
                let (mut all, mut buf) = (0, vec![0; room]);
                loop {
                    match client.read(&mut buf).await.unwrap() {
                        0 => break,
                        n => all += n,
                    }
                }
                assert_eq!(all, sent);
            }
        });
    }
}

/// A timer of the kernel was set anew for every wait, and the list of descriptors changed: five system calls for one.
#[test]
#[cfg_attr(feature = "oracle", ignore = "counts our own calls")]
fn museum_i23_an_answer_is_few_system_calls() {
    let _watch = watchdog_secs(60);
    let calls = format!("trace={ALL_WAITS},epoll_ctl,timerfd_settime");
    let Some(output) = strace(&["-o", "/dev/stderr", "-e", &calls], "many_questions") else { return };
    let told = String::from_utf8_lossy(&output.stderr);
    let count = |name: &str| told.lines().filter(|line| line.contains(&format!(" {name}("))).count();
    let waits: usize = ALL_WAITS.split(',').map(count).sum();
    // None where the answer is there before it is asked for; a look before the sleep, the sleep, and a look after it.
    assert!((10..=3 * QUESTIONS + 100).contains(&waits), "{waits} waits for {QUESTIONS} questions");
    // A few for the driver and two sockets.
    assert!(count("epoll_ctl") < 20, "{} changes of the kernel's list", count("epoll_ctl"));
    assert!(count("timerfd_settime") < 10, "{} settings of a timer", count("timerfd_settime"));
}

const QUESTIONS: usize = 500;

/// For the test above: each answer is waited for, with a timeout that does not end.
#[test]
#[ignore = "counted from outside"]
fn many_questions() {
    let _watch = watchdog();
    Flavor::CurrentThread.build().block_on(async {
        let (mut client, server) = pair().await;
        let mut server = server.into_std().unwrap();
        server.set_nonblocking(false).unwrap();
        let answers = std::thread::spawn(move || {
            let mut byte = [0];
            while server.read(&mut byte).unwrap() > 0 {
                server.write_all(&byte).unwrap();
            }
        });
        for question in 0..QUESTIONS {
            client.write_u8(question as u8).await.unwrap();
            let answer = timeout(Duration::from_secs(20), client.read_u8()).await.unwrap().unwrap();
            assert_eq!(answer, question as u8);
        }
        drop(client);
        answers.join().unwrap();
    });
}

/// D2: what a wheel or a broadcast channel relied on could be refused later, by a sandbox that was switched on after the start.
#[test]
fn d2_nothing_relies_on_membarrier() {
    let _watch = watchdog_secs(60);
    let Some(output) = strace(&["-o", "/dev/stderr", "-e", "trace=membarrier"], "timers_and_values_among_threads")
    else {
        return;
    };
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(told.lines().find(|line| line.contains(" membarrier(")), None);
}

/// For the test above, and on its own: timers are set by one thread and dropped by another, and a value is received while it
/// is overwritten.
#[test]
fn timers_and_values_among_threads() {
    let _watch = watchdog();
    Flavor::MultiThread(2).build().block_on(async {
        for _ in 0..20 {
            let (naps, mut from_worker) = runtime::sync::mpsc::unbounded_channel();
            let setter = runtime::spawn(async move {
                for _ in 0..10 {
                    let mut nap = Box::pin(sleep(Duration::from_secs(60)));
                    let first = poll_fn(|cx| std::task::Poll::Ready(nap.as_mut().poll(cx))).await;
                    assert!(first.is_pending() && naps.send(nap).is_ok());
                    runtime::task::yield_now().await;
                }
            });
            while let Some(nap) = from_worker.recv().await {
                drop(nap);
            }
            setter.await.unwrap();
            let (tx, mut rx) = runtime::sync::broadcast::channel(1);
            let receiver = runtime::spawn(async move { while rx.recv().await != Ok(9) {} });
            for value in 0..10 {
                tx.send(value).unwrap();
                runtime::task::yield_now().await;
            }
            receiver.await.unwrap();
        }
    });
}
