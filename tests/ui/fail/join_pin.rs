//! `join!`, `try_join!` and `pin!` with something else than they take.

use std::future::ready;

async fn no_semicolon() {
    runtime::join!(biased, ready(1));
}

async fn pairs() {
    runtime::try_join!(a = ready(1) => {});
}

async fn semicolons() {
    runtime::join!(ready(1); ready(2));
}

async fn expression() {
    runtime::pin!(ready(1));
}

fn main() {}
