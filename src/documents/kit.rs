//! Checks for tests: one composite track of slices of fifteen seconds, piece by piece.

use crate::domain::check::{
    About, Check, CheckedFile, CheckedSegment, CheckedTrack, Depth, Diagnosis, Listed, Presence, Rule,
    StoreRole, StoreSeen, Stretch, ToldState,
};
use crate::domain::key::{KeyPrefix, ObjectKey, ObjectName};
use crate::domain::place::SourceName;
use crate::domain::plan::ListOrigin;
use crate::domain::recording::{ChannelName, RecordingId, TrackId};
use crate::domain::time::SliceTime;

pub(super) const SID: &str = "38f8e3cfdc474cd56fc1ceba380d7e1a";
pub(super) const SLICE_MS: i64 = 15_000;
const STEM: &str = "38f8e3cfdc474cd56fc1ceba380d7e1a_math 7b_";

/// Builds a check; time goes on with each piece.
pub(super) struct Kit {
    pub(super) check: Check,
    now: SliceTime,
}

pub(super) fn name(starts: SliceTime) -> String {
    format!("{STEM}{}.ts", starts.digits())
}

pub(super) fn store(name: &str, role: StoreRole, listed: Listed) -> StoreSeen {
    StoreSeen {
        name: SourceName::new(name),
        place: "Amazon S3, eu-west-1, bucket lessons".into(),
        role,
        listed,
    }
}

impl Kit {
    pub(super) fn new() -> Self {
        let now = SliceTime::parse("20260920125142485").unwrap();
        let check = Check {
            recording: RecordingId::parse(SID).unwrap(),
            channel: ChannelName::parse("math 7b"),
            app_id: None,
            recorder: None,
            mode: None,
            folder: KeyPrefix::from_parts(["school"]).unwrap(),
            stores: vec![
                store("prod", StoreRole::Own, Listed::Objects(9)),
                store("backup", StoreRole::Fallback, Listed::Objects(2)),
            ],
            first: Some(now),
            last: Some(now),
            at: SliceTime::parse("20260921080000000").unwrap(),
            depth: Depth::Listed,
            state: ToldState::Untold,
            told: Vec::new(),
            tracks: vec![CheckedTrack {
                id: TrackId::MIXED,
                segments: Vec::new(),
                stretches: Vec::new(),
                playlists: Vec::new(),
                origin: ListOrigin::Received,
            }],
            playlists: Vec::new(),
            orphans: Vec::new(),
            others: Vec::new(),
            diagnoses: Vec::new(),
        };
        Self { check, now }
    }

    /// So many segments.
    pub(super) fn segments(mut self, count: usize, presence: Presence) -> Self {
        for _ in 0..count {
            let (starts, ends) = (self.now, self.now.plus_ms(SLICE_MS));
            let track = &mut self.check.tracks[0];
            track.segments.push(CheckedSegment {
                number: track.segments.len() + 1,
                name: ObjectName::parse(&name(starts)).unwrap(),
                starts: Some(starts),
                ends: Some(ends),
                duration_ms: Some(SLICE_MS.unsigned_abs()),
                size: (presence != Presence::Lost).then_some(188_000),
                presence,
                obstacle: None,
                failover: None,
                run: 1,
                media: None,
            });
            self = self.time(SLICE_MS, presence);
        }
        self
    }

    /// Time without a segment.
    pub(super) fn time(mut self, ms: i64, presence: Presence) -> Self {
        let (from, until) = (self.now, self.now.plus_ms(ms));
        self.check.tracks[0].stretches.push(Stretch { from, until, presence });
        self.now = until;
        self.check.last = Some(until);
        self
    }

    /// A slice that no playlist lists, so long from now.
    pub(super) fn orphan(mut self, from_now_ms: i64) -> Self {
        let key = format!("school/{}", name(self.now.plus_ms(from_now_ms)));
        self.check.orphans.push(CheckedFile {
            key: ObjectKey::parse(&key).unwrap(),
            size: Some(188_000),
            modified: None,
            presence: Presence::Present,
        });
        self
    }

    pub(super) fn diagnosis(mut self, rule: Rule, text: &str) -> Self {
        self.check.diagnoses.push(Diagnosis {
            rule,
            severity: rule.severity(),
            about: About::default(),
            expected: None,
            found: None,
            text: text.to_owned(),
        });
        self
    }
}
