//! A callback for the end of a task.
//!
//! Owns: [`JoinHandle::on_done`].   Not here: awaiting a task (`join`).
//!
//! The joiner's waker is the callback: the worker that completes a task wakes whoever joins it, after the task is
//! complete, outside of every lock, and catches what that throws. So there is no task, no queue and no thread between the
//! end of one and the call of the other; `scope::TaskGroup` stands on this.
//!
//! The lock guards who takes handle and callback out, once: the completer, or `on_done` itself when it comes too late. The
//! callback runs after it is given back.

use super::{AbortHandle, JoinError, JoinHandle};
use crate::engine::atomics::Mutex;
use crate::engine::budget::{Budget, with_budget};
use crate::engine::{JoinCell, contain};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

struct Callback<T, F>(Mutex<Option<Pending<T, F>>>);

struct Pending<T, F> {
    cell: JoinCell<T>,
    call: F,
}

impl<T> JoinHandle<T> {
    /// Calls `callback` with the task's output, or with why there is none, when the task is over.
    ///
    /// It is called once, in any case: by the worker that ends the task, right after its future was dropped, or by this
    /// function if the task is over already. Keep it short, as any code on a worker, and spawn what is longer. If it
    /// panics, the panic hook says so and nobody else hears of it.
    ///
    /// ```
    /// use std::sync::mpsc;
    ///
    /// # runtime::runtime::Runtime::new().unwrap().block_on(async {
    /// let (tx, rx) = mpsc::channel();
    /// runtime::spawn(async { 6 * 7 }).on_done(move |output| tx.send(output.unwrap()).unwrap());
    /// # runtime::task::block_in_place(|| {
    /// assert_eq!(rx.recv().unwrap(), 42);
    /// # })
    /// # })
    /// ```
    ///
    /// This uses the handle up, as there is one output; the [`AbortHandle`] is what is left of it.
    pub fn on_done<F>(self, callback: F) -> AbortHandle
    where
        F: FnOnce(Result<T, JoinError>) + Send + 'static,
        T: Send + 'static,
    {
        let abort = self.abort_handle();
        let this = Arc::new(Callback(Mutex::new(Some(Pending { cell: self.into_cell(), call: callback }))));
        let waker = Waker::from(this.clone());
        let is_over = match &mut *this.0.lock() {
            // Registering clones the waker, which is ours, and wakes nobody.
            Some(pending) => pending.cell.register(&waker),
            None => false,
        };
        if is_over {
            this.call();
        }
        abort
    }
}

impl<T, F: FnOnce(Result<T, JoinError>)> Callback<T, F> {
    fn call(&self) {
        let Some(Pending { mut cell, call }) = self.0.lock().take() else { return };
        let output = with_budget(Budget::UNCONSTRAINED, || cell.poll(&mut Context::from_waker(Waker::noop())));
        // The task may go now, also if the callback keeps this thread.
        match output {
            Poll::Ready(output) => {
                drop(cell);
                contain(|| call(output));
            }
            Poll::Pending => unreachable!("BUG: a task woke its joiner and is not complete"),
        }
    }
}

impl<T, F> Wake for Callback<T, F>
where
    T: Send + 'static,
    F: FnOnce(Result<T, JoinError>) + Send + 'static,
{
    fn wake(self: Arc<Self>) {
        self.call();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.call();
    }
}
