//! A recording that was found, or why it was not.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Candidate;
use super::listing::Coverage;
use super::object::Proven;
use super::thawing::Unreadable;
use crate::domain::dash::Manifest;
use crate::domain::finding::Finding;
use crate::domain::key::{ObjectKey, ObjectName};
use crate::domain::locate::Recording;
use crate::domain::object::ObjectInfo;
use crate::domain::only::{LeftOut, Only};
use crate::domain::place::SourceName;
use crate::domain::plan::{Item, Plan};
use crate::domain::playlist::Playlist;
use crate::domain::recording::{ChannelName, RecordingId};
use crate::domain::report::{ObjectRole, Outcome, Try};
use crate::domain::verdict::Verdict;
use crate::source::{self, Listing};

/// How to look.
#[derive(Debug, Clone, Default)]
pub struct LocateQuery {
    /// The channel, where the user knows it. A store that cannot list needs it.
    pub channel: Option<ChannelName>,
    /// The playlist to use, where the user knows better than the rule.
    pub playlist: Option<ObjectKey>,
    /// Files that an answer or a callback of Agora's names: keys where they have a slash, else names in the folder.
    /// They are asked for where a store cannot list; one that is not there is a finding. They do not go over
    /// the choice between a playlist and its transferred copies, as `playlist` does.
    pub told: Vec<ObjectName>,
    /// How far to look.
    pub search: Search,
    /// What is asked for; everything by default.
    pub only: Only,
}

/// How far to look for a recording.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Search {
    /// In the folder of the store.
    #[default]
    Folder,
    /// In the whole bucket.
    Bucket,
}

/// A recording that was found, with its playlists read and everything planned.
pub struct Found {
    pub(super) candidate: Candidate,
    pub(super) recording: Recording,
    pub(super) playlists: Vec<FoundPlaylist>,
    pub(super) plan: Plan,
    pub(super) findings: Vec<Finding>,
    pub(super) only: Only,
    pub(super) left_out: LeftOut,
    pub(super) masters: usize,
    pub(super) manifests: Vec<Manifest>,
    pub(super) coverage: Coverage,
    /// What is known to be out of reach, and is not asked for.
    pub(super) unreadable: Unreadable,
}

/// A playlist of a recording.
pub(super) struct FoundPlaylist {
    pub(super) info: ObjectInfo,
    pub(super) verdict: Verdict,
    pub(super) bytes: Option<Proven>,
    pub(super) failed_tries: Vec<Try>,
    /// What it lists, where its segments are used.
    pub(super) text: Option<Arc<Playlist>>,
}

impl Found {
    /// The recording: its tracks and what was listed.
    #[must_use]
    pub fn recording(&self) -> &Recording {
        &self.recording
    }

    /// What is to be fetched.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// What was noticed so far.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// What was asked for.
    #[must_use]
    pub fn only(&self) -> &Only {
        &self.only
    }

    /// What is there and was not asked for.
    #[must_use]
    pub fn left_out(&self) -> LeftOut {
        self.left_out
    }

    /// The store that has it.
    #[must_use]
    pub fn from(&self) -> (&SourceName, String) {
        (self.candidate.store.source.name(), self.candidate.store.source.describe())
    }

    /// The playlists whose segments are fetched, with their size and the verdict on their own bytes.
    pub fn playlists(&self) -> impl Iterator<Item = (&ObjectKey, Option<u64>, &Verdict)> {
        self.playlists.iter().map(|p| (&p.info.key, p.info.size, &p.verdict))
    }

    /// The sum of the sizes that are known before fetching, playlists included.
    #[must_use]
    pub fn known_bytes(&self) -> u64 {
        let items = self.plan.items.iter().filter_map(|item| item.expected.size);
        items.sum::<u64>() + self.playlists.iter().filter_map(|p| p.info.size).sum::<u64>()
    }

    /// Segments that a playlist lists and the store's own listing does not. Empty where the store cannot list.
    pub fn unlisted(&self) -> impl Iterator<Item = &Item> {
        let can_list = self.candidate.store.source.capabilities().listing == Listing::Possible;
        let denied = self.findings.iter().any(|finding| matches!(finding, Finding::ListDenied { .. }));
        self.plan.items.iter().filter(move |item| {
            can_list && !denied && item.listed.is_none() && matches!(item.role, ObjectRole::Segment(_))
        })
    }

    /// How many segments the playlists list.
    #[must_use]
    pub fn segments(&self) -> usize {
        self.plan.tracks.iter().map(|track| track.segments.len()).sum()
    }
}

/// The chosen playlists as they were read, by key.
pub(super) type ReadPlaylists = BTreeMap<ObjectKey, Playlist>;

/// Why a recording was not found.
#[derive(Debug, thiserror::Error)]
pub enum LocateError {
    /// Every place that was asked is sure not to have it.
    #[error("recording {recording} was not found")]
    NotFound {
        /// The recording.
        recording: RecordingId,
        /// Where it was looked for.
        looked: Vec<Looked>,
    },
    /// A place could not be asked.
    #[error("could not look for recording {recording}")]
    Source {
        /// The recording.
        recording: RecordingId,
        /// Why not.
        #[source]
        cause: source::Error,
        /// Where else it was looked for.
        looked: Vec<Looked>,
    },
    /// Its playlist could not be had, and nothing else of it is known.
    #[error("could not read playlist `{key}`: {verdict}")]
    Playlist {
        /// The playlist.
        key: ObjectKey,
        /// What became of it.
        verdict: Verdict,
        /// What did not work.
        tries: Vec<Try>,
    },
    /// No store was given.
    #[error("no store was given to look in")]
    NoStore,
    /// The run was stopped.
    #[error("stopped while looking")]
    Interrupted,
}

impl LocateError {
    /// What this comes to, where it is like the end of a recording; `None` where it was not found.
    #[must_use]
    pub fn outcome(&self) -> Option<Outcome> {
        match self {
            Self::Playlist { verdict, .. } => Some(Outcome::of(verdict)),
            Self::Interrupted => Some(Outcome::Interrupted),
            Self::NotFound { .. } | Self::Source { .. } | Self::NoStore => None,
        }
    }
}

/// One place that was looked in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Looked {
    /// The store.
    pub from: SourceName,
    /// What it is.
    pub place: String,
    /// Where in it.
    pub within: String,
    /// Keys that the listing gave, or `None` where it cannot list.
    pub listed: Option<usize>,
    /// Whether the folder held anything at all; `None` where nobody looked.
    pub folder_is_empty: Option<bool>,
}
