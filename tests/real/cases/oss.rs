//! The OSS server of the test kit, judged by the vendor's own clients: what recfetch is tested against is
//! what they take for OSS.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use recfetch_test_support::{Keys, Objects, OssOptions, oss};

use crate::servers::{ACCESS, BUCKET, SECRET, world};

/// A program that puts, asks, reads, lists and is refused by one of the vendor's clients.
#[derive(Clone, Copy)]
pub(crate) enum Judge {
    Python(&'static str),
    Node(&'static str),
}

pub(crate) const JUDGES: [(&str, Judge); 3] = [
    ("oss2", Judge::Python("oss2_judge.py")),
    ("alibabacloud_oss_v2", Judge::Python("oss_v2_judge.py")),
    ("ali_oss", Judge::Node("ali_oss_judge.js")),
];

pub(crate) fn is_judged(judge: Judge) {
    let options = OssOptions::new(BUCKET, Keys::new(ACCESS, SECRET));
    let server = world().runtime.block_on(oss::start(&Objects::new(), options)).expect("a server");
    let right = run(judge, &server.url(), SECRET);
    let said = String::from_utf8_lossy(&right.stdout);
    let errors = String::from_utf8_lossy(&right.stderr);
    assert!(right.status.success() && said.contains("judged by"), "{said}{errors}");
    assert!(server.requests().len() > 40, "it hardly asked: {}", server.requests().len());
    let wrong = run(judge, &server.url(), "another");
    let errors = String::from_utf8_lossy(&wrong.stderr);
    assert!(
        !wrong.status.success() && errors.contains("SignatureDoesNotMatch"),
        "a judge can fail: {errors}"
    );
}

fn run(judge: Judge, endpoint: &str, secret: &str) -> Output {
    let tools = &world().tools;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real/judges");
    let (program, script) = match judge {
        Judge::Python(script) => (&tools.python, script),
        Judge::Node(script) => (&tools.node, script),
    };
    let mut command = Command::new("timeout");
    command.env_clear().envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
    command
        .arg("120")
        .arg(program)
        .arg(folder.join(script))
        .args([endpoint, "cn-hangzhou", BUCKET])
        .env("HOME", world().scratch.path())
        .env("NODE_PATH", &tools.node_modules)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("OSS_ACCESS_KEY_ID", ACCESS)
        .env("OSS_ACCESS_KEY_SECRET", secret)
        .stdin(Stdio::null());
    command.output().expect("a judge")
}
