//! Gathering what is known of a recording without fetching it.

mod lists;
mod media;
mod players;
mod sightings;
mod survey;
mod waiting;
mod walk;

use std::sync::Arc;

use super::located::{Found, LocateError, LocateQuery};
use super::locating::locate;
use super::target::Target;
use super::{Candidate, Context, Fetcher, time_of_day};
use crate::domain::check::{Check, Depth, Gathered, PlaylistSeen, StoreSeen, Told, check};
use crate::domain::key::KeyPrefix;
use sightings::{AskFallbacks, GivenUp};

pub use survey::{ListedRecording, Survey, SurveyError, Surveyed};
pub use waiting::WaitOptions;

/// How to check.
#[derive(Debug, Clone, Default)]
pub struct CheckOptions {
    /// How deep.
    pub depth: Depth,
    /// What Agora told.
    pub told: Told,
    /// The page whose players are asked for: `https://player.example`. Then it is asked as they would ask,
    /// without keys.
    pub players: Option<String>,
    /// Whether to look again, and for how long, until nothing is awaited that Agora Cloud Backup may still push.
    pub wait: Option<WaitOptions>,
}

/// A recording that was checked.
pub struct Checked {
    /// What is known about it.
    pub check: Check,
    /// The recording, ready to be fetched.
    pub found: Found,
}

impl Fetcher {
    /// Looks for a recording and tells what exists where, without reading media unless that is asked for.
    ///
    /// A store that lists is asked about single objects only where its listing says too little: nothing of their
    /// size, or that they are archived. A fallback that cannot list is asked about what the recording's own
    /// store lacks. What a store refuses is a part of the result.
    ///
    /// With [`CheckOptions::wait`] it looks again until nothing is awaited, and what it says is that of the last
    /// look; whoever then fetches [`Checked::found`] has what came meanwhile.
    ///
    /// # Errors
    /// As [`Fetcher::locate`].
    pub async fn check(
        &self,
        target: &Target,
        candidates: &[Candidate],
        query: &LocateQuery,
        options: &CheckOptions,
    ) -> Result<Checked, LocateError> {
        let context = &self.context;
        let checked = async {
            match options.wait {
                Some(wait) => waiting::wait(context, target, candidates, query, options, wait).await,
                None => once(context, target, candidates, query, options).await,
            }
        };
        tokio::select! {
            biased;
            () = context.cancel.cancelled() => Err(LocateError::Interrupted),
            checked = checked => checked,
        }
    }
}

async fn once(
    context: &Arc<Context>,
    target: &Target,
    candidates: &[Candidate],
    query: &LocateQuery,
    options: &CheckOptions,
) -> Result<Checked, LocateError> {
    let found = locate(context, target, candidates, query).await?;
    // Whoever names a playlist says by that where the recording lies.
    let is_named = query.playlist.is_some() || target.playlist().is_some();
    let expected = found.candidate.store.prefix.clone().filter(|_| !is_named);
    let given_up = GivenUp::default();
    Ok(checked(context, found, options, expected, AskFallbacks::Always, &given_up).await)
}

/// Gathers everything about a recording that was found, and reconciles it.
async fn checked(
    context: &Arc<Context>,
    found: Found,
    options: &CheckOptions,
    expected_folder: Option<KeyPrefix>,
    when: AskFallbacks,
    given_up: &GivenUp,
) -> Checked {
    let sightings = sightings::gather(context, &found, when, given_up).await;
    let playlists = lists::seen(context, &found);
    let players = match &options.players {
        Some(origin) => players::ask(context, &found, &playlists, &sightings, origin).await,
        None => Vec::new(),
    };
    let media =
        media::look_at_media(context, &found.candidate, &found.plan, &sightings.objects, options.depth).await;
    let gathered = Gathered {
        recording: &found.recording,
        plan: &found.plan,
        findings: &found.findings,
        playlists,
        manifests: &found.manifests,
        stores: sightings.stores,
        objects: sightings.objects,
        orphans_elsewhere: sightings.orphans,
        told: options.told.clone(),
        players,
        media,
        depth: options.depth,
        expected_folder,
        at: time_of_day(),
    };
    Checked { check: check(&gathered), found }
}

/// The lists of a recording as they were read.
pub(super) fn lists_seen(context: &Context, found: &Found) -> Vec<PlaylistSeen> {
    lists::seen(context, found)
}

/// The recording's own store, and what came of listing it.
pub(super) fn own_store_seen(found: &Found) -> StoreSeen {
    sightings::own_store(found, &GivenUp::default())
}

#[cfg(all(test, feature = "s3", feature = "oss"))]
mod tests;
