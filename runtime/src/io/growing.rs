//! A `Vec` that readers append to, and how much of it has ever been written.
//!
//! Owns: [`Growing`]. Not here: how much room a reader gets, and when the `Vec` grows (`ops/read_all`).
//!
//! A reader that needs initialized bytes clears the room that it is lent. If it then reads little, the next read gets nearly
//! the same room, and would clear it again.
//!
//! Invariant G1: the first `initialized` bytes of the `Vec`'s memory have been written, or its first `len` if those are more.
//! Nobody can make a byte uninitialized again but a new allocation: growing moves `len` bytes and no more, so that is all
//! that is known then.
//!
//! The danger: a count that outlives its memory. So the `Vec` lies in here, and whoever borrows it to change it
//! makes us forget.

use super::AsyncRead;
use super::read_buf::{Lent, ReadBuf};
use std::borrow::BorrowMut;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// See the module's head. `V` is a `Vec<u8>` or borrows one: there are no other constructors.
#[derive(Debug)]
pub(super) struct Growing<V> {
    vec: V,
    initialized: usize,
}

impl Growing<Vec<u8>> {
    pub(super) fn owned(vec: Vec<u8>) -> Self {
        Growing { vec, initialized: 0 }
    }
}

impl<'a> Growing<&'a mut Vec<u8>> {
    pub(super) fn borrowed(vec: &'a mut Vec<u8>) -> Self {
        Growing { vec, initialized: 0 }
    }
}

impl<V: BorrowMut<Vec<u8>>> Growing<V> {
    #[inline]
    pub(super) fn vec(&self) -> &Vec<u8> {
        self.vec.borrow()
    }

    /// To do anything with it. What is known of its free room is forgotten.
    pub(super) fn vec_mut(&mut self) -> &mut Vec<u8> {
        self.initialized = 0;
        self.vec.borrow_mut()
    }

    /// The free room that is known to have been written, next to the last byte.
    #[inline]
    pub(super) fn written(&self) -> usize {
        self.initialized.saturating_sub(self.vec().len())
    }

    /// Polls `reader` once into the first `room` bytes that are free, or all if they are fewer, and appends what it has filled
    /// in. What it has initialized is known the next time, whether it was ready or not.
    #[inline]
    pub(super) fn poll_read<R: AsyncRead + ?Sized>(
        &mut self,
        reader: Pin<&mut R>,
        cx: &mut Context<'_>,
        room: usize,
    ) -> Poll<io::Result<usize>> {
        let written = self.written();
        let vec = self.vec.borrow_mut();
        let len = vec.len();
        let spare = vec.spare_capacity_mut();
        let room = room.min(spare.len());
        let mut buf = ReadBuf::uninit(&mut spare[..room]);
        // SAFETY: by G1 the first `written` bytes behind the `Vec`'s length have been.
        unsafe { buf.assume_init(written.min(room)) };
        let lent = Lent::of(&buf);
        let polled = reader.poll_read(cx, &mut buf);
        let filled = lent.filled(&buf);
        // G1: `Lent` has compared the memory with the free room, and by R1 so many bytes of it have been written.
        self.initialized = self.initialized.max(len + buf.initialized().len());
        ready!(polled)?;
        // SAFETY: as above, and the filled bytes are among those that have been written. The `Vec` was borrowed meanwhile,
        // so the room is still the one behind its length, and it is not longer than its capacity allows.
        unsafe { vec.set_len(len + filled) };
        Poll::Ready(Ok(filled))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::Waker;

    /// Asks for initialized bytes, tells how many were so before, and does as it is told.
    struct Clears {
        seen: Vec<(usize, usize)>,
        give: Poll<usize>,
    }

    impl AsyncRead for Clears {
        fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            self.seen.push((buf.initialized().len(), buf.capacity()));
            buf.initialize_unfilled().fill(7);
            self.give.map(|n| {
                buf.advance(n);
                Ok(())
            })
        }
    }

    fn clears(give: Poll<usize>) -> Clears {
        Clears { seen: Vec::new(), give }
    }

    fn poll<V: BorrowMut<Vec<u8>>, R: AsyncRead + Unpin>(
        to: &mut Growing<V>,
        from: &mut R,
        room: usize,
    ) -> Poll<usize> {
        to.poll_read(Pin::new(from), &mut Context::from_waker(Waker::noop()), room).map(|n| n.expect("no error"))
    }

    /// Fault: `initialized` is not kept. Then each read sees 0 bytes of 64.
    #[test]
    fn what_was_initialized_is_so_at_the_next_poll() {
        let mut vec = Vec::with_capacity(100);
        vec.extend_from_slice(b"ab");
        let mut to = Growing::borrowed(&mut vec);
        let mut reader = clears(Poll::Ready(16));
        assert!((0..3).all(|_| poll(&mut to, &mut reader, 64) == Poll::Ready(16)));
        assert_eq!((&*reader.seen, to.written()), (&[(0, 64), (48, 64), (48, 64)][..], 48));
        assert_eq!(vec, [&b"ab"[..], &[7; 48]].concat());
    }

    #[test]
    fn a_reader_that_has_to_wait_has_initialized_it_all_the_same() {
        let mut to = Growing::owned(Vec::with_capacity(64));
        let mut reader = clears(Poll::Pending);
        assert!(poll(&mut to, &mut reader, 32).is_pending());
        assert!(poll(&mut to, &mut reader, 48).is_pending());
        assert_eq!((&*reader.seen, to.written(), to.vec().len()), (&[(0, 32), (32, 48)][..], 48, 0));
    }

    #[test]
    fn a_vec_that_was_lent_is_not_known_any_more() {
        let mut to = Growing::owned(Vec::with_capacity(64));
        let mut reader = clears(Poll::Ready(1));
        assert_eq!(poll(&mut to, &mut reader, 64), Poll::Ready(1));
        assert_eq!(to.written(), 63);
        to.vec_mut().reserve(1000);
        assert_eq!(poll(&mut to, &mut reader, 64), Poll::Ready(1));
        assert_eq!(reader.seen, [(0, 64), (0, 64)]);
    }

    /// Says that 64 bytes were initialized, and means others.
    struct Swaps;

    impl AsyncRead for Swaps {
        fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            *buf = ReadBuf::new(Box::leak(Box::new([7; 64])));
            Poll::Pending
        }
    }

    /// Fault: the count is taken without asking whose it is. Then 64 bytes that nobody wrote are called written.
    #[test]
    #[should_panic(expected = "broke its contract")]
    fn a_reader_that_swaps_the_buffer_is_found_out_even_if_it_waits() {
        let _ = poll(&mut Growing::owned(Vec::with_capacity(64)), &mut Swaps, 64);
    }

    /// Gives back a part of what it was lent, and the rest later.
    #[test]
    fn a_part_of_the_same_memory_is_believed_for_what_it_is() {
        struct Shortens;
        impl AsyncRead for Shortens {
            fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
                buf.initialize_unfilled_to(8);
                let all = std::mem::replace(buf, ReadBuf::uninit(&mut []));
                // Never freed: a few bytes, in a test.
                *buf = Box::leak(Box::new(all)).take(4);
                buf.put_slice(b"x");
                Poll::Ready(Ok(()))
            }
        }
        let mut to = Growing::owned(Vec::with_capacity(64));
        assert_eq!(poll(&mut to, &mut Shortens, 64), Poll::Ready(1));
        assert_eq!((to.written(), &**to.vec()), (3, &b"x"[..]));
    }
}
