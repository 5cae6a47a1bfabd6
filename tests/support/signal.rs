//! A handler of a signal that is not the runtime's.

/// Calls `f`, which must be async-signal-safe, at each signal of that number, beside whoever else handles it.
pub fn handle_signal(number: i32, f: impl Fn() + Send + Sync + 'static) {
    // SAFETY: what tests do here is to count in an atomic.
    unsafe { signal_hook_registry::register(number, f) }.expect("the signal may be handled");
}
