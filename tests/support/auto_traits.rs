//! Which auto traits a generic type has, for contents of each kind: asked without a bound, so that "no" is an answer.
//!
//! [`auto_traits!`](crate::auto_traits!) checks a table of them. The type, or what gives a future, is written with `T` for
//! its contents, and four words follow: what may be done with it if `T` is a `u8`, a `Cell` (Send, not Sync),
//! [`SyncOnly`], an `Rc` (neither). `both` is Send and Sync, `none` is neither. A type has a fifth word: is it Unpin if
//! `T` is not?

use runtime::io::{AsyncBufRead, AsyncRead, AsyncSeek, AsyncWrite, ReadBuf, Result, SeekFrom};
use std::cmp::Ordering;
use std::marker::{PhantomData, PhantomPinned};
use std::os::fd::{AsRawFd, RawFd};
use std::pin::Pin;
use std::sync::MutexGuard;
use std::task::{Context, Poll};

/// Sync, not Send.
#[derive(Clone, Debug)]
pub struct SyncOnly(PhantomData<MutexGuard<'static, u8>>);

/// Not Unpin.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub struct Pinned(PhantomPinned);

impl PartialEq for SyncOnly {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for SyncOnly {}

impl PartialOrd for SyncOnly {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for SyncOnly {
    fn cmp(&self, _: &Self) -> Ordering {
        Ordering::Equal
    }
}

/// Reads, writes and has a descriptor, as far as types go: nobody makes one.
pub struct Stream<T>(PhantomData<T>);

impl<T> AsyncRead for Stream<T> {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        Poll::Pending
    }
}

impl<T> AsyncBufRead for Stream<T> {
    fn poll_fill_buf(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<&[u8]>> {
        Poll::Pending
    }

    fn consume(self: Pin<&mut Self>, _: usize) {}
}

impl<T> AsyncSeek for Stream<T> {
    fn start_seek(self: Pin<&mut Self>, _: SeekFrom) -> Result<()> {
        Ok(())
    }

    fn poll_complete(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<u64>> {
        Poll::Pending
    }
}

impl<T> AsyncWrite for Stream<T> {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<Result<usize>> {
        Poll::Pending
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Pending
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Pending
    }
}

impl<T> AsRawFd for Stream<T> {
    fn as_raw_fd(&self) -> RawFd {
        -1
    }
}

/// What may be asked about.
pub struct Asked<T>(PhantomData<T>);

/// About the type.
pub fn asked<T>() -> Asked<T> {
    Asked(PhantomData)
}

/// About what a closure would give, which is not called.
pub fn asked_of<A, R>(_: impl FnOnce(A) -> R) -> Asked<R> {
    Asked(PhantomData)
}

// A method of the type itself comes before one of a trait, if its bounds hold.
impl<T: Send> Asked<T> {
    /// Yes.
    pub fn is_send(&self) -> bool {
        true
    }
}

impl<T: Sync> Asked<T> {
    /// Yes.
    pub fn is_sync(&self) -> bool {
        true
    }
}

impl<T: Unpin> Asked<T> {
    /// Yes.
    pub fn is_unpin(&self) -> bool {
        true
    }
}

/// The answers where the bounds do not hold.
pub trait Otherwise {
    /// No.
    fn is_send(&self) -> bool {
        false
    }

    /// No.
    fn is_sync(&self) -> bool {
        false
    }

    /// No.
    fn is_unpin(&self) -> bool {
        false
    }
}

impl<T> Otherwise for Asked<T> {}

/// The word of a table for one kind of contents.
pub fn word(is_send: bool, is_sync: bool) -> &'static str {
    match (is_send, is_sync) {
        (true, true) => "both",
        (true, false) => "send",
        (false, true) => "sync",
        (false, false) => "none",
    }
}

/// Checks rows; see the module. A row with `, tokio: …` says what tokio answers, which is then expected of it.
#[macro_export]
macro_rules! auto_traits {
    ($(types { $($type:ty => $($word:ident)+ $(, tokio: $($tokio:ident)+)?;)+ })?
     $(results {
        $(|$arg:tt: $arg_type:ty| $body:expr => $($word_of:ident)+ $(, tokio: $($tokio_of:ident)+)?;)+
     })?) => {{
        #[allow(unused_imports)]
        use $crate::auto_traits::{Otherwise, asked, asked_of};
        let mut wrong = Vec::new();
        $($({
            let mut answers = $crate::auto_traits!(@kinds asked::<$type>());
            answers.push({
                type T = $crate::auto_traits::Pinned;
                if asked::<$type>().is_unpin() { "unpin" } else { "pinned" }
            });
            $crate::auto_traits!(@compare wrong answers (stringify!($type)) ($($word)+) ($($($tokio)+)?));
        })+)?
        $($({
            let answers = $crate::auto_traits!(@kinds asked_of(|$arg: $arg_type| $body));
            $crate::auto_traits!(@compare wrong answers (stringify!($body)) ($($word_of)+) ($($($tokio_of)+)?));
        })+)?
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }};
    (@kinds $question:expr) => {
        vec![
            $crate::auto_traits!(@kind u8, $question),
            $crate::auto_traits!(@kind std::cell::Cell<u8>, $question),
            $crate::auto_traits!(@kind $crate::auto_traits::SyncOnly, $question),
            $crate::auto_traits!(@kind std::rc::Rc<u8>, $question),
        ]
    };
    (@kind $contents:ty, $question:expr) => {{
        type T = $contents;
        let asked = $question;
        $crate::auto_traits::word(asked.is_send(), asked.is_sync())
    }};
    (@kind $contents:ty, $question:expr) => {{
        type T = $contents;
        let asked = $question;
        $crate::auto_traits::word(asked.is_send(), asked.is_sync())
    }};
    (@kind $contents:ty, $question:expr) => {{
        type T = $contents;
        let asked = $question;
        $crate::auto_traits::word(asked.is_send(), asked.is_sync())
    }};
    (@compare $wrong:ident $answers:ident ($name:expr) ($($word:ident)+) ($($tokio:ident)*)) => {
        let (ours, tokio): (&[&str], &[&str]) = (&[$(stringify!($word)),+], &[$(stringify!($tokio)),*]);
        let expected = if cfg!(feature = "oracle") && !tokio.is_empty() { tokio } else { ours };
        if $answers != expected {
            $wrong.push(format!("{}: is {}, not {}", $name, $answers.join(" "), expected.join(" ")));
        }
    };
}
