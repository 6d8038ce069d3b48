//! What the first bytes of an object prove, whatever follows.

use super::{Content, Corruption, Format, Structure};

/// Judges the first bytes of an object of which more follow.
///
/// Only what no continuation can mend is wrong: text in the place of media, another form, and a place behind
/// which nothing can be read. That an end, an index or a table is missing so far is no fault, and neither are
/// packets that are missing: a store may vouch that they were recorded so, which only all bytes can show.
///
/// # Errors
/// What is wrong with the bytes.
pub fn judge_prefix(content: Content, structure: &Structure) -> Result<(), Corruption> {
    let Some(form) = content.format() else { return Ok(()) };
    let (is_of_form, broken_at) = match structure {
        Structure::Page(page) => return Err(Corruption::Page(*page)),
        Structure::NotExamined => return Ok(()),
        Structure::TransportStream(facts) => {
            if facts.packets == 0 || facts.lost_sync >= facts.packets {
                return Err(Corruption::NotTransportStream);
            }
            if facts.lost_sync > 0 {
                return Err(Corruption::LostSync { packets: facts.lost_sync });
            }
            return Ok(());
        }
        Structure::WebM(facts) => (facts.is_webm, facts.broken_at),
        // Where its index comes later and points to nothing behind it, a bad place does not matter.
        Structure::Mp4(facts) => (facts.is_mp4, None),
        Structure::Sound(facts) => (facts.frames > 0 || facts.broken_at.is_none(), None),
        Structure::Jpeg(facts) => (facts.is_jpeg, facts.broken_at),
    };
    if !is_of_form {
        return Err(Corruption::NotOfFormat { form });
    }
    match (form, broken_at) {
        (_, None) | (Format::Mp4 | Format::Adts | Format::Mp3 | Format::TransportStream, Some(_)) => Ok(()),
        (Format::WebM | Format::Jpeg, Some(at)) => Err(Corruption::Broken { form, at }),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{JpegFacts, Mp4Facts, Page, SoundFacts, TsFacts, WebMFacts};
    use super::*;

    #[test]
    fn only_what_nothing_can_mend_is_wrong() {
        let sound = |frames, broken_at| {
            Structure::Sound(SoundFacts {
                format: Format::Adts,
                frames,
                cut: true,
                broken_at,
                trailing_bytes: 0,
                announced_frames: None,
                bytes_fit: None,
                playing_ms: None,
            })
        };
        let ts = TsFacts { packets: 300, ..TsFacts::default() };
        let webm = WebMFacts { is_webm: true, cut: true, ..WebMFacts::default() };
        let jpeg = JpegFacts { is_jpeg: true, ..JpegFacts::default() };
        let of = |form| Corruption::NotOfFormat { form };
        for (content, structure, wrong) in [
            // No tables, no end, missing packets: the rest may tell.
            (Content::TransportStream, Structure::TransportStream(ts.clone()), None),
            (
                Content::TransportStream,
                Structure::TransportStream(TsFacts { continuity_errors: 3, ..ts.clone() }),
                None,
            ),
            (
                Content::TransportStream,
                Structure::TransportStream(TsFacts { lost_sync: 1, ..ts.clone() }),
                Some(Corruption::LostSync { packets: 1 }),
            ),
            (
                Content::TransportStream,
                Structure::TransportStream(TsFacts { lost_sync: 300, ..ts }),
                Some(Corruption::NotTransportStream),
            ),
            (Content::TransportStream, Structure::Page(Page::Xml), Some(Corruption::Page(Page::Xml))),
            (Content::WebM, Structure::WebM(webm.clone()), None),
            (
                Content::WebM,
                Structure::WebM(WebMFacts { broken_at: Some(9), ..webm }),
                Some(Corruption::Broken { form: Format::WebM, at: 9 }),
            ),
            (Content::WebM, Structure::WebM(WebMFacts::default()), Some(of(Format::WebM))),
            (Content::Mp4, Structure::Mp4(Mp4Facts { is_mp4: true, ..Mp4Facts::default() }), None),
            (Content::Mp4, Structure::Mp4(Mp4Facts::default()), Some(of(Format::Mp4))),
            (Content::Adts, sound(0, None), None),
            (Content::Adts, sound(5, Some(3000)), None),
            (Content::Adts, sound(0, Some(0)), Some(of(Format::Adts))),
            (Content::Jpeg, Structure::Jpeg(jpeg.clone()), None),
            (
                Content::Jpeg,
                Structure::Jpeg(JpegFacts { broken_at: Some(7), ..jpeg }),
                Some(Corruption::Broken { form: Format::Jpeg, at: 7 }),
            ),
            (Content::Opaque, Structure::Page(Page::Html), None),
            (Content::Playlist, Structure::NotExamined, None),
        ] {
            assert_eq!(judge_prefix(content, &structure).err(), wrong, "{structure:?}");
        }
    }
}
