//! Work that splits itself: a quicksort of a million numbers, and a tree of tasks that do almost nothing. Rayon beside.

use std::future::Future;
use std::hint::black_box;
use std::pin::Pin;
use std::task::{Context, Poll};

use rayon::{ThreadPool, ThreadPoolBuilder};
use runtime_benches::{InTask, Meter, Passes, Peer, Spawn, Workload, Wrong, check};

use crate::workloads::fan_out::{steps_per_micro, work};

/// Rayon with as many threads as the others have workers.
pub(crate) fn pool(meter: Meter) -> Result<ThreadPool, Wrong> {
    let built = ThreadPoolBuilder::new().num_threads(meter.workers()).build();
    built.map_err(|error| Wrong(format!("rayon could not start: {error}")))
}

pub(crate) fn workloads() -> Vec<Workload> {
    let quicksort = Workload::of("quicksort-1m", "parallel quicksort of 1,000,000 u32, per number", InTask(Quicksort));
    vec![
        quicksort.beside("rayon", |meter| {
            pool(meter)?.install(|| meter.repeat(|| check_sorted(&sort_on_rayon(numbers()))))
        }),
        fib("fib-empty", "a tree of 21,891 tasks that only add, per task", Fib { leaf_nanos: 0 }),
        fib("fib-500ns", "the same with 500 ns of CPU work in each of its 10,946 leaves", Fib { leaf_nanos: 500 }),
    ]
}

fn fib(name: &'static str, about: &'static str, load: Fib) -> Workload {
    Workload::of(name, about, InTask(load)).beside("rayon", move |meter| {
        let steps = load.steps();
        pool(meter)?.install(|| meter.repeat(|| check_fib(fib_on_rayon(FIB, steps))))
    })
}

const NUMBERS: usize = 1_000_000;
/// Below this many numbers a part is sorted in place: about 50 us, the least that is worth a task for most schedulers.
const SMALL: usize = 2048;

fn numbers() -> Vec<u32> {
    let mut x = 0x2545_F491_4F6C_DD1D_u64;
    let next = |_| {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        (x >> 32) as u32
    };
    (0..NUMBERS).map(next).collect()
}

/// Splits into what is below the pivot and the rest; neither is empty unless all numbers are equal.
fn split(mut part: Vec<u32>) -> (Vec<u32>, Vec<u32>) {
    let mut samples = [part[0], part[part.len() / 2], part[part.len() - 1]];
    samples.sort_unstable();
    let pivot = samples[1];
    let mut below = 0;
    for index in 0..part.len() {
        if part[index] < pivot {
            part.swap(index, below);
            below += 1;
        }
    }
    let rest = part.split_off(below);
    (part, rest)
}

/// Sorted runs in ascending order: joining them would measure copying.
type Runs = Vec<Vec<u32>>;

fn sort_small(mut part: Vec<u32>) -> Runs {
    part.sort_unstable();
    vec![part]
}

fn check_sorted(runs: &Runs) -> Result<u64, Wrong> {
    let count = runs.iter().map(Vec::len).sum::<usize>();
    check("the count of sorted numbers", count, NUMBERS)?;
    check("sorted", runs.iter().flatten().is_sorted(), true)?;
    Ok(NUMBERS as u64)
}

fn sort_on_rayon(part: Vec<u32>) -> Runs {
    if part.len() <= SMALL {
        return sort_small(part);
    }
    let (low, high) = split(part);
    let (mut low, mut high) = rayon::join(|| sort_on_rayon(low), || sort_on_rayon(high));
    low.append(&mut high);
    low
}

fn sort_on<S: Spawn>(spawner: S, part: Vec<u32>) -> Pin<Box<dyn Future<Output = Runs> + Send>> {
    Box::pin(async move {
        if part.len() <= SMALL {
            return sort_small(part);
        }
        let (low, high) = split(part);
        let high = spawner.spawn(sort_on(spawner.clone(), high));
        let mut low = sort_on(spawner, low).await;
        low.append(&mut high.await);
        low
    })
}

#[derive(Clone, Copy)]
struct Quicksort;

impl Passes for Quicksort {
    async fn pass<P: Peer>(self, here: P::Here) -> Result<u64, Wrong> {
        check_sorted(&here.spawn(sort_on(here.clone(), numbers())).await)
    }
}

/// A tree of tasks that add their children; the leaves do `leaf_nanos` of CPU work.
const FIB: u32 = 20;
const FIB_VALUE: u64 = 6765;
/// Calls of the naive recursion: twice the next Fibonacci number, less one.
const FIB_TASKS: u64 = 21_891;

fn check_fib(got: u64) -> Result<u64, Wrong> {
    check("the Fibonacci number", got, FIB_VALUE)?;
    Ok(FIB_TASKS)
}

/// What a leaf does; its value does not depend on the work, but the compiler may not know.
fn leaf(n: u32, steps: u64) -> u64 {
    black_box(work(u64::from(n), steps));
    u64::from(n)
}

fn fib_on_rayon(n: u32, steps: u64) -> u64 {
    if n < 2 {
        return leaf(n, steps);
    }
    let (a, b) = rayon::join(|| fib_on_rayon(n - 1, steps), || fib_on_rayon(n - 2, steps));
    a + b
}

/// Written by hand, because an async block that spawns itself would have to be boxed, and the box would cost as much as
/// the task.
struct FibTask<S: Spawn> {
    spawner: S,
    n: u32,
    steps: u64,
    sum: u64,
    children: Option<[Option<S::Join<u64>>; 2]>,
}

impl<S: Spawn> FibTask<S> {
    fn new(spawner: S, n: u32, steps: u64) -> Self {
        Self { spawner, n, steps, sum: 0, children: None }
    }
}

impl<S: Spawn> Future for FibTask<S> {
    type Output = u64;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<u64> {
        let task = &mut *self;
        if task.n < 2 {
            return Poll::Ready(leaf(task.n, task.steps));
        }
        let children = task.children.get_or_insert_with(|| {
            [task.n - 1, task.n - 2].map(|n| Some(task.spawner.spawn(FibTask::new(task.spawner.clone(), n, task.steps))))
        });
        for child in children {
            if let Some(join) = child {
                match Pin::new(join).poll(cx) {
                    Poll::Ready(value) => task.sum += value,
                    Poll::Pending => return Poll::Pending,
                }
                *child = None;
            }
        }
        Poll::Ready(task.sum)
    }
}

#[derive(Clone, Copy)]
struct Fib {
    leaf_nanos: u64,
}

impl Fib {
    fn steps(self) -> u64 {
        steps_per_micro() * self.leaf_nanos / 1000
    }
}

impl Passes for Fib {
    async fn pass<P: Peer>(self, here: P::Here) -> Result<u64, Wrong> {
        check_fib(here.spawn(FibTask::new(here.clone(), FIB, self.steps())).await)
    }
}
