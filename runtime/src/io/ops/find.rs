//! The first occurrence of a byte. Eight bytes at a time: `Iterator::position` looks at one, which costs a multiple when
//! lines are long; and a crate for this alone would be a dependency of every user.

const LOW: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// Where `byte` first stands in `bytes`.
pub(in super::super) fn find(byte: u8, bytes: &[u8]) -> Option<usize> {
    let pattern = LOW * u64::from(byte);
    let (words, rest) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        // Where `byte` stands, `differs` has a zero byte. Subtracting one borrows from its highest bit, and the lowest
        // such bit is exact: borrows run upwards only, and little-endian puts the first byte lowest.
        let differs = u64::from_le_bytes(*word) ^ pattern;
        let zeros = differs.wrapping_sub(LOW) & !differs & HIGH;
        if zeros != 0 {
            return Some(index * 8 + zeros.trailing_zeros() as usize / 8);
        }
    }
    let before = bytes.len() - rest.len();
    rest.iter().position(|&b| b == byte).map(|at| before + at)
}

#[cfg(test)]
mod tests {
    use super::find;

    #[test]
    fn it_agrees_with_a_plain_search() {
        // Neighbours of the sought byte and of the sign bit in every place, which is where borrows go wrong.
        let values = [0x00, 0x01, 0x09, 0x0a, 0x0b, 0x7f, 0x80, 0x81, 0xff];
        for len in 0..40 {
            for at in 0..len {
                for (i, &around) in values.iter().enumerate() {
                    for &sought in &values {
                        let mut bytes = vec![around; len];
                        bytes[at] = sought;
                        bytes[len - 1] = values[(i + 1) % values.len()];
                        let plain = bytes.iter().position(|&b| b == sought);
                        assert_eq!(find(sought, &bytes), plain, "{sought:#x} in {bytes:x?}");
                    }
                }
            }
        }
    }
}
