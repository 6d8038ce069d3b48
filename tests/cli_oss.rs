//! The program against Aliyun OSS by the names of its hosts. They lead to the server of the tests by way of
//! an HTTP proxy, which is that server itself: the program is told of nothing but the proxy.

#![cfg(all(feature = "cli", feature = "s3", feature = "oss"))]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop there")]

use assert_cmd::Command;
use recfetch_test_support::oss::{self, Signatures};
use recfetch_test_support::s3::{Permission, Token};
use recfetch_test_support::ts::{SliceSpec, slice};
use recfetch_test_support::{Handle, Keys, Objects, OssOptions, Plan};
use tempfile::TempDir;

const ACCESS: &str = "LTAIEXAMPLE";
const SECRET: &str = "hunter2/+=";

struct World {
    server: Handle,
    objects: Objects,
    plan: Plan,
    home: TempDir,
    _runtime: tokio::runtime::Runtime,
}

struct Said {
    code: i32,
    err: String,
    /// Both outputs.
    all: String,
}

fn options() -> OssOptions {
    let bound = vec!["media.example.com".to_owned()];
    OssOptions { bound, ..OssOptions::new("lessons", Keys::new(ACCESS, SECRET)) }
}

impl World {
    fn new(options: OssOptions) -> Self {
        let plan = Plan::new(&[2000; 3]);
        let slices: Vec<_> = (0..3_u64)
            .map(|n| {
                let start_pts = 126_000 + n * 180_000;
                slice(&SliceSpec { start_pts, seed: n, ..SliceSpec::default() }).into()
            })
            .collect();
        let objects = Objects::new();
        plan.put(&objects, "school/", &slices);
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let server = runtime.block_on(oss::start(&objects, options)).unwrap();
        Self { server, objects, plan, home: tempfile::tempdir().unwrap(), _runtime: runtime }
    }

    /// Fetches from a store with these settings more.
    fn fetch(&self, keys: &str, variables: &[(&str, &str)]) -> Said {
        let config = self.home.path().join("config.toml");
        let common = "[store.prod]\nvendor = \"aliyun\"\nbucket = \"lessons\"\nprefix = \"school\"\n";
        std::fs::write(&config, format!("{common}{keys}\n")).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_recfetch"))
            .args(["fetch", &self.plan.sid, "--retries", "1", "-vv", "--config"])
            .arg(&config)
            .arg("--out")
            .arg(self.home.path().join("out"))
            .env_clear()
            .env("HOME", self.home.path())
            .env("http_proxy", self.server.url())
            .envs(variables.iter().copied())
            .output()
            .unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        let all = format!("{err}{}", String::from_utf8_lossy(&output.stdout));
        for secret in [SECRET, "Signature=", "uthorization:"] {
            assert!(!all.contains(secret), "{secret} in {all}");
        }
        Said { code: output.status.code().unwrap(), err, all }
    }

    fn hosts(&self) -> Vec<String> {
        let mut hosts: Vec<_> = self.server.requests().into_iter().map(|request| request.host).collect();
        hosts.dedup();
        hosts
    }
}

const KEYS: [(&str, &str); 2] = [("OSS_ACCESS_KEY_ID", ACCESS), ("OSS_ACCESS_KEY_SECRET", SECRET)];

#[test]
fn the_hosts_of_a_region_and_a_bound_domain_are_reached_and_signed_for() {
    for (keys, signatures, hosts) in [
        (
            "region = 0\nendpoint = \"http://oss-cn-hangzhou.aliyuncs.com\"",
            Signatures::OnlyV4,
            &["lessons.oss-cn-hangzhou.aliyuncs.com"][..],
        ),
        (
            "region = 0\nendpoint = \"http://oss-cn-hangzhou.aliyuncs.com\"\nsignature = \"v1\"",
            Signatures::OnlyV1,
            &["lessons.oss-cn-hangzhou.aliyuncs.com"],
        ),
        (
            "region = 0\nendpoint = \"http://media.example.com\"\ncname = true",
            Signatures::OnlyV4,
            &["media.example.com"],
        ),
        (
            "region = 0\nendpoint = \"http://media.example.com\"\ncname = true\nsignature = \"v1\"",
            Signatures::OnlyV1,
            &["media.example.com"],
        ),
        // The answer names the right region, and the program goes there.
        (
            "region = 3\nendpoint = \"http://oss-cn-beijing.aliyuncs.com\"",
            Signatures::Both,
            &["lessons.oss-cn-beijing.aliyuncs.com", "lessons.oss-cn-hangzhou.aliyuncs.com"],
        ),
    ] {
        let world = World::new(OssOptions { signatures, ..options() });
        let said = world.fetch(keys, &KEYS);
        assert_eq!(said.code, 0, "{keys}\n{}", said.err);
        let mut seen = world.hosts();
        seen.sort();
        seen.dedup();
        assert_eq!(seen, hosts, "{keys}");
    }
}

#[test]
fn what_oss_refuses_has_its_code_and_its_hint() {
    let region = "region = 0\nendpoint = \"http://oss-cn-hangzhou.aliyuncs.com\"";
    let with_token = |token| {
        let mut options = options();
        options.keys[0].token = token;
        options
    };
    let restricted = OssOptions { public_endpoint: Permission::Denied, ..options() };
    let wrong = [("OSS_ACCESS_KEY_ID", ACCESS), ("OSS_ACCESS_KEY_SECRET", "wrong")];
    let stale = [KEYS[0], KEYS[1], ("OSS_SESSION_TOKEN", "stale")];
    let path_style = format!("{region}\npath_style = true");
    for (options, keys, variables, code, hint) in [
        (restricted.clone(), region, &KEYS[..], 6, "cname = true"),
        (options(), &path_style, &KEYS, 2, "`path_style`"),
        (options(), region, &wrong, 6, "the secret does not belong"),
        (with_token(Token::Expired), region, &stale, 6, "get a new one"),
        (options(), region, &[], 2, "OSS_ACCESS_KEY_ID"),
        (OssOptions { clock_ahead: 7200, ..options() }, region, &KEYS, 6, "date -u"),
    ] {
        let said = World::new(options).fetch(keys, variables);
        assert_eq!(said.code, code, "{hint}\n{}", said.err);
        assert!(said.err.contains(hint), "{hint}\n{}", said.err);
    }
    // The way out that the hint names.
    let bound = "region = 0\nendpoint = \"http://media.example.com\"\ncname = true";
    assert_eq!(World::new(restricted).fetch(bound, &KEYS).code, 0);
}

#[test]
fn a_bucket_that_knows_no_v4_is_named_so_that_the_settings_can_say_it() {
    let region = "region = 0\nendpoint = \"http://oss-cn-hangzhou.aliyuncs.com\"";
    for (signatures, keys, is_told) in [
        (Signatures::OnlyV1, "", true),
        (Signatures::OnlyV1, "signature = \"v1\"", false),
        (Signatures::Both, "", false),
    ] {
        let world = World::new(OssOptions { signatures, ..options() });
        let said = world.fetch(&format!("{region}\n{keys}"), &KEYS);
        assert_eq!(said.code, 0, "{keys}\n{}", said.err);
        let told = said.all.contains("signature v1, as it knows no v4");
        assert_eq!(told, is_told, "{keys}\n{}", said.all);
    }
}

#[test]
fn an_archived_slice_ends_with_the_code_for_it() {
    let world = World::new(options());
    let key = format!("school/{}", world.plan.slice_names()[1]);
    world.objects.change(&key, |object| object.storage_class("Archive"));
    let said = world.fetch("region = 0\nendpoint = \"http://oss-cn-hangzhou.aliyuncs.com\"", &KEYS);
    assert_eq!(said.code, 8, "{}", said.err);
    assert!(said.err.contains("restore"), "{}", said.err);
}

#[test]
fn keys_come_from_ossutils_file_or_a_program() {
    let world = World::new(options());
    let file = format!("[default]\naccessKeyID = {ACCESS}\naccessKeySecret = {SECRET}\n");
    std::fs::write(world.home.path().join(".ossutilconfig"), file).unwrap();
    let region = "region = 0\nendpoint = \"http://oss-cn-hangzhou.aliyuncs.com\"";
    let said = world.fetch(region, &[]);
    assert_eq!(said.code, 0, "{}", said.err);

    let world = World::new(options());
    let json = format!(r#"{{"Version":1,"AccessKeyId":"{ACCESS}","SecretAccessKey":"{SECRET}"}}"#);
    std::fs::write(world.home.path().join("keys.json"), json).unwrap();
    let command =
        format!("{region}\ncredential_command = \"cat '{}/keys.json'\"", world.home.path().display());
    let said = world.fetch(&command, &[("PATH", "/usr/bin:/bin")]);
    assert_eq!(said.code, 0, "{}", said.err);
}
