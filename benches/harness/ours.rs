//! Ours.

crate::tokio_shaped::tokio_shaped!(
    /// The multi-threaded runtime of this workspace.
    Ours,
    /// Our runtime on one thread: the one in `block_on`.
    OursCurrent,
    "ours",
    runtime
);

crate::tokio_shaped::tokio_shaped_timers!(Ours, runtime);
crate::tokio_shaped::tokio_shaped_timers!(OursCurrent, runtime);

crate::sockets::tokio_shaped_sockets!(Ours, runtime);
crate::sockets::tokio_shaped_sockets!(OursCurrent, runtime);

crate::net::tokio_servers::tokio_shaped_servers!(Ours, runtime);
