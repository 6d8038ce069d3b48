//! The ledger: what was asked for, tried and proven, where and when, in a SQLite database.
//!
//! It makes a rerun cheap and answers questions about many recordings; it proves nothing by itself. Whoever uses
//! what it says looks whether the bag or the mark is there. Losing it loses no recording: the bags know the same.

mod worker;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension as _, Row, TransactionBehavior, params};

use super::{ReportV1, Standing};
use crate::domain::time::SliceTime;

use worker::Worker;

/// Others may write for so long before this gives up.
const PATIENCE: Duration = Duration::from_secs(60);
/// Marks the file as a ledger: the letters `rcfl`.
const APPLICATION: i64 = 0x7263_666c;
const VERSION: i64 = 1;

const SCHEMA: &str = "
CREATE TABLE recordings (
    recording TEXT NOT NULL,
    place TEXT NOT NULL,
    asked TEXT NOT NULL,
    outcome TEXT NOT NULL,
    exit_code INTEGER,
    objects INTEGER NOT NULL DEFAULT 0,
    bytes INTEGER NOT NULL DEFAULT 0,
    source TEXT,
    recorded INTEGER,
    listed INTEGER NOT NULL,
    tried INTEGER,
    proven INTEGER,
    tries INTEGER NOT NULL DEFAULT 0,
    proof TEXT,
    why TEXT,
    worker TEXT,
    PRIMARY KEY (recording, place)
) STRICT, WITHOUT ROWID;
CREATE INDEX by_outcome ON recordings (outcome);
CREATE TABLE tries (
    recording TEXT NOT NULL,
    place TEXT NOT NULL,
    ended INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    exit_code INTEGER NOT NULL,
    received INTEGER NOT NULL,
    milliseconds INTEGER NOT NULL,
    why TEXT
) STRICT;
CREATE INDEX by_recording ON tries (recording, place);
";

const COLUMNS: &str = "recording, place, asked, outcome, exit_code, objects, bytes, source, recorded, listed, \
                       tried, proven, tries, proof, why";

/// The word for what was asked for and not tried yet.
pub const LISTED: &str = "listed";

/// The ledger, open. Several programs may have it open at once.
#[derive(Debug)]
pub struct Ledger {
    path: PathBuf,
    db: Mutex<Connection>,
    worker: Worker,
}

/// What is known about a recording in a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The recording ID (sid).
    pub recording: String,
    /// Where it was to be brought.
    pub place: String,
    /// What was asked for.
    pub asked: String,
    /// How it ended last, in a word; [`LISTED`] where it was not tried.
    pub outcome: String,
    /// The exit code that goes with it.
    pub exit_code: Option<u8>,
    /// Objects that are proven there.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The store that it came from.
    pub source: Option<String>,
    /// When it was recorded, where that is known.
    pub recorded: Option<SliceTime>,
    /// When it was asked for first.
    pub listed: SliceTime,
    /// When it was tried last.
    pub tried: Option<SliceTime>,
    /// When it was proven complete.
    pub proven: Option<SliceTime>,
    /// How often it was tried.
    pub tries: u64,
    /// SHA-256 of the manifest of the tag files.
    pub proof: Option<String>,
    /// Why it is not complete.
    pub why: Option<String>,
}

/// How a try ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tried {
    /// The recording ID (sid).
    pub recording: String,
    /// Where it was to be brought.
    pub place: String,
    /// What was asked for.
    pub asked: String,
    /// How it ended.
    pub outcome: String,
    /// The exit code that goes with it.
    pub exit_code: u8,
    /// Objects that are proven there.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Bytes that came over the network.
    pub received: u64,
    /// How long it took.
    pub took: Duration,
    /// The store that it came from.
    pub source: Option<String>,
    /// When it was recorded, where that is known.
    pub recorded: Option<SliceTime>,
    /// When the try ended.
    pub ended: SliceTime,
    /// SHA-256 of the manifest of the tag files.
    pub proof: Option<String>,
    /// Why it is not complete.
    pub why: Option<String>,
}

/// Whose a recording is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// This program's, until it says how the try ended, or ends.
    Ours,
    /// Somebody else is at it.
    Theirs,
}

/// Which entries are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Recorded at this time or later; asked for, where nobody knows when it was recorded.
    pub since: Option<SliceTime>,
    /// Before this time.
    pub until: Option<SliceTime>,
    /// With one of these outcomes; without any, whatever the outcome.
    pub outcomes: Vec<String>,
    /// Only what is not complete.
    pub only_open: bool,
    /// Only this recording.
    pub recording: Option<String>,
}

/// Why the ledger cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The database.
    #[error("could not use the ledger {}", path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        cause: rusqlite::Error,
    },
    /// A file beside it.
    #[error("could not use the ledger {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        cause: std::io::Error,
    },
    /// Something else.
    #[error("{} is no ledger of recfetch", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// A later version wrote it.
    #[error("{} was written by a later version of recfetch", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
    },
}

impl Ledger {
    /// Opens the ledger in a file, or starts one.
    ///
    /// # Errors
    /// Where the file cannot be used, or is something else.
    pub fn open(path: &Path) -> Result<Self, LedgerError> {
        let failed = |cause| LedgerError::Database { path: path.to_owned(), cause };
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder)
                .map_err(|cause| LedgerError::Io { path: folder.to_owned(), cause })?;
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut db = Connection::open_with_flags(path, flags).map_err(failed)?;
        prepare(&mut db, path)?;
        let worker = Worker::new(path)?;
        Ok(Self { path: path.to_owned(), db: Mutex::new(db), worker })
    }

    /// Its file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Takes note of what is asked for: recordings with the place and with what is asked of them. What is known
    /// stays.
    ///
    /// # Errors
    /// Where the database cannot be written.
    pub fn list<'a>(
        &self,
        asked: impl IntoIterator<Item = (&'a str, &'a str, &'a str)>,
        at: SliceTime,
    ) -> Result<(), LedgerError> {
        self.write(|transaction| {
            let mut insert = transaction.prepare(
                "INSERT INTO recordings (recording, place, asked, outcome, listed) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (recording, place) DO NOTHING",
            )?;
            for (recording, place, asked) in asked {
                insert.execute(params![recording, place, asked, LISTED, at.unix_ms()])?;
            }
            Ok(())
        })
    }

    /// What is known about a recording in a place.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub fn entry(&self, recording: &str, place: &str) -> Result<Option<Entry>, LedgerError> {
        self.read(|db| {
            let query = format!("SELECT {COLUMNS} FROM recordings WHERE recording = ?1 AND place = ?2");
            db.prepare(&query)?.query_row(params![recording, place], entry).optional()
        })
    }

    /// Takes a recording for this program, so that nobody else works at it. Of one whose program ended without a
    /// word, nobody is at it.
    ///
    /// # Errors
    /// Where the database cannot be written.
    pub fn claim(&self, recording: &str, place: &str) -> Result<Claim, LedgerError> {
        self.write(|transaction| {
            let query = "SELECT worker FROM recordings WHERE recording = ?1 AND place = ?2";
            let mut query = transaction.prepare(query)?;
            let owner = query.query_row(params![recording, place], |row| row.get::<_, Option<String>>(0));
            let owner: Option<String> = owner.optional()?.flatten();
            if owner.is_some_and(|owner| owner != self.worker.name() && self.worker.is_alive(&owner)) {
                return Ok(Claim::Theirs);
            }
            transaction
                .prepare("UPDATE recordings SET worker = ?3 WHERE recording = ?1 AND place = ?2")?
                .execute(params![recording, place, self.worker.name()])?;
            Ok(Claim::Ours)
        })
    }

    /// Writes down how a try ended, and lets go of the recording.
    ///
    /// # Errors
    /// Where the database cannot be written.
    pub fn tried(&self, tried: &Tried) -> Result<(), LedgerError> {
        self.write(|transaction| {
            let ended = tried.ended.unix_ms();
            let proven = (tried.exit_code == 0).then_some(ended);
            transaction
                .prepare(
                    "INSERT INTO recordings (recording, place, asked, outcome, exit_code, objects, bytes, source, \
                     recorded, listed, tried, proven, tries, proof, why) \
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10, ?11, 1, ?12, ?13)
                     ON CONFLICT (recording, place) DO UPDATE SET asked = ?3, outcome = ?4, exit_code = ?5, \
                     objects = ?6, bytes = ?7, source = coalesce(?8, source), recorded = coalesce(?9, recorded), \
                     tried = ?10, proven = ?11, tries = tries + 1, proof = ?12, why = ?13, worker = NULL",
                )?
                .execute(params![
                    tried.recording,
                    tried.place,
                    tried.asked,
                    tried.outcome,
                    tried.exit_code,
                    number(tried.objects),
                    number(tried.bytes),
                    tried.source,
                    tried.recorded.map(SliceTime::unix_ms),
                    ended,
                    proven,
                    tried.proof,
                    tried.why,
                ])?;
            let ms = i64::try_from(tried.took.as_millis()).unwrap_or(i64::MAX);
            transaction
                .prepare("INSERT INTO tries VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?
                .execute(params![
                    tried.recording,
                    tried.place,
                    ended,
                    tried.outcome,
                    tried.exit_code,
                    number(tried.received),
                    ms,
                    tried.why,
                ])?;
            Ok(())
        })
    }

    /// Lets go of a recording that nothing was done about.
    ///
    /// # Errors
    /// Where the database cannot be written.
    pub fn release(&self, recording: &str, place: &str) -> Result<(), LedgerError> {
        self.write(|transaction| {
            let update =
                "UPDATE recordings SET worker = NULL WHERE recording = ?1 AND place = ?2 AND worker = ?3";
            transaction.prepare(update)?.execute(params![recording, place, self.worker.name()])?;
            Ok(())
        })
    }

    /// Hands what is wanted to `each`, by the time when it was recorded, until that says no.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub fn each(&self, wanted: &Wanted, mut each: impl FnMut(Entry) -> bool) -> Result<(), LedgerError> {
        let outcomes = serde_json::to_string(&wanted.outcomes).unwrap_or_default();
        self.read(|db| {
            let query = format!(
                "SELECT {COLUMNS} FROM recordings WHERE (?1 IS NULL OR coalesce(recorded, listed) >= ?1) \
                 AND (?2 IS NULL OR coalesce(recorded, listed) < ?2) \
                 AND (?3 = '[]' OR outcome IN (SELECT value FROM json_each(?3))) \
                 AND (NOT ?4 OR exit_code IS NOT 0) AND (?5 IS NULL OR recording = ?5) \
                 ORDER BY coalesce(recorded, listed), recording, place"
            );
            let mut query = db.prepare(&query)?;
            let mut rows = query.query(params![
                wanted.since.map(SliceTime::unix_ms),
                wanted.until.map(SliceTime::unix_ms),
                outcomes,
                wanted.only_open,
                wanted.recording,
            ])?;
            while let Some(row) = rows.next()? {
                if !each(entry(row)?) {
                    break;
                }
            }
            Ok(())
        })
    }

    /// How each try of a recording ended, in order.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub fn tries(&self, recording: &str, place: &str) -> Result<Vec<Tried>, LedgerError> {
        self.read(|db| {
            let query = "SELECT recording, place, ended, outcome, exit_code, received, milliseconds, why FROM tries \
                         WHERE recording = ?1 AND place = ?2 ORDER BY ended, rowid";
            let mut query = db.prepare(query)?;
            let rows = query.query_map(params![recording, place], |row| {
                Ok(Tried {
                    recording: row.get(0)?,
                    place: row.get(1)?,
                    ended: time(row.get(2)?),
                    outcome: row.get(3)?,
                    exit_code: row.get(4)?,
                    received: unsigned(row.get(5)?),
                    took: Duration::from_millis(unsigned(row.get(6)?)),
                    why: row.get(7)?,
                    ..Tried::default()
                })
            })?;
            rows.collect()
        })
    }

    /// Writes down what a bag in `place` says about itself: its report, and whether it still is as it was sealed.
    ///
    /// # Errors
    /// Where the database cannot be written.
    pub fn rebuild(&self, place: &str, asked: &str, standing: &Standing) -> Result<(), LedgerError> {
        let Standing { report, proof, changed } = standing;
        let ReportV1 { outcome, exit_code, .. } = report;
        let is_whole = changed.is_empty();
        let verified = || report.objects.iter().filter(|object| object.path.is_some());
        let first = report.first_slice.as_deref().and_then(SliceTime::from_rfc3339);
        self.tried(&Tried {
            recording: report.recording.clone(),
            place: place.to_owned(),
            asked: asked.to_owned(),
            outcome: if is_whole { outcome.clone() } else { "corrupt".to_owned() },
            exit_code: if is_whole { *exit_code } else { 4 },
            objects: verified().count() as u64,
            bytes: verified().filter_map(|object| object.size).sum(),
            source: report.places.first().map(|place| place.name.clone()),
            recorded: first,
            ended: SliceTime::from_rfc3339(&report.finished).unwrap_or_default(),
            proof: is_whole.then(|| proof.clone()),
            why: changed.first().map(|file| format!("{file}: not as it was sealed")),
            ..Tried::default()
        })
    }

    fn write<T>(
        &self,
        write: impl FnOnce(&rusqlite::Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, LedgerError> {
        let mut db = self.db.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever writes says so first: a read that becomes a write cannot wait for others.
        let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate);
        let written = transaction.and_then(|transaction| {
            let value = write(&transaction)?;
            transaction.commit()?;
            Ok(value)
        });
        written.map_err(|cause| self.failed(cause))
    }

    fn read<T>(&self, read: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, LedgerError> {
        let db = self.db.lock().unwrap_or_else(PoisonError::into_inner);
        read(&db).map_err(|cause| self.failed(cause))
    }

    fn failed(&self, cause: rusqlite::Error) -> LedgerError {
        LedgerError::Database { path: self.path.clone(), cause }
    }
}

fn prepare(db: &mut Connection, path: &Path) -> Result<(), LedgerError> {
    let failed = |cause: rusqlite::Error| match cause.sqlite_error_code() {
        Some(rusqlite::ErrorCode::NotADatabase) => LedgerError::Foreign { path: path.to_owned() },
        Some(_) | None => LedgerError::Database { path: path.to_owned(), cause },
    };
    db.busy_timeout(PATIENCE).map_err(failed)?;
    // Asked before anything is changed: it may be somebody else's.
    let number = |db: &Connection, name: &str| db.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let judge = |db: &Connection| -> rusqlite::Result<(i64, i64, bool)> {
        let tables: i64 = db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        Ok((number(db, "application_id")?, number(db, "user_version")?, tables == 0))
    };
    match judge(db).map_err(failed)? {
        (APPLICATION, version, _) if version > VERSION => {
            return Err(LedgerError::Newer { path: path.to_owned() });
        }
        (APPLICATION, _, _) | (0, 0, true) => {}
        (_, _, _) => return Err(LedgerError::Foreign { path: path.to_owned() }),
    }
    let set_up = |db: &mut Connection| -> rusqlite::Result<()> {
        // Where the file system cannot, SQLite stays with its older journal.
        db.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
        // What a crash of the machine may lose is what the last moments wrote; the bags know the same.
        db.pragma_update(None, "synchronous", "NORMAL")?;
        let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Another program may have been first.
        if number(&transaction, "user_version")? == 0 {
            transaction.execute_batch(SCHEMA)?;
            transaction.pragma_update(None, "application_id", APPLICATION)?;
            transaction.pragma_update(None, "user_version", VERSION)?;
        }
        transaction.commit()
    };
    set_up(db).map_err(failed)
}

fn entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    let moment = |number: Option<i64>| number.and_then(SliceTime::from_unix_ms);
    Ok(Entry {
        recording: row.get(0)?,
        place: row.get(1)?,
        asked: row.get(2)?,
        outcome: row.get(3)?,
        exit_code: row.get(4)?,
        objects: unsigned(row.get(5)?),
        bytes: unsigned(row.get(6)?),
        source: row.get(7)?,
        recorded: moment(row.get(8)?),
        listed: time(row.get(9)?),
        tried: moment(row.get(10)?),
        proven: moment(row.get(11)?),
        tries: unsigned(row.get(12)?),
        proof: row.get(13)?,
        why: row.get(14)?,
    })
}

fn time(ms: i64) -> SliceTime {
    SliceTime::from_unix_ms(ms).unwrap_or_default()
}

/// SQLite counts with a sign.
fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

#[cfg(test)]
mod tests;
