//! Many recordings with many faults at once, in places of every vendor, against a model of what must come of
//! each object: what any permitted place can serve ends verified, no final file differs from its original,
//! nothing is called complete that is not, and a rerun after the faults have ended finishes the job.
//!
//! `RECFETCH_FAULT_SCRIPTS` says how many scripts are played (300 unless it is set), `RECFETCH_FAULT_SEED`
//! with which seed the first one is made; each next has the next seed. A script that fails names its seed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use recfetch::domain::report::Outcome;
use recfetch::engine::{Fetched, Gaps, JoinOutcome, JoinRequest, JoinTo, Keep, PartsPolicy, Store, Target};
use recfetch::source::{
    Credentials, KodoHosts, KodoPlace, OssAddressing, OssPlace, OssSignature, Place, Secret,
};
use recfetch_test_support::webm::{self, WebMSpec};
use recfetch_test_support::{
    Fault, Faults, Handle, Keys, KodoOptions, Objects, OssOptions, Plan, S3Options, Script, fault, kodo, mp4,
    oss, s3, web,
};

use crate::kit::*;

/// Scripts that once showed a bug, played each time.
const ONCE_FAILED: [u64; 1] = [3642];
const SEGMENTS: usize = 5;

/// A kind of place, and what vouches for its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Vendor {
    /// S3, by MD5s.
    S3Md5,
    /// S3, by CRC-64/NVME.
    S3Crc,
    /// A web server: nothing.
    Web,
    /// Aliyun, by CRC-64/XZ; signatures of version 4.
    Oss,
    /// Qiniu by its own interfaces and a private domain, by qetags.
    Kodo,
}

/// Where the recording is first looked for.
const FIRST: [Vendor; 5] = [Vendor::S3Md5, Vendor::S3Crc, Vendor::Web, Vendor::Oss, Vendor::Kodo];

/// Where it is looked for then.
const SECOND: [Vendor; 2] = [Vendor::Web, Vendor::Oss];

impl Vendor {
    /// How the kit knows what such a place keeps of an object.
    fn kind(self) -> Kind {
        match self {
            Self::S3Md5 | Self::Oss | Self::Kodo => Kind::Md5,
            Self::S3Crc => Kind::Crc,
            Self::Web => Kind::Web,
        }
    }

    /// A fault as this vendor's servers word it.
    fn native(self, fault: Fault) -> Fault {
        let status = |code, words: &str| Fault::Status(code, None, format!("{{\"error\":\"{words}\"}}"));
        match (self, fault) {
            (Self::Kodo, Fault::NotFound) => status(612, "no such file or directory"),
            (Self::Kodo, Fault::Denied) => status(403, "forbidden"),
            (Self::Kodo, Fault::Archived) => status(403, "the archived file has to be restored first"),
            (Self::Kodo, Fault::SlowDown) => status(573, "too many requests"),
            (Self::Kodo, Fault::Xml) => status(200, "internal error"),
            (_, fault) => fault,
        }
    }
}

/// What counts of a place's word on its own objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Believed {
    /// What it listed before anything was read, or nothing.
    AsListed,
    /// The digest of what it holds now, because it is never listed.
    ForWhatItHolds,
}

/// A server with a fault proxy in front.
struct Server {
    vendor: Vendor,
    believed: Believed,
    objects: Objects,
    faults: Faults,
    store: Store,
    front: Handle,
    _back: Handle,
}

impl Server {
    async fn start(vendor: Vendor, name: &str) -> Self {
        let objects = Objects::new();
        let keys = || Keys::new(KEY, SECRET);
        let back = match vendor {
            Vendor::S3Md5 | Vendor::S3Crc => s3::start(&objects, S3Options::new(BUCKET, keys())).await,
            Vendor::Web => web::start(&objects).await,
            Vendor::Oss => oss::start(&objects, OssOptions::new(BUCKET, keys())).await,
            Vendor::Kodo => kodo::start(&objects, KodoOptions::new(BUCKET, KEY, SECRET)).await,
        };
        let back = back.unwrap();
        let faults = Faults::new().with_objects(&objects);
        let front = fault::start(&back.url(), &faults).await.unwrap();
        let store = Store::connect(&spec(name, place(vendor, &front.url()))).await.unwrap();
        let believed = match (name, vendor) {
            ("backup", Vendor::Oss) => Believed::ForWhatItHolds,
            (_, _) => Believed::AsListed,
        };
        Self { vendor, believed, objects, faults, store, front, _back: back }
    }

    /// The paths of the objects that were asked for after so many requests.
    fn asked(&self, after: usize) -> Vec<String> {
        let requests = self.front.requests().into_iter().skip(after);
        requests.filter(|request| request.method == "GET").map(|request| request.path).collect()
    }

    fn put(&self, files: &BTreeMap<String, Bytes>) {
        put(&self.objects, self.vendor.kind(), FOLDER, files.clone().into_iter().collect());
    }
}

fn place(vendor: Vendor, url: &str) -> Place {
    let credentials = Credentials::Keys {
        access_key: KEY.to_owned(),
        secret_key: Secret::new(SECRET),
        session_token: None,
    };
    match vendor {
        Vendor::S3Md5 | Vendor::S3Crc => Place::S3(s3_place(url, KEY, SECRET)),
        Vendor::Web => Place::Http { url: format!("{url}/").parse().unwrap() },
        Vendor::Oss => Place::Oss(OssPlace {
            region: "cn-hangzhou".to_owned(),
            bucket: BUCKET.to_owned(),
            endpoint: url.to_owned(),
            addressing: OssAddressing::Path,
            signature: OssSignature::V4,
            credentials,
        }),
        Vendor::Kodo => Place::Kodo(KodoPlace {
            bucket: BUCKET.to_owned(),
            domains: vec![url.parse().unwrap()],
            hosts: KodoHosts { rs: url.to_owned(), rsf: url.to_owned(), uc: url.to_owned() },
            credentials,
        }),
    }
}

/// What is recorded and what is made of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// Slices of transport stream.
    Slices,
    /// The same, joined beside the bag at the end.
    JoinedBeside,
    /// Only the joined file is kept.
    KeptJoined,
    /// One user's slices of WebM.
    WebM,
    /// Slices and a film.
    Film,
}

impl Form {
    fn chosen(chance: &mut Chance, first: Vendor) -> Self {
        match chance.below(8) {
            0 => Self::JoinedBeside,
            1 | 2 => Self::KeptJoined,
            3 => Self::WebM,
            // Where nothing can be listed nobody knows of a film.
            4 if first != Vendor::Web => Self::Film,
            _ => Self::Slices,
        }
    }

    /// The recording, its slices, and all its files.
    fn recording(self, seed: u64) -> (Plan, Vec<Bytes>, BTreeMap<String, Bytes>) {
        let mut plan = plan(SEGMENTS);
        plan.sid = format!("{seed:032x}");
        let mut slices = segments(SEGMENTS);
        if self == Self::WebM {
            plan.track = Some((7, "video".to_owned()));
            plan.tags = recfetch_test_support::recording::Tags::Video;
            plan.extension = "webm".to_owned();
            // One that comes in the place of another plays much longer or shorter: nothing else tells them apart
            // where nobody vouches for them.
            plan.durations_ms = vec![5000, 9000, 4000, 1000, 5000];
            slices = (1..).zip(&plan.durations_ms).map(|(seed, ms)| webm_slice(*ms, seed)).collect();
        }
        let mut files: BTreeMap<_, _> = plan.files(&slices).into_iter().collect();
        if self == Self::Film {
            let film = mp4::file(&mp4::Mp4Spec { sample_bytes: 100, ..mp4::Mp4Spec::default() });
            files.insert(format!("{}_0.mp4", plan.stem()), film.into());
        }
        (plan, slices, files)
    }
}

fn webm_slice(duration: u64, seed: u64) -> Bytes {
    let duration_ms = u32::try_from(duration).unwrap();
    webm::file(&WebMSpec { duration_ms, seed, block_bytes: 500, ..WebMSpec::default() }).into()
}

pub fn setting(name: &str, default: u64) -> u64 {
    let said = std::env::var(name).ok();
    said.map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

/// Numbers that look like chance and are the same each time (splitmix64).
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ mixed >> 31) % n
    }
}

/// What a place does about a segment in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Serves {
    /// It comes, sooner or later.
    Well,
    /// It does not, and the next place may be asked.
    Not,
    /// It is refused, and nobody else is asked.
    Refuses,
}

/// A script and what it comes to, by the rules of the documents and nothing of the engine's.
fn script(chance: &mut Chance, server: &Server, name: &str, other: &str) -> (Script, Serves) {
    let (vendor, believed) = (server.vendor, server.believed);
    let at = chance.below(70_000);
    // Where nobody vouches for the bytes, a wrong one is only seen where the format has fixed ones.
    let (in_sync, short) = match name.rsplit_once('.') {
        Some((_, "ts")) => (at / 188 * 188, at.min(30_000)),
        Some((_, "mp4")) => (4, at.min(5_000)),
        _ => (0, at.min(10_000)),
    };
    let once = |fault| Script::once(vendor.native(fault));
    let always = |fault| Script::always(vendor.native(fault));
    // Up to three troubles that pass; four tries in a row may bring nothing.
    let passing = |chance: &mut Chance| match chance.below(8) {
        0 => once(Fault::Status(500, None, String::new())),
        1 => once(Fault::SlowDown),
        2 => once(Fault::Cut(at)),
        3 => once(Fault::Reset(at)),
        4 => once(Fault::HeaderGarbage),
        5 => once(Fault::Cut(at)).then(once(Fault::IgnoreRange)),
        6 => once(Fault::Cut(at)).then(once(Fault::WrongRange)),
        _ => once(Fault::Delay(5)),
    };
    match chance.below(12) {
        0..=3 => (Script::default(), Serves::Well),
        4 | 5 => {
            let first = passing(chance);
            (first.then(passing(chance)), Serves::Well)
        }
        // A body that is wrong once.
        6 => {
            let fault = match chance.below(5) {
                0 => Fault::Html,
                1 => Fault::Empty,
                2 => Fault::Flip(in_sync),
                3 => Fault::Short(short),
                _ => Fault::Xml,
            };
            (once(fault), Serves::Well)
        }
        7 => (always(Fault::NotFound), Serves::Not),
        8 => {
            let fault = match chance.below(7) {
                0 => Fault::Html,
                1 => Fault::Empty,
                2 => Fault::Flip(in_sync),
                3 => Fault::Short(short),
                4 => Fault::Xml,
                // A fallback that vouches for what it holds is believed: another object there, with the digest
                // of that object, is what was stored.
                5 | 6 if believed == Believed::ForWhatItHolds => Fault::Flip(in_sync),
                5 => Fault::SwapBytes(segment(9)),
                _ => Fault::Swap(other.to_owned()),
            };
            (always(fault), Serves::Not)
        }
        9 => {
            let fault = match chance.below(4) {
                0 => Fault::Status(500, None, String::new()),
                1 => Fault::Cut(0),
                2 => Fault::SlowDown,
                _ => Fault::HeaderGarbage,
            };
            (always(fault), Serves::Not)
        }
        10 => (always(Fault::Slow { bytes_per_sec: 400_000 }), Serves::Well),
        _ => {
            let fault = if chance.below(2) == 0 { Fault::Denied } else { Fault::Archived };
            (always(fault), Serves::Refuses)
        }
    }
}

/// Two places, shared by all scripts of their kinds: each has a recording of its own in them.
struct Places {
    first: Server,
    second: Server,
}

impl Places {
    async fn new(first: Vendor, second: Vendor) -> Self {
        Self { first: Server::start(first, "prod").await, second: Server::start(second, "backup").await }
    }
}

/// Whether the model hears of every fault. One that does not must be contradicted by what comes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Model {
    KnowsAll,
    MissesOneFault,
}

async fn play(places: Arc<Places>, seed: u64, model: Model) {
    let Places { first, second } = &*places;
    let mut chance = Chance(seed.wrapping_mul(7919));
    let form = Form::chosen(&mut chance, first.vendor);
    let (plan, slices, originals) = form.recording(seed);
    let slice_names = plan.slice_names();
    first.put(&originals);
    second.put(&originals);
    let names: Vec<_> = originals.keys().filter(|name| !name.ends_with(".m3u8")).cloned().collect();
    let mut expected = Vec::new();
    // One that is always good: a clock by which the swapped ones are told.
    let always_good = [0, SEGMENTS - 1, 2].map(|n| &slice_names[n]);
    for name in &names {
        let place = slice_names.iter().position(|slice| slice == name).unwrap_or(0);
        let other = format!("{FOLDER}{}", slice_names[(place + 2) % SEGMENTS]);
        let ((script_first, at_first), (script_second, at_second)) = if always_good.contains(&name) {
            ((Script::default(), Serves::Well), (Script::default(), Serves::Well))
        } else {
            let at_first = script(&mut chance, first, name, &other);
            (at_first, script(&mut chance, second, name, &other))
        };
        first.faults.on(name, script_first);
        second.faults.on(name, script_second);
        expected.push(match (at_first, at_second) {
            (Serves::Well, _) | (Serves::Not, Serves::Well) => true,
            (Serves::Refuses, _) | (Serves::Not, Serves::Not | Serves::Refuses) => false,
        });
    }
    if model == Model::MissesOneFault {
        first.faults.on(&names[0], Script::always(Fault::NotFound));
        second.faults.on(&names[0], Script::always(Fault::NotFound));
    }
    // The list of what there is can fail for a while too.
    let unlucky = [Fault::SlowDown, Fault::Cut(40), Fault::Reset(10), Fault::HeaderGarbage, Fault::Empty];
    if chance.below(3) == 0 {
        let fault = unlucky[usize::try_from(chance.below(unlucky.len() as u64)).unwrap()].clone();
        first.faults.on(&plan.playlist_name(), Script::once(first.vendor.native(fault)));
    }
    let mut run = Run::sid(first.store.clone()).with_fallback(second.store.clone());
    run.target = Target::parse(&plan.sid).unwrap();
    // Slices of some 70 kB, whole or in parts.
    if chance.below(2) == 0 {
        run.options.parts = PartsPolicy { from: 20_000, part: 9_000 + chance.below(30_000), at_once: 3 };
    }
    run.options.jobs = 1 + usize::try_from(chance.below(8)).unwrap();
    let join = JoinRequest { to: JoinTo::BesideBag, gaps: Gaps::Refuse, ..JoinRequest::default() };
    match form {
        Form::Slices | Form::WebM | Form::Film => {}
        Form::JoinedBeside => run.join = Some(join),
        Form::KeptJoined => (run.join, run.options.keep) = (Some(join), Keep::Joined),
    }
    let run = run.key_if_web(first.vendor.kind(), &plan);
    let joined = slices.concat();
    let whole = expected.iter().all(|good| *good);
    let (_keep, out) = out();
    let fetched = run.fetched(&out).await;
    let outcome = checked(&fetched, form, &plan, &originals, &joined);
    for (name, expected) in names.iter().zip(&expected) {
        let object = object(&fetched, name);
        assert_eq!(
            object.verdict.is_verified(),
            *expected,
            "{form:?}, {name}: {} after {:?}",
            object.verdict,
            object.failed_tries
        );
    }
    assert_eq!(outcome == Outcome::Complete, whole);
    match &fetched.joined {
        JoinOutcome::NotAsked => {}
        JoinOutcome::Refused(_) => assert!(!whole, "refused although everything is here"),
        JoinOutcome::Done(files) => {
            assert!(whole, "joined although something is missing");
            assert!(std::fs::read(&files[0].path).unwrap() == joined, "the joined file has other bytes");
        }
    }
    // The faults end: what is missing comes, and only that.
    for name in names.iter().chain([&plan.playlist_name()]) {
        first.faults.on(name, Script::default());
        second.faults.on(name, Script::default());
    }
    let asked_before = [first, second].map(|server| server.front.requests().len());
    let fetched = run.fetched(&out).await;
    let outcome = checked(&fetched, form, &plan, &originals, &joined);
    assert_eq!(outcome, Outcome::Complete, "{form:?} after the faults: {:#?}", fetched.report);
    let missing: BTreeSet<_> =
        names.iter().zip(&expected).filter(|(_, good)| !**good).map(|(name, _)| name).collect();
    let asked = [first, second].into_iter().zip(asked_before).flat_map(|(server, n)| server.asked(n));
    let asked: Vec<_> = asked.collect();
    let came: BTreeSet<_> =
        names.iter().filter(|name| asked.iter().any(|path| path.ends_with(*name))).collect();
    assert_eq!(came, missing, "{form:?}: only what was missing comes again");
    for name in originals.keys() {
        first.objects.remove(&format!("{FOLDER}{name}"));
        second.objects.remove(&format!("{FOLDER}{name}"));
    }
}

/// The promises that hold whatever the places did.
fn checked(
    fetched: &Fetched,
    form: Form,
    plan: &Plan,
    originals: &BTreeMap<String, Bytes>,
    joined: &[u8],
) -> Outcome {
    if form != Form::KeptJoined {
        return check(fetched, originals);
    }
    // Of segments nothing has a name but their joined file, and that only once it is whole.
    let outcome = fetched.report.outcome();
    let mut here = payload(&fetched.dir);
    let file = here.remove(&format!("{}.ts", plan.sid));
    assert_eq!(file.is_some(), outcome == Outcome::Complete);
    assert!(file.is_none_or(|file| file == joined), "the joined file has other bytes");
    let playlist = plan.playlist_name();
    assert_eq!(here.keys().collect::<Vec<_>>(), [&playlist]);
    assert!(here[&playlist] == originals[&playlist]);
    assert_eq!(partial(&fetched.dir), Vec::<String>::new(), "nothing unfinished is left");
    let bag = verified(&fetched.dir);
    assert!(bag.is_whole(), "{:?}", bag.damage);
    assert_eq!((bag.exit_code(), fetched.written.exit_code), (outcome.exit_code(), outcome.exit_code()));
    outcome
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_goes_wrong_what_can_be_had_is_had_and_nothing_else_is_called_so() {
    let (scripts, first) = (setting("RECFETCH_FAULT_SCRIPTS", 300), setting("RECFETCH_FAULT_SEED", 1));
    eprintln!(
        "{scripts} fault scripts with seeds from {first} (RECFETCH_FAULT_SCRIPTS, RECFETCH_FAULT_SEED)"
    );
    let mut places = Vec::new();
    for first in FIRST {
        for second in SECOND {
            places.push(Arc::new(Places::new(first, second).await));
        }
    }
    let mut running = tokio::task::JoinSet::new();
    let mut seeds = (first..first + scripts).chain(ONCE_FAILED);
    let mut failed = Vec::new();
    loop {
        while running.len() < 6 {
            let Some(seed) = seeds.next() else { break };
            let places = places[usize::try_from(seed).unwrap() % places.len()].clone();
            let kinds = (places.first.vendor, places.second.vendor);
            let played = tokio::spawn(play(places, seed, Model::KnowsAll));
            running.spawn(async move { (seed, kinds, played.await) });
        }
        let Some(ended) = running.join_next().await else { break };
        let (seed, kinds, played) = ended.unwrap();
        if let Err(error) = played {
            let why = error.into_panic().downcast::<String>().map_or_else(|_| "?".to_owned(), |text| *text);
            failed.push(format!("seed {seed} {kinds:?}: {why}"));
        }
    }
    assert!(failed.is_empty(), "{} of {scripts} scripts:\n{}", failed.len(), failed.join("\n"));
}

#[tokio::test]
async fn a_place_that_does_otherwise_than_the_model_says_is_noticed() {
    let places = Arc::new(Places::new(Vendor::S3Md5, Vendor::Web).await);
    let played = tokio::spawn(play(places.clone(), 3, Model::KnowsAll)).await;
    assert!(played.is_ok(), "seed 3 is a good one");
    let played = tokio::spawn(play(places, 6, Model::MissesOneFault)).await;
    assert!(played.is_err(), "a segment that is nowhere was expected and came");
}
