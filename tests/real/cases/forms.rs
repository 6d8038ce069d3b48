//! Forms of media as ffmpeg writes them: the examiners call each whole, agree with ffprobe about how long it
//! plays, and call no cut of it whole.

use std::path::Path;
use std::process::Command;

use recfetch::media::{mp4, picture, sound, webm};

use crate::judge;

/// A form: file name, and what ffmpeg is told.
struct Form {
    name: &'static str,
    words: &'static [&'static str],
    /// Whether the file itself tells where it ends.
    tells_its_end: bool,
}

const PICTURE: [&str; 4] = ["-f", "lavfi", "-i", "testsrc=size=160x120:rate=15:duration=5"];
const SOUND: [&str; 4] = ["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000:duration=5"];

const VP8: &[&str] = &["-map", "0:v", "-c:v", "libvpx", "-deadline", "realtime", "-b:v", "100k"];
const OPUS: &[&str] = &["-map", "1:a", "-c:a", "libopus"];
const H264_AAC: &[&str] = &[
    "-map",
    "0:v",
    "-map",
    "1:a",
    "-c:v",
    "libx264",
    "-preset",
    "ultrafast",
    "-pix_fmt",
    "yuv420p",
    "-g",
    "15",
    "-c:a",
    "aac",
];

const FORMS: [Form; 14] = [
    form("vp8.webm", &[], true),
    form("opus.webm", &[], true),
    form(
        "vp9-opus.webm",
        &[
            "-map",
            "0:v",
            "-map",
            "1:a",
            "-c:v",
            "libvpx-vp9",
            "-deadline",
            "realtime",
            "-cpu-used",
            "8",
            "-c:a",
            "libopus",
        ],
        true,
    ),
    form("vp8-live.webm", &["-live", "1"], false),
    form("opus-live.webm", &["-live", "1"], false),
    form("last.mp4", &[], true),
    form("first.mp4", &["-movflags", "+faststart"], true),
    form("fragments.mp4", &["-movflags", "+frag_keyframe+empty_moov+default_base_moof"], true),
    form("fragments-plain.mp4", &["-movflags", "+frag_keyframe"], true),
    form("sound.m4a", &["-map", "1:a", "-c:a", "aac"], true),
    form("sound.mp3", &["-map", "1:a", "-c:a", "libmp3lame"], true),
    form(
        "plain.mp3",
        &["-map", "1:a", "-c:a", "libmp3lame", "-write_xing", "0", "-id3v2_version", "0"],
        false,
    ),
    form("sound.aac", &["-map", "1:a", "-c:a", "aac", "-f", "adts"], false),
    form("picture.jpg", &["-map", "0:v", "-frames:v", "1", "-c:v", "mjpeg", "-pix_fmt", "yuvj420p"], true),
];

const fn form(name: &'static str, words: &'static [&'static str], tells_its_end: bool) -> Form {
    Form { name, words, tells_its_end }
}

/// What an examiner says in short.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    is_whole: bool,
    tells_its_end: bool,
    playing_ms: Option<u64>,
}

fn examine(name: &str, bytes: &[u8]) -> Seen {
    let seen = |is_whole, tells_its_end, playing_ms| Seen { is_whole, tells_its_end, playing_ms };
    match name.rsplit('.').next() {
        Some("webm") => {
            let mut examiner = webm::Examiner::new();
            bytes.chunks(60_000).for_each(|piece| examiner.push(piece));
            let s = examiner.finish();
            let whole = !s.cut
                && s.broken_at.is_none()
                && s.blocks > 0
                && s.trailing_bytes + s.unknown_elements + s.stray_blocks == 0;
            seen(whole, s.extent == webm::Extent::Sized, s.span_ms)
        }
        Some("mp4" | "m4a") => {
            let mut examiner = mp4::Examiner::new();
            bytes.chunks(60_000).for_each(|piece| examiner.push(piece));
            let s = examiner.finish();
            let whole = !s.cut
                && s.broken_at.is_none()
                && s.has_index
                && s.samples > 0
                && s.bad_tables + s.outside + s.fragment_breaks == 0;
            seen(whole, s.fragments == 0 || s.is_closed, s.span_ms)
        }
        Some("mp3" | "aac") => {
            let kind = if name.ends_with("mp3") { sound::Frames::Mp3 } else { sound::Frames::Adts };
            let mut examiner = sound::Examiner::new(kind);
            examiner.push(bytes);
            let s = examiner.finish();
            let short = s.announced_frames.is_some_and(|announced| announced > s.frames);
            let whole = !s.cut && s.broken_at.is_none() && s.frames > 0 && s.trailing_bytes == 0 && !short;
            let tells = s.announced_frames == Some(s.frames) && s.announced_bytes == Some(s.frame_bytes);
            seen(whole, tells, s.span_ms)
        }
        _ => {
            let mut examiner = picture::Examiner::new();
            examiner.push(bytes);
            let s = examiner.finish();
            let size = s.width.zip(s.height) == Some((160, 120));
            seen(s.ended && size && s.broken_at.is_none() && s.trailing_bytes == 0, true, None)
        }
    }
}

fn make(dir: &Path, form: &Form) -> Vec<u8> {
    let codec: &[&str] = match form.name {
        name if name.starts_with("vp8") => VP8,
        name if name.starts_with("opus") => OPUS,
        name if name.ends_with("mp4") => H264_AAC,
        _ => &[],
    };
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-v", "error", "-y"]).args(PICTURE).args(SOUND).args(codec).args(form.words);
    command.arg(form.name).current_dir(dir);
    assert!(command.status().expect("ffmpeg").success(), "ffmpeg made no {}", form.name);
    std::fs::read(dir.join(form.name)).expect("a file")
}

/// Each as ffmpeg writes it, and cut at a hundred places.
pub(crate) fn what_ffmpeg_writes_is_whole_and_no_cut_of_it_is() {
    let dir = tempfile::tempdir().expect("a folder");
    for form in &FORMS {
        let bytes = make(dir.path(), form);
        let seen = examine(form.name, &bytes);
        assert!(seen.is_whole, "{}: {seen:?}", form.name);
        assert_eq!(seen.tells_its_end, form.tells_its_end, "{}", form.name);
        if let Some(found) = seen.playing_ms {
            let probed = judge::duration_ms(&dir.path().join(form.name)).unwrap_or(5000);
            assert!(found.abs_diff(probed) <= 100, "{}: {found} ms, ffprobe says {probed} ms", form.name);
        }
        for n in 0..100 {
            // Near both ends and everywhere between.
            let end = match n {
                0..20 => bytes.len() - 1 - n,
                20..40 => n - 20,
                _ => bytes.len() * (n - 39) / 62,
            };
            let cut = examine(form.name, &bytes[..end]);
            assert!(!(cut.is_whole && cut.tells_its_end), "{} cut at {end}: {cut:?}", form.name);
        }
    }
}
