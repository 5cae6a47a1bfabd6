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

fn is_waiting(list: &WaitList<u32>, key: Key) -> bool {
    list.nodes.get(key.index).is_some_and(|node| node.generation == key.generation && node.stands == Stands::Queued)
}

/// What no list gives back.
const KEPT: usize = 64;

#[test]
fn a_peak_gives_its_memory_back() {
    let mut list = WaitList::new();
    let keys: Vec<Key> = (0..10_000).map(|n| list.push_back(None, n)).collect();
    for key in keys {
        let _ = list.remove(key);
    }
    assert!(list.nodes.capacity() <= KEPT);
}

#[test]
fn d25_a_waiter_that_stays_keeps_no_peak() {
    for stays in [0, 63, 64, 5_000, 9_999] {
        let mut list = WaitList::new();
        let keys: Vec<Key> = (0..10_000).map(|n| list.push_back(None, n)).collect();
        for key in keys.iter().enumerate().filter(|(n, _)| *n != stays) {
            let _ = list.remove(*key.1);
        }
        // A chunk may be empty and kept, besides that of the survivor.
        assert!(list.nodes.capacity() <= KEPT + 2 * 512, "{stays} stays, {} places", list.nodes.capacity());
        assert!(list.is_queued(keys[stays]) && !is_waiting(&list, keys[1]) && !is_waiting(&list, keys[9_998]));
        let fresh: Vec<Key> = (0..2_000).map(|n| list.push_back(None, n)).collect();
        assert!(!is_waiting(&list, keys[9_998]) && !is_waiting(&list, keys[100]), "a stale key names nobody");
        assert!(drain(&mut list).into_iter().eq([stays as u32].into_iter().chain(0..2_000)));
        fresh.into_iter().for_each(|key| drop(list.remove(key)));
        assert_eq!(list.remove(keys[stays]).0, stays as u32);
        assert!(list.nodes.capacity() <= KEPT);
    }
}

#[test]
fn places_are_used_again_before_new_ones_are_made() {
    let mut list = WaitList::new();
    let mut keys: Vec<Key> = (0..3_000).map(|n| list.push_back(None, n)).collect();
    let room = list.nodes.capacity();
    for round in 0..10 {
        let left: Vec<Key> = keys.iter().copied().skip(round % 3).step_by(3).collect();
        keys.retain(|key| !left.contains(key));
        left.iter().for_each(|key| drop(list.remove(*key)));
        keys.extend((0..left.len()).map(|_| list.push_back(None, 1)));
        assert_eq!(list.nodes.capacity(), room);
    }
}
