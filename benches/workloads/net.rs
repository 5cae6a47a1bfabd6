//! Sockets: one service in a process of its own, clients on bare epoll in this one.
//!
//! What is measured is seen from the clients (rates, times of exchanges) and from the server's process (CPU time, how
//! often its threads fall asleep, memory). A server on bare epolls stands beside: its ratio is the distance to what the
//! kernel allows.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use runtime_benches::net::{
    Client, EPOLL, Exchange, Load, Server, Service, Usage, descriptors, repeat_cycles, storm, wrk, wrk_installed,
};
use runtime_benches::{Curve, Meter, Metric, Reading, Workload, Wrong, percentile};

const ECHO: Service = Service::TcpEcho(16 * 1024);
/// Below this a thread falls asleep once in a hundred messages, which costs nothing.
const SWITCHES: Metric = Metric::named("/switches", "/msg", 0.01);
const P50: Metric = Metric::named("/p50", "ns", 0.0);
const P99: Metric = Metric::named("/p99", "ns", 0.0);
const PRESSED: [Metric; 5] = [Metric::RATE, P50, P99, Metric::named("/p99.9", "ns", 0.0), SWITCHES];
/// Descriptors a process needs beside its connections.
const OTHER_DESCRIPTORS: u64 = 100;
const MANY: usize = 10_000;

pub(crate) fn workloads() -> Vec<Workload> {
    let echo = |clients, size| Load { service: ECHO, clients, size };
    let of = |service| Load { service, clients: 50, size: 64 };
    vec![
        pressed("tcp-echo-1x64", "TCP echo of 64 B, 1 connection", echo(1, 64)),
        pressed("tcp-echo-50x64", "TCP echo of 64 B, 50 connections", echo(50, 64)),
        pressed("tcp-echo-1000x64", "TCP echo of 64 B, 1000 connections", echo(1000, 64)),
        pressed("tcp-echo-10000x64", "TCP echo of 64 B, 10,000 connections", echo(MANY, 64)).only_in_full(),
        pressed("tcp-echo-50x16k", "TCP echo of 16 KiB, 50 connections", echo(50, 16 * 1024)),
        tls(),
        on_servers("tcp-churn", "connect, exchange 64 B, close; 16 at a time", |peer, meter| {
            let mut cycles = repeat_cycles(peer, 16, meter, time(meter))?;
            Ok(read(&mut cycles.latencies, cycles.wall, cycles.usage))
        })
        .reads(&PRESSED),
        on_servers("tcp-storm-1000", "1000 connects at once, each with one message, until all are answered", |peer, meter| {
            Ok(Reading::of(vec![storm(peer, 1000, meter)?.as_nanos() as f64]))
        }),
        pressed("udp-echo-50x64", "UDP echo of 64 B through one socket, 50 clients", of(Service::UdpEcho)),
        pressed("unix-ping-pong", "64 B back and forth on one unix stream", Load { clients: 1, ..of(Service::UnixEcho) }),
        http(),
        with_peers(&["ours", "tokio", "smol"], "net-stall", STALL, net_stall)
            .reads(&[Metric::named("/sleep-max", "ns", 0.0), Metric::named("/echo-max", "ns", 0.0)]),
        with_peers(&["ours", "tokio", "smol"], "net-idle-10000", IDLE, idle)
            .reads(&[
                Metric::named("/memory", "B", 0.0),
                // As in `idle-cpu`: a tenth of a percent of a CPU is the control line's.
                Metric::named("/cpu", "us/s", 1000.0),
                Metric::named("/switches", "/s", 2.0),
            ])
            .only_in_full(),
    ]
}

type Measure = fn(&str, Meter) -> Result<Reading, Wrong>;

fn with_peers(peers: &[&'static str], name: &'static str, about: &'static str, measure: Measure) -> Workload {
    peers.iter().fold(Workload::new(name, about), |workload, peer| {
        let peer = *peer;
        workload.runtime(peer, move |meter| measure(peer, meter))
    })
}

/// On the three runtimes, with the bare epolls beside.
fn on_servers(name: &'static str, about: &'static str, measure: Measure) -> Workload {
    with_peers(&["ours", "tokio", "smol"], name, about, measure).beside(EPOLL, move |meter| measure(EPOLL, meter))
}

/// The time of a measurement: clients need longer than a loop in one process to show their rare cases.
fn time(meter: Meter) -> Duration {
    meter.target() * 4
}

fn read(latencies: &mut [f64], wall: Duration, usage: Usage) -> Reading {
    let count = latencies.len() as f64;
    let [p50, p99, p999] = [0.5, 0.99, 0.999].map(|part| percentile(latencies, part));
    let values = vec![wall.as_nanos() as f64 / count, p50, p99, p999, usage.switches / count];
    Reading::of(values).with_cpu(usage.cpu_ns / count).with_curve(Curve::of(latencies))
}

/// Small records would measure system calls, as the rows above do: at this size half of the time is ciphering.
fn tls() -> Workload {
    const SIZE: usize = 16 * 1024;
    let load = Load { service: Service::TlsEcho(SIZE), clients: 8, size: SIZE };
    press_runtimes("tls-echo-16k", "TLS 1.3 echo of 16 KiB through rustls, 8 connections", load)
}

fn pressed(name: &'static str, about: &'static str, load: Load) -> Workload {
    press_runtimes(name, about, load).beside(EPOLL, press(load, EPOLL))
}

fn press_runtimes(name: &'static str, about: &'static str, load: Load) -> Workload {
    ["ours", "tokio", "smol"]
        .into_iter()
        .fold(Workload::new(name, about), |workload, peer| workload.runtime(peer, press(load, peer)))
        .reads(&PRESSED)
}

fn press(load: Load, peer: &'static str) -> impl Fn(Meter) -> Result<Reading, Wrong> + Clone + 'static {
    move |meter| {
        let load = Load { clients: possible(load.clients), ..load };
        // With thousands under way an exchange takes longer than an ordinary measurement.
        let time = if load.clients > 1000 { meter.target() * 10 } else { time(meter) };
        let mut seen = load.press(peer, meter, time)?;
        Ok(read(&mut seen.latencies, seen.wall, seen.usage))
    }
}

/// As many connections as wanted, or as the limit on descriptors lets this process have.
fn possible(wanted: usize) -> usize {
    let limit = descriptors().saturating_sub(OTHER_DESCRIPTORS) as usize;
    if limit < wanted {
        eprintln!("warning: the limit on descriptors allows {limit} connections, not {wanted}; measured with those.");
    }
    limit.min(wanted)
}

fn http() -> Workload {
    if wrk_installed() {
        let about = "HTTP/1.1 hello, 50 connections, pressed by wrk";
        on_servers("http-hello-50", about, |peer, meter| {
            let seen = wrk(peer, 50, meter)?;
            let switches = seen.usage.switches / seen.requests;
            let reading = Reading::of(vec![1e9 / seen.rate, seen.p50, seen.p99, switches]);
            Ok(reading.with_cpu(seen.usage.cpu_ns / seen.requests))
        })
        .reads(&[Metric::RATE, P50, P99, SWITCHES])
    } else {
        let load = Load { service: Service::Http, clients: 50, size: 0 };
        pressed("http-hello-50", "HTTP/1.1 hello, 50 connections (wrk is not installed: our own clients)", load)
    }
}

const STALL: &str = "a worker blocks for 300 ms: the latest of 10 ms sleeps and the slowest of paced echoes on 4 connections";

fn net_stall(peer: &str, meter: Meter) -> Result<Reading, Wrong> {
    const BLOCKED: Duration = Duration::from_millis(300);
    let mut server = Server::start(ECHO, peer, meter)?;
    let address = server.address().to_owned();
    let (over, start) = (AtomicBool::new(false), Barrier::new(5));
    thread::scope(|scope| {
        let clients = [0, 1, 2, 3].map(|number| {
            let (address, over, start) = (&address, &over, &start);
            scope.spawn(move || {
                let exchange = Exchange::with(ECHO, 64, number);
                Client::paced(address, &exchange, start, Duration::from_millis(1), || !over.load(Ordering::Relaxed))
            })
        });
        start.wait();
        let late = server.stall(BLOCKED);
        over.store(true, Ordering::Relaxed);
        let mut slowest = 0f64;
        for client in clients {
            slowest = slowest.max(client.join().map_err(|_| Wrong("a client panicked".to_owned()))??);
        }
        Ok(Reading::of(vec![late?, slowest]))
    })
}

const IDLE: &str = "10,000 idle connections: resident bytes of the server for each, its CPU time, how often it wakes";

fn idle(peer: &str, meter: Meter) -> Result<Reading, Wrong> {
    // The buffer a connection waits with is part of its memory, so it is a small one.
    let service = Service::TcpEcho(512);
    let mut server = Server::start(service, peer, meter)?;
    let connect = |number| Client::connect(service, server.address(), Exchange::with(service, 64, number));
    // The server's threads have their stacks and the allocator its arenas before the first look.
    let warm = (0..100).map(connect).collect::<Result<Vec<_>, _>>()?;
    let count = possible(MANY);
    let before = server.resident()?;
    let connect = |number| Client::connect(service, server.address(), Exchange::with(service, 64, number));
    let clients = (0..count).map(connect).collect::<Result<Vec<_>, _>>()?;
    let connected = server.resident()?;
    let period = meter.target() * 10;
    // What happens while the server falls asleep is not idleness.
    thread::sleep(period / 5);
    let calm = server.usage()?;
    thread::sleep(period);
    let after = server.usage()?;
    drop((warm, clients));
    let per_second = |amount: f64| amount / period.as_secs_f64();
    let memory = (connected - before).max(0.0) / count as f64;
    let cpu_us = (after.cpu_ns - calm.cpu_ns) / 1000.0;
    Ok(Reading::of(vec![memory, per_second(cpu_us), per_second(after.switches - calm.switches)]))
}
