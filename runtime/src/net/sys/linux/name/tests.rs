//! Addresses as the system gives them, and any others.

use super::check::any_bytes;
use super::{Name, decode};
use proptest::prelude::*;

/// With the family in front.
fn address(name: &[u8]) -> Vec<u8> {
    let mut address = 1_u16.to_ne_bytes().to_vec();
    address.extend_from_slice(name);
    address
}

#[test]
fn d5_names_by_their_length() {
    let path = [b'x'; 108];
    assert_eq!(decode(&[]), Name::Unnamed);
    assert_eq!(decode(&[1]), Name::Unnamed);
    assert_eq!(decode(&address(&[])), Name::Unnamed);
    assert_eq!(decode(&address(b"/a\0")), Name::Path(b"/a"));
    assert_eq!(decode(&address(b"/a")), Name::Path(b"/a"));
    assert_eq!(decode(&address(b"/a\0left over")), Name::Path(b"/a"));
    for length in [1, 106, 107, 108] {
        let with_zero = [&path[..length], &[0]].concat();
        assert_eq!(decode(&address(&with_zero)), Name::Path(&path[..length]), "{length}");
        assert_eq!(decode(&address(&path[..length])), Name::Path(&path[..length]), "{length}");
    }
    assert_eq!(decode(&address(b"\0")), Name::Abstract(b""));
    assert_eq!(decode(&address(b"\0a\0b\0")), Name::Abstract(b"a\0b\0"));
    assert_eq!(decode(&address(&[0; 108])), Name::Abstract(&[0; 107]));
}

proptest! {
    #[test]
    fn d5_any_bytes_are_some_name(bytes in prop::collection::vec(any::<u8>(), 0..130)) {
        any_bytes(&bytes);
    }

    #[test]
    fn d5_names_of_any_length(
        byte in 1..=u8::MAX,
        lead in 0..3_usize,
        length in 0..=128_usize,
        trail in 0..3_usize,
    ) {
        any_bytes(&address(&[vec![0; lead], vec![byte; length], vec![0; trail]].concat()));
    }
}
