//! Disks that are full or refuse.

use std::path::{Path, PathBuf};
use std::process::Command;

use recfetch::archive::Error;
use recfetch::domain::report::Outcome;
use recfetch::engine::{FetchError, Gaps, JoinRequest, JoinTo};

use crate::kit::*;

/// A disk of two megabytes; `None` where this machine does not let us have one.
struct Small(tempfile::TempDir);

impl Small {
    fn mount() -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let mount =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=2m", "tmpfs"]).arg(dir.path()).output();
        if mount.is_ok_and(|output| output.status.success()) {
            return Some(Self(dir));
        }
        eprintln!("left out: a small disk cannot be mounted here (it takes root)");
        None
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Takes up room until so many bytes are left.
    fn leave(&self, bytes: u64) -> PathBuf {
        let output = Command::new("df").args(["--output=avail", "-B1"]).arg(self.path()).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let free: u64 = text.lines().nth(1).unwrap().trim().parse().unwrap();
        let file = self.path().join("ballast");
        std::fs::write(&file, vec![1; usize::try_from(free.saturating_sub(bytes)).unwrap()]).unwrap();
        file
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}

fn refused(failed: Result<recfetch::engine::Fetched, Failed>) -> Error {
    match failed {
        Err(Failed::Fetch(FetchError::Archive { cause, .. })) => cause,
        other => panic!("{:?}", other.map(|fetched| fetched.report.outcome())),
    }
}

#[tokio::test]
async fn a_disk_that_is_too_small_is_foreseen_from_the_listing() {
    let Some(disk) = Small::mount() else { return };
    let plan = plan(6);
    let stage = Stage::of(Kind::Md5, &plan).await;
    let run = Run::sid(stage.store("prod").await);
    let out = disk.path().join("archive");
    let ballast = disk.leave(200_000);
    let error = refused(run.go(&out).await);
    assert!(error.is_disk_full(), "{error}");
    let Error::NoRoom { needed, available, .. } = error else { panic!("{error}") };
    let all: usize = segments(6).iter().map(bytes::Bytes::len).sum();
    assert_eq!(needed, all as u64);
    assert!(available < needed);
    assert!(plan.slice_names().iter().all(|name| stage.front.gets(name) == 0), "nothing was fetched");
    std::fs::remove_file(ballast).unwrap();
    assert_eq!(check(&run.fetched(&out).await, &originals(&plan)), Outcome::Complete);
}

#[tokio::test]
async fn room_for_a_joined_file_is_wanted_where_that_file_goes() {
    let Some(disk) = Small::mount() else { return };
    let plan = plan(6);
    let stage = Stage::of(Kind::Md5, &plan).await;
    let mut run = Run::sid(stage.store("prod").await);
    let all: usize = segments(6).iter().map(bytes::Bytes::len).sum();
    disk.leave(all as u64 + 200_000);
    let out = disk.path().join("archive");
    run.join = Some(JoinRequest {
        to: JoinTo::BesideBag,
        gaps: Gaps::Refuse,
        track: None,
        ..JoinRequest::default()
    });
    assert!(matches!(refused(run.go(&out).await), Error::NoRoom { .. }));
    let (_keep, elsewhere) = crate::kit::out();
    let file = elsewhere.join("lesson.ts");
    run.join = Some(JoinRequest {
        to: JoinTo::File(file.clone()),
        gaps: Gaps::Refuse,
        track: None,
        ..JoinRequest::default()
    });
    assert_eq!(check(&run.fetched(&out).await, &originals(&plan)), Outcome::Complete);
    assert!(std::fs::read(file).unwrap() == segments(6).concat());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_fills_up_on_the_way_keeps_what_is_whole_and_a_rerun_goes_on() {
    let Some(disk) = Small::mount() else { return };
    let plan = plan(6);
    let stage = Stage::of(Kind::Web, &plan).await;
    let run = Run::sid(stage.store("prod").await).key_if_web(Kind::Web, &plan);
    // Wherever it fills up: in a segment, in the journal, in the report.
    let all: usize = segments(6).iter().map(bytes::Bytes::len).sum();
    let all = all as u64;
    let rooms =
        [60_000, 130_000, all / 2, all - 70_000, all + 8_192, all + 16_384, all + 24_576, all + 32_768];
    let mut met = 0;
    for (n, room) in rooms.into_iter().enumerate() {
        let out = disk.path().join(format!("archive{n}"));
        let ballast = disk.leave(room);
        let ended = run.go(&out).await;
        met += usize::from(ended.is_err());
        if let Err(failed) = ended {
            let error = refused(Err(failed));
            assert!(error.is_disk_full(), "{room}: {error:?}");
        }
        let whole = originals(&plan);
        for (name, bytes) in payload(&out.join(SID)) {
            assert!(whole[&name] == bytes, "{name} with {room}");
        }
        std::fs::remove_file(ballast).unwrap();
        // A file that was being synced when its run went keeps the lock for a moment.
        let fetched = loop {
            match run.go(&out).await {
                Err(Failed::Fetch(FetchError::Archive { cause: Error::Locked { .. }, .. })) => {
                    tokio::time::sleep(std::time::Duration::from_millis(10)).await;
                }
                other => break other.unwrap_or_else(|failed| panic!("{room}: {failed:?}")),
            }
        };
        assert_eq!(check(&fetched, &whole), Outcome::Complete, "{room}");
        std::fs::remove_dir_all(&out).unwrap();
    }
    assert!(met >= 4, "the disk was full {met} times");
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_an_error_of_the_disk() {
    let plan = plan(1);
    let stage = Stage::of(Kind::Md5, &plan).await;
    let (_keep, out) = out();
    std::fs::write(&out, "a file").unwrap();
    let error = refused(Run::sid(stage.store("prod").await).go(&out).await);
    assert!(matches!(error, Error::Io { .. }) && !error.is_disk_full(), "{error}");
    assert_eq!(std::fs::read(&out).unwrap(), b"a file");
}
