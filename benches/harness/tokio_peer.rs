//! Tokio.

crate::tokio_shaped::tokio_shaped!(
    /// Tokio's multi-threaded runtime.
    Tokio,
    "tokio",
    tokio
);

crate::tokio_shaped::tokio_shaped_timers!(Tokio, tokio);

crate::net::tokio_servers::tokio_shaped_servers!(Tokio, tokio);
