//! What README tells people to type and to write works: each vendor's recipe is run as it stands there, against
//! a server of that vendor's kind on loopback, and the settings are read.

#![cfg(all(feature = "cli", feature = "s3", feature = "oss"))]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop there")]

use assert_cmd::Command;
use recfetch_test_support::ts::{SliceSpec, slice};
use recfetch_test_support::{Handle, Keys, KodoOptions, Objects, OssOptions, Plan, S3Options};
use recfetch_test_support::{kodo, oss, s3, web};
use tempfile::TempDir;

const README: &str = include_str!("../README.md");
const ACCESS: &str = "AKIDEXAMPLE";
const SECRET: &str = "hunter2hunter2";

/// The text between the fences of each block of code in this language.
fn blocks(language: &str) -> Vec<&'static str> {
    let fence = format!("```{language}\n");
    README.split(&fence).skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

struct World {
    runtime: tokio::runtime::Runtime,
    plan: Plan,
    home: TempDir,
}

struct Said {
    code: i32,
    out: String,
    err: String,
}

impl World {
    fn new() -> Self {
        Self {
            runtime: tokio::runtime::Runtime::new().unwrap(),
            plan: Plan::new(&[2000; 3]),
            home: tempfile::tempdir().unwrap(),
        }
    }

    /// The recording, in the folder of the recipes.
    fn objects(&self) -> Objects {
        let slices: Vec<_> = (0..3_u64)
            .map(|seed| {
                let start_pts = 126_000 + seed * 180_000;
                slice(&SliceSpec { start_pts, seed, ..SliceSpec::default() }).into()
            })
            .collect();
        let objects = Objects::new();
        self.plan.put(&objects, "school/math/", &slices);
        objects
    }

    fn s3(&self, bucket: &str, region: Option<&str>, objects: &Objects) -> Handle {
        let mut options = S3Options::new(bucket, Keys::new(ACCESS, SECRET));
        options.region = region.map(str::to_owned);
        self.runtime.block_on(s3::start(objects, options)).unwrap()
    }

    fn oss(&self) -> Handle {
        let bound = vec!["media.example.com".to_owned()];
        let options = OssOptions { bound, ..OssOptions::new("lessons", Keys::new(ACCESS, SECRET)) };
        self.runtime.block_on(oss::start(&self.objects(), options)).unwrap()
    }

    fn kodo(&self) -> Handle {
        let options = KodoOptions::new("lessons", ACCESS, SECRET);
        self.runtime.block_on(kodo::start(&self.objects(), options)).unwrap()
    }

    fn run(&self, args: &[String], variables: &[(String, String)], config: &str) -> Said {
        let file = self.home.path().join("config.toml");
        std::fs::write(&file, config).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_recfetch"))
            .args(args)
            .env_clear()
            .env("HOME", self.home.path())
            .env("RECFETCH_CONFIG", file)
            .env("RECFETCH_RETRIES", "1")
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .current_dir(self.home.path())
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Said { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
    }
}

/// A command and the variables that are set when it runs.
struct Recipe {
    variables: Vec<(String, String)>,
    args: Vec<String>,
}

/// The commands of the vendors' block.
fn recipes() -> Vec<Recipe> {
    let all = blocks("sh");
    let block = all.iter().find(|block| block.contains("--vendor tencent")).unwrap();
    let mut variables: Vec<(String, String)> = Vec::new();
    let mut found = Vec::new();
    for line in block.lines() {
        let words = || line.split_whitespace().skip(1);
        if line.starts_with("export ") {
            let pairs = words().map(|word| word.trim_end_matches('…').split_once('=').unwrap_or((word, "")));
            variables = pairs
                .map(|(name, _)| {
                    let name = name.trim_end_matches('=').to_owned();
                    let value = if name.contains("SECRET") { SECRET } else { ACCESS };
                    (name, value.to_owned())
                })
                .collect();
        } else if line.starts_with("recfetch ") {
            let args = words().map(str::to_owned).collect();
            found.push(Recipe { variables: variables.clone(), args });
        }
    }
    found
}

#[test]
fn each_vendors_recipe_brings_the_recording_home() {
    let mut seen = Vec::new();
    for Recipe { mut variables, mut args } in recipes() {
        let world = World::new();
        let after = |name: &str| {
            let at = args.iter().position(|word| word == name)?;
            args.get(at + 1).cloned()
        };
        let (vendor, bucket) = (after("--vendor").unwrap(), after("--bucket").unwrap());
        let is = |flag: &str| args.iter().any(|word| word == flag);
        let (cname, domain, fallback) = (is("--cname"), is("--domain"), is("--fallback"));
        seen.push(format!(
            "{vendor}{}{}{}",
            ["", " cname"][usize::from(cname)],
            ["", " domain"][usize::from(domain)],
            ["", " fallback"][usize::from(fallback)]
        ));
        let mut config = String::new();
        let mut more = Vec::new();
        let objects = world.objects();
        let mut servers = Vec::new();
        // Hosts that a recipe does not name follow from the region, and are led to loopback.
        match vendor.as_str() {
            "aws" => {
                if fallback {
                    let lost = format!("school/math/{}", world.plan.slice_names()[1]);
                    let all = world.objects();
                    let backup = world.runtime.block_on(web::start(&all)).unwrap();
                    assert!(objects.remove(&lost).is_some());
                    let settings = blocks("toml")[0];
                    let at = settings.find("[store.backup]").unwrap();
                    config = settings[at..].replace("https://backup.example.com/recordings", &backup.url());
                    assert!(config.contains(&backup.url()), "{config}");
                    servers.push(backup);
                }
                let server = world.s3(&bucket, Some("eu-west-1"), &objects);
                more = vec!["--endpoint".to_owned(), server.url()];
                servers.push(server);
            }
            "tencent" => {
                let server = world.s3(&bucket, Some("ap-guangzhou"), &objects);
                more = vec!["--endpoint".to_owned(), server.url(), "--path-style".to_owned()];
                servers.push(server);
            }
            "self-hosted" => {
                let server = world.s3(&bucket, None, &objects);
                for word in &mut args {
                    *word = word.replace("https://s3.example.com", &server.url());
                }
                servers.push(server);
            }
            "aliyun" => {
                let server = world.oss();
                variables.push(("http_proxy".to_owned(), server.url()));
                for word in &mut args {
                    *word = word.replace("https://", "http://");
                }
                if !cname {
                    more = vec!["--endpoint".to_owned(), "http://oss-cn-hangzhou.aliyuncs.com".to_owned()];
                }
                servers.push(server);
            }
            "qiniu" if domain => {
                let server = world.kodo();
                for word in &mut args {
                    *word = word.replace("video.example.com", &server.url());
                }
                more = vec!["--endpoint".to_owned(), server.url()];
                servers.push(server);
            }
            "qiniu" => {
                let server = world.s3(&bucket, Some("cn-east-1"), &objects);
                more = vec!["--endpoint".to_owned(), server.url(), "--path-style".to_owned()];
                servers.push(server);
            }
            other => panic!("no server for {other}"),
        }
        for word in &mut args {
            *word = word.replace("SID", &world.plan.sid);
        }
        args.extend(more);
        let said = world.run(&args, &variables, &config);
        assert_eq!(said.code, 0, "{args:?}\n{}{}", said.out, said.err);
        assert!(!format!("{}{}", said.out, said.err).contains(SECRET));
        for server in &servers {
            assert!(!server.requests().is_empty(), "{args:?} did not ask everybody");
        }
        assert!(world.home.path().join(&world.plan.sid).join("report.json").exists());
    }
    assert_eq!(
        seen,
        ["aws", "aliyun", "aliyun cname", "qiniu", "qiniu domain", "tencent", "self-hosted", "aws fallback"]
    );
}

#[test]
fn the_settings_that_readme_shows_are_settings() {
    let world = World::new();
    let variables =
        ["OSS_ACCESS_KEY_ID", "OSS_ACCESS_KEY_SECRET"].map(|name| (name.to_owned(), "x".to_owned()));
    let show = ["config".to_owned(), "show".to_owned()];
    let all = blocks("toml");
    assert!(all.len() >= 2);
    for block in all {
        let said = world.run(&show, &variables, block);
        assert_eq!(said.code, 0, "{block}\n{}", said.err);
        let stores = block.lines().filter(|line| line.starts_with("[store.")).count();
        assert_eq!(said.out.matches("\nleads to ").count(), stores, "{}", said.out);
        assert!(!said.out.contains("\nproblem "), "{}", said.out);
    }
    // It would be seen if one were not.
    let said = world.run(&show, &variables, &blocks("toml")[0].replace("region = 4", "regoin = 4"));
    assert_eq!(said.code, 2);
    assert!(said.err.contains("did you mean `region`?"), "{}", said.err);
}
