//! Addresses of unix sockets.

use crate::net::sys;
use socket2::SockAddr;
use std::fmt;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net;
use std::path::Path;

/// The address of a unix socket: a path, a name of Linux's abstract namespace, or none.
///
/// Converts from and to [`std::os::unix::net::SocketAddr`].
#[derive(Clone)]
pub struct SocketAddr(pub(super) net::SocketAddr);

impl SocketAddr {
    /// Has the socket no address? So have sockets that connect without binding first, and those of a pair.
    pub fn is_unnamed(&self) -> bool {
        self.0.is_unnamed()
    }

    /// The path, if it is one.
    pub fn as_pathname(&self) -> Option<&Path> {
        self.0.as_pathname()
    }

    /// The name in the abstract namespace (Linux), if it is one.
    pub fn as_abstract_name(&self) -> Option<&[u8]> {
        sys::abstract_name(&self.0)
    }

    /// One that cannot be shown counts as none: it must not cost the connection or the message that came from there.
    pub(super) fn or_unnamed(address: Option<net::SocketAddr>) -> SocketAddr {
        let unnamed = || net::SocketAddr::from_pathname("").expect("BUG: std takes an empty path for no address");
        SocketAddr(address.unwrap_or_else(unnamed))
    }

    /// The form in which the system takes it.
    pub(super) fn to_system(&self) -> io::Result<SockAddr> {
        match (self.as_pathname(), self.as_abstract_name()) {
            (Some(path), _) => SockAddr::unix(path),
            (None, Some(name)) => {
                let with_zero = [&[0], name].concat();
                SockAddr::unix(std::ffi::OsStr::from_bytes(&with_zero))
            }
            (None, None) => Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "this address of a unix socket is none: it has neither a path nor a name to bind or connect to",
            )),
        }
    }
}

impl fmt::Debug for SocketAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<net::SocketAddr> for SocketAddr {
    fn from(address: net::SocketAddr) -> Self {
        SocketAddr(address)
    }
}

impl From<SocketAddr> for net::SocketAddr {
    fn from(address: SocketAddr) -> Self {
        address.0
    }
}
