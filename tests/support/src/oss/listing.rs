//! Listings: `GetBucket` and `GetBucketV2` of the vendor's API reference.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{Response, StatusCode, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{OssOptions, Refusal, class, escape, etag, kind};
use crate::bucket::Page;
use crate::net::{self, Body};
use crate::store::Objects;

const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// How many keys OSS gives where nothing is said.
const USUAL: usize = 100;

/// What OSS gives at most.
const MOST: usize = 1000;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

pub(super) fn answer(
    objects: &Objects,
    options: &OssOptions,
    query: &str,
) -> Result<Response<Body>, Refusal> {
    let value = |name: &str| net::query_value(query, name).filter(|value| !value.is_empty());
    let version = match value("list-type").as_deref() {
        Some("2") => Version::Two,
        Some(_) => return Err(Refusal::new(400, "InvalidArgument", "The list-type is invalid.")),
        None => Version::One,
    };
    let prefix = value("prefix").unwrap_or_default();
    let delimiter = value("delimiter");
    let token = value("continuation-token");
    let after = match (version, &token) {
        (Version::One, _) => value("marker"),
        (Version::Two, Some(token)) => Some(decoded(token)?),
        (Version::Two, None) => value("start-after"),
    };
    let asked = match value("max-keys") {
        None => USUAL,
        Some(text) => text.parse().ok().filter(|most| (1..=MOST).contains(most)).ok_or_else(|| {
            Refusal::new(400, "InvalidArgument", "Argument maxKeys must be an integer between 1 and 1000.")
        })?,
    };
    let page =
        Page::of(objects, &prefix, delimiter.as_deref(), after.as_deref(), asked.min(options.page_size));
    let in_url = value("encoding-type").as_deref() == Some("url");
    let text = |text: &str| match in_url {
        true => utf8_percent_encode(text, ENCODED).to_string(),
        false => escape(text),
    };
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListBucketResult><Name>{}</Name><Prefix>{}</Prefix>\
         <MaxKeys>{asked}</MaxKeys><Delimiter>{}</Delimiter>",
        options.bucket,
        text(&prefix),
        text(delimiter.as_deref().unwrap_or_default()),
    );
    // Writing to a string cannot fail.
    let _ = write!(xml, "<IsTruncated>{}</IsTruncated>", page.next.is_some());
    if in_url {
        xml.push_str("<EncodingType>url</EncodingType>");
    }
    let _ = match (version, page.next.as_deref()) {
        (Version::One, next) => {
            let marker = text(after.as_deref().unwrap_or_default());
            let next =
                next.map(|next| format!("<NextMarker>{}</NextMarker>", text(next))).unwrap_or_default();
            write!(xml, "<Marker>{marker}</Marker>{next}")
        }
        (Version::Two, Some(next)) => {
            let next = URL_SAFE_NO_PAD.encode(next);
            write!(xml, "<NextContinuationToken>{next}</NextContinuationToken>")
        }
        (Version::Two, None) => Ok(()),
    };
    for (key, object) in &page.objects {
        let modified = jiff::Timestamp::try_from(object.modified_time()).expect("a time of this era");
        let _ = write!(
            xml,
            "<Contents><Key>{}</Key><LastModified>{}</LastModified><ETag>{}</ETag><Type>{}</Type>\
             <Size>{}</Size><StorageClass>{}</StorageClass></Contents>",
            text(key),
            modified.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            escape(&etag(object)),
            kind(object),
            object.len(),
            class(object),
        );
    }
    for folder in &page.folders {
        let _ = write!(xml, "<CommonPrefixes><Prefix>{}</Prefix></CommonPrefixes>", text(folder));
    }
    if version == Version::Two {
        let _ = write!(xml, "<KeyCount>{}</KeyCount>", page.objects.len() + page.folders.len());
    }
    xml.push_str("</ListBucketResult>");
    let answer = Response::builder().status(StatusCode::OK).header(header::CONTENT_TYPE, "application/xml");
    Ok(answer.header(header::CONTENT_LENGTH, xml.len()).body(net::full(xml)).expect("a valid answer"))
}

fn decoded(token: &str) -> Result<String, Refusal> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok();
    bytes
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| Refusal::new(400, "InvalidArgument", "The continuation token provided is incorrect"))
}
