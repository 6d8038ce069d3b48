//! What cannot be done is said, with the code that goes with it, and nothing is left behind.

use std::time::Duration;

use aws_sdk_s3::presigning::PresigningConfig;
use recfetch_test_support::s3::Permission;
use recfetch_test_support::{Fault, Faults, Keys, S3Options, Script, fault, s3};

use crate::judge;
use crate::media::composite;
use crate::program::{Case, Ran, WRONG_SECRET};
use crate::servers::{ACCESS, BUCKET, SECRET, Server, world};

pub(crate) fn a_wrong_secret_is_denied(server: Server) {
    let (case, sid) = uploaded("wrong-secret", server);
    let ran = case.env("AWS_SECRET_ACCESS_KEY", WRONG_SECRET).run(&["fetch", &sid, "-vv"]);
    says(ran.expect(6), "secret");
}

pub(crate) fn an_unknown_key_is_denied(server: Server) {
    let (case, sid) = uploaded("unknown-key", server);
    says(case.env("AWS_ACCESS_KEY_ID", "AKIDNOBODY").run(&["fetch", &sid, "-vv"]).expect(6), "access key");
}

/// Keys that may list and not read: that nothing could be joined is not what is wrong.
pub(crate) fn what_may_not_be_read_is_denied_even_when_joining() {
    let (_, sid) = uploaded("may-not-read", Server::Loopback);
    let mut keys = Keys::new(ACCESS, SECRET);
    keys.read = Permission::Denied;
    let start = s3::start(&world().loopback.objects, S3Options::new(BUCKET, keys));
    let server = world().runtime.block_on(start).expect("a server");
    let case = Case::new("may-not-read");
    let case = case.store("prod", &server.url(), BUCKET, "refusal-may-not-read-s3s", "");
    let ran = case.fetch(&sid, &["--join"]);
    let report = ran.expect(6).json();
    assert_eq!(report["outcome"], "denied", "{report:#}");
    says(&ran, "s3:getobject");
    case.fetch(&sid, &["--join", "--allow-gaps"]).expect(6);
}

/// A store that is overloaded while its slices are read: it may be tried again, and the exit code says so, whether
/// or not a join was asked for.
pub(crate) fn an_overloaded_store_may_be_tried_again_even_when_joining() {
    let (_, sid) = uploaded("overloaded", Server::Loopback);
    let faults = Faults::new();
    faults.on(".ts", Script::always(Fault::Status(503, None, String::new())));
    let behind = Server::Loopback.endpoint();
    let server = world().runtime.block_on(fault::start(&behind, &faults)).expect("a server");
    let case = Case::new("overloaded");
    let case = case.store("prod", &server.url(), BUCKET, "refusal-overloaded-s3s", "");
    for asked in [&["--join"][..], &["--join", "--allow-gaps"], &["--keep", "joined"], &[]] {
        let ran = case.fetch(&sid, &[&["--retries", "0"], asked].concat());
        let report = ran.expect(5).json();
        assert_eq!(report["outcome"], "temporary", "{asked:?}: {report:#}");
        std::fs::remove_dir_all(case.out()).expect("removed");
    }
}

pub(crate) fn no_credentials_are_denied(server: Server) {
    let (case, sid) = uploaded("no-credentials", server);
    let case = case.env("AWS_ACCESS_KEY_ID", "").env("AWS_SECRET_ACCESS_KEY", "");
    says(case.run(&["fetch", &sid]).expect(6), "credentials");
}

pub(crate) fn keys_come_from_the_variables_that_the_store_names(server: Server) {
    let (_, sid) = uploaded("named-variables", server);
    let more = "access_key_env = \"LESSONS_KEY\"\nsecret_key_env = \"LESSONS_SECRET\"";
    let case =
        Case::new("named-variables").s3(server, &format!("refusal-named-variables-{}/", server.word()), more);
    let case = case.env("LESSONS_KEY", ACCESS).env("LESSONS_SECRET", SECRET);
    let case = case.env("AWS_ACCESS_KEY_ID", "AKIDNOBODY").env("AWS_SECRET_ACCESS_KEY", WRONG_SECRET);
    case.run(&["fetch", &sid, "-vv"]).expect(0);
    judge::bag_is_valid(&case.out().join(&sid));
}

/// A setting that is wrong for this store, as a wrong key is: the recording may well exist.
pub(crate) fn a_wrong_bucket_is_no_lost_recording(server: Server) {
    let (_, sid) = uploaded("wrong-bucket", server);
    let case = Case::new("wrong-bucket").store("prod", &server.endpoint(), "lesson", "a", "");
    says(case.run(&["fetch", &sid]).expect(6), "bucket");
}

pub(crate) fn an_unknown_recording_is_not_found(server: Server) {
    let (case, _) = uploaded("unknown-sid", server);
    let ran = case.run(&["fetch", "00000000000000000000000000000000"]);
    says(ran.expect(7), "prod");
    assert!(!case.out().join("00000000000000000000000000000000").exists(), "a folder for nothing");
}

pub(crate) fn a_clock_that_is_wrong_is_named(server: Server) {
    let (case, sid) = uploaded("clock", server);
    let library = world().tools.faketime.to_str().expect("text").to_owned();
    let case =
        case.env("LD_PRELOAD", &library).env("FAKETIME", "-1h").env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    says(case.run(&["fetch", &sid]).expect(6), "clock");
}

/// The query of a presigned URL is for the playlist only, so that the slices are refused here.
pub(crate) fn a_presigned_url_is_never_printed() {
    let (_, _) = uploaded("presigned", Server::Seaweed);
    let recording = composite();
    let key = format!("refusal-presigned-{}/{}", Server::Seaweed.word(), recording.playlist());
    let expiry = PresigningConfig::expires_in(Duration::from_secs(600)).expect("a time");
    let get = world().seaweed.client.get_object().bucket(BUCKET).key(key);
    let url = world().runtime.block_on(get.presigned(expiry)).expect("signed").uri().to_owned();
    let signature = url.split_once("X-Amz-Signature=").expect("a signature").1;
    let signature = &signature[..64];
    let case = Case::new("presigned");
    for more in [&["-vv"][..], &["--json"], &["--progress", "json"]] {
        let ran = case.run(&[&["fetch", &url], more].concat());
        ran.expect(6);
        assert!(!ran.said().contains(signature), "{}", ran.said());
        assert!(!ran.said().contains("X-Amz-Credential"), "{}", ran.said());
    }
    let report = case.out().join(&recording.sid).join("report.json");
    let report = std::fs::read_to_string(report).expect("a report");
    assert!(!report.contains(signature) && !report.contains("X-Amz-"), "{report}");
}

fn uploaded(word: &str, server: Server) -> (Case, String) {
    let recording = composite();
    let prefix = format!("refusal-{word}-{}/", server.word());
    server.upload(&prefix, &recording.files);
    (Case::new(word).s3(server, &prefix, ""), recording.sid)
}

fn says(ran: &Ran, word: &str) {
    assert!(ran.stderr.to_lowercase().contains(word), "{word} is not in: {}", ran.said());
}
