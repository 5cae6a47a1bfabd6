//! What the tests of this workspace share: servers that others wrote, and a certificate of one's own.
//!
//! Each test checks results: a body, a row read back, the bytes of a frame. `tests/ecosystem/run` runs them on our runtime, and with
//! `ORACLE=1` on the real tokio.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// How long anything here may take at most; a hang is a failure.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The future's output, or a failure that names it.
pub async fn within<F: Future>(what: &str, future: F) -> F::Output {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(output) => output,
        Err(_) => panic!("{what} took more than {PATIENCE:?}"),
    }
}

/// A port that nobody listens at, as far as one can know.
pub fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

/// A folder of a test's own, removed at the end.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        static FOLDERS: AtomicUsize = AtomicUsize::new(0);
        let number = FOLDERS.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("ecosystem-{}-{number}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A server that listens at a port of this machine, and ends with this value.
pub struct Server {
    child: Child,
    port: u16,
    folder: Folder,
}

impl Server {
    /// Starts it. `None`: it is not installed, which is said aloud; a failure where `INTEROP_REQUIRED` is set.
    pub fn start(name: &str, command: impl FnOnce(u16, &Path) -> Option<Command>) -> Option<Self> {
        let (port, folder) = (free_port(), Folder::new(name));
        let started = command(port, folder.path()).map(|mut command| {
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).current_dir(folder.path());
            command.spawn()
        });
        let child = match started {
            Some(Ok(child)) => child,
            missing => {
                let why = missing.map_or_else(String::new, |failed| format!(" ({})", failed.err().unwrap()));
                assert!(std::env::var_os("INTEROP_REQUIRED").is_none(), "{name} is not installed{why}");
                eprintln!("NOT RUN: {name} is not installed{why}");
                return None;
            }
        };
        let mut server = Server { child, port, folder };
        server.wait_until_it_listens(name);
        Some(server)
    }

    fn wait_until_it_listens(&mut self, name: &str) {
        let begun = Instant::now();
        while TcpStream::connect(self.address()).is_err() {
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "{name} ended at once: {ended:?}");
            assert!(begun.elapsed() < PATIENCE, "{name} does not listen");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Kills it and starts it again, at the same port.
    pub fn restart(&mut self, name: &str, mut command: Command) {
        self.end();
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).current_dir(self.folder.path());
        self.child = command.spawn().unwrap();
        self.wait_until_it_listens(name);
    }

    fn end(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

pub fn redis(port: u16, folder: &Path) -> Command {
    let mut command = Command::new("redis-server");
    command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
    command.arg("--dir").arg(folder);
    command
}

pub fn nats(port: u16) -> Command {
    let mut command = Command::new("nats-server");
    command.args(["-a", "127.0.0.1", "-p", &port.to_string()]);
    command
}

pub fn mosquitto(port: u16) -> Command {
    let mut command = Command::new("mosquitto");
    command.args(["-p", &port.to_string()]);
    command
}

/// PostgreSQL with an empty database of the user `tester`. It refuses to run as root: then it is its package's user.
pub fn postgres(port: u16, folder: &Path) -> Option<Command> {
    let bin = std::fs::read_dir("/usr/lib/postgresql").ok()?.filter_map(|entry| Some(entry.ok()?.path().join("bin")));
    let bin = bin.filter(|bin| bin.join("initdb").exists()).max()?;
    let is_root = Command::new("id").arg("-u").output().ok()?.stdout == b"0\n";
    let data = folder.join("data");
    let program = |name: &str| {
        let path = bin.join(name);
        if !is_root {
            return Command::new(path);
        }
        let mut command = Command::new("setpriv");
        command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(path);
        command
    };
    if is_root {
        let owned = Command::new("chown").arg("postgres").arg(folder).status().ok()?;
        assert!(owned.success(), "the folder cannot be given to the user postgres");
    }
    let made = program("initdb").args(["-U", "tester", "-A", "trust", "-D"]).arg(&data).current_dir(folder).output().ok()?;
    assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
    let mut command = program("postgres");
    command.args(["-p", &port.to_string(), "-h", "127.0.0.1", "-F", "-k"]).arg(folder).arg("-D").arg(&data);
    Some(command)
}

/// A certificate for `localhost` that nobody but its own test trusts.
pub struct Identity {
    pub certificate: rustls::pki_types::CertificateDer<'static>,
    pub pem: String,
    key: Vec<u8>,
}

impl Identity {
    pub fn new() -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        Identity { certificate: made.cert.der().clone(), pem: made.cert.pem(), key: made.signing_key.serialize_der() }
    }

    pub fn server(&self, protocols: &[&[u8]]) -> rustls::ServerConfig {
        let key = rustls::pki_types::PrivatePkcs8KeyDer::from(self.key.clone()).into();
        let mut config = rustls::ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![self.certificate.clone()], key)
            .unwrap();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        config
    }

    pub fn client(&self, protocols: &[&[u8]]) -> rustls::ClientConfig {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        let mut config = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        config
    }
}

impl Default for Identity {
    fn default() -> Self {
        Identity::new()
    }
}

/// The provider that rustls takes where a crate does not name one.
pub fn install_crypto() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}
