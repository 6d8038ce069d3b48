//! A folder to call the program in, and a bucket with a recording.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use bytes::Bytes;
use recfetch_test_support::ts::{SliceSpec, slice};
use recfetch_test_support::{Handle, Keys, Objects, Plan, S3Options, s3, web};
use serde_json::{Value, json};
use tempfile::TempDir;

pub const BUCKET: &str = "lessons";
pub const SID: &str = "38f8e3cfdc474cd56fc1ceba380d7e1a";
pub const KEY: &str = "AKIAHUNTER1";
/// Every secret of these tests has this in it, so that none can hide.
pub const SECRET_MARK: &str = "hunter2";
pub const SECRET: &str = "hunter2-storage";

pub struct Home(TempDir);

#[derive(Debug)]
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Home {
    pub fn new(config: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("config/recfetch");
        std::fs::create_dir_all(&folder).unwrap();
        if !config.is_empty() {
            std::fs::write(folder.join("config.toml"), config).unwrap();
        }
        Self(home)
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    pub fn run(&self, args: &[&str], variables: &[(&str, &str)]) -> Said {
        self.run_with(args, variables, "")
    }

    /// Whatever happens, no secret is printed.
    pub fn run_with(&self, args: &[&str], variables: &[(&str, &str)], stdin: &str) -> Said {
        let output = tokio::task::block_in_place(|| {
            Command::new(env!("CARGO_BIN_EXE_recfetch"))
                .args(args)
                .args(
                    ["--config", "config/recfetch/config.toml"]
                        .iter()
                        .take(2 * usize::from(self.has_config())),
                )
                .env_clear()
                .env("HOME", self.path())
                .env("XDG_CONFIG_HOME", self.path().join("config"))
                .env("RECFETCH_RETRIES", "1")
                .envs(variables.iter().copied())
                .current_dir(self.path())
                .write_stdin(stdin)
                .output()
                .unwrap()
        });
        let home = self.path().display().to_string();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().replace(&home, "~");
        let code = output.status.code().unwrap();
        let said = Said { code, out: text(output.stdout), err: text(output.stderr) };
        assert_eq!(leak(&said.out).or(leak(&said.err)), None, "{said:?}");
        said
    }

    fn has_config(&self) -> bool {
        self.path().join("config/recfetch/config.toml").exists()
    }

    /// The payload of a bag by name.
    pub fn payload(&self, sid: &str) -> BTreeMap<String, Vec<u8>> {
        let Ok(entries) = std::fs::read_dir(self.path().join(sid).join("data")) else {
            return BTreeMap::new();
        };
        let file = |entry: std::fs::DirEntry| {
            (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap())
        };
        entries.flatten().map(file).collect()
    }

    pub fn report(&self, sid: &str) -> Value {
        serde_json::from_slice(&std::fs::read(self.path().join(sid).join("report.json")).unwrap()).unwrap()
    }
}

/// What of a text is secret: whatever has the mark, and the access key.
pub fn leak(text: &str) -> Option<&str> {
    text.lines().find(|line| line.contains(SECRET_MARK) || line.contains(KEY))
}

#[test]
fn the_watch_for_secrets_sees_them() {
    assert!(leak(&format!("a\nkey {KEY}")).is_some() && leak(&format!("{SECRET}\n")).is_some());
    assert_eq!(leak("****"), None);
}

pub fn plan() -> Plan {
    Plan::new(&[2000, 2000])
}

/// The files of a plan.
pub fn files(plan: &Plan) -> Vec<(String, Bytes)> {
    // The slices of a failover are others than those before it.
    let first = plan.failover.map_or(0, |n| 2 * (u64::from(n) + 1));
    let spec =
        |n: u64| SliceSpec { start_pts: 126_000 + n * 180_000, seed: first + n, ..SliceSpec::default() };
    let slices: Vec<Bytes> = (0..plan.durations_ms.len() as u64).map(|n| slice(&spec(n)).into()).collect();
    plan.files(&slices)
}

pub fn put(objects: &Objects, prefix: &str, plan: &Plan) {
    for (name, bytes) in files(plan) {
        objects.put(format!("{prefix}{name}"), bytes);
    }
}

/// A bucket that only these keys may read.
pub async fn bucket(objects: &Objects) -> Handle {
    s3::start(objects, S3Options::new(BUCKET, Keys::new(KEY, SECRET))).await.unwrap()
}

/// A web server, which cannot list.
pub async fn server(objects: &Objects) -> Handle {
    web::start(objects).await.unwrap()
}

/// Settings with the bucket as the store `prod`.
pub fn config(server: &Handle, more: &str) -> String {
    format!(
        "[store.prod]\nvendor = \"s3\"\nendpoint = \"{}\"\nbucket = \"{BUCKET}\"\naccess_key_env = \"PROD_KEY\"\n\
         secret_key_env = \"PROD_SECRET\"\n{more}\n",
        server.url()
    )
}

/// The variables that the settings name.
pub const PROD: &[(&str, &str)] = &[("PROD_KEY", KEY), ("PROD_SECRET", SECRET)];

/// A callback of today about a recording.
pub fn callback(event: u32, sid: &str, details: &Value) -> String {
    json!({
        "noticeId": "n1", "productId": 3, "eventType": event, "notifyMs": 1_755_765_617_377_i64, "sid": sid,
        "payload": {"cname": "math_7b", "uid": "999", "sid": sid, "sequence": 3, "serviceType": 0,
                    "serviceScene": "mix_record", "details": details}
    })
    .to_string()
}

/// Event 31 or 32 with these files.
pub fn uploaded(event: u32, names: &[&str]) -> String {
    let files: Vec<Value> = names.iter().map(|name| json!({"fileName": name, "uid": "0"})).collect();
    callback(event, SID, &json!({"status": 0, "fileList": files}))
}

/// All bytes of the recording are here, and they are the right ones.
pub fn assert_whole(home: &Home, plan: &Plan) {
    let here = home.payload(&plan.sid);
    for (name, bytes) in files(plan) {
        assert!(here.get(&name).is_some_and(|found| bytes == found[..]), "{name}");
    }
}
