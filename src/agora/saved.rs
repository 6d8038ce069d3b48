//! Saved JSON of any documented shape, read into facts.
//!
//! One value, an array of them, or one after the other as a log of callbacks has them. What they say is
//! merged by recording: deliveries are doubled and out of order, so nothing depends on the order.

mod callback;
mod facts;
mod implied;
mod json;
mod response;
mod storage;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

pub(super) use json::{Object, field, outline};

pub use facts::{Facts, Note, Saved, SavedFile, SavedKeys, SavedRecording, SavedStore, State};

use crate::domain::filename::FileName;
use crate::domain::recording::RecordingId;

/// The longest text that is read, in bytes.
pub const MAX_BYTES: usize = 16 * 1024 * 1024;

/// The most files that are believed to belong to one recording.
pub const MAX_FILES: usize = 10_000;

/// The most commas and brackets in a text: as many values, each of which takes memory, cannot be behind fewer.
const MAX_VALUES: usize = 2_000_000;

/// Why a saved text cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SavedError {
    /// Longer than [`MAX_BYTES`].
    #[error("it is longer than {MAX_BYTES} bytes")]
    TooLong,
    /// Too many values for any of the shapes.
    #[error("it has more than {MAX_VALUES} values")]
    TooManyValues,
    /// One recording with more than [`MAX_FILES`] files.
    #[error("it names more than {MAX_FILES} files of recording {recording}")]
    TooManyFiles {
        /// The recording.
        recording: RecordingId,
    },
    /// Nothing but blanks.
    #[error("it is empty")]
    Empty,
    /// No JSON, cut off, or nested deeper than any of the shapes.
    #[error("it is no JSON that can be read")]
    Syntax(#[source] serde_json::Error),
    /// JSON of a shape that is none of Agora's.
    #[error(
        "value {number} has none of the known shapes ({what}); expected is the answer to start, query or stop, \
         a callback, or a storageConfig"
    )]
    UnknownShape {
        /// Which of the values, from 1.
        number: usize,
        /// What it is instead: its kind or the names of its fields, escaped and cut.
        what: String,
    },
}

/// What one value turned out to be.
pub(super) enum Read {
    /// Facts, and the recording that they are about where it is named.
    Facts(Option<RecordingId>, Box<Facts>),
    /// A callback about another product of Agora's; one log often takes them all.
    OtherProduct,
}

/// Reads a saved text.
///
/// # Errors
/// Where it is too long, no JSON, or of an unknown shape. Fields that are not known are no error.
pub fn read(bytes: &[u8]) -> Result<Saved, SavedError> {
    if bytes.len() > MAX_BYTES {
        return Err(SavedError::TooLong);
    }
    if bytes.iter().filter(|byte| matches!(byte, b',' | b'[' | b'{')).count() > MAX_VALUES {
        return Err(SavedError::TooManyValues);
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut reader = Reader::default();
    let mut number = 0;
    // The reader refuses to go deeper than 128 levels by itself.
    for value in serde_json::Deserializer::from_slice(bytes).into_iter::<Value>() {
        let value = value.map_err(SavedError::Syntax)?;
        let values = match &value {
            Value::Array(values) => values.as_slice(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
                std::slice::from_ref(&value)
            }
        };
        for value in values {
            number += 1;
            reader.take(value, number)?;
        }
    }
    if number == 0 {
        return Err(SavedError::Empty);
    }
    reader.finish()
}

/// What was read so far.
#[derive(Default)]
struct Reader {
    saved: Saved,
    /// Where each recording is: a log has thousands of lines.
    places: BTreeMap<RecordingId, usize>,
}

impl Reader {
    fn take(&mut self, value: &Value, number: usize) -> Result<(), SavedError> {
        let Some(read) = value.as_object().and_then(read_object) else {
            return Err(SavedError::UnknownShape { number, what: outline(value) });
        };
        let Read::Facts(id, facts) = read else { return Ok(()) };
        if let Some(store) = &facts.store {
            self.saved.take_store(store);
        }
        let Some(id) = id.or_else(|| by_its_files(&facts)) else {
            self.saved.unnamed.push(*facts);
            return Ok(());
        };
        let recordings = &mut self.saved.recordings;
        let place = *self.places.entry(id.clone()).or_insert(recordings.len());
        match recordings.get_mut(place) {
            Some(known) => known.facts.merge(*facts),
            None => recordings.push(SavedRecording { id, facts: *facts }),
        }
        Ok(())
    }

    fn finish(self) -> Result<Saved, SavedError> {
        let mut saved = self.saved;
        // What is said about no recording is about the only one that there is.
        if let [only] = &mut saved.recordings[..] {
            for facts in std::mem::take(&mut saved.unnamed) {
                only.facts.merge(facts);
            }
        }
        for SavedRecording { id, facts } in &mut saved.recordings {
            facts.tidy();
            if facts.files.len() + facts.missing.len() > MAX_FILES {
                return Err(SavedError::TooManyFiles { recording: id.clone() });
            }
        }
        saved.unnamed.iter_mut().for_each(Facts::tidy);
        Ok(saved)
    }
}

/// Reads one value; `None` where it has none of the shapes.
pub(super) fn read_object(object: &Map<String, Value>) -> Option<Read> {
    callback::read(object).or_else(|| storage::read(object)).or_else(|| response::read(object))
}

/// An answer that was cut to what matters may lack the ID, but the names of its files start with it.
pub(super) fn by_its_files(facts: &Facts) -> Option<RecordingId> {
    let names = facts.files.iter().map(|file| &file.name).chain(&facts.missing);
    names.filter_map(|name| FileName::parse(name.file_name(), None)).map(|name| name.recording).next()
}
