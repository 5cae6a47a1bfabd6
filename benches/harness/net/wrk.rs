//! `wrk`, when it is installed: a load that was not written here.

use std::process::{Command, Stdio};

use super::{Server, Service, Usage};
use crate::{Meter, Wrong};

/// What `wrk` says.
#[derive(Clone, Copy, Debug)]
pub struct Wrk {
    /// Requests per second.
    pub rate: f64,
    /// Half of the requests are faster, in ns.
    pub p50: f64,
    /// 99 of a hundred are faster, in ns.
    pub p99: f64,
    /// All requests.
    pub requests: f64,
    /// What the server used meanwhile.
    pub usage: Usage,
}

/// Is there a `wrk` to run?
pub fn installed() -> bool {
    let tried = Command::new("wrk").arg("-v").stdout(Stdio::null()).stderr(Stdio::null()).status();
    tried.is_ok()
}

/// Runs it for a second, its shortest time.
pub fn wrk(peer: &str, clients: usize, meter: Meter) -> Result<Wrk, Wrong> {
    let mut server = Server::start(Service::Http, peer, meter)?;
    let before = server.usage()?;
    let output = Command::new("wrk")
        .args(["-t1", &format!("-c{clients}"), "-d1s", "--latency", &format!("http://{}/", server.address())])
        .output()
        .map_err(|error| Wrong(format!("cannot run wrk: {error}")))?;
    let usage = server.usage()?.since(before);
    let text = String::from_utf8_lossy(&output.stdout);
    read(&text, usage).ok_or_else(|| Wrong(format!("wrk says {text:?}")))
}

fn read(text: &str, usage: Usage) -> Option<Wrk> {
    if text.contains("Socket errors") || text.contains("Non-2xx") {
        return None;
    }
    // Percentages stand in the table above it, too.
    let text = &text[text.find("Latency Distribution")?..];
    let after = |label: &str| text[text.find(label)? + label.len()..].split_whitespace().next();
    let requests = text.lines().find_map(|line| line.trim().split_once(" requests in "))?.0.parse().ok()?;
    let rate = after("Requests/sec:")?.parse().ok()?;
    Some(Wrk { rate, p50: nanos(after("50%")?)?, p99: nanos(after("99%")?)?, requests, usage })
}

fn nanos(text: &str) -> Option<f64> {
    let unit = text.find(|c: char| c.is_ascii_alphabetic())?;
    let factor = match &text[unit..] {
        "us" => 1e3,
        "ms" => 1e6,
        "s" => 1e9,
        _ => return None,
    };
    Some(text[..unit].parse::<f64>().ok()? * factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "Running 1s test @ http://127.0.0.1:8080/
  1 threads and 50 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   402.69us  258.29us   5.33ms   89.61%
    Req/Sec   121.43k     4.03k  126.68k    90.91%
  Latency Distribution
     50%  371.00us
     75%  442.00us
     90%  583.00us
     99%    1.46ms
  132842 requests in 1.10s, 12.42MB read
Requests/sec: 120793.35
Transfer/sec:     11.29MB
";

    #[test]
    fn what_wrk_says_is_understood() {
        let wrk = read(SAID, Usage::default()).expect("it is wrk's form");
        assert_eq!((wrk.rate, wrk.p50, wrk.p99, wrk.requests), (120_793.35, 371e3, 1.46e6, 132_842.0));
        assert!(read(&format!("{SAID}  Socket errors: connect 0"), Usage::default()).is_none());
        let share = SAID.replace("89.61%", "95.99%");
        assert_eq!(read(&share, Usage::default()).expect("a share is no percentile").p99, 1.46e6);
        assert!(read("", Usage::default()).is_none());
    }
}
