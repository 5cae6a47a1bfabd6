//! Branches of `select!`, arguments of `join!`, with types that do not fit.

use std::future::ready;

async fn not_a_future() {
    runtime::select! {
        a = ready(1) => {}
        b = 5 => {}
    }
}

async fn not_a_bool() {
    runtime::select! {
        a = ready(1), if 5 => {}
    }
}

async fn handlers_differ() -> u32 {
    runtime::select! {
        a = ready(1) => a,
        b = ready(2) => "two",
    }
}

async fn pattern_of_another_type() {
    runtime::select! {
        Some(a) = ready(1) => {}
        else => {}
    }
}

async fn unused_binding() {
    #![deny(unused_variables)]
    runtime::select! {
        a = ready(1) => {}
    }
}

fn not_async() {
    runtime::select! { a = ready(1) => {} }
}

async fn join_takes_futures() {
    runtime::join!(ready(1), 5);
}

async fn try_join_takes_results() {
    runtime::try_join!(ready(1), ready(Ok::<_, ()>(2)));
}

fn main() {}
