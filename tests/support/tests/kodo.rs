//! The Kodo server's guards, each shown to refuse. What the SDKs of Qiniu make of it is in `tests/real`.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use hmac::{Hmac, KeyInit as _, Mac as _};
use recfetch_test_support::kodo::{Access, Domains, Md5, Tags};
use recfetch_test_support::store::Restore;
use recfetch_test_support::{Handle, KodoOptions, Object, Objects, kodo};
use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};
use sha1::Sha1;

const BUCKET: &str = "lessons";
const ACCESS: &str = "MY_ACCESS_KEY";
const SECRET: &str = "MY_SECRET_KEY";

fn options() -> KodoOptions {
    KodoOptions::new(BUCKET, ACCESS, SECRET)
}

fn objects() -> Objects {
    let objects = Objects::new();
    objects.put("a b.ts", "hello").put("频道.ts", "other");
    objects
}

async fn server(options: KodoOptions) -> Handle {
    kodo::start(&objects(), options).await.expect("a free port")
}

fn http() -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().no_proxy().build().expect("a client")
}

fn token(secret: &str, text: &str) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(secret.as_bytes()).expect("a key");
    mac.update(text.as_bytes());
    format!("{ACCESS}:{}", URL_SAFE.encode(mac.finalize().into_bytes()))
}

fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs())
        .expect("an age")
}

fn private(server: &Handle, path: &str, seconds: i64, secret: &str) -> String {
    let signed = format!("{}{path}?e={}", server.url(), now() + seconds);
    format!("{signed}&token={}", token(secret, &signed))
}

/// A request to an interface, signed as of `seconds` from now.
fn signed(server: &Handle, target: &str, secret: &str, seconds: i64) -> RequestBuilder {
    let date = jiff::Timestamp::from_second(now() + seconds).expect("a time");
    let date = date.strftime("%Y%m%dT%H%M%SZ").to_string();
    let text = format!("GET {target}\nHost: 127.0.0.1:{}\nX-Qiniu-Date: {date}\n\n", server.port());
    let request = http().get(format!("{}{target}", server.url())).header("x-qiniu-date", date);
    request.header("authorization", format!("Qiniu {}", token(secret, &text)))
}

async fn said(response: Response) -> (u16, String) {
    let status = response.status().as_u16();
    let text = response.text().await.expect("text");
    let error =
        serde_json::from_str::<Value>(&text).ok().and_then(|json| Some(json["error"].as_str()?.to_owned()));
    (status, error.unwrap_or(text))
}

async fn get(url: &str) -> (u16, String) {
    said(http().get(url).send().await.expect("answered")).await
}

fn stat(key: &str) -> String {
    format!("/stat/{}", URL_SAFE.encode(format!("{BUCKET}:{key}")))
}

#[tokio::test]
async fn a_private_object_is_given_for_a_right_token_that_is_not_too_old() {
    let server = server(options()).await;
    let fresh = private(&server, "/a%20b.ts", 60, SECRET);
    assert_eq!(get(&fresh).await, (200, "hello".to_owned()));
    assert_eq!(get(&format!("{fresh}&attname=x")).await.0, 200, "what stands behind the token is ignored");
    let bad = (401, "bad token".to_owned());
    let (unsigned, token) = fresh.split_once("&token=").expect("signed");
    for url in [
        format!("{}/a%20b.ts", server.url()),
        unsigned.to_owned(),
        private(&server, "/a%20b.ts", 60, "another"),
        fresh.replace(ACCESS, "SOMEBODY"),
        // Anything changed after signing: the key, its spelling, the deadline, the order.
        fresh.replace("a%20b", "%E9%A2%91%E9%81%93"),
        fresh.replace("a%20b", "a%20%62"),
        fresh.replace("?e=", "?e=1"),
        unsigned.replace("?e=", &format!("?token={token}&e=")),
    ] {
        assert_eq!(get(&url).await, bad, "{url}");
    }
    assert_eq!(get(&private(&server, "/a%20b.ts", -60, SECRET)).await, (401, "expired token".to_owned()));
    assert_eq!(get(&private(&server, "/c.ts", 60, SECRET)).await, (404, "Document not found".to_owned()));
    // Signed for one host, sent to another.
    let elsewhere = fresh.replace("127.0.0.1", "localhost");
    assert_eq!(get(&elsewhere).await, bad);

    let ahead = self::server(KodoOptions { clock_ahead: 3600, ..options() }).await;
    assert_eq!(get(&private(&ahead, "/a%20b.ts", 60, SECRET)).await.1, "expired token");
    let public = self::server(KodoOptions { access: Access::Public, ..options() }).await;
    assert_eq!(get(&format!("{}/a%20b.ts", public.url())).await, (200, "hello".to_owned()));
}

#[tokio::test]
async fn interfaces_answer_to_the_owner_with_a_right_clock() {
    let server = server(options()).await;
    let targets = [stat("a b.ts"), format!("/list?bucket={BUCKET}"), format!("/v2/domains?tbl={BUCKET}")];
    for target in &targets {
        let ask = async |secret, seconds| {
            said(signed(&server, target, secret, seconds).send().await.expect("answered")).await
        };
        assert_eq!(ask(SECRET, 0).await.0, 200, "{target}");
        assert_eq!(ask(SECRET, 600).await.0, 200, "{target}");
        assert_eq!(ask("another", 0).await, (401, "bad token".to_owned()), "{target}");
        for seconds in [-3600, 3600] {
            assert_eq!(ask(SECRET, seconds).await, (401, "bad X-Qiniu-Date".to_owned()), "{target}");
        }
        assert_eq!(get(&format!("{}{target}", server.url())).await.0, 401, "{target} unsigned");
    }
    // A signature is for one method, one target, and the date that was sent.
    let moved = signed(&server, &stat("a b.ts"), SECRET, 0).build().expect("a request");
    for (target, date) in [(stat("频道.ts"), None), (stat("a b.ts"), Some("20260101T000000Z"))] {
        let mut request = http().get(format!("{}{target}", server.url())).headers(moved.headers().clone());
        if let Some(date) = date {
            request = http()
                .get(format!("{}{target}", server.url()))
                .header("authorization", &moved.headers()["authorization"])
                .header("x-qiniu-date", date);
        }
        assert_eq!(said(request.send().await.expect("answered")).await.1, "bad token", "{target}");
    }
    let old = format!("QBox {}", token(SECRET, &format!("{}\n", stat("a b.ts"))));
    let old = http().get(format!("{}{}", server.url(), stat("a b.ts"))).header("authorization", old);
    assert_eq!(old.send().await.expect("answered").status(), 200, "the signature of before 2019");
}

#[tokio::test]
async fn facts_are_those_of_the_object_and_what_is_missing_is_named() {
    let objects = objects();
    objects.change("a b.ts", |object| object.storage_class("archive"));
    let server =
        kodo::start(&objects, KodoOptions { md5: Md5::Told, ..options() }).await.expect("a free port");
    let facts = async || {
        let answer = signed(&server, &stat("a b.ts"), SECRET, 0).send().await.expect("answered");
        serde_json::from_str::<Value>(&answer.text().await.expect("text")).expect("JSON")
    };
    let want = json!({
        "fsize": 5, "hash": "Fqr0xh3cxeii2r7eDztILNmuqUNN", "mimeType": "application/octet-stream",
        "putTime": 17_899_092_000_000_000_u64, "type": 2, "md5": "5d41402abc4b2a76b9719d911017c592",
    });
    assert_eq!(facts().await, want);
    let read = async || get(&private(&server, "/a%20b.ts", 60, SECRET)).await;
    assert_eq!(read().await.0, 403);
    objects.change("a b.ts", |object| object.restored(Restore::Running));
    assert_eq!((facts().await["restoreStatus"].as_u64(), read().await.0), (Some(1), 403));
    objects.change("a b.ts", |object| object.restored(Restore::Until(2_000_000_000)));
    assert_eq!((facts().await["restoreStatus"].as_u64(), read().await.0), (Some(2), 200));

    let ask =
        async |target: &str| said(signed(&server, target, SECRET, 0).send().await.expect("answered")).await;
    assert_eq!(ask(&stat("c.ts")).await, (612, "no such file or directory".to_owned()));
    let elsewhere = format!("/stat/{}", URL_SAFE.encode("nobodys:a b.ts"));
    for target in [&elsewhere, "/list?bucket=nobodys", "/v2/domains?tbl=nobodys"] {
        assert_eq!(ask(target).await, (631, "no such bucket".to_owned()), "{target}");
    }
    let query = format!("{}/v4/query?bucket={BUCKET}&ak=", server.url());
    assert_eq!(get(&format!("{query}SOMEBODY")).await, (612, "app/accesskey is not found".to_owned()));
    assert_eq!(get(&format!("{query}{ACCESS}")).await.0, 200);
}

#[tokio::test]
async fn a_listing_is_complete_page_by_page() {
    let objects = Objects::new();
    for n in 0..25 {
        objects.put(format!("rec/{n:02}.ts"), "x").put(format!("rec/sub/{n:02}.ts"), "x");
    }
    objects.put("other.ts", "x");
    let server = kodo::start(&objects, KodoOptions { page_size: 4, ..options() }).await.expect("a free port");
    for (prefix, delimiter, keys, folders) in
        [("", "", 51, 0), ("rec/", "", 50, 0), ("rec/", "/", 25, 1), ("none", "", 0, 0)]
    {
        let (mut found, mut seen, mut marker) = (Vec::new(), 0, String::new());
        loop {
            let target = format!(
                "/list?bucket={BUCKET}&prefix={}&delimiter={}&limit=1000&marker={marker}",
                prefix.replace('/', "%2F"),
                delimiter.replace('/', "%2F")
            );
            let answer = signed(&server, &target, SECRET, 0).send().await.expect("answered");
            let page: Value = serde_json::from_str(&answer.text().await.expect("text")).expect("JSON");
            let items = page["items"].as_array().expect("items");
            assert!(items.len() <= 4);
            found.extend(items.iter().map(|item| item["key"].as_str().expect("a key").to_owned()));
            seen += page["commonPrefixes"].as_array().map_or(0, Vec::len);
            let Some(next) = page["marker"].as_str() else { break };
            next.clone_into(&mut marker);
        }
        let mut sorted = found.clone();
        sorted.sort();
        sorted.dedup();
        assert_eq!(found, sorted, "in order, each once");
        assert_eq!((found.len(), seen), (keys, folders), "{prefix} {delimiter}");
    }
}

#[tokio::test]
async fn tags_are_hashes_or_what_was_set_or_hidden() {
    let objects = objects();
    let foreign = "nieGn00gWdbfwEIHaUpzu4drHeun";
    objects.put("parts.ts", Object::new("hello").with_etag(foreign));
    let tag = async |tags, path: &str| {
        let options = KodoOptions { tags, access: Access::Public, ..options() };
        let server = kodo::start(&objects, options).await.expect("a free port");
        let answer = http().get(format!("{}/{path}", server.url())).send().await.expect("answered");
        answer.headers().get("etag").map(|tag| tag.to_str().expect("text").to_owned())
    };
    assert_eq!(tag(Tags::Hash, "a%20b.ts").await.as_deref(), Some("\"Fqr0xh3cxeii2r7eDztILNmuqUNN\""));
    assert_eq!(tag(Tags::Hash, "parts.ts").await, Some(format!("\"{foreign}\"")));
    assert_eq!(tag(Tags::Hidden, "a%20b.ts").await, None);
    assert_eq!(tag(Tags::MadeUp, "a%20b.ts").await.as_deref(), Some("\"6aafd8d0-5\""));
}

#[tokio::test]
async fn the_account_is_told_its_domains() {
    let ask = async |domains| {
        let server = server(KodoOptions { domains, ..options() }).await;
        let target = format!("/v2/domains?tbl={BUCKET}");
        let text = signed(&server, &target, SECRET, 0).send().await.expect("answered").text().await;
        (serde_json::from_str::<Vec<String>>(&text.expect("text")).expect("JSON"), server.port())
    };
    let (here, port) = ask(Domains::ThisServer).await;
    assert_eq!(here, [format!("127.0.0.1:{port}")]);
    assert_eq!(ask(Domains::Named(Vec::new())).await.0, Vec::<String>::new());
}

#[tokio::test]
async fn an_upload_needs_a_token_for_its_key_and_the_right_checksum() {
    let objects = Objects::new();
    let server = kodo::start(&objects, options()).await.expect("a free port");
    let policy = |scope: &str, seconds: i64, secret: &str| {
        let policy = URL_SAFE.encode(json!({ "scope": scope, "deadline": now() + seconds }).to_string());
        format!("{}:{policy}", token(secret, &policy))
    };
    let scope = format!("{BUCKET}:k.ts");
    for (token, crc, want) in [
        (policy(&scope, 60, SECRET), "907060870", 200),
        (policy(&scope, 60, "another"), "907060870", 401),
        (policy(&scope, -60, SECRET), "907060870", 401),
        (policy(&format!("{BUCKET}:other"), 60, SECRET), "907060870", 403),
        (policy("nobodys", 60, SECRET), "907060870", 631),
        (policy(&scope, 60, SECRET), "1", 406),
    ] {
        let field = |name: &str, value: &str| {
            format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        };
        let file = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"k\"\r\n\
                    Content-Type: video/MP2T\r\n\r\nhello\r\n--b--\r\n";
        let body = [&*field("token", &token), &*field("key", "k.ts"), &*field("crc32", crc), file].concat();
        let post =
            http().post(server.url()).header("content-type", "multipart/form-data; boundary=b").body(body);
        let answer = said(post.send().await.expect("answered")).await;
        assert_eq!(answer.0, want, "{answer:?}");
        let stored = objects.remove("k.ts");
        assert_eq!(stored.map(|object| (object.bytes(), object.content_type)).is_some(), want == 200);
    }
}
