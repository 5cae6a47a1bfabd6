//! TLS on both ends of a connection: a session of rustls, and what it needs of a stream.
//!
//! Owns: the echo in the server (one text for every peer: only `Wire` is the peer's), sessions for clients.
//! Not here: the clients' loop (`load`), who accepts (`tokio_servers`, `smol_server`).
//!
//! It does to the stream what tokio-rustls does: reads of a few KiB, as rustls asks for them, until a record is whole or
//! the stream would block, and one write of all slices of an answer. That crate itself speaks tokio's traits only.

use std::future::poll_fn;
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection};

use crate::Wrong;

/// Certificate and key. It says itself that it is no secret.
const PEM: &[u8] = include_bytes!("tls_test_only.pem");
/// Whom the certificate is for.
const NAME: &str = "localhost";

/// A peer's stream.
pub(crate) trait Wire {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>>;
    fn poll_write(&mut self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>>;
}

/// A stream inside a poll, as a session sees it: it says `WouldBlock` where the stream is pending.
struct Polled<'p, 'c, W> {
    wire: &'p mut W,
    cx: &'p mut Context<'c>,
}

fn or_would_block<T>(poll: Poll<io::Result<T>>) -> io::Result<T> {
    match poll {
        Poll::Ready(done) => done,
        Poll::Pending => Err(ErrorKind::WouldBlock.into()),
    }
}

fn or_pending<T>(result: io::Result<T>) -> Poll<io::Result<T>> {
    match result {
        Err(error) if error.kind() == ErrorKind::WouldBlock => Poll::Pending,
        done => Poll::Ready(done),
    }
}

impl<W: Wire> Read for Polled<'_, '_, W> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        or_would_block(self.wire.poll_read(self.cx, buffer))
    }
}

impl<W: Wire> Write for Polled<'_, '_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(bytes)])
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        or_would_block(self.wire.poll_write(self.cx, slices))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Shakes hands, then sends back what comes, through a buffer of so many bytes, until the client goes.
pub(crate) async fn echo(mut wire: impl Wire, buffer: usize) -> io::Result<()> {
    let mut session = ServerConnection::new(server_config()?).map_err(io::Error::other)?;
    let mut buffer = vec![0; buffer];
    poll_fn(|cx| {
        loop {
            let mut stream = Polled { wire: &mut wire, cx };
            // All of an answer is gone before the next piece is taken, so the session never holds more than one.
            while session.wants_write() {
                ready!(or_pending(session.write_tls(&mut stream)))?;
            }
            match session.reader().read(&mut buffer) {
                Ok(0) => return Poll::Ready(Ok(())),
                Ok(got) => session.writer().write_all(&buffer[..got])?,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    ready!(or_pending(session.read_tls(&mut stream)))?;
                    session.process_new_packets().map_err(io::Error::other)?;
                }
                // A client that goes without a word is no failure here.
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Poll::Ready(Ok(())),
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    })
    .await
}

/// A client's side, before its first message.
pub(crate) fn client() -> Result<ClientConnection, Wrong> {
    static CONFIG: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    let failed = |error: rustls::Error| Wrong(format!("a client cannot speak TLS: {error}"));
    let config = match CONFIG.get() {
        Some(config) => config.clone(),
        None => {
            let mut roots = RootCertStore::empty();
            roots.add(certificate().map_err(|error| Wrong(error.to_string()))?).map_err(failed)?;
            let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
            CONFIG.get_or_init(|| Arc::new(config)).clone()
        }
    };
    let name = ServerName::try_from(NAME).map_err(|error| Wrong(error.to_string()))?;
    ClientConnection::new(config, name).map_err(failed)
}

fn server_config() -> io::Result<Arc<ServerConfig>> {
    static CONFIG: OnceLock<Arc<ServerConfig>> = OnceLock::new();
    if let Some(config) = CONFIG.get() {
        return Ok(config.clone());
    }
    let key = PrivateKeyDer::from_pem_slice(PEM).map_err(io::Error::other)?;
    let builder = ServerConfig::builder().with_no_client_auth();
    let config = builder.with_single_cert(vec![certificate()?], key).map_err(io::Error::other)?;
    Ok(CONFIG.get_or_init(|| Arc::new(config)).clone())
}

fn certificate() -> io::Result<CertificateDer<'static>> {
    CertificateDer::from_pem_slice(PEM).map_err(io::Error::other)
}
