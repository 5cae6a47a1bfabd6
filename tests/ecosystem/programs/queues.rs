//! Message brokers: NATS and MQTT.

use ecosystem::{Server, within};
use futures::StreamExt;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nats_publishes_and_requests() {
    let Some(server) = Server::start("nats-server", |port, _| Some(ecosystem::nats(port))) else { return };
    let client = async_nats::connect(server.address().to_string()).await.unwrap();
    let mut numbers = client.subscribe("numbers.*").await.unwrap();
    for n in 0..500 {
        client.publish(format!("numbers.{n}"), n.to_string().into()).await.unwrap();
    }
    client.flush().await.unwrap();
    for n in 0..500 {
        let message = within("a message", numbers.next()).await.unwrap();
        assert_eq!((message.subject.as_str(), &message.payload[..]), (&*format!("numbers.{n}"), n.to_string().as_bytes()));
    }
    let mut questions = client.subscribe("double").await.unwrap();
    let answers = client.clone();
    tokio::spawn(async move {
        while let Some(question) = questions.next().await {
            let n: u32 = str::from_utf8(&question.payload).unwrap().parse().unwrap();
            answers.publish(question.reply.unwrap(), (2 * n).to_string().into()).await.unwrap();
        }
    });
    for n in 0..50_u32 {
        let answer = within("an answer", client.request("double", n.to_string().into())).await.unwrap();
        assert_eq!(answer.payload, (2 * n).to_string());
    }
    let nobody = client.request("nobody", "".into()).await.unwrap_err();
    assert_eq!(nobody.kind(), async_nats::RequestErrorKind::NoResponders);
    within("the end", client.drain()).await.unwrap();
}

#[tokio::test]
async fn mqtt_delivers_in_order() {
    let Some(server) = Server::start("mosquitto", |port, _| Some(ecosystem::mosquitto(port))) else { return };
    let options = rumqttc::MqttOptions::new("tester", "127.0.0.1", server.port());
    let (client, mut events) = rumqttc::AsyncClient::new(options, 10);
    client.subscribe("numbers", rumqttc::QoS::AtLeastOnce).await.unwrap();
    let publisher = tokio::spawn(async move {
        for n in 0..100_u32 {
            client.publish("numbers", rumqttc::QoS::AtLeastOnce, false, n.to_string()).await.unwrap();
        }
        client
    });
    let mut received = Vec::new();
    while received.len() < 100 {
        if let rumqttc::Event::Incoming(rumqttc::Packet::Publish(message)) = within("an event", events.poll()).await.unwrap() {
            received.push(str::from_utf8(&message.payload).unwrap().parse::<u32>().unwrap());
        }
    }
    assert_eq!(received, (0..100).collect::<Vec<_>>());
    publisher.await.unwrap().disconnect().await.unwrap();
    within("the end", async { while events.poll().await.is_ok() {} }).await;
}
