//! Recordings with nothing wrong, in every form that Agora Cloud Recording leaves behind.

use bytes::Bytes;
use recfetch_test_support::recording::{Plan, Tags};
use recfetch_test_support::ts::{SliceSpec, Tracks, slice};
use recfetch_test_support::{mp4, picture, webm};

/// How long a slice plays.
pub(crate) const SLICE_MS: u64 = 5_000;

/// All of them.
pub(crate) const FORMS: [&str; 11] = [
    "composite",
    "long",
    "audio",
    "individual",
    "standard",
    "original",
    "webm",
    "web-page",
    "mp4",
    "failover",
    "transferred",
];

/// A recording with nothing wrong.
pub(crate) struct Clean {
    /// One for each list of slices, with the words that name it: ``, `bak0`, `uid 7 audio`.
    pub(crate) lists: Vec<(String, Plan)>,
    /// All files.
    pub(crate) files: Vec<(String, Bytes)>,
    /// What a check says although nothing is wrong: notes, and that a recorder was replaced.
    pub(crate) remarks: &'static [&'static str],
}

impl Clean {
    /// A recording of this form that starts at this time (17 digits).
    pub(crate) fn of(form: &str, start: &str) -> Self {
        let plan = |count: usize| Plan { start: start.to_owned(), ..Plan::new(&vec![SLICE_MS; count]) };
        let mut clean = Self { lists: Vec::new(), files: Vec::new(), remarks: &[] };
        match form {
            "composite" => clean.add("", plan(8), Tracks::AudioVideo, 0),
            "long" => clean.add("", plan(40), Tracks::AudioVideo, 0),
            "audio" => clean.add("", Plan { tags: Tags::Audio, ..plan(8) }, Tracks::Audio, 0),
            "individual" => clean.individual(&plan(6)),
            "standard" => {
                clean.individual(&plan(6));
                clean.master(&plan(6));
            }
            "original" => {
                let plan = Plan { gaps_ms: vec![(2, 22_000)], discontinuities: vec![0, 3], ..plan(6) };
                clean.add("uid 7 audio", track(7, "audio", plan), Tracks::Audio, 0);
            }
            "webm" => {
                for kind in ["audio", "video"] {
                    let plan = Plan { extension: "webm".to_owned(), ..track(7, kind, plan(6)) };
                    let slices: Vec<Bytes> = (0..6).map(|n| webm::slice(5_000, n + 1).into()).collect();
                    clean.files.extend(plan.files(&slices));
                    clean.lists.push((format!("uid 7 {kind}"), plan));
                }
                clean.manifest(&plan(6));
            }
            "web-page" => {
                let plan = Plan { channel: "https---example-com-page".to_owned(), ..plan(8) };
                clean.add("", plan, Tracks::AudioVideo, 0);
                clean.films(2);
            }
            "mp4" => {
                clean.add("", plan(8), Tracks::AudioVideo, 0);
                clean.films(1);
                let stem = clean.lists[0].1.stem();
                clean.files.push((format!("{stem}_{start}.jpg"), picture::jpeg(64, 36, 1).into()));
            }
            "failover" => {
                clean.add("", plan(4), Tracks::AudioVideo, 0);
                let plan = Plan { gaps_ms: vec![(0, 4 * SLICE_MS)], ..plan(5) };
                // The times of the second half, behind the first.
                let start = plan.times()[1].clone();
                let later =
                    Plan { start, failover: Some(0), gaps_ms: Vec::new(), ..Plan::new(&[SLICE_MS; 4]) };
                clean.add("bak0", later, Tracks::AudioVideo, 5);
                clean.remarks = &["failover", "failover-gap"];
            }
            "transferred" => {
                clean.add("", plan(8), Tracks::AudioVideo, 0);
                let copy = Plan { transfer: Some((22_194_679_897, 0)), ..plan(8) };
                clean.files.push((copy.playlist_name(), copy.playlist().into()));
                clean.remarks = &["playlist-superseded"];
            }
            other => panic!("no clean recording `{other}`"),
        }
        clean
    }

    /// When the last slice ends, in milliseconds after the start.
    pub(crate) fn length_ms(&self) -> u64 {
        let length = |plan: &Plan| {
            plan.durations_ms.iter().sum::<u64>() + plan.gaps_ms.iter().map(|(_, ms)| ms).sum::<u64>()
        };
        self.lists.iter().map(|(_, plan)| length(plan)).sum()
    }

    fn add(&mut self, words: &str, plan: Plan, tracks: Tracks, first: u64) {
        let slices: Vec<Bytes> = (0..plan.durations_ms.len() as u64)
            .map(|n| {
                let start_pts = 126_000 + (first + n) * SLICE_MS * 90;
                let spec = SliceSpec {
                    start_pts,
                    duration_ms: 5_000,
                    tracks,
                    seed: first + n,
                    ..SliceSpec::default()
                };
                slice(&spec).into()
            })
            .collect();
        self.files.extend(plan.files(&slices));
        self.lists.push((words.to_owned(), plan));
    }

    fn individual(&mut self, plan: &Plan) {
        for uid in [7, 1_234_567_890] {
            self.add(&format!("uid {uid} audio"), track(uid, "audio", plan.clone()), Tracks::Audio, 0);
            self.add(&format!("uid {uid} video"), track(uid, "video", plan.clone()), Tracks::Video, 0);
        }
    }

    fn master(&mut self, plan: &Plan) {
        let name = |kind: &str| track(7, kind, plan.clone()).playlist_name();
        let text = format!(
            "#EXTM3U\n#EXT-X-VERSION:3\n# Audio\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"a\",URI=\"{}\"\n\
             # Video\n#EXT-X-STREAM-INF:BANDWIDTH=800000,AUDIO=\"a\"\n{}\n",
            name("audio"),
            name("video")
        );
        self.files.push((name("av"), text.into()));
    }

    fn manifest(&mut self, plan: &Plan) {
        let names = self.lists.iter().flat_map(|(_, plan)| plan.slice_names());
        let urls: String = names.map(|name| format!("<SegmentURL media=\"{name}\"/>")).collect();
        let text =
            format!("<?xml version=\"1.0\"?><MPD><Period><SegmentList>{urls}</SegmentList></Period></MPD>");
        let name = track(7, "av", plan.clone()).playlist_name().replace(".m3u8", ".mpd");
        self.files.push((name, text.into()));
    }

    fn films(&mut self, count: u64) {
        let stem = self.lists[0].1.stem();
        for n in 0..count {
            self.files.push((format!("{stem}_{n}.mp4"), mp4::recording(4_000, n).into()));
        }
    }
}

fn track(uid: u32, kind: &str, plan: Plan) -> Plan {
    let tags = if kind == "audio" { Tags::Audio } else { Tags::Video };
    Plan { track: Some((uid, kind.to_owned())), tags, ..plan }
}
