//! How far the restore of an archived object is, as the headers of S3 and OSS say it.

use http::HeaderMap;

use super::http::http_date;
use crate::domain::object::Restore;

/// Each vendor has a header of its own, of one form (their API references on HEAD of an object, 2026).
const HEADERS: [&str; 6] =
    ["x-amz-restore", "x-oss-restore", "x-cos-restore", "x-kss-restore", "x-obs-restore", "x-bce-restore"];

/// What an answer says about a restore; `None` where it says nothing that can be read.
pub(super) fn of(headers: &HeaderMap) -> Option<Restore> {
    let text = HEADERS.iter().find_map(|name| headers.get(*name)?.to_str().ok())?;
    match value(text, "ongoing-request")? {
        "true" => Some(Restore::UnderWay),
        "false" => Some(Restore::Restored { until: value(text, "expiry-date").and_then(http_date) }),
        _ => None,
    }
}

/// The value of `name="value"` in a list of such. A date has a comma too, so that quotes end a value.
fn value<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = text;
    loop {
        let (key, after) = rest.split_once('=')?;
        let quoted = after.trim_start().strip_prefix('"')?;
        let (value, after) = quoted.split_once('"')?;
        if key.trim_matches([' ', ',', ';']).eq_ignore_ascii_case(name) {
            return Some(value.trim());
        }
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::SliceTime;

    #[test]
    fn a_restore_is_under_way_or_done_until_a_time() {
        let until = SliceTime::from_unix_ms(1_356_048_000_000);
        for header in HEADERS {
            for (text, expected) in [
                (r#"ongoing-request="true""#, Some(Restore::UnderWay)),
                (
                    r#"ongoing-request="false", expiry-date="Fri, 21 Dec 2012 00:00:00 GMT""#,
                    Some(Restore::Restored { until }),
                ),
                (
                    r#"expiry-date="Fri, 21 Dec 2012 00:00:00 GMT",ongoing-request="false""#,
                    Some(Restore::Restored { until }),
                ),
                (r#"ongoing-request="false""#, Some(Restore::Restored { until: None })),
                (r#"ongoing-request="false", expiry-date="soon""#, Some(Restore::Restored { until: None })),
                (r#"ongoing-request="perhaps""#, None),
                ("ongoing-request=true", None),
                (r#"ongoing-request="true"#, None),
                ("", None),
                ("=\"", None),
            ] {
                let headers = HeaderMap::from_iter([(header.parse().unwrap(), text.parse().unwrap())]);
                assert_eq!(of(&headers), expected, "{header}: {text}");
            }
        }
        assert_eq!(of(&HeaderMap::new()), None);
    }
}
