//! What an error of Kodo's means (Qiniu, "HTTP response status codes" and "common errors", 2024).

use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;

use super::clock;
use super::http::{http_date, obstacle_of_status};
use super::s3_answer::printable;
use crate::domain::place::{Denial, Obstacle};

/// A clock that is off by more than this makes signatures void: they carry the time, or end this much later.
const MOST_SKEW_SECONDS: u64 = 15 * 60;

/// Whether a request carried a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// It did not.
    Unsigned,
    /// It did, with the time at which it was made.
    Signed,
}

/// The document of an error. Domains leave most of it out.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ErrorDocument {
    error: String,
}

/// What an answer that is no success means, and its words.
pub(super) fn obstacle(
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    asked: Asked,
) -> (Obstacle, Option<String>) {
    let document: ErrorDocument = serde_json::from_slice(body).unwrap_or_default();
    let said = document.error.to_ascii_lowercase();
    let mut words = printable(&document.error);
    if let Some(id) = headers.get("x-reqid").and_then(|id| id.to_str().ok()) {
        let comma = if words.is_empty() { "" } else { ", " };
        words.push_str(&format!("{comma}request {}", printable(id)));
    }
    let obstacle = meaning(status, &said, skew(headers), asked);
    (obstacle, Some(words).filter(|words| !words.is_empty()))
}

fn meaning(status: StatusCode, said: &str, skew: Option<u64>, asked: Asked) -> Obstacle {
    // The account and the domain come before the object: what they lack is no missing object.
    if said.contains("accesskey is not found") {
        return Obstacle::Denied(Denial::UnknownKey);
    }
    if said.contains("no such bucket") || said.contains("no such domain") {
        return Obstacle::NoSuchBucket;
    }
    if said.contains("incorrect region") || said.contains("incorrect zone") {
        return Obstacle::WrongRegion { right: None };
    }
    match status.as_u16() {
        401 => Obstacle::Denied(refusal(said, skew, asked)),
        403 if ["archive", "freeze", "frozen", "restore"].iter().any(|word| said.contains(word)) => {
            Obstacle::Frozen { class: None }
        }
        404 | 612 => Obstacle::Absent,
        631 => Obstacle::NoSuchBucket,
        // One object or one account is asked for too often.
        573 => Obstacle::Throttled,
        // The servers failed, or the source of a mirrored bucket; or what came is not what was sent, by the
        // sender's own checksum.
        406 | 478 | 599 => Obstacle::Unreachable,
        _ => obstacle_of_status(status),
    }
}

/// Kodo has one status for all that can be wrong with a signature; the words and the clocks tell more.
fn refusal(said: &str, skew: Option<u64>, asked: Asked) -> Denial {
    let skewed = skew.is_some_and(|seconds| seconds > MOST_SKEW_SECONDS);
    let expired = said.contains("expired") || said.contains("out of date");
    match asked {
        Asked::Unsigned if expired => Denial::Expired,
        Asked::Unsigned => Denial::Anonymous,
        // Signatures are made for each request, so that only a wrong clock lets one be too old.
        Asked::Signed if skewed || said.contains("skew") || said.contains("x-qiniu-date") => {
            Denial::ClockSkew
        }
        Asked::Signed if expired => Denial::Expired,
        Asked::Signed => Denial::WrongSecret,
    }
}

/// How far the clock of this machine is from that of the answer, in seconds.
fn skew(headers: &HeaderMap) -> Option<u64> {
    let there = http_date(headers.get(header::DATE)?.to_str().ok()?)?.unix_ms() / 1000;
    Some(clock::unix_seconds().abs_diff(u64::try_from(there).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_decide_where_the_status_does_not() {
        use Asked::{Signed, Unsigned};
        let denied = Obstacle::Denied;
        for (status, error, asked, expected) in [
            (612, "no such file or directory", Signed, Obstacle::Absent),
            (612, "app/accesskey is not found", Signed, denied(Denial::UnknownKey)),
            (404, "Document not found", Signed, Obstacle::Absent),
            (404, "no such domain", Signed, Obstacle::NoSuchBucket),
            (631, "no such bucket", Signed, Obstacle::NoSuchBucket),
            (631, "", Signed, Obstacle::NoSuchBucket),
            (401, "bad token", Signed, denied(Denial::WrongSecret)),
            (401, "download token auth failed", Signed, denied(Denial::WrongSecret)),
            (401, "expired token", Signed, denied(Denial::Expired)),
            (401, "token expired 25201 seconds ago", Unsigned, denied(Denial::Expired)),
            (401, "bad X-Qiniu-Date", Signed, denied(Denial::ClockSkew)),
            (401, "bad token", Unsigned, denied(Denial::Anonymous)),
            (401, "", Signed, denied(Denial::WrongSecret)),
            (403, "file is forbidden", Signed, denied(Denial::NotAllowed)),
            (403, "archived file is not restored", Signed, Obstacle::Frozen { class: None }),
            (400, "incorrect region, please use z2", Signed, Obstacle::WrongRegion { right: None }),
            (573, "", Signed, Obstacle::Throttled),
            (579, "callback failed", Signed, Obstacle::Unexpected),
            (599, "", Signed, Obstacle::Unreachable),
            (503, "", Signed, Obstacle::Throttled),
            (416, "", Signed, Obstacle::Changed),
        ] {
            let body = format!("{{\"error\":\"{error}\",\"more\":[1]}}");
            let status = StatusCode::from_u16(status).unwrap();
            let (found, words) = obstacle(status, &HeaderMap::new(), body.as_bytes(), asked);
            assert_eq!(found, expected, "{status} {error} {asked:?}");
            assert_eq!(words.unwrap_or_default(), error);
        }
    }

    #[test]
    fn a_refusal_by_a_server_with_another_clock_is_about_the_clock() {
        for (off, denial) in [(0, Denial::WrongSecret), (600, Denial::WrongSecret), (3600, Denial::ClockSkew)]
        {
            let there = jiff::Timestamp::from_second(clock::unix_seconds() as i64 + off).unwrap();
            let date = there.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
            let headers = HeaderMap::from_iter([(header::DATE, date.parse().unwrap())]);
            let (found, _) = obstacle(StatusCode::UNAUTHORIZED, &headers, b"not json", Asked::Signed);
            assert_eq!(found, Obstacle::Denied(denial), "{off}");
        }
    }

    #[test]
    fn an_error_text_cannot_drive_the_terminal() {
        let body = br#"{"error":"a\u001b[2Jb\nc"}"#;
        let (_, words) = obstacle(StatusCode::BAD_REQUEST, &HeaderMap::new(), body, Asked::Signed);
        assert!(!words.unwrap().chars().any(char::is_control));
    }
}
