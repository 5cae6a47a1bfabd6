//! Ours.

crate::tokio_shaped::tokio_shaped!(
    /// The multi-threaded runtime of this workspace.
    Ours,
    "ours",
    runtime
);

crate::tokio_shaped::tokio_shaped_timers!(Ours, runtime);

crate::net::tokio_servers::tokio_shaped_servers!(Ours, runtime);
