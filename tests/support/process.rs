use parking_lot::{Mutex, MutexGuard};
use std::fs;

/// The threads of this process.
pub fn threads() -> usize {
    fs::read_dir("/proc/self/task").map_or(0, Iterator::count)
}

/// Their names.
pub fn thread_names() -> Vec<String> {
    let tasks = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    tasks.filter_map(|task| fs::read_to_string(task.path().join("comm")).ok()).map(|name| name.trim().into()).collect()
}

/// Does this thread of this process sleep in the kernel?
pub fn sleeps(thread: rustix::thread::Pid) -> bool {
    let path = format!("/proc/self/task/{}/stat", thread.as_raw_nonzero());
    // Behind its name, which may hold anything.
    fs::read_to_string(path).is_ok_and(|stat| stat.rsplit(')').next().is_some_and(|rest| rest.starts_with(" S")))
}

/// The open descriptors of this process.
pub fn fds() -> usize {
    fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}

/// Was this process reaped? (Before that it is there, as a zombie at least.)
pub fn is_reaped(id: u32) -> bool {
    !std::path::Path::new(&format!("/proc/{id}")).exists()
}

/// Held by tests that count what belongs to the whole process.
pub fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock()
}
