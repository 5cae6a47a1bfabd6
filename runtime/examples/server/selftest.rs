//! A client that does not trust the server: conversations whose every byte is known, two seconds of load, and an end
//! that cuts nobody off.

use super::serve;
use runtime::io::{AsyncReadExt, AsyncWriteExt};
use runtime::net::{TcpListener, TcpStream};
use runtime::sync::watch;
use runtime::task::JoinSet;
use runtime::time::timeout;
use std::fmt::Display;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

const CONNECTIONS: usize = 50;
const LOAD: Duration = Duration::from_secs(2);

/// No step of the test takes longer, unless something hangs.
const PATIENCE: Duration = Duration::from_secs(20);

const GET: &str = "GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";
const HELLO: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 14\r\n\r\nHello, World!\n";
const LAST_HELLO: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 14\r\n\
                          connection: close\r\n\r\nHello, World!\n";

pub(crate) async fn run() -> Result<(), String> {
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(explain("cannot listen on loopback"))?;
    let address = listener.local_addr().map_err(explain("cannot tell the own address"))?;
    let (stop, stopped) = watch::channel(false);
    let server = runtime::spawn(serve(listener, stopped));

    let conversations = in_time("the conversations", converse(address)).await?;
    println!("{conversations} conversations, good and bad: every answer was right");

    let (latencies, took) = in_time("the load", load(address)).await?;
    report(latencies, took);

    in_time("the end", say_goodbye(address, stop)).await?;
    let cut_off = server.await.map_err(explain("the server panicked"))?;
    if cut_off > 0 {
        return Err(format!("{cut_off} connections did not end when they were asked to"));
    }
    println!("asked to end, the server answered what was under way and cut off nobody");
    Ok(())
}

/// Makes an error say what was being done.
fn explain<E: Display>(what: &str) -> impl Fn(E) -> String {
    move |error| format!("{what}: {error}")
}

async fn in_time<T>(what: &str, step: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    timeout(PATIENCE, step).await.unwrap_or_else(|_| Err(format!("{what} did not end within {PATIENCE:?}")))
}

/// What is said, how the answer begins, how it ends, and whether the server then hangs up.
struct Conversation {
    say: String,
    begins: &'static str,
    ends: &'static str,
    hangs_up: bool,
}

fn conversations() -> Vec<Conversation> {
    let new = |say: &str, begins, ends, hangs_up| Conversation { say: say.to_owned(), begins, ends, hangs_up };
    let bad = |say: &str, begins| new(say, begins, "\n", true);
    vec![
        new(GET, HELLO, "", false),
        new("\r\nGET /?q=1 HTTP/1.1\r\nHOST:x\r\n\r\n", HELLO, "", false),
        new("HEAD / HTTP/1.1\r\nhost: x\r\n\r\n", "HTTP/1.1 200 OK\r\n", "content-length: 14\r\n\r\n", false),
        new(
            "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\n12345",
            "HTTP/1.1 200",
            "\r\n\r\n5 bytes received\n",
            false,
        ),
        new("GET /nowhere HTTP/1.1\r\nhost: x\r\n\r\n", "HTTP/1.1 404 Not Found\r\n", "Not Found\n", false),
        new("PUT / HTTP/1.1\r\nhost: x\r\n\r\n", "HTTP/1.1 405 ", "Method Not Allowed\n", false),
        // The last of three requests in one breath asks for the end.
        new(&format!("{GET}{GET}GET / HTTP/1.1\r\nhost: x\r\nConnection: Close\r\n\r\n"), HELLO, LAST_HELLO, true),
        new("GET / HTTP/1.0\r\n\r\n", LAST_HELLO, "", true),
        bad("nonsense\r\n\r\n", "HTTP/1.1 400 "),
        bad("\x16\x03\x01", "HTTP/1.1 400 "),
        bad("GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 400 "),
        bad("GET / HTTP/1.1\r\nhost: x\r\nhost: y\r\n\r\n", "HTTP/1.1 400 "),
        bad("GET / HTTP/1.1\r\nhost: x\r\n folded\r\n\r\n", "HTTP/1.1 400 "),
        bad("GET / HTTP/1.1\r\nhost : x\r\n\r\n", "HTTP/1.1 400 "),
        bad("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n", "HTTP/1.1 400 "),
        bad("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n", "HTTP/1.1 400 "),
        bad("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999999999999999\r\n\r\n", "HTTP/1.1 413 "),
        bad(&format!("GET / HTTP/1.1\r\nhost: x\r\ncookie: {}\r\n\r\n", "x".repeat(20_000)), "HTTP/1.1 431 "),
        bad("POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n", "HTTP/1.1 501 "),
        bad("GET / HTTP/3.1\r\nhost: x\r\n\r\n", "HTTP/1.1 505 "),
    ]
}

/// Holds them one after the other, each on a connection of its own, and each byte by byte too. Returns how many.
async fn converse(address: SocketAddr) -> Result<usize, String> {
    let conversations = conversations();
    for Conversation { say, begins, ends, hangs_up } in &conversations {
        let longest = say.len().max(1);
        for piece in [longest, 1] {
            // What is too long is refused before it is said byte by byte.
            if say.len() > 1000 && piece == 1 {
                continue;
            }
            let heard = talk(address, say.as_bytes(), piece, *hangs_up).await;
            let heard = heard.map_err(|error| format!("{error}, when the client said {say:?}"))?;
            if !heard.starts_with(begins) || !heard.ends_with(ends) {
                return Err(format!("to {say:?} the server said {heard:?}, not \"{begins}…{ends}\""));
            }
        }
    }
    Ok(conversations.len())
}

/// Says something in pieces, and returns all that is heard until the server hangs up. One that should not hang up must
/// still answer a further request before.
async fn talk(address: SocketAddr, say: &[u8], piece: usize, hangs_up: bool) -> io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    for piece in say.chunks(piece) {
        // A server that has heard enough may be gone already.
        if stream.write_all(piece).await.is_err() && hangs_up {
            break;
        }
        runtime::task::yield_now().await;
    }
    if !hangs_up {
        stream.write_all(GET.replace("\r\n\r\n", "\r\nconnection: close\r\n\r\n").as_bytes()).await?;
    }
    let mut heard = String::new();
    stream.read_to_string(&mut heard).await?;
    if hangs_up {
        return Ok(heard);
    }
    let own = heard.strip_suffix(LAST_HELLO).map(str::to_owned);
    own.ok_or_else(|| io::Error::other(format!("the next request's answer is missing after {heard:?}")))
}

/// Every connection asks again as soon as it has its answer.
async fn load(address: SocketAddr) -> Result<(Vec<Duration>, Duration), String> {
    let started = Instant::now();
    let mut clients = JoinSet::new();
    for _ in 0..CONNECTIONS {
        clients.spawn(ask_until(address, started + LOAD));
    }
    let mut latencies = Vec::new();
    while let Some(client) = clients.join_next().await {
        latencies.extend(client.map_err(explain("a client panicked"))?.map_err(explain("a client of the load"))?);
    }
    Ok((latencies, started.elapsed()))
}

async fn ask_until(address: SocketAddr, end: Instant) -> io::Result<Vec<Duration>> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (mut answer, mut latencies) = ([0; HELLO.len()], Vec::new());
    let mut now = Instant::now();
    while now < end {
        stream.write_all(GET.as_bytes()).await?;
        stream.read_exact(&mut answer).await?;
        if answer != HELLO.as_bytes() {
            return Err(io::Error::other(format!("a wrong answer: {:?}", String::from_utf8_lossy(&answer))));
        }
        let answered = Instant::now();
        latencies.push(answered - now);
        now = answered;
    }
    Ok(latencies)
}

fn report(mut latencies: Vec<Duration>, took: Duration) {
    latencies.sort_unstable();
    let at = |part: f64| latencies[((latencies.len() - 1) as f64 * part) as usize].as_secs_f64() * 1e3;
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
    println!(
        "{} requests in {:.1} s on {CONNECTIONS} connections; client and server share {cores} cores",
        latencies.len(),
        took.as_secs_f64()
    );
    println!("  requests/s   {:.0}", latencies.len() as f64 / took.as_secs_f64());
    println!("  latency      p50 {:.3} ms   p99 {:.3} ms   p99.9 {:.3} ms", at(0.5), at(0.99), at(0.999));
}

/// Asks the server to end while one request is half said and another connection is idle: the one gets its answer, the
/// other is closed.
async fn say_goodbye(address: SocketAddr, stop: watch::Sender<bool>) -> Result<(), String> {
    let held = async {
        let (mut busy, mut idle) = (TcpStream::connect(address).await?, TcpStream::connect(address).await?);
        let (half, rest) = GET.split_at(GET.len() / 2);
        let mut answer = [0; HELLO.len()];
        // Both are known to be accepted, and the half to be read, when a request in front of it is answered.
        for (stream, behind) in [(&mut busy, half), (&mut idle, "")] {
            stream.write_all(format!("{GET}{behind}").as_bytes()).await?;
            stream.read_exact(&mut answer).await?;
        }
        stop.send_replace(true);
        let mut heard = String::new();
        idle.read_to_string(&mut heard).await?;
        busy.write_all(rest.as_bytes()).await?;
        busy.read_to_string(&mut heard).await?;
        Ok::<_, io::Error>(heard)
    };
    let heard = held.await.map_err(explain("while the server ends"))?;
    if heard != LAST_HELLO {
        return Err(format!("when asked to end, the server said {heard:?}"));
    }
    Ok(())
}
