//! What a check writes, judged by ffmpeg.

use std::process::{Command, Stdio};

use crate::judge;
use crate::media;
use crate::program::Case;

/// Slices are taken away one after the other: of whatever is left ffmpeg plays every packet, by the playlist
/// that was written beside it.
pub(crate) fn the_playlist_of_what_is_left_plays() {
    let recording = media::composite();
    let case = Case::new("checking");
    let bucket = case.path().join("bucket");
    std::fs::create_dir(&bucket).expect("a folder");
    for (name, bytes) in &recording.files {
        std::fs::write(bucket.join(name), bytes).expect("written");
    }
    let case = case.settings(&format!("[store.prod]\nvendor = \"dir\"\npath = \"{}\"\n", bucket.display()));
    let list = bucket.join("list.m3u8");
    let to = list.to_str().expect("text").to_owned();
    let order = &recording.order;
    let mut left: Vec<&str> = order.iter().map(String::as_str).collect();
    for gone in [None, Some(order.len() / 2), Some(0), Some(order.len() - 1)] {
        if let Some(gone) = gone {
            std::fs::remove_file(bucket.join(&order[gone])).expect("removed");
            left.retain(|name| *name != order[gone]);
        }
        let code = if left.len() == order.len() { 0 } else { 3 };
        case.run(&["check", &recording.sid, "--store", "prod", "--write-playlist", &to]).expect(code);
        let mut whole = Vec::new();
        for name in &left {
            whole.extend_from_slice(recording.bytes(name));
        }
        let joined = case.path().join("joined.ts");
        std::fs::write(&joined, whole).expect("written");
        assert_eq!(played(&to), judge::packets(joined.to_str().expect("text")), "without {gone:?}");
        std::fs::remove_file(&list).expect("removed");
    }
}

/// The packets that ffmpeg takes from a playlist. That it complains of what a gap names is no matter: versions
/// before 7 do not know `EXT-X-GAP`.
fn played(list: &str) -> judge::Packets {
    let mut command = Command::new("ffprobe");
    command.args(["-v", "quiet", "-count_packets", "-show_entries", "stream=codec_type,nb_read_packets"]);
    command.args(["-of", "json"]).arg(list).stdin(Stdio::null());
    let output = command.output().expect("ffprobe");
    assert!(output.status.success(), "ffprobe does not read {list}");
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("ffprobe's JSON");
    let streams = json["streams"].as_array().expect("streams").iter();
    streams
        .map(|stream| {
            let count = stream["nb_read_packets"].as_str().expect("a count").parse().expect("a number");
            (stream["codec_type"].as_str().expect("a type").to_owned(), count)
        })
        .collect()
}
