//! Joined files that grow segment by segment, for bags that keep them in the place of their segments.
//!
//! They lie in `.recfetch/joined/` until they are whole. A line in a journal of their own follows the bytes of
//! each segment, so that after a crash whatever the lines vouch for is proven by its hash and the rest is cut
//! off.

use std::collections::{BTreeMap, HashSet};
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::error::{Doing, Error};
use super::journal::Journal;
use super::{Archive, Presence, Record, Staged, Trust, WORK, guard, mtime};
use crate::domain::digest::{Algorithm, Digest};
use crate::domain::key::ObjectName;
use crate::domain::place::SourceName;
use crate::domain::recording::RecordingId;
use crate::domain::verdict::Evidence;

const FOLDER: &str = "joined";
/// So many lines about the same place are tried: each costs a hash.
const CANDIDATES: usize = 8;

/// The growing files of one track.
#[derive(Debug)]
pub struct Assembly {
    dir: PathBuf,
    recording: RecordingId,
    journal: Journal,
    files: Vec<Growing>,
    parts: Vec<Record>,
}

#[derive(Debug)]
struct Growing {
    file: File,
    path: PathBuf,
    size: u64,
    sha256: Sha256,
}

/// A joined file that is to get its place in the bag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whole {
    /// Where it lies now.
    pub from: PathBuf,
    /// What it is to be called in the bag.
    pub name: ObjectName,
    /// Its length.
    pub size: u64,
    /// Its SHA-256.
    pub sha256: Digest,
    /// Its segments; their paths are set when it gets its place.
    pub parts: Vec<Record>,
}

impl Archive {
    /// Opens the growing files of a track, which `key` names, or starts them. Every segment that they hold is
    /// hashed again; what follows the last one that is as it was proven is cut off.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn assembly(&self, key: &str) -> Result<Assembly, Error> {
        let dir = self.dir.join(WORK).join(FOLDER).join(key);
        remove_folder(&old(&dir))?;
        Assembly::open(dir, &self.recording)
    }

    /// Whether there are growing files.
    #[must_use]
    pub fn has_assembly(&self) -> bool {
        std::fs::read_dir(self.dir.join(WORK).join(FOLDER)).is_ok_and(|mut entries| entries.next().is_some())
    }

    /// Gives joined files their places in the bag, and removes those of `before`, paths in the bag, that have
    /// no place any more. Segments of theirs that are in none of the new ones become files of their own: what
    /// was proven stays.
    ///
    /// As with single objects the journal comes first, so that whatever lies under a final name is known to be
    /// ours. The last file comes first: until all have their place, those that are left are found where they
    /// grew.
    ///
    /// # Errors
    /// Where the disk refuses; [`Error::Foreign`] where a file that recfetch did not write has a name.
    pub fn place(&self, wholes: Vec<Whole>, before: &[String]) -> Result<Vec<Record>, Error> {
        self.unseal()?;
        let parts: HashSet<_> =
            wholes.iter().flat_map(|whole| &whole.parts).map(|p| p.name.clone()).collect();
        let known = self.records();
        let lie_in = |record: &Record| record.offset.is_some() && before.contains(&record.path);
        for record in known.iter().filter(|record| lie_in(record) && !parts.contains(&record.name)) {
            if self.take_out(record)?.is_none() {
                guard(&self.records).remove(&record.name);
            }
        }
        // Segments that were files of their own: their bytes are in the new files, under a journal of these.
        for record in known.iter().filter(|record| record.offset.is_none() && parts.contains(&record.name)) {
            remove_file(&self.dir.join(&record.path))?;
        }
        let mut ours: HashSet<String> = guard(&self.records).values().map(|r| r.path.clone()).collect();
        let mut placed: Vec<Record> = Vec::new();
        for whole in wholes.into_iter().rev() {
            let (record, lines) = self.lines_of(&whole)?;
            let to = self.dir.join(&record.path);
            if !ours.contains(&record.path) && to.symlink_metadata().is_ok() {
                return Err(Error::Foreign { path: to });
            }
            if let Some(folder) = to.parent() {
                std::fs::create_dir_all(folder).doing("create", folder)?;
            }
            guard(&self.journal).append_all(&lines)?;
            guard(&self.records).extend(lines.into_iter().map(|line| (line.name.clone(), line)));
            if whole.from != to {
                std::fs::rename(&whole.from, &to).doing("rename to", &to)?;
            }
            ours.insert(record.path.clone());
            placed.push(record);
        }
        placed.reverse();
        let stays: HashSet<_> = placed.iter().map(|record| &record.path).collect();
        let goes: HashSet<_> = before.iter().filter(|path| !stays.contains(path)).collect();
        guard(&self.records).retain(|_, record| !goes.contains(&record.path));
        goes.into_iter().try_for_each(|path| remove_file(&self.dir.join(path)))?;
        Ok(placed)
    }

    /// The record of a joined file, and the journal's lines about its segments and itself.
    fn lines_of(&self, whole: &Whole) -> Result<(Record, Vec<Record>), Error> {
        let path = self.path_of(&whole.name);
        let mtime = mtime(&whole.from.metadata().doing("examine", &whole.from)?);
        let record = Record {
            name: whole.name.clone(),
            path: path.clone(),
            offset: None,
            size: whole.size,
            digests: vec![whole.sha256.clone()],
            evidence: Evidence::LengthOnly,
            from: SourceName::new("joined"),
            etag: None,
            at: whole.parts.iter().map(|part| part.at).max().unwrap_or_default(),
            clock: None,
            playing_ms: None,
            breaks: 0,
            form: Default::default(),
            mtime,
        };
        let parts = whole.parts.iter().cloned();
        let mut lines: Vec<_> = parts.map(|part| Record { path: path.clone(), mtime, ..part }).collect();
        lines.push(record.clone());
        Ok((record, lines))
    }

    /// Makes a segment that lies in a joined file a file of its own; the joined file stays as it is. `None`
    /// where its bytes are not as they were proven.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn take_out(&self, record: &Record) -> Result<Option<Record>, Error> {
        if self.examine(record, Trust::Hash)? != Presence::Proven {
            return Ok(None);
        }
        let path = self.dir.join(&record.path);
        let mut file = File::open(&path).doing("open", &path)?;
        file.seek(SeekFrom::Start(record.offset.unwrap_or_default())).doing("read", &path)?;
        let mut staged = self.stage()?;
        let (mut buffer, mut left, mut sha256) = (vec![0; 256 * 1024], record.size, Sha256::new());
        while left > 0 {
            let most = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
            file.read_exact(&mut buffer[..most]).doing("read", &path)?;
            sha256.update(&buffer[..most]);
            staged.write(&buffer[..most])?;
            left -= most as u64;
        }
        if !is_sha256(record, sha256.finalize().into()) {
            return Ok(None);
        }
        let record = Record { path: self.path_of(&record.name), offset: None, ..record.clone() };
        self.publish(staged, record.clone())?;
        Ok(Some(record))
    }
}

impl Assembly {
    fn open(dir: PathBuf, recording: &RecordingId) -> Result<Self, Error> {
        std::fs::create_dir_all(&dir).doing("create", &dir)?;
        let (journal, records) = Journal::open(&dir.join("journal.ndjson"), recording)?;
        let mut assembly =
            Self { dir, recording: recording.clone(), journal, files: Vec::new(), parts: Vec::new() };
        assembly.prove(records.into_values())?;
        Ok(assembly)
    }

    /// Takes over what hashes to what its line says, in order and without a hole.
    fn prove(&mut self, records: impl Iterator<Item = Record>) -> Result<(), Error> {
        let mut by_place: BTreeMap<(String, u64), Vec<Record>> = BTreeMap::new();
        for record in records {
            let place = (record.path.clone(), record.offset.unwrap_or_default());
            // Where something was cut off, an older line may name the same place.
            by_place.entry(place).or_default().push(record);
        }
        'files: for number in 1.. {
            let name = file_name(number);
            let path = self.dir.join(&name);
            let Ok(mut file) = OpenOptions::new().read(true).write(true).open(&path) else { break };
            let (mut size, mut sha256) = (0_u64, Sha256::new());
            loop {
                let mut found = None;
                let candidates = by_place.remove(&(name.clone(), size)).unwrap_or_default();
                for record in candidates.into_iter().take(CANDIDATES) {
                    file.seek(SeekFrom::Start(size)).doing("read", &path)?;
                    let mut with_this = sha256.clone();
                    let alone = hash_into(&mut file, record.size, &mut with_this).doing("read", &path)?;
                    if alone.is_some_and(|alone| is_sha256(&record, alone)) {
                        found = Some((record, with_this));
                        break;
                    }
                }
                let Some((record, with_this)) = found else { break };
                size += record.size;
                sha256 = with_this;
                self.parts.push(record);
            }
            let whole = file.metadata().doing("examine", &path)?.len() == size;
            file.set_len(size).doing("cut", &path)?;
            file.seek(SeekFrom::Start(size)).doing("cut", &path)?;
            if size == 0 {
                break;
            }
            self.files.push(Growing { file, path, size, sha256 });
            if !whole {
                break 'files;
            }
        }
        for number in self.files.len() + 1.. {
            if std::fs::remove_file(self.dir.join(file_name(number))).is_err() {
                break;
            }
        }
        Ok(())
    }

    /// The segments in it, in order. Their paths are relative to [`dir`](Self::dir).
    #[must_use]
    pub fn parts(&self) -> &[Record] {
        &self.parts
    }

    /// The folder of the growing files.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Ends the file that grows; what comes next starts another one.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn start_file(&mut self) -> Result<(), Error> {
        let path = self.dir.join(file_name(self.files.len() + 1));
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&path);
        let file = file.doing("create", &path)?;
        self.files.push(Growing { file, path, size: 0, sha256: Sha256::new() });
        Ok(())
    }

    /// Appends the bytes of a segment that was judged good, and drops the staged ones.
    ///
    /// # Errors
    /// Where the disk refuses, or gives back other bytes than were written.
    pub fn append(&mut self, staged: Staged, record: Record) -> Result<Record, Error> {
        let mut input = staged.file();
        input.seek(SeekFrom::Start(0)).doing("read", &self.dir)?;
        self.take(&mut input, record)
    }

    /// Appends the bytes of a segment that was judged good and never was in a file.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn append_bytes(&mut self, pieces: &[impl AsRef<[u8]>], record: Record) -> Result<Record, Error> {
        if self.files.is_empty() {
            self.start_file()?;
        }
        let Some(growing) = self.files.last_mut() else { return Ok(record) };
        let mut with_this = growing.sha256.clone();
        for piece in pieces {
            with_this.update(piece.as_ref());
            if let Err(cause) = growing.file.write_all(piece.as_ref()) {
                let _ = growing.file.set_len(growing.size);
                return Err(cause).doing("write", &growing.path);
            }
        }
        self.added(with_this, record)
    }

    /// Appends the bytes of a segment that lie at the record's place in a file from before.
    ///
    /// # Errors
    /// As [`append`](Self::append).
    pub fn append_from(&mut self, file: &Path, record: Record) -> Result<Record, Error> {
        let mut input = File::open(file).doing("open", file)?;
        input.seek(SeekFrom::Start(record.offset.unwrap_or_default())).doing("read", file)?;
        self.take(&mut input, record)
    }

    fn take(&mut self, input: &mut impl std::io::Read, record: Record) -> Result<Record, Error> {
        if self.files.is_empty() {
            self.start_file()?;
        }
        let Some(growing) = self.files.last_mut() else { return Ok(record) };
        let path = growing.path.clone();
        let start = growing.size;
        let mut with_this = growing.sha256.clone();
        let (mut alone, mut left) = (Sha256::new(), record.size);
        let mut buffer = vec![0; 256 * 1024];
        while left > 0 {
            let most = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
            let read = input.read(&mut buffer[..most]).doing("read", &path)?;
            if read == 0 {
                break;
            }
            alone.update(&buffer[..read]);
            with_this.update(&buffer[..read]);
            if let Err(cause) = growing.file.write_all(&buffer[..read]) {
                let _ = growing.file.set_len(start);
                return Err(cause).doing("write", &path);
            }
            left -= read as u64;
        }
        if left > 0 || !is_sha256(&record, alone.finalize().into()) {
            let _ = growing.file.set_len(start);
            let cause = std::io::Error::other("the disk gave back other bytes than were written");
            return Err(cause).doing("read", &path);
        }
        self.added(with_this, record)
    }

    /// Vouches for the segment that was written to the end of the last file.
    fn added(&mut self, with_this: Sha256, mut record: Record) -> Result<Record, Error> {
        let number = self.files.len();
        let Some(growing) = self.files.last_mut() else { return Ok(record) };
        growing.file.sync_data().doing("sync", &growing.path)?;
        record.offset = Some(growing.size);
        record.path = file_name(number);
        growing.size += record.size;
        growing.sha256 = with_this;
        self.journal.append(&record)?;
        self.parts.push(record.clone());
        Ok(record)
    }

    /// Starts again with nothing. What was there stays beside it, to be appended from, until these files are
    /// opened or removed the next time. Returns its folder and the new files.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn restart(self) -> Result<(PathBuf, Self), Error> {
        let (dir, recording, old) = (self.dir.clone(), self.recording.clone(), old(&self.dir));
        drop(self);
        remove_folder(&old)?;
        std::fs::rename(&dir, &old).doing("rename to", &old)?;
        Ok((old, Self::open(dir, &recording)?))
    }

    /// The files as they are now, in order. Each still has to be named.
    #[must_use]
    pub fn wholes(&self) -> Vec<Whole> {
        let mut parts = self.parts.iter().peekable();
        let files = self.files.iter().enumerate();
        let whole = |(n, growing): (usize, &Growing)| {
            let sha256: [u8; 32] = growing.sha256.clone().finalize().into();
            let own = file_name(n + 1);
            Some(Whole {
                from: growing.path.clone(),
                name: ObjectName::parse(&own).ok()?,
                size: growing.size,
                sha256: Digest::new(Algorithm::Sha256, sha256)?,
                parts: std::iter::from_fn(|| parts.next_if(|part| part.path == own)).cloned().collect(),
            })
        };
        files.filter_map(whole).collect()
    }

    /// Removes what is left of it.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn remove(self) -> Result<(), Error> {
        let dir = self.dir.clone();
        drop(self);
        remove_folder(&old(&dir))?;
        remove_folder(&dir)?;
        // The folder of all of them, once it is empty.
        let _ = dir.parent().map(std::fs::remove_dir);
        Ok(())
    }
}

fn file_name(number: usize) -> String {
    format!("{number}.part")
}

fn old(dir: &Path) -> PathBuf {
    dir.with_extension("old")
}

fn remove_file(path: &Path) -> Result<(), Error> {
    match std::fs::remove_file(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(e).doing("remove", path),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn remove_folder(dir: &Path) -> Result<(), Error> {
    match std::fs::remove_dir_all(dir) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(e).doing("remove", dir),
        Ok(()) | Err(_) => Ok(()),
    }
}

pub(super) fn is_sha256(record: &Record, found: [u8; 32]) -> bool {
    let expected = record.digests.iter().find(|digest| digest.algorithm() == Algorithm::Sha256);
    expected.is_some_and(|digest| digest.bytes() == found)
}

/// SHA-256 of the next bytes, which go into `whole` too; `None` where there are fewer.
pub(super) fn hash_into(
    reader: &mut impl std::io::Read,
    length: u64,
    whole: &mut Sha256,
) -> std::io::Result<Option<[u8; 32]>> {
    let (mut alone, mut left) = (Sha256::new(), length);
    let mut buffer = vec![0; 256 * 1024];
    while left > 0 {
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let read = reader.read(&mut buffer[..most])?;
        if read == 0 {
            return Ok(None);
        }
        alone.update(&buffer[..read]);
        whole.update(&buffer[..read]);
        left -= read as u64;
    }
    Ok(Some(alone.finalize().into()))
}
