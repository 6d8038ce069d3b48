//! Recordings made for tests: listings and playlists as Agora writes them, to be damaged one thing at a time.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::check::{
    Check, Depth, Gathered, Listed, MediaSeen, PlayerAnswer, PlaylistSeen, PlaylistText, Seen, Sighting,
    StoreRole, StoreSeen, Told, Version, check,
};
use crate::domain::filename::FileName;
use crate::domain::finding::Finding;
use crate::domain::key::{KeyPrefix, ObjectKey, ObjectName};
use crate::domain::locate::{Query, Recording, choose};
use crate::domain::object::ObjectInfo;
use crate::domain::place::{Obstacle, SourceName};
use crate::domain::plan::{ItemPlace, Plan, plan};
use crate::domain::playlist::master::{Shape, shape};
use crate::domain::playlist::{self, Playlist, UriPolicy};
use crate::domain::recording::RecordingId;
use crate::domain::time::SliceTime;

pub(in crate::domain::check) const SID: &str = "38f8e3cfdc474cd56fc1ceba380d7e1a";
/// 2019-09-20 12:51:42.485 UTC.
pub(in crate::domain::check) const START: i64 = 1_568_983_902_485;
pub(in crate::domain::check) const SLICE_MS: i64 = 15_000;
/// Some 500 kbit/s, in whole packets.
pub(in crate::domain::check) const SLICE_BYTES: u64 = 188 * 5_000;

/// A recording in the making. `SID` in a name stands for the recording ID; names are those in the folder.
#[derive(Clone)]
pub(in crate::domain::check) struct Kit {
    pub(in crate::domain::check) own: BTreeMap<String, ObjectInfo>,
    pub(in crate::domain::check) fallback: Option<BTreeMap<String, ObjectInfo>>,
    pub(in crate::domain::check) texts: BTreeMap<String, String>,
    /// Playlists that are not what their text says.
    pub(in crate::domain::check) lists: BTreeMap<String, PlaylistText>,
    /// What a store says instead.
    pub(in crate::domain::check) refused: BTreeMap<(usize, String), Obstacle>,
    pub(in crate::domain::check) listed: BTreeMap<usize, Listed>,
    pub(in crate::domain::check) findings: Vec<Finding>,
    pub(in crate::domain::check) told: Told,
    pub(in crate::domain::check) players: Vec<PlayerAnswer>,
    pub(in crate::domain::check) media: BTreeMap<ObjectName, MediaSeen>,

    pub(in crate::domain::check) expected_folder: Option<KeyPrefix>,
    pub(in crate::domain::check) at: SliceTime,
}

/// A recording as the engine hands it over.
pub(in crate::domain::check) struct Made {
    recording: Recording,
    plan: Plan,
    findings: Vec<Finding>,
    playlists: Vec<PlaylistSeen>,
    kit: Kit,
}

pub(in crate::domain::check) fn time(ms: i64) -> SliceTime {
    SliceTime::from_unix_ms(START + ms).unwrap()
}

pub(in crate::domain::check) fn named(text: &str) -> String {
    text.replace("SID", SID)
}

/// The name of the slice of a composite recording that starts so many milliseconds after [`START`].
pub(in crate::domain::check) fn slice(ms: i64) -> String {
    format!("{SID}_room_{}.ts", time(ms).digits())
}

pub(in crate::domain::check) fn name(text: &str) -> ObjectName {
    ObjectName::parse(&named(text)).unwrap()
}

impl Kit {
    pub(in crate::domain::check) fn empty() -> Self {
        Self {
            own: BTreeMap::new(),
            fallback: None,
            texts: BTreeMap::new(),
            lists: BTreeMap::new(),
            refused: BTreeMap::new(),
            listed: BTreeMap::new(),
            findings: Vec::new(),
            told: Told::default(),
            players: Vec::new(),
            media: BTreeMap::new(),

            expected_folder: None,
            // Long after the ten days of the backup.
            at: time(40 * 86_400_000),
        }
    }

    /// A composite recording of so many slices without anything wrong.
    pub(in crate::domain::check) fn mixed(slices: i64) -> Self {
        let mut kit = Self::empty();
        let starts: Vec<i64> = (0..slices).map(|n| n * SLICE_MS).collect();
        kit.track("SID_room.m3u8", "SID_room_", "ts", &starts);
        kit
    }

    /// A user's sound and picture with the master over both.
    pub(in crate::domain::check) fn individual(slices: i64) -> Self {
        let mut kit = Self::empty();
        let starts: Vec<i64> = (0..slices).map(|n| n * SLICE_MS).collect();
        for kind in ["audio", "video"] {
            let stem = format!("SID_room__uid_s_7__uid_e_{kind}");
            kit.track(&format!("{stem}.m3u8"), &format!("{stem}_"), "ts", &starts);
        }
        let master = "SID_room__uid_s_7__uid_e_av.m3u8";
        let text = "#EXTM3U\n#EXT-X-VERSION:3\n# Audio\nSID_room__uid_s_7__uid_e_audio.m3u8\n# Video\n\
                    #EXT-X-STREAM-INF:BANDWIDTH=1000\nSID_room__uid_s_7__uid_e_video.m3u8\n";
        kit.text(master, text);
        kit
    }

    /// A playlist with its slices.
    pub(in crate::domain::check) fn track(
        &mut self,
        list: &str,
        stem: &str,
        extension: &str,
        starts: &[i64],
    ) {
        let names: Vec<_> =
            starts.iter().map(|ms| format!("{stem}{}.{extension}", time(*ms).digits())).collect();
        let entries: Vec<_> = names.iter().map(|name| (name.as_str(), SLICE_MS)).collect();
        self.list(list, &entries);
        let last = starts.last().copied().unwrap_or(0) + SLICE_MS;
        self.alter(list, |info| info.modified = Some(time(last + 2_000)));
        for (name, ms) in names.iter().zip(starts) {
            self.put(name, SLICE_BYTES, ms + SLICE_MS + 1_000);
        }
    }

    /// A playlist; a `!` before a name is a discontinuity.
    pub(in crate::domain::check) fn list(&mut self, list: &str, entries: &[(&str, i64)]) {
        let mut text = String::from(
            "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-ALLOW-CACHE:YES\n\
             #EXT-X-TARGETDURATION:17\n#EXT-X-DISCONTINUITY\n",
        );
        for (name, ms) in entries {
            if let Some(name) = name.strip_prefix('!') {
                text += &format!("#EXT-X-DISCONTINUITY\n#EXTINF:{}.{:03}000\n{name}\n", ms / 1000, ms % 1000);
            } else {
                text += &format!("#EXTINF:{}.{:03}000\n{name}\n", ms / 1000, ms % 1000);
            }
        }
        text += "#EXT-X-ENDLIST\n";
        self.text(list, &text);
    }

    /// A text under a name.
    pub(in crate::domain::check) fn text(&mut self, list: &str, text: &str) {
        let text = named(text);
        let written = i64::try_from(text.matches(".ts").count()).unwrap_or(0) * SLICE_MS + 2_000;
        self.put(list, text.len() as u64, written);
        self.texts.insert(named(list), text);
    }

    /// An object in the recording's own store, written so many milliseconds after [`START`].
    pub(in crate::domain::check) fn put(&mut self, text: &str, size: u64, written: i64) {
        let info = ObjectInfo { size: Some(size), modified: Some(time(written)), ..bare(&named(text)) };
        self.own.insert(named(text), info);
    }

    /// Changes what the own store says about an object.
    pub(in crate::domain::check) fn alter(&mut self, text: &str, change: impl FnOnce(&mut ObjectInfo)) {
        change(self.own.get_mut(&named(text)).unwrap());
    }

    /// Takes an object away from the own store.
    pub(in crate::domain::check) fn lose(&mut self, text: &str) -> ObjectInfo {
        self.own.remove(&named(text)).unwrap()
    }

    /// Moves an object to the fallback.
    pub(in crate::domain::check) fn move_away(&mut self, text: &str) {
        let info = self.lose(text);
        self.fallback.get_or_insert_default().insert(named(text), info);
    }

    /// Takes the lines of a segment out of a playlist.
    pub(in crate::domain::check) fn unlist(&mut self, list: &str, segment: &str) {
        let text = self.texts.get_mut(&named(list)).unwrap();
        let end = text.find(&named(segment)).unwrap();
        let start = text[..end].rfind("#EXTINF").unwrap();
        // The last line of a list that was cut has no line end.
        let end = (end + named(segment).len() + 1).min(text.len());
        text.replace_range(start..end, "");
    }

    pub(in crate::domain::check) fn made(&self) -> Made {
        let id = RecordingId::parse(SID).unwrap();
        let listing: Vec<ObjectInfo> = self.own.values().cloned().collect();
        let (recording, mut findings) = choose(&id, listing, &Query::default());
        let mut recording = recording.unwrap();
        let (mut playlists, mut read) = (Vec::new(), BTreeMap::new());
        let sets = recording.tracks.iter().flat_map(|track| &track.playlists);
        let sets: Vec<_> = sets.chain(recording.masters.iter().map(|master| &master.set)).cloned().collect();
        for set in sets {
            let versions = set.kept.iter().map(|info| (info, Version::Twin));
            for (info, version) in versions.chain([(&set.chosen, Version::Chosen)]) {
                let (text, found) = self.read(info, version, &mut read);
                findings.extend(found);
                let track = FileName::parse(info.key.file_name().as_str(), Some(&id)).map(|name| name.track);
                let (info, failover) = (info.clone(), set.failover);
                playlists.push(PlaylistSeen { info, track, failover, version, text });
            }
        }
        recording.settle(&read.values().flat_map(Playlist::keys).collect(), &mut findings);
        let (plan, found) = plan(&recording, &read, &[]);
        findings.extend(found);
        findings.extend(self.findings.iter().cloned());
        Made { recording, plan, findings, playlists, kit: self.clone() }
    }

    fn read(
        &self,
        info: &ObjectInfo,
        version: Version,
        read: &mut BTreeMap<ObjectKey, Playlist>,
    ) -> (PlaylistText, Vec<Finding>) {
        let name = info.key.as_str();
        if let Some(text) = self.lists.get(name) {
            return (text.clone(), Vec::new());
        }
        let Some(text) = self.texts.get(name) else { return (PlaylistText::Absent, Vec::new()) };
        let (playlist, mut findings) = playlist::read(&info.key, text.as_bytes(), UriPolicy::NamesOnly);
        let shape = shape(&playlist, &mut findings);
        if version == Version::Twin {
            findings.clear();
        } else if shape == Shape::Media {
            read.insert(info.key.clone(), playlist.clone());
        }
        (PlaylistText::Read(Arc::new(playlist)), findings)
    }

    pub(in crate::domain::check) fn check(&self) -> Check {
        let made = self.made();
        check(&made.gathered())
    }
}

impl Made {
    pub(in crate::domain::check) fn findings(&self) -> &[Finding] {
        &self.findings
    }

    pub(in crate::domain::check) fn gathered(&self) -> Gathered<'_> {
        let kit = &self.kit;
        let contents: Vec<_> = [Some(&kit.own), kit.fallback.as_ref()].into_iter().flatten().collect();
        let stores = contents.iter().enumerate().map(|(number, objects)| StoreSeen {
            name: SourceName::new(["prod", "backup"][number]),
            place: "a bucket".to_owned(),
            role: if number == 0 { StoreRole::Own } else { StoreRole::Fallback },
            listed: kit.listed.get(&number).cloned().unwrap_or(Listed::Objects(objects.len())),
        });
        let mut objects: BTreeMap<ObjectName, Vec<Sighting>> = BTreeMap::new();
        for item in &self.plan.items {
            let ItemPlace::Key(key) = &item.place else { continue };
            for (store, content) in contents.iter().enumerate() {
                let refused = kit.refused.get(&(store, key.as_str().to_owned()));
                let seen = match (refused, content.get(key.as_str())) {
                    (Some(obstacle), _) => Seen::Refused(obstacle.clone()),
                    (None, Some(info)) => Seen::There(info.clone()),
                    (None, None) => Seen::Absent,
                };
                objects.entry(item.name.clone()).or_default().push(Sighting { store, seen });
            }
        }
        let slices = |info: &&ObjectInfo| info.key.as_str().ends_with(".ts");
        let elsewhere = kit.fallback.iter().flat_map(BTreeMap::values).filter(slices);
        let elsewhere = elsewhere.filter(|info| !objects.contains_key(&info.key.file_name()));
        Gathered {
            recording: &self.recording,
            plan: &self.plan,
            findings: &self.findings,
            playlists: self.playlists.clone(),
            manifests: &[],
            stores: stores.collect(),
            orphans_elsewhere: elsewhere.map(|info| (1, info.clone())).collect(),
            objects,
            told: kit.told.clone(),
            players: kit.players.clone(),
            media: kit.media.clone(),
            depth: Depth::Listed,
            expected_folder: kit.expected_folder.clone(),
            at: kit.at,
        }
    }
}

fn bare(text: &str) -> ObjectInfo {
    ObjectInfo::bare(ObjectKey::parse(text).unwrap())
}
