//! The buffered bytes of a reader, borrowed for as long as the reader was.
//!
//! The only unsafe code of `ops`. A loop that polls `&'a mut R` until it returns `&'a [u8]` is sound, but the borrow
//! checker ends every borrow of `R` that it lets a function return (the limits of non-lexical lifetimes).
//!
//! Rejected: to poll once more for the bytes when the first poll was ready. The second poll need not be ready.

use super::super::AsyncBufRead;
use super::{Operation, Step};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Fills the buffer if it is empty, and borrows it.
#[derive(Debug)]
pub struct FillBuf<'a, R: ?Sized> {
    /// There until the buffer has been borrowed.
    reader: Option<&'a mut R>,
}

pub(in super::super) fn fill_buf<R: ?Sized>(reader: &mut R) -> Operation<FillBuf<'_, R>> {
    Operation::new(FillBuf { reader: Some(reader) })
}

impl<'a, R: AsyncBufRead + Unpin + ?Sized> Step for FillBuf<'a, R> {
    type Output = io::Result<&'a [u8]>;

    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<&'a [u8]>> {
        let reader = self.reader.take().expect("`AsyncBufReadExt::fill_buf` was polled again after it was ready");
        match Pin::new(&mut *reader).poll_fill_buf(cx) {
            Poll::Ready(Ok(bytes)) => {
                let bytes: *const [u8] = bytes;
                // SAFETY: `bytes` was borrowed from `*reader`, which is ours alone for `'a`. `reader` has left `self`
                // and is not used again, so the shared borrow of what it points to may last as long.
                Poll::Ready(Ok(unsafe { &*bytes }))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => {
                self.reader = Some(reader);
                Poll::Pending
            }
        }
    }
}
