//! A recording brought to another store by recfetch, and read there by other people's clients.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use aws_sdk_s3::types::ObjectLockMode;

use crate::judge;
use crate::media::Recording;
use crate::program::Case;
use crate::servers::{ACCESS, BUCKET, SECRET, Server, client, world};
use crate::shapes::large_film;
use crate::vendors::Vendor;

/// What lies below a prefix, in a folder, with the class of each key.
struct Read {
    bag: PathBuf,
    classes: BTreeMap<String, String>,
}

/// Small objects and one in parts arrive byte for byte, in their class; the vendor's own client reads a bag that
/// is valid; and a second run has nothing to do.
pub(crate) fn is_brought(vendor: Vendor) {
    let (recording, prefix) = (large_film(), format!("mirrored/{}/", vendor.word()));
    let source = format!("mirror-from/{}/", vendor.word());
    Server::Loopback.upload(&source, &recording.files);
    let case = vendor.destination(Case::new("mirror").s3(Server::Loopback, &source, ""), &prefix);
    // What is frozen could not be read by the judge.
    let class = match vendor {
        Vendor::Oss => "IA",
        Vendor::Kodo => "line",
        Vendor::Seaweed | Vendor::S3 | Vendor::QiniuS3 => "STANDARD_IA",
    };
    let mut asked = vec!["mirror", &recording.sid, "--from", "prod", "--to", "cold", "--json"];
    asked.extend(["--class", class]);
    let first = case.run(&asked).expect(0).json();
    assert_eq!(first["state"], "mirrored", "{first:#}");
    let read = read(vendor, &case, &format!("{prefix}{}/", recording.sid));
    judge::bag_is_valid(&read.bag);
    judge::bag_has_every_byte(&read.bag, &first["report"], &recording);
    let expected = if vendor == Vendor::Kodo { "1" } else { class };
    for (key, class) in &read.classes {
        if key.contains("/data/") {
            assert_eq!(class, expected, "{key}");
        } else {
            assert_ne!(class, expected, "{key}");
        }
    }
    assert_eq!(case.run(&asked).expect(0).json()["state"], "there");
}

fn read(vendor: Vendor, case: &Case, prefix: &str) -> Read {
    let bag = case.path().join("read");
    std::fs::create_dir_all(&bag).expect("a folder");
    let listed = match vendor {
        Vendor::Oss => sdk(case, "oss_reads.py", &[&url(vendor), "cn-hangzhou", BUCKET, prefix], &bag),
        Vendor::Kodo => sdk(case, "kodo_reads.py", &[&url(vendor), BUCKET, ACCESS, SECRET, prefix], &bag),
        Vendor::Seaweed | Vendor::S3 | Vendor::QiniuS3 => {
            return Read {
                classes: by_amazons_client(&Server::Seaweed.endpoint(), BUCKET, prefix, &bag),
                bag,
            };
        }
    };
    let pairs = listed.lines().filter_map(|line| line.split_once('\t'));
    let classes = pairs.map(|(class, key)| (key.to_owned(), class.to_owned())).collect();
    Read { bag, classes }
}

fn url(vendor: Vendor) -> String {
    vendor.handle().expect("a server of the test kit").url()
}

fn sdk(case: &Case, script: &str, arguments: &[&str], folder: &Path) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real/judges").join(script);
    let mut command = Command::new(&world().tools.python);
    command.env_clear().envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
    command.arg(script).args(arguments).arg(folder).stdin(Stdio::null()).env("HOME", case.path());
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    command.env("OSS_ACCESS_KEY_ID", ACCESS).env("OSS_ACCESS_KEY_SECRET", SECRET);
    let output = command.output().expect("python");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

fn by_amazons_client(endpoint: &str, bucket: &str, prefix: &str, folder: &Path) -> BTreeMap<String, String> {
    let client = client(endpoint);
    world().runtime.block_on(async {
        let listed = client.list_objects_v2().bucket(bucket).prefix(prefix).send().await.expect("a listing");
        let mut classes = BTreeMap::new();
        for key in listed.contents().iter().filter_map(|object| object.key()) {
            let got = client.get_object().bucket(bucket).key(key).send().await.expect("an object");
            let class = got.storage_class().map_or("STANDARD", |class| class.as_str()).to_owned();
            let path = folder.join(&key[prefix.len()..]);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            let bytes = got.body.collect().await.expect("its bytes").into_bytes();
            std::fs::write(path, bytes).expect("written");
            classes.insert(key.to_owned(), class);
        }
        classes
    })
}

/// Objects of the recording are locked, in one piece or in parts; a bucket without object lock is refused before
/// anything is sent.
pub(crate) fn objects_are_locked_where_the_bucket_can() {
    let recording: Recording = large_film();
    Server::Loopback.upload("lock-from/", &recording.files);
    let client = &world().seaweed.client;
    let made = client.create_bucket().bucket("locked").object_lock_enabled_for_bucket(true).send();
    world().runtime.block_on(made).expect("a bucket");
    let case = Case::new("lock").s3(Server::Loopback, "lock-from/", "");
    let case = case.store("locked", &Server::Seaweed.endpoint(), "locked", "", "");
    let case = case.store("open", &Server::Seaweed.endpoint(), BUCKET, "lock-to/", "");
    let asked = |to| {
        let asked = ["mirror", &recording.sid, "--from", "prod", "--to", to];
        case.run(&[&asked[..], &["--lock", "GOVERNANCE:2"]].concat())
    };
    let refused = asked("open");
    assert!(refused.expect(2).stderr.contains("the bucket has no object lock"), "{}", refused.stderr);
    asked("locked").expect(0);
    let head = |path: &str| {
        let head = client.head_object().bucket("locked").key(format!("{}/{path}", recording.sid));
        world().runtime.block_on(head.send()).expect("facts")
    };
    for (name, _) in &recording.files {
        let found = head(&format!("data/{name}"));
        assert_eq!(found.object_lock_mode(), Some(&ObjectLockMode::Governance), "{name}");
        let until = found.object_lock_retain_until_date().expect("an end").secs();
        let days = (until - jiff::Timestamp::now().as_second()) as f64 / 86_400.0;
        assert!((1.9..=2.0).contains(&days), "{name}: {days}");
    }
    assert_eq!(head("mirror.json").object_lock_mode(), None);
    assert!(asked("locked").expect(0).stdout.starts_with("there"));
}

/// The classes of an archive reach a store that has them.
pub(crate) fn archive_classes_reach_the_store() {
    let recording = large_film();
    Server::Loopback.upload("archive-from/", &recording.files);
    let stack = &world().ministack;
    let case = Case::new("archive").s3(Server::Loopback, "archive-from/", "");
    let case = case.store("cold", &stack.endpoint, BUCKET, "archive-to/", "");
    let asked = ["mirror", &recording.sid, "--from", "prod", "--to", "cold", "--class", "DEEP_ARCHIVE"];
    case.run(&asked).expect(0);
    for (name, _) in &recording.files {
        let key = format!("archive-to/{}/data/{name}", recording.sid);
        let head = stack.client.head_object().bucket(BUCKET).key(key).send();
        let head = world().runtime.block_on(head).expect("facts");
        assert_eq!(head.storage_class().map(|class| class.as_str()), Some("DEEP_ARCHIVE"), "{name}");
    }
    assert!(case.run(&asked).expect(0).stdout.starts_with("there"));
}
