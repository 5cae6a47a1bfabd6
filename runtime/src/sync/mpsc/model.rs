//! The receiver's sleep, the order of values, blocks that serve again, and closing with permits out.

use super::queue::{Popped, Queue};
use super::{channel, unbounded_channel};
use crate::sync::model::kit::{block_on, check};
use loom::sync::Arc;
use loom::thread;

// Planted fault: in `Reader::poll_take`, return Pending without asking `wait`: deadlock.
#[test]
fn model_mpsc_two_senders_wake_the_receiver() {
    check(|| {
        let (tx, mut rx) = unbounded_channel();
        let other = tx.clone();
        let sender = thread::spawn(move || drop(other.send(1)));
        tx.send(2).unwrap();
        drop(tx);
        let first = block_on(rx.recv()).unwrap();
        let second = block_on(rx.recv()).unwrap();
        assert_eq!((first + second, block_on(rx.recv())), (3, None));
        sender.join().unwrap();
    });
}

// Planted fault (it was a real one, found here): in `Queue::walk`, take others along without asking `is_written`: a
// writer starts behind its own block and walks for ever. Or, in `Queue::next_block`, take `until` before `block` is moved, or compare with `>=` turned round: a
// writer walks into a block that serves again (a race on its slot, or a value twice).
#[test]
fn model_mpsc_blocks_come_back() {
    check(|| {
        let (queue, mut outlet) = Queue::<usize, 1>::new();
        let queue = Arc::new(queue);
        let writers: Vec<_> = (0..2)
            .map(|n| {
                let queue = Arc::clone(&queue);
                thread::spawn(move || {
                    let _ = queue.push(1 + n);
                })
            })
            .collect();
        let mut sum = 0;
        let mut look = |outlet: &mut _| {
            // SAFETY: the outlet is of this queue.
            if let Popped::Value(n) = unsafe { queue.pop(outlet) } {
                sum += n;
            }
        };
        let _ = queue.push(4);
        look(&mut outlet);
        look(&mut outlet);
        let _ = queue.push(8);
        look(&mut outlet);
        for writer in writers {
            writer.join().unwrap();
        }
        (0..4).for_each(|_| look(&mut outlet));
        assert_eq!(sum, 15);
        // SAFETY: the outlet is of this queue.
        unsafe { queue.leave(outlet) };
    });
}

// Planted fault: in `permit::give_back`, do not call `wake_if_settled`: deadlock (museum LW14).
#[test]
fn museum_lw14_model_mpsc_close_against_drop_of_the_last_permit() {
    check(|| {
        let (tx, mut rx) = channel::<u8>(1);
        let permit = block_on(tx.clone().reserve_owned()).unwrap();
        let holder = thread::spawn(move || drop(permit));
        rx.close();
        assert_eq!(block_on(rx.recv()), None);
        holder.join().unwrap();
        drop(tx);
    });
}

// Planted fault: in `Capacity::is_settled`, forget to compare with `max`: the value is lost.
#[test]
fn model_mpsc_close_against_send_of_a_permit() {
    check(|| {
        let (tx, mut rx) = channel(1);
        let permit = block_on(tx.reserve_owned()).unwrap();
        let holder = thread::spawn(move || drop(permit.send(5)));
        rx.close();
        assert_eq!(block_on(rx.recv()), Some(5));
        assert_eq!(block_on(rx.recv()), None);
        holder.join().unwrap();
    });
}

// Planted fault: in `Reserving::drop`, do nothing: deadlock when a granted `reserve` is cancelled last (museum LW14).
#[test]
fn museum_lw14_model_mpsc_close_against_a_cancelled_reserve() {
    check(|| {
        let (tx, mut rx) = channel::<u8>(1);
        let first = tx.clone().try_reserve_owned().unwrap();
        // Another sender stays, so that no end of theirs wakes the receiver.
        let stays = tx.clone();
        let canceller = thread::spawn(move || {
            let mut reserve = Box::pin(tx.reserve_many(1));
            let _ = crate::sync::model::kit::poll_once(reserve.as_mut());
            drop(first);
            drop(reserve);
        });
        rx.close();
        assert_eq!(block_on(rx.recv()), None);
        canceller.join().unwrap();
        drop(stays);
    });
}

// Planted fault: in `Reader::take`, do not call `received`: deadlock.
#[test]
fn model_mpsc_a_waiting_sender_gets_the_freed_room() {
    check(|| {
        let (tx, mut rx) = channel(1);
        let sender = thread::spawn(move || {
            block_on(tx.send(1)).unwrap();
            block_on(tx.send(2)).unwrap();
        });
        assert_eq!(block_on(rx.recv()), Some(1));
        assert_eq!(block_on(rx.recv()), Some(2));
        assert_eq!(block_on(rx.recv()), None);
        sender.join().unwrap();
    });
}

// Planted fault: in `Queue::push_if_open`, do not look at RX_CLOSED: sent and received differ.
#[test]
fn model_mpsc_unbounded_close_conserves_values() {
    check(|| {
        let (tx, mut rx) = unbounded_channel();
        let sender = thread::spawn(move || usize::from(tx.send(()).is_ok()) + usize::from(tx.send(()).is_ok()));
        rx.close();
        let mut received = 0;
        while block_on(rx.recv()).is_some() {
            received += 1;
        }
        assert_eq!(sender.join().unwrap(), received);
    });
}
