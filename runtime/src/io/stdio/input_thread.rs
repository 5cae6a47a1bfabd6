//! The thread that reads standard input, for all runtimes of the process.
//!
//! It starts with the first read and stays: one thread that sleeps. Reads of several handles are done one by one in the
//! order in which they were asked for; std's lock would do the same to them.

use super::off_thread::Job;
use parking_lot::Mutex;
use std::io;
use std::sync::mpsc::{Sender, channel};
use std::thread;

static QUEUE: Mutex<Option<Sender<Job>>> = Mutex::new(None);

/// Where to send what is to run there. Starts the thread if there is none.
pub(super) fn input_thread() -> io::Result<Sender<Job>> {
    let mut queue = QUEUE.lock();
    if let Some(there) = &*queue {
        return Ok(there.clone());
    }
    let (sender, jobs) = channel::<Job>();
    thread::Builder::new().name("stdin".to_owned()).spawn(move || jobs.iter().for_each(|job| job())).map_err(|e| {
        io::Error::new(e.kind(), format!("standard input is not read: the system refused the thread for it: {e}"))
    })?;
    *queue = Some(sender.clone());
    Ok(sender)
}
