//! Signatures of OSS, made by `reqsign-aliyun-oss`.

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request};
use reqsign_aliyun_oss::{Credential, RequestSigner, SigningVersion};
use reqsign_core::{Context, SignRequest as _};

use super::super::connect::OssSignature;
use super::keys::KeySet;

/// Makes OSS refuse a range that does not fit, as HTTP says, rather than send the whole object.
pub(super) const RANGE_BEHAVIOR: HeaderName = HeaderName::from_static("x-oss-range-behavior");

/// What a request asks for, in the words that are signed.
pub(super) struct Asked<'a> {
    pub(super) method: Method,
    pub(super) bucket: &'a str,
    /// Without `oss-`.
    pub(super) region: &'a str,
    /// The path below the bucket, encoded, with its slash.
    pub(super) path: &'a str,
    /// The query, encoded, without its question mark.
    pub(super) query: &'a str,
}

/// The headers with a signature among them.
///
/// What is signed names the bucket in whatever way the request reaches it, so a URL is signed in which the
/// bucket goes before a host, and only its headers are used: the signer would leave the bucket out for a
/// domain that is bound to it.
pub(super) async fn by_headers(
    asked: &Asked<'_>,
    version: OssSignature,
    headers: HeaderMap,
    keys: &KeySet,
) -> Result<HeaderMap, reqsign_core::Error> {
    let mut parts = parts(asked)?;
    parts.headers = headers;
    let signer = signer(asked, version);
    signer.sign_request(&Context::new(), &mut parts, Some(&credential(keys)), None).await?;
    // Clients of the vendor's leave an empty list out.
    let plain = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    if let Some(short) = plain.map(|text| text.replace("AdditionalHeaders=, ", ""))
        && let Ok(mut value) = HeaderValue::from_str(&short)
    {
        value.set_sensitive(true);
        parts.headers.insert(AUTHORIZATION, value);
    }
    if let Some(token) = parts.headers.get_mut("x-oss-security-token") {
        token.set_sensitive(true);
    }
    Ok(parts.headers)
}

fn signer(asked: &Asked<'_>, version: OssSignature) -> RequestSigner {
    let version = match version {
        OssSignature::V4 => SigningVersion::V4,
        OssSignature::V1 => SigningVersion::V1,
    };
    RequestSigner::new(asked.bucket).with_region(asked.region).with_signing_version(version)
}

fn parts(asked: &Asked<'_>) -> Result<http::request::Parts, reqsign_core::Error> {
    let Asked { method, bucket, path, query, .. } = asked;
    let query = if query.is_empty() { String::new() } else { format!("?{query}") };
    let request = Request::builder().method(method.clone()).uri(format!("http://{bucket}.oss{path}{query}"));
    let invalid = |cause| reqsign_core::Error::request_invalid("not a URL").with_source(cause);
    Ok(request.body(()).map_err(invalid)?.into_parts().0)
}

fn credential(keys: &KeySet) -> Credential {
    Credential {
        access_key_id: keys.access_key.clone(),
        access_key_secret: keys.secret_key.expose().to_owned(),
        security_token: keys.session_token.as_ref().map(|token| token.expose().to_owned()),
        expires_in: None,
    }
}

/// The query of a presigned URL of version 1, for the comparison with another implementation.
#[cfg(all(test, feature = "aliyun-sdk"))]
pub(super) async fn presigned_v1(
    asked: &Asked<'_>,
    headers: &HeaderMap,
    keys: &KeySet,
    lifetime: std::time::Duration,
) -> String {
    let mut parts = parts(asked).unwrap();
    parts.headers = headers.clone();
    let signer = signer(asked, OssSignature::V1);
    signer.sign_request(&Context::new(), &mut parts, Some(&credential(keys)), Some(lifetime)).await.unwrap();
    parts.uri.query().unwrap().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Secret;

    #[tokio::test]
    async fn a_signature_says_nothing_of_the_secret_and_does_not_print() {
        let keys = KeySet {
            access_key: "id".to_owned(),
            secret_key: Secret::new("hunter2"),
            session_token: Some(Secret::new("t0ken")),
        };
        let asked = Asked {
            method: Method::GET,
            bucket: "lessons",
            region: "cn-hangzhou",
            path: "/a%20b.ts",
            query: "",
        };
        for (version, start) in
            [(OssSignature::V4, "OSS4-HMAC-SHA256 Credential=id/"), (OssSignature::V1, "OSS id:")]
        {
            let headers = by_headers(&asked, version, HeaderMap::new(), &keys).await.unwrap();
            let text = headers[AUTHORIZATION].to_str().unwrap();
            assert!(text.starts_with(start) && !text.contains("AdditionalHeaders"), "{text}");
            assert!(!format!("{headers:?}").contains("t0ken"), "{headers:?}");
            assert!(!headers.values().any(|value| value.as_bytes().windows(7).any(|w| w == b"hunter2")));
        }
    }

    #[tokio::test]
    async fn a_bucket_that_is_no_name_is_refused() {
        let keys = KeySet { access_key: "id".to_owned(), secret_key: Secret::new("s"), session_token: None };
        let asked =
            Asked { method: Method::GET, bucket: "a b", region: "cn-hangzhou", path: "/x", query: "" };
        assert!(by_headers(&asked, OssSignature::V4, HeaderMap::new(), &keys).await.is_err());
    }
}
