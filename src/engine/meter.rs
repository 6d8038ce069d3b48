//! Everything that is computed from bytes while they pass: digests and structure, in one go.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use crc_fast::{CrcAlgorithm, Digest as Crc};
use sha1::{Digest as _, Sha1};

use super::examining::{Examination, Look};
use super::hashing::{Hasher, Hashing, Stopped};
use super::qetag::Qetag;
use crate::domain::digest::{Algorithm, Digest};
use crate::domain::verdict::{Content, Framing, Observation};
use crate::hash::Sums;

/// Measures one body.
pub(super) struct Meter {
    size: u64,
    sums: Sums,
    hasher: Hasher,
    others: Vec<Other>,
    structure: Examination,
}

enum Other {
    Sha1(Box<Sha1>),
    Qetag(Box<Qetag>),
    Crc(Algorithm, Box<Crc>),
}

impl Other {
    fn algorithm(&self) -> Algorithm {
        match self {
            Self::Sha1(_) => Algorithm::Sha1,
            Self::Qetag(_) => Algorithm::Qetag,
            Self::Crc(algorithm, _) => *algorithm,
        }
    }
}

impl Meter {
    /// Measures what `published` and what another place `vouched` for need, and no more: MD5 costs twice what
    /// SHA-256 does, so it is computed only where it is the best that a store has.
    pub(super) fn new(content: Content, published: &[Digest], vouched: &[Digest]) -> Self {
        let best = |digests: &[Digest]| digests.iter().map(Digest::algorithm).min();
        let wanted: BTreeSet<_> = best(published).into_iter().chain(best(vouched)).collect();
        let mut meter = Self {
            size: 0,
            sums: Sums::Sha256,
            hasher: Hasher::alone(Sums::Sha256),
            others: Vec::new(),
            structure: Examination::new(content),
        };
        meter.compute(wanted);
        meter
    }

    /// The same, before the first byte: computes these besides.
    pub(super) fn also(mut self, algorithms: &[Algorithm]) -> Self {
        let known: BTreeSet<_> = self.others.iter().map(Other::algorithm).collect();
        self.compute(algorithms.iter().copied().filter(|algorithm| !known.contains(algorithm)));
        self
    }

    fn compute(&mut self, wanted: impl IntoIterator<Item = Algorithm>) {
        for algorithm in wanted {
            match algorithm {
                Algorithm::Sha1 => self.others.push(Other::Sha1(Box::default())),
                Algorithm::Qetag => self.others.push(Other::Qetag(Box::default())),
                Algorithm::Crc64Nvme => self.others.push(crc(algorithm, CrcAlgorithm::Crc64Nvme)),
                Algorithm::Crc64Xz => self.others.push(crc(algorithm, CrcAlgorithm::Crc64Xz)),
                Algorithm::Crc32c => self.others.push(crc(algorithm, CrcAlgorithm::Crc32Iscsi)),
                Algorithm::Crc32 => self.others.push(crc(algorithm, CrcAlgorithm::Crc32IsoHdlc)),
                Algorithm::Md5 => self.sums = Sums::Sha256AndMd5,
                // It always is.
                Algorithm::Sha256 => {}
            }
        }
        self.hasher = Hasher::alone(self.sums);
    }

    /// The same, before the first byte: how closely the structure is looked at.
    pub(super) fn looking(mut self, content: Content, look: Look) -> Self {
        self.structure = Examination::looking(content, look);
        self
    }

    /// The same, before the first byte: hashed side by side with other objects.
    pub(super) fn among(mut self, hashing: &Arc<Hashing>) -> Self {
        self.hasher = hashing.message(self.sums);
        self
    }

    /// The same, before the first byte: hashed alone, on the thread that brings the bytes.
    pub(super) fn alone(mut self) -> Self {
        self.hasher = Hasher::alone(self.sums);
        self
    }

    pub(super) fn push(&mut self, bytes: Bytes) {
        self.look(&bytes);
        self.hasher.push(bytes);
    }

    /// Takes bytes that somebody else keeps.
    pub(super) fn push_slice(&mut self, bytes: &[u8]) {
        self.look(bytes);
        match &mut self.hasher {
            Hasher::Alone(message) => message.update(bytes),
            together @ Hasher::Together(_) => together.push(Bytes::copy_from_slice(bytes)),
        }
    }

    fn look(&mut self, bytes: &[u8]) {
        self.size += bytes.len() as u64;
        for other in &mut self.others {
            match other {
                Other::Sha1(sha1) => sha1.update(bytes),
                Other::Qetag(qetag) => qetag.push(bytes),
                Other::Crc(_, crc) => crc.update(bytes),
            }
        }
        self.structure.push(bytes);
    }

    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Ends the body.
    ///
    /// # Errors
    /// Where the program is being stopped: nothing can be said of the body then.
    pub(super) async fn finish(self, framing: Framing) -> Result<Observation, Stopped> {
        let hashed = self.hasher.finish().await?;
        let mut digests: Vec<_> = Digest::new(Algorithm::Sha256, hashed.sha256).into_iter().collect();
        digests.extend(hashed.md5.and_then(|md5| Digest::new(Algorithm::Md5, md5)));
        for other in self.others {
            digests.extend(match other {
                Other::Sha1(sha1) => Digest::new(Algorithm::Sha1, sha1.finalize()),
                Other::Qetag(qetag) => Digest::new(Algorithm::Qetag, qetag.finish()),
                Other::Crc(algorithm, crc) => {
                    let bytes = crc.finalize().to_be_bytes();
                    Digest::new(algorithm, &bytes[8 - algorithm.digest_bytes()..])
                }
            });
        }
        let structure = self.structure.finish();
        Ok(Observation { size: self.size, framing, digests, structure })
    }
}

fn crc(algorithm: Algorithm, kind: CrcAlgorithm) -> Other {
    Other::Crc(algorithm, Box::new(Crc::new(kind)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::verdict::{Page, Structure};

    fn seen(meter: Meter) -> Observation {
        let finish = meter.finish(Framing::Length);
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(finish).unwrap()
    }

    fn digest_of(algorithm: Algorithm, text: &[u8]) -> String {
        let published = Digest::new(algorithm, vec![0; algorithm.digest_bytes()]).unwrap();
        let mut meter = Meter::new(Content::Opaque, &[published], &[]);
        for byte in text.chunks(1) {
            meter.push_slice(byte);
        }
        let seen = seen(meter);
        seen.digests.iter().find(|d| d.algorithm() == algorithm).unwrap().hex()
    }

    #[test]
    fn every_algorithm_gives_its_check_value() {
        // The check values of the catalogue of CRCs, and of RFC 1321, FIPS 180-4.
        for (algorithm, expected) in [
            (Algorithm::Crc32, "cbf43926"),
            (Algorithm::Crc32c, "e3069283"),
            (Algorithm::Crc64Nvme, "ae8b14860a799888"),
            (Algorithm::Crc64Xz, "995dc9bbdf1939fa"),
            (Algorithm::Md5, "25f9e794323b453885f5181f1b624d0b"),
            (Algorithm::Sha1, "f7c3bc1d808e04732adf679965ccc34ca7ae3441"),
            (Algorithm::Qetag, "16f7c3bc1d808e04732adf679965ccc34ca7ae3441"),
            (Algorithm::Sha256, "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"),
        ] {
            assert_eq!(digest_of(algorithm, b"123456789"), expected, "{algorithm}");
        }
    }

    #[test]
    fn only_the_best_digest_is_computed() {
        let md5 = Digest::new(Algorithm::Md5, [0; 16]).unwrap();
        let crc = Digest::new(Algorithm::Crc64Nvme, [0; 8]).unwrap();
        let sha1 = Digest::new(Algorithm::Sha1, [0; 20]).unwrap();
        let meter = Meter::new(Content::Opaque, &[md5.clone(), crc.clone()], &[]);
        let found: Vec<_> = seen(meter).digests.iter().map(Digest::algorithm).collect();
        assert_eq!(found, [Algorithm::Sha256, Algorithm::Crc64Nvme]);
        let meter = Meter::new(Content::Opaque, &[md5, crc], &[sha1]);
        let found: Vec<_> = seen(meter).digests.iter().map(Digest::algorithm).collect();
        assert_eq!(found, [Algorithm::Sha256, Algorithm::Sha1, Algorithm::Crc64Nvme]);
    }

    #[test]
    fn a_page_in_the_place_of_media_is_seen() {
        let contents = [
            Content::TransportStream,
            Content::WebM,
            Content::Mp4,
            Content::Adts,
            Content::Mp3,
            Content::Jpeg,
        ];
        for content in contents {
            let mut meter = Meter::new(content, &[], &[]);
            meter.push_slice(b"<!DOCTYPE html><html>sign in</html>");
            assert_eq!(seen(meter).structure, Structure::Page(Page::Html));
        }
        let mut meter = Meter::new(Content::Opaque, &[], &[]);
        meter.push_slice(b"<?xml version=\"1.0\"?><MPD/>");
        assert_eq!(seen(meter).structure, Structure::NotExamined);
    }
}
