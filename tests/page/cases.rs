//! What the page has to do.

use recfetch::documents::{CheckV1, CheckedSegmentV1, page};
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::checks::{self, HOSTILE, check};

type Case = (&'static str, fn(&Browser));

pub(crate) const ALL: &[Case] = &[
    ("the_time_line_shows_each_of_5_segments", |browser| shows_each(browser, 5, 1)),
    ("the_time_line_shows_each_of_500_segments", |browser| shows_each(browser, 500, 4)),
    ("the_time_line_shows_each_of_20000_segments", |browser| shows_each(browser, 20_000, 4)),
    ("the_table_sorts_and_filters", the_table_sorts_and_filters),
    ("keys_lead_from_a_finding_to_the_time_line_and_back", keys_lead_to_the_time_line_and_back),
    ("a_mouse_zooms_moves_and_asks", a_mouse_zooms_moves_and_asks),
    ("two_fingers_zoom", two_fingers_zoom),
    ("hostile_names_stay_text", hostile_names_stay_text),
    ("a_request_and_a_script_would_be_noticed", a_request_and_a_script_would_be_noticed),
    ("it_is_readable_in_light_and_dark_wide_and_narrow", it_is_readable_everywhere),
    ("the_switch_wins_over_the_system", the_switch_wins_over_the_system),
    ("paper_is_light_and_names_what_is_missing", paper_is_light_and_names_what_is_missing),
    ("without_scripts_the_main_facts_stand_there", without_scripts_the_main_facts_stand_there),
    ("what_has_no_time_or_no_track_is_shown_too", what_has_no_time_or_no_track_is_shown_too),
];

fn shows_each(browser: &Browser, segments: usize, tracks: usize) {
    let check = check(segments, tracks);
    let seen = browser.show("read", &check);
    is_quiet(&seen);
    // On a machine that does other things too the clock tells about those; work of the page's own does not.
    let (usable, work) = (number(&seen["usableMs"]), number(&seen["workMs"]));
    eprintln!(
        "{segments} segments: zoomed and sorted {usable:.0} ms after it was opened, {work:.0} ms of work"
    );
    assert!(work > 1.0 && work < 2000.0, "{segments} segments: {work} ms of work");
    assert!(usable < 2000.0 || is_busy(), "{segments} segments: usable after {usable} ms");
    let span = |window: &Value| number(&window["until"]) - number(&window["from"]);
    assert!((span(&seen["zoomed"]) * 2.0 - span(&seen["window"])).abs() < 2.0, "{}", seen["zoomed"]);
    let rows = number(&seen["rows"]);
    assert!((5.0..80.0).contains(&rows), "{rows} rows exist at once");

    let drawn = seen["drawn"].as_array().unwrap();
    let wanted: Vec<_> = listed(&check).collect();
    assert_eq!(drawn.len(), wanted.len());
    let from = number(&seen["window"]["from"]);
    for (index, ((track, segment), drawn)) in wanted.iter().zip(drawn).enumerate() {
        let facts = json!({
            "track": track, "number": segment.number, "name": segment.name, "starts": segment.starts,
            "ends": segment.ends, "duration_ms": segment.duration_ms, "size": segment.size,
            "presence": segment.presence, "store": segment.store, "obstacle": segment.obstacle,
            "failover": segment.failover,
        });
        let mut told = drawn.clone();
        let places = ["x", "y", "width", "height"].map(|place| {
            let value = told.as_object_mut().unwrap().remove(place).unwrap();
            number(&value)
        });
        assert_eq!(told, facts);
        // It stands where its time is, to the pixel.
        let scale = number(&seen["widths"][*track]) / span(&seen["window"]);
        let at = |time: &Option<String>| (millis(time.as_deref().unwrap()) - from) * scale;
        let [x, _, width, _] = places;
        assert!((x - at(&segment.starts)).abs() <= 3.0, "{told}: {x}, not {}", at(&segment.starts));
        assert!(
            (x + width - at(&segment.ends)).abs() <= 3.0,
            "{told}: {x} + {width}, not {}",
            at(&segment.ends)
        );
        // And it is seen: by itself where there is room, and what is lost everywhere.
        let painted = number(&seen["painted"][index]);
        let roomy = width >= 3.0 || segment.presence == "lost";
        assert!(!roomy || painted > 0.2, "{told}: {painted} of it has its colour, {width} wide");
    }
}

fn the_table_sorts_and_filters(browser: &Browser) {
    let check = check(500, 2);
    let seen = browser.show("table", &check);
    is_quiet(&seen);
    let all: Vec<_> = listed(&check).map(|(_, segment)| segment).collect();
    let names = |segments: &[&CheckedSegmentV1]| json!(segments.iter().map(|s| &s.name).collect::<Vec<_>>());
    assert_eq!(seen["unsorted"], names(&all));
    // A stable order, so that equal sizes keep their place in either direction.
    let mut sizes = all.clone();
    sizes.sort_by_key(|segment| segment.size.map_or(-1, |size| i64::try_from(size).unwrap()));
    assert_eq!(seen["sizeUp"], names(&sizes));
    assert_eq!(seen["sizeUpSaid"], "ascending");
    let mut sizes = all.clone();
    sizes.sort_by_key(|segment| {
        std::cmp::Reverse(segment.size.map_or(-1, |size| i64::try_from(size).unwrap()))
    });
    assert_eq!(seen["sizeDown"], names(&sizes));
    let mut by_name = all.clone();
    by_name.sort_by_key(|segment| &segment.name);
    assert_eq!(seen["nameUp"], names(&by_name));
    let mut starts = all.clone();
    starts.sort_by_key(|segment| segment.starts.clone());
    assert_eq!(seen["startsUp"], names(&starts));
    assert_ne!(seen["startsUp"], seen["startsDown"]);
    assert_eq!(seen["shown"], seen["startsDown"][0]);
    let lost = seen["lost"].as_array().unwrap();
    assert_eq!(lost.len(), check.totals.lost);
    assert!(!lost.is_empty() && lost.len() < all.len());
    assert_eq!(seen["numbered"].as_array().unwrap().len(), 2, "number 7 of each of two tracks");
    assert_eq!(seen["none"], json!([]));
    assert_eq!(seen["said"], "0 of 500 segments");
    assert_eq!(seen["active"], "501", "the last of 500 rows below the head");
}

fn keys_lead_to_the_time_line_and_back(browser: &Browser) {
    let check = check(500, 1);
    let seen = browser.show("keyboard", &check);
    is_quiet(&seen);
    let loss = &check.diagnoses[0];
    let number_of = |text: &Value, number: usize| {
        assert!(text.as_str().unwrap().starts_with(&format!("#{number},")), "{text} is not of #{number}");
    };
    assert!(number(&seen["tabs"]) < 60.0, "{} tabs to the first finding", seen["tabs"]);
    assert_eq!(seen["outline"], "solid", "the focus is seen");
    assert_eq!(seen["afterJump"]["id"], "lanes");
    assert_eq!(seen["inSight"], true);
    let window = |name: &str| (number(&seen[name]["from"]), number(&seen[name]["until"]));
    let at = millis(loss.about.from.as_deref().unwrap());
    let (from, until) = window("near");
    assert!(
        from < at && at < until && until - from < (window("whole").1 - window("whole").0) / 20.0,
        "{}",
        seen["near"]
    );
    assert!(
        seen["detail"].as_str().unwrap().contains(loss.about.object.as_deref().unwrap()),
        "{}",
        seen["detail"]
    );
    assert_eq!(seen["back"]["id"], "finding-0");
    let segment = loss.about.segment.unwrap();
    number_of(&seen["right"], segment + 1);
    number_of(&seen["left"], segment - 1);
    assert!(window("wider").1 - window("wider").0 > until - from);
    assert_eq!(seen["home"], seen["whole"]);
}

fn a_mouse_zooms_moves_and_asks(browser: &Browser) {
    let check = check(60, 1);
    let seen = browser.show("mouse", &check);
    is_quiet(&seen);
    let name = seen["lost"]["name"].as_str().unwrap();
    assert_eq!((&seen["tipShown"], &seen["tipHidden"]), (&json!(true), &json!(true)));
    for (what, of) in [
        ("tip", name),
        ("tip", "Lost"),
        ("tip", "RF101"),
        ("detail", name),
        ("detail", "RF101 segment-absent"),
    ] {
        assert!(seen[what].as_str().unwrap().contains(of), "{what} says {}, not {of}", seen[what]);
    }
    let window = |name: &str| (number(&seen[name]["from"]), number(&seen[name]["until"]));
    let (whole, wheeled, dragged) = (window("whole"), window("wheeled"), window("dragged"));
    assert!(wheeled.1 - wheeled.0 < (whole.1 - whole.0) * 0.8, "{}", seen["wheeled"]);
    assert!(
        dragged.0 > wheeled.0 && (dragged.1 - dragged.0 - wheeled.1 + wheeled.0).abs() < 1.0,
        "{}",
        seen["dragged"]
    );
    // The clock of the test stands in Kolkata.
    assert!(seen["local"].as_str().unwrap().contains("UTC+05:30"), "{}", seen["local"]);
    assert_eq!(seen["said"], "Times in UTC+05:30");
}

fn two_fingers_zoom(browser: &Browser) {
    let seen = browser.show("pinch", &check(500, 1));
    is_quiet(&seen);
    let span = |name: &str| number(&seen[name]["until"]) - number(&seen[name]["from"]);
    assert!(span("pinched") < span("whole") / 3.0, "{} of {}", span("pinched"), span("whole"));
}

fn hostile_names_stay_text(browser: &Browser) {
    let check = checks::hostile();
    let seen = browser.show("text", &check);
    is_quiet(&seen);
    assert_eq!(seen["broken"], Value::Null);
    assert_eq!(seen["strangers"], json!([]));
    assert_eq!(seen["scripts"], 3, "the check, the bag and the script");
    assert_eq!(seen["check"], serde_json::to_value(&check).unwrap(), "the check comes through unchanged");
    // Blanks and what does not print are the browser's affair.
    let printed =
        |text: &str| text.chars().filter(|c| !c.is_whitespace() && !c.is_control()).collect::<String>();
    let shown = printed(seen["text"].as_str().unwrap());
    for text in HOSTILE {
        assert!(shown.contains(&printed(text)), "{text:?} is not on the page");
    }
}

fn a_request_and_a_script_would_be_noticed(browser: &Browser) {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let html = page(&check(5, 1));
    let planted =
        format!("<img src=\"http://127.0.0.1:{port}/leak\"><script>window.broken = 1</script></body>");
    let planted = html.replacen("</body>", &planted, 1);
    let start = planted.find("<meta http-equiv").unwrap();
    let end = start + planted[start..].find('>').unwrap() + 1;
    let unprotected = format!("{}{}", &planted[..start], &planted[end..]);

    let seen = browser.open("open", &unprotected);
    assert_eq!(seen["seen"]["requests"], json!([format!("http://127.0.0.1:{port}/leak")]));
    assert_eq!(seen["broken"], 1);
    assert!(
        !seen["seen"]["console"].as_array().unwrap().is_empty(),
        "a failed request is told on the console"
    );

    // The policy alone stops both, and the browser says so.
    let seen = browser.open("open", &planted);
    assert_eq!(seen["broken"], Value::Null);
    let console = seen["seen"]["console"].to_string();
    assert!(console.contains("Content Security Policy") && console.contains("inline script"), "{console}");
    assert_eq!(seen["drawn"].as_array().unwrap().len(), 5, "the page itself works");

    // A script that is not the page's own to the letter does not run either.
    let seen = browser.open("ran", &html.replacen("'use strict'", "'use  strict'", 1));
    assert_eq!(seen["ran"], false);
    assert_eq!(browser.open("ran", &html)["ran"], true);
}

fn it_is_readable_everywhere(browser: &Browser) {
    let seen = browser.show("look", &check(500, 3));
    let looks = seen["looks"].as_array().unwrap();
    assert_eq!(looks.len(), 4);
    for look in looks {
        is_quiet(look);
        let which = format!("{} {}", look["colorScheme"], look["name"]);
        assert!(number(&look["kinds"]) > 100.0, "{which} is blank: {} colours", look["kinds"]);
        let light = number(&look["light"]);
        assert_eq!(light > 0.5, look["colorScheme"] == "light", "{which}: {light}");
        assert!(number(&look["overflow"]) <= 0.0, "{which} is {} pixels too wide", look["overflow"]);
        assert_eq!(look["violations"], json!([]), "{which}");
        assert!(number(&look["passes"]) > 15.0, "{which}: {} rules were looked at", look["passes"]);
    }
}

fn the_switch_wins_over_the_system(browser: &Browser) {
    let seen = browser.show("theme", &check(60, 1));
    is_quiet(&seen);
    for (name, is_light) in [("light", true), ("dark", false), ("lightAgain", true), ("system", false)] {
        assert_eq!(number(&seen[name]["light"]) > 0.5, is_light, "{name}: {}", seen[name]);
    }
}

fn paper_is_light_and_names_what_is_missing(browser: &Browser) {
    let check = check(500, 1);
    let seen = browser.show("print", &check);
    is_quiet(&seen);
    assert!(number(&seen["light"]) > 0.7, "{}", seen["light"]);
    assert_eq!(seen["grid"], false);
    assert!(
        number(&seen["table"]) >= (check.totals.lost + check.totals.elsewhere) as f64,
        "{}",
        seen["table"]
    );
    assert_eq!(seen["pdf"], "%PDF-");
}

fn without_scripts_the_main_facts_stand_there(browser: &Browser) {
    let check = check(500, 1);
    let seen = browser.show("plain", &check);
    let text = seen["text"].as_str().unwrap();
    for wanted in ["incomplete", check.recording.as_str(), check.diagnoses[0].text.as_str()] {
        assert!(text.contains(wanted), "{wanted} is not in {text}");
    }
}

fn what_has_no_time_or_no_track_is_shown_too(browser: &Browser) {
    let seen = browser.show("open", &checks::timeless());
    is_quiet(&seen);
    let drawn = seen["drawn"].as_array().unwrap();
    let places: Vec<_> = drawn.iter().map(|segment| number(&segment["x"])).collect();
    assert_eq!(places.len(), 5);
    assert!(places.is_sorted_by(|a, b| a + 100.0 < *b), "one after the other: {places:?}");
    assert!(drawn.iter().all(|segment| segment["starts"].is_null()));
    let seen = browser.show("open", &checks::empty());
    is_quiet(&seen);
    assert_eq!(seen["drawn"], json!([]));
    // That nothing is wrong is said of what is whole, and of nothing else.
    assert_eq!(seen["findings"], "No finding was written down.");
    let mut whole = checks::empty();
    whole.standing = "nothing-missing".to_owned();
    let seen = browser.show("open", &whole);
    assert_eq!(seen["findings"], "Nothing was found that is wrong or worth knowing.");
}

/// Nothing was asked for, said, asked or broken.
fn is_quiet(seen: &Value) {
    let nothing = json!({ "requests": [], "console": [], "errors": [], "dialogs": [] });
    assert_eq!(seen["seen"], nothing);
}

fn listed(check: &CheckV1) -> impl Iterator<Item = (usize, &CheckedSegmentV1)> {
    let tracks = check.tracks.iter().enumerate();
    tracks.flat_map(|(index, track)| track.segments.iter().map(move |segment| (index, segment)))
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

fn millis(text: &str) -> f64 {
    text.parse::<jiff::Timestamp>().unwrap().as_millisecond() as f64
}

/// Whether more wants to run on this machine than it has processors; where nobody can tell it has time.
fn is_busy() -> bool {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load: f64 = load.split(' ').next().and_then(|load| load.parse().ok()).unwrap_or(0.0);
    load > std::thread::available_parallelism().map_or(1, std::num::NonZero::get) as f64
}
