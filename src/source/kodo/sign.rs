//! Kodo's signatures: of requests to its interfaces, and of URLs of private objects.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderMap, HeaderValue, header};
use sha1::Sha1;
use url::Url;

use super::super::Secret;

/// A pair of keys.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    pub(super) access: String,
    pub(super) secret: Secret,
}

/// What Kodo's interfaces take every request to be, also one without a body.
const CONTENT_TYPE: &str = "application/x-www-form-urlencoded";

impl Keys {
    /// The URL of a private object, good until `deadline` in Unix seconds (Qiniu, "download token", 2024).
    ///
    /// What is signed is the URL with its scheme and host and the encoded path, letter by letter as it is
    /// sent. The token has to be the last parameter.
    pub(super) fn private_url(&self, url: &Url, deadline: u64) -> Option<Url> {
        let separator = if url.query().is_some() { '&' } else { '?' };
        let signed = Url::parse(&format!("{url}{separator}e={deadline}")).ok()?;
        Url::parse(&format!("{signed}&token={}", self.token(signed.as_str())?)).ok()
    }

    /// The headers of a GET to one of the interfaces (Qiniu, "access token", 2024): the signature covers
    /// method, path, query, host, the kind of content, and the time.
    pub(super) fn headers(&self, url: &Url, now: u64) -> Option<HeaderMap> {
        self.headers_of("GET", url, now)
    }

    /// The same for another method, without a body.
    pub(super) fn headers_of(&self, method: &str, url: &Url, now: u64) -> Option<HeaderMap> {
        let now = jiff::Timestamp::from_second(i64::try_from(now).ok()?).ok()?;
        let date = now.strftime("%Y%m%dT%H%M%SZ").to_string();
        let query = url.query().map_or_else(String::new, |query| format!("?{query}"));
        let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
        let text = format!(
            "{method} {}{query}\nHost: {}{port}\nContent-Type: {CONTENT_TYPE}\nX-Qiniu-Date: {date}\n\n",
            url.path(),
            url.host_str()?
        );
        let mut authorization = HeaderValue::try_from(format!("Qiniu {}", self.token(&text)?)).ok()?;
        authorization.set_sensitive(true);
        Some(HeaderMap::from_iter([
            (header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE)),
            (header::HeaderName::from_static("x-qiniu-date"), HeaderValue::try_from(date).ok()?),
            (header::AUTHORIZATION, authorization),
        ]))
    }

    fn token(&self, text: &str) -> Option<String> {
        // HMAC takes keys of any length.
        let mut mac = Hmac::<Sha1>::new_from_slice(self.secret.expose().as_bytes()).ok()?;
        mac.update(text.as_bytes());
        Some(format!("{}:{}", self.access, URL_SAFE.encode(mac.finalize().into_bytes())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> Keys {
        Keys { access: "MY_ACCESS_KEY".to_owned(), secret: Secret::new("MY_SECRET_KEY") }
    }

    #[test]
    fn a_private_url_has_the_token_of_the_documents() {
        let url = Url::parse("http://78re52.com1.z0.glb.clouddn.com/resource/flower.jpg").unwrap();
        assert_eq!(
            keys().private_url(&url, 1_451_491_200).unwrap().as_str(),
            "http://78re52.com1.z0.glb.clouddn.com/resource/flower.jpg?e=1451491200\
             &token=MY_ACCESS_KEY:438dd8pXocjYuF-6dTcKMtETB2g="
        );
        let with_query = Url::parse("http://h.example/a?imageInfo").unwrap();
        let signed = keys().private_url(&with_query, 1).unwrap();
        assert!(signed.as_str().starts_with("http://h.example/a?imageInfo&e=1&token="), "{signed}");
    }

    #[test]
    fn a_request_is_signed_as_the_official_sdk_signs_it() {
        let url = Url::parse("https://rsf-z0.qiniuapi.com/list?bucket=b&prefix=a%2Fb").unwrap();
        let headers = keys().headers(&url, 1_790_000_000).unwrap();
        assert_eq!(headers["x-qiniu-date"], "20260921T141320Z");
        assert_eq!(headers["authorization"], "Qiniu MY_ACCESS_KEY:Hq4ryi4lDChcQnjIZ0JRGO7_g9Y=");
        let url = Url::parse("http://127.0.0.1:8720/stat/YjphLnRz").unwrap();
        assert_eq!(
            keys().headers(&url, 0).unwrap()["authorization"],
            "Qiniu MY_ACCESS_KEY:ucyJ-XegDzQt0qOJNR9_C44l6XM="
        );
    }

    #[test]
    fn nothing_of_the_keys_is_in_what_debugging_prints() {
        let url = Url::parse("https://rs.example/stat/x").unwrap();
        let printed = format!("{:?} {:?}", keys(), keys().headers(&url, 0).unwrap());
        assert!(!printed.contains("SECRET") && !printed.contains("Qiniu MY_ACCESS_KEY"), "{printed}");
    }
}
