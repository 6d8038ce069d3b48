//! Which URIs may become requests.

use super::{SegmentUri, UriPolicy};
use crate::domain::bytes;
use crate::domain::finding::UnsafeUri;
use crate::domain::key::{KeyError, KeyPrefix, MAX_KEY_BYTES, ObjectKey, ObjectName};

/// The longest URL that is taken, in bytes. Signed URLs of the big stores stay below it.
const MAX_URL_BYTES: usize = 4096;

/// How much of a refused URI is shown, in characters.
const SHOWN: usize = 120;

/// Sorts a URI of a playlist in `folder`.
pub(super) fn classify(text: &str, folder: &KeyPrefix, policy: UriPolicy) -> Result<SegmentUri, UnsafeUri> {
    if names_a_host(text) {
        return match policy {
            UriPolicy::NamesOnly => Err(UnsafeUri::OtherHost),
            UriPolicy::AllowAbsolute => elsewhere(text),
        };
    }
    if let (UriPolicy::AllowAbsolute, Some(path)) = (policy, text.strip_prefix('/')) {
        return ObjectKey::parse(path).map(SegmentUri::Rooted).map_err(UnsafeUri::Name);
    }
    let name = ObjectName::parse(text).map_err(UnsafeUri::Name)?;
    if folder.as_str().len() + text.len() > MAX_KEY_BYTES {
        return Err(UnsafeUri::Name(KeyError::TooLong));
    }
    Ok(SegmentUri::Name(name))
}

/// A text for a report: control and invisible characters escaped, not longer than a line.
pub(super) fn shown(text: &str) -> String {
    let mut chars = text.chars();
    let mut shown: String = chars.by_ref().take(SHOWN).flat_map(char::escape_debug).collect();
    if chars.next().is_some() {
        shown.push('…');
    }
    shown
}

/// `scheme:/…`, `scheme:\…`, `//host/…` and `\\host\…`.
///
/// A colon alone is no scheme here: channel names may have one, and a name is never resolved.
fn names_a_host(text: &str) -> bool {
    if text.starts_with("//") || text.starts_with("\\\\") {
        return true;
    }
    bytes::split_once(text, b':').is_some_and(|(scheme, rest)| {
        let starts_well = scheme.starts_with(|c: char| c.is_ascii_alphabetic());
        starts_well
            && rest.starts_with(['/', '\\'])
            && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
    })
}

fn elsewhere(text: &str) -> Result<SegmentUri, UnsafeUri> {
    let (scheme, rest) = text.split_once("://").ok_or(UnsafeUri::OtherHost)?;
    let web = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    if !web || rest.is_empty() || rest.starts_with(['/', '?', '#', '\\', ':', '@']) {
        return Err(UnsafeUri::OtherHost);
    }
    if text.len() > MAX_URL_BYTES {
        return Err(UnsafeUri::Name(KeyError::TooLong));
    }
    if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(UnsafeUri::Name(KeyError::Control));
    }
    let path = rest.split(['?', '#']).next().unwrap_or(rest);
    if path.split(['/', '\\']).any(is_dots) {
        return Err(UnsafeUri::Name(KeyError::Climbs));
    }
    Ok(SegmentUri::Elsewhere(text.to_owned()))
}

/// Whether a component climbs or stays, also in its percent-encoded spelling: in a URL, unlike in an
/// object key, `%2e` is a dot.
fn is_dots(part: &str) -> bool {
    if part.len() > 6 {
        return false;
    }
    let plain = part.to_ascii_lowercase().replace("%2e", ".");
    plain == "." || plain == ".."
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(text: &str, policy: UriPolicy) -> Result<SegmentUri, UnsafeUri> {
        classify(text, &KeyPrefix::from_parts(["a", "b"]).unwrap(), policy)
    }

    #[test]
    fn names_are_object_keys_and_nothing_is_decoded() {
        for text in ["a.ts", "a.ts?x=1", "a%2e%2e/b.ts", "a b#1.ts", "x:y.ts", "sub/a.ts", "频道.ts", ",a.ts"]
        {
            let expected = Ok(SegmentUri::Name(ObjectName::parse(text).unwrap()));
            assert_eq!(sorted(text, UriPolicy::NamesOnly), expected, "{text}");
            assert_eq!(sorted(text, UriPolicy::AllowAbsolute), expected, "{text}");
        }
    }

    #[test]
    fn what_climbs_or_names_a_host_is_refused() {
        for (text, why) in [
            ("../a.ts", UnsafeUri::Name(KeyError::Climbs)),
            ("a/../../b.ts", UnsafeUri::Name(KeyError::Climbs)),
            ("..\\a.ts", UnsafeUri::Name(KeyError::Climbs)),
            ("/etc/passwd", UnsafeUri::Name(KeyError::Rooted)),
            ("//host/a.ts", UnsafeUri::OtherHost),
            ("\\\\host\\a.ts", UnsafeUri::OtherHost),
            ("http://169.254.169.254/latest", UnsafeUri::OtherHost),
            ("HTTPS://h/a.ts", UnsafeUri::OtherHost),
            ("file:///etc/passwd", UnsafeUri::OtherHost),
            ("file:/etc/passwd", UnsafeUri::OtherHost),
            ("c:\\a.ts", UnsafeUri::OtherHost),
            ("a\u{1b}[2J.ts", UnsafeUri::Name(KeyError::Control)),
            ("sub/", UnsafeUri::Name(KeyError::Folder)),
        ] {
            assert_eq!(sorted(text, UriPolicy::NamesOnly), Err(why), "{text:?}");
        }
        // With its folder the name would be longer than any store takes.
        assert_eq!(
            sorted(&"x".repeat(MAX_KEY_BYTES), UriPolicy::NamesOnly),
            Err(UnsafeUri::Name(KeyError::TooLong))
        );
    }

    #[test]
    fn absolute_ones_are_taken_on_demand_and_climbing_ones_never() {
        assert_eq!(
            sorted("/x/y.ts", UriPolicy::AllowAbsolute),
            Ok(SegmentUri::Rooted(ObjectKey::parse("x/y.ts").unwrap()))
        );
        assert_eq!(
            sorted("HTTPS://h:1/a.ts?x=/../", UriPolicy::AllowAbsolute),
            Ok(SegmentUri::Elsewhere("HTTPS://h:1/a.ts?x=/../".to_owned()))
        );
        for (text, why) in [
            ("/../y.ts", UnsafeUri::Name(KeyError::Climbs)),
            ("../y.ts", UnsafeUri::Name(KeyError::Climbs)),
            ("https://h/a/../b.ts", UnsafeUri::Name(KeyError::Climbs)),
            ("https://h/a/.%2E/b.ts", UnsafeUri::Name(KeyError::Climbs)),
            ("https://h/a b.ts", UnsafeUri::Name(KeyError::Control)),
            ("ftp://h/a.ts", UnsafeUri::OtherHost),
            ("https:///a.ts", UnsafeUri::OtherHost),
            ("https:/a.ts", UnsafeUri::OtherHost),
            ("//h/a.ts", UnsafeUri::OtherHost),
        ] {
            assert_eq!(sorted(text, UriPolicy::AllowAbsolute), Err(why), "{text:?}");
        }
    }

    #[test]
    fn what_is_shown_is_short_and_cannot_move_the_cursor() {
        assert_eq!(shown("a\u{1b}[2J\u{202e}b"), "a\\u{1b}[2J\\u{202e}b");
        assert_eq!(shown(&"x".repeat(1000)).chars().count(), SHOWN + 1);
    }
}
