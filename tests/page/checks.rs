//! Checks to show: of any number of segments, with everything that a check can say.

use recfetch::documents::{
    AboutV1, CHECK_FORMAT, CheckV1, CheckedFileV1, CheckedSegmentV1, CheckedStoreV1, CheckedTrackV1,
    DiagnosisV1, MediaV1, StretchV1, TotalsV1,
};

/// 2026-09-20 12:51:42.485 UTC, in milliseconds since 1970.
pub(crate) const START: i64 = 1_789_908_702_485;
const SID: &str = "38f8e3cfdc474cd56fc1ceba380d7e1a";

/// Texts that would be markup, script or trouble if anybody took them for it.
pub(crate) const HOSTILE: &[&str] = &[
    "</script><script>window.broken=1;alert(1)</script>",
    "<!--<script>",
    "]]><img src=x onerror=\"window.broken=1\">",
    "\u{2028}\u{2029}';window.broken=1;//\"\\",
    "{{script}}{{check}}",
    "<svg/onload=window.broken=1>\u{202e}txt.ts\u{0}\u{7}",
    "__proto__",
    "a&lt;b&#x3c;img src=http://127.0.0.1:9/leak>",
];

/// What happens to every so-many-th segment.
#[derive(Clone, Copy, PartialEq)]
enum Fate {
    Present,
    Elsewhere,
    Lost,
    Unknown,
    Frozen,
    /// Present, and a hole behind it that nobody listed.
    Hole,
    /// Present, and a break behind it in which nobody sent.
    Break,
    /// Far smaller than the others.
    Small,
    /// Far larger than the others.
    Large,
}

fn fate(index: usize) -> Fate {
    match index % 60 {
        7 | 8 => Fate::Elsewhere,
        19 => Fate::Lost,
        23 => Fate::Unknown,
        31 => Fate::Hole,
        37 => Fate::Small,
        41 => Fate::Break,
        47 => Fate::Frozen,
        53 => Fate::Large,
        _ => Fate::Present,
    }
}

/// A check of so many segments on so many tracks.
pub(crate) fn check(segments: usize, tracks: usize) -> CheckV1 {
    let share = segments / tracks;
    let mut made = Vec::new();
    let mut diagnoses = Vec::new();
    for index in 0..tracks {
        let count = if index + 1 == tracks { segments - share * (tracks - 1) } else { share };
        made.push(track(index, count, tracks, &mut diagnoses));
    }
    let last = made.iter().flat_map(|track| &track.stretches).map(|stretch| stretch.until.clone()).max();
    diagnoses.sort_by_key(|d| ["loss", "warning", "note"].iter().position(|word| *word == d.severity));
    let totals = totals(&made);
    CheckV1 {
        format: CHECK_FORMAT.to_owned(),
        written_by: "recfetch 0.1.0".to_owned(),
        at: iso(START + 86_400_000),
        depth: "first".to_owned(),
        recording: SID.to_owned(),
        channel: Some("math-7b".to_owned()),
        app_id: None,
        recorder: None,
        mode: Some(if tracks == 1 { "mix" } else { "individual" }.to_owned()),
        folder: "school/math/".to_owned(),
        state: "backed-up".to_owned(),
        standing: if totals.lost > 0 { "incomplete" } else { "nothing-missing" }.to_owned(),
        exit_code: if totals.lost > 0 { 3 } else { 0 },
        first: Some(iso(START)),
        last,
        stores: vec![
            store("prod", "aws EU_WEST_1, bucket lessons", "own", Some(segments), None),
            store(
                "backup",
                "https://backup.example.com/recordings/",
                "fallback",
                None,
                Some("it cannot list"),
            ),
        ],
        totals,
        playlists: made
            .iter()
            .flat_map(|track| track.playlists.iter().map(|key| file(key, 48_213)))
            .collect(),
        tracks: made,
        orphans: vec![file(&format!("school/math/{SID}_math-7b_20260920145209001.ts"), 81_220)],
        others: vec![file(&format!("school/math/{SID}_math-7b_0.mp4"), 93_441_822)],
        diagnoses,
    }
}

/// A check whose every text is hostile.
pub(crate) fn hostile() -> CheckV1 {
    let mut check = check(5, 1);
    let text = |index: usize| HOSTILE[index % HOSTILE.len()].to_owned();
    check.recording = text(0);
    check.channel = Some(text(1));
    check.mode = Some(text(2));
    check.folder = text(3);
    check.state = text(6);
    check.standing = text(0);
    check.depth = text(6);
    check.written_by = text(2);
    for (index, segment) in check.tracks[0].segments.iter_mut().enumerate() {
        segment.name = text(index);
        segment.store = Some(text(index + 1));
        segment.obstacle = Some(text(index + 2));
        segment.presence = if index == 4 { text(6) } else { segment.presence.clone() };
    }
    check.tracks[0].kind = text(6);
    for (index, hostile) in HOSTILE.iter().enumerate() {
        let hostile = (*hostile).to_owned();
        check.stores.push(store(&hostile, &hostile, &hostile, Some(1), Some(&hostile)));
        check.orphans.push(file(&hostile, 1));
        check.diagnoses.push(DiagnosisV1 {
            code: hostile.clone(),
            rule: hostile.clone(),
            severity: if index == 6 { hostile.clone() } else { "loss".to_owned() },
            about: AboutV1 {
                track: Some(if index == 3 { 99 } else { 0 }),
                segment: Some(if index == 4 { 4_000_000 } else { index % 5 + 1 }),
                object: Some(hostile.clone()),
                store: Some(hostile.clone()),
                from: (index % 2 == 0).then(|| hostile.clone()),
                until: None,
            },
            expected: Some(hostile.clone()),
            found: Some(hostile.clone()),
            text: hostile.clone(),
            means: hostile.clone(),
            remedy: hostile,
        });
    }
    check
}

/// A check in which nothing has a time: segments follow each other.
pub(crate) fn timeless() -> CheckV1 {
    let mut check = check(5, 1);
    check.first = None;
    check.last = None;
    check.tracks[0].stretches.clear();
    for segment in &mut check.tracks[0].segments {
        segment.starts = None;
        segment.ends = None;
    }
    check
}

/// A check of a recording of which nothing is known.
pub(crate) fn empty() -> CheckV1 {
    let mut check = check(5, 1);
    check.tracks.clear();
    check.diagnoses.clear();
    check.playlists.clear();
    check.orphans.clear();
    check.others.clear();
    check.first = None;
    check.last = None;
    check.totals = TotalsV1::default();
    check.standing = "unknown".to_owned();
    check
}

fn track(index: usize, count: usize, tracks: usize, diagnoses: &mut Vec<DiagnosisV1>) -> CheckedTrackV1 {
    let kind = match (tracks, index % 2) {
        (1, _) => "mixed",
        (_, 0) => "audio",
        (_, _) => "video",
    };
    let uid = (tracks > 1).then_some(u32::try_from(7 + index / 2).unwrap_or(7));
    let stem = uid
        .map_or_else(|| format!("{SID}_math-7b"), |uid| format!("{SID}_math-7b__uid_s_{uid}__uid_e_{kind}"));
    let mut at = START;
    let mut segments = Vec::new();
    let mut stretches: Vec<StretchV1> = Vec::new();
    for place in 0..count {
        // A small run of everything where there are few, so that five segments show most of it.
        let fate = if count < 20 { fate([0, 7, 19, 31, 23][place % 5]) } else { fate(place + index * 17) };
        let duration = 15_000 + i64::try_from(place * 37 % 41).unwrap_or(0);
        let (from, until) = (at, at + duration);
        let presence = match fate {
            Fate::Elsewhere => "elsewhere",
            Fate::Lost => "lost",
            Fate::Unknown => "unknown",
            Fate::Present | Fate::Frozen | Fate::Hole | Fate::Break | Fate::Small | Fate::Large => "present",
        };
        let store = (fate == Fate::Elsewhere).then(|| "backup".to_owned());
        let base = if kind == "audio" { 118_000 } else { 655_000 };
        let wave = u64::try_from(place * 7_919 % 97).unwrap_or(0) * base / 400;
        let size = match fate {
            Fate::Lost | Fate::Unknown => None,
            Fate::Small => Some(base / 12),
            Fate::Large => Some(base * 5 / 2),
            Fate::Present | Fate::Elsewhere | Fate::Frozen | Fate::Hole | Fate::Break => Some(base + wave),
        };
        let name = format!("{stem}_{}.ts", digits(from));
        let number = place + 1;
        let about = AboutV1 {
            track: Some(index),
            segment: Some(number),
            object: Some(name.clone()),
            store: None,
            from: Some(iso(from)),
            until: Some(iso(until)),
        };
        diagnoses.extend(diagnosis(fate, about));
        segments.push(CheckedSegmentV1 {
            number,
            name,
            starts: Some(iso(from)),
            ends: Some(iso(until)),
            duration_ms: u64::try_from(duration).ok(),
            size,
            presence: presence.to_owned(),
            store: store.clone(),
            obstacle: (fate == Fate::Frozen).then(|| "archived (GLACIER), not restored".to_owned()),
            failover: (tracks == 1 && count > 20 && place % 200 > 180).then_some(0),
            media: (presence == "present").then(|| media(kind)),
        });
        push(&mut stretches, from, until, presence, store);
        at = until;
        if fate == Fate::Hole && place + 1 < count {
            push(&mut stretches, at, at + 15_011, "unlisted", None);
            let mut hole = about_time(index, at, at + 15_011);
            hole.object = None;
            diagnoses.push(DiagnosisV1 {
                code: "RF201".to_owned(),
                rule: "unlisted-gap".to_owned(),
                severity: "loss".to_owned(),
                about: hole,
                expected: Some("a slice that follows".to_owned()),
                found: Some("the next one starts 15.011 s later".to_owned()),
                text: "no playlist names 15.011 s: lost before it was listed".to_owned(),
                means: "This time was recorded and never reached a playlist.".to_owned(),
                remedy: "Ask Agora support within ten days; the text is made by recfetch check --ticket."
                    .to_owned(),
            });
            at += 15_011;
        }
        if fate == Fate::Break && place + 1 < count {
            push(&mut stretches, at, at + 72_000, "never-recorded", None);
            at += 72_000;
        }
    }
    CheckedTrackV1 {
        uid,
        kind: kind.to_owned(),
        playlists: vec![format!("school/math/{stem}.m3u8")],
        synthetic: index == 3,
        segments,
        stretches,
    }
}

fn about_time(track: usize, from: i64, until: i64) -> AboutV1 {
    AboutV1 { track: Some(track), from: Some(iso(from)), until: Some(iso(until)), ..AboutV1::default() }
}

fn diagnosis(fate: Fate, about: AboutV1) -> Option<DiagnosisV1> {
    let (code, rule, severity, text, means, remedy) = match fate {
        Fate::Elsewhere => (
            "RF102",
            "segment-elsewhere",
            "warning",
            "is only in backup",
            "The recording is whole, but players of this bucket stop here.",
            "Fetch it with --fallback backup, or copy the segment into the bucket.",
        ),
        Fate::Lost => (
            "RF101",
            "segment-absent",
            "loss",
            "is listed, and absent in prod and backup",
            "The playlist names this segment and no store has it: this time cannot be played.",
            "Ask Agora support before 2026-09-30 14:52 UTC; the text is made by recfetch check --ticket.",
        ),
        Fate::Unknown => (
            "RF114",
            "segment-unread",
            "loss",
            "could not be asked about: backup does not answer",
            "Nobody can tell whether this segment is there.",
            "Try again later.",
        ),
        Fate::Frozen => (
            "RF108",
            "segment-frozen",
            "warning",
            "is archived and not restored",
            "It cannot be read before it is restored.",
            "Restore it in the store, then check again.",
        ),
        Fate::Small => (
            "RF105",
            "size-implausible",
            "warning",
            "is a tenth of what its neighbours are",
            "It may be cut, or nothing moved in the picture.",
            "Look into it with recfetch check --deep.",
        ),
        Fate::Present | Fate::Hole | Fate::Break | Fate::Large => return None,
    };
    let number = about.segment.unwrap_or_default();
    Some(DiagnosisV1 {
        code: code.to_owned(),
        rule: rule.to_owned(),
        severity: severity.to_owned(),
        text: format!("segment {number} {text}"),
        expected: (fate == Fate::Lost).then(|| "in prod".to_owned()),
        found: (fate == Fate::Lost).then(|| "404 in prod, 404 in backup".to_owned()),
        about,
        means: means.to_owned(),
        remedy: remedy.to_owned(),
    })
}

fn push(stretches: &mut Vec<StretchV1>, from: i64, until: i64, presence: &str, store: Option<String>) {
    if let Some(last) = stretches.last_mut()
        && last.presence == presence
        && last.store == store
    {
        last.until = iso(until);
        return;
    }
    stretches.push(StretchV1 { from: iso(from), until: iso(until), presence: presence.to_owned(), store });
}

fn media(kind: &str) -> MediaV1 {
    let picture = kind != "audio";
    MediaV1 {
        whole: false,
        codec: Some(if picture { "h264+aac" } else { "aac" }.to_owned()),
        picture: picture.then(|| "640x480".to_owned()),
        frames: picture.then_some(225),
        starts_with_key_frame: picture.then_some(true),
        silent: Some(false),
        plays_ms: Some(15_000),
        wrong: None,
    }
}

fn totals(tracks: &[CheckedTrackV1]) -> TotalsV1 {
    let mut totals = TotalsV1::default();
    for segment in tracks.iter().flat_map(|track| &track.segments) {
        totals.segments += 1;
        totals.bytes += segment.size.unwrap_or(0);
        totals.frozen += usize::from(segment.obstacle.is_some());
        match segment.presence.as_str() {
            "present" => totals.present += 1,
            "elsewhere" => totals.elsewhere += 1,
            "lost" => totals.lost += 1,
            _ => totals.unknown += 1,
        }
    }
    for stretch in tracks.iter().flat_map(|track| &track.stretches) {
        let ms = u64::try_from(millis(&stretch.until) - millis(&stretch.from)).unwrap_or(0);
        match stretch.presence.as_str() {
            "present" => totals.present_ms += ms,
            "elsewhere" => totals.elsewhere_ms += ms,
            "lost" => totals.lost_ms += ms,
            "unlisted" => totals.unlisted_ms += ms,
            "never-recorded" => totals.never_recorded_ms += ms,
            _ => totals.unknown_ms += ms,
        }
    }
    totals
}

fn store(
    name: &str,
    place: &str,
    role: &str,
    objects: Option<usize>,
    problem: Option<&str>,
) -> CheckedStoreV1 {
    CheckedStoreV1 {
        name: name.to_owned(),
        description: place.to_owned(),
        role: role.to_owned(),
        objects,
        problem: problem.map(str::to_owned),
    }
}

fn file(key: &str, size: u64) -> CheckedFileV1 {
    CheckedFileV1 {
        key: key.to_owned(),
        size: Some(size),
        modified: Some(iso(START + 7_300_000)),
        presence: "present".to_owned(),
    }
}

/// RFC 3339 in UTC with milliseconds.
pub(crate) fn iso(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).map(|at| format!("{at:.3}")).unwrap_or_default()
}

/// As in the names of slices.
fn digits(ms: i64) -> String {
    iso(ms).chars().filter(char::is_ascii_digit).collect()
}

fn millis(text: &str) -> i64 {
    text.parse::<jiff::Timestamp>().map_or(0, jiff::Timestamp::as_millisecond)
}
