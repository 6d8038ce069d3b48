//! Qiniu's hash of objects, computed while the bytes pass.

use sha1::{Digest as _, Sha1};

use crate::domain::digest::{QETAG_BLOCK, qetag_form};

/// The qetag of what was pushed, in memory that does not grow with it.
#[derive(Default)]
pub(super) struct Qetag {
    size: u64,
    /// The block that is being filled.
    block: Sha1,
    in_block: usize,
    /// The SHA-1s of the full blocks.
    blocks: Sha1,
}

impl Qetag {
    pub(super) fn push(&mut self, mut bytes: &[u8]) {
        self.size += bytes.len() as u64;
        while !bytes.is_empty() {
            // A block is closed when the next one starts: whether a full first block is all there is decides
            // the form.
            if self.in_block == QETAG_BLOCK {
                self.blocks.update(self.block.finalize_reset());
                self.in_block = 0;
            }
            let (now, later) = bytes.split_at(bytes.len().min(QETAG_BLOCK - self.in_block));
            self.block.update(now);
            self.in_block += now.len();
            bytes = later;
        }
    }

    pub(super) fn finish(mut self) -> Vec<u8> {
        let form = qetag_form(self.size);
        let last = self.block.finalize();
        let sha1 = if self.size <= QETAG_BLOCK as u64 {
            last
        } else {
            self.blocks.update(last);
            self.blocks.finalize()
        };
        [&[form], &sha1[..]].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::digest::{Algorithm, Digest};

    fn qetag(bytes: &[u8], chunk: usize) -> String {
        let mut qetag = Qetag::default();
        for chunk in bytes.chunks(chunk) {
            qetag.push(chunk);
        }
        Digest::new(Algorithm::Qetag, qetag.finish()).unwrap().qetag_text().unwrap()
    }

    #[test]
    fn known_objects_have_their_known_qetag_however_they_come() {
        let (full, more) = (vec![b'a'; QETAG_BLOCK], vec![b'a'; QETAG_BLOCK + 1]);
        for (bytes, expected) in [
            (&b""[..], "Fto5o-5ea0sNMlW_75VgGJCv2AcJ"),
            (b"hello", "Fqr0xh3cxeii2r7eDztILNmuqUNN"),
            (&full, "FuwQ-vpd56Izwiom1JHzCIdrQa4_"),
            (&more, "lieGn00gWdbfwEIHaUpzu4drHeun"),
        ] {
            for chunk in [4097, 65_536, 1_000_003, QETAG_BLOCK - 1, QETAG_BLOCK, QETAG_BLOCK + 1] {
                assert_eq!(qetag(bytes, chunk), expected, "{} bytes by {chunk}", bytes.len());
            }
        }
    }

    #[test]
    fn every_byte_of_every_block_counts() {
        let mut bytes = vec![7; 2 * QETAG_BLOCK + 5];
        let right = qetag(&bytes, 65_536);
        for at in [0, QETAG_BLOCK - 1, QETAG_BLOCK, 2 * QETAG_BLOCK + 4] {
            bytes[at] ^= 1;
            assert_ne!(qetag(&bytes, 65_536), right, "byte {at}");
            bytes[at] ^= 1;
        }
        bytes.truncate(2 * QETAG_BLOCK);
        assert_ne!(qetag(&bytes, 65_536), right);
        assert_eq!(qetag(&bytes, 1_000_003), qetag(&bytes, QETAG_BLOCK));
    }
}
