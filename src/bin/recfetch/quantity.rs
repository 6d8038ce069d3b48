//! Numbers with units as people type them: rates and durations.

use std::time::Duration;

/// Reads bytes or bytes per second: `500000`, `500k`, `1M`, `2MiB`, `1.5 MB/s`. `k`, `M`, `G` and `T` are
/// powers of 1000, with `i` of 1024.
///
/// # Errors
/// A sentence for people, where the text is no rate or is zero.
pub(crate) fn parse_rate(text: &str) -> Result<u64, String> {
    let wanted = || "a rate above zero such as 500k, 1M or 2MiB is wanted".to_owned();
    let text = text.trim();
    let text = text.strip_suffix("/s").unwrap_or(text).trim_end();
    let (number, unit) = split_unit(text);
    let factor: u64 = match unit.trim().to_ascii_lowercase().trim_end_matches('b') {
        "" => 1,
        "k" => 1000,
        "m" => 1000 * 1000,
        "g" => 1000 * 1000 * 1000,
        "t" => 1000 * 1000 * 1000 * 1000,
        "ki" => 1 << 10,
        "mi" => 1 << 20,
        "gi" => 1 << 30,
        "ti" => 1 << 40,
        _ => return Err(wanted()),
    };
    let bytes = scale(number, factor).ok_or_else(wanted)?;
    if bytes == 0 { Err(wanted()) } else { Ok(bytes) }
}

/// Reads a duration: `30s`, `2m`, `1h30m`, `500ms`, `1.5s`, or a bare number of seconds.
///
/// # Errors
/// A sentence for people, where the text is no duration, is zero, or is longer than a year.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    const YEAR_MS: u64 = 366 * 24 * 3600 * 1000;
    let wanted = || "a duration above zero such as 500ms, 30s, 2m or 1h30m is wanted".to_owned();
    let mut rest = text.trim();
    let mut ms: u64 = 0;
    while !rest.is_empty() {
        let (number, tail) = split_unit(rest);
        let unit_ends = tail.find(|c: char| c.is_ascii_digit() || c.is_whitespace()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit_ends);
        let factor = match unit {
            "ms" => 1,
            "" if ms == 0 && tail.is_empty() => 1000,
            "s" => 1000,
            "m" | "min" => 60 * 1000,
            "h" => 3600 * 1000,
            "d" => 24 * 3600 * 1000,
            _ => return Err(wanted()),
        };
        ms = scale(number, factor).and_then(|part| ms.checked_add(part)).ok_or_else(wanted)?;
        rest = tail.trim_start();
    }
    if ms == 0 || ms > YEAR_MS { Err(wanted()) } else { Ok(Duration::from_millis(ms)) }
}

/// A duration as it would be typed: `5m`, `1h30m`, `2.5s`.
pub(crate) fn typed_duration(duration: Duration) -> String {
    let ms = duration.as_millis();
    let (hours, minutes, rest) = (ms / 3_600_000, ms / 60_000 % 60, ms % 60_000);
    let mut text = String::new();
    if hours > 0 {
        text += &format!("{hours}h");
    }
    if minutes > 0 {
        text += &format!("{minutes}m");
    }
    if rest.is_multiple_of(1000) {
        if rest > 0 || text.is_empty() {
            text += &format!("{}s", rest / 1000);
        }
    } else {
        text += &format!("{rest}ms");
    }
    text
}

fn split_unit(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len()))
}

/// `number`, which may have a fraction, times `factor`, without the rounding of floats.
fn scale(number: &str, factor: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() || fraction.len() > 9 || fraction.contains('.') {
        return None;
    }
    let whole = whole.parse::<u64>().ok()?.checked_mul(factor)?;
    if fraction.is_empty() {
        return Some(whole);
    }
    let places = 10_u128.pow(u32::try_from(fraction.len()).ok()?);
    let part = u128::from(fraction.parse::<u64>().ok()?) * u128::from(factor) / places;
    whole.checked_add(u64::try_from(part).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_in_every_common_spelling() {
        for (text, bytes) in [
            ("1", 1),
            ("500k", 500_000),
            ("500K", 500_000),
            ("1M", 1_000_000),
            ("2MiB", 2 << 20),
            ("2mib/s", 2 << 20),
            ("1.5 MB/s", 1_500_000),
            ("0.5Ki", 512),
            ("1T", 1_000_000_000_000),
        ] {
            assert_eq!(parse_rate(text), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn what_is_no_rate_is_refused() {
        for text in ["", "0", "0.0001", "M", "-1", "1x", "1.2.3", ".5M", "99999999999T", "1e6", "∞"] {
            assert!(parse_rate(text).is_err(), "{text}");
        }
    }

    #[test]
    fn durations_are_read_and_written_back() {
        for (text, ms, typed) in [
            ("30s", 30_000, "30s"),
            ("30", 30_000, "30s"),
            ("2m", 120_000, "2m"),
            ("1h30m", 5_400_000, "1h30m"),
            ("1h 30m 5s", 5_405_000, "1h30m5s"),
            ("500ms", 500, "500ms"),
            ("1.5s", 1500, "1500ms"),
            ("90s", 90_000, "1m30s"),
        ] {
            let duration = parse_duration(text).unwrap();
            assert_eq!(duration, Duration::from_millis(ms), "{text}");
            assert_eq!(typed_duration(duration), typed, "{text}");
            assert_eq!(parse_duration(typed), Ok(duration), "{typed}");
        }
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in ["", "0", "0s", "5x", "m", "-5s", "5m30", "1000d", "99999999999999999999s", "1:30"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }
}
