//! Each fault, at each kind of place, with and without a fallback: a table of what must come of it.

use std::sync::Arc;

use recfetch::engine::{Store, Target};
use recfetch_test_support::{Fault, Script};

use crate::kit::*;

/// What must come of the one segment that a fault is played on.
#[derive(Clone, Copy, Debug)]
enum Want {
    /// Verified from its own place, by the evidence of that place.
    Own,
    /// Wrong or not to be had: the start of the verdict, the exit code, and what a fallback changes.
    Bad(&'static str, u8, Then),
}

/// What a good copy at the fallback changes.
#[derive(Clone, Copy, Debug)]
enum Then {
    /// It serves, and its bytes are proven by structure.
    Structure,
    /// It serves, and its bytes are proven by the digest of the first place.
    PrimarysDigest,
    /// It is not asked.
    NotAsked,
}

use Then::{NotAsked, PrimarysDigest, Structure};
use Want::{Bad, Own};

/// A fault, the script that plays it (given the key of another segment), and what must come of it for each
/// kind of place.
type Cell = (&'static str, fn(&str) -> Script, [Want; 3]);

/// An offset in the middle of a picture: its flip is invisible without a digest.
const IN_PAYLOAD: u64 = 188 * 40 + 100;

fn slow_down(retry_after: u64) -> Fault {
    let body = "<?xml version=\"1.0\"?><Error><Code>SlowDown</Code><Message>m</Message></Error>";
    Fault::Status(503, Some(retry_after), body.to_owned())
}

fn cells() -> Vec<Cell> {
    let same = |want: Want| [want; 3];
    let by_digest = |start| Bad(start, 4, PrimarysDigest);
    let seen = |start| Bad(start, 4, Structure);
    let down = Bad("unreachable in prod: unreachable", 5, Structure);
    vec![
        ("absent", |_| Script::always(Fault::NotFound), same(Bad("absent in prod", 3, Structure))),
        ("denied", |_| Script::always(Fault::Denied), same(Bad("denied by prod", 6, NotAsked))),
        ("archived", |_| Script::always(Fault::Archived), same(Bad("frozen in prod", 8, NotAsked))),
        ("500 once", |_| Script::once(Fault::Status(500, None, String::new())), same(Own)),
        (
            "502 and 504",
            |_| {
                Script::once(Fault::Status(502, None, String::new())).then(Script::once(Fault::Status(
                    504,
                    None,
                    String::new(),
                )))
            },
            same(Own),
        ),
        ("500 always", |_| Script::always(Fault::Status(500, None, String::new())), same(down)),
        ("429 twice", |_| Script::times(Fault::Status(429, None, String::new()), 2), same(Own)),
        ("SlowDown with Retry-After", |_| Script::once(slow_down(1)), same(Own)),
        (
            "SlowDown always",
            |_| Script::always(slow_down(0)),
            same(Bad("unreachable in prod: throttled", 5, Structure)),
        ),
        (
            "Retry-After beyond all patience",
            |_| Script::always(slow_down(100_000)),
            same(Bad("unreachable in prod: throttled", 5, Structure)),
        ),
        ("half of it", |_| Script::always(Fault::Short(188 * 150)), same(seen("corrupt from prod"))),
        (
            "a part of a packet",
            |_| Script::always(Fault::Short(188 * 300 + 7)),
            same(seen("corrupt from prod")),
        ),
        ("empty", |_| Script::always(Fault::Empty), same(seen("corrupt from prod: no bytes"))),
        ("a web page", |_| Script::always(Fault::Html), same(seen("corrupt from prod"))),
        ("an XML document", |_| Script::always(Fault::Xml), same(seen("corrupt from prod"))),
        ("a web page once", |_| Script::once(Fault::Html), same(Own)),
        (
            "flipped in the picture",
            |_| Script::always(Fault::Flip(IN_PAYLOAD)),
            [by_digest("corrupt from prod: md5:"), by_digest("corrupt from prod: crc64nvme:"), Own],
        ),
        ("flipped once", |_| Script::once(Fault::Flip(188 * 40)), same(Own)),
        (
            "flipped sync byte",
            |_| Script::always(Fault::Flip(188 * 40)),
            [
                by_digest("corrupt from prod: md5:"),
                by_digest("corrupt from prod: crc64nvme:"),
                seen("corrupt from prod: 1 packets without the sync byte"),
            ],
        ),
        (
            "flipped program table",
            |_| Script::always(Fault::Flip(12)),
            [
                by_digest("corrupt from prod: md5:"),
                by_digest("corrupt from prod: crc64nvme:"),
                seen("corrupt from prod: 1 breaks inside the stream"),
            ],
        ),
        (
            "swapped with another segment",
            |other| Script::always(Fault::Swap(other.to_owned())),
            same(seen("corrupt from prod: the same bytes as")),
        ),
        ("swapped once", |other| Script::once(Fault::Swap(other.to_owned())), same(Own)),
        (
            "swapped with a stranger",
            |_| Script::always(Fault::SwapBytes(segment(9))),
            same(seen("corrupt from prod: its time stamps")),
        ),
        ("cut once", |_| Script::once(Fault::Cut(10_000)), same(Own)),
        ("cut again and again", |_| Script::always(Fault::Cut(5_000)), same(Own)),
        ("cut before the first byte", |_| Script::always(Fault::Cut(0)), same(down)),
        ("reset", |_| Script::once(Fault::Reset(10_000)), same(Own)),
        ("reset always", |_| Script::always(Fault::Reset(0)), same(down)),
        ("stalled once", |_| Script::once(Fault::Stall(10_000)), same(Own)),
        ("stalled always", |_| Script::always(Fault::Stall(0)), same(down)),
        (
            "Range ignored",
            |_| Script::once(Fault::Cut(10_000)).then(Script::always(Fault::IgnoreRange)),
            same(Own),
        ),
        (
            "wrong Content-Range",
            |_| Script::once(Fault::Cut(10_000)).then(Script::once(Fault::WrongRange)),
            same(Own),
        ),
        (
            "changed while it was read",
            |_| Script::once(Fault::Cut(10_000)).then(Script::once(Fault::ChangeEtag)),
            same(Own),
        ),
        ("changed each time", |_| Script::always(Fault::ChangeEtag), same(seen("corrupt from prod"))),
        (
            "redirect to the right object",
            |_| Script::always(Fault::Redirect(String::new(), 302)),
            [
                Bad("unreachable in prod: unexpected", 3, Structure),
                Bad("unreachable in prod: unexpected", 3, Structure),
                Own,
            ],
        ),
        (
            "redirect in a circle",
            |_| Script::always(Fault::Redirect(String::new(), 302)),
            same(Bad("unreachable in prod: unexpected", 3, Structure)),
        ),
        (
            "redirect to a file",
            |_| Script::always(Fault::Redirect("file:///etc/passwd".to_owned(), 302)),
            same(Bad("unreachable in prod: unexpected", 3, Structure)),
        ),
        ("slow", |_| Script::always(Fault::Slow { bytes_per_sec: 200_000 }), same(Own)),
        ("late", |_| Script::once(Fault::Delay(100)), same(Own)),
        ("no length", |_| Script::always(Fault::NoLength), same(Own)),
        ("chunked", |_| Script::always(Fault::Chunked), same(Own)),
        ("no HTTP at all once", |_| Script::once(Fault::HeaderGarbage), same(Own)),
        ("no HTTP at all", |_| Script::always(Fault::HeaderGarbage), same(down)),
        (
            "204 without a body",
            |_| Script::always(Fault::Status(204, None, String::new())),
            same(Bad("unreachable in prod: unexpected", 3, Structure)),
        ),
    ]
}

/// Servers for all cells of a kind: each cell has a recording of its own there.
struct Places {
    kind: Kind,
    stage: Stage,
    backup: Stage,
    prod_store: Store,
    backup_store: Store,
}

impl Places {
    async fn new(kind: Kind) -> Self {
        let (stage, backup) = (Stage::new(kind).await, Stage::new(Kind::Web).await);
        let (prod_store, backup_store) = (stage.store("prod").await, backup.store("backup").await);
        Self { kind, stage, backup, prod_store, backup_store }
    }

    /// The script of a cell, once the ports are known.
    fn script(&self, fault: &str, script: fn(&str) -> Script, names: &[String]) -> Script {
        let path = format!("{FOLDER}{}", names[2]);
        let to = |url: String| Script::always(Fault::Redirect(format!("{url}/{path}"), 302));
        match fault {
            "redirect to the right object" => to(self.stage.back.url()),
            "redirect in a circle" => to(self.stage.front.url()),
            _ => script(&format!("{FOLDER}{}", names[4])),
        }
    }
}

async fn play(places: Arc<Places>, with_fallback: bool, number: usize, (fault, script, wants): Cell) {
    let Places { kind, stage, backup, .. } = &*places;
    let what = format!("{fault}, {kind:?}, fallback: {with_fallback}");
    let mut plan = plan(6);
    plan.sid = format!("{:031x}{}", number + 1, u8::from(with_fallback));
    let names = plan.slice_names();
    for (kind, objects) in [(*kind, &stage.objects), (Kind::Web, &backup.objects)] {
        put(objects, kind, FOLDER, plan.files(&segments(6)));
    }
    let name = &names[2];
    stage.faults.on(name, places.script(fault, script, &names));
    let mut run = Run::sid(places.prod_store.clone());
    run.target = Target::parse(&plan.sid).unwrap();
    run = run.key_if_web(*kind, &plan);
    if with_fallback {
        run = run.with_fallback(places.backup_store.clone());
    }
    let (_keep, out) = out();
    let fetched = run.fetched(&out).await;

    let segment = object(&fetched, name);
    let want = wants[match kind {
        Kind::Md5 => 0,
        Kind::Crc => 1,
        Kind::Web => 2,
    }];
    let verified = |evidence: &str| format!("verified by {evidence}");
    let (text, code, from) = match (want, with_fallback) {
        (Own, _) => (verified(kind.evidence()), 0, Some("prod")),
        (Bad(_, _, Structure), true) => (verified("structure"), 0, Some("backup")),
        (Bad(_, _, PrimarysDigest), true) => (verified(kind.evidence()), 0, Some("backup")),
        (Bad(text, code, _), _) => (text.to_owned(), code, None),
    };
    assert!(verdict(segment).starts_with(&text), "{what}: {} is not {text}", verdict(segment));
    assert_eq!(segment.from.as_ref().map(|from| from.as_str()), from, "{what}");
    let mut originals = originals(&plan);
    if fault == "flipped in the picture" && *kind == Kind::Web {
        // The limit of structure: it is called that, and nothing better.
        let mut flipped = originals[name].to_vec();
        flipped[usize::try_from(IN_PAYLOAD).unwrap()] ^= 1;
        originals.insert(name.clone(), flipped.into());
    }
    assert_eq!(check(&fetched, &originals).exit_code(), code, "{what}: {:?}", fetched.report.findings);
    let whole = fetched.report.segments().filter(|s| s.verdict.is_verified()).count();
    assert_eq!(whole, 5 + usize::from(code == 0), "{what}");
    let asked_backup = backup.front.requests().iter().filter(|r| r.path.contains(&plan.sid)).count();
    match (want, with_fallback) {
        (Bad(_, _, Structure | PrimarysDigest), true) => assert!(asked_backup > 0, "{what}"),
        (Own | Bad(..), _) => assert_eq!(asked_backup, 0, "{what}"),
    }
    // One bad object costs no other object anything.
    for other in [&names[0], &names[1], &names[3], &names[5]] {
        let tries = &object(&fetched, other).failed_tries;
        assert_eq!(stage.front.gets(other), 1, "{what}: {other}: {tries:?}");
    }
}

async fn all(kind: Kind) {
    let places = Arc::new(Places::new(kind).await);
    let mut failed = Vec::new();
    let cells = || cells().into_iter().enumerate();
    let mut queue = cells().map(|cell| (true, cell)).chain(cells().map(|cell| (false, cell)));
    let mut running = tokio::task::JoinSet::new();
    loop {
        while running.len() < 6 {
            let Some((with_fallback, (number, cell))) = queue.next() else { break };
            running.spawn(play(places.clone(), with_fallback, number, cell));
        }
        let Some(ended) = running.join_next().await else { break };
        if let Err(error) = ended {
            let text = error.into_panic().downcast::<String>();
            failed.push(text.map_or_else(|_| "another panic".to_owned(), |text| *text));
        }
    }
    assert!(failed.is_empty(), "{} cells:\n{}", failed.len(), failed.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_fault_of_a_bucket_with_md5_etags_has_its_verdict() {
    all(Kind::Md5).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_fault_of_a_bucket_with_crc64nvme_has_its_verdict() {
    all(Kind::Crc).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_fault_of_a_web_server_has_its_verdict() {
    all(Kind::Web).await;
}
