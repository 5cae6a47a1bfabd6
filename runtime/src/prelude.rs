//! For `use runtime::prelude::*`: what most programs name, without the module that is called like the crate.

pub use crate::io::{AsyncBufReadExt, AsyncReadExt, AsyncSeekExt, AsyncWriteExt};
pub use crate::runtime::{Builder, Handle, Runtime};
pub use crate::scope::{self, CancelScope, TaskGroup};
pub use crate::task::{self, AbortHandle, JoinError, JoinHandle, JoinSet, LocalSet, spawn, spawn_blocking, yield_now};
pub use crate::time::{self, Duration, sleep, timeout};
pub use crate::{join, pin, select, try_join};
