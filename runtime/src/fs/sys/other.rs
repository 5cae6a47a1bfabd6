//! Where no read can promise not to wait.

use super::Cached;
use std::fs::File;

pub(in crate::fs) fn may_ask(_: &File) -> bool {
    false
}

pub(in crate::fs) fn read_cached(_: &File, _: &mut [u8]) -> Cached {
    Cached::Refused
}

pub(in crate::fs) fn read_cached_at(_: &File, _: &mut [u8], _: u64) -> Cached {
    Cached::Refused
}
