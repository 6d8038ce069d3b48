//! `explain`: what codes and words mean, those of recfetch's own findings and those of Agora and of stores.

use recfetch::agora::codes::{self, Entry};
use recfetch::domain::check::{Rule, Severity};
use serde_json::{Value, json};

use crate::args::ExplainArgs;
use crate::context::Form;
use crate::failure::ExitCode;
use crate::failure::{Failure, printable};
use crate::output;

/// Words of findings that a fetch tells and a check calls otherwise.
const OTHER_WORDS: [(&str, Rule); 2] =
    [("transfer-chosen", Rule::PlaylistSuperseded), ("region-followed", Rule::WrongRegion)];

/// How many near misses are told.
const MOST_NEAR: usize = 3;

/// How wide a line of text becomes.
const WIDTH: usize = 100;

/// Prints what each code means, or all codes.
pub(crate) fn run(args: &ExplainArgs, form: Form) -> Result<ExitCode, Failure> {
    if args.list {
        match form {
            Form::Text => output::print(&list())?,
            Form::Json => output::print_json(&json!({
                "v": 1,
                "findings": Rule::ALL.iter().map(|rule| rule_json(*rule)).collect::<Vec<_>>(),
                "codes": codes::all().map(entry_json).collect::<Vec<_>>(),
            }))?,
        }
        return Ok(ExitCode::Complete);
    }
    let found: Vec<(&str, Found)> = args.codes.iter().map(|code| (code.as_str(), Found::of(code))).collect();
    if let Some((code, _)) = found.iter().find(|(_, found)| found.is_nothing()) {
        return Err(unknown(code));
    }
    match form {
        Form::Text => {
            let texts: Vec<String> = found.iter().flat_map(|(_, found)| found.texts()).collect();
            output::print(&texts.join("\n"))?;
        }
        Form::Json => {
            let found: Vec<Value> = found.iter().map(|(code, found)| found.json(code)).collect();
            output::print_json(&json!({ "v": 1, "explained": found }))?;
        }
    }
    Ok(ExitCode::Complete)
}

/// Everything that a code can be.
struct Found {
    rules: Vec<Rule>,
    entries: Vec<&'static Entry>,
}

impl Found {
    fn of(code: &str) -> Self {
        let word = code.trim().to_ascii_lowercase();
        let other = OTHER_WORDS.iter().filter(|(known, _)| *known == word).map(|(_, rule)| *rule);
        Self { rules: Rule::find(&word).into_iter().chain(other).collect(), entries: codes::find(code) }
    }

    fn is_nothing(&self) -> bool {
        self.rules.is_empty() && self.entries.is_empty()
    }

    fn texts(&self) -> impl Iterator<Item = String> {
        let rules = self.rules.iter().map(|rule| rule_text(*rule));
        rules.chain(self.entries.iter().map(|entry| entry_text(entry)))
    }

    fn json(&self, code: &str) -> Value {
        json!({
            "code": code,
            "findings": self.rules.iter().map(|rule| rule_json(*rule)).collect::<Vec<_>>(),
            "codes": self.entries.iter().map(|entry| entry_json(entry)).collect::<Vec<_>>(),
        })
    }
}

fn unknown(code: &str) -> Failure {
    let failure = Failure::usage(format!("`{}` is no code or word that is known", excerpt(code)));
    let near = near(code);
    if near.is_empty() {
        return failure.hint("see `recfetch explain --list`");
    }
    let words: Vec<String> = near.iter().map(|word| format!("`{word}`")).collect();
    failure.hint(format!("did you mean {}?", words.join(", ")))
}

/// Known words that differ in few letters, or have the text in them.
fn near(code: &str) -> Vec<String> {
    // Longer texts are no misspelt words, and comparing takes time by the product of the lengths.
    if code.len() > 64 {
        return Vec::new();
    }
    let folded = fold(code);
    // One letter or digit more or less is another code, not a misspelt one.
    if folded.chars().count() < 3 {
        return Vec::new();
    }
    let most = (folded.chars().count() / 3).clamp(1, 3);
    let rules = Rule::ALL.iter().flat_map(|rule| [rule.code(), rule.word()]);
    let others = OTHER_WORDS.iter().map(|(word, _)| *word);
    let names = codes::all().flat_map(|entry| entry.names.iter().copied());
    let mut known: Vec<(usize, &str)> = rules
        .chain(others)
        .chain(names)
        .filter_map(|word| {
            let known = fold(word);
            let distance = strsim::damerau_levenshtein(&folded, &known);
            let within = folded.chars().count() >= 4 && known.contains(&folded);
            // A part of a word is as good as a word that is nearly as far as is told.
            (distance <= most || within).then_some((distance.min(most + 1), word))
        })
        .collect();
    known.sort_unstable();
    known.dedup_by_key(|(_, word)| *word);
    // The prefixes of one name are not three words.
    let mut near: Vec<&str> = Vec::new();
    for (_, word) in known {
        if !near.iter().any(|other| {
            codes::recording_error(other).is_some_and(|name| codes::recording_error(word) == Some(name))
        }) {
            near.push(word);
        }
    }
    near.into_iter().take(MOST_NEAR).map(str::to_owned).collect()
}

fn fold(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn excerpt(text: &str) -> String {
    let cut: String = text.chars().take(64).collect();
    printable(&cut).into_owned()
}

fn severity(rule: Rule) -> &'static str {
    match rule.severity() {
        Severity::Note => "note",
        Severity::Warning => "warning",
        Severity::Loss => "loss",
    }
}

fn rule_text(rule: Rule) -> String {
    let meaning = rule.meaning();
    let mut text = format!("{}  {}  (finding of recfetch, {})\n", rule.code(), rule.word(), severity(rule));
    for (label, words) in
        [("", rule.title()), ("means", meaning.means), ("do", meaning.remedy), ("source", meaning.source)]
    {
        text.push_str(&paragraph(label, words));
    }
    text
}

fn entry_text(entry: &Entry) -> String {
    let words: Vec<String> = entry.words().collect();
    let mut text = format!("{}  ({})\n", words.join("  "), entry.family.title());
    for (label, words) in
        [("means", entry.means), ("files", entry.files), ("do", entry.remedy), ("source", entry.source)]
    {
        text.push_str(&paragraph(label, words));
    }
    text
}

/// A label and its words, in lines that are broken between words.
fn paragraph(label: &str, words: &str) -> String {
    let mut text = String::new();
    let mut line = format!("  {label:<6} ");
    let empty = line.chars().count();
    for word in words.split(' ') {
        let length = line.chars().count();
        if length > empty && length + 1 + word.chars().count() > WIDTH {
            text.push_str(line.trim_end());
            text.push('\n');
            line = " ".repeat(empty);
        } else if length > empty {
            line.push(' ');
        }
        line.push_str(word);
    }
    text.push_str(line.trim_end());
    text.push('\n');
    text
}

fn list() -> String {
    let mut text = "findings of recfetch\n".to_owned();
    let row = |rule: &Rule| {
        [rule.code().to_owned(), rule.word().to_owned(), severity(*rule).to_owned(), rule.title().to_owned()]
    };
    text.push_str(&output::table(&Rule::ALL.iter().map(row).collect::<Vec<_>>()));
    for (family, entries) in codes::by_family() {
        text.push_str(&format!("\n{} (`{}:CODE`)\n", family.title(), family.word()));
        let row = |entry: &&Entry| {
            let number = entry.number.map_or("-".to_owned(), |number| number.to_string());
            let name = entry.names.first().map_or("-".to_owned(), |name| (*name).to_owned());
            [number, name, entry.means.to_owned()]
        };
        text.push_str(&output::table(&entries.iter().map(row).collect::<Vec<_>>()));
    }
    text
}

fn rule_json(rule: Rule) -> Value {
    let meaning = rule.meaning();
    json!({
        "code": rule.code(),
        "word": rule.word(),
        "severity": severity(rule),
        "title": rule.title(),
        "means": meaning.means,
        "remedy": meaning.remedy,
        "source": meaning.source,
    })
}

fn entry_json(entry: &Entry) -> Value {
    json!({
        "family": entry.family.word(),
        "number": entry.number,
        "names": entry.names,
        "means": entry.means,
        "files": entry.files,
        "remedy": entry.remedy,
        "source": entry.source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_of_a_finding_is_explained() {
        let text = include_str!("../../../domain/finding.rs");
        let words: Vec<_> = text
            .lines()
            .filter_map(|line| line.trim().strip_prefix("Self::")?.split_once("=> \"")?.1.strip_suffix("\","))
            .collect();
        assert!(words.len() > 40, "{words:?}");
        for word in words {
            assert!(!Found::of(word).rules.is_empty(), "{word}");
        }
    }

    #[test]
    fn near_misses_are_near() {
        let table = [
            ("RF1O1", "RF101"),
            ("segment-absnet", "segment-absent"),
            ("RecordingErrorBackupFail", "RecordingErrorBackupFailed"),
            ("onUploaderFalure", "onUploaderFaliure"),
            ("no_such_keys", "NoSuchKey"),
            ("backup-failde", "BackupFailed"),
        ];
        for (text, expected) in table {
            assert!(near(text).iter().any(|word| word == expected), "{text}: {:?}", near(text));
            assert!(near(text).len() <= MOST_NEAR);
        }
        for text in ["", "x", "4711", "moonlight sonata", &"x".repeat(10_000)] {
            assert_eq!(near(text), [""; 0], "{text:.20}");
        }
    }

    #[test]
    fn paragraphs_break_between_words() {
        let text = paragraph("means", &"word ".repeat(40));
        assert!(
            text.lines().count() == 3 && text.lines().all(|line| line.chars().count() <= WIDTH),
            "{text}"
        );
        assert!(
            text.starts_with("  means  word") && text.lines().nth(1).unwrap().starts_with("         word")
        );
        assert_eq!(paragraph("do", &"x".repeat(200)).lines().count(), 1);
    }
}
