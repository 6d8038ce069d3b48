//! The best playlist that the facts allow: what is there in time order, what is not there marked.
//!
//! It is made to stand beside the slices, so it names them as they are named in the bucket. Segments of a
//! playlist and of its failover copies are joined and none is trimmed; slices that no playlist lists are put
//! where nothing else covers their time. Everything that nobody vouches for, such as how long those play, is
//! marked by a comment.

mod orphans;

use std::collections::{HashMap, VecDeque};

use crate::domain::check::{Check, CheckedSegment, CheckedTrack, Presence, Rule, Stretch, ToldState};
use crate::domain::key::ObjectName;
use crate::domain::place::Obstacle;
use crate::domain::plan::{ListOrigin, Plan, PlannedSegment};
use crate::domain::play::{self, PlayItem, write_until};
use crate::domain::playlist::{Discontinuity, Ended, Tag};
use crate::domain::recording::TrackId;
use crate::domain::synthetic;
use crate::domain::time::SliceTime;
use crate::domain::timeline::TOLERANCE_MS;

use orphans::{Orphan, Usual};

/// The playlist of one track.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrackPlaylist {
    /// The track.
    pub track: TrackId,
    /// The text.
    pub text: String,
}

/// Writes a playlist for each track of which anything is known.
///
/// The plan gives what the playlists themselves say beside names and times: Agora's marks, byte ranges, unknown
/// tags. They are kept word for word.
#[must_use]
pub fn playlists(check: &Check, plan: &Plan) -> Vec<TrackPlaylist> {
    let lists = check.tracks.iter().map(|track| {
        let planned = plan.tracks.iter().find(|planned| planned.id == track.id);
        let text = playlist(check, track, planned.map_or(&[][..], |planned| &planned.segments));
        TrackPlaylist { track: track.id, text }
    });
    lists.filter(|list| list.text.contains("#EXTINF")).collect()
}

/// Whether nothing will be added to the recording, as far as anybody told.
#[must_use]
pub fn has_ended(check: &Check) -> bool {
    let found = |rule: Rule| check.diagnoses.iter().any(|diagnosis| diagnosis.rule == rule);
    match check.state {
        ToldState::Running => false,
        ToldState::Stopped | ToldState::Failed | ToldState::Uploaded | ToldState::BackedUp => true,
        ToldState::Untold => !found(Rule::StillRunning) && !found(Rule::NotEnded),
    }
}

/// What is put into a playlist.
enum Entry<'a> {
    Segment(&'a CheckedSegment),
    Orphan(Orphan),
}

impl Entry<'_> {
    fn starts(&self) -> Option<SliceTime> {
        match self {
            Self::Segment(segment) => segment.starts,
            Self::Orphan(orphan) => Some(orphan.starts),
        }
    }
}

fn playlist(check: &Check, track: &CheckedTrack, planned: &[PlannedSegment]) -> String {
    let mut listed: HashMap<&ObjectName, VecDeque<&PlannedSegment>> = HashMap::new();
    for segment in planned {
        listed.entry(&segment.name).or_default().push_back(segment);
    }
    let usual = Usual::of(track);
    let entries = in_time_order(track, orphans::that_fill_holes(check, track, &usual));
    let mut writer = Writer { check, track, usual, listed, items: Vec::new(), reaches: None, run: None };
    for (place, entry) in entries.iter().enumerate() {
        match entry {
            Entry::Segment(segment) => {
                let next = entries.get(place + 1).and_then(Entry::starts);
                writer.segment(segment, next);
            }
            Entry::Orphan(orphan) => writer.orphan(orphan),
        }
    }
    let ended = if has_ended(check) { Ended::Yes } else { Ended::No };
    with_remarks(&write_until(&writer.items, ended), &remarks(check, track, ended))
}

/// The segments stay in playing order; orphans stand before the first one that starts later.
fn in_time_order(track: &CheckedTrack, orphans: Vec<Orphan>) -> Vec<Entry<'_>> {
    let mut orphans = VecDeque::from(orphans);
    let mut entries = Vec::with_capacity(track.segments.len() + orphans.len());
    for segment in &track.segments {
        while let (Some(orphan), Some(starts)) = (orphans.front(), segment.starts)
            && orphan.starts < starts
        {
            entries.extend(orphans.pop_front().map(Entry::Orphan));
        }
        entries.push(Entry::Segment(segment));
    }
    entries.extend(orphans.into_iter().map(Entry::Orphan));
    entries
}

struct Writer<'a> {
    check: &'a Check,
    track: &'a CheckedTrack,
    usual: Usual,
    listed: HashMap<&'a ObjectName, VecDeque<&'a PlannedSegment>>,
    items: Vec<PlayItem>,
    /// The latest end so far.
    reaches: Option<SliceTime>,
    run: Option<usize>,
}

impl Writer<'_> {
    fn segment(&mut self, segment: &CheckedSegment, next: Option<SliceTime>) {
        let planned = self.listed.get_mut(&segment.name).and_then(VecDeque::pop_front);
        let restarts = self.run.is_some_and(|run| run != segment.run)
            || planned.is_some_and(|planned| planned.listed.discontinuity == Discontinuity::Restarts);
        self.run = Some(segment.run);
        let mut tags = Vec::new();
        let hole = self.hole_before(segment.starts, &mut tags);
        let mut remark = |text: String| tags.push(comment(&text));
        match segment.presence {
            Presence::Present => {}
            Presence::Elsewhere { store } => {
                let store = self.check.stores.get(store).map_or("another store", |store| store.name.as_str());
                remark(format!("only in {store}: copy it here"));
            }
            Presence::Lost | Presence::Unlisted | Presence::NeverRecorded => {
                remark("lost: no store has it".to_owned());
            }
            Presence::Unknown => remark("nobody could tell whether it is there".to_owned()),
        }
        if let Some(obstacle @ Obstacle::Frozen { .. }) = &segment.obstacle {
            remark(format!("{obstacle}: it has to be restored before it can be played"));
        }
        if let Some(wrong) = segment.media.as_ref().and_then(|media| media.wrong.as_ref()) {
            remark(format!("its bytes are wrong: {wrong}"));
        }
        let mut duration = segment.duration_ms.map(std::time::Duration::from_millis);
        // To the microsecond where the playlist tells; a check counts milliseconds.
        if let Some(exact) = planned.and_then(|planned| planned.listed.duration) {
            duration = Some(exact);
        }
        if duration.is_none() {
            let until = next.or(self.check.last);
            let synthetic = self.usual.playing_time(segment.starts, until);
            remark(synthetic.remark());
            duration = Some(synthetic.duration());
        }
        tags.extend(planned.into_iter().flat_map(|planned| planned.listed.tags.iter().cloned()));
        self.items.push(PlayItem {
            path: segment.name.as_str().to_owned(),
            duration,
            discontinuity: discontinuity(restarts || hole),
            presence: match segment.presence {
                Presence::Present | Presence::Elsewhere { .. } | Presence::Unknown => play::Presence::Here,
                Presence::Lost | Presence::Unlisted | Presence::NeverRecorded => play::Presence::Missing,
            },
            starts: segment.starts,
            tags,
        });
        let length = duration.map_or(0, |duration| i64::try_from(duration.as_millis()).unwrap_or(0));
        let ends = segment.ends.or_else(|| segment.starts.map(|starts| starts.plus_ms(length)));
        self.reaches = self.reaches.max(ends);
    }

    fn orphan(&mut self, orphan: &Orphan) {
        let mut tags = Vec::new();
        self.hole_before(Some(orphan.starts), &mut tags);
        tags.push(comment("no playlist lists this slice: it is here because nothing else covers its time"));
        if let Presence::Elsewhere { store } = orphan.presence
            && let Some(store) = self.check.stores.get(store)
        {
            tags.push(comment(&format!("only in {}: copy it here", store.name)));
        }
        tags.push(comment(&orphan.plays.remark()));
        let duration = orphan.plays.duration();
        self.items.push(PlayItem {
            path: orphan.name.as_str().to_owned(),
            duration: Some(duration),
            // Nobody knows whether its time stamps run on.
            discontinuity: Discontinuity::Restarts,
            presence: play::Presence::Here,
            starts: Some(orphan.starts),
            tags,
        });
        let length = i64::try_from(duration.as_millis()).unwrap_or(0);
        self.reaches = self.reaches.max(Some(orphan.starts.plus_ms(length)));
        // Whatever comes next does not run on from it.
        self.run = Some(usize::MAX);
    }

    /// Marks the time that nothing covers before something that starts now; `true` where there is some.
    fn hole_before(&self, starts: Option<SliceTime>, tags: &mut Vec<Tag>) -> bool {
        let (Some(reaches), Some(starts)) = (self.reaches, starts) else { return false };
        let ms = starts.ms_since(reaches);
        if ms <= TOLERANCE_MS {
            return false;
        }
        let why = why(&self.track.stretches, reaches, starts);
        let seconds = format!("{}.{:03}", ms / 1000, ms % 1000);
        tags.push(comment(&format!("gap of {seconds} s, {reaches} to {starts}: {why}")));
        true
    }
}

/// What a hole is: the worst that is said of any moment of it.
fn why(stretches: &[Stretch], from: SliceTime, until: SliceTime) -> &'static str {
    let first = stretches.partition_point(|piece| piece.until <= from);
    let inside = stretches.iter().skip(first).take_while(|piece| piece.from < until);
    let (mut never, mut unknown) = (false, false);
    for piece in inside {
        match piece.presence {
            Presence::Lost | Presence::Unlisted => return "lost, and no playlist names it",
            Presence::Unknown => unknown = true,
            Presence::NeverRecorded => never = true,
            Presence::Present | Presence::Elsewhere { .. } => {}
        }
    }
    match (unknown, never) {
        (true, _) => "nobody can tell why",
        (false, true) => "never recorded",
        (false, false) => "nothing covers it",
    }
}

/// What is said of the whole.
fn remarks(check: &Check, track: &CheckedTrack, ended: Ended) -> Vec<String> {
    let count = |wanted: fn(Presence) -> bool| {
        track.segments.iter().filter(|segment| wanted(segment.presence)).count()
    };
    let elsewhere = count(|presence| matches!(presence, Presence::Elsewhere { .. }));
    let lost = count(|presence| presence == Presence::Lost);
    let mut remarks = Vec::new();
    if track.origin == ListOrigin::Rebuilt {
        remarks.extend(synthetic::remarks(track.id).map(|remark| remark.to_string()));
    }
    remarks.push(format!(
        "made from a check at {}: {} segments, {elsewhere} of them only in another store, {lost} lost",
        check.at,
        track.segments.len(),
    ));
    if ended == Ended::No {
        remarks.push("that the recording has ended is not known, so there is no EXT-X-ENDLIST".to_owned());
    }
    remarks
}

fn with_remarks(list: &str, remarks: &[String]) -> String {
    let (head, rest) = list.split_once('\n').unwrap_or((list, ""));
    let mut text = format!("{head}\n");
    for remark in remarks {
        text.push_str(&comment(remark).text);
        text.push('\n');
    }
    text.push_str(rest);
    text
}

fn comment(text: &str) -> Tag {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    Tag { line: 0, text: format!("# {line}") }
}

fn discontinuity(restarts: bool) -> Discontinuity {
    if restarts { Discontinuity::Restarts } else { Discontinuity::Continues }
}

#[cfg(test)]
mod tests;
