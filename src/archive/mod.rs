//! The local side: a folder per recording that is a BagIt 1.0 bag (RFC 8493) when a run ends.
//!
//! `data/` holds every object byte for byte; `manifest-sha256.txt` and the other tag files are written last.
//! `.recfetch/` holds what a rerun needs: the journal, the lock, files that are still being written, and in
//! `aside/` what was taken out of the payload and may be somebody's last copy. It is no part of the bag and
//! may be deleted once nobody wants to go on with the recording.

mod assembly;
mod bag;
mod contents;
mod elsewhere;
mod error;
mod join;
mod journal;
mod layout;
#[cfg(feature = "batch")]
mod ledger;
mod mending;
mod pack;
mod packing;
mod payload;
mod presence;
mod side_by_side;
mod staged;
mod standing;
mod verify;
mod wire;

use std::collections::{BTreeMap, HashSet};
use std::ffi::OsString;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use crate::domain::key::ObjectName;
use crate::domain::recording::RecordingId;

use error::Doing;
use journal::Journal;
use layout::Layout;

pub use assembly::{Assembly, Whole};
pub use bag::{PlayList, Seal};
pub use contents::{Contents, Listed, NEEDED, TAG_FILES, Texts, tag_names};
pub use elsewhere::{
    Elsewhere, JOURNAL, JOURNALS, Kept, KeptAs, Locked, MARK, MARK_FORMAT, MarkV1, PackV1, TagFile,
    journal_text, read_journal,
};
pub use error::Error;
pub use join::{JoinPart, JoinTarget, Joined, join};
pub use journal::Record;
pub use layout::PAYLOAD;
#[cfg(feature = "batch")]
pub use ledger::{Claim, Entry, LISTED, Ledger, LedgerError, Tried, Wanted};
pub use mending::{Hopeless, Lost, Mending};
pub use pack::{PACK, PACK_INDEX, Packed, Packing, Planned, TarPlan, padding, read_index, trailer};
pub use packing::BagTar;
pub use payload::{payload, read_payload};
pub use presence::{Presence, Trust};
pub use staged::{Staged, StagedReader};
pub use standing::Standing;
pub use verify::{Damage, Verification, verify};
pub use wire::{
    ChangeV1, CountsV1, DigestV1, EarlierV1, EvidenceV1, FindingV1, JoinedV1, LeftOutV1, ObjectV1, OriginV1,
    PartV1, PlaceV1, REPORT_FORMAT, ReportV1, RoleV1, RotationV1, SeverityV1, TallyV1, TrackV1, TryV1,
};

const WORK: &str = ".recfetch";
/// A lock that somebody holds for a moment only is waited for.
const LOCK_TURNS: u32 = 4;
const LOCK_PAUSE: Duration = Duration::from_millis(25);

/// The archive of one recording, locked for this process as long as it is held.
#[derive(Debug)]
pub struct Archive {
    dir: PathBuf,
    recording: RecordingId,
    records: Mutex<BTreeMap<ObjectName, Record>>,
    journal: Mutex<Journal>,
    layout: Mutex<Layout>,
    counter: AtomicU64,
    seal: Mutex<SealState>,
    /// Holding the file holds the lock.
    _lock: File,
}

/// Whether the seal has to be taken off before the payload changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SealState {
    /// It may be on.
    Unknown,
    /// It was taken off, and nothing was sealed since.
    Off,
}

impl Archive {
    /// Opens the archive of `recording` in `dir`, or starts one.
    ///
    /// # Errors
    /// [`Error::Locked`] where another run works there; [`Error::AnotherRecording`] and [`Error::Foreign`]
    /// where the folder holds something else; [`Error::Io`] where it cannot be written.
    pub fn open(dir: &Path, recording: &RecordingId) -> Result<Self, Error> {
        refuse_foreign(dir, recording)?;
        let work = dir.join(WORK);
        let partial = work.join("partial");
        std::fs::create_dir_all(&partial).doing("create", &partial)?;
        let lock = lock(dir, &work.join("lock"))?;
        let (journal, mut records) = Journal::open(&work.join("journal.ndjson"), recording)?;
        if refuse_unknown_payload(dir, &records).is_err() {
            // The journal is gone or lost lines; the report of a sealed bag knows the same.
            for (name, record) in bag::records_of_sealed_bag(dir)? {
                records.entry(name).or_insert(record);
            }
        }
        let mut layout = Layout::default();
        // Segments inside of a joined file do not hold its path.
        for record in records.values().filter(|record| record.offset.is_none()) {
            layout.adopt(&record.name, &record.path);
        }
        refuse_unknown_payload(dir, &records)?;
        sweep(&partial)?;
        Ok(Self {
            dir: dir.to_owned(),
            recording: recording.clone(),
            records: Mutex::new(records),
            journal: Mutex::new(journal),
            layout: Mutex::new(layout),
            counter: AtomicU64::new(0),
            seal: Mutex::new(SealState::Unknown),
            _lock: lock,
        })
    }

    /// The folder of the bag.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The recording that it is of.
    #[must_use]
    pub fn recording(&self) -> &RecordingId {
        &self.recording
    }

    /// What was proven about an object, in this run or an earlier one.
    #[must_use]
    pub fn record(&self, name: &ObjectName) -> Option<Record> {
        guard(&self.records).get(name).cloned()
    }

    /// Everything that was proven.
    #[must_use]
    pub fn records(&self) -> Vec<Record> {
        guard(&self.records).values().cloned().collect()
    }

    /// What earlier runs proved and this one did not look at, as far as it lies there untouched by its length
    /// and time. It stays in the bag and its manifest.
    #[must_use]
    pub fn earlier(&self, looked_at: &HashSet<&ObjectName>) -> Vec<Record> {
        let mut records = self.records();
        records.retain(|record| {
            let here = || self.examine(record, Trust::Mtime).is_ok_and(|here| here == Presence::Proven);
            !looked_at.contains(&record.name) && here()
        });
        records
    }

    /// A new file for the bytes of an object.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn stage(&self) -> Result<Staged, Error> {
        let number = self.counter.fetch_add(1, Ordering::Relaxed);
        Staged::create(self.dir.join(WORK).join("partial").join(format!("{number}.part")))
    }

    /// The path that an object gets in the bag.
    #[must_use]
    pub fn path_of(&self, name: &ObjectName) -> String {
        guard(&self.layout).path(name)
    }

    /// Takes judged bytes into the bag under their final name: file synced, journal line synced, then the
    /// rename. Blocks for as long as the disk takes.
    ///
    /// The journal comes first so that whatever lies under a final name is known to be ours. After a crash
    /// between the two the line has no file, and the object is fetched again.
    ///
    /// # Errors
    /// Where the disk refuses; [`Error::Foreign`] where a file that recfetch did not write has the name.
    pub fn publish(&self, staged: Staged, mut record: Record) -> Result<(), Error> {
        staged.sync()?;
        record.mtime = mtime(&staged.file().metadata().doing("examine", &self.dir)?);
        let path = self.dir.join(&record.path);
        self.unseal()?;
        let known = self.record(&record.name).filter(|known| known.path == record.path);
        match &known {
            None if path.symlink_metadata().is_ok() => return Err(Error::Foreign { path }),
            // Another version of something that is still as it was proven: a playlist that was written again.
            // The new one may turn out to be the worse one.
            Some(known) if self.examine(known, Trust::Mtime)? == Presence::Proven => {
                self.set_aside(&known.path)
            }
            Some(_) | None => {}
        }
        if let Some(folder) = path.parent().filter(|folder| !folder.is_dir()) {
            std::fs::create_dir_all(folder).doing("create", folder)?;
        }
        guard(&self.journal).append(&record)?;
        guard(&self.records).insert(record.name.clone(), record);
        staged.rename(&path)
    }

    /// Forgets an object that is not as it was proven.
    pub fn forget(&self, name: &ObjectName) {
        // The journal keeps its line: a later line for the same name counts, and until then the file does
        // not hash to it.
        if let Some(record) = guard(&self.records).get_mut(name) {
            record.size = u64::MAX;
        }
    }

    /// Takes an object out of the bag again that turned out not to be good.
    ///
    /// # Errors
    /// Where the file cannot be removed.
    pub fn withdraw(&self, name: &ObjectName) -> Result<(), Error> {
        let Some(record) = guard(&self.records).remove(name) else { return Ok(()) };
        if record.offset.is_some() {
            // Other segments lie in the same file.
            return Ok(());
        }
        self.unseal()?;
        let path = self.dir.join(&record.path);
        std::fs::remove_file(&path).doing("remove", &path)
    }

    /// Whether a file to be written would take its room from the same disk as the archive. Where the system
    /// cannot tell, it is taken to.
    #[must_use]
    pub fn shares_disk_with(&self, file: &Path) -> bool {
        let Ok(file) = std::path::absolute(file) else { return true };
        let disk = |path: &Path| rustix::fs::stat(path).ok().map(|stat| stat.st_dev);
        match (file.ancestors().find_map(disk), disk(&self.dir)) {
            (Some(theirs), Some(ours)) => theirs == ours,
            (_, _) => true,
        }
    }

    /// Checks that the disk can hold `needed` more bytes.
    ///
    /// # Errors
    /// [`Error::NoRoom`] where it cannot.
    pub fn require_room(&self, needed: u64) -> Result<(), Error> {
        // Where the system cannot tell, the disk itself will.
        let Ok(stat) = rustix::fs::statvfs(&self.dir) else { return Ok(()) };
        let available = stat.f_bavail.saturating_mul(stat.f_frsize);
        if needed > available {
            return Err(Error::NoRoom { dir: self.dir.clone(), needed, available });
        }
        Ok(())
    }
}

/// The report of the bag in `dir`, or `None` where it has none.
///
/// # Errors
/// Where it cannot be read or understood.
pub fn report(dir: &Path) -> Result<Option<ReportV1>, Error> {
    bag::report_of(dir)
}

/// SHA-256 of what is left of a reader, in pieces.
pub(crate) fn sha256_of(reader: &mut impl Read) -> std::io::Result<[u8; 32]> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 256 * 1024];
    loop {
        let read = reader.read(&mut buffer)?;
        if read == 0 {
            return Ok(hasher.finalize().into());
        }
        hasher.update(&buffer[..read]);
    }
}

fn guard<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing here is left half-changed by a panic.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn mtime(meta: &std::fs::Metadata) -> i128 {
    let since = meta.modified().ok().and_then(|t| t.duration_since(std::time::UNIX_EPOCH).ok());
    since.and_then(|d| i128::try_from(d.as_nanos()).ok()).unwrap_or(-1)
}

fn lock(dir: &Path, path: &Path) -> Result<File, Error> {
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(path).doing("open", path)?;
    for turn in 1.. {
        match file.try_lock() {
            Ok(()) => break,
            // A process that is just being started holds a copy of every open file until it runs its program.
            Err(TryLockError::WouldBlock) if turn < LOCK_TURNS => std::thread::sleep(LOCK_PAUSE),
            Err(TryLockError::WouldBlock) => return Err(Error::Locked { dir: dir.to_owned() }),
            Err(TryLockError::Error(cause)) => return Err(cause).doing("lock", path),
        }
    }
    Ok(file)
}

/// A folder that is not ours is not touched, and neither is the bag of another recording.
fn refuse_foreign(dir: &Path, recording: &RecordingId) -> Result<(), Error> {
    let mut entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(e).doing("look into", dir),
    };
    // Asked before the work folder, which may have lost its journal.
    if let Some(theirs) = bag::recording_of(dir)? {
        return if theirs == recording.as_str() {
            Ok(())
        } else {
            Err(Error::AnotherRecording { dir: dir.to_owned(), theirs })
        };
    }
    if dir.join(WORK).is_dir() {
        return Ok(());
    }
    match entries.next() {
        None => Ok(()),
        Some(entry) => Err(Error::Foreign { path: entry.doing("look into", dir)?.path() }),
    }
}

/// The payload folder is all ours: its manifest would vouch for whatever else lies there.
fn refuse_unknown_payload(dir: &Path, records: &BTreeMap<ObjectName, Record>) -> Result<(), Error> {
    let known: HashSet<OsString> =
        records.values().map(|record| dir.join(&record.path).into_os_string()).collect();
    for path in bag::payload_files(dir)? {
        if !known.contains(path.as_os_str()) {
            return Err(Error::Foreign { path });
        }
    }
    Ok(())
}

fn sweep(partial: &Path) -> Result<(), Error> {
    for entry in std::fs::read_dir(partial).doing("look into", partial)? {
        let path = entry.doing("look into", partial)?.path();
        std::fs::remove_file(&path).doing("remove", &path)?;
    }
    Ok(())
}
