//! Digests: what a store publishes about an object, and what was computed from the bytes.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;

/// How a digest was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// SHA-256: `x-amz-checksum-sha256`, and always ours for the manifest.
    Sha256,
    /// SHA-1: `x-amz-checksum-sha1`.
    Sha1,
    /// Qiniu's hash of objects ("qetag", qiniu/qetag on GitHub, 2024): one byte that tells the form, then a
    /// SHA-1. Up to 4 MiB the form is `0x16` and the SHA-1 that of the bytes; above, it is `0x96` and the
    /// SHA-1 that of the SHA-1s of all blocks of 4 MiB. As strong as SHA-1, and as fast.
    Qetag,
    /// CRC-64/NVME: `x-amz-checksum-crc64nvme`.
    Crc64Nvme,
    /// CRC-64/XZ: what Aliyun calls `crc64ecma`.
    Crc64Xz,
    /// CRC-32C (Castagnoli): `x-amz-checksum-crc32c`.
    Crc32c,
    /// CRC-32 (ISO-HDLC): `x-amz-checksum-crc32`.
    Crc32,
    /// MD5: the ETag of an object that was uploaded to S3 in one piece without KMS, and `Content-MD5`.
    Md5,
}

impl Algorithm {
    /// The number of bytes of a digest.
    #[must_use]
    pub fn digest_bytes(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Qetag => 21,
            Self::Sha1 => 20,
            Self::Md5 => 16,
            Self::Crc64Nvme | Self::Crc64Xz => 8,
            Self::Crc32c | Self::Crc32 => 4,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sha256 => "sha256",
            Self::Sha1 => "sha1",
            Self::Qetag => "qetag",
            Self::Crc64Nvme => "crc64nvme",
            Self::Crc64Xz => "crc64xz",
            Self::Crc32c => "crc32c",
            Self::Crc32 => "crc32",
            Self::Md5 => "md5",
        })
    }
}

/// One digest of one object, big-endian.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest {
    algorithm: Algorithm,
    /// In place: each object has several. What is behind those of the algorithm is zero.
    bytes: [u8; MAX_BYTES],
}

const MAX_BYTES: usize = 32;

impl Digest {
    /// A digest from its bytes, or `None` where their number does not fit the algorithm.
    #[must_use]
    pub fn new(algorithm: Algorithm, bytes: impl AsRef<[u8]>) -> Option<Self> {
        let found = bytes.as_ref();
        let mut bytes = [0; MAX_BYTES];
        if found.len() != algorithm.digest_bytes() {
            return None;
        }
        bytes[..found.len()].copy_from_slice(found);
        Some(Self { algorithm, bytes })
    }

    /// A digest from hexadecimal text in either case.
    #[must_use]
    pub fn from_hex(algorithm: Algorithm, text: &str) -> Option<Self> {
        Self::new(algorithm, hex::decode(text).ok()?)
    }

    /// A qetag from the text that Qiniu writes, for an object of `size` bytes.
    ///
    /// `None` where it could not be compared with the bytes: another form than the two of
    /// [`Algorithm::Qetag`] (objects that were uploaded in parts of another length have others), or one that
    /// does not go with the size. Such a tag is no evidence, neither for the bytes nor against them.
    #[must_use]
    pub fn from_qetag(text: &str, size: u64) -> Option<Self> {
        // 21 bytes take 28 signs and no padding.
        let bytes = if text.len() == 28 { URL_SAFE.decode(text).ok()? } else { return None };
        Self::new(Algorithm::Qetag, bytes).filter(|digest| digest.bytes[0] == qetag_form(size))
    }

    /// The text that Qiniu writes for a qetag; `None` for any other digest.
    #[must_use]
    pub fn qetag_text(&self) -> Option<String> {
        (self.algorithm == Algorithm::Qetag).then(|| URL_SAFE.encode(self.bytes()))
    }

    /// How it was made.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Its bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.algorithm.digest_bytes()]
    }

    /// Its bytes in lower-case hexadecimal.
    #[must_use]
    pub fn hex(&self) -> String {
        hex::encode(self.bytes())
    }
}

/// What a store's digests of the bytes that it got say beside our own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// Those that can be compared are equal, and there is one at least; the strongest of them.
    Agrees(Algorithm),
    /// This one is another.
    Differs(Algorithm),
    /// None can be compared.
    Silent,
}

/// Compares digests of the same kinds.
#[must_use]
pub fn compare(ours: &[Digest], theirs: &[Digest]) -> Comparison {
    let of = |algorithm| ours.iter().find(|digest| digest.algorithm == algorithm);
    let mut found = Comparison::Silent;
    for digest in theirs {
        match of(digest.algorithm) {
            Some(our) if our == digest => {
                let best = match found {
                    Comparison::Agrees(before) => before.min(digest.algorithm),
                    Comparison::Silent | Comparison::Differs(_) => digest.algorithm,
                };
                found = Comparison::Agrees(best);
            }
            Some(_) => return Comparison::Differs(digest.algorithm),
            None => {}
        }
    }
    found
}

/// The length of the blocks that a qetag is made of.
pub const QETAG_BLOCK: usize = 4 * 1024 * 1024;

/// The first byte of the qetag of an object of this many bytes.
#[must_use]
pub fn qetag_form(size: u64) -> u8 {
    if size <= QETAG_BLOCK as u64 { 0x16 } else { 0x96 }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.algorithm, self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_has_the_length_of_its_algorithm() {
        assert!(Digest::from_hex(Algorithm::Md5, "d41d8cd98f00b204e9800998ecf8427e").is_some());
        assert_eq!(Digest::from_hex(Algorithm::Sha256, "d41d8cd98f00b204e9800998ecf8427e"), None);
        assert_eq!(Digest::from_hex(Algorithm::Crc32, "xyz"), None);
        let crc = Digest::new(Algorithm::Crc32, [0, 1, 2, 255]).unwrap();
        assert_eq!(crc.to_string(), "crc32:000102ff");
    }

    #[test]
    fn one_digest_that_differs_counts_more_than_all_that_agree() {
        let sha256 = Digest::new(Algorithm::Sha256, [1; 32]).unwrap();
        let (md5, other) =
            (Digest::new(Algorithm::Md5, [1; 16]).unwrap(), Digest::new(Algorithm::Md5, [2; 16]).unwrap());
        let ours = [sha256.clone(), md5.clone()];
        let crc = Digest::new(Algorithm::Crc32, [0; 4]).unwrap();
        for (theirs, expected) in [
            (&[][..], Comparison::Silent),
            (std::slice::from_ref(&crc), Comparison::Silent),
            (&[md5.clone(), crc.clone()], Comparison::Agrees(Algorithm::Md5)),
            (&[md5, sha256.clone()], Comparison::Agrees(Algorithm::Sha256)),
            (&[sha256, other], Comparison::Differs(Algorithm::Md5)),
        ] {
            assert_eq!(compare(&ours, theirs), expected, "{theirs:?}");
        }
    }

    #[test]
    fn a_qetag_is_claimed_only_where_it_can_be_compared() {
        let (small, large) = ("FuwQ-vpd56Izwiom1JHzCIdrQa4_", "lieGn00gWdbfwEIHaUpzu4drHeun");
        let block = QETAG_BLOCK as u64;
        for (text, size, claimed) in [
            (small, block, true),
            (small, 0, true),
            (large, block + 1, true),
            // The form does not go with the size.
            (small, block + 1, false),
            (large, block, false),
            // Forms of other uploads: 0x15, 0x9e.
            ("FewQ-vpd56Izwiom1JHzCIdrQa4_", 5, false),
            ("nieGn00gWdbfwEIHaUpzu4drHeun", block + 1, false),
            // No such text at all.
            ("FuwQ+vpd56Izwiom1JHzCIdrQa4/", 5, false),
            ("FuwQ-vpd56Izwiom1JHzCIdrQa4", 5, false),
            ("FuwQ-vpd56Izwiom1JHzCIdrQa4_=", 5, false),
            ("d41d8cd98f00b204e9800998ecf8427e", 0, false),
            ("频频频频频频频频频a", 0, false),
            ("", 0, false),
        ] {
            let digest = Digest::from_qetag(text, size);
            assert_eq!(digest.is_some(), claimed, "{text} {size}");
            if let Some(digest) = digest {
                assert_eq!(digest.qetag_text().as_deref(), Some(text));
                assert_eq!(digest.algorithm(), Algorithm::Qetag);
            }
        }
        let md5 = Digest::from_hex(Algorithm::Md5, "d41d8cd98f00b204e9800998ecf8427e").unwrap();
        assert_eq!(md5.qetag_text(), None);
    }
}
