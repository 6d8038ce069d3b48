//! What was gathered about a recording, before anything is made of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::told::Told;
use crate::domain::dash::Manifest;
use crate::domain::finding::Finding;
use crate::domain::key::{KeyPrefix, ObjectName};
use crate::domain::locate::Recording;
use crate::domain::object::ObjectInfo;
use crate::domain::place::{Obstacle, SourceName};
use crate::domain::plan::Plan;
use crate::domain::playlist::Playlist;
use crate::domain::recording::TrackId;
use crate::domain::time::SliceTime;
use crate::domain::verdict::{Corruption, Evidence, Structure};

/// Everything that was gathered.
#[derive(Debug, Clone)]
pub struct Gathered<'a> {
    /// The recording as its own store lists it.
    pub recording: &'a Recording,
    /// What its playlists make of it.
    pub plan: &'a Plan,
    /// What was noticed while it was looked for and read.
    pub findings: &'a [Finding],
    /// All lists: those that were chosen and their twins.
    pub playlists: Vec<PlaylistSeen>,
    /// The DASH manifests.
    pub manifests: &'a [Manifest],
    /// The places that were asked: the recording's own first, then the fallbacks, then hosts that playlists name
    /// by themselves.
    pub stores: Vec<StoreSeen>,
    /// What each store said about each object of the plan and each playlist, by its name in the archive. A store
    /// that was not asked about an object has no sighting there.
    pub objects: BTreeMap<ObjectName, Vec<Sighting>>,
    /// Slices that only a fallback lists and no playlist names, with the place of the store.
    pub orphans_elsewhere: Vec<(usize, ObjectInfo)>,
    /// What Agora told.
    pub told: Told,
    /// What players would meet, where that was asked.
    pub players: Vec<PlayerAnswer>,
    /// What the bytes tell, where they were read.
    pub media: BTreeMap<ObjectName, MediaSeen>,
    /// How deep was looked.
    pub depth: Depth,
    /// The folder below which the settings say that it lies, where they say so and it was looked for elsewhere too.
    pub expected_folder: Option<KeyPrefix>,
    /// When.
    pub at: SliceTime,
}

/// How deep a check looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Depth {
    /// Listings, facts about objects, and playlists.
    #[default]
    Listed,
    /// The first 64 KiB of each segment besides.
    First,
    /// All bytes.
    Whole,
}

/// A place that was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreSeen {
    /// Its name.
    pub name: SourceName,
    /// What it is, for people.
    pub place: String,
    /// What it is to the recording.
    pub role: StoreRole,
    /// What came of listing it.
    pub listed: Listed,
}

/// What a store is to a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreRole {
    /// It has the recording.
    Own,
    /// It is asked for what is missing.
    Fallback,
}

/// What came of listing a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listed {
    /// It lists so many objects of the recording.
    Objects(usize),
    /// It cannot list: names are asked for one by one.
    ByName,
    /// It did not let itself be listed.
    Failed(Obstacle),
}

/// What one store said about one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// The place of the store in [`Gathered::stores`].
    pub store: usize,
    /// What it said.
    pub seen: Seen,
}

/// What a store said about an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// It is there.
    There(ObjectInfo),
    /// It is sure not to have it.
    Absent,
    /// It did not say.
    Refused(Obstacle),
}

/// A playlist, master or manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaylistSeen {
    /// What the store says about it.
    pub info: ObjectInfo,
    /// Whose it is, where its name tells.
    pub track: Option<TrackId>,
    /// The number of the failover; `None` for the base.
    pub failover: Option<u8>,
    /// Which of the versions.
    pub version: Version,
    /// What it holds.
    pub text: PlaylistText,
}

/// Which version of a playlist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// The one whose segments are used.
    Chosen,
    /// Another one that is kept as a file.
    Twin,
}

/// What a playlist holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlaylistText {
    /// It was read.
    Read(Arc<Playlist>),
    /// It is a DASH manifest.
    Manifest,
    /// No store has it.
    Absent,
    /// It could not be read.
    Refused(Obstacle),
    /// What came is none.
    Wrong(Corruption),
}

/// What a player without keys would meet at an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlayerAnswer {
    /// The object.
    pub name: ObjectName,
    /// What came of asking for a part of it without keys.
    pub answer: Answer,
    /// `Content-Type`, where the answer has one.
    pub content_type: Option<String>,
    /// `Access-Control-Allow-Origin`, where the answer has one.
    pub allows_origin: Option<String>,
    /// The page that was asked for: `https://player.example`.
    pub origin: String,
}

/// What came of asking for a part of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The part.
    Part,
    /// The whole object: ranges are not served.
    Whole,
    /// Nothing.
    Refused(Obstacle),
}

/// What the bytes of an object tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaSeen {
    /// The place that they came from, or that would not give them.
    pub from: SourceName,
    /// What stood in the way of reading them; then nothing else is known.
    pub unread: Option<Obstacle>,
    /// What all of them are proven by. `None` where they are wrong, and where not all were read.
    pub evidence: Option<Evidence>,
    /// Whether the place that they came from vouches for exactly these bytes as the object that it lists, by a
    /// digest. Of the first bytes alone nobody can tell whether the digest fits: then this says whether it
    /// publishes one.
    pub vouched_for: bool,
    /// The SHA-256 of all of them.
    pub sha256: Option<[u8; 32]>,
    /// Another place that has the object whole, where these bytes are wrong.
    pub whole_in: Option<SourceName>,
    /// Its structure.
    pub structure: Structure,
    /// What is wrong with it by itself: structure, length, digest.
    pub wrong: Option<Corruption>,
    /// Whether the first picture can be shown without any before it, and the parameter sets that a decoder needs
    /// come first; `None` where there is none or nobody knows.
    pub starts_with_key_frame: Option<bool>,
    /// Pictures that start in it; only where all bytes were read.
    pub frames: Option<u64>,
    /// Whether its sound is nothing but silence, as far as its coding shows; only where all bytes were read.
    pub silent: Option<bool>,
    /// Whether it was read to its end.
    pub read: Depth,
}

impl MediaSeen {
    /// Bytes of this structure from a place, of which nothing else is known.
    #[must_use]
    pub fn new(from: SourceName, structure: Structure, read: Depth) -> Self {
        Self {
            from,
            unread: None,
            evidence: None,
            vouched_for: false,
            sha256: None,
            whole_in: None,
            structure,
            wrong: None,
            starts_with_key_frame: None,
            frames: None,
            silent: None,
            read,
        }
    }
}
