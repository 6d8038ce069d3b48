//! Archived recordings: restores are asked for once, waited for, and what comes back is fetched.

use std::sync::Arc;
use std::time::Duration;

use recfetch::domain::key::KeyPrefix;
use recfetch::domain::place::SourceName;
use recfetch::domain::report::Outcome;
use recfetch::domain::thaw::{Days, RestoreRequest, Tier};
use recfetch::domain::verdict::Verdict;
use recfetch::engine::{
    AfterDenial, Fetched, Found, LocateError, MirrorOptions, MirrorTarget, Store, ThawFor, ThawOptions,
    Thawed, WaitOptions,
};
use recfetch::source::{
    Credentials, DirSource, KodoHosts, KodoPlace, OssAddressing, OssPlace, OssSignature, Place, Secret,
};
use recfetch_test_support::oss::{self, OssOptions};
use recfetch_test_support::s3::Permission;
use recfetch_test_support::store::Restore;
use recfetch_test_support::thaw::Answer;
use recfetch_test_support::{Handle, Keys, KodoOptions, Objects, Plan, S3Options, kodo, s3};

use crate::kit::*;

const COUNT: usize = 5;

/// A bucket with archives: one of the three interfaces.
struct Depot {
    plan: Plan,
    objects: Objects,
    server: Handle,
    place: Place,
}

#[derive(Clone, Copy, Debug)]
enum Vendor {
    S3,
    Oss,
    Kodo,
}

impl Vendor {
    const ALL: [Self; 3] = [Self::S3, Self::Oss, Self::Kodo];

    /// A class, and the tier that is named to it.
    fn class(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::S3 => ("GLACIER", Some("Bulk")),
            Self::Oss => ("ColdArchive", Some("Bulk")),
            Self::Kodo => ("archive", None),
        }
    }
}

impl Depot {
    async fn of(vendor: Vendor) -> Self {
        Self::with(vendor, Permission::Allowed, Permission::Denied).await
    }

    async fn with(vendor: Vendor, may_restore: Permission, direct_reading: Permission) -> Self {
        let (plan, objects) = (plan(COUNT), Objects::new());
        put(&objects, Kind::Md5, FOLDER, plan.files(&segments(COUNT)));
        let mut keys = Keys::new(KEY, SECRET);
        keys.restore = may_restore;
        let credentials = Credentials::Keys {
            access_key: KEY.to_owned(),
            secret_key: Secret::new(SECRET),
            session_token: None,
        };
        let (server, place) = match vendor {
            Vendor::S3 => {
                let server = s3::start(&objects, S3Options::new(BUCKET, keys)).await.unwrap();
                let place = Place::S3(s3_place(&server.url(), KEY, SECRET));
                (server, place)
            }
            Vendor::Oss => {
                let options = OssOptions { direct_reading, ..OssOptions::new(BUCKET, keys) };
                let server = oss::start(&objects, options).await.unwrap();
                let place = OssPlace {
                    region: "cn-hangzhou".to_owned(),
                    bucket: BUCKET.to_owned(),
                    endpoint: server.url(),
                    addressing: OssAddressing::Path,
                    signature: OssSignature::V4,
                    credentials,
                };
                (server, Place::Oss(place))
            }
            Vendor::Kodo => {
                let server = kodo::start(&objects, KodoOptions::new(BUCKET, KEY, SECRET)).await.unwrap();
                let url = server.url();
                let hosts = KodoHosts { rs: url.clone(), rsf: url.clone(), uc: url };
                let place = KodoPlace { bucket: BUCKET.to_owned(), domains: Vec::new(), hosts, credentials };
                (server, Place::Kodo(place))
            }
        };
        Self { plan, objects, server, place }
    }

    fn slice(&self, n: usize) -> String {
        format!("{FOLDER}{}", self.plan.slice_names()[n])
    }

    fn archive(&self, keys: &[String], class: &str) {
        for key in keys {
            self.objects.change(key, |object| object.storage_class(class));
        }
    }

    async fn store(&self) -> Store {
        Store::connect(&spec("prod", self.place.clone())).await.unwrap()
    }

    async fn run(&self) -> Run {
        Run::sid(self.store().await)
    }

    /// Keys that were asked for and what was answered, sorted.
    fn asks(&self) -> Vec<(String, Answer)> {
        let mut asks: Vec<_> =
            self.objects.thaws.take_asks().into_iter().map(|ask| (ask.key, ask.answer)).collect();
        asks.sort_by(|a, b| a.0.cmp(&b.0));
        asks
    }
}

fn begun(keys: &[String]) -> Vec<(String, Answer)> {
    let mut all: Vec<_> = keys.iter().map(|key| (key.clone(), Answer::Begun)).collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}

fn days() -> Days {
    Days::new(5).unwrap()
}

/// Asks, and does not wait.
fn ask_only() -> ThawOptions {
    ThawOptions { request: RestoreRequest { tier: Tier::Bulk, days: days() }, wait: None }
}

fn waiting(until: Duration) -> ThawOptions {
    let wait = WaitOptions {
        until,
        first_pause: Duration::from_millis(40),
        longest_pause: Duration::from_millis(150),
    };
    ThawOptions { wait: Some(wait), ..ask_only() }
}

/// As a command does it: asks, waits where told so, looks again where lists came back, and fetches.
async fn thawed(run: &Run, options: &ThawOptions, out: &std::path::Path) -> (Fetched, Thawed) {
    let fetcher = run.fetcher();
    let both = async {
        let locate =
            async || -> Found { fetcher.locate(&run.target, &run.candidates, &run.query).await.unwrap() };
        let mut found = locate().await;
        let mut all = Thawed::default();
        loop {
            let now = fetcher.thaw(&mut found, ThawFor::Folder(out), options).await.unwrap();
            let again = now.look_again;
            all = all.then(now);
            if !again {
                break;
            }
            found = locate().await;
        }
        (fetcher.fetch(found, out, run.join.as_ref()).await.unwrap(), all)
    };
    tokio::time::timeout(Duration::from_secs(30), both).await.expect("it ends by itself")
}

#[tokio::test]
async fn what_is_archived_is_asked_for_once_and_fetched_when_it_is_back() {
    for vendor in Vendor::ALL {
        let depot = Depot::of(vendor).await;
        let (class, tier) = vendor.class();
        let cold = [depot.slice(1), depot.slice(3)];
        depot.archive(&cold, class);
        let run = depot.run().await;
        let (_keep, out) = out();

        // Without being told so, nothing is asked for.
        let fetched = run.fetched(&out).await;
        assert_eq!(check(&fetched, &originals(&depot.plan)), Outcome::Frozen, "{vendor:?}");
        assert_eq!(depot.asks(), []);

        let (fetched, said) = thawed(&run, &ask_only(), &out).await;
        assert_eq!(check(&fetched, &originals(&depot.plan)).exit_code(), 8, "{vendor:?}");
        assert_eq!((said.asked, said.frozen, said.back, said.refused), (2, 2, 0, 0), "{vendor:?}");
        assert!(said.within.is_some(), "{vendor:?}");
        for ask in depot.objects.thaws.take_asks() {
            assert_eq!((ask.tier.as_deref(), ask.days, ask.answer), (tier, Some(5), Answer::Begun));
            assert!(cold.contains(&ask.key), "{}", ask.key);
        }

        let (fetched, said) = thawed(&run, &ask_only(), &out).await;
        assert_eq!(check(&fetched, &originals(&depot.plan)), Outcome::Frozen, "{vendor:?}");
        assert_eq!((said.asked, said.under_way, said.frozen), (0, 2, 2), "{vendor:?}");
        assert_eq!(depot.asks(), [], "what is under way is not asked for again");

        // One comes back, then the other.
        let back = Restore::Until(4_000_000_000);
        depot.objects.change(&cold[0], |object| object.restored(back.clone()));
        let (fetched, said) = thawed(&run, &ask_only(), &out).await;
        assert_eq!(check(&fetched, &originals(&depot.plan)), Outcome::Frozen, "{vendor:?}");
        assert_eq!((said.asked, said.under_way, said.back, said.frozen), (0, 1, 1, 1), "{vendor:?}");
        depot.objects.change(&cold[1], |object| object.restored(back));
        let (fetched, said) = thawed(&run, &ask_only(), &out).await;
        assert_eq!(check(&fetched, &originals(&depot.plan)), Outcome::Complete, "{vendor:?}");
        // The first is here by now, so that nobody looks at it.
        assert_eq!((said.asked, said.back, said.frozen), (0, 1, 0), "{vendor:?}");
        assert_eq!(depot.asks(), []);

        let (_, said) = thawed(&run, &ask_only(), &out).await;
        assert!(said.is_nothing(), "{vendor:?}: {said:?}");
    }
}

#[tokio::test]
async fn what_cannot_be_read_yet_is_not_requested() {
    let depot = Depot::of(Vendor::S3).await;
    let cold = [depot.slice(0), depot.slice(4)];
    depot.archive(&cold, "DEEP_ARCHIVE");
    let (_keep, out) = out();
    let (_, said) = thawed(&depot.run().await, &ask_only(), &out).await;
    assert_eq!((said.asked, said.within), (2, Some(Duration::from_secs(48 * 3600))));
    let gets = depot.server.requests().into_iter().filter(|r| r.method == "GET" && r.status == 403).count();
    // One of the class is tried before its restore is paid for.
    assert_eq!(gets, 1);
}

#[tokio::test]
async fn waiting_brings_everything_home_in_one_go() {
    for vendor in Vendor::ALL {
        let depot = Depot::of(vendor).await;
        let cold: Vec<_> = (0..COUNT).map(|n| depot.slice(n)).collect();
        depot.archive(&cold, vendor.class().0);
        depot.objects.thaws.take(Duration::from_millis(400));
        let (_keep, out) = out();
        let (fetched, said) = thawed(&depot.run().await, &waiting(Duration::from_secs(20)), &out).await;
        assert_eq!(check(&fetched, &originals(&depot.plan)), Outcome::Complete, "{vendor:?}");
        assert_eq!((said.asked, said.back, said.frozen), (COUNT, COUNT, 0), "{vendor:?}");
        assert_eq!(depot.asks(), begun(&cold), "{vendor:?}");
    }
}

#[tokio::test]
async fn an_archived_playlist_comes_back_together_with_its_slices() {
    for vendor in Vendor::ALL {
        let depot = Depot::of(vendor).await;
        let cold = depot.objects.keys();
        depot.archive(&cold, vendor.class().0);
        let (_keep, out) = out();

        // All in one go, although nobody can know yet what the playlist lists.
        let (fetched, said) = thawed(&depot.run().await, &ask_only(), &out).await;
        assert_eq!(fetched.report.outcome(), Outcome::Frozen, "{vendor:?}");
        assert_eq!((said.asked, said.frozen), (cold.len(), cold.len()), "{vendor:?}");
        assert_eq!(depot.asks(), begun(&cold), "{vendor:?}");

        let depot = Depot::of(vendor).await;
        depot.archive(&cold, vendor.class().0);
        depot.objects.thaws.take(Duration::from_millis(400));
        let (fetched, said) = thawed(&depot.run().await, &waiting(Duration::from_secs(20)), &out).await;
        assert_eq!(check(&fetched, &originals(&depot.plan)), Outcome::Complete, "{vendor:?}");
        assert_eq!((said.asked, said.frozen), (cold.len(), 0), "{vendor:?}");
        assert_eq!(depot.asks(), begun(&cold), "{vendor:?}");
    }
}

#[tokio::test]
async fn a_deadline_ends_the_wait_and_a_later_run_goes_on() {
    let depot = Depot::of(Vendor::Oss).await;
    let cold = [depot.slice(2)];
    depot.archive(&cold, "DeepColdArchive");
    depot.objects.thaws.take(Duration::from_millis(1200));
    let run = depot.run().await;
    let (_keep, out) = out();
    let options = |until| ThawOptions {
        request: RestoreRequest { tier: Tier::Standard, days: days() },
        ..waiting(until)
    };
    let (fetched, said) = thawed(&run, &options(Duration::from_millis(300)), &out).await;
    assert_eq!(check(&fetched, &originals(&depot.plan)).exit_code(), 8);
    assert_eq!((said.asked, said.frozen), (1, 1));
    let (fetched, said) = thawed(&run, &options(Duration::from_secs(20)), &out).await;
    assert_eq!(check(&fetched, &originals(&depot.plan)), Outcome::Complete);
    assert_eq!((said.asked, said.under_way, said.frozen), (0, 1, 0));
    assert_eq!(depot.asks(), begun(&cold));
}

#[tokio::test]
async fn whoever_may_not_restore_is_denied_and_not_frozen() {
    for vendor in [Vendor::S3, Vendor::Oss] {
        let depot = Depot::with(vendor, Permission::Denied, Permission::Denied).await;
        let cold = [depot.slice(0), depot.slice(1), depot.slice(2)];
        depot.archive(&cold, vendor.class().0);
        let (_keep, out) = out();
        for options in [ask_only(), waiting(Duration::from_secs(20))] {
            let (fetched, said) = thawed(&depot.run().await, &options, &out).await;
            assert_eq!(check(&fetched, &originals(&depot.plan)).exit_code(), 6, "{vendor:?}");
            assert_eq!((said.asked, said.refused, said.frozen), (0, 3, 0), "{vendor:?}");
            let slice = object(&fetched, &depot.plan.slice_names()[1]);
            let why = &slice.failed_tries.last().unwrap().why;
            assert!(why.starts_with("could not have the store restore"), "{why}");
        }
        let asked = depot.server.requests().into_iter().filter(|r| r.method == "POST").count();
        assert_eq!(asked, 2, "{vendor:?}: one refusal is enough in each run");
    }
}

#[tokio::test]
async fn what_was_restored_and_is_archived_again_is_asked_for_again() {
    let depot = Depot::of(Vendor::S3).await;
    let cold = [depot.slice(2)];
    depot.archive(&cold, "GLACIER");
    depot.objects.thaws.take(Duration::ZERO);
    depot.objects.thaws.keep(Duration::ZERO);
    let run = depot.run().await;
    let (_keep, out) = out();
    for _ in 0..2 {
        let (fetched, said) = thawed(&run, &ask_only(), &out).await;
        assert_eq!(check(&fetched, &originals(&depot.plan)), Outcome::Frozen);
        assert_eq!(said.asked, 1);
        assert_eq!(depot.asks(), begun(&cold));
    }
    depot.objects.thaws.keep(Duration::from_secs(60));
    let (fetched, _) = thawed(&run, &waiting(Duration::from_secs(20)), &out).await;
    assert_eq!(check(&fetched, &originals(&depot.plan)), Outcome::Complete);
}

#[tokio::test]
async fn classes_that_are_read_at_once_are_not_asked_for() {
    for (vendor, class) in [
        (Vendor::S3, "GLACIER_IR"),
        (Vendor::S3, "INTELLIGENT_TIERING"),
        (Vendor::S3, "STANDARD_IA"),
        (Vendor::Oss, "IA"),
        // Where the bucket says so, which only a read shows.
        (Vendor::Oss, "Archive"),
        (Vendor::Kodo, "archive with direct reading"),
    ] {
        let depot = Depot::with(vendor, Permission::Allowed, Permission::Allowed).await;
        depot.archive(&(0..COUNT).map(|n| depot.slice(n)).collect::<Vec<_>>(), class);
        let (_keep, out) = out();
        let (fetched, said) = thawed(&depot.run().await, &ask_only(), &out).await;
        assert_eq!(check(&fetched, &originals(&depot.plan)), Outcome::Complete, "{vendor:?} {class}");
        assert!(said.is_nothing(), "{vendor:?} {class}: {said:?}");
        assert_eq!(depot.asks(), [], "{vendor:?} {class}");
    }
}

#[tokio::test]
async fn a_tier_that_the_class_does_not_have_is_said_and_costs_nothing() {
    let depot = Depot::of(Vendor::S3).await;
    depot.archive(&[depot.slice(2)], "DEEP_ARCHIVE");
    let (_keep, out) = out();
    let request = RestoreRequest { tier: Tier::Expedited, days: days() };
    let (fetched, said) = thawed(&depot.run().await, &ThawOptions { request, wait: None }, &out).await;
    assert_eq!(check(&fetched, &originals(&depot.plan)), Outcome::Frozen);
    let why = said.refusal.unwrap();
    assert!(why.contains("not restored as Expedited, but as Standard or Bulk"), "{why}");
    assert_eq!(depot.asks(), []);
}

#[tokio::test]
async fn a_copy_that_can_be_read_is_better_than_a_restore() {
    let depot = Depot::of(Vendor::S3).await;
    let cold = [depot.slice(1), depot.slice(2)];
    depot.archive(&cold, "GLACIER");
    let fallback = Stage::of(Kind::Md5, &depot.plan).await;
    fallback.objects.remove(&cold[1]);
    for (after, asked) in [(AfterDenial::AskFallback, &cold[1..]), (AfterDenial::Stop, &cold[..1])] {
        let mut run = depot.run().await.with_fallback(fallback.store("backup").await);
        run.options.after_denial = after;
        let (_keep, out) = out();
        let (fetched, said) = thawed(&run, &ask_only(), &out).await;
        assert_eq!(fetched.report.outcome(), Outcome::Frozen, "{after:?}");
        // The second time the other one is under way already.
        assert_eq!((said.asked, depot.asks()), (1, begun(asked)), "{after:?}");
    }
}

#[tokio::test]
async fn a_stop_while_waiting_leaves_what_was_asked_for_under_way() {
    let depot = Depot::of(Vendor::Oss).await;
    let cold = [depot.slice(2)];
    depot.archive(&cold, "ColdArchive");
    let run = depot.run().await;
    let (_keep, out) = out();
    let cancel = run.cancel.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(500)).await;
        cancel.cancel();
    });
    let (fetched, _) = thawed(&run, &waiting(Duration::from_secs(3600)), &out).await;
    assert_eq!(fetched.report.outcome(), Outcome::Interrupted);
    assert_eq!(depot.asks(), begun(&cold));
}

#[tokio::test]
async fn a_mirror_asks_for_what_it_lacks_and_goes_on_when_that_is_back() {
    let depot = Depot::of(Vendor::S3).await;
    let cold = [depot.slice(1), depot.slice(3)];
    depot.archive(&cold, "GLACIER");
    let (_keep, out) = out();
    std::fs::create_dir_all(&out).unwrap();
    let target = Arc::new(DirSource::new(SourceName::new("depot"), &out));
    let target = MirrorTarget::new(target, KeyPrefix::from_parts(["cold"]).unwrap());
    let options = MirrorOptions::default();
    let run = depot.run().await;
    let fetcher = run.fetcher();
    let mirror = async |thaw: ThawOptions| {
        let mut found = fetcher.locate(&run.target, &run.candidates, &run.query).await.unwrap();
        let said = fetcher.thaw(&mut found, ThawFor::Mirror(&target, &options), &thaw).await.unwrap();
        (fetcher.mirror(found, &target, &options).await.unwrap().report.outcome(), said)
    };
    let (outcome, said) = mirror(ask_only()).await;
    assert_eq!((outcome, said.asked, said.frozen), (Outcome::Frozen, 2, 2));
    depot.objects.change(&cold[0], |object| object.restored(Restore::Until(4_000_000_000)));
    let (outcome, said) = mirror(ask_only()).await;
    assert_eq!((outcome, said.asked, said.under_way, said.back), (Outcome::Frozen, 0, 1, 1));
    depot.objects.change(&cold[1], |object| object.restored(Restore::Until(4_000_000_000)));
    let (outcome, said) = mirror(ask_only()).await;
    // The first is there by now.
    assert_eq!((outcome, said.asked, said.back), (Outcome::Complete, 0, 1));
    assert_eq!(depot.asks(), begun(&cold));
}

#[tokio::test]
async fn a_playlist_without_which_nothing_is_known_comes_back_too() {
    let depot = Depot::of(Vendor::Kodo).await;
    let playlist = format!("{FOLDER}{}", depot.plan.playlist_name());
    depot.archive(std::slice::from_ref(&playlist), "archive");
    // The listing shows nothing else.
    let slices: Vec<_> =
        (0..COUNT).map(|n| (depot.slice(n), depot.objects.remove(&depot.slice(n)))).collect();
    let run = depot.run().await;
    let fetcher = run.fetcher();
    let locate = async || fetcher.locate(&run.target, &run.candidates, &run.query).await;
    let Err(LocateError::Playlist { key, verdict: Verdict::Frozen { from, .. }, .. }) = locate().await else {
        panic!("an archived playlist")
    };
    let id = run.target.recording();
    let thaw = async |options| fetcher.thaw_list(&id, &run.candidates, &from, &key, &options).await;
    let said = thaw(ask_only()).await;
    assert_eq!((said.asked, said.frozen, said.look_again), (1, 1, false));
    let said = thaw(waiting(Duration::from_millis(100))).await;
    assert_eq!((said.asked, said.under_way, said.look_again), (0, 1, false));
    depot.objects.change(&playlist, |object| object.restored(Restore::Until(4_000_000_000)));
    assert!(thaw(waiting(Duration::from_secs(20))).await.look_again);
    assert_eq!(depot.asks(), begun(&[playlist]));
    for (key, object) in slices {
        depot.objects.put(key, object.unwrap());
    }
    assert!(locate().await.is_ok());
}

#[tokio::test]
async fn what_is_archived_again_while_others_did_not_come_is_asked_for_again() {
    let depot = Depot::of(Vendor::S3).await;
    let cold = [depot.slice(0), depot.slice(1)];
    depot.archive(&cold, "GLACIER");
    let running = |object: recfetch_test_support::Object| object.restored(Restore::Running);
    cold.iter().for_each(|key| depot.objects.change(key, running));
    let objects = depot.objects.clone();
    objects.thaws.take(Duration::from_millis(50));
    let (first, second) = (cold[0].clone(), cold[1].clone());
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(600)).await;
        objects.change(&first, |object| object.restored(Restore::Never));
        tokio::time::sleep(Duration::from_millis(600)).await;
        objects.change(&second, |object| object.restored(Restore::Until(4_000_000_000)));
    });
    let (_keep, out) = out();
    let (fetched, said) = thawed(&depot.run().await, &waiting(Duration::from_secs(20)), &out).await;
    assert_eq!(check(&fetched, &originals(&depot.plan)), Outcome::Complete);
    assert_eq!((said.asked, said.under_way, said.frozen), (1, 2, 0));
    assert_eq!(depot.asks(), begun(&cold[..1]));
}
