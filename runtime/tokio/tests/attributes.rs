//! Programs written for tokio: what its attributes and macros expand to is found under `::tokio`.

// This package has `runtime` among its dependencies, which its users don't. So that no path can lead there by accident:
mod runtime {}

use std::time::Duration;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::time::Instant;

#[tokio::main]
async fn on_many_threads() -> RuntimeFlavor {
    tokio::spawn(async { Handle::current().runtime_flavor() }).await.unwrap()
}

#[tokio::main(flavor = "multi_thread", worker_threads = 3)]
async fn on_three_threads() -> usize {
    Handle::current().metrics().num_workers()
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn in_paused_time() -> Duration {
    let begun = Instant::now();
    tokio::time::sleep(Duration::from_secs(3600)).await;
    begun.elapsed()
}

#[tokio::main(flavor = "local")]
async fn with_what_is_not_send() -> u32 {
    let value = std::rc::Rc::new(7);
    let task = tokio::task::spawn_local(async move { *value });
    task.await.unwrap()
}

#[::tokio::main(crate = "::tokio")]
async fn with_a_path() -> Result<u8, std::num::ParseIntError> {
    "17".parse()
}

#[test]
fn main_takes_all_arguments() {
    assert_eq!(on_many_threads(), RuntimeFlavor::MultiThread);
    assert_eq!(on_three_threads(), 3);
    assert!(in_paused_time() >= Duration::from_secs(3600));
    assert_eq!(with_what_is_not_send(), 7);
    assert_eq!(with_a_path(), Ok(17));
}

#[tokio::test]
async fn a_test_runs_on_one_thread() {
    assert_eq!(Handle::current().runtime_flavor(), RuntimeFlavor::CurrentThread);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_runs_on_several_threads() {
    assert_eq!(Handle::current().metrics().num_workers(), 2);
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "too late")]
async fn a_test_may_panic() {
    tokio::time::timeout(Duration::from_secs(60), std::future::pending::<()>()).await.expect("too late");
}

/// Exported again under another path, as test helpers do.
mod fixtures {
    pub(crate) use tokio::test;
}

#[crate::fixtures::test]
async fn an_attribute_under_another_path() {
    tokio::task::yield_now().await;
}

mod imported {
    use tokio::{main, test};

    #[main(flavor = "current_thread")]
    async fn five() -> u8 {
        5
    }

    #[test]
    async fn an_attribute_without_a_path() {
        let five = tokio::task::spawn_blocking(five).await.unwrap();
        assert_eq!(five, 5);
    }
}

macro_rules! doubles {
    ($name:ident, $value:expr) => {
        #[tokio::test]
        async fn $name() {
            let value = $value;
            let doubled = tokio::spawn(async move { 2 * value });
            assert_eq!(doubled.await.unwrap(), 2 * value);
        }
    };
}

doubles!(a_test_made_by_a_macro, 21);

tokio::task_local! {
    static NAME: &'static str;
}

#[tokio::test]
async fn macros_lead_to_tokio() {
    let (one, two) = tokio::join!(async { 1 }, async { 2 });
    assert_eq!(one + two, 3);
    let failed: Result<((), ()), u8> = tokio::try_join!(async { Ok(()) }, async { Err(4) });
    assert_eq!(failed, Err(4));
    let never = std::future::pending::<()>();
    tokio::pin!(never);
    let chosen = tokio::select! {
        () = &mut never => "never",
        _ = tokio::time::sleep(Duration::ZERO) => "the timer",
    };
    assert_eq!(chosen, "the timer");
    assert_eq!(NAME.scope("task", async { NAME.get() }).await, "task");
}

/// Both names are one crate.
#[test]
fn types_are_the_same_under_both_names() {
    fn same<T>(_: Option<T>, _: Option<T>) {}
    same(None::<tokio::net::TcpStream>, None::<::runtime::net::TcpStream>);
    same(None::<tokio::task::JoinHandle<u8>>, None::<::runtime::task::JoinHandle<u8>>);
}
