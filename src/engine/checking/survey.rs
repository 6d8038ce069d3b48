//! Every recording of a store, from one pass over its listing.

use std::fmt;
use std::sync::Arc;

use futures_util::stream::{self, StreamExt as _};

use super::super::listing::Coverage;
use super::super::located::{LocateError, LocateQuery, Search};
use super::super::locating::{Look, Unread, read};
use super::super::{Candidate, Context, Fetcher};
use super::sightings::{AskFallbacks, GivenUp};
use super::walk::{Group, Tally, Walk};
use super::{CheckOptions, Checked, checked};
use crate::domain::filename::{FileName, Role};
use crate::domain::finding::Finding;
use crate::domain::key::KeyPrefix;
use crate::domain::locate::{self, choose, list_prefixes};
use crate::domain::object::ObjectInfo;
use crate::domain::place::SourceName;
use crate::domain::recording::RecordingId;
use crate::domain::time::SliceTime;
use crate::source::{self, Listing};

/// What a pass over a store came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Survey {
    /// Recordings that were found.
    pub recordings: u64,
    /// Objects that belong to them.
    pub objects: u64,
    /// Objects that belong to no recording.
    pub others: u64,
}

/// One recording of a survey.
pub struct Surveyed {
    /// The recording.
    pub recording: RecordingId,
    /// The folder that it lies in. One that lies in several comes once for each.
    pub folder: KeyPrefix,
    /// What is known about it, or why its lists could not be read.
    pub checked: Result<Checked, LocateError>,
}

/// Why a survey ended before its time.
#[derive(Debug, thiserror::Error)]
pub enum SurveyError {
    /// The store cannot list.
    #[error("{from} cannot list what it has")]
    CannotList {
        /// The store.
        from: SourceName,
    },
    /// The store could not be listed to its end.
    #[error("could not list {from}")]
    Source {
        /// The store.
        from: SourceName,
        /// Why not.
        #[source]
        cause: source::Error,
    },
    /// The store does not list by key in the order of bytes, so that nobody knows where a recording ends.
    #[error("{from} does not list in order: `{after}` comes after `{before}`")]
    Unsorted {
        /// The store.
        from: SourceName,
        /// A key.
        before: String,
        /// The one after it, which should have come earlier.
        after: String,
    },
    /// The run was stopped.
    #[error("stopped while looking")]
    Interrupted,
}

impl Fetcher {
    /// Checks every recording of a store from one pass over its listing, and hands each to `each`: in the order of
    /// the listing, and those of which only failovers are there at the end of their folder. Memory is bounded by the recordings that are being checked at a time
    /// ([`FetchOptions::jobs`](super::super::FetchOptions::jobs)) and one page of the listing.
    ///
    /// A group of files is a recording where its ID is 32 hexadecimal digits, or a slice is among them. Of a query
    /// what counts is how far to look, the channel and the forms; of the options, what Agora told and how long to
    /// wait are left out, as they are about one recording. Fallbacks are asked about recordings that lack something.
    ///
    /// # Errors
    /// Where the store cannot be listed to its end. What was handed out until then stands.
    pub async fn survey(
        &self,
        candidate: &Candidate,
        query: &LocateQuery,
        options: &CheckOptions,
        each: impl AsyncFnMut(Surveyed),
    ) -> Result<Survey, SurveyError> {
        let context = &self.context;
        tokio::select! {
            biased;
            () = context.cancel.cancelled() => Err(SurveyError::Interrupted),
            survey = survey(context, candidate, query, options, each) => survey,
        }
    }
}

async fn survey(
    context: &Arc<Context>,
    candidate: &Candidate,
    query: &LocateQuery,
    options: &CheckOptions,
    mut each: impl AsyncFnMut(Surveyed),
) -> Result<Survey, SurveyError> {
    let source = &*candidate.store.source;
    if source.capabilities().listing == Listing::Impossible {
        return Err(SurveyError::CannotList { from: source.name().clone() });
    }
    let below = match query.search {
        Search::Folder => candidate.store.prefix.clone().unwrap_or_default(),
        Search::Bucket => KeyPrefix::root(),
    };
    let query =
        LocateQuery { channel: query.channel.clone(), only: query.only.clone(), ..LocateQuery::default() };
    let depth = options.depth;
    let options = CheckOptions { depth, players: options.players.clone(), ..CheckOptions::default() };
    let (given_up, tally) = (GivenUp::default(), Tally::default());
    let walk = Walk::new(context, source, &below, &tally);
    let groups = stream::unfold(Some(walk), |walk| async {
        let mut walk = walk?;
        match walk.next().await {
            Ok(Some(group)) => Some((Ok(group), Some(walk))),
            Ok(None) => None,
            Err(error) => Some((Err(error), None)),
        }
    });
    let checks =
        groups.map(|group| async { Ok(one(context, candidate, &query, &options, &given_up, group?).await) });
    let mut checks = std::pin::pin!(checks.buffered(context.options.jobs.max(1)));
    while let Some(surveyed) = checks.next().await {
        each(surveyed?).await;
    }
    Ok(tally.survey())
}

/// One recording of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedRecording {
    /// The recording.
    pub recording: RecordingId,
    /// The folder that it lies in. One that lies in several comes once for each.
    pub folder: KeyPrefix,
    /// When its first slice starts, by its name; where no name tells, when its first object was stored.
    pub since: Option<SliceTime>,
}

impl Fetcher {
    /// Hands every recording of a store to `each` from one pass over its listing, and asks nothing else. What is a
    /// recording is as in [`survey`](Self::survey).
    ///
    /// # Errors
    /// Where the store cannot be listed to its end. What was handed out until then stands.
    pub async fn recordings(
        &self,
        candidate: &Candidate,
        search: Search,
        mut each: impl FnMut(ListedRecording),
    ) -> Result<Survey, SurveyError> {
        let context = &self.context;
        let source = &*candidate.store.source;
        if source.capabilities().listing == Listing::Impossible {
            return Err(SurveyError::CannotList { from: source.name().clone() });
        }
        let below = match search {
            Search::Folder => candidate.store.prefix.clone().unwrap_or_default(),
            Search::Bucket => KeyPrefix::root(),
        };
        let tally = Tally::default();
        let mut walk = Walk::new(context, source, &below, &tally);
        loop {
            let group = tokio::select! {
                biased;
                () = context.cancel.cancelled() => return Err(SurveyError::Interrupted),
                group = walk.next() => group?,
            };
            let Some(Group { id: recording, folder, objects, .. }) = group else { return Ok(tally.survey()) };
            let name = |info: &ObjectInfo| FileName::parse(info.key.file_name().as_str(), Some(&recording));
            let starts = |info: &ObjectInfo| match name(info)?.role {
                Role::Slice { starts, .. } => Some(starts),
                Role::Playlist { .. }
                | Role::DashManifest { .. }
                | Role::Video { .. }
                | Role::Audio { .. }
                | Role::Snapshot { .. } => None,
            };
            let starts = objects.iter().filter_map(starts).min();
            let since = starts.or_else(|| objects.iter().filter_map(|info| info.modified).min());
            each(ListedRecording { recording, folder, since });
        }
    }
}

async fn one(
    context: &Arc<Context>,
    candidate: &Candidate,
    query: &LocateQuery,
    options: &CheckOptions,
    given_up: &GivenUp,
    group: Group,
) -> Surveyed {
    let Group { id: recording, folder, objects, unsafe_keys } = group;
    let mut findings: Vec<_> =
        unsafe_keys.into_iter().map(|(text, why)| Finding::UnsafeKey { text, why }).collect();
    let coverage = Coverage::Starts { prefixes: list_prefixes(&folder, &recording), objects: objects.len() };
    let chosen = locate::Query { channel: query.channel.clone(), playlist: None };
    let (found, more) = choose(&recording, objects, &chosen);
    findings.extend(more);
    let not_found = |looked| LocateError::NotFound { recording: recording.clone(), looked };
    let found = match found {
        Some(found) => {
            let look = Look { recording: found, findings, coverage };
            read(context, candidate.clone(), look, query).await.map_err(|unread| match unread {
                Unread::Absent(looked) => not_found(vec![looked]),
                Unread::Playlist(error) => error,
            })
        }
        None => Err(not_found(Vec::new())),
    };
    let checked = match found {
        Ok(found) => {
            Ok(checked(context, found, options, None, AskFallbacks::ForWhatIsLacking, given_up).await)
        }
        Err(error) => Err(error),
    };
    Surveyed { recording, folder, checked }
}

impl fmt::Debug for Surveyed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let checked = self.checked.as_ref().map(|checked| &checked.check);
        f.debug_struct("Surveyed")
            .field("recording", &self.recording)
            .field("folder", &self.folder)
            .field("checked", &checked)
            .finish()
    }
}
