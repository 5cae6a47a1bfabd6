//! Arguments of the attributes that make no sense.

#[runtime::main(flavour = "current_thread")]
async fn unknown() {}

#[runtime::main(flavor = "many_threads")]
async fn unknown_flavor() {}

#[runtime::main(flavor = "current_thread", worker_threads = 4)]
async fn threads_for_one_thread() {}

#[runtime::test(worker_threads = 4)]
async fn threads_for_a_test() {}

#[runtime::main(worker_threads = 0)]
async fn no_threads() {}

#[runtime::main(start_paused = 1)]
async fn paused_threads() {}

#[runtime::main(flavor = "local", flavor = "local")]
async fn twice() {}

#[runtime::main(current_thread)]
async fn bare() {}

#[runtime::test(unhandled_panic = "explode")]
async fn unknown_policy() {}

#[runtime::main("multi_thread")]
async fn no_name() {}

fn main() {}
