//! What was noticed about a recording: odd input gives a value and findings, never a failure.

mod text;

use super::key::{KeyError, ObjectKey, ObjectName};
use super::only::Form;
use super::place::{Obstacle, SourceName};
use super::recording::TrackId;
use super::timeline::NOTICED_MS;

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing; nothing is wrong.
    Note,
    /// Something is odd; the recording may still be whole.
    Warning,
    /// Part of the recording is known to be missing: it cannot be called complete.
    Loss,
}

/// Why a URI in a playlist is not requested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnsafeUri {
    /// It breaks a rule for object names.
    Name(KeyError),
    /// It has a scheme or starts with `//`: it names a host of its own.
    OtherHost,
}

/// Why what lies in a mirror cannot be called the whole recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MirrorLack {
    /// It has no mark: it was never finished, or somebody is at it.
    NoMark,
    /// The mark does not vouch for what lies beside it.
    OtherThanMarked {
        /// The file that is not as it was.
        file: String,
    },
    /// It was not whole when it was written.
    WasNotWhole {
        /// What it was called then.
        outcome: String,
    },
    /// It holds some forms only.
    HoldsOnly {
        /// Their words.
        forms: Vec<String>,
    },
}

/// What stands where a playlist was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotPlaylist {
    /// No bytes at all.
    Empty,
    /// An XML document: most likely a store's error saved under the playlist's name.
    Xml,
    /// A web page: most likely a sign-in or error page.
    Html,
    /// Anything else that does not start with `#EXTM3U`.
    Other,
}

/// How many missing numbers a finding names.
pub const MISSING_SHOWN: usize = 20;

/// Whether the content of numbered files is in other files of the recording too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beside {
    /// The slices carry it and were asked for.
    Slices,
    /// Only these files were asked for.
    Nothing,
}

/// One thing that was noticed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    // --- names in the store
    /// An object under the recording's prefix whose name does not follow Agora's grammar.
    UnknownName {
        /// Its key.
        key: ObjectKey,
    },
    /// A key in a listing that cannot be a safe name; its text is escaped.
    UnsafeKey {
        /// The key, escaped.
        text: String,
        /// The rule it breaks.
        why: KeyError,
    },
    /// Of a playlist and its copies transferred from the backup, this one was taken by Agora's rule.
    TransferChosen {
        /// The playlist that is used.
        chosen: ObjectKey,
        /// The one that is kept beside it.
        other: ObjectKey,
    },
    /// The same recording lies in more than one folder; only one was taken.
    OtherFolder {
        /// A key in the folder that was not taken.
        key: ObjectKey,
    },
    /// A slice in the bucket that no playlist lists.
    Orphan {
        /// Its key.
        key: ObjectKey,
    },
    /// The listing was refused; what the playlists do not name cannot be seen.
    ListDenied {
        /// The store.
        from: SourceName,
    },
    /// It was read from a mirror that does not prove to be the whole recording.
    PartOfMirror {
        /// The store.
        from: SourceName,
        /// Why not.
        why: MirrorLack,
    },
    /// The recording was not in its own store but in this one.
    FoundElsewhere {
        /// The store that has it.
        from: SourceName,
    },
    /// The bucket is in another region than the settings say; the answer named it and it was followed.
    RegionFollowed {
        /// The store.
        from: SourceName,
        /// The region that it really is in.
        region: String,
    },
    /// A store could not be searched; the recording was found in another one.
    NotSearched {
        /// The store.
        from: SourceName,
        /// Why not.
        why: Obstacle,
    },
    /// A track whose playlist could not be had.
    NoPlaylist {
        /// The track.
        track: TrackId,
    },
    /// A file of the recording that carries another channel than the rest; it is kept as it is.
    OtherChannel {
        /// Its key.
        key: ObjectKey,
    },
    /// A playlist under the recording's prefix whose name fits none of its tracks. It is kept but not
    /// read, and nobody knows what it lists.
    UnreadPlaylist {
        /// Its key.
        key: ObjectKey,
    },
    /// A file that an answer or a callback of Agora's names is not in the store.
    ToldAbsent {
        /// Where it should be.
        key: ObjectKey,
        /// Whether the slices carry what is in it, where it is no playlist.
        beside: Beside,
    },
    /// A master playlist or DASH manifest names something that is not there. Agora writes such references
    /// (public reports since 2021), so nothing need be missing.
    DeadReference {
        /// The master.
        master: ObjectKey,
        /// What it names.
        name: ObjectName,
    },
    /// A DASH manifest that could be read only in part.
    BadManifest {
        /// Its key.
        key: ObjectKey,
    },
    /// Numbered files of which some in the middle are not there.
    MissingIndex {
        /// Whose.
        track: TrackId,
        /// `MP4`, or the word for a sound file.
        kind: &'static str,
        /// The first of the numbers that are missing, at most [`MISSING_SHOWN`].
        missing: Vec<u32>,
        /// How many are missing.
        count: u64,
        /// The highest number that is there.
        last: u32,
        /// Whether anything else carries the same content.
        beside: Beside,
    },
    /// Files that nobody asked for were left out on purpose.
    LeftOut {
        /// How many.
        objects: usize,
        /// Their size, as far as the listing tells.
        bytes: u64,
    },
    /// A form was asked for, and the recording has no file of it.
    NothingOf {
        /// The form.
        form: Form,
    },

    // --- the text of a playlist
    /// Something else stands under the playlist's name.
    NotAPlaylist {
        /// The playlist.
        playlist: ObjectKey,
        /// What it is.
        what: NotPlaylist,
    },
    /// A playlist that lists no segment.
    ListsNothing {
        /// The playlist.
        playlist: ObjectKey,
    },
    /// No `EXT-X-ENDLIST`: still being recorded, crashed, or superseded.
    NotEnded {
        /// The playlist.
        playlist: ObjectKey,
    },
    /// The last line has no line end: the file may have been cut off there.
    CutOff {
        /// The playlist.
        playlist: ObjectKey,
        /// Its last line number.
        line: usize,
    },
    /// Larger than what is read of a playlist.
    TooLarge {
        /// The playlist.
        playlist: ObjectKey,
        /// Lines or bytes beyond this were not read.
        limit: usize,
    },
    /// A URI that is not requested.
    UnsafeUri {
        /// The playlist.
        playlist: ObjectKey,
        /// The line.
        line: usize,
        /// The URI, escaped.
        uri: String,
        /// Why not.
        why: UnsafeUri,
    },
    /// `EXTINF` with no URI after it: a segment whose name is lost.
    DurationWithoutUri {
        /// The playlist.
        playlist: ObjectKey,
        /// The line of the `EXTINF`.
        line: usize,
    },
    /// A URI with no `EXTINF` before it, or one that is no number.
    UriWithoutDuration {
        /// The playlist.
        playlist: ObjectKey,
        /// The line of the URI.
        line: usize,
    },
    /// A segment that is listed more than once.
    ListedTwice {
        /// The playlist.
        playlist: ObjectKey,
        /// The line of the repetition.
        line: usize,
        /// Its name.
        name: ObjectName,
    },
    /// A line that is not UTF-8; it was read with replacement characters.
    NotUtf8 {
        /// The playlist.
        playlist: ObjectKey,
        /// The line.
        line: usize,
    },
    /// A known tag whose value could not be read.
    BadTag {
        /// The playlist.
        playlist: ObjectKey,
        /// The line.
        line: usize,
        /// The tag without its value.
        tag: String,
    },
    /// `m3u8-rs` sees other segments than the line scanner, whose list is used.
    ReadersDisagree {
        /// The playlist.
        playlist: ObjectKey,
        /// Segments by the scanner.
        scanner: usize,
        /// Segments by `m3u8-rs`, where it could read the file at all.
        library: Option<usize>,
    },
    /// Segments are encrypted: their structure cannot be examined.
    Encrypted {
        /// The playlist.
        playlist: ObjectKey,
        /// The line of the `EXT-X-KEY`.
        line: usize,
    },

    // --- the time line
    /// Nothing covers this time although the playlist does not announce a discontinuity: slices were lost
    /// before they were listed.
    UnlistedGap {
        /// The track.
        track: TrackId,
        /// The last segment before it.
        after: ObjectName,
        /// The first segment behind it.
        before: ObjectName,
        /// How long, in milliseconds.
        ms: i64,
    },
    /// Two segments cover the same time.
    Overlap {
        /// The track.
        track: TrackId,
        /// The earlier segment.
        after: ObjectName,
        /// The later segment.
        before: ObjectName,
        /// How long, in milliseconds.
        ms: i64,
    },
    /// A break between the playlist and its failover copy.
    FailoverGap {
        /// The track.
        track: TrackId,
        /// The last segment before the switch.
        after: ObjectName,
        /// The first segment behind it.
        before: ObjectName,
        /// How long, in milliseconds; negative where they overlap.
        ms: i64,
    },
    /// No slice covers this time, by the playing times that the slices' own bytes tell. No playlist is there
    /// to explain it: slices were lost, or nobody sent anything.
    ProbedGap {
        /// The track.
        track: TrackId,
        /// The last segment before it.
        after: ObjectName,
        /// The first segment behind it.
        before: ObjectName,
        /// How long, in milliseconds.
        ms: i64,
    },

    // --- the bytes
    /// It plays for another time than the playlist says, by less than what is called wrong, and no store
    /// vouches for it: it may have lost its end.
    PlaysShort {
        /// Its name.
        name: ObjectName,
        /// By the playlist, in milliseconds.
        expected_ms: u64,
        /// By the time stamps, in milliseconds.
        found_ms: u64,
    },
    /// The store has another version by now than the one that is kept here.
    KeptOther {
        /// Its name.
        name: ObjectName,
    },
    /// The object is another version than the listing named.
    ChangedSinceListing {
        /// Its name.
        name: ObjectName,
    },
    /// Packets are missing inside a segment although its digest is right: it was recorded so.
    ContinuityErrors {
        /// Its name.
        name: ObjectName,
        /// How many breaks of the continuity counters.
        count: u64,
    },
    /// The time stamps jump against the neighbours although the digest is right.
    TimestampsJump {
        /// Its name.
        name: ObjectName,
        /// By how much, in milliseconds.
        ms: i64,
    },
    /// Two segments have the same bytes although both digests are right: they were stored so.
    SameBytes {
        /// The one that they fit less.
        name: ObjectName,
        /// The other one.
        other: ObjectName,
    },
}

impl Finding {
    /// How much it weighs.
    #[must_use]
    pub fn severity(&self) -> Severity {
        match self {
            Self::TransferChosen { .. }
            | Self::FoundElsewhere { .. }
            | Self::OtherFolder { .. }
            | Self::RegionFollowed { .. }
            | Self::LeftOut { .. }
            | Self::Encrypted { .. } => Severity::Note,
            Self::UnknownName { .. }
            | Self::UnsafeKey { .. }
            | Self::OtherChannel { .. }
            | Self::Orphan { .. }
            | Self::ListDenied { .. }
            | Self::NotSearched { .. }
            | Self::KeptOther { .. }
            | Self::UriWithoutDuration { .. }
            | Self::ListedTwice { .. }
            | Self::NotUtf8 { .. }
            | Self::BadTag { .. }
            | Self::ReadersDisagree { .. }
            | Self::Overlap { .. }
            | Self::FailoverGap { .. }
            | Self::ChangedSinceListing { .. }
            | Self::ContinuityErrors { .. }
            | Self::TimestampsJump { .. }
            | Self::DeadReference { .. }
            | Self::BadManifest { .. }
            | Self::NothingOf { .. }
            | Self::ProbedGap { .. }
            | Self::SameBytes { .. } => Severity::Warning,
            Self::MissingIndex { beside, .. } => match beside {
                Beside::Slices => Severity::Warning,
                Beside::Nothing => Severity::Loss,
            },
            Self::NoPlaylist { .. }
            | Self::PartOfMirror { .. }
            | Self::PlaysShort { .. }
            | Self::UnreadPlaylist { .. }
            | Self::NotAPlaylist { .. }
            | Self::ListsNothing { .. }
            | Self::NotEnded { .. }
            | Self::CutOff { .. }
            | Self::TooLarge { .. }
            | Self::UnsafeUri { .. }
            | Self::DurationWithoutUri { .. } => Severity::Loss,
            // A playlist that was written may list what nobody else knows of. An MP4 or a picture beside it
            // shows nothing that the slices do not; where slices were not asked for it is all there is.
            Self::ToldAbsent { key, beside } => {
                let is_list = key.as_str().to_ascii_lowercase().ends_with(".m3u8");
                match (is_list, beside) {
                    (true, _) | (false, Beside::Nothing) => Severity::Loss,
                    (false, Beside::Slices) => Severity::Warning,
                }
            }
            Self::UnlistedGap { ms, .. } => {
                if *ms >= NOTICED_MS {
                    Severity::Loss
                } else {
                    Severity::Warning
                }
            }
        }
    }

    /// A stable word for machines.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownName { .. } => "unknown-name",
            Self::UnsafeKey { .. } => "unsafe-key",
            Self::TransferChosen { .. } => "transfer-chosen",
            Self::OtherFolder { .. } => "other-folder",
            Self::Orphan { .. } => "orphan",
            Self::ListDenied { .. } => "list-denied",
            Self::FoundElsewhere { .. } => "found-elsewhere",
            Self::PartOfMirror { .. } => "part-of-mirror",
            Self::RegionFollowed { .. } => "region-followed",
            Self::NotSearched { .. } => "not-searched",
            Self::NoPlaylist { .. } => "no-playlist",
            Self::OtherChannel { .. } => "other-channel",
            Self::UnreadPlaylist { .. } => "unread-playlist",
            Self::NotAPlaylist { .. } => "not-a-playlist",
            Self::ListsNothing { .. } => "lists-nothing",
            Self::NotEnded { .. } => "not-ended",
            Self::CutOff { .. } => "cut-off",
            Self::TooLarge { .. } => "too-large",
            Self::UnsafeUri { .. } => "unsafe-uri",
            Self::DurationWithoutUri { .. } => "duration-without-uri",
            Self::UriWithoutDuration { .. } => "uri-without-duration",
            Self::ListedTwice { .. } => "listed-twice",
            Self::NotUtf8 { .. } => "not-utf8",
            Self::BadTag { .. } => "bad-tag",
            Self::ReadersDisagree { .. } => "readers-disagree",
            Self::Encrypted { .. } => "encrypted",
            Self::UnlistedGap { .. } => "unlisted-gap",
            Self::Overlap { .. } => "overlap",
            Self::FailoverGap { .. } => "failover-gap",
            Self::PlaysShort { .. } => "plays-short",
            Self::KeptOther { .. } => "kept-other",
            Self::ChangedSinceListing { .. } => "changed-since-listing",
            Self::ContinuityErrors { .. } => "continuity-errors",
            Self::TimestampsJump { .. } => "timestamps-jump",
            Self::SameBytes { .. } => "same-bytes",
            Self::ToldAbsent { .. } => "told-absent",
            Self::DeadReference { .. } => "dead-reference",
            Self::BadManifest { .. } => "bad-manifest",
            Self::MissingIndex { .. } => "missing-index",
            Self::LeftOut { .. } => "left-out",
            Self::NothingOf { .. } => "nothing-of",
            Self::ProbedGap { .. } => "probed-gap",
        }
    }
}
