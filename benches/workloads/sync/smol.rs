//! What smol's users take instead of tokio's `sync`: `async-channel` and `async-lock`, with the few names of tokio's API
//! that the workloads use. The wrapping is inlined away.

pub(super) use async_lock::{Mutex, RwLock};

/// Channels. Theirs have any number of receivers; here each has one.
pub(super) mod mpsc {
    use async_channel::{SendError, TrySendError};

    #[derive(Clone)]
    pub(in super::super) struct Sender<T>(async_channel::Sender<T>);

    impl<T> Sender<T> {
        #[inline]
        pub(in super::super) fn send(&self, value: T) -> impl Future<Output = Result<(), SendError<T>>> {
            self.0.send(value)
        }
    }

    #[derive(Clone)]
    pub(in super::super) struct UnboundedSender<T>(async_channel::Sender<T>);

    impl<T> UnboundedSender<T> {
        #[inline]
        pub(in super::super) fn send(&self, value: T) -> Result<(), TrySendError<T>> {
            self.0.try_send(value)
        }
    }

    pub(in super::super) struct Receiver<T>(async_channel::Receiver<T>);

    impl<T> Receiver<T> {
        #[inline]
        pub(in super::super) async fn recv(&mut self) -> Option<T> {
            self.0.recv().await.ok()
        }
    }

    pub(in super::super) fn channel<T>(room: usize) -> (Sender<T>, Receiver<T>) {
        let (tx, rx) = async_channel::bounded(room);
        (Sender(tx), Receiver(rx))
    }

    pub(in super::super) fn unbounded_channel<T>() -> (UnboundedSender<T>, Receiver<T>) {
        let (tx, rx) = async_channel::unbounded();
        (UnboundedSender(tx), Receiver(rx))
    }
}

/// It cannot be closed, so nobody is refused.
pub(super) struct Semaphore(async_lock::Semaphore);

impl Semaphore {
    pub(super) fn new(permits: usize) -> Self {
        Semaphore(async_lock::Semaphore::new(permits))
    }

    #[inline]
    pub(super) async fn acquire(&self) -> Option<async_lock::SemaphoreGuard<'_>> {
        Some(self.0.acquire().await)
    }

    /// They are not counted there: takes them all, and gives them back.
    pub(super) fn available_permits(&self) -> usize {
        std::iter::from_fn(|| self.0.try_acquire()).collect::<Vec<_>>().len()
    }
}
