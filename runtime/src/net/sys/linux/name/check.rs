//! What must hold of any bytes. Shared by the property test and the fuzz target.

use super::{Name, decode};
use std::ffi::OsStr;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::SocketAddr;

/// Panics if the name of these bytes is not what they say, or if std cannot hold it and it is not the one that std never can.
pub(crate) fn any_bytes(address: &[u8]) {
    let behind = address.get(2..).unwrap_or_default();
    match decode(address) {
        Name::Unnamed => assert!(behind.is_empty()),
        Name::Path(path) => {
            assert!(behind.starts_with(path));
            assert!((1..=108).contains(&path.len()) && !path.contains(&0), "{path:?}");
            // It goes on to a zero byte, or to the end of what may be a path.
            assert!(path.len() == 108 || matches!(behind.get(path.len()), None | Some(0)));
            let held = SocketAddr::from_pathname(OsStr::from_bytes(path));
            assert_eq!(held.is_ok(), path.len() < 108, "{path:?}");
            assert!(
                held.is_ok_and(|held| held.as_pathname() == Some(OsStr::from_bytes(path).as_ref()))
                    || path.len() == 108
            );
        }
        Name::Abstract(name) => {
            assert_eq!(behind[0], 0);
            assert!(behind[1..].starts_with(name) && name.len() == (behind.len() - 1).min(107));
            assert_eq!(SocketAddr::from_abstract_name(name).unwrap().as_abstract_name(), Some(name));
        }
    }
}
