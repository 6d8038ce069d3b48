//! Listings of OSS (GetBucketV2, `list-type=2`).

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde::Deserialize;

use super::super::{Page, PageToken};
use crate::domain::key::ObjectKey;
use crate::domain::object::ObjectInfo;
use crate::domain::place::ETag;
use crate::domain::time::SliceTime;

/// A thousand keys of 1,023 bytes, each byte written as three, with all that stands around them, are less.
pub(super) const MOST_BYTES: usize = 16 * 1024 * 1024;

const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The query that asks for a page, encoded.
pub(super) fn query(prefix: &str, after: Option<&str>) -> String {
    // Without a number a page has a hundred keys. Keys may hold characters that no XML document can.
    let mut query = "encoding-type=url&list-type=2&max-keys=1000".to_owned();
    for (name, value) in
        [("prefix", Some(prefix).filter(|prefix| !prefix.is_empty())), ("continuation-token", after)]
    {
        if let Some(value) = value {
            query.push_str(&format!("&{name}={}", utf8_percent_encode(value, QUERY)));
        }
    }
    query
}

/// The page that a document holds.
pub(in crate::source) fn page(body: &[u8]) -> Result<Page, &'static str> {
    let text = std::str::from_utf8(body).map_err(|_| "the listing is not UTF-8")?;
    let Document::ListBucketResult(document) =
        quick_xml::de::from_str(text).map_err(|_| "the answer is not a listing")?;
    let encoded = document.encoding_type.as_deref() == Some("url");
    let decoded = |text: String| if encoded { url_decoded(&text) } else { text };
    let mut page = Page::default();
    for entry in document.contents {
        let key = decoded(entry.key.clone());
        page.push_key(&key, |key| listed(key, entry));
    }
    if document.is_truncated {
        let token = document.next_continuation_token.filter(|token| !token.is_empty());
        let token = token.ok_or("the listing breaks off without a way to go on")?;
        page.next = Some(PageToken(decoded(token)));
    }
    Ok(page)
}

/// Only this document is a listing: another one of the same form would be an empty bucket.
#[derive(Deserialize)]
enum Document {
    ListBucketResult(ListBucketResult),
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListBucketResult {
    encoding_type: Option<String>,
    is_truncated: bool,
    next_continuation_token: Option<String>,
    #[serde(default)]
    contents: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    key: String,
    size: Option<u64>,
    #[serde(rename = "ETag")]
    tag: Option<String>,
    last_modified: Option<String>,
    storage_class: Option<String>,
}

/// A listing tells no digest: whether the ETag is one depends on headers that only an answer about the
/// object has.
fn listed(key: ObjectKey, entry: Entry) -> ObjectInfo {
    let modified = entry.last_modified.and_then(|text| text.parse::<jiff::Timestamp>().ok());
    ObjectInfo {
        size: entry.size,
        etag: entry.tag.as_deref().map(ETag::new),
        modified: modified.and_then(|time| SliceTime::from_unix_ms(time.as_millisecond())),
        class: entry.storage_class.filter(|class| class != "Standard"),
        ..ObjectInfo::bare(key)
    }
}

/// A key as `encoding-type=url` writes it: a plus never stands for itself.
fn url_decoded(text: &str) -> String {
    percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(inside: &str) -> String {
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListBucketResult><Name>lessons</Name><Prefix></Prefix>\
             <MaxKeys>1000</MaxKeys><EncodingType>url</EncodingType>{inside}</ListBucketResult>"
        )
    }

    #[test]
    fn a_page_is_read_with_its_facts() {
        let text = document(
            "<IsTruncated>true</IsTruncated><NextContinuationToken>CgJiYw--</NextContinuationToken>\
             <Contents><Key>a%2Fb%20c%2B.ts</Key><LastModified>2020-05-18T05:45:43.000Z</LastModified>\
             <ETag>\"35A27C2B9EAEEB6F48FD7FB5861D****\"</ETag><Type>Normal</Type><Size>25</Size>\
             <StorageClass>Archive</StorageClass></Contents>\
             <Contents><Key>folder%2F</Key><Size>0</Size></Contents>\
             <Contents><Key>a%2F..%2Fb</Key></Contents><KeyCount>3</KeyCount>",
        );
        let page = page(text.as_bytes()).unwrap();
        assert_eq!(page.next, Some(PageToken("CgJiYw--".to_owned())));
        assert_eq!((page.objects.len(), page.unsafe_keys.len()), (1, 1));
        let info = &page.objects[0];
        assert_eq!((info.key.as_str(), info.size), ("a/b c+.ts", Some(25)));
        assert_eq!(info.class.as_deref(), Some("Archive"));
        assert!(info.modified.is_some() && info.etag.is_some() && info.digests.is_empty());
    }

    #[test]
    fn what_is_no_listing_is_never_an_empty_one() {
        let endless = document("<IsTruncated>true</IsTruncated>");
        let truncated = document("<IsTruncated>false</IsTruncated>").replace("</ListBucketResult>", "");
        for text in [
            "",
            "<html></html>",
            "<Error><IsTruncated>false</IsTruncated></Error>",
            "\u{0}",
            &endless,
            &truncated,
        ] {
            assert!(page(text.as_bytes()).is_err(), "{text}");
        }
        assert!(page(b"\xff").is_err());
        assert_eq!(page(document("<IsTruncated>false</IsTruncated>").as_bytes()).unwrap().objects.len(), 0);
    }

    #[test]
    fn a_prefix_is_asked_for_byte_by_byte() {
        assert_eq!(
            query("a b/频", Some("x=+")),
            "encoding-type=url&list-type=2&max-keys=1000&prefix=a%20b%2F%E9%A2%91&continuation-token=x%3D%2B"
        );
    }
}
