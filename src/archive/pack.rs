//! A bag as one tar: where each file lies in it, the headers, and the index beside it.
//!
//! The form is POSIX ustar with pax records where a name or a length does not fit (IEEE Std 1003.1-2024, `pax`).
//! All lengths are known beforehand, so every offset is too: the index is written before a byte is sent, and a
//! single object can be read back by its range.

use std::fmt::Write as _;

use crate::domain::digest::{Algorithm, Digest};
use crate::domain::key::ObjectName;

/// The tar of a recording, in its folder.
pub const PACK: &str = "bag.tar";

/// The index beside it: where in the tar each file lies.
pub const PACK_INDEX: &str = "bag.tar.tsv";

/// The unit of a tar.
const BLOCK: u64 = 512;

/// The largest number that eleven octal digits hold.
const MOST_OCTAL: u64 = 0o777_7777_7777;

/// A file that goes into a tar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packing {
    /// Its path in the bag.
    pub path: String,
    /// Its length.
    pub size: u64,
    /// Its SHA-256.
    pub sha256: Digest,
}

/// A file in a tar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packed {
    /// Where its bytes start in the tar.
    pub offset: u64,
    /// Its length.
    pub size: u64,
    /// Its SHA-256.
    pub sha256: Digest,
}

/// The layout of a tar, before it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TarPlan {
    /// The files in their order, each with what stands before its bytes.
    pub files: Vec<Planned>,
    /// The length of the whole.
    pub size: u64,
}

/// A file with its place in a tar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// Its path in the bag.
    pub path: String,
    /// What stands before its bytes.
    pub header: Vec<u8>,
    /// Where they lie.
    pub packed: Packed,
}

impl TarPlan {
    /// Lays out a tar that unpacks to the folder `folder`, with the time `mtime` in seconds of Unix time.
    #[must_use]
    pub fn new(folder: &str, files: impl IntoIterator<Item = Packing>, mtime: u64) -> Self {
        let mut at = 0;
        let mut planned = Vec::new();
        for Packing { path, size, sha256 } in files {
            let header = header(&format!("{folder}/{path}"), size, mtime);
            let offset = at + header.len() as u64;
            at = offset + padded(size);
            planned.push(Planned { path, header, packed: Packed { offset, size, sha256 } });
        }
        // Two empty blocks end a tar.
        Self { files: planned, size: at + 2 * BLOCK }
    }

    /// The index: offset, length, SHA-256 and path of each file, one per line.
    #[must_use]
    pub fn index(&self) -> String {
        let mut text = String::new();
        for Planned { path, packed, .. } in &self.files {
            // A `String` takes all of it.
            let _ = writeln!(text, "{}\t{}\t{}\t{path}", packed.offset, packed.size, packed.sha256.hex());
        }
        text
    }
}

/// What an index says. Lines that make no sense are passed over: what they are about is missing then.
pub fn read_index(text: &[u8]) -> impl Iterator<Item = (String, Packed)> {
    text.split(|byte| *byte == b'\n').filter_map(|line| {
        let mut parts = std::str::from_utf8(line).ok()?.splitn(4, '\t');
        let offset: u64 = parts.next()?.parse().ok()?;
        let size: u64 = parts.next()?.parse().ok()?;
        offset.checked_add(size)?;
        let sha256 = Digest::from_hex(Algorithm::Sha256, parts.next()?)?;
        let path = ObjectName::parse(parts.next()?).ok()?;
        Some((path.as_str().to_owned(), Packed { offset, size, sha256 }))
    })
}

/// The empty bytes behind a file of this length.
#[must_use]
pub fn padding(size: u64) -> usize {
    // Less than a block.
    usize::try_from(padded(size) - size).unwrap_or_default()
}

/// The end of a tar.
#[must_use]
pub fn trailer() -> Vec<u8> {
    vec![0; 1024]
}

fn padded(size: u64) -> u64 {
    size.div_ceil(BLOCK) * BLOCK
}

/// All that stands before the bytes of a file.
fn header(name: &str, size: u64, mtime: u64) -> Vec<u8> {
    let (prefix, rest) = split(name);
    let mut records = String::new();
    if rest.is_none() || !name.is_ascii() {
        records += &record("path", name);
    }
    if size > MOST_OCTAL {
        records += &record("size", &size.to_string());
    }
    let mut header = Vec::new();
    if !records.is_empty() {
        header.extend(block("PaxHeaders/file", "", records.len() as u64, mtime, b'x'));
        header.extend(records.as_bytes());
        header.resize(header.len() + padding(records.len() as u64), 0);
    }
    let rest = rest.unwrap_or("file");
    // Readers that know pax take the length from there.
    let octal = if size > MOST_OCTAL { 0 } else { size };
    header.extend(block(rest, prefix, octal, mtime, b'0'));
    header
}

/// The prefix and the rest as ustar keeps them; no rest where the name does not fit.
fn split(name: &str) -> (&str, Option<&str>) {
    if name.len() <= 100 {
        return ("", Some(name));
    }
    let fits = name.match_indices('/').map(|(at, _)| (&name[..at], &name[at + 1..]));
    let mut fits = fits.filter(|(prefix, rest)| prefix.len() <= 155 && !rest.is_empty() && rest.len() <= 100);
    fits.next().map_or(("", None), |(prefix, rest)| (prefix, Some(rest)))
}

/// `length key=value\n`, where the length counts itself.
fn record(key: &str, value: &str) -> String {
    let body = key.len() + value.len() + 3;
    let mut length = body + 1;
    while length != body + length.to_string().len() {
        length = body + length.to_string().len();
    }
    format!("{length} {key}={value}\n")
}

fn block(name: &str, prefix: &str, size: u64, mtime: u64, kind: u8) -> [u8; 512] {
    let mut block = [0; 512];
    let mut put = |at: usize, most: usize, bytes: &[u8]| {
        let fits = bytes.len().min(most);
        block[at..at + fits].copy_from_slice(&bytes[..fits]);
    };
    put(0, 100, name.as_bytes());
    put(100, 8, b"0000644\0");
    put(108, 8, b"0000000\0");
    put(116, 8, b"0000000\0");
    put(124, 12, format!("{size:011o}\0").as_bytes());
    put(136, 12, format!("{:011o}\0", mtime.min(MOST_OCTAL)).as_bytes());
    put(148, 8, b"        ");
    put(156, 1, &[kind]);
    put(257, 8, b"ustar\x0000");
    put(345, 155, prefix.as_bytes());
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(&format!("{sum:06o}\0 ").into_bytes()[..8]);
    block
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn packing(path: &str, bytes: &[u8]) -> Packing {
        use sha2::Digest as _;
        let sha256 = Digest::new(Algorithm::Sha256, sha2::Sha256::digest(bytes)).unwrap();
        Packing { path: path.to_owned(), size: bytes.len() as u64, sha256 }
    }

    fn written(plan: &TarPlan, files: &[(String, Vec<u8>)]) -> Vec<u8> {
        let mut tar = Vec::new();
        for (planned, (_, bytes)) in plan.files.iter().zip(files) {
            tar.extend(&planned.header);
            assert_eq!(tar.len() as u64, planned.packed.offset, "{}", planned.path);
            tar.extend(bytes);
            tar.resize(tar.len() + padding(bytes.len() as u64), 0);
        }
        tar.extend(trailer());
        tar
    }

    #[test]
    fn other_programs_unpack_what_was_packed_whatever_the_names_and_lengths() {
        let long = format!("data/{}", "频道_".repeat(20));
        let deep = format!("data/{}/{}", "a".repeat(90), "b".repeat(90));
        let names =
            ["data/a.ts", "data/频道 1.ts", "data/empty", &long, &deep, &format!("data/{}", "c".repeat(240))];
        let files: Vec<_> = names
            .iter()
            .enumerate()
            .map(|(n, name)| ((*name).to_owned(), vec![b'x'; n.pow(4) + usize::from(n != 2) * 511]))
            .collect();
        let plan = TarPlan::new("sid", files.iter().map(|(path, bytes)| packing(path, bytes)), 1_700_000_000);
        let tar = written(&plan, &files);
        assert_eq!(tar.len() as u64, plan.size);
        let index: Vec<_> = read_index(plan.index().as_bytes()).collect();
        for ((path, packed), (name, bytes)) in index.iter().zip(&files) {
            let range = usize::try_from(packed.offset).unwrap()
                ..usize::try_from(packed.offset + packed.size).unwrap();
            assert_eq!((path, &tar[range]), (name, bytes.as_slice()));
        }
        assert_eq!(index.len(), files.len());
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("bag.tar");
        std::fs::File::create(&file).unwrap().write_all(&tar).unwrap();
        for unpack in [&["tar", "-xf"][..], &["python3", "-m", "tarfile", "-e"]] {
            let out = tempfile::tempdir_in(dir.path()).unwrap();
            let done = std::process::Command::new(unpack[0])
                .args(&unpack[1..])
                .arg(&file)
                .current_dir(out.path())
                .output()
                .unwrap();
            assert!(done.status.success(), "{unpack:?} {}", String::from_utf8_lossy(&done.stderr));
            for (path, bytes) in &files {
                let found = std::fs::read(out.path().join("sid").join(path));
                assert_eq!(found.as_ref().unwrap(), bytes, "{unpack:?} {path}");
            }
        }
    }

    #[test]
    fn a_length_that_octal_digits_do_not_hold_is_told_in_a_pax_record() {
        let size = MOST_OCTAL + 1;
        let sha256 = Digest::new(Algorithm::Sha256, [0; 32]).unwrap();
        let plan = TarPlan::new("sid", [Packing { path: "data/a".to_owned(), size, sha256 }], 0);
        let header = &plan.files[0].header;
        assert_eq!(header.len(), 3 * 512);
        assert!(header[512..].starts_with(b"19 size=8589934592\n"));
        assert_eq!(plan.size, 3 * 512 + size + 1024);
    }

    #[test]
    fn an_index_line_that_leads_out_of_the_bag_or_past_all_numbers_is_passed_over() {
        let sha = "0".repeat(64);
        for line in [
            format!("0\t1\t{sha}\t../a"),
            format!("{}\t1\t{sha}\tdata/a", u64::MAX),
            format!("0\t1\t{}\tdata/a", &sha[1..]),
            format!("x\t1\t{sha}\tdata/a"),
            "0\t1".to_owned(),
        ] {
            assert_eq!(read_index(line.as_bytes()).count(), 0, "{line}");
        }
        assert_eq!(read_index(format!("0\t1\t{sha}\tdata/a\n").as_bytes()).count(), 1);
    }
}
