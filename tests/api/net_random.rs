//! Streams under random use: every way to read and write, in random pieces, given up at random points, closed in random
//! ways. Every byte says where in the stream it belongs, so one that is lost, doubled or out of place is found.

use crate::net_tcp::pair;
use runtime::io::{AsyncReadExt, AsyncWriteExt, Interest, ReadHalf, WriteHalf};
use runtime::net::{TcpStream, UnixDatagram, UnixStream, tcp, unix};
use runtime_tests::{Flavor, Rng, for_each_flavor};
use std::future::{Future, poll_fn};
use std::io::{self, ErrorKind, IoSlice, IoSliceMut, Read, Write};
use std::net::Shutdown;
use std::pin::pin;
use std::task::Poll;

for_each_flavor!(tcp_streams, unix_streams, generic_halves, resets, std_peers, datagrams);

/// The byte at this place of a stream.
fn byte(at: usize) -> u8 {
    (at ^ (at >> 8).wrapping_mul(31) ^ (at >> 16).wrapping_mul(7)) as u8
}

fn bytes(from: usize, len: usize) -> Vec<u8> {
    (from..from + len).map(byte).collect()
}

/// Polls the operation a few times and then gives it up, now and then.
async fn perhaps<T>(dice: &mut Rng, operation: impl Future<Output = T>) -> Option<T> {
    let mut polls = if dice.one_in(3) { 1 + dice.below(2) } else { usize::MAX };
    let mut operation = pin!(operation);
    let done = poll_fn(|cx| match operation.as_mut().poll(cx) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending if polls == 1 => Poll::Ready(None),
        Poll::Pending => {
            polls -= 1;
            Poll::Pending
        }
    })
    .await;
    if done.is_none() {
        runtime::task::yield_now().await;
    }
    done
}

/// What `io::split` halves lack is tried through these.
trait Tries {
    fn try_read(&self, buf: &mut [u8]) -> Option<io::Result<usize>>;
    fn try_read_buf(&self, buf: &mut Vec<u8>) -> Option<io::Result<usize>>;
    fn try_read_vectored(&self, bufs: &mut [IoSliceMut<'_>]) -> Option<io::Result<usize>>;
    fn wait(&self) -> impl Future<Output = io::Result<()>> + Send;
}

trait TriesToWrite {
    fn try_write(&self, buf: &[u8]) -> Option<io::Result<usize>>;
    fn try_write_vectored(&self, bufs: &[IoSlice<'_>]) -> Option<io::Result<usize>>;
    fn wait(&self) -> impl Future<Output = io::Result<()>> + Send;
}

macro_rules! tries {
    ($($Read:ty, $Write:ty;)+) => {$(
        impl Tries for $Read {
            fn try_read(&self, buf: &mut [u8]) -> Option<io::Result<usize>> {
                Some(self.try_read(buf))
            }
            fn try_read_buf(&self, buf: &mut Vec<u8>) -> Option<io::Result<usize>> {
                Some(self.try_read_buf(buf))
            }
            fn try_read_vectored(&self, bufs: &mut [IoSliceMut<'_>]) -> Option<io::Result<usize>> {
                Some(self.try_read_vectored(bufs))
            }
            async fn wait(&self) -> io::Result<()> {
                self.ready(Interest::READABLE).await.map(drop)
            }
        }

        impl TriesToWrite for $Write {
            fn try_write(&self, buf: &[u8]) -> Option<io::Result<usize>> {
                Some(self.try_write(buf))
            }
            fn try_write_vectored(&self, bufs: &[IoSlice<'_>]) -> Option<io::Result<usize>> {
                Some(self.try_write_vectored(bufs))
            }
            async fn wait(&self) -> io::Result<()> {
                self.ready(Interest::WRITABLE).await.map(drop)
            }
        }
    )+};
}

tries! {
    tcp::OwnedReadHalf, tcp::OwnedWriteHalf;
    unix::OwnedReadHalf, unix::OwnedWriteHalf;
}

impl<S: Send> Tries for ReadHalf<S> {
    fn try_read(&self, _: &mut [u8]) -> Option<io::Result<usize>> {
        None
    }
    fn try_read_buf(&self, _: &mut Vec<u8>) -> Option<io::Result<usize>> {
        None
    }
    fn try_read_vectored(&self, _: &mut [IoSliceMut<'_>]) -> Option<io::Result<usize>> {
        None
    }
    fn wait(&self) -> impl Future<Output = io::Result<()>> + Send {
        std::future::ready(Ok(()))
    }
}

impl<S: Send> TriesToWrite for WriteHalf<S> {
    fn try_write(&self, _: &[u8]) -> Option<io::Result<usize>> {
        None
    }
    fn try_write_vectored(&self, _: &[IoSlice<'_>]) -> Option<io::Result<usize>> {
        None
    }
    fn wait(&self) -> impl Future<Output = io::Result<()>> + Send {
        std::future::ready(Ok(()))
    }
}

fn unless_it_would_block(tried: Option<io::Result<usize>>) -> Option<io::Result<usize>> {
    tried.filter(|result| !result.as_ref().is_err_and(|error| error.kind() == ErrorKind::WouldBlock))
}

/// Writes `total` bytes and ends the stream. Gives the error, and how far it came.
async fn write_all_of_it<W>(mut writer: W, total: usize, mut dice: Rng) -> Result<W, (usize, io::Error)>
where
    W: AsyncWriteExt + TriesToWrite + Unpin,
{
    let mut at = 0;
    while at < total {
        let most = [10, 1000, 100_000][dice.below(3)];
        let piece = bytes(at, (1 + dice.below(most)).min(total - at));
        let cut = dice.below(piece.len());
        let slices = [IoSlice::new(&piece[..cut]), IoSlice::new(&[]), IoSlice::new(&piece[cut..])];
        let result = match dice.below(6) {
            0 | 1 => perhaps(&mut dice, writer.write(&piece)).await,
            2 => perhaps(&mut dice, writer.write_vectored(&slices)).await,
            3 => unless_it_would_block(writer.try_write(&piece)),
            4 => unless_it_would_block(writer.try_write_vectored(&slices)),
            _ => {
                if let Some(Err(error)) = perhaps(&mut dice, writer.wait()).await {
                    return Err((at, error));
                }
                None
            }
        };
        match result {
            Some(Ok(n)) => {
                assert!(n > 0 && n <= piece.len(), "{n} of {}", piece.len());
                at += n;
            }
            Some(Err(error)) => return Err((at, error)),
            None => {}
        }
    }
    if dice.one_in(2) {
        writer.flush().await.unwrap();
        writer.shutdown().await.map_err(|error| (at, error))?;
    }
    Ok(writer)
}

/// Reads to the end, and gives the error, and how far it came.
async fn read_all_of_it<R>(mut reader: R, mut dice: Rng) -> Result<usize, (usize, io::Error)>
where
    R: AsyncReadExt + Tries + Unpin,
{
    let mut at = 0;
    let mut buf = vec![0; 70_000];
    loop {
        let most = [1, 10, 1000, 70_000][dice.below(4)];
        let len = 1 + dice.below(most);
        let mut vec = Vec::with_capacity(len);
        let result = match dice.below(6) {
            0 | 1 => perhaps(&mut dice, reader.read(&mut buf[..len])).await,
            2 => perhaps(&mut dice, reader.read_buf(&mut vec)).await,
            3 => unless_it_would_block(reader.try_read(&mut buf[..len])),
            4 => {
                let (front, back) = buf[..len].split_at_mut(len / 2);
                let mut bufs = [IoSliceMut::new(front), IoSliceMut::new(back)];
                unless_it_would_block(reader.try_read_vectored(&mut bufs))
            }
            _ if dice.one_in(2) => unless_it_would_block(reader.try_read_buf(&mut vec)),
            _ => {
                if let Some(Err(error)) = perhaps(&mut dice, reader.wait()).await {
                    return Err((at, error));
                }
                None
            }
        };
        match result {
            Some(Ok(0)) => return Ok(at),
            Some(Ok(n)) => {
                let read = if vec.is_empty() { &buf[..n] } else { &vec[..] };
                assert!(read == bytes(at, n), "{n} wrong bytes at {at}");
                at += n;
            }
            Some(Err(error)) => return Err((at, error)),
            None => runtime::task::yield_now().await,
        }
    }
}

/// Both directions at once; then nothing is lost and nothing is left.
async fn both_ways<R, W>(dice: &mut Rng, one: (R, W), other: (R, W))
where
    R: AsyncReadExt + Tries + Unpin + Send + 'static,
    W: AsyncWriteExt + TriesToWrite + Unpin + Send + 'static,
{
    let totals = [dice.below(600_000), dice.below(600_000)];
    let mut fresh = || Rng::new(dice.bits());
    let writers = [
        runtime::spawn(write_all_of_it(one.1, totals[0], fresh())),
        runtime::spawn(write_all_of_it(other.1, totals[1], fresh())),
    ];
    let readers = [runtime::spawn(read_all_of_it(other.0, fresh())), runtime::spawn(read_all_of_it(one.0, fresh()))];
    for writer in writers {
        // Dropped here, which ends the stream if it was not shut down.
        drop(writer.await.unwrap().map_err(|(at, error)| panic!("{error} at {at}")));
    }
    for (reader, total) in readers.into_iter().zip(totals) {
        assert_eq!(reader.await.unwrap().unwrap(), total);
    }
}

fn tcp_streams(flavor: Flavor) {
    let mut dice = Rng::from_env("tcp_streams");
    flavor.build().block_on(async {
        for _ in 0..8 {
            let (one, other) = pair().await;
            both_ways(&mut dice, one.into_split(), other.into_split()).await;
        }
    });
}

fn unix_streams(flavor: Flavor) {
    let mut dice = Rng::from_env("unix_streams");
    flavor.build().block_on(async {
        for _ in 0..8 {
            let (one, other) = UnixStream::pair().unwrap();
            both_ways(&mut dice, one.into_split(), other.into_split()).await;
        }
    });
}

/// The halves of `io::split` do not end the stream when they are dropped: both writers shut it down.
fn generic_halves(flavor: Flavor) {
    let mut dice = Rng::from_env("generic_halves");
    flavor.build().block_on(async {
        for _ in 0..8 {
            let (one, other) = pair().await;
            let (one, other): ((ReadHalf<TcpStream>, _), (ReadHalf<TcpStream>, _)) =
                (runtime::io::split(one), runtime::io::split(other));
            let total = dice.below(300_000);
            let (writes, reads) = (Rng::new(dice.bits()), Rng::new(dice.bits()));
            let writer = runtime::spawn(async move {
                let mut write = write_all_of_it(one.1, total, writes).await.map_err(|(_, error)| error).unwrap();
                write.shutdown().await.unwrap();
            });
            assert_eq!(read_all_of_it(other.0, reads).await.unwrap(), total);
            writer.await.unwrap();
        }
    });
}

/// A connection that is reset in the middle: both ends see an error or the end, and what was read before is right.
fn resets(flavor: Flavor) {
    let mut dice = Rng::from_env("resets");
    flavor.build().block_on(async {
        for _ in 0..8 {
            let (one, other) = pair().await;
            let (read, write) = one.into_split();
            let writer = runtime::spawn(write_all_of_it(write, 50_000_000, Rng::new(dice.bits())));
            let reader = runtime::spawn(read_all_of_it(read, Rng::new(dice.bits())));
            let mut other = other;
            let mut buf = vec![0; 1 + dice.below(100_000)];
            other.read_exact(&mut buf).await.unwrap();
            assert!(buf == bytes(0, buf.len()));
            let sent = dice.below(50_000);
            other.write_all(&bytes(0, sent)).await.unwrap();
            other.set_zero_linger().unwrap();
            drop(other);
            let (_, error) = writer.await.unwrap().map(drop).unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe), "{error}");
            // A reset may overtake what was sent before it, and the error may have been the writer's.
            match reader.await.unwrap() {
                Ok(at) => assert!(at <= sent),
                Err((at, error)) => {
                    assert!(at <= sent);
                    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
                }
            }
        }
    });
}

/// A stream of std, which blocks.
trait Peer: Read + Write + Send {
    fn another(&self) -> Self;
    fn end(&self);
}

macro_rules! peers {
    ($($Stream:ty),+) => {$(
        impl Peer for $Stream {
            fn another(&self) -> Self {
                self.set_nonblocking(false).unwrap();
                self.try_clone().unwrap()
            }
            fn end(&self) {
                self.shutdown(Shutdown::Write).unwrap();
            }
        }
    )+};
}

peers!(std::net::TcpStream, std::os::unix::net::UnixStream);

/// Writes `total` bytes and ends this direction, whatever the other one does.
fn std_writes(mut stream: impl Peer, total: usize, mut dice: Rng) {
    let mut at = 0;
    while at < total {
        let most = [10, 1000, 100_000][dice.below(3)];
        let piece = bytes(at, (1 + dice.below(most)).min(total - at));
        let (front, back) = piece.split_at(dice.below(piece.len()));
        at += stream.write_vectored(&[IoSlice::new(front), IoSlice::new(back)]).unwrap();
        if dice.one_in(5) {
            std::thread::yield_now();
        }
    }
    stream.end();
}

/// Reads to the end; tells how much it was.
fn std_reads(mut stream: impl Peer, mut dice: Rng) -> usize {
    let mut at = 0;
    loop {
        let (mut front, mut back) = (vec![0; 1 + dice.below(20_000)], vec![0; dice.below(1000)]);
        let n = stream.read_vectored(&mut [IoSliceMut::new(&mut front), IoSliceMut::new(&mut back)]).unwrap();
        if n == 0 {
            return at;
        }
        front.append(&mut back);
        assert!(front[..n] == bytes(at, n), "{n} wrong bytes at {at}, at the peer");
        at += n;
    }
}

async fn against_std<R, W>(dice: &mut Rng, ours: (R, W), peer: impl Peer + 'static)
where
    R: AsyncReadExt + Tries + Unpin + Send + 'static,
    W: AsyncWriteExt + TriesToWrite + Unpin + Send + 'static,
{
    let (ours_sends, peer_sends) = (dice.below(600_000), dice.below(600_000));
    let mut fresh = || Rng::new(dice.bits());
    let (reads, writes) = (fresh(), fresh());
    let another = peer.another();
    let peer_writes = std::thread::spawn(move || std_writes(another, peer_sends, writes));
    let peer_reads = std::thread::spawn(move || std_reads(peer, reads));
    let writer = runtime::spawn(write_all_of_it(ours.1, ours_sends, fresh()));
    let reader = runtime::spawn(read_all_of_it(ours.0, fresh()));
    // Dropped here, which ends the stream if it was not shut down.
    drop(writer.await.unwrap().map_err(|(at, error)| panic!("{error} at {at}")));
    assert_eq!(reader.await.unwrap().unwrap(), peer_sends);
    // Both threads have all they wait for.
    peer_writes.join().unwrap();
    assert_eq!(peer_reads.join().unwrap(), ours_sends);
}

/// The other end is std's, on blocking threads.
fn std_peers(flavor: Flavor) {
    let mut dice = Rng::from_env("std_peers");
    flavor.build().block_on(async {
        for _ in 0..6 {
            let (ours, peer) = pair().await;
            against_std(&mut dice, ours.into_split(), peer.into_std().unwrap()).await;
            let (ours, peer) = UnixStream::pair().unwrap();
            against_std(&mut dice, ours.into_split(), peer.into_std().unwrap()).await;
        }
    });
}

/// The datagram of this number: its length, and its bytes.
fn datagram(number: usize) -> Vec<u8> {
    bytes(number * 31, 8 + number.wrapping_mul(2_654_435_761) % 1500)
}

/// Datagrams over a socket that loses none: each arrives once, whole, in order, whoever gave up sending or receiving it.
fn datagrams(flavor: Flavor) {
    const COUNT: usize = 2000;
    let mut dice = Rng::from_env("datagrams");
    flavor.build().block_on(async {
        let (one, other) = UnixDatagram::pair().unwrap();
        let mut draws = Rng::new(dice.bits());
        let sender = runtime::spawn(async move {
            let mut number = 0;
            while number < COUNT {
                let piece = datagram(number);
                let sent = match draws.below(3) {
                    0 => perhaps(&mut draws, one.send(&piece)).await,
                    1 => unless_it_would_block(Some(one.try_send(&piece))),
                    _ => perhaps(&mut draws, one.writable()).await.and(None),
                };
                if let Some(sent) = sent {
                    assert_eq!(sent.unwrap(), piece.len());
                    number += 1;
                }
            }
        });
        let mut buf = [0; 2000];
        let mut number = 0;
        while number < COUNT {
            let mut vec = Vec::with_capacity(2000);
            let got = match dice.below(5) {
                0 => perhaps(&mut dice, other.recv(&mut buf)).await,
                1 => perhaps(&mut dice, other.recv_buf(&mut vec)).await,
                2 => unless_it_would_block(Some(other.try_recv(&mut buf))),
                3 => perhaps(&mut dice, other.recv_from(&mut buf)).await.map(|got| got.map(|(n, _)| n)),
                _ => perhaps(&mut dice, other.readable()).await.and(None),
            };
            match got {
                Some(n) => {
                    let n = n.unwrap();
                    let read = if vec.is_empty() { &buf[..n] } else { &vec[..] };
                    assert!(read == datagram(number), "datagram {number} is lost, doubled or cut");
                    number += 1;
                }
                None => runtime::task::yield_now().await,
            }
        }
        sender.await.unwrap();
    });
}
