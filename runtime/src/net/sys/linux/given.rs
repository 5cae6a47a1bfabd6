//! What the system writes and `rustix` reads otherwise than it was meant.
//!
//! Owns: the bytes of an address (for names of unix sockets, of which `rustix` panics at long ones), and a peer's credentials
//! (whose process may be 0, where `rustix` says `NonZero`).   Not here: what they mean (`name`, `ucred`).

use rustix::net::SocketAddrAny;
use std::io;
use std::os::fd::{AsFd, AsRawFd};

/// The address as the system has written it: its family, and what follows it.
pub(super) fn bytes(address: &SocketAddrAny) -> &[u8] {
    let first = address.as_ptr().cast::<u8>();
    // SAFETY: a `SocketAddrAny` owns its storage, is no longer than that (`new` asserts it), and has its first `addr_len`
    // bytes initialized (`new` and `read` demand it); it cannot change while it is borrowed, which the result does.
    unsafe { std::slice::from_raw_parts(first, address.addr_len() as usize) }
}

/// User, group and process of the peer, as three numbers.
pub(super) fn peer_cred(socket: impl AsFd) -> io::Result<libc::ucred> {
    let fd = socket.as_fd().as_raw_fd();
    let mut cred = libc::ucred { pid: 0, uid: 0, gid: 0 };
    let mut len = size_of::<libc::ucred>() as libc::socklen_t;
    // SAFETY: `cred` and `len` are ours for the call, which writes at most `len` bytes of integers, any of which are a `ucred`;
    // the descriptor is open, because it is borrowed.
    let done =
        unsafe { libc::getsockopt(fd, libc::SOL_SOCKET, libc::SO_PEERCRED, (&raw mut cred).cast(), &raw mut len) };
    if done == 0 { Ok(cred) } else { Err(io::Error::last_os_error()) }
}
