//! The client's process: so many connections at any time, each for a short life of exchanges, some of them with a fault.

use super::conductor::{SPARES_STAY, orders, tell};
use super::report::Counts;
use super::server::{SOCKET_BUFFER, all_descriptors};
use super::stream::Stream;
use runtime::io::{AsyncReadExt, AsyncWriteExt};
use runtime::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use runtime::net::{TcpSocket, TcpStream};
use runtime::sync::watch;
use runtime::task::JoinSet;
use runtime::time::{sleep, timeout};
use runtime_tests::{Flavor, Rng, wait_until};
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const PIECE: usize = 4 << 10;

/// A step that takes longer hangs. The longest fault takes 5 s.
const PATIENCE: Duration = Duration::from_secs(40);

/// What each connection looks at between two exchanges.
#[derive(Clone, Copy, Debug, Default)]
struct Mood {
    running: bool,
    /// Counts the faults; a connection asks itself once per fault whether it is hit.
    number: u64,
    fault: Fault,
}

#[derive(Clone, Copy, Debug, Default)]
enum Fault {
    #[default]
    None,
    Reset,
    HalfClose,
    Stall,
}

/// What all connections have in common.
struct World {
    address: SocketAddr,
    connections: usize,
    counts: Counts,
    mood: watch::Sender<Mood>,
    numbers: AtomicU64,
}

/// Until the conductor closes the pipe.
pub(crate) fn run() {
    all_descriptors();
    let orders = orders();
    let variable = |name: &str| std::env::var(name).unwrap_or_else(|_| panic!("the conductor sets {name}"));
    let mut dice = Rng::new(variable("SOAK_SEED").parse().expect("a seed"));
    let world: &'static World = Box::leak(Box::new(World {
        address: variable("SOAK_ADDRESS").parse().expect("an address"),
        connections: variable("SOAK_CONNECTIONS").parse().expect("a number"),
        counts: Counts::default(),
        mood: watch::Sender::new(Mood::default()),
        numbers: AtomicU64::new(0),
    }));
    let runtime =
        Flavor::MultiThread(2).builder().enable_all().thread_keep_alive(SPARES_STAY).build().expect("no runtime");
    let mut slots = JoinSet::new();
    let fault = |fault| world.mood.send_modify(|mood| *mood = Mood { fault, number: mood.number + 1, ..*mood });
    for order in orders {
        match order.as_str() {
            "go" => {
                world.mood.send_modify(|mood| mood.running = true);
                for _ in 0..world.connections {
                    slots.spawn_on(slot(world, Rng::new(dice.bits())), runtime.handle());
                }
            }
            "reset" => fault(Fault::Reset),
            "half-close" => fault(Fault::HalfClose),
            "stall" => fault(Fault::Stall),
            "rest" => {
                world.mood.send_modify(|mood| mood.running = false);
                while let Some(slot) = runtime.block_on(slots.join_next()) {
                    slot.expect("a slot's task");
                }
                wait_until("every task to end", || runtime.metrics().num_alive_tasks() == 0);
                tell(&format!("quiet {}", world.counts.report().line()));
            }
            other => panic!("no such order: {other}"),
        }
    }
}

/// One connection after the other.
async fn slot(world: &'static World, mut dice: Rng) {
    while world.mood.borrow().running {
        let number = world.numbers.fetch_add(1, Ordering::Relaxed);
        match life(world, number, &mut dice).await {
            Ok(End::Clean) => Counts::add(&world.counts.clean, 1),
            Ok(End::Reset) => Counts::add(&world.counts.resets, 1),
            Err(error) => world.counts.wrong(format_args!("connection {number}, at the client: {error}")),
        }
    }
}

enum End {
    Clean,
    Reset,
}

/// A step, with an error that names it if it hangs: a wake was lost.
async fn soon<T>(what: &str, step: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    timeout(PATIENCE, step).await.unwrap_or_else(|_| Err(io::Error::other(format!("{what} hangs"))))
}

async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.set_send_buffer_size(SOCKET_BUFFER)?;
    socket.set_recv_buffer_size(SOCKET_BUFFER)?;
    socket.connect(address).await
}

async fn life(world: &World, number: u64, dice: &mut Rng) -> io::Result<End> {
    let stream = soon("connecting", connect(world.address)).await?;
    let mut line = Line::new(world, number, stream).await?;
    let mut seen = world.mood.borrow().number;
    for _ in 0..1 + dice.below(20) {
        let mood = *world.mood.borrow();
        if !mood.running {
            break;
        }
        // About fifty connections are hit, or one in four.
        let hit =
            std::mem::replace(&mut seen, mood.number) != mood.number && dice.one_in(4.max(world.connections / 50));
        let size = if dice.one_in(10) { 64 << 10 } else { 1 } + dice.below(8 << 10);
        match mood.fault {
            Fault::Reset if hit => return line.reset(size).await,
            Fault::HalfClose if hit => {
                let end = line.close(size + (64 << 10)).await?;
                Counts::add(&world.counts.half_closes, 1);
                return Ok(end);
            }
            // More than the buffers between both ends hold.
            Fault::Stall if hit => {
                line.exchange(size + (1 << 20), Duration::from_millis(300)).await?;
                Counts::add(&world.counts.stalls, 1);
            }
            _ => line.exchange(size, Duration::ZERO).await?,
        }
        // So many exchanges per second in all, whatever the number of connections is.
        sleep(Duration::from_millis(dice.below(1 + world.connections / 2) as u64)).await;
    }
    line.close(0).await
}

/// A connection, and how far both streams are.
struct Line<'a> {
    counts: &'a Counts,
    reader: OwnedReadHalf,
    writer: OwnedWriteHalf,
    ours: Stream,
    theirs: Stream,
}

impl<'a> Line<'a> {
    async fn new(world: &'a World, number: u64, stream: TcpStream) -> io::Result<Line<'a>> {
        stream.set_nodelay(true)?;
        let (reader, mut writer) = stream.into_split();
        soon("the first write", writer.write_u64(number)).await?;
        let (ours, theirs) = (Stream::to_server(number), Stream::to_client(number));
        Ok(Line { counts: &world.counts, reader, writer, ours, theirs })
    }

    /// Sends so many bytes and reads as many, both at once; reading begins later if it stalls.
    async fn exchange(&mut self, size: usize, stall: Duration) -> io::Result<()> {
        let Line { counts, reader, writer, ours, theirs } = self;
        let back = async {
            sleep(stall).await;
            read(counts, reader, theirs, size).await
        };
        let both = async { runtime::try_join!(write(writer, ours, size), back) };
        soon("an exchange", both).await.map(|((), ())| ())
    }

    /// Sends so many bytes more and says that it was all, while the answers still come; then nothing may follow.
    async fn close(mut self, size: usize) -> io::Result<End> {
        let Line { counts, reader, writer, ours, theirs } = &mut self;
        let send = async {
            write(writer, ours, size).await?;
            writer.shutdown().await
        };
        let back = async {
            read(counts, reader, theirs, size).await?;
            reader.read(&mut [0]).await
        };
        let ((), more) = soon("closing", async { runtime::try_join!(send, back) }).await?;
        match (more, self.ours.offset() == self.theirs.offset()) {
            (0, true) => Ok(End::Clean),
            _ => Err(io::Error::other("there came more than was sent")),
        }
    }

    /// Cuts the connection while bytes are on their way in both directions.
    async fn reset(mut self, size: usize) -> io::Result<End> {
        soon("the last write", write(&mut self.writer, &mut self.ours, size)).await?;
        self.reader.as_ref().set_zero_linger()?;
        // Dropping this half would say the orderly end first.
        self.writer.forget();
        Ok(End::Reset)
    }
}

async fn write(writer: &mut OwnedWriteHalf, ours: &mut Stream, size: usize) -> io::Result<()> {
    let (mut buffer, mut left) = (vec![0; PIECE.min(size)], size);
    while left > 0 {
        let piece = &mut buffer[..left.min(PIECE)];
        ours.fill(piece);
        writer.write_all(piece).await?;
        left -= piece.len();
    }
    Ok(())
}

async fn read(counts: &Counts, reader: &mut OwnedReadHalf, theirs: &mut Stream, size: usize) -> io::Result<()> {
    let (mut buffer, mut left) = (vec![0; PIECE.min(size)], size);
    while left > 0 {
        let read = reader.read(&mut buffer[..left.min(PIECE)]).await?;
        if read == 0 {
            return Err(io::Error::other(format!("{left} bytes are lost: the end came after {}", theirs.offset())));
        }
        if let Err(misplaced) = theirs.check(&buffer[..read]) {
            counts.wrong(format_args!("at the client: {misplaced:?}"));
        }
        Counts::add(&counts.verified, read as u64);
        left -= read;
    }
    Ok(())
}
