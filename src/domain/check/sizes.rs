//! Whether sizes fit the times that they play: against the rest of the track, and against what Agora encodes.

use super::diagnosis::bytes;
use super::facts::Facts;
use super::{CheckedTrack, Diagnosis, Presence, Rule};
use crate::domain::recording::TrackKind;

/// Fewer segments have no middle that could be trusted.
const ENOUGH: usize = 8;

/// A shorter one is mostly tables and one picture.
const SHORTEST_MS: u64 = 1000;

/// The least and the most that Agora encodes, in kbit/s ("Cloud Recording API", 2019-04): sound by
/// `audioProfile` from 48 to 192, pictures from 120 x 120 at 15 frames to 1280 x 720 at 30 frames live.
const AUDIO_KBPS: (u64, u64) = (48, 192);
const VIDEO_KBPS: (u64, u64) = (50, 3420);

/// Names segments and tracks whose size can hardly be right.
pub(super) fn diagnose(facts: &Facts<'_>) -> Vec<Diagnosis> {
    let mut diagnoses = Vec::new();
    for (number, track) in facts.tracks.iter().enumerate() {
        let rates = rates(facts, number, track);
        if rates.len() < ENOUGH {
            continue;
        }
        let mut sorted: Vec<u64> = rates.iter().map(|rate| rate.per_second()).collect();
        sorted.sort_unstable();
        let median = sorted[sorted.len() / 2];
        for rate in &rates {
            let own = rate.per_second();
            if own.saturating_mul(10) < median || own > median.saturating_mul(10) {
                let Some(segment) = track.segments.get(rate.place) else { continue };
                let text = format!(
                    "`{}` has {own} bytes per second, the track has {median} in the middle",
                    segment.name
                );
                diagnoses.push(
                    Diagnosis::new(Rule::SizeImplausible, text)
                        .of_segment(facts, (number, rate.place))
                        .expected(format!("some {}", bytes(median.saturating_mul(rate.ms) / 1000)))
                        .found(bytes(rate.bytes)),
                );
            }
        }
        diagnoses.extend(whole(track, &rates));
    }
    diagnoses
}

/// The bytes of a segment and the time that it plays.
struct Rate {
    place: usize,
    bytes: u64,
    ms: u64,
}

impl Rate {
    fn per_second(&self) -> u64 {
        self.bytes.saturating_mul(1000) / self.ms.max(1)
    }
}

fn rates(facts: &Facts<'_>, number: usize, track: &CheckedTrack) -> Vec<Rate> {
    let plan = facts.gathered.plan.tracks.get(number);
    let rates = track.segments.iter().enumerate().filter_map(|(place, segment)| {
        if !matches!(segment.presence, Presence::Present | Presence::Elsewhere { .. }) {
            return None;
        }
        let ms = segment.duration_ms.filter(|ms| *ms >= SHORTEST_MS)?;
        let part = plan.and_then(|plan| plan.segments.get(place)).and_then(|part| part.listed.byte_range);
        let bytes = part.map(|part| part.length).or(segment.size).filter(|bytes| *bytes > 0)?;
        Some(Rate { place, bytes, ms })
    });
    rates.collect()
}

/// The whole track against what Agora encodes.
fn whole(track: &CheckedTrack, rates: &[Rate]) -> Option<Diagnosis> {
    let bytes: u64 = rates.iter().fold(0, |sum, rate| sum.saturating_add(rate.bytes));
    let ms: u64 = rates.iter().fold(0, |sum, rate| sum.saturating_add(rate.ms));
    // Bits per millisecond are kilobits per second.
    let kbps = bytes.saturating_mul(8) / ms.max(1);
    let (least, most) = match track.id.kind {
        TrackKind::Audio => AUDIO_KBPS,
        TrackKind::Video => VIDEO_KBPS,
        // Nobody can tell from here whether there are pictures.
        TrackKind::Mixed | TrackKind::AudioVideo => (AUDIO_KBPS.0, AUDIO_KBPS.1 + VIDEO_KBPS.1),
    };
    if kbps.saturating_mul(10) >= least && kbps <= most * 2 {
        return None;
    }
    let text = format!("{}: {kbps} kbit/s is not what Agora encodes, which is {least} to {most}", track.id);
    Some(
        Diagnosis::new(Rule::SizeImplausible, text)
            .of_track(track.id)
            .expected(format!("{least} to {most} kbit/s"))
            .found(format!("{kbps} kbit/s")),
    )
}
