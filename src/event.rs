//! What happens, told as it happens: facts in the past tense for whoever watches.
//!
//! A progress bar, lines in a log and JSON lines are all made from these; the library itself draws nothing.

use std::path::Path;
use std::time::Duration;

use crate::domain::check::Awaited;
use crate::domain::finding::Finding;
use crate::domain::key::{ObjectKey, ObjectName};
use crate::domain::place::{Obstacle, SourceName};
use crate::domain::recording::RecordingId;
use crate::domain::report::{Origin, Report};
use crate::domain::verdict::Verdict;

/// Something that happened.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A place is being searched for a recording.
    Searched {
        /// The recording.
        recording: &'a RecordingId,
        /// The place.
        from: &'a SourceName,
        /// Keys that were listed so far.
        listed: usize,
    },
    /// The recording was found and its playlists were read.
    Located {
        /// The recording.
        recording: &'a RecordingId,
        /// The place.
        from: &'a SourceName,
        /// The place for people: vendor, region, bucket.
        place: &'a str,
        /// Playlists that list its segments.
        playlists: usize,
        /// Segments that they list.
        segments: usize,
        /// How long they play.
        playing: Duration,
        /// The sum of the sizes that are known before fetching.
        bytes: u64,
    },
    /// Something was noticed.
    Noticed {
        /// What.
        finding: &'a Finding,
    },
    /// What is to be done was decided.
    Planned {
        /// Objects that an earlier run left here, to be proven again.
        keep: usize,
        /// Objects to be fetched.
        fetch: usize,
        /// The sum of the sizes to be fetched, as far as it is known.
        bytes: u64,
    },
    /// An object from an earlier run was read again.
    Rechecked {
        /// Its name.
        name: &'a ObjectName,
        /// Its length.
        bytes: u64,
        /// Whether it is as it was proven.
        proven: bool,
    },
    /// An object is being fetched.
    Started {
        /// Its name.
        name: &'a ObjectName,
        /// The place.
        from: &'a SourceName,
        /// Its size, where it is known.
        size: Option<u64>,
    },
    /// Bytes of an object came.
    Received {
        /// Its name.
        name: &'a ObjectName,
        /// How many.
        bytes: u64,
    },
    /// What came of an object does not count: it starts again from its first byte.
    Restarted {
        /// Its name.
        name: &'a ObjectName,
        /// Bytes that came and do not count.
        bytes: u64,
    },
    /// A try failed.
    TryFailed {
        /// The name of the object.
        name: &'a ObjectName,
        /// The place.
        from: &'a SourceName,
        /// Why, as a sentence.
        why: &'a str,
        /// When the next try at the same place is made; `None` where this place is given up.
        retry_in: Option<Duration>,
    },
    /// An object has its verdict.
    Judged {
        /// Its name.
        name: &'a ObjectName,
        /// The verdict.
        verdict: &'a Verdict,
        /// Its size, where it is here.
        size: Option<u64>,
        /// Where the bytes came from.
        from: Option<&'a SourceName>,
        /// Whether it came in this run.
        origin: Origin,
    },
    /// The number of objects that are fetched at once changed.
    WidthChanged {
        /// From now on.
        width: usize,
        /// Why it shrank; `None` where it grew.
        why: Option<&'a Obstacle>,
    },
    /// A key of a playlist is being read.
    PlaylistRead {
        /// Its key.
        key: &'a ObjectKey,
        /// Segments that it lists.
        segments: usize,
    },
    /// A recording was checked, and something that it lacks may still come.
    Awaiting {
        /// The recording.
        recording: &'a RecordingId,
        /// What; `None` where nothing of it could be found yet.
        awaited: Option<&'a Awaited>,
        /// After which time the next look is taken; `None` where this was the last one.
        next: Option<Duration>,
        /// For how long looks are taken at the most, from now on.
        left: Duration,
    },
    /// Archived objects of a recording were looked at, or their restore was asked for.
    Restoring {
        /// The recording.
        recording: &'a RecordingId,
        /// Objects whose restore was asked for.
        asked: usize,
        /// Objects whose restore had begun before.
        under_way: usize,
        /// Objects whose restore was refused.
        refused: usize,
        /// Objects that are back; there may be more of them while this waits.
        back: usize,
        /// Objects that cannot be read yet.
        frozen: usize,
        /// How long what was asked for takes at the most, by the vendors' own word.
        within: Option<Duration>,
        /// After which time the next look is taken; `None` where there is none.
        next: Option<Duration>,
        /// For how long looks are taken at the most, from now on.
        left: Duration,
    },
    /// A page of a listing was walked through for all recordings in it.
    Surveyed {
        /// The place.
        from: &'a SourceName,
        /// Keys that were listed so far.
        listed: u64,
        /// Recordings that were found so far.
        recordings: u64,
    },
    /// Bytes were joined.
    Joining {
        /// How many.
        bytes: u64,
    },
    /// A joined file is done.
    Joined {
        /// The file.
        file: &'a Path,
        /// Its length.
        size: u64,
        /// Segments that it lacks.
        gaps: usize,
    },
    /// The recording is done.
    Finished {
        /// What became of it.
        report: &'a Report,
        /// The bag.
        dir: &'a Path,
    },
}

/// Somebody who watches. Called from several tasks at once, and must not block.
pub trait Observer: Send + Sync {
    /// Something happened.
    fn on_event(&self, event: &Event<'_>);
}

/// Nobody watches.
impl Observer for () {
    fn on_event(&self, _event: &Event<'_>) {}
}

impl<T: Observer + ?Sized> Observer for std::sync::Arc<T> {
    fn on_event(&self, event: &Event<'_>) {
        (**self).on_event(event);
    }
}
