//! Clients and servers that others wrote, against the programs in `runtime/examples`.
//!
//! The programs run as processes of their own, built from the same files. A tool that is not installed skips its tests,
//! and says so past libtest's capture; `tests/run needs` installs all of them where it can. With `INTEROP_REQUIRED=1` in the
//! environment a missing tool is a failure.

mod example;
mod tools;

use example::Example;
use runtime_tests::watchdog_secs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

const SECONDS: u64 = 20;

/// Runs it; it must succeed. Returns what it wrote.
#[track_caller]
fn succeed(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.output().expect("the tool does not start");
    let (stdout, stderr) = (String::from_utf8_lossy(&stdout).into_owned(), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{command:?}: {status}\n{stdout}\n{stderr}");
    stdout
}

#[test]
fn curl_gets_what_it_asks_for() {
    let _watch = watchdog_secs(SECONDS);
    let Some(curl) = tools::program("curl") else { return };
    let server = Example::server();
    let url = format!("http://{}/", server.address);
    let run = |arguments: &[&str]| succeed(curl().args(["-sS", "--max-time", "10"]).args(arguments));

    assert_eq!(run(&[&url]), "Hello, World!\n");
    let head = run(&["-I", &url]);
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && head.contains("content-length: 14\r\n"), "{head}");
    assert_eq!(run(&["--http1.0", &url]), "Hello, World!\n");
    // The second request goes over the first one's connection.
    assert_eq!(run(&["-o", "/dev/null", "-o", "/dev/null", "-w", "%{num_connects} ", &url, &url]), "1 0 ");
    // Long enough that curl asks before it sends the body (`Expect: 100-continue`), and in many segments.
    let body = "x".repeat(1 << 20);
    let upload = tools::with_input(curl().args(["-sS", "--max-time", "10", "--data-binary", "@-", &url]), &body);
    assert_eq!(upload, "1048576 bytes received\n");

    let refused = |arguments: &[&str]| run(&[&["-o", "/dev/null", "-w", "%{http_code}"], arguments].concat());
    assert_eq!(refused(&[&format!("{url}nowhere")]), "404");
    assert_eq!(refused(&["-X", "DELETE", &url]), "405");
    assert_eq!(refused(&["-X", "N(O)", &url]), "400");
    assert_eq!(refused(&["-H", &format!("cookie: {}", "x".repeat(20_000)), &url]), "431");
    assert_eq!(refused(&["-H", "transfer-encoding: chunked", "-d", "x", &url]), "501");
    let parallel = run(&["-Z", "--parallel-max", "50", &format!("{url}?[1-500]")]);
    assert_eq!(parallel, "Hello, World!\n".repeat(500));
}

#[test]
fn curl_goes_through_the_proxy() {
    let _watch = watchdog_secs(SECONDS);
    let Some(curl) = tools::program("curl") else { return };
    let server = Example::server();
    let proxy = Example::proxy(&server.address);
    let url = format!("http://{}/", proxy.address);
    let run = |arguments: &[&str]| succeed(curl().args(["-sS", "--max-time", "10"]).args(arguments));
    assert_eq!(run(&[&url, &url]), "Hello, World!\n".repeat(2));
    let body = "x".repeat(1 << 20);
    let upload = tools::with_input(curl().args(["-sS", "--max-time", "10", "--data-binary", "@-", &url]), &body);
    assert_eq!(upload, "1048576 bytes received\n");
    // Nobody behind it: curl's own status for "nothing came back", or for a reset, as its request was not read.
    drop(server);
    let status = curl().args(["-sS", "--max-time", "10", &url]).output().expect("curl does not start").status;
    assert!(matches!(status.code(), Some(52 | 56)), "{status}");
}

#[test]
fn wrk_finds_no_error_under_load() {
    let _watch = watchdog_secs(SECONDS);
    let Some(wrk) = tools::program("wrk") else { return };
    let server = Example::server();
    let report = succeed(wrk().args(["-t1", "-c50", "-d1s", "--latency", &format!("http://{}/", server.address)]));
    assert!(!report.contains("Socket errors") && !report.contains("Non-2xx"), "{report}");
    let requests = report.lines().find_map(|line| line.trim().split_once(" requests in"));
    let requests: u64 = requests.and_then(|(count, _)| count.parse().ok()).expect("a count of requests");
    assert!(requests > 50, "{report}");
}

#[test]
fn aiohttp_talks_to_the_server() {
    let _watch = watchdog_secs(SECONDS);
    let Some(python) = tools::python("aiohttp") else { return };
    let server = Example::server();
    let proxy = Example::proxy(&server.address);
    for address in [&server.address, &proxy.address] {
        let answers = succeed(python().args(["-c", include_str!("aiohttp_client.py"), address]));
        assert_eq!(answers.trim(), "1000 answers, 20 connections");
    }
}

/// Frames in both directions, pings, a closing handshake: bytes that a proxy must neither keep nor touch.
#[test]
fn websockets_go_through_the_proxy() {
    let _watch = watchdog_secs(SECONDS);
    let Some(python) = tools::python("websockets") else { return };
    let mut both = python();
    let both = both.args(["-c", include_str!("websockets_both.py")]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut both = both.spawn().expect("python does not start");
    // It tells where its server listens, and wants to know where its clients find the proxy to it.
    let (mut written, mut line) = (BufReader::new(both.stdout.take().expect("a pipe")), String::new());
    written.read_line(&mut line).expect("its output is text");
    let proxy = Example::proxy(&format!("127.0.0.1:{}", line.trim()));
    writeln!(both.stdin.take().expect("a pipe"), "{}", proxy.address).expect("it does not read");
    let mut frames = String::new();
    written.read_to_string(&mut frames).expect("its output is text");
    assert!(both.wait().expect("it was waited for before").success(), "{frames}");
    assert_eq!(frames.trim(), "200 messages");
}

#[test]
fn asyncio_gets_its_echo() {
    let _watch = watchdog_secs(SECONDS);
    let Some(python) = tools::python("asyncio") else { return };
    let echo = Example::echo();
    let proxy = Example::proxy(&echo.address);
    for address in [&echo.address, &proxy.address] {
        let bytes = succeed(python().args(["-c", include_str!("echo_client.py"), address]));
        assert_eq!(bytes.trim(), "20 echoes of 1000000 bytes");
    }
}

#[test]
fn a_chat_between_three() {
    let _watch = watchdog_secs(SECONDS);
    let Some(python) = tools::python("asyncio") else { return };
    let chat = Example::chat();
    assert_eq!(succeed(python().args(["-c", include_str!("chat_client.py"), &chat.address])).trim(), "said goodbye");
}

/// No tool needed: the end that a process manager asks for by closing the pipe.
#[test]
fn the_server_ends_when_its_input_ends() {
    let _watch = watchdog_secs(SECONDS);
    let mut server = Example::server();
    let mut client = TcpStream::connect(&server.address).expect("the server takes no connection");
    client.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").expect("the server takes no request");
    client.read_exact(&mut [0; 10]).expect("the server does not answer");
    let (status, written) = server.ends();
    assert!(status.success(), "{status}");
    assert!(written.contains("ended; 0 connections were cut off"), "{written}");
    let mut rest = Vec::new();
    client.read_to_end(&mut rest).expect("the server resets an idle connection");
    assert!(rest.ends_with(b"Hello, World!\n"));
    TcpStream::connect(&server.address).expect_err("somebody still listens");
}

/// 400 clients that had sent something large once, and then nothing, held 398 MiB.
#[test]
fn d37_the_server_gives_large_buffers_back() {
    let _watch = watchdog_secs(SECONDS);
    let server = Example::server();
    let body = vec![b'x'; 1 << 20];
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        let mut client = TcpStream::connect(&server.address).expect("the server takes no connection");
        write!(client, "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n", body.len()).expect("no head");
        client.write_all(&body).expect("the server takes no body");
        client.read_exact(&mut [0; 10]).expect("the server does not answer");
        clients.push(client);
    }
    // All of them idle: 64 KiB each, and the program. The last one may be about to give its buffer back.
    let few = CLIENTS as u64 * (64 << 10) + (24 << 20);
    let since = Instant::now();
    while server.resident() > few {
        let held = server.resident() >> 20;
        assert!(since.elapsed() < Duration::from_secs(5), "{held} MiB are held for {CLIENTS} idle clients");
        std::thread::sleep(Duration::from_millis(20));
    }
    drop(clients);
}

const CLIENTS: usize = 80;

/// A server in a sandbox, started and forgotten, wrote 12 GB in 23 minutes.
#[test]
fn d37_the_server_tells_the_same_error_once_a_second() {
    let _watch = watchdog_secs(SECONDS);
    let Some(strace) = tools::program("strace") else { return };
    if !strace().args(["-o", "/dev/null", "true"]).output().is_ok_and(|probe| probe.status.success()) {
        eprintln!("skipped: strace may not trace here");
        return;
    }
    let inject = ["-f", "-o", "/dev/null", "-e", "inject=accept4:error=EPERM"];
    let (mut server, mut complaints) = Example::traced_server(strace().args(inject));
    let client = TcpStream::connect(&server.address).expect("nobody listens");
    let since = Instant::now();
    std::thread::sleep(Duration::from_millis(2200));
    let (status, _) = server.ends();
    let seconds = since.elapsed().as_secs() as usize;
    assert!(status.success(), "{status}");
    let mut told = String::new();
    complaints.read_to_string(&mut told).expect("its complaints are text");
    let lines = told.lines().filter(|line| line.contains("cannot accept: ")).count();
    assert!((1..=seconds + 1).contains(&lines), "{lines} complaints in {seconds} s:\n{told}");
    drop(client);
}

#[test]
fn what_cannot_be_is_explained() {
    let _watch = watchdog_secs(SECONDS);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = listener.local_addr().expect("its number").to_string();
    let fails = |example: &str, arguments: &[&str]| {
        let output = Command::new(example).args(arguments).output().expect("the example does not start");
        assert_eq!(output.status.code(), Some(1), "{example} {arguments:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    for (example, path) in example::ALL {
        let target: &[&str] = if example == "proxy" { &["127.0.0.1:1"] } else { &[] };
        let listens_on = |address| fails(path, &[&[address], target].concat());
        for address in [taken.as_str(), "no address", "256.0.0.1:80", "127.0.0.1:99999"] {
            let said = listens_on(address);
            assert!(said.starts_with(&format!("{example}: cannot listen on {address}: ")), "{said}");
        }
        for arguments in [&["--help"][..], &["a:1", "b:2", "c:3"]] {
            let said = fails(path, arguments);
            assert!(said.contains(&format!("usage: {example} ")), "{said}");
        }
    }
}
