//! The three streams every process has: [`stdin()`], [`stdout`], [`stderr`].
//!
//! Owns: the public types, the thread that reads standard input, and [`off_thread`], which makes a blocking object
//! asynchronous and knows nothing of these three.
//! Not here: pipes and terminals as descriptors one can
//! wait for (`net::unix::pipe`, `unix::AsyncFd`).
//!
//! None of the three can be made non-blocking: the flag belongs to the open file, which a shell or another process
//! shares. So a thread waits in the task's stead, and it cannot be called back. Two dangers follow:
//!
//! * *A read that never ends keeps a runtime from ending*, if it stands in the runtime's pool; a user would have to
//!   press enter. So standard input, which belongs to the process, is read by a thread of the process: `input_thread`.
//!   That nobody waits for it is harmless, since a read changes nothing that has to be finished.
//! * *Bytes that a task has written are lost when its runtime ends at once*, if ending took their closure back. So output
//!   goes through the pool, whose end waits for closures that have begun, and a write that has not begun is done
//!   when it is taken back.
//!
//! Rejected: a descriptor opened anew through `/dev/stdin`, to have a flag of our own. It works for terminals and pipes, not
//! for sockets, and reads files from their beginning.

mod input_thread;
mod off_thread;
mod output;
mod stdin;

pub use output::{Stderr, Stdout, stderr, stdout};
pub use stdin::{Stdin, stdin};
