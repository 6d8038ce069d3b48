//! What saved texts say, once they are read.

use std::collections::{BTreeSet, HashSet};

use crate::domain::check::{Told, ToldEvent, ToldState};
use crate::domain::key::{KeyError, ObjectName};
use crate::domain::recording::{ChannelName, Mode, RecordingId, TrackKind, Uid};
use crate::domain::time::SliceTime;
use crate::source::Secret;

/// Everything that a saved text says.
#[derive(Debug, Default)]
pub struct Saved {
    /// The recordings that it is about, in the order in which they were first named.
    pub recordings: Vec<SavedRecording>,
    /// Facts about no recording that is named: a body of `start`, an error, a cut answer.
    pub unnamed: Vec<Facts>,
    /// The place that is said to hold the recordings, and the first that contradicts it.
    stores: Vec<SavedStore>,
}

/// What is said about one recording.
#[derive(Debug)]
pub struct SavedRecording {
    /// Its ID.
    pub id: RecordingId,
    /// What is said about it.
    pub facts: Facts,
}

/// What is said about a recording.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Agora's project, where who saved the text added it.
    pub app_id: Option<String>,
    /// The channel.
    pub channel: Option<ChannelName>,
    /// Under which the recorder joined the channel.
    pub uid: Option<Uid>,
    /// The mode, where it is told.
    pub mode: Option<Mode>,
    /// Files that are said to belong to it.
    pub files: Vec<SavedFile>,
    /// Files that a service of Agora's could not get from the bucket (event 90).
    pub missing: Vec<ObjectName>,
    /// How far it is.
    pub state: State,
    /// The number of `serverResponse.status`, where it is told.
    pub status: Option<i64>,
    /// What else is worth knowing.
    pub notes: Vec<Note>,
    /// What happened, with its time where that is told, as it was read.
    pub events: Vec<ToldEvent>,
    /// Where its files go.
    pub store: Option<SavedStore>,
}

/// How far a recording is, as far as the texts tell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum State {
    /// Not told.
    #[default]
    Untold,
    /// It runs, or did when the text was written.
    Running,
    /// It has ended; whether everything is uploaded is not told.
    Stopped,
    /// Agora calls it failed.
    Failed {
        /// The number of the error.
        code: Option<i64>,
        /// The service's own words.
        words: Option<String>,
    },
    /// Everything was uploaded to the customer's store.
    Uploaded,
    /// Everything was uploaded, but at least one slice to Agora Cloud Backup, from where it is pushed on.
    Backuped,
}

/// A file as it is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedFile {
    /// As it is spelt: with a `/` the key in the bucket, without one a name in the recording's folder.
    pub name: ObjectName,
    /// What it carries.
    pub track: Option<TrackKind>,
    /// Whose it is, in individual mode.
    pub uid: Option<Uid>,
    /// When it starts.
    pub starts: Option<SliceTime>,
    /// Whether players are said to play it as it is.
    pub playable: Option<bool>,
}

/// What is worth knowing besides.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Note {
    /// The recorder failed over and joined again under another uid: there are `bak<n>_` files (event 12).
    Failover {
        /// The new uid.
        uid: Option<Uid>,
    },
    /// Slices between these times were lost before they were uploaded (event 42).
    Hole {
        /// Where the last one ends.
        from: SliceTime,
        /// Where the next one starts.
        until: SliceTime,
    },
    /// An error was told (event 1, or an answer).
    Error {
        /// Whose: 0 recorder, 1 uploader, 2 service, 6 web page; `None` for the REST interface.
        module: Option<i64>,
        /// Its number.
        code: i64,
        /// The service's own words.
        words: Option<String>,
    },
    /// Uploads were tried again: number 31 to the customer's store, 32 to Agora Cloud Backup (event 2).
    Reuploaded {
        /// The number.
        code: i64,
    },
    /// The session ended abnormally (event 11, status 20).
    AbnormalExit,
    /// Files go to ApsaraVideo VoD: they are in no bucket (events 60 and 61).
    Vod,
    /// The temporary keys of the recording ran out (event 34).
    KeysExpired,
    /// Transcoding after the recording did not succeed in full: `partial_success`, `fail` (events 81, 1001).
    Transcoding {
        /// The service's word.
        result: String,
    },
    /// The page recorder stopped by itself (event 71).
    PageStopped {
        /// Its number.
        code: i64,
        /// The service's own words.
        words: Option<String>,
    },
    /// A name that cannot be an object's is left out.
    UnsafeName {
        /// The name, escaped and cut.
        text: String,
        /// The rule that it breaks.
        why: KeyError,
    },
}

/// Where a recording is uploaded to, as `storageConfig` or event 90 says it. Words are kept as they are:
/// settings read numbers and names of all kinds already.
#[derive(Debug, Clone, Default)]
pub struct SavedStore {
    /// The vendor: Agora's number or a name.
    pub vendor: Option<String>,
    /// The region: Agora's number or a name.
    pub region: Option<String>,
    /// The bucket.
    pub bucket: Option<String>,
    /// The parts of `fileNamePrefix`.
    pub prefix: Vec<String>,
    /// `extensionParams.endpoint`, with a scheme.
    pub endpoint: Option<String>,
    /// The keys that the recorder writes with.
    pub keys: Option<SavedKeys>,
    /// When temporary keys run out, where that is told as a moment.
    pub expires: Option<SliceTime>,
}

/// Keys that the recorder writes with. They may be good for nothing but writing.
#[derive(Debug, Clone)]
pub struct SavedKeys {
    /// The access key.
    pub access_key: Secret,
    /// The secret.
    pub secret_key: Secret,
    /// The token of temporary keys.
    pub session_token: Option<Secret>,
}

impl State {
    /// One word for machines.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Untold => "untold",
            Self::Running => "running",
            Self::Stopped => "stopped",
            Self::Failed { .. } => "failed",
            Self::Uploaded => "uploaded",
            Self::Backuped => "backuped",
        }
    }

    /// The later of two: texts come in any order. `backuped` stands over `uploaded`, because a failover may
    /// tell either of its own half; and whatever failed before was made good by both.
    fn rank(&self) -> u8 {
        match self {
            Self::Untold => 0,
            Self::Running => 1,
            Self::Stopped => 2,
            Self::Failed { .. } => 3,
            Self::Uploaded => 4,
            Self::Backuped => 5,
        }
    }
}

impl SavedFile {
    /// Whether it is a playlist by its name.
    #[must_use]
    pub fn is_playlist(&self) -> bool {
        self.name.as_str().to_ascii_lowercase().ends_with(".m3u8")
    }
}

impl SavedStore {
    /// Whether both name the same bucket, or one of them none.
    #[must_use]
    pub fn agrees_with(&self, other: &Self) -> bool {
        let agree = |a: &Option<String>, b: &Option<String>| a.is_none() || b.is_none() || a == b;
        agree(&self.vendor, &other.vendor)
            && agree(&self.region, &other.region)
            && agree(&self.bucket, &other.bucket)
    }

    fn fill_from(&mut self, other: Self) {
        let Self { vendor, region, bucket, prefix, endpoint, keys, expires } = other;
        self.vendor = self.vendor.take().or(vendor);
        self.region = self.region.take().or(region);
        self.bucket = self.bucket.take().or(bucket);
        if self.prefix.is_empty() {
            self.prefix = prefix;
        }
        self.endpoint = self.endpoint.take().or(endpoint);
        self.keys = self.keys.take().or(keys);
        self.expires = self.expires.or(expires);
    }
}

impl Facts {
    /// Takes a note.
    pub(super) fn note(&mut self, note: Note) {
        self.notes.push(note);
    }

    /// Takes a state unless a later one is known.
    pub(super) fn reach(&mut self, state: State) {
        if state.rank() > self.state.rank() {
            self.state = state;
        }
    }

    pub(super) fn merge(&mut self, other: Self) {
        let Self { app_id, channel, uid, mode, files, missing, state, status, notes, events, store } = other;
        self.app_id = self.app_id.take().or(app_id);
        self.channel = self.channel.take().or(channel);
        self.uid = self.uid.or(uid);
        self.mode = self.mode.or(mode);
        self.files.extend(files);
        self.missing.extend(missing);
        self.reach(state);
        self.status = self.status.max(status);
        self.notes.extend(notes);
        self.events.extend(events);
        match (&mut self.store, store) {
            (Some(known), Some(more)) if known.agrees_with(&more) => known.fill_from(more),
            (known @ None, more) => *known = more,
            (Some(_), Some(_) | None) => {}
        }
    }

    /// Each thing once, whatever was delivered twice.
    pub(super) fn tidy(&mut self) {
        let mut seen = BTreeSet::new();
        self.files.retain(|file| seen.insert(file.name.clone()));
        let mut seen = BTreeSet::new();
        self.missing.retain(|name| seen.insert(name.clone()));
        let mut seen = HashSet::new();
        self.notes.retain(|note| seen.insert(note.clone()));
        let mut seen = HashSet::new();
        self.events.retain(|event| seen.insert(event.clone()));
    }
}

/// For a check: what a text says, beside what a log of callbacks says.
impl From<&Facts> for Told {
    fn from(facts: &Facts) -> Self {
        facts.clone().into()
    }
}

/// For a check: what a text says, beside what a log of callbacks says.
impl From<Facts> for Told {
    fn from(facts: Facts) -> Self {
        let state = match facts.state {
            State::Untold => ToldState::Untold,
            State::Running => ToldState::Running,
            State::Stopped => ToldState::Stopped,
            State::Failed { .. } => ToldState::Failed,
            State::Uploaded => ToldState::Uploaded,
            State::Backuped => ToldState::BackedUp,
        };
        let mut told = Self {
            app_id: facts.app_id,
            channel: facts.channel,
            recorder: facts.uid,
            mode: facts.mode,
            state,
            files: facts.files.into_iter().map(|file| file.name).collect(),
            missing: facts.missing,
            events: facts.events,
            refused: 0,
        };
        told.settle();
        told
    }
}

impl Saved {
    /// The place that is said to hold the recordings.
    ///
    /// # Errors
    /// Two places that contradict each other.
    pub fn store(&self) -> Result<Option<&SavedStore>, [&SavedStore; 2]> {
        match &self.stores[..] {
            [] => Ok(None),
            [only] => Ok(Some(only)),
            [first, other, ..] => Err([first, other]),
        }
    }

    /// Takes a place to what is known of it, or as one that contradicts it.
    pub(super) fn take_store(&mut self, store: &SavedStore) {
        match &mut self.stores[..] {
            [first, ..] if first.agrees_with(store) => first.fill_from(store.clone()),
            [] | [_] => self.stores.push(store.clone()),
            [_, _, ..] => {}
        }
    }
}
