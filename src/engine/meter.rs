//! Everything that is computed from bytes while they pass: digests and structure, in one go.

use std::collections::BTreeSet;

use crc_fast::{CrcAlgorithm, Digest as Crc};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

use super::examining::{Examination, Look};
use super::qetag::Qetag;
use crate::domain::digest::{Algorithm, Digest};
use crate::domain::verdict::{Content, Framing, Observation};

/// Measures one body.
pub(super) struct Meter {
    size: u64,
    sha256: Sha256,
    others: Vec<Other>,
    structure: Examination,
}

enum Other {
    Md5(Box<Md5>),
    Sha1(Box<Sha1>),
    Qetag(Box<Qetag>),
    Crc(Algorithm, Box<Crc>),
}

impl Meter {
    /// Measures what `published` and what another place `vouched` for need, and no more: MD5 costs twice what
    /// SHA-256 does, so it is computed only where it is the best that a store has.
    pub(super) fn new(content: Content, published: &[Digest], vouched: &[Digest]) -> Self {
        let best = |digests: &[Digest]| digests.iter().map(Digest::algorithm).min();
        let wanted: BTreeSet<_> = best(published).into_iter().chain(best(vouched)).collect();
        let others = wanted
            .into_iter()
            .filter_map(|algorithm| match algorithm {
                Algorithm::Md5 => Some(Other::Md5(Box::default())),
                Algorithm::Sha1 => Some(Other::Sha1(Box::default())),
                Algorithm::Qetag => Some(Other::Qetag(Box::default())),
                Algorithm::Crc64Nvme => Some(crc(algorithm, CrcAlgorithm::Crc64Nvme)),
                Algorithm::Crc64Xz => Some(crc(algorithm, CrcAlgorithm::Crc64Xz)),
                Algorithm::Crc32c => Some(crc(algorithm, CrcAlgorithm::Crc32Iscsi)),
                Algorithm::Crc32 => Some(crc(algorithm, CrcAlgorithm::Crc32IsoHdlc)),
                Algorithm::Sha256 => None,
            })
            .collect();
        Self { size: 0, sha256: Sha256::new(), others, structure: Examination::new(content) }
    }

    /// The same, before the first byte: how closely the structure is looked at.
    pub(super) fn looking(mut self, content: Content, look: Look) -> Self {
        self.structure = Examination::looking(content, look);
        self
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.size += bytes.len() as u64;
        self.sha256.update(bytes);
        for other in &mut self.others {
            match other {
                Other::Md5(md5) => md5.update(bytes),
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

    pub(super) fn finish(self, framing: Framing) -> Observation {
        let sha256: [u8; 32] = self.sha256.finalize().into();
        let mut digests: Vec<_> = Digest::new(Algorithm::Sha256, sha256).into_iter().collect();
        for other in self.others {
            digests.extend(match other {
                Other::Md5(md5) => Digest::new(Algorithm::Md5, md5.finalize().to_vec()),
                Other::Sha1(sha1) => Digest::new(Algorithm::Sha1, sha1.finalize().to_vec()),
                Other::Qetag(qetag) => Digest::new(Algorithm::Qetag, qetag.finish()),
                Other::Crc(algorithm, crc) => {
                    let bytes = crc.finalize().to_be_bytes();
                    Digest::new(algorithm, &bytes[8 - algorithm.digest_bytes()..])
                }
            });
        }
        let structure = self.structure.finish();
        Observation { size: self.size, framing, digests, structure }
    }
}

fn crc(algorithm: Algorithm, kind: CrcAlgorithm) -> Other {
    Other::Crc(algorithm, Box::new(Crc::new(kind)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::verdict::{Page, Structure};

    fn digest_of(algorithm: Algorithm, text: &[u8]) -> String {
        let published = Digest::new(algorithm, vec![0; algorithm.digest_bytes()]).unwrap();
        let mut meter = Meter::new(Content::Opaque, &[published], &[]);
        for byte in text.chunks(1) {
            meter.push(byte);
        }
        let seen = meter.finish(Framing::Length);
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
        let found: Vec<_> = meter.finish(Framing::Length).digests.iter().map(Digest::algorithm).collect();
        assert_eq!(found, [Algorithm::Sha256, Algorithm::Crc64Nvme]);
        let meter = Meter::new(Content::Opaque, &[md5, crc], &[sha1]);
        let found: Vec<_> = meter.finish(Framing::Length).digests.iter().map(Digest::algorithm).collect();
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
            meter.push(b"<!DOCTYPE html><html>sign in</html>");
            assert_eq!(meter.finish(Framing::Length).structure, Structure::Page(Page::Html));
        }
        let mut meter = Meter::new(Content::Opaque, &[], &[]);
        meter.push(b"<?xml version=\"1.0\"?><MPD/>");
        assert_eq!(meter.finish(Framing::Length).structure, Structure::NotExamined);
    }
}
