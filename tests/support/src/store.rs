//! What the servers serve: named objects in memory, in files, or made up as they are read.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::{Arc, OnceLock, RwLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD as BASE64, URL_SAFE};
use bytes::Bytes;
use crc_fast::CrcAlgorithm;
use md5::{Digest as _, Md5};
use sha1::Sha1;
use sha2::Sha256;

/// Files larger than this are read as they are served, not kept in memory.
const IN_MEMORY: u64 = 16 * 1024 * 1024;

/// How much of a file is read at a time.
const FILE_CHUNK: u64 = 256 * 1024;

/// Length of the one block all pattern objects are cut from: a prime, so that no power of two lines up
/// with it and bytes put at a wrong offset are seen.
const PATTERN_BLOCK: usize = 1_048_583;

/// Length of the blocks that Kodo hashes.
const QETAG_BLOCK: usize = 4 << 20;

/// 2026-09-20 13:00:00 UTC: when an object was last changed, unless it says otherwise.
const LAST_MODIFIED: u64 = 1_789_909_200;

/// A set of objects by key. Clones share the same set, so that a test may change it under a server.
#[derive(Clone, Default)]
pub struct Objects {
    map: Arc<RwLock<BTreeMap<String, Object>>>,
    /// How restores of archived objects go.
    pub thaws: crate::thaw::Thaws,
}

impl Objects {
    /// An empty set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Every file under `dir`, as it is now, keyed by its path relative to `dir` with `/` between names.
    pub fn from_dir(dir: impl AsRef<Path>) -> io::Result<Self> {
        let objects = Self::new();
        let mut open = vec![(dir.as_ref().to_path_buf(), String::new())];
        while let Some((folder, prefix)) = open.pop() {
            for entry in std::fs::read_dir(&folder)? {
                let entry = entry?;
                let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
                if entry.file_type()?.is_dir() {
                    open.push((entry.path(), format!("{name}/")));
                } else {
                    objects.put(name, Object::file(entry.path())?);
                }
            }
        }
        Ok(objects)
    }

    /// Adds or replaces one object.
    pub fn put(&self, key: impl Into<String>, object: impl Into<Object>) -> &Self {
        self.map.write().expect("lock").insert(key.into(), object.into());
        self
    }

    /// Takes one object away, as a deletion in the bucket would.
    pub fn remove(&self, key: &str) -> Option<Object> {
        self.map.write().expect("lock").remove(key)
    }

    /// The object of this key.
    pub fn get(&self, key: &str) -> Option<Object> {
        self.map.read().expect("lock").get(key).cloned()
    }

    /// Changes every object in place.
    pub fn change_all(&self, how: impl Fn(Object) -> Object) {
        for object in self.map.write().expect("lock").values_mut() {
            *object = how(object.clone());
        }
    }

    /// Changes one object in place: `objects.change(key, |o| o.storage_class("GLACIER"))`.
    pub fn change(&self, key: &str, how: impl FnOnce(Object) -> Object) {
        let object = self.get(key).unwrap_or_else(|| panic!("no object {key}"));
        self.put(key, how(object));
    }

    /// All keys, in byte order.
    pub fn keys(&self) -> Vec<String> {
        self.map.read().expect("lock").keys().cloned().collect()
    }

    /// The objects whose key is greater than or equal to `from` and starts with `prefix`, in byte order,
    /// given to `each` until it answers false.
    pub fn walk(&self, from: &str, prefix: &str, mut each: impl FnMut(&str, &Object) -> bool) {
        let start = from.max(prefix).to_owned();
        for (key, object) in self.map.read().expect("lock").range(start..) {
            if !key.starts_with(prefix) || !each(key, object) {
                break;
            }
        }
    }
}

/// One object: its bytes and what a bucket says about them.
#[derive(Clone)]
pub struct Object {
    body: Body,
    /// `Content-Type`.
    pub content_type: String,
    /// Unix seconds of `Last-Modified`.
    pub last_modified: u64,
    /// `x-amz-storage-class` when it is not STANDARD.
    pub class: Option<String>,
    /// What became of a restore of an archived object.
    pub restore: Restore,
    /// `x-amz-server-side-encryption`, e.g. `aws:kms`.
    pub encryption: Option<String>,
    /// Tags as they came: a query.
    pub tagging: Option<String>,
    /// The checksums the bucket keeps: algorithm (lower case, as in the header name) and value. OSS makes
    /// up its own where there is none.
    pub checksums: Vec<(&'static str, String)>,
    /// `x-amz-checksum-type`.
    pub checksum_type: &'static str,
    /// Whether the plain web server tells the length.
    pub framing: Framing,
    etag: Option<String>,
    md5: Arc<OnceLock<String>>,
    qetag: Arc<OnceLock<String>>,
}

/// How the plain web server sends an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// With `Content-Length`.
    Length,
    /// Chunked, without a length.
    Chunked,
}

/// The restore state of an object in an archive class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Restore {
    /// Nobody asked.
    Never,
    /// Asked for, not there yet: `ongoing-request="true"`.
    Running,
    /// Readable again until the Unix second given.
    Until(u64),
    /// Asked for, there at one time and archived again at another.
    Due {
        /// When it can be read.
        at: SystemTime,
        /// When it no longer can.
        until: SystemTime,
    },
}

/// Checksums a bucket may keep beside an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checksum {
    /// CRC-64/NVME, what S3 gives each new object since December 2024.
    Crc64Nvme,
    /// CRC-64/XZ, what OSS gives each object and calls `crc64ecma`.
    Crc64Xz,
    /// CRC-32.
    Crc32,
    /// CRC-32C.
    Crc32c,
    /// SHA-256.
    Sha256,
}

#[derive(Clone)]
enum Body {
    Memory(Bytes),
    /// The block again and again, beginning at byte `turn` of it.
    Repeat {
        block: Bytes,
        len: u64,
        turn: u64,
    },
    File {
        file: Arc<File>,
        len: u64,
    },
}

impl Object {
    /// An object of these bytes.
    pub fn new(bytes: impl Into<Bytes>) -> Self {
        Self::of(Body::Memory(bytes.into()))
    }

    /// An object of `len` bytes that are made up as they are read: any length, no memory. Different seeds
    /// give different bytes. Its ETag has the form of a multipart upload's unless
    /// [`Object::with_md5_etag`] asks for the MD5.
    pub fn pattern(len: u64, seed: u64) -> Self {
        let turn = seed.wrapping_mul(40_503) % PATTERN_BLOCK as u64;
        let mut object = Self::of(Body::Repeat { block: pattern_block().clone(), len, turn });
        object.etag = Some(multipart_etag(seed, len));
        object
    }

    /// An object of `len` bytes that is this block again and again: a long segment out of a short one,
    /// with no more memory than the block. ETag as for [`Object::pattern`].
    pub fn repeat(block: impl Into<Bytes>, len: u64) -> Self {
        let block = block.into();
        assert!(!block.is_empty(), "nothing to repeat");
        let seed = block.len() as u64;
        let mut object = Self::of(Body::Repeat { block, len, turn: 0 });
        object.etag = Some(multipart_etag(seed, len));
        object
    }

    /// An object of this file's bytes; a large file is read as it is served.
    pub fn file(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref();
        let file = File::open(path)?;
        let meta = file.metadata()?;
        let body = if meta.len() <= IN_MEMORY {
            Body::Memory(std::fs::read(path)?.into())
        } else {
            Body::File { file: Arc::new(file), len: meta.len() }
        };
        let mut object = Self::of(body);
        object.content_type = content_type(path).to_owned();
        if let Ok(since) = meta.modified().unwrap_or(UNIX_EPOCH).duration_since(UNIX_EPOCH) {
            object.last_modified = since.as_secs();
        }
        Ok(object)
    }

    fn of(body: Body) -> Self {
        Self {
            body,
            content_type: "application/octet-stream".to_owned(),
            last_modified: LAST_MODIFIED,
            class: None,
            restore: Restore::Never,
            encryption: None,
            tagging: None,
            checksums: Vec::new(),
            checksum_type: "FULL_OBJECT",
            framing: Framing::Length,
            etag: None,
            md5: Arc::default(),
            qetag: Arc::default(),
        }
    }

    /// The same with other bytes, of which nothing is known yet.
    pub fn with_bytes(self, bytes: impl Into<Bytes>) -> Self {
        Self {
            body: Body::Memory(bytes.into()),
            checksums: Vec::new(),
            etag: None,
            md5: Arc::default(),
            qetag: Arc::default(),
            ..self
        }
    }

    /// Says what the bytes are.
    pub fn content_type(mut self, value: &str) -> Self {
        self.content_type = value.to_owned();
        self
    }

    /// Gives the S3 ETag as it stands in the header, quotes added when absent.
    pub fn with_etag(mut self, value: &str) -> Self {
        self.etag = Some(if value.starts_with('"') { value.to_owned() } else { format!("\"{value}\"") });
        self
    }

    /// Makes the S3 ETag the MD5 of the bytes (which reads them all once, when first asked).
    pub fn with_md5_etag(mut self) -> Self {
        self.etag = None;
        self
    }

    /// Makes the S3 ETag that of an upload in parts, which is no MD5 of the bytes.
    pub fn with_multipart_etag(mut self) -> Self {
        self.etag = Some(multipart_etag(self.last_modified, self.len()));
        self
    }

    /// Puts the object into a storage class, e.g. `DEEP_ARCHIVE`.
    pub fn storage_class(mut self, class: &str) -> Self {
        self.class = Some(class.to_owned());
        self
    }

    /// Sets what became of a restore.
    pub fn restored(mut self, restore: Restore) -> Self {
        self.restore = restore;
        self
    }

    /// Encrypted with a KMS key: the ETag then is no MD5.
    pub fn with_kms(mut self) -> Self {
        self.encryption = Some("aws:kms".to_owned());
        let reversed: String = self.md5_hex().chars().rev().collect();
        self.with_etag(&reversed)
    }

    /// Keeps the right checksum of the bytes (reads them all once, now).
    pub fn with_checksum(self, algorithm: Checksum) -> Self {
        let value = self.checksum(algorithm);
        self.with_checksum_value(algorithm, &value)
    }

    /// Keeps this checksum, right or wrong.
    pub fn with_checksum_value(mut self, algorithm: Checksum, base64: &str) -> Self {
        self.checksums.push((algorithm.name(), base64.to_owned()));
        self
    }

    /// Marks the checksums as those of a multipart upload (a checksum of the parts' checksums).
    pub fn composite(mut self) -> Self {
        self.checksum_type = "COMPOSITE";
        self
    }

    /// Has the plain web server send it chunked, without a length.
    pub fn chunked(mut self) -> Self {
        self.framing = Framing::Chunked;
        self
    }

    /// Sets `Last-Modified`, in Unix seconds.
    pub fn modified(mut self, unix_seconds: u64) -> Self {
        self.last_modified = unix_seconds;
        self
    }

    /// `Last-Modified` as a clock time.
    pub fn modified_time(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(self.last_modified)
    }

    /// Number of bytes.
    pub fn len(&self) -> u64 {
        match &self.body {
            Body::Memory(bytes) => bytes.len() as u64,
            Body::Repeat { len, .. } | Body::File { len, .. } => *len,
        }
    }

    /// Whether it has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The ETag an S3 bucket gives, with its quotes: the MD5 unless one was set.
    pub fn etag(&self) -> String {
        self.etag.clone().unwrap_or_else(|| format!("\"{}\"", self.md5_hex()))
    }

    /// The hash that Kodo gives, without quotes: the qetag unless a tag was set.
    pub fn kodo_hash(&self) -> String {
        match &self.etag {
            Some(etag) => etag.trim_matches('"').to_owned(),
            None => self.qetag(),
        }
    }

    /// Kodo's hash of the bytes (reads them all once, when first asked).
    pub fn qetag(&self) -> String {
        self.qetag
            .get_or_init(|| {
                let mut sha1s: Vec<u8> = Vec::new();
                let (mut block, mut room) = (Sha1::new(), QETAG_BLOCK);
                for chunk in self.chunks(0..self.len()) {
                    let mut chunk = chunk.expect("the object can be read");
                    while !chunk.is_empty() {
                        let now = chunk.split_to(chunk.len().min(room));
                        block.update(&now);
                        room -= now.len();
                        if room == 0 {
                            sha1s.extend_from_slice(&block.finalize_reset());
                            room = QETAG_BLOCK;
                        }
                    }
                }
                if room < QETAG_BLOCK || sha1s.is_empty() {
                    sha1s.extend_from_slice(&block.finalize());
                }
                let (form, sha1) = match sha1s.len() {
                    20 => (0x16, sha1s),
                    _ => (0x96, Sha1::digest(&sha1s).to_vec()),
                };
                URL_SAFE.encode([&[form], &sha1[..]].concat())
            })
            .clone()
    }

    /// The ETag a plain web server gives: seconds and length, nothing about the bytes.
    pub fn web_etag(&self) -> String {
        format!("\"{:x}-{:x}\"", self.last_modified, self.len())
    }

    /// CRC-64/XZ of the bytes (reads them all).
    pub fn crc64_xz(&self) -> u64 {
        let mut crc = crc_fast::Digest::new(CrcAlgorithm::Crc64Xz);
        self.chunks(0..self.len()).for_each(|chunk| crc.update(&chunk.expect("the object can be read")));
        crc.finalize()
    }

    /// MD5 of the bytes, as `Content-MD5` has it.
    pub fn md5_base64(&self) -> String {
        BASE64.encode(hex::decode(self.md5_hex()).expect("hexadecimal"))
    }

    /// MD5 of the bytes, hexadecimal.
    pub fn md5_hex(&self) -> String {
        self.md5
            .get_or_init(|| {
                let mut md5 = Md5::new();
                self.chunks(0..self.len()).for_each(|chunk| md5.update(chunk.expect("readable")));
                hex::encode(md5.finalize())
            })
            .clone()
    }

    /// One checksum of the bytes in S3's form, base64.
    pub fn checksum(&self, algorithm: Checksum) -> String {
        let crc = |which, width: usize| {
            let mut digest = crc_fast::Digest::new(which);
            self.chunks(0..self.len()).for_each(|chunk| digest.update(&chunk.expect("readable")));
            BASE64.encode(&digest.finalize().to_be_bytes()[8 - width..])
        };
        match algorithm {
            Checksum::Crc64Nvme => crc(CrcAlgorithm::Crc64Nvme, 8),
            Checksum::Crc64Xz => crc(CrcAlgorithm::Crc64Xz, 8),
            Checksum::Crc32 => crc(CrcAlgorithm::Crc32IsoHdlc, 4),
            Checksum::Crc32c => crc(CrcAlgorithm::Crc32Iscsi, 4),
            Checksum::Sha256 => {
                let mut sha = Sha256::new();
                self.chunks(0..self.len()).for_each(|chunk| sha.update(chunk.expect("readable")));
                BASE64.encode(sha.finalize())
            }
        }
    }

    /// Whether a GET is refused because the object lies in an archive.
    pub fn is_frozen(&self) -> bool {
        let archived = matches!(self.class.as_deref(), Some("GLACIER" | "DEEP_ARCHIVE"));
        archived && !matches!(self.restore_now(), Restore::Until(_))
    }

    /// All bytes. For small objects.
    pub fn bytes(&self) -> Bytes {
        if let Body::Memory(bytes) = &self.body {
            return bytes.clone();
        }
        let mut all = Vec::with_capacity(self.len() as usize);
        self.chunks(0..self.len()).for_each(|chunk| all.extend_from_slice(&chunk.expect("readable")));
        all.into()
    }

    /// The bytes of a range, piece by piece, without copying those that are in memory.
    pub fn chunks(&self, range: Range<u64>) -> Chunks {
        Chunks { body: self.body.clone(), at: range.start, end: range.end.min(self.len()) }
    }
}

impl<T: Into<Bytes>> From<T> for Object {
    fn from(bytes: T) -> Self {
        Self::new(bytes)
    }
}

impl Checksum {
    /// The algorithm as it stands in the header name `x-amz-checksum-<name>`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Crc64Nvme => "crc64nvme",
            Self::Crc64Xz => "crc64ecma",
            Self::Crc32 => "crc32",
            Self::Crc32c => "crc32c",
            Self::Sha256 => "sha256",
        }
    }
}

/// Iterator over the pieces of an object's range.
pub struct Chunks {
    body: Body,
    at: u64,
    end: u64,
}

impl Iterator for Chunks {
    type Item = io::Result<Bytes>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.end {
            return None;
        }
        let left = self.end - self.at;
        let piece = match &self.body {
            Body::Memory(bytes) => bytes.slice(self.at as usize..self.end as usize),
            Body::Repeat { block, turn, .. } => {
                let from = ((self.at + turn) % block.len() as u64) as usize;
                let n = left.min((block.len() - from) as u64) as usize;
                block.slice(from..from + n)
            }
            Body::File { file, .. } => {
                let mut buffer = vec![0; left.min(FILE_CHUNK) as usize];
                if let Err(error) = file.read_exact_at(&mut buffer, self.at) {
                    self.at = self.end;
                    return Some(Err(error));
                }
                buffer.into()
            }
        };
        self.at += piece.len() as u64;
        Some(Ok(piece))
    }
}

/// The block of made-up bytes (xorshift from a fixed seed, so the same on every machine).
fn pattern_block() -> &'static Bytes {
    static BLOCK: OnceLock<Bytes> = OnceLock::new();
    BLOCK.get_or_init(|| {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut block = Vec::with_capacity(PATTERN_BLOCK + 8);
        while block.len() < PATTERN_BLOCK {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            block.extend_from_slice(&state.to_le_bytes());
        }
        block.truncate(PATTERN_BLOCK);
        block.into()
    })
}

/// An ETag in the form of a multipart upload's: no MD5 of the bytes.
fn multipart_etag(seed: u64, len: u64) -> String {
    format!("\"{seed:016x}{len:016x}-{}\"", len.div_ceil(8 * 1024 * 1024).max(1))
}

fn content_type(path: &Path) -> &'static str {
    match path.extension().and_then(|ext| ext.to_str()) {
        Some("m3u8") => "application/x-mpegURL",
        Some("ts") => "video/MP2T",
        Some("mp4") => "video/mp4",
        Some("json") => "application/json",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_those_of_the_published_check_string() {
        let object = Object::new("123456789");
        for (algorithm, hex) in [
            (Checksum::Crc64Nvme, "ae8b14860a799888"),
            (Checksum::Crc64Xz, "995dc9bbdf1939fa"),
            (Checksum::Crc32, "cbf43926"),
            (Checksum::Crc32c, "e3069283"),
            (Checksum::Sha256, "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"),
        ] {
            let want = BASE64.encode(hex::decode(hex).expect("hex"));
            assert_eq!(object.checksum(algorithm), want, "{algorithm:?}");
        }
        assert_eq!(object.etag(), "\"25f9e794323b453885f5181f1b624d0b\"");
    }

    #[test]
    fn kodos_hash_is_that_of_its_documents() {
        for (bytes, want) in [
            (Vec::new(), "Fto5o-5ea0sNMlW_75VgGJCv2AcJ"),
            (b"hello".to_vec(), "Fqr0xh3cxeii2r7eDztILNmuqUNN"),
            (vec![b'a'; QETAG_BLOCK], "FuwQ-vpd56Izwiom1JHzCIdrQa4_"),
            (vec![b'a'; QETAG_BLOCK + 1], "lieGn00gWdbfwEIHaUpzu4drHeun"),
        ] {
            assert_eq!(Object::new(bytes).kodo_hash(), want);
        }
        assert_eq!(Object::new("hello").with_etag("x").kodo_hash(), "x");
    }

    #[test]
    fn a_pattern_is_the_same_whichever_way_it_is_read_and_differs_by_seed() {
        let object = Object::pattern(3_000_000, 7);
        let whole = object.bytes();
        assert_eq!(whole.len(), 3_000_000);
        for range in [0..1, 1_048_000..1_049_000, 2_999_999..3_000_000] {
            let part: Vec<u8> = object.chunks(range.clone()).flat_map(|c| c.expect("made up")).collect();
            assert_eq!(part, whole[range.start as usize..range.end as usize], "{range:?}");
        }
        assert_ne!(Object::pattern(1000, 1).bytes(), Object::pattern(1000, 2).bytes());
        assert_ne!(whole[..1_000_000], whole[1_000_000..2_000_000]);
    }

    #[test]
    fn a_folder_becomes_keys_with_slashes() {
        let dir = tempfile::tempdir().expect("folder");
        std::fs::create_dir(dir.path().join("a")).expect("folder");
        std::fs::write(dir.path().join("a/b c.ts"), "x").expect("file");
        std::fs::write(dir.path().join("z.m3u8"), "y").expect("file");
        let objects = Objects::from_dir(dir.path()).expect("read");
        assert_eq!(objects.keys(), ["a/b c.ts", "z.m3u8"]);
        assert_eq!(objects.get("a/b c.ts").expect("there").content_type, "video/MP2T");
    }
}
