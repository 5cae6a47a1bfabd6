//! Names and addresses, and connecting to hosts with several.

use runtime::net::{TcpListener, TcpStream, ToSocketAddrs, lookup_host};
use runtime_tests::{Flavor, for_each_flavor, watchdog};
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

for_each_flavor!(names, every_kind_of_address, no_port);

async fn all(host: impl ToSocketAddrs) -> Vec<SocketAddr> {
    lookup_host(host).await.unwrap().collect()
}

fn names(flavor: Flavor) {
    flavor.build().block_on(async {
        let found = all("localhost:80").await;
        assert!(!found.is_empty() && found.iter().all(|address| address.port() == 80 && address.ip().is_loopback()));
        assert_eq!(found, all(("localhost", 80)).await);
        assert_eq!(found, all(("localhost".to_owned(), 80)).await);
        assert_eq!(found, all(&"localhost:80".to_owned()).await);
        assert!(lookup_host("there.is.no.such.host.invalid:80").await.is_err());
        let listener = TcpListener::bind("localhost:0").await.unwrap();
        TcpStream::connect(("localhost", listener.local_addr().unwrap().port())).await.unwrap();
    });
}

fn every_kind_of_address(flavor: Flavor) {
    flavor.build().block_on(async {
        let (v4, v6) = (Ipv4Addr::LOCALHOST, Ipv6Addr::LOCALHOST);
        let (four, six) = (SocketAddr::from((v4, 1)), SocketAddr::from((v6, 1)));
        assert_eq!(all(four).await, [four]);
        assert_eq!(all(SocketAddrV4::new(v4, 1)).await, [four]);
        assert_eq!(all(SocketAddrV6::new(v6, 1, 0, 0)).await, [six]);
        assert_eq!(all((IpAddr::from(v4), 1)).await, [four]);
        assert_eq!(all((v4, 1)).await, [four]);
        assert_eq!(all((v6, 1)).await, [six]);
        assert_eq!(all(&[four, six][..]).await, [four, six]);
        assert_eq!(all("127.0.0.1:1").await, [four]);
        assert_eq!(all("[::1]:1").await, [six]);
        assert_eq!(all(("127.0.0.1", 1)).await, [four]);
        assert_eq!(all(("::1", 1)).await, [six]);
        assert_eq!(all("127.0.0.1:1".to_owned()).await, [four]);
    });
}

fn no_port(flavor: Flavor) {
    flavor.build().block_on(async {
        for text in ["localhost", "127.0.0.1", "localhost:port", ""] {
            let error = lookup_host(text).await.map(drop).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{text}");
        }
    });
}

/// A literal needs no thread, and not even a runtime.
#[test]
fn literals_stay_on_the_thread() {
    let _watch = watchdog();
    let mut lookup = std::pin::pin!(lookup_host("127.0.0.1:1"));
    assert!(runtime_tests::poll_once(&mut lookup).is_ready());
}

/// A name does, and the panic speaks of the lookup, not of the pool it would have gone to.
#[test]
fn a_name_outside_of_a_runtime() {
    let _watch = watchdog();
    let mut lookup = std::pin::pin!(lookup_host("localhost:1"));
    let panic = runtime_tests::catch(|| runtime_tests::poll_once(&mut lookup)).map(drop).unwrap_err();
    // tokio speaks of the pool.
    #[cfg(not(feature = "oracle"))]
    for word in ["no runtime here", "net::lookup_host", "block_on"] {
        assert!(panic.message.contains(word), "{}", panic.message);
    }
    drop(panic);
}

// beyond tokio
#[cfg(not(feature = "oracle"))]
mod happy {
    use super::*;
    use runtime::net::connect_happy;
    use std::time::{Duration, Instant};

    for_each_flavor!(the_first_that_answers, all_refuse, silence_does_not_hold_up);

    fn the_first_that_answers(flavor: Flavor) {
        flavor.build().block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            assert_eq!(connect_happy(address).await.unwrap().peer_addr().unwrap(), address);
            // Refused at once, so the next one's turn comes at once.
            let nobody = SocketAddr::from((Ipv6Addr::LOCALHOST, address.port()));
            let before = Instant::now();
            let stream = connect_happy(&[nobody, nobody, nobody, nobody, address][..]).await.unwrap();
            assert_eq!(stream.peer_addr().unwrap(), address);
            assert!(before.elapsed() < Duration::from_millis(700), "{:?}", before.elapsed());
            connect_happy(("localhost", address.port())).await.unwrap();
        });
    }

    fn all_refuse(flavor: Flavor) {
        flavor.build().block_on(async {
            let udp = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
            let nobody = udp.local_addr().unwrap();
            let error = connect_happy(&[nobody, nobody][..]).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
            let nowhere: &[SocketAddr] = &[];
            assert_eq!(connect_happy(nowhere).await.unwrap_err().kind(), ErrorKind::InvalidInput);
        });
    }

    /// A listener that accepts nothing and whose queue is full: the system lets connections to it wait.
    fn silence_does_not_hold_up(flavor: Flavor) {
        flavor.build().block_on(async {
            let silent = runtime::net::TcpSocket::new_v4().unwrap();
            silent.bind("127.0.0.1:0".parse().unwrap()).unwrap();
            let silent = silent.listen(0).unwrap();
            let silence = silent.local_addr().unwrap();
            let mut waiting = Vec::new();
            loop {
                let late = runtime::time::sleep(Duration::from_millis(100));
                runtime::select! {
                    stream = TcpStream::connect(silence) => waiting.push(stream.unwrap()),
                    () = late => break,
                }
                assert!(waiting.len() < 10, "it answers for ever");
            }
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let before = Instant::now();
            let stream = connect_happy(&[silence, address][..]).await.unwrap();
            assert_eq!(stream.peer_addr().unwrap(), address);
            let took = before.elapsed();
            assert!(took >= Duration::from_millis(250) && took < Duration::from_millis(900), "{took:?}");
        });
    }
}
