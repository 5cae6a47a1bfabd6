//! hyper, h2 and actix-web without axum.

use bytes::Bytes;
use ecosystem::within;
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::convert::Infallible;
use tokio::net::{TcpListener, TcpStream};

/// The body, backwards, and the path in a header.
async fn reverse(request: Request<hyper::body::Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path().to_owned();
    let mut body = request.into_body().collect().await.unwrap().to_bytes().to_vec();
    body.reverse();
    Ok(Response::builder().header("path", path).body(Full::new(body.into())).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hyper_speaks_http_1() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut http = hyper::server::conn::http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(std::time::Duration::from_secs(5));
        http.serve_connection(TokioIo::new(stream), hyper::service::service_fn(reverse)).await.unwrap();
    });
    let stream = TokioIo::new(TcpStream::connect(address).await.unwrap());
    let (mut send, connection) = hyper::client::conn::http1::handshake(stream).await.unwrap();
    let connection = tokio::spawn(connection);
    for n in 0..100 {
        let body: Vec<u8> = (0..n * 100).map(|i| (i % 251) as u8).collect();
        let request = Request::post(format!("/{n}")).header("host", "x").body(Full::new(Bytes::from(body.clone()))).unwrap();
        within("its turn", send.ready()).await.unwrap();
        let answer = within("an answer", send.send_request(request)).await.unwrap();
        assert_eq!(answer.headers()["path"], format!("/{n}"));
        let reversed: Vec<u8> = body.into_iter().rev().collect();
        assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), reversed);
    }
    drop(send);
    within("the client's end", connection).await.unwrap().unwrap();
    within("the server's end", server).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hyper_speaks_http_2() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let http = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        let _ = http.serve_connection(TokioIo::new(stream), hyper::service::service_fn(reverse)).await;
    });
    let stream = TokioIo::new(TcpStream::connect(address).await.unwrap());
    let (send, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await.unwrap();
    tokio::spawn(connection);
    let requests = (0..100).map(|n: usize| {
        let mut send = send.clone();
        let request = Request::post(format!("http://x/{n}")).body(Full::new(Bytes::from(vec![n as u8; n * 1000]))).unwrap();
        tokio::spawn(async move { (n, send.send_request(request).await.unwrap().into_body().collect().await.unwrap().to_bytes()) })
    });
    for request in requests.collect::<Vec<_>>() {
        let (n, body) = within("an answer", request).await.unwrap();
        assert_eq!(body, vec![n as u8; n * 1000]);
    }
}

#[tokio::test]
async fn hypers_client_pools_its_connections() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (accepted, mut connections) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        loop {
            let (stream, peer) = listener.accept().await.unwrap();
            accepted.send(peer).unwrap();
            let http = hyper::server::conn::http1::Builder::new();
            tokio::spawn(http.serve_connection(TokioIo::new(stream), hyper::service::service_fn(reverse)));
        }
    });
    let client = hyper_util::client::legacy::Client::builder(TokioExecutor::new()).build_http();
    for n in 0..20 {
        let request = Request::post(format!("http://{address}/{n}")).body(Full::new(Bytes::from("abc"))).unwrap();
        let answer = within("an answer", client.request(request)).await.unwrap();
        assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "cba");
    }
    drop(client);
    assert!(connections.recv().await.is_some());
    assert!(connections.try_recv().is_err(), "a second connection for requests that follow each other");
}

#[tokio::test]
async fn h2_moves_a_megabyte_through_its_windows() {
    let (client, server) = tokio::io::duplex(10_000);
    let server = tokio::spawn(async move {
        let mut connection = h2::server::handshake(server).await.unwrap();
        while let Some(request) = connection.accept().await {
            let (request, mut respond) = request.unwrap();
            tokio::spawn(async move {
                let mut body = request.into_body();
                let mut send = respond.send_response(Response::new(()), false).unwrap();
                while let Some(part) = body.data().await {
                    let part = part.unwrap();
                    body.flow_control().release_capacity(part.len()).unwrap();
                    send.send_data(part, false).unwrap();
                }
                send.send_data(Bytes::new(), true).unwrap();
            });
        }
    });
    let (send, connection) = h2::client::handshake(client).await.unwrap();
    let connection = tokio::spawn(connection);
    let mut send = send.ready().await.unwrap();
    let (answer, mut stream) = send.send_request(Request::post("http://x/").body(()).unwrap(), false).unwrap();
    let sent: Vec<u8> = (0..1_000_000_u32).map(|i| (i % 253) as u8).collect();
    stream.send_data(sent.clone().into(), true).unwrap();
    let mut body = within("the answer", answer).await.unwrap().into_body();
    let mut received = Vec::new();
    while let Some(part) = within("a part", body.data()).await {
        let part = part.unwrap();
        body.flow_control().release_capacity(part.len()).unwrap();
        received.extend_from_slice(&part);
    }
    assert!(received == sent, "{} bytes came back", received.len());
    drop((send, body, stream));
    within("the client's end", connection).await.unwrap().unwrap();
    within("the server's end", server).await.unwrap();
}

/// Each of its workers is a thread with a current-thread runtime and a `LocalSet`.
#[test]
fn actix_web_serves_on_its_own_threads() {
    use actix_web::{App, HttpServer, web};
    let (tell, told) = std::sync::mpsc::channel();
    let server = std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let app = || {
                App::new()
                    .route("/add/{a}/{b}", web::get().to(async |numbers: web::Path<(u32, u32)>| (numbers.0 + numbers.1).to_string()))
                    .route("/length", web::post().to(async |body: web::Bytes| body.len().to_string()))
            };
            let server = HttpServer::new(app).workers(2).bind(("127.0.0.1", 0)).unwrap();
            let address = server.addrs()[0];
            let server = server.run();
            tell.send((address, server.handle())).unwrap();
            server.await.unwrap();
        });
    });
    let (address, handle) = told.recv().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let client = reqwest::Client::new();
        for n in 0..50 {
            let sum = client.get(format!("http://{address}/add/{n}/1000")).send().await.unwrap().text().await.unwrap();
            assert_eq!(sum, (n + 1000).to_string());
        }
        let length = client.post(format!("http://{address}/length")).body(vec![1; 100_000]).send().await.unwrap();
        assert_eq!(length.text().await.unwrap(), "100000");
        within("the end", handle.stop(true)).await;
    });
    server.join().unwrap();
}
