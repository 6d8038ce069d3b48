//! As what files are served, and what players without keys meet.

use std::collections::BTreeSet;

use super::diagnosis::called;
use super::facts::Facts;
use super::gathered::{Answer, PlayerAnswer};
use super::{Diagnosis, Rule};
use crate::domain::place::{Denial, Obstacle};

/// By which types players know what a file is, by the end of its name. Those of playlists are from RFC 8216
/// section 4 and older players; those of media are what Agora tells its customers to set.
const TYPES: &[(&str, &[&str])] = &[
    ("m3u8", &["application/vnd.apple.mpegurl", "application/x-mpegurl", "audio/mpegurl", "audio/x-mpegurl"]),
    ("ts", &["video/mp2t"]),
    ("webm", &["video/webm", "audio/webm"]),
    ("mpd", &["application/dash+xml"]),
    ("mp4", &["video/mp4", "audio/mp4"]),
    ("m4a", &["audio/mp4", "audio/m4a", "audio/x-m4a"]),
    ("mp3", &["audio/mpeg", "audio/mp3"]),
    ("aac", &["audio/aac", "audio/aacp", "audio/x-aac"]),
    ("jpg", &["image/jpeg", "image/jpg"]),
];

/// What is wrong with how files are served.
pub(super) fn diagnose(facts: &Facts<'_>) -> Vec<Diagnosis> {
    let mut diagnoses = Vec::new();
    let mut told: BTreeSet<String> = BTreeSet::new();
    let store = facts.store(0);
    for seen in &facts.gathered.playlists {
        let name = called(&seen.info.key, facts.folder());
        let diagnosis = seen.info.content_type.as_deref().and_then(|found| wrong_type(&name, Some(found)));
        if let Some(diagnosis) = diagnosis {
            diagnoses.push(diagnosis.in_store(store));
            told.insert(name);
        }
    }
    for (number, (track, places)) in facts.tracks.iter().zip(facts.places).enumerate() {
        for (place, (segment, found)) in track.segments.iter().zip(places).enumerate() {
            let own = found.copies.iter().find(|(store, _)| *store == 0);
            let Some(kind) = own.and_then(|(_, info)| info.content_type.as_deref()) else { continue };
            if let Some(diagnosis) = wrong_type(segment.name.as_str(), Some(kind))
                && told.insert(segment.name.to_string())
            {
                diagnoses.push(diagnosis.in_store(store).of_segment(facts, (number, place)));
            }
        }
    }
    for answer in &facts.gathered.players {
        for diagnosis in met(facts, answer, &mut told) {
            // Who refuses one reader without a key refuses all.
            if diagnosis.rule == Rule::AnonymousRefused && !told.insert(String::new()) {
                continue;
            }
            let diagnosis = diagnosis.in_store(store);
            diagnoses.push(match facts.segment(&answer.name) {
                Some(place) => diagnosis.of_segment(facts, place),
                None => diagnosis,
            });
        }
    }
    diagnoses
}

fn wrong_type(name: &str, found: Option<&str>) -> Option<Diagnosis> {
    let (_, end) = name.rsplit_once('.')?;
    let (_, right) = TYPES.iter().find(|(known, _)| end.eq_ignore_ascii_case(known))?;
    // Parameters as `charset` change nothing.
    let plain = found.map(|found| found.split(';').next().unwrap_or(found).trim());
    if plain.is_some_and(|plain| right.iter().any(|right| plain.eq_ignore_ascii_case(right))) {
        return None;
    }
    let expected = right.first().copied().unwrap_or_default();
    let (text, found) = match found {
        Some(found) => (format!("`{name}` is served as {found}, not as {expected}"), found.to_owned()),
        None => (format!("`{name}` is served without a type"), "none".to_owned()),
    };
    Some(Diagnosis::new(Rule::ContentType, text).of_object(name).expected(expected).found(found))
}

/// What a player meets at one object.
fn met(facts: &Facts<'_>, answer: &PlayerAnswer, told: &mut BTreeSet<String>) -> Vec<Diagnosis> {
    let name = &answer.name;
    let refused = |rule: Rule, why: &dyn std::fmt::Display| {
        Diagnosis::new(rule, format!("`{name}` is refused to readers without a key: {why}"))
            .of_object(name.as_str())
            .expected("readable without a key")
            .found(why.to_string())
    };
    let mut diagnoses = Vec::new();
    match &answer.answer {
        Answer::Refused(Obstacle::Denied(
            why @ (Denial::NotAllowed
            | Denial::Anonymous
            | Denial::UnknownKey
            | Denial::WrongSecret
            | Denial::Expired
            | Denial::ClockSkew),
        )) => return vec![refused(Rule::AnonymousRefused, why)],
        // The object's own rules say these.
        Answer::Refused(Obstacle::Absent | Obstacle::Frozen { .. }) => return Vec::new(),
        Answer::Refused(why) => {
            let text =
                format!("{} did not serve `{name}` to a player: {why}", super::objects::said(facts.store(0)));
            let diagnosis = Diagnosis::new(Rule::StoreUnreachable, text).of_object(name.as_str());
            return vec![diagnosis.expected("an answer").found(why.to_string())];
        }
        Answer::Whole => diagnoses.push(
            Diagnosis::new(
                Rule::NoRanges,
                format!("`{name}` is served only as a whole: players cannot seek"),
            )
            .of_object(name.as_str())
            .expected("a part of it")
            .found("all of it"),
        ),
        Answer::Part => {}
    }
    let allowed = answer.allows_origin.as_deref().map(str::trim);
    if !allowed.is_some_and(|allowed| allowed == "*" || allowed.eq_ignore_ascii_case(&answer.origin)) {
        let found = allowed.unwrap_or("none");
        let text = format!(
            "pages of {} may not read `{name}`: Access-Control-Allow-Origin is {found}",
            answer.origin
        );
        diagnoses.push(
            Diagnosis::new(Rule::NoCors, text)
                .of_object(name.as_str())
                .expected(answer.origin.as_str())
                .found(found),
        );
    }
    if let Some(diagnosis) = wrong_type(name.as_str(), answer.content_type.as_deref())
        && told.insert(name.to_string())
    {
        diagnoses.push(diagnosis);
    }
    diagnoses
}
