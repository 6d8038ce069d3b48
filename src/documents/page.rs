//! A check as one page for a browser: nothing but this file, and no network.
//!
//! Names in a bucket are anybody's text. All of a check goes into the page as JSON in which no character is
//! left that could end the element around it, and the page's script writes text only, never markup. The page's
//! policy lets the browser run this one script and no other, and load nothing.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use serde::Serialize;

use super::check_json::CheckV1;

const FRAME: &str = include_str!("page/page.html");
const STYLE: &str = include_str!("page/page.css");

/// In this order they are one script.
const SCRIPTS: &[&str] = &[
    include_str!("page/words.js"),
    include_str!("page/model.js"),
    include_str!("page/head.js"),
    include_str!("page/canvas.js"),
    include_str!("page/timeline.js"),
    include_str!("page/controls.js"),
    include_str!("page/sizes.js"),
    include_str!("page/findings.js"),
    include_str!("page/table.js"),
    include_str!("page/files.js"),
    include_str!("page/start.js"),
];

/// Findings that stand in the page of a browser without scripts.
const PLAIN_FINDINGS: usize = 200;

/// What of a recording lies in the bag around a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InBag {
    /// What the fetch came to: the word of the report.
    pub outcome: String,
    /// The exit code that goes with it.
    pub exit_code: u8,
    /// Segments that playlists list.
    pub segments: usize,
    /// Of those, here and verified.
    pub segments_verified: usize,
    /// Objects of all kinds, segments among them.
    pub objects: usize,
    /// Of those, here and verified.
    pub objects_verified: usize,
}

/// The page: HTML in UTF-8 that shows `check`.
#[must_use]
pub fn page(check: &CheckV1) -> String {
    filled(check, None)
}

/// The page that lies in a bag: what the stores had, and first of all what is here.
#[must_use]
pub fn page_of_bag(check: &CheckV1, bag: &InBag) -> String {
    filled(check, Some(bag))
}

fn filled(check: &CheckV1, bag: Option<&InBag>) -> String {
    let script = format!("(() => {{\n'use strict';\n{}}})();\n", SCRIPTS.join("\n"));
    let policy = format!(
        "default-src 'none'; script-src '{}'; style-src '{}'; base-uri 'none'; form-action 'none'",
        hash(&script),
        hash(STYLE)
    );
    let mut text = String::with_capacity(FRAME.len() + STYLE.len() + script.len() + 4096);
    for (index, piece) in FRAME.split("{{").enumerate() {
        let (slot, rest) =
            if index == 0 { ("", piece) } else { piece.split_once("}}").unwrap_or(("", piece)) };
        match slot {
            "policy" => text.push_str(&policy),
            "title" => {
                text.push_str(&escaped(&format!("Recording {}: {}", check.recording, word(check, bag))))
            }
            "style" => text.push_str(STYLE),
            "plain" => text.push_str(&plain(check, bag)),
            "check" => text.push_str(&embedded(check)),
            "bag" => text.push_str(&embedded(&bag)),
            "script" => text.push_str(&script),
            _ => {}
        }
        text.push_str(rest);
    }
    text
}

/// The source expression that allows exactly this text.
fn hash(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text)))
}

/// A check or the like as JSON that may stand inside of any element: what could end one is written as an escape.
fn embedded(facts: &impl Serialize) -> String {
    // Structs of texts and numbers always have a JSON form; a page that says nothing would be the worst there is.
    let json = serde_json::to_string(facts).unwrap_or_else(|_| "null".to_owned());
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        // Outside of strings JSON has none of these, and inside an escape says the same.
        match c {
            '<' | '>' | '&' | '\u{7f}'..='\u{9f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' => {
                text.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            _ => text.push(c),
        }
    }
    text
}

/// What it all comes to, in one word.
fn word<'a>(check: &'a CheckV1, bag: Option<&'a InBag>) -> &'a str {
    bag.map_or(check.standing.as_str(), |bag| bag.outcome.as_str())
}

/// The main facts for a browser that runs no scripts.
fn plain(check: &CheckV1, bag: Option<&InBag>) -> String {
    let totals = &check.totals;
    let mut text = format!(
        "<h1>Recording {}: {}</h1>\n<p>{} of {} segments are in the recording’s own store, {} only in another one, \
         {} lost, {} not known. The time line needs scripts.</p>\n<ul>\n",
        escaped(&check.recording),
        escaped(word(check, bag)),
        totals.present,
        totals.segments,
        totals.elsewhere,
        totals.lost,
        totals.unknown,
    );
    for diagnosis in check.diagnoses.iter().take(PLAIN_FINDINGS) {
        text.push_str(&format!(
            "<li>{} {}: {}</li>\n",
            escaped(&diagnosis.severity),
            escaped(&diagnosis.code),
            escaped(&diagnosis.text)
        ));
    }
    let left = check.diagnoses.len().saturating_sub(PLAIN_FINDINGS);
    if left > 0 {
        text.push_str(&format!("<li>and {left} more</li>\n"));
    }
    text.push_str("</ul>");
    text
}

/// Text that may stand in HTML, in elements and in attributes.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\0' => escaped.push('\u{fffd}'),
            _ => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> CheckV1 {
        CheckV1 {
            format: text.to_owned(),
            written_by: text.to_owned(),
            at: text.to_owned(),
            depth: text.to_owned(),
            recording: text.to_owned(),
            channel: Some(text.to_owned()),
            app_id: None,
            recorder: None,
            mode: None,
            folder: text.to_owned(),
            state: text.to_owned(),
            standing: text.to_owned(),
            exit_code: 3,
            first: None,
            last: None,
            stores: Vec::new(),
            totals: super::super::check_json::TotalsV1::default(),
            tracks: Vec::new(),
            playlists: Vec::new(),
            orphans: Vec::new(),
            others: Vec::new(),
            diagnoses: Vec::new(),
        }
    }

    #[test]
    fn every_slot_is_filled_and_no_text_fills_another_one() {
        let plain = page(&check("x"));
        assert!(!plain.contains("{{") && !plain.contains("}}"), "a slot was left");
        let tricky = page(&check("{{script}}{{style}}"));
        assert_eq!(tricky.matches("'use strict'").count(), 1);
        assert_eq!(tricky.matches(":root {").count(), plain.matches(":root {").count());
    }

    #[test]
    fn no_text_ends_the_element_that_holds_it() {
        let elements = |html: &str| {
            let names = [
                "<script",
                "</script",
                "<style",
                "</style",
                "<!--",
                "<title",
                "</title",
                "<img",
                "</noscript",
            ];
            names.map(|name| html.to_lowercase().matches(name).count())
        };
        let wanted = elements(&page(&check("x")));
        assert_eq!(&wanted[..2], [3, 3], "the check, the bag, and the script");
        for text in [
            "</script><script>",
            "</SCRIPT ",
            "<!--<script>",
            "</title><img src=x>",
            "</noscript><style>",
            "\u{2028}\u{2029}\"'&<>",
            "</style>",
        ] {
            let html = page(&check(text));
            assert_eq!(elements(&html), wanted, "{text:?}");
            let start = html.find("id=\"check\">").map_or(0, |at| at + "id=\"check\">".len());
            let json = html[start..].split("</script>").next().unwrap_or_default();
            assert!(json.is_ascii() && !json.contains(['<', '>', '&']), "{text:?} as {json}");
            let back: Result<CheckV1, _> = serde_json::from_str(json);
            assert_eq!(back.ok().as_ref(), Some(&check(text)), "it comes through unchanged");
        }
    }

    #[test]
    fn the_policy_names_the_script_and_the_style_that_stand_there() {
        let html = page(&check("x"));
        let between = |from: &str, to: &str| {
            let start = html.rfind(from).map_or(0, |at| at + from.len());
            html[start..].split(to).next().unwrap_or_default().to_owned()
        };
        for text in [between("<script>", "</script>"), between("<style>", "</style>")] {
            assert!(text.len() > 1000 && html.contains(&hash(&text)), "{} bytes", text.len());
        }
        assert!(html.contains("content=\"default-src 'none'; script-src 'sha256-"));
        assert!(!html.contains("unsafe-inline") && !html.contains("http-equiv=\"refresh"));
    }

    #[test]
    fn a_bag_says_what_is_in_it() {
        let bag = InBag {
            outcome: "complete".to_owned(),
            exit_code: 0,
            segments: 4,
            segments_verified: 4,
            objects: 5,
            objects_verified: 5,
        };
        let html = page_of_bag(&check("elsewhere"), &bag);
        assert!(html.contains("<title>Recording elsewhere: complete</title>"));
        assert!(html.contains("id=\"bag\">{\"outcome\":\"complete\",\"exit_code\":0,"));
        assert!(page(&check("elsewhere")).contains("id=\"bag\">null</script>"));
    }
}
