//! What a thread or a process may ask the kernel for and `rustix` does not: a sandbox as container runtimes and service managers
//! put around a process, in which the kernel refuses some calls from now on; a mask of signals.

use std::mem::MaybeUninit;
use std::{io, ptr};

/// A call to refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    number: libc::c_long,
    /// Only where its first argument is negative as an `int`.
    negative_only: bool,
}

impl Call {
    /// By its number, `libc::SYS_…`.
    pub const fn of(number: libc::c_long) -> Call {
        Call { number, negative_only: false }
    }

    /// Only calls whose first argument is a negative `int`: clocks of threads, for one.
    pub const fn if_negative(number: libc::c_long) -> Call {
        Call { number, negative_only: true }
    }
}

/// From now on these calls fail with `errno` on every thread of this process, and on those that they start. There is no
/// way back.
///
/// # Errors
/// The system has no such filters, or allows us none.
pub fn refuse(calls: &[Call], errno: i32) -> io::Result<()> {
    let mut program = program(calls, errno);
    let filter = libc::sock_fprog { len: program.len() as u16, filter: program.as_mut_ptr() };
    // SAFETY: no pointers, and it only takes rights away from this process.
    let failed = unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) };
    if failed != 0 {
        return Err(io::Error::last_os_error());
    }
    let (mode, flags) = (libc::SECCOMP_SET_MODE_FILTER, libc::SECCOMP_FILTER_FLAG_TSYNC);
    // SAFETY: the kernel reads the program, which outlives the call, and checks it.
    let failed = unsafe { libc::syscall(libc::SYS_seccomp, mode, flags, &raw const filter) };
    if failed == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Blocks a signal for this thread, or lets it through again.
pub fn block_signal(signal: i32, block: bool) {
    let mut set = MaybeUninit::uninit();
    // SAFETY: writes a set to memory of ours.
    unsafe { libc::sigemptyset(set.as_mut_ptr()) };
    // SAFETY: the line above has made the set.
    let mut set: libc::sigset_t = unsafe { set.assume_init() };
    // SAFETY: the set is ours.
    unsafe { libc::sigaddset(&raw mut set, signal) };
    let how = if block { libc::SIG_BLOCK } else { libc::SIG_UNBLOCK };
    // SAFETY: reads our set; nobody wants the old one.
    let failed = unsafe { libc::pthread_sigmask(how, &raw const set, ptr::null_mut()) };
    assert_eq!(failed, 0);
}

/// Offsets in what a filter sees of a call: its number, and the lower half of its first argument.
const NUMBER: u32 = 0;
const FIRST_ARGUMENT: u32 = if cfg!(target_endian = "little") { 16 } else { 20 };
const SIGN: u32 = 1 << 31;

fn program(calls: &[Call], errno: i32) -> Vec<libc::sock_filter> {
    let step = |code, jt, jf, k| libc::sock_filter { code: code as u16, jt, jf, k };
    let load = |offset| step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, offset);
    let skip_unless = |how, k, steps| step(libc::BPF_JMP | how | libc::BPF_K, 0, steps, k);
    let give = |answer| step(libc::BPF_RET | libc::BPF_K, 0, 0, answer);
    let mut program = Vec::new();
    for call in calls {
        let refused = give(libc::SECCOMP_RET_ERRNO | errno as u32);
        program.push(load(NUMBER));
        if call.negative_only {
            program.push(skip_unless(libc::BPF_JEQ, call.number as u32, 3));
            program.push(load(FIRST_ARGUMENT));
            program.push(skip_unless(libc::BPF_JSET, SIGN, 1));
        } else {
            program.push(skip_unless(libc::BPF_JEQ, call.number as u32, 1));
        }
        program.push(refused);
    }
    program.push(give(libc::SECCOMP_RET_ALLOW));
    program
}
