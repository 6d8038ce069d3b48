//! Points in time as Agora writes them into file names and playlists.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// The moment at which a slice starts, in UTC, to the millisecond.
///
/// File names carry it as 17 digits `YYYYMMDDhhmmssSSS`; playlist tags carry either that or 13 digits of
/// Unix milliseconds (Agora, "manage recorded files" and "playback", 2026-07).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SliceTime(Timestamp);

impl SliceTime {
    /// Reads either form.
    #[must_use]
    pub fn parse(digits: &str) -> Option<Self> {
        if !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        match digits.len() {
            17 => Self::from_civil_digits(digits),
            13 => Self::from_unix_ms(digits.parse().ok()?),
            _ => None,
        }
    }

    /// Reads RFC 3339 with any offset; less than a millisecond is cut off.
    #[must_use]
    pub fn from_rfc3339(text: &str) -> Option<Self> {
        // Longer ones have more digits than any clock, and are not read.
        let time: Timestamp = (text.len() <= 40).then(|| text.parse().ok())??;
        Self::from_unix_ms(time.as_millisecond())
    }

    /// From milliseconds since 1970-01-01 UTC.
    #[must_use]
    pub fn from_unix_ms(ms: i64) -> Option<Self> {
        Timestamp::from_millisecond(ms).ok().map(Self)
    }

    /// Milliseconds since 1970-01-01 UTC.
    #[must_use]
    pub fn unix_ms(self) -> i64 {
        self.0.as_millisecond()
    }

    /// The moment `ms` milliseconds later; the ends of representable time hold.
    #[must_use]
    pub fn plus_ms(self, ms: i64) -> Self {
        Self::from_unix_ms(self.unix_ms().saturating_add(ms)).unwrap_or(self)
    }

    /// `self - earlier` in milliseconds.
    #[must_use]
    pub fn ms_since(self, earlier: Self) -> i64 {
        self.unix_ms() - earlier.unix_ms()
    }

    /// The 17 digits of a file name.
    #[must_use]
    pub fn digits(self) -> String {
        let t = self.0.to_zoned(TimeZone::UTC);
        format!(
            "{:04}{:02}{:02}{:02}{:02}{:02}{:03}",
            t.year(),
            t.month(),
            t.day(),
            t.hour(),
            t.minute(),
            t.second(),
            t.millisecond()
        )
    }

    fn from_civil_digits(digits: &str) -> Option<Self> {
        let part = |range: std::ops::Range<usize>| digits.get(range)?.parse::<i16>().ok();
        let small = |range: std::ops::Range<usize>| i8::try_from(part(range)?).ok();
        let civil = DateTime::new(
            part(0..4)?,
            small(4..6)?,
            small(6..8)?,
            small(8..10)?,
            small(10..12)?,
            small(12..14)?,
            i32::from(part(14..17)?) * 1_000_000,
        )
        .ok()?;
        civil.to_zoned(TimeZone::UTC).ok().map(|zoned| Self(zoned.timestamp()))
    }
}

impl fmt::Display for SliceTime {
    /// RFC 3339 in UTC with milliseconds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_documented_forms_are_read() {
        let t = SliceTime::parse("20190920125142485").unwrap();
        assert_eq!(t.to_string(), "2019-09-20T12:51:42.485Z");
        assert_eq!(t.digits(), "20190920125142485");
        assert_eq!(SliceTime::parse("1568597779021").unwrap().to_string(), "2019-09-16T01:36:19.021Z");
    }

    #[test]
    fn texts_with_an_offset_are_read() {
        for text in ["2019-04-29T02:59:17.5Z", "2019-04-29T10:59:17.5009+08:00"] {
            assert_eq!(SliceTime::from_rfc3339(text).unwrap().to_string(), "2019-04-29T02:59:17.500Z");
        }
        for text in [
            "",
            "2019-04-29",
            "2019-04-29T02:59:17",
            "1556506757",
            &format!("2019-04-29T02:59:17.{}Z", "0".repeat(99)),
        ] {
            assert_eq!(SliceTime::from_rfc3339(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in ["", "20191320125142485", "20190920125162485", "2019092012514248", "2019092012514248x"] {
            assert_eq!(SliceTime::parse(text), None, "{text}");
        }
    }

    #[test]
    fn arithmetic_crosses_midnight() {
        let t = SliceTime::parse("20191231235959999").unwrap();
        assert_eq!(t.plus_ms(1).digits(), "20200101000000000");
        assert_eq!(t.plus_ms(1).ms_since(t), 1);
    }
}
