//! Where an object is, by what each store said about it.

use std::collections::HashMap;

use super::Presence;
use super::gathered::{Gathered, Seen, Sighting};
use crate::domain::key::ObjectName;
use crate::domain::object::ObjectInfo;
use crate::domain::place::{Denial, Obstacle};
use crate::domain::plan::Item;

/// What each store said about each object.
pub(super) struct Sightings<'a> {
    gathered: &'a Gathered<'a>,
    items: HashMap<&'a ObjectName, &'a Item>,
}

/// All that is known about where one object is.
#[derive(Debug, Clone)]
pub(super) struct Where<'a> {
    pub(super) presence: Presence,
    /// What stands between it and whoever wants to read it.
    pub(super) obstacle: Option<Obstacle>,
    /// What the store says that it would be taken from.
    pub(super) info: Option<&'a ObjectInfo>,
    /// Every store that has it, as it tells.
    pub(super) copies: Vec<(usize, &'a ObjectInfo)>,
    /// Stores that refused or did not answer.
    pub(super) refused: Vec<(usize, &'a Obstacle)>,
}

impl<'a> Sightings<'a> {
    pub(super) fn of(gathered: &'a Gathered<'a>) -> Self {
        let items = gathered.plan.items.iter().map(|item| (&item.name, item)).collect();
        Self { gathered, items }
    }

    /// What was planned for an object.
    pub(super) fn item(&self, name: &ObjectName) -> Option<&'a Item> {
        self.items.get(name).copied()
    }

    /// Where an object is.
    pub(super) fn find(&self, name: &ObjectName) -> Where<'a> {
        let sightings = self.gathered.objects.get(name).map_or(&[][..], Vec::as_slice);
        // What the listing shows was seen.
        let listed = match sightings {
            [] => self.item(name).and_then(|item| item.listed.as_ref()),
            _ => None,
        };
        place(sightings, listed)
    }
}

fn place<'a>(sightings: &'a [Sighting], listed: Option<&'a ObjectInfo>) -> Where<'a> {
    let mut copies: Vec<(usize, &ObjectInfo)> = listed.map(|info| (0, info)).into_iter().collect();
    let (mut refused, mut frozen, mut sure) = (Vec::new(), None::<(usize, &Obstacle)>, false);
    for Sighting { store, seen } in sightings {
        match seen {
            Seen::There(info) => copies.push((*store, info)),
            Seen::Absent | Seen::Refused(Obstacle::Absent) => sure = true,
            // Who refuses because it is archived has it.
            Seen::Refused(obstacle @ Obstacle::Frozen { .. }) => {
                if frozen.is_none_or(|(first, _)| *store < first) {
                    frozen = Some((*store, obstacle));
                }
            }
            Seen::Refused(obstacle) => refused.push((*store, obstacle)),
        }
    }
    copies.sort_by_key(|(store, _)| *store);
    let whole = copies.iter().find(|(_, info)| info.size != Some(0)).copied();
    let (presence, obstacle, info) = match (whole, frozen) {
        // A copy that can be read is better than an archived one, wherever it lies.
        (Some((store, info)), archived) => match archived.filter(|(other, _)| *other < store) {
            Some((other, obstacle)) if is_frozen(info) => (at(other), Some(obstacle.clone()), Some(info)),
            Some(_) | None => (at(store), frozen_as(info), Some(info)),
        },
        (None, Some((store, obstacle))) => (at(store), Some(obstacle.clone()), None),
        (None, None) => {
            let is_empty = !copies.is_empty();
            // Everybody is asked about what the first store lacks.
            let is_sure = refused.is_empty() && (is_empty || sure);
            let presence = if is_sure { Presence::Lost } else { Presence::Unknown };
            let worst = refused.iter().rev().max_by_key(|(_, obstacle)| weight(obstacle));
            (presence, worst.map(|(_, obstacle)| (*obstacle).clone()), copies.first().map(|(_, info)| *info))
        }
    };
    Where { presence, obstacle, info, copies, refused }
}

fn at(store: usize) -> Presence {
    if store == 0 { Presence::Present } else { Presence::Elsewhere { store } }
}

/// Which of several refusals tells most: the same order as in a fetch.
fn weight(obstacle: &Obstacle) -> u8 {
    match obstacle {
        Obstacle::Frozen { .. } => 4,
        Obstacle::Denied(Denial::Anonymous) => 2,
        Obstacle::Denied(
            Denial::NotAllowed
            | Denial::UnknownKey
            | Denial::WrongSecret
            | Denial::Expired
            | Denial::ClockSkew,
        ) => 3,
        Obstacle::NoSuchBucket
        | Obstacle::WrongRegion { .. }
        | Obstacle::Untrusted
        | Obstacle::Changed
        | Obstacle::Corrupt
        | Obstacle::Throttled
        | Obstacle::Unreachable
        | Obstacle::Unsupported
        | Obstacle::Unexpected => 1,
        Obstacle::Absent => 0,
    }
}

fn frozen_as(info: &ObjectInfo) -> Option<Obstacle> {
    is_frozen(info).then(|| Obstacle::Frozen { class: info.class.clone() })
}

/// Whether an object has to be restored before it can be read, as far as its facts tell.
pub(super) fn is_frozen(info: &ObjectInfo) -> bool {
    info.is_frozen()
}
