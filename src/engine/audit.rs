//! Looking whether a mirror still is what it was: by what its store says, or by reading every byte.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use futures_util::stream::{self, StreamExt as _};
use sha2::{Digest as _, Sha256};

use super::retry::Retries;
use super::there::{self, Wanted};
use super::{Context, Fetcher, Store};
use crate::archive::{Contents, Damage, Listed, MarkV1, Packed, Verification};
use crate::domain::digest::{Algorithm, Comparison, Digest, compare};
use crate::domain::key::{KeyPrefix, ObjectKey};
use crate::domain::object::ObjectInfo;
use crate::domain::place::{ETag, Obstacle};
use crate::domain::recording::RecordingId;
use crate::domain::report::Outcome;
use crate::source::{Error, Listing, Operation, Read, Source};

/// So many objects are asked about at once.
const AT_ONCE: usize = 16;

/// How deep a mirror is looked into.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum AuditDepth {
    /// By what the store tells of its objects.
    #[default]
    Told,
    /// Every byte is read and hashed.
    Read,
}

/// What came of looking at a mirror.
#[derive(Debug, Clone)]
pub struct Audit {
    /// What is not as it was. Its folder is the store and the folder there; its files and bytes are those that the
    /// manifest lists.
    pub bag: Verification,
    /// The mark, where there is one.
    pub mark: Option<MarkV1>,
    /// On what the objects of the payload were compared, those that are as they were.
    pub proven: ProvenBy,
    /// What is there and could not be compared with anything.
    pub not_compared: Vec<String>,
    /// What is there and could not be read, where every byte was to be.
    pub not_read: Vec<(String, Obstacle)>,
}

/// How many objects were compared by what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ProvenBy {
    /// Their bytes were read and hashed.
    pub reading: usize,
    /// The store vouches for the same digest as was recorded.
    pub digest: usize,
    /// The store still calls it the version that was proven when it was stored.
    pub version: usize,
    /// By their length only.
    pub length: usize,
}

impl Audit {
    /// Whether nothing is known to be wrong, and everything could be looked at.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.bag.is_whole() && self.not_read.is_empty() && self.not_compared.is_empty()
    }

    /// What it comes to: that of the recording if the mirror is whole.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        if !self.bag.is_whole() {
            return self.bag.exit_code();
        }
        let unread = self.not_read.iter().map(|(_, why)| match why {
            Obstacle::Frozen { .. } => Outcome::Frozen,
            Obstacle::Denied(_) => Outcome::Denied,
            Obstacle::Corrupt => Outcome::Corrupt,
            Obstacle::Absent
            | Obstacle::NoSuchBucket
            | Obstacle::WrongRegion { .. }
            | Obstacle::Changed
            | Obstacle::Throttled
            | Obstacle::Unreachable
            | Obstacle::Untrusted
            | Obstacle::Unsupported
            | Obstacle::Unexpected => Outcome::Temporary,
        });
        // Whatever nobody could compare is not proven.
        let unknown = (!self.not_compared.is_empty()).then_some(Outcome::Incomplete);
        match unread.chain(unknown).max() {
            Some(outcome) => outcome.exit_code(),
            None => self.bag.exit_code(),
        }
    }
}

impl Fetcher {
    /// Compares a mirror with its manifests. Without [`AuditDepth::Read`], of the payload nothing is read.
    ///
    /// `progress` is told bytes of the payload as they are dealt with.
    ///
    /// # Errors
    /// Where the store cannot be asked. What is wrong with the mirror is part of the result.
    pub async fn audit(
        &self,
        store: &Store,
        id: &RecordingId,
        depth: AuditDepth,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Audit, Error> {
        self.looked(store, id, depth, progress).await.map(|(audit, _)| audit)
    }

    /// The same, and what the mirror says of itself.
    pub(super) async fn looked(
        &self,
        store: &Store,
        id: &RecordingId,
        depth: AuditDepth,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<(Audit, Contents), Error> {
        let (context, source) = (&*self.context, &*store.source);
        let prefix = store.prefix.clone().unwrap_or_default();
        let folder = KeyPrefix::from_parts([prefix.as_str(), id.as_str()]).map_err(|why| {
            let error = Error::new(Obstacle::Unsupported, Operation::List, source.name(), id.as_str());
            error.with_answer(why.to_string())
        })?;
        let mut contents = there::contents(context, source, &folder, Wanted::All).await?;
        if let Some(mark) = &contents.mark
            && mark.recording != id.as_str()
        {
            contents.damage.push(Damage::BadLine { file: crate::archive::MARK.to_owned(), line: 1 });
        }
        let mut audited = Audited {
            context,
            source,
            folder: &folder,
            damage: std::mem::take(&mut contents.damage),
            proven: ProvenBy::default(),
            not_compared: Vec::new(),
            not_read: Vec::new(),
        };
        audited.payload(&contents, depth, progress).await?;
        let Audited { mut damage, proven, not_compared, not_read, .. } = audited;
        damage.sort();
        damage.dedup();
        let bytes = contents.payload.values().filter_map(Listed::size).sum();
        let bag = Verification {
            dir: PathBuf::from(format!(
                "{}:{}",
                source.name().as_str(),
                folder.as_str().trim_end_matches('/')
            )),
            report: contents.report.take(),
            files: contents.payload.len(),
            bytes,
            damage,
        };
        let audit = Audit { bag, mark: contents.mark.clone(), proven, not_compared, not_read };
        Ok((audit, contents))
    }
}

struct Audited<'a> {
    context: &'a Context,
    source: &'a dyn Source,
    folder: &'a KeyPrefix,
    damage: Vec<Damage>,
    proven: ProvenBy,
    not_compared: Vec<String>,
    not_read: Vec<(String, Obstacle)>,
}

/// What an object was compared on.
enum Compared {
    Digest,
    Version,
    Length,
    Nothing,
    Wrong(Damage),
}

impl Audited<'_> {
    async fn payload(
        &mut self,
        contents: &Contents,
        depth: AuditDepth,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<(), Error> {
        let told = self.told().await?;
        let pack = contents.mark.as_ref().and_then(|mark| mark.pack.as_ref());
        let mut wanted: BTreeMap<String, Expected> = BTreeMap::new();
        if let Some(pack) = pack {
            let digests = pack.digests.iter().filter_map(|digest| digest.to_digest()).collect();
            let stored = pack.stored.clone();
            let expected =
                Expected { size: Some(pack.size), digests, stored, stands_for: contents.payload.len() };
            wanted.insert(pack.file.clone(), expected);
        } else {
            for (path, listed) in &contents.payload {
                let (size, digests) = (listed.size(), listed.digests());
                let stored = listed.stored.clone();
                wanted.insert(path.clone(), Expected { size, digests, stored, stands_for: 1 });
            }
        }
        if let Some(told) = &told {
            let known: BTreeSet<_> = wanted.keys().collect();
            let extra = told.keys().filter(|path| Contents::is_payload(path) && !known.contains(path));
            self.damage.extend(extra.map(|path| Damage::Extra { path: path.clone() }));
        }
        let there = self.asked(&wanted, told.as_ref()).await?;
        let mut good = BTreeSet::new();
        for (path, expected) in &wanted {
            let compared = match there.get(path) {
                None => Compared::Wrong(Damage::Missing { path: path.clone() }),
                Some(info) => expected.compare(path, info),
            };
            let number = expected.stands_for;
            match compared {
                // What is not there, or is known to be another, is not read.
                Compared::Wrong(damage) => {
                    self.damage.push(damage);
                    continue;
                }
                _ if depth == AuditDepth::Read => {}
                Compared::Digest => self.proven.digest += number,
                Compared::Version => self.proven.version += number,
                Compared::Length => self.proven.length += number,
                Compared::Nothing => self.not_compared.push(path.clone()),
            }
            if depth == AuditDepth::Told {
                progress(expected.size.unwrap_or_default());
            }
            good.insert(path.clone());
        }
        if depth == AuditDepth::Read {
            self.read_all(contents, &good, progress).await?;
        }
        Ok(())
    }

    /// What a listing tells, by path; `None` where the store has none.
    async fn told(&self) -> Result<Option<BTreeMap<String, ObjectInfo>>, Error> {
        if self.source.capabilities().listing == Listing::Impossible {
            return Ok(None);
        }
        let listed = there::list(self.context, self.source, self.folder.as_str()).await?;
        let by_path = listed.into_iter().filter_map(|info| {
            Some((info.key.as_str().strip_prefix(self.folder.as_str())?.to_owned(), info))
        });
        Ok(Some(by_path.collect()))
    }

    /// Asks about each object of which the listing tells too little.
    async fn asked(
        &self,
        wanted: &BTreeMap<String, Expected>,
        told: Option<&BTreeMap<String, ObjectInfo>>,
    ) -> Result<BTreeMap<String, ObjectInfo>, Error> {
        let (mut there, mut ask) = (BTreeMap::new(), Vec::new());
        for (path, expected) in wanted {
            match told.map(|told| told.get(path)) {
                Some(None) => {}
                Some(Some(info)) if expected.is_settled(path, info) => {
                    there.insert(path.clone(), info.clone());
                }
                Some(Some(_)) | None => ask.push(path.clone()),
            }
        }
        let answers = stream::iter(ask.into_iter().map(|path| async move {
            let key = there::key(self.source, self.folder, &path, Operation::Stat)?;
            match self.context.patiently(self.source, || self.source.stat(&key)).await {
                Ok(info) => Ok(Some((path, info))),
                Err(error) if error.obstacle == Obstacle::Absent => Ok(None),
                Err(error) => Err(error),
            }
        }));
        let mut answers = answers.buffer_unordered(AT_ONCE);
        while let Some(answer) = answers.next().await {
            there.extend(answer?);
        }
        Ok(there)
    }

    /// Reads and hashes.
    async fn read_all(
        &mut self,
        contents: &Contents,
        good: &BTreeSet<String>,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<(), Error> {
        let pack = contents.mark.as_ref().and_then(|mark| mark.pack.as_ref());
        let (context, source, folder) = (self.context, self.source, self.folder);
        let mut work = Vec::new();
        if let Some(pack) = pack.filter(|pack| good.contains(&pack.file)) {
            // Headers and tag files in it are part of it too.
            let whole = pack.digests.iter().filter_map(|digest| digest.to_digest());
            let sha256 = whole.into_iter().find(|digest| digest.algorithm() == Algorithm::Sha256);
            work.extend(sha256.map(|sha256| (pack.file.clone(), pack.file.clone(), None, sha256)));
        }
        for (path, listed) in &contents.payload {
            match (pack, &listed.packed) {
                (None, _) if good.contains(path) => {
                    work.push((path.clone(), path.clone(), None, listed.sha256.clone()));
                }
                (Some(pack), Some(packed)) if good.contains(&pack.file) => {
                    work.push((path.clone(), pack.file.clone(), Some(packed.clone()), listed.sha256.clone()));
                }
                (None | Some(_), _) => {}
            }
        }
        let is_tar = |path: &String| pack.is_some_and(|pack| pack.file == *path);
        let read = stream::iter(work.into_iter().map(|(path, file, packed, expected)| async move {
            let found = match there::key(source, folder, &file, Operation::Read) {
                Ok(key) => hash(context, source, &key, packed.as_ref(), progress).await,
                Err(error) => Err(error),
            };
            (path, expected, found)
        }));
        let mut read = read.buffer_unordered(AT_ONCE);
        while let Some((path, expected, found)) = read.next().await {
            match found {
                Ok(found) if found == expected => self.proven.reading += usize::from(!is_tar(&path)),
                Ok(found) => {
                    let (expected, found) = (expected.hex(), found.hex());
                    self.damage.push(Damage::Changed { path, expected, found });
                }
                Err(error) if error.obstacle == Obstacle::Absent => {
                    self.damage.push(Damage::Missing { path })
                }
                Err(error) => self.not_read.push((path, error.obstacle)),
            }
        }
        self.not_read.sort();
        Ok(())
    }
}

/// What an object of a mirror has to be.
struct Expected {
    size: Option<u64>,
    digests: Vec<Digest>,
    stored: Option<String>,
    /// For how many objects of the recording.
    stands_for: usize,
}

impl Expected {
    fn compare(&self, path: &str, info: &ObjectInfo) -> Compared {
        if let (Some(expected), Some(found)) = (self.size, info.size)
            && expected != found
        {
            return Compared::Wrong(Damage::Length { path: path.to_owned(), expected, found });
        }
        match compare(&self.digests, &info.digests) {
            Comparison::Agrees(_) => return Compared::Digest,
            Comparison::Differs(algorithm) => {
                return Compared::Wrong(Damage::Digest { path: path.to_owned(), algorithm });
            }
            Comparison::Silent => {}
        }
        // A listing does not tell whether the tag is an MD5. One that is equal cannot be anything else.
        let tag = info.etag.as_ref().and_then(ETag::as_md5);
        if tag.is_some_and(|tag| self.digests.contains(&tag)) {
            return Compared::Digest;
        }
        let version = info.etag.as_ref().map(ETag::as_str);
        match (version.is_some() && version == self.stored.as_deref(), self.size.zip(info.size)) {
            (true, _) => Compared::Version,
            (false, Some(_)) => Compared::Length,
            (false, None) => Compared::Nothing,
        }
    }

    /// Whether asking about the object alone could not tell more.
    fn is_settled(&self, path: &str, info: &ObjectInfo) -> bool {
        match self.compare(path, info) {
            Compared::Digest => true,
            Compared::Wrong(Damage::Length { .. }) => true,
            Compared::Wrong(_) | Compared::Version | Compared::Length | Compared::Nothing => false,
        }
    }
}

/// Reads an object, or its part of a tar, and goes on where it breaks off.
async fn hash(
    context: &Context,
    source: &dyn Source,
    key: &ObjectKey,
    packed: Option<&Packed>,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Digest, Error> {
    let (start, end) = match packed {
        Some(packed) => (packed.offset, Some(packed.offset + packed.size)),
        None => (0, None),
    };
    let (mut sha256, mut at) = (Sha256::new(), start);
    let mut version: Option<ETag> = None;
    let mut retries = Retries::new(context.options.retry, context.now());
    while end.is_none_or(|end| at < end) {
        let read = Read { from: at, until: end, if_match: version.as_ref().filter(|_| at > start) };
        let tried = async {
            let mut opened = source.open(key, read).await?;
            let (etag, size) = (opened.info.etag.take(), opened.info.size);
            while let Some(chunk) = opened.body.next().await {
                let chunk = chunk?;
                sha256.update(&chunk);
                at += chunk.len() as u64;
                progress(chunk.len() as u64);
                retries.progressed(context.now());
            }
            Ok((etag, size))
        };
        let error = match tried.await {
            Ok((etag, size)) => {
                version = version.take().or(etag);
                match (end, size) {
                    (None, None) => break,
                    (None, Some(size)) if at >= size => break,
                    (Some(end), _) if at >= end => break,
                    (_, _) => Error::new(Obstacle::Unreachable, Operation::Read, source.name(), key.as_str()),
                }
            }
            Err(error) => error,
        };
        context.before_another_try(error, &mut retries).await?;
    }
    let failed = || Error::new(Obstacle::Unexpected, Operation::Read, source.name(), key.as_str());
    Digest::new(Algorithm::Sha256, sha256.finalize()).ok_or_else(failed)
}
