//! Files to sockets without a copy in this process.

use super::{TcpStream, sys};
use crate::io::Interest;
use std::fs::File;
use std::io;

/// What one system call sends at most: enough that the call costs nothing, little enough that the thread is back soon
/// when the file has to come from a disk.
const PIECE: usize = 256 * 1024;

/// Sends up to `count` bytes of a file, from `offset` on, and says how many: fewer if the file ends before.
///
/// The bytes go from the system's cache to the socket and never through this process (`sendfile`, on Linux). `offset`
/// moves along with what has been sent; the file's own position does not matter and does not change.
///
/// What is not in the cache is read from the disk meanwhile, on the calling thread, 256 KiB at a time. As everywhere, the
/// tasks behind a thread that waits are run by others.
///
/// # Errors
/// The system's. `offset` says how far it came.
///
/// # Cancel safety
/// Cancelling it loses nothing: `offset` says how many bytes have been sent.
///
/// # Examples
/// ```no_run
/// # async fn example(mut stream: runtime::net::TcpStream) -> std::io::Result<()> {
/// let file = std::fs::File::open("index.html")?;
/// let mut offset = 0;
/// runtime::net::sendfile(&stream, &file, &mut offset, u64::MAX).await?;
/// # Ok(())
/// # }
/// ```
pub async fn sendfile<S>(stream: &S, file: &File, offset: &mut u64, count: u64) -> io::Result<u64>
where
    S: AsRef<TcpStream> + ?Sized,
{
    let stream = stream.as_ref();
    let mut left = count;
    while left > 0 {
        let piece = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
        let sent = stream.async_io(Interest::WRITABLE, || sys::sendfile(stream, file, offset, piece)).await?;
        if sent == 0 {
            break;
        }
        left -= sent as u64;
    }
    Ok(count - left)
}
