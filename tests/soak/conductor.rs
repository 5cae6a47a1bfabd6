//! The two processes as the conductor sees them: lines in, lines out.
//!
//! A line for the conductor begins with a mark, because libtest writes to the same output.

use super::report::Report;
use runtime_tests::wait_until;
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

const MARK: &str = "@soak ";

/// How long a thread that is not needed stays, in both processes.
pub(crate) const SPARES_STAY: Duration = Duration::from_millis(100);

/// What goes wrong.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// Some connections are cut by the client with a reset, in the middle of it all.
    Reset,
    /// Some clients close their sending half while answers are still on their way.
    HalfClose,
    /// Some clients send and do not read.
    Stall,
    /// The server cannot get another descriptor.
    NoDescriptors,
    /// A worker of the server blocks its thread.
    StuckWorker,
    /// The client's process stands still.
    Stopped,
}

impl Fault {
    pub(crate) const ALL: [Fault; 6] =
        [Fault::StuckWorker, Fault::Reset, Fault::NoDescriptors, Fault::HalfClose, Fault::Stopped, Fault::Stall];
}

/// This test's binary once more, in another role; killed when it is dropped.
pub(crate) struct Process {
    child: Child,
    orders: Option<ChildStdin>,
    written: BufReader<ChildStdout>,
}

impl Process {
    pub(crate) fn start(role: &str, variables: &[(&str, &str)]) -> Process {
        let mut command = Command::new(std::env::current_exe().expect("this binary's path"));
        command.args(["--exact", "soak", "--nocapture"]).env("SOAK_ROLE", role).envs(variables.iter().copied());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("no process");
        let orders = child.stdin.take();
        let written = BufReader::new(child.stdout.take().expect("its output is a pipe"));
        Process { child, orders, written }
    }

    pub(crate) fn say(&mut self, order: &str) {
        let orders = self.orders.as_mut().expect("its input is a pipe");
        writeln!(orders, "{order}").expect("the process is gone");
    }

    /// The rest of its next line that begins with this word.
    pub(crate) fn hears(&mut self, word: &str) -> String {
        loop {
            let mut line = String::new();
            assert!(self.written.read_line(&mut line).expect("its output is text") > 0, "it went before \"{word}\"");
            let Some((_, line)) = line.trim_end().split_once(MARK) else { continue };
            let (first, rest) = line.split_once(' ').unwrap_or((line, ""));
            assert_eq!(first, word, "it said {line:?}");
            return rest.to_owned();
        }
    }

    /// Asks it to end what is under way and to say what it then holds. What goes late (memory under epochs, spare
    /// threads) has a while: until nothing more goes, or, if there is a `before`, until it is no more than that.
    pub(crate) fn rests(&mut self, before: Option<&Report>) -> Report {
        let deadline = Instant::now() + Duration::from_secs(20);
        let (mut least, mut since) = (self.reports(), Instant::now());
        loop {
            let done = match before {
                Some(before) => least.is_flat_since(before),
                None => since.elapsed() > 3 * SPARES_STAY,
            };
            if done || Instant::now() > deadline {
                return least;
            }
            std::thread::sleep(SPARES_STAY / 10);
            let report = self.reports();
            if report.holds_less_than(&least) {
                since = Instant::now();
            }
            least = report;
        }
    }

    fn reports(&mut self) -> Report {
        self.say("rest");
        Report::parse(&self.hears("quiet"))
    }

    /// Makes the whole process stand still for a while.
    pub(crate) fn stop_for(&self, time: Duration) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, Signal::STOP).expect("the process is gone");
        wait_until("the process to stand still", || self.state() == Some('T'));
        // Standing still for a while is the fault.
        std::thread::sleep(time);
        kill_process(pid, Signal::CONT).expect("the process is gone");
    }

    /// The letter that the system has for what it does.
    fn state(&self) -> Option<char> {
        let status = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).ok()?;
        // Behind its name, which may be anything, in parentheses.
        status.rsplit_once(") ")?.1.chars().next()
    }

    /// Closes its input, upon which it ends; it must end well.
    pub(crate) fn ends(mut self) {
        drop(self.orders.take());
        let status = self.child.wait().expect("it was waited for before");
        assert!(status.success(), "{status}");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// In one of the two processes: says a line to the conductor.
pub(crate) fn tell(line: &str) {
    println!("{MARK}{line}");
}

/// In one of the two processes: the conductor's orders, until it closes the pipe.
pub(crate) fn orders() -> mpsc::Receiver<String> {
    let (said, orders) = mpsc::channel();
    let read = move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if said.send(line).is_err() {
                break;
            }
        }
    };
    std::thread::Builder::new().name("orders".into()).spawn(read).expect("no thread");
    orders
}
