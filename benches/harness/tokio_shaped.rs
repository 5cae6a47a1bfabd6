//! One implementation for every peer that has tokio's API: ours and tokio run the same lines, so that neither is written
//! more kindly than the other.

/// Implements `Peer` for both flavors, `Spawn` and `InPlace` over a crate with tokio's module layout.
macro_rules! tokio_shaped {
    ($(#[$about:meta])* $peer:ident, $(#[$about_current:meta])* $current:ident, $name:literal, $krate:ident) => {
        use std::future::Future;
        use std::pin::Pin;
        use std::task::{Context, Poll};

        use ::$krate::runtime::{Builder, Handle, Runtime};
        use ::$krate::task::JoinHandle;

        use $crate::{InPlace, Peer, Spawn};

        $(#[$about])*
        pub struct $peer(Runtime);

        $(#[$about_current])*
        pub struct $current(Runtime);

        /// Spawns through the thread's current runtime, as code inside a task does.
        #[derive(Clone, Copy)]
        pub struct Here;

        /// Spawns through a handle.
        #[derive(Clone)]
        pub struct Remote(Handle);

        /// A join handle whose error is a failure of the benchmark.
        pub struct Joined<T>(JoinHandle<T>);

        impl<T> Future for Joined<T> {
            type Output = T;

            fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
                match Pin::new(&mut self.0).poll(cx) {
                    Poll::Ready(Ok(value)) => Poll::Ready(value),
                    Poll::Ready(Err(error)) => panic!("a benchmark's task failed on {}: {error}", $name),
                    Poll::Pending => Poll::Pending,
                }
            }
        }

        impl Peer for $peer {
            const NAME: &'static str = $name;
            type Here = Here;
            type Handle = Remote;

            fn build(workers: usize) -> Self {
                match Builder::new_multi_thread().worker_threads(workers).enable_all().build() {
                    Ok(runtime) => Self(runtime),
                    Err(error) => panic!("{} could not start with {workers} workers: {error}", $name),
                }
            }

            fn here(&self) -> Here {
                Here
            }

            fn handle(&self) -> Remote {
                Remote(self.0.handle().clone())
            }

            fn block_on<F: Future>(&self, future: F) -> F::Output {
                self.0.block_on(future)
            }

            fn yield_now() -> impl Future<Output = ()> + Send {
                ::$krate::task::yield_now()
            }
        }

        impl Peer for $current {
            const NAME: &'static str = $name;
            type Here = Here;
            type Handle = Remote;

            fn build(_: usize) -> Self {
                match Builder::new_current_thread().enable_all().build() {
                    Ok(runtime) => Self(runtime),
                    Err(error) => panic!("{} could not start on one thread: {error}", $name),
                }
            }

            fn here(&self) -> Here {
                Here
            }

            fn handle(&self) -> Remote {
                Remote(self.0.handle().clone())
            }

            fn block_on<F: Future>(&self, future: F) -> F::Output {
                self.0.block_on(future)
            }

            fn yield_now() -> impl Future<Output = ()> + Send {
                ::$krate::task::yield_now()
            }
        }

        impl InPlace for $peer {
            fn block_in_place<T>(work: impl FnOnce() -> T) -> T {
                ::$krate::task::block_in_place(work)
            }
        }

        impl Spawn for Here {
            type Join<T: Send + 'static> = Joined<T>;
            type BlockingJoin<T: Send + 'static> = Joined<T>;

            fn spawn<F>(&self, future: F) -> Joined<F::Output>
            where
                F: Future + Send + 'static,
                F::Output: Send + 'static,
            {
                Joined(::$krate::task::spawn(future))
            }

            fn detach<F>(&self, future: F)
            where
                F: Future + Send + 'static,
                F::Output: Send + 'static,
            {
                drop(::$krate::task::spawn(future));
            }

            fn spawn_blocking<T, F>(&self, work: F) -> Joined<T>
            where
                F: FnOnce() -> T + Send + 'static,
                T: Send + 'static,
            {
                Joined(::$krate::task::spawn_blocking(work))
            }
        }

        impl Spawn for Remote {
            type Join<T: Send + 'static> = Joined<T>;
            type BlockingJoin<T: Send + 'static> = Joined<T>;

            fn spawn<F>(&self, future: F) -> Joined<F::Output>
            where
                F: Future + Send + 'static,
                F::Output: Send + 'static,
            {
                Joined(self.0.spawn(future))
            }

            fn detach<F>(&self, future: F)
            where
                F: Future + Send + 'static,
                F::Output: Send + 'static,
            {
                drop(self.0.spawn(future));
            }

            fn spawn_blocking<T, F>(&self, work: F) -> Joined<T>
            where
                F: FnOnce() -> T + Send + 'static,
                T: Send + 'static,
            {
                Joined(self.0.spawn_blocking(work))
            }
        }
    };
}

/// Implements `Timers` over a crate with tokio's module layout.
macro_rules! tokio_shaped_timers {
    ($peer:ident, $krate:ident) => {
        impl $crate::Timers for $peer {
            type Sleep = ::$krate::time::Sleep;

            fn sleep(duration: ::std::time::Duration) -> Self::Sleep {
                ::$krate::time::sleep(duration)
            }

            fn reset(sleep: Pin<&mut Self::Sleep>, after: ::std::time::Duration) {
                sleep.reset(::$krate::time::Instant::now() + after);
            }

            async fn timeout<F>(duration: ::std::time::Duration, future: F) -> Option<F::Output>
            where
                F: Future + Send,
                F::Output: Send,
            {
                ::$krate::time::timeout(duration, future).await.ok()
            }

            async fn ticks(period: ::std::time::Duration, count: u64) {
                let first = ::$krate::time::Instant::now() + period;
                let mut ticks = ::$krate::time::interval_at(first, period);
                for _ in 0..count {
                    ticks.tick().await;
                }
            }
        }
    };
}

pub(crate) use {tokio_shaped, tokio_shaped_timers};
