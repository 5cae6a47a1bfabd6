//! A thread that the operating system refuses is an error, not a panic.

use runtime::runtime::Builder;
use runtime_tests::watchdog;

/// More than any address space has: `mmap` refuses it.
const ABSURD: usize = 1 << 46;

#[test]
#[cfg_attr(feature = "oracle", ignore = "beyond tokio")]
fn build_gives_the_error() {
    let _watch = watchdog();
    for _ in 0..3 {
        let built = Builder::new_multi_thread().worker_threads(2).thread_stack_size(ABSURD).enable_all().build();
        let error = built.expect_err("a runtime whose threads nobody can start");
        assert!(!error.to_string().is_empty());
    }
    let fine = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    assert_eq!(fine.block_on(fine.spawn(async { 1 })).unwrap(), 1);
}

#[test]
fn a_closure_without_a_thread_is_not_lost_in_silence() {
    let _watch = watchdog();
    // A runtime that needs a thread of its own refuses here already.
    let Ok(runtime) = Builder::new_current_thread().thread_stack_size(ABSURD).build() else { return };
    match runtime_tests::catch(|| runtime.spawn_blocking(|| 1)) {
        Ok(closure) => assert!(runtime.block_on(closure).is_err_and(|error| error.is_cancelled())),
        Err(caught) => assert_eq!(caught.file, file!(), "{}", caught.message),
    }
}
