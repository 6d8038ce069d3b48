//! One file from many, byte for byte.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::{Doing, Error};
use super::{WORK, mtime};

/// Where the joined file goes.
#[derive(Debug, Clone)]
pub struct JoinTarget<'a> {
    /// The bag that the parts come from. It remembers which joined files are ours.
    pub bag: &'a Path,
    /// The file.
    pub file: &'a Path,
}

/// One part of a joined file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JoinPart<'a> {
    /// The path in the bag of the file that holds it.
    pub path: &'a str,
    /// Where in that file, as bytes before it and its length; nothing for the whole file.
    pub range: Option<(u64, u64)>,
}

impl<'a> From<&'a str> for JoinPart<'a> {
    fn from(path: &'a str) -> Self {
        Self { path, range: None }
    }
}

/// A file that was joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Joined {
    /// The file.
    pub file: PathBuf,
    /// Its length.
    pub size: u64,
}

/// What is remembered about a joined file, so that it can be told from somebody else's.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Memory {
    files: Vec<Remembered>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Remembered {
    file: PathBuf,
    size: u64,
    mtime_ns: String,
}

/// Writes the bytes of `parts` one after the other into the target.
///
/// The system copies inside the kernel and shares blocks where the file system can (`copy_file_range`). The
/// file has its final name only when it is whole and synced.
///
/// # Errors
/// [`Error::Foreign`] where the target exists and is not what an earlier run joined there; [`Error::Io`].
pub fn join<'a>(
    target: &JoinTarget<'_>,
    parts: impl IntoIterator<Item = JoinPart<'a>>,
    progress: &mut dyn FnMut(u64),
) -> Result<Joined, Error> {
    let file = std::path::absolute(target.file).doing("find", target.file)?;
    let memory_path = target.bag.join(WORK).join("joined.json");
    let mut memory = remember(&memory_path);
    if let Ok(meta) = file.symlink_metadata() {
        let ours = Remembered { file: file.clone(), size: meta.len(), mtime_ns: mtime(&meta).to_string() };
        if !memory.files.contains(&ours) {
            return Err(Error::Foreign { path: file });
        }
    }
    let folder = file.parent().unwrap_or(Path::new(".")).to_owned();
    std::fs::create_dir_all(&folder).doing("create", &folder)?;
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let unfinished = Unfinished(folder.join(format!(".{name}.recfetch-part")));
    let size = concatenate(target.bag, parts, &unfinished.0, progress)?;
    std::fs::rename(&unfinished.0, &file).doing("rename to", &file)?;
    File::open(&folder).and_then(|f| f.sync_all()).doing("sync", &folder)?;
    let meta = file.metadata().doing("examine", &file)?;
    memory.files.retain(|known| known.file != file);
    memory.files.push(Remembered { file: file.clone(), size, mtime_ns: mtime(&meta).to_string() });
    write_memory(&memory_path, &memory)?;
    Ok(Joined { file, size })
}

fn concatenate<'a>(
    bag: &Path,
    parts: impl IntoIterator<Item = JoinPart<'a>>,
    to: &Path,
    progress: &mut dyn FnMut(u64),
) -> Result<u64, Error> {
    let mut out = OpenOptions::new().write(true).create(true).truncate(true).open(to).doing("create", to)?;
    let mut size = 0;
    for part in parts {
        let path = bag.join(part.path);
        let mut input = File::open(&path).doing("open", &path)?;
        let length = match part.range {
            Some((offset, length)) => {
                input.seek(SeekFrom::Start(offset)).doing("read", &path)?;
                length
            }
            None => u64::MAX,
        };
        // From file to file this is `copy_file_range` on Linux.
        let copied = std::io::copy(&mut input.by_ref().take(length), &mut out).doing("copy", &path)?;
        if part.range.is_some() && copied < length {
            return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof)).doing("copy", &path);
        }
        size += copied;
        progress(copied);
    }
    out.sync_data().doing("sync", to)?;
    Ok(size)
}

/// Removed when joining fails or is stopped.
struct Unfinished(PathBuf);

impl Drop for Unfinished {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn remember(path: &Path) -> Memory {
    // Without memory every existing file counts as somebody else's, which is the safe side.
    std::fs::read(path).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
}

fn write_memory(path: &Path, memory: &Memory) -> Result<(), Error> {
    let text = serde_json::to_vec(memory)
        .map_err(|cause| Error::Damaged { path: path.to_owned(), cause: cause.into() })?;
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).doing("create", folder)?;
    }
    let temporary = path.with_extension("part");
    std::fs::write(&temporary, text).doing("write", &temporary)?;
    std::fs::rename(&temporary, path).doing("rename to", path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_come_in_order_and_foreign_files_stay() {
        let dir = tempfile::tempdir().unwrap();
        let bag = dir.path().join("bag");
        std::fs::create_dir_all(bag.join("data")).unwrap();
        std::fs::write(bag.join("data/b"), "second").unwrap();
        std::fs::write(bag.join("data/a"), "first ").unwrap();
        let file = dir.path().join("out.ts");
        let target = JoinTarget { bag: &bag, file: &file };
        let joined = join(&target, ["data/a", "data/b"].map(JoinPart::from), &mut |_| ()).unwrap();
        assert_eq!(std::fs::read(&file).unwrap(), b"first second");
        assert_eq!(joined.size, 12);
        // Ours may be replaced; once somebody changed it, it is theirs.
        join(&target, ["data/b".into()], &mut |_| ()).unwrap();
        std::fs::write(&file, "precious").unwrap();
        assert!(matches!(join(&target, ["data/a".into()], &mut |_| ()), Err(Error::Foreign { .. })));
        assert_eq!(std::fs::read(&file).unwrap(), b"precious");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2, "nothing unfinished is left");
    }

    #[test]
    fn a_missing_part_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("out.ts");
        let target = JoinTarget { bag: dir.path(), file: &file };
        assert!(matches!(join(&target, ["data/none".into()], &mut |_| ()), Err(Error::Io { .. })));
        assert!(!file.exists());
    }
}
