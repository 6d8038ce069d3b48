//! Recordings whose playlist is gone: rebuilt from their slices, said so, and never complete.

use recfetch::domain::playlist::{UriPolicy, read};
use recfetch::domain::report::{ObjectRole, Outcome};
use recfetch::engine::{Gaps, JoinOutcome, JoinRequest, JoinTo, join_bag};

use crate::kit::*;

fn list(fetched: &recfetch::engine::Fetched, file: &str) -> (String, Vec<(String, u64)>) {
    let text = std::fs::read_to_string(fetched.dir.join(file)).unwrap();
    let key = recfetch::domain::key::ObjectKey::parse(file).unwrap();
    let (playlist, found) = read(&key, text.as_bytes(), UriPolicy::NamesOnly);
    assert_eq!(found, []);
    let ms = |d: std::time::Duration| u64::try_from(d.as_millis()).unwrap();
    let items = playlist.segments.iter().map(|s| (s.uri.to_string(), s.duration.map_or(0, ms)));
    (text.clone(), items.collect())
}

#[tokio::test]
async fn slices_alone_get_a_playlist_with_the_playing_times_in_their_bytes() {
    let plan = plan(3);
    let stage = Stage::of(Kind::Md5, &plan).await;
    stage.objects.remove(&format!("{FOLDER}{}", plan.playlist_name()));
    let mut originals = originals(&plan);
    originals.remove(&plan.playlist_name());
    let run = Run::sid(stage.store("prod").await);
    let (_keep, out) = out();
    // Again from what is here, and again without the journal: then the times between the starts have to do.
    for round in 0..3 {
        let fetched = run.fetched(&out).await;
        assert_eq!(check(&fetched, &originals), Outcome::Incomplete);
        assert_eq!(findings(&fetched), ["no-playlist"], "round {round}");
        assert!(fetched.report.objects.iter().all(|o| matches!(o.role, ObjectRole::Segment(_))));
        let track = &fetched.written.tracks[0];
        assert!(track.synthetic && track.playlists.is_empty() && track.segments == 3, "{track:?}");
        let (text, items) = list(&fetched, "synthetic_mixed.m3u8");
        assert!(text.lines().nth(1).unwrap().starts_with("# synthetic"), "{text}");
        let names: Vec<_> = items.iter().map(|(name, _)| name.trim_start_matches("data/")).collect();
        assert_eq!(names, plan.slice_names());
        for (name, ms) in &items[..2] {
            assert!(ms.abs_diff(SLICE_MS) < 100, "{name} plays {ms} ms in round {round}");
        }
        assert_eq!(items[2].1.abs_diff(SLICE_MS) < 100, round < 2, "{items:?}");
        assert_eq!(list(&fetched, "play.m3u8").1, items);
        assert!(!fetched.dir.join("data/synthetic_mixed.m3u8").exists());
        if round == 1 {
            std::fs::remove_dir_all(fetched.dir.join(".recfetch")).unwrap();
        }
    }
}

#[tokio::test]
async fn a_rebuilt_list_is_joined_only_with_its_gaps_allowed() {
    let plan = plan(3);
    let stage = Stage::of(Kind::Md5, &plan).await;
    stage.objects.remove(&format!("{FOLDER}{}", plan.playlist_name()));
    let (_keep, out) = out();
    let dir = Run::sid(stage.store("prod").await).fetched(&out).await.dir;
    let request = |gaps| JoinRequest { to: JoinTo::BesideBag, gaps, ..JoinRequest::default() };
    let (_, refused) = join_bag(&dir, &request(Gaps::Refuse), &()).unwrap();
    assert!(matches!(refused, JoinOutcome::Refused(_)));
    let (_, done) = join_bag(&dir, &request(Gaps::Allow), &()).unwrap();
    assert!(matches!(done, JoinOutcome::Done(_)));
    assert!(std::fs::read(out.join(format!("{SID}.partial.ts"))).unwrap() == segments(3).concat());
    // The lists are sealed again with the bag.
    assert!(verified(&dir).is_whole());
    let manifest = std::fs::read_to_string(dir.join("tagmanifest-sha256.txt")).unwrap();
    assert!(manifest.contains("synthetic_mixed.m3u8"), "{manifest}");
}

#[tokio::test]
async fn a_hole_between_slices_is_told_and_a_seam_is_not() {
    for (gap, expected) in [(400, vec!["no-playlist"]), (7000, vec!["no-playlist", "probed-gap"])] {
        let mut plan = plan(3);
        plan.gaps_ms = vec![(1, gap)];
        let stage = Stage::of(Kind::Crc, &plan).await;
        stage.objects.remove(&format!("{FOLDER}{}", plan.playlist_name()));
        let (_keep, out) = out();
        let fetched = Run::sid(stage.store("prod").await).fetched(&out).await;
        assert_eq!(findings(&fetched), expected);
        let (text, _) = list(&fetched, "synthetic_mixed.m3u8");
        assert_eq!(text.contains("#EXT-X-DISCONTINUITY"), gap > 1000, "{text}");
    }
}

#[tokio::test]
async fn only_what_has_no_playlist_is_rebuilt() {
    let stage = Stage::new(Kind::Md5).await;
    let mut originals = std::collections::BTreeMap::new();
    for (uid, kind, failover, first) in
        [(7, "audio", None, 0), (7, "video", None, 2), (7, "audio", Some(0), 4), (8, "audio", None, 6)]
    {
        let mut plan = plan(2);
        plan.track = Some((uid, kind.to_owned()));
        plan.failover = failover;
        if failover.is_some() {
            plan.start = "20260920125152485".to_owned();
        }
        let mut files = plan.files(&[segment(first), segment(first + 1)]);
        if failover.is_some() || uid == 8 {
            files.remove(0);
        }
        originals.extend(files.iter().cloned());
        put(&stage.objects, Kind::Md5, FOLDER, files);
    }
    let run = Run::sid(stage.store("prod").await);
    let found = run.fetcher().locate(&run.target, &run.candidates, &run.query).await.unwrap();
    let rebuilt: Vec<_> =
        found.plan().tracks.iter().map(|track| (track.id.to_string(), track.is_rebuilt())).collect();
    let expected = [("uid 7 audio", true), ("uid 7 video", false), ("uid 8 audio", true)];
    assert_eq!(rebuilt, expected.map(|(id, is)| (id.to_owned(), is)));
    let (_keep, out) = out();
    let fetched = run.fetched(&out).await;
    assert_eq!(check(&fetched, &originals), Outcome::Incomplete);
    assert_eq!(findings(&fetched), ["no-playlist"]);
    let tracks = &fetched.written.tracks;
    let said: Vec<_> = tracks.iter().map(|t| (t.segments, t.synthetic, t.playing_ms / 1000)).collect();
    assert_eq!((said[0].0, said[1], said[2].0), (4, (2, false, 10), 2), "{tracks:?}");
    assert!(said[0].2.abs_diff(20) <= 1 && said[2].2.abs_diff(10) <= 1, "{tracks:?}");
    for (file, there) in [
        ("synthetic_uid_7_audio.m3u8", true),
        ("synthetic_uid_7_video.m3u8", false),
        ("synthetic_uid_8_audio.m3u8", true),
        ("play_uid_7.m3u8", true),
        ("play_uid_8.m3u8", false),
    ] {
        assert_eq!(fetched.dir.join(file).is_file(), there, "{file}");
    }
}

#[tokio::test]
async fn a_playlist_that_comes_later_makes_it_whole() {
    let plan = plan(3);
    let stage = Stage::of(Kind::Md5, &plan).await;
    let key = format!("{FOLDER}{}", plan.playlist_name());
    stage.objects.remove(&key);
    let run = Run::sid(stage.store("prod").await);
    let (_keep, out) = out();
    assert_eq!(run.fetched(&out).await.report.outcome(), Outcome::Incomplete);
    stage.objects.put(key, plan.playlist());
    stage.front.forget();
    let fetched = run.fetched(&out).await;
    assert_eq!(check(&fetched, &originals(&plan)), Outcome::Complete);
    assert!(stage.asked().iter().all(|asked| !asked.ends_with(".ts")), "{:?}", stage.asked());
    assert!(!fetched.dir.join("synthetic_mixed.m3u8").exists(), "what is no longer true is taken away");
}
