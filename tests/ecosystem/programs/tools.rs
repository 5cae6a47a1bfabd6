//! tokio-util and tokio-stream.

use bytes::Bytes;
use ecosystem::within;
use futures::{SinkExt, StreamExt};
use std::io::{Read, Write};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio_util::codec::{FramedRead, FramedWrite, LengthDelimitedCodec, LinesCodec, LinesCodecError};

#[tokio::test]
async fn codecs_cut_frames_wherever_the_bytes_are_cut() {
    let (client, server) = tokio::io::duplex(7);
    let sender = tokio::spawn(async move {
        let mut frames = FramedWrite::new(client, LengthDelimitedCodec::new());
        for n in 0..100_usize {
            frames.send(Bytes::from(vec![n as u8; n * 3])).await.unwrap();
        }
    });
    let mut frames = FramedRead::new(server, LengthDelimitedCodec::new());
    for n in 0..100_usize {
        assert_eq!(within("a frame", frames.next()).await.unwrap().unwrap(), vec![n as u8; n * 3]);
    }
    assert!(frames.next().await.is_none());
    sender.await.unwrap();

    let (mut client, server) = tokio::io::duplex(100);
    let writer = tokio::spawn(async move { client.write_all(b"short\nmuch too long a line\nend").await.unwrap() });
    let mut lines = FramedRead::new(server, LinesCodec::new_with_max_length(10));
    assert_eq!(lines.next().await.unwrap().unwrap(), "short");
    assert!(matches!(lines.next().await, Some(Err(LinesCodecError::MaxLineLengthExceeded))));
    writer.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bridge_leads_from_threads_to_streams() {
    let (ours, theirs) = tokio::io::duplex(100);
    let (reader, mut writer) = tokio::io::split(theirs);
    let thread = tokio::task::spawn_blocking(move || {
        let mut bridge = tokio_util::io::SyncIoBridge::new(ours);
        bridge.write_all(&[5; 10_000]).unwrap();
        let mut answer = [0; 4];
        bridge.read_exact(&mut answer).unwrap();
        answer
    });
    let mut chunks = tokio_util::io::ReaderStream::new(reader);
    let mut count = 0;
    while count < 10_000 {
        let chunk = within("a chunk", chunks.next()).await.unwrap().unwrap();
        assert!(chunk.iter().all(|byte| *byte == 5));
        count += chunk.len();
    }
    writer.write_all(b"done").await.unwrap();
    assert_eq!(&within("the thread", thread).await.unwrap(), b"done");
}

#[tokio::test(start_paused = true)]
async fn delays_and_tokens_keep_time() {
    let mut queue = tokio_util::time::DelayQueue::new();
    for n in [3, 1, 2] {
        queue.insert(n, Duration::from_secs(n));
    }
    let begun = tokio::time::Instant::now();
    for n in 1..=3 {
        assert_eq!(queue.next().await.unwrap().into_inner(), n);
        assert_eq!(begun.elapsed().as_secs(), n);
    }
    let token = tokio_util::sync::CancellationToken::new();
    let tracker = tokio_util::task::TaskTracker::new();
    for _ in 0..10 {
        let token = token.child_token();
        tracker.spawn(async move { token.cancelled().await });
    }
    tracker.close();
    assert_eq!(tracker.len(), 10);
    token.cancel();
    within("all tasks", tracker.wait()).await;
    let never = token.child_token().run_until_cancelled_owned(std::future::pending::<()>()).await;
    assert_eq!(never, None);
}
