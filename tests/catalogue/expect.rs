//! Compares what was said with what has to be said.

use serde_json::Value;

use crate::case::{Expect, Wanted};
use crate::clean::Clean;
use crate::names::{names, start_ms};
use crate::stage::Said;

/// What differs, in words.
pub(crate) fn compare(expect: &Expect, clean: &Clean, said: &Said) -> Vec<String> {
    let mut wrong = Vec::new();
    if said.code != expect.exit {
        wrong.push(format!("exit code {} instead of {}", said.code, expect.exit));
    }
    for words in &expect.says {
        if !said.err.contains(words.as_str()) {
            wrong.push(format!("nobody says `{words}`"));
        }
    }
    match &said.check {
        None if expect.standing.is_empty() => {}
        None => wrong.push("no JSON".to_owned()),
        Some(check) => {
            let standing = check["standing"].as_str().unwrap_or_default();
            if standing != expect.standing {
                wrong.push(format!("standing `{standing}` instead of `{}`", expect.standing));
            }
            for (presence, ms) in &expect.ms {
                let field = format!("{}_ms", presence.replace('-', "_"));
                if check["totals"][&field].as_u64() != Some(*ms) {
                    wrong.push(format!("{field} is {} instead of {ms}", check["totals"][&field]));
                }
            }
            let start = start_ms(&clean.lists[0].1);
            let mut found: Vec<&Value> =
                check["diagnoses"].as_array().map(|all| all.iter().collect()).unwrap_or_default();
            for wanted in &expect.diagnosis {
                match found.iter().position(|one| fits(wanted, one, clean, start)) {
                    Some(at) => drop(found.remove(at)),
                    None => wrong.push(format!("missing: {wanted:?}")),
                }
            }
            wrong.extend(found.iter().map(|one| format!("nobody expects: {}", short(one, start))));
        }
    }
    if !wrong.is_empty() || std::env::var_os("CATALOGUE_SHOW").is_some() {
        eprintln!(
            "{}\n{}",
            said.err,
            said.check.as_ref().map(|check| shown(check, clean)).unwrap_or_default()
        );
    }
    wrong
}

/// What is wrong although nothing should be.
pub(crate) fn nothing_wrong(clean: &Clean, said: &Said) -> Vec<String> {
    let mut wrong = Vec::new();
    if said.code != 0 {
        wrong.push(format!("exit code {}: {}", said.code, said.err));
    }
    let Some(check) = &said.check else { return vec![format!("no JSON: {}", said.err)] };
    if check["standing"] != "nothing-missing" {
        wrong.push(format!("standing {}", check["standing"]));
    }
    let start = start_ms(&clean.lists[0].1);
    for one in check["diagnoses"].as_array().into_iter().flatten() {
        let remark = clean.remarks.contains(&one["rule"].as_str().unwrap_or_default());
        if one["severity"] != "note" && !remark {
            wrong.push(format!("nobody expects: {}", short(one, start)));
        }
    }
    for field in ["lost_ms", "unlisted_ms", "unknown_ms", "elsewhere_ms"] {
        if check["totals"][field] != 0 {
            wrong.push(format!("{field} is {}", check["totals"][field]));
        }
    }
    wrong
}

fn fits(wanted: &Wanted, found: &Value, clean: &Clean, start: i64) -> bool {
    let about = &found["about"];
    let same = |wanted: &Option<String>, found: &Value| wanted.as_deref().is_none_or(|text| found == text);
    let time = |wanted: Option<i64>, found: &Value| wanted.is_none_or(|ms| offset(found, start) == Some(ms));
    let object = wanted.object.as_deref().is_none_or(|words| {
        let object = about["object"].as_str().unwrap_or_default();
        names(clean, words).iter().any(|name| object == name || object.ends_with(&format!("/{name}")))
    });
    let says = wanted.says.as_deref().is_none_or(|words| {
        ["text", "expected", "found"]
            .iter()
            .any(|field| found[field].as_str().is_some_and(|text| text.contains(words)))
    });
    found["rule"] == wanted.rule.as_str()
        && same(&wanted.severity, &found["severity"])
        && same(&wanted.store, &about["store"])
        && wanted.segment.is_none_or(|number| about["segment"] == number)
        && object
        && time(wanted.from, &about["from"])
        && time(wanted.until, &about["until"])
        && says
}

fn offset(time: &Value, start: i64) -> Option<i64> {
    Some(time.as_str()?.parse::<jiff::Timestamp>().ok()?.as_millisecond() - start)
}

fn short(one: &Value, start: i64) -> String {
    let about = &one["about"];
    let span = [&about["from"], &about["until"]].map(|time| offset(time, start));
    format!(
        "{} {} #{} {} in {} {span:?}: {} ({} / {})",
        one["severity"],
        one["rule"],
        about["segment"],
        about["object"],
        about["store"],
        one["text"],
        one["expected"],
        one["found"]
    )
}

fn shown(check: &Value, clean: &Clean) -> String {
    let start = start_ms(&clean.lists[0].1);
    let mut text = format!("standing {} totals {}\n", check["standing"], check["totals"]);
    for one in check["diagnoses"].as_array().into_iter().flatten() {
        text += &short(one, start);
        text.push('\n');
    }
    text
}
