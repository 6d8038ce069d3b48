//! Hashing many files side by side, on all cores: see [`crate::hash`].

use std::fs::File;
use std::io::{self, Read, Take};

use crate::hash::{LANES, Lanes, Message, Sums};

/// What the pieces of all files that are being read may take together.
const MEMORY: usize = 16 << 20;
/// A piece is long enough for a disk that has to move its head from file to file, where memory allows it.
const LONGEST_PIECE: usize = 512 << 10;
const SHORTEST_PIECE: usize = 64 << 10;
/// A longer file is hashed by a core of its own, from its beginning to its end: few of them would not fill the
/// lanes, and one core would have them all while the others have nothing to do.
const LONG: u64 = 8 << 20;

/// Hashes what `next` opens, until there is nothing more. `next` and `done` are called by several threads, in any
/// order; `read` is told the bytes as they come.
pub(super) fn sha256_of_each<T: Send>(
    next: impl Fn() -> Option<(T, Take<File>)> + Sync,
    read: impl Fn(u64) + Sync,
    done: impl Fn(T, io::Result<[u8; 32]>) + Sync,
) {
    let lanes = Lanes::of_this_machine();
    let width = if lanes.help(Sums::Sha256) { LANES } else { 1 };
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    let piece = (MEMORY / (threads * width)).clamp(SHORTEST_PIECE, LONGEST_PIECE);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| hash_some(&next, &read, &done, &Side { lanes, width, piece }));
        }
    });
}

/// How much is taken at once.
struct Side {
    lanes: &'static Lanes,
    width: usize,
    piece: usize,
}

/// A file of which a part was read.
struct Reading<T> {
    what: T,
    file: Take<File>,
    message: Message,
    piece: Vec<u8>,
}

fn hash_some<T>(
    next: &impl Fn() -> Option<(T, Take<File>)>,
    read: &impl Fn(u64),
    done: &impl Fn(T, io::Result<[u8; 32]>),
    side: &Side,
) {
    let mut reading: Vec<Reading<T>> = Vec::new();
    let mut spare = Vec::new();
    loop {
        while reading.len() < side.width {
            let Some((what, file)) = next() else { break };
            let piece = spare.pop().unwrap_or_else(|| Vec::with_capacity(side.piece));
            let mut one = Reading { what, file, message: Message::new(Sums::Sha256), piece };
            if one.is_long() {
                let ending = one.hash_alone(side.piece, read);
                spare.push(one.end(ending, done));
            } else {
                reading.push(one);
            }
        }
        if reading.is_empty() {
            return;
        }
        let mut ended = Vec::new();
        for (n, one) in reading.iter_mut().enumerate() {
            match one.next_piece(side.piece, read) {
                Ok(Goes::On) => {}
                Ok(Goes::NoFurther) => ended.push((n, Ok(()))),
                Err(e) => ended.push((n, Err(e))),
            }
        }
        let work = reading.iter_mut().map(|one| (&mut one.message, one.piece.as_slice()));
        side.lanes.update(work.collect());
        // From the last one, so that the places of the others stay.
        for (n, ending) in ended.into_iter().rev() {
            spare.push(reading.swap_remove(n).end(ending, done));
        }
    }
}

/// Whether there may be more of a file.
#[derive(PartialEq, Eq)]
enum Goes {
    On,
    NoFurther,
}

impl<T> Reading<T> {
    fn is_long(&self) -> bool {
        // What cannot be asked is found out by reading.
        let length = self.file.get_ref().metadata().map_or(0, |meta| meta.len());
        length.min(self.file.limit()) > LONG
    }

    /// Reads the next piece, which is short only at the end.
    fn next_piece(&mut self, most: usize, read: &impl Fn(u64)) -> io::Result<Goes> {
        self.piece.clear();
        let bytes = self.file.by_ref().take(most as u64).read_to_end(&mut self.piece)?;
        read(bytes as u64);
        Ok(if bytes < most { Goes::NoFurther } else { Goes::On })
    }

    fn hash_alone(&mut self, most: usize, read: &impl Fn(u64)) -> io::Result<()> {
        loop {
            let goes = self.next_piece(most, read)?;
            self.message.update(&self.piece);
            if goes == Goes::NoFurther {
                return Ok(());
            }
        }
    }

    /// Hands out what was found, and gives the memory back.
    fn end(self, ending: io::Result<()>, done: &impl Fn(T, io::Result<[u8; 32]>)) -> Vec<u8> {
        done(self.what, ending.map(|()| self.message.finish().sha256));
        self.piece
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::sync::Mutex;

    use sha2::{Digest as _, Sha256};

    use super::*;

    fn file_of(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        io::Seek::rewind(&mut file).unwrap();
        file
    }

    #[test]
    fn each_file_has_its_own_digest_whatever_its_length() {
        let text =
            |n: usize| -> Vec<u8> { (0..n * 40_009 % 1_400_000).map(|i| ((i * n) >> 2) as u8).collect() };
        // Also what ends just where a piece does, and what is long.
        let texts: Vec<_> = (0..70)
            .map(text)
            .chain([vec![7; LONGEST_PIECE], vec![8; 2 * LONGEST_PIECE], vec![9; LONG as usize + 1]])
            .collect();
        let left = Mutex::new((0..texts.len()).collect::<Vec<_>>());
        let found = Mutex::new(vec![None; texts.len()]);
        let bytes = Mutex::new(0);
        sha256_of_each(
            || {
                let n = left.lock().unwrap().pop()?;
                Some((n, file_of(&texts[n]).take(u64::MAX)))
            },
            |read| *bytes.lock().unwrap() += read,
            |n, sha256| found.lock().unwrap()[n] = Some(sha256.unwrap()),
        );
        for (n, found) in found.into_inner().unwrap().into_iter().enumerate() {
            assert_eq!(found, Some(Sha256::digest(&texts[n]).into()), "{n}");
        }
        assert_eq!(bytes.into_inner().unwrap(), texts.iter().map(|text| text.len() as u64).sum::<u64>());
    }

    #[test]
    fn what_cannot_be_read_has_no_digest_and_spoils_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let left = Mutex::new((0..24).collect::<Vec<_>>());
        let found = Mutex::new(Vec::new());
        sha256_of_each(
            || {
                let n = left.lock().unwrap().pop()?;
                // A folder opens like a file and refuses to be read.
                let file = if n % 5 == 0 { File::open(dir.path()).unwrap() } else { file_of(b"abc") };
                Some((n, file.take(u64::MAX)))
            },
            |_| (),
            |n, sha256| found.lock().unwrap().push((n, sha256.ok())),
        );
        let found = found.into_inner().unwrap();
        assert_eq!(found.len(), 24);
        let abc: [u8; 32] = Sha256::digest(b"abc").into();
        assert!(found.iter().all(|(n, sha256)| *sha256 == (n % 5 != 0).then_some(abc)));
    }
}
