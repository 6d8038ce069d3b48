//! Checks for tests: one composite track of slices of fifteen seconds, piece by piece.

use recfetch::domain::check::{
    About, Check, CheckedFile, CheckedSegment, CheckedTrack, Depth, Diagnosis, Listed, Presence, Rule,
    StoreRole, StoreSeen, Stretch, ToldState,
};
use recfetch::domain::key::{KeyPrefix, ObjectKey, ObjectName};
use recfetch::domain::place::SourceName;
use recfetch::domain::plan::ListOrigin;
use recfetch::domain::recording::{ChannelName, RecordingId, TrackId};
use recfetch::domain::time::SliceTime;

pub(crate) const SID: &str = "38f8e3cfdc474cd56fc1ceba380d7e1a";
pub(crate) const SLICE_MS: i64 = 15_000;
const STEM: &str = "38f8e3cfdc474cd56fc1ceba380d7e1a_math 7b_";

/// Builds a check; time goes on with each piece.
pub(crate) struct Kit {
    pub(crate) check: Check,
    now: SliceTime,
}

pub(crate) fn name(starts: SliceTime) -> String {
    format!("{STEM}{}.ts", starts.digits())
}

pub(crate) fn store(name: &str, role: StoreRole, listed: Listed) -> StoreSeen {
    StoreSeen {
        name: SourceName::new(name),
        place: "Amazon S3, eu-west-1, bucket lessons".into(),
        role,
        listed,
    }
}

impl Kit {
    pub(crate) fn new() -> Self {
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
    pub(crate) fn segments(mut self, count: usize, presence: Presence) -> Self {
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
    pub(crate) fn time(mut self, ms: i64, presence: Presence) -> Self {
        let (from, until) = (self.now, self.now.plus_ms(ms));
        self.check.tracks[0].stretches.push(Stretch { from, until, presence });
        self.now = until;
        self.check.last = Some(until);
        self
    }

    /// A slice that no playlist lists, so long from now.
    pub(crate) fn orphan(mut self, from_now_ms: i64) -> Self {
        let key = format!("school/{}", name(self.now.plus_ms(from_now_ms)));
        self.check.orphans.push(CheckedFile {
            key: ObjectKey::parse(&key).unwrap(),
            size: Some(188_000),
            modified: None,
            presence: Presence::Present,
        });
        self
    }

    /// What is wrong with the segment that was added last.
    pub(crate) fn of_last(mut self, rule: Rule, text: &str) -> Self {
        let segment = self.check.tracks[0].segments.last().unwrap();
        let about = About {
            track: Some(TrackId::MIXED),
            segment: Some(segment.number),
            object: Some(segment.name.as_str().to_owned()),
            store: None,
            from: segment.starts,
            until: segment.ends,
        };
        self.check.diagnoses.push(diagnosis(rule, about, text));
        self
    }

    /// What is wrong with the time that was added last.
    pub(crate) fn of_time(mut self, rule: Rule, text: &str) -> Self {
        let stretch = *self.check.tracks[0].stretches.last().unwrap();
        let about = About { from: Some(stretch.from), until: Some(stretch.until), ..About::default() };
        self.check.diagnoses.push(diagnosis(rule, about, text));
        self
    }
}

fn diagnosis(rule: Rule, about: About, text: &str) -> Diagnosis {
    let severity = rule.severity();
    Diagnosis { rule, severity, about, expected: None, found: None, text: text.to_owned() }
}
