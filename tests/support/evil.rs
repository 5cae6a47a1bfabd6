//! Readers and writers for tests of `runtime::io`: choppy ones, which keep the contract in the most tiresome way, and
//! evil ones, which do not keep it. And an executor for one future that fails where another would hang.
//!
//! Everything random comes from [`Dice`] with a seed; [`seeds`] names the seed of the run that failed.

use crate::leak_bytes;
use runtime::io::{AsyncBufRead, AsyncRead, AsyncSeek, AsyncWrite, ReadBuf, SeekFrom};
use std::future::Future;
use std::io::{self, IoSlice};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

macro_rules! ready_ok {
    ($poll:expr) => {
        match $poll {
            Poll::Ready(Ok(value)) => value,
            Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            Poll::Pending => return Poll::Pending,
        }
    };
}

/// Random numbers from a seed (xorshift).
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// From a seed.
    pub fn new(seed: u64) -> Dice {
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        dice.below(2);
        dice
    }

    /// A number in `0..n`.
    pub fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % n
    }

    /// True once in `n` throws, never for 0.
    pub fn one_in(&mut self, n: usize) -> bool {
        n != 0 && self.below(n) == 0
    }

    /// `0..len` bytes out of `alphabet`.
    pub fn bytes(&mut self, len: usize, alphabet: &[u8]) -> Vec<u8> {
        (0..len).map(|_| alphabet[self.below(alphabet.len())]).collect()
    }
}

/// Runs `test` with this many seeds, and names the one that fails.
pub fn seeds(n: u64, test: impl Fn(Dice)) {
    for seed in 0..n {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| test(Dice::new(seed)))) {
            eprintln!("failed with seed {seed}");
            resume_unwind(panic);
        }
    }
}

/// Polls `future` to its end. Panics if it is `Pending` and has not been woken: on this one thread nobody would.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let woken = Arc::new(Woken(AtomicBool::new(true)));
    let waker = Waker::from(woken.clone());
    let mut future = pin!(future);
    for _ in 0..10_000_000 {
        assert!(woken.0.swap(false, Ordering::SeqCst), "the future is pending and nobody will wake it");
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
    }
    panic!("the future is woken for ever and does not end");
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Polls `future` at most `polls` times and then drops it.
pub fn give_up_after<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    for _ in 0..polls {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return Some(output);
        }
    }
    None
}

/// One poll.
pub fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// A file in memory that keeps the contract in the most tiresome way: `Pending` (and woken) at random, partial reads and
/// writes, interruptions, errors; moves of the position take several polls, and refuse to start over another operation.
#[derive(Clone, Debug)]
pub struct Choppy {
    /// What is in the file.
    pub bytes: Vec<u8>,
    /// The position.
    pub at: usize,
    /// Once in so many polls; 0 is never.
    pub pending: usize,
    /// Once in so many polls; 0 is never.
    pub interrupted: usize,
    /// Once in so many polls; 0 is never.
    pub errors: usize,
    /// The largest piece that is read or written at once.
    pub piece: usize,
    /// Does it take several slices at once?
    pub vectored: bool,
    /// How often it was flushed.
    pub flushes: usize,
    /// How often it was shut down.
    pub shutdowns: usize,
    dice: Dice,
    /// What `poll_fill_buf` has shown and nobody has consumed.
    window: usize,
    target: Option<SeekFrom>,
}

impl Choppy {
    /// A file with these bytes, at its start, with pieces of up to 5 bytes.
    pub fn new(bytes: Vec<u8>, dice: &mut Dice) -> Choppy {
        let dice = Dice::new(dice.below(1 << 30) as u64);
        Choppy {
            bytes,
            at: 0,
            pending: 3,
            interrupted: 0,
            errors: 0,
            piece: 5,
            vectored: false,
            flushes: 0,
            shutdowns: 0,
            dice,
            window: 0,
            target: None,
        }
    }

    /// Is interrupted once in so many polls.
    pub fn interrupted(mut self, one_in: usize) -> Choppy {
        self.interrupted = one_in;
        self
    }

    /// Fails once in so many polls.
    pub fn errors(mut self, one_in: usize) -> Choppy {
        self.errors = one_in;
        self
    }

    /// Reads and writes up to so many bytes at once.
    pub fn piece(mut self, bytes: usize) -> Choppy {
        self.piece = bytes;
        self
    }

    /// Takes several slices at once, or only the first.
    pub fn vectored(mut self, vectored: bool) -> Choppy {
        self.vectored = vectored;
        self
    }

    fn poll_mood(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // As with a file: operations come one after the other.
        ready_ok!(Pin::new(&mut *self).poll_complete(cx));
        if self.dice.one_in(self.pending) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if self.dice.one_in(self.interrupted) {
            return Poll::Ready(Err(io::ErrorKind::Interrupted.into()));
        }
        if self.dice.one_in(self.errors) {
            return Poll::Ready(Err(io::Error::other("planned")));
        }
        Poll::Ready(Ok(()))
    }

    fn some_of(&mut self, n: usize) -> usize {
        if n == 0 { 0 } else { 1 + self.dice.below(n.min(self.piece)) }
    }

    fn rest(&self) -> &[u8] {
        &self.bytes[self.at.min(self.bytes.len())..]
    }
}

impl AsyncRead for Choppy {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        ready_ok!(self.poll_mood(cx));
        let most = self.rest().len().min(buf.remaining());
        let n = self.some_of(most);
        buf.put_slice(&self.rest()[..n]);
        self.at += n;
        self.window = 0;
        Poll::Ready(Ok(()))
    }
}

impl AsyncBufRead for Choppy {
    fn poll_fill_buf(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        if self.window == 0 {
            ready_ok!(self.poll_mood(cx));
            let most = self.rest().len();
            self.window = self.some_of(most);
        }
        let this = self.into_ref().get_ref();
        Poll::Ready(Ok(&this.rest()[..this.window]))
    }

    fn consume(mut self: Pin<&mut Self>, amt: usize) {
        assert!(amt <= self.window, "consumed {amt} of {} bytes", self.window);
        self.window -= amt;
        self.at += amt;
    }
}

impl AsyncWrite for Choppy {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        ready_ok!(self.poll_mood(cx));
        let n = self.some_of(buf.len());
        let at = self.at;
        if self.bytes.len() < at + n {
            self.bytes.resize(at + n, 0);
        }
        self.bytes[at..at + n].copy_from_slice(&buf[..n]);
        self.at += n;
        Poll::Ready(Ok(n))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.vectored {
            self.poll_write(cx, &bufs.iter().flat_map(|buf| buf.iter().copied()).collect::<Vec<u8>>())
        } else {
            let first = bufs.iter().find(|buf| !buf.is_empty()).map_or(&[][..], |buf| &**buf);
            self.poll_write(cx, first)
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.vectored
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let pending = self.pending;
        if self.dice.one_in(pending) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.flushes += 1;
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready_ok!(self.as_mut().poll_flush(cx));
        self.shutdowns += 1;
        Poll::Ready(Ok(()))
    }
}

impl AsyncSeek for Choppy {
    fn start_seek(mut self: Pin<&mut Self>, position: SeekFrom) -> io::Result<()> {
        if self.target.is_some() {
            return Err(io::Error::other("another operation is under way"));
        }
        self.target = Some(position);
        Ok(())
    }

    fn poll_complete(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<u64>> {
        let Some(target) = self.target else {
            return Poll::Ready(Ok(self.at as u64));
        };
        let pending = self.pending;
        if self.dice.one_in(pending) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.target = None;
        self.window = 0;
        let (from, by) = match target {
            SeekFrom::Start(at) => (0, i64::try_from(at).expect("a position in memory")),
            SeekFrom::Current(by) => (self.at, by),
            SeekFrom::End(by) => (self.bytes.len(), by),
        };
        match from.checked_add_signed(by as isize) {
            Some(at) => {
                self.at = at;
                Poll::Ready(Ok(at as u64))
            }
            None => Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidInput, "before the start"))),
        }
    }
}

/// The only byte that an [`Evil`] reader ever writes: any other one in what was read has been made up.
pub const EVIL_BYTE: u8 = 0xe7;

/// Breaks every contract there is, at random: claims bytes that are not there, puts another `ReadBuf` in the place of
/// its own, takes bytes back, shows other bytes each time, answers nothing, errors, panics.
#[derive(Debug)]
pub struct Evil {
    dice: Dice,
    shown: Vec<u8>,
}

impl Evil {
    /// An evil stream with dice of its own.
    pub fn new(dice: &mut Dice) -> Evil {
        Evil { dice: Dice::new(dice.below(1 << 30) as u64), shown: vec![EVIL_BYTE; 64] }
    }

    fn poll_mood(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.dice.below(16) {
            0 | 1 => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            2 => Poll::Ready(Err(io::ErrorKind::Interrupted.into())),
            3 => Poll::Ready(Err(io::ErrorKind::WouldBlock.into())),
            4 => Poll::Ready(Err(io::Error::other("planned"))),
            5 => panic!("planned by the evil stream"),
            _ => Poll::Ready(Ok(())),
        }
    }
}

impl AsyncRead for Evil {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        // Half of the bad answers come after bytes have been put in, which the contract forbids.
        let bytes = self.dice.below(buf.remaining().min(40) + 1);
        buf.put_slice(&vec![EVIL_BYTE; bytes]);
        ready_ok!(self.poll_mood(cx));
        match self.dice.below(8) {
            0 => {
                // Larger than what was lent, with bytes that give it away.
                let mut other = ReadBuf::new(leak_bytes([0xdd; 256]));
                other.advance(256);
                *buf = other;
            }
            1 => *buf = ReadBuf::new(leak_bytes([0xdd; 1])),
            2 => *buf = ReadBuf::new(&mut []),
            3 => buf.clear(),
            4 => {
                buf.initialize_unfilled().fill(EVIL_BYTE);
                buf.advance(buf.remaining());
            }
            _ => {}
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncBufRead for Evil {
    fn poll_fill_buf(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        ready_ok!(self.poll_mood(cx));
        let this = self.get_mut();
        let n = this.dice.below(this.shown.len() + 1);
        Poll::Ready(Ok(&this.shown[..n]))
    }

    fn consume(self: Pin<&mut Self>, _: usize) {}
}

impl AsyncWrite for Evil {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        ready_ok!(self.poll_mood(cx));
        Poll::Ready(Ok(match self.dice.below(6) {
            0 => 0,
            1 => buf.len() + 1,
            2 => usize::MAX,
            _ => self.dice.below(buf.len() + 1),
        }))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_mood(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_mood(cx)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_write(cx, &bufs.iter().flat_map(|buf| buf.iter().copied()).collect::<Vec<u8>>())
    }
}

impl AsyncSeek for Evil {
    fn start_seek(mut self: Pin<&mut Self>, _: SeekFrom) -> io::Result<()> {
        if self.dice.one_in(3) { Err(io::Error::other("planned")) } else { Ok(()) }
    }

    fn poll_complete(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<u64>> {
        ready_ok!(self.poll_mood(cx));
        Poll::Ready(Ok(u64::MAX - self.dice.below(2) as u64))
    }
}
