//! The public API, a file per module.

mod sync_auto_traits;
mod sync_broadcast;
mod sync_conserve;
mod sync_locks;
mod sync_models;
mod sync_mpsc;
mod sync_notify;
mod sync_once;
mod sync_oneshot;
mod sync_semaphore;
mod sync_watch;
