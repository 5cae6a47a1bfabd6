//! Tokio.

crate::tokio_shaped::tokio_shaped!(
    /// Tokio's multi-threaded runtime.
    Tokio,
    "tokio",
    tokio
);
