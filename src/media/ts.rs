//! Examines MPEG transport streams (ISO/IEC 13818-1) while they pass by.
//!
//! Push style: any number of bytes at a time, no copy of them is kept, and nothing is allocated for a packet
//! unless its identifier is new. A stream is taken to be one whole file: packets lie on a grid of 188 bytes
//! from its first byte, and a packet off that grid is counted, not looked for.
//!
//! What cannot be noticed: a missing packet without payload, a null packet, exactly 16 missing packets in a
//! row of one identifier, the last packets of a stream whose PES packets announce no length, and 15 missing
//! packets between two that look alike.

mod bits;
mod clock;
mod closer;
mod packet;
mod pes;
mod sps;
mod tables;

use clock::signed_distance;
use closer::Closer;
pub use closer::{ClockSummary, CloserSummary};
use packet::{Counter, NULL_PID, PACKET, PIDS, Packet, Step, Unusable};
use pes::Pes;
use tables::{Assembler, PAT_PID, Section};

/// The clock of time stamps has 33 bits of 1/90,000 s and wraps every 26.5 hours.
pub const PTS_WRAP: u64 = 1 << 33;

/// Packet identifiers below this carry tables, never PES packets (ISO/IEC 13818-1, table 2-3, and ETSI EN
/// 300 468, table 1).
const FIRST_FREE_PID: u16 = 0x20;

/// What was seen in a transport stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Whole packets of 188 bytes that start with the sync byte.
    pub packets: u64,
    /// Bytes behind the last whole packet.
    pub trailing_bytes: u64,
    /// Packets that do not start with the sync byte. Their content is not looked at.
    pub lost_sync: u64,
    /// Whether a valid program association table that names a program was seen.
    pub has_pat: bool,
    /// Whether a valid program map table was seen.
    pub has_pmt: bool,
    /// Sections of either table whose CRC or length is wrong.
    pub bad_sections: u64,
    /// Elementary streams that the program maps announce, over the whole file.
    pub streams: u32,
    /// Elementary streams of which at least one PES packet with a time stamp came.
    pub streams_with_media: u32,
    /// PES packets that started.
    pub pes_starts: u64,
    /// PES packets that are not whole: they announce a length and got another, have a head that cannot be
    /// read, or have no head because the stream starts inside of them.
    pub pes_broken: u64,
    /// Breaks in the continuity counters.
    pub continuity_errors: u64,
    /// Packets with the transport error indicator, or with an adaptation field that does not fit.
    pub transport_errors: u64,
    /// Scrambled packets, whose content cannot be seen.
    pub scrambled: u64,
    /// The lowest presentation time stamp, 90 kHz, of the stream that starts first.
    pub first_pts: Option<u64>,
    /// From the first to the last presentation time stamp of the longest stream, plus one frame, 90 kHz.
    pub span: Option<u64>,
    /// Whether the first picture is marked as a point where a decoder can start; `None` without pictures.
    pub random_access_first: Option<bool>,
    /// Each stream that the program maps announce, by packet identifier.
    pub each_stream: Vec<StreamSummary>,
    /// What a closer look told, where one was asked for.
    pub closer: Option<CloserSummary>,
}

/// What was seen of one elementary stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamSummary {
    /// The packet identifier.
    pub pid: u16,
    /// As the program map has it (ISO/IEC 13818-1, table 2-34).
    pub stream_type: u8,
    /// What the type stands for.
    pub kind: StreamKind,
    /// PES packets that started.
    pub pes: u64,
    /// PES packets that are not whole.
    pub pes_broken: u64,
    /// Breaks in the continuity counter.
    pub continuity_errors: u64,
    /// The lowest presentation time stamp, 90 kHz.
    pub first_pts: Option<u64>,
    /// The highest presentation time stamp, 90 kHz.
    pub last_pts: Option<u64>,
    /// The typical time from one PES packet to the next in playing order, 90 kHz; 0 if unknown.
    pub step: u64,
    /// From the first to the last time stamp plus one step, 90 kHz. For sound, a short last PES packet counts
    /// by its length.
    pub span: Option<u64>,
    /// Whether the file starts inside a PES packet of this stream.
    pub starts_inside: bool,
    /// Whether the first PES packet is marked as a point where a decoder can start; `None` without one.
    pub random_access_first: Option<bool>,
    /// Pixels across and down, by the first parameter set of an H.264 stream; bounded in where it is looked for.
    pub picture: Option<(u32, u32)>,
}

/// What an elementary stream is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamKind {
    /// Pictures.
    Video,
    /// Sound.
    Audio,
    /// Subtitles, metadata, and whatever the type does not tell.
    Other,
}

/// Takes the bytes of one transport stream and counts.
#[derive(Debug, Clone)]
pub struct Examiner {
    pids: Pids,
    /// `Some` where more is asked than whether the stream is whole.
    closer: Option<Box<Closer>>,
    /// The start of a packet whose end did not come yet.
    partial: [u8; PACKET],
    partial_len: usize,
    summary: Summary,
}

/// All that is known about packet identifiers.
#[derive(Debug, Clone)]
struct Pids {
    /// For each packet identifier one more than its place in `known`; 0 as long as it did not come.
    places: Box<[u16]>,
    known: Vec<Pid>,
}

/// All that is known about one packet identifier.
#[derive(Debug, Clone)]
struct Pid {
    pid: u16,
    counter: Counter,
    continuity_errors: u64,
    /// `Some` where program tables lie.
    sections: Option<Assembler>,
    /// `Some` where a program map announces a stream.
    stream_type: Option<u8>,
    pes: Pes,
}

/// What the last byte that came is the last of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    OfFile,
    OfPrefix,
}

impl Default for Examiner {
    fn default() -> Self {
        Self::new()
    }
}

impl Examiner {
    /// An examiner for one file.
    #[must_use]
    pub fn new() -> Self {
        let mut examiner = Self {
            pids: Pids { places: vec![0; PIDS].into_boxed_slice(), known: Vec::new() },
            closer: None,
            partial: [0; PACKET],
            partial_len: 0,
            summary: Summary::default(),
        };
        examiner.pids.of(PAT_PID).sections = Some(Assembler::new());
        examiner
    }

    /// An examiner that looks at pictures, sound and the clock reference too: see [`CloserSummary`].
    #[must_use]
    pub fn looking_closer() -> Self {
        Self { closer: Some(Box::default()), ..Self::new() }
    }

    /// Takes the next bytes of the file, any number of them.
    pub fn push(&mut self, mut bytes: &[u8]) {
        if self.partial_len > 0 {
            let part;
            (part, bytes) = bytes.split_at(bytes.len().min(PACKET - self.partial_len));
            self.partial[self.partial_len..self.partial_len + part.len()].copy_from_slice(part);
            self.partial_len += part.len();
            if self.partial_len < PACKET {
                return;
            }
            let packet = self.partial;
            self.examine(&packet);
        }
        let (packets, rest) = bytes.as_chunks::<PACKET>();
        for packet in packets {
            self.examine(packet);
        }
        self.partial[..rest.len()].copy_from_slice(rest);
        self.partial_len = rest.len();
    }

    /// Ends the file.
    #[must_use]
    pub fn finish(self) -> Summary {
        self.finish_at(End::OfFile)
    }

    /// Ends where reading stopped although the file goes on: that something is cut there is no fault of it. What
    /// is told holds for the part that came.
    #[must_use]
    pub fn finish_prefix(self) -> Summary {
        self.finish_at(End::OfPrefix)
    }

    fn finish_at(mut self, end: End) -> Summary {
        let mut summary = self.summary;
        let mut pids = self.pids.known;
        pids.sort_unstable_by_key(|pid| pid.pid);
        let kinds = pids.iter().filter_map(|pid| Some((StreamKind::of(pid.stream_type?), pid.pes.starts)));
        summary.closer = self.closer.take().map(|closer| closer.finish(kinds));
        if end == End::OfFile {
            summary.trailing_bytes = self.partial_len as u64;
        }
        for mut pid in pids {
            summary.continuity_errors += pid.continuity_errors;
            match end {
                End::OfFile => {
                    if pid.sections.as_ref().is_some_and(Assembler::is_inside) {
                        summary.bad_sections += 1;
                    }
                    pid.pes.end();
                }
                End::OfPrefix => pid.pes.stop(),
            }
            if let Some(stream_type) = pid.stream_type {
                summary.add(summarize(pid, stream_type));
            } else if !summary.has_pmt && pid.sections.is_none() {
                // Nothing says what these are, so all that look like PES packets are.
                summary.pes_starts += pid.pes.starts;
                summary.pes_broken += pid.pes.broken;
            }
        }
        summary
    }

    #[inline]
    fn examine(&mut self, bytes: &[u8; PACKET]) {
        let packet = match Packet::read(bytes) {
            Ok(packet) => packet,
            Err(Unusable::LostSync) => {
                self.summary.lost_sync += 1;
                return;
            }
            Err(Unusable::Damaged) => {
                self.summary.packets += 1;
                self.summary.transport_errors += 1;
                return;
            }
            Err(Unusable::Reserved) => {
                self.summary.packets += 1;
                return;
            }
        };
        self.summary.packets += 1;
        let number = packet.pid();
        if number == NULL_PID {
            return;
        }
        let pid = self.pids.of(number);
        let step = pid.counter.step(&packet);
        match step {
            Step::Next => {}
            Step::Duplicate => return,
            Step::Announced | Step::Break => pid.interrupt(step),
        }
        if packet.is_scrambled() {
            pid.pes.lose();
            self.summary.scrambled += 1;
            if let Some(closer) = &mut self.closer {
                closer.lose(number);
            }
            return;
        }
        if let Some(closer) = &mut self.closer {
            closer.take(&packet, step);
        }
        if !packet.has_payload() {
            return;
        }
        if pid.sections.is_some() {
            self.take_tables(&packet);
        } else if packet.starts_unit() {
            if number >= FIRST_FREE_PID {
                pid.pes.start(packet.payload(), packet.is_random_access());
            }
        } else {
            pid.pes.take(packet.payload());
        }
    }

    /// Reads tables; rare, so it may take its time.
    #[cold]
    fn take_tables(&mut self, packet: &Packet<'_>) {
        let number = packet.pid();
        // Taken out, because what is read changes other packet identifiers.
        let Some(mut sections) = self.pids.of(number).sections.take() else { return };
        sections.push(packet.payload(), packet.starts_unit(), |section| match section {
            Section::Programs(body) if number == PAT_PID => {
                for map in tables::program_maps(body) {
                    self.summary.has_pat = true;
                    if map != PAT_PID && map != NULL_PID && map != number {
                        self.pids.of(map).sections.get_or_insert_with(Assembler::new);
                    }
                }
            }
            Section::Streams(body) if number != PAT_PID => {
                self.summary.has_pmt = true;
                if let (Some(closer), Some(clock)) = (&mut self.closer, tables::clock_pid(body)) {
                    closer.set_clock(clock);
                }
                for (stream_type, stream) in tables::streams(body) {
                    if stream != PAT_PID && stream != NULL_PID {
                        if let Some(closer) = &mut self.closer {
                            closer.announce(stream, stream_type);
                        }
                        self.pids.of(stream).stream_type = Some(stream_type);
                    }
                }
            }
            Section::Programs(_) | Section::Streams(_) | Section::Other => {}
            Section::Bad => self.summary.bad_sections += 1,
        });
        self.pids.of(number).sections = Some(sections);
    }
}

impl Pids {
    #[inline]
    fn of(&mut self, number: u16) -> &mut Pid {
        let place = &mut self.places[usize::from(number)];
        if *place == 0 {
            self.known.push(Pid::new(number));
            // There are fewer packet identifiers than the type can count.
            *place = u16::try_from(self.known.len()).unwrap_or_default();
        }
        &mut self.known[usize::from(*place) - 1]
    }
}

impl Pid {
    fn new(pid: u16) -> Self {
        Self {
            pid,
            counter: Counter::default(),
            continuity_errors: 0,
            sections: None,
            stream_type: None,
            pes: Pes::default(),
        }
    }

    /// Ends what cannot go on behind missing packets.
    #[cold]
    fn interrupt(&mut self, step: Step) {
        if step == Step::Break {
            self.continuity_errors += 1;
        }
        if let Some(sections) = &mut self.sections {
            sections.drop_partial();
        }
    }
}

impl Summary {
    /// The codecs that the program maps announce, pictures before sound: `h264+aac`. `None` without any.
    #[must_use]
    pub fn codecs(&self) -> Option<String> {
        let of = |kind| self.each_stream.iter().filter(move |stream| stream.kind == kind);
        let streams = of(StreamKind::Video).chain(of(StreamKind::Audio));
        let names: Vec<_> = streams.map(|stream| codec(stream.stream_type)).collect();
        // A program map has a kilobyte, but a hostile file may have many.
        (!names.is_empty() && names.len() <= 16).then(|| names.join("+"))
    }

    /// The size of the picture, where there is one and it could be read.
    #[must_use]
    pub fn picture(&self) -> Option<(u32, u32)> {
        self.each_stream.iter().find_map(|stream| stream.picture)
    }

    fn add(&mut self, stream: StreamSummary) {
        self.streams += 1;
        self.pes_starts += stream.pes;
        self.pes_broken += stream.pes_broken;
        self.span = self.span.max(stream.span);
        if stream.kind == StreamKind::Video {
            self.random_access_first = self.random_access_first.or(stream.random_access_first);
        }
        if let Some(pts) = stream.first_pts {
            self.streams_with_media += 1;
            if self.first_pts.is_none_or(|first| signed_distance(first, pts) < 0) {
                self.first_pts = Some(pts);
            }
        }
        self.each_stream.push(stream);
    }
}

fn summarize(pid: Pid, stream_type: u8) -> StreamSummary {
    let kind = StreamKind::of(stream_type);
    let pes = pid.pes;
    let picture = pes.sps.size.filter(|_| matches!(stream_type, 0x1b | 0xdb));
    let (first_pts, last_pts, reach) = (pes.stamps.first_pts(), pes.stamps.last_pts(), pes.stamps.reach());
    let last_part = match kind {
        StreamKind::Audio => pes.last_part(),
        StreamKind::Video | StreamKind::Other => 256,
    };
    let pes_broken = pes.broken
        + if carries_sections(stream_type) { 0 } else { pes.not_pes + u64::from(pes.starts_inside) };
    let step = pes.stamps.typical_step();
    StreamSummary {
        pid: pid.pid,
        stream_type,
        kind,
        pes: pes.starts,
        pes_broken,
        continuity_errors: pid.continuity_errors,
        first_pts,
        last_pts,
        step,
        span: first_pts.map(|_| reach + step * last_part / 256),
        starts_inside: pes.starts_inside,
        random_access_first: pes.random_access_first,
        picture,
    }
}

/// Private sections, DSM-CC and splice tables come without PES packets.
fn carries_sections(stream_type: u8) -> bool {
    matches!(stream_type, 0x05 | 0x0a..=0x0d | 0x14 | 0x86)
}

/// The common name of a codec, in lower case; the number of a type that has none here.
#[must_use]
pub fn codec(stream_type: u8) -> String {
    let name = match stream_type {
        0x01 => "mpeg1",
        0x02 => "mpeg2",
        0x03 | 0x04 => "mp3",
        0x0f => "aac",
        0x10 => "mpeg4",
        0x11 => "aac-latm",
        0x1b | 0xdb => "h264",
        0x24 => "hevc",
        0x81 => "ac3",
        other => return format!("type-{other:02x}"),
    };
    name.to_owned()
}

impl StreamKind {
    /// By ISO/IEC 13818-1, table 2-34, and the types that ATSC, HLS (sample encryption) and AVS registered.
    #[must_use]
    pub fn of(stream_type: u8) -> Self {
        match stream_type {
            0x01 | 0x02 | 0x10 | 0x1b | 0x1f | 0x20 | 0x21 | 0x24 | 0x33 | 0x42 | 0xd2 | 0xdb | 0xea => {
                Self::Video
            }
            0x03 | 0x04 | 0x0f | 0x11 | 0x1c | 0x81 | 0x87 | 0xc1 | 0xc2 | 0xcf => Self::Audio,
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests;
