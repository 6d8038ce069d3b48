//! Fields as tolerantly as the world writes them.

use serde_json::{Map, Value};

use crate::domain::time::SliceTime;

pub(in crate::agora) type Object = Map<String, Value>;

/// How much of a foreign text is kept, in characters.
const MAX_WORDS: usize = 300;

/// The first of these fields that is there and is not null.
pub(in crate::agora) fn field<'a>(object: &'a Object, names: &[&str]) -> Option<&'a Value> {
    names.iter().find_map(|name| object.get(*name)).filter(|value| !value.is_null())
}

pub(super) fn object<'a>(of: &'a Object, names: &[&str]) -> Option<&'a Object> {
    field(of, names)?.as_object()
}

/// A text that is not empty; a number counts as its digits.
pub(super) fn text(of: &Object, names: &[&str]) -> Option<String> {
    let text = match field(of, names)? {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    (!text.is_empty()).then_some(text)
}

/// A foreign text for people, cut.
pub(super) fn words(of: &Object, names: &[&str]) -> Option<String> {
    Some(text(of, names)?.chars().take(MAX_WORDS).collect())
}

/// A whole number, also one in quotes (documents of 2021).
pub(super) fn number(of: &Object, names: &[&str]) -> Option<i64> {
    as_number(field(of, names)?)
}

fn as_number(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Yes or no, also in quotes (documents of 2021).
pub(super) fn switch(of: &Object, names: &[&str]) -> Option<bool> {
    match field(of, names)? {
        Value::Bool(yes) => Some(*yes),
        Value::String(text) if text.trim().eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.trim().eq_ignore_ascii_case("false") => Some(false),
        Value::Null | Value::String(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A moment in milliseconds or seconds since 1970: the documents say both, so the size decides. Zero is none.
pub(super) fn moment(of: &Object, names: &[&str]) -> Option<SliceTime> {
    /// In seconds the year 5138, in milliseconds March 1973.
    const FIRST_MS: i64 = 100_000_000_000;
    match number(of, names)? {
        ..=0 => None,
        seconds @ 1..FIRST_MS => SliceTime::from_unix_ms(seconds * 1000),
        ms => SliceTime::from_unix_ms(ms),
    }
}

/// What a value is, for a message: its fields or its kind. Never what the fields hold.
pub(in crate::agora) fn outline(value: &Value) -> String {
    match value {
        Value::Object(object) if object.is_empty() => "no field".to_owned(),
        Value::Object(object) => {
            let names = object.keys().take(8).map(|name| {
                let name: String = name.chars().take(32).collect();
                name.escape_debug().to_string()
            });
            format!("fields {}", names.collect::<Vec<_>>().join(", "))
        }
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "a boolean".to_owned(),
        Value::Number(_) => "a number".to_owned(),
        Value::String(_) => "a string".to_owned(),
        Value::Array(_) => "an array in an array".to_owned(),
    }
}
