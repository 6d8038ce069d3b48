//! A request to Agora's support: what is missing, since when, and what was tried, as plain text.
//!
//! Support looks things up by the recording ID in its own logs; everything that it asks for next stands here
//! too. No key, token or signed URL can be in it: a check has none, and what a service said is stripped of the
//! queries of URLs.

mod told;

use std::fmt::Write as _;

use crate::domain::check::{
    Check, CheckedSegment, CheckedTrack, Depth, Diagnosis, Listed, Presence, Rule, Severity, StoreSeen,
    Stretch, ToldState, seconds,
};
use crate::domain::recording::{Mode, TrackId};
use crate::domain::time::SliceTime;

/// How many names, times and events are listed before the rest is only counted.
pub const TICKET_LINES: usize = 200;

/// Writes the request. Where nothing is missing it says so, and asks for nothing.
#[must_use]
pub fn ticket(check: &Check) -> String {
    let missing = Missing::of(check);
    if missing.is_nothing() {
        return nothing(check);
    }
    let mut text = String::from("Agora Cloud Recording: files of a recording are missing\n\n");
    about(&mut text, check);
    missing.write(&mut text, check);
    told::write(&mut text, check);
    tried(&mut text, check);
    deadline(&mut text, check);
    text.push_str(
        "\nPlease look up this recording in the logs of the recorder and the uploader, tell whether the files \
         above\nare still in Agora Cloud Backup, and have them transferred to the bucket named above.\n",
    );
    text
}

/// What support can help with.
struct Missing<'a> {
    segments: Vec<(&'a CheckedTrack, &'a CheckedSegment)>,
    holes: Vec<(&'a CheckedTrack, &'a Stretch)>,
    /// Losses that are neither of the two, nor about access or bytes that are there.
    others: Vec<&'a Diagnosis>,
}

impl<'a> Missing<'a> {
    fn of(check: &'a Check) -> Self {
        let segments = |track: &'a CheckedTrack| track.segments.iter().map(move |segment| (track, segment));
        let stretches = |track: &'a CheckedTrack| track.stretches.iter().map(move |piece| (track, piece));
        Self {
            segments: check
                .tracks
                .iter()
                .flat_map(segments)
                .filter(|(_, segment)| segment.presence == Presence::Lost)
                .collect(),
            holes: check
                .tracks
                .iter()
                .flat_map(stretches)
                .filter(|(_, piece)| piece.presence == Presence::Unlisted)
                .collect(),
            others: check.diagnoses.iter().filter(|diagnosis| is_other_loss(diagnosis)).collect(),
        }
    }

    fn is_nothing(&self) -> bool {
        self.segments.is_empty() && self.holes.is_empty() && self.others.is_empty()
    }

    fn write(&self, text: &mut String, check: &Check) {
        text.push_str("\nWhat is missing\n");
        let name_tracks = check.tracks.len() > 1;
        let of = |track: TrackId| if name_tracks { format!("  {track}") } else { String::new() };
        if !self.segments.is_empty() {
            let lines = self.segments.iter().map(|(track, segment)| {
                format!("{}  {}{}", segment.name, span(segment.starts, segment.ends), of(track.id))
            });
            let what = "that playlists list and no store has";
            list(text, &counted(self.segments.len(), "file", what), lines, self.segments.len());
        }
        if !self.holes.is_empty() {
            let lines = self.holes.iter().map(|(track, hole)| {
                let ms = hole.until.ms_since(hole.from);
                format!("{} ({}){}", span(Some(hole.from), Some(hole.until)), seconds(ms), of(track.id))
            });
            let what = "that no playlist names";
            list(text, &counted(self.holes.len(), "time", what), lines, self.holes.len());
        }
        if !self.others.is_empty() {
            let lines = self.others.iter().map(|diagnosis| clean(&diagnosis.text));
            let what = "beside these";
            list(text, &counted(self.others.len(), "loss", what), lines, self.others.len());
        }
    }
}

/// Whether Agora can say more about it: not what a store refuses, and not what is listed by name already.
fn is_other_loss(diagnosis: &Diagnosis) -> bool {
    let known = matches!(
        diagnosis.rule,
        Rule::SegmentAbsent
            | Rule::SegmentEmpty
            | Rule::SegmentUnread
            | Rule::UnlistedGap
            | Rule::StillRunning
            | Rule::PlaylistDenied
            | Rule::PlaylistFrozen
    );
    // RF4 is about stores, settings and names; RF6 about bytes that are there.
    let elsewhere = ["RF4", "RF6"].iter().any(|group| diagnosis.rule.code().starts_with(group));
    diagnosis.severity == Severity::Loss && !known && !elsewhere
}

fn nothing(check: &Check) -> String {
    let unknown = check.tracks.iter().flat_map(|track| &track.segments);
    let unknown = unknown.filter(|segment| segment.presence == Presence::Unknown).count();
    let refused = check.diagnoses.iter().any(|diagnosis| diagnosis.severity == Severity::Loss);
    let mut text = format!("Nothing of recording {} is known to be missing", check.recording);
    if unknown > 0 {
        let _ = write!(text, "; of {unknown} segments no store could tell");
    }
    text.push_str(": there is nothing to ask Agora for.\n");
    if unknown > 0 || refused {
        text.push_str(
            "What stands in the way is in your own store or settings: see the check without --ticket.\n",
        );
    }
    text
}

fn about(text: &mut String, check: &Check) {
    let mut row = |name: &str, value: &str| {
        let _ = writeln!(text, "{name:<17}{value}");
    };
    row("App ID", check.app_id.as_deref().map_or("not known here", |id| id));
    row("Recording (sid)", check.recording.as_str());
    row("Channel (cname)", check.channel.as_ref().map_or("not known here", |channel| channel.as_str()));
    let recorder = check.recorder.map_or_else(|| "not known here".to_owned(), |uid| uid.to_string());
    row("Recorder uid", &recorder);
    row("Mode", check.mode.map_or("not known here", mode));
    row("Recorded", &span(check.first, check.last));
    row("Checked", &format!("{}, {}", utc(check.at), depth(check.depth)));
    row("State", state(check.state));
    for (place, store) in check.stores.iter().enumerate() {
        let name = if place == 0 { "Stored in" } else { "Fallback" };
        row(name, &format!("{}: {}{}", store.name, clean(&store.place), listed(store)));
    }
    row("Folder", &check.folder.to_string());
}

fn listed(store: &StoreSeen) -> String {
    match &store.listed {
        Listed::Objects(objects) => format!(", {objects} files of it listed"),
        Listed::ByName => ", asked name by name".to_owned(),
        Listed::Failed(obstacle) => format!(", could not be listed: {obstacle}"),
    }
}

fn tried(text: &mut String, check: &Check) {
    text.push_str("\nWhat was tried\n");
    for store in &check.stores {
        let how = match &store.listed {
            Listed::Objects(_) => "its list of objects was read, and it does not have the files above",
            Listed::ByName => "it was asked for each file by name",
            Listed::Failed(_) => "it could not be listed",
        };
        let _ = writeln!(text, "  {}: {how}", store.name);
    }
    let copies = check.playlists.len();
    if copies > 0 {
        let noun = if copies == 1 { "playlist was" } else { "playlists were" };
        let _ = writeln!(
            text,
            "  {copies} {noun} read: failover (bak<n>_) and transferred (_<tick>_<index>) ones too, where there are any"
        );
    }
}

fn deadline(text: &mut String, check: &Check) {
    text.push_str("\nAgora Cloud Backup\n");
    match check.backup_ends() {
        Some(ends) if ends < check.at => {
            let _ = writeln!(
                text,
                "  keeps files for ten days after the recording: until {}, which is over",
                utc(ends)
            );
        }
        Some(ends) => {
            let left = ends.ms_since(check.at) / 3_600_000;
            let _ = writeln!(
                text,
                "  keeps files for ten days after the recording: until {}, {} days {} hours from now",
                utc(ends),
                left / 24,
                left % 24
            );
        }
        None => text.push_str("  keeps files for ten days; when this recording ended is not known here\n"),
    }
}

/// A heading and its lines, bounded.
fn list(text: &mut String, heading: &str, lines: impl Iterator<Item = String>, all: usize) {
    let _ = writeln!(text, "  {heading}");
    for line in lines.take(TICKET_LINES) {
        let _ = writeln!(text, "    {line}");
    }
    if all > TICKET_LINES {
        let _ = writeln!(text, "    and {} more", all - TICKET_LINES);
    }
}

fn counted(number: usize, one: &str, what: &str) -> String {
    let plural = match (number, one) {
        (1, _) => "",
        (_, "loss") => "es",
        (_, _) => "s",
    };
    format!("{number} {one}{plural} {what}:")
}

fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Individual => "individual",
        Mode::Mix => "composite (mix)",
        Mode::Web => "web page (web)",
    }
}

fn depth(depth: Depth) -> &'static str {
    match depth {
        Depth::Listed => "by listings and playlists",
        Depth::First => "by listings, playlists and the first 64 KiB of each segment",
        Depth::Whole => "by listings, playlists and all bytes",
    }
}

fn state(state: ToldState) -> &'static str {
    match state {
        ToldState::Untold => "not told",
        ToldState::Running => "running, by what was told last",
        ToldState::Stopped => "ended; that everything was uploaded was not told",
        ToldState::Failed => "ended abnormally",
        ToldState::Uploaded => "uploaded",
        ToldState::BackedUp => "backuped: a part went to Agora Cloud Backup",
    }
}

fn span(from: Option<SliceTime>, until: Option<SliceTime>) -> String {
    match (from, until) {
        (Some(from), Some(until)) => format!("{} to {}", utc(from), utc(until)),
        (Some(from), None) => format!("from {}", utc(from)),
        (None, Some(until)) => format!("until {}", utc(until)),
        (None, None) => "at an unknown time".to_owned(),
    }
}

/// `2026-09-20 12:51:42.485 UTC`.
fn utc(time: SliceTime) -> String {
    let text = time.to_string();
    format!("{} UTC", text.trim_end_matches('Z').replace('T', " "))
}

/// One line, without control characters and without the queries of URLs, which may be signatures; at most 300
/// characters.
fn clean(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    let mut line = String::new();
    for word in words.filter(|word| !word.is_empty()) {
        let word = match word.split_once("://") {
            Some(_) => word.split(['?', '#']).next().unwrap_or(word),
            None => word,
        };
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
        if line.chars().count() > 300 {
            return line.chars().take(300).chain(['…']).collect();
        }
    }
    line
}

#[cfg(test)]
mod tests;
