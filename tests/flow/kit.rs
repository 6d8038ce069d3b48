//! A recording in a bucket or on a web server, with a fault proxy in front, and what a run made of it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use recfetch::archive::{self, Verification};
use recfetch::domain::key::KeyPrefix;
use recfetch::domain::place::SourceName;
use recfetch::domain::regions::Addressing;
use recfetch::domain::report::{ObjectReport, Outcome};
use recfetch::engine::{
    Candidate, FetchError, FetchOptions, Fetched, Fetcher, JoinRequest, LocateError, LocateQuery,
    RetryPolicy, Store, Target, check_media,
};
use recfetch::event::{Event, Observer};
use recfetch::source::{Credentials, HttpOptions, Place, Proxies, S3Place, Secret, StoreSpec};
use recfetch_test_support::ts::{SliceSpec, slice};
use recfetch_test_support::{
    Checksum, Faults, Handle, Keys, Logged, Object, Objects, Plan, S3Options, fault, mp4, picture, s3, web,
    webm,
};
use tokio_util::sync::CancellationToken;

pub const BUCKET: &str = "lessons";
pub const FOLDER: &str = "school/math/";
pub const SID: &str = "38f8e3cfdc474cd56fc1ceba380d7e1a";
pub const KEY: &str = "AKIALOOPBACK";
pub const SECRET: &str = "loopback-secret";

/// What vouches for the objects of a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// S3 with ETags that are MD5s.
    Md5,
    /// S3 with CRC-64/NVME, and ETags of multipart uploads.
    Crc,
    /// A web server: nothing.
    Web,
}

impl Kind {
    /// The evidence for whole bytes from such a place.
    pub fn evidence(self) -> &'static str {
        match self {
            Self::Md5 => "the md5 that prod publishes",
            Self::Crc => "the crc64nvme that prod publishes",
            Self::Web => "structure",
        }
    }
}

/// How long a slice plays.
pub const SLICE_MS: u64 = 5000;

/// The bytes of slice `n` of a recording of five-second slices.
pub fn segment(n: usize) -> Bytes {
    static MADE: Mutex<BTreeMap<usize, Bytes>> = Mutex::new(BTreeMap::new());
    let make = || {
        let start_pts = 126_000 + n as u64 * SLICE_MS * 90;
        let duration_ms = u32::try_from(SLICE_MS).unwrap();
        slice(&SliceSpec { start_pts, duration_ms, seed: n as u64 + 1, ..SliceSpec::default() }).into()
    };
    MADE.lock().unwrap().entry(n).or_insert_with(make).clone()
}

/// The bytes of WebM slice `n`, as long as the others.
pub fn webm_segment(n: usize) -> Bytes {
    webm::slice(u32::try_from(SLICE_MS).unwrap(), n as u64 + 1).into()
}

/// A small MP4.
pub fn film(seed: u64) -> Bytes {
    mp4::recording(4000, seed).into()
}

/// A small JPEG.
pub fn snapshot(seed: u64) -> Bytes {
    picture::jpeg(64, 36, seed).into()
}

pub fn segments(count: usize) -> Vec<Bytes> {
    (0..count).map(segment).collect()
}

/// A plan of `count` slices.
pub fn plan(count: usize) -> Plan {
    Plan::new(&vec![SLICE_MS; count])
}

/// Puts a recording among the objects as this kind of place keeps it.
pub fn put(objects: &Objects, kind: Kind, prefix: &str, files: Vec<(String, Bytes)>) {
    for (n, (name, bytes)) in files.into_iter().enumerate() {
        let object = Object::new(bytes);
        let object = match kind {
            Kind::Md5 | Kind::Web => object,
            Kind::Crc => object
                .with_checksum(Checksum::Crc64Nvme)
                .with_etag(&format!("\"0123456789abcdef0123456789abc{n:03x}-2\"")),
        };
        objects.put(format!("{prefix}{name}"), object);
    }
}

/// A server with a fault proxy in front.
pub struct Stage {
    pub objects: Objects,
    pub faults: Faults,
    /// What the client talks to.
    pub front: Handle,
    /// The server behind.
    pub back: Handle,
    kind: Kind,
}

impl Stage {
    pub async fn new(kind: Kind) -> Self {
        Self::with(kind, S3Options::new(BUCKET, Keys::new(KEY, SECRET))).await
    }

    pub async fn with(kind: Kind, options: S3Options) -> Self {
        let objects = Objects::new();
        let back = match kind {
            Kind::Web => web::start(&objects).await.unwrap(),
            Kind::Md5 | Kind::Crc => s3::start(&objects, options).await.unwrap(),
        };
        let faults = Faults::new().with_objects(&objects);
        let front = fault::start(&back.url(), &faults).await.unwrap();
        Self { objects, faults, front, back, kind }
    }

    /// With a recording in [`FOLDER`].
    pub async fn of(kind: Kind, plan: &Plan) -> Self {
        let stage = Self::new(kind).await;
        put(&stage.objects, kind, FOLDER, plan.files(&segments(plan.durations_ms.len())));
        stage
    }

    pub fn spec(&self, name: &str) -> StoreSpec {
        let url = self.front.url();
        let place = match self.kind {
            Kind::Web => Place::Http { url: format!("{url}/").parse().unwrap() },
            Kind::Md5 | Kind::Crc => Place::S3(s3_place(&url, KEY, SECRET)),
        };
        spec(name, place)
    }

    pub async fn store(&self, name: &str) -> Store {
        Store::connect(&self.spec(name)).await.unwrap()
    }

    /// Method and decoded path of each request, in order, without the bucket.
    pub fn asked(&self) -> Vec<String> {
        let path = |r: &Logged| {
            let path = r.path.trim_start_matches('/');
            path.strip_prefix(&format!("{BUCKET}/")).unwrap_or(path).to_owned()
        };
        self.front.requests().iter().map(|r| format!("{} {}", r.method, path(r))).collect()
    }
}

pub fn s3_place(url: &str, key: &str, secret: &str) -> S3Place {
    S3Place {
        label: "S3-compatible".to_owned(),
        region: "us-east-1".to_owned(),
        bucket: BUCKET.to_owned(),
        endpoint: Some(url.to_owned()),
        addressing: Addressing::Path,
        credentials: Credentials::Keys {
            access_key: key.to_owned(),
            secret_key: Secret::new(secret),
            session_token: None,
        },
    }
}

pub fn spec(name: &str, place: Place) -> StoreSpec {
    StoreSpec {
        name: SourceName::new(name),
        place,
        prefix: Some(KeyPrefix::from_parts([FOLDER]).unwrap()),
        http: http(),
    }
}

pub fn http() -> HttpOptions {
    HttpOptions {
        connect_timeout: Duration::from_secs(2),
        stall_timeout: Duration::from_millis(700),
        proxies: Proxies::Direct,
    }
}

pub fn options() -> FetchOptions {
    FetchOptions {
        retry: RetryPolicy {
            tries: 4,
            patience: Duration::from_secs(5),
            first_pause: Duration::from_millis(1),
            longest_pause: Duration::from_millis(5),
        },
        http: http(),
        ..FetchOptions::default()
    }
}

/// Every event as a line.
#[derive(Default)]
pub struct Told(pub Mutex<Vec<String>>);

impl Observer for Told {
    fn on_event(&self, event: &Event<'_>) {
        let line = match event {
            Event::WidthChanged { width, why } => format!("width {width} {}", why.is_some()),
            Event::Planned { keep, fetch, .. } => format!("planned {keep} {fetch}"),
            Event::TryFailed { name, from, why, .. } => format!("failed {name} {from} {why}"),
            Event::Received { name, bytes } => format!("received {name} {bytes}"),
            Event::Judged { name, verdict, .. } => format!("judged {name} {verdict}"),
            _ => return,
        };
        self.0.lock().unwrap().push(line);
    }
}

impl Told {
    pub fn lines(&self, start: &str) -> Vec<String> {
        self.0.lock().unwrap().iter().filter(|line| line.starts_with(start)).cloned().collect()
    }
}

/// Where a run looks and what it is asked for.
pub struct Run {
    pub candidates: Vec<Candidate>,
    pub target: Target,
    pub query: LocateQuery,
    pub options: FetchOptions,
    pub join: Option<JoinRequest>,
    pub told: Arc<Told>,
    pub cancel: CancellationToken,
}

#[derive(Debug)]
pub enum Failed {
    Locate(LocateError),
    Fetch(FetchError),
}

impl Run {
    /// The recording [`SID`] in one store.
    pub fn sid(store: Store) -> Self {
        Self::of(Target::parse(SID).unwrap(), vec![Candidate { store, fallbacks: Vec::new() }])
    }

    pub fn of(target: Target, candidates: Vec<Candidate>) -> Self {
        Self {
            candidates,
            target,
            query: LocateQuery::default(),
            options: options(),
            join: None,
            told: Arc::default(),
            cancel: CancellationToken::new(),
        }
    }

    pub fn with_fallback(mut self, store: Store) -> Self {
        self.candidates[0].fallbacks.push(store);
        self
    }

    /// Web servers cannot list, so they are asked for the playlist by key.
    pub fn key_if_web(mut self, kind: Kind, plan: &Plan) -> Self {
        if kind == Kind::Web {
            self.target = Target::parse(&format!("{FOLDER}{}", plan.playlist_name())).unwrap();
        }
        self
    }

    pub fn fetcher(&self) -> Fetcher {
        Fetcher::new(self.options.clone(), self.told.clone(), self.cancel.clone())
    }

    /// Under a bound in time: whatever is wrong, a run ends.
    pub async fn go(&self, out: &Path) -> Result<Fetched, Failed> {
        let fetcher = self.fetcher();
        let both = async {
            let found = fetcher.locate(&self.target, &self.candidates, &self.query).await;
            let found = found.map_err(Failed::Locate)?;
            fetcher.fetch(found, out, self.join.as_ref()).await.map_err(Failed::Fetch)
        };
        tokio::time::timeout(Duration::from_secs(30), both).await.expect("a run ends by itself")
    }

    pub async fn fetched(&self, out: &Path) -> Fetched {
        self.go(out).await.unwrap_or_else(|failed| panic!("{failed:?}"))
    }

    pub async fn not_located(&self) -> LocateError {
        let dir = tempfile::tempdir().unwrap();
        match self.go(dir.path()).await {
            Err(Failed::Locate(error)) => error,
            Err(Failed::Fetch(error)) => panic!("{error:?}"),
            Ok(fetched) => panic!("fetched: {:?}", fetched.report.outcome()),
        }
    }
}

/// The object of this name (its end) in a report.
pub fn object<'a>(fetched: &'a Fetched, name: &str) -> &'a ObjectReport {
    let mut found = fetched.report.objects.iter().filter(|o| o.name.as_str().ends_with(name));
    let object = found.next().unwrap_or_else(|| panic!("no {name} in {:#?}", fetched.report.objects));
    assert!(found.next().is_none(), "{name} is there once");
    object
}

/// Code and evidence of a verdict: `verified structure`, `corrupt …`.
pub fn verdict(object: &ObjectReport) -> String {
    object.verdict.to_string()
}

/// Codes of all findings, sorted, each once.
pub fn findings(fetched: &Fetched) -> Vec<&'static str> {
    let codes: BTreeSet<_> = fetched.report.findings.iter().map(|finding| finding.code()).collect();
    codes.into_iter().collect()
}

pub fn files_below(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut open = vec![dir.to_owned()];
    while let Some(folder) = open.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for entry in entries.flatten() {
            if entry.file_type().unwrap().is_dir() {
                open.push(entry.path());
            } else {
                let name = entry.path().strip_prefix(dir).unwrap().to_string_lossy().into_owned();
                files.insert(name, std::fs::read(entry.path()).unwrap());
            }
        }
    }
    files
}

/// The payload of a bag by path below `data/`.
pub fn payload(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    files_below(&dir.join("data"))
}

/// What lies in the folder of unfinished files.
pub fn partial(dir: &Path) -> Vec<String> {
    files_below(&dir.join(".recfetch/partial")).into_keys().collect()
}

pub fn verified(dir: &Path) -> Verification {
    archive::verify(dir, &|_| ()).unwrap()
}

/// Every promise that holds whatever the stores did: only right bytes under final names, nothing unfinished
/// left, a bag that validates, and no word of "complete" unless all listed segments are here.
pub fn check(fetched: &Fetched, originals: &BTreeMap<String, Bytes>) -> Outcome {
    let outcome = fetched.report.outcome();
    for (name, bytes) in payload(&fetched.dir) {
        let original = originals.get(&name).unwrap_or_else(|| panic!("{name} is no file of the recording"));
        assert!(*original == bytes, "{name} has other bytes than its original");
    }
    assert_eq!(partial(&fetched.dir), Vec::<String>::new(), "nothing unfinished is left");
    let whole = verified(&fetched.dir);
    assert!(whole.is_whole(), "{:?}", whole.damage);
    assert_eq!(whole.exit_code(), outcome.exit_code());
    let media = check_media(&whole, &|_| ()).unwrap();
    assert!(media.is_good(), "what was judged good stays good: {:?}", media.damage);
    assert_eq!(fetched.written.exit_code, outcome.exit_code());
    for object in &fetched.report.objects {
        let path = object.path.as_ref().map(|path| fetched.dir.join(path));
        assert_eq!(object.verdict.is_verified(), path.is_some_and(|p| p.is_file()), "{}", object.name);
    }
    if outcome == Outcome::Complete {
        let here = payload(&fetched.dir);
        for name in originals.keys() {
            assert!(here.contains_key(name), "complete without {name}");
        }
    }
    outcome
}

pub fn originals(plan: &Plan) -> BTreeMap<String, Bytes> {
    plan.files(&segments(plan.durations_ms.len())).into_iter().collect()
}

/// A folder for archives, in memory where there is one: hundreds of runs sync every file.
pub fn out() -> (tempfile::TempDir, PathBuf) {
    let memory = Path::new("/dev/shm");
    let dir = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
    let path = dir.path().join("archive");
    (dir, path)
}
