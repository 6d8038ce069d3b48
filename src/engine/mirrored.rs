//! A recording in a mirror, seen as its own store had it: names, not paths of a bag, and each object with the
//! digest by which the mirror's manifest vouches for it.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;

use super::there::{self, Wanted};
use super::{Context, Store};
use crate::archive::{Contents, Damage, Listed, MARK, MarkV1, Packed};
use crate::domain::digest::{Algorithm, Digest};
use crate::domain::finding::{Finding, MirrorLack};
use crate::domain::key::{KeyPrefix, ObjectKey, ObjectName};
use crate::domain::object::ObjectInfo;
use crate::domain::only::{Form, Only};
use crate::domain::place::{Obstacle, SourceName};
use crate::domain::recording::RecordingId;
use crate::domain::verdict::Framing;
use crate::source::{Body, Capabilities, Error, Listing, Opened, Operation, Page, PageToken, Read, Source};

/// A mirror of a recording, as a store that can be asked for it.
pub(super) struct Mirrored {
    /// The store.
    pub(super) store: Store,
    /// Why it cannot be called whole, where it cannot.
    pub(super) findings: Vec<Finding>,
}

/// Looks whether the folder `home` of a store holds a mirror of a recording, whose objects then are in `folder`.
pub(super) async fn find(
    context: &Context,
    store: &Store,
    id: &RecordingId,
    only: &Only,
    home: &KeyPrefix,
    folder: &KeyPrefix,
) -> Result<Option<Mirrored>, Error> {
    let source = &*store.source;
    let has_payload = match source.capabilities().listing {
        Listing::Possible => {
            let page = context.patiently(source, || source.list(home.as_str(), None)).await?;
            if page.objects.is_empty() {
                return Ok(None);
            }
            let path = |info: &ObjectInfo| info.key.as_str().strip_prefix(home.as_str()).map(str::to_owned);
            page.objects.iter().filter_map(path).any(|path| Contents::is_payload(&path))
        }
        Listing::Impossible => {
            let key = there::key(source, home, MARK, Operation::Read)?;
            if there::read(context, source, &key).await?.and_then(|text| MarkV1::read(&text)).is_none() {
                return Ok(None);
            }
            false
        }
    };
    let contents = there::contents(context, source, home, Wanted::Payload).await?;
    let from = source.name().clone();
    let lack = |why| Finding::PartOfMirror { from: from.clone(), why };
    let ours = contents.mark.as_ref().filter(|mark| mark.recording == id.as_str());
    let Some((mark, true)) = ours.map(|mark| (mark, contents.damage.is_empty())) else {
        let why = match (ours, contents.damage.iter().find_map(file_of)) {
            (Some(_), Some(file)) => MirrorLack::OtherThanMarked { file },
            (Some(_) | None, _) => MirrorLack::NoMark,
        };
        if let (Some(_), MirrorLack::OtherThanMarked { file }, false) = (ours, &why, has_payload) {
            // It is there and nobody can tell what is where: that is not "not found".
            let error = Error::new(Obstacle::Unexpected, Operation::Read, source.name(), file.as_str());
            return Err(error.with_answer("the mirror is not as its mark says"));
        }
        // What lies there may be all that is left of the recording.
        let plain = || KeyPrefix::from_parts([home.as_str().trim_end_matches('/'), "data"]).ok();
        let prefix = if has_payload { plain() } else { None };
        return Ok(prefix.map(|prefix| Mirrored {
            store: Store { source: store.source.clone(), prefix: Some(prefix) },
            findings: vec![lack(why)],
        }));
    };
    let mut findings = Vec::new();
    if mark.exit_code != 0 {
        findings.push(lack(MirrorLack::WasNotWhole { outcome: mark.outcome.clone() }));
    }
    let holds = |form: Form| mark.only.iter().any(|word| word == form.word());
    if !mark.only.is_empty() && (only.is_everything() || !only.forms().all(holds)) {
        findings.push(lack(MirrorLack::HoldsOnly { forms: mark.only.clone() }));
    }
    let view = View::new(context, store.source.clone(), home, folder, contents).await?;
    let store = Store { source: Arc::new(view), prefix: Some(folder.clone()) };
    Ok(Some(Mirrored { store, findings }))
}

/// The folder that a mirror has, where the objects of a recording lie in the payload of a bag.
pub(super) fn home_of_payload(folder: &KeyPrefix, id: &RecordingId) -> Option<KeyPrefix> {
    let home = folder.as_str().strip_suffix("data/")?;
    let last = home.strip_suffix('/')?.rsplit('/').next()?;
    if last != id.as_str() {
        return None;
    }
    KeyPrefix::from_parts([home.trim_end_matches('/')]).ok()
}

fn file_of(damage: &Damage) -> Option<String> {
    match damage {
        Damage::Changed { path, .. }
        | Damage::Length { path, .. }
        | Damage::Digest { path, .. }
        | Damage::Part { path, .. }
        | Damage::Missing { path }
        | Damage::Extra { path }
        | Damage::Unreadable { path, .. }
        | Damage::NotInManifest { path } => Some(path.clone()),
        Damage::BadLine { file, .. } => Some(file.clone()),
        Damage::Oxum { .. } => None,
    }
}

/// Where an object lies.
struct Lying {
    key: ObjectKey,
    packed: Option<Packed>,
    sha256: Digest,
}

/// The objects of a mirror under the names of the recording.
struct View {
    inner: Arc<dyn Source>,
    finished: String,
    lying: BTreeMap<ObjectKey, Lying>,
    listing: Vec<ObjectInfo>,
}

impl View {
    async fn new(
        context: &Context,
        inner: Arc<dyn Source>,
        home: &KeyPrefix,
        folder: &KeyPrefix,
        contents: Contents,
    ) -> Result<Self, Error> {
        let source = &*inner;
        let pack = contents.mark.as_ref().and_then(|mark| mark.pack.as_ref());
        let tar = match pack {
            Some(pack) => Some(there::key(source, home, &pack.file, Operation::Read)?),
            None => None,
        };
        let mut told = BTreeMap::new();
        match (&tar, source.capabilities().listing) {
            (Some(tar), _) => {
                let info = context.patiently(source, || source.stat(tar)).await?;
                told.insert(tar.clone(), info);
            }
            (None, Listing::Possible) => {
                let payload = format!("{}data/", home.as_str());
                for info in there::list(context, source, &payload).await? {
                    told.insert(info.key.clone(), info);
                }
            }
            (None, Listing::Impossible) => {}
        }
        let (mut lying, mut listing) = (BTreeMap::new(), Vec::new());
        for (path, listed) in &contents.payload {
            let name = listed.record.as_ref().map(|record| record.name.clone());
            let name = name.or_else(|| ObjectName::parse(path.strip_prefix("data/")?).ok());
            let Some(seen) = name.and_then(|name| name.in_folder(folder).ok()) else { continue };
            let key = match &tar {
                Some(tar) => tar.clone(),
                None => there::key(source, home, path, Operation::Read)?,
            };
            listing.push(info(seen.clone(), listed, told.get(&key)));
            let Listed { sha256, packed, .. } = listed.clone();
            lying.insert(seen, Lying { key, packed, sha256 });
        }
        listing.sort_by(|a, b| a.key.cmp(&b.key));
        let finished = contents.mark.map(|mark| mark.finished).unwrap_or_default();
        Ok(Self { inner, finished, lying, listing })
    }

    fn lying(&self, key: &ObjectKey, operation: Operation) -> Result<&Lying, Error> {
        let absent = || Error::new(Obstacle::Absent, operation, self.inner.name(), key.as_str());
        self.lying.get(key).ok_or_else(absent)
    }
}

/// What a listing of the recording's own store would say, with what the manifest knows.
fn info(key: ObjectKey, listed: &Listed, there: Option<&ObjectInfo>) -> ObjectInfo {
    let alone = there.filter(|_| listed.packed.is_none());
    let others = alone.iter().flat_map(|info| &info.digests);
    let others = others.filter(|digest| digest.algorithm() != Algorithm::Sha256);
    ObjectInfo {
        size: listed.size().or(alone.and_then(|info| info.size)),
        etag: there.and_then(|info| info.etag.clone()),
        digests: std::iter::once(&listed.sha256).chain(others).cloned().collect(),
        modified: there.and_then(|info| info.modified),
        class: there.and_then(|info| info.class.clone()),
        restore: there.and_then(|info| info.restore),
        ..ObjectInfo::bare(key)
    }
}

#[async_trait]
impl Source for View {
    fn name(&self) -> &SourceName {
        self.inner.name()
    }

    fn describe(&self) -> String {
        format!("{}, mirror of {}", self.inner.describe(), self.finished)
    }

    fn capabilities(&self) -> Capabilities {
        // Its manifest is its listing.
        Capabilities { listing: Listing::Possible }
    }

    async fn stat(&self, key: &ObjectKey) -> Result<ObjectInfo, Error> {
        let lying = self.lying(key, Operation::Stat)?;
        let found = self.inner.stat(&lying.key).await?;
        Ok(lying.answer(key, found))
    }

    async fn open(&self, key: &ObjectKey, read: Read<'_>) -> Result<Opened, Error> {
        let lying = self.lying(key, Operation::Read)?;
        let Some(Packed { offset, size, .. }) = lying.packed else {
            let mut opened = self.inner.open(&lying.key, read).await?;
            opened.info = lying.answer(key, opened.info);
            return Ok(opened);
        };
        let until = read.until.unwrap_or(size).min(size);
        if read.from > size {
            return Err(Error::new(Obstacle::Changed, Operation::Read, self.inner.name(), key.as_str()));
        }
        if read.from >= until {
            // No store serves a range of nothing.
            let info = lying.answer(key, self.inner.stat(&lying.key).await?);
            return Ok(Opened { info, framing: Framing::Length, body: Body::from_parts([]) });
        }
        let part = Read { from: offset + read.from, until: Some(offset + until), if_match: read.if_match };
        let mut opened = self.inner.open(&lying.key, part).await?;
        opened.info = lying.answer(key, opened.info);
        Ok(opened)
    }

    async fn list(&self, prefix: &str, _: Option<&PageToken>) -> Result<Page, Error> {
        let below = self.listing.iter().filter(|info| info.key.as_str().starts_with(prefix));
        Ok(Page { objects: below.cloned().collect(), ..Page::default() })
    }

    async fn move_to_region(&self, region: &str) -> bool {
        self.inner.move_to_region(region).await
    }
}

impl Lying {
    /// What an answer about the object that holds it says about it.
    fn answer(&self, key: &ObjectKey, found: ObjectInfo) -> ObjectInfo {
        let mut digests = vec![self.sha256.clone()];
        let size = match &self.packed {
            Some(packed) => Some(packed.size),
            None => {
                digests.extend(found.digests.into_iter().filter(|d| d.algorithm() != Algorithm::Sha256));
                found.size
            }
        };
        ObjectInfo { key: key.clone(), size, digests, ..found }
    }
}
