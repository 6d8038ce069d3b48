//! Who signed a request to OSS, found out again from what was sent: versions 4 and 1, in headers and in
//! URLs, as Alibaba Cloud's API reference describes them ("Include a V4 signature", "Include V1 signatures
//! in the Authorization header", 2026).

use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderMap, Method};
use jiff::tz::TimeZone;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode, utf8_percent_encode};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::{OssOptions, Refusal, Signatures, WrongRegion};
use crate::net;
use crate::s3::{Keys, Token};

const V4: &str = "OSS4-HMAC-SHA256";

/// OSS refuses requests whose date is further from its own clock than this, in seconds.
const MAX_SKEW: i64 = 15 * 60;

/// A URL of version 4 is good for a week at most.
const MAX_EXPIRY: i64 = 7 * 24 * 3600;

const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
const PATH: &AsciiSet = &UNRESERVED.remove(b'/');

/// Parameters that version 1 signs; all others it ignores.
const SUBRESOURCES: &[&str] = &[
    "acl",
    "append",
    "bucketInfo",
    "continuation-token",
    "cors",
    "delete",
    "encryption",
    "lifecycle",
    "location",
    "logging",
    "objectMeta",
    "partNumber",
    "policy",
    "position",
    "referer",
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
    "restore",
    "security-token",
    "stat",
    "symlink",
    "tagging",
    "uploadId",
    "uploads",
    "versionId",
    "versioning",
    "versions",
    "website",
    "x-oss-ac-forward-allow",
    "x-oss-ac-source-ip",
    "x-oss-ac-subnet-mask",
    "x-oss-ac-vpc-id",
    "x-oss-process",
    "x-oss-traffic-limit",
];

/// What of a request is signed.
pub(super) struct Signed<'a> {
    pub(super) method: &'a Method,
    pub(super) headers: &'a HeaderMap,
    /// The bucket that the request is about, wherever it stands.
    pub(super) bucket: &'a str,
    /// The path below the bucket as it was sent, with its slash.
    pub(super) path: &'a str,
    /// The query as it was sent.
    pub(super) query: &'a str,
}

/// The access key that signed; `None` where nobody did.
pub(super) fn who<'o>(
    options: &'o OssOptions,
    now: i64,
    signed: &Signed<'_>,
) -> Result<Option<&'o Keys>, Refusal> {
    let authorization = net::header_text(signed.headers, "authorization");
    let given = |name: &str| net::query_value(signed.query, name);
    match authorization.as_deref() {
        Some(text) if text.starts_with(V4) => by_header_v4(options, now, signed, text).map(Some),
        Some(text) => by_header_v1(options, now, signed, text).map(Some),
        None if given("x-oss-signature-version").is_some() => by_url_v4(options, now, signed).map(Some),
        None if given("OSSAccessKeyId").is_some() => by_url_v1(options, now, signed).map(Some),
        None => Ok(None),
    }
}

fn invalid(message: &'static str, ec: &'static str) -> Refusal {
    Refusal::new(400, "InvalidArgument", message).ec(ec)
}

fn skewed() -> Refusal {
    let message = "The difference between the request time and the current time is too large.";
    Refusal::new(403, "RequestTimeTooSkewed", message).ec("0002-00000504")
}

fn expired() -> Refusal {
    Refusal::new(403, "AccessDenied", "Request has expired.").ec("0002-00000069")
}

/// The owner of an access key, if the token fits.
fn owner<'o>(options: &'o OssOptions, access: &str, token: Option<&str>) -> Result<&'o Keys, Refusal> {
    let unknown = || {
        let message = "The OSS Access Key Id you provided does not exist in our records.";
        Refusal::new(403, "InvalidAccessKeyId", message).ec("0002-00000902")
    };
    let keys = options.keys.iter().find(|keys| keys.access == access).ok_or_else(unknown)?;
    let wrong = || {
        let message = "The security token you provided is invalid.";
        Refusal::new(403, "InvalidSecurityToken", message).ec("0002-00000903")
    };
    match (&keys.token, token) {
        (Token::None, None) => Ok(keys),
        (Token::Required(want), Some(got)) if want == got => Ok(keys),
        // Keys that are temporary are not known without their token.
        (Token::Required(_) | Token::Expired, None) => Err(unknown()),
        (Token::Expired, Some(_)) => {
            let message = "The security token you provided has expired.";
            Err(Refusal::new(403, "SecurityTokenExpired", message).ec("0002-00000904"))
        }
        (Token::Required(_) | Token::None, Some(_)) => Err(wrong()),
    }
}

/// Access key, date and region of a credential: `<key>/<date>/<region>/oss/aliyun_v4_request`.
fn scope(credential: &str) -> Option<(&str, &str, &str)> {
    let mut parts = credential.rsplitn(5, '/');
    let ends = parts.next() == Some("aliyun_v4_request") && parts.next() == Some("oss");
    let (region, date, access) = (parts.next()?, parts.next()?, parts.next()?);
    ends.then_some((access, date, region))
}

fn by_header_v4<'o>(
    options: &'o OssOptions,
    now: i64,
    signed: &Signed<'_>,
    text: &str,
) -> Result<&'o Keys, Refusal> {
    if options.signatures == Signatures::OnlyV1 {
        return Err(invalid("Authorization header is invalid.", "0002-00000063"));
    }
    let field = |name: &str| {
        let fields = text[V4.len()..].split(',').map(str::trim);
        fields.filter_map(|field| field.split_once('=')).find(|(key, _)| *key == name).map(|(_, value)| value)
    };
    let credential = field("Credential")
        .ok_or_else(|| invalid("Credential is missing in Authorization header.", "0002-00000203"))?;
    let (access, day, region) = scope(credential)
        .ok_or_else(|| invalid("Invalid Credential in Authorization header.", "0002-00000213"))?;
    let token = net::header_text(signed.headers, "x-oss-security-token");
    let keys = owner(options, access, token.as_deref())?;
    let date = net::header_text(signed.headers, "x-oss-date")
        .ok_or_else(|| Refusal::new(403, "AccessDenied", "OSS authentication requires a valid Date."))?;
    if (now - iso(&date)?).abs() > MAX_SKEW {
        return Err(skewed());
    }
    if !date.starts_with(day) {
        return Err(invalid("Invalid signing date in Authorization header.", "0002-00000225"));
    }
    right_region(options, region, "Invalid signing region in Authorization header.")?;
    let payload = net::header_text(signed.headers, "x-oss-content-sha256");
    if payload.as_deref() != Some("UNSIGNED-PAYLOAD") {
        let message = "x-oss-content-sha256 is missing or invalid.";
        return Err(invalid(message, "0002-00000233"));
    }
    let more: Vec<&str> =
        field("AdditionalHeaders").unwrap_or_default().split(';').filter(|name| !name.is_empty()).collect();
    let given = field("Signature").unwrap_or_default();
    check_v4(signed, keys, &date, region, &more, given)?;
    Ok(keys)
}

fn by_url_v4<'o>(options: &'o OssOptions, now: i64, signed: &Signed<'_>) -> Result<&'o Keys, Refusal> {
    if options.signatures == Signatures::OnlyV1 {
        // A gateway that knows no version 4 sees no signature at all.
        return Err(Refusal::anonymous());
    }
    let value = |name: &str| net::query_value(signed.query, name);
    if value("x-oss-signature-version").as_deref() != Some(V4) {
        return Err(invalid("Invalid signature version.", "0002-00000220"));
    }
    let credential = value("x-oss-credential").unwrap_or_default();
    let (access, day, region) =
        scope(&credential).ok_or_else(|| invalid("Invalid x-oss-credential.", "0002-00000221"))?;
    let token = value("x-oss-security-token");
    let keys = owner(options, access, token.as_deref())?;
    let date = value("x-oss-date").unwrap_or_default();
    let since = iso(&date)?;
    let lifetime: i64 = value("x-oss-expires").and_then(|text| text.parse().ok()).unwrap_or(-1);
    if !(1..=MAX_EXPIRY).contains(&lifetime) {
        return Err(invalid("Invalid x-oss-expires.", "0002-00000236"));
    }
    if since - now > MAX_SKEW {
        return Err(skewed());
    }
    if now > since + lifetime {
        return Err(expired());
    }
    if !date.starts_with(day) {
        return Err(invalid("Invalid signing date in x-oss-credential.", "0002-00000225"));
    }
    right_region(options, region, "Invalid signing region in x-oss-credential.")?;
    let more = value("x-oss-additional-headers").unwrap_or_default();
    let more: Vec<&str> = more.split(';').filter(|name| !name.is_empty()).collect();
    check_v4(signed, keys, &date, region, &more, &value("x-oss-signature").unwrap_or_default())?;
    Ok(keys)
}

fn right_region(options: &OssOptions, region: &str, message: &'static str) -> Result<(), Refusal> {
    if region == options.region {
        return Ok(());
    }
    Err(match options.wrong_region {
        WrongRegion::Named => Refusal::elsewhere(&options.region),
        WrongRegion::Unnamed => invalid(message, "0002-00000226"),
    })
}

fn check_v4(
    signed: &Signed<'_>,
    keys: &Keys,
    date: &str,
    region: &str,
    more: &[&str],
    given: &str,
) -> Result<(), Refusal> {
    let canonical = canonical_v4(signed, more);
    let day = &date[..8];
    let to_sign = format!(
        "{V4}\n{date}\n{day}/{region}/oss/aliyun_v4_request\n{}",
        hex::encode(Sha256::digest(canonical.as_bytes()))
    );
    let mut key = format!("aliyun_v4{}", keys.secret).into_bytes();
    for part in [day, region, "oss", "aliyun_v4_request"] {
        key = sha256_mac(&key, part.as_bytes());
    }
    matches(&hex::encode(sha256_mac(&key, to_sign.as_bytes())), given, &to_sign)
}

/// Method, path, query, headers, names of further headers, payload.
fn canonical_v4(signed: &Signed<'_>, more: &[&str]) -> String {
    let resource =
        [b"/", signed.bucket.as_bytes(), &percent_decode_str(signed.path).collect::<Vec<u8>>()[..]].concat();
    let path = percent_encode(&resource, PATH);
    let mut query: Vec<(String, String)> = pairs(signed.query)
        .filter(|(name, _)| name != "x-oss-signature")
        .map(|(name, value)| (encode(&name), encode(&value)))
        .collect();
    query.sort();
    let query: Vec<String> = query
        .into_iter()
        .map(|(name, value)| if value.is_empty() { name } else { format!("{name}={value}") })
        .collect();
    let mut names: Vec<&str> = signed.headers.keys().map(http::HeaderName::as_str).collect();
    names.retain(|name| {
        matches!(*name, "content-type" | "content-md5") || name.starts_with("x-oss-") || more.contains(name)
    });
    names.sort_unstable();
    let headers: String = names
        .iter()
        .map(|name| format!("{name}:{}\n", net::header_text(signed.headers, name).unwrap_or_default().trim()))
        .collect();
    let method = signed.method;
    format!("{method}\n{path}\n{}\n{headers}\n{}\nUNSIGNED-PAYLOAD", query.join("&"), more.join(";"))
}

fn by_header_v1<'o>(
    options: &'o OssOptions,
    now: i64,
    signed: &Signed<'_>,
    text: &str,
) -> Result<&'o Keys, Refusal> {
    let parsed = text.strip_prefix("OSS ").and_then(|rest| rest.split_once(':'));
    let (access, given) =
        parsed.ok_or_else(|| invalid("Authorization header is invalid.", "0002-00000063"))?;
    version_1_is_taken(options)?;
    let token = net::header_text(signed.headers, "x-oss-security-token");
    let keys = owner(options, access, token.as_deref())?;
    let header = |name| net::header_text(signed.headers, name);
    let date = header("x-oss-date").or(header("date")).unwrap_or_default();
    let sent = jiff::fmt::rfc2822::parse(&date).map(|time| time.timestamp().as_second());
    let sent = sent.or_else(|_| iso(&date)).map_err(|_| {
        Refusal::new(403, "AccessDenied", "OSS authentication requires a valid Date.").ec("0002-00000065")
    })?;
    if (now - sent).abs() > MAX_SKEW {
        return Err(skewed());
    }
    check_v1(signed, keys, &date, given)?;
    Ok(keys)
}

fn by_url_v1<'o>(options: &'o OssOptions, now: i64, signed: &Signed<'_>) -> Result<&'o Keys, Refusal> {
    version_1_is_taken(options)?;
    let value = |name: &str| net::query_value(signed.query, name);
    let access = value("OSSAccessKeyId").unwrap_or_default();
    let keys = owner(options, &access, value("security-token").as_deref())?;
    let expires = value("Expires").unwrap_or_default();
    let until: i64 = expires
        .parse()
        .map_err(|_| Refusal::new(403, "AccessDenied", "Expires is no number.").ec("0002-00000066"))?;
    if now > until {
        return Err(expired());
    }
    check_v1(signed, keys, &expires, &value("Signature").unwrap_or_default())?;
    Ok(keys)
}

/// How new buckets refuse version 1 is not published.
fn version_1_is_taken(options: &OssOptions) -> Result<(), Refusal> {
    match options.signatures {
        Signatures::Both | Signatures::OnlyV1 => Ok(()),
        Signatures::OnlyV4 => {
            Err(Refusal::new(403, "AccessDenied", "This signature version is not accepted."))
        }
    }
}

fn check_v1(signed: &Signed<'_>, keys: &Keys, date: &str, given: &str) -> Result<(), Refusal> {
    let header = |name| net::header_text(signed.headers, name).unwrap_or_default();
    let mut names: Vec<&str> = signed.headers.keys().map(http::HeaderName::as_str).collect();
    names.retain(|name| name.starts_with("x-oss-"));
    names.sort_unstable();
    let headers: String = names.iter().map(|name| format!("{name}:{}\n", header(name).trim())).collect();
    let mut asked: Vec<(String, String)> =
        pairs(signed.query).filter(|(name, _)| SUBRESOURCES.contains(&name.as_str())).collect();
    asked.sort();
    let asked: Vec<String> = asked
        .into_iter()
        .map(|(name, value)| if value.is_empty() { name } else { format!("{name}={value}") })
        .collect();
    let mut resource = format!("/{}{}", signed.bucket, net::decode(signed.path));
    if !asked.is_empty() {
        resource = format!("{resource}?{}", asked.join("&"));
    }
    let (md5, kind) = (header("content-md5"), header("content-type"));
    let to_sign = format!("{}\n{md5}\n{kind}\n{date}\n{headers}{resource}", signed.method);
    let mut mac = Hmac::<Sha1>::new_from_slice(keys.secret.as_bytes()).expect("any length will do");
    mac.update(to_sign.as_bytes());
    matches(&BASE64.encode(mac.finalize().into_bytes()), given, &to_sign)
}

fn matches(right: &str, given: &str, to_sign: &str) -> Result<(), Refusal> {
    if right == given {
        return Ok(());
    }
    let message = "The request signature we calculated does not match the signature you provided. Check your \
                   key and signing method.";
    let more = format!(
        "<SignatureProvided>{}</SignatureProvided><StringToSign>{}</StringToSign>",
        super::escape(given),
        super::escape(to_sign)
    );
    Err(Refusal::new(403, "SignatureDoesNotMatch", message).ec("0002-00000040").more(more))
}

fn sha256_mac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any length will do");
    mac.update(text);
    mac.finalize().into_bytes().to_vec()
}

/// Decoded pairs of a query.
fn pairs(query: &str) -> impl Iterator<Item = (String, String)> + '_ {
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let decode = |text: &str| net::decode(&text.replace('+', " "));
        (decode(name), decode(value))
    })
}

fn encode(text: &str) -> String {
    utf8_percent_encode(text, UNRESERVED).to_string()
}

/// Unix seconds of `20231203T121212Z`.
fn iso(text: &str) -> Result<i64, Refusal> {
    let bad =
        || Refusal::new(403, "AccessDenied", "OSS authentication requires a valid Date.").ec("0002-00000065");
    let time = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", text).map_err(|_| bad())?;
    Ok(time.to_zoned(TimeZone::UTC).map_err(|_| bad())?.timestamp().as_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The worked example of the vendor's page on signatures of version 1.
    #[test]
    fn version_1_gives_the_published_signature() {
        let headers: HeaderMap = [
            ("content-md5", "ODBGOERFMDMzQTczRUY3NUE3NzA5QzdFNUYzMDQxNEM="),
            ("content-type", "text/html"),
            ("date", "Thu, 17 Nov 2005 18:49:58 GMT"),
            ("x-oss-magic", "abracadabra"),
            ("x-oss-meta-author", "foo@bar.com"),
        ]
        .into_iter()
        .map(|(name, value)| (name.parse().expect("a name"), value.parse().expect("a value")))
        .collect();
        let signed = Signed {
            method: &Method::PUT,
            headers: &headers,
            bucket: "oss-example",
            path: "/nelson",
            query: "",
        };
        let keys = Keys::new("44CF9590006BF252F707", "OtxrzxIsfpFjA7SwPzILwy8Bw21TLhquhboDYROV");
        let date = "Thu, 17 Nov 2005 18:49:58 GMT";
        let right = check_v1(&signed, &keys, date, "26NBxoKdsyly4EDv6inkoDft/yA=");
        assert!(right.is_ok(), "{:?}", right.err().map(|refusal| refusal.more));
        assert!(check_v1(&signed, &keys, date, "36NBxoKdsyly4EDv6inkoDft/yA=").is_err());
    }
}
