//! Whether an object is still as it was proven.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Take};
use std::sync::{Mutex, PoisonError};

use super::error::{Doing, Error};
use super::{Archive, Record, assembly, guard, mtime, sha256_of, side_by_side};

/// How a file from an earlier run is examined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// Its bytes are hashed again.
    Hash,
    /// Its length and the time of its last change are believed.
    Mtime,
}

/// What is left of an object from an earlier run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// It is here as it was proven.
    Proven,
    /// It is gone.
    Missing,
    /// Its bytes are others.
    Damaged,
}

impl Archive {
    /// Looks whether an object is still as it was proven. Reads the whole file unless told to trust.
    ///
    /// # Errors
    /// Where the file is there and cannot be read.
    pub fn examine(&self, record: &Record, trust: Trust) -> Result<Presence, Error> {
        match self.look(record, trust)? {
            Looked::Seen(presence) => Ok(presence),
            Looked::ToHash(mut bytes) => {
                let found = sha256_of(&mut bytes).doing("read", &self.dir.join(&record.path))?;
                Ok(proven_by(record, found))
            }
        }
    }

    /// Looks at many objects as [`Self::examine`] does at one, hashing several side by side on all cores. Blocks
    /// meanwhile; `told` is called by several threads. Once `stop` says so, the rest is left out.
    ///
    /// # Errors
    /// Where one is there and cannot be read.
    pub fn examine_each(
        &self,
        records: Vec<Record>,
        trust: Trust,
        stop: &(dyn Fn() -> bool + Sync),
        told: &(dyn Fn(&Record, Presence) + Sync),
    ) -> Result<Vec<(Record, Presence)>, Error> {
        let (mut seen, mut to_hash) = (Vec::new(), Vec::new());
        for record in records {
            if stop() {
                break;
            }
            match trust {
                Trust::Hash => to_hash.push(record),
                Trust::Mtime => match self.look(&record, trust)? {
                    Looked::Seen(presence) => {
                        told(&record, presence);
                        seen.push((record, presence));
                    }
                    Looked::ToHash(_) => to_hash.push(record),
                },
            }
        }
        if to_hash.is_empty() {
            return Ok(seen);
        }
        let left = Mutex::new(to_hash.into_iter());
        let seen = Mutex::new(seen);
        let failed = Mutex::new(None);
        let add = |record: Record, presence| {
            told(&record, presence);
            guard(&seen).push((record, presence));
        };
        let fail = |error| {
            guard(&failed).get_or_insert(error);
        };
        let next = || loop {
            if stop() || guard(&failed).is_some() {
                return None;
            }
            let record = guard(&left).next()?;
            match self.look(&record, Trust::Hash) {
                Ok(Looked::ToHash(bytes)) => return Some((record, bytes)),
                Ok(Looked::Seen(presence)) => add(record, presence),
                Err(error) => fail(error),
            }
        };
        let done = |record: Record, found: std::io::Result<[u8; 32]>| match found
            .doing("read", &self.dir.join(&record.path))
        {
            Ok(found) => {
                let presence = proven_by(&record, found);
                add(record, presence);
            }
            Err(error) => fail(error),
        };
        side_by_side::sha256_of_each(next, |_| (), done);
        match failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(error) => Err(error),
            None => Ok(seen.into_inner().unwrap_or_else(PoisonError::into_inner)),
        }
    }

    /// What a look at an object tells without reading it.
    fn look(&self, record: &Record, trust: Trust) -> Result<Looked, Error> {
        let path = self.dir.join(&record.path);
        let meta = match path.metadata() {
            Ok(meta) => meta,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Looked::Seen(Presence::Missing)),
            Err(e) => return Err(e).doing("examine", &path),
        };
        let fits = match record.offset {
            None => meta.len() == record.size,
            Some(offset) => offset.checked_add(record.size).is_some_and(|end| end <= meta.len()),
        };
        if !fits {
            return Ok(Looked::Seen(Presence::Damaged));
        }
        match trust {
            Trust::Mtime if mtime(&meta) == record.mtime => return Ok(Looked::Seen(Presence::Proven)),
            Trust::Mtime | Trust::Hash => {}
        }
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Looked::Seen(Presence::Missing)),
            Err(e) => return Err(e).doing("open", &path),
        };
        file.seek(SeekFrom::Start(record.offset.unwrap_or_default())).doing("read", &path)?;
        Ok(Looked::ToHash(file.take(record.size)))
    }
}

/// What a look at a file tells before its bytes are read.
enum Looked {
    Seen(Presence),
    /// Its length fits; these are its bytes.
    ToHash(Take<File>),
}

fn proven_by(record: &Record, sha256: [u8; 32]) -> Presence {
    if assembly::is_sha256(record, sha256) { Presence::Proven } else { Presence::Damaged }
}
