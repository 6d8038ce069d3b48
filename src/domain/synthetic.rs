//! A playlist for a track that has none: rebuilt from the start times in the names of its slices and from the
//! playing times that their own bytes tell.
//!
//! It says of itself that it is synthetic. Nobody vouches that the slices are all that there were: what was
//! lost at the start or the end cannot be seen, so a track with such a playlist is never called complete.

use std::fmt::Write as _;
use std::time::Duration;

use super::finding::Finding;
use super::key::ObjectName;
use super::plan::{ListOrigin, TrackPlan};
use super::play::{PlayItem, write};
use super::recording::TrackId;
use super::time::SliceTime;
use super::timeline::{RunInput, Times, examine};

/// Agora cuts TS slices after 5.5 minutes at the latest ("manage recorded files", 2026-07). Where a playing time
/// is not known, one slice is taken to last until the next one starts, unless that is longer.
pub const LONGEST_SLICE: Duration = Duration::from_secs(330);

/// The file name of the rebuilt playlist of a track.
#[must_use]
pub fn file_name(track: TrackId) -> String {
    match track.uid {
        Some(uid) => format!("synthetic_uid_{uid}_{}.m3u8", track.kind),
        None => format!("synthetic_{}.m3u8", track.kind),
    }
}

/// What a rebuilt playlist says of itself, as comments.
#[must_use]
pub fn remarks(track: TrackId) -> [String; 3] {
    [
        format!("synthetic: Agora's own playlist of {track} is not there"),
        "rebuilt from the start times in the slices' names and the playing times in their bytes".to_owned(),
        "that nothing is missing at the start or the end cannot be known".to_owned(),
    ]
}

/// Writes the rebuilt playlist of a track.
#[must_use]
pub fn text(track: TrackId, items: &[PlayItem]) -> String {
    let list = write(items);
    let mut text = String::with_capacity(list.len() + 300);
    let (head, rest) = list.split_once('\n').unwrap_or((&list, ""));
    text.push_str(head);
    text.push('\n');
    for remark in remarks(track) {
        // To a string nothing can fail to be written.
        let _ = writeln!(text, "# {remark}");
    }
    text.push_str(rest);
    text
}

/// Fills in how long the segments of a track play that no playlist lists, and measures the time line anew.
///
/// `probed` tells the playing time in the bytes of a segment that is here. The findings are those of the
/// whole time line; they take the place of those that planning gave.
pub fn probe(track: &mut TrackPlan, probed: impl Fn(&ObjectName) -> Option<Duration>) -> Vec<Finding> {
    let all = track.runs.iter().flat_map(|run| &run.segments);
    let mut starts: Vec<SliceTime> = all.filter_map(|segment| segment.starts).collect();
    starts.sort_unstable();
    for run in track.runs.iter_mut().filter(|run| run.times == Times::Probed) {
        fill(run, &starts, &probed);
    }
    let (timeline, findings) = examine(&track.id, &track.runs);
    for (segment, placed) in track.segments.iter_mut().zip(&timeline.order) {
        if track.runs[placed.playlist].times == Times::Probed {
            segment.listed.duration = track.runs[placed.playlist].segments[placed.segment].duration;
        }
    }
    track.timeline = timeline;
    findings
}

/// Whether a finding measures the time line of this track.
#[must_use]
pub fn is_measured(finding: &Finding, id: TrackId) -> bool {
    matches!(
        finding,
        Finding::UnlistedGap { track, .. }
            | Finding::Overlap { track, .. }
            | Finding::FailoverGap { track, .. }
            | Finding::ProbedGap { track, .. }
            if *track == id
    )
}

/// `starts` are those of all slices of the track, in order.
fn fill(run: &mut RunInput, starts: &[SliceTime], probed: &impl Fn(&ObjectName) -> Option<Duration>) {
    for segment in &mut run.segments {
        let until_next = || {
            let own = segment.starts?;
            let next = starts.get(starts.partition_point(|other| *other <= own))?;
            let length = Duration::from_millis(u64::try_from(next.ms_since(own)).ok()?);
            (length <= LONGEST_SLICE).then_some(length)
        };
        segment.duration = probed(&segment.name).or_else(until_next);
    }
}

impl TrackPlan {
    /// Whether segments of it are in no playlist that was received.
    #[must_use]
    pub fn is_rebuilt(&self) -> bool {
        self.origin == ListOrigin::Rebuilt
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::play::Presence;
    use crate::domain::playlist::Discontinuity;
    use crate::domain::timeline::RunSegment;

    fn run(times: Times, slices: &[(&str, i64, Option<u64>)]) -> RunInput {
        let segments = slices.iter().map(|(name, starts, ms)| RunSegment {
            name: ObjectName::parse(name).unwrap(),
            starts: SliceTime::from_unix_ms(1_568_983_902_485 + starts),
            duration: ms.map(Duration::from_millis),
            discontinuity: Discontinuity::Continues,
        });
        RunInput { failover: None, segments: segments.collect(), times }
    }

    fn durations(run: &RunInput) -> Vec<Option<u64>> {
        let ms = |d: Duration| u64::try_from(d.as_millis()).unwrap();
        run.segments.iter().map(|segment| segment.duration.map(ms)).collect()
    }

    #[test]
    fn what_cannot_be_probed_lasts_until_the_next_slice_of_any_list_unless_that_is_too_long() {
        let listed = run(Times::Listed, &[("b", 15_000, Some(15_000))]);
        let rebuilt = run(
            Times::Probed,
            &[("a", 0, None), ("c", 30_000, None), ("d", 45_000, None), ("e", 900_000, None)],
        );
        let mut track = TrackPlan {
            id: TrackId::MIXED,
            playlists: Vec::new(),
            segments: Vec::new(),
            timeline: crate::domain::timeline::Timeline::default(),
            origin: ListOrigin::Rebuilt,
            runs: vec![listed, rebuilt],
        };
        let bytes = |name: &ObjectName| (name.as_str() == "c").then(|| Duration::from_millis(14_900));
        let findings = probe(&mut track, bytes);
        assert_eq!(durations(&track.runs[1]), [Some(15_000), Some(14_900), None, None]);
        assert_eq!(durations(&track.runs[0]), [Some(15_000)]);
        // Where it is not known how long the slice before plays nothing can be said.
        assert_eq!(findings, []);
        assert_eq!(track.timeline.playing, Duration::from_millis(44_900));
        let short = |_: &ObjectName| Some(Duration::from_secs(5));
        let codes: Vec<_> = probe(&mut track, short).iter().map(Finding::code).collect();
        assert_eq!(codes, ["probed-gap"; 3]);
    }

    #[test]
    fn it_says_of_itself_that_it_is_synthetic() {
        let item = PlayItem {
            path: "data/a.ts".to_owned(),
            duration: Some(Duration::from_secs(5)),
            discontinuity: Discontinuity::Continues,
            presence: Presence::Here,
            starts: None,
            tags: Vec::new(),
        };
        let text = text(TrackId::MIXED, &[item]);
        assert!(
            text.starts_with("#EXTM3U\n# synthetic: Agora's own playlist of mixed is not there\n"),
            "{text}"
        );
        assert!(text.ends_with("#EXTINF:5.000000,\ndata/a.ts\n#EXT-X-ENDLIST\n"), "{text}");
    }
}
