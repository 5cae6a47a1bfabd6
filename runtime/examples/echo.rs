//! Sends every byte back to whoever sent it: `cargo run --release --example echo`, then `nc 127.0.0.1 7000`.
//!
//! Another address goes behind a `--`: `cargo run --release --example echo -- 0.0.0.0:9000`.

use runtime::io::copy;
use runtime::net::{TcpListener, TcpStream};
use std::io;
use std::process::ExitCode;

#[runtime::main]
async fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:7000".into());
    if address.starts_with('-') || arguments.next().is_some() {
        eprintln!("usage: echo [ADDRESS:PORT]");
        return ExitCode::FAILURE;
    }
    match serve(&address).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("echo: cannot listen on {address}: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(address: &str) -> io::Result<()> {
    let listener = TcpListener::bind(address).await?;
    println!("listening on {}", listener.local_addr()?);
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                runtime::spawn(async move {
                    if let Err(error) = echo(stream).await {
                        eprintln!("echo: {peer}: {error}");
                    }
                });
            }
            // A connection that was gone before its turn, or no descriptors left: `accept` itself waits a little in
            // that case, so that this loop does not spin.
            Err(error) => eprintln!("echo: cannot accept: {error}"),
        }
    }
}

async fn echo(mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (mut reader, mut writer) = stream.split();
    copy(&mut reader, &mut writer).await?;
    Ok(())
}
