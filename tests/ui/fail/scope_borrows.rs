//! Children of a scope that would outlive what they borrow, and scopes that escape.

use runtime::scope::{BlockingScope, LocalChild, ScopedTask, TaskGroup, scope_blocking, scope_local, scope_unsend};
use std::cell::Cell;
use std::rc::Rc;

async fn a_child_borrows_from_the_body() {
    scope_local(|scope| async move {
        let word = String::from("the body's");
        let _ = scope.spawn(async { word.len() });
    })
    .await;
}

fn the_scope_outlives_what_its_children_borrow() {
    let scope = {
        let word = String::from("gone");
        scope_local(|scope| {
            let word = &word;
            async move { scope.spawn(async move { word.len() }).await }
        })
    };
    drop(scope);
}

async fn a_borrowed_output_escapes() {
    let escaped: LocalChild<&str> = {
        let word = String::from("gone");
        scope_local(|scope| {
            let word = &word;
            async move { scope.spawn(async move { word.as_str() }) }
        })
        .await
    };
    drop(escaped);
}

fn a_task_borrows_from_the_body() {
    scope_blocking(|scope| {
        let word = String::from("the body's");
        scope.spawn(async { word.len() });
    });
}

fn a_task_outlives_the_call() {
    let mut escaped: Option<ScopedTask<'_, usize>> = None;
    scope_blocking(|scope| escaped = Some(scope.spawn(async { 1 })));
    drop(escaped);
}

fn the_scope_outlives_the_call() {
    let mut escaped: Option<&BlockingScope<'_, '_>> = None;
    scope_blocking(|scope| escaped = Some(scope));
}

fn a_task_shares_what_threads_may_not() {
    let count = Rc::new(Cell::new(0));
    scope_blocking(|scope| {
        scope.spawn(async { count.set(1) });
    });
}

async fn a_task_of_a_group_borrows() {
    let word = String::from("the caller's");
    let group = TaskGroup::<usize, ()>::new();
    group.spawn(async { Ok(word.len()) });
}

async fn an_unsend_child_borrows_from_the_body() {
    scope_unsend(|scope| async move {
        let word = Rc::new(String::from("the body's"));
        let _ = scope.spawn(async { word.len() });
    })
    .await;
}

async fn a_child_of_a_sendable_scope_is_not_send() {
    scope_local(|scope| async move {
        let count = Rc::new(Cell::new(0));
        scope.spawn(async move { count.set(1) }).await
    })
    .await;
}

fn main() {}
