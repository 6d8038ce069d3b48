//! Each fault does what it says, and only to its own object.

use std::io;
use std::time::{Duration, Instant};

use aws_credential_types::Credentials;
use aws_sdk_s3::config::{BehaviorVersion, Region, retry::RetryConfig};
use aws_smithy_http_client::{Builder, tls};
use recfetch_test_support::web::Plays;
use recfetch_test_support::{
    Fault, Faults, Handle, Keys, Object, Objects, S3Options, Script, WebOptions, fault, s3, script, web,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const BODY: &str = "0123456789abcdefghij";

/// What came over the wire, byte for byte.
struct Came {
    head: String,
    body: Vec<u8>,
    /// How the connection ended.
    end: Option<io::ErrorKind>,
}

impl Came {
    fn status(&self) -> u16 {
        self.head.get(9..12).and_then(|digits| digits.parse().ok()).unwrap_or(0)
    }

    fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.split("\r\n").filter_map(|line| line.split_once(": "));
        lines.into_iter().find(|(have, _)| have.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    fn length(&self) -> Option<u64> {
        self.header("content-length").and_then(|text| text.parse().ok())
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }
}

async fn ask(server: &Handle, method: &str, path: &str, headers: &str) -> Came {
    let mut stream = TcpStream::connect(("127.0.0.1", server.port())).await.expect("connected");
    let request =
        format!("{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}Connection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut all = Vec::new();
    let mut end = None;
    loop {
        match tokio::time::timeout(Duration::from_millis(700), stream.read_buf(&mut all)).await {
            Ok(Ok(0)) => break,
            Ok(Ok(_)) => {}
            Ok(Err(error)) => {
                end = Some(error.kind());
                break;
            }
            Err(_) => {
                end = Some(io::ErrorKind::TimedOut);
                break;
            }
        }
    }
    let at = all.windows(4).position(|four| four == b"\r\n\r\n").map_or(all.len(), |at| at + 4);
    let body = all.split_off(at);
    Came { head: String::from_utf8_lossy(&all).into_owned(), body, end }
}

async fn get(server: &Handle, path: &str) -> Came {
    ask(server, "GET", path, "").await
}

/// A web server with two objects, and a proxy before it that plays this fault for ever on one of them.
async fn with(fault: Fault) -> (Handle, Handle) {
    let objects = Objects::new();
    objects.put("rec/a.ts", BODY).put("rec/b.ts", "the other").put("rec/c.ts", "untouched");
    let behind = web::start(&objects).await.expect("a free port");
    let faults = Faults::new().on("a.ts", Script::always(fault));
    let proxy = fault::start(&behind.url(), &faults).await.expect("a free port");
    (behind, proxy)
}

#[tokio::test]
async fn without_a_fault_everything_passes_as_it_was() {
    let (behind, proxy) = with(Fault::Pass).await;
    for path in ["/rec/a.ts", "/rec/c.ts", "/rec/none.ts"] {
        for (method, headers) in [("GET", ""), ("HEAD", ""), ("GET", "Range: bytes=2-4\r\n")] {
            let direct = ask(&behind, method, path, headers).await;
            let through = ask(&proxy, method, path, headers).await;
            assert_eq!(direct.status(), through.status(), "{method} {path}");
            assert_eq!(direct.body, through.body, "{method} {path}");
            assert_eq!(direct.header("etag"), through.header("etag"), "{method} {path}");
            assert_eq!(direct.length(), through.length(), "{method} {path}");
        }
    }
    assert_eq!(proxy.gets("a.ts"), 2);
    assert_eq!(proxy.count("HEAD", "a.ts"), 1);
    assert_eq!(proxy.requests()[2].status, 206);
}

#[tokio::test]
async fn error_answers_have_their_status_and_code() {
    for (fault, status, text) in [
        (Fault::Status(500, None, "oops".to_owned()), 500, "oops"),
        (Fault::NotFound, 404, "<Code>NoSuchKey</Code>"),
        (Fault::Denied, 403, "<Code>AccessDenied</Code>"),
        (Fault::Archived, 403, "<Code>InvalidObjectState</Code>"),
        (Fault::SlowDown, 503, "<Code>SlowDown</Code>"),
        (Fault::Html, 200, "<title>Sign in</title>"),
        (Fault::Xml, 200, "<Error>"),
    ] {
        let (behind, proxy) = with(fault.clone()).await;
        let came = get(&proxy, "/rec/a.ts").await;
        assert_eq!(came.status(), status, "{fault:?}");
        assert!(came.text().contains(text), "{fault:?}");
        assert_eq!(came.length(), Some(came.body.len() as u64), "{fault:?}");
        assert_eq!(behind.requests(), [], "{fault:?} needs nobody behind");
        assert_eq!(get(&proxy, "/rec/c.ts").await.text(), "untouched", "{fault:?}");
    }
    let (_behind, proxy) = with(Fault::Status(503, Some(7), String::new())).await;
    assert_eq!(get(&proxy, "/rec/a.ts").await.header("retry-after"), Some("7"));
    let (_behind, proxy) = with(Fault::Html).await;
    assert!(
        get(&proxy, "/rec/a.ts")
            .await
            .header("content-type")
            .is_some_and(|kind| kind.starts_with("text/html"))
    );
    let (_behind, proxy) = with(Fault::Redirect("http://127.0.0.1:1/x".to_owned(), 307)).await;
    let came = get(&proxy, "/rec/a.ts").await;
    assert_eq!((came.status(), came.header("location")), (307, Some("http://127.0.0.1:1/x")));
}

#[tokio::test]
async fn other_bytes_come_with_headers_that_fit_them() {
    for (fault, want) in [
        (Fault::Short(5), "01234"),
        (Fault::Short(99), BODY),
        (Fault::Empty, ""),
        (Fault::Swap("b.ts".to_owned()), "the other"),
        (Fault::Swap("/rec/b.ts".to_owned()), "the other"),
        (Fault::SwapBytes("mine".into()), "mine"),
    ] {
        let (_behind, proxy) = with(fault.clone()).await;
        let came = get(&proxy, "/rec/a.ts").await;
        assert_eq!((came.status(), came.text()), (200, want), "{fault:?}");
        assert_eq!(came.length(), Some(want.len() as u64), "{fault:?}");
        assert_eq!(came.end, None, "{fault:?}");
        let etag = Object::new(want).etag();
        assert_eq!(came.header("etag"), Some(etag.as_str()), "{fault:?}");
    }
    let (_behind, proxy) = with(Fault::Short(5)).await;
    let part = ask(&proxy, "GET", "/rec/a.ts", "Range: bytes=3-\r\n").await;
    assert_eq!((part.status(), part.text(), part.header("content-range")), (206, "34", Some("bytes 3-4/5")));
    let outside = ask(&proxy, "GET", "/rec/a.ts", "Range: bytes=5-\r\n").await;
    assert_eq!((outside.status(), outside.header("content-range")), (416, Some("bytes */5")));
}

#[tokio::test]
async fn other_bytes_come_with_the_digests_that_their_store_gives() {
    for plays in [Plays::S3, Plays::Oss, Plays::Kodo] {
        let objects = Objects::new();
        objects.put("rec/a.ts", BODY);
        let behind = web::start_with(&objects, WebOptions { plays, ..WebOptions::default() }).await;
        let behind = behind.expect("a server");
        let faults = Faults::new().on("a.ts", Script::always(Fault::SwapBytes("mine".into())));
        let proxy = fault::start(&behind.url(), &faults).await.expect("a proxy");
        let came = get(&proxy, "/rec/a.ts").await;
        let other = Object::new("mine");
        let etag = if plays == Plays::Kodo { format!("\"{}\"", other.qetag()) } else { other.etag() };
        assert_eq!((came.text(), came.header("etag")), ("mine", Some(etag.as_str())), "{plays:?}");
        let crc = (plays == Plays::Oss).then(|| other.crc64_xz().to_string());
        assert_eq!(came.header("x-oss-hash-crc64ecma"), crc.as_deref(), "{plays:?}");
        let md5 = (plays == Plays::Oss).then(|| other.md5_base64());
        assert_eq!(came.header("content-md5"), md5.as_deref(), "{plays:?}");
    }
}

#[tokio::test]
async fn other_bytes_can_come_under_the_headers_of_the_right_ones() {
    let objects = Objects::new();
    objects.put("rec/a.ts", BODY);
    for (script, body) in [("keeping:short=4", "0123"), ("keeping:empty", "")] {
        let options = WebOptions { plays: Plays::Oss, ..WebOptions::default() };
        let behind = web::start_with(&objects, options).await.expect("a free port");
        let faults = script::parse(&format!("a.ts {script} 1")).expect("a script");
        let proxy = fault::start(&behind.url(), &faults).await.expect("a free port");
        let wrong = get(&proxy, "/rec/a.ts").await;
        let right = get(&proxy, "/rec/a.ts").await;
        assert_eq!((wrong.status(), wrong.text(), wrong.length()), (200, body, Some(body.len() as u64)));
        for name in ["etag", "content-md5", "x-oss-hash-crc64ecma"] {
            assert!(right.header(name).is_some(), "{name}");
            assert_eq!(wrong.header(name), right.header(name), "{script}: {name}");
        }
    }
}

#[tokio::test]
async fn a_flipped_bit_keeps_the_headers_and_its_place() {
    let (behind, proxy) = with(Fault::Flip(4)).await;
    let came = get(&proxy, "/rec/a.ts").await;
    assert_eq!(came.text(), "0123556789abcdefghij");
    assert_eq!(came.header("etag"), get(&behind, "/rec/a.ts").await.header("etag"));
    let part = ask(&proxy, "GET", "/rec/a.ts", "Range: bytes=3-5\r\n").await;
    assert_eq!((part.status(), part.text()), (206, "355"));
    let part = ask(&proxy, "GET", "/rec/a.ts", "Range: bytes=5-6\r\n").await;
    assert_eq!(part.text(), "56");
}

#[tokio::test]
async fn broken_connections_break_after_the_bytes_they_are_to_bring() {
    for (fault, end) in [
        (Fault::Cut(7), None),
        (Fault::Reset(7), Some(io::ErrorKind::ConnectionReset)),
        (Fault::Stall(7), Some(io::ErrorKind::TimedOut)),
    ] {
        let (_behind, proxy) = with(fault.clone()).await;
        let came = get(&proxy, "/rec/a.ts").await;
        assert_eq!((came.status(), came.length()), (200, Some(20)), "{fault:?}");
        assert_eq!(came.text(), "0123456", "{fault:?}");
        assert_eq!(came.end, end, "{fault:?}");
        // Of a part, as many bytes again: a client that goes on gets on.
        let part = ask(&proxy, "GET", "/rec/a.ts", "Range: bytes=7-\r\n").await;
        assert_eq!((part.status(), part.text(), part.length()), (206, "789abcd", Some(13)), "{fault:?}");
    }
}

#[tokio::test]
async fn ranges_are_ignored_or_wrong() {
    let (_behind, proxy) = with(Fault::IgnoreRange).await;
    let came = ask(&proxy, "GET", "/rec/a.ts", "Range: bytes=3-5\r\n").await;
    assert_eq!((came.status(), came.text(), came.header("content-range")), (200, BODY, None));
    let (_behind, proxy) = with(Fault::WrongRange).await;
    let came = ask(&proxy, "GET", "/rec/a.ts", "Range: bytes=3-5\r\n").await;
    assert_eq!(
        (came.status(), came.text(), came.header("content-range")),
        (206, "456", Some("bytes 4-6/20"))
    );
    assert_eq!(get(&proxy, "/rec/a.ts").await.text(), BODY);
}

#[tokio::test]
async fn a_changing_object_has_a_new_etag_and_new_bytes_each_time() {
    let (_behind, proxy) = with(Fault::ChangeEtag).await;
    let first = get(&proxy, "/rec/a.ts").await;
    let second = get(&proxy, "/rec/a.ts").await;
    assert_ne!(first.header("etag"), second.header("etag"));
    assert_ne!(first.body, second.body);
    assert_eq!((first.body.len(), second.body.len()), (20, 20));
    let etag = second.header("etag").expect("one");
    let resumed = ask(&proxy, "GET", "/rec/a.ts", &format!("Range: bytes=5-\r\nIf-Match: {etag}\r\n")).await;
    assert_eq!(resumed.status(), 412);
    let resumed = ask(&proxy, "GET", "/rec/a.ts", "Range: bytes=5-\r\n").await;
    assert_eq!((resumed.status(), resumed.header("content-range")), (206, Some("bytes 5-19/20")));
}

#[tokio::test]
async fn slow_and_late_answers_take_their_time_and_are_right() {
    let (_behind, proxy) = with(Fault::Slow { bytes_per_sec: 40 }).await;
    let begin = Instant::now();
    assert_eq!(get(&proxy, "/rec/a.ts").await.text(), BODY);
    assert!(begin.elapsed() >= Duration::from_millis(450), "{:?}", begin.elapsed());
    let (_behind, proxy) = with(Fault::Delay(300)).await;
    let begin = Instant::now();
    assert_eq!(get(&proxy, "/rec/a.ts").await.text(), BODY);
    assert!(begin.elapsed() >= Duration::from_millis(300), "{:?}", begin.elapsed());
}

#[tokio::test]
async fn framing_and_headers_can_be_odd() {
    let (_behind, proxy) = with(Fault::NoLength).await;
    let came = get(&proxy, "/rec/a.ts").await;
    assert_eq!((came.length(), came.header("transfer-encoding"), came.text()), (None, None, BODY));
    let (_behind, proxy) = with(Fault::Chunked).await;
    let came = get(&proxy, "/rec/a.ts").await;
    assert_eq!((came.length(), came.header("transfer-encoding")), (None, Some("chunked")));
    assert_eq!(came.text(), format!("14\r\n{BODY}\r\n0\r\n\r\n"));
    let (_behind, proxy) = with(Fault::HeaderGarbage).await;
    assert!(!get(&proxy, "/rec/a.ts").await.head.starts_with("HTTP/"));
}

#[tokio::test]
async fn a_script_is_consumed_by_its_own_object_only() {
    let (behind, proxy) = with(Fault::Pass).await;
    let faults = Faults::new()
        .on("a.ts", Script::times(Fault::SlowDown, 2).then(Script::once(Fault::Empty)))
        .on("rec/a.ts", Script::once(Fault::NotFound).then(Script::always(Fault::SlowDown)))
        .on("c.ts", Script::once(Fault::Denied))
        .on_head("c.ts", Script::once(Fault::NotFound))
        .on_list(Script::once(Fault::SlowDown));
    drop(proxy);
    let proxy = fault::start(&behind.url(), &faults).await.expect("a free port");
    // Requests of other objects, HEADs and listings in between do not use it up.
    let mut seen = Vec::new();
    for (method, path) in [
        ("GET", "/rec/b.ts"),
        ("HEAD", "/rec/c.ts"),
        ("GET", "/rec/c.ts"),
        ("GET", "/rec/a.ts"),
        ("HEAD", "/rec/a.ts"),
        ("GET", "/rec/?list-type=2"),
        ("GET", "/rec/?list-type=2"),
        ("GET", "/rec/%61.ts"),
        ("GET", "/rec/c.ts"),
        ("HEAD", "/rec/c.ts"),
        ("GET", "/rec/a.ts"),
    ] {
        seen.push(ask(&proxy, method, path, "").await.status());
    }
    assert_eq!(seen, [200, 404, 403, 404, 200, 503, 404, 503, 200, 200, 503]);
    // The script can be replaced while the proxy runs.
    faults.on("rec/a.ts", Script::default());
    assert_eq!(get(&proxy, "/rec/a.ts").await.status(), 200);
}

#[tokio::test]
async fn a_script_can_be_written_as_text() {
    let (behind, _proxy) = with(Fault::Pass).await;
    let text = "a.ts status=503,2 1\na.ts short=3\nhead:b.ts notfound always # why\nlist: slowdown\n";
    let faults = script::parse(text).expect("a script");
    let proxy = fault::start(&behind.url(), &faults).await.expect("a free port");
    assert_eq!(get(&proxy, "/rec/a.ts").await.header("retry-after"), Some("2"));
    assert_eq!(get(&proxy, "/rec/a.ts").await.text(), "012");
    assert_eq!(get(&proxy, "/rec/a.ts").await.text(), BODY);
    assert_eq!(ask(&proxy, "HEAD", "/rec/b.ts", "").await.status(), 404);
    assert_eq!(ask(&proxy, "HEAD", "/rec/b.ts", "").await.status(), 404);
    assert_eq!(get(&proxy, "/rec/?prefix=x").await.status(), 503);
}

#[tokio::test]
async fn signatures_stay_valid_through_the_proxy_also_with_a_range() {
    let objects = Objects::new();
    objects.put("rec/a b.ts", BODY).put("rec/c.ts", "other");
    let behind =
        s3::start(&objects, S3Options::new("bucket", Keys::new("AK", "SK"))).await.expect("a free port");
    let faults = Faults::new().with_objects(&objects).on(
        "a b.ts",
        Script::once(Fault::Cut(4))
            .then(Script::once(Fault::IgnoreRange).then(Script::once(Fault::Swap("rec/c.ts".to_owned())))),
    );
    let proxy = fault::start(&behind.url(), &faults).await.expect("a free port");
    let http = Builder::new()
        .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring))
        .build_https();
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .credentials_provider(Credentials::new("AK", "SK", None, None, "test"))
        .region(Region::from_static("us-east-1"))
        .endpoint_url(proxy.url())
        .force_path_style(true)
        .retry_config(RetryConfig::disabled())
        .http_client(http)
        .build();
    let client = aws_sdk_s3::Client::from_conf(config);
    let get = || client.get_object().bucket("bucket").key("rec/a b.ts");
    let cut = get().send().await.expect("begun");
    assert!(cut.body.collect().await.is_err(), "cut");
    let whole = get().range("bytes=4-").send().await.expect("given");
    assert_eq!(whole.content_range(), None);
    assert_eq!(whole.body.collect().await.expect("whole").into_bytes(), BODY);
    let swapped = get().send().await.expect("given");
    assert_eq!(swapped.body.collect().await.expect("whole").into_bytes(), "other");
    let right = get().range("bytes=4-6").send().await.expect("given");
    assert_eq!(right.body.collect().await.expect("whole").into_bytes(), "456");
    let list = client.list_objects_v2().bucket("bucket").send().await.expect("listed");
    assert_eq!(list.contents().len(), 2);
}

#[tokio::test]
async fn a_script_that_cannot_be_played_is_said() {
    let (_behind, proxy) = with(Fault::Swap("nowhere.ts".to_owned())).await;
    let came = get(&proxy, "/rec/a.ts").await;
    assert_eq!(came.status(), 502);
    assert!(came.text().contains("nowhere.ts"), "{}", came.text());
}
