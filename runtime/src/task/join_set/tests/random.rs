//! Random operations against a model.

use super::*;
use std::collections::HashMap;

/// Numbers from a seed (xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Fate {
    Runs,
    Returned,
    Panicked,
    Aborted,
}

struct Member {
    gate: Gate,
    abort: AbortHandle,
    panics: bool,
    fate: Fate,
}

/// The set, and what must be in it.
struct Checked {
    set: JoinSet<u64>,
    members: HashMap<u64, Member>,
    spawned: u64,
    counter: Arc<Counter>,
    /// The set has a waker of ours, and the wakes at that time.
    waits: Option<usize>,
}

impl Checked {
    fn new() -> Self {
        Checked { set: JoinSet::new(), members: HashMap::new(), spawned: 0, counter: Arc::default(), waits: None }
    }

    fn spawn(&mut self, panics: bool) {
        let (gate, number) = (Gate::default(), self.spawned);
        self.spawned += 1;
        let passed = gate.passed();
        let abort = self.set.spawn(async move {
            passed.await;
            if panics {
                panic::resume_unwind(Box::new(number));
            }
            number
        });
        self.members.insert(number, Member { gate, abort, panics, fate: Fate::Runs });
    }

    fn pick(&self, numbers: &mut Numbers) -> Option<u64> {
        let mut running: Vec<u64> =
            self.members.iter().filter(|(_, member)| member.fate == Fate::Runs).map(|(number, _)| *number).collect();
        running.sort_unstable();
        (!running.is_empty()).then(|| running[numbers.below(running.len())])
    }

    /// A task ends: the waiter is woken by then.
    async fn end(&mut self, number: u64, abort: bool) {
        let member = self.members.get_mut(&number).unwrap();
        if abort {
            member.abort.abort();
            member.fate = Fate::Aborted;
        } else {
            member.gate.open();
            member.fate = if member.panics { Fate::Panicked } else { Fate::Returned };
        }
        finished(&member.abort.clone()).await;
        if let Some(before) = self.waits.take() {
            assert_eq!(self.counter.count(), before + 1, "task {number} ended and nobody was woken");
        }
    }

    fn joined(&mut self, output: Result<u64, JoinError>) {
        let (number, fate) = match output {
            Ok(number) => (number, Fate::Returned),
            Err(error) => {
                let id = error.id();
                let of_id = |(_, member): &(&u64, &Member)| member.abort.id() == id;
                let number = *self.members.iter().find(of_id).expect("an error of a task that is not in the set").0;
                (number, if error.is_panic() { Fate::Panicked } else { Fate::Aborted })
            }
        };
        let member = self.members.remove(&number).expect("an output of a task that is not in the set");
        assert_eq!(member.fate, fate, "task {number}");
    }

    fn poll(&mut self) {
        let waker = Waker::from(self.counter.clone());
        let over = self.members.values().any(|member| member.fate != Fate::Runs);
        match self.set.poll_join_next(&mut Context::from_waker(&waker)) {
            Poll::Ready(Some(output)) => self.joined(output),
            Poll::Ready(None) => assert!(self.members.is_empty()),
            Poll::Pending => {
                assert!(!over && !self.members.is_empty(), "a task is over and is not given");
                self.waits = Some(self.counter.count());
            }
        }
    }

    fn try_join(&mut self) {
        let over = self.members.values().any(|member| member.fate != Fate::Runs);
        match self.set.try_join_next() {
            Some(output) => self.joined(output),
            None => assert!(!over, "a task is over and is not given"),
        }
    }

    async fn step(&mut self, numbers: &mut Numbers) {
        match numbers.below(20) {
            0..=6 => self.spawn(numbers.below(4) == 0),
            7..=12 => {
                if let Some(number) = self.pick(numbers) {
                    self.end(number, numbers.below(3) == 0).await;
                }
            }
            13..=15 => self.poll(),
            16..=18 => self.try_join(),
            _ => {
                if numbers.below(8) == 0 {
                    self.set.detach_all();
                    for (_, member) in self.members.drain() {
                        // Lets it end, into the void.
                        member.gate.open();
                    }
                }
            }
        }
        assert_eq!(self.set.len(), self.members.len());
    }
}

#[test]
fn museum_y11_join_set_keeps_entries_and_waker() {
    watched(|| {
        for seed in 1..=200u64 {
            let outcome = panic::catch_unwind(|| {
                current_thread().block_on(async {
                    let mut numbers = Numbers(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
                    let mut checked = Checked::new();
                    for _ in 0..300 {
                        checked.step(&mut numbers).await;
                    }
                    checked.set.abort_all();
                    while let Some(output) = checked.set.join_next().await {
                        if let Ok(number) = output {
                            assert!(checked.members.remove(&number).is_some());
                        }
                    }
                });
            });
            if let Err(payload) = outcome {
                eprintln!("seed {seed}");
                panic::resume_unwind(payload);
            }
        }
    });
}
