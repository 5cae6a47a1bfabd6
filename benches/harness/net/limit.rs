//! How many descriptors a process may have.

use rustix::process::{Resource, getrlimit, setrlimit};

/// Raises the soft limit to the hard one and says what it is now.
pub fn descriptors() -> u64 {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if setrlimit(Resource::Nofile, limit).is_err() {
        limit = getrlimit(Resource::Nofile);
    }
    limit.current.unwrap_or(u64::MAX)
}
