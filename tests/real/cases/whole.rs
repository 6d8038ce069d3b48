//! A recording that is all there comes home whole, from each server.

use serde_json::Value;

use crate::judge;
use crate::media::Recording;
use crate::program::Case;
use crate::servers::{Server, world};

/// Fetched, proven, kept and joined; judged by others.
pub(crate) fn comes_home(server: Server, recording: &Recording) {
    let prefix = format!("whole/{}/", recording.word);
    server.upload(&prefix, &recording.files);
    let case = Case::new(recording.word).s3(server, &prefix, "");
    let report = case.fetch(&recording.sid, &["--join"]).expect(0).json();
    assert_eq!(report["outcome"], "complete", "{report:#}");
    for object in report["objects"].as_array().expect("objects") {
        let (name, evidence) = (&object["name"], &object["evidence"]["kind"]);
        assert_eq!(object["verdict"], "verified", "{name}");
        assert_eq!(evidence, "store-digest", "{name}");
    }
    let listed: Vec<_> =
        judge::objects(&report, "segment").iter().map(|o| o["name"].as_str().expect("a name")).collect();
    assert_eq!(listed, recording.order, "segments in playing order");
    let bag = case.out().join(&recording.sid);
    judge::bag_is_valid(&bag);
    judge::bag_has_every_byte(&bag, &report, recording);
    is_joined(&case, &report, recording);
    plays(&case, recording);
    case.run(&["verify", bag.to_str().expect("text")]).expect(0);
}

fn is_joined(case: &Case, report: &Value, recording: &Recording) {
    let joined = case.out().join(format!("{}.ts", recording.sid));
    assert!(std::fs::read(&joined).expect("the joined file") == recording.concatenation(), "joined bytes");
    assert_eq!(report["joined"][0]["segments"], recording.order.len());
    assert_eq!(
        judge::packets(joined.to_str().expect("text")),
        recording.packets,
        "packets of the joined file"
    );
}

/// Over the web, as a browser has it, and from the folder.
fn plays(case: &Case, recording: &Recording) {
    let bag = case.out().join(&recording.sid);
    let name = case.path().file_name().expect("a name").to_str().expect("text");
    std::os::unix::fs::symlink(&bag, world().nginx.root.join(name)).expect("a link");
    let url = format!("{}{name}/play.m3u8", world().nginx.url);
    assert_eq!(judge::packets(&url), recording.packets, "packets of {url}");
    // ffmpeg does not decode URIs that are files: no way to write a blank suits it and the standard.
    if !recording.playlist().contains([' ', '#', '?']) {
        let file = bag.join("play.m3u8");
        assert_eq!(judge::packets(file.to_str().expect("text")), recording.packets, "packets of play.m3u8");
    }
}
