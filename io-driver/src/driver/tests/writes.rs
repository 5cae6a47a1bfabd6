//! Writing: the kernel is asked about room only when a write has found none.

use super::*;

/// Datagrams until there is no room. Gives their number back.
fn fill(near: &UnixDatagram) -> usize {
    let sent = (0..100_000).take_while(|_| near.send(b"datagram").is_ok()).count();
    assert_eq!(near.send(b"one more").unwrap_err().kind(), io::ErrorKind::WouldBlock);
    sent
}

#[test]
fn what_is_written_and_taken_is_no_event() {
    for driver in both_kinds() {
        let (near, far) = UnixDatagram::pair().unwrap();
        near.set_nonblocking(true).unwrap();
        let source = driver.register_writable(near.as_fd(), Interest::READABLE | Interest::WRITABLE).unwrap();
        let mut events = Events::with_capacity(4);
        drain(&driver, &mut events);
        for _ in 0..3 {
            near.send(b"one").unwrap();
            far.recv(&mut [0; 8]).unwrap();
        }
        assert_eq!(drain(&driver, &mut events), 0, "a datagram that the peer takes is news for nobody");
        assert!(source.look(Interest::WRITABLE).unwrap().ready().is_writable(), "from the start");
        far.send(b"answer").unwrap();
        assert_eq!(drain(&driver, &mut events), 1);
        assert!(source.look(Interest::READABLE).unwrap().ready().is_readable());
        driver.deregister(source, near.as_fd()).unwrap();
    }
}

/// Fault: `watch_writes` does nothing; the waker is never called.
#[test]
fn room_is_told_of_after_a_write_that_found_none() {
    for driver in both_kinds() {
        let (near, far) = UnixDatagram::pair().unwrap();
        near.set_nonblocking(true).unwrap();
        let source = driver.register_writable(near.as_fd(), Interest::READABLE | Interest::WRITABLE).unwrap();
        let (count, waker) = counter();
        let (mut cx, mut events) = (Context::from_waker(&waker), Events::with_capacity(4));
        for round in 1..=3 {
            let Poll::Ready(event) = source.poll_ready(Direction::Write, &mut cx) else { panic!("writable") };
            let sent = fill(&near);
            source.clear(event.unwrap());
            driver.watch_writes(&source, near.as_fd()).unwrap();
            drain(&driver, &mut events);
            assert!(source.poll_ready(Direction::Write, &mut cx).is_pending(), "no room");
            (0..sent).for_each(|_| assert_eq!(far.recv(&mut [0; 8]).unwrap(), 8));
            drain(&driver, &mut events);
            assert_eq!(count.0.load(Ordering::Relaxed), round);
        }
        driver.deregister(source, near.as_fd()).unwrap();
    }
}

/// There is room again before the kernel is asked.
#[test]
fn room_that_came_before_the_question_is_told_of() {
    for driver in both_kinds() {
        let (near, far) = UnixDatagram::pair().unwrap();
        near.set_nonblocking(true).unwrap();
        let source = driver.register_writable(near.as_fd(), Interest::READABLE | Interest::WRITABLE).unwrap();
        let event = source.look(Interest::WRITABLE).unwrap();
        let sent = fill(&near);
        (0..sent).for_each(|_| assert_eq!(far.recv(&mut [0; 8]).unwrap(), 8));
        source.clear(event);
        driver.watch_writes(&source, near.as_fd()).unwrap();
        drain(&driver, &mut Events::with_capacity(4));
        assert!(source.look(Interest::WRITABLE).unwrap().ready().is_writable());
        driver.deregister(source, near.as_fd()).unwrap();
    }
}

/// The system may refuse (a sandbox that is switched on late). Fault: the answer is taken for granted; then nobody asks again.
#[test]
fn a_question_that_was_refused_is_asked_again() {
    for driver in both_kinds() {
        let (near, _far) = UnixDatagram::pair().unwrap();
        near.set_nonblocking(true).unwrap();
        let both = Interest::READABLE | Interest::WRITABLE;
        let source = driver.register_writable(near.as_fd(), both).unwrap();
        driver.kernel.delete(near.as_fd()).unwrap();
        for _ in 0..2 {
            driver.watch_writes(&source, near.as_fd()).unwrap_err();
        }
        driver.kernel.add(near.as_fd(), source.key, Interest::READABLE).unwrap();
        driver.watch_writes(&source, near.as_fd()).unwrap();
        source.clear(source.look(Interest::WRITABLE).unwrap());
        drain(&driver, &mut Events::with_capacity(4));
        assert!(source.look(Interest::WRITABLE).unwrap().ready().is_writable(), "events come for writing now");
        driver.deregister(source, near.as_fd()).unwrap();
    }
}

/// An error beside nothing else would mean that writing has ended, were the kernel asked about writing.
#[test]
fn an_error_is_no_end_of_writing_where_the_kernel_was_not_asked() {
    let driver = Driver::new().unwrap();
    let near = UdpSocket::bind("127.0.0.1:0").unwrap();
    near.set_nonblocking(true).unwrap();
    let gone = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    near.connect(gone).unwrap();
    let both = Interest::READABLE | Interest::WRITABLE;
    let source = driver.register_writable(near.as_fd(), both).unwrap();
    near.send(b"nobody listens").unwrap();
    driver.turn(&mut Events::with_capacity(4), Some(Duration::from_secs(5)), |waker| waker.wake_by_ref()).unwrap();
    let ready = source.look(both | Interest::ERROR).unwrap().ready();
    assert!(ready.is_error() && !ready.is_write_closed(), "{ready:?}");
    driver.deregister(source, near.as_fd()).unwrap();
}
