//! `time::Instant`: std's, with subtractions that saturate.

use runtime::time::{Duration, Instant};
use runtime_tests::watchdog;
use std::collections::HashSet;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn it_goes_to_std_and_back() {
    let _watch = watchdog();
    let std = std::time::Instant::now();
    assert_eq!(Instant::from_std(std).into_std(), std);
    assert_eq!(std::time::Instant::from(Instant::from(std)), std);
    assert_eq!(format!("{:?}", Instant::from_std(std)), format!("{std:?}"));
}

#[test]
fn it_flows_outside_of_runtimes_as_well() {
    let _watch = watchdog();
    let before = std::time::Instant::now();
    let now = Instant::now();
    assert!(now.into_std() >= before && Instant::now() >= now);
    assert!(now.elapsed() <= before.elapsed());
}

#[test]
fn arithmetic() {
    let _watch = watchdog();
    let now = Instant::now();
    let later = now + SECOND;
    assert_eq!((later - now, now - later), (SECOND, Duration::ZERO));
    assert_eq!((later.duration_since(now), now.duration_since(later)), (SECOND, Duration::ZERO));
    assert_eq!(now.saturating_duration_since(later), Duration::ZERO);
    assert_eq!((later.checked_duration_since(now), now.checked_duration_since(later)), (Some(SECOND), None));
    assert_eq!(now.checked_add(SECOND), Some(later));
    assert_eq!(later.checked_sub(SECOND), Some(now));
    assert_eq!(later - SECOND, now);
    let mut moved = now;
    moved += SECOND;
    assert_eq!(moved, later);
    moved -= SECOND;
    assert_eq!(moved, now);
    assert_eq!((now + SECOND * 3600).elapsed(), Duration::ZERO, "a moment to come");
}

#[test]
fn it_is_ordered_and_hashed() {
    let _watch = watchdog();
    let now = Instant::now();
    let moments: HashSet<Instant> = [now, now + SECOND, now].into();
    assert_eq!(moments.len(), 2);
    assert!(now < now + SECOND && Some(now) == moments.into_iter().min());
}

#[test]
fn what_is_out_of_range_is_none() {
    let _watch = watchdog();
    let now = Instant::now();
    assert_eq!((now.checked_add(Duration::MAX), now.checked_sub(Duration::MAX)), (None, None));
    assert!(now.checked_add(Duration::from_millis(u64::MAX)).is_some_and(|far| far > now));
}
