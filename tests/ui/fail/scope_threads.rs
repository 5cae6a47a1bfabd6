//! Scopes whose children are not `Send` go to no other thread.

use runtime::scope::{UnsendScope, scope_unsend};
use std::rc::Rc;

fn a_task_is_an_unsend_scope() {
    runtime::spawn(scope_unsend(|scope| async move {
        scope.spawn(async { Rc::new(1) }).await;
    }));
}

fn the_scope_goes_to_a_thread(scope: UnsendScope<'static>) {
    std::thread::spawn(move || drop(scope.spawn(async {})));
}

fn main() {}
