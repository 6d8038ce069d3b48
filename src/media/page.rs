//! Text that servers send where media was asked for.

/// The kind of text that a body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// A web page.
    Html,
    /// An XML document, mostly a store's error.
    Xml,
    /// A JSON document.
    Json,
}

/// How far into an XML document an HTML root is looked for.
const ROOT_WITHIN: usize = 1024;

/// Tells a page of text by the first bytes of a body; 1 KiB of them is plenty.
///
/// `None` is no proof of media: it only says that this is none of the texts that stores, proxies and sign-in
/// portals answer with. A body that starts with the sync byte of a transport stream, `G`, is never a page.
#[must_use]
pub fn sniff(head: &[u8]) -> Option<Page> {
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    match text.first()? {
        b'<' => sniff_markup(&text[..text.len().min(ROOT_WITHIN)]),
        b'{' => starts_like_json(&text[1..], b"\"}").then_some(Page::Json),
        b'[' => starts_like_json(&text[1..], b"\"{[]").then_some(Page::Json),
        _ => None,
    }
}

fn sniff_markup(text: &[u8]) -> Option<Page> {
    const HTML_STARTS: [&[u8]; 4] = [b"<!doctype html", b"<html", b"<head", b"<body"];
    let starts_with = |start: &[u8]| text.get(..start.len()).is_some_and(|t| t.eq_ignore_ascii_case(start));
    if HTML_STARTS.into_iter().any(starts_with) {
        return Some(Page::Html);
    }
    if starts_with(b"<?xml") || starts_with(b"<!--") {
        let root_is_html = HTML_STARTS[..2]
            .iter()
            .any(|root| text.windows(root.len()).any(|part| part.eq_ignore_ascii_case(root)));
        return Some(if root_is_html || starts_with(b"<!--") { Page::Html } else { Page::Xml });
    }
    text.get(1).filter(|byte| byte.is_ascii_alphabetic()).map(|_| Page::Xml)
}

/// Whether what follows the opening bracket can follow it, so that a stray bracket in front of binary
/// bytes does not pass for a document.
fn starts_like_json(rest: &[u8], may_follow: &[u8]) -> bool {
    rest.trim_ascii_start().first().is_none_or(|byte| may_follow.contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_servers_send_are_told_apart() {
        for (body, page) in [
            ("<!DOCTYPE html><html>", Some(Page::Html)),
            ("\r\n  <HTML lang=en>", Some(Page::Html)),
            ("\u{feff}<!doctype HTML>", Some(Page::Html)),
            ("<!-- portal --><html>", Some(Page::Html)),
            ("<?xml version=\"1.0\"?>\n<!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0\">", Some(Page::Html)),
            ("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>NoSuchKey</Code>", Some(Page::Xml)),
            ("<Error><Code>AccessDenied</Code></Error>", Some(Page::Xml)),
            ("{\"error\":\"Document not found\"}", Some(Page::Json)),
            ("{\n  \"error\": 1}", Some(Page::Json)),
            ("[ {\"code\":404} ]", Some(Page::Json)),
            ("{", Some(Page::Json)),
        ] {
            assert_eq!(sniff(body.as_bytes()), page, "{body}");
        }
    }

    #[test]
    fn media_and_other_bytes_are_no_page() {
        for body in [
            &b""[..],
            b"   \n",
            b"G",
            b"G<html>",
            b"\x47\x40\x00\x10\x00",
            b"{\x00\x01",
            b"<\x00",
            b"#EXTM3U\n",
            b"\x1aE\xdf\xa3",
            b"\xef\xbb\xbf",
        ] {
            assert_eq!(sniff(body), None, "{body:?}");
        }
    }
}
