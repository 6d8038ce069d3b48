//! Segments and other files: absent, elsewhere, empty, of another length, archived, refused.

use std::collections::HashSet;

use super::diagnosis::{bytes, called, counted, listed};
use super::facts::Facts;
use super::sightings::{Where, is_frozen};
use super::{Diagnosis, Presence, Rule, Severity};
use crate::domain::finding::Finding;
use crate::domain::key::ObjectName;
use crate::domain::object::{ObjectInfo, Restore};
use crate::domain::place::{Denial, Obstacle, SourceName};
use crate::domain::plan::ItemPlace;
use crate::domain::playlist::Encryption;
use crate::domain::report::ObjectRole;

/// What is wrong with each object, each once: also where several segments are parts of one.
pub(super) fn diagnose(facts: &Facts<'_>) -> Vec<Diagnosis> {
    let mut diagnoses = Vec::new();
    let mut seen: HashSet<&ObjectName> = HashSet::new();
    let cut = cut_lines(facts);
    for (number, (track, places)) in facts.tracks.iter().zip(facts.places).enumerate() {
        for (place, (segment, found)) in track.segments.iter().zip(places).enumerate() {
            if !seen.insert(&segment.name)
                || is_refused(facts, &segment.name)
                || is_cut(facts, &cut, number, place)
            {
                continue;
            }
            let about = |diagnosis: Diagnosis| diagnosis.of_segment(facts, (number, place));
            let listed = facts.gathered.plan.tracks.get(number).and_then(|plan| plan.segments.get(place));
            let clear = listed.is_none_or(|segment| segment.listed.encryption == Encryption::Clear);
            // What has a URL of its own is where its playlist says.
            let placed =
                matches!(found.presence, Presence::Elsewhere { .. }) && has_url(facts, &segment.name);
            if !placed {
                diagnoses.extend(where_it_is(facts, &segment.name, found, "is listed and").map(about));
            }
            diagnoses.extend(archived(facts, &segment.name, found).into_iter().map(about));
            diagnoses.extend(empty_copy(facts, &segment.name, found).map(about));
            diagnoses.extend(sizes(facts, &segment.name, found, clear).into_iter().map(about));
        }
    }
    diagnoses.extend(others(facts, &mut seen));
    diagnoses
}

/// The last lines of playlists that break off there.
fn cut_lines(facts: &Facts<'_>) -> HashSet<usize> {
    let cut = facts.gathered.findings.iter().filter_map(|finding| {
        let Finding::CutOff { line, .. } = finding else { return None };
        Some(*line)
    });
    cut.collect()
}

/// Whether a segment is what is left of a name where its playlist breaks off; that the playlist does is told.
fn is_cut(facts: &Facts<'_>, cut: &HashSet<usize>, track: usize, place: usize) -> bool {
    let plan = facts.gathered.plan.tracks.get(track).and_then(|plan| plan.segments.get(place));
    plan.is_some_and(|segment| segment.starts.is_none() && cut.contains(&segment.listed.line))
}

/// Files beside the segments: MP4 and sound files, pictures, and what segments need before they play.
fn others<'a>(facts: &Facts<'a>, seen: &mut HashSet<&'a ObjectName>) -> Vec<Diagnosis> {
    let mut diagnoses = Vec::new();
    for item in &facts.gathered.plan.items {
        let ItemPlace::Key(key) = &item.place else { continue };
        if item.role != ObjectRole::Other || !seen.insert(&item.name) {
            continue;
        }
        let found = facts.sightings.find(&item.name);
        let about = |diagnosis: Diagnosis| diagnosis.of_object(called(key, facts.folder())).from(item.starts);
        diagnoses.extend(where_it_is(facts, &item.name, &found, "is needed and").map(about));
        diagnoses.extend(archived(facts, &item.name, &found).into_iter().map(about));
        diagnoses.extend(sizes(facts, &item.name, &found, true).into_iter().map(about));
    }
    diagnoses
}

/// Whether the name of a segment is one that is never asked for; the playlist's rule says so.
fn is_refused(facts: &Facts<'_>, name: &ObjectName) -> bool {
    facts.sightings.item(name).is_some_and(|item| item.place == ItemPlace::Refused)
}

fn has_url(facts: &Facts<'_>, name: &ObjectName) -> bool {
    facts.sightings.item(name).is_some_and(|item| matches!(item.place, ItemPlace::Url(_)))
}

fn where_it_is(facts: &Facts<'_>, name: &ObjectName, found: &Where<'_>, why: &str) -> Option<Diagnosis> {
    let own = facts.store(0);
    let empty = found.copies.iter().find(|(_, info)| info.size == Some(0)).map(|(store, _)| *store);
    match found.presence {
        Presence::Present => None,
        Presence::Elsewhere { store } => {
            let from = facts.store(store);
            let here = match (empty, found.refused.iter().find(|(store, _)| *store == 0)) {
                (Some(0), _) => "has no bytes".to_owned(),
                (_, Some((_, obstacle))) => format!("could not be had ({obstacle})"),
                (_, None) => "is absent".to_owned(),
            };
            let (own, from_name) = (said(own), said(from));
            Some(
                Diagnosis::new(
                    Rule::SegmentElsewhere,
                    format!("`{name}` {here} in {own} and is in {from_name}"),
                )
                .in_store(from)
                .expected(format!("in {own}"))
                .found(format!("in {from_name}")),
            )
        }
        _ if empty.is_some() => {
            let store = empty.and_then(|store| facts.store(store));
            let text = format!("`{name}` has no bytes in {} and is whole in no other store", said(store));
            Some(Diagnosis::new(Rule::SegmentEmpty, text).in_store(store).expected("media").found(bytes(0)))
        }
        Presence::Unknown => unread(facts, name, found),
        Presence::Lost | Presence::Unlisted | Presence::NeverRecorded => {
            let stores = listed(&facts.all_stores());
            Some(
                Diagnosis::new(Rule::SegmentAbsent, format!("`{name}` {why} absent in {stores}"))
                    .expected(format!("in {stores}"))
                    .found("absent".to_owned()),
            )
        }
    }
}

/// Where a key may not read in the recording's own store, that is told once for all.
fn unread(facts: &Facts<'_>, name: &ObjectName, found: &Where<'_>) -> Option<Diagnosis> {
    let of_own = found.refused.iter().find(|(store, _)| *store == 0);
    if matches!(of_own, Some((_, Obstacle::Denied(Denial::NotAllowed)))) {
        return None;
    }
    let worst = found.obstacle.as_ref();
    let store = found.refused.iter().find(|(_, obstacle)| Some(*obstacle) == worst);
    let store = store.and_then(|(store, _)| facts.store(*store));
    let text = match (store, worst) {
        (Some(store), Some(obstacle)) => {
            format!("nobody could say whether `{name}` is there: {store} answered `{obstacle}`")
        }
        _ => format!("nobody was asked whether `{name}` is there"),
    };
    let found = worst.map_or_else(|| "not asked".to_owned(), ToString::to_string);
    Some(Diagnosis::new(Rule::SegmentUnread, text).in_store(store).expected("there or absent").found(found))
}

/// A copy without a byte of what another store has whole.
fn empty_copy(facts: &Facts<'_>, name: &ObjectName, found: &Where<'_>) -> Option<Diagnosis> {
    let Presence::Elsewhere { .. } = found.presence else { return None };
    let (store, _) = found.copies.iter().find(|(_, info)| info.size == Some(0))?;
    let store = facts.store(*store);
    Some(
        Diagnosis::new(Rule::SegmentEmpty, format!("`{name}` has no bytes in {}", said(store)))
            .weighing(Severity::Warning)
            .in_store(store)
            .expected("media")
            .found(bytes(0)),
    )
}

fn archived(facts: &Facts<'_>, name: &ObjectName, found: &Where<'_>) -> Vec<Diagnosis> {
    let store = match found.presence {
        Presence::Present => facts.store(0),
        Presence::Elsewhere { store } => facts.store(store),
        Presence::Lost | Presence::Unlisted | Presence::NeverRecorded | Presence::Unknown => {
            return Vec::new();
        }
    };
    let class = |info: Option<&ObjectInfo>| match info.and_then(|info| info.class.as_deref()) {
        Some(class) => format!("archived as {class}"),
        None => "archived".to_owned(),
    };
    let mut diagnoses = Vec::new();
    let state = if let Some(Obstacle::Frozen { class: named }) = &found.obstacle {
        Some(named.as_ref().map_or_else(|| class(found.info), |class| format!("archived as {class}")))
    } else {
        found.info.is_some_and(is_frozen).then(|| class(found.info))
    };
    if let Some(state) = state {
        let text = format!("`{name}` is {state} in {} and has to be restored first", said(store));
        diagnoses.push(Diagnosis::new(Rule::SegmentFrozen, text).expected("readable").found(state));
    }
    match found.info.and_then(|info| info.restore) {
        Some(Restore::Restored { until }) => {
            let end = until.map_or_else(String::new, |until| format!(" until {until}"));
            let text = format!("`{name}` is restored from the archive{end}");
            diagnoses.push(Diagnosis::new(Rule::RestoreUnderWay, text).found(format!("restored{end}")));
        }
        Some(Restore::UnderWay) => {
            let text = format!("`{name}` is being restored from the archive");
            diagnoses.push(Diagnosis::new(Rule::RestoreUnderWay, text).found("being restored"));
        }
        None => {}
    }
    diagnoses.into_iter().map(|diagnosis| diagnosis.in_store(store)).collect()
}

fn sizes(facts: &Facts<'_>, name: &ObjectName, found: &Where<'_>, clear: bool) -> Vec<Diagnosis> {
    let mut diagnoses = Vec::new();
    let whole = found.copies.iter().filter_map(|(store, info)| Some((*store, info.size.filter(|n| *n > 0)?)));
    let mut whole = whole.collect::<Vec<_>>().into_iter();
    let Some((first, size)) = whole.next() else { return diagnoses };
    if let Some((other, differs)) = whole.find(|(_, other)| *other != size) {
        let (here, there) = (said(facts.store(first)), said(facts.store(other)));
        let text = format!("`{name}` has {} in {here} and {} in {there}", bytes(size), bytes(differs));
        diagnoses.push(
            Diagnosis::new(Rule::SizeDiffers, text)
                .in_store(facts.store(other))
                .expected(bytes(size))
                .found(bytes(differs)),
        );
    }
    let is_stream = name.as_str().rsplit('.').next().is_some_and(|end| end.eq_ignore_ascii_case("ts"));
    if is_stream && clear && size % 188 != 0 {
        let text = format!("`{name}` has {}, which is no multiple of 188", bytes(size));
        diagnoses.push(
            Diagnosis::new(Rule::NotPackets, text)
                .in_store(facts.store(first))
                .expected("whole packets of 188 bytes")
                .found(format!("{} and a rest of {}", counted(size / 188, "packet"), bytes(size % 188))),
        );
    }
    diagnoses
}

/// The name of a store in a sentence.
pub(super) fn said(store: Option<&SourceName>) -> String {
    store.map_or_else(|| "the store".to_owned(), ToString::to_string)
}
