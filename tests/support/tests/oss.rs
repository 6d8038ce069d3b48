//! The OSS server: what is right passes, and each guard refuses what it is there for. What is right is
//! judged by the vendor's own clients in `tests/real`; here a small signer of both versions does, which
//! knows only as much as these tests need.

use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use recfetch_test_support::oss::{self, Crc, OssOptions, Signatures, WrongRegion};
use recfetch_test_support::s3::{Permission, Token};
use recfetch_test_support::store::Restore;
use recfetch_test_support::{Checksum, Handle, Keys, Object, Objects};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

const ACCESS: &str = "LTAIEXAMPLE";
const SECRET: &str = "se/cret+key=";
const BUCKET: &str = "lessons";
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

fn options() -> OssOptions {
    OssOptions::new(BUCKET, Keys::new(ACCESS, SECRET))
}

fn objects() -> Objects {
    let objects = Objects::new();
    objects.put("a/x.ts", "0123456789");
    objects
}

async fn server(options: OssOptions) -> Handle {
    oss::start(&objects(), options).await.expect("a free port")
}

/// A request of version 4 or 1, each part of which a test can spoil.
#[derive(Clone)]
struct Ask {
    method: &'static str,
    path: &'static str,
    query: Vec<(&'static str, String)>,
    headers: Vec<(&'static str, String)>,
    /// Headers that are sent and not signed.
    after: Vec<(&'static str, String)>,
    access: &'static str,
    secret: &'static str,
    region: &'static str,
    token: Option<&'static str>,
    /// Seconds that the signer's clock is ahead.
    ahead: i64,
}

fn ask() -> Ask {
    Ask {
        method: "GET",
        path: "/lessons/a/x.ts",
        query: Vec::new(),
        headers: Vec::new(),
        after: Vec::new(),
        access: ACCESS,
        secret: SECRET,
        region: "cn-hangzhou",
        token: None,
        ahead: 0,
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    V4,
    V4Url(i64),
    V1,
    V1Url(i64),
    Nobody,
}

struct Got {
    status: u16,
    headers: reqwest::header::HeaderMap,
    body: String,
}

impl Got {
    /// The error's code, or the status of what was no error.
    fn code(&self) -> String {
        let code = self.body.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>"));
        code.map_or_else(|| self.status.to_string(), |(code, _)| code.to_owned())
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

fn mac256(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any length");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn encode(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

fn joined(pairs: &[(&str, String)]) -> String {
    let one = |(name, value): &(&str, String)| match value.is_empty() {
        true => encode(name),
        false => format!("{}={}", encode(name), encode(value)),
    };
    pairs.iter().map(one).collect::<Vec<_>>().join("&")
}

impl Ask {
    fn sign(&mut self, by: By) {
        let now = Timestamp::now().as_second() + self.ahead;
        let stamp = Timestamp::from_second(now).expect("a time").strftime("%Y%m%dT%H%M%SZ").to_string();
        let day = &stamp[..8];
        let scope = format!("{day}/{}/oss/aliyun_v4_request", self.region);
        match by {
            By::Nobody => return,
            By::V4 => {
                self.headers.push(("x-oss-date", stamp.clone()));
                self.headers.push(("x-oss-content-sha256", "UNSIGNED-PAYLOAD".to_owned()));
                self.headers.extend(self.token.map(|token| ("x-oss-security-token", token.to_owned())));
            }
            By::V4Url(lifetime) => {
                self.query.extend([
                    ("x-oss-signature-version", "OSS4-HMAC-SHA256".to_owned()),
                    ("x-oss-credential", format!("{}/{scope}", self.access)),
                    ("x-oss-date", stamp.clone()),
                    ("x-oss-expires", lifetime.to_string()),
                ]);
                self.query.extend(self.token.map(|token| ("x-oss-security-token", token.to_owned())));
            }
            By::V1 => {
                let time = SystemTime::from(Timestamp::from_second(now).expect("a time"));
                self.headers.push(("date", http_date(time)));
                self.headers.extend(self.token.map(|token| ("x-oss-security-token", token.to_owned())));
            }
            By::V1Url(_) => {
                self.query.extend(self.token.map(|token| ("security-token", token.to_owned())));
            }
        }
        self.headers.sort();
        let ours: String = self
            .headers
            .iter()
            .filter(|(name, _)| name.starts_with("x-oss-"))
            .map(|(name, value)| format!("{name}:{value}\n"))
            .collect();
        match by {
            By::V4 | By::V4Url(_) => {
                let mut query = self.query.clone();
                query.sort();
                let canonical =
                    format!("{}\n{}\n{}\n{ours}\n\nUNSIGNED-PAYLOAD", self.method, self.path, joined(&query));
                let hash = hex::encode(Sha256::digest(canonical.as_bytes()));
                let to_sign = format!("OSS4-HMAC-SHA256\n{stamp}\n{scope}\n{hash}");
                let key = [day, self.region, "oss", "aliyun_v4_request"]
                    .iter()
                    .fold(format!("aliyun_v4{}", self.secret).into_bytes(), |key, part| mac256(&key, part));
                let signature = hex::encode(mac256(&key, &to_sign));
                if by == By::V4 {
                    let text =
                        format!("OSS4-HMAC-SHA256 Credential={}/{scope},Signature={signature}", self.access);
                    self.headers.push(("authorization", text));
                } else {
                    self.query.push(("x-oss-signature", signature));
                }
            }
            By::V1 | By::V1Url(_) => {
                let date = match by {
                    By::V1Url(lifetime) => (now + lifetime).to_string(),
                    _ => self.headers.iter().find(|(name, _)| *name == "date").expect("set").1.clone(),
                };
                let token = self.query.iter().find(|(name, _)| *name == "security-token");
                let asked = token.map(|(name, value)| format!("?{name}={value}")).unwrap_or_default();
                let to_sign = format!("{}\n\n\n{date}\n{ours}{}{asked}", self.method, self.path);
                let mut mac = Hmac::<Sha1>::new_from_slice(self.secret.as_bytes()).expect("any length");
                mac.update(to_sign.as_bytes());
                let signature = BASE64.encode(mac.finalize().into_bytes());
                if by == By::V1 {
                    self.headers.push(("authorization", format!("OSS {}:{signature}", self.access)));
                } else {
                    self.query.extend([
                        ("OSSAccessKeyId", self.access.to_owned()),
                        ("Expires", date),
                        ("Signature", signature),
                    ]);
                }
            }
            By::Nobody => {}
        }
    }

    async fn send(self, server: &Handle) -> Got {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let url = format!("{}{}?{}", server.url(), self.path, joined(&self.query));
        let mut request = client.request(self.method.parse().expect("a method"), url);
        for (name, value) in self.headers.into_iter().chain(self.after) {
            request = request.header(name, value);
        }
        let answer = request.send().await.expect("answered");
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        Got { status, headers, body: answer.text().await.expect("text") }
    }

    async fn signed(mut self, by: By, server: &Handle) -> Got {
        self.sign(by);
        self.send(server).await
    }
}

fn http_date(time: SystemTime) -> String {
    let stamp = Timestamp::try_from(time).expect("a time");
    stamp.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

const ALL: [By; 4] = [By::V4, By::V4Url(60), By::V1, By::V1Url(60)];

#[tokio::test]
async fn every_way_to_sign_is_taken_and_brings_bytes_and_facts() {
    let server = server(options()).await;
    for by in ALL {
        let got = ask().signed(by, &server).await;
        assert_eq!((got.status, got.body.as_str()), (200, "0123456789"), "{by:?}");
        assert_eq!(got.header("etag"), Some("\"781E5E245D69B566979B86E28D23F2C7\""));
        assert_eq!(got.header("content-md5"), Some("eB5eJF1ptWaXm4bijSPyxw=="));
        assert_eq!(got.header("x-oss-object-type"), Some("Normal"));
        assert_eq!(got.header("x-oss-storage-class"), Some("Standard"));
        assert!(got.header("x-oss-hash-crc64ecma").is_some_and(|crc| crc.parse::<u64>().is_ok()));
        assert!(got.header("x-oss-request-id").is_some());
    }
}

#[tokio::test]
async fn what_is_signed_wrongly_is_refused_in_each_way() {
    type Spoil = fn(&mut Ask);
    let server = server(options()).await;
    let spoilt: [(&str, Spoil, &str); 3] = [
        ("another secret", |ask| ask.secret = "another", "SignatureDoesNotMatch"),
        ("another key", |ask| ask.access = "LTAINOBODY", "InvalidAccessKeyId"),
        ("a token that nobody gave", |ask| ask.token = Some("tok"), "InvalidSecurityToken"),
    ];
    for (what, spoil, code) in spoilt {
        for by in ALL {
            let mut ask = ask();
            spoil(&mut ask);
            assert_eq!(ask.signed(by, &server).await.code(), code, "{what} by {by:?}");
        }
    }
    let tampered: [(&str, Spoil, &str); 4] = [
        ("another key of the bucket", |ask| ask.path = "/lessons/a/y.ts", "SignatureDoesNotMatch"),
        ("another method", |ask| ask.method = "PUT", "SignatureDoesNotMatch"),
        (
            "a header of OSS more",
            |ask| ask.after.push(("x-oss-range-behavior", "standard".to_owned())),
            "SignatureDoesNotMatch",
        ),
        (
            "an answer of another type",
            |ask| ask.query.push(("response-content-type", "text/html".to_owned())),
            "SignatureDoesNotMatch",
        ),
    ];
    for (what, tamper, code) in tampered {
        for by in ALL {
            let mut ask = ask();
            ask.sign(by);
            tamper(&mut ask);
            assert_eq!(ask.send(&server).await.code(), code, "{what} by {by:?}");
        }
    }
    // A range is nobody's to sign.
    let mut ranged = ask();
    ranged.sign(By::V4);
    ranged.after.push(("range", "bytes=2-4".to_owned()));
    assert_eq!(ranged.send(&server).await.body, "234");
    assert_eq!(ask().signed(By::Nobody, &server).await.code(), "AccessDenied");
}

#[tokio::test]
async fn clocks_and_ends_are_looked_at() {
    let server = server(options()).await;
    for (by, ahead, code) in [
        (By::V4, 800, "200"),
        (By::V4, -800, "200"),
        (By::V4, 1000, "RequestTimeTooSkewed"),
        (By::V4, -1000, "RequestTimeTooSkewed"),
        (By::V1, 1000, "RequestTimeTooSkewed"),
        (By::V1, -1000, "RequestTimeTooSkewed"),
        (By::V4Url(600), -500, "200"),
        (By::V4Url(600), -700, "AccessDenied"),
        (By::V4Url(600), 1000, "RequestTimeTooSkewed"),
        (By::V4Url(8 * 24 * 3600), 0, "InvalidArgument"),
        (By::V1Url(600), -500, "200"),
        (By::V1Url(600), -700, "AccessDenied"),
    ] {
        let got = Ask { ahead, ..ask() }.signed(by, &server).await;
        assert_eq!(got.code(), code, "{by:?} {ahead}");
        assert_eq!(got.code() == "AccessDenied", got.body.contains("Request has expired."), "{by:?} {ahead}");
    }
    let ahead = self::server(OssOptions { clock_ahead: 3600, ..options() }).await;
    assert_eq!(ask().signed(By::V4, &ahead).await.code(), "RequestTimeTooSkewed");
}

#[tokio::test]
async fn temporary_keys_need_their_token() {
    let with = |token| {
        let mut options = options();
        options.keys[0].token = token;
        options
    };
    let required = server(with(Token::Required("t+/=k".to_owned()))).await;
    let expired = server(with(Token::Expired)).await;
    for by in ALL {
        let asks = |token| Ask { token, ..ask() };
        assert_eq!(asks(Some("t+/=k")).signed(by, &required).await.code(), "200", "{by:?}");
        assert_eq!(asks(None).signed(by, &required).await.code(), "InvalidAccessKeyId", "{by:?}");
        assert_eq!(asks(Some("other")).signed(by, &required).await.code(), "InvalidSecurityToken", "{by:?}");
        assert_eq!(asks(Some("t")).signed(by, &expired).await.code(), "SecurityTokenExpired", "{by:?}");
    }
}

#[tokio::test]
async fn versions_and_regions_that_a_bucket_does_not_take_are_refused() {
    let old = server(OssOptions { signatures: Signatures::OnlyV1, ..options() }).await;
    let got = ask().signed(By::V4, &old).await;
    assert_eq!((got.status, got.code().as_str()), (400, "InvalidArgument"));
    assert!(got.body.contains("Authorization header is invalid."), "{}", got.body);
    assert_eq!(ask().signed(By::V1, &old).await.code(), "200");
    let new = server(OssOptions { signatures: Signatures::OnlyV4, ..options() }).await;
    assert_eq!(ask().signed(By::V1, &new).await.code(), "AccessDenied");
    assert_eq!(ask().signed(By::V1Url(60), &new).await.code(), "AccessDenied");
    assert_eq!(ask().signed(By::V4, &new).await.code(), "200");

    let elsewhere = || Ask { region: "us-west-1", ..ask() };
    let named = server(options()).await;
    let got = elsewhere().signed(By::V4, &named).await;
    assert!(got.body.contains("<Endpoint>oss-cn-hangzhou.aliyuncs.com</Endpoint>"), "{}", got.body);
    let unnamed = server(OssOptions { wrong_region: WrongRegion::Unnamed, ..options() }).await;
    let got = elsewhere().signed(By::V4, &unnamed).await;
    assert!(got.body.contains("Invalid signing region in Authorization header."), "{}", got.body);
}

#[tokio::test]
async fn hosts_say_bucket_and_region() {
    let bound = vec!["media.example.com".to_owned()];
    let server = server(OssOptions { bound, anonymous: Permission::Allowed, ..options() }).await;
    for (host, path, code) in [
        ("lessons.oss-cn-hangzhou.aliyuncs.com", "/a/x.ts", "200"),
        ("lessons.oss-cn-hangzhou-internal.aliyuncs.com", "/a/x.ts", "200"),
        ("lessons.oss-accelerate.aliyuncs.com", "/a/x.ts", "200"),
        ("lessons.oss.localhost:8080", "/a/x.ts", "200"),
        ("media.example.com", "/a/x.ts", "200"),
        ("media.example.com", "/lessons/a/x.ts", "NoSuchKey"),
        ("lessons.oss-cn-beijing.aliyuncs.com", "/a/x.ts", "AccessDenied"),
        ("other.oss-cn-hangzhou.aliyuncs.com", "/a/x.ts", "NoSuchBucket"),
        ("oss-cn-hangzhou.aliyuncs.com", "/lessons/a/x.ts", "SecondLevelDomainForbidden"),
    ] {
        let ask = Ask { path, after: vec![("host", host.to_owned())], ..ask() };
        assert_eq!(ask.send(&server).await.code(), code, "{host}{path}");
    }
    let restricted = OssOptions { public_endpoint: Permission::Denied, ..server_options_with_bound() };
    let restricted = self::server(restricted).await;
    for (host, code) in
        [("lessons.oss-cn-hangzhou.aliyuncs.com", "PublicEndpointForbidden"), ("media.example.com", "200")]
    {
        let ask = Ask { path: "/a/x.ts", after: vec![("host", host.to_owned())], ..ask() };
        assert_eq!(ask.send(&restricted).await.code(), code, "{host}");
    }
}

fn server_options_with_bound() -> OssOptions {
    let bound = vec!["media.example.com".to_owned()];
    OssOptions { bound, anonymous: Permission::Allowed, ..options() }
}

#[tokio::test]
async fn ranges_and_conditions_are_those_of_oss() {
    let server = server(OssOptions { anonymous: Permission::Allowed, ..options() }).await;
    let standard = ("x-oss-range-behavior", "standard".to_owned());
    for (range, behaves, status, body) in [
        ("bytes=2-4", false, 206, "234"),
        ("bytes=7-", false, 206, "789"),
        ("bytes=7-99", false, 200, "0123456789"),
        ("bytes=7-99", true, 206, "789"),
        ("bytes=10-", false, 200, "0123456789"),
        ("bytes=10-", true, 416, ""),
    ] {
        let mut after = vec![("range", range.to_owned())];
        after.extend(behaves.then(|| standard.clone()));
        let got = Ask { after, ..ask() }.send(&server).await;
        assert_eq!(got.status, status, "{range} {behaves}");
        assert!(status == 416 || got.body == body, "{range} {behaves}: {}", got.body);
        // The CRC is the object's, the MD5 that of the bytes.
        assert_eq!(got.header("content-md5").is_some(), status == 200, "{range}");
        assert_eq!(got.header("x-oss-hash-crc64ecma").is_some(), status != 416, "{range}");
    }
    for (tag, status) in [
        ("\"781E5E245D69B566979B86E28D23F2C7\"", 200),
        ("781E5E245D69B566979B86E28D23F2C7", 200),
        ("\"00\"", 412),
    ] {
        let after = vec![("if-match", tag.to_owned())];
        assert_eq!(Ask { after, ..ask() }.send(&server).await.status, status, "{tag}");
    }
}

#[tokio::test]
async fn archives_are_closed_until_they_are_restored() {
    let objects = objects();
    for class in ["Archive", "ColdArchive", "DeepColdArchive"] {
        objects.put("a/x.ts", Object::new("0123456789").storage_class(class));
        let server = oss::start(&objects, options()).await.expect("a free port");
        assert_eq!(ask().signed(By::V4, &server).await.code(), "InvalidObjectState", "{class}");
        let head = Ask { method: "HEAD", ..ask() }.signed(By::V4, &server).await;
        assert_eq!((head.status, head.header("x-oss-storage-class")), (200, Some(class)));
        let restore = || Ask { method: "POST", query: vec![("restore", String::new())], ..ask() };
        assert_eq!(restore().signed(By::V4, &server).await.status, 202, "{class}");
        assert_eq!(restore().signed(By::V4, &server).await.code(), "RestoreAlreadyInProgress", "{class}");
        assert_eq!(ask().signed(By::V4, &server).await.code(), "InvalidObjectState", "{class}");
        objects.change("a/x.ts", |object| object.restored(Restore::Until(4_000_000_000)));
        assert_eq!(ask().signed(By::V4, &server).await.body, "0123456789", "{class}");
    }
}

#[tokio::test]
async fn errors_of_a_head_are_in_a_header() {
    let server = server(options()).await;
    let got = Ask { method: "HEAD", path: "/lessons/nobody", ..ask() }.signed(By::V4, &server).await;
    assert_eq!((got.status, got.body.as_str()), (404, ""));
    let document = BASE64.decode(got.header("x-oss-err").expect("there")).expect("base64");
    let document = String::from_utf8(document).expect("text");
    assert!(document.contains("<Code>NoSuchKey</Code>"), "{document}");
}

#[tokio::test]
async fn checksums_can_be_absent_wrong_or_refused() {
    let objects = objects();
    let wrong = Object::new("0123456789").with_checksum_value(Checksum::Crc64Xz, "AAAAAAAAAAE=");
    objects.put("a/x.ts", wrong);
    let server = oss::start(&objects, options()).await.expect("a free port");
    assert_eq!(ask().signed(By::V4, &server).await.header("x-oss-hash-crc64ecma"), Some("1"));
    let without = self::server(OssOptions { crc: Crc::Absent, ..options() }).await;
    assert_eq!(ask().signed(By::V4, &without).await.header("x-oss-hash-crc64ecma"), None);
    // V4 signs it as a header of its own.
    let md5 = vec![("content-md5", BASE64.encode([0; 16]))];
    let got = Ask { method: "PUT", after: md5, ..ask() }.signed(By::V4, &server).await;
    assert_eq!(got.code(), "SignatureDoesNotMatch", "it is signed too");
}

#[tokio::test]
async fn listings_come_in_pages_of_a_hundred_unless_more_are_asked_for() {
    let objects = Objects::new();
    for n in 0..150 {
        objects.put(format!("a/{n:03} +<.ts"), "x");
    }
    let public = OssOptions { anonymous: Permission::Allowed, ..options() };
    let server = oss::start(&objects, public).await.expect("a free port");
    let list = |query: &[(&'static str, &str)]| {
        let query = query.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        Ask { path: "/lessons/", query, ..ask() }.send(&server)
    };
    let count = |got: &Got| got.body.matches("<Contents>").count();
    let first = list(&[("list-type", "2"), ("encoding-type", "url")]).await;
    assert_eq!(count(&first), 100);
    assert!(first.body.contains("<Key>a%2F000%20%2B%3C.ts</Key>"), "{}", &first.body[..600]);
    let next = first.body.split_once("<NextContinuationToken>").and_then(|(_, rest)| rest.split_once('<'));
    let second = list(&[("list-type", "2"), ("continuation-token", next.expect("more").0)]).await;
    assert_eq!(count(&second), 50);
    assert!(second.body.contains("<Key>a/149 +&lt;.ts</Key>"), "{}", second.body);
    assert_eq!(count(&list(&[("list-type", "2"), ("max-keys", "1000")]).await), 150);
    assert_eq!(count(&list(&[("marker", "a/147 +<.ts")]).await), 2);
    for wrong in [("max-keys", "1001"), ("max-keys", "0"), ("continuation-token", "%%")] {
        assert_eq!(list(&[("list-type", "2"), wrong]).await.code(), "InvalidArgument", "{wrong:?}");
    }
}

#[tokio::test]
async fn nobody_writes_without_a_key() {
    let public = OssOptions { anonymous: Permission::Allowed, ..options() };
    let server = server(public).await;
    for method in ["PUT", "DELETE", "POST"] {
        assert_eq!(Ask { method, ..ask() }.send(&server).await.code(), "AccessDenied", "{method}");
    }
    assert_eq!(Ask { method: "PUT", ..ask() }.signed(By::V4, &server).await.status, 200);
    assert_eq!(Ask { method: "DELETE", ..ask() }.signed(By::V4, &server).await.status, 204);
    assert_eq!(ask().send(&server).await.code(), "NoSuchKey");
}
