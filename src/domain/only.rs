//! Asking for some forms of a recording and leaving out the rest on purpose.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::filename::{FileName, Role};
use super::finding::{Beside, Finding, MISSING_SHOWN};
use super::key::ObjectKey;
use super::locate::Recording;
use super::object::ObjectInfo;
use super::recording::TrackId;

/// A form that a recording has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Form {
    /// Slices with all lists of them: `.m3u8`, `.mpd`, `.ts`, `.webm`.
    Hls,
    /// `.mp4`
    Mp4,
    /// Sound in one file: `.mp3`, `.m4a`, `.aac`.
    Audio,
    /// `.jpg`
    Images,
}

/// Which forms are asked for. The default is all that there is, whatever its name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Only(BTreeSet<Form>);

/// What was left out because nobody asked for it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// How many objects.
    pub objects: usize,
    /// Their size, as far as the listing tells.
    pub bytes: u64,
}

impl Form {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Hls, Self::Mp4, Self::Audio, Self::Images];

    /// A stable word for machines and people.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Hls => "hls",
            Self::Mp4 => "mp4",
            Self::Audio => "audio",
            Self::Images => "images",
        }
    }

    /// The form of a file, by the end of its name alone: what does not follow Agora's grammar has one too.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        let (_, extension) = name.rsplit_once('.')?;
        match extension.to_ascii_lowercase().as_str() {
            "m3u8" | "mpd" | "ts" | "webm" => Some(Self::Hls),
            "mp4" => Some(Self::Mp4),
            "mp3" | "m4a" | "aac" => Some(Self::Audio),
            "jpg" => Some(Self::Images),
            _ => None,
        }
    }
}

impl Only {
    /// These forms and no other file. Without any: everything.
    #[must_use]
    pub fn these(forms: impl IntoIterator<Item = Form>) -> Self {
        Self(forms.into_iter().collect())
    }

    /// Whether something may be left out.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this form is asked for.
    #[must_use]
    pub fn wants(&self, form: Form) -> bool {
        self.is_everything() || self.0.contains(&form)
    }

    /// The forms that were named; none where everything is asked for.
    pub fn forms(&self) -> impl Iterator<Item = Form> {
        self.0.iter().copied()
    }

    pub(crate) fn wants_key(&self, key: &ObjectKey) -> bool {
        self.is_everything() || Form::of(key.as_str()).is_some_and(|form| self.wants(form))
    }

    /// Takes out of a recording what is not asked for, with what was noticed about it, and says what is lacking.
    pub fn apply(&self, recording: &mut Recording, findings: &mut Vec<Finding>) -> LeftOut {
        let mut left = LeftOut::default();
        if !self.is_everything() {
            let mut keep = |info: &ObjectInfo| {
                let wanted = self.wants_key(&info.key);
                if !wanted {
                    left.objects += 1;
                    left.bytes = left.bytes.saturating_add(info.size.unwrap_or(0));
                }
                wanted
            };
            if !self.wants(Form::Hls) {
                let tracks = recording.tracks.drain(..).flat_map(|track| track.playlists);
                let masters = recording.masters.drain(..).map(|master| master.set);
                for set in tracks.chain(masters) {
                    for info in set.kept.iter().chain([&set.chosen]) {
                        keep(info);
                    }
                }
            }
            recording.slices.retain(|slice| keep(&slice.info));
            recording.others.retain(|other| keep(&other.info));
            findings.retain(|finding| self.concerns(finding));
            if left.objects > 0 {
                findings.push(Finding::LeftOut { objects: left.objects, bytes: left.bytes });
            }
            for form in self.forms().filter(|form| !has(recording, *form)) {
                findings.push(Finding::NothingOf { form });
            }
        }
        findings.extend(missing_indexes(recording, self));
        left
    }

    /// What carries the content of a film, a sound or a picture that is missing.
    pub(crate) fn beside(&self) -> Beside {
        if self.wants(Form::Hls) { Beside::Slices } else { Beside::Nothing }
    }

    /// Whether a finding of locating is about what was asked for.
    fn concerns(&self, finding: &Finding) -> bool {
        if let Finding::UnknownName { key }
        | Finding::OtherChannel { key }
        | Finding::UnreadPlaylist { key } = finding
        {
            return self.wants_key(key);
        }
        let of_lists = matches!(finding, Finding::NoPlaylist { .. } | Finding::TransferChosen { .. });
        !of_lists || self.wants(Form::Hls)
    }
}

fn has(recording: &Recording, form: Form) -> bool {
    let lists = !recording.tracks.is_empty() || !recording.masters.is_empty();
    let of_form = |info: &ObjectInfo| Form::of(info.key.as_str()) == Some(form);
    (form == Form::Hls && lists)
        || recording.slices.iter().any(|slice| of_form(&slice.info))
        || recording.others.iter().any(|other| of_form(&other.info))
}

/// Numbers that are missing below the highest one: Agora counts MP4 and sound files from 0. Behind the
/// highest nothing can be known: an MP4 may come up to two days late.
fn missing_indexes(recording: &Recording, only: &Only) -> Vec<Finding> {
    type Group = (&'static str, Option<u8>, TrackId);
    let mut groups: BTreeMap<Group, BTreeSet<u32>> = BTreeMap::new();
    for name in recording.others.iter().filter_map(|other| other.name.as_ref()) {
        if let Some((kind, index)) = numbered(name) {
            groups.entry((kind, name.failover, name.track)).or_default().insert(index);
        }
    }
    let beside = only.beside();
    let mut findings = Vec::new();
    for ((kind, _, track), here) in groups {
        let Some(&last) = here.last() else { continue };
        let count = u64::from(last) + 1 - here.len() as u64;
        if count > 0 {
            let missing = (0..last).filter(|index| !here.contains(index)).take(MISSING_SHOWN).collect();
            findings.push(Finding::MissingIndex { track, kind, missing, count, last, beside });
        }
    }
    findings
}

fn numbered(name: &FileName) -> Option<(&'static str, u32)> {
    match name.role {
        Role::Video { index: Some(index) } => Some(("MP4", index)),
        Role::Audio { index: Some(index), .. } => Some(("sound file", index)),
        Role::Video { index: None }
        | Role::Audio { index: None, .. }
        | Role::Playlist { .. }
        | Role::DashManifest { .. }
        | Role::Slice { .. }
        | Role::Snapshot { .. } => None,
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::finding::Severity;
    use crate::domain::locate::{Query, choose};
    use crate::domain::recording::RecordingId;

    const NAMES: [&str; 9] = [
        "sid_room.m3u8",
        "sid_room_1_2.m3u8",
        "sid_room_20260813234113969.ts",
        "sid_room_0.mp4",
        "sid_room_2.mp4",
        "bak0_sid_room_0.mp4",
        "sid_room_0.m4a",
        "sid_room_20260813234113969.jpg",
        "sid_room_notes.txt",
    ];

    fn applied(names: &[&str], forms: &[Form]) -> (Recording, Vec<Finding>, LeftOut) {
        let info =
            |name: &&str| ObjectInfo { size: Some(10), ..ObjectInfo::bare(ObjectKey::parse(name).unwrap()) };
        let id = RecordingId::parse("sid").unwrap();
        let (recording, mut findings) = choose(&id, names.iter().map(info).collect(), &Query::default());
        let mut recording = recording.unwrap();
        let left = Only::these(forms.iter().copied()).apply(&mut recording, &mut findings);
        (recording, findings, left)
    }

    fn codes(findings: &[Finding]) -> Vec<&'static str> {
        findings.iter().map(Finding::code).collect()
    }

    #[test]
    fn everything_is_left_as_it_is() {
        let (recording, findings, left) = applied(&NAMES, &[]);
        assert_eq!((left.objects, recording.slices.len(), recording.others.len()), (0, 1, 6));
        assert_eq!(codes(&findings), ["unknown-name", "transfer-chosen", "missing-index"]);
    }

    #[test]
    fn what_is_not_asked_for_is_left_out_with_what_was_noticed_about_it() {
        for (forms, sets, slices, others, left_out, expected) in [
            (&[Form::Hls][..], 1, 1, 0, 6, &["transfer-chosen", "left-out"][..]),
            (&[Form::Mp4], 0, 0, 3, 6, &["left-out", "missing-index"]),
            (&[Form::Audio, Form::Images], 0, 0, 2, 7, &["left-out"]),
            (&[Form::Hls, Form::Images], 1, 1, 1, 5, &["transfer-chosen", "left-out"]),
        ] {
            let (recording, findings, left) = applied(&NAMES, forms);
            assert_eq!(recording.tracks.len(), sets, "{forms:?}");
            assert_eq!((recording.slices.len(), recording.others.len()), (slices, others), "{forms:?}");
            assert_eq!(left, LeftOut { objects: left_out, bytes: 10 * left_out as u64 }, "{forms:?}");
            assert_eq!(codes(&findings), expected, "{forms:?}");
        }
    }

    #[test]
    fn a_form_that_is_asked_for_and_not_there_is_told() {
        let (_, findings, _) = applied(&["sid_room_0.mp4"], &[Form::Mp4]);
        assert_eq!(findings, []);
        let (_, findings, _) = applied(&["sid_room_0.mp4"], &[Form::Mp4, Form::Images]);
        assert_eq!(findings, [Finding::NothingOf { form: Form::Images }]);
        let (_, findings, _) = applied(&["sid_room_0.mp4"], &[]);
        assert_eq!(codes(&findings), ["no-playlist"]);
        let (_, findings, _) = applied(&["sid_room_0.mp4"], &[Form::Mp4, Form::Hls]);
        assert_eq!(codes(&findings), ["no-playlist", "nothing-of"]);
    }

    #[test]
    fn a_number_in_the_middle_is_missed_and_weighs_more_where_nothing_else_was_asked_for() {
        let names = ["sid_room.m3u8", "sid_room_0.mp4", "sid_room_2.mp4", "sid_room_4.mp4", "sid_room_0.mp3"];
        for (forms, severity) in [(&[][..], Severity::Warning), (&[Form::Mp4], Severity::Loss)] {
            let (_, findings, _) = applied(&names, forms);
            let found = findings.iter().find(|finding| finding.code() == "missing-index").unwrap();
            assert_eq!(found.severity(), severity);
            assert_eq!(found.to_string(), "mixed: MP4 1, 3 of 0..4 are not there");
        }
    }

    #[test]
    fn a_huge_number_takes_no_time() {
        let (_, findings, _) = applied(&["sid_room.m3u8", "sid_room_4294967295.mp4"], &[]);
        let Finding::MissingIndex { missing, count, .. } = &findings[0] else { panic!("{findings:?}") };
        assert_eq!((missing.len(), *count), (MISSING_SHOWN, u64::from(u32::MAX)));
    }
}
