//! The journal: one line for each object that was proven, written before the object gets its final name.
//!
//! It is what a rerun believes, after hashing the file again. A line that was cut by a crash is dropped, and
//! with it the object: it is fetched again.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::{Doing, Error};
use super::wire::{DigestV1, EvidenceV1};
use crate::domain::digest::Digest;
use crate::domain::form::{MediaForm, PictureSize};
use crate::domain::key::ObjectName;
use crate::domain::place::{ETag, SourceName};
use crate::domain::recording::RecordingId;
use crate::domain::time::SliceTime;
use crate::domain::verdict::Evidence;

const FORMAT: &str = "recfetch-journal/1";

/// What was proven about one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its name in the recording.
    pub name: ObjectName,
    /// Its path in the bag.
    pub path: String,
    /// Bytes before it in the file of that path, where it lies inside of a joined file.
    pub offset: Option<u64>,
    /// Its length.
    pub size: u64,
    /// SHA-256 of its bytes first, then whatever else was computed.
    pub digests: Vec<Digest>,
    /// What the proof rests on.
    pub evidence: Evidence,
    /// Where the bytes came from.
    pub from: SourceName,
    /// The version that was read, as the store calls it.
    pub etag: Option<ETag>,
    /// When it was proven.
    pub at: SliceTime,
    /// Where its time stamps start, on the 90 kHz clock, and how long they last.
    pub clock: Option<(u64, u64)>,
    /// How long it plays by its structure, in milliseconds.
    pub playing_ms: Option<u64>,
    /// Breaks in its packet numbers, which its digest shows to have been recorded so.
    pub breaks: u64,
    /// What its bytes tell about their form.
    pub form: MediaForm,
    /// When the file was last written, in nanoseconds since 1970, for those who trust that.
    pub mtime: i128,
}

#[derive(Debug, Serialize, Deserialize)]
struct Header {
    format: String,
    recording: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Line {
    name: String,
    path: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    offset: Option<u64>,
    size: u64,
    digests: Vec<DigestV1>,
    evidence: EvidenceV1,
    from: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    etag: Option<String>,
    at_ms: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    clock: Option<(u64, u64)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    playing_ms: Option<u64>,
    #[serde(default)]
    breaks: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    codec: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    picture: Option<(u32, u32)>,
    mtime_ns: String,
}

/// The open journal of a bag.
#[derive(Debug)]
pub(super) struct Journal {
    file: File,
    path: PathBuf,
    /// Where the last whole line ends.
    end: u64,
}

impl Journal {
    /// Opens the journal, or starts one, and returns what it says.
    pub(super) fn open(
        path: &Path,
        recording: &RecordingId,
    ) -> Result<(Self, BTreeMap<ObjectName, Record>), Error> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .doing("open", path)?;
        let (records, good_bytes, header) = read(&file, path)?;
        match header {
            Some(header) if header.format != FORMAT => {
                return Err(Error::Newer { path: path.to_owned(), version: header.format });
            }
            Some(header) if header.recording != recording.as_str() => {
                let dir = path.parent().and_then(Path::parent).unwrap_or(path).to_owned();
                return Err(Error::AnotherRecording { dir, theirs: header.recording });
            }
            Some(_) | None => {}
        }
        // What follows the last whole line is the trace of a crash.
        file.set_len(good_bytes).doing("mend", path)?;
        let mut journal = Self { file, path: path.to_owned(), end: good_bytes };
        if good_bytes == 0 {
            let header = Header { format: FORMAT.to_owned(), recording: recording.as_str().to_owned() };
            journal.write(&header)?;
        }
        Ok((journal, records))
    }

    /// Writes one line and makes sure that it survives a loss of power.
    pub(super) fn append(&mut self, record: &Record) -> Result<(), Error> {
        self.write(&Line::from(record))
    }

    /// Writes lines and makes sure once that they survive.
    pub(super) fn append_all(&mut self, records: &[Record]) -> Result<(), Error> {
        let lines: Vec<_> = records.iter().map(Line::from).collect();
        self.write_all(&lines)
    }

    fn write(&mut self, value: &impl Serialize) -> Result<(), Error> {
        self.write_all(std::slice::from_ref(value))
    }

    fn write_all(&mut self, values: &[impl Serialize]) -> Result<(), Error> {
        let damaged =
            |cause: serde_json::Error| Error::Damaged { path: self.path.clone(), cause: cause.into() };
        let mut lines = Vec::new();
        for value in values {
            serde_json::to_writer(&mut lines, value).map_err(damaged)?;
            lines.push(b'\n');
        }
        let start = SeekFrom::Start(self.end);
        let written = self.file.seek(start).and_then(|_| self.file.write_all(&lines));
        if let Err(cause) = written {
            // On a full disk half a line came to be: the next one must not be glued to it.
            let _ = self.file.set_len(self.end);
            return Err(cause).doing("write", &self.path);
        }
        self.end += lines.len() as u64;
        self.file.sync_data().doing("sync", &self.path)
    }
}

type Contents = (BTreeMap<ObjectName, Record>, u64, Option<Header>);

fn read(file: &File, path: &Path) -> Result<Contents, Error> {
    let mut reader = BufReader::new(file);
    let mut records = BTreeMap::new();
    let (mut good_bytes, mut header, mut line) = (0, None, Vec::new());
    loop {
        line.clear();
        let read = reader.read_until(b'\n', &mut line).doing("read", path)?;
        if read == 0 || line.last() != Some(&b'\n') {
            return Ok((records, good_bytes, header));
        }
        if header.is_none() {
            match serde_json::from_slice::<Header>(&line) {
                Ok(found) => header = Some(found),
                // Not a journal at all: nothing in it is believed, and it starts anew.
                Err(_) => return Ok((records, 0, None)),
            }
        } else if let Ok(Some(record)) = serde_json::from_slice::<Line>(&line).map(|line| line.into_record())
        {
            records.insert(record.name.clone(), record);
        }
        good_bytes += read as u64;
    }
}

impl From<&Record> for Line {
    fn from(record: &Record) -> Self {
        Self {
            name: record.name.as_str().to_owned(),
            path: record.path.clone(),
            offset: record.offset,
            size: record.size,
            digests: record.digests.iter().map(DigestV1::from).collect(),
            evidence: EvidenceV1::from(&record.evidence),
            from: record.from.as_str().to_owned(),
            etag: record.etag.as_ref().map(|etag| etag.as_str().to_owned()),
            at_ms: record.at.unix_ms(),
            clock: record.clock,
            playing_ms: record.playing_ms,
            breaks: record.breaks,
            codec: record.form.codec.clone(),
            picture: record.form.picture.map(|picture| (picture.width, picture.height)),
            mtime_ns: record.mtime.to_string(),
        }
    }
}

impl Line {
    /// `None` where the line makes no sense: the object then counts as not proven.
    pub(super) fn into_record(self) -> Option<Record> {
        Some(Record {
            name: ObjectName::parse(&self.name).ok()?,
            path: ObjectName::parse(&self.path).ok()?.as_str().to_owned(),
            offset: self.offset,
            size: self.size,
            digests: self.digests.iter().map(DigestV1::to_digest).collect::<Option<_>>()?,
            evidence: self.evidence.to_evidence()?,
            from: SourceName::new(self.from),
            etag: self.etag.as_deref().map(ETag::new),
            at: SliceTime::from_unix_ms(self.at_ms)?,
            clock: self.clock,
            playing_ms: self.playing_ms,
            breaks: self.breaks,
            form: MediaForm {
                codec: self.codec,
                picture: self.picture.map(|(width, height)| PictureSize { width, height }),
            },
            mtime: self.mtime_ns.parse().ok()?,
        })
    }
}
