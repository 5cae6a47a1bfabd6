//! What a runtime must offer to be measured with files, and the peers that do. Ours and tokio run the same lines; smol has
//! what async-fs makes of the `blocking` crate, which is a few lines.

use futures_lite::{AsyncReadExt as _, AsyncWriteExt as _};
use runtime_benches::{Ours, Peer, Smol, Tokio};
use std::future::Future;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::sync::Arc;

/// Of every method: what its runtime's users write for it.
pub(crate) trait Files: Peer {
    type File: Send + 'static;
    type Buffered: Send + 'static;
    /// For reads at many places at once.
    type Shared: Clone + Send + Sync + 'static;

    fn open(path: PathBuf) -> impl Future<Output = io::Result<Self::File>> + Send;
    fn create(path: PathBuf) -> impl Future<Output = io::Result<Self::File>> + Send;
    fn read(file: &mut Self::File, room: &mut [u8]) -> impl Future<Output = io::Result<usize>> + Send;
    fn write(file: &mut Self::File, bytes: &[u8]) -> impl Future<Output = io::Result<()>> + Send;
    fn flush(file: &mut Self::File) -> impl Future<Output = io::Result<()>> + Send;
    fn buffered(file: Self::File) -> Self::Buffered;
    fn write_buffered(file: &mut Self::Buffered, bytes: &[u8]) -> impl Future<Output = io::Result<()>> + Send;
    fn flush_buffered(file: &mut Self::Buffered) -> impl Future<Output = io::Result<()>> + Send;
    fn read_to_string(path: PathBuf) -> impl Future<Output = io::Result<String>> + Send;
    fn len(path: PathBuf) -> impl Future<Output = io::Result<u64>> + Send;
    fn shared(file: std::fs::File) -> Self::Shared;
    fn read_at(file: Self::Shared, len: usize, offset: u64) -> impl Future<Output = io::Result<Vec<u8>>> + Send;
}

/// Without positional operations of one's own.
fn std_read_at(file: &std::fs::File, len: usize, offset: u64) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; len];
    file.read_exact_at(&mut bytes, offset)?;
    Ok(bytes)
}

macro_rules! tokio_shaped_files {
    ($peer:ident, $krate:ident, $shared:ty, |$std:ident| $share:expr, |$file:ident, $len:ident, $offset:ident| $read_at:expr) => {
        impl Files for $peer {
            type File = ::$krate::fs::File;
            type Buffered = ::$krate::io::BufWriter<::$krate::fs::File>;
            type Shared = $shared;

            async fn open(path: PathBuf) -> io::Result<Self::File> {
                ::$krate::fs::File::open(path).await
            }

            async fn create(path: PathBuf) -> io::Result<Self::File> {
                ::$krate::fs::File::create(path).await
            }

            async fn read(file: &mut Self::File, room: &mut [u8]) -> io::Result<usize> {
                ::$krate::io::AsyncReadExt::read(file, room).await
            }

            async fn write(file: &mut Self::File, bytes: &[u8]) -> io::Result<()> {
                ::$krate::io::AsyncWriteExt::write_all(file, bytes).await
            }

            async fn flush(file: &mut Self::File) -> io::Result<()> {
                ::$krate::io::AsyncWriteExt::flush(file).await
            }

            fn buffered(file: Self::File) -> Self::Buffered {
                ::$krate::io::BufWriter::new(file)
            }

            async fn write_buffered(file: &mut Self::Buffered, bytes: &[u8]) -> io::Result<()> {
                ::$krate::io::AsyncWriteExt::write_all(file, bytes).await
            }

            async fn flush_buffered(file: &mut Self::Buffered) -> io::Result<()> {
                ::$krate::io::AsyncWriteExt::flush(file).await
            }

            async fn read_to_string(path: PathBuf) -> io::Result<String> {
                ::$krate::fs::read_to_string(path).await
            }

            async fn len(path: PathBuf) -> io::Result<u64> {
                Ok(::$krate::fs::metadata(path).await?.len())
            }

            fn shared($std: std::fs::File) -> Self::Shared {
                $share
            }

            async fn read_at($file: Self::Shared, $len: usize, $offset: u64) -> io::Result<Vec<u8>> {
                $read_at
            }
        }
    };
}

tokio_shaped_files!(Ours, runtime, Arc<::runtime::fs::File>, |std| Arc::new(std.into()), |file, len, offset| file
    .read_exact_at(len, offset)
    .await);
tokio_shaped_files!(Tokio, tokio, Arc<std::fs::File>, |std| Arc::new(std), |file, len, offset| {
    ::tokio::task::spawn_blocking(move || std_read_at(&file, len, offset)).await?
});

impl Files for Smol {
    type File = blocking::Unblock<std::fs::File>;
    type Buffered = futures_lite::io::BufWriter<Self::File>;
    type Shared = Arc<std::fs::File>;

    async fn open(path: PathBuf) -> io::Result<Self::File> {
        blocking::unblock(|| std::fs::File::open(path)).await.map(blocking::Unblock::new)
    }

    async fn create(path: PathBuf) -> io::Result<Self::File> {
        blocking::unblock(|| std::fs::File::create(path)).await.map(blocking::Unblock::new)
    }

    async fn read(file: &mut Self::File, room: &mut [u8]) -> io::Result<usize> {
        file.read(room).await
    }

    async fn write(file: &mut Self::File, bytes: &[u8]) -> io::Result<()> {
        file.write_all(bytes).await
    }

    async fn flush(file: &mut Self::File) -> io::Result<()> {
        file.flush().await
    }

    fn buffered(file: Self::File) -> Self::Buffered {
        futures_lite::io::BufWriter::new(file)
    }

    async fn write_buffered(file: &mut Self::Buffered, bytes: &[u8]) -> io::Result<()> {
        file.write_all(bytes).await
    }

    async fn flush_buffered(file: &mut Self::Buffered) -> io::Result<()> {
        file.flush().await
    }

    async fn read_to_string(path: PathBuf) -> io::Result<String> {
        blocking::unblock(|| std::fs::read_to_string(path)).await
    }

    async fn len(path: PathBuf) -> io::Result<u64> {
        Ok(blocking::unblock(|| std::fs::metadata(path)).await?.len())
    }

    fn shared(file: std::fs::File) -> Self::Shared {
        Arc::new(file)
    }

    async fn read_at(file: Self::Shared, len: usize, offset: u64) -> io::Result<Vec<u8>> {
        blocking::unblock(move || std_read_at(&file, len, offset)).await
    }
}
