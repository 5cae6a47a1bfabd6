use super::*;

fn drain(list: &mut WaitList<u32>) -> Vec<u32> {
    let mut seen = Vec::new();
    while let Some(payload) = list.first_payload() {
        seen.push(*payload);
        let _ = list.fire_first();
    }
    seen
}

#[test]
fn order_is_kept_when_any_waiter_leaves() {
    for leaver in 0..4 {
        let mut list = WaitList::new();
        let keys: Vec<Key> = (0..4).map(|n| list.push_back(None, n)).collect();
        assert_eq!(list.remove(keys[leaver]).0, leaver as u32);
        let expected: Vec<u32> = (0..4).filter(|n| *n != leaver as u32).collect();
        assert_eq!(drain(&mut list), expected);
    }
}

#[test]
fn both_ends_fire_and_fired_nodes_belong_to_their_waiters() {
    let mut list = WaitList::new();
    let keys: Vec<Key> = (0..3).map(|n| list.push_back(None, n)).collect();
    let _ = list.fire_last();
    let _ = list.fire_first();
    assert!(!list.is_queued(keys[0]) && list.is_queued(keys[1]) && !list.is_queued(keys[2]));
    for (n, key) in keys.into_iter().enumerate() {
        assert_eq!(list.remove(key).0, n);
    }
    assert!(list.is_empty());
}

#[test]
#[should_panic(expected = "BUG: stale key")]
fn museum_y13_a_stale_key_does_not_reach_the_slots_next_waiter() {
    let mut list = WaitList::new();
    let key = list.push_back(None, 1);
    let _ = list.remove(key);
    let _ = list.push_back(None, 2);
    let _ = list.is_queued(key);
}

#[test]
fn a_peak_gives_its_memory_back() {
    let mut list = WaitList::new();
    let keys: Vec<Key> = (0..1_000).map(|n| list.push_back(None, n)).collect();
    for key in keys {
        let _ = list.remove(key);
    }
    assert_eq!(list.nodes.capacity(), 0);
}
