//! Values of tags: attribute lists, decimals, byte ranges and Agora's marks.

use std::time::Duration;

use super::{ByteRange, Mark, MediaKind, Rotation};
use crate::domain::time::SliceTime;

/// More than any tag in use has; a list beyond it is not read.
const MAX_ATTRIBUTES: usize = 64;

/// An attribute list of RFC 8216 section 4.2: `NAME=VALUE,NAME="VALUE"`, quotes taken off.
///
/// `None` where the text is none. Strict, because `m3u8-rs` reads what passes here and runs over line
/// ends in search of a `=` that is not there.
pub(super) fn list(text: &str) -> Option<Vec<(&str, &str)>> {
    let mut pairs = Vec::new();
    let mut rest = text.trim_start_matches([' ', '\t']);
    while !rest.is_empty() {
        if pairs.len() == MAX_ATTRIBUTES {
            return None;
        }
        let (name, behind) = rest.split_once('=')?;
        if name.is_empty() || name.contains([',', '"']) {
            return None;
        }
        let (value, behind) = match behind.strip_prefix('"') {
            Some(quoted) => {
                let (value, behind) = quoted.split_once('"')?;
                let behind = behind.trim_start_matches([' ', '\t']);
                (value, if behind.is_empty() { behind } else { behind.strip_prefix(',')? })
            }
            None => {
                let (value, behind) = behind.split_once(',').unwrap_or((behind, ""));
                if value.is_empty() {
                    return None;
                }
                (value, behind)
            }
        };
        pairs.push((name.trim_matches([' ', '\t']), value));
        rest = behind.trim_start_matches([' ', '\t']);
    }
    Some(pairs)
}

/// The value of one attribute.
pub(super) fn find<'a>(pairs: &[(&'a str, &'a str)], name: &str) -> Option<&'a str> {
    pairs.iter().find(|(n, _)| *n == name).map(|(_, value)| *value)
}

/// Seconds as a plain decimal, to the nearest microsecond: no sign, no exponent, below 2³² seconds.
pub(super) fn seconds(text: &str) -> Option<Duration> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        return None;
    }
    let whole: u32 = whole.parse().ok()?;
    let mut micros = 0;
    for place in 0..6 {
        micros = micros * 10 + u64::from(fraction.as_bytes().get(place).map_or(0, |b| b - b'0'));
    }
    let rounds_up = fraction.as_bytes().get(6).is_some_and(|b| *b >= b'5');
    Some(Duration::from_micros(u64::from(whole) * 1_000_000 + micros + u64::from(rounds_up)))
}

/// A number of digits only: `parse` alone would take a plus sign.
pub(super) fn number(text: &str) -> Option<u64> {
    if text.bytes().all(|b| b.is_ascii_digit()) { text.parse().ok() } else { None }
}

/// `<length>[@<offset>]`.
pub(super) fn byte_range(text: &str) -> Option<(u64, Option<u64>)> {
    match text.split_once('@') {
        Some((length, offset)) => Some((number(length)?, Some(number(offset)?))),
        None => Some((number(text)?, None)),
    }
}

/// A byte range that says where it starts, or starts at 0.
pub(super) fn whole_range(text: &str) -> Option<ByteRange> {
    let (length, offset) = byte_range(text)?;
    let range = ByteRange { offset: offset.unwrap_or(0), length };
    range.end().map(|_| range)
}

/// `EVENT=START,TRACK_TYPE=VIDEO,TIME=20190920125142485`.
pub(super) fn track_event(value: &str) -> Option<Mark> {
    let pairs = list(value)?;
    if find(&pairs, "EVENT")? != "START" {
        return None;
    }
    let track = match find(&pairs, "TRACK_TYPE")? {
        "AUDIO" => MediaKind::Audio,
        "VIDEO" => MediaKind::Video,
        _ => return None,
    };
    Some(Mark::TrackEvent { track, at: SliceTime::parse(find(&pairs, "TIME")?)? })
}

/// `WIDTH=640,HEIGHT=480,ROTATE=0,TIME=20190920125142485`.
pub(super) fn rotate(value: &str) -> Option<Mark> {
    let pairs = list(value)?;
    let pixels = |name| number(find(&pairs, name)?).and_then(|n| u32::try_from(n).ok());
    Some(Mark::Rotate {
        width: pixels("WIDTH")?,
        height: pixels("HEIGHT")?,
        degrees: Rotation::parse(find(&pairs, "ROTATE")?)?,
        at: SliceTime::parse(find(&pairs, "TIME")?)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_exact_decimals() {
        for (text, micros) in [
            ("6.332000", Some(6_332_000)),
            ("15", Some(15_000_000)),
            ("15.", Some(15_000_000)),
            ("0.0000004", Some(0)),
            ("0.9999996", Some(1_000_000)),
            ("10.123456789", Some(10_123_457)),
            ("0.5", Some(500_000)),
            ("4294967295.999999", Some(4_294_967_295_999_999)),
            ("4294967296", None),
            ("", None),
            (".5", None),
            ("-1", None),
            ("+1", None),
            ("1e3", None),
            ("1.5e1", None),
            ("1.2.3", None),
            ("NaN", None),
            ("١", None),
        ] {
            assert_eq!(seconds(text), micros.map(Duration::from_micros), "{text}");
        }
    }

    #[test]
    fn attribute_lists_are_read_strictly() {
        assert_eq!(list("A=1,B=\"x,y=z\", C=\"\""), Some(vec![("A", "1"), ("B", "x,y=z"), ("C", "")]));
        assert_eq!(list(""), Some(vec![]));
        for text in ["a", "A=1,X", "A=\"open", "A=,B=1", "=1", "A=\"x\"y", "A=x\"y,z\""] {
            assert_eq!(list(text), None, "{text}");
        }
        assert_eq!(list(&"A=1,".repeat(MAX_ATTRIBUTES + 1)), None);
    }

    #[test]
    fn marks_are_read_in_any_order_and_with_either_time() {
        let at = SliceTime::parse("20190920125142485").unwrap();
        assert_eq!(
            track_event("TIME=1568983902485,EVENT=START,TRACK_TYPE=AUDIO"),
            Some(Mark::TrackEvent { track: MediaKind::Audio, at })
        );
        assert_eq!(
            rotate("ROTATE=270,WIDTH=640,HEIGHT=480,TIME=20190920125142485"),
            Some(Mark::Rotate { width: 640, height: 480, degrees: Rotation::Deg270, at })
        );
        for text in [
            "WIDTH=640,HEIGHT=480,ROTATE=45,TIME=20190920125142485",
            "WIDTH=640,HEIGHT=480,ROTATE=0,TIME=2019",
            "WIDTH=-1,HEIGHT=480,ROTATE=0,TIME=20190920125142485",
            "HEIGHT=480,ROTATE=0,TIME=20190920125142485",
        ] {
            assert_eq!(rotate(text), None, "{text}");
        }
        assert_eq!(track_event("EVENT=STOP,TRACK_TYPE=AUDIO,TIME=20190920125142485"), None);
    }

    #[test]
    fn byte_ranges_do_not_overflow() {
        assert_eq!(whole_range("10@5"), Some(ByteRange { offset: 5, length: 10 }));
        assert_eq!(whole_range("10"), Some(ByteRange { offset: 0, length: 10 }));
        for text in ["18446744073709551615@1", "x", "1@", "1@x", "+1", ""] {
            assert_eq!(whole_range(text), None, "{text}");
        }
    }
}
