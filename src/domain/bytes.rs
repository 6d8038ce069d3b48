//! Looks at many bytes of a text at a time. Texts here are lines and names: long enough for that to matter, too
//! short to call anybody.

/// As many as one register of every processor of this kind holds.
const AT_ONCE: usize = 16;

/// Whether any byte is one of these.
pub(super) fn has(bytes: &[u8], is: impl Fn(u8) -> bool) -> bool {
    // Without a branch for each byte, so that the compiler takes all of them together.
    let in_part = |part: &[u8; AT_ONCE]| part.iter().fold(false, |any, byte| any | is(*byte));
    let (parts, rest) = bytes.as_chunks();
    if parts.iter().any(in_part) {
        return true;
    }
    match bytes.last_chunk() {
        // The last ones again, with some that were looked at before.
        Some(last) => !rest.is_empty() && in_part(last),
        None => rest.iter().any(|byte| is(*byte)),
    }
}

/// Where a byte first stands.
pub(super) fn position(bytes: &[u8], wanted: u8) -> Option<usize> {
    let (parts, _) = bytes.as_chunks::<AT_ONCE>();
    let without = |part: &&[u8; AT_ONCE]| !part.iter().fold(false, |any, byte| any | (*byte == wanted));
    let passed = parts.iter().take_while(without).count() * AT_ONCE;
    bytes[passed..].iter().position(|byte| *byte == wanted).map(|at| passed + at)
}

/// A text in front of a byte of ASCII, and what is behind it.
pub(super) fn split_once(text: &str, at: u8) -> Option<(&str, &str)> {
    let place = position(text.as_bytes(), at)?;
    Some((text.get(..place)?, text.get(place + 1..)?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn many_at_a_time_are_the_same_as_one_after_the_other(
            bytes in proptest::collection::vec(b'a'..=b'z', 0..100),
            wanted in b'a'..=b'z',
            least in b'a'..=b'{',
        ) {
            let first = bytes.iter().position(|byte| *byte == wanted);
            prop_assert_eq!(position(&bytes, wanted), first);
            prop_assert_eq!(has(&bytes, |byte| byte == wanted), first.is_some());
            prop_assert_eq!(has(&bytes, |byte| byte >= least), bytes.iter().any(|byte| *byte >= least));
        }

        #[test]
        fn texts_are_split_as_ever(text in "[a-c:é]{0,40}") {
            prop_assert_eq!(split_once(&text, b':'), text.split_once(':'));
        }
    }
}
