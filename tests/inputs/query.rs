//! `locate --query` against a server on loopback that takes one account only.

use recfetch_test_support::{Fault, Faults, Handle, Objects, Script, WebOptions, fault, web};
use serde_json::{Value, json};

use crate::kit::*;

const CUSTOMER_SECRET: &str = "hunter2-customer";

/// `customer:hunter2-customer`.
const AUTHORIZATION: &str = "Basic Y3VzdG9tZXI6aHVudGVyMi1jdXN0b21lcg==";

const QUERY: [&str; 7] = ["locate", "--query", SID, "--resource-id", "R-1_x=", "--mode", "mix"];

fn path() -> String {
    format!("v1/apps/app1/cloud_recording/resourceid/R-1_x=/sid/{SID}/mode/mix/query")
}

fn answer(name: &str) -> Value {
    json!({"resourceId": "R-1_x=", "sid": SID, "cname": "math_7b", "uid": "527841", "serverResponse": {
        "fileListMode": "json", "status": 5, "sliceStartTime": 1_562_724_971_626_i64,
        "fileList": [{"fileName": name, "trackType": "audio_and_video", "uid": "0", "mixedAllUser": true,
                      "isPlayable": true, "sliceStartTime": 1_562_724_971_626_i64}]}})
}

/// Agora's REST interface with one session that lives.
async fn rest(answer: &Value) -> Handle {
    let objects = Objects::new();
    objects.put(path(), answer.to_string());
    let authorization = Some(AUTHORIZATION.to_owned());
    web::start_with(&objects, WebOptions { authorization, ..WebOptions::default() }).await.unwrap()
}

/// A host that answers every request so.
async fn always(behind: &Handle, status: u16, body: &str) -> Handle {
    let faults = Faults::new().on("", Script::always(Fault::Status(status, None, body.to_owned())));
    fault::start(&behind.url(), &faults).await.unwrap()
}

fn account(api: &str) -> Vec<(&str, &str)> {
    let account = [
        ("AGORA_APP_ID", "app1"),
        ("AGORA_CUSTOMER_ID", "customer"),
        ("AGORA_CUSTOMER_SECRET", CUSTOMER_SECRET),
    ];
    [account.as_slice(), &[("AGORA_API", api)]].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_recording_says_how_far_it_is() {
    let plan = plan();
    let rest = rest(&answer(&plan.playlist_name())).await;
    let home = Home::new("");
    let said = home.run(&QUERY, &account(&rest.url()));
    assert_eq!(said.code, 0, "{said:?}");
    insta::assert_snapshot!(said.out, @r"
    query      38f8e3cf…: running (status 5), channel math_7b
    told       38f8e3cfdc474cd56fc1ceba380d7e1a_math_7b.m3u8  mixed, from 2019-07-10T02:16:11.626Z
    ");
    assert!(said.err.contains("while it was running"), "{said:?}");
    assert_eq!(rest.requests().len(), 1);
    let said = home.run(&[&QUERY[..], &["--json"]].concat(), &account(&rest.url()));
    let json: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((json["state"].as_str(), json["status"].as_i64()), (Some("running"), Some(5)));
    assert_eq!(json["files"][0]["name"], plan.playlist_name());
    assert!(json["located"].is_null());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_it_names_is_looked_for_where_there_is_a_store() {
    let (objects, plan) = (Objects::new(), plan());
    put(&objects, "", &plan);
    let (rest, server) = (rest(&answer(&plan.playlist_name())).await, bucket(&objects).await);
    let home = Home::new(&config(&server, ""));
    let api = rest.url();
    let variables = [&account(&api)[..], PROD].concat();
    let said = home.run(&QUERY, &variables);
    assert!(said.code == 0 && said.out.contains("located    38f8e3cf… in prod"), "{said:?}");
    let said = home.run(&[&QUERY[..], &["--json"]].concat(), &variables);
    let json: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((said.code, json["located"]["tracks"][0]["segments"].as_i64()), (0, Some(2)));
    let said = home.run(&[&QUERY[..], &["--json", "--prefix", "elsewhere"]].concat(), &variables);
    let json: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((said.code, json["failure"]["exit_code"].as_i64()), (7, Some(7)), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_refusal_has_its_code_and_its_words() {
    let live = rest(&answer("x.m3u8")).await;
    let home = Home::new("");
    let url = live.url();
    let mut wrong = account(&url);
    wrong[2].1 = "hunter2-wrong";
    let said = home.run(&QUERY, &wrong);
    assert!(
        said.code == 6 && said.err.contains("does not accept the customer ID"),
        "the server checks: {said:?}"
    );
    let other = ["locate", "--query", "ended", "--resource-id", "R", "--mode", "mix"];
    let said = home.run(&other, &account(&url));
    assert_eq!(said.code, 7, "{said:?}");
    for (status, body, code, words) in [
        (404, r#"{"code":404,"reason":"failed to find worker"}"#, 7, "up to 90 seconds"),
        (404, "", 7, "the session may have ended, or its resource ID expired"),
        (403, r#"{"message":"no"}"#, 6, "HTTP 403: no"),
        (429, "", 5, "ten requests a second"),
        (400, r#"{"code":2,"reason":"invalid parameter"}"#, 2, "code 2: invalid parameter"),
        (400, r#"{"code":433,"reason":"resource expired"}"#, 2, "its resource ID expired"),
        (302, "", 5, "HTTP 302"),
        (200, "<html>sign in</html>", 5, "something else than Agora"),
        (500, r#"{"code":501}"#, 5, "HTTP 500, code 501"),
    ] {
        let host = always(&live, status, body).await;
        for form in [&[][..], &["--json"]] {
            let said = home.run(&[&QUERY[..], form].concat(), &account(&host.url()));
            assert_eq!(said.code, code, "{status} {said:?}");
            assert!(said.err.contains(words), "{status} {said:?}");
        }
    }
    let no_data = always(&live, 206, &json!({"sid": SID, "code": 435}).to_string()).await;
    let said = home.run(&QUERY, &account(&no_data.url()));
    assert!(said.out.contains("failed with code 435") && said.err.contains("no files to expect"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_host_is_asked_where_the_first_is_down_or_broken_and_not_where_it_knows() {
    let live = rest(&answer("x.m3u8")).await;
    let home = Home::new("");
    let down = {
        let gone = server(&Objects::new()).await;
        gone.url()
    };
    let broken = always(&live, 503, "").await;
    for first in [&down, &broken.url()] {
        let hosts = format!("{first}, {}", live.url());
        let said = home.run(&QUERY, &account(&hosts));
        assert_eq!((said.code, live.requests().len()), (0, 1), "{said:?}");
        live.forget();
    }
    let knows = always(&live, 404, "").await;
    let hosts = format!("{},{}", knows.url(), live.url());
    assert_eq!((home.run(&QUERY, &account(&hosts)).code, live.requests().len()), (7, 0));
    let none = home.run(&QUERY, &account(&format!("{down},{down}")));
    assert!(none.code == 5 && none.err.contains("could be reached"), "{none:?}");
    assert!(!none.err.contains("R-1_x=") && !none.err.contains("app1"), "addresses are not told: {none:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_query_needs_is_named() {
    let home = Home::new("");
    let all = account("https://127.0.0.1:1");
    for left_out in ["AGORA_APP_ID", "AGORA_CUSTOMER_ID", "AGORA_CUSTOMER_SECRET"] {
        let rest: Vec<_> = all.iter().copied().filter(|(name, _)| *name != left_out).collect();
        let said = home.run(&QUERY, &rest);
        assert!(said.code == 2 && said.err.contains(left_out), "{said:?}");
    }
    for api in ["nonsense", "ftp://h", "https://u:hunter2@h"] {
        let said = home.run(&QUERY, &account(api));
        assert!(said.code == 2 && said.err.contains("AGORA_API"), "{said:?}");
    }
    for args in [
        &["locate", "--query", SID][..],
        &["locate", "--mode", "mix", SID],
        &["locate"],
        &["locate", SID, "--query", SID, "--resource-id", "r", "--mode", "mix"],
        &["locate", "--query", "a/b", "--resource-id", "r", "--mode", "mix"],
    ] {
        assert_eq!(home.run(args, &all).code, 2, "{args:?}");
    }
}
