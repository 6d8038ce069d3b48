//! Lists of lists: what the name promised and what the bytes turned out to be.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::{PlaylistSet, Recording, Track};
use crate::domain::filename::{FileName, Role};
use crate::domain::finding::Finding;
use crate::domain::key::{ObjectKey, ObjectName};
use crate::domain::object::ObjectInfo;
use crate::domain::recording::TrackId;

/// A list over the tracks of one user. A user who switched between native and web clients has both forms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Master {
    /// Whose.
    pub track: TrackId,
    /// What it is.
    pub form: MasterForm,
    /// Its versions.
    pub set: PlaylistSet,
}

/// What a list over tracks is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MasterForm {
    /// `.m3u8`, over lists of TS slices.
    Hls,
    /// `.mpd`, over WebM slices.
    Dash,
}

impl Recording {
    /// Tracks whose slices no playlist lists: those with slices of a recorder that left none, unless another
    /// list names them (`named`), and the users of whom only a master is there.
    #[must_use]
    pub fn without_playlist(&self, named: &HashSet<ObjectKey>) -> Vec<TrackId> {
        let mut sliced: BTreeMap<TrackId, BTreeSet<Option<u8>>> = BTreeMap::new();
        for slice in self.slices.iter().filter(|slice| !named.contains(&slice.info.key)) {
            sliced.entry(slice.name.track).or_default().insert(slice.name.failover);
        }
        let sets = |id: TrackId| self.tracks.iter().filter(move |track| track.id == id);
        let lists = |id: TrackId, failover: Option<u8>| {
            sets(id).flat_map(|track| &track.playlists).any(|set| set.failover == failover)
        };
        let mut without: Vec<TrackId> = sliced
            .into_iter()
            .filter(|(id, failovers)| failovers.iter().any(|failover| !lists(*id, *failover)))
            .map(|(id, _)| id)
            .collect();
        let alone = |master: &&Master| !self.tracks.iter().any(|track| track.id.uid == master.track.uid);
        let masters: BTreeSet<TrackId> =
            self.masters.iter().filter(alone).map(|master| master.track).collect();
        if masters.is_empty() && self.tracks.is_empty() {
            without.push(TrackId::MIXED);
        }
        without.extend(masters);
        without
    }

    /// The bytes of a list refer to other lists: it is a master, whatever its name promised. Returns whose.
    pub fn is_master(&mut self, key: &ObjectKey) -> TrackId {
        for track in &mut self.tracks {
            if let Some(place) = track.playlists.iter().position(|set| set.chosen.key == *key) {
                let set = track.playlists.remove(place);
                self.masters.push(Master { track: track.id, form: MasterForm::Hls, set });
            }
        }
        let of = self.masters.iter().find(|master| master.set.chosen.key == *key);
        of.map_or(TrackId::MIXED, |master| master.track)
    }

    /// The bytes of a list name segments: it is the playlist of a track, also where it is called `av`.
    pub fn is_media(&mut self, key: &ObjectKey) {
        let of_it = |master: &Master| master.form == MasterForm::Hls && master.set.chosen.key == *key;
        if let Some(place) = self.masters.iter().position(of_it) {
            let Master { track, set, .. } = self.masters.remove(place);
            self.adopt(track, set);
        }
    }

    /// Puts everything in order after the lists were read, and says anew which tracks have none. `named` are
    /// the segments that they name.
    pub fn settle(&mut self, named: &HashSet<ObjectKey>, findings: &mut Vec<Finding>) {
        self.masters.sort_by(|a, b| (a.track, &a.set.chosen.key).cmp(&(b.track, &b.set.chosen.key)));
        let unnamed = self.slices.iter().filter(|slice| !named.contains(&slice.info.key));
        let sliced: BTreeSet<TrackId> = unnamed.map(|slice| slice.name.track).collect();
        self.tracks.retain(|track| !track.playlists.is_empty() || sliced.contains(&track.id));
        findings.retain(|finding| !matches!(finding, Finding::NoPlaylist { .. }));
        findings.extend(self.without_playlist(named).into_iter().map(|track| Finding::NoPlaylist { track }));
    }

    /// The key of what a master in `folder` refers to, unless it is one of the lists that are known already.
    #[must_use]
    pub fn new_reference(&self, master: &ObjectKey, name: &ObjectName) -> Option<ObjectKey> {
        let key = name.in_folder(&master.folder()).ok()?;
        let sets = self.tracks.iter().flat_map(|track| &track.playlists);
        let sets = sets.chain(self.masters.iter().map(|master| &master.set));
        let mut lists = sets.flat_map(|set| set.kept.iter().chain([&set.chosen]));
        (!lists.any(|info| info.key == key)).then_some(key)
    }

    /// Takes in a playlist that only a master names. It belongs to the track that its name tells, else to
    /// that of the master. Returns `false` where that track has one of the same recorder already: then it
    /// is kept as a file, and nobody knows what it lists.
    pub fn adopt_reference(
        &mut self,
        master: TrackId,
        info: ObjectInfo,
        findings: &mut Vec<Finding>,
    ) -> bool {
        let name = info.key.file_name();
        let named = self
            .channel
            .as_ref()
            .and_then(|channel| FileName::with_channel(name.as_str(), &self.id, channel));
        let named = named.or_else(|| FileName::parse(name.as_str(), Some(&self.id)));
        let named =
            named.filter(|name| name.recording == self.id && matches!(name.role, Role::Playlist { .. }));
        let (track, failover) = named.map_or((master, None), |name| (name.track, name.failover));
        let key = info.key.clone();
        let taken = self.tracks.iter().filter(|known| known.id == track).flat_map(|known| &known.playlists);
        if taken.into_iter().any(|set| set.failover == failover) {
            let unread = Finding::UnreadPlaylist { key: key.clone() };
            if !findings.contains(&unread) {
                findings.push(unread);
            }
            if !self.others.iter().any(|other| other.info.key == key) {
                self.others.push(super::ListedOther { info, name: None });
            }
            return false;
        }
        // What nobody knew by its name is known by the master's.
        self.others.retain(|other| other.info.key != key);
        findings.retain(|finding| {
            let of_it = |known: &ObjectKey| *known == key;
            !matches!(finding, Finding::UnreadPlaylist { key } | Finding::UnknownName { key } if of_it(key))
        });
        self.adopt(track, PlaylistSet { failover, chosen: info, kept: Vec::new() });
        true
    }

    fn adopt(&mut self, id: TrackId, set: PlaylistSet) {
        match self.tracks.iter_mut().find(|track| track.id == id) {
            Some(track) => {
                track.playlists.push(set);
                track.playlists.sort_by_key(|set| set.failover);
            }
            None => {
                self.tracks.push(Track { id, playlists: vec![set] });
                self.tracks.sort_by_key(|track| track.id);
            }
        }
    }

    /// The users of individual mode, in order.
    #[must_use]
    pub fn uids(&self) -> BTreeSet<u32> {
        let ids = self.tracks.iter().map(|track| track.id).chain(self.masters.iter().map(|m| m.track));
        ids.filter_map(|id| id.uid.map(|uid| uid.0.get())).collect()
    }
}
