//! The bytes of a connection: a function of its number, the direction and the offset.

/// One direction of one connection, at an offset.
#[derive(Clone, Debug)]
pub(crate) struct Stream {
    seed: u64,
    at: u64,
}

/// A byte that is not where it belongs.
#[derive(Debug, PartialEq)]
pub(crate) struct Misplaced {
    pub(crate) offset: u64,
    pub(crate) expected: u8,
    pub(crate) found: u8,
}

impl Stream {
    pub(crate) fn to_server(connection: u64) -> Stream {
        Stream { seed: mix(connection), at: 0 }
    }

    pub(crate) fn to_client(connection: u64) -> Stream {
        Stream { seed: mix(!connection), at: 0 }
    }

    /// How many bytes came by so far.
    pub(crate) fn offset(&self) -> u64 {
        self.at
    }

    /// The next bytes.
    pub(crate) fn fill(&mut self, bytes: &mut [u8]) {
        let mut done = 0;
        while done < bytes.len() {
            // To the end of the word that the offset is in.
            let start = (self.at % 8) as usize;
            let count = (8 - start).min(bytes.len() - done);
            let word = mix(self.seed ^ (self.at / 8)).to_le_bytes();
            bytes[done..done + count].copy_from_slice(&word[start..start + count]);
            done += count;
            self.at += count as u64;
        }
    }

    /// Compares with the next bytes.
    pub(crate) fn check(&mut self, bytes: &[u8]) -> Result<(), Misplaced> {
        let (start, mut expected) = (self.at, vec![0; bytes.len()]);
        self.fill(&mut expected);
        if expected == bytes {
            return Ok(());
        }
        let at = expected.iter().zip(bytes).position(|(expected, found)| expected != found).unwrap_or_default();
        Err(Misplaced { offset: start + at as u64, expected: expected[at], found: bytes[at] })
    }
}

/// Scatters a number over all bits (splitmix64).
fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    number ^ (number >> 31)
}

#[test]
fn what_is_lost_doubled_or_swapped_is_found() {
    let mut bytes = vec![0; 1000];
    Stream::to_server(7).fill(&mut bytes);
    let check = |bytes: &[u8]| Stream::to_server(7).check(bytes);
    assert_eq!(check(&bytes), Ok(()));
    let lost = [&bytes[..100], &bytes[101..]].concat();
    let doubled = [&bytes[..100], &bytes[99..]].concat();
    let swapped = [&bytes[..100], &bytes[200..300], &bytes[100..200]].concat();
    for wrong in [lost, doubled, swapped] {
        assert!((99..110).contains(&check(&wrong).expect_err("not found").offset));
    }
    assert!(Stream::to_client(7).check(&bytes).is_err() && Stream::to_server(8).check(&bytes).is_err());
    // In pieces of any size it is the same stream.
    let mut pieces = Stream::to_server(7);
    assert!(bytes.chunks(13).all(|piece| pieces.check(piece).is_ok()));
    assert_eq!(pieces.offset(), 1000);
}
