//! Files to sockets.

use crate::net_tcp::pair;
use crate::net_unix::Place;
use runtime::io::AsyncReadExt;
use runtime::net::sendfile;
use runtime_tests::{Flavor, for_each_flavor, poll_once};
use std::fs::File;
use std::pin::pin;

for_each_flavor!(all_of_it, a_part_of_it, given_up_half_way, nobody_reads);

fn numbered(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at / 251 + at) as u8).collect()
}

fn file(place: &Place, bytes: &[u8]) -> File {
    std::fs::write(place.at("file"), bytes).unwrap();
    File::open(place.at("file")).unwrap()
}

fn all_of_it(flavor: Flavor) {
    let place = Place::new();
    flavor.build().block_on(async {
        let bytes = numbered(3_000_000);
        let file = file(&place, &bytes);
        let (mut client, server) = pair().await;
        let sender = runtime::spawn(async move {
            let mut offset = 0;
            let (_read, write) = server.into_split();
            assert_eq!(sendfile(&write, &file, &mut offset, u64::MAX).await.unwrap(), 3_000_000);
            assert_eq!(offset, 3_000_000);
            assert_eq!(sendfile(&write, &file, &mut offset, u64::MAX).await.unwrap(), 0);
        });
        let mut all = Vec::new();
        client.read_to_end(&mut all).await.unwrap();
        sender.await.unwrap();
        assert!(all == bytes);
    });
}

fn a_part_of_it(flavor: Flavor) {
    let place = Place::new();
    flavor.build().block_on(async {
        let bytes = numbered(10_000);
        let file = file(&place, &bytes);
        let (mut client, server) = pair().await;
        let mut offset = 1000;
        assert_eq!(sendfile(&server, &file, &mut offset, 0).await.unwrap(), 0);
        assert_eq!(sendfile(&server, &file, &mut offset, 500).await.unwrap(), 500);
        assert_eq!(sendfile(&server, &file, &mut offset, 20_000).await.unwrap(), 8500);
        assert_eq!(offset, 10_000);
        drop(server);
        let mut all = Vec::new();
        client.read_to_end(&mut all).await.unwrap();
        assert!(all == bytes[1000..]);
    });
}

fn given_up_half_way(flavor: Flavor) {
    let place = Place::new();
    flavor.build().block_on(async {
        let bytes = numbered(20_000_000);
        let file = file(&place, &bytes);
        let (mut client, server) = pair().await;
        server.writable().await.unwrap();
        let mut offset = 0;
        // Nobody reads: it must wait when the buffers are full.
        assert!(poll_once(&mut pin!(sendfile(&server, &file, &mut offset, u64::MAX))).is_pending());
        assert!(offset > 0 && offset < 20_000_000, "{offset}");
        let receiver = runtime::spawn(async move {
            let mut all = Vec::new();
            client.read_to_end(&mut all).await.unwrap();
            all
        });
        sendfile(&server, &file, &mut offset, u64::MAX).await.unwrap();
        drop(server);
        assert!(receiver.await.unwrap() == bytes);
    });
}

fn nobody_reads(flavor: Flavor) {
    let place = Place::new();
    flavor.build().block_on(async {
        let file = file(&place, &numbered(10_000_000));
        let (client, server) = pair().await;
        client.set_zero_linger().unwrap();
        drop(client);
        let mut offset = 0;
        assert!(sendfile(&server, &file, &mut offset, u64::MAX).await.is_err());
    });
}
