//! tokio-stream.

use ecosystem::within;
use futures::SinkExt;
use std::time::Duration;
use tokio_stream::StreamExt;

#[tokio::test]
async fn streams_merge_throttle_and_time_out() {
    let (sender, receiver) = tokio::sync::mpsc::channel(4);
    let mut polled = tokio_util::sync::PollSender::new(sender);
    let feeding = tokio::spawn(async move {
        for n in 0..50 {
            polled.send(n).await.unwrap();
        }
    });
    let received: Vec<u32> = tokio_stream::wrappers::ReceiverStream::new(receiver).collect().await;
    assert_eq!(received, (0..50).collect::<Vec<_>>());
    feeding.await.unwrap();

    let (sender, receiver) = tokio::sync::watch::channel(1);
    let mut changes = tokio_stream::wrappers::WatchStream::new(receiver);
    assert_eq!(changes.next().await, Some(1));
    sender.send(2).unwrap();
    assert_eq!(changes.next().await, Some(2));
    drop(sender);
    assert_eq!(changes.next().await, None);

    let slow = tokio_stream::pending::<u8>().timeout(Duration::from_millis(5));
    tokio::pin!(slow);
    assert!(within("the limit", slow.next()).await.unwrap().is_err());
    let mut merged: Vec<u8> = tokio_stream::iter([1, 3]).merge(tokio_stream::iter([2, 4])).collect().await;
    merged.sort_unstable();
    assert_eq!(merged, [1, 2, 3, 4]);
}
