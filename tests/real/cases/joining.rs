//! What becomes of segments that do not simply run on: judged by ffmpeg.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::judge;
use crate::media::{self, Recording};
use crate::program::Case;
use crate::servers::Server;

/// Two sizes of picture: two files, each of which decodes without a word, to the last frame.
pub(crate) fn each_size_decodes_from_its_own_file() {
    let (recording, frames) = media::two_sizes();
    let case = uploaded(&recording);
    let report = case.fetch(&recording.sid, &["--join"]).expect(0).json();
    assert_eq!(report["joined"].as_array().expect("files").len(), 2, "{report:#}");
    for (n, frames) in (1..).zip(frames) {
        let file = case.out().join(format!("{}.run{n}.ts", recording.sid));
        assert_eq!(decoded(&file), frames, "{}", file.display());
    }
    assert_eq!(report["joined"][1]["change"], "size");
    // In one file they are there too, and the report says where it changes.
    let report = case.fetch(&recording.sid, &["--join", "--across-discontinuities"]).expect(0).json();
    assert_eq!(report["joined"][0]["changes"][0]["what"], "size");
    let file = case.out().join(format!("{}.ts", recording.sid));
    assert!(std::fs::read(file).expect("a file") == recording.concatenation());
}

/// Two recorders recorded the same quarter of a minute: it is in the file once.
pub(crate) fn an_overlap_is_not_played_twice() {
    let (recording, twice) = media::overlapping();
    let case = uploaded(&recording);
    let trimmed = case.fetch(&recording.sid, &["--join"]).expect(0).json();
    let file = case.out().join(format!("{}.ts", recording.sid));
    assert_eq!(judge::packets(file.to_str().expect("text")), media::composite().packets);
    assert_eq!(trimmed["joined"][0]["left_out"].as_array().map(Vec::len), Some(1), "{trimmed:#}");
    case.fetch(&recording.sid, &["--join", "--overlap", "keep"]).expect(0);
    assert_eq!(judge::packets(file.to_str().expect("text")), twice);
}

/// What is kept joined is, byte for byte, what joining the segments gives; and others validate the bag.
pub(crate) fn kept_joined_is_what_joining_gives() {
    let recording = media::composite();
    let case = uploaded(&recording);
    case.fetch(&recording.sid, &["--keep", "joined"]).expect(0);
    let bag = case.out().join(&recording.sid);
    let kept = std::fs::read(bag.join(format!("data/{}.ts", recording.sid))).expect("the joined file");
    assert!(kept == recording.concatenation());
    judge::bag_is_valid(&bag);
    case.run(&["verify", bag.to_str().expect("text")]).expect(0);
    // One byte in the third slice.
    let at = recording.order[..2].iter().map(|name| recording.bytes(name).len()).sum::<usize>() + 5000;
    let mut changed = kept;
    changed[at] ^= 1;
    std::fs::write(bag.join(format!("data/{}.ts", recording.sid)), changed).expect("written");
    let ran = case.run(&["verify", bag.to_str().expect("text")]);
    ran.expect(4);
    let named = ran.stdout.lines().filter(|line| line.contains(&recording.order[2])).count();
    assert_eq!(named, 1, "{}", ran.stdout);
    assert!(!ran.stdout.contains(&recording.order[1]), "{}", ran.stdout);
}

fn uploaded(recording: &Recording) -> Case {
    let server = Server::BOTH[0];
    let prefix = format!("joining/{}/", recording.word);
    server.upload(&prefix, &recording.files);
    Case::new(recording.word).s3(server, &prefix, "")
}

/// Frames of picture that ffmpeg decodes, without any complaint.
fn decoded(file: &Path) -> u64 {
    let mut command = Command::new("ffprobe");
    command.args(["-v", "warning", "-select_streams", "v", "-count_frames", "-show_entries"]);
    command.args(["stream=nb_read_frames", "-of", "csv=p=0"]).arg(file).stdin(Stdio::null());
    let output = command.output().expect("ffprobe");
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && complaints.is_empty(), "{complaints}");
    let text = String::from_utf8_lossy(&output.stdout);
    text.split_whitespace().next().and_then(|word| word.trim_end_matches(',').parse().ok()).expect("a number")
}
