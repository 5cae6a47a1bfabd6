use super::*;
use rustix::event::epoll::EventFlags as F;

fn direct() -> (Poller, Direct) {
    let poller = Poller::new().unwrap();
    let direct = Direct::new(&poller).unwrap().expect("Linux has eventfd");
    (poller, direct)
}

fn hears(poller: &Poller, direct: &Direct) -> bool {
    let mut batch = DirectBatch::new();
    batch.prepare(8);
    direct.wait(poller, &mut batch, Some(Duration::ZERO)).unwrap()
}

/// A sandbox that is switched on late: from then on the kernel refuses to set the timer.
///
/// Fault: `wait` fails with it.
#[test]
fn a_timer_that_cannot_be_set_costs_exactness_and_no_event() {
    let (poller, mut direct) = direct();
    direct.timer = Some(eventfd(0, EventfdFlags::CLOEXEC).unwrap());
    let mut batch = DirectBatch::new();
    for ring in [true, false] {
        batch.prepare(8);
        if ring {
            direct.ring().unwrap();
        }
        let (timeout, begun) = (Duration::from_micros(1_500), std::time::Instant::now());
        assert_eq!(direct.wait(&poller, &mut batch, Some(timeout)).unwrap(), ring);
        assert!(ring || begun.elapsed() >= timeout);
    }
}

#[test]
fn the_flags_mean() {
    let (r, w, rc, wc) = (Ready::READABLE, Ready::WRITABLE, Ready::READ_CLOSED, Ready::WRITE_CLOSED);
    let (e, p) = (Ready::ERROR, Ready::PRIORITY);
    let table = [
        (F::IN, r),
        (F::OUT, w),
        (F::IN | F::OUT, r | w),
        (F::PRI, p),
        // Half-closed by the peer.
        (F::IN | F::RDHUP, r | rc),
        (F::IN | F::OUT | F::RDHUP, r | w | rc),
        // A pipe whose reader is gone; a pipe whose writer is gone, without and with bytes left.
        (F::ERR, r | w | wc | e),
        (F::HUP, r | w | rc | wc),
        (F::IN | F::HUP, r | w | rc | wc),
        // An error to be collected, as from an ICMP answer: nothing is closed.
        (F::OUT | F::ERR, r | w | e),
        (F::IN | F::OUT | F::ERR, r | w | e),
        // Reset.
        (F::IN | F::OUT | F::RDHUP | F::ERR | F::HUP, r | w | rc | wc | e),
        // Not connected yet.
        (F::OUT | F::HUP, r | w),
    ];
    for (flags, ready) in table {
        assert_eq!(ready_of(flags), ready, "{flags:?}");
    }
}

/// Whatever says "something happened" makes at least one direction worth a try: no event may wake nobody.
#[test]
fn museum_i6_no_flags_wake_nobody() {
    for bits in 1..32u32 {
        let flags = [F::IN, F::OUT, F::ERR, F::HUP, F::RDHUP]
            .into_iter()
            .enumerate()
            .filter(|(n, _)| bits & (1 << n) != 0)
            .fold(F::empty(), |all, (_, flag)| all | flag);
        let ready = ready_of(flags);
        assert!(ready.is_readable() || ready.is_writable(), "{flags:?} wakes nobody");
        if flags.intersects(F::ERR | F::HUP) {
            assert!(ready.is_readable() && ready.is_writable(), "{flags:?} must wake both directions");
        }
    }
}

#[test]
fn museum_t5_t12_timeouts_round_up_and_are_cut() {
    let table = [
        (Duration::ZERO, 0),
        (Duration::from_nanos(1), 1),
        (Duration::from_nanos(999_999), 1),
        (Duration::from_millis(1), 1),
        (Duration::from_nanos(1_000_001), 2),
        (Duration::from_micros(2_500), 3),
        (Duration::from_secs(3600 * 24 * 20), 3600 * 24 * 20 * 1000),
        (Duration::from_secs(3600 * 24 * 30), i32::MAX as u64),
        (Duration::from_millis(1 << 36), i32::MAX as u64),
        (Duration::from_millis(u64::MAX), i32::MAX as u64),
        (Duration::MAX, i32::MAX as u64),
    ];
    for (timeout, millis) in table {
        let spec = whole_millis(timeout);
        let got = spec.tv_sec as u64 * 1000 + spec.tv_nsec as u64 / 1_000_000;
        assert_eq!((got, spec.tv_nsec % 1_000_000), (millis, 0), "{timeout:?}");
    }
}

#[test]
fn museum_lw22_a_million_unread_rings() {
    let (poller, direct) = direct();
    for _ in 0..1 << 20 {
        direct.ring().unwrap();
    }
    assert!(hears(&poller, &direct));
    assert!(!hears(&poller, &direct), "one edge, however many rings");
    direct.ring().unwrap();
    assert!(hears(&poller, &direct), "an unread bell must ring again");
}

#[test]
fn museum_lw22_a_full_count_still_rings() {
    let (poller, direct) = direct();
    for _ in 0..2 {
        direct.empty_bell();
        assert_eq!(rustix::io::write(direct.bell(), &(u64::MAX - 1).to_ne_bytes()), Ok(8));
        let _ = hears(&poller, &direct);
        direct.ring().unwrap();
        assert!(hears(&poller, &direct));
    }
}

#[test]
fn museum_lw22_a_drained_bell_works_too() {
    let (poller, mut direct) = direct();
    direct.set_drain();
    for _ in 0..3 {
        direct.ring().unwrap();
        assert!(hears(&poller, &direct));
        assert_eq!(rustix::io::read(direct.bell(), &mut [0u8; 8]), Err(Errno::AGAIN), "it must have been drained");
    }
}
