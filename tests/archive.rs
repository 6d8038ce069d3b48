//! The archive through its public interface: the bag by the letter of RFC 8493, every kind of damage found,
//! crashes survived, and nobody else's files touched.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop there")]
#![allow(clippy::wildcard_enum_match_arm, reason = "tests look at single cases of wide enums")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use recfetch::archive::{
    Archive, CountsV1, Damage, Error, PlaceV1, PlayList, Presence, Record, ReportV1, Seal, TallyV1, Trust,
    Verification, verify,
};
use recfetch::domain::digest::{Algorithm, Digest};
use recfetch::domain::form::{MediaForm, PictureSize};
use recfetch::domain::key::ObjectName;
use recfetch::domain::place::{ETag, SourceName};
use recfetch::domain::recording::RecordingId;
use recfetch::domain::time::SliceTime;
use recfetch::domain::verdict::Evidence;
use sha2::{Digest as _, Sha256};

const SID: &str = "38f8e3cfdc474cd56fc1ceba380d7e1a";

fn id() -> RecordingId {
    RecordingId::parse(SID).unwrap()
}

fn name(text: &str) -> ObjectName {
    ObjectName::parse(text).unwrap()
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

fn at() -> SliceTime {
    SliceTime::from_unix_ms(1_789_909_902_485).unwrap()
}

fn publish(archive: &Archive, text: &str, bytes: &[u8]) -> Result<Record, Error> {
    let mut staged = archive.stage()?;
    staged.write(bytes)?;
    let record = Record {
        path: archive.path_of(&name(text)),
        offset: None,
        name: name(text),
        size: bytes.len() as u64,
        digests: vec![Digest::new(Algorithm::Sha256, Sha256::digest(bytes)).unwrap()],
        evidence: Evidence::StoreDigest { algorithm: Algorithm::Md5, by: SourceName::new("prod") },
        from: SourceName::new("prod"),
        etag: Some(ETag::new("abc")),
        at: at(),
        clock: Some((126_000, 180_000)),
        playing_ms: Some(2000),
        breaks: 2,
        form: MediaForm {
            codec: Some("h264+aac".to_owned()),
            picture: Some(PictureSize { width: 640, height: 480 }),
        },
        mtime: 0,
    };
    archive.publish(staged, record.clone())?;
    Ok(record)
}

fn report() -> ReportV1 {
    let none = TallyV1 {
        total: 2,
        store_digest: 1,
        structure: 1,
        length_only: 0,
        absent: 0,
        denied: 0,
        frozen: 0,
        unreachable: 0,
        corrupt: 0,
        not_requested: 0,
        interrupted: 0,
        verified_bytes: 0,
    };
    ReportV1 {
        format: "recfetch-report/1".to_owned(),
        written_by: "test".to_owned(),
        recording: SID.to_owned(),
        channel: Some("math 7b".to_owned()),
        folder: "school/".to_owned(),
        outcome: "complete".to_owned(),
        exit_code: 0,
        started: "2026-09-20T12:51:42.485Z".to_owned(),
        finished: "2026-09-20T12:52:42.485Z".to_owned(),
        only: Vec::new(),
        left_out: None,
        counts: CountsV1::default(),
        earlier: Vec::new(),
        first_slice: Some("2026-09-20T12:51:42.485Z".to_owned()),
        last_slice_end: None,
        places: vec![PlaceV1 { name: "prod".to_owned(), description: "Amazon S3".to_owned() }],
        tracks: Vec::new(),
        segments: none,
        objects_total: none,
        objects: Vec::new(),
        findings: Vec::new(),
        joined: Vec::new(),
    }
}

fn seal(archive: &Archive) {
    let play = [PlayList { file: "play.m3u8".to_owned(), text: "#EXTM3U\n".to_owned() }];
    archive.seal(&Seal { report: &report(), play: &play, page: None, at: at() }).unwrap();
}

const OBJECTS: &[(&str, &[u8])] = &[
    ("b.ts", b"second"),
    ("a b+c=d.ts", b"first"),
    ("频道.ts", b"third"),
    ("odd:name?.ts", b"mapped"),
    ("100%.ts", b""),
    ("deep/er/c.ts", b"below"),
];

/// A sealed bag of six objects; nobody holds its lock.
fn bag(dir: &Path) -> PathBuf {
    let bag = dir.join(SID);
    let archive = Archive::open(&bag, &id()).unwrap();
    for (text, bytes) in OBJECTS {
        publish(&archive, text, bytes).unwrap();
    }
    seal(&archive);
    bag
}

fn read(path: impl AsRef<Path>) -> String {
    std::fs::read_to_string(path).unwrap()
}

fn check(bag: &Path) -> Verification {
    verify(bag, &|_| ()).unwrap()
}

#[test]
fn a_bag_follows_the_rfc_by_the_letter() {
    let dir = tempfile::tempdir().unwrap();
    let bag = bag(dir.path());
    // Section 2.1.1: exactly two lines.
    assert_eq!(read(bag.join("bagit.txt")), "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n");
    // Section 2.1.3: checksum, two spaces (so that `sha256sum -c` reads it too), path; ordered by path.
    let manifest = read(bag.join("manifest-sha256.txt"));
    let expected = [
        ("data/100=25.ts", &b""[..]),
        ("data/a b+c=d.ts", b"first"),
        ("data/b.ts", b"second"),
        ("data/deep/er/c.ts", b"below"),
        ("data/odd=3Aname=3F.ts", b"mapped"),
        ("data/频道.ts", b"third"),
    ];
    let lines: String = expected.iter().map(|(path, bytes)| format!("{}  {path}\n", sha256(bytes))).collect();
    assert_eq!(manifest, lines);
    for (path, bytes) in expected {
        assert_eq!(std::fs::read(bag.join(path)).unwrap(), bytes, "{path}");
    }
    // Section 2.2.2: octets, a full stop, streams.
    let info = read(bag.join("bag-info.txt"));
    assert_eq!(
        info,
        format!(
            "Bag-Software-Agent: recfetch {}\nBagging-Date: 2026-09-20\nExternal-Identifier: {SID}\n\
             Payload-Oxum: 27.6\nRecording-ID: {SID}\nRecording-State: complete\nChannel: math 7b\n\
             Store: prod (Amazon S3)\nStore-Folder: school/\nFirst-Slice-Start: 2026-09-20T12:51:42.485Z\n\
             Segments-Listed: 2\nSegments-Verified: 2\n",
            env!("CARGO_PKG_VERSION")
        )
    );
    // The mapping of names that had to change.
    assert_eq!(read(bag.join("names.tsv")), "data/100=25.ts\t100%.ts\ndata/odd=3Aname=3F.ts\todd:name?.ts\n");
    // Section 2.2.1: the tag manifest lists every tag file but itself, and no payload.
    let tags = read(bag.join("tagmanifest-sha256.txt"));
    let listed: BTreeMap<_, _> =
        tags.lines().map(|line| line.split_once("  ").unwrap()).map(|(hex, path)| (path, hex)).collect();
    let files: BTreeSet<_> = std::fs::read_dir(&bag)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_type().unwrap().is_file())
        .map(|entry| entry.file_name().into_string().unwrap())
        .filter(|file| file != "tagmanifest-sha256.txt")
        .collect();
    assert_eq!(listed.keys().map(|file| (*file).to_owned()).collect::<BTreeSet<_>>(), files);
    assert_eq!(files.len(), 6, "{files:?}");
    for (file, hex) in listed {
        assert_eq!(sha256(&std::fs::read(bag.join(file)).unwrap()), hex, "{file}");
    }
    let found = check(&bag);
    assert_eq!((found.damage.as_slice(), found.exit_code()), (&[][..], 0));
    assert_eq!(found.files, 6 + 6);
}

#[test]
fn sha256sum_reads_the_manifest() {
    let dir = tempfile::tempdir().unwrap();
    let bag = bag(dir.path());
    let run = std::process::Command::new("sha256sum")
        .args(["--check", "--strict", "--quiet", "manifest-sha256.txt", "tagmanifest-sha256.txt"])
        .current_dir(&bag)
        .output();
    // Not every system has it; the test above reads the same lines by hand.
    let Ok(run) = run else { return };
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
}

type Harm = fn(&Path);
type IsExpected = fn(&Damage) -> bool;

#[test]
fn each_kind_of_damage_is_found_and_named() {
    let oxum = |found: &str| Damage::Oxum { expected: "27.6".into(), found: found.into() };
    let missing = |path: &str| Damage::Missing { path: path.into() };
    let changed = |path: &str, was: &[u8], is: &[u8]| Damage::Changed {
        path: path.into(),
        expected: sha256(was),
        found: sha256(is),
    };
    let table: Vec<(&str, Harm, Vec<Damage>, u8)> = vec![
        ("nothing", |_| (), vec![], 0),
        (
            "a flipped bit",
            |bag| std::fs::write(bag.join("data/b.ts"), b"secone").unwrap(),
            vec![changed("data/b.ts", b"second", b"secone")],
            4,
        ),
        (
            "a cut file",
            |bag| std::fs::write(bag.join("data/b.ts"), b"sec").unwrap(),
            vec![changed("data/b.ts", b"second", b"sec"), oxum("24.6")],
            4,
        ),
        (
            "a lost file",
            |bag| std::fs::remove_file(bag.join("data/b.ts")).unwrap(),
            vec![missing("data/b.ts"), oxum("21.5")],
            3,
        ),
        (
            "a lost payload",
            |bag| std::fs::remove_dir_all(bag.join("data")).unwrap(),
            vec![
                missing("data/100=25.ts"),
                missing("data/a b+c=d.ts"),
                missing("data/b.ts"),
                missing("data/deep/er/c.ts"),
                missing("data/odd=3Aname=3F.ts"),
                missing("data/频道.ts"),
                oxum("0.0"),
            ],
            3,
        ),
        (
            "a file too many",
            |bag| std::fs::write(bag.join("data/deep/new.ts"), b"!").unwrap(),
            vec![Damage::Extra { path: "data/deep/new.ts".into() }, oxum("28.7")],
            4,
        ),
        (
            "a lost tag file",
            |bag| std::fs::remove_file(bag.join("names.tsv")).unwrap(),
            vec![missing("names.tsv")],
            3,
        ),
        (
            "a lost tag manifest",
            |bag| std::fs::remove_file(bag.join("tagmanifest-sha256.txt")).unwrap(),
            vec![missing("tagmanifest-sha256.txt")],
            3,
        ),
    ];
    for (what, harm, expected, exit) in table {
        let dir = tempfile::tempdir().unwrap();
        let bag = bag(dir.path());
        harm(&bag);
        let found = check(&bag);
        assert_eq!(found.damage, expected, "{what}");
        assert_eq!(found.exit_code(), exit, "{what}");
        assert_eq!(found.is_whole(), expected.is_empty());
    }
}

#[test]
fn damage_to_manifests_and_tags_is_found() {
    // What was done, and which damage must be among those found.
    let table: Vec<(&str, Harm, IsExpected)> = vec![
        (
            "a line without a digest",
            |bag| append(bag, "nonsense\n"),
            |d| *d == Damage::BadLine { file: "manifest-sha256.txt".into(), line: 7 },
        ),
        (
            "a short digest",
            |bag| append(bag, "abc123  data/x.ts\n"),
            |d| matches!(d, Damage::BadLine { line: 7, .. }),
        ),
        (
            "a path that climbs out",
            |bag| append(bag, &format!("{}  ../outside.ts\n", sha256(b"precious"))),
            |d| matches!(d, Damage::BadLine { line: 7, .. }),
        ),
        (
            "a path that climbs out from inside",
            |bag| append(bag, &format!("{}  data/../../outside.ts\n", sha256(b"precious"))),
            |d| matches!(d, Damage::BadLine { line: 7, .. }),
        ),
        (
            "a path at the root",
            |bag| append(bag, &format!("{}  /etc/hostname\n", sha256(b""))),
            |d| matches!(d, Damage::BadLine { line: 7, .. }),
        ),
        (
            "a line for a file that never was",
            |bag| append(bag, &format!("{}  data/none.ts\n", sha256(b""))),
            |d| *d == Damage::Missing { path: "data/none.ts".into() },
        ),
        (
            "a manifest that lacks a line",
            |bag| {
                let text = read(bag.join("manifest-sha256.txt"));
                let rest: String = text.lines().skip(1).map(|line| format!("{line}\n")).collect();
                std::fs::write(bag.join("manifest-sha256.txt"), rest).unwrap();
            },
            |d| *d == Damage::Extra { path: "data/100=25.ts".into() },
        ),
        (
            "a changed report",
            |bag| {
                let text = read(bag.join("report.json")).replace("complete", "corrupt!");
                std::fs::write(bag.join("report.json"), text).unwrap();
            },
            |d| matches!(d, Damage::Changed { path, .. } if path == "report.json"),
        ),
        (
            "a wrong sum of bytes",
            |bag| {
                let text = read(bag.join("bag-info.txt")).replace("27.6", "26.6");
                std::fs::write(bag.join("bag-info.txt"), text).unwrap();
            },
            |d| *d == Damage::Oxum { expected: "26.6".into(), found: "27.6".into() },
        ),
        (
            "a changed declaration",
            |bag| std::fs::write(bag.join("bagit.txt"), "BagIt-Version: 0.97\n").unwrap(),
            |d| matches!(d, Damage::Changed { path, .. } if path == "bagit.txt"),
        ),
        (
            "a folder where a file was",
            |bag| {
                std::fs::remove_file(bag.join("data/b.ts")).unwrap();
                std::fs::create_dir(bag.join("data/b.ts")).unwrap();
            },
            |d| matches!(d, Damage::Unreadable { path, .. } if path == "data/b.ts"),
        ),
    ];
    for (what, harm, is_expected) in table {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("outside.ts"), "precious").unwrap();
        let bag = bag(dir.path());
        harm(&bag);
        let found = check(&bag);
        assert!(found.damage.iter().any(is_expected), "{what}: {:?}", found.damage);
        // A changed manifest counts as wrong bytes, whatever else is only missing.
        assert_eq!(found.exit_code(), 4, "{what}");
        assert!(found.damage.iter().all(|d| !d.to_string().is_empty()));
    }
}

fn append(bag: &Path, line: &str) {
    let path = bag.join("manifest-sha256.txt");
    std::fs::write(&path, read(&path) + line).unwrap();
}

#[test]
fn what_the_report_vouches_for_must_be_in_the_manifest() {
    let dir = tempfile::tempdir().unwrap();
    let bag = dir.path().join(SID);
    let archive = Archive::open(&bag, &id()).unwrap();
    publish(&archive, "a.ts", b"a").unwrap();
    let object = serde_json::json!({
        "name": "gone.ts", "key": null, "path": "data/gone.ts", "role": "segment", "verdict": "verified",
        "detail": "", "size": 1, "digests": [], "source": "prod", "origin": "fetched", "at": ""
    });
    let report = ReportV1 { objects: vec![serde_json::from_value(object).unwrap()], ..report() };
    archive.seal(&Seal { report: &report, play: &[], page: None, at: at() }).unwrap();
    let found = check(&bag);
    assert_eq!(found.damage, [Damage::NotInManifest { path: "data/gone.ts".into() }]);
    assert_eq!(found.exit_code(), 3);
}

#[test]
fn a_whole_bag_of_an_incomplete_recording_has_the_code_of_the_recording() {
    let dir = tempfile::tempdir().unwrap();
    let bag = dir.path().join(SID);
    let archive = Archive::open(&bag, &id()).unwrap();
    let report = ReportV1 { outcome: "incomplete".to_owned(), exit_code: 3, ..report() };
    archive.seal(&Seal { report: &report, play: &[], page: None, at: at() }).unwrap();
    assert!(read(bag.join("bag-info.txt")).contains("Recording-State: incomplete\n"));
    assert_eq!(read(bag.join("manifest-sha256.txt")), "");
    let found = check(&bag);
    assert!(found.is_whole());
    assert_eq!(found.exit_code(), 3);
}

#[test]
fn a_folder_that_is_no_bag_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(verify(dir.path(), &|_| ()), Err(Error::NotABag { .. })));
    let bag = bag(dir.path());
    std::fs::remove_file(bag.join("bagit.txt")).unwrap();
    assert!(matches!(verify(&bag, &|_| ()), Err(Error::NotABag { .. })));
}

#[test]
fn a_seal_that_was_interrupted_is_made_good() {
    // A kill between two steps of sealing leaves only a part of the tag files, never the declaration.
    let written = ["bag-info.txt", "manifest-sha256.txt", "names.tsv", "play.m3u8", "report.json"];
    for reached in 0..=written.len() {
        let dir = tempfile::tempdir().unwrap();
        let bag = bag(dir.path());
        for file in ["bagit.txt", "tagmanifest-sha256.txt"].iter().chain(&written[reached..]) {
            std::fs::remove_file(bag.join(file)).unwrap();
        }
        std::fs::write(bag.join(".recfetch/partial/play.m3u8.part"), "#EXT").unwrap();
        let archive = Archive::open(&bag, &id()).unwrap();
        assert_eq!(archive.records().len(), OBJECTS.len());
        for record in archive.records() {
            assert_eq!(archive.examine(&record, Trust::Hash).unwrap(), Presence::Proven);
        }
        seal(&archive);
        assert_eq!(check(&bag).damage, [], "after {reached} files");
        assert_eq!(std::fs::read_dir(bag.join(".recfetch/partial")).unwrap().count(), 0);
    }
}

#[test]
fn what_changes_the_payload_takes_the_seal_off_first() {
    let dir = tempfile::tempdir().unwrap();
    let bag = bag(dir.path());
    let archive = Archive::open(&bag, &id()).unwrap();
    assert!(bag.join("bagit.txt").is_file(), "looking takes nothing off");
    publish(&archive, "new.ts", b"new").unwrap();
    assert!(!bag.join("bagit.txt").exists() && !bag.join("tagmanifest-sha256.txt").exists());
    seal(&archive);
    archive.withdraw(&name("new.ts")).unwrap();
    assert!(!bag.join("bagit.txt").exists() && !bag.join("data/new.ts").exists());
    seal(&archive);
    assert_eq!(check(&bag).damage, []);
}

#[test]
fn a_bag_that_was_copied_without_its_journal_is_still_known() {
    let dir = tempfile::tempdir().unwrap();
    let bag = dir.path().join(SID);
    let archive = Archive::open(&bag, &id()).unwrap();
    publish(&archive, "a.ts", b"a").unwrap();
    let object = serde_json::json!({
        "name": "a.ts", "key": "a.ts", "path": "data/a.ts", "role": "segment", "verdict": "verified",
        "detail": "", "evidence": { "kind": "structure" }, "size": 1,
        "digests": [{ "algorithm": "sha256", "hex": sha256(b"a") }],
        "source": "prod", "origin": "fetched", "at": "2026-09-20T12:51:42.485Z"
    });
    let report = ReportV1 { objects: vec![serde_json::from_value(object).unwrap()], ..report() };
    archive.seal(&Seal { report: &report, play: &[], page: None, at: at() }).unwrap();
    drop(archive);
    std::fs::remove_dir_all(bag.join(".recfetch")).unwrap();
    let archive = Archive::open(&bag, &id()).unwrap();
    let record = archive.record(&name("a.ts")).unwrap();
    assert_eq!(record.evidence, Evidence::Structure);
    assert_eq!(archive.examine(&record, Trust::Hash).unwrap(), Presence::Proven);
}

const CHILD: &str = "RECFETCH_TEST_HOLD_LOCK";

/// Does nothing unless the test below starts it in a process of its own.
#[test]
fn holds_a_lock_when_it_is_the_child() {
    let Some(bag) = std::env::var_os(CHILD) else { return };
    let archive = Archive::open(Path::new(&bag), &id()).unwrap();
    std::fs::write(Path::new(&bag).with_extension("held"), "").unwrap();
    std::thread::sleep(std::time::Duration::from_secs(60));
    drop(archive);
}

#[test]
fn two_processes_do_not_work_in_one_folder() {
    let dir = tempfile::tempdir().unwrap();
    let bag = bag(dir.path());
    let mut child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "holds_a_lock_when_it_is_the_child"])
        .env(CHILD, &bag)
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let started = std::time::Instant::now();
    while !bag.with_extension("held").exists() {
        assert!(started.elapsed().as_secs() < 30, "the child does not start");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let refused = Archive::open(&bag, &id());
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(matches!(refused, Err(Error::Locked { .. })), "{refused:?}");
    // A killed process holds nothing.
    let archive = Archive::open(&bag, &id()).unwrap();
    assert!(matches!(Archive::open(&bag, &id()), Err(Error::Locked { .. })), "nor do two tasks of one");
    drop(archive);
    Archive::open(&bag, &id()).unwrap();
}

#[test]
fn records_survive_as_they_were() {
    let dir = tempfile::tempdir().unwrap();
    let archive = Archive::open(dir.path(), &id()).unwrap();
    let mut record = publish(&archive, "odd:name?.ts", b"mapped").unwrap();
    record.mtime = archive.record(&record.name).unwrap().mtime;
    drop(archive);
    let archive = Archive::open(dir.path(), &id()).unwrap();
    assert_eq!(archive.records(), [record]);
}

#[test]
fn journals_of_the_future_and_of_others_are_refused_and_cut_ones_mended() {
    let journal = |dir: &Path| dir.join(".recfetch/journal.ndjson");
    let dir = tempfile::tempdir().unwrap();
    let archive = Archive::open(dir.path(), &id()).unwrap();
    publish(&archive, "a.ts", b"a").unwrap();
    publish(&archive, "b.ts", b"b").unwrap();
    drop(archive);
    let good = read(journal(dir.path()));
    assert_eq!(good.lines().count(), 3);

    let newer = good.replacen("recfetch-journal/1", "recfetch-journal/2", 1);
    std::fs::write(journal(dir.path()), &newer).unwrap();
    let refused = Archive::open(dir.path(), &id());
    assert!(matches!(&refused, Err(Error::Newer { version, .. }) if version == "recfetch-journal/2"));
    assert_eq!(read(journal(dir.path())), newer, "and nothing was changed");

    std::fs::write(journal(dir.path()), &good).unwrap();
    let other = RecordingId::parse("another").unwrap();
    assert!(matches!(Archive::open(dir.path(), &other), Err(Error::AnotherRecording { .. })));

    // A field that a later minor version adds is no reason to forget what was proven.
    let more = good.replace("\"mtime_ns\"", "\"colour\":\"blue\",\"mtime_ns\"");
    std::fs::write(journal(dir.path()), &more).unwrap();
    assert_eq!(Archive::open(dir.path(), &id()).unwrap().records().len(), 2);

    // Cut anywhere in its last line, as by a loss of power: that object is fetched again, and no other.
    let last = good.trim_end().rfind('\n').unwrap() + 1;
    for cut in [last + 1, last + 20, good.len() - 1] {
        std::fs::write(journal(dir.path()), &good[..cut]).unwrap();
        // The line is written before the file has its name, so a file without a line is not ours.
        std::fs::write(dir.path().join("data/b.ts"), b"b").unwrap();
        let refused = Archive::open(dir.path(), &id());
        assert!(
            matches!(&refused, Err(Error::Foreign { path }) if path.ends_with("data/b.ts")),
            "{refused:?}"
        );
        std::fs::remove_file(dir.path().join("data/b.ts")).unwrap();
        std::fs::write(journal(dir.path()), &good[..cut]).unwrap();
        let archive = Archive::open(dir.path(), &id()).unwrap();
        assert_eq!(archive.records().len(), 1, "cut at {cut}");
        publish(&archive, "b.ts", b"b").unwrap();
        drop(archive);
        assert_eq!(Archive::open(dir.path(), &id()).unwrap().records().len(), 2, "cut at {cut}");
    }
}

#[test]
fn a_report_of_the_future_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let bag = bag(dir.path());
    let text = read(bag.join("report.json")).replace("recfetch-report/1", "recfetch-report/2");
    std::fs::write(bag.join("report.json"), text).unwrap();
    assert!(matches!(recfetch::archive::report(&bag), Err(Error::Newer { .. })));
    assert!(matches!(verify(&bag, &|_| ()), Err(Error::Newer { .. })));
}

#[test]
fn what_others_wrote_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("thesis.txt"), "precious").unwrap();
    assert!(matches!(Archive::open(dir.path(), &id()), Err(Error::Foreign { .. })));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);

    let bag = bag(dir.path());
    std::fs::write(bag.join("data/mine.ts"), "precious").unwrap();
    assert!(matches!(Archive::open(&bag, &id()), Err(Error::Foreign { path }) if path.ends_with("mine.ts")));
    std::fs::remove_file(bag.join("data/mine.ts")).unwrap();
    let archive = Archive::open(&bag, &id()).unwrap();
    std::fs::write(bag.join("data/late.ts"), "precious").unwrap();
    assert!(matches!(publish(&archive, "late.ts", b"x"), Err(Error::Foreign { .. })));
    assert_eq!(read(bag.join("data/late.ts")), "precious");
}

#[derive(Debug, Clone)]
enum Step {
    Publish(usize, Vec<u8>),
    Withdraw(usize),
    Flip(usize),
    Lose(usize),
    Stage(Vec<u8>),
    Reopen,
    Seal,
}

fn step() -> impl Strategy<Value = Step> {
    let bytes = || proptest::collection::vec(any::<u8>(), 0..40);
    prop_oneof![
        4 => (0..NAMES.len(), bytes()).prop_map(|(n, bytes)| Step::Publish(n, bytes)),
        1 => (0..NAMES.len()).prop_map(Step::Withdraw),
        1 => (0..NAMES.len()).prop_map(Step::Flip),
        1 => (0..NAMES.len()).prop_map(Step::Lose),
        1 => bytes().prop_map(Step::Stage),
        1 => Just(Step::Reopen),
        1 => Just(Step::Seal),
    ]
}

const NAMES: &[&str] = &["a.ts", "A.ts", "sub/b.ts", "c:d.ts", "c=3Ad.ts", "频.ts"];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever was done before, a sealed bag holds what its records say, what its manifest says, and
    /// nothing else; and no undamaged object is lost on the way.
    #[test]
    fn a_sealed_bag_agrees_with_itself(steps in proptest::collection::vec(step(), 1..25)) {
        let dir = tempfile::tempdir().unwrap();
        let mut archive = Archive::open(dir.path(), &id()).unwrap();
        let mut model: BTreeMap<&str, Vec<u8>> = BTreeMap::new();
        for step in steps {
            match step {
                Step::Publish(n, bytes) => {
                    publish(&archive, NAMES[n], &bytes).unwrap();
                    model.insert(NAMES[n], bytes);
                }
                Step::Withdraw(n) => {
                    // What is gone already cannot be removed once more; that is an error and changes nothing.
                    let there = model.remove(NAMES[n]).is_some();
                    let result = archive.withdraw(&name(NAMES[n]));
                    prop_assert!(result.is_ok() || !there);
                }
                Step::Flip(n) => {
                    if let Some(bytes) = model.get(NAMES[n]).filter(|bytes| !bytes.is_empty()) {
                        let record = archive.record(&name(NAMES[n])).unwrap();
                        let mut flipped = bytes.clone();
                        flipped[0] ^= 1;
                        let path = dir.path().join(&record.path);
                        std::fs::write(&path, flipped).unwrap();
                        // Later than the last write, however coarse the clock of the file system is.
                        let later = std::time::SystemTime::now() + std::time::Duration::from_secs(5);
                        std::fs::File::options().write(true).open(&path).unwrap().set_modified(later).unwrap();
                        prop_assert_eq!(archive.examine(&record, Trust::Hash).unwrap(), Presence::Damaged);
                        archive.forget(&record.name);
                        model.remove(NAMES[n]);
                    }
                }
                Step::Lose(n) => {
                    if model.remove(NAMES[n]).is_some() {
                        let record = archive.record(&name(NAMES[n])).unwrap();
                        std::fs::remove_file(dir.path().join(&record.path)).unwrap();
                        prop_assert_eq!(archive.examine(&record, Trust::Hash).unwrap(), Presence::Missing);
                    }
                }
                Step::Stage(bytes) => {
                    let mut staged = archive.stage().unwrap();
                    staged.write(&bytes).unwrap();
                }
                Step::Reopen => {
                    drop(archive);
                    archive = Archive::open(dir.path(), &id()).unwrap();
                }
                Step::Seal => seal(&archive),
            }
        }
        seal(&archive);
        let found = check(dir.path());
        prop_assert_eq!(&found.damage, &[]);
        let on_disk: BTreeMap<String, String> = recorded(dir.path());
        let listed: BTreeMap<_, _> = read(dir.path().join("manifest-sha256.txt"))
            .lines()
            .map(|line| (line[66..].to_owned(), line[..64].to_owned()))
            .collect();
        let records: BTreeMap<_, _> =
            archive.records().into_iter().map(|record| (record.path, record.digests[0].hex())).collect();
        let expected: BTreeMap<_, _> = model
            .iter()
            .map(|(text, bytes)| (archive.path_of(&name(text)), sha256(bytes)))
            .collect();
        prop_assert_eq!(&listed, &expected);
        prop_assert_eq!(&on_disk, &expected);
        prop_assert_eq!(&records, &expected);
    }
}

/// Path to digest of every payload file.
fn recorded(bag: &Path) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    let mut folders = vec!["data".to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(bag.join(&folder)) else { continue };
        for entry in entries {
            let entry = entry.unwrap();
            let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
            if entry.file_type().unwrap().is_dir() {
                folders.push(path);
            } else {
                files.insert(path, sha256(&std::fs::read(entry.path()).unwrap()));
            }
        }
    }
    files
}

#[test]
fn what_is_set_aside_under_the_same_name_does_not_replace_what_was() {
    let dir = tempfile::tempdir().unwrap();
    let bag = dir.path().join(SID);
    for text in ["first damage", "other damage"] {
        let archive = Archive::open(&bag, &id()).unwrap();
        publish(&archive, "a.ts", b"good bytes").unwrap();
        std::fs::write(bag.join("data/a.ts"), text).unwrap();
        seal(&archive);
        assert!(!bag.join("data/a.ts").exists());
    }
    assert_eq!(read(bag.join(".recfetch/aside/data=a.ts")), "first damage");
    assert_eq!(read(bag.join(".recfetch/aside/data=a.ts~2")), "other damage");
}
