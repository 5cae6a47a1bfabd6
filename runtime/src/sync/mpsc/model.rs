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
// writer starts behind its own block and walks for ever. Or, in `Queue::move_on`, look at `tail` before `block` is moved;
// or, in `Queue::is_through`, answer yes when the note is not there yet: a writer walks into a block that serves again (a
// race on its slot, or a value twice).
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
        for writer in writers {
            writer.join().unwrap();
        }
        (0..4).for_each(|_| look(&mut outlet));
        assert_eq!(sum, 7);
        // SAFETY: the outlet is of this queue.
        unsafe { queue.leave(outlet) };
    });
}

// D25. The reader takes blocks out while writers move `block` on, beyond where it reads. Planted faults: in
// `Queue::is_through`, compare with the end of the writers' block; in `Queue::next_block`, let `waits` pass a block that
// is not through; in `Queue::move_on`, look at `tail` before `block` is moved: a writer walks into a block that was freed
// or serves again (a value is lost).
#[test]
fn model_mpsc_blocks_go_while_writers_move_on() {
    check(|| {
        let (queue, mut outlet) = Queue::<usize, 1>::new();
        let queue = Arc::new(queue);
        let other = Arc::clone(&queue);
        let writer = thread::spawn(move || {
            let _ = other.push(1);
            let _ = other.push(2);
        });
        let _ = queue.push(4);
        let _ = queue.push(8);
        let mut sum = 0;
        for _ in 0..3 {
            // SAFETY: the outlet is of this queue.
            if let Popped::Value(n) = unsafe { queue.pop(&mut outlet) } {
                sum += n;
            }
        }
        writer.join().unwrap();
        // SAFETY: the outlet is of this queue.
        while let Popped::Value(n) = unsafe { queue.pop(&mut outlet) } {
            sum += n;
        }
        assert_eq!(sum, 15);
        // All are through: one block to write to, and one whose note says that the next value frees it.
        assert!(queue.blocks(&outlet) <= 2);
        // SAFETY: the outlet is of this queue.
        unsafe { queue.leave(outlet) };
    });
}

// D8. Planted fault: in `Queue::push_end`, write END on a closed queue: blocks for the indexes of those who were refused.
#[test]
fn model_mpsc_refused_sends_are_not_paid_back() {
    check(|| {
        let (queue, mut outlet) = Queue::<usize, 1>::new();
        let queue = Arc::new(queue);
        let other = Arc::clone(&queue);
        let sender = thread::spawn(move || {
            let sent = (0..3).filter(|n| other.push_if_open(*n).is_ok()).count() as u64;
            let _ = other.push_end();
            sent
        });
        let limit = queue.close();
        let sent = sender.join().unwrap();
        // The sender may have been through before.
        let ended = limit > sent;
        assert_eq!(limit, sent + u64::from(ended));
        assert!(queue.blocks(&outlet) as u64 <= limit.max(1), "a block for each value");
        // SAFETY: the outlet is of this queue.
        (0..sent as usize).for_each(|n| assert_eq!(unsafe { queue.pop(&mut outlet) }, Popped::Value(n)));
        assert_eq!((outlet.is_past(limit), queue.len(&outlet, limit)), (!ended, 0));
        // SAFETY: the outlet is of this queue.
        assert_eq!(unsafe { queue.pop(&mut outlet) }, if ended { Popped::End } else { Popped::Empty });
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
