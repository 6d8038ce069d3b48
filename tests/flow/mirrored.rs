//! A mirror as a store that recordings are read from, and as something that is looked after.

use std::path::Path;
use std::sync::Arc;

use recfetch::archive::Damage;
use recfetch::domain::digest::Algorithm;
use recfetch::domain::key::KeyPrefix;
use recfetch::domain::place::Obstacle;
use recfetch::domain::place::SourceName;
use recfetch::domain::recording::RecordingId;
use recfetch::domain::report::Outcome;
use recfetch::engine::{
    Audit, AuditDepth, FetchError, Fetched, LocateError, MirrorLayout, MirrorOptions, Mirrored, ProvenBy,
    Search, Store, estimate,
};
use recfetch::source::DirSource;
use recfetch_test_support::{Fault, Script};

use crate::kit::*;
use crate::mirror::{Brought, Trouble};

fn cold() -> KeyPrefix {
    KeyPrefix::from_parts(["cold"]).unwrap()
}

fn mirror_of(brought: &Brought) -> Store {
    Store { source: brought.depot.clone(), prefix: Some(cold()) }
}

async fn back(brought: &Brought) -> (Outcome, Vec<&'static str>) {
    let (_keep, out) = out();
    let fetched = Run::sid(mirror_of(brought)).fetched(&out).await;
    (fetched.report.outcome(), findings(&fetched))
}

async fn audit_of(store: &Store, depth: AuditDepth) -> Audit {
    let id = RecordingId::parse(SID).unwrap();
    Run::sid(store.clone()).fetcher().audit(store, &id, depth, &|_| ()).await.unwrap()
}

async fn audit(brought: &Brought, depth: AuditDepth) -> Audit {
    audit_of(&mirror_of(brought), depth).await
}

fn file(brought: &Brought, name: &str) -> std::path::PathBuf {
    brought.depot.bag().join("data").join(name)
}

#[tokio::test]
async fn a_mirror_is_read_like_the_store_that_it_came_from_and_its_manifest_vouches_for_each_object() {
    let brought = Brought::new(5).await;
    brought.mirror().await.unwrap();
    for search in [Search::Folder, Search::Bucket] {
        let (_keep, out) = out();
        let mut run = Run::sid(mirror_of(&brought));
        run.query.search = search;
        let fetched = run.fetched(&out).await;
        assert_eq!(check(&fetched, &originals(&plan(5))), Outcome::Complete);
        assert_eq!(findings(&fetched), [] as [&str; 0]);
        for name in plan(5).slice_names() {
            let told = verdict(object(&fetched, &name));
            assert!(told.contains("the sha256 that depot publishes"), "{told}");
        }
        assert!(fetched.written.places[0].description.contains("mirror of"), "{:?}", fetched.written.places);
    }
}

#[tokio::test]
async fn a_mirror_is_asked_where_the_first_store_does_not_have_the_recording() {
    let brought = Brought::new(3).await;
    brought.mirror().await.unwrap();
    let (_keep, empty) = out();
    std::fs::create_dir_all(&empty).unwrap();
    let first = Store { source: Arc::new(DirSource::new(SourceName::new("first"), &empty)), prefix: None };
    let (_keep, out) = out();
    let fetched = Run::sid(first).with_fallback(mirror_of(&brought)).fetched(&out).await;
    assert_eq!(check(&fetched, &originals(&plan(3))), Outcome::Complete);
    assert_eq!(findings(&fetched), ["found-elsewhere"]);
}

#[tokio::test]
async fn a_mirror_without_its_mark_is_never_complete_although_every_object_is_there() {
    let brought = Brought::new(4).await;
    brought.mirror().await.unwrap();
    assert_eq!(back(&brought).await, (Outcome::Complete, vec![]));
    std::fs::remove_file(brought.depot.bag().join("mirror.json")).unwrap();
    assert_eq!(back(&brought).await, (Outcome::Incomplete, vec!["part-of-mirror"]));
}

#[tokio::test]
async fn a_mirror_whose_tag_files_changed_or_that_was_not_whole_is_never_complete() {
    let brought = Brought::new(4).await;
    let name = plan(4).slice_names()[1].clone();
    brought.stage.faults.on(&name, Script::times(Fault::NotFound, 1));
    assert_eq!(brought.mirror().await.unwrap().report.outcome(), Outcome::Incomplete);
    let (outcome, found) = back(&brought).await;
    assert_eq!((outcome, found.contains(&"part-of-mirror")), (Outcome::Incomplete, true));
    brought.mirror().await.unwrap();
    assert_eq!(back(&brought).await, (Outcome::Complete, vec![]));
    for tag in ["manifest-sha256.txt", "tagmanifest-sha256.txt", "report.json"] {
        let path = brought.depot.bag().join(tag);
        let was = std::fs::read(&path).unwrap();
        std::fs::write(&path, [&was[..], b"\n"].concat()).unwrap();
        assert_eq!(back(&brought).await, (Outcome::Incomplete, vec!["part-of-mirror"]), "{tag}");
        std::fs::write(&path, was).unwrap();
    }
    assert_eq!(back(&brought).await, (Outcome::Complete, vec![]));
}

#[tokio::test]
async fn what_changed_in_a_mirror_is_corrupt_by_its_manifest_although_the_store_vouches_for_nothing() {
    let brought = Brought::new(4).await;
    brought.mirror().await.unwrap();
    let name = plan(4).slice_names()[2].clone();
    let mut bytes = std::fs::read(file(&brought, &name)).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(file(&brought, &name), bytes).unwrap();
    assert_eq!(back(&brought).await.0, Outcome::Corrupt);
    std::fs::remove_file(file(&brought, &name)).unwrap();
    assert_eq!(back(&brought).await.0, Outcome::Incomplete);
}

/// The mirror as a bucket keeps it.
async fn in_bucket(brought: &Brought) -> Stage {
    let stage = Stage::new(Kind::Md5).await;
    let files = files_below(&brought.depot.bag());
    let files = files.into_iter().map(|(path, bytes)| (format!("{SID}/{path}"), bytes.into())).collect();
    put(&stage.objects, Kind::Md5, FOLDER, files);
    stage
}

#[tokio::test]
async fn an_audit_rests_on_the_digests_of_the_store_and_reads_nothing_of_the_payload() {
    let brought = Brought::new(4).await;
    brought.mirror().await.unwrap();
    let stage = in_bucket(&brought).await;
    let store = stage.store("bucket").await;
    let whole = audit_of(&store, AuditDepth::Told).await;
    assert_eq!(whole.bag.damage, []);
    let objects = whole.mark.as_ref().unwrap().objects;
    assert_eq!(whole.proven, ProvenBy { digest: objects, ..ProvenBy::default() });
    assert_eq!((whole.is_whole(), whole.exit_code(), whole.bag.files), (true, 0, objects));
    let asked = stage.front.requests();
    assert!(!asked.iter().any(|request| request.method == "GET" && request.path.contains("/data/")));
    // The length stays, and so does everything but the digest that the store has.
    let name = plan(4).slice_names()[1].clone();
    let key = format!("{FOLDER}{SID}/data/{name}");
    let mut bytes = stage.objects.get(&key).unwrap().bytes().to_vec();
    bytes[1000] ^= 1;
    stage.objects.put(key, recfetch_test_support::Object::new(bytes));
    let changed = audit_of(&store, AuditDepth::Told).await;
    let path = format!("data/{name}");
    assert_eq!(changed.bag.damage, [Damage::Digest { path, algorithm: Algorithm::Md5 }]);
    assert_eq!((changed.exit_code(), changed.proven.digest), (4, objects - 1));
}

#[tokio::test]
async fn an_audit_says_what_it_could_compare_by_the_version_or_the_length_only_and_reading_shows_the_rest() {
    let brought = Brought::new(4).await;
    brought.mirror().await.unwrap();
    let whole = audit(&brought, AuditDepth::Told).await;
    let objects = whole.bag.files;
    assert_eq!(whole.proven, ProvenBy { version: objects, ..ProvenBy::default() });
    let name = plan(4).slice_names()[3].clone();
    let mut bytes = std::fs::read(file(&brought, &name)).unwrap();
    bytes[1000] ^= 1;
    std::fs::write(file(&brought, &name), bytes).unwrap();
    let told = audit(&brought, AuditDepth::Told).await;
    assert_eq!(told.proven, ProvenBy { version: objects - 1, length: 1, ..ProvenBy::default() });
    let read = audit(&brought, AuditDepth::Read).await;
    assert_eq!(read.proven, ProvenBy { reading: objects - 1, ..ProvenBy::default() });
    assert!(matches!(&read.bag.damage[..], [Damage::Changed { path, .. }] if path.ends_with(&name)));
    assert_eq!((read.is_whole(), read.exit_code()), (false, 4));
}

#[tokio::test]
async fn an_audit_names_what_is_missing_cut_or_extra_and_a_missing_mark() {
    let brought = Brought::new(5).await;
    brought.mirror().await.unwrap();
    let names = plan(5).slice_names();
    std::fs::remove_file(file(&brought, &names[0])).unwrap();
    let audited = audit(&brought, AuditDepth::Told).await;
    assert_eq!(audited.bag.damage, [Damage::Missing { path: format!("data/{}", names[0]) }]);
    assert_eq!(audited.exit_code(), 3);
    std::fs::write(file(&brought, &names[1]), b"short").unwrap();
    std::fs::write(file(&brought, "foreign.ts"), b"x").unwrap();
    let kinds = |audited: &Audit| audited.bag.damage.iter().map(ToString::to_string).collect::<Vec<_>>();
    let found = kinds(&audit(&brought, AuditDepth::Told).await);
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found.iter().any(|line| line.contains("5 bytes, was")), "{found:?}");
    assert!(found.iter().any(|line| line.starts_with("extra") && line.contains("foreign.ts")), "{found:?}");
    std::fs::remove_file(brought.depot.bag().join("mirror.json")).unwrap();
    let found = kinds(&audit(&brought, AuditDepth::Told).await);
    assert!(found.iter().any(|line| line == "missing  mirror.json"), "{found:?}");
}

#[tokio::test]
async fn an_audit_of_nothing_or_of_changed_tag_files_is_not_whole() {
    let brought = Brought::new(3).await;
    assert_eq!(audit(&brought, AuditDepth::Told).await.exit_code(), 3);
    brought.mirror().await.unwrap();
    for tag in ["report.html", "bag-info.txt", "manifest-sha256.txt"] {
        let path: &Path = &brought.depot.bag().join(tag);
        let was = std::fs::read(path).unwrap();
        std::fs::write(path, [&was[..], b"\n"].concat()).unwrap();
        let audited = audit(&brought, AuditDepth::Told).await;
        assert!(audited.bag.damage.iter().any(|d| matches!(d, Damage::Changed { path, .. } if path == tag)));
        assert_eq!(audited.exit_code(), 4, "{tag}");
        std::fs::write(path, was).unwrap();
    }
    assert_eq!(audit(&brought, AuditDepth::Told).await.exit_code(), 0);
}

fn as_tar() -> MirrorOptions {
    MirrorOptions { layout: MirrorLayout::Tar, ..MirrorOptions::default() }
}

async fn pack(brought: &Brought, fetched: Fetched) -> Result<Mirrored, FetchError> {
    brought.run.fetcher().pack(fetched, &brought.target, &as_tar()).await
}

/// The recording as a tar at the destination, sent in parts.
async fn packed(slices: usize) -> Brought {
    let brought = Brought::with_parts(slices, 64 << 10).await;
    let (_keep, out) = out();
    let fetched = brought.run.fetched(&out).await;
    let mirrored = pack(&brought, fetched).await.unwrap();
    assert_eq!(mirrored.report.outcome(), Outcome::Complete);
    brought
}

#[tokio::test]
async fn a_recording_packed_as_one_tar_unpacks_to_its_bag_and_is_read_back_by_ranges() {
    let brought = packed(5).await;
    let files: Vec<_> = files_below(&brought.depot.bag()).into_keys().collect();
    assert!(files.contains(&"bag.tar".to_owned()) && files.contains(&"bag.tar.tsv".to_owned()), "{files:?}");
    assert!(!files.iter().any(|file| file.starts_with("data/")), "{files:?}");
    let dir = tempfile::tempdir().unwrap();
    let mut tar = std::process::Command::new("tar");
    let tar = tar.arg("-xf").arg(brought.depot.bag().join("bag.tar"));
    assert!(tar.current_dir(dir.path()).status().unwrap().success());
    let unpacked = dir.path().join(SID);
    assert!(verified(&unpacked).is_whole());
    let here = payload(&unpacked);
    for (name, bytes) in originals(&plan(5)) {
        assert_eq!(here.get(&name).map(Vec::as_slice), Some(&*bytes), "{name}");
    }
    assert_eq!(back(&brought).await, (Outcome::Complete, vec![]));
    let objects = here.len();
    let told = audit(&brought, AuditDepth::Told).await;
    assert_eq!(
        (told.bag.damage.clone(), told.proven),
        (vec![], ProvenBy { version: objects, ..ProvenBy::default() })
    );
    let read = audit(&brought, AuditDepth::Read).await;
    assert_eq!((read.exit_code(), read.proven), (0, ProvenBy { reading: objects, ..ProvenBy::default() }));
    let id = RecordingId::parse(SID).unwrap();
    let fetcher = brought.run.fetcher();
    let only = recfetch::domain::only::Only::default();
    let there = fetcher.mirrored(&brought.target, &id, &as_tar(), &only).await.unwrap();
    assert_eq!(there.map(|mark| mark.objects), Some(objects));
    assert_eq!(brought.there().await, None, "as objects it is not there");
    let error = brought.mirror().await.unwrap_err();
    assert!(format!("{error:?}").contains("lies there as a tar"), "{error:?}");
}

#[tokio::test]
async fn a_byte_that_changed_in_a_tar_is_found_by_its_index_and_one_that_is_cut_by_its_length() {
    let brought = packed(4).await;
    let path = brought.depot.bag().join("bag.tar");
    let whole = std::fs::read(&path).unwrap();
    let mut changed = whole.clone();
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    std::fs::write(&path, &changed).unwrap();
    assert_eq!(back(&brought).await.0, Outcome::Corrupt);
    let read = audit(&brought, AuditDepth::Read).await;
    // The tar, and what lies in it at this place.
    assert_eq!((read.exit_code(), read.bag.damage.len(), read.proven.reading), (4, 2, read.bag.files - 1));
    std::fs::write(&path, &whole[..middle]).unwrap();
    let cut = audit(&brought, AuditDepth::Told).await;
    assert!(matches!(cut.bag.damage[..], [Damage::Length { .. }]), "{:?}", cut.bag.damage);
    std::fs::write(&path, &whole).unwrap();
    let index = brought.depot.bag().join("bag.tar.tsv");
    let text = std::fs::read_to_string(&index).unwrap();
    std::fs::write(&index, text.replacen(char::is_numeric, "7", 1)).unwrap();
    let error = Run::sid(mirror_of(&brought)).not_located().await;
    assert!(matches!(error, LocateError::Source { .. }), "there, and not to be read: {error:?}");
    assert!(!audit(&brought, AuditDepth::Told).await.is_whole());
}

#[tokio::test]
async fn a_bag_that_changed_before_it_was_packed_makes_no_tar() {
    let brought = Brought::with_parts(4, 64 << 10).await;
    let (_keep, out) = out();
    let fetched = brought.run.fetched(&out).await;
    let name = plan(4).slice_names()[3].clone();
    let path = fetched.dir.join("data").join(&name);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[77] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let error = pack(&brought, fetched).await.unwrap_err();
    assert!(matches!(error, FetchError::Archive { .. }), "{error:?}");
    let there = files_below(&brought.depot.bag());
    assert!(!there.keys().any(|file| file == "bag.tar" || file == "mirror.json"), "{:?}", there.keys());
}

#[tokio::test]
async fn an_upload_that_dies_leaves_no_mark_and_is_begun_anew_from_the_bag() {
    let brought = Brought::with_parts(4, 64 << 10).await;
    let (_keep, out) = out();
    brought.depot.trouble("bag.tar.tsv", Trouble::Refuse(1000, Obstacle::Unreachable));
    let error = pack(&brought, brought.run.fetched(&out).await).await.unwrap_err();
    assert!(matches!(error, FetchError::Destination { .. }), "{error:?}");
    assert!(!brought.depot.bag().join("mirror.json").exists());
    assert_eq!(audit(&brought, AuditDepth::Told).await.exit_code(), 3);
    brought.depot.heal();
    let before = brought.slices_asked();
    pack(&brought, brought.run.fetched(&out).await).await.unwrap();
    assert_eq!(brought.slices_asked(), before, "what is in the bag is not fetched again");
    assert_eq!(back(&brought).await, (Outcome::Complete, vec![]));
}

#[tokio::test]
async fn an_estimate_is_what_a_first_run_sends_then() {
    let brought = Brought::with_parts(70, 64 << 10).await;
    let fetcher = brought.run.fetcher();
    let find = || fetcher.locate(&brought.run.target, &brought.run.candidates, &brought.run.query);
    let told = estimate(&find().await.unwrap(), &brought.target);
    let [objects, tar] = &told.layouts[..] else { panic!("{told:?}") };
    brought.depot.asked();
    brought.mirror().await.unwrap();
    let asked = brought.depot.asked();
    let number = |what: &str, payload: bool| {
        let of_it = |line: &&String| line.starts_with(what) && line.contains("/data/") == payload;
        asked.iter().filter(of_it).count() as u64
    };
    assert_eq!(number("put ", true), objects.in_class.puts);
    assert_eq!(number("begin ", true), objects.in_class.uploads / 2);
    // The page is longer than these small parts.
    assert_eq!(number("put ", false) + number("begin ", false), objects.beside.puts);
    assert_eq!((number("remove ", false), number("list ", false)), (objects.removals, 1));
    assert_eq!(told.objects, originals(&plan(70)).len() as u64);
    assert_eq!(told.bytes, originals(&plan(70)).values().map(|bytes| bytes.len() as u64).sum::<u64>());
    assert_eq!((tar.in_class.objects, tar.in_class.uploads), (1, 2));
    assert!(tar.in_class.bytes > told.bytes);
}
