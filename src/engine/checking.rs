//! Gathering what is known of a recording without fetching it.

use std::collections::BTreeMap;

use super::located::{Found, LocateError, LocateQuery};
use super::target::Target;
use super::{Candidate, Fetcher, time_of_day};
use crate::domain::check::{
    Check, Depth, Gathered, Listed, Seen, Sighting, StoreRole, StoreSeen, Told, check,
};

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
    /// # Errors
    /// As [`Fetcher::locate`].
    pub async fn check(
        &self,
        target: &Target,
        candidates: &[Candidate],
        query: &LocateQuery,
        options: &CheckOptions,
    ) -> Result<Checked, LocateError> {
        let found = self.locate(target, candidates, query).await?;
        let (name, place) = found.from();
        let own = StoreSeen {
            name: name.clone(),
            place,
            role: StoreRole::Own,
            listed: Listed::Objects(found.recording.slices.len()),
        };
        let mut objects: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for item in &found.plan.items {
            let seen = item.listed.clone().map_or(Seen::Absent, Seen::There);
            objects.entry(item.name.clone()).or_default().push(Sighting { store: 0, seen });
        }
        let gathered = Gathered {
            recording: &found.recording,
            plan: &found.plan,
            findings: &found.findings,
            playlists: Vec::new(),
            manifests: &[],
            stores: vec![own],
            objects,
            orphans_elsewhere: Vec::new(),
            told: options.told.clone(),
            players: Vec::new(),
            media: BTreeMap::new(),
            depth: options.depth,
            expected_folder: None,
            at: time_of_day(),
        };
        Ok(Checked { check: check(&gathered), found })
    }
}
