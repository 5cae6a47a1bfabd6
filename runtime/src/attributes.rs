//! The attributes `main` and `test`.
//!
//! Owns: their documentation, which can name this crate's types.
//! Not here: their code (`runtime-macros`); `select!` and its like (`macros`), which need no parser and no feature.

/// Runs an `async fn` on a runtime built for it.
///
/// The function becomes a plain one that builds a runtime, blocks the calling thread until the body has finished, and
/// returns what it returned. It saves writing a [`Builder`](crate::runtime::Builder) for programs whose runtime needs
/// nothing special; what does, is built by hand.
///
/// The body itself isn't spawned: it runs on the thread that calls the function. Work that should use the other
/// threads is given to [`spawn`](crate::spawn).
///
/// ```
/// #[runtime::main]
/// async fn main() {
///     let sum = runtime::spawn(async { 1 + 2 }).await.unwrap();
///     assert_eq!(sum, 3);
/// }
/// ```
///
/// # Arguments
///
/// | argument | value | default |
/// |---|---|---|
/// | `flavor` | `"multi_thread"`, `"current_thread"`, `"local"` (a `LocalRuntime`, which can spawn `!Send` tasks) | `"multi_thread"` |
/// | `worker_threads` | how many threads run tasks; `multi_thread` only | one for each CPU this process may use |
/// | `start_paused` | `true`: the clock stands still and jumps to the next timer | `false` |
/// | `unhandled_panic` | `"ignore"`, `"shutdown_runtime"`, `"abort"`: what follows a panic in a spawned task | `"ignore"` |
/// | `name` | the runtime's name | none |
/// | `crate` | the path of this crate, where the attribute can't find out: `"my_framework::runtime"` | as the attribute was written |
///
/// ```
/// #[runtime::main(flavor = "multi_thread", worker_threads = 2)]
/// async fn main() -> Result<(), std::num::ParseIntError> {
///     let n: i32 = "17".parse()?;
///     assert_eq!(n, 17);
///     Ok(())
/// }
/// ```
///
/// is the same as
///
/// ```
/// fn main() -> Result<(), std::num::ParseIntError> {
///     runtime::runtime::Builder::new_multi_thread()
///         .enable_all()
///         .worker_threads(2)
///         .build()
///         .unwrap()
///         .block_on(async {
///             let n: i32 = "17".parse()?;
///             assert_eq!(n, 17);
///             Ok(())
///         })
/// }
/// ```
///
/// # Other functions
///
/// The attribute may stand on any `async fn`, with arguments too (`main` itself can have none). Each call builds a
/// runtime of its own, and panics inside of another runtime's task, as `block_on` does.
///
/// # Under another name
///
/// With `tokio = { package = "runtime", … }` in the manifest, `#[tokio::main]` works as it stands, and so does
/// `use tokio::main; #[main]`. Where this crate is reached in some other way, say so with `crate = "path"`.
///
/// # Panics
///
/// When the runtime can't be built, for instance because the system refuses a thread or a file descriptor.
pub use runtime_macros::main;

/// Makes an `async fn` a test that runs on a runtime of its own.
///
/// It takes the arguments of [`main`](macro@crate::main). The default flavor is `"current_thread"`: a test that needs
/// more threads says so.
///
/// ```no_run
/// #[runtime::test]
/// async fn adds_up() {
///     assert_eq!(runtime::spawn(async { 1 + 2 }).await.unwrap(), 3);
/// }
///
/// #[runtime::test(flavor = "multi_thread", worker_threads = 2)]
/// async fn parses() -> Result<(), std::num::ParseIntError> {
///     assert_eq!("17".parse::<i32>()?, 17);
///     Ok(())
/// }
/// ```
///
/// Further attributes, `#[ignore]` and `#[should_panic]` among them, work as on any test.
///
/// # Panics
///
/// When the runtime can't be built.
pub use runtime_macros::test;
