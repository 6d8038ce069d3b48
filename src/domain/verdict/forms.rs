//! The rules for forms of media other than transport streams.
//!
//! A store can vouch for bytes that were already wrong when they were stored, so what nothing can play counts
//! against a right digest too: another form, an end that is missing, a place behind which nothing can be read,
//! no media, another playing time. What players pass over does not: bytes behind the end, in an MP4 a place
//! that is no box where the index and all media that it points to are there, and in MP3 and AAC, where each
//! frame stands alone, a place between frames that is none; a recorder can write these by itself, and the
//! digest shows that it did.

use std::time::Duration;

use super::judging::judge_playing_time;
use super::{Corruption, Expectation, Format, JpegFacts, Mp4Facts, SoundFacts, Structure, WebMFacts};

/// How far the playing time by the samples may be from what the file itself announces for its structure to
/// prove it.
const ANNOUNCED_SLACK_MS: u64 = 500;
const ANNOUNCED_SLACK_PERCENT: u64 = 3;

/// Whether the structure proves the bytes.
pub(super) fn judge_structure(
    expected: &Expectation,
    structure: &Structure,
    digest_right: bool,
) -> Result<bool, Corruption> {
    let tells_its_end = match structure {
        Structure::Page(page) => return Err(Corruption::Page(*page)),
        Structure::WebM(facts) => judge_webm(facts, digest_right)?,
        Structure::Mp4(facts) => judge_mp4(facts, digest_right)?,
        Structure::Sound(facts) => judge_sound(facts, digest_right)?,
        Structure::Jpeg(facts) => judge_jpeg(facts, digest_right)?,
        Structure::NotExamined | Structure::TransportStream(_) => return Ok(false),
    };
    match (expected.duration, structure.playing_ms()) {
        (Some(listed), Some(found_ms)) => Ok(judge_playing_time(listed, found_ms)? && tells_its_end),
        // Nobody can say whether it plays as long as it should.
        (Some(listed), None) => Ok(listed == Duration::ZERO && tells_its_end),
        (None, _) => Ok(tells_its_end),
    }
}

fn judge_webm(facts: &WebMFacts, digest_right: bool) -> Result<bool, Corruption> {
    let form = Format::WebM;
    if !facts.is_webm {
        return Err(Corruption::NotOfFormat { form });
    }
    if let Some(at) = facts.broken_at {
        return Err(Corruption::Broken { form, at });
    }
    if facts.cut || !facts.has_segment {
        return Err(Corruption::CutInside { form });
    }
    if facts.blocks == 0 {
        return Err(Corruption::NoMedia);
    }
    if facts.trailing_bytes > 0 && !digest_right {
        return Err(Corruption::Trailing { bytes: facts.trailing_bytes });
    }
    Ok(facts.is_sized
        && facts.strange == 0
        && facts.trailing_bytes == 0
        && as_announced(facts.announced_ms, facts.playing_ms))
}

fn judge_mp4(facts: &Mp4Facts, digest_right: bool) -> Result<bool, Corruption> {
    let form = Format::Mp4;
    if !facts.is_mp4 {
        return Err(Corruption::NotOfFormat { form });
    }
    if facts.cut {
        return Err(Corruption::CutInside { form });
    }
    if let Some(at) = facts.broken_at
        && !(digest_right && facts.has_index)
    {
        return Err(Corruption::Broken { form, at });
    }
    if !facts.has_index {
        return Err(Corruption::NoIndex);
    }
    if facts.too_large {
        return Ok(false);
    }
    let places = facts.bad_tables + facts.outside;
    // Tables that do not add up are a muxer's slip where the store vouches for the bytes and everything that
    // they point to is there; media that is not there is lost, whoever vouches.
    if facts.outside > 0 || (places > 0 && !digest_right) {
        return Err(Corruption::WrongIndex { places });
    }
    if facts.samples == 0 {
        return Err(Corruption::NoMedia);
    }
    // Of fragments only the index that is written last tells that none is missing at the end.
    let ends = !facts.fragmented || (facts.is_closed && facts.fragment_breaks == 0);
    Ok(facts.broken_at.is_none() && places == 0 && ends && as_announced(facts.announced_ms, facts.playing_ms))
}

fn judge_sound(facts: &SoundFacts, digest_right: bool) -> Result<bool, Corruption> {
    let form = facts.format;
    if facts.frames == 0 {
        return Err(match (facts.broken_at, facts.announced_frames) {
            (None, Some(_)) => Corruption::NoMedia,
            (_, _) => Corruption::NotOfFormat { form },
        });
    }
    if facts.cut {
        return Err(Corruption::CutInside { form });
    }
    if let Some(at) = facts.broken_at {
        // The frames behind were not counted.
        return if digest_right { Ok(false) } else { Err(Corruption::Broken { form, at }) };
    }
    if let Some(expected) = facts.announced_frames
        && facts.frames < expected
    {
        return Err(Corruption::FramesMissing { expected, found: facts.frames });
    }
    if facts.trailing_bytes > 0 && !digest_right {
        return Err(Corruption::Trailing { bytes: facts.trailing_bytes });
    }
    Ok(facts.announced_frames == Some(facts.frames)
        && facts.bytes_fit != Some(false)
        && facts.trailing_bytes == 0)
}

fn judge_jpeg(facts: &JpegFacts, digest_right: bool) -> Result<bool, Corruption> {
    let form = Format::Jpeg;
    if !facts.is_jpeg {
        return Err(Corruption::NotOfFormat { form });
    }
    if let Some(at) = facts.broken_at {
        return Err(Corruption::Broken { form, at });
    }
    if !facts.ended {
        return Err(Corruption::CutInside { form });
    }
    if facts.trailing_bytes > 0 && !digest_right {
        return Err(Corruption::Trailing { bytes: facts.trailing_bytes });
    }
    Ok(facts.trailing_bytes == 0)
}

/// Whether what came plays as long as the file says, where it says so.
fn as_announced(announced: Option<u64>, found: Option<u64>) -> bool {
    match (announced, found) {
        (Some(announced), Some(found)) => {
            let slack = ANNOUNCED_SLACK_MS.max(announced / 100 * ANNOUNCED_SLACK_PERCENT);
            announced.abs_diff(found) <= slack
        }
        (None, Some(_)) => true,
        (_, None) => false,
    }
}
