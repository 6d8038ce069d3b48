//! The rules by which bytes are judged.

use std::time::Duration;

use super::forms;
use super::{Content, Corruption, Evidence, Expectation, Framing, Observation, Structure};
use crate::domain::digest::Algorithm;
use crate::domain::place::SourceName;

/// How far the playing time may be from the playlist's before it is called wrong: a fixed part for the
/// frames at either end and streams that start apart, and a part of the whole for slices with pauses.
pub const PLAYING_TIME_SLACK: Duration = Duration::from_millis(1500);
const PLAYING_TIME_SLACK_PERCENT: u64 = 15;

/// How far the playing time may be from the playlist's for the structure to prove the bytes by itself: a cut
/// at a packet's end shows in nothing but this.
const PROVING_SLACK_MS: u64 = 500;
const PROVING_SLACK_PERCENT: u64 = 3;

/// How far the start of the time stamps may be from where the neighbours put it, on the 90 kHz clock.
pub const START_SLACK: u64 = 90_000;

/// Judges bytes that came against what was known before.
///
/// `by` is the place that vouches for the digests in `expected`.
///
/// # Errors
/// What is wrong with the bytes.
pub fn judge(expected: &Expectation, seen: &Observation, by: &SourceName) -> Result<Evidence, Corruption> {
    if seen.size == 0 && expected.content != Content::Opaque {
        return Err(Corruption::Empty);
    }
    if let Some(size) = expected.size
        && size != seen.size
    {
        return Err(if seen.size == 0 {
            Corruption::Empty
        } else {
            Corruption::Size { expected: size, found: seen.size }
        });
    }
    let proven = match_digests(expected, seen)?;
    if let (None, Some((other, bytes))) = (proven, &expected.not_as)
        && seen.digests.contains(bytes)
    {
        return Err(Corruption::SameAs { other: other.clone() });
    }
    let structure_holds = match expected.content {
        Content::TransportStream => judge_structure(expected, &seen.structure, proven.is_some())?,
        // What a store vouches for is kept, whatever it is; else a page is the answer of something else.
        Content::Playlist if proven.is_none() => match &seen.structure {
            Structure::Page(page) => return Err(Corruption::Page(*page)),
            Structure::NotExamined
            | Structure::TransportStream(_)
            | Structure::WebM(_)
            | Structure::Mp4(_)
            | Structure::Sound(_)
            | Structure::Jpeg(_) => false,
        },
        Content::WebM | Content::Mp4 | Content::Adts | Content::Mp3 | Content::Jpeg => {
            forms::judge_structure(expected, &seen.structure, proven.is_some())?
        }
        Content::Playlist | Content::Opaque => false,
    };
    if let Some(algorithm) = proven {
        return Ok(Evidence::StoreDigest { algorithm, by: by.clone() });
    }
    if structure_holds {
        return Ok(Evidence::Structure);
    }
    if expected.size.is_none() && seen.framing == Framing::Close {
        return Err(Corruption::UnknownEnd);
    }
    Ok(Evidence::LengthOnly)
}

/// The strongest digest that both sides have, or the mismatch.
fn match_digests(expected: &Expectation, seen: &Observation) -> Result<Option<Algorithm>, Corruption> {
    let mut proven: Option<Algorithm> = None;
    for digest in &expected.digests {
        let Some(found) = seen.digests.iter().find(|d| d.algorithm() == digest.algorithm()) else { continue };
        if found != digest {
            return Err(Corruption::Digest { expected: digest.clone(), found: found.clone() });
        }
        proven = Some(proven.map_or(digest.algorithm(), |best| best.min(digest.algorithm())));
    }
    Ok(proven)
}

/// Whether the structure proves the bytes. A store can vouch for bytes that were already wrong when they
/// were stored, so most of this counts against a right digest too; only damage that a recorder can do by
/// itself (missing packets) does not.
fn judge_structure(
    expected: &Expectation,
    structure: &Structure,
    digest_right: bool,
) -> Result<bool, Corruption> {
    let facts = match structure {
        Structure::Page(page) => return Err(Corruption::Page(*page)),
        Structure::TransportStream(facts) => facts,
        Structure::NotExamined
        | Structure::WebM(_)
        | Structure::Mp4(_)
        | Structure::Sound(_)
        | Structure::Jpeg(_) => return Ok(false),
    };
    if facts.packets == 0 {
        return Err(Corruption::NotTransportStream);
    }
    if facts.trailing_bytes > 0 {
        return Err(Corruption::CutInPacket);
    }
    if facts.lost_sync > 0 {
        return Err(if facts.lost_sync >= facts.packets {
            Corruption::NotTransportStream
        } else {
            Corruption::LostSync { packets: facts.lost_sync }
        });
    }
    if facts.scrambled > 0 {
        return Ok(false);
    }
    if !facts.has_pat || !facts.has_pmt {
        return Err(Corruption::NoProgram);
    }
    if facts.streams_with_media == 0 {
        return Err(Corruption::NoMedia);
    }
    let breaks = facts.continuity_errors + facts.transport_errors + facts.bad_sections + facts.pes_broken;
    if breaks > 0 && !digest_right {
        return Err(Corruption::Continuity { breaks });
    }
    let mut timed = false;
    if let (Some(duration), Some(span)) = (expected.duration, facts.span) {
        timed = judge_playing_time(duration, span / 90)?;
    }
    if let (Some(start), Some(found)) = (expected.starts_at, facts.first_pts)
        && clock_distance(start, found) > START_SLACK
        && !digest_right
    {
        return Err(Corruption::OtherTime { expected_ms: start / 90, found_ms: found / 90 });
    }
    Ok(timed && breaks == 0)
}

/// Whether the playing time proves the bytes.
///
/// # Errors
/// Where it is so far from the playlist's that the bytes are wrong.
pub(super) fn judge_playing_time(listed: Duration, found_ms: u64) -> Result<bool, Corruption> {
    let expected_ms = u64::try_from(listed.as_millis()).unwrap_or(u64::MAX);
    let slack = u64::try_from(PLAYING_TIME_SLACK.as_millis()).unwrap_or(u64::MAX)
        + expected_ms / 100 * PLAYING_TIME_SLACK_PERCENT;
    if expected_ms.abs_diff(found_ms) > slack {
        return Err(Corruption::PlayingTime { expected_ms, found_ms });
    }
    Ok(plays_ms_in_full(listed, found_ms))
}

/// Whether a span on the 90 kHz clock is the playing time of the playlist, closely enough to prove it.
#[must_use]
pub fn plays_in_full(listed: Duration, span: u64) -> bool {
    plays_ms_in_full(listed, span / 90)
}

/// The same for a span in milliseconds.
#[must_use]
pub fn plays_ms_in_full(listed: Duration, found_ms: u64) -> bool {
    let expected_ms = u64::try_from(listed.as_millis()).unwrap_or(u64::MAX);
    let slack = PROVING_SLACK_MS.max(expected_ms / 100 * PROVING_SLACK_PERCENT);
    expected_ms.abs_diff(found_ms) <= slack
}

/// The distance of two points on the 33-bit clock of a transport stream, which wraps every 26.5 hours.
#[must_use]
pub fn clock_distance(a: u64, b: u64) -> u64 {
    const WRAP: u64 = 1 << 33;
    let forward = a.wrapping_sub(b) % WRAP;
    forward.min(WRAP - forward)
}

#[cfg(test)]
mod tests {
    use super::super::{Page, TsFacts};
    use super::*;
    use crate::domain::digest::Digest;

    fn good_ts() -> TsFacts {
        TsFacts {
            packets: 400,
            has_pat: true,
            has_pmt: true,
            streams: 2,
            streams_with_media: 2,
            pes_starts: 300,
            first_pts: Some(126_000),
            span: Some(15 * 90_000),
            ..TsFacts::default()
        }
    }

    fn seen(structure: Structure) -> Observation {
        let md5 = Digest::from_hex(Algorithm::Md5, "d41d8cd98f00b204e9800998ecf8427e").unwrap();
        Observation { size: 75_200, framing: Framing::Length, digests: vec![md5], structure }
    }

    fn slice() -> Expectation {
        Expectation {
            content: Content::TransportStream,
            duration: Some(Duration::from_secs(15)),
            ..Expectation::default()
        }
    }

    fn check(expected: &Expectation, facts: TsFacts) -> Result<Evidence, Corruption> {
        judge(expected, &seen(Structure::TransportStream(facts)), &SourceName::new("prod"))
    }

    #[test]
    fn a_whole_slice_is_proven_by_structure_and_better_by_digest() {
        assert_eq!(check(&slice(), good_ts()), Ok(Evidence::Structure));
        let md5 = Digest::from_hex(Algorithm::Md5, "d41d8cd98f00b204e9800998ecf8427e").unwrap();
        let expected = Expectation { digests: vec![md5], ..slice() };
        assert_eq!(check(&expected, good_ts()).unwrap().code(), "store-digest");
    }

    #[test]
    fn without_a_playing_time_structure_proves_nothing() {
        let expected = Expectation { duration: None, ..slice() };
        assert_eq!(check(&expected, good_ts()), Ok(Evidence::LengthOnly));
    }

    #[test]
    fn a_slice_that_may_have_lost_its_end_is_not_proven_by_structure() {
        let facts = TsFacts { span: Some(14 * 90_000), ..good_ts() };
        assert_eq!(check(&slice(), facts), Ok(Evidence::LengthOnly));
        let facts = TsFacts { span: Some(14_600 * 90), ..good_ts() };
        assert_eq!(check(&slice(), facts), Ok(Evidence::Structure));
    }

    #[test]
    fn each_damage_has_its_name() {
        let ts = good_ts();
        for (facts, what) in [
            (
                TsFacts { packets: 0, trailing_bytes: 90, ..TsFacts::default() },
                Corruption::NotTransportStream,
            ),
            (TsFacts { trailing_bytes: 1, ..ts.clone() }, Corruption::CutInPacket),
            (TsFacts { lost_sync: 1, ..ts.clone() }, Corruption::LostSync { packets: 1 }),
            (TsFacts { lost_sync: 400, ..ts.clone() }, Corruption::NotTransportStream),
            (TsFacts { has_pmt: false, ..ts.clone() }, Corruption::NoProgram),
            (TsFacts { streams_with_media: 0, ..ts.clone() }, Corruption::NoMedia),
            (TsFacts { continuity_errors: 2, ..ts.clone() }, Corruption::Continuity { breaks: 2 }),
            (
                TsFacts { span: Some(7 * 90_000), ..ts.clone() },
                Corruption::PlayingTime { expected_ms: 15_000, found_ms: 7_000 },
            ),
        ] {
            assert_eq!(check(&slice(), facts), Err(what));
        }
        let page = judge(&slice(), &seen(Structure::Page(Page::Html)), &SourceName::new("prod"));
        assert_eq!(page, Err(Corruption::Page(Page::Html)));
    }

    #[test]
    fn a_right_digest_excuses_recorded_packet_loss_but_not_a_short_slice() {
        let md5 = Digest::from_hex(Algorithm::Md5, "d41d8cd98f00b204e9800998ecf8427e").unwrap();
        let expected = Expectation { digests: vec![md5], ..slice() };
        assert!(check(&expected, TsFacts { continuity_errors: 2, ..good_ts() }).is_ok());
        assert!(check(&expected, TsFacts { span: Some(90_000), ..good_ts() }).is_err());
    }

    #[test]
    fn a_wrong_digest_is_corrupt_whatever_else_holds() {
        let other = Digest::from_hex(Algorithm::Md5, "00000000000000000000000000000000").unwrap();
        let expected = Expectation { digests: vec![other], ..slice() };
        assert!(matches!(check(&expected, good_ts()), Err(Corruption::Digest { .. })));
    }

    #[test]
    fn another_slices_time_stamps_are_noticed_across_the_wrap() {
        let expected = Expectation { starts_at: Some(10 * 90_000), ..slice() };
        assert!(matches!(check(&expected, good_ts()), Err(Corruption::OtherTime { .. })));
        assert_eq!(clock_distance((1 << 33) - 5, 5), 10);
        assert_eq!(clock_distance(5, (1 << 33) - 5), 10);
    }

    #[test]
    fn an_end_that_may_be_a_cut_proves_nothing() {
        let expected = Expectation::default();
        let mut observation = seen(Structure::NotExamined);
        observation.framing = Framing::Close;
        let by = SourceName::new("web");
        assert_eq!(judge(&expected, &observation, &by), Err(Corruption::UnknownEnd));
        observation.framing = Framing::Chunked;
        assert_eq!(judge(&expected, &observation, &by), Ok(Evidence::LengthOnly));
    }
}
