//! Files that Agora names and that are not there.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::diagnosis::{called, counted};
use super::facts::Facts;
use super::gathered::PlaylistText;
use super::told::Happened;
use super::{Diagnosis, Presence, Rule, Severity};
use crate::domain::filename::{FileName, Role};
use crate::domain::finding::{Beside, Finding};
use crate::domain::key::{ObjectKey, ObjectName};
use crate::domain::locate::is_ours;
use crate::domain::recording::TrackId;

/// MP4 files of a composite recording come within a day, of others within two ("manage recorded files", 2026-07).
const MP4_WITHIN_MS: i64 = 48 * 3_600_000;

/// Names what Agora names and no store has; what is told as a segment or playlist already is not told again.
pub(super) fn diagnose(facts: &Facts<'_>) -> Vec<Diagnosis> {
    let known = Known::of(facts);
    let mut absent: BTreeMap<ObjectKey, Beside> = BTreeMap::new();
    for finding in facts.gathered.findings {
        if let Finding::ToldAbsent { key, beside } = finding {
            absent.insert(key.clone(), *beside);
        }
    }
    for name in &facts.gathered.told.files {
        if let Some(key) = facts_key(facts, name)
            && !known.is_here(&key)
        {
            absent.entry(key).or_insert(Beside::Slices);
        }
    }
    let mut diagnoses: Vec<_> =
        absent.iter().filter_map(|(key, beside)| told_absent(facts, &known, key, *beside)).collect();
    let told: HashSet<ObjectKey> = absent.into_keys().collect();
    diagnoses.extend(not_downloaded(facts, &known, &told));
    diagnoses
}

fn facts_key(facts: &Facts<'_>, name: &ObjectName) -> Option<ObjectKey> {
    let key = name.as_told(facts.folder()).ok()?;
    is_ours(key.file_name().as_str(), &facts.gathered.recording.id).then_some(key)
}

/// What is there, and what is told by other rules.
struct Known {
    here: HashSet<String>,
    absent_playlists: HashSet<ObjectKey>,
    without_playlist: BTreeSet<TrackId>,
}

impl Known {
    fn of(facts: &Facts<'_>) -> Self {
        let (gathered, recording) = (facts.gathered, facts.gathered.recording);
        let mut here = HashSet::new();
        let slices = recording.slices.iter().map(|slice| &slice.info.key);
        let others = recording.others.iter().map(|other| &other.info.key);
        let sets = recording.tracks.iter().flat_map(|track| &track.playlists);
        let sets = sets.chain(recording.masters.iter().map(|master| &master.set));
        let lists = sets.flat_map(|set| set.kept.iter().chain([&set.chosen])).map(|info| &info.key);
        let absent_playlists: HashSet<ObjectKey> = gathered
            .playlists
            .iter()
            .filter(|seen| seen.text == PlaylistText::Absent)
            .map(|seen| seen.info.key.clone())
            .collect();
        for key in slices.chain(others).chain(lists.filter(|key| !absent_playlists.contains(key))) {
            let name = key.file_name();
            // What the backup has pushed may bear another name than what was told before.
            here.extend(FileName::before_transfer(name.as_str(), &recording.id));
            here.insert(name.as_str().to_owned());
        }
        for (track, places) in facts.tracks.iter().zip(facts.places) {
            for (segment, place) in track.segments.iter().zip(places) {
                if matches!(place.presence, Presence::Present | Presence::Elsewhere { .. }) {
                    here.insert(segment.name.file_name().to_owned());
                }
            }
        }
        let without_playlist = gathered.findings.iter().filter_map(|finding| {
            let Finding::NoPlaylist { track } = finding else { return None };
            Some(*track)
        });
        Self { here, absent_playlists, without_playlist: without_playlist.collect() }
    }

    fn is_here(&self, key: &ObjectKey) -> bool {
        self.here.contains(key.file_name().as_str())
    }

    /// Whether another rule tells that it is missing.
    fn is_told(&self, facts: &Facts<'_>, key: &ObjectKey) -> bool {
        if facts.segment(&facts.name(key)).is_some() {
            return true;
        }
        let name = FileName::parse(key.file_name().as_str(), Some(&facts.gathered.recording.id));
        let Some(FileName { track, role, .. }) = name else { return false };
        matches!(role, Role::Playlist { .. })
            && (self.without_playlist.contains(&track) || self.absent_playlists.contains(key))
    }
}

fn told_absent(facts: &Facts<'_>, known: &Known, key: &ObjectKey, beside: Beside) -> Option<Diagnosis> {
    if known.is_told(facts, key) {
        return None;
    }
    let name = called(key, facts.folder());
    let name_says = FileName::parse(key.file_name().as_str(), Some(&facts.gathered.recording.id));
    let is_film = name_says.as_ref().is_some_and(|name| matches!(name.role, Role::Video { .. }));
    let deadline = facts.last.map(|last| last.plus_ms(MP4_WITHIN_MS));
    let diagnosis = match deadline.filter(|deadline| is_film && facts.gathered.at <= *deadline) {
        Some(deadline) => Diagnosis::new(
            Rule::Mp4NotYet,
            format!("`{name}` is not there yet; it may come until {deadline}, two days after the end"),
        )
        .until(Some(deadline)),
        None => {
            let is_slice = name_says.as_ref().is_some_and(|name| matches!(name.role, Role::Slice { .. }));
            // Slices that no list names show in nothing else.
            let severity = match is_slice {
                true => Severity::Loss,
                false => Finding::ToldAbsent { key: key.clone(), beside }.severity(),
            };
            Diagnosis::new(Rule::ToldAbsent, format!("Agora names `{name}`, and no store has it"))
                .weighing(severity)
        }
    };
    let diagnosis = diagnosis.of_object(name).expected("there").found("absent");
    Some(match name_says {
        Some(FileName { track, role: Role::Slice { starts, .. }, .. }) => {
            diagnosis.of_track(track).from(Some(starts))
        }
        Some(FileName { track, .. }) => diagnosis.of_track(track),
        None => diagnosis,
    })
}

/// What a service of Agora's could not get from the bucket (event 90), against what is there by now.
fn not_downloaded(facts: &Facts<'_>, known: &Known, told: &HashSet<ObjectKey>) -> Vec<Diagnosis> {
    let gathered = facts.gathered;
    let event = gathered.told.events.iter().find(|event| event.what == Happened::DownloadFailed);
    if event.is_none() && gathered.told.missing.is_empty() {
        return Vec::new();
    }
    let named: BTreeSet<ObjectKey> =
        gathered.told.missing.iter().filter_map(|name| facts_key(facts, name)).collect();
    let (here, absent): (Vec<_>, Vec<_>) = named.iter().partition(|key| known.is_here(key));
    let counts = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    let text = match (here.len(), absent.len()) {
        (0, 0) => "Agora could not read files from the bucket".to_owned(),
        (_, 0) => format!(
            "Agora could not read {} from the bucket; by now all are there",
            counted(counts(here.len()), "file")
        ),
        (_, absent) => format!(
            "Agora could not read {} from the bucket; {absent} of them are not there",
            counted(counts(named.len()), "file")
        ),
    };
    let severity = match (here.len(), absent.len()) {
        (1.., 0) => Severity::Note,
        _ => Severity::Warning,
    };
    let failed = Diagnosis::new(Rule::DownloadFailed, text)
        .weighing(severity)
        .expected("all there")
        .found(format!("{} of {}", here.len(), named.len()))
        .from(event.and_then(|event| event.at));
    let absent = absent.into_iter().filter(|key| !told.contains(*key));
    let absent = absent.filter_map(|key| told_absent(facts, known, key, Beside::Slices));
    std::iter::once(failed).chain(absent).collect()
}
