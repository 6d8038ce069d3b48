//! A closer look at a transport stream: with what its pictures begin and how many there are, whether its sound
//! is silence, and what its clock reference does. Whoever only wants to know whether the stream is whole does
//! not pay for this.

mod pictures;
mod silence;
mod sound;
#[cfg(test)]
mod tests;

use super::StreamKind;
use super::clock::signed_distance;
use super::packet::{Packet, Step};
use super::pes::read_pts;
use pictures::{Coding, Pictures};
use sound::Sound;

/// Streams beyond these are not looked at: a program map may name thousands.
const MOST_STREAMS: usize = 16;

/// How far a clock reference may lie before the last one for it to be rounding, 90 kHz.
const JITTER: i64 = 9000;

/// What was seen besides.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CloserSummary {
    /// Whether the first picture can be shown without any before it: an IDR picture of H.264, one with a recovery
    /// point at itself (open GOP), or one of nothing but I slices; of H.265, an IRAP picture. `None` without
    /// such pictures, and where nobody can tell.
    pub key_first: Option<bool>,
    /// Whether the parameter sets that a decoder needs stand in front of the first picture.
    pub parameters_first: Option<bool>,
    /// Pictures that start here, fields one each. For other codecs than H.264 and H.265 PES packets are counted.
    pub pictures: Option<u64>,
    /// Frames of AAC.
    pub sound_frames: u64,
    /// Whether the sound is nothing but silence, by its coding: every frame of every AAC stream (LC, in ADTS) says
    /// that its whole spectrum is zero, so that a decoder has nothing to play. `None` where there is no such
    /// sound, or a part of it could not be followed. Sound that is merely too soft to be heard is no silence.
    pub silent: Option<bool>,
    /// What the clock reference does.
    pub clock: Option<ClockSummary>,
}

/// What the program clock reference (PCR) does, in parts of 1/90,000 s.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ClockSummary {
    /// The first value.
    pub first: u64,
    /// The last one.
    pub last: u64,
    /// How often it goes back without saying so.
    pub backwards: u64,
    /// How far the time stamps of its own stream lie ahead of it, at the least and at the most.
    pub lead: Option<(i64, i64)>,
}

/// Looks at packets that are known to be whole and in order.
#[derive(Debug, Clone, Default)]
pub(super) struct Closer {
    streams: Vec<Stream>,
    clock_pid: Option<u16>,
    clock: Option<ClockSummary>,
}

/// One elementary stream.
#[derive(Debug, Clone)]
struct Stream {
    pid: u16,
    body: Body,
    what: What,
}

#[derive(Debug, Clone)]
enum What {
    Pictures(Box<Pictures>),
    Sound(Box<Sound>),
}

/// Finds the bytes behind the heads of PES packets (ISO/IEC 13818-1, 2.4.3.6).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Body {
    /// Nothing can be said until the next start.
    #[default]
    Lost,
    /// So many bytes of the head came.
    Head(u8),
    /// So many bytes are passed over.
    Skip(u8),
    /// All that comes is content.
    Content,
}

impl Closer {
    /// A program map names a stream.
    pub(super) fn announce(&mut self, pid: u16, stream_type: u8) {
        let what = match stream_type {
            0x1b | 0xdb => What::Pictures(Box::new(Pictures::new(Coding::H264))),
            0x24 => What::Pictures(Box::new(Pictures::new(Coding::H265))),
            0x0f => What::Sound(Box::default()),
            _ => return,
        };
        // Maps come again and again.
        if self.streams.len() < MOST_STREAMS && self.streams.iter().all(|stream| stream.pid != pid) {
            self.streams.push(Stream { pid, body: Body::default(), what });
        }
    }

    /// A program map names the stream that carries the clock reference; the first one counts.
    pub(super) fn set_clock(&mut self, pid: u16) {
        self.clock_pid.get_or_insert(pid);
    }

    /// Takes a packet that is neither damaged nor a duplicate nor scrambled.
    pub(super) fn take(&mut self, packet: &Packet<'_>, step: Step) {
        let pid = packet.pid();
        if self.clock_pid == Some(pid) {
            self.take_clock(packet);
        }
        let Some(stream) = self.streams.iter_mut().find(|stream| stream.pid == pid) else { return };
        if step == Step::Break {
            stream.interrupt();
        }
        if packet.has_payload() {
            stream.take(packet.payload(), packet.starts_unit());
        }
    }

    /// What cannot be seen or followed on a stream may hold anything.
    pub(super) fn lose(&mut self, pid: u16) {
        if let Some(stream) = self.streams.iter_mut().find(|stream| stream.pid == pid) {
            stream.interrupt();
        }
    }

    fn take_clock(&mut self, packet: &Packet<'_>) {
        let Some(now) = packet.clock_reference() else { return };
        let clock =
            self.clock.get_or_insert(ClockSummary { first: now, last: now, ..ClockSummary::default() });
        if signed_distance(clock.last, now) < -JITTER && !packet.announces_discontinuity() {
            clock.backwards += 1;
        }
        clock.last = now;
        let stamp = packet.starts_unit().then(|| read_pts(packet.payload())).flatten();
        if let Some(pts) = stamp {
            let lead = signed_distance(now, pts);
            let (least, most) = clock.lead.unwrap_or((lead, lead));
            clock.lead = Some((least.min(lead), most.max(lead)));
        }
    }

    /// Ends the stream. `kinds` tells of each stream that was announced what it is for, and how many of its PES
    /// packets started.
    pub(super) fn finish(self, mut kinds: impl Iterator<Item = (StreamKind, u64)>) -> CloserSummary {
        let mut summary = CloserSummary { clock: self.clock, ..CloserSummary::default() };
        let mut silent = true;
        for stream in self.streams {
            match stream.what {
                What::Pictures(mut pictures) => {
                    pictures.end();
                    if summary.pictures.is_none() && pictures.count > 0 {
                        summary.pictures = Some(pictures.count);
                    }
                    if let (None, Some(start)) = (summary.parameters_first, pictures.start) {
                        summary.key_first = start.is_key;
                        summary.parameters_first = Some(start.has_parameters);
                    }
                }
                What::Sound(sound) => {
                    summary.sound_frames += sound.frames;
                    match sound.is_silent() {
                        Some(is_silent) => summary.silent = Some(is_silent && summary.silent != Some(false)),
                        None => silent = false,
                    }
                }
            }
        }
        if summary.pictures.is_none() {
            summary.pictures = kinds.find(|(kind, _)| *kind == StreamKind::Video).map(|(_, units)| units);
        }
        // One stream that nobody could follow leaves open what they all are.
        if !silent && summary.silent == Some(true) {
            summary.silent = None;
        }
        summary
    }
}

impl Stream {
    fn interrupt(&mut self) {
        self.body = Body::Lost;
        match &mut self.what {
            What::Pictures(pictures) => pictures.interrupt(),
            What::Sound(sound) => sound.interrupt(),
        }
    }

    fn take(&mut self, payload: &[u8], starts: bool) {
        if starts {
            self.body = Body::Head(0);
        }
        let content = self.body.content(payload);
        if self.body == Body::Lost && !payload.is_empty() {
            return self.interrupt();
        }
        match &mut self.what {
            What::Pictures(pictures) => pictures.take(content),
            What::Sound(sound) => sound.take(content),
        }
    }
}

impl Body {
    /// What of the next payload is content.
    fn content<'p>(&mut self, mut payload: &'p [u8]) -> &'p [u8] {
        /// Start code, identifier of the stream, length, flags, and the length of the rest of the head.
        const FIXED: u8 = 9;
        loop {
            match *self {
                Self::Lost => return &[],
                Self::Content => return payload,
                Self::Skip(0) => *self = Self::Content,
                Self::Skip(left) => {
                    let part = payload.len().min(usize::from(left));
                    payload = &payload[part..];
                    *self = Self::Skip(left - u8::try_from(part).unwrap_or(left));
                    if payload.is_empty() {
                        return payload;
                    }
                }
                Self::Head(came) => {
                    let Some((&byte, rest)) = payload.split_first() else { return payload };
                    payload = rest;
                    *self = match (came, byte) {
                        (0 | 1, 0) | (2, 1) => Self::Head(came + 1),
                        (0..=2, _) => Self::Lost,
                        // Those of sound and pictures, and private stream 1.
                        (3, 0xbd | 0xc0..=0xef | 0xfd) => Self::Head(4),
                        (3, _) => Self::Lost,
                        (FIXED.., _) => Self::Lost,
                        (8, left) => Self::Skip(left),
                        (_, _) => Self::Head(came + 1),
                    };
                }
            }
        }
    }
}
