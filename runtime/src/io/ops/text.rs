//! A `String` whose bytes are appended to before anyone knows whether they are text.

use super::super::growing::Growing;
use std::io;
use std::mem;

/// Takes the bytes out of a `String` and puts them back: on success with what was read, else as they were before.
///
/// Dropping it half-way restores the `String`; what was read by then is lost.
#[derive(Debug)]
pub(super) struct Borrowed<'a> {
    text: &'a mut String,
    bytes: Growing<Vec<u8>>,
    /// The length of the text before.
    before: usize,
    /// The bytes are back.
    returned: bool,
}

impl<'a> Borrowed<'a> {
    pub(super) fn new(text: &'a mut String) -> Borrowed<'a> {
        let bytes = mem::take(text).into_bytes();
        Borrowed { text, before: bytes.len(), bytes: Growing::owned(bytes), returned: false }
    }

    pub(super) fn bytes(&mut self) -> &mut Growing<Vec<u8>> {
        &mut self.bytes
    }

    /// Gives the `String` back, with what was read if that is text. An error of the reader goes first; it leaves a part in the
    /// `String` if `keeps_part`.
    pub(super) fn finish(&mut self, result: io::Result<usize>, keeps_part: bool) -> io::Result<usize> {
        let is_text = std::str::from_utf8(&self.bytes.vec()[self.before..]).is_ok();
        // Counted from where the `String` begins, so that a caller finds the place by what he has.
        let wrong = if is_text { None } else { std::str::from_utf8(self.bytes.vec()).err() };
        if !is_text || (result.is_err() && !keeps_part) {
            self.bytes.vec_mut().truncate(self.before);
        }
        self.give_back();
        match (result?, wrong) {
            (n, None) => Ok(n),
            (_, Some(wrong)) => Err(io::Error::new(io::ErrorKind::InvalidData, wrong)),
        }
    }

    fn give_back(&mut self) {
        self.returned = true;
        // What was before is text, and what follows it was looked at, so this does not fail.
        *self.text = String::from_utf8(mem::take(self.bytes.vec_mut())).unwrap_or_default();
    }
}

impl Drop for Borrowed<'_> {
    fn drop(&mut self) {
        if !self.returned {
            self.bytes.vec_mut().truncate(self.before);
            self.give_back();
        }
    }
}
