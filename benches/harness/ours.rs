//! Ours.

crate::tokio_shaped::tokio_shaped!(
    /// The multi-threaded runtime of this workspace.
    Ours,
    "ours",
    runtime
);
