//! Beyond tokio: the same as elsewhere, where the kernel cannot be asked for what is in its cache, and where it never has
//! anything. Then threads read, and reads can be given up; and a file that is nobody else's is read ahead.
//!
//! Fault: what was read for a future that was dropped is not given back before a move.

use crate::{fs_conserve, fs_file, fs_random};
use runtime_tests::again::in_own_process;
use runtime_tests::sandbox::{Call, refuse};
use runtime_tests::{Flavor, watchdog_secs};
use rustix::io::Errno;

#[test]
fn without_the_call() {
    let _watch = watchdog_secs(180);
    in_own_process("fs_uncached::refused");
}

#[test]
fn with_an_empty_cache() {
    let _watch = watchdog_secs(180);
    in_own_process("fs_uncached::missed");
}

#[test]
#[ignore = "takes its process a system call; run by the test above"]
fn refused() {
    everything(Errno::NOSYS);
}

#[test]
#[ignore = "takes its process a system call; run by the test above"]
fn missed() {
    everything(Errno::AGAIN);
}

fn everything(errno: Errno) {
    let _watch = watchdog_secs(180);
    if refuse(&[Call::of(libc::SYS_preadv2)], errno.raw_os_error()).is_err() {
        return eprintln!("SKIPPED: no sandbox may be made here, so nothing was tested");
    }
    for flavor in [Flavor::CurrentThread, Flavor::MultiThread(2)] {
        fs_random::in_a_folder(flavor);
        fs_random::in_memory(flavor);
        fs_conserve::a_read_given_up(flavor);
        fs_conserve::everything_else_given_up(flavor);
        fs_file::reads(flavor);
        fs_file::seeks(flavor);
        fs_file::clones_share_an_offset(flavor);
        fs_file::std_and_back(flavor);
        fs_file::what_is_no_regular_file(flavor);
    }
}
