//! `Send`, `Sync`, `Unpin` of commands, children and their futures: as tokio's.

use runtime::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use std::panic::{RefUnwindSafe, UnwindSafe};

#[test]
fn children_and_pipes() {
    fn all<T: Send + Sync + Unpin + std::fmt::Debug>() {}
    fn unwind_safe<T: UnwindSafe + RefUnwindSafe>() {}
    all::<Command>();
    all::<Child>();
    all::<ChildStdin>();
    all::<ChildStdout>();
    all::<ChildStderr>();
    unwind_safe::<ChildStdin>();
    unwind_safe::<ChildStdout>();
    unwind_safe::<ChildStderr>();
}

/// Only their types matter: none is polled.
#[test]
fn futures() {
    fn send_sync<T: Send + Sync>(_: T) {}
    fn outlives<T: 'static>(_: T) {}

    #[expect(dead_code, reason = "its body is what is checked")]
    fn check(command: &mut Command, child: &mut Child, whole: Child) {
        send_sync(child.wait());
        send_sync(child.kill());
        send_sync(whole.wait_with_output());
        send_sync(command.status());
        send_sync(command.output());
        // They do not borrow from the command.
        outlives(command.status());
        outlives(command.output());
    }
}
