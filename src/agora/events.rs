//! A log of callbacks, as whoever received them kept it, read into what Agora told of each recording.
//!
//! The log is JSON: one value per line, an array, or values one after the other, of any of the shapes that
//! [`saved`](super::read) reads: callbacks in the envelopes of 2019 and of today, answers to `query` and `stop`.
//! In between stand requests as a web server logs them, with their signatures, and the callbacks of the SDK of
//! 2019 as lines of text:
//!
//! ```text
//! {"noticeId": …, "productId": 3, "eventType": 31, "notifyMs": …, "payload": {…}}
//! {"headers": {"Agora-Signature-V2": "6d33…"}, "body": "{\"noticeId\": …}"}
//! 2019-04-29T02:59:17Z onRecordingUploaded <recording ID> <file name>
//! ```
//!
//! Deliveries are doubled, out of order, and some never come: nothing depends on their order or number. What
//! cannot be read is told with its line and left out. A log may be of any length; it is read as a stream, and
//! only what is told of recordings that are wanted is kept.

mod line;
mod pieces;
mod request;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, BufRead};

use serde_json::Value;

use super::saved::{self, Read};
use crate::domain::check::{Happened, Told, ToldEvent};
use crate::domain::recording::RecordingId;
use crate::source::Secret;
use pieces::{Broken, Piece, Pieces};
use request::Signed;

/// The longest value or line that is read, in bytes.
pub const MAX_PIECE_BYTES: usize = 16 * 1024 * 1024;

/// The most that is kept of all recordings together: events, names of files, and recordings.
pub const MAX_KEPT: usize = 2_000_000;

/// How many problems are kept in full; of the rest only the number.
pub const MAX_PROBLEMS: usize = 100;

/// How a log is read.
#[derive(Debug, Clone, Default)]
pub struct EventOptions {
    /// With it only requests are believed whose signature fits: an answer, a callback without its headers, or a
    /// line of text could have been written by anybody.
    pub secret: Option<Secret>,
    /// The only recording that is wanted. What does not name it is not looked at.
    pub only: Option<RecordingId>,
}

/// What a log tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Events {
    /// What was told of each recording.
    pub recordings: BTreeMap<RecordingId, Told>,
    /// What could not be read, in the order of the log: the first [`MAX_PROBLEMS`].
    pub problems: Vec<Problem>,
    /// How many more could not be read.
    pub more_problems: usize,
    /// Values and lines that were left out because no signature fits them, whatever recording they claim to be
    /// about.
    pub refused: usize,
}

/// Something in a log that cannot be read. The rest is read all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The line that it starts on, from 1.
    pub line: u64,
    /// What is wrong.
    pub what: ProblemKind,
}

/// Why a part of a log cannot be read. Texts of the log are cut and escaped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProblemKind {
    /// It is neither JSON nor a callback of the SDK.
    #[error("`{0}` is neither JSON nor a callback of the SDK of 2019")]
    NoEvent(String),
    /// A callback of the SDK that lacks something, or has something else in its place.
    #[error("the callback of the SDK has no {0} that can be read")]
    Lacks(&'static str),
    /// A value that starts like JSON and goes on otherwise.
    #[error("the JSON value cannot be read: {0}")]
    Syntax(String),
    /// A value that breaks off.
    #[error("the JSON value breaks off")]
    CutOff,
    /// Longer than [`MAX_PIECE_BYTES`], or of more values than any event has.
    #[error("it is larger than what is read of one event")]
    TooLarge,
    /// JSON of another shape.
    #[error("the value has none of the known shapes ({0})")]
    UnknownShape(String),
    /// It does not say which recording it is about.
    #[error("it names no recording")]
    NoRecording,
}

/// Why a log cannot be read to its end.
#[derive(Debug, thiserror::Error)]
pub enum EventsError {
    /// The bytes do not come.
    #[error("the log cannot be read")]
    Io(#[source] io::Error),
    /// More is told than is kept.
    #[error("the log tells more than {MAX_KEPT} different things")]
    TooMuch,
}

/// Reads a log.
///
/// # Errors
/// Where it cannot be read to its end, or tells more than can be kept. What is wrong in it is no error.
pub fn read(reader: impl BufRead, options: &EventOptions) -> Result<Events, EventsError> {
    let mut pieces = Pieces::new(reader);
    let mut log = Log::new(options, MAX_KEPT);
    while let Some((line, piece)) = pieces.next().map_err(EventsError::Io)? {
        log.take(line, piece)?;
    }
    Ok(log.finish())
}

/// What was read so far.
struct Log<'a> {
    options: &'a EventOptions,
    kept: BTreeMap<RecordingId, Kept>,
    /// Of all that is kept.
    weight: usize,
    most: usize,
    told: Events,
}

/// What is kept of one recording.
#[derive(Default)]
struct Kept {
    told: Told,
    weight: usize,
    /// Its weight when each thing was last in it once.
    settled: usize,
}

impl<'a> Log<'a> {
    fn new(options: &'a EventOptions, most: usize) -> Self {
        Self { options, kept: BTreeMap::new(), weight: 0, most, told: Events::default() }
    }

    fn take(&mut self, line: u64, piece: Piece<'_>) -> Result<(), EventsError> {
        let bytes = match piece {
            Piece::Broken(why) => {
                self.problem(line, why.into());
                return Ok(());
            }
            Piece::Object(bytes) | Piece::Text(bytes) => bytes,
        };
        // Most of a long log is about others: it is told apart by the ID before anything is made of it.
        if self.options.only.as_ref().is_some_and(|id| !may_name(bytes, id)) {
            return Ok(());
        }
        if let Piece::Text(text) = piece {
            return match line::read(text) {
                Ok((id, _)) if self.options.secret.is_some() => self.refuse(Some(id)),
                Ok((id, told)) => self.keep(id, told),
                Err(problem) => {
                    self.problem(line, problem);
                    Ok(())
                }
            };
        }
        match serde_json::from_slice::<Value>(bytes) {
            Ok(value) => self.take_value(line, &value),
            Err(error) => {
                self.problem(line, ProblemKind::Syntax(without_place(&error)));
                Ok(())
            }
        }
    }

    fn take_value(&mut self, line: u64, value: &Value) -> Result<(), EventsError> {
        let Some(object) = value.as_object() else { return Ok(()) };
        let request = request::read(object);
        let body = match &request {
            Some(request) => match request.value() {
                Ok(body) => Some(body),
                Err(error) => {
                    self.problem(line, ProblemKind::Syntax(without_place(&error)));
                    None
                }
            },
            None => None,
        };
        if let Some(secret) = &self.options.secret {
            let signed = request.as_ref().map_or(Signed::No, |request| request.signed(secret));
            if signed == Signed::No {
                let claimed = if request.is_some() { body.as_ref() } else { Some(value) };
                let claimed = claimed.and_then(Value::as_object).and_then(saved::read_object);
                return match claimed {
                    Some(Read::Facts(id, facts)) => self.refuse(id.or_else(|| saved::by_its_files(&facts))),
                    Some(Read::OtherProduct) => Ok(()),
                    None => self.refuse(None),
                };
            }
        }
        let Some(value) = (if request.is_some() { body.as_ref() } else { Some(value) }) else {
            return Ok(());
        };
        let Some(read) = value.as_object().and_then(saved::read_object) else {
            self.problem(line, ProblemKind::UnknownShape(saved::outline(value)));
            return Ok(());
        };
        let Read::Facts(id, facts) = read else { return Ok(()) };
        match id.or_else(|| saved::by_its_files(&facts)) {
            Some(id) => self.keep(id, Told::from(*facts)),
            None => {
                self.problem(line, ProblemKind::NoRecording);
                Ok(())
            }
        }
    }

    fn wants(&self, id: &RecordingId) -> bool {
        self.options.only.as_ref().is_none_or(|only| only == id)
    }

    fn refuse(&mut self, claimed: Option<RecordingId>) -> Result<(), EventsError> {
        self.told.refused += 1;
        match claimed {
            Some(id) => self.keep(id, Told { refused: 1, ..Told::default() }),
            None => Ok(()),
        }
    }

    fn keep(&mut self, id: RecordingId, told: Told) -> Result<(), EventsError> {
        if !self.wants(&id) {
            return Ok(());
        }
        let more = weight(&told);
        let kept = match self.kept.entry(id) {
            std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::btree_map::Entry::Vacant(entry) => {
                self.weight += 1;
                entry.insert(Kept::default())
            }
        };
        kept.told.take(told);
        kept.weight += more;
        self.weight += more;
        // What was delivered twice does not count twice. Each time there is twice as much to look through, so
        // that all of it together takes little more than looking through it once.
        if kept.weight > 2 * kept.settled + 64 {
            self.weight -= kept.settle();
        }
        if self.weight > self.most + self.most / 2 {
            self.weight -= self.kept.values_mut().map(Kept::settle).sum::<usize>();
            if self.weight > self.most {
                return Err(EventsError::TooMuch);
            }
        }
        Ok(())
    }

    fn problem(&mut self, line: u64, what: ProblemKind) {
        if self.told.problems.len() < MAX_PROBLEMS {
            self.told.problems.push(Problem { line, what });
        } else {
            self.told.more_problems += 1;
        }
    }

    fn finish(self) -> Events {
        let mut told = self.told;
        told.recordings = self
            .kept
            .into_iter()
            .map(|(id, mut kept)| {
                kept.told.settle();
                (id, kept.told)
            })
            .collect();
        told
    }
}

impl Kept {
    /// Keeps each thing once; how much lighter that makes it.
    fn settle(&mut self) -> usize {
        self.told.settle();
        let before = self.weight;
        self.weight = weight(&self.told);
        self.settled = self.weight;
        before - self.weight
    }
}

/// How much room something takes: long words and names count as several things.
fn weight(told: &Told) -> usize {
    const TEXT: usize = 128;
    let words = |event: &ToldEvent| match &event.what {
        Happened::Failed(error) => error.words.as_ref().map_or(0, String::len),
        Happened::PageStopped { words, .. } => words.as_ref().map_or(0, String::len),
        Happened::Transcoded { result } => result.len(),
        Happened::Started
        | Happened::Left { .. }
        | Happened::Exited { .. }
        | Happened::FailedOver { .. }
        | Happened::Status { .. }
        | Happened::FilesNamed
        | Happened::UploadStarted
        | Happened::Progress { .. }
        | Happened::Uploaded
        | Happened::BackedUp
        | Happened::Reuploaded { .. }
        | Happened::KeysExpired
        | Happened::SliceStarted { .. }
        | Happened::StreamChanged { .. }
        | Happened::Snapshot
        | Happened::InfoChanged
        | Happened::Vod
        | Happened::PageLimited
        | Happened::PageReloaded
        | Happened::DownloadFailed
        | Happened::Other { .. } => 0,
    };
    let events: usize = told.events.iter().map(|event| 1 + words(event) / TEXT).sum();
    let names = told.files.iter().chain(&told.missing);
    events + names.map(|name| 1 + name.as_str().len() / TEXT).sum::<usize>()
}

/// Whether bytes may be about a recording: they have its ID in them, or hide what they have.
fn may_name(bytes: &[u8], id: &RecordingId) -> bool {
    contains(bytes, id.as_str().as_bytes()) || contains(bytes, request::ENCODED.as_bytes())
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    let Some((first, rest)) = part.split_first() else { return true };
    let mut left = bytes;
    while let Some(place) = left.iter().position(|byte| byte == first) {
        left = &left[place + 1..];
        if left.starts_with(rest) {
            return true;
        }
    }
    false
}

/// What a parser says, without the line and column within what it was given: they are not those of the log.
fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what).to_owned()
}

impl From<Broken> for ProblemKind {
    fn from(why: Broken) -> Self {
        match why {
            Broken::Syntax(what) => Self::Syntax(what.to_owned()),
            Broken::CutOff => Self::CutOff,
            Broken::TooLarge => Self::TooLarge,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}
