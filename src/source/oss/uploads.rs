//! The documents of OSS about uploads in parts.

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde::Deserialize;

/// Uploads that were begun and not ended.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) begun: Vec<Begun>,
    pub(super) next: Option<Marker>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Begun {
    pub(super) key: String,
    pub(super) id: String,
    /// When, in seconds of Unix time.
    pub(super) at: Option<i64>,
}

/// Where a listing goes on.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Marker {
    key: String,
    id: String,
}

/// The query that asks for a page, encoded.
pub(super) fn query(prefix: &str, after: Option<&Marker>) -> String {
    let mut query = format!("encoding-type=url&max-uploads=1000&prefix={}", encode(prefix));
    if let Some(Marker { key, id }) = after {
        query.push_str(&format!("&key-marker={}&upload-id-marker={}", encode(key), encode(id)));
    }
    query.push_str("&uploads");
    query
}

/// The part of a query that names an upload.
pub(super) fn of(id: &str) -> String {
    format!("uploadId={}", encode(id))
}

fn encode(text: &str) -> String {
    utf8_percent_encode(text, UNRESERVED).to_string()
}

const UNRESERVED: &percent_encoding::AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The ID that an upload got.
pub(super) fn id(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    enum Document {
        InitiateMultipartUploadResult(Initiated),
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Initiated {
        upload_id: String,
    }
    let Document::InitiateMultipartUploadResult(begun) =
        quick_xml::de::from_str(std::str::from_utf8(body).ok()?).ok()?;
    Some(begun.upload_id).filter(|id| !id.is_empty())
}

/// The document that ends an upload of parts with these tags.
pub(super) fn completion(tags: &[String]) -> Vec<u8> {
    let mut document = "<CompleteMultipartUpload>".to_owned();
    for (n, tag) in tags.iter().enumerate() {
        let tag = tag.replace('&', "&amp;").replace('<', "&lt;");
        document.push_str(&format!("<Part><PartNumber>{}</PartNumber><ETag>\"{tag}\"</ETag></Part>", n + 1));
    }
    document.push_str("</CompleteMultipartUpload>");
    document.into_bytes()
}

/// The page that a document holds.
pub(super) fn page(body: &[u8]) -> Result<Page, &'static str> {
    let text = std::str::from_utf8(body).map_err(|_| "the listing is not UTF-8")?;
    let Document::ListMultipartUploadsResult(document) =
        quick_xml::de::from_str(text).map_err(|_| "the answer is no listing of uploads")?;
    let encoded = document.encoding_type.as_deref() == Some("url");
    let decoded = |text: String| {
        if encoded {
            percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
        } else {
            text
        }
    };
    let begun = document.uploads.into_iter().map(|upload| Begun {
        key: decoded(upload.key),
        id: upload.upload_id,
        at: upload
            .initiated
            .and_then(|text| text.parse::<jiff::Timestamp>().ok())
            .map(jiff::Timestamp::as_second),
    });
    let begun = begun.collect();
    let next = if document.is_truncated {
        let key = document.next_key_marker.filter(|key| !key.is_empty());
        let key = key.ok_or("the listing breaks off without a way to go on")?;
        Some(Marker { key: decoded(key), id: document.next_upload_id_marker.unwrap_or_default() })
    } else {
        None
    };
    Ok(Page { begun, next })
}

/// Only this document is a listing: another one of the same form would be a bucket without uploads.
#[derive(Deserialize)]
enum Document {
    ListMultipartUploadsResult(Listed),
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    encoding_type: Option<String>,
    is_truncated: bool,
    next_key_marker: Option<String>,
    next_upload_id_marker: Option<String>,
    #[serde(default, rename = "Upload")]
    uploads: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    key: String,
    upload_id: String,
    initiated: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_uploads_says_what_was_begun_when_and_where_it_goes_on() {
        let text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListMultipartUploadsResult><Bucket>b</Bucket>\
                    <EncodingType>url</EncodingType><KeyMarker></KeyMarker><IsTruncated>true</IsTruncated>\
                    <NextKeyMarker>a%2Bb.ts</NextKeyMarker><NextUploadIdMarker>2</NextUploadIdMarker>\
                    <Upload><Key>a%20b.ts</Key><UploadId>1</UploadId>\
                    <StorageClass>Standard</StorageClass><Initiated>2026-01-02T03:04:05.000Z</Initiated></Upload>\
                    <Upload><Key>a%2Bb.ts</Key><UploadId>2</UploadId></Upload></ListMultipartUploadsResult>";
        let found = page(text.as_bytes()).unwrap();
        let begun = |key: &str, id: &str, at| Begun { key: key.to_owned(), id: id.to_owned(), at };
        assert_eq!(found.begun, [begun("a b.ts", "1", Some(1_767_323_045)), begun("a+b.ts", "2", None)]);
        let next = found.next.unwrap();
        assert_eq!(
            query("x/y", Some(&next)),
            "encoding-type=url&max-uploads=1000&prefix=x%2Fy&key-marker=a%2Bb.ts&upload-id-marker=2&uploads"
        );
        assert!(page(b"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>").is_err());
        let broken = text.replace("a%2Bb.ts</NextKeyMarker>", "</NextKeyMarker>");
        assert!(page(broken.as_bytes()).is_err());
    }

    #[test]
    fn an_upload_has_an_id_and_is_ended_with_the_tags_of_its_parts() {
        let of = |text: &str| id(text.as_bytes());
        let begun = "<InitiateMultipartUploadResult><Bucket>b</Bucket><Key>k</Key><UploadId>0004B9</UploadId>\
                     </InitiateMultipartUploadResult>";
        assert_eq!(of(begun).as_deref(), Some("0004B9"));
        assert_eq!(of(&begun.replace("0004B9", "")), None);
        assert_eq!(of("<Other><UploadId>1</UploadId></Other>"), None);
        let document = completion(&["A".to_owned(), "B".to_owned()]);
        assert_eq!(
            String::from_utf8(document).unwrap(),
            "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>\"A\"</ETag></Part>\
             <Part><PartNumber>2</PartNumber><ETag>\"B\"</ETag></Part></CompleteMultipartUpload>"
        );
    }
}
