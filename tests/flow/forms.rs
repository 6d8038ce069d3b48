//! Every form of recording through the engine.

use std::collections::BTreeMap;

use bytes::Bytes;
use recfetch::domain::recording::ChannelName;
use recfetch::domain::report::{ObjectRole, Outcome};
use recfetch::engine::{Candidate, Target};
use recfetch_test_support::Plan;
use recfetch_test_support::recording::Tags;

use crate::kit::*;

type Files = BTreeMap<String, Bytes>;

/// One user's track of two slices, whose bytes are those of slices `first` and the next.
fn track(uid: u32, kind: &str, first: usize) -> (Plan, Files) {
    let mut plan = plan(2);
    plan.track = Some((uid, kind.to_owned()));
    plan.tags = if kind == "audio" { Tags::Audio } else { Tags::Video };
    let files = plan.files(&[segment(first), segment(first + 1)]).into_iter().collect();
    (plan, files)
}

/// WebM slices with a playlist, as web clients leave them.
fn webm(uid: u32, kind: &str, count: usize) -> (Plan, Files) {
    let mut plan = plan(count);
    plan.track = Some((uid, kind.to_owned()));
    plan.extension = "webm".to_owned();
    let slices: Vec<_> = (0..count).map(|n| webm_segment(n + 10)).collect();
    let files = plan.files(&slices).into_iter().collect();
    (plan, files)
}

fn name(uid: u32, ending: &str) -> String {
    format!("{SID}_math_7b__uid_s_{uid}__uid_e_{ending}")
}

/// A master as Agora's tools read it: remarks, and tags that name lists.
fn master(names: &[String]) -> Bytes {
    let mut text = "#EXTM3U\n#EXT-X-VERSION:3\n".to_owned();
    for name in names {
        if name.contains("audio") {
            text += &format!("# Audio\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"a\",URI=\"{name}\"\n");
        } else {
            text += &format!("# Video\n#EXT-X-STREAM-INF:BANDWIDTH=800000,AUDIO=\"a\"\n{name}\n");
        }
    }
    text.into()
}

fn manifest(names: &[String]) -> Bytes {
    let urls: String = names.iter().map(|name| format!("<SegmentURL media=\"{name}\"/>\n")).collect();
    format!("<?xml version=\"1.0\"?><MPD><Period><SegmentList>\n{urls}</SegmentList></Period></MPD>").into()
}

async fn stage_of(kind: Kind, files: &Files) -> Stage {
    let stage = Stage::new(kind).await;
    put(&stage.objects, kind, FOLDER, files.clone().into_iter().collect());
    stage
}

async fn fetched(files: &Files) -> (tempfile::TempDir, recfetch::engine::Fetched) {
    let stage = stage_of(Kind::Md5, files).await;
    let (keep, out) = out();
    let fetched = Run::sid(stage.store("prod").await).fetched(&out).await;
    (keep, fetched)
}

fn segments_of(fetched: &recfetch::engine::Fetched, track: &str) -> usize {
    let of_it = |role: ObjectRole| matches!(role, ObjectRole::Segment(id) if id.to_string() == track);
    fetched.report.objects.iter().filter(|object| of_it(object.role)).count()
}

#[tokio::test]
async fn individual_mode_brings_every_track_and_a_list_that_plays_both_of_a_user() {
    let mut files = Files::new();
    for (uid, kind, first) in [(7, "audio", 0), (7, "video", 2), (10, "audio", 4), (10, "video", 6)] {
        files.extend(track(uid, kind, first).1);
    }
    let (_keep, fetched) = fetched(&files).await;
    assert_eq!(check(&fetched, &files), Outcome::Complete, "{:?}", fetched.report.findings);
    let counts = fetched.written.counts;
    assert_eq!((counts.uids, counts.tracks, counts.masters, counts.segments), (2, 4, 0, 8));
    for uid in [7, 10] {
        let both = std::fs::read_to_string(fetched.dir.join(format!("play_uid_{uid}.m3u8"))).unwrap();
        for kind in ["audio", "video"] {
            let file = format!("play_uid_{uid}_{kind}.m3u8");
            assert!(both.contains(&file), "{both}");
            assert!(fetched.dir.join(file).is_file());
        }
        // Of bytes that are known: some 5 s at most hold the larger slice.
        let bandwidth = both.split("BANDWIDTH=").nth(1).unwrap().split(',').next().unwrap();
        assert!(bandwidth.parse::<usize>().unwrap() > segment(0).len() * 8 / 5, "{both}");
    }
}

#[tokio::test]
async fn a_masters_dead_child_is_told_and_nothing_is_missing_for_it() {
    let mut files = Files::new();
    files.extend(track(7, "audio", 0).1);
    files.extend(track(7, "video", 2).1);
    let children = [name(7, "audio.m3u8"), name(7, "video.m3u8"), name(9, "audio.m3u8")];
    files.insert(name(7, "av.m3u8"), master(&children));
    let (_keep, fetched) = fetched(&files).await;
    assert_eq!(check(&fetched, &files), Outcome::Complete);
    assert_eq!(findings(&fetched), ["dead-reference"]);
    let text = fetched.report.findings[0].to_string();
    assert!(text.contains("uid_s_9__uid_e_audio.m3u8"), "{text}");
    assert_eq!(object(&fetched, "_av.m3u8").role, ObjectRole::Playlist);
    assert_eq!((fetched.written.counts.masters, fetched.written.counts.playlists), (1, 3));
}

#[tokio::test]
async fn what_a_master_refers_to_is_fetched_where_nothing_can_be_listed() {
    let mut files = Files::new();
    files.extend(track(7, "audio", 0).1);
    files.extend(track(7, "video", 2).1);
    // Whoever named it, the master's word puts it into the recording.
    let odd = "sound of seven.m3u8".to_owned();
    let audio = files.remove(&name(7, "audio.m3u8")).unwrap();
    files.insert(odd.clone(), audio);
    let children = [odd, name(7, "video.m3u8"), "../up.m3u8".to_owned()];
    files.insert(name(7, "av.m3u8"), master(&children));
    let stage = stage_of(Kind::Web, &files).await;
    let (_keep, out) = out();
    let candidates = vec![Candidate { store: stage.store("prod").await, fallbacks: Vec::new() }];
    let target = Target::parse(&format!("{FOLDER}{}", name(7, "av.m3u8"))).unwrap();
    let fetched = Run::of(target, candidates).fetched(&out).await;
    // The one that climbs is not asked for, and what it lists is not known.
    assert_eq!(check(&fetched, &files), Outcome::Incomplete);
    assert_eq!(findings(&fetched), ["unsafe-uri"]);
    assert_eq!(fetched.report.segments().filter(|s| s.verdict.is_verified()).count(), 4);
    assert!(stage.asked().iter().all(|asked| !asked.contains("up.m3u8")), "{:?}", stage.asked());
}

#[tokio::test]
async fn an_av_file_that_lists_slices_is_the_playlist_of_a_track() {
    let (plan, video) = track(7, "video", 0);
    let mut files = video;
    let text = files.remove(&plan.playlist_name()).unwrap();
    files.insert(name(7, "av.m3u8"), text);
    let (_keep, fetched) = fetched(&files).await;
    assert_eq!(check(&fetched, &files), Outcome::Complete, "{:?}", fetched.report.findings);
    assert_eq!((findings(&fetched).len(), segments_of(&fetched, "uid 7 av")), (0, 2));
    assert_eq!(fetched.written.counts.masters, 0);
}

#[tokio::test]
async fn a_playlist_that_only_refers_to_a_master_is_a_loss() {
    let mut files = track(7, "video", 0).1;
    files.insert(name(7, "audio.m3u8"), master(&[name(7, "audio_1_1.m3u8"), "below.m3u8".to_owned()]));
    let stage = stage_of(Kind::Md5, &files).await;
    stage.objects.put(format!("{FOLDER}below.m3u8"), master(&["deep.m3u8".to_owned()]));
    files.insert("below.m3u8".to_owned(), master(&["deep.m3u8".to_owned()]));
    let (_keep, out) = out();
    let fetched = Run::sid(stage.store("prod").await).fetched(&out).await;
    assert_eq!(check(&fetched, &files), Outcome::Incomplete);
    assert_eq!(findings(&fetched), ["dead-reference", "lists-nothing"]);
}

#[tokio::test]
async fn a_manifest_brings_slices_that_no_playlist_lists_and_its_dead_ones_are_told() {
    let (plan, mut files) = webm(7, "video", 3);
    let names = plan.slice_names();
    let mut two = plan.clone();
    two.durations_ms.truncate(2);
    files.insert(two.playlist_name(), two.playlist().into());
    let dead = name(7, "video_20260920135142485.webm");
    let in_manifest: Vec<_> = names.iter().chain([&dead]).cloned().collect();
    files.insert(name(7, "av.mpd"), manifest(&in_manifest));
    // A user who switched has the other kind of master too.
    files.insert(name(7, "av.m3u8"), master(&[name(7, "video.m3u8")]));
    let (_keep, fetched) = fetched(&files).await;
    assert_eq!(check(&fetched, &files), Outcome::Complete, "{:?}", fetched.report.findings);
    assert_eq!(findings(&fetched), ["dead-reference"]);
    assert_eq!(segments_of(&fetched, "uid 7 video"), 3);
    assert_eq!(object(&fetched, &names[1]).duration.unwrap().as_millis(), u128::from(SLICE_MS));
    assert_eq!(object(&fetched, &names[2]).duration, None);
    assert_eq!((fetched.written.counts.masters, fetched.written.tracks[0].synthetic), (2, false));
    let lists = &fetched.written.tracks[0].playlists;
    assert!(lists.len() == 2 && lists[1].ends_with("av.mpd"), "{lists:?}");
}

#[tokio::test]
async fn a_track_that_only_a_manifest_knows_is_fetched_and_never_complete() {
    let (plan, mut files) = webm(7, "video", 2);
    files.remove(&plan.playlist_name());
    let names = plan.slice_names();
    for (named, absent) in
        [(names.clone(), 0), ([names, vec![name(7, "video_20260920135142485.webm")]].concat(), 1)]
    {
        files.insert(name(7, "av.mpd"), manifest(&named));
        let (_keep, fetched) = fetched(&files).await;
        assert_eq!(check(&fetched, &files), Outcome::Incomplete);
        assert_eq!(findings(&fetched), ["no-playlist"]);
        assert_eq!(segments_of(&fetched, "uid 7 video"), 2 + absent);
        assert_eq!(fetched.written.segments.absent, absent);
        assert!(fetched.written.tracks[0].synthetic);
    }
}

#[tokio::test]
async fn a_manifest_that_is_no_xml_is_kept_and_told() {
    let (_, mut files) = webm(7, "video", 2);
    files.insert(name(7, "av.mpd"), "<MPD><SegmentURL media=".into());
    let (_keep, fetched) = fetched(&files).await;
    assert_eq!(check(&fetched, &files), Outcome::Complete);
    assert_eq!(findings(&fetched), ["bad-manifest"]);
}

#[tokio::test]
async fn web_page_mode_is_found_by_either_spelling_of_its_channel() {
    let mut plan = plan(2);
    plan.channel = "https---example-com-page".to_owned();
    let mut files: Files = plan.files(&segments(2)).into_iter().collect();
    for index in 0..2 {
        files.insert(format!("{SID}_{}_{index}.mp4", plan.channel), film(index));
    }
    for channel in [None, Some("https:,?example.com_page"), Some("https---example-com-page")] {
        // A web server is asked for the names that follow from the channel.
        for kind in [Kind::Md5, Kind::Web] {
            if kind == Kind::Web && channel.is_none() {
                continue;
            }
            let stage = stage_of(kind, &files).await;
            let mut run = Run::sid(stage.store("prod").await);
            run.query.channel = channel.map(|text| ChannelName::parse(text).unwrap());
            let (_keep, out) = out();
            let fetched = run.fetched(&out).await;
            assert_eq!(fetched.report.outcome(), Outcome::Complete, "{channel:?} {kind:?}");
            assert_eq!(findings(&fetched), [""; 0]);
            assert_eq!(fetched.written.counts.mp4, if kind == Kind::Web { 0 } else { 2 });
            assert_eq!(fetched.report.segments().count(), 2);
        }
    }
}

#[tokio::test]
async fn base_and_three_failovers_are_one_recording_on_one_time_line() {
    let starts = ["20260920125142485", "20260920125155485", "20260920125200000", "20260920125300000"];
    let mut files = Files::new();
    for (n, start) in (0_u8..).zip(starts) {
        let mut plan = plan(2);
        plan.start = start.to_owned();
        plan.failover = n.checked_sub(1);
        let first = usize::from(n) * 2;
        files.extend(plan.files(&[segment(first), segment(first + 1)]));
        if n == 2 {
            // A copy from the backup of a failover's playlist: of two alike the plain one is used.
            let text = files[&plan.playlist_name()].clone();
            plan.transfer = Some((22_194_679_897, 3));
            files.insert(plan.playlist_name(), text);
        }
    }
    let (_keep, fetched) = fetched(&files).await;
    assert_eq!(check(&fetched, &files), Outcome::Complete, "{:?}", fetched.report.findings);
    assert_eq!(findings(&fetched), ["failover-gap", "transfer-chosen"]);
    assert_eq!((fetched.written.tracks.len(), fetched.written.tracks[0].segments), (1, 8));
    let order: Vec<_> = fetched.report.segments().filter_map(|segment| segment.starts).collect();
    assert!(order.is_sorted() && order.len() == 8, "{order:?}");
}

#[tokio::test]
async fn silence_of_original_sound_is_no_loss_where_the_playlist_says_so() {
    for (says, expected) in [
        ("#EXT-X-DISCONTINUITY", vec![]),
        ("#EXT-X-AGORA-TRACK-EVENT:EVENT=START,TRACK_TYPE=AUDIO,TIME=20260920125209485", vec![]),
        // The start of another time explains nothing.
        (
            "#EXT-X-AGORA-TRACK-EVENT:EVENT=START,TRACK_TYPE=AUDIO,TIME=20260920125142485",
            vec!["unlisted-gap"],
        ),
        ("# nothing", vec!["unlisted-gap"]),
    ] {
        let (mut plan, _) = track(7, "audio", 0);
        plan.gaps_ms = vec![(0, 22_000)];
        let mut files: Files = plan.files(&segments(2)).into_iter().collect();
        let second = plan.slice_names()[1].clone();
        assert!(second.contains("20260920125209485"), "{second}");
        let line = format!("#EXTINF:5.000000\n{second}");
        let text = plan.playlist().replace(&line, &format!("{says}\n{line}"));
        files.insert(plan.playlist_name(), text.into());
        let (_keep, fetched) = fetched(&files).await;
        assert_eq!(findings(&fetched), expected, "{says}");
    }
}

#[tokio::test]
async fn files_of_every_other_form_are_kept_and_counted() {
    let mut files = originals(&plan(2));
    let stem = format!("{SID}_math_7b");
    for (ending, bytes) in [
        ("_0.mp4", film(1)),
        ("_1.mp4", film(2)),
        ("_0.m4a", film(3)),
        ("__uid_s_7__uid_e_0.mp4", film(4)),
        ("__uid_s_7__uid_e_video_20260920125142485.jpg", snapshot(1)),
        ("__uid_s_7__uid_e_raw_20260920125142485.yuv", Bytes::from("a form of tomorrow")),
    ] {
        files.insert(format!("{stem}{ending}"), bytes);
    }
    let (_keep, fetched) = fetched(&files).await;
    assert_eq!(check(&fetched, &files), Outcome::Complete, "{:?}", fetched.report.findings);
    assert_eq!(findings(&fetched), ["unknown-name"]);
    let counts = fetched.written.counts;
    assert_eq!((counts.mp4, counts.audio, counts.images, counts.other), (3, 1, 1, 1));
}
