//! What Agora told about a recording: answers and callbacks, by the time at which things happened.

use std::collections::BTreeSet;
use std::mem;

use crate::domain::key::ObjectName;
use crate::domain::recording::{ChannelName, Mode, TrackKind, Uid};
use crate::domain::time::SliceTime;

/// Everything that was told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// Agora's project.
    pub app_id: Option<String>,
    /// The channel.
    pub channel: Option<ChannelName>,
    /// Under which the recorder joined the channel.
    pub recorder: Option<Uid>,
    /// How streams become files.
    pub mode: Option<Mode>,
    /// How far it is: the furthest that was told.
    pub state: ToldState,
    /// Files that are said to belong to it.
    pub files: Vec<ObjectName>,
    /// Files that a service of Agora's could not get from the bucket (event 90).
    pub missing: Vec<ObjectName>,
    /// What happened, each once, in the order of its time; what has no time comes last. Deliveries are doubled
    /// and out of order, so nothing else may depend on their order.
    pub events: Vec<ToldEvent>,
    /// Events that were left out because their signature does not fit.
    pub refused: usize,
}

/// How far a recording is, by what was told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ToldState {
    /// Nothing was told.
    #[default]
    Untold,
    /// It ran when this was told.
    Running,
    /// It has ended; whether everything is uploaded was not told.
    Stopped,
    /// It ended abnormally.
    Failed,
    /// Everything was uploaded to the customer's store.
    Uploaded,
    /// Everything was uploaded, but at least one slice to Agora Cloud Backup, from where it is pushed on.
    BackedUp,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ToldEvent {
    /// When: `sendts`, else `notifyMs` (`eventMs` in 2019).
    pub at: Option<SliceTime>,
    /// Which recorder: after a failover another one tells under another uid.
    pub recorder: Option<Uid>,
    /// What.
    pub what: Happened,
}

/// What can happen. The numbers are those of Agora's events ("callback events", 2019-04 to 2026-06).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Happened {
    /// The recorder started (40), or the page recorder (70), or `onRecordingStarted` of the 2019 SDK.
    Started,
    /// The recorder left the channel (41), or `onRecordingStopped`: a bit mask says why.
    Left {
        /// 2 no signalling, 4 no users, 8 timer, 16 asked to; 1, 2, 4, 8 in old texts.
        reason: Option<i64>,
    },
    /// The session ended (11).
    Exited {
        /// 0 after the upload, anything else abnormal.
        status: i64,
    },
    /// Another recorder took over (12): there are `bak<n>_` files.
    FailedOver {
        /// Its uid.
        uid: Option<Uid>,
    },
    /// The service has a number for its state (3).
    Status {
        /// From 0 not started to 8 exited and 20 abnormal.
        number: i64,
    },
    /// The first version of the playlist was written (4).
    FilesNamed,
    /// The uploader started (30).
    UploadStarted,
    /// So much is uploaded (33, `onRecordingUploadingProgress`).
    Progress {
        /// In ten-thousandths.
        of_10_000: i64,
    },
    /// Everything is in the customer's store (31, `onRecordingUploaded`).
    Uploaded,
    /// Something went to Agora Cloud Backup (32, `onRecordingBackedUp`).
    BackedUp,
    /// An upload was tried again (2): 31 to the customer's store, 32 to Agora Cloud Backup.
    Reuploaded {
        /// The number.
        code: i64,
    },
    /// The temporary keys of the recording ran out (34).
    KeysExpired,
    /// A slice started (42).
    SliceStarted {
        /// When.
        starts: SliceTime,
        /// Where the last one ended, where slices between were lost.
        lost_from: Option<SliceTime>,
        /// Whose stream, in individual mode.
        uid: Option<Uid>,
        /// What it carries.
        kind: Option<TrackKind>,
    },
    /// A user's stream started or stopped (43 sound, 44 picture). Agora's number for a stream that comes is 0, for
    /// one that does not 1 ("callback events", 2022-07 to 2026-06).
    StreamChanged {
        /// Whose.
        uid: Option<Uid>,
        /// What it carries.
        kind: TrackKind,
        /// Whether it comes.
        sending: Sending,
        /// When, by the recorder's clock.
        at: SliceTime,
    },
    /// A picture was written (45).
    Snapshot,
    /// Size, codec or the like of a stream changed (46, 47).
    InfoChanged,
    /// Files go to ApsaraVideo VoD: they are in no bucket (60, 61).
    Vod,
    /// The page recorder stopped (71).
    PageStopped {
        /// Its number.
        code: i64,
        /// The service's own words.
        words: Option<String>,
    },
    /// The page asks for more than it may have (72).
    PageLimited,
    /// The page was loaded again (73).
    PageReloaded,
    /// Transcoding after the recording ended (81, 1001).
    Transcoded {
        /// The service's word: `all_success`, `partial_success`, `fail`.
        result: String,
    },
    /// A service of Agora's could not get files from the bucket (90).
    DownloadFailed,
    /// An error (1, or an answer; `onRecorderFailure`, `onUploaderFailure`, `onRecordingFatalError`).
    Failed(ToldError),
    /// Anything else.
    Other {
        /// The number.
        event: i64,
    },
}

/// Whether a stream comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sending {
    /// It comes.
    Yes,
    /// It does not.
    No,
}

/// An error as it was told.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ToldError {
    /// Whose: 0 recorder, 1 uploader, 2 service, 6 web page; `None` for the REST interface.
    pub module: Option<i64>,
    /// Its number, or the name that the 2019 SDK gives it.
    pub code: ErrorCode,
    /// The service's own words.
    pub words: Option<String>,
}

/// The number of an error, or its name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ErrorCode {
    /// A number.
    Number(i64),
    /// A `RecordingErrorCode` of the 2019 SDK.
    Name(String),
}

impl Told {
    /// Takes in what else was told of the same recording. In which order, and how often the same is told, changes
    /// nothing but the number of what was refused.
    pub fn merge(&mut self, other: Self) {
        self.take(other);
        self.settle();
    }

    /// Takes in without putting in order: for many at once, with [`settle`](Self::settle) at the end.
    pub fn take(&mut self, other: Self) {
        let Self { app_id, channel, recorder, mode, state, files, missing, events, refused } = other;
        self.app_id = lesser(self.app_id.take(), app_id);
        self.channel = lesser(self.channel.take(), channel);
        self.recorder = lesser(self.recorder, recorder);
        self.mode = match (self.mode, mode) {
            (Some(one), Some(other)) if other.word() < one.word() => Some(other),
            (one, other) => one.or(other),
        };
        self.state = self.state.max(state);
        self.files.extend(files);
        self.missing.extend(missing);
        self.events.extend(events);
        self.refused += refused;
    }

    /// Each thing once, and events in the order of their time.
    pub fn settle(&mut self) {
        for names in [&mut self.files, &mut self.missing] {
            names.sort_unstable();
            names.dedup();
        }
        self.events = most_telling(mem::take(&mut self.events));
        // Who told first joined first; the others took over from it.
        if let Some(first) = self.events.iter().find_map(|event| event.recorder) {
            self.recorder = Some(first);
        }
    }
}

/// The lesser of what is there: of two that contradict each other always the same one, whichever came first.
fn lesser<T: Ord>(one: Option<T>, other: Option<T>) -> Option<T> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// Each event once, by time. One that lacks its time or recorder is left out where the same is told with it: an
/// answer and a callback often say the same.
fn most_telling(mut events: Vec<ToldEvent>) -> Vec<ToldEvent> {
    events.sort_unstable_by(|a, b| (&a.what, a.at, a.recorder).cmp(&(&b.what, b.at, b.recorder)));
    events.dedup();
    let mut kept = Vec::with_capacity(events.len());
    for alike in events.chunk_by(|a, b| a.what == b.what) {
        let timed = alike.iter().filter(|event| event.at.is_some());
        let by: BTreeSet<_> = timed.filter_map(|event| event.recorder).collect();
        for (i, event) in alike.iter().enumerate() {
            let told_better = match (event.at, event.recorder) {
                (Some(_), Some(_)) => false,
                // Those of the same time follow, and who is named comes behind who is not.
                (Some(_), None) => alike.get(i + 1).is_some_and(|next| next.at == event.at),
                (None, Some(recorder)) => by.contains(&recorder),
                (None, None) => alike.len() > 1,
            };
            if !told_better {
                kept.push(event.clone());
            }
        }
    }
    kept.sort_by(|a, b| {
        (a.at.is_none(), a.at, a.recorder, &a.what).cmp(&(b.at.is_none(), b.at, b.recorder, &b.what))
    });
    kept
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use proptest::prelude::*;

    use super::*;

    fn event(at: Option<i64>, recorder: Option<u32>, what: Happened) -> ToldEvent {
        let recorder = recorder.and_then(NonZeroU32::new).map(Uid);
        ToldEvent { at: at.and_then(SliceTime::from_unix_ms), recorder, what }
    }

    fn of(events: Vec<ToldEvent>) -> Told {
        let mut told = Told { events, ..Told::default() };
        told.settle();
        told
    }

    #[test]
    fn events_come_by_time_and_those_without_one_come_last() {
        let exited = || Happened::Exited { status: 0 };
        let told = of(vec![
            event(None, None, Happened::Vod),
            event(Some(9), Some(2), exited()),
            event(Some(3), Some(1), Happened::Started),
            event(Some(9), Some(2), exited()),
        ]);
        let expected = [
            event(Some(3), Some(1), Happened::Started),
            event(Some(9), Some(2), exited()),
            event(None, None, Happened::Vod),
        ];
        assert_eq!(told.events, expected);
        assert_eq!(told.recorder, NonZeroU32::new(1).map(Uid), "the first recorder is the recording's");
    }

    #[test]
    fn what_is_told_better_is_told_once() {
        let up = || Happened::Uploaded;
        let table = [
            (vec![event(None, None, up()), event(Some(5), None, up())], vec![event(Some(5), None, up())]),
            (
                vec![event(Some(5), None, up()), event(Some(5), Some(1), up())],
                vec![event(Some(5), Some(1), up())],
            ),
            (
                vec![event(None, Some(1), up()), event(Some(5), Some(1), up())],
                vec![event(Some(5), Some(1), up())],
            ),
            // Another recorder or time is another event.
            (
                vec![
                    event(None, Some(2), up()),
                    event(Some(5), Some(1), up()),
                    event(Some(6), Some(1), up()),
                ],
                vec![
                    event(Some(5), Some(1), up()),
                    event(Some(6), Some(1), up()),
                    event(None, Some(2), up()),
                ],
            ),
            (
                vec![event(None, None, up()), event(Some(5), None, Happened::BackedUp)],
                vec![event(Some(5), None, Happened::BackedUp), event(None, None, up())],
            ),
        ];
        for (events, expected) in table {
            assert_eq!(of(events).events, expected);
        }
    }

    #[test]
    fn contradictions_are_settled_alike_in_either_order() {
        let one = Told {
            channel: ChannelName::parse("a"),
            mode: Some(Mode::Web),
            state: ToldState::Running,
            ..Told::default()
        };
        let other = Told {
            channel: ChannelName::parse("b"),
            mode: Some(Mode::Mix),
            state: ToldState::Uploaded,
            refused: 2,
            ..Told::default()
        };
        let (mut first, mut second) = (one.clone(), other.clone());
        first.merge(other);
        second.merge(one);
        assert_eq!(first, second);
        assert_eq!((first.state, first.refused), (ToldState::Uploaded, 2));
    }

    fn any_told() -> impl Strategy<Value = Told> {
        let what = prop_oneof![
            Just(Happened::Started),
            Just(Happened::Uploaded),
            (0..3_i64).prop_map(|status| Happened::Exited { status }),
        ];
        let told = (prop::option::of(0..3_i64), prop::option::of(1..3_u32), what);
        let events = prop::collection::vec(told.prop_map(|(at, by, what)| event(at, by, what)), 0..8);
        let names = prop::collection::vec("[ab]\\.ts", 0..3);
        (events, names, prop::option::of(1..4_u32), prop::option::of("[a-c]")).prop_map(
            |(events, names, recorder, channel)| Told {
                events,
                files: names.iter().filter_map(|name| ObjectName::parse(name).ok()).collect(),
                recorder: recorder.and_then(NonZeroU32::new).map(Uid),
                channel: channel.and_then(|text| ChannelName::parse(&text)),
                ..Told::default()
            },
        )
    }

    proptest! {
        #[test]
        fn order_grouping_and_repetition_never_matter(a in any_told(), b in any_told(), c in any_told()) {
            let merged = |parts: &[&Told]| {
                let mut all = Told::default();
                for part in parts {
                    all.merge((*part).clone());
                }
                all
            };
            let all = merged(&[&a, &b, &c]);
            prop_assert_eq!(&merged(&[&c, &a, &b, &a]), &all);
            prop_assert_eq!(&merged(&[&a, &merged(&[&c, &b])]), &all);
            prop_assert_eq!(&merged(&[&all, &all, &b]), &all);
        }
    }
}
