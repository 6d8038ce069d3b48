//! What is measured: names, playlists, streams and recordings, made the same each time.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use recfetch::domain::check::{
    Depth, Gathered, Listed, PlaylistSeen, PlaylistText, Seen, Sighting, StoreRole, StoreSeen, Told, Version,
};
use recfetch::domain::digest::{Algorithm, Digest};
use recfetch::domain::finding::Finding;
use recfetch::domain::form::MediaForm;
use recfetch::domain::key::{ObjectKey, ObjectName};
use recfetch::domain::locate::{Query, Recording, choose};
use recfetch::domain::object::ObjectInfo;
use recfetch::domain::only::{LeftOut, Only};
use recfetch::domain::place::SourceName;
use recfetch::domain::plan::{Item, ItemPlace, Plan, plan};
use recfetch::domain::playlist::{self, Playlist, UriPolicy};
use recfetch::domain::recording::{RecordingId, TrackId};
use recfetch::domain::report::{ObjectReport, Origin, Report};
use recfetch::domain::time::SliceTime;
use recfetch::domain::verdict::{Evidence, Format, Verdict};

use crate::ts::{SliceSpec, Tracks, slice};

/// The recording.
pub(crate) const SID: &str = "38f8e3cfdc474cd56fc1ceba380d7e1a";
/// 2026-09-20 12:51:42.485 UTC.
const START: i64 = 1_789_908_702_485;
const SLICE_MS: i64 = 15_000;
/// Some 500 kbit/s, in whole packets.
const SLICE_BYTES: u64 = 188 * 5_000;

pub(crate) fn key(text: &str) -> ObjectKey {
    ObjectKey::parse(text).expect("a key")
}

pub(crate) fn time(ms: i64) -> SliceTime {
    SliceTime::from_unix_ms(START + ms).expect("a time")
}

/// The name of a slice of a composite recording, by its number.
pub(crate) fn slice_name(number: i64) -> String {
    format!("{SID}_room_{}.ts", time(number * SLICE_MS).digits())
}

/// A playlist as Agora writes it.
pub(crate) fn playlist(segments: i64) -> String {
    playlist_of(0..segments)
}

fn playlist_of(numbers: impl Iterator<Item = i64>) -> String {
    let at = time(0).digits();
    let mut text = format!(
        "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-ALLOW-CACHE:YES\n#EXT-X-TARGETDURATION:17\n\
         #EXT-X-DISCONTINUITY\n#EXT-X-AGORA-ROTATE:WIDTH=640,HEIGHT=360,ROTATE=0,TIME={at}\n\
         #EXT-X-AGORA-TRACK-EVENT:EVENT=START,TRACK_TYPE=AUDIO,TIME={at}\n\
         #EXT-X-AGORA-TRACK-EVENT:EVENT=START,TRACK_TYPE=VIDEO,TIME={at}\n"
    );
    for number in numbers {
        writeln!(text, "#EXTINF:{}.000000\n{}", SLICE_MS / 1000, slice_name(number)).expect("a string");
    }
    text.push_str("#EXT-X-ENDLIST\n");
    text
}

/// What a playlist repeats that shall keep its reader busy: what stands in front once, and what comes again and
/// again.
pub(crate) const HOSTILE: [(&str, &str, &str); 20] = [
    ("one-line", "", "x"),
    ("one-tag", "#EXT-X-KEY:", "A"),
    ("commas", "#EXTINF:", ","),
    ("attributes", "#EXT-X-MAP:", "A=1,"),
    ("quotes", "#EXT-X-MEDIA:URI=", "\""),
    ("blanks", "", " \t"),
    ("empty-lines", "", "\n"),
    ("returns", "#EXTINF:1\r\n", "\r"),
    ("tags", "", "#EXT-X-A\n"),
    ("remarks", "", "#\n"),
    ("durations", "", "#EXTINF:1\n"),
    ("keys", "", "#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n#EXTINF:1\na.ts\n"),
    ("bad-keys", "", "#EXT-X-KEY:METHOD\n"),
    ("maps", "", "#EXT-X-MAP:URI=\"m\",BYTERANGE=\"1@1\"\n"),
    ("ranges", "", "#EXT-X-BYTERANGE:1\n#EXTINF:1\na.ts\n"),
    ("repeats", "", "#EXTINF:1\na.ts\n#EXT-X-B\n"),
    ("climbs", "#EXTINF:1\n", "../"),
    ("folders", "#EXTINF:1\n", "a/"),
    ("hosts", "", "#EXTINF:1\nhttp://h/a.ts\n"),
    ("noise", "", "\u{0}\u{fffd},=\":#E\u{1f4a3}."),
];

/// A text of so many bytes that repeats one thing.
pub(crate) fn hostile(name: &str, bytes: usize) -> Vec<u8> {
    let (_, start, unit) = HOSTILE.iter().find(|(known, ..)| *known == name).expect("one of them");
    let mut text = format!("#EXTM3U\n{start}").into_bytes();
    while text.len() < bytes {
        text.extend_from_slice(unit.as_bytes());
    }
    text.truncate(bytes);
    text
}

/// Names of all kinds: slices, lists, films, sound and pictures, of one channel and of users, and foreign ones.
pub(crate) fn names(count: usize) -> Vec<String> {
    let name = |n: usize| {
        let (at, user) = (time(n as i64 * SLICE_MS).digits(), n % 1000 + 1);
        match n % 10 {
            0..=3 => format!("{SID}_room_{at}.ts"),
            4 => format!("{SID}_room__uid_s_{user}__uid_e_video_{at}.ts"),
            5 => format!("bak{}_{SID}_room_{at}.ts", n % 3),
            6 => format!("{SID}_room__uid_s_{user}__uid_e_audio.m3u8"),
            7 => format!("{SID}_room_1_2_4711_{}.m3u8", n % 9),
            8 => format!("{SID}_room_{}.mp4", n % 99),
            _ => format!("holiday_{n}.JPG"),
        }
    };
    (0..count).map(name).collect()
}

/// A transport stream of at least so many bytes at so many kilobits a second.
pub(crate) fn stream(tracks: Tracks, kbit: u64, bytes: usize) -> Vec<u8> {
    let duration_ms = u32::try_from(bytes as u64 * 8 / kbit).expect("some hours");
    let picture = Some((640, 480));
    slice(&SliceSpec { tracks, duration_ms, bytes_target: bytes, picture, ..SliceSpec::default() })
}

/// What is wrong with a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Damage {
    /// Nothing.
    None,
    /// Every third segment is in no store.
    Lost,
    /// Every third slice is in no playlist, and not in the store either.
    Holes,
    /// Every third slice is in no playlist, but there.
    Orphans,
}

impl Damage {
    fn lists(self, number: i64) -> bool {
        matches!(self, Self::None | Self::Lost) || number % 3 != 1
    }

    fn stores(self, number: i64) -> bool {
        matches!(self, Self::None | Self::Orphans) || number % 3 != 1
    }
}

/// A composite recording as an engine has it when all that can be asked was asked.
pub(crate) struct Made {
    pub(crate) listing: Vec<ObjectInfo>,
    pub(crate) recording: Recording,
    pub(crate) playlists: BTreeMap<ObjectKey, Playlist>,
    pub(crate) plan: Plan,
    pub(crate) findings: Vec<Finding>,
}

impl Made {
    pub(crate) fn new(segments: i64, damage: Damage) -> Self {
        let info = |name: &str, size: u64, written: i64| ObjectInfo {
            size: Some(size),
            modified: Some(time(written)),
            ..ObjectInfo::bare(key(&format!("lessons/{name}")))
        };
        let stored = (0..segments).filter(|number| damage.stores(*number));
        let mut listing: Vec<_> = stored
            .map(|number| info(&slice_name(number), SLICE_BYTES, (number + 1) * SLICE_MS + 1000))
            .collect();
        let text = playlist_of((0..segments).filter(|number| damage.lists(*number)));
        let list = info(&format!("{SID}_room.m3u8"), text.len() as u64, segments * SLICE_MS + 2000);
        listing.push(list.clone());
        let (recording, mut findings) = Self::choose(listing.clone());
        let (read, found) = playlist::read(&list.key, text.as_bytes(), UriPolicy::NamesOnly);
        findings.extend(found);
        let playlists = BTreeMap::from([(list.key, read)]);
        let (plan, found) = plan(&recording, &playlists, &[]);
        findings.extend(found);
        Self { listing, recording, playlists, plan, findings }
    }

    /// Decides what the recording consists of.
    pub(crate) fn choose(listing: Vec<ObjectInfo>) -> (Recording, Vec<Finding>) {
        let id = RecordingId::parse(SID).expect("an ID");
        let (recording, findings) = choose(&id, listing, &Query::default());
        (recording.expect("a recording"), findings)
    }

    /// Plans it once more.
    pub(crate) fn plan(&self) -> (Plan, Vec<Finding>) {
        plan(&self.recording, &self.playlists, &[])
    }

    pub(crate) fn gathered(&self) -> Gathered<'_> {
        let stored: BTreeMap<&ObjectKey, &ObjectInfo> =
            self.listing.iter().map(|info| (&info.key, info)).collect();
        let objects = self.plan.items.iter().filter_map(|item| {
            let ItemPlace::Key(key) = &item.place else { return None };
            let seen = stored.get(key).map_or(Seen::Absent, |info| Seen::There((*info).clone()));
            Some((item.name.clone(), vec![Sighting { store: 0, seen }]))
        });
        let objects: BTreeMap<ObjectName, Vec<Sighting>> = objects.collect();
        let seen = |(key, playlist): (&ObjectKey, &Playlist)| PlaylistSeen {
            info: (*stored[key]).clone(),
            track: Some(TrackId::MIXED),
            failover: None,
            version: Version::Chosen,
            text: PlaylistText::Read(Arc::new(playlist.clone())),
        };
        Gathered {
            recording: &self.recording,
            plan: &self.plan,
            findings: &self.findings,
            playlists: self.playlists.iter().map(seen).collect(),
            manifests: &[],
            stores: vec![StoreSeen {
                name: SourceName::new("prod"),
                place: "a bucket".to_owned(),
                role: StoreRole::Own,
                listed: Listed::Objects(self.listing.len()),
            }],
            orphans_elsewhere: Vec::new(),
            objects,
            told: Told::default(),
            players: Vec::new(),
            media: BTreeMap::new(),
            depth: Depth::Listed,
            expected_folder: None,
            // Long after the ten days of the backup.
            at: time(40 * 86_400_000),
        }
    }
}

/// What a fetch of the recording would report.
pub(crate) fn report(made: &Made) -> Report {
    let object = |item: &Item| ObjectReport {
        name: item.name.clone(),
        key: match &item.place {
            ItemPlace::Key(key) => Some(key.clone()),
            ItemPlace::Url(_) | ItemPlace::Refused => None,
        },
        path: Some(format!("data/{}", item.name)),
        role: item.role,
        format: Some(Format::TransportStream),
        starts: item.starts,
        duration: item.expected.duration,
        verdict: Verdict::Verified { evidence: Evidence::Structure },
        size: item.expected.size,
        offset: None,
        form: MediaForm::default(),
        digests: Digest::new(Algorithm::Sha256, [7; 32]).into_iter().collect(),
        from: Some(SourceName::new("prod")),
        origin: Origin::Fetched,
        failed_tries: Vec::new(),
        at: time(0),
    };
    Report {
        recording: made.recording.id.clone(),
        channel: made.recording.channel.clone(),
        folder: made.recording.folder.clone(),
        places: vec![(SourceName::new("prod"), "a bucket".to_owned())],
        only: Only::default(),
        left_out: LeftOut::default(),
        masters: 0,
        tracks: Vec::new(),
        objects: made.plan.items.iter().map(object).collect(),
        findings: made.findings.clone(),
        started: time(0),
        finished: time(1),
    }
}
