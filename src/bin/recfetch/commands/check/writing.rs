//! Documents that go to files.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use recfetch::documents::TrackPlaylist;
use recfetch::domain::recording::TrackId;

use crate::context::Context;
use crate::failure::{ExitCode, Failure, printable};

/// Writes the playlist of each track: to the file, or where there are several tracks, to one beside it for each.
///
/// # Errors
/// Where there is nothing to list, or the file cannot be written.
pub(super) fn playlists(context: &Context, file: &Path, lists: Vec<TrackPlaylist>) -> Result<(), Failure> {
    if lists.is_empty() {
        context.progress.say("no segment is known: no playlist was written");
        return Ok(());
    }
    let alone = lists.len() == 1;
    for list in lists {
        let path = if alone { file.to_owned() } else { of_track(file, list.track) };
        write(&path, &list.text)?;
        wrote(context, &path);
    }
    Ok(())
}

/// Writes the page.
///
/// # Errors
/// Where the file cannot be written.
pub(super) fn page(context: &Context, file: &Path, page: &str) -> Result<(), Failure> {
    write(file, page)?;
    wrote(context, file);
    Ok(())
}

fn wrote(context: &Context, path: &Path) {
    context.progress.say(&format!("wrote      {}", printable(&path.display().to_string())));
}

/// `list.m3u8` of user 7's sound: `list.uid-7-audio.m3u8`.
fn of_track(file: &Path, track: TrackId) -> PathBuf {
    let word = match track.uid {
        Some(uid) => format!("uid-{uid}-{}", track.kind),
        None => track.kind.to_string(),
    };
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let name = match file.extension() {
        Some(extension) => format!("{stem}.{word}.{}", extension.to_string_lossy()),
        None => format!("{stem}.{word}"),
    };
    file.with_file_name(name)
}

/// Who may read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Readers {
    /// Whom the system lets by default.
    Usual,
    /// Its owner alone.
    Owner,
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    write_for(path, text, Readers::Usual)
}

/// Writes a file that has its name only when it is whole.
///
/// # Errors
/// Where it cannot be written.
pub(crate) fn write_for(path: &Path, text: &str, readers: Readers) -> Result<(), Failure> {
    let done = || -> io::Result<()> {
        let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_string_lossy();
        let part = path.with_file_name(format!(".{name}.{}.part", std::process::id()));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        if readers == Readers::Owner {
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        }
        let written = options.open(&part).and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        });
        let renamed = written.and_then(|()| fs::rename(&part, path));
        if renamed.is_err() {
            // Nobody needs the part; that it cannot be removed tells nothing new.
            let _ = fs::remove_file(&part);
        }
        renamed
    };
    done().map_err(|cause| {
        Failure::new(ExitCode::Disk, cause).context(format!("could not write `{}`", path.display()))
    })
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use recfetch::domain::recording::{TrackKind, Uid};

    use super::*;

    #[test]
    fn of_several_tracks_each_file_bears_its_own() {
        let seven = TrackId { uid: NonZeroU32::new(7).map(Uid), kind: TrackKind::Audio };
        for (file, track, expected) in [
            ("a/list.m3u8", seven, "a/list.uid-7-audio.m3u8"),
            ("list", seven, "list.uid-7-audio"),
            ("my.list.m3u8", TrackId::MIXED, "my.list.mixed.m3u8"),
        ] {
            assert_eq!(of_track(Path::new(file), track), Path::new(expected));
        }
    }

    #[test]
    fn a_file_is_there_whole_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("list.m3u8");
        write(&path, "old").unwrap();
        write(&path, "new").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        let failure = write(dir.path(), "a folder stands there").unwrap_err();
        assert_eq!(failure.code, ExitCode::Disk);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
