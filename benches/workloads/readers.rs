//! What reading from memory costs: no socket, no thread, only what lies between a reader and its buffer.

use runtime_benches::{Meter, Reading, Workload, Wrong, check};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

const READS: usize = 4096;
const PIECE: usize = 16;

pub(crate) fn workloads() -> Vec<Workload> {
    vec![
        Workload::new(
            "read-to-end-16B",
            "`read_to_end` of 64 KiB, 16 bytes a read, from a reader that initializes its buffer",
        )
        .runtime("ours", ours::read_to_end)
        .runtime("tokio", tokio_shaped::read_to_end),
    ]
}

/// The same lines for both crates with tokio's names.
macro_rules! tokio_shaped {
    ($name:ident, $krate:ident) => {
        mod $name {
            use super::*;
            use ::$krate::io::{AsyncRead, AsyncReadExt, ReadBuf};
            use ::$krate::runtime::Builder;

            /// So many reads are left.
            struct Little(usize);

            impl AsyncRead for Little {
                fn poll_read(
                    mut self: Pin<&mut Self>,
                    _: &mut Context<'_>,
                    buf: &mut ReadBuf<'_>,
                ) -> Poll<io::Result<()>> {
                    let n = if self.0 > 0 { buf.remaining().min(PIECE) } else { 0 };
                    self.0 = self.0.saturating_sub(1);
                    buf.initialize_unfilled()[..n].fill(7);
                    buf.advance(n);
                    Poll::Ready(Ok(()))
                }
            }

            pub(super) fn read_to_end(meter: Meter) -> Result<Reading, Wrong> {
                let built = Builder::new_current_thread().build();
                let runtime = built.unwrap_or_else(|error| panic!("no runtime: {error}"));
                meter.repeat(|| {
                    let mut all = Vec::new();
                    let read = runtime.block_on(Little(READS).read_to_end(&mut all));
                    check("the bytes", (read.ok(), all.len() / PIECE), (Some(all.len()), READS))?;
                    Ok(READS as u64)
                })
            }
        }
    };
}

tokio_shaped!(ours, runtime);
tokio_shaped!(tokio_shaped, tokio);
