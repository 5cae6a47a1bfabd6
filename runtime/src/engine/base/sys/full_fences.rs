//! Both fences are full ones.

use crate::engine::base::atomics::{Ordering, fence};

pub(crate) fn prepare() {}

#[inline]
pub(crate) fn light() {
    fence(Ordering::SeqCst);
}

#[inline]
pub(crate) fn heavy() {
    fence(Ordering::SeqCst);
}
