//! The public API, a file per module.

mod abort;
mod auto_traits;
mod beyond;
mod block_in_place;
mod block_on;
// Beyond tokio.
#[cfg(not(feature = "oracle"))]
mod blocking_classes;
#[cfg(not(feature = "oracle"))]
mod blocking_pool;
mod builder;
mod company;
mod coop;
mod fs_auto_traits;
mod fs_bad_input;
mod fs_conserve;
mod fs_dirs;
mod fs_file;
// Beyond tokio.
#[cfg(not(feature = "oracle"))]
mod fs_full_pool;
mod fs_functions;
#[cfg(target_os = "linux")]
mod fs_limits;
mod fs_open_options;
mod fs_outside;
// Beyond tokio.
#[cfg(not(feature = "oracle"))]
mod fs_positions;
mod fs_random;
// Beyond tokio.
#[cfg(all(target_os = "linux", not(feature = "oracle")))]
mod fs_uncached;
mod fs_write_errors;
mod generic_auto_traits;
mod handle;
mod io_auto_traits;
mod io_buffers;
mod io_copy;
// tokio believes what a broken stream says of itself.
#[cfg(not(feature = "oracle"))]
mod io_evil;
mod io_lines;
mod io_pipes;
mod io_read;
mod io_stdio;
mod io_text;
mod io_vectored;
mod io_write;
mod join_error;
mod join_handle;
mod join_set;
// Beyond tokio.
#[cfg(all(target_os = "linux", not(feature = "oracle")))]
mod late_sandbox;
mod local_runtime;
mod local_set;
// Goes beyond tokio here and there.
#[cfg(not(feature = "oracle"))]
mod macros;
#[cfg(not(feature = "oracle"))]
mod macros_inference;
mod macros_sizes;
mod metrics;
#[cfg(not(feature = "oracle"))]
mod metrics_counts;
mod net_async_fd;
mod net_auto_traits;
mod net_halves;
mod net_lookup;
mod net_options;
mod net_pipes;
mod net_random;
// Beyond tokio.
#[cfg(not(feature = "oracle"))]
mod net_sendfile;
mod net_tcp;
mod net_udp;
mod net_unix;
mod net_unix_peers;
// Beyond tokio.
mod panics_and_drops;
mod process_auto_traits;
mod process_child;
mod process_command;
mod process_errors;
// tokio's orphans need a runtime that is driven.
#[cfg(all(target_os = "linux", not(feature = "oracle")))]
mod process_orphans;
mod process_pipes;
#[allow(unsafe_code)] // `pre_exec` is unsafe
mod process_pre_exec;
mod refused_threads;
#[cfg(not(feature = "oracle"))]
mod scope_blocking;
#[cfg(not(feature = "oracle"))]
mod scope_cancel;
#[cfg(not(feature = "oracle"))]
mod scope_context;
#[cfg(not(feature = "oracle"))]
mod scope_group;
#[cfg(not(feature = "oracle"))]
mod scope_group_edges;
#[cfg(not(feature = "oracle"))]
mod scope_local;
#[cfg(not(feature = "oracle"))]
mod scope_many;
#[cfg(not(feature = "oracle"))]
mod scope_shields;
mod shutdown;
mod shutdown_edges;
// Beyond tokio.
#[cfg(not(feature = "oracle"))]
mod shutdown_sockets;
mod signal;
mod spawn;
mod spawn_blocking;
mod sync_auto_traits;
mod sync_bad_input;
mod sync_broadcast;
// What tokio has no name for.
#[cfg(not(feature = "oracle"))]
mod sync_cancellation;
mod sync_conserve;
#[cfg(not(feature = "oracle"))]
mod sync_event;
#[cfg(not(feature = "oracle"))]
mod sync_futurelock;
#[cfg(not(feature = "oracle"))]
mod sync_limiter;
// Permits of tokio's wrap.
#[cfg(not(feature = "oracle"))]
mod sync_limits;
mod sync_locks;
mod sync_models;
mod sync_mpsc;
mod sync_names;
mod sync_notify;
mod sync_once;
mod sync_oneshot;
#[cfg(not(feature = "oracle"))]
mod sync_queue;
mod sync_semaphore;
#[cfg(not(feature = "oracle"))]
mod sync_tracker;
mod sync_watch;
mod task_fates;
mod task_id;
mod task_local;
mod task_order;
mod time_auto_traits;
// tokio's is in tokio-util.
#[cfg(not(feature = "oracle"))]
mod time_delay_queue;
mod time_extremes;
mod time_instant;
mod time_interval;
mod time_paused;
mod time_sleep;
mod time_timeout;
mod wakers;
mod yield_now;
