//! A list of recordings: plain IDs, CSV with a header, jobs as NDJSON, or saved callbacks.

use std::collections::BTreeMap;

use serde_json::Value;

use super::job::{FetchV1, JobV1, MirrorV1};
use crate::agora;

/// The form of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// An ID, key or URL in each line; blank lines and those that start with `#` are passed over.
    Plain,
    /// Columns with a header: `recording` or `sid`, and `channel`, `playlist`, `store`, `fallback`, `only`, `out`,
    /// `to`, `class`, `sse`. Others are passed over.
    Csv,
    /// A [`JobV1`] in each line.
    Jobs,
    /// Saved JSON of Agora's.
    Callbacks,
}

/// A list of recordings. What a line says is read when its turn comes: a long list takes no more memory than its text.
#[derive(Debug)]
pub struct List {
    form: Form,
    header: Option<csv::StringRecord>,
    delimiter: u8,
    lines: Vec<Line>,
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Where it starts in the list, counted from 1.
    pub number: usize,
    text: Box<str>,
}

/// Why a list or a line of it cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// No text.
    #[error("it is no UTF-8 text")]
    Text(#[from] std::str::Utf8Error),
    /// Columns without a header.
    #[error("it has columns, and none of them is called `recording` or `sid`: {0}")]
    Header(String),
    /// A line that is no CSV.
    #[error("it is no CSV that can be read")]
    Csv(#[from] csv::Error),
    /// A line that is no job.
    #[error("it is no job that can be read")]
    Job(#[from] serde_json::Error),
    /// Saved JSON of no known shape.
    #[error(transparent)]
    Saved(#[from] agora::SavedError),
    /// A line without a recording.
    #[error("it names no recording")]
    Nothing,
}

impl List {
    /// Reads a list of any form; an empty one has no lines.
    ///
    /// # Errors
    /// Where it has no form that is known. A wrong line among right ones is told when its turn comes.
    pub fn read(bytes: &[u8]) -> Result<Self, ListError> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let text = std::str::from_utf8(bytes)?;
        match text.trim_start().chars().next() {
            Some('{' | '[') => Self::json(text),
            Some(_) | None => Self::table(text),
        }
    }

    /// A list of recordings by their IDs.
    #[must_use]
    pub fn of(recordings: impl IntoIterator<Item = String>) -> Self {
        let lines = recordings.into_iter().enumerate();
        let lines = lines.map(|(n, id)| Line { number: n + 1, text: id.into() }).collect();
        Self { form: Form::Plain, header: None, delimiter: b',', lines }
    }

    /// Its form.
    #[must_use]
    pub fn form(&self) -> Form {
        self.form
    }

    /// Its entries, in order.
    #[must_use]
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// What a line says.
    ///
    /// # Errors
    /// Where it makes no sense.
    pub fn job(&self, line: &Line) -> Result<JobV1, ListError> {
        match self.form {
            Form::Plain => Ok(JobV1::new(&*line.text)),
            Form::Csv => self.row(line),
            Form::Jobs => Ok(serde_json::from_str(&line.text)?),
            Form::Callbacks => {
                let saved = agora::read(line.text.as_bytes())?;
                Ok(JobV1::from(saved.recordings.first().ok_or(ListError::Nothing)?))
            }
        }
    }

    /// Some lines, as a list of the same form.
    #[must_use]
    pub fn text_of<'a>(&self, lines: impl IntoIterator<Item = &'a Line>) -> String {
        let mut text = self.header.as_ref().map(|row| joined(row, self.delimiter)).unwrap_or_default();
        for line in lines {
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(&line.text);
        }
        if !text.is_empty() {
            text.push('\n');
        }
        text
    }

    fn table(text: &str) -> Result<Self, ListError> {
        let mut lines = text.lines().enumerate().filter(|(_, line)| {
            let line = line.trim();
            !line.is_empty() && !line.starts_with('#')
        });
        let first = lines.clone().next().map_or("", |(_, line)| line);
        let delimiter = [b',', b';', b'\t'].into_iter().find(|d| first.contains(char::from(*d)));
        let is_name = |cell: &str| matches!(column(cell).as_str(), "recording" | "sid");
        let header = row_of(first, delimiter.unwrap_or(b','))?.filter(|row| row.iter().any(is_name));
        match (header, delimiter) {
            (Some(_), _) => Self::rows(text, delimiter.unwrap_or(b',')),
            // Of a URL, a comma is a part.
            (None, Some(_)) if !first.contains("://") => {
                Err(ListError::Header(first.chars().take(80).collect::<String>().escape_debug().to_string()))
            }
            (None, Some(_) | None) => {
                let lines = lines.by_ref().map(|(n, line)| Line { number: n + 1, text: line.trim().into() });
                Ok(Self { form: Form::Plain, header: None, delimiter: b',', lines: lines.collect() })
            }
        }
    }

    fn rows(text: &str, delimiter: u8) -> Result<Self, ListError> {
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .comment(Some(b'#'))
            .flexible(true)
            .trim(csv::Trim::All)
            .from_reader(text.as_bytes());
        let header = reader.headers()?.clone();
        let mut lines = Vec::new();
        for row in reader.records() {
            let row = row?;
            if row.iter().all(str::is_empty) {
                continue;
            }
            let number = row.position().map_or(0, |at| usize::try_from(at.line()).unwrap_or_default());
            lines.push(Line { number, text: joined(&row, delimiter).into() });
        }
        Ok(Self { form: Form::Csv, header: Some(header), delimiter, lines })
    }

    fn row(&self, line: &Line) -> Result<JobV1, ListError> {
        let row = row_of(&line.text, self.delimiter)?.ok_or(ListError::Nothing)?;
        let names = self.header.iter().flat_map(|header| header.iter());
        let mut job = JobV1::new("");
        for (name, cell) in names.zip(row.iter().map(str::trim)).filter(|(_, cell)| !cell.is_empty()) {
            let text = || Some(cell.to_owned());
            let texts = || cell.split([' ', '|']).filter(|t| !t.is_empty()).map(str::to_owned).collect();
            let mirror = |job: &mut JobV1, set: &dyn Fn(&mut MirrorV1)| {
                set(job.mirror.get_or_insert_default());
            };
            match column(name).as_str() {
                "recording" | "sid" => cell.clone_into(&mut job.recording),
                "channel" | "cname" => job.channel = text(),
                "playlist" => job.playlist = text(),
                "store" | "from" => job.store = texts(),
                "fallback" => job.fallback = texts(),
                "only" => job.only = texts(),
                "out" => job.fetch = Some(FetchV1 { out: text(), ..FetchV1::default() }),
                "to" => mirror(&mut job, &|mirror| cell.clone_into(&mut mirror.to)),
                "class" => mirror(&mut job, &|mirror| mirror.class = text()),
                "sse" => mirror(&mut job, &|mirror| mirror.sse = text()),
                _ => {}
            }
        }
        if job.recording.is_empty() { Err(ListError::Nothing) } else { Ok(job) }
    }

    fn json(text: &str) -> Result<Self, ListError> {
        let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        // A job says `recording` or `sid` at its top, and nothing of Agora's has that without a `payload`,
        // `noticeId` or an answer's `resourceId` beside it.
        let is_job = |line: &str| match serde_json::from_str::<Value>(line) {
            Ok(Value::Object(object)) => {
                object.contains_key("recording")
                    || object.get("format").is_some()
                    || (object.contains_key("sid")
                        && !["payload", "noticeId", "resourceId", "eventType", "serverResponse"]
                            .iter()
                            .any(|key| object.contains_key(*key)))
            }
            Ok(_) | Err(_) => false,
        };
        if lines.clone().next().is_some_and(|(_, line)| is_job(line)) {
            let lines = lines.by_ref().map(|(n, line)| Line { number: n + 1, text: line.trim().into() });
            return Ok(Self { form: Form::Jobs, header: None, delimiter: b',', lines: lines.collect() });
        }
        Self::callbacks(text)
    }

    /// Deliveries are doubled and out of order: those about one recording become one entry.
    fn callbacks(text: &str) -> Result<Self, ListError> {
        let mut by_recording: BTreeMap<String, usize> = BTreeMap::new();
        let mut texts: Vec<String> = Vec::new();
        let mut add = |value: &Value| -> Result<(), ListError> {
            let one = value.to_string();
            for recording in agora::read(one.as_bytes())?.recordings {
                let place = *by_recording.entry(recording.id.as_str().to_owned()).or_insert_with(|| {
                    texts.push(String::new());
                    texts.len() - 1
                });
                let text = &mut texts[place];
                if !text.is_empty() {
                    text.push('\n');
                }
                text.push_str(&one);
            }
            Ok(())
        };
        for value in serde_json::Deserializer::from_str(text).into_iter::<Value>() {
            match value? {
                Value::Array(values) => values.iter().try_for_each(&mut add)?,
                value @ (Value::Null
                | Value::Bool(_)
                | Value::Number(_)
                | Value::String(_)
                | Value::Object(_)) => add(&value)?,
            }
        }
        let lines = texts.into_iter().enumerate();
        let lines = lines.map(|(n, text)| Line { number: n + 1, text: text.into() }).collect();
        Ok(Self { form: Form::Callbacks, header: None, delimiter: b',', lines })
    }
}

fn column(name: &str) -> String {
    name.trim().to_ascii_lowercase()
}

/// The first row of a text.
fn row_of(text: &str, delimiter: u8) -> Result<Option<csv::StringRecord>, ListError> {
    let mut builder = csv::ReaderBuilder::new();
    let reader = builder.delimiter(delimiter).has_headers(false).flexible(true).from_reader(text.as_bytes());
    Ok(reader.into_records().next().transpose()?)
}

/// A row as text, quoted where needed, without a line feed at its end.
fn joined(row: &csv::StringRecord, delimiter: u8) -> String {
    let mut writer = csv::WriterBuilder::new().delimiter(delimiter).flexible(true).from_writer(Vec::new());
    // Memory takes all of it.
    let _ = writer.write_record(row);
    let bytes = writer.into_inner().unwrap_or_default();
    String::from_utf8_lossy(&bytes).trim_end_matches(['\r', '\n']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "38f8e3cfdc474cd56fc1ceba380d7e1a";
    const B: &str = "0123456789abcdef0123456789abcdef";

    fn read(text: &str) -> (List, Vec<JobV1>) {
        let list = List::read(text.as_bytes()).unwrap();
        let jobs = list.lines().iter().map(|line| list.job(line).unwrap()).collect();
        (list, jobs)
    }

    #[test]
    fn plain_lines_are_recordings() {
        let (list, jobs) = read(&format!("# of March\n{A}\n\n  {B}\r\nschool/{A}_x.m3u8\n"));
        let names: Vec<_> = jobs.iter().map(|job| job.recording.as_str()).collect();
        assert_eq!(names, [A, B, &format!("school/{A}_x.m3u8")]);
        assert_eq!(list.lines().iter().map(|line| line.number).collect::<Vec<_>>(), [2, 4, 5]);
        assert_eq!(list.text_of(&list.lines()[1..2]), format!("{B}\n"));
        assert!(List::read(b"").unwrap().lines().is_empty());
        let signed = format!("https://v.example.com/{A}_x.m3u8?a=1,2");
        assert_eq!(read(&signed).1[0].recording, signed);
    }

    #[test]
    fn the_columns_of_a_table_are_found_by_their_names_whatever_stands_between_them() {
        for delimiter in [",", ";", "\t"] {
            let text = format!(
                "Date,SID,cname,fallback,to,class\n\"1,2\",{A},\"a \"\"b\",x|y,cold,GLACIER\n3,{B},,,,\n"
            );
            let text =
                if delimiter == "," { text } else { text.replace("\"1,2\"", "12").replace(',', delimiter) };
            let (list, jobs) = read(&text);
            assert_eq!(list.form(), Form::Csv);
            assert_eq!((jobs[0].recording.as_str(), jobs[0].channel.as_deref()), (A, Some("a \"b")));
            assert_eq!(jobs[0].fallback, ["x", "y"]);
            let mirror = jobs[0].mirror.as_ref().unwrap();
            assert_eq!((mirror.to.as_str(), mirror.class.as_deref()), ("cold", Some("GLACIER")));
            assert_eq!((jobs[1].recording.as_str(), &jobs[1].mirror), (B, &None));
            // What failed is a table again that can be read.
            let again = list.text_of(&list.lines()[..1]);
            assert_eq!(again.lines().count(), 2);
            assert_eq!(read(&again).1, jobs[..1]);
        }
        let error = List::read(b"date,id\n1,2\n").unwrap_err().to_string();
        assert!(error.contains("none of them is called `recording` or `sid`: date,id"), "{error}");
    }

    #[test]
    fn lines_of_json_are_jobs_and_a_wrong_one_is_told_in_its_turn() {
        let text =
            format!("{{\"recording\":\"{A}\"}}\nno json\n{{\"sid\":\"{B}\",\"fetch\":{{\"join\":true}}}}\n");
        let list = List::read(text.as_bytes()).unwrap();
        assert_eq!((list.form(), list.lines().len()), (Form::Jobs, 3));
        assert!(list.job(&list.lines()[0]).is_ok());
        assert!(matches!(list.job(&list.lines()[1]), Err(ListError::Job(_))));
        assert!(list.job(&list.lines()[2]).unwrap().fetch.unwrap().join);
    }

    #[test]
    fn callbacks_about_one_recording_are_one_entry() {
        let callback = |sid: &str, sequence: u32| {
            format!(
                "{{\"noticeId\":\"n{sequence}\",\"productId\":3,\"eventType\":31,\"notifyMs\":1789909930000,\
                 \"payload\":{{\"cname\":\"math_7b\",\"uid\":\"5\",\"sid\":\"{sid}\",\"sequence\":{sequence},\
                 \"serviceType\":2,\"details\":{{\"msgName\":\"uploaded\",\"status\":0,\"fileList\":\
                 [{{\"fileName\":\"{sid}_math_7b.m3u8\"}}]}}}}}}"
            )
        };
        let lines = [callback(A, 1), callback(B, 2), callback(A, 3)];
        for text in [lines.join("\n"), format!("[{}]", lines.join(",\n"))] {
            let (list, jobs) = read(&text);
            assert_eq!(list.form(), Form::Callbacks);
            let names: Vec<_> = jobs.iter().map(|job| job.recording.as_str()).collect();
            assert_eq!(names, [A, B]);
            assert_eq!(jobs[0].channel.as_deref(), Some("math_7b"));
            let failed = list.text_of(&list.lines()[..1]);
            assert_eq!(failed.lines().count(), 2);
            assert_eq!(read(&failed).1, jobs[..1]);
        }
        assert!(List::read(b"{\"a\":1}").is_err());
    }
}
