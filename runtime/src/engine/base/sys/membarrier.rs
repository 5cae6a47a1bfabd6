//! The heavy fence is `membarrier(PRIVATE_EXPEDITED)`: every running thread of the process has a full fence when it
//! returns.

use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering, compiler_fence, fence};

/// Written once, by `prepare`, before anybody may rely on a pair of fences.
static IN_THE_KERNEL: AtomicBool = AtomicBool::new(false);

/// Asks the kernel, the first time. Call it before making what the fences guard.
pub(crate) fn prepare() {
    static ASKED: Once = Once::new();
    ASKED.call_once(|| {
        IN_THE_KERNEL.store(register() && membarrier(libc::MEMBARRIER_CMD_PRIVATE_EXPEDITED), Ordering::Release)
    });
}

fn register() -> bool {
    membarrier(libc::MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED)
}

fn membarrier(command: libc::c_int) -> bool {
    // SAFETY: takes two integers beside the number, and touches no memory of ours.
    unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) == 0 }
}

#[inline(always)]
pub(crate) fn light() {
    if IN_THE_KERNEL.load(Ordering::Relaxed) {
        compiler_fence(Ordering::SeqCst);
    } else {
        fence(Ordering::SeqCst);
    }
}

#[cold]
pub(crate) fn heavy() {
    fence(Ordering::SeqCst);
    if IN_THE_KERNEL.load(Ordering::Relaxed) && !membarrier(libc::MEMBARRIER_CMD_PRIVATE_EXPEDITED) {
        // A forked child is not registered. If it cannot be, it has this one thread, and nobody to put a fence into.
        let _ = register() && membarrier(libc::MEMBARRIER_CMD_PRIVATE_EXPEDITED);
    }
}
