//! Remote calls: tonic and tarpc.

use ecosystem::within;
use futures::StreamExt;
use tarpc::server::Channel as _;
use tokio::net::TcpListener;
use tonic_health::ServingStatus;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

/// The service that tonic brings along has a call with one answer and a call with a stream of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tonic_answers_and_streams() {
    let (reporter, service) = tonic_health::server::health_reporter();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let incoming = tokio_stream::wrappers::TcpListenerStream::new(listener);
    let server = tonic::transport::Server::builder().add_service(service).serve_with_incoming_shutdown(incoming, async {
        let _ = stopped.await;
    });
    let server = tokio::spawn(server);
    let channel = tonic::transport::Channel::from_shared(format!("http://{address}")).unwrap();
    let mut client = HealthClient::new(within("the connection", channel.connect()).await.unwrap());
    let request = || HealthCheckRequest { service: "shop".to_owned() };

    let unknown = client.check(request()).await.unwrap_err();
    assert_eq!(unknown.code(), tonic::Code::NotFound);
    reporter.set_service_status("shop", ServingStatus::Serving).await;
    let answer = within("an answer", client.check(request())).await.unwrap();
    assert_eq!(answer.into_inner().status, ServingStatus::Serving as i32);

    let mut changes = client.watch(request()).await.unwrap().into_inner();
    for status in [ServingStatus::NotServing, ServingStatus::Serving, ServingStatus::NotServing] {
        let seen = within("a message", changes.next()).await.unwrap().unwrap();
        assert_ne!(seen.status, status as i32);
        reporter.set_service_status("shop", status).await;
    }
    let last = within("the last message", changes.next()).await.unwrap().unwrap();
    assert_eq!(last.status, ServingStatus::NotServing as i32);
    drop((changes, client));
    stop.send(()).unwrap();
    within("the end", server).await.unwrap().unwrap();
}

#[tarpc::service]
trait Library {
    async fn title(number: u32) -> Option<String>;
    async fn never() -> u32;
}

#[derive(Clone)]
struct Shelf;

impl Library for Shelf {
    async fn title(self, _: tarpc::context::Context, number: u32) -> Option<String> {
        tokio::task::yield_now().await;
        number.is_multiple_of(2).then(|| format!("volume {number}"))
    }

    async fn never(self, _: tarpc::context::Context) -> u32 {
        std::future::pending().await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tarpc_calls_over_tcp_and_gives_up_in_time() {
    use tarpc::tokio_serde::formats::Json;
    let mut incoming = tarpc::serde_transport::tcp::listen("127.0.0.1:0", Json::default).await.unwrap();
    let address = incoming.local_addr();
    tokio::spawn(async move {
        let transport = incoming.next().await.unwrap().unwrap();
        let channel = tarpc::server::BaseChannel::with_defaults(transport);
        channel.execute(Shelf.serve()).for_each_concurrent(None, |call| call).await;
    });
    let transport = tarpc::serde_transport::tcp::connect(address, Json::default).await.unwrap();
    let client = LibraryClient::new(tarpc::client::Config::default(), transport).spawn();
    let calls = futures::future::join_all((0..200).map(|number| client.title(tarpc::context::current(), number)));
    for (number, title) in within("200 calls", calls).await.into_iter().enumerate() {
        assert_eq!(title.unwrap(), number.is_multiple_of(2).then(|| format!("volume {number}")));
    }
    let mut context = tarpc::context::current();
    context.deadline = std::time::Instant::now() + std::time::Duration::from_millis(20);
    let late = within("the deadline", client.never(context)).await;
    assert!(matches!(late, Err(tarpc::client::RpcError::DeadlineExceeded)), "{late:?}");
}
