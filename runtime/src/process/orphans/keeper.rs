//! The thread that reaps orphans, from the first one to the last.
//!
//! Not here: who starts it, and how none is forgotten (`hall`).
//!
//! It waits for pidfds and its bell; for SIGCHLD, if there is an orphan without a pidfd. What cannot be waited for is looked
//! at now and then: that is no substitute for a wake, but what is left when the system refuses the means to wake.

use super::bell::Bell;
use super::{HALL, Orphan};
use crate::signal::OutsideOfRuntimes;
use crate::signal::unix::SignalKind;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::thread;
use std::time::Duration;

/// Between two looks at an orphan that cannot be waited for. Soon enough for a person who lists processes; twenty looks a
/// second at a handful of orphans cost nothing that shows.
const NOW_AND_THEN: Duration = Duration::from_millis(50);

const NOW_AND_THEN_TO_POLL: Timespec = Timespec { tv_sec: 0, tv_nsec: NOW_AND_THEN.as_nanos() as _ };

pub(super) fn keep() {
    let bell = Bell::new().ok();
    let waker = bell.as_ref().map_or(Waker::noop().clone(), |bell| bell.clone().into());
    HALL.get().attend(waker.clone());
    let mut keeper = Keeper { bell, waker, orphans: Vec::new(), children: None };
    loop {
        if let Some(bell) = &keeper.bell {
            bell.empty();
        }
        if !HALL.get().collect(&mut keeper.orphans) {
            return;
        }
        let can_wait = keeper.listens();
        keeper.orphans.retain_mut(|orphan| !(orphan.may_be_over() && orphan.is_over()));
        if !keeper.orphans.is_empty() {
            keeper.wait(can_wait);
        }
    }
}

struct Keeper {
    /// `None`: there was no descriptor for it.
    bell: Option<Arc<Bell>>,
    waker: Waker,
    orphans: Vec<Orphan>,
    /// Listens to SIGCHLD, from the first orphan on that has no pidfd.
    children: Option<OutsideOfRuntimes>,
}

impl Keeper {
    /// Leaves the bell with SIGCHLD, if there is an orphan that needs it. Before orphans are looked at: who ends after the
    /// look rings. `false`: there is an orphan whose end rings nothing.
    fn listens(&mut self) -> bool {
        if self.orphans.iter().all(|orphan| orphan.pidfd.is_some()) {
            return true;
        }
        if self.children.is_none() {
            self.children = OutsideOfRuntimes::listen(SignalKind::child()).ok();
        }
        let Some(children) = &mut self.children else { return false };
        let mut cx = Context::from_waker(&self.waker);
        while children.poll_heard(&mut cx).is_ready() {}
        self.bell.is_some()
    }

    /// Until somebody may have ended, or another one is left here.
    fn wait(&mut self, can_wait: bool) {
        let some_cannot_wait = self.orphans.iter().any(|orphan| orphan.now_and_then);
        let now_and_then = !can_wait || some_cannot_wait || self.bell.is_none();
        let mut awaited: Vec<_> = self.orphans.iter_mut().filter(|orphan| !orphan.may_be_over()).collect();
        let bell = self.bell.as_ref().map(|bell| bell.as_fd());
        let signals = self.children.as_ref().map(|children| children.as_fd());
        let pidfds = awaited.iter().filter_map(|orphan| orphan.pidfd.as_ref()).map(|pidfd| pidfd.as_fd());
        let descriptors = bell.into_iter().chain(signals).chain(pidfds);
        let mut asked: Vec<_> = descriptors.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)).collect();
        let refused = match poll(&mut asked, now_and_then.then_some(&NOW_AND_THEN_TO_POLL)) {
            Ok(_) => false,
            Err(Errno::INTR) => return,
            Err(_) => true,
        };
        let answers: Vec<bool> = asked.iter().map(|asked| !asked.revents().is_empty()).collect();
        drop(asked);
        let first = answers.len() - awaited.len();
        for (orphan, has_ended) in awaited.iter_mut().zip(&answers[first..]) {
            // If its end does not make it over, a debugger holds it, and its pidfd would wake us again and again.
            orphan.now_and_then = *has_ended || refused;
        }
        if refused {
            thread::sleep(NOW_AND_THEN);
        }
        if let Some(children) = &self.children {
            children.read();
        }
    }
}
