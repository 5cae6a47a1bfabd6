//! The methods of the three queues, written once.

/// Gives a queue type its methods. They differ in the order of items only, and that is the store's.
macro_rules! faces {
    ([$($generics:tt)*] $queue:ty, $name:literal) => {
        impl<$($generics)*> $queue {
            /// A queue with room for `maxsize` items.
            ///
            /// # Panics
            /// If `maxsize` is 0, which would let nothing through, or more than `Semaphore::MAX_PERMITS`.
            #[track_caller]
            pub fn new(maxsize: usize) -> Self {
                Self { exchange: Exchange::bounded(maxsize) }
            }

            /// A queue that takes any number of items. Producers that are faster than consumers fill the memory.
            pub fn unbounded() -> Self {
                Self { exchange: Exchange::with_maxsize(None) }
            }

            /// Puts an item in, waiting for room if there is none.
            ///
            /// # Errors
            /// If the queue is closed, also while this waits; the item comes back.
            ///
            /// # Cancel safety
            /// Dropping it puts nothing in, drops the item and loses the place among those who wait.
            #[track_caller]
            pub fn put(&self, item: T) -> impl Future<Output = Result<(), error::PutError<T>>> {
                self.exchange.put(item, std::panic::Location::caller())
            }

            /// Puts an item in if there is room and nobody waits for it.
            ///
            /// # Errors
            /// If there is none, or the queue is closed; the item comes back.
            pub fn try_put(&self, item: T) -> Result<(), error::TryPutError<T>> {
                self.exchange.try_put(item)
            }

            /// Like [`put`](Self::put), blocking the thread.
            ///
            /// # Errors
            /// If the queue is closed; the item comes back.
            ///
            /// # Panics
            /// If called from a task.
            #[track_caller]
            pub fn blocking_put(&self, item: T) -> Result<(), error::PutError<T>> {
                crate::sync::blocking::assert_may_block(concat!($name, "::blocking_put"));
                crate::sync::blocking::wait(self.put(item))
            }

            /// Takes an item out, waiting for one if there is none. Consumers are served in the order in which they came.
            ///
            /// # Errors
            /// If the queue is closed and empty.
            ///
            /// # Cancel safety
            /// Cancelling it loses no item: one is taken out only when this returns it.
            #[track_caller]
            pub fn get(&self) -> impl Future<Output = Result<T, error::GetError>> {
                self.exchange.get(std::panic::Location::caller())
            }

            /// Takes an item out if there is one that is not promised to somebody who waits.
            ///
            /// # Errors
            /// If there is none now, or the queue is closed and empty.
            pub fn try_get(&self) -> Result<T, error::TryGetError> {
                self.exchange.try_get()
            }

            /// Like [`get`](Self::get), blocking the thread.
            ///
            /// # Errors
            /// If the queue is closed and empty.
            ///
            /// # Panics
            /// If called from a task.
            #[track_caller]
            pub fn blocking_get(&self) -> Result<T, error::GetError> {
                crate::sync::blocking::assert_may_block(concat!($name, "::blocking_get"));
                crate::sync::blocking::wait(self.get())
            }

            /// Reports that the work on an item is done. Call it once for each item that was got; the last call lets
            /// [`join`](Self::join) go on.
            ///
            /// # Panics
            /// If it is called more often than items were put in.
            #[track_caller]
            pub fn task_done(&self) {
                self.exchange.task_done();
            }

            /// Waits until the work on all items is done. It is enough that it was so at one moment since this call.
            ///
            /// # Cancel safety
            /// Cancelling it loses nothing.
            pub async fn join(&self) {
                self.exchange.join().await;
            }

            /// Like [`join`](Self::join), blocking the thread.
            ///
            /// # Panics
            /// If called from a task.
            #[track_caller]
            pub fn blocking_join(&self) {
                crate::sync::blocking::assert_may_block(concat!($name, "::blocking_join"));
                crate::sync::blocking::wait(self.join());
            }

            /// Takes no more items; those that are in can still be got. Whoever waits for room, or in vain for an item, is
            /// refused. `true`: this call closed it.
            pub fn close(&self) -> bool {
                self.exchange.close()
            }

            /// Closes it and gives what is in it, in the order of `get`. These items count as done, also if a comparison that
            /// puts them in order panics; then they are dropped.
            pub fn close_now(&self) -> Vec<T> {
                self.exchange.close_now()
            }

            /// Has it been closed?
            pub fn is_closed(&self) -> bool {
                self.exchange.is_closed()
            }

            /// How many items are in it now.
            pub fn len(&self) -> usize {
                self.exchange.len()
            }

            /// Is no item in it now?
            pub fn is_empty(&self) -> bool {
                self.len() == 0
            }

            /// Is there no room now? Never true for an unbounded queue.
            pub fn is_full(&self) -> bool {
                self.maxsize().is_some_and(|maxsize| self.len() >= maxsize)
            }

            /// The most items it takes; `None` for an unbounded queue.
            pub fn maxsize(&self) -> Option<usize> {
                self.exchange.maxsize()
            }

            /// Counts of what is in it, has been in it, and who waits. Walks those who wait, who stand still meanwhile: for
            /// logs and tests.
            pub fn statistics(&self) -> QueueStatistics {
                self.exchange.statistics()
            }
        }

        impl<$($generics)*> std::fmt::Debug for $queue {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct($name)
                    .field("len", &self.len())
                    .field("maxsize", &self.maxsize())
                    .field("closed", &self.is_closed())
                    .finish_non_exhaustive()
            }
        }

        // No lock of ours is held while foreign code runs but `Ord`, whose panics leave all counts right.
        impl<$($generics)*> std::panic::UnwindSafe for $queue {}
        impl<$($generics)*> std::panic::RefUnwindSafe for $queue {}
    };
}

pub(super) use faces;
