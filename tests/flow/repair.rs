//! Bags and mirrors that were damaged: only what is damaged comes again, from whoever has it, and nothing is called
//! whole that is not.

use std::path::{Path, PathBuf};

use recfetch::archive::{Hopeless, MarkV1, Mending};
use recfetch::domain::key::KeyPrefix;
use recfetch::domain::recording::RecordingId;
use recfetch::domain::verdict::Verdict;
use recfetch::engine::{AuditDepth, FetchOptions, Keep, MirrorMending, MirrorRepaired, Repaired, Store};
use recfetch_test_support::{Object, Plan};

use crate::kit::*;
use crate::mirror::Brought;

/// A bag of a recording, and the store that it came from.
struct Kept {
    stage: Stage,
    run: Run,
    plan: Plan,
    dir: PathBuf,
    _keep: tempfile::TempDir,
}

impl Kept {
    async fn new(count: usize) -> Self {
        let plan = plan(count);
        let stage = Stage::of(Kind::Md5, &plan).await;
        let run = Run::sid(stage.store("prod").await);
        let (keep, out) = out();
        let dir = run.fetched(&out).await.dir;
        stage.front.forget();
        Self { stage, run, plan, dir, _keep: keep }
    }

    fn name(&self, n: usize) -> String {
        self.plan.slice_names()[n].clone()
    }

    fn file(&self, n: usize) -> PathBuf {
        self.dir.join("data").join(self.name(n))
    }

    async fn repair_from(&self, stores: &[Store]) -> Repaired {
        let mending = Mending::look(&self.dir, &|_| ()).unwrap();
        let (fetcher, stores) = (self.run.fetcher(), stores.to_vec());
        // As a task of its own: whoever calls this may want to.
        let repair = tokio::spawn(async move { fetcher.repair(mending, &stores, |_| ()).await });
        repair.await.unwrap().unwrap()
    }

    async fn repair(&self) -> Repaired {
        self.repair_from(&[self.stage.store("prod").await]).await
    }

    /// Every file of the bag but for what is no part of it.
    fn files(&self) -> std::collections::BTreeMap<String, Vec<u8>> {
        let mut files = files_below(&self.dir);
        files.retain(|path, _| !path.starts_with(".recfetch"));
        files
    }

    fn aside(&self) -> Vec<Vec<u8>> {
        files_below(&self.dir.join(".recfetch/aside")).into_values().collect()
    }

    /// Slices that were asked for.
    fn asked(&self) -> Vec<String> {
        let asked = self.stage.asked();
        asked
            .iter()
            .filter_map(|line| Some(line.strip_prefix("GET ")?.rsplit_once('/')?.1.to_owned()))
            .collect()
    }
}

fn flip(path: &Path) -> Vec<u8> {
    let mut bytes = std::fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(path, &bytes).unwrap();
    bytes
}

fn mended(repaired: &Repaired) -> Vec<(&str, Option<&str>)> {
    repaired
        .mended
        .iter()
        .map(|one| (one.path.as_str(), one.from.as_ref().map(|from| from.as_str())))
        .collect()
}

#[tokio::test]
async fn what_is_flipped_gone_or_cut_is_put_back_and_nothing_else_is_asked_for() {
    let kept = Kept::new(6).await;
    let was = kept.files();
    let flipped = flip(&kept.file(1));
    std::fs::remove_file(kept.file(3)).unwrap();
    std::fs::write(kept.file(4), &segment(4)[..1000]).unwrap();
    assert_eq!(verified(&kept.dir).exit_code(), 4);

    let repaired = kept.repair().await;
    assert_eq!((repaired.exit_code(), repaired.failed.len(), repaired.hopeless.len()), (0, 0, 0));
    let names = [kept.name(1), kept.name(3), kept.name(4)];
    let paths: Vec<_> = names.iter().map(|name| format!("data/{name}")).collect();
    let expected: Vec<_> = paths.iter().map(|path| (path.as_str(), Some("prod"))).collect();
    assert_eq!(mended(&repaired), expected);
    let mut asked = kept.asked();
    asked.sort();
    assert_eq!(asked, names);
    // The bag is what it was, byte for byte, and what was damaged is not thrown away.
    assert_eq!(kept.files(), was);
    assert!(verified(&kept.dir).is_whole());
    assert_eq!(partial(&kept.dir), Vec::<String>::new());
    let aside = kept.aside();
    assert_eq!((aside.len(), aside.contains(&flipped)), (2, true));

    kept.stage.front.forget();
    let again = kept.repair().await;
    assert_eq!((again.exit_code(), again.mended.len()), (0, 0));
    assert_eq!(kept.stage.asked(), Vec::<String>::new());
    // A rerun of the fetch finds nothing to do either.
    kept.run.fetched(kept.dir.parent().unwrap()).await;
    assert!(!kept.asked().iter().any(|name| names.contains(name)));
}

#[tokio::test]
async fn looking_writes_nothing_and_asks_nobody() {
    let kept = Kept::new(3).await;
    flip(&kept.file(1));
    std::fs::remove_dir_all(kept.dir.join(".recfetch")).unwrap();
    let before = files_below(&kept.dir);
    let mending = Mending::look(&kept.dir, &|_| ()).unwrap();
    let lost: Vec<_> = mending.lost.iter().map(|lost| lost.name.as_str().to_owned()).collect();
    assert_eq!((lost, mending.is_idle()), (vec![kept.name(1)], false));
    assert_eq!(files_below(&kept.dir), before);
    assert_eq!(kept.stage.asked(), Vec::<String>::new());
    // Without the journal it is repaired all the same.
    assert_eq!(kept.repair().await.exit_code(), 0);
}

#[tokio::test]
async fn a_store_with_other_bytes_repairs_nothing_although_it_vouches_for_them() {
    let kept = Kept::new(4).await;
    let damaged = flip(&kept.file(2));
    // Whole media, as long as the right ones, with a digest of their own.
    kept.stage.objects.put(format!("{FOLDER}{}", kept.name(2)), Object::new(segment(3)));
    let repaired = kept.repair().await;
    assert_eq!((repaired.exit_code(), repaired.mended.len()), (4, 0));
    assert!(matches!(&repaired.failed[..], [one] if matches!(one.verdict, Verdict::Corrupt { .. })));
    assert!(!verified(&kept.dir).is_whole());
    // What lies there may be the best copy that is left.
    assert_eq!(std::fs::read(kept.file(2)).unwrap(), damaged);
    assert_eq!((kept.aside().len(), partial(&kept.dir).len()), (0, 0));

    // Another store has the right ones; what the first one vouches for does not count.
    let second = Stage::of(Kind::Md5, &kept.plan).await;
    let repaired = kept.repair_from(&[kept.stage.store("prod").await, second.store("backup").await]).await;
    let path = format!("data/{}", kept.name(2));
    assert_eq!((repaired.exit_code(), mended(&repaired)), (0, vec![(path.as_str(), Some("backup"))]));
    assert!(verified(&kept.dir).is_whole());
}

#[tokio::test]
async fn what_nobody_has_stays_missing_and_a_second_store_is_asked_for_it_alone() {
    let kept = Kept::new(5).await;
    for n in [1, 3] {
        std::fs::remove_file(kept.file(n)).unwrap();
    }
    kept.stage.objects.remove(&format!("{FOLDER}{}", kept.name(3)));
    let repaired = kept.repair().await;
    assert_eq!((repaired.exit_code(), repaired.mended.len(), repaired.failed.len()), (3, 1, 1));
    assert!(matches!(repaired.failed[0].verdict, Verdict::Absent { .. }), "{:?}", repaired.failed);
    assert_eq!(verified(&kept.dir).exit_code(), 3);

    let second = Stage::of(Kind::Web, &kept.plan).await;
    let repaired = kept.repair_from(&[kept.stage.store("prod").await, second.store("backup").await]).await;
    assert_eq!((repaired.exit_code(), repaired.mended.len()), (0, 1));
    let slices = second.asked().into_iter().filter(|line| line.ends_with(".ts")).count();
    assert_eq!(slices, 1);
    assert!(verified(&kept.dir).is_whole());
}

#[tokio::test]
async fn a_store_that_refuses_is_told_and_does_not_keep_the_next_one_from_being_asked() {
    let kept = Kept::new(3).await;
    std::fs::remove_file(kept.file(1)).unwrap();
    let url = kept.stage.front.url();
    let wrong = spec("wrong", recfetch::source::Place::S3(s3_place(&url, KEY, "another-secret")));
    let wrong = Store::connect(&wrong).await.unwrap();
    let refused = kept.repair_from(std::slice::from_ref(&wrong)).await;
    assert_eq!(refused.exit_code(), 6);
    let repaired = kept.repair_from(&[wrong, kept.stage.store("prod").await]).await;
    assert_eq!(repaired.exit_code(), 0);
}

#[tokio::test]
async fn tag_files_that_follow_from_the_report_are_written_again_as_they_were() {
    let kept = Kept::new(4).await;
    let was = kept.files();
    for file in ["manifest-sha256.txt", "bag-info.txt", "bagit.txt"] {
        for gone in [false, true] {
            let path = kept.dir.join(file);
            if gone {
                std::fs::remove_file(&path).unwrap();
            } else {
                flip(&path);
            }
            // The manifest is not believed while it is damaged, and a segment is repaired with it.
            flip(&kept.file(2));
            let repaired = kept.repair().await;
            assert_eq!((repaired.exit_code(), repaired.mended.len()), (0, 2), "{file} {gone}");
            assert!(repaired.mended.iter().any(|one| one.path == file && one.from.is_none()));
            assert_eq!(kept.files(), was, "{file} {gone}");
        }
    }
}

#[tokio::test]
async fn tag_files_that_nothing_tells_are_never_called_whole_and_fetching_again_writes_them() {
    for file in ["report.json", "report.html", "tagmanifest-sha256.txt"] {
        for gone in [false, true] {
            let kept = Kept::new(3).await;
            let path = kept.dir.join(file);
            if gone {
                std::fs::remove_file(&path).unwrap();
            } else {
                flip(&path);
            }
            std::fs::remove_file(kept.file(1)).unwrap();
            let repaired = kept.repair().await;
            assert_ne!(repaired.exit_code(), 0, "{file} {gone}");
            assert!(!repaired.after.is_whole());
            let why: Vec<_> = repaired.hopeless.iter().map(|(_, why)| *why).collect();
            assert!(why.contains(&Hopeless::TagFile), "{file} {gone} {why:?}");
            kept.run.fetched(kept.dir.parent().unwrap()).await;
            assert!(verified(&kept.dir).is_whole(), "{file} {gone}");
        }
    }
}

#[tokio::test]
async fn without_a_manifest_that_is_vouched_for_no_bytes_are_taken_for_the_right_ones() {
    let kept = Kept::new(3).await;
    // Whoever changes the manifest with the segment changes the report too, and still not the tag manifest.
    flip(&kept.file(1));
    std::fs::remove_file(kept.dir.join("tagmanifest-sha256.txt")).unwrap();
    let repaired = kept.repair().await;
    assert_eq!((repaired.mended.len(), repaired.exit_code()), (0, 4));
    assert!(repaired.hopeless.contains(&(format!("data/{}", kept.name(1)), Hopeless::Unvouched)));
    assert_eq!(kept.stage.asked(), Vec::<String>::new());
}

#[tokio::test]
async fn a_file_of_somebody_else_is_left_alone_and_the_rest_is_repaired() {
    let kept = Kept::new(3).await;
    std::fs::write(kept.dir.join("data/notes.txt"), "mine").unwrap();
    flip(&kept.file(0));
    let repaired = kept.repair().await;
    assert_eq!((repaired.mended.len(), repaired.exit_code()), (1, 4));
    assert_eq!(repaired.hopeless, [("data/notes.txt".to_owned(), Hopeless::Foreign)]);
    assert_eq!(std::fs::read(kept.dir.join("data/notes.txt")).unwrap(), b"mine");
    std::fs::remove_file(kept.dir.join("data/notes.txt")).unwrap();
    assert!(verified(&kept.dir).is_whole());
}

#[tokio::test]
async fn a_joined_file_is_not_repaired_and_says_so() {
    let plan = plan(4);
    let stage = Stage::of(Kind::Md5, &plan).await;
    let mut run = Run::sid(stage.store("prod").await);
    run.options = FetchOptions { keep: Keep::Joined, ..options() };
    let (_keep, out) = out();
    let dir = run.fetched(&out).await.dir;
    let joined = payload(&dir).into_keys().find(|name| name.ends_with(".ts")).unwrap();
    flip(&dir.join("data").join(&joined));
    let mending = Mending::look(&dir, &|_| ()).unwrap();
    let repaired = run.fetcher().repair(mending, &[stage.store("prod").await], |_| ()).await.unwrap();
    assert_eq!(repaired.hopeless, [(format!("data/{joined}"), Hopeless::Joined)]);
    assert_eq!((repaired.exit_code(), repaired.mended.len()), (4, 0));
}

#[tokio::test]
async fn a_bag_of_an_incomplete_recording_is_repaired_and_stays_incomplete() {
    let plan = plan(4);
    let stage = Stage::of(Kind::Md5, &plan).await;
    stage.objects.remove(&format!("{FOLDER}{}", plan.slice_names()[3]));
    let run = Run::sid(stage.store("prod").await);
    let (_keep, out) = out();
    let dir = run.fetched(&out).await.dir;
    flip(&dir.join("data").join(&plan.slice_names()[0]));
    let mending = Mending::look(&dir, &|_| ()).unwrap();
    let repaired = run.fetcher().repair(mending, &[stage.store("prod").await], |_| ()).await.unwrap();
    assert!(repaired.after.is_whole());
    assert_eq!((repaired.mended.len(), repaired.exit_code()), (1, 3));
}

#[tokio::test]
async fn a_repair_that_is_stopped_changes_nothing_and_the_next_one_goes_on() {
    let kept = Kept::new(3).await;
    let damaged = flip(&kept.file(1));
    kept.run.cancel.cancel();
    let stopped = kept.repair().await;
    assert_eq!((stopped.exit_code(), stopped.after.is_whole()), (5, false));
    assert!(matches!(&stopped.failed[..], [one] if one.verdict == Verdict::Interrupted));
    assert_eq!(std::fs::read(kept.file(1)).unwrap(), damaged);
    assert_eq!((kept.asked().len(), kept.aside().len()), (0, 0));
    let kept = Kept { run: Run::sid(kept.stage.store("prod").await), ..kept };
    assert_eq!(kept.repair().await.exit_code(), 0);
}

#[tokio::test]
async fn a_folder_that_somebody_works_in_is_not_repaired_meanwhile() {
    let kept = Kept::new(3).await;
    let damaged = flip(&kept.file(1));
    let archive = recfetch::archive::Archive::open(&kept.dir, &RecordingId::parse(SID).unwrap()).unwrap();
    let mending = Mending::look(&kept.dir, &|_| ()).unwrap();
    let from = [kept.stage.store("prod").await];
    let error = kept.run.fetcher().repair(mending, &from, |_| ()).await.unwrap_err();
    assert!(format!("{error:?}").contains("Locked"), "{error:?}");
    assert_eq!(std::fs::read(kept.file(1)).unwrap(), damaged);
    drop(archive);
    assert_eq!(kept.repair().await.exit_code(), 0);
}

#[tokio::test]
async fn a_mirror_and_a_folder_of_other_bags_have_it_too() {
    let brought = Brought::new(4).await;
    brought.mirror().await.unwrap();
    let kept = Kept::new(4).await;
    flip(&kept.file(1));
    std::fs::remove_file(kept.file(2)).unwrap();
    let prefix = Some(KeyPrefix::from_parts(["cold"]).unwrap());
    let repaired = kept.repair_from(&[Store { source: brought.depot.clone(), prefix }]).await;
    assert_eq!((repaired.exit_code(), repaired.mended.len()), (0, 2));
    assert!(verified(&kept.dir).is_whole());

    let other = Kept::new(4).await;
    flip(&other.file(3));
    let root = kept.dir.parent().unwrap();
    let name = recfetch::domain::place::SourceName::new("folder");
    let folder =
        Store { source: std::sync::Arc::new(recfetch::source::DirSource::new(name, root)), prefix: None };
    let repaired = other.repair_from(&[folder]).await;
    assert_eq!((repaired.exit_code(), repaired.mended.len()), (0, 1));
}

// Mirrors.

fn there(brought: &Brought) -> (RecordingId, Store) {
    let prefix = Some(KeyPrefix::from_parts(["cold"]).unwrap());
    (RecordingId::parse(SID).unwrap(), Store { source: brought.depot.clone(), prefix })
}

async fn look(brought: &Brought, depth: AuditDepth) -> MirrorMending {
    let (id, store) = there(brought);
    brought.run.fetcher().damage_of_mirror(&store, &id, depth, &|_| ()).await.unwrap()
}

async fn repair_mirror(brought: &Brought, depth: AuditDepth) -> MirrorRepaired {
    let (id, store) = there(brought);
    let mending = look(brought, depth).await;
    let from = [brought.stage.store("prod").await];
    let (fetcher, target) = (brought.run.fetcher(), brought.target.clone());
    let repair =
        tokio::spawn(async move { fetcher.repair_mirror(mending, &id, &store, &target, &from).await });
    repair.await.unwrap().unwrap()
}

fn mark(brought: &Brought) -> MarkV1 {
    MarkV1::read(&std::fs::read(brought.depot.bag().join("mirror.json")).unwrap()).unwrap()
}

fn in_mirror(brought: &Brought, n: usize) -> PathBuf {
    brought.depot.bag().join("data").join(&plan(9).slice_names()[n])
}

#[tokio::test]
async fn objects_that_a_mirror_lost_are_sent_again_and_only_they() {
    let brought = Brought::new(5).await;
    brought.mirror().await.unwrap();
    let was = files_below(&brought.depot.bag().join("data"));
    let marked = mark(&brought);
    std::fs::remove_file(in_mirror(&brought, 1)).unwrap();
    std::fs::write(in_mirror(&brought, 3), b"short").unwrap();
    brought.depot.asked();
    let before = brought.slices_asked();
    let repaired = repair_mirror(&brought, AuditDepth::Told).await;
    assert_eq!((repaired.exit_code(), repaired.is_whole(), repaired.mended.len()), (0, true, 2));
    assert_eq!(brought.slices_asked() - before, 2);
    let written: Vec<_> =
        brought.depot.asked().into_iter().filter_map(|l| Some(l.strip_prefix("put ")?.to_owned())).collect();
    assert_eq!(written.iter().filter(|key| key.contains("/data/")).count(), 2, "{written:?}");
    assert!(written.first().unwrap().ends_with("mirror.json"), "first it is not whole: {written:?}");
    assert!(written.last().unwrap().ends_with("mirror.json"), "last it is: {written:?}");
    assert_eq!(files_below(&brought.depot.bag().join("data")), was);
    assert_eq!(mark(&brought), marked);
    assert!(verified(&brought.depot.bag()).is_whole());
    assert!(brought.there().await.is_some());

    brought.depot.asked();
    let before = brought.slices_asked();
    let again = repair_mirror(&brought, AuditDepth::Told).await;
    assert_eq!((again.exit_code(), again.mended.len(), brought.slices_asked()), (0, 0, before));
    assert!(!brought.depot.asked().iter().any(|line| line.starts_with("put ")));
}

#[tokio::test]
async fn altered_bytes_of_the_same_length_are_found_by_reading_and_the_mark_stays_down_until_they_are_right()
{
    let brought = Brought::new(4).await;
    brought.mirror().await.unwrap();
    flip(&in_mirror(&brought, 2));
    let name = plan(4).slice_names()[2].clone();
    let key = format!("{FOLDER}{name}");
    brought.stage.objects.remove(&key);
    let repaired = repair_mirror(&brought, AuditDepth::Read).await;
    assert_eq!((repaired.exit_code(), repaired.failed.len(), repaired.is_whole()), (3, 1, false));
    assert_eq!(mark(&brought).exit_code, 4);
    assert_eq!(brought.there().await, None, "it is not called whole");
    // What the store tells does not show it, and is not enough to call it whole again.
    let told = repair_mirror(&brought, AuditDepth::Told).await;
    assert_eq!((told.exit_code(), told.is_marked_down()), (4, true));
    assert_eq!(mark(&brought).exit_code, 4);

    brought.stage.objects.put(key, Object::new(segment(2)));
    let repaired = repair_mirror(&brought, AuditDepth::Read).await;
    assert_eq!((repaired.exit_code(), repaired.mended.len(), repaired.is_whole()), (0, 1, true));
    assert_eq!(mark(&brought).exit_code, 0);
    assert!(verified(&brought.depot.bag()).is_whole());
}

#[tokio::test]
async fn a_mirror_is_not_repaired_with_other_bytes() {
    let brought = Brought::new(3).await;
    brought.mirror().await.unwrap();
    std::fs::remove_file(in_mirror(&brought, 1)).unwrap();
    brought.stage.objects.put(format!("{FOLDER}{}", plan(3).slice_names()[1]), Object::new(segment(2)));
    let repaired = repair_mirror(&brought, AuditDepth::Told).await;
    assert_eq!((repaired.exit_code(), repaired.failed.len()), (4, 1));
    assert!(!in_mirror(&brought, 1).exists());
    assert_eq!(brought.there().await, None);
}

#[tokio::test]
async fn a_mirror_without_mark_or_with_other_tag_files_is_mirrored_again() {
    let brought = Brought::new(3).await;
    brought.mirror().await.unwrap();
    flip(&brought.depot.bag().join("report.html"));
    let repaired = repair_mirror(&brought, AuditDepth::Told).await;
    assert_eq!(repaired.hopeless, [("report.html".to_owned(), Hopeless::TagFile)]);
    assert_eq!((repaired.exit_code(), brought.there().await), (4, None));
    brought.mirror().await.unwrap();
    assert!(verified(&brought.depot.bag()).is_whole());

    std::fs::remove_file(brought.depot.bag().join("mirror.json")).unwrap();
    std::fs::remove_file(in_mirror(&brought, 1)).unwrap();
    let repaired = repair_mirror(&brought, AuditDepth::Told).await;
    assert_eq!((repaired.exit_code(), repaired.mended.len()), (3, 0));
    assert!(repaired.hopeless.iter().any(|(_, why)| *why == Hopeless::NoMark));
    assert!(!brought.depot.bag().join("mirror.json").exists());
    brought.mirror().await.unwrap();
    assert!(verified(&brought.depot.bag()).is_whole());
}
