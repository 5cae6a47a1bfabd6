//! Moving the position.

use super::File;
use super::desk::Doing;
use super::job::Work;
use crate::io::AsyncSeek;
use std::io::{self, Seek, SeekFrom};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

impl AsyncSeek for File {
    /// Begins to move the position. A move from the start or from here is a matter of the descriptor alone and done at once;
    /// where the end is, some file systems have to ask somebody else, so a thread does.
    ///
    /// # Errors
    /// If another operation is under way: call `poll_complete` first. Errors of the move come from `poll_complete`.
    fn start_seek(self: Pin<&mut Self>, position: SeekFrom) -> io::Result<()> {
        File::needs_runtime();
        let mut state = self.front.lock();
        if state.under_way.is_some() {
            return Err(io::Error::other(
                "the position cannot move: another operation of the file is under way.\n  Wait for it by `poll_complete` \
                 before `start_seek`.",
            ));
        }
        self.give_back(&mut state)?;
        state.give_up_outbox();
        state.forget_answers();
        if let SeekFrom::End(_) = position {
            state.begin(Doing::Other);
            drop(state);
            self.send(Work::Seek(position));
        } else {
            let moved = (&*self.std).seek(position);
            state.position = *moved.as_ref().unwrap_or(&state.position);
            state.moved = Some(moved);
        }
        Ok(())
    }

    fn poll_complete(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<u64>> {
        let mut state = ready!(self.front.poll_idle(cx));
        let position = state.position;
        Poll::Ready(state.moved.take().unwrap_or(Ok(position)))
    }
}
