//! Files that Agora's answers and callbacks name: asked for where nothing can be listed, and compared with what is
//! there.

use std::collections::BTreeSet;

use super::located::LocateQuery;
use super::locating::failovers;
use super::{Context, Store};
use crate::domain::filename::FileName;
use crate::domain::finding::Finding;
use crate::domain::key::{KeyPrefix, ObjectKey};
use crate::domain::locate;
use crate::domain::object::ObjectInfo;
use crate::domain::place::Obstacle;
use crate::domain::recording::RecordingId;
use crate::source::Error;

/// The folder of the files, where they are named with one.
pub(super) fn folder(query: &LocateQuery) -> Option<KeyPrefix> {
    let with_folder = query.told.iter().find(|name| name.as_str().contains('/'))?;
    Some(with_folder.as_told(&KeyPrefix::root()).ok()?.folder())
}

/// The files with their failover copies, as far as they are there.
pub(super) async fn ask(
    context: &Context,
    store: &Store,
    id: &RecordingId,
    folder: &KeyPrefix,
    query: &LocateQuery,
) -> Result<Vec<ObjectInfo>, Error> {
    let source = &*store.source;
    let mut objects = Vec::new();
    for key in keys(id, folder, query) {
        match context.patiently(source, || source.stat(&key)).await {
            Ok(info) => objects.push(info),
            Err(error) if error.obstacle == Obstacle::Absent => {}
            // Reading it will say the same, and then it is about this file.
            Err(error) if matches!(error.obstacle, Obstacle::Denied(_)) => {
                objects.push(ObjectInfo::bare(key.clone()));
            }
            Err(error) => return Err(error),
        }
        if is_playlist(&key) {
            objects.extend(failovers(context, store, id, &key).await);
        }
    }
    Ok(objects)
}

/// Whether a playlist of the recording is named.
pub(super) fn names_a_playlist(id: &RecordingId, folder: &KeyPrefix, query: &LocateQuery) -> bool {
    keys(id, folder, query).any(|key| is_playlist(&key))
}

/// A finding for each file that is named and not among the objects. What the backup has pushed may bear another
/// name than what was told before.
pub(super) fn absent(
    id: &RecordingId,
    folder: &KeyPrefix,
    query: &LocateQuery,
    objects: &[ObjectInfo],
) -> Vec<Finding> {
    if query.told.is_empty() {
        return Vec::new();
    }
    let mut here = BTreeSet::new();
    for info in objects {
        let name = info.key.file_name();
        here.extend(FileName::before_transfer(name.as_str(), id));
        here.insert(name.as_str().to_owned());
    }
    let keys = keys(id, folder, query).filter(|key| !here.contains(key.file_name().as_str()));
    // What was not asked for is not missed.
    let keys = keys.filter(|key| query.only.wants_key(key));
    let beside = query.only.beside();
    keys.map(|key| Finding::ToldAbsent { key, beside }).collect()
}

/// Where the files of this recording are to be.
fn keys(id: &RecordingId, folder: &KeyPrefix, query: &LocateQuery) -> impl Iterator<Item = ObjectKey> {
    let keys = query.told.iter().filter_map(|name| name.as_told(folder).ok());
    keys.filter(|key| locate::is_ours(key.file_name().as_str(), id))
}

fn is_playlist(key: &ObjectKey) -> bool {
    key.as_str().to_ascii_lowercase().ends_with(".m3u8")
}
