//! URLs that the crate `aliyun-oss-rust-sdk` signs, by version 1, which is the only one it knows.
//!
//! It only signs: it can neither stream nor read a part. Its `OSS` prints the secret on `Debug`, so it is
//! never kept and never printed.

use aliyun_oss_rust_sdk::oss::OSS;
use aliyun_oss_rust_sdk::request::RequestBuilder;
use aliyun_oss_rust_sdk::url::UrlApi as _;
use http::HeaderMap;

use super::keys::KeySet;
use super::sign::{Asked, RANGE_BEHAVIOR};

/// How long a URL is good for: from signing to the first byte, and clocks that differ a little.
const LIFETIME_SECONDS: i64 = 15 * 60;

/// The URL of a GET of `key`, below `base`.
pub(super) fn presigned(
    base: &str,
    asked: &Asked<'_>,
    key: &str,
    headers: &HeaderMap,
    keys: &KeySet,
) -> String {
    // The host is not signed: whatever it is called, the key is asked for below `base`.
    let mut request = RequestBuilder::new().with_cdn(base).with_expire(LIFETIME_SECONDS);
    // More than one such header it would put together wrongly.
    if let Some(value) = headers.get(RANGE_BEHAVIOR).and_then(|value| value.to_str().ok()) {
        request = request.oss_header_put(RANGE_BEHAVIOR.as_str(), value);
    }
    if let Some(token) = &keys.session_token {
        request = request.parameters_put("security-token", token.expose());
    }
    let oss = OSS::new(keys.access_key.as_str(), keys.secret_key.expose(), "", asked.bucket);
    oss.sign_download_url(key, &request)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use http::{HeaderValue, Method};

    use super::super::super::http::encode_path;
    use super::super::sign::presigned_v1;
    use super::*;
    use crate::source::Secret;

    fn pairs(query: &str) -> BTreeSet<String> {
        query.split('&').map(str::to_owned).collect()
    }

    fn expires(query: &str) -> Option<String> {
        pairs(query).into_iter().find(|pair| pair.starts_with("Expires="))
    }

    /// Two implementations by different people give the same signature.
    #[tokio::test]
    async fn version_1_is_signed_as_another_implementation_signs_it() {
        let keys = |token: Option<&str>| KeySet {
            access_key: "LTAI5tExample".to_owned(),
            secret_key: Secret::new("s3cr3t/+="),
            session_token: token.map(Secret::new),
        };
        let ranged = HeaderMap::from_iter([(RANGE_BEHAVIOR, HeaderValue::from_static("standard"))]);
        let mut compared = 0;
        for key in [
            "plain.ts",
            "school/math/deep/er.ts",
            "with space.ts",
            "a#b?c%d:e.ts",
            "%41.ts",
            "a+b=c&d.ts",
            "频道_ä_🎥.ts",
            "q'u\"o<t>e;s,(1)[2]{3}|4~5^6`!@$*.ts",
            "a//b.ts",
        ] {
            for token in [None, Some("CAIS/+=token")] {
                for headers in [HeaderMap::new(), ranged.clone()] {
                    let path = format!("/{}", encode_path(key));
                    let asked = Asked {
                        method: Method::GET,
                        bucket: "lessons",
                        region: "cn-hangzhou",
                        path: &path,
                        query: "",
                    };
                    let keys = keys(token);
                    // Both look at the clock by themselves.
                    let (ours, theirs) = loop {
                        let lifetime = Duration::from_secs(LIFETIME_SECONDS.unsigned_abs());
                        let ours = presigned_v1(&asked, &headers, &keys, lifetime).await;
                        let url = presigned("https://lessons.oss", &asked, key, &headers, &keys);
                        let (before, theirs) = url.split_once('?').unwrap();
                        assert_eq!(before, format!("https://lessons.oss{path}"), "{key}");
                        if expires(&ours) == expires(theirs) {
                            break (ours, theirs.to_owned());
                        }
                    };
                    assert_eq!(pairs(&ours), pairs(&theirs), "{key} {token:?} {headers:?}");
                    compared += 1;
                }
            }
        }
        assert_eq!(compared, 36);
    }
}
