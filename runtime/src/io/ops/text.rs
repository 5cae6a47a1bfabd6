//! A `String` whose bytes are appended to before anyone knows whether they are text.

use std::io;
use std::mem;

/// Takes the bytes out of a `String` and puts them back: on success with what was read, else as they were before.
///
/// Dropping it half-way restores the `String`; what was read by then is lost.
#[derive(Debug)]
pub(super) struct Borrowed<'a> {
    text: &'a mut String,
    bytes: Vec<u8>,
    /// The length of the text before.
    before: usize,
    /// The bytes are back.
    returned: bool,
}

impl<'a> Borrowed<'a> {
    pub(super) fn new(text: &'a mut String) -> Borrowed<'a> {
        let bytes = mem::take(text).into_bytes();
        Borrowed { text, before: bytes.len(), bytes, returned: false }
    }

    pub(super) fn bytes(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// Gives the `String` back, with what was read if that is text. An error of the reader goes first.
    pub(super) fn finish(&mut self, result: io::Result<usize>) -> io::Result<usize> {
        let is_text = std::str::from_utf8(&self.bytes[self.before..]).is_ok();
        if !is_text {
            self.bytes.truncate(self.before);
        }
        self.give_back();
        let n = result?;
        if is_text { Ok(n) } else { Err(not_text()) }
    }

    fn give_back(&mut self) {
        self.returned = true;
        // What was before is text, and what follows it was looked at, so this does not fail.
        *self.text = String::from_utf8(mem::take(&mut self.bytes)).unwrap_or_default();
    }
}

impl Drop for Borrowed<'_> {
    fn drop(&mut self) {
        if !self.returned {
            self.bytes.truncate(self.before);
            self.give_back();
        }
    }
}

/// The error of bytes that are not UTF-8.
#[cold]
fn not_text() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the bytes that were read are not valid UTF-8")
}
