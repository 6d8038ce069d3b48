//! The end of a recording as lines for people. The report says the same to the last byte; this says it
//! at a glance.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use anstyle::{AnsiColor, Color, Style};
use recfetch::archive::JoinedV1;
use recfetch::domain::finding::Severity;
use recfetch::domain::only::Form;
use recfetch::domain::plan::ListOrigin;
use recfetch::domain::recording::RecordingId;
use recfetch::domain::report::{Counts, ObjectReport, ObjectRole, Origin, Outcome, Report, Tally};
use recfetch::domain::verdict::Verdict;

use super::{count, playing_time, rate, size};
use crate::failure::printable;

/// How many lines of one kind are printed before the rest is left to the report.
const MOST_LINES: usize = 20;

const GREEN: Style = Style::new().fg_color(Some(Color::Ansi(AnsiColor::Green)));
const YELLOW: Style = Style::new().fg_color(Some(Color::Ansi(AnsiColor::Yellow)));
const RED: Style = Style::new().fg_color(Some(Color::Ansi(AnsiColor::Red)));

/// Where a recording was found and what belongs to it.
#[derive(Debug, Clone)]
pub(crate) struct Found<'a> {
    /// The recording.
    pub(crate) recording: &'a RecordingId,
    /// The name of the store.
    pub(crate) store: &'a str,
    /// The store for people: vendor, region, bucket.
    pub(crate) place: &'a str,
    /// Playlists that list its segments.
    pub(crate) playlists: usize,
    /// Segments that they list.
    pub(crate) segments: usize,
    /// How long they play.
    pub(crate) playing: Duration,
    /// The sum of the sizes that are known before fetching.
    pub(crate) bytes: Option<u64>,
}

/// What the report does not know.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run<'a> {
    /// The bag.
    pub(crate) dir: &'a Path,
    /// How long bytes were fetched.
    pub(crate) fetching: Duration,
    /// The files that were joined, with their path.
    pub(crate) joined: &'a [(&'a Path, JoinedV1)],
    /// Whether notes are told too.
    pub(crate) notes: Notes,
}

/// Whether findings that are only worth knowing are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Notes {
    /// They are.
    Tell,
    /// They stay in the report.
    Keep,
}

/// The line `located`.
pub(crate) fn located(found: &Found<'_>) -> String {
    let Found { recording, store, place, playlists, segments, playing, bytes } = found;
    let mut text = format!(
        "located    {} in {} ({}): {}, {}, {}",
        recording.short(),
        printable(store),
        printable(place),
        count(*playlists, "playlist"),
        count(*segments, "segment"),
        playing_time(*playing)
    );
    if let Some(bytes) = bytes {
        let _ = write!(text, ", {}", size(*bytes));
    }
    text.push('\n');
    text
}

/// Everything behind `located`: what was fetched and from where, what it rests on, what is missing, and the
/// verdict on the whole.
pub(crate) fn finished(report: &Report, run: &Run<'_>) -> String {
    let mut text = String::new();
    fetched(&mut text, report, run);
    contents(&mut text, report);
    // Where slices were not asked for, what came instead is proven.
    let tally = match report.only.wants(Form::Hls) {
        true => Report::tally(report.segments()),
        false => Report::tally(&report.objects),
    };
    verified(&mut text, &tally);
    failures(&mut text, report);
    findings(&mut text, report, run.notes);
    for (path, joined) in run.joined {
        text.push_str(&joined_lines(path, joined));
    }
    outcome(&mut text, report, run.dir);
    text
}

/// A joined file: where it is, what is not in it, and where players may stumble.
pub(crate) fn joined_lines(path: &Path, joined: &JoinedV1) -> String {
    let mut line = format!("joined     {}  {}", printable(&path.display().to_string()), size(joined.size));
    if let Some(change) = &joined.change {
        let _ = write!(line, "  another {}", printable(change));
    }
    if let Some(degrees) = joined.rotate.filter(|degrees| *degrees != 0) {
        let _ = write!(line, "  to be turned {degrees}° anticlockwise");
    }
    if !joined.left_out.is_empty() {
        let _ = write!(line, "  {} of an overlap left out", count(joined.left_out.len(), "segment"));
    }
    if let Some(ms) = joined.overlap_ms {
        let _ = write!(line, "  {ms} ms twice");
    }
    if !joined.gaps.is_empty() {
        let _ = write!(line, "  without {}", count(joined.gaps.len(), "segment"));
    }
    line.push('\n');
    if !joined.changes.is_empty() {
        let changes = count(joined.changes.len(), "change");
        let _ = writeln!(
            line,
            "{YELLOW}warning   {YELLOW:#} {changes} of form inside of it: players may stumble there"
        );
    }
    line
}

fn fetched(text: &mut String, report: &Report, run: &Run<'_>) {
    // Where slices were not asked for, files are counted.
    let slices = report.only.wants(Form::Hls);
    let word = if slices { "segment" } else { "file" };
    let counted = move |object: &&ObjectReport| !slices || matches!(object.role, ObjectRole::Segment(_));
    let here =
        |origin: Origin| report.objects.iter().filter(counted).filter(move |object| object.origin == origin);
    let new = here(Origin::Fetched).filter(|segment| segment.verdict.is_verified()).count();
    let kept = here(Origin::Kept).count();
    // The rate is that of the network: playlists and whatever else came with the segments count.
    let came = report.objects.iter().filter(|object| object.origin == Origin::Fetched);
    let bytes: u64 = came.filter_map(|object| object.size).sum();
    let mut line = format!("fetched    {}  {}", count(new, word), size(bytes));
    if let Some(rate) = rate(bytes, run.fetching).filter(|_| bytes > 0) {
        let _ = write!(line, "  {rate}");
    }
    let _ = writeln!(text, "{line}");
    let mut by_source: BTreeMap<&str, usize> = BTreeMap::new();
    for segment in here(Origin::Fetched).filter(|segment| segment.verdict.is_verified()) {
        *by_source.entry(segment.from.as_ref().map_or("?", |from| from.as_str())).or_default() += 1;
    }
    if by_source.len() > 1 {
        // In the order in which the places were asked, the strangers last.
        let rank = |name: &str| report.places.iter().position(|(known, _)| known.as_str() == name);
        let mut parts: Vec<_> = by_source.into_iter().collect();
        parts.sort_by_key(|(name, _)| rank(name).unwrap_or(usize::MAX));
        let parts: Vec<String> =
            parts.iter().map(|(name, n)| format!("{n} from {}", printable(name))).collect();
        let _ = writeln!(text, "           {}", parts.join(", "));
    }
    if kept > 0 {
        let _ = writeln!(text, "kept       {} from an earlier run, proven again", count(kept, word));
    }
}

/// What there is besides one track of segments and its lists.
fn contents(text: &mut String, report: &Report) {
    let Counts { uids, tracks, masters, playlists, segments: _, mp4, audio, images, other } = report.counts();
    let others = [(mp4, "MP4"), (audio, "sound file"), (images, "picture"), (other, "other file")];
    let mut parts = Vec::new();
    if tracks > 1 || masters > 0 {
        let all = [(uids, "user"), (tracks, "track"), (playlists, "playlist")];
        parts.extend(all.into_iter().filter(|(n, _)| *n > 0).map(|(n, word)| count(n, word)));
    }
    parts.extend(others.into_iter().filter(|(n, _)| *n > 0).map(|(n, word)| count(n, word)));
    if !parts.is_empty() {
        let _ = writeln!(text, "contains   {}", parts.join(", "));
    }
    let rebuilt = report.tracks.iter().filter(|track| track.origin == ListOrigin::Rebuilt);
    for track in rebuilt {
        let _ = writeln!(
            text,
            "rebuilt    {}: its playlist is not there; {} is synthetic",
            track.id,
            recfetch::domain::synthetic::file_name(track.id)
        );
    }
    if report.left_out.objects > 0 {
        let forms: Vec<_> = report.only.forms().map(Form::word).collect();
        let _ = writeln!(
            text,
            "left out   {}, {}: only {} was asked for",
            count(report.left_out.objects, "object"),
            size(report.left_out.bytes),
            forms.join(", ")
        );
    }
}

fn verified(text: &mut String, tally: &Tally) {
    let parts = [
        (tally.store_digest, "by the store's digest"),
        (tally.structure, "by structure"),
        (tally.length_only, "by length only"),
    ];
    let parts: Vec<String> =
        parts.iter().filter(|(n, _)| *n > 0).map(|(n, how)| format!("{n} {how}")).collect();
    let how = if parts.is_empty() { "nothing".to_owned() } else { parts.join(", ") };
    let _ = writeln!(text, "verified   {how}");
}

fn failures(text: &mut String, report: &Report) {
    let mut number = 0;
    let mut lines = Vec::new();
    for object in &report.objects {
        let position = match object.role {
            ObjectRole::Segment(_) => {
                number += 1;
                Some(number)
            }
            ObjectRole::Playlist | ObjectRole::Other => None,
        };
        if !object.verdict.is_verified() {
            lines.push(failure(object, position));
        }
    }
    limited(text, lines);
}

/// `absent     #211  13:44:12.485  …_20260920134412485.ts  absent in prod and backup`
pub(crate) fn failure(object: &ObjectReport, position: Option<usize>) -> String {
    let mut parts = Vec::new();
    parts.extend(position.map(|number| format!("#{number}")));
    // `2026-09-20T13:44:12.485Z`: within one recording the clock is what tells segments apart.
    parts.extend(object.starts.map(|starts| {
        let text = starts.to_string();
        text.get(11..23).unwrap_or(&text).to_owned()
    }));
    parts.push(printable(&short_name(object.name.as_str())).into_owned());
    parts.push(printable(&verdict(object)).into_owned());
    format!("{RED}{:<10}{RED:#} {}\n", object.verdict.code(), parts.join("  "))
}

/// The verdict, and of what did not answer what the last try came to: who, and how.
fn verdict(object: &ObjectReport) -> String {
    let Verdict::Unreachable { from, .. } = &object.verdict else { return object.verdict.to_string() };
    let last = object.failed_tries.iter().rev().find(|failed| failed.from == *from);
    match last.and_then(|failed| failed.why.split_once(&format!(" in {from}: "))) {
        Some((_, why)) => format!("in {from}: {why}"),
        None => object.verdict.to_string(),
    }
}

/// A name without what all names of a recording share.
pub(crate) fn short_name(name: &str) -> String {
    // The same times come again in every track.
    if let Some(track) = name.find("__uid_s_") {
        return format!("…{}", &name[track..]);
    }
    match name.rsplit_once('_') {
        Some((shared, own)) if shared.len() > 12 => format!("…_{own}"),
        Some(_) | None => name.to_owned(),
    }
}

fn findings(text: &mut String, report: &Report, notes: Notes) {
    let mut lines = Vec::new();
    for finding in &report.findings {
        let (word, style) = match (finding.severity(), notes) {
            (Severity::Loss, _) => ("loss", RED),
            (Severity::Warning, _) => ("warning", YELLOW),
            (Severity::Note, Notes::Tell) => ("note", Style::new()),
            (Severity::Note, Notes::Keep) => continue,
        };
        lines.push(format!("{style}{word:<10}{style:#} {}\n", printable(&finding.to_string())));
    }
    limited(text, lines);
}

fn limited(text: &mut String, lines: Vec<String>) {
    let more = lines.len().saturating_sub(MOST_LINES);
    text.extend(lines.into_iter().take(MOST_LINES));
    if more > 0 {
        let _ = writeln!(text, "           and {more} more, see report.json");
    }
}

fn outcome(text: &mut String, report: &Report, dir: &Path) {
    // What is wrong with a playlist or a film decides too.
    let tally = Report::tally(&report.objects);
    let outcome = report.outcome();
    let style = match outcome {
        Outcome::Complete => GREEN,
        Outcome::Interrupted | Outcome::Temporary => YELLOW,
        Outcome::Incomplete | Outcome::Frozen | Outcome::Denied | Outcome::Corrupt => RED,
    };
    let dir = dir.display().to_string();
    let mut line = format!("{style}{:<10}{style:#} {}", outcome.word(), printable(&dir));
    let counts: Vec<String> = [
        (tally.absent, "absent"),
        (tally.corrupt, "corrupt"),
        (tally.denied, "denied"),
        (tally.frozen, "frozen"),
        (tally.unreachable, "unreachable"),
        (tally.not_requested, "not requested"),
        (tally.interrupted, "interrupted"),
    ]
    .iter()
    .filter(|(n, _)| *n > 0)
    .map(|(n, word)| format!("{n} {word}"))
    .collect();
    if !counts.is_empty() {
        let _ = write!(line, "  {}", counts.join(", "));
    }
    let _ = writeln!(text, "{line}   proof: report.json");
}

#[cfg(test)]
mod tests {
    use recfetch::domain::digest::Algorithm;
    use recfetch::domain::finding::Finding;
    use recfetch::domain::form::MediaForm;
    use recfetch::domain::key::{KeyPrefix, ObjectKey};
    use recfetch::domain::only::{LeftOut, Only};
    use recfetch::domain::place::Obstacle;
    use recfetch::domain::place::{Denial, SourceName};
    use recfetch::domain::recording::TrackId;
    use recfetch::domain::report::Try;
    use recfetch::domain::time::SliceTime;
    use recfetch::domain::verdict::Evidence;

    use super::*;

    const SID: &str = "38f8e3cfdc474cd56fc1ceba380d7e1a";

    fn segment(index: i64, from: &str, verdict: Verdict) -> ObjectReport {
        let starts = SliceTime::parse("20260920134412485").unwrap().plus_ms(15_000 * index);
        let key = ObjectKey::parse(&format!("math/{SID}_room_{}.ts", starts.digits())).unwrap();
        let here = verdict.is_verified();
        ObjectReport {
            name: key.file_name(),
            key: Some(key),
            path: None,
            role: ObjectRole::Segment(TrackId::MIXED),
            format: None,
            starts: Some(starts),
            duration: None,
            size: here.then_some(2_000_000),
            offset: None,
            form: MediaForm::default(),
            verdict,
            digests: Vec::new(),
            from: here.then(|| SourceName::new(from)),
            origin: if here { Origin::Fetched } else { Origin::Nowhere },
            failed_tries: Vec::new(),
            at: starts,
        }
    }

    fn good(index: i64, from: &str) -> ObjectReport {
        let evidence = match from {
            "prod" => Evidence::StoreDigest { algorithm: Algorithm::Md5, by: SourceName::new("prod") },
            _ => Evidence::Structure,
        };
        segment(index, from, Verdict::Verified { evidence })
    }

    fn report(objects: Vec<ObjectReport>, findings: Vec<Finding>) -> Report {
        let time = SliceTime::from_unix_ms(0).unwrap();
        Report {
            recording: RecordingId::parse(SID).unwrap(),
            channel: None,
            folder: KeyPrefix::root(),
            places: ["prod", "backup"].map(|name| (SourceName::new(name), String::new())).into(),
            only: Only::default(),
            left_out: LeftOut::default(),
            masters: 0,
            tracks: Vec::new(),
            objects,
            findings,
            started: time,
            finished: time,
        }
    }

    fn plain(report: &Report, run: &Run<'_>) -> String {
        anstream::adapter::strip_str(&finished(report, run)).to_string()
    }

    fn run<'a>(joined: &'a [(&'a Path, JoinedV1)]) -> Run<'a> {
        Run { dir: Path::new("archive/38f8"), fetching: Duration::from_secs(2), joined, notes: Notes::Keep }
    }

    #[test]
    fn located_says_where_and_how_much() {
        let recording = RecordingId::parse(SID).unwrap();
        let found = Found {
            recording: &recording,
            store: "prod",
            place: "Amazon S3, eu-west-1, bucket lessons",
            playlists: 1,
            segments: 482,
            playing: Duration::from_secs(7227),
            bytes: Some(1_099_000_000),
        };
        assert_eq!(
            located(&found),
            "located    38f8e3cf… in prod (Amazon S3, eu-west-1, bucket lessons): 1 playlist, 482 segments, \
             2:00:27, 1.02 GiB\n"
        );
    }

    #[test]
    fn a_complete_recording_says_what_its_proof_rests_on() {
        let joined = JoinedV1 {
            file: "38f8.ts".into(),
            track: "mixed".into(),
            size: 6_000_000,
            segments: 3,
            ..JoinedV1::default()
        };
        let joined = [(Path::new("archive/38f8.ts"), joined)];
        let objects = vec![good(0, "prod"), good(1, "backup"), good(2, "prod")];
        insta::assert_snapshot!(plain(&report(objects, Vec::new()), &run(&joined)), @r"
        fetched    3 segments  5.72 MiB  2.86 MiB/s
                   2 from prod, 1 from backup
        verified   2 by the store's digest, 1 by structure
        joined     archive/38f8.ts  5.72 MiB
        complete   archive/38f8   proof: report.json
        ");
    }

    #[test]
    fn an_incomplete_one_names_each_segment_that_is_missing() {
        let (prod, backup) = (|| SourceName::new("prod"), || SourceName::new("backup"));
        let mut kept = good(3, "prod");
        kept.origin = Origin::Kept;
        let objects = vec![
            good(0, "prod"),
            segment(1, "", Verdict::Absent { looked_in: vec![prod(), backup()] }),
            segment(2, "", Verdict::Denied { from: prod(), why: Denial::NotAllowed }),
            kept,
        ];
        let playlist = ObjectKey::parse("math/x.m3u8").unwrap();
        let findings = vec![
            Finding::NotEnded { playlist: playlist.clone() },
            Finding::TransferChosen { chosen: playlist.clone(), other: playlist },
        ];
        insta::assert_snapshot!(plain(&report(objects, findings), &run(&[])), @r"
        fetched    1 segment  1.90 MiB  976 KiB/s
        kept       1 segment from an earlier run, proven again
        verified   2 by the store's digest
        absent     #2  13:44:27.485  …_20260920134427485.ts  absent in prod and backup
        denied     #3  13:44:42.485  …_20260920134442485.ts  denied by prod: access denied
        loss       `math/x.m3u8` has no EXT-X-ENDLIST: still recording, crashed, or superseded
        denied     archive/38f8  1 absent, 1 denied   proof: report.json
        ");
    }

    #[test]
    fn a_short_name_still_tells_the_track() {
        for (name, short) in [
            ("38f8e3cfdc474cd56fc1ceba380d7e1a_math_7b_20260920125154485.ts", "…_20260920125154485.ts"),
            (
                "38f8e3cfdc474cd56fc1ceba380d7e1a_math_7b__uid_s_101__uid_e_video_20260920125154485.ts",
                "…__uid_s_101__uid_e_video_20260920125154485.ts",
            ),
            ("film.mp4", "film.mp4"),
        ] {
            assert_eq!(short_name(name), short);
        }
    }

    #[test]
    fn a_film_that_is_wrong_is_counted_where_the_verdict_is_told() {
        let mut film = segment(0, "", Verdict::Absent { looked_in: vec![SourceName::new("prod")] });
        film.role = ObjectRole::Other;
        let text = plain(&report(vec![good(0, "prod"), film], Vec::new()), &run(&[]));
        assert!(text.contains("incomplete archive/38f8  1 absent   proof"), "{text}");
    }

    #[test]
    fn of_what_did_not_answer_the_last_try_is_told() {
        let from = SourceName::new("prod");
        let mut object =
            segment(0, "", Verdict::Unreachable { from: from.clone(), last: Obstacle::Unreachable });
        let said = |object: &ObjectReport| anstream::adapter::strip_str(&failure(object, None)).to_string();
        assert!(said(&object).contains("unreachable in prod: unreachable"), "{}", said(&object));
        let why = "could not read `a.ts` in prod: unreachable (no domain answers): no such host".to_owned();
        object.failed_tries = vec![Try { from, why }];
        assert!(
            said(&object).ends_with("  in prod: unreachable (no domain answers): no such host\n"),
            "{}",
            said(&object)
        );
    }

    #[test]
    fn forms_and_what_was_left_out_are_counted() {
        let mut film = good(0, "prod");
        film.role = ObjectRole::Other;
        film.name = recfetch::domain::key::ObjectName::parse("sid_room_0.mp4").unwrap();
        let mut picture = film.clone();
        picture.name = recfetch::domain::key::ObjectName::parse("sid_room.jpg").unwrap();
        let mut report = report(vec![film, picture], Vec::new());
        report.only = Only::these([Form::Mp4, Form::Images]);
        report.left_out = LeftOut { objects: 3, bytes: 2048 };
        insta::assert_snapshot!(plain(&report, &run(&[])), @r"
        fetched    2 files  3.81 MiB  1.90 MiB/s
        contains   1 MP4, 1 picture
        left out   3 objects, 2.00 KiB: only mp4, images was asked for
        verified   2 by the store's digest
        complete   archive/38f8   proof: report.json
        ");
    }

    #[test]
    fn a_lost_recording_does_not_flood_the_screen() {
        let absent = || Verdict::Absent { looked_in: vec![SourceName::new("prod")] };
        let objects = (0..50).map(|index| segment(index, "", absent())).collect();
        let text = plain(&report(objects, Vec::new()), &run(&[]));
        assert_eq!(text.lines().filter(|line| line.starts_with("absent")).count(), MOST_LINES);
        assert!(text.contains("and 30 more, see report.json"), "{text}");
        assert!(
            text.contains("verified   nothing") && text.contains("incomplete archive/38f8  50 absent"),
            "{text}"
        );
    }
}
