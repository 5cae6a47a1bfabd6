//! `JoinError`.

use runtime::task::{JoinError, JoinHandle};
use runtime_tests::{Flavor, for_each_flavor};
use std::future::pending;

fn cancelled(flavor: Flavor) {
    let runtime = flavor.build();
    let handle = runtime.spawn(pending::<()>());
    let id = handle.id();
    handle.abort();
    let error = runtime.block_on(handle).unwrap_err();
    assert!(error.is_cancelled() && !error.is_panic());
    assert_eq!(error.id(), id);
    assert_eq!(error.to_string(), format!("task {id} was cancelled"));
    let debug = format!("{error:?}");
    assert!(debug.contains("Cancelled") && debug.contains(&id.to_string()), "{debug}");
    let error: JoinError = error.try_into_panic().unwrap_err();
    let error: std::io::Error = error.into();
    assert_eq!(error.kind(), std::io::ErrorKind::Other);
    assert!(error.to_string().contains("cancelled"), "{error}");
}

fn panic_with_a_literal(flavor: Flavor) {
    let runtime = flavor.build();
    let handle: JoinHandle<()> = runtime.spawn(async { runtime_tests::planned_panic() });
    let id = handle.id();
    let error = runtime.block_on(handle).unwrap_err();
    assert!(error.is_panic() && !error.is_cancelled());
    assert_eq!(error.id(), id);
    assert_eq!(error.to_string(), format!("task {id} panicked with message \"planned panic\""));
    let debug = format!("{error:?}");
    assert!(debug.contains("Panic") && debug.contains("planned panic"), "{debug}");
    assert!(error.try_into_panic().is_ok());
}

fn panic_with_a_format(flavor: Flavor) {
    let runtime = flavor.build();
    let number = 17;
    let handle = runtime.spawn(async move {
        if number == 17 {
            panic!("planned panic {number}");
        }
    });
    let error = runtime.block_on(handle).unwrap_err();
    assert!(error.to_string().contains("planned panic 17"), "{error}");
    assert_eq!(*error.into_panic().downcast::<String>().unwrap(), "planned panic 17");
}

fn panic_with_a_value(flavor: Flavor) {
    let runtime = flavor.build();
    let handle = runtime.spawn(async {
        std::panic::resume_unwind(Box::new(vec![1, 2]));
    });
    let handle: JoinHandle<()> = handle;
    let id = handle.id();
    let error = runtime.block_on(handle).unwrap_err();
    assert_eq!(error.to_string(), format!("task {id} panicked"));
    let error: std::io::Error = error.into();
    assert!(error.to_string().contains("panicked"), "{error}");
}

fn is_an_error(flavor: Flavor) {
    let runtime = flavor.build();
    let handle = runtime.spawn(pending::<()>());
    handle.abort();
    let error: Box<dyn std::error::Error + Send + Sync> = Box::new(runtime.block_on(handle).unwrap_err());
    assert!(error.source().is_none());
}

for_each_flavor!(cancelled, panic_with_a_literal, panic_with_a_format, panic_with_a_value, is_an_error);
