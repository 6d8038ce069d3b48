//! What bytes say that listings and playlists cannot: slices that nothing can decode, that are short, from another
//! place, silent, or that no player can start with.
//!
//! The bytes are judged by the rules by which a fetch judges them ([`crate::domain::verdict`]); here the verdicts
//! get their names, and neighbours are compared. Of the first bytes alone only what they prove is said.

use std::collections::BTreeMap;

use super::{About, CheckedSegment, CheckedTrack, Depth, Diagnosis, Gathered, MediaSeen, Rule, Severity};
use crate::domain::continuity::Stamp;
use crate::domain::form::{MediaForm, PictureSize};
use crate::domain::key::ObjectName;
use crate::domain::misplaced::{Misplaced, Misplacement, misplaced};
use crate::domain::place::{Obstacle, SourceName};
use crate::domain::recording::TrackId;
use crate::domain::synthetic::LONGEST_SLICE;
use crate::domain::time::SliceTime;
use crate::domain::verdict::{
    Corruption, Evidence, Structure, TrackMedium, clock_distance, plays_ms_in_full,
};

mod alone;
#[cfg(test)]
mod tests;

use alone::of_object;

/// Where Agora cuts a slice of H.264 although the next picture is no key frame ("manage recorded files",
/// 2026-07): after 5.5 minutes or 50 MB. Both are reached within a part of the last picture.
const FORCED_MS: u64 = 325_000;
const FORCED_BYTES: u64 = 49_000_000;

/// How far the time stamps of a stream may run apart from the clock reference that they are to be shown by, 90
/// kHz. Reordered pictures and sound in large packets make up to a second.
const CLOCK_SLACK: u64 = 2 * 90_000;

/// Names what the bytes that were read say.
pub(super) fn diagnose(gathered: &Gathered<'_>, tracks: &[CheckedTrack]) -> Vec<Diagnosis> {
    of_media(&gathered.media, tracks)
}

fn of_media(media: &BTreeMap<ObjectName, MediaSeen>, tracks: &[CheckedTrack]) -> Vec<Diagnosis> {
    let mut diagnoses = Vec::new();
    let mut refused = BTreeMap::new();
    let mut in_tracks = std::collections::BTreeSet::new();
    for track in tracks {
        let segments: Vec<_> = track
            .segments
            .iter()
            .filter_map(|segment| Some(Read { track: track.id, segment, media: media.get(&segment.name)? }))
            .collect();
        for read in &segments {
            // The same object twice in a playlist is told once.
            if !in_tracks.insert(&read.segment.name) {
                continue;
            }
            match &read.media.unread {
                Some(obstacle) => not_read(obstacle, read.media, read.about(), &mut refused, &mut diagnoses),
                None => diagnoses.extend(of_object(read.media, read.segment.duration_ms, &read.about())),
            }
        }
        let whole: Vec<_> = segments.iter().filter(|read| read.can_be_compared()).copied().collect();
        diagnoses.extend(out_of_place(&whole));
        diagnoses.extend(whole.windows(2).filter_map(|pair| change(pair[0], pair[1])));
        diagnoses.extend(starts(&segments));
        diagnoses.extend(silence(track, &segments));
    }
    for (name, seen) in media.iter().filter(|(name, _)| !in_tracks.contains(name)) {
        let about = About {
            object: Some(name.as_str().to_owned()),
            store: Some(seen.from.clone()),
            ..About::default()
        };
        match &seen.unread {
            Some(obstacle) => not_read(obstacle, seen, about, &mut refused, &mut diagnoses),
            None => diagnoses.extend(of_object(seen, None, &about)),
        }
    }
    diagnoses.extend(refused.into_iter().map(|(refusal, count)| refusal.of_so_many(count)));
    diagnoses
}

/// A segment that was read, or could not be.
#[derive(Clone, Copy)]
struct Read<'a> {
    track: TrackId,
    segment: &'a CheckedSegment,
    media: &'a MediaSeen,
}

impl Read<'_> {
    fn about(&self) -> About {
        About {
            track: Some(self.track),
            segment: Some(self.segment.number),
            object: Some(self.segment.name.as_str().to_owned()),
            store: Some(self.media.from.clone()),
            from: self.segment.starts,
            until: self.segment.ends,
        }
    }

    /// Whether its bytes are right by themselves: wrong ones tell nothing about their neighbours.
    fn can_be_compared(&self) -> bool {
        self.media.unread.is_none() && self.media.wrong.is_none()
    }

    fn stamp(&self) -> Stamp {
        let clock = match &self.media.structure {
            Structure::TransportStream(facts) => (facts.first_pts, facts.span),
            // Slices of other forms start at 0 each: their time stamps tell nothing about neighbours.
            Structure::WebM(_)
            | Structure::Mp4(_)
            | Structure::Sound(_)
            | Structure::Jpeg(_)
            | Structure::NotExamined
            | Structure::Page(_) => (None, None),
        };
        Stamp {
            name: self.segment.name.clone(),
            starts_ms: self.segment.starts.map(SliceTime::unix_ms),
            duration_ms: self.segment.duration_ms,
            first_pts: clock.0,
            span: clock.1,
            run: self.segment.run,
            sha256: self.media.sha256,
        }
    }

    fn diagnosis(&self, rule: Rule, expected: String, found: String, text: String) -> Diagnosis {
        Diagnosis {
            rule,
            severity: rule.severity(),
            about: self.about(),
            expected: Some(expected),
            found: Some(found),
            text,
        }
    }
}

/// Segments whose time stamps or bytes are those of another one.
fn out_of_place(reads: &[Read<'_>]) -> Vec<Diagnosis> {
    let stamps: Vec<_> = reads.iter().map(Read::stamp).collect();
    let found = misplaced(&stamps, |index| reads[index].media.vouched_for);
    let named = |index: usize| format!("#{} (`{}`)", reads[index].segment.number, reads[index].segment.name);
    let diagnoses = found.into_iter().map(|Misplaced { index, what }| {
        let (read, name) = (&reads[index], &reads[index].segment.name);
        let ms = |pts: u64| format!("time stamps from {} ms on", pts / 90);
        match what {
            Misplacement::OtherTime { expected_pts, found_pts } => read.diagnosis(
                Rule::Misplaced,
                ms(expected_pts),
                ms(found_pts),
                format!(
                    "`{name}` has the time stamps of another place, {} ms from its own",
                    clock_distance(expected_pts, found_pts) / 90
                ),
            ),
            Misplacement::Jump { expected_pts, found_pts } => read.diagnosis(
                Rule::TimestampsJump,
                ms(expected_pts),
                ms(found_pts),
                format!(
                    "the time stamps of `{name}` jump by {} ms against its neighbours, and {} publishes a digest \
                     of it: it was stored so",
                    clock_distance(expected_pts, found_pts) / 90,
                    read.media.from
                ),
            ),
            Misplacement::SameAs { as_index, expected_pts: Some(expected_pts) } => read.diagnosis(
                Rule::Misplaced,
                ms(expected_pts),
                format!("the bytes of {}", named(as_index)),
                format!("`{name}` has the bytes of {}", named(as_index)),
            ),
            Misplacement::SameAs { as_index, expected_pts: None } => Diagnosis {
                severity: Severity::Loss,
                ..read.diagnosis(
                    Rule::SameBytes,
                    "bytes of its own".to_owned(),
                    format!("the bytes of {}", named(as_index)),
                    format!("`{name}` and {} have the same bytes, so one of them is wrong", named(as_index)),
                )
            },
            Misplacement::StoredTwice { as_index } => read.diagnosis(
                Rule::SameBytes,
                "bytes of its own".to_owned(),
                format!("the bytes of {}", named(as_index)),
                format!(
                    "`{name}` and {} have the same bytes, and {} publishes a digest of them: they were stored so",
                    named(as_index),
                    read.media.from
                ),
            ),
        }
    });
    diagnoses.collect()
}

/// Another codec or size of the picture behind a segment of the same run: a playlist has to announce that with a
/// discontinuity (RFC 8216, 4.3.2.3), as Agora's do.
fn change(before: Read<'_>, read: Read<'_>) -> Option<Diagnosis> {
    if before.segment.run != read.segment.run {
        return None;
    }
    let (old, new) = (form(&before.media.structure)?, form(&read.media.structure)?);
    let codec = (old.codec.clone().zip(new.codec.clone())).filter(|(old, new)| old != new);
    let size = old.picture.zip(new.picture).filter(|(old, new)| old != new);
    let size = size.map(|(old, new)| (old.to_string(), new.to_string()));
    let (expected, found) = codec.or(size)?;
    let text = format!("`{}` goes from {expected} to {found} without a discontinuity", read.segment.name);
    Some(read.diagnosis(Rule::FormChanges, expected, found, text))
}

fn form(structure: &Structure) -> Option<MediaForm> {
    match structure {
        Structure::TransportStream(facts) => Some(facts.form.clone()),
        Structure::WebM(facts) => {
            let of = |medium| facts.tracks.iter().filter(move |track| track.medium == medium);
            let codecs = of(TrackMedium::Video).chain(of(TrackMedium::Audio)).map(|track| &*track.codec);
            let codecs: Vec<_> = codecs.collect();
            let picture = of(TrackMedium::Video)
                .find_map(|track| Some(PictureSize { width: track.width?, height: track.height? }));
            Some(MediaForm { codec: (!codecs.is_empty()).then(|| codecs.join("+")), picture })
        }
        Structure::Mp4(_)
        | Structure::Sound(_)
        | Structure::Jpeg(_)
        | Structure::NotExamined
        | Structure::Page(_) => None,
    }
}

/// Segments that no player can start with.
fn starts(reads: &[Read<'_>]) -> Vec<Diagnosis> {
    let cannot = reads
        .iter()
        .enumerate()
        .filter(|(_, read)| read.can_be_compared() && read.media.starts_with_key_frame == Some(false));
    let diagnoses = cannot.map(|(index, read)| {
        let name = &read.segment.name;
        let before = index.checked_sub(1).map(|before| &reads[before]);
        let before = before.filter(|before| {
            before.segment.run == read.segment.run && before.segment.number + 1 == read.segment.number
        });
        let has_key = match &read.media.structure {
            Structure::TransportStream(facts) => {
                facts.closer.as_ref().is_some_and(|closer| closer.key_first == Some(true))
            }
            Structure::WebM(_)
            | Structure::Mp4(_)
            | Structure::Sound(_)
            | Structure::Jpeg(_)
            | Structure::NotExamined
            | Structure::Page(_) => false,
        };
        let found = match has_key {
            true => "a key frame without its parameter sets",
            false => "a picture that needs others before it",
        };
        let (severity, text) = match before {
            Some(before) if is_forced(before) => (
                Severity::Note,
                format!(
                    "`{name}` does not start with a key frame: the slice before it was cut by force after {}",
                    forced_after(before)
                ),
            ),
            Some(_) => (
                Severity::Warning,
                format!("`{name}` starts with {found}: it can only be shown behind the one before it"),
            ),
            None => (
                Severity::Warning,
                format!(
                    "`{name}` starts with {found}, and nothing stands before it: its start cannot be shown"
                ),
            ),
        };
        let diagnosis = read.diagnosis(Rule::NoKeyFrame, "a key frame".to_owned(), found.to_owned(), text);
        Diagnosis { severity, ..diagnosis }
    });
    diagnoses.collect()
}

fn is_forced(read: &Read<'_>) -> bool {
    read.segment.duration_ms.is_some_and(|ms| ms >= FORCED_MS)
        || read.segment.size.is_some_and(|size| size >= FORCED_BYTES)
}

fn forced_after(read: &Read<'_>) -> String {
    match read.segment.duration_ms {
        Some(ms) if ms >= FORCED_MS => format!("{} s", LONGEST_SLICE.as_secs()),
        _ => "50 MB".to_owned(),
    }
}

/// A track all of whose sound is silence. Nothing is said where a part of it was not read whole, or is wrong.
fn silence(track: &CheckedTrack, reads: &[Read<'_>]) -> Option<Diagnosis> {
    let all_read = reads.len() == track.segments.len()
        && reads.iter().all(|read| read.can_be_compared() && read.media.read == Depth::Whole);
    let has_sound = |read: &&Read<'_>| {
        form(&read.media.structure).and_then(|form| form.codec).is_some_and(|codecs| {
            codecs.split('+').any(|codec| ["aac", "aac-latm", "mp3", "ac3"].contains(&codec))
        })
    };
    let with_sound: Vec<_> = reads.iter().filter(has_sound).collect();
    let silent =
        all_read && !with_sound.is_empty() && with_sound.iter().all(|read| read.media.silent == Some(true));
    let about = About {
        track: Some(track.id),
        from: track.segments.iter().find_map(|segment| segment.starts),
        until: track.segments.iter().rev().find_map(|segment| segment.ends),
        ..About::default()
    };
    silent.then(|| Diagnosis {
        rule: Rule::SilentTrack,
        severity: Rule::SilentTrack.severity(),
        about,
        expected: Some("sound".to_owned()),
        found: Some(format!("silence in {} segments", with_sound.len())),
        text: format!("the sound of all {} segments is coded as nothing at all", with_sound.len()),
    })
}

/// What kept an object from being read. What holds for a store is counted and told once for all.
fn not_read(
    obstacle: &Obstacle,
    seen: &MediaSeen,
    about: About,
    refused: &mut BTreeMap<Refusal, usize>,
    diagnoses: &mut Vec<Diagnosis>,
) {
    let object = about.object.clone().unwrap_or_default();
    let alone = |rule: Rule, found: String, text: String| Diagnosis {
        rule,
        severity: rule.severity(),
        about: about.clone(),
        expected: None,
        found: Some(found),
        text,
    };
    let mut store = |rule: Rule, what: &'static str| {
        *refused.entry(Refusal { rule, what, from: seen.from.clone() }).or_default() += 1;
    };
    match obstacle {
        Obstacle::Denied(_) => store(Rule::ReadDenied, "refuses to be read"),
        Obstacle::NoSuchBucket => store(Rule::NoSuchBucket, "has no such bucket"),
        Obstacle::Unreachable
        | Obstacle::Untrusted
        | Obstacle::Throttled
        | Obstacle::Changed
        | Obstacle::Corrupt
        | Obstacle::WrongRegion { .. }
        | Obstacle::Unsupported
        | Obstacle::Unexpected => store(Rule::StoreUnreachable, "does not serve"),
        Obstacle::Absent => diagnoses.push(alone(
            Rule::SegmentAbsent,
            "absent".to_owned(),
            format!("{} lists `{object}` and has it no more", seen.from),
        )),
        Obstacle::Frozen { class } => diagnoses.push(alone(
            Rule::SegmentFrozen,
            class.clone().unwrap_or_else(|| "archived".to_owned()),
            format!("`{object}` is archived in {}: it could not be read", seen.from),
        )),
    }
}

/// Why a store served nothing of some objects.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Refusal {
    rule: Rule,
    what: &'static str,
    from: SourceName,
}

impl Refusal {
    /// Whatever was not read is not proven: this weighs as a loss, so that nobody takes the rest for all.
    fn of_so_many(self, count: usize) -> Diagnosis {
        let Self { rule, what, from } = self;
        let objects = if count == 1 { "1 object was".to_owned() } else { format!("{count} objects were") };
        Diagnosis {
            rule,
            severity: Severity::Loss,
            about: About { store: Some(from.clone()), ..About::default() },
            expected: None,
            found: Some(format!("not read: {count}")),
            text: format!("{objects} not looked at: {from} {what}"),
        }
    }
}
