// The part of the runtime that its attributes name: `runtime::Builder` and what leads from it to `block_on`.

pub mod runtime {
    use std::cell::RefCell;
    use std::future::Future;
    use std::io;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    thread_local! {
        static SETTINGS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    }

    /// What was called on the builder whose runtime runs on this thread.
    #[allow(dead_code)]
    pub fn settings() -> Vec<String> {
        SETTINGS.with_borrow(Clone::clone)
    }

    #[derive(Default)]
    pub struct LocalOptions;

    #[derive(Debug)]
    #[allow(dead_code)]
    pub enum UnhandledPanic {
        Ignore,
        ShutdownRuntime,
        Abort,
    }

    #[must_use]
    pub struct Builder(Vec<String>);

    #[allow(dead_code)]
    impl Builder {
        pub fn new_multi_thread() -> Self {
            Builder(vec!["multi_thread".into()])
        }
        pub fn new_current_thread() -> Self {
            Builder(vec!["current_thread".into()])
        }
        fn with(&mut self, setting: String) -> &mut Self {
            self.0.push(setting);
            self
        }
        pub fn enable_all(&mut self) -> &mut Self {
            self.with("all".into())
        }
        pub fn worker_threads(&mut self, n: usize) -> &mut Self {
            self.with(format!("threads {n}"))
        }
        pub fn start_paused(&mut self, paused: bool) -> &mut Self {
            self.with(format!("paused {paused}"))
        }
        pub fn unhandled_panic(&mut self, policy: UnhandledPanic) -> &mut Self {
            self.with(format!("{policy:?}"))
        }
        pub fn name(&mut self, name: impl Into<String>) -> &mut Self {
            self.with(name.into())
        }
        pub fn build(&mut self) -> io::Result<Runtime> {
            Ok(Runtime(std::mem::take(&mut self.0)))
        }
        pub fn build_local(&mut self, _: LocalOptions) -> io::Result<Runtime> {
            self.with("local".into()).build()
        }
    }

    pub struct Runtime(Vec<String>);

    impl Runtime {
        pub fn block_on<F: Future>(&self, future: F) -> F::Output {
            SETTINGS.set(self.0.clone());
            let mut future = pin!(future);
            loop {
                if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                    return output;
                }
            }
        }
    }
}
