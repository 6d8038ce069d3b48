//! Who works: a program holds a lock on a file beside the ledger for as long as it runs, so that others see when
//! it has ended, however that came.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use super::LedgerError;

/// This program.
#[derive(Debug)]
pub(super) struct Worker {
    name: String,
    ledger: PathBuf,
    path: PathBuf,
    /// Holding the file holds the lock.
    _lock: File,
}

impl Worker {
    pub(super) fn new(ledger: &Path) -> Result<Self, LedgerError> {
        let failed = |path: &Path, cause| LedgerError::Io { path: path.to_owned(), cause };
        sweep(ledger);
        for number in 0_u32.. {
            // The number of a process is used again, and in containers all have the same.
            let name = format!("{}-{number}", std::process::id());
            let path = lock_file(ledger, &name);
            let options = OpenOptions::new().write(true).create(true).truncate(false).open(&path);
            let file = options.map_err(|cause| failed(&path, cause))?;
            match file.try_lock() {
                // Whoever held it before may have removed the file that we locked.
                Ok(()) if path.is_file() => {
                    return Ok(Self { name, ledger: ledger.to_owned(), path, _lock: file });
                }
                Ok(()) | Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(cause)) => return Err(failed(&path, cause)),
            }
        }
        Err(failed(ledger, std::io::Error::other("too many programs use it")))
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Whether the program of this name still runs.
    pub(super) fn is_alive(&self, name: &str) -> bool {
        // A name from the database is no path.
        if !name.bytes().all(|b| b.is_ascii_digit() || b == b'-') {
            return false;
        }
        match File::open(lock_file(&self.ledger, name)) {
            Ok(file) => matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)),
            Err(_) => false,
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // One that stays is taken for what it is: nobody holds it.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Removes the files of programs that were killed.
fn sweep(ledger: &Path) {
    let (Some(folder), Some(name)) = (ledger.parent(), ledger.file_name()) else { return };
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let start = format!("{}-worker-", name.to_string_lossy());
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if !entry.file_name().to_string_lossy().starts_with(&start) {
            continue;
        }
        let file = OpenOptions::new().write(true).open(entry.path());
        if file.is_ok_and(|file| file.try_lock().is_ok() && std::fs::remove_file(entry.path()).is_ok()) {
            tracing::debug!("removed {}", entry.path().display());
        }
    }
}

fn lock_file(ledger: &Path, name: &str) -> PathBuf {
    let mut path = ledger.as_os_str().to_owned();
    path.push(format!("-worker-{name}"));
    PathBuf::from(path)
}
