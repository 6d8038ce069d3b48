//! What is refused before anything is done: signatures that do not fit, and texts that say nothing.

use hmac::{Hmac, KeyInit as _, Mac as _};
use recfetch_test_support::Objects;
use serde_json::json;
use sha1::Sha1;
use sha2::Sha256;

use crate::kit::*;

const CALLBACK_SECRET: &str = "hunter2-callback";

fn signatures(body: &str) -> [String; 2] {
    let v1 = Hmac::<Sha1>::new_from_slice(CALLBACK_SECRET.as_bytes()).unwrap().chain_update(body);
    let v2 = Hmac::<Sha256>::new_from_slice(CALLBACK_SECRET.as_bytes()).unwrap().chain_update(body);
    [hex::encode(v1.finalize().into_bytes()), hex::encode(v2.finalize().into_bytes())]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_callback_whose_signature_does_not_fit_is_refused_before_anything_is_asked() {
    let (objects, plan) = (Objects::new(), plan());
    put(&objects, "", &plan);
    let server = bucket(&objects).await;
    let body = uploaded(31, &[&plan.playlist_name()]);
    let variables = [PROD, &[("AGORA_CALLBACK_SECRET", CALLBACK_SECRET)]].concat();
    let wrong = [PROD, &[("AGORA_CALLBACK_SECRET", "hunter2-other")]].concat();
    for signature in signatures(&body) {
        let home = Home::new(&config(&server, ""));
        home.write("saved.json", &body);
        let fetch = ["fetch", "@saved.json", "--callback-signature", signature.as_str()];
        // Changed by one byte, in what it says and in what it does not.
        for changed in [body.replace("math_7b", "math_7c"), format!("{body}\n"), body.replacen(':', ": ", 1)]
        {
            assert_ne!(changed, body);
            home.write("saved.json", &changed);
            let said = home.run(&fetch, &variables);
            assert_eq!((said.code, server.requests().len(), said.out.as_str()), (6, 0, ""), "{said:?}");
            assert!(said.err.contains("does not fit the bytes of `saved.json`"), "{said:?}");
        }
        home.write("saved.json", &body);
        let said = home.run(&fetch, &wrong);
        assert_eq!((said.code, server.requests().len()), (6, 0), "{said:?}");
        assert!(home.payload(SID).is_empty() && !home.path().join(SID).exists());
        let said = home.run(&fetch, PROD);
        assert_eq!((said.code, server.requests().len()), (2, 0), "without the secret: {said:?}");
        assert!(said.err.contains("AGORA_CALLBACK_SECRET"), "{said:?}");
        // The guard is not what refuses everything.
        let said = home.run(&fetch, &variables);
        assert_eq!(said.code, 0, "{said:?}");
        assert_whole(&home, &plan);
        let piped = home.run_with(&["locate", "@-", "--callback-signature", &signature], &variables, &body);
        assert_eq!(piped.code, 0, "{piped:?}");
        server.forget();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signature_is_about_one_saved_callback() {
    let home = Home::new("");
    let body = uploaded(31, &[]);
    home.write("saved.json", &body);
    let [v1, v2] = signatures(&body);
    let secret = [("AGORA_CALLBACK_SECRET", CALLBACK_SECRET)];
    for (args, words) in [
        (vec!["locate", "@saved.json", "--callback-signature", &v1[1..]], "40 digits"),
        (vec!["locate", "@saved.json", "--callback-signature", "none"], "64 digits"),
        (vec!["locate", "@saved.json", "@saved.json", "--callback-signature", &v1], "one saved callback"),
        (vec!["locate", SID, "--callback-signature", &v2], "name the file"),
    ] {
        let said = home.run(&args, &secret);
        assert!(said.code == 2 && said.err.contains(words), "{said:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_that_name_no_recording_say_what_was_expected() {
    let home = Home::new("[store.here]\nvendor = \"dir\"\npath = \".\"\n");
    let config = json!({"vendor": 1, "region": 4, "bucket": "b", "secretKey": SECRET, "accessKey": KEY});
    for (text, words) in [
        (String::new(), "it is empty"),
        ("{\"sid\"".to_owned(), "no JSON"),
        ("hunter2 is no JSON".to_owned(), "no JSON"),
        ("[".repeat(1_000_000), "recursion limit"),
        (json!({"secretKey": SECRET}).to_string(), "fields secretKey"),
        (json!("sid").to_string(), "expected is the answer to start, query or stop"),
        (config.to_string(), "--storage-config"),
        (
            json!({"message": "Invalid authentication credentials"}).to_string(),
            "Invalid authentication credentials",
        ),
        (json!({"resourceId": "r"}).to_string(), "wanted is a `sid`"),
        (" ".repeat(17 * 1024 * 1024), "longer than"),
    ] {
        home.write("saved.json", &text);
        let said = home.run(&["fetch", "@saved.json"], &[]);
        assert!(said.code == 2 && said.err.contains(words) && said.out.is_empty(), "{words}: {said:?}");
    }
    let said = home.run(&["fetch", "@none.json"], &[]);
    assert!(said.code == 2 && said.err.contains("could not read `none.json`"), "{said:?}");
    let said = home.run(&["fetch", "@-", "--storage-config", "-"], &[]);
    assert!(said.code == 2 && said.err.contains("stdin can be read only once"), "{said:?}");
    home.write("stop.json", json!({"sid": SID}).to_string());
    let said = home.run(&["fetch", SID, "--storage-config", "stop.json"], &[]);
    assert!(said.code == 2 && said.err.contains("has no storageConfig"), "{said:?}");
    let two = json!([{"vendor": 1, "bucket": "a"}, {"vendor": 1, "bucket": "b"}, {"sid": SID}]);
    home.write("two.json", two.to_string());
    let said = home.run(&["locate", "@two.json"], &[]);
    assert!(said.code == 2 && said.err.contains("buckets `a` and `b`"), "{said:?}");
}
