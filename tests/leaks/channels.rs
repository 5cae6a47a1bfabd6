//! What channels and wait lists keep: what is in them, and little more.

use runtime::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use runtime::sync::{Notify, Semaphore};
use runtime_tests::counting_alloc::{live, made_by_this_thread};
use runtime_tests::hostile::poll;
use runtime_tests::{process, watchdog_secs};
use std::pin::{Pin, pin};

type Value = [u8; 64];

/// What an empty channel may keep.
const KEPT: isize = 64 << 10;

/// No block lies at its end.
const BURST: usize = 100_010;

#[track_caller]
fn assert_made_nothing(before: usize, what: &str) {
    let made = made_by_this_thread() - before;
    assert_eq!(made, 0, "{what}: so many blocks were allocated");
}

#[test]
fn d8_refused_sends_allocate_nothing() {
    let _watch = watchdog_secs(60);
    let _alone = process::alone();
    let (tx, rx) = mpsc::unbounded_channel::<Value>();
    // Keeps the channel's memory.
    let weak = tx.downgrade();
    drop(rx);
    let before = made_by_this_thread();
    for _ in 0..100_000 {
        assert!(tx.send([0; 64]).is_err());
    }
    assert_made_nothing(before, "100,000 refused sends");
    drop(tx);
    assert_made_nothing(before, "and the end of the last sender");
    drop(weak);

    let (tx, mut rx) = mpsc::channel::<Value>(4);
    assert!(tx.try_send([0; 64]).is_ok());
    rx.close();
    let weak = tx.downgrade();
    let before = made_by_this_thread();
    for _ in 0..10_000 {
        assert!(tx.try_send([0; 64]).is_err());
        assert!(matches!(poll(pin!(tx.send([0; 64]))), std::task::Poll::Ready(Err(_))));
    }
    drop(tx);
    assert_made_nothing(before, "20,000 refused sends of a bounded channel");
    drop(weak);
}

fn fill(tx: &UnboundedSender<Value>, values: usize) {
    (0..values).for_each(|n| tx.send([n as u8; 64]).expect("open"));
}

/// Is what is kept right for `values` values?
#[track_caller]
fn assert_kept(before: isize, values: usize, what: &str) {
    let kept = live().bytes - before;
    let most = (values * size_of::<Value>()) as isize * 11 / 10 + KEPT;
    assert!(kept <= most, "{what}: {kept} bytes are kept for {values} values, {most} would do");
}

#[test]
fn d25_a_queue_keeps_what_is_in_it() {
    let _watch = watchdog_secs(120);
    let _alone = process::alone();
    let before = live().bytes;
    let (tx, mut rx) = mpsc::unbounded_channel();
    for round in 0..2 {
        fill(&tx, BURST);
        assert_kept(before, BURST, "full");
        for left in (0..BURST).rev() {
            let blocks = live().blocks;
            rx.try_recv().expect("it was sent");
            let freed = blocks - live().blocks;
            assert!(freed < 50, "round {round}: one `recv` freed {freed} blocks");
            if left == BURST / 2 {
                assert_kept(before, left, "half drained");
            }
        }
        assert!(rx.try_recv().is_err());
        assert_kept(before, 0, "drained");
    }
    // A backlog that stays.
    fill(&tx, BURST);
    for _ in 0..2 * BURST {
        fill(&tx, 1);
        rx.try_recv().expect("it was sent");
    }
    assert_kept(before, BURST, "a steady backlog");
    let mut all = Vec::with_capacity(BURST);
    let before = before + (BURST * size_of::<Value>()) as isize;
    while !rx.is_empty() {
        assert!(poll(pin!(rx.recv_many(&mut all, BURST))).is_ready());
    }
    assert_kept(before, 0, "drained in one go");
    drop((tx, rx, all));
}

#[test]
fn d25_a_bounded_queue_keeps_what_is_in_it() {
    let _watch = watchdog_secs(60);
    let _alone = process::alone();
    let before = live().bytes;
    let (tx, mut rx) = mpsc::channel(2 * BURST);
    (0..BURST).for_each(|n| tx.try_send([n as u8; 64]).expect("there is room"));
    assert_kept(before, BURST, "full");
    (0..BURST / 2).for_each(|_| assert!(rx.try_recv().is_ok()));
    assert_kept(before, BURST / 2, "half drained");
    (0..BURST / 2).for_each(|_| assert!(rx.try_recv().is_ok()));
    assert!(rx.try_recv().is_err());
    assert_kept(before, 0, "drained");
}

#[test]
fn d25_a_queue_of_many_senders_keeps_little_when_empty() {
    let _watch = watchdog_secs(120);
    let _alone = process::alone();
    let before = live().bytes;
    let (tx, mut rx): (_, UnboundedReceiver<Value>) = mpsc::unbounded_channel();
    for _ in 0..5 {
        std::thread::scope(|threads| {
            (0..4).for_each(|_| drop(threads.spawn(|| fill(&tx, BURST / 10))));
            let mut received = 0;
            while received < 4 * (BURST / 10) {
                received += usize::from(rx.try_recv().is_ok());
            }
        });
        assert!(rx.try_recv().is_err());
        assert_kept(before, 0, "drained while four senders were sending");
    }
}

#[test]
fn d25_a_wait_list_gives_its_peak_back() {
    const MANY: usize = 100_000;
    let _watch = watchdog_secs(120);
    let _alone = process::alone();
    let (notify, semaphore) = (Notify::new(), Semaphore::new(0));
    for stays in [0, MANY / 2, MANY - 1] {
        let before = live().bytes;
        let mut waiting: Vec<Pin<Box<dyn Future<Output = ()>>>> = (0..MANY)
            .map(|n| -> Pin<Box<dyn Future<Output = ()>>> {
                if n % 2 == 0 {
                    Box::pin(notify.notified())
                } else {
                    Box::pin(async { drop(semaphore.acquire().await) })
                }
            })
            .collect();
        waiting.iter_mut().for_each(|future| assert!(poll(future.as_mut()).is_pending()));
        let survivors = [waiting.swap_remove(stays), waiting.swap_remove(stays ^ 1)];
        drop(waiting);
        let kept = live().bytes - before;
        assert!(kept < 256 << 10, "{stays} and its neighbour stay of {MANY}: {kept} bytes");
        drop(survivors);
    }
}
