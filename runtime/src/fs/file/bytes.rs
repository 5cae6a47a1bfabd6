//! Reading and writing at the position.

use super::File;
use super::desk::{Doing, State};
use super::job::{Job, Work};
use crate::engine::budget::poll_proceed;
use crate::engine::{is_entered, no_runtime_here};
use crate::fs::sys::{Cached, read_cached};
use crate::io::{AsyncRead, AsyncWrite, ReadBuf};
use std::io::{self, ErrorKind, IoSlice, Seek, SeekFrom};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// How much is read from the cache with one call. Of room that has never been written the bytes are still in the
/// processor's own cache after they were cleared for it.
const PIECE: usize = 64 * 1024;

impl File {
    /// Whether a thread is needed depends on luck; whether there is a runtime must not.
    #[track_caller]
    pub(super) fn needs_runtime() {
        if !is_entered() {
            no_runtime_here("fs::File");
        }
    }

    /// The desk says already what is under way, and is not locked.
    pub(super) fn send(&self, work: Work) {
        Job::send(self.front.desk(), self.std.clone(), work);
    }

    /// Puts the position back to where the task thinks it is: before the bytes that nobody has seen.
    ///
    /// A pipe or a terminal has no position, and its bytes remain.
    pub(super) fn give_back(&self, state: &mut State) -> io::Result<()> {
        // Without its bytes it would look like the end.
        state.answer = None;
        if state.inbox.is_empty() || state.inbox.is_ahead {
            state.inbox.clear();
            return Ok(());
        }
        match (&mut &*self.std).seek(SeekFrom::Current(-(state.inbox.unread.len() as i64))) {
            Ok(_) => state.inbox.clear(),
            Err(error) if error.kind() == ErrorKind::NotSeekable => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn poll_fill(&mut self, cx: &mut Context<'_>, dst: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            let mut state = ready!(self.front.poll_idle(cx));
            let answer = state.answer.take();
            let next = state.inbox.unread.len().min(dst.remaining());
            // The end, too, is an answer.
            if (answer.is_some() || next > 0) && self.moves_along(&mut state, next)? {
                dst.put_slice(state.inbox.take(next));
                return Poll::Ready(answer.unwrap_or(Ok(())));
            }
            state.forget_answers();
            state.give_up_outbox();
            drop(state);
            if self.fill_from_cache(dst) {
                return Poll::Ready(Ok(()));
            }
            let wanted = dst.remaining().min(self.max_buf_size);
            let mut state = self.front.lock();
            state.begin(Doing::Read);
            let ahead = !self.is_cached && state.is_private;
            drop(state);
            self.send(Work::Read { wanted, ahead });
        }
    }

    /// Moves the position over the next `n` bytes, if they were read ahead. `false` if somebody else may have moved it
    /// meanwhile: then they are not what a read would give.
    fn moves_along(&self, state: &mut State, n: usize) -> io::Result<bool> {
        if n == 0 || !state.inbox.is_ahead {
            return Ok(true);
        }
        if !state.is_private {
            state.inbox.clear();
            return Ok(false);
        }
        (&*self.std).seek(SeekFrom::Current(n as i64)).map(|_| true)
    }

    /// Reads what can be read without waiting. Is that an answer?
    fn fill_from_cache(&mut self, dst: &mut ReadBuf<'_>) -> bool {
        let mut left = dst.remaining().min(self.max_buf_size);
        let mut is_answered = false;
        while self.is_cached && left > 0 {
            let room = dst.initialize_unfilled_to(left.min(PIECE));
            let asked = room.len();
            match read_cached(&self.std, room) {
                // After other bytes it is not the end, and somebody may write more.
                Cached::Read(n) => {
                    is_answered = true;
                    dst.advance(n);
                    left -= n;
                    if n < asked {
                        break;
                    }
                }
                Cached::Missed => break,
                Cached::Refused => self.is_cached = false,
            }
        }
        is_answered
    }

    /// Accepts up to `len` bytes, which `fill` copies.
    fn poll_accept(
        &mut self,
        cx: &mut Context<'_>,
        len: usize,
        fill: impl FnOnce(&mut Vec<u8>, usize),
    ) -> Poll<io::Result<usize>> {
        File::needs_runtime();
        let unit = ready!(poll_proceed(cx));
        let accepted = len.min(self.max_buf_size);
        let mut state = loop {
            let mut state = ready!(self.front.poll_until(cx, |state| self.may_accept(state, accepted)));
            if let Some(error) = state.write_error.take() {
                return Poll::Ready(Err(error));
            }
            if state.under_way.is_some() || self.has_room(&state, accepted) {
                break state;
            }
            // Bytes that could not be written before fill the outbox.
            state.begin(Doing::Write);
            drop(state);
            self.send(Work::Write);
        };
        if accepted > 0 && state.under_way.is_none() {
            self.give_back(&mut state)?;
            fill(&mut state.outbox, accepted);
            state.begin(Doing::Write);
            drop(state);
            self.send(Work::Write);
        } else if accepted > 0 {
            fill(&mut state.outbox, accepted);
        }
        unit.made_progress();
        Poll::Ready(Ok(accepted))
    }

    fn may_accept(&self, state: &State, n: usize) -> bool {
        match state.under_way {
            None => true,
            Some(Doing::Write) => state.is_regular && self.has_room(state, n),
            Some(_) => false,
        }
    }

    fn has_room(&self, state: &State, n: usize) -> bool {
        state.outbox.is_empty() || state.outbox.len() + n <= self.max_buf_size
    }

    /// Waits until all that was accepted is written.
    pub(super) fn poll_written(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let mut state = ready!(self.front.poll_idle(cx));
            if let Some(error) = state.write_error.take() {
                return Poll::Ready(Err(error));
            }
            if state.outbox.is_empty() {
                return Poll::Ready(Ok(()));
            }
            File::needs_runtime();
            state.begin(Doing::Write);
            drop(state);
            self.send(Work::Write);
        }
    }
}

impl AsyncRead for File {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        File::needs_runtime();
        let unit = ready!(poll_proceed(cx));
        if buf.remaining() > 0 {
            ready!(self.get_mut().poll_fill(cx, buf))?;
        }
        unit.made_progress();
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for File {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.get_mut().poll_accept(cx, buf.len(), |outbox, n| outbox.extend_from_slice(&buf[..n]))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let len = bufs.iter().fold(0, |sum: usize, buf| sum.saturating_add(buf.len()));
        self.get_mut().poll_accept(cx, len, |outbox, mut left| {
            for buf in bufs {
                let n = buf.len().min(left);
                outbox.extend_from_slice(&buf[..n]);
                left -= n;
            }
        })
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// Waits until all that was accepted is written.
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let unit = ready!(poll_proceed(cx));
        ready!(self.poll_written(cx))?;
        unit.made_progress();
        Poll::Ready(Ok(()))
    }

    /// Flushes. The file is closed when it is dropped.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(cx)
    }
}
