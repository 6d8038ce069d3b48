//! Results as text: sizes, durations, tables. Plain, of no fixed width; colour is only decoration.

pub(crate) mod check;
pub(crate) mod screen;
pub(crate) mod summary;

use std::io::{self, Write as _};
use std::time::Duration;

use crate::failure::Failure;

/// `1.02 GiB`, `88 MiB`, `512 B`: three digits are enough to compare, the exact number is in the report.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    // Exact in integers: hundredths of the unit, rounded down, so that nothing looks larger than it is.
    let mut exponent = 1;
    while exponent < UNITS.len() && (bytes >> (10 * exponent)) >= 1024 {
        exponent += 1;
    }
    let hundredths = u128::from(bytes) * 100 / (1_u128 << (10 * exponent));
    let unit = UNITS[exponent - 1];
    match hundredths {
        ..1000 => format!("{}.{:02} {unit}", hundredths / 100, hundredths % 100),
        1000..10_000 => format!("{}.{} {unit}", hundredths / 100, hundredths / 10 % 10),
        _ => format!("{} {unit}", hundredths / 100),
    }
}

/// `88.0 MiB/s`; nothing where no time passed.
pub(crate) fn rate(bytes: u64, elapsed: Duration) -> Option<String> {
    let ms = elapsed.as_millis();
    let per_second = (u128::from(bytes) * 1000).checked_div(ms)?;
    Some(format!("{}/s", size(u64::try_from(per_second).ok()?)))
}

/// `2:00:27`, `0:15`: hours only where there are some.
pub(crate) fn playing_time(duration: Duration) -> String {
    let seconds = (duration.as_millis() + 500) / 1000;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

/// `1 segment`, `482 segments`.
pub(crate) fn count(number: usize, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") }
}

/// Columns as wide as their widest cell, two blanks apart, without blanks at line ends.
pub(crate) fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..N).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            let blanks = width - cell.chars().count() + 2;
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', blanks));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Prints a result. That nobody reads it any more is no failure: `recfetch regions | head` has done its work.
///
/// # Errors
/// Where stdout cannot be written for another reason.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = anstream::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::new(crate::failure::ExitCode::Disk, e).context("could not write to stdout"))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Prints a result as JSON.
///
/// # Errors
/// As [`print`].
pub(crate) fn print_json(value: &serde_json::Value) -> Result<(), Failure> {
    print(&format!("{value:#}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_three_digits() {
        for (bytes, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.00 KiB"),
            (1_099_000_000, "1.02 GiB"),
            (92_274_688, "88.0 MiB"),
            (1024 * 1024 - 1, "1023 KiB"),
            (u64::MAX, "15.9 EiB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }

    #[test]
    fn a_rate_needs_time() {
        assert_eq!(rate(92_274_688, Duration::from_secs(1)).as_deref(), Some("88.0 MiB/s"));
        assert_eq!(rate(1, Duration::ZERO), None);
    }

    #[test]
    fn playing_times_read_like_a_clock() {
        for (ms, text) in [(7_227_000, "2:00:27"), (15_000, "0:15"), (59_600, "1:00"), (0, "0:00")] {
            assert_eq!(playing_time(Duration::from_millis(ms)), text);
        }
    }

    #[test]
    fn tables_align_and_do_not_trail() {
        let row = |a: &str, b: &str| [a.to_owned(), b.to_owned()];
        assert_eq!(table(&[row("a", "bb"), row("漢字c", ""), row("", "x")]), "a    bb\n漢字c\n     x\n");
    }
}
