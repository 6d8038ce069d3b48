//! Where it went, as `storageConfig` and event 90 say it.

use recfetch_test_support::{Handle, Keys, Objects, S3Options, s3, s3::Token};
use serde_json::{Value, json};

use crate::kit::*;

fn storage_config(server: &Handle) -> Value {
    json!({"vendor": 11, "region": 0, "bucket": BUCKET, "accessKey": KEY, "secretKey": SECRET,
           "fileNamePrefix": ["school", "math"], "extensionParams": {"endpoint": server.url()}})
}

/// The whole body of `start`, secrets and all.
fn start_body(config: &Value) -> String {
    json!({"cname": "math_7b", "uid": "527841",
           "clientRequest": {"token": "hunter2-token", "recordingConfig": {"channelType": 0}, "storageConfig": config}})
    .to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saved_storage_config_is_a_store_for_this_call() {
    let (objects, plan) = (Objects::new(), plan());
    put(&objects, "school/math/", &plan);
    let server = bucket(&objects).await;
    let config = storage_config(&server);
    for text in [
        config.to_string(),
        start_body(&config),
        json!({"clientRequest": {"storageConfig": config}}).to_string(),
    ] {
        let home = Home::new("");
        home.write("start.json", &text);
        let said = home.run(&["fetch", SID, "--storage-config", "start.json", "-vv"], &[]);
        assert_eq!(said.code, 0, "{said:?}");
        assert_whole(&home, &plan);
        let piped = home.run_with(&["locate", SID, "--storage-config", "-"], &[], &text);
        assert_eq!(piped.code, 0, "{piped:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn temporary_keys_of_a_storage_config_are_sent_with_their_token() {
    let (objects, plan) = (Objects::new(), plan());
    put(&objects, "school/math/", &plan);
    let mut keys = Keys::new(KEY, SECRET);
    keys.token = Token::Required("hunter2-session".to_owned());
    let server = s3::start(&objects, S3Options::new(BUCKET, keys)).await.unwrap();
    let home = Home::new("");
    let mut config = storage_config(&server);
    home.write("start.json", config.to_string());
    let without = home.run(&["locate", SID, "--storage-config", "start.json"], &[]);
    assert_eq!(without.code, 6, "{without:?}");
    config["stsToken"] = json!("hunter2-session");
    config["stsExpiration"] = json!(1_562_724_971);
    home.write("start.json", config.to_string());
    let with = home.run(&["locate", SID, "--storage-config", "start.json"], &[]);
    assert_eq!(with.code, 0, "{with:?}");
    assert!(with.err.contains("ran out at 2019-07-10T02:16:11.000Z"), "{with:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn config_show_names_the_file_and_no_secret() {
    let server = bucket(&Objects::new()).await;
    let home = Home::new("[store.aws]\nvendor = \"dir\"\npath = \".\"\n");
    home.write(
        "start.json",
        start_body(&json!({"vendor": 1, "region": 4, "bucket": "lessons", "accessKey": KEY,
        "secretKey": SECRET, "stsToken": "hunter2-sts", "fileNamePrefix": ["a", "b"]})),
    );
    let said = home.run(&["config", "show", "--storage-config", "start.json", "--bucket", "other"], &[]);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    insta::assert_snapshot!(&said.out[said.out.find("[store.aws (flags)]").unwrap()..], @r"
    [store.aws (flags)]
    vendor              1                               `start.json`
    region              4                               `start.json`
    bucket              other                           flag --bucket
    prefix              a,b                             `start.json`
    keys                ****                            `start.json`
    leads to            Amazon S3, eu-west-1, bucket other
    ");
    let json = home.run(&["config", "show", "--storage-config", "start.json", "--json"], &[]);
    let json: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(json["search"], json!(["aws (flags)"]));
    assert_eq!(json["stores"][1]["saved_keys"], json!({"value": "****", "from": "`start.json`"}));
    let other = home.run(&["config", "show", "--storage-config", "start.json", "--profile", "reader"], &[]);
    assert!(!other.out.contains("****"), "other credentials replace those of the file: {}", other.out);
    drop(server);
}

#[tokio::test(flavor = "multi_thread")]
async fn other_credentials_go_over_those_of_the_file() {
    let (objects, plan) = (Objects::new(), plan());
    put(&objects, "school/math/", &plan);
    let server = bucket(&objects).await;
    let home = Home::new("");
    home.write("start.json", storage_config(&server).to_string());
    let said = home.run(&["locate", SID, "--storage-config", "start.json", "--anonymous"], &[]);
    assert_eq!(said.code, 6, "asked as nobody: {said:?}");
    let mut config = storage_config(&server);
    config["secretKey"] = json!("hunter2-wrong");
    home.write("start.json", config.to_string());
    assert_eq!(home.run(&["locate", SID, "--storage-config", "start.json"], &[]).code, 6);
    home.write(
        "credentials",
        format!("[reader]\naws_access_key_id = {KEY}\naws_secret_access_key = {SECRET}\n"),
    );
    let credentials = home.path().join("credentials").display().to_string();
    let variables = [("AWS_SHARED_CREDENTIALS_FILE", credentials.as_str())];
    let said =
        home.run(&["locate", SID, "--storage-config", "start.json", "--profile", "reader"], &variables);
    assert_eq!(said.code, 0, "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bucket_of_a_failed_download_is_searched_where_nothing_else_is_named() {
    let (objects, plan) = (Objects::new(), plan());
    put(&objects, "", &plan);
    let server = bucket(&objects).await;
    let keys = [("AWS_ACCESS_KEY_ID", KEY), ("AWS_SECRET_ACCESS_KEY", SECRET)];
    let text = callback(
        90,
        SID,
        &json!({"vendor": 1, "region": 4, "bucket": BUCKET, "fileName": format!("{SID}_math_7b_1.ts")}),
    );
    let home = Home::new("");
    home.write("saved.json", &text);
    let said = home.run(&["locate", "@saved.json", "--endpoint", &server.url(), "--path-style"], &keys);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.out.contains("Amazon S3") && said.out.contains("eu-west-1"), "{said:?}");
    // A store of the settings that lacks its bucket takes it from there.
    let config = format!("[store.prod]\nvendor = \"amazon\"\nendpoint = \"{}\"\n", server.url());
    let home = Home::new(&config);
    home.write("saved.json", &text);
    assert_eq!(home.run(&["locate", "@saved.json"], &keys).code, 0);
    assert_eq!(home.run(&["locate", SID], &keys).code, 2, "without the saved text there is no bucket");
    // One that has a bucket keeps it, and is told where Agora put it.
    let home = Home::new(&format!("{config}region = 4\nbucket = \"another\"\n"));
    home.write("saved.json", &text);
    let said = home.run(&["locate", "@saved.json"], &keys);
    assert!(
        said.code != 0 && said.err.contains("it went to bucket `lessons` (vendor 1, region 4)"),
        "{said:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_names_a_recording_cannot_lead_keys_to_its_own_host() {
    let trap = bucket(&Objects::new()).await;
    let home = Home::new("");
    let both = json!([{"sid": SID, "resourceId": "r"}, {"storageConfig": storage_config(&trap)}]);
    home.write("saved.json", both.to_string());
    let said = home
        .run(&["locate", "@saved.json"], &[("AWS_ACCESS_KEY_ID", KEY), ("AWS_SECRET_ACCESS_KEY", SECRET)]);
    assert_eq!((said.code, trap.requests().len()), (2, 0), "{said:?}");
    assert!(said.err.contains("endpoint"), "{said:?}");
    // It can where the user says so.
    let said = home.run(&["locate", "@saved.json", "--storage-config", "saved.json"], &[]);
    assert_eq!((said.code, trap.requests().is_empty()), (7, false), "{said:?}");
}
