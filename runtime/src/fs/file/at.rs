//! Reading and writing anywhere, many at once.

use super::File;
use super::hop;
use crate::engine::Caller;
use crate::fs::sys::{Cached, read_cached_at};
use bytes::Bytes;
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;

/// How much room is made at a time, if more is asked for: a file may be much shorter than what is asked of it.
const STEP: usize = 256 * 1024;

/// Positional operations: not of tokio.
///
/// They share the file and nothing else: not the position, which stays where it is, nor the order. Any number of them may be
/// under way at once, each on a thread of its own. What is under way at the position when one begins, an accepted write for
/// instance, comes first.
impl File {
    /// Reads `len` bytes from `offset` on; fewer only if the file ends before, none at or beyond its end.
    ///
    /// What is in the system's cache is read right away, as by `read`.
    ///
    /// # Cancel safety
    /// Dropping it changes nothing.
    ///
    /// # Examples
    /// ```no_run
    /// # async fn example() -> std::io::Result<()> {
    /// let file = runtime::fs::File::open("table.db").await?;
    /// let (head, page) = runtime::try_join!(file.read_at(100, 0), file.read_at(4096, 7 * 4096))?;
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn read_at(&self, len: usize, offset: u64) -> impl Future<Output = io::Result<Vec<u8>>> {
        self.read_at_for(Caller::of("fs::File::read_at"), len, offset)
    }

    /// Reads `len` bytes from `offset` on.
    ///
    /// # Errors
    /// `UnexpectedEof`, if the file ends before.
    ///
    /// # Cancel safety
    /// Dropping it changes nothing.
    #[track_caller]
    pub fn read_exact_at(&self, len: usize, offset: u64) -> impl Future<Output = io::Result<Vec<u8>>> {
        let caller = Caller::of("fs::File::read_exact_at");
        async move {
            let bytes = self.read_at_for(caller, len, offset).await?;
            if bytes.len() < len {
                let what = format!("{len} bytes were asked for at offset {offset}, and {} are there", bytes.len());
                return Err(io::Error::new(ErrorKind::UnexpectedEof, what));
            }
            Ok(bytes)
        }
    }

    async fn read_at_for(&self, caller: Caller, len: usize, offset: u64) -> io::Result<Vec<u8>> {
        let guest = self.guest_after_writes(caller).await;
        let mut bytes = Vec::new();
        if self.is_cached && len <= STEP {
            bytes = vec![0; len];
            match read_cached_at(guest.file(), &mut bytes, offset) {
                Cached::Read(n) if n == len || n == 0 => {
                    bytes.truncate(n);
                    return Ok(bytes);
                }
                Cached::Read(n) => bytes.truncate(n),
                Cached::Missed | Cached::Refused => bytes.clear(),
            }
        }
        hop(caller, move || read_to(guest.file(), bytes, len, offset)).await
    }

    /// Writes bytes from `offset` on, and says how many: all, unless there is no room for more.
    ///
    /// A file in append mode gets them at its end, on Linux.
    ///
    /// # Cancel safety
    /// Once its turn has come, it happens, also if the future is dropped.
    #[track_caller]
    pub fn write_at(&self, data: impl Into<Bytes>, offset: u64) -> impl Future<Output = io::Result<usize>> {
        let (caller, data) = (Caller::of("fs::File::write_at"), data.into());
        async move {
            let guest = self.guest_when_idle(caller, false).await?;
            hop(caller, move || uninterrupted(|| guest.file().write_at(&data, offset))).await
        }
    }

    /// Writes all bytes from `offset` on.
    ///
    /// # Errors
    /// The system's; a part may have been written.
    ///
    /// # Cancel safety
    /// Once its turn has come, it happens, also if the future is dropped.
    ///
    /// # Examples
    /// ```no_run
    /// # async fn example() -> std::io::Result<()> {
    /// let file = runtime::fs::File::options().write(true).open("table.db").await?;
    /// runtime::try_join!(file.write_all_at(&b"head"[..], 0), file.write_all_at(vec![0; 4096], 7 * 4096))?;
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn write_all_at(&self, data: impl Into<Bytes>, offset: u64) -> impl Future<Output = io::Result<()>> {
        let (caller, data) = (Caller::of("fs::File::write_all_at"), data.into());
        async move {
            let guest = self.guest_when_idle(caller, false).await?;
            hop(caller, move || guest.file().write_all_at(&data, offset)).await
        }
    }
}

/// Reads until there are `len` bytes, or no more.
fn read_to(file: &std::fs::File, mut bytes: Vec<u8>, len: usize, offset: u64) -> io::Result<Vec<u8>> {
    let mut filled = bytes.len();
    while filled < len {
        if filled == bytes.len() {
            bytes.resize(len.min(filled + filled.max(STEP)), 0);
        }
        match uninterrupted(|| file.read_at(&mut bytes[filled..], offset + filled as u64))? {
            0 => break,
            n => filled += n,
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

fn uninterrupted<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}
