//! The server's process: started by the parent with a hidden argument, spoken to over its standard input and output,
//! gone when that input ends.
//!
//! The control line is answered by a plain thread that waits in `read`, so that the runtime under measurement has nothing to
//! do with it.

use std::env;
use std::io::{BufRead, BufReader, Write, stdin};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitCode, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use super::service::{EPOLL, socket_path};
use super::{Servers, Service, epoll_server, limit};
use crate::{Meter, Ours, Peer, Smol, Spawn, Tokio, Wrong, cpu_time, resident_bytes, voluntary_switches_of_others};

/// Behind it: SERVICE PEER.
pub(crate) const FLAG: &str = "--serve";

/// From `Server::stall` to the moment when a worker blocks; the sleeps of 10 ms end before and after, not then, so that
/// nothing else has woken a worker.
const BLOCKED_FROM: Duration = Duration::from_millis(26);
/// From `Server::stall` to the first message of a client that is to find the other workers idle.
pub const STALLED_FROM: Duration = Duration::from_millis(50);

/// What a server process is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServerAsk {
    pub(crate) service: Service,
    pub(crate) peer: String,
}

/// What the server process used since its start.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// User and system time of all threads, in ns.
    pub cpu_ns: f64,
    /// How often its threads fell asleep.
    pub switches: f64,
}

impl Usage {
    pub(crate) fn since(self, before: Usage) -> Usage {
        Usage { cpu_ns: self.cpu_ns - before.cpu_ns, switches: self.switches - before.switches }
    }
}

/// Parent's side: a running server.
pub struct Server {
    child: Child,
    control: Option<ChildStdin>,
    replies: BufReader<ChildStdout>,
    address: String,
}

impl Server {
    /// Starts the process and waits until it listens.
    pub fn start(service: Service, peer: &str, meter: Meter) -> Result<Self, Wrong> {
        let failed = |error: std::io::Error| Wrong(format!("cannot start a server process: {error}"));
        let mut child = Command::new(env::current_exe().map_err(failed)?)
            .args([FLAG, &service.name(), peer, "--workers", &meter.workers().to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let control = child.stdin.take();
        let output = child.stdout.take().ok_or_else(|| Wrong("BUG: the server has no output".to_owned()))?;
        let mut server = Self { child, control, replies: BufReader::new(output), address: String::new() };
        server.address = server.reply("bound")?;
        Ok(server)
    }

    /// Where it listens: an address and a port, or a path.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// What it used so far.
    pub fn usage(&mut self) -> Result<Usage, Wrong> {
        let line = self.ask("usage")?;
        let numbers: Vec<f64> = line.split(' ').filter_map(|number| number.parse().ok()).collect();
        match numbers[..] {
            [cpu_ns, switches] => Ok(Usage { cpu_ns, switches }),
            _ => Err(Wrong(format!("the server says of its usage: {line:?}"))),
        }
    }

    /// Its bytes in memory.
    pub fn resident(&mut self) -> Result<f64, Wrong> {
        let line = self.ask("resident")?;
        line.parse().map_err(|_| Wrong(format!("the server says of its memory: {line:?}")))
    }

    /// Lets one task block its worker for `blocked`, soon, while another sleeps 10 ms again and again; returns, when
    /// all is over, by how many ns the latest of these sleeps was late.
    pub fn stall(&mut self, blocked: Duration) -> Result<f64, Wrong> {
        let line = self.ask(&format!("stall {}", blocked.as_millis()))?;
        line.parse().map_err(|_| Wrong(format!("the server says of its lateness: {line:?}")))
    }

    fn ask(&mut self, question: &str) -> Result<String, Wrong> {
        let gone = |error| Wrong(format!("the server process is gone ({error}); its reason stands above"));
        let control = self.control.as_mut().ok_or_else(|| Wrong("BUG: the server has no input".to_owned()))?;
        writeln!(control, "{question}").map_err(gone)?;
        self.reply(question.split(' ').next().unwrap_or(question))
    }

    fn reply(&mut self, about: &str) -> Result<String, Wrong> {
        let mut line = String::new();
        let got = self.replies.read_line(&mut line);
        let text = line.trim_end().strip_prefix(about).and_then(|rest| rest.strip_prefix(' '));
        match (got, text) {
            (Ok(_), Some(text)) => Ok(text.to_owned()),
            (Ok(0), None) => Err(Wrong("the server process ended; its reason stands above".to_owned())),
            (got, None) | (got @ Err(_), _) => Err(Wrong(format!("of {about} the server says {line:?} ({got:?})"))),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The end of its input ends it. If it is stuck in its end, it is not worth waiting for.
        drop(self.control.take());
        let since = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) {
            if since.elapsed() > Duration::from_secs(2) {
                let _ = self.child.kill();
                let _ = self.child.wait();
                break;
            }
            thread::sleep(Duration::from_millis(1));
        }
        if self.address.starts_with('/') {
            let _ = std::fs::remove_file(&self.address);
        }
    }
}

/// Child's side: serves until its input ends.
pub(crate) fn serve(ask: &ServerAsk, workers: usize) -> ExitCode {
    limit::descriptors();
    let service = ask.service;
    let ended = match ask.peer.as_str() {
        Ours::NAME => serve_on::<Ours>(service, workers),
        Tokio::NAME => serve_on::<Tokio>(service, workers),
        Smol::NAME => serve_on::<Smol>(service, workers),
        EPOLL => {
            control(|_| Err("the epoll server has no timers".to_owned()));
            epoll_server::serve(service, workers)
        }
        unknown => {
            eprintln!("error: no peer `{unknown}` serves.");
            return ExitCode::from(2);
        }
    };
    let _ = std::fs::remove_file(socket_path());
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {} on {}: {error}", service.name(), ask.peer);
            ExitCode::FAILURE
        }
    }
}

fn serve_on<P: Servers>(service: Service, workers: usize) -> std::io::Result<()> {
    let peer = P::build(workers);
    let handle = peer.handle();
    control(move |blocked| stall::<P>(&handle, blocked));
    let here = peer.here();
    peer.block_on(async move { here.spawn(P::serve(here.clone(), service)).await })
}

/// Answers the parent on a thread of its own.
fn control(stall: impl Fn(Duration) -> Result<f64, String> + Send + 'static) {
    thread::spawn(move || {
        for line in stdin().lines() {
            let Ok(line) = line else { break };
            match line.split_once(' ') {
                None if line == "usage" => {
                    let switches = voluntary_switches_of_others().unwrap_or_default();
                    println!("usage {} {switches}", cpu_time().as_nanos());
                }
                None if line == "resident" => println!("resident {}", resident_bytes().unwrap_or_default()),
                Some(("stall", millis)) => match stall(Duration::from_millis(millis.parse().unwrap_or_default())) {
                    Ok(late) => println!("stall {late}"),
                    Err(error) => println!("error {error}"),
                },
                _ => println!("error unknown question {line:?}"),
            }
        }
        std::process::exit(0);
    });
}

/// The runtime's side of `Server::stall`.
fn stall<P: Servers>(handle: &P::Handle, blocked: Duration) -> Result<f64, String> {
    const SLEEP: Duration = Duration::from_millis(10);
    let (told, latest) = mpsc::channel();
    let until = Instant::now() + BLOCKED_FROM + blocked + 2 * SLEEP;
    handle.detach(async move {
        let mut latest = 0f64;
        while Instant::now() < until {
            let since = Instant::now();
            P::sleep(SLEEP).await;
            latest = latest.max(since.elapsed().saturating_sub(SLEEP).as_nanos() as f64);
        }
        // The receiver is gone only when the process is about to end.
        let _ = told.send(latest);
    });
    handle.detach(async move {
        // It wakes alone, on the worker that waits for timers and sockets, as the task of a request would.
        P::sleep(BLOCKED_FROM).await;
        thread::sleep(blocked);
    });
    latest.recv_timeout(blocked + Duration::from_secs(10)).map_err(|error| error.to_string())
}
