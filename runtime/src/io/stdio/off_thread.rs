//! A blocking object, used by a task: its operations run on a thread that may block.
//!
//! Owns: [`OffThread`], its buffer, the desk where a finished operation waits for the task.
//! Not here: what the object is.
//!
//! One operation is under way at a time. It takes the object and the buffer along, and leaves both on the desk with its
//! result; the next poll, of whichever future, picks them up. So no byte depends on a future staying alive: a read whose
//! future is dropped is found by the next read, a write is accepted once its bytes are in the buffer, and its
//! error is reported by the next write or flush.
//!
//! The danger: a poll looks at the desk while the operation ends. Result and waker stand under one lock; either the poll
//! sees the result or the operation sees the waker. A waker is cloned, woken and dropped outside of it.
//!
//! Rejected: the task's output in a join cell, as other closures have it. A closure that is taken back at shutdown would
//! take the object along, and every later operation could only fail.

use super::super::ReadBuf;
use super::input_thread::input_thread;
use crate::engine::budget::poll_proceed;
use crate::engine::{BlockingClass, Engine, entered, no_runtime_here};
use parking_lot::Mutex;
use std::io::{self, ErrorKind, Read, Write};
use std::mem;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, Location, RefUnwindSafe, UnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::task::{Context, Poll, Waker, ready};

/// What one operation moves at most, and hence what the buffer holds at most: tokio documents it, and programs rely on a
/// write up to this size being one write.
pub(crate) const CHUNK_MAX: usize = 2 * 1024 * 1024;

pub(crate) type Job = Box<dyn FnOnce() + Send>;

/// An object that is read, or one that is written; one that is both loses bytes it has read ahead.
pub(crate) struct OffThread<T> {
    /// The public type, for messages.
    name: &'static str,
    threads: Threads,
    /// `None` while an operation is under way.
    load: Option<Load<T>>,
    desk: Arc<Desk<T>>,
    /// Something was written and not flushed since.
    is_dirty: bool,
}

// The object is used on one thread at a time, and what a panic of its leaves behind is its own affair.
impl<T> UnwindSafe for OffThread<T> {}
impl<T> RefUnwindSafe for OffThread<T> {}

/// Whose threads run the operations.
#[derive(Clone, Copy)]
pub(crate) enum Threads {
    /// The internal class of the blocking pool of the runtime that polls.
    Pool,
    /// The thread of the process for standard input, which nobody waits for.
    Input,
}

/// `Threads`, found.
enum Carrier {
    Pool(Arc<Engine>),
    Input(Sender<Job>),
}

/// What an operation takes along.
struct Load<T> {
    object: T,
    bytes: Vec<u8>,
    /// What the task has not seen yet of what was read.
    unread: Range<usize>,
    /// How much the next read asks for.
    wanted: usize,
}

/// An operation, from its begin to the desk.
struct Operation<T> {
    /// `None` once it has been done.
    load: Option<Load<T>>,
    act: fn(&mut Load<T>) -> io::Result<()>,
    /// Is it done also if its thread never comes to it?
    must_happen: bool,
    desk: Arc<Desk<T>>,
}

type Done<T> = (Load<T>, io::Result<()>);

struct Desk<T>(Mutex<(Option<Done<T>>, Option<Waker>)>);

impl<T: Send + 'static> OffThread<T> {
    pub(crate) fn new(object: T, name: &'static str, threads: Threads) -> Self {
        let load = Load { object, bytes: Vec::new(), unread: 0..0, wanted: 0 };
        let desk = Arc::new(Desk(Mutex::new((None, None))));
        OffThread { name, threads, load: Some(load), desk, is_dirty: false }
    }

    /// Waits for the operation under way, if there is one, and for its result.
    fn poll_idle(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.load.is_some() {
            return Poll::Ready(Ok(()));
        }
        let (load, result) = ready!(self.desk.poll_take(cx));
        self.load = Some(load);
        Poll::Ready(result)
    }

    /// Sends an operation on its way. Fails, or panics, before anything has happened.
    fn begin(&mut self, act: fn(&mut Load<T>) -> io::Result<()>, must_happen: bool) -> io::Result<()> {
        let carrier = self.threads.find(self.name)?;
        let operation = Operation { load: self.load.take(), act, must_happen, desk: self.desk.clone() };
        carrier.carry(Box::new(move || operation.run()));
        Ok(())
    }

    fn idle_load(&mut self) -> &mut Load<T> {
        self.load.as_mut().expect("BUG: no operation is under way, and the object is not there")
    }
}

impl<T: Read + Send + 'static> OffThread<T> {
    pub(crate) fn poll_read(&mut self, cx: &mut Context<'_>, dst: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let unit = ready!(poll_proceed(cx));
        if dst.remaining() > 0 {
            let was_under_way = self.load.is_none();
            let mut read = ready!(self.poll_idle(cx));
            // Whether it gave bytes or the end: an operation that was under way answers this poll.
            if read.is_ok() && !was_under_way && self.idle_load().unread.is_empty() {
                self.idle_load().wanted = dst.remaining().min(CHUNK_MAX);
                self.begin(Load::read, false)?;
                read = ready!(self.poll_idle(cx));
            }
            read?;
            self.idle_load().hand_over(dst);
        }
        unit.made_progress();
        Poll::Ready(Ok(()))
    }
}

impl<T: Write + Send + 'static> OffThread<T> {
    /// Ready as soon as the bytes are on their way. The error of the write before comes out here.
    pub(crate) fn poll_write(&mut self, cx: &mut Context<'_>, src: &[u8]) -> Poll<io::Result<usize>> {
        let unit = ready!(poll_proceed(cx));
        ready!(self.poll_idle(cx))?;
        let taken = src.len().min(CHUNK_MAX);
        if taken > 0 {
            self.idle_load().fill(&src[..taken]);
            self.begin(Load::write, true)?;
            self.is_dirty = true;
        }
        unit.made_progress();
        Poll::Ready(Ok(taken))
    }

    /// Waits for the write under way, and then for the object's own flush.
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let unit = ready!(poll_proceed(cx));
        ready!(self.poll_idle(cx))?;
        if self.is_dirty {
            self.begin(Load::flush, true)?;
            self.is_dirty = false;
            ready!(self.poll_idle(cx))?;
        }
        unit.made_progress();
        Poll::Ready(Ok(()))
    }
}

impl<T> Drop for OffThread<T> {
    /// The operation goes on; the task's memory need not stay for it.
    fn drop(&mut self) {
        let waker = self.desk.0.lock().1.take();
        drop(waker);
    }
}

impl<T> Load<T> {
    fn fill(&mut self, src: &[u8]) {
        self.unread = 0..0;
        self.bytes.clear();
        self.bytes.extend_from_slice(src);
    }

    fn hand_over(&mut self, dst: &mut ReadBuf<'_>) {
        let n = self.unread.len().min(dst.remaining());
        dst.put_slice(&self.bytes[self.unread.start..self.unread.start + n]);
        self.unread.start += n;
    }
}

impl<T: Read> Load<T> {
    fn read(&mut self) -> io::Result<()> {
        self.unread = 0..0;
        // What was initialized once stays so.
        if self.bytes.len() < self.wanted {
            self.bytes.resize(self.wanted, 0);
        }
        loop {
            match self.object.read(&mut self.bytes[..self.wanted]) {
                Ok(n) => {
                    self.unread = 0..n.min(self.wanted);
                    return Ok(());
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl<T: Write> Load<T> {
    fn write(&mut self) -> io::Result<()> {
        self.object.write_all(&self.bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        loop {
            match self.object.flush() {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                flushed => return flushed,
            }
        }
    }
}

impl<T> Operation<T> {
    fn run(mut self) {
        if let Some(load) = self.load.take() {
            self.perform(load);
        }
    }

    fn perform(&self, mut load: Load<T>) {
        let acted = catch_unwind(AssertUnwindSafe(|| (self.act)(&mut load)));
        let result = acted.unwrap_or_else(|_| {
            Err(io::Error::other("the operation panicked on its thread; the panic's message says why"))
        });
        self.desk.put((load, result));
    }
}

impl<T> Drop for Operation<T> {
    /// The runtime ends, and no thread has come to it.
    fn drop(&mut self) {
        match self.load.take() {
            None => {}
            Some(load) if self.must_happen => self.perform(load),
            Some(load) => {
                let ended = "nothing was read: the runtime ended before a thread began to.\n  Read before it ends, or in \
                             another runtime: the object is still there.";
                self.desk.put((load, Err(io::Error::other(ended))));
            }
        }
    }
}

impl<T> Desk<T> {
    fn put(&self, done: Done<T>) {
        let mut desk = self.0.lock();
        desk.0 = Some(done);
        let waker = desk.1.take();
        drop(desk);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn poll_take(&self, cx: &mut Context<'_>) -> Poll<Done<T>> {
        let mut waker = Some(cx.waker().clone());
        let mut desk = self.0.lock();
        let done = desk.0.take();
        if done.is_none() {
            mem::swap(&mut desk.1, &mut waker);
        }
        drop(desk);
        drop(waker);
        done.map_or(Poll::Pending, Poll::Ready)
    }
}

impl Threads {
    fn find(self, name: &str) -> io::Result<Carrier> {
        match self {
            Threads::Input => input_thread().map(Carrier::Input),
            Threads::Pool => {
                let engine = entered::with_engine(|engine| engine.map(Engine::arc));
                Ok(Carrier::Pool(engine.unwrap_or_else(|| no_runtime_here(name))))
            }
        }
    }
}

impl Carrier {
    /// Runs the job; or drops it, if the runtime ends first.
    fn carry(self, job: Job) {
        match self {
            Carrier::Pool(engine) => {
                let info = Engine::info(Location::caller());
                drop(engine.spawn_blocking(BlockingClass::Internal, job, info));
            }
            // It cannot fail: the thread catches what operations do, and ends with the process.
            Carrier::Input(thread) => drop(thread.send(job)),
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::runtime::Builder;
    use std::future::poll_fn;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    /// Reads what its script says, one step per call.
    struct Script(Vec<io::Result<&'static [u8]>>);

    impl Read for Script {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            let bytes = self.0.remove(0)?;
            assert!(!bytes.starts_with(b"panic"), "as the script says");
            buf[..bytes.len()].copy_from_slice(bytes);
            Ok(bytes.len())
        }
    }

    async fn read(object: &mut OffThread<Script>, room: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; room];
        let mut buf = ReadBuf::new(&mut bytes);
        poll_fn(|cx| object.poll_read(cx, &mut buf)).await?;
        Ok(buf.filled().to_vec())
    }

    #[test]
    fn errors_and_panics_are_reported_once_and_interruptions_never() {
        let script =
            vec![Err(ErrorKind::Interrupted.into()), Ok(&b"ab"[..]), Err(ErrorKind::NotFound.into()), Ok(b"panic")];
        let script = script.into_iter().chain([Ok(&b"cd"[..]), Ok(b""), Ok(b"e")]).collect();
        let mut object = OffThread::new(Script(script), "Script", Threads::Pool);
        Builder::new_current_thread().build().unwrap().block_on(async {
            assert_eq!(read(&mut object, 9).await.unwrap(), b"ab");
            assert_eq!(read(&mut object, 9).await.unwrap_err().kind(), ErrorKind::NotFound);
            assert!(read(&mut object, 9).await.unwrap_err().to_string().contains("panicked"));
            assert_eq!(read(&mut object, 2).await.unwrap(), b"cd");
            assert_eq!(read(&mut object, 9).await.unwrap(), b"", "the end");
            assert_eq!(read(&mut object, 9).await.unwrap(), b"e", "and on, as on a terminal");
        });
    }

    #[test]
    fn a_read_that_a_runtime_refuses_because_it_has_ended_fails_and_its_object_lives_on() {
        let runtime = Builder::new_current_thread().build().unwrap();
        let ended = runtime.handle().clone();
        drop(runtime);
        let mut object = OffThread::new(Script(vec![Ok(b"ab")]), "Script", Threads::Pool);
        let error = ended.block_on(read(&mut object, 9)).unwrap_err();
        assert!(error.to_string().contains("the runtime ended"), "{error}");
        let next = Builder::new_current_thread().build().unwrap();
        assert_eq!(next.block_on(read(&mut object, 1 + 1)).unwrap(), b"ab");
    }

    /// All threads that the internal class may have are held; what waits for one is done when there is one, though the runtime
    /// has ended, and nobody does it instead of them.
    ///
    /// Fault: `Pool::wait` that closes the internal class as that of users.
    #[test]
    fn what_a_runtime_has_accepted_for_itself_is_done_after_its_end() {
        const THREADS: usize = 512;
        let runtime = Builder::new_current_thread().thread_stack_size(1 << 16).build().unwrap();
        let begun = Arc::new(AtomicUsize::new(0));
        let gate = Arc::new(Mutex::new(()));
        let held = gate.lock();
        let entered = runtime.enter();
        for _ in 0..THREADS {
            let (begun, gate) = (begun.clone(), gate.clone());
            spawn_internal(move || {
                begun.fetch_add(1, Ordering::SeqCst);
                drop(gate.lock());
            });
        }
        while begun.load(Ordering::SeqCst) < THREADS {
            std::thread::yield_now();
        }
        let mut object = OffThread::new(Script(vec![Ok(b"ab")]), "Script", Threads::Pool);
        let mut reading = Box::pin(read(&mut object, 9));
        assert!(reading.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        drop(entered);
        runtime.shutdown_timeout(Duration::from_millis(1));
        assert!(reading.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        drop(held);
        let next = Builder::new_current_thread().build().unwrap();
        assert_eq!(next.block_on(reading).unwrap(), b"ab");
    }

    fn spawn_internal(job: impl FnOnce() + Send + 'static) {
        Threads::Pool.find("test").unwrap().carry(Box::new(job));
    }
}
