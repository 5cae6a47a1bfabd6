//! Who is at the other end.

use super::{gid_t, pid_t, uid_t};
use crate::net::sys;
use std::io;
use std::os::fd::AsFd;

/// User, group and process at the other end of a unix socket, as they were when it connected.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct UCred {
    pid: Option<pid_t>,
    uid: uid_t,
    gid: gid_t,
}

impl UCred {
    /// The user.
    pub fn uid(&self) -> uid_t {
        self.uid
    }

    /// The group.
    pub fn gid(&self) -> gid_t {
        self.gid
    }

    /// The process, where the system tells: one of another pid namespace has no number here. The number may have been given to another process since.
    pub fn pid(&self) -> Option<pid_t> {
        self.pid
    }

    pub(super) fn of_peer(socket: impl AsFd) -> io::Result<UCred> {
        let (uid, gid, pid) = sys::peer_cred(socket)?;
        Ok(UCred { pid, uid, gid })
    }
}
