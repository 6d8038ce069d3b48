//! What others say about what recfetch wrote.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::media::Recording;
use crate::servers::world;

/// Packets by stream: `video`, `audio`.
pub(crate) type Packets = BTreeMap<String, u64>;

/// What ffprobe counts in a file or at a URL.
pub(crate) fn packets(input: &str) -> Packets {
    let mut command = Command::new("ffprobe");
    command.args(["-v", "error", "-count_packets", "-show_entries", "stream=codec_type,nb_read_packets"]);
    let text = run(command.args(["-of", "json"]).arg(input));
    let json: Value = serde_json::from_str(&text).expect("ffprobe's JSON");
    let streams = json["streams"].as_array().expect("streams");
    streams
        .iter()
        .map(|stream| {
            let count = stream["nb_read_packets"].as_str().expect("a count").parse().expect("a number");
            (stream["codec_type"].as_str().expect("a type").to_owned(), count)
        })
        .collect()
}

/// How long a file plays by ffprobe, in milliseconds; `None` where it does not say.
pub(crate) fn duration_ms(file: &Path) -> Option<u64> {
    let mut command = Command::new("ffprobe");
    command.args(["-v", "error", "-show_entries", "format=duration", "-of", "json"]);
    let json: Value = serde_json::from_str(&run(command.arg(file))).expect("ffprobe's JSON");
    let seconds: f64 = json["format"]["duration"].as_str()?.parse().ok()?;
    Some((seconds * 1000.0).round() as u64)
}

/// The reference implementation and coreutils find nothing wrong with the bag.
pub(crate) fn bag_is_valid(bag: &Path) {
    run(Command::new(&world().tools.bagit).args(["--validate", "--quiet"]).arg(bag));
    run(Command::new("sha256sum")
        .args(["--check", "--strict", "--quiet", "manifest-sha256.txt"])
        .current_dir(bag));
}

/// Every file of the recording is in the bag, byte for byte, and nothing else is.
pub(crate) fn bag_has_every_byte(bag: &Path, report: &Value, recording: &Recording) {
    let paths = paths(report);
    for (name, bytes) in &recording.files {
        let path = paths.get(name.as_str()).unwrap_or_else(|| panic!("{name} is not in the report"));
        let found = std::fs::read(bag.join(path)).unwrap_or_else(|e| panic!("{path}: {e}"));
        assert!(found == *bytes, "{name} is not what was uploaded");
    }
    assert_eq!(payload(bag).len(), recording.files.len(), "files in the bag");
}

/// Whatever lies under a final name is whole and right, at any time.
pub(crate) fn nothing_half_done(bag: &Path, recording: &Recording) {
    for path in payload(bag) {
        let name = path.file_name().expect("a name").to_str().expect("text");
        let found = std::fs::read(&path).expect("a file");
        assert!(found == *recording.bytes(name), "{name} is not whole and right");
    }
}

/// Files in the payload folder.
pub(crate) fn payload(bag: &Path) -> Vec<std::path::PathBuf> {
    let Ok(entries) = std::fs::read_dir(bag.join("data")) else { return Vec::new() };
    entries.map(|entry| entry.expect("an entry").path()).collect()
}

/// The objects of a report with this role.
pub(crate) fn objects<'r>(report: &'r Value, role: &str) -> Vec<&'r Value> {
    let objects = report["objects"].as_array().expect("objects");
    objects.iter().filter(|object| object["role"] == role).collect()
}

/// The report's entry of an object.
pub(crate) fn object<'r>(report: &'r Value, name: &str) -> &'r Value {
    let objects = report["objects"].as_array().expect("objects");
    objects.iter().find(|object| object["name"] == name).unwrap_or_else(|| panic!("{name} is not reported"))
}

/// The names of objects that came from somewhere in this run.
pub(crate) fn fetched<'r>(report: &'r Value, role: &str) -> Vec<&'r str> {
    let fetched = objects(report, role).into_iter().filter(|object| object["origin"] == "fetched");
    fetched.map(|object| object["name"].as_str().expect("a name")).collect()
}

fn paths(report: &Value) -> BTreeMap<&str, &str> {
    let objects = report["objects"].as_array().expect("objects");
    objects.iter().filter_map(|object| Some((object["name"].as_str()?, object["path"].as_str()?))).collect()
}

fn run(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().expect("a program");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8_lossy(&output.stdout).into_owned()
}
