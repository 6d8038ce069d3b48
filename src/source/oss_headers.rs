//! What the headers of an answer of OSS vouch for.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::HeaderMap;

use super::restore;
use crate::domain::digest::{Algorithm, Digest};
use crate::domain::object::ObjectInfo;
use crate::domain::place::ETag;

/// Adds what the headers of a GET or HEAD vouch for (Alibaba Cloud, OSS API reference, "GetObject" and
/// "Common response headers", 2026).
pub(super) fn enrich(headers: &HeaderMap, info: &mut ObjectInfo) {
    let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok());
    info.class = text("x-oss-storage-class").filter(|class| *class != "Standard").map(str::to_owned);
    info.restore = restore::of(headers);
    // Of the whole object, beside a range too.
    let crc = text("x-oss-hash-crc64ecma").and_then(|value| value.trim().parse::<u64>().ok());
    let crc = crc.and_then(|crc| Digest::new(Algorithm::Crc64Xz, crc.to_be_bytes()));
    // Of the bytes that come, which are the object only where no range was served.
    let whole = !headers.contains_key(http::header::CONTENT_RANGE);
    let md5 = text("content-md5").filter(|_| whole).and_then(|value| BASE64.decode(value).ok());
    let md5 = md5.and_then(|bytes| Digest::new(Algorithm::Md5, bytes));
    // An MD5 only for what came in one piece, and OSS does not say that it stays one under encryption:
    // where something else vouches for the bytes it is not needed.
    let normal = text("x-oss-object-type") == Some("Normal");
    let encrypted = headers.contains_key("x-oss-server-side-encryption");
    let lone = crc.is_none() && md5.is_none() && normal && !encrypted;
    let tag = lone.then(|| info.etag.as_ref().and_then(ETag::as_md5)).flatten();
    info.digests.extend([crc, md5, tag].into_iter().flatten());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::key::ObjectKey;

    #[test]
    fn digests_are_those_that_oss_vouches_for() {
        const CRC: (&str, &str) = ("x-oss-hash-crc64ecma", "11051210869376104954");
        const MD5: (&str, &str) = ("content-md5", "JfnnlDI7RTiF9RgfG2JNCw==");
        const RANGE: (&str, &str) = ("content-range", "bytes 0-1/9");
        const NORMAL: (&str, &str) = ("x-oss-object-type", "Normal");
        let digests = |pairs: &[(&'static str, &'static str)]| {
            let headers: HeaderMap =
                pairs.iter().map(|(k, v)| (http::HeaderName::from_static(k), v.parse().unwrap())).collect();
            let mut info = ObjectInfo::bare(ObjectKey::parse("a").unwrap());
            info.etag = Some(ETag::new("\"25F9E794323B453885F5181F1B624D0B\""));
            enrich(&headers, &mut info);
            info.digests.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
        };
        // The check value of CRC-64/XZ for 123456789.
        let crc = "crc64xz:995dc9bbdf1939fa";
        let md5 = "md5:25f9e794323b453885f5181f1b624d0b";
        for (headers, expected) in [
            (&[CRC][..], crc.to_owned()),
            (&[CRC, RANGE], crc.to_owned()),
            (&[CRC, NORMAL], crc.to_owned()),
            (&[CRC, MD5, NORMAL], format!("{crc} {md5}")),
            (&[MD5, RANGE], String::new()),
            (&[NORMAL], md5.to_owned()),
            (&[NORMAL, RANGE], md5.to_owned()),
            (&[("x-oss-object-type", "Multipart")], String::new()),
            (&[("x-oss-object-type", "Appendable")], String::new()),
            (&[NORMAL, ("x-oss-server-side-encryption", "KMS")], String::new()),
            (&[], String::new()),
            (&[("x-oss-hash-crc64ecma", "-1"), ("content-md5", "!")], String::new()),
        ] {
            assert_eq!(digests(headers), expected, "{headers:?}");
        }
    }

    #[test]
    fn only_another_class_than_the_usual_one_is_told() {
        for (class, expected) in
            [("Standard", None), ("IA", Some("IA")), ("ColdArchive", Some("ColdArchive"))]
        {
            let mut info = ObjectInfo::bare(ObjectKey::parse("a").unwrap());
            enrich(
                &HeaderMap::from_iter([("x-oss-storage-class".parse().unwrap(), class.parse().unwrap())]),
                &mut info,
            );
            assert_eq!(info.class.as_deref(), expected);
        }
    }
}
