//! An HTTP/1.1 server: `cargo run --release --example server`, then `curl -i http://127.0.0.1:8080/`.
//!
//! `-- ADDRESS:PORT` serves elsewhere. `-- --selftest` loads it with a client of its own for two seconds, checks every
//! answer, and prints requests per second and latencies. A server whose standard input is a pipe ends when the pipe
//! does: it accepts nothing more, finishes what is under way, and goes.
//!
//! Connections are kept alive, requests may be pipelined, sizes and times are limited. `http.rs` reads requests and
//! writes answers, `complaints.rs` keeps the log short, `selftest.rs` is the client; this file is the server itself.

mod complaints;
mod http;
mod selftest;

use complaints::Complaints;
use http::{Answer, Next, Request};
use runtime::io::{AsyncReadExt, AsyncWriteExt};
use runtime::net::{TcpListener, TcpStream};
use runtime::sync::{oneshot, watch};
use runtime::task::JoinSet;
use runtime::time::{Instant, timeout, timeout_at};
use std::io;
use std::pin::pin;
use std::process::ExitCode;
use std::time::Duration;

/// How long a client may take to send a whole request, and how long it may send none.
const IDLE_MAX: Duration = Duration::from_secs(30);

/// How long a client may take to take answers.
const WRITE_MAX: Duration = Duration::from_secs(30);

/// How long requests under way may take when the server ends.
const FAREWELL_MAX: Duration = Duration::from_secs(5);

const READ_SIZE: usize = 16 << 10;

/// What a connection keeps for its next request. A large body's room is given back: most connections wait most of the time.
const KEPT_MAX: usize = 64 << 10;

#[runtime::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match &arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--selftest"] => selftest::run().await,
        [] => serve_on("127.0.0.1:8080").await,
        [address] if !address.starts_with('-') => serve_on(address).await,
        _ => Err("usage: server [ADDRESS:PORT | --selftest]".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("server: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve_on(address: &str) -> Result<(), String> {
    let bound = TcpListener::bind(address).await.and_then(|listener| Ok((listener.local_addr()?, listener)));
    let (local, listener) = bound.map_err(|error| format!("cannot listen on {address}: {error}"))?;
    println!("listening on http://{local}/");
    let (stop, stopped) = watch::channel(false);
    runtime::spawn(async move {
        asked_to_stop().await;
        stop.send_replace(true);
    });
    let unfinished = serve(listener, stopped).await;
    println!("ended; {unfinished} connections were cut off");
    Ok(())
}

/// When standard input ends, if it is a pipe. On a terminal (or without one) the server runs until it is killed.
async fn asked_to_stop() {
    use std::os::unix::fs::FileTypeExt;
    let is_pipe = std::fs::metadata("/dev/stdin").is_ok_and(|stdin| stdin.file_type().is_fifo());
    if !is_pipe {
        std::future::pending::<()>().await;
    }
    let (ended, end) = oneshot::channel();
    // A thread, not `spawn_blocking`: the process need not wait for it when it ends for another reason.
    std::thread::spawn(move || {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        let _ = ended.send(());
    });
    let _ = end.await;
}

/// Serves until `stopped`, then until the requests under way are answered. Returns how many connections did not end in
/// time.
async fn serve(listener: TcpListener, mut stopped: watch::Receiver<bool>) -> usize {
    let (mut connections, mut complaints) = (JoinSet::new(), Complaints::default());
    let stop = stopped.clone();
    let mut stopping = pin!(wait_for_stop(&mut stopped));
    loop {
        runtime::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => drop(connections.spawn(connection(stream, stop.clone()))),
                // Out of descriptors, perhaps; `accept` then waits a little by itself.
                Err(error) => complaints.tell(format!("cannot accept: {error}")),
            },
            Some(ended) = connections.join_next() => if let Err(error) = ended {
                complaints.tell(format!("a connection's task: {error}"));
            },
            () = &mut stopping => break,
        }
    }
    drop(listener);
    let all_ended = async { while connections.join_next().await.is_some() {} };
    let _ = timeout(FAREWELL_MAX, all_ended).await;
    connections.len()
}

/// Also when nobody is left who could say so.
async fn wait_for_stop(stopped: &mut watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

/// One connection. A client that goes away in the middle is no error worth a line in a log.
async fn connection(mut stream: TcpStream, mut stopped: watch::Receiver<bool>) {
    let _ = requests(&mut stream, &mut stopped).await;
}

/// Answers requests until one side wants no more.
async fn requests(stream: &mut TcpStream, stopped: &mut watch::Receiver<bool>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (mut input, mut output) = (Vec::with_capacity(READ_SIZE), Vec::new());
    let mut deadline = Instant::now() + IDLE_MAX;
    // Pinned once for all rounds of the loop, and not made anew in each.
    let mut stopping = pin!(wait_for_stop(stopped));
    let mut ending = false;
    loop {
        // All requests that are there are answered with one write: that is what makes pipelining worth it.
        let Taken { bytes, last } = answer_all(&input, ending, &mut output);
        if bytes > 0 {
            input.drain(..bytes);
            deadline = Instant::now() + IDLE_MAX;
        }
        if !output.is_empty() {
            timeout(WRITE_MAX, stream.write_all(&output)).await??;
            output.clear();
        }
        if last {
            return hang_up(stream).await;
        }
        if ending && input.is_empty() {
            return Ok(());
        }
        for buffer in [&mut input, &mut output].into_iter().filter(|buffer| buffer.is_empty()) {
            buffer.shrink_to(KEPT_MAX);
        }
        runtime::select! {
            read = timeout_at(deadline, stream.read_buf(&mut input)) => match read {
                Ok(Ok(0)) => return Ok(()),
                Ok(read) => drop(read?),
                Err(_) if input.is_empty() => return Ok(()),
                Err(_) => {
                    Answer::error(408).write(&mut output);
                    timeout(WRITE_MAX, stream.write_all(&output)).await??;
                    return hang_up(stream).await;
                }
            },
            () = &mut stopping, if !ending => ending = true,
        }
    }
}

/// What [`answer_all`] took from the input, and whether the connection ends with it.
struct Taken {
    bytes: usize,
    last: bool,
}

fn answer_all(input: &[u8], ending: bool, output: &mut Vec<u8>) -> Taken {
    let mut taken = Taken { bytes: 0, last: false };
    while !taken.last {
        match http::next(&input[taken.bytes..]) {
            Next::Request(request) => {
                taken.bytes += request.length;
                taken.last = !request.keep_alive || ending;
                let mut answer = answer(&request);
                answer.close = taken.last;
                answer.write(output);
            }
            Next::Incomplete { wants_continue } => {
                if wants_continue && !ending {
                    output.extend_from_slice(http::CONTINUE);
                }
                break;
            }
            Next::Refused(status) => {
                Answer::error(status).write(output);
                taken.last = true;
            }
        }
    }
    taken
}

/// The application.
fn answer(request: &Request<'_>) -> Answer {
    match (request.method, request.path) {
        ("GET", "/") => Answer::text("Hello, World!\n"),
        ("HEAD", "/") => Answer { without_body: true, ..Answer::text("Hello, World!\n") },
        ("POST", "/") => Answer::text(format!("{} bytes received\n", request.body.len())),
        (_, "/") => Answer { close: false, ..Answer::error(405) },
        (method, _) => Answer { close: false, without_body: method == "HEAD", ..Answer::error(404) },
    }
}

/// Ends a connection whose client may still be sending. Closing at once would make the system send a reset, which can
/// overtake the answer: so what still comes is read, for a moment.
async fn hang_up(stream: &mut TcpStream) -> io::Result<()> {
    stream.shutdown().await?;
    let mut ignored = [0; 4096];
    let read_on = async { while let Ok(1..) = stream.read(&mut ignored).await {} };
    let _ = timeout(Duration::from_secs(1), read_on).await;
    Ok(())
}
