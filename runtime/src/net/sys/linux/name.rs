//! What a unix socket is called, out of the bytes that the system gives.
//!
//! Owns: the decoding. It stands alone, so that `fuzz/` can take the file as it is.
//! Not here: getting at the bytes (`sys`); std's form of an address.
//!
//! Only the length tells what there is. A path is followed by a zero byte, which the system counts, unless it was bound
//! without one; and a path may fill all 108 bytes of `sun_path`, where the zero byte lies behind the structure's end and is
//! counted all the same (111 bytes of a structure of 110). A name of the abstract namespace begins with a zero byte and
//! may hold more of them.
//!
//! The danger: whoever takes a length for granted panics at an address that any local user can bind to, in the accept
//! loop of somebody else.

/// The family stands before the name.
const FAMILY: usize = size_of::<u16>();

/// The length of `sun_path`, on Linux.
const LONGEST: usize = 108;

/// What a unix socket is called.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Name<'a> {
    Unnamed,
    /// Of 1 to 108 bytes, none of them zero.
    Path(&'a [u8]),
    /// Without the zero byte that tells it from a path.
    Abstract(&'a [u8]),
}

/// Reads a `sockaddr_un` of Linux, of which the system has written this much.
pub(crate) fn decode(address: &[u8]) -> Name<'_> {
    let name = address.get(FAMILY..).unwrap_or_default();
    match name {
        [] => Name::Unnamed,
        [0, rest @ ..] => Name::Abstract(&rest[..rest.len().min(LONGEST - 1)]),
        path => {
            let path = &path[..path.len().min(LONGEST)];
            let end = path.iter().position(|&byte| byte == 0).unwrap_or(path.len());
            Name::Path(&path[..end])
        }
    }
}

#[cfg(test)]
mod check;
#[cfg(test)]
mod tests;
