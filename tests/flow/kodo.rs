//! Recordings at Qiniu, by its own interfaces and by its S3 interface; and at web servers that are a store's.

use std::path::PathBuf;
use std::sync::Arc;

use recfetch::domain::place::SourceName;
use recfetch::domain::report::Outcome;
use recfetch::engine::{Candidate, Fetched, Store, Target};
use recfetch::source::{Credentials, HttpSource, KodoHosts, KodoPlace, Place, Secret};
use recfetch_test_support::kodo::Tags;
use recfetch_test_support::store::Restore;
use recfetch_test_support::web::Plays;
use recfetch_test_support::{
    Fault, Faults, Handle, KodoOptions, Object, Objects, Plan, Script, WebOptions, fault, kodo, web,
};

use crate::kit::*;

/// An offset in the middle of a picture: its flip is invisible without a digest.
const IN_PAYLOAD: u64 = 188 * 40 + 100;

/// A tag of an object that was uploaded in parts of another length.
const FOREIGN: &str = "nieGn00gWdbfwEIHaUpzu4drHeu";

struct Kodo {
    objects: Objects,
    faults: Faults,
    front: Handle,
    _back: Handle,
}

fn options() -> KodoOptions {
    KodoOptions { page_size: 3, ..KodoOptions::new(BUCKET, KEY, SECRET) }
}

impl Kodo {
    async fn of(plan: &Plan, options: KodoOptions) -> Self {
        let objects = Objects::new();
        put(&objects, Kind::Md5, FOLDER, plan.files(&segments(plan.durations_ms.len())));
        let back = kodo::start(&objects, options).await.unwrap();
        let faults = Faults::new().with_objects(&objects);
        let front = fault::start(&back.url(), &faults).await.unwrap();
        Self { objects, faults, front, _back: back }
    }

    fn place(&self, domains: &[&str]) -> KodoPlace {
        let url = self.front.url();
        KodoPlace {
            bucket: BUCKET.to_owned(),
            domains: domains.iter().map(|domain| domain.parse().unwrap()).collect(),
            hosts: KodoHosts { rs: url.clone(), rsf: url.clone(), uc: url },
            credentials: Credentials::Keys {
                access_key: KEY.to_owned(),
                secret_key: Secret::new(SECRET),
                session_token: None,
            },
        }
    }

    async fn fetched(&self, domains: &[&str]) -> (Fetched, tempfile::TempDir) {
        let store = Store::connect(&spec("prod", Place::Kodo(self.place(domains)))).await.unwrap();
        let (keep, out) = out();
        (Run::sid(store).fetched(&out).await, keep)
    }
}

fn change_all(objects: &Objects, plan: &Plan, how: impl Fn(usize, Object) -> Object) {
    for (n, (name, _)) in plan.files(&segments(plan.durations_ms.len())).into_iter().enumerate() {
        objects.change(&format!("{FOLDER}{name}"), |object| how(n, object));
    }
}

fn foreign(n: usize, object: Object) -> Object {
    object.with_etag(&format!("{FOREIGN}{}", char::from(b'a' + u8::try_from(n).unwrap())))
}

/// Verdicts of all slices, each once.
fn verdicts(fetched: &Fetched, plan: &Plan) -> Vec<String> {
    let mut all: Vec<_> = plan.slice_names().iter().map(|name| verdict(object(fetched, name))).collect();
    all.dedup();
    all
}

const BY_QETAG: &str = "verified by the qetag that prod publishes";

#[tokio::test]
async fn a_recording_at_kodo_is_complete_by_its_hashes() {
    let plan = plan(4);
    let stage = Kodo::of(&plan, options()).await;
    let url = stage.front.url();
    for domains in [&[][..], &[url.as_str()]] {
        let (fetched, _keep) = stage.fetched(domains).await;
        assert_eq!(check(&fetched, &originals(&plan)), Outcome::Complete);
        assert_eq!(verdicts(&fetched, &plan), [BY_QETAG]);
    }
    // Where a CDN hides the tags or makes up its own, what was listed still proves the slices.
    for tags in [Tags::Hidden, Tags::MadeUp] {
        let stage = Kodo::of(&plan, KodoOptions { tags, ..options() }).await;
        let (fetched, _keep) = stage.fetched(&[]).await;
        assert_eq!(check(&fetched, &originals(&plan)), Outcome::Complete);
        assert_eq!(verdicts(&fetched, &plan), [BY_QETAG]);
        assert_eq!(findings(&fetched), Vec::<&str>::new());
    }
}

#[tokio::test]
async fn a_wrong_byte_from_kodo_is_corrupt() {
    let plan = plan(4);
    let name = &plan.slice_names()[1];
    for tags in [Tags::Hash, Tags::Hidden, Tags::MadeUp] {
        let stage = Kodo::of(&plan, KodoOptions { tags, ..options() }).await;
        stage.faults.on(name, Script::always(Fault::Flip(IN_PAYLOAD)));
        let (fetched, _keep) = stage.fetched(&[]).await;
        assert_eq!(check(&fetched, &originals(&plan)), Outcome::Corrupt, "{tags:?}");
        assert!(verdict(object(&fetched, name)).starts_with("corrupt from prod: "), "{tags:?}");
        // Once is not always.
        stage.faults.on(name, Script::once(Fault::Flip(IN_PAYLOAD)));
        let (fetched, _keep) = stage.fetched(&[]).await;
        assert_eq!(check(&fetched, &originals(&plan)), Outcome::Complete, "{tags:?}");
    }
}

#[tokio::test]
async fn a_tag_of_an_unknown_form_proves_nothing_and_accuses_nobody() {
    let plan = plan(3);
    let stage = Kodo::of(&plan, options()).await;
    change_all(&stage.objects, &plan, foreign);
    let (fetched, _keep) = stage.fetched(&[]).await;
    assert_eq!(check(&fetched, &originals(&plan)), Outcome::Complete);
    assert_eq!(verdicts(&fetched, &plan), ["verified by structure"]);
}

#[tokio::test]
async fn absent_frozen_throttled_and_cut_are_told_apart_at_kodo() {
    let plan = plan(6);
    let stage = Kodo::of(&plan, options()).await;
    let names = plan.slice_names();
    let status = |code: u16, error: &str| Fault::Status(code, None, format!("{{\"error\":\"{error}\"}}"));
    stage.faults.on(&names[0], Script::always(status(612, "no such file or directory")));
    stage.objects.remove(&format!("{FOLDER}{}", names[1]));
    stage.objects.change(&format!("{FOLDER}{}", names[2]), |object| object.storage_class("archive"));
    stage.faults.on(&names[3], Script::times(status(573, "too many requests"), 2));
    stage.faults.on(&names[4], Script::once(Fault::Cut(9000)).then(Script::once(Fault::Reset(70_000))));
    let (fetched, _keep) = stage.fetched(&[]).await;
    assert_eq!(check(&fetched, &originals(&plan)), Outcome::Frozen);
    let start = |n: usize| verdict(object(&fetched, &names[n]));
    assert_eq!((start(0), start(1)), ("absent in prod".to_owned(), "absent in prod".to_owned()));
    assert!(start(2).starts_with("frozen in prod"), "{}", start(2));
    for n in 3..6 {
        assert_eq!(start(n), BY_QETAG);
    }
    let restored = |object: Object| object.restored(Restore::Until(4_000_000_000));
    stage.objects.change(&format!("{FOLDER}{}", names[2]), restored);
    let (fetched, _keep) = stage.fetched(&[]).await;
    assert_eq!(check(&fetched, &originals(&plan)), Outcome::Incomplete);
}

#[tokio::test]
async fn the_s3_interface_may_give_hashes_too() {
    let plan = plan(3);
    let stage = Stage::of(Kind::Md5, &plan).await;
    let go = async || {
        let (keep, out): (_, PathBuf) = out();
        (Run::sid(stage.store("prod").await).fetched(&out).await, keep)
    };
    change_all(&stage.objects, &plan, |_, object| {
        let qetag = object.qetag();
        object.with_etag(&qetag)
    });
    let (fetched, _keep) = go().await;
    assert_eq!(check(&fetched, &originals(&plan)), Outcome::Complete);
    assert_eq!(verdicts(&fetched, &plan), [BY_QETAG]);

    stage.faults.on(&plan.slice_names()[1], Script::always(Fault::Flip(IN_PAYLOAD)));
    let (fetched, _keep) = go().await;
    assert_eq!(check(&fetched, &originals(&plan)), Outcome::Corrupt);

    stage.faults.on(&plan.slice_names()[1], Script::always(Fault::Pass));
    change_all(&stage.objects, &plan, foreign);
    let (fetched, _keep) = go().await;
    assert_eq!(check(&fetched, &originals(&plan)), Outcome::Complete);
    assert_eq!(verdicts(&fetched, &plan), ["verified by structure"]);
}

#[tokio::test]
async fn a_web_server_that_is_a_store_by_its_headers_is_judged_by_that_stores_digest() {
    let plan = plan(3);
    for (plays, evidence) in [
        (Plays::Nobody, None),
        (Plays::S3, Some("md5")),
        (Plays::Oss, Some("crc64xz")),
        (Plays::Kodo, Some("qetag")),
    ] {
        let objects = Objects::new();
        put(&objects, Kind::Web, FOLDER, plan.files(&segments(3)));
        let back = web::start_with(&objects, WebOptions { plays, ..WebOptions::default() }).await.unwrap();
        let faults = Faults::new().with_objects(&objects);
        let front = fault::start(&back.url(), &faults).await.unwrap();
        let go = async || {
            let url = format!("{}/{FOLDER}{}?sig=x", front.url(), plan.playlist_name());
            let target = Target::parse(&url).unwrap();
            let Target::Url(parsed) = &target else { panic!("a URL") };
            let source = HttpSource::new(SourceName::new("web"), parsed.origin.clone(), &http()).unwrap();
            let source = source.with_presigned(parsed.key.clone(), url.parse().unwrap());
            let store = Store { source: Arc::new(source), prefix: None };
            let (keep, out) = out();
            let run = Run::of(target, vec![Candidate { store, fallbacks: Vec::new() }]);
            (run.fetched(&out).await, keep)
        };
        let (fetched, _keep) = go().await;
        assert_eq!(check(&fetched, &originals(&plan)), Outcome::Complete, "{plays:?}");
        let want = evidence.map_or("verified by structure".to_owned(), |algorithm| {
            format!("verified by the {algorithm} that web publishes")
        });
        assert_eq!(verdicts(&fetched, &plan), [want], "{plays:?}");

        faults.on(&plan.slice_names()[1], Script::always(Fault::Flip(IN_PAYLOAD)));
        let (fetched, _keep) = go().await;
        let corrupt = fetched.report.outcome() == Outcome::Corrupt;
        assert_eq!(corrupt, evidence.is_some(), "{plays:?}: {:?}", fetched.report.outcome());
    }
}

#[tokio::test]
async fn what_was_listed_holds_for_a_fallback_too() {
    let plan = plan(3);
    let stage = Kodo::of(&plan, options()).await;
    let name = &plan.slice_names()[1];
    stage.faults.on(name, Script::always(Fault::NotFound));
    let fallback = Stage::of(Kind::Md5, &plan).await;
    for (holds, expected) in [(1, Outcome::Complete), (2, Outcome::Corrupt)] {
        fallback.objects.put(format!("{FOLDER}{name}"), segment(holds));
        let (_keep, out) = out();
        let place = stage.place(&[]);
        let store = Store::connect(&spec("prod", Place::Kodo(place))).await.unwrap();
        let run = Run::sid(store).with_fallback(fallback.store("backup").await);
        let fetched = run.fetched(&out).await;
        assert_eq!(check(&fetched, &originals(&plan)), expected, "{}", verdict(object(&fetched, name)));
    }
}
