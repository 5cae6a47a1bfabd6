//! `context_local!` with something else than it takes.

runtime::context_local! { static ATTEMPT: u32 = 1; }

runtime::context_local! { inherited REQUEST: u64; }

runtime::context_local! { inherited static SHARED: std::rc::Rc<u32>; }

fn main() {}
