//! What was noticed while a recording was looked for and read, as diagnoses: each finding becomes exactly one,
//! unless another rule knows better.

use std::collections::{BTreeMap, BTreeSet};

use super::diagnosis::{called, counted, listed, seconds};
use super::facts::Facts;
use super::gathered::PlaylistText;
use super::running::{Running, unfinished};
use super::{Diagnosis, Rule, Severity};
use crate::domain::filename::{FileName, Role};
use crate::domain::finding::{Finding, MirrorLack, NotPlaylist};
use crate::domain::key::{ObjectKey, ObjectName};
use crate::domain::recording::TrackId;

/// Converts the findings.
pub(super) fn diagnose(facts: &Facts<'_>, running: Running) -> Vec<Diagnosis> {
    let lists = Lists::of(facts, running);
    let findings = facts.gathered.findings.iter();
    let mut diagnoses: Vec<_> = findings.filter_map(|finding| diagnosis(facts, &lists, finding)).collect();
    if running == Running::Yes {
        diagnoses.push(still_running(facts, &lists));
    }
    diagnoses
}

/// What is known about playlists by their keys.
struct Lists<'a> {
    tracks: BTreeMap<&'a ObjectKey, TrackId>,
    sizes: BTreeMap<&'a ObjectKey, u64>,
    absent: BTreeMap<TrackId, &'a ObjectKey>,
    /// Of a recording that runs: those that are not finished because of that.
    unfinished: BTreeSet<&'a ObjectKey>,
    /// Those that break off.
    cut: BTreeSet<&'a ObjectKey>,
}

impl<'a> Lists<'a> {
    fn of(facts: &Facts<'a>, running: Running) -> Self {
        let gathered = facts.gathered;
        let sets = gathered
            .recording
            .tracks
            .iter()
            .flat_map(|track| track.playlists.iter().map(move |set| (track.id, set)));
        let masters = gathered.recording.masters.iter().map(|master| (master.track, &master.set));
        let (mut tracks, mut sizes) = (BTreeMap::new(), BTreeMap::new());
        for (track, set) in sets.chain(masters) {
            for info in set.kept.iter().chain([&set.chosen]) {
                tracks.insert(&info.key, track);
                sizes.extend(info.size.map(|size| (&info.key, size)));
            }
        }
        let absent = gathered.playlists.iter().filter(|seen| seen.text == PlaylistText::Absent);
        let absent = absent.filter_map(|seen| Some((seen.track?, &seen.info.key))).collect();
        let unfinished = match running {
            Running::Yes => unfinished(gathered),
            Running::No => BTreeSet::new(),
        };
        let cut = gathered.findings.iter().filter_map(|finding| {
            let Finding::CutOff { playlist, .. } = finding else { return None };
            Some(playlist)
        });
        Self { tracks, sizes, absent, unfinished, cut: cut.collect() }
    }
}

fn diagnosis(facts: &Facts<'_>, lists: &Lists<'_>, finding: &Finding) -> Option<Diagnosis> {
    let plain = |rule: Rule| Diagnosis::new(rule, finding.to_string());
    let of_key = |rule: Rule, key: &ObjectKey| plain(rule).of_object(called(key, facts.folder()));
    let of_list = |rule: Rule, key: &ObjectKey| {
        let diagnosis = of_key(rule, key);
        match lists.tracks.get(key) {
            Some(track) => diagnosis.of_track(*track),
            None => diagnosis,
        }
    };
    let in_line = |rule: Rule, key: &ObjectKey, line: usize| of_list(rule, key).found(format!("line {line}"));
    let of_name = |rule: Rule, name: &ObjectName| match facts.segment(name) {
        Some(place) => plain(rule).of_segment(facts, place),
        None => plain(rule).of_object(name.as_str()),
    };
    Some(match finding {
        // The line of time, orphans, stores and files that Agora names are told by rules of their own.
        Finding::UnlistedGap { .. }
        | Finding::Overlap { .. }
        | Finding::FailoverGap { .. }
        | Finding::ProbedGap { .. }
        | Finding::Orphan { .. }
        | Finding::ListDenied { .. }
        | Finding::NotSearched { .. }
        | Finding::RegionFollowed { .. }
        | Finding::ToldAbsent { .. } => return None,
        Finding::NotEnded { playlist } if lists.unfinished.contains(playlist) => return None,
        // What breaks off cannot say that it is finished.
        Finding::NotEnded { playlist } if lists.cut.contains(playlist) => return None,
        Finding::UnknownName { key } => of_key(Rule::UnknownName, key).expected("a name by Agora's rules"),
        Finding::UnsafeKey { text, why } => {
            plain(Rule::UnsafeKey).of_object(text.as_str()).found(why.to_string())
        }
        Finding::TransferChosen { chosen, other } => transferred(facts, lists, chosen, other),
        Finding::OtherFolder { key } => of_key(Rule::OtherFolder, key)
            .expected(format!("in {}", facts.folder()))
            .found(format!("in {}", key.folder())),
        Finding::PartOfMirror { from, why } => {
            let found = match why {
                MirrorLack::NoMark => "no mark".to_owned(),
                MirrorLack::OtherThanMarked { file } => format!("{file} is another or gone"),
                MirrorLack::WasNotWhole { outcome } => outcome.clone(),
                MirrorLack::HoldsOnly { forms } => forms.join(", "),
            };
            plain(Rule::PartOfMirror).in_store(Some(from)).expected("a whole mirror").found(found)
        }
        Finding::FoundElsewhere { from } => plain(Rule::FoundElsewhere)
            .in_store(Some(from))
            .expected("in the first store")
            .found(from.as_str()),
        Finding::NoPlaylist { track } => {
            let diagnosis = plain(Rule::NoPlaylist).of_track(*track).expected("a playlist").found("none");
            match lists.absent.get(track) {
                Some(key) => diagnosis.of_object(called(key, facts.folder())),
                None => diagnosis,
            }
        }
        Finding::OtherChannel { key } => {
            let channel = facts.gathered.recording.channel.as_ref();
            let expected = channel.map_or_else(|| "the channel of the rest".to_owned(), ToString::to_string);
            of_key(Rule::OtherChannel, key).expected(expected)
        }
        Finding::UnreadPlaylist { key } => of_key(Rule::UnreadPlaylist, key),
        Finding::DeadReference { master, name } => {
            of_list(Rule::DeadReference, master).expected(format!("`{name}`")).found("absent")
        }
        Finding::BadManifest { key } => of_list(Rule::BadManifest, key),
        Finding::MissingIndex { track, missing, count, last, .. } => plain(Rule::MissingIndex)
            .weighing(finding.severity())
            .of_track(*track)
            .expected(format!("0 to {last}"))
            .found(match u64::try_from(missing.len()).is_ok_and(|shown| shown == *count) {
                true => format!("without {}", listed(missing)),
                false => format!("without {} and {} more", listed(missing), more(*count, missing.len())),
            }),
        Finding::LeftOut { objects, .. } => {
            plain(Rule::LeftOut).found(counted(u64::try_from(*objects).unwrap_or(u64::MAX), "file"))
        }
        Finding::NothingOf { .. } => plain(Rule::NothingOf),
        Finding::NotAPlaylist { playlist, what } => {
            let rule = match what {
                NotPlaylist::Empty => Rule::PlaylistEmpty,
                NotPlaylist::Xml | NotPlaylist::Html | NotPlaylist::Other => Rule::NotAPlaylist,
            };
            of_list(rule, playlist).expected("#EXTM3U").found(what.to_string())
        }
        Finding::ListsNothing { playlist } => {
            of_list(Rule::ListsNothing, playlist).expected("segments").found("none")
        }
        Finding::NotEnded { playlist } => {
            of_list(Rule::NotEnded, playlist).expected("EXT-X-ENDLIST").found("none")
        }
        Finding::CutOff { playlist, line } => {
            in_line(Rule::CutOff, playlist, *line).expected("a line end behind the last line")
        }
        Finding::TooLarge { playlist, limit } => {
            of_list(Rule::TooLarge, playlist).expected(format!("at most {limit}"))
        }
        Finding::UnsafeUri { playlist, line, why, .. } => {
            in_line(Rule::UnsafeUri, playlist, *line).expected("a name in the folder").found(why.to_string())
        }
        Finding::DurationWithoutUri { playlist, line } => {
            in_line(Rule::DurationWithoutUri, playlist, *line).expected("a segment behind it")
        }
        Finding::UriWithoutDuration { playlist, line } => {
            in_line(Rule::UriWithoutDuration, playlist, *line).expected("EXTINF before it")
        }
        Finding::ListedTwice { playlist, line, name } => {
            let diagnosis = in_line(Rule::ListedTwice, playlist, *line).expected("each segment once");
            match facts.segment(name) {
                Some(place) => diagnosis.of_segment(facts, place),
                None => diagnosis.of_object(name.as_str()),
            }
        }
        Finding::NotUtf8 { playlist, line } => in_line(Rule::NotUtf8, playlist, *line).expected("UTF-8"),
        Finding::BadTag { playlist, line, tag } => {
            in_line(Rule::BadTag, playlist, *line).expected(format!("a value of {tag}"))
        }
        Finding::ReadersDisagree { playlist, scanner, library } => of_list(Rule::ReadersDisagree, playlist)
            .expected(counted(u64::try_from(*scanner).unwrap_or(u64::MAX), "segment"))
            .found(library.map_or_else(|| "none".to_owned(), |count| count.to_string())),
        Finding::Encrypted { playlist, line } => in_line(Rule::Encrypted, playlist, *line),
        Finding::PlaysShort { name, expected_ms, found_ms } => {
            of_name(Rule::PlaysShort, name).expected(in_seconds(*expected_ms)).found(in_seconds(*found_ms))
        }
        Finding::KeptOther { name } => of_name(Rule::KeptOther, name),
        Finding::ChangedSinceListing { name } => of_name(Rule::ChangedSinceListing, name),
        Finding::ContinuityErrors { name, count } => {
            of_name(Rule::ContinuityErrors, name).expected("0").found(counted(*count, "break"))
        }
        Finding::TimestampsJump { name, ms } => of_name(Rule::TimestampsJump, name).found(seconds(*ms)),
        Finding::SameBytes { name, other } => of_name(Rule::SameBytes, name).found(format!("as `{other}`")),
    })
}

fn more(count: u64, shown: usize) -> u64 {
    count.saturating_sub(u64::try_from(shown).unwrap_or(u64::MAX))
}

fn in_seconds(ms: u64) -> String {
    seconds(i64::try_from(ms).unwrap_or(i64::MAX))
}

/// Whether a transferred copy is used because it is larger than the playlist itself.
pub(super) fn is_larger_copy(facts: &Facts<'_>, chosen: &ObjectKey, other: &ObjectKey) -> bool {
    let id = &facts.gathered.recording.id;
    let is_copy = |key: &ObjectKey| {
        FileName::parse(key.file_name().as_str(), Some(id))
            .is_some_and(|name| matches!(name.role, Role::Playlist { transfer: Some(_) }))
    };
    is_copy(chosen) && !is_copy(other)
}

/// Of several versions of a playlist the larger one counts (Agora, "manage recorded files", 2026-07).
fn transferred(facts: &Facts<'_>, lists: &Lists<'_>, chosen: &ObjectKey, other: &ObjectKey) -> Diagnosis {
    let (chosen_name, other_name) = (called(chosen, facts.folder()), called(other, facts.folder()));
    let size =
        |key: &ObjectKey| lists.sizes.get(key).map_or_else(String::new, |size| format!(" ({size} bytes)"));
    let (rule, text) = if is_larger_copy(facts, chosen, other) {
        let text = format!(
            "`{other_name}`{} is smaller than its transferred copy `{chosen_name}`{}, which is used",
            size(other),
            size(chosen)
        );
        (Rule::PlaylistSmaller, text)
    } else {
        let text = format!("`{other_name}` is another version of `{chosen_name}`, which is used");
        (Rule::PlaylistSuperseded, text)
    };
    let diagnosis = Diagnosis::new(rule, text)
        .of_object(other_name)
        .expected(format!("`{chosen_name}`{}", size(chosen)))
        .found(format!("another version{}", size(other)));
    match lists.tracks.get(chosen) {
        Some(track) => diagnosis.of_track(*track),
        None => diagnosis,
    }
}

fn still_running(facts: &Facts<'_>, lists: &Lists<'_>) -> Diagnosis {
    let names: Vec<_> =
        lists.unfinished.iter().map(|key| format!("`{}`", called(key, facts.folder()))).collect();
    let verb = if names.len() == 1 { "is" } else { "are" };
    let text = format!("the recording still runs: {} {verb} not finished", listed(&names));
    let diagnosis = Diagnosis::new(Rule::StillRunning, text)
        .weighing(Severity::Loss)
        .expected("EXT-X-ENDLIST")
        .found("none")
        .from(facts.last);
    match lists.unfinished.iter().next() {
        Some(key) if names.len() == 1 => diagnosis.of_object(called(key, facts.folder())),
        Some(_) | None => diagnosis,
    }
}
