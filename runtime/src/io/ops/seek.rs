//! Moving a position: wait for what is under way, start, wait.

use super::super::AsyncSeek;
use super::{Operation, Step};
use std::io::{self, SeekFrom};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// Moves the position.
#[derive(Debug)]
pub struct Seek<'a, S: ?Sized> {
    stream: &'a mut S,
    /// Where to, until it has been started.
    to: Option<SeekFrom>,
}

pub(in super::super) fn seek<S: ?Sized>(stream: &mut S, to: SeekFrom) -> Operation<Seek<'_, S>> {
    Operation::new(Seek { stream, to: Some(to) })
}

impl<S: AsyncSeek + Unpin + ?Sized> Step for Seek<'_, S> {
    type Output = io::Result<u64>;

    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<u64>> {
        if let Some(to) = self.to {
            ready!(Pin::new(&mut *self.stream).poll_complete(cx))?;
            Pin::new(&mut *self.stream).start_seek(to)?;
            self.to = None;
        }
        Pin::new(&mut *self.stream).poll_complete(cx)
    }
}
