//! Stores that refuse, do not answer, or are not where the settings say.

use std::collections::BTreeMap;

use super::diagnosis::{called, counted};
use super::facts::Facts;
use super::gathered::{Listed, PlaylistText, Seen};
use super::{Diagnosis, Rule, Severity};
use crate::domain::finding::Finding;
use crate::domain::place::{Denial, Obstacle, SourceName};

/// What was asked of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Listing,
    Object,
}

/// What one store refused by one rule.
struct Refused<'a> {
    obstacle: &'a Obstacle,
    /// What kind of request was refused first.
    asked: Asked,
    /// Objects that were refused: how many, and the first of them.
    objects: u64,
    first: Option<String>,
}

/// What is wrong with the stores: each thing once for each of them.
pub(super) fn diagnose(facts: &Facts<'_>) -> Vec<Diagnosis> {
    let mut refused: BTreeMap<(&SourceName, Rule), Refused<'_>> = BTreeMap::new();
    for store in &facts.gathered.stores {
        if let Listed::Failed(obstacle) = &store.listed {
            refuse(&mut refused, &store.name, obstacle, Asked::Listing, None);
        }
    }
    for finding in facts.gathered.findings {
        if let Finding::NotSearched { from, why } = finding {
            refuse(&mut refused, from, why, Asked::Listing, None);
        } else if let Finding::ListDenied { from } = finding {
            refuse(&mut refused, from, &Obstacle::Denied(Denial::NotAllowed), Asked::Listing, None);
        }
    }
    for seen in &facts.gathered.playlists {
        if let (PlaylistText::Refused(obstacle), Some(store)) = (&seen.text, facts.store(0)) {
            refuse(
                &mut refused,
                store,
                obstacle,
                Asked::Object,
                Some(called(&seen.info.key, facts.folder())),
            );
        }
    }
    for (name, sightings) in &facts.gathered.objects {
        for sighting in sightings {
            if let (Seen::Refused(obstacle), Some(store)) = (&sighting.seen, facts.store(sighting.store)) {
                refuse(&mut refused, store, obstacle, Asked::Object, Some(name.to_string()));
            }
        }
    }
    let own = facts.store(0);
    let mut diagnoses: Vec<_> =
        refused.into_iter().map(|((store, rule), refused)| diagnosis(store, rule, &refused, own)).collect();
    diagnoses.extend(moved(facts));
    diagnoses
}

fn refuse<'a>(
    all: &mut BTreeMap<(&'a SourceName, Rule), Refused<'a>>,
    store: &'a SourceName,
    obstacle: &'a Obstacle,
    asked: Asked,
    object: Option<String>,
) {
    let Some(rule) = rule_of(obstacle, asked) else { return };
    let refused = all.entry((store, rule)).or_insert(Refused { obstacle, asked, objects: 0, first: None });
    refused.objects += u64::from(object.is_some());
    refused.first = refused.first.take().or(object);
}

/// The rule that an answer breaks; `None` where it is about the object and not about the store.
fn rule_of(obstacle: &Obstacle, asked: Asked) -> Option<Rule> {
    Some(match obstacle {
        Obstacle::Absent | Obstacle::Frozen { .. } | Obstacle::Changed | Obstacle::Corrupt => return None,
        Obstacle::NoSuchBucket => Rule::NoSuchBucket,
        Obstacle::WrongRegion { .. } => Rule::WrongRegion,
        Obstacle::Denied(Denial::NotAllowed) => match asked {
            Asked::Listing => Rule::ListDenied,
            Asked::Object => Rule::ReadDenied,
        },
        Obstacle::Denied(Denial::Anonymous) => Rule::AnonymousRefused,
        Obstacle::Denied(Denial::UnknownKey | Denial::WrongSecret) => Rule::KeyWrong,
        Obstacle::Denied(Denial::Expired) => Rule::KeyExpired,
        Obstacle::Denied(Denial::ClockSkew) => Rule::ClockSkew,
        Obstacle::Throttled | Obstacle::Unreachable => Rule::StoreUnreachable,
        Obstacle::Untrusted | Obstacle::Unsupported | Obstacle::Unexpected => Rule::NotSearched,
    })
}

fn diagnosis(store: &SourceName, rule: Rule, refused: &Refused<'_>, own: Option<&SourceName>) -> Diagnosis {
    let obstacle = refused.obstacle;
    let what = match (&refused.first, refused.objects) {
        (Some(first), 1) => format!("`{first}`"),
        (Some(first), objects) => format!("`{first}` and {}", counted(objects - 1, "other object")),
        (None, _) => "the listing".to_owned(),
    };
    let (text, expected) = match (obstacle, refused.asked) {
        (Obstacle::Denied(Denial::NotAllowed), Asked::Listing) => {
            (format!("{store} refuses to list: what no playlist names cannot be seen"), "a key that may list")
        }
        (Obstacle::Denied(Denial::NotAllowed), Asked::Object) => {
            (format!("{store} refuses to read {what}: the key may not"), "a key that may read")
        }
        (_, Asked::Listing) => (format!("{store} could not be searched: {obstacle}"), "an answer"),
        (_, Asked::Object) => (format!("{store} did not serve {what}: {obstacle}"), "an answer"),
    };
    // What a fallback refuses is missed only where nobody else has it, and then that is told.
    let is_loss = rule == Rule::ReadDenied && own == Some(store);
    let severity = if is_loss { Severity::Loss } else { Severity::Warning };

    Diagnosis::new(rule, text)
        .weighing(severity)
        .in_store(Some(store))
        .expected(expected)
        .found(obstacle.to_string())
}

/// Regions and folders that are others than the settings say.
fn moved(facts: &Facts<'_>) -> Vec<Diagnosis> {
    let mut diagnoses = Vec::new();
    for finding in facts.gathered.findings {
        if let Finding::RegionFollowed { from, region } = finding {
            diagnoses.push(
                Diagnosis::new(Rule::WrongRegion, finding.to_string())
                    .in_store(Some(from))
                    .expected("the region of the settings")
                    .found(region.as_str()),
            );
        }
    }
    let folder = facts.folder();
    let expected = facts.gathered.expected_folder.as_ref();
    if let Some(expected) = expected.filter(|expected| !folder.as_str().starts_with(expected.as_str())) {
        let text = format!("the recording lies in {folder}, and the settings say {expected}");
        diagnoses.push(
            Diagnosis::new(Rule::WrongPrefix, text)
                .in_store(facts.store(0))
                .expected(expected.to_string())
                .found(folder.to_string()),
        );
    }
    diagnoses
}
