//! `verify --deep`: media that was stored bad is found in a bag that hashes right.

#![cfg(all(feature = "cli", feature = "s3", feature = "oss"))]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop there")]

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use recfetch::archive::{
    Archive, DigestV1, EvidenceV1, FindingV1, ObjectV1, OriginV1, Record, ReportV1, RoleV1, Seal, SeverityV1,
    TallyV1, verify,
};
use recfetch::domain::digest::{Algorithm, Digest};
use recfetch::domain::key::ObjectName;
use recfetch::domain::place::SourceName;
use recfetch::domain::recording::RecordingId;
use recfetch::domain::time::SliceTime;
use recfetch::domain::verdict::{Corruption, Evidence, Format, Page};
use recfetch::engine::{MediaCheck, check_media};
use recfetch_test_support::ts::{SliceSpec, slice};
use recfetch_test_support::{mp4, picture, sound, webm};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

const SID: &str = "38f8e3cfdc474cd56fc1ceba380d7e1a";

/// A file of a bag: name, bytes, the form that the report names, listed milliseconds, evidence.
#[derive(Clone)]
struct File {
    name: &'static str,
    bytes: Vec<u8>,
    form: Option<Format>,
    duration_ms: Option<u64>,
    evidence: Evidence,
}

fn file(name: &'static str, bytes: Vec<u8>, duration_ms: Option<u64>) -> File {
    File { name, bytes, form: Format::of_name(name), duration_ms, evidence: Evidence::Structure }
}

fn ts() -> Vec<u8> {
    slice(&SliceSpec { duration_ms: 6000, ..SliceSpec::default() })
}

fn good() -> Vec<File> {
    vec![
        file("a.m3u8", b"#EXTM3U\n".to_vec(), None),
        file("a.ts", ts(), Some(6000)),
        file("a.webm", webm::slice(2000, 1), Some(2000)),
        file("a_0.mp4", mp4::recording(3000, 1), None),
        file("a_0.mp3", sound::mp3_with_info(9, 1), None),
        file("a_0.aac", sound::adts(9, 1), None),
        file("a.jpg", picture::jpeg(64, 36, 1), None),
        file("notes.txt", b"<html>whatever it is</html>".to_vec(), None),
    ]
}

fn object(file: &File, path: String) -> ObjectV1 {
    let is_playlist = file.name.ends_with(".m3u8");
    ObjectV1 {
        name: file.name.to_owned(),
        key: None,
        path: Some(path),
        role: if is_playlist { RoleV1::Playlist } else { RoleV1::Segment },
        track: None,
        offset: None,
        codec: None,
        width: None,
        height: None,
        format: file.form.map(|form| form.code().to_owned()),
        starts: None,
        duration_ms: file.duration_ms,
        verdict: "verified".to_owned(),
        detail: String::new(),
        evidence: Some(EvidenceV1::from(&file.evidence)),
        size: Some(file.bytes.len() as u64),
        digests: vec![DigestV1::from(&sha256(&file.bytes))],
        source: Some("prod".to_owned()),
        origin: OriginV1::Fetched,
        failed_tries: Vec::new(),
        at: "2026-09-20T12:52:42.485Z".to_owned(),
    }
}

fn sha256(bytes: &[u8]) -> Digest {
    Digest::new(Algorithm::Sha256, Sha256::digest(bytes)).unwrap()
}

fn tally() -> TallyV1 {
    TallyV1 {
        total: 0,
        store_digest: 0,
        structure: 0,
        length_only: 0,
        absent: 0,
        denied: 0,
        frozen: 0,
        unreachable: 0,
        corrupt: 0,
        not_requested: 0,
        interrupted: 0,
        verified_bytes: 0,
    }
}

/// A sealed bag whose hashes are right, whatever its files hold.
fn bag(dir: &Path, files: &[File], findings: Vec<FindingV1>) -> PathBuf {
    let bag = dir.join(SID);
    let archive = Archive::open(&bag, &RecordingId::parse(SID).unwrap()).unwrap();
    let at = SliceTime::from_unix_ms(1_789_909_902_485).unwrap();
    let mut objects = Vec::new();
    for file in files {
        let name = ObjectName::parse(file.name).unwrap();
        let mut staged = archive.stage().unwrap();
        staged.write(&file.bytes).unwrap();
        let record = Record {
            path: archive.path_of(&name),
            name,
            size: file.bytes.len() as u64,
            digests: vec![sha256(&file.bytes)],
            evidence: file.evidence.clone(),
            from: SourceName::new("prod"),
            etag: None,
            at,
            clock: None,
            playing_ms: None,
            breaks: 0,
            offset: None,
            form: recfetch::domain::form::MediaForm::default(),
            mtime: 0,
        };
        objects.push(object(file, record.path.clone()));
        archive.publish(staged, record).unwrap();
    }
    let report = ReportV1 {
        format: "recfetch-report/1".to_owned(),
        written_by: "test".to_owned(),
        recording: SID.to_owned(),
        channel: None,
        folder: String::new(),
        only: Vec::new(),
        left_out: None,
        counts: recfetch::archive::CountsV1::default(),
        outcome: "complete".to_owned(),
        exit_code: 0,
        started: "2026-09-20T12:51:42.485Z".to_owned(),
        finished: "2026-09-20T12:52:42.485Z".to_owned(),
        first_slice: None,
        last_slice_end: None,
        places: Vec::new(),
        tracks: Vec::new(),
        segments: tally(),
        objects_total: tally(),
        objects,
        earlier: Vec::new(),
        findings,
        joined: Vec::new(),
    };
    archive.seal(&Seal { report: &report, play: &[], page: None, at }).unwrap();
    bag
}

/// Looks into a bag of these files; its hashes are right each time.
fn check(files: &[File], findings: Vec<FindingV1>) -> MediaCheck {
    let dir = tempfile::tempdir().unwrap();
    let verification = verify(&bag(dir.path(), files, findings), &|_| ()).unwrap();
    assert!(verification.is_whole(), "{:?}", verification.damage);
    check_media(&verification, &|_| ()).unwrap()
}

fn encrypted() -> FindingV1 {
    FindingV1 { code: "encrypted".to_owned(), severity: SeverityV1::Note, text: String::new() }
}

#[test]
fn a_good_bag_stays_good_and_what_was_not_judged_is_counted() {
    let files = good();
    let check = check(&files, Vec::new());
    assert_eq!((check.judged, check.not_judged, &check.damage), (6, 1, &Vec::new()));
    let read: usize = files.iter().filter(|file| file.form.is_some()).map(|file| file.bytes.len()).sum();
    assert_eq!(check.bytes, read as u64);
}

type Harm = fn(&mut Vec<u8>);

#[test]
fn each_file_that_was_stored_bad_is_named() {
    let table: [(&str, Harm, Corruption); 8] = [
        // At a packet's end: nothing but the playing time tells.
        (
            "a.ts",
            |bytes| bytes.truncate(bytes.len() / 188 / 2 * 188),
            Corruption::PlayingTime { expected_ms: 6000, found_ms: 0 },
        ),
        ("a.ts", |bytes| bytes.truncate(bytes.len() - 1), Corruption::CutInPacket),
        ("a.webm", |bytes| bytes.truncate(bytes.len() - 1), Corruption::CutInside { form: Format::WebM }),
        ("a_0.mp4", |bytes| bytes.truncate(index_of(bytes)), Corruption::NoIndex),
        ("a_0.mp3", |bytes| bytes.truncate(384 * 9), Corruption::FramesMissing { expected: 9, found: 8 }),
        ("a_0.aac", |bytes| bytes.truncate(150), Corruption::CutInside { form: Format::Adts }),
        ("a.jpg", |bytes| bytes.truncate(90), Corruption::CutInside { form: Format::Jpeg }),
        ("a_0.mp4", |bytes| *bytes = b"<html>sign in</html>".to_vec(), Corruption::Page(Page::Html)),
    ];
    for (name, harm, what) in table {
        let mut files = good();
        harm(&mut files.iter_mut().find(|file| file.name == name).unwrap().bytes);
        let check = check(&files, Vec::new());
        let [damage] = &check.damage[..] else { panic!("{name}: {:?}", check.damage) };
        assert_eq!(damage.path, format!("data/{name}"));
        match (&damage.what, &what) {
            (Corruption::PlayingTime { found_ms, .. }, Corruption::PlayingTime { .. }) => {
                assert!((2000..4500).contains(found_ms), "{found_ms}");
            }
            (found, what) => assert_eq!(found, what, "{name}"),
        }
    }
}

fn index_of(bytes: &[u8]) -> usize {
    bytes.windows(4).position(|name| name == b"moov").unwrap() - 4
}

#[test]
fn what_a_store_vouched_for_may_have_been_recorded_with_packets_missing() {
    for (evidence, damaged) in [
        (Evidence::StoreDigest { algorithm: Algorithm::Md5, by: SourceName::new("prod") }, false),
        (Evidence::LengthOnly, true),
    ] {
        let mut files = good();
        let ts = &mut files[1];
        ts.evidence = evidence;
        // One packet of a picture in the middle.
        ts.bytes.drain(188 * 50..188 * 51);
        assert_eq!(check(&files, Vec::new()).is_good(), !damaged);
    }
}

#[test]
fn reports_that_tell_no_forms_are_read_by_name_unless_segments_are_encrypted() {
    let mut files = good();
    files.iter_mut().for_each(|file| file.form = None);
    assert_eq!(check(&files, Vec::new()).judged, 6);
    files[1].bytes = b"not to be read without the key".to_vec();
    assert_eq!(check(&files, Vec::new()).damage.len(), 1);
    let unread = check(&files, vec![encrypted()]);
    assert_eq!((unread.judged, unread.not_judged, unread.is_good()), (0, 7, true));
}

/// Code and stdout of `recfetch verify` with these words.
fn run(words: &[&str], bag: &Path) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_recfetch"))
        .arg("verify")
        .args(words)
        .arg(bag)
        .env_clear()
        .env("HOME", bag)
        .output()
        .unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn the_program_finds_it_only_when_it_looks_deep() {
    let dir = tempfile::tempdir().unwrap();
    let good = bag(&dir.path().join("good"), &good(), Vec::new());
    let (code, said) = run(&["--deep"], &good);
    assert_eq!(code, 0, "{said}");
    assert!(said.starts_with("whole "), "{said}");
    assert!(
        said.contains("media of 6 files looked into, 1 could not be judged; recording complete"),
        "{said}"
    );

    let mut files = self::good();
    let end = index_of(&files[3].bytes);
    files[3].bytes.truncate(end);
    let bad = bag(&dir.path().join("bad"), &files, Vec::new());
    let (code, said) = run(&[], &bad);
    assert!(code == 0 && said.starts_with("whole "), "{code} {said}");
    let (code, said) = run(&["--deep"], &bad);
    assert_eq!(code, 4, "{said}");
    assert!(said.contains("bad-media  data/a_0.mp4: no index (moov)"), "{said}");
    assert!(said.contains("1 bad-media; "), "{said}");
    let (code, said) = run(&["--deep", "--json"], &bad);
    let value: Value = serde_json::from_str(&said).unwrap();
    let bag = &value["bags"][0];
    assert_eq!((code, &bag["whole"], &bag["exit_code"]), (4, &Value::Bool(false), &Value::from(4)));
    assert_eq!(bag["damage"][0]["kind"], "bad-media");
    assert_eq!(bag["damage"][0]["path"], "data/a_0.mp4");
    assert_eq!((&bag["media"]["judged"], &bag["media"]["not_judged"]), (&Value::from(6), &Value::from(1)));

    // Changed bytes are named as changed, not as bad media.
    std::fs::write(bad.join("data/a_0.mp4"), b"other").unwrap();
    let (code, said) = run(&["--deep"], &bad);
    assert!(code == 4 && said.contains("changed  data/a_0.mp4") && !said.contains("bad-media"), "{said}");
}
