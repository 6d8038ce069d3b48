//! `recfetch check` as a user runs it: against folders, and against an S3 server that checks signatures.

#![cfg(all(feature = "cli", feature = "s3", feature = "oss"))]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop there")]

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use bytes::Bytes;
use recfetch_test_support::s3::Permission;
use recfetch_test_support::{Handle, Keys, Objects, S3Options, s3};
use serde_json::Value;
use tempfile::TempDir;

const SID: &str = "38f8e3cfdc474cd56fc1ceba380d7e1a";
const ACCESS: &str = "AKIAEXAMPLE";
const SECRET: &str = "hunter2-secret";

/// The third and the fifth of its six slices.
const THIRD: &str = "38f8e3cfdc474cd56fc1ceba380d7e1a_math_7b_20260920125154485.ts";
const FIFTH: &str = "38f8e3cfdc474cd56fc1ceba380d7e1a_math_7b_20260920125206485.ts";

/// A folder with settings for two stores, each of which is a folder.
struct World(TempDir);

struct Said {
    code: i32,
    out: String,
    err: String,
}

impl World {
    fn new() -> Self {
        let world = Self(tempfile::tempdir().unwrap());
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/recording");
        for folder in ["prod", "backup"] {
            std::fs::create_dir(world.path(folder)).unwrap();
        }
        for entry in std::fs::read_dir(fixtures).unwrap().flatten() {
            if entry.file_name().to_string_lossy().starts_with(SID) {
                std::fs::copy(entry.path(), world.path("prod").join(entry.file_name())).unwrap();
            }
        }
        let store = |name: &str| {
            format!("[store.{name}]\nvendor = \"dir\"\npath = \"{}\"\n", world.path(name).display())
        };
        std::fs::write(world.path("config.toml"), store("prod") + &store("backup")).unwrap();
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The third slice is only in the backup, the fifth nowhere.
    fn damaged() -> Self {
        let world = Self::new();
        std::fs::rename(world.path("prod").join(THIRD), world.path("backup").join(THIRD)).unwrap();
        std::fs::remove_file(world.path("prod").join(FIFTH)).unwrap();
        world
    }

    fn check(&self, args: &[&str]) -> Said {
        self.check_with(args, &[("LANG", "C.UTF-8")])
    }

    fn check_with(&self, args: &[&str], variables: &[(&str, &str)]) -> Said {
        self.run("check", args, variables)
    }

    fn run(&self, command: &str, args: &[&str], variables: &[(&str, &str)]) -> Said {
        let output = Command::new(env!("CARGO_BIN_EXE_recfetch"))
            .arg(command)
            .args(args)
            .arg("--config")
            .arg(self.path("config.toml"))
            .env_clear()
            .env("HOME", self.0.path())
            .env("RECFETCH_RETRIES", "0")
            .envs(variables.iter().copied())
            .current_dir(self.0.path())
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let (out, err) = (text(output.stdout), text(output.stderr));
        for secret in [ACCESS, SECRET, "X-Amz-Signature", "uthorization:"] {
            assert!(!out.contains(secret) && !err.contains(secret), "{secret} in {out}{err}");
        }
        Said { code: output.status.code().unwrap(), out, err }
    }
}

#[test]
fn a_lost_segment_is_named_with_its_time_and_shows_on_the_line() {
    let world = World::damaged();
    let said = world.check(&[SID, "--store", "prod", "--fallback", "backup"]);
    assert_eq!(said.code, 3, "{}{}", said.out, said.err);
    let lost = said.out.lines().find(|line| line.starts_with("lost ")).unwrap();
    assert!(lost.contains("#5") && lost.contains("12:52:06.485"), "{}", said.out);
    assert!(said.out.contains("only in backup 1") && said.out.contains("lost 1"), "{}", said.out);
    let drawn = said.out.lines().find(|line| line.contains('█')).unwrap();
    assert_eq!(drawn.chars().count(), 80, "{drawn}");
    assert!(drawn.contains('┈') && drawn.contains('▒'), "{drawn}");
    assert!(said.out.lines().last().unwrap().starts_with("incomplete 1 lost"), "{}", said.out);
    // Without the backup two are lost.
    let alone = world.check(&[SID, "--store", "prod"]);
    assert_eq!(alone.code, 3);
    assert!(alone.out.lines().last().unwrap().starts_with("incomplete 2 lost"), "{}", alone.out);
}

#[test]
fn a_whole_recording_and_one_that_can_be_had_are_successes() {
    let said = World::new().check(&[SID, "--store", "prod"]);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    assert!(said.out.contains("nothing missing: 6 segments"), "{}", said.out);
    assert!(!said.out.contains("lost"), "{}", said.out);
    let world = World::new();
    std::fs::rename(world.path("prod").join(THIRD), world.path("backup").join(THIRD)).unwrap();
    let said = world.check(&[SID, "--store", "prod", "--fallback", "backup"]);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    assert!(said.out.lines().last().unwrap().starts_with("elsewhere "), "{}", said.out);
}

#[test]
fn where_the_locale_is_not_utf_8_the_line_is_drawn_in_ascii() {
    let world = World::damaged();
    let args = [SID, "--store", "prod"];
    let ascii_args = [SID, "--store", "prod", "--ascii"];
    for said in [
        world.check_with(&args, &[]),
        world.check_with(&args, &[("LANG", "C.UTF-8"), ("TERM", "dumb")]),
        world.check(&ascii_args),
    ] {
        assert!(said.out.is_ascii(), "{}", said.out);
        let drawn = said.out.lines().find(|line| line.contains("###")).unwrap();
        assert!(drawn.len() == 80 && drawn.contains('!'), "{drawn}");
    }
}

#[test]
fn json_says_the_same_as_the_exit_code() {
    let said = World::damaged().check(&[SID, "--store", "prod", "--json"]);
    let check: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(check["format"], "recfetch-check/1");
    assert_eq!(check["standing"], "incomplete");
    assert_eq!((check["exit_code"].as_i64(), said.code), (Some(3), 3));
    let segments = check["tracks"][0]["segments"].as_array().unwrap();
    let lost: Vec<_> =
        segments.iter().filter(|one| one["presence"] == "lost").map(|one| &one["name"]).collect();
    assert_eq!(lost, [THIRD, FIFTH]);
}

#[test]
fn many_recordings_are_a_line_each_and_the_worst_gives_the_code() {
    let world = World::damaged();
    let other = "sid713476478245";
    let both = [SID, other, "--store", "prod"];
    let table = world.check(&both);
    assert_eq!(table.code, 7, "{}{}", table.out, table.err);
    let lines: Vec<_> = table.out.lines().collect();
    assert_eq!(lines.len(), 3, "{}", table.out);
    assert!(lines[0].starts_with("standing") && lines[1].starts_with("incomplete"), "{}", table.out);
    assert!(lines[2].starts_with("failed") && lines[2].contains("not found"), "{}", table.out);

    let csv = world.check(&[&both[..], &["--format", "csv"]].concat());
    let rows: Vec<Vec<&str>> = csv.out.split("\r\n").map(|line| line.split(',').collect()).collect();
    let column = rows[0].iter().position(|name| *name == "lost").unwrap();
    assert_eq!((rows[1][0], rows[1][column]), (SID, "2"), "{}", csv.out);
    assert_eq!((rows[2][0], rows[2][2]), (other, "7"), "{}", csv.out);

    let lines = world.check(&[&both[..], &["--format", "ndjson"]].concat());
    let objects: Vec<Value> = lines.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&objects[0]["lost"], &objects[1]["exit_code"]), (&2.into(), &7.into()));

    let json = world.check(&[&both[..], &["--json"]].concat());
    let objects: Vec<Value> = json.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(objects[0]["format"], "recfetch-check/1");
    assert_eq!(objects[1]["format"], "recfetch-failure/1");
}

#[test]
fn what_cannot_be_combined_is_refused_before_anything_is_asked() {
    let world = World::new();
    for args in [
        &[SID, "--json", "--ticket"][..],
        &[SID, "--json", "--format", "csv"],
        &[SID, "--ticket", "--format", "csv"],
        &[SID, "other", "--write-playlist", "a.m3u8"],
        &["--all", "--html", "a.html"],
        &[SID, "--all"],
        &[SID, "--players=app.example.com"],
        &[SID, "--players=https://app.example.com/page"],
        &[],
    ] {
        let said = world.check(args);
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{args:?}: {}", said.err);
    }
}

#[test]
fn the_request_to_support_names_what_is_missing_and_nothing_else() {
    let world = World::damaged();
    let said = world.check(&[SID, "--store", "prod", "--fallback", "backup", "--ticket", "--app-id", "app7"]);
    assert_eq!(said.code, 3);
    assert!(said.out.contains("App ID           app7\n"), "{}", said.out);
    assert!(said.out.contains(FIFTH) && !said.out.contains(THIRD), "{}", said.out);
    let whole = World::new().check(&[SID, "--store", "prod", "--ticket"]);
    assert_eq!(whole.code, 0);
    assert!(whole.out.starts_with("Nothing of recording "), "{}", whole.out);
}

#[test]
fn the_playlist_lists_what_is_there_and_marks_what_is_not() {
    let world = World::damaged();
    let args = [SID, "--store", "prod", "--fallback", "backup", "--write-playlist", "list.m3u8"];
    let said = world.check(&args);
    assert_eq!(said.code, 3);
    let text = std::fs::read_to_string(world.path("list.m3u8")).unwrap();
    assert!(text.contains("# only in backup: copy it here\n"), "{text}");
    let (_, list) = m3u8_rs::parse_media_playlist(text.as_bytes()).unwrap();
    assert_eq!((list.segments.len(), list.end_list), (6, true));
    assert!(text.contains(&format!("#EXT-X-GAP\n#EXTINF:6.000000,\n{FIFTH}\n")), "{text}");
    assert_eq!(text.matches("#EXT-X-AGORA-").count(), original_marks(&world), "{text}");
    let folder = std::fs::read_dir(world.0.path()).unwrap().flatten();
    let names: Vec<_> = folder.map(|entry| entry.file_name().into_string().unwrap()).collect();
    assert!(!names.iter().any(|name| name.ends_with(".part")), "{names:?}");
    // Where it cannot be written that is the failure.
    let failed = world.check(&[SID, "--store", "prod", "--write-playlist", "no/such/folder/list.m3u8"]);
    assert_eq!(failed.code, 9, "{}", failed.err);
}

#[test]
fn all_recordings_of_a_store_are_told_from_one_pass() {
    let world = World::damaged();
    // Another one, whole, in a folder of its own.
    let other = "0123456789abcdef0123456789abcdef";
    std::fs::create_dir(world.path("prod").join("other")).unwrap();
    for entry in std::fs::read_dir(World::new().path("prod")).unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap().replace(SID, other);
        let bytes = std::fs::read(entry.path()).unwrap();
        let text = String::from_utf8(bytes.clone()).map(|text| text.replace(SID, other).into_bytes());
        std::fs::write(world.path("prod").join("other").join(name), text.unwrap_or(bytes)).unwrap();
    }
    let said = world.check(&["--all", "--store", "prod", "--format", "csv"]);
    assert_eq!(said.code, 3, "{}{}", said.out, said.err);
    let mut rows: Vec<Vec<&str>> = said.out.lines().skip(1).map(|line| line.split(',').collect()).collect();
    rows.sort_unstable();
    let told: Vec<_> = rows.iter().map(|row| (row[0], row[1], row[6])).collect();
    assert_eq!(told, [(other, "nothing-missing", "other/"), (SID, "incomplete", "")], "{}", said.out);
    assert!(said.err.contains("surveyed   prod: 2 recordings"), "{}", said.err);
    let json = world.check(&["--all", "--store", "prod", "--json"]);
    assert!(json.out.lines().all(|line| line.starts_with('{') && line.ends_with('}')), "{}", json.out);
    assert_eq!(json.out.lines().count(), 2);
}

#[test]
fn the_page_is_one_file_about_this_recording() {
    let world = World::damaged();
    assert_eq!(world.check(&[SID, "--store", "prod", "--html", "check.html"]).code, 3);
    let page = std::fs::read_to_string(world.path("check.html")).unwrap();
    assert!(page.contains(SID) && page.contains(FIFTH) && page.trim_end().ends_with("</html>"));
}

#[test]
fn what_is_awaited_is_told_and_in_the_end_the_last_look_counts() {
    let world = World::damaged();
    let said = world.check(&[SID, "--store", "prod", "--fallback", "backup", "--wait-backup", "1s"]);
    assert_eq!(said.code, 3, "{}{}", said.out, said.err);
    assert!(said.err.contains("awaiting   38f8e3cf…: 1 segment (…_20260920125206485.ts)"), "{}", said.err);
    assert!(said.err.contains("this was the last look"), "{}", said.err);
    // A fetch waits in the same way, and then fetches what there is.
    let fetched = world.run("fetch", &[SID, "--store", "prod", "--out", "out", "--wait-backup", "1s"], &[]);
    assert_eq!(fetched.code, 3, "{}{}", fetched.out, fetched.err);
    assert!(fetched.err.contains("awaiting   38f8e3cf…: 2 segments"), "{}", fetched.err);
    assert!(world.path("out").join(SID).join("bagit.txt").exists());
    // Where nothing is missing nobody waits.
    let whole = World::new().check(&[SID, "--store", "prod", "--wait-backup", "1h"]);
    assert_eq!((whole.code, whole.err.contains("awaiting")), (0, false), "{}", whole.err);
}

/// A callback of today: something went to Agora Cloud Backup.
fn backed_up() -> String {
    format!(
        "{{\"noticeId\":\"n1\",\"productId\":3,\"eventType\":32,\"notifyMs\":1789909930000,\"sid\":\"{SID}\",\
         \"payload\":{{\"cname\":\"math_7b\",\"uid\":\"527841\",\"sid\":\"{SID}\",\"sequence\":3,\"serviceType\":2,\
         \"details\":{{\"msgName\":\"cloud_recording_backuped\",\"status\":0,\"fileList\":[]}}}}}}"
    )
}

#[test]
fn a_log_of_callbacks_says_what_no_bucket_can() {
    let world = World::damaged();
    std::fs::write(world.path("log.ndjson"), format!("{}\nno event of {SID}\n", backed_up())).unwrap();
    let args = [SID, "--store", "prod", "--events", "log.ndjson"];
    let said = world.check(&[&args[..], &["--json"]].concat());
    let check: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((&check["state"], &check["recorder"]), (&"backed-up".into(), &527_841.into()), "{}", said.err);
    assert!(said.err.contains("log.ndjson`, line 2"), "{}", said.err);
    let ticket = world.check(&[&args[..], &["--ticket"]].concat());
    assert!(ticket.out.contains("backuped (event 32)"), "{}", ticket.out);
    assert!(ticket.out.contains("Recorder uid     527841"), "{}", ticket.out);
    // With a secret nothing is believed that is not signed.
    let doubted = world.check_with(
        &[&args[..], &["--json", "--events-secret-env", "CALLBACKS"]].concat(),
        &[("CALLBACKS", SECRET)],
    );
    let check: Value = serde_json::from_str(&doubted.out).unwrap();
    assert_eq!(check["state"], "untold", "{}", doubted.err);
    assert!(doubted.err.contains("left out"), "{}", doubted.err);
    // A log that is not there, and a secret that is not there, are said before anything is asked.
    for args in [
        &[SID, "--store", "prod", "--events", "nowhere.ndjson"][..],
        &[&args[..], &["--events-secret-env", "UNSET"]].concat(),
        &[SID, "--store", "prod", "--events-secret-env", "CALLBACKS"],
        &["--all", "--store", "prod", "--events", "log.ndjson"],
    ] {
        let said = world.check(args);
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{args:?}: {}", said.err);
    }
}

/// How many of Agora's marks its own playlist has before slices.
fn original_marks(world: &World) -> usize {
    let list = std::fs::read_dir(world.path("prod")).unwrap().flatten();
    let list =
        list.map(|entry| entry.path()).find(|path| path.extension().is_some_and(|kind| kind == "m3u8"));
    std::fs::read_to_string(list.unwrap()).unwrap().matches("#EXT-X-AGORA-").count()
}

/// A bucket with the recording, whose only key may do so much; the settings name it as `amazon`.
fn bucket(world: &World, may: impl Fn(&mut Keys)) -> (tokio::runtime::Runtime, Handle) {
    let objects = Objects::new();
    for entry in std::fs::read_dir(world.path("prod")).unwrap().flatten() {
        let name = format!("school/{}", entry.file_name().to_string_lossy());
        objects.put(name, Bytes::from(std::fs::read(entry.path()).unwrap()));
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut keys = Keys::new(ACCESS, SECRET);
    may(&mut keys);
    let server = runtime.block_on(s3::start(&objects, S3Options::new("lessons", keys))).unwrap();
    let config = format!(
        "[store.amazon]\nvendor = \"aws\"\nregion = 4\nbucket = \"lessons\"\nprefix = \"school\"\nendpoint = \"{}\"\n\
         access_key_env = \"ACCESS\"\nsecret_key_env = \"SECRET\"\n",
        server.url()
    );
    std::fs::write(world.path("config.toml"), config).unwrap();
    (runtime, server)
}

const VARIABLES: [(&str, &str); 3] = [("LANG", "C.UTF-8"), ("ACCESS", ACCESS), ("SECRET", SECRET)];

#[test]
fn a_bucket_is_checked_without_reading_media() {
    let world = World::new();
    let (_runtime, server) = bucket(&world, |_| {});
    let said = world.check_with(&[SID], &VARIABLES);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    let asked: Vec<_> = server.requests().into_iter().map(|request| request.path).collect();
    assert!(!asked.iter().any(|path| path.ends_with(".ts")), "{asked:?}");
    assert!((2..=5).contains(&asked.len()), "{asked:?}");
}

#[test]
fn a_bucket_that_refuses_is_not_called_empty() {
    let world = World::new();
    let (_runtime, _server) = bucket(&world, |keys| keys.read = Permission::Denied);
    for more in [&[][..], &["--json"], &["--format", "csv"]] {
        let said = world.check_with(&[&[SID][..], more].concat(), &VARIABLES);
        assert_eq!(said.code, 6, "{}{}", said.out, said.err);
    }
}
