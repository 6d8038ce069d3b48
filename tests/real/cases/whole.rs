//! A recording that is all there comes home whole, of every form and from every vendor.

use std::sync::OnceLock;

use serde_json::Value;

use crate::judge;
use crate::media::Recording;
use crate::program::Case;
use crate::servers::world;
use crate::shapes::{composite_with_files, large_film};
use crate::vendors::Vendor;

/// Found, fetched, proven, kept, joined and looked into; judged by others.
pub(crate) fn comes_home(vendor: Vendor, recording: &Recording) {
    let prefix = format!("whole/{}/", recording.word);
    vendor.upload(&prefix, &recording.files);
    let case = vendor.case(recording.word, &prefix);
    is_located(&case, recording);
    // Slices that no file can be joined from stay slices.
    let join: &[&str] = if recording.expected.joined.is_empty() { &[] } else { &["--join"] };
    let report = case.fetch(&recording.sid, join).expect(0).json();
    is_proven(&report, vendor);
    assert_eq!(codes(&report), recording.expected.findings, "{:#}", report["findings"]);
    let listed: Vec<_> =
        judge::objects(&report, "segment").iter().map(|o| o["name"].as_str().expect("a name")).collect();
    assert_eq!(listed, recording.order, "segments in playing order");
    let bag = case.out().join(&recording.sid);
    judge::bag_is_valid(&bag);
    judge::bag_has_every_byte(&bag, &report, recording);
    is_joined(&case, &report, recording);
    plays(&case, vendor, recording);
    let bag = bag.to_str().expect("text");
    case.run(&["verify", bag]).expect(0);
    let deep = case.run(&["verify", "--deep", bag, "--json"]).expect(0).json();
    let media = recording.files.iter().filter(|(name, _)| is_media(name)).count();
    assert_eq!(deep["bags"][0]["media"]["judged"], media, "{deep:#}");
}

/// What shows that the digests are looked at: one bit, in a picture, in sound and in a slice, where no structure
/// tells of it.
pub(crate) fn one_bit_is_not_called_whole(vendor: Vendor) {
    let recording = composite_with_files();
    let prefix = "one-bit/";
    vendor.upload(prefix, &recording.files);
    let wrong =
        |name: &str| [".jpg", ".m4a"].iter().any(|end| name.ends_with(end)) || name == recording.order[1];
    for (name, bytes) in recording.files.iter().filter(|(name, _)| wrong(name)) {
        let mut changed = bytes.to_vec();
        // Behind the first half there are no heads: neither of the JPEG nor of the M4A, whose index is at the end.
        let at = changed.len() * 3 / 5;
        changed[at] ^= 1;
        vendor.upload_changed(&format!("{prefix}{name}"), bytes, changed.into());
    }
    let case = vendor.case("one-bit", prefix);
    let report = case.fetch(&recording.sid, &["--retries", "1"]).expect(4).json();
    assert_eq!(report["outcome"], "corrupt");
    for (name, _) in &recording.files {
        let verdict = if wrong(name) { "corrupt" } else { "verified" };
        assert_eq!(judge::object(&report, name)["verdict"], verdict, "{name}");
    }
}

/// An MP4 of more than 64 MiB: in parts, and proven as a whole by the store's own digest.
pub(crate) fn a_large_film_comes_in_parts(vendor: Vendor) {
    static LARGE: OnceLock<Recording> = OnceLock::new();
    let recording = LARGE.get_or_init(large_film);
    let (name, film) = recording.files.last().expect("the film");
    assert!(film.len() > 80 << 20, "{} bytes are not many", film.len());
    vendor.upload("large/", &recording.files);
    let case = vendor.case("large", "large/");
    let report = case.fetch(&recording.sid, &[]).expect(0).json();
    is_proven(&report, vendor);
    assert_eq!(judge::object(&report, name)["format"], "mp4");
    let bag = case.out().join(&recording.sid);
    judge::bag_has_every_byte(&bag, &report, recording);
    let Some(handle) = vendor.handle() else { return };
    let asked = handle.requests();
    let key = format!("/large/{name}");
    let of_film: Vec<_> =
        asked.iter().filter(|asked| asked.method == "GET" && asked.path.ends_with(&key)).collect();
    let mut ranges: Vec<_> = of_film.iter().filter_map(|asked| asked.range.as_deref()).collect();
    ranges.sort_unstable();
    ranges.dedup();
    assert_eq!(ranges.len(), film.len().div_ceil(8 << 20), "each part once: {ranges:?}");
    let other: Vec<_> = of_film.iter().filter(|asked| asked.status != 206).collect();
    assert!(other.is_empty(), "nothing but parts: {other:?}");
}

fn is_located(case: &Case, recording: &Recording) {
    let expected = &recording.expected;
    let found = case.run(&["locate", &recording.sid, "--json"]).expect(0).json();
    let count = |what: &str| found[what].as_array().expect("a list").len();
    let tracks: Vec<_> = found["tracks"]
        .as_array()
        .expect("tracks")
        .iter()
        .map(|track| (track["uid"].as_u64(), track["kind"].as_str(), track["segments"].as_u64()))
        .collect();
    let wanted: Vec<_> = expected
        .tracks
        .iter()
        .map(|(uid, kind, segments)| (uid.map(u64::from), Some(*kind), Some(*segments as u64)))
        .collect();
    assert_eq!(tracks, wanted, "tracks");
    assert_eq!(count("masters"), expected.masters, "masters");
    assert_eq!(count("objects") + count("playlists"), recording.files.len(), "{found:#}");
    assert_eq!(codes(&found), expected.findings, "{:#}", found["findings"]);
}

fn is_proven(report: &Value, vendor: Vendor) {
    assert_eq!(report["outcome"], "complete", "{report:#}");
    for object in report["objects"].as_array().expect("objects") {
        let (name, evidence) = (&object["name"], &object["evidence"]);
        assert_eq!(object["verdict"], "verified", "{name}");
        assert_eq!(evidence["kind"], "store-digest", "{name}");
        assert_eq!(evidence["algorithm"], vendor.digest(), "{name}");
    }
}

/// Codes of findings, sorted, each once.
fn codes(said: &Value) -> Vec<&str> {
    let findings = said["findings"].as_array().expect("findings").iter();
    let mut codes: Vec<_> = findings.map(|finding| finding["code"].as_str().expect("a code")).collect();
    codes.sort_unstable();
    codes.dedup();
    codes
}

fn is_media(name: &str) -> bool {
    !name.ends_with(".m3u8") && !name.ends_with(".mpd")
}

/// Each joined file is its segments, byte for byte, and there is no other.
fn is_joined(case: &Case, report: &Value, recording: &Recording) {
    let joined = report.get("joined").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let made: Vec<_> = joined.iter().map(|one| one["segments"].as_u64().expect("a number")).collect();
    let wanted: Vec<_> =
        recording.expected.joined.iter().map(|(_, segments)| segments.len() as u64).collect();
    assert_eq!(made, wanted, "segments of the joined files");
    for (ending, segments) in &recording.expected.joined {
        let file = case.out().join(format!("{}{ending}", recording.sid));
        let bytes = std::fs::read(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        assert!(bytes == recording.concatenation_of(segments), "joined bytes of {ending}");
    }
    if let [(ending, segments)] = &recording.expected.joined[..]
        && *segments == recording.order
    {
        let file = case.out().join(format!("{}{ending}", recording.sid));
        let packets = judge::packets(file.to_str().expect("text"));
        assert_eq!(packets, recording.packets, "packets of the joined file");
    }
}

/// Over the web, as a browser has it, and from the folder.
fn plays(case: &Case, vendor: Vendor, recording: &Recording) {
    let bag = case.out().join(&recording.sid);
    // What is played does not depend on where it came from, and playing takes long.
    let all = vendor == Vendor::Seaweed;
    for (n, (list, packets)) in recording.expected.plays.iter().enumerate() {
        assert!(bag.join(list).is_file(), "{list} is not there");
        if n > 0 && !all {
            continue;
        }
        let name = format!("{}-{list}", case.path().file_name().expect("a name").to_str().expect("text"));
        std::os::unix::fs::symlink(&bag, world().nginx.root.join(&name)).expect("a link");
        let url = format!("{}{name}/{list}", world().nginx.url);
        assert_eq!(judge::packets(&url), *packets, "packets of {url}");
        // ffmpeg does not decode URIs that are files: no way to write a blank suits it and the standard.
        if all && !recording.playlist().contains([' ', '#', '?']) {
            let file = bag.join(list);
            assert_eq!(judge::packets(file.to_str().expect("text")), *packets, "packets of {list}");
        }
    }
}
