//! What the driver's own steps cost, in nanoseconds. `--quick` for a short run; other arguments are name filters.

use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use io_driver::{Direction, Driver, Events, Interest};

const BOTH: Interest = Interest::READABLE.add(Interest::WRITABLE);

struct Bench {
    driver: Driver,
    events: Events,
    near: UnixStream,
    far: UnixStream,
}

impl Bench {
    fn new(driver: Driver) -> Bench {
        let (near, far) = UnixStream::pair().expect("a socket pair");
        near.set_nonblocking(true).expect("non-blocking mode");
        Bench { driver, events: Events::with_capacity(256), near, far }
    }

    fn turn(&mut self, timeout: Option<Duration>) -> usize {
        let mut woken = 0;
        self.driver.turn(&mut self.events, timeout, |_| woken += 1).expect("a turn");
        woken
    }

    fn empty_turn(&mut self, rounds: u32) {
        for _ in 0..rounds {
            self.turn(Some(Duration::ZERO));
        }
    }

    fn notify_then_turn(&mut self, rounds: u32) {
        for _ in 0..rounds {
            self.driver.notify().expect("a ring");
            self.turn(None);
        }
    }

    fn register_deregister(&mut self, rounds: u32) {
        for _ in 0..rounds {
            let source = self.driver.register(self.near.as_fd(), BOTH).expect("a registration");
            self.driver.deregister(source, self.near.as_fd()).expect("its end");
        }
    }

    /// One byte through a socket pair: write, turn, waker, read to `WouldBlock`, clear, wait again.
    fn event_to_waker(&mut self, rounds: u32) {
        let source = self.driver.register(self.near.as_fd(), BOTH).expect("a registration");
        let mut cx = Context::from_waker(Waker::noop());
        self.turn(Some(Duration::ZERO));
        let mut byte = [0];
        for _ in 0..rounds {
            assert!(source.poll_ready(Direction::Read, &mut cx).is_pending(), "nothing was written yet");
            self.far.write_all(b"x").expect("a write");
            assert_eq!(self.turn(None), 1, "one waker for one byte");
            let Poll::Ready(Ok(event)) = source.poll_ready(Direction::Read, &mut cx) else { panic!("no event") };
            self.near.read_exact(&mut byte).expect("the byte");
            source.clear(event);
        }
        self.driver.deregister(source, self.near.as_fd()).expect("its end");
    }

    /// The same without the driver, to be subtracted.
    fn byte_without_driver(&mut self, rounds: u32) {
        let mut byte = [0];
        for _ in 0..rounds {
            self.far.write_all(b"x").expect("a write");
            self.near.read_exact(&mut byte).expect("the byte");
        }
    }
}

type Run = fn(&mut Bench, u32);

const RUNS: [(&str, Run); 5] = [
    ("empty_turn", Bench::empty_turn),
    ("notify_then_turn", Bench::notify_then_turn),
    ("register_deregister", Bench::register_deregister),
    ("event_to_waker", Bench::event_to_waker),
    ("byte_without_driver", Bench::byte_without_driver),
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let quick = arguments.iter().any(|argument| argument == "--quick");
    let filters: Vec<&String> = arguments.iter().filter(|argument| !argument.starts_with('-')).collect();
    let (rounds, repeats) = if quick { (2_000, 3) } else { (100_000, 7) };
    for (name, run) in RUNS {
        if !filters.is_empty() && !filters.iter().any(|filter| name.contains(filter.as_str())) {
            continue;
        }
        let drivers = [("direct", Driver::new()), ("portable", Driver::portable())];
        for (kind, driver) in drivers {
            let mut bench = Bench::new(driver.expect("a driver"));
            let mut nanos: Vec<f64> = (0..repeats)
                .map(|_| {
                    let start = Instant::now();
                    run(&mut bench, rounds);
                    start.elapsed().as_nanos() as f64 / f64::from(rounds)
                })
                .collect();
            nanos.sort_by(f64::total_cmp);
            println!("io-driver/{name:<20} {kind:<9} {:>8.1} ns (best {:.1})", nanos[nanos.len() / 2], nanos[0]);
        }
    }
}
