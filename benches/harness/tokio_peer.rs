//! Tokio.

crate::tokio_shaped::tokio_shaped!(
    /// Tokio's multi-threaded runtime.
    Tokio,
    /// Tokio's runtime on one thread: the one in `block_on`.
    TokioCurrent,
    "tokio",
    tokio
);

crate::tokio_shaped::tokio_shaped_timers!(Tokio, tokio);
crate::tokio_shaped::tokio_shaped_timers!(TokioCurrent, tokio);

crate::sockets::tokio_shaped_sockets!(Tokio, tokio);
crate::sockets::tokio_shaped_sockets!(TokioCurrent, tokio);

crate::net::tokio_servers::tokio_shaped_servers!(Tokio, tokio);
