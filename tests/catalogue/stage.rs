//! A recording in stores, and the program that checks it.

use std::process::Command;

use jiff::SignedDuration;
use recfetch_test_support::s3::{Permission, Token};
use recfetch_test_support::{
    Checksum, Handle, Keys, KodoOptions, Object, Objects, OssOptions, S3Options, fault, kodo, oss, s3,
    script, web,
};
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::case::{Case, Server, StoreKind};
use crate::changes::{self, Stores};
use crate::clean::Clean;
use crate::names::{fill, start_ms};

/// Where recordings lie.
pub(crate) const FOLDER: &str = "school/math/";

const BUCKET: &str = "lessons";
const ACCESS: &str = "AKIALOOPBACK";
const SECRET: &str = "loopback-secret";

/// Long ago: what Agora Cloud Backup held is gone, and nothing runs any more.
const START: &str = "20250920125142485";

/// What the program said.
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) check: Option<Value>,
    pub(crate) err: String,
}

/// A clean recording in a store.
pub(crate) fn clean(form: &str, store: StoreKind) -> (Clean, Said) {
    let clean = Clean::of(form, START);
    let said =
        run(&clean, &Setting { store, server: &Server::default(), args: &[], events: None }, &stores(&clean));
    (clean, said)
}

/// A case of the catalogue.
pub(crate) fn case(case: &Case) -> (Clean, Said) {
    let start = match &case.ended {
        None => START.to_owned(),
        Some(ago) => {
            let length = i64::try_from(Clean::of(&case.like, START).length_ms()).unwrap();
            let start = jiff::Timestamp::now() - SignedDuration::from_millis(span(ago) + length);
            start.strftime("%Y%m%d%H%M%S%3f").to_string()
        }
    };
    let clean = Clean::of(&case.like, &start);
    let stores = stores(&clean);
    for change in &case.change {
        changes::apply(change, &clean, &stores);
    }
    let events = case.events.as_ref().map(|text| fill(&clean, text));
    let setting = Setting { store: case.store, server: &case.server, args: &case.args, events };
    let said = run(&clean, &setting, &stores);
    (clean, said)
}

/// `90s`, `2h`, `3d` in milliseconds.
pub(crate) fn span(text: &str) -> i64 {
    let (number, unit) = text.split_at(text.len() - 1);
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => panic!("no span `{text}`"),
    };
    number.parse::<i64>().unwrap() * seconds * 1000
}

/// The recording in its own store, each object written as its slice ended, and an empty backup.
fn stores(clean: &Clean) -> Stores {
    let own = Objects::new();
    let end = start_ms(&clean.lists[0].1) + i64::try_from(clean.length_ms()).unwrap();
    for (name, bytes) in &clean.files {
        let slice = clean.lists.iter().find_map(|(_, plan)| {
            let at = plan.slice_names().iter().position(|slice| slice == name)?;
            let before: u64 = plan.durations_ms[..=at].iter().sum();
            let gaps: u64 = plan.gaps_ms.iter().filter(|(after, _)| *after < at).map(|(_, ms)| ms).sum();
            Some(start_ms(plan) + i64::try_from(before + gaps).unwrap())
        });
        let written = u64::try_from(slice.unwrap_or(end) / 1000).unwrap() + 2;
        let kind = match name.rsplit('.').next().unwrap() {
            "m3u8" => "application/x-mpegURL",
            "mpd" => "application/dash+xml",
            "ts" => "video/MP2T",
            "webm" => "video/webm",
            "mp4" => "video/mp4",
            _ => "image/jpeg",
        };
        let object = Object::new(bytes.clone()).content_type(kind).modified(written);
        own.put(format!("{FOLDER}{name}"), object.with_checksum(Checksum::Crc64Nvme));
    }
    Stores { own, backup: Objects::new() }
}

/// Where and how a recording is checked.
struct Setting<'a> {
    store: StoreKind,
    server: &'a Server,
    args: &'a [String],
    events: Option<String>,
}

fn run(clean: &Clean, setting: &Setting<'_>, stores: &Stores) -> Said {
    let home = TempDir::new().unwrap();
    let runtime = Runtime::new().unwrap();
    let server = setting.server;
    let with_backup = server.backup || !stores.backup.keys().is_empty();
    let mut config = String::new();
    let mut handles = Vec::new();
    let mut first = "prod";
    if server.second {
        let nothing = Objects::new();
        let handle =
            runtime.block_on(s3::start(&nothing, S3Options::new(BUCKET, Keys::new(ACCESS, SECRET)))).unwrap();
        config += &s3_settings("empty", &handle.url(), server);
        handles.push(handle);
        first = "empty";
    }
    let (text, more) = runtime.block_on(own(setting, stores, &home));
    config += &text;
    if with_backup {
        config += "fallback = [\"backup\"]\n";
    }
    handles.extend(more);
    if with_backup {
        let handle = runtime
            .block_on(s3::start(&stores.backup, S3Options::new(BUCKET, Keys::new(ACCESS, SECRET))))
            .unwrap();
        let front = runtime.block_on(behind(&handle, server.backup_faults.as_deref(), &stores.backup));
        config += &s3_settings("backup", &front.as_ref().unwrap_or(&handle).url(), &Server::default());
        handles.push(handle);
        handles.extend(front);
    }
    let file = home.path().join("config.toml");
    std::fs::write(&file, config).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_recfetch"));
    command.args(["check", &clean.lists[0].1.sid, "--json", "--retries", "1", "--config"]).arg(&file);
    command.args(["--store", first]);
    if server.second {
        command.args(["--store", "prod"]);
    }
    if setting.store == StoreKind::Web {
        command.args(["--channel", &clean.lists[0].1.channel]);
    }
    if let Some(events) = &setting.events {
        let log = home.path().join("events.ndjson");
        std::fs::write(&log, events).unwrap();
        command.arg("--events").arg(log);
    }
    let output = command
        .args(setting.args)
        .env_clear()
        .env("HOME", home.path())
        .env("KEY", if server.key.as_deref() == Some("unknown") { "AKIANOBODY" } else { ACCESS })
        .env("SECRET", if server.key.as_deref() == Some("wrong") { "not-the-secret" } else { SECRET })
        .env("TOKEN", "a-token")
        .output()
        .unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    for secret in [SECRET, "Signature=", "a-token"] {
        assert!(
            !err.contains(secret) && !String::from_utf8_lossy(&output.stdout).contains(secret),
            "{secret}: {err}"
        );
    }
    let check = serde_json::from_slice(&output.stdout).ok();
    Said { code: output.status.code().unwrap_or(-1), check, err }
}

/// The settings of the recording's own store, and its servers.
async fn own(setting: &Setting<'_>, stores: &Stores, home: &TempDir) -> (String, Vec<Handle>) {
    let server = setting.server;
    let keys = Keys {
        token: match server.token.as_deref() {
            Some("expired") => Token::Expired,
            _ => Token::None,
        },
        list: permission(server.list.as_deref()),
        read: permission(server.read.as_deref()),
        ..Keys::new(ACCESS, SECRET)
    };
    let anonymous = if server.public { Permission::Allowed } else { Permission::Denied };
    let handle = match setting.store {
        StoreKind::S3 => {
            let options = S3Options {
                clock_ahead: server.ahead,
                region: server.region.clone(),
                anonymous,
                ..S3Options::new(BUCKET, keys)
            };
            s3::start(&stores.own, options).await.unwrap()
        }
        StoreKind::Oss => {
            let options =
                OssOptions { clock_ahead: server.ahead, anonymous, ..OssOptions::new(BUCKET, keys) };
            oss::start(&stores.own, options).await.unwrap()
        }
        StoreKind::Kodo => {
            let options =
                KodoOptions { clock_ahead: server.ahead, ..KodoOptions::new(BUCKET, ACCESS, SECRET) };
            kodo::start(&stores.own, options).await.unwrap()
        }
        StoreKind::Web => web::start(&stores.own).await.unwrap(),
        StoreKind::Folder => {
            let root = home.path().join("store");
            for key in stores.own.keys() {
                let file = root.join(&key);
                std::fs::create_dir_all(file.parent().unwrap()).unwrap();
                let object = stores.own.get(&key).unwrap();
                std::fs::write(&file, object.bytes()).unwrap();
                let file = std::fs::File::options().write(true).open(&file).unwrap();
                file.set_modified(object.modified_time()).unwrap();
            }
            let prefix = server.prefix.as_deref().unwrap_or("school/math");
            let text = format!(
                "[store.prod]\nvendor = \"dir\"\npath = {:?}\nprefix = {prefix:?}\n",
                root.display().to_string()
            );
            return (text, Vec::new());
        }
    };
    let front = behind(&handle, server.faults.as_deref(), &stores.own).await;
    let url = front.as_ref().unwrap_or(&handle).url();
    let common = |vendor: &str| {
        let bucket = server.bucket.as_deref().unwrap_or(BUCKET);
        let prefix = server.prefix.as_deref().unwrap_or("school/math");
        format!(
            "[store.prod]\nvendor = {vendor:?}\nregion = 0\nbucket = {bucket:?}\nprefix = {prefix:?}\n\
             access_key_env = \"KEY\"\nsecret_key_env = \"SECRET\"\nendpoint = {url:?}\n"
        )
    };
    let text = match setting.store {
        StoreKind::S3 => s3_settings("prod", &url, server),
        StoreKind::Oss => common("aliyun") + "interface = \"oss\"\n",
        StoreKind::Kodo => common("qiniu") + "interface = \"kodo\"\n",
        // It cannot list: the channel has to be known.
        StoreKind::Web | StoreKind::Folder => {
            format!("[store.prod]\nvendor = \"http\"\nurl = \"{url}/{FOLDER}\"\n")
        }
    };
    (text, std::iter::once(handle).chain(front).collect())
}

fn s3_settings(name: &str, url: &str, server: &Server) -> String {
    let bucket = server.bucket.as_deref().unwrap_or(BUCKET);
    let prefix = server.prefix.as_deref().unwrap_or("school/math");
    let token = if server.token.is_some() { "session_token_env = \"TOKEN\"\n" } else { "" };
    format!(
        "[store.{name}]\nvendor = \"s3\"\nregion = \"us-east-1\"\nbucket = {bucket:?}\nprefix = {prefix:?}\n\
         endpoint = {url:?}\npath_style = true\naccess_key_env = \"KEY\"\nsecret_key_env = \"SECRET\"\n{token}"
    )
}

async fn behind(server: &Handle, faults: Option<&str>, objects: &Objects) -> Option<Handle> {
    let faults = script::parse(faults?).expect("a fault script").with_objects(objects);
    Some(fault::start(&server.url(), &faults).await.unwrap())
}

fn permission(word: Option<&str>) -> Permission {
    match word {
        None => Permission::Allowed,
        Some("denied") => Permission::Denied,
        Some(other) => panic!("no permission `{other}`"),
    }
}
