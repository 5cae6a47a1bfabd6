//! Ours and tokio's own in one program: what is used on the wrong one says so, and the README's remedies help.

use runtime::net::TcpListener;
use runtime_tests::{CaughtPanic, Flavor, assert_panics_here, catch, panics, watchdog};
use std::future::{Future, ready};
use std::time::Duration;

const SHORT: Duration = Duration::from_millis(1);
const ANY_PORT: &str = "127.0.0.1:0";

/// What we say to whoever is inside of a task and is told that there is no runtime.
const OURS_SAYS: [&str; 5] =
    ["no runtime here", "another runtime", "second copy", "cargo tree -i tokio", "[patch.crates-io]"];

/// The README quotes it.
const TOKIO_SAYS: &str = "there is no reactor running, must be called from the context of a Tokio 1.x runtime";

fn tokios() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// What `future` panics with inside of the `block_on` of tokio.
fn said_on_tokio<F: Future>(future: F) -> CaughtPanic {
    catch(|| drop(tokios().block_on(future))).expect_err("it found a runtime")
}

/// Fault: `refuse` without `ANOTHER_RUNTIME`.
#[test]
fn ours_on_tokios_threads_names_the_other_runtime() {
    let _watch = watchdog();
    let line = line!() + 1;
    let slept = said_on_tokio(async { runtime::time::sleep(SHORT).await });
    panics::check(&slept, file!(), line, &OURS_SAYS);
    let bound = said_on_tokio(async { TcpListener::bind(ANY_PORT).await }).message;
    for word in OURS_SAYS {
        assert!(bound.contains(word), "no {word:?} in {bound:?}");
    }
    tokios().block_on(async {
        assert_panics_here!(runtime::spawn(ready(())), "no runtime here", "another runtime", "Handle::spawn");
        assert_panics_here!(runtime::runtime::Handle::current(), "no runtime here", "another runtime");
    });
}

/// We have no say in it.
#[test]
fn tokios_on_our_threads_says_what_the_readme_quotes() {
    let _watch = watchdog();
    let ours = Flavor::CurrentThread.build();
    let slept = catch(|| ours.block_on(async { tokio::time::sleep(SHORT).await })).unwrap_err();
    let bound = catch(|| drop(ours.block_on(async { tokio::net::TcpListener::bind(ANY_PORT).await }))).unwrap_err();
    for said in [slept.message, bound.message] {
        assert!(said.contains(TOKIO_SAYS) && !said.contains("no runtime here"), "{said:?}");
    }
    let readme = include_str!("../../README.md");
    assert!(readme.contains(TOKIO_SAYS) && readme.contains("## Two runtimes in one program"));
}

#[test]
fn a_handle_puts_each_on_its_own_runtime() {
    let _watch = watchdog();
    for flavor in [Flavor::MultiThread(1), Flavor::MultiThread(2)] {
        let (ours, tokios) = (flavor.build(), tokio::runtime::Runtime::new().unwrap());
        let (our_handle, tokios_handle) = (ours.handle().clone(), tokios.handle().clone());
        let from_tokio = tokios.spawn(async move {
            let bound = our_handle.spawn(async {
                runtime::time::sleep(SHORT).await;
                TcpListener::bind(ANY_PORT).await.is_ok()
            });
            bound.await.unwrap()
        });
        let from_ours = ours.spawn(async move {
            let bound = tokios_handle.spawn(async {
                tokio::time::sleep(SHORT).await;
                tokio::net::TcpListener::bind(ANY_PORT).await.is_ok()
            });
            bound.await.unwrap()
        });
        // Join handles are at home on either side.
        assert!(ours.block_on(from_tokio).unwrap());
        assert!(tokios.block_on(from_ours).unwrap());
    }
}
