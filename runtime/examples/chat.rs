//! A room to talk in: `cargo run --release --example chat`, then `nc 127.0.0.1 7002` from two or more terminals.
//!
//! The first line is your name. A broadcast channel carries each line to every member; who reads too slowly is told how
//! much was missed, and holds up nobody.

use runtime::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use runtime::net::{TcpListener, TcpStream};
use runtime::sync::broadcast::{self, error::RecvError};
use std::io;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How many lines wait for a member who reads slowly.
const BACKLOG: usize = 256;
const LINE_MAX: usize = 1024;

/// A line of text and the number of the member who said it.
type Said = (u64, Arc<str>);

#[runtime::main]
async fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:7002".into());
    if address.starts_with('-') || arguments.next().is_some() {
        eprintln!("usage: chat [ADDRESS:PORT]");
        return ExitCode::FAILURE;
    }
    match serve(&address).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("chat: cannot listen on {address}: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(address: &str) -> io::Result<()> {
    let listener = TcpListener::bind(address).await?;
    println!("listening on {}", listener.local_addr()?);
    let (room, _) = broadcast::channel(BACKLOG);
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                let room = room.clone();
                runtime::spawn(async move {
                    if let Err(error) = member(stream, room).await {
                        eprintln!("chat: {peer}: {error}");
                    }
                });
            }
            // Out of descriptors, perhaps; `accept` then waits a little by itself.
            Err(error) => eprintln!("chat: cannot accept: {error}"),
        }
    }
}

/// One connection, from the name to the farewell.
async fn member(mut stream: TcpStream, room: broadcast::Sender<Said>) -> io::Result<()> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let say = |text: String| {
        // An error means that nobody listens, which is nobody's fault.
        let _ = room.send((number, text.into()));
    };

    let (reader, mut writer) = stream.split();
    let mut reader = BufReader::new(reader);
    writer.write_all(b"your name? ").await?;
    let Some(name) = line(&mut reader).await? else { return Ok(()) };
    let heard = room.subscribe();
    writer.write_all(format!("welcome, {name}\n").as_bytes()).await?;
    say(format!("* {name} comes in\n"));

    // Both directions at once. When one ends, the other is dropped wherever it waits: nobody is left to miss it.
    let speaking = async {
        while let Some(text) = line(&mut reader).await? {
            say(format!("{name}: {text}\n"));
        }
        Ok(())
    };
    let ended = runtime::select! {
        ended = speaking => ended,
        ended = hear(number, heard, &mut writer) => ended,
    };
    say(format!("* {name} leaves\n"));
    ended
}

/// The next line as text, without its end; `None` when there is no further one.
async fn line(reader: &mut BufReader<impl AsyncRead + Unpin>) -> io::Result<Option<String>> {
    let mut bytes = Vec::new();
    // One line must not fill the memory: what is longer is an error, not a line.
    let read = reader.take(LINE_MAX as u64).read_until(b'\n', &mut bytes).await?;
    if read == LINE_MAX && !bytes.ends_with(b"\n") {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("a line of more than {LINE_MAX} bytes")));
    }
    // Nor may it move the cursor of somebody's terminal.
    Ok((read > 0).then(|| String::from_utf8_lossy(&bytes).replace(char::is_control, "")))
}

/// Writes down what the others say.
async fn hear(
    number: u64,
    mut heard: broadcast::Receiver<Said>,
    writer: &mut (impl AsyncWrite + Unpin),
) -> io::Result<()> {
    loop {
        match heard.recv().await {
            Ok((who, _)) if who == number => {}
            Ok((_, text)) => writer.write_all(text.as_bytes()).await?,
            Err(RecvError::Lagged(missed)) => {
                writer.write_all(format!("* you missed {missed} lines\n").as_bytes()).await?
            }
            Err(RecvError::Closed) => return Ok(()),
        }
    }
}
