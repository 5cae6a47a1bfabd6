//! Branches of `select!` that are not whole.

use std::future::ready;

async fn nothing() {
    runtime::select! {}
}

async fn only_biased() {
    runtime::select! { biased; }
}

async fn no_handler() {
    runtime::select! {
        a = ready(1) => {}
        Some(b) = ready(Some(2))
    }
}

async fn no_handler_in_the_middle() {
    runtime::select! {
        a = ready(1),
        b = ready(2) => {}
    }
}

async fn no_future() {
    runtime::select! {
        a => {}
        b = ready(2) => {}
    }
}

async fn else_first() {
    runtime::select! {
        else => {},
        b = ready(2) => {}
    }
}

async fn else_without_handler() {
    runtime::select! {
        b = ready(2) => {}
        else
    }
}

async fn biased_late() {
    runtime::select! {
        a = ready(1) => {}
        biased;
        b = ready(2) => {}
    }
}

async fn no_comma() {
    runtime::select! {
        a = ready(1) => 1
        b = ready(2) => 2
    }
}

fn main() {}
