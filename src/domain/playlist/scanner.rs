//! The line scanner: the authority on which segments a playlist lists.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use super::crosscheck::Guarded;
use super::{
    ByteRange, Child, Discontinuity, Encryption, Ended, Gap, InitSection, MAX_BYTES, MAX_LINES, Mark,
    Playlist, Segment, SegmentUri, Tag, UriPolicy, attributes, master, uri,
};
use crate::domain::bytes;
use crate::domain::finding::{Finding, NotPlaylist};
use crate::domain::key::{KeyPrefix, ObjectKey, ObjectName};

/// Tags that are about one entry, and not about all that follow (RFC 8216, 4.3.2; 8216bis for `GAP`).
const TAGS_OF_ONE_ENTRY: [&str; 4] =
    ["#EXTINF", "#EXT-X-BYTERANGE", "#EXT-X-GAP", "#EXT-X-PROGRAM-DATE-TIME"];

/// Tags that concern the playlist, wherever they stand (RFC 8216 section 4.3.3, and those of old and later
/// versions of the protocol).
const HEADER_TAGS: [&str; 13] = [
    "#EXTM3U",
    "#EXT-X-VERSION",
    "#EXT-X-TARGETDURATION",
    "#EXT-X-MEDIA-SEQUENCE",
    "#EXT-X-DISCONTINUITY-SEQUENCE",
    "#EXT-X-PLAYLIST-TYPE",
    "#EXT-X-ALLOW-CACHE",
    "#EXT-X-I-FRAMES-ONLY",
    "#EXT-X-INDEPENDENT-SEGMENTS",
    "#EXT-X-START",
    "#EXT-X-DEFINE",
    "#EXT-X-PART-INF",
    "#EXT-X-SERVER-CONTROL",
];

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Reads the lines. The copy for the second reader is absent where there is nothing to compare: text that
/// is no playlist, and master playlists.
pub(super) fn scan<'a>(
    key: &'a ObjectKey,
    bytes: &'a [u8],
    policy: UriPolicy,
) -> (Playlist, Vec<Finding>, Option<Guarded>) {
    let mut scanner = Scanner::new(key, policy);
    let (text, fits) = whole_lines_within_limit(bytes);
    let mut lines = Lines::of(text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text));
    let Some(first) = lines.by_ref().find(|line| !line.bytes.is_empty()) else {
        scanner.findings.push(match fits {
            Fits::Yes => Finding::NotAPlaylist { playlist: key.clone(), what: NotPlaylist::Empty },
            Fits::No { limit } => Finding::TooLarge { playlist: key.clone(), limit },
        });
        return (scanner.playlist, scanner.findings, None);
    };
    if let Some(what) = not_a_playlist(first.bytes) {
        scanner.findings.push(Finding::NotAPlaylist { playlist: key.clone(), what });
        return (scanner.playlist, scanner.findings, None);
    }
    let mut last = first;
    let mut fits = fits;
    scanner.line(&first);
    for line in lines {
        if line.number > MAX_LINES {
            fits = Fits::No { limit: MAX_LINES };
            break;
        }
        if !line.bytes.is_empty() {
            scanner.line(&line);
            last = line;
        }
    }
    scanner.finish(&last, fits)
}

#[derive(Clone, Copy)]
enum Fits {
    Yes,
    No { limit: usize },
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum LineEnd {
    There,
    Missing,
}

/// One line without its end, and without spaces and carriage returns around it.
#[derive(Clone, Copy)]
struct Line<'a> {
    number: usize,
    bytes: &'a [u8],
    /// Without its end only.
    verbatim: &'a [u8],
    end: LineEnd,
}

/// Lines end with a line feed. Text that has none but carriage returns is of the old kind that ends lines
/// with those.
struct Lines<'a> {
    rest: &'a [u8],
    number: usize,
    end: u8,
}

impl<'a> Lines<'a> {
    fn of(text: &'a [u8]) -> Self {
        let end = if text.contains(&b'\n') || !text.contains(&b'\r') { b'\n' } else { b'\r' };
        Self { rest: text, number: 0, end }
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = Line<'a>;

    fn next(&mut self) -> Option<Line<'a>> {
        if self.rest.is_empty() {
            return None;
        }
        self.number += 1;
        let end = self.end;
        let (verbatim, rest, end) = match bytes::position(self.rest, end) {
            Some(at) => (&self.rest[..at], &self.rest[at + 1..], LineEnd::There),
            None => (self.rest, &self.rest[self.rest.len()..], LineEnd::Missing),
        };
        self.rest = rest;
        let verbatim = verbatim.strip_suffix(b"\r").unwrap_or(verbatim);
        Some(Line { number: self.number, bytes: trimmed(verbatim), verbatim, end })
    }
}

/// What is no UTF-8 is replaced; most is.
fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

fn trimmed(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t' | b'\r', rest @ ..] | [rest @ .., b' ' | b'\t' | b'\r'] = bytes {
        bytes = rest;
    }
    bytes
}

/// What is read of a text that is too large ends with a whole line, so that nothing looks like a cut.
fn whole_lines_within_limit(bytes: &[u8]) -> (&[u8], Fits) {
    match bytes.get(..MAX_BYTES) {
        Some(start) if bytes.len() > MAX_BYTES => {
            let end = start.iter().rposition(|b| *b == b'\n' || *b == b'\r').map_or(0, |at| at + 1);
            (&start[..end], Fits::No { limit: MAX_BYTES })
        }
        _ => (bytes, Fits::Yes),
    }
}

fn not_a_playlist(first: &[u8]) -> Option<NotPlaylist> {
    let starts = |with: &[u8]| first.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with));
    if first == b"#EXTM3U" || first.starts_with(b"#EXTM3U ") || first.starts_with(b"#EXTM3U\t") {
        None
    } else if [&b"<!doctype html"[..], b"<html", b"<head", b"<body"].iter().any(|tag| starts(tag)) {
        Some(NotPlaylist::Html)
    } else if first.starts_with(b"<") {
        Some(NotPlaylist::Xml)
    } else {
        Some(NotPlaylist::Other)
    }
}

/// What was said since the last URI.
#[derive(Default)]
struct Pending {
    duration: Option<(usize, Option<Duration>)>,
    byte_range: Option<(usize, u64, Option<u64>)>,
    discontinuity: Discontinuity,
    gap: Gap,
    names_a_playlist: bool,
    marks: Vec<Mark>,
    tags: Vec<Tag>,
    /// So many of the tags stood before a repetition and hold for what comes next.
    kept: usize,
}

struct Scanner<'a> {
    key: &'a ObjectKey,
    folder: KeyPrefix,
    policy: UriPolicy,
    playlist: Playlist,
    findings: Vec<Finding>,
    guarded: Guarded,
    pending: Pending,
    map: Option<Arc<InitSection>>,
    encryption: Encryption,
    encryption_was_told: bool,
    /// Where a byte range without an offset goes on.
    range_end: Option<(SegmentUri, u64)>,
    seen: Seen<'a>,
}

/// What is requested: URIs word for word, no two of which stand for the same, with their ranges.
///
/// Agora's names rise with time. As long as each is above the one before none can come twice, and only where
/// that ends a set is made of all.
#[derive(Default)]
struct Seen<'a> {
    rising: Vec<Entry<'a>>,
    /// Empty as long as they rise.
    all: HashSet<Entry<'a>>,
}

type Entry<'a> = (Cow<'a, str>, Option<ByteRange>);

impl<'a> Seen<'a> {
    /// `false` where it was seen before.
    fn insert(&mut self, entry: Entry<'a>) -> bool {
        if !self.all.is_empty() {
            return self.all.insert(entry);
        }
        if self.rising.last().is_none_or(|last| last.0 < entry.0) {
            self.rising.push(entry);
            return true;
        }
        self.all = self.rising.drain(..).collect();
        self.all.insert(entry)
    }
}

impl<'a> Scanner<'a> {
    fn new(key: &'a ObjectKey, policy: UriPolicy) -> Self {
        Self {
            key,
            folder: key.folder(),
            policy,
            playlist: Playlist {
                key: key.clone(),
                segments: Vec::new(),
                children: Vec::new(),
                ended: Ended::No,
                target_duration: None,
                media_sequence: None,
                header: Vec::new(),
                trailing: Vec::new(),
                closing_marks: Vec::new(),
            },
            findings: Vec::new(),
            guarded: Guarded::default(),
            pending: Pending::default(),
            map: None,
            encryption: Encryption::Clear,
            encryption_was_told: false,
            range_end: None,
            seen: Seen::default(),
        }
    }

    fn line(&mut self, line: &Line<'a>) {
        let text = lossy(line.bytes);
        if matches!(text, Cow::Owned(_)) {
            self.findings.push(Finding::NotUtf8 { playlist: self.key.clone(), line: line.number });
        }
        if text.starts_with('#') {
            self.tag(line.number, &text, line.verbatim);
        } else {
            self.uri(line.number, text);
        }
    }

    fn tag(&mut self, line: usize, text: &str, verbatim: &[u8]) {
        let (name, value) = match bytes::split_once(text, b':') {
            Some((name, value)) => (name, Some(value)),
            None => (text, None),
        };
        self.meaning(line, name, value.unwrap_or_default().trim_matches([' ', '\t']));
        self.guarded.tag(text, name, value);
        let name = name.split([' ', '\t']).next().unwrap_or(name);
        let tags =
            if HEADER_TAGS.contains(&name) { &mut self.playlist.header } else { &mut self.pending.tags };
        // Mostly there is nothing around it.
        let same = verbatim == text.as_bytes();
        let text = if same { text.to_owned() } else { lossy(verbatim).into_owned() };
        tags.push(Tag { line, text });
    }

    fn meaning(&mut self, line: usize, name: &str, value: &str) {
        match name {
            "#EXTINF" => self.duration(line, value),
            "#EXT-X-ENDLIST" => self.playlist.ended = Ended::Yes,
            "#EXT-X-DISCONTINUITY" => self.pending.discontinuity = Discontinuity::Restarts,
            "#EXT-X-GAP" => self.pending.gap = Gap::Announced,
            "#EXT-X-STREAM-INF" => self.pending.names_a_playlist = true,
            "#EXT-X-MEDIA" | "#EXT-X-I-FRAME-STREAM-INF" => self.rendition(line, name, value),
            "#EXT-X-KEY" => self.encryption(line, name, value),
            "#EXT-X-MAP" => self.init_section(line, name, value),
            "#EXT-X-TARGETDURATION" => match attributes::seconds(value) {
                Some(duration) => self.playlist.target_duration = Some(duration),
                None => self.bad(line, name),
            },
            "#EXT-X-MEDIA-SEQUENCE" => match attributes::number(value) {
                Some(number) => self.playlist.media_sequence = Some(number),
                None => self.bad(line, name),
            },
            "#EXT-X-BYTERANGE" => match attributes::byte_range(value) {
                Some((length, offset)) => self.pending.byte_range = Some((line, length, offset)),
                None => self.bad(line, name),
            },
            "#EXT-X-AGORA-TRACK-EVENT" => self.mark(line, name, attributes::track_event(value)),
            "#EXT-X-AGORA-ROTATE" => self.mark(line, name, attributes::rotate(value)),
            _ => {}
        }
    }

    /// `#EXTINF:6.332000` without a comma is Agora's usual form (private parameter `correctEXTINF`); all
    /// behind the first comma is a title.
    fn duration(&mut self, line: usize, value: &str) {
        let number = value.split(',').next().unwrap_or(value).trim_matches([' ', '\t']);
        let duration = attributes::seconds(number);
        if let Some(duration) = duration {
            self.guarded.duration(duration);
        }
        if let Some((line, _)) = self.pending.duration.replace((line, duration)) {
            self.findings.push(Finding::DurationWithoutUri { playlist: self.key.clone(), line });
        }
    }

    fn mark(&mut self, line: usize, name: &str, mark: Option<Mark>) {
        match mark {
            Some(mark) => self.pending.marks.push(mark),
            None => self.bad(line, name),
        }
    }

    fn encryption(&mut self, line: usize, name: &str, value: &str) {
        let method = attributes::list(value).and_then(|pairs| attributes::find(&pairs, "METHOD"));
        match method {
            Some("NONE") => {
                self.encryption = Encryption::Clear;
                return;
            }
            Some(_) => {}
            None => self.bad(line, name),
        }
        // A key that cannot be read is a key all the same: to call its segments clear would be a guess.
        self.encryption = Encryption::Key { line };
        if !self.encryption_was_told {
            self.encryption_was_told = true;
            self.findings.push(Finding::Encrypted { playlist: self.key.clone(), line });
        }
    }

    fn init_section(&mut self, line: usize, name: &str, value: &str) {
        let pairs = attributes::list(value).unwrap_or_default();
        let Some(text) = attributes::find(&pairs, "URI") else {
            self.bad(line, name);
            return;
        };
        let range = attributes::find(&pairs, "BYTERANGE");
        let byte_range = range.and_then(attributes::whole_range);
        if range.is_some() && byte_range.is_none() {
            self.bad(line, name);
        }
        let uri = self.checked(line, text);
        self.map = Some(Arc::new(InitSection { line, uri, byte_range }));
    }

    fn rendition(&mut self, line: usize, name: &str, value: &str) {
        match attributes::list(value) {
            Some(pairs) => {
                if let Some(text) = attributes::find(&pairs, "URI") {
                    let uri = self.checked(line, text);
                    self.playlist.children.push(Child { line, uri });
                }
            }
            None => self.bad(line, name),
        }
    }

    fn uri(&mut self, line: usize, text: Cow<'a, str>) {
        let uri = self.checked(line, &text);
        // A playlist's name without a duration is no segment, whatever tag is missing before it.
        let bare_name = self.pending.duration.is_none() && master::names_a_playlist(&text);
        if std::mem::take(&mut self.pending.names_a_playlist) || bare_name {
            self.playlist.children.push(Child { line, uri });
            return;
        }
        self.guarded.uri(&text);
        let duration = self.pending.duration.take().and_then(|(_, duration)| duration);
        if duration.is_none() {
            self.findings.push(Finding::UriWithoutDuration { playlist: self.key.clone(), line });
        }
        let gap = std::mem::take(&mut self.pending.gap);
        let byte_range = self.byte_range(&uri);
        if let Some(name) = self.repeated(text, &uri, byte_range) {
            // What was said before the repetition (a discontinuity, a mark) holds for what comes next, but for
            // what is about one entry only.
            // Those that were kept before are not asked again: there may be as many as lines.
            let of_one_entry = |tag: &mut Tag| {
                let tag_name = tag.text.split([':', ' ', '\t']).next().unwrap_or_default();
                TAGS_OF_ONE_ENTRY.contains(&tag_name)
            };
            self.pending.tags.extract_if(self.pending.kept.., of_one_entry).for_each(drop);
            self.pending.kept = self.pending.tags.len();
            self.findings.push(Finding::ListedTwice { playlist: self.key.clone(), line, name });
            return;
        }
        let tags = self.pending.tags.drain(..).collect();
        // The room for tags is used again: most segments have one of their own.
        let room = std::mem::take(&mut self.pending.tags);
        let pending = std::mem::replace(&mut self.pending, Pending { tags: room, ..Pending::default() });
        self.playlist.segments.push(Segment {
            index: self.playlist.segments.len(),
            line,
            uri,
            duration,
            discontinuity: pending.discontinuity,
            gap,
            byte_range,
            map: self.map.clone(),
            encryption: self.encryption,
            marks: pending.marks,
            tags,
        });
    }

    fn checked(&mut self, line: usize, text: &str) -> SegmentUri {
        uri::classify(text, &self.folder, self.policy).unwrap_or_else(|why| {
            let shown = uri::shown(text);
            let playlist = self.key.clone();
            self.findings.push(Finding::UnsafeUri { playlist, line, uri: shown.clone(), why });
            SegmentUri::Unsafe(shown)
        })
    }

    /// Without an offset a range starts where the one of the entry before ended (RFC 8216 section 4.3.2.2).
    fn byte_range(&mut self, uri: &SegmentUri) -> Option<ByteRange> {
        let before = self.range_end.take();
        let (line, length, offset) = self.pending.byte_range.take()?;
        let offset = offset.or_else(|| before.filter(|(of, _)| of == uri).map(|(_, end)| end));
        let range = offset.map(|offset| ByteRange { offset, length });
        let Some((range, end)) = range.and_then(|range| range.end().map(|end| (range, end))) else {
            self.bad(line, "#EXT-X-BYTERANGE");
            return None;
        };
        self.range_end = Some((uri.clone(), end));
        Some(range)
    }

    /// The name of an entry that was listed before. Those that are not requested are not compared: of
    /// them only a shortened text is known, and each one is reported anyhow.
    fn repeated(
        &mut self,
        text: Cow<'a, str>,
        uri: &SegmentUri,
        byte_range: Option<ByteRange>,
    ) -> Option<ObjectName> {
        let of_url = match uri {
            SegmentUri::Name(_) | SegmentUri::Rooted(_) => None,
            SegmentUri::Elsewhere(url) => {
                // The query may hold a signature, and tells nothing to a reader.
                Some(ObjectName::parse(url.split(['?', '#']).next().unwrap_or(url)).ok()?)
            }
            SegmentUri::Unsafe(_) => return None,
        };
        if self.seen.insert((text, byte_range)) {
            return None;
        }
        match uri {
            SegmentUri::Name(name) => Some(name.clone()),
            SegmentUri::Rooted(key) => ObjectName::parse(key.as_str()).ok(),
            SegmentUri::Elsewhere(_) | SegmentUri::Unsafe(_) => of_url,
        }
    }

    fn bad(&mut self, line: usize, tag: &str) {
        self.findings.push(Finding::BadTag { playlist: self.key.clone(), line, tag: tag.to_owned() });
    }

    fn finish(mut self, last: &Line<'_>, fits: Fits) -> (Playlist, Vec<Finding>, Option<Guarded>) {
        let playlist = || self.key.clone();
        if let Some((line, _)) = self.pending.duration.take() {
            self.findings.push(Finding::DurationWithoutUri { playlist: playlist(), line });
        }
        if last.end == LineEnd::Missing && last.bytes != b"#EXT-X-ENDLIST" {
            self.findings.push(Finding::CutOff { playlist: playlist(), line: last.number });
        }
        // A master playlist lists no segments and never ends.
        let is_master = !self.playlist.children.is_empty() && self.playlist.segments.is_empty();
        if self.playlist.segments.is_empty() && !is_master {
            self.findings.push(Finding::ListsNothing { playlist: playlist() });
        }
        match fits {
            Fits::No { limit } => {
                self.playlist.ended = Ended::No;
                self.findings.push(Finding::TooLarge { playlist: playlist(), limit });
            }
            Fits::Yes if self.playlist.ended == Ended::No && !is_master => {
                self.findings.push(Finding::NotEnded { playlist: playlist() });
            }
            Fits::Yes => {}
        }
        self.playlist.closing_marks = self.pending.marks;
        self.playlist.trailing = self.pending.tags;
        let comparable = self.playlist.children.is_empty();
        (self.playlist, self.findings, comparable.then_some(self.guarded))
    }
}
