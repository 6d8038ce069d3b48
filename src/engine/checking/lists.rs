//! The lists of a recording as they were read: those whose segments are used, and their other versions.

use std::sync::Arc;

use super::super::Context;
use super::super::located::{Found, FoundPlaylist};
use super::super::sink::Sink;
use crate::domain::check::{PlaylistSeen, PlaylistText, Version};
use crate::domain::filename::{FileName, Role};
use crate::domain::locate::{MasterForm, PlaylistSet, Recording};
use crate::domain::place::Obstacle;
use crate::domain::playlist;
use crate::domain::recording::TrackId;
use crate::domain::verdict::{Evidence, Verdict};

/// All lists, in the order in which they were read.
pub(super) fn seen(context: &Context, found: &Found) -> Vec<PlaylistSeen> {
    found.playlists.iter().map(|list| one(context, &found.recording, list)).collect()
}

fn one(context: &Context, recording: &Recording, list: &FoundPlaylist) -> PlaylistSeen {
    let whose = whose(recording, list);
    let mut info = list.info.clone();
    if let Some(bytes) = &list.bytes {
        info.content_type = bytes.content_type.clone().or(info.content_type);
        info.size = info.size.or(Some(bytes.seen.size));
    }
    let Whose { track, failover, version, form } = whose;
    PlaylistSeen { text: text(context, list, form), info, track, failover, version }
}

/// What a list is to the recording.
struct Whose {
    track: Option<TrackId>,
    failover: Option<u8>,
    version: Version,
    form: MasterForm,
}

fn whose(recording: &Recording, list: &FoundPlaylist) -> Whose {
    let key = &list.info.key;
    let version = |set: &PlaylistSet| match set.chosen.key == *key {
        true => Some(Version::Chosen),
        false => set.kept.iter().any(|kept| kept.key == *key).then_some(Version::Twin),
    };
    let tracks = recording
        .tracks
        .iter()
        .flat_map(|track| track.playlists.iter().map(move |set| (track.id, set, MasterForm::Hls)));
    let masters = recording.masters.iter().map(|master| (master.track, &master.set, master.form));
    let mut known = tracks.chain(masters);
    let known = known.find_map(|(track, set, form)| {
        let version = version(set)?;
        Some(Whose { track: Some(track), failover: set.failover, version, form })
    });
    known.unwrap_or_else(|| {
        let name = FileName::parse(key.file_name().as_str(), Some(&recording.id));
        let dash = name.as_ref().is_some_and(|name| matches!(name.role, Role::DashManifest { .. }));
        Whose {
            track: name.as_ref().map(|name| name.track),
            failover: name.and_then(|name| name.failover),
            version: Version::Twin,
            form: if dash { MasterForm::Dash } else { MasterForm::Hls },
        }
    })
}

fn text(context: &Context, list: &FoundPlaylist, form: MasterForm) -> PlaylistText {
    match &list.verdict {
        Verdict::Verified {
            evidence: Evidence::StoreDigest { .. } | Evidence::Structure | Evidence::LengthOnly,
        } => match (form, &list.text, list.bytes.as_ref().map(|bytes| &bytes.sink)) {
            (MasterForm::Dash, ..) => PlaylistText::Manifest,
            (MasterForm::Hls, Some(playlist), _) => PlaylistText::Read(playlist.clone()),
            // Only those whose segments are used were looked into.
            (MasterForm::Hls, None, Some(Sink::Memory { bytes, .. })) => {
                let (playlist, _) = playlist::read(&list.info.key, bytes, context.options.uris);
                PlaylistText::Read(Arc::new(playlist))
            }
            (MasterForm::Hls, None, Some(Sink::File { .. } | Sink::Held { .. } | Sink::Sent(_)) | None) => {
                PlaylistText::Refused(Obstacle::Unexpected)
            }
        },
        Verdict::Absent { .. } => PlaylistText::Absent,
        Verdict::Denied { why, .. } => PlaylistText::Refused(Obstacle::Denied(*why)),
        Verdict::Frozen { class, .. } => PlaylistText::Refused(Obstacle::Frozen { class: class.clone() }),
        Verdict::Unreachable { last, .. } => PlaylistText::Refused(last.clone()),
        Verdict::Corrupt { what, .. } => PlaylistText::Wrong(what.clone()),
        Verdict::NotRequested | Verdict::Interrupted => PlaylistText::Refused(Obstacle::Unexpected),
    }
}
