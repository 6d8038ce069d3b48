//! What Agora told about a recording: answers and callbacks, by the time at which things happened.

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
    /// A user's stream started or stopped (43 sound, 44 picture).
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
