//! What is wrong, one line each, alike ones together; then why, and what to do.

use std::fmt::Write as _;
use std::time::Duration;

use anstyle::{AnsiColor, Color, Style};
use recfetch::domain::check::{Check, Diagnosis, Rule, Severity};
use recfetch::domain::time::SliceTime;

use super::Detail;
use crate::failure::printable;
use crate::output::playing_time;
use crate::output::screen::{Letters, Screen, wrapped};
use crate::output::summary::short_name;

/// How many lines of one rule are printed before the rest is counted.
const MOST_LINES: usize = 10;

/// Where later lines of a paragraph start: below the text of the first.
const INDENT: usize = 11;

/// The findings by rule: rules in the order in which their worst case comes.
pub(super) fn findings(text: &mut String, check: &Check, screen: Screen, detail: Detail) {
    for rule in rules(check) {
        let cases: Vec<_> = check.diagnoses.iter().filter(|diagnosis| diagnosis.rule == rule).collect();
        let groups: Vec<&[&Diagnosis]> = match detail {
            Detail::All => cases.chunks(1).collect(),
            Detail::Grouped => cases.chunk_by(|one, next| follows(one, next)).collect(),
        };
        let shown = match detail {
            Detail::All => groups.len(),
            Detail::Grouped => MOST_LINES,
        };
        for group in groups.iter().take(shown) {
            text.push_str(&wrapped(&line(group, screen), screen.width, INDENT));
        }
        let rest: usize = groups.iter().skip(shown).map(|group| group.len()).sum();
        if rest > 0 {
            let _ = writeln!(text, "{:INDENT$}and {rest} more (--verbose lists all)", "");
        }
    }
}

/// Why, and what to do: each once, with the code that `explain` knows. Beside a loss only what it is and what may
/// have caused it; of the rest the codes are named.
pub(super) fn reasons(text: &mut String, check: &Check, screen: Screen, detail: Detail) {
    let weight = |rule: Rule| {
        let of_rule = check.diagnoses.iter().filter(|diagnosis| diagnosis.rule == rule);
        of_rule.map(|diagnosis| diagnosis.severity).max()
    };
    let known: Vec<_> = rules(check)
        .into_iter()
        .filter(|rule| detail == Detail::All || weight(*rule) > Some(Severity::Note))
        .collect();
    let is_lost = known.iter().any(|rule| weight(*rule) == Some(Severity::Loss));
    let (rules, rest): (Vec<_>, Vec<_>) = known.into_iter().partition(|rule| {
        detail == Detail::All || !is_lost || weight(*rule) == Some(Severity::Loss) || is_cause(*rule)
    });
    for (word, of_rule) in [
        ("why", (|rule: Rule| rule.meaning().means) as fn(Rule) -> &'static str),
        ("do", |rule: Rule| rule.meaning().remedy),
    ] {
        let mut said: Vec<(&str, Vec<&str>)> = Vec::new();
        for rule in &rules {
            let what = of_rule(*rule);
            match said.iter_mut().find(|(known, _)| *known == what) {
                Some((_, codes)) => codes.push(rule.code()),
                None if what.is_empty() => {}
                None => said.push((what, vec![rule.code()])),
            }
        }
        for (what, codes) in said {
            let line = format!("{word:<INDENT$}{}: {}", codes.join(", "), letters(what, screen));
            text.push_str(&wrapped(&line, screen.width, INDENT));
        }
    }
    if let Some(line) = support(check) {
        text.push_str(&wrapped(&line, screen.width, INDENT));
    }
    if !rest.is_empty() {
        let codes: Vec<_> = rest.into_iter().map(Rule::code).collect();
        let line = format!("{:<INDENT$}recfetch explain {}", "more", codes.join(" "));
        text.push_str(&wrapped(&line, screen.width, INDENT));
    }
}

/// Whether it may be why something is lost: what happened at Agora, and that another recorder took over.
fn is_cause(rule: Rule) -> bool {
    rule == Rule::Failover || rule.code().starts_with("RF5")
}

/// Until when Agora can be asked for what is lost.
fn support(check: &Check) -> Option<String> {
    let lost = |diagnosis: &Diagnosis| {
        matches!(
            diagnosis.rule,
            Rule::SegmentAbsent | Rule::UnlistedGap | Rule::RecorderHole | Rule::ToldAbsent
        )
    };
    if !check.diagnoses.iter().any(lost) {
        return None;
    }
    let ends = check.backup_ends()?;
    let day = minute(ends);
    Some(if ends < check.at {
        format!(
            "{:<INDENT$}the ten days of Agora Cloud Backup ended {day} UTC; --ticket prints what to tell Agora support",
            "do"
        )
    } else {
        format!("{:<INDENT$}ask Agora support before {day} UTC (ten days); --ticket prints the text", "do")
    })
}

/// The rules of a check, each once, in the order of its diagnoses.
fn rules(check: &Check) -> Vec<Rule> {
    let mut rules = Vec::new();
    for diagnosis in &check.diagnoses {
        if !rules.contains(&diagnosis.rule) {
            rules.push(diagnosis.rule);
        }
    }
    rules
}

/// Whether two cases of one rule can be told as one: the same of segments that follow each other.
fn follows(one: &Diagnosis, next: &Diagnosis) -> bool {
    let (here, there) = (&one.about, &next.about);
    let numbers = here.segment.zip(there.segment);
    numbers.is_some_and(|(number, next)| number.checked_add(1) == Some(next))
        && here.track == there.track
        && here.store == there.store
        && one.severity == next.severity
        && named(one).is_some()
        && named(one).map(|(_, what)| what) == named(next).map(|(_, what)| what)
}

/// The object, short, and what is said of it, where the sentence starts with its name.
fn named(diagnosis: &Diagnosis) -> Option<(String, &str)> {
    let object = diagnosis.about.object.as_deref()?;
    let what = diagnosis.text.strip_prefix('`')?.strip_prefix(object)?.strip_prefix("` ")?;
    Some((short_name(object), what))
}

/// A sentence with the names in it as short as they can be.
fn shortened(text: &str) -> String {
    let mut short = String::with_capacity(text.len());
    for (place, piece) in text.split('`').enumerate() {
        match place % 2 {
            1 => short.push_str(&short_name(piece)),
            _ => short.push_str(piece),
        }
    }
    short
}

fn line(group: &[&Diagnosis], screen: Screen) -> String {
    let (Some(first), Some(last)) = (group.first(), group.last()) else { return String::new() };
    let style = style(first.severity);
    // The label is padded by itself: escape codes have no width.
    let mut parts = Vec::new();
    match (first.about.segment, last.about.segment) {
        (Some(from), Some(to)) if from != to => {
            parts.push(format!("#{from}{}#{to}", screen.letters.pick("–", "-")));
        }
        (Some(number), _) => parts.push(format!("#{number}")),
        (None, _) => {}
    }
    parts.extend(span(first.about.from, last.about.until, screen));
    // Of one segment its playlist tells how long it is.
    if group.len() > 1 || first.about.segment.is_none() {
        parts.extend(length(first.about.from, last.about.until));
    }
    let what = match (named(first), group.len()) {
        (Some((_, what)), 2..) => format!("{} segments, each {}", group.len(), shortened(what)),
        (Some((object, what)), _) => format!("{object} {}", shortened(what)),
        (None, _) => shortened(&first.text),
    };
    parts.push(printable(&what).into_owned());
    let text = letters(&parts.join("  "), screen);
    format!("{style}{:<INDENT$}{style:#}{text}", label(first))
}

/// One word: what is lost by its name, the rest by its weight.
fn label(diagnosis: &Diagnosis) -> &'static str {
    match (diagnosis.rule, diagnosis.severity) {
        (Rule::SegmentAbsent | Rule::SegmentEmpty | Rule::ToldAbsent, Severity::Loss) => "lost",
        (Rule::UnlistedGap | Rule::RecorderHole, Severity::Loss) => "unlisted",
        (Rule::SegmentUnread, _) => "unknown",
        (Rule::SegmentElsewhere, _) => "elsewhere",
        (Rule::Orphan, _) => "orphan",
        (_, Severity::Loss) => "loss",
        (_, Severity::Warning) => "warning",
        (_, Severity::Note) => "note",
    }
}

fn style(severity: Severity) -> Style {
    match severity {
        Severity::Loss => Style::new().fg_color(Some(Color::Ansi(AnsiColor::Red))),
        Severity::Warning => Style::new().fg_color(Some(Color::Ansi(AnsiColor::Yellow))),
        Severity::Note => Style::new(),
    }
}

/// `13:44:12.485 → 13:44:27.502`.
fn span(from: Option<SliceTime>, until: Option<SliceTime>, screen: Screen) -> Option<String> {
    let clock = |time: SliceTime| time.to_string().get(11..23).unwrap_or_default().to_owned();
    match (from, until) {
        (Some(from), Some(until)) => {
            Some(format!("{} {} {}", clock(from), screen.letters.pick("→", "->"), clock(until)))
        }
        (Some(time), None) | (None, Some(time)) => Some(clock(time)),
        (None, None) => None,
    }
}

/// To the millisecond below a minute, else to the second.
fn length(from: Option<SliceTime>, until: Option<SliceTime>) -> Option<String> {
    let ms = u64::try_from(until?.ms_since(from?)).ok()?;
    Some(match ms {
        ..60_000 => format!("{}.{:03} s", ms / 1000, ms % 1000),
        60_000.. => playing_time(Duration::from_millis(ms)),
    })
}

/// `2026-09-30 14:52`.
fn minute(time: SliceTime) -> String {
    time.to_string().get(..16).unwrap_or_default().replace('T', " ")
}

/// Our own signs in letters that the screen has.
pub(super) fn letters(text: &str, screen: Screen) -> String {
    match screen.letters {
        Letters::Unicode => text.to_owned(),
        Letters::Ascii => text.replace('…', "...").replace('→', "->").replace('–', "-").replace('’', "'"),
    }
}
