//! The payload of a bag, for those who look into it.

use std::fs::File;
use std::io::{Read, Seek as _, SeekFrom};
use std::ops::Range;
use std::path::Path;

use super::bag;
use super::error::{Doing, Error};
use super::verify::relative;
use crate::domain::key::ObjectName;

/// Files are read in pieces of so many bytes.
pub(super) const PIECE: usize = 256 * 1024;

/// The paths of all payload files, relative to the bag in `dir`, in order.
///
/// # Errors
/// Where the folder cannot be read.
pub fn payload(dir: &Path) -> Result<Vec<String>, Error> {
    Ok(bag::payload_files(dir)?.iter().filter_map(|path| relative(dir, path)).collect())
}

/// Hands out the bytes of a file of the bag in `dir`, or of a part of it, piece by piece.
///
/// # Errors
/// [`Error::Foreign`] where the path leads out of the bag; [`Error::Io`] where the file cannot be read.
pub fn read_payload(
    dir: &Path,
    path: &str,
    part: Option<Range<u64>>,
    take: &mut dyn FnMut(&[u8]),
) -> Result<(), Error> {
    // A report is a stranger's text as soon as the bag was copied.
    let Ok(inside) = ObjectName::parse(path) else { return Err(Error::Foreign { path: path.into() }) };
    let path = dir.join(inside.as_str());
    let mut file = File::open(&path).doing("open", &path)?;
    let part = part.unwrap_or(0..u64::MAX);
    file.seek(SeekFrom::Start(part.start)).doing("read", &path)?;
    let mut file = file.take(part.end.saturating_sub(part.start));
    let mut buffer = vec![0; PIECE];
    loop {
        match file.read(&mut buffer).doing("read", &path)? {
            0 => return Ok(()),
            read => take(&buffer[..read]),
        }
    }
}
