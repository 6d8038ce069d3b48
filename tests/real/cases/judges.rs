//! The servers of the test kit, judged by the vendors' own clients: what those accept and refuse is what the
//! adapters of recfetch were tested against.

use std::path::Path;
use std::process::{Command, Stdio};

use recfetch_test_support::{KodoOptions, Object, Objects, kodo};

use crate::servers::{ACCESS, BUCKET, SECRET, world};

/// Qiniu's SDK for Python uploads, asks, lists, downloads, and is refused with a wrong secret.
pub(crate) fn kodo_as_qinius_python_sdk_sees_it() {
    judged_at_kodo(Command::new(&world().tools.python).arg(script("kodo.py")));
}

/// The same by Qiniu's SDK for Node, which encodes keys otherwise.
pub(crate) fn kodo_as_qinius_node_sdk_sees_it() {
    let mut node = Command::new("node");
    judged_at_kodo(node.env("NODE_PATH", &world().tools.node_modules).arg(script("kodo.js")));
}

fn script(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real/judges").join(name)
}

fn judged_at_kodo(judge: &mut Command) {
    let objects = Objects::new();
    objects.put("cold/slice.ts", Object::new("cold").storage_class("archive"));
    let options = KodoOptions::new(BUCKET, ACCESS, SECRET);
    let server = world().runtime.block_on(kodo::start(&objects, options)).expect("a free port");
    let judge = judge.args([&server.url(), BUCKET, ACCESS, SECRET]).stdin(Stdio::null());
    let output = judge.output().expect("a program");
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.contains("ok"), "{said}");
    assert!(objects.keys().len() >= 7, "it uploaded {:?}", objects.keys());
    assert!(server.requests().iter().any(|request| request.status == 401), "it tried no wrong secret");
}
