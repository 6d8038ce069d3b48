//! Saved answers and callbacks as recordings.

use recfetch_test_support::{Handle, Keys, Objects, S3Options, s3, s3::Permission};
use serde_json::{Value, json};

use crate::kit::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_saved_text_of_any_kind_is_fetched_by_its_recording() {
    let (objects, plan) = (Objects::new(), plan());
    put(&objects, "school/math/", &plan);
    let server = bucket(&objects).await;
    let playlist = plan.playlist_name();
    let with_folder = format!("school/math/{playlist}");
    let stop = json!({"resourceId": "r", "sid": SID, "cname": "math_7b", "uid": "527841",
        "serverResponse": {"fileListMode": "string", "fileList": with_folder, "uploadingStatus": "uploaded"}});
    let query = json!({"resourceId": "r", "sid": SID, "serverResponse": {"fileListMode": "json", "status": "5",
        "fileList": [{"filename": with_folder, "trackType": "audio_and_video", "uid": "0"}]}});
    // A name with folders is the whole key; without them it lies in the folder of the store.
    let table = [
        ("", uploaded(31, &[&with_folder])),
        ("prefix = [\"school\", \"math\"]", uploaded(31, &[&playlist])),
        ("prefix = [\"school\", \"math\"]", callback(4, SID, &json!({"fileList": playlist}))),
        ("prefix = [\"school\", \"math\"]", callback(11, SID, &json!({"exitStatus": 0}))),
        ("", stop.to_string()),
        ("", query.to_string()),
    ];
    for (more, text) in table {
        let home = Home::new(&config(&server, more));
        home.write("saved.json", &text);
        let said = home.run(&["fetch", "@saved.json"], PROD);
        assert_eq!(said.code, 0, "{text}: {said:?}");
        assert_whole(&home, &plan);
        let located = home.run_with(&["locate", "@-", "--json"], PROD, &text);
        let json: Value = serde_json::from_str(&located.out).unwrap();
        assert_eq!((located.code, json["recording"].as_str()), (0, Some(SID)), "{located:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_of_callbacks_names_each_of_its_recordings() {
    let objects = Objects::new();
    let (first, mut second) = (plan(), plan());
    second.sid = "88032b23494f35ba2014959c146341dd".into();
    put(&objects, "", &first);
    put(&objects, "", &second);
    let server = bucket(&objects).await;
    let home = Home::new(&config(&server, ""));
    let lines = [
        callback(40, &first.sid, &json!({})),
        callback(31, &second.sid, &json!({"fileList": [{"fileName": second.playlist_name()}]})),
        json!({"productId": 1, "eventType": 101, "payload": {"channelName": "x"}}).to_string(),
        uploaded(31, &[&first.playlist_name()]),
        uploaded(31, &[&first.playlist_name()]),
    ];
    home.write("log.jsonl", lines.join("\n") + "\n");
    let said = home.run(&["fetch", "@log.jsonl", "--json"], PROD);
    assert_eq!((said.code, said.out.lines().count()), (0, 2), "{said:?}");
    for plan in [first, second] {
        assert_whole(&home, &plan);
    }
}

/// A recording of individual mode, whose playlists cannot be guessed from the channel.
fn individual(objects: &Objects) -> (recfetch_test_support::Plan, recfetch_test_support::Plan) {
    let mut base = plan();
    base.track = Some((123, "video".into()));
    let mut failover = plan();
    failover.track = base.track.clone();
    failover.failover = Some(0);
    failover.start = "20260920125146485".into();
    put(objects, "rec/", &base);
    put(objects, "rec/", &failover);
    (base, failover)
}

async fn without_listing(objects: &Objects) -> Vec<(Handle, &'static str)> {
    let mut keys = Keys::new(KEY, SECRET);
    keys.list = Permission::Denied;
    let denied = s3::start(objects, S3Options::new(BUCKET, keys)).await.unwrap();
    vec![(server(objects).await, "web"), (denied, "s3")]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_listed_is_found_by_what_agora_named() {
    let objects = Objects::new();
    let (base, failover) = individual(&objects);
    for (server, kind) in without_listing(&objects).await {
        let config = match kind {
            "web" => {
                format!("[store.prod]\nvendor = \"http\"\nurl = \"{}/\"\nprefix = \"rec\"\n", server.url())
            }
            _ => config(&server, "prefix = \"rec\""),
        };
        let home = Home::new(&config);
        let unnamed = home.run(&["locate", SID, "--channel", "math_7b"], PROD);
        assert_ne!(unnamed.code, 0, "the name of the playlist does not follow from the channel: {unnamed:?}");
        home.write("saved.json", uploaded(31, &[&base.playlist_name()]));
        let said = home.run(&["fetch", "@saved.json"], PROD);
        assert_eq!(said.code, 0, "{kind} {said:?}");
        assert_whole(&home, &base);
        assert_whole(&home, &failover);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_playlist_that_agora_names_and_nobody_has_keeps_it_from_being_complete() {
    let (objects, plan) = (Objects::new(), plan());
    put(&objects, "", &plan);
    let (s3, web) = (bucket(&objects).await, server(&objects).await);
    let other = format!("{SID}_math_7b__uid_s_456__uid_e_video.m3u8");
    let video = format!("{SID}_math_7b_0.mp4");
    let web_store = format!("[store.web]\nvendor = \"http\"\nurl = \"{}/\"\n", web.url());
    for config in [config(&s3, ""), web_store] {
        for (names, code) in [
            ([&plan.playlist_name(), &other], 3),
            // An MP4 comes later, or was deleted: the slices are the recording.
            ([&plan.playlist_name(), &video], 0),
        ] {
            let home = Home::new(&config);
            home.write("saved.json", uploaded(31, &[names[0], names[1]]));
            let said = home.run(&["fetch", "@saved.json"], PROD);
            assert_eq!(said.code, code, "{said:?}");
            let report = home.report(SID);
            let finding = report["findings"].as_array().unwrap().iter().find(|f| f["code"] == "told-absent");
            assert!(finding.unwrap()["text"].as_str().unwrap().contains(names[1]), "{report}");
            let located = home.run(&["locate", "@saved.json"], PROD);
            assert_eq!(located.code, code, "{located:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_backup_pushed_under_its_own_name_is_what_agora_named() {
    let (objects, mut pushed) = (Objects::new(), plan());
    let named = pushed.playlist_name();
    pushed.transfer = Some((22_194_679_897, 3));
    put(&objects, "", &pushed);
    let server = bucket(&objects).await;
    let home = Home::new(&config(&server, ""));
    home.write("saved.json", uploaded(32, &[&named]));
    let said = home.run(&["fetch", "@saved.json"], PROD);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.err.contains("hint: `backuped`: at least one slice"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_named_playlist_does_not_go_over_agoras_rule_for_transferred_copies() {
    let objects = Objects::new();
    let (mut old, mut pushed) = (plan(), plan());
    old.durations_ms.truncate(1);
    pushed.transfer = Some((22_194_679_897, 3));
    put(&objects, "", &old);
    put(&objects, "", &pushed);
    let server = bucket(&objects).await;
    let home = Home::new(&config(&server, ""));
    home.write("saved.json", uploaded(32, &[&old.playlist_name()]));
    let said = home.run(&["locate", "@saved.json", "--json"], PROD);
    let json: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(json["tracks"][0]["segments"], 2, "the larger copy counts: {said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_agora_said_besides_is_told_in_plain_words() {
    let (objects, plan) = (Objects::new(), plan());
    put(&objects, "", &plan);
    let server = bucket(&objects).await;
    let hole = json!({"startUtcMs": 1_562_724_971_626_i64, "discontinueUtcMs": 1_562_724_970_000_i64});
    let missing = format!("{SID}_math_7b_1.ts;{SID}_math_7b_2.ts");
    let table = [
        (callback(1, SID, &json!({"module": 1, "errorCode": 32})), "the backup has nothing either"),
        (callback(1, SID, &json!({"module": 1, "errorCode": 47})), "Agora Cloud Backup for 10 days, or lost"),
        (callback(1, SID, &json!({"module": 1, "errorCode": 51})), "slices may be missing"),
        (callback(2, SID, &json!({"module": 1, "warnCode": 32})), "warning 32"),
        (callback(11, SID, &json!({"exitStatus": 1})), "ended abnormally"),
        (callback(12, SID, &json!({"newUid": 77})), "bak0_"),
        (
            callback(42, SID, &hole),
            "lost slices between 2019-07-10T02:16:10.000Z and 2019-07-10T02:16:11.626Z",
        ),
        (callback(60, SID, &json!({})), "ApsaraVideo VoD"),
        (callback(90, SID, &json!({"fileName": missing})), "could not get 2 of its files"),
        (
            json!({"sid": SID, "serverResponse": {"status": 5, "fileList": []}}).to_string(),
            "while it was running (status 5)",
        ),
        (json!({"sid": SID, "code": 435}).to_string(), "no files to expect"),
        (uploaded(31, &["stranger.m3u8"]), "`stranger.m3u8` does not bear the recording's ID"),
        (uploaded(31, &["../../x.m3u8"]), "the name `../../x.m3u8` is left out"),
    ];
    for (text, words) in table {
        let home = Home::new(&config(&server, ""));
        home.write("saved.json", &text);
        let found = home.run(&["locate", "@saved.json"], PROD);
        assert!(found.code == 0 && found.err.contains(words), "{words}: {found:?}");
        // As much is worth knowing where nothing is found.
        let gone = home.run(&["locate", "@saved.json", "--prefix", "elsewhere"], PROD);
        assert!(gone.code == 7 && gone.err.contains(words), "{words}: {gone:?}");
        let quiet = home.run(&["locate", "@saved.json", "-q"], PROD);
        assert_eq!((quiet.code, quiet.err.as_str()), (0, ""));
    }
}
