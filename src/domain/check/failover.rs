//! Other recorders that took over: there are `bak<n>_` files then, and up to 90 s may be lost at each switch.

use std::collections::BTreeMap;

use super::diagnosis::{counted, seconds};
use super::facts::Facts;
use super::holes::SWITCH_MS;
use super::told::Happened;
use super::{Diagnosis, Rule, Severity};
use crate::domain::time::SliceTime;
use crate::domain::timeline::{BreakReason, TOLERANCE_MS};

/// One switch, as it shows in the tracks.
#[derive(Default)]
struct Switch {
    starts: Option<SliceTime>,
    tracks: usize,
    /// Tracks in which it is measured and nothing is missing.
    seamless: usize,
}

/// Names the switches, each once.
pub(super) fn diagnose(facts: &Facts<'_>) -> Vec<Diagnosis> {
    let switches = switches(facts);
    let mut diagnoses: Vec<Diagnosis> = switches
        .iter()
        .map(|(number, switch)| {
            let at = switch.starts.map_or_else(String::new, |at| format!(" at {at}"));
            let seamless = switch.tracks > 0 && switch.seamless == switch.tracks;
            let (severity, lost) = match seamless {
                true => (Severity::Note, "nothing is missing at the switch".to_owned()),
                false => (Severity::Warning, format!("up to {} may be lost at a switch", seconds(SWITCH_MS))),
            };
            Diagnosis::new(Rule::Failover, format!("another recorder took over{at} (bak{number}_): {lost}"))
                .weighing(severity)
                .found(format!("bak{number}_"))
                .from(switch.starts)
        })
        .collect();
    diagnoses.extend(without_files(facts, switches.len()));
    diagnoses
}

fn switches(facts: &Facts<'_>) -> BTreeMap<u32, Switch> {
    let mut switches: BTreeMap<u32, Switch> = BTreeMap::new();
    let sets = facts.gathered.recording.tracks.iter().flat_map(|track| &track.playlists);
    for number in sets.filter_map(|set| set.failover) {
        switches.entry(u32::from(number)).or_default();
    }
    for (plan, track) in facts.gathered.plan.tracks.iter().zip(facts.tracks) {
        let mut known: BTreeMap<u32, bool> = BTreeMap::new();
        for segment in &track.segments {
            let Some(number) = segment.failover else { continue };
            known.entry(number).or_insert(false);
            let switch = switches.entry(number).or_default();
            switch.starts = switch.starts.into_iter().chain(segment.starts).min();
        }
        for found in plan.timeline.breaks.iter().filter(|found| found.why == BreakReason::Failover) {
            let number = track.segments.get(found.before).and_then(|segment| segment.failover);
            if let (Some(number), Some(ms)) = (number, found.ms)
                && ms <= TOLERANCE_MS
            {
                known.insert(number, true);
            }
        }
        for (number, seamless) in known {
            let switch = switches.entry(number).or_default();
            switch.tracks += 1;
            switch.seamless += usize::from(seamless);
        }
    }
    switches
}

/// Switches that Agora told of and that no file shows.
fn without_files(facts: &Facts<'_>, shown: usize) -> Option<Diagnosis> {
    let told = facts.gathered.told.events.iter();
    let told: Vec<_> = told
        .filter_map(|event| {
            let Happened::FailedOver { uid } = event.what else { return None };
            Some((uid, event.at))
        })
        .collect();
    // Each of them is told once; old and new recorder tell of it under the same new uid.
    let mut uids: Vec<_> = told.iter().map(|(uid, _)| *uid).collect();
    uids.sort_unstable();
    uids.dedup();
    let missing = uids.len().checked_sub(shown).filter(|missing| *missing > 0)?;
    let count = u64::try_from(missing).unwrap_or(u64::MAX);
    let text = format!(
        "Agora says that another recorder took over {}, and no file of it is there",
        if missing == 1 { "once".to_owned() } else { counted(count, "time") }
    );
    let last = told.last().and_then(|(_, at)| *at);
    Some(Diagnosis::new(Rule::Failover, text).expected("bak files").found("none").from(last))
}
