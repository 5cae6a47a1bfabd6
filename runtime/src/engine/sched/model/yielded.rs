//! The queue of tasks that gave way, where two threads meet at it: stealing, falling asleep, and the end.

use super::end::{PLACE, Small};
use super::*;

/// The worker at place 0 has a task that gave way and is in a poll that does not end: it waits until that task has run. The
/// last look of the worker at place 1 before its sleep finds it, or the look of the first one at its own backlog
/// (`Worker::show_backlog`, here with S1, since this poll never comes round to the next) wakes it. The deque is not loom's, so
/// a count beside it carries the order that it gives.
/// Fault: `has_backlog` that forgets `yielded`; `sleep_through` without its last look.
#[test]
fn a_task_that_gave_way_is_seen_by_who_falls_asleep() {
    check(|| {
        let (yard, mut queues) = yard_and_queues(2, 2);
        let (queues, pushed) = (queues.swap_remove(0), StdArc::new(AtomicUsize::new(0)));
        let (theirs, counts) = (yard.clone(), pushed.clone());
        let thief = spawn(move || {
            let victim = theirs.places.get(0);
            let searching = theirs.idle.start_searching();
            while !victim.has_backlog() {
                // The only searcher looks everywhere once more.
                let wait = || {
                    theirs.places.get(1).parker.park(None);
                    true
                };
                let _ = theirs.idle.sleep_through(1, searching, |everywhere| theirs.work_waits(everywhere), wait);
            }
            assert_eq!(counts.fetch_add(1, AcqRel), 1);
            victim.yielded.steal().success().expect("nobody else takes it").run();
        });
        let task = ready_task(|| ());
        pushed.fetch_add(1, AcqRel);
        queues.yielded.push(task);
        yard.wake(yard.idle.submitted());
        thief.join().unwrap();
        assert!(queues.ready.is_empty() && queues.yielded.is_empty());
    });
}

/// A worker puts a task back that gave way, while the closer drains: whoever is last cancels it.
/// Fault: a drain that does not look at `yielded`.
#[test]
fn a_task_that_gave_way_is_cancelled_at_the_end() {
    check(|| {
        let small = Small::new();
        drop(small.spawn(small.future(|_| Poll::Pending)));
        let task = small.places.get(0).next.take().expect("the task is in the slot");
        let (_, queues) = small.places.take().expect("there is a third place");
        small.count();
        let theirs = small.clone();
        let worker = spawn(move || {
            PLACE.with(|place| place.set(Some(2)));
            queues.yielded.push(task);
            if theirs.closing.load(Relaxed) {
                theirs.drain();
            }
            theirs.uncount();
        });
        small.close_and_drain();
        small.assert_dropped(1);
        small.uncount();
        worker.join().unwrap();
        assert!(small.freed.load(Relaxed));
    });
}
