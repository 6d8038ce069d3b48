//! Digests: what a store publishes about an object, and what was computed from the bytes.

use std::fmt;

/// How a digest was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// SHA-256: `x-amz-checksum-sha256`, and always ours for the manifest.
    Sha256,
    /// SHA-1: `x-amz-checksum-sha1`.
    Sha1,
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
    bytes: Vec<u8>,
}

impl Digest {
    /// A digest from its bytes, or `None` where their number does not fit the algorithm.
    #[must_use]
    pub fn new(algorithm: Algorithm, bytes: impl Into<Vec<u8>>) -> Option<Self> {
        let bytes = bytes.into();
        (bytes.len() == algorithm.digest_bytes()).then_some(Self { algorithm, bytes })
    }

    /// A digest from hexadecimal text in either case.
    #[must_use]
    pub fn from_hex(algorithm: Algorithm, text: &str) -> Option<Self> {
        Self::new(algorithm, hex::decode(text).ok()?)
    }

    /// How it was made.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Its bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Its bytes in lower-case hexadecimal.
    #[must_use]
    pub fn hex(&self) -> String {
        hex::encode(&self.bytes)
    }
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
}
