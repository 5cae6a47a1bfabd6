//! A big future is moved to the heap at once: spawning takes no more stack than `Box::new` of the same value.
//!
//! In a debug build that is the value twice, once for the caller and once for the callee; nobody can do with less, as
//! long as the future is handed over by value. A future that is boxed already is spawned on any stack.

use runtime::runtime::Runtime;
use runtime_tests::{Event, Flavor, for_each_flavor};
use std::pin::Pin;

const SIZE: usize = 1 << 20;
const SMALL_STACK: usize = 256 << 10;

/// A future of one mebibyte.
async fn big(done: Event) -> usize {
    let bytes = [7_u8; SIZE];
    runtime::task::yield_now().await;
    done.set();
    bytes.iter().filter(|byte| **byte == 7).count()
}

/// Runs `f` on a thread with a stack of this size.
fn on_a_stack_of<R: Send>(bytes: usize, f: impl FnOnce() -> R + Send) -> R {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(bytes).spawn_scoped(scope, f);
        thread.expect("no thread").join().expect("the thread")
    })
}

fn a_mebibyte_is_spawned_by_value(flavor: Flavor) {
    let runtime = flavor.build();
    let done = Event::new();
    let handle = on_a_stack_of(2 * SIZE + SMALL_STACK, || runtime.spawn(big(done.clone())));
    assert_eq!(runtime.block_on(handle).unwrap(), SIZE);
}

fn a_boxed_mebibyte_is_spawned_on_a_small_stack(flavor: Flavor) {
    let runtime = flavor.build();
    let done = Event::new();
    // Made where there is room, spawned where there is none.
    let boxed: Pin<Box<dyn Future<Output = usize> + Send>> =
        on_a_stack_of(8 * SIZE, || Box::pin(big(done.clone())) as _);
    let handle = on_a_stack_of(SMALL_STACK, || runtime.spawn(boxed));
    assert_eq!(runtime.block_on(handle).unwrap(), SIZE);
}

fn a_mebibyte_is_polled_where_it_lies(flavor: Flavor) {
    // Workers, and here the thread inside block_on too, have less stack than the future is big.
    let runtime: Runtime = flavor.builder().thread_stack_size(SMALL_STACK).build().unwrap();
    let done = Event::new();
    let handle = on_a_stack_of(8 * SIZE, || runtime.spawn(big(done.clone())));
    let count = on_a_stack_of(SMALL_STACK, || runtime.block_on(handle).unwrap());
    assert_eq!(count, SIZE);
}

for_each_flavor!(
    a_mebibyte_is_spawned_by_value,
    a_boxed_mebibyte_is_spawned_on_a_small_stack,
    a_mebibyte_is_polled_where_it_lies
);

/// beyond tokio: the future is made where it stays.
#[cfg(not(feature = "oracle"))]
mod made_in_place {
    use super::{SIZE, SMALL_STACK, big, on_a_stack_of};
    use runtime_tests::{Event, Flavor, for_each_flavor};

    fn a_mebibyte_is_spawned_from_a_small_stack(flavor: Flavor) {
        let runtime = flavor.build();
        let done = Event::new();
        let handle = on_a_stack_of(SMALL_STACK, || {
            let _inside = runtime.enter();
            runtime::task::spawn_with(|| big(done))
        });
        let count = on_a_stack_of(8 * SIZE, || runtime.block_on(handle).unwrap());
        assert_eq!(count, SIZE);
    }

    for_each_flavor!(a_mebibyte_is_spawned_from_a_small_stack);
}
