//! What to run, and how.
//!
//! Owns: std's command, and whether its children are killed when they are dropped.
//! Not here: `pre_exec`.

use super::{Child, orphans};
use crate::io::expect_runtime;
use std::ffi::OsStr;
use std::future::Future;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{ExitStatus, Output, Stdio};

/// A program to run, with its arguments, environment and streams: [`std::process::Command`] with asynchronous ways to run it.
///
/// What is not set is inherited from this process: the environment, the working directory, the three standard streams.
///
/// ```
/// use runtime::process::Command;
///
/// # #[runtime::main]
/// # async fn main() -> std::io::Result<()> {
/// let status = Command::new("test").args(["-d", "/"]).status().await?;
/// assert!(status.success());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Command {
    std: std::process::Command,
    kill_on_drop: bool,
}

/// Options that std has under the same name.
macro_rules! options {
    ($($(#[$doc:meta])* $option:ident $(<$($T:ident: $bound:path),+>)? ($($name:ident: $type:ty),*);)+) => {$(
        $(#[$doc])*
        pub fn $option $(<$($T: $bound),+>)? (&mut self, $($name: $type),*) -> &mut Command {
            self.std.$option($($name),*);
            self
        }
    )+};
}

impl Command {
    /// Runs `program`, which is looked for in `PATH` unless there is a slash in it.
    ///
    /// Names with a slash are taken from the working directory, whose choice between this process's and
    /// [`current_dir`](Command::current_dir) the system makes: an absolute path leaves none.
    pub fn new<S: AsRef<OsStr>>(program: S) -> Command {
        std::process::Command::new(program).into()
    }

    /// As std's, to look at.
    pub fn as_std(&self) -> &std::process::Command {
        &self.std
    }

    /// As std's, for what this type has no method for.
    pub fn as_std_mut(&mut self) -> &mut std::process::Command {
        &mut self.std
    }

    /// As std's. Whether children are killed on drop is forgotten.
    pub fn into_std(self) -> std::process::Command {
        self.std
    }

    options! {
        /// One more argument. It goes to the program as it is: no shell looks at it.
        arg<S: AsRef<OsStr>>(arg: S);
        /// Sets a variable of the environment.
        env<K: AsRef<OsStr>, V: AsRef<OsStr>>(key: K, val: V);
        /// Takes a variable out of the environment.
        env_remove<K: AsRef<OsStr>>(key: K);
        /// Takes all variables out, and inherits none.
        env_clear();
        /// Where it runs.
        current_dir<P: AsRef<Path>>(dir: P);
        /// Its standard input.
        stdin<T: Into<Stdio>>(cfg: T);
        /// Its standard output. [`output`](Command::output) overrides it.
        stdout<T: Into<Stdio>>(cfg: T);
        /// Its standard error. [`output`](Command::output) overrides it.
        stderr<T: Into<Stdio>>(cfg: T);
        /// As which user it runs. Without the right to it, the spawn fails.
        uid(id: u32);
        /// As which group it runs. Without the right to it, the spawn fails.
        gid(id: u32);
        /// What it sees as its own name, instead of the program's.
        arg0<S: AsRef<OsStr>>(arg: S);
        /// The process group that it joins; 0: one of its own, which Ctrl-C at the terminal does not reach.
        process_group(pgroup: i32);
    }

    /// More arguments.
    pub fn args<I, S>(&mut self, args: I) -> &mut Command
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        self.std.args(args);
        self
    }

    /// Sets variables of the environment.
    pub fn envs<I, K, V>(&mut self, vars: I) -> &mut Command
    where
        I: IntoIterator<Item = (K, V)>,
        K: AsRef<OsStr>,
        V: AsRef<OsStr>,
    {
        self.std.envs(vars);
        self
    }

    /// Is a child killed when its [`Child`] is dropped, or a future of [`status`](Command::status) or
    /// [`output`](Command::output)? It is not, unless this is set.
    ///
    /// Its own children are not: kill a [`process_group`](Command::process_group) for that.
    ///
    /// ```
    /// use runtime::process::Command;
    ///
    /// # #[runtime::main]
    /// # async fn main() -> std::io::Result<()> {
    /// let child = Command::new("sleep").arg("3600").kill_on_drop(true).spawn()?;
    /// // Killed, and reaped soon after.
    /// drop(child);
    /// # Ok(())
    /// # }
    /// ```
    pub fn kill_on_drop(&mut self, kill_on_drop: bool) -> &mut Command {
        self.kill_on_drop = kill_on_drop;
        self
    }

    /// Is a child killed when it is dropped?
    pub fn get_kill_on_drop(&self) -> bool {
        self.kill_on_drop
    }

    /// Starts it.
    ///
    /// # Errors
    /// std's: `NotFound` if there is no such program or working directory, `PermissionDenied` if it cannot be run,
    /// `InvalidInput` if there is a NUL in one of the texts; or the system's, when processes or descriptors run out. When
    /// it fails, no child is left.
    ///
    /// # Panics
    /// Outside of a runtime.
    #[track_caller]
    pub fn spawn(&mut self) -> io::Result<Child> {
        self.start("Command::spawn")
    }

    #[track_caller]
    fn start(&mut self, what: &str) -> io::Result<Child> {
        // Before there is a child that would be left behind.
        expect_runtime(what);
        orphans::call_again();
        Child::of(self.std.spawn()?, self.kill_on_drop, what)
    }

    /// Starts it at once, and waits for its end. Pipes, if it has any, are closed before.
    ///
    /// # Errors
    /// Those of [`spawn`](Command::spawn) and [`Child::wait`].
    ///
    /// # Panics
    /// Outside of a runtime.
    ///
    /// # Cancel safety
    /// The child goes on, or is killed if [`kill_on_drop`](Command::kill_on_drop) is set, and leaves no zombie. Its status
    /// is lost.
    #[track_caller]
    pub fn status(&mut self) -> impl Future<Output = io::Result<ExitStatus>> + use<> {
        let child = self.start("Command::status");
        async {
            let mut child = child?;
            drop((child.stdout.take(), child.stderr.take()));
            child.wait().await
        }
    }

    /// Starts it at once, waits for its end, and collects what it says on its standard output and error, which become
    /// pipes.
    ///
    /// Its standard input is inherited, unless it was set. If it is a pipe, it is closed.
    ///
    /// # Errors
    /// Those of [`spawn`](Command::spawn) and [`Child::wait_with_output`].
    ///
    /// # Panics
    /// Outside of a runtime.
    ///
    /// # Cancel safety
    /// What it has said is lost. The child goes on without anybody to listen, and ends at its next word (`SIGPIPE`) unless
    /// it handles that, or is killed if [`kill_on_drop`](Command::kill_on_drop) is set. No zombie and no open pipe is left.
    #[track_caller]
    pub fn output(&mut self) -> impl Future<Output = io::Result<Output>> + use<> {
        self.stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = self.start("Command::output");
        async { child?.wait_with_output().await }
    }
}

/// Children are not killed on drop.
impl From<std::process::Command> for Command {
    fn from(std: std::process::Command) -> Command {
        Command { std, kill_on_drop: false }
    }
}
