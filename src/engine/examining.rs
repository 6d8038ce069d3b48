//! From bytes to the facts that verdicts rest on: the examiner for each form, and its summary in the words of
//! the domain.

use crate::domain::form::{MediaForm, PictureSize};
use crate::domain::verdict::{
    ClockFacts, CloserFacts, Content, Format, JpegFacts, Mp4Facts, Page, SoundFacts, Structure, TrackFacts,
    TrackMedium, TsFacts, WebMFacts,
};
use crate::media::{TrackKind, mp4, page, picture, sound, ts, webm};

/// How much of a body is looked at to tell a page from media.
const HEAD_BYTES: usize = 512;

/// How closely bytes are looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Look {
    /// As it takes to judge them.
    #[default]
    Judging,
    /// At pictures, sound and clocks besides, which takes longer.
    Closer,
}

/// Examines the structure of one body.
pub(super) struct Examination {
    content: Content,
    examiner: Option<Examiner>,
    head: Vec<u8>,
}

enum Examiner {
    TransportStream(Box<ts::Examiner>),
    WebM(Box<webm::Examiner>),
    Mp4(Box<mp4::Examiner>),
    Sound(Format, Box<sound::Examiner>),
    Jpeg(picture::Examiner),
}

impl Examination {
    /// For one body of many that pass at once.
    pub(super) fn new(content: Content) -> Self {
        Self::with_index(content, mp4::USUAL_INDEX)
    }

    /// The same, as closely as is asked for.
    pub(super) fn looking(content: Content, look: Look) -> Self {
        let mut examination = Self::new(content);
        if let (Look::Closer, Some(Examiner::TransportStream(examiner))) = (look, &mut examination.examiner) {
            **examiner = ts::Examiner::looking_closer();
        }
        examination
    }

    /// For a body whose index is too large for that, one at a time: see [`lacks_index`].
    pub(super) fn of_large_index(content: Content) -> Self {
        Self::with_index(content, mp4::LARGEST_INDEX)
    }

    fn with_index(content: Content, limit: usize) -> Self {
        let sound = |form, frames| Examiner::Sound(form, Box::new(sound::Examiner::new(frames)));
        let examiner = content.format().map(|form| match form {
            Format::TransportStream => Examiner::TransportStream(Box::default()),
            Format::WebM => Examiner::WebM(Box::default()),
            Format::Mp4 => Examiner::Mp4(Box::new(mp4::Examiner::with_limit(limit))),
            Format::Adts => sound(form, sound::Frames::Adts),
            Format::Mp3 => sound(form, sound::Frames::Mp3),
            Format::Jpeg => Examiner::Jpeg(picture::Examiner::new()),
        });
        Self { content, examiner, head: Vec::new() }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        if self.head.len() < HEAD_BYTES {
            let more = bytes.len().min(HEAD_BYTES - self.head.len());
            self.head.extend_from_slice(&bytes[..more]);
        }
        match &mut self.examiner {
            None => {}
            Some(Examiner::TransportStream(examiner)) => examiner.push(bytes),
            Some(Examiner::WebM(examiner)) => examiner.push(bytes),
            Some(Examiner::Mp4(examiner)) => examiner.push(bytes),
            Some(Examiner::Sound(_, examiner)) => examiner.push(bytes),
            Some(Examiner::Jpeg(examiner)) => examiner.push(bytes),
        }
    }

    /// Ends where reading stopped although the body goes on. What is told holds for the part that came, and how
    /// long all of it plays is not known.
    pub(super) fn finish_prefix(mut self) -> Structure {
        let is_page = page::sniff(&self.head).is_some();
        let is_stream = |examiner: &mut Examiner| matches!(examiner, Examiner::TransportStream(_));
        let stream = self.examiner.take_if(|examiner| !is_page && is_stream(examiner));
        if let Some(Examiner::TransportStream(examiner)) = stream {
            let facts = ts_facts(&examiner.finish_prefix());
            return Structure::TransportStream(TsFacts { span: None, ..facts });
        }
        match self.finish() {
            Structure::WebM(facts) => {
                Structure::WebM(WebMFacts { playing_ms: None, pictures: None, ..facts })
            }
            Structure::Mp4(facts) => Structure::Mp4(Mp4Facts { playing_ms: None, ..facts }),
            Structure::Sound(facts) => Structure::Sound(SoundFacts { playing_ms: None, ..facts }),
            same @ (Structure::NotExamined
            | Structure::Page(_)
            | Structure::TransportStream(_)
            | Structure::Jpeg(_)) => same,
        }
    }

    pub(super) fn finish(self) -> Structure {
        // An MPD is XML, and nobody knows what else there may be among what is not examined.
        let page = if self.content == Content::Opaque { None } else { page::sniff(&self.head) };
        if let Some(page) = page {
            return Structure::Page(match page {
                page::Page::Html => Page::Html,
                page::Page::Xml => Page::Xml,
                page::Page::Json => Page::Json,
            });
        }
        match self.examiner {
            None => Structure::NotExamined,
            Some(Examiner::TransportStream(examiner)) => {
                Structure::TransportStream(ts_facts(&examiner.finish()))
            }
            Some(Examiner::WebM(examiner)) => Structure::WebM(webm_facts(examiner.finish())),
            Some(Examiner::Mp4(examiner)) => Structure::Mp4(mp4_facts(examiner.finish())),
            Some(Examiner::Sound(form, examiner)) => Structure::Sound(sound_facts(form, &examiner.finish())),
            Some(Examiner::Jpeg(examiner)) => Structure::Jpeg(jpeg_facts(&examiner.finish())),
        }
    }
}

/// Whether the index of a body was too large to be gathered while others pass.
pub(super) fn lacks_index(structure: &Structure) -> bool {
    matches!(structure, Structure::Mp4(facts) if facts.too_large)
}

fn ts_facts(summary: &ts::Summary) -> TsFacts {
    TsFacts {
        packets: summary.packets,
        trailing_bytes: summary.trailing_bytes,
        lost_sync: summary.lost_sync,
        has_pat: summary.has_pat,
        has_pmt: summary.has_pmt,
        bad_sections: summary.bad_sections,
        streams: summary.streams,
        streams_with_media: summary.streams_with_media,
        pes_starts: summary.pes_starts,
        pes_broken: summary.pes_broken,
        continuity_errors: summary.continuity_errors,
        transport_errors: summary.transport_errors,
        scrambled: summary.scrambled,
        first_pts: summary.first_pts,
        span: summary.span,
        form: MediaForm {
            codec: summary.codecs(),
            picture: summary.picture().map(|(width, height)| PictureSize { width, height }),
        },
        closer: summary.closer.as_ref().map(closer_facts),
    }
}

fn closer_facts(summary: &ts::CloserSummary) -> CloserFacts {
    let clock = |clock: ts::ClockSummary| ClockFacts {
        first: clock.first,
        last: clock.last,
        backwards: clock.backwards,
        lead: clock.lead,
    };
    CloserFacts {
        key_first: summary.key_first,
        parameters_first: summary.parameters_first,
        pictures: summary.pictures,
        silent: summary.silent,
        clock: summary.clock.map(clock),
    }
}

fn webm_facts(summary: webm::Summary) -> WebMFacts {
    let pictures = summary.tracks.iter().filter(|track| track.kind == TrackKind::Video);
    let pictures = pictures.map(|track| track.blocks).reduce(|sum, blocks| sum + blocks);
    let track = |track: webm::TrackSummary| TrackFacts {
        medium: medium(track.kind),
        codec: track.codec,
        width: track.width,
        height: track.height,
        rotation: None,
        playing_ms: track.span_ms,
    };
    WebMFacts {
        is_webm: summary.doc_type.is_some_and(|name| name == "webm" || name == "matroska"),
        has_segment: summary.extent != webm::Extent::Missing,
        is_sized: summary.extent == webm::Extent::Sized,
        cut: summary.cut,
        broken_at: summary.broken_at,
        trailing_bytes: summary.trailing_bytes,
        strange: summary.unknown_elements + summary.stray_blocks,
        blocks: summary.blocks,
        pictures,
        announced_ms: summary.announced_ms,
        playing_ms: summary.span_ms,
        keyframe_first: summary.keyframe_first,
        tracks: summary.tracks.into_iter().map(track).collect(),
    }
}

fn mp4_facts(summary: mp4::Summary) -> Mp4Facts {
    let track = |track: mp4::TrackSummary| TrackFacts {
        medium: medium(track.kind),
        codec: track.codec,
        width: track.width,
        height: track.height,
        rotation: track.rotation,
        playing_ms: track.span_ms,
    };
    Mp4Facts {
        is_mp4: summary.brand.is_some(),
        cut: summary.cut,
        broken_at: summary.broken_at,
        has_index: summary.has_index,
        too_large: summary.too_large,
        bad_tables: summary.bad_tables,
        outside: summary.outside,
        fragmented: summary.fragments > 0,
        fragment_breaks: summary.fragment_breaks,
        is_closed: summary.is_closed,
        samples: summary.samples,
        announced_ms: summary.announced_ms,
        playing_ms: summary.span_ms,
        tracks: summary.tracks.into_iter().map(track).collect(),
    }
}

fn sound_facts(form: Format, summary: &sound::Summary) -> SoundFacts {
    SoundFacts {
        format: form,
        frames: summary.frames,
        cut: summary.cut,
        broken_at: summary.broken_at,
        trailing_bytes: summary.trailing_bytes,
        announced_frames: summary.announced_frames,
        bytes_fit: summary.announced_bytes.map(|bytes| bytes == summary.frame_bytes),
        // What lies behind a place that cannot be read was not counted.
        playing_ms: summary.span_ms.filter(|_| summary.broken_at.is_none()),
    }
}

fn jpeg_facts(summary: &picture::Summary) -> JpegFacts {
    JpegFacts {
        is_jpeg: summary.is_jpeg,
        ended: summary.ended,
        broken_at: summary.broken_at,
        trailing_bytes: summary.trailing_bytes,
        width: summary.width,
        height: summary.height,
    }
}

fn medium(kind: TrackKind) -> TrackMedium {
    match kind {
        TrackKind::Video => TrackMedium::Video,
        TrackKind::Audio => TrackMedium::Audio,
        TrackKind::Other => TrackMedium::Other,
    }
}

#[cfg(test)]
mod tests;
