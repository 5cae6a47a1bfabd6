//! Passes connections on to another server, both ways: `cargo run --release --example proxy -- LISTEN TARGET`.
//!
//! For instance in front of the `server` example: `… --example proxy -- 127.0.0.1:7001 127.0.0.1:8080`, then
//! `curl http://127.0.0.1:7001/`. A target's name is looked up for each connection.

use runtime::io::copy_bidirectional;
use runtime::net::{TcpListener, TcpStream};
use runtime::time::timeout;
use std::io;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

const CONNECT_MAX: Duration = Duration::from_secs(10);

#[runtime::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [listen, target] = &arguments[..] else {
        eprintln!("usage: proxy LISTEN TARGET, each an ADDRESS:PORT");
        return ExitCode::FAILURE;
    };
    match serve(listen, target).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("proxy: cannot listen on {listen}: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(listen: &str, target: &str) -> io::Result<()> {
    let listener = TcpListener::bind(listen).await?;
    println!("listening on {}", listener.local_addr()?);
    let target: Arc<str> = target.into();
    loop {
        match listener.accept().await {
            Ok((client, peer)) => {
                let target = target.clone();
                runtime::spawn(async move {
                    match pass_on(client, &target).await {
                        Ok((up, down)) => println!("{peer}: {up} bytes there, {down} bytes back"),
                        Err(error) => eprintln!("proxy: {peer}: {error}"),
                    }
                });
            }
            // Out of descriptors, perhaps; `accept` then waits a little by itself.
            Err(error) => eprintln!("proxy: cannot accept: {error}"),
        }
    }
}

/// Until both sides have said all they had to say. A side that ends early is told to the other one, which may go on.
async fn pass_on(mut client: TcpStream, target: &str) -> io::Result<(u64, u64)> {
    let connected = timeout(CONNECT_MAX, TcpStream::connect(target)).await;
    let connected = connected.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
    let mut server =
        connected.map_err(|error| io::Error::new(error.kind(), format!("cannot reach {target}: {error}")))?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    copy_bidirectional(&mut client, &mut server).await
}
