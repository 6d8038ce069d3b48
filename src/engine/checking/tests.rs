mod cost;
mod listings;
mod players;
mod surveying;
mod waiting;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use recfetch_test_support::kodo::Access;
use recfetch_test_support::oss::WrongRegion;
use recfetch_test_support::s3::Permission;
use recfetch_test_support::store::Restore as Thawed;
use recfetch_test_support::{
    Fault, Faults, Handle, Keys, KodoOptions, Object, Objects, OssOptions, Plan, S3Options, Script, fault,
    kodo, oss, s3, web,
};

use super::super::{FetchOptions, RetryPolicy, Store};
use super::sightings::{Sightings, gather};

use super::*;
use crate::domain::check::{Listed, PlaylistSeen, PlaylistText, Seen, Version};
use crate::domain::key::{KeyPrefix, ObjectKey};
use crate::domain::object::Restore;
use crate::domain::place::{Denial, Obstacle, SourceName};
use crate::domain::regions::Addressing;
use crate::source::{
    Credentials, HttpOptions, KodoHosts, KodoPlace, OssAddressing, OssPlace, OssSignature, Place, Proxies,
    S3Place, Secret, StoreSpec,
};

const BUCKET: &str = "lessons";
const FOLDER: &str = "school/math/";
const SID: &str = "38f8e3cfdc474cd56fc1ceba380d7e1a";
const KEY: &str = "LTAILOOPBACK";
const SECRET: &str = "loopback-secret";

/// What a store is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Vendor {
    S3,
    Oss,
    Kodo,
    Web,
}

/// How a store is set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keeps {
    /// Everybody with keys may do everything.
    Open,
    /// Keys may read and not list.
    NoListing,
    /// The bucket is in another region, and nobody says in which.
    OtherRegion,
    /// The keys are somebody else's.
    WrongSecret,
    /// There is no such bucket.
    NoBucket,
}

/// A store of a vendor with a fault proxy in front.
struct Stage {
    objects: Objects,
    faults: Faults,
    front: Handle,
    _back: Handle,
    spec: StoreSpec,
}

impl Stage {
    async fn new(vendor: Vendor, keeps: Keeps, name: &str) -> Self {
        let objects = Objects::new();
        let mut keys = Keys::new(KEY, SECRET);
        if keeps == Keeps::NoListing {
            keys.list = Permission::Denied;
        }
        let bucket = if keeps == Keeps::NoBucket { "another" } else { BUCKET };
        let back = match vendor {
            Vendor::S3 => {
                let region = (keeps == Keeps::OtherRegion).then(|| "eu-west-1".to_owned());
                s3::start(&objects, S3Options { region, ..S3Options::new(bucket, keys) }).await.unwrap()
            }
            Vendor::Oss => {
                let region =
                    if keeps == Keeps::OtherRegion { "cn-beijing" } else { "cn-hangzhou" }.to_owned();
                let wrong_region = WrongRegion::Unnamed;
                let options = OssOptions { region, wrong_region, ..OssOptions::new(bucket, keys) };
                oss::start(&objects, options).await.unwrap()
            }
            Vendor::Kodo => {
                // Whoever may not list there is nobody.
                let access = if keeps == Keeps::NoListing { Access::Public } else { Access::Private };
                let options = KodoOptions { access, ..KodoOptions::new(bucket, KEY, SECRET) };
                kodo::start(&objects, options).await.unwrap()
            }
            Vendor::Web => web::start(&objects).await.unwrap(),
        };
        let faults = Faults::new().with_objects(&objects);
        let front = fault::start(&back.url(), &faults).await.unwrap();
        let url = front.url();
        let secret = if keeps == Keeps::WrongSecret { "another" } else { SECRET };
        let credentials = Credentials::Keys {
            access_key: KEY.to_owned(),
            secret_key: Secret::new(secret),
            session_token: None,
        };
        let place = match vendor {
            Vendor::S3 => Place::S3(S3Place {
                label: "S3-compatible".to_owned(),
                region: "us-east-1".to_owned(),
                bucket: BUCKET.to_owned(),
                endpoint: Some(url.clone()),
                addressing: Addressing::Path,
                credentials,
            }),
            Vendor::Oss => Place::Oss(OssPlace {
                region: "cn-hangzhou".to_owned(),
                bucket: BUCKET.to_owned(),
                endpoint: url.clone(),
                addressing: OssAddressing::Path,
                signature: OssSignature::V4,
                credentials,
            }),
            Vendor::Kodo => Place::Kodo(KodoPlace {
                bucket: BUCKET.to_owned(),
                domains: vec![url.parse().unwrap()],
                hosts: KodoHosts { rs: url.clone(), rsf: url.clone(), uc: url.clone() },
                credentials: if keeps == Keeps::NoListing { Credentials::Anonymous } else { credentials },
            }),
            Vendor::Web => Place::Http { url: format!("{url}/").parse().unwrap() },
        };
        let http = HttpOptions {
            connect_timeout: Duration::from_secs(2),
            stall_timeout: Duration::from_millis(700),
            proxies: Proxies::Direct,
        };
        let prefix = Some(KeyPrefix::from_parts([FOLDER]).unwrap());
        let spec = StoreSpec { name: SourceName::new(name), place, prefix, http };
        Self { objects, faults, front, _back: back, spec }
    }

    async fn of(vendor: Vendor, keeps: Keeps, name: &str, plan: &Plan) -> Self {
        let stage = Self::new(vendor, keeps, name).await;
        stage.put(plan);
        stage
    }

    fn put(&self, plan: &Plan) {
        for (name, bytes) in plan.files(&[Bytes::from(vec![0x47; 188 * 4])]) {
            let kind = if name.ends_with(".m3u8") { "application/x-mpegURL" } else { "video/MP2T" };
            self.objects.put(format!("{FOLDER}{name}"), Object::new(bytes).content_type(kind));
        }
    }

    async fn store(&self) -> Store {
        Store::connect(&self.spec).await.unwrap()
    }

    fn remove(&self, name: &str) {
        self.objects.remove(&format!("{FOLDER}{name}")).unwrap();
    }

    fn change(&self, name: &str, how: impl FnOnce(Object) -> Object) {
        self.objects.change(&format!("{FOLDER}{name}"), how);
    }

    fn asked(&self, method: &str) -> usize {
        self.front.requests().iter().filter(|request| request.method == method).count()
    }
}

fn fetcher() -> Fetcher {
    let retry = RetryPolicy {
        tries: 3,
        patience: Duration::from_secs(5),
        first_pause: Duration::from_millis(1),
        longest_pause: Duration::from_millis(5),
    };
    Fetcher::new(FetchOptions { retry, ..FetchOptions::default() }, Arc::new(()), Default::default())
}

/// What was gathered, as text: an object's name without its stem, and what each store said.
struct Gathering {
    objects: BTreeMap<String, Vec<String>>,
    stores: Vec<String>,
    orphans: Vec<(usize, String)>,
    lists: Vec<PlaylistSeen>,
}

impl Gathering {
    fn of(&self, name: &str) -> &[String] {
        self.objects.get(name).map_or(&[], Vec::as_slice)
    }
}

async fn gathered(target: &str, own: &Stage, fallbacks: &[&Stage]) -> Gathering {
    let mut rest = Vec::new();
    for stage in fallbacks {
        rest.push(stage.store().await);
    }
    gathered_in(target, Candidate { store: own.store().await, fallbacks: rest }).await
}

async fn gathered_in(target: &str, candidate: Candidate) -> Gathering {
    gathered_by(&fetcher(), target, candidate).await
}

async fn gathered_by(fetcher: &Fetcher, target: &str, candidate: Candidate) -> Gathering {
    let (context, target) = (&*fetcher.context, Target::parse(target).unwrap());
    let found = fetcher.locate(&target, &[candidate], &LocateQuery::default()).await.unwrap();
    let Sightings { stores, objects, orphans } =
        gather(context, &found, AskFallbacks::Always, &GivenUp::default()).await;
    let words = |seen: &Seen| match seen {
        Seen::There(info) => {
            let restore = match info.restore {
                None => "",
                Some(Restore::UnderWay) => ", under way",
                Some(Restore::Restored { until: None }) => ", restored",
                Some(Restore::Restored { until: Some(_) }) => ", restored until a time",
            };
            let class = info.class.as_ref().map(|class| format!(", {class}")).unwrap_or_default();
            format!("{} bytes{class}{restore}", info.size.map_or("?".to_owned(), |size| size.to_string()))
        }
        Seen::Absent => "absent".to_owned(),
        Seen::Refused(obstacle) => obstacle.to_string(),
    };
    let objects = objects.into_iter().map(|(name, seen)| {
        let seen = seen.iter().map(|sighting| format!("{}: {}", sighting.store, words(&sighting.seen)));
        (name.as_str().to_owned(), seen.collect())
    });
    let stores = stores.iter().map(|store| {
        let listed = match &store.listed {
            Listed::Objects(count) => count.to_string(),
            Listed::ByName => "by name".to_owned(),
            Listed::Failed(obstacle) => obstacle.to_string(),
        };
        format!("{} {:?}: {listed}", store.name, store.role)
    });
    Gathering {
        objects: objects.collect(),
        stores: stores.collect(),
        orphans: orphans.iter().map(|(store, info)| (*store, info.key.as_str().to_owned())).collect(),
        lists: lists::seen(context, &found),
    }
}

fn plan(count: usize) -> Plan {
    Plan::new(&vec![5000; count])
}

fn playlist_key(plan: &Plan) -> String {
    format!("{FOLDER}{}", plan.playlist_name())
}

#[tokio::test]
async fn what_a_listing_shows_is_not_asked_for_again() {
    for vendor in [Vendor::S3, Vendor::Oss, Vendor::Kodo] {
        let plan = plan(5);
        let names = plan.slice_names();
        let stage = Stage::of(vendor, Keeps::Open, "prod", &plan).await;
        stage.remove(&names[1]);
        stage.change(&names[2], |_| Object::new(""));
        let seen = gathered(SID, &stage, &[]).await;
        assert_eq!(seen.stores, ["prod Own: 5"], "{vendor:?}");
        assert_eq!(seen.of(&names[0]), ["0: 752 bytes"]);
        assert_eq!(seen.of(&names[1]), ["0: absent"]);
        assert_eq!(seen.of(&names[2]), ["0: 0 bytes"]);
        assert_eq!(seen.of(&plan.playlist_name()), [format!("0: {} bytes", plan.playlist().len())]);
        assert_eq!((stage.asked("HEAD"), stage.asked("GET")), (0, 5), "{vendor:?}: four lists, one playlist");
    }
}

#[tokio::test]
async fn only_the_archived_are_asked_how_far_their_restore_is() {
    for (vendor, class, until, asked) in [
        (Vendor::S3, "DEEP_ARCHIVE", "restored until a time", 3),
        (Vendor::Oss, "ColdArchive", "restored until a time", 3),
        // The listing tells of restores there.
        (Vendor::Kodo, "archive", "restored", 1),
    ] {
        let plan = plan(4);
        let names = plan.slice_names();
        let stage = Stage::of(vendor, Keeps::Open, "prod", &plan).await;
        let thawed = [Thawed::Never, Thawed::Running, Thawed::Until(4_000_000_000)];
        for (name, restore) in names.iter().zip(thawed) {
            stage.change(name, |object| object.storage_class(class).restored(restore));
        }
        let seen = gathered(SID, &stage, &[]).await;
        assert_eq!(seen.of(&names[0]), [format!("0: 752 bytes, {class}")], "{vendor:?}");
        assert_eq!(seen.of(&names[1]), [format!("0: 752 bytes, {class}, under way")]);
        assert_eq!(seen.of(&names[2]), [format!("0: 752 bytes, {class}, {until}")]);
        assert_eq!(seen.of(&names[3]), ["0: 752 bytes"]);
        assert_eq!(stage.front.requests().len(), 5 + asked, "{vendor:?}");
    }
}

#[tokio::test]
async fn where_nothing_is_listed_each_object_is_asked_for_and_each_answer_is_its_own() {
    for (vendor, keeps, listed) in [
        (Vendor::S3, Keeps::NoListing, "denied: access denied"),
        (Vendor::Oss, Keeps::NoListing, "denied: access denied"),
        (Vendor::Kodo, Keeps::NoListing, "by name"),
        (Vendor::Web, Keeps::Open, "by name"),
    ] {
        let plan = plan(6);
        let names = plan.slice_names();
        let stage = Stage::of(vendor, keeps, "prod", &plan).await;
        stage.remove(&names[1]);
        stage.change(&names[2], |_| Object::new(""));
        stage.faults.on_head(&names[3], Script::always(Fault::Status(403, None, String::new())));
        stage.faults.on_head(&names[4], Script::always(Fault::Status(500, None, String::new())));
        stage.faults.on_head(&names[5], Script::once(Fault::Status(503, None, String::new())));
        let seen = gathered(&playlist_key(&plan), &stage, &[]).await;
        assert_eq!(seen.stores, [format!("prod Own: {listed}")], "{vendor:?}");
        // Where a key may not list, S3 does not tell an absent object from one that it may not see.
        let absent = if vendor == Vendor::S3 { "0: denied: access denied" } else { "0: absent" };
        for (name, expected) in names.iter().zip([
            "0: 752 bytes",
            absent,
            "0: 0 bytes",
            "0: denied: access denied",
            "0: unreachable",
            "0: 752 bytes",
        ]) {
            assert_eq!(seen.of(name), [expected], "{vendor:?} {name}");
        }
    }
}

#[tokio::test]
async fn a_fallback_that_lists_is_compared_and_what_only_it_has_is_told() {
    for vendor in [Vendor::S3, Vendor::Oss, Vendor::Kodo] {
        let (plan, longer) = (plan(3), plan(4));
        let names = longer.slice_names();
        let stage = Stage::of(Vendor::S3, Keeps::Open, "prod", &plan).await;
        let copy = Stage::of(vendor, Keeps::Open, "copy", &longer).await;
        stage.remove(&names[1]);
        copy.remove(&names[0]);
        copy.change(&names[2], |_| Object::new("short"));
        let seen = gathered(SID, &stage, &[&copy]).await;
        assert_eq!(seen.stores, ["prod Own: 3", "copy Fallback: 4"], "{vendor:?}");
        assert_eq!(seen.of(&names[0]), ["0: 752 bytes", "1: absent"]);
        assert_eq!(seen.of(&names[1]), ["0: absent", "1: 752 bytes"]);
        assert_eq!(seen.of(&names[2]), ["0: 752 bytes", "1: 5 bytes"]);
        assert_eq!(seen.of(&names[3]), [""; 0]);
        assert_eq!(seen.orphans, [(1, format!("{FOLDER}{}", names[3]))]);
        assert_eq!((copy.asked("HEAD"), copy.asked("GET")), (0, 4), "{vendor:?}: four lists");
    }
}

#[tokio::test]
async fn a_fallback_that_cannot_list_is_asked_only_for_what_is_lacking() {
    let plan = plan(4);
    let names = plan.slice_names();
    let stage = Stage::of(Vendor::Oss, Keeps::Open, "prod", &plan).await;
    stage.remove(&names[1]);
    stage.change(&names[2], |_| Object::new(""));
    stage.remove(&names[3]);
    let bare = Stage::of(Vendor::Web, Keeps::Open, "web", &plan).await;
    let closed = Stage::of(Vendor::S3, Keeps::NoListing, "closed", &plan).await;
    bare.remove(&names[3]);
    let seen = gathered(SID, &stage, &[&bare, &closed]).await;
    let closed_says = "closed Fallback: denied: access denied";
    assert_eq!(seen.stores, ["prod Own: 3", "web Fallback: by name", closed_says]);
    assert_eq!(seen.of(&names[0]), ["0: 752 bytes"]);
    assert_eq!(seen.of(&names[1]), ["0: absent", "1: 752 bytes", "2: 752 bytes"]);
    assert_eq!(seen.of(&names[2]), ["0: 0 bytes", "1: 752 bytes", "2: 752 bytes"]);
    assert_eq!(seen.of(&names[3]), ["0: absent", "1: absent", "2: 752 bytes"]);
    assert_eq!((bare.asked("HEAD"), closed.asked("HEAD")), (3, 3));
}

#[tokio::test]
async fn a_fallback_that_cannot_be_asked_at_all_is_told_and_asked_once() {
    use Keeps::{NoBucket, Open, OtherRegion, WrongSecret};
    for (vendor, keeps, says) in [
        (Vendor::S3, WrongSecret, "denied: the secret does not fit the access key"),
        (Vendor::Oss, WrongSecret, "denied: the secret does not fit the access key"),
        (Vendor::Kodo, WrongSecret, "denied: the secret does not fit the access key"),
        (Vendor::S3, NoBucket, "no such bucket"),
        (Vendor::Oss, NoBucket, "no such bucket"),
        (Vendor::Kodo, NoBucket, "no such bucket"),
        (Vendor::Oss, OtherRegion, "the bucket is in another region"),
        (Vendor::S3, Open, "unreachable"),
        (Vendor::Oss, Open, "unreachable"),
        (Vendor::Kodo, Open, "unreachable"),
        (Vendor::Web, Open, "unreachable"),
    ] {
        let plan = plan(20);
        let names = plan.slice_names();
        let stage = Stage::of(Vendor::S3, Open, "prod", &plan).await;
        names[..15].iter().for_each(|name| stage.remove(name));
        let broken = Stage::of(vendor, keeps, "copy", &plan).await;
        if keeps == Open {
            broken.faults.on_list(Script::always(Fault::Status(500, None, String::new())));
            broken.faults.on_head("", Script::always(Fault::Status(500, None, String::new())));
            broken.faults.on("", Script::always(Fault::Status(500, None, String::new())));
        }
        let seen = gathered(SID, &stage, &[&broken]).await;
        assert_eq!(seen.stores, ["prod Own: 6".to_owned(), format!("copy Fallback: {says}")], "{vendor:?}");
        for name in &names[..15] {
            assert_eq!(seen.of(name), ["0: absent".to_owned(), format!("1: {says}")], "{vendor:?} {keeps:?}");
        }
        assert_eq!(seen.of(&names[19]), ["0: 752 bytes"]);
        let most = if vendor == Vendor::Web { 15 * 3 } else { 4 * 3 };
        assert!(broken.front.requests().len() <= most, "{vendor:?} {}", broken.front.requests().len());
    }
}

#[tokio::test]
async fn a_bucket_in_another_region_is_followed_there() {
    let plan = plan(2);
    let stage = Stage::of(Vendor::S3, Keeps::OtherRegion, "prod", &plan).await;
    let seen = gathered(SID, &stage, &[]).await;
    assert_eq!(seen.stores, ["prod Own: 3"]);
    assert_eq!(seen.of(&plan.slice_names()[1]), ["0: 752 bytes"]);
}

#[tokio::test]
async fn all_versions_of_a_playlist_are_read_and_say_as_what_they_are_served() {
    for vendor in [Vendor::S3, Vendor::Oss, Vendor::Kodo] {
        let (plan, mut twin, mut failover) = (plan(3), plan(2), plan(1));
        twin.transfer = Some((22_194_679_897, 0));
        failover.failover = Some(0);
        failover.start = "20260920125202485".to_owned();
        let stage = Stage::of(vendor, Keeps::Open, "prod", &plan).await;
        stage.put(&twin);
        stage.put(&failover);
        stage.change(&failover.playlist_name(), |_| Object::new(""));
        let seen = gathered(SID, &stage, &[]).await;
        let mut lists = seen.lists.into_iter();
        let base = lists.next().unwrap();
        assert_eq!(base.info.key.as_str(), playlist_key(&plan));
        assert_eq!((base.version, base.failover), (Version::Chosen, None));
        assert_eq!(base.info.content_type.as_deref(), Some("application/x-mpegURL"), "{vendor:?}");
        let PlaylistText::Read(text) = base.text else { panic!("{:?}", base.text) };
        assert_eq!(text.segments.len(), 3);
        let kept = lists.next().unwrap();
        assert_eq!((kept.version, kept.failover), (Version::Twin, None));
        let PlaylistText::Read(text) = kept.text else { panic!("{:?}", kept.text) };
        assert_eq!(text.segments.len(), 2);
        let second = lists.next().unwrap();
        assert_eq!((second.version, second.failover), (Version::Chosen, Some(0)));
        assert!(matches!(second.text, PlaylistText::Wrong(_)), "{:?}", second.text);
        assert!(lists.next().is_none());
    }
}

#[tokio::test]
async fn a_playlist_that_only_a_fallback_has_is_absent_in_the_recordings_own_store() {
    for vendor in [Vendor::S3, Vendor::Web] {
        let plan = plan(2);
        let stage = Stage::of(Vendor::Oss, Keeps::Open, "prod", &plan).await;
        let copy = Stage::of(vendor, Keeps::Open, "copy", &plan).await;
        stage.remove(&plan.playlist_name());
        let seen = gathered(SID, &stage, &[&copy]).await;
        let there = format!("1: {} bytes", plan.playlist().len());
        assert_eq!(seen.of(&plan.playlist_name()), ["0: absent".to_owned(), there], "{vendor:?}");
        assert!(matches!(seen.lists[0].text, PlaylistText::Read(_)), "{:?}", seen.lists[0]);
    }
}

#[tokio::test]
async fn a_segment_with_a_url_of_its_own_is_asked_for_there() {
    let (stage, host) = (
        Stage::new(Vendor::S3, Keeps::Open, "prod").await,
        Stage::new(Vendor::Web, Keeps::Open, "host").await,
    );
    let mut text = "#EXTM3U\n#EXT-X-TARGETDURATION:5\n".to_owned();
    for name in ["there", "absent", "head", "refused"] {
        text += &format!("#EXTINF:5.0,\n{}/x/{name}.ts?sig=SECRET\n", host.front.url());
        if name != "absent" {
            host.objects.put(format!("x/{name}.ts"), vec![0x47; 188]);
        }
    }
    text += "#EXT-X-ENDLIST\n";
    for name in ["head.ts", "refused.ts"] {
        host.faults.on_head(name, Script::always(Fault::Status(403, None, String::new())));
    }
    host.faults.on("refused.ts", Script::always(Fault::Status(403, None, String::new())));
    stage.objects.put(format!("{FOLDER}{SID}_room.m3u8"), text.into_bytes());
    let options = fetcher().context.options.clone();
    let options = FetchOptions { uris: crate::domain::playlist::UriPolicy::AllowAbsolute, ..options };
    let fetcher = Fetcher::new(options, Arc::new(()), Default::default());
    let candidate = Candidate { store: stage.store().await, fallbacks: Vec::new() };
    let seen = gathered_by(&fetcher, SID, candidate).await;
    assert_eq!(seen.stores, ["prod Own: 1", "127.0.0.1 Fallback: by name"]);
    for (name, expected) in [
        ("there", "1: 188 bytes"),
        ("absent", "1: absent"),
        ("head", "1: 188 bytes"),
        ("refused", "1: denied: access denied"),
    ] {
        let (_, said) =
            seen.objects.iter().find(|(object, _)| object.ends_with(&format!("{name}.ts"))).unwrap();
        assert_eq!(said, &[expected], "{name}");
    }
}
