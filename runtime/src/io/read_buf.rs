//! The buffer that a reader fills, and the only place of `io` that touches uninitialized memory.
//!
//! Owns: [`ReadBuf`] and the three ways in which this module lends one out: over a slice, over the spare room of a
//! `BufMut`, over a prefix of another `ReadBuf`.
//! Not here: what is done with the bytes (`ops`, `adapt`).
//!
//! ```text
//! 0          filled        initialized        capacity
//! |  data    |  old bytes  |   never written  |
//! ```
//!
//! Invariant R1: `filled <= initialized <= capacity`, and the first `initialized` bytes have been written.
//!
//! The danger: a reader gets `&mut ReadBuf`, and safe code may put another `ReadBuf` in its place or take filled bytes
//! back. Whoever then believes `filled()` to speak of its own memory calls bytes initialized that nobody wrote. So each
//! lender keeps the address of the memory it lent and compares it ([`Lent`]); a reader that cheats gets a panic with
//! its crime in it.
//!
//! Rejected: reading only into initialized buffers. It needs no unsafe, but a `read_to_end` or a `read_buf` would then
//! clear each buffer before the kernel overwrites it.

use super::AsyncRead;
use bytes::BufMut;
use bytes::buf::UninitSlice;
use std::fmt;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// A byte buffer that knows how much of it has been filled with data and how much has ever been written.
///
/// [`AsyncRead::poll_read`] takes one of these and appends what it has read. The bytes beyond the filled ones may be
/// uninitialized, which saves clearing a buffer that is about to be overwritten anyway.
///
/// ```
/// use runtime::io::ReadBuf;
///
/// let mut memory = [0; 8];
/// let mut buf = ReadBuf::new(&mut memory);
/// buf.put_slice(b"abc");
/// assert_eq!(buf.filled(), b"abc");
/// assert_eq!(buf.remaining(), 5);
/// ```
pub struct ReadBuf<'a> {
    memory: &'a mut [MaybeUninit<u8>],
    filled: usize,
    initialized: usize,
}

impl<'a> ReadBuf<'a> {
    /// An empty `ReadBuf` over initialized memory.
    #[inline]
    pub fn new(buf: &'a mut [u8]) -> ReadBuf<'a> {
        let initialized = buf.len();
        let memory: *mut [u8] = buf;
        // SAFETY: `MaybeUninit<u8>` has the layout of `u8`, and the exclusive borrow of `buf` moves into `memory` for
        // all of `'a`. Nothing can read uninitialized bytes through `buf` later: R1 with `initialized` at the full
        // length makes every byte that is written through this type a real one, and the methods that hand out the raw
        // memory are unsafe and forbid to de-initialize.
        let memory = unsafe { &mut *(memory as *mut [MaybeUninit<u8>]) };
        ReadBuf { memory, filled: 0, initialized }
    }

    /// An empty `ReadBuf` over memory that may not have been written yet.
    ///
    /// All of it counts as unwritten. If a part of it is known to be initialized, say so with
    /// [`assume_init`](ReadBuf::assume_init).
    #[inline]
    pub fn uninit(buf: &'a mut [MaybeUninit<u8>]) -> ReadBuf<'a> {
        ReadBuf { memory: buf, filled: 0, initialized: 0 }
    }

    /// How many bytes fit in, the filled ones included.
    #[inline]
    pub fn capacity(&self) -> usize {
        self.memory.len()
    }

    /// The bytes that have been filled in.
    #[inline]
    pub fn filled(&self) -> &[u8] {
        written(&self.memory[..self.filled])
    }

    /// The bytes that have been filled in, to change them.
    #[inline]
    pub fn filled_mut(&mut self) -> &mut [u8] {
        written_mut(&mut self.memory[..self.filled])
    }

    /// A `ReadBuf` over the first `n` unfilled bytes, or over all of them if there are fewer.
    ///
    /// What is read into it does not count as filled here: tell with [`assume_init`](ReadBuf::assume_init) and
    /// [`advance`](ReadBuf::advance).
    #[inline]
    pub fn take(&mut self, n: usize) -> ReadBuf<'_> {
        let len = n.min(self.remaining());
        let initialized = (self.initialized - self.filled).min(len);
        ReadBuf { memory: &mut self.memory[self.filled..][..len], filled: 0, initialized }
    }

    /// The bytes that have ever been written, the filled ones first.
    #[inline]
    pub fn initialized(&self) -> &[u8] {
        written(&self.memory[..self.initialized])
    }

    /// The bytes that have ever been written, to change them.
    #[inline]
    pub fn initialized_mut(&mut self) -> &mut [u8] {
        written_mut(&mut self.memory[..self.initialized])
    }

    /// All of the memory, whatever is known of it.
    ///
    /// After writing to it, call [`assume_init`](ReadBuf::assume_init) and [`advance`](ReadBuf::advance).
    ///
    /// # Safety
    /// No byte may be made uninitialized, also not one that this `ReadBuf` believes to be so.
    #[inline]
    pub unsafe fn inner_mut(&mut self) -> &mut [MaybeUninit<u8>] {
        self.memory
    }

    /// The memory behind the filled bytes, whatever is known of it.
    ///
    /// After writing to it, call [`assume_init`](ReadBuf::assume_init) and [`advance`](ReadBuf::advance).
    ///
    /// # Safety
    /// No byte may be made uninitialized, also not one that this `ReadBuf` believes to be so.
    #[inline]
    pub unsafe fn unfilled_mut(&mut self) -> &mut [MaybeUninit<u8>] {
        &mut self.memory[self.filled..]
    }

    /// The memory behind the filled bytes, with zeros wherever nothing has been written yet.
    #[inline]
    pub fn initialize_unfilled(&mut self) -> &mut [u8] {
        self.initialize_unfilled_to(self.remaining())
    }

    /// The first `n` bytes behind the filled ones, with zeros wherever nothing has been written yet.
    ///
    /// # Panics
    /// If there are fewer than `n` of them.
    #[inline]
    #[track_caller]
    pub fn initialize_unfilled_to(&mut self, n: usize) -> &mut [u8] {
        assert!(
            n <= self.remaining(),
            "`ReadBuf::initialize_unfilled_to({n})` on a buffer with room for {} bytes",
            self.remaining()
        );
        let end = self.filled + n;
        if self.initialized < end {
            self.memory[self.initialized..end].fill(MaybeUninit::new(0));
            self.initialized = end;
        }
        written_mut(&mut self.memory[self.filled..end])
    }

    /// How many bytes can still be filled in.
    #[inline]
    pub fn remaining(&self) -> usize {
        self.capacity() - self.filled
    }

    /// Forgets the filled bytes. They stay initialized.
    #[inline]
    pub fn clear(&mut self) {
        self.filled = 0;
    }

    /// Counts `n` more bytes as filled.
    ///
    /// # Panics
    /// If they have not been initialized.
    #[inline]
    #[track_caller]
    pub fn advance(&mut self, n: usize) {
        self.set_filled(self.filled.saturating_add(n));
    }

    /// Counts the first `n` bytes as filled, which may also be fewer than before.
    ///
    /// # Panics
    /// If they have not been initialized.
    #[inline]
    #[track_caller]
    pub fn set_filled(&mut self, n: usize) {
        assert!(
            n <= self.initialized,
            "a `ReadBuf` cannot have {n} filled bytes: only {} are initialized. Write to the buffer first, and tell \
             it with `assume_init` if it was done through `unfilled_mut`",
            self.initialized
        );
        self.filled = n;
    }

    /// Counts the first `n` bytes behind the filled ones as initialized.
    ///
    /// # Safety
    /// They must be.
    #[inline]
    #[track_caller]
    pub unsafe fn assume_init(&mut self, n: usize) {
        let end = self.filled.saturating_add(n);
        assert!(end <= self.capacity(), "`ReadBuf::assume_init({n})`: there is only room for {}", self.remaining());
        self.initialized = self.initialized.max(end);
    }

    /// Appends `buf`.
    ///
    /// # Panics
    /// If there is no room for all of it.
    #[inline]
    #[track_caller]
    pub fn put_slice(&mut self, buf: &[u8]) {
        assert!(
            buf.len() <= self.remaining(),
            "`ReadBuf::put_slice` of {} bytes into a buffer with room for {}",
            buf.len(),
            self.remaining()
        );
        let end = self.filled + buf.len();
        let source: *const [u8] = buf;
        // SAFETY: `MaybeUninit<u8>` has the layout of `u8`, any byte is a valid one, and the shared borrow of `buf`
        // outlives this function.
        let source = unsafe { &*(source as *const [MaybeUninit<u8>]) };
        self.memory[self.filled..end].copy_from_slice(source);
        self.filled = end;
        self.initialized = self.initialized.max(end);
    }

    /// Lends the first `limit` unfilled bytes to `read` and counts what it has filled in as filled here.
    pub(super) fn poll_limited(
        &mut self,
        limit: usize,
        read: impl FnOnce(&mut ReadBuf<'_>) -> Poll<io::Result<()>>,
    ) -> Poll<io::Result<usize>> {
        let mut part = self.take(limit);
        let lent = Lent::of(&part);
        ready!(read(&mut part))?;
        let n = lent.filled(&part);
        // SAFETY: `Lent` has compared the memory of `part` with what was lent, the unfilled bytes from the first one
        // on, and by R1 `n` of them are initialized.
        unsafe { self.assume_init(n) };
        self.advance(n);
        Poll::Ready(Ok(n))
    }

    /// Lends all of the unfilled memory to `read`, which gives back the front part that it has written, and counts that
    /// as filled.
    #[inline]
    pub(crate) fn fill_with(
        &mut self,
        read: impl for<'m> FnOnce(&'m mut [MaybeUninit<u8>]) -> io::Result<&'m mut [u8]>,
    ) -> io::Result<usize> {
        let room = self.remaining();
        let memory = &mut self.memory[self.filled..];
        let lent: *const u8 = memory.as_ptr().cast();
        let written = read(memory)?;
        let n = written.len();
        assert!(n == 0 || n <= room && std::ptr::eq(lent, written.as_ptr()), "BUG: these are bytes of another buffer");
        // SAFETY: the assertion has compared the bytes with what was lent: they are its first `n`, and a `&mut [u8]`
        // of them exists, so they are initialized.
        unsafe { self.assume_init(n) };
        self.advance(n);
        Ok(n)
    }
}

// SAFETY: `chunk_mut` is all of the unfilled memory, and `advance_mut` moves past its first bytes; `remaining_mut` is
// its length.
unsafe impl BufMut for ReadBuf<'_> {
    #[inline]
    fn remaining_mut(&self) -> usize {
        self.remaining()
    }

    #[inline]
    unsafe fn advance_mut(&mut self, cnt: usize) {
        // SAFETY: the caller of `advance_mut` vouches for `cnt` initialized bytes, and `chunk_mut` starts with the
        // first unfilled one.
        unsafe { self.assume_init(cnt) };
        self.advance(cnt);
    }

    #[inline]
    fn chunk_mut(&mut self) -> &mut UninitSlice {
        UninitSlice::uninit(&mut self.memory[self.filled..])
    }
}

impl fmt::Debug for ReadBuf<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadBuf")
            .field("filled", &self.filled)
            .field("initialized", &self.initialized)
            .field("capacity", &self.capacity())
            .finish()
    }
}

/// Callers pass bytes below `initialized` only (R1).
#[inline]
fn written(bytes: &[MaybeUninit<u8>]) -> &[u8] {
    // SAFETY: R1, by the contract of this private function: all of `bytes` has been written. Same layout, same borrow.
    unsafe { &*(bytes as *const [MaybeUninit<u8>] as *const [u8]) }
}

/// Callers pass bytes below `initialized` only (R1).
#[inline]
fn written_mut(bytes: &mut [MaybeUninit<u8>]) -> &mut [u8] {
    // SAFETY: R1, by the contract of this private function: all of `bytes` has been written, and safe code cannot make
    // a `u8` uninitialized again. Same layout, same exclusive borrow.
    unsafe { &mut *(bytes as *mut [MaybeUninit<u8>] as *mut [u8]) }
}

/// The memory that a reader was lent, to find out whether it gave the same back.
pub(super) struct Lent {
    start: *const MaybeUninit<u8>,
    len: usize,
}

impl Lent {
    #[inline]
    pub(super) fn of(buf: &ReadBuf<'_>) -> Lent {
        Lent { start: buf.memory.as_ptr(), len: buf.memory.len() }
    }

    /// How many bytes the reader has filled in, in the memory it was lent.
    ///
    /// No `ReadBuf` of the same lifetime and address can lie about its bytes: it stems from this one, so R1 holds for
    /// the same memory; and with another address it is found out. Where the lent memory is empty, another one may begin
    /// where it ends: that one is longer.
    #[inline]
    #[track_caller]
    pub(super) fn filled(self, buf: &ReadBuf<'_>) -> usize {
        assert!(
            std::ptr::eq(self.start, buf.memory.as_ptr()) && buf.memory.len() <= self.len,
            "an `AsyncRead::poll_read` broke its contract: it put another `ReadBuf` in the place of the one it was given"
        );
        buf.filled
    }
}

/// Polls `reader` once into `memory`: the bytes it has filled in, never more than there are.
#[inline]
pub(super) fn poll_read_slice<R: AsyncRead + ?Sized>(
    reader: Pin<&mut R>,
    cx: &mut Context<'_>,
    memory: &mut [u8],
) -> Poll<io::Result<usize>> {
    let mut buf = ReadBuf::new(memory);
    let lent = Lent::of(&buf);
    ready!(reader.poll_read(cx, &mut buf))?;
    Poll::Ready(Ok(lent.filled(&buf)))
}

/// Polls `reader` once into the free room of `into`, and counts what it has filled in as part of `into`.
#[inline]
pub(super) fn poll_read_spare<R: AsyncRead + ?Sized, B: BufMut + ?Sized>(
    reader: Pin<&mut R>,
    cx: &mut Context<'_>,
    into: &mut B,
) -> Poll<io::Result<usize>> {
    let filled = fill_spare(into, |buf| match reader.poll_read(cx, buf) {
        Poll::Ready(Ok(())) => Ok(()),
        Poll::Ready(Err(error)) => Err(Some(error)),
        Poll::Pending => Err(None),
    });
    match filled {
        Ok((n, ())) => Poll::Ready(Ok(n)),
        Err(Some(error)) => Poll::Ready(Err(error)),
        Err(None) => Poll::Pending,
    }
}

/// Lends the free room of `into` to `fill`. If that succeeds, counts what it has filled in as part of `into`, and tells
/// how much it was.
#[inline]
pub(crate) fn fill_spare<T, E, B: BufMut + ?Sized>(
    into: &mut B,
    fill: impl FnOnce(&mut ReadBuf<'_>) -> Result<T, E>,
) -> Result<(usize, T), E> {
    let spare = into.chunk_mut();
    // SAFETY: a `ReadBuf` never makes a byte uninitialized: its safe methods write, its unsafe ones forbid it.
    let mut buf = ReadBuf::uninit(unsafe { spare.as_uninit_slice_mut() });
    let lent = Lent::of(&buf);
    let done = fill(&mut buf)?;
    let n = lent.filled(&buf);
    // SAFETY: `Lent` has compared the memory with what `chunk_mut` lent, so by R1 the first `n` bytes of that chunk
    // are initialized, and `n` is not above its length. `into` was borrowed in between, so its chunk is the same.
    unsafe { into.advance_mut(n) };
    Ok((n, done))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::Waker;

    #[test]
    #[should_panic(expected = "broke its contract")]
    fn d7_a_longer_buffer_at_the_same_address_is_found_out() {
        struct Swaps(Option<&'static mut [u8]>);
        impl AsyncRead for Swaps {
            fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
                *buf = ReadBuf::new(self.0.take().expect("polled once"));
                buf.advance(8);
                Poll::Ready(Ok(()))
            }
        }
        let (empty, rest) = Box::leak(Box::new([1; 8])).split_at_mut(0);
        let _ = poll_read_slice(Pin::new(&mut Swaps(Some(rest))), &mut Context::from_waker(Waker::noop()), empty);
    }

    #[test]
    fn the_three_regions_grow_and_shrink() {
        let mut memory = [MaybeUninit::uninit(); 8];
        let mut buf = ReadBuf::uninit(&mut memory);
        assert_eq!((buf.capacity(), buf.remaining(), buf.filled().len(), buf.initialized().len()), (8, 8, 0, 0));
        buf.put_slice(b"abc");
        assert_eq!((buf.filled(), buf.initialized(), buf.remaining()), (&b"abc"[..], &b"abc"[..], 5));
        assert_eq!(buf.initialize_unfilled_to(2), [0, 0]);
        assert_eq!(buf.initialized(), b"abc\0\0");
        buf.initialize_unfilled()[4] = b'z';
        buf.advance(5);
        assert_eq!(buf.filled(), b"abc\0\0\0\0z");
        buf.filled_mut()[0] = b'A';
        buf.set_filled(2);
        assert_eq!((buf.filled(), buf.initialized().len()), (&b"Ab"[..], 8));
        buf.clear();
        assert_eq!((buf.filled().len(), buf.initialized_mut().len()), (0, 8));
        assert_eq!(format!("{buf:?}"), "ReadBuf { filled: 0, initialized: 8, capacity: 8 }");
    }

    #[test]
    fn take_knows_what_is_initialized_and_is_counted_by_the_caller() {
        let mut memory = [MaybeUninit::uninit(); 6];
        let mut buf = ReadBuf::uninit(&mut memory);
        buf.put_slice(b"x");
        buf.initialize_unfilled_to(2);
        assert_eq!(buf.take(9).capacity(), 5);
        assert_eq!(buf.take(3).initialized().len(), 2);
        let n = buf.poll_limited(3, |part| {
            part.put_slice(b"abc");
            Poll::Ready(Ok(()))
        });
        assert!(matches!(n, Poll::Ready(Ok(3))));
        assert_eq!(buf.filled(), b"xabc");
    }

    #[test]
    fn it_is_a_buf_mut() {
        let mut memory = [MaybeUninit::uninit(); 4];
        let mut buf = ReadBuf::uninit(&mut memory);
        buf.put_u16(0x0102);
        buf.put_bytes(9, 1);
        assert_eq!((buf.filled(), buf.remaining_mut()), (&[1, 2, 9][..], 1));
    }

    #[test]
    fn counting_what_was_never_written_panics() {
        let panics = |f: fn(&mut ReadBuf<'_>)| {
            let caught = std::panic::catch_unwind(|| {
                let mut memory = [MaybeUninit::uninit(); 4];
                let mut buf = ReadBuf::uninit(&mut memory);
                buf.put_slice(b"ab");
                f(&mut buf);
            });
            *caught.expect_err("it went through").downcast::<String>().expect("a formatted message")
        };
        assert!(panics(|buf| buf.advance(1)).contains("only 2 are initialized"));
        assert!(panics(|buf| buf.advance(usize::MAX - 1)).contains("only 2 are initialized"));
        assert!(panics(|buf| buf.set_filled(3)).contains("only 2 are initialized"));
        assert!(panics(|buf| buf.put_slice(b"xyz")).contains("3 bytes into a buffer with room for 2"));
        assert!(panics(|buf| buf.initialize_unfilled_to(3).fill(1)).contains("with room for 2"));
    }

    /// Puts another buffer, larger and already full, in the place of the one it was lent.
    struct Swapper;

    impl AsyncRead for Swapper {
        fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            let mut other = ReadBuf::new(Box::leak(Box::new([7; 64])));
            other.advance(64);
            *buf = other;
            Poll::Ready(Ok(()))
        }
    }

    #[test]
    fn a_swapped_buffer_is_found_out_by_each_lender() {
        let cx = || Context::from_waker(Waker::noop());
        let caught = |f: fn(&mut Context<'_>)| std::panic::catch_unwind(|| f(&mut cx())).is_err();
        assert!(caught(|cx| drop(poll_read_slice(Pin::new(&mut Swapper), cx, &mut [0; 4]))));
        assert!(caught(|cx| drop(poll_read_spare(Pin::new(&mut Swapper), cx, &mut Vec::with_capacity(4)))));
        assert!(caught(|cx| {
            let mut memory = [0; 4];
            let _ = ReadBuf::new(&mut memory).poll_limited(2, |part| Pin::new(&mut Swapper).poll_read(cx, part));
        }));
    }
}
