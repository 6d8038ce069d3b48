//! What an error in the S3 protocol means. Web servers use it too: a public bucket is one.

use http::{HeaderMap, StatusCode};
use serde::Deserialize;

use super::http::obstacle_of_status;
use super::s3_headers;
use crate::domain::place::{Denial, Obstacle};

/// An error document: `<Error><Code>…</Code>…</Error>`. Compatible stores leave fields out and add others.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct ErrorDocument {
    code: String,
    message: String,
    region: Option<String>,
    storage_class: Option<String>,
    request_id: Option<String>,
}

/// What an error document said.
pub(super) struct S3Error {
    pub(super) code: String,
    /// Code, message and request ID on one line, for people.
    pub(super) words: String,
    region: Option<String>,
    class: Option<String>,
}

/// Reads the beginning of an error's body, where it is an S3 error document.
pub(super) fn read_error(body: &[u8]) -> Option<S3Error> {
    let text = std::str::from_utf8(body).ok()?;
    if !text.contains("<Code>") {
        return None;
    }
    let document: ErrorDocument = quick_xml::de::from_str(text).ok()?;
    if document.code.is_empty() {
        return None;
    }
    let mut words = printable(&document.code);
    if !document.message.is_empty() {
        words.push_str(": ");
        words.push_str(&printable(&document.message));
    }
    if let Some(id) = document.request_id.filter(|id| !id.is_empty()) {
        words.push_str(", request ");
        words.push_str(&printable(&id));
    }
    // Both are told to people too.
    let [region, class] =
        [document.region, document.storage_class].map(|text| text.as_deref().map(printable));
    Some(S3Error { code: document.code, words, region, class })
}

/// What an error of an S3 store means (Amazon S3 API reference, "Error responses", 2026).
pub(super) fn obstacle(status: StatusCode, headers: &HeaderMap, error: Option<&S3Error>) -> Obstacle {
    let region = || {
        headers
            .get("x-amz-bucket-region")
            .and_then(|v| v.to_str().ok())
            .map(str::to_owned)
            .or_else(|| error.and_then(|e| e.region.clone()))
            .filter(|region| !region.is_empty())
    };
    let Some(error) = error else {
        return match status.as_u16() {
            // HEAD answers have no body; a redirect without one means the region.
            301 | 307 | 308 => Obstacle::WrongRegion { right: region() },
            400 if region().is_some() => Obstacle::WrongRegion { right: region() },
            _ => obstacle_of_status(status),
        };
    };
    match error.code.as_str() {
        "NoSuchKey" | "NoSuchVersion" | "NoSuchUpload" | "NotFound" => Obstacle::Absent,
        // A name that no bucket can have is one that none has.
        "NoSuchBucket" | "InvalidBucketName" => Obstacle::NoSuchBucket,
        // COS, KS3, OBS and BOS have the same code; where the document does not name the class, a header may.
        "InvalidObjectState" => Obstacle::Frozen {
            class: error
                .class
                .clone()
                .filter(|c| !c.is_empty())
                .or_else(|| s3_headers::class(headers).map(str::to_owned)),
        },
        "PermanentRedirect" | "TemporaryRedirect" | "IllegalLocationConstraintException" => {
            Obstacle::WrongRegion { right: region() }
        }
        "AuthorizationHeaderMalformed" | "AuthorizationQueryParametersError" => match region() {
            Some(region) => Obstacle::WrongRegion { right: Some(region) },
            None => Obstacle::Denied(Denial::NotAllowed),
        },
        "InvalidAccessKeyId" | "NotSignedUp" => Obstacle::Denied(Denial::UnknownKey),
        "SignatureDoesNotMatch" => Obstacle::Denied(Denial::WrongSecret),
        "ExpiredToken" | "TokenRefreshRequired" | "InvalidToken" => Obstacle::Denied(Denial::Expired),
        "RequestTimeTooSkewed" | "RequestExpired" => Obstacle::Denied(Denial::ClockSkew),
        "AccessDenied" if error.words.to_ascii_lowercase().contains("expired") => {
            Obstacle::Denied(Denial::Expired)
        }
        "AccessDenied" | "AllAccessDisabled" | "AccountProblem" => Obstacle::Denied(Denial::NotAllowed),
        "SlowDown"
        | "SlowDownRead"
        | "Throttling"
        | "ThrottlingException"
        | "RequestLimitExceeded"
        | "TooManyRequests"
        | "ErrTooManyRequest"
        | "ServiceUnavailable" => Obstacle::Throttled,
        // What came is not what was sent, by the sender's own checksum: another try may bring it whole.
        "InternalError"
        | "RequestTimeout"
        | "OperationAborted"
        | "BadDigest"
        | "IncompleteBody"
        | "XAmzContentSHA256Mismatch" => Obstacle::Unreachable,
        "InvalidStorageClass" | "NotImplemented" => Obstacle::Unsupported,
        "PreconditionFailed" | "InvalidRange" => Obstacle::Changed,
        _ => obstacle_of_status(status),
    }
}

/// Text of a stranger, fit for one line of a terminal.
pub(super) fn printable(text: &str) -> String {
    text.chars().take(200).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meaning(status: u16, body: &str) -> Obstacle {
        let error = read_error(body.as_bytes());
        obstacle(StatusCode::from_u16(status).unwrap(), &HeaderMap::new(), error.as_ref())
    }

    #[test]
    fn the_code_decides_where_the_status_does_not() {
        let document = |code: &str, more: &str| {
            format!(
                "<?xml version=\"1.0\"?>\n<Error><Code>{code}</Code><Message>m</Message>{more}\
                 <Unknown><Deep/></Unknown></Error>"
            )
        };
        for (status, code, more, expected) in [
            (404, "NoSuchKey", "", Obstacle::Absent),
            (404, "NoSuchBucket", "", Obstacle::NoSuchBucket),
            (400, "InvalidBucketName", "", Obstacle::NoSuchBucket),
            (403, "AccessDenied", "", Obstacle::Denied(Denial::NotAllowed)),
            (403, "SignatureDoesNotMatch", "", Obstacle::Denied(Denial::WrongSecret)),
            (403, "InvalidAccessKeyId", "", Obstacle::Denied(Denial::UnknownKey)),
            (400, "ExpiredToken", "", Obstacle::Denied(Denial::Expired)),
            (403, "RequestTimeTooSkewed", "", Obstacle::Denied(Denial::ClockSkew)),
            (503, "SlowDown", "", Obstacle::Throttled),
            (500, "InternalError", "", Obstacle::Unreachable),
            (
                403,
                "InvalidObjectState",
                "<StorageClass>GLACIER</StorageClass>",
                Obstacle::Frozen { class: Some("GLACIER".into()) },
            ),
            (
                400,
                "AuthorizationHeaderMalformed",
                "<Region>eu-west-1</Region>",
                Obstacle::WrongRegion { right: Some("eu-west-1".into()) },
            ),
        ] {
            assert_eq!(meaning(status, &document(code, more)), expected, "{code}");
        }
        assert_eq!(meaning(403, "<html>no</html>"), Obstacle::Denied(Denial::NotAllowed));
        assert_eq!(meaning(301, ""), Obstacle::WrongRegion { right: None });
        assert_eq!(meaning(418, "<Error><Code>Teapot</Code></Error>"), Obstacle::Unexpected);
    }

    #[test]
    fn an_error_text_cannot_drive_the_terminal() {
        let hostile = "a&#x1b;[2J&#10;b";
        for (code, status) in
            [("AuthorizationHeaderMalformed", 400), ("InvalidObjectState", 403), (hostile, 400)]
        {
            let body = format!(
                "<Error><Code>{code}</Code><Message>{hostile}</Message><RequestId>{hostile}</RequestId>\
                 <Region>{hostile}</Region><StorageClass>{hostile}</StorageClass></Error>"
            );
            let error = read_error(body.as_bytes()).unwrap();
            let told = format!("{}, {}", error.words, meaning(status, &body));
            assert!(told.contains("[2J") && !told.chars().any(char::is_control), "{told:?}");
        }
    }

    #[test]
    fn each_vendor_of_the_protocol_says_archived_in_its_own_header() {
        for (header, class) in [
            ("x-amz-storage-class", "GLACIER"),
            ("x-cos-storage-class", "ARCHIVE"),
            ("x-cos-storage-class", "DEEP_ARCHIVE"),
            ("x-kss-storage-class", "ARCHIVE"),
            ("x-obs-storage-class", "COLD"),
            ("x-bce-storage-class", "ARCHIVE"),
        ] {
            let headers = HeaderMap::from_iter([(
                http::HeaderName::from_static(header),
                http::HeaderValue::from_static(class),
            )]);
            let error = read_error(b"<Error><Code>InvalidObjectState</Code></Error>").unwrap();
            let frozen = obstacle(StatusCode::FORBIDDEN, &headers, Some(&error));
            assert_eq!(frozen, Obstacle::Frozen { class: Some(class.into()) });
        }
    }
}
