//! The plain web server and its certificates.

use std::io;
use std::sync::Arc;

use recfetch_test_support::store::{Object, Objects};
use recfetch_test_support::tls::{Authority, Shown};
use recfetch_test_support::{Plan, WebOptions, web};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().expect("a client")
}

#[tokio::test]
async fn objects_are_served_with_length_ranges_and_conditions() {
    let objects = Objects::new();
    objects.put("a b/频道.ts", Object::new("0123456789").content_type("video/MP2T"));
    let server = web::start(&objects).await.expect("a free port");
    let http = client();
    let url = format!("{}/a%20b/频道.ts", server.url());
    let whole = http.get(&url).send().await.expect("answered");
    let etag = whole.headers()["etag"].clone();
    assert_eq!(whole.headers()["content-length"], "10");
    assert_eq!(whole.headers()["content-type"], "video/MP2T");
    assert_eq!(etag, "\"6aafd8d0-a\"", "seconds and length, as nginx has it");
    assert_eq!(whole.text().await.expect("text"), "0123456789");
    let other = "\"other\"";
    for (headers, status, text) in [
        (vec![("range", "bytes=2-4")], 206, "234"),
        (vec![("range", "bytes=8-")], 206, "89"),
        (vec![("range", "bytes=10-")], 416, ""),
        (vec![("range", "bytes=2-4"), ("if-range", other)], 200, "0123456789"),
        (vec![("range", "bytes=2-4"), ("if-range", etag.to_str().expect("text"))], 206, "234"),
        (vec![("if-match", other)], 412, "412 Precondition Failed"),
        (vec![("if-none-match", etag.to_str().expect("text"))], 304, ""),
    ] {
        let mut request = http.get(&url);
        for (name, value) in &headers {
            request = request.header(*name, *value);
        }
        let came = request.send().await.expect("answered");
        assert_eq!(came.status(), status, "{headers:?}");
        assert_eq!(came.text().await.expect("text"), text, "{headers:?}");
    }
    let head = http.head(&url).send().await.expect("answered");
    assert_eq!(head.headers()["content-length"], "10");
    assert_eq!(http.get(format!("{}/none", server.url())).send().await.expect("answered").status(), 404);
    assert_eq!(http.get(format!("{}/", server.url())).send().await.expect("answered").status(), 404);
    assert_eq!(server.gets("/a b/频道.ts"), 8);
    assert_eq!(server.requests()[1].range.as_deref(), Some("bytes=2-4"));
}

#[tokio::test]
async fn an_object_can_come_without_a_length_and_behind_a_password() {
    let objects = Objects::new();
    objects.put("a.ts", Object::new("0123456789").chunked());
    let authorization = Some("Basic dTpw".to_owned());
    let options = WebOptions { authorization, ..WebOptions::default() };
    let server = web::start_with(&objects, options).await.expect("a free port");
    let url = format!("{}/a.ts", server.url());
    assert_eq!(client().get(&url).send().await.expect("answered").status(), 401);
    let came = client().get(&url).header("authorization", "Basic dTpw").send().await.expect("answered");
    assert_eq!(came.headers().get("content-length"), None);
    assert_eq!(came.headers()["transfer-encoding"], "chunked");
    assert_eq!(came.text().await.expect("text"), "0123456789");
}

#[tokio::test]
async fn a_recording_on_disk_is_served_as_it_was_planned() {
    let dir = tempfile::tempdir().expect("folder");
    let plan = Plan::new(&[6_000; 3]);
    let segments = ["one".into(), "two".into(), "three".into()];
    plan.write(dir.path(), &segments).expect("written");
    let server = web::start(&Objects::from_dir(dir.path()).expect("read")).await.expect("a free port");
    let get = |name: String| client().get(format!("{}/{name}", server.url())).send();
    let playlist = get(plan.playlist_name()).await.expect("answered").text().await.expect("text");
    assert_eq!(playlist, plan.playlist());
    let mut bytes = Vec::new();
    for name in playlist.lines().filter(|line| !line.starts_with('#')) {
        bytes.push(get(name.to_owned()).await.expect("answered").text().await.expect("text"));
    }
    assert_eq!(bytes, ["one", "two", "three"]);
}

#[tokio::test]
async fn only_the_right_certificate_is_trusted() {
    let authority = Authority::new().expect("made");
    let objects = Objects::new();
    objects.put("a.ts", "hello");
    let mut roots = RootCertStore::empty();
    let pem = CertificateDer::from_pem_file(authority.pem_path()).expect("a certificate");
    roots.add(pem).expect("a root");
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = TlsConnector::from(Arc::new(config));
    for (shown, want) in [
        (Shown::Right, "hello"),
        (Shown::SelfSigned, "UnknownIssuer"),
        (Shown::Expired, "expired"),
        (Shown::WrongHost, "not valid for name"),
    ] {
        let tls = Some(authority.acceptor(shown).expect("a certificate"));
        let server =
            web::start_with(&objects, WebOptions { tls, ..WebOptions::default() }).await.expect("a port");
        assert!(server.url().starts_with("https://127.0.0.1:"));
        for name in ["localhost", "127.0.0.1"] {
            let came = fetch(&connector, server.port(), name).await;
            let text = came.unwrap_or_else(|error| error.to_string());
            assert!(text.contains(want), "{shown:?} as {name}: {text}");
        }
    }
}

async fn fetch(connector: &TlsConnector, port: u16, name: &'static str) -> io::Result<String> {
    let tcp = TcpStream::connect(("127.0.0.1", port)).await?;
    let mut stream = connector.connect(ServerName::try_from(name).expect("a name"), tcp).await?;
    stream.write_all(b"GET /a.ts HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await?;
    let mut text = Vec::new();
    // The server closes without a goodbye; what came is what counts.
    let _ = stream.read_to_end(&mut text).await;
    Ok(String::from_utf8_lossy(&text).into_owned())
}
