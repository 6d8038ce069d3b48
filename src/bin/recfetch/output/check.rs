//! A check as text: the line of time, what is wrong, why, what to do, and what it comes to.

mod findings;
#[cfg(test)]
mod kit;
pub(crate) mod rows;
mod timeline;

use std::fmt::Write as _;
use std::time::Duration;

use anstyle::{AnsiColor, Color, Style};
use recfetch::documents::{CheckV1, TotalsV1};
use recfetch::domain::check::{Check, Depth, Listed, StoreSeen};
use recfetch::domain::recording::Mode;
use recfetch::domain::time::SliceTime;

use super::screen::{Screen, wrapped};
use super::{count, playing_time};
use crate::failure::printable;

/// How much is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    /// Alike findings as one, and the first of many.
    Grouped,
    /// Each by itself, notes explained too.
    All,
}

/// Everything that is known of a recording, for people.
pub(crate) fn report(check: &Check, written: &CheckV1, screen: Screen, detail: Detail) -> String {
    let mut text = wrapped(&head(check, screen), screen.width, 11);
    for store in &check.stores {
        text.push_str(&wrapped(&asked(store), screen.width, 11));
    }
    text.push('\n');
    let mut drawn = false;
    for track in &check.tracks {
        let Some(line) = timeline::line(check, track, screen) else { continue };
        if check.tracks.len() > 1 {
            let segments = count(track.segments.len(), "segment");
            let _ = writeln!(text, "{}  {segments}", track.id);
        }
        text.push_str(&line);
        drawn = true;
    }
    if drawn {
        text.push_str(&timeline::legend(check, &written.totals, screen));
        text.push('\n');
    }
    findings::findings(&mut text, check, screen, detail);
    findings::reasons(&mut text, check, screen, detail);
    text.push_str(&wrapped(&standing(check, written), screen.width, 11));
    text
}

fn head(check: &Check, screen: Screen) -> String {
    let mut parts = vec![check.recording.short()];
    if let Some(channel) = &check.channel {
        parts.push(format!("channel {}", printable(channel.as_str())));
    }
    parts.extend(check.mode.map(|mode| match mode {
        Mode::Individual => "individual".to_owned(),
        Mode::Mix => "composite".to_owned(),
        Mode::Web => "web page".to_owned(),
    }));
    if let (Some(first), Some(last)) = (check.first, check.last) {
        let ms = u64::try_from(last.ms_since(first)).unwrap_or(0);
        parts.push(format!("{} UTC ({})", period(first, last), playing_time(Duration::from_millis(ms))));
    }
    findings::letters(&format!("recording  {}", parts.join("  ")), screen)
}

/// `2026-09-20 12:51:42 → 14:52:09`; the day again where it is another.
fn period(first: SliceTime, last: SliceTime) -> String {
    let (from, until) = (first.to_string(), last.to_string());
    let (Some(from), Some(until)) = (from.get(..19), until.get(..19)) else { return String::new() };
    let same_day = from.get(..10) == until.get(..10);
    let until = if same_day { until.get(11..).unwrap_or(until).to_owned() } else { until.replace('T', " ") };
    format!("{} → {until}", from.replace('T', " "))
}

fn asked(store: &StoreSeen) -> String {
    let listed = match &store.listed {
        Listed::Objects(objects) => count(*objects, "object"),
        Listed::ByName => "cannot list: asked by name".to_owned(),
        Listed::Failed(obstacle) => format!("could not be listed: {obstacle}"),
    };
    format!("{:<11}{}: {}, {listed}", "in", printable(store.name.as_str()), printable(&store.place))
}

/// The last line.
fn standing(check: &Check, written: &CheckV1) -> String {
    let color = match written.exit_code {
        0 if written.totals.elsewhere == 0 => AnsiColor::Green,
        0 | 5 | 8 => AnsiColor::Yellow,
        _ => AnsiColor::Red,
    };
    let style = Style::new().fg_color(Some(Color::Ansi(color))).bold();
    let word = written.standing.replace('-', " ");
    let label = if word.chars().count() < 11 { format!("{word:<10} ") } else { format!("{word}: ") };
    format!("{style}{label}{style:#}{}", counts(check, &written.totals))
}

fn counts(check: &Check, totals: &TotalsV1) -> String {
    let time = |ms: u64| playing_time(Duration::from_millis(ms));
    let mut parts = Vec::new();
    let mut part = |any: bool, text: String| {
        if any {
            parts.push(text);
        }
    };
    part(totals.lost > 0, format!("{} lost", totals.lost));
    part(totals.unlisted_ms > 0, format!("{} unlisted", time(totals.unlisted_ms)));
    part(totals.unknown > 0, format!("{} unknown", totals.unknown));
    part(totals.frozen > 0, format!("{} archived", totals.frozen));
    part(!check.orphans.is_empty(), count(check.orphans.len(), "orphan"));
    if parts.is_empty() {
        parts.push(count(totals.segments, "segment"));
        parts.push(time(totals.present_ms + totals.elsewhere_ms));
    }
    let mut text = parts.join(", ");
    if totals.elsewhere > 0 {
        let _ = write!(text, "; {} to be had from another store", totals.elsewhere);
    }
    text.push_str(match check.depth {
        Depth::Listed => " (no media was read)",
        Depth::First => " (of media the first 64 KiB each were read)",
        Depth::Whole => " (all media was read)",
    });
    text
}

#[cfg(test)]
mod tests;
