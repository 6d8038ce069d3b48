//! Kodo's signatures, checked.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;

use super::{Asked, KodoOptions, Refused};
use crate::net;

/// How far the date of a request may be from the server's clock, in seconds.
const MAX_SKEW: u64 = 15 * 60;

const FORM: &str = "application/x-www-form-urlencoded";

pub(super) fn bad_token() -> Refused {
    Refused::new(401, "bad token")
}

/// The access token of a request to an interface: `Qiniu` (since 2019) or `QBox`.
pub(super) fn check(options: &KodoOptions, asked: &Asked) -> Result<(), Refused> {
    let authorization = asked.header("authorization").ok_or_else(bad_token)?;
    let content_type = asked.header("content-type");
    let body = String::from_utf8_lossy(&asked.body);
    let (token, text) = if let Some(token) = authorization.strip_prefix("Qiniu ") {
        let mut text = format!("{} {}\nHost: {}", asked.method, asked.target, asked.host());
        if let Some(content_type) = &content_type {
            text.push_str(&format!("\nContent-Type: {content_type}"));
        }
        let mut own: Vec<String> = asked
            .headers
            .iter()
            .filter(|(name, _)| name.as_str().len() > 8 && name.as_str().starts_with("x-qiniu-"))
            .map(|(name, value)| format!("\n{}: {}", canonical(name.as_str()), value.to_str().unwrap_or("")))
            .collect();
        own.sort();
        text.push_str(&own.concat());
        text.push_str("\n\n");
        if content_type.is_some_and(|kind| kind != "application/octet-stream") {
            text.push_str(&body);
        }
        (token, text)
    } else if let Some(token) = authorization.strip_prefix("QBox ") {
        let mut text = format!("{}\n", asked.target);
        if content_type.is_some_and(|kind| kind == FORM) {
            text.push_str(&body);
        }
        (token, text)
    } else {
        return Err(bad_token());
    };
    verify(options, token, text.as_bytes())?;
    match asked.header("x-qiniu-date") {
        Some(date) => check_date(options, &date),
        None => Ok(()),
    }
}

fn check_date(options: &KodoOptions, date: &str) -> Result<(), Refused> {
    let parsed = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", date).ok();
    let there = parsed.and_then(|time| time.to_zoned(jiff::tz::TimeZone::UTC).ok());
    let seconds = there.and_then(|time| u64::try_from(time.timestamp().as_second()).ok());
    match seconds {
        Some(seconds) if seconds.abs_diff(options.unix_now()) <= MAX_SKEW => Ok(()),
        Some(_) | None => Err(Refused::new(401, "bad X-Qiniu-Date")),
    }
}

/// `e=` and `token=` of a download. What stands behind the token is ignored, as the documents say.
pub(super) fn check_download(options: &KodoOptions, asked: &Asked) -> Result<(), Refused> {
    let url = format!("{}://{}{}", options.scheme(), asked.host(), asked.target);
    let (signed, rest) = url.split_once("&token=").ok_or_else(bad_token)?;
    let token = rest.split('&').next().unwrap_or_default();
    verify(options, token, signed.as_bytes())?;
    let query = signed.split_once('?').map_or("", |(_, query)| query);
    let end = net::query_value(query, "e").and_then(|text| text.parse::<u64>().ok()).ok_or_else(bad_token)?;
    if end < options.unix_now() {
        return Err(Refused::new(401, "expired token"));
    }
    Ok(())
}

/// Whether `token` (access key and signature) signs `text`.
pub(super) fn verify(options: &KodoOptions, token: &str, text: &[u8]) -> Result<(), Refused> {
    let (access, sign) = token.split_once(':').ok_or_else(bad_token)?;
    if access != options.access_key {
        return Err(bad_token());
    }
    let sign = URL_SAFE.decode(sign).map_err(|_| bad_token())?;
    let mut mac = Hmac::<Sha1>::new_from_slice(options.secret_key.as_bytes()).expect("a key of any length");
    mac.update(text);
    mac.verify_slice(&sign).map_err(|_| bad_token())
}

/// `x-qiniu-date` is `X-Qiniu-Date`.
fn canonical(name: &str) -> String {
    let words = name.split('-').map(|word| {
        let (first, rest) = word.split_at(word.len().min(1));
        first.to_uppercase() + rest
    });
    words.collect::<Vec<_>>().join("-")
}
