//! Recordings named and written as Agora Cloud Recording does it ("Manage recorded files", copy of 2026).

use std::io;
use std::path::Path;

use bytes::Bytes;
use jiff::civil::DateTime;
use jiff::{SignedDuration, ToSpan as _};

use crate::store::{Object, Objects};

/// How a recording is named and what its playlist says. Start from [`Plan::new`] and change fields.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Recording id, 32 hexadecimal digits.
    pub sid: String,
    /// Channel name.
    pub channel: String,
    /// Start of the first slice, 17 digits, UTC.
    pub start: String,
    /// Length of each slice in milliseconds; there are as many slices as lengths.
    pub durations_ms: Vec<u64>,
    /// Milliseconds of silence after slice number n (from 0): slices that were never written.
    pub gaps_ms: Vec<(usize, u64)>,
    /// `Some((123, "video"))` for an individual recording's `__uid_s_123__uid_e_video`.
    pub track: Option<(u32, String)>,
    /// `Some(0)` for the files of the first failover, `bak0_…`.
    pub failover: Option<u8>,
    /// Tick and index of a backup transfer's playlist, `…_<tick>_<index>.m3u8`.
    pub transfer: Option<(u64, u32)>,
    /// Whether `#EXTINF` ends with a comma.
    pub comma: Comma,
    /// Which of Agora's own tags stand before the first slice.
    pub tags: Tags,
    /// Whether the playlist says that it is complete.
    pub ending: Ending,
    /// Slices (from 0) with `#EXT-X-DISCONTINUITY` before them.
    pub discontinuities: Vec<usize>,
    /// The slices' extension, without a dot.
    pub extension: String,
}

/// The end of an `#EXTINF` line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comma {
    /// As Agora writes it: none.
    Absent,
    /// As the standard wants it (`correctEXTINF`).
    Present,
}

/// Agora's own tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tags {
    /// None.
    None,
    /// `TRACK-EVENT` of an audio track.
    Audio,
    /// `ROTATE` and `TRACK-EVENT` of a video track.
    Video,
    /// `ROTATE` and `TRACK-EVENT` of both.
    AudioVideo,
}

/// The end of a playlist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// With `#EXT-X-ENDLIST`.
    Ended,
    /// Without it: still growing, or broken off.
    Open,
}

impl Plan {
    /// A composite recording of slices of these lengths, complete.
    pub fn new(durations_ms: &[u64]) -> Self {
        Self {
            sid: "38f8e3cfdc474cd56fc1ceba380d7e1a".to_owned(),
            channel: "math_7b".to_owned(),
            start: "20260920125142485".to_owned(),
            durations_ms: durations_ms.to_vec(),
            gaps_ms: Vec::new(),
            track: None,
            failover: None,
            transfer: None,
            comma: Comma::Absent,
            tags: Tags::AudioVideo,
            ending: Ending::Ended,
            discontinuities: vec![0],
            extension: "ts".to_owned(),
        }
    }

    /// What all names of this recording begin with: `[bak0_]<sid>_<channel>[__uid_s_1__uid_e_video]`.
    pub fn stem(&self) -> String {
        let failover = self.failover.map(|n| format!("bak{n}_")).unwrap_or_default();
        let track = self.track.as_ref().map(|(uid, kind)| format!("__uid_s_{uid}__uid_e_{kind}"));
        format!("{failover}{}_{}{}", self.sid, self.channel, track.unwrap_or_default())
    }

    /// The playlist's name.
    pub fn playlist_name(&self) -> String {
        let transfer = self.transfer.map(|(tick, index)| format!("_{tick}_{index}")).unwrap_or_default();
        format!("{}{transfer}.m3u8", self.stem())
    }

    /// The start of each slice, 17 digits: the start before plus that slice's length (plus its gap).
    pub fn times(&self) -> Vec<String> {
        let mut at = parse_time(&self.start);
        let mut times = Vec::new();
        for (n, length) in self.durations_ms.iter().enumerate() {
            times.push(at.strftime("%Y%m%d%H%M%S%3f").to_string());
            let gap: u64 = self.gaps_ms.iter().filter(|(after, _)| *after == n).map(|(_, ms)| ms).sum();
            let step = i64::try_from(length + gap).expect("a length of this world");
            at = at.checked_add(SignedDuration::from_millis(step)).expect("a time of this era");
        }
        times
    }

    /// The slices' names.
    pub fn slice_names(&self) -> Vec<String> {
        let stem = self.stem();
        self.times().iter().map(|time| format!("{stem}_{time}.{}", self.extension)).collect()
    }

    /// The playlist's text.
    pub fn playlist(&self) -> String {
        // The official samples have 18 for slices of up to 15.019 s.
        let target = self.durations_ms.iter().max().map_or(0, |longest| longest / 1000 + 3);
        let mut text = format!(
            "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-ALLOW-CACHE:YES\n\
             #EXT-X-TARGETDURATION:{target}\n"
        );
        let comma = match self.comma {
            Comma::Absent => "",
            Comma::Present => ",",
        };
        let names = self.slice_names();
        for (n, (name, length)) in names.iter().zip(&self.durations_ms).enumerate() {
            if self.discontinuities.contains(&n) {
                text += "#EXT-X-DISCONTINUITY\n";
            }
            if n == 0 {
                text += &self.agora_tags();
            }
            text += &format!("#EXTINF:{}.{:03}000{comma}\n{name}\n", length / 1000, length % 1000);
        }
        match self.ending {
            Ending::Ended => text += "#EXT-X-ENDLIST\n",
            Ending::Open => {}
        }
        text
    }

    fn agora_tags(&self) -> String {
        let time = &self.start;
        let rotate = format!("#EXT-X-AGORA-ROTATE:WIDTH=640,HEIGHT=480,ROTATE=0,TIME={time}\n");
        let event = |kind| format!("#EXT-X-AGORA-TRACK-EVENT:EVENT=START,TRACK_TYPE={kind},TIME={time}\n");
        match self.tags {
            Tags::None => String::new(),
            Tags::Audio => event("AUDIO"),
            Tags::Video => rotate + &event("VIDEO"),
            Tags::AudioVideo => rotate + &event("AUDIO") + &event("VIDEO"),
        }
    }

    /// All files of the recording, the playlist first. The segments are used in turn, so that one may
    /// stand for many.
    pub fn files(&self, segments: &[Bytes]) -> Vec<(String, Bytes)> {
        let slices = self.slice_names().into_iter().zip(segments.iter().cycle().cloned());
        std::iter::once((self.playlist_name(), Bytes::from(self.playlist()))).chain(slices).collect()
    }

    /// Writes the files into a folder.
    pub fn write(&self, dir: impl AsRef<Path>, segments: &[Bytes]) -> io::Result<()> {
        std::fs::create_dir_all(&dir)?;
        self.files(segments)
            .into_iter()
            .try_for_each(|(name, bytes)| std::fs::write(dir.as_ref().join(name), bytes))
    }

    /// Puts the files among the objects under a prefix (`""`, or with a slash at its end: `rec/2026/`),
    /// each with the checksum S3 gives by itself.
    pub fn put(&self, objects: &Objects, prefix: &str, segments: &[Bytes]) {
        for (name, bytes) in self.files(segments) {
            let kind = if name.ends_with(".m3u8") { "application/x-mpegURL" } else { "video/MP2T" };
            let object = Object::new(bytes).content_type(kind).with_checksum(crate::Checksum::Crc64Nvme);
            objects.put(format!("{prefix}{name}"), object);
        }
    }
}

fn parse_time(digits: &str) -> DateTime {
    let (seconds, millis) = digits.split_at_checked(14).expect("17 digits");
    let time = DateTime::strptime("%Y%m%d%H%M%S", seconds).expect("17 digits of a time");
    time.checked_add(millis.parse::<i64>().expect("17 digits").milliseconds()).expect("a time of this era")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_official_sample() {
        let mut plan = Plan::new(&[6_332, 17_442]);
        plan.sid = "sid713476478245".to_owned();
        plan.channel = "cnameagora".to_owned();
        plan.start = "20190920125142485".to_owned();
        plan.track = Some((123, "video".to_owned()));
        plan.gaps_ms = vec![(0, 357)];
        assert_eq!(plan.playlist_name(), "sid713476478245_cnameagora__uid_s_123__uid_e_video.m3u8");
        let names = plan.slice_names();
        assert_eq!(names[0], "sid713476478245_cnameagora__uid_s_123__uid_e_video_20190920125142485.ts");
        assert_eq!(names[1], "sid713476478245_cnameagora__uid_s_123__uid_e_video_20190920125149174.ts");
        plan.failover = Some(1);
        plan.transfer = Some((22_194_679_897, 3));
        let want = "bak1_sid713476478245_cnameagora__uid_s_123__uid_e_video_22194679897_3.m3u8";
        assert_eq!(plan.playlist_name(), want);
    }

    #[test]
    fn a_playlist_has_agoras_form() {
        let mut plan = Plan::new(&[15_019, 6_000]);
        plan.tags = Tags::Audio;
        let want = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-ALLOW-CACHE:YES\n\
            #EXT-X-TARGETDURATION:18\n#EXT-X-DISCONTINUITY\n\
            #EXT-X-AGORA-TRACK-EVENT:EVENT=START,TRACK_TYPE=AUDIO,TIME=20260920125142485\n\
            #EXTINF:15.019000\n38f8e3cfdc474cd56fc1ceba380d7e1a_math_7b_20260920125142485.ts\n\
            #EXTINF:6.000000\n38f8e3cfdc474cd56fc1ceba380d7e1a_math_7b_20260920125157504.ts\n\
            #EXT-X-ENDLIST\n";
        assert_eq!(plan.playlist(), want);
        plan.comma = Comma::Present;
        plan.ending = Ending::Open;
        assert!(plan.playlist().contains("#EXTINF:15.019000,\n"));
        assert!(!plan.playlist().contains("ENDLIST"));
    }
}
