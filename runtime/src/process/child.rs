//! A child process.
//!
//! Owns: std's child with an ear for its end, until it is reaped.
//! Not here: how its end is heard of (`ear`), who reaps it when it is dropped before (`orphans`).
//!
//! Reaping and killing need the same `&mut`, so a number that is free for others is never killed.

use super::ear::Ear;
use super::{ChildStderr, ChildStdin, ChildStdout, orphans, sys};
use crate::io::{AsyncRead, AsyncReadExt};
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::process::{ExitStatus, Output};
use std::task::{Context, Poll};

/// A child process that was started by [`Command::spawn`](super::Command::spawn).
///
/// Dropping it lets the process go on, unless [`kill_on_drop`](super::Command::kill_on_drop) was set; either way it
/// leaves no zombie.
#[derive(Debug)]
pub struct Child {
    fate: Fate,

    /// Its standard input, if it was [piped](std::process::Stdio::piped). Take it out to write to it while something else
    /// borrows the child.
    pub stdin: Option<ChildStdin>,

    /// Its standard output, if it was [piped](std::process::Stdio::piped). Take it out to read from it while something
    /// else borrows the child.
    pub stdout: Option<ChildStdout>,

    /// Its standard error, if it was [piped](std::process::Stdio::piped). Take it out to read from it while something else
    /// borrows the child.
    pub stderr: Option<ChildStderr>,
}

#[derive(Debug)]
enum Fate {
    Unreaped(Unreaped),
    Reaped(ExitStatus),
}

/// One that nobody has asked for its status, or that has none yet.
struct Unreaped {
    /// `None` only while it is dropped.
    parts: Option<(std::process::Child, Ear)>,
    kill_on_drop: bool,
}

const DROPPED: &str = "BUG: a child is used after its end";

impl Child {
    /// Of std's, which was just spawned. If that fails it is killed. `what` is the public function that spawns.
    #[track_caller]
    pub(super) fn of(mut child: std::process::Child, kill_on_drop: bool, what: &str) -> io::Result<Child> {
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let ear = match Ear::of(child.id(), what) {
            Ok(ear) => ear,
            Err(error) => {
                // It may have ended by itself.
                let _ = child.kill();
                orphans::leave(child, None);
                return Err(error);
            }
        };
        // Until all is well.
        let mut unreaped = Unreaped { parts: Some((child, ear)), kill_on_drop: true };
        let stdin = stdin.map(|pipe| ChildStdin::over(pipe.into(), what)).transpose()?;
        let stdout = stdout.map(|pipe| ChildStdout::over(pipe.into(), what)).transpose()?;
        let stderr = stderr.map(|pipe| ChildStderr::over(pipe.into(), what)).transpose()?;
        unreaped.kill_on_drop = kill_on_drop;
        Ok(Child { fate: Fate::Unreaped(unreaped), stdin, stdout, stderr })
    }

    /// Its number, until its status was fetched. After that the system gives the number to others, so it is `None`.
    pub fn id(&self) -> Option<u32> {
        match &self.fate {
            Fate::Unreaped(unreaped) => unreaped.parts.as_ref().map(|(child, _)| child.id()),
            Fate::Reaped(_) => None,
        }
    }

    /// Kills it (`SIGKILL`), and does not wait for its end. One that has ended is left in peace.
    ///
    /// Its status is still to be fetched, by [`wait`](Child::wait) for instance; if the child is dropped, it is seen to.
    ///
    /// # Errors
    /// The system's: it may have another user by now, or somebody else in this process may have reaped it.
    pub fn start_kill(&mut self) -> io::Result<()> {
        match &mut self.fate {
            Fate::Unreaped(unreaped) => unreaped.kill(),
            Fate::Reaped(_) => Ok(()),
        }
    }

    /// Kills it (`SIGKILL`), and waits for its end.
    ///
    /// # Errors
    /// Those of [`start_kill`](Child::start_kill) and [`wait`](Child::wait).
    ///
    /// # Cancel safety
    /// Polled once, it has killed; the rest is [`wait`](Child::wait), which loses nothing.
    ///
    /// ```
    /// use runtime::process::Command;
    /// use std::os::unix::process::ExitStatusExt;
    ///
    /// # #[runtime::main]
    /// # async fn main() -> std::io::Result<()> {
    /// let mut child = Command::new("sleep").arg("3600").spawn()?;
    /// child.kill().await?;
    /// assert_eq!(child.wait().await?.signal(), Some(9));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn kill(&mut self) -> io::Result<()> {
        self.start_kill()?;
        self.wait().await.map(drop)
    }

    /// Waits for its end, and says how it came. Later calls say the same again.
    ///
    /// Its [`stdin`](Child::stdin) is closed first, if it is still here, so that a child that reads to the end does not wait for
    /// us. Its outputs are not read: one that fills a pipe that nobody reads does not end. That is what
    /// [`wait_with_output`](Child::wait_with_output) is for.
    ///
    /// It works in any runtime, also when the one that spawned the child is gone.
    ///
    /// # Errors
    /// The system's: `ECHILD` if somebody else in this process has fetched the status.
    ///
    /// # Cancel safety
    /// Cancelling it loses nothing: the status is there for the next call.
    pub async fn wait(&mut self) -> io::Result<ExitStatus> {
        drop(self.stdin.take());
        let fate = &mut self.fate;
        poll_fn(|cx| fate.poll_wait(cx)).await
    }

    /// Its status, if it has ended. Does not wait, wakes nobody later, and leaves its [`stdin`](Child::stdin) open.
    ///
    /// # Errors
    /// As for [`wait`](Child::wait).
    pub fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        match &mut self.fate {
            Fate::Unreaped(unreaped) => {
                let status = look(&mut unreaped.parts.as_mut().expect(DROPPED).0)?;
                if let Some(status) = status {
                    self.fate.reaped(status);
                }
                Ok(status)
            }
            Fate::Reaped(status) => Ok(Some(*status)),
        }
    }

    /// Waits for its end, and reads all it says until then, at once.
    ///
    /// Its [`stdin`](Child::stdin) is closed first, if it is still here. What is read are the [`stdout`](Child::stdout) and
    /// [`stderr`](Child::stderr) that were [piped](std::process::Stdio::piped) and are still here; the others are empty.
    ///
    /// It is ready when the child has ended *and* nobody has its pipes open any more: a child that leaves children of its
    /// own behind may have lent them its output.
    ///
    /// # Errors
    /// Those of [`wait`](Child::wait), and of reading.
    ///
    /// # Cancel safety
    /// What was read is lost, and the child dropped: it goes on without anybody to listen, and ends at its next word
    /// (`SIGPIPE`) unless it handles that, or it is killed if [`kill_on_drop`](super::Command::kill_on_drop) is
    /// set. No zombie and no open pipe is left.
    pub async fn wait_with_output(mut self) -> io::Result<Output> {
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let (mut out, mut err) = (self.stdout.take(), self.stderr.take());
        let status = {
            let (mut reads_out, mut reads_err) = (pin!(all(&mut out, &mut stdout)), pin!(all(&mut err, &mut stderr)));
            let mut waits = pin!(self.wait());
            let (mut status, mut told) = (None, [false; 2]);
            poll_fn(|cx| {
                // The pipes first: there is more to be had from them, and one that is full stops the child.
                told[0] = told[0] || done(reads_out.as_mut().poll(cx))?.is_some();
                told[1] = told[1] || done(reads_err.as_mut().poll(cx))?.is_some();
                if status.is_none() {
                    status = done(waits.as_mut().poll(cx))?;
                }
                match status {
                    Some(status) if told == [true; 2] => Poll::Ready(io::Result::Ok(status)),
                    _ => Poll::Pending,
                }
            })
            .await?
        };
        Ok(Output { status, stdout, stderr })
    }
}

fn done<R>(poll: Poll<io::Result<R>>) -> io::Result<Option<R>> {
    match poll {
        Poll::Ready(result) => result.map(Some),
        Poll::Pending => Ok(None),
    }
}

/// Reads a pipe to its end. It stays open until the others are read, too: a child may make something of its being closed.
async fn all(pipe: &mut Option<impl AsyncRead + Unpin>, into: &mut Vec<u8>) -> io::Result<()> {
    match pipe {
        Some(pipe) => pipe.read_to_end(into).await.map(drop),
        None => Ok(()),
    }
}

/// Reaps it if it has ended.
pub(super) fn look(child: &mut std::process::Child) -> io::Result<Option<ExitStatus>> {
    loop {
        match child.try_wait() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            said => return said,
        }
    }
}

impl Fate {
    fn poll_wait(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<ExitStatus>> {
        let status = match self {
            Fate::Unreaped(unreaped) => {
                let (child, ear) = unreaped.parts.as_mut().expect(DROPPED);
                std::task::ready!(ear.poll(cx, || look(child)))?
            }
            Fate::Reaped(status) => return Poll::Ready(Ok(*status)),
        };
        self.reaped(status);
        Poll::Ready(Ok(status))
    }

    fn reaped(&mut self, status: ExitStatus) {
        if let Fate::Unreaped(unreaped) = self {
            unreaped.parts = None;
        }
        *self = Fate::Reaped(status);
    }
}

impl Unreaped {
    fn kill(&mut self) -> io::Result<()> {
        let (child, ear) = self.parts.as_mut().expect(DROPPED);
        let killed = ear.pidfd().and_then(sys::kill).unwrap_or_else(|| child.kill());
        if killed.is_ok() {
            // Once is enough.
            self.kill_on_drop = false;
        }
        killed
    }
}

impl Drop for Unreaped {
    fn drop(&mut self) {
        if self.parts.is_some() && self.kill_on_drop {
            // Somebody else may have reaped it; then there is nobody left to kill.
            let _ = self.kill();
        }
        if let Some((child, ear)) = self.parts.take() {
            orphans::leave(child, ear.into_pidfd());
        }
    }
}

impl fmt::Debug for Unreaped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (child, _) = self.parts.as_ref().expect(DROPPED);
        f.debug_struct("Unreaped").field("id", &child.id()).field("kill_on_drop", &self.kill_on_drop).finish()
    }
}
