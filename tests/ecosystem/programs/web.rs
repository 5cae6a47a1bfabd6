//! axum behind reqwest, with what comes on top: tower-http, events, WebSockets, TLS.

use axum::Json;
use axum::extract::ws::{Message, WebSocketUpgrade};
use axum::extract::{Path, Query, State};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use ecosystem::{Folder, Identity, within};
use futures::{SinkExt, StreamExt};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio_tungstenite::tungstenite;

#[derive(Debug, Serialize, Deserialize, PartialEq)]
struct Order {
    item: String,
    amount: u32,
}

#[derive(Clone, Default)]
struct Shop {
    orders: Arc<AtomicUsize>,
}

fn app() -> axum::Router {
    axum::Router::new()
        .route("/hello/{name}", get(|Path(name): Path<String>| async move { format!("hello {name}") }))
        .route("/sum", get(sum))
        .route("/orders", post(order))
        .route("/events", get(events))
        .route("/echo", any(echo))
        .with_state(Shop::default())
}

async fn sum(Query(terms): Query<HashMap<String, i64>>) -> String {
    terms.values().sum::<i64>().to_string()
}

async fn order(State(shop): State<Shop>, Json(order): Json<Order>) -> impl IntoResponse {
    let number = shop.orders.fetch_add(1, Ordering::SeqCst) + 1;
    Json(serde_json::json!({ "number": number, "order": Order { amount: order.amount * 2, ..order } }))
}

async fn events() -> Sse<impl futures::Stream<Item = Result<Event, Infallible>>> {
    let ticks = tokio_stream::wrappers::IntervalStream::new(tokio::time::interval(Duration::from_millis(1)));
    Sse::new(ticks.take(5).enumerate().map(|(n, _)| Ok(Event::default().data(format!("tick {n}")))))
}

async fn echo(upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(|mut socket| async move {
        while let Some(Ok(message)) = socket.recv().await {
            let answer = match message {
                Message::Text(text) => Message::Text(text.to_uppercase().into()),
                Message::Binary(bytes) => Message::Binary(bytes),
                _ => continue,
            };
            socket.send(answer).await.unwrap();
        }
    })
}

/// Serves until the sender goes or sends.
async fn serve(app: axum::Router) -> (SocketAddr, oneshot::Sender<()>, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let server = axum::serve(listener, app).with_graceful_shutdown(async {
        let _ = stopped.await;
    });
    (address, stop, tokio::spawn(async { server.await.unwrap() }))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn axum_routes_and_json() {
    let (address, stop, server) = serve(app()).await;
    let client = reqwest::Client::new();
    let text = async |path: &str| client.get(format!("http://{address}{path}")).send().await.unwrap().text().await.unwrap();
    assert_eq!(text("/hello/world").await, "hello world");
    assert_eq!(text("/sum?a=1&b=20&c=300").await, "321");
    for number in 1..=20 {
        let sent = Order { item: format!("nail {number}"), amount: number };
        let answer = client.post(format!("http://{address}/orders")).json(&sent).send().await.unwrap();
        let answer: serde_json::Value = answer.json().await.unwrap();
        assert_eq!(answer["number"], number);
        let order: Order = serde_json::from_value(answer["order"].clone()).unwrap();
        assert_eq!(order, Order { item: sent.item, amount: 2 * number });
    }
    let broken = client.post(format!("http://{address}/orders")).body("{").header("content-type", "application/json");
    assert_eq!(broken.send().await.unwrap().status(), 400);
    drop(client);
    stop.send(()).unwrap();
    within("the graceful end", server).await.unwrap();
}

#[tokio::test]
async fn axum_serves_hundreds_at_once_on_one_thread() {
    let (address, _stop, _server) = serve(app()).await;
    let client = reqwest::Client::new();
    let answers = futures::future::join_all((0..300).map(|n| {
        let request = client.get(format!("http://{address}/hello/{n}")).send();
        async move { request.await.unwrap().text().await.unwrap() }
    }));
    let answers = within("300 requests", answers).await;
    assert_eq!(answers, (0..300).map(|n| format!("hello {n}")).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn axum_sends_events() {
    let (address, _stop, _server) = serve(app()).await;
    let body = within("events", async { reqwest::get(format!("http://{address}/events")).await.unwrap().text().await.unwrap() });
    assert_eq!(body.await, (0..5).map(|n| format!("data: tick {n}\n\n")).collect::<String>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn axum_upgrades_to_websockets() {
    let (address, _stop, _server) = serve(app()).await;
    let (mut socket, response) = tokio_tungstenite::connect_async(format!("ws://{address}/echo")).await.unwrap();
    assert_eq!(response.status(), 101);
    let large = vec![7; 300_000];
    socket.send(tungstenite::Message::text("quiet")).await.unwrap();
    socket.send(tungstenite::Message::binary(large.clone())).await.unwrap();
    let mut next = async || within("a message", socket.next()).await.unwrap().unwrap();
    assert_eq!(next().await, tungstenite::Message::text("QUIET"));
    assert_eq!(next().await.into_data(), large);
    socket.close(None).await.unwrap();
}

/// Requests under way are answered, new connections are refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn axum_ends_gracefully() {
    let (begun, has_begun) = oneshot::channel();
    let (release, released) = oneshot::channel::<()>();
    let pair = Arc::new(std::sync::Mutex::new(Some((begun, released))));
    let slow = get(move || async move {
        let (begun, released) = pair.lock().unwrap().take().unwrap();
        begun.send(()).unwrap();
        released.await.unwrap();
        "at last"
    });
    let (address, stop, server) = serve(axum::Router::new().route("/slow", slow)).await;
    let request = tokio::spawn(async move { reqwest::get(format!("http://{address}/slow")).await.unwrap().text().await.unwrap() });
    has_begun.await.unwrap();
    stop.send(()).unwrap();
    within("the refusal", async {
        while tokio::net::TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(!server.is_finished());
    release.send(()).unwrap();
    assert_eq!(within("the answer", request).await.unwrap(), "at last");
    within("the end", server).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tower_http_compresses_limits_and_serves_files() {
    let folder = Folder::new("files");
    let long = "all work and no play\n".repeat(10_000);
    std::fs::write(folder.path().join("long.txt"), &long).unwrap();
    let never = get(|| async { std::future::pending::<&str>().await });
    let limit = tower_http::timeout::TimeoutLayer::with_status_code(axum::http::StatusCode::REQUEST_TIMEOUT, Duration::from_millis(20));
    let app = axum::Router::new()
        .route("/never", never.layer(limit))
        .fallback_service(tower_http::services::ServeDir::new(folder.path()))
        .layer(tower_http::compression::CompressionLayer::new())
        .layer(tower_http::trace::TraceLayer::new_for_http());
    let (address, _stop, _server) = serve(app).await;
    let client = reqwest::Client::new();
    let file = client.get(format!("http://{address}/long.txt")).send().await.unwrap();
    assert_eq!(file.headers()["content-type"], "text/plain");
    assert_eq!(file.text().await.unwrap(), long);
    let part = client.get(format!("http://{address}/long.txt")).header("range", "bytes=21-40").send().await.unwrap();
    assert_eq!((part.status().as_u16(), part.text().await.unwrap()), (206, long[21..41].to_owned()));
    let packed = client.get(format!("http://{address}/long.txt")).header("accept-encoding", "gzip").send().await.unwrap();
    assert_eq!(packed.headers()["content-encoding"], "gzip");
    let packed = packed.bytes().await.unwrap();
    assert!(packed.starts_with(&[0x1f, 0x8b]) && packed.len() < long.len() / 20, "{} bytes", packed.len());
    assert_eq!(client.get(format!("http://{address}/missing")).send().await.unwrap().status(), 404);
    assert_eq!(client.get(format!("http://{address}/never")).send().await.unwrap().status(), 408);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reqwest_speaks_tls_and_http_2() {
    ecosystem::install_crypto();
    let identity = Identity::new();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(identity.server(&[b"h2"])));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let stream = acceptor.accept(stream).await.unwrap();
            let service = hyper_util::service::TowerToHyperService::new(app());
            let builder = hyper_util::server::conn::auto::Builder::new(hyper_util::rt::TokioExecutor::new());
            tokio::spawn(async move {
                let _ = builder.serve_connection(hyper_util::rt::TokioIo::new(stream), service).await;
            });
        }
    });
    let trusted = reqwest::Certificate::from_pem(identity.pem.as_bytes()).unwrap();
    let client = reqwest::Client::builder().tls_certs_only([trusted]).build().unwrap();
    let answers = futures::future::join_all((0..50).map(|n| client.get(format!("https://localhost:{port}/hello/{n}")).send()));
    for (n, answer) in within("50 requests", answers).await.into_iter().enumerate() {
        let answer = answer.unwrap();
        assert_eq!(answer.version(), reqwest::Version::HTTP_2);
        assert_eq!(answer.text().await.unwrap(), format!("hello {n}"));
    }
    let stranger = reqwest::Client::builder().tls_certs_only([]).build().unwrap();
    assert!(stranger.get(format!("https://localhost:{port}/hello/x")).send().await.unwrap_err().is_connect());
}

#[tokio::test]
async fn reqwest_gives_up_in_time_and_streams() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let client = reqwest::Client::builder().timeout(Duration::from_millis(30)).build().unwrap();
    assert!(client.get(format!("http://{address}/")).send().await.unwrap_err().is_timeout());
    drop(listener);

    let body = || {
        let parts = (0..1000).map(|n| Ok::<_, Infallible>(format!("{n},")));
        axum::body::Body::from_stream(futures::stream::iter(parts))
    };
    let (address, _stop, _server) = serve(axum::Router::new().route("/parts", get(move || async move { body() }))).await;
    let mut parts = reqwest::get(format!("http://{address}/parts")).await.unwrap().bytes_stream();
    let mut all = Vec::new();
    while let Some(part) = within("a part", parts.next()).await {
        all.extend_from_slice(&part.unwrap());
    }
    assert_eq!(all, (0..1000).map(|n| format!("{n},")).collect::<String>().into_bytes());
}
