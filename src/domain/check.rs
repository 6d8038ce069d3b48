//! What is known of a recording before a byte of its media is read: which moment of it is where, what is lost,
//! why, and what to do about it.
//!
//! Everything that stores, playlists and Agora's own messages told is [`Gathered`]; [`check`] puts it on one
//! line of time per track and names what is wrong. Nothing here is a proof of bytes: that a segment is *there*
//! says that a store lists it, with a length that can be.

mod agora;
mod awaited;
mod backup;
mod diagnosis;
mod facts;
mod failover;
mod files;
mod findings;
mod gathered;
mod heard;
mod holes;
mod media;
mod named;
mod objects;
mod orphans;
mod playlists;
mod reconcile;
mod rule;
mod running;
mod segments;
mod served;
mod sightings;
mod sizes;
mod standing;
mod stores;
mod stretches;
mod told;

use super::key::{KeyPrefix, ObjectKey, ObjectName};
use super::place::{Obstacle, SourceName};
use super::plan::ListOrigin;
use super::recording::{ChannelName, Mode, RecordingId, TrackId, Uid};
use super::time::SliceTime;

pub use super::finding::Severity;
pub use awaited::Awaited;
pub(crate) use diagnosis::seconds;
pub use gathered::{
    Answer, Depth, Gathered, Listed, MediaSeen, PlayerAnswer, PlaylistSeen, PlaylistText, Seen, Sighting,
    StoreRole, StoreSeen, Version,
};
pub use rule::{Meaning, Rule};
pub use standing::Totals;
pub use told::{ErrorCode, Happened, Sending, Told, ToldError, ToldEvent, ToldState};

/// What is known about a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// The recording.
    pub recording: RecordingId,
    /// Its channel, as its files spell it.
    pub channel: Option<ChannelName>,
    /// Agora's project, where the user or a text told it.
    pub app_id: Option<String>,
    /// Under which uid the recorder joined the channel, where a text told it.
    pub recorder: Option<Uid>,
    /// How streams became files, as far as names and texts tell.
    pub mode: Option<Mode>,
    /// The folder that it lies in.
    pub folder: KeyPrefix,
    /// The places that were asked: the recording's own first, then the fallbacks.
    pub stores: Vec<StoreSeen>,
    /// When it starts: the first slice of any track, or earlier where Agora's messages say so.
    pub first: Option<SliceTime>,
    /// When it ends.
    pub last: Option<SliceTime>,
    /// When the check was made.
    pub at: SliceTime,
    /// How deep it looked.
    pub depth: Depth,
    /// How far Agora says that it is.
    pub state: ToldState,
    /// What Agora told, each once, by time.
    pub told: Vec<ToldEvent>,
    /// Its tracks.
    pub tracks: Vec<CheckedTrack>,
    /// Every playlist, master and manifest.
    pub playlists: Vec<CheckedFile>,
    /// Slices that no playlist lists.
    pub orphans: Vec<CheckedFile>,
    /// Whatever else belongs to it: MP4 files, sound files, pictures, unknown ones.
    pub others: Vec<CheckedFile>,
    /// What is wrong or worth knowing: the worst first, and by time among equals.
    pub diagnoses: Vec<Diagnosis>,
}

/// One track.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedTrack {
    /// Which.
    pub id: TrackId,
    /// Its segments in playing order.
    pub segments: Vec<CheckedSegment>,
    /// All of the recording's time, from [`Check::first`] to [`Check::last`], cut into pieces that follow each
    /// other without a hole or overlap: every moment is exactly one thing. Empty where no times are known.
    pub stretches: Vec<Stretch>,
    /// The playlists that its segments come from.
    pub playlists: Vec<ObjectKey>,
    /// Whether they were there or rebuilt.
    pub origin: ListOrigin,
}

/// One segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedSegment {
    /// Its number in playing order, from 1.
    pub number: usize,
    /// The object that holds it.
    pub name: ObjectName,
    /// When it starts, by its name.
    pub starts: Option<SliceTime>,
    /// When it ends, by its playlist.
    pub ends: Option<SliceTime>,
    /// How long it plays, by its playlist, in milliseconds.
    pub duration_ms: Option<u64>,
    /// Its length where it was seen, in bytes.
    pub size: Option<u64>,
    /// Where it is.
    pub presence: Presence,
    /// What stands between it and whoever wants to read it.
    pub obstacle: Option<Obstacle>,
    /// The failover copy that lists it; `None` for the playlist itself.
    pub failover: Option<u32>,
    /// The same number for all segments without a discontinuity between them.
    pub run: usize,
    /// What was seen in its bytes, where they were read.
    pub media: Option<MediaSeen>,
}

/// Where a moment of the recording is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Presence {
    /// In the recording's own store, frozen or not.
    Present,
    /// Not there, but in another one.
    Elsewhere {
        /// Its place in [`Check::stores`].
        store: usize,
    },
    /// A playlist lists it, and every store is sure not to have it, or has nothing in it.
    Lost,
    /// No playlist lists it, and nothing says that there was nothing to record: lost before it was listed.
    Unlisted,
    /// Nobody was sending, the recorder was not there yet or any more, or it announced a break.
    NeverRecorded,
    /// Nobody can tell: a store refused or did not answer, or a playlist could not be read.
    Unknown,
}

/// A piece of a track's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    /// Its first millisecond.
    pub from: SliceTime,
    /// The first millisecond behind it.
    pub until: SliceTime,
    /// Where it is.
    pub presence: Presence,
}

/// A file that is no segment of a track.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedFile {
    /// Where it lies in the recording's own store, or would.
    pub key: ObjectKey,
    /// Its length in bytes.
    pub size: Option<u64>,
    /// When it was last written, by the store's clock.
    pub modified: Option<SliceTime>,
    /// Where it is.
    pub presence: Presence,
}

/// One thing that is wrong or worth knowing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnosis {
    /// The rule that it breaks; its texts say what it means, what to do, and where that is documented.
    pub rule: Rule,
    /// How much this case weighs; mostly what the rule weighs.
    pub severity: Severity,
    /// What it is about.
    pub about: About,
    /// What should have been there, for people.
    pub expected: Option<String>,
    /// What is there instead, for people.
    pub found: Option<String>,
    /// One sentence that says it all, without a full stop.
    pub text: String,
}

/// What a diagnosis is about: as much as is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct About {
    /// The track.
    pub track: Option<TrackId>,
    /// The number of the segment in it.
    pub segment: Option<usize>,
    /// The name of the object: as in the recording's folder, or the key where it lies elsewhere.
    pub object: Option<String>,
    /// The store.
    pub store: Option<SourceName>,
    /// From when on.
    pub from: Option<SliceTime>,
    /// Until when.
    pub until: Option<SliceTime>,
}

/// What a check makes of the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// Nothing is missing in the recording's own store, as far as can be told at this depth.
    NothingMissing,
    /// Everything can be had, some of it only from another store.
    Elsewhere,
    /// Something could not be asked or was refused for now.
    Unknown,
    /// All of it is there, some of it in an archived class that is not restored.
    Frozen,
    /// A store refused.
    Denied,
    /// Something is lost.
    Incomplete,
    /// Bytes that were read are wrong.
    Corrupt,
}

/// Puts what was gathered on one line of time per track, and names what is wrong.
#[must_use]
pub fn check(gathered: &Gathered<'_>) -> Check {
    reconcile::reconcile(gathered)
}

impl Presence {
    /// One word for machines.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Elsewhere { .. } => "elsewhere",
            Self::Lost => "lost",
            Self::Unlisted => "unlisted",
            Self::NeverRecorded => "never-recorded",
            Self::Unknown => "unknown",
        }
    }
}

impl Standing {
    /// One word for machines.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::NothingMissing => "nothing-missing",
            Self::Elsewhere => "elsewhere",
            Self::Unknown => "unknown",
            Self::Frozen => "frozen",
            Self::Denied => "denied",
            Self::Incomplete => "incomplete",
            Self::Corrupt => "corrupt",
        }
    }
}

#[cfg(test)]
mod tests;
