//! What an error of OSS means (Alibaba Cloud, OSS, "Error responses" and the pages of single codes, 2026).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;

use super::super::http::obstacle_of_status;
use super::super::s3_answer::printable;
use crate::domain::place::{Denial, Obstacle};

/// An error document. Much else that is in one (the text that was to be signed, the key) is left where it is.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct ErrorDocument {
    code: String,
    message: String,
    request_id: Option<String>,
    endpoint: Option<String>,
    #[serde(rename = "EC")]
    ec: Option<String>,
}

/// What an error document said.
pub(in crate::source) struct OssError {
    code: String,
    message: String,
    endpoint: Option<String>,
    /// Code, message, request ID and the number of the vendor's page on it, on one line, for people.
    pub(in crate::source) words: String,
}

impl OssError {
    /// Whether the store takes a signature of version 4 for a broken one of version 1. Stores that know no
    /// version 4 (private clouds, 2024 to 2026) answer so.
    pub(super) fn knows_no_v4(&self) -> bool {
        self.code == "InvalidArgument"
            && self.message.to_ascii_lowercase().starts_with("authorization header is invalid")
    }
}

/// Reads an error from its body or, where a HEAD has none, from the header that holds the same.
pub(in crate::source) fn read_error(headers: &HeaderMap, body: &[u8]) -> Option<OssError> {
    let in_header = || {
        let text = headers.get("x-oss-err")?.as_bytes();
        BASE64.decode(text).ok()
    };
    let body = if body.is_empty() { in_header()? } else { body.to_vec() };
    let text = std::str::from_utf8(&body).ok()?;
    if !text.contains("<Code>") {
        return None;
    }
    let document: ErrorDocument = quick_xml::de::from_str(text).ok()?;
    if document.code.is_empty() {
        return None;
    }
    let mut words = printable(&document.code);
    for (before, text) in
        [(": ", Some(document.message.clone())), (", request ", document.request_id), (", EC ", document.ec)]
    {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            words.push_str(before);
            words.push_str(&printable(&text));
        }
    }
    let endpoint = document.endpoint.filter(|text| !text.is_empty());
    Some(OssError { code: document.code, message: document.message, endpoint, words })
}

/// What an answer means that is no success.
pub(in crate::source) fn obstacle(
    status: StatusCode,
    headers: &HeaderMap,
    error: Option<&OssError>,
) -> Obstacle {
    let Some(error) = error else {
        return match status.as_u16() {
            301 | 307 | 308 => Obstacle::WrongRegion { right: None },
            _ => obstacle_of_status(status),
        };
    };
    let says = |words: &str| error.message.to_ascii_lowercase().contains(words);
    match error.code.as_str() {
        "NoSuchKey" | "NoSuchVersion" => Obstacle::Absent,
        "NoSuchBucket" | "InvalidBucketName" => Obstacle::NoSuchBucket,
        "InvalidObjectState" => {
            let class = headers.get("x-oss-storage-class").and_then(|v| v.to_str().ok());
            Obstacle::Frozen { class: class.map(str::to_owned) }
        }
        // The endpoint is only named where it is another one.
        "AccessDenied" if error.endpoint.is_some() || says("addressed using the specified endpoint") => {
            Obstacle::WrongRegion { right: error.endpoint.as_deref().and_then(region_of) }
        }
        "InvalidArgument" if says("invalid signing region") => Obstacle::WrongRegion { right: None },
        "AccessDenied" if says("has expired") => Obstacle::Denied(Denial::Expired),
        "InvalidAccessKeyId" => Obstacle::Denied(Denial::UnknownKey),
        "SignatureDoesNotMatch" => Obstacle::Denied(Denial::WrongSecret),
        "SecurityTokenExpired" | "InvalidSecurityToken" => Obstacle::Denied(Denial::Expired),
        "RequestTimeTooSkewed" | "RequestExpired" => Obstacle::Denied(Denial::ClockSkew),
        "AccessDenied" | "UserDisable" | "AccountForbidden" | "PublicEndpointForbidden" => {
            Obstacle::Denied(Denial::NotAllowed)
        }
        // The bucket in the path, which only addresses take.
        "SecondLevelDomainForbidden" => Obstacle::Unsupported,
        "PreconditionFailed" | "InvalidRange" => Obstacle::Changed,
        "SlowDown" | "ServiceUnavailable" | "TooManyRequests" => Obstacle::Throttled,
        // What came is not what was sent, by the sender's own checksum: another try may bring it whole.
        "InternalError" | "RequestTimeout" | "InvalidDigest" | "IncompleteBody" => Obstacle::Unreachable,
        "InvalidStorageClass" | "InvalidTargetType" | "NotImplemented" => Obstacle::Unsupported,
        // Of parts that were ended or aborted meanwhile.
        "NoSuchUpload" => Obstacle::Absent,
        // DownloadTrafficRateLimitExceeded, TotalQpsLimitExceeded and their like.
        code if code.ends_with("LimitExceeded") => Obstacle::Throttled,
        _ => obstacle_of_status(status),
    }
}

/// The region that an endpoint names: `oss-cn-hangzhou-internal.aliyuncs.com`.
fn region_of(endpoint: &str) -> Option<String> {
    let host = endpoint.rsplit("//").next()?.split(['/', ':']).next()?;
    let name = host.strip_suffix(".aliyuncs.com")?;
    let region = match name.strip_suffix(".oss") {
        Some(region) => region,
        None => name.strip_prefix("oss-")?,
    };
    let region = region.strip_suffix("-internal").unwrap_or(region);
    let is_id = region.contains('-') && region.chars().all(|c| matches!(c, 'a'..='z' | '0'..='9' | '-'));
    (is_id && !region.starts_with("accelerate")).then(|| region.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(code: &str, message: &str, more: &str) -> String {
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>\n  <Code>{code}</Code>\n  <Message>{message}\
             </Message>\n  <RequestId>5C3D</RequestId>\n  <HostId>b.oss-cn-hangzhou.aliyuncs.com</HostId>\n  \
             {more}<EC>0003-00000001</EC>\n</Error>"
        )
    }

    fn meaning(status: u16, body: &str) -> Obstacle {
        let headers =
            HeaderMap::from_iter([("x-oss-storage-class".parse().unwrap(), "Archive".parse().unwrap())]);
        let error = read_error(&headers, body.as_bytes());
        obstacle(StatusCode::from_u16(status).unwrap(), &headers, error.as_ref())
    }

    #[test]
    fn each_code_has_its_meaning() {
        let endpoint = |host: &str| format!("<Endpoint>{host}</Endpoint>");
        let region = |right: Option<&str>| Obstacle::WrongRegion { right: right.map(str::to_owned) };
        let denied = Obstacle::Denied;
        let elsewhere = "The bucket you are attempting to access must be addressed using the specified \
                         endpoint. Please send all future requests to this endpoint.";
        for (status, code, message, more, expected) in [
            (404, "NoSuchKey", "m", String::new(), Obstacle::Absent),
            (404, "NoSuchBucket", "m", String::new(), Obstacle::NoSuchBucket),
            (400, "InvalidBucketName", "m", String::new(), Obstacle::NoSuchBucket),
            (403, "AccessDenied", "m", String::new(), denied(Denial::NotAllowed)),
            (403, "UserDisable", "m", String::new(), denied(Denial::NotAllowed)),
            (400, "PublicEndpointForbidden", "m", String::new(), denied(Denial::NotAllowed)),
            (403, "InvalidAccessKeyId", "m", String::new(), denied(Denial::UnknownKey)),
            (403, "SignatureDoesNotMatch", "m", String::new(), denied(Denial::WrongSecret)),
            (403, "SecurityTokenExpired", "m", String::new(), denied(Denial::Expired)),
            (403, "InvalidSecurityToken", "m", String::new(), denied(Denial::Expired)),
            (403, "AccessDenied", "Request has expired.", String::new(), denied(Denial::Expired)),
            (403, "RequestTimeTooSkewed", "m", String::new(), denied(Denial::ClockSkew)),
            (
                403,
                "InvalidObjectState",
                "m",
                String::new(),
                Obstacle::Frozen { class: Some("Archive".into()) },
            ),
            (
                403,
                "AccessDenied",
                elsewhere,
                endpoint("oss-cn-beijing.aliyuncs.com"),
                region(Some("cn-beijing")),
            ),
            (
                403,
                "AccessDenied",
                elsewhere,
                endpoint("oss-us-west-1-internal.aliyuncs.com"),
                region(Some("us-west-1")),
            ),
            (403, "AccessDenied", elsewhere, endpoint("oss-accelerate.aliyuncs.com"), region(None)),
            (403, "AccessDenied", elsewhere, endpoint("evil.example/oss-a-b.aliyuncs.com"), region(None)),
            (403, "AccessDenied", elsewhere, String::new(), region(None)),
            (
                400,
                "InvalidArgument",
                "Invalid signing region in Authorization header.",
                String::new(),
                region(None),
            ),
            (403, "SecondLevelDomainForbidden", "m", String::new(), Obstacle::Unsupported),
            (412, "PreconditionFailed", "m", String::new(), Obstacle::Changed),
            (416, "InvalidRange", "m", String::new(), Obstacle::Changed),
            (503, "SlowDown", "m", String::new(), Obstacle::Throttled),
            (503, "DownloadTrafficRateLimitExceeded", "m", String::new(), Obstacle::Throttled),
            (503, "TotalQpsLimitExceeded", "m", String::new(), Obstacle::Throttled),
            (500, "InternalError", "m", String::new(), Obstacle::Unreachable),
            (400, "InvalidArgument", "m", String::new(), Obstacle::Unexpected),
        ] {
            assert_eq!(meaning(status, &document(code, message, &more)), expected, "{code} {message} {more}");
        }
        assert_eq!(meaning(403, "<html>no</html>"), denied(Denial::NotAllowed));
        assert_eq!(meaning(404, ""), Obstacle::Absent);
    }

    #[test]
    fn the_header_says_what_the_body_of_a_head_cannot() {
        let text = BASE64.encode(document("NoSuchBucket", "m", ""));
        let headers = HeaderMap::from_iter([("x-oss-err".parse().unwrap(), text.parse().unwrap())]);
        let error = read_error(&headers, b"").unwrap();
        assert_eq!(error.words, "NoSuchBucket: m, request 5C3D, EC 0003-00000001");
        assert_eq!(obstacle(StatusCode::NOT_FOUND, &headers, Some(&error)), Obstacle::NoSuchBucket);
        let broken = HeaderMap::from_iter([("x-oss-err".parse().unwrap(), "%%".parse().unwrap())]);
        assert!(read_error(&broken, b"").is_none());
    }

    #[test]
    fn only_a_version_4_that_is_not_known_asks_for_version_1() {
        let knows = |code: &str, message: &str| {
            let headers = HeaderMap::new();
            !read_error(&headers, document(code, message, "").as_bytes()).unwrap().knows_no_v4()
        };
        assert!(!knows("InvalidArgument", "Authorization header is invalid."));
        assert!(knows("InvalidArgument", "Invalid signing region in Authorization header."));
        assert!(knows("SignatureDoesNotMatch", "Authorization header is invalid."));
    }

    #[test]
    fn what_was_signed_is_not_repeated_and_no_text_drives_the_terminal() {
        let more = "<StringToSign>GET hunter2</StringToSign><SignatureProvided>hunter3</SignatureProvided>";
        let text = document("SignatureDoesNotMatch", "a&#27;[2Jb\nc", more);
        let error = read_error(&HeaderMap::new(), text.as_bytes()).unwrap();
        assert!(
            !error.words.contains("hunter") && !error.words.chars().any(char::is_control),
            "{}",
            error.words
        );
    }
}
