//! TLS, QUIC and WebSockets, without a web framework.

use ecosystem::{Identity, within};
use futures::{SinkExt, StreamExt};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

fn patterned(length: usize) -> Vec<u8> {
    (0..length).map(|i| (i % 251) as u8).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokio_rustls_carries_a_megabyte_both_ways() {
    ecosystem::install_crypto();
    let identity = Identity::new();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(identity.server(&[])));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        let stream = acceptor.accept(listener.accept().await.unwrap().0).await.unwrap();
        let (mut reader, mut writer) = tokio::io::split(stream);
        let copied = tokio::io::copy(&mut reader, &mut writer).await.unwrap();
        writer.shutdown().await.unwrap();
        copied
    });
    let connector = tokio_rustls::TlsConnector::from(Arc::new(identity.client(&[])));
    let stream = TcpStream::connect(address).await.unwrap();
    let stream = connector.connect("localhost".try_into().unwrap(), stream).await.unwrap();
    let (mut reader, mut writer) = tokio::io::split(stream);
    let sent = patterned(1_000_000);
    let (mut received, payload) = (Vec::new(), sent.clone());
    let writes = tokio::spawn(async move {
        writer.write_all(&payload).await.unwrap();
        writer.shutdown().await.unwrap();
    });
    within("the echo", reader.read_to_end(&mut received)).await.unwrap();
    assert!(received == sent, "{} bytes came back", received.len());
    writes.await.unwrap();
    assert_eq!(server.await.unwrap(), 1_000_000);

    let refused = connector.connect("elsewhere".try_into().unwrap(), tokio::io::duplex(10).0);
    assert!(within("the refusal", refused).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn quinn_opens_many_streams() {
    ecosystem::install_crypto();
    let identity = Identity::new();
    let crypto = quinn::crypto::rustls::QuicServerConfig::try_from(identity.server(&[b"echo"])).unwrap();
    let config = quinn::ServerConfig::with_crypto(Arc::new(crypto));
    let server = quinn::Endpoint::server(config, "127.0.0.1:0".parse().unwrap()).unwrap();
    let address = server.local_addr().unwrap();
    let echoes = tokio::spawn(async move {
        let connection = server.accept().await.unwrap().await.unwrap();
        while let Ok((mut send, mut receive)) = connection.accept_bi().await {
            tokio::spawn(async move {
                let all = receive.read_to_end(1_000_000).await.unwrap();
                send.write_all(&all).await.unwrap();
                send.finish().unwrap();
                let _ = send.stopped().await;
            });
        }
        server.wait_idle().await;
    });
    let crypto = quinn::crypto::rustls::QuicClientConfig::try_from(identity.client(&[b"echo"])).unwrap();
    let mut client = quinn::Endpoint::client("127.0.0.1:0".parse().unwrap()).unwrap();
    client.set_default_client_config(quinn::ClientConfig::new(Arc::new(crypto)));
    let connection = within("the handshake", client.connect(address, "localhost").unwrap()).await.unwrap();
    let streams = (0..40).map(|n| {
        let connection = connection.clone();
        tokio::spawn(async move {
            let (mut send, mut receive) = connection.open_bi().await.unwrap();
            let sent = patterned(n * 5000);
            send.write_all(&sent).await.unwrap();
            send.finish().unwrap();
            assert!(receive.read_to_end(1_000_000).await.unwrap() == sent, "stream {n}");
        })
    });
    for stream in streams.collect::<Vec<_>>() {
        within("a stream", stream).await.unwrap();
    }
    connection.close(0_u32.into(), b"done");
    within("the client's end", client.wait_idle()).await;
    within("the server's end", echoes).await.unwrap();
}

#[tokio::test]
async fn tungstenite_greets_and_closes() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        let mut socket = tokio_tungstenite::accept_async(listener.accept().await.unwrap().0).await.unwrap();
        let mut count = 0;
        while let Some(message) = socket.next().await {
            let message = message.unwrap();
            if message.is_text() || message.is_binary() {
                count += 1;
                socket.send(message).await.unwrap();
            }
        }
        count
    });
    let (mut socket, _) = tokio_tungstenite::connect_async(format!("ws://{address}/")).await.unwrap();
    for n in 0..200 {
        let message = tokio_tungstenite::tungstenite::Message::text(format!("{n}").repeat(n));
        socket.send(message.clone()).await.unwrap();
        assert_eq!(within("an echo", socket.next()).await.unwrap().unwrap(), message);
    }
    socket.close(None).await.unwrap();
    let closing = within("the closing frame", async { while let Some(Ok(_)) = socket.next().await {} });
    closing.await;
    assert_eq!(within("the server's end", server).await.unwrap(), 200);
}
