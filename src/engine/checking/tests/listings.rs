use async_trait::async_trait;

use super::*;
use crate::domain::object::ObjectInfo;
use crate::domain::place::ETag;
use crate::source::{Capabilities, Error, MemorySource, Opened, Operation, Page, PageToken, Read, Source};

/// Lists keys and nothing about them.
struct Sizeless(MemorySource);

#[async_trait]
impl Source for Sizeless {
    fn name(&self) -> &SourceName {
        self.0.name()
    }

    fn describe(&self) -> String {
        self.0.describe()
    }

    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }

    async fn stat(&self, key: &ObjectKey) -> Result<ObjectInfo, Error> {
        if key.as_str().ends_with("20260920125147485.ts") {
            return Err(Error::new(Obstacle::Denied(Denial::NotAllowed), Operation::Stat, self.name(), ""));
        }
        self.0.stat(key).await
    }

    async fn open(&self, key: &ObjectKey, read: Read<'_>) -> Result<Opened, Error> {
        self.0.open(key, read).await
    }

    async fn list(&self, prefix: &str, after: Option<&PageToken>) -> Result<Page, Error> {
        let mut page = self.0.list(prefix, after).await?;
        page.objects.iter_mut().for_each(|info| info.size = None);
        Ok(page)
    }
}

#[tokio::test]
async fn a_listing_without_sizes_says_too_little() {
    let plan = plan(3);
    let names = plan.slice_names();
    let mut source = MemorySource::new(SourceName::new("prod"));
    for (name, bytes) in plan.files(&[Bytes::from(vec![0x47; 188])]) {
        source.put(ObjectKey::parse(&name).unwrap(), bytes);
    }
    let store = Store { source: Arc::new(Sizeless(source)), prefix: None };
    let seen = gathered_in(SID, Candidate { store, fallbacks: Vec::new() }).await;
    assert_eq!(seen.stores, ["prod Own: 4"]);
    assert_eq!(seen.of(&names[0]), ["0: 188 bytes"]);
    assert_eq!(seen.of(&names[1]), ["0: denied: access denied"]);
    assert_eq!(seen.of(&plan.playlist_name()), [format!("0: {} bytes", plan.playlist().len())]);
}

/// Lists what there was a moment ago: the playlist as it was, and not the last slice.
struct Late {
    inner: MemorySource,
    hidden: String,
    old_tag: &'static str,
}

#[async_trait]
impl Source for Late {
    fn name(&self) -> &SourceName {
        self.inner.name()
    }

    fn describe(&self) -> String {
        self.inner.describe()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn stat(&self, key: &ObjectKey) -> Result<ObjectInfo, Error> {
        self.inner.stat(key).await
    }

    async fn open(&self, key: &ObjectKey, read: Read<'_>) -> Result<Opened, Error> {
        self.inner.open(key, read).await
    }

    async fn list(&self, prefix: &str, after: Option<&PageToken>) -> Result<Page, Error> {
        let mut page = self.inner.list(prefix, after).await?;
        page.objects.retain(|info| info.key.as_str() != self.hidden);
        for info in page.objects.iter_mut().filter(|info| info.etag.is_some()) {
            info.etag = Some(ETag::new(self.old_tag));
        }
        Ok(page)
    }
}

#[tokio::test]
async fn what_a_playlist_names_that_is_newer_than_the_listing_is_asked_for() {
    for (old_tag, expected) in [("old", "0: 188 bytes"), ("new", "0: absent")] {
        let plan = plan(3);
        let hidden = plan.slice_names()[2].clone();
        let mut inner = MemorySource::new(SourceName::new("prod"));
        for (name, bytes) in plan.files(&[Bytes::from(vec![0x47; 188])]) {
            let (key, size) = (ObjectKey::parse(&name).unwrap(), Some(bytes.len() as u64));
            let etag = name.ends_with(".m3u8").then(|| ETag::new("new"));
            inner.put_with(ObjectInfo { size, etag, ..ObjectInfo::bare(key) }, bytes);
        }
        let late = Late { inner, hidden: hidden.clone(), old_tag };
        let store = Store { source: Arc::new(late), prefix: None };
        let seen = gathered_in(SID, Candidate { store, fallbacks: Vec::new() }).await;
        assert_eq!(seen.of(&hidden), [expected], "{old_tag}");
    }
}
