//! `recfetch explain`: what it knows, how it says it, and what it says of what it does not know.

#![cfg(all(feature = "cli", feature = "s3"))]

use assert_cmd::Command;
use serde_json::Value;

struct Said {
    code: i32,
    out: String,
    err: String,
}

/// Runs it where the settings file is broken: what is built in needs none.
fn explain(args: &[&str]) -> Said {
    let home = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(home.path().join("config.toml"), "this is no toml").expect("a file");
    let output = Command::new(env!("CARGO_BIN_EXE_recfetch"))
        .arg("explain")
        .args(args)
        .env_clear()
        .env("HOME", home.path())
        .env("RECFETCH_CONFIG", home.path().join("config.toml"))
        .current_dir(home.path())
        .output()
        .expect("the program starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    Said {
        code: output.status.code().expect("an exit code"),
        out: text(output.stdout),
        err: text(output.stderr),
    }
}

fn explained(args: &[&str]) -> String {
    let said = explain(args);
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{args:?}");
    said.out
}

#[test]
fn a_number_is_everything_that_it_can_be() {
    let text = explained(&["31"]);
    let heads: Vec<&str> = text.lines().filter(|line| line.starts_with("31")).collect();
    assert_eq!(
        heads,
        [
            "31  uploaded  (event of the notification service)",
            "31  re-upload to your storage  (warning of the uploader (event 2, module 1))",
        ]
    );
    insta::assert_snapshot!(explained(&["warning:31"]), @r#"
    31  re-upload to your storage  (warning of the uploader (event 2, module 1))
      means  a slice is uploaded to the customer's store again
      files  it comes late and is not lost yet
      do     wait for event 31 or 32
      source Agora, "Cloud Recording API callback service", 2019-10 to 2026-06
    "#);
}

#[test]
fn findings_and_the_errors_of_2019_are_explained_in_any_spelling() {
    insta::assert_snapshot!(explained(&["rf506"]), @r#"
    RF506  upload-failed  (finding of recfetch, warning)
             Agora could not upload
      means  slices may be in Agora Cloud Backup, or lost; since 2019-10-08 nothing is backed up where
             bucket or keys are wrong
      do     list again within ten days of the end; check bucket, region and keys
      source Agora, "Cloud Recording API callback service", 2019-10 to 2026-06
    "#);
    for spelling in ["BackupFailed", "kRecordingErrorBackupFailed", "recordingerrorbackupfailed"] {
        let text = explained(&[spelling]);
        assert!(text.contains("RecordingErrorBackupFailed") && text.contains("lost for good"), "{text}");
    }
    // A word of a finding that a check calls otherwise.
    assert!(explained(&["transfer-chosen"]).starts_with("RF309"));
}

#[test]
fn every_code_of_the_documents_is_known() {
    let table: &[&str] = &[
        // The errors of 2019, and the callbacks that tell them.
        "Ok",
        "ConnectError",
        "Disconnected",
        "InvalidParameter",
        "InvalidOperation",
        "NoUsers",
        "NoRecordedData",
        "RecorderInit",
        "RecorderFailed",
        "UploaderInit",
        "UploaderFailed",
        "BackupFailed",
        "RecorderExpireExit",
        "RecordingErrorRecorderExit",
        "GeneralError",
        "onRecordingConnecting",
        "onRecordingStarted",
        "onRecordingStopped",
        "onRecordingUploaded",
        "onRecordingBackedUp",
        "onRecordingUploadingProgress",
        "onRecorderFailure",
        "onUploaderFailure",
        "onUploaderFaliure",
        "onRecordingFatalError",
        "101",
        // The REST interface.
        "rest:2",
        "rest:7",
        "rest:8",
        "rest:15",
        "rest:49",
        "rest:50",
        "rest:52",
        "rest:53",
        "rest:62",
        "rest:65",
        "rest:109",
        "rest:110",
        "rest:404",
        "rest:405",
        "rest:406",
        "http:429",
        "rest:432",
        "rest:433",
        "rest:435",
        "http:500",
        "rest:501",
        "http:502",
        "http:504",
        "rest:1001",
        "rest:1003",
        "rest:1013",
        "rest:1028",
        "http:201",
        "http:206",
        "no_active_status",
        "vendor_over_load",
        "failed to find worker",
        // Modules, states and reasons.
        "uploader:32",
        "uploader:47",
        "uploader:51",
        "service:50",
        "service:52",
        "warning:31",
        "warning:32",
        "status:0",
        "status:8",
        "status:20",
        "exit:1",
        "leave:6",
        "leave-2019:1",
        "page-stop:6",
        "inProgress",
        "uploaded",
        "backuped",
        "unknow",
        "partial_success",
        "WebGL",
        "LEAVE_CODE_NO_USERS",
        // Events.
        "event:1",
        "event:4",
        "event:11",
        "event:12",
        "event:13",
        "event:34",
        "event:42",
        "event:47",
        "event:61",
        "event:73",
        "event:81",
        "event:90",
        "event:100",
        "event:1001",
        "session_failover",
        // Stores.
        "NoSuchKey",
        "AccessDenied",
        "InvalidObjectState",
        "kodo:612",
        "631",
    ];
    let text = explained(&[table, &["--json"]].concat());
    let json: Value = serde_json::from_str(&text).expect("JSON");
    let explained = json["explained"].as_array().expect("a list");
    assert_eq!(explained.len(), table.len());
    for (one, code) in explained.iter().zip(table) {
        assert_eq!(one["code"], *code);
        let entry = &one["codes"][0];
        for field in ["family", "means", "files", "remedy", "source"] {
            assert!(entry[field].as_str().is_some_and(|text| text.len() > 1), "{code} {field}: {one}");
        }
    }
}

#[test]
fn the_list_has_everything_in_both_forms() {
    let text = explained(&["--list"]);
    let json: Value = serde_json::from_str(&explained(&["--list", "--json"])).expect("JSON");
    let findings = json["findings"].as_array().expect("a list");
    let codes = json["codes"].as_array().expect("a list");
    assert!(findings.len() > 70 && codes.len() > 150, "{} {}", findings.len(), codes.len());
    for finding in findings {
        let line = format!(
            "{}  {}",
            finding["code"].as_str().unwrap_or("?"),
            finding["word"].as_str().unwrap_or("?")
        );
        assert!(text.contains(&line), "{line}");
    }
    for code in codes {
        assert!(text.contains(code["means"].as_str().unwrap_or("?")), "{code}");
        assert!(text.contains(&format!("`{}:CODE`", code["family"].as_str().unwrap_or("?"))), "{code}");
    }
}

#[test]
fn what_is_unknown_is_code_2_with_near_misses() {
    let said = explain(&["RF101", "RecordingErrorBackupFial"]);
    assert_eq!((said.code, said.out.as_str()), (2, ""), "nothing is said of the others either");
    insta::assert_snapshot!(said.err, @r"
    error: `RecordingErrorBackupFial` is no code or word that is known

    hint: did you mean `RecordingErrorBackupFailed`?
    ");
    let said = explain(&["4711\u{1b}[31m"]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("explain --list") && !said.err.contains('\u{1b}'), "{}", said.err);
    for args in [&[][..], &["--list", "31"]] {
        assert_eq!(explain(args).code, 2, "{args:?}");
    }
}
