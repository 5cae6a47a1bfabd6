//! Copies: byte for byte, flushed when it matters, errors after what came before them.

use runtime::io::{
    AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader, BufWriter, ReadBuf, copy, copy_bidirectional,
    copy_bidirectional_with_sizes, copy_buf, duplex,
};
use runtime_tests::evil::{Choppy, block_on, give_up_after, seeds};
use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

/// Both futures on this one task.
async fn both<A: Future, B: Future>(a: A, b: B) -> (A::Output, B::Output) {
    let (mut a, mut b) = (pin!(a), pin!(b));
    let (mut one, mut two) = (None, None);
    poll_fn(|cx| {
        if one.is_none()
            && let Poll::Ready(output) = a.as_mut().poll(cx)
        {
            one = Some(output);
        }
        if two.is_none()
            && let Poll::Ready(output) = b.as_mut().poll(cx)
        {
            two = Some(output);
        }
        if one.is_some() && two.is_some() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    (one.expect("ready"), two.expect("ready"))
}

#[test]
fn every_byte_arrives_once_and_is_flushed() {
    seeds(200, |mut dice| {
        let len = dice.below(30_000);
        let data = dice.bytes(len, b"abcdef");
        let piece = 1 + dice.below(9000);
        let mut from = Choppy::new(data.clone(), &mut dice).interrupted(5).piece(piece);
        let mut to = Choppy::new(Vec::new(), &mut dice).interrupted(5).piece(piece);
        assert_eq!(block_on(copy(&mut from, &mut to)).unwrap(), len as u64);
        assert!(to.bytes == data && to.flushes > 0);

        let mut from = BufReader::new(Choppy::new(data.clone(), &mut dice).interrupted(5).piece(piece));
        let mut to = Choppy::new(Vec::new(), &mut dice).interrupted(5).piece(piece);
        assert_eq!(block_on(copy_buf(&mut from, &mut to)).unwrap(), len as u64);
        assert!(to.bytes == data && to.flushes > 0);
    });
}

#[test]
fn giving_copy_buf_up_loses_nothing() {
    seeds(200, |mut dice| {
        let data = dice.bytes(500, b"abcdef");
        let mut from = BufReader::with_capacity(32, Choppy::new(data.clone(), &mut dice).errors(9));
        let mut to = Choppy::new(Vec::new(), &mut dice).errors(9);
        loop {
            let polls = 1 + dice.below(3);
            if let Some(Ok(_)) = give_up_after(polls, copy_buf(&mut from, &mut to)) {
                break;
            }
            assert_eq!(to.bytes, data[..to.bytes.len()]);
        }
        assert_eq!(to.bytes, data);
    });
}

/// Yields its bytes and then fails.
struct Broken(&'static [u8]);

impl AsyncRead for Broken {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.0.is_empty() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

#[test]
#[cfg_attr(feature = "oracle", ignore = "tokio drops what it has read when the reader fails")]
fn what_came_before_an_error_is_written() {
    seeds(100, |mut dice| {
        let mut to = Choppy::new(Vec::new(), &mut dice);
        let error = block_on(copy(&mut Broken(b"last words"), &mut to)).unwrap_err();
        assert_eq!((error.kind(), &to.bytes[..]), (io::ErrorKind::ConnectionReset, &b"last words"[..]));
    });
}

#[test]
fn both_directions_arrive_and_half_closes_are_passed_on() {
    seeds(200, |mut dice| {
        let (len_there, len_back) = (dice.below(3000), dice.below(3000));
        let (there, back) = (dice.bytes(len_there, b"abcdef"), dice.bytes(len_back, b"uvwxyz"));
        let (mut client, mut a) = duplex(1 + dice.below(200));
        let (mut b, mut server) = duplex(1 + dice.below(200));
        let (size_there, size_back) = (1 + dice.below(300), 1 + dice.below(300));
        let proxy = copy_bidirectional_with_sizes(&mut a, &mut b, size_there, size_back);
        let ends = async {
            // The client ends its direction and then reads; the server answers only after it has seen that end.
            let client = async {
                client.write_all(&there).await.unwrap();
                client.shutdown().await.unwrap();
                let mut got = Vec::new();
                client.read_to_end(&mut got).await.unwrap();
                got
            };
            let server = async {
                let mut got = Vec::new();
                server.read_to_end(&mut got).await.unwrap();
                server.write_all(&back).await.unwrap();
                server.shutdown().await.unwrap();
                got
            };
            both(client, server).await
        };
        let (counts, (at_client, at_server)) = block_on(both(proxy, ends));
        assert_eq!(counts.unwrap(), (len_there as u64, len_back as u64));
        assert!(at_server == there && at_client == back);
    });
}

#[test]
fn a_question_in_a_buffered_writer_reaches_the_server_before_the_client_ends() {
    let (mut client, a) = duplex(1000);
    let (b, mut server) = duplex(1000);
    let (mut a, mut b) = (BufWriter::new(a), BufWriter::new(b));
    let proxy = copy_bidirectional(&mut a, &mut b);
    let talk = async {
        for _ in 0..3 {
            client.write_all(b"ping").await.unwrap();
            let mut buf = [0; 4];
            server.read_exact(&mut buf).await.unwrap();
            server.write_all(b"pong").await.unwrap();
            client.read_exact(&mut buf).await.unwrap();
            assert_eq!(&buf, b"pong");
        }
        drop((client, server));
    };
    let (result, ()) = block_on(both(proxy, talk));
    // The ends are gone, so shutting down their streams may fail or not; what matters is that it ended.
    let _ = result;
}

#[test]
#[cfg_attr(feature = "oracle", ignore = "tokio takes it for the end of the stream")]
fn a_buffer_of_no_size_is_refused() {
    for (there, back) in [(0, 1), (1, 0)] {
        let panic = std::panic::catch_unwind(|| {
            drop(copy_bidirectional_with_sizes(&mut runtime::io::empty(), &mut runtime::io::empty(), there, back));
        });
        assert!(panic.is_err());
    }
}
