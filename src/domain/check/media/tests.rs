use super::*;
use crate::domain::check::Presence;
use crate::domain::digest::{Algorithm, Digest};
use crate::domain::place::Denial;
use crate::domain::plan::ListOrigin;
use crate::domain::verdict::{ClockFacts, CloserFacts, Format, Page, TsFacts, WebMFacts};

const SLICE_MS: u64 = 15_000;

fn name(n: usize) -> ObjectName {
    ObjectName::parse(&format!("s_{n}.ts")).unwrap()
}

fn facts(n: u64) -> TsFacts {
    TsFacts {
        packets: 400,
        streams: 2,
        streams_with_media: 2,
        first_pts: Some(126_000 + n * SLICE_MS * 90),
        span: Some(SLICE_MS * 90),
        form: MediaForm {
            codec: Some("h264+aac".to_owned()),
            picture: Some(PictureSize { width: 640, height: 360 }),
        },
        closer: Some(CloserFacts {
            key_first: Some(true),
            parameters_first: Some(true),
            pictures: Some(225),
            silent: Some(false),
            clock: Some(ClockFacts { first: 9, last: 999, backwards: 0, lead: Some((9000, 27_000)) }),
        }),
        ..TsFacts::default()
    }
}

fn seen(n: usize) -> MediaSeen {
    MediaSeen {
        from: SourceName::new("prod"),
        unread: None,
        evidence: Some(Evidence::Structure),
        vouched_for: false,
        sha256: Some([u8::try_from(n).unwrap(); 32]),
        whole_in: None,
        structure: Structure::TransportStream(facts(n as u64)),
        wrong: None,
        starts_with_key_frame: Some(true),
        frames: Some(225),
        silent: Some(false),
        read: Depth::Whole,
    }
}

fn segment(n: usize) -> CheckedSegment {
    let starts = SliceTime::from_unix_ms(1_700_000_000_000 + i64::try_from(n as u64 * SLICE_MS).unwrap());
    CheckedSegment {
        number: n + 1,
        name: name(n),
        starts,
        ends: None,
        duration_ms: Some(SLICE_MS),
        size: Some(75_200),
        presence: Presence::Present,
        obstacle: None,
        failover: None,
        run: 1,
        media: None,
    }
}

/// A recording of six slices in one run.
struct Case {
    segments: Vec<CheckedSegment>,
    media: Vec<MediaSeen>,
    others: Vec<(ObjectName, MediaSeen)>,
}

impl Case {
    fn new() -> Self {
        let (segments, media) = (0..6).map(|n| (segment(n), seen(n))).unzip();
        Self { segments, media, others: Vec::new() }
    }

    fn ts(&mut self, n: usize) -> &mut TsFacts {
        let Structure::TransportStream(facts) = &mut self.media[n].structure else {
            panic!("a transport stream")
        };
        facts
    }

    fn closer(&mut self, n: usize) -> &mut CloserFacts {
        self.ts(n).closer.as_mut().unwrap()
    }

    fn diagnoses(&self) -> Vec<Diagnosis> {
        let named = self.segments.iter().map(|segment| segment.name.clone()).zip(self.media.clone());
        let media = named.chain(self.others.clone()).collect();
        let track = CheckedTrack {
            id: TrackId::MIXED,
            segments: self.segments.clone(),
            stretches: Vec::new(),
            playlists: Vec::new(),
            origin: ListOrigin::Received,
        };
        of_media(&media, &[track])
    }

    fn told(&self) -> Vec<Said> {
        let all = self.diagnoses();
        all.iter().map(|one| (one.rule.code(), one.about.segment, one.severity)).collect()
    }
}

type Change = fn(&mut Case);
/// Code, number of the segment, and weight.
type Said = (&'static str, Option<usize>, Severity);
/// Its name, what it changes, and all that is said of it.
type Defect = (&'static str, Box<dyn Fn(&mut Case)>, Vec<Said>);

#[test]
fn each_defect_has_its_own_diagnosis_and_a_clean_recording_has_none() {
    use Severity::{Loss, Note, Warning};
    let wrong = |what: Corruption| move |case: &mut Case| case.media[2].wrong = Some(what.clone());
    let cases: Vec<Defect> = vec![
        ("clean", Box::new(|_| ()), vec![]),
        ("page", Box::new(wrong(Corruption::Page(Page::Html))), vec![("RF601", Some(3), Loss)]),
        ("cut", Box::new(wrong(Corruption::CutInPacket)), vec![("RF601", Some(3), Loss)]),
        (
            "breaks that nobody vouches for",
            Box::new(wrong(Corruption::Continuity { breaks: 2 })),
            vec![("RF602", Some(3), Loss)],
        ),
        (
            "breaks as they were stored",
            Box::new(|case| case.ts(2).continuity_errors = 2),
            vec![("RF602", Some(3), Warning)],
        ),
        (
            "short",
            Box::new(wrong(Corruption::PlayingTime { expected_ms: 15_000, found_ms: 7000 })),
            vec![("RF603", Some(3), Loss)],
        ),
        (
            "perhaps short",
            Box::new(|case| {
                case.ts(2).span = Some(14_000 * 90);
                case.media[2].evidence = Some(Evidence::LengthOnly);
            }),
            vec![("RF603", Some(3), Loss)],
        ),
        (
            "a little short, and a store vouches for it",
            Box::new(|case| {
                case.ts(2).span = Some(14_000 * 90);
                let evidence =
                    Evidence::StoreDigest { algorithm: Algorithm::Md5, by: SourceName::new("prod") };
                case.media[2].evidence = Some(evidence);
            }),
            vec![],
        ),
        (
            "another place",
            Box::new(|case| case.ts(2).first_pts = Some(99 * SLICE_MS * 90)),
            vec![("RF606", Some(3), Loss)],
        ),
        (
            "another place, as it was stored",
            Box::new(|case| {
                case.ts(2).first_pts = Some(99 * SLICE_MS * 90);
                case.media[2].vouched_for = true;
            }),
            vec![("RF604", Some(3), Warning)],
        ),
        (
            "swapped",
            Box::new(|case| case.media.swap(1, 4)),
            vec![("RF606", Some(2), Loss), ("RF606", Some(5), Loss)],
        ),
        (
            "the bytes of another one",
            Box::new(|case| case.media[4] = case.media[1].clone()),
            vec![("RF606", Some(5), Loss)],
        ),
        (
            "the bytes of another one, as they were stored",
            Box::new(|case| {
                case.media[1].vouched_for = true;
                case.media[4] = case.media[1].clone();
            }),
            vec![("RF605", Some(5), Warning)],
        ),
        (
            "the same bytes, and times that do not tell whose",
            Box::new(|case| {
                (0..6).for_each(|n| case.ts(n).first_pts = Some(126_000));
                case.media[4].sha256 = case.media[1].sha256;
            }),
            vec![("RF605", Some(2), Loss), ("RF605", Some(5), Loss)],
        ),
        (
            "a clock that goes back",
            Box::new(|case| case.closer(2).clock.as_mut().unwrap().backwards = 1),
            vec![("RF604", Some(3), Warning)],
        ),
        (
            "a clock that runs apart",
            Box::new(|case| case.closer(2).clock.as_mut().unwrap().lead = Some((0, 200_000))),
            vec![("RF604", Some(3), Warning)],
        ),
        (
            "no key frame",
            Box::new(|case| {
                case.closer(2).key_first = Some(false);
                case.media[2].starts_with_key_frame = Some(false);
            }),
            vec![("RF607", Some(3), Warning)],
        ),
        (
            "no key frame behind a slice that was cut after 5.5 minutes",
            Box::new(|case| {
                case.media[2].starts_with_key_frame = Some(false);
                case.segments[1].duration_ms = Some(329_900);
            }),
            vec![("RF607", Some(3), Note)],
        ),
        (
            "no key frame behind a slice that was cut after 50 MB",
            Box::new(|case| {
                case.media[2].starts_with_key_frame = Some(false);
                case.segments[1].size = Some(50_000_000);
            }),
            vec![("RF607", Some(3), Note)],
        ),
        (
            "no key frame behind a large one of another run",
            Box::new(|case| {
                case.media[2].starts_with_key_frame = Some(false);
                case.segments[1].size = Some(50_000_000);
                case.segments[2..].iter_mut().for_each(|segment| segment.run = 2);
            }),
            vec![("RF607", Some(3), Warning)],
        ),
        (
            "another size",
            Box::new(|case| {
                (3..6).for_each(|n| {
                    case.ts(n).form.picture = Some(PictureSize { width: 360, height: 640 });
                });
            }),
            vec![("RF608", Some(4), Warning)],
        ),
        (
            "another size behind a discontinuity",
            Box::new(|case| {
                (3..6).for_each(|n| {
                    case.ts(n).form.picture = Some(PictureSize { width: 360, height: 640 });
                    case.segments[n].run = 2;
                });
            }),
            vec![],
        ),
        (
            "another codec for a while",
            Box::new(|case| case.ts(2).form.codec = Some("hevc+aac".to_owned())),
            vec![("RF608", Some(3), Warning), ("RF608", Some(4), Warning)],
        ),
        (
            "silence",
            Box::new(|case| case.media.iter_mut().for_each(|media| media.silent = Some(true))),
            vec![("RF609", None, Warning)],
        ),
        (
            "silence but for a slice that was not read whole",
            Box::new(|case| {
                case.media.iter_mut().for_each(|media| media.silent = Some(true));
                case.media[2].read = Depth::First;
            }),
            vec![],
        ),
        (
            "silence but for a slice of which nobody can tell",
            Box::new(|case| {
                case.media.iter_mut().for_each(|media| media.silent = Some(true));
                case.media[2].silent = None;
            }),
            vec![],
        ),
        (
            "silence, and slices without sound",
            Box::new(|case| {
                case.media.iter_mut().for_each(|media| media.silent = Some(true));
                (0..2).for_each(|n| {
                    case.media[n].silent = None;
                    case.ts(n).form.codec = Some("h264".to_owned());
                    case.segments[n].run = 0;
                });
            }),
            vec![("RF609", None, Warning)],
        ),
        (
            "another digest",
            Box::new(wrong(Corruption::Digest {
                expected: Digest::new(Algorithm::Md5, [1; 16]).unwrap(),
                found: Digest::new(Algorithm::Md5, [2; 16]).unwrap(),
            })),
            vec![("RF610", Some(3), Loss)],
        ),
        (
            "bad, and whole elsewhere",
            Box::new(|case| {
                case.media[2].wrong = Some(Corruption::CutInPacket);
                case.media[2].whole_in = Some(SourceName::new("backup"));
            }),
            vec![("RF601", Some(3), Warning)],
        ),
        (
            "twice in the playlist, and bad",
            Box::new(|case| {
                case.media[2].wrong = Some(Corruption::NoProgram);
                case.media[4] = case.media[2].clone();
                case.segments[4].name = case.segments[2].name.clone();
            }),
            vec![("RF601", Some(3), Loss)],
        ),
        (
            "refused, three times",
            Box::new(|case| {
                (1..4).for_each(|n| case.media[n].unread = Some(Obstacle::Denied(Denial::NotAllowed)));
            }),
            vec![("RF402", None, Loss)],
        ),
        (
            "no answer",
            Box::new(|case| case.media[2].unread = Some(Obstacle::Unreachable)),
            vec![("RF418", None, Loss)],
        ),
        (
            "gone since it was listed",
            Box::new(|case| case.media[2].unread = Some(Obstacle::Absent)),
            vec![("RF101", Some(3), Loss)],
        ),
        (
            "archived",
            Box::new(|case| case.media[2].unread = Some(Obstacle::Frozen { class: None })),
            vec![("RF108", Some(3), Warning)],
        ),
        (
            "another file",
            Box::new(|case| {
                let film = ObjectName::parse("film.mp4").unwrap();
                case.others = vec![(film, MediaSeen { wrong: Some(Corruption::NoIndex), ..seen(9) })];
            }),
            vec![("RF601", None, Loss)],
        ),
    ];
    for (word, change, expected) in cases {
        let mut case = Case::new();
        change(&mut case);
        assert_eq!(case.told(), expected, "{word}: {:#?}", case.diagnoses());
    }
}

#[test]
fn every_diagnosis_says_what_it_is_about_without_a_full_stop() {
    let changes: [Change; 4] = [
        |case| case.media.swap(1, 4),
        |case| case.media[2].wrong = Some(Corruption::Trailing { bytes: 9 }),
        |case| case.media[2].starts_with_key_frame = Some(false),
        |case| case.ts(2).form.codec = Some("hevc".to_owned()),
    ];
    for change in changes {
        let mut case = Case::new();
        change(&mut case);
        let all = case.diagnoses();
        assert!(!all.is_empty());
        for one in all {
            assert!(one.about.object.as_ref().is_some_and(|object| one.text.contains(object)), "{one:?}");
            assert!(!one.text.ends_with('.') && one.found.is_some() && one.about.store.is_some(), "{one:?}");
        }
    }
}

#[test]
fn webm_is_compared_by_its_tracks() {
    let webm = |codec: &str, width| {
        let track = crate::domain::verdict::TrackFacts {
            medium: TrackMedium::Video,
            codec: codec.to_owned(),
            width: Some(width),
            height: Some(360),
            rotation: None,
            playing_ms: None,
        };
        Structure::WebM(WebMFacts { is_webm: true, tracks: vec![track], ..WebMFacts::default() })
    };
    let mut case = Case::new();
    case.media.iter_mut().for_each(|media| media.structure = webm("V_VP8", 640));
    assert_eq!(case.told(), []);
    case.media[5].structure = webm("V_VP8", 320);
    case.media[0].structure = webm("V_VP9", 640);
    case.media[3].wrong = Some(Corruption::CutInside { form: Format::WebM });
    let told: Vec<_> = case.told().into_iter().map(|(code, segment, _)| (code, segment)).collect();
    assert_eq!(told, [("RF601", Some(4)), ("RF608", Some(2)), ("RF608", Some(6))]);
}
