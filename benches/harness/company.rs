//! Bad company: processes and threads that compute without end beside the measurement, so that there are more of those who
//! want a CPU than there are CPUs.
//!
//! A busy process is this program again, started with a hidden argument. The danger is one that outlives the run and disturbs
//! whoever measures next: it ends when it is killed, and also when its input ends, which happens when this process is gone.

use std::env;
use std::hint::black_box;
use std::io::{Read, stdin};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::Wrong;

/// Makes this program a busy process.
pub(crate) const FLAG: &str = "--spin";

/// Steps between two looks at whether to end: far below a millisecond.
const STEPS: u64 = 10_000;

fn compute(seed: u64) -> u64 {
    (0..STEPS).fold(seed, |x, step| black_box((x ^ step).wrapping_mul(0x9E37_79B9_7F4A_7C15)))
}

/// Child's side: computes until its input ends.
pub(crate) fn spin() -> ExitCode {
    thread::spawn(|| {
        // Nobody writes: it returns at the end of the input, or fails, which means the same.
        let _ = stdin().read(&mut [0]);
        std::process::exit(0);
    });
    let mut x = 1;
    loop {
        x = compute(x);
    }
}

/// Others that compute until this is dropped.
pub struct Company {
    processes: Vec<Child>,
    threads: Vec<thread::JoinHandle<u64>>,
    over: Arc<AtomicBool>,
}

impl Company {
    fn nobody() -> Self {
        Self { processes: Vec::new(), threads: Vec::new(), over: Arc::default() }
    }

    /// So many busy processes.
    pub fn processes(count: usize) -> Result<Self, Wrong> {
        let failed = |error: std::io::Error| Wrong(format!("cannot start a busy process: {error}"));
        let program = env::current_exe().map_err(failed)?;
        let mut company = Self::nobody();
        for _ in 0..count {
            let child = Command::new(&program).arg(FLAG).stdin(Stdio::piped()).stdout(Stdio::null()).spawn();
            company.processes.push(child.map_err(failed)?);
        }
        Ok(company)
    }

    /// So many busy threads of this process.
    pub fn threads(count: usize) -> Self {
        let mut company = Self::nobody();
        for number in 0..count {
            let over = company.over.clone();
            let busy = move || {
                let mut x = number as u64;
                while !over.load(Ordering::Relaxed) {
                    x = compute(x);
                }
                x
            };
            company.threads.push(thread::spawn(busy));
        }
        company
    }
}

impl Drop for Company {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            // They only compute: they cannot panic.
            let _ = thread.join();
        }
        for child in &mut self.processes {
            // One that is gone already is what is wanted.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
