//! The crate redis, and a real server.

use ecosystem::{Server, within};
use futures::StreamExt;
use redis::AsyncCommands;

fn server(name: &str) -> Option<Server> {
    Server::start(name, |port, folder| Some(ecosystem::redis(port, folder)))
}

fn client(server: &Server) -> redis::Client {
    redis::Client::open(format!("redis://{}", server.address())).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_sets_gets_and_pipelines() {
    let Some(server) = server("redis-server") else { return };
    let connection = client(&server).get_multiplexed_async_connection().await.unwrap();
    let tasks: Vec<_> = (0..50)
        .map(|n| {
            let mut connection = connection.clone();
            tokio::spawn(async move {
                let () = connection.set(format!("key {n}"), n * n).await.unwrap();
                connection.get::<_, u64>(format!("key {n}")).await.unwrap()
            })
        })
        .collect();
    for (n, task) in tasks.into_iter().enumerate() {
        assert_eq!(within("a task", task).await.unwrap(), (n * n) as u64);
    }
    let mut connection = connection;
    let mut pipe = redis::pipe();
    pipe.atomic();
    for n in 0..1000 {
        pipe.incr("sum", n).ignore();
    }
    let (sum,): (u64,) = pipe.get("sum").query_async(&mut connection).await.unwrap();
    assert_eq!(sum, 499_500);
    let large = vec![9_u8; 3_000_000];
    let () = connection.set("large", &large[..]).await.unwrap();
    assert!(connection.get::<_, Vec<u8>>("large").await.unwrap() == large);
    let wrong: redis::RedisResult<u64> = connection.lpop("sum", None).await;
    assert!(wrong.unwrap_err().to_string().contains("WRONGTYPE"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_publishes_to_subscribers() {
    let Some(server) = server("redis-server") else { return };
    let mut subscriber = client(&server).get_async_pubsub().await.unwrap();
    subscriber.subscribe("news").await.unwrap();
    subscriber.psubscribe("log.*").await.unwrap();
    let mut connection = client(&server).get_multiplexed_async_connection().await.unwrap();
    let mut messages = subscriber.into_on_message();
    for n in 0..100 {
        let heard: u32 = connection.publish(if n % 2 == 0 { "news" } else { "log.x" }, n).await.unwrap();
        assert_eq!(heard, 1);
        let message = within("a message", messages.next()).await.unwrap();
        assert_eq!(message.get_payload::<u32>().unwrap(), n);
        assert_eq!(message.get_channel_name(), if n % 2 == 0 { "news" } else { "log.x" });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_comes_back_after_its_server_was_killed() {
    let Some(mut server) = server("redis-server") else { return };
    let mut manager = client(&server).get_connection_manager().await.unwrap();
    let () = manager.set("before", 1).await.unwrap();
    let command = ecosystem::redis(server.port(), server.folder());
    tokio::task::spawn_blocking(move || {
        server.restart("redis-server", command);
        server
    })
    .await
    .map(|server| async move {
        within("the new connection", async {
            while manager.set::<_, _, ()>("after", 2).await.is_err() {
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
        })
        .await;
        assert_eq!(manager.get::<_, Option<u32>>("before").await.unwrap(), None);
        assert_eq!(manager.get::<_, Option<u32>>("after").await.unwrap(), Some(2));
        drop(server);
    })
    .unwrap()
    .await;
}
