//! Objects in memory: for tests, examples and programs that already have the bytes.

use std::collections::BTreeMap;

use async_trait::async_trait;
use bytes::Bytes;

use super::{Body, Capabilities, Error, Listing, Opened, Operation, Page, PageToken, Read, Source};
use crate::domain::key::ObjectKey;
use crate::domain::object::ObjectInfo;
use crate::domain::place::{Obstacle, SourceName};
use crate::domain::verdict::Framing;

/// A source that holds its objects in memory.
#[derive(Debug, Clone)]
pub struct MemorySource {
    name: SourceName,
    objects: BTreeMap<ObjectKey, (ObjectInfo, Bytes)>,
    listing: Listing,
}

impl MemorySource {
    /// An empty one that can list.
    #[must_use]
    pub fn new(name: SourceName) -> Self {
        Self { name, objects: BTreeMap::new(), listing: Listing::Possible }
    }

    /// The same, but names must be known, as with a web server.
    #[must_use]
    pub fn without_listing(mut self) -> Self {
        self.listing = Listing::Impossible;
        self
    }

    /// Adds an object about which only its length is known.
    pub fn put(&mut self, key: ObjectKey, bytes: impl Into<Bytes>) {
        let bytes = bytes.into();
        let info = ObjectInfo { size: Some(bytes.len() as u64), ..ObjectInfo::bare(key.clone()) };
        self.objects.insert(key, (info, bytes));
    }

    /// Adds an object with these facts, true or not.
    pub fn put_with(&mut self, info: ObjectInfo, bytes: impl Into<Bytes>) {
        self.objects.insert(info.key.clone(), (info, bytes.into()));
    }

    fn find(&self, key: &ObjectKey, operation: Operation) -> Result<&(ObjectInfo, Bytes), Error> {
        self.objects.get(key).ok_or_else(|| Error::new(Obstacle::Absent, operation, &self.name, key.as_str()))
    }
}

#[async_trait]
impl Source for MemorySource {
    fn name(&self) -> &SourceName {
        &self.name
    }

    fn describe(&self) -> String {
        "memory".to_owned()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { listing: self.listing }
    }

    async fn stat(&self, key: &ObjectKey) -> Result<ObjectInfo, Error> {
        self.find(key, Operation::Stat).map(|(info, _)| info.clone())
    }

    async fn open(&self, key: &ObjectKey, read: Read<'_>) -> Result<Opened, Error> {
        let (info, bytes) = self.find(key, Operation::Read)?;
        if read.if_match.is_some() && read.if_match != info.etag.as_ref() {
            return Err(Error::new(Obstacle::Changed, Operation::Read, &self.name, key.as_str()));
        }
        let rest = usize::try_from(read.from).ok().filter(|from| *from <= bytes.len());
        let Some(from) = rest else {
            return Err(Error::new(Obstacle::Changed, Operation::Read, &self.name, key.as_str()));
        };
        let until = read.until.and_then(|until| usize::try_from(until).ok()).unwrap_or(bytes.len());
        let body = Body::from_parts([Ok(bytes.slice(from..until.clamp(from, bytes.len())))]);
        Ok(Opened { info: info.clone(), framing: Framing::Length, body })
    }

    async fn list(&self, prefix: &str, _after: Option<&PageToken>) -> Result<Page, Error> {
        if self.listing == Listing::Impossible {
            return Err(Error::new(Obstacle::Unsupported, Operation::List, &self.name, prefix));
        }
        let objects = self.objects.values().filter(|(info, _)| info.key.as_str().starts_with(prefix));
        Ok(Page { objects: objects.map(|(info, _)| info.clone()).collect(), ..Page::default() })
    }
}
