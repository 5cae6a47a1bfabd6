//! Child processes: start them, talk to them through pipes, wait for their end.
//!
//! ```
//! use runtime::process::Command;
//!
//! # #[runtime::main]
//! # async fn main() -> std::io::Result<()> {
//! let output = Command::new("echo").arg("hello").output().await?;
//! assert!(output.status.success());
//! assert_eq!(output.stdout, b"hello\n");
//! # Ok(())
//! # }
//! ```
//!
//! A [`Command`] is std's with asynchronous ways to run it: [`output`](Command::output) collects what the child says,
//! [`status`](Command::status) waits for its end, [`spawn`](Command::spawn) gives a [`Child`] to do both with, and more.
//!
//! A conversation goes through pipes, which are read and written as sockets are:
//!
//! ```
//! use runtime::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
//! use runtime::process::Command;
//! use std::process::Stdio;
//!
//! # #[runtime::main]
//! # async fn main() -> std::io::Result<()> {
//! let mut child = Command::new("sort").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
//! let mut input = child.stdin.take().expect("it is piped");
//! input.write_all(b"frog\nbird\n").await?;
//! // The end of the input: `sort` says nothing before.
//! drop(input);
//! let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
//! assert_eq!(lines.next_line().await?.as_deref(), Some("bird"));
//! assert_eq!(lines.next_line().await?.as_deref(), Some("frog"));
//! assert!(child.wait().await?.success());
//! # Ok(())
//! # }
//! ```
//!
//! Whoever writes much to a child that answers meanwhile does both at once, in two tasks or by [`join!`](crate::join):
//! a child whose output nobody reads stops reading its input.
//!
//! # A child that is dropped
//!
//! A child goes on when its [`Child`] is dropped, or the future of [`output`](Command::output) or
//! [`status`](Command::status), as with std. [`kill_on_drop`](Command::kill_on_drop) ends it instead. In either case it
//! **leaves no zombie**: as soon as it has ended it is reaped, also when every runtime is gone by then. (A
//! thread of the process looks after such children, as long as there are any.)
//!
//! # What goes wrong with processes
//!
//! * Starting one takes a moment, in which the thread is blocked: about a millisecond.
//! * Whoever else reaps in this process, by `waitpid(-1)` or by ignoring `SIGCHLD`, takes statuses away:
//!   waiting then gives std's error (`ECHILD`).
//! * Where the system has no descriptors of processes (Linux before 5.3, sandboxes, other systems) ends are heard of by
//!   `SIGCHLD`, as by [`signal`](mod@crate::signal), whose handler stays. A program that blocks that signal on all
//!   threads then waits for ever.

mod child;
mod command;
mod ear;
mod orphans;
#[allow(unsafe_code)] // `pre_exec` is unsafe in std
mod pre_exec;
mod stdio;
mod sys;

pub use child::Child;
pub use command::Command;
pub use stdio::{ChildStderr, ChildStdin, ChildStdout};
