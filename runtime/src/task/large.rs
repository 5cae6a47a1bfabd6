//! Large futures go to the heap at the door.
//!
//! Every call that hands a future on by value may copy it on the stack, in a debug build each one does. So the public
//! functions box a large one at once and hand the box on: one copy for the caller, one for the callee, and no more.

/// Above this a future is boxed: 16 KiB moved five times would be a third of the small stacks that musl gives.
const LIMIT: usize = 16 * 1024;

pub(crate) struct Large<F>(std::marker::PhantomData<F>);

impl<F> Large<F> {
    /// A constant, so that only one branch of an `if` on it is compiled, with only its share of the stack.
    pub(crate) const YES: bool = size_of::<F>() > LIMIT;
}
