//! Recordings that are more than one list of slices, or other than transport streams, made by ffmpeg.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use bytes::Bytes;
use recfetch_test_support::Plan;
use recfetch_test_support::recording::Tags;

use crate::judge::Packets;
use crate::media::{
    Expected, Media, PICTURE, PICTURE_CODEC, Recording, SOUND, SOUND_CODEC, files, minute, picture, plan,
    sound, total, two_sizes, whole,
};

/// Two users, each with two slices of sound and two of picture.
pub(crate) fn individual() -> Recording {
    let mut recording = Recording { word: "individual", ..empty() };
    for (uid, slices) in [(7, 0..2), (1_234_567_890, 2..4)] {
        for (kind, media) in [("audio", sound()), ("video", picture())] {
            add_track(&mut recording, track(uid, kind, plan(media, slices.clone())), media, slices.clone());
        }
    }
    let both = |slices: std::ops::Range<usize>| total(&[sound().sum(slices.clone()), picture().sum(slices)]);
    recording.expected.plays = vec![
        ("play_uid_7_audio.m3u8", sound().sum(0..2)),
        ("play_uid_7_video.m3u8", picture().sum(0..2)),
        ("play_uid_7.m3u8", both(0..2)),
        ("play_uid_1234567890_audio.m3u8", sound().sum(2..4)),
        ("play_uid_1234567890_video.m3u8", picture().sum(2..4)),
        ("play_uid_1234567890.m3u8", both(2..4)),
    ];
    recording
}

/// One user in the stream mode `standard`: a master over both tracks, and over one that never was.
pub(crate) fn standard() -> Recording {
    let mut recording = Recording { word: "individual-standard", ..empty() };
    for (kind, media) in [("audio", sound()), ("video", picture())] {
        add_track(&mut recording, track(7, kind, plan(media, 0..2)), media, 0..2);
    }
    let name = |kind: &str| track(7, kind, plan(sound(), 0..1)).playlist_name();
    let of_nobody = track(9, "audio", plan(sound(), 0..1)).playlist_name();
    let mut master = "#EXTM3U\n#EXT-X-VERSION:3\n".to_owned();
    for (label, uri) in [("a", name("audio")), ("b", of_nobody)] {
        let _ = writeln!(
            master,
            "# Audio\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"{label}\",NAME=\"{label}\",URI=\"{uri}\""
        );
    }
    let _ = writeln!(master, "# Video\n#EXT-X-STREAM-INF:BANDWIDTH=800000,AUDIO=\"a\"\n{}", name("video"));
    recording.files.push((name("av"), master.into()));
    recording.expected.findings = &["dead-reference"];
    recording.expected.masters = 1;
    recording.expected.plays = vec![
        ("play_uid_7_audio.m3u8", sound().sum(0..2)),
        ("play_uid_7_video.m3u8", picture().sum(0..2)),
        ("play_uid_7.m3u8", total(&[sound().sum(0..2), picture().sum(0..2)])),
    ];
    recording
}

/// One user of a browser: WebM slices whose sizes are known, a list for each track and a DASH manifest over all.
pub(crate) fn webm() -> Recording {
    const SECONDS: &str = "15";
    let small = ["-f", "lavfi", "-i", "testsrc=size=96x54:rate=5"];
    let vp8 = ["-map", "0:v", "-t", SECONDS, "-c:v", "libvpx", "-deadline", "realtime", "-b:v", "30k"];
    let opus = ["-map", "1:a", "-t", SECONDS, "-c:a", "libopus", "-b:a", "16k"];
    let later = ["-ss", SECONDS];
    let arguments = [
        &small[..],
        SOUND,
        &vp8,
        &["v0.webm"],
        &later,
        &vp8,
        &["v1.webm"],
        &opus,
        &["a0.webm"],
        &later,
        &opus,
        &["a1.webm"],
    ];
    let made = files("webm", &arguments.concat());
    let mut recording = Recording { word: "individual-webm", ..empty() };
    let mut names = String::new();
    for (kind, letter) in [("audio", 'a'), ("video", 'v')] {
        let mut plan = track(7, kind, Plan::new(&[15_000; 2]));
        plan.extension = "webm".to_owned();
        let slices = [0, 1].map(|n| made[&format!("{letter}{n}.webm")].clone());
        recording.files.extend(plan.files(&slices));
        for name in plan.slice_names() {
            let _ = write!(names, "<SegmentURL media=\"{name}\"/>");
            recording.order.push(name);
        }
        recording.expected.tracks.push((Some(7), kind, 2));
    }
    let manifest = track(7, "av", plan(sound(), 0..1)).playlist_name().replace(".m3u8", ".mpd");
    let text =
        format!("<?xml version=\"1.0\"?><MPD><Period><SegmentList>{names}</SegmentList></Period></MPD>");
    recording.files.push((manifest, text.into()));
    recording.expected.masters = 1;
    recording
}

/// Sound as its sender made it: a slice ends where the sender is mute, and the next starts 22 s later.
pub(crate) fn original_sound() -> Recording {
    let plan = Plan {
        gaps_ms: vec![(1, 22_000)],
        discontinuities: vec![0, 2],
        ..track(7, "audio", plan(sound(), 0..4))
    };
    let mut recording = Recording { word: "original-sound", ..empty() };
    add_track(&mut recording, plan, sound(), 0..4);
    recording.expected.plays = vec![("play.m3u8", sound().sum(0..4))];
    recording
}

/// A web page: its address is the channel's name, with other letters; slices and two films.
pub(crate) fn web_page() -> Recording {
    let plan = Plan { channel: "https---example-com-page".to_owned(), ..plan(minute(), 0..4) };
    let mut recording = whole("web-page", &plan, minute(), 0..4);
    for (n, film) in films().into_iter().enumerate() {
        recording.files.push((format!("{}_{n}.mp4", plan.stem()), film));
    }
    recording
}

/// Slices, a film, the sound in each of its forms, and a picture.
pub(crate) fn composite_with_files() -> Recording {
    let plan = plan(minute(), 0..4);
    let mut recording = whole("composite-with-files", &plan, minute(), 0..4);
    let made = besides();
    let [film, _] = films();
    let picture = format!("_{}.jpg", plan.start);
    for (ending, bytes) in [
        ("_0.mp4", film),
        ("_0.mp3", made["sound.mp3"].clone()),
        ("_0.m4a", made["sound.m4a"].clone()),
        ("_0.aac", made["sound.aac"].clone()),
        (&picture, made["picture.jpg"].clone()),
    ] {
        recording.files.push((format!("{}{ending}", plan.stem()), bytes));
    }
    recording
}

/// The picture becomes larger in the middle, and is turned; the playlist says so as Agora's do.
pub(crate) fn size_change() -> Recording {
    let (mut recording, _) = two_sizes();
    recording.word = "size-change";
    let (text, order) = (recording.files[0].1.clone(), recording.order.clone());
    let text = String::from_utf8(text.to_vec()).expect("UTF-8");
    let time = order[2].rsplit(['_', '.']).nth(1).expect("a time");
    let line = text.lines().position(|line| line == order[2]).expect("the third");
    let mut lines: Vec<&str> = text.lines().collect();
    let rotate = format!("#EXT-X-AGORA-ROTATE:WIDTH=640,HEIGHT=360,ROTATE=90,TIME={time}");
    lines.splice(line - 1..line - 1, ["#EXT-X-DISCONTINUITY", &rotate]);
    recording.files[0].1 = (lines.join("\n") + "\n").into();
    recording.expected = Expected {
        joined: vec![
            (".run1.ts".to_owned(), order[..2].to_vec()),
            (".run2.ts".to_owned(), order[2..].to_vec()),
        ],
        plays: vec![("play.m3u8", recording.packets.clone())],
        tracks: vec![(None, "mixed", 4)],
        ..Expected::default()
    };
    recording
}

/// A film that is larger than what is fetched in one piece: noise, which no codec makes small.
pub(crate) fn large_film() -> Recording {
    let noise = ["-f", "lavfi", "-i", "testsrc2=size=1280x720:rate=25,noise=alls=60:allf=t"];
    let codec = ["-t", "2.4", "-c:v", "libx264", "-preset", "ultrafast", "-qp", "8", "-pix_fmt", "yuv420p"];
    let made = files("large", &[&noise[..], SOUND, &codec, SOUND_CODEC, &["film.mp4"]].concat());
    let plan = plan(minute(), 0..2);
    let mut recording = whole("large-film", &plan, minute(), 0..2);
    recording.files.push((format!("{}_0.mp4", plan.stem()), made["film.mp4"].clone()));
    recording
}

/// Two films of ten seconds, the second with its index before the media.
fn films() -> [Bytes; 2] {
    let film = [&["-t", "10"], PICTURE_CODEC, SOUND_CODEC].concat();
    let second = ["-movflags", "+faststart"];
    let arguments = [PICTURE, SOUND, &film, &["0.mp4", "-ss", "10"], &film, &second, &["1.mp4"]].concat();
    let made = files("films", &arguments);
    ["0.mp4", "1.mp4"].map(|name| made[name].clone())
}

/// The sound in three forms, and a picture, of ten seconds. The inputs end: ffmpeg asks an input that does not
/// end for more than the picture needs.
fn besides() -> BTreeMap<String, Bytes> {
    let inputs = [&["-t", "10"], PICTURE, &["-t", "10"], SOUND].concat();
    let arguments = [
        &inputs[..],
        &["-map", "1:a", "-c:a", "libmp3lame", "sound.mp3"],
        &["-map", "1:a", "-c:a", "aac", "sound.m4a"],
        &["-map", "1:a", "-c:a", "aac", "-f", "adts", "sound.aac"],
        &["-map", "0:v", "-frames:v", "1", "-c:v", "mjpeg", "-pix_fmt", "yuvj420p", "picture.jpg"],
    ];
    files("besides", &arguments.concat())
}

fn empty() -> Recording {
    Recording {
        word: "",
        sid: Plan::new(&[]).sid,
        files: Vec::new(),
        order: Vec::new(),
        packets: Packets::new(),
        expected: Expected::default(),
    }
}

fn track(uid: u32, kind: &str, plan: Plan) -> Plan {
    let tags = if kind == "audio" { Tags::Audio } else { Tags::Video };
    Plan { track: Some((uid, kind.to_owned())), tags, ..plan }
}

/// Adds a user's track of transport streams, which is joined into a file of its own.
fn add_track(recording: &mut Recording, plan: Plan, media: &Media, slices: std::ops::Range<usize>) {
    let (uid, kind) = plan.track.clone().expect("a track");
    let part = whole("", &plan, media, slices);
    let kind = if kind == "audio" { "audio" } else { "video" };
    let ending = format!("__uid_s_{uid}__uid_e_{kind}.ts");
    recording.expected.joined.push((ending, part.order.clone()));
    recording.expected.tracks.push((Some(uid), kind, part.order.len()));
    recording.packets = total(&[recording.packets.clone(), part.packets]);
    recording.files.extend(part.files);
    recording.order.extend(part.order);
}
