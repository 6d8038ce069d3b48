//! What a DASH manifest (`…__uid_e_av.mpd`) names. Agora writes one for VP8 and VP9 senders in the stream
//! mode `standard`, in place of a master playlist.
//!
//! No verbatim sample was to be had. Agora's own script (2021) reads `media="<name>_<type>_<utc>…"` and
//! elements `ExtDiscontinuity` with `time`, `width`, `height` and `rotate`; besides, what the standard
//! (ISO/IEC 23009-1) calls `SegmentURL`, `BaseURL`, `SegmentTemplate` and `Initialization` is looked at. Nothing
//! is expanded or resolved: names count, wherever they stand, and a template is a name that is not there.
//! So a manifest is a witness of slices, and never the authority on how many there are.

use std::collections::HashSet;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::finding::Finding;
use super::key::{ObjectKey, ObjectName};
use super::time::SliceTime;

/// How many names of one manifest are read.
pub const MAX_NAMES: usize = 100_000;

/// Attributes that carry the name of an object.
const NAMING: [&[u8]; 4] = [b"media", b"initialization", b"sourceURL", b"index"];

/// A manifest as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// Where it lies; names in it are relative to this folder.
    pub key: ObjectKey,
    /// The objects that it names, each once, in its order. What cannot be a safe name is left out.
    pub names: Vec<ObjectName>,
    /// Agora's marks of where a track starts anew.
    pub discontinuities: Vec<ExtDiscontinuity>,
}

/// Agora's own element: the picture changes, or the track starts anew.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ExtDiscontinuity {
    /// When.
    pub time: Option<SliceTime>,
    /// Pixels across.
    pub width: Option<u32>,
    /// Pixels down.
    pub height: Option<u32>,
    /// By how many degrees the picture has to be turned, anticlockwise.
    pub rotate: Option<u32>,
}

/// Reads a manifest. Takes time linear in its length and keeps at most [`MAX_NAMES`] names; text that is no
/// XML gives a finding, and what came before it counts.
#[must_use]
pub fn read(key: &ObjectKey, bytes: &[u8]) -> (Manifest, Vec<Finding>) {
    let mut manifest = Manifest { key: key.clone(), names: Vec::new(), discontinuities: Vec::new() };
    let mut seen = HashSet::new();
    let mut reader = Reader::from_reader(bytes);
    // Of broken nesting nothing here depends.
    reader.config_mut().check_end_names = false;
    reader.config_mut().allow_unmatched_ends = true;
    let (mut is_manifest, mut in_base_url, mut whole) = (false, false, true);
    let mut base_url = String::new();
    loop {
        match reader.read_event() {
            Ok(Event::Start(element)) => {
                is_manifest |= element.local_name().as_ref() == b"MPD";
                in_base_url = element.local_name().as_ref() == b"BaseURL";
                base_url.clear();
                take(&element, &mut manifest, &mut seen);
            }
            Ok(Event::Empty(element)) => take(&element, &mut manifest, &mut seen),
            Ok(Event::Text(text)) if in_base_url => base_url.push_str(&String::from_utf8_lossy(&text)),
            Ok(Event::GeneralRef(reference)) if in_base_url => {
                let name = String::from_utf8_lossy(&reference);
                base_url.push_str(quick_xml::escape::resolve_predefined_entity(&name).unwrap_or("\u{fffd}"));
            }
            Ok(Event::End(_)) => {
                if std::mem::take(&mut in_base_url) {
                    keep(base_url.trim(), &mut manifest, &mut seen);
                }
            }
            Ok(Event::Eof) => break,
            Ok(
                Event::Text(_)
                | Event::CData(_)
                | Event::Comment(_)
                | Event::Decl(_)
                | Event::PI(_)
                | Event::DocType(_)
                | Event::GeneralRef(_),
            ) => {}
            Err(_) => {
                whole = false;
                break;
            }
        }
        if manifest.names.len() >= MAX_NAMES {
            whole = false;
            break;
        }
    }
    let findings =
        if whole && is_manifest { Vec::new() } else { vec![Finding::BadManifest { key: key.clone() }] };
    (manifest, findings)
}

fn take(element: &BytesStart<'_>, manifest: &mut Manifest, seen: &mut HashSet<ObjectName>) {
    let is_break = element.local_name().as_ref() == b"ExtDiscontinuity";
    let mut found = ExtDiscontinuity::default();
    // Without the check for repeated attributes, which takes quadratic time on hostile text.
    for attribute in element.attributes().with_checks(false).flatten() {
        let raw = String::from_utf8_lossy(&attribute.value);
        let value = quick_xml::escape::unescape(&raw).unwrap_or(std::borrow::Cow::Borrowed(&raw));
        let name = attribute.key.local_name();
        let name = name.as_ref();
        if NAMING.contains(&name) {
            keep(&value, manifest, seen);
        } else if is_break {
            match name {
                b"time" => found.time = SliceTime::parse(&value),
                b"width" => found.width = value.parse().ok(),
                b"height" => found.height = value.parse().ok(),
                b"rotate" => found.rotate = value.parse().ok(),
                _ => {}
            }
        }
    }
    if is_break && manifest.discontinuities.len() < MAX_NAMES {
        manifest.discontinuities.push(found);
    }
}

fn keep(text: &str, manifest: &mut Manifest, seen: &mut HashSet<ObjectName>) {
    // A `BaseURL` that is a folder names nothing by itself, and one with a host is no file of the recording.
    if text.contains("://") || text.starts_with("//") {
        return;
    }
    if let Ok(name) = ObjectName::parse(text)
        && seen.insert(name.clone())
    {
        manifest.names.push(name);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key() -> ObjectKey {
        ObjectKey::parse("math/sid_a&b__uid_s_7__uid_e_av.mpd").unwrap()
    }

    fn names(text: &str) -> (Vec<String>, usize) {
        let (manifest, findings) = read(&key(), text.as_bytes());
        (manifest.names.iter().map(ToString::to_string).collect(), findings.len())
    }

    #[test]
    fn slices_are_named_by_attributes_and_texts() {
        let text = r#"<?xml version="1.0"?><!-- x --><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><Period>
            <AdaptationSet><ExtDiscontinuity time="20190920125142485" width="640" height="480" rotate="90"/>
            <SegmentList><Initialization sourceURL="i.webm"/>
            <SegmentURL media="sid_a&amp;b__uid_s_7__uid_e_video_20190920125142485.webm" duration="15"/>
            <SegmentURL media="sid_a&amp;b__uid_s_7__uid_e_video_20190920125142485.webm"></SegmentURL></SegmentList>
            <BaseURL> sid_a&amp;b__uid_s_7__uid_e_audio_20190920125142485.webm </BaseURL>
            <BaseURL>https://h/x.webm</BaseURL><SegmentTemplate media="v_$Number$.webm" initialization="../up"/>
            </AdaptationSet></Period></MPD>"#;
        let expected = [
            "i.webm",
            "sid_a&b__uid_s_7__uid_e_video_20190920125142485.webm",
            "sid_a&b__uid_s_7__uid_e_audio_20190920125142485.webm",
            "v_$Number$.webm",
        ];
        assert_eq!(names(text), (expected.map(str::to_owned).to_vec(), 0));
        let (manifest, _) = read(&key(), text.as_bytes());
        let time = SliceTime::parse("20190920125142485");
        let mark = ExtDiscontinuity { time, width: Some(640), height: Some(480), rotate: Some(90) };
        assert_eq!(manifest.discontinuities, [mark]);
    }

    #[test]
    fn what_is_cut_or_no_manifest_gives_what_came_before_and_a_finding() {
        for (text, found) in [
            (r#"<MPD><SegmentURL media="a.webm"/><SegmentURL media="b.we"#, 1),
            ("", 0),
            ("<Error><Code>AccessDenied</Code></Error>", 0),
            ("just text", 0),
        ] {
            let (names, findings) = names(text);
            assert_eq!((names.len(), findings), (found, 1), "{text}");
        }
    }

    #[test]
    fn entities_of_its_own_are_not_expanded_and_there_is_a_bound() {
        let text =
            r#"<!DOCTYPE x [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;">]><MPD><S media="&b;.webm"/></MPD>"#;
        assert_eq!(names(text), (vec!["&b;.webm".to_owned()], 0));
        let many: String = (0..MAX_NAMES + 10).map(|n| format!("<S media=\"{n}\"/>")).collect();
        let (names, findings) = names(&format!("<MPD>{many}</MPD>"));
        assert_eq!((names.len(), findings), (MAX_NAMES, 1));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(text in "(<|>|/|\"|=|&|;|MPD|S|media|BaseURL|!|\\[|[a-z ]){0,60}") {
            let (manifest, _) = read(&key(), text.as_bytes());
            prop_assert!(manifest.names.len() <= text.len());
        }
    }
}
