//! `yield_now`.

use runtime::net::{TcpListener, UdpSocket};
use runtime::runtime::Builder;
use runtime::task::{self, JoinHandle};
use runtime_tests::{Event, Place, WakeCount, World, for_each_place, watchdog};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

fn lets_the_others_run(place: Place) {
    let world = place.build();
    let turns = Arc::new(AtomicUsize::new(0));
    let handles: Vec<_> = (0..3)
        .map(|_| {
            let turns = turns.clone();
            world.spawn(async move {
                for _ in 0..100 {
                    turns.fetch_add(1, Ordering::SeqCst);
                    task::yield_now().await;
                }
            })
        })
        .collect();
    world.block_on(async {
        for handle in handles {
            handle.await.unwrap();
        }
    });
    assert_eq!(turns.load(Ordering::SeqCst), 300);
}

fn a_loop_that_yields_does_not_starve_a_woken_task(place: Place) {
    let world = place.build();
    let (woken, seen) = (Event::new(), Event::new());
    let (waits, sees) = (woken.clone(), seen.clone());
    drop(world.spawn(async move {
        waits.wait().await;
        sees.set();
    }));
    let spinner = world.spawn(async move {
        woken.set();
        while !seen.is_set() {
            task::yield_now().await;
        }
    });
    world.block_on(spinner).unwrap();
}

fn is_pending_once_and_wakes_itself_elsewhere(place: Place) {
    // Also under a waker that is not the runtime's.
    let world = place.build();
    world.block_on(async {
        let count = WakeCount::new();
        let mut future = Box::pin(task::yield_now());
        assert!(count.poll(&mut future).is_pending());
        task::yield_now().await;
        runtime_tests::wait_until("the wake", || count.wakes() == 1 || count.alive() > 0);
        for _ in 0..1000 {
            if count.wakes() == 1 {
                break;
            }
            task::yield_now().await;
        }
        assert_eq!(count.wakes(), 1);
        assert!(count.poll(&mut future).is_ready());
    });
}

/// A world whose tasks all run on one thread: nobody else looks at sockets.
fn one_thread(place: Place) -> World {
    match place {
        Place::MultiThread => {
            World::Runtime(Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap())
        }
        _ => place.build(),
    }
}

fn spawn_in<F: Future<Output = ()> + Send + 'static>(place: Place, future: F) -> JoinHandle<()> {
    match place {
        Place::MultiThread | Place::CurrentThread => runtime::spawn(future),
        Place::LocalSet | Place::LocalRuntime => task::spawn_local(future),
    }
}

/// So many yields suffice for a socket that is ready or a timer that is due: tokio's own limit.
const FEW: usize = 10;

/// The median: another thread of the runtime may be at it just then, and take its time.
#[track_caller]
fn assert_few(mut yields: Vec<usize>, what: &str) {
    yields.sort_unstable();
    assert!(yields[yields.len() / 2] <= FEW, "yields until {what}: {yields:?}");
}

/// How often a task yields until `event` is set.
async fn yields_until(event: &Event) -> usize {
    let mut yields = 0;
    while !event.is_set() {
        task::yield_now().await;
        yields += 1;
    }
    yields
}

/// Runs a test of one task that yields, beside so many others that do nothing else. Each has its turn between two of the first.
fn beside_yielding_tasks<F: Future<Output = ()> + Send + 'static>(place: Place, test: impl Fn() -> F) {
    for others in [0, 1, 3, 100] {
        let (world, end) = (one_thread(place), Event::new());
        for _ in 0..others {
            let end = end.clone();
            drop(world.spawn(async move {
                yields_until(&end).await;
            }));
        }
        world.block_on(world.spawn(test())).unwrap();
        end.set();
    }
}

fn e3_a_connection_is_accepted_within_a_few_yields(place: Place) {
    beside_yielding_tasks(place, move || async move {
        let mut yields = Vec::new();
        for _ in 0..20 {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let (address, accepts, accepted) = (listener.local_addr().unwrap(), Event::new(), Event::new());
            let (begins, sets) = (accepts.clone(), accepted.clone());
            let server = spawn_in(place, async move {
                begins.set();
                drop(listener.accept().await.unwrap());
                sets.set();
            });
            yields_until(&accepts).await;
            let _client = std::net::TcpStream::connect(address).unwrap();
            yields.push(yields_until(&accepted).await);
            server.await.unwrap();
        }
        assert_few(yields, "a connection was accepted");
    });
}

fn e3_a_datagram_is_received_within_a_few_yields(place: Place) {
    beside_yielding_tasks(place, move || async move {
        let receiver = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let sender = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        sender.connect(receiver.local_addr().unwrap()).unwrap();
        let received = Arc::new(AtomicUsize::new(0));
        let counts = received.clone();
        let server = spawn_in(place, async move {
            for _ in 0..20 {
                receiver.recv(&mut [0; 8]).await.unwrap();
                counts.fetch_add(1, Ordering::SeqCst);
            }
        });
        task::yield_now().await;
        let mut yields = vec![0; 20];
        for (n, yields) in yields.iter_mut().enumerate() {
            sender.send(&[7; 8]).unwrap();
            while received.load(Ordering::SeqCst) <= n {
                task::yield_now().await;
                *yields += 1;
            }
        }
        server.await.unwrap();
        assert_few(yields, "a datagram was received");
    });
}

fn e3_a_timer_that_is_due_fires_within_a_few_yields(place: Place) {
    beside_yielding_tasks(place, move || async move {
        let mut yields = Vec::new();
        for _ in 0..5 {
            let (set, fired) = (Event::new(), Event::new());
            let (begins, sets) = (set.clone(), fired.clone());
            drop(spawn_in(place, async move {
                begins.set();
                runtime::time::sleep(Duration::from_millis(1)).await;
                sets.set();
            }));
            yields_until(&set).await;
            // Being deaf for a while is what this is about.
            std::thread::sleep(Duration::from_millis(4));
            yields.push(yields_until(&fired).await);
        }
        assert_few(yields, "a timer fired that was due");
    });
}

/// The future of `block_on` itself yields.
fn e3_a_main_future_that_yields_sees_a_socket_soon(place: Place) {
    let world = one_thread(place);
    world.block_on(async {
        let receiver = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let sender = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        sender.connect(receiver.local_addr().unwrap()).unwrap();
        let received = Event::new();
        let sets = received.clone();
        let server = spawn_in(place, async move {
            receiver.recv(&mut [0; 8]).await.unwrap();
            sets.set();
        });
        task::yield_now().await;
        task::yield_now().await;
        sender.send(&[7; 8]).unwrap();
        let yields = yields_until(&received).await;
        // Elsewhere a worker receives it while this thread goes on.
        assert!(yields <= FEW || place == Place::MultiThread, "{yields} yields until a datagram was received");
        server.await.unwrap();
    });
}

/// Also a task that was pushed from outside goes before one that yields.
fn e3_what_others_spawn_runs_within_a_few_yields(place: Place) {
    if matches!(place, Place::LocalSet | Place::LocalRuntime) {
        // Nobody else can spawn there.
        return;
    }
    let world = one_thread(place);
    let yields = world.block_on(world.spawn(async move {
        let mut yields = Vec::new();
        for _ in 0..20 {
            let (ran, handle) = (Event::new(), runtime::runtime::Handle::current());
            let sets = ran.clone();
            std::thread::spawn(move || drop(handle.spawn(async move { sets.set() }))).join().unwrap();
            yields.push(yields_until(&ran).await);
        }
        yields
    }));
    assert_few(yields.unwrap(), "a task ran that another thread had spawned");
}

/// Two tasks that wake each other are always ready, and one that yields has its turns all the same.
fn a_task_that_yields_is_not_starved_by_tasks_that_are_always_ready(place: Place) {
    let (world, end, turns) = (one_thread(place), Event::new(), Arc::new(AtomicUsize::new(0)));
    for _ in 0..2 {
        let end = end.clone();
        drop(world.spawn(std::future::poll_fn(move |cx| {
            cx.waker().wake_by_ref();
            if end.is_set() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
        })));
    }
    let (counts, ends) = (turns.clone(), end.clone());
    let yielding = world.spawn(async move {
        for _ in 0..1_000 {
            counts.fetch_add(1, Ordering::SeqCst);
            task::yield_now().await;
        }
        ends.set();
    });
    world.block_on(yielding).unwrap();
    assert_eq!(turns.load(Ordering::SeqCst), 1_000);
}

for_each_place!(
    lets_the_others_run,
    e3_a_connection_is_accepted_within_a_few_yields,
    e3_a_datagram_is_received_within_a_few_yields,
    e3_a_timer_that_is_due_fires_within_a_few_yields,
    e3_a_main_future_that_yields_sees_a_socket_soon,
    e3_what_others_spawn_runs_within_a_few_yields,
    a_task_that_yields_is_not_starved_by_tasks_that_are_always_ready,
    a_loop_that_yields_does_not_starve_a_woken_task,
    is_pending_once_and_wakes_itself_elsewhere
);

/// A task that used up its budget gave way as well.
#[test]
fn e3_a_task_without_budget_lets_sockets_go_first() {
    let _watch = watchdog();
    for place in [Place::MultiThread, Place::CurrentThread] {
        beside_yielding_tasks(place, move || async move {
            let receiver = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            let sender = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
            sender.connect(receiver.local_addr().unwrap()).unwrap();
            let received = Event::new();
            let sets = received.clone();
            drop(spawn_in(place, async move {
                receiver.recv(&mut [0; 8]).await.unwrap();
                sets.set();
            }));
            task::yield_now().await;
            sender.send(&[7; 8]).unwrap();
            let mut units = 0;
            while !received.is_set() {
                task::coop::consume_budget().await;
                units += 1;
            }
            assert!(units <= (FEW + 1) * 128, "{units} units of budget until a datagram was received");
        });
    }
}

#[test]
fn works_without_a_runtime() {
    let count = WakeCount::new();
    let mut future = Box::pin(task::yield_now());
    assert!(count.poll(&mut future).is_pending());
    assert_eq!(count.wakes(), 1);
    assert!(count.poll(&mut future).is_ready());
}
