//! A workload: its name, what is measured, and one entry per peer.

use std::future::Future;

use crate::smol::SmolCurrent;
use crate::{Meter, Ours, OursCurrent, Peer, Reading, Smol, Sockets, Spawn, Tokio, TokioCurrent, Wrong};

/// What an entry stands for in the ratios.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An async runtime: it counts for "the best peer".
    Runtime,
    /// A tool made for this one job (rayon, a bare channel): shown beside, with its ratio.
    Beside,
}

/// Values of this unit are kept as ns per message and shown as messages per second.
pub(crate) const RATE_UNIT: &str = "ns/msg";

/// One number of a measurement; lower is better.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// Appended to the workload's name, empty for none.
    pub suffix: &'static str,
    /// `ns` and `B` are scaled for people; others are shown as they are.
    pub unit: &'static str,
    /// Below this, differences mean nothing: values are raised to it before a ratio is taken.
    pub floor: f64,
}

impl Metric {
    /// Time per operation.
    pub const TIME: Metric = Metric { suffix: "", unit: "ns", floor: 0.0 };
    /// Time per message, shown as messages per second.
    pub const RATE: Metric = Metric { suffix: "", unit: RATE_UNIT, floor: 0.0 };

    /// A value that stands behind the workload's name with this suffix.
    pub const fn named(suffix: &'static str, unit: &'static str, floor: f64) -> Metric {
        Metric { suffix, unit, floor }
    }
}

/// Something to run on every runtime.
pub trait Load: Send + Sync + 'static {
    /// Warms up, measures on a fresh runtime, and checks the results.
    fn run<P: Peer>(&self, peer: &P, meter: Meter) -> Result<Reading, Wrong>;
}

/// Something to run on every runtime with timers and sockets.
pub trait SocketLoad: Copy + Send + Sync + 'static {
    /// As [`Load::run`].
    fn run<P: Sockets>(self, peer: &P, meter: Meter) -> Result<Reading, Wrong>;
}

/// Something async to repeat, in a task or inside `block_on`.
pub trait Passes: Copy + Send + Sync + 'static {
    /// One pass: does the work, checks its result, returns how many operations it was.
    fn pass<P: Peer>(self, here: P::Here) -> impl Future<Output = Result<u64, Wrong>> + Send;
}

async fn repeat<P: Peer, L: Passes>(load: L, here: P::Here, meter: Meter) -> Result<Reading, Wrong> {
    let mut warm_up = meter.warm_up();
    while warm_up.goes_on() {
        warm_up.add(load.pass::<P>(here.clone()).await?);
    }
    let mut span = meter.start();
    while span.goes_on() {
        span.add(load.pass::<P>(here.clone()).await?);
    }
    Ok(span.stop())
}

/// Passes run inside a spawned task.
#[derive(Clone, Copy)]
pub struct InTask<L>(pub L);

impl<L: Passes> Load for InTask<L> {
    fn run<P: Peer>(&self, peer: &P, meter: Meter) -> Result<Reading, Wrong> {
        let (load, here) = (self.0, peer.here());
        peer.block_on(async move { here.spawn(repeat::<P, L>(load, here.clone(), meter)).await })
    }
}

/// Passes run in the future given to `block_on`.
#[derive(Clone, Copy)]
pub struct InBlockOn<L>(pub L);

impl<L: Passes> Load for InBlockOn<L> {
    fn run<P: Peer>(&self, peer: &P, meter: Meter) -> Result<Reading, Wrong> {
        peer.block_on(repeat::<P, L>(self.0, peer.here(), meter))
    }
}

type Measure = Box<dyn Fn(Meter) -> Result<Reading, Wrong>>;

/// How one peer does a workload.
pub(crate) struct Entry {
    pub(crate) peer: &'static str,
    pub(crate) kind: Kind,
    pub(crate) measure: Measure,
}

/// One workload with its entries.
pub struct Workload {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) metrics: Vec<Metric>,
    pub(crate) fresh_process: bool,
    pub(crate) only_full: bool,
    pub(crate) few_rounds: bool,
    pub(crate) entries: Vec<Entry>,
}

impl Workload {
    /// A workload that ours, tokio and smol do.
    pub fn of<L: Load + Clone>(name: &'static str, about: &'static str, load: L) -> Self {
        Self::new(name, about).on::<Ours, L>(load.clone()).on::<Tokio, L>(load.clone()).on::<Smol, L>(load)
    }

    /// A workload nobody does yet.
    pub fn new(name: &'static str, about: &'static str) -> Self {
        Self {
            name,
            about,
            metrics: vec![Metric::TIME],
            fresh_process: false,
            only_full: false,
            few_rounds: false,
            entries: Vec::new(),
        }
    }

    /// A workload with timers and sockets that ours, tokio and smol do.
    pub fn with_sockets(name: &'static str, about: &'static str, load: impl SocketLoad) -> Self {
        Self::new(name, about).on_sockets::<Ours>(load).on_sockets::<Tokio>(load).on_sockets::<Smol>(load)
    }

    /// The same on runtimes that have one thread, the one in `block_on`.
    pub fn with_sockets_on_one_thread(name: &'static str, about: &'static str, load: impl SocketLoad) -> Self {
        Self::new(name, about)
            .on_sockets::<OursCurrent>(load)
            .on_sockets::<TokioCurrent>(load)
            .on_sockets::<SmolCurrent>(load)
    }

    fn on_sockets<P: Sockets>(self, load: impl SocketLoad) -> Self {
        self.runtime(P::NAME, move |meter| load.run(&P::build(meter.workers()), meter))
    }

    /// Adds a runtime.
    pub fn on<P: Peer, L: Load>(self, load: L) -> Self {
        let measure = move |meter: Meter| load.run(&P::build(meter.workers()), meter);
        self.runtime(P::NAME, measure)
    }

    /// Adds a runtime by the name of its peer; `measure` builds it.
    pub fn runtime(mut self, peer: &'static str, measure: impl Fn(Meter) -> Result<Reading, Wrong> + 'static) -> Self {
        self.entries.push(Entry { peer, kind: Kind::Runtime, measure: Box::new(measure) });
        self
    }

    /// Adds a tool made for this job, beside the runtimes.
    pub fn beside(mut self, peer: &'static str, measure: impl Fn(Meter) -> Result<Reading, Wrong> + 'static) -> Self {
        self.entries.push(Entry { peer, kind: Kind::Beside, measure: Box::new(measure) });
        self
    }

    /// Says which values a reading has, instead of time per operation.
    pub fn reads(mut self, metrics: &[Metric]) -> Self {
        self.metrics = metrics.to_vec();
        self
    }

    /// Leaves the workload out of `--quick` and of `cargo test`, for what takes long.
    pub fn only_in_full(mut self) -> Self {
        self.only_full = true;
        self
    }

    /// Makes no more rounds than five (three with `--quick`), for what takes long or is noisy by its nature: a measurement beside others who
    /// want the CPU does not become certain by repeating it.
    pub fn in_few_rounds(mut self) -> Self {
        self.few_rounds = true;
        self
    }

    /// Measures each entry in a process of its own, for what a process has only one of: memory, CPU time while idle.
    pub fn in_fresh_process(mut self) -> Self {
        self.fresh_process = true;
        self
    }
}
