//! The documents that Kodo's interfaces answer with (Qiniu, "stat", "list", 2024).

use serde::Deserialize;

use crate::domain::digest::{Algorithm, Digest};
use crate::domain::key::ObjectKey;
use crate::domain::object::{ObjectInfo, Restore};
use crate::domain::place::ETag;
use crate::domain::time::SliceTime;
use crate::source::{Page, PageToken};

/// One page of a listing. Where it is empty, `items` may be null; where more comes, a page may be empty.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::source) struct Listed {
    marker: Option<String>,
    items: Option<Vec<Entry>>,
}

impl Listed {
    pub(in crate::source) fn into_page(self) -> Page {
        let mut page = Page::default();
        for mut entry in self.items.unwrap_or_default() {
            let key = std::mem::take(&mut entry.key);
            page.push_key(&key, |key| entry.into_info(key));
        }
        page.next = self.marker.filter(|marker| !marker.is_empty()).map(PageToken);
        page
    }
}

/// What is known of one object. `stat` leaves its key out.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Entry {
    key: String,
    hash: String,
    fsize: Option<u64>,
    /// In units of 100 ns since 1970.
    put_time: Option<i64>,
    #[serde(rename = "type")]
    class: u32,
    /// Of archived objects only: 1 is under way, 2 done.
    restore_status: Option<u32>,
    mime_type: Option<String>,
    md5: String,
}

impl Entry {
    pub(super) fn into_info(self, key: ObjectKey) -> ObjectInfo {
        let qetag = self.fsize.and_then(|size| Digest::from_qetag(&self.hash, size));
        let class = match self.class {
            0 => None,
            1 => Some("infrequent access".to_owned()),
            2 => Some("archive".to_owned()),
            3 => Some("deep archive".to_owned()),
            4 => Some("archive with direct reading".to_owned()),
            5 => Some("intelligent tiering".to_owned()),
            other => Some(format!("type {other}")),
        };
        ObjectInfo {
            size: self.fsize,
            etag: (!self.hash.is_empty()).then(|| ETag::new(&self.hash)),
            // The MD5 is there for objects that came in one piece, and also where the hash is of no known form.
            digests: qetag.into_iter().chain(Digest::from_hex(Algorithm::Md5, &self.md5)).collect(),
            modified: self.put_time.and_then(|time| SliceTime::from_unix_ms(time / 10_000)),
            class,
            content_type: self.mime_type.filter(|kind| !kind.is_empty()),
            restore: match self.restore_status {
                Some(1) => Some(Restore::UnderWay),
                // Until when is in no answer.
                Some(2) => Some(Restore::Restored { until: None }),
                Some(_) | None => None,
            },
            ..ObjectInfo::bare(key)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(json: &str) -> ObjectInfo {
        let entry: Entry = serde_json::from_str(json).unwrap();
        entry.into_info(ObjectKey::parse("a.ts").unwrap())
    }

    #[test]
    fn an_entry_vouches_for_what_can_be_compared() {
        let whole = info(
            r#"{"fsize":5,"hash":"Fqr0xh3cxeii2r7eDztILNmuqUNN","mimeType":"video/MP2T","type":0,
                "putTime":13603956734587420,"md5":"5d41402abc4b2a76b9719d911017c592","x-qn-meta":{"a":"b"}}"#,
        );
        assert_eq!(whole.size, Some(5));
        assert_eq!(whole.etag.unwrap().as_str(), "Fqr0xh3cxeii2r7eDztILNmuqUNN");
        assert_eq!(whole.modified.unwrap().unix_ms(), 1_360_395_673_458);
        assert_eq!(whole.class, None);
        let algorithms: Vec<_> = whole.digests.iter().map(Digest::algorithm).collect();
        assert_eq!(algorithms, [Algorithm::Qetag, Algorithm::Md5]);

        assert_eq!((whole.content_type.as_deref(), whole.restore), (Some("video/MP2T"), None));
        for (status, expected) in
            [(0, None), (1, Some(Restore::UnderWay)), (2, Some(Restore::Restored { until: None })), (3, None)]
        {
            let restored = info(&format!(r#"{{"fsize":5,"type":2,"restoreStatus":{status}}}"#));
            assert_eq!(restored.restore, expected, "{status}");
        }

        let other = info(r#"{"fsize":5000000,"hash":"nieGn00gWdbfwEIHaUpzu4drHeun","type":3}"#);
        assert_eq!((other.digests.len(), other.class.as_deref()), (0, Some("deep archive")));
        assert_eq!(info("{}").etag, None);
    }

    #[test]
    fn an_empty_page_may_say_null() {
        let page: Listed =
            serde_json::from_str(r#"{"items":null,"marker":"m","commonPrefixes":[]}"#).unwrap();
        assert!(page.items.is_none() && page.marker.as_deref() == Some("m"));
        assert!(serde_json::from_str::<Listed>(r#"{"items":[{"fsize":-1}]}"#).is_err());
    }
}
