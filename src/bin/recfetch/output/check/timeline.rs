//! The time of a recording as one line of characters, and what the characters mean.

use std::time::Duration;

use anstyle::{AnsiColor, Color, Style};
use recfetch::documents::TotalsV1;
use recfetch::domain::check::{Check, CheckedTrack, Presence};
use recfetch::domain::time::SliceTime;

use crate::failure::printable;
use crate::output::playing_time;
use crate::output::screen::{Letters, Screen};

/// What one cell shows, from good to bad: the worst of all that is in it wins, so that no cell hides a loss.
/// Only of what is there and what was never recorded the longer one does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Tile {
    Nothing,
    NeverRecorded,
    Present,
    Elsewhere,
    Unknown,
    Unlisted,
    Lost,
}

impl Tile {
    fn of(presence: Presence) -> Self {
        match presence {
            Presence::Present => Self::Present,
            Presence::Elsewhere { .. } => Self::Elsewhere,
            Presence::Lost => Self::Lost,
            Presence::Unlisted => Self::Unlisted,
            Presence::NeverRecorded => Self::NeverRecorded,
            Presence::Unknown => Self::Unknown,
        }
    }

    fn letter(self, letters: Letters) -> &'static str {
        match self {
            Self::Nothing => " ",
            Self::NeverRecorded => letters.pick("░", "."),
            Self::Present => letters.pick("█", "#"),
            Self::Elsewhere => letters.pick("▒", "+"),
            Self::Unknown => "?",
            Self::Unlisted => letters.pick("╌", "x"),
            Self::Lost => letters.pick("┈", "!"),
        }
    }

    fn style(self) -> Style {
        let color = match self {
            Self::Nothing => return Style::new(),
            Self::NeverRecorded => AnsiColor::BrightBlack,
            Self::Present => AnsiColor::Green,
            Self::Elsewhere => AnsiColor::Cyan,
            Self::Unknown => AnsiColor::Yellow,
            Self::Unlisted | Self::Lost => AnsiColor::Red,
        };
        Style::new().fg_color(Some(Color::Ansi(color)))
    }
}

/// The line of one track, exactly as wide as the screen; nothing where the track has neither times nor segments.
pub(super) fn line(check: &Check, track: &CheckedTrack, screen: Screen) -> Option<String> {
    let (start, end, cells) = match (check.first, check.last) {
        (Some(first), Some(last)) if first < last && !track.stretches.is_empty() => {
            let (start, end) = labels(first, last);
            let room = room(screen, &start, &end)?;
            (start, end, by_time(track, first, last, room))
        }
        (_, _) if !track.segments.is_empty() => {
            let (start, end) = ("#1".to_owned(), format!("#{}", track.segments.len()));
            let room = room(screen, &start, &end)?;
            (start, end, by_number(track, room))
        }
        (_, _) => return None,
    };
    let mut text = format!("{start} ");
    for run in cells.chunk_by(|one, other| one == other) {
        let (style, letter) = (run[0].style(), run[0].letter(screen.letters));
        text += &format!("{style}{}{style:#}", letter.repeat(run.len()));
    }
    text += &format!(" {end}\n");
    Some(text)
}

/// How many cells fit between the labels and their blanks.
fn room(screen: Screen, start: &str, end: &str) -> Option<usize> {
    screen.width.checked_sub(start.len() + end.len() + 2).filter(|room| *room > 0)
}

/// Hours and minutes; seconds too where the whole is short.
fn labels(first: SliceTime, last: SliceTime) -> (String, String) {
    let end = if last.ms_since(first) < 10 * 60_000 { 19 } else { 16 };
    let label = |time: SliceTime| time.to_string().get(11..end).unwrap_or_default().to_owned();
    (label(first), label(last))
}

fn by_time(track: &CheckedTrack, first: SliceTime, last: SliceTime, room: usize) -> Vec<Tile> {
    let scale = Scale { first, span: u128::from(last.ms_since(first).unsigned_abs()), room };
    let mut cells = vec![Tile::Nothing; room];
    // So many ms of each cell were never recorded, and so many are there.
    let mut never = vec![0_u128; room];
    let mut there = vec![0_u128; room];
    for piece in track.stretches.iter().filter(|piece| piece.from < piece.until) {
        let tile = Tile::of(piece.presence);
        for cell in scale.cells(piece.from, piece.until) {
            let part = scale.part(cell, piece.from, piece.until);
            match tile {
                Tile::NeverRecorded => never[cell] += part,
                Tile::Present => there[cell] += part,
                Tile::Nothing | Tile::Elsewhere | Tile::Unknown | Tile::Unlisted | Tile::Lost => {}
            }
            cells[cell] = cells[cell].max(tile);
        }
    }
    for (cell, tile) in cells.iter_mut().enumerate() {
        if *tile == Tile::Present && never[cell] > there[cell] {
            *tile = Tile::NeverRecorded;
        }
    }
    // A lost segment shows even where nobody knows how long it was.
    for segment in &track.segments {
        let tile = Tile::of(segment.presence);
        if let (Tile::Lost | Tile::Unknown, Some(starts)) = (tile, segment.starts) {
            let until = segment.ends.filter(|ends| *ends > starts).unwrap_or(starts.plus_ms(1));
            for cell in scale.cells(starts, until) {
                cells[cell] = cells[cell].max(tile);
            }
        }
    }
    cells
}

struct Scale {
    first: SliceTime,
    span: u128,
    room: usize,
}

impl Scale {
    /// The cells that have any moment of it.
    fn cells(&self, from: SliceTime, until: SliceTime) -> std::ops::Range<usize> {
        let room = self.room as u128;
        let place = |time: SliceTime| u128::try_from(time.ms_since(self.first)).unwrap_or(0).min(self.span);
        let start = place(from) * room / self.span;
        let end = (place(until) * room).div_ceil(self.span);
        let cell = |number: u128| usize::try_from(number).unwrap_or(self.room).min(self.room);
        // What lies behind the end belongs to the last cell.
        cell(start.min(room - 1))..cell(end.max(start + 1))
    }

    /// How much of a cell it covers, in parts of a millisecond.
    fn part(&self, cell: usize, from: SliceTime, until: SliceTime) -> u128 {
        let place =
            |time: SliceTime| u128::try_from(time.ms_since(self.first)).unwrap_or(0) * self.room as u128;
        let (start, end) = (cell as u128 * self.span, (cell as u128 + 1) * self.span);
        place(until).min(end).saturating_sub(place(from).max(start))
    }
}

/// Where no times are known: the segments in their order.
fn by_number(track: &CheckedTrack, room: usize) -> Vec<Tile> {
    let count = track.segments.len();
    let cell = |cell: usize| {
        let (from, until) = (cell * count / room, ((cell + 1) * count).div_ceil(room));
        let inside = track.segments.get(from..until.max(from + 1)).unwrap_or_default();
        inside.iter().map(|segment| Tile::of(segment.presence)).max().unwrap_or(Tile::Nothing)
    };
    (0..room).map(cell).collect()
}

/// What the characters mean, and how much of each there is.
pub(super) fn legend(check: &Check, totals: &TotalsV1, screen: Screen) -> String {
    let time = |ms: u64| playing_time(Duration::from_millis(ms));
    let mut parts = vec![(Tile::Present, format!("in the bucket {}", totals.present))];
    for (place, store) in check.stores.iter().enumerate() {
        let here = |presence| presence == Presence::Elsewhere { store: place };
        let all = check.tracks.iter().flat_map(|track| &track.segments);
        let count = all.filter(|segment| here(segment.presence)).count();
        if count > 0 {
            parts.push((Tile::Elsewhere, format!("only in {} {count}", printable(store.name.as_str()))));
        }
    }
    let more = [
        (totals.lost > 0, Tile::Lost, format!("lost {}", totals.lost)),
        (totals.unlisted_ms > 0, Tile::Unlisted, format!("unlisted {}", time(totals.unlisted_ms))),
        (
            totals.never_recorded_ms > 0,
            Tile::NeverRecorded,
            format!("never recorded {}", time(totals.never_recorded_ms)),
        ),
        (
            totals.unknown > 0 || totals.unknown_ms > 0,
            Tile::Unknown,
            match totals.unknown {
                0 => format!("unknown {}", time(totals.unknown_ms)),
                count => format!("unknown {count}"),
            },
        ),
    ];
    parts.extend(more.into_iter().filter(|(any, _, _)| *any).map(|(_, tile, text)| (tile, text)));
    let (indent, mut column) = (6, 0);
    let mut text = String::new();
    for (tile, what) in parts {
        let length = what.chars().count() + 2;
        if column == 0 || column + 3 + length > screen.width {
            if column > 0 {
                text.push('\n');
            }
            text.extend(std::iter::repeat_n(' ', indent));
            column = indent;
        } else {
            text.push_str("   ");
            column += 3;
        }
        let style = tile.style();
        text += &format!("{style}{}{style:#} {what}", tile.letter(screen.letters));
        column += length;
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests;
