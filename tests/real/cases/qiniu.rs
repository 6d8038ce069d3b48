//! A recording at Qiniu, by the server that Qiniu's own clients accept (see `judges`).

use recfetch_test_support::{KodoOptions, Objects, kodo};

use crate::judge;
use crate::media::composite;
use crate::program::{Case, WRONG_SECRET};
use crate::servers::{ACCESS, BUCKET, SECRET, world};

/// By Kodo's own interfaces: listed, read through the domain that the account names, proven by hashes.
pub(crate) fn a_recording_at_kodo_comes_home() {
    let recording = composite();
    let objects = Objects::new();
    for (name, bytes) in &recording.files {
        objects.put(format!("kodo/{name}"), bytes.clone());
    }
    let options = KodoOptions { page_size: 4, ..KodoOptions::new(BUCKET, ACCESS, SECRET) };
    let server = world().runtime.block_on(kodo::start(&objects, options)).expect("a free port");
    let settings = format!(
        "[store.prod]\nvendor = \"qiniu\"\ninterface = \"kodo\"\nendpoint = \"{}\"\nbucket = \"{BUCKET}\"\n\
         prefix = \"kodo\"\n",
        server.url()
    );
    let case = |secret| {
        let case = Case::new("kodo").settings(&settings);
        case.env("QINIU_ACCESS_KEY", ACCESS).env("QINIU_SECRET_KEY", secret)
    };
    let right = case(SECRET);
    let report = right.fetch(&recording.sid, &["--join", "-vv"]).expect(0).json();
    assert_eq!(report["outcome"], "complete", "{report:#}");
    for object in report["objects"].as_array().expect("objects") {
        assert_eq!(object["evidence"]["algorithm"], "qetag", "{object:#}");
    }
    let bag = right.out().join(&recording.sid);
    judge::bag_is_valid(&bag);
    judge::bag_has_every_byte(&bag, &report, &recording);
    right.run(&["verify", bag.to_str().expect("text")]).expect(0);

    let wrong = case(WRONG_SECRET).fetch(&recording.sid, &["-vv"]);
    wrong.expect(6);
    assert!(wrong.said().contains("the secret does not fit the access key"), "{}", wrong.said());
}
