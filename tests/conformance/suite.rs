//! What every adapter keeps.

use std::future::Future;

use recfetch::domain::place::{ETag, Obstacle};
use recfetch::source::{Error, Listing, Opened, Page, Read, Source};
use recfetch_test_support::Objects;
use sha2::{Digest as _, Sha256};

use super::makers::{self, Made, key};

/// Names that mean something to a URL, a shell or a file system, and must mean nothing here.
const ODD: &[&str] = &[
    "plain.ts",
    "with space.ts",
    "a#b?c%d:e.ts",
    "%2e%2e/x.ts",
    "%41.ts",
    "a+b=c&d.ts",
    "频道_ä_🎥.ts",
    "..a/b...ts",
    "q'u\"o<t>e;s,(1)[2]{3}|4~5^6`!@$*.ts",
    "back\\slash.ts",
    "school/math/deep/er.ts",
];

/// Whether two slashes in a row are a key of their own there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum EmptyFolders {
    AreNames,
    Vanish,
}

/// Whether bytes come in pieces or are all there from the start.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Bodies {
    Stream,
    AreThere,
}

async fn suite<F: Future<Output = Made>>(make: impl Fn(Objects) -> F, empty: EmptyFolders, bodies: Bodies) {
    stats(&make).await;
    reads(&make).await;
    odd_names(&make, empty).await;
    lists(&make).await;
    if bodies == Bodies::Stream {
        big_bodies_stream(&make).await;
    }
}

#[tokio::test]
async fn memory_keeps_what_the_port_promises() {
    suite(makers::memory, EmptyFolders::AreNames, Bodies::AreThere).await;
}

#[tokio::test]
async fn folders_keep_what_the_port_promises() {
    suite(makers::folder, EmptyFolders::Vanish, Bodies::Stream).await;
}

#[tokio::test]
async fn web_servers_keep_what_the_port_promises() {
    suite(makers::http, EmptyFolders::AreNames, Bodies::Stream).await;
}

#[cfg(feature = "s3")]
#[tokio::test]
async fn s3_keeps_what_the_port_promises() {
    suite(makers::s3::bucket, EmptyFolders::AreNames, Bodies::Stream).await;
}

#[tokio::test]
async fn kodo_keeps_what_the_port_promises() {
    suite(makers::kodo::bucket, EmptyFolders::AreNames, Bodies::Stream).await;
}

#[tokio::test]
async fn public_kodo_keeps_what_the_port_promises() {
    suite(makers::kodo::public, EmptyFolders::AreNames, Bodies::Stream).await;
}

#[cfg(feature = "oss")]
#[tokio::test]
async fn oss_keeps_what_the_port_promises_by_either_signature() {
    suite(makers::oss::v4, EmptyFolders::AreNames, Bodies::Stream).await;
    suite(makers::oss::v1, EmptyFolders::AreNames, Bodies::Stream).await;
    suite(makers::oss::v1_when_asked, EmptyFolders::AreNames, Bodies::AreThere).await;
}

async fn stats<F: Future<Output = Made>>(make: impl Fn(Objects) -> F) {
    let objects = Objects::new();
    objects.put("a/b.ts", &b"0123456789"[..]).put("a/empty.ts", &b""[..]);
    let made = make(objects).await;
    let info = made.source.stat(&key("a/b.ts")).await.unwrap();
    assert_eq!((info.key.as_str(), info.size), ("a/b.ts", Some(10)));
    assert!(info.etag.is_some());
    assert_eq!(made.source.stat(&key("a/empty.ts")).await.unwrap().size, Some(0));
    for absent in ["a/c.ts", "a", "a/b.ts/c", "b.ts"] {
        let error = made.source.stat(&key(absent)).await.unwrap_err();
        assert_eq!(error.obstacle, Obstacle::Absent, "{absent}: {error}");
        assert_eq!(error.target, absent);
        assert_eq!(error.from, makers::name());
        let error = made.source.open(&key(absent), Read::default()).await.unwrap_err();
        assert_eq!(error.obstacle, Obstacle::Absent, "{absent}: {error}");
    }
}

async fn reads<F: Future<Output = Made>>(make: impl Fn(Objects) -> F) {
    let objects = Objects::new();
    objects.put("x.ts", &b"0123456789"[..]).put("empty.ts", &b""[..]);
    let made = make(objects).await;
    let source = &*made.source;
    for (from, expected) in [(0, "0123456789"), (4, "456789"), (9, "9")] {
        let opened = open(source, "x.ts", from, None).await.unwrap();
        assert_eq!(opened.info.size, Some(10), "from {from}: the size is that of the whole object");
        assert_eq!(body(opened).await, expected.as_bytes(), "from {from}");
    }
    // At the end nothing is left; some stores call that a range they do not have.
    match open(source, "x.ts", 10, None).await {
        Ok(opened) => assert_eq!(body(opened).await, b""),
        Err(error) => assert_eq!(error.obstacle, Obstacle::Changed, "{error}"),
    }
    // Whoever has more than there is has another object.
    for from in [11, u64::from(u32::MAX) + 1] {
        let error = open(source, "x.ts", from, None).await.expect_err("beyond the end");
        assert_eq!(error.obstacle, Obstacle::Changed, "from {from}: {error}");
    }
    assert_eq!(body(open(source, "empty.ts", 0, None).await.unwrap()).await, b"");

    for (from, until, expected) in [(0, 3, "012"), (3, 7, "3456"), (7, 10, "789"), (7, 99, "789")] {
        let read = Read { from, until: Some(until), if_match: None };
        let opened = source.open(&key("x.ts"), read).await.unwrap();
        assert_eq!(opened.info.size, Some(10), "{from} to {until}: the size is that of the whole object");
        assert_eq!(body(opened).await, expected.as_bytes(), "{from} to {until}");
    }

    let etag = source.stat(&key("x.ts")).await.unwrap().etag.unwrap();
    let opened = open(source, "x.ts", 6, Some(&etag)).await.unwrap();
    assert_eq!(opened.info.etag.as_ref(), Some(&etag));
    assert_eq!(body(opened).await, b"6789");
    for from in [0, 6] {
        let other = ETag::new("0123456789abcdef");
        let error = open(source, "x.ts", from, Some(&other)).await.expect_err("another version");
        assert_eq!(error.obstacle, Obstacle::Changed, "from {from}: {error}");
    }
}

async fn odd_names<F: Future<Output = Made>>(make: impl Fn(Objects) -> F, empty: EmptyFolders) {
    let mut names = ODD.to_vec();
    if empty == EmptyFolders::AreNames {
        names.extend(["a//b.ts", "a/b.ts"]);
    }
    let objects = Objects::new();
    for name in &names {
        objects.put(*name, format!("bytes of {name}"));
    }
    let made = make(objects).await;
    for name in &names {
        let opened = open(&*made.source, name, 0, None).await.unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(opened.info.key.as_str(), *name);
        assert_eq!(body(opened).await, format!("bytes of {name}").as_bytes(), "{name}");
        let info = made.source.stat(&key(name)).await.unwrap();
        assert_eq!(info.size, Some(9 + name.len() as u64), "{name}");
    }
    // Their decoded forms are other keys.
    for absent in ["a", "A.ts", "with%20space.ts", "with+space.ts", "a b=c&d.ts"] {
        let error = made.source.stat(&key(absent)).await.expect_err(absent);
        assert_eq!(error.obstacle, Obstacle::Absent, "{absent}");
    }
    if made.source.capabilities().listing == Listing::Possible {
        let mut expected: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        expected.sort();
        assert_eq!(listed(&*made.source, "").await, expected);
    }
}

async fn lists<F: Future<Output = Made>>(make: impl Fn(Objects) -> F) {
    let objects = Objects::new();
    let numbered: Vec<_> = (0..10).map(|n| format!("school/sid_room_{n}.ts")).collect();
    for name in &numbered {
        objects.put(name, name.clone());
    }
    objects.put("school/sidx", &b"1"[..]).put("other/sid_room_0.ts", &b"2"[..]);
    let made = make(objects).await;
    let source = &*made.source;
    match source.capabilities().listing {
        Listing::Impossible => {
            let error = source.list("school/", None).await.unwrap_err();
            assert_eq!(error.obstacle, Obstacle::Unsupported);
        }
        Listing::Possible => {
            assert_eq!(listed(source, "school/sid_").await, numbered);
            assert_eq!(listed(source, "school/").await.len(), 11);
            assert_eq!(listed(source, "").await.len(), 12);
            assert_eq!(listed(source, "scho").await.len(), 11);
            for nothing in ["school/sid_room_10", "SCHOOL/", "none/", "school/sidx/"] {
                assert_eq!(listed(source, nothing).await, Vec::<String>::new(), "{nothing}");
            }
            let page = source.list("school/sid_room_7", None).await.unwrap();
            assert_eq!(page.objects[0].size, Some(numbered[7].len() as u64));
            assert_eq!(page.next, None);
        }
    }
}

async fn big_bodies_stream<F: Future<Output = Made>>(make: impl Fn(Objects) -> F) {
    const BIG: u64 = 64 * 1024 * 1024;
    const FROM: u64 = 50 * 1024 * 1024 + 7;
    let object = recfetch_test_support::Object::pattern(BIG, 7);
    let expected = |from| {
        let mut hasher = Sha256::new();
        object.chunks(from..BIG).for_each(|chunk| hasher.update(chunk.unwrap()));
        hasher.finalize()
    };
    let objects = Objects::new();
    objects.put("big.ts", object.clone());
    let made = make(objects).await;
    for from in [0, FROM] {
        let mut opened = open(&*made.source, "big.ts", from, None).await.unwrap();
        let (mut bytes, mut hasher) = (0, Sha256::new());
        while let Some(chunk) = opened.body.next().await {
            let chunk = chunk.unwrap();
            assert!(!chunk.is_empty() && chunk.len() < 1024 * 1024, "a chunk of {} bytes", chunk.len());
            bytes += chunk.len() as u64;
            hasher.update(&chunk);
        }
        assert_eq!(bytes, BIG - from);
        assert_eq!(hasher.finalize(), expected(from), "from {from}");
    }
}

#[cfg(feature = "s3")]
#[tokio::test]
async fn keys_that_are_no_names_are_listed_apart() {
    no_names_are_listed_apart(makers::s3::bucket).await;
}

#[cfg(feature = "oss")]
#[tokio::test]
async fn keys_that_are_no_names_are_listed_apart_by_oss() {
    no_names_are_listed_apart(makers::oss::v4).await;
}

#[tokio::test]
async fn keys_that_are_no_names_are_listed_apart_by_kodo() {
    no_names_are_listed_apart(makers::kodo::bucket).await;
}

async fn no_names_are_listed_apart<F: Future<Output = Made>>(make: impl Fn(Objects) -> F) {
    let objects = Objects::new();
    for key in ["ok.ts", "folder/", "a/../b.ts", "/rooted.ts", "./here.ts"] {
        objects.put(key, &b"x"[..]);
    }
    let made = make(objects).await;
    let (mut good, mut bad, mut after) = (Vec::new(), Vec::new(), None);
    loop {
        let Page { objects, unsafe_keys, next } = made.source.list("", after.as_ref()).await.unwrap();
        good.extend(objects.into_iter().map(|info| info.key.to_string()));
        bad.extend(unsafe_keys.into_iter().map(|(key, _)| key));
        let Some(next) = next else { break };
        after = Some(next);
    }
    bad.sort();
    assert_eq!(good, ["ok.ts"], "a console's empty folder is nobody's object");
    assert_eq!(bad, ["./here.ts", "/rooted.ts", "a/../b.ts"]);
}

async fn open(
    source: &dyn Source,
    name: &str,
    from: u64,
    if_match: Option<&ETag>,
) -> Result<Opened, Box<Error>> {
    source.open(&key(name), Read { from, until: None, if_match }).await.map_err(Box::new)
}

async fn body(mut opened: Opened) -> Vec<u8> {
    let mut bytes = Vec::new();
    while let Some(chunk) = opened.body.next().await {
        bytes.extend_from_slice(&chunk.unwrap());
    }
    bytes
}

/// All pages, in order.
async fn listed(source: &dyn Source, prefix: &str) -> Vec<String> {
    let (mut keys, mut after) = (Vec::new(), None);
    loop {
        let page = source.list(prefix, after.as_ref()).await.unwrap();
        assert_eq!(page.unsafe_keys, []);
        keys.extend(page.objects.into_iter().map(|info| info.key.to_string()));
        match page.next {
            Some(next) => assert_ne!(Some(&next), after.replace(next.clone()).as_ref(), "a page that loops"),
            None => return keys,
        }
    }
}
