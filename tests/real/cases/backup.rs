//! What the first store lacks comes from the backup, and what nobody has is named.

use crate::judge;
use crate::media::composite;
use crate::program::Case;
use crate::servers::{Server, world};

pub(crate) fn fills_what_is_missing(server: Server) {
    let recording = composite();
    let prefix = format!("backup-fills-{}/", server.word());
    let missing = recording.order[1].clone();
    server.upload(&prefix, &recording.without(&[&missing]));
    let folder = world().nginx.root.join(&prefix);
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join(&missing), recording.bytes(&missing)).expect("written");
    let case = Case::new("backup")
        .s3(server, &prefix, "fallback = [\"backup\"]")
        .web("backup", prefix.trim_end_matches('/'));
    let report = case.fetch(&recording.sid, &["--join"]).expect(0).json();
    let object = judge::object(&report, &missing);
    assert_eq!(object["source"], "backup");
    // A web server's ETag says nothing about the bytes.
    assert_eq!(object["evidence"]["kind"], "structure");
    let sources: Vec<_> = judge::objects(&report, "segment").iter().map(|o| o["source"].clone()).collect();
    assert_eq!(sources, ["prod", "backup", "prod", "prod"]);
    let bag = case.out().join(&recording.sid);
    judge::bag_is_valid(&bag);
    judge::bag_has_every_byte(&bag, &report, &recording);
}

pub(crate) fn what_nobody_has_is_named_and_fetched_later(server: Server) {
    let recording = composite();
    let prefix = format!("nowhere-{}/", server.word());
    let missing = recording.order[2].clone();
    server.upload(&prefix, &recording.without(&[&missing]));
    let folder = world().nginx.root.join(&prefix);
    std::fs::create_dir_all(&folder).expect("a folder");
    let case = Case::new("nowhere")
        .s3(server, &prefix, "fallback = [\"backup\"]")
        .web("backup", prefix.trim_end_matches('/'));
    let ran = case.fetch(&recording.sid, &["--join"]);
    let report = ran.expect(3).json();
    assert_eq!(report["outcome"], "incomplete");
    assert_eq!(judge::object(&report, &missing)["verdict"], "absent");
    // The time at the end of its name is what tells it from the others.
    let tail = missing.rsplit('_').next().expect("a tail");
    assert!(ran.stderr.contains(tail), "{}", ran.stderr);
    let text = case.run(&["fetch", &recording.sid, "--store", "prod"]);
    assert!(text.expect(3).stdout.contains(tail), "{}", text.stdout);
    let bag = case.out().join(&recording.sid);
    judge::bag_is_valid(&bag);
    let info = std::fs::read_to_string(bag.join("bag-info.txt")).expect("bag-info.txt");
    assert!(info.contains("Recording-State: incomplete"), "{info}");
    assert!(
        !case.out().join(format!("{}.ts", recording.sid)).exists(),
        "joined although a segment is missing"
    );

    std::fs::write(folder.join(&missing), recording.bytes(&missing)).expect("written");
    let report = case.fetch(&recording.sid, &["--join"]).expect(0).json();
    assert_eq!(judge::fetched(&report, "segment"), [missing.as_str()]);
    judge::bag_is_valid(&bag);
    judge::bag_has_every_byte(&bag, &report, &recording);
}
