//! Where text in JSON stops being plain: at its end, at an escape, or at what would have to be escaped.
//!
//! Every record of a JSON pipeline is looked through for this, and in the sandbox each turn of a loop costs a look at the clock
//! besides. So eight bytes are looked at in one turn, as one number.

const EACH: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = EACH * 0x80;

/// The position of the first quotation mark, backslash or control character, none of which plain text in JSON can hold.
#[inline]
pub fn end_of_plain_text(bytes: &[u8]) -> Option<usize> {
    let (eights, rest) = bytes.as_chunks::<8>();
    for (index, eight) in eights.iter().enumerate() {
        let ends = ends_in(u64::from_le_bytes(*eight));
        if ends != 0 {
            return Some(index * 8 + (ends.trailing_zeros() / 8) as usize);
        }
    }
    let mut padded = [b' '; 8];
    padded[..rest.len()].copy_from_slice(rest);
    let ends = ends_in(u64::from_le_bytes(padded));
    (ends != 0).then(|| bytes.len() - rest.len() + (ends.trailing_zeros() / 8) as usize)
}

/// The high bit of each byte that ends plain text is set, up to the first one; what is above that means nothing, for
/// subtraction borrows.
const fn ends_in(word: u64) -> u64 {
    const fn zeros(word: u64) -> u64 {
        word.wrapping_sub(EACH) & !word
    }
    let control = word.wrapping_sub(EACH * 0x20) & !word;
    let quote = zeros(word ^ (EACH * b'"' as u64));
    let backslash = zeros(word ^ (EACH * b'\\' as u64));
    (control | quote | backslash) & HIGH
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn byte_by_byte(bytes: &[u8]) -> Option<usize> {
        bytes
            .iter()
            .position(|byte| *byte < 0x20 || *byte == b'"' || *byte == b'\\')
    }

    #[test]
    fn each_byte_is_told_apart_wherever_it_stands() {
        for byte in 0..=u8::MAX {
            for place in 0..17 {
                let mut bytes = [b'a'; 17];
                bytes[place] = byte;
                assert_eq!(
                    end_of_plain_text(&bytes),
                    byte_by_byte(&bytes),
                    "{byte} at {place}"
                );
            }
        }
    }

    proptest! {
        #[test]
        fn eight_at_a_time_find_what_one_at_a_time_finds(
            bytes in prop::collection::vec(prop_oneof![any::<u8>(), Just(b'"'), Just(0x1f), Just(b' ')], 0..40)
        ) {
            prop_assert_eq!(end_of_plain_text(&bytes), byte_by_byte(&bytes));
        }
    }
}
