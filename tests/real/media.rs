//! Recordings made by ffmpeg, named as Agora names them. Made once and kept below the target folder.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock};

use bytes::Bytes;
use recfetch_test_support::Plan;
use recfetch_test_support::recording::Tags;

use crate::judge::{self, Packets};
use crate::shapes;

/// Slices as ffmpeg cut them, and what ffprobe counts in each.
pub(crate) struct Media {
    pub(crate) slices: Vec<Bytes>,
    pub(crate) durations_ms: Vec<u64>,
    packets: Vec<Packets>,
}

/// A recording as it lies in a bucket.
#[derive(Clone)]
pub(crate) struct Recording {
    pub(crate) word: &'static str,
    pub(crate) sid: String,
    /// Names and bytes of all files.
    pub(crate) files: Vec<(String, Bytes)>,
    /// The names of the slices in playing order.
    pub(crate) order: Vec<String>,
    /// What ffprobe counts in the slices, each looked at alone.
    pub(crate) packets: Packets,
    /// What else becomes of it.
    pub(crate) expected: Expected,
}

/// What a recording is to be called, beside complete, and what is to be made of it.
#[derive(Clone, Default)]
pub(crate) struct Expected {
    /// Codes of all findings, sorted, each once.
    pub(crate) findings: &'static [&'static str],
    /// The files that joining gives, by what follows the recording ID in their names, each with its segments.
    pub(crate) joined: Vec<(String, Vec<String>)>,
    /// The lists for players, with what ffprobe counts in them.
    pub(crate) plays: Vec<(&'static str, Packets)>,
    /// Tracks with a user, a kind and a number of segments.
    pub(crate) tracks: Vec<(Option<u32>, &'static str, usize)>,
    /// Master playlists and manifests.
    pub(crate) masters: usize,
}

pub(crate) const PICTURE: &[&str] = &["-f", "lavfi", "-i", "testsrc=size=320x180:rate=15"];
const LARGER_PICTURE: &[&str] = &["-f", "lavfi", "-i", "testsrc=size=640x360:rate=15"];
const SMALL_PICTURE: &[&str] = &["-f", "lavfi", "-i", "testsrc=size=64x36:rate=2"];
pub(crate) const SOUND: &[&str] = &["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=8000"];
pub(crate) const PICTURE_CODEC: &[&str] = &[
    "-c:v",
    "libx264",
    "-threads",
    "1",
    "-preset",
    "ultrafast",
    "-crf",
    "40",
    "-pix_fmt",
    "yuv420p",
    "-sc_threshold",
    "0",
    "-force_key_frames",
    "expr:gte(t,n_forced*15)",
    "-flags:v",
    "+bitexact",
];
pub(crate) const SOUND_CODEC: &[&str] =
    &["-c:a", "aac", "-aac_coder", "fast", "-b:a", "8k", "-ac", "1", "-flags:a", "+bitexact"];
const SLICES: &[&str] = &[
    "-fflags",
    "+bitexact",
    "-f",
    "hls",
    "-hls_time",
    "15",
    "-hls_list_size",
    "0",
    "-hls_playlist_type",
    "event",
    "-hls_segment_filename",
    "%04d.ts",
    "ffmpeg.m3u8",
];

/// A minute of picture and sound: four slices.
pub(crate) fn minute() -> &'static Media {
    static MEDIA: OnceLock<Media> = OnceLock::new();
    MEDIA.get_or_init(|| make("minute", &[PICTURE, SOUND, &["-t", "60"], PICTURE_CODEC, SOUND_CODEC]))
}

/// The same minute by another recorder: as many pictures, other bytes.
fn again() -> &'static Media {
    static MEDIA: OnceLock<Media> = OnceLock::new();
    let coarser = &["-crf", "42"];
    MEDIA.get_or_init(|| make("again", &[PICTURE, SOUND, &["-t", "60"], PICTURE_CODEC, coarser, SOUND_CODEC]))
}

/// A minute of sound.
pub(crate) fn sound() -> &'static Media {
    static MEDIA: OnceLock<Media> = OnceLock::new();
    MEDIA.get_or_init(|| make("sound", &[SOUND, &["-t", "60"], SOUND_CODEC]))
}

/// A minute of picture without sound: four slices.
pub(crate) fn picture() -> &'static Media {
    static MEDIA: OnceLock<Media> = OnceLock::new();
    MEDIA.get_or_init(|| make("picture", &[PICTURE, &["-t", "60"], PICTURE_CODEC]))
}

/// Half a minute of a larger picture and sound: two slices.
fn larger() -> &'static Media {
    static MEDIA: OnceLock<Media> = OnceLock::new();
    MEDIA.get_or_init(|| make("larger", &[LARGER_PICTURE, SOUND, &["-t", "30"], PICTURE_CODEC, SOUND_CODEC]))
}

/// Two hours of a small picture and sound: 480 slices.
pub(crate) fn two_hours() -> &'static Media {
    static MEDIA: OnceLock<Media> = OnceLock::new();
    MEDIA.get_or_init(|| {
        make("two-hours", &[SMALL_PICTURE, SOUND, &["-t", "7200"], PICTURE_CODEC, SOUND_CODEC])
    })
}

/// Makes a recording.
pub(crate) type Make = fn() -> Recording;

/// Every form of recording that is fetched whole.
pub(crate) const FORMS: [(&str, Make); 14] = [
    ("composite", composite),
    ("audio-only", audio_only),
    ("two-hours-long", two_hours_long),
    ("odd-channel-name", odd_channel_name),
    ("failover", failover),
    ("transferred", transferred),
    ("overlap", overlap),
    ("individual", shapes::individual),
    ("individual-standard", shapes::standard),
    ("individual-webm", shapes::webm),
    ("original-sound", shapes::original_sound),
    ("web-page", shapes::web_page),
    ("composite-with-files", shapes::composite_with_files),
    ("size-change", shapes::size_change),
];

/// Picture and sound in one.
pub(crate) fn composite() -> Recording {
    whole("composite", &plan(minute(), 0..4), minute(), 0..4)
}

/// So many slices of a small picture and sound.
pub(crate) fn long(slices: usize) -> Recording {
    whole("long", &plan(two_hours(), 0..slices), two_hours(), 0..slices)
}

fn audio_only() -> Recording {
    let plan = Plan { tags: Tags::Audio, ..plan(sound(), 0..4) };
    whole("audio-only", &plan, sound(), 0..4)
}

fn two_hours_long() -> Recording {
    whole("two-hours-long", &plan(two_hours(), 0..480), two_hours(), 0..480)
}

fn odd_channel_name() -> Recording {
    let plan = Plan { channel: "math 7b_#1 why?_".to_owned(), ..plan(minute(), 0..4) };
    whole("odd-channel-name", &plan, minute(), 0..4)
}

/// The recording service broke off after two slices; another machine wrote the rest.
fn failover() -> Recording {
    let all = plan(minute(), 0..4);
    let second = Plan { start: all.times().remove(2), failover: Some(0), ..plan(minute(), 2..4) };
    let first = whole("failover", &plan(minute(), 0..2), minute(), 0..2);
    joined(first, whole("failover", &second, minute(), 2..4))
}

/// Two slices of one size and two of another, in one playlist; and the frames of either half.
pub(crate) fn two_sizes() -> (Recording, [u64; 2]) {
    let lengths = [&minute().durations_ms[..2], &larger().durations_ms[..2]].concat();
    let plan = Plan { tags: Tags::None, ..Plan::new(&lengths) };
    let slices: Vec<_> = minute().slices[..2].iter().chain(&larger().slices[..2]).cloned().collect();
    let halves = [minute().sum(0..2), larger().sum(0..2)];
    let recording = Recording {
        word: "two-sizes",
        sid: plan.sid.clone(),
        files: plan.files(&slices),
        order: plan.slice_names(),
        packets: total(&halves),
        expected: Expected::default(),
    };
    (recording, halves.map(|half| half["video"]))
}

/// The first recorder wrote three slices; another one the third once more, and the fourth. With what is in it
/// when the third is there twice.
pub(crate) fn overlapping() -> (Recording, Packets) {
    let all = plan(minute(), 0..4);
    let second = Plan { start: all.times().remove(2), failover: Some(0), ..plan(again(), 2..4) };
    let first = whole("overlapping", &plan(minute(), 0..3), minute(), 0..3);
    let recording = joined(first, whole("overlapping", &second, again(), 2..4));
    let twice = recording.packets.clone();
    (recording, twice)
}

/// The same as a form: whole, its overlap told, and joined without it.
fn overlap() -> Recording {
    let (mut recording, twice) = overlapping();
    recording.word = "overlap";
    let mut joined = recording.order.clone();
    // Of the third, what the later recorder has.
    joined.remove(2);
    recording.expected = Expected {
        findings: &["failover-gap"],
        joined: vec![(".ts".to_owned(), joined)],
        plays: vec![("play.m3u8", twice)],
        tracks: vec![(None, "mixed", 5)],
        masters: 0,
    };
    recording
}

/// The playlist of a backup transfer lists all, the plain one only what was there in time.
fn transferred() -> Recording {
    let late = Plan { transfer: Some((22_194_679_897, 0)), ..plan(minute(), 0..4) };
    let mut recording = whole("transferred", &late, minute(), 0..4);
    let plain = plan(minute(), 0..2);
    recording.files.push((plain.playlist_name(), plain.playlist().into()));
    recording.expected.findings = &["transfer-chosen"];
    recording
}

pub(crate) fn plan(media: &Media, slices: std::ops::Range<usize>) -> Plan {
    Plan::new(&media.durations_ms[slices])
}

/// One playlist with its slices, and what becomes of it where it is all there is.
pub(crate) fn whole(
    word: &'static str,
    plan: &Plan,
    media: &Media,
    slices: std::ops::Range<usize>,
) -> Recording {
    let packets = media.sum(slices.clone());
    let (sid, order) = (plan.sid.clone(), plan.slice_names());
    let files = plan.files(&media.slices[slices]);
    Recording { word, sid, files, expected: in_one(&order, &packets), order, packets }
}

fn in_one(order: &[String], packets: &Packets) -> Expected {
    Expected {
        findings: &[],
        joined: vec![(".ts".to_owned(), order.to_vec())],
        plays: vec![("play.m3u8", packets.clone())],
        tracks: vec![(None, "mixed", order.len())],
        masters: 0,
    }
}

/// The second behind the first, on one time line.
fn joined(mut first: Recording, second: Recording) -> Recording {
    first.files.extend(second.files);
    first.order.extend(second.order);
    first.packets = total(&[first.packets, second.packets]);
    first.expected = in_one(&first.order, &first.packets);
    first
}

/// All of them together.
pub(crate) fn total(packets: &[Packets]) -> Packets {
    let mut all = Packets::new();
    for (stream, count) in packets.iter().flatten() {
        *all.entry(stream.clone()).or_default() += count;
    }
    all
}

impl Media {
    /// What is in these slices.
    pub(crate) fn sum(&self, slices: std::ops::Range<usize>) -> Packets {
        total(&self.packets[slices])
    }
}

impl Recording {
    /// The bytes of one file.
    pub(crate) fn bytes(&self, name: &str) -> &Bytes {
        &self.files.iter().find(|(known, _)| known == name).expect("a file of the recording").1
    }

    /// The slices one after the other: what joining must give.
    pub(crate) fn concatenation(&self) -> Vec<u8> {
        self.concatenation_of(&self.order)
    }

    /// These files one after the other.
    pub(crate) fn concatenation_of(&self, names: &[String]) -> Vec<u8> {
        names.iter().flat_map(|name| self.bytes(name)).copied().collect()
    }

    /// All files but these.
    pub(crate) fn without(&self, names: &[&str]) -> Vec<(String, Bytes)> {
        self.files.iter().filter(|(name, _)| !names.contains(&name.as_str())).cloned().collect()
    }

    /// The name of its (first) playlist.
    pub(crate) fn playlist(&self) -> &str {
        &self.files[0].0
    }
}

fn make(word: &str, parts: &[&[&str]]) -> Media {
    let arguments: Vec<&str> = parts.iter().chain(&[SLICES]).flat_map(|part| part.iter().copied()).collect();
    read(&made(word, &arguments, count))
}

/// The files that ffmpeg makes when it is told this, by name.
pub(crate) fn files(word: &str, arguments: &[&str]) -> BTreeMap<String, Bytes> {
    let dir = made(word, arguments, |_| ());
    let entries = std::fs::read_dir(dir).expect("a folder").map(|entry| entry.expect("an entry").path());
    let name = |path: &Path| path.file_name().expect("a name").to_str().expect("text").to_owned();
    entries.map(|path| (name(&path), std::fs::read(&path).expect("a file").into())).collect()
}

/// The folder where ffmpeg made what it was told, and what came `after` it was done. Only once, ever.
fn made(word: &str, arguments: &[&str], after: fn(&Path)) -> PathBuf {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    // Another recipe is another folder.
    let recipe = arguments.iter().fold(String::new(), |text, argument| text + argument + " ");
    let hash = recipe.bytes().fold(0_u64, |hash, byte| hash.wrapping_mul(31).wrapping_add(u64::from(byte)));
    let media = Path::new(env!("CARGO_TARGET_TMPDIR")).join("real-media");
    let dir = media.join(format!("{word}-{hash:016x}"));
    let _guard = ONE_AT_A_TIME.lock().expect("lock");
    if !dir.is_dir() {
        let unfinished = media.join(format!("{word}.{}", std::process::id()));
        std::fs::create_dir_all(&unfinished).expect("a folder");
        let mut command = Command::new("ffmpeg");
        command.args(["-nostdin", "-v", "error", "-y"]).args(arguments).current_dir(&unfinished);
        assert!(command.status().expect("ffmpeg").success(), "ffmpeg made no {word}");
        after(&unfinished);
        std::fs::rename(&unfinished, &dir).expect("renamed");
    }
    dir
}

/// Has ffprobe count the packets of each slice, two at a time, and writes that down.
fn count(dir: &Path) {
    let names: Mutex<Vec<PathBuf>> = Mutex::new(slices(dir));
    let counts: Mutex<BTreeMap<PathBuf, Packets>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let Some(path) = names.lock().expect("lock").pop() else { break };
                    let packets = judge::packets(path.to_str().expect("text"));
                    counts.lock().expect("lock").insert(path, packets);
                }
            });
        }
    });
    let mut text = String::new();
    for packets in counts.into_inner().expect("lock").values() {
        let _ = writeln!(text, "{}", serde_json::to_string(packets).expect("JSON"));
    }
    std::fs::write(dir.join("packets"), text).expect("written");
}

fn read(dir: &Path) -> Media {
    let playlist = std::fs::read_to_string(dir.join("ffmpeg.m3u8")).expect("a playlist");
    let lengths = playlist.lines().filter_map(|line| line.strip_prefix("#EXTINF:"));
    // `15.000000,`: the playlists have microseconds, Agora's names milliseconds.
    let durations_ms: Vec<u64> = lengths
        .map(|text| {
            let (seconds, fraction) = text.trim_end_matches(',').split_once('.').expect("a fraction");
            let millis = (fraction.parse::<u64>().expect("digits") + 500) / 1000;
            seconds.parse::<u64>().expect("digits") * 1000 + millis
        })
        .collect();
    let slices: Vec<Bytes> =
        slices(dir).iter().map(|path| std::fs::read(path).expect("a slice").into()).collect();
    let packets = std::fs::read_to_string(dir.join("packets")).expect("counts");
    let packets: Vec<Packets> =
        packets.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(slices.len(), durations_ms.len(), "{}", dir.display());
    assert_eq!(slices.len(), packets.len(), "{}", dir.display());
    Media { slices, durations_ms, packets }
}

fn slices(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).expect("a folder").map(|entry| entry.expect("an entry").path());
    let mut slices: Vec<_> = entries.filter(|path| path.extension().is_some_and(|e| e == "ts")).collect();
    slices.sort();
    slices
}
