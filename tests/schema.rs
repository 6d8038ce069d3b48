//! The checked-in JSON Schemas of `report.json` and of a check are those that the types give, and real ones fit
//! them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop there")]

use std::path::Path;
use std::sync::Arc;

use recfetch::archive::ReportV1;
use recfetch::documents::{CHECK_FORMAT, CheckV1};
use recfetch::domain::key::ObjectKey;
use recfetch::domain::place::SourceName;
use recfetch::engine::{
    Candidate, CheckOptions, FetchOptions, Fetcher, Gaps, JoinRequest, JoinTo, LocateQuery, Store, Target,
};
use recfetch::source::MemorySource;
use recfetch_test_support::Plan;
use recfetch_test_support::recording::Ending;
use recfetch_test_support::ts::{SliceSpec, slice};
use serde_json::{Value, json};

type Schema = fn() -> Value;

/// The files, and what gives each.
const FILES: [(&str, Schema); 2] =
    [("schema/report-1.schema.json", ReportV1::schema), ("schema/check-1.schema.json", CheckV1::schema)];

fn pretty(schema: &Value) -> String {
    serde_json::to_string_pretty(schema).unwrap() + "\n"
}

#[test]
fn the_schemas_on_disk_are_those_of_the_types() {
    for (file, schema) in FILES {
        let (path, generated) = (Path::new(env!("CARGO_MANIFEST_DIR")).join(file), pretty(&schema()));
        if std::env::var_os("RECFETCH_BLESS").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &generated).unwrap();
        }
        let on_disk = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            on_disk == generated,
            "{file} differs from the types; write it anew with:\n\n    RECFETCH_BLESS=1 cargo test --test schema\n\n\
             A change of meaning, or a field that goes away, needs a new version of the format."
        );
    }
}

/// What of `value` does not fit `schema`: the keywords that schemars writes for these types, and no others,
/// so that a keyword which is not checked here does not pass as checked.
fn misfits(at: &str, value: &Value, schema: &Value, root: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for (keyword, rule) in schema.as_object().unwrap() {
        match keyword.as_str() {
            "$schema" | "$defs" | "title" | "description" | "format" | "default" => {}
            "$ref" => {
                let name = rule.as_str().unwrap().strip_prefix("#/$defs/").unwrap();
                found.extend(misfits(at, value, &root["$defs"][name], root));
            }
            "type" => {
                let types = rule.as_array().cloned().unwrap_or_else(|| vec![rule.clone()]);
                if !types.iter().any(|kind| is_of(value, kind.as_str().unwrap())) {
                    found.push(format!("{at} is no {rule}"));
                }
            }
            "required" => {
                let missing = rule
                    .as_array()
                    .unwrap()
                    .iter()
                    .filter(|key| value.is_object() && value.get(key.as_str().unwrap()).is_none());
                found.extend(missing.map(|key| format!("{at} lacks {key}")));
            }
            "properties" => {
                for (key, schema) in rule.as_object().unwrap() {
                    if let Some(value) = value.get(key) {
                        found.extend(misfits(&format!("{at}.{key}"), value, schema, root));
                    }
                }
                for key in value.as_object().into_iter().flat_map(|object| object.keys()) {
                    if rule.get(key).is_none() {
                        found.push(format!("{at}.{key} is not described"));
                    }
                }
            }
            "items" => {
                for (i, value) in value.as_array().into_iter().flatten().enumerate() {
                    found.extend(misfits(&format!("{at}[{i}]"), value, rule, root));
                }
            }
            "anyOf" | "oneOf" => {
                let mut choices = rule.as_array().unwrap().iter();
                if !choices.any(|choice| misfits(at, value, choice, root).is_empty()) {
                    found.push(format!("{at} fits none of {rule}"));
                }
            }
            "const" if value != rule => found.push(format!("{at} is not {rule}")),
            "const" => {}
            "enum" if !rule.as_array().unwrap().contains(value) => found.push(format!("{at} not in {rule}")),
            "enum" => {}
            "minimum" if value.as_f64().is_some_and(|v| v < rule.as_f64().unwrap()) => {
                found.push(format!("{at} is below {rule}"));
            }
            "maximum" if value.as_f64().is_some_and(|v| v > rule.as_f64().unwrap()) => {
                found.push(format!("{at} is above {rule}"));
            }
            "minimum" | "maximum" => {}
            unknown => found.push(format!("{at}: the keyword {unknown} is not known here")),
        }
    }
    found
}

fn is_of(value: &Value, kind: &str) -> bool {
    match kind {
        "null" => value.is_null(),
        "string" => value.is_string(),
        "integer" => value.is_u64() || value.is_i64(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "boolean" => value.is_boolean(),
        _ => false,
    }
}

fn check(report: &Value) -> Vec<String> {
    let schema = ReportV1::schema();
    misfits("report", report, &schema, &schema)
}

/// A recording of which one slice is nowhere and one is not what it should be, and its ID.
fn damaged() -> (MemorySource, Target) {
    let mut plan = Plan::new(&[2000; 4]);
    plan.track = Some((123, "av".to_owned()));
    // A finding.
    plan.ending = Ending::Open;
    let segments: Vec<_> = (0..4_u64)
        .map(|n| {
            slice(&SliceSpec { start_pts: 126_000 + n * 180_000, seed: n, ..SliceSpec::default() }).into()
        })
        .collect();
    let mut source = MemorySource::new(SourceName::new("memory"));
    for (n, (name, bytes)) in plan.files(&segments).into_iter().enumerate() {
        let key = ObjectKey::parse(&name).unwrap();
        match n {
            2 => {}
            3 => source.put(key, "<html>sign in</html>"),
            _ => source.put(key, bytes),
        }
    }
    (source, Target::parse(&plan.sid).unwrap())
}

fn store(source: MemorySource) -> Store {
    Store { source: Arc::new(source), prefix: None }
}

fn fetcher() -> Fetcher {
    Fetcher::new(FetchOptions::default(), Arc::new(()), Default::default())
}

async fn real_report(out: &Path) -> Value {
    let (source, target) = damaged();
    let candidates = [Candidate { store: store(source), fallbacks: Vec::new() }];
    let fetcher = fetcher();
    let found = fetcher.locate(&target, &candidates, &LocateQuery::default()).await.unwrap();
    let join =
        JoinRequest { to: JoinTo::BesideBag, gaps: Gaps::Allow, track: None, ..JoinRequest::default() };
    let fetched = fetcher.fetch(found, out, Some(&join)).await.unwrap();
    serde_json::from_slice(&std::fs::read(fetched.dir.join("report.json")).unwrap()).unwrap()
}

#[tokio::test]
async fn a_real_report_fits_the_schema() {
    let out = tempfile::tempdir().unwrap();
    let report = real_report(out.path()).await;
    assert_eq!(check(&report), Vec::<String>::new(), "{report:#}");
    // It has something of everything, so that there was something to check.
    for list in ["objects", "tracks", "findings", "places", "joined"] {
        assert!(!report[list].as_array().unwrap().is_empty(), "{list}: {report:#}");
    }
    let objects = report["objects"].as_array().unwrap();
    let verdicts: Vec<_> = objects.iter().map(|object| object["verdict"].as_str().unwrap()).collect();
    for verdict in ["verified", "absent", "corrupt"] {
        assert!(verdicts.contains(&verdict), "{verdicts:?}");
    }
    assert!(objects.iter().any(|object| object.get("failed_tries").is_some()));
    // And what is written is what is read.
    let read: ReportV1 = serde_json::from_value(report.clone()).unwrap();
    assert_eq!(serde_json::to_value(&read).unwrap(), report);
}

type Harm = fn(&mut Value);

#[tokio::test]
async fn what_does_not_fit_is_found() {
    let out = tempfile::tempdir().unwrap();
    let report = real_report(out.path()).await;
    let table: &[(&str, Harm)] = &[
        ("a field that is gone", |r| drop(r.as_object_mut().unwrap().remove("recording"))),
        ("a field of another type", |r| r["exit_code"] = json!("3")),
        ("a number that is too large", |r| r["exit_code"] = json!(300)),
        ("a word that does not exist", |r| r["objects"][0]["role"] = json!("king")),
        ("a field that nobody described", |r| r["segments"]["lost"] = json!(1)),
        ("null where there must be something", |r| r["objects"][0]["verdict"] = Value::Null),
        ("a deep one", |r| r["objects"][0]["digests"][0]["hex"] = json!(7)),
    ];
    for (what, harm) in table {
        let mut harmed = report.clone();
        harm(&mut harmed);
        assert_eq!(check(&harmed).len(), 1, "{what}: {:?}", check(&harmed));
    }
}

#[tokio::test]
async fn a_real_check_fits_its_schema() {
    let (own, target) = damaged();
    let (other, _) = damaged();
    let candidates = [Candidate { store: store(own), fallbacks: vec![store(other)] }];
    let (query, options) = (LocateQuery::default(), CheckOptions::default());
    let checked = fetcher().check(&target, &candidates, &query, &options).await.unwrap();
    let written = CheckV1::of(&checked.check);
    let check = serde_json::to_value(&written).unwrap();
    let schema = CheckV1::schema();
    assert_eq!(misfits("check", &check, &schema, &schema), Vec::<String>::new(), "{check:#}");
    assert_eq!(check["format"], CHECK_FORMAT);
    for list in ["stores", "tracks"] {
        assert!(!check[list].as_array().unwrap().is_empty(), "{list}: {check:#}");
    }
    let segments = check["tracks"][0]["segments"].as_array().unwrap();
    let lost: Vec<_> = segments.iter().filter(|segment| segment["presence"] == "lost").collect();
    assert_eq!((segments.len(), lost.len()), (4, 1), "{check:#}");
    assert_eq!((&check["standing"], &check["exit_code"]), (&json!("incomplete"), &json!(3)));
    assert_eq!(serde_json::from_value::<CheckV1>(check.clone()).unwrap(), written);
    let table: &[(&str, Harm)] = &[
        ("a field that is gone", |c| drop(c.as_object_mut().unwrap().remove("standing"))),
        ("a field that nobody described", |c| c["totals"]["vanished"] = json!(1)),
        ("a deep one", |c| c["tracks"][0]["segments"][0]["size"] = json!("7")),
    ];
    for (what, harm) in table {
        let mut harmed = check.clone();
        harm(&mut harmed);
        assert_eq!(misfits("check", &harmed, &schema, &schema).len(), 1, "{what}");
    }
}
